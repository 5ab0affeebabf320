/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-backend-button.h: who makes the turn: "This Computer · Demo ▾", with a list of all models.
 *
 * Signal "chosen" (EspModel): the person chose one.
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-queue.h"

G_BEGIN_DECLS

#define ESP_TYPE_BACKEND_BUTTON (esp_backend_button_get_type ())

G_DECLARE_FINAL_TYPE (EspBackendButton, esp_backend_button, ESP, BACKEND_BUTTON, GtkWidget)

GtkWidget *esp_backend_button_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* The models to choose from, and what is busy. */
void esp_backend_button_set_queue (EspBackendButton *self, EspQueue *queue);
void esp_backend_button_set_model (EspBackendButton *self, EspModel *model); /* or NULL */

/* A few words on a model's state; a busy one says so. "" where there is nothing to say. */
char *esp_backend_button_dup_state_text (EspBackendButton *self,
                                         EspModel *model) G_GNUC_WARN_UNUSED_RESULT;

GtkListBox *esp_backend_button_get_list (EspBackendButton *self); /* for tests */

G_END_DECLS
