/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-split-view.c: history and image side by side, or one of them. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-split-view.h"

#include <glib/gi18n-lib.h>

#define HANDLE_WIDTH 9 /* to be caught; what is seen is the line in its middle */
#define KEY_STEP     24

struct _EspSplitView
{
  GtkWidget parent_instance;

  GtkWidget *start;
  GtkWidget *end;
  GtkWidget *handle;

  int position;
  int drag_from;
  int told_percent; /* of the width, as the handle is called */
  guint show_start : 1;
  guint show_end : 1;
  guint folded : 1;
  guint notify_source;
};

G_DEFINE_FINAL_TYPE (EspSplitView, esp_split_view, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_START,
  PROP_END,
  PROP_POSITION,
  PROP_SHOW_START,
  PROP_SHOW_END,
  PROP_FOLDED,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
update_visibility (EspSplitView *self)
{
  gboolean start = self->folded ? !self->show_end : self->show_start;
  gboolean end = !self->folded || self->show_end;

  if (self->start != NULL)
    gtk_widget_set_child_visible (self->start, start);
  if (self->end != NULL)
    gtk_widget_set_child_visible (self->end, end);
  gtk_widget_set_child_visible (self->handle, !self->folded && self->show_start);
}

static gboolean
notify_folded (gpointer user_data)
{
  EspSplitView *self = ESP_SPLIT_VIEW (user_data);

  self->notify_source = 0;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FOLDED]);
  return G_SOURCE_REMOVE;
}

static void
set_folded (EspSplitView *self, gboolean folded)
{
  if (self->folded == !!folded)
    return;
  self->folded = !!folded;
  update_visibility (self);
  /* What is said while sizes are given out must not change sizes. */
  if (self->notify_source == 0)
    self->notify_source = g_idle_add_full (GDK_PRIORITY_EVENTS, notify_folded, self, NULL);
}

void
esp_split_view_expect_width (EspSplitView *self, int width)
{
  g_return_if_fail (ESP_IS_SPLIT_VIEW (self));

  set_folded (self, width < ESP_SPLIT_VIEW_FOLD_WIDTH);
  if (self->notify_source != 0)
    {
      g_clear_handle_id (&self->notify_source, g_source_remove);
      notify_folded (self);
    }
}

static void
measure_child (GtkWidget *child, GtkOrientation orientation, int for_size, int *minimum,
               int *natural)
{
  *minimum = *natural = 0;
  if (child != NULL && gtk_widget_get_visible (child))
    gtk_widget_measure (child, orientation, for_size, minimum, natural, NULL, NULL);
}

static void
esp_split_view_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                        int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspSplitView *self = ESP_SPLIT_VIEW (widget);
  int start_min, start_nat, end_min, end_nat;

  /* Only ever one of them must fit: the other one makes room by folding. Heights are asked for
   * without a width, for each may get any. */
  measure_child (self->start, orientation, -1, &start_min, &start_nat);
  measure_child (self->end, orientation, -1, &end_min, &end_nat);
  *minimum = MAX (start_min, end_min);
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? MAX (*minimum, start_nat + end_nat)
                                                       : MAX (start_nat, end_nat);
}

static void
allocate_at (GtkWidget *child, int x, int width, int height)
{
  if (child != NULL && gtk_widget_get_visible (child) && gtk_widget_get_child_visible (child))
    gtk_widget_size_allocate (child, &(GtkAllocation){ x, 0, width, height }, -1);
}

/* Where the handle's line is, for this width: wished for, but both sides keep their minimum. */
static int
position_for_width (EspSplitView *self, int width)
{
  int start_min, start_nat, end_min, end_nat, least, most;

  measure_child (self->start, GTK_ORIENTATION_HORIZONTAL, -1, &start_min, &start_nat);
  measure_child (self->end, GTK_ORIENTATION_HORIZONTAL, -1, &end_min, &end_nat);
  least = MAX (start_min, ESP_SPLIT_VIEW_MIN_START);
  most = MIN (width * 6 / 10, width - end_min);
  return MAX (least, MIN (self->position, most));
}

/* In per cent of the window, as the line that one drags says it. */
static void
tell_position (EspSplitView *self, int at, int width)
{
  const int percent = width > 0 ? at * 100 / width : 0;
  g_autofree char *name = NULL;

  if (percent == self->told_percent)
    return;
  self->told_percent = percent;
  /* Translators: the line beside the history, which one can move; in per cent of the window */
  name = g_strdup_printf (_ ("Width of the history: %d %%"), percent);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->handle), GTK_ACCESSIBLE_PROPERTY_VALUE_NOW,
                                  (double) percent, GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

