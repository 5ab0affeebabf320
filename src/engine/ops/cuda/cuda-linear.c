/* SPDX-License-Identifier: MIT */
/* cuda-linear.c: linear layers on the card: which way each goes.
 *
 * - Up to VECTOR_ROWS rows: dot products with the weights as they are stored.
 * - Layers that are precise: bf16 operands of two numbers each, where the device computes in bf16.
 * - More: tiles on tensor cores, of operands in the device's compute type (or E4M3). Weights that
 *   are stored so are read where they are; others are widened into scratch memory, a stretch of
 *   rows at a time, just before their product: that is a few hundredths of it.
 *
 * Block formats: on GeForce and the like from BYTES_ROWS rows on in bytes, x too (docs/engine.md,
 * Numbers); elsewhere, and those with scales for fewer than 32 numbers, in the compute type.
 *
 * fp8: activations get a scale for each row as they are converted, weights have the one of their
 * file or, if that has them in 16 or 32 bits or in Q8_0, got one for each row when they were
 * prepared (cuda-fp8.c). What is sensitive stays in the compute type: everything but the
 * attention's and the MLP's layers of the transformer's blocks, and the first block of both kinds.
 * Smaller block formats stay too.
 */
#include "ops/cuda/cuda-linear.h"

#include <string.h>

#include "ops/cuda/cuda-check.h"
#include "ops/cuda/kernels/blocks.h"

enum
{
  WIDENED_BYTES = 64 << 20, /* of a weight at once: little of the card, and partly still in its
                               cache when the product reads it */
  BYTES_ROWS = 64,          /* of x, from which block formats are multiplied in bytes */
  WIDENED_MULTIPLE = 256,   /* rows of a stretch: whole tiles, whole heads */
};

bool
esp_cuda_check_linear (CudaDevice *cuda, const EspTensor *x, const EspLinear *linear,
                       const EspTensor *y)
{
  if (!esp_cuda_check_view (cuda, "linear", "x", x)
      || !esp_cuda_check_view (cuda, "linear", "y", y))
    return false;
  if (linear->prepared == NULL)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT, "linear: the layer %s was not prepared",
                       linear->weight[0] != NULL ? linear->weight[0]->name : "without weights");
      return false;
    }
  if (x->cols == linear->in && y->cols == linear->out && x->rows == y->rows)
    return true;
  esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT,
                   "linear: %s: x %lld × %lld and y %lld × %lld do not fit %lld → %lld",
                   linear->weight[0]->name, (long long) x->rows, (long long) x->cols,
                   (long long) y->rows, (long long) y->cols, (long long) linear->in,
                   (long long) linear->out);
  return false;
}

/* --- Which numbers -----------------------------------------------------------------------------
 */

/* Is `module` of the transformer's blocks (but for the first of both kinds), and not one of their
 * modulations? */
static bool
is_robust (const char *module)
{
  static const char *const blocks[] = { "transformer_blocks.", "single_transformer_blocks." };

  for (size_t i = 0; module != NULL && i < sizeof blocks / sizeof *blocks; i++)
    {
      const size_t length = strlen (blocks[i]);

      if (strncmp (module, blocks[i], length) == 0)
        return strncmp (module + length, "0.", 2) != 0 && strstr (module + length, ".norm") == NULL;
    }
  return false;
}

static CudaNumbers
compute_numbers (const CudaDevice *cuda, bool precise)
{
  if (precise || cuda->split)
    return cuda->base.compute == ESP_BF16 || cuda->split ? CUDA_NUMBERS_SPLIT : CUDA_NUMBERS_F32;
  return cuda->base.compute == ESP_BF16  ? CUDA_NUMBERS_BF16
         : cuda->base.compute == ESP_F16 ? CUDA_NUMBERS_F16
                                         : CUDA_NUMBERS_F32;
}

/* Products of bytes have to be scaled in f32, group by group, beside the tensor cores: that pays
 * where those are slow in 16 bits. Fewer rows are not worth the rounding, as on the processor. */
static bool
goes_in_bytes (const CudaDevice *cuda, const EspLinear *linear, EspDType dtype, int64_t rows)
{
  return esp_cuda_has_bytes (dtype) && rows >= BYTES_ROWS && cuda->base.compute != ESP_F32
         && !linear->precise && esp_cuda_is_gaming (cuda) && esp_cuda_trusts (cuda, CUDA_WAY_BYTES);
}

bool
esp_cuda_multiplies_fp8 (const CudaDevice *cuda, const EspLinear *linear)
{
  return cuda->fp8 && !linear->precise && cuda->capability >= 89 && cuda->base.compute != ESP_F32
         && is_robust (linear->module[0]) && esp_cuda_trusts (cuda, CUDA_WAY_FP8);
}

