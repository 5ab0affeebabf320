/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-outline.c: see esp-outline.h. */
#include "esp-outline.h"

#include <glib/gi18n-lib.h>

#include "esp-focus-chain.h"
#include "esp-node-dnd.h"
#include "esp-outline-level.h"
#include "esp-outline-row.h"

/* Deeper rows are no longer indented (one widget for each level and row), nor can they be folded.
 */
#define MAX_INDENT 24

#define ROW_KEY "espalier-outline-row"

struct _EspOutline
{
  GtkWidget parent_instance;

  EspDocument *document;
  EspRegistry *registry;
  EspTreeItems *items;
  GtkTreeListModel *tree;
  GtkMultiSelection *selection;
  GtkWidget *list;
  GHashTable *matches;
  GHashTable *rows; /* EspOutlineRow that have a node */
  EspOutlineRow *drop;
  gboolean updating;
  guint show_id; /* the items are others now */
  guint reveal_id;
};

G_DEFINE_FINAL_TYPE (EspOutline, esp_outline, GTK_TYPE_WIDGET)

enum
{
  ACTIVATE,
  OPEN_SWEEP,
  SELECTION_CHANGED,
  CONTEXT_MENU,
  COMPARE,
  REFERENCE_DROP,
  BRANCH_DROP,
  MOVE_DROP,
  DROP_FAILED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* --- Rows ------------------------------------------------------------------------------------- */

/* The list's items are the first ones of their stacks: which of a stack is in front changes no row.
 */
static GListModel *
create_children (gpointer item, gpointer user_data)
{
  /* Also while there are none: the list is alive. */
  return G_LIST_MODEL (esp_outline_level_new (ESP_OUTLINE (user_data)->items, item));
}

/* The one that a row shows. Borrowed. */
static EspNode *
get_shown (EspOutline *self, GtkTreeListRow *row)
{
  g_autoptr (EspNode) leader = gtk_tree_list_row_get_item (row);

  return leader ? esp_tree_items_get_front (self->items, leader) : NULL;
}

static EspNode *
get_node_at (EspOutline *self, guint position)
{
  g_autoptr (GtkTreeListRow) row = g_list_model_get_item (G_LIST_MODEL (self->selection), position);

  return row ? get_shown (self, row) : NULL;
}

/* Of a group, its sweep is to be shown. FALSE: the node is in none. */
static gboolean
open_group (EspOutline *self, EspNode *node)
{
  int index = node ? esp_tree_items_find (self->items, node) : -1;
  gint64 sweep = index >= 0 ? esp_tree_items_get (self->items, (guint) index)->sweep : 0;

  if (sweep != 0)
    g_signal_emit (self, signals[OPEN_SWEEP], 0, sweep);
  return sweep != 0;
}

static void
on_next (EspOutline *self, EspOutlineRow *row)
{
  EspNode *node = esp_outline_row_get_node (row);
  int index = node ? esp_tree_items_find (self->items, node) : -1;
  EspNode *next
      = index >= 0 ? esp_tree_items_get_next_in_stack (self->items, (guint) index, 1) : NULL;

  if (!open_group (self, node) && index >= 0)
    esp_document_set_current (
        self->document, next ? next : esp_tree_items_get (self->items, (guint) index)->leader);
}

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *item, EspOutline *self)
{
  GtkWidget *expander = g_object_new (GTK_TYPE_TREE_EXPANDER, "accessible-role",
                                      GTK_ACCESSIBLE_ROLE_TREE_ITEM, NULL);
  GtkWidget *row = esp_outline_row_new ();

  g_signal_connect_swapped (row, "next-variation", G_CALLBACK (on_next), self);
  gtk_tree_expander_set_child (GTK_TREE_EXPANDER (expander), row);
  gtk_list_item_set_child (item, expander);
}

