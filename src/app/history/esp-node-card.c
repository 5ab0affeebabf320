/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-card.c: see esp-node-card.h. */
#include "esp-node-card.h"

#include <glib/gi18n-lib.h>

#define MAX_NAME 120 /* characters of an instruction that a screen reader reads */

struct _EspNodeCard
{
  GtkWidget parent_instance;

  EspNodePainter *painter;
  EspTreeItem item; /* node and leader owned */
  EspNodeDetail detail;
  EspNodeLook look;
  double scale, distance;
  PangoLayout *caption;
  gboolean caption_stale;
  EspPicture *preview_picture;
  GdkTexture *preview; /* of preview_picture */
};

G_DEFINE_FINAL_TYPE (EspNodeCard, esp_node_card, GTK_TYPE_WIDGET)

enum
{
  ACTIVATE,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* --- Words ------------------------------------------------------------------------------------ */

static const char *
state_name (EspNodeState state)
{
  switch (state)
    {
    case ESP_NODE_QUEUED:
      return _ ("waiting");
    case ESP_NODE_RUNNING:
      return _ ("running");
    case ESP_NODE_FAILED:
      return _ ("failed");
    case ESP_NODE_CANCELLED:
      return _ ("stopped");
    case ESP_NODE_BLOCKED:
      return _ ("refused by the provider");
    case ESP_NODE_DONE:
    default:
      return NULL;
    }
}

static const char *
tag_name (int tag)
{
  static const char *const names[ESP_NODE_N_TAGS]
      = { N_ ("blue"), N_ ("green"),  N_ ("yellow"), N_ ("orange"),
          N_ ("red"),  N_ ("purple"), N_ ("brown"),  N_ ("grey") };

  return tag > 0 && tag <= ESP_NODE_N_TAGS ? _ (names[tag - 1]) : NULL;
}

static void
add_part (GString *name, const char *part)
{
  /* Translators: stands between the parts of what a screen reader says about a node. */
  g_string_append (name, _ (", "));
  g_string_append (name, part);
}

static void
add_counts (GString *name, const EspTreeItem *item)
{
  int stars = esp_node_get_stars (item->node);

  if (item->sweep != 0 && item->n_under_way > 0)
    add_part (name, _ ("running"));
  else if (item->sweep == 0 && item->stack_size > 1)
    {
      g_autofree char *part
          = g_strdup_printf (_ ("variation %u of %u"), item->stack_position + 1, item->stack_size);

      add_part (name, part);
    }
  if (stars == 1)
    add_part (name, _ ("starred"));
  else if (stars > 1)
    {
      g_autofree char *part = g_strdup_printf (
          g_dngettext (GETTEXT_PACKAGE, "%d star", "%d stars", (gulong) stars), stars);

      add_part (name, part);
    }
  if (item->n_hidden > 0)
    {
      g_autofree char *part = g_strdup_printf (
          g_dngettext (GETTEXT_PACKAGE, "%u hidden below", "%u hidden below", item->n_hidden),
          item->n_hidden);

      add_part (name, part);
    }
}

/* The title is the first line: of it, what is heard in one breath. */
static char *
dup_short_title (EspNode *node)
{
  g_autofree char *title = esp_node_dup_title (node);
  g_autofree char *start = NULL;

  if (g_utf8_strlen (title, -1) <= MAX_NAME)
    return g_steal_pointer (&title);
  start = g_strchomp (g_utf8_substring (title, 0, MAX_NAME));
  return g_strconcat (start, "…", NULL);
}

char *
esp_node_card_dup_name (const EspTreeItem *item, EspRegistry *registry)
{
  EspNode *node = item->node;
  g_autofree char *title = dup_short_title (node);
  GString *name = g_string_new (NULL);
  const char *backend = esp_node_get_backend (node);

  if (item->sweep != 0)
    {
      g_autofree char *progress = esp_tree_item_dup_progress (item);

      /* Translators: what a screen reader says about the cells of a sweep as one item: its title,
       * "12 of 16 done". */
      g_string_append_printf (name, _ ("Sweep %s, %s"), item->title, progress);
      add_counts (name, item);
      return g_string_free (name, FALSE);
    }
  if (esp_node_get_kind (node) == ESP_NODE_IMPORTED)
    /* Translators: what a screen reader says about a picture that came from outside; %s is its
     * label or file name. */
    g_string_append_printf (name, _ ("Image: %s"), title);
  else if (esp_node_get_depth (node) == 0)
    /* Translators: what a screen reader says about a turn whose picture of before is not in the
     * document; %s is its instruction. */
    g_string_append_printf (name, _ ("Turn: %s"), title);
  else
    /* Translators: what a screen reader says about a turn; %u is how many turns lead to it, %s its
     * instruction. */
    g_string_append_printf (name, _ ("Turn %u: %s"), esp_node_get_depth (node), title);
  if (item->title != NULL)
    add_part (name, item->title);
  if (backend)
    add_part (name, esp_registry_get_backend_title (registry, backend));
  if (state_name (esp_node_get_state (node)))
    add_part (name, state_name (esp_node_get_state (node)));
  add_counts (name, item);
  if (tag_name (esp_node_get_tag (node)))
    add_part (name, tag_name (esp_node_get_tag (node)));
  if (esp_node_get_rejected (node))
    add_part (name, _ ("rejected"));
  if (esp_node_is_outdated (node))
    add_part (name, _ ("made from an image that has changed"));
  return g_string_free (name, FALSE);
}

char *
esp_node_card_dup_tooltip (EspNode *node)
{
  g_autofree char *title = esp_node_dup_title (node);
  g_autofree char *difference = esp_node_dup_difference (node);
  const char *text = esp_node_get_message (node);

  if (text == NULL)
    text = difference != NULL && *difference != '\0' ? difference : title;
  if (!esp_node_is_outdated (node))
    return g_strdup (text);
  return g_strconcat (text, "\n", _ ("The image that this was made from has changed."), NULL);
}

char *
esp_node_card_dup_description (const EspTreeItem *item)
{
  g_autofree char *difference = esp_node_dup_difference (item->node);
  /* Translators: what a screen reader says about a node's place: among the %2$u turns of the same
   * picture it is number %1$u; %3$u pictures lead to it. */
  g_autofree char *place = g_strdup_printf (_ ("%1$u of %2$u at level %3$u"), item->position,
                                            item->n_siblings, item->level);

  if (difference == NULL || *difference == '\0')
    return g_steal_pointer (&place);
  return g_strconcat (place, "\n", difference, NULL);
}

/* Text is made when it is drawn: most cards are far away or out of view. */
static void
ensure_caption (EspNodeCard *self)
{
  g_autofree char *title = NULL;
  int width, room;

  if (self->caption && !self->caption_stale)
    return;
  if (!self->caption)
    {
      g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();

      self->caption = gtk_widget_create_pango_layout (GTK_WIDGET (self), NULL);
      pango_attr_list_insert (attributes, pango_attr_scale_new (PANGO_SCALE_SMALL));
      pango_layout_set_attributes (self->caption, attributes);
      pango_layout_set_ellipsize (self->caption, PANGO_ELLIPSIZE_END);
      pango_layout_set_single_paragraph_mode (self->caption, TRUE);
    }
  self->caption_stale = FALSE;
  title = esp_tree_item_dup_title (&self->item);
  pango_layout_set_text (self->caption, title, -1);
  pango_layout_set_width (self->caption, -1);
  room = esp_node_painter_get_caption_width (self->painter, &self->item);
  /* A width makes short texts start at the left: only where the text has to be cut. */
  pango_layout_get_pixel_size (self->caption, &width, NULL);
  if (width > room)
    pango_layout_set_width (self->caption, room * PANGO_SCALE);
}

static void
update_accessible (EspNodeCard *self)
{
  GtkAccessible *accessible = GTK_ACCESSIBLE (self);
  const EspTreeItem *item = &self->item;
  g_autofree char *name
      = esp_node_card_dup_name (item, esp_node_painter_get_registry (self->painter));
  g_autofree char *description = esp_node_card_dup_description (item);

  gtk_accessible_update_property (accessible, GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description,
                                  GTK_ACCESSIBLE_PROPERTY_LEVEL, (int) item->level, -1);
  gtk_accessible_update_relation (accessible, GTK_ACCESSIBLE_RELATION_POS_IN_SET,
                                  (int) item->position, GTK_ACCESSIBLE_RELATION_SET_SIZE,
                                  (int) item->n_siblings, -1);
  if (item->n_hidden > 0 || item->n_children > 0)
    gtk_accessible_update_state (accessible, GTK_ACCESSIBLE_STATE_EXPANDED, item->n_hidden == 0,
                                 -1);
  else
    gtk_accessible_reset_state (accessible, GTK_ACCESSIBLE_STATE_EXPANDED);
  gtk_accessible_update_state (accessible, GTK_ACCESSIBLE_STATE_BUSY,
                               item->sweep != 0
                                   ? item->n_under_way > 0
                                   : esp_node_get_state (item->node) == ESP_NODE_RUNNING,
                               -1);
}

/* --- Showing ---------------------------------------------------------------------------------- */

static void
update_preview (EspNodeCard *self)
{
  EspPicture *picture = esp_node_get_preview (self->item.node);

  /* The last preview stays until the thumbnail of the result is there. */
  if (!picture || picture == self->preview_picture)
    return;
  g_clear_pointer (&self->preview_picture, esp_picture_unref);
  g_clear_object (&self->preview);
  self->preview_picture = esp_picture_ref (picture);
  self->preview = esp_texture_new_for_picture (picture);
}

EspNode *
esp_node_card_get_node (EspNodeCard *self)
{
  g_return_val_if_fail (ESP_IS_NODE_CARD (self), NULL);
  return self->item.node;
}

gboolean
esp_node_card_has_item (EspNodeCard *self, const EspTreeItem *item)
{
  g_return_val_if_fail (ESP_IS_NODE_CARD (self), FALSE);

  return esp_tree_item_equal (&self->item, item);
}

void
esp_node_card_set_item (EspNodeCard *self, const EspTreeItem *item)
{
  EspTreeItem old;

  g_return_if_fail (ESP_IS_NODE_CARD (self));

  old = self->item;
  if (item)
    esp_tree_item_copy (item, &self->item);
  else
    self->item = (EspTreeItem){ NULL };
  if (old.node != self->item.node)
    {
      g_clear_pointer (&self->preview_picture, esp_picture_unref);
      g_clear_object (&self->preview);
    }
  esp_tree_item_clear (&old);

  gtk_widget_set_visible (GTK_WIDGET (self), item != NULL);
  if (item)
    esp_node_card_update (self);
}

void
esp_node_card_update (EspNodeCard *self)
{
  g_return_if_fail (ESP_IS_NODE_CARD (self));

  if (!self->item.node)
    return;
  update_preview (self);
  self->caption_stale = TRUE;
  update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
esp_node_card_update_style (EspNodeCard *self)
{
  g_return_if_fail (ESP_IS_NODE_CARD (self));

  g_clear_object (&self->caption);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
esp_node_card_set_look (EspNodeCard *self, EspNodeDetail detail, EspNodeLook look)
{
  g_return_if_fail (ESP_IS_NODE_CARD (self));

  if (self->detail == detail && self->look == look)
    return;
  self->detail = detail;
  self->look = look;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
esp_node_card_set_scale (EspNodeCard *self, double scale, double distance)
{
  g_return_if_fail (ESP_IS_NODE_CARD (self));

  self->scale = scale;
  self->distance = distance;
}

void
esp_node_card_set_selected (EspNodeCard *self, gboolean selected, gboolean current)
{
  GtkWidget *widget = GTK_WIDGET (self);

  g_return_if_fail (ESP_IS_NODE_CARD (self));

  if (selected)
    gtk_widget_set_state_flags (widget, GTK_STATE_FLAG_SELECTED, FALSE);
  else
    gtk_widget_unset_state_flags (widget, GTK_STATE_FLAG_SELECTED);
  gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_SELECTED,
                               selected || current, -1);
}

static void
esp_node_card_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  EspNodeCard *self = ESP_NODE_CARD (widget);
  /* 128 pixels of the card need the large thumbnail as soon as the screen shows more than 96. */
  double pixels = self->scale * gtk_widget_get_scale_factor (widget) * 128;

  if (!self->item.node)
    return;
  if (self->detail == ESP_NODE_DETAIL_FULL)
    ensure_caption (self);
  esp_node_painter_draw_card (
      self->painter, snapshot, &self->item, gtk_widget_get_width (widget),
      gtk_widget_get_height (widget), self->detail, self->look, self->distance,
      pixels > ESP_THUMBNAIL_SMALL ? ESP_THUMBNAIL_LARGE : ESP_THUMBNAIL_SMALL, self->caption,
      self->preview);
}

static void
esp_node_card_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                       int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspNodeCard *self = ESP_NODE_CARD (widget);
  double width = 0, height = 0;

  if (self->item.node)
    esp_node_painter_measure (self->painter, &self->item, &width, &height);
  *minimum = *natural = (int) (orientation == GTK_ORIENTATION_HORIZONTAL ? width : height);
}

static void
activate_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit (widget, signals[ACTIVATE], 0);
}

static void
esp_node_card_dispose (GObject *object)
{
  EspNodeCard *self = ESP_NODE_CARD (object);

  esp_tree_item_clear (&self->item);
  g_clear_object (&self->caption);
  g_clear_object (&self->preview);
  g_clear_pointer (&self->preview_picture, esp_picture_unref);
  G_OBJECT_CLASS (esp_node_card_parent_class)->dispose (object);
}

static void
esp_node_card_class_init (EspNodeCardClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_node_card_dispose;
  widget_class->snapshot = esp_node_card_snapshot;
  widget_class->measure = esp_node_card_measure;

  signals[ACTIVATE] = g_signal_new ("activate", ESP_TYPE_NODE_CARD, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_install_action (widget_class, "card.activate", NULL, activate_action);
  gtk_widget_class_set_css_name (widget_class, "nodecard");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_TREE_ITEM);
}

static void
esp_node_card_init (EspNodeCard *self)
{
  self->detail = ESP_NODE_DETAIL_FULL;
  self->scale = 1;
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

GtkWidget *
esp_node_card_new (EspNodePainter *painter)
{
  EspNodeCard *self = g_object_new (ESP_TYPE_NODE_CARD, NULL);

  self->painter = painter;
  return GTK_WIDGET (self);
}