static CudaNumbers
numbers_of (const CudaDevice *cuda, const EspLinear *linear, const CudaMatrix *matrix, int64_t rows)
{
  if (matrix->dtype == ESP_F8_E4M3 && matrix->in % 16 == 0
      && esp_cuda_weight_is_plain (matrix, CUDA_NUMBERS_E4M3)
      && esp_cuda_multiplies_fp8 (cuda, linear))
    return CUDA_NUMBERS_E4M3;
  if (goes_in_bytes (cuda, linear, matrix->dtype, rows))
    return linear->one_sided && esp_cuda_has_bytes_from_middle (matrix->dtype)
               ? CUDA_NUMBERS_BYTES_FROM_MIDDLE
               : CUDA_NUMBERS_BYTES;
  return compute_numbers (cuda, linear->precise);
}

/* --- Parts -------------------------------------------------------------------------------------
 */

/* What all parts of a layer share. */
typedef struct LinearJob
{
  CudaDevice *cuda;
  EspTensor x, y;
  const EspLinear *linear;
  CUdeviceptr bias; /* of all parts */
  const EspEpilogue *epilogue;
  const EspHeadNorm *heads;
  CudaNumbers numbers; /* that `rows` has; CUDA_NUMBERS_COUNT: none yet */
  CudaRows rows;
} LinearJob;

static CudaFinish
finish_of (const LinearJob *job, int64_t first)
{
  const CudaView y = esp_cuda_view (&job->y);
  const uint64_t size = y.type == CUDA_F32 ? 4 : 2;
  const EspHeadNorm *heads = job->heads;
  CudaFinish finish = {
    .y = y.data + (uint64_t) first * size,
    .y_stride = y.stride,
    .y_type = y.type,
    .scale = 1,
    .activation = (int32_t) job->epilogue->activation,
    .accumulate = job->epilogue->accumulate,
    .first_column = (int32_t) first,
  };

  finish.vector = finish.y % (4 * size) == 0 && y.stride % 4 == 0;
  if (job->bias != 0)
    finish.bias = job->bias + (uint64_t) first * sizeof (float);
  if (job->epilogue->gate != NULL)
    finish.gate = (uint64_t) (uintptr_t) (job->epilogue->gate + first);
  if (heads != NULL)
    {
      finish.head_dim = (int32_t) heads->head_dim;
      finish.head_columns = (int32_t) heads->columns;
      finish.eps = heads->eps;
      finish.weight_q = (uint64_t) (uintptr_t) heads->weight_q;
      finish.weight_k = (uint64_t) (uintptr_t) heads->weight_k;
      finish.cosine = (uint64_t) (uintptr_t) heads->cosine;
      finish.sine = (uint64_t) (uintptr_t) heads->sine;
    }
  return finish;
}

/* Columns [first, first + matrix->out) of y. */
static void
multiply_part (LinearJob *job, const CudaMatrix *matrix, int64_t first)
{
  CudaDevice *cuda = job->cuda;
  const CudaNumbers numbers = numbers_of (cuda, job->linear, matrix, job->x.rows);
  const int64_t row_bytes = (matrix->in + 15) / 16 * 16 * (int64_t) esp_cuda_numbers_size (numbers)
                            * (numbers == CUDA_NUMBERS_SPLIT ? 3 : 1);
  int64_t most = WIDENED_BYTES / row_bytes / WIDENED_MULTIPLE * WIDENED_MULTIPLE;

  if (job->x.rows <= VECTOR_ROWS)
    {
      CudaFinish finish = finish_of (job, first);

      esp_cuda_vector_product (cuda, &job->x, matrix, job->linear->precise, &finish);
      return;
    }
  if (job->numbers != numbers)
    {
      job->rows = esp_cuda_operand_rows (cuda, &job->x, numbers);
      job->numbers = numbers;
    }
  if (most < WIDENED_MULTIPLE)
    most = WIDENED_MULTIPLE;
  if (esp_cuda_weight_is_plain (matrix, numbers))
    most = matrix->out;
  for (int64_t at = 0; at < matrix->out && cuda->base.error.status == ESP_OK; at += most)
    {
      const int64_t rows = matrix->out - at < most ? matrix->out - at : most;
      const CudaFinish finish = finish_of (job, first + at);
      const CudaRows weight = esp_cuda_weight_rows (cuda, matrix, at, rows, numbers);

      const CudaRows two = esp_cuda_two_parts (&job->rows);

      if (weight.data != 0 && job->rows.data != 0)
        esp_cuda_product (cuda, numbers, weight.wrap != 0 ? &two : &job->rows, &weight, &finish);
    }
}

