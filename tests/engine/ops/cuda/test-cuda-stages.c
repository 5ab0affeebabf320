/* SPDX-License-Identifier: MIT */
/* test-cuda-stages.c: weights that come and go, and work that is recorded: whatever stays, streams,
 * is sent away halfway or comes from the file, the numbers are the same to the last bit; and copies
 * hide behind computing. In the order of streams that CUEMU_STREAMS sets. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "device-pair.h"
#include "ops/cuda/cuda-residency.h"
#include "ops/cuda/cuda.h"

enum
{
  STAGES = 12,
  LAYERS = 2,
  ROWS = 40,
  WIDTH = 64,
  STEPS = 4,
  NUMBERS = ROWS * WIDTH,
};

/* A model of blocks of two layers, of three sizes: x += W2·gelu (W1·x). */
typedef struct Blocks
{
  EspWeight weights[STAGES][LAYERS], bias;
  EspLinear linears[STAGES][LAYERS];
  EspLinear *lists[STAGES][LAYERS];
  EspLayerGroup stages[STAGES];
  EspLinear loose; /* in no stage: what x becomes first */
  EspWeight loose_weight;
} Blocks;

/* How a run differs from the plainest. */
typedef struct Way
{
  size_t vram;
  bool recorded, planned, file, backwards;
  int squeeze_at; /* step before which so many bytes are taken; -1: never */
  size_t squeezed;
  bool again;       /* the plan is made anew before each step */
  int streamed_min; /* stages that must have come and gone */
  size_t pinned;    /* at most so many bytes of them in pinned memory; 0: all */
} Way;

static int64_t
hidden_of (int stage)
{
  return WIDTH + 32 * (stage % 3);
}

static void
make_blocks (Blocks *b)
{
  *b = (Blocks){ 0 };
  b->bias = random_weight (ESP_F32, 1, (int64_t[]){ WIDTH }, 99, 0.1f);
  for (int s = 0; s < STAGES; s++)
    {
      for (int l = 0; l < LAYERS; l++)
        {
          int64_t in = l == 0 ? WIDTH : hidden_of (s), out = l == 0 ? hidden_of (s) : WIDTH;

          b->weights[s][l] = random_weight (
              s % 2 == 0 ? ESP_BF16 : ESP_F32, 2, (int64_t[]){ out, in },
              (uint64_t) 10 * (uint64_t) s + (uint64_t) l, 0.5f / sqrtf ((float) in));
          b->linears[s][l] = (EspLinear){ .parts = 1,
                                          .weight = { &b->weights[s][l] },
                                          .bias = { l == 1 ? &b->bias : NULL },
                                          .in = in,
                                          .out = out };
          b->lists[s][l] = &b->linears[s][l];
        }
      b->stages[s] = (EspLayerGroup){ b->lists[s], LAYERS };
    }
  b->loose_weight = random_weight (ESP_F32, 2, (int64_t[]){ WIDTH, WIDTH }, 7, 0.1f);
  b->loose = (EspLinear){ .parts = 1, .weight = { &b->loose_weight }, .in = WIDTH, .out = WIDTH };
}

static void
clear_blocks (Blocks *b)
{
  for (int s = 0; s < STAGES; s++)
    for (int l = 0; l < LAYERS; l++)
      weight_clear (&b->weights[s][l]);
  weight_clear (&b->bias);
  weight_clear (&b->loose_weight);
}

static void
run_stage (EspDevice *device, Blocks *b, int s, EspTensor x, EspTensor h, bool recorded)
{
  const EspEpilogue gelu = { ESP_ACTIVATION_GELU_TANH, NULL, false };
  const EspEpilogue add = { ESP_ACTIVATION_NONE, NULL, true };
  EspTensor hidden = esp_tensor_cols (h, 0, hidden_of (s));

  device->ops->begin_stage (device, s);
  if (recorded && device->ops->replay (device, b, (uint64_t) s))
    return;
  device->ops->linear (device, x, &b->linears[s][0], &gelu, hidden);
  device->ops->linear (device, hidden, &b->linears[s][1], &add, x);
  if (recorded)
    device->ops->recorded (device);
}

