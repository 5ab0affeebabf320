/* SPDX-License-Identifier: MIT */
/* cuda-images.c: group norms and windows of images. */
#include "ops/cuda/cuda-images.h"

#include <stdlib.h>
#include <string.h>

#include "ops/cuda/kernels/images.h"

/* Blocks that fill any card several times over: more only start and end. */
#define BLOCKS_MAX 4096
/* Blocks along a grid's y that every card takes (CUDA C++ Programming Guide, Technical
 * Specifications per Compute Capability). */
#define GRID_Y_MAX 65535

/* True when x is a contiguous f32 image batch of that grid; else a sticky error. */
static bool
check_image (CudaDevice *cuda, const char *operation, const EspTensor *x, EspGrid grid)
{
  if (!esp_cuda_check_view (cuda, operation, "image", x))
    return false;
  if (grid.batch > 0 && grid.height > 0 && grid.width > 0 && x->dtype == ESP_F32
      && x->stride == x->cols && x->rows == grid.batch * grid.height * grid.width
      && x->cols <= INT32_MAX / 8)
    return true;
  esp_device_fail (
      &cuda->base, ESP_ERROR_ARGUMENT,
      "%s: %lld rows of %lld (stride %lld, %s) are no f32 images of %lld × %lld × %lld", operation,
      (long long) x->rows, (long long) x->cols, (long long) x->stride, esp_dtype_name (x->dtype),
      (long long) grid.batch, (long long) grid.height, (long long) grid.width);
  return false;
}

static bool
check_groups (CudaDevice *cuda, const char *operation, int64_t channels, int64_t groups)
{
  if (groups > 0 && channels % groups == 0)
    return true;
  esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT, "%s: %lld groups of %lld channels", operation,
                   (long long) groups, (long long) channels);
  return false;
}

static unsigned
blocks_for (int64_t count, int64_t most)
{
  const int64_t blocks = (count + CUDA_IMAGE_THREADS - 1) / CUDA_IMAGE_THREADS;

  return (unsigned) (blocks < most ? blocks : most);
}

/* Can 4 neighbouring numbers be moved at once, in every row of `cols`? */
static bool
in_fours (int64_t cols, CUdeviceptr a, CUdeviceptr b)
{
  return cols % 4 == 0 && (a | b) % 16 == 0;
}

/* --- Group norms -------------------------------------------------------------------------------
 */

void
esp_cuda_group_moments (EspDevice *device, EspTensor x, int64_t groups, float *moments)
{
  CudaDevice *cuda = (CudaDevice *) device;
  const bool fours = in_fours (x.cols, (uintptr_t) x.data, 0);
  const int64_t vectors = fours ? x.cols / 4 : x.cols;
  int64_t parts = x.rows / CUDA_SUM_ROWS;
  CudaSums arguments;
  CUdeviceptr sums;
  size_t sums_bytes;

  if (!check_image (cuda, "group_moments", &x, (EspGrid){ 1, 1, x.rows })
      || !check_groups (cuda, "group_moments", x.cols, groups))
    return;
  parts = parts < 1 ? 1 : parts > CUDA_SUM_PARTS ? CUDA_SUM_PARTS : parts;
  sums_bytes = (size_t) (parts * x.cols) * 2 * sizeof (double);
  sums = esp_cuda_scratch (cuda, CUDA_SCRATCH_SUMS,
                           sums_bytes + (size_t) groups * 2 * sizeof (float));
  if (sums == 0)
    return;
  arguments = (CudaSums){
    .x = (uintptr_t) x.data,
    .sums = sums,
    .result = sums + sums_bytes,
    .rows = x.rows,
    .cols = (int32_t) x.cols,
    .parts = (int32_t) parts,
    .per_group = (int32_t) (x.cols / groups),
  };
  esp_cuda_launch (
      cuda, CUDA_MODULE_IMAGES, fours ? "image_sums_4" : "image_sums_1",
      (CudaGrid){ .x = (unsigned) parts,
                  .y = blocks_for (vectors, GRID_Y_MAX),
                  .z = 1,
                  .threads = CUDA_IMAGE_THREADS,
                  .shared = CUDA_IMAGE_THREADS * 2 * sizeof (double) * (fours ? 4 : 1) },
      &arguments, sizeof arguments);
  esp_cuda_launch (cuda, CUDA_MODULE_IMAGES, "image_moments",
                   (CudaGrid){ .x = (unsigned) groups,
                               .y = 1,
                               .z = 1,
                               .threads = CUDA_IMAGE_THREADS,
                               .shared = CUDA_IMAGE_THREADS * 2 * sizeof (double) },
                   &arguments, sizeof arguments);
  esp_cuda_copy_out (cuda, moments, arguments.result, (size_t) groups * 2 * sizeof *moments);
}

