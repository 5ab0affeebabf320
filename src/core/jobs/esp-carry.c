/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-carry.h"

#include "esp-latents.h"
#include "esp-picture-work.h"
#include "esp-untouched.h"

/* The data of the task; its source object is the document. */
typedef struct
{
  EspNode *node;
  GBytes *latents;
  GBytes *mask;
  EspComposition *composition; /* NULL: all of the result is shown */
} Loading;

static void
free_loading (gpointer data)
{
  Loading *loading = data;

  g_object_unref (loading->node);
  g_clear_pointer (&loading->latents, g_bytes_unref);
  g_clear_pointer (&loading->mask, g_bytes_unref);
  g_clear_pointer (&loading->composition, esp_composition_free);
  g_free (loading);
}

void
_esp_carry_free (EspCarry *carry)
{
  if (carry == NULL)
    return;
  g_clear_pointer (&carry->latents, g_bytes_unref);
  g_free (carry->tokens);
  g_free (carry);
}

static void
finish (GTask *task, guint8 *tokens)
{
  const Loading *loading = g_task_get_task_data (task);
  EspCarry *carry = g_new0 (EspCarry, 1);

  carry->latents = g_bytes_ref (loading->latents);
  carry->tokens = tokens;
  g_task_return_pointer (task, carry, (GDestroyNotify) _esp_carry_free);
}

static void
give_up (GTask *task, const GError *error)
{
  g_debug ("Nothing is carried over: %s", error != NULL ? error->message : "there is nothing");
  g_task_return_pointer (task, NULL, NULL);
}

static void
tokens_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  const Loading *loading = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspMask) mask = NULL;
  guint8 *tokens = NULL;
  int width = 0, height = 0;

  if (esp_latents_get_size (loading->latents, &width, &height))
    mask = esp_mask_load_bytes (loading->mask, "mask", cancellable, &error);
  if (mask != NULL)
    tokens = esp_untouched_dup_tokens (mask, loading->composition, width, height, &error);
  if (tokens != NULL)
    finish (task, tokens);
  else
    give_up (task, error);
}

static void
on_mask (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Loading *loading = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  loading->mask = esp_document_load_node_bytes_finish (ESP_DOCUMENT (source), result, &error);
  if (loading->mask != NULL)
    esp_picture_work_run (task, tokens_thread);
  else
    give_up (task, error);
}

static void
on_latents (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Loading *loading = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  loading->latents = esp_document_load_latents_finish (ESP_DOCUMENT (source), result, &error);
  if (loading->latents == NULL)
    give_up (task, error);
  else if (loading->composition == NULL)
    finish (task, NULL);
  else
    esp_document_load_node_bytes_async (ESP_DOCUMENT (source), loading->node, ESP_NODE_PICTURE_MASK,
                                        g_task_get_cancellable (task), on_mask,
                                        g_object_ref (task));
}

void
_esp_carry_load_async (EspDocument *document, EspNode *node, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (document, cancellable, callback, user_data);
  const EspComposition *composition = esp_node_get_composition (node);
  Loading *loading = g_new0 (Loading, 1);

  loading->node = g_object_ref (node);
  /* Does it show something else than what was made? */
  if (composition != NULL
      && g_strcmp0 (esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_RAW),
                    esp_node_get_picture_sha256 (node, ESP_NODE_PICTURE_SHOWN))
             != 0)
    loading->composition = esp_composition_copy (composition);
  g_task_set_source_tag (task, _esp_carry_load_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, loading, free_loading);
  /* What was made of a region is a picture of its own. */
  if (!esp_node_has_latents (node) || (composition != NULL && composition->region != NULL)
      || (loading->composition != NULL && !esp_node_has_picture (node, ESP_NODE_PICTURE_MASK)))
    give_up (task, NULL);
  else
    esp_document_load_latents_async (document, node, cancellable, on_latents, g_object_ref (task));
}

EspCarry *
_esp_carry_load_finish (GAsyncResult *result)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
