/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-cuda.c: how near the card's operations come to what the card can do, as the model calls
 * them: layers with what is fused to them, in several formats, norms, the autoencoder's parts.
 * (Plain products and attention, beside cuBLASLt: bench-cuda-ops.)
 *
 *     bench-cuda [--dtype auto|f32|fp8] [--scale N] [--seconds S] [WORD]
 *
 * prints a JSON object about the card and one for each operation whose name has WORD in it, a line
 * each: milliseconds (the best of three runs of back-to-back launches), TFLOP/s and share of the
 * peak, GB/s. Shapes are FLUX.1 Kontext's for a 1024 × 1024 result with one such reference (8704
 * tokens); with --scale N rows and pixels are N times fewer, which is for trying it out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/cuda/cuda-device.h"
#include "ops/cuda/cuda.h"

#define WIDTH    3072
#define HEAD_DIM 128

static EspDevice *device;
static int64_t scale = 1;
static double seconds_each = 0.5;
static const char *word = "";

static double
seconds (void)
{
  struct timespec now;

  timespec_get (&now, TIME_UTC);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* --- Peak --------------------------------------------------------------------------------------
 */

/* Operations of a multiprocessor in a clock, dense, with f32 sums: from the figures that NVIDIA
 * gives for a chip of each (whitepapers of Turing, Ampere GA100 and GA102, Ada, Hopper, Blackwell),
 * divided by its multiprocessors and boost clock. GA102 and Ada are GeForce's, whose rate with f32
 * sums is half of that of the same chips on cards for workstations. */
typedef struct Rate
{
  int capability;
  double f32, half, fp8;
} Rate;

static const Rate rates[] = {
  { 75, 128, 1024, 0 },      { 80, 128, 2048, 0 },    { 86, 256, 512, 0 },
  { 89, 256, 512, 1024 },    { 90, 256, 4096, 8192 }, { 100, 256, 8192, 16384 },
  { 103, 256, 8192, 16384 }, { 120, 256, 512, 1024 },
};

static int
attribute (int which)
{
  CudaDevice *cuda = (CudaDevice *) device;
  int value = 0;

  cuda->cu->device_attribute (&value, which, cuda->ordinal);
  return value;
}

/* TFLOP/s; 0 if unknown. */
static double
peak_of (bool fp8)
{
  const CudaDevice *cuda = (const CudaDevice *) device;
  double each = 0;

  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
    if (rates[i].capability == cuda->capability)
      each = device->compute == ESP_F32 ? rates[i].f32 : fp8 ? rates[i].fp8 : rates[i].half;
  return each * cuda->multiprocessors * 1e3 * attribute (CU_DEVICE_ATTRIBUTE_CLOCK_RATE) * 1e-12;
}

static void
describe (void)
{
  const CudaDevice *cuda = (const CudaDevice *) device;

  printf ("{\"card\": \"%s\", \"capability\": %d, \"multiprocessors\": %d, \"clock_mhz\": %d, "
          "\"memory_clock_mhz\": %d, \"bus_bits\": %d, \"peak_tflops\": %.1f, "
          "\"peak_fp8_tflops\": %.1f}\n",
          device->description, cuda->capability, cuda->multiprocessors,
          attribute (CU_DEVICE_ATTRIBUTE_CLOCK_RATE) / 1000,
          attribute (CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE) / 1000,
          attribute (CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH), peak_of (false), peak_of (true));
}

/* --- Measuring ---------------------------------------------------------------------------------
 */

typedef struct Bench
{
  EspTensor x, y;
  EspLinear linear;
  EspEpilogue epilogue;
  EspHeadNorm heads;
  EspAttention attention;
  EspConv conv;
  EspGrid grid;
  float *row, *angles;
  float moments[64];
} Bench;

/* Launches until the time is up, waits once. `flops` and `bytes` are of one run. */
static void
report (const char *name, double flops, double bytes, void (*run) (Bench *), Bench *bench)
{
  double best = 1e30;
  bool fp8 = device->compute != ESP_F32 && ((const CudaDevice *) device)->fp8 && bench->linear.in;

  run (bench);
  device->ops->synchronize (device);
  for (int round = 0; round < 3 && device->error.status == ESP_OK; round++)
    {
      double start = seconds (), took;
      int count = 0;

      /* The queue is kept short, so that the clock is looked at while the card works. */
      do
        {
          for (int i = 0; i < 8; i++, count++)
            run (bench);
          device->ops->synchronize (device);
          took = seconds () - start;
        }
      while (took < seconds_each / 3);
      best = took / count < best ? took / count : best;
    }
  if (device->error.status != ESP_OK)
    {
      printf ("{\"operation\": \"%s\", \"error\": \"%s\"}\n", name, device->error.message);
      device->error = (EspError) ESP_ERROR_INIT;
      return;
    }
  printf ("{\"operation\": \"%s\", \"ms\": %.4f", name, best * 1e3);
  if (flops > 0)
    printf (", \"tflops\": %.2f", flops / best * 1e-12);
  if (flops > 0 && peak_of (fp8) > 0)
    printf (", \"share\": %.4f", flops / best * 1e-12 / peak_of (fp8));
  if (bytes > 0)
    printf (", \"gb_per_s\": %.1f", bytes / best * 1e-9);
  printf ("}\n");
  fflush (stdout);
}

static float *
numbers (int64_t count)
{
  float *values = malloc ((size_t) count * sizeof *values);

  if (values == NULL)
    abort ();
  for (int64_t i = 0; i < count; i++)
    values[i] = (float) ((i * 7919) % 2003 - 1001) * 1e-3f;
  return values;
}

static void
fill (EspTensor t)
{
  float *values = numbers (t.rows * t.cols);

  device->ops->upload (device, values, t);
  free (values);
}

static EspTensor
tensor_of (EspDType dtype, int64_t rows, int64_t cols)
{
  EspTensor t = esp_tensor_new (device, dtype, rows, cols);

  if (t.data != NULL)
    fill (t);
  return t;
}

/* `count` f32 numbers on the card. */
static float *
row_of (int64_t count)
{
  return tensor_of (ESP_F32, 1, count).data;
}

static void
run_linear (Bench *b)
{
  device->ops->linear (device, b->x, &b->linear, &b->epilogue, b->y);
}

static void
run_heads (Bench *b)
{
  device->ops->linear_heads (device, b->x, &b->linear, &b->heads, b->y);
}

/* What follows the product: nothing, GELU, gate and sum, or the heads' norms and rotation. */
typedef enum
{
  AFTER_NOTHING,
  AFTER_GELU,
  AFTER_GATE,
  AFTER_HEADS,
} After;

static void
bench_linear (const char *what, EspDType dtype, int64_t rows, int64_t in, int64_t out, After after)
{
  const size_t bytes = esp_dtype_bytes (dtype, in * out);
  Bench b = { .epilogue = { after == AFTER_GELU ? ESP_ACTIVATION_GELU_TANH : ESP_ACTIVATION_NONE,
                            NULL, after == AFTER_GATE } };
  EspWeight weight = { .name = "w", .file = "bench", .dtype = dtype, .dims = 2 };
  char name[96];

  snprintf (name, sizeof name, "%s %lld x %lld to %lld, %s", what, (long long) rows, (long long) in,
            (long long) out, esp_dtype_name (dtype));
  if (strstr (name, word) == NULL)
    return;
  weight.shape[0] = out;
  weight.shape[1] = in;
  weight.count = in * out;
  weight.data = malloc (bytes);
  if (weight.data == NULL)
    abort ();
  memset ((void *) (uintptr_t) weight.data, 0x11, bytes); /* small numbers and scales everywhere */
  b.x = tensor_of (device->compute, rows, in);
  b.y = tensor_of (after == AFTER_GATE ? ESP_F32 : device->compute, rows, out);
  b.linear = (EspLinear){ .parts = 1, .weight = { &weight }, .in = in, .out = out };
  b.row = row_of (out);
  b.epilogue.gate = after == AFTER_GATE ? b.row : NULL;
  b.angles = row_of (rows * HEAD_DIM / 2);
  b.heads = (EspHeadNorm){ HEAD_DIM, out / 3, b.row, b.row, 1e-6f, b.angles, b.angles };
  device->ops->prepare_linear (device, &b.linear);
  report (name, 2.0 * (double) rows * (double) in * (double) out, rows < 16 ? (double) bytes : 0,
          after == AFTER_HEADS && device->ops->linear_heads != NULL ? run_heads : run_linear, &b);
  device->ops->release_linear (device, &b.linear);
  device->ops->release (device, b.row, (size_t) out * sizeof (float));
  device->ops->release (device, b.angles, (size_t) (rows * HEAD_DIM / 2) * sizeof (float));
  esp_tensor_free (device, &b.x);
  esp_tensor_free (device, &b.y);
  free ((void *) (uintptr_t) weight.data);
}

static void
run_attention (Bench *b)
{
  device->ops->attention (device, &b->attention);
}

static void
bench_attention (int64_t rows, int64_t heads, int64_t depth)
{
  Bench b = { 0 };
  EspTensor qkv;
  char name[96];

  snprintf (name, sizeof name, "attention %lld, %lld heads of %lld", (long long) rows,
            (long long) heads, (long long) depth);
  if (strstr (name, word) == NULL)
    return;
  qkv = tensor_of (device->compute, rows, 3 * heads * depth);
  b.y = tensor_of (device->compute, rows, heads * depth);
  b.attention = (EspAttention){ .q = esp_tensor_cols (qkv, 0, heads * depth),
                                .k = esp_tensor_cols (qkv, heads * depth, heads * depth),
                                .v = esp_tensor_cols (qkv, 2 * heads * depth, heads * depth),
                                .out = b.y,
                                .heads = heads,
                                .head_dim = depth,
                                .scale = 1.0f / 8 };
  report (name, 4.0 * (double) rows * (double) rows * (double) (heads * depth), 0, run_attention,
          &b);
  esp_tensor_free (device, &qkv);
  esp_tensor_free (device, &b.y);
}

static void
run_modulated (Bench *b)
{
  device->ops->modulated_norm (device, b->x, b->row, b->row, 1e-6f, b->y);
}

static void
bench_norm (int64_t rows)
{
  Bench b = { 0 };
  char name[96];

  snprintf (name, sizeof name, "modulated norm %lld x %d", (long long) rows, WIDTH);
  if (strstr (name, word) == NULL)
    return;
  b.x = tensor_of (ESP_F32, rows, WIDTH);
  b.y = tensor_of (device->compute, rows, WIDTH);
  b.row = row_of (WIDTH);
  report (name, 0, (double) (rows * WIDTH) * (double) (4 + esp_dtype_bytes (device->compute, 1)),
          run_modulated, &b);
  device->ops->release (device, b.row, WIDTH * sizeof (float));
  esp_tensor_free (device, &b.x);
  esp_tensor_free (device, &b.y);
}

static void
run_conv (Bench *b)
{
  const EspGroupNorm norm = { 32, b->moments, b->row, b->row, 1e-6f, true };

  device->ops->conv2d (device, b->x, b->grid, &b->conv, &norm, false, b->y);
}

/* A 3 × 3 convolution behind group norm and SiLU, as the autoencoder has them. */
static void
bench_conv (int64_t side, int64_t in, int64_t out)
{
  Bench b = { .grid = { 1, side, side } };
  EspWeight weight = { "w", "bench", ESP_F32, 4, { out, in, 3, 3 }, in * out * 9, NULL };
  EspWeight bias = { "b", "bench", ESP_F32, 1, { out }, out, NULL };
  float *values;
  char name[96];

  snprintf (name, sizeof name, "convolution %lld x %lld, %lld to %lld", (long long) side,
            (long long) side, (long long) in, (long long) out);
  if (strstr (name, word) == NULL)
    return;
  values = numbers (in * out * 9);
  weight.data = values;
  bias.data = values;
  for (int i = 0; i < 64; i++)
    b.moments[i] = 1;
  b.x = tensor_of (ESP_F32, side * side, in);
  b.y = tensor_of (ESP_F32, side * side, out);
  b.row = row_of (in);
  b.conv = (EspConv){ &weight, &bias, in, out, 3, 1, 1, 1, 1, 1, NULL, false };
  device->ops->prepare_conv (device, &b.conv);
  report (name, 18.0 * (double) (side * side) * (double) (in * out), 0, run_conv, &b);
  device->ops->release_conv (device, &b.conv);
  device->ops->release (device, b.row, (size_t) in * sizeof (float));
  esp_tensor_free (device, &b.x);
  esp_tensor_free (device, &b.y);
  free (values);
}

/* --- What is measured --------------------------------------------------------------------------
 */

static void
bench_all (void)
{
  static const EspDType formats[] = { ESP_BF16, ESP_F8_E4M3, ESP_Q8_0, ESP_Q4_K };
  const int64_t text = 512 / scale, picture = 8192 / scale, all = text + picture;
  /* One layer of each shape in the first format; in the others the largest. */
  const EspDType stored = device->compute == ESP_F32 ? ESP_F32 : ESP_BF16;
  const int64_t width = scale > 1 ? WIDTH / 4 : WIDTH;

  bench_linear ("qkv of a picture", stored, picture, width, 3 * width, AFTER_HEADS);
  bench_linear ("qkv of text", stored, text, width, 3 * width, AFTER_HEADS);
  bench_linear ("attention's output", stored, picture, width, width, AFTER_GATE);
  bench_linear ("mlp in", stored, picture, width, 4 * width, AFTER_GELU);
  bench_linear ("mlp out", stored, picture, 4 * width, width, AFTER_GATE);
  bench_linear ("single block's mlp in", stored, all, width, 4 * width, AFTER_GELU);
  bench_linear ("single block's output", stored, all, 5 * width, width, AFTER_GATE);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (formats[i] != stored)
      bench_linear ("mlp in", formats[i], picture, width, 4 * width, AFTER_GELU);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    bench_linear ("one row", formats[i], 1, width, 6 * width, AFTER_NOTHING);
  bench_attention (all, 24 / (scale > 1 ? 12 : 1), HEAD_DIM);
  bench_attention (16384 / scale, 1, 512);
  bench_norm (all);
  bench_conv (128 / scale, 512, 512 / scale);
  bench_conv (512 / scale, 256, 256 / scale);
  bench_conv (1024 / scale, 128, 128 / scale);
}

int
main (int argc, char **argv)
{
  EspError error = ESP_ERROR_INIT;
  EspCudaOptions options = { .ordinal = -1, .compute = ESP_COMPUTE_AUTO };

  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], "--dtype") == 0 && i + 1 < argc)
      {
        i++;
        options.fp8 = strcmp (argv[i], "fp8") == 0;
        options.compute = strcmp (argv[i], "f32") == 0 ? ESP_COMPUTE_F32 : ESP_COMPUTE_AUTO;
      }
    else if (strcmp (argv[i], "--scale") == 0 && i + 1 < argc)
      scale = atoi (argv[++i]) > 0 ? atoi (argv[i]) : 1;
    else if (strcmp (argv[i], "--seconds") == 0 && i + 1 < argc)
      seconds_each = atof (argv[++i]);
    else
      word = argv[i];
  if (esp_cuda_device_new (&options, &device, &error) != ESP_OK)
    {
      fprintf (stderr, "bench-cuda: %s\n", error.message);
      return 1;
    }
  describe ();
  bench_all ();
  esp_device_free (device);
  return 0;
}
