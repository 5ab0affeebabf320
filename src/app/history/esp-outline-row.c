/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-outline-row.c: see esp-outline-row.h. */
#include "esp-outline-row.h"

#include <glib/gi18n-lib.h>

#include "esp-marks.h"
#include "esp-node-card.h"

struct _EspOutlineRow
{
  GtkWidget parent_instance;

  EspDocument *document;
  EspRegistry *registry; /* or NULL */
  EspNode *node;
  EspPicture *preview_picture;

  GtkPicture *picture;
  GtkLabel *title, *subtitle, *marks;
  GtkImage *state;
  GtkButton *stack_badge;
  EspTreeItem item; /* with references; no node: not told yet */
};

G_DEFINE_FINAL_TYPE (EspOutlineRow, esp_outline_row, GTK_TYPE_WIDGET)

enum
{
  NEXT_VARIATION,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static char *
dup_subtitle (const EspTreeItem *item, EspNode *node)
{
  const EspNodeProgress *progress = esp_node_get_progress (node);

  if (item->sweep != 0)
    return esp_tree_item_dup_progress (item);
  switch (esp_node_get_state (node))
    {
    case ESP_NODE_QUEUED:
      return g_strdup (_ ("Waiting"));
    case ESP_NODE_RUNNING:
      if (progress && progress->steps > 0)
        return g_strdup_printf (_ ("Step %d of %d"), progress->step, progress->steps);
      return g_strdup (_ ("Running"));
    case ESP_NODE_FAILED:
    case ESP_NODE_BLOCKED:
      return g_strdup (esp_node_get_message (node) ? esp_node_get_message (node) : _ ("Failed"));
    case ESP_NODE_CANCELLED:
      return g_strdup (_ ("Stopped"));
    case ESP_NODE_DONE:
    default:
      if (esp_node_get_model_name (node))
        return g_strdup (esp_node_get_model_name (node));
      /* Translators: the width and height of an image in pixels. */
      return g_strdup_printf (_ ("%d × %d"), esp_node_get_width (node), esp_node_get_height (node));
    }
}

static const char *
get_state_icon (EspOutlineRow *self)
{
  EspNode *node = self->node;
  const char *backend = esp_node_get_backend (node);

  if (self->item.sweep != 0)
    return self->item.n_under_way > 0 ? "esp-waiting-symbolic" : NULL;
  switch (esp_node_get_state (node))
    {
    case ESP_NODE_QUEUED:
    case ESP_NODE_RUNNING:
      return "esp-waiting-symbolic";
    case ESP_NODE_FAILED:
    case ESP_NODE_BLOCKED:
      return "dialog-warning-symbolic";
    case ESP_NODE_CANCELLED:
      return "process-stop-symbolic";
    case ESP_NODE_DONE:
    default:
      if (esp_node_get_rejected (node))
        return "esp-rejected-symbolic";
      if (esp_node_is_outdated (node))
        return "esp-outdated-symbolic";
      return backend && esp_registry_is_backend_remote (self->registry, backend)
                 ? "esp-remote-symbolic"
                 : NULL;
    }
}

static void
update_marks (EspOutlineRow *self)
{
  g_autoptr (GString) marks = g_string_new (NULL);
  int stars = esp_node_get_stars (self->node), tag = esp_node_get_tag (self->node);
  const char *icon = get_state_icon (self);

  if (stars > 0)
    g_string_append_printf (marks, "★%d", stars);
  if (tag > 0)
    {
      GdkRGBA color = esp_marks_get_tag_color (tag);

      g_string_append_printf (marks,
                              " <span foreground=\"#%02x%02x%02x\">●</span><small>%d</small>",
                              (guint) (color.red * 255 + 0.5f), (guint) (color.green * 255 + 0.5f),
                              (guint) (color.blue * 255 + 0.5f), tag);
    }
  gtk_label_set_markup (self->marks, marks->str);
  gtk_widget_set_visible (GTK_WIDGET (self->marks), marks->len > 0);
  gtk_image_set_from_icon_name (self->state, icon);
  if (icon != NULL && g_str_equal (icon, "esp-outdated-symbolic"))
    gtk_widget_add_css_class (GTK_WIDGET (self->state), "warning");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->state), "warning");
  gtk_widget_set_visible (GTK_WIDGET (self->state), icon != NULL);
}

