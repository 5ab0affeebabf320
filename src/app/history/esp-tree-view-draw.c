/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-view-draw.c: the tree's picture: lines, nodes without cards, the ring. */
#include "esp-tree-view-private.h"

#include <math.h>

#define LINE_WIDTH  2.0
#define LINE_RADIUS 10.0
#define RING_WIDTH  3.0f
#define RING_RADIUS 12.0f

void
_esp_tree_view_forget_edges (EspTreeView *self)
{
  g_clear_pointer (&self->edges, gsk_render_node_unref);
}

/* --- Lines ------------------------------------------------------------------------------------ */

typedef struct
{
  GtkSnapshot *snapshot;
  GdkRGBA color;
  double width;
  gboolean rounded;
  gboolean horizontal;
} Pen;

/* A filled rectangle, given along the depth and across. */
static void
fill (const Pen *pen, double along, double across, double length, double breadth)
{
  graphene_rect_t area;

  if (length < 0)
    {
      along += length;
      length = -length;
    }
  if (pen->horizontal)
    graphene_rect_init (&area, (float) along, (float) across, (float) length, (float) breadth);
  else
    graphene_rect_init (&area, (float) across, (float) along, (float) breadth, (float) length);
  gtk_snapshot_append_color (pen->snapshot, &pen->color, &area);
}

/* A corner as two sides of a frame with one round corner. The line runs from (x0, y0) to (x1, y1);
 * `first_x`: it leaves along x. */
static void
bend (const Pen *pen, double x0, double y0, double x1, double y1, gboolean first_x)
{
  double half = pen->width / 2;
  /* The corner's sides: where the straight parts of the line are, seen from the frame's middle. */
  gboolean left = first_x ? x1 < x0 : x0 < x1;
  gboolean top = first_x ? y0 < y1 : y1 < y0;
  double radius = MIN (LINE_RADIUS, MIN (fabs (x1 - x0), fabs (y1 - y0))) + half;
  float w = (float) pen->width;
  GskRoundedRect frame;
  graphene_rect_t area;
  GdkRGBA colors[4] = { pen->color, pen->color, pen->color, pen->color };
  float widths[4] = { top ? w : 0, left ? 0 : w, top ? 0 : w, left ? w : 0 };
  int corner = top ? (left ? GSK_CORNER_TOP_LEFT : GSK_CORNER_TOP_RIGHT)
                   : (left ? GSK_CORNER_BOTTOM_LEFT : GSK_CORNER_BOTTOM_RIGHT);
  double left_x = MIN (x0, x1), right_x = MAX (x0, x1);
  double top_y = MIN (y0, y1), bottom_y = MAX (y0, y1);

  if (left)
    left_x -= half;
  else
    right_x += half;
  if (top)
    top_y -= half;
  else
    bottom_y += half;
  graphene_rect_init (&area, (float) left_x, (float) top_y, (float) (right_x - left_x),
                      (float) (bottom_y - top_y));
  gsk_rounded_rect_init_from_rect (&frame, &area, 0);
  frame.corner[corner] = GRAPHENE_SIZE_INIT ((float) radius, (float) radius);
  gtk_snapshot_append_border (pen->snapshot, &frame, widths, colors);
}

/* From the end of the parent at (along0, across0) over the middle between the two to the child. */
static void
draw_line (const Pen *pen, double along0, double across0, double along1, double across1,
           double turn)
{
  double half = pen->width / 2, middle = round ((across0 + across1) / 2);

  if (fabs (across1 - across0) < 1)
    {
      fill (pen, along0, across0 - half, along1 - along0, pen->width);
    }
  else if (!pen->rounded)
    {
      fill (pen, along0, across0 - half, turn - along0, pen->width);
      fill (pen, turn - half, MIN (across0, across1) - half, pen->width,
            fabs (across1 - across0) + pen->width);
      fill (pen, turn, across1 - half, along1 - turn, pen->width);
    }
  else if (pen->horizontal)
    {
      bend (pen, along0, across0, turn, middle, TRUE);
      bend (pen, turn, middle, along1, across1, FALSE);
    }
  else
    {
      bend (pen, across0, along0, middle, turn, FALSE);
      bend (pen, middle, turn, across1, along1, TRUE);
    }
}

/* Where lines meet a node: its picture, and below that, where there are words, the card's end. */
static void
get_anchor_area (EspTreeView *self, guint index, graphene_rect_t *area)
{
  const EspTreeItem *item = esp_tree_items_get (self->items, index);
  graphene_rect_t box;

  _esp_tree_view_get_box (self, index, &box);
  esp_node_painter_get_picture_area (self->painter, item, box.size.width, area);
  graphene_rect_offset (area, box.origin.x, box.origin.y);
  if (self->orientation == GTK_ORIENTATION_VERTICAL
      && _esp_tree_view_get_detail (self) == ESP_NODE_DETAIL_FULL)
    area->size.height = box.origin.y + box.size.height - area->origin.y;
}

