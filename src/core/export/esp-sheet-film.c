/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sheet-film.c: nodes as a moving picture: one after the other, or one wiped over the other. */
#define G_LOG_DOMAIN "esp-export"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "esp-export-private.h"
#include "esp-fitted-frame.h"
#include "esp-sheet.h"

/* Of a wipe: how often the line moves a second, and which part of the time it rests at an end. */
#define WIPE_RATE 20
#define WIPE_REST 0.15
#define MAX_STEPS 60 /* one way */

typedef struct
{
  EspDocument *document;
  EspSheetFilm kind;
  GPtrArray *items; /* of EspExportItem */
  EspExportFilm *film;
  double seconds;
  GFile *target;
  guint next;
  GBytes *stored;    /* of the next, for the thread */
  EspPicture *first; /* of a wipe: the frame that is wiped away */
} Export;

static void
export_free (gpointer data)
{
  Export *self = data;

  g_clear_pointer (&self->film, _esp_export_film_free);
  g_clear_pointer (&self->items, g_ptr_array_unref);
  g_clear_pointer (&self->stored, g_bytes_unref);
  g_clear_pointer (&self->first, esp_picture_unref);
  g_clear_object (&self->target);
  g_clear_object (&self->document);
  g_free (self);
}

/* ---- the wipe, in a thread */

/* `second` from the left up to the line, `first` behind it. The line is white between dark edges;
 * below the images stands the caption of the one that has more of the room. */
static EspPicture *
mix (EspPicture *first, EspPicture *second, int line, GError **error)
{
  EspPicture *frame = esp_picture_new (first->width, first->height, error);
  const int half = MAX (first->width / 400, 1);

  if (frame == NULL)
    return NULL;
  for (int y = 0; y < frame->height; y++)
    {
      const gsize start = (gsize) y * (gsize) frame->width * 3;
      guint8 *row = frame->pixels + start;

      memcpy (row, second->pixels + start, (gsize) line * 3);
      memcpy (row + line * 3, first->pixels + start + line * 3, (gsize) (frame->width - line) * 3);
      for (int x = MAX (line - 2 * half, 0); x < MIN (line + 2 * half, frame->width); x++)
        memset (row + x * 3, x >= line - half && x < line + half ? 0xff : 0x20, 3);
    }
  return frame;
}

static void
take_captions (EspPicture *frame, EspPicture *from, int images_height)
{
  const gsize start = (gsize) images_height * (gsize) frame->width * 3;

  memcpy (frame->pixels + start, from->pixels + start,
          (gsize) (frame->height - images_height) * (gsize) frame->width * 3);
}

