/* SPDX-License-Identifier: MIT */
/* cpu-linear.c: linear layers: making them ready, and which way each goes.
 *
 * - Up to VECTOR_ROWS rows: dot products with the mapped file as it is (cpu-vector.c).
 * - More: panels of it, made as they are needed (cpu-panels.c). Their operands are f32, bf16 where
 *   the device computes in it, or signed bytes for block formats (EspPanelKernels).
 *
 * Weights are looked through for NaN and infinity when they are first read: small ones when the
 * layer is made ready, large ones during their first product, so that nothing is read twice.
 */
#include "ops/cpu/cpu-linear.h"

#include "ops/cpu/kernels/blocks.h"

#include <stdlib.h>
#include <string.h>

enum
{
  VECTOR_ROWS = 4,
  CHECK_AT_ONCE = 1 << 20,   /* numbers of a weight that is looked through when it is prepared */
  CHECK_ELEMENTS = 64 << 10, /* of them that one thread looks through at once */
};

/* --- Preparing ---------------------------------------------------------------------------------
 */

/* The first number that is NaN or infinite, or -1. */
static int64_t
find_non_finite (CpuDevice *cpu, const EspWeight *weight)
{
  int64_t parts = (weight->count + CHECK_ELEMENTS - 1) / CHECK_ELEMENTS, bad = INT64_MAX;

#pragma omp parallel for num_threads(esp_cpu_team(cpu, weight->count)) reduction(min : bad)
  for (int64_t part = 0; part < parts; part++)
    {
      int64_t first = part * CHECK_ELEMENTS;
      int64_t left = weight->count - first;
      int64_t found = esp_find_non_finite (
          weight->dtype, (const char *) weight->data + esp_dtype_bytes (weight->dtype, first),
          left < CHECK_ELEMENTS ? left : CHECK_ELEMENTS);
      if (found >= 0 && first + found < bad)
        bad = first + found;
    }
  return bad == INT64_MAX ? -1 : bad;
}

void
esp_cpu_report_non_finite (CpuDevice *cpu, const EspWeight *weight)
{
  esp_device_fail (&cpu->base, ESP_ERROR_NUMERIC, "%s: tensor %s has NaN or infinity at index %lld",
                   weight->file, weight->name, (long long) find_non_finite (cpu, weight));
}

static bool
check_finite (CpuDevice *cpu, const EspWeight *weight)
{
  if (find_non_finite (cpu, weight) < 0)
    return true;
  esp_cpu_report_non_finite (cpu, weight);
  return false;
}

static bool
stack_bias (CpuDevice *cpu, const EspLinear *linear, CpuLinear *prepared)
{
  bool any = false;
  int64_t first = 0;

  for (int i = 0; i < linear->parts; i++)
    any = any || linear->bias[i] != NULL;
  if (!any)
    return true;
  prepared->bias_bytes = (size_t) linear->out * sizeof *prepared->bias;
  prepared->bias = esp_cpu_allocate (&cpu->base, prepared->bias_bytes);
  if (prepared->bias == NULL)
    return false;
  for (int i = 0; i < linear->parts; i++)
    {
      int64_t out = linear->weight[i]->count / linear->in;

      if (linear->bias[i] == NULL)
        memset (prepared->bias + first, 0, (size_t) out * sizeof *prepared->bias);
      else if (!check_finite (cpu, linear->bias[i]))
        return false;
      else
        esp_weight_to_f32 (linear->bias[i], 0, out, prepared->bias + first);
      first += out;
    }
  return true;
}

void
esp_cpu_prepare_linear (EspDevice *device, EspLinear *linear)
{
  CpuDevice *cpu = (CpuDevice *) device;
  CpuLinear *prepared;
  bool good = true;

  if (device->error.status != ESP_OK || linear->prepared != NULL
      || !esp_device_check_linear (&cpu->base, linear))
    return;
  prepared = calloc (1, sizeof *prepared);
  if (prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for %s", linear->weight[0]->name);
      return;
    }
  linear->prepared = prepared;
  for (int i = 0; good && i < linear->parts; i++)
    if (linear->weight[i]->count <= CHECK_AT_ONCE)
      good = prepared->checked[i] = check_finite (cpu, linear->weight[i]);
  if (!good || !stack_bias (cpu, linear, prepared))
    esp_cpu_release_linear (device, linear);
}

