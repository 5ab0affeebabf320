/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export.c: takes images out of a document one after the other, encodes them in a thread and
 * writes them. */
#define G_LOG_DOMAIN "esp-export"

#include "esp-export.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-export-private.h"
#include "esp-file-private.h"

/* How often another name is tried where one is taken. */
#define MAX_TRIES 10000

typedef struct
{
  EspDocument *document;
  GPtrArray *items; /* of EspExportItem */
  GFile *target;    /* NULL: only encode */
  EspExportOptions options;
  EspExportFilm *film; /* animations */
  EspExportProgress progress;
  gpointer progress_data;
  guint next;
  GPtrArray *files; /* of GFile: written */
  GBytes *bytes;    /* encoded, if there is no target */
} Export;

static void
export_free (gpointer data)
{
  Export *self = data;

  g_clear_object (&self->document);
  g_ptr_array_unref (self->items);
  g_clear_object (&self->target);
  g_clear_pointer (&self->film, _esp_export_film_free);
  g_ptr_array_unref (self->files);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self);
}

/* ---- which images */

EspExportItem *
_esp_export_item_new (EspDocument *document, EspNode *node, const EspExportOptions *options)
{
  EspExportItem *self = g_new0 (EspExportItem, 1);
  const char *instruction = esp_node_get_instruction (node);

  self->node = g_object_ref (node);
  self->name = esp_node_dup_title (node);
  self->file_name = esp_export_dup_file_name (document, node, options->format);
  self->caption = g_strdup (instruction != NULL ? instruction : "");
  if (options->metadata)
    self->recipe = _esp_export_recipe_new (document, node);
  return self;
}

void
_esp_export_item_free (EspExportItem *self)
{
  if (self == NULL)
    return;
  g_clear_object (&self->node);
  g_free (self->name);
  g_free (self->file_name);
  g_free (self->caption);
  esp_recipe_free (self->recipe);
  g_free (self);
}

static gboolean
is_done (EspNode *node)
{
  return esp_node_get_state (node) == ESP_NODE_DONE && esp_node_has_image (node);
}

/* Done nodes of the branch of `top` (NULL: of all) that no done node descends from. */
static GPtrArray *
find_leaves (EspDocument *document, EspNode *top)
{
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);
  g_autoptr (GHashTable) inner = g_hash_table_new (NULL, NULL);
  GPtrArray *leaves = g_ptr_array_new ();

  for (guint i = 0; i < nodes->len; i++)
    if (is_done (nodes->pdata[i]))
      for (EspNode *above = esp_node_get_parent (nodes->pdata[i]);
           above != NULL && g_hash_table_add (inner, above); above = esp_node_get_parent (above))
        ;
  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = nodes->pdata[i];

      if (is_done (node) && !g_hash_table_contains (inner, node)
          && (top == NULL || top == node || esp_node_is_ancestor (top, node)))
        g_ptr_array_add (leaves, node);
    }
  return leaves;
}

static GPtrArray *
find_path (EspNode *node)
{
  GPtrArray *path = g_ptr_array_new ();

  for (; node != NULL; node = esp_node_get_parent (node))
    if (esp_node_has_image (node))
      g_ptr_array_insert (path, 0, node);
  return path;
}

static GPtrArray *
collect (EspDocument *document, EspNode *node, const EspExportOptions *options)
{
  GPtrArray *items = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_export_item_free);
  g_autoptr (GPtrArray) nodes = NULL;

  switch (options->what)
    {
    case ESP_EXPORT_LEAVES:
      nodes = find_leaves (document, node);
      break;
    case ESP_EXPORT_PATH:
    case ESP_EXPORT_ANIMATION:
      nodes = find_path (node);
      break;
    case ESP_EXPORT_IMAGE:
    default:
      nodes = g_ptr_array_new ();
      if (node != NULL && esp_node_has_image (node))
        g_ptr_array_add (nodes, node);
    }

  for (guint i = 0; i < nodes->len; i++)
    {
      EspExportItem *item = _esp_export_item_new (document, nodes->pdata[i], options);

      if (options->what == ESP_EXPORT_PATH)
        {
          g_free (item->file_name);
          item->file_name = _esp_export_dup_numbered_name (document, item->node, options->format,
                                                           i + 1, nodes->len);
        }
      g_ptr_array_add (items, item);
    }
  return items;
}

/* ---- writing, in threads */

gboolean
_esp_export_write (GFile *file, GBytes *bytes, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_file_get_path (file);
  EspPiece piece;

  piece.data = g_bytes_get_data (bytes, &piece.size);
  if (path != NULL)
    return _esp_file_replace (path, &piece, 1, ESP_REPLACE_SYNC, cancellable, error);
  return g_file_replace_contents (file, piece.data, piece.size, NULL, FALSE,
                                  G_FILE_CREATE_REPLACE_DESTINATION, NULL, cancellable, error);
}

