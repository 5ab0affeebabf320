/* SPDX-License-Identifier: MIT */
/* cuda-residency.c: which weights stay on the card: see cuda-residency.h. */
#include "ops/cuda/cuda-residency.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cpu/cpu-device.h"

/* Host memory that pinned weights leave to others; and of all that is free they take at most half:
 * the system cannot page them out, and what is left keeps the file's pages that the other stages
 * are read from. */
#define HOST_SPARE ((size_t) 1 << 30)

/* What is not planned for: the driver's own needs, recordings, scratch. A share of what is free, so
 * that small limits are not all spare. */
#define SPARE_MAX   ((size_t) 256 << 20)
#define SPARE_SHARE 16

static CudaResidency *
residency_of (CudaDevice *cuda)
{
  if (cuda->residency == NULL)
    {
      cuda->residency = calloc (1, sizeof *cuda->residency);
      if (cuda->residency == NULL)
        esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for the weights' places");
      else
        cuda->residency->current = cuda->residency->just_left = -1;
    }
  return cuda->residency;
}

/* --- Stages ------------------------------------------------------------------------------------
 */

static void
stage_clear (CudaStage *stage)
{
  free (stage->linears);
  free (stage->prepared);
  free (stage->offset);
  *stage = (CudaStage){ 0 };
}

static bool
stage_init (const CudaDevice *cuda, CudaStage *stage, const EspLayerGroup *group)
{
  size_t count = (size_t) group->count + 1;

  *stage = (CudaStage){ .linears = calloc (count, sizeof *stage->linears),
                        .prepared = calloc (count, sizeof *stage->prepared),
                        .offset = calloc (count, sizeof *stage->offset),
                        .count = group->count,
                        .place = -1 };
  if (stage->linears == NULL || stage->prepared == NULL || stage->offset == NULL)
    return false;
  for (int i = 0; i < group->count; i++)
    {
      stage->linears[i] = group->linears[i];
      stage->offset[i] = stage->bytes;
      stage->bytes += esp_cuda_linear_bytes (cuda, group->linears[i]);
    }
  return true;
}

/* Tells the stage's layers where they are. */
static void
stage_tell (CudaStage *stage, CUdeviceptr data)
{
  for (int i = 0; i < stage->count; i++)
    if (stage->prepared[i] != NULL)
      {
        CudaLinear *prepared = stage->prepared[i];

        prepared->home = stage->resident ? data + stage->offset[i] : 0;
        prepared->host = stage->host != NULL ? stage->host + stage->offset[i] : NULL;
        esp_cuda_linear_place (prepared, data != 0 ? data + stage->offset[i] : 0);
      }
}

/* Pinned memory for a stage that streams, as far as the host has some to spare; without, it comes
 * from the file. */
static void
stage_pin (CudaDevice *cuda, CudaStage *stage)
{
  CudaResidency *r = cuda->residency;
  size_t available = esp_cpu_free_memory ();
  void *pinned = NULL;

  if (stage->host != NULL || stage->bytes == 0 || stage->unpinned || r->wants_file
      || r->pinned + stage->bytes > r->pinned_most)
    return;
  if ((available > 0 && available < stage->bytes + HOST_SPARE)
      || cuda->cu->host_allocate (&pinned, stage->bytes, CU_MEMHOSTALLOC_PORTABLE) != CUDA_SUCCESS)
    {
      r->wants_file = true;
      return;
    }
  stage->host = pinned;
  r->pinned += stage->bytes;
}

static void
stage_unpin (CudaDevice *cuda, CudaStage *stage)
{
  if (stage->host == NULL)
    return;
  cuda->cu->stream_synchronize (cuda->copy);
  cuda->cu->host_free (stage->host);
  stage->host = NULL;
  cuda->residency->pinned -= stage->bytes;
}

