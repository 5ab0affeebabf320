/* SPDX-License-Identifier: MIT */
/* panels-f32.c: products of f32. */
#include "ops/cpu/kernels/panels.h"
#include "ops/cpu/kernels/parts.h"
#include "ops/cpu/kernels/turn.h"

/* Sums, two vectors of the panel and one number of x fill the registers. */
#define ROWS ESP_TILE_ROWS

static void
turn (const void *rows, int64_t row_bytes, int64_t count, int64_t words, uint32_t *panel)
{
  turn_panel (rows, row_bytes, count, words, panel);
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
  const float *panel = (const float *) (const void *) right->words;

  for (int64_t strip = 0; strip < strips; strip++)
    {
      const float *x = (const float *) (const void *) (left->words + strip * left->word_step);
      float *out = c + strip * ROWS * c_stride;
      vfloat sums[ROWS][2];

#pragma GCC unroll 16
      for (int r = 0; r < ROWS; r++)
        sums[r][0] = sums[r][1] = (vfloat){ 0 };
      for (int64_t k = 0; k < depth; k++, x += ROWS)
        {
          vfloat w0 = vload (panel + k * PANEL_COLS), w1 = vload (panel + k * PANEL_COLS + VN);
#pragma GCC unroll 16
          for (int r = 0; r < ROWS; r++)
            {
              vfloat factor = vset (x[r]);
              sums[r][0] += factor * w0;
              sums[r][1] += factor * w1;
            }
        }
#pragma GCC unroll 16
      for (int r = 0; r < ROWS; r++)
        {
          float *row = out + r * c_stride;
          if (accumulate)
            {
              sums[r][0] += vload (row);
              sums[r][1] += vload (row + VN);
            }
          vstore (row, sums[r][0]);
          vstore (row + VN, sums[r][1]);
        }
    }
}

const EspPanelKernels ESP_KERNEL (esp_panels_f32) = {
  .name = "f32",
  .operand = ESP_OPERAND_F32,
  .rows = ROWS,
  .cols = PANEL_COLS,
  .strips = 1,
  .depth = 1,
  .block_rows = 384,
  .block_cols = 256,
  .slab = 256,
  .turn = turn,
  .place = place,
  .multiply = multiply,
};
