/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-notifier.h: notifications of turns that ended while nobody looked. */
#pragma once

#include <gtk/gtk.h>

#include "esp-queue.h"

G_BEGIN_DECLS

/* Tells of turns that are done or failed in documents whose window is not in front: one of each
 * document at a time, with its picture; a sweep, variations, and what runs for a closed window are
 * told of when the last of them ends. Nothing if the person turned that off. */
void esp_notifier_attach (GtkApplication *application, EspQueue *queue);

void esp_notifier_detach (GtkApplication *application);

/* The person looks at the document: what was told of it is old. */
void esp_notifier_seen (GtkApplication *application, GFile *document);

/* Does the person look at the window, or at a dialog over it? NULL: at any of the program's. */
gboolean esp_notifier_is_in_front (GtkWindow *window);

G_END_DECLS
