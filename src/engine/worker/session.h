/* SPDX-License-Identifier: MIT */
/* session.h: what the worker knows between jobs, and the jobs themselves. */
#pragma once

#include "confine/confine.h"
#include "worker/channel.h"
#include "worker/jobs.h"
#include "worker/model-cache.h"
#include "worker/spool.h"

#define ESP_PROTOCOL_VERSION 1

typedef struct EspSession
{
  EspChannel *channel;
  const EspSpool *spool;
  EspModelCache cache;
  EspConfined confined; /* set before the first job */
} EspSession;

/* Works one job off and sends its events, the last of which is its answer or an error. Called by
 * one thread at a time. */
void esp_session_run (EspSession *session, EspJob *job);

/* The answer to `describe` without a model: needs no session state and may be sent by any thread.
 * `model` NULL = none. `batch`: see the protocol. New reference, or NULL when memory is out. */
json_t *esp_description_new (json_t *id, const EspConfined *confined, const EspModelInfo *model,
                             int batch);

/* What holds the process, as an object. New reference, or NULL when memory is out. */
json_t *esp_confined_json (const EspConfined *confined);

/* What is known of a model, as an object. New reference, or NULL when memory is out. */
json_t *esp_model_json (const EspModelInfo *model);

/* Sends the error of a job. */
void esp_session_send_error (EspChannel *channel, json_t *id, const EspError *error);

/* Sends the error to everyone of the job who has no answer yet. */
void esp_session_fail (EspSession *session, EspJob *job, const EspError *error);

/* Converts; in convert-job.c. */
EspStatus esp_session_run_convert (EspSession *session, EspJob *job, EspError *error);

/* Edits; in edit-job.c. */
void esp_session_run_edit (EspSession *session, EspJob *job);
