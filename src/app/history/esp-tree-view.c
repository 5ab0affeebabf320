/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-view.c: the widget: places, scrolling, zoom and cards. Drawing is in
 * esp-tree-view-draw.c, pointers and keys in esp-tree-view-input.c.
 *
 * Two kinds of coordinates: the layout's (a card is 140 wide whatever the zoom) and the screen's.
 */
#include "esp-tree-view-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#define MARGIN      24 /* of the screen, around the whole tree */
#define SIBLING_GAP 16
#define LEVEL_GAP   36
#define REVEAL_ROOM                                                                                \
  150                /* around what is scrolled to, on the screen: its parent or child is seen     \
                      */
#define DURATION 200 /* ms */

static void esp_tree_view_scrollable_init (GtkScrollableInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (EspTreeView, esp_tree_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_SCROLLABLE,
                                                      esp_tree_view_scrollable_init))

enum
{
  PROP_0,
  PROP_HADJUSTMENT,
  PROP_VADJUSTMENT,
  PROP_HSCROLL_POLICY,
  PROP_VSCROLL_POLICY,
};

guint _esp_tree_view_signals[ESP_TREE_VIEW_N_SIGNALS];

static gboolean
is_ready (EspTreeView *self)
{
  return gtk_widget_get_width (GTK_WIDGET (self)) > 0 && self->adjustments[0]
         && self->adjustments[1];
}

static EspDocument *
get_document (EspTreeView *self)
{
  return esp_tree_items_get_document (self->items);
}

/* --- Places ----------------------------------------------------------------------------------- */

static double
content_size (EspTreeView *self, GtkOrientation orientation)
{
  return (orientation == GTK_ORIENTATION_HORIZONTAL ? self->width : self->height) * self->zoom
         + 2 * MARGIN;
}

static double
screen_size (EspTreeView *self, GtkOrientation orientation)
{
  return orientation == GTK_ORIENTATION_HORIZONTAL ? gtk_widget_get_width (GTK_WIDGET (self))
                                                   : gtk_widget_get_height (GTK_WIDGET (self));
}

