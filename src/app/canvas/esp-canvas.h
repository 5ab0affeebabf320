/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-canvas.h: the current node's image, large.
 *
 * While the current node's turn waits or runs, its previews are shown over the parent's image, with
 * a thin bar; a failed turn shows its parent's image and the message with a button to retry.
 *
 * Properties: "document", "before" (EspNode: what is shown while the key or button is held; NULL:
 * the parent), "show-before" (boolean), "zoom" (double, 1 = a pixel of the image is one of the
 * screen), "fit" (boolean), "show-status" (boolean: the step and the time left in words; FALSE:
 * another widget says them), "show-mask" (boolean: where the result was taken, to be changed by a
 * brush), "draw-region" (boolean: the hand draws a region), "region" (EspRegion: the part of the
 * current node's image that the next turns are to edit, or NULL; kept for each node until it is
 * dropped). Signal "failed" (const char *message): a change of the mask was not stored. Actions
 * (installed on the widget): canvas.zoom-in, canvas.zoom-out, canvas.zoom-fit, canvas.zoom-100,
 * canvas.zoom-200, canvas.before, canvas.show-mask and canvas.draw-region (stateful).
 */
#pragma once

#include <adwaita.h>

#include "esp-document.h"
#include "esp-region.h"

G_BEGIN_DECLS

#define ESP_TYPE_CANVAS (esp_canvas_get_type ())

G_DECLARE_FINAL_TYPE (EspCanvas, esp_canvas, ESP, CANVAS, GtkWidget)

GtkWidget *esp_canvas_new (void) G_GNUC_WARN_UNUSED_RESULT;
EspDocument *esp_canvas_get_document (EspCanvas *self);
void esp_canvas_set_document (EspCanvas *self, EspDocument *document);
EspNode *esp_canvas_get_before (EspCanvas *self);
void esp_canvas_set_before (EspCanvas *self, EspNode *before);
/* Who else can be asked for the current turn, which failed: the menu "Try With…"; NULL: nobody. */
void esp_canvas_set_alternatives (EspCanvas *self, GMenuModel *alternatives);
double esp_canvas_get_zoom (EspCanvas *self);
void esp_canvas_set_zoom (EspCanvas *self, double zoom);
gboolean esp_canvas_get_fit (EspCanvas *self);
void esp_canvas_set_fit (EspCanvas *self, gboolean fit);
void esp_canvas_set_show_mask (EspCanvas *self, gboolean show_mask);
void esp_canvas_set_draw_region (EspCanvas *self, gboolean draw_region);
const EspRegion *esp_canvas_get_region (EspCanvas *self);
void esp_canvas_set_region (EspCanvas *self, const EspRegion *region);

/* Leaves what covers the image or has the hand: the result as it was made, drawing a region (which
 * is dropped), the mask. FALSE: nothing of the kind. */
gboolean esp_canvas_escape (EspCanvas *self);
/* Are there changes of masks that are not in the document yet? What is under way counts as done
 * with then. Signal "stored" () tells when there are none. */
gboolean esp_canvas_flush (EspCanvas *self);
/* Takes back a change of the mask that is not stored yet. FALSE: there is none. */
gboolean esp_canvas_undo (EspCanvas *self);

G_END_DECLS
