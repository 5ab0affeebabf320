/* SPDX-License-Identifier: MIT */
/* test-emulator.c: the emulated card itself. What it must find is found, and what is right passes.
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/probe.h"
#include "ops/cuda/cuda-driver.h"

static EspCudaDriver *cu;
static CUmodule module;
static CUcontext context;
static CUstream stream, other;

#define DONE(call) CHECK ((call) == CUDA_SUCCESS)

static CUdeviceptr
on_card (size_t bytes)
{
  CUdeviceptr pointer = 0;

  DONE (cu->memory_allocate (&pointer, bytes));
  return pointer;
}

static CUresult
launch_shared (const char *name, unsigned blocks, unsigned threads, unsigned shared, Probe probe,
               CUstream in)
{
  CUfunction function = NULL;
  void *parameters[] = { &probe };

  DONE (cu->module_function (&function, module, name));
  return cu->launch (function, blocks, 1, 1, threads, 1, 1, shared, in, parameters, NULL);
}

static CUresult
launch (const char *name, unsigned blocks, unsigned threads, Probe probe)
{
  return launch_shared (name, blocks, threads, 4096, probe, stream);
}

/* Opens the card once more, so that what the environment says holds from the start. */
static void
open_card (void)
{
  EspError error = ESP_ERROR_INIT;
  CUdevice device = 0;

  CHECK_STATUS (esp_cuda_driver_open (&cu, &error), ESP_OK, error);
  DONE (cu->device_get (&device, 0));
  DONE (cu->context_retain (&context, device));
  DONE (cu->context_set (context));
  DONE (cu->module_load (&module, ""));
  DONE (cu->stream_create (&stream, CU_STREAM_NON_BLOCKING));
  DONE (cu->stream_create (&other, CU_STREAM_NON_BLOCKING));
}

/* Runs `body` in a process of its own with one setting of the environment. Whether it ended with
 * all its checks true; if `words` is given, whether it was aborted with them on stderr. */
static bool
in_child (const char *name, const char *value, void (*body) (void), const char *words)
{
  int ends[2], status = 0;
  char text[4096];
  size_t size = 0;
  ssize_t got;
  pid_t child;

  fflush (stdout);
  if (pipe (ends) != 0 || (child = fork ()) < 0)
    abort ();
  if (child == 0)
    {
      dup2 (ends[1], STDERR_FILENO);
      close (ends[0]);
      if (name != NULL)
        setenv (name, value, 1);
      open_card ();
      body ();
      fflush (stdout);
      _exit (check_case_failures != 0);
    }
  close (ends[1]);
  while ((got = read (ends[0], text + size, sizeof text - 1 - size)) > 0)
    size += (size_t) got;
  text[size] = '\0';
  close (ends[0]);
  waitpid (child, &status, 0);
  if (words == NULL && status == 0)
    return true;
  if (words != NULL && WIFSIGNALED (status) && strstr (text, words) != NULL)
    return true;
  printf ("# %s=%s: status %d, said: %s\n", name, value, status, text);
  return false;
}

/* --- Threads ----------------------------------------------------------------------------------*/

/* 512 numbers 1 … 7 again and again, summed by blocks of 128. */
static void
sums_in_shared_memory (int32_t which, float *worst)
{
  float x[512], y[4];
  const CUdeviceptr in = on_card (sizeof x), out = on_card (sizeof y);

  for (int i = 0; i < 512; i++)
    x[i] = (float) (i % 7 + 1);
  DONE (cu->copy_to_device (in, x, sizeof x, stream));
  DONE (launch ("probe_sum", 4, 128, (Probe){ in, out, 512, which }));
  DONE (cu->copy_to_host (y, out, sizeof y, stream));
  *worst = 0;
  for (int block = 0; block < 4; block++)
    {
      float sum = 0;
      for (int i = 0; i < 128; i++)
        sum += x[128 * block + i];
      /* NaN counts as wrong. */
      *worst = fabsf (y[block] - sum) <= *worst ? *worst : fabsf (y[block] - sum);
    }
}

static void
barriers_hold (void)
{
  float worst;

  sums_in_shared_memory (0, &worst);
  CHECK (worst == 0);
}

static void
a_forgotten_barrier_is_wrong (void)
{
  float worst;

  sums_in_shared_memory (1, &worst);
  CHECK (!(worst == 0));
}

