/* SPDX-License-Identifier: MIT */
/* cuda-rows.c: operations on rows and elements: views to the kernels of rows.cu. */
#include "ops/cuda/cuda-device.h"
#include "ops/cuda/kernels/rows.h"

#include <stdlib.h>
#include <string.h>

/* What is converted on the card on its way from or to the host, at most; whole rows. */
#define CONVERTED_AT_ONCE CUDA_STAGING_BYTES

/* Kernels count groups in 32 bits. */
#define GROUPS_MAX ((int64_t) 1 << 31)

static CudaRows
rows_of (const EspTensor *tensor)
{
  CudaView view = esp_cuda_view (tensor);
  int64_t element = tensor->dtype == ESP_F32 ? 4 : 2;

  return (CudaRows){ .data = view.data,
                     .stride = view.stride,
                     .type = view.type,
                     .vector = view.data % 16 == 0 && view.stride * element % 16 == 0 };
}

static unsigned
groups_of (int64_t cols)
{
  return (unsigned) ((cols + ROWS_GROUP - 1) / ROWS_GROUP);
}

static unsigned
blocks_of (int64_t items, int64_t per_block)
{
  return (unsigned) ((items + per_block - 1) / per_block);
}

/* --- Element by element ------------------------------------------------------------------------
 */

static bool
is_contiguous (const EspTensor *tensor)
{
  return tensor->stride == tensor->cols || tensor->rows <= 1;
}

/* Launches `kernel` over all groups of y; a and b have its shape. `elements` has the numbers. */
static void
each_group (CudaDevice *cuda, const char *kernel, CudaElements elements, EspTensor a, EspTensor b,
            EspTensor y)
{
  int64_t at_once, count;

  if (y.rows == 0 || y.cols == 0)
    return;
  if (is_contiguous (&a) && is_contiguous (&b) && is_contiguous (&y)
      && y.rows * y.cols < GROUPS_MAX)
    {
      /* One long row: short ones would leave lanes idle. */
      a.cols = b.cols = y.cols = y.rows * y.cols;
      a.rows = b.rows = y.rows = 1;
      a.stride = b.stride = y.stride = y.cols;
      /* There is no second row that would have to be aligned. */
      a.stride = b.stride = y.stride = (y.cols + ROWS_GROUP - 1) / ROWS_GROUP * ROWS_GROUP;
    }
  elements.groups = groups_of (y.cols);
  at_once = GROUPS_MAX / elements.groups;
  for (int64_t first = 0; first < y.rows; first += count)
    {
      EspTensor parts[3];
      const EspTensor *views[3] = { &a, &b, &y };

      count = y.rows - first < at_once ? y.rows - first : at_once;
      for (int i = 0; i < 3; i++)
        parts[i] = esp_tensor_rows (*views[i], first, count);
      elements.a = rows_of (&parts[0]);
      elements.b = rows_of (&parts[1]);
      elements.y = rows_of (&parts[2]);
      elements.rows = (uint32_t) count;
      elements.cols = (uint32_t) y.cols;
      esp_cuda_launch (cuda, CUDA_MODULE_ROWS, kernel,
                       (CudaGrid){ blocks_of (count * elements.groups, ROWS_ELEMENT_THREADS), 1, 1,
                                   ROWS_ELEMENT_THREADS, 0 },
                       &elements, sizeof elements);
    }
}

void
esp_cuda_activate (EspDevice *device, EspTensor x, EspActivation activation, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaElements elements = { .activation = (int32_t) activation };

  if (esp_cuda_check_same (cuda, "activate", &x, &y))
    each_group (cuda, "rows_activate", elements, x, x, y);
}

void
esp_cuda_multiply (EspDevice *device, EspTensor a, EspTensor b, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaElements elements = { 0 };

  if (esp_cuda_check_same (cuda, "multiply", &a, &y)
      && esp_cuda_check_same (cuda, "multiply", &b, &y))
    each_group (cuda, "rows_multiply", elements, a, b, y);
}

void
esp_cuda_scale_add (EspDevice *device, float a, EspTensor x, float b, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaElements elements = { .factor_a = a, .factor_y = b };

  if (esp_cuda_check_same (cuda, "scale_add", &x, &y))
    each_group (cuda, "rows_scale_add", elements, x, x, y);
}

/* --- From and to the host ----------------------------------------------------------------------
 */

/* Rows of so many f32 columns that are converted at once. */
static int64_t
rows_at_once (int64_t cols)
{
  int64_t rows = (int64_t) CONVERTED_AT_ONCE / (4 * cols);

  return rows > 0 ? rows : 1;
}

/* f32 rows on the card, for those that are on their way; data is NULL after an error. */
static EspTensor
converted (CudaDevice *cuda, int64_t rows, int64_t cols)
{
  CUdeviceptr data = esp_cuda_scratch (cuda, CUDA_SCRATCH_OPERAND, (size_t) (4 * rows * cols));

  return (EspTensor){ (void *) (uintptr_t) data, ESP_F32, rows, cols, cols };
}

