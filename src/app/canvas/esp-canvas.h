/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-canvas.h: the current node's image, large.
 *
 * While the current node's turn waits or runs, its previews are shown over the parent's image, with
 * a thin bar; a failed turn shows its parent's image and the message with a button to retry.
 *
 * Properties: "document", "before" (EspNode: what is shown while the key or button is held; NULL:
 * the parent), "show-before" (boolean), "zoom" (double, 1 = a pixel of the image is one of the
 * screen), "fit" (boolean), "show-status" (boolean: the step and the time left in words; FALSE:
 * another widget says them). Actions (installed on the widget): canvas.zoom-in, canvas.zoom-out,
 * canvas.zoom-fit, canvas.zoom-100, canvas.zoom-200, canvas.before (stateful).
 */
#pragma once

#include <adwaita.h>

#include "esp-document.h"

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

G_END_DECLS
