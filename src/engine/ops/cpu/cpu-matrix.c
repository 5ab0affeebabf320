/* SPDX-License-Identifier: MIT */
/* cpu-matrix.c: see cpu-matrix.h. A task makes a block of y, as large as its sums fit half of the
 * second cache, going along the depth in slabs that let one panel of the weight stay in the first
 * cache while it meets all the block's rows. The epilogue runs on the block while it is warm.
 */
#include "ops/cpu/cpu-matrix.h"

#include <omp.h>
#include <string.h>

enum
{
  BLOCK_ROWS = 512,
  BLOCK_COLS = 256,
  SLAB_TILES = 16, /* of depth: a panel's slab is then 32 KiB */
};

static int64_t
divide_up (int64_t n, int64_t step)
{
  return (n + step - 1) / step;
}

int64_t
esp_cpu_matrix_packed_count (int64_t in, int64_t out)
{
  return divide_up (out, ESP_MATRIX_PANEL) * divide_up (in, ESP_MATRIX_DEPTH) * 2 * ESP_MATRIX_TILE;
}

static int64_t
range_row (const CpuRanges *ranges, int64_t row)
{
  return ranges->starts[row / ranges->rows] + row % ranges->rows;
}

/* --- Packing -----------------------------------------------------------------------------------
 */

static void
pack_panel (const CpuDevice *cpu, const EspWeight *weight, int64_t in, int64_t first, int64_t count,
            uint16_t *panel, float *wide, uint16_t *narrow)
{
  const char *source = (const char *) weight->data + esp_dtype_bytes (weight->dtype, first * in);
  const uint16_t *rows = narrow;

  if (weight->dtype == ESP_BF16 && (uintptr_t) source % sizeof *rows == 0)
    rows = (const uint16_t *) (const void *) source;
  else
    for (int64_t j = 0; j < count; j++)
      {
        esp_weight_to_f32 (weight, (first + j) * in, in, wide);
        cpu->kernels->narrow_bf16 (wide, in, narrow + j * in);
      }
  cpu->matrix->pack_transposed (rows, in, count, in, panel);
}

void
esp_cpu_matrix_pack (CpuDevice *cpu, const EspWeight *weight, int64_t in, int64_t first,
                     int64_t count, uint16_t *packed)
{
  int team = esp_cpu_team (cpu, in * count);
  int64_t panels = divide_up (count, ESP_MATRIX_PANEL);
  int64_t panel_size = esp_cpu_matrix_packed_count (in, ESP_MATRIX_PANEL);
  int64_t stretch = (in * (4 + 2 * ESP_MATRIX_PANEL) + 63) / 64 * 64; /* bytes for a thread */
  char *space = esp_cpu_scratch (cpu, SCRATCH_THREADS, (size_t) (stretch * team));

  if (space == NULL)
    return;
#pragma omp parallel for num_threads(team) schedule(static)
  for (int64_t panel = 0; panel < panels; panel++)
    {
      float *wide = (float *) (void *) (space + stretch * omp_get_thread_num ());
      int64_t start = panel * ESP_MATRIX_PANEL;

      pack_panel (cpu, weight, in, first + start,
                  count - start < ESP_MATRIX_PANEL ? count - start : ESP_MATRIX_PANEL,
                  packed + panel * panel_size, wide, (uint16_t *) (void *) (wide + in));
    }
}

const uint16_t *
esp_cpu_matrix_rows (CpuDevice *cpu, const CpuRanges *ranges)
{
  const EspTensor *x = &ranges->view;
  int64_t rows = ranges->count * ranges->rows;
  int64_t strips = divide_up (rows, 2 * ESP_MATRIX_STRIP) * 2;
  int64_t strip_size = divide_up (x->cols, ESP_MATRIX_DEPTH) * ESP_MATRIX_TILE;
  uint16_t *strips_data = esp_cpu_scratch (cpu, SCRATCH_OPERAND,
                                           (size_t) (strips * strip_size) * sizeof *strips_data);

  if (strips_data == NULL)
    return NULL;
#pragma omp parallel for num_threads(esp_cpu_team(cpu, rows * x->cols)) schedule(static)
  for (int64_t row = 0; row < strips * ESP_MATRIX_STRIP; row++)
    {
      uint16_t *strip = strips_data + row / ESP_MATRIX_STRIP * strip_size;
      int place = (int) (row % ESP_MATRIX_STRIP);
      int64_t source = row < rows ? range_row (ranges, row) * x->stride : 0;

      if (row >= rows)
        for (int64_t tile = 0; tile < strip_size; tile += ESP_MATRIX_TILE)
          memset (strip + tile + place * ESP_MATRIX_DEPTH, 0, ESP_MATRIX_DEPTH * sizeof *strip);
      else if (x->dtype == ESP_F32)
        cpu->matrix->place_row ((const float *) x->data + source, x->cols, place, strip);
      else
        cpu->matrix->place_row_bf16 ((const uint16_t *) x->data + source, x->cols, place, strip);
    }
  return strips_data;
}

