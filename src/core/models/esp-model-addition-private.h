/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-addition-private.h: what the files of an addition share. */
#pragma once

#include "esp-model-addition.h"

G_BEGIN_DECLS

#define ESP_N_PARTS 6

/* What a commit needs to know; made on the main thread, used in another one. */
typedef struct
{
  char *id, *name, *format;
  char *folder; /* a model's folder whose manifest and scheduler count; or NULL */
  EspModelPart parts[ESP_N_PARTS];
  EspModelAddMode mode;
  char *staged; /* hidden, beside where it will be */
  char *target;
  EspModelAddProgress progress;
  gpointer progress_data;
  GMainContext *context; /* for the progress */
  guint64 done, total;
  gint64 told;
} EspModelCommit;

void _esp_model_part_clear (EspModelPart *part);
void _esp_model_part_copy (const EspModelPart *part, EspModelPart *copy);
void _esp_model_commit_free (gpointer data);

/* Puts the model together in `staged`. For a thread. */
gboolean _esp_model_commit_stage (EspModelCommit *self, GCancellable *cancellable, GError **error);
/* It can be used: makes it the library's; what was to be moved goes. For a thread. */
gboolean _esp_model_commit_publish (EspModelCommit *self, GError **error);
void _esp_model_commit_undo (EspModelCommit *self);

G_END_DECLS