void
esp_cuda_upload (EspDevice *device, const float *host, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  int64_t at_once, rows;

  if (!esp_cuda_check_view (cuda, "upload", "y", &y) || y.rows == 0 || y.cols == 0)
    return;
  if (y.dtype == ESP_F32 && is_contiguous (&y))
    {
      esp_cuda_copy_in (cuda, (uintptr_t) y.data, host, (size_t) (4 * y.rows * y.cols));
      return;
    }
  at_once = rows_at_once (y.cols);
  for (int64_t first = 0; first < y.rows; first += rows)
    {
      EspTensor x;

      rows = y.rows - first < at_once ? y.rows - first : at_once;
      x = converted (cuda, rows, y.cols);
      if (x.data == NULL)
        return;
      esp_cuda_copy_in (cuda, (uintptr_t) x.data, host + first * y.cols,
                        (size_t) (4 * rows * y.cols));
      esp_cuda_scale_add (device, 1, x, 0, esp_tensor_rows (y, first, rows));
    }
}

void
esp_cuda_download (EspDevice *device, EspTensor x, float *host)
{
  CudaDevice *cuda = (CudaDevice *) device;
  int64_t at_once, rows;

  if (!esp_cuda_check_view (cuda, "download", "x", &x) || x.rows == 0 || x.cols == 0)
    return;
  if (x.dtype == ESP_F32 && is_contiguous (&x))
    {
      esp_cuda_copy_out (cuda, host, (uintptr_t) x.data, (size_t) (4 * x.rows * x.cols));
      return;
    }
  at_once = rows_at_once (x.cols);
  for (int64_t first = 0; first < x.rows; first += rows)
    {
      EspTensor y;

      rows = x.rows - first < at_once ? x.rows - first : at_once;
      y = converted (cuda, rows, x.cols);
      if (y.data == NULL)
        return;
      esp_cuda_scale_add (device, 1, esp_tensor_rows (x, first, rows), 0, y);
      esp_cuda_copy_out (cuda, host + first * x.cols, (uintptr_t) y.data,
                         (size_t) (4 * rows * x.cols));
    }
}

/* The rows are few and read once for each prompt: the processor widens them. */
void
esp_cuda_gather_rows (EspDevice *device, const EspWeight *table, const int32_t *ids, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  float *rows;
  int64_t i;

  if (!esp_cuda_check_view (cuda, "gather_rows", "y", &y))
    return;
  if (table->dims != 2 || table->shape[1] != y.cols)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "gather_rows: %s in %s does not have rows of %lld numbers", table->name,
                       table->file, (long long) y.cols);
      return;
    }
  rows = malloc ((size_t) (y.rows * y.cols + 1) * sizeof *rows);
  if (rows == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for rows of %s", table->name);
      return;
    }
  for (i = 0; i < y.rows; i++)
    {
      float *row = rows + i * y.cols;

      if (ids[i] < 0 || ids[i] >= table->shape[0])
        {
          esp_device_fail (device, ESP_ERROR_ARGUMENT,
                           "gather_rows: id %d is not in %s (%lld rows)", (int) ids[i], table->name,
                           (long long) table->shape[0]);
          break;
        }
      esp_weight_to_f32 (table, ids[i] * y.cols, y.cols, row);
      if (esp_find_non_finite (ESP_F32, row, y.cols) >= 0)
        {
          esp_device_fail (device, ESP_ERROR_NUMERIC, "%s: tensor %s has NaN or infinity in row %d",
                           table->file, table->name, (int) ids[i]);
          break;
        }
    }
  if (i == y.rows)
    esp_cuda_upload (device, rows, y);
  free (rows);
}

/* --- Norms -------------------------------------------------------------------------------------
 */

static void
each_row (CudaDevice *cuda, EspTensor x, EspTensor y, CudaNorm norm, const float *scale,
          const float *shift)
{
  bool wide = x.cols > ROWS_NORM_HELD * ROWS_NORM_THREADS * ROWS_GROUP;

  if (x.rows == 0 || x.cols == 0)
    return;
  norm.x = rows_of (&x);
  norm.y = rows_of (&y);
  norm.cols = (uint32_t) x.cols;
  norm.scale = (uintptr_t) scale;
  norm.shift = (uintptr_t) shift;
  norm.vector = norm.scale % 16 == 0 && norm.shift % 16 == 0;
  esp_cuda_launch (cuda, CUDA_MODULE_ROWS, wide ? "rows_norm_wide" : "rows_norm",
                   (CudaGrid){ (unsigned) x.rows, 1, 1, ROWS_NORM_THREADS, 0 }, &norm, sizeof norm);
}

