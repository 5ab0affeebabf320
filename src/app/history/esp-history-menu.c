/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-history-menu.c: the context menu. Most of it are the window's actions ("node"); what concerns
 * the picture of the tree and the order in it are ours ("history"). */
#include "esp-history-private.h"

#include <glib/gi18n-lib.h>

#include "esp-marks.h"
#include "esp-menu.h"

static EspNode *
get_node (EspHistory *self)
{
  g_autoptr (GPtrArray) nodes = esp_history_dup_selection (self);

  return nodes->len > 0 ? g_ptr_array_index (nodes, 0) : NULL; /* the document holds it */
}

/* --- Actions ---------------------------------------------------------------------------------- */

static const EspTreeItem *
get_item (EspHistory *self, EspNode *node)
{
  EspTreeItems *items = esp_tree_view_get_items (self->tree);
  int index = node ? esp_tree_items_find (items, node) : -1;

  return index >= 0 ? esp_tree_items_get (items, (guint) index) : NULL;
}

static void
on_fold (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspHistory *self = user_data;
  EspNode *node = get_node (self);

  if (node)
    esp_history_toggle_fold (self, node);
}

void
esp_history_toggle_fold (EspHistory *self, EspNode *node)
{
  EspTreeItems *items;

  g_return_if_fail (ESP_IS_HISTORY (self));
  g_return_if_fail (ESP_IS_NODE (node));

  items = esp_tree_view_get_items (self->tree);
  esp_tree_items_set_folded (items, node, !esp_tree_items_is_folded (items, node));
}

static void
on_spread (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  EspHistory *self = user_data;
  EspTreeItems *items = esp_tree_view_get_items (self->tree);
  EspNode *node = get_node (self);

  if (!node)
    return;
  esp_tree_items_set_spread (items, node, !esp_tree_items_is_spread (items, node));
  esp_history_reveal (self, node);
}

static GListModel *
get_siblings (EspHistory *self, EspNode *node)
{
  EspNode *parent = esp_node_get_parent (node);

  return parent ? esp_node_get_children (parent) : esp_document_get_roots (self->document);
}

static int
get_position (EspHistory *self, EspNode *node)
{
  GListModel *siblings = get_siblings (self, node);

  for (guint i = 0; i < g_list_model_get_n_items (siblings); i++)
    {
      g_autoptr (EspNode) sibling = g_list_model_get_item (siblings, i);

      if (sibling == node)
        return (int) i;
    }
  return -1;
}

static void
on_moved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    g_message ("Not moved: %s", error->message);
}

static void
move_among_siblings (EspHistory *self, int step)
{
  EspNode *node = get_node (self);
  int position = node ? get_position (self, node) : -1;

  if (position >= 0 && position + step >= 0)
    esp_document_move_async (self->document, node, esp_node_get_parent (node),
                             (guint) (position + step), NULL, on_moved, NULL);
}

static void
on_move_earlier (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  move_among_siblings (user_data, -1);
}

static void
on_move_later (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  move_among_siblings (user_data, 1);
}

static void
set_enabled (EspHistory *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

static void
update_actions (EspHistory *self)
{
  EspNode *node = get_node (self);
  const EspTreeItem *item = get_item (self, node);
  gboolean writable
      = self->document && esp_document_get_access (self->document) == ESP_DOCUMENT_WRITABLE;
  int position = node ? get_position (self, node) : -1;
  gboolean several = item && esp_tree_items_can_spread (esp_tree_view_get_items (self->tree), node);

  set_enabled (self, "fold", item && (item->n_children > 0 || item->n_hidden > 0));
  set_enabled (self, "spread", several && esp_node_get_sweep (node) == 0);
  set_enabled (self, "spread-cells", several && esp_node_get_sweep (node) != 0);
  set_enabled (self, "move-earlier", writable && position > 0);
  set_enabled (self, "move-later",
               writable && position >= 0
                   && position + 1 < (int) g_list_model_get_n_items (get_siblings (self, node)));
}

/* --- Stars and tags in the menu --------------------------------------------------------------- */

static const char *const tag_labels[] = {
  N_ ("No tag"), N_ ("Blue"),   N_ ("Green"), N_ ("Yellow"), N_ ("Orange"),
  N_ ("Red"),    N_ ("Purple"), N_ ("Brown"), N_ ("Grey"),
};

static GtkWidget *
new_choice (EspHistory *self, const char *action, int value, const char *name)
{
  GtkWidget *button = gtk_button_new ();

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "circular");
  gtk_widget_add_css_class (button, "tag-button");
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "i", value);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (gtk_popover_popdown), self->menu);
  return button;
}

static GtkWidget *
new_stars (EspHistory *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  EspNode *node = get_node (self);
  int stars = node ? esp_node_get_stars (node) : 0;

  for (int i = 1; i <= ESP_NODE_MAX_STARS; i++)
    {
      g_autofree char *name
          = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d star", "%d stars", (gulong) i), i);
      /* The last star that is set takes them all away. */
      GtkWidget *button
          = new_choice (self, "node.stars", i == stars ? 0 : i, i == stars ? _ ("No stars") : name);

      gtk_button_set_icon_name (GTK_BUTTON (button),
                                i <= stars ? "starred-symbolic" : "non-starred-symbolic");
      gtk_box_append (GTK_BOX (box), button);
    }
  gtk_widget_set_halign (box, GTK_ALIGN_CENTER);
  return box;
}

