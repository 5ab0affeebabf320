/* SPDX-License-Identifier: MIT */
/* cuda-streaming.c: stages that stream: their places on the card, and the copies ahead of their
 * turn.
 *
 * Two streams meet at two events of each place: copies into it wait until what was there has been
 * used (`empty`), and operations wait until it has arrived (`full`). The processor waits for
 * neither. As a stage's turn begins, the place of the one before is let go, and copies are asked
 * for as far ahead as there are places.
 *
 * For a stage that comes from the mapped file the processor has work to do, stretch by stretch
 * through the staging memory, and has to wait until its place is free. So such a stage is fetched
 * only when the operations of the stage that used the place are not the last ones that were asked
 * for: the card then has a stage to compute meanwhile.
 */
#include "ops/cuda/cuda-residency.h"

/* --- Places ------------------------------------------------------------------------------------
 */

/* What copies from pinned memory to the first place reach, bytes per second; 0 after an error. */
static double
measure_copies (CudaDevice *cuda)
{
  CudaResidency *r = cuda->residency;
  CUevent start = NULL, end = NULL;
  size_t bytes = r->place_bytes < CUDA_STAGING_BYTES ? r->place_bytes : CUDA_STAGING_BYTES;
  float milliseconds = 0;
  void *staging = esp_cuda_staging_next (cuda);
  bool good = staging != NULL
              && esp_cuda_ok (cuda, cuda->cu->event_create (&start, 0), "making an event")
              && esp_cuda_ok (cuda, cuda->cu->event_create (&end, 0), "making an event");

  /* The first copy warms up what there is to warm up. */
  for (int round = 0; round < 2 && good; round++)
    good = esp_cuda_ok (cuda, cuda->cu->event_record (start, cuda->copy), "timing a copy")
           && esp_cuda_ok (cuda,
                           cuda->cu->copy_to_device (r->places[0].data, staging, bytes, cuda->copy),
                           "timing a copy")
           && esp_cuda_ok (cuda, cuda->cu->event_record (end, cuda->copy), "timing a copy")
           && esp_cuda_ok (cuda, cuda->cu->event_synchronize (end), "timing a copy")
           && esp_cuda_ok (cuda, cuda->cu->event_elapsed (&milliseconds, start, end),
                           "timing a copy");
  if (start != NULL)
    cuda->cu->event_destroy (start);
  if (end != NULL)
    cuda->cu->event_destroy (end);
  return good && milliseconds > 0 ? (double) bytes / ((double) milliseconds * 1e-3) : 0;
}

bool
esp_cuda_places_make (CudaDevice *cuda, int wanted)
{
  CudaResidency *r = cuda->residency;

  while (r->place_count < wanted && r->place_bytes > 0)
    {
      CudaPlace *place = &r->places[r->place_count];

      *place = (CudaPlace){ .stage = -1 };
      place->data = esp_cuda_memory_take (cuda, r->place_bytes);
      if (place->data == 0)
        break;
      if (!esp_cuda_ok (cuda, cuda->cu->event_create (&place->full, CU_EVENT_DISABLE_TIMING),
                        "making an event")
          || !esp_cuda_ok (cuda, cuda->cu->event_create (&place->empty, CU_EVENT_DISABLE_TIMING),
                           "making an event"))
        {
          if (place->full != NULL)
            cuda->cu->event_destroy (place->full);
          esp_cuda_memory_give (cuda, place->data, r->place_bytes);
          return false;
        }
      r->place_count++;
      if (r->copy_rate <= 0)
        r->copy_rate = measure_copies (cuda);
    }
  return r->place_count > 0;
}

void
esp_cuda_places_free (CudaDevice *cuda)
{
  CudaResidency *r = cuda->residency;

  if (r->place_count > 0)
    cuda->cu->stream_synchronize (cuda->copy);
  for (int p = 0; p < r->place_count; p++)
    {
      esp_cuda_memory_give (cuda, r->places[p].data, r->place_bytes);
      cuda->cu->event_destroy (r->places[p].full);
      cuda->cu->event_destroy (r->places[p].empty);
      r->places[p] = (CudaPlace){ .stage = -1 };
    }
  r->place_count = 0;
}

/* The stage that streams next after `stage`, in their circle; itself if it is the only one, -1 if
 * none does. */
static int
next_streamed (const CudaResidency *r, int stage)
{
  for (int i = 1; i <= r->count; i++)
    if (!r->stages[(stage + i) % r->count].resident)
      return (stage + i) % r->count;
  return -1;
}

static int
previous_streamed (const CudaResidency *r, int stage)
{
  for (int i = 1; i <= r->count; i++)
    if (!r->stages[(stage - i + 2 * r->count) % r->count].resident)
      return (stage - i + 2 * r->count) % r->count;
  return -1;
}

