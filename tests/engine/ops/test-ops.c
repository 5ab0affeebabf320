/* SPDX-License-Identifier: MIT */
/* test-ops.c: every operation against the reference, on the processor at every instruction set
 * level that this machine runs, or on the card ("cuda"), in f32 and bf16 (f16), over awkward
 * shapes. */
#include "check.h"

#include <math.h>

#include "ops-round.h"
#include "ops/cpu/cpu-device.h"
#include "ops/cuda/cuda-device.h"

/* The reference rounds operands to 16 bits where the device does: on its matrix unit, or with pairs
 * of them in a vector unit. */
static void
reference_rounds (bool rounds)
{
  pair.reference->compute = rounds ? pair.tested->compute : ESP_F32;
}

/* How far results may be off: of f32 arithmetic, or of one rounding at the end (to bf16 2⁻⁹, and a
 * tie may fall the other way; to f16 2⁻¹²). */
static double
allowed (EspDType result)
{
  return result == ESP_BF16 ? 2.5e-3 : result == ESP_F16 ? 4e-4 : 2e-6;
}

/* --- Linear ------------------------------------------------------------------------------------
 */

typedef struct LinearCase
{
  int64_t rows, in, out;
  int parts;
  EspDType weight, x, y;
  EspEpilogue epilogue; /* .gate: any pointer = with a gate */
  bool bias, precise;
} LinearCase;

enum
{
  FEW_ROWS = 4, /* are exact dot products */
};

static float with_gate;

static bool
linear_rounds (const LinearCase *c)
{
  if (on_card ())
    return !c->precise;
  return c->rows > FEW_ROWS && !c->precise
         && ((const CpuDevice *) pair.tested)->float_panels->operand == ESP_OPERAND_BF16;
}

static void
check_linear (const LinearCase *c)
{
  EspLinear layers[2]
      = { { .parts = c->parts, .in = c->in, .out = c->out * c->parts, .precise = c->precise } };
  EspWeight weights[ESP_LINEAR_MAX_PARTS], biases[ESP_LINEAR_MAX_PARTS];
  EspEpilogue epilogues[2] = { c->epilogue, c->epilogue };
  EspDevice *devices[2] = { pair.tested, pair.reference };
  TensorPair x = tensor_pair (&pair, c->x, c->rows, c->in, c->in + 3, 1, 1);
  TensorPair y = tensor_pair (&pair, c->y, c->rows, c->out * c->parts, c->out * c->parts + 5, 2, 1);
  TensorPair gate = tensor_pair (&pair, ESP_F32, 1, c->out * c->parts, c->out * c->parts, 3, 1);
  char what[160];

  for (int p = 0; p < c->parts; p++)
    {
      weights[p] = random_weight (c->weight, 2, (int64_t[]){ c->out, c->in }, 10 + (uint64_t) p,
                                  1 / sqrtf ((float) c->in));
      biases[p] = random_weight (c->weight, 1, (int64_t[]){ c->out }, 20 + (uint64_t) p, 1);
      layers[0].weight[p] = &weights[p];
      layers[0].bias[p] = c->bias && p != 1 ? &biases[p] : NULL; /* one part without */
    }
  layers[1] = layers[0];
  reference_rounds (linear_rounds (c));
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
  snprintf (what, sizeof what,
            "linear %lld × %lld → %d·%lld, weight %s, x %s, y %s, epilogue %d%s%s%s",
            (long long) c->rows, (long long) c->in, c->parts, (long long) c->out,
            esp_dtype_name (c->weight), esp_dtype_name (c->x), esp_dtype_name (c->y),
            c->epilogue.activation, c->epilogue.gate != NULL ? " gate" : "",
            c->epilogue.accumulate ? " accumulate" : "", c->precise ? ", precise" : "");
  CHECK (pair_agrees (
      &pair, &y, narrow_round () && c->precise && c->y == ESP_F32 ? 8e-6 : allowed (c->y), what));
  for (int p = 0; p < c->parts; p++)
    {
      weight_clear (&weights[p]);
      weight_clear (&biases[p]);
    }
  tensor_pair_free (&pair, &x);
  tensor_pair_free (&pair, &y);
  tensor_pair_free (&pair, &gate);
}