/* "Name.png", "Name (2).png", …: makes an empty file of the first name that is free, so that nobody
 * else takes it, and writes over that. */
static GFile *
write_new_file (GFile *folder, const char *name, GBytes *bytes, GCancellable *cancellable,
                GError **error)
{
  const char *dot = strrchr (name, '.');
  const int stem = (int) (dot - name);

  for (guint i = 1; i < MAX_TRIES; i++)
    {
      g_autofree char *candidate
          = i == 1 ? g_strdup (name) : g_strdup_printf ("%.*s (%u)%s", stem, name, i, dot);
      g_autoptr (GFile) file = g_file_get_child (folder, candidate);
      g_autoptr (GError) why = NULL;
      g_autoptr (GFileOutputStream) taken
          = g_file_create (file, G_FILE_CREATE_NONE, cancellable, &why);

      if (taken == NULL && g_error_matches (why, G_IO_ERROR, G_IO_ERROR_EXISTS))
        continue;
      if (taken == NULL)
        {
          g_propagate_error (error, g_steal_pointer (&why));
          return NULL;
        }
      g_output_stream_close (G_OUTPUT_STREAM (taken), NULL, NULL);
      if (_esp_export_write (file, bytes, cancellable, error))
        return g_steal_pointer (&file);
      g_file_delete (file, NULL, NULL);
      return NULL;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, _ ("There are too many files named “%s”"),
               name);
  return NULL;
}

static gboolean
is_folder_target (const Export *self)
{
  return self->options.what == ESP_EXPORT_LEAVES || self->options.what == ESP_EXPORT_PATH;
}

/* One image; its file name is changed where another format had to be taken. */
static GBytes *
encode_one (Export *self, EspExportItem *item, GBytes *stored, GCancellable *cancellable,
            GError **error)
{
  g_autoptr (GError) why = NULL;
  GBytes *bytes = _esp_export_encode (item, stored, &self->options, cancellable, &why);
  EspExportOptions instead = self->options;

  if (bytes != NULL)
    return bytes;
  /* Metadata cannot be taken out of this format: where the name is ours to choose, PNG instead. */
  if (self->options.format == ESP_EXPORT_ORIGINAL
      && g_error_matches (why, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED)
      && (self->target == NULL || is_folder_target (self)))
    {
      char *dot = strrchr (item->file_name, '.');
      char *name = g_strdup_printf ("%.*s.png", (int) (dot - item->file_name), item->file_name);

      g_free (item->file_name);
      item->file_name = name;
      instead.format = ESP_EXPORT_PNG;
      return _esp_export_encode (item, stored, &instead, cancellable, error);
    }
  g_propagate_error (error, g_steal_pointer (&why));
  return NULL;
}

typedef struct
{
  Export *export; /* of the task that waits for this one */
  GBytes *stored;
} Step;

static void
step_free (gpointer data)
{
  Step *step = data;

  g_bytes_unref (step->stored);
  g_free (step);
}

static gboolean
work (Export *self, GBytes *stored, GCancellable *cancellable, GError **error)
{
  EspExportItem *item = self->items->pdata[self->next];
  g_autoptr (GBytes) bytes = NULL;
  GFile *file = NULL;

  if (self->film != NULL)
    {
      if (!_esp_export_film_add (self->film, item, stored, cancellable, error))
        return FALSE;
      if (self->next + 1 < self->items->len)
        return TRUE;
      bytes = _esp_export_film_finish (self->film, item->recipe, cancellable, error);
    }
  else
    bytes = encode_one (self, item, stored, cancellable, error);
  if (bytes == NULL)
    return FALSE;

  if (self->target == NULL)
    {
      self->bytes = g_steal_pointer (&bytes);
      return TRUE;
    }
  if (is_folder_target (self))
    file = write_new_file (self->target, item->file_name, bytes, cancellable, error);
  else if (_esp_export_write (self->target, bytes, cancellable, error))
    file = g_object_ref (self->target);
  if (file != NULL)
    g_ptr_array_add (self->files, file);
  return file != NULL;
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Step *step = data;
  GError *error = NULL;

  if (work (step->export, step->stored, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* After a failure the files that were already written to a folder go, too: no half of an export is
 * left behind. (A single file is written whole or not at all.) */
static void
remove_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GPtrArray *files = data;

  for (guint i = 0; i < files->len; i++)
    g_file_delete (files->pdata[i], NULL, NULL);
  g_task_return_boolean (task, TRUE);
}

/* ---- one after the other, on the main thread */

static void load_next (GTask *task);

static void
on_removed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = g_object_steal_data (G_OBJECT (task), "esp-export-error");

  g_task_return_error (task, error);
}

/* Takes the task and the error. */
static void
fail (GTask *task, GError *error)
{
  Export *self = g_task_get_task_data (task);
  g_autoptr (GTask) remove = NULL;

  if (self->files->len == 0 || !is_folder_target (self))
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  g_object_set_data (G_OBJECT (task), "esp-export-error", error);
  remove = g_task_new (NULL, NULL, on_removed, task);
  g_task_set_task_data (remove, g_ptr_array_ref (self->files), (GDestroyNotify) g_ptr_array_unref);
  g_task_run_in_thread (remove, remove_thread);
}

static void
on_worked (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Export *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      fail (task, error);
      return;
    }
  self->next++;
  if (self->progress != NULL)
    self->progress ((double) self->next / self->items->len, self->progress_data);
  load_next (task);
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Export *self = g_task_get_task_data (task);
  GError *error = NULL;
  GBytes *stored = esp_document_load_image_finish (self->document, result, &error);
  g_autoptr (GTask) thread = NULL;
  Step *step;

  if (stored == NULL)
    {
      fail (task, error);
      return;
    }
  step = g_new0 (Step, 1);
  step->export = self;
  step->stored = stored;
  thread = g_task_new (NULL, g_task_get_cancellable (task), on_worked, task);
  /* What was written counts; the next step sees the cancellation. */
  g_task_set_check_cancellable (thread, FALSE);
  g_task_set_task_data (thread, step, step_free);
  g_task_run_in_thread (thread, work_thread);
}