static int
streamed (const EspDevice *device)
{
  const CudaResidency *r = ((const CudaDevice *) device)->residency;
  int count = 0;

  for (int s = 0; s < r->count; s++)
    count += !r->stages[s].resident;
  return count;
}

static void
prepare (EspDevice *device, Blocks *b, const Way *way)
{
  if (way->planned)
    device->ops->plan_stages (device, b->stages, STAGES, 4 * NUMBERS * 3);
  if (way->file && way->planned)
    ((CudaDevice *) device)->residency->wants_file = true;
  if (way->pinned > 0)
    esp_cuda_residency_limit_pinned ((CudaDevice *) device, way->pinned);
  for (int s = 0; s < STAGES; s++)
    for (int l = 0; l < LAYERS; l++)
      device->ops->prepare_linear (device, &b->linears[s][l]);
  device->ops->prepare_linear (device, &b->loose);
}

static void
release (EspDevice *device, Blocks *b)
{
  for (int s = 0; s < STAGES; s++)
    for (int l = 0; l < LAYERS; l++)
      device->ops->release_linear (device, &b->linears[s][l]);
  device->ops->release_linear (device, &b->loose);
  if (device->ops->plan_stages != NULL)
    device->ops->plan_stages (device, NULL, 0, 0);
}

/* What x is after some steps. */
static void
run (EspCompute compute, const Way *way, float result[NUMBERS])
{
  EspCudaOptions options = { .ordinal = -1, .compute = compute, .vram = way->vram };
  EspError error = ESP_ERROR_INIT;
  EspDevice *device;
  EspTensor x, h, start;
  float *values = random_values (NUMBERS, 5, 1);
  void *taken = NULL;
  Blocks b;

  make_blocks (&b);
  CHECK_STATUS (esp_cuda_device_new (&options, &device, &error), ESP_OK, error);
  prepare (device, &b, way);
  start = esp_tensor_new (device, ESP_F32, ROWS, WIDTH);
  x = esp_tensor_new (device, ESP_F32, ROWS, WIDTH);
  h = esp_tensor_new (device, device->compute, ROWS, WIDTH + 64);
  device->ops->upload (device, values, start);
  device->ops->linear (device, start, &b.loose, NULL, x);
  for (int step = 0; step < STEPS; step++)
    {
      if (step == way->squeeze_at)
        taken = device->ops->allocate (device, way->squeezed);
      if (way->again && step > 0)
        device->ops->plan_stages (device, b.stages, STAGES, 4 * NUMBERS * 3);
      for (int s = 0; s < STAGES; s++)
        run_stage (device, &b, way->backwards ? STAGES - 1 - s : s, x, h, way->recorded);
    }
  device->ops->download (device, x, result);
  CHECK_STATUS (esp_device_check (device, &error), ESP_OK, error);
  if (way->planned)
    {
      if (streamed (device) < way->streamed_min)
        printf ("# only %d stages stream\n", streamed (device));
      CHECK (streamed (device) >= way->streamed_min);
    }
  CHECK (way->vram == 0 || device->peak <= way->vram);
  if (way->pinned > 0)
    {
      const CudaResidency *r = ((const CudaDevice *) device)->residency;
      int pinned = 0;

      for (int s = 0; s < r->count; s++)
        pinned += r->stages[s].host != NULL;
      CHECK (pinned > 0 && pinned < streamed (device) && r->pinned <= way->pinned);
      CHECK (r->file_bytes > 0);
    }
  device->ops->forget (device, &b);
  device->ops->release (device, taken, way->squeezed);
  esp_tensor_free (device, &start);
  esp_tensor_free (device, &x);
  esp_tensor_free (device, &h);
  release (device, &b);
  esp_device_free (device);
  clear_blocks (&b);
  free (values);
}