/* Part `index` and those after it that lie right behind it and are alike: one matrix. Returns how
 * many. */
static int
join_parts (const CudaLinear *layer, int index, CudaMatrix *joined)
{
  int i = index + 1;

  *joined = layer->part[index];
  for (; i < layer->parts; i++)
    {
      const CudaMatrix *next = &layer->part[i];

      if (next->dtype != joined->dtype || (next->scales != 0) != (joined->scales != 0)
          || next->scale != joined->scale || next->in != joined->in
          || next->data
                 != joined->data
                        + (CUdeviceptr) joined->out * esp_dtype_bytes (joined->dtype, joined->in))
        break;
      joined->out += next->out;
    }
  return i - index;
}

void
esp_cuda_plain_linear (CudaDevice *cuda, EspTensor x, const EspLinear *linear,
                       const EspEpilogue *epilogue, const EspHeadNorm *heads, EspTensor y)
{
  const CudaLinear *layer = esp_cuda_linear_on_card (cuda, linear);
  LinearJob job = { .cuda = cuda,
                    .x = x,
                    .y = y,
                    .linear = linear,
                    .epilogue = epilogue,
                    .heads = heads,
                    .numbers = CUDA_NUMBERS_COUNT };
  int64_t first = 0;

  if (layer == NULL || x.rows == 0)
    return;
  job.bias = layer->bias;
  for (int i = 0; i < layer->parts && cuda->base.error.status == ESP_OK;)
    {
      CudaMatrix matrix;

      i += join_parts (layer, i, &matrix);
      multiply_part (&job, &matrix, first);
      first += matrix.out;
    }
}

/* --- The table's rows --------------------------------------------------------------------------
 */

static const EspEpilogue no_epilogue = { ESP_ACTIVATION_NONE, NULL, false };

void
esp_cuda_linear (EspDevice *device, EspTensor x, const EspLinear *linear,
                 const EspEpilogue *epilogue, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;

  if (!esp_cuda_enter (cuda) || !esp_cuda_check_linear (cuda, &x, linear, &y))
    return;
  epilogue = epilogue != NULL ? epilogue : &no_epilogue;
  if (linear->adapter_count > 0)
    esp_cuda_adapted_linear (cuda, x, linear, epilogue, y);
  else
    esp_cuda_plain_linear (cuda, x, linear, epilogue, NULL, y);
}

/* Do heads lie in tiles, and tiles in parts, so that a product can finish them itself? */
static bool
heads_fit (const CudaDevice *cuda, const EspLinear *linear, const EspHeadNorm *norm, int64_t rows)
{
  int64_t first = 0;
  bool fit = rows > VECTOR_ROWS && linear->adapter_count == 0 && norm->weight_q != NULL
             && norm->weight_k != NULL
             && (norm->head_dim == 32 || norm->head_dim == 64 || norm->head_dim == 128)
             && norm->columns % norm->head_dim == 0;

  if (compute_numbers (cuda, linear->precise) == CUDA_NUMBERS_F32
      && norm->head_dim > MATRIX_F32_TILE)
    fit = false;

  for (int i = 0; i < linear->parts && fit; i++)
    {
      fit = (first % norm->head_dim == 0 || first >= 2 * norm->columns)
            && (norm->head_dim <= 64
                || !goes_in_bytes (cuda, linear, linear->weight[i]->dtype, rows));
      first += linear->weight[i]->count / linear->in;
    }
  return fit;
}

void
esp_cuda_linear_heads (EspDevice *device, EspTensor x, const EspLinear *linear,
                       const EspHeadNorm *norm, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;

  if (!esp_cuda_enter (cuda) || !esp_cuda_check_linear (cuda, &x, linear, &y))
    return;
  if (heads_fit (cuda, linear, norm, x.rows))
    esp_cuda_plain_linear (cuda, x, linear, &no_epilogue, norm, y);
  else
    {
      EspTensor q = esp_tensor_cols (y, 0, norm->columns);
      EspTensor k = esp_tensor_cols (y, norm->columns, norm->columns);

      esp_cuda_linear (device, x, linear, NULL, y);
      esp_cuda_head_norm_rope (device, q, norm->head_dim, norm->weight_q, norm->eps, norm->cosine,
                               norm->sine, q);
      esp_cuda_head_norm_rope (device, k, norm->head_dim, norm->weight_k, norm->eps, norm->cosine,
                               norm->sine, k);
    }
}
