/* SPDX-License-Identifier: MIT */
/* cuda-recordings.c: stretches of work that the card repeats at one call, as CUDA graphs.
 *
 * The first time that a key is asked for, its operations simply run: kernels are loaded and scratch
 * gets its size. The second time they are recorded and the recording is run; from then on it alone.
 * Only the compute stream is recorded. What weights have to arrive is asked for by begin_stage()
 * before replay(), so it is in no recording: a stage's place on the card is always the same one.
 */
#include "ops/cuda/cuda-device.h"

#include <stdlib.h>

typedef struct Recording
{
  const void *owner;
  uint64_t key;
  CUgraphExec graph; /* NULL: has run once, is recorded next time */
} Recording;

struct CudaRecordings
{
  Recording *recordings;
  int count, capacity;
  /* What replay() sent the caller away to do; -1: nothing. */
  int current;
  bool recording; /* and it is being recorded */
  bool spoiled;   /* but is of no use: memory that it names goes */
};

static CudaRecordings *
recordings_of (CudaDevice *cuda)
{
  if (cuda->recordings == NULL)
    {
      cuda->recordings = calloc (1, sizeof *cuda->recordings);
      if (cuda->recordings != NULL)
        cuda->recordings->current = -1;
      else
        esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for recordings");
    }
  return cuda->recordings;
}

bool
esp_cuda_is_recording (const CudaDevice *cuda)
{
  return cuda->recordings != NULL && cuda->recordings->recording;
}

/* The recording's place in the list, -1 if there is none. */
static int
find (const CudaRecordings *all, const void *owner, uint64_t key)
{
  for (int i = 0; i < all->count; i++)
    if (all->recordings[i].owner == owner && all->recordings[i].key == key)
      return i;
  return -1;
}

static int
add (CudaDevice *cuda, const void *owner, uint64_t key)
{
  CudaRecordings *all = cuda->recordings;

  if (all->count == all->capacity)
    {
      int capacity = all->capacity > 0 ? 2 * all->capacity : 64;
      Recording *more = realloc (all->recordings, sizeof *more * (size_t) capacity);

      if (more == NULL)
        {
          esp_device_fail (&cuda->base, ESP_ERROR_MEMORY, "out of memory for recordings");
          return -1;
        }
      all->recordings = more;
      all->capacity = capacity;
    }
  all->recordings[all->count] = (Recording){ owner, key, NULL };
  return all->count++;
}

bool
esp_cuda_replay (EspDevice *device, const void *owner, uint64_t key)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaRecordings *all = esp_cuda_enter (cuda) ? recordings_of (cuda) : NULL;
  int found;

  if (all == NULL)
    return false;
  if (all->current >= 0)
    {
      esp_device_fail (device, ESP_ERROR_ARGUMENT, "replay: the one before was not ended");
      return false;
    }
  found = find (all, owner, key);
  if (found < 0)
    {
      all->current = add (cuda, owner, key);
      return false;
    }
  if (all->recordings[found].graph != NULL)
    {
      esp_cuda_ok (cuda, cuda->cu->graph_launch (all->recordings[found].graph, cuda->compute),
                   "running a recording");
      return true;
    }
  all->current = found;
  all->spoiled = false;
  all->recording = esp_cuda_ok (
      cuda, cuda->cu->capture_begin (cuda->compute, CU_STREAM_CAPTURE_MODE_RELAXED), "recording");
  return false;
}

/* Ends the capture; its graph, or NULL. After an error too, so that the stream is usable again. */
static CUgraphExec
end_capture (CudaDevice *cuda)
{
  CUgraph graph = NULL;
  CUgraphExec executable = NULL;

  cuda->cu->context_set (cuda->context);
  if (esp_cuda_ok (cuda, cuda->cu->capture_end (cuda->compute, &graph), "recording")
      && cuda->base.error.status == ESP_OK)
    esp_cuda_ok (cuda, cuda->cu->graph_instantiate (&executable, graph, 0), "recording");
  if (graph != NULL)
    cuda->cu->graph_destroy (graph);
  return executable;
}

void
esp_cuda_recorded (EspDevice *device)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaRecordings *all = cuda->recordings;
  CUgraphExec graph;
  int current;

  if (all == NULL || all->current < 0)
    return;
  current = all->current;
  all->current = -1;
  if (!all->recording) /* it only ran, to be recorded next time */
    return;
  all->recording = false;
  graph = end_capture (cuda);
  if (graph == NULL)
    return;
  esp_cuda_ok (cuda, cuda->cu->graph_launch (graph, cuda->compute), "running a recording");
  if (!all->spoiled)
    all->recordings[current].graph = graph;
  else
    {
      cuda->cu->stream_synchronize (cuda->compute);
      cuda->cu->executable_destroy (graph);
    }
}

void
esp_cuda_forget (EspDevice *device, const void *owner)
{
  CudaDevice *cuda = (CudaDevice *) device;
  CudaRecordings *all = cuda->recordings;
  int left = 0;

  if (owner == NULL)
    esp_cuda_adapters_stale (cuda);
  if (all == NULL)
    return;
  cuda->cu->context_set (cuda->context);
  for (int i = 0; i < all->count; i++)
    {
      Recording *recording = &all->recordings[i];
      bool goes = owner == NULL || recording->owner == owner;

      if (goes && recording->graph != NULL)
        {
          cuda->cu->executable_destroy (recording->graph);
          recording->graph = NULL;
        }
      if (goes && i == all->current)
        all->spoiled = true;
      /* Those that everybody loses will be wanted again: kernels are there, scratch grows. */
      if (goes && owner != NULL && i != all->current)
        continue;
      if (i == all->current)
        all->current = left;
      all->recordings[left++] = *recording;
    }
  all->count = left;
}

void
esp_cuda_recordings_free (CudaDevice *cuda)
{
  CudaRecordings *all = cuda->recordings;

  if (all == NULL)
    return;
  if (all->recording)
    {
      CUgraphExec graph = end_capture (cuda);

      if (graph != NULL)
        cuda->cu->executable_destroy (graph);
      all->recording = false;
    }
  all->current = -1;
  esp_cuda_forget (&cuda->base, NULL);
  free (all->recordings);
  free (all);
  cuda->recordings = NULL;
}
