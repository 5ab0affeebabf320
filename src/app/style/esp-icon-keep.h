/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-icon-keep.h: icons of the icon theme do not end in threads. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* From now on a GtkIconPaintable whose last reference is dropped in another thread than the one
 * that calls this is kept for good, and is what the icon theme finds again. To be called in the
 * thread that uses GTK, before there are widgets; calling it again does nothing.
 *
 * The icon theme finds icons that it made before in a table that holds no references; an icon
 * leaves it while it is finalized, when its count is 0 already. GTK (4.8) loads icons in threads,
 * and these drop what a hundred others have pushed out of the theme's list of recent ones. An icon
 * that is looked up at that moment is given a reference and freed nevertheless ("assertion
 * '!object_already_finalized' failed"); several icons end so while a window is made. */
void esp_icon_keep_from_threads (void);

G_END_DECLS
