/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "files/ppm.h"
#include "files/weights.h"
#include "json-memory.h"
#include "worker/cache-folder.h"
#include "worker/loras.h"
#include "worker/session.h"

/* The largest picture that is taken: 2²⁸ pixels are 805 MB. */
#define IMAGE_PIXELS_MAX ((int64_t) 1 << 28)

/* Within a stage, progress is news at most this often. */
#define PROGRESS_SECONDS 0.1

/* A preview's file stays until this many newer ones were sent. */
#define PREVIEWS_KEPT 2

#define NAME_SIZE 64

/* What was last told of one of the edits. */
typedef struct Told
{
  EspStage stage;
  int step;
  double time; /* 0 = nothing was sent yet */
} Told;

/* The edits that are made: the parts of the job that nobody cancelled while they waited. */
typedef struct EditRun
{
  EspSession *session;
  EspJob *job;
  EspModel *model;
  int count;
  EspEditSample samples[ESP_BATCH_MAX];
  int part[ESP_BATCH_MAX]; /* of the job */
  Told told[ESP_BATCH_MAX];
} EditRun;

static json_t *
id_of (const EditRun *run, int index)
{
  return run->job->parts[run->part[index]].id;
}

/* Names the files of one edit. */
static uint64_t
number_of (const EditRun *run, int index)
{
  return run->job->number + (uint64_t) run->part[index];
}

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
}

static void
on_progress (void *data, int index, const EspProgress *progress)
{
  EditRun *run = data;
  Told *told = &run->told[index];
  double time = now ();
  json_t *left;

  if (told->time > 0 && progress->stage == told->stage && progress->step == told->step
      && time - told->time < PROGRESS_SECONDS)
    return;

  *told = (Told){ progress->stage, progress->step, time };

  left = progress->seconds_left >= 0 ? json_real (progress->seconds_left) : json_null ();
  esp_channel_send_if_ready (run->session->channel,
                             json_pack ("{s:s, s:O, s:s, s:i, s:i, s:f, s:o}", "type", "progress",
                                        "id", id_of (run, index), "stage",
                                        esp_stage_name (progress->stage), "step", progress->step,
                                        "steps", progress->steps, "fraction", progress->fraction,
                                        "seconds_left", left));
}

static void
preview_name (const EditRun *run, int index, int step, char name[NAME_SIZE])
{
  snprintf (name, NAME_SIZE, "preview-%" PRIu64 "-%d.ppm", number_of (run, index), step);
}

/* A preview that cannot be written is no reason to fail: the disk may be full of them. */
static void
on_preview (void *data, int index, int step, const EspImage *image)
{
  EditRun *run = data;
  char name[NAME_SIZE];
  char *path;

  preview_name (run, index, step, name);
  path = esp_spool_file (run->session->spool, name);
  if (path != NULL && esp_ppm_write (path, image, NULL) == ESP_OK)
    esp_channel_send_if_ready (run->session->channel,
                               json_pack ("{s:s, s:O, s:o, s:i, s:i, s:i}", "type", "preview", "id",
                                          id_of (run, index), "path", esp_json_text (path), "step",
                                          step, "width", image->width, "height", image->height));
  free (path);

  if (step > PREVIEWS_KEPT)
    {
      preview_name (run, index, step - PREVIEWS_KEPT, name);
      esp_spool_remove_file (run->session->spool, name);
    }
}

static EspStatus
read_images (const EspRequest *request, EspImage images[ESP_IMAGES_MAX], EspError *error)
{
  for (int i = 0; i < request->edit.image_count; i++)
    {
      const char *path = json_string_value (json_array_get (request->images, (size_t) i));
      EspStatus status = esp_ppm_read (path, IMAGE_PIXELS_MAX, &images[i], error);

      if (status != ESP_OK)
        return status;
    }

  return ESP_OK;
}

/* Reads the request's latents, if it has any, and checks their shape. *edit looks at *values then,
 * which the caller frees (or NULL): in a file they may begin anywhere. */
