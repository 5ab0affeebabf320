/* SPDX-License-Identifier: MIT */
/* test-block-products.c: linear layers of GGUF's block formats, on every level that this machine
 * runs, against plain loops over what esp_weight_to_f32() gives; over awkward shapes, addresses and
 * mixtures. Where the device multiplies bytes, the plain loops round x as it does. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "device-pair.h"
#include "ops/cpu/cpu-panels.h"

static const EspDType formats[]
    = { ESP_Q4_0, ESP_Q4_1, ESP_Q5_0, ESP_Q5_1, ESP_Q8_0,   ESP_Q2_K,
        ESP_Q3_K, ESP_Q4_K, ESP_Q5_K, ESP_Q6_K, ESP_IQ4_NL, ESP_IQ4_XS };

enum
{
  FORMATS = sizeof formats / sizeof *formats
};

typedef struct BlockCase
{
  int64_t rows, in, out;
  int parts;
  EspDType dtype[3];
  EspEpilogue epilogue; /* .gate: any pointer = with a gate */
  bool bias, precise, one_sided;
} BlockCase;

static float with_gate;

/* --- What it should be -------------------------------------------------------------------------
 */

static float
bf16_of (float value)
{
  uint16_t half;
  uint32_t bits;

  esp_f32_to_bf16 (&value, &half, 1);
  bits = (uint32_t) half << 16;
  memcpy (&value, &bits, sizeof value);
  return value;
}

/* x in signed bytes, 127 for the largest distance of each 32 from zero, or from their middle. */
static void
round_to_bytes (const float *x, int64_t n, bool fused, bool one_sided, float *rounded)
{
  for (int64_t i = 0; i < n; i += 32)
    {
      float most = x[i], least = x[i], middle = 0, largest, inverse;

      for (int64_t k = i; k < i + 32; k++)
        {
          most = x[k] > most ? x[k] : most;
          least = x[k] < least ? x[k] : least;
        }
      if (one_sided)
        middle = 0.5f * least + 0.5f * most;
      largest = fmaxf (most - middle, middle - least);
      inverse = largest > 0 ? 127.0f / largest : 0;
      for (int64_t k = i; k < i + 32; k++)
        {
          float away = x[k] - middle;
          double q = fused ? (double) away * (double) inverse : (double) (away * inverse);

          rounded[k] = (float) (nearbyint (q) * (double) (largest / 127.0f) + (double) middle);
        }
    }
}

enum
{
  FEW_ROWS = 4, /* are exact dot products */
};

/* What the device multiplies a part of these rows in. */
static EspOperand
operand_of (const CpuDevice *cpu, const BlockCase *c, EspDType dtype)
{
  const EspLinear linear = { .precise = c->precise };

  if (c->rows <= FEW_ROWS)
    return ESP_OPERAND_F32;
  return esp_cpu_panels_for (cpu, &linear, dtype, c->rows)->operand;
}

/* x as the device takes it. */
static void
operand_rows (const CpuDevice *cpu, EspOperand operand, bool one_sided, const float *x, int64_t n,
              float *rounded)
{
  if (operand == ESP_OPERAND_S8)
    round_to_bytes (x, n, strcmp (cpu->kernels->name, "baseline") != 0, one_sided, rounded);
  else
    for (int64_t i = 0; i < n; i++)
      rounded[i] = operand == ESP_OPERAND_BF16 ? bf16_of (x[i]) : x[i];
}

static double
epilogue_of (const BlockCase *c, double sum, float gate, float before)
{
  if (c->epilogue.activation == ESP_ACTIVATION_GELU_TANH)
    sum = 0.5 * sum * (1 + tanh (0.79788456080286541 * (sum + 0.044715 * sum * sum * sum)));
  if (c->epilogue.gate != NULL)
    sum *= gate;
  return c->epilogue.accumulate ? before + sum : sum;
}

/* --- Running -----------------------------------------------------------------------------------
 */

typedef struct BlockLayer
{
  EspLinear linear;
  EspWeight weights[3], biases[3];
  uint8_t *moved[3]; /* the weights' data at odd addresses */
} BlockLayer;