static void
on_expanded (GtkTreeListRow *row, GParamSpec *pspec, EspOutline *self)
{
  g_autoptr (EspNode) node = gtk_tree_list_row_get_item (row);
  gboolean folded = !gtk_tree_list_row_get_expanded (row);

  if (node && self->document && !self->updating && !esp_node_is_deleted (node)
      && esp_tree_items_is_folded (self->items, node) != folded)
    esp_tree_items_set_folded (self->items, node, folded);
}

static void
dim (EspOutline *self, EspOutlineRow *row)
{
  EspNode *node = esp_outline_row_get_node (row);
  int index = node ? esp_tree_items_find (self->items, node) : -1;

  esp_outline_row_set_dimmed (
      row, self->matches && index >= 0
               && !esp_tree_items_is_in (self->items, (guint) index, self->matches));
}

/* Tells the row whom it shows, and where that stands. */
static void
show_node (EspOutline *self, EspOutlineRow *row, GtkTreeListRow *tree_row)
{
  EspNode *node = get_shown (self, tree_row);
  int index = esp_tree_items_find (self->items, node);
  const EspTreeItem *item = index >= 0 ? esp_tree_items_get (self->items, (guint) index) : NULL;

  esp_outline_row_set_node (row, self->document, node);
  if (item && item->node == node)
    esp_outline_row_set_item (row, item);
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *item, EspOutline *self)
{
  GtkTreeListRow *tree_row = gtk_list_item_get_item (item);
  GtkTreeExpander *expander = GTK_TREE_EXPANDER (gtk_list_item_get_child (item));
  EspOutlineRow *row = ESP_OUTLINE_ROW (gtk_tree_expander_get_child (expander));

  if (gtk_tree_list_row_get_depth (tree_row) <= MAX_INDENT)
    gtk_tree_expander_set_list_row (expander, tree_row);
  esp_outline_row_set_registry (row, self->registry);
  g_object_set_data (G_OBJECT (row), ROW_KEY, tree_row);
  show_node (self, row, tree_row);
  g_hash_table_add (self->rows, row);
  dim (self, row);
  g_signal_connect (tree_row, "notify::expanded", G_CALLBACK (on_expanded), self);
}

static void
on_unbind (GtkSignalListItemFactory *factory, GtkListItem *item, EspOutline *self)
{
  GtkTreeExpander *expander = GTK_TREE_EXPANDER (gtk_list_item_get_child (item));
  EspOutlineRow *row = ESP_OUTLINE_ROW (gtk_tree_expander_get_child (expander));

  g_signal_handlers_disconnect_by_func (gtk_list_item_get_item (item), on_expanded, self);
  gtk_tree_expander_set_list_row (expander, NULL);
  g_object_set_data (G_OBJECT (row), ROW_KEY, NULL);
  esp_outline_row_set_node (row, NULL, NULL);
  g_hash_table_remove (self->rows, row);
  if (self->drop == row)
    self->drop = NULL;
}

/* --- Finding rows ----------------------------------------------------------------------------- */

static guint
find_among (EspOutline *self, EspNode *parent, EspNode *leader)
{
  g_autoptr (GPtrArray) below = esp_tree_items_dup_below (self->items, parent);
  guint position;

  if (g_ptr_array_find (below, leader, &position))
    return position;
  return GTK_INVALID_LIST_POSITION;
}

/* The node's row, with everything above it unfolded; NULL if it is not in the list. */
static GtkTreeListRow *
find_row (EspOutline *self, EspNode *node)
{
  g_autoptr (GPtrArray) path = g_ptr_array_new ();
  GtkTreeListRow *row = NULL;

  esp_tree_items_flush (self->items);
  for (EspNode *at = node; at; at = esp_node_get_parent (at))
    g_ptr_array_add (path, esp_tree_items_get_leader (self->items, at));
  for (guint i = path->len; i-- > 0;)
    {
      EspNode *at = g_ptr_array_index (path, i);
      g_autoptr (GtkTreeListRow) above = row;
      guint position = find_among (self, above ? g_ptr_array_index (path, i + 1) : NULL, at);

      row = NULL;
      if (position == GTK_INVALID_LIST_POSITION)
        return NULL;
      if (above)
        gtk_tree_list_row_set_expanded (above, TRUE);
      row = above ? gtk_tree_list_row_get_child_row (above, position)
                  : gtk_tree_list_model_get_child_row (self->tree, position);
      if (!row)
        return NULL;
    }
  return row;
}

