/* SPDX-License-Identifier: MIT */
/* test-cuda-matrix.c: matrix products on the card against plain loops: weights of every format
 * widened to the last bit, every tile shape, split sums, epilogues, heads, adapters, fp8, over
 * sizes that are no multiples of anything. Runs on an emulated card (emulator/) or a real one.
 */
#include "check.h"

#include <math.h>
#include <string.h>

#include "device-pair.h"
#include "files/quantise.h"
#include "ops-reference.h"
#include "ops/cuda/cuda-fp8.h"
#include "ops/cuda/cuda-linear.h"
#include "ops/cuda/cuda.h"

static const EspDType formats[]
    = { ESP_F32,  ESP_F16,  ESP_BF16, ESP_F8_E4M3, ESP_F8_E5M2, ESP_Q4_0,
        ESP_Q4_1, ESP_Q5_0, ESP_Q5_1, ESP_Q8_0,    ESP_Q2_K,    ESP_Q3_K,
        ESP_Q4_K, ESP_Q5_K, ESP_Q6_K, ESP_IQ4_NL,  ESP_IQ4_XS };

enum
{
  FORMATS = sizeof formats / sizeof *formats
};

static DevicePair pair;

static CudaDevice *
card (void)
{
  return (CudaDevice *) pair.tested;
}

static bool
open_pair (EspCompute compute, bool fp8)
{
  const EspCudaOptions options = { .ordinal = -1, .compute = compute, .fp8 = fp8 };
  EspError error = ESP_ERROR_INIT;

  pair = (DevicePair){ 0 };
  if (esp_cuda_device_new (&options, &pair.tested, &error) != ESP_OK)
    {
      printf ("# %s\n", error.message);
      return false;
    }
  snprintf (pair.label, sizeof pair.label, "sm_%d %s", card ()->capability,
            esp_dtype_name (pair.tested->compute));
  if (esp_reference_device_new (pair.tested->compute != ESP_F32 ? ESP_COMPUTE_BF16
                                                                : ESP_COMPUTE_F32,
                                &pair.reference, &error)
      != ESP_OK)
    abort ();
  /* A card without bf16 computes in f16; so does the reference then. */
  pair.reference->compute = pair.tested->compute;
  return true;
}

static EspWeight
any_weight (EspDType dtype, int64_t out, int64_t in, uint64_t seed)
{
  const float size = 1 / sqrtf ((float) in);
  const int64_t shape[2] = { out, in };
  EspWeight weight;
  uint8_t *bytes;

  if (dtype != ESP_F8_E4M3 && dtype != ESP_F8_E5M2)
    return random_weight (dtype, 2, shape, seed, size);
  /* Normal numbers of all small sizes, and zeros. */
  weight = random_weight (ESP_F32, 2, shape, seed, 1);
  bytes = malloc ((size_t) weight.count + 1);
  if (bytes == NULL)
    abort ();
  for (int64_t i = 0; i < weight.count; i++)
    {
      const float value = ((const float *) weight.data)[i];
      const int step = (int) (fabsf (value) * 40);

      bytes[i] = (uint8_t) ((value < 0 ? 0x80 : 0) | (step < 0x5f ? step : 0x5f));
    }
  weight_clear (&weight);
  weight.dtype = dtype;
  weight.data = bytes;
  weight.scale = size * (dtype == ESP_F8_E4M3 ? 0.75f : 0.03f);
  return weight;
}

/* --- Widening ----------------------------------------------------------------------------------
 */