static void
threads_may_come_in_any_order (void)
{
  static const char *const orders[] = { "fwd", "rev", "1", "2", "3" };

  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
    CHECK (in_child ("CUEMU_ORDER", orders[i], barriers_hold, NULL));
  CHECK (in_child ("CUEMU_THREADS", "3", barriers_hold, NULL));
}

static void
a_forgotten_barrier_shows (void)
{
  CHECK (in_child ("CUEMU_ORDER", "fwd", a_forgotten_barrier_is_wrong, NULL));
  CHECK (in_child ("CUEMU_ORDER", "rev", a_forgotten_barrier_is_wrong, NULL));
  CHECK (in_child ("CUEMU_ORDER", "1", a_forgotten_barrier_is_wrong, NULL));
}

static void
diverge (void)
{
  launch ("probe_diverge", 1, 64, (Probe){ 0 });
}

static void
disagree (void)
{
  launch ("probe_masks", 1, 32, (Probe){ 0 });
}

static void
threads_that_wait_for_each_other_are_named (void)
{
  CHECK (in_child (NULL, NULL, diverge, "stuck"));
  CHECK (in_child (NULL, NULL, disagree, "probe_masks"));
}

static void
barriers_of_some_warps_hold (void)
{
  float x[32], y[32];
  const CUdeviceptr in = on_card (sizeof x), out = on_card (sizeof y);

  for (int i = 0; i < 32; i++)
    x[i] = (float) i;
  DONE (cu->copy_to_device (in, x, sizeof x, stream));
  DONE (launch ("probe_hand_over", 1, 64, (Probe){ in, out, 32, 0 }));
  DONE (cu->copy_to_host (y, out, sizeof y, stream));
  for (int i = 0; i < 32; i++)
    CHECK (y[i] == 3.0f * (float) i);
}

static void
lanes_vote_and_count (void)
{
  float x[1000], y[2] = { 0, 0 };
  const CUdeviceptr in = on_card (sizeof x), out = on_card (sizeof y);
  int positive = 0;

  for (int i = 0; i < 1000; i++)
    {
      x[i] = (float) ((i * 37) % 101 - 50);
      positive += x[i] > 0;
    }
  DONE (cu->copy_to_device (in, x, sizeof x, stream));
  DONE (cu->copy_to_device (out, y, sizeof y, stream));
  DONE (launch ("probe_vote", 4, 256, (Probe){ in, out, 1000, 0 }));
  DONE (cu->copy_to_host (y, out, sizeof y, stream));
  CHECK (y[0] == (float) positive);
  CHECK (y[1] == 50);
}

/* --- Asynchronous copies and matrix instructions
 * ------------------------------------------------*/

static void
copy_through_shared_memory (int32_t which, int32_t count, float y[256])
{
  float x[256];
  const CUdeviceptr in = on_card (sizeof x), out = on_card (sizeof x);

  for (int i = 0; i < 256; i++)
    x[i] = (float) (i + 1);
  DONE (cu->copy_to_device (in, x, sizeof x, stream));
  DONE (launch ("probe_copy", 1, 32, (Probe){ in, out, count, which }));
  DONE (cu->copy_to_host (y, out, sizeof x, stream));
}

static void
copies_arrive_when_they_are_waited_for (void)
{
  float y[256];

  copy_through_shared_memory (0, 200, y);
  for (int i = 0; i < 256; i++)
    CHECK (y[i] == (i < 200 ? (float) (i + 1) : 0));
  copy_through_shared_memory (1, 256, y);
  CHECK (isnan (y[0]) && isnan (y[255]));
  copy_through_shared_memory (2, 256, y);
  CHECK (y[0] == 1 && y[127] == 128 && isnan (y[128]) && isnan (y[255]));
}

static void
copies_of_old_cards_arrive_at_once (void)
{
  float y[256];

  copy_through_shared_memory (1, 256, y);
  CHECK (y[0] == 1 && y[255] == 256);
}

static void
cards_before_sm_80_copy_at_once (void)
{
  CHECK (in_child ("CUEMU_CAPABILITY", "75", copies_of_old_cards_arrive_at_once, NULL));
}

/* The number that element (row, k) has: small, whole, of both signs. */
static int
element (int row, int k)
{
  return (row * 5 + k * 3) % 13 - 6;
}

