/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-view-layout.c: the places of the items, how they move there, and which have a card. */
#include "esp-tree-view-private.h"

#include <math.h>

#define SIBLING_GAP 16
#define LEVEL_GAP   36

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

void
_esp_tree_view_forget_layout (EspTreeView *self)
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
  self->cards_stale = TRUE;
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
  g_qsort_with_data (self->order, (int) self->n, sizeof (guint), _esp_tree_view_compare_starts,
                     self);
}

/* The item that is to stay where it is on the screen: the current one if it is in view, else that
 * nearest to the middle, of those that were there before. */
static int
find_anchor (EspTreeView *self, GHashTable *places)
{
  EspNode *current = _esp_tree_view_get_document (self)
                         ? esp_document_get_current (_esp_tree_view_get_document (self))
                         : NULL;
  int at = current ? esp_tree_items_find (self->items, current) : -1, best = -1;
  double width = _esp_tree_view_screen_size (self, GTK_ORIENTATION_HORIZONTAL);
  double height = _esp_tree_view_screen_size (self, GTK_ORIENTATION_VERTICAL),
         nearest = G_MAXDOUBLE;

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

  self->from = g_new0 (EspTreePlace, self->n);
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

void
_esp_tree_view_on_moving (double value, gpointer user_data)
{
  EspTreeView *self = user_data;

  self->moved = value;
  _esp_tree_view_forget_edges (self);
  _esp_tree_view_update_cards (self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

void
_esp_tree_view_on_moved (EspTreeView *self)
{
  g_clear_pointer (&self->from, g_free);
  _esp_tree_view_forget_edges (self);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_LAID_OUT], 0);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

void
_esp_tree_view_relayout (EspTreeView *self, gboolean animate)
{
  g_autoptr (GHashTable) places = remember_places (self);
  g_autoptr (GPtrArray) old = g_ptr_array_new_with_free_func (g_object_unref);
  int anchor;

  /* The places are known by nodes that must not go before they were looked up. */
  for (guint i = 0; i < self->n; i++)
    g_ptr_array_add (old, g_object_ref (self->leaders[i]));
  adw_animation_pause (self->moving);
  _esp_tree_view_forget_layout (self);
  make_layout (self);
  _esp_tree_view_forget_edges (self);

  anchor = _esp_tree_view_is_ready (self) ? find_anchor (self, places) : -1;
  if (anchor >= 0)
    {
      const EspTreePlace *place = g_hash_table_lookup (places, self->leaders[anchor]);

      _esp_tree_view_place_at (self, self->boxes[anchor].x, self->boxes[anchor].y, place->x,
                               place->y);
    }
  else if (_esp_tree_view_is_ready (self))
    _esp_tree_view_scroll_by (self, 0, 0);
  if (animate && anchor >= 0 && gtk_widget_get_mapped (GTK_WIDGET (self))
      && adw_get_enable_animations (GTK_WIDGET (self)))
    animate_from (self, places);
  _esp_tree_view_update_cards (self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_LAID_OUT], 0);
  _esp_tree_view_view_changed (self);
}

/* --- Cards ------------------------------------------------------------------------------------ */

EspNodeLook
_esp_tree_view_get_look (EspTreeView *self, guint index)
{
  const EspTreeItem *item = esp_tree_items_get (self->items, index);
  EspNodeLook look = item->on_path ? 0 : ESP_NODE_LOOK_OFF_PATH;

  if (self->matches && esp_tree_items_is_in (self->items, index, self->matches))
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
  EspNode *current = esp_document_get_current (_esp_tree_view_get_document (self));

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
  _esp_tree_view_activate (self, esp_node_card_get_node (card));
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
void
_esp_tree_view_need_card (EspTreeView *self, guint index)
{
  const EspTreeItem *item = esp_tree_items_get (self->items, index);
  EspNodeCard *card;
  gboolean fresh;

  if (self->cards[index])
    return;
  card = g_hash_table_lookup (self->cards_by_node, item->leader);
  fresh = !card;
  if (fresh)
    {
      card = take_card (self);
      g_hash_table_insert (self->cards_by_node, g_object_ref (item->leader), card);
    }
  /* While one scrolls, most cards show what they showed. */
  if (fresh || self->cards_stale || !esp_node_card_has_item (card, item))
    esp_node_card_set_item (card, item);
  self->cards[index] = card;
  update_card_look (self, index);
}

static void
need_card_in_area (EspTreeView *self, guint index, const graphene_rect_t *box, gpointer data)
{
  _esp_tree_view_need_card (self, index);
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

/* Cards come and go before a layout, never in it: GTK would have to begin it again. */
void
_esp_tree_view_update_cards (EspTreeView *self)
{
  graphene_rect_t area;
  guint n_near = 0;
  int cursor;

  if (!self->cards)
    return;
  self->cards_width = gtk_widget_get_width (GTK_WIDGET (self));
  self->cards_height = gtk_widget_get_height (GTK_WIDGET (self));

  memset (self->cards, 0, self->n * sizeof *self->cards);
  _esp_tree_view_get_seen (self, 0.5, &area);
  if (self->n > ESP_TREE_VIEW_MAX_CARDS)
    _esp_tree_view_visit (self, &area, count_in_area, &n_near);

  if (self->n <= ESP_TREE_VIEW_MAX_CARDS)
    for (guint i = 0; i < self->n; i++)
      _esp_tree_view_need_card (self, i);
  else if (n_near <= ESP_TREE_VIEW_MAX_CARDS)
    _esp_tree_view_visit (self, &area, need_card_in_area, NULL);

  /* The keyboard is somewhere, seen or not. */
  cursor = self->cursor ? esp_tree_items_find (self->items, self->cursor) : -1;
  if (cursor >= 0)
    _esp_tree_view_need_card (self, (guint) cursor);
  release_cards (self);
  self->cards_stale = FALSE;
  if (self->n <= ESP_TREE_VIEW_MAX_CARDS)
    sort_cards (self);
}

static gboolean
on_update_cards (gpointer user_data)
{
  EspTreeView *self = user_data;

  self->cards_id = 0;
  _esp_tree_view_update_cards (self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  return G_SOURCE_REMOVE;
}

void
_esp_tree_view_update_cards_later (EspTreeView *self)
{
  if (self->cards_id == 0)
    self->cards_id = g_idle_add_full (G_PRIORITY_HIGH_IDLE, on_update_cards, self, NULL);
}

void
_esp_tree_view_allocate_cards (EspTreeView *self)
{
  EspTreePlace origin = _esp_tree_view_get_origin (self);
  double middle_x = _esp_tree_view_screen_size (self, GTK_ORIENTATION_HORIZONTAL) / 2;
  double middle_y = _esp_tree_view_screen_size (self, GTK_ORIENTATION_VERTICAL) / 2;

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