static void
draw_edge (EspTreeView *self, const Pen *pen, guint index, const graphene_rect_t *area)
{
  graphene_rect_t box, parent, bounds;
  double along0, along1, across0, across1, turn;
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  const EspTreeItem *item = esp_tree_items_get (self->items, index);

  if (item->parent < 0)
    return;
  _esp_tree_view_get_box (self, index, &box);
  _esp_tree_view_get_box (self, (guint) item->parent, &parent);
  graphene_rect_union (&box, &parent, &bounds);
  if (!graphene_rect_intersection (&bounds, area, NULL))
    return;

  /* The turn lies in the middle of the gap between the cards, for all children alike. */
  if (!pen->horizontal)
    turn = (parent.origin.y + parent.size.height + box.origin.y) / 2;
  else if (rtl)
    turn = (parent.origin.x + box.origin.x + box.size.width) / 2;
  else
    turn = (parent.origin.x + parent.size.width + box.origin.x) / 2;

  get_anchor_area (self, index, &box);
  get_anchor_area (self, (guint) item->parent, &parent);
  across0 = pen->horizontal ? parent.origin.y + parent.size.height / 2
                            : parent.origin.x + parent.size.width / 2;
  across1
      = pen->horizontal ? box.origin.y + box.size.height / 2 : box.origin.x + box.size.width / 2;
  if (!pen->horizontal)
    {
      along0 = parent.origin.y + parent.size.height;
      along1 = box.origin.y;
    }
  else if (rtl)
    {
      along0 = parent.origin.x;
      along1 = box.origin.x + box.size.width;
    }
  else
    {
      along0 = parent.origin.x + parent.size.width;
      along1 = box.origin.x;
    }
  draw_line (pen, round (along0), round (across0), round (along1), round (across1), round (turn));
}

static GskRenderNode *
make_edges (EspTreeView *self, const graphene_rect_t *area)
{
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  Pen pen = { snapshot, esp_node_painter_get_edge_color (self->painter, FALSE),
              MAX (LINE_WIDTH, 1 / self->zoom), self->zoom >= 0.3,
              self->orientation == GTK_ORIENTATION_HORIZONTAL };

  for (guint i = 0; i < self->n; i++)
    if (!esp_tree_items_get (self->items, i)->on_path)
      draw_edge (self, &pen, i, area);
  pen.color = esp_node_painter_get_edge_color (self->painter, TRUE);
  for (guint i = 0; i < self->n; i++)
    if (esp_tree_items_get (self->items, i)->on_path)
      draw_edge (self, &pen, i, area);
  return gtk_snapshot_free_to_node (snapshot);
}

/* The lines near the view are kept as one render node until the view leaves them. */
static void
draw_edges (EspTreeView *self, GtkSnapshot *snapshot)
{
  graphene_rect_t seen;

  _esp_tree_view_get_seen (self, 0, &seen);
  if (self->edges_zoom != self->zoom || !graphene_rect_contains_rect (&self->edges_area, &seen))
    _esp_tree_view_forget_edges (self);
  if (!self->edges)
    {
      _esp_tree_view_get_seen (self, 0.5, &self->edges_area);
      self->edges_zoom = self->zoom;
      self->edges = make_edges (self, &self->edges_area);
    }
  if (self->edges)
    gtk_snapshot_append_node (snapshot, self->edges);
}

/* --- Nodes ------------------------------------------------------------------------------------ */

typedef struct
{
  GtkSnapshot *snapshot;
  graphene_point_t middle;
  EspNodeDetail detail;
  int thumbnail_size;
} Drawing;

static double
distance_from (const Drawing *drawing, const graphene_rect_t *box)
{
  return hypot (box->origin.x + box->size.width / 2 - drawing->middle.x,
                box->origin.y + box->size.height / 2 - drawing->middle.y);
}

static void
draw_far (EspTreeView *self, guint index, const graphene_rect_t *box, gpointer data)
{
  Drawing *drawing = data;

  self->n_drawn++;
  esp_node_painter_draw_far (self->painter, drawing->snapshot,
                             esp_tree_items_get (self->items, index), box, drawing->detail,
                             _esp_tree_view_get_look (self, index), distance_from (drawing, box),
                             1 / self->zoom);
}

/* What is seen asks for its thumbnail again in every pass: what was scrolled away is forgotten. */
static void
ask_for_thumbnail (EspTreeView *self, guint index, const graphene_rect_t *box, gpointer data)
{
  const Drawing *drawing = data;
  const EspTreeItem *item = esp_tree_items_get (self->items, index);
  EspTextureCache *cache = esp_texture_cache_get_default ();
  EspDocument *document = esp_node_painter_get_document (self->painter);

  if (esp_node_has_image (item->node))
    esp_texture_cache_lookup (cache, document, item->node, drawing->thumbnail_size,
                              distance_from (drawing, box));
  for (guint i = 0; i < G_N_ELEMENTS (item->mosaic) && item->mosaic[i] != NULL; i++)
    esp_texture_cache_lookup (cache, document, item->mosaic[i], ESP_THUMBNAIL_SMALL,
                              distance_from (drawing, box));
}

