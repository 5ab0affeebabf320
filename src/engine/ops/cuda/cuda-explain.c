/* SPDX-License-Identifier: MIT */
/* cuda-explain.c: what is where on the card and what that costs, in words. */
#include "ops/cuda/cuda-residency.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ops/cuda/cuda.h"

/* Share of the matrix units' rate that whole blocks reach. */
#define EFFICIENCY 0.6

typedef struct Lines
{
  char *text;
  size_t size, used;
} Lines;

__attribute__ ((format (printf, 2, 3))) static void
line (Lines *lines, const char *format, ...)
{
  va_list arguments;
  int wrote;

  if (lines->used >= lines->size)
    return;
  va_start (arguments, format);
  wrote = vsnprintf (lines->text + lines->used, lines->size - lines->used, format, arguments);
  va_end (arguments);
  lines->used += wrote > 0 ? (size_t) wrote : 0;
}

typedef struct Size
{
  char text[24];
} Size;

static Size
size_of (size_t bytes)
{
  Size size;

  if (bytes >= (size_t) 1 << 30)
    snprintf (size.text, sizeof size.text, "%.2f GB", (double) bytes / (double) (1 << 30));
  else
    snprintf (size.text, sizeof size.text, "%.1f MB", (double) bytes / (double) (1 << 20));
  return size;
}

/* Products and sums of 16-bit numbers that one multiprocessor does in a clock with f32 sums, both
 * counted (NVIDIA's architecture whitepapers: Turing, GA100, GA102, Ada, H100, Blackwell). */
static double
operations_per_clock (int capability)
{
  switch (capability)
    {
    case 75:
      return 512;
    case 80:
      return 2048;
    case 90:
      return 4096;
    case 100:
    case 103:
      return 8192;
    default: /* GeForce: 86, 89, 120 */
      return 512;
    }
}

/* Operations per second that we may hope for; 0 if the clock is unknown. */
static double
compute_rate (const CudaDevice *cuda)
{
  int kilohertz = 0;

  if (cuda->cu->device_attribute (&kilohertz, CU_DEVICE_ATTRIBUTE_CLOCK_RATE, cuda->ordinal)
      != CUDA_SUCCESS)
    return 0;
  return EFFICIENCY * operations_per_clock (cuda->capability) * cuda->multiprocessors
         * (double) kilohertz * 1e3;
}

typedef struct Totals
{
  int resident, streamed, pinned;
  size_t resident_bytes, streamed_bytes, pinned_bytes;
} Totals;

static Totals
add_up (const CudaResidency *r)
{
  Totals totals = { 0 };

  for (int s = 0; s < r->count; s++)
    {
      const CudaStage *stage = &r->stages[s];

      totals.resident += stage->resident;
      totals.streamed += !stage->resident;
      totals.pinned += !stage->resident && stage->host != NULL;
      totals.pinned_bytes += !stage->resident && stage->host != NULL ? stage->bytes : 0;
      *(stage->resident ? &totals.resident_bytes : &totals.streamed_bytes) += stage->bytes;
    }
  return totals;
}

static void
explain_copies (const CudaDevice *cuda, const Totals *totals, double operations, Lines *lines)
{
  const CudaResidency *r = cuda->residency;
  double rate = compute_rate (cuda), copying, computing;
  const size_t filed = totals->streamed_bytes - totals->pinned_bytes;

  line (lines,
        "  %d blocks, %s, come in each step, through %d place%s of %s: %d from pinned memory (%s)",
        totals->streamed, size_of (totals->streamed_bytes).text, r->place_count,
        r->place_count == 1 ? "" : "s", size_of (r->place_bytes).text, totals->pinned,
        size_of (totals->pinned_bytes).text);
  if (filed > 0)
    line (lines, ", %d from the file (%s)", totals->streamed - totals->pinned,
          size_of (filed).text);
  line (lines, "\n");
  if (r->copy_rate <= 0)
    return;
  copying = (double) totals->streamed_bytes / r->copy_rate;
  if (filed > 0 && r->file_seconds > 0)
    {
      /* The processor copies what the file has to pinned memory first, one after the other. */
      copying += (double) filed * r->file_seconds / r->file_bytes;
      line (lines, "  the file is read at %.1f GB/s\n",
            r->file_bytes / r->file_seconds / (double) (1 << 30));
    }
  computing = rate > 0 ? operations / rate : 0;
  line (lines, "  copies: %.1f ms for each step, to the card at %.1f GB/s\n", copying * 1e3,
        r->copy_rate / (double) (1 << 30));
  if (computing > 0)
    line (
        lines,
        "  computing: about %.1f ms for each step at %.0f Tflop/s; with the copies beside it %.1f "
        "ms, %.0f %% more than if all stayed\n",
        computing * 1e3, rate * 1e-12, (copying > computing ? copying : computing) * 1e3,
        copying > computing ? 100 * (copying / computing - 1) : 0);
}

void
esp_cuda_explain (const EspDevice *device, double step_operations, char *text, size_t size)
{
  const CudaDevice *cuda = (const CudaDevice *) device;
  const CudaResidency *r = cuda->residency;
  Lines lines = { text, size, 0 };
  Totals totals;

  if (size > 0)
    text[0] = '\0';
  if (r == NULL || r->count == 0)
    {
      line (&lines, "%s: no blocks are planned\n", device->description);
      return;
    }
  totals = add_up (r);
  line (&lines, "%s\n", device->description);
  if (cuda->fp8)
    line (&lines, "  what the blocks multiply in fp8 is kept in a byte a number\n");
  if (cuda->vram_limit > 0)
    line (&lines, "  limit: %s\n", size_of (cuda->vram_limit).text);
  line (&lines, "  buffers: %s, kept free: %s, held at most so far: %s\n",
        size_of (r->buffers).text, size_of (r->spare).text,
        size_of (esp_cuda_memory_peak (cuda)).text);
  line (&lines, "  %d of %d blocks stay on the card: %s\n", totals.resident, r->count,
        size_of (totals.resident_bytes).text);
  if (totals.streamed > 0)
    explain_copies (cuda, &totals, step_operations, &lines);
}
