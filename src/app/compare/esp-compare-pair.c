/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-pair.c: see esp-compare-pair.h. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-pair.h"

#include <glib/gi18n-lib.h>

#include "esp-compare-title.h"
#include "esp-compare-words.h"
#include "esp-focus-chain.h"

struct _EspComparePair
{
  GtkWidget parent_instance;

  GtkWidget *overlay, *divider, *chip, *spinner, *titles, *title_a, *title_b;
  EspImageView *view;
  EspDocument *document;
  EspComparePicture *a, *b;
  EspDifferenceMap *difference;
  EspFrameSize frame;
  EspCompareMode mode;
  char *name_a, *name_b;
  guint b_index;
  double opacity;
  double pointer_x, pointer_y; /* < 0: elsewhere */
  guint showing_a : 1;
};

G_DEFINE_FINAL_TYPE (EspComparePair, esp_compare_pair, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_SHOWING_A,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- Drawing ---------------------------------------------------------------------------------- */

static void
paint_divided (EspComparePair *self, GtkSnapshot *snapshot, const graphene_rect_t *place,
               const graphene_rect_t *visible, double density)
{
  const EspCompareLine line = esp_compare_divider_get_line (ESP_COMPARE_DIVIDER (self->divider));
  GtkSnapshot *part = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  graphene_rect_t area;

  esp_compare_picture_snapshot (self->b, snapshot, self->frame, place, visible, density);
  esp_compare_picture_snapshot (self->a, part, self->frame, place, visible, density);
  node = gtk_snapshot_free_to_node (part);
  if (node != NULL && graphene_rect_intersection (place, visible, &area))
    esp_compare_line_append_half (
        &line, snapshot, node, &area,
        gtk_native_get_renderer (gtk_widget_get_native (GTK_WIDGET (self))));
}

static void
paint (GtkSnapshot *snapshot, const graphene_rect_t *place, const graphene_rect_t *visible,
       double density, gpointer data)
{
  EspComparePair *self = data;

  switch (self->mode)
    {
    case ESP_COMPARE_SLIDER:
      paint_divided (self, snapshot, place, visible, density);
      break;
    case ESP_COMPARE_FLICKER:
      esp_compare_picture_snapshot (self->showing_a ? self->a : self->b, snapshot, self->frame,
                                    place, visible, density);
      break;
    case ESP_COMPARE_ONION:
      esp_compare_picture_snapshot (self->a, snapshot, self->frame, place, visible, density);
      gtk_snapshot_push_opacity (snapshot, self->opacity);
      esp_compare_picture_snapshot (self->b, snapshot, self->frame, place, visible, density);
      gtk_snapshot_pop (snapshot);
      break;
    case ESP_COMPARE_DIFFERENCE:
      esp_difference_map_snapshot (self->difference, snapshot, place, visible, density);
      break;
    case ESP_COMPARE_SIDE:
    default:
      g_return_if_reached ();
    }
}

/* --- Words ------------------------------------------------------------------------------------ */

static char *
dup_name (EspComparePair *self)
{
  EspDifference *difference;

  if (self->name_a == NULL || self->name_b == NULL)
    return g_strdup ("");
  switch (self->mode)
    {
    case ESP_COMPARE_FLICKER:
      return g_strdup (self->showing_a ? self->name_a : self->name_b);
    case ESP_COMPARE_DIFFERENCE:
      difference = esp_difference_map_get_difference (self->difference);
      if (difference == NULL)
        return g_strdup (_ ("Difference"));
      return esp_compare_words_dup_figures (esp_difference_get_figures (difference));
    case ESP_COMPARE_SIDE:
    case ESP_COMPARE_SLIDER:
    case ESP_COMPARE_ONION:
    default:
      /* Translators: what a screen reader says of two images in one place. */
      return g_strdup_printf (_ ("%s; %s"), self->name_a, self->name_b);
    }
}

static void
update_chip (EspComparePair *self)
{
  g_autofree char *title = esp_compare_words_dup_title (
      esp_compare_picture_get_node (self->showing_a ? self->a : self->b));
  g_autofree char *text = g_strdup_printf (
      _ ("%s: %s"), esp_compare_words_get_letter (self->showing_a ? 0 : self->b_index), title);

  gtk_label_set_label (GTK_LABEL (self->chip), text);
}

static void
update_words (EspComparePair *self)
{
  const gboolean flicker = self->mode == ESP_COMPARE_FLICKER;
  g_autofree char *name = dup_name (self);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                  -1);
  gtk_widget_set_visible (self->chip, flicker && self->a != NULL);
  if (self->a != NULL)
    update_chip (self);
  esp_compare_title_set_chosen (ESP_COMPARE_TITLE (self->title_a), flicker && self->showing_a);
  esp_compare_title_set_chosen (ESP_COMPARE_TITLE (self->title_b), flicker && !self->showing_a);
}

