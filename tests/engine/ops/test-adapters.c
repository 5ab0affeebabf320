/* SPDX-License-Identifier: MIT */
/* test-adapters.c: linear layers with adapters are what the reference device makes of them, on
 * every level that this machine runs; without them nothing of them is left. */
#include "check.h"

#include <math.h>
#include <stdint.h>

#include "device-pair.h"
#include "ops/cpu/cpu-device.h"

typedef struct AdapterCase
{
  int64_t rows, in, out;
  int parts, adapters;
  int64_t rank;
  EspDType weight, adapter, y; /* y in bf16 only where the device computes in it */
  EspEpilogue epilogue;        /* .gate: any pointer = with a gate */
} AdapterCase;

static float with_gate;

static const AdapterCase cases[] = {
  /* One over the whole layer, at the ranks that people train. */
  { 1, 64, 96, 1, 1, 4, ESP_F32, ESP_F32, ESP_F32, { ESP_ACTIVATION_NONE, NULL, false } },
  { 3, 64, 96, 1, 1, 16, ESP_BF16, ESP_BF16, ESP_F32, { ESP_ACTIVATION_SILU, NULL, false } },
  { 77, 48, 33, 3, 3, 1, ESP_F32, ESP_F16, ESP_BF16, { ESP_ACTIVATION_NONE, NULL, false } },
  { 130, 192, 96, 3, 4, 16, ESP_BF16, ESP_BF16, ESP_BF16, { ESP_ACTIVATION_NONE, NULL, false } },
  { 64, 192, 192, 1, 1, 64, ESP_F32, ESP_F32, ESP_F32, { ESP_ACTIVATION_NONE, &with_gate, true } },
  { 600, 48, 96, 1, 2, 7, ESP_BF16, ESP_F16, ESP_BF16, { ESP_ACTIVATION_GELU_TANH, NULL, false } },
  /* More rows than go at once, more adapters than are one product. */
  { 1100, 30, 50, 1, 6, 5, ESP_F32, ESP_F32, ESP_F32, { ESP_ACTIVATION_GELU_TANH, NULL, false } },
  { 515, 64, 64, 2, 9, 3, ESP_BF16, ESP_F32, ESP_F32, { ESP_ACTIVATION_NONE, &with_gate, true } },
  /* Epilogues that no model has. */
  { 600, 40, 64, 1, 1, 8, ESP_F32, ESP_F32, ESP_BF16, { ESP_ACTIVATION_SILU, &with_gate, true } },
  { 4, 40, 64, 1, 2, 8, ESP_F32, ESP_F32, ESP_F32, { ESP_ACTIVATION_GELU_ERF, NULL, true } },
};

#define ADAPTERS_MAX 12

typedef struct CaseAdapters
{
  EspWeight down[ADAPTERS_MAX], up[ADAPTERS_MAX];
  EspAdapter adapters[ADAPTERS_MAX];
} CaseAdapters;

/* Ranges that overlap, begin and end anywhere; every fourth shares the one before's down. */
static void
make_adapters (const AdapterCase *c, CaseAdapters *a)
{
  int64_t total = c->out * c->parts;

  for (int i = 0; i < c->adapters; i++)
    {
      int64_t first = i == 0 ? 0 : i * 7 % total;
      int64_t out = i == 0 ? total : 1 + (total - first - 1) * (1 + i % 3) / 3;
      bool shares = i % 4 == 3;

      a->down[i] = random_weight (c->adapter, 2, (int64_t[]){ c->rank, c->in }, 50 + (uint64_t) i,
                                  1 / sqrtf ((float) c->in));
      a->up[i] = random_weight (c->adapter, 2, (int64_t[]){ out, c->rank }, 70 + (uint64_t) i,
                                1 / sqrtf ((float) c->rank));
      a->adapters[i] = (EspAdapter){ .down = &a->down[shares ? i - 1 : i],
                                     .up = &a->up[i],
                                     .strength = i == 1 ? -0.5f : 0.75f,
                                     .first = first,
                                     .out = out };
    }
}

