/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-view.c: the widget: the document's news, cursor and selection, properties. Its other
 * files: -layout (places and cards), -scroll (scrolling and zoom), -draw, -input, -dnd. */
#include "esp-tree-view-private.h"

#include <glib/gi18n-lib.h>

#define DURATION   200    /* ms */
#define LEAST_ZOOM 0.0001 /* of those that are stored */

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
  _esp_tree_view_need_card (self, (guint) index);
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
  _esp_tree_view_update_cards (self);
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
_esp_tree_view_activate (EspTreeView *self, EspNode *node)
{
  g_autoptr (EspNode) held = g_object_ref (node);
  int index = esp_tree_items_find (self->items, node);
  gint64 sweep = index >= 0 ? esp_tree_items_get (self->items, (guint) index)->sweep : 0;

  if (sweep != 0)
    {
      g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_OPEN_SWEEP], 0, sweep);
      return;
    }
  esp_document_set_current (_esp_tree_view_get_document (self), node);
  g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_ACTIVATE], 0, held);
}

void
esp_tree_view_set_matches (EspTreeView *self, GHashTable *matches)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  g_clear_pointer (&self->matches, g_hash_table_unref);
  self->matches = matches ? g_hash_table_ref (matches) : NULL;
  _esp_tree_view_update_looks (self);
  _esp_tree_view_view_changed (self);
}

void
_esp_tree_view_set_drop (EspTreeView *self, EspNode *node)
{
  if (g_set_object (&self->drop, node))
    _esp_tree_view_update_looks (self);
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
  EspNode *current = _esp_tree_view_get_document (self)
                         ? esp_document_get_current (_esp_tree_view_get_document (self))
                         : NULL;
  const gboolean gone = self->cursor && esp_node_is_deleted (self->cursor);
  const gboolean focused = gone && has_focus_inside (self);

  if (g_hash_table_foreach_remove (self->selected, is_gone, NULL) > 0)
    g_signal_emit (self, _esp_tree_view_signals[ESP_TREE_VIEW_SELECTION_CHANGED], 0);
  /* The items are others than those of the layout until the next line but one. */
  if (gone)
    g_set_object (&self->cursor, current);
  _esp_tree_view_relayout (self, TRUE);
  if (focused)
    focus_cursor (self);
}

static void
on_item_updated (EspTreeView *self, EspNode *node)
{
  int index = esp_tree_items_find (self->items, node);

  if (index >= 0 && (guint) index < self->n && self->cards[index])
    esp_node_card_update (self->cards[index]);
  else if (!_esp_tree_view_draws_cards (self))
    gtk_widget_queue_draw (GTK_WIDGET (self)); /* a node without a card is out of view otherwise */
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

  if (document != _esp_tree_view_get_document (self))
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

  old = _esp_tree_view_get_document (self);
  if (old == document)
    return;
  if (old)
    {
      _esp_tree_view_store_view (self);
      g_signal_handlers_disconnect_by_data (old, self);
    }
  g_hash_table_remove_all (self->selected);
  g_clear_pointer (&self->matches, g_hash_table_unref);
  g_clear_object (&self->cursor);
  g_clear_object (&self->range_start);
  g_clear_object (&self->drop);
  g_clear_pointer (&self->pending_scroll, g_free);
  _esp_tree_view_forget_layout (self);

  zoom = document ? esp_document_get_view (document, "history.zoom") : NULL;
  self->zoom = zoom ? CLAMP (g_ascii_strtod (zoom, NULL), LEAST_ZOOM, ESP_TREE_VIEW_MAX_ZOOM) : 1;
  self->slack = -1;
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
esp_tree_view_set_registry (EspTreeView *self, EspRegistry *registry)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));
  esp_node_painter_set_registry (self->painter, registry);
}

void
esp_tree_view_set_orientation (EspTreeView *self, GtkOrientation orientation)
{
  g_return_if_fail (ESP_IS_TREE_VIEW (self));

  if (self->orientation == orientation)
    return;
  self->orientation = orientation;
  _esp_tree_view_relayout (self, FALSE);
  self->slack = -1;
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
  if (self->allocating)
    _esp_tree_view_update_cards_later (self);
  else
    {
      _esp_tree_view_update_cards (self);
      gtk_widget_queue_allocate (GTK_WIDGET (self));
    }
  _esp_tree_view_view_changed (self);
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
      _esp_tree_view_configure (self, orientation, gtk_adjustment_get_value (adjustment));
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
  *natural = (int) ceil (_esp_tree_view_content_size (self, orientation));
}

