/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-bar.h: the controls of a mask and its brush, and what is said of them.
 *
 * Property: "show-result" (boolean): the button is held that shows the result as it was made.
 * Signals: "leave" (): it was closed; "failed" (const char *message). Actions (installed on the
 * widget): mask.take-all, mask.take-nothing, mask.find-again, mask.forget, mask.leave.
 */
#pragma once

#include "esp-brush.h"
#include "esp-mask-editor.h"

G_BEGIN_DECLS

#define ESP_TYPE_MASK_BAR (esp_mask_bar_get_type ())

G_DECLARE_FINAL_TYPE (EspMaskBar, esp_mask_bar, ESP, MASK_BAR, GtkWidget)

GtkWidget *esp_mask_bar_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Once, before it is shown. */
void esp_mask_bar_connect (EspMaskBar *self, EspMaskEditor *editor, EspBrush *brush);

gboolean esp_mask_bar_get_show_result (EspMaskBar *self);
void esp_mask_bar_set_show_result (EspMaskBar *self, gboolean show_result);

G_END_DECLS
