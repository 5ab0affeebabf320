/* SPDX-License-Identifier: MIT */
/* cpu-images.c: operations on channels-last images other than convolution. */
#include "ops/cpu/cpu-device.h"

#include <math.h>
#include <string.h>

/* True when x is a contiguous f32 image batch of that grid; else a sticky error. */
static bool
check_image (CpuDevice *cpu, const char *operation, const EspTensor *x, EspGrid grid)
{
  if (cpu->base.error.status != ESP_OK || !esp_cpu_check_view (cpu, operation, "image", x))
    return false;
  if (grid.batch > 0 && grid.height > 0 && grid.width > 0 && x->dtype == ESP_F32
      && x->stride == x->cols && x->rows == grid.batch * grid.height * grid.width)
    return true;
  esp_device_fail (
      &cpu->base, ESP_ERROR_ARGUMENT,
      "%s: %lld rows of %lld (stride %lld, %s) are no f32 images of %lld × %lld × %lld", operation,
      (long long) x->rows, (long long) x->cols, (long long) x->stride, esp_dtype_name (x->dtype),
      (long long) grid.batch, (long long) grid.height, (long long) grid.width);
  return false;
}

/* --- Group norm --------------------------------------------------------------------------------
 */

enum
{
  MOMENT_PARTS = 64 /* so that the order of summation does not depend on the number of threads */
};

/* Sums of rows [first, last) for every channel. */
static void
sum_rows (const CpuDevice *cpu, const EspTensor *x, int64_t first, int64_t last, const float *shift,
          double *sum, double *square)
{
  memset (sum, 0, (size_t) x->cols * sizeof *sum);
  memset (square, 0, (size_t) x->cols * sizeof *square);
  cpu->kernels->channel_sums ((const float *) x->data + first * x->cols, last - first, x->cols,
                              shift, sum, square);
}

void
esp_cpu_group_moments (EspDevice *device, EspTensor x, int64_t groups, float *moments)
{
  CpuDevice *cpu = (CpuDevice *) device;
  int64_t per_group;
  double *sums, count;
  float *shift;

  if (!check_image (cpu, "group_moments", &x, (EspGrid){ 1, 1, x.rows }))
    return;
  if (groups <= 0 || x.cols % groups != 0)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "group_moments: %lld groups of %lld channels",
                       (long long) groups, (long long) x.cols);
      return;
    }
  sums = esp_cpu_scratch (cpu, SCRATCH_THREADS,
                          (size_t) x.cols * (2 * MOMENT_PARTS * sizeof *sums + sizeof *shift));
  if (sums == NULL)
    return;
  shift = (float *) (sums + x.cols * 2 * MOMENT_PARTS);
  per_group = x.cols / groups;
  count = (double) x.rows * (double) per_group;
  /* Each group's first value: subtracting it keeps the squares small, and a constant is exact. */
  for (int64_t c = 0; c < x.cols; c++)
    shift[c] = ((const float *) x.data)[c / per_group * per_group];
#pragma omp parallel for num_threads(esp_cpu_team(cpu, x.rows *x.cols)) schedule(static)
  for (int64_t part = 0; part < MOMENT_PARTS; part++)
    sum_rows (cpu, &x, x.rows * part / MOMENT_PARTS, x.rows * (part + 1) / MOMENT_PARTS, shift,
              sums + part * 2 * x.cols, sums + (part * 2 + 1) * x.cols);
  for (int64_t group = 0; group < groups; group++)
    {
      double sum = 0, square = 0;

      for (int64_t part = 0; part < MOMENT_PARTS; part++)
        for (int64_t c = group * per_group; c < (group + 1) * per_group; c++)
          {
            sum += sums[part * 2 * x.cols + c];
            square += sums[(part * 2 + 1) * x.cols + c];
          }
      double mean = sum / count, variance = square / count - mean * mean;
      moments[2 * group] = (float) (mean + shift[group * per_group]);
      moments[2 * group + 1] = (float) (variance > 0 ? variance : variance <= 0 ? 0.0 : variance);
    }
}

void
esp_cpu_norm_channels (int64_t channels, int64_t per_group, const float *moments,
                       const float *weight, float eps, float *mean, float *factor)
{
  for (int64_t c = 0; c < channels; c++)
    {
      mean[c] = moments[2 * (c / per_group)];
      factor[c] = weight[c] / sqrtf (moments[2 * (c / per_group) + 1] + eps);
    }
}

void
esp_cpu_group_norm (EspDevice *device, EspTensor x, int64_t groups, const float *moments,
                    const float *weight, const float *bias, float eps, bool silu, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;
  int64_t per_group;
  float *mean, *factor;

  if (!esp_cpu_check_same (cpu, "group_norm", &x, &y))
    return;
  if (groups <= 0 || x.cols % groups != 0 || x.dtype != ESP_F32 || y.dtype != ESP_F32
      || x.stride != x.cols || y.stride != y.cols)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "group_norm: %lld groups of %lld channels, contiguous f32 expected",
                       (long long) groups, (long long) x.cols);
      return;
    }
  mean = esp_cpu_scratch (cpu, SCRATCH_THREADS, (size_t) x.cols * 2 * sizeof *mean);
  if (mean == NULL)
    return;
  factor = mean + x.cols;
  per_group = x.cols / groups;
  esp_cpu_norm_channels (x.cols, per_group, moments, weight, eps, mean, factor);
  const int64_t stretch = 64;
#pragma omp parallel for num_threads(esp_cpu_team(cpu, x.rows *x.cols)) schedule(static)
  for (int64_t row = 0; row < x.rows; row += stretch)
    {
      int64_t pixels = x.rows - row < stretch ? x.rows - row : stretch;

      cpu->kernels->group_norm ((const float *) x.data + row * x.cols, x.cols, pixels, x.cols, mean,
                                factor, bias, silu, (float *) y.data + row * x.cols, x.cols);
    }
}

/* --- Moving pixels -----------------------------------------------------------------------------
 */

void
esp_cpu_copy_window (EspDevice *device, EspTensor x, EspGrid grid, int64_t batch_index, int64_t top,
                     int64_t left, EspGrid window, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;
  size_t pixel = (size_t) x.cols * sizeof (float);

  if (!check_image (cpu, "copy_window", &x, grid)
      || !esp_cpu_check_view (cpu, "copy_window", "y", &y))
    return;
  if (y.dtype != ESP_F32 || y.stride != y.cols || x.cols != y.cols || batch_index < 0
      || batch_index >= grid.batch || top < 0 || left < 0 || window.height <= 0 || window.width <= 0
      || top > grid.height - window.height || left > grid.width - window.width || window.batch < 0
      || (window.batch + 1) * window.height * window.width > y.rows)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "copy_window: image %lld, %lld × %lld at (%lld, %lld) into image %lld does "
                       "not fit",
                       (long long) batch_index, (long long) window.height, (long long) window.width,
                       (long long) top, (long long) left, (long long) window.batch);
      return;
    }
#pragma omp parallel for num_threads(esp_cpu_team(cpu, window.height *window.width *x.cols))       \
    schedule(static)
  for (int64_t line = 0; line < window.height; line++)
    {
      int64_t from = (batch_index * grid.height + top + line) * grid.width + left;
      int64_t to = (window.batch * window.height + line) * window.width;

      memcpy ((char *) y.data + (size_t) to * pixel, (const char *) x.data + (size_t) from * pixel,
              (size_t) window.width * pixel);
    }
}
