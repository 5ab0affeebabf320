/* SPDX-License-Identifier: MIT */
/* cpu-conv.c: convolutions of channels-last images: their weights, their input, and which of the
 * ways is taken: the matrix unit's where there is one and bf16 was asked for, Winograd's for
 * 3 × 3, else oneDNN's direct one.
 */
#include "ops/cpu/cpu-conv.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* --- Weights -----------------------------------------------------------------------------------
 */

static bool
check_finite (EspDevice *device, const EspWeight *weight)
{
  int64_t bad = esp_find_non_finite (weight->dtype, weight->data, weight->count);

  if (bad >= 0)
    esp_device_fail (device, ESP_ERROR_NUMERIC, "%s: tensor %s has NaN or infinity at index %lld",
                     weight->file, weight->name, (long long) bad);
  return bad < 0;
}

static float *
widened (EspDevice *device, const EspWeight *weight, size_t *bytes)
{
  float *wide;

  if (!check_finite (device, weight))
    return NULL;
  *bytes = (size_t) weight->count * sizeof *wide;
  wide = esp_cpu_allocate (device, *bytes);
  if (wide != NULL)
    esp_weight_to_f32 (weight, 0, weight->count, wide);
  return wide;
}

void
esp_cpu_prepare_conv (EspDevice *device, EspConv *conv)
{
  CpuConv *prepared;

  if (device->error.status != ESP_OK || conv->prepared != NULL)
    return;
  if (conv->weight == NULL || conv->bias == NULL || conv->bias->count != conv->out
      || conv->weight->count != conv->out * conv->in * conv->kernel * conv->kernel)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "prepare_conv: %s does not have the shape %lld × %lld × %d × %d",
                       conv->weight != NULL ? conv->weight->name : "the missing weight",
                       (long long) conv->out, (long long) conv->in, conv->kernel, conv->kernel);
      return;
    }
  prepared = calloc (1, sizeof *prepared);
  if (prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for %s", conv->weight->name);
      return;
    }
  conv->prepared = prepared;
  if (esp_dtype_block (conv->weight->dtype) > 1)
    prepared->plain = widened (device, conv->weight, &prepared->plain_bytes);
  else
    check_finite (device, conv->weight);
  prepared->bias = widened (device, conv->bias, &prepared->bias_bytes);
  if (device->error.status != ESP_OK)
    esp_cpu_release_conv (device, conv);
}

static void
drop_packings (EspDevice *device, CpuConv *prepared)
{
  for (int i = 0; i < prepared->packing_count; i++)
    {
      if (prepared->packings[i].memory != NULL)
        dnnl_memory_destroy (prepared->packings[i].memory);
      cpu_layout_clear (&prepared->packings[i].layout);
      esp_cpu_release (device, prepared->packings[i].data, prepared->packings[i].bytes);
    }
  prepared->packing_count = 0;
}

void
esp_cpu_release_conv (EspDevice *device, EspConv *conv)
{
  CpuConv *prepared = conv->prepared;

  if (prepared == NULL)
    return;
  drop_packings (device, prepared);
  esp_cpu_release (device, prepared->tiles, prepared->tiles_bytes);
  esp_cpu_release (device, prepared->plain, prepared->plain_bytes);
  esp_cpu_release (device, prepared->bias, prepared->bias_bytes);
  free (prepared);
  conv->prepared = NULL;
}

void
esp_cpu_conv_weights (const CpuConvCall *call, int64_t first, int64_t count, float *numbers)
{
  const EspConv *conv = call->conv;
  int64_t width = conv->in * conv->kernel * conv->kernel;

  if (call->prepared->plain != NULL)
    memcpy (numbers, call->prepared->plain + first * width,
            (size_t) (count * width) * sizeof *numbers);
  else
    esp_weight_to_f32 (conv->weight, first * width, count * width, numbers);
}

/* --- Input -------------------------------------------------------------------------------------
 */

/* `count` pixels of x as it lies. */
static void
fetch_pixels (const CpuConvCall *call, const CpuWindow *window, int64_t pixel, int64_t count,
              float *buffer, int64_t step)
{
  const int64_t in = call->conv->in, c = window->channel, channels = window->channels;
  const float *x = call->x + pixel * in + c;

  if (call->mean != NULL)
    call->cpu->kernels->group_norm (x, in, count, channels, call->mean + c, call->factor + c,
                                    call->shift + c, call->silu, buffer, step);
  else
    for (int64_t i = 0; i < count; i++)
      memcpy (buffer + i * step, x + i * in, (size_t) channels * sizeof *x);
  if (channels < step)
    for (int64_t i = 0; i < count; i++)
      memset (buffer + i * step + channels, 0, (size_t) (step - channels) * sizeof *x);
}

