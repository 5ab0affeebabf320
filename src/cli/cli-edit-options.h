/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-edit-options.h: the options of `edit`, read and checked before any work. */
#pragma once

#include <json-glib/json-glib.h>

#include "cli-keep.h"

G_BEGIN_DECLS

typedef struct
{
  char **inputs; /* 1 … 8 paths */
  char *prompt;
  char *output;
  EspPictureFormat format;
  char *model; /* as given, or NULL */
  char **component_texts;
  char *backend;
  char *negative_prompt; /* or NULL */
  char *true_cfg_text, *seed_text, *steps_text, *guidance_text, *threads_text,
      *step_cache_text;                                                    /* as given, or NULL */
  char *size, *multi_ref, *device, *dtype, *vae_tiling, *blas, *vram_text; /* or NULL */
  char *noise, *dump;                                                      /* or NULL */
  char **loras; /* FILE[:STRENGTH], or NULL */
  gboolean lora_partial;
  gboolean no_metadata, no_cache, json, quiet, explain_memory;

  CliKeep keep;

  /* For remote backends. */
  char *base_url, *key_file, *patience_text; /* as given, or NULL */
  char **config, **settings;                 /* NAME=VALUE, or NULL */
  gboolean own_host, cancel_on_interrupt;

  guint64 seed;                      /* the given one or a random one */
  double true_cfg, step_cache, vram; /* vram in GiB, 0 = what is free */
} CliEditOptions;

/* Reads the command line. FALSE with *status after --help or after a line that names the wrong
 * option. */
gboolean cli_edit_options_read (CliEditOptions *self, char ***arguments, int *status);

/* Is it for a remote backend? */
gboolean cli_edit_options_is_remote (const CliEditOptions *self);

/* Checks what was read, for the local backend. */
gboolean cli_edit_options_check (CliEditOptions *self, int *status);

/* The parameters of the edit as the worker takes them. */
JsonObject *cli_edit_options_get_parameters (const CliEditOptions *self) G_GNUC_WARN_UNUSED_RESULT;

void cli_edit_options_clear (CliEditOptions *self);

G_END_DECLS