static void
make_layer (const BlockCase *c, BlockLayer *layer)
{
  *layer = (BlockLayer){ .linear = { .parts = c->parts,
                                     .in = c->in,
                                     .out = c->out * c->parts,
                                     .precise = c->precise,
                                     .one_sided = c->one_sided } };
  for (int p = 0; p < c->parts; p++)
    {
      EspWeight *weight = &layer->weights[p];
      size_t bytes = esp_dtype_bytes (c->dtype[p], (c->out + 2) * c->in);

      /* A range of rows out of more, as of a fused tensor. */
      *weight = random_weight (c->dtype[p], 2, (int64_t[]){ c->out + 2, c->in }, 10 + (uint64_t) p,
                               1 / sqrtf ((float) c->in));
      layer->moved[p] = malloc (bytes + 1);
      if (layer->moved[p] == NULL)
        abort ();
      memcpy (layer->moved[p] + 1, weight->data, bytes);
      weight_clear (weight);
      weight->data = layer->moved[p] + 1 + esp_dtype_bytes (c->dtype[p], c->in);
      weight->shape[0] = c->out;
      weight->count = c->out * c->in;
      layer->biases[p] = random_weight (ESP_F32, 1, (int64_t[]){ c->out }, 20 + (uint64_t) p, 1);
      layer->linear.weight[p] = weight;
      layer->linear.bias[p] = c->bias ? &layer->biases[p] : NULL;
    }
}

static void
clear_layer (BlockLayer *layer)
{
  for (int p = 0; p < layer->linear.parts; p++)
    {
      free (layer->moved[p]);
      weight_clear (&layer->biases[p]);
    }
}

static void
expected_part (const CpuDevice *cpu, const BlockCase *c, const BlockLayer *layer, int p,
               const float *x, const float *gate, const float *before, double *wanted)
{
  const EspOperand operand = operand_of (cpu, c, c->dtype[p]);
  const int64_t total = layer->linear.out;
  float *w = malloc ((size_t) (c->out * c->in) * sizeof *w);
  float *rounded = malloc ((size_t) c->in * sizeof *rounded);

  if (w == NULL || rounded == NULL)
    abort ();
  esp_weight_to_f32 (&layer->weights[p], 0, c->out * c->in, w);
  for (int64_t i = 0; operand == ESP_OPERAND_BF16 && i < c->out * c->in; i++)
    w[i] = bf16_of (w[i]);
  for (int64_t r = 0; r < c->rows; r++)
    {
      operand_rows (cpu, operand, c->one_sided, x + r * c->in, c->in, rounded);
      for (int64_t j = 0; j < c->out; j++)
        {
          int64_t col = p * c->out + j;
          double sum = c->bias ? ((const float *) layer->biases[p].data)[j] : 0;

          for (int64_t k = 0; k < c->in; k++)
            sum += (double) rounded[k] * (double) w[j * c->in + k];
          wanted[r * total + col] = epilogue_of (c, sum, gate[col], before[r * total + col]);
        }
    }
  free (w);
  free (rounded);
}

static void
check_case (EspDevice *device, const BlockCase *c, const char *label)
{
  const CpuDevice *cpu = (const CpuDevice *) device;
  BlockLayer layer;
  make_layer (c, &layer);
  const int64_t total = layer.linear.out, count = c->rows * total;
  float *x = random_values (c->rows * c->in, 1, 1), *before = random_values (count, 2, 1);
  float *gate = random_values (total, 3, 1), *found = malloc ((size_t) count * sizeof *found);
  double *wanted = malloc ((size_t) count * sizeof *wanted), error = 0, norm = 0;
  EspTensor in = esp_tensor_new (device, ESP_F32, c->rows, c->in);
  EspTensor wide = esp_tensor_new (device, ESP_F32, c->rows, total + 3);
  EspTensor out = esp_tensor_cols (wide, 3, total);
  EspEpilogue epilogue = c->epilogue;

  if (found == NULL || wanted == NULL || in.data == NULL || wide.data == NULL)
    abort ();
  /* Now and then one number is far larger than its neighbours. */
  for (int64_t i = 7; i < c->rows * c->in; i += 331)
    x[i] *= 50;
  for (int64_t i = 0; c->one_sided && i < c->rows * c->in; i++)
    x[i] = x[i] > 0 ? x[i] : x[i] / 16;
  device->ops->upload (device, x, in);
  device->ops->upload (device, before, out);
  epilogue.gate = c->epilogue.gate != NULL ? gate : NULL;
  device->ops->prepare_linear (device, &layer.linear);
  device->ops->linear (device, in, &layer.linear, &epilogue, out);
  device->ops->release_linear (device, &layer.linear);
  device->ops->download (device, out, found);
  for (int p = 0; p < c->parts; p++)
    expected_part (cpu, c, &layer, p, x, gate, before, wanted);
  for (int64_t i = 0; i < count; i++)
    {
      error += ((double) found[i] - wanted[i]) * ((double) found[i] - wanted[i]);
      norm += wanted[i] * wanted[i];
    }
  CHECK (device->error.status == ESP_OK);
  if (!(sqrt (error) <= (c->precise ? 1.5e-5 : 2e-6) * sqrt (norm))
      || device->error.status != ESP_OK)
    {
      printf ("# %s: %lld × %lld → %d·%lld, %s%s: off by %.2g (%s)\n", label, (long long) c->rows,
              (long long) c->in, c->parts, (long long) c->out, esp_dtype_name (c->dtype[0]),
              c->precise ? ", precise" : "", sqrt (error / norm), device->error.message);
      check_case_failures++;
    }
  clear_layer (&layer);
  esp_tensor_free (device, &in);
  esp_tensor_free (device, &wide);
  free (x);
  free (before);
  free (gate);
  free (found);
  free (wanted);
}

