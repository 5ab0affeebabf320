/* SPDX-License-Identifier: MIT */
/* cpu-device.c: opening and closing the CPU, its memory, and its table of operations.
 *
 * The floating-point mode is left as the process has it (denormals are computed, not flushed):
 * PyTorch leaves it so too, oneDNN's kernels give the same numbers either way for normal data, and
 * a mode that one thread of the pool had and another had not would make results depend on which
 * thread did what.
 */
#include "ops/cpu/cpu-device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ops/cpu/cpu-primitive.h"

/* --- Memory ------------------------------------------------------------------------------------
 */

/* Big blocks are aligned to huge pages and ask for them: a page fault for every 4 KiB costs more
 * than most operations on that memory. */
#define HUGE_PAGE   ((size_t) 2 << 20)
#define HUGE_BLOCKS ((size_t) 4 << 20)

/* No tensor is as large as a TiB: a size beyond that is a mistake, and refused before the system's
 * allocator has to make something of it. */
#define BLOCK_MAX ((size_t) 1 << 40)

/* Layers of fewer rows on the matrix unit are faster together (docs/speed-log.md). */
#define MATRIX_BATCH_ROWS 2304

void *
esp_cpu_allocate (EspDevice *device, size_t bytes)
{
  size_t alignment = bytes >= HUGE_BLOCKS ? HUGE_PAGE : 64;
  size_t size = bytes < BLOCK_MAX ? (bytes + alignment - 1) / alignment * alignment : 0;
  void *memory = NULL;

  if (device->error.status != ESP_OK)
    return NULL;
  if (bytes < BLOCK_MAX)
    memory = aligned_alloc (alignment, size > 0 ? size : alignment);
  if (memory == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY,
                       "out of memory: %zu bytes wanted, %zu bytes held by the device", bytes,
                       device->allocated);
      return NULL;
    }
  if (alignment == HUGE_PAGE)
    madvise (memory, size, MADV_HUGEPAGE);
  device->allocated += bytes;
  if (device->allocated > device->peak)
    device->peak = device->allocated;
  return memory;
}

void
esp_cpu_release (EspDevice *device, void *memory, size_t bytes)
{
  if (memory == NULL)
    return;
  free (memory);
  device->allocated -= bytes;
}

void *
esp_cpu_scratch (CpuDevice *cpu, CpuScratchSlot slot, size_t bytes)
{
  CpuScratch *scratch = &cpu->scratch[slot];

  if (bytes <= scratch->bytes && scratch->data != NULL)
    return scratch->data;
  esp_cpu_release (&cpu->base, scratch->data, scratch->bytes);
  bytes += bytes / 8; /* a little more, so that slightly longer prompts do not start over */
  scratch->data = esp_cpu_allocate (&cpu->base, bytes);
  scratch->bytes = scratch->data != NULL ? bytes : 0;
  return scratch->data;
}

static void
synchronize (EspDevice *device)
{
  /* Every operation has finished when it returns. */
}

/* --- Checks shared by the operations -----------------------------------------------------------
 */

int
esp_cpu_team (const CpuDevice *cpu, int64_t elements)
{
  /* Waking a thread costs a few microseconds, in which one core does about this much. */
  const int64_t worthwhile = 8192;
  int64_t team = elements / worthwhile;

  return team < 1 ? 1 : team < cpu->base.threads ? (int) team : cpu->base.threads;
}

bool
esp_cpu_check_view (CpuDevice *cpu, const char *operation, const char *argument,
                    const EspTensor *view)
{
  if ((view->dtype == ESP_F32 || view->dtype == ESP_BF16) && view->rows >= 0 && view->cols >= 0
      && view->stride >= view->cols && (view->data != NULL || view->rows == 0 || view->cols == 0))
    return true;
  esp_device_fail (&cpu->base, ESP_ERROR_ARGUMENT,
                   "%s: %s is no usable view (%lld × %lld, stride %lld, %s)", operation, argument,
                   (long long) view->rows, (long long) view->cols, (long long) view->stride,
                   view->data == NULL ? "no memory" : esp_dtype_name (view->dtype));
  return false;
}

bool
esp_cpu_check_same (CpuDevice *cpu, const char *operation, const EspTensor *a, const EspTensor *b)
{
  if (cpu->base.error.status != ESP_OK || !esp_cpu_check_view (cpu, operation, "x", a)
      || !esp_cpu_check_view (cpu, operation, "y", b))
    return false;
  if (a->rows == b->rows && a->cols == b->cols)
    return true;
  esp_device_fail (&cpu->base, ESP_ERROR_ARGUMENT, "%s: %lld × %lld and %lld × %lld do not match",
                   operation, (long long) a->rows, (long long) a->cols, (long long) b->rows,
                   (long long) b->cols);
  return false;
}

/* --- Opening and closing -----------------------------------------------------------------------
 */

static void
destroy (EspDevice *device)
{
  CpuDevice *cpu = (CpuDevice *) device;

  esp_cpu_primitives_clear (cpu);
  free (cpu->primitives);
  for (int slot = 0; slot < SCRATCH_COUNT; slot++)
    esp_cpu_release (device, cpu->scratch[slot].data, cpu->scratch[slot].bytes);
  if (cpu->stream != NULL)
    dnnl_stream_destroy (cpu->stream);
  if (cpu->engine != NULL)
    dnnl_engine_destroy (cpu->engine);
  free (cpu);
}

static size_t
free_memory (EspDevice *device)
{
  return esp_cpu_free_memory ();
}

