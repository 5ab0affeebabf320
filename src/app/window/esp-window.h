/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window.h: one window with one document, or the welcome page.
 *
 * Properties: "document" (EspDocument).
 */
#pragma once

#include "esp-application.h"
#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_WINDOW (esp_window_get_type ())

G_DECLARE_FINAL_TYPE (EspWindow, esp_window, ESP, WINDOW, AdwApplicationWindow)

EspWindow *esp_window_new (EspApplication *application) G_GNUC_WARN_UNUSED_RESULT;

EspDocument *esp_window_get_document (EspWindow *self);
void esp_window_set_document (EspWindow *self, EspDocument *document);

/* Neither a document nor one on its way. */
gboolean esp_window_is_empty (EspWindow *self);
/* Closed for the person, but at work until its turns are done. */
gboolean esp_window_is_in_background (EspWindow *self);
/* The person closed it; it is still there for its document's sake. */
gboolean esp_window_is_closing (EspWindow *self);
/* The file that is being opened or was. */
GFile *esp_window_get_file (EspWindow *self);

/* Opens a document into this window, which is empty. */
void esp_window_open_document (EspWindow *self, GFile *file);

/* Makes a document of a photo in this window, which is empty. */
void esp_window_open_photo (EspWindow *self, GFile *file);

/* The window was made for a file alone: should that not open, it goes with the message that says
 * so, unless it is the only one. */
void esp_window_set_made_for_file (EspWindow *self);

/* Shows a node, with the window brought to the front. */
void esp_window_show_node (EspWindow *self, gint64 id);

/* The same, and does one of these to it: "show" (nothing more), "run-again", "retry", "export",
 * "show-sweep". A document that is still being opened is waited for. */
void esp_window_do_to_node (EspWindow *self, gint64 id, const char *verb);

/* Brings the window to the front, then pastes the image of the clipboard. */
void esp_window_paste_in_front (EspWindow *self);

/* Brings back a window that works in the background. */
void esp_window_leave_background (EspWindow *self);

/* Are turns of its document under way? */
gboolean esp_window_has_turns (EspWindow *self);
/* Asks what becomes of them: "wait", "background" or "stop". Not presented yet. */
GtkWidget *esp_window_create_turns_dialog (EspWindow *self);
void esp_window_close_with_turns (EspWindow *self, const char *response);

/* Closes it as the person's command: asks where turns are under way. */
void esp_window_start_close (EspWindow *self);

/* A sentence that passes. */
void esp_window_toast (EspWindow *self, const char *text);
/* One with a button (`label` with mnemonic, `action` of the application) that stays until it is
 * answered. Borrowed: for taking it back with adw_toast_dismiss (). */
AdwToast *esp_window_toast_action (EspWindow *self, const char *text, const char *label,
                                   const char *action);

/* For the session: a{sv}. */
GVariant *esp_window_dup_state (EspWindow *self) G_GNUC_WARN_UNUSED_RESULT;
void esp_window_restore_state (EspWindow *self, GVariant *state);

G_END_DECLS
