/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-read.c: lists of nodes, finding, and images. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"
#include "esp-picture-scale.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* --- Lists ------------------------------------------------------------------------------------ */

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const gint64 i = esp_node_get_id (*(EspNode *const *) a);
  const gint64 j = esp_node_get_id (*(EspNode *const *) b);

  return (i > j) - (i < j);
}

static GPtrArray *
dup_by_id (EspDocument *self)
{
  GPtrArray *nodes = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    if (_esp_node_get_placed (node))
      g_ptr_array_add (nodes, node);
  g_ptr_array_sort (nodes, compare_ids);
  return nodes;
}

/* In order of id, but where a move has put a node below a later one. */
GPtrArray *
esp_document_dup_nodes (EspDocument *self)
{
  g_autoptr (GPtrArray) sorted = NULL;
  g_autoptr (GPtrArray) waiting = g_ptr_array_new ();
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);

  g_return_val_if_fail (ESP_IS_DOCUMENT (self), nodes);

  sorted = dup_by_id (self);
  for (guint i = 0; i < sorted->len; i++)
    {
      for (EspNode *node = sorted->pdata[i]; node != NULL && !g_hash_table_contains (taken, node);
           node = esp_node_get_parent (node))
        {
          g_hash_table_add (taken, node);
          g_ptr_array_add (waiting, node);
        }
      for (; waiting->len > 0; g_ptr_array_set_size (waiting, (int) waiting->len - 1))
        g_ptr_array_add (nodes, g_object_ref (waiting->pdata[waiting->len - 1]));
    }
  return nodes;
}

/* --- Finding ---------------------------------------------------------------------------------- */

static gboolean
has_word (const char *const *words, const char *beginning, gsize length)
{
  for (; *words != NULL; words++)
    if (strncmp (*words, beginning, length) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
matches (EspNode *node, char **wanted)
{
  const char *const *words = _esp_node_get_words (node);

  for (; *wanted != NULL; wanted++)
    if (!has_word (words, *wanted, strlen (*wanted)))
      return FALSE;
  return TRUE;
}

GPtrArray *
esp_document_find (EspDocument *self, const char *text)
{
  g_autoptr (GPtrArray) nodes = NULL;
  g_auto (GStrv) wanted = NULL;
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);

  g_return_val_if_fail (ESP_IS_DOCUMENT (self), found);

  if (text == NULL)
    return found;
  wanted = g_str_tokenize_and_fold (text, NULL, NULL);
  if (wanted[0] == NULL)
    return found;
  nodes = dup_by_id (self);
  for (guint i = 0; i < nodes->len; i++)
    if (matches (nodes->pdata[i], wanted))
      g_ptr_array_add (found, g_object_ref (nodes->pdata[i]));
  return found;
}

/* --- Images ----------------------------------------------------------------------------------- */

typedef struct
{
  EspImageInfo image;
  char *name; /* of the node, for messages */
  int size;   /* of a thumbnail */

  /* A thumbnail that was missing, to be stored. */
  GBytes *made;
} Reading;

static void
free_reading (gpointer data)
{
  Reading *reading = data;

  _esp_image_info_clear (&reading->image);
  g_free (reading->name);
  g_clear_pointer (&reading->made, g_bytes_unref);
  g_free (reading);
}

/* NULL: the task was returned, because there is no image. */
static GTask *
start_reading (EspDocument *self, EspNode *node, EspNodePicture which, int size, gpointer tag,
               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Reading *reading = g_new0 (Reading, 1);

  g_task_set_source_tag (task, tag);
  _esp_image_info_copy (&reading->image, _esp_node_get_picture (node, which));
  reading->name = esp_node_dup_title (node);
  reading->size = size;
  g_task_set_task_data (task, reading, free_reading);
  if (reading->image.id != 0)
    return task;
  if (which == ESP_NODE_PICTURE_SHOWN)
    g_task_return_new_error (task, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                             _ ("“%s” has no image yet"), reading->name);
  else
    g_task_return_new_error (task, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                             _ ("“%s” has not kept what it was put together of"), reading->name);
  g_object_unref (task);
  return NULL;
}

static GBytes *
read_bytes (EspReaders *readers, const Reading *reading, GCancellable *cancellable, GError **error)
{
  EspStore *store = _esp_readers_acquire (readers, error);
  GBytes *bytes;

  if (store == NULL)
    return NULL;
  bytes = _esp_store_read_image (store, &reading->image, cancellable, error);
  _esp_readers_release (readers, store);
  return bytes;
}

static EspPicture *
read_picture (EspReaders *readers, const Reading *reading, GCancellable *cancellable,
              GError **error)
{
  g_autoptr (GBytes) bytes = read_bytes (readers, reading, cancellable, error);

  if (bytes == NULL)
    return NULL;
  return esp_picture_load_bytes (bytes, reading->name, NULL, cancellable, error);
}

static gpointer
do_load_image (EspReaders *readers, GTask *task, gpointer data, GError **error)
{
  return read_bytes (readers, data, g_task_get_cancellable (task), error);
}

static gpointer
do_load_picture (EspReaders *readers, GTask *task, gpointer data, GError **error)
{
  return read_picture (readers, data, g_task_get_cancellable (task), error);
}

static EspPicture *
read_thumbnail (EspReaders *readers, const Reading *reading, GCancellable *cancellable)
{
  EspStore *store = _esp_readers_acquire (readers, NULL);
  g_autoptr (GBytes) bytes = NULL;

  if (store == NULL)
    return NULL;
  bytes = _esp_store_read_thumbnail (store, reading->image.id, reading->size, NULL);
  _esp_readers_release (readers, store);
  if (bytes == NULL || g_bytes_get_size (bytes) == 0)
    return NULL;
  return esp_picture_load_bytes (bytes, reading->name, NULL, cancellable, NULL);
}

static gpointer
do_load_thumbnail (EspReaders *readers, GTask *task, gpointer data, GError **error)
{
  Reading *reading = data;
  GCancellable *cancellable = g_task_get_cancellable (task);
  EspPicture *thumbnail = read_thumbnail (readers, reading, cancellable);
  g_autoptr (EspPicture) picture = NULL;

  /* One that is larger than it may be is not ours: made again, too. */
  if (thumbnail != NULL && MAX (thumbnail->width, thumbnail->height) > reading->size)
    g_clear_pointer (&thumbnail, esp_picture_unref);
  if (thumbnail == NULL)
    {
      picture = read_picture (readers, reading, cancellable, error);
      if (picture != NULL)
        thumbnail = esp_picture_shrink (picture, reading->size, error);
      if (thumbnail != NULL)
        reading->made = _esp_thumbnail_encode (thumbnail, reading->size, NULL);
    }
  return thumbnail;
}

static void
load_bytes (EspDocument *self, EspNode *node, EspNodePicture which, gpointer tag,
            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task
      = start_reading (self, node, which, 0, tag, cancellable, callback, user_data);

  if (task != NULL)
    _esp_readers_run (self->readers, task, do_load_image, (GDestroyNotify) g_bytes_unref);
}

static void
load_picture (EspDocument *self, EspNode *node, EspNodePicture which, gpointer tag,
              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task
      = start_reading (self, node, which, 0, tag, cancellable, callback, user_data);

  if (task != NULL)
    _esp_readers_run (self->readers, task, do_load_picture, (GDestroyNotify) esp_picture_unref);
}

void
esp_document_load_image_async (EspDocument *self, EspNode *node, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));

  load_bytes (self, node, ESP_NODE_PICTURE_SHOWN, esp_document_load_image_async, cancellable,
              callback, user_data);
}

