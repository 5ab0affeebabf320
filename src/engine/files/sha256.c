/* SPDX-License-Identifier: MIT */
#include "files/sha256.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64
 * primes. */
static const uint32_t constants[64] = {
  0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
  0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
  0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
  0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
  0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
  0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
  0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
  0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2
};

/* FIPS 180-4, 5.3.3: the same of the square roots of the first eight primes. */
static const uint32_t initial_state[8] = { 0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                           0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19 };

/* --- One block after the other, portably (FIPS 180-4, 6.2.2) ------------------------------ */

static inline uint32_t
rotate (uint32_t x, int n)
{
  return (x >> n) | (x << (32 - n));
}

static inline uint32_t
load_big_endian (const uint8_t *bytes)
{
  return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8
         | bytes[3];
}

/* One round. The eight letters move on by one place a round; here the caller names them in another
 * order instead, so that only two change. */
static inline __attribute__ ((always_inline)) void
one_round (uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f, uint32_t g,
           uint32_t *h, uint32_t sum)
{
  sum += *h + (rotate (e, 6) ^ rotate (e, 11) ^ rotate (e, 25)) + (g ^ (e & (f ^ g)));
  *d += sum;
  *h = sum + (rotate (a, 2) ^ rotate (a, 13) ^ rotate (a, 22)) + ((a & b) | (c & (a | b)));
}

static void
compress_portable (uint32_t state[8], const uint8_t *blocks, size_t count)
{
  for (; count > 0; count--, blocks += ESP_SHA256_BLOCK)
    {
      uint32_t w[64];
      uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
      uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

      for (int t = 0; t < 16; t++)
        w[t] = load_big_endian (blocks + 4 * t);
      for (int t = 16; t < 64; t++)
        {
          uint32_t x = w[t - 15], y = w[t - 2];

          w[t] = (rotate (y, 17) ^ rotate (y, 19) ^ (y >> 10)) + w[t - 7]
                 + (rotate (x, 7) ^ rotate (x, 18) ^ (x >> 3)) + w[t - 16];
        }

      for (int t = 0; t < 64; t += 8)
        {
          const uint32_t *k = constants + t, *v = w + t;

          one_round (a, b, c, &d, e, f, g, &h, k[0] + v[0]);
          one_round (h, a, b, &c, d, e, f, &g, k[1] + v[1]);
          one_round (g, h, a, &b, c, d, e, &f, k[2] + v[2]);
          one_round (f, g, h, &a, b, c, d, &e, k[3] + v[3]);
          one_round (e, f, g, &h, a, b, c, &d, k[4] + v[4]);
          one_round (d, e, f, &g, h, a, b, &c, k[5] + v[5]);
          one_round (c, d, e, &f, g, h, a, &b, k[6] + v[6]);
          one_round (b, c, d, &e, f, g, h, &a, k[7] + v[7]);
        }

      state[0] += a;
      state[1] += b;
      state[2] += c;
      state[3] += d;
      state[4] += e;
      state[5] += f;
      state[6] += g;
      state[7] += h;
    }
}

/* --- With the x86 SHA extensions ----------------------------------------------------------- */

#if defined(__x86_64__)

#define SHA __attribute__ ((target ("sha,sse4.1,ssse3")))

/* Four rounds with the schedule words `w` from round `t` on. The instructions keep the state as
 * (a, b, e, f) and (c, d, g, h). */
SHA static inline void
four_rounds (__m128i *abef, __m128i *cdgh, __m128i w, int t)
{
  __m128i sum = _mm_add_epi32 (w, _mm_loadu_si128 ((const __m128i *) (constants + t)));

  *cdgh = _mm_sha256rnds2_epu32 (*cdgh, *abef, sum);
  sum = _mm_shuffle_epi32 (sum, 0x0E);
  *abef = _mm_sha256rnds2_epu32 (*abef, *cdgh, sum);
}

/* The next four schedule words after the sixteen in `a`, `b`, `c`, `d`. */
SHA static inline __m128i
next_words (__m128i a, __m128i b, __m128i c, __m128i d)
{
  __m128i sum = _mm_add_epi32 (_mm_sha256msg1_epu32 (a, b), _mm_alignr_epi8 (d, c, 4));

  return _mm_sha256msg2_epu32 (sum, d);
}

SHA static inline __m128i
load_words (const uint8_t *block, int index)
{
  const __m128i reverse = _mm_set_epi64x (0x0C0D0E0F08090A0B, 0x0405060700010203);

  return _mm_shuffle_epi8 (_mm_loadu_si128 ((const __m128i *) (block + 16 * index)), reverse);
}

