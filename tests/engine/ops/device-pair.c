/* SPDX-License-Identifier: MIT */
/* device-pair.c: see device-pair.h. */
#include "device-pair.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops-reference.h"
#include "ops/cpu/cpu-device.h"
#include "ops/cuda/cuda.h"

#define SENTINEL 12288.0f /* exact in bf16 */

static EspStatus
open_tested (const char *level, EspCompute compute, int threads, size_t weight_budget,
             EspDevice **device, EspError *error)
{
  EspCudaOptions options = { .ordinal = -1, .compute = compute };

  if (level != NULL && strcmp (level, "cuda") == 0)
    return esp_cuda_device_new (&options, device, error);
  return esp_cpu_device_new_level (level, compute, threads, weight_budget, device, error);
}

bool
pair_open (DevicePair *pair, const char *level, EspCompute compute, int threads,
           size_t weight_budget)
{
  EspError error = ESP_ERROR_INIT;

  *pair = (DevicePair){ 0 };
  if (open_tested (level, compute, threads, weight_budget, &pair->tested, &error) != ESP_OK)
    {
      printf ("# %s\n", error.message);
      return false;
    }
  snprintf (pair->label, sizeof pair->label, "%s %s", level != NULL ? level : "best",
            esp_dtype_name (pair->tested->compute));
  if (esp_reference_device_new (compute, &pair->reference, &error) != ESP_OK)
    {
      pair_close (pair);
      return false;
    }
  pair->reference->compute = pair->tested->compute;
  return true;
}

void
pair_close (DevicePair *pair)
{
  esp_device_free (pair->tested);
  esp_device_free (pair->reference);
  pair->tested = pair->reference = NULL;
}

