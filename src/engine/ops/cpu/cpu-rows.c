/* SPDX-License-Identifier: MIT */
/* cpu-rows.c: operations on rows and elements: views to kernels, over all threads. */
#include "ops/cpu/cpu-device.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* --- Views as f32 ------------------------------------------------------------------------------
 */

const float *
esp_cpu_row (const CpuDevice *cpu, const EspTensor *x, int64_t row, int64_t col, int64_t n,
             float *buffer)
{
  int64_t offset = row * x->stride + col;

  if (x->dtype == ESP_F32)
    return (const float *) x->data + offset;
  cpu->kernels->widen_bf16 ((const uint16_t *) x->data + offset, n, buffer);
  return buffer;
}

float *
esp_cpu_row_out (const EspTensor *y, int64_t row, int64_t col, float *buffer)
{
  return y->dtype == ESP_F32 ? (float *) y->data + row * y->stride + col : buffer;
}

void
esp_cpu_row_done (const CpuDevice *cpu, const EspTensor *y, int64_t row, int64_t col, int64_t n,
                  const float *buffer)
{
  if (y->dtype != ESP_F32)
    cpu->kernels->narrow_bf16 (buffer, n, (uint16_t *) y->data + row * y->stride + col);
}

/* --- Element by element ------------------------------------------------------------------------
 */

enum
{
  STRETCH = 2048 /* elements done at once: three buffers of this fit the first cache */
};

typedef void (*StretchFunction) (const EspKernels *kernels, const void *data, const float *a,
                                 const float *b, int64_t n, float *y);

/* Calls `function` for stretches of all rows. `b` may be NULL; when `reads_y`, y's old values are
 * handed over too. */
static void
each_stretch (CpuDevice *cpu, EspTensor a, const EspTensor *b, EspTensor y, bool reads_y,
              StretchFunction function, const void *data)
{
  int64_t rows = y.rows, cols = y.cols;
  EspTensor second = b != NULL ? *b : a;
  int64_t per_row, total;

  if (a.stride == cols && second.stride == cols && y.stride == cols)
    {
      cols *= rows; /* one long row: short rows would make short stretches */
      rows = cols > 0;
    }
  per_row = (cols + STRETCH - 1) / STRETCH;
  total = rows * per_row;
#pragma omp parallel for num_threads(esp_cpu_team(cpu, rows *cols)) schedule(static)
  for (int64_t i = 0; i < total; i++)
    {
      float buffers[3][STRETCH];
      int64_t row = i / per_row, col = i % per_row * STRETCH;
      int64_t n = cols - col < STRETCH ? cols - col : STRETCH;
      const float *first = esp_cpu_row (cpu, &a, row, col, n, buffers[0]);
      const float *other = b != NULL ? esp_cpu_row (cpu, &second, row, col, n, buffers[1]) : NULL;
      float *out = esp_cpu_row_out (&y, row, col, buffers[2]);

      if (reads_y && out == buffers[2])
        esp_cpu_row (cpu, &y, row, col, n, out);
      function (cpu->kernels, data, first, other, n, out);
      esp_cpu_row_done (cpu, &y, row, col, n, out);
    }
}

static void
activate_stretch (const EspKernels *kernels, const void *data, const float *a, const float *b,
                  int64_t n, float *y)
{
  kernels->activate (*(const EspActivation *) data, a, n, y);
}

void
esp_cpu_activate (EspDevice *device, EspTensor x, EspActivation activation, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;

  if (esp_cpu_check_same (cpu, "activate", &x, &y))
    each_stretch (cpu, x, NULL, y, false, activate_stretch, &activation);
}

static void
multiply_stretch (const EspKernels *kernels, const void *data, const float *a, const float *b,
                  int64_t n, float *y)
{
  kernels->multiply (a, b, n, y);
}

void
esp_cpu_multiply (EspDevice *device, EspTensor a, EspTensor b, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;

  if (esp_cpu_check_same (cpu, "multiply", &a, &y) && esp_cpu_check_same (cpu, "multiply", &b, &y))
    each_stretch (cpu, a, &b, y, false, multiply_stretch, NULL);
}

static void
scale_add_stretch (const EspKernels *kernels, const void *data, const float *a, const float *b,
                   int64_t n, float *y)
{
  const float *factors = data;

  kernels->scale_add (factors[0], a, factors[1], n, y);
}