static void
tell_changed (EspComparePair *self)
{
  update_words (self);
  gtk_widget_queue_draw (GTK_WIDGET (self->view));
  g_signal_emit (self, signals[CHANGED], 0);
}

void
esp_compare_pair_set_names (EspComparePair *self, const char *a, const char *b)
{
  g_return_if_fail (ESP_IS_COMPARE_PAIR (self));

  g_free (self->name_a);
  g_free (self->name_b);
  self->name_a = g_strdup (a);
  self->name_b = g_strdup (b);
  update_words (self);
}

/* --- What is shown ---------------------------------------------------------------------------- */

static void
update_difference (EspComparePair *self)
{
  if (self->mode == ESP_COMPARE_DIFFERENCE && self->a != NULL)
    esp_difference_map_set_nodes (self->difference, self->document,
                                  esp_compare_picture_get_node (self->a),
                                  esp_compare_picture_get_node (self->b));
}

static void
on_picture_changed (EspComparePair *self)
{
  update_difference (self);
  gtk_widget_queue_draw (GTK_WIDGET (self->view));
}

static void
on_difference_changed (EspComparePair *self)
{
  const gboolean slow = esp_difference_map_is_slow (self->difference);

  gtk_widget_set_visible (self->spinner, slow && self->mode == ESP_COMPARE_DIFFERENCE);
  gtk_spinner_set_spinning (GTK_SPINNER (self->spinner), slow);
  tell_changed (self);
}

static void
take_picture (EspComparePair *self, EspComparePicture **place, EspComparePicture *picture)
{
  if (picture != NULL)
    g_object_ref (picture);
  if (*place != NULL)
    g_signal_handlers_disconnect_by_func (*place, on_picture_changed, self);
  g_clear_object (place);
  *place = picture;
  if (picture != NULL)
    g_signal_connect_object (picture, "changed", G_CALLBACK (on_picture_changed), self,
                             G_CONNECT_SWAPPED);
}

void
esp_compare_pair_set_pictures (EspComparePair *self, EspDocument *document, EspComparePicture *a,
                               EspComparePicture *b, EspFrameSize frame, guint b_index, guint n)
{
  g_return_if_fail (ESP_IS_COMPARE_PAIR (self));
  g_return_if_fail ((a == NULL) == (b == NULL));

  take_picture (self, &self->a, a);
  take_picture (self, &self->b, b);
  g_set_object (&self->document, document);
  self->frame = frame;
  self->b_index = b_index;
  if (a == NULL)
    {
      esp_image_view_set_painter (self->view, NULL, NULL, 0, 0);
      esp_difference_map_set_nodes (self->difference, NULL, NULL, NULL);
      return;
    }
  esp_image_view_set_painter (self->view, paint, self, frame.width, frame.height);
  esp_compare_title_set_node (ESP_COMPARE_TITLE (self->title_a), esp_compare_picture_get_node (a),
                              0, n);
  esp_compare_title_set_node (ESP_COMPARE_TITLE (self->title_b), esp_compare_picture_get_node (b),
                              b_index, n);
  update_difference (self);
  tell_changed (self);
}

void
esp_compare_pair_set_mode (EspComparePair *self, EspCompareMode mode)
{
  g_return_if_fail (ESP_IS_COMPARE_PAIR (self));
  g_return_if_fail (mode != ESP_COMPARE_SIDE);

  self->mode = mode;
  gtk_widget_set_visible (self->divider, mode == ESP_COMPARE_SLIDER);
  update_difference (self);
  on_difference_changed (self);
}

EspImageView *
esp_compare_pair_get_view (EspComparePair *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_PAIR (self), NULL);

  return self->view;
}

EspCompareDivider *
esp_compare_pair_get_divider (EspComparePair *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_PAIR (self), NULL);

  return ESP_COMPARE_DIVIDER (self->divider);
}

EspDifferenceMap *
esp_compare_pair_get_difference (EspComparePair *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_PAIR (self), NULL);

  return self->difference;
}

gboolean
esp_compare_pair_get_showing_a (EspComparePair *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_PAIR (self), FALSE);

  return self->showing_a;
}