void
esp_outline_reveal (EspOutline *self, EspNode *node)
{
  g_autoptr (GtkTreeListRow) row = NULL;

  g_return_if_fail (ESP_IS_OUTLINE (self));

  row = self->tree && node ? find_row (self, node) : NULL;
  if (row)
    gtk_widget_activate_action (self->list, "list.scroll-to-item", "u",
                                gtk_tree_list_row_get_position (row));
}

gboolean
esp_outline_get_node_area (EspOutline *self, EspNode *node, graphene_rect_t *area)
{
  GHashTableIter iter;
  gpointer row;

  g_return_val_if_fail (ESP_IS_OUTLINE (self), FALSE);

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &row, NULL))
    if (esp_outline_row_get_node (row) == node)
      return gtk_widget_compute_bounds (row, GTK_WIDGET (self), area);
  return FALSE;
}

/* --- Selection -------------------------------------------------------------------------------- */

static void
select_current (EspOutline *self)
{
  EspNode *current = esp_document_get_current (self->document);
  g_autoptr (GtkTreeListRow) row = current ? find_row (self, current) : NULL;
  guint position = row ? gtk_tree_list_row_get_position (row) : GTK_INVALID_LIST_POSITION;

  if (!row || gtk_selection_model_is_selected (GTK_SELECTION_MODEL (self->selection), position))
    return;
  self->updating = TRUE;
  gtk_selection_model_select_item (GTK_SELECTION_MODEL (self->selection), position, TRUE);
  self->updating = FALSE;
  gtk_widget_activate_action (self->list, "list.scroll-to-item", "u", position);
}

/* The list cannot scroll before it has a size. */
static gboolean
on_reveal (gpointer user_data)
{
  EspOutline *self = user_data;
  EspNode *current = self->document ? esp_document_get_current (self->document) : NULL;

  self->reveal_id = 0;
  if (current)
    esp_outline_reveal (self, current);
  return G_SOURCE_REMOVE;
}

static void
esp_outline_map (GtkWidget *widget)
{
  EspOutline *self = ESP_OUTLINE (widget);

  GTK_WIDGET_CLASS (esp_outline_parent_class)->map (widget);
  if (self->reveal_id == 0)
    self->reveal_id = g_timeout_add (50, on_reveal, self);
}

GPtrArray *
esp_outline_dup_selected (EspOutline *self)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GtkBitset) set = NULL;
  GtkBitsetIter iter;
  guint position;

  g_return_val_if_fail (ESP_IS_OUTLINE (self), nodes);

  if (!self->selection)
    return nodes;
  esp_tree_items_flush (self->items);
  set = gtk_selection_model_get_selection (GTK_SELECTION_MODEL (self->selection));
  for (gboolean ok = gtk_bitset_iter_init_first (&iter, set, &position); ok;
       ok = gtk_bitset_iter_next (&iter, &position))
    {
      EspNode *node = get_node_at (self, position);

      if (node)
        g_ptr_array_add (nodes, g_object_ref (node));
    }
  return nodes;
}

static gboolean
has_selection (EspOutline *self)
{
  g_autoptr (GtkBitset) set
      = gtk_selection_model_get_selection (GTK_SELECTION_MODEL (self->selection));

  return !gtk_bitset_is_empty (set);
}

/* One row chosen is one node shown. */
static void
on_selection_changed (EspOutline *self)
{
  g_autoptr (GPtrArray) nodes = NULL;

  if (self->updating || !self->document)
    return;
  nodes = esp_outline_dup_selected (self);
  if (nodes->len == 1 && esp_document_get_current (self->document) != nodes->pdata[0])
    esp_document_set_current (self->document, nodes->pdata[0]);
  g_signal_emit (self, signals[SELECTION_CHANGED], 0);
}