CudaChannelNorm
esp_cuda_channel_norm (CudaDevice *cuda, const char *operation, int64_t channels, int64_t groups,
                       const float *moments, const float *weight, const float *bias, float eps)
{
  const size_t bytes = ((size_t) channels * sizeof (float) + 15) / 16 * 16;
  CudaChannelNorm norm = { 0 };

  if (!check_groups (cuda, operation, channels, groups))
    return norm;
  norm.mean = esp_cuda_scratch (cuda, CUDA_SCRATCH_SUMS, 3 * bytes);
  if (norm.mean == 0)
    return norm;
  norm.factor = norm.mean + bytes;
  norm.shift = norm.factor + bytes;
  for (int64_t first = 0; first < groups; first += CUDA_NORM_GROUPS)
    {
      const int64_t count = groups - first < CUDA_NORM_GROUPS ? groups - first : CUDA_NORM_GROUPS;
      CudaNormChannels arguments = {
        .first = (int32_t) first,
        .groups = (int32_t) count,
        .per_group = (int32_t) (channels / groups),
        .eps = eps,
        .weight = (uintptr_t) weight,
        .bias = (uintptr_t) bias,
        .mean = norm.mean,
        .factor = norm.factor,
        .shift = norm.shift,
      };

      memcpy (arguments.moments, moments + 2 * first, (size_t) count * 2 * sizeof *moments);
      esp_cuda_launch (cuda, CUDA_MODULE_IMAGES, "image_norm_channels",
                       (CudaGrid){ .x = blocks_for (count * (channels / groups), INT32_MAX),
                                   .y = 1,
                                   .z = 1,
                                   .threads = CUDA_IMAGE_THREADS },
                       &arguments, sizeof arguments);
    }
  return norm;
}

void
esp_cuda_group_norm (EspDevice *device, EspTensor x, int64_t groups, const float *moments,
                     const float *weight, const float *bias, float eps, bool silu, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  const bool fours = in_fours (x.cols, (uintptr_t) x.data, (uintptr_t) y.data);
  CudaChannelNorm norm;

  if (!esp_cuda_check_same (cuda, "group_norm", &x, &y)
      || !check_image (cuda, "group_norm", &x, (EspGrid){ 1, 1, x.rows })
      || !check_image (cuda, "group_norm", &y, (EspGrid){ 1, 1, y.rows }))
    return;
  norm = esp_cuda_channel_norm (cuda, "group_norm", x.cols, groups, moments, weight, bias, eps);
  if (norm.mean == 0)
    return;
  const int64_t per_row = fours ? x.cols / 4 : x.cols;
  const CudaGroupNorm arguments = {
    .x = (uintptr_t) x.data,
    .y = (uintptr_t) y.data,
    .mean = norm.mean,
    .factor = norm.factor,
    .shift = norm.shift,
    .count = x.rows * per_row,
    .per_row = (int32_t) per_row,
    .silu = silu,
  };
  esp_cuda_launch (cuda, CUDA_MODULE_IMAGES, fours ? "image_group_norm_4" : "image_group_norm_1",
                   (CudaGrid){ .x = blocks_for (arguments.count, BLOCKS_MAX),
                               .y = 1,
                               .z = 1,
                               .threads = CUDA_IMAGE_THREADS },
                   &arguments, sizeof arguments);
}

/* --- Windows -----------------------------------------------------------------------------------
 */

void
esp_cuda_copy_window (EspDevice *device, EspTensor x, EspGrid grid, int64_t batch_index,
                      int64_t top, int64_t left, EspGrid window, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  const bool fours = in_fours (x.cols, (uintptr_t) x.data, (uintptr_t) y.data);
  const int64_t pixel = fours ? x.cols / 4 : x.cols, size = fours ? 16 : 4;

  if (!check_image (cuda, "copy_window", &x, grid)
      || !esp_cuda_check_view (cuda, "copy_window", "y", &y))
    return;
  if (y.dtype != ESP_F32 || y.stride != y.cols || x.cols != y.cols || batch_index < 0
      || batch_index >= grid.batch || top < 0 || left < 0 || window.height <= 0 || window.width <= 0
      || top > grid.height - window.height || left > grid.width - window.width || window.batch < 0
      || y.rows / (window.height * window.width) <= window.batch)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "copy_window: image %lld, %lld × %lld at (%lld, %lld) into image %lld does "
                       "not fit",
                       (long long) batch_index, (long long) window.height, (long long) window.width,
                       (long long) top, (long long) left, (long long) window.batch);
      return;
    }
  const CudaWindowCopy arguments = {
    .from = (uintptr_t) x.data
            + (uint64_t) (((batch_index * grid.height + top) * grid.width + left) * pixel * size),
    .to
    = (uintptr_t) y.data + (uint64_t) (window.batch * window.height * window.width * pixel * size),
    .from_step = grid.width * pixel,
    .to_step = window.width * pixel,
    .lines = window.height,
    .count = window.width * pixel,
  };
  esp_cuda_launch (
      cuda, CUDA_MODULE_IMAGES, fours ? "image_copy_4" : "image_copy_1",
      (CudaGrid){ .x = blocks_for (arguments.count, BLOCKS_MAX),
                  .y = (unsigned) (window.height < GRID_Y_MAX ? window.height : GRID_Y_MAX),
                  .z = 1,
                  .threads = CUDA_IMAGE_THREADS },
      &arguments, sizeof arguments);
}
