/* SPDX-License-Identifier: MIT */
/* cuda-attention-wide.c: attention of one head that is too wide for the tiles of the others, the
 * autoencoder's, where the device multiplies f32 as two bf16 each (CudaDevice.split).
 *
 * Two products on the matrix unit, for some rows of q at a time: their scores against all keys, the
 * softmax of each row, and its product with v, which is turned for that. As near to f32 as these
 * products (1e-5), and three products' work on tensor cores is a fraction of one in f32.
 */
#include "ops/cuda/cuda-linear.h"

#include "ops/cuda/kernels/images.h"

enum
{
  WIDE_COLUMNS = 256,      /* of a head; narrower ones have kernels of their own */
  SCORES_BYTES = 16 << 20, /* of the rows that are at work at once */
  ROWS_MULTIPLE = 128,     /* of them, whole tiles */
};

/* What lies in CUDA_SCRATCH_ATTENTION: keys without gaps, values turned, scores. */
typedef struct Work
{
  CUdeviceptr keys, values, scores;
  int64_t rows; /* of q at once */
} Work;

static int64_t
rows_at_once (const EspAttention *a)
{
  const int64_t most = SCORES_BYTES / (int64_t) sizeof (float) / a->k.rows;
  const int64_t rows = most < ROWS_MULTIPLE ? ROWS_MULTIPLE : most / ROWS_MULTIPLE * ROWS_MULTIPLE;

  return rows < a->q.rows ? rows : a->q.rows;
}

static void
rearrange (CudaDevice *cuda, const char *kernel, const EspTensor *from, CUdeviceptr to)
{
  const CudaTranspose arguments = {
    .from = (uintptr_t) from->data,
    .to = to,
    .from_stride = from->stride,
    .rows = (int32_t) from->rows,
    .cols = (int32_t) from->cols,
  };

  esp_cuda_launch (
      cuda, CUDA_MODULE_IMAGES, kernel,
      (CudaGrid){ .x = (unsigned) ((from->rows + CUDA_TRANSPOSE_TILE - 1) / CUDA_TRANSPOSE_TILE),
                  .y = (unsigned) ((from->cols + CUDA_TRANSPOSE_TILE - 1) / CUDA_TRANSPOSE_TILE),
                  .z = 1,
                  .threads = CUDA_IMAGE_THREADS },
      &arguments, sizeof arguments);
}

/* y = x · matrixᵀ; all f32, y without gaps or with those of a view. */
static void
multiply (CudaDevice *cuda, const EspTensor *x, CUdeviceptr matrix, int64_t out, EspTensor y)
{
  const CudaMatrix weights
      = { .dtype = ESP_F32, .out = out, .in = x->cols, .scale = 1, .data = matrix };
  const CudaRows rows = esp_cuda_operand_rows (cuda, x, CUDA_NUMBERS_SPLIT);
  const CudaRows others = esp_cuda_weight_rows (cuda, &weights, 0, out, CUDA_NUMBERS_SPLIT);
  const CudaFinish finish = {
    .y = (uintptr_t) y.data,
    .y_stride = y.stride,
    .y_type = CUDA_F32,
    .scale = 1,
    .vector = (uintptr_t) y.data % 16 == 0 && y.stride % 4 == 0,
  };

  if (rows.data != 0 && others.data != 0)
    esp_cuda_product (cuda, CUDA_NUMBERS_SPLIT, &rows, &others, &finish);
}

static void
attend_rows (CudaDevice *cuda, const EspAttention *a, const Work *work, int64_t first, int64_t rows)
{
  const EspTensor q = esp_tensor_rows (a->q, first, rows);
  const EspTensor scores = { .data = (void *) (uintptr_t) work->scores,
                             .dtype = ESP_F32,
                             .rows = rows,
                             .cols = a->k.rows,
                             .stride = a->k.rows };
  const CudaSoftmax softmax = { .scores = work->scores, .cols = a->k.rows, .scale = a->scale };

  multiply (cuda, &q, work->keys, a->k.rows, scores);
  esp_cuda_launch (
      cuda, CUDA_MODULE_IMAGES, "image_softmax",
      (CudaGrid){ .x = (unsigned) rows, .y = 1, .z = 1, .threads = CUDA_IMAGE_THREADS }, &softmax,
      sizeof softmax);
  multiply (cuda, &scores, work->values, a->head_dim, esp_tensor_rows (a->out, first, rows));
}

bool
esp_cuda_wide_attention (CudaDevice *cuda, const EspAttention *a)
{
  const size_t matrix = ((size_t) (a->k.rows * a->head_dim) * sizeof (float) + 255) / 256 * 256;
  const int64_t rows = rows_at_once (a);
  const size_t scores = (size_t) (rows * a->k.rows) * sizeof (float);
  Work work = { .rows = rows };

  if (!cuda->split || a->heads != 1 || a->head_dim < WIDE_COLUMNS || a->head_dim % 8 != 0
      || a->causal || a->relative_bias != NULL || !(a->scale > 0) || a->k.rows > INT32_MAX / 8
      || a->q.rows > INT32_MAX / 8 || a->q.dtype != ESP_F32 || a->k.dtype != ESP_F32
      || a->v.dtype != ESP_F32 || a->out.dtype != ESP_F32)
    return false;
  /* Operands have six bytes for each number. The plain kernel needs none of all that. */
  if (esp_cuda_room (&cuda->base) < 2 * (2 * matrix + scores) + 2 * (matrix + scores))
    return false;
  work.keys = esp_cuda_scratch (cuda, CUDA_SCRATCH_ATTENTION, 2 * matrix + scores);
  work.values = work.keys + matrix;
  work.scores = work.values + matrix;
  if (work.keys == 0)
    return true;
  rearrange (cuda, "image_gather", &a->k, work.keys);
  rearrange (cuda, "image_transpose", &a->v, work.values);
  for (int64_t first = 0; first < a->q.rows && cuda->base.error.status == ESP_OK; first += rows)
    attend_rows (cuda, a, &work, first, a->q.rows - first < rows ? a->q.rows - first : rows);
  return true;
}
