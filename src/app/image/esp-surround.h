/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-surround.h: the neutral grey around images, on which colours are judged. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Has `widget` drawn again whenever the grey is another one (setting "canvas-lightness", light or
 * dark style). Call it once, when the widget is made. */
void esp_surround_watch (GtkWidget *widget);

/* Fills the widget with the grey; the first thing in its snapshot. */
void esp_surround_snapshot (GtkWidget *widget, GtkSnapshot *snapshot);

G_END_DECLS