static void
linear_layers_agree (void)
{
  static const int64_t shapes[][4]
      = { { 1, 1, 1, 1 },    { 1, 192, 64, 3 },   { 2, 33, 17, 2 },   { 4, 100, 3, 1 },
          { 5, 7, 9, 1 },    { 5, 64, 64, 4 },    { 77, 48, 33, 3 },  { 130, 192, 96, 2 },
          { 64, 300, 1, 1 }, { 700, 70, 300, 1 }, { 40, 1100, 64, 2 } };
  static const EspDType types[] = { ESP_F32, ESP_F16, ESP_BF16 };

  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int t = 0; t < 3; t++)
      for (int variant = 0; variant < 4; variant++)
        {
          LinearCase c = { .rows = shapes[s][0],
                           .in = shapes[s][1],
                           .out = shapes[s][2],
                           .parts = (int) shapes[s][3],
                           .weight = types[t],
                           .x = ESP_F32,
                           .y = ESP_F32,
                           .bias = variant != 3 };

          c.epilogue.accumulate = variant == 1 || variant == 2;
          c.epilogue.gate = variant == 2 ? &with_gate : NULL;
          if (variant == 3)
            c.epilogue.activation = (EspActivation) (1 + s % 4);
          if (narrow_round ())
            {
              c.precise = true;
              check_linear (&c);
              c.precise = false;
              c.x = (s + (size_t) variant) % 2 == 0 ? pair.tested->compute : ESP_F32;
              c.y = (s + (size_t) t) % 2 == 0 ? pair.tested->compute : ESP_F32;
            }
          check_linear (&c);
        }
}

static void
every_epilogue_agrees (void)
{
  for (int activation = 0; activation <= ESP_ACTIVATION_QUICK_GELU; activation++)
    for (int flags = 0; flags < 8; flags++)
      for (int64_t rows = 3; rows < 2000; rows += 1200) /* vector path, one chunk, two chunks */
        {
          LinearCase c = { .rows = rows, .in = 24, .out = 37, .parts = 1, .weight = ESP_F32 };

          c.epilogue.activation = (EspActivation) activation;
          c.epilogue.gate = flags & 1 ? &with_gate : NULL;
          c.epilogue.accumulate = (flags & 2) != 0;
          c.bias = true;
          c.x = ESP_F32;
          c.y = flags & 4 && narrow_round () ? pair.tested->compute : ESP_F32;
          check_linear (&c);
        }
}

/* --- Attention ---------------------------------------------------------------------------------
 */

typedef struct AttentionCase
{
  int64_t queries, keys, heads, depth;
  bool causal, biased;
  float scale; /* of q and k: 1 gives logits of a few units */
} AttentionCase;

static void
check_attention (const AttentionCase *c, EspDType type, bool precise)
{
  /* The card rounds nothing in f32 views. */
  const bool rounds
      = narrow_round () && !precise
        && (on_card () ? type != ESP_F32 : ((const CpuDevice *) pair.tested)->matrix != NULL);
  int64_t cols = c->heads * c->depth, offsets = c->queries + c->keys - 1;
  TensorPair q = tensor_pair (&pair, type, c->queries, cols, cols + 2, 1, c->scale);
  TensorPair k = tensor_pair (&pair, type, c->keys, cols, cols + 5, 2, c->scale);
  TensorPair v = tensor_pair (&pair, type, c->keys, cols, cols, 3, 1);
  TensorPair out = tensor_pair (&pair, type, c->queries, cols, cols + 1, 4, 1);
  TensorPair bias = tensor_pair (&pair, ESP_F32, c->heads, offsets, offsets, 5, 2);
  EspAttention tested = { q.tested,
                          k.tested,
                          v.tested,
                          out.tested,
                          c->heads,
                          c->depth,
                          1 / sqrtf ((float) c->depth),
                          c->causal,
                          c->biased ? bias.tested.data : NULL,
                          precise };
  EspAttention reference = tested;
  char what[128];

  reference.q = q.reference;
  reference.k = k.reference;
  reference.v = v.reference;
  reference.out = out.reference;
  reference.relative_bias = c->biased ? bias.reference.data : NULL;
  reference_rounds (rounds);
  pair.tested->ops->attention (pair.tested, &tested);
  pair.reference->ops->attention (pair.reference, &reference);
  snprintf (what, sizeof what, "attention %lld × %lld, %lld × %lld%s%s, %s%s",
            (long long) c->queries, (long long) c->keys, (long long) c->heads, (long long) c->depth,
            c->causal ? ", causal" : "", c->biased ? ", biased" : "", esp_dtype_name (type),
            precise ? ", precise" : "");
  /* In bf16 the weights of the values are rounded relative to another maximum than the
   * reference's. */
  CHECK (pair_agrees (&pair, &out,
                      rounds            ? 5e-3
                      : type != ESP_F32 ? allowed (type)
                      : c->scale > 2    ? 2e-5
                                        : 3e-6,
                      what));
  tensor_pair_free (&pair, &q);
  tensor_pair_free (&pair, &k);
  tensor_pair_free (&pair, &v);
  tensor_pair_free (&pair, &out);
  tensor_pair_free (&pair, &bias);
}