static void
update_picture (EspOutlineRow *self)
{
  EspPicture *preview = esp_node_get_preview (self->node);
  GdkTexture *texture = NULL;

  if (esp_node_has_image (self->node))
    texture = esp_texture_cache_lookup (esp_texture_cache_get_default (), self->document,
                                        self->node, ESP_THUMBNAIL_SMALL, 0);
  if (texture)
    {
      g_clear_pointer (&self->preview_picture, esp_picture_unref);
      gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (texture));
    }
  else if (preview && preview != self->preview_picture)
    {
      g_autoptr (GdkTexture) shown = esp_texture_new_for_picture (preview);

      g_clear_pointer (&self->preview_picture, esp_picture_unref);
      self->preview_picture = esp_picture_ref (preview);
      gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (shown));
    }
  else if (!preview && !self->preview_picture)
    gtk_picture_set_paintable (self->picture, NULL);
}

static void
update_accessible (EspOutlineRow *self)
{
  g_autofree char *name = esp_node_card_dup_name (&self->item, self->registry);
  g_autofree char *description = esp_node_card_dup_description (&self->item);
  GtkWidget *list = gtk_widget_get_ancestor (GTK_WIDGET (self), GTK_TYPE_LIST_VIEW);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                  GTK_ACCESSIBLE_PROPERTY_LEVEL,
                                  (int) esp_node_get_depth (self->node) + 1,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description, -1);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_RELATION_POS_IN_SET,
                                  (int) self->item.position, GTK_ACCESSIBLE_RELATION_SET_SIZE,
                                  (int) self->item.n_siblings, -1);
  /* Its expander, which has the keyboard, and the item of the list are called as it is. */
  for (GtkWidget *above = gtk_widget_get_parent (GTK_WIDGET (self)); list != NULL && above != list;
       above = gtk_widget_get_parent (above))
    {
      gtk_accessible_reset_relation (GTK_ACCESSIBLE (above), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
      gtk_accessible_update_property (GTK_ACCESSIBLE (above), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                      GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description, -1);
    }
}

static void
update_stack (EspOutlineRow *self)
{
  const EspTreeItem *item = &self->item;
  g_autofree char *text = NULL;
  const char *action = _ ("Next Variation");

  if (item->sweep != 0)
    {
      text = g_strdup_printf ("⊞ %u/%u", item->n_done, item->n_cells);
      action = _ ("Show Sweep");
    }
  else
    /* Translators: which variation this is, of how many. */
    text = g_strdup_printf (_ ("%u/%u"), item->stack_position + 1, item->stack_size);
  gtk_button_set_label (self->stack_badge, text);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->stack_badge), action);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->stack_badge), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  action, -1);
  gtk_widget_set_visible (GTK_WIDGET (self->stack_badge), item->stack_size > 1);
}

static void
on_badge_clicked (EspOutlineRow *self)
{
  g_signal_emit (self, signals[NEXT_VARIATION], 0);
}

static void
update (EspOutlineRow *self)
{
  g_autofree char *title = esp_tree_item_dup_title (&self->item);
  g_autofree char *subtitle = dup_subtitle (&self->item, self->node);
  g_autofree char *tooltip = esp_node_card_dup_tooltip (self->node);

  gtk_label_set_text (self->title, title);
  gtk_label_set_text (self->subtitle, subtitle);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), tooltip);
  update_marks (self);
  update_stack (self);
  update_picture (self);
  update_accessible (self);
}

static void
on_children (EspOutlineRow *self)
{
  GListModel *children = esp_node_get_children (self->node);

  /* The expander of a node with nothing below it is not shown; see esp-history.css. */
  if (g_list_model_get_n_items (children) == 0)
    gtk_widget_add_css_class (gtk_widget_get_parent (GTK_WIDGET (self)), "leaf");
  else
    gtk_widget_remove_css_class (gtk_widget_get_parent (GTK_WIDGET (self)), "leaf");
}

static void
on_changed (EspOutlineRow *self)
{
  update (self);
}

static void
on_loaded (EspOutlineRow *self, EspDocument *document, EspNode *node, int size)
{
  if (node == self->node && size == ESP_THUMBNAIL_SMALL)
    update_picture (self);
}

void
esp_outline_row_set_registry (EspOutlineRow *self, EspRegistry *registry)
{
  g_return_if_fail (ESP_IS_OUTLINE_ROW (self));
  g_set_object (&self->registry, registry);
}