void
esp_cpu_scale_add (EspDevice *device, float a, EspTensor x, float b, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;
  float factors[2] = { a, b };

  if (esp_cpu_check_same (cpu, "scale_add", &x, &y))
    each_stretch (cpu, x, NULL, y, b != 0.0f, scale_add_stretch, factors);
}

void
esp_cpu_upload (EspDevice *device, const float *host, EspTensor y)
{
  EspTensor x = { (void *) (uintptr_t) host, ESP_F32, y.rows, y.cols, y.cols };

  esp_cpu_scale_add (device, 1.0f, x, 0.0f, y);
}

void
esp_cpu_download (EspDevice *device, EspTensor x, float *host)
{
  EspTensor y = { host, ESP_F32, x.rows, x.cols, x.cols };

  esp_cpu_scale_add (device, 1.0f, x, 0.0f, y);
}

void
esp_cpu_gather_rows (EspDevice *device, const EspWeight *table, const int32_t *ids, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;

  if (device->error.status != ESP_OK || !esp_cpu_check_view (cpu, "gather_rows", "y", &y))
    return;
  if (table->dims != 2 || table->shape[1] != y.cols)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "gather_rows: %s in %s does not have rows of %lld numbers", table->name,
                       table->file, (long long) y.cols);
      return;
    }
  float *row = esp_cpu_scratch (cpu, SCRATCH_THREADS, (size_t) y.cols * sizeof *row);
  if (row == NULL)
    return;
  for (int64_t i = 0; i < y.rows; i++)
    {
      float *out = esp_cpu_row_out (&y, i, 0, row);

      if (ids[i] < 0 || ids[i] >= table->shape[0])
        {
          esp_device_fail (device, ESP_ERROR_ARGUMENT,
                           "gather_rows: id %d is not in %s (%lld rows)", (int) ids[i], table->name,
                           (long long) table->shape[0]);
          return;
        }
      esp_weight_to_f32 (table, ids[i] * y.cols, y.cols, out);
      if (esp_find_non_finite (ESP_F32, out, y.cols) >= 0)
        {
          esp_device_fail (device, ESP_ERROR_NUMERIC, "%s: tensor %s has NaN or infinity in row %d",
                           table->file, table->name, (int) ids[i]);
          return;
        }
      esp_cpu_row_done (cpu, &y, i, 0, y.cols, out);
    }
}

/* Sixteen sums side by side, so that the compiler may use the vector unit without changing the
 * order. */
static void
row_distance (const float *x, const float *y, int64_t n, double sums[2])
{
  double away[16] = { 0 }, size[16] = { 0 };
  int64_t i = 0;

  for (; i + 16 <= n; i += 16)
    for (int j = 0; j < 16; j++)
      {
        away[j] += (double) fabsf (x[i + j] - y[i + j]);
        size[j] += (double) fabsf (y[i + j]);
      }
  for (int j = 0; i < n; i++, j++)
    {
      away[j] += (double) fabsf (x[i] - y[i]);
      size[j] += (double) fabsf (y[i]);
    }
  sums[0] = sums[1] = 0;
  for (int j = 0; j < 16; j++)
    {
      sums[0] += away[j];
      sums[1] += size[j];
    }
}

void
esp_cpu_distance (EspDevice *device, EspTensor x, EspTensor y, double sums[2])
{
  CpuDevice *cpu = (CpuDevice *) device;
  double *rows;

  sums[0] = sums[1] = 0;
  if (!esp_cpu_check_same (cpu, "distance", &x, &y))
    return;
  if (x.dtype != ESP_F32 || y.dtype != ESP_F32)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "distance: its operands must be f32");
      return;
    }
  rows = esp_cpu_scratch (cpu, SCRATCH_THREADS, sizeof *rows * 2 * (size_t) x.rows);
  if (rows == NULL)
    return;
#pragma omp parallel for num_threads(esp_cpu_team(cpu, x.rows *x.cols)) schedule(static)
  for (int64_t r = 0; r < x.rows; r++)
    row_distance ((const float *) x.data + r * x.stride, (const float *) y.data + r * y.stride,
                  x.cols, rows + 2 * r);
  for (int64_t r = 0; r < x.rows; r++)
    {
      sums[0] += rows[2 * r];
      sums[1] += rows[2 * r + 1];
    }
}

/* --- Norms -------------------------------------------------------------------------------------
 */

/* What one row needs; which fields count depends on the function. */
typedef struct RowNorm
{
  const float *scale, *shift;
  float scale_offset, eps;
  int64_t head_dim;
  const float *cosine, *sine; /* [rows, head_dim/2] */
} RowNorm;

