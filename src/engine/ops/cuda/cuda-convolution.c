/* SPDX-License-Identifier: MIT */
/* cuda-convolution.c: convolutions of channels-last images: their weights on the card, and which
 * kernel.
 *
 * Results are as accurate as f32. Where the device computes in bf16, or may take two bf16 for f32
 * (CudaDevice.split), each number is two bf16 and the matrix unit multiplies those; with f32, on
 * cards without bf16 (whose f16 has too few exponents, and is hardly faster than plain f32 once
 * each product is three), with a stride, and where channels do not come in fours, plain f32 does.
 */
#include "ops/cuda/cuda-images.h"

#include <stdlib.h>
#include <string.h>

#include "ops/cuda/kernels/images.h"

/* EspConv.prepared */
typedef struct CudaConv
{
  CUdeviceptr weights, bias;
  size_t weights_bytes, bias_bytes;
  bool matrix;   /* the weights are split for the matrix unit */
  bool exact;    /* bf16 holds all of them: one half each */
  int32_t block; /* outputs of one block */
  int32_t padded_in, padded_out;
} CudaConv;

/* --- Weights -----------------------------------------------------------------------------------
 */

/* The weight's numbers in f32, freed by the caller; NULL with a sticky error. */
static float *
widened (EspDevice *device, const EspWeight *weight)
{
  int64_t bad = esp_find_non_finite (weight->dtype, weight->data, weight->count);
  float *wide;

  if (bad >= 0)
    {
      esp_device_fail (device, ESP_ERROR_NUMERIC, "%s: tensor %s has NaN or infinity at index %lld",
                       weight->file, weight->name, (long long) bad);
      return NULL;
    }
  wide = malloc ((size_t) weight->count * sizeof *wide);
  if (wide == NULL)
    esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for %s", weight->name);
  else
    esp_weight_to_f32 (weight, 0, weight->count, wide);
  return wide;
}

static bool
fits_bf16 (const float *numbers, int64_t count)
{
  uint32_t rest = 0;

  for (int64_t i = 0; i < count; i++)
    {
      uint32_t bits;

      memcpy (&bits, &numbers[i], sizeof bits);
      rest |= bits & 0xffff;
    }
  return rest == 0;
}

static int64_t
padded (int64_t count, int64_t unit)
{
  return (count + unit - 1) / unit * unit;
}

static void
choose_kernel (const CudaDevice *cuda, const EspConv *conv, const float *numbers,
               CudaConv *prepared)
{
  const int64_t taps = conv->kernel * conv->kernel;

  prepared->matrix = (cuda->base.compute == ESP_BF16 || cuda->split) && conv->stride == 1
                     && conv->in % 4 == 0 && (conv->kernel == 1 || conv->kernel == 3);
  prepared->exact = prepared->matrix && fits_bf16 (numbers, conv->weight->count);
  prepared->block
      = prepared->matrix && conv->out <= CUDA_CONV_NARROW ? CUDA_CONV_NARROW : CUDA_CONV_OUTPUTS;
  prepared->padded_out = (int32_t) padded (conv->out, prepared->block);
  prepared->padded_in = (int32_t) (prepared->matrix ? padded (conv->in, 16) : conv->in);
  prepared->weights_bytes
      = (size_t) (prepared->padded_out * taps * prepared->padded_in) * (prepared->exact ? 2 : 4);
}

/* Puts the numbers, which lie on the card as in the file, into the kernel's order. */
static void
arrange (CudaDevice *cuda, const EspConv *conv, const CudaConv *prepared, CUdeviceptr numbers)
{
  const CudaConvWeights arguments = {
    .from = numbers,
    .to = prepared->weights,
    .in = (int32_t) conv->in,
    .out = (int32_t) conv->out,
    .taps = conv->kernel * conv->kernel,
    .block = prepared->block,
    .exact = prepared->exact,
    .padded_in = prepared->padded_in,
    .padded_out = prepared->padded_out,
  };
  const int64_t count = (int64_t) prepared->padded_out * prepared->padded_in * arguments.taps;

  esp_cuda_launch (
      cuda, CUDA_MODULE_IMAGES, prepared->matrix ? "image_weights_split" : "image_weights_plain",
      (CudaGrid){ .x = (unsigned) ((count + CUDA_IMAGE_THREADS - 1) / CUDA_IMAGE_THREADS),
                  .y = 1,
                  .z = 1,
                  .threads = CUDA_IMAGE_THREADS },
      &arguments, sizeof arguments);
}

