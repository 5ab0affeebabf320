/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-region-tool.h: a part of an image, drawn and changed on an image view.
 *
 * The hand: dragging outside of the region draws another one, as a rectangle or as a lasso;
 * dragging it moves it, dragging its handles resizes it. The keyboard (while the view has the
 * focus): arrows move it, with Shift they resize it at its lower right corner; the first key makes
 * one in the middle.
 *
 * Properties: "region" (EspRegion or NULL; px of the image, always inside of it), "lasso" (boolean:
 * what the next one is drawn as). Signal: "changed" (): "region" is another, by hand or key, and
 * the hand has come to its end.
 */
#pragma once

#include "esp-image-view.h"
#include "esp-region.h"

G_BEGIN_DECLS

#define ESP_TYPE_REGION_TOOL (esp_region_tool_get_type ())

G_DECLARE_FINAL_TYPE (EspRegionTool, esp_region_tool, ESP, REGION_TOOL, GObject)

EspRegionTool *esp_region_tool_new (EspImageView *view) G_GNUC_WARN_UNUSED_RESULT;

/* Only while it is active does it look at the hand and has handles; the region is always drawn. */
void esp_region_tool_set_active (EspRegionTool *self, gboolean active);
gboolean esp_region_tool_get_active (EspRegionTool *self);

const EspRegion *esp_region_tool_get_region (EspRegionTool *self);
/* Not told by "changed". */
void esp_region_tool_set_region (EspRegionTool *self, const EspRegion *region);

gboolean esp_region_tool_get_lasso (EspRegionTool *self);
void esp_region_tool_set_lasso (EspRegionTool *self, gboolean lasso);

/* For esp_image_view_add_layer (): all but the region dimmed, its outline and handles. */
void esp_region_tool_snapshot (EspRegionTool *self, GtkSnapshot *snapshot,
                               const graphene_rect_t *place);

G_END_DECLS
