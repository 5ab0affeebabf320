/* SPDX-License-Identifier: MIT */
/* test-linear-batch.c: ranges of rows that go through a layer together are, to the last bit, what
 * each of them is alone; on every level that this machine runs, with weights that are kept packed
 * and with weights that are not. */
#include "check.h"

#include <stdint.h>

#include "device-pair.h"
#include "ops/cpu/cpu-device.h"

typedef struct BatchCase
{
  int64_t count, rows, in, out;
  int parts;
  EspDType weight;
  EspEpilogue epilogue; /* .gate: any pointer = with a gate */
} BatchCase;

static float with_gate;

static const BatchCase cases[] = {
  { 4, 576, 192, 192, 3, ESP_F32, { ESP_ACTIVATION_NONE, NULL, false } },
  { 3, 64, 192, 768, 1, ESP_BF16, { ESP_ACTIVATION_GELU_TANH, NULL, false } },
  { 5, 33, 100, 70, 1, ESP_BF16, { ESP_ACTIVATION_NONE, &with_gate, true } },
  { 2, 700, 700, 300, 1, ESP_F32, { ESP_ACTIVATION_NONE, &with_gate, true } },
  { 16, 5, 64, 96, 1, ESP_F32, { ESP_ACTIVATION_SILU, NULL, false } },
  { 3, 4, 64, 96, 1, ESP_BF16, { ESP_ACTIVATION_NONE, NULL, true } },
  { 7, 1, 48, 40, 1, ESP_BF16, { ESP_ACTIVATION_NONE, NULL, false } },
  { 3, 3000, 64, 64, 1, ESP_BF16, { ESP_ACTIVATION_NONE, NULL, false } },
  { 2, 5000, 32, 40, 1, ESP_BF16, { ESP_ACTIVATION_NONE, NULL, false } },
  { 3, 100, 256, 70, 1, ESP_Q4_K, { ESP_ACTIVATION_NONE, &with_gate, true } },
  { 4, 69, 512, 96, 2, ESP_Q6_K, { ESP_ACTIVATION_SILU, NULL, false } },
  { 5, 64, 96, 130, 1, ESP_Q8_0, { ESP_ACTIVATION_GELU_TANH, NULL, false } },
  { 6, 19, 64, 33, 1, ESP_Q5_0, { ESP_ACTIVATION_NONE, NULL, false } },
  { 2, 900, 64, 33, 1, ESP_Q5_1, { ESP_ACTIVATION_NONE, NULL, false } },
  { 3, 4, 64, 33, 1, ESP_Q4_0, { ESP_ACTIVATION_NONE, NULL, false } },
  { 1, 40, 64, 64, 1, ESP_BF16, { ESP_ACTIVATION_NONE, NULL, false } },
};

#define GAP 3 /* rows between ranges */

/* Rows of ranges, in an order of their own: the last range first. */
static void
place_ranges (const BatchCase *c, int64_t *starts)
{
  for (int64_t i = 0; i < c->count; i++)
    starts[i] = (c->count - 1 - i) * (c->rows + GAP) + GAP;
}

static EspTensor
filled_tensor (EspDevice *device, EspDType dtype, int64_t rows, int64_t cols, uint64_t seed)
{
  EspTensor tensor = esp_tensor_new (device, dtype, rows, cols);
  float *values = random_values (rows * cols, seed, 1);

  device->ops->upload (device, values, tensor);
  free (values);
  return tensor;
}