/* A resident stage streams from now on. */
static bool
send_away (CudaDevice *cuda, int index)
{
  CudaStage *stage = &cuda->residency->stages[index];

  if (stage->home != 0)
    {
      stage_pin (cuda, stage);
      if (stage->host != NULL && stage->prepared_count > 0
          && (!esp_cuda_ok (
                  cuda,
                  cuda->cu->copy_to_host (stage->host, stage->home, stage->bytes, cuda->compute),
                  "moving weights to the host")
              || !esp_cuda_ok (cuda, cuda->cu->stream_synchronize (cuda->compute),
                               "moving weights to the host")))
        return false;
      esp_cuda_memory_give (cuda, stage->home, stage->bytes);
      stage->home = 0;
    }
  stage->resident = false;
  stage->place = -1;
  stage_tell (stage, 0);
  return true;
}

/* A stage that streams stays from now on, if there is memory for it. */
static bool
bring_home (CudaDevice *cuda, int index)
{
  CudaStage *stage = &cuda->residency->stages[index];
  CUdeviceptr data = esp_cuda_memory_take (cuda, stage->bytes);
  bool good = true;

  if (data == 0)
    return false;
  esp_cuda_places_invalidate (cuda, index);
  if (stage->host != NULL)
    good = esp_cuda_ok (cuda,
                        cuda->cu->copy_to_device (data, stage->host, stage->bytes, cuda->compute),
                        "bringing weights back")
           && esp_cuda_ok (cuda, cuda->cu->stream_synchronize (cuda->compute),
                           "bringing weights back");
  for (int i = 0; i < stage->count && good && stage->host == NULL; i++)
    if (stage->prepared[i] != NULL)
      good = esp_cuda_linear_copy (cuda, stage->linears[i], data + stage->offset[i], cuda->compute);
  if (!good)
    {
      esp_cuda_memory_give (cuda, data, stage->bytes);
      return false;
    }
  stage_unpin (cuda, stage);
  stage->resident = true;
  stage->home = data;
  stage_tell (stage, data);
  return true;
}

/* Could the stage change sides? The one that runs is left alone, and so is one that is to stay but
 * has nothing there yet. */
static bool
is_movable (const CudaResidency *r, int stage, bool resident)
{
  if (stage == r->current || r->stages[stage].resident != resident)
    return false;
  return !resident || r->stages[stage].home != 0;
}

/* The stage in the middle of the longest run of stages that are resident, or not, as wanted:
 * changing that one leaves both kinds spread. -1: none. */
static int
middle_of_longest (const CudaResidency *r, bool resident)
{
  int best = -1, longest = 0, length = 0;

  for (int s = 0; s < r->count; s++)
    {
      length = is_movable (r, s, resident) ? length + 1 : 0;
      if (length > longest)
        {
          longest = length;
          best = s - length / 2;
        }
    }
  return best;
}

/* --- Planning ----------------------------------------------------------------------------------
 */

static void
forget_plan (CudaDevice *cuda)
{
  CudaResidency *r = cuda->residency;

  cuda->cu->stream_synchronize (cuda->copy);
  for (int s = 0; s < r->count; s++)
    {
      CudaStage *stage = &r->stages[s];

      for (int i = 0; i < stage->count; i++)
        if (stage->prepared[i] != NULL)
          {
            /* It should have been released. What it had is gone. */
            stage->prepared[i]->stage = -1;
            stage->prepared[i]->home = 0;
            stage->prepared[i]->host = NULL;
            esp_cuda_linear_place (stage->prepared[i], 0);
          }
      esp_cuda_memory_give (cuda, stage->home, stage->bytes);
      stage_unpin (cuda, stage);
      stage_clear (stage);
    }
  free (r->stages);
  r->stages = NULL;
  r->groups = NULL;
  r->count = 0;
  r->current = r->just_left = -1;
  r->wants_file = false;
  r->file_bytes = r->file_seconds = 0;
  esp_cuda_places_free (cuda);
}