static void
check_widened (const EspWeight *weight, const CudaMatrix *matrix, int64_t first, int64_t rows,
               CudaNumbers numbers)
{
  const int64_t in = matrix->in, size = (int64_t) esp_cuda_numbers_size (numbers);
  const CudaRows found = esp_cuda_weight_rows (card (), matrix, first, rows, numbers);
  char *data = malloc ((size_t) (rows * found.stride));
  float *wanted = malloc ((size_t) (rows * in) * sizeof *wanted);
  int64_t wrong = 0, padding = 0;

  if (data == NULL || wanted == NULL || found.data == 0)
    abort ();
  esp_cuda_copy_out (card (), data, found.data, (size_t) (rows * found.stride));
  esp_weight_to_f32 (weight, first * in, rows * in, wanted);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < found.k; c++)
      {
        const char *at = data + r * found.stride + c * size;
        uint32_t bits = 0, expected = 0;
        uint16_t narrow;

        memcpy (&bits, at, (size_t) size);
        if (c >= in)
          {
            padding += bits != 0;
            continue;
          }
        if (numbers == CUDA_NUMBERS_F32)
          memcpy (&expected, &wanted[r * in + c], 4);
        else if (numbers == CUDA_NUMBERS_BF16)
          {
            esp_f32_to_bf16 (&wanted[r * in + c], &narrow, 1);
            expected = narrow;
          }
        else
          expected = esp_f32_to_f16 (wanted[r * in + c]);
        wrong += bits != expected;
      }
  if (wrong > 0 || padding > 0 || pair.tested->error.status != ESP_OK)
    {
      printf ("# %s rows %lld + %lld × %lld as %d: %lld wrong, %lld of the padding (%s)\n",
              esp_dtype_name (weight->dtype), (long long) first, (long long) rows, (long long) in,
              numbers, (long long) wrong, (long long) padding, pair.tested->error.message);
      check_case_failures++;
    }
  free (data);
  free (wanted);
}

static void
every_format_is_widened_exactly (void)
{
  for (int f = 0; f < FORMATS; f++)
    for (int shape = 0; shape < 3; shape++)
      {
        const int64_t block = esp_dtype_block (formats[f]), out = shape == 1 ? 9 : 5;
        const int64_t in = block > 1 ? block * (1 + shape) : (int64_t[]){ 13, 24, 40 }[shape];
        EspWeight weight = any_weight (formats[f], out, in, 7 + (uint64_t) f);
        const size_t bytes = esp_dtype_bytes (weight.dtype, weight.count);
        CudaMatrix matrix = { .dtype = weight.dtype, .out = out, .in = in };

        matrix.data = (CUdeviceptr) (uintptr_t) esp_cuda_allocate (pair.tested, bytes);
        matrix.scale = weight.scale != 0 ? weight.scale : 1;
        esp_cuda_copy_in (card (), matrix.data, weight.data, bytes);
        for (CudaNumbers to = CUDA_NUMBERS_F32; to <= CUDA_NUMBERS_F16; to++)
          {
            check_widened (&weight, &matrix, 0, out, to);
            check_widened (&weight, &matrix, 2, out - 3, to);
          }
        esp_cuda_release (pair.tested, (void *) (uintptr_t) matrix.data, bytes);
        weight_clear (&weight);
      }
}

/* --- Products ----------------------------------------------------------------------------------
 */

typedef struct Case
{
  int64_t rows, in, out;
  int parts;
  EspDType weight;
  EspEpilogue epilogue; /* .gate: any pointer = with a gate */
  bool bias, precise;
  EspDType x, y; /* ESP_I32: the compute type */
  int64_t gap;   /* of x's and y's strides */
  const char *module;
  double allowed; /* 0: that of the rounding of y */

} Case;

static float with_gate;

static EspDType
type_of (EspDType type)
{
  return type == ESP_I32 ? pair.tested->compute : type;
}

static double
rounding_of (EspDType y)
{
  return y == ESP_BF16 ? 4e-3 : y == ESP_F16 ? 6e-4 : 4e-6;
}