/* A tree that is smaller than the view begins at its edge and stands in the middle across. */
static double
get_start (EspTreeView *self, GtkOrientation orientation)
{
  double room = screen_size (self, orientation) - content_size (self, orientation);
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  GtkAdjustment *adjustment = self->adjustments[orientation];

  if (room <= 0)
    return MARGIN - (adjustment ? round (gtk_adjustment_get_value (adjustment)) : 0);
  if (orientation != self->orientation)
    return MARGIN + floor (room / 2);
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
  double width = screen_size (self, GTK_ORIENTATION_HORIZONTAL) / self->zoom;
  double height = screen_size (self, GTK_ORIENTATION_VERTICAL) / self->zoom;

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

static int
compare_starts (gconstpointer a, gconstpointer b, gpointer user_data)
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

static void
configure (EspTreeView *self, GtkOrientation orientation, double value)
{
  double page = screen_size (self, orientation);
  double upper = MAX (page, content_size (self, orientation));

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
static void
place_at (EspTreeView *self, double x, double y, double screen_x, double screen_y)
{
  configure (self, GTK_ORIENTATION_HORIZONTAL, MARGIN + x * self->zoom - screen_x);
  configure (self, GTK_ORIENTATION_VERTICAL, MARGIN + y * self->zoom - screen_y);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

void
_esp_tree_view_scroll_by (EspTreeView *self, double dx, double dy)
{
  configure (self, GTK_ORIENTATION_HORIZONTAL, get_value (self, GTK_ORIENTATION_HORIZONTAL) + dx);
  configure (self, GTK_ORIENTATION_VERTICAL, get_value (self, GTK_ORIENTATION_VERTICAL) + dy);
}

void
esp_tree_view_center_on (EspTreeView *self, double x, double y)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  adw_animation_pause (self->scrolling);
  place_at (self, x, y, screen_size (self, GTK_ORIENTATION_HORIZONTAL) / 2,
            screen_size (self, GTK_ORIENTATION_VERTICAL) / 2);
}

static void
on_scrolling (double value, gpointer user_data)
{
  EspTreeView *self = user_data;

  configure (self, GTK_ORIENTATION_HORIZONTAL,
             self->scroll_from.x + (self->scroll_to.x - self->scroll_from.x) * value);
  configure (self, GTK_ORIENTATION_VERTICAL,
             self->scroll_from.y + (self->scroll_to.y - self->scroll_from.y) * value);
}

/* The value that shows what lies from `start` to `start + size` with some room around it. */
static double
value_for (EspTreeView *self, GtkOrientation orientation, double start, double size)
{
  double page = screen_size (self, orientation), value = get_value (self, orientation);
  double from = MARGIN + start * self->zoom, to = from + size * self->zoom;
  double room = MIN (REVEAL_ROOM, MAX (0, (page - (to - from)) / 2));
  double upper = MAX (page, content_size (self, orientation));

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
      on_scrolling (1, self);
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
  if (is_ready (self))
    scroll_to_item (self, (guint) index, TRUE);
  else
    g_set_object (&self->pending_reveal, node);
}

/* --- The stored view -------------------------------------------------------------------------- */

static void
store_view (EspTreeView *self)
{
  EspDocument *document = get_document (self);
  char zoom[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *scroll = NULL;

  g_clear_handle_id (&self->store_id, g_source_remove);
  if (!document || !is_ready (self))
    return;
  g_ascii_formatd (zoom, sizeof zoom, "%.4f", self->zoom);
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
  store_view (self);
  return G_SOURCE_REMOVE;
}

static void
view_changed (EspTreeView *self)
{
  if (self->store_id == 0 && is_ready (self))
    self->store_id = g_timeout_add (500, on_store, self);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_VIEW_CHANGED], 0);
}

/* What is due at the first size: the stored position, then the current node in view. */
static void
restore_position (EspTreeView *self)
{
  g_autofree char *scroll = g_steal_pointer (&self->pending_scroll);
  g_autoptr (EspNode) reveal = g_steal_pointer (&self->pending_reveal);
  int index;

  if (scroll)
    {
      char *end;
      double x = g_ascii_strtod (scroll, &end), y = g_ascii_strtod (end, NULL);

      configure (self, GTK_ORIENTATION_HORIZONTAL, x);
      configure (self, GTK_ORIENTATION_VERTICAL, y);
    }
  index = reveal ? esp_tree_items_find (self->items, reveal) : -1;
  if (index >= 0 && !scroll)
    esp_tree_view_center_on (self, self->boxes[index].x + self->boxes[index].width / 2,
                             self->boxes[index].y + self->boxes[index].height / 2);
  else if (index >= 0)
    scroll_to_item (self, (guint) index, FALSE);
}

/* --- Zoom ------------------------------------------------------------------------------------- */

void
_esp_tree_view_zoom_at (EspTreeView *self, double zoom, double x, double y)
{
  EspTreePlace origin = _esp_tree_view_get_origin (self);
  double layout_x = (x - origin.x) / self->zoom, layout_y = (y - origin.y) / self->zoom;

  zoom = CLAMP (zoom, ESP_TREE_VIEW_MIN_ZOOM, ESP_TREE_VIEW_MAX_ZOOM);
  if (fabs (zoom - 1) < 0.03)
    zoom = 1;
  if (zoom == self->zoom)
    return;
  adw_animation_pause (self->scrolling);
  self->zoom = zoom;
  place_at (self, layout_x, layout_y, x, y);
  _esp_tree_view_update_looks (self);
  view_changed (self);
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
  x = screen_size (self, GTK_ORIENTATION_HORIZONTAL) / 2;
  y = screen_size (self, GTK_ORIENTATION_VERTICAL) / 2;
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
  double width, height;

  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  width = screen_size (self, GTK_ORIENTATION_HORIZONTAL) - 2 * MARGIN;
  height = screen_size (self, GTK_ORIENTATION_VERTICAL) - 2 * MARGIN;
  if (self->width > 0 && self->height > 0 && width > 0 && height > 0)
    _esp_tree_view_zoom_at (self, MIN (1, MIN (width / self->width, height / self->height)), 0, 0);
}

EspNodeDetail
_esp_tree_view_get_detail (EspTreeView *self)
{
  return self->zoom >= 0.7    ? ESP_NODE_DETAIL_FULL
         : self->zoom >= 0.4  ? ESP_NODE_DETAIL_MARKS
         : self->zoom >= 0.15 ? ESP_NODE_DETAIL_THUMBNAIL
                              : ESP_NODE_DETAIL_DOT;
}

/* --- Layout ----------------------------------------------------------------------------------- */

/* The places of before, on the screen, by leader. */
static GHashTable *
remember_places (EspTreeView *self)
{
  GHashTable *places = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  EspTreePlace origin = _esp_tree_view_get_origin (self);

  for (guint i = 0; i < self->n; i++)
    {
      EspTreePlace *place = g_new (EspTreePlace, 1);
      graphene_rect_t box;

      _esp_tree_view_get_box (self, i, &box);
      place->x = box.origin.x * self->zoom + origin.x;
      place->y = box.origin.y * self->zoom + origin.y;
      g_hash_table_insert (places, self->leaders[i], place);
    }
  return places;
}

static void
forget_layout (EspTreeView *self)
{
  for (guint i = 0; i < self->n; i++)
    g_object_unref (self->leaders[i]);
  self->n = 0;
  g_clear_pointer (&self->leaders, g_free);
  g_clear_pointer (&self->boxes, g_free);
  g_clear_pointer (&self->order, g_free);
  g_clear_pointer (&self->from, g_free);
  g_clear_pointer (&self->cards, g_free);
}

static void
make_layout (EspTreeView *self)
{
  EspTreeLayoutOptions options
      = { self->orientation == GTK_ORIENTATION_HORIZONTAL, SIBLING_GAP, LEVEL_GAP };
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;

  self->n = esp_tree_items_get_n (self->items);
  self->boxes = g_new0 (EspTreeBox, self->n);
  self->leaders = g_new0 (EspNode *, self->n);
  self->order = g_new (guint, self->n);
  self->cards = g_new0 (EspNodeCard *, self->n);
  for (guint i = 0; i < self->n; i++)
    {
      const EspTreeItem *item = esp_tree_items_get (self->items, i);

      self->leaders[i] = g_object_ref (item->leader);
      self->boxes[i].parent = item->parent;
      esp_node_painter_measure (self->painter, item, &self->boxes[i].width, &self->boxes[i].height);
      self->order[i] = i;
    }
  esp_tree_layout (self->boxes, self->n, &options, &self->width, &self->height);
  self->longest = 0;
  for (guint i = 0; i < self->n; i++)
    {
      EspTreeBox *box = &self->boxes[i];

      /* On whole pixels at 100 %. */
      box->x = round (rtl ? self->width - box->x - box->width : box->x);
      box->y = round (box->y);
      self->longest = MAX (self->longest, options.horizontal ? box->width : box->height);
    }
  g_qsort_with_data (self->order, (int) self->n, sizeof (guint), compare_starts, self);
}

/* The item that is to stay where it is on the screen: the current one if it is in view, else that
 * nearest to the middle, of those that were there before. */
static int
find_anchor (EspTreeView *self, GHashTable *places)
{
  EspNode *current = get_document (self) ? esp_document_get_current (get_document (self)) : NULL;
  int at = current ? esp_tree_items_find (self->items, current) : -1, best = -1;
  double width = screen_size (self, GTK_ORIENTATION_HORIZONTAL);
  double height = screen_size (self, GTK_ORIENTATION_VERTICAL), nearest = G_MAXDOUBLE;

  /* A new turn's parent. */
  while (at >= 0 && !g_hash_table_contains (places, self->leaders[at]))
    at = self->boxes[at].parent;
  for (guint i = 0; i < self->n; i++)
    {
      const EspTreePlace *place = g_hash_table_lookup (places, self->leaders[i]);
      double w = self->boxes[i].width * self->zoom, h = self->boxes[i].height * self->zoom;
      double distance;

      if (!place)
        continue;
      if ((int) i == at && place->x > -w / 2 && place->y > -h / 2 && place->x < width - w / 2
          && place->y < height - h / 2)
        return at;
      distance = hypot (place->x + w / 2 - width / 2, place->y + h / 2 - height / 2);
      if (distance < nearest)
        {
          nearest = distance;
          best = (int) i;
        }
    }
  return best;
}

/* Lets everything slide from where it was seen to its new place; what is new grows out of its
 * parent. */
static void
animate_from (EspTreeView *self, GHashTable *places)
{
  EspTreePlace origin = _esp_tree_view_get_origin (self);
  gboolean any = FALSE;

  self->from = g_new (EspTreePlace, self->n);
  for (guint i = 0; i < self->n; i++)
    {
      const EspTreePlace *place = g_hash_table_lookup (places, self->leaders[i]);

      if (place)
        self->from[i] = (EspTreePlace){ (place->x - origin.x) / self->zoom,
                                        (place->y - origin.y) / self->zoom };
      else if (self->boxes[i].parent >= 0)
        self->from[i] = self->from[self->boxes[i].parent];
      else
        self->from[i] = (EspTreePlace){ self->boxes[i].x, self->boxes[i].y };
      if (fabs (self->from[i].x - self->boxes[i].x) > 0.5
          || fabs (self->from[i].y - self->boxes[i].y) > 0.5)
        any = TRUE;
    }
  if (!any)
    {
      g_clear_pointer (&self->from, g_free);
      return;
    }
  self->moved = 0;
  adw_animation_play (self->moving);
}

static void
on_moving (double value, gpointer user_data)
{
  EspTreeView *self = user_data;

  self->moved = value;
  _esp_tree_view_forget_edges (self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

static void
on_moved (EspTreeView *self)
{
  g_clear_pointer (&self->from, g_free);
  _esp_tree_view_forget_edges (self);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_LAID_OUT], 0);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

static void
relayout (EspTreeView *self, gboolean animate)
{
  g_autoptr (GHashTable) places = remember_places (self);
  g_autoptr (GPtrArray) old = g_ptr_array_new_with_free_func (g_object_unref);
  int anchor;

  /* The places are known by nodes that must not go before they were looked up. */
  for (guint i = 0; i < self->n; i++)
    g_ptr_array_add (old, g_object_ref (self->leaders[i]));
  adw_animation_pause (self->moving);
  forget_layout (self);
  make_layout (self);
  _esp_tree_view_forget_edges (self);

  anchor = is_ready (self) ? find_anchor (self, places) : -1;
  if (anchor >= 0)
    {
      const EspTreePlace *place = g_hash_table_lookup (places, self->leaders[anchor]);

      place_at (self, self->boxes[anchor].x, self->boxes[anchor].y, place->x, place->y);
    }
  else if (is_ready (self))
    _esp_tree_view_scroll_by (self, 0, 0);
  if (animate && anchor >= 0 && gtk_widget_get_mapped (GTK_WIDGET (self))
      && adw_get_enable_animations (GTK_WIDGET (self)))
    animate_from (self, places);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_LAID_OUT], 0);
  view_changed (self);
}