static bool
is_same_plan (const CudaResidency *r, const EspLayerGroup *stages, int count)
{
  if (r->groups != stages || r->count != count)
    return false;
  for (int s = 0; s < count; s++)
    {
      if (r->stages[s].count != stages[s].count)
        return false;
      for (int i = 0; i < stages[s].count; i++)
        if (r->stages[s].linears[i] != stages[s].linears[i])
          return false;
    }
  return true;
}

/* Bytes that stages and their places may take: what is free and what they have. */
static size_t
budget_of (CudaDevice *cuda)
{
  CudaResidency *r = cuda->residency;
  size_t available = esp_cuda_free_memory (&cuda->base);

  for (int s = 0; s < r->count; s++)
    available += r->stages[s].home != 0 ? r->stages[s].bytes : 0;
  available += (size_t) r->place_count * r->place_bytes;
  r->spare = available / SPARE_SHARE < SPARE_MAX ? available / SPARE_SHARE : SPARE_MAX;
  return available > r->buffers + r->spare ? available - r->buffers - r->spare : 0;
}

/* Chooses, before any stage has memory, which stay: all, or as many as fit beside the places,
 * evenly spread over the order, so that copies and computing overlap. */
static void
choose_resident (CudaDevice *cuda)
{
  CudaResidency *r = cuda->residency;
  size_t budget = budget_of (cuda), total = 0, taken = 0;
  double share, owed = 0;

  for (int s = 0; s < r->count; s++)
    total += r->stages[s].bytes;
  for (int s = 0; s < r->count; s++)
    r->stages[s].resident = total <= budget;
  if (total <= budget)
    return;
  r->place_bytes = r->largest;
  /* A third place evens out stages of different lengths, and no two neighbours in the circle share
   * one then. */
  if (!esp_cuda_places_make (cuda, budget / r->largest >= 4 ? 3 : 2))
    {
      esp_device_fail (&cuda->base, ESP_ERROR_MEMORY,
                       "%s: there is no room for one block of the model (%zu bytes)",
                       cuda->base.description, r->largest);
      return;
    }
  budget = budget_of (cuda);
  budget -= budget < (size_t) r->place_count * r->place_bytes
                ? budget
                : (size_t) r->place_count * r->place_bytes;
  share = (double) budget / (double) total;
  for (int s = 0; s < r->count; s++)
    {
      owed += share * (double) r->stages[s].bytes;
      if (owed >= 0.5 * (double) r->stages[s].bytes && taken + r->stages[s].bytes <= budget)
        {
          r->stages[s].resident = true;
          owed -= (double) r->stages[s].bytes;
          taken += r->stages[s].bytes;
        }
    }
  for (int s = 0; s < r->count; s++)
    if (!r->stages[s].resident)
      esp_cuda_places_assign (cuda, s);
}

/* The same stages with other buffers: as few as possible move. */
static void
adjust_plan (CudaDevice *cuda)
{
  CudaResidency *r = cuda->residency;
  size_t budget = budget_of (cuda), needed = (size_t) r->place_count * r->place_bytes;
  int streamed = 0, chosen;

  for (int s = 0; s < r->count; s++)
    {
      needed += r->stages[s].resident ? r->stages[s].bytes : 0;
      streamed += !r->stages[s].resident;
    }
  if (needed > budget)
    esp_cuda_residency_make_room (cuda, needed - budget);
  while (streamed > 0 && (chosen = middle_of_longest (r, false)) >= 0)
    {
      size_t bytes = r->stages[chosen].bytes;
      /* With the last one the places go as well. */
      size_t places = streamed == 1 ? (size_t) r->place_count * r->place_bytes : 0;

      if (needed + bytes > budget + places || !bring_home (cuda, chosen))
        break;
      needed += bytes;
      streamed--;
      esp_cuda_forget (&cuda->base, NULL);
    }
  if (streamed == 0)
    esp_cuda_places_free (cuda);
}

