/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-view-scroll.c: where things are on the screen: scrolling, zoom, what is under a point.
 *
 * Two kinds of coordinates: the layout's (a card is 140 wide whatever the zoom) and the screen's.
 */
#include "esp-tree-view-private.h"

#include <math.h>

#define MARGIN 24 /* of the screen, around the whole tree */
#define REVEAL_ROOM                                                                                \
  150 /* around what is scrolled to, on the screen: its parent or child is seen                    \
       */

/* --- Places ----------------------------------------------------------------------------------- */

double
_esp_tree_view_content_size (EspTreeView *self, GtkOrientation orientation)
{
  return (orientation == GTK_ORIENTATION_HORIZONTAL ? self->width : self->height) * self->zoom
         + 2 * MARGIN;
}

double
_esp_tree_view_screen_size (EspTreeView *self, GtkOrientation orientation)
{
  return orientation == GTK_ORIENTATION_HORIZONTAL ? gtk_widget_get_width (GTK_WIDGET (self))
                                                   : gtk_widget_get_height (GTK_WIDGET (self));
}

/* A tree that is smaller than the view begins at its edge and stands in the middle across, or where
 * what one looks at was before the tree grew. */
static double
get_start (EspTreeView *self, GtkOrientation orientation)
{
  double room = _esp_tree_view_screen_size (self, orientation)
                - _esp_tree_view_content_size (self, orientation);
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  GtkAdjustment *adjustment = self->adjustments[orientation];

  if (room <= 0)
    return MARGIN - (adjustment ? round (gtk_adjustment_get_value (adjustment)) : 0);
  if (orientation != self->orientation)
    return MARGIN + floor (self->slack < 0 ? room / 2 : MIN (self->slack, room));
  return MARGIN + (orientation == GTK_ORIENTATION_HORIZONTAL && rtl ? floor (room) : 0);
}

EspTreePlace
_esp_tree_view_get_origin (EspTreeView *self)
{
  return (EspTreePlace){ get_start (self, GTK_ORIENTATION_HORIZONTAL),
                         get_start (self, GTK_ORIENTATION_VERTICAL) };
}

void
_esp_tree_view_get_box (EspTreeView *self, guint index, graphene_rect_t *box)
{
  const EspTreeBox *to = &self->boxes[index];
  double x = to->x, y = to->y;

  if (self->from)
    {
      x = self->from[index].x + (x - self->from[index].x) * self->moved;
      y = self->from[index].y + (y - self->from[index].y) * self->moved;
    }
  graphene_rect_init (box, (float) x, (float) y, (float) to->width, (float) to->height);
}

void
_esp_tree_view_get_seen (EspTreeView *self, double margin, graphene_rect_t *area)
{
  EspTreePlace origin = _esp_tree_view_get_origin (self);
  double width = _esp_tree_view_screen_size (self, GTK_ORIENTATION_HORIZONTAL) / self->zoom;
  double height = _esp_tree_view_screen_size (self, GTK_ORIENTATION_VERTICAL) / self->zoom;

  graphene_rect_init (area, (float) (-origin.x / self->zoom - margin * width),
                      (float) (-origin.y / self->zoom - margin * height),
                      (float) (width * (1 + 2 * margin)), (float) (height * (1 + 2 * margin)));
}

static double
start_along (EspTreeView *self, guint index)
{
  return self->orientation == GTK_ORIENTATION_HORIZONTAL ? self->boxes[index].x
                                                         : self->boxes[index].y;
}

int
_esp_tree_view_compare_starts (gconstpointer a, gconstpointer b, gpointer user_data)
{
  double x = start_along (user_data, *(const guint *) a);
  double y = start_along (user_data, *(const guint *) b);

  return x < y ? -1 : x > y ? 1 : 0;
}

/* By the order along the depth: first those that may reach into the area, until those that begin
 * after it. */
