/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-welcome.h: what a window shows while it has no document: how to start, and documents of late.
 *
 * Signal "open" (GFile): one of the recent documents was chosen.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define ESP_TYPE_WELCOME (esp_welcome_get_type ())

G_DECLARE_FINAL_TYPE (EspWelcome, esp_welcome, ESP, WELCOME, GtkWidget)

GtkWidget *esp_welcome_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Looks again for recent documents. */
void esp_welcome_refresh (EspWelcome *self);

/* A spinner instead of the buttons while something is being opened. */
void esp_welcome_set_busy (EspWelcome *self, gboolean busy);

G_END_DECLS
