/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-split-view.h: the history beside the image; where there is no room for both, one of them.
 *
 * Between the two is a handle: dragged, or with the focus moved by the arrow keys. Below
 * ESP_SPLIT_VIEW_FOLD_WIDTH it is folded: one side has all the room, see "show-end".
 *
 * Properties: "start", "end" (GtkWidget), "position" (int, of the handle), "show-start" (boolean,
 * while not folded), "show-end" (boolean: while folded, the end's page instead of the start's),
 * "folded" (boolean, read-only; what follows from it elsewhere in the window follows a frame
 * later).
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_SPLIT_VIEW_FOLD_WIDTH 900
#define ESP_SPLIT_VIEW_MIN_START  220

#define ESP_TYPE_SPLIT_VIEW (esp_split_view_get_type ())

G_DECLARE_FINAL_TYPE (EspSplitView, esp_split_view, ESP, SPLIT_VIEW, GtkWidget)

GtkWidget *esp_split_view_new (void) G_GNUC_WARN_UNUSED_RESULT;
void esp_split_view_set_start (EspSplitView *self, GtkWidget *start);
void esp_split_view_set_end (EspSplitView *self, GtkWidget *end);
int esp_split_view_get_position (EspSplitView *self);
void esp_split_view_set_position (EspSplitView *self, int position);
gboolean esp_split_view_get_show_start (EspSplitView *self);
void esp_split_view_set_show_start (EspSplitView *self, gboolean show);
gboolean esp_split_view_get_show_end (EspSplitView *self);
void esp_split_view_set_show_end (EspSplitView *self, gboolean show);
gboolean esp_split_view_get_folded (EspSplitView *self);

/* Folds or unfolds for a width that it will get, before the first frame with it. */
void esp_split_view_expect_width (EspSplitView *self, int width);

G_END_DECLS