void
esp_cuda_plan_stages (EspDevice *device, const EspLayerGroup *stages, int count, size_t buffers)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaResidency *r;

  if (count == 0)
    {
      /* After an error too: memory has to go. */
      if (cuda->residency != NULL && cuda->residency->count > 0)
        {
          cuda->cu->context_set (cuda->context);
          esp_cuda_forget (device, NULL);
          forget_plan (cuda);
        }
      return;
    }
  if (!esp_cuda_enter (cuda) || (r = residency_of (cuda)) == NULL)
    return;
  r->current = -1;
  r->buffers = buffers;
  if (is_same_plan (r, stages, count))
    {
      adjust_plan (cuda);
      return;
    }
  esp_cuda_forget (device, NULL);
  forget_plan (cuda);
  r->stages = calloc ((size_t) count, sizeof *r->stages);
  r->groups = stages;
  r->largest = 0;
  for (int s = 0; s < count && r->stages != NULL; s++)
    {
      r->count = s + 1;
      if (!stage_init (cuda, &r->stages[s], &stages[s]))
        break;
      if (r->stages[s].bytes > r->largest)
        r->largest = r->stages[s].bytes;
    }
  if (r->stages == NULL || r->stages[count - 1].offset == NULL)
    {
      esp_device_fail (device, ESP_ERROR_MEMORY, "out of memory for the plan of weights");
      forget_plan (cuda);
      return;
    }
  choose_resident (cuda);
  esp_cuda_residency_limit_pinned (cuda, esp_cpu_free_memory () / 2);
}

void
esp_cuda_residency_limit_pinned (CudaDevice *cuda, size_t bytes)
{
  CudaResidency *r = cuda->residency;
  size_t total = 0;
  double share, owed = 0;

  /* Where nobody knows what is free, the driver says when it is too much. */
  r->pinned_most = bytes > 0 ? bytes : SIZE_MAX;
  for (int s = 0; s < r->count; s++)
    total += r->stages[s].resident ? 0 : r->stages[s].bytes;
  share = total > r->pinned_most ? (double) r->pinned_most / (double) total : 1;
  for (int s = 0; s < r->count; s++)
    if (!r->stages[s].resident)
      {
        owed += share * (double) r->stages[s].bytes;
        r->stages[s].unpinned = owed < 0.5 * (double) r->stages[s].bytes;
        owed -= r->stages[s].unpinned ? 0 : (double) r->stages[s].bytes;
      }
}

/* --- Room --------------------------------------------------------------------------------------
 */

/* Layers of no stage go back to the file, largest first, until `bytes` are free. */
static size_t
send_loose_away (CudaDevice *cuda, size_t bytes)
{
  CudaResidency *r = cuda->residency;
  size_t freed = 0;

  while (freed < bytes)
    {
      CudaLinear *largest = NULL;

      for (int i = 0; i < r->loose_count; i++)
        if (r->loose[i].prepared->home != 0 && r->loose[i].prepared != r->in_use
            && (largest == NULL || r->loose[i].prepared->bytes > largest->bytes))
          largest = r->loose[i].prepared;
      if (largest == NULL)
        break;
      esp_cuda_memory_give (cuda, largest->home, largest->bytes);
      freed += largest->bytes;
      largest->home = 0;
      esp_cuda_linear_place (largest, 0);
    }
  return freed;
}

size_t
esp_cuda_residency_yields (const CudaDevice *cuda)
{
  const CudaResidency *r = cuda->residency;
  size_t bytes = 0, places = 0;

  if (r == NULL)
    return 0;
  for (int s = 0; s < r->count; s++)
    bytes += r->stages[s].home != 0 ? r->stages[s].bytes : 0;
  if (r->place_count == 0)
    places = 2 * r->largest; /* which the weights would then arrive in */
  return bytes > places ? bytes - places : 0;
}

