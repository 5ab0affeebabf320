/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-open.c: how documents come, are saved, and go. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#define SUFFIX ".espalier"

/* Longer titles are cut: file names end at 255 bytes. */
#define MAX_TITLE 120

/* --- The library ------------------------------------------------------------------------------ */

char *
esp_document_library_dup_path (void)
{
  char *path = g_build_filename (g_get_user_data_dir (), "espalier", "documents", NULL);

  if (g_mkdir_with_parents (path, 0700) != 0)
    g_debug ("%s: %s", path, g_strerror (errno));
  return path;
}

/* A title as a file name that every system takes. */
char *
_esp_document_dup_file_title (const char *title)
{
  g_autofree char *valid = g_utf8_make_valid (title != NULL ? title : "", -1);
  GString *name = g_string_new (NULL);

  for (const char *p = valid; *p != '\0' && name->len < MAX_TITLE; p = g_utf8_next_char (p))
    {
      const gunichar c = g_utf8_get_char (p);

      if (c < 0x20 || c == 0x7f || (c < 0x80 && strchr ("/\\:*?\"<>|", (int) c) != NULL))
        g_string_append_c (name, ' ');
      else
        g_string_append_unichar (name, c);
    }
  g_strstrip (name->str);
  g_string_truncate (name, strlen (name->str));
  while (name->len > 0 && (name->str[0] == '.' || name->str[0] == ' '))
    g_string_erase (name, 0, 1);
  if (name->len == 0)
    g_string_append (name, _ ("Untitled"));
  return g_string_free (name, FALSE);
}

/* The first name that is free: "Harbour.espalier", "Harbour 2.espalier", … */
static GFile *
find_free_file (const char *title)
{
  g_autofree char *folder = esp_document_library_dup_path ();
  g_autofree char *stem = _esp_document_dup_file_title (title);

  for (guint i = 1;; i++)
    {
      g_autofree char *name
          = i == 1 ? g_strconcat (stem, SUFFIX, NULL) : g_strdup_printf ("%s %u" SUFFIX, stem, i);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      struct stat st;

      if (g_lstat (path, &st) != 0)
        return g_file_new_for_path (path);
    }
}

/* --- Opening ---------------------------------------------------------------------------------- */

typedef struct
{
  GFile *file; /* NULL: a free name in the library */
  char *title;
  gboolean create;
  EspDocumentOpenFlags flags;
  EspContents *contents;
} Opening;

static void
free_opening (gpointer data)
{
  Opening *opening = data;

  g_clear_object (&opening->file);
  g_free (opening->title);
  _esp_contents_free (opening->contents);
  g_free (opening);
}

static gboolean
do_open (EspCall *call, EspWriter *writer, GError **error)
{
  Opening *opening = call->data;
  gboolean in_library = opening->file == NULL;

  for (int attempt = 0; attempt < 20; attempt++)
    {
      g_autoptr (GError) local = NULL;
      g_autoptr (GFile) file
          = in_library ? find_free_file (opening->title) : g_object_ref (opening->file);

      if (_esp_writer_open (writer, file, opening->create, opening->flags, &opening->contents,
                            _esp_call_get_cancellable (call), &local))
        return TRUE;
      /* Another process may have taken the name in the meantime. */
      if (!in_library || !g_file_query_exists (file, NULL))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  g_set_error_literal (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                       _ ("There is no free name for a new document"));
  return FALSE;
}

static void
finish_open (EspCall *call)
{
  Opening *opening = call->data;
  EspDocument *self = g_task_get_source_object (call->task);

  _esp_document_take_contents (self, opening->contents);
  g_task_return_pointer (call->task, g_object_ref (self), g_object_unref);
}

static void
start_open (Opening *opening, gpointer tag, GCancellable *cancellable, GAsyncReadyCallback callback,
            gpointer user_data)
{
  g_autoptr (EspDocument) self = _esp_document_new ();
  EspCall *call = _esp_document_start (self, ESP_CALL_CONTROL, tag, cancellable, callback,
                                       user_data, opening, free_opening);

  call->work = do_open;
  call->finish = finish_open;
  _esp_writer_push (self->writer, call);
}

void
esp_document_create_async (GFile *file, const char *title, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  Opening *opening;

  g_return_if_fail (file == NULL || G_IS_FILE (file));

  opening = g_new0 (Opening, 1);
  opening->file = file != NULL ? g_object_ref (file) : NULL;
  opening->title = g_strdup (title);
  opening->create = TRUE;
  start_open (opening, esp_document_create_async, cancellable, callback, user_data);
}

EspDocument *
esp_document_create_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_document_open_async (GFile *file, EspDocumentOpenFlags flags, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  Opening *opening;

  g_return_if_fail (G_IS_FILE (file));

  opening = g_new0 (Opening, 1);
  opening->file = g_object_ref (file);
  opening->flags = flags;
  start_open (opening, esp_document_open_async, cancellable, callback, user_data);
}

EspDocument *
esp_document_open_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Moving -----------------------------------------------------------------------------------
 */

typedef struct
{
  GFile *file; /* NULL: nowhere */
  char *title; /* of the file to be found in the library, or NULL */
  gboolean in_library;
  EspDocumentAccess access;
} Moving;

static void
free_moving (gpointer data)
{
  Moving *moving = data;

  g_clear_object (&moving->file);
  g_free (moving->title);
  g_free (moving);
}

static gboolean
do_move (EspCall *call, EspWriter *writer, GError **error)
{
  Moving *moving = call->data;

  return _esp_writer_move (writer, moving->file, &moving->in_library, &moving->access, error);
}

/* To a file in the library that is named when it is needed. */
static Moving *
new_aside (EspDocument *self)
{
  Moving *moving = g_new0 (Moving, 1);

  /* Translators: the name of a document; what is in it was not saved in the one of the name before
   * the brackets. */
  moving->title = g_strdup_printf (_ ("%s (Unsaved Version)"), self->title);
  return moving;
}

static gboolean
move_aside (EspCall *call, EspWriter *writer, GError **error)
{
  Moving *moving = call->data;

  moving->file = find_free_file (moving->title);
  return do_move (call, writer, error);
}

static gboolean
do_put_aside (EspCall *call, EspWriter *writer, GError **error)
{
  return !_esp_writer_has_unsaved (writer) || move_aside (call, writer, error);
}

/* --- Closing and saving ----------------------------------------------------------------------- */

static gboolean
do_close (EspCall *call, EspWriter *writer, GError **error)
{
  gboolean ok = !_esp_writer_would_lose (writer) || move_aside (call, writer, error);

  return _esp_writer_close (writer, ok ? error : NULL) && ok;
}

void
esp_document_close_async (EspDocument *self, GAsyncReadyCallback callback, gpointer user_data)
{
  EspCall *call;

  g_return_if_fail (ESP_IS_DOCUMENT (self));

  _esp_document_flush_view (self);
  self->closed = TRUE;
  _esp_document_unwatch (self);
  call = _esp_document_start (self, ESP_CALL_CONTROL, esp_document_close_async, NULL, callback,
                              user_data, new_aside (self), free_moving);
  call->work = do_close;
  _esp_writer_push (self->writer, call);
}

gboolean
esp_document_close_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
do_save (EspCall *call, EspWriter *writer, GError **error)
{
  return _esp_writer_publish (writer, FALSE, error);
}

static gboolean
do_overwrite (EspCall *call, EspWriter *writer, GError **error)
{
  return _esp_writer_publish (writer, TRUE, error);
}

void
esp_document_save_async (EspDocument *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  EspCall *call;

  g_return_if_fail (ESP_IS_DOCUMENT (self));

  if (_esp_document_refuse (self, NULL, esp_document_save_async, cancellable, callback, user_data))
    return;
  _esp_document_flush_view (self);
  call = _esp_document_start (self, ESP_CALL_CONTROL, esp_document_save_async, cancellable,
                              callback, user_data, NULL, NULL);
  call->work = do_save;
  _esp_writer_push (self->writer, call);
}

gboolean
esp_document_save_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  return esp_document_close_finish (self, result, error);
}

