/* SPDX-License-Identifier: MIT */
/* kernels.h: the table of single-thread kernels, one per instruction set level.
 *
 * Every source in this folder is compiled once for each level with ESP_KERNEL_LEVEL set to the
 * level's name and the compiler's flags to match; the device picks a table when it opens. Kernels
 * know nothing of threads, views or errors: they work on contiguous f32 rows in host memory. Any
 * pointer may be unaligned. Where an output is called y it may be the same memory as x.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ops/cpu/kernels/blocks.h"
#include "ops/ops.h"

/* Winograd's tile of a convolution's result, and the side of the input it is made from. */
#define ESP_WINOGRAD_TILE   4
#define ESP_WINOGRAD_SIDE   6
#define ESP_WINOGRAD_POINTS (ESP_WINOGRAD_SIDE * ESP_WINOGRAD_SIDE)

/* The most rows and columns that any level's product tile has. */
#define ESP_TILE_ROWS_MAX 16
#define ESP_TILE_COLS_MAX 64

typedef struct EspKernels
{
  const char *name; /* "baseline", "avx2", "avx512" */

  /* --- Numbers --- */

  void (*widen_bf16) (const uint16_t *x, int64_t n, float *y);
  void (*narrow_bf16) (const float *x, int64_t n, uint16_t *y);
  /* y = x rounded to the nearest bf16 (ties to even), still as f32. */
  void (*round_bf16) (const float *x, int64_t n, float *y);

  /* --- Element by element --- */

  void (*activate) (EspActivation activation, const float *x, int64_t n, float *y);
  void (*multiply) (const float *a, const float *b, int64_t n, float *y);
  /* y = a·x + b·y; with b = 0 y is only written. */
  void (*scale_add) (float a, const float *x, float b, int64_t n, float *y);
  /* The end of a linear layer on one row: t = activation (x + bias); t *= gate; y = accumulate ?
   * y + t : t. bias and gate may be NULL. */
  void (*finish_row) (const float *x, const float *bias, EspActivation activation,
                      const float *gate, bool accumulate, int64_t n, float *y);

  /* --- One row's norms --- */

  /* y = (x - mean)/√(var + eps)·(scale + scale_offset) + shift. scale NULL: 1, shift NULL: 0. */
  void (*norm_row) (const float *x, int64_t n, const float *scale, float scale_offset,
                    const float *shift, float eps, float *y);
  /* y = x/√(mean (x²) + eps)·weight. */
  void (*rms_row) (const float *x, int64_t n, const float *weight, float eps, float *y);
  /* rms_row on each of `heads` stretches of head_dim, then, if cosine is not NULL, y = y·cosine +
   * swap (y)·sine, where swap exchanges elements 2i and 2i+1. cosine and sine hold head_dim floats
   * (each angle twice, the sine's first of a pair negated). */
  void (*head_norm_row) (const float *x, int64_t heads, int64_t head_dim, const float *weight,
                         float eps, const float *cosine, const float *sine, float *y);

  /* --- Products --- */

  /* Σ x[i]·w[i]. */
  float (*dot) (const float *x, const float *w, int64_t n);
  float (*dot_bf16) (const float *x, const uint16_t *w, int64_t n);

  /* --- Weights --- */

  /* By format; NULL for those without blocks. */
  const EspDecodeBlocks *decode_blocks;
  /* y = q·scale + minimum of its group of 16 or 32 (minimums NULL: 0). */
  void (*expand_groups) (const int8_t *q, const float *scales, const float *minimums, int group,
                         int64_t n, float *y);
  /* n numbers of a format without blocks, at any address, times `scale`. */
  void (*widen_weights) (EspDType dtype, const void *x, float scale, int64_t n, float *y);

  /* The register tile: c[r·ldc + j] (+)= Σ_k a[r·lda + k]·b[k·tile_cols + j] for r < rows ≤
   * tile_rows and all tile_cols columns. Meanwhile the 4·k floats at `next`, any address, are
   * brought nearer. */
  int tile_rows, tile_cols;
  void (*tile) (int rows, int64_t k, const float *a, int64_t lda, const float *b, const float *next,
                bool accumulate, float *c, int64_t ldc);
  /* b panel of tile_cols keys: panel[d·tile_cols + j] = x[j·stride + d] for j < count, else 0. */
  void (*pack_transposed) (const float *x, int64_t stride, int64_t count, int64_t depth,
                           float *panel);
  /* One row of logits, softmax'ed piecewise: s[j] = exp (s[j]·scale + bias[j] - new maximum) for
   * j < n; bias may be NULL. *maximum is raised to the new maximum, *sum is what it was, rescaled,
   * plus this stretch's sum. Returns the factor for what was accumulated so far. */
  float (*softmax_piece) (float *s, int64_t n, float scale, const float *bias, float *maximum,
                          float *sum);
  void (*scale) (float a, int64_t n, float *y);

  /* --- Images --- */

  /* y = (x - mean)·factor + bias per channel, then SiLU if asked, for `pixels` rows of n that are
   * x_step and y_step floats from each other. */
  void (*group_norm) (const float *x, int64_t x_step, int64_t pixels, int64_t n, const float *mean,
                      const float *factor, const float *bias, bool silu, float *y, int64_t y_step);
  /* sum[c] += Σ (x - shift[c]), square[c] += Σ (x - shift[c])², in f64, over `pixels` rows. */
  void (*channel_sums) (const float *x, int64_t pixels, int64_t n, const float *shift, double *sum,
                        double *square);

  /* --- Convolutions by Winograd's F(4×4, 3×3) --- */

  /* One tile's input, 6 × 6 pixels of `channels` floats (rounded up to whole vectors, all of which
   * are read and written), to its 36 points: point p at v + p·point_step. */
  void (*winograd_input) (const float *x, int64_t row_step, int64_t pixel_step, int64_t channels,
                          float *v, int64_t point_step);
  /* The weights of tile_cols outputs, w[(i·9 + tap)·tile_cols + out], likewise: point p of input i
   * is the tile_cols numbers at u + p·point_step + i·tile_cols. */
  void (*winograd_weights) (const float *w, int64_t in, float *u, int64_t point_step);
  /* y (+)= the tile made from its points + bias, for the first `rows` × `cols` of 4 × 4 pixels.
   * Whole vectors are read of m, `channels` of all else. */
  void (*winograd_output) (const float *m, int64_t point_step, const float *bias, bool accumulate,
                           int64_t channels, int rows, int cols, float *y, int64_t row_step,
                           int64_t pixel_step);
} EspKernels;

extern const EspKernels esp_kernels_baseline;
#if defined(__x86_64__)
extern const EspKernels esp_kernels_avx2;
extern const EspKernels esp_kernels_avx512;
#endif
