/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-queue-seconds.c: how long the queue still takes. */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-job-private.h"
#include "esp-queue-private.h"

/* Of the jobs of one backend, one after the other, or < 0. Those that run as one end as one, or one
 * after the other, each saying how long until itself: the last counts. */
static double
sum_seconds_left (EspQueue *self, EspBackend *backend)
{
  GListModel *jobs = esp_queue_get_jobs (self);
  const char *id = esp_backend_get_id (backend);
  double sum = 0, longest = 0;
  guint64 slot = 0;

  for (guint i = 0; i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);
      double left;

      if (g_strcmp0 (esp_node_get_backend (job->node), id) != 0)
        continue;
      left = _esp_job_get_seconds_left (job);
      if (left < 0)
        return -1;
      if (job->is_running && job->slot == slot)
        {
          sum += MAX (0, left - longest);
          longest = MAX (longest, left);
        }
      else
        {
          sum += left;
          longest = left;
        }
      slot = job->is_running ? job->slot : 0;
    }

  return sum;
}

double
esp_queue_get_seconds_left (EspQueue *self)
{
  GListModel *backends;
  double longest = 0, sum = 0;

  g_return_val_if_fail (ESP_IS_QUEUE (self), -1);

  backends = esp_registry_get_backends (esp_queue_get_registry (self));
  for (guint i = 0; i < g_list_model_get_n_items (backends); i++)
    {
      g_autoptr (EspBackend) backend = g_list_model_get_item (backends, i);
      double left = sum_seconds_left (self, backend);

      if (left < 0)
        return -1;
      longest = MAX (longest, left / esp_backend_get_concurrency (backend));
      sum += left;
    }

  return self->limit > 0 ? MAX (longest, sum / self->limit) : longest;
}

double
_esp_queue_estimate_node (EspQueue *self, EspNode *node)
{
  return _esp_durations_estimate (self->durations, esp_node_get_backend (node),
                                  esp_node_get_model (node), esp_node_get_parameters (node));
}

double
esp_queue_estimate (EspQueue *self, EspDocument *document, const EspTurn *turn)
{
  g_return_val_if_fail (ESP_IS_QUEUE (self), -1);
  g_return_val_if_fail (document == NULL || ESP_IS_DOCUMENT (document), -1);
  g_return_val_if_fail (turn != NULL, -1);

  if (document != NULL)
    _esp_durations_learn_document (self->durations, document, turn->backend, turn->model);
  return _esp_durations_estimate (self->durations, turn->backend, turn->model, turn->parameters);
}
