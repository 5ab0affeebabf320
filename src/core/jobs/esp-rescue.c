/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "esp-file-name.h"

/* Bytes: the time, a number and the extension come behind it, and another program's suffix may. */
#define MAX_NAME 150

typedef struct
{
  GBytes *bytes;
  char *name;
} Rescue;

static void
rescue_free (gpointer data)
{
  Rescue *rescue = data;

  g_bytes_unref (rescue->bytes);
  g_free (rescue->name);
  g_free (rescue);
}

static char *
dup_file_name (const Rescue *rescue, int attempt)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%d %H-%M-%S");
  g_autofree char *number = attempt > 1 ? g_strdup_printf (" %d", attempt) : g_strdup ("");
  g_autofree char *safe = esp_file_name_clean (rescue->name, MAX_NAME);
  const char *extension = esp_media_type_get_extension (esp_media_type_sniff (rescue->bytes));

  return g_strdup_printf ("%s %s%s%s", safe, time, number,
                          extension != NULL ? extension : ".image");
}

/* Several may be saved in the same second, and in several threads: the name is taken first. */
static char *
save_in (const char *folder, const Rescue *rescue, GError **error)
{
  for (int attempt = 1;; attempt++)
    {
      g_autofree char *name = dup_file_name (rescue, attempt);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      gsize size;
      const char *data = g_bytes_get_data (rescue->bytes, &size);
      const int fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

      if (fd < 0 && errno == EEXIST)
        continue;
      if (fd < 0)
        {
          g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (errno), "%s: %s", path,
                       g_strerror (errno));
          return NULL;
        }
      close (fd);
      if (!g_file_set_contents_full (path, data, (gssize) size,
                                     G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                     0600, error))
        {
          g_unlink (path);
          return NULL;
        }
      return g_steal_pointer (&path);
    }
}

static void
rescue_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Rescue *rescue = data;
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "espalier", "rescued", NULL);
  char *path;
  GError *error = NULL;

  g_mkdir_with_parents (folder, 0700);
  path = save_in (folder, rescue, NULL);
  if (path == NULL)
    path = save_in (g_get_tmp_dir (), rescue, &error);

  if (path != NULL)
    g_task_return_pointer (task, path, g_free);
  else
    g_task_return_error (task, error);
}

void
_esp_rescue_async (GBytes *bytes, const char *name, GAsyncReadyCallback callback,
                   gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Rescue *rescue = g_new0 (Rescue, 1);

  rescue->bytes = g_bytes_ref (bytes);
  rescue->name = g_strdup (name);
  g_task_set_source_tag (task, _esp_rescue_async);
  g_task_set_task_data (task, rescue, rescue_free);
  g_task_run_in_thread (task, rescue_thread);
}

char *
_esp_rescue_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
