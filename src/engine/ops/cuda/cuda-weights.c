/* SPDX-License-Identifier: MIT */
/* cuda-weights.c: a linear layer's weights, from the mapped file to the card.
 *
 * They go there as they lie in the file, block formats packed; products widen them. On the way each
 * number is looked at once for NaN and infinity, by several threads, while it is in the processor's
 * cache anyway for the copy to pinned memory.
 */
#include "ops/cuda/cuda-device.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cuda/cuda-fp8.h"
#include "ops/cuda/cuda-residency.h"

enum
{
  COPY_ELEMENTS = 64 << 10, /* that one thread checks and copies at once; whole blocks */
  COPY_THREADS = 8,         /* more than memory's bandwidth has use for */
  PART_ALIGNMENT = 256,
};

static size_t
aligned (size_t bytes)
{
  return (bytes + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT;
}

/* How a part lies on the card. */
static EspDType
kept_type (const CudaDevice *cuda, const EspLinear *linear, int part)
{
  return esp_cuda_keeps_fp8 (cuda, linear, part) ? ESP_F8_E4M3 : linear->weight[part]->dtype;
}

/* --- Checking and copying ----------------------------------------------------------------------
 */

/* Copies elements [first, first + count) of a weight to `to` (NULL: only looks at them); false with
 * a sticky error that names the first of them that is not finite. */
static bool
copy_checked (CudaDevice *cuda, const EspWeight *weight, int64_t first, int64_t count, char *to)
{
  const char *from = (const char *) weight->data + esp_dtype_bytes (weight->dtype, first);
  int64_t stretches = (count + COPY_ELEMENTS - 1) / COPY_ELEMENTS, bad = INT64_MAX;
  /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): the pragma reads it */
  int threads = omp_get_max_threads () < COPY_THREADS ? omp_get_max_threads () : COPY_THREADS;

#pragma omp parallel for num_threads(stretches < threads ? (int) stretches : threads)              \
    reduction(min                                                                                  \
              : bad) schedule(static) if (stretches > 1)
  for (int64_t i = 0; i < stretches; i++)
    {
      int64_t at = i * COPY_ELEMENTS;
      int64_t n = count - at < COPY_ELEMENTS ? count - at : COPY_ELEMENTS;
      size_t offset = esp_dtype_bytes (weight->dtype, at);
      int64_t found = esp_find_non_finite (weight->dtype, from + offset, n);

      if (to != NULL)
        memcpy (to + offset, from + offset, esp_dtype_bytes (weight->dtype, n));
      if (found >= 0 && at + found < bad)
        bad = at + found;
    }
  if (bad == INT64_MAX)
    return true;
  esp_device_fail (&cuda->base, ESP_ERROR_NUMERIC,
                   "%s: tensor %s has NaN or infinity at index %lld", weight->file, weight->name,
                   (long long) first + (long long) bad);
  return false;
}

/* Copies it without a look, by several threads. */
static void
copy_plainly (const EspWeight *weight, int64_t first, int64_t count, char *to)
{
  const char *from = (const char *) weight->data + esp_dtype_bytes (weight->dtype, first);
  int64_t stretches = (count + COPY_ELEMENTS - 1) / COPY_ELEMENTS;
  /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): the pragma reads it */
  int threads = omp_get_max_threads () < COPY_THREADS ? omp_get_max_threads () : COPY_THREADS;

#pragma omp parallel for num_threads(stretches < threads ? (int) stretches : threads)              \
    schedule(static) if (stretches > 1)
  for (int64_t i = 0; i < stretches; i++)
    {
      int64_t at = i * COPY_ELEMENTS;
      int64_t n = count - at < COPY_ELEMENTS ? count - at : COPY_ELEMENTS;
      size_t offset = esp_dtype_bytes (weight->dtype, at);

      memcpy (to + offset, from + offset, esp_dtype_bytes (weight->dtype, n));
    }
}

