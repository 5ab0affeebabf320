/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-queue.h"

#include "esp-job-private.h"

struct _EspQueue
{
  GObject parent_instance;

  EspRegistry *registry;
  GListStore *jobs;
};

G_DEFINE_FINAL_TYPE (EspQueue, esp_queue, G_TYPE_OBJECT)

EspRegistry *
esp_queue_get_registry (EspQueue *self)
{
  return self->registry;
}

GListModel *
esp_queue_get_jobs (EspQueue *self)
{
  return G_LIST_MODEL (self->jobs);
}

guint
esp_queue_get_n_waiting (EspQueue *self)
{
  return 0;
}

guint
esp_queue_get_n_running (EspQueue *self)
{
  return 0;
}

EspJob *
esp_queue_find (EspQueue *self, EspNode *node)
{
  return NULL;
}

gboolean
esp_queue_has_document (EspQueue *self, EspDocument *document)
{
  return FALSE;
}

double
esp_queue_get_seconds_left (EspQueue *self)
{
  return -1;
}

EspJob *
esp_queue_add (EspQueue *self, EspDocument *document, EspNode *node, gboolean next)
{
  g_autoptr (EspJob) job = _esp_job_new (document, node);

  g_list_store_append (self->jobs, job);
  return job;
}

void
esp_queue_retry (EspQueue *self, EspDocument *document, EspNode *node)
{
}

void
esp_queue_stop (EspQueue *self, EspJob *job)
{
}

void
esp_queue_stop_after_running (EspQueue *self)
{
}

gboolean
esp_queue_get_paused (EspQueue *self)
{
  return FALSE;
}

void
esp_queue_resume (EspQueue *self)
{
}

void
esp_queue_clear (EspQueue *self, EspDocument *document)
{
}

void
esp_queue_stop_document (EspQueue *self, EspDocument *document)
{
}

void
esp_queue_suspend_document (EspQueue *self, EspDocument *document)
{
}

void
esp_queue_move (EspQueue *self, EspJob *job, guint position)
{
}

void
esp_queue_run_next (EspQueue *self, EspJob *job)
{
}

GPtrArray *
esp_queue_dup_left_over (EspQueue *self, EspDocument *document)
{
  return g_ptr_array_new_with_free_func (g_object_unref);
}

void
esp_queue_take_up (EspQueue *self, EspDocument *document, GPtrArray *nodes)
{
}

void
esp_queue_dismiss (EspQueue *self, EspDocument *document, GPtrArray *nodes)
{
}

static void
esp_queue_class_init (EspQueueClass *klass)
{
}

static void
esp_queue_init (EspQueue *self)
{
  self->jobs = g_list_store_new (ESP_TYPE_JOB);
}

EspQueue *
esp_queue_new (EspRegistry *registry)
{
  EspQueue *self = g_object_new (ESP_TYPE_QUEUE, NULL);

  self->registry = g_object_ref (registry);
  return self;
}