static void
draw_card (EspTreeView *self, guint index, const graphene_rect_t *box, gpointer data)
{
  Drawing *drawing = data;

  if (!self->cards[index])
    return;
  self->n_drawn++;
  gtk_widget_snapshot_child (GTK_WIDGET (self), GTK_WIDGET (self->cards[index]), drawing->snapshot);
}

gboolean
_esp_tree_view_draws_cards (EspTreeView *self)
{
  /* The keyboard's card is there even where no other is. */
  return self->n <= ESP_TREE_VIEW_MAX_CARDS || g_hash_table_size (self->cards_by_node) > 1;
}

/* --- The ring --------------------------------------------------------------------------------- */

static gboolean
get_ring (EspTreeView *self, graphene_rect_t *ring)
{
  EspDocument *document = esp_node_painter_get_document (self->painter);
  EspNode *current = document ? esp_document_get_current (document) : NULL;
  int index = current ? esp_tree_items_find (self->items, current) : -1;
  graphene_rect_t box;

  if (index < 0 || (guint) index >= self->n)
    return FALSE;
  _esp_tree_view_get_box (self, (guint) index, &box);
  esp_node_painter_get_picture_area (self->painter, esp_tree_items_get (self->items, (guint) index),
                                     box.size.width, ring);
  graphene_rect_offset (ring, box.origin.x, box.origin.y);
  if (self->ring_done < 1)
    graphene_rect_interpolate (&self->ring_from, ring, self->ring_done, ring);
  else
    self->ring_from = *ring;
  return TRUE;
}

static void
draw_ring (EspTreeView *self, GtkSnapshot *snapshot)
{
  const GdkRGBA *color = esp_node_painter_get_accent (self->painter);
  GdkRGBA colors[4] = { *color, *color, *color, *color };
  float widths[4] = { RING_WIDTH, RING_WIDTH, RING_WIDTH, RING_WIDTH };
  EspTreePlace origin = _esp_tree_view_get_origin (self);
  float zoom = (float) self->zoom;
  graphene_rect_t ring;
  GskRoundedRect frame;

  if (!get_ring (self, &ring))
    return;
  graphene_rect_init (&ring, (float) origin.x + ring.origin.x * zoom,
                      (float) origin.y + ring.origin.y * zoom, ring.size.width * zoom,
                      ring.size.height * zoom);
  gsk_rounded_rect_init_from_rect (&frame, &ring, RING_RADIUS * zoom);
  gsk_rounded_rect_shrink (&frame, -RING_WIDTH, -RING_WIDTH, -RING_WIDTH, -RING_WIDTH);
  gtk_snapshot_append_border (snapshot, &frame, widths, colors);
}

void
_esp_tree_view_draw (EspTreeView *self, GtkSnapshot *snapshot)
{
  EspDocument *document = esp_node_painter_get_document (self->painter);
  EspTreePlace origin = _esp_tree_view_get_origin (self);
  Drawing drawing = { snapshot, { 0 }, _esp_tree_view_get_detail (self), ESP_THUMBNAIL_SMALL };
  gboolean cards = _esp_tree_view_draws_cards (self);
  graphene_rect_t seen;

  self->n_drawn = 0;
  if (!document || self->n == 0)
    return;
  _esp_tree_view_get_seen (self, 0, &seen);
  graphene_rect_get_center (&seen, &drawing.middle);

  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float) origin.x, (float) origin.y));
  gtk_snapshot_scale (snapshot, (float) self->zoom, (float) self->zoom);
  draw_edges (self, snapshot);
  esp_texture_cache_begin_pass (esp_texture_cache_get_default (), document);
  if (!cards)
    _esp_tree_view_visit (self, &seen, draw_far, &drawing);
  gtk_snapshot_restore (snapshot);

  if (cards)
    {
      if (128 * self->zoom * gtk_widget_get_scale_factor (GTK_WIDGET (self)) > ESP_THUMBNAIL_SMALL)
        drawing.thumbnail_size = ESP_THUMBNAIL_LARGE;
      if (drawing.detail > ESP_NODE_DETAIL_DOT)
        _esp_tree_view_visit (self, &seen, ask_for_thumbnail, &drawing);
      _esp_tree_view_visit (self, &seen, draw_card, &drawing);
    }
  else
    {
      int cursor = self->cursor ? esp_tree_items_find (self->items, self->cursor) : -1;

      if (cursor >= 0 && self->cards[cursor]
          && gtk_widget_has_visible_focus (GTK_WIDGET (self->cards[cursor])))
        gtk_widget_snapshot_child (GTK_WIDGET (self), GTK_WIDGET (self->cards[cursor]), snapshot);
    }
  draw_ring (self, snapshot);
}
