/* SPDX-License-Identifier: MIT */
/* turn.h: rows of 32-bit words into columns, for the panels of this level. */
#pragma once

#include "ops/cpu/kernels/vector.h"

#define PANEL_COLS (2 * VN)

#if defined(__AVX512F__)
/* 16 rows of up to 16 words into columns [0, 16) of `words` rows of a panel. */
static inline void
turn_square (const char *rows, int64_t row_bytes, int64_t count, int64_t words, uint32_t *panel)
{
  const __mmask16 mask = words >= 16 ? (__mmask16) 0xffff : (__mmask16) ((1u << words) - 1);
  __m512i a[16], b[16];

#pragma GCC unroll 16
  for (int i = 0; i < 16; i++)
    a[i] = i < count ? _mm512_maskz_loadu_epi32 (mask, rows + i * row_bytes)
                     : _mm512_setzero_si512 ();
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2)
    {
      b[i] = _mm512_unpacklo_epi32 (a[i], a[i + 1]);
      b[i + 1] = _mm512_unpackhi_epi32 (a[i], a[i + 1]);
    }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4)
    {
      a[i] = _mm512_unpacklo_epi64 (b[i], b[i + 2]);
      a[i + 1] = _mm512_unpackhi_epi64 (b[i], b[i + 2]);
      a[i + 2] = _mm512_unpacklo_epi64 (b[i + 1], b[i + 3]);
      a[i + 3] = _mm512_unpackhi_epi64 (b[i + 1], b[i + 3]);
    }
    /* a[4·i + j] holds, of rows 4·i …, column j in its first quarter, 4 + j in the second, … */
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++)
    {
      __m512i even = _mm512_shuffle_i32x4 (a[j], a[4 + j], 0x88);
      __m512i odd = _mm512_shuffle_i32x4 (a[j], a[4 + j], 0xdd);
      __m512i more_even = _mm512_shuffle_i32x4 (a[8 + j], a[12 + j], 0x88);
      __m512i more_odd = _mm512_shuffle_i32x4 (a[8 + j], a[12 + j], 0xdd);

      b[j] = _mm512_shuffle_i32x4 (even, more_even, 0x88);
      b[4 + j] = _mm512_shuffle_i32x4 (odd, more_odd, 0x88);
      b[8 + j] = _mm512_shuffle_i32x4 (even, more_even, 0xdd);
      b[12 + j] = _mm512_shuffle_i32x4 (odd, more_odd, 0xdd);
    }
  if (words >= 16)
    {
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++)
        _mm512_storeu_si512 (panel + i * PANEL_COLS, b[i]);
      return;
    }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++)
    if (i < words)
      _mm512_storeu_si512 (panel + i * PANEL_COLS, b[i]);
}
#elif defined(__AVX2__)
/* 8 rows of 8 words. */
static inline void
turn_square (const char *rows, int64_t row_bytes, int64_t count, int64_t words, uint32_t *panel)
{
  uint32_t part[8] = { 0 };
  __m256i a[8], b[8];

#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    if (i >= count)
      a[i] = _mm256_setzero_si256 ();
    else if (words >= 8)
      a[i] = _mm256_loadu_si256 ((const __m256i *) (const void *) (rows + i * row_bytes));
    else
      {
        memcpy (part, rows + i * row_bytes, (size_t) words * 4);
        a[i] = _mm256_loadu_si256 ((const __m256i *) (const void *) part);
      }
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2)
    {
      b[i] = _mm256_unpacklo_epi32 (a[i], a[i + 1]);
      b[i + 1] = _mm256_unpackhi_epi32 (a[i], a[i + 1]);
    }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4)
    {
      a[i] = _mm256_unpacklo_epi64 (b[i], b[i + 2]);
      a[i + 1] = _mm256_unpackhi_epi64 (b[i], b[i + 2]);
      a[i + 2] = _mm256_unpacklo_epi64 (b[i + 1], b[i + 3]);
      a[i + 3] = _mm256_unpackhi_epi64 (b[i + 1], b[i + 3]);
    }
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++)
    {
      b[j] = _mm256_permute2x128_si256 (a[j], a[4 + j], 0x20);
      b[4 + j] = _mm256_permute2x128_si256 (a[j], a[4 + j], 0x31);
    }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    if (i < words)
      _mm256_storeu_si256 ((__m256i *) (void *) (panel + i * PANEL_COLS), b[i]);
}
#else
static inline void
turn_square (const char *rows, int64_t row_bytes, int64_t count, int64_t words, uint32_t *panel)
{
  uint32_t part[VN][VN] = { { 0 } };

  words = words < VN ? words : VN;
  for (int64_t i = 0; i < count && i < VN; i++)
    memcpy (part[i], rows + i * row_bytes, (size_t) words * 4);
  for (int64_t w = 0; w < words; w++)
    for (int64_t i = 0; i < VN; i++)
      panel[w * PANEL_COLS + i] = part[i][w];
}
#endif

/* See EspPanelKernels.turn. */
static inline void
turn_panel (const void *source, int64_t row_bytes, int64_t count, int64_t words, uint32_t *panel)
{
  const char *rows = source;

  for (int64_t half = 0; half < PANEL_COLS; half += VN)
    for (int64_t w = 0; w < words; w += VN)
      turn_square (rows + half * row_bytes + w * 4, row_bytes, count - half, words - w,
                   panel + w * PANEL_COLS + half);
}

/* See EspPanelKernels.place. */
static inline __attribute__ ((always_inline)) void
place_words (const int rows, const uint32_t *words, int64_t count, int place, uint32_t *strip)
{
  for (int64_t w = 0; w < count; w++)
    strip[w * rows + place] = words[w];
}

#if defined(__AVX512BF16__)
/* 32 numbers of one group, or of two. */
static inline void
expand_32 (const int8_t *q, const float *scales, const float *minimums, int64_t second, __m512 *low,
           __m512 *high)
{
  const __m512 scale = _mm512_set1_ps (scales[0]), other = _mm512_set1_ps (scales[second]);

  *low = _mm512_cvtepi32_ps (
      _mm512_cvtepi8_epi32 (_mm_loadu_si128 ((const __m128i *) (const void *) q)));
  *high = _mm512_cvtepi32_ps (
      _mm512_cvtepi8_epi32 (_mm_loadu_si128 ((const __m128i *) (const void *) (q + 16))));
  if (minimums != NULL)
    {
      *low = _mm512_fmadd_ps (*low, scale, _mm512_set1_ps (minimums[0]));
      *high = _mm512_fmadd_ps (*high, other, _mm512_set1_ps (minimums[second]));
    }
  else
    {
      *low = _mm512_mul_ps (*low, scale);
      *high = _mm512_mul_ps (*high, other);
    }
}

/* See EspPanelKernels.expand_groups. The processor takes denormals for zero. */
static inline void
expand_to_bf16 (const int8_t *q, const float *scales, const float *minimums, int group, int64_t n,
                void *y)
{
  for (int64_t i = 0; i < n; i += 32)
    {
      __m512 low, high;

      expand_32 (q + i, scales + i / group, minimums != NULL ? minimums + i / group : NULL,
                 group == 16, &low, &high);
      _mm512_storeu_si512 ((uint16_t *) y + i, (__m512i) _mm512_cvtne2ps_pbh (high, low));
    }
}
#endif
