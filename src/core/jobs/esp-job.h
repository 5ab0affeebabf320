/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-job.h: a turn in the queue. "changed" () when its state or progress is another. */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_JOB (esp_job_get_type ())

G_DECLARE_FINAL_TYPE (EspJob, esp_job, ESP, JOB, GObject)

typedef enum
{
  ESP_JOB_WAITING,
  ESP_JOB_RUNNING,
  ESP_JOB_STOPPING, /* a stop takes its time: "Stopping after this step…" */
  ESP_JOB_DONE,
  ESP_JOB_FAILED,
  ESP_JOB_CANCELLED,
} EspJobState;

EspDocument *esp_job_get_document (EspJob *self);
EspNode *esp_job_get_node (EspJob *self);
EspJobState esp_job_get_state (EspJob *self);
const EspNodeProgress *esp_job_get_progress (EspJob *self); /* the node's; NULL when over */
const GError *esp_job_get_error (EspJob *self);             /* of a failed one; else NULL */

G_END_DECLS