static void
attention_agrees (void)
{
  static const AttentionCase cases[] = {
    { 1, 1, 1, 1, false, false, 1 },       { 1, 700, 2, 32, false, false, 1 },
    { 77, 77, 4, 32, true, false, 1 },     { 300, 300, 1, 16, true, false, 1 },
    { 64, 64, 4, 32, false, true, 1 },     { 50, 301, 2, 24, false, true, 1 },
    { 49, 257, 3, 64, false, false, 1 },   { 97, 513, 2, 128, false, false, 1 },
    { 100, 100, 1, 512, false, false, 1 }, { 33, 65, 3, 5, false, false, 1 },
    { 20, 31, 2, 33, false, false, 1 },    { 576, 576, 6, 32, false, false, 1 },
    { 60, 600, 2, 32, false, false, 4 },
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    {
      check_attention (&cases[i], ESP_F32, false);
      if (narrow_round ())
        {
          check_attention (&cases[i], pair.tested->compute, false);
          check_attention (&cases[i], ESP_F32, true);
        }
    }
}

/* --- Norms and elements ------------------------------------------------------------------------
 */

static void
norms_agree (void)
{
  static const int64_t shapes[][2]
      = { { 1, 1 }, { 3, 5 }, { 7, 64 }, { 40, 192 }, { 65, 131 }, { 3, 3072 } };
  const EspOps *tested = pair.tested->ops, *reference = pair.reference->ops;

  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int variant = 0; variant < 4; variant++)
      {
        int64_t rows = shapes[s][0], cols = shapes[s][1];
        EspDType type = narrow_round () && s % 2 ? pair.tested->compute : ESP_F32;
        TensorPair x = tensor_pair (&pair, ESP_F32, rows, cols, cols + 7, s + 1, 30);
        TensorPair y = tensor_pair (&pair, type, rows, cols, cols + 3, 2, 1);
        TensorPair a = tensor_pair (&pair, ESP_F32, 1, cols, cols, 3, 1);
        TensorPair b = tensor_pair (&pair, ESP_F32, 1, cols, cols, 4, 1);
        /* In place where y is f32. */
        EspTensor to = variant == 1 && type == ESP_F32 ? x.tested : y.tested;
        EspTensor to_reference = variant == 1 && type == ESP_F32 ? x.reference : y.reference;

        switch (variant)
          {
          case 0:
            tested->layer_norm (pair.tested, x.tested, a.tested.data, b.tested.data, 1e-5f, to);
            reference->layer_norm (pair.reference, x.reference, a.reference.data, b.reference.data,
                                   1e-5f, to_reference);
            break;
          case 1:
            tested->modulated_norm (pair.tested, x.tested, a.tested.data, b.tested.data, 1e-6f, to);
            reference->modulated_norm (pair.reference, x.reference, a.reference.data,
                                       b.reference.data, 1e-6f, to_reference);
            break;
          case 2:
            tested->rms_norm (pair.tested, x.tested, a.tested.data, 1e-6f, to);
            reference->rms_norm (pair.reference, x.reference, a.reference.data, 1e-6f,
                                 to_reference);
            break;
          default:
            tested->layer_norm (pair.tested, x.tested, NULL, b.tested.data, 1e-6f, to);
            reference->layer_norm (pair.reference, x.reference, NULL, b.reference.data, 1e-6f,
                                   to_reference);
          }
        TensorPair *result = variant == 1 && type == ESP_F32 ? &x : &y;
        CHECK (pair_agrees (&pair, result, allowed (type), variant == 2 ? "rms_norm" : "norm"));
        tensor_pair_free (&pair, &x);
        tensor_pair_free (&pair, &y);
        tensor_pair_free (&pair, &a);
        tensor_pair_free (&pair, &b);
      }
}

