/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-title.c: see esp-compare-title.h. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-title.h"

#include <glib/gi18n-lib.h>

#include "esp-compare-words.h"

#define GAP 6 /* px between two parts */

struct _EspCompareTitle
{
  GtkWidget parent_instance;

  GtkWidget *letter, *title, *state, *stars, *rejected, *remote, *model, *menu;
  EspNode *node;
  GSignalGroup *signals;
  guint index, n_nodes;
};

G_DEFINE_FINAL_TYPE (EspCompareTitle, esp_compare_title, GTK_TYPE_WIDGET)

EspNode *
esp_compare_title_get_node (EspCompareTitle *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_TITLE (self), NULL);

  return self->node;
}

/* --- The menu --------------------------------------------------------------------------------- */

static void
append (GMenu *menu, const char *label, const char *action, GVariant *target)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target_value (item, action, target);
  g_menu_append_item (menu, item);
}

static GMenuModel *
create_stars_menu (EspCompareTitle *self)
{
  GMenu *menu = g_menu_new ();

  for (int stars = 0; stars <= ESP_NODE_MAX_STARS; stars++)
    {
      g_autofree char *some = g_strdup_printf (
          g_dngettext (GETTEXT_PACKAGE, "%d Star", "%d Stars", (gulong) stars), stars);

      append (menu, stars == 0 ? _ ("No Stars") : some, "compare.stars",
              g_variant_new ("(ui)", self->index, stars));
    }
  return G_MENU_MODEL (menu);
}

static GMenuModel *
create_menu (EspCompareTitle *self)
{
  GMenu *menu = g_menu_new ();
  g_autoptr (GMenu) going_on = g_menu_new ();
  g_autoptr (GMenu) marks = g_menu_new ();
  g_autoptr (GMenu) place = g_menu_new ();
  g_autoptr (GMenuModel) stars = create_stars_menu (self);

  append (going_on, _ ("_Continue From This One"), "compare.continue",
          g_variant_new_uint32 (self->index));
  if (esp_node_get_kind (self->node) == ESP_NODE_TURN)
    append (going_on, _ ("_Use These Settings"), "compare.use-settings",
            g_variant_new_uint32 (self->index));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (going_on));

  g_menu_append_submenu (marks, _ ("_Stars"), stars);
  append (marks, esp_node_get_rejected (self->node) ? _ ("_Take Back Rejection") : _ ("Re_ject"),
          "compare.reject", g_variant_new_uint32 (self->index));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (marks));

  if (self->n_nodes > 2)
    {
      append (place, _ ("_Remove From Comparison"), "compare.remove",
              g_variant_new_uint32 (self->index));
      g_menu_append_section (menu, NULL, G_MENU_MODEL (place));
    }
  return G_MENU_MODEL (menu);
}

/* Also while it is about nothing. */
static void
name_menu (EspCompareTitle *self)
{
  /* Translators: the menu of an image in a comparison; %s is its letter. */
  g_autofree char *tooltip
      = g_strdup_printf (_ ("Actions for %s"), esp_compare_words_get_letter (self->index));

  gtk_widget_set_tooltip_text (self->menu, tooltip);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->menu), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  tooltip, -1);
}

/* Made when it is asked for, and kept until it is asked for again: see esp_compare_pane_let_go ()
 * on menus that are replaced while something is chosen in them. */
static void
create_menu_popup (GtkMenuButton *button, gpointer user_data)
{
  EspCompareTitle *self = user_data;
  g_autoptr (GMenuModel) menu = self->node != NULL ? create_menu (self) : NULL;

  gtk_menu_button_set_menu_model (button, menu);
}

/* --- The line --------------------------------------------------------------------------------- */

static void
update_marks (EspCompareTitle *self)
{
  const int stars = esp_node_get_stars (self->node);
  const gboolean rejected = esp_node_get_rejected (self->node);
  g_autofree char *shown = stars > 1 ? g_strdup_printf ("★%d", stars) : g_strdup ("★");
  g_autofree char *words = g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%d star", "%d stars", (gulong) stars), stars);

  gtk_label_set_label (GTK_LABEL (self->stars), shown);
  gtk_widget_set_tooltip_text (self->stars, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->stars), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  words, -1);
  gtk_widget_set_visible (self->stars, stars > 0);
  gtk_widget_set_visible (self->rejected, rejected);
  if (rejected)
    gtk_widget_add_css_class (self->title, "dim-label");
  else
    gtk_widget_remove_css_class (self->title, "dim-label");
}

