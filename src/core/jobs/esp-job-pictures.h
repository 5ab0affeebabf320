/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-job-pictures.h: are the pictures there that a turn starts from? Private to the queue. */
#pragma once

#include "esp-queue.h"

G_BEGIN_DECLS

typedef enum
{
  ESP_JOB_PICTURES_READY,
  ESP_JOB_PICTURES_COMING, /* from other jobs of the queue */
  ESP_JOB_PICTURES_NEVER,  /* see the error */
} EspJobPictures;

EspJobPictures _esp_job_check_pictures (EspJob *job, EspQueue *queue, GError **error);

G_END_DECLS