/* The same, and counts what the processor gets through in a second. */
static void
copy_timed (CudaDevice *cuda, const EspWeight *weight, int64_t first, int64_t count, char *to)
{
  CudaResidency *r = cuda->residency;
  const double begin = omp_get_wtime ();

  copy_plainly (weight, first, count, to);
  r->file_seconds += omp_get_wtime () - begin;
  r->file_bytes += (double) esp_dtype_bytes (weight->dtype, count);
}

static bool
copy_to_card (CudaDevice *cuda, const EspWeight *weight, CUdeviceptr to, bool checked,
              CUstream stream)
{
  /* Whole blocks of any format, and whole stretches for the threads. */
  int64_t most = (int64_t) (CUDA_STAGING_BYTES / esp_dtype_bytes (weight->dtype, COPY_ELEMENTS))
                 * COPY_ELEMENTS;

  for (int64_t first = 0; first < weight->count; first += most)
    {
      int64_t n = weight->count - first < most ? weight->count - first : most;
      char *staging = esp_cuda_staging_next (cuda);

      if (staging == NULL || (checked && !copy_checked (cuda, weight, first, n, staging)))
        return false;
      if (!checked)
        copy_timed (cuda, weight, first, n, staging);
      if (!esp_cuda_ok (cuda,
                        cuda->cu->copy_to_device (to + esp_dtype_bytes (weight->dtype, first),
                                                  staging, esp_dtype_bytes (weight->dtype, n),
                                                  stream),
                        "copying weights to the card"))
        return false;
      esp_cuda_staging_used (cuda, stream);
    }
  return true;
}

/* The same for a part that is kept in E4M3: its rows, and their scales. */
static bool
narrow_to_card (CudaDevice *cuda, const EspWeight *weight, int64_t in, CUdeviceptr to,
                CUdeviceptr scales_to, bool checked, CUstream stream)
{
  CudaResidency *r = cuda->residency;
  const int64_t out = weight->count / in;
  const int64_t most = (int64_t) (CUDA_STAGING_BYTES / ((size_t) in + sizeof (float)));

  for (int64_t first = 0; first < out; first += most)
    {
      const int64_t rows = out - first < most ? out - first : most;
      const size_t bytes = (size_t) (rows * in), scale_bytes = (size_t) rows * sizeof (float);
      const double begin = omp_get_wtime ();
      char *staging = esp_cuda_staging_next (cuda);

      if (staging == NULL || (checked && !copy_checked (cuda, weight, first * in, rows * in, NULL)))
        return false;
      /* Rows of multiples of 16 bytes leave the scales aligned. */
      esp_cuda_fp8_rows (weight, in, first, rows, (uint8_t *) staging, (float *) (staging + bytes));
      if (!checked)
        {
          r->file_seconds += omp_get_wtime () - begin;
          r->file_bytes += (double) bytes;
        }
      if (!esp_cuda_ok (
              cuda,
              cuda->cu->copy_to_device (to + (CUdeviceptr) (first * in), staging, bytes, stream),
              "copying weights to the card")
          || !esp_cuda_ok (
              cuda,
              cuda->cu->copy_to_device (scales_to + (CUdeviceptr) first * sizeof (float),
                                        staging + bytes, scale_bytes, stream),
              "copying weights to the card"))
        return false;
      esp_cuda_staging_used (cuda, stream);
    }
  return true;
}

/* Where the scales are: behind all parts. */
static size_t
scales_offset (const CudaDevice *cuda, const EspLinear *linear)
{
  size_t bytes = 0;

  for (int i = 0; i < linear->parts; i++)
    bytes += aligned (esp_dtype_bytes (kept_type (cuda, linear, i), linear->weight[i]->count));
  return bytes;
}