void
_esp_tree_view_visit (EspTreeView *self, const graphene_rect_t *area, EspTreeVisit function,
                      gpointer data)
{
  gboolean horizontal = self->orientation == GTK_ORIENTATION_HORIZONTAL;
  double begin = horizontal ? area->origin.x : area->origin.y;
  double end = begin + (horizontal ? area->size.width : area->size.height);
  guint low = 0, high = self->n;
  graphene_rect_t box;

  /* While things move, the order says nothing. */
  while (!self->from && low < high)
    {
      guint middle = (low + high) / 2;

      if (start_along (self, self->order[middle]) + self->longest < begin)
        low = middle + 1;
      else
        high = middle;
    }
  for (guint i = self->from ? 0 : low; i < self->n; i++)
    {
      if (!self->from && start_along (self, self->order[i]) > end)
        break;
      _esp_tree_view_get_box (self, self->order[i], &box);
      if (graphene_rect_intersection (&box, area, NULL))
        function (self, self->order[i], &box, data);
    }
}

typedef struct
{
  double x, y;
  int found;
} Pick;

static void
pick (EspTreeView *self, guint index, const graphene_rect_t *box, gpointer data)
{
  Pick *wanted = data;

  if (graphene_rect_contains_point (box,
                                    &GRAPHENE_POINT_INIT ((float) wanted->x, (float) wanted->y)))
    wanted->found = (int) index;
}

int
_esp_tree_view_pick (EspTreeView *self, double x, double y, EspTreePart *part)
{
  EspTreePlace origin = _esp_tree_view_get_origin (self);
  Pick wanted = { (x - origin.x) / self->zoom, (y - origin.y) / self->zoom, -1 };
  graphene_rect_t area, box;
  const EspTreeItem *item;

  *part = ESP_TREE_PART_NONE;
  graphene_rect_init (&area, (float) wanted.x, (float) wanted.y, 0.01f, 0.01f);
  _esp_tree_view_visit (self, &area, pick, &wanted);
  if (wanted.found < 0)
    return -1;

  *part = ESP_TREE_PART_CARD;
  item = esp_tree_items_get (self->items, (guint) wanted.found);
  _esp_tree_view_get_box (self, (guint) wanted.found, &box);
  if (_esp_tree_view_get_detail (self) >= ESP_NODE_DETAIL_MARKS)
    {
      graphene_point_t point
          = GRAPHENE_POINT_INIT ((float) wanted.x - box.origin.x, (float) wanted.y - box.origin.y);

      if (esp_node_painter_get_stack_badge_area (self->painter, item, box.size.width, &area)
          && graphene_rect_contains_point (&area, &point))
        *part = ESP_TREE_PART_STACK_BADGE;
      if (esp_node_painter_get_fold_badge_area (self->painter, item, box.size.width,
                                                box.size.height, &area)
          && graphene_rect_contains_point (&area, &point))
        *part = ESP_TREE_PART_FOLD_BADGE;
    }
  return wanted.found;
}

EspNode *
esp_tree_view_pick_node (EspTreeView *self, double x, double y)
{
  EspTreePart part;
  int index;

  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), NULL);

  index = _esp_tree_view_pick (self, x, y, &part);
  return index >= 0 ? esp_tree_items_get (self->items, (guint) index)->node : NULL;
}

gboolean
esp_tree_view_get_node_area (EspTreeView *self, EspNode *node, graphene_rect_t *area)
{
  EspTreePlace origin;
  int index;

  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), FALSE);

  esp_tree_items_flush (self->items);
  index = node ? esp_tree_items_find (self->items, node) : -1;
  if (index < 0)
    return FALSE;
  origin = _esp_tree_view_get_origin (self);
  _esp_tree_view_get_box (self, (guint) index, area);
  graphene_rect_init (area, (float) (area->origin.x * self->zoom + origin.x),
                      (float) (area->origin.y * self->zoom + origin.y),
                      (float) (area->size.width * self->zoom),
                      (float) (area->size.height * self->zoom));
  return TRUE;
}