void
esp_cuda_places_assign (CudaDevice *cuda, int stage)
{
  CudaResidency *r = cuda->residency;
  CudaStage *chosen = &r->stages[stage];
  int before = previous_streamed (r, stage), after = next_streamed (r, stage);
  int place = before >= 0 && before != stage && r->stages[before].place >= 0
                  ? r->stages[before].place + 1
                  : 0;

  /* Neighbours share a place only where there are too few. */
  for (int tries = 0; tries < r->place_count; tries++, place++)
    if (after < 0 || after == stage || r->stages[after].place != place % r->place_count)
      break;
  chosen->place = place % r->place_count;
  for (int i = 0; i < chosen->count; i++)
    if (chosen->prepared[i] != NULL)
      esp_cuda_linear_place (chosen->prepared[i],
                             r->places[chosen->place].data + chosen->offset[i]);
}

void
esp_cuda_places_invalidate (CudaDevice *cuda, int stage)
{
  CudaResidency *r = cuda->residency;

  for (int p = 0; p < r->place_count; p++)
    if (r->places[p].stage == stage)
      {
        cuda->cu->stream_synchronize (cuda->copy);
        cuda->cu->stream_synchronize (cuda->compute);
        r->places[p].stage = -1;
        r->places[p].read = false;
        if (r->current == stage)
          r->current = -1;
      }
}

/* --- Copies ------------------------------------------------------------------------------------
 */

/* Puts the copy of a stage into its place into the copy stream, if it is not there or on its way.
 */
static void
load (CudaDevice *cuda, int index)
{
  CudaResidency *r = cuda->residency;
  CudaStage *stage = &r->stages[index];
  CudaPlace *place = &r->places[stage->place];
  bool good = true;

  if (place->stage == index)
    return;
  if (place->read)
    good = esp_cuda_ok (cuda, cuda->cu->stream_wait (cuda->copy, place->empty, 0),
                        "waiting for a place");
  place->read = false;
  place->stage = -1;
  if (good && stage->host != NULL)
    good = esp_cuda_ok (
        cuda, cuda->cu->copy_to_device (place->data, stage->host, stage->bytes, cuda->copy),
        "copying weights to the card");
  for (int i = 0; i < stage->count && good && stage->host == NULL; i++)
    if (stage->prepared[i] != NULL)
      good = esp_cuda_linear_copy (cuda, stage->linears[i], place->data + stage->offset[i],
                                   cuda->copy);
  if (good
      && esp_cuda_ok (cuda, cuda->cu->event_record (place->full, cuda->copy), "marking a copy"))
    place->stage = index;
}

/* What was begun last has been asked for in full: behind it its place is free. */
static void
let_go (CudaDevice *cuda)
{
  CudaResidency *r = cuda->residency;

  r->just_left = -1;
  if (r->current >= 0 && !r->stages[r->current].resident)
    {
      CudaPlace *place = &r->places[r->stages[r->current].place];

      r->just_left = r->stages[r->current].place;
      place->read = esp_cuda_ok (cuda, cuda->cu->event_record (place->empty, cuda->compute),
                                 "marking a place");
    }
  r->current = -1;
}

/* Copies as far ahead as there are places that nobody needs before. */
static void
load_ahead (CudaDevice *cuda, int index)
{
  CudaResidency *r = cuda->residency;
  bool taken[CUDA_PLACES_MAX] = { false };
  int stage = index;

  if (!r->stages[index].resident)
    taken[r->stages[index].place] = true;
  for (int i = 0; i < r->place_count; i++)
    {
      stage = next_streamed (r, stage);
      if (stage < 0 || stage == index || taken[r->stages[stage].place])
        return;
      if (r->stages[stage].host == NULL && r->stages[stage].place == r->just_left)
        return;
      taken[r->stages[stage].place] = true;
      load (cuda, stage);
    }
}

void
esp_cuda_begin_stage (EspDevice *device, int index)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaResidency *r = cuda->residency;
  CudaStage *stage;

  if (r == NULL || index < 0 || index >= r->count || index == r->current || !esp_cuda_enter (cuda))
    return;
  let_go (cuda);
  stage = &r->stages[index];
  if (r->place_count > 0 && esp_cuda_is_recording (cuda))
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "begin_stage: between replay and recorded");
      return;
    }
  if (!stage->resident)
    {
      load (cuda, index);
      esp_cuda_ok (cuda, cuda->cu->stream_wait (cuda->compute, r->places[stage->place].full, 0),
                   "waiting for weights");
    }
  r->current = index;
  if (r->place_count > 0)
    load_ahead (cuda, index);
}
