/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-pair.h: two images in one place: divided by a line, one or the other, one through the
 * other, or what differs between them. Their titles are under them.
 *
 * Signal "changed" (): which of them is seen ("showing-a"), or what is known of the difference.
 * Property "showing-a" (boolean): the flicker shows A instead of B. */
#pragma once

#include "esp-difference-map.h"
#include "esp-compare-divider.h"
#include "esp-compare-picture.h"
#include "esp-compare-view.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARE_PAIR (esp_compare_pair_get_type ())
G_DECLARE_FINAL_TYPE (EspComparePair, esp_compare_pair, ESP, COMPARE_PAIR, GtkWidget)

GtkWidget *esp_compare_pair_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Two pictures (the first and the one at `b_index` of `n` nodes) in their frame; `a` NULL: none. */
void esp_compare_pair_set_pictures (EspComparePair *self, EspDocument *document,
                                    EspComparePicture *a, EspComparePicture *b, EspFrameSize frame,
                                    guint b_index, guint n);
/* Any but ESP_COMPARE_SIDE. */
void esp_compare_pair_set_mode (EspComparePair *self, EspCompareMode mode);
/* What a screen reader says of the two images. */
void esp_compare_pair_set_names (EspComparePair *self, const char *a, const char *b);

EspImageView *esp_compare_pair_get_view (EspComparePair *self);
EspCompareDivider *esp_compare_pair_get_divider (EspComparePair *self);
EspDifferenceMap *esp_compare_pair_get_difference (EspComparePair *self);

gboolean esp_compare_pair_get_showing_a (EspComparePair *self);
void esp_compare_pair_set_showing_a (EspComparePair *self, gboolean showing);
/* Of B over A, 0…1. */
double esp_compare_pair_get_opacity (EspComparePair *self);
void esp_compare_pair_set_opacity (EspComparePair *self, double opacity);

/* The menu of A or of B. */
void esp_compare_pair_popup_menu (EspComparePair *self, gboolean of_a);

/* The pointer is at a place of the image view; < 0: elsewhere. */
void esp_compare_pair_point_at (EspComparePair *self, double x, double y);
/* ΔE under the pointer; < 0 where it is on nothing. */
double esp_compare_pair_get_pointed (EspComparePair *self);

G_END_DECLS
