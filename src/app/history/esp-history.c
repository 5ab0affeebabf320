/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-history.c: the container: tree or outline, the tool bar, what connects them to the document.
 * Find is in esp-history-find.c, the menu in esp-history-menu.c, labels in esp-history-label.c. */
#include "esp-history-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-focus-chain.h"
#include "esp-mini-map.h"
#include "esp-style.h"

#define ZOOM_STEP 1.25

G_DEFINE_FINAL_TYPE (EspHistory, esp_history, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_DOCUMENT,
  PROP_OUTLINE,
  PROP_ORIENTATION,
  PROP_HIDE_REJECTED,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

enum
{
  ACTIVATE,
  OPEN_SWEEP,
  COMPARE,
  REFERENCE_DROP,
  BRANCH_DROP,
  MOVE_DROP,
  DROP_FAILED,
  SELECTION_CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* --- The document ----------------------------------------------------------------------------- */

static gboolean
on_find_again (gpointer user_data)
{
  EspHistory *self = user_data;

  self->find_id = 0;
  _esp_history_find_again (self);
  return G_SOURCE_REMOVE;
}

static void
on_nodes_changed (EspHistory *self)
{
  if (self->found && self->find_id == 0)
    self->find_id = g_idle_add (on_find_again, self);
}

static void
update_shown (EspHistory *self)
{
  gboolean any = self->document != NULL;

  gtk_widget_set_visible (GTK_WIDGET (self->stack), any);
  gtk_widget_set_visible (self->tool_bar, any);
  gtk_widget_set_visible (self->zoom_buttons, !self->outline);
  gtk_stack_set_visible_child_name (self->stack, self->outline ? "outline" : "tree");
  /* The list is made only where it is seen. */
  esp_outline_set_document (self->outline_list, self->outline ? self->document : NULL);
}

EspDocument *
esp_history_get_document (EspHistory *self)
{
  g_return_val_if_fail (ESP_IS_HISTORY (self), NULL);
  return self->document;
}

void
esp_history_set_document (EspHistory *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_HISTORY (self));
  g_return_if_fail (document == NULL || ESP_IS_DOCUMENT (document));

  if (self->document == document)
    return;
  esp_history_stop_find (self);
  if (self->label_popover)
    gtk_popover_popdown (GTK_POPOVER (self->label_popover));
  if (self->document)
    g_signal_handlers_disconnect_by_data (self->document, self);
  g_set_object (&self->document, document);
  esp_tree_view_set_document (self->tree, document);
  if (document)
    {
      g_signal_connect_object (document, "node-added", G_CALLBACK (on_nodes_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (document, "node-removed", G_CALLBACK (on_nodes_changed), self,
                               G_CONNECT_SWAPPED);
    }
  update_shown (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DOCUMENT]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HIDE_REJECTED]);
  g_signal_emit (self, signals[SELECTION_CHANGED], 0);
}

void
esp_history_set_registry (EspHistory *self, EspRegistry *registry)
{
  g_return_if_fail (ESP_IS_HISTORY (self));
  g_return_if_fail (registry == NULL || ESP_IS_REGISTRY (registry));

  esp_tree_view_set_registry (self->tree, registry);
  esp_outline_set_registry (self->outline_list, registry);
}

GPtrArray *
esp_history_dup_selection (EspHistory *self)
{
  g_autoptr (GPtrArray) nodes = NULL;
  EspNode *node;

  g_return_val_if_fail (ESP_IS_HISTORY (self), NULL);

  if (!self->document)
    return g_ptr_array_new_with_free_func (g_object_unref);
  nodes = self->outline ? esp_outline_dup_selected (self->outline_list)
                        : esp_tree_view_dup_selected (self->tree);
  if (nodes->len == 0)
    {
      node = self->outline ? NULL : esp_tree_view_get_cursor (self->tree);
      if (!node)
        node = esp_document_get_current (self->document);
      if (node && !esp_node_is_deleted (node))
        g_ptr_array_add (nodes, g_object_ref (node));
    }
  return g_steal_pointer (&nodes);
}

/* --- What it shows ---------------------------------------------------------------------------- */

void
esp_history_set_outline (EspHistory *self, gboolean outline)
{
  g_return_if_fail (ESP_IS_HISTORY (self));

  outline = outline != FALSE;
  if (self->outline == outline)
    return;
  self->outline = outline;
  update_shown (self);
  if (self->found)
    _esp_history_find_again (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_OUTLINE]);
  g_signal_emit (self, signals[SELECTION_CHANGED], 0);
}