void
esp_cpu_release_linear (EspDevice *device, EspLinear *linear)
{
  CpuDevice *cpu = (CpuDevice *) device;
  CpuLinear *prepared = linear->prepared;

  if (prepared == NULL)
    return;
  if (prepared->kept != NULL)
    cpu->weight_used -= prepared->kept_bytes;
  esp_cpu_release (device, prepared->kept, prepared->kept_bytes);
  esp_cpu_release (device, prepared->bias, prepared->bias_bytes);
  free (prepared);
  linear->prepared = NULL;
}

/* --- Multiplying -------------------------------------------------------------------------------
 */

static void
many_rows (CpuDevice *cpu, const CpuRanges *x, const EspLinear *linear, const EspEpilogue *epilogue,
           const CpuRanges *y)
{
  esp_cpu_keep_panels (cpu, linear);
  if (cpu->base.error.status == ESP_OK)
    esp_cpu_panels_linear (cpu, x, linear, epilogue, y);
}

void
esp_cpu_linear (EspDevice *device, EspTensor x, const EspLinear *linear,
                const EspEpilogue *epilogue, EspTensor y)
{
  static const EspEpilogue plain = { ESP_ACTIVATION_NONE, NULL, false };
  CpuDevice *cpu = (CpuDevice *) device;

  if (device->error.status != ESP_OK || !esp_cpu_check_view (cpu, "linear", "x", &x)
      || !esp_cpu_check_view (cpu, "linear", "y", &y))
    return;
  if (linear->prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "linear: the layer %s was not prepared",
                       linear->weight[0] != NULL ? linear->weight[0]->name : "without weights");
      return;
    }
  if (x.cols != linear->in || y.cols != linear->out || x.rows != y.rows)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT,
                       "linear: %s: x %lld × %lld and y %lld × %lld do not fit %lld → %lld",
                       linear->weight[0]->name, (long long) x.rows, (long long) x.cols,
                       (long long) y.rows, (long long) y.cols, (long long) linear->in,
                       (long long) linear->out);
      return;
    }
  epilogue = epilogue != NULL ? epilogue : &plain;
  if (x.rows == 0)
    return;
  if (x.rows <= VECTOR_ROWS)
    esp_cpu_vector_linear (cpu, &x, linear, epilogue, &y);
  else
    {
      const int64_t start = 0;
      const CpuRanges in = { x, 1, x.rows, &start }, out = { y, 1, x.rows, &start };

      many_rows (cpu, &in, linear, epilogue, &out);
    }
}

/* A few rows are another code path, so ranges of few rows stay apart. */
void
esp_cpu_linear_batch (EspDevice *device, EspTensor x, const EspLinear *linear,
                      const EspEpilogue *epilogue, EspTensor y, const EspBatch *batch)
{
  static const EspEpilogue plain = { ESP_ACTIVATION_NONE, NULL, false };
  CpuDevice *cpu = (CpuDevice *) device;
  const CpuRanges in = { x, batch->count, batch->rows, batch->x };
  const CpuRanges out = { y, batch->count, batch->rows, batch->y };

  if (device->error.status != ESP_OK || !esp_cpu_check_view (cpu, "linear_batch", "x", &x)
      || !esp_cpu_check_view (cpu, "linear_batch", "y", &y))
    return;
  if (linear->prepared != NULL && batch->count > 0 && batch->rows > VECTOR_ROWS
      && x.cols == linear->in && y.cols == linear->out)
    many_rows (cpu, &in, linear, epilogue != NULL ? epilogue : &plain, &out);
  else
    for (int64_t i = 0; i < batch->count && device->error.status == ESP_OK; i++)
      esp_cpu_linear (device, esp_tensor_rows (x, batch->x[i], batch->rows), linear, epilogue,
                      esp_tensor_rows (y, batch->y[i], batch->rows));
}