EspNode *
esp_outline_row_get_node (EspOutlineRow *self)
{
  g_return_val_if_fail (ESP_IS_OUTLINE_ROW (self), NULL);
  return self->node;
}

void
esp_outline_row_set_node (EspOutlineRow *self, EspDocument *document, EspNode *node)
{
  g_return_if_fail (ESP_IS_OUTLINE_ROW (self));

  if (self->node == node)
    return;
  if (self->node)
    {
      g_signal_handlers_disconnect_by_data (self->node, self);
      g_signal_handlers_disconnect_by_data (esp_node_get_children (self->node), self);
    }
  g_set_object (&self->document, document);
  g_set_object (&self->node, node);
  g_clear_pointer (&self->preview_picture, esp_picture_unref);
  gtk_picture_set_paintable (self->picture, NULL);
  esp_tree_item_clear (&self->item);
  self->item = (EspTreeItem){ NULL };
  if (!node)
    return;
  esp_tree_item_copy (
      &(EspTreeItem){
          .node = node, .leader = node, .stack_size = 1, .position = 1, .n_siblings = 1 },
      &self->item);
  g_signal_connect_swapped (node, "changed", G_CALLBACK (on_changed), self);
  g_signal_connect_swapped (node, "progress", G_CALLBACK (on_changed), self);
  g_signal_connect_swapped (esp_node_get_children (node), "items-changed", G_CALLBACK (on_children),
                            self);
  update (self);
  on_children (self);
}

void
esp_outline_row_set_item (EspOutlineRow *self, const EspTreeItem *item)
{
  g_return_if_fail (ESP_IS_OUTLINE_ROW (self));
  g_return_if_fail (item != NULL && item->node == self->node);

  if (esp_tree_item_equal (&self->item, item))
    return;
  esp_tree_item_clear (&self->item);
  esp_tree_item_copy (item, &self->item);
  update (self);
}

GtkWidget *
esp_outline_row_get_picture (EspOutlineRow *self)
{
  g_return_val_if_fail (ESP_IS_OUTLINE_ROW (self), NULL);
  return GTK_WIDGET (self->picture);
}

void
esp_outline_row_set_dimmed (EspOutlineRow *self, gboolean dimmed)
{
  g_return_if_fail (ESP_IS_OUTLINE_ROW (self));
  gtk_widget_set_opacity (GTK_WIDGET (self), dimmed ? 0.35 : 1);
}

static void
esp_outline_row_dispose (GObject *object)
{
  EspOutlineRow *self = ESP_OUTLINE_ROW (object);
  GtkWidget *child;

  if (self->node)
    {
      g_signal_handlers_disconnect_by_data (self->node, self);
      g_signal_handlers_disconnect_by_data (esp_node_get_children (self->node), self);
    }
  esp_tree_item_clear (&self->item);
  g_clear_object (&self->node);
  g_clear_object (&self->document);
  g_clear_object (&self->registry);
  g_clear_pointer (&self->preview_picture, esp_picture_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_OUTLINE_ROW);
  /* GTK 4.8 lets go of those children alone that are bound. */
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))))
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (esp_outline_row_parent_class)->dispose (object);
}

static void
esp_outline_row_class_init (EspOutlineRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_outline_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/history/esp-outline-row.ui");
  gtk_widget_class_bind_template_child (widget_class, EspOutlineRow, picture);
  gtk_widget_class_bind_template_child (widget_class, EspOutlineRow, title);
  gtk_widget_class_bind_template_child (widget_class, EspOutlineRow, subtitle);
  gtk_widget_class_bind_template_child (widget_class, EspOutlineRow, marks);
  gtk_widget_class_bind_template_child (widget_class, EspOutlineRow, state);
  gtk_widget_class_bind_template_child (widget_class, EspOutlineRow, stack_badge);
  gtk_widget_class_bind_template_callback (widget_class, on_badge_clicked);
  signals[NEXT_VARIATION] = g_signal_new ("next-variation", ESP_TYPE_OUTLINE_ROW, G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_css_name (widget_class, "outlinerow");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_TREE_ITEM);
}

static void
esp_outline_row_init (EspOutlineRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (esp_texture_cache_get_default (), "loaded", G_CALLBACK (on_loaded), self,
                           G_CONNECT_SWAPPED);
}

GtkWidget *
esp_outline_row_new (void)
{
  return g_object_new (ESP_TYPE_OUTLINE_ROW, NULL);
}