/* --- Multiplying -------------------------------------------------------------------------------
 */

typedef struct MatrixJob
{
  const uint16_t *rows, *packed;
  int64_t tiles; /* of depth */
  const float *bias;
  const EspEpilogue *epilogue;
  const CpuRanges *y;
} MatrixJob;

static void
finish_block (const CpuDevice *cpu, const MatrixJob *job, const float *sums, int64_t row,
              int64_t row_count, int64_t col, int64_t col_count)
{
  const EspEpilogue *epilogue = job->epilogue;
  float spare[BLOCK_COLS];

  for (int64_t r = 0; r < row_count; r++)
    {
      int64_t target = range_row (job->y, row + r);
      float *out = esp_cpu_row_out (&job->y->view, target, col, spare);

      if (out == spare && epilogue->accumulate)
        esp_cpu_row (cpu, &job->y->view, target, col, col_count, spare);
      cpu->kernels->finish_row (sums + r * BLOCK_COLS, job->bias != NULL ? job->bias + col : NULL,
                                epilogue->activation,
                                epilogue->gate != NULL ? epilogue->gate + col : NULL,
                                epilogue->accumulate, col_count, out);
      esp_cpu_row_done (cpu, &job->y->view, target, col, col_count, out);
    }
}

/* Rows from `row` and columns from `col` on, both multiples of 32. */
static void
make_block (const CpuDevice *cpu, const MatrixJob *job, int64_t row, int64_t row_count, int64_t col,
            int64_t col_count, float *sums)
{
  const int64_t strip_size = job->tiles * ESP_MATRIX_TILE, panel_size = 2 * strip_size;
  const uint16_t *rows = job->rows + row / ESP_MATRIX_STRIP * strip_size;

  for (int64_t tile = 0; tile < job->tiles; tile += SLAB_TILES)
    {
      int64_t tiles = job->tiles - tile < SLAB_TILES ? job->tiles - tile : SLAB_TILES;

      for (int64_t c = 0; c < col_count; c += ESP_MATRIX_PANEL)
        cpu->matrix->multiply (
            divide_up (row_count, 32), tiles, rows + tile * ESP_MATRIX_TILE, strip_size,
            job->packed + (col + c) / ESP_MATRIX_PANEL * panel_size + tile * 2 * ESP_MATRIX_TILE,
            tile > 0, sums + c, BLOCK_COLS);
    }
  finish_block (cpu, job, sums, row, row_count, col, col_count);
}

/* The size of equal blocks, a multiple of 32 and at most `largest`. */
static int64_t
block_size (int64_t n, int64_t largest)
{
  return divide_up (divide_up (n, divide_up (n, largest)), 32) * 32;
}

void
esp_cpu_matrix_multiply (CpuDevice *cpu, const uint16_t *rows, int64_t in, const uint16_t *packed,
                         const float *bias, const EspEpilogue *epilogue, const CpuRanges *y)
{
  const MatrixJob job = { rows, packed, divide_up (in, ESP_MATRIX_DEPTH), bias, epilogue, y };
  const int64_t rows_all = y->count * y->rows, cols_all = y->view.cols;
  int64_t row_step = block_size (rows_all, BLOCK_ROWS),
          col_step = block_size (cols_all, BLOCK_COLS);
  int64_t threads = cpu->base.threads, row_blocks, col_blocks;
  float *sums = esp_cpu_scratch (cpu, SCRATCH_THREADS,
                                 (size_t) (threads * BLOCK_ROWS * BLOCK_COLS) * sizeof *sums);

  if (sums == NULL)
    return;
  /* Enough blocks that every thread has work. */
  while (divide_up (rows_all, row_step) * divide_up (cols_all, col_step) < 2 * threads
         && (row_step > 32 || col_step > 64))
    if (row_step >= col_step)
      row_step = block_size (row_step, row_step > 32 ? row_step / 2 : 32);
    else
      col_step = block_size (col_step, col_step / 2);
  row_blocks = divide_up (rows_all, row_step);
  col_blocks = divide_up (cols_all, col_step);
#pragma omp parallel num_threads((int) threads)
  {
    float *own = sums + omp_get_thread_num () * (int64_t) (BLOCK_ROWS * BLOCK_COLS);

    cpu->matrix->begin ();
#pragma omp for schedule(dynamic) nowait
    for (int64_t block = 0; block < row_blocks * col_blocks; block++)
      {
        int64_t row = block / col_blocks * row_step, col = block % col_blocks * col_step;

        make_block (cpu, &job, row, rows_all - row < row_step ? rows_all - row : row_step, col,
                    cols_all - col < col_step ? cols_all - col : col_step, own);
      }
    cpu->matrix->end ();
  }
}