static void
on_activate (EspOutline *self, guint position)
{
  EspNode *node = get_node_at (self, position);

  if (!node || open_group (self, node))
    return;
  g_object_ref (node);
  esp_document_set_current (self->document, node);
  g_signal_emit (self, signals[ACTIVATE], 0, node);
  g_object_unref (node);
}

void
esp_outline_set_matches (EspOutline *self, GHashTable *matches)
{
  GHashTableIter iter;
  gpointer row;

  g_return_if_fail (ESP_IS_OUTLINE (self));

  g_clear_pointer (&self->matches, g_hash_table_unref);
  self->matches = matches ? g_hash_table_ref (matches) : NULL;
  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &row, NULL))
    dim (self, row);
}

/* --- The document ----------------------------------------------------------------------------- */

/* What is folded elsewhere is folded here, and the other way round. */
static void
fold_rows (EspOutline *self)
{
  self->updating = TRUE;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->tree)); i++)
    {
      g_autoptr (GtkTreeListRow) row = gtk_tree_list_model_get_row (self->tree, i);
      g_autoptr (EspNode) node = gtk_tree_list_row_get_item (row);

      if (gtk_tree_list_row_get_expanded (row) == esp_tree_items_is_folded (self->items, node))
        gtk_tree_list_row_set_expanded (row, !esp_tree_items_is_folded (self->items, node));
    }
  self->updating = FALSE;
}

static GtkTreeListRow *
get_tree_row (EspOutlineRow *row)
{
  /* Far in, the expander has none (MAX_INDENT), but its list item does. */
  return g_object_get_data (G_OBJECT (row), ROW_KEY);
}

static void
show_nodes (EspOutline *self)
{
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &row, NULL))
    {
      show_node (self, row, get_tree_row (row));
      dim (self, row);
    }
}

/* By now the levels have followed. */
static gboolean
on_shown (gpointer user_data)
{
  EspOutline *self = user_data;

  self->show_id = 0;
  if (!self->document)
    return G_SOURCE_REMOVE;
  fold_rows (self);
  show_nodes (self);
  if (!has_selection (self))
    select_current (self);
  return G_SOURCE_REMOVE;
}

static void
on_reset (EspOutline *self)
{
  if (self->show_id == 0)
    self->show_id = g_idle_add_full (G_PRIORITY_HIGH_IDLE, on_shown, self, NULL);
}

void
esp_outline_set_document (EspOutline *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_OUTLINE (self));
  g_return_if_fail (document == NULL || ESP_IS_DOCUMENT (document));

  if (self->document == document)
    return;
  if (self->document)
    g_signal_handlers_disconnect_by_data (self->document, self);
  if (self->items)
    g_signal_handlers_disconnect_by_data (self->items, self);
  g_clear_handle_id (&self->show_id, g_source_remove);
  if (self->selection)
    g_signal_handlers_disconnect_by_data (self->selection, self);
  gtk_list_view_set_model (GTK_LIST_VIEW (self->list), NULL);
  g_clear_object (&self->selection);
  g_clear_object (&self->tree);
  g_clear_pointer (&self->matches, g_hash_table_unref);
  g_set_object (&self->document, document);
  if (!document)
    return;

  self->tree = gtk_tree_list_model_new (G_LIST_MODEL (esp_outline_level_new (self->items, NULL)),
                                        FALSE, TRUE, create_children, self, NULL);
  fold_rows (self);
  self->selection = gtk_multi_selection_new (G_LIST_MODEL (g_object_ref (self->tree)));
  g_signal_connect_swapped (self->selection, "selection-changed", G_CALLBACK (on_selection_changed),
                            self);
  gtk_list_view_set_model (GTK_LIST_VIEW (self->list), GTK_SELECTION_MODEL (self->selection));
  g_signal_connect_object (document, "notify::current", G_CALLBACK (select_current), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->items, "reset", G_CALLBACK (on_reset), self, G_CONNECT_SWAPPED);
  select_current (self);
}

