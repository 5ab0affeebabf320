/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-size-chooser.h: the size of the picture to be made: "auto", "match" or "WIDTHxHEIGHT".
 *
 * The usual shapes are drawn; their sizes have about the area that the model likes, in multiples
 * of 16. Signal "changed" ().
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_SIZE_CHOOSER (esp_size_chooser_get_type ())

G_DECLARE_FINAL_TYPE (EspSizeChooser, esp_size_chooser, ESP, SIZE_CHOOSER, GtkWidget)

GtkWidget *esp_size_chooser_new (void) G_GNUC_WARN_UNUSED_RESULT;

const char *esp_size_chooser_get_value (EspSizeChooser *self);
/* FALSE if it is no size. One that is in no list is shown as a custom one. */
gboolean esp_size_chooser_set_value (EspSizeChooser *self, const char *value);

/* Pixels that the shapes' sizes have, about (1024 × 1024 unless told). */
void esp_size_chooser_set_area (EspSizeChooser *self, guint area);

/* The size of a shape with about `area` pixels, in multiples of 16. */
void esp_size_for_ratio (double ratio, guint area, int *width, int *height);

G_END_DECLS
