/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-peak: what the processor's units can do at most, on registers alone.
 *
 *     bench-peak [THREADS]
 *
 * prints one JSON object: thousand million operations a second of each unit there is, a
 * multiply-add counting two: f32, bf16 and s8 of the vector unit, amx_bf16 and amx_s8 of the matrix
 * unit. The best of several runs, all threads together, each by its own processor time: right on a
 * busy machine, too.
 */
#include <omp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

enum
{
  ROUNDS = 1000000,
  CHAINS = 10, /* more than latency times units */
};

/* Returns the operations done; `sink` keeps the compiler from dropping them. */
typedef double (*Unit) (float *sink);

#if defined(__x86_64__)
#define CHAINED(type, start, step, fold, operations)                                               \
  {                                                                                                \
    type sums[CHAINS];                                                                             \
    for (int i = 0; i < CHAINS; i++)                                                               \
      sums[i] = start;                                                                             \
    for (int round = 0; round < ROUNDS; round++)                                                   \
      _Pragma ("GCC unroll 10") for (int i = 0; i < CHAINS; i++) step;                             \
    for (int i = 0; i < CHAINS; i++)                                                               \
      *sink += (float) fold;                                                                       \
    return (operations) *CHAINS * (double) ROUNDS;                                                 \
  }

__attribute__ ((target ("avx512f"))) static double
f32_avx512 (float *sink)
{
  const __m512 factor = _mm512_set1_ps (0.999f);

  CHAINED (__m512, _mm512_set1_ps ((float) i), sums[i] = _mm512_fmadd_ps (sums[i], factor, factor),
           _mm512_reduce_add_ps (sums[i]), 2.0 * 16)
}

__attribute__ ((target ("avx2,fma"))) static double
f32_avx2 (float *sink)
{
  const __m256 factor = _mm256_set1_ps (0.999f);

  CHAINED (__m256, _mm256_set1_ps ((float) i), sums[i] = _mm256_fmadd_ps (sums[i], factor, factor),
           _mm256_cvtss_f32 (sums[i]), 2.0 * 8)
}

__attribute__ ((target ("avx512f,avx512bf16"))) static double
bf16_avx512 (float *sink)
{
  const __m512bh ones = _mm512_cvtne2ps_pbh (_mm512_set1_ps (0.5f), _mm512_set1_ps (0.25f));

  CHAINED (__m512, _mm512_set1_ps ((float) i), sums[i] = _mm512_dpbf16_ps (sums[i], ones, ones),
           _mm512_reduce_add_ps (sums[i]), 2.0 * 32)
}

__attribute__ ((target ("avx512f,avx512vnni"))) static double
s8_avx512 (float *sink)
{
  const __m512i ones = _mm512_set1_epi8 (1);

  CHAINED (__m512i, _mm512_set1_epi32 (i), sums[i] = _mm512_dpbusd_epi32 (sums[i], ones, ones),
           _mm512_reduce_add_epi32 (sums[i]), 2.0 * 64)
}

__attribute__ ((target ("avx2,avxvnni"))) static double
s8_avxvnni (float *sink)
{
  const __m256i ones = _mm256_set1_epi8 (1);

  CHAINED (__m256i, _mm256_set1_epi32 (i), sums[i] = _mm256_dpbusd_avx_epi32 (sums[i], ones, ones),
           _mm256_extract_epi32 (sums[i], 0), 2.0 * 32)
}

__attribute__ ((target ("avx2"))) static double
s8_avx2 (float *sink)
{
  const __m256i ones = _mm256_set1_epi8 (1), wide = _mm256_set1_epi16 (1);

  CHAINED (__m256i, _mm256_set1_epi32 (i),
           sums[i] = _mm256_add_epi32 (
               sums[i], _mm256_madd_epi16 (
                            _mm256_maddubs_epi16 (ones, _mm256_xor_si256 (ones, sums[i])), wide)),
           _mm256_extract_epi32 (sums[i], 0), 2.0 * 32)
}