void
esp_outline_set_items (EspOutline *self, EspTreeItems *items)
{
  g_return_if_fail (ESP_IS_OUTLINE (self));
  g_return_if_fail (ESP_IS_TREE_ITEMS (items));
  g_return_if_fail (self->document == NULL);
  g_set_object (&self->items, items);
}

void
esp_outline_set_registry (EspOutline *self, EspRegistry *registry)
{
  g_return_if_fail (ESP_IS_OUTLINE (self));
  g_set_object (&self->registry, registry);
}

/* --- The menu --------------------------------------------------------------------------------- */

static EspOutlineRow *
get_row_of (GtkWidget *widget)
{
  while (widget && !ESP_IS_OUTLINE_ROW (widget))
    {
      GtkWidget *child = gtk_widget_get_first_child (widget);

      /* The list item: its expander: the row is the last of that. */
      if (GTK_IS_TREE_EXPANDER (widget))
        child = gtk_tree_expander_get_child (GTK_TREE_EXPANDER (widget));
      widget = child;
    }
  return ESP_OUTLINE_ROW (widget);
}

/* The row under a point, or the one with the keyboard. */
static EspOutlineRow *
find_row_widget (EspOutline *self, gboolean keyboard, double x, double y)
{
  GHashTableIter iter;
  gpointer row;
  graphene_rect_t area;

  if (keyboard)
    {
      GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

      return root ? get_row_of (gtk_root_get_focus (root)) : NULL;
    }
  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &row, NULL))
    if (gtk_widget_compute_bounds (row, GTK_WIDGET (self), &area) && y >= area.origin.y
        && y < area.origin.y + area.size.height)
      return row;
  return NULL;
}

static gboolean
open_menu (EspOutline *self, gboolean keyboard, double x, double y)
{
  EspOutlineRow *row = find_row_widget (self, keyboard, x, y);
  EspNode *node = row ? esp_outline_row_get_node (row) : NULL;
  g_autoptr (GtkTreeListRow) tree_row = node ? find_row (self, node) : NULL;
  graphene_rect_t area;
  guint position;

  if (!tree_row)
    return FALSE;
  position = gtk_tree_list_row_get_position (tree_row);
  if (!gtk_selection_model_is_selected (GTK_SELECTION_MODEL (self->selection), position))
    gtk_selection_model_select_item (GTK_SELECTION_MODEL (self->selection), position, TRUE);
  if (keyboard && gtk_widget_compute_bounds (GTK_WIDGET (row), GTK_WIDGET (self), &area))
    {
      x = area.origin.x + area.size.width / 2;
      y = area.origin.y + area.size.height / 2;
    }
  g_signal_emit (self, signals[CONTEXT_MENU], 0, x, y, keyboard);
  return TRUE;
}

static void
on_pressed (GtkGestureClick *gesture, int n_press, double x, double y, gpointer user_data)
{
  GdkEvent *event = gtk_gesture_get_last_event (GTK_GESTURE (gesture), NULL);

  if (event && gdk_event_triggers_context_menu (event) && open_menu (user_data, FALSE, x, y))
    gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
}

static void
on_long_press (GtkGestureLongPress *gesture, double x, double y, gpointer user_data)
{
  open_menu (user_data, FALSE, x, y);
}

static void
command (EspOutline *self, const char *name)
{
  gtk_widget_activate_action (GTK_WIDGET (self), name, NULL);
}

