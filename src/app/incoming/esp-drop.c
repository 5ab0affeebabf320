/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-drop.c: see esp-drop.h. */
#define G_LOG_DOMAIN "espalier-incoming"

#include "esp-drop.h"

#define KEY "espalier-drop"

/* One that was dropped and is being read. */
typedef struct
{
  GtkWidget *widget; /* weak */
  GdkDrop *drop;
  GObject *place;
} Arrival;

static const EspDrop *
get_drop (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (widget), KEY);
}

/* The object of this program that is dragged, or NULL. */
static GObject *
dup_own (GtkWidget *widget, GdkDrop *drop)
{
  GdkDrag *drag = gdk_drop_get_drag (drop);
  const GType type = get_drop (widget)->own;
  g_auto (GValue) value = G_VALUE_INIT;

  if (drag == NULL || type == 0)
    return NULL;
  g_value_init (&value, type);
  if (!gdk_content_provider_get_value (gdk_drag_get_content (drag), &value, NULL))
    return NULL;
  return g_value_dup_object (&value);
}

/* Shift leaves nothing but moving among what a drag may do. */
static gboolean
is_move (GdkDrop *drop)
{
  return gdk_drop_get_actions (drop) == GDK_ACTION_MOVE;
}

static gboolean
on_accept (GtkDropTargetAsync *target, GdkDrop *drop, GtkWidget *widget)
{
  const EspDrop *self = get_drop (widget);
  g_autoptr (GObject) own = dup_own (widget, drop);

  if ((gdk_drop_get_actions (drop) & self->actions) == 0)
    return FALSE;
  if (own == NULL && !esp_incoming_is_dragged (drop, self->kinds))
    return FALSE;
  return self->accept == NULL || self->accept (widget, drop);
}

static GdkDragAction
on_over (GtkDropTargetAsync *target, GdkDrop *drop, double x, double y, GtkWidget *widget)
{
  const EspDrop *self = get_drop (widget);
  g_autoptr (GObject) own = dup_own (widget, drop);

  return self->over != NULL ? self->over (widget, own, is_move (drop), x, y) : GDK_ACTION_COPY;
}

static void
on_leave (GtkDropTargetAsync *target, GdkDrop *drop, GtkWidget *widget)
{
  if (get_drop (widget)->leave != NULL)
    get_drop (widget)->leave (widget);
}

static void
finish (GtkWidget *widget, GdkDrop *drop, gboolean taken)
{
  const GdkDragAction actions
      = gdk_drop_get_actions (drop) & (widget != NULL ? get_drop (widget)->actions : 0);

  if (!taken)
    gdk_drop_finish (drop, 0);
  else
    gdk_drop_finish (drop, (actions & GDK_ACTION_COPY) != 0 ? GDK_ACTION_COPY : actions);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Arrival *arrival = user_data;
  GtkWidget *widget = arrival->widget;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;
  gboolean taken = FALSE;

  if (!esp_incoming_read_finish (result, &value, &error))
    {
      if (widget != NULL && get_drop (widget)->fail != NULL
          && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        get_drop (widget)->fail (widget, error);
    }
  else if (widget != NULL)
    taken = get_drop (widget)->take (widget, arrival->place, &value);
  finish (widget, arrival->drop, taken);
  g_clear_weak_pointer (&arrival->widget);
  g_clear_object (&arrival->place);
  g_object_unref (arrival->drop);
  g_free (arrival);
}

static gboolean
on_drop (GtkDropTargetAsync *target, GdkDrop *drop, double x, double y, GtkWidget *widget)
{
  const EspDrop *self = get_drop (widget);
  g_autoptr (GObject) own = dup_own (widget, drop);
  g_autoptr (GObject) place = NULL;
  Arrival *arrival;

  /* GTK may leave out the leaving when that ends in a drop. */
  on_leave (target, drop, widget);
  if (own != NULL)
    {
      finish (widget, drop, self->take_own (widget, own, is_move (drop), x, y));
      return TRUE;
    }
  if (self->begin != NULL && !self->begin (widget, x, y, &place))
    {
      finish (widget, drop, FALSE);
      return TRUE;
    }
  arrival = g_new0 (Arrival, 1);
  g_set_weak_pointer (&arrival->widget, widget);
  arrival->drop = g_object_ref (drop);
  arrival->place = g_steal_pointer (&place);
  esp_incoming_read_drop_async (drop, self->kinds, NULL, g_object_get_data (G_OBJECT (target), KEY),
                                on_read, arrival);
  return TRUE;
}

/* The widget's controllers go with it. */
static void
on_destroy (GtkWidget *widget, GCancellable *cancellable)
{
  g_cancellable_cancel (cancellable);
}

void
esp_drop_attach (GtkWidget *widget, const EspDrop *drop)
{
  GtkDropTargetAsync *target;
  GCancellable *cancellable;

  g_return_if_fail (GTK_IS_WIDGET (widget));
  g_return_if_fail (drop != NULL && drop->take != NULL);
  g_return_if_fail (drop->own == 0 || drop->take_own != NULL);

  g_object_set_data (G_OBJECT (widget), KEY, (gpointer) drop);
  target = gtk_drop_target_async_new (NULL, drop->actions);
  cancellable = g_cancellable_new ();
  g_object_set_data_full (G_OBJECT (target), KEY, cancellable, g_object_unref);
  g_signal_connect_object (widget, "destroy", G_CALLBACK (on_destroy), cancellable, 0);
  g_signal_connect (target, "accept", G_CALLBACK (on_accept), widget);
  g_signal_connect (target, "drag-enter", G_CALLBACK (on_over), widget);
  g_signal_connect (target, "drag-motion", G_CALLBACK (on_over), widget);
  g_signal_connect (target, "drag-leave", G_CALLBACK (on_leave), widget);
  g_signal_connect (target, "drop", G_CALLBACK (on_drop), widget);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (target));
}

gboolean
esp_drop_give (GtkWidget *widget, const GValue *value, gboolean move, double x, double y)
{
  const EspDrop *self;
  g_autoptr (GObject) place = NULL;

  g_return_val_if_fail (GTK_IS_WIDGET (widget) && get_drop (widget) != NULL, FALSE);
  g_return_val_if_fail (G_IS_VALUE (value), FALSE);

  self = get_drop (widget);
  if (self->own != 0 && G_VALUE_HOLDS (value, self->own))
    return self->take_own (widget, g_value_get_object (value), move, x, y);
  if (self->begin != NULL && !self->begin (widget, x, y, &place))
    return FALSE;
  return self->take (widget, place, value);
}