/* Takes the task. */
static void
load_next (GTask *task)
{
  Export *self = g_task_get_task_data (task);
  GError *error = NULL;
  EspExportItem *item;

  if (self->next == self->items->len)
    {
      if (self->target == NULL)
        g_task_return_pointer (task, g_steal_pointer (&self->bytes),
                               (GDestroyNotify) g_bytes_unref);
      else
        g_task_return_pointer (task, g_ptr_array_ref (self->files),
                               (GDestroyNotify) g_ptr_array_unref);
      g_object_unref (task);
      return;
    }
  if (g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error))
    {
      fail (task, error);
      return;
    }
  item = self->items->pdata[self->next];
  esp_document_load_image_async (self->document, item->node, g_task_get_cancellable (task),
                                 on_loaded, task);
}

/* Formats that cannot be what is asked for. */
static gboolean
check (const EspExportOptions *options, GError **error)
{
  const gboolean moving = options->what == ESP_EXPORT_ANIMATION;

  if (moving ? (options->format == ESP_EXPORT_GIF || options->format == ESP_EXPORT_WEBP
                || options->format == ESP_EXPORT_APNG)
             : (options->format != ESP_EXPORT_GIF && options->format != ESP_EXPORT_APNG))
    return TRUE;
  g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT, "%s",
               moving ? _ ("An animation can be a GIF, WebP or animated PNG file")
                      : _ ("This format is for animations"));
  return FALSE;
}

static void
start (EspDocument *document, EspNode *node, GFile *target, const EspExportOptions *options,
       EspExportProgress progress, gpointer progress_data, GTask *task)
{
  Export *self = g_new0 (Export, 1);
  GError *error = NULL;

  self->document = g_object_ref (document);
  self->options = *options;
  self->target = target != NULL ? g_object_ref (target) : NULL;
  self->progress = progress;
  self->progress_data = progress_data;
  self->files = g_ptr_array_new_with_free_func (g_object_unref);
  self->items = collect (document, node, options);
  g_task_set_task_data (task, self, export_free);
  /* Once the file is there, that is the answer. */
  g_task_set_check_cancellable (task, FALSE);

  if (!check (options, &error))
    ;
  else if (self->items->len == 0)
    g_set_error (&error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT, "%s",
                 _ ("There is no image to export"));
  if (error != NULL)
    {
      fail (task, error);
      return;
    }
  if (options->what == ESP_EXPORT_ANIMATION)
    self->film = _esp_export_film_new (self->items, options);
  load_next (task);
}

void
esp_export_async (EspDocument *document, EspNode *node, GFile *target,
                  const EspExportOptions *options, EspExportProgress progress,
                  gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback callback,
                  gpointer user_data)
{
  GTask *task;

  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (node == NULL || ESP_IS_NODE (node));
  g_return_if_fail (G_IS_FILE (target) && options != NULL);

  task = g_task_new (document, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_export_async);
  start (document, node, target, options, progress, progress_data, task);
}

GPtrArray *
esp_export_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_export_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_export_encode_async (EspDocument *document, EspNode *node, const EspExportOptions *options,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  EspExportOptions one;
  GTask *task;

  g_return_if_fail (ESP_IS_DOCUMENT (document) && ESP_IS_NODE (node) && options != NULL);

  one = *options;
  if (one.what != ESP_EXPORT_ANIMATION)
    one.what = ESP_EXPORT_IMAGE;
  task = g_task_new (document, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_export_encode_async);
  start (document, node, NULL, &one, NULL, NULL, task);
}

GBytes *
esp_export_encode_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_export_encode_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
