/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-job-row.h: one turn in the list of the queue. */
#pragma once

#include <gtk/gtk.h>

#include "esp-queue.h"

G_BEGIN_DECLS

#define ESP_TYPE_JOB_ROW (esp_job_row_get_type ())

G_DECLARE_FINAL_TYPE (EspJobRow, esp_job_row, ESP, JOB_ROW, GtkWidget)

GtkWidget *esp_job_row_new (void) G_GNUC_WARN_UNUSED_RESULT;
void esp_job_row_set_job (EspJobRow *self, EspQueue *queue, EspJob *job);

G_END_DECLS