/* --- Cards ------------------------------------------------------------------------------------ */

EspNodeLook
_esp_tree_view_get_look (EspTreeView *self, guint index)
{
  const EspTreeItem *item = esp_tree_items_get (self->items, index);
  EspNodeLook look = item->on_path ? 0 : ESP_NODE_LOOK_OFF_PATH;

  if (self->matches && g_hash_table_contains (self->matches, item->node))
    look |= ESP_NODE_LOOK_MATCH;
  else if (self->matches)
    look |= ESP_NODE_LOOK_NO_MATCH;
  return look;
}

static void
update_card_look (EspTreeView *self, guint index)
{
  const EspTreeItem *item = esp_tree_items_get (self->items, index);
  EspNodeCard *card = self->cards[index];
  EspNode *current = esp_document_get_current (get_document (self));

  esp_node_card_set_look (card, _esp_tree_view_get_detail (self),
                          _esp_tree_view_get_look (self, index));
  esp_node_card_set_selected (card, g_hash_table_contains (self->selected, item->node),
                              item->node == current);
  if (self->drop == item->node)
    gtk_widget_add_css_class (GTK_WIDGET (card), "drop");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (card), "drop");
}

void
_esp_tree_view_update_looks (EspTreeView *self)
{
  for (guint i = 0; i < self->n; i++)
    if (self->cards[i])
      update_card_look (self, i);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_card_activate (EspTreeView *self, EspNodeCard *card)
{
  g_autoptr (EspNode) node = g_object_ref (esp_node_card_get_node (card));

  esp_document_set_current (get_document (self), node);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_ACTIVATE], 0, node);
}