static void
check_case (DevicePair *pair, const AdapterCase *c)
{
  EspLinear layers[2] = { { .parts = c->parts, .in = c->in, .out = c->out * c->parts } };
  EspWeight weights[ESP_LINEAR_MAX_PARTS];
  EspEpilogue epilogues[2] = { c->epilogue, c->epilogue };
  EspDevice *devices[2] = { pair->tested, pair->reference };
  bool rounds = pair->tested->compute == ESP_BF16;
  EspDType type = rounds ? c->y : ESP_F32;
  int64_t out = c->out * c->parts;
  TensorPair x = tensor_pair (pair, type, c->rows, c->in, c->in + 3, 1, 1);
  TensorPair y = tensor_pair (pair, type, c->rows, out, out + 5, 2, 1);
  TensorPair gate = tensor_pair (pair, ESP_F32, 1, out, out, 3, 1);
  CaseAdapters adapters;
  char what[120];

  make_adapters (c, &adapters);
  for (int p = 0; p < c->parts; p++)
    {
      weights[p] = random_weight (c->weight, 2, (int64_t[]){ c->out, c->in }, 10 + (uint64_t) p,
                                  1 / sqrtf ((float) c->in));
      layers[0].weight[p] = &weights[p];
    }
  layers[0].adapters = adapters.adapters;
  layers[0].adapter_count = c->adapters;
  layers[1] = layers[0];
  if (c->epilogue.gate != NULL)
    {
      epilogues[0].gate = gate.tested.data;
      epilogues[1].gate = gate.reference.data;
    }
  for (int d = 0; d < 2; d++)
    {
      devices[d]->ops->prepare_linear (devices[d], &layers[d]);
      devices[d]->ops->linear (devices[d], d == 0 ? x.tested : x.reference, &layers[d],
                               &epilogues[d], d == 0 ? y.tested : y.reference);
      devices[d]->ops->release_linear (devices[d], &layers[d]);
    }
  snprintf (what, sizeof what, "%d adapters of rank %lld on %lld × %lld → %d·%lld, epilogue %d",
            c->adapters, (long long) c->rank, (long long) c->rows, (long long) c->in, c->parts,
            (long long) c->out, c->epilogue.activation);
  /* In bf16 what an adapter's first product gives is rounded, and the sums are, one by one. */
  CHECK (pair_agrees (pair, &y, rounds ? 8e-3 : 4e-6, what));
  for (int p = 0; p < c->parts; p++)
    weight_clear (&weights[p]);
  for (int i = 0; i < c->adapters; i++)
    {
      weight_clear (&adapters.down[i]);
      weight_clear (&adapters.up[i]);
    }
  tensor_pair_free (pair, &x);
  tensor_pair_free (pair, &y);
  tensor_pair_free (pair, &gate);
}

static const char *const levels[] = { "baseline", "avx2", "avx512", "avx512bf16", "amx" };

static void
adapters_agree (void)
{
  static const EspCompute computes[] = { ESP_COMPUTE_F32, ESP_COMPUTE_BF16 };
  DevicePair pair;

  for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
    for (size_t i = 0; i < 2; i++)
      for (size_t budget = 0; budget < 2; budget++) /* 0: enough; 1: nothing is kept packed */
        if (pair_open (&pair, levels[l], computes[i], 2, budget))
          {
            for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
              check_case (&pair, &cases[c]);
            pair_close (&pair);
          }
}

#define ROWS   600
#define IN     192
#define RANGES 3

/* A layer, its adapter and its rows on one device. */
typedef struct Single
{
  EspDevice *device;
  EspWeight weight, down, up;
  EspAdapter adapter;
  EspLinear layer;
  EspTensor x;
} Single;

static EspTensor
filled (EspDevice *device, EspDType dtype, int64_t rows, int64_t cols, uint64_t seed)
{
  EspTensor tensor = esp_tensor_new (device, dtype, rows, cols);
  float *values = random_values (rows * cols, seed, 1);

  device->ops->upload (device, values, tensor);
  free (values);
  return tensor;
}