static EspStatus
read_carry (const EspCarryField *carry, float **values, EspCarry *edit, EspError *error)
{
  const int64_t shape[2] = {
    (int64_t) (carry->width / ESP_SIZE_MULTIPLE) * (int64_t) (carry->height / ESP_SIZE_MULTIPLE), -1
  };
  const EspWeight *latents = NULL;
  EspWeights *file = NULL;
  EspStatus status;

  *values = NULL;
  *edit = (EspCarry){ .latents = NULL };
  if (carry->path == NULL)
    return ESP_OK;
  status = esp_weights_open_file (carry->path, &file, error);
  if (status == ESP_OK)
    status = esp_weights_require (file, "latents", 2, shape, &latents, error);
  if (status == ESP_OK && latents->dtype != ESP_F32)
    status = esp_error_set (error, ESP_ERROR_FORMAT, "%s: tensor 'latents' is %s, expected F32",
                            carry->path, esp_dtype_name (latents->dtype));
  if (status == ESP_OK && esp_find_non_finite (ESP_F32, latents->data, latents->count) >= 0)
    status = esp_error_set (error, ESP_ERROR_NUMERIC,
                            "%s: tensor 'latents' has a NaN or infinite value", carry->path);
  if (status == ESP_OK && (*values = malloc ((size_t) latents->count * sizeof (float))) == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", carry->path);
  if (status == ESP_OK)
    {
      memcpy (*values, latents->data, (size_t) latents->count * sizeof (float));
      *edit = (EspCarry){ .latents = *values,
                          .width = carry->width,
                          .height = carry->height,
                          .token_width = (int) latents->shape[1],
                          .tokens = carry->tokens,
                          .model_hash = carry->model_hash };
    }
  esp_weights_close (file);
  return status;
}

/* Says why a card that was asked for by name cannot be had, before minutes are spent on it. */
static EspStatus
check_device (const EspEditRequest *request, EspError *error)
{
  EspDeviceInfo devices[ESP_DEVICES_MAX];
  const EspDeviceInfo *refused = NULL;
  char id[16];
  int count;

  if (request->device != ESP_DEVICE_CUDA)
    return ESP_OK;

  count = esp_list_devices (devices, ESP_DEVICES_MAX);
  snprintf (id, sizeof id, "cuda:%d", request->card);
  for (int i = 0; i < count && i < ESP_DEVICES_MAX; i++)
    {
      if (strncmp (devices[i].id, "cuda", strlen ("cuda")) != 0
          || (request->card >= 0 && strcmp (devices[i].id, id) != 0
              && strcmp (devices[i].id, "cuda") != 0))
        continue;
      if (devices[i].usable)
        return ESP_OK;
      refused = &devices[i];
    }
  if (refused == NULL)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "device: there is no card %s; `espalier-cli describe` names those there "
                          "are",
                          id);
  return esp_error_set (error, ESP_ERROR_UNSUPPORTED, "device: cuda cannot be used: %s",
                        refused->description);
}

/* Starts the peak memory (VmHWM) of the process anew, so that each result tells its own. Where the
 * kernel does not offer it the figure is the largest so far. See proc(5), clear_refs. */