void
esp_cpu_conv_fetch (const CpuConvCall *call, const CpuWindow *window, float *buffer, int64_t step)
{
  const EspGrid *grid = &call->in_grid;
  int64_t cols = window->cols, left = window->left, scale = call->doubled ? 2 : 1;
  int64_t from = left < 0 ? -left : 0;
  int64_t to = left + cols > grid->width ? grid->width - left : cols;

  from = from < cols ? from : cols;
  to = to > from ? to : from;
  for (int64_t row = window->top; row < window->top + window->rows; row++, buffer += cols * step)
    {
      int64_t line = (window->image * call->grid.height + row / scale) * call->grid.width;

      if (row < 0 || row >= grid->height)
        {
          memset (buffer, 0, (size_t) (cols * step) * sizeof *buffer);
          continue;
        }
      memset (buffer, 0, (size_t) (from * step) * sizeof *buffer);
      memset (buffer + to * step, 0, (size_t) ((cols - to) * step) * sizeof *buffer);
      if (!call->doubled)
        fetch_pixels (call, window, line + left + from, to - from, buffer + from * step, step);
      else
        for (int64_t col = from; col < to; col++)
          if ((left + col) % 2 == 1 && col > from)
            memcpy (buffer + col * step, buffer + (col - 1) * step, (size_t) step * sizeof *buffer);
          else
            fetch_pixels (call, window, line + (left + col) / 2, 1, buffer + col * step, step);
    }
}

/* --- oneDNN ------------------------------------------------------------------------------------
 */

/* The layer's weights in this layout, packed now if they are not yet. */
static dnnl_memory_t
packed_weights (const CpuConvCall *call, CpuLayoutRef layout)
{
  CpuDevice *cpu = call->cpu;
  const EspConv *conv = call->conv;
  CpuConv *prepared = call->prepared;
  float *wide;
  CpuLayout plain = CPU_LAYOUT_NONE;
  const dnnl_dims_t dims = { conv->out, conv->in, conv->kernel, conv->kernel };
  int i;

  for (i = 0; i < prepared->packing_count; i++)
    if (dnnl_memory_desc_equal (cpu_layout_ref (&prepared->packings[i].layout), layout))
      return prepared->packings[i].memory;
  if (i == CPU_CONV_PACKINGS)
    {
      drop_packings (&cpu->base, prepared);
      i = 0;
    }
  wide = esp_cpu_scratch (cpu, SCRATCH_WEIGHT, (size_t) conv->weight->count * sizeof *wide);
  if (wide == NULL)
    return NULL;
  esp_cpu_conv_weights (call, 0, conv->out, wide);
  prepared->packings[i].bytes = dnnl_memory_desc_get_size (layout);
  prepared->packings[i].memory = NULL;
  prepared->packings[i].data = esp_cpu_allocate (&cpu->base, prepared->packings[i].bytes);
  if (prepared->packings[i].data == NULL)
    return NULL;
  if (cpu_layout_by_tag (&plain, 4, dims, dnnl_f32, dnnl_oihw) != dnnl_success
      || cpu_layout_copy (&prepared->packings[i].layout, layout) != dnnl_success)
    {
      esp_device_fail (&cpu->base, ESP_ERROR_MEMORY, "oneDNN cannot describe the weights of %s",
                       conv->weight->name);
      esp_cpu_release (&cpu->base, prepared->packings[i].data, prepared->packings[i].bytes);
      cpu_layout_clear (&plain);
      return NULL;
    }
  prepared->packing_count = i + 1;
  esp_cpu_reorder (cpu, cpu_layout_ref (&plain), wide, layout, prepared->packings[i].data);
  cpu_layout_clear (&plain);
  if (cpu->base.error.status == ESP_OK)
    prepared->packings[i].memory = esp_cpu_memory (cpu, layout, prepared->packings[i].data);
  return prepared->packings[i].memory;
}

/* x as oneDNN wants it: all of it, doubled and normalised. */
static const float *
whole_input (const CpuConvCall *call)
{
  const EspGrid *grid = &call->in_grid;
  int64_t lines = grid->batch * grid->height, line_size = grid->width * call->conv->in;
  float *whole;

  if (!call->doubled && call->mean == NULL)
    return call->x;
  whole
      = esp_cpu_scratch (call->cpu, SCRATCH_OPERAND, (size_t) (lines * line_size) * sizeof *whole);
  if (whole == NULL)
    return NULL;
#pragma omp parallel for num_threads(esp_cpu_team(call->cpu, lines *line_size)) schedule(static)
  for (int64_t line = 0; line < lines; line++)
    {
      const CpuWindow window = { .image = line / grid->height,
                                 .top = line % grid->height,
                                 .rows = 1,
                                 .cols = grid->width,
                                 .channels = call->conv->in };

      esp_cpu_conv_fetch (call, &window, whole + line * line_size, call->conv->in);
    }
  return whole;
}

