/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-job-private.h"

G_DEFINE_FINAL_TYPE (EspJob, esp_job, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

EspDocument *
esp_job_get_document (EspJob *self)
{
  g_return_val_if_fail (ESP_IS_JOB (self), NULL);

  return self->document;
}

EspNode *
esp_job_get_node (EspJob *self)
{
  g_return_val_if_fail (ESP_IS_JOB (self), NULL);

  return self->node;
}

EspJobState
esp_job_get_state (EspJob *self)
{
  g_return_val_if_fail (ESP_IS_JOB (self), ESP_JOB_CANCELLED);

  return self->state;
}

const EspNodeProgress *
esp_job_get_progress (EspJob *self)
{
  g_return_val_if_fail (ESP_IS_JOB (self), NULL);

  return self->state <= ESP_JOB_STOPPING ? esp_node_get_progress (self->node) : NULL;
}

const GError *
esp_job_get_error (EspJob *self)
{
  g_return_val_if_fail (ESP_IS_JOB (self), NULL);

  return self->error;
}

void
_esp_job_set_state (EspJob *self, EspJobState state, const GError *error)
{
  g_return_if_fail (ESP_IS_JOB (self));

  g_clear_error (&self->error);
  if (error != NULL)
    self->error = g_error_copy (error);
  self->state = state;
  g_signal_emit (self, signals[CHANGED], 0);
}

void
_esp_job_show_progress (EspJob *self, const EspNodeProgress *progress, EspPicture *preview)
{
  g_return_if_fail (ESP_IS_JOB (self));

  esp_node_set_progress (self->node, progress, preview);
  g_signal_emit (self, signals[CHANGED], 0);
}

double
_esp_job_get_seconds_left (EspJob *self)
{
  const EspNodeProgress *progress;
  double elapsed;

  g_return_val_if_fail (ESP_IS_JOB (self), -1);

  if (!self->is_running)
    return self->expected;

  progress = esp_node_get_progress (self->node);
  if (progress != NULL && progress->seconds_left >= 0)
    return progress->seconds_left;

  elapsed = (double) (g_get_monotonic_time () - self->started) / G_USEC_PER_SEC;
  return self->expected >= 0 ? MAX (0, self->expected - elapsed) : -1;
}

static void
esp_job_finalize (GObject *object)
{
  EspJob *self = ESP_JOB (object);

  g_clear_object (&self->document);
  g_clear_object (&self->node);
  g_clear_object (&self->cancellable);
  g_clear_error (&self->error);

  G_OBJECT_CLASS (esp_job_parent_class)->finalize (object);
}

static void
esp_job_class_init (EspJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = esp_job_finalize;

  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_JOB, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 0);
}

static void
esp_job_init (EspJob *self)
{
  self->state = ESP_JOB_WAITING;
  self->cancellable = g_cancellable_new ();
  self->expected = -1;
}

EspJob *
_esp_job_new (EspDocument *document, EspNode *node)
{
  EspJob *self = g_object_new (ESP_TYPE_JOB, NULL);

  self->document = g_object_ref (document);
  self->node = g_object_ref (node);

  return self;
}