static EspNodeCard *
take_card (EspTreeView *self)
{
  GtkWidget *card;

  if (self->free_cards->len > 0)
    return g_ptr_array_steal_index_fast (self->free_cards, self->free_cards->len - 1);
  card = esp_node_card_new (self->painter);
  g_signal_connect_swapped (card, "activate", G_CALLBACK (on_card_activate), self);
  gtk_widget_set_parent (card, GTK_WIDGET (self));
  return ESP_NODE_CARD (card);
}

/* Binds a card to the item if it has none yet. */
static void
need_card (EspTreeView *self, guint index)
{
  const EspTreeItem *item = esp_tree_items_get (self->items, index);
  EspNodeCard *card;

  if (self->cards[index])
    return;
  card = g_hash_table_lookup (self->cards_by_node, item->leader);
  if (!card)
    {
      card = take_card (self);
      g_hash_table_insert (self->cards_by_node, g_object_ref (item->leader), card);
    }
  esp_node_card_set_item (card, item);
  self->cards[index] = card;
  update_card_look (self, index);
}

static void
need_card_in_area (EspTreeView *self, guint index, const graphene_rect_t *box, gpointer data)
{
  need_card (self, index);
}

static void
count_in_area (EspTreeView *self, guint index, const graphene_rect_t *box, gpointer data)
{
  (*(guint *) data)++;
}

static gboolean
is_needed (EspTreeView *self, GHashTable *needed, EspNodeCard *card)
{
  return g_hash_table_contains (needed, card);
}

static void
release_cards (EspTreeView *self)
{
  g_autoptr (GHashTable) needed = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer card;

  for (guint i = 0; i < self->n; i++)
    if (self->cards[i])
      g_hash_table_add (needed, self->cards[i]);
  g_hash_table_iter_init (&iter, self->cards_by_node);
  while (g_hash_table_iter_next (&iter, NULL, &card))
    if (!is_needed (self, needed, card))
      {
        esp_node_card_set_item (card, NULL);
        g_ptr_array_add (self->free_cards, card);
        g_hash_table_iter_remove (&iter);
      }
}

/* In the order of the tree, so that assistive technology walks it in that order. */
static void
sort_cards (EspTreeView *self)
{
  GtkWidget *before = NULL;

  for (guint i = 0; i < self->n; i++)
    {
      GtkWidget *card = GTK_WIDGET (self->cards[i]);

      if (gtk_widget_get_prev_sibling (card) != before)
        gtk_widget_insert_after (card, GTK_WIDGET (self), before);
      before = card;
    }
}

static void
update_cards (EspTreeView *self)
{
  graphene_rect_t area;
  guint n_near = 0;
  int cursor;

  memset (self->cards, 0, self->n * sizeof *self->cards);
  _esp_tree_view_get_seen (self, 0.5, &area);
  if (self->n > ESP_TREE_VIEW_MAX_CARDS)
    _esp_tree_view_visit (self, &area, count_in_area, &n_near);

  if (self->n <= ESP_TREE_VIEW_MAX_CARDS)
    for (guint i = 0; i < self->n; i++)
      need_card (self, i);
  else if (n_near <= ESP_TREE_VIEW_MAX_CARDS)
    _esp_tree_view_visit (self, &area, need_card_in_area, NULL);

  /* The keyboard is somewhere, seen or not. */
  cursor = self->cursor ? esp_tree_items_find (self->items, self->cursor) : -1;
  if (cursor >= 0)
    need_card (self, (guint) cursor);
  release_cards (self);
  if (self->n <= ESP_TREE_VIEW_MAX_CARDS)
    sort_cards (self);
}

