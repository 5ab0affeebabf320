/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-outline.c: see esp-outline.h. */
#include "esp-outline.h"

#include <glib/gi18n-lib.h>

#include "esp-outline-row.h"

/* Deeper rows are no longer indented (one widget for each level and row), nor can they be folded.
 */
#define MAX_INDENT 24

struct _EspOutline
{
  GtkWidget parent_instance;

  EspDocument *document;
  EspRegistry *registry;
  GtkTreeListModel *tree;
  GtkMultiSelection *selection;
  GtkWidget *list;
  GHashTable *matches;
  GHashTable *rows; /* EspOutlineRow that have a node */
  gboolean updating;
  guint reveal_id;
};

G_DEFINE_FINAL_TYPE (EspOutline, esp_outline, GTK_TYPE_WIDGET)

enum
{
  ACTIVATE,
  SELECTION_CHANGED,
  CONTEXT_MENU,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* --- Rows ------------------------------------------------------------------------------------- */

static GListModel *
create_children (gpointer item, gpointer user_data)
{
  /* Also while there are none: the list is alive. */
  return g_object_ref (esp_node_get_children (item));
}

static EspNode *
get_node_at (EspOutline *self, guint position)
{
  g_autoptr (GtkTreeListRow) row = g_list_model_get_item (G_LIST_MODEL (self->selection), position);
  g_autoptr (EspNode) node = row ? gtk_tree_list_row_get_item (row) : NULL;

  return node; /* the document holds it */
}

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *item, EspOutline *self)
{
  GtkWidget *expander = gtk_tree_expander_new (), *row = esp_outline_row_new ();

  gtk_tree_expander_set_child (GTK_TREE_EXPANDER (expander), row);
  gtk_list_item_set_child (item, expander);
}

static void
on_expanded (GtkTreeListRow *row, GParamSpec *pspec, EspOutline *self)
{
  g_autoptr (EspNode) node = gtk_tree_list_row_get_item (row);
  gboolean folded = !gtk_tree_list_row_get_expanded (row);

  if (node && self->document && !esp_node_is_deleted (node) && esp_node_get_folded (node) != folded)
    esp_document_set_folded (self->document, node, folded);
}

static void
dim (EspOutline *self, EspOutlineRow *row)
{
  EspNode *node = esp_outline_row_get_node (row);

  esp_outline_row_set_dimmed (row, self->matches && node
                                       && !g_hash_table_contains (self->matches, node));
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *item, EspOutline *self)
{
  GtkTreeListRow *tree_row = gtk_list_item_get_item (item);
  GtkTreeExpander *expander = GTK_TREE_EXPANDER (gtk_list_item_get_child (item));
  EspOutlineRow *row = ESP_OUTLINE_ROW (gtk_tree_expander_get_child (expander));
  g_autoptr (EspNode) node = gtk_tree_list_row_get_item (tree_row);

  if (gtk_tree_list_row_get_depth (tree_row) <= MAX_INDENT)
    gtk_tree_expander_set_list_row (expander, tree_row);
  esp_outline_row_set_registry (row, self->registry);
  esp_outline_row_set_node (row, self->document, node);
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
  esp_outline_row_set_node (row, NULL, NULL);
  g_hash_table_remove (self->rows, row);
}

/* --- Finding rows ----------------------------------------------------------------------------- */

static guint
find_among (GListModel *list, EspNode *node)
{
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspNode) other = g_list_model_get_item (list, i);

      if (other == node)
        return i;
    }
  return GTK_INVALID_LIST_POSITION;
}

/* The node's row, with everything above it unfolded; NULL if it is not in the list. */
static GtkTreeListRow *
find_row (EspOutline *self, EspNode *node)
{
  g_autoptr (GPtrArray) path = g_ptr_array_new ();
  GtkTreeListRow *row = NULL;

  for (EspNode *at = node; at; at = esp_node_get_parent (at))
    g_ptr_array_add (path, at);
  for (guint i = path->len; i-- > 0;)
    {
      EspNode *at = g_ptr_array_index (path, i);
      g_autoptr (GtkTreeListRow) above = row;
      guint position = find_among (above ? esp_node_get_children (g_ptr_array_index (path, i + 1))
                                         : esp_document_get_roots (self->document),
                                   at);

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

static void
on_current (EspOutline *self)
{
  select_current (self);
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

  if (!node)
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

static void
fold_rows (EspOutline *self)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->tree)); i++)
    {
      g_autoptr (GtkTreeListRow) row = gtk_tree_list_model_get_row (self->tree, i);
      g_autoptr (EspNode) node = gtk_tree_list_row_get_item (row);

      if (esp_node_get_folded (node))
        gtk_tree_list_row_set_expanded (row, FALSE);
    }
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
  if (self->selection)
    g_signal_handlers_disconnect_by_data (self->selection, self);
  gtk_list_view_set_model (GTK_LIST_VIEW (self->list), NULL);
  g_clear_object (&self->selection);
  g_clear_object (&self->tree);
  g_clear_pointer (&self->matches, g_hash_table_unref);
  g_set_object (&self->document, document);
  if (!document)
    return;

  self->tree
      = gtk_tree_list_model_new (G_LIST_MODEL (g_object_ref (esp_document_get_roots (document))),
                                 FALSE, TRUE, create_children, NULL, NULL);
  fold_rows (self);
  self->selection = gtk_multi_selection_new (G_LIST_MODEL (g_object_ref (self->tree)));
  g_signal_connect_swapped (self->selection, "selection-changed", G_CALLBACK (on_selection_changed),
                            self);
  gtk_list_view_set_model (GTK_LIST_VIEW (self->list), GTK_SELECTION_MODEL (self->selection));
  g_signal_connect_object (document, "notify::current", G_CALLBACK (on_current), self,
                           G_CONNECT_SWAPPED);
  select_current (self);
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

/* --- The widget ------------------------------------------------------------------------------- */

static gboolean
esp_outline_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (ESP_OUTLINE (widget)->list);
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
  widget_class->grab_focus = esp_outline_grab_focus;
  widget_class->map = esp_outline_map;

  signals[ACTIVATE] = g_signal_new ("activate", ESP_TYPE_OUTLINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 1, ESP_TYPE_NODE);
  signals[SELECTION_CHANGED]
      = g_signal_new ("selection-changed", ESP_TYPE_OUTLINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 0);
  signals[CONTEXT_MENU]
      = g_signal_new ("context-menu", ESP_TYPE_OUTLINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 3, G_TYPE_DOUBLE, G_TYPE_DOUBLE, G_TYPE_BOOLEAN);
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
}

static void
esp_outline_init (EspOutline *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
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
}

GtkWidget *
esp_outline_new (void)
{
  return g_object_new (ESP_TYPE_OUTLINE, NULL);
}
