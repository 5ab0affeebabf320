/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-controls.c: what lies over the images at the bottom: the controls of the mode. */
#define G_LOG_DOMAIN "espalier-compare"

#include <glib/gi18n-lib.h>

#include "esp-compare-view-private.h"
#include "esp-compare-words.h"

#define LEGEND_WIDTH  128  /* colours of the legend */
#define LEGEND_HEIGHT 8    /* px */
#define WHITE         50.0 /* ΔE that is white at a gain of 1, as in esp-difference.h */

/* --- Alternating ------------------------------------------------------------------------------ */

static gboolean
alternate (gpointer data)
{
  EspCompareView *self = data;

  esp_compare_pair_set_showing_a (self->pair, !esp_compare_pair_get_showing_a (self->pair));
  return G_SOURCE_CONTINUE;
}

static void
start_alternating (EspCompareView *self)
{
  g_clear_handle_id (&self->alternate_id, g_source_remove);
  if (self->alternating)
    self->alternate_id = g_timeout_add ((guint) (gtk_adjustment_get_value (self->interval) * 1000),
                                        alternate, self);
}

void
esp_compare_view_set_alternating (EspCompareView *self, gboolean alternating)
{
  if (self->alternating == (alternating ? 1 : 0))
    return;
  self->alternating = alternating ? 1 : 0;
  start_alternating (self);
  if (!alternating)
    esp_compare_pair_set_showing_a (self->pair, FALSE);
  g_object_notify (G_OBJECT (self), "alternating");
}

/* --- The difference --------------------------------------------------------------------------- */

static void
fill_legend (EspCompareView *self)
{
  guint8 *pixels = g_malloc (LEGEND_WIDTH * LEGEND_HEIGHT * 3);
  g_autoptr (GBytes) bytes = g_bytes_new_take (pixels, LEGEND_WIDTH * LEGEND_HEIGHT * 3);
  g_autoptr (GdkTexture) texture = NULL;

  for (int i = 0; i < LEGEND_WIDTH * LEGEND_HEIGHT; i++)
    {
      const guint32 color
          = esp_difference_get_heat ((double) (i % LEGEND_WIDTH) / (LEGEND_WIDTH - 1));

      pixels[i * 3] = (guint8) (color >> 16);
      pixels[i * 3 + 1] = (guint8) (color >> 8);
      pixels[i * 3 + 2] = (guint8) color;
    }
  texture = gdk_memory_texture_new (LEGEND_WIDTH, LEGEND_HEIGHT, GDK_MEMORY_R8G8B8, bytes,
                                    LEGEND_WIDTH * 3);
  gtk_picture_set_paintable (GTK_PICTURE (self->legend), GDK_PAINTABLE (texture));
}

static void
update_legend (EspCompareView *self)
{
  const double white = WHITE / gtk_adjustment_get_value (self->gain);
  g_autofree char *middle = g_strdup_printf ("%.3g", white / 2);
  g_autofree char *end = g_strdup_printf ("%.3g", white);
  /* Translators: what the colours of the difference mean, for a screen reader; %s is a number. */
  g_autofree char *words = g_strdup_printf (_ ("Colours from black, ΔE 0, to white, ΔE %s"), end);

  gtk_label_set_label (self->legend_middle, middle);
  gtk_label_set_label (self->legend_end, end);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->legend), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  words, -1);
}

static void
update_pointed (EspCompareView *self)
{
  const double value = esp_compare_pair_get_pointed (self->pair);
  /* Translators: how much two pictures differ at the pointer. */
  g_autofree char *text = g_strdup_printf (_ ("Here ΔE %.1f"), value);

  gtk_label_set_label (self->pointed, value >= 0 ? text : "");
}

static void
on_gain_changed (EspCompareView *self)
{
  esp_difference_map_set_gain (esp_compare_pair_get_difference (self->pair),
                               gtk_adjustment_get_value (self->gain));
  update_legend (self);
}

static void
on_opacity_changed (EspCompareView *self)
{
  esp_compare_pair_set_opacity (self->pair, gtk_adjustment_get_value (self->opacity));
}

/* --- All of them ------------------------------------------------------------------------------ */

static void
update_link_button (EspCompareView *self)
{
  const gboolean linked = esp_compare_link_get_linked (self->link);

  gtk_button_set_icon_name (GTK_BUTTON (self->link_button),
                            linked ? "esp-linked-symbolic" : "esp-unlinked-symbolic");
  gtk_widget_set_visible (self->link_button, !self->narrow);
  /* These are in the menu, too. */
  gtk_widget_set_visible (self->pin_button, !self->narrow);
  gtk_widget_set_visible (self->swap_button, !self->narrow);
}

void
esp_compare_view_update_controls (EspCompareView *self)
{
  const EspCompareMode mode = self->mode;
  guint i = 0;

  /* Hidden, not a page of a stack: to screen readers GTK 4.8 shows those, too. */
  gtk_widget_set_visible (self->controls, mode != ESP_COMPARE_SIDE);
  gtk_widget_set_visible (self->slider_controls, mode == ESP_COMPARE_SLIDER);
  gtk_widget_set_visible (self->flicker_controls, mode == ESP_COMPARE_FLICKER);
  gtk_widget_set_visible (self->onion_controls, mode == ESP_COMPARE_ONION);
  gtk_widget_set_visible (self->difference_controls, mode == ESP_COMPARE_DIFFERENCE);
  for (GtkWidget *button = gtk_widget_get_first_child (self->modes); button != NULL;
       button = gtk_widget_get_next_sibling (button), i++)
    gtk_widget_set_visible (button,
                            !self->narrow || i == ESP_COMPARE_SLIDER || i == ESP_COMPARE_FLICKER);
  update_link_button (self);
  update_pointed (self);
}

void
esp_compare_view_init_controls (EspCompareView *self)
{
  fill_legend (self);
  g_signal_connect_object (self->gain, "value-changed", G_CALLBACK (on_gain_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->opacity, "value-changed", G_CALLBACK (on_opacity_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->interval, "value-changed", G_CALLBACK (start_alternating), self,
                           G_CONNECT_SWAPPED);
  on_gain_changed (self);
  on_opacity_changed (self);
}
