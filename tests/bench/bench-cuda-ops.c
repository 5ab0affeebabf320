/* SPDX-License-Identifier: MIT */
/* bench-cuda-ops.c: how fast a card does what FLUX.1 Kontext [dev] does most: its matrix products
 * and its attention, at its sizes.
 *
 *     bench-cuda-ops [--repeat N] [--quick]
 *
 * prints a JSON object for each, a line each. For a product: microseconds (median) by our kernels
 * ("own": wgmma where the card has it), by those without wgmma ("plain"), and by cuBLASLt where
 * that is installed ("cublaslt"); its operations, the card's peak for its numbers, and how far the
 * other results are from ours. For an attention: microseconds, own and plain. Numbers are random.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cuda/cuda-linear.h"
#include "ops/cuda/cuda.h"

enum
{
  REPEATS_MAX = 101,
  COMPARED_ROWS = 64,
};

typedef struct Product
{
  const char *name;
  int64_t rows, in, out;
  EspDType weight;
  bool fp8;
  EspActivation activation;
} Product;

/* 1024 × 1024 with one reference of the same size and 512 tokens of text: 8704 rows. */
static const Product products[] = {
  { "q, k, v", 8704, 3072, 9216, ESP_BF16, false, ESP_ACTIVATION_NONE },
  { "attention's output", 8704, 3072, 3072, ESP_BF16, false, ESP_ACTIVATION_NONE },
  { "MLP up, GELU", 8704, 3072, 12288, ESP_BF16, false, ESP_ACTIVATION_GELU_TANH },
  { "MLP down", 8704, 12288, 3072, ESP_BF16, false, ESP_ACTIVATION_NONE },
  { "single block's output", 8704, 15360, 3072, ESP_BF16, false, ESP_ACTIVATION_NONE },
  { "text's q, k, v", 512, 3072, 9216, ESP_BF16, false, ESP_ACTIVATION_NONE },
  { "text's MLP down", 512, 12288, 3072, ESP_BF16, false, ESP_ACTIVATION_NONE },
  { "modulations of 28 steps", 28, 3072, 18432, ESP_BF16, false, ESP_ACTIVATION_NONE },
  { "one vector", 1, 3072, 18432, ESP_BF16, false, ESP_ACTIVATION_NONE },
  { "MLP up, fp8", 8704, 3072, 12288, ESP_F8_E4M3, true, ESP_ACTIVATION_GELU_TANH },
  { "MLP down, fp8", 8704, 12288, 3072, ESP_F8_E4M3, true, ESP_ACTIVATION_NONE },
  { "MLP up, Q8_0", 8704, 3072, 12288, ESP_Q8_0, false, ESP_ACTIVATION_GELU_TANH },
  { "MLP up, Q4_K", 8704, 3072, 12288, ESP_Q4_K, false, ESP_ACTIVATION_GELU_TANH },
  { "one vector, Q4_K", 1, 3072, 18432, ESP_Q4_K, false, ESP_ACTIVATION_NONE },
};

static int repeats = 15;

/* --- The card ----------------------------------------------------------------------------------
 */

/* Multiplications and additions of a multiprocessor in one clock, with f32 sums of 16-bit numbers;
 * of fp8 twice as many. 0: not known. From NVIDIA's architecture papers; GeForce and workstation
 * cards of sm_86, sm_89 and sm_120 have half of the tensor cores' rate for f32 sums. */
static double
flops_per_clock (int capability)
{
  switch (capability)
    {
    case 75:
      return 512;
    case 80:
      return 2048;
    case 86:
      return 512;
    case 89:
      return 512;
    case 90:
      return 4096;
    case 100:
    case 103:
      return 8192;
    case 120:
      return 512;
    default:
      return 0;
    }
}

static double
peak_of (const CudaDevice *cuda)
{
  int kilohertz = 0;

  cuda->cu->device_attribute (&kilohertz, CU_DEVICE_ATTRIBUTE_CLOCK_RATE, cuda->ordinal);
  return flops_per_clock (cuda->capability) * cuda->multiprocessors * kilohertz * 1e3;
}

/* Which kernels: "own", "plain", "cublaslt". NULL without a card. */
static EspDevice *
open_card (const char *way, bool fp8)
{
  const EspCudaOptions options = { .ordinal = -1, .fp8 = fp8 };
  EspDevice *device = NULL;
  EspError error = ESP_ERROR_INIT;

  setenv ("ESPALIER_BLAS", strcmp (way, "cublaslt") == 0 ? "cublaslt" : "own", 1);
  if (strcmp (way, "plain") == 0)
    setenv ("ESPALIER_CUDA_PLAIN", "1", 1);
  else
    unsetenv ("ESPALIER_CUDA_PLAIN");
  if (esp_cuda_device_new (&options, &device, &error) != ESP_OK)
    {
      fprintf (stderr, "%s\n", error.message);
      return NULL;
    }
  return device;
}

/* --- Numbers -----------------------------------------------------------------------------------
 */

static uint32_t
next_random (uint64_t *state)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t) (*state >> 33);
}

