/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-view.h: two to nine nodes, held side by side; takes the canvas's place.
 *
 * A toolbar above the images (osd), the images in their fitted frame, and under them the table of
 * what differs (EspComparison). The first node is A; one is B, the one that modes of two show with
 * A and that the arrow keys step through A's siblings while A is pinned.
 *
 * Properties: "mode" (EspCompareMode), "linked" (zoom and pan of all images together; unlinked ones
 * keep their offset), "pinned" (A stays when B steps), "narrow" (slider and flicker only).
 * Actions on the widget, group "compare": mode(s), link, pin, previous, next, swap, all-rows,
 * zoom-in, zoom-out, zoom-fit, zoom-100, leave, export(s: sheet, film, table).
 * Signals:
 *   "leave" ()             Escape, or the button: back to the canvas
 *   "continue" (EspNode)   "Continue From This One": it becomes the current node, and leave
 *   "use-settings" (EspNode)
 *   "export" (char *what)  the window's dialogs do it: "sheet", "film", "table"
 *   "nodes-changed" ()     B is another node, one was removed */
#pragma once

#include <adwaita.h>

#include "esp-comparison.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARE_VIEW (esp_compare_view_get_type ())
G_DECLARE_FINAL_TYPE (EspCompareView, esp_compare_view, ESP, COMPARE_VIEW, GtkWidget)

typedef enum
{
  ESP_COMPARE_SIDE,       /* 2–9 */
  ESP_COMPARE_SLIDER,     /* A under B, cut along a line at any angle */
  ESP_COMPARE_FLICKER,    /* hold to see A, else B; or by itself */
  ESP_COMPARE_ONION,      /* B over A by opacity */
  ESP_COMPARE_DIFFERENCE, /* heat map with gain, and its number */
} EspCompareMode;

#define ESP_TYPE_COMPARE_MODE (esp_compare_mode_get_type ())
GType esp_compare_mode_get_type (void) G_GNUC_CONST;

/* "side", "slider", "flicker", "onion", "difference". */
const char *esp_compare_mode_to_string (EspCompareMode mode);
gboolean esp_compare_mode_from_string (const char *text, EspCompareMode *mode);

GtkWidget *esp_compare_view_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Two to nine nodes with images, A first (others are left out); NULL: nothing, and everything that
 * was loaded is let go of. */
void esp_compare_view_set_nodes (EspCompareView *self, EspDocument *document, GPtrArray *nodes);
EspDocument *esp_compare_view_get_document (EspCompareView *self);
GPtrArray *esp_compare_view_get_nodes (EspCompareView *self); /* borrowed; NULL: none */
EspNode *esp_compare_view_get_b (EspCompareView *self);
/* What keys are about: the one with the focus, else the one of two that is seen; NULL: none. */
EspNode *esp_compare_view_get_active (EspCompareView *self);
EspComparison *esp_compare_view_get_comparison (EspCompareView *self);

/* Whose names backends and parameters have in the table (see esp_comparison_set_registry ()). */
void esp_compare_view_set_registry (EspCompareView *self, EspRegistry *registry);

EspCompareMode esp_compare_view_get_mode (EspCompareView *self);
void esp_compare_view_set_mode (EspCompareView *self, EspCompareMode mode);
void esp_compare_view_set_narrow (EspCompareView *self, gboolean narrow);

G_END_DECLS
