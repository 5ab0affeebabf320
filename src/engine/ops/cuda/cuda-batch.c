/* SPDX-License-Identifier: MIT */
/* cuda-batch.c: layers for several equal ranges of rows, pictures that differ by their seeds.
 *
 * Ranges that follow each other are one product: it fills the card's last round better, and weights
 * are widened and read once. A range's numbers may not know how many there are, so tiles and how k
 * is split are chosen as if it were alone (cuda-product.c looks at `joined`); cuBLASLt, which
 * chooses by the whole shape, gets them one by one.
 */
#include "ops/cuda/cuda-linear.h"

/* From so many rows on nothing depends on how many there are: fewer may go as vectors, or be left
 * unrounded where more would be bytes. */
#define JOINED_ROWS 64

static bool
may_join (const CudaDevice *cuda, int64_t rows)
{
  return rows >= JOINED_ROWS && !esp_cuda_blas_is_open (cuda);
}

void
esp_cuda_linear_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                       const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch)
{
  CudaDevice *cuda = (CudaDevice *) device;
  const bool joins = may_join (cuda, batch->rows);

  for (int64_t i = 0, end; i < batch->count; i = end)
    {
      for (end = i + 1;
           end < batch->count && joins && batch->x[end] == batch->x[end - 1] + batch->rows
           && batch->y[end] == batch->y[end - 1] + batch->rows;
           end++)
        ;
      cuda->joined = (int) (end - i);
      esp_cuda_linear (device, esp_tensor_rows (x, batch->x[i], (end - i) * batch->rows), linear,
                       epilogue, esp_tensor_rows (y, batch->y[i], (end - i) * batch->rows));
      cuda->joined = 1;
    }
}

void
esp_cuda_linear_heads_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                             const EspHeadNorm *norm, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  const int ranges = norm->ranges > 1 ? norm->ranges : 1;
  const int64_t rows = x.rows / ranges;

  if (may_join (cuda, rows))
    {
      cuda->joined = ranges;
      esp_cuda_linear_heads (device, x, linear, norm, y);
      cuda->joined = 1;
      return;
    }
  /* The angles are the same for each. */
  for (int i = 0; i < ranges; i++)
    esp_cuda_linear_heads (device, esp_tensor_rows (x, i * rows, rows), linear, norm,
                           esp_tensor_rows (y, i * rows, rows));
}