bool
esp_cuda_residency_make_room (CudaDevice *cuda, size_t bytes)
{
  CudaResidency *r = cuda->residency;
  size_t freed = 0, wanted;
  int chosen;

  if (r == NULL || esp_cuda_is_recording (cuda) || !esp_cuda_enter (cuda))
    return false;
  if (r->place_bytes == 0 || r->place_count == 0)
    r->place_bytes = r->largest;
  wanted = bytes + (r->place_count == 0 ? 2 * r->place_bytes : 0);
  esp_cuda_forget (&cuda->base, NULL);
  while (freed < wanted && (chosen = middle_of_longest (r, true)) >= 0)
    {
      freed += r->stages[chosen].home != 0 ? r->stages[chosen].bytes : 0;
      if (!send_away (cuda, chosen))
        return false;
    }
  if (freed < wanted)
    freed += send_loose_away (cuda, wanted - freed);
  if (freed > 0)
    {
      bool streams = false;

      for (int s = 0; s < r->count; s++)
        streams = streams || !r->stages[s].resident;
      if (streams && !esp_cuda_places_make (cuda, 2))
        return false;
      for (int s = 0; s < r->count; s++)
        if (!r->stages[s].resident && r->stages[s].place < 0)
          esp_cuda_places_assign (cuda, s);
    }
  return freed > 0;
}

/* --- Layers ------------------------------------------------------------------------------------
 */

/* The stage that lists the layer, and its index there; false: none. */
static bool
find_stage (const CudaResidency *r, const EspLinear *linear, int *stage, int *index)
{
  for (int s = 0; s < r->count; s++)
    for (int i = 0; i < r->stages[s].count; i++)
      if (r->stages[s].linears[i] == linear)
        {
          *stage = s;
          *index = i;
          return true;
        }
  return false;
}

static void
place_loose (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared)
{
  CudaResidency *r = cuda->residency;

  if (r->loose_count == r->loose_capacity)
    {
      int capacity = r->loose_capacity > 0 ? 2 * r->loose_capacity : 64;
      CudaLoose *more = realloc (r->loose, sizeof *more * (size_t) capacity);

      if (more == NULL)
        {
          esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for the weights' places");
          return;
        }
      r->loose = more;
      r->loose_capacity = capacity;
    }
  r->loose[r->loose_count++] = (CudaLoose){ linear, prepared };
  prepared->home = esp_cuda_memory_take (cuda, prepared->bytes);
  esp_cuda_linear_place (prepared, prepared->home);
}

/* Memory for a resident stage; if there is none, it streams after all. */
static bool
place_resident (CudaDevice *cuda, int index)
{
  CudaResidency *r = cuda->residency;
  CudaStage *stage = &r->stages[index];

  stage->home = esp_cuda_memory_take (cuda, stage->bytes);
  if (stage->home != 0 || cuda->base.error.status != ESP_OK)
    return stage->home != 0;
  stage->resident = false;
  stage->place = -1;
  if (r->place_count == 0)
    {
      r->place_bytes = r->largest;
      /* The places may need the room of stages that are there already; they see to this one too. */
      if (!esp_cuda_places_make (cuda, 2) && !esp_cuda_residency_make_room (cuda, 0))
        {
          esp_device_fail (&cuda->base, ESP_ERROR_MEMORY,
                           "%s: there is no room for one block of the model (%zu bytes)",
                           cuda->base.description, r->largest);
          return false;
        }
    }
  if (stage->place < 0)
    esp_cuda_places_assign (cuda, index);
  return true;
}

void *
esp_cuda_residency_place (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared)
{
  CudaResidency *r = residency_of (cuda);
  CudaStage *stage;
  int s, i;

  if (r == NULL)
    return NULL;
  if (!find_stage (r, linear, &s, &i))
    {
      place_loose (cuda, linear, prepared);
      return NULL;
    }
  stage = &r->stages[s];
  if (stage->resident && stage->home == 0 && !place_resident (cuda, s))
    return NULL;
  prepared->stage = s;
  stage->prepared[i] = prepared;
  stage->prepared_count++;
  if (stage->resident)
    {
      stage_tell (stage, stage->home);
      return NULL;
    }
  stage_pin (cuda, stage);
  esp_cuda_places_invalidate (cuda, s);
  stage_tell (stage, r->places[stage->place].data);
  return stage->host != NULL ? stage->host + stage->offset[i] : NULL;
}

