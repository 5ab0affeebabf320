/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference-map.h: the heat map of two nodes, kept up to date.
 *
 * It is computed on threads. What was there stays until what takes its place is done.
 * Signal "changed" (): another map, other figures, or computing has begun to take long. */
#pragma once

#include <gtk/gtk.h>

#include "esp-difference.h"
#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_DIFFERENCE_MAP (esp_difference_map_get_type ())
G_DECLARE_FINAL_TYPE (EspDifferenceMap, esp_difference_map, ESP, DIFFERENCE_MAP, GObject)

#define ESP_DIFFERENCE_MAP_MIN_GAIN 1.0
#define ESP_DIFFERENCE_MAP_MAX_GAIN 50.0

EspDifferenceMap *esp_difference_map_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Two nodes with images; `document` NULL: none, and everything is let go of. Cheap where they are
 * those of before. */
void esp_difference_map_set_nodes (EspDifferenceMap *self, EspDocument *document, EspNode *a,
                                   EspNode *b);

double esp_difference_map_get_gain (EspDifferenceMap *self);
void esp_difference_map_set_gain (EspDifferenceMap *self, double gain);

/* Of what is shown; NULL until there is something. Borrowed. */
EspDifference *esp_difference_map_get_difference (EspDifferenceMap *self);

/* Has it been computing for so long that it is to be said? */
gboolean esp_difference_map_is_slow (EspDifferenceMap *self);
/* Is what is shown that of the nodes and the gain that were last set? */
gboolean esp_difference_map_is_current (EspDifferenceMap *self);
/* Why there is none; or NULL. */
const char *esp_difference_map_get_message (EspDifferenceMap *self);

void esp_difference_map_snapshot (EspDifferenceMap *self, GtkSnapshot *snapshot,
                                  const graphene_rect_t *place, const graphene_rect_t *visible,
                                  double density);

G_END_DECLS