SHA static void
compress_x86 (uint32_t state[8], const uint8_t *blocks, size_t count)
{
  __m128i abcd = _mm_loadu_si128 ((const __m128i *) state);
  __m128i efgh = _mm_loadu_si128 ((const __m128i *) (state + 4));
  __m128i badc = _mm_shuffle_epi32 (abcd, 0xB1);
  __m128i hgfe = _mm_shuffle_epi32 (efgh, 0x1B);
  __m128i abef = _mm_alignr_epi8 (badc, hgfe, 8);
  __m128i cdgh = _mm_blend_epi16 (hgfe, badc, 0xF0);

  for (; count > 0; count--, blocks += ESP_SHA256_BLOCK)
    {
      const __m128i abef_before = abef, cdgh_before = cdgh;
      __m128i w0 = load_words (blocks, 0), w1 = load_words (blocks, 1);
      __m128i w2 = load_words (blocks, 2), w3 = load_words (blocks, 3);

      for (int t = 0;; t += 16)
        {
          four_rounds (&abef, &cdgh, w0, t);
          four_rounds (&abef, &cdgh, w1, t + 4);
          four_rounds (&abef, &cdgh, w2, t + 8);
          four_rounds (&abef, &cdgh, w3, t + 12);
          if (t == 48)
            break;
          w0 = next_words (w0, w1, w2, w3);
          w1 = next_words (w1, w2, w3, w0);
          w2 = next_words (w2, w3, w0, w1);
          w3 = next_words (w3, w0, w1, w2);
        }
      abef = _mm_add_epi32 (abef, abef_before);
      cdgh = _mm_add_epi32 (cdgh, cdgh_before);
    }

  __m128i feba = _mm_shuffle_epi32 (abef, 0x1B);
  __m128i dchg = _mm_shuffle_epi32 (cdgh, 0xB1);

  _mm_storeu_si128 ((__m128i *) state, _mm_blend_epi16 (feba, dchg, 0xF0));
  _mm_storeu_si128 ((__m128i *) (state + 4), _mm_alignr_epi8 (dchg, feba, 8));
}

static _Bool
have_sha_instructions (void)
{
  unsigned a, b, c, d;

  return __get_cpuid_count (7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0
         && __builtin_cpu_supports ("sse4.1");
}
#endif

/* --- The stream ---------------------------------------------------------------------------- */

void
esp_sha256_init_portable (EspSha256 *sha)
{
  memset (sha, 0, sizeof *sha);
  memcpy (sha->state, initial_state, sizeof sha->state);
  sha->compress = compress_portable;
}

void
esp_sha256_init (EspSha256 *sha)
{
  esp_sha256_init_portable (sha);
#if defined(__x86_64__)
  if (have_sha_instructions ())
    sha->compress = compress_x86;
#endif
}

void
esp_sha256_update (EspSha256 *sha, const void *bytes, size_t length)
{
  const uint8_t *from = bytes;
  size_t used = (size_t) (sha->length % ESP_SHA256_BLOCK);

  if (length == 0)
    return;
  sha->length += length;
  if (used > 0)
    {
      size_t part = ESP_SHA256_BLOCK - used < length ? ESP_SHA256_BLOCK - used : length;

      memcpy (sha->pending + used, from, part);
      from += part;
      length -= part;
      if (used + part < ESP_SHA256_BLOCK)
        return;
      sha->compress (sha->state, sha->pending, 1);
    }
  sha->compress (sha->state, from, length / ESP_SHA256_BLOCK);
  memcpy (sha->pending, from + length / ESP_SHA256_BLOCK * ESP_SHA256_BLOCK,
          length % ESP_SHA256_BLOCK);
}

void
esp_sha256_finish (EspSha256 *sha, char hex[ESP_SHA256_HEX_SIZE])
{
  static const char digits[] = "0123456789abcdef";
  const uint64_t bits = sha->length * 8;
  uint8_t padding[2 * ESP_SHA256_BLOCK] = { 0x80 };
  /* A one bit, zeros, and the length in the last eight bytes of a block (FIPS 180-4, 5.1.1). */
  size_t zeros
      = (size_t) ((2 * ESP_SHA256_BLOCK - 9 - sha->length % ESP_SHA256_BLOCK) % ESP_SHA256_BLOCK);

  for (size_t i = 0; i < 8; i++)
    padding[1 + zeros + i] = (uint8_t) (bits >> (56 - 8 * i));
  esp_sha256_update (sha, padding, 1 + zeros + 8);

  for (size_t i = 0; i < 64; i++)
    hex[i] = digits[(sha->state[i / 8] >> (28 - 4 * (i % 8))) & 15];
  hex[64] = '\0';
}