/* Small whole numbers in each type, by hand. */
static void
put_element (unsigned char *row, int which, int k, int value)
{
  const float number = (float) value;
  uint32_t bits;
  uint16_t half;

  memcpy (&bits, &number, sizeof bits);
  if (which == 0) /* bf16 */
    half = (uint16_t) (bits >> 16);
  else /* f16, exponent biased by 15 */
    half = value == 0 ? 0
                      : (uint16_t) ((bits >> 16 & 0x8000) | ((bits >> 23 & 255) - 112) << 10
                                    | (bits >> 13 & 0x3ff));
  if (which < 2)
    memcpy (row + 2 * k, &half, sizeof half);
  else if (which == 2) /* E4M3, biased by 7, three bits of mantissa */
    row[k] = value == 0 ? 0
                        : (unsigned char) ((bits >> 24 & 0x80) | ((bits >> 23 & 255) - 120) << 3
                                           | (bits >> 20 & 7));
  else
    row[k] = (unsigned char) value;
}

static void
multiply_one_tile (int which)
{
  unsigned char x[24 * 32] = { 0 };
  float y[16 * 8];
  const int depth = which < 2 ? 16 : 32;
  const CUdeviceptr in = on_card (sizeof x), out = on_card (sizeof y);

  for (int row = 0; row < 24; row++)
    for (int k = 0; k < depth; k++)
      put_element (x + 32 * row, which, k, element (row, k));
  DONE (cu->copy_to_device (in, x, sizeof x, stream));
  DONE (launch ("probe_matrix", 1, 32, (Probe){ in, out, 0, which }));
  DONE (cu->copy_to_host (y, out, sizeof y, stream));
  for (int row = 0; row < 16; row++)
    for (int column = 0; column < 8; column++)
      {
        int sum = 0;
        for (int k = 0; k < depth; k++)
          sum += element (row, k) * element (16 + column, k);
        CHECK (y[8 * row + column] == (float) sum);
      }
}

static void
matrix_instructions_multiply (void)
{
  for (int which = 0; which < 4; which++)
    multiply_one_tile (which);
}

static void
multiply_bf16 (void)
{
  multiply_one_tile (0);
}

static void
multiply_fp8 (void)
{
  multiply_one_tile (2);
}

static void
cards_lack_the_instructions_that_they_lack (void)
{
  CHECK (in_child ("CUEMU_CAPABILITY", "75", multiply_bf16, "needs sm_80"));
  CHECK (in_child ("CUEMU_CAPABILITY", "86", multiply_fp8, "needs sm_89"));
}

/* --- Memory -----------------------------------------------------------------------------------*/

static void
add_beyond_the_end (void)
{
  const CUdeviceptr in = on_card (1024), out = on_card (4096);

  launch ("probe_add", 4, 256, (Probe){ in, out, 1024, 1 });
}

static void
add_into_the_margin (void)
{
  const CUdeviceptr in = on_card (1024), out = on_card (1000);

  launch ("probe_add", 1, 256, (Probe){ in, out, 252, 1 });
}

static void
add_to_what_is_freed (void)
{
  const CUdeviceptr in = on_card (1024), out = on_card (1024);

  DONE (cu->memory_free (out));
  launch ("probe_add", 1, 256, (Probe){ in, out, 256, 1 });
}

static void
touch_from_the_host (void)
{
  const CUdeviceptr in = on_card (1024);

  printf ("%d\n", *(const volatile int *) (uintptr_t) in);
}

static void
kernels_that_go_astray_are_named (void)
{
#if !defined(__SANITIZE_ADDRESS__)
  CHECK (in_child (NULL, NULL, add_beyond_the_end, "past the end of 1024"));
  CHECK (in_child (NULL, NULL, add_to_what_is_freed, "freed"));
  CHECK (in_child ("CUEMU_GUARD", "1", touch_from_the_host, ""));
#endif
  CHECK (in_child (NULL, NULL, add_into_the_margin, "past the end of 1000"));
}

static void
copies_stay_within_an_allocation (void)
{
  char bytes[64] = { 0 };
  const CUdeviceptr in = on_card (48);

  DONE (cu->copy_to_device (in + 16, bytes, 32, stream));
  CHECK (cu->copy_to_device (in + 16, bytes, 33, stream) == CUDA_ERROR_INVALID_VALUE);
  CHECK (cu->copy_to_host (bytes, in, 49, stream) == CUDA_ERROR_INVALID_VALUE);
  CHECK (cu->fill (in - 1, 0, 4, stream) == CUDA_ERROR_INVALID_VALUE);
  DONE (cu->memory_free (in));
  CHECK (cu->memory_free (in) == CUDA_ERROR_INVALID_VALUE);
  CHECK (cu->copy_to_device (in, bytes, 4, stream) == CUDA_ERROR_INVALID_VALUE);
}