static void
esp_split_view_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  EspSplitView *self = ESP_SPLIT_VIEW (widget);

  set_folded (self, width < ESP_SPLIT_VIEW_FOLD_WIDTH);
  if (self->folded || !self->show_start)
    {
      allocate_at (self->start, 0, width, height);
      allocate_at (self->end, 0, width, height);
    }
  else
    {
      int at = position_for_width (self, width);
      gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
      int handle_x = (rtl ? width - at : at) - HANDLE_WIDTH / 2;

      tell_position (self, at, width);
      allocate_at (self->start, rtl ? width - at : 0, at, height);
      allocate_at (self->end, rtl ? 0 : at, width - at, height);
      allocate_at (self->handle, handle_x, HANDLE_WIDTH, height);
    }
}

static gboolean
esp_split_view_focus (GtkWidget *widget, GtkDirectionType direction)
{
  EspSplitView *self = ESP_SPLIT_VIEW (widget);
  GtkWidget *const order[] = { self->start, self->handle, self->end };
  gboolean backward = direction == GTK_DIR_TAB_BACKWARD;
  GtkWidget *focus = gtk_widget_get_focus_child (widget);
  gboolean reached = focus == NULL;

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      GtkWidget *child = order[backward ? G_N_ELEMENTS (order) - 1 - i : i];

      if (child == NULL)
        continue;
      if (child == focus)
        reached = TRUE;
      if (reached && gtk_widget_get_child_visible (child)
          && gtk_widget_child_focus (child, direction))
        return TRUE;
    }
  return FALSE;
}

static void
move_handle (EspSplitView *self, int position)
{
  int width = gtk_widget_get_width (GTK_WIDGET (self));

  self->position = position;
  if (width > 0)
    self->position = position_for_width (self, width);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_POSITION]);
}

static void
on_drag_begin (GtkGestureDrag *gesture, double x, double y, EspSplitView *self)
{
  self->drag_from = position_for_width (self, gtk_widget_get_width (GTK_WIDGET (self)));
  gtk_gesture_set_state (GTK_GESTURE (gesture), GTK_EVENT_SEQUENCE_CLAIMED);
}

static void
on_drag_update (GtkGestureDrag *gesture, double offset_x, double offset_y, EspSplitView *self)
{
  /* The handle moves along with the pointer, and the offset is measured from the handle. */
  graphene_point_t from, at;
  double x, y;
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  int width = gtk_widget_get_width (GTK_WIDGET (self));

  gtk_gesture_drag_get_start_point (gesture, &x, &y);
  graphene_point_init (&from, (float) (x + offset_x), 0);
  if (!gtk_widget_compute_point (self->handle, GTK_WIDGET (self), &from, &at))
    return;
  at.x += (float) (HANDLE_WIDTH / 2.0 - x);
  move_handle (self, rtl ? width - (int) at.x : (int) at.x);
}

static gboolean
on_handle_key (GtkEventControllerKey *controller, guint keyval, guint keycode,
               GdkModifierType state, EspSplitView *self)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  int step;

  if (keyval == GDK_KEY_Left || keyval == GDK_KEY_KP_Left)
    step = -KEY_STEP;
  else if (keyval == GDK_KEY_Right || keyval == GDK_KEY_KP_Right)
    step = KEY_STEP;
  else
    return GDK_EVENT_PROPAGATE;

  move_handle (self, position_for_width (self, gtk_widget_get_width (GTK_WIDGET (self)))
                         + (rtl ? -step : step));
  return GDK_EVENT_STOP;
}

