/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-companions.h"

#include "esp-job-pictures.h"
#include "esp-job-private.h"
#include "esp-queue-private.h"

static gboolean
are_equal_objects (JsonObject *a, JsonObject *b)
{
  g_autoptr (JsonNode) first = json_node_init_object (json_node_alloc (), a);
  g_autoptr (JsonNode) second = json_node_init_object (json_node_alloc (), b);

  return json_node_equal (first, second);
}

static gboolean
have_same_references (EspNode *a, EspNode *b)
{
  GPtrArray *first = esp_node_get_references (a), *second = esp_node_get_references (b);

  if (first->len != second->len)
    return FALSE;
  for (guint i = 0; i < first->len; i++)
    {
      if (g_ptr_array_index (first, i) != g_ptr_array_index (second, i))
        return FALSE;
    }
  return TRUE;
}

/* Would both be asked for in the same words, but for the seed? Whether they are cells of a sweep,
 * and of which, does not matter. */
static gboolean
is_same_request (EspNode *a, EspNode *b)
{
  return esp_node_get_parent (a) == esp_node_get_parent (b)
         && g_strcmp0 (esp_node_get_backend (a), esp_node_get_backend (b)) == 0
         && g_strcmp0 (esp_node_get_model (a), esp_node_get_model (b)) == 0
         && g_strcmp0 (esp_node_get_instruction (a), esp_node_get_instruction (b)) == 0
         && g_strcmp0 (esp_node_get_negative_prompt (a), esp_node_get_negative_prompt (b)) == 0
         && have_same_references (a, b)
         && are_equal_objects (esp_node_get_parameters (a), esp_node_get_parameters (b));
}

/* A turn that was made and could not be stored is not made again; one that a provider may know
 * already goes its own way. */
static gboolean
can_join (EspQueue *queue, EspJob *job, EspJob *other)
{
  return other != job && other->document == job->document && other->state == ESP_JOB_WAITING
         && !other->is_running && !esp_node_is_deleted (other->node)
         && !g_hash_table_contains (queue->unsaved, other->node)
         && esp_node_get_remote_job (other->node) == NULL
         && is_same_request (job->node, other->node)
         && _esp_job_check_pictures (other, queue, NULL) == ESP_JOB_PICTURES_READY;
}

GPtrArray *
_esp_companions_find (EspQueue *queue, EspJob *job, EspBackend *backend)
{
  GPtrArray *companions = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_jobs = _esp_queue_get_n_jobs (queue);
  guint most;

  if (g_hash_table_contains (queue->unsaved, job->node)
      || esp_node_get_remote_job (job->node) != NULL)
    return companions;

  most = esp_backend_get_batch (backend, esp_node_get_model (job->node),
                                esp_node_get_parameters (job->node));
  for (guint i = queue->n_running; i < n_jobs && companions->len + 1 < most; i++)
    {
      EspJob *other = _esp_queue_get_job (queue, i);

      if (can_join (queue, job, other))
        g_ptr_array_add (companions, g_object_ref (other));
    }
  return companions;
}