/* All parts from the file to the card. */
static bool
parts_to_card (CudaDevice *cuda, const EspLinear *linear, CUdeviceptr to, bool checked,
               CUstream stream)
{
  CUdeviceptr scales = to + scales_offset (cuda, linear);
  bool good = true;

  for (int i = 0; i < linear->parts && good; i++)
    {
      const EspWeight *weight = linear->weight[i];

      good = esp_cuda_keeps_fp8 (cuda, linear, i)
                 ? narrow_to_card (cuda, weight, linear->in, to, scales, checked, stream)
                 : copy_to_card (cuda, weight, to, checked, stream);
      to += aligned (esp_dtype_bytes (kept_type (cuda, linear, i), weight->count));
      scales += (CUdeviceptr) (weight->count / linear->in) * sizeof (float);
    }
  return good;
}

bool
esp_cuda_linear_copy (CudaDevice *cuda, const EspLinear *linear, CUdeviceptr to, CUstream stream)
{
  return parts_to_card (cuda, linear, to, false, stream);
}

/* All parts from the file to pinned memory; `host` NULL: they are only looked at. */
static bool
parts_to_host (CudaDevice *cuda, const EspLinear *linear, char *host)
{
  float *scales = host != NULL ? (float *) (host + scales_offset (cuda, linear)) : NULL;
  bool good = true;

  for (int i = 0; i < linear->parts && good; i++)
    {
      const EspWeight *weight = linear->weight[i];
      const int64_t rows = weight->count / linear->in;
      const bool narrowed = esp_cuda_keeps_fp8 (cuda, linear, i);

      good = copy_checked (cuda, weight, 0, weight->count, narrowed ? NULL : host);
      if (host == NULL)
        continue;
      if (good && narrowed)
        esp_cuda_fp8_rows (weight, linear->in, 0, rows, (uint8_t *) host, scales);
      host += aligned (esp_dtype_bytes (kept_type (cuda, linear, i), weight->count));
      scales += rows;
    }
  return good;
}

/* --- Preparing ---------------------------------------------------------------------------------
 */

/* The parts' biases one after another in f32 on the card; zeros for a part that has none. */
static bool
place_bias (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared)
{
  bool any = false, good = true;
  int64_t first = 0;
  size_t bytes = (size_t) linear->out * sizeof (float);
  float *values;

  for (int i = 0; i < linear->parts; i++)
    any = any || linear->bias[i] != NULL;
  if (!any)
    return true;
  values = calloc ((size_t) linear->out, sizeof *values);
  if (values == NULL)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for %s",
                       linear->weight[0]->name);
      return false;
    }
  for (int i = 0; i < linear->parts && good; i++)
    {
      const EspWeight *bias = linear->bias[i];
      int64_t bad = bias != NULL ? esp_find_non_finite (bias->dtype, bias->data, bias->count) : -1;

      if (bad >= 0)
        esp_device_fail (&cuda->base, ESP_ERROR_NUMERIC,
                         "%s: tensor %s has NaN or infinity at index %lld", bias->file, bias->name,
                         (long long) bad);
      else if (bias != NULL)
        esp_weight_to_f32 (bias, 0, bias->count, values + first);
      good = bad < 0;
      first += linear->weight[i]->count / linear->in;
    }
  if (good)
    {
      prepared->bias = (uintptr_t) esp_cuda_allocate (&cuda->base, bytes);
      if (prepared->bias != 0)
        esp_cuda_copy_in (cuda, prepared->bias, values, bytes);
    }
  free (values);
  return cuda->base.error.status == ESP_OK;
}

size_t
esp_cuda_linear_bytes (const CudaDevice *cuda, const EspLinear *linear)
{
  bool narrowed = false;

  for (int i = 0; i < linear->parts; i++)
    narrowed = narrowed || esp_cuda_keeps_fp8 (cuda, linear, i);
  return scales_offset (cuda, linear)
         + (narrowed ? aligned ((size_t) linear->out * sizeof (float)) : 0);
}

/* All parts to memory that nothing has used yet: beside what is being computed, and before what is
 * asked for from now on. */
