/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-library.h: the models on this computer: a GListModel of EspLibraryModel.
 *
 * Found in the person's models ($XDG_DATA_HOME/espalier/models) and in the installation's; follows
 * what changes there, whoever does it. The same list, folder and default as the local backend's and
 * the command line's (esp-installation.h), and with those of other programs of Espalier that run.
 *
 * For the thread that made it. Nothing blocks.
 */
#pragma once

#include "esp-library-model.h"
#include "esp-worker.h"

G_BEGIN_DECLS

#define ESP_TYPE_MODEL_LIBRARY (esp_model_library_get_type ())

G_DECLARE_FINAL_TYPE (EspModelLibrary, esp_model_library, ESP, MODEL_LIBRARY, GObject)

#define ESP_MODEL_LIBRARY_ERROR (esp_model_library_error_quark ())

typedef enum
{
  ESP_MODEL_LIBRARY_ERROR_IN_USE,   /* an edit uses the model just now */
  ESP_MODEL_LIBRARY_ERROR_NOT_OWN,  /* it is part of the installation */
  ESP_MODEL_LIBRARY_ERROR_EXISTS,   /* there is a model of this name already */
  ESP_MODEL_LIBRARY_ERROR_MISSING,  /* parts are missing */
  ESP_MODEL_LIBRARY_ERROR_NO_TRASH, /* the trash cannot take it; it can be deleted for good */
  ESP_MODEL_LIBRARY_ERROR_UNKNOWN,  /* there is no such model */
} EspModelLibraryError;

GQuark esp_model_library_error_quark (void);

EspModelLibrary *esp_model_library_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Looks again, now. */
void esp_model_library_refresh (EspModelLibrary *self);

/* NULL: there is none. Borrowed. */
EspLibraryModel *esp_model_library_find (EspModelLibrary *self, const char *id);
EspLibraryModel *esp_model_library_get_default (EspModelLibrary *self);

/* `id` NULL: whichever comes first. Kept in $XDG_CONFIG_HOME/espalier/default-model. */
gboolean esp_model_library_set_default (EspModelLibrary *self, const char *id, GError **error);

/* Asks the engine for the formats that are not known yet (esp_library_model_get_format ()); rows
 * follow with "changed". `worker` is whoever asks's own. */
void esp_model_library_examine_async (EspModelLibrary *self, EspWorker *worker,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean esp_model_library_examine_finish (EspModelLibrary *self, GAsyncResult *result,
                                           GError **error);

/* What removing a model comes to: for the question before it. */
typedef struct
{
  char **deleted; /* folders and files that go, absolute */
  char **kept;    /* files elsewhere that stay and are only forgotten */
  guint64 bytes;  /* of what goes */
} EspModelRemoval;

/* Of a model of one's own; counts its files, so it may touch the disk: some milliseconds. */
EspModelRemoval *esp_model_library_plan_removal (EspModelLibrary *self, EspLibraryModel *model);
void esp_model_removal_free (EspModelRemoval *removal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspModelRemoval, esp_model_removal_free)

/* Removes a model: its folder goes (to the trash, or for good), files elsewhere stay. Fails with
 * ESP_MODEL_LIBRARY_ERROR_IN_USE while an edit of any program of Espalier uses it. */
void esp_model_library_remove_async (EspModelLibrary *self, EspLibraryModel *model,
                                     gboolean to_trash, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_model_library_remove_finish (EspModelLibrary *self, GAsyncResult *result,
                                          GError **error);

G_END_DECLS