static void
head_norm_rope_agrees (void)
{
  static const int64_t depths[] = { 2, 6, 20, 32, 64, 128 };

  for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
    for (int rope = 0; rope < 2; rope++)
      {
        int64_t depth = depths[i], heads = 3, rows = 41;
        EspDType type = narrow_round () ? pair.tested->compute : ESP_F32;
        TensorPair x = tensor_pair (&pair, type, rows, heads * depth, heads * depth + 4, 1, 3);
        TensorPair w = tensor_pair (&pair, ESP_F32, 1, depth, depth, 2, 1);
        TensorPair c = tensor_pair (&pair, ESP_F32, rows, depth / 2, depth / 2, 3, 1);
        TensorPair s = tensor_pair (&pair, ESP_F32, rows, depth / 2, depth / 2, 4, 1);

        pair.tested->ops->head_norm_rope (pair.tested, x.tested, depth, w.tested.data, 1e-6f,
                                          rope ? c.tested.data : NULL, s.tested.data, x.tested);
        pair.reference->ops->head_norm_rope (pair.reference, x.reference, depth, w.reference.data,
                                             1e-6f, rope ? c.reference.data : NULL,
                                             s.reference.data, x.reference);
        CHECK (pair_agrees (&pair, &x, allowed (type), "head_norm_rope in place"));
        tensor_pair_free (&pair, &x);
        tensor_pair_free (&pair, &w);
        tensor_pair_free (&pair, &c);
        tensor_pair_free (&pair, &s);
      }
}

static void
elements_agree (void)
{
  static const int64_t shapes[][3] = { { 1, 1, 1 }, { 3, 5, 9 }, { 9, 2050, 2050 }, { 7, 64, 64 } };

  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int op = 0; op < 8; op++)
      {
        int64_t rows = shapes[i][0], cols = shapes[i][1], stride = shapes[i][2];
        EspDType type = narrow_round () && op % 2 ? pair.tested->compute : ESP_F32;
        TensorPair x = tensor_pair (&pair, ESP_F32, rows, cols, cols, 1, 5);
        TensorPair y = tensor_pair (&pair, type, rows, cols, stride, 2, 5);

        if (op <= ESP_ACTIVATION_QUICK_GELU)
          {
            pair.tested->ops->activate (pair.tested, x.tested, (EspActivation) op, y.tested);
            pair.reference->ops->activate (pair.reference, x.reference, (EspActivation) op,
                                           y.reference);
          }
        else if (op == 5)
          {
            pair.tested->ops->multiply (pair.tested, x.tested, y.tested, y.tested);
            pair.reference->ops->multiply (pair.reference, x.reference, y.reference, y.reference);
          }
        else
          {
            float b = op == 6 ? 0.0f : -1.25f;
            pair.tested->ops->scale_add (pair.tested, 0.7f, x.tested, b, y.tested);
            pair.reference->ops->scale_add (pair.reference, 0.7f, x.reference, b, y.reference);
          }
        CHECK (
            pair_agrees (&pair, &y, allowed (type), op < 5 ? "activate" : "multiply, scale_add"));
        tensor_pair_free (&pair, &x);
        tensor_pair_free (&pair, &y);
      }
}

/* b = 0 must not read y: whatever is there, NaN too, is overwritten. */
static void
scale_add_with_zero_does_not_read (void)
{
  float nan_and_one[2] = { NAN, 1 }, found[2];
  EspTensor y = esp_tensor_new (pair.tested, ESP_F32, 1, 2);
  EspTensor x = esp_tensor_new (pair.tested, ESP_F32, 1, 2);

  pair.tested->ops->upload (pair.tested, nan_and_one, y);
  pair.tested->ops->upload (pair.tested, (float[]){ 3, 4 }, x);
  pair.tested->ops->scale_add (pair.tested, 2, x, 0, y);
  pair.tested->ops->download (pair.tested, y, found);
  CHECK (found[0] == 6 && found[1] == 8);
  esp_tensor_free (pair.tested, &x);
  esp_tensor_free (pair.tested, &y);
}

