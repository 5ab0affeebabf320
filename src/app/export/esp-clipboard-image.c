/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-clipboard-image.c: content providers that encode when someone asks. They offer media types
 * alone: GTK makes textures and file lists of them where a program asks for these. */
#define G_LOG_DOMAIN "esp-app-export"

#include "esp-clipboard-image.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "esp-export.h"
#include "esp-show-uri.h"

#define PNG_TYPE "image/png"
#define URI_TYPE "text/uri-list"

/* Folders of files that were handed to others are kept for so long: who got them has read them. */
#define KEPT_SECONDS (24 * 60 * 60)

/* ---- files for others */

/* Removes what earlier runs left; once per program. */
static void
clean_up (const char *folder)
{
  static gsize done = 0;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_once_init_enter (&done))
    return;
  dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autoptr (GDir) inner = NULL;
      GStatBuf info;
      const char *file;

      if (g_lstat (path, &info) != 0 || !S_ISDIR (info.st_mode)
          || info.st_mtime > g_get_real_time () / G_USEC_PER_SEC - KEPT_SECONDS)
        continue;
      inner = g_dir_open (path, 0, NULL);
      while (inner != NULL && (file = g_dir_read_name (inner)) != NULL)
        {
          g_autofree char *inner_path = g_build_filename (path, file, NULL);

          g_unlink (inner_path);
        }
      g_rmdir (path);
    }
  g_once_init_leave (&done, 1);
}

typedef struct
{
  GBytes *bytes;
  char *name;
} Handout;

static void
handout_free (gpointer data)
{
  Handout *handout = data;

  g_bytes_unref (handout->bytes);
  g_free (handout->name);
  g_free (handout);
}

