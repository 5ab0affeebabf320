/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Removing models of the library. */
#define G_LOG_DOMAIN "espalier-models"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "esp-download-plan.h"
#include "esp-installation.h"
#include "esp-library-model-private.h"
#include "esp-model-library.h"
#include "esp-model-tree.h"
#include "esp-model-use.h"

/* After which a model that is being put together was left. */
#define LEFT_OVER_SECONDS (24 * 60 * 60)

EspModelRemoval *
esp_model_library_plan_removal (EspModelLibrary *self, EspLibraryModel *model)
{
  EspModelRemoval *removal;
  const char *folder;

  g_return_val_if_fail (ESP_IS_MODEL_LIBRARY (self), NULL);
  g_return_val_if_fail (ESP_IS_LIBRARY_MODEL (model), NULL);

  folder = esp_library_model_get_folder (model);
  removal = g_new0 (EspModelRemoval, 1);
  removal->deleted = g_strdupv ((char *[]){ (char *) folder, NULL });
  removal->kept = g_strdupv ((char **) _esp_library_model_get_elsewhere (model));
  removal->bytes = _esp_tree_count_own_bytes (folder);
  return removal;
}

void
esp_model_removal_free (EspModelRemoval *removal)
{
  if (removal == NULL)
    return;

  g_strfreev (removal->deleted);
  g_strfreev (removal->kept);
  g_free (removal);
}

/* Its time changes as soon as something in it is deleted: a program that ends in the middle has to
 * leave it under a name that says what it is. */
static void
delete_left_over (const char *models, const char *name)
{
  g_autofree char *path = g_build_filename (models, name, NULL);
  g_autofree char *removed_name = g_strconcat (".removed-", name + strlen (".adding-"), NULL);
  g_autofree char *removed = g_build_filename (models, removed_name, NULL);
  GStatBuf info;

  if (g_lstat (path, &info) == 0
      && g_get_real_time () / G_USEC_PER_SEC - (gint64) info.st_mtime > LEFT_OVER_SECONDS
      && g_rename (path, removed) == 0)
    _esp_tree_delete (removed, NULL);
}

/* What programs left that were killed at it: half-deleted models and the notes of downloads that
 * are models by now at once, half-made models when surely nobody is at them any more. */
static void
tidy_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const char *models = data;
  g_autofree char *root = _esp_download_plan_get_root ();
  g_autoptr (GDir) dir = g_dir_open (models, 0, NULL);
  g_autoptr (GDir) downloads = g_dir_open (root, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (models, name, NULL);

      if (g_str_has_prefix (name, ".removed-"))
        _esp_tree_delete (path, NULL);
      else if (g_str_has_prefix (name, ".adding-"))
        delete_left_over (models, name);
    }
  while (downloads != NULL && (name = g_dir_read_name (downloads)) != NULL)
    {
      g_autofree char *path = g_build_filename (root, name, NULL);

      if (_esp_download_plan_is_over (path))
        _esp_tree_delete (path, NULL);
    }

  g_task_return_boolean (task, TRUE);
}

void
_esp_model_library_tidy (void)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_source_tag (task, _esp_model_library_tidy);
  g_task_set_task_data (task, esp_installation_get_user_models (), g_free);
  g_task_run_in_thread (task, tidy_in_thread);
}

typedef struct
{
  char *folder;
  gboolean to_trash;
} Removal;

static void
removal_free (gpointer data)
{
  Removal *removal = data;

  g_free (removal->folder);
  g_free (removal);
}

/* Out of everybody's sight first, so that no half of it is ever seen; then away. */
static gboolean
delete_folder (const char *folder, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (folder);
  g_autofree char *name = g_path_get_basename (folder);
  g_autofree char *hidden_name = g_strdup_printf (".removed-%s-%08x", name, g_random_int ());
  g_autofree char *hidden = g_build_filename (parent, hidden_name, NULL);

  if (g_rename (folder, hidden) != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
                   _ ("“%s” cannot be removed: %s"), folder, g_strerror (errno));
      return FALSE;
    }

  return _esp_tree_delete (hidden, error);
}

static void
remove_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Removal *removal = data;
  g_autoptr (GFile) file = g_file_new_for_path (removal->folder);
  g_autoptr (GError) error = NULL;
  int claim = esp_model_use_claim (removal->folder);

  if (claim < 0 && errno == EWOULDBLOCK)
    {
      g_task_return_new_error (task, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_IN_USE,
                               _ ("An edit is using this model just now. Wait until it is done, or "
                                  "cancel it."));
      return;
    }

  if (removal->to_trash ? g_file_trash (file, cancellable, &error)
                        : delete_folder (removal->folder, &error))
    g_task_return_boolean (task, TRUE);
  else if (removal->to_trash && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    g_task_return_new_error (task, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_NO_TRASH,
                             _ ("There is no trash where “%s” is; it can only be deleted for "
                                "good."),
                             removal->folder);
  else
    g_task_return_error (task, g_steal_pointer (&error));

  if (claim >= 0)
    close (claim);
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  EspModelLibrary *self = ESP_MODEL_LIBRARY (source);
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  esp_model_library_refresh (self);
  if (g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
esp_model_library_remove_async (EspModelLibrary *self, EspLibraryModel *model, gboolean to_trash,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GTask) work = NULL;
  Removal *removal;

  g_return_if_fail (ESP_IS_MODEL_LIBRARY (self));
  g_return_if_fail (ESP_IS_LIBRARY_MODEL (model));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_model_library_remove_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!esp_library_model_is_own (model))
    {
      g_task_return_new_error (task, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_NOT_OWN,
                               _ ("“%s” is part of the installation and cannot be removed."),
                               esp_library_model_get_name (model));
      return;
    }

  removal = g_new0 (Removal, 1);
  removal->folder = g_strdup (esp_library_model_get_folder (model));
  removal->to_trash = to_trash;
  work = g_task_new (self, cancellable, on_removed, g_steal_pointer (&task));
  g_task_set_check_cancellable (work, FALSE);
  g_task_set_task_data (work, removal, removal_free);
  g_task_run_in_thread (work, remove_in_thread);
}

gboolean
esp_model_library_remove_finish (EspModelLibrary *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