static void
every_format (EspDevice *device, const char *label)
{
  static const int64_t rows[] = { 1, 64, 5, 67, 70, 3, 79 }, outs[] = { 1, 7, 16, 33, 64, 101 };
  static const int64_t blocks[] = { 1, 2, 3, 5, 17, 33 };
  int at = 0;

  for (int f = 0; f < FORMATS; f++)
    for (int i = 0; i < 12; i++, at++)
      {
        int64_t block = esp_dtype_block (formats[f]), most = block == 256 ? 4 : 6;
        BlockCase c = { .rows = rows[at % 7],
                        .in = block * blocks[at % most],
                        .out = outs[i % 6],
                        .parts = 1,
                        .dtype = { formats[f] },
                        .bias = i % 3 != 0 };

        c.epilogue.activation = i % 4 == 1 ? ESP_ACTIVATION_GELU_TANH : ESP_ACTIVATION_NONE;
        c.epilogue.gate = i % 4 == 2 ? &with_gate : NULL;
        c.epilogue.accumulate = i % 4 >= 2;
        check_case (device, &c, label);
        if (i % 3 != 0) /* plain loops take their time */
          continue;
        c.one_sided = at % 2 == 0;
        c.precise = !c.one_sided;
        check_case (device, &c, label);
      }
}

static void
mixtures (EspDevice *device, const char *label)
{
  static const BlockCase cases[] = {
    { 20,
      256,
      40,
      3,
      { ESP_Q4_K, ESP_Q6_K, ESP_Q4_K },
      { ESP_ACTIVATION_NONE, NULL, false },
      true },
    { 90, 512, 33, 3, { ESP_Q8_0, ESP_BF16, ESP_F32 }, { ESP_ACTIVATION_NONE, NULL, true }, true },
    { 2, 256, 70, 3, { ESP_Q5_K, ESP_F16, ESP_Q2_K }, { ESP_ACTIVATION_NONE, NULL, false }, true },
    { 70, 768, 65, 2, { ESP_Q3_K, ESP_F16 }, { ESP_ACTIVATION_GELU_TANH, NULL, false }, false },
    { 1700, 64, 20, 1, { ESP_Q8_0 }, { ESP_ACTIVATION_NONE, &with_gate, true }, true },
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      BlockCase precise = cases[i], one_sided = cases[i];

      precise.precise = true;
      one_sided.one_sided = true;
      check_case (device, &cases[i], label);
      check_case (device, &one_sided, label);
      check_case (device, &precise, label);
    }
}

static void
block_formats_agree (void)
{
  static const char *const levels[]
      = { "baseline", "avx2", "avxvnni", "avx512", "avx512bf16", "amx", "dotprod", NULL };
  static const EspCompute computes[] = { ESP_COMPUTE_F32, ESP_COMPUTE_AUTO, ESP_COMPUTE_BF16 };

  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    for (size_t k = 0; k < 3; k++)
      {
        DevicePair pair;
        char label[128];

        /* What AUTO is there anyway. */
        if ((computes[k] == ESP_COMPUTE_BF16 && esp_cpu_has_bf16 ())
            || !pair_open (&pair, levels[i], computes[k], 2, 1))
          continue;
        snprintf (label, sizeof label, "%s, %s by %s", pair.label,
                  pair.tested->compute == ESP_BF16 ? "bf16" : "f32",
                  ((const CpuDevice *) pair.tested)->block_panels->name);
        printf ("# %s\n", label);
        every_format (pair.tested, label);
        mixtures (pair.tested, label);
        pair_close (&pair);
      }
}

/* A scale that is NaN, in a layer that is looked through when it is prepared and in one that is
 * looked through when it is first multiplied; and NaN in x, which spoils its own row alone. */
