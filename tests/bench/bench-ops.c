/* SPDX-License-Identifier: MIT */
/* bench-ops.c: how near the CPU device's operations come to what the processor can do.
 *
 *     bench-ops [f32|bf16] [THREADS] [LEVEL] [WORD]
 *
 * prints one line for each operation whose name has WORD in it: milliseconds (the best of several
 * runs), GFLOP/s and share of the peak, or GB/s. The peak is what the unit that the operation uses
 * (f32, pairs of bf16, fours of bytes, tiles of bf16) does on registers alone, measured here.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "ops/cpu/cpu-panels.h"

static EspDevice *device;
static double peak_gflops;  /* of the operations that follow */
static double seconds_each; /* at least, for an operation */
static const char *word = "";

/* With one thread its own processor time: right on a busy machine too. */
static double
seconds (void)
{
  struct timespec now;

  clock_gettime (device->threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* --- Peak --------------------------------------------------------------------------------------
 */

enum
{
  PEAK_ROUNDS = 200000,
  PEAK_CHAINS = 10, /* more than latency times units */
};

#if defined(__x86_64__)
/* Each returns the operations done by one call; `sink` keeps the compiler from dropping them. */
__attribute__ ((target ("avx512f"))) static double
fma_avx512 (float *sink)
{
  __m512 sums[PEAK_CHAINS], factor = _mm512_set1_ps (0.999f);

  for (int i = 0; i < PEAK_CHAINS; i++)
    sums[i] = _mm512_set1_ps ((float) i);
  for (int round = 0; round < PEAK_ROUNDS; round++)
#pragma GCC unroll 10
    for (int i = 0; i < PEAK_CHAINS; i++)
      sums[i] = _mm512_fmadd_ps (sums[i], factor, factor);
  for (int i = 0; i < PEAK_CHAINS; i++)
    *sink += _mm512_reduce_add_ps (sums[i]);
  return 2.0 * 16 * PEAK_CHAINS * PEAK_ROUNDS;
}

__attribute__ ((target ("avx512f,avx512bf16"))) static double
pairs_avx512 (float *sink)
{
  __m512 sums[PEAK_CHAINS];
  const __m512bh factor = _mm512_cvtne2ps_pbh (_mm512_set1_ps (0.5f), _mm512_set1_ps (0.25f));

  for (int i = 0; i < PEAK_CHAINS; i++)
    sums[i] = _mm512_set1_ps ((float) i);
  for (int round = 0; round < PEAK_ROUNDS; round++)
#pragma GCC unroll 10
    for (int i = 0; i < PEAK_CHAINS; i++)
      sums[i] = _mm512_dpbf16_ps (sums[i], factor, factor);
  for (int i = 0; i < PEAK_CHAINS; i++)
    *sink += _mm512_reduce_add_ps (sums[i]);
  return 2.0 * 32 * PEAK_CHAINS * PEAK_ROUNDS;
}

__attribute__ ((target ("avx512f,avx512vnni"))) static double
fours_avx512 (float *sink)
{
  __m512i sums[PEAK_CHAINS];
  const __m512i factor = _mm512_set1_epi8 (1);

  for (int i = 0; i < PEAK_CHAINS; i++)
    sums[i] = _mm512_set1_epi32 (i);
  for (int round = 0; round < PEAK_ROUNDS; round++)
#pragma GCC unroll 10
    for (int i = 0; i < PEAK_CHAINS; i++)
      sums[i] = _mm512_dpbusd_epi32 (sums[i], factor, factor);
  for (int i = 0; i < PEAK_CHAINS; i++)
    *sink += (float) _mm512_reduce_add_epi32 (sums[i]);
  return 2.0 * 64 * PEAK_CHAINS * PEAK_ROUNDS;
}

__attribute__ ((target ("avx2,avxvnni"))) static double
fours_avxvnni (float *sink)
{
  __m256i sums[PEAK_CHAINS];
  const __m256i factor = _mm256_set1_epi8 (1);

  for (int i = 0; i < PEAK_CHAINS; i++)
    sums[i] = _mm256_set1_epi32 (i);
  for (int round = 0; round < PEAK_ROUNDS; round++)
#pragma GCC unroll 10
    for (int i = 0; i < PEAK_CHAINS; i++)
      sums[i] = _mm256_dpbusd_avx_epi32 (sums[i], factor, factor);
  for (int i = 0; i < PEAK_CHAINS; i++)
    *sink += (float) _mm256_extract_epi32 (sums[i], 0);
  return 2.0 * 32 * PEAK_CHAINS * PEAK_ROUNDS;
}

/* Four sums of two by two tiles, which hold zeros. */
__attribute__ ((target ("amx-tile,amx-bf16"))) static double
tiles_amx (float *sink)
{
  esp_matrix_amx.begin ();
  for (int round = 0; round < PEAK_ROUNDS; round++)
    {
      _tile_dpbf16ps (0, 4, 6);
      _tile_dpbf16ps (1, 4, 7);
      _tile_dpbf16ps (2, 5, 6);
      _tile_dpbf16ps (3, 5, 7);
    }
  esp_matrix_amx.end ();
  return 4 * 2.0 * 16 * 16 * 32 * PEAK_ROUNDS;
}

__attribute__ ((target ("avx2,fma"))) static double
fma_avx2 (float *sink)
{
  __m256 sums[PEAK_CHAINS], factor = _mm256_set1_ps (0.999f);

  for (int i = 0; i < PEAK_CHAINS; i++)
    sums[i] = _mm256_set1_ps ((float) i);
  for (int round = 0; round < PEAK_ROUNDS; round++)
#pragma GCC unroll 10
    for (int i = 0; i < PEAK_CHAINS; i++)
      sums[i] = _mm256_fmadd_ps (sums[i], factor, factor);
  for (int i = 0; i < PEAK_CHAINS; i++)
    *sink += _mm256_cvtss_f32 (sums[i]);
  return 2.0 * 8 * PEAK_CHAINS * PEAK_ROUNDS;
}
#endif

static double
fma_plain (float *sink)
{
  float sums[PEAK_CHAINS * 4] = { 0 };

  for (int round = 0; round < PEAK_ROUNDS; round++)
    for (int i = 0; i < PEAK_CHAINS * 4; i++)
      sums[i] = sums[i] * 0.999f + 0.999f;
  for (int i = 0; i < PEAK_CHAINS * 4; i++)
    *sink += sums[i];
  return 2.0 * 4 * PEAK_CHAINS * PEAK_ROUNDS;
}

static double
fma_once (float *sink)
{
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx512f"))
    return fma_avx512 (sink);
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    return fma_avx2 (sink);
#endif
  return fma_plain (sink);
}

/* The unit behind a table of kernels. Levels without one for bytes are measured against f32. */
static double
unit_once (const EspPanelKernels *kernels, float *sink)
{
#if defined(__x86_64__)
  if (kernels == &esp_panels_bf16_amx || kernels == &esp_panels_split_amx)
    return tiles_amx (sink);
  if (kernels == &esp_panels_bf16_avx512bf16)
    return pairs_avx512 (sink);
  if (kernels == &esp_panels_s8_avx512vnni)
    return fours_avx512 (sink);
  if (kernels == &esp_panels_s8_avxvnni)
    return fours_avxvnni (sink);
#endif
  return fma_once (sink);
}

/* NULL: of f32 multiply-adds. */
static double
measured_peak (const EspPanelKernels *kernels)
{
  static struct
  {
    const EspPanelKernels *kernels;
    double best;
  } known[8];
  double best = 0;
  float total = 0;
  int at = 0;

  for (int run = 0; run < 50; run++)
    {
      double start = seconds (), done = 0;

#pragma omp parallel num_threads(device->threads) reduction(+ : done, total)
      done += unit_once (kernels, &total);
      double rate = done / (seconds () - start) * 1e-9;
      best = rate > best ? rate : best;
    }
  /* The best that was ever seen: on a busy machine peaks come and go. */
  while (at < 7 && known[at].best > 0 && known[at].kernels != kernels)
    at++;
  known[at].kernels = kernels;
  known[at].best = known[at].best > best ? known[at].best : best;
  return total == 0.5f ? 0 : known[at].best;
}

/* --- Measuring ---------------------------------------------------------------------------------
 */

typedef struct Bench
{
  EspTensor x, y, k, v;
  EspLinear linear;
  EspConv conv;
  EspGrid grid;
  EspEpilogue epilogue;
  EspAttention attention;
  float *row, *angles;
  float moments[128];
  int64_t depth;
} Bench;

/* Runs at least 5 times and seconds_each; `flops` and `bytes` are of one run. */
static void
report (const char *name, double flops, double bytes, void (*run) (Bench *), Bench *bench)
{
  double best = 1e30, first = 0, start = seconds ();

  for (int i = 0; (i < 5 || seconds () - start < seconds_each) && device->error.status == ESP_OK;
       i++)
    {
      double before = seconds (), took;

      run (bench);
      took = seconds () - before;
      first = i == 0 ? took : first;
      best = took < best ? took : best;
    }
  if (device->error.status != ESP_OK)
    printf ("%-44s %s\n", name, device->error.message);
  else if (flops > 0)
    printf ("%-44s %9.3f ms (first %8.3f) %8.1f GFLOP/s %5.1f %% of peak\n", name, best * 1e3,
            first * 1e3, flops / best * 1e-9, flops / best * 1e-7 / peak_gflops);
  else
    printf ("%-44s %9.3f ms (first %8.3f) %8.1f GB/s\n", name, best * 1e3, first * 1e3,
            bytes / best * 1e-9);
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

static EspTensor
tensor_of (EspDType dtype, int64_t rows, int64_t cols)
{
  EspTensor t = esp_tensor_new (device, dtype, rows, cols);
  float *values = numbers (rows * cols);

  device->ops->upload (device, values, t);
  free (values);
  return t;
}

static void
run_linear (Bench *b)
{
  device->ops->linear (device, b->x, &b->linear, &b->epilogue, b->y);
}

/* `hidden`: y in the operand type, as between two linear layers. */
static void
bench_linear (const char *name, int64_t rows, int64_t in, int64_t out, EspActivation activation,
              bool accumulate, bool hidden)
{
  Bench b = { .epilogue = { activation, NULL, accumulate } };
  EspDType type = device->compute;
  float *values;
  EspWeight weight = { "w", "bench", type, 2, { out, in }, in * out, NULL };
  EspWeight bias = { "b", "bench", ESP_F32, 1, { out }, out, NULL };
  uint16_t *narrow = NULL;

  if (strstr (name, word) == NULL)
    return;
  values = numbers (in * out);
  weight.data = values;
  bias.data = values;
  if (type == ESP_BF16)
    {
      narrow = malloc ((size_t) (in * out) * 2);
      if (narrow == NULL)
        abort ();
      esp_f32_to_bf16 (values, narrow, in * out);
      weight.data = narrow;
    }
  b.x = tensor_of (type, rows, in);
  b.y = tensor_of (hidden ? type : ESP_F32, rows, out);
  b.row = device->ops->allocate (device, (size_t) out * sizeof (float));
  memcpy (b.row, values, (size_t) out * sizeof (float));
  b.epilogue.gate = accumulate ? b.row : NULL;
  b.linear
      = (EspLinear){ .parts = 1, .weight = { &weight }, .bias = { &bias }, .in = in, .out = out };
  device->ops->prepare_linear (device, &b.linear);
  report (name, rows > 4 ? 2.0 * (double) rows * (double) in * (double) out : 0,
          (double) esp_dtype_bytes (type, in * out), run_linear, &b);
  device->ops->release_linear (device, &b.linear);
  device->ops->release (device, b.row, (size_t) out * sizeof (float));
  esp_tensor_free (device, &b.x);
  esp_tensor_free (device, &b.y);
  free (values);
  free (narrow);
}

/* Made ready, run and given back, as the layers are that are run once. */
static void
run_linear_once (Bench *b)
{
  device->ops->prepare_linear (device, &b->linear);
  device->ops->linear (device, b->x, &b->linear, &b->epilogue, b->y);
  device->ops->release_linear (device, &b->linear);
}

/* A linear layer of the true widths with weights in this format. */
static void
bench_format (const char *kind, EspDType dtype, int64_t rows, int64_t in, int64_t out, bool once)
{
  Bench b = { 0 };
  size_t bytes = esp_dtype_bytes (dtype, in * out);
  EspWeight weight = { .name = "w", .file = "bench", .dtype = dtype, .dims = 2 };
  char name[64];

  snprintf (name, sizeof name, "%s %lld x %lld -> %lld %s", kind, (long long) rows, (long long) in,
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
  b.x = tensor_of (once ? ESP_F32 : device->compute, rows, in);
  b.y = tensor_of (once ? ESP_F32 : device->compute, rows, out);
  b.linear
      = (EspLinear){ .parts = 1, .weight = { &weight }, .in = in, .out = out, .precise = once };
  device->ops->prepare_linear (device, &b.linear);
  peak_gflops = measured_peak (esp_cpu_panels_for ((CpuDevice *) device, &b.linear, dtype, rows));
  if (rows < 64)
    report (name, 0, (double) bytes, run_linear_once, &b);
  else
    report (name, 2.0 * (double) rows * (double) in * (double) out, 0,
            once ? run_linear_once : run_linear, &b);
  device->ops->release_linear (device, &b.linear);
  esp_tensor_free (device, &b.x);
  esp_tensor_free (device, &b.y);
  free ((void *) (uintptr_t) weight.data);
}

/* Attention and convolutions are products of tiles, of two bf16 or three a number for the latter,
 * or f32. */
static void
take_peak (void)
{
  const CpuDevice *cpu = (const CpuDevice *) device;

  peak_gflops = measured_peak (
      cpu->matrix != NULL && device->compute == ESP_BF16 ? cpu->float_panels : NULL);
}

static void
run_attention (Bench *b)
{
  device->ops->attention (device, &b->attention);
}

static void
bench_attention (const char *name, int64_t rows, int64_t heads, int64_t depth)
{
  Bench b = { 0 };
  EspTensor qkv;

  if (strstr (name, word) == NULL)
    return;
  take_peak ();
  qkv = tensor_of (device->compute, rows, 3 * heads * depth);
  b.y = tensor_of (device->compute, rows, heads * depth);
  b.attention = (EspAttention){ esp_tensor_cols (qkv, 0, heads * depth),
                                esp_tensor_cols (qkv, heads * depth, heads * depth),
                                esp_tensor_cols (qkv, 2 * heads * depth, heads * depth),
                                b.y,
                                heads,
                                depth,
                                1.0f / 8,
                                false,
                                NULL };
  report (name, 4.0 * (double) rows * (double) rows * (double) (heads * depth), 0, run_attention,
          &b);
  esp_tensor_free (device, &qkv);
  esp_tensor_free (device, &b.y);
}

static void
run_conv (Bench *b)
{
  device->ops->conv2d (device, b->x, b->grid, &b->conv, NULL, false, b->y);
}

static void
bench_conv (const char *name, int64_t side, int64_t in, int64_t out, bool doubled)
{
  Bench b = { .grid = { 1, side, side } };
  EspWeight weight = { "w", "bench", ESP_F32, 4, { out, in, 3, 3 }, in * out * 9, NULL };
  EspWeight bias = { "b", "bench", ESP_F32, 1, { out }, out, NULL };
  float *values;

  if (strstr (name, word) == NULL)
    return;
  take_peak ();
  values = numbers (in * out * 9);
  weight.data = values;
  bias.data = values;
  if (doubled)
    b.grid = (EspGrid){ 1, side / 2, side / 2 };
  b.x = tensor_of (ESP_F32, b.grid.height * b.grid.width, in);
  b.y = tensor_of (ESP_F32, side * side, out);
  b.conv = (EspConv){ &weight, &bias, in, out, 3, 1, 1, 1, 1, 1, NULL, doubled };
  device->ops->prepare_conv (device, &b.conv);
  report (name, 18.0 * (double) (side * side) * (double) (in * out), 0, run_conv, &b);
  device->ops->release_conv (device, &b.conv);
  esp_tensor_free (device, &b.x);
  esp_tensor_free (device, &b.y);
  free (values);
}

static void
run_modulated (Bench *b)
{
  device->ops->modulated_norm (device, b->x, b->row, b->row, 1e-6f, b->y);
}

static void
run_rope (Bench *b)
{
  device->ops->head_norm_rope (device, b->x, b->depth, b->row, 1e-6f, b->angles, b->angles, b->x);
}

static void
run_moments (Bench *b)
{
  device->ops->group_moments (device, b->x, 8, b->moments);
}

static void
run_group_norm (Bench *b)
{
  device->ops->group_norm (device, b->x, 8, b->moments, b->row, b->row, 1e-6f, true, b->x);
}

static void
bench_rows (const char *name, int64_t rows, int64_t cols, int64_t depth, int64_t side,
            void (*run) (Bench *))
{
  Bench b = { .grid = { 1, side, side }, .depth = depth };
  EspDType type = side > 0 ? ESP_F32 : device->compute;
  double passes = run == run_moments ? 1 : 2;

  if (strstr (name, word) == NULL)
    return;
  b.x = tensor_of (run == run_rope ? type : ESP_F32, rows, cols);
  b.y = tensor_of (type, rows, cols);
  b.row = numbers (cols);
  b.angles = numbers (rows * (depth > 0 ? depth : 1));
  for (int i = 0; i < 128; i++)
    b.moments[i] = 1;
  report (name, 0, passes * (double) (rows * cols) * 4, run, &b);
  free (b.row);
  free (b.angles);
  esp_tensor_free (device, &b.x);
  esp_tensor_free (device, &b.y);
}

int
main (int argc, char **argv)
{
  EspError error = ESP_ERROR_INIT;
  EspCompute compute = ESP_COMPUTE_AUTO;
  int threads = argc > 2 ? atoi (argv[2]) : 0;

  if (argc > 1 && strcmp (argv[1], "f32") == 0)
    compute = ESP_COMPUTE_F32;
  else if (argc > 1 && strcmp (argv[1], "bf16") == 0)
    compute = ESP_COMPUTE_BF16;
  word = argc > 4 ? argv[4] : "";
  seconds_each = 0.3;
  if (esp_cpu_device_new_level (argc > 3 && argv[3][0] != '\0' ? argv[3] : NULL, compute, threads,
                                (size_t) 4 << 30, &device, &error)
      != ESP_OK)
    {
      fprintf (stderr, "bench-ops: %s\n", error.message);
      return 1;
    }
  peak_gflops = measured_peak (NULL);
  printf ("%s, %s; peak of f32 multiply-adds %.0f GFLOP/s\n", device->description,
          device->compute == ESP_BF16 ? "bf16" : "f32", peak_gflops);

  bench_linear ("demo linear qkv 576 x 192 -> 576", 576, 192, 576, 0, false, true);
  bench_linear ("demo linear mlp 576 x 192 -> 768 gelu", 576, 192, 768, ESP_ACTIVATION_GELU_TANH,
                false, true);
  bench_linear ("demo linear mlp 576 x 768 -> 192 gate", 576, 768, 192, 0, true, false);
  bench_linear ("demo linear out 576 x 960 -> 192 gate", 576, 960, 192, 0, true, false);
  bench_linear ("demo linear text 64 x 192 -> 576", 64, 192, 576, 0, false, true);
  bench_linear ("demo linear modulation 1 x 192 -> 1152", 1, 192, 1152, 0, false, false);
  bench_attention ("demo attention 576, 6 x 32", 576, 6, 32);
  bench_rows ("demo modulated norm 576 x 192", 576, 192, 0, 0, run_modulated);
  bench_rows ("demo head norm rope 576 x 192", 576, 192, 32, 0, run_rope);
  bench_conv ("demo conv 256, 16 -> 16", 256, 16, 16, false);
  bench_conv ("demo conv 256, 3 -> 16", 256, 3, 16, false);
  bench_conv ("demo conv 256, 16 -> 3", 256, 16, 3, false);
  bench_conv ("demo conv 128, 32 -> 32", 128, 32, 32, false);
  bench_conv ("demo conv 64, 64 -> 64", 64, 64, 64, false);
  bench_conv ("demo conv 32, 128 -> 128", 32, 128, 128, false);
  bench_attention ("demo attention vae 1024, 1 x 128", 1024, 1, 128);
  bench_rows ("demo group moments 256, 16", 65536, 16, 0, 256, run_moments);
  bench_rows ("demo group norm silu 256, 16", 65536, 16, 0, 256, run_group_norm);

  bench_linear ("full linear qkv 2560 x 3072 -> 9216", 2560, 3072, 9216, 0, false, true);
  bench_linear ("full linear mlp 2560 x 3072 -> 12288 gelu", 2560, 3072, 12288,
                ESP_ACTIVATION_GELU_TANH, false, true);
  bench_linear ("full linear mlp 2560 x 12288 -> 3072 gate", 2560, 12288, 3072, 0, true, false);
  bench_linear ("full linear modulation 1 x 3072 -> 18432", 1, 3072, 18432, 0, false, false);
  bench_attention ("full attention 768, 24 x 128", 768, 24, 128);
  bench_attention ("full attention 2560, 24 x 128", 2560, 24, 128);
  bench_attention ("full attention 8704, 24 x 128", 8704, 24, 128);
  bench_rows ("full modulated norm 2560 x 3072", 2560, 3072, 0, 0, run_modulated);
  bench_rows ("full head norm rope 2560 x 3072", 2560, 3072, 128, 0, run_rope);
  bench_conv ("full conv 64, 512 -> 512", 64, 512, 512, false);
  bench_conv ("full conv 256, 256 -> 256", 256, 256, 256, false);
  bench_conv ("full conv 512, 128 -> 128", 512, 128, 128, false);
  bench_conv ("full conv 128 doubled, 512 -> 512", 256, 512, 512, true);
  bench_attention ("full attention vae 4096, 1 x 512", 4096, 1, 512);
  bench_rows ("full group moments 512, 128", 512 * 512, 128, 0, 512, run_moments);
  bench_rows ("full group norm silu 512, 128", 512 * 512, 128, 0, 512, run_group_norm);

  seconds_each = 0.7;
  for (EspDType dtype = 0; dtype < ESP_DTYPE_COUNT; dtype++)
    if (dtype != ESP_I32)
      {
        bench_format ("step linear", dtype, 768, 3072, 3072, false);
        bench_format ("step linear", dtype, 768, 15360, 3072, false);
        bench_format ("text linear", dtype, 512, 4096, 10240, true);
        bench_format ("modulation", dtype, 1, 3072, 18432, true);
        bench_format ("modulation", dtype, 3, 3072, 18432, true);
        bench_format ("modulation", dtype, 28, 3072, 18432, true);
      }
  esp_device_free (device);
  return 0;
}
