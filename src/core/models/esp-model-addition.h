/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-addition.h: making a model of the library out of files that a person has, and finding
 * those of one again that were moved.
 *
 * Make one, give it files and folders (dropped, chosen), show what was found and what is missing,
 * let the person give more, then commit. What the files are is told by the engine
 * (docs/worker-protocol.md, `inspect`); companions that lie beside them are found by themselves.
 * Nothing is written before it is committed.
 *
 * "changed" () is emitted when parts, name or problem are others.
 */
#pragma once

#include "esp-model-library.h"

G_BEGIN_DECLS

#define ESP_TYPE_MODEL_ADDITION (esp_model_addition_get_type ())

G_DECLARE_FINAL_TYPE (EspModelAddition, esp_model_addition, ESP, MODEL_ADDITION, GObject)

typedef struct
{
  char *component;       /* as esp_model_components () */
  char *path;            /* file or folder, absolute; NULL: nothing was found yet */
  char *format;          /* "GGUF Q4_K"; or NULL */
  guint64 size;          /* bytes */
  gboolean found_beside; /* nobody named it: it lay beside what was named */
  gboolean needed;       /* FALSE: another part has it inside (a tokenizer in a GGUF T5) */
  char *was;             /* where the file that is gone was; NULL: it is not gone */
} EspModelPart;

typedef enum
{
  ESP_MODEL_ADD_REFER, /* the files stay where they are */
  ESP_MODEL_ADD_COPY,  /* into the library */
  ESP_MODEL_ADD_MOVE,
} EspModelAddMode;

/* Bytes so far and in all, of copying. */
typedef void (*EspModelAddProgress) (guint64 done, guint64 total, gpointer user_data);

/* `worker` is asked what files are. */
EspModelAddition *esp_model_addition_new (EspModelLibrary *library,
                                          EspWorker *worker) G_GNUC_WARN_UNUSED_RESULT;

/* For `model`, some of whose files are gone (esp_library_model_get_missing ()): the others are
 * taken, those that are gone are looked for, and committing only says where they are now: id, name
 * and whatever else is known of the model stay. */
EspModelAddition *esp_model_addition_new_for_model (
    EspModelLibrary *library, EspWorker *worker, EspLibraryModel *model) G_GNUC_WARN_UNUSED_RESULT;

/* That model; NULL: a new one is made. Borrowed. */
EspLibraryModel *esp_model_addition_get_model (EspModelAddition *self);

/* In what the files that were found are others than those that are gone, a sentence each; never
 * NULL, and empty where they are the same or nothing was noted down of the earlier ones. */
const char *const *esp_model_addition_get_differences (EspModelAddition *self);

/* Takes files and folders, whatever they are; later ones replace earlier ones of their component.
 * Fails, and changes nothing, where one of them is no part of a model (the message names it and
 * says what it is). Of a model whose files are gone, only those are taken: files by what they are,
 * and in folders by their earlier names, wherever in them; what lay beside a file that was found is
 * looked for beside its new place. */
void esp_model_addition_add_async (EspModelAddition *self, const char *const *paths,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
gboolean esp_model_addition_add_finish (EspModelAddition *self, GAsyncResult *result,
                                        GError **error);

/* Names one part by hand. */
void esp_model_addition_set_part (EspModelAddition *self, const char *component, const char *path);

guint esp_model_addition_get_n_parts (EspModelAddition *self); /* one for each component */
const EspModelPart *esp_model_addition_get_part (EspModelAddition *self, guint i);

/* A sentence that lists what is missing and what to do; NULL: it can be committed. */
const char *esp_model_addition_get_problem (EspModelAddition *self);

/* Remarks that do not stop anybody (several candidates, another variant than Kontext); never
 * NULL. */
const char *const *esp_model_addition_get_remarks (EspModelAddition *self);

/* Proposed from the transformer's file; the id (and folder) is made of it. */
const char *esp_model_addition_get_name (EspModelAddition *self);
void esp_model_addition_set_name (EspModelAddition *self, const char *name);

/* Makes the model; it is in the library when this is over. Result: its id, owned by the caller.
 * Of a model whose files are gone `mode` does not count: they stay where they are. */
void esp_model_addition_commit_async (EspModelAddition *self, EspModelAddMode mode,
                                      GCancellable *cancellable, EspModelAddProgress progress,
                                      gpointer progress_data, GAsyncReadyCallback callback,
                                      gpointer user_data);
char *esp_model_addition_commit_finish (EspModelAddition *self, GAsyncResult *result,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
