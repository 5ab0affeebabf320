/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-region-bar.h: the controls of drawing a region, and its size in words.
 *
 * Signals: "drop" (): no region is wanted; "done" (): it is as it is wanted. Actions (installed on
 * the widget): region.drop, region.done.
 */
#pragma once

#include "esp-region-tool.h"

G_BEGIN_DECLS

#define ESP_TYPE_REGION_BAR (esp_region_bar_get_type ())

G_DECLARE_FINAL_TYPE (EspRegionBar, esp_region_bar, ESP, REGION_BAR, GtkWidget)

GtkWidget *esp_region_bar_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Once, before it is shown. */
void esp_region_bar_connect (EspRegionBar *self, EspRegionTool *tool);

G_END_DECLS