void
esp_compare_pair_set_showing_a (EspComparePair *self, gboolean showing)
{
  g_return_if_fail (ESP_IS_COMPARE_PAIR (self));

  if (self->showing_a == (showing ? 1 : 0))
    return;
  self->showing_a = showing ? 1 : 0;
  tell_changed (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOWING_A]);
}

double
esp_compare_pair_get_opacity (EspComparePair *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_PAIR (self), 0.5);

  return self->opacity;
}

void
esp_compare_pair_set_opacity (EspComparePair *self, double opacity)
{
  g_return_if_fail (ESP_IS_COMPARE_PAIR (self));

  self->opacity = CLAMP (opacity, 0, 1);
  gtk_widget_queue_draw (GTK_WIDGET (self->view));
}

/* --- The pointer ------------------------------------------------------------------------------ */

double
esp_compare_pair_get_pointed (EspComparePair *self)
{
  EspDifference *difference;
  graphene_rect_t place;
  EspFrameSize frame;
  double x, y;

  g_return_val_if_fail (ESP_IS_COMPARE_PAIR (self), -1);

  difference = esp_difference_map_get_difference (self->difference);
  if (self->mode != ESP_COMPARE_DIFFERENCE || self->pointer_x < 0 || difference == NULL)
    return -1;
  esp_image_view_get_place (self->view, &place);
  if (place.size.width <= 0 || place.size.height <= 0)
    return -1;
  frame = esp_difference_get_frame (difference);
  x = (self->pointer_x - place.origin.x) / place.size.width * frame.width;
  y = (self->pointer_y - place.origin.y) / place.size.height * frame.height;
  if (x < 0 || y < 0 || x >= frame.width || y >= frame.height)
    return -1;
  return esp_difference_get_value (difference, (int) x, (int) y);
}

void
esp_compare_pair_point_at (EspComparePair *self, double x, double y)
{
  g_return_if_fail (ESP_IS_COMPARE_PAIR (self));

  self->pointer_x = x;
  self->pointer_y = y;
  if (self->mode == ESP_COMPARE_DIFFERENCE)
    g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_pointer_left (EspComparePair *self)
{
  esp_compare_pair_point_at (self, -1, -1);
}

void
esp_compare_pair_popup_menu (EspComparePair *self, gboolean of_a)
{
  g_return_if_fail (ESP_IS_COMPARE_PAIR (self));

  esp_compare_title_popup_menu (ESP_COMPARE_TITLE (of_a ? self->title_a : self->title_b));
}

/* That of the image that is seen under the pointer. */
static void
on_menu (EspComparePair *self, int n_press, double x, double y)
{
  const EspCompareLine line = esp_compare_divider_get_line (ESP_COMPARE_DIVIDER (self->divider));
  gboolean of_a = self->mode == ESP_COMPARE_FLICKER && self->showing_a;

  if (self->mode == ESP_COMPARE_SLIDER)
    of_a = (x - line.x) * line.normal_x + (y - line.y) * line.normal_y < 0;
  esp_compare_pair_popup_menu (self, of_a);
}

static void
on_held (EspComparePair *self)
{
  if (self->mode == ESP_COMPARE_FLICKER)
    esp_compare_pair_set_showing_a (self, TRUE);
}

static void
on_let_go (EspComparePair *self)
{
  if (self->mode == ESP_COMPARE_FLICKER)
    esp_compare_pair_set_showing_a (self, FALSE);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
esp_compare_pair_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspComparePair *self = ESP_COMPARE_PAIR (object);

  switch (prop_id)
    {
    case PROP_SHOWING_A:
      g_value_set_boolean (value, self->showing_a);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_compare_pair_set_property (GObject *object, guint prop_id, const GValue *value,
                               GParamSpec *pspec)
{
  EspComparePair *self = ESP_COMPARE_PAIR (object);

  switch (prop_id)
    {
    case PROP_SHOWING_A:
      esp_compare_pair_set_showing_a (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static gboolean
esp_compare_pair_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (ESP_COMPARE_PAIR (widget)->view));
}

static void
esp_compare_pair_dispose (GObject *object)
{
  EspComparePair *self = ESP_COMPARE_PAIR (object);

  if (self->view != NULL)
    esp_image_view_set_painter (self->view, NULL, NULL, 0, 0);
  self->view = NULL;
  take_picture (self, &self->a, NULL);
  take_picture (self, &self->b, NULL);
  if (self->difference != NULL)
    g_signal_handlers_disconnect_by_func (self->difference, on_difference_changed, self);
  g_clear_object (&self->difference);
  g_clear_object (&self->document);
  g_clear_pointer (&self->name_a, g_free);
  g_clear_pointer (&self->name_b, g_free);
  g_clear_pointer (&self->overlay, gtk_widget_unparent);
  g_clear_pointer (&self->titles, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_compare_pair_parent_class)->dispose (object);
}

static void
esp_compare_pair_class_init (EspComparePairClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->dispose = esp_compare_pair_dispose;
  object_class->get_property = esp_compare_pair_get_property;
  object_class->set_property = esp_compare_pair_set_property;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_compare_pair_grab_focus;
  properties[PROP_SHOWING_A]
      = g_param_spec_boolean ("showing-a", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "comparepair");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
add_overlays (EspComparePair *self)
{
  self->divider = esp_compare_divider_new (self->view);
  gtk_overlay_add_overlay (GTK_OVERLAY (self->overlay), self->divider);

  self->chip = gtk_label_new (NULL);
  gtk_widget_add_css_class (self->chip, "osd");
  gtk_widget_add_css_class (self->chip, "compare-chip");
  gtk_label_set_ellipsize (GTK_LABEL (self->chip), PANGO_ELLIPSIZE_END);
  gtk_widget_set_halign (self->chip, GTK_ALIGN_START);
  gtk_widget_set_valign (self->chip, GTK_ALIGN_START);
  gtk_widget_set_can_target (self->chip, FALSE);
  gtk_overlay_add_overlay (GTK_OVERLAY (self->overlay), self->chip);

  self->spinner = gtk_spinner_new ();
  gtk_widget_set_halign (self->spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (self->spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_size_request (self->spinner, 32, 32);
  gtk_widget_set_visible (self->spinner, FALSE);
  gtk_overlay_add_overlay (GTK_OVERLAY (self->overlay), self->spinner);
}

static void
add_controllers (EspComparePair *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkGesture *hold = gtk_gesture_click_new ();
  GtkGesture *menu = gtk_gesture_click_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();

  g_signal_connect_swapped (motion, "enter", G_CALLBACK (esp_compare_pair_point_at), self);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (esp_compare_pair_point_at), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (on_pointer_left), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), motion);

  g_signal_connect_swapped (hold, "pressed", G_CALLBACK (on_held), self);
  g_signal_connect_swapped (hold, "released", G_CALLBACK (on_let_go), self);
  g_signal_connect_swapped (hold, "cancel", G_CALLBACK (on_let_go), self);
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (hold), GTK_PHASE_CAPTURE);
  gtk_widget_add_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (hold));
  /* The key that is held may be let go elsewhere. */
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (on_let_go), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), focus);

  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (menu), GDK_BUTTON_SECONDARY);
  g_signal_connect_swapped (menu, "pressed", G_CALLBACK (on_menu), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (menu));
}