/* Against f64, in any shape, strided, and to the last bit whatever the number of threads. */
static void
distances_are_those_of_double_precision (void)
{
  static const int64_t shapes[][2] = { { 1, 1 }, { 3, 17 }, { 40, 192 }, { 700, 33 } };

  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    {
      int64_t rows = shapes[i][0], cols = shapes[i][1];
      TensorPair x = tensor_pair (&pair, ESP_F32, rows, cols, cols + 3, 1, 0.5f);
      TensorPair y = tensor_pair (&pair, ESP_F32, rows, cols, cols, 2, 0.5f);
      double found[2], again[2], wanted[2];
      int threads = pair.tested->threads;

      pair.tested->ops->distance (pair.tested, x.tested, y.tested, found);
      pair.reference->ops->distance (pair.reference, x.reference, y.reference, wanted);
      pair.tested->threads = 1;
      pair.tested->ops->distance (pair.tested, x.tested, y.tested, again);
      pair.tested->threads = threads;
      CHECK (memcmp (found, again, sizeof found) == 0);
      for (int s = 0; s < 2; s++)
        CHECK (fabs (found[s] - wanted[s]) <= 1e-6 * wanted[s]);
      tensor_pair_free (&pair, &x);
      tensor_pair_free (&pair, &y);
    }
}

/* NaN goes in, NaN comes out: a broken model must not be painted over. */
static void
nan_is_never_hidden (void)
{
  float values[40], found[40];
  EspTensor x = esp_tensor_new (pair.tested, ESP_F32, 1, 40);
  EspTensor y = esp_tensor_new (pair.tested, ESP_F32, 1, 40);
  EspAttention attention = { x, x, x, y, 2, 20, 0.1f, false, NULL };

  for (int activation = 0; activation <= ESP_ACTIVATION_QUICK_GELU; activation++)
    for (int at = 0; at < 40; at += 13)
      {
        for (int i = 0; i < 40; i++)
          values[i] = i == at ? NAN : 0.5f;
        pair.tested->ops->upload (pair.tested, values, x);
        pair.tested->ops->activate (pair.tested, x, (EspActivation) activation, y);
        pair.tested->ops->download (pair.tested, y, found);
        CHECK (isnan (found[at]) && !isnan (found[(at + 1) % 40]));
        pair.tested->ops->attention (pair.tested, &attention);
        pair.tested->ops->download (pair.tested, y, found);
        CHECK (isnan (found[at]));
      }
  esp_tensor_free (pair.tested, &x);
  esp_tensor_free (pair.tested, &y);
}

static void
gathered_rows_agree (void)
{
  static const int32_t ids[] = { 4, 0, 4, 2 };

  for (int type = ESP_F32; type <= ESP_BF16; type++)
    {
      EspWeight table = random_weight ((EspDType) type, 2, (int64_t[]){ 5, 33 }, 9, 1);
      TensorPair y = tensor_pair (&pair, ESP_F32, 4, 33, 40, 2, 1);

      pair.tested->ops->gather_rows (pair.tested, &table, ids, y.tested);
      pair.reference->ops->gather_rows (pair.reference, &table, ids, y.reference);
      CHECK (pair_agrees (&pair, &y, 1e-9, "gather_rows"));
      weight_clear (&table);
      tensor_pair_free (&pair, &y);
    }
}

/* --- Images ------------------------------------------------------------------------------------
 */

static void
group_norms_agree (void)
{
  static const int64_t shapes[][2] = { { 8, 1 }, { 32, 8 }, { 30, 5 }, { 96, 32 } };

  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    {
      int64_t rows = 2 * 9 * 13, cols = shapes[s][0], groups = shapes[s][1];
      float *values = random_values (rows * cols, 7, 1);
      float moments[64], wanted[64];

      /* The demo VAE: whole groups near a constant ±64. */
      for (int64_t i = 0; i < rows * cols; i++)
        if (i % cols < cols / groups)
          values[i] = s == 1 ? 64.0f : -64.0f + values[i] * 1e-4f;
      TensorPair x = tensor_pair_of (&pair, ESP_F32, rows, cols, cols, values);
      TensorPair w = tensor_pair (&pair, ESP_F32, 1, cols, cols, 3, 1);
      TensorPair b = tensor_pair (&pair, ESP_F32, 1, cols, cols, 4, 1);

      pair.tested->ops->group_moments (pair.tested, x.tested, groups, moments);
      pair.reference->ops->group_moments (pair.reference, x.reference, groups, wanted);
      for (int64_t i = 0; i < 2 * groups; i++)
        CHECK (fabsf (moments[i] - wanted[i])
               <= 3e-7f * fabsf (wanted[i]) + 1e-9f * (float) (i % 2 == 0));
      pair.tested->ops->group_norm (pair.tested, x.tested, groups, wanted, w.tested.data,
                                    b.tested.data, 1e-6f, s % 2, x.tested);
      pair.reference->ops->group_norm (pair.reference, x.reference, groups, wanted,
                                       w.reference.data, b.reference.data, 1e-6f, s % 2,
                                       x.reference);
      CHECK (pair_agrees (&pair, &x, 2e-6, "group_norm in place"));
      free (values);
      tensor_pair_free (&pair, &x);
      tensor_pair_free (&pair, &w);
      tensor_pair_free (&pair, &b);
    }
}

