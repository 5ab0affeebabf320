/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-recompose.h"

#include "esp-composing.h"

/* The data of the task; its source object is the document. */
typedef struct
{
  EspNode *node;
  EspComposition *wanted;
  EspMask *mask;
  gboolean needs_mask; /* the stored one */
  char *title;

  GBytes *source;
  GBytes *result;
  GBytes *stored;
} Recomposing;

static void
free_recomposing (gpointer data)
{
  Recomposing *self = data;

  g_object_unref (self->node);
  esp_composition_free (self->wanted);
  g_clear_pointer (&self->mask, esp_mask_unref);
  g_free (self->title);
  g_clear_pointer (&self->source, g_bytes_unref);
  g_clear_pointer (&self->result, g_bytes_unref);
  g_clear_pointer (&self->stored, g_bytes_unref);
  g_free (self);
}

static void
on_set (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_composed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Recomposing *self = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (EspComposed) composed = _esp_compose_again_finish (result, &error);

  if (composed == NULL)
    g_task_return_error (task, error);
  else
    esp_document_set_composition_async (
        g_task_get_source_object (task), self->node, composed->composition, composed->image,
        composed->mask, self->title, g_task_get_cancellable (task), on_set, g_object_ref (task));
}

static void
compose (GTask *task)
{
  const Recomposing *self = g_task_get_task_data (task);
  const EspComposingAgain again = { .source = self->source,
                                    .result = self->result,
                                    .wanted = self->wanted,
                                    .made = esp_node_get_composition (self->node),
                                    .mask = self->mask,
                                    .stored = self->stored };

  _esp_compose_again_async (&again, g_task_get_cancellable (task), on_composed,
                            g_object_ref (task));
}

static void load_next (GTask *task);

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Recomposing *self = g_task_get_task_data (task);
  GError *error = NULL;
  GBytes *bytes = esp_document_load_node_bytes_finish (ESP_DOCUMENT (source), result, &error);

  if (bytes == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (self->source == NULL)
    self->source = bytes;
  else if (self->result == NULL)
    self->result = bytes;
  else
    self->stored = bytes;
  load_next (task);
}

static void
load_next (GTask *task)
{
  const Recomposing *self = g_task_get_task_data (task);
  EspNode *node = self->node;
  EspNodePicture which = ESP_NODE_PICTURE_SOURCE;

  if (self->source != NULL)
    which = self->result == NULL ? ESP_NODE_PICTURE_RAW : ESP_NODE_PICTURE_MASK;
  /* One of an older version was made from what its parent shows. */
  else if (!esp_node_has_picture (node, which) && esp_node_get_composition (node) == NULL
           && esp_node_get_parent (node) != NULL)
    {
      node = esp_node_get_parent (node);
      which = ESP_NODE_PICTURE_SHOWN;
    }
  if (which == ESP_NODE_PICTURE_MASK && (!self->needs_mask || self->stored != NULL))
    compose (task);
  else
    esp_document_load_node_bytes_async (g_task_get_source_object (task), node, which,
                                        g_task_get_cancellable (task), on_loaded,
                                        g_object_ref (task));
}

void
esp_recompose_async (EspDocument *document, EspNode *node, const EspComposition *wanted,
                     EspMask *mask, gboolean anew, const char *title, GCancellable *cancellable,
                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Recomposing *self;

  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (wanted != NULL && title != NULL);

  self = g_new0 (Recomposing, 1);
  self->node = g_object_ref (node);
  self->wanted = esp_composition_copy (wanted);
  self->mask = mask != NULL ? esp_mask_ref (mask) : NULL;
  self->needs_mask = mask == NULL && esp_node_has_picture (node, ESP_NODE_PICTURE_MASK)
                     && (!anew || wanted->keep == ESP_KEEP_OFF);
  self->title = g_strdup (title);
  task = g_task_new (document, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_recompose_async);
  g_task_set_task_data (task, self, free_recomposing);
  load_next (task);
}

gboolean
esp_recompose_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (G_IS_TASK (result), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