static void
esp_compare_pair_init (EspComparePair *self)
{
  GtkWidget *scroller = gtk_scrolled_window_new ();

  self->opacity = 0.5;
  self->pointer_x = self->pointer_y = -1;
  self->mode = ESP_COMPARE_SLIDER;
  gtk_orientable_set_orientation (
      GTK_ORIENTABLE (gtk_widget_get_layout_manager (GTK_WIDGET (self))), GTK_ORIENTATION_VERTICAL);
  self->difference = esp_difference_map_new ();
  g_signal_connect_swapped (self->difference, "changed", G_CALLBACK (on_difference_changed), self);

  self->view = ESP_IMAGE_VIEW (esp_image_view_new ());
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_EXTERNAL,
                                  GTK_POLICY_EXTERNAL);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), GTK_WIDGET (self->view));
  self->overlay = gtk_overlay_new ();
  gtk_overlay_set_child (GTK_OVERLAY (self->overlay), scroller);
  gtk_widget_set_vexpand (self->overlay, TRUE);
  gtk_widget_set_hexpand (self->overlay, TRUE);
  gtk_widget_set_parent (self->overlay, GTK_WIDGET (self));
  add_overlays (self);

  self->titles = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  gtk_box_set_homogeneous (GTK_BOX (self->titles), TRUE);
  self->title_a = esp_compare_title_new ();
  self->title_b = esp_compare_title_new ();
  gtk_box_append (GTK_BOX (self->titles), self->title_a);
  gtk_box_append (GTK_BOX (self->titles), self->title_b);
  gtk_widget_set_parent (self->titles, GTK_WIDGET (self));
  add_controllers (self);
}

GtkWidget *
esp_compare_pair_new (void)
{
  return g_object_new (ESP_TYPE_COMPARE_PAIR, NULL);
}