static void
convolve_by_library (const CpuConvCall *call)
{
  const EspConv *conv = call->conv;
  const CpuConvolution shape = { .grid = call->in_grid,
                                 .out_grid = call->out_grid,
                                 .in = conv->in,
                                 .out = conv->out,
                                 .kernel = conv->kernel,
                                 .stride = conv->stride,
                                 .pad_top = conv->pad_top,
                                 .pad_left = conv->pad_left,
                                 .pad_bottom = conv->pad_bottom,
                                 .pad_right = conv->pad_right,
                                 .accumulate = call->accumulate };
  const float *x = whole_input (call);
  CpuPrimitive *primitive = x != NULL ? esp_cpu_convolution (call->cpu, &shape) : NULL;
  dnnl_memory_t weights = NULL;

  if (primitive != NULL)
    weights = packed_weights (call, cpu_layout_ref (&primitive->weights));
  if (weights != NULL)
    esp_cpu_primitive_run (call->cpu, primitive, x, weights, call->prepared->bias, call->y);
}

/* --- Checks and the choice ---------------------------------------------------------------------
 */

static bool
check_shapes (CpuDevice *cpu, const EspConv *conv, EspTensor x, EspGrid grid, EspTensor y,
              CpuConvCall *call)
{
  int64_t scale = conv->doubled ? 2 : 1;
  int64_t height = scale * grid.height + conv->pad_top + conv->pad_bottom - conv->kernel;
  int64_t width = scale * grid.width + conv->pad_left + conv->pad_right - conv->kernel;

  call->in_grid = (EspGrid){ grid.batch, scale * grid.height, scale * grid.width };
  call->out_grid = (EspGrid){ grid.batch, 0, 0 };
  if (height >= 0 && width >= 0 && conv->stride > 0)
    {
      call->out_grid.height = height / conv->stride + 1;
      call->out_grid.width = width / conv->stride + 1;
    }
  if (grid.batch > 0 && x.dtype == ESP_F32 && y.dtype == ESP_F32 && x.stride == x.cols
      && y.stride == y.cols && x.cols == conv->in && y.cols == conv->out
      && x.rows == grid.batch * grid.height * grid.width
      && y.rows == grid.batch * call->out_grid.height * call->out_grid.width && y.rows > 0)
    return true;
  esp_device_fail (&cpu->base, ESP_ERROR_ARGUMENT,
                   "conv2d: %s: x %lld × %lld and y %lld × %lld do not fit images of %lld × "
                   "%lld × %lld",
                   conv->weight->name, (long long) x.rows, (long long) x.cols, (long long) y.rows,
                   (long long) y.cols, (long long) grid.batch, (long long) grid.height,
                   (long long) grid.width);
  return false;
}

/* The norm's numbers for each channel. */
static bool
take_norm (CpuConvCall *call, const EspGroupNorm *norm)
{
  int64_t in = call->conv->in, per_group;
  float *mean;

  if (norm->groups <= 0 || in % norm->groups != 0)
    {
      esp_device_fail (&call->cpu->base, ESP_ERROR_ARGUMENT, "conv2d: %lld groups of %lld channels",
                       (long long) norm->groups, (long long) in);
      return false;
    }
  mean = esp_cpu_scratch (call->cpu, SCRATCH_NORM, (size_t) in * 2 * sizeof *mean);
  if (mean == NULL)
    return false;
  per_group = in / norm->groups;
  esp_cpu_norm_channels (in, per_group, norm->moments, norm->weight, norm->eps, mean, mean + in);
  call->mean = mean;
  call->factor = mean + in;
  call->shift = norm->bias;
  call->silu = norm->silu;
  return true;
}

void
esp_cpu_conv2d (EspDevice *device, EspTensor x, EspGrid grid, const EspConv *conv,
                const EspGroupNorm *norm, bool accumulate, EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;
  CpuConvCall call = { .cpu = cpu,
                       .conv = conv,
                       .prepared = conv->prepared,
                       .x = x.data,
                       .grid = grid,
                       .doubled = conv->doubled,
                       .accumulate = accumulate,
                       .y = y.data };

  if (device->error.status != ESP_OK || !esp_cpu_check_view (cpu, "conv2d", "x", &x)
      || !esp_cpu_check_view (cpu, "conv2d", "y", &y))
    return;
  if (conv->prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "conv2d: the layer %s was not prepared",
                       conv->weight != NULL ? conv->weight->name : "without weights");
      return;
    }
  if (!check_shapes (cpu, conv, x, grid, y, &call) || (norm != NULL && !take_norm (&call, norm)))
    return;
  if (esp_cpu_conv_has_matrix (&call))
    esp_cpu_conv_matrix (&call);
  else if (esp_cpu_conv_has_winograd (&call))
    esp_cpu_conv_winograd (&call);
  else
    convolve_by_library (&call);
}