/* There, or back where `back`: slow at both ends. */
static gboolean
wipe_once (Export *self, EspPicture *second, gboolean back, int n_steps, GCancellable *cancellable,
           GError **error)
{
  const double rest = self->seconds * WIPE_REST;
  const double step = (self->seconds / 2 - rest) / n_steps;
  EspPicture *from = back ? second : self->first;

  if (!_esp_export_film_show (self->film, from, rest, cancellable, error))
    return FALSE;
  for (int i = 0; i < n_steps; i++)
    {
      const double way = (1 - cos (G_PI * (i + 0.5) / n_steps)) / 2;
      const double share = back ? 1 - way : way;
      const int line = (int) lround (share * self->first->width);
      g_autoptr (EspPicture) frame = mix (self->first, second, line, error);

      if (frame == NULL)
        return FALSE;
      take_captions (frame, share < 0.5 ? self->first : second,
                     _esp_export_film_get_height (self->film));
      if (!_esp_export_film_show (self->film, frame, step, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_to_wipe (Export *self, const EspExportItem *item, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPicture) frame
      = _esp_export_film_compose (self->film, item, self->stored, cancellable, error);
  int n_steps;

  if (frame == NULL)
    return FALSE;
  if (self->first == NULL)
    {
      self->first = g_steal_pointer (&frame);
      return TRUE;
    }
  n_steps = CLAMP ((int) lround (self->seconds * (0.5 - WIPE_REST) * WIPE_RATE), 4, MAX_STEPS);
  return wipe_once (self, frame, FALSE, n_steps, cancellable, error)
         && wipe_once (self, frame, TRUE, n_steps, cancellable, error);
}

static gboolean
work (Export *self, GCancellable *cancellable, GError **error)
{
  const EspExportItem *item = self->items->pdata[self->next++];
  g_autoptr (GBytes) file = NULL;

  if (self->kind == ESP_SHEET_WIPE
          ? !add_to_wipe (self, item, cancellable, error)
          : !_esp_export_film_add (self->film, item, self->stored, cancellable, error))
    return FALSE;
  if (self->next < self->items->len)
    return TRUE;
  file = _esp_export_film_finish (self->film, NULL, cancellable, error);
  return file != NULL && _esp_export_write (self->target, file, cancellable, error);
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (work (data, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* ---- one after the other, on the main thread */

static void load_next (GTask *task);

static void
on_worked (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Export *self = g_task_get_task_data (task);
  GError *error = NULL;

  g_clear_pointer (&self->stored, g_bytes_unref);
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_error (task, error);
  else if (self->next < self->items->len)
    {
      load_next (task);
      return;
    }
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Export *self = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GTask) thread = NULL;

  self->stored = esp_document_load_image_finish (self->document, result, &error);
  if (self->stored == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  thread = g_task_new (NULL, g_task_get_cancellable (task), on_worked, task);
  g_task_set_check_cancellable (thread, FALSE);
  g_task_set_task_data (thread, self, NULL);
  g_task_run_in_thread (thread, work_thread);
}

static void
load_next (GTask *task)
{
  Export *self = g_task_get_task_data (task);
  const EspExportItem *item = self->items->pdata[self->next];

  esp_document_load_image_async (self->document, item->node, g_task_get_cancellable (task),
                                 on_loaded, task);
}

/* ---- what is asked for */

static gboolean
get_format (GFile *target, EspExportFormat *format, GError **error)
{
  static const struct
  {
    const char *extension;
    EspExportFormat format;
  } extensions[] = { { ".gif", ESP_EXPORT_GIF },
                     { ".webp", ESP_EXPORT_WEBP },
                     { ".png", ESP_EXPORT_APNG },
                     { ".apng", ESP_EXPORT_APNG } };
  g_autofree char *base = g_file_get_basename (target);
  const char *dot = strrchr (base, '.');

  for (guint i = 0; dot != NULL && dot != base && i < G_N_ELEMENTS (extensions); i++)
    if (g_ascii_strcasecmp (dot, extensions[i].extension) == 0)
      {
        *format = extensions[i].format;
        return TRUE;
      }
  g_set_error_literal (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                       _ ("An animation can be a GIF, WebP or animated PNG file"));
  return FALSE;
}

/* Those with an image; of a wipe the first two. */
static void
collect (Export *self, GPtrArray *nodes, const char *const *captions,
         const EspExportOptions *options)
{
  const guint most = self->kind == ESP_SHEET_WIPE ? 2 : G_MAXUINT;

  self->items = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_export_item_free);
  for (guint i = 0; i < nodes->len && self->items->len < most; i++)
    if (esp_node_has_image (nodes->pdata[i]))
      {
        EspExportItem *item = _esp_export_item_new (self->document, nodes->pdata[i], options);

        g_free (item->caption);
        item->caption = g_strdup (captions != NULL && captions[i] != NULL ? captions[i] : "");
        g_ptr_array_add (self->items, item);
      }
}

static void
set_frame (Export *self)
{
  g_autofree EspFrameSize *sizes = g_new0 (EspFrameSize, self->items->len);
  EspFrameSize frame;

  for (guint i = 0; i < self->items->len; i++)
    {
      EspNode *node = ((EspExportItem *) self->items->pdata[i])->node;

      sizes[i] = (EspFrameSize){ esp_node_get_width (node), esp_node_get_height (node) };
    }
  frame = esp_fitted_frame_get (sizes, self->items->len);
  _esp_export_film_set_size (self->film, frame.width, frame.height);
}

void
esp_sheet_film_async (EspDocument *document, GPtrArray *nodes, EspSheetFilm film,
                      const char *const *captions, double seconds, int max_side, GFile *target,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  EspExportOptions options = ESP_EXPORT_OPTIONS_INIT;
  GError *error = NULL;
  GTask *task;
  Export *self;

  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (nodes != NULL);
  g_return_if_fail (G_IS_FILE (target));

  task = g_task_new (document, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_sheet_film_async);
  g_task_set_check_cancellable (task, FALSE);
  self = g_new0 (Export, 1);
  g_task_set_task_data (task, self, export_free);
  self->document = g_object_ref (document);
  self->kind = film;
  self->seconds = CLAMP (seconds, 0.1, 60);
  self->target = g_object_ref (target);
  options.metadata = FALSE;
  options.captions = captions != NULL;
  options.seconds = self->seconds;
  options.max_side = max_side;
  collect (self, nodes, captions, &options);

  if (!get_format (target, &options.format, &error))
    ;
  else if (self->items->len < 2)
    g_set_error_literal (&error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                         _ ("There are no two images to show"));
  if (error != NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  self->film = _esp_export_film_new (self->items, &options);
  set_frame (self);
  load_next (task);
}

gboolean
esp_sheet_film_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_sheet_film_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