static void
check_linear (const Case *c)
{
  const int64_t total = c->out * c->parts;
  EspLinear layers[2] = { { .parts = c->parts, .in = c->in, .out = total, .precise = c->precise } };
  EspWeight weights[ESP_LINEAR_MAX_PARTS], biases[ESP_LINEAR_MAX_PARTS];
  EspEpilogue epilogues[2] = { c->epilogue, c->epilogue };
  EspDevice *devices[2] = { pair.tested, pair.reference };
  const EspDType x_type = type_of (c->x), y_type = type_of (c->y);
  TensorPair x = tensor_pair (&pair, x_type, c->rows, c->in, c->in + c->gap, 1, 1);
  TensorPair y = tensor_pair (&pair, y_type, c->rows, total, total + c->gap, 2, 1);
  TensorPair gate = tensor_pair (&pair, ESP_F32, 1, total, total, 3, 1);
  const EspDType reference = pair.reference->compute;
  char what[160];

  for (int p = 0; p < c->parts; p++)
    {
      weights[p] = any_weight (c->weight, c->out, c->in, 10 + (uint64_t) p);
      biases[p] = random_weight (ESP_F32, 1, (int64_t[]){ c->out }, 20 + (uint64_t) p, 1);
      layers[0].weight[p] = &weights[p];
      layers[0].bias[p] = c->bias ? &biases[p] : NULL;
      layers[0].module[p] = c->module;
    }
  layers[1] = layers[0];
  if (c->epilogue.gate != NULL)
    {
      epilogues[0].gate = gate.tested.data;
      epilogues[1].gate = gate.reference.data;
    }
  if (c->precise)
    pair.reference->compute = ESP_F32;
  for (int d = 0; d < 2; d++)
    {
      devices[d]->ops->prepare_linear (devices[d], &layers[d]);
      devices[d]->ops->linear (devices[d], d == 0 ? x.tested : x.reference, &layers[d],
                               &epilogues[d], d == 0 ? y.tested : y.reference);
      devices[d]->ops->release_linear (devices[d], &layers[d]);
    }
  pair.reference->compute = reference;
  snprintf (what, sizeof what, "%lld × %lld → %d·%lld of %s%s, epilogue %d%s%s, x %s, y %s",
            (long long) c->rows, (long long) c->in, c->parts, (long long) c->out,
            esp_dtype_name (c->weight), c->precise ? ", precise" : "", c->epilogue.activation,
            c->epilogue.gate != NULL ? " gate" : "", c->epilogue.accumulate ? " accumulate" : "",
            esp_dtype_name (x_type), esp_dtype_name (y_type));
  CHECK (pair_agrees (&pair, &y, c->allowed > 0 ? c->allowed : rounding_of (y_type), what));
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
every_format_is_multiplied (void)
{
  static const int64_t rows[] = { 1, 3, 8, 9, 33, 60 }; /* too few for bytes */
  int at = 0;

  for (int f = 0; f < FORMATS; f++)
    for (int i = 0; i < 3; i++, at++)
      {
        const int64_t block = esp_dtype_block (formats[f]);
        Case c = { .rows = rows[at % 6],
                   .in = block > 1 ? block * (block == 256 ? 1 : 1 + i) : 21 + 11 * i,
                   .out = 5 + 14 * i,
                   .parts = 1 + at % 2,
                   .weight = formats[f],
                   .bias = i != 1,
                   .x = at % 2 == 0 ? ESP_F32 : ESP_I32,
                   .y = at % 3 == 0 ? ESP_I32 : ESP_F32,
                   .gap = at % 4 };

        c.epilogue.accumulate = i == 1;
        c.epilogue.activation = i == 2 ? ESP_ACTIVATION_GELU_TANH : ESP_ACTIVATION_NONE;
        check_linear (&c);
      }
}

/* x in signed bytes, 127 for what is farthest from the middle of each 32, back as numbers. The
 * middle is 0 unless x is one-sided. */
static void
round_to_bytes (float *x, int64_t count, bool one_sided)
{
  for (int64_t i = 0; i < count; i += 32)
    {
      float least = x[i], most = x[i], middle, largest;

      for (int64_t k = i; k < i + 32; k++)
        {
          least = fminf (least, x[k]);
          most = fmaxf (most, x[k]);
        }
      middle = one_sided ? 0.5f * least + 0.5f * most : 0;
      largest = fmaxf (most - middle, middle - least);
      for (int64_t k = i; k < i + 32; k++)
        x[k] = middle
               + (largest > 0 ? rintf ((x[k] - middle) * (127.0f / largest)) * (largest / 127.0f)
                              : 0);
    }
}

/* Block formats times bytes are exactly what the bytes stand for. */
static void
block_formats_in_bytes_agree (void)
{
  static const int64_t rows[] = { 64, 130, 71 }, outs[] = { 64, 37, 130 };
  static const EspDType some[] = { ESP_Q4_0, ESP_Q4_1, ESP_Q5_0,   ESP_Q5_1,  ESP_Q8_0,
                                   ESP_Q4_K, ESP_Q5_K, ESP_IQ4_NL, ESP_IQ4_XS };

  for (size_t i = 0; i < 2 * sizeof some / sizeof *some; i++)
    {
      const size_t f = i / 2;
      const bool one_sided = i % 2 != 0;
      const int64_t in = esp_dtype_block (some[f]) == 256 ? 512 : f % 2 == 0 ? 96 : 320;
      const int64_t m = rows[f % 3], n = outs[f % 3];
      EspWeight weight = any_weight (some[f], n, in, 5 + f);
      EspLinear layers[2] = { { .parts = 1, .in = in, .out = n, .weight = { &weight } } };
      EspDevice *devices[2] = { pair.tested, pair.reference };
      float *numbers = random_values (m * in, 3, 1);
      const EspDType compute = pair.reference->compute;
      TensorPair x, y = tensor_pair (&pair, ESP_F32, m, n, n + 4, 2, 1);

      layers[0].one_sided = one_sided;
      for (int64_t k = 0; k < m * in && one_sided; k++)
        numbers[k] = numbers[k] < 0 ? -0.05f * numbers[k] : numbers[k];
      layers[1] = layers[0];
      x.tested = esp_tensor_new (devices[0], ESP_F32, m, in);
      x.reference = esp_tensor_new (devices[1], ESP_F32, m, in);
      devices[0]->ops->upload (devices[0], numbers, x.tested);
      if (compute != ESP_F32 && esp_cuda_is_gaming (card ()))
        {
          round_to_bytes (numbers, m * in, one_sided && esp_cuda_has_bytes_from_middle (some[f]));
          pair.reference->compute = ESP_F32;
        }
      devices[1]->ops->upload (devices[1], numbers, x.reference);
      for (int d = 0; d < 2; d++)
        {
          devices[d]->ops->prepare_linear (devices[d], &layers[d]);
          devices[d]->ops->linear (devices[d], d == 0 ? x.tested : x.reference, &layers[d], NULL,
                                   d == 0 ? y.tested : y.reference);
          devices[d]->ops->release_linear (devices[d], &layers[d]);
        }
      pair.reference->compute = compute;
      CHECK (pair_agrees (&pair, &y, 4e-6, esp_dtype_name (some[f])));
      free (numbers);
      weight_clear (&weight);
      tensor_pair_free (&pair, &x);
      tensor_pair_free (&pair, &y);
    }
}

/* NaN and infinity in x spoil their own rows, and all of them. */
static void
nan_stays_in_its_row (void)
{
  static const EspDType some[] = { ESP_Q8_0, ESP_Q4_K, ESP_BF16 };
  const int64_t rows = 70, in = 256, out = 37;

  for (int f = 0; f < 3; f++)
    {
      EspDevice *device = pair.tested;
      EspWeight weight = any_weight (some[f], out, in, 3);
      EspLinear layer
          = { .parts = 1, .in = in, .out = out, .weight = { &weight }, .one_sided = f == 0 };
      EspTensor x = esp_tensor_new (device, ESP_F32, rows, in);
      EspTensor y = esp_tensor_new (device, ESP_F32, rows, out);
      float *numbers = random_values (rows * in, 1, 1);
      float *found = malloc ((size_t) (rows * out) * sizeof *found);
      int missing = 0, elsewhere = 0;

      if (found == NULL)
        abort ();
      numbers[5 * in + 100] = NAN;
      numbers[66 * in + 17] = -INFINITY;
      device->ops->upload (device, numbers, x);
      device->ops->prepare_linear (device, &layer);
      device->ops->linear (device, x, &layer, NULL, y);
      device->ops->download (device, y, found);
      for (int64_t i = 0; i < rows * out; i++)
        if (i / out == 5 || (i / out == 66 && device->compute != ESP_F16))
          missing += isfinite (found[i]) != 0;
        else if (i / out != 66)
          elsewhere += isfinite (found[i]) == 0;
      CHECK (device->error.status == ESP_OK && missing == 0 && elsewhere == 0);
      device->ops->release_linear (device, &layer);
      esp_tensor_free (device, &x);
      esp_tensor_free (device, &y);
      weight_clear (&weight);
      free (numbers);
      free (found);
    }
}

static void
precise_layers_are_not_rounded (void)
{
  static const EspDType types[] = { ESP_BF16, ESP_F32, ESP_F16, ESP_Q8_0 };

  for (int t = 0; t < 4; t++)
    for (int64_t rows = 3; rows < 50; rows += 37)
      {
        const Case c = { .rows = rows,
                         .in = t == 0 ? 128 : 96,
                         .out = 37,
                         .parts = 1,
                         .weight = types[t],
                         .bias = true,
                         .precise = true,
                         .x = ESP_F32,
                         .y = ESP_F32,
                         .allowed = 1e-5 };

        check_linear (&c);
      }
}

/* With one multiprocessor and with many other tiles are best, and sums are split. */
static void
every_tile_shape_agrees (void)
{
  static const int64_t shapes[][3] = {
    { 128, 72, 256 }, { 131, 200, 259 }, { 128, 64, 128 }, { 140, 264, 130 }, { 64, 200, 64 },
    { 70, 136, 100 }, { 30, 520, 128 },  { 9, 1100, 130 }, { 100, 2056, 40 },
  };
  const int multiprocessors = card ()->multiprocessors;
  const size_t limit = card ()->shared_limit;

  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int way = 0; way < 3; way++)
      {
        Case c = { .rows = shapes[s][0],
                   .in = shapes[s][1],
                   .out = shapes[s][2],
                   .parts = 1,
                   .weight = ESP_BF16,
                   .bias = true,
                   .x = ESP_I32,
                   .y = way == 1 ? ESP_I32 : ESP_F32,
                   .gap = way == 2 ? 8 : 0 };

        c.epilogue.accumulate = way == 2;
        c.epilogue.gate = way == 2 ? &with_gate : NULL;
        card ()->multiprocessors = way == 0 ? 1 : way == 1 ? 7 : 144;
        if (way == 0 && s % 2 == 1)
          card ()->shared_limit = 60 << 10;
        check_linear (&c);
        card ()->multiprocessors = multiprocessors;
        card ()->shared_limit = limit;
      }
}