static bool
single_open (Single *s, const char *level, EspCompute compute)
{
  EspError error = ESP_ERROR_INIT;

  *s = (Single){ .device = NULL };
  if (esp_cpu_device_new_level (level, compute, 2, 0, &s->device, &error) != ESP_OK)
    return false;
  s->weight = random_weight (ESP_BF16, 2, (int64_t[]){ IN, IN }, 1, 0.1f);
  s->down = random_weight (ESP_BF16, 2, (int64_t[]){ 16, IN }, 2, 0.1f);
  s->up = random_weight (ESP_BF16, 2, (int64_t[]){ IN, 16 }, 3, 0.1f);
  s->adapter = (EspAdapter){ &s->down, &s->up, 0.5f, 0, IN };
  s->layer = (EspLinear){ .parts = 1, .weight = { &s->weight }, .in = IN, .out = IN };
  s->x = filled (s->device, s->device->compute, RANGES * ROWS, IN, 4);
  s->device->ops->prepare_linear (s->device, &s->layer);
  return true;
}

static void
single_close (Single *s)
{
  s->device->ops->release_linear (s->device, &s->layer);
  esp_tensor_free (s->device, &s->x);
  CHECK (s->device->error.status == ESP_OK);
  esp_device_free (s->device);
  weight_clear (&s->weight);
  weight_clear (&s->down);
  weight_clear (&s->up);
}

/* All rows through the layer, at once or range by range. */
static EspTensor
result_of (Single *s, bool joined, EspActivation activation)
{
  const EspEpilogue epilogue = { .activation = activation };
  const int64_t starts[RANGES] = { 0, ROWS, 2 * ROWS };
  EspTensor y = filled (s->device, s->device->compute, RANGES * ROWS, IN, 5);

  if (joined)
    esp_linear_batch (s->device, s->x, &s->layer, &epilogue, y,
                      &(EspBatch){ RANGES, ROWS, starts, starts });
  for (int i = 0; !joined && i < RANGES; i++)
    s->device->ops->linear (s->device, esp_tensor_rows (s->x, starts[i], ROWS), &s->layer,
                            &epilogue, esp_tensor_rows (y, starts[i], ROWS));
  return y;
}

static bool
same_bytes (EspTensor a, EspTensor b)
{
  return memcmp (a.data, b.data, esp_dtype_bytes (a.dtype, a.rows * a.cols)) == 0;
}

static void
taken_away_nothing_is_left (void)
{
  Single s;

  for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
    for (int compute = ESP_COMPUTE_F32; compute <= ESP_COMPUTE_BF16; compute++)
      if (single_open (&s, levels[l], (EspCompute) compute))
        {
          EspTensor before = result_of (&s, false, ESP_ACTIVATION_GELU_TANH), with, after;
          size_t allocated = s.device->allocated;

          s.layer.adapters = &s.adapter;
          s.layer.adapter_count = 1;
          with = result_of (&s, false, ESP_ACTIVATION_GELU_TANH);
          s.layer.adapters = NULL;
          s.layer.adapter_count = 0;
          after = result_of (&s, false, ESP_ACTIVATION_GELU_TANH);
          CHECK (!same_bytes (before, with));
          CHECK (same_bytes (before, after));
          esp_tensor_free (s.device, &with);
          esp_tensor_free (s.device, &after);
          /* But for scratch memory, which has no name. */
          CHECK (s.device->allocated < allocated + ((size_t) 16 << 20));
          esp_tensor_free (s.device, &before);
          single_close (&s);
        }
}

static void
ranges_do_not_know_each_other (void)
{
  static const EspActivation activations[] = { ESP_ACTIVATION_NONE, ESP_ACTIVATION_GELU_TANH };
  Single s;

  for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
    for (int compute = ESP_COMPUTE_F32; compute <= ESP_COMPUTE_BF16; compute++)
      for (size_t a = 0; a < 2; a++)
        if (single_open (&s, levels[l], (EspCompute) compute))
          {
            EspTensor alone, joined;

            s.layer.adapters = &s.adapter;
            s.layer.adapter_count = 1;
            alone = result_of (&s, false, activations[a]);
            joined = result_of (&s, true, activations[a]);
            CHECK (same_bytes (alone, joined));
            esp_tensor_free (s.device, &alone);
            esp_tensor_free (s.device, &joined);
            single_close (&s);
          }
}

int
main (void)
{
  CASE (adapters_agree);
  CASE (taken_away_nothing_is_left);
  CASE (ranges_do_not_know_each_other);
  return check_done ();
}