static void
nan_is_found (void)
{
  static const int64_t outs[] = { 64, 4200 };

  for (int size = 0; size < 2; size++)
    for (int64_t rows = 2; rows <= 40; rows += 38)
      {
        EspDevice *device = NULL;
        EspError error = ESP_ERROR_INIT;
        const int64_t in = 256, out = outs[size], at = (out - 3) * in;
        EspWeight weight = random_weight (ESP_Q8_0, 2, (int64_t[]){ out, in }, 1, 1);
        EspLinear linear = { .parts = 1, .in = in, .out = out, .weight = { &weight } };
        EspTensor x, y;
        char wanted[64];

        memset ((char *) (uintptr_t) weight.data + esp_dtype_bytes (ESP_Q8_0, at), 0xff, 2);
        CHECK_STATUS (esp_cpu_device_new (ESP_COMPUTE_AUTO, 2, 0, &device, &error), ESP_OK, error);
        x = esp_tensor_new (device, ESP_F32, rows, in);
        y = esp_tensor_new (device, ESP_F32, rows, out);
        memset (x.data, 0, (size_t) (rows * in) * sizeof (float));
        device->ops->prepare_linear (device, &linear);
        CHECK ((device->error.status == ESP_ERROR_NUMERIC) == (size == 0));
        device->ops->linear (device, x, &linear, NULL, y);
        CHECK (device->error.status == ESP_ERROR_NUMERIC);
        snprintf (wanted, sizeof wanted, "layer.weight has NaN or infinity at index %lld",
                  (long long) at);
        CHECK (strstr (device->error.message, wanted) != NULL);
        device->ops->release_linear (device, &linear);
        esp_tensor_free (device, &x);
        esp_tensor_free (device, &y);
        weight_clear (&weight);
        esp_device_free (device);
      }
}

static void
nan_stays_in_its_row (void)
{
  EspDevice *device = NULL;
  EspError error = ESP_ERROR_INIT;
  const int64_t in = 512, out = 40, rows = 74;
  EspWeight weight = random_weight (ESP_Q4_K, 2, (int64_t[]){ out, in }, 1, 1);
  EspLinear linear = { .parts = 1, .in = in, .out = out, .weight = { &weight } };
  float *values = random_values (rows * in, 2, 1), *found;
  EspTensor x, y;
  int nans = 0, elsewhere = 0;

  values[5 * in + 300] = NAN;
  values[9 * in + 17] = -INFINITY;
  CHECK_STATUS (esp_cpu_device_new_level ("baseline", ESP_COMPUTE_AUTO, 1, 0, &device, &error),
                ESP_OK, error);
  x = esp_tensor_new (device, ESP_F32, rows, in);
  y = esp_tensor_new (device, ESP_F32, rows, out);
  device->ops->upload (device, values, x);
  device->ops->prepare_linear (device, &linear);
  device->ops->linear (device, x, &linear, NULL, y);
  found = y.data;
  for (int64_t i = 0; i < rows * out; i++)
    if (!isfinite (found[i]))
      {
        nans++;
        elsewhere += i / out != 5 && i / out != 9;
      }
  CHECK (nans == 2 * out && elsewhere == 0);
  device->ops->release_linear (device, &linear);
  esp_tensor_free (device, &x);
  esp_tensor_free (device, &y);
  weight_clear (&weight);
  free (values);
  esp_device_free (device);
}

/* Which unit multiplies bf16 is measured, so it must not change from device to device. */
static void
the_choice_of_a_unit_stays (void)
{
  const EspPanelKernels *chosen = NULL;

  for (int i = 0; i < 5; i++)
    {
      EspDevice *device = NULL;
      EspError error = ESP_ERROR_INIT;
      const CpuDevice *cpu;

      if (esp_cpu_device_new_level ("avx512", ESP_COMPUTE_BF16, 1, 0, &device, &error) != ESP_OK)
        return;
      cpu = (const CpuDevice *) device;
      CHECK (chosen == NULL || chosen == cpu->float_panels);
      chosen = cpu->float_panels;
      CHECK ((strstr (device->description, "bf16 multiplied in f32") != NULL)
             == (chosen->operand == ESP_OPERAND_F32));
      CHECK (strstr (device->description, "held to avx512,") != NULL);
      printf ("# %s\n", device->description);
      esp_device_free (device);
    }
}

int
main (void)
{
  CASE (the_choice_of_a_unit_stays);
  CASE (block_formats_agree);
  CASE (nan_is_found);
  CASE (nan_stays_in_its_row);
  return check_done ();
}