static void
every_epilogue_agrees (void)
{
  for (int activation = 0; activation <= ESP_ACTIVATION_QUICK_GELU; activation++)
    for (int flags = 0; flags < 4; flags++)
      for (int64_t rows = 5; rows < 50; rows += 36)
        {
          Case c = { .rows = rows, .in = 40, .out = 37, .parts = 1, .weight = ESP_BF16 };

          c.epilogue.activation = (EspActivation) activation;
          c.epilogue.gate = flags & 1 ? &with_gate : NULL;
          c.epilogue.accumulate = (flags & 2) != 0;
          c.bias = true;
          c.x = ESP_I32;
          c.y = (activation + flags) % 2 == 0 ? ESP_F32 : ESP_I32;
          c.gap = 3;
          check_linear (&c);
        }
}

/* --- Heads -------------------------------------------------------------------------------------
 */

static void
check_heads (int64_t rows, int64_t in, int64_t heads, int64_t head_dim, int64_t more, bool rotated,
             EspDType type)
{
  const int64_t columns = heads * head_dim, out = 3 * columns + more, half = head_dim / 2;
  EspLinear layers[2] = { { .parts = 1, .in = in, .out = out } };
  EspDevice *devices[2] = { pair.tested, pair.reference };
  EspWeight weight = any_weight (ESP_BF16, out, in, 31);
  TensorPair x = tensor_pair (&pair, type, rows, in, in, 1, 1);
  TensorPair y = tensor_pair (&pair, type, rows, out, out + 8, 2, 1);
  TensorPair q = tensor_pair (&pair, ESP_F32, 1, head_dim, head_dim, 3, 1);
  TensorPair k = tensor_pair (&pair, ESP_F32, 1, head_dim, head_dim, 4, 1);
  TensorPair cosine = tensor_pair (&pair, ESP_F32, rows, half, half, 5, 1);
  TensorPair sine = tensor_pair (&pair, ESP_F32, rows, half, half, 6, 1);
  EspHeadNorm norm = { .head_dim = head_dim, .columns = columns, .eps = 1e-6f };
  char what[128];

  layers[0].weight[0] = &weight;
  layers[1] = layers[0];
  for (int d = 0; d < 2; d++)
    {
      const EspTensor to = d == 0 ? y.tested : y.reference, from = d == 0 ? x.tested : x.reference;

      norm.weight_q = d == 0 ? q.tested.data : q.reference.data;
      norm.weight_k = d == 0 ? k.tested.data : k.reference.data;
      norm.cosine = !rotated ? NULL : d == 0 ? cosine.tested.data : cosine.reference.data;
      norm.sine = !rotated ? NULL : d == 0 ? sine.tested.data : sine.reference.data;
      devices[d]->ops->prepare_linear (devices[d], &layers[d]);
      if (d == 0)
        devices[d]->ops->linear_heads (devices[d], from, &layers[d], &norm, to);
      else
        {
          /* Without a rounding between the two. */
          EspTensor wide = esp_tensor_new (devices[d], ESP_F32, rows, out);

          devices[d]->ops->linear (devices[d], from, &layers[d], NULL, wide);
          for (int part = 0; part < 2; part++)
            {
              EspTensor some = esp_tensor_cols (wide, part * columns, columns);

              devices[d]->ops->head_norm_rope (devices[d], some, head_dim,
                                               part == 0 ? norm.weight_q : norm.weight_k, norm.eps,
                                               norm.cosine, norm.sine, some);
            }
          devices[d]->ops->scale_add (devices[d], 1, wide, 0, to);
          esp_tensor_free (devices[d], &wide);
        }
      devices[d]->ops->release_linear (devices[d], &layers[d]);
    }
  snprintf (what, sizeof what, "%lld rows, %lld heads of %lld", (long long) rows, (long long) heads,
            (long long) head_dim);
  CHECK (pair_agrees (&pair, &y, rows <= VECTOR_ROWS && type != ESP_F32 ? 6e-3 : rounding_of (type),
                      what));
  weight_clear (&weight);
  tensor_pair_free (&pair, &x);
  tensor_pair_free (&pair, &y);
  tensor_pair_free (&pair, &q);
  tensor_pair_free (&pair, &k);
  tensor_pair_free (&pair, &cosine);
  tensor_pair_free (&pair, &sine);
}

