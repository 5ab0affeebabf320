/* SPDX-License-Identifier: MIT */
/* model-manifest.h: what a model's maker says about it, in an optional espalier.json beside
 * model_index.json.
 *
 * Its fields, all optional: "id", "name", "licence", "source" (strings), "kind" ("demo" or "full"),
 * "t5_tokens", "working_pixels", "default_steps" (whole numbers), "default_guidance" (a number),
 * "instructions" (an array of strings), "components" (an object of paths). Others are ignored.
 */
#pragma once

#include <stdint.h>

#include "status.h"

/* What a model is put together from, in the order of esp_part_id(). The first four are the
 * components of files/component-names.h. */
#define ESP_PART_TOKENIZER   4 /* CLIP's */
#define ESP_PART_TOKENIZER_2 5 /* T5's */
#define ESP_PART_COUNT       6

/* "transformer", "clip", "t5", "vae", "tokenizer", "tokenizer_2". Static. */
const char *esp_part_id (int part);

typedef struct EspManifest
{
  char *id;                   /* else the folder's own name */
  char *name;                 /* for people; else the id */
  char *kind;                 /* "demo" or "full"; else "full" */
  char *licence;              /* SPDX identifier; else "" */
  char *source;               /* where a person finds out more; else "" */
  int t5_tokens;              /* 1 … 4096; else 512 */
  int64_t working_pixels;     /* 256 … 67,108,864; else 0: the seventeen Kontext sizes */
  int default_steps;          /* 1 … 1000; else 28 */
  double default_guidance;    /* 0 … 100; else 2.5 */
  char **instructions;        /* NULL-terminated, at most 1000, may be empty */
  char *part[ESP_PART_COUNT]; /* "components": where each is, NULL = not said; relative paths have
                                 been resolved from the model's folder */
} EspManifest;

/* Reads the manifest of the model in the folder `model_folder`, or gives the values above where it
 * has none. The caller clears *m. Errors: ESP_ERROR_FILE (no such folder, unreadable);
 * ESP_ERROR_FORMAT naming file and field; ESP_ERROR_MEMORY; then *m is empty. */
EspStatus esp_manifest_read (const char *model_folder, EspManifest *m, EspError *error);

/* The values of a model that is the one file `path`: its id and name are the file's without the
 * ending. Errors: ESP_ERROR_MEMORY. */
EspStatus esp_manifest_for_file (const char *path, EspManifest *m, EspError *error);

/* Frees what *m holds and empties it; an empty one is allowed. */
void esp_manifest_clear (EspManifest *m);