static void
draw_dot (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer user_data)
{
  int tag = GPOINTER_TO_INT (user_data), w, h;
  g_autoptr (PangoLayout) number = NULL;
  g_autofree char *text = NULL;
  GdkRGBA color;

  cairo_arc (cr, width / 2.0, height / 2.0, tag > 0 ? 7.5 : 6.5, 0, 2 * G_PI);
  if (tag > 0)
    {
      color = esp_marks_get_tag_color (tag);
      gdk_cairo_set_source_rgba (cr, &color);
      cairo_fill (cr);
      number = esp_marks_create_tag_number (GTK_WIDGET (area));
      text = g_strdup_printf ("%d", tag);
      pango_layout_set_text (number, text, -1);
      pango_layout_get_pixel_size (number, &w, &h);
      color = esp_marks_get_tag_ink (tag);
      gdk_cairo_set_source_rgba (cr, &color);
      cairo_move_to (cr, (width - w) / 2.0, (height - h) / 2.0);
      pango_cairo_show_layout (cr, number);
    }
  else
    {
      gtk_style_context_get_color (gtk_widget_get_style_context (GTK_WIDGET (area)), &color);
      gdk_cairo_set_source_rgba (cr, &color);
      cairo_set_line_width (cr, 1.5);
      cairo_stroke (cr);
    }
}

static GtkWidget *
new_tags (EspHistory *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);

  for (int i = 0; i <= ESP_NODE_N_TAGS; i++)
    {
      GtkWidget *button = new_choice (self, "node.tag", i, _ (tag_labels[i]));
      GtkWidget *dot = gtk_drawing_area_new ();

      gtk_drawing_area_set_content_width (GTK_DRAWING_AREA (dot), 16);
      gtk_drawing_area_set_content_height (GTK_DRAWING_AREA (dot), 16);
      gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (dot), draw_dot, GINT_TO_POINTER (i), NULL);
      gtk_button_set_child (GTK_BUTTON (button), dot);
      gtk_box_append (GTK_BOX (box), button);
    }
  gtk_widget_set_halign (box, GTK_ALIGN_CENTER);
  return box;
}

/* --- The menu --------------------------------------------------------------------------------- */

/* No tooltip comes up over the menu. */
static void
on_menu_closed (EspHistory *self)
{
  if (self->tree)
    gtk_widget_set_has_tooltip (GTK_WIDGET (self->tree), TRUE);
}

void
_esp_history_dispose_menu (EspHistory *self)
{
  g_clear_pointer (&self->menu, gtk_widget_unparent);
}

void
_esp_history_open_menu (EspHistory *self, GtkWidget *over, double x, double y)
{
  double at_x, at_y;

  if (!gtk_widget_translate_coordinates (over, GTK_WIDGET (self), x, y, &at_x, &at_y))
    return;
  /* What it is about may be scrolled away, and so be where no screen is. */
  at_x = CLAMP (at_x, 0, gtk_widget_get_width (GTK_WIDGET (self)));
  at_y = CLAMP (at_y, 0, gtk_widget_get_height (GTK_WIDGET (self)));
  /* Made anew each time: it is rarely open, and shows the stars of the node it is about. */
  _esp_history_dispose_menu (self);
  update_actions (self);
  self->menu = gtk_popover_menu_new_from_model (
      esp_menu_get ("/espalier/app/history/esp-history-menu.ui", "menu"));
  gtk_popover_menu_add_child (GTK_POPOVER_MENU (self->menu), new_stars (self), "stars");
  gtk_popover_menu_add_child (GTK_POPOVER_MENU (self->menu), new_tags (self), "tags");
  g_signal_connect_object (self->menu, "closed", G_CALLBACK (on_menu_closed), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_set_has_tooltip (GTK_WIDGET (self->tree), FALSE);
  gtk_widget_set_parent (self->menu, GTK_WIDGET (self));
  gtk_popover_set_has_arrow (GTK_POPOVER (self->menu), FALSE);
  /* To the side it may slide up and down on the screen; below it would be cut off at the end. */
  gtk_popover_set_position (GTK_POPOVER (self->menu),
                            gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL
                                ? GTK_POS_LEFT
                                : GTK_POS_RIGHT);
  gtk_widget_set_valign (self->menu, GTK_ALIGN_START);
  gtk_popover_set_pointing_to (GTK_POPOVER (self->menu),
                               &(GdkRectangle){ (int) at_x, (int) at_y, 1, 1 });
  gtk_popover_popup (GTK_POPOVER (self->menu));
}

void
_esp_history_init_menu (EspHistory *self)
{
  static const GActionEntry entries[] = {
    { "fold", on_fold },
    { "spread", on_spread },
    { "spread-cells", on_spread },
    { "move-earlier", on_move_earlier },
    { "move-later", on_move_later },
  };

  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), entries, G_N_ELEMENTS (entries),
                                   self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "history", G_ACTION_GROUP (self->actions));
}