/* Bytes of the card that a run without a limit holds at most. */
static size_t
bytes_of_all (void)
{
  const CudaDevice any = { .fp8 = false };
  size_t bytes = 0;
  Blocks b;

  make_blocks (&b);
  for (int s = 0; s < STAGES; s++)
    for (int l = 0; l < LAYERS; l++)
      bytes += esp_cuda_linear_bytes (&any, &b.linears[s][l]);
  clear_blocks (&b);
  return bytes;
}

static void
weights_that_come_and_go_give_the_same_bytes (void)
{
  const size_t all = bytes_of_all (), besides = 180 << 10;
  const Way ways[] = {
    { .planned = true, .squeeze_at = -1 },
    { .planned = true, .recorded = true, .squeeze_at = -1 },
    { .planned = true, .vram = all / 2 + besides, .streamed_min = 3, .squeeze_at = -1 },
    { .planned = true,
      .vram = all / 2 + besides,
      .recorded = true,
      .streamed_min = 3,
      .squeeze_at = -1 },
    { .planned = true, .vram = all / 5 + besides, .streamed_min = 5, .squeeze_at = -1 },
    { .planned = true,
      .vram = all / 2 + besides,
      .file = true,
      .recorded = true,
      .streamed_min = 3,
      .squeeze_at = -1 },
    /* Some from pinned memory, some from the file. */
    { .planned = true,
      .vram = all / 5 + besides,
      .pinned = all / 3,
      .recorded = true,
      .streamed_min = 5,
      .squeeze_at = -1 },
    /* Memory is wanted while steps run: before what would be recorded, and after it was. */
    { .planned = true,
      .vram = all + besides,
      .squeeze_at = 1,
      .squeezed = all / 2,
      .recorded = true,
      .streamed_min = 3 },
    { .planned = true,
      .vram = all + besides,
      .squeeze_at = 3,
      .squeezed = all / 2,
      .recorded = true,
      .again = true,
      .streamed_min = 3 },
    /* Nobody planned: layers that do not fit are fetched as they are used. */
    { .vram = all / 2 + besides, .squeeze_at = -1 },
  };

  for (int compute = ESP_COMPUTE_F32; compute <= ESP_COMPUTE_BF16; compute++)
    {
      static float wanted[NUMBERS], found[NUMBERS];
      const Way plain = { .squeeze_at = -1 };

      run ((EspCompute) compute, &plain, wanted);
      CHECK (!isnan (wanted[0]) && wanted[0] != wanted[1]);
      for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        {
          run ((EspCompute) compute, &ways[i], found);
          if (memcmp (wanted, found, sizeof wanted) != 0)
            printf ("# way %zu differs\n", i);
          CHECK (memcmp (wanted, found, sizeof wanted) == 0);
        }
    }
}

static void
the_order_of_stages_does_not_matter (void)
{
  static float wanted[NUMBERS], found[NUMBERS];
  const Way plain = { .squeeze_at = -1, .backwards = true };
  const Way streams = { .planned = true,
                        .vram = bytes_of_all () / 2 + (180 << 10),
                        .backwards = true,
                        .squeeze_at = -1,
                        .streamed_min = 3 };

  run (ESP_COMPUTE_F32, &plain, wanted);
  run (ESP_COMPUTE_F32, &streams, found);
  CHECK (memcmp (wanted, found, sizeof wanted) == 0);
}

/* Room for less than one stage: one clear error, and nothing is lost. */
static void
too_little_memory_is_said (void)
{
  EspCudaOptions options = { .ordinal = -1, .compute = ESP_COMPUTE_F32, .vram = 20 << 10 };
  const Way way = { .planned = true, .vram = 20 << 10, .squeeze_at = -1 };
  EspError error = ESP_ERROR_INIT;
  EspDevice *device;
  Blocks b;

  make_blocks (&b);
  CHECK_STATUS (esp_cuda_device_new (&options, &device, &error), ESP_OK, error);
  prepare (device, &b, &way);
  CHECK_STATUS (esp_device_check (device, &error), ESP_ERROR_MEMORY, error);
  CHECK_MESSAGE (error, "no room for one block");
  release (device, &b);
  CHECK (device->allocated == 0);
  esp_device_free (device);
  clear_blocks (&b);
}

