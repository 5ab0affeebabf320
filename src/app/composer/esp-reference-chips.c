/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-reference-chips.c: the further images of the next turn. */
#include "esp-reference-chips.h"

#include <adwaita.h>
#include <glib/gi18n-lib.h>

#include "esp-texture-cache.h"

#define THUMBNAIL 28
#define MAX_WIDTH 42

struct _EspReferenceChips
{
  GtkWidget parent_instance;

  GtkWidget *scroller;
  GtkWidget *box;

  EspDocument *document;
  GPtrArray *nodes;
  guint maximum;
};

G_DEFINE_FINAL_TYPE (EspReferenceChips, esp_reference_chips, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
update_thumbnail (EspReferenceChips *self, GtkWidget *chip)
{
  GtkPicture *picture = g_object_get_data (G_OBJECT (chip), "picture");
  EspNode *node = g_object_get_data (G_OBJECT (chip), "node");
  GdkTexture *texture;

  if (self->document == NULL || !esp_node_has_image (node))
    return;

  texture = esp_texture_cache_lookup (esp_texture_cache_get_default (), self->document, node,
                                      ESP_THUMBNAIL_SMALL, 0);
  if (texture != NULL)
    gtk_picture_set_paintable (picture, GDK_PAINTABLE (texture));
}

static void
on_loaded (EspReferenceChips *self, EspDocument *document, EspNode *node, int size)
{
  GtkWidget *chip;

  for (chip = gtk_widget_get_first_child (self->box); chip != NULL;
       chip = gtk_widget_get_next_sibling (chip))
    if (g_object_get_data (G_OBJECT (chip), "node") == node)
      update_thumbnail (self, chip);
}

static void
on_remove_clicked (EspReferenceChips *self, GtkWidget *button)
{
  EspNode *node = g_object_get_data (G_OBJECT (button), "node");

  esp_reference_chips_remove (self, node);
}

static GtkWidget *
create_chip (EspReferenceChips *self, EspNode *node)
{
  GtkWidget *chip = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 3);
  GtkWidget *clamp = adw_clamp_new ();
  GtkWidget *picture = gtk_picture_new ();
  GtkWidget *sign = gtk_image_new_from_icon_name ("dialog-warning-symbolic");
  GtkWidget *label;
  GtkWidget *button = gtk_button_new_from_icon_name ("window-close-symbolic");
  g_autofree char *title = esp_node_dup_title (node);
  g_autofree char *remove = g_strdup_printf (_ ("Remove Reference “%s”"), title);

  gtk_picture_set_content_fit (GTK_PICTURE (picture), GTK_CONTENT_FIT_COVER);
  gtk_picture_set_can_shrink (GTK_PICTURE (picture), TRUE);
  gtk_picture_set_alternative_text (GTK_PICTURE (picture), title);
  gtk_widget_set_size_request (picture, THUMBNAIL, THUMBNAIL);
  gtk_widget_set_overflow (picture, GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_valign (picture, GTK_ALIGN_CENTER);

  label = gtk_label_new (title);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 16);
  gtk_widget_add_css_class (label, "caption");

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "circular");
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, _ ("Remove Reference"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, remove,
                                  -1);
  g_object_set_data (G_OBJECT (button), "node", node);
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_remove_clicked), self,
                           G_CONNECT_SWAPPED);

  gtk_widget_add_css_class (chip, "esp-chip");
  /* A panorama is cut; the title must not go far away. */
  adw_clamp_set_maximum_size (ADW_CLAMP (clamp), MAX_WIDTH);
  adw_clamp_set_tightening_threshold (ADW_CLAMP (clamp), MAX_WIDTH);
  adw_clamp_set_child (ADW_CLAMP (clamp), picture);
  gtk_accessible_update_property (GTK_ACCESSIBLE (sign), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("More than the chosen model takes"), -1);
  gtk_widget_set_visible (sign, FALSE);
  gtk_widget_set_margin_start (sign, 6);
  gtk_box_append (GTK_BOX (chip), sign);
  g_object_set_data (G_OBJECT (chip), "sign", sign);
  gtk_box_append (GTK_BOX (chip), clamp);
  g_object_set_data (G_OBJECT (chip), "picture", picture);
  gtk_box_append (GTK_BOX (chip), label);
  gtk_box_append (GTK_BOX (chip), button);
  g_object_set_data_full (G_OBJECT (chip), "node", g_object_ref (node), g_object_unref);
  update_thumbnail (self, chip);

  return chip;
}

static void
update_marks (EspReferenceChips *self)
{
  GtkWidget *chip;
  guint i = 0;

  for (chip = gtk_widget_get_first_child (self->box); chip != NULL;
       chip = gtk_widget_get_next_sibling (chip), i++)
    {
      if (i < self->maximum)
        gtk_widget_remove_css_class (chip, "warning");
      else
        gtk_widget_add_css_class (chip, "warning");
      gtk_widget_set_tooltip_text (
          chip, i < self->maximum ? NULL : _ ("More than the chosen model takes"));
      gtk_widget_set_visible (g_object_get_data (G_OBJECT (chip), "sign"), i >= self->maximum);
    }
  gtk_widget_set_visible (GTK_WIDGET (self), self->nodes->len > 0);
}

