/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-ratio-icon.h: a little rectangle in the shape of a picture. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_RATIO_ICON (esp_ratio_icon_get_type ())

G_DECLARE_FINAL_TYPE (EspRatioIcon, esp_ratio_icon, ESP, RATIO_ICON, GtkWidget)

typedef enum
{
  ESP_RATIO_ICON_RATIO,
  ESP_RATIO_ICON_AUTO,   /* four corners: whatever comes */
  ESP_RATIO_ICON_MATCH,  /* a picture in its frame: that of the picture before */
  ESP_RATIO_ICON_CUSTOM, /* two sliders */
} EspRatioIconKind;

/* `ratio` is width / height, of ESP_RATIO_ICON_RATIO. */
GtkWidget *esp_ratio_icon_new (EspRatioIconKind kind, double ratio) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
