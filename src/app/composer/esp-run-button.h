/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-run-button.h: Run with its menu; while the current turn is under way, how far it is and
 * Cancel. Activates the composer's actions.
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-backend.h"
#include "esp-node.h"

G_BEGIN_DECLS

#define ESP_TYPE_RUN_BUTTON (esp_run_button_get_type ())

G_DECLARE_FINAL_TYPE (EspRunButton, esp_run_button, ESP, RUN_BUTTON, GtkWidget)

GtkWidget *esp_run_button_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* "$0.05", "3 × $0.05", or NULL. */
void esp_run_button_set_price (EspRunButton *self, const char *price);

void esp_run_button_set_can_run (EspRunButton *self, gboolean can_run);

/* Why it cannot run, or what running will do; NULL for the usual. */
void esp_run_button_set_hint (EspRunButton *self, const char *hint);

/* Who makes the turn that is under way, for what Cancel can do; or NULL. Before the node. */
void esp_run_button_set_backend (EspRunButton *self, EspBackend *backend);

/* The turn that is under way; NULL = none: back to Run. */
void esp_run_button_set_node (EspRunButton *self, EspNode *node);

/* "Step 12 of 28 · 9 s left". */
char *esp_run_button_format_progress (const EspNodeProgress *progress) G_GNUC_WARN_UNUSED_RESULT;

GtkWidget *esp_run_button_get_button (EspRunButton *self); /* for tests */
GtkWidget *esp_run_button_get_cancel (EspRunButton *self); /* for tests */
gboolean esp_run_button_is_busy (EspRunButton *self);

G_END_DECLS
