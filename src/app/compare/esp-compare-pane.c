/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-pane.c: see esp-compare-pane.h. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-pane.h"

#include "esp-compare-title.h"
#include "esp-focus-chain.h"

#define LET_GO_DELAY 1000 /* ms, more than GTK's tooltips wait */

struct _EspComparePane
{
  GtkWidget parent_instance;

  GtkWidget *scroller, *title;
  EspImageView *view;
  EspComparePicture *picture;
  EspFrameSize frame;
};

G_DEFINE_FINAL_TYPE (EspComparePane, esp_compare_pane, GTK_TYPE_WIDGET)

enum
{
  CHOSEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
paint (GtkSnapshot *snapshot, const graphene_rect_t *place, const graphene_rect_t *visible,
       double density, gpointer data)
{
  EspComparePane *self = data;

  esp_compare_picture_snapshot (self->picture, snapshot, self->frame, place, visible, density);
}

static void
on_picture_changed (EspComparePane *self)
{
  gtk_widget_queue_draw (GTK_WIDGET (self->view));
}

static void
drop_picture (EspComparePane *self)
{
  if (self->picture != NULL)
    g_signal_handlers_disconnect_by_func (self->picture, on_picture_changed, self);
  g_clear_object (&self->picture);
}

static gboolean
unparent (gpointer pane)
{
  if (gtk_widget_get_parent (pane) != NULL)
    gtk_widget_unparent (pane);
  return G_SOURCE_REMOVE;
}

void
esp_compare_pane_let_go (EspComparePane *self)
{
  g_return_if_fail (ESP_IS_COMPARE_PANE (self));

  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  esp_image_view_set_painter (self->view, NULL, NULL, 0, 0);
  drop_picture (self);
  esp_compare_title_set_node (ESP_COMPARE_TITLE (self->title), NULL, 0, 0);
  g_timeout_add_full (G_PRIORITY_DEFAULT, LET_GO_DELAY, unparent, g_object_ref (self),
                      g_object_unref);
}

void
esp_compare_pane_set_picture (EspComparePane *self, EspComparePicture *picture, EspFrameSize frame,
                              guint index, guint n)
{
  g_return_if_fail (ESP_IS_COMPARE_PANE (self));
  g_return_if_fail (ESP_IS_COMPARE_PICTURE (picture));

  g_object_ref (picture);
  drop_picture (self);
  self->picture = picture;
  self->frame = frame;
  g_signal_connect_object (picture, "changed", G_CALLBACK (on_picture_changed), self,
                           G_CONNECT_SWAPPED);
  esp_image_view_set_painter (self->view, paint, self, frame.width, frame.height);
  esp_compare_title_set_node (ESP_COMPARE_TITLE (self->title),
                              esp_compare_picture_get_node (picture), index, n);
}

EspNode *
esp_compare_pane_get_node (EspComparePane *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_PANE (self), NULL);

  return self->picture != NULL ? esp_compare_picture_get_node (self->picture) : NULL;
}

EspImageView *
esp_compare_pane_get_view (EspComparePane *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_PANE (self), NULL);

  return self->view;
}

void
esp_compare_pane_set_name (EspComparePane *self, const char *name)
{
  g_return_if_fail (ESP_IS_COMPARE_PANE (self));

  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                  -1);
}

void
esp_compare_pane_popup_menu (EspComparePane *self)
{
  g_return_if_fail (ESP_IS_COMPARE_PANE (self));

  esp_compare_title_popup_menu (ESP_COMPARE_TITLE (self->title));
}

void
esp_compare_pane_set_chosen (EspComparePane *self, gboolean chosen)
{
  g_return_if_fail (ESP_IS_COMPARE_PANE (self));

  esp_compare_title_set_chosen (ESP_COMPARE_TITLE (self->title), chosen);
}

static void
on_focus (EspComparePane *self)
{
  g_signal_emit (self, signals[CHOSEN], 0);
}

static gboolean
esp_compare_pane_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (ESP_COMPARE_PANE (widget)->view));
}

static void
esp_compare_pane_dispose (GObject *object)
{
  EspComparePane *self = ESP_COMPARE_PANE (object);

  if (self->view != NULL)
    esp_image_view_set_painter (self->view, NULL, NULL, 0, 0);
  self->view = NULL;
  drop_picture (self);
  g_clear_pointer (&self->scroller, gtk_widget_unparent);
  g_clear_pointer (&self->title, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_compare_pane_parent_class)->dispose (object);
}

static void
esp_compare_pane_class_init (EspComparePaneClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = esp_compare_pane_dispose;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_compare_pane_grab_focus;
  signals[CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "comparepane");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_compare_pane_init (EspComparePane *self)
{
  GtkEventController *focus = gtk_event_controller_focus_new ();
  GtkGesture *menu = gtk_gesture_click_new ();

  gtk_orientable_set_orientation (
      GTK_ORIENTABLE (gtk_widget_get_layout_manager (GTK_WIDGET (self))), GTK_ORIENTATION_VERTICAL);
  self->view = ESP_IMAGE_VIEW (esp_image_view_new ());
  /* Its bars would lie over the images; it is for the wheel and for fingers. */
  self->scroller = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), GTK_POLICY_EXTERNAL,
                                  GTK_POLICY_EXTERNAL);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scroller), GTK_WIDGET (self->view));
  gtk_widget_set_vexpand (self->scroller, TRUE);
  gtk_widget_set_hexpand (self->scroller, TRUE);
  gtk_widget_set_parent (self->scroller, GTK_WIDGET (self));
  self->title = esp_compare_title_new ();
  gtk_widget_set_parent (self->title, GTK_WIDGET (self));

  g_signal_connect_swapped (focus, "enter", G_CALLBACK (on_focus), self);
  gtk_widget_add_controller (GTK_WIDGET (self), focus);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (menu), GDK_BUTTON_SECONDARY);
  g_signal_connect_swapped (menu, "pressed", G_CALLBACK (esp_compare_pane_popup_menu), self);
  gtk_widget_add_controller (GTK_WIDGET (self->view), GTK_EVENT_CONTROLLER (menu));
}

GtkWidget *
esp_compare_pane_new (void)
{
  return g_object_new (ESP_TYPE_COMPARE_PANE, NULL);
}