gboolean
esp_history_get_hide_rejected (EspHistory *self)
{
  g_return_val_if_fail (ESP_IS_HISTORY (self), FALSE);
  return esp_tree_items_get_hide_rejected (esp_tree_view_get_items (self->tree));
}

void
esp_history_set_hide_rejected (EspHistory *self, gboolean hide)
{
  g_return_if_fail (ESP_IS_HISTORY (self));

  hide = hide != FALSE;
  if (!self->document || esp_history_get_hide_rejected (self) == hide)
    return;
  esp_tree_items_set_hide_rejected (esp_tree_view_get_items (self->tree), hide);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HIDE_REJECTED]);
}

void
esp_history_set_orientation (EspHistory *self, GtkOrientation orientation)
{
  g_return_if_fail (ESP_IS_HISTORY (self));

  if (self->orientation == orientation)
    return;
  self->orientation = orientation;
  esp_tree_view_set_orientation (self->tree, orientation);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ORIENTATION]);
}

void
esp_history_reveal (EspHistory *self, EspNode *node)
{
  g_return_if_fail (ESP_IS_HISTORY (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (!self->document)
    return;
  if (self->outline)
    esp_outline_reveal (self->outline_list, node);
  else
    esp_tree_view_reveal (self->tree, node);
}

void
_esp_history_get_node_area (EspHistory *self, EspNode *node, GdkRectangle *area)
{
  GtkWidget *from = self->outline ? GTK_WIDGET (self->outline_list) : GTK_WIDGET (self->tree);
  graphene_rect_t found, seen;
  gboolean ok = self->outline ? esp_outline_get_node_area (self->outline_list, node, &found)
                              : esp_tree_view_get_node_area (self->tree, node, &found);
  double x, y;

  graphene_rect_init (&seen, 0, 0, (float) gtk_widget_get_width (from),
                      (float) gtk_widget_get_height (from));
  if (!ok || !graphene_rect_intersection (&found, &seen, &found))
    graphene_rect_init (&found, seen.size.width / 2, seen.size.height / 2, 1, 1);
  if (!gtk_widget_translate_coordinates (from, GTK_WIDGET (self), found.origin.x, found.origin.y,
                                         &x, &y))
    x = y = 0;
  *area = (GdkRectangle){ (int) x, (int) y, (int) found.size.width, (int) found.size.height };
}

static void
update_zoom_buttons (EspHistory *self)
{
  double zoom = esp_tree_view_get_zoom (self->tree);

  gtk_widget_set_sensitive (self->zoom_in, zoom < ESP_TREE_VIEW_MAX_ZOOM);
  gtk_widget_set_sensitive (self->zoom_out, zoom > esp_tree_view_get_min_zoom (self->tree));
}

void
esp_history_zoom_in (EspHistory *self)
{
  g_return_if_fail (ESP_IS_HISTORY (self));
  esp_tree_view_set_zoom (self->tree, esp_tree_view_get_zoom (self->tree) * ZOOM_STEP);
}

void
esp_history_zoom_out (EspHistory *self)
{
  g_return_if_fail (ESP_IS_HISTORY (self));
  esp_tree_view_set_zoom (self->tree, esp_tree_view_get_zoom (self->tree) / ZOOM_STEP);
}

void
esp_history_zoom_fit (EspHistory *self)
{
  g_return_if_fail (ESP_IS_HISTORY (self));
  esp_tree_view_zoom_fit (self->tree);
}

GtkWidget *
esp_history_get_tool_bar (EspHistory *self)
{
  g_return_val_if_fail (ESP_IS_HISTORY (self), NULL);
  return self->tool_bar;
}

EspTreeView *
esp_history_get_tree (EspHistory *self)
{
  g_return_val_if_fail (ESP_IS_HISTORY (self), NULL);
  return self->tree;
}

/* --- Signals of the parts --------------------------------------------------------------------- */

static void
on_activate (EspHistory *self, EspNode *node)
{
  g_signal_emit (self, signals[ACTIVATE], 0, node);
}

static void
on_open_sweep (EspHistory *self, gint64 sweep)
{
  g_signal_emit (self, signals[OPEN_SWEEP], 0, sweep);
}

static void
on_compare (EspHistory *self, EspNode *a, EspNode *b)
{
  g_signal_emit (self, signals[COMPARE], 0, a, b);
}

static void
on_reference_drop (EspHistory *self, EspNode *node, const GValue *value)
{
  g_signal_emit (self, signals[REFERENCE_DROP], 0, node, value);
}

static void
on_branch_drop (EspHistory *self, EspNode *dropped, EspNode *onto)
{
  g_signal_emit (self, signals[BRANCH_DROP], 0, dropped, onto);
}

static void
on_move_drop (EspHistory *self, EspNode *node, EspNode *parent)
{
  g_signal_emit (self, signals[MOVE_DROP], 0, node, parent);
}

static void
on_drop_failed (EspHistory *self, const GError *error)
{
  g_signal_emit (self, signals[DROP_FAILED], 0, error);
}

static void
on_selection_changed (EspHistory *self)
{
  g_signal_emit (self, signals[SELECTION_CHANGED], 0);
}

static void
on_tree_menu (EspHistory *self, double x, double y, gboolean keyboard)
{
  _esp_history_open_menu (self, GTK_WIDGET (self->tree), x, y);
}

static void
on_outline_menu (EspHistory *self, double x, double y, gboolean keyboard)
{
  _esp_history_open_menu (self, GTK_WIDGET (self->outline_list), x, y);
}

static void
on_find_changed (EspHistory *self)
{
  self->found_at = G_MAXUINT;
  _esp_history_find_again (self);
  /* The first match comes into view while one types. */
  if (self->found && self->found->len > 0 && self->found_at == G_MAXUINT)
    esp_history_reveal (self, g_ptr_array_index (self->found, 0));
}

static void
on_find_next (EspHistory *self)
{
  _esp_history_find_step (self, 1);
}

static void
on_find_previous (EspHistory *self)
{
  _esp_history_find_step (self, -1);
}

static void
on_find_stop (EspHistory *self)
{
  esp_history_stop_find (self);
}

static gboolean
on_find_key (GtkEventControllerKey *controller, guint keyval, guint keycode, GdkModifierType state,
             EspHistory *self)
{
  if ((keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter) && (state & GDK_SHIFT_MASK))
    {
      _esp_history_find_step (self, -1);
      return GDK_EVENT_STOP;
    }
  return GDK_EVENT_PROPAGATE;
}

static void
on_find_toggled (EspHistory *self)
{
  gboolean active = gtk_toggle_button_get_active (self->find_button);

  if (active == gtk_revealer_get_reveal_child (self->find_bar))
    return;
  if (active)
    esp_history_start_find (self);
  else
    esp_history_stop_find (self);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_history_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspHistory *self = ESP_HISTORY (object);

  switch (prop_id)
    {
    case PROP_DOCUMENT:
      g_value_set_object (value, self->document);
      break;
    case PROP_OUTLINE:
      g_value_set_boolean (value, self->outline);
      break;
    case PROP_ORIENTATION:
      g_value_set_enum (value, self->orientation);
      break;
    case PROP_HIDE_REJECTED:
      g_value_set_boolean (value, esp_history_get_hide_rejected (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_history_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  EspHistory *self = ESP_HISTORY (object);

  switch (prop_id)
    {
    case PROP_DOCUMENT:
      esp_history_set_document (self, g_value_get_object (value));
      break;
    case PROP_OUTLINE:
      esp_history_set_outline (self, g_value_get_boolean (value));
      break;
    case PROP_ORIENTATION:
      esp_history_set_orientation (self, g_value_get_enum (value));
      break;
    case PROP_HIDE_REJECTED:
      esp_history_set_hide_rejected (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static gboolean
esp_history_grab_focus (GtkWidget *widget)
{
  EspHistory *self = ESP_HISTORY (widget);

  return gtk_widget_grab_focus (self->outline ? GTK_WIDGET (self->outline_list)
                                              : GTK_WIDGET (self->tree));
}

static void
esp_history_dispose (GObject *object)
{
  EspHistory *self = ESP_HISTORY (object);
  GtkWidget *child;

  if (self->tree)
    esp_history_set_document (self, NULL);
  g_clear_handle_id (&self->find_id, g_source_remove);
  g_clear_pointer (&self->found, g_ptr_array_unref);
  _esp_history_dispose_menu (self);
  _esp_history_dispose_label (self);
  g_clear_object (&self->actions);
  self->tree = NULL;
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_HISTORY);
  /* GTK 4.8 lets go of those children alone that are bound. */
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))))
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (esp_history_parent_class)->dispose (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  properties[PROP_DOCUMENT]
      = g_param_spec_object ("document", NULL, NULL, ESP_TYPE_DOCUMENT, flags);
  properties[PROP_OUTLINE] = g_param_spec_boolean ("outline", NULL, NULL, FALSE, flags);
  properties[PROP_ORIENTATION] = g_param_spec_enum ("orientation", NULL, NULL, GTK_TYPE_ORIENTATION,
                                                    GTK_ORIENTATION_VERTICAL, flags);
  properties[PROP_HIDE_REJECTED] = g_param_spec_boolean ("hide-rejected", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/history/esp-history.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, EspHistory, name)
  BIND (stack);
  BIND (overlay);
  BIND (scroller);
  BIND (outline_list);
  BIND (find_bar);
  BIND (find_entry);
  BIND (find_previous);
  BIND (find_next);
  BIND (find_count);
  BIND (tool_bar);
  BIND (zoom_buttons);
  BIND (zoom_in);
  BIND (zoom_out);
  BIND (find_button);
#undef BIND
#define CALLBACK(name) gtk_widget_class_bind_template_callback (widget_class, name)
  CALLBACK (on_find_changed);
  CALLBACK (on_find_next);
  CALLBACK (on_find_previous);
  CALLBACK (on_find_stop);
  CALLBACK (on_find_key);
  CALLBACK (on_find_toggled);
  CALLBACK (esp_history_zoom_in);
  CALLBACK (esp_history_zoom_out);
  CALLBACK (esp_history_zoom_fit);
#undef CALLBACK
}

static void
esp_history_class_init (EspHistoryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_history_dispose;
  object_class->get_property = esp_history_get_property;
  object_class->set_property = esp_history_set_property;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_history_grab_focus;
  install_properties (object_class);

#define SIGNAL(name, ...)                                                                          \
  g_signal_new (name, ESP_TYPE_HISTORY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,       \
                __VA_ARGS__)
  signals[ACTIVATE] = SIGNAL ("activate", 1, ESP_TYPE_NODE);
  signals[OPEN_SWEEP] = SIGNAL ("open-sweep", 1, G_TYPE_INT64);
  signals[COMPARE] = SIGNAL ("compare", 2, ESP_TYPE_NODE, ESP_TYPE_NODE);
  signals[REFERENCE_DROP] = SIGNAL ("reference-drop", 2, ESP_TYPE_NODE, G_TYPE_VALUE);
  signals[BRANCH_DROP] = SIGNAL ("branch-drop", 2, ESP_TYPE_NODE, ESP_TYPE_NODE);
  signals[MOVE_DROP] = SIGNAL ("move-drop", 2, ESP_TYPE_NODE, ESP_TYPE_NODE);
  signals[DROP_FAILED] = SIGNAL ("drop-failed", 1, G_TYPE_ERROR);
  signals[SELECTION_CHANGED] = SIGNAL ("selection-changed", 0);
#undef SIGNAL

  g_type_ensure (ESP_TYPE_OUTLINE);
  bind_template (widget_class);
  gtk_widget_class_set_css_name (widget_class, "history");
}

static void
connect_parts (EspHistory *self)
{
  g_signal_connect_swapped (self->tree, "activate", G_CALLBACK (on_activate), self);
  g_signal_connect_swapped (self->tree, "open-sweep", G_CALLBACK (on_open_sweep), self);
  g_signal_connect_swapped (self->outline_list, "open-sweep", G_CALLBACK (on_open_sweep), self);
  g_signal_connect_swapped (self->tree, "compare", G_CALLBACK (on_compare), self);
  g_signal_connect_swapped (self->tree, "reference-drop", G_CALLBACK (on_reference_drop), self);
  g_signal_connect_swapped (self->tree, "branch-drop", G_CALLBACK (on_branch_drop), self);
  g_signal_connect_swapped (self->tree, "move-drop", G_CALLBACK (on_move_drop), self);
  g_signal_connect_swapped (self->tree, "drop-failed", G_CALLBACK (on_drop_failed), self);
  g_signal_connect_swapped (self->tree, "selection-changed", G_CALLBACK (on_selection_changed),
                            self);
  g_signal_connect_swapped (self->tree, "context-menu", G_CALLBACK (on_tree_menu), self);
  g_signal_connect_swapped (self->tree, "view-changed", G_CALLBACK (update_zoom_buttons), self);
  g_signal_connect_swapped (self->outline_list, "compare", G_CALLBACK (on_compare), self);
  g_signal_connect_swapped (self->outline_list, "reference-drop", G_CALLBACK (on_reference_drop),
                            self);
  g_signal_connect_swapped (self->outline_list, "branch-drop", G_CALLBACK (on_branch_drop), self);
  g_signal_connect_swapped (self->outline_list, "move-drop", G_CALLBACK (on_move_drop), self);
  g_signal_connect_swapped (self->outline_list, "drop-failed", G_CALLBACK (on_drop_failed), self);
  g_signal_connect_swapped (self->outline_list, "activate", G_CALLBACK (on_activate), self);
  g_signal_connect_swapped (self->outline_list, "selection-changed",
                            G_CALLBACK (on_selection_changed), self);
  g_signal_connect_swapped (self->outline_list, "context-menu", G_CALLBACK (on_outline_menu), self);
}

static void
esp_history_init (EspHistory *self)
{
  GtkWidget *map;

  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/history",
                    "esp-history.css");
  self->orientation = GTK_ORIENTATION_VERTICAL;
  self->found_at = G_MAXUINT;
  gtk_widget_init_template (GTK_WIDGET (self));
  self->tree = ESP_TREE_VIEW (esp_tree_view_new ());
  gtk_scrolled_window_set_child (self->scroller, GTK_WIDGET (self->tree));
  esp_outline_set_items (self->outline_list, esp_tree_view_get_items (self->tree));
  map = esp_mini_map_new (self->tree);
  gtk_widget_set_halign (map, GTK_ALIGN_END);
  gtk_widget_set_valign (map, GTK_ALIGN_END);
  gtk_overlay_add_overlay (self->overlay, map);
  connect_parts (self);
  _esp_history_init_menu (self);
  update_shown (self);
}

GtkWidget *
esp_history_new (void)
{
  return g_object_new (ESP_TYPE_HISTORY, NULL);
}