static bool
parts_ahead (CudaDevice *cuda, const EspLinear *linear, CUdeviceptr to)
{
  CUevent arrived = NULL;
  bool good = parts_to_card (cuda, linear, to, true, cuda->copy)
              && esp_cuda_ok (cuda, cuda->cu->event_create (&arrived, CU_EVENT_DISABLE_TIMING),
                              "making an event")
              && esp_cuda_ok (cuda, cuda->cu->event_record (arrived, cuda->copy),
                              "copying weights to the card")
              && esp_cuda_ok (cuda, cuda->cu->stream_wait (cuda->compute, arrived, 0),
                              "copying weights to the card");

  if (arrived != NULL)
    cuda->cu->event_destroy (arrived);
  return good;
}

static bool
place_weights (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared)
{
  char *host = esp_cuda_residency_place (cuda, linear, prepared);

  if (cuda->base.error.status != ESP_OK)
    return false;
  /* Of a stage others may have been in its place. */
  if (prepared->home != 0 && prepared->stage < 0)
    return parts_ahead (cuda, linear, prepared->home);
  return prepared->home != 0 ? parts_to_card (cuda, linear, prepared->home, true, cuda->compute)
                             : parts_to_host (cuda, linear, host);
}

void
esp_cuda_prepare_linear (EspDevice *device, EspLinear *linear)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaLinear *prepared;

  if (linear->prepared != NULL || !esp_cuda_enter (cuda)
      || !esp_device_check_linear (&cuda->base, linear))
    return;
  prepared = calloc (1, sizeof *prepared);
  if (prepared == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for %s", linear->weight[0]->name);
      return;
    }
  linear->prepared = prepared;
  prepared->parts = linear->parts;
  prepared->stage = -1;
  prepared->bytes = esp_cuda_linear_bytes (cuda, linear);
  for (int i = 0; i < linear->parts; i++)
    {
      const EspWeight *weight = linear->weight[i];

      const bool narrowed = esp_cuda_keeps_fp8 (cuda, linear, i);

      /* What was narrowed has the weight's own scale in those of its rows. */
      prepared->part[i] = (CudaMatrix){ .dtype = kept_type (cuda, linear, i),
                                        .out = weight->count / linear->in,
                                        .in = linear->in,
                                        .scale = narrowed || weight->scale == 0 ? 1 : weight->scale,
                                        .row_scales = narrowed };
    }
  if (!place_weights (cuda, linear, prepared) || !place_bias (cuda, linear, prepared))
    esp_cuda_release_linear (device, linear);
}

void
esp_cuda_release_linear (EspDevice *device, EspLinear *linear)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaLinear *prepared = linear->prepared;

  if (prepared == NULL)
    return;
  esp_cuda_residency_remove (cuda, prepared);
  esp_cuda_release (device, (void *) (uintptr_t) prepared->bias,
                    (size_t) linear->out * sizeof (float));
  free (prepared);
  linear->prepared = NULL;
}

void
esp_cuda_linear_place (CudaLinear *prepared, CUdeviceptr data)
{
  CUdeviceptr scales;

  for (int i = 0; i < prepared->parts; i++)
    {
      CudaMatrix *part = &prepared->part[i];

      part->data = data;
      if (data != 0)
        data += aligned (esp_dtype_bytes (part->dtype, part->out * part->in));
    }
  scales = data;
  for (int i = 0; i < prepared->parts; i++)
    {
      CudaMatrix *part = &prepared->part[i];

      part->scales = part->row_scales && data != 0 ? scales : 0;
      scales += (CUdeviceptr) part->out * sizeof (float);
    }
}

const CudaLinear *
esp_cuda_linear_on_card (CudaDevice *cuda, const EspLinear *linear)
{
  CudaLinear *prepared = linear->prepared;

  if (!esp_cuda_enter (cuda))
    return NULL;
  if (prepared == NULL)
    {
      esp_device_fail (&cuda->base, ESP_ERROR_ARGUMENT, "linear: %s was not prepared",
                       linear->parts > 0 && linear->weight[0] != NULL ? linear->weight[0]->name
                                                                      : "a layer");
      return NULL;
    }
  esp_cuda_residency_want (cuda, linear, prepared);
  return cuda->base.error.status == ESP_OK ? prepared : NULL;
}
