/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-dnd.c: see esp-node-dnd.h. */
#include "esp-node-dnd.h"

#include "esp-clipboard-image.h"

#define KEY "espalier-node-dnd"

static const EspNodeDnd *
get_dnd (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (widget), KEY);
}

static EspDocument *
get_document (GtkWidget *widget)
{
  return get_dnd (widget)->get_document (widget);
}

/* --- Out -------------------------------------------------------------------------------------- */

static GdkContentProvider *
on_prepare (GtkDragSource *source, double x, double y, gpointer user_data)
{
  GtkWidget *self = user_data;
  EspNode *node = get_document (self) ? get_dnd (self)->pick (self, x, y, TRUE) : NULL;
  GdkContentProvider *providers[2];

  if (!node)
    return NULL;
  providers[0] = gdk_content_provider_new_typed (ESP_TYPE_NODE, node);
  if (!esp_node_has_image (node))
    return providers[0];
  providers[1] = esp_image_file_content_new (get_document (self), node);
  return gdk_content_provider_new_union (providers, 2);
}

/* It comes along as it is seen. */
static void
on_drag_begin (GtkDragSource *source, GdkDrag *drag, gpointer user_data)
{
  GtkWidget *self = user_data;
  GdkContentProvider *content = gdk_drag_get_content (drag);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GdkPaintable) paintable = NULL;
  g_autoptr (GdkPaintable) picture = NULL;
  GtkWidget *seen = NULL;

  g_value_init (&value, ESP_TYPE_NODE);
  if (gdk_content_provider_get_value (content, &value, NULL) && g_value_get_object (&value))
    seen = get_dnd (self)->get_picture (self, g_value_get_object (&value));
  if (!seen)
    return;
  paintable = gtk_widget_paintable_new (seen);
  picture = gdk_paintable_get_current_image (paintable);
  gtk_drag_source_set_icon (source, picture, gdk_paintable_get_intrinsic_width (picture) / 2,
                            gdk_paintable_get_intrinsic_height (picture) / 2);
}

/* --- In --------------------------------------------------------------------------------------- */

static EspNode *
get_dragged_node (GtkDropTarget *target)
{
  const GValue *value = gtk_drop_target_get_value (target);

  return value && G_VALUE_HOLDS (value, ESP_TYPE_NODE) ? g_value_get_object (value) : NULL;
}

/* Shift leaves nothing but moving among what a drag may do. */
static gboolean
is_move (GtkDropTarget *target)
{
  GdkDrop *drop = gtk_drop_target_get_current_drop (target);

  return drop && gdk_drop_get_actions (drop) == GDK_ACTION_MOVE;
}

static gboolean
may_hang (EspNode *node, EspNode *parent)
{
  return node != parent && !esp_node_is_ancestor (node, parent)
         && esp_node_get_parent (node) != parent;
}

static gboolean
is_foreign (GtkWidget *self, EspNode *node)
{
  return esp_document_get_node (get_document (self), esp_node_get_id (node)) != node;
}

static gboolean
is_writable (GtkWidget *self)
{
  return esp_document_get_access (get_document (self)) == ESP_DOCUMENT_WRITABLE;
}

static GdkDragAction
on_drop_motion (GtkDropTarget *target, double x, double y, gpointer user_data)
{
  GtkWidget *self = user_data;
  EspNode *over, *dragged = get_dragged_node (target);
  gboolean move = is_move (target);

  if (!get_document (self))
    return 0;
  over = get_dnd (self)->pick (self, x, y, FALSE);
  if (dragged && is_foreign (self, dragged))
    {
      get_dnd (self)->set_drop (self, is_writable (self) ? over : NULL);
      return is_writable (self) && !move ? GDK_ACTION_COPY : 0;
    }
  if (dragged && over && (over == dragged || (move && !may_hang (dragged, over))))
    over = NULL;
  get_dnd (self)->set_drop (self, over);
  if (!over)
    return 0;
  return move ? GDK_ACTION_MOVE : GDK_ACTION_COPY;
}

static void
on_drop_leave (GtkDropTarget *target, gpointer user_data)
{
  get_dnd (user_data)->set_drop (user_data, NULL);
}

/* A node of this program: of this document, or of another window's. */
static gboolean
drop_node (GtkWidget *self, EspNode *dragged, EspNode *over, gboolean move)
{
  if (is_foreign (self, dragged))
    {
      if (!is_writable (self) || move)
        return FALSE;
      g_signal_emit_by_name (self, "branch-drop", dragged, over);
      return TRUE;
    }
  if (!over || dragged == over)
    return FALSE;
  if (move && may_hang (dragged, over))
    g_signal_emit_by_name (self, "move-drop", dragged, over);
  else
    g_signal_emit_by_name (self, "compare", dragged, over);
  return TRUE;
}

static gboolean
on_drop (GtkDropTarget *target, const GValue *value, double x, double y, gpointer user_data)
{
  GtkWidget *self = user_data;
  g_autoptr (EspNode) over = NULL;

  if (!get_document (self))
    return FALSE;
  g_set_object (&over, get_dnd (self)->pick (self, x, y, FALSE));
  get_dnd (self)->set_drop (self, NULL);
  if (G_VALUE_HOLDS (value, ESP_TYPE_NODE))
    return g_value_get_object (value)
           && drop_node (self, g_value_get_object (value), over, is_move (target));
  if (!over)
    return FALSE;
  g_signal_emit_by_name (self, "reference-drop", over, value);
  return TRUE;
}

void
esp_node_dnd_attach (GtkWidget *self, const EspNodeDnd *dnd)
{
  GtkDragSource *source = gtk_drag_source_new ();
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY | GDK_ACTION_MOVE);
  GType types[] = { ESP_TYPE_NODE, GDK_TYPE_FILE_LIST, GDK_TYPE_TEXTURE };

  g_return_if_fail (GTK_IS_WIDGET (self));
  g_return_if_fail (dnd != NULL);

  g_object_set_data (G_OBJECT (self), KEY, (gpointer) dnd);
  gtk_drag_source_set_actions (source, GDK_ACTION_COPY | GDK_ACTION_MOVE);
  g_signal_connect (source, "prepare", G_CALLBACK (on_prepare), self);
  g_signal_connect (source, "drag-begin", G_CALLBACK (on_drag_begin), self);
  gtk_widget_add_controller (self, GTK_EVENT_CONTROLLER (source));

  gtk_drop_target_set_gtypes (target, types, G_N_ELEMENTS (types));
  gtk_drop_target_set_preload (target, TRUE);
  g_signal_connect (target, "enter", G_CALLBACK (on_drop_motion), self);
  g_signal_connect (target, "motion", G_CALLBACK (on_drop_motion), self);
  g_signal_connect (target, "leave", G_CALLBACK (on_drop_leave), self);
  g_signal_connect (target, "drop", G_CALLBACK (on_drop), self);
  gtk_widget_add_controller (self, GTK_EVENT_CONTROLLER (target));
}