static void
heads_are_normalised_and_rotated (void)
{
  const EspDType type = pair.tested->compute;

  check_heads (70, 64, 2, 32, 0, true, type);
  check_heads (70, 64, 1, 64, 40, true, ESP_F32);
  check_heads (33, 72, 1, 128, 0, true, type);
  check_heads (140, 40, 1, 128, 0, false, type);
  check_heads (20, 2000, 1, 128, 0, true, type); /* split */
  check_heads (20, 40, 2, 16, 0, true, type);    /* not in tiles */
  check_heads (5, 40, 2, 32, 0, true, type);
}

/* --- Adapters ----------------------------------------------------------------------------------
 */

enum
{
  ADAPTERS = 4
};

static void
check_adapters (int64_t rows, EspDType weight_type, EspEpilogue epilogue)
{
  const int64_t in = 48, out = 90, rank = 7;
  EspLinear layers[2] = { { .parts = 1, .in = in, .out = out } };
  EspDevice *devices[2] = { pair.tested, pair.reference };
  EspWeight weight = any_weight (weight_type, out, in, 41), down[ADAPTERS], up[ADAPTERS];
  EspAdapter adapters[ADAPTERS];
  TensorPair x = tensor_pair (&pair, pair.tested->compute, rows, in, in + 1, 1, 1);
  TensorPair y = tensor_pair (&pair, ESP_F32, rows, out, out + 2, 2, 1);
  TensorPair gate = tensor_pair (&pair, ESP_F32, 1, out, out, 3, 1);
  const bool gated = epilogue.gate != NULL;
  int key = 0;

  for (int i = 0; i < ADAPTERS; i++)
    {
      const int64_t first = i * 11, some = i == 0 ? out : 20 + i;

      down[i] = random_weight (i % 2 == 0 ? ESP_BF16 : ESP_F32, 2, (int64_t[]){ rank, in },
                               50 + (uint64_t) i, 1 / sqrtf ((float) in));
      up[i] = random_weight (ESP_F16, 2, (int64_t[]){ some, rank }, 60 + (uint64_t) i, 0.4f);
      adapters[i] = (EspAdapter){ .down = &down[i == 3 ? 2 : i],
                                  .up = &up[i],
                                  .strength = i == 1 ? -0.5f : 0.75f,
                                  .first = first,
                                  .out = some };
    }
  layers[0].weight[0] = &weight;
  layers[0].adapters = adapters;
  layers[0].adapter_count = ADAPTERS;
  layers[1] = layers[0];
  for (int d = 0; d < 2; d++)
    devices[d]->ops->prepare_linear (devices[d], &layers[d]);
  /* Plainly, recorded, replayed; then with other numbers in the same places. */
  for (int round = 0; round < 4; round++)
    {
      if (round == 3)
        {
          EspWeight other = random_weight (ESP_F16, 2, (int64_t[]){ 90, rank }, 77, 0.4f);

          memcpy ((void *) (uintptr_t) up[0].data, other.data,
                  esp_dtype_bytes (ESP_F16, other.count));
          weight_clear (&other);
          devices[0]->ops->forget (devices[0], NULL);
        }
      for (int d = 0; d < 2; d++)
        {
          epilogue.gate = !gated ? NULL : d == 0 ? gate.tested.data : gate.reference.data;
          if (d == 0 && devices[0]->ops->replay (devices[0], &key, 1))
            continue;
          devices[d]->ops->linear (devices[d], d == 0 ? x.tested : x.reference, &layers[d],
                                   &epilogue, d == 0 ? y.tested : y.reference);
          if (d == 0)
            devices[0]->ops->recorded (devices[0]);
        }
      CHECK (pair_agrees (&pair, &y, pair.tested->compute == ESP_F32 ? 6e-6 : 8e-3, "adapters"));
    }
  devices[0]->ops->forget (devices[0], &key);
  devices[0]->ops->forget (devices[0], NULL); /* the next ones lie where these did */
  for (int d = 0; d < 2; d++)
    devices[d]->ops->release_linear (devices[d], &layers[d]);
  for (int i = 0; i < ADAPTERS; i++)
    {
      weight_clear (&down[i]);
      weight_clear (&up[i]);
    }
  weight_clear (&weight);
  tensor_pair_free (&pair, &x);
  tensor_pair_free (&pair, &y);
  tensor_pair_free (&pair, &gate);
}

