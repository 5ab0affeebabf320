/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-announcer.h: tells those who hear the window what became of turns, whatever is shown. Nothing
 * is seen of it: it is a status, of which screen readers say that it has changed; with GTK 4.14 or
 * later they are asked to say so at once (gtk_accessible_announce ()).
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-queue.h"

G_BEGIN_DECLS

#define ESP_TYPE_ANNOUNCER (esp_announcer_get_type ())

G_DECLARE_FINAL_TYPE (EspAnnouncer, esp_announcer, ESP, ANNOUNCER, GtkWidget)

/* Follows the turns of `document` that are in the queue or come into it; NULL: none any more. Of
 * the cells of a sweep only the last one is told of. */
void esp_announcer_watch (EspAnnouncer *self, EspQueue *queue, EspDocument *document);

/* Has it said; what goes wrong before anything else (`urgent`). */
void esp_announcer_say (EspAnnouncer *self, const char *text, gboolean urgent);

G_END_DECLS