static void
moved_pixels_agree (void)
{
  EspGrid grid = { 2, 5, 7 }, window = { 1, 3, 4 };

  for (int64_t cols = 1; cols < 40; cols += 12)
    {
      TensorPair x = tensor_pair (&pair, ESP_F32, 70, cols, cols, 1, 1);
      TensorPair z = tensor_pair (&pair, ESP_F32, 24, cols, cols, 3, 1);

      pair.tested->ops->copy_window (pair.tested, x.tested, grid, 1, 2, 3, window, z.tested);
      pair.reference->ops->copy_window (pair.reference, x.reference, grid, 1, 2, 3, window,
                                        z.reference);
      CHECK (pair_agrees (&pair, &z, 1e-9, "copy_window"));
      tensor_pair_free (&pair, &x);
      tensor_pair_free (&pair, &z);
    }
}

/* --- Misuse ------------------------------------------------------------------------------------
 */

/* The sticky error is taken, so that the round can go on. */
static EspStatus
take_error (EspError *error)
{
  EspStatus status = esp_device_check (pair.tested, error);

  pair.tested->error = (EspError) ESP_ERROR_INIT;
  return status;
}

static void
misuse_is_an_error_and_sticks (void)
{
  const EspOps *ops = pair.tested->ops;
  EspDevice *device = pair.tested;
  EspTensor x = tensor_of (device, 6, 8), y = tensor_of (device, 6, 8),
            z = tensor_of (device, 5, 8);
  EspWeight weight = random_weight (ESP_F32, 2, (int64_t[]){ 8, 8 }, 1, 1);
  EspLinear layer = { .parts = 1, .weight = { &weight }, .in = 8, .out = 8 };
  EspConv conv = { &weight, NULL, 8, 8, 3, 1, 1, 1, 1, 1, NULL, false };
  EspAttention attention = { x, x, z, y, 2, 4, 1, false, NULL };
  EspError error = ESP_ERROR_INIT;
  float before[48], after[48], moments[64];

  ops->linear (device, x, &layer, NULL, y);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  CHECK_MESSAGE (error, "layer.weight");
  ops->prepare_linear (device, &layer);
  ops->linear (device, x, &layer, NULL, z);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  ops->prepare_conv (device, &conv);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  ops->conv2d (device, x, (EspGrid){ 1, 2, 3 }, &conv, NULL, false, y);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  ops->attention (device, &attention);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  ops->layer_norm (device, x, NULL, NULL, 1e-6f, z);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  ops->head_norm_rope (device, x, 3, before, 1e-6f, NULL, NULL, y);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  ops->group_moments (device, x, 3, moments);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  ops->group_moments (device, x, 0, moments);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  ops->copy_window (device, x, (EspGrid){ 1, 2, 3 }, 0, 1, 0, (EspGrid){ 0, 2, 3 }, y);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);

  /* After a failure nothing happens until the device is gone. */
  ops->download (device, y, before);
  ops->multiply (device, x, z, y);
  ops->scale_add (device, 3, x, 0, y);
  CHECK (ops->allocate (device, 64) == NULL);
  CHECK_STATUS (take_error (&error), ESP_ERROR_ARGUMENT, error);
  ops->download (device, y, after);
  CHECK (memcmp (before, after, sizeof before) == 0);
  CHECK (ops->allocate (device, SIZE_MAX / 4) == NULL);
  CHECK_STATUS (take_error (&error), ESP_ERROR_MEMORY, error);
  ops->release_linear (device, &layer);
  weight_clear (&weight);
  esp_tensor_free (device, &x);
  esp_tensor_free (device, &y);
  esp_tensor_free (device, &z);
}