static void
allocate_cards (EspTreeView *self)
{
  EspTreePlace origin = _esp_tree_view_get_origin (self);
  double middle_x = screen_size (self, GTK_ORIENTATION_HORIZONTAL) / 2;
  double middle_y = screen_size (self, GTK_ORIENTATION_VERTICAL) / 2;

  for (guint i = 0; i < self->n; i++)
    {
      GtkWidget *card = GTK_WIDGET (self->cards[i]);
      GskTransform *transform;
      graphene_rect_t box;
      double x, y;

      if (!card)
        continue;
      _esp_tree_view_get_box (self, i, &box);
      x = origin.x + box.origin.x * self->zoom;
      y = origin.y + box.origin.y * self->zoom;
      esp_node_card_set_scale (ESP_NODE_CARD (card), self->zoom,
                               hypot (x + box.size.width * self->zoom / 2 - middle_x,
                                      y + box.size.height * self->zoom / 2 - middle_y));
      gtk_widget_measure (card, GTK_ORIENTATION_HORIZONTAL, -1, NULL, NULL, NULL, NULL);
      transform = gsk_transform_translate (NULL, &GRAPHENE_POINT_INIT ((float) x, (float) y));
      if (self->zoom != 1)
        transform = gsk_transform_scale (transform, (float) self->zoom, (float) self->zoom);
      gtk_widget_allocate (card, (int) box.size.width, (int) box.size.height, -1, transform);
    }
}

/* --- Cursor and selection --------------------------------------------------------------------- */

EspNode *
esp_tree_view_get_cursor (EspTreeView *self)
{
  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), NULL);
  return self->cursor;
}

/* Moves the keyboard to the cursor's card if it is in the tree. */
static void
focus_cursor (EspTreeView *self)
{
  int index = self->cursor ? esp_tree_items_find (self->items, self->cursor) : -1;

  if (index < 0 || (guint) index >= self->n)
    return;
  need_card (self, (guint) index);
  gtk_widget_grab_focus (GTK_WIDGET (self->cards[index]));
}

static gboolean
has_focus_inside (EspTreeView *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root ? gtk_root_get_focus (root) : NULL;

  return focus && gtk_widget_is_ancestor (focus, GTK_WIDGET (self));
}

static void
set_cursor (EspTreeView *self, EspNode *node)
{
  gboolean focused = has_focus_inside (self);

  g_set_object (&self->cursor, node);
  if (focused)
    focus_cursor (self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

void
esp_tree_view_set_cursor (EspTreeView *self, EspNode *node)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));
  g_return_if_fail (node == NULL || ESP_IS_NODE (node));

  if (node)
    esp_tree_view_reveal (self, node);
  if (self->cursor == node)
    return;
  set_cursor (self, node);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_SELECTION_CHANGED], 0);
}

GPtrArray *
esp_tree_view_dup_selected (EspTreeView *self)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);

  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), nodes);

  esp_tree_items_flush (self->items);
  for (guint i = 0; i < esp_tree_items_get_n (self->items); i++)
    {
      EspNode *node = esp_tree_items_get (self->items, i)->node;

      if (g_hash_table_contains (self->selected, node))
        g_ptr_array_add (nodes, g_object_ref (node));
    }
  return nodes;
}

void
esp_tree_view_clear_selected (EspTreeView *self)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  if (g_hash_table_size (self->selected) == 0)
    return;
  g_hash_table_remove_all (self->selected);
  _esp_tree_view_update_looks (self);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_SELECTION_CHANGED], 0);
}

void
esp_tree_view_set_matches (EspTreeView *self, GHashTable *matches)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  g_clear_pointer (&self->matches, g_hash_table_unref);
  self->matches = matches ? g_hash_table_ref (matches) : NULL;
  _esp_tree_view_update_looks (self);
  view_changed (self);
}

void
_esp_tree_view_set_drop (EspTreeView *self, EspNode *node)
{
  if (g_set_object (&self->drop, node))
    _esp_tree_view_update_looks (self);
}

void
esp_tree_view_start_move (EspTreeView *self, GPtrArray *nodes)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  esp_tree_view_stop_move (self);
  self->move = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < nodes->len; i++)
    g_ptr_array_add (self->move, g_object_ref (g_ptr_array_index (nodes, i)));
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), "crosshair");
  focus_cursor (self);
}

void
esp_tree_view_stop_move (EspTreeView *self)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  if (!self->move)
    return;
  g_clear_pointer (&self->move, g_ptr_array_unref);
  gtk_widget_set_cursor (GTK_WIDGET (self), NULL);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_MOVE_FINISHED], 0);
}

gboolean
esp_tree_view_is_moving (EspTreeView *self)
{
  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), FALSE);
  return self->move != NULL;
}

static void
on_node_moved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    g_message ("Not moved: %s", error->message);
}

void
_esp_tree_view_finish_move (EspTreeView *self, EspNode *parent)
{
  for (guint i = 0; i < self->move->len; i++)
    {
      EspNode *node = g_ptr_array_index (self->move, i);

      if (node != parent && !esp_node_is_ancestor (node, parent)
          && esp_node_get_parent (node) != parent)
        esp_document_move_async (get_document (self), node, parent, G_MAXUINT, NULL, on_node_moved,
                                 NULL);
    }
  esp_tree_view_stop_move (self);
}

/* --- News ------------------------------------------------------------------------------------- */