static void
run_case (EspDevice *device, const BatchCase *c, const char *label)
{
  EspWeight weights[ESP_LINEAR_MAX_PARTS];
  EspLinear linear = { .parts = c->parts, .in = c->in, .out = c->out * c->parts };
  int64_t shape[2] = { c->out, c->in }, total = c->count * (c->rows + GAP) + GAP;
  int64_t y_starts[16], x_starts[16];
  EspEpilogue epilogue = c->epilogue;
  EspTensor gate = filled_tensor (device, ESP_F32, 1, linear.out, 3);
  EspTensor x = filled_tensor (device, device->compute, total, c->in, 1);
  /* A part of wider rows, as the transformer has them. */
  EspTensor wide[2], y[2];
  size_t bytes = esp_dtype_bytes (device->compute, total * (linear.out + 8));

  for (int p = 0; p < c->parts; p++)
    {
      weights[p] = random_weight (c->weight, 2, shape, 10 + (uint64_t) p, 0.1f);
      linear.weight[p] = &weights[p];
    }
  for (int i = 0; i < 2; i++)
    {
      wide[i] = filled_tensor (device, device->compute, total, linear.out + 8, 2);
      y[i] = esp_tensor_cols (wide[i], 8, linear.out);
    }
  epilogue.gate = c->epilogue.gate != NULL ? gate.data : NULL;
  place_ranges (c, y_starts);
  for (int64_t i = 0; i < c->count; i++)
    x_starts[i] = i * (c->rows + GAP);

  device->ops->prepare_linear (device, &linear);
  for (int64_t i = 0; i < c->count; i++)
    device->ops->linear (device, esp_tensor_rows (x, x_starts[i], c->rows), &linear, &epilogue,
                         esp_tensor_rows (y[0], y_starts[i], c->rows));
  esp_linear_batch (device, x, &linear, &epilogue, y[1],
                    &(EspBatch){ c->count, c->rows, x_starts, y_starts });
  CHECK (device->error.status == ESP_OK);
  /* Gaps included, which nobody may write. */
  if (device->error.status == ESP_OK && memcmp (wide[0].data, wide[1].data, bytes) != 0)
    {
      printf ("# %s: %lld × %lld rows, %lld → %lld differ\n", label, (long long) c->count,
              (long long) c->rows, (long long) c->in, (long long) linear.out);
      check_case_failures++;
    }

  device->ops->release_linear (device, &linear);
  for (int p = 0; p < c->parts; p++)
    weight_clear (&weights[p]);
  for (int i = 0; i < 2; i++)
    esp_tensor_free (device, &wide[i]);
  esp_tensor_free (device, &x);
  esp_tensor_free (device, &gate);
}

static void
run_level (const char *level)
{
  static const EspCompute computes[] = { ESP_COMPUTE_F32, ESP_COMPUTE_BF16 };

  for (size_t i = 0; i < 2; i++)
    for (size_t budget = 0; budget < 2; budget++) /* 0: enough; 1: nothing is kept packed */
      {
        DevicePair pair;

        if (!pair_open (&pair, level, computes[i], 2, budget))
          continue;
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
          run_case (pair.tested, &cases[c], pair.label);
        pair_close (&pair);
      }
}

static void
ranges_do_not_know_each_other (void)
{
  static const char *const levels[]
      = { "baseline", "avx2", "avxvnni", "avx512", "avx512bf16", "amx", "dotprod" };

  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    run_level (levels[i]);
}

static void
misuse_is_an_error (void)
{
  const int64_t starts[2] = { 0, 40 };
  EspDevice *device = NULL;
  EspError error = ESP_ERROR_INIT;
  int64_t shape[2] = { 32, 64 };
  EspWeight weight = random_weight (ESP_BF16, 2, shape, 1, 1);
  EspLinear linear = { .parts = 1, .in = 64, .out = 32, .weight = { &weight } };
  EspTensor x, y;

  CHECK_STATUS (esp_cpu_device_new (ESP_COMPUTE_BF16, 1, 0, &device, &error), ESP_OK, error);
  x = filled_tensor (device, ESP_BF16, 80, 64, 1);
  y = filled_tensor (device, ESP_BF16, 80, 32, 1);
  esp_linear_batch (device, x, &linear, NULL, y, &(EspBatch){ 2, 40, starts, starts });
  CHECK (device->error.status == ESP_ERROR_ARGUMENT);
  CHECK_MESSAGE (device->error, "not prepared");

  device->error = (EspError) ESP_ERROR_INIT;
  device->ops->prepare_linear (device, &linear);
  esp_linear_batch (device, y, &linear, NULL, x, &(EspBatch){ 2, 40, starts, starts });
  CHECK (device->error.status == ESP_ERROR_ARGUMENT);
  device->error = (EspError) ESP_ERROR_INIT;
  esp_linear_batch (device, x, &linear, NULL, y, &(EspBatch){ 0, 40, starts, starts });
  CHECK (device->error.status == ESP_OK);
  device->ops->release_linear (device, &linear);
  esp_tensor_free (device, &x);
  esp_tensor_free (device, &y);
  esp_device_free (device);
  weight_clear (&weight);
}

int
main (void)
{
  CASE (ranges_do_not_know_each_other);
  CASE (misuse_is_an_error);
  return check_done ();
}
