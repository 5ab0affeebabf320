/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-folder-size.c: how much is in a folder, counted on a thread. */
#define G_LOG_DOMAIN "espalier-preferences"

#include "esp-folder-size.h"

typedef struct
{
  guint64 bytes;
  guint64 n_files;
} Size;

static void
measure (GTask *task, gpointer source_object, gpointer task_data, GCancellable *cancellable)
{
  g_autoptr (GFile) folder = g_file_new_for_path (task_data);
  Size *size = g_new0 (Size, 1);
  GError *error = NULL;

  /* Links are not followed: what they lead to is counted where it is. */
  if (g_file_measure_disk_usage (folder, G_FILE_MEASURE_APPARENT_SIZE, cancellable, NULL, NULL,
                                 &size->bytes, NULL, &size->n_files, &error))
    g_task_return_pointer (task, size, g_free);
  else
    {
      g_free (size);
      g_task_return_error (task, error);
    }
}

void
esp_folder_measure_async (const char *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, esp_folder_measure_async);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, measure);
}

gboolean
esp_folder_measure_finish (GAsyncResult *result, guint64 *bytes, guint64 *n_files, GError **error)
{
  g_autofree Size *size = NULL;

  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);

  size = g_task_propagate_pointer (G_TASK (result), error);
  if (size == NULL)
    return FALSE;
  if (bytes != NULL)
    *bytes = size->bytes;
  if (n_files != NULL)
    *n_files = size->n_files;
  return TRUE;
}
