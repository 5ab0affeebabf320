/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-help.h: the manual, at the place that is about what the person looks at. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Opens the manual in whatever shows web pages, at the chapter about what `window` shows. Where
 * nothing can show it, the window says where the manual is. */
void esp_help_show (GtkWindow *window);

/* F1 in a window that has no part in the application's keys: the preferences. */
void esp_help_add_key (GtkWindow *window);

/* The id of the manual's chapter about what `window` (may be NULL) shows. */
const char *esp_help_get_topic (GtkWindow *window);

G_END_DECLS
