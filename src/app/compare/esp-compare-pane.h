/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-pane.h: one of several images side by side, with its title under it.
 *
 * Signal "chosen" (): the focus came into it. */
#pragma once

#include "esp-compare-picture.h"
#include "esp-comparison.h"
#include "esp-image-view.h"

G_BEGIN_DECLS

#define ESP_TYPE_COMPARE_PANE (esp_compare_pane_get_type ())
G_DECLARE_FINAL_TYPE (EspComparePane, esp_compare_pane, ESP, COMPARE_PANE, GtkWidget)

GtkWidget *esp_compare_pane_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Shows nothing any more and goes, a second later. For GTK 4.8 waits half a second before it asks
 * for the tooltip of what is below the pointer, in menus, too, and does not mind that a menu, or
 * all that it was in, went away because of what was chosen in it. */
void esp_compare_pane_let_go (EspComparePane *self);

/* The picture at `index` of `n`, in a frame. */
void esp_compare_pane_set_picture (EspComparePane *self, EspComparePicture *picture,
                                   EspFrameSize frame, guint index, guint n);
EspNode *esp_compare_pane_get_node (EspComparePane *self);
EspImageView *esp_compare_pane_get_view (EspComparePane *self);
/* What a screen reader says of the image. */
void esp_compare_pane_set_name (EspComparePane *self, const char *name);
void esp_compare_pane_popup_menu (EspComparePane *self);
void esp_compare_pane_set_chosen (EspComparePane *self, gboolean chosen);

G_END_DECLS