static void
esp_split_view_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspSplitView *self = ESP_SPLIT_VIEW (object);

  switch (prop_id)
    {
    case PROP_START:
      g_value_set_object (value, self->start);
      break;
    case PROP_END:
      g_value_set_object (value, self->end);
      break;
    case PROP_POSITION:
      g_value_set_int (value, self->position);
      break;
    case PROP_SHOW_START:
      g_value_set_boolean (value, self->show_start);
      break;
    case PROP_SHOW_END:
      g_value_set_boolean (value, self->show_end);
      break;
    case PROP_FOLDED:
      g_value_set_boolean (value, self->folded);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_split_view_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  EspSplitView *self = ESP_SPLIT_VIEW (object);

  switch (prop_id)
    {
    case PROP_START:
      esp_split_view_set_start (self, g_value_get_object (value));
      break;
    case PROP_END:
      esp_split_view_set_end (self, g_value_get_object (value));
      break;
    case PROP_POSITION:
      esp_split_view_set_position (self, g_value_get_int (value));
      break;
    case PROP_SHOW_START:
      esp_split_view_set_show_start (self, g_value_get_boolean (value));
      break;
    case PROP_SHOW_END:
      esp_split_view_set_show_end (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_split_view_dispose (GObject *object)
{
  EspSplitView *self = ESP_SPLIT_VIEW (object);

  g_clear_handle_id (&self->notify_source, g_source_remove);
  g_clear_pointer (&self->start, gtk_widget_unparent);
  g_clear_pointer (&self->end, gtk_widget_unparent);
  g_clear_pointer (&self->handle, gtk_widget_unparent);

  G_OBJECT_CLASS (esp_split_view_parent_class)->dispose (object);
}

static void
esp_split_view_class_init (EspSplitViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = esp_split_view_get_property;
  object_class->set_property = esp_split_view_set_property;
  object_class->dispose = esp_split_view_dispose;
  widget_class->measure = esp_split_view_measure;
  widget_class->size_allocate = esp_split_view_size_allocate;
  widget_class->focus = esp_split_view_focus;

  properties[PROP_START] = g_param_spec_object ("start", NULL, NULL, GTK_TYPE_WIDGET, flags);
  properties[PROP_END] = g_param_spec_object ("end", NULL, NULL, GTK_TYPE_WIDGET, flags);
  properties[PROP_POSITION] = g_param_spec_int ("position", NULL, NULL, 0, G_MAXINT, 340, flags);
  properties[PROP_SHOW_START] = g_param_spec_boolean ("show-start", NULL, NULL, TRUE, flags);
  properties[PROP_SHOW_END] = g_param_spec_boolean ("show-end", NULL, NULL, TRUE, flags);
  properties[PROP_FOLDED] = g_param_spec_boolean ("folded", NULL, NULL, FALSE,
                                                  G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_css_name (widget_class, "splitview");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_split_view_init (EspSplitView *self)
{
  GtkGesture *drag = gtk_gesture_drag_new ();
  GtkEventController *key = gtk_event_controller_key_new ();

  self->position = 340;
  self->show_start = TRUE;
  self->show_end = TRUE;

  self->handle = g_object_new (GTK_TYPE_SEPARATOR, "orientation", GTK_ORIENTATION_VERTICAL,
                               "css-classes", (const char *[]){ "handle", NULL }, "focusable", TRUE,
                               "tooltip-text", _ ("Drag to resize the history"), NULL);
  gtk_widget_set_cursor_from_name (self->handle, "col-resize");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->handle), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Width of the history"), GTK_ACCESSIBLE_PROPERTY_VALUE_MIN,
                                  0.0, GTK_ACCESSIBLE_PROPERTY_VALUE_MAX, 60.0, -1);
  gtk_widget_set_parent (self->handle, GTK_WIDGET (self));

  g_signal_connect (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  gtk_widget_add_controller (self->handle, GTK_EVENT_CONTROLLER (drag));
  g_signal_connect (key, "key-pressed", G_CALLBACK (on_handle_key), self);
  gtk_widget_add_controller (self->handle, key);
}

GtkWidget *
esp_split_view_new (void)
{
  return g_object_new (ESP_TYPE_SPLIT_VIEW, NULL);
}

static gboolean
replace_child (EspSplitView *self, GtkWidget **place, GtkWidget *child)
{
  if (*place == child)
    return FALSE;
  g_clear_pointer (place, gtk_widget_unparent);
  *place = child;
  if (child != NULL)
    /* The handle stays the last child, so that it is drawn, and catches the pointer, above. */
    gtk_widget_insert_before (child, GTK_WIDGET (self), self->handle);
  update_visibility (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  return TRUE;
}

void
esp_split_view_set_start (EspSplitView *self, GtkWidget *start)
{
  g_return_if_fail (ESP_IS_SPLIT_VIEW (self));
  g_return_if_fail (start == NULL || GTK_IS_WIDGET (start));

  if (replace_child (self, &self->start, start))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_START]);
}

void
esp_split_view_set_end (EspSplitView *self, GtkWidget *end)
{
  g_return_if_fail (ESP_IS_SPLIT_VIEW (self));
  g_return_if_fail (end == NULL || GTK_IS_WIDGET (end));

  if (replace_child (self, &self->end, end))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_END]);
}

int
esp_split_view_get_position (EspSplitView *self)
{
  g_return_val_if_fail (ESP_IS_SPLIT_VIEW (self), 0);
  return self->position;
}

void
esp_split_view_set_position (EspSplitView *self, int position)
{
  g_return_if_fail (ESP_IS_SPLIT_VIEW (self));

  if (self->position != position)
    move_handle (self, position);
}

gboolean
esp_split_view_get_show_start (EspSplitView *self)
{
  g_return_val_if_fail (ESP_IS_SPLIT_VIEW (self), FALSE);
  return self->show_start;
}

void
esp_split_view_set_show_start (EspSplitView *self, gboolean show)
{
  g_return_if_fail (ESP_IS_SPLIT_VIEW (self));

  if (self->show_start == !!show)
    return;
  self->show_start = !!show;
  update_visibility (self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOW_START]);
}

gboolean
esp_split_view_get_show_end (EspSplitView *self)
{
  g_return_val_if_fail (ESP_IS_SPLIT_VIEW (self), FALSE);
  return self->show_end;
}

void
esp_split_view_set_show_end (EspSplitView *self, gboolean show)
{
  g_return_if_fail (ESP_IS_SPLIT_VIEW (self));

  if (self->show_end == !!show)
    return;
  self->show_end = !!show;
  update_visibility (self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SHOW_END]);
}

gboolean
esp_split_view_get_folded (EspSplitView *self)
{
  g_return_val_if_fail (ESP_IS_SPLIT_VIEW (self), FALSE);
  return self->folded;
}