static void
put_on_card (CudaDevice *cuda, const EspConv *conv, const float *weights, const float *bias,
             CudaConv *prepared)
{
  const size_t bytes = (size_t) conv->weight->count * sizeof *weights;
  CUdeviceptr numbers;

  choose_kernel (cuda, conv, weights, prepared);
  prepared->bias_bytes = (size_t) conv->out * sizeof *bias;
  prepared->weights = (uintptr_t) esp_cuda_allocate (&cuda->base, prepared->weights_bytes);
  prepared->bias = (uintptr_t) esp_cuda_allocate (&cuda->base, prepared->bias_bytes);
  numbers = esp_cuda_scratch (cuda, CUDA_SCRATCH_IMAGE, bytes);
  if (cuda->base.error.status != ESP_OK)
    return;
  esp_cuda_copy_in (cuda, prepared->bias, bias, prepared->bias_bytes);
  esp_cuda_copy_in (cuda, numbers, weights, bytes);
  arrange (cuda, conv, prepared, numbers);
}

void
esp_cuda_prepare_conv (EspDevice *device, EspConv *conv)
{
  CudaDevice *cuda = (CudaDevice *) device;
  float *weights, *bias;

  if (device->error.status != ESP_OK || conv->prepared != NULL || !esp_cuda_enter (cuda))
    return;
  if (conv->weight == NULL || conv->bias == NULL || conv->bias->count != conv->out
      || conv->weight->count != conv->out * conv->in * conv->kernel * conv->kernel
      || conv->weight->count > INT32_MAX / 4)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "prepare_conv: %s does not have the shape %lld × %lld × %d × %d",
                       conv->weight != NULL ? conv->weight->name : "the missing weight",
                       (long long) conv->out, (long long) conv->in, conv->kernel, conv->kernel);
      return;
    }
  weights = widened (device, conv->weight);
  bias = widened (device, conv->bias);
  conv->prepared = calloc (1, sizeof (CudaConv));
  if (conv->prepared == NULL)
    esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for %s", conv->weight->name);
  if (device->error.status == ESP_OK)
    put_on_card (cuda, conv, weights, bias, conv->prepared);
  if (device->error.status != ESP_OK)
    esp_cuda_release_conv (device, conv);
  free (weights);
  free (bias);
}

void
esp_cuda_release_conv (EspDevice *device, EspConv *conv)
{
  CudaConv *prepared = conv->prepared;

  if (prepared == NULL)
    return;
  esp_cuda_release (device, (void *) (uintptr_t) prepared->weights, prepared->weights_bytes);
  esp_cuda_release (device, (void *) (uintptr_t) prepared->bias, prepared->bias_bytes);
  free (prepared);
  conv->prepared = NULL;
}

/* --- Convolving --------------------------------------------------------------------------------
 */

/* Pixels of an image that kernels can count. */
#define PIXELS_MAX (INT32_MAX / 4)

static bool
check_shapes (CudaDevice *cuda, const EspConv *conv, EspTensor x, EspGrid grid, EspTensor y,
              EspGrid *out)
{
  int64_t scale = conv->doubled ? 2 : 1;
  int64_t height = scale * grid.height + conv->pad_top + conv->pad_bottom - conv->kernel;
  int64_t width = scale * grid.width + conv->pad_left + conv->pad_right - conv->kernel;

  if (!esp_cuda_check_view (cuda, "conv2d", "x", &x)
      || !esp_cuda_check_view (cuda, "conv2d", "y", &y))
    return false;
  *out = (EspGrid){ grid.batch, 0, 0 };
  if (height >= 0 && width >= 0 && conv->stride > 0)
    {
      out->height = height / conv->stride + 1;
      out->width = width / conv->stride + 1;
    }
  if (grid.batch > 0 && grid.batch <= UINT16_MAX && x.dtype == ESP_F32 && y.dtype == ESP_F32
      && x.stride == x.cols && y.stride == y.cols && x.cols == conv->in && y.cols == conv->out
      && x.rows == grid.batch * grid.height * grid.width
      && y.rows == grid.batch * out->height * out->width && y.rows > 0
      && grid.height * grid.width <= PIXELS_MAX && out->height * out->width <= PIXELS_MAX)
    return true;
  esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT,
                   "conv2d: %s: x %lld × %lld and y %lld × %lld do not fit images of %lld × "
                   "%lld × %lld",
                   conv->weight->name, (long long) x.rows, (long long) x.cols, (long long) y.rows,
                   (long long) y.cols, (long long) grid.batch, (long long) grid.height,
                   (long long) grid.width);
  return false;
}

