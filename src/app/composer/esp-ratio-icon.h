/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-ratio-icon.h: a little rectangle in the shape of a picture. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_RATIO_ICON (esp_ratio_icon_get_type ())

G_DECLARE_FINAL_TYPE (EspRatioIcon, esp_ratio_icon, ESP, RATIO_ICON, GtkWidget)

/* `ratio` is width / height; 0 draws a dashed square: whatever comes. */
GtkWidget *esp_ratio_icon_new (double ratio) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