/* A file of this name in a new folder of its own, in the person's cache. */
static void
hand_out_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Handout *handout = data;
  g_autofree char *folder
      = g_build_filename (g_get_user_cache_dir (), "espalier", "handed-out", NULL);
  g_autofree char *own = g_build_filename (folder, "XXXXXX", NULL);
  g_autofree char *path = NULL;
  GError *error = NULL;
  gsize size;
  const char *contents = g_bytes_get_data (handout->bytes, &size);

  clean_up (folder);
  if (g_mkdir_with_parents (folder, 0700) != 0 || g_mkdtemp_full (own, 0700) == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, g_io_error_from_errno (errno),
                               _ ("A temporary folder cannot be made: %s"), g_strerror (errno));
      return;
    }
  path = g_build_filename (own, handout->name, NULL);
  if (g_file_set_contents_full (path, contents, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0600,
                                &error))
    g_task_return_pointer (task, g_file_new_for_path (path), g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
hand_out_async (GBytes *bytes, const char *name, GCancellable *cancellable,
                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Handout *handout = g_new0 (Handout, 1);

  handout->bytes = g_bytes_ref (bytes);
  handout->name = g_strdup (name);
  g_task_set_task_data (task, handout, handout_free);
  g_task_run_in_thread (task, hand_out_thread);
}

static GFile *
hand_out_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- the provider */

#define ESP_TYPE_IMAGE_CONTENT (esp_image_content_get_type ())

G_DECLARE_FINAL_TYPE (EspImageContent, esp_image_content, ESP, IMAGE_CONTENT, GdkContentProvider)

struct _EspImageContent
{
  GdkContentProvider parent_instance;
  EspDocument *document;
  EspNode *node;
  gboolean as_file; /* URIs, too */
};

G_DEFINE_FINAL_TYPE (EspImageContent, esp_image_content, GDK_TYPE_CONTENT_PROVIDER)

static GdkContentFormats *
esp_image_content_ref_formats (GdkContentProvider *provider)
{
  static const char *types[] = { URI_TYPE, PNG_TYPE };
  EspImageContent *self = ESP_IMAGE_CONTENT (provider);

  return self->as_file ? gdk_content_formats_new (types, 2)
                       : gdk_content_formats_new (types + 1, 1);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Takes the task; its data is the stream. */
static void
write_bytes (GTask *task, GBytes *bytes)
{
  gsize size;
  const void *contents = g_bytes_get_data (bytes, &size);

  g_object_set_data_full (G_OBJECT (task), "bytes", g_bytes_ref (bytes),
                          (GDestroyNotify) g_bytes_unref);
  g_output_stream_write_all_async (g_task_get_task_data (task), contents, size,
                                   g_task_get_priority (task), g_task_get_cancellable (task),
                                   on_written, task);
}

static void
on_handed_out (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  GError *error = NULL;
  g_autoptr (GFile) file = hand_out_finish (result, &error);
  g_autofree char *uri = NULL;
  g_autoptr (GBytes) bytes = NULL;
  char *line;

  if (file == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  uri = g_file_get_uri (file);
  line = g_strconcat (uri, "\r\n", NULL);
  bytes = g_bytes_new_take (line, strlen (line));
  write_bytes (task, bytes);
}

static void
on_encoded (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  EspImageContent *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (GBytes) bytes = esp_export_encode_finish (result, &error);

  if (bytes == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
    }
  else if (g_object_get_data (G_OBJECT (task), "uri") != NULL)
    {
      g_autofree char *name = esp_export_dup_file_name (self->document, self->node, ESP_EXPORT_PNG);

      hand_out_async (bytes, name, g_task_get_cancellable (task), on_handed_out, task);
    }
  else
    write_bytes (task, bytes);
}

static void
esp_image_content_write_async (GdkContentProvider *provider, const char *media_type,
                               GOutputStream *stream, int priority, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  EspImageContent *self = ESP_IMAGE_CONTENT (provider);
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_priority (task, priority);
  g_task_set_source_tag (task, esp_image_content_write_async);
  g_task_set_task_data (task, g_object_ref (stream), g_object_unref);
  if (g_str_equal (media_type, URI_TYPE) && self->as_file)
    g_object_set_data (G_OBJECT (task), "uri", self);
  else if (!g_str_equal (media_type, PNG_TYPE))
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                               _ ("The image cannot be had as “%s”"), media_type);
      g_object_unref (task);
      return;
    }
  options.metadata = g_settings_get_boolean (settings, "export-metadata");
  esp_export_encode_async (self->document, self->node, &options, cancellable, on_encoded, task);
}

static gboolean
esp_image_content_write_finish (GdkContentProvider *provider, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
esp_image_content_finalize (GObject *object)
{
  EspImageContent *self = ESP_IMAGE_CONTENT (object);

  g_clear_object (&self->document);
  g_clear_object (&self->node);
  G_OBJECT_CLASS (esp_image_content_parent_class)->finalize (object);
}

static void
esp_image_content_class_init (EspImageContentClass *klass)
{
  GdkContentProviderClass *provider_class = GDK_CONTENT_PROVIDER_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = esp_image_content_finalize;
  provider_class->ref_formats = esp_image_content_ref_formats;
  provider_class->write_mime_type_async = esp_image_content_write_async;
  provider_class->write_mime_type_finish = esp_image_content_write_finish;
}

static void
esp_image_content_init (EspImageContent *self)
{
}

static GdkContentProvider *
create (EspDocument *document, EspNode *node, gboolean as_file)
{
  EspImageContent *self = g_object_new (ESP_TYPE_IMAGE_CONTENT, NULL);

  self->document = g_object_ref (document);
  self->node = g_object_ref (node);
  self->as_file = as_file;
  return GDK_CONTENT_PROVIDER (self);
}

GdkContentProvider *
esp_image_content_new (EspDocument *document, EspNode *node)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (document) && ESP_IS_NODE (node), NULL);

  return create (document, node, FALSE);
}

GdkContentProvider *
esp_image_file_content_new (EspDocument *document, EspNode *node)
{
  g_return_val_if_fail (ESP_IS_DOCUMENT (document) && ESP_IS_NODE (node), NULL);

  return create (document, node, TRUE);
}