static void
launch_matrix (CudaDevice *cuda, const CudaConv *prepared, const CudaConvolution *arguments)
{
  static const char *const names[2][2][2] = {
    { { "image_convolve_1_64", "image_convolve_1_64_exact" },
      { "image_convolve_1_32", "image_convolve_1_32_exact" } },
    { { "image_convolve_3_64", "image_convolve_3_64_exact" },
      { "image_convolve_3_32", "image_convolve_3_32_exact" } },
  };
  const int border = arguments->kernel - 1;
  const int64_t down = (arguments->out_height + CUDA_CONV_ROWS - 1) / CUDA_CONV_ROWS;
  const int64_t across = (arguments->out_width + CUDA_CONV_COLS - 1) / CUDA_CONV_COLS;

  esp_cuda_launch (
      cuda, CUDA_MODULE_IMAGES,
      names[arguments->kernel == 3][prepared->block == CUDA_CONV_NARROW][prepared->exact],
      (CudaGrid){ .x = (unsigned) (down * across * (prepared->padded_out / prepared->block)),
                  .y = 1,
                  .z = (unsigned) arguments->batch,
                  .threads = CUDA_IMAGE_THREADS,
                  .shared = (size_t) (2 * (CUDA_CONV_ROWS + border) * (CUDA_CONV_COLS + border)
                                      * CUDA_CONV_PIXEL_BYTES)
                            + CUDA_CONV_WEIGHT_BYTES },
      arguments, sizeof *arguments);
}

static void
launch_plain (CudaDevice *cuda, const CudaConv *prepared, const CudaConvolution *arguments)
{
  const int64_t pixels = arguments->batch * arguments->out_height * arguments->out_width;
  const int64_t stretches = (pixels + CUDA_CONV_PIXELS - 1) / CUDA_CONV_PIXELS;

  esp_cuda_launch (
      cuda, CUDA_MODULE_IMAGES, "image_convolve_plain",
      (CudaGrid){ .x = (unsigned) (stretches * (prepared->padded_out / CUDA_CONV_OUTPUTS)),
                  .y = 1,
                  .z = 1,
                  .threads = CUDA_IMAGE_THREADS,
                  .shared
                  = CUDA_CONV_DEPTH * (CUDA_CONV_PITCH + CUDA_CONV_OUTPUTS) * sizeof (float) },
      arguments, sizeof *arguments);
}

void
esp_cuda_conv2d (EspDevice *device, EspTensor x, EspGrid grid, const EspConv *conv,
                 const EspGroupNorm *norm, bool accumulate, EspTensor y)
{
  CudaDevice *cuda = (CudaDevice *) device;
  const CudaConv *prepared = conv->prepared;
  CudaChannelNorm channels = { 0 };
  CudaConvolution arguments;
  EspGrid out;

  if (device->error.status != ESP_OK)
    return;
  if (prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "conv2d: the layer %s was not prepared",
                       conv->weight != NULL ? conv->weight->name : "without weights");
      return;
    }
  if (!check_shapes (cuda, conv, x, grid, y, &out))
    return;
  if (norm != NULL)
    {
      channels = esp_cuda_channel_norm (cuda, "conv2d", conv->in, norm->groups, norm->moments,
                                        norm->weight, norm->bias, norm->eps);
      if (channels.mean == 0)
        return;
    }
  arguments = (CudaConvolution){
    .x = (uintptr_t) x.data,
    .y = (uintptr_t) y.data,
    .weights = prepared->weights,
    .bias = prepared->bias,
    .mean = channels.mean,
    .factor = channels.factor,
    .shift = channels.shift,
    .batch = grid.batch,
    .height = (int32_t) grid.height,
    .width = (int32_t) grid.width,
    .in = (int32_t) conv->in,
    .out_height = (int32_t) out.height,
    .out_width = (int32_t) out.width,
    .out = (int32_t) conv->out,
    .padded_out = prepared->padded_out,
    .kernel = conv->kernel,
    .stride = conv->stride,
    .pad_top = conv->pad_top,
    .pad_left = conv->pad_left,
    .doubled = conv->doubled,
    .silu = norm != NULL && norm->silu,
    .accumulate = accumulate,
  };
  if (prepared->matrix)
    launch_matrix (cuda, prepared, &arguments);
  else
    launch_plain (cuda, prepared, &arguments);
}