static void
update_state (EspCompareTitle *self)
{
  g_autofree char *state = esp_compare_words_dup_state (self->node);

  gtk_label_set_label (GTK_LABEL (self->state), state != NULL ? state : "");
  gtk_widget_set_visible (self->state, state != NULL);
}

static void
update (EspCompareTitle *self)
{
  const char *backend, *model;
  g_autofree char *title = NULL;

  if (self->node == NULL)
    return;
  title = esp_node_dup_title (self->node);
  backend = esp_node_get_backend (self->node);
  model = esp_node_get_model_name (self->node);
  gtk_label_set_label (GTK_LABEL (self->letter), esp_compare_words_get_letter (self->index));
  gtk_label_set_label (GTK_LABEL (self->title), title);
  gtk_widget_set_tooltip_text (self->title, title);
  gtk_label_set_label (GTK_LABEL (self->model), model != NULL ? model : "");
  gtk_widget_set_tooltip_text (self->model, model);
  gtk_widget_set_visible (self->model, model != NULL);
  gtk_widget_set_visible (self->remote, backend != NULL && !g_str_equal (backend, "local"));
  update_marks (self);
  update_state (self);
  name_menu (self);
}

static void
on_node_changed (EspCompareTitle *self, guint what)
{
  if (what & ~(guint) ESP_NODE_CHANGE_FOLDED)
    update (self);
}

void
esp_compare_title_set_node (EspCompareTitle *self, EspNode *node, guint index, guint n_nodes)
{
  g_return_if_fail (ESP_IS_COMPARE_TITLE (self));
  g_return_if_fail (node == NULL || ESP_IS_NODE (node));

  g_set_object (&self->node, node);
  self->index = index;
  self->n_nodes = n_nodes;
  g_signal_group_set_target (self->signals, node);
  update (self);
}

void
esp_compare_title_popup_menu (EspCompareTitle *self)
{
  g_return_if_fail (ESP_IS_COMPARE_TITLE (self));

  gtk_menu_button_popup (GTK_MENU_BUTTON (self->menu));
}

void
esp_compare_title_set_chosen (EspCompareTitle *self, gboolean chosen)
{
  g_return_if_fail (ESP_IS_COMPARE_TITLE (self));

  if (chosen)
    gtk_widget_add_css_class (GTK_WIDGET (self), "chosen");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "chosen");
}

/* --- Layout ----------------------------------------------------------------------------------- */

/* Everything has what it needs but the title, which gives way; the model's name is there only where
 * room is left for it. */

static int
get_width (GtkWidget *child, gboolean natural)
{
  int sizes[2] = { 0, 0 };

  if (gtk_widget_should_layout (child))
    gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &sizes[0], &sizes[1], NULL, NULL);
  return sizes[natural ? 1 : 0];
}

static void
esp_compare_title_measure (GtkWidget *widget, GtkOrientation orientation, int for_size,
                           int *minimum, int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspCompareTitle *self = ESP_COMPARE_TITLE (widget);

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      int child_minimum, child_natural;

      if (!gtk_widget_should_layout (child))
        continue;
      gtk_widget_measure (child, orientation, -1, &child_minimum, &child_natural, NULL, NULL);
      if (orientation == GTK_ORIENTATION_VERTICAL)
        {
          *minimum = MAX (*minimum, child_minimum);
          *natural = MAX (*natural, child_natural);
          continue;
        }
      if (child != self->model)
        *minimum
            += (child == self->title || child == self->state ? child_minimum : child_natural) + GAP;
      *natural += child_natural + GAP;
    }
}

/* What is left of `width` for title, state and model. */
static int
get_room (EspCompareTitle *self, int width)
{
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    if (child != self->title && child != self->state && child != self->model
        && gtk_widget_should_layout (child))
      width -= get_width (child, TRUE) + GAP;
  return width;
}

