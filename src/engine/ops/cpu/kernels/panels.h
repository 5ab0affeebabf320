/* SPDX-License-Identifier: MIT */
/* panels.h: matrix products in register tiles, one table per kind of operand and instruction set.
 *
 * Both operands are cut into 32-bit words, each one f32, two bf16 or four signed bytes that follow
 * each other along the depth:
 * - a panel holds `cols` outputs of the weight: word w of output j is panel[w·cols + j];
 * - a strip holds `rows` rows of x: word w of row r is strip[w·rows + r] (on a matrix unit
 *   strip[w/16·256 + 16·r + w%16], which is a tile of it for each 16 words).
 * A row's result depends on that row alone: the order of its sums follows from the depth and the
 * slabs that the caller cuts it into, never from the rows beside it.
 *
 * Split numbers are f32 as the sum of two bf16, high and low, and take a word each: of 32 numbers
 * that follow each other 16 words of the high parts, then 16 of the low ones. The product of the
 * low parts is left out, so that a product is off by 2⁻¹⁷ or so.
 *
 * Signed bytes come with a scale for each 32 of a row of x and each `group` (16 or 32) of an
 * output, and where the format has one, a number that is added to each of a group's (a "minimum"):
 *   Σ_groups scale_x·scale_w·Σ q_x·q_w + minimum_w·(scale_x·Σ q_x).
 * The 32 of x may also be counted from their middle, which adds Σ middle_x·Σ w.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ops/ops.h"

typedef enum
{
  ESP_OPERAND_F32,
  ESP_OPERAND_BF16,
  ESP_OPERAND_S8,
  ESP_OPERAND_SPLIT,
} EspOperand;

#define ESP_SCALED 32 /* numbers of x that share a scale */

/* What sums of bytes begin at, as a float, and its bits. */
#define ESP_INTEGER_START 12582912.0f
#define ESP_INTEGER_BITS  0x4b400000

/* Some depth of strips. The last four are for signed bytes only. */
typedef struct EspStrips
{
  const uint32_t *words;
  const float *scales;    /* [depth/32][rows] */
  const int32_t *offsets; /* [depth/group][rows]: what the integer sums begin at */
  const float *totals;    /* [depth/group][rows]: scale·Σ q */
  const float *middles;   /* [depth/32][rows], or NULL: all zero */
  /* From one strip to the next; scale_step is the middles' too. */
  int64_t word_step, scale_step, group_step;
} EspStrips;

/* The same depth of a panel. */
typedef struct EspPanel
{
  const uint32_t *words;
  const float *scales, *minimums; /* [depth/group][cols]; the latter may be NULL */
  const float *sums;              /* [depth/32][cols]: Σ w; not read without middles */
  int group;
  bool high_only; /* split numbers whose low parts are all zero */
} EspPanel;

typedef struct EspPanelKernels
{
  const char *name;
  EspOperand operand;
  int rows, cols; /* of a strip and a panel */
  int strips;     /* that `multiply` wants at once: their number is a multiple of this */
  int depth;      /* the depth is padded with zeros to a multiple of this */
  /* The device's blocking: rows and columns whose sums wait for the end, depth of a slab. */
  int64_t block_rows, block_cols, slab;

  /* Around products, on each thread; may be NULL. */
  void (*begin) (void);
  void (*end) (void);
  /* `words` words of `count` ≤ cols outputs, row_bytes apart at `rows` (any alignment), into a
   * panel; the other outputs become zero. */
  void (*turn) (const void *rows, int64_t row_bytes, int64_t count, int64_t words, uint32_t *panel);
  /* The words of one row of x into its place in a strip. */
  void (*place) (const uint32_t *words, int64_t count, int place, uint32_t *strip);
  /* Signed bytes: n numbers (a multiple of 32) of a row; scales[n/32], sums[n/group] are Σ q. NaN
   * and infinity make a scale NaN. middles [n/32] may be NULL: zeros. Else NULL. */
  void (*quantise) (const float *x, int64_t n, int group, int8_t *q, float *scales, int32_t *sums,
                    float *middles);
  /* Signed bytes: y[i] = Σ of 32 q. */
  void (*sum_bytes) (const int8_t *q, int64_t n, int32_t *y);
  /* Signed bytes: the panel's bytes are kept with this added, 0 or 128, so that integer sums begin
   * at ESP_INTEGER_BITS less this times Σ q. */
  int offset;
  /* bf16 and split numbers: the words of q·scale + minimum of its group (see
   * EspKernels.expand_groups). n is a multiple of 32. */
  void (*expand_groups) (const int8_t *q, const float *scales, const float *minimums, int group,
                         int64_t n, void *y);
  /* Split numbers: n of them, and zeros up to a multiple of 32. Else NULL. */
  void (*split) (const float *x, int64_t n, uint32_t *words);
  /* c (+)= strips·panel; rows of c c_stride apart. `depth` is a multiple of .depth. */
  void (*multiply) (int64_t strips, int64_t depth, const EspStrips *left, const EspPanel *right,
                    bool accumulate, float *c, int64_t c_stride);
} EspPanelKernels;

extern const EspPanelKernels esp_panels_f32_baseline, esp_panels_s8_baseline;
#if defined(__x86_64__)
extern const EspPanelKernels esp_panels_f32_avx2, esp_panels_s8_avx2, esp_panels_s8_avxvnni;
extern const EspPanelKernels esp_panels_f32_avx512, esp_panels_s8_avx512vnni;
extern const EspPanelKernels esp_panels_bf16_avx512bf16, esp_panels_bf16_amx;
extern const EspPanelKernels esp_panels_split_amx;
#elif defined(__aarch64__)
extern const EspPanelKernels esp_panels_s8_dotprod;
#endif
