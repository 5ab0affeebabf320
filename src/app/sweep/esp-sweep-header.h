/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-header.h: the label of a column or row at the edge of a sweep's grid, up to three
 * lines. What is cut off stands in its tooltip. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define ESP_SWEEP_HEADER_PADDING 5 /* px around the text */

#define ESP_TYPE_SWEEP_HEADER (esp_sweep_header_get_type ())

G_DECLARE_FINAL_TYPE (EspSweepHeader, esp_sweep_header, ESP, SWEEP_HEADER, GtkWidget)

/* `orientation`: horizontal = of a column. */
GtkWidget *esp_sweep_header_new (GtkOrientation orientation) G_GNUC_WARN_UNUSED_RESULT;

/* `name` is what a screen reader says ("Guidance 2.5"). */
void esp_sweep_header_set_text (EspSweepHeader *self, const char *text, const char *name);
const char *esp_sweep_header_get_text (EspSweepHeader *self);

/* Pixels: on one line, and in a width. */
int esp_sweep_header_get_natural_width (EspSweepHeader *self);
int esp_sweep_header_get_height_for_width (EspSweepHeader *self, int width);

G_END_DECLS