static void
random_floats (float *numbers, int64_t count, float scale)
{
  uint64_t state = 1;

  for (int64_t i = 0; i < count; i++)
    numbers[i] = ((float) next_random (&state) * 0x1p-30f - 1.0f) * scale;
}

/* Random bytes that are finite numbers of about 1/√in. */
static EspWeight
make_weight (const Product *p)
{
  EspWeight weight = { .name = "weight", .file = "random", .dtype = p->weight, .dims = 2 };
  const int block = esp_dtype_block (p->weight);
  size_t bytes, each = esp_dtype_bytes (p->weight, block);
  uint64_t state = 7;
  uint8_t *data;

  weight.shape[0] = p->out;
  weight.shape[1] = p->in;
  weight.count = p->out * p->in;
  bytes = esp_dtype_bytes (p->weight, weight.count);
  data = malloc (bytes);
  if (data == NULL)
    abort ();
  for (size_t i = 0; i < bytes; i++)
    data[i] = (uint8_t) next_random (&state);
  if (p->weight == ESP_BF16) /* exponents of 2^-7 … 2^-6 */
    for (size_t i = 1; i < bytes; i += 2)
      data[i] = (uint8_t) ((data[i] & 0x80) | 0x3c);
  else if (p->weight == ESP_F8_E4M3)
    {
      for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t) (data[i] & 0xbf);
      weight.scale = 0.02f;
    }
  else /* f16 scales, one or two at the start of a block: 2^-13 … 2^-12 */
    for (size_t i = 0; i < bytes; i += each)
      data[i + 1] = 0x08, data[i + 3] = p->weight == ESP_Q4_K ? 0x08 : data[i + 3];
  weight.data = data;
  return weight;
}

/* --- Timing ------------------------------------------------------------------------------------
 */

static int
compare_floats (const void *a, const void *b)
{
  const float x = *(const float *) a, y = *(const float *) b;

  return (x > y) - (x < y);
}

typedef void (*Work) (EspDevice *device, const void *data);

/* Median of microseconds on the card; each run three times in a row, so that launching is hidden.
 */
static double
time_work (EspDevice *device, Work work, const void *data)
{
  CudaDevice *cuda = (CudaDevice *) device;
  float times[REPEATS_MAX];
  CUevent start = NULL, end = NULL;

  cuda->cu->event_create (&start, 0);
  cuda->cu->event_create (&end, 0);
  for (int i = 0; i < 3; i++)
    work (device, data);
  for (int i = 0; i < repeats; i++)
    {
      cuda->cu->event_record (start, cuda->compute);
      for (int k = 0; k < 3; k++)
        work (device, data);
      cuda->cu->event_record (end, cuda->compute);
      cuda->cu->event_synchronize (end);
      times[i] = 0;
      cuda->cu->event_elapsed (&times[i], start, end);
    }
  cuda->cu->event_destroy (start);
  cuda->cu->event_destroy (end);
  qsort (times, (size_t) repeats, sizeof *times, compare_floats);
  return times[repeats / 2] * 1e3 / 3;
}

typedef struct LinearWork
{
  EspTensor x, y;
  EspLinear linear;
  EspEpilogue epilogue;
} LinearWork;

static void
do_linear (EspDevice *device, const void *data)
{
  const LinearWork *work = data;

  device->ops->linear (device, work->x, &work->linear, &work->epilogue, work->y);
}

/* Microseconds, and the first rows of the result; 0 if it failed or is not to be had. */
static double
time_product (const char *way, const Product *p, const EspWeight *weight, float *result)
{
  EspDevice *device = open_card (way, p->fp8);
  const int64_t shown = p->rows < COMPARED_ROWS ? p->rows : COMPARED_ROWS;
  float *numbers = malloc ((size_t) (p->rows * p->in) * sizeof *numbers);
  LinearWork work = { .epilogue = { .activation = p->activation } };
  double time;

  if (device == NULL || numbers == NULL)
    exit (77);
  work.x = esp_tensor_new (device, device->compute, p->rows, p->in);
  work.y = esp_tensor_new (device, device->compute, p->rows, p->out);
  work.linear = (EspLinear){ .parts = 1, .in = p->in, .out = p->out };
  work.linear.weight[0] = weight;
  work.linear.module[0] = "single_transformer_blocks.1.proj_mlp"; /* one that may be fp8 */
  random_floats (numbers, p->rows * p->in, 1);
  device->ops->upload (device, numbers, work.x);
  device->ops->prepare_linear (device, &work.linear);
  time = time_work (device, do_linear, &work);
  device->ops->download (device, esp_tensor_rows (work.y, 0, shown), result);
  if (device->error.status != ESP_OK)
    {
      fprintf (stderr, "%s: %s\n", p->name, device->error.message);
      time = 0;
    }
  if (strcmp (way, "cublaslt") == 0 && !esp_cuda_blas_is_open ((CudaDevice *) device))
    time = 0;
  device->ops->release_linear (device, &work.linear);
  esp_tensor_free (device, &work.x);
  esp_tensor_free (device, &work.y);
  free (numbers);
  esp_device_free (device);
  return time;
}