static void
adapters_are_added (void)
{
  check_adapters (40, ESP_BF16, (EspEpilogue){ ESP_ACTIVATION_NONE, NULL, false });
  check_adapters (3, ESP_F32, (EspEpilogue){ ESP_ACTIVATION_NONE, &with_gate, true });
  check_adapters (20, ESP_F16, (EspEpilogue){ ESP_ACTIVATION_GELU_TANH, NULL, false });
  check_adapters (20, ESP_BF16, (EspEpilogue){ ESP_ACTIVATION_SILU, &with_gate, true });
}

/* --- fp8 ---------------------------------------------------------------------------------------
 */

static void
fp8_is_near (void)
{
  static const EspDType types[] = { ESP_BF16, ESP_F8_E4M3, ESP_F32, ESP_F16, ESP_Q8_0 };
  static const int64_t counts[] = { 3, 20, 140 };

  for (int i = 0; i < 3 * 5; i++)
    {
      const int t = i % 5;
      Case c = { .rows = counts[i / 5],
                 .in = t == 4 ? 224 : 208,
                 .out = 136,
                 .parts = i / 5 == 1 ? 2 : 1,
                 .weight = types[t],
                 .bias = true,
                 .x = ESP_I32,
                 .y = ESP_F32,
                 .gap = 8,
                 .module = "single_transformer_blocks.4.proj_mlp",
                 .allowed = 0.04 };

      check_linear (&c);
      /* Nothing is rounded so in layers that are sensitive. */
      c.module = t == 0   ? "single_transformer_blocks.0.proj_mlp"
                 : t == 1 ? "transformer_blocks.7.norm1.linear"
                          : "proj_out";
      c.allowed = t == 4 ? 0.02f : 0;
      check_linear (&c);
    }
}