static void
reset_peak_memory (void)
{
  int file = open ("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

  if (file >= 0)
    {
      ssize_t written = write (file, "5", 1);

      (void) written;
      close (file);
    }
}

static EspStatus
write_latents (const char *path, const EspEditResult *result, EspError *error)
{
  EspWeight tensor = { .name = "latents",
                       .file = path,
                       .dtype = ESP_F32,
                       .dims = 2,
                       .shape = { result->latent_tokens, result->latent_width },
                       .count = (int64_t) result->latent_tokens * result->latent_width,
                       .data = result->latents };

  return esp_safetensors_write (path, &tensor, 1, error);
}

static json_t *
timings_json (const EspEditResult *result)
{
  json_t *timings = json_object ();

  for (int i = 0; i < ESP_STAGE_COUNT; i++)
    json_object_set_new (timings, esp_stage_name ((EspStage) i), json_real (result->seconds[i]));
  json_object_set_new (timings, "total", json_real (result->seconds_total));

  return timings;
}

/* Seeds that a signed 64-bit integer cannot hold travel as a string. */
static json_t *
seed_json (uint64_t seed)
{
  char text[24];

  if (seed <= INT64_MAX)
    return json_integer ((json_int_t) seed);

  snprintf (text, sizeof text, "%" PRIu64, seed);
  return json_string (text);
}

static json_t *
reused_json (unsigned reused)
{
  static const struct
  {
    EspReused flag;
    const char *name;
  } names[] = { { ESP_REUSED_TEXT, "text" },
                { ESP_REUSED_ENCODE, "encode" },
                { ESP_REUSED_MODULATIONS, "modulations" } };
  json_t *array = json_array ();

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (reused & names[i].flag)
      json_array_append_new (array, json_string (names[i].name));

  return array;
}

static json_t *
result_json (const EditRun *run, int index, const EspEditResult *result, const char *path,
             const char *latents)
{
  const unsigned failures = esp_memory_failures ();
  json_t *event
      = json_pack ("{s:s, s:O, s:o, s:o, s:i, s:i, s:o, s:i, s:f}", "type", "result", "id",
                   id_of (run, index), "path", esp_json_text (path), "latents",
                   latents != NULL ? esp_json_text (latents) : json_null (), "width",
                   result->image.width, "height", result->image.height, "seed",
                   seed_json (result->seed), "steps", result->steps, "guidance", result->guidance);
  json_t *more = json_pack (
      "{s:o, s:I, s:o, s:b, s:b, s:b, s:i, s:i, s:s, s:s, s:o, s:o, s:i, s:i, s:f}", "timings",
      timings_json (result), "peak_memory", (json_int_t) result->peak_memory, "model",
      esp_model_json (esp_model_info (run->model)), "clip_truncated", result->clip_truncated,
      "t5_truncated", result->t5_truncated, "scaled", result->scaled, "source_width",
      result->source_width, "source_height", result->source_height, "device", result->device,
      "dtype", result->dtype, "device_description", esp_json_text (result->device_description),
      "reused", reused_json (result->reused), "shared", result->shared, "computed_steps",
      result->computed_steps, "carried", result->carried);

  if (more != NULL && result->not_carried[0] != '\0')
    json_object_set_new (more, "not_carried", esp_json_text (result->not_carried));
  if (more != NULL && result->notice[0] != '\0')
    json_object_set_new (more, "notice", esp_json_text (result->notice));
  if (more != NULL && result->memory != NULL)
    json_object_set_new (more, "memory", esp_json_text (result->memory));
  if (event == NULL || more == NULL || json_object_update (event, more) != 0
      || json_object_set_new (event, "loras", esp_loras_json (result)) != 0)
    {
      json_decref (event);
      event = NULL;
    }
  json_decref (more);

  return esp_json_whole (event, failures);
}

static EspStatus
send_result (EditRun *run, int index, const EspEditResult *result, EspError *error)
{
  const EspSpool *spool = run->session->spool;
  char name[NAME_SIZE];
  char *path, *latents;
  json_t *event = NULL;
  EspStatus status = ESP_OK;

  snprintf (name, sizeof name, "result-%" PRIu64 ".ppm", number_of (run, index));
  path = esp_spool_file (spool, name);
  snprintf (name, sizeof name, "latents-%" PRIu64 ".safetensors", number_of (run, index));
  latents = esp_spool_file (spool, name);

  if (path == NULL || latents == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "result: out of memory");
  if (status == ESP_OK)
    status = esp_ppm_write (path, &result->image, error);
  if (status == ESP_OK && run->job->request.latents)
    status = write_latents (latents, result, error);

  if (status == ESP_OK)
    event = result_json (run, index, result, path, run->job->request.latents ? latents : NULL);
  if (status == ESP_OK && event == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "result: out of memory");

  /* Files that nobody is told of would stay until the worker ends. */
  if (event == NULL || !esp_channel_send (run->session->channel, id_of (run, index), event))
    {
      if (path != NULL)
        unlink (path);
      if (latents != NULL)
        unlink (latents);
    }

  free (path);
  free (latents);
  return status;
}

static void
on_done (void *data, int index, EspEditResult *result, const EspError *error)
{
  EditRun *run = data;
  EspError failure = error != NULL ? *error : (EspError) ESP_ERROR_INIT;

  /* Whoever reads the answer may use the id again at once. */
  atomic_store (&run->job->parts[run->part[index]].over, true);
  if (result == NULL || send_result (run, index, result, &failure) != ESP_OK)
    esp_session_send_error (run->session->channel, id_of (run, index), &failure);
  if (result != NULL)
    esp_edit_result_clear (result);
}

static EspStatus
run_edits (EditRun *run, EspImage images[ESP_IMAGES_MAX], float **carried, EspError *error)
{
  EspRequest *request = &run->job->request;
  EspBatchCallbacks callbacks = { .progress = on_progress,
                                  .preview = request->previews ? on_preview : NULL,
                                  .done = on_done,
                                  .data = run,
                                  .cancel = &run->job->cancel };
  EspStatus status = check_device (&request->edit, error);
  uint64_t limit;
  char *folder;

  if (status == ESP_OK)
    status = read_images (request, images, error);
  if (status == ESP_OK)
    status = read_carry (&request->carry, carried, &request->edit.carry, error);
  if (status == ESP_OK)
    status = esp_model_cache_get (&run->session->cache, &request->parts, &run->model, error);
  if (status != ESP_OK)
    return status;
  folder = esp_cache_folder (&limit);
  status = esp_model_set_disk_cache (run->model, folder, limit, error);
  free (folder);
  if (status != ESP_OK)
    return status;

  request->edit.images = images;
  request->edit.loras = request->loras;
  reset_peak_memory ();
  return esp_model_edit_batch (run->model, &request->edit, run->samples, run->count, &callbacks,
                               error);
}

void
esp_session_run_edit (EspSession *session, EspJob *job)
{
  EditRun run = { .session = session, .job = job };
  EspImage images[ESP_IMAGES_MAX] = { { NULL, 0, 0 } };
  float *carried = NULL;
  EspError error = ESP_ERROR_INIT;

  for (int i = 0; i < job->part_count; i++)
    if (!atomic_load (&job->parts[i].over))
      {
        run.part[run.count] = i;
        run.samples[run.count++] = (EspEditSample){ .seed = job->request.edits[i].seed,
                                                    .cancel = &job->parts[i].cancel };
      }

  if (run.count > 0 && run_edits (&run, images, &carried, &error) != ESP_OK)
    esp_session_fail (session, job, &error);
  free (carried);

  for (int i = 0; i < ESP_IMAGES_MAX; i++)
    free (images[i].pixels);
}