static void
remove_loose (CudaDevice *cuda, CudaLinear *prepared)
{
  CudaResidency *r = cuda->residency;

  for (int i = 0; i < r->loose_count; i++)
    if (r->loose[i].prepared == prepared)
      {
        r->loose[i] = r->loose[--r->loose_count];
        esp_cuda_memory_give (cuda, prepared->home, prepared->bytes);
        break;
      }
  if (r->in_use == prepared)
    r->in_use = NULL;
  if (r->loose_count == 0)
    {
      esp_cuda_memory_give (cuda, r->transient, r->transient_bytes);
      r->transient = 0;
      r->transient_bytes = 0;
    }
}

void
esp_cuda_residency_remove (CudaDevice *cuda, CudaLinear *prepared)
{
  CudaResidency *r = cuda->residency;
  CudaStage *stage;

  if (r == NULL)
    return;
  cuda->cu->context_set (cuda->context);
  if (prepared->stage < 0)
    {
      remove_loose (cuda, prepared);
      return;
    }
  stage = &r->stages[prepared->stage];
  for (int i = 0; i < stage->count; i++)
    if (stage->prepared[i] == prepared)
      {
        stage->prepared[i] = NULL;
        stage->prepared_count--;
      }
  if (stage->prepared_count > 0)
    return;
  if (!stage->resident)
    esp_cuda_places_invalidate (cuda, prepared->stage);
  if (r->current == prepared->stage)
    r->current = -1;
  esp_cuda_memory_give (cuda, stage->home, stage->bytes);
  stage->home = 0;
  stage_unpin (cuda, stage);
}

/* A layer that has no home is copied from the file, behind all that read what was there before. */
static void
fetch_loose (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared)
{
  CudaResidency *r = cuda->residency;

  if (r->transient_bytes < prepared->bytes)
    {
      esp_cuda_memory_give (cuda, r->transient, r->transient_bytes);
      r->transient_bytes = 0;
      r->transient = esp_cuda_memory_take (cuda, prepared->bytes);
      if (r->transient == 0 && cuda->base.error.status == ESP_OK
          && esp_cuda_residency_make_room (cuda, prepared->bytes))
        r->transient = esp_cuda_memory_take (cuda, prepared->bytes);
      if (r->transient == 0)
        {
          esp_device_fail (&cuda->base, ESP_ERROR_MEMORY,
                           "out of memory on the card: %zu bytes wanted for %s, %zu bytes held",
                           prepared->bytes, linear->weight[0]->name, cuda->base.allocated);
          return;
        }
      r->transient_bytes = prepared->bytes;
    }
  if (esp_cuda_linear_copy (cuda, linear, r->transient, cuda->compute))
    esp_cuda_linear_place (prepared, r->transient);
}

void
esp_cuda_residency_want (CudaDevice *cuda, const EspLinear *linear, CudaLinear *prepared)
{
  CudaResidency *r = cuda->residency;

  if (prepared->stage < 0)
    {
      r->in_use = prepared;
      if (prepared->home == 0)
        fetch_loose (cuda, linear, prepared);
    }
  else if (!r->stages[prepared->stage].resident && r->current != prepared->stage)
    esp_cuda_begin_stage (&cuda->base, prepared->stage);
}

void
esp_cuda_residency_free (CudaDevice *cuda)
{
  CudaResidency *r = cuda->residency;

  if (r == NULL)
    return;
  forget_plan (cuda);
  esp_cuda_memory_give (cuda, r->transient, r->transient_bytes);
  free (r->loose);
  free (r);
  cuda->residency = NULL;
}