static gboolean
is_gone (gpointer node, gpointer value, gpointer user_data)
{
  return esp_node_is_deleted (node);
}

static void
on_items_reset (EspTreeView *self)
{
  EspNode *current = get_document (self) ? esp_document_get_current (get_document (self)) : NULL;

  if (g_hash_table_foreach_remove (self->selected, is_gone, NULL) > 0)
    g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_SELECTION_CHANGED], 0);
  if (self->cursor && esp_node_is_deleted (self->cursor))
    set_cursor (self, current);
  relayout (self, TRUE);
}

static void
on_item_updated (EspTreeView *self, EspNode *node)
{
  int index = esp_tree_items_find (self->items, node);

  if (index >= 0 && (guint) index < self->n && self->cards[index])
    esp_node_card_update (self->cards[index]);
  else
    gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_ring (double value, gpointer user_data)
{
  EspTreeView *self = user_data;

  self->ring_done = value;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_current (EspTreeView *self, GParamSpec *pspec, EspDocument *document)
{
  EspNode *current = esp_document_get_current (document);

  if (current && current != self->cursor)
    set_cursor (self, current);
  _esp_tree_view_forget_edges (self);
  if (current)
    esp_tree_view_reveal (self, current);
  _esp_tree_view_update_looks (self);
  adw_animation_play (self->ring);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_SELECTION_CHANGED], 0);
}

static void
on_texture_loaded (EspTreeView *self, EspDocument *document, EspNode *node, int size)
{
  int index;

  if (document != get_document (self))
    return;
  index = esp_tree_items_find (self->items, node);
  if (index >= 0 && (guint) index < self->n && self->cards[index])
    gtk_widget_queue_draw (GTK_WIDGET (self->cards[index]));
  else
    gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* --- Properties ------------------------------------------------------------------------------- */

EspTreeItems *
esp_tree_view_get_items (EspTreeView *self)
{
  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), NULL);
  return self->items;
}

void
esp_tree_view_set_document (EspTreeView *self, EspDocument *document)
{
  EspDocument *old;
  const char *zoom;

  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  old = get_document (self);
  if (old == document)
    return;
  if (old)
    {
      store_view (self);
      g_signal_handlers_disconnect_by_data (old, self);
    }
  esp_tree_view_stop_move (self);
  g_hash_table_remove_all (self->selected);
  g_clear_pointer (&self->matches, g_hash_table_unref);
  g_clear_object (&self->cursor);
  g_clear_object (&self->range_start);
  g_clear_object (&self->drop);
  g_clear_pointer (&self->pending_scroll, g_free);
  forget_layout (self);

  zoom = document ? esp_document_get_view (document, "history.zoom") : NULL;
  self->zoom
      = zoom ? CLAMP (g_ascii_strtod (zoom, NULL), ESP_TREE_VIEW_MIN_ZOOM, ESP_TREE_VIEW_MAX_ZOOM)
             : 1;
  esp_node_painter_set_document (self->painter, document);
  if (document)
    {
      self->pending_scroll = g_strdup (esp_document_get_view (document, "history.scroll"));
      g_set_object (&self->pending_reveal, esp_document_get_current (document));
      g_set_object (&self->cursor, esp_document_get_current (document));
    }
  esp_tree_items_set_document (self->items, document);
  if (document)
    g_signal_connect_object (document, "notify::current", G_CALLBACK (on_current), self,
                             G_CONNECT_SWAPPED);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_SELECTION_CHANGED], 0);
}

void
esp_tree_view_set_orientation (EspTreeView *self, GtkOrientation orientation)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  if (self->orientation == orientation)
    return;
  self->orientation = orientation;
  relayout (self, FALSE);
  if (self->cursor)
    esp_tree_view_reveal (self, self->cursor);
}

guint
esp_tree_view_get_n_drawn (EspTreeView *self)
{
  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), 0);
  return self->n_drawn;
}

guint
esp_tree_view_get_n_cards (EspTreeView *self)
{
  g_return_val_if_fail (ESP_IS_TREE_VIEW (self), 0);
  return g_hash_table_size (self->cards_by_node);
}

static void
on_value_changed (EspTreeView *self)
{
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  view_changed (self);
}

static void
set_adjustment (EspTreeView *self, GtkOrientation orientation, GtkAdjustment *adjustment)
{
  if (self->adjustments[orientation] == adjustment)
    return;
  if (self->adjustments[orientation])
    g_signal_handlers_disconnect_by_func (self->adjustments[orientation], on_value_changed, self);
  g_clear_object (&self->adjustments[orientation]);
  if (adjustment)
    {
      self->adjustments[orientation] = g_object_ref_sink (adjustment);
      g_signal_connect_swapped (adjustment, "value-changed", G_CALLBACK (on_value_changed), self);
      configure (self, orientation, gtk_adjustment_get_value (adjustment));
    }
}

