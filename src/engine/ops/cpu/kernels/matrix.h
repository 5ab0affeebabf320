/* SPDX-License-Identifier: MIT */
/* matrix.h: bf16 products on a matrix unit (Intel AMX), if the processor has one.
 *
 * Operands are cut into tiles of 1 KiB, each contiguous:
 * - left tiles hold 16 rows × 32 columns; a strip of 16 rows is its tiles one after another along
 *   the columns;
 * - right tiles hold 32 rows × 16 columns, rows in pairs: element (k, j) is at (k/2)·32 + 2·j +
 * k%2; a panel of 32 columns is, along the rows, pairs of tiles (left half, right half). Both are
 * padded with zeros to whole tiles, strips to pairs of strips.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ESP_MATRIX_TILE  512 /* elements of an operand's tile */
#define ESP_MATRIX_DEPTH 32  /* columns of a left tile, rows of a right one */
#define ESP_MATRIX_STRIP 16  /* rows of a left tile */
#define ESP_MATRIX_PANEL 32  /* columns that one call to `multiply` makes */

typedef struct EspMatrixKernels
{
  /* Sets the calling thread's unit up, and gives it back; products go between the two. */
  void (*begin) (void);
  void (*end) (void);
  /* One row of n f32 or bf16 numbers into row `row` (0 … 15) of a strip. */
  void (*place_row) (const float *x, int64_t n, int row, uint16_t *strip);
  void (*place_row_bf16) (const uint16_t *x, int64_t n, int row, uint16_t *strip);
  /* A panel of the transpose: column j is x[j·stride …], `depth` numbers; j < count ≤ 32. */
  void (*pack_transposed) (const uint16_t *x, int64_t stride, int64_t count, int64_t depth,
                           uint16_t *panel);
  /* A panel as it lies: row k is x[k·stride …], count ≤ 32 numbers; k < depth. */
  void (*pack_plain) (const uint16_t *x, int64_t stride, int64_t count, int64_t depth,
                      uint16_t *panel);
  /* c (+)= left·right for `pairs` pairs of strips (32 rows each), one panel and `tiles` tiles of
   * depth. Strips are strip_step elements from each other, rows of c c_stride. */
  void (*multiply) (int64_t pairs, int64_t tiles, const uint16_t *left, int64_t strip_step,
                    const uint16_t *right, bool accumulate, float *c, int64_t c_stride);
} EspMatrixKernels;

#if defined(__x86_64__)
extern const EspMatrixKernels esp_matrix_amx;
#endif
