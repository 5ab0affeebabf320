/* SPDX-License-Identifier: MIT */
/* panels-bf16.c: products of bf16 with AVX512-BF16, in pairs that are added up in f32. */
#include "ops/cpu/kernels/panels.h"
#include "ops/cpu/kernels/turn.h"

#define ROWS 12

static void
turn (const void *rows, int64_t row_bytes, int64_t count, int64_t words, uint32_t *panel)
{
  turn_panel (rows, row_bytes, count, words, panel);
}

static void
expand (const int8_t *q, const float *scales, const float *minimums, int group, int64_t n, void *y)
{
  expand_to_bf16 (q, scales, minimums, group, n, y);
}

static void
place (const uint32_t *words, int64_t count, int row, uint32_t *strip)
{
  place_words (ROWS, words, count, row, strip);
}

static void
multiply (int64_t strips, int64_t depth, const EspStrips *left, const EspPanel *right,
          bool accumulate, float *c, int64_t c_stride)
{
  const int64_t words = depth / 2;

  for (int64_t strip = 0; strip < strips; strip++)
    {
      const uint32_t *x = left->words + strip * left->word_step, *panel = right->words;
      float *out = c + strip * ROWS * c_stride;
      __m512 sums[ROWS][2];

#pragma GCC unroll 16
      for (int r = 0; r < ROWS; r++)
        sums[r][0] = sums[r][1] = _mm512_setzero_ps ();
      for (int64_t w = 0; w < words; w++, x += ROWS, panel += PANEL_COLS)
        {
          __m512bh w0 = (__m512bh) _mm512_loadu_si512 (panel);
          __m512bh w1 = (__m512bh) _mm512_loadu_si512 (panel + VN);
#pragma GCC unroll 16
          for (int r = 0; r < ROWS; r++)
            {
              __m512bh pair = (__m512bh) _mm512_set1_epi32 ((int32_t) x[r]);
              sums[r][0] = _mm512_dpbf16_ps (sums[r][0], w0, pair);
              sums[r][1] = _mm512_dpbf16_ps (sums[r][1], w1, pair);
            }
        }
#pragma GCC unroll 16
      for (int r = 0; r < ROWS; r++)
        {
          float *row = out + r * c_stride;
          if (accumulate)
            {
              sums[r][0] = _mm512_add_ps (sums[r][0], _mm512_loadu_ps (row));
              sums[r][1] = _mm512_add_ps (sums[r][1], _mm512_loadu_ps (row + VN));
            }
          _mm512_storeu_ps (row, sums[r][0]);
          _mm512_storeu_ps (row + VN, sums[r][1]);
        }
    }
}

const EspPanelKernels ESP_KERNEL (esp_panels_bf16) = {
  .name = "AVX512-BF16",
  .operand = ESP_OPERAND_BF16,
  .rows = ROWS,
  .cols = PANEL_COLS,
  .strips = 1,
  .depth = 2,
  .block_rows = 768,
  .block_cols = 64,
  .slab = 512,
  .turn = turn,
  .place = place,
  .expand_groups = expand,
  .multiply = multiply,
};
