/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference-nodes.c: the difference of two nodes' pictures, loaded by the document's readers,
 * scaled and compared on a thread. */
#define G_LOG_DOMAIN "esp-compare"

#include <glib/gi18n-lib.h>

#include "esp-difference-private.h"
#include "esp-document.h"
#include "esp-picture-scale.h"
#include "esp-picture-work.h"

typedef struct
{
  EspDocument *document;
  EspNode *nodes[2];
  EspPicture *pictures[2];
  EspFrameSize frame;
  guint n_waiting;
  GError *error; /* of the first that could not be loaded */
} Pair;

static void
pair_free (gpointer data)
{
  Pair *self = data;

  g_clear_object (&self->document);
  for (int i = 0; i < 2; i++)
    {
      g_clear_object (&self->nodes[i]);
      g_clear_pointer (&self->pictures[i], esp_picture_unref);
    }
  g_clear_error (&self->error);
  g_free (self);
}

static void
compare_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Pair *self = data;
  GError *error = NULL;
  EspDifference *difference = NULL;
  g_autoptr (EspPicture) a = NULL;
  g_autoptr (EspPicture) b = NULL;

  /* Much smaller ones are averaged first, which is quicker and takes all pixels into account. */
  a = esp_picture_shrink (self->pictures[0], MAX (self->frame.width, self->frame.height), &error);
  if (a != NULL)
    b = esp_picture_shrink (self->pictures[1], MAX (self->frame.width, self->frame.height), &error);
  if (b != NULL)
    difference = _esp_difference_new_in (self->frame, a, b, cancellable, &error);
  /* Not kept by the one who asked, and large. */
  g_clear_pointer (&self->pictures[0], esp_picture_unref);
  g_clear_pointer (&self->pictures[1], esp_picture_unref);
  if (difference != NULL)
    g_task_return_pointer (task, difference, (GDestroyNotify) esp_difference_unref);
  else
    g_task_return_error (task, error);
}

/* Takes the task. */
static void
on_all_loaded (GTask *task)
{
  Pair *self = g_task_get_task_data (task);

  if (self->error != NULL)
    g_task_return_error (task, g_steal_pointer (&self->error));
  else if (!g_task_return_error_if_cancelled (task))
    {
      if (self->pictures[1] == NULL)
        self->pictures[1] = esp_picture_ref (self->pictures[0]);
      esp_picture_work_run (task, compare_thread);
    }
  g_object_unref (task);
}

/* Takes the picture and the error. */
static void
take_picture (GTask *task, guint index, EspPicture *picture, GError *error)
{
  Pair *self = g_task_get_task_data (task);

  self->pictures[index] = picture;
  if (self->error == NULL)
    self->error = error;
  else
    g_clear_error (&error);
  if (--self->n_waiting == 0)
    on_all_loaded (task);
}

typedef struct
{
  GTask *task; /* owned by all its loads together */
  guint index;
  gboolean thumbnail;
} Load;

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Load *load = data;
  GError *error = NULL;
  EspPicture *picture
      = load->thumbnail ? esp_document_load_thumbnail_finish (ESP_DOCUMENT (source), result, &error)
                        : esp_document_load_picture_finish (ESP_DOCUMENT (source), result, &error);

  take_picture (load->task, load->index, picture, error);
}

static void
load (GTask *task, guint index, gboolean thumbnail)
{
  Pair *self = g_task_get_task_data (task);
  Load *one = g_new0 (Load, 1);

  one->task = task;
  one->index = index;
  one->thumbnail = thumbnail;
  if (thumbnail)
    esp_document_load_thumbnail_async (self->document, self->nodes[index], ESP_THUMBNAIL_LARGE,
                                       g_task_get_cancellable (task), on_loaded, one);
  else
    esp_document_load_picture_async (self->document, self->nodes[index],
                                     g_task_get_cancellable (task), on_loaded, one);
}

/* The frame of both nodes as they are, no larger than `max_side`: it does not hang on the sizes
 * that they are compared in. */
static EspFrameSize
choose_frame (EspNode *const *nodes, int max_side)
{
  EspFrameSize sizes[2], frame;

  for (int i = 0; i < 2; i++)
    sizes[i] = (EspFrameSize){ esp_node_get_width (nodes[i]), esp_node_get_height (nodes[i]) };
  frame = esp_fitted_frame_get (sizes, 2);
  if (max_side > 0)
    esp_picture_fit (frame.width, frame.height, max_side, max_side, &frame.width, &frame.height);
  return frame;
}

void
esp_difference_nodes_async (EspDocument *document, EspNode *a, EspNode *b, int max_side,
                            GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task;
  Pair *self;
  gboolean thumbnails, same;

  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_NODE (a) && ESP_IS_NODE (b));

  task = g_task_new (document, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_difference_nodes_async);
  if (!esp_node_has_image (a) || !esp_node_has_image (b))
    {
      g_task_return_new_error (task, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT, "%s",
                               _ ("There is no image to compare with"));
      g_object_unref (task);
      return;
    }

  self = g_new0 (Pair, 1);
  self->document = g_object_ref (document);
  self->nodes[0] = g_object_ref (a);
  self->nodes[1] = g_object_ref (b);
  self->frame = choose_frame (self->nodes, max_side);
  g_task_set_task_data (task, self, pair_free);

  thumbnails = max_side > 0 && max_side <= ESP_THUMBNAIL_LARGE;
  same = g_strcmp0 (esp_node_get_sha256 (a), esp_node_get_sha256 (b)) == 0;
  self->n_waiting = same ? 1 : 2;
  load (task, 0, thumbnails);
  if (!same)
    load (task, 1, thumbnails);
}

EspDifference *
esp_difference_nodes_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_difference_nodes_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
