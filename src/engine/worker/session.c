/* SPDX-License-Identifier: MIT */
#include "worker/session.h"

#include <stdio.h>
#include <time.h>

#include "json-memory.h"
#include "model/inspect.h"
#include "worker/cache-folder.h"
#include "worker/parameters.h"

void
esp_session_send_error (EspChannel *channel, json_t *id, const EspError *error)
{
  esp_channel_error (channel, id, esp_status_name (error->status), error->message);
}

json_t *
esp_model_json (const EspModelInfo *model)
{
  const unsigned failures = esp_memory_failures ();
  json_t *instructions = json_array (), *notes = json_array ();

  for (int i = 0; model->instructions != NULL && model->instructions[i] != NULL; i++)
    json_array_append_new (instructions, esp_json_text (model->instructions[i]));

  for (int i = 0; model->notes != NULL && model->notes[i] != NULL; i++)
    json_array_append_new (notes, esp_json_text (model->notes[i]));

  return esp_json_whole (
      json_pack ("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:I, s:i, s:f, s:o, s:I, s:I, s:o}",
                 "path", esp_json_text (model->path), "id", esp_json_text (model->id), "name",
                 esp_json_text (model->name), "kind", esp_json_text (model->kind), "licence",
                 esp_json_text (model->licence), "source", esp_json_text (model->source), "hash",
                 esp_json_text (model->hash), "t5_tokens", model->t5_tokens, "working_pixels",
                 (json_int_t) model->working_pixels, "default_steps", model->default_steps,
                 "default_guidance", model->default_guidance, "instructions", instructions,
                 "weight_bytes", (json_int_t) model->weight_bytes, "parameters",
                 (json_int_t) model->parameters, "notes", notes),
      failures);
}

void
esp_session_fail (EspSession *session, EspJob *job, const EspError *error)
{
  for (int i = 0; i < job->part_count; i++)
    if (!atomic_exchange (&job->parts[i].over, true))
      esp_session_send_error (session->channel, job->parts[i].id, error);
}

static json_t *
devices_json (const EspDeviceInfo *devices, int count)
{
  json_t *array = json_array ();

  for (int i = 0; i < count; i++)
    {
      json_t *device
          = json_pack ("{s:s, s:b, s:b, s:i, s:o}", "id", devices[i].id, "usable",
                       devices[i].usable, "bf16", devices[i].bf16, "threads", devices[i].threads,
                       "description", esp_json_text (devices[i].description));

      if (device != NULL && devices[i].capability > 0)
        json_object_update_new (
            device, json_pack ("{s:o, s:b, s:I, s:I, s:i, s:i}", "name",
                               esp_json_text (devices[i].name), "fp8", devices[i].fp8, "memory",
                               (json_int_t) devices[i].memory, "free", (json_int_t) devices[i].free,
                               "capability", devices[i].capability, "driver", devices[i].driver));
      json_array_append_new (array, device);
    }

  return array;
}

json_t *
esp_confined_json (const EspConfined *confined)
{
  return json_pack ("{s:b, s:b}", "files", confined->files, "calls", confined->calls);
}

json_t *
esp_description_new (json_t *id, const EspConfined *confined, const EspModelInfo *model, int batch)
{
  const unsigned failures = esp_memory_failures ();
  EspDeviceInfo devices[ESP_DEVICES_MAX];
  int count = esp_list_devices (devices, ESP_DEVICES_MAX);
  char kernels[160];

  count = count < ESP_DEVICES_MAX ? count : ESP_DEVICES_MAX;
  esp_describe_kernels (kernels, sizeof kernels);
  return esp_json_whole (
      json_pack ("{s:s, s:O, s:i, s:s, s:o, s:s, s:o, s:o, s:i, s:o, s:o}", "type", "description",
                 "id", id, "protocol", ESP_PROTOCOL_VERSION, "engine", ESP_VERSION, "devices",
                 devices_json (devices, count), "cuda_kernels", kernels, "model",
                 model != NULL ? esp_model_json (model) : json_null (), "parameters",
                 esp_parameters_schema (model, devices, count), "batch", batch, "cache",
                 esp_cache_json (false), "confined", esp_confined_json (confined)),
      failures);
}

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
}

static EspStatus
run_load (EspSession *session, EspJob *job, EspError *error)
{
  double start = now ();
  EspModel *model;
  EspStatus status = esp_model_cache_get (&session->cache, &job->request.parts, &model, error);

  if (status == ESP_OK)
    esp_channel_send (session->channel, job->request.id,
                      json_pack ("{s:s, s:O, s:o, s:f}", "type", "loaded", "id", job->request.id,
                                 "model", esp_model_json (esp_model_info (model)), "seconds",
                                 now () - start));

  return status;
}

