/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-focus-chain.h: Tab through widgets that give the keyboard to a certain one in them. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The `focus` of a class that has a `grab_focus` of its own: GTK's asks that one first, so that Tab
 * would come to nothing else in the widget and Shift+Tab would never leave it. Goes through the
 * children in their order; FALSE once there is none left in that direction. */
gboolean esp_focus_chain_move (GtkWidget *widget, GtkDirectionType direction);

G_END_DECLS