/* Recordings are of their owner, and gone when it says so. */
static void
recordings_are_forgotten (void)
{
  EspCudaOptions options = { .ordinal = -1, .compute = ESP_COMPUTE_F32 };
  EspError error = ESP_ERROR_INIT;
  EspDevice *device;
  EspTensor x;
  float found[8];
  int first, second;

  CHECK_STATUS (esp_cuda_device_new (&options, &device, &error), ESP_OK, error);
  x = esp_tensor_new (device, ESP_F32, 1, 8);
  device->ops->upload (device, (float[]){ 1, 2, 3, 4, 5, 6, 7, 8 }, x);
  for (int i = 0; i < 3; i++)
    if (!device->ops->replay (device, &first, 1))
      {
        CHECK (i < 2);
        device->ops->scale_add (device, 2, x, 0, x);
        device->ops->recorded (device);
      }
  CHECK (!device->ops->replay (device, &second, 1));
  device->ops->recorded (device);
  device->ops->forget (device, &second);
  CHECK (device->ops->replay (device, &first, 1));
  device->ops->forget (device, &first);
  CHECK (!device->ops->replay (device, &first, 1));
  device->ops->recorded (device);
  device->ops->download (device, x, found);
  CHECK (found[0] == 16 && found[7] == 128);

  /* What cannot be repeated is refused, not repeated wrongly. */
  CHECK (!device->ops->replay (device, &first, 1));
  device->ops->upload (device, found, x);
  device->ops->recorded (device);
  CHECK_STATUS (esp_device_check (device, &error), ESP_ERROR_ARGUMENT, error);
  CHECK_MESSAGE (error, "between replay and recorded");
  esp_tensor_free (device, &x);
  esp_device_free (device);
}

static void
what_is_where_is_explained (void)
{
  EspCudaOptions options
      = { .ordinal = -1, .compute = ESP_COMPUTE_F32, .vram = bytes_of_all () / 2 + (60 << 10) };
  const Way way = { .planned = true, .squeeze_at = -1 };
  EspError error = ESP_ERROR_INIT;
  EspDevice *device;
  char text[1024];
  Blocks b;

  make_blocks (&b);
  CHECK_STATUS (esp_cuda_device_new (&options, &device, &error), ESP_OK, error);
  esp_cuda_explain (device, 0, text, sizeof text);
  CHECK (strstr (text, "no blocks are planned") != NULL);
  prepare (device, &b, &way);
  esp_cuda_explain (device, 1e6, text, sizeof text);
  for (const char *at = text; *at != '\0'; at += strcspn (at, "\n") + 1)
    printf ("# %.*s\n", (int) strcspn (at, "\n"), at);
  CHECK (strstr (text, "of 12 blocks stay on the card") != NULL);
  CHECK (strstr (text, "pinned memory") != NULL && strstr (text, "GB/s") != NULL);
  CHECK (strstr (text, "more than if all stayed") != NULL);
  release (device, &b);
  esp_device_free (device);
  clear_blocks (&b);
}

/* --- The simulated clock -----------------------------------------------------------------------
 */

typedef struct Spent
{
  double first, last;            /* nanoseconds */
  double copy, compute, longest; /* of all; the longest copy */
} Spent;

