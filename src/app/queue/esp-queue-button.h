/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-queue-button.h: a pill ("3 waiting · about 2 min") that is there while jobs wait or the queue
 * is paused, with a popover: the jobs with their progress, to stop, move and run next, and the
 * verbs for the whole queue. Property: "queue". */
#pragma once

#include <adwaita.h>

#include "esp-queue.h"

G_BEGIN_DECLS

#define ESP_TYPE_QUEUE_BUTTON (esp_queue_button_get_type ())

G_DECLARE_FINAL_TYPE (EspQueueButton, esp_queue_button, ESP, QUEUE_BUTTON, GtkWidget)

GtkWidget *esp_queue_button_new (void) G_GNUC_WARN_UNUSED_RESULT;
void esp_queue_button_set_queue (EspQueueButton *self, EspQueue *queue);

G_END_DECLS
