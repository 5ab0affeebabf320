/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-style.h: the style sheets and icons of the window's parts. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Has the display use the style sheet `sheet` of `resources` (a folder of resources, as
 * "/espalier/app/canvas"; NULL: none) and the icons in its folder "icons", if it has any. Of a
 * sheet "name.css" that has another one beside it, "name-hc.css", that counts besides where the
 * person asked for high contrast. Calling it again does nothing, so that a widget can do it
 * whenever one is made. */
void esp_style_ensure (GdkDisplay *display, const char *resources, const char *sheet);

G_END_DECLS