/* `extra` has room for 2·head_dim floats. */
typedef void (*RowFunction) (const EspKernels *kernels, const RowNorm *norm, int64_t row,
                             const float *x, int64_t n, float *extra, float *y);

static void
each_row (CpuDevice *cpu, EspTensor x, EspTensor y, RowFunction function, const RowNorm *norm)
{
  int team = esp_cpu_team (cpu, x.rows * x.cols);
  int64_t extra = 2 * norm->head_dim, stretch = (x.cols * 2 + extra + 15) / 16 * 16;
  float *buffers
      = esp_cpu_scratch (cpu, SCRATCH_THREADS, (size_t) (stretch * team) * sizeof *buffers);

  if (buffers == NULL)
    return;
#pragma omp parallel num_threads(team)
  {
    float *own = buffers + stretch * omp_get_thread_num ();

#pragma omp for schedule(static)
    for (int64_t row = 0; row < x.rows; row++)
      {
        const float *in = esp_cpu_row (cpu, &x, row, 0, x.cols, own + extra);
        float *out = esp_cpu_row_out (&y, row, 0, own + extra + x.cols);

        function (cpu->kernels, norm, row, in, x.cols, own, out);
        esp_cpu_row_done (cpu, &y, row, 0, x.cols, out);
      }
  }
}

static void
layer_norm_row (const EspKernels *kernels, const RowNorm *norm, int64_t row, const float *x,
                int64_t n, float *extra, float *y)
{
  kernels->norm_row (x, n, norm->scale, norm->scale_offset, norm->shift, norm->eps, y);
}

void
esp_cpu_layer_norm (EspDevice *device, EspTensor x, const float *weight, const float *bias,
                    float eps, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;
  RowNorm norm = { .scale = weight, .shift = bias, .eps = eps };

  if (esp_cpu_check_same (cpu, "layer_norm", &x, &y))
    each_row (cpu, x, y, layer_norm_row, &norm);
}

void
esp_cpu_modulated_norm (EspDevice *device, EspTensor x, const float *shift, const float *scale,
                        float eps, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;
  RowNorm norm = { .scale = scale, .scale_offset = 1.0f, .shift = shift, .eps = eps };

  if (esp_cpu_check_same (cpu, "modulated_norm", &x, &y))
    each_row (cpu, x, y, layer_norm_row, &norm);
}

static void
rms_norm_row (const EspKernels *kernels, const RowNorm *norm, int64_t row, const float *x,
              int64_t n, float *extra, float *y)
{
  kernels->rms_row (x, n, norm->scale, norm->eps, y);
}

void
esp_cpu_rms_norm (EspDevice *device, EspTensor x, const float *weight, float eps, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;
  RowNorm norm = { .scale = weight, .eps = eps };

  if (esp_cpu_check_same (cpu, "rms_norm", &x, &y))
    each_row (cpu, x, y, rms_norm_row, &norm);
}

static void
head_norm_row (const EspKernels *kernels, const RowNorm *norm, int64_t row, const float *x,
               int64_t n, float *extra, float *y)
{
  int64_t head_dim = norm->head_dim;
  float *cosine = NULL, *sine = NULL;

  if (norm->cosine != NULL)
    {
      const float *c = norm->cosine + row * (head_dim / 2), *s = norm->sine + row * (head_dim / 2);

      cosine = extra;
      sine = extra + head_dim;
      for (int64_t i = 0; i < head_dim / 2; i++)
        {
          cosine[2 * i] = cosine[2 * i + 1] = c[i];
          sine[2 * i] = -s[i];
          sine[2 * i + 1] = s[i];
        }
    }
  kernels->head_norm_row (x, n / head_dim, head_dim, norm->scale, norm->eps, cosine, sine, y);
}

void
esp_cpu_head_norm_rope (EspDevice *device, EspTensor x, int64_t head_dim, const float *weight,
                        float eps, const float *cosine, const float *sine, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;
  RowNorm norm
      = { .scale = weight, .eps = eps, .head_dim = head_dim, .cosine = cosine, .sine = sine };

  if (!esp_cpu_check_same (cpu, "head_norm_rope", &x, &y))
    return;
  if (head_dim <= 0 || x.cols % head_dim != 0 || (cosine != NULL && head_dim % 2 != 0))
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "head_norm_rope: %lld columns are no whole number of heads of %lld",
                       (long long) x.cols, (long long) head_dim);
      return;
    }
  each_row (cpu, x, y, head_norm_row, &norm);
}
