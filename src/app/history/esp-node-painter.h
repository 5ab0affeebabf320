/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-painter.h: how a node looks in the tree: its size, its picture, its marks. Shared by the
 * cards (near) and by the tree itself, which draws nodes without a card (far away).
 */
#pragma once

#include <adwaita.h>

#include "esp-registry.h"
#include "esp-texture-cache.h"
#include "esp-tree-items.h"

G_BEGIN_DECLS

typedef enum
{
  ESP_NODE_DETAIL_DOT,       /* a patch of the average colour */
  ESP_NODE_DETAIL_THUMBNAIL, /* a small thumbnail, tag and state */
  ESP_NODE_DETAIL_MARKS,     /* a thumbnail with all marks */
  ESP_NODE_DETAIL_FULL,      /* and with its words */
} EspNodeDetail;

typedef enum
{
  ESP_NODE_LOOK_OFF_PATH = 1 << 0, /* not between the root and the current node */
  ESP_NODE_LOOK_NO_MATCH = 1 << 1, /* something is looked for, and this is not it */
  ESP_NODE_LOOK_MATCH = 1 << 2,
} EspNodeLook;

typedef struct _EspNodePainter EspNodePainter;

EspNodePainter *esp_node_painter_new (GtkWidget *widget) G_GNUC_WARN_UNUSED_RESULT;
void esp_node_painter_free (EspNodePainter *self);

void esp_node_painter_set_document (EspNodePainter *self, EspDocument *document);
EspDocument *esp_node_painter_get_document (EspNodePainter *self);

/* Knows the backends by name; NULL: by their ids. */
void esp_node_painter_set_registry (EspNodePainter *self, EspRegistry *registry);
EspRegistry *esp_node_painter_get_registry (EspNodePainter *self);

/* Takes colours, font and contrast from the widget again. */
void esp_node_painter_update_style (EspNodePainter *self);

gboolean esp_node_painter_is_high_contrast (EspNodePainter *self);
const GdkRGBA *esp_node_painter_get_accent (EspNodePainter *self);

/* A line's colour, opaque: lines may cross. */
GdkRGBA esp_node_painter_get_edge_color (EspNodePainter *self, gboolean on_path);

void esp_node_painter_measure (EspNodePainter *self, const EspTreeItem *item, double *width,
                               double *height);

/* Where parts of a card are, in a card of that width and height. */
void esp_node_painter_get_picture_area (EspNodePainter *self, const EspTreeItem *item, double width,
                                        graphene_rect_t *area);
gboolean esp_node_painter_get_stack_badge_area (EspNodePainter *self, const EspTreeItem *item,
                                                double width, graphene_rect_t *area);
gboolean esp_node_painter_get_fold_badge_area (EspNodePainter *self, const EspTreeItem *item,
                                               double width, double height, graphene_rect_t *area);

/* A node far away, at `area` (the card's, in the snapshot's coordinates), at least `pixel` wide and
 * high. Cheap. */
void esp_node_painter_draw_far (EspNodePainter *self, GtkSnapshot *snapshot,
                                const EspTreeItem *item, const graphene_rect_t *area,
                                EspNodeDetail detail, EspNodeLook look, double distance,
                                double pixel);

/* A card. `caption` has the words, set to its width; `preview` stands in while there is no
 * thumbnail, or NULL. */
void esp_node_painter_draw_card (EspNodePainter *self, GtkSnapshot *snapshot,
                                 const EspTreeItem *item, double width, double height,
                                 EspNodeDetail detail, EspNodeLook look, double distance,
                                 int thumbnail_size, PangoLayout *caption, GdkTexture *preview);

/* The width that is left for a caption, beside its marks. */
int esp_node_painter_get_caption_width (EspNodePainter *self, const EspTreeItem *item);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspNodePainter, esp_node_painter_free)

G_END_DECLS
