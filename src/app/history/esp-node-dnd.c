/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-node-dnd.c: see esp-node-dnd.h. */
#include "esp-node-dnd.h"

#include "esp-clipboard-image.h"
#include "esp-drop.h"

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
on_over (GtkWidget *self, GObject *own, gboolean move, double x, double y)
{
  EspNode *dragged = own != NULL ? ESP_NODE (own) : NULL;
  EspNode *over;

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
on_leave (GtkWidget *self)
{
  get_dnd (self)->set_drop (self, NULL);
}

/* A node of this program: of this document, or of another window's. */
static gboolean
on_node (GtkWidget *self, GObject *own, gboolean move, double x, double y)
{
  EspNode *dragged = ESP_NODE (own);
  g_autoptr (EspNode) over = NULL;

  if (!get_document (self))
    return FALSE;
  g_set_object (&over, get_dnd (self)->pick (self, x, y, FALSE));
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
on_begin (GtkWidget *self, double x, double y, GObject **place)
{
  EspNode *over = get_document (self) ? get_dnd (self)->pick (self, x, y, FALSE) : NULL;

  return over && g_set_object (place, G_OBJECT (over));
}

/* Until it came the node, or the document, may be gone. */
static gboolean
on_take (GtkWidget *self, GObject *place, const GValue *value)
{
  if (!get_document (self) || is_foreign (self, ESP_NODE (place)))
    return FALSE;
  g_signal_emit_by_name (self, "reference-drop", place, value);
  return TRUE;
}

static void
on_fail (GtkWidget *self, const GError *error)
{
  g_signal_emit_by_name (self, "drop-failed", error);
}

void
esp_node_dnd_attach (GtkWidget *self, const EspNodeDnd *dnd)
{
  static EspDrop drop = {
    .kinds = ESP_INCOMING_FILES | ESP_INCOMING_IMAGE,
    .actions = GDK_ACTION_COPY | GDK_ACTION_MOVE,
    .over = on_over,
    .leave = on_leave,
    .take_own = on_node,
    .begin = on_begin,
    .take = on_take,
    .fail = on_fail,
  };
  GtkDragSource *source = gtk_drag_source_new ();

  g_return_if_fail (GTK_IS_WIDGET (self));
  g_return_if_fail (dnd != NULL);

  g_object_set_data (G_OBJECT (self), KEY, (gpointer) dnd);
  gtk_drag_source_set_actions (source, GDK_ACTION_COPY | GDK_ACTION_MOVE);
  g_signal_connect (source, "prepare", G_CALLBACK (on_prepare), self);
  g_signal_connect (source, "drag-begin", G_CALLBACK (on_drag_begin), self);
  gtk_widget_add_controller (self, GTK_EVENT_CONTROLLER (source));

  drop.own = ESP_TYPE_NODE;
  esp_drop_attach (self, &drop);
}
