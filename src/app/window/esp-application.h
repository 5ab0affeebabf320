/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-application.h: the program: one process for all windows, with one queue. */
#pragma once

#include <adwaita.h>

#include "esp-account.h"
#include "esp-provider-catalog.h"
#include "esp-queue.h"

G_BEGIN_DECLS

typedef struct _EspWindow EspWindow;

#define ESP_TYPE_APPLICATION (esp_application_get_type ())

G_DECLARE_FINAL_TYPE (EspApplication, esp_application, ESP, APPLICATION, AdwApplication)

EspApplication *esp_application_new (void) G_GNUC_WARN_UNUSED_RESULT;

EspQueue *esp_application_get_queue (EspApplication *self);
EspProviderCatalog *esp_application_get_catalog (EspApplication *self);
EspAccounts *esp_application_get_accounts (EspApplication *self);
GSettings *esp_application_get_settings (EspApplication *self);

/* The window of a document, or NULL. */
EspWindow *esp_application_find_window (EspApplication *self, GFile *file);

/* Opens documents and photos, each where it belongs: `.espalier` files in the window that has them,
 * or a new one; photos as new documents. `window` (or NULL) is used for the first if it is empty.
 */
void esp_application_open_file (EspApplication *self, EspWindow *window, GFile *file);

/* A window to be filled: `window` if it is empty, else a new one. Not presented yet. */
EspWindow *esp_application_window_for_opening (EspApplication *self, EspWindow *window);

/* The photos that came with the program: where they are, or NULL. */
GFile *esp_application_dup_sample_photo (EspApplication *self) G_GNUC_WARN_UNUSED_RESULT;

/* Remembers the windows for the next start, soon. */
void esp_application_session_changed (EspApplication *self);

/* The same for a window that is about to go. */
void esp_application_window_closing (EspApplication *self, EspWindow *window);

void esp_application_show_about (EspApplication *self, GtkWindow *parent);

G_END_DECLS