static double
difference (const float *a, const float *b, int64_t count)
{
  double off = 0, all = 0;

  for (int64_t i = 0; i < count; i++)
    {
      off += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
      all += (double) b[i] * b[i];
    }
  return sqrt (off / (all > 0 ? all : 1));
}

static void
bench_product (const Product *p, double peak)
{
  static const char *const ways[] = { "own", "plain", "cublaslt" };
  const int64_t shown = p->rows < COMPARED_ROWS ? p->rows : COMPARED_ROWS;
  const double flops = 2.0 * (double) p->rows * (double) p->in * (double) p->out;
  EspWeight weight = make_weight (p);
  float *results[3];
  double times[3];

  for (int i = 0; i < 3; i++)
    {
      results[i] = calloc ((size_t) (shown * p->out), sizeof **results);
      times[i] = time_product (ways[i], p, &weight, results[i]);
    }
  printf ("{\"product\": \"%s\", \"rows\": %lld, \"in\": %lld, \"out\": %lld, \"flops\": %.6g, "
          "\"peak\": %.6g, \"us\": {",
          p->name, (long long) p->rows, (long long) p->in, (long long) p->out, flops,
          p->fp8 ? 2 * peak : peak);
  for (int i = 0, some = 0; i < 3; i++)
    if (times[i] > 0)
      printf ("%s\"%s\": %.2f", some++ > 0 ? ", " : "", ways[i], times[i]);
  printf ("}, \"apart\": {");
  for (int i = 1, some = 0; i < 3; i++)
    if (times[0] > 0 && times[i] > 0)
      printf ("%s\"%s\": %.2e", some++ > 0 ? ", " : "", ways[i],
              difference (results[0], results[i], shown * p->out));
  printf ("}}\n");
  fflush (stdout);
  for (int i = 0; i < 3; i++)
    free (results[i]);
  free ((void *) (uintptr_t) weight.data);
}

static void
do_attention (EspDevice *device, const void *data)
{
  device->ops->attention (device, data);
}

static void
bench_attention (const char *way, int64_t rows, double peak)
{
  enum
  {
    HEADS = 24,
    DEPTH = 128,
    WIDTH = HEADS * DEPTH,
  };
  EspDevice *device = open_card (way, false);
  float *numbers = malloc ((size_t) (rows * 3 * WIDTH) * sizeof *numbers);
  EspTensor qkv, out;
  EspAttention attention = { .heads = HEADS, .head_dim = DEPTH, .scale = 0.08838835f };
  const double flops = 4.0 * (double) rows * (double) rows * WIDTH;
  double time;

  if (device == NULL || numbers == NULL)
    exit (77);
  qkv = esp_tensor_new (device, device->compute, rows, 3 * WIDTH);
  out = esp_tensor_new (device, device->compute, rows, WIDTH);
  random_floats (numbers, rows * 3 * WIDTH, 1);
  device->ops->upload (device, numbers, qkv);
  attention.q = esp_tensor_cols (qkv, 0, WIDTH);
  attention.k = esp_tensor_cols (qkv, WIDTH, WIDTH);
  attention.v = esp_tensor_cols (qkv, 2 * WIDTH, WIDTH);
  attention.out = out;
  time = time_work (device, do_attention, &attention);
  if (device->error.status != ESP_OK)
    fprintf (stderr, "attention of %lld rows: %s\n", (long long) rows, device->error.message);
  else
    printf (
        "{\"attention\": \"%s\", \"rows\": %lld, \"us\": %.2f, \"flops\": %.6g, \"peak\": %.6g}\n",
        way, (long long) rows, time, flops, peak);
  fflush (stdout);
  free (numbers);
  esp_tensor_free (device, &qkv);
  esp_tensor_free (device, &out);
  esp_device_free (device);
}

int
main (int argc, char **argv)
{
  bool quick = false, has_fp8;
  EspDevice *device;
  double peak;

  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], "--quick") == 0)
      quick = true;
    else if (strcmp (argv[i], "--repeat") == 0 && i + 1 < argc)
      repeats = atoi (argv[++i]);
    else
      {
        fprintf (stderr, "usage: bench-cuda-ops [--repeat N] [--quick]\n");
        return 2;
      }
  repeats = repeats < 1 ? 1 : repeats > REPEATS_MAX ? REPEATS_MAX : repeats;
  device = open_card ("own", false);
  if (device == NULL)
    return 77;
  peak = peak_of ((CudaDevice *) device);
  has_fp8 = ((CudaDevice *) device)->capability >= 89;
  esp_device_free (device);
  for (size_t i = 0; i < sizeof products / sizeof *products; i++)
    {
      Product p = products[i];

      if (p.fp8 && !has_fp8)
        continue;
      if (quick)
        {
          p.rows = p.rows > 64 ? 64 : p.rows;
          p.in = 256;
          p.out = 256;
        }
      bench_product (&p, peak);
    }
  for (int64_t rows = quick ? 64 : 2560; rows <= (quick ? 64 : 8704); rows += 6144)
    {
      bench_attention ("own", rows, peak);
      bench_attention ("plain", rows, peak);
    }
  return 0;
}