static Spent
read_trace (const char *path, long from)
{
  FILE *file = fopen (path, "r");
  Spent spent = { INFINITY, 0, 0, 0, 0 };
  char line[256];

  if (file == NULL || fseek (file, from, SEEK_SET) != 0)
    abort ();
  while (fgets (line, sizeof line, file) != NULL)
    {
      double start, end;
      char engine[32];

      if (sscanf (line, "%*d:%31[^,],%*u,%lf,%lf", engine, &start, &end) != 3)
        continue;
      if (strcmp (engine, "compute") == 0)
        spent.compute += end - start;
      else if (strcmp (engine, "to-card") == 0)
        {
          spent.copy += end - start;
          spent.longest = fmax (spent.longest, end - start);
        }
      spent.first = fmin (spent.first, start);
      spent.last = fmax (spent.last, end);
    }
  fclose (file);
  return spent;
}

/* N stages take no longer than their copies or their computing, whatever is longer, and one stage
 * more. */
static void
check_that_copies_hide (bool from_file)
{
  const char *trace = getenv ("CUEMU_TRACE");
  EspCudaOptions options
      = { .ordinal = -1, .compute = ESP_COMPUTE_F32, .vram = bytes_of_all () / 2 + (100 << 10) };
  const Way way = { .planned = true, .file = from_file, .squeeze_at = -1 };
  EspError error = ESP_ERROR_INIT;
  EspDevice *device;
  EspTensor x, h;
  float found[NUMBERS], *values = random_values (NUMBERS, 5, 1);
  double total, bound;
  FILE *file;
  long from;
  Spent spent;
  Blocks b;

  make_blocks (&b);
  CHECK_STATUS (esp_cuda_device_new (&options, &device, &error), ESP_OK, error);
  prepare (device, &b, &way);
  x = esp_tensor_new (device, ESP_F32, ROWS, WIDTH);
  h = esp_tensor_new (device, ESP_F32, ROWS, WIDTH + 64);
  device->ops->upload (device, values, x);
  for (int s = 0; s < STAGES; s++) /* scratch gets its size, kernels are loaded */
    run_stage (device, &b, s, x, h, false);
  device->ops->synchronize (device);
  file = fopen (trace, "r");
  if (file == NULL)
    abort ();
  fseek (file, 0, SEEK_END);
  from = ftell (file);
  fclose (file);
  for (int step = 0; step < STEPS; step++)
    for (int s = 0; s < STAGES; s++)
      run_stage (device, &b, s, x, h, false);
  device->ops->synchronize (device);
  spent = read_trace (trace, from);
  total = spent.last - spent.first;
  bound = fmax (spent.copy, spent.compute) + spent.longest + spent.compute / (STEPS * STAGES);
  printf ("# copies %.0f µs, computing %.0f µs, together %.0f µs (at most %.0f)\n",
          spent.copy * 1e-3, spent.compute * 1e-3, total * 1e-3, bound * 1e-3);
  CHECK (spent.copy > 0.3 * spent.compute && spent.compute > 0.3 * spent.copy);
  CHECK (total <= bound);
  device->ops->download (device, x, found);
  CHECK_STATUS (esp_device_check (device, &error), ESP_OK, error);
  esp_tensor_free (device, &x);
  esp_tensor_free (device, &h);
  release (device, &b);
  esp_device_free (device);
  clear_blocks (&b);
  free (values);
}

static void
copies_hide_behind_computing (void)
{
  check_that_copies_hide (false);
}

/* The processor's own work takes no time on that clock; that it waits does. */
static void
copies_from_the_file_hide_too (void)
{
  check_that_copies_hide (true);
}

int
main (void)
{
  /* Its own cases run under a clock in which copies and kernels take about as long. */
  if (getenv ("CUEMU_TRACE") != NULL)
    {
      CASE (copies_hide_behind_computing);
      CASE (copies_from_the_file_hide_too);
    }
  else
    {
      CASE (weights_that_come_and_go_give_the_same_bytes);
      CASE (the_order_of_stages_does_not_matter);
      CASE (too_little_memory_is_said);
      CASE (recordings_are_forgotten);
      CASE (what_is_where_is_explained);
    }
  return check_done ();
}
