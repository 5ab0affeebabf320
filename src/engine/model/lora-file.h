/* SPDX-License-Identifier: MIT */
/* lora-file.h: what is in a LoRA file, before any model is known: modules with their two matrices,
 * whatever trainer named them. Internal to model/. */
#pragma once

#include <sys/stat.h>

#include "files/sha256.h"
#include "files/weights.h"

/* One module that the file changes. */
typedef struct EspLoraModule
{
  char *name;            /* as in the file, without ".lora_A.weight" and the like */
  const EspWeight *down; /* [rank, in]; NULL in one that is refused */
  const EspWeight *up;   /* [out, rank] */
  int64_t rank, in, out;
  double scale;   /* alpha/rank; 1 where the file has no alpha */
  bool has_alpha; /* a tensor of its own */
  /* Why it cannot be used ("it is a LoKr …"), or NULL. Static. */
  const char *refused;
} EspLoraModule;

typedef struct EspLoraFile
{
  char *path;
  struct stat identity; /* device, inode, size and time of the file that was opened */
  char hash[ESP_SHA256_HEX_SIZE];
  EspWeights *weights;
  EspLoraModule *modules; /* in name order */
  int64_t count;
  int64_t used;       /* modules that fit the model of the edit */
  const char *naming; /* "kohya", "diffusers", …; for people, static */
} EspLoraFile;

/* Maps and reads the file, checks every number for NaN and infinity and hashes all of it. Errors
 * name the file and the module: ESP_ERROR_FILE; ESP_ERROR_FORMAT (a half LoRA, matrices that do not
 * fit each other, a module twice); ESP_ERROR_NUMERIC; ESP_ERROR_UNSUPPORTED (no LoRA at all);
 * ESP_ERROR_MEMORY. */
EspStatus esp_lora_file_open (const char *path, EspLoraFile **result, EspError *error);
void esp_lora_file_close (EspLoraFile *file); /* NULL is allowed */

/* False if the path's file is another one than when it was opened, or gone. */
bool esp_lora_file_is_current (const EspLoraFile *file);
