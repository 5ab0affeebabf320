/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-surround.c: see esp-surround.h. A widget keeps the settings that it watches. */
#define G_LOG_DOMAIN "espalier-image"

#include "esp-surround.h"

#include <adwaita.h>

#define KEY "espalier-surround"

static const double light_grey = 0.86, dark_grey = 0.22;

void
esp_surround_watch (GtkWidget *widget)
{
  GSettings *settings;

  g_return_if_fail (GTK_IS_WIDGET (widget));

  settings = g_settings_new (ESP_APP_ID);
  g_object_set_data_full (G_OBJECT (widget), KEY, settings, g_object_unref);
  g_signal_connect_object (settings, "changed::canvas-lightness",
                           G_CALLBACK (gtk_widget_queue_draw), widget, G_CONNECT_SWAPPED);
  g_signal_connect_object (adw_style_manager_get_default (), "notify::dark",
                           G_CALLBACK (gtk_widget_queue_draw), widget, G_CONNECT_SWAPPED);
}

void
esp_surround_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  GSettings *settings = g_object_get_data (G_OBJECT (widget), KEY);
  const int lightness = settings != NULL ? g_settings_get_int (settings, "canvas-lightness") : -1;
  const gboolean dark = adw_style_manager_get_dark (adw_style_manager_get_default ());
  const float grey = (float) (lightness >= 0 ? lightness / 100.0 : dark ? dark_grey : light_grey);

  gtk_snapshot_append_color (snapshot, &(GdkRGBA){ grey, grey, grey, 1 },
                             &GRAPHENE_RECT_INIT (0, 0, (float) gtk_widget_get_width (widget),
                                                  (float) gtk_widget_get_height (widget)));
}