/* splitmix64 */
static uint64_t
next (uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15u;

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

float *
random_values (int64_t count, uint64_t seed, float scale)
{
  float *values = malloc ((size_t) (count > 0 ? count : 1) * sizeof *values);
  uint64_t state = seed;

  if (values == NULL)
    abort ();
  for (int64_t i = 0; i < count; i++)
    {
      double sum = 0; /* of four uniform numbers: normal enough, variance 1/3 */

      for (int part = 0; part < 4; part++)
        sum += (double) (next (&state) >> 11) / (double) (1ull << 53) - 0.5;
      values[i] = (float) (sum * 1.7320508) * scale;
    }
  return values;
}

static EspTensor
filled (EspDevice *device, EspDType dtype, int64_t rows, int64_t cols, int64_t stride,
        const float *values)
{
  EspTensor whole = esp_tensor_new (device, dtype, rows, stride), view;
  float *gaps = malloc ((size_t) (rows * stride) * sizeof *gaps);

  if (gaps == NULL || whole.data == NULL)
    abort ();
  for (int64_t i = 0; i < rows * stride; i++)
    gaps[i] = i % stride < cols ? values[i / stride * cols + i % stride] : SENTINEL;
  device->ops->upload (device, gaps, whole);
  free (gaps);
  view = esp_tensor_cols (whole, 0, cols);
  return view;
}

TensorPair
tensor_pair_of (DevicePair *pair, EspDType dtype, int64_t rows, int64_t cols, int64_t stride,
                const float *values)
{
  return (TensorPair){ filled (pair->tested, dtype, rows, cols, stride, values),
                       filled (pair->reference, dtype, rows, cols, stride, values) };
}

TensorPair
tensor_pair (DevicePair *pair, EspDType dtype, int64_t rows, int64_t cols, int64_t stride,
             uint64_t seed, float scale)
{
  float *values = random_values (rows * cols, seed, scale);
  TensorPair tensors = tensor_pair_of (pair, dtype, rows, cols, stride, values);

  free (values);
  return tensors;
}

void
tensor_pair_free (DevicePair *pair, TensorPair *tensors)
{
  EspTensor *views[] = { &tensors->tested, &tensors->reference };
  EspDevice *devices[] = { pair->tested, pair->reference };

  for (int i = 0; i < 2; i++)
    {
      views[i]->cols = views[i]->stride;
      esp_tensor_free (devices[i], views[i]);
    }
}

/* Half precision by hand, rounding towards zero: any representable number will do. */
static uint16_t
half_of (float value)
{
  uint32_t bits;
  int exponent;

  memcpy (&bits, &value, sizeof bits);
  exponent = (int) (bits >> 23 & 255) - 127 + 15;
  if (exponent <= 0 || exponent > 30)
    return (uint16_t) (bits >> 16 & 0x8000);
  return (uint16_t) ((bits >> 16 & 0x8000) | (unsigned) exponent << 10 | (bits >> 13 & 0x3ff));
}

/* Where the f16 scales of a block begin; the second may be the first again. */
static bool
scales_of (EspDType dtype, int places[2])
{
  static const struct
  {
    EspDType dtype;
    int places[2];
  } formats[] = {
    { ESP_Q4_0, { 0, 0 } },     { ESP_Q4_1, { 0, 2 } },   { ESP_Q5_0, { 0, 0 } },
    { ESP_Q5_1, { 0, 2 } },     { ESP_Q8_0, { 0, 0 } },   { ESP_Q2_K, { 80, 82 } },
    { ESP_Q3_K, { 108, 108 } }, { ESP_Q4_K, { 0, 2 } },   { ESP_Q5_K, { 0, 2 } },
    { ESP_Q6_K, { 208, 208 } }, { ESP_IQ4_NL, { 0, 0 } }, { ESP_IQ4_XS, { 0, 0 } },
  };

  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (formats[i].dtype == dtype)
      {
        memcpy (places, formats[i].places, sizeof formats[i].places);
        return true;
      }
  return false;
}

/* Any bits make a block, but for its scales. */
static uint8_t *
random_blocks (EspDType dtype, int64_t count, uint64_t seed, float scale)
{
  size_t bytes = esp_dtype_bytes (dtype, count);
  size_t block = esp_dtype_bytes (dtype, esp_dtype_block (dtype));
  uint8_t *data = malloc (bytes + 1);
  uint64_t state = seed;
  int places[2];

  if (data == NULL || !scales_of (dtype, places))
    abort ();
  for (size_t i = 0; i < bytes; i++)
    data[i] = (uint8_t) (next (&state) >> 32);
  for (size_t i = 0; i < bytes; i += block)
    for (int part = 0; part < 2; part++)
      {
        float sign = part == 0 && next (&state) >> 63 ? -1 : 1;
        float size = 0.25f + (float) (next (&state) >> 40) * 0x1p-24f;
        uint16_t half = half_of (sign * size * scale / 64);

        memcpy (data + i + (size_t) places[part], &half, sizeof half);
      }
  return data;
}

EspWeight
random_weight (EspDType dtype, int dims, const int64_t *shape, uint64_t seed, float scale)
{
  EspWeight weight = { .name = "layer.weight", .file = "test.safetensors", .dtype = dtype };
  float *values;
  void *data;

  weight.dims = dims;
  weight.count = 1;
  for (int i = 0; i < dims; i++)
    {
      weight.shape[i] = shape[i];
      weight.count *= shape[i];
    }
  if (esp_dtype_block (dtype) > 1)
    {
      weight.data = random_blocks (dtype, weight.count, seed, scale);
      return weight;
    }
  values = random_values (weight.count, seed, scale);
  weight.data = values;
  if (dtype == ESP_F32)
    return weight;
  data = malloc (esp_dtype_bytes (dtype, weight.count));
  if (data == NULL)
    abort ();
  if (dtype == ESP_BF16)
    esp_f32_to_bf16 (values, data, weight.count);
  else
    for (int64_t i = 0; i < weight.count; i++)
      ((uint16_t *) data)[i] = half_of (values[i]);
  free (values);
  weight.data = data;
  return weight;
}

void
weight_clear (EspWeight *weight)
{
  free ((void *) (uintptr_t) weight->data);
  weight->data = NULL;
}

static bool
gaps_kept (DevicePair *pair, const EspTensor *view)
{
  EspTensor whole = *view;
  float *values;
  bool kept = true;

  whole.cols = whole.stride;
  values = malloc ((size_t) (whole.rows * whole.cols) * sizeof *values);
  if (values == NULL)
    abort ();
  pair->tested->ops->download (pair->tested, whole, values);
  for (int64_t i = 0; i < whole.rows * whole.cols; i++)
    if (i % whole.stride >= view->cols && values[i] != SENTINEL)
      kept = false;
  free (values);
  return kept;
}

bool
pair_agrees (DevicePair *pair, const TensorPair *tensors, double tolerance, const char *what)
{
  int64_t count = tensors->tested.rows * tensors->tested.cols, worst = 0;
  float *found = calloc ((size_t) count + 1, sizeof *found);
  float *wanted = calloc ((size_t) count + 1, sizeof *wanted);
  double difference = 0, norm = 0, largest = 0;
  EspError error = ESP_ERROR_INIT;
  bool good;

  if (found == NULL || wanted == NULL)
    abort ();
  pair->tested->ops->download (pair->tested, tensors->tested, found);
  pair->reference->ops->download (pair->reference, tensors->reference, wanted);
  for (int64_t i = 0; i < count; i++)
    {
      double d = fabs ((double) found[i] - wanted[i]);

      difference += d * d;
      norm += (double) wanted[i] * wanted[i];
      if (!(d <= largest))
        {
          largest = d;
          worst = i;
        }
    }
  good = esp_device_check (pair->tested, &error) == ESP_OK
         && esp_device_check (pair->reference, &error) == ESP_OK && norm > 0
         && sqrt (difference) <= tolerance * sqrt (norm)
         && largest <= 40 * tolerance * sqrt (norm / (double) count);
  if (!good)
    printf ("# %s, %s: relative difference %.3g (allowed %.3g), worst %.6g for %.6g at %lld; %s\n",
            pair->label, what, sqrt (difference / norm), tolerance, (double) found[worst],
            (double) wanted[worst], (long long) worst, error.message);
  if (good && !gaps_kept (pair, &tensors->tested))
    {
      printf ("# %s, %s: wrote beyond the view\n", pair->label, what);
      good = false;
    }
  free (found);
  free (wanted);
  return good;
}
