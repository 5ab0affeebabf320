/* SPDX-License-Identifier: MIT */
/* request.h: one line of the client, checked in full before anything is done with it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "espalier-engine.h"
#include "status.h"
#include "worker/carry.h"

/* Bounds on what a line may unfold to in memory; see docs/worker-protocol.md. */
#define ESP_REQUEST_MAX_DEPTH  32
#define ESP_REQUEST_MAX_VALUES 1000000
#define ESP_REQUEST_MAX_ID     128 /* bytes of an id that is a string */

typedef enum
{
  ESP_REQUEST_HELLO,
  ESP_REQUEST_DESCRIBE,
  ESP_REQUEST_LOAD,
  ESP_REQUEST_INSPECT,
  ESP_REQUEST_CONVERT,
  ESP_REQUEST_EDIT,
  ESP_REQUEST_TOKENIZE,
  ESP_REQUEST_CACHE,
  ESP_REQUEST_CANCEL,
  ESP_REQUEST_QUIT,
} EspRequestType;

/* One of the edits of a request: the request itself, or an entry of its `batch`. */
typedef struct EspRequestEdit
{
  json_t *id; /* borrowed from the line */
  uint64_t seed;
} EspRequestEdit;

typedef struct EspRequest
{
  EspRequestType type;
  json_t *object;               /* the whole line; owned. Everything below is borrowed from it */
  json_t *id;                   /* string or integer */
  EspModelParts parts;          /* load, inspect, edit, tokenize; describe: may be empty */
  const char *input, *output;   /* convert: paths */
  const char *format;           /* convert: "q4_k", … */
  json_t *job;                  /* cancel: the id of the job */
  json_t *texts;                /* tokenize: array of strings */
  json_t *images;               /* edit: array of 1 … ESP_IMAGES_MAX paths */
  bool previews;                /* edit: send preview events */
  bool clear;                   /* cache: remove what is kept */
  bool latents;                 /* edit: write the final latents into the spool */
  EspEditRequest edit;          /* edit: all but the pictures */
  EspLora loras[ESP_LORAS_MAX]; /* edit.loras */
  EspCarryField carry;          /* edit: becomes edit.carry when its file is opened; owned */
  EspRequestEdit *edits; /* [edit_count]; owned. The first has the request's own id and seed */
  int edit_count;        /* edit: 1 … ESP_BATCH_MAX; else 0 */
} EspRequest;

/* Parses and checks one line. On failure *request holds the line's id if it has a usable one (so
 * that the error can name it), and *protocol tells whether the line is no request of this protocol
 * (true) or asks for something impossible (false). Where request->edits is filled in, all of
 * them are refused. The caller clears *request in either case. */
EspStatus esp_request_parse (const char *line, size_t length, EspRequest *request, bool *protocol,
                             EspError *error);

/* Does it name a model, or parts of one? */
bool esp_request_names_model (const EspRequest *request);

void esp_request_clear (EspRequest *request);