static gboolean
on_key_pressed (GtkEventControllerKey *controller, guint keyval, guint keycode,
                GdkModifierType state, gpointer user_data)
{
  EspOutline *self = user_data;
  gboolean shift = (state & GDK_SHIFT_MASK) != 0;

  if (state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK))
    return GDK_EVENT_PROPAGATE;
  if (keyval == GDK_KEY_Menu || (keyval == GDK_KEY_F10 && shift))
    return open_menu (self, TRUE, 0, 0);
  if (keyval == GDK_KEY_F2)
    command (self, "node.label");
  else if (keyval == GDK_KEY_Delete || keyval == GDK_KEY_KP_Delete)
    command (self, "node.delete");
  else if (keyval == GDK_KEY_c)
    command (self, "node.compare");
  else if (keyval == GDK_KEY_x)
    command (self, "node.reject");
  else if (keyval >= GDK_KEY_0 && keyval <= GDK_KEY_5)
    gtk_widget_activate_action (GTK_WIDGET (self), "node.stars", "i", (int) (keyval - GDK_KEY_0));
  else
    return GDK_EVENT_PROPAGATE;
  return GDK_EVENT_STOP;
}

/* Through the variations, as in the tree; what is left over folds and unfolds. */
static gboolean
on_key_captured (GtkEventControllerKey *controller, guint keyval, guint keycode,
                 GdkModifierType state, gpointer user_data)
{
  EspOutline *self = user_data;
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  gboolean right = keyval == GDK_KEY_Right || keyval == GDK_KEY_KP_Right;
  gboolean left = keyval == GDK_KEY_Left || keyval == GDK_KEY_KP_Left;
  EspOutlineRow *row;
  EspNode *node, *next;
  int index;

  if ((!left && !right) || (state & (GDK_SHIFT_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)))
    return GDK_EVENT_PROPAGATE;
  row = find_row_widget (self, TRUE, 0, 0);
  node = row ? esp_outline_row_get_node (row) : NULL;
  index = node ? esp_tree_items_find (self->items, node) : -1;
  next = index >= 0
             ? esp_tree_items_get_next_in_stack (self->items, (guint) index, right == rtl ? -1 : 1)
             : NULL;
  if (!next)
    return GDK_EVENT_PROPAGATE;
  esp_document_set_current (self->document, next);
  return GDK_EVENT_STOP;
}

/* --- Dragging and dropping -------------------------------------------------------------------- */

static EspDocument *
get_document (GtkWidget *widget)
{
  return ESP_OUTLINE (widget)->document;
}

static EspNode *
pick_node (GtkWidget *widget, double x, double y, gboolean drag)
{
  EspOutlineRow *row = find_row_widget (ESP_OUTLINE (widget), FALSE, x, y);

  return row ? esp_outline_row_get_node (row) : NULL;
}

static EspOutlineRow *
find_row_of (EspOutline *self, EspNode *node)
{
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &row, NULL))
    if (node && esp_outline_row_get_node (row) == node)
      return row;
  return NULL;
}

static void
set_drop (GtkWidget *widget, EspNode *node)
{
  EspOutline *self = ESP_OUTLINE (widget);

  if (self->drop)
    gtk_widget_remove_css_class (GTK_WIDGET (self->drop), "drop");
  self->drop = find_row_of (self, node);
  if (self->drop)
    gtk_widget_add_css_class (GTK_WIDGET (self->drop), "drop");
}

static GtkWidget *
get_picture (GtkWidget *widget, EspNode *node)
{
  EspOutlineRow *row = find_row_of (ESP_OUTLINE (widget), node);

  return row ? esp_outline_row_get_picture (row) : NULL;
}

/* --- The widget ------------------------------------------------------------------------------- */

static gboolean
esp_outline_grab_focus (GtkWidget *widget)
{
  EspOutline *self = ESP_OUTLINE (widget);
  EspNode *current = self->document ? esp_document_get_current (self->document) : NULL;
  EspOutlineRow *row = find_row_of (self, current);
  GtkWidget *item = row ? gtk_widget_get_ancestor (GTK_WIDGET (row), GTK_TYPE_TREE_EXPANDER) : NULL;

  /* The keyboard goes on from the row that is shown; the list itself would begin with its first. */
  while (item && item != self->list)
    {
      if (gtk_widget_grab_focus (item))
        return TRUE;
      item = gtk_widget_get_parent (item);
    }
  return gtk_widget_grab_focus (self->list);
}