void
esp_tree_view_get_extent (EspTreeView *self, double *width, double *height)
{
  *width = self->width;
  *height = self->height;
}

void
esp_tree_view_get_visible_area (EspTreeView *self, graphene_rect_t *area)
{
  _esp_tree_view_get_seen (self, 0, area);
}

void
esp_tree_view_get_item_area (EspTreeView *self, guint index, graphene_rect_t *area)
{
  _esp_tree_view_get_box (self, index, area);
}

/* --- Scrolling -------------------------------------------------------------------------------- */

void
_esp_tree_view_configure (EspTreeView *self, GtkOrientation orientation, double value)
{
  double page = _esp_tree_view_screen_size (self, orientation);
  double upper = MAX (page, _esp_tree_view_content_size (self, orientation));

  if (self->adjustments[orientation])
    gtk_adjustment_configure (self->adjustments[orientation], CLAMP (value, 0, upper - page), 0,
                              upper, page * 0.1, page * 0.9, page);
}

static double
get_value (EspTreeView *self, GtkOrientation orientation)
{
  return self->adjustments[orientation] ? gtk_adjustment_get_value (self->adjustments[orientation])
                                        : 0;
}

/* Scrolls so that the layout's point comes to the screen's point, as far as that can be. */
void
_esp_tree_view_place_at (EspTreeView *self, double x, double y, double screen_x, double screen_y)
{
  gboolean horizontal = self->orientation == GTK_ORIENTATION_HORIZONTAL;
  double across = horizontal ? screen_y - y * self->zoom : screen_x - x * self->zoom;

  self->slack = MAX (0, across - MARGIN);
  _esp_tree_view_configure (self, GTK_ORIENTATION_HORIZONTAL, MARGIN + x * self->zoom - screen_x);
  _esp_tree_view_configure (self, GTK_ORIENTATION_VERTICAL, MARGIN + y * self->zoom - screen_y);
  if (!self->allocating)
    {
      _esp_tree_view_update_cards (self);
      gtk_widget_queue_allocate (GTK_WIDGET (self));
    }
}

void
_esp_tree_view_scroll_by (EspTreeView *self, double dx, double dy)
{
  _esp_tree_view_configure (self, GTK_ORIENTATION_HORIZONTAL,
                            get_value (self, GTK_ORIENTATION_HORIZONTAL) + dx);
  _esp_tree_view_configure (self, GTK_ORIENTATION_VERTICAL,
                            get_value (self, GTK_ORIENTATION_VERTICAL) + dy);
}

void
esp_tree_view_center_on (EspTreeView *self, double x, double y)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  adw_animation_pause (self->scrolling);
  _esp_tree_view_place_at (self, x, y,
                           _esp_tree_view_screen_size (self, GTK_ORIENTATION_HORIZONTAL) / 2,
                           _esp_tree_view_screen_size (self, GTK_ORIENTATION_VERTICAL) / 2);
}

void
_esp_tree_view_on_scrolling (double value, gpointer user_data)
{
  EspTreeView *self = user_data;

  _esp_tree_view_configure (self, GTK_ORIENTATION_HORIZONTAL,
                            self->scroll_from.x
                                + (self->scroll_to.x - self->scroll_from.x) * value);
  _esp_tree_view_configure (self, GTK_ORIENTATION_VERTICAL,
                            self->scroll_from.y
                                + (self->scroll_to.y - self->scroll_from.y) * value);
}

/* The value that shows what lies from `start` to `start + size` with some room around it. */
static double
value_for (EspTreeView *self, GtkOrientation orientation, double start, double size)
{
  double page = _esp_tree_view_screen_size (self, orientation),
         value = get_value (self, orientation);
  double from = MARGIN + start * self->zoom, to = from + size * self->zoom;
  double room = MIN (REVEAL_ROOM, MAX (0, (page - (to - from)) / 2));
  double upper = MAX (page, _esp_tree_view_content_size (self, orientation));

  if (from - room < value)
    value = from - room;
  else if (to + room > value + page)
    value = to + room - page;
  return CLAMP (value, 0, upper - page);
}