void
esp_cuda_layer_norm (EspDevice *device, EspTensor x, const float *weight, const float *bias,
                     float eps, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;

  if (esp_cuda_check_same (cuda, "layer_norm", &x, &y))
    each_row (cuda, x, y, (CudaNorm){ .eps = eps }, weight, bias);
}

void
esp_cuda_modulated_norm (EspDevice *device, EspTensor x, const float *shift, const float *scale,
                         float eps, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;

  if (esp_cuda_check_same (cuda, "modulated_norm", &x, &y))
    each_row (cuda, x, y, (CudaNorm){ .eps = eps, .scale_offset = 1 }, scale, shift);
}

void
esp_cuda_rms_norm (EspDevice *device, EspTensor x, const float *weight, float eps, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;

  if (esp_cuda_check_same (cuda, "rms_norm", &x, &y))
    each_row (cuda, x, y, (CudaNorm){ .eps = eps, .rms = 1 }, weight, NULL);
}

void
esp_cuda_head_norm_rope (EspDevice *device, EspTensor x, int64_t head_dim, const float *weight,
                         float eps, const float *cosine, const float *sine, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaHeads heads = { .x = rows_of (&x), .y = rows_of (&y), .lanes = 1, .eps = eps };

  if (!esp_cuda_check_same (cuda, "head_norm_rope", &x, &y))
    return;
  if (head_dim <= 0 || x.cols % head_dim != 0 || (cosine != NULL && head_dim % 2 != 0))
    {
      esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT,
                       "head_norm_rope: %lld columns are no whole number of heads of %lld",
                       (long long) x.cols, (long long) head_dim);
      return;
    }
  if (x.rows == 0 || x.cols == 0)
    return;
  /* Heads that begin within a group's 16 bytes are not read as such. */
  heads.x.vector = heads.x.vector && head_dim % ROWS_GROUP == 0;
  heads.y.vector = heads.y.vector && head_dim % ROWS_GROUP == 0;
  while (heads.lanes < 32 && heads.lanes < groups_of (head_dim))
    heads.lanes *= 2;
  heads.rows = (uint32_t) x.rows;
  heads.heads = (uint32_t) (x.cols / head_dim);
  heads.head_dim = (uint32_t) head_dim;
  heads.weight = (uintptr_t) weight;
  heads.cosine = (uintptr_t) cosine;
  heads.sine = (uintptr_t) sine;
  esp_cuda_launch (cuda, CUDA_MODULE_ROWS, "rows_heads",
                   (CudaGrid){ blocks_of (x.rows * heads.heads, ROWS_HEAD_THREADS / heads.lanes), 1,
                               1, ROWS_HEAD_THREADS, 0 },
                   &heads, sizeof heads);
}

/* --- Distances ---------------------------------------------------------------------------------
 */

/* How many blocks there are depends on the shape alone, and so does the order of the sums. */
void
esp_cuda_distance (EspDevice *device, EspTensor x, EspTensor y, double sums[2])
{
  CudaDevice *cuda = (CudaDevice *) device;
  double found[2 * ROWS_DISTANCE_BLOCKS];
  CudaDistance distance;
  unsigned blocks;

  sums[0] = sums[1] = 0;
  if (!esp_cuda_check_same (cuda, "distance", &x, &y))
    return;
  if (x.dtype != ESP_F32 || y.dtype != ESP_F32)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "distance: its operands must be f32");
      return;
    }
  if (x.rows == 0 || x.cols == 0)
    return;
  if (x.rows * groups_of (x.cols) >= GROUPS_MAX)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "distance: %lld × %lld is too large",
                       (long long) x.rows, (long long) x.cols);
      return;
    }
  distance = (CudaDistance){ .x = rows_of (&x),
                             .y = rows_of (&y),
                             .rows = (uint32_t) x.rows,
                             .cols = (uint32_t) x.cols,
                             .groups = groups_of (x.cols) };
  blocks = blocks_of (x.rows * distance.groups, ROWS_DISTANCE_THREADS);
  if (blocks > ROWS_DISTANCE_BLOCKS)
    blocks = ROWS_DISTANCE_BLOCKS;
  distance.sums = esp_cuda_scratch (cuda, CUDA_SCRATCH_SUMS, sizeof found);
  esp_cuda_launch (cuda, CUDA_MODULE_ROWS, "rows_distance",
                   (CudaGrid){ blocks, 1, 1, ROWS_DISTANCE_THREADS, 0 }, &distance,
                   sizeof distance);
  esp_cuda_copy_out (cuda, found, distance.sums, 2 * blocks * sizeof *found);
  for (unsigned i = 0; i < blocks && device->error.status == ESP_OK; i++)
    {
      sums[0] += found[2 * i];
      sums[1] += found[2 * i + 1];
    }
}