static void
esp_tree_view_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspTreeView *self = ESP_TREE_VIEW (object);

  switch (prop_id)
    {
    case PROP_HADJUSTMENT:
      g_value_set_object (value, self->adjustments[GTK_ORIENTATION_HORIZONTAL]);
      break;
    case PROP_VADJUSTMENT:
      g_value_set_object (value, self->adjustments[GTK_ORIENTATION_VERTICAL]);
      break;
    case PROP_HSCROLL_POLICY:
      g_value_set_enum (value, self->policies[GTK_ORIENTATION_HORIZONTAL]);
      break;
    case PROP_VSCROLL_POLICY:
      g_value_set_enum (value, self->policies[GTK_ORIENTATION_VERTICAL]);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_tree_view_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  EspTreeView *self = ESP_TREE_VIEW (object);

  switch (prop_id)
    {
    case PROP_HADJUSTMENT:
      set_adjustment (self, GTK_ORIENTATION_HORIZONTAL, g_value_get_object (value));
      break;
    case PROP_VADJUSTMENT:
      set_adjustment (self, GTK_ORIENTATION_VERTICAL, g_value_get_object (value));
      break;
    case PROP_HSCROLL_POLICY:
      self->policies[GTK_ORIENTATION_HORIZONTAL] = g_value_get_enum (value);
      break;
    case PROP_VSCROLL_POLICY:
      self->policies[GTK_ORIENTATION_VERTICAL] = g_value_get_enum (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_tree_view_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                       int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspTreeView *self = ESP_TREE_VIEW (widget);

  *minimum = 0;
  *natural = (int) ceil (content_size (self, orientation));
}

static void
esp_tree_view_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspTreeView *self = ESP_TREE_VIEW (widget);

  if (self->pending_scroll || self->pending_reveal)
    {
      if (is_ready (self))
        restore_position (self);
    }
  else
    _esp_tree_view_scroll_by (self, 0, 0);
  update_cards (self);
  allocate_cards (self);
}

static void
esp_tree_view_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  _esp_tree_view_draw (ESP_TREE_VIEW (widget), snapshot);
}

/* One stop of the Tab key. */
static gboolean
esp_tree_view_focus (GtkWidget *widget, GtkDirectionType direction)
{
  EspTreeView *self = ESP_TREE_VIEW (widget);

  if (has_focus_inside (self) || self->n == 0)
    return FALSE;
  if (!self->cursor)
    g_set_object (&self->cursor, esp_tree_items_get (self->items, 0)->node);
  focus_cursor (self);
  return has_focus_inside (self);
}

static gboolean
esp_tree_view_grab_focus (GtkWidget *widget)
{
  return has_focus_inside (ESP_TREE_VIEW (widget))
         || esp_tree_view_focus (widget, GTK_DIR_TAB_FORWARD);
}

static void
update_style (EspTreeView *self)
{
  esp_node_painter_update_style (self->painter);
  for (guint i = 0; i < self->n; i++)
    if (self->cards[i])
      esp_node_card_update_style (self->cards[i]);
  _esp_tree_view_forget_edges (self);
  relayout (self, FALSE);
}

static void
esp_tree_view_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (esp_tree_view_parent_class)->css_changed (widget, change);
  update_style (ESP_TREE_VIEW (widget));
}

static void
esp_tree_view_direction_changed (GtkWidget *widget, GtkTextDirection previous)
{
  GTK_WIDGET_CLASS (esp_tree_view_parent_class)->direction_changed (widget, previous);
  update_style (ESP_TREE_VIEW (widget));
}

static gboolean
esp_tree_view_query_tooltip (GtkWidget *widget, int x, int y, gboolean keyboard,
                             GtkTooltip *tooltip)
{
  EspTreeView *self = ESP_TREE_VIEW (widget);
  EspNode *node = keyboard ? self->cursor : esp_tree_view_pick_node (self, x, y);
  g_autofree char *text = NULL;
  graphene_rect_t area;

  if (!node || !esp_tree_view_get_node_area (self, node, &area))
    return FALSE;
  if (esp_node_get_message (node))
    text = g_strdup (esp_node_get_message (node));
  else
    text = esp_node_dup_difference (node);
  if (!text || !*text)
    {
      g_free (text);
      text = esp_node_dup_title (node);
    }
  gtk_tooltip_set_text (tooltip, text);
  gtk_tooltip_set_tip_area (tooltip,
                            &(GdkRectangle){ (int) area.origin.x, (int) area.origin.y,
                                             (int) area.size.width, (int) area.size.height });
  return TRUE;
}

static void
esp_tree_view_dispose (GObject *object)
{
  EspTreeView *self = ESP_TREE_VIEW (object);
  GtkWidget *child;

  store_view (self);
  if (self->items)
    g_signal_handlers_disconnect_by_data (self->items, self);
  if (self->items && get_document (self))
    g_signal_handlers_disconnect_by_data (get_document (self), self);
  forget_layout (self);
  g_hash_table_remove_all (self->cards_by_node);
  g_ptr_array_set_size (self->free_cards, 0);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))))
    gtk_widget_unparent (child);
  set_adjustment (self, GTK_ORIENTATION_HORIZONTAL, NULL);
  set_adjustment (self, GTK_ORIENTATION_VERTICAL, NULL);
  g_clear_object (&self->items);
  g_clear_object (&self->scrolling);
  g_clear_object (&self->moving);
  g_clear_object (&self->ring);
  g_clear_object (&self->pending_reveal);
  g_clear_object (&self->cursor);
  g_clear_object (&self->range_start);
  g_clear_object (&self->drop);
  g_clear_pointer (&self->pending_scroll, g_free);
  g_clear_pointer (&self->matches, g_hash_table_unref);
  g_clear_pointer (&self->move, g_ptr_array_unref);
  _esp_tree_view_forget_edges (self);
  G_OBJECT_CLASS (esp_tree_view_parent_class)->dispose (object);
}