static void
esp_tree_view_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspTreeView *self = ESP_TREE_VIEW (widget);
  int across = self->orientation == GTK_ORIENTATION_HORIZONTAL ? height : width;

  if (across != self->shown_size)
    self->slack = -1;
  self->shown_size = across;
  self->allocating = TRUE;
  if (self->pending_scroll || self->pending_reveal)
    {
      if (_esp_tree_view_is_ready (self))
        _esp_tree_view_restore_position (self);
    }
  else
    _esp_tree_view_scroll_by (self, 0, 0);
  if (width != self->cards_width || height != self->cards_height)
    _esp_tree_view_update_cards_later (self);
  _esp_tree_view_allocate_cards (self);
  self->allocating = FALSE;
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
  _esp_tree_view_relayout (self, FALSE);
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
  GdkRectangle tip;
  int index = node ? esp_tree_items_find (self->items, node) : -1;
  const EspTreeItem *item = index >= 0 ? esp_tree_items_get (self->items, (guint) index) : NULL;

  if (!node || !esp_tree_view_get_node_area (self, node, &area))
    return FALSE;
  if (item && item->sweep != 0)
    {
      g_autofree char *progress = esp_tree_item_dup_progress (item);

      text = g_strdup_printf ("%s\n%s", item->title, progress);
    }
  else
    text = esp_node_card_dup_tooltip (node);
  gtk_tooltip_set_text (tooltip, text);
  tip = (GdkRectangle){ (int) area.origin.x, (int) area.origin.y, (int) area.size.width,
                        (int) area.size.height };
  gtk_tooltip_set_tip_area (tooltip, &tip);
  return TRUE;
}

static void
esp_tree_view_dispose (GObject *object)
{
  EspTreeView *self = ESP_TREE_VIEW (object);
  GtkWidget *child;

  _esp_tree_view_store_view (self);
  g_clear_handle_id (&self->cards_id, g_source_remove);
  if (self->items)
    g_signal_handlers_disconnect_by_data (self->items, self);
  if (self->items && _esp_tree_view_get_document (self))
    g_signal_handlers_disconnect_by_data (_esp_tree_view_get_document (self), self);
  _esp_tree_view_forget_layout (self);
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
  signals[ESP_TREE_VIEW_OPEN_SWEEP] = SIGNAL ("open-sweep", 1, G_TYPE_INT64);
  signals[ESP_TREE_VIEW_COMPARE] = SIGNAL ("compare", 2, ESP_TYPE_NODE, ESP_TYPE_NODE);
  signals[ESP_TREE_VIEW_REFERENCE_DROP] = SIGNAL ("reference-drop", 2, ESP_TYPE_NODE, G_TYPE_VALUE);
  signals[ESP_TREE_VIEW_BRANCH_DROP] = SIGNAL ("branch-drop", 2, ESP_TYPE_NODE, ESP_TYPE_NODE);
  signals[ESP_TREE_VIEW_MOVE_DROP] = SIGNAL ("move-drop", 2, ESP_TYPE_NODE, ESP_TYPE_NODE);
  signals[ESP_TREE_VIEW_DROP_FAILED] = SIGNAL ("drop-failed", 1, G_TYPE_ERROR);
  signals[ESP_TREE_VIEW_SELECTION_CHANGED] = SIGNAL ("selection-changed", 0);
  signals[ESP_TREE_VIEW_CONTEXT_MENU]
      = SIGNAL ("context-menu", 3, G_TYPE_DOUBLE, G_TYPE_DOUBLE, G_TYPE_BOOLEAN);
  signals[ESP_TREE_VIEW_VIEW_CHANGED] = SIGNAL ("view-changed", 0);
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
  self->slack = -1;
  self->painter = esp_node_painter_new (GTK_WIDGET (self));
  self->items = esp_tree_items_new ();
  self->cards_by_node = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->free_cards = g_ptr_array_new ();
  self->selected = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->scrolling = new_animation (self, _esp_tree_view_on_scrolling);
  self->moving = new_animation (self, _esp_tree_view_on_moving);
  self->ring = new_animation (self, on_ring);
  g_signal_connect_swapped (self->moving, "done", G_CALLBACK (_esp_tree_view_on_moved), self);
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