static void
scroll_to_item (EspTreeView *self, guint index, gboolean animate)
{
  const EspTreeBox *box = &self->boxes[index];

  self->scroll_from = (EspTreePlace){ get_value (self, GTK_ORIENTATION_HORIZONTAL),
                                      get_value (self, GTK_ORIENTATION_VERTICAL) };
  self->scroll_to
      = (EspTreePlace){ value_for (self, GTK_ORIENTATION_HORIZONTAL, box->x, box->width),
                        value_for (self, GTK_ORIENTATION_VERTICAL, box->y, box->height) };
  if (!animate || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    {
      adw_animation_pause (self->scrolling);
      _esp_tree_view_on_scrolling (1, self);
    }
  else if (self->scroll_from.x != self->scroll_to.x || self->scroll_from.y != self->scroll_to.y)
    adw_animation_play (self->scrolling);
}

void
esp_tree_view_reveal (EspTreeView *self, EspNode *node)
{
  int index;

  g_return_if_fail (ESP_IS_TREE_VIEW (self));
  g_return_if_fail (ESP_IS_NODE (node));

  esp_tree_items_uncover (self->items, node);
  esp_tree_items_flush (self->items);
  index = esp_tree_items_find (self->items, node);
  if (index < 0)
    return;
  if (_esp_tree_view_is_ready (self))
    scroll_to_item (self, (guint) index, TRUE);
  else
    g_set_object (&self->pending_reveal, node);
}

/* --- The stored view -------------------------------------------------------------------------- */

void
_esp_tree_view_store_view (EspTreeView *self)
{
  EspDocument *document = _esp_tree_view_get_document (self);
  char zoom[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *scroll = NULL;

  g_clear_handle_id (&self->store_id, g_source_remove);
  if (!document || !_esp_tree_view_is_ready (self))
    return;
  g_ascii_formatd (zoom, sizeof zoom, "%.6f", self->zoom);
  scroll = g_strdup_printf ("%d %d", (int) get_value (self, GTK_ORIENTATION_HORIZONTAL),
                            (int) get_value (self, GTK_ORIENTATION_VERTICAL));
  if (g_strcmp0 (esp_document_get_view (document, "history.zoom"), zoom) != 0)
    esp_document_set_view (document, "history.zoom", zoom);
  if (g_strcmp0 (esp_document_get_view (document, "history.scroll"), scroll) != 0)
    esp_document_set_view (document, "history.scroll", scroll);
}

static gboolean
on_store (gpointer user_data)
{
  EspTreeView *self = user_data;

  self->store_id = 0;
  _esp_tree_view_store_view (self);
  return G_SOURCE_REMOVE;
}

void
_esp_tree_view_view_changed (EspTreeView *self)
{
  if (self->store_id == 0 && _esp_tree_view_is_ready (self))
    self->store_id = g_timeout_add (500, on_store, self);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_VIEW_CHANGED], 0);
}

/* What is due at the first size: the stored position, then the current node in view. */
void
_esp_tree_view_restore_position (EspTreeView *self)
{
  g_autofree char *scroll = g_steal_pointer (&self->pending_scroll);
  g_autoptr (EspNode) reveal = g_steal_pointer (&self->pending_reveal);
  int index;

  if (scroll)
    {
      char *end;
      double x = g_ascii_strtod (scroll, &end), y = g_ascii_strtod (end, NULL);

      _esp_tree_view_configure (self, GTK_ORIENTATION_HORIZONTAL, x);
      _esp_tree_view_configure (self, GTK_ORIENTATION_VERTICAL, y);
    }
  index = reveal ? esp_tree_items_find (self->items, reveal) : -1;
  if (index >= 0 && !scroll)
    esp_tree_view_center_on (self, self->boxes[index].x + self->boxes[index].width / 2,
                             self->boxes[index].y + self->boxes[index].height / 2);
  else if (index >= 0)
    scroll_to_item (self, (guint) index, FALSE);
}

