/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-star-rating.h: none to five stars, by pointer and keys.
 *
 * Property: "value" (int). Signal "rated" (): the person chose another value. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_STAR_RATING (esp_star_rating_get_type ())

G_DECLARE_FINAL_TYPE (EspStarRating, esp_star_rating, ESP, STAR_RATING, GtkWidget)

GtkWidget *esp_star_rating_new (void) G_GNUC_WARN_UNUSED_RESULT;
int esp_star_rating_get_value (EspStarRating *self);
void esp_star_rating_set_value (EspStarRating *self, int value);

G_END_DECLS