/* Weights that are narrowed while they are prepared: each number is the nearest, halves to even,
 * and what Q8_0 stands for is narrowed as any other number. */
static void
rows_are_narrowed_to_the_last_bit (void)
{
  enum
  {
    IN = 4096,
    ROWS = 3
  };
  static float numbers[ROWS * IN];
  static uint8_t found[ROWS * IN], wanted[ROWS * IN];
  const EspWeight weight = { .dtype = ESP_F32, .data = numbers, .count = ROWS * IN };
  float scales[ROWS];

  for (int i = 0; i < IN; i++)
    {
      /* All of E4M3's steps and what lies between them, the smallest, too. */
      const float size = ldexpf (1 + (float) (i % 64) / 64, i / 64 % 20 - 12);

      numbers[i] = fminf (i % 3 == 0 ? -size : size, 448);
      numbers[IN + i] = numbers[i] / 64;
      numbers[2 * IN + i] = 0;
    }
  numbers[5] = 448;
  numbers[IN + 5] = 7;
  esp_cuda_fp8_rows (&weight, IN, 0, ROWS, found, scales);
  CHECK (scales[0] == 1 && scales[1] == 0x1p-6f && scales[2] == 0);
  esp_quantise (ESP_F8_E4M3, numbers, wanted, IN);
  CHECK (memcmp (found, wanted, IN) == 0 && memcmp (found + IN, wanted, IN) == 0);
  for (int i = 0; i < IN; i++)
    CHECK ((found[2 * IN + i] & 127) == 0);
}

int
main (void)
{
  static const EspCompute computes[] = { ESP_COMPUTE_F32, ESP_COMPUTE_AUTO };

  for (int i = 0; i < 2; i++)
    {
      if (!open_pair (computes[i], false))
        {
          printf ("1..0 # SKIP no card\n");
          return 0;
        }
      printf ("# %s: %s\n", pair.label, pair.tested->description);
      CASE (every_format_is_widened_exactly);
      CASE (every_format_is_multiplied);
      CASE (block_formats_in_bytes_agree);
      CASE (nan_stays_in_its_row);
      CASE (precise_layers_are_not_rounded);
      CASE (every_tile_shape_agrees);
      CASE (every_epilogue_agrees);
      CASE (heads_are_normalised_and_rotated);
      CASE (adapters_are_added);
      pair_close (&pair);
    }
  if (open_pair (ESP_COMPUTE_AUTO, true))
    {
      if (card ()->fp8)
        {
          CASE (rows_are_narrowed_to_the_last_bit);
          CASE (fp8_is_near);
        }
      pair_close (&pair);
    }
  return check_done ();
}
