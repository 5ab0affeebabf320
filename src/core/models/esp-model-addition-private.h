/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-addition-private.h: what the files of an addition share. */
#pragma once

#include "esp-model-addition.h"

G_BEGIN_DECLS

#define ESP_N_PARTS 6

struct _EspModelAddition
{
  GObject parent_instance;

  EspModelLibrary *library;
  EspWorker *worker;
  EspModelPart parts[ESP_N_PARTS];
  char *folder; /* the model's folder that was given; or NULL */
  char *name;
  gboolean named; /* by hand */
  char *problem;
  char **remarks;

  EspLibraryModel *model; /* whose files are looked for; NULL: a new one is made */
  JsonObject *facts;      /* what was noted down of its parts; or NULL */
  char **differences;
};

/* What a commit needs to know; made on the main thread, used in another one. */
typedef struct
{
  char *id, *name, *format;
  char *folder; /* a model's folder whose manifest and scheduler count; or NULL */
  EspModelPart parts[ESP_N_PARTS];
  EspModelAddMode mode;
  gboolean mends; /* `target` is there, and only says where its parts are now */
  char *staged;   /* hidden, beside where it will be */
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

/* esp-model-addition.c. Borrowed; NULL: there is no such component. */
EspModelPart *_esp_model_addition_find_part (EspModelAddition *self, const char *component);
void _esp_model_addition_set_path (EspModelAddition *self, const char *component, const char *path,
                                   gboolean beside);

/* --- esp-model-mending.c: the files of a model that were moved --- */

/* Takes the parts of `self->model` that are there, and notes where the others were. */
void _esp_model_mending_set_up (EspModelAddition *self);

/* Looks for what is gone at `paths`, in a thread. Result: the paths of what was found, and those of
 * `paths` in which nothing was; the engine says what they are. */
void _esp_model_mending_search_async (EspModelAddition *self, const char *const *paths,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);
char **_esp_model_mending_search_finish (GAsyncResult *result,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes back what replaced parts that are not gone. Fails where nothing that is gone was found;
 * `before`: the parts as they were. */
gboolean _esp_model_mending_check (EspModelAddition *self, const EspModelPart *before,
                                   GError **error);

/* Says, after a look at them in a thread, in what the files are others than those that are gone. */
void _esp_model_mending_compare_async (EspModelAddition *self, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
void _esp_model_mending_compare_finish (EspModelAddition *self, GAsyncResult *result);

G_END_DECLS