GBytes *
esp_document_load_image_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_document_load_picture_async (EspDocument *self, EspNode *node, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));

  load_picture (self, node, ESP_NODE_PICTURE_SHOWN, esp_document_load_picture_async, cancellable,
                callback, user_data);
}

EspPicture *
esp_document_load_picture_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_document_load_node_bytes_async (EspDocument *self, EspNode *node, EspNodePicture which,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));

  load_bytes (self, node, which, esp_document_load_node_bytes_async, cancellable, callback,
              user_data);
}

GBytes *
esp_document_load_node_bytes_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  return esp_document_load_image_finish (self, result, error);
}

void
esp_document_load_node_picture_async (EspDocument *self, EspNode *node, EspNodePicture which,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));

  load_picture (self, node, which, esp_document_load_node_picture_async, cancellable, callback,
                user_data);
}

EspPicture *
esp_document_load_node_picture_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  return esp_document_load_picture_finish (self, result, error);
}

static gpointer
do_load_latents (EspReaders *readers, GTask *task, gpointer data, GError **error)
{
  const gint64 *id = data;
  EspStore *store = _esp_readers_acquire (readers, error);
  GBytes *bytes;

  if (store == NULL)
    return NULL;
  bytes = _esp_store_read_latents (store, *id, error);
  _esp_readers_release (readers, store);
  return bytes;
}

void
esp_document_load_latents_async (EspDocument *self, EspNode *node, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  gint64 id;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));

  id = _esp_node_get_record (node)->latents;
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_document_load_latents_async);
  g_task_set_task_data (task, g_memdup2 (&id, sizeof id), g_free);
  if (id != 0)
    _esp_readers_run (self->readers, task, do_load_latents, (GDestroyNotify) g_bytes_unref);
  else
    {
      g_autofree char *name = esp_node_dup_title (node);

      g_task_return_new_error (task, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                               _ ("“%s” has not kept what it was put together of"), name);
    }
}

GBytes *
esp_document_load_latents_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  return esp_document_load_image_finish (self, result, error);
}

void
esp_document_load_thumbnail_async (EspDocument *self, EspNode *node, int size,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (ESP_IS_DOCUMENT (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (size == ESP_THUMBNAIL_SMALL || size == ESP_THUMBNAIL_LARGE);

  task = start_reading (self, node, ESP_NODE_PICTURE_SHOWN, size, esp_document_load_thumbnail_async,
                        cancellable, callback, user_data);
  if (task != NULL)
    _esp_readers_run (self->readers, task, do_load_thumbnail, (GDestroyNotify) esp_picture_unref);
}

static void
free_made (gpointer data)
{
  free_reading (data);
}

static gboolean
store_thumbnail (EspCall *call, EspWriter *writer, GError **error)
{
  const Reading *made = call->data;

  return _esp_store_write_thumbnail (_esp_writer_get_store (writer), made->image.id, made->size,
                                     made->made, error);
}

EspPicture *
esp_document_load_thumbnail_finish (EspDocument *self, GAsyncResult *result, GError **error)
{
  Reading *reading;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  reading = g_task_get_task_data (G_TASK (result));
  if (reading->made != NULL && !self->closed && self->access == ESP_DOCUMENT_WRITABLE)
    {
      Reading *made = g_new0 (Reading, 1);
      EspCall *call = _esp_call_new (ESP_CALL_VIEW, NULL, made, free_made);

      _esp_image_info_copy (&made->image, &reading->image);
      made->size = reading->size;
      made->made = g_steal_pointer (&reading->made);
      call->work = store_thumbnail;
      _esp_writer_push (self->writer, call);
    }
  return g_task_propagate_pointer (G_TASK (result), error);
}