/* Leaves the model that is open alone. */
static EspStatus
run_inspect (EspSession *session, EspJob *job, EspError *error)
{
  json_t *event = NULL;
  EspStatus status = esp_inspect (&job->request.parts, &event, error);
  const unsigned failures = esp_memory_failures ();

  if (status != ESP_OK)
    return status;
  json_object_set_new (event, "type", json_string ("inspection"));
  json_object_set (event, "id", job->request.id);
  esp_channel_send (session->channel, job->request.id, esp_json_whole (event, failures));
  return ESP_OK;
}

/* What an edit of the usual size needs, or null. */
static json_t *
memory_json (EspModel *model)
{
  EspMemoryPlan plan;
  EspError error = ESP_ERROR_INIT;

  if (esp_model_usual_plan (model, &plan, &error) != ESP_OK)
    return json_null ();
  return json_pack ("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "text_weights",
                    (json_int_t) plan.text_weights, "transformer_weights",
                    (json_int_t) plan.transformer_weights, "vae_weights",
                    (json_int_t) plan.vae_weights, "modulations", (json_int_t) plan.modulations,
                    "steps", (json_int_t) plan.steps, "vae", (json_int_t) plan.vae, "buffers",
                    (json_int_t) plan.buffers, "peak", (json_int_t) plan.peak, "available",
                    (json_int_t) plan.available);
}

static EspStatus
run_describe (EspSession *session, EspJob *job, EspError *error)
{
  EspModel *model;
  EspStatus status = esp_model_cache_get (&session->cache, &job->request.parts, &model, error);
  const unsigned failures = esp_memory_failures ();
  json_t *description;

  if (status != ESP_OK)
    return status;
  description = esp_description_new (job->request.id, &session->confined, esp_model_info (model),
                                     esp_model_usual_batch (model));
  json_object_set_new (description, "memory", memory_json (model));
  esp_channel_send (session->channel, job->request.id, esp_json_whole (description, failures));
  return ESP_OK;
}

static json_t *
ids_json (const EspTokenList *list)
{
  json_t *array = json_array ();

  for (int i = 0; i < list->count; i++)
    json_array_append_new (array, json_integer (list->ids[i]));

  return array;
}

static EspStatus
tokenize_one (const EspModel *model, const json_t *text, json_t *items, EspError *error)
{
  EspTokenList clip = { NULL, 0, false }, t5 = { NULL, 0, false };
  EspStatus status = esp_model_tokenize (model, json_string_value (text), json_string_length (text),
                                         &clip, &t5, error);
  const unsigned failures = esp_memory_failures ();

  if (status == ESP_OK)
    json_array_append_new (items, json_pack ("{s:o, s:o, s:b, s:b}", "t5", ids_json (&t5), "clip",
                                             ids_json (&clip), "t5_truncated", t5.truncated,
                                             "clip_truncated", clip.truncated));
  if (status == ESP_OK && esp_memory_failures () != failures)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "tokenize: out of memory");

  esp_token_list_clear (&clip);
  esp_token_list_clear (&t5);
  return status;
}

static EspStatus
run_tokenize (EspSession *session, EspJob *job, EspError *error)
{
  json_t *items = json_array ();
  EspModel *model;
  EspStatus status = esp_model_cache_get (&session->cache, &job->request.parts, &model, error);

  for (size_t i = 0; status == ESP_OK && i < json_array_size (job->request.texts); i++)
    {
      EspError reason = ESP_ERROR_INIT;

      status = tokenize_one (model, json_array_get (job->request.texts, i), items, &reason);
      if (status != ESP_OK)
        esp_error_set (error, status, "texts: item %zu: %s", i, reason.message);
      else if (atomic_load (&job->cancel))
        status = esp_error_set (error, ESP_ERROR_CANCELLED, "the job was cancelled");
    }

  if (status == ESP_OK)
    esp_channel_send (
        session->channel, job->request.id,
        json_pack ("{s:s, s:O, s:o}", "type", "tokens", "id", job->request.id, "items", items));
  else
    json_decref (items);

  return status;
}

void
esp_session_run (EspSession *session, EspJob *job)
{
  EspError error = ESP_ERROR_INIT;
  EspStatus status = ESP_OK;

  if (atomic_load (&job->cancel))
    status = esp_error_set (&error, ESP_ERROR_CANCELLED, "the job was cancelled");
  else if (job->request.type == ESP_REQUEST_LOAD)
    status = run_load (session, job, &error);
  else if (job->request.type == ESP_REQUEST_INSPECT)
    status = run_inspect (session, job, &error);
  else if (job->request.type == ESP_REQUEST_CONVERT)
    status = esp_session_run_convert (session, job, &error);
  else if (job->request.type == ESP_REQUEST_DESCRIBE)
    status = run_describe (session, job, &error);
  else if (job->request.type == ESP_REQUEST_TOKENIZE)
    status = run_tokenize (session, job, &error);
  else
    esp_session_run_edit (session, job);

  if (status != ESP_OK)
    esp_session_fail (session, job, &error);
}