static void
esp_reference_chips_dispose (GObject *object)
{
  EspReferenceChips *self = ESP_REFERENCE_CHIPS (object);

  g_clear_pointer (&self->scroller, gtk_widget_unparent);
  g_clear_object (&self->document);

  G_OBJECT_CLASS (esp_reference_chips_parent_class)->dispose (object);
}

static void
esp_reference_chips_finalize (GObject *object)
{
  EspReferenceChips *self = ESP_REFERENCE_CHIPS (object);

  g_clear_pointer (&self->nodes, g_ptr_array_unref);

  G_OBJECT_CLASS (esp_reference_chips_parent_class)->finalize (object);
}

static void
esp_reference_chips_class_init (EspReferenceChipsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_reference_chips_dispose;
  object_class->finalize = esp_reference_chips_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_reference_chips_init (EspReferenceChips *self)
{
  self->nodes = g_ptr_array_new_with_free_func (g_object_unref);
  self->maximum = G_MAXUINT;
  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  self->scroller = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), GTK_POLICY_AUTOMATIC,
                                  GTK_POLICY_NEVER);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scroller), self->box);
  gtk_widget_set_parent (self->scroller, GTK_WIDGET (self));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("References"), -1);
  g_signal_connect_object (esp_texture_cache_get_default (), "loaded", G_CALLBACK (on_loaded), self,
                           G_CONNECT_SWAPPED);
  update_marks (self);
}

GtkWidget *
esp_reference_chips_new (void)
{
  return g_object_new (ESP_TYPE_REFERENCE_CHIPS, NULL);
}

void
esp_reference_chips_set_document (EspReferenceChips *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_REFERENCE_CHIPS (self));

  esp_reference_chips_clear (self);
  if (self->document != NULL)
    g_signal_handlers_disconnect_by_data (self->document, self);
  g_set_object (&self->document, document);
  if (document != NULL)
    g_signal_connect_object (document, "node-removed", G_CALLBACK (esp_reference_chips_remove),
                             self, G_CONNECT_SWAPPED);
}

void
esp_reference_chips_set_maximum (EspReferenceChips *self, guint maximum)
{
  g_return_if_fail (ESP_IS_REFERENCE_CHIPS (self));

  self->maximum = maximum;
  update_marks (self);
}

gboolean
esp_reference_chips_add (EspReferenceChips *self, EspNode *node)
{
  g_return_val_if_fail (ESP_IS_REFERENCE_CHIPS (self), FALSE);
  g_return_val_if_fail (ESP_IS_NODE (node), FALSE);

  if (g_ptr_array_find (self->nodes, node, NULL))
    return FALSE;

  g_ptr_array_add (self->nodes, g_object_ref (node));
  gtk_box_append (GTK_BOX (self->box), create_chip (self, node));
  update_marks (self);
  g_signal_emit (self, signals[CHANGED], 0);

  return TRUE;
}

/* What had the keyboard has gone: the next one's button gets it, or else what is around. */
static void
keep_focus (EspReferenceChips *self, GtkWidget *next)
{
  if (next != NULL)
    {
      gtk_widget_grab_focus (gtk_widget_get_last_child (next));
      return;
    }
  for (GtkWidget *above = gtk_widget_get_parent (GTK_WIDGET (self));
       above != NULL && !gtk_widget_grab_focus (above); above = gtk_widget_get_parent (above))
    ;
}

void
esp_reference_chips_remove (EspReferenceChips *self, EspNode *node)
{
  GtkWidget *chip, *next;
  gboolean had_focus;
  guint index;

  g_return_if_fail (ESP_IS_REFERENCE_CHIPS (self));

  if (!g_ptr_array_find (self->nodes, node, &index))
    return;

  chip = gtk_widget_get_first_child (self->box);
  for (guint i = 0; i < index; i++)
    chip = gtk_widget_get_next_sibling (chip);
  had_focus = gtk_widget_get_focus_child (self->box) == chip;
  next = gtk_widget_get_next_sibling (chip);
  if (next == NULL)
    next = gtk_widget_get_prev_sibling (chip);
  gtk_box_remove (GTK_BOX (self->box), chip);
  g_ptr_array_remove_index (self->nodes, index);
  update_marks (self);
  if (had_focus)
    keep_focus (self, next);
  g_signal_emit (self, signals[CHANGED], 0);
}

void
esp_reference_chips_clear (EspReferenceChips *self)
{
  g_return_if_fail (ESP_IS_REFERENCE_CHIPS (self));

  while (self->nodes->len > 0)
    esp_reference_chips_remove (self, g_ptr_array_index (self->nodes, self->nodes->len - 1));
}

GPtrArray *
esp_reference_chips_get_nodes (EspReferenceChips *self)
{
  g_return_val_if_fail (ESP_IS_REFERENCE_CHIPS (self), NULL);

  return self->nodes;
}