void
esp_document_overwrite_async (EspDocument *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  EspCall *call;

  g_return_if_fail (ESP_IS_DOCUMENT (self));

  if (_esp_document_refuse (self, NULL, esp_document_overwrite_async, cancellable, callback,
                            user_data))
    return;
  call = _esp_document_start (self, ESP_CALL_CONTROL, esp_document_overwrite_async, cancellable,
                              callback, user_data, NULL, NULL);
  call->work = do_overwrite;
  _esp_writer_push (self->writer, call);
}

gboolean
esp_document_overwrite_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  return esp_document_close_finish (self, result, error);
}

static void
finish_move (EspCall *call)
{
  const Moving *moving = call->data;

  EspDocument *self = g_task_get_source_object (call->task);

  _esp_document_set_file (self, moving->file, moving->in_library);
  _esp_document_set_access (self, moving->access);
  g_task_return_boolean (call->task, TRUE);
}

void
esp_document_save_as_async (EspDocument *self, GFile *file, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  EspCall *call;
  Moving *moving;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (G_IS_FILE (file));

  if (self->closed)
    {
      _esp_document_fail (self, esp_document_save_as_async, callback, user_data,
                          ESP_DOCUMENT_ERROR_OPEN, _ ("The document is closed"));
      return;
    }
  _esp_document_flush_view (self);
  moving = g_new0 (Moving, 1);
  moving->file = g_object_ref (file);
  call = _esp_document_start (self, ESP_CALL_CONTROL, esp_document_save_as_async, cancellable,
                              callback, user_data, moving, free_moving);
  call->work = do_move;
  call->finish = finish_move;
  _esp_writer_push (self->writer, call);
}

gboolean
esp_document_save_as_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  return esp_document_close_finish (self, result, error);
}

/* --- Putting aside ---------------------------------------------------------------------------- */

static void
finish_put_aside (EspCall *call)
{
  const Moving *moving = call->data;
  EspDocument *self = g_task_get_source_object (call->task);

  if (moving->file != NULL)
    {
      _esp_document_set_file (self, moving->file, moving->in_library);
      _esp_document_set_access (self, moving->access);
    }
  g_task_return_pointer (call->task, moving->file != NULL ? g_object_ref (moving->file) : NULL,
                         g_object_unref);
}

void
esp_document_put_aside_async (EspDocument *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  EspCall *call;
  Moving *moving;

  g_return_if_fail (ESP_IS_DOCUMENT (self));

  if (self->closed)
    {
      _esp_document_fail (self, esp_document_put_aside_async, callback, user_data,
                          ESP_DOCUMENT_ERROR_OPEN, _ ("The document is closed"));
      return;
    }
  _esp_document_flush_view (self);
  moving = new_aside (self);
  call = _esp_document_start (self, ESP_CALL_CONTROL, esp_document_put_aside_async, cancellable,
                              callback, user_data, moving, free_moving);
  call->work = do_put_aside;
  call->finish = finish_put_aside;
  _esp_writer_push (self->writer, call);
}

GFile *
esp_document_put_aside_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
