/* SPDX-License-Identifier: MIT */
/* cpu-conv.c: convolutions of channels-last images through oneDNN, always in f32. */
#include "ops/cpu/cpu-primitive.h"

#include <stdlib.h>
#include <string.h>

/* A prepared layer: the weights in every layout that an image size has asked for so far (in
 * practice one or two). */
enum
{
  PACKINGS_MAX = 4
};

typedef struct CpuConv
{
  float *plain, *bias; /* [out, in, k, k] and [out] */
  size_t plain_bytes, bias_bytes;
  struct
  {
    CpuLayout layout;
    dnnl_memory_t memory;
    void *data;
    size_t bytes;
  } packings[PACKINGS_MAX];
  int packing_count;
} CpuConv;

static float *
widened (EspDevice *device, const EspWeight *weight, size_t *bytes)
{
  int64_t bad = esp_find_non_finite (weight->dtype, weight->data, weight->count);
  float *wide;

  if (bad >= 0)
    {
      esp_device_fail (device, ESP_ERROR_NUMERIC, "%s: tensor %s has NaN or infinity at index %lld",
                       weight->file, weight->name, (long long) bad);
      return NULL;
    }
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
  prepared->plain = widened (device, conv->weight, &prepared->plain_bytes);
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
  esp_cpu_release (device, prepared->plain, prepared->plain_bytes);
  esp_cpu_release (device, prepared->bias, prepared->bias_bytes);
  free (prepared);
  conv->prepared = NULL;
}

/* The layer's weights in this layout, packed now if they are not yet. */
static dnnl_memory_t
packed_weights (CpuDevice *cpu, const EspConv *conv, CpuLayoutRef layout)
{
  CpuConv *prepared = conv->prepared;
  CpuLayout plain = CPU_LAYOUT_NONE;
  const dnnl_dims_t dims = { conv->out, conv->in, conv->kernel, conv->kernel };
  int i;

  for (i = 0; i < prepared->packing_count; i++)
    if (dnnl_memory_desc_equal (cpu_layout_ref (&prepared->packings[i].layout), layout))
      return prepared->packings[i].memory;
  if (i == PACKINGS_MAX)
    {
      drop_packings (&cpu->base, prepared);
      i = 0;
    }
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
  esp_cpu_reorder (cpu, cpu_layout_ref (&plain), prepared->plain, layout,
                   prepared->packings[i].data);
  cpu_layout_clear (&plain);
  if (cpu->base.error.status == ESP_OK)
    prepared->packings[i].memory = esp_cpu_memory (cpu, layout, prepared->packings[i].data);
  return prepared->packings[i].memory;
}

void
esp_cpu_conv2d (EspDevice *device, EspTensor x, EspGrid grid, const EspConv *conv, bool accumulate,
                EspTensor y)
{
  CpuDevice *cpu = (CpuDevice *) device;
  CpuConv *prepared = conv->prepared;
  CpuConvolution shape = { .grid = grid,
                           .in = conv->in,
                           .out = conv->out,
                           .kernel = conv->kernel,
                           .stride = conv->stride,
                           .pad_top = conv->pad_top,
                           .pad_left = conv->pad_left,
                           .pad_bottom = conv->pad_bottom,
                           .pad_right = conv->pad_right,
                           .accumulate = accumulate };
  int64_t height = grid.height + conv->pad_top + conv->pad_bottom - conv->kernel;
  int64_t width = grid.width + conv->pad_left + conv->pad_right - conv->kernel;

  if (device->error.status != ESP_OK || !esp_cpu_check_view (cpu, "conv2d", "x", &x)
      || !esp_cpu_check_view (cpu, "conv2d", "y", &y))
    return;
  if (prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "conv2d: the layer %s was not prepared",
                       conv->weight != NULL ? conv->weight->name : "without weights");
      return;
    }
  shape.out_grid = (EspGrid){ grid.batch, 0, 0 };
  if (height >= 0 && width >= 0 && conv->stride > 0)
    {
      shape.out_grid.height = height / conv->stride + 1;
      shape.out_grid.width = width / conv->stride + 1;
    }
  if (grid.batch <= 0 || x.dtype != ESP_F32 || y.dtype != ESP_F32 || x.stride != x.cols
      || y.stride != y.cols || x.cols != conv->in || y.cols != conv->out
      || x.rows != grid.batch * grid.height * grid.width
      || y.rows != grid.batch * shape.out_grid.height * shape.out_grid.width || y.rows == 0)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "conv2d: %s: x %lld × %lld and y %lld × %lld do not fit images of %lld × "
                       "%lld × %lld",
                       conv->weight->name, (long long) x.rows, (long long) x.cols,
                       (long long) y.rows, (long long) y.cols, (long long) grid.batch,
                       (long long) grid.height, (long long) grid.width);
      return;
    }
  CpuPrimitive *primitive = esp_cpu_convolution (cpu, &shape);
  if (primitive == NULL)
    return;
  dnnl_memory_t weights = packed_weights (cpu, conv, cpu_layout_ref (&primitive->weights));
  if (weights != NULL)
    esp_cpu_primitive_run (cpu, primitive, x.data, weights, prepared->bias, y.data);
}