/* --- Zoom ------------------------------------------------------------------------------------- */

/* The one at which the whole tree is seen, 1 for small trees; 0 where that cannot be said yet. */
static double
get_whole_zoom (EspTreeView *self)
{
  double width = _esp_tree_view_screen_size (self, GTK_ORIENTATION_HORIZONTAL) - 2 * MARGIN;
  double height = _esp_tree_view_screen_size (self, GTK_ORIENTATION_VERTICAL) - 2 * MARGIN;

  if (self->width <= 0 || self->height <= 0 || width <= 0 || height <= 0)
    return 0;
  return MIN (1, MIN (width / self->width, height / self->height));
}

double
esp_tree_view_get_min_zoom (EspTreeView *self)
{
  double whole;

  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), ESP_TREE_VIEW_MIN_ZOOM);

  whole = get_whole_zoom (self);
  return whole > 0 ? MIN (ESP_TREE_VIEW_MIN_ZOOM, whole) : ESP_TREE_VIEW_MIN_ZOOM;
}

void
_esp_tree_view_zoom_at (EspTreeView *self, double zoom, double x, double y)
{
  EspTreePlace origin = _esp_tree_view_get_origin (self);
  double layout_x = (x - origin.x) / self->zoom, layout_y = (y - origin.y) / self->zoom;

  zoom = CLAMP (zoom, esp_tree_view_get_min_zoom (self), ESP_TREE_VIEW_MAX_ZOOM);
  if (fabs (zoom - 1) < 0.03)
    zoom = 1;
  if (zoom == self->zoom)
    return;
  adw_animation_pause (self->scrolling);
  self->zoom = zoom;
  _esp_tree_view_place_at (self, layout_x, layout_y, x, y);
  _esp_tree_view_update_looks (self);
  _esp_tree_view_view_changed (self);
}

double
esp_tree_view_get_zoom (EspTreeView *self)
{
  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), 1);
  return self->zoom;
}

void
esp_tree_view_set_zoom (EspTreeView *self, double zoom)
{
  double x, y;
  graphene_rect_t area;

  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  /* Around the current node if it is in view: that is what one looks at. */
  x = _esp_tree_view_screen_size (self, GTK_ORIENTATION_HORIZONTAL) / 2;
  y = _esp_tree_view_screen_size (self, GTK_ORIENTATION_VERTICAL) / 2;
  if (self->cursor && esp_tree_view_get_node_area (self, self->cursor, &area))
    {
      double cx = area.origin.x + area.size.width / 2, cy = area.origin.y + area.size.height / 2;

      if (cx > 0 && cy > 0 && cx < 2 * x && cy < 2 * y)
        {
          x = cx;
          y = cy;
        }
    }
  _esp_tree_view_zoom_at (self, zoom, x, y);
}

void
esp_tree_view_zoom_fit (EspTreeView *self)
{
  double zoom;

  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  zoom = get_whole_zoom (self);
  if (zoom > 0)
    {
      _esp_tree_view_zoom_at (self, zoom, 0, 0);
      self->slack = -1;
    }
}

EspNodeDetail
_esp_tree_view_get_detail (EspTreeView *self)
{
  return self->zoom >= 0.7    ? ESP_NODE_DETAIL_FULL
         : self->zoom >= 0.4  ? ESP_NODE_DETAIL_MARKS
         : self->zoom >= 0.15 ? ESP_NODE_DETAIL_THUMBNAIL
                              : ESP_NODE_DETAIL_DOT;
}