static const struct
{
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tiles = {
  .palette = 1,
  .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
  .rows = { 16, 16, 16, 16, 16, 16, 16, 16 },
};

/* Four sums, two by two operands, as in a product. */
#define TILED(multiply, operations)                                                                \
  {                                                                                                \
    float found[16][16];                                                                           \
    _tile_loadconfig (&tiles);                                                                     \
    _tile_zero (0);                                                                                \
    _tile_zero (1);                                                                                \
    _tile_zero (2);                                                                                \
    _tile_zero (3);                                                                                \
    _tile_zero (4);                                                                                \
    _tile_zero (5);                                                                                \
    _tile_zero (6);                                                                                \
    _tile_zero (7);                                                                                \
    for (int round = 0; round < ROUNDS / 4; round++)                                               \
      {                                                                                            \
        multiply (0, 4, 6);                                                                        \
        multiply (1, 4, 7);                                                                        \
        multiply (2, 5, 6);                                                                        \
        multiply (3, 5, 7);                                                                        \
      }                                                                                            \
    _tile_stored (0, found, 64);                                                                   \
    _tile_release ();                                                                              \
    *sink += found[0][0];                                                                          \
    return (operations) * (double) ROUNDS;                                                         \
  }

__attribute__ ((target ("amx-tile,amx-bf16"))) static double
bf16_amx (float *sink)
{
  TILED (_tile_dpbf16ps, 2.0 * 16 * 16 * 32)
}

__attribute__ ((target ("amx-tile,amx-int8"))) static double
s8_amx (float *sink)
{
  TILED (_tile_dpbssd, 2.0 * 16 * 16 * 64)
}

/* CPUID leaf 7, of sub-leaf `leaf`. */
static bool
has (unsigned leaf, int word, int bit)
{
  unsigned words[4] = { 0 };

  return __get_cpuid_count (7, leaf, &words[0], &words[1], &words[2], &words[3])
         && (words[word] >> bit & 1);
}

/* Linux gives a process the tiles when it asks (arch_prctl). */
static bool
may_use_tiles (void)
{
#ifdef SYS_arch_prctl
  return syscall (SYS_arch_prctl, 0x1023, 18) == 0;
#else
  return false;
#endif
}
#endif

static double
f32_plain (float *sink)
{
  float sums[CHAINS * 4] = { 0 };

  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < CHAINS * 4; i++)
      sums[i] = sums[i] * 0.999f + 0.999f;
  for (int i = 0; i < CHAINS * 4; i++)
    *sink += sums[i];
  return 2.0 * 4 * CHAINS * ROUNDS;
}

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

static void
measure (const char *name, Unit unit, int threads, bool *first)
{
  double best = 0;
  float total = 0;

  for (int run = 0; run < 7; run++)
    {
      double rate = 0;

#pragma omp parallel num_threads(threads) reduction(+ : rate, total)
      {
        double start = now (), done = unit (&total);

        rate += done / (now () - start) * 1e-9;
      }
      best = rate > best ? rate : best;
    }
  printf ("%s\"%s\": %.1f", *first ? "{" : ", ", name, total == 0.5f ? 0 : best);
  *first = false;
}

int
main (int argc, char **argv)
{
  int threads = argc > 1 ? atoi (argv[1]) : 0;
  bool first = true;
  Unit f32 = f32_plain;

  if (threads < 1)
    threads = omp_get_max_threads ();
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx512f"))
    f32 = f32_avx512;
  else if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    f32 = f32_avx2;
#endif
  measure ("f32", f32, threads, &first);
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx512f") && has (1, 0, 5))
    measure ("bf16", bf16_avx512, threads, &first);
  if (__builtin_cpu_supports ("avx512f") && has (0, 2, 11))
    measure ("s8", s8_avx512, threads, &first);
  else if (has (1, 0, 4))
    measure ("s8", s8_avxvnni, threads, &first);
  else if (__builtin_cpu_supports ("avx2"))
    measure ("s8", s8_avx2, threads, &first);
  if (has (0, 3, 24) && may_use_tiles ())
    {
      if (has (0, 3, 22))
        measure ("amx_bf16", bf16_amx, threads, &first);
      if (has (0, 3, 25))
        measure ("amx_s8", s8_amx, threads, &first);
    }
#endif
  printf ("}\n");
  return 0;
}
