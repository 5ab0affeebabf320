/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sheet.c: contact sheets: laid out and drawn in threads, one picture after the other, so that
 * there is never more than one of them in memory. */
#define G_LOG_DOMAIN "esp-export"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-export-private.h"
#include "esp-sheet-private.h"

#define MAX_CELLS 10000 /* a side is bounded by its pixels, too */

gboolean
esp_sheet_format_from_path (const char *path, EspSheetFormat *format, GError **error)
{
  static const struct
  {
    const char *extension;
    EspSheetFormat format;
  } extensions[] = { { ".png", ESP_SHEET_PNG },
                     { ".pdf", ESP_SHEET_PDF },
                     { ".jpg", ESP_SHEET_JPEG },
                     { ".jpeg", ESP_SHEET_JPEG },
                     { ".webp", ESP_SHEET_WEBP } };
  g_autofree char *base = NULL;
  g_autofree char *name = NULL;
  const char *dot;

  g_return_val_if_fail (path != NULL && format != NULL, FALSE);

  base = g_path_get_basename (path);
  dot = strrchr (base, '.');
  for (guint i = 0; dot != NULL && dot != base && i < G_N_ELEMENTS (extensions); i++)
    if (g_ascii_strcasecmp (dot, extensions[i].extension) == 0)
      {
        *format = extensions[i].format;
        return TRUE;
      }
  name = g_filename_display_name (path);
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
               _ ("“%s” cannot be written: its name must end in .png, .pdf, .jpg, .jpeg or .webp"),
               name);
  return FALSE;
}

/* ---- one export */

typedef struct
{
  EspDocument *document;
  EspSheetContents *contents;
  EspSheetFormat format;
  GFile *target;
  EspSheetLayout *layout;
  EspSheetCanvas *canvas;
  guint next;      /* item */
  GBytes *stored;  /* of the item, for the thread */
  char *load_fail; /* why there is none */
} Export;

static void
export_free (gpointer data)
{
  Export *self = data;

  g_clear_pointer (&self->canvas, _esp_sheet_canvas_free);
  g_clear_pointer (&self->layout, _esp_sheet_layout_free);
  g_clear_pointer (&self->contents, _esp_sheet_contents_free);
  g_clear_pointer (&self->stored, g_bytes_unref);
  g_free (self->load_fail);
  g_clear_object (&self->target);
  g_clear_object (&self->document);
  g_free (self);
}

typedef gboolean (*Step) (Export *self, GCancellable *cancellable, GError **error);

static gboolean
begin (Export *self, GCancellable *cancellable, GError **error)
{
  self->layout = _esp_sheet_layout_new (self->contents, cancellable, error);
  if (self->layout != NULL)
    self->canvas
        = _esp_sheet_canvas_new (self->contents, self->layout, self->format, cancellable, error);
  return self->canvas != NULL;
}

static gboolean
add (Export *self, GCancellable *cancellable, GError **error)
{
  const guint index = self->next++;
  gboolean added;

  if (self->stored != NULL)
    added = _esp_sheet_canvas_add (self->canvas, index, self->stored, cancellable, error);
  else
    added
        = _esp_sheet_canvas_add_missing (self->canvas, index, self->load_fail, cancellable, error);
  g_clear_pointer (&self->stored, g_bytes_unref);
  g_clear_pointer (&self->load_fail, g_free);
  return added;
}

static gboolean
finish (Export *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes = _esp_sheet_canvas_finish (self->canvas, cancellable, error);

  return bytes != NULL && _esp_export_write (self->target, bytes, cancellable, error);
}

/* ---- the steps, in threads */

typedef struct
{
  Export *export; /* of the task that waits for this one */
  Step step;
} Stepping;

static void
step_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Stepping *stepping = data;
  GError *error = NULL;

  if (stepping->step (stepping->export, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
run_step (GTask *task, Step step, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) thread = g_task_new (NULL, g_task_get_cancellable (task), callback, task);
  Stepping *stepping = g_new0 (Stepping, 1);

  stepping->export = g_task_get_task_data (task);
  stepping->step = step;
  g_task_set_task_data (thread, stepping, g_free);
  /* What was written counts; the next step sees the cancellation. */
  g_task_set_check_cancellable (thread, FALSE);
  g_task_run_in_thread (thread, step_thread);
}

static void load_next (GTask *task);

static void
on_finished (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_stepped (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      load_next (task);
      return;
    }
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Export *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  self->stored = esp_document_load_image_finish (self->document, result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }
  if (error != NULL)
    self->load_fail = g_strdup (error->message);
  run_step (task, add, on_stepped);
}

static void
load_next (GTask *task)
{
  Export *self = g_task_get_task_data (task);
  const guint n = self->contents->n_columns * self->contents->n_rows;

  while (self->next < n && self->contents->items[self->next].node == NULL)
    self->next++;
  if (self->next == n)
    run_step (task, finish, on_finished);
  else
    esp_document_load_image_async (self->document, self->contents->items[self->next].node,
                                   g_task_get_cancellable (task), on_loaded, task);
}

void
esp_sheet_export_async (EspDocument *document, const EspSheet *sheet, GFile *target,
                        EspSheetFormat format, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;
  Export *self;

  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (sheet != NULL && sheet->cells != NULL);
  g_return_if_fail (sheet->n_columns >= 1 && sheet->n_columns <= MAX_CELLS);
  g_return_if_fail (sheet->n_rows >= 1 && sheet->n_rows <= MAX_CELLS / sheet->n_columns);
  g_return_if_fail (G_IS_FILE (target));

  task = g_task_new (document, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_sheet_export_async);
  /* Once the file is there, that is the answer. */
  g_task_set_check_cancellable (task, FALSE);
  self = g_new0 (Export, 1);
  self->document = g_object_ref (document);
  self->contents = _esp_sheet_contents_new (sheet);
  self->format = format;
  self->target = g_object_ref (target);
  g_task_set_task_data (task, self, export_free);
  run_step (task, begin, on_stepped);
}

gboolean
esp_sheet_export_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_sheet_export_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