static void
weights_that_are_not_finite_are_refused (void)
{
  static const float bad[] = { NAN, INFINITY, -INFINITY };

  for (int i = 0; i < 3; i++)
    for (int type = ESP_F32; type <= ESP_BF16; type += ESP_BF16 - ESP_F32)
      {
        int64_t at = i == 2 ? 70000 : 7; /* in the second stretch too */
        EspWeight weight = random_weight ((EspDType) type, 2, (int64_t[]){ 400, 200 }, 1, 1);
        EspWeight kernel = random_weight (ESP_F32, 4, (int64_t[]){ 4, 4, 1, 1 }, 1, 1);
        EspWeight bias = random_weight (ESP_F32, 1, (int64_t[]){ 4 }, 1, 1);
        EspLinear layer = { .parts = 1, .weight = { &weight }, .in = 200, .out = 400 };
        EspConv conv = { &kernel, &bias, 4, 4, 1, 1, 0, 0, 0, 0, NULL, false };
        EspError error = ESP_ERROR_INIT;
        char index[16];

        if (type == ESP_F32)
          ((float *) (uintptr_t) weight.data)[at] = bad[i];
        else
          esp_f32_to_bf16 (&bad[i], (uint16_t *) (uintptr_t) weight.data + at, 1);
        ((float *) (uintptr_t) bias.data)[2] = bad[i];
        snprintf (index, sizeof index, "index %d", (int) at);
        pair.tested->ops->prepare_linear (pair.tested, &layer);
        CHECK (layer.prepared == NULL);
        CHECK_STATUS (take_error (&error), ESP_ERROR_NUMERIC, error);
        CHECK_MESSAGE (error, "test.safetensors");
        CHECK_MESSAGE (error, "layer.weight");
        CHECK_MESSAGE (error, index);
        pair.tested->ops->prepare_conv (pair.tested, &conv);
        CHECK (conv.prepared == NULL);
        CHECK_STATUS (take_error (&error), ESP_ERROR_NUMERIC, error);
        CHECK_MESSAGE (error, "index 2");
        weight_clear (&weight);
        weight_clear (&kernel);
        weight_clear (&bias);
      }
}

/* A file's tensor may start anywhere: the same numbers one byte further on. */
static void
unaligned_weights_are_the_same (void)
{
  for (int type = ESP_F32; type <= ESP_BF16; type++)
    for (int64_t rows = 2; rows < 20; rows += 15)
      {
        EspWeight weight = random_weight ((EspDType) type, 2, (int64_t[]){ 40, 33 }, 1, 1);
        EspWeight moved = weight;
        size_t bytes = esp_dtype_bytes (weight.dtype, weight.count);
        char *space = malloc (bytes + 1);
        float found[2][17 * 40];

        if (space == NULL)
          abort ();
        memcpy (space + 1, weight.data, bytes);
        moved.data = space + 1;
        for (int i = 0; i < 2; i++)
          {
            EspLinear layer
                = { .parts = 1, .weight = { i == 0 ? &weight : &moved }, .in = 33, .out = 40 };
            EspTensor x = tensor_of (pair.tested, rows, 33), y = tensor_of (pair.tested, rows, 40);

            pair.tested->ops->prepare_linear (pair.tested, &layer);
            pair.tested->ops->linear (pair.tested, x, &layer, NULL, y);
            pair.tested->ops->download (pair.tested, y, found[i]);
            pair.tested->ops->release_linear (pair.tested, &layer);
            esp_tensor_free (pair.tested, &x);
            esp_tensor_free (pair.tested, &y);
          }
        CHECK (memcmp (found[0], found[1], (size_t) (rows * 40) * sizeof (float)) == 0);
        free (space);
        weight_clear (&weight);
      }
}

/* Attention, norms and moments give the same bits on any number of threads; every operation gives
 * the same bits twice. */