static void
esp_tree_view_finalize (GObject *object)
{
  EspTreeView *self = ESP_TREE_VIEW (object);

  g_hash_table_unref (self->cards_by_node);
  g_hash_table_unref (self->selected);
  g_ptr_array_unref (self->free_cards);
  esp_node_painter_free (self->painter);
  G_OBJECT_CLASS (esp_tree_view_parent_class)->finalize (object);
}

static void
esp_tree_view_scrollable_init (GtkScrollableInterface *iface)
{
}

static void
esp_tree_view_class_init (EspTreeViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  guint *signals = _esp_tree_view_signals;

  object_class->dispose = esp_tree_view_dispose;
  object_class->finalize = esp_tree_view_finalize;
  object_class->get_property = esp_tree_view_get_property;
  object_class->set_property = esp_tree_view_set_property;
  widget_class->measure = esp_tree_view_measure;
  widget_class->size_allocate = esp_tree_view_size_allocate;
  widget_class->snapshot = esp_tree_view_snapshot;
  widget_class->focus = esp_tree_view_focus;
  widget_class->grab_focus = esp_tree_view_grab_focus;
  widget_class->css_changed = esp_tree_view_css_changed;
  widget_class->direction_changed = esp_tree_view_direction_changed;
  widget_class->query_tooltip = esp_tree_view_query_tooltip;

  g_object_class_override_property (object_class, PROP_HADJUSTMENT, "hadjustment");
  g_object_class_override_property (object_class, PROP_VADJUSTMENT, "vadjustment");
  g_object_class_override_property (object_class, PROP_HSCROLL_POLICY, "hscroll-policy");
  g_object_class_override_property (object_class, PROP_VSCROLL_POLICY, "vscroll-policy");

#define SIGNAL(name, ...)                                                                          \
  g_signal_new (name, ESP_TYPE_TREE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,     \
                __VA_ARGS__)
  signals[ESP_TREE_VIEW_ACTIVATE] = SIGNAL ("activate", 1, ESP_TYPE_NODE);
  signals[ESP_TREE_VIEW_COMPARE] = SIGNAL ("compare", 2, ESP_TYPE_NODE, ESP_TYPE_NODE);
  signals[ESP_TREE_VIEW_REFERENCE_DROP] = SIGNAL ("reference-drop", 2, ESP_TYPE_NODE, G_TYPE_VALUE);
  signals[ESP_TREE_VIEW_SELECTION_CHANGED] = SIGNAL ("selection-changed", 0);
  signals[ESP_TREE_VIEW_CONTEXT_MENU]
      = SIGNAL ("context-menu", 3, G_TYPE_DOUBLE, G_TYPE_DOUBLE, G_TYPE_BOOLEAN);
  signals[ESP_TREE_VIEW_VIEW_CHANGED] = SIGNAL ("view-changed", 0);
  signals[ESP_TREE_VIEW_MOVE_FINISHED] = SIGNAL ("move-finished", 0);
  signals[ESP_TREE_VIEW_LAID_OUT] = SIGNAL ("laid-out", 0);
#undef SIGNAL

  gtk_widget_class_set_css_name (widget_class, "treeview-canvas");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_TREE);
}

static AdwAnimation *
new_animation (EspTreeView *self, AdwAnimationTargetFunc function)
{
  return adw_timed_animation_new (GTK_WIDGET (self), 0, 1, DURATION,
                                  adw_callback_animation_target_new (function, self, NULL));
}

static void
esp_tree_view_init (EspTreeView *self)
{
  EspTextureCache *cache = esp_texture_cache_get_default ();

  self->orientation = GTK_ORIENTATION_VERTICAL;
  self->zoom = 1;
  self->ring_done = 1;
  self->painter = esp_node_painter_new (GTK_WIDGET (self));
  self->items = esp_tree_items_new ();
  self->cards_by_node = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->free_cards = g_ptr_array_new ();
  self->selected = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->scrolling = new_animation (self, on_scrolling);
  self->moving = new_animation (self, on_moving);
  self->ring = new_animation (self, on_ring);
  g_signal_connect_swapped (self->moving, "done", G_CALLBACK (on_moved), self);
  g_signal_connect_swapped (self->items, "reset", G_CALLBACK (on_items_reset), self);
  g_signal_connect_swapped (self->items, "updated", G_CALLBACK (on_item_updated), self);
  g_signal_connect_object (cache, "loaded", G_CALLBACK (on_texture_loaded), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (adw_style_manager_get_default (), "notify::high-contrast",
                           G_CALLBACK (update_style), self, G_CONNECT_SWAPPED);

  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Edit history"), -1);
  _esp_tree_view_init_input (self);
  _esp_tree_view_init_dnd (self);
}

GtkWidget *
esp_tree_view_new (void)
{
  return g_object_new (ESP_TYPE_TREE_VIEW, NULL);
}