static void
fill_a_small_card (void)
{
  CUdeviceptr first = 0, second = 0;
  size_t before = 0, free = 0, total = 0;

  DONE (cu->memory_info (&before, &total));
  DONE (cu->memory_allocate (&first, 700 << 10));
  CHECK (cu->memory_allocate (&second, 400 << 10) == CUDA_ERROR_OUT_OF_MEMORY);
  DONE (cu->memory_info (&free, &total));
  CHECK (total == 1 << 20 && before <= total && free == before - (700 << 10));
  DONE (cu->memory_free (first));
  DONE (cu->memory_allocate (&second, 400 << 10));
}

static void
a_card_is_full_at_its_size (void)
{
  CHECK (in_child ("CUEMU_VRAM", "1048576", fill_a_small_card, NULL));
}

/* --- What launches are refused -----------------------------------------------------------------*/

static void
launches_have_the_cards_limits (void)
{
  CUfunction function = NULL;
  Probe probe = { 0 };
  void *parameters[] = { &probe };

  CHECK (cu->module_function (&function, module, "no_such_kernel") == CUDA_ERROR_NOT_FOUND);
  DONE (cu->module_function (&function, module, "probe_add"));
#define LAUNCH(x, y, z, threads, shared)                                                           \
  cu->launch (function, x, y, z, threads, 1, 1, shared, stream, parameters, NULL)
  DONE (LAUNCH (1, 1, 1, 256, 0));
  CHECK (LAUNCH (0, 1, 1, 256, 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK (LAUNCH (1, 65536, 1, 256, 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK (LAUNCH (1, 1, 65536, 256, 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK (LAUNCH (1, 1, 1, 1056, 0) == CUDA_ERROR_INVALID_VALUE);
  CHECK (LAUNCH (1, 1, 1, 288, 0) != CUDA_SUCCESS);
  DONE (LAUNCH (1, 1, 1, 256, 48 << 10));
  CHECK (LAUNCH (1, 1, 1, 256, (48 << 10) + 16) == CUDA_ERROR_INVALID_VALUE);
  CHECK (cu->function_set (function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100 << 10)
         == CUDA_ERROR_INVALID_VALUE);
  DONE (cu->function_set (function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 99 << 10));
  DONE (LAUNCH (1, 1, 1, 256, 99 << 10));
#undef LAUNCH
}

/* --- Streams ----------------------------------------------------------------------------------*/

/* y = x + 1 in one stream from what another one copies, with or without an event between them. */
static float
hand_over (bool wait, bool at_once)
{
  float *x = NULL, y = 0;
  const CUdeviceptr in = on_card (sizeof *x), out = on_card (sizeof y);
  CUevent event = NULL;

  DONE (cu->host_allocate ((void **) &x, sizeof *x, 0));
  *x = 41;
  DONE (cu->fill (in, 0, sizeof *x, stream));
  DONE (cu->stream_synchronize (stream));
  DONE (cu->event_create (&event, CU_EVENT_DISABLE_TIMING));
  DONE (cu->copy_to_device (in, x, sizeof *x, other));
  DONE (cu->event_record (event, other));
  if (at_once)
    DONE (cu->event_synchronize (event));
  if (wait)
    DONE (cu->stream_wait (stream, event, 0));
  DONE (launch ("probe_add", 1, 32, (Probe){ in, out, 1, 1 }));
  DONE (cu->copy_to_host (&y, out, sizeof y, stream));
  DONE (cu->context_synchronize ());
  DONE (cu->event_destroy (event));
  DONE (cu->host_free (x));
  return y;
}

static void
waits_are_kept (void)
{
  CHECK (hand_over (true, false) == 42);
  CHECK (hand_over (false, true) == 42);
}

static void
a_forgotten_wait_is_wrong (void)
{
  CHECK (hand_over (false, false) == 1);
}

static void
some_forgotten_wait_is_wrong (void)
{
  int wrong = 0;

  for (int i = 0; i < 40; i++)
    wrong += hand_over (false, false) != 42;
  CHECK (wrong > 0 && wrong < 40);
}

/* The host changes what is still to be copied. */
static void
change_pinned_memory_too_early (void)
{
  float *x = NULL, y = 0;
  const CUdeviceptr in = on_card (sizeof y);

  DONE (cu->host_allocate ((void **) &x, sizeof *x, 0));
  *x = 1;
  DONE (cu->copy_to_device (in, x, sizeof *x, stream));
  *x = 2;
  DONE (cu->copy_to_host (&y, in, sizeof y, stream));
  CHECK (y == 2);
  /* What is not pinned was taken at once. */
  y = 3;
  DONE (cu->copy_to_device (in, &y, sizeof y, stream));
  y = 4;
  DONE (cu->copy_to_host (x, in, sizeof y, stream));
  CHECK (*x == 2);
  DONE (cu->stream_synchronize (stream));
  CHECK (*x == 3);
}

/* A buffer is copied into again while a kernel has yet to read it. */
static void
overwrite_too_early (void)
{
  float *x = NULL, y = 0;
  const CUdeviceptr in = on_card (sizeof y), out = on_card (sizeof y);

  DONE (cu->host_allocate ((void **) &x, 2 * sizeof *x, 0));
  x[0] = 1;
  x[1] = 2;
  DONE (cu->copy_to_device (in, x, sizeof *x, other));
  DONE (cu->stream_synchronize (other));
  DONE (launch ("probe_add", 1, 32, (Probe){ in, out, 1, 0 }));
  DONE (cu->copy_to_device (in, x + 1, sizeof *x, other));
  DONE (cu->copy_to_host (&y, out, sizeof y, stream));
  CHECK (y == 2);
}

static void
forgotten_waits_show (void)
{
  static const char *const modes[] = { "eager", "lazy", "ahead", "1", "2", "3" };

  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    CHECK (in_child ("CUEMU_STREAMS", modes[i], waits_are_kept, NULL));
  CHECK (in_child ("CUEMU_STREAMS", "lazy", a_forgotten_wait_is_wrong, NULL));
  CHECK (in_child ("CUEMU_STREAMS", "1", some_forgotten_wait_is_wrong, NULL));
  CHECK (in_child ("CUEMU_STREAMS", "lazy", change_pinned_memory_too_early, NULL));
  CHECK (in_child ("CUEMU_STREAMS", "ahead", overwrite_too_early, NULL));
}

/* --- Recordings -------------------------------------------------------------------------------*/

/* Two copies by way of another stream and an addition in between, as one recording. */
static CUresult
record (CUdeviceptr in, CUdeviceptr middle, CUdeviceptr out, bool wait, bool join, CUgraph *graph)
{
  CUevent begin = NULL, end = NULL;
  CUresult result;

  DONE (cu->event_create (&begin, CU_EVENT_DISABLE_TIMING));
  DONE (cu->event_create (&end, CU_EVENT_DISABLE_TIMING));
  DONE (cu->capture_begin (stream, CU_STREAM_CAPTURE_MODE_RELAXED));
  DONE (cu->event_record (begin, stream));
  DONE (cu->stream_wait (other, begin, 0));
  DONE (cu->copy_on_device (middle, in, 4, other));
  DONE (cu->event_record (end, other));
  if (wait)
    DONE (cu->stream_wait (stream, end, 0));
  DONE (launch ("probe_add", 1, 32, (Probe){ middle, out, 1, 1 }));
  if (join)
    DONE (cu->stream_wait (stream, end, 0));
  result = cu->capture_end (stream, graph);
  DONE (cu->event_destroy (begin));
  DONE (cu->event_destroy (end));
  return result;
}

static float
replay (bool wait)
{
  CUgraph graph = NULL;
  CUgraphExec executable = NULL;
  float *x = NULL, y = 0;
  const CUdeviceptr in = on_card (4), middle = on_card (4), out = on_card (4);

  DONE (cu->host_allocate ((void **) &x, sizeof *x, 0));
  DONE (cu->fill (middle, 0, 4, stream));
  DONE (record (in, middle, out, wait, true, &graph));
  DONE (cu->graph_instantiate (&executable, graph, 0));
  DONE (cu->graph_destroy (graph));
  for (*x = 10; *x < 13; ++*x)
    {
      DONE (cu->copy_to_device (in, x, 4, stream));
      DONE (cu->graph_launch (executable, stream));
      DONE (cu->copy_to_host (&y, out, 4, stream));
      if (wait)
        CHECK (y == *x + 1);
    }
  DONE (cu->executable_destroy (executable));
  DONE (cu->host_free (x));
  return y;
}

static void
recordings_are_replayed (void)
{
  CHECK (replay (true) == 13);
}

static void
a_wait_forgotten_in_a_recording_is_wrong (void)
{
  CHECK (replay (false) != 13);
}

static void
recordings_keep_their_order (void)
{
  static const char *const modes[] = { "eager", "lazy", "ahead", "1", "2", "3" };

  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    CHECK (in_child ("CUEMU_STREAMS", modes[i], recordings_are_replayed, NULL));
  CHECK (in_child ("CUEMU_STREAMS", "lazy", a_wait_forgotten_in_a_recording_is_wrong, NULL));
}

static void
recordings_refuse_what_cards_refuse (void)
{
  CUgraph graph = NULL;
  CUevent event = NULL;
  float x = 0;
  const CUdeviceptr in = on_card (4), middle = on_card (4), out = on_card (4);

  CHECK (record (in, middle, out, false, false, &graph) != CUDA_SUCCESS && graph == NULL);
  DONE (cu->event_create (&event, CU_EVENT_DISABLE_TIMING));
  DONE (cu->event_record (event, other));
  DONE (cu->capture_begin (stream, CU_STREAM_CAPTURE_MODE_RELAXED));
  CHECK (cu->stream_wait (stream, event, 0) != CUDA_SUCCESS);
  CHECK (cu->capture_end (stream, &graph) != CUDA_SUCCESS);
  DONE (cu->capture_begin (stream, CU_STREAM_CAPTURE_MODE_RELAXED));
  CHECK (cu->stream_synchronize (stream) != CUDA_SUCCESS);
  CHECK (cu->capture_end (stream, &graph) != CUDA_SUCCESS);
  DONE (cu->capture_begin (stream, CU_STREAM_CAPTURE_MODE_RELAXED));
  CHECK (cu->copy_to_device (in, &x, 4, stream) != CUDA_SUCCESS);
  CHECK (cu->capture_end (stream, &graph) != CUDA_SUCCESS);
  DONE (cu->event_destroy (event));
}

/* --- The clock --------------------------------------------------------------------------------*/

/* Copies of 2.5 MB take 101 µs each at 25 GB/s, four waves of blocks 100 µs. */
static void
time_overlap (void)
{
  CUevent begin = NULL, middle = NULL, end = NULL;
  const CUdeviceptr in = on_card (2500000), out = on_card (2500000);
  float first = 0, both = 0;
  void *x = NULL;

  DONE (cu->host_allocate (&x, 2500000, 0));
  DONE (cu->event_create (&begin, 0));
  DONE (cu->event_create (&middle, 0));
  DONE (cu->event_create (&end, 0));
  DONE (cu->event_record (begin, stream));
  DONE (cu->copy_to_device (in, x, 2500000, other));
  DONE (cu->copy_to_device (in, x, 2500000, other));
  DONE (launch ("probe_add", 400, 32, (Probe){ in, out, 0, 0 }));
  DONE (cu->event_record (middle, other));
  DONE (cu->stream_wait (stream, middle, 0));
  DONE (launch ("probe_add", 400, 32, (Probe){ in, out, 0, 0 }));
  DONE (cu->event_record (end, stream));
  DONE (cu->stream_synchronize (stream));
  DONE (cu->event_elapsed (&first, begin, middle));
  DONE (cu->event_elapsed (&both, begin, end));
  CHECK (first > 0.200f && first < 0.215f);
  /* The first kernel is hidden behind the copies, the second is not. */
  CHECK (both - first > 0.098f && both - first < 0.110f);
}

static void
copies_and_kernels_overlap_in_time (void)
{
  CHECK (in_child ("CUEMU_KERNELS", "skip", time_overlap, NULL));
  CHECK (in_child ("CUEMU_STREAMS", "7", time_overlap, NULL));
}

int
main (void)
{
  open_card ();
  CASE (barriers_hold);
  CASE (threads_may_come_in_any_order);
  CASE (a_forgotten_barrier_shows);
  CASE (threads_that_wait_for_each_other_are_named);
  CASE (barriers_of_some_warps_hold);
  CASE (lanes_vote_and_count);
  CASE (copies_arrive_when_they_are_waited_for);
  CASE (cards_before_sm_80_copy_at_once);
  CASE (matrix_instructions_multiply);
  CASE (cards_lack_the_instructions_that_they_lack);
  CASE (kernels_that_go_astray_are_named);
  CASE (copies_stay_within_an_allocation);
  CASE (a_card_is_full_at_its_size);
  CASE (launches_have_the_cards_limits);
  CASE (forgotten_waits_show);
  CASE (recordings_keep_their_order);
  CASE (recordings_refuse_what_cards_refuse);
  CASE (copies_and_kernels_overlap_in_time);
  esp_cuda_driver_close (cu);
  return check_done ();
}
