/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-divider.h: the line that divides two images, with a handle; lies over the image view.
 *
 * It divides what is seen of the frame, so that it is in sight however far the images are zoomed
 * and moved. Only the line and what is near it takes the pointer. Dragging moves it, dragging with
 * Shift (or with the secondary button) turns it. An accessible slider.
 *
 * Properties: "position" (double: the share on the start side, 0…1), "angle" (double: degrees
 * clockwise from upright, above -90 up to 90; the start side is the upper one of a lying line). */
#pragma once

#include "esp-image-view.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARE_DIVIDER (esp_compare_divider_get_type ())
G_DECLARE_FINAL_TYPE (EspCompareDivider, esp_compare_divider, ESP, COMPARE_DIVIDER, GtkWidget)

#define ESP_COMPARE_DIVIDER_TURN 15.0 /* degrees a key turns it */

/* `view` is the image view that it lies over, as large as it. */
GtkWidget *esp_compare_divider_new (EspImageView *view) G_GNUC_WARN_UNUSED_RESULT;

double esp_compare_divider_get_position (EspCompareDivider *self);
void esp_compare_divider_set_position (EspCompareDivider *self, double position);
double esp_compare_divider_get_angle (EspCompareDivider *self);
void esp_compare_divider_set_angle (EspCompareDivider *self, double degrees);
/* Turns it about its handle. */
void esp_compare_divider_turn (EspCompareDivider *self, double degrees);
/* Upright, in the middle. */
void esp_compare_divider_reset (EspCompareDivider *self);

/* A line in the view's coordinates. */
typedef struct
{
  double x, y;               /* the middle of what is seen of it */
  double normal_x, normal_y; /* of length 1, from the start side to the other */
  double length;             /* of what is seen of it */
} EspCompareLine;

EspCompareLine esp_compare_divider_get_line (EspCompareDivider *self);

/* The line that divides `area`, for reckoning. */
EspCompareLine esp_compare_line_place (const graphene_rect_t *area, double position, double degrees,
                                       gboolean rtl);

/* Appends what of `node` lies on the start side of the line, within `area`. `renderer`: for whom.
 */
void esp_compare_line_append_half (const EspCompareLine *line, GtkSnapshot *snapshot,
                                   GskRenderNode *node, const graphene_rect_t *area,
                                   GskRenderer *renderer);

G_END_DECLS
