/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-menu.h: menus of .ui resources, made once and shared by all windows: GTK 4.8 never lets go of
 * a section of a menu that was shown. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The menu `id` of `resource` ("/espalier/app/FOLDER/NAME.ui"), in the language of the program.
 * Borrowed, for as long as the program runs. */
GMenuModel *esp_menu_get (const char *resource, const char *id);

G_END_DECLS