static void
esp_compare_title_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspCompareTitle *self = ESP_COMPARE_TITLE (widget);
  const gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  const int model_width = get_width (self->model, TRUE);
  int room = get_room (self, width), title, state, model = 0, x = 0;

  title = MIN (get_width (self->title, TRUE), room);
  state = MAX (MIN (get_width (self->state, TRUE), room - title - GAP),
               MIN (get_width (self->state, TRUE), room / 2));
  if (state > 0)
    room -= state + GAP;
  title = MIN (title, room);
  if (model_width > 0 && room - title - GAP >= model_width)
    model = model_width;
  gtk_widget_set_child_visible (self->model, model > 0);
  /* The title takes all that is over, so that what follows is at the end. */
  title = MAX (room - (model > 0 ? model + GAP : 0), get_width (self->title, FALSE));

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkAllocation place = { x, 0, 0, height };

      if (!gtk_widget_should_layout (child) || (child == self->model && model == 0))
        continue;
      place.width = child == self->title   ? title
                    : child == self->state ? state
                    : child == self->model ? model
                                           : get_width (child, TRUE);
      place.width = MAX (place.width, get_width (child, FALSE));
      x += place.width + GAP;
      if (rtl)
        place.x = width - place.x - place.width;
      gtk_widget_size_allocate (child, &place, -1);
    }
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_compare_title_dispose (GObject *object)
{
  EspCompareTitle *self = ESP_COMPARE_TITLE (object);
  GtkWidget *child;

  if (self->signals != NULL)
    g_signal_group_set_target (self->signals, NULL);
  g_clear_object (&self->signals);
  g_clear_object (&self->node);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);

  G_OBJECT_CLASS (esp_compare_title_parent_class)->dispose (object);
}

static void
esp_compare_title_class_init (EspCompareTitleClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = esp_compare_title_dispose;
  widget_class->measure = esp_compare_title_measure;
  widget_class->size_allocate = esp_compare_title_size_allocate;
  gtk_widget_class_set_css_name (widget_class, "comparetitle");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static GtkWidget *
add_label (EspCompareTitle *self, const char *css_class)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  gtk_widget_set_parent (label, GTK_WIDGET (self));
  return label;
}

static GtkWidget *
add_icon (EspCompareTitle *self, const char *icon, const char *words)
{
  GtkWidget *image = gtk_image_new_from_icon_name (icon);

  gtk_widget_set_tooltip_text (image, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (image), GTK_ACCESSIBLE_PROPERTY_LABEL, words, -1);
  gtk_widget_set_parent (image, GTK_WIDGET (self));
  return image;
}

static void
esp_compare_title_init (EspCompareTitle *self)
{
  self->letter = add_label (self, "compare-letter");
  gtk_label_set_ellipsize (GTK_LABEL (self->letter), PANGO_ELLIPSIZE_NONE);
  gtk_widget_set_valign (self->letter, GTK_ALIGN_CENTER);
  self->title = add_label (self, NULL);
  self->state = add_label (self, "dim-label");
  self->stars = add_label (self, "compare-stars");
  gtk_label_set_ellipsize (GTK_LABEL (self->stars), PANGO_ELLIPSIZE_NONE);
  self->rejected = add_icon (self, "esp-rejected-symbolic", _ ("Rejected"));
  self->remote = add_icon (self, "esp-remote-symbolic", _ ("Made by a provider on the network"));
  self->model = add_label (self, "caption");
  gtk_label_set_max_width_chars (GTK_LABEL (self->model), 16);
  gtk_widget_add_css_class (self->model, "dim-label");
  self->menu = gtk_menu_button_new ();
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (self->menu), "view-more-symbolic");
  gtk_widget_add_css_class (self->menu, "flat");
  gtk_widget_set_valign (self->menu, GTK_ALIGN_CENTER);
  gtk_menu_button_set_create_popup_func (GTK_MENU_BUTTON (self->menu), create_menu_popup, self,
                                         NULL);
  name_menu (self);
  gtk_widget_set_parent (self->menu, GTK_WIDGET (self));

  self->signals = g_signal_group_new (ESP_TYPE_NODE);
  g_signal_group_connect_swapped (self->signals, "changed", G_CALLBACK (on_node_changed), self);
  g_signal_group_connect_swapped (self->signals, "progress", G_CALLBACK (update_state), self);
}

GtkWidget *
esp_compare_title_new (void)
{
  return g_object_new (ESP_TYPE_COMPARE_TITLE, NULL);
}