static const EspOps cpu_ops = {
  .name = "cpu",
  .destroy = destroy,
  .allocate = esp_cpu_allocate,
  .release = esp_cpu_release,
  .upload = esp_cpu_upload,
  .download = esp_cpu_download,
  .synchronize = synchronize,
  .free_memory = free_memory,
  .prepare_linear = esp_cpu_prepare_linear,
  .release_linear = esp_cpu_release_linear,
  .prepare_conv = esp_cpu_prepare_conv,
  .release_conv = esp_cpu_release_conv,
  .gather_rows = esp_cpu_gather_rows,
  .linear = esp_cpu_adapted_linear,
  .linear_batch = esp_cpu_adapted_linear_batch,
  .attention = esp_cpu_attention,
  .layer_norm = esp_cpu_layer_norm,
  .modulated_norm = esp_cpu_modulated_norm,
  .rms_norm = esp_cpu_rms_norm,
  .head_norm_rope = esp_cpu_head_norm_rope,
  .activate = esp_cpu_activate,
  .multiply = esp_cpu_multiply,
  .scale_add = esp_cpu_scale_add,
  .distance = esp_cpu_distance,
  .conv2d = esp_cpu_conv2d,
  .group_moments = esp_cpu_group_moments,
  .group_norm = esp_cpu_group_norm,
  .copy_window = esp_cpu_copy_window,
};

/* Asked for f32, block formats are multiplied as the f32 numbers that they stand for. A matrix unit
 * is faster in bf16 than in bytes with their scales, and more exact (docs/speed-log.md). Where
 * pairs of bf16 are no faster than f32, they are left alone, unless the level asks for them. */
static void
choose_panels (CpuDevice *cpu, const char *level, bool exact)
{
  const EspPanelKernels *floats = esp_cpu_panels (level, ESP_OPERAND_F32), *halves = NULL;

  cpu->float_panels = cpu->precise_panels = floats;
  if (cpu->base.compute == ESP_BF16)
    halves = esp_cpu_panels (level, ESP_OPERAND_BF16);
  if (halves != NULL && cpu->matrix == NULL
      && (level == NULL || strcmp (level, ESP_CPU_PAIRS_LEVEL) != 0)
      && esp_cpu_is_slow (halves, floats))
    halves = NULL;
  if (halves != NULL)
    cpu->float_panels = halves;
  if (halves != NULL && cpu->matrix != NULL)
    cpu->precise_panels = esp_cpu_panels (level, ESP_OPERAND_SPLIT);
  cpu->block_panels = cpu->float_panels;
  if (!exact && (cpu->matrix == NULL || halves == NULL))
    cpu->block_panels = esp_cpu_panels (level, ESP_OPERAND_S8);
}

/* For people; and what is kept on the disk was computed by a device of this description. */
static void
describe (CpuDevice *cpu, const char *level)
{
  EspDevice *device = &cpu->base;
  char model[64];

  esp_cpu_model_name (model, sizeof model);
  snprintf (device->description, sizeof device->description, "%s, %s%s%s, %d thread%s%s", model,
            esp_cpu_instructions (), level != NULL ? " held to " : "", level != NULL ? level : "",
            device->threads, device->threads == 1 ? "" : "s",
            device->compute == ESP_BF16 && cpu->float_panels->operand == ESP_OPERAND_F32
                ? ", bf16 multiplied in f32"
                : "");
}

EspStatus
esp_cpu_device_new_level (const char *level, EspCompute compute, int threads, size_t weight_budget,
                          EspDevice **device, EspError *error)
{
  const EspKernels *kernels = esp_cpu_kernels (level);
  CpuDevice *cpu;

  *device = NULL;
  if (threads < 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "threads: 0 or more expected, found %d",
                          threads);
  if (kernels == NULL)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "this processor (%s) cannot run the %s kernels", esp_cpu_instructions (),
                          level);
  cpu = calloc (1, sizeof *cpu);
  if (cpu == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "out of memory for the CPU device");
  cpu->base.ops = &cpu_ops;
  cpu->kernels = kernels;
  cpu->matrix = esp_cpu_matrix (level);
  cpu->base.threads = threads > 0 ? threads : esp_cpu_usable_threads ();
  cpu->base.compute
      = compute == ESP_COMPUTE_BF16 || (compute == ESP_COMPUTE_AUTO && esp_cpu_has_bf16 ())
            ? ESP_BF16
            : ESP_F32;
  /* Half of what is free: the other half is for activations and for the file pages that stay
   * mapped. */
  cpu->weight_budget = weight_budget > 0 ? weight_budget : esp_cpu_free_memory () / 2;
  if (cpu->matrix != NULL && cpu->base.compute == ESP_BF16)
    cpu->base.batch_rows = MATRIX_BATCH_ROWS;
  if (dnnl_engine_create (&cpu->engine, dnnl_cpu, 0) != dnnl_success
      || dnnl_stream_create (&cpu->stream, cpu->engine, dnnl_stream_default_flags) != dnnl_success)
    {
      destroy (&cpu->base);
      return esp_error_set (error, ESP_ERROR_DEVICE, "oneDNN could not open the CPU");
    }
  choose_panels (cpu, level, compute == ESP_COMPUTE_F32);
  describe (cpu, level);
  *device = &cpu->base;
  return ESP_OK;
}

EspStatus
esp_cpu_device_new (EspCompute compute, int threads, size_t weight_budget, EspDevice **device,
                    EspError *error)
{
  return esp_cpu_device_new_level (getenv ("ESPALIER_CPU_LEVEL"), compute, threads, weight_budget,
                                   device, error);
}