static void
esp_outline_dispose (GObject *object)
{
  EspOutline *self = ESP_OUTLINE (object);
  GtkWidget *child;

  g_clear_handle_id (&self->reveal_id, g_source_remove);
  if (self->list)
    esp_outline_set_document (self, NULL);
  g_clear_object (&self->registry);
  g_clear_object (&self->items);
  self->list = NULL;
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))))
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (esp_outline_parent_class)->dispose (object);
}

static void
esp_outline_finalize (GObject *object)
{
  g_hash_table_unref (ESP_OUTLINE (object)->rows);
  G_OBJECT_CLASS (esp_outline_parent_class)->finalize (object);
}

static void
esp_outline_class_init (EspOutlineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_outline_dispose;
  object_class->finalize = esp_outline_finalize;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_outline_grab_focus;
  widget_class->map = esp_outline_map;

  signals[ACTIVATE] = g_signal_new ("activate", ESP_TYPE_OUTLINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 1, ESP_TYPE_NODE);
  signals[OPEN_SWEEP] = g_signal_new ("open-sweep", ESP_TYPE_OUTLINE, G_SIGNAL_RUN_LAST, 0, NULL,
                                      NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT64);
  signals[SELECTION_CHANGED]
      = g_signal_new ("selection-changed", ESP_TYPE_OUTLINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 0);
  signals[CONTEXT_MENU]
      = g_signal_new ("context-menu", ESP_TYPE_OUTLINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 3, G_TYPE_DOUBLE, G_TYPE_DOUBLE, G_TYPE_BOOLEAN);
#define SIGNAL(name, ...)                                                                          \
  g_signal_new (name, ESP_TYPE_OUTLINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,    \
                ESP_TYPE_NODE, __VA_ARGS__)
  signals[COMPARE] = SIGNAL ("compare", ESP_TYPE_NODE);
  signals[REFERENCE_DROP] = SIGNAL ("reference-drop", G_TYPE_VALUE);
  signals[BRANCH_DROP] = SIGNAL ("branch-drop", ESP_TYPE_NODE);
  signals[MOVE_DROP] = SIGNAL ("move-drop", ESP_TYPE_NODE);
#undef SIGNAL
  signals[DROP_FAILED] = g_signal_new ("drop-failed", ESP_TYPE_OUTLINE, G_SIGNAL_RUN_LAST, 0, NULL,
                                       NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "historyoutline");
}

static void
add_controllers (EspOutline *self)
{
  GtkGesture *click = gtk_gesture_click_new (), *press = gtk_gesture_long_press_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), 0);
  g_signal_connect (click, "pressed", G_CALLBACK (on_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
  gtk_gesture_single_set_touch_only (GTK_GESTURE_SINGLE (press), TRUE);
  g_signal_connect (press, "pressed", G_CALLBACK (on_long_press), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (press));
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
  /* Before the expander, which folds with the same keys. */
  keys = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key_captured), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}

static void
esp_outline_init (EspOutline *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  static const EspNodeDnd dnd = { get_document, pick_node, set_drop, get_picture };
  GtkWidget *scroller = gtk_scrolled_window_new ();

  self->rows = g_hash_table_new (NULL, NULL);
  g_signal_connect (factory, "setup", G_CALLBACK (on_setup), self);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), self);
  g_signal_connect (factory, "unbind", G_CALLBACK (on_unbind), self);
  self->list = g_object_new (GTK_TYPE_LIST_VIEW, "accessible-role", GTK_ACCESSIBLE_ROLE_TREE,
                             "factory", factory, NULL);
  g_object_unref (factory);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Edit history"), -1);
  gtk_widget_add_css_class (self->list, "history-outline");
  g_signal_connect_swapped (self->list, "activate", G_CALLBACK (on_activate), self);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), self->list);
  gtk_widget_set_parent (scroller, GTK_WIDGET (self));
  add_controllers (self);
  esp_node_dnd_attach (GTK_WIDGET (self), &dnd);
}

GtkWidget *
esp_outline_new (void)
{
  return g_object_new (ESP_TYPE_OUTLINE, NULL);
}