void
esp_copy_image (GdkClipboard *clipboard, EspDocument *document, EspNode *node)
{
  g_autoptr (GdkContentProvider) content = NULL;

  g_return_if_fail (GDK_IS_CLIPBOARD (clipboard));
  g_return_if_fail (ESP_IS_DOCUMENT (document) && ESP_IS_NODE (node));

  content = create (document, node, FALSE);
  gdk_clipboard_set_content (clipboard, content);
}

/* ---- opening with another program */

static void
on_shown (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GtkWindow *parent = GTK_IS_WINDOW (source) ? GTK_WINDOW (source) : NULL;
  GError *error = NULL;

  if (esp_show_uri_finish (parent, result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Without a portal: the program that opens such files anyway. */
static void
show_directly (GTask *task)
{
  GFile *file = g_object_get_data (G_OBJECT (task), "file");
  g_autofree char *uri = g_file_get_uri (file);

  esp_show_uri_async (g_task_get_task_data (task), uri, g_task_get_cancellable (task), on_shown,
                      task);
}

static void
on_portal_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_with_unix_fd_list_finish (
      G_DBUS_CONNECTION (source), NULL, result, &error);

  if (answer == NULL)
    {
      g_debug ("OpenURI portal: %s", error->message);
      show_directly (task);
      return;
    }
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

/* The portal asks the person for the program, inside and outside of a sandbox. */
static void
on_bus (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  g_autoptr (GDBusConnection) bus = g_bus_get_finish (result, NULL);
  GFile *file = g_object_get_data (G_OBJECT (task), "file");
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  GVariantBuilder options;
  int fd, handle = -1;

  fd = g_open (g_file_peek_path (file), O_RDONLY | O_CLOEXEC, 0);
  if (fd >= 0)
    {
      handle = g_unix_fd_list_append (fds, fd, NULL);
      g_close (fd, NULL);
    }
  if (bus == NULL || handle < 0)
    {
      show_directly (task);
      return;
    }
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "ask", g_variant_new_boolean (TRUE));
  g_dbus_connection_call_with_unix_fd_list (
      bus, "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop",
      "org.freedesktop.portal.OpenURI", "OpenFile",
      g_variant_new ("(sh@a{sv})", "", handle, g_variant_builder_end (&options)),
      G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NONE, -1, fds, g_task_get_cancellable (task),
      on_portal_answer, task);
}

static void
on_file_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  GError *error = NULL;
  GFile *file = hand_out_finish (result, &error);

  if (file == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  g_object_set_data_full (G_OBJECT (task), "file", file, g_object_unref);
  g_bus_get (G_BUS_TYPE_SESSION, g_task_get_cancellable (task), on_bus, task);
}

static void
on_image_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  EspDocument *document = ESP_DOCUMENT (source);
  EspNode *node = g_object_get_data (G_OBJECT (task), "node");
  GError *error = NULL;
  g_autoptr (GBytes) bytes = esp_document_load_image_finish (document, result, &error);
  g_autofree char *name = NULL;

  if (bytes == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  name = esp_export_dup_file_name (document, node, ESP_EXPORT_ORIGINAL);
  hand_out_async (bytes, name, g_task_get_cancellable (task), on_file_ready, task);
}

void
esp_open_image_with_async (GtkWindow *parent, EspDocument *document, EspNode *node,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task;

  g_return_if_fail (parent == NULL || GTK_IS_WINDOW (parent));
  g_return_if_fail (ESP_IS_DOCUMENT (document) && ESP_IS_NODE (node));

  task = g_task_new (document, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_open_image_with_async);
  if (parent != NULL)
    g_task_set_task_data (task, g_object_ref (parent), g_object_unref);
  g_object_set_data_full (G_OBJECT (task), "node", g_object_ref (node), g_object_unref);
  esp_document_load_image_async (document, node, cancellable, on_image_loaded, task);
}

gboolean
esp_open_image_with_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_open_image_with_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