static void
results_do_not_depend_on_threads (void)
{
  float results[3][200 * 64], moments[3][16];

  for (int i = 0; i < 3; i++)
    {
      DevicePair other;
      EspTensor x, y;
      EspAttention attention;

      open_alike (&other, i == 0 ? 1 : 3);
      x = tensor_of (other.tested, 200, 64);
      y = tensor_of (other.tested, 200, 64);
      attention = (EspAttention){ x, x, x, y, 2, 32, 1, false, NULL };
      other.tested->ops->attention (other.tested, &attention);
      other.tested->ops->layer_norm (other.tested, y, NULL, NULL, 1e-6f, y);
      other.tested->ops->group_moments (other.tested, y, 8, moments[i]);
      other.tested->ops->download (other.tested, y, results[i]);
      esp_tensor_free (other.tested, &x);
      esp_tensor_free (other.tested, &y);
      pair_close (&other);
    }
  for (int i = 1; i < 3; i++)
    {
      CHECK (memcmp (results[0], results[i], sizeof results[0]) == 0);
      CHECK (memcmp (moments[0], moments[i], sizeof moments[0]) == 0);
    }
}

/* e^x over the whole range, seen through softmax's piece: its maximum is 0, so s becomes e^s. */
static void
exponentials_are_accurate (void)
{
  const EspKernels *kernels = ((CpuDevice *) pair.tested)->kernels;
  double worst = 0;

  for (double x = -87.3; x < 0; x += 0.37)
    {
      float s[40], maximum = 0, sum = 0;

      for (int i = 0; i < 40; i++)
        s[i] = (float) (x + i * 0.00925 < 0 ? x + i * 0.00925 : 0);
      float wanted[40];
      memcpy (wanted, s, sizeof s);
      kernels->softmax_piece (s, 39, 1, NULL, &maximum, &sum);
      for (int i = 0; i < 39; i++)
        worst = fmax (worst, fabs (s[i] / exp (wanted[i]) - 1));
    }
  printf ("# largest relative error of exp: %.3g\n", worst);
  CHECK (worst < 3e-7);
}

/* --- All rounds --------------------------------------------------------------------------------
 */

static void
nothing_is_left_allocated (void)
{
  /* Scratch memory is the device's own; what callers took must be back. */
  const CpuDevice *cpu = (const CpuDevice *) pair.tested;
  const CudaDevice *cuda = (const CudaDevice *) pair.tested;
  size_t scratch = 0;

  for (int slot = 0; slot < SCRATCH_COUNT && !on_card (); slot++)
    scratch += cpu->scratch[slot].bytes;
  for (int slot = 0; slot < CUDA_SCRATCH_COUNT && on_card (); slot++)
    scratch += cuda->scratch[slot].bytes;
  CHECK (pair.tested->allocated == scratch);
  CHECK (on_card () || cpu->weight_used == 0);
  CHECK (pair.tested->peak >= pair.tested->allocated);
}

static void
onednn_never_needs_its_reference_code (void)
{
  CHECK (onednn_had_kernels ());
}

int
main (int argc, char **argv)
{
  static const EspCompute computes[] = { ESP_COMPUTE_F32, ESP_COMPUTE_BF16 };
  const char *level = argc > 1 ? argv[1] : NULL;

  for (size_t c = 0; c < 2; c++)
    {
      if (!round_open (level, computes[c], (size_t) 1 << 30))
        {
          printf ("1..0 # SKIP this machine cannot run the %s kernels\n", level);
          return 0;
        }
      printf ("# %s: %s\n", pair.label, pair.tested->description);
      CASE (linear_layers_agree);
      CASE (every_epilogue_agrees);
      CASE (attention_agrees);
      CASE (norms_agree);
      CASE (head_norm_rope_agrees);
      CASE (elements_agree);
      CASE (scale_add_with_zero_does_not_read);
      CASE (distances_are_those_of_double_precision);
      CASE (nan_is_never_hidden);
      CASE (gathered_rows_agree);
      CASE (group_norms_agree);
      CASE (moved_pixels_agree);
      CASE (misuse_is_an_error_and_sticks);
      CASE (weights_that_are_not_finite_are_refused);
      CASE (unaligned_weights_are_the_same);
      CASE (results_do_not_depend_on_threads);
      CASE (nothing_is_left_allocated);
      if (!on_card ())
        {
          CASE (exponentials_are_accurate);
          CASE (onednn_never_needs_its_reference_code);
        }
      round_close ();
      /* The same layers when next to nothing may be packed. */
      if (level != NULL && strcmp (level, "cuda") == 0)
        continue;
      if (round_open (level, computes[c], 1))
        {
          CASE (linear_layers_agree);
          CASE (onednn_never_needs_its_reference_code);
          round_close ();
        }
    }
  return check_done ();
}
