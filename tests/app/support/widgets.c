/* SPDX-License-Identifier: GPL-3.0-or-later */
/* widgets.c: see widgets.h. */
#include "widgets.h"

#include <adwaita.h>

#include "esp-icon-keep.h"
#include "scratch-wait.h"

void
widgets_init (int *argc, char ***argv)
{
  gtk_test_init (argc, argv, NULL);
  adw_init ();
  esp_icon_keep_from_threads ();
}

GtkWidget *
widgets_show (GtkWidget *child, int width, int height)
{
  GtkWidget *window = gtk_window_new ();

  gtk_window_set_child (GTK_WINDOW (window), child);
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_default_size (GTK_WINDOW (window), width, height);
  gtk_window_present (GTK_WINDOW (window));
  gtk_test_widget_wait_for_draw (window);
  return window;
}

/* --- Finding ---------------------------------------------------------------------------------- */

GtkWidget *
widgets_find (GtkWidget *root, WidgetsMatch match, gconstpointer data)
{
  GtkWidget *found = NULL;

  if (match (root, data))
    return root;
  for (GtkWidget *child = gtk_widget_get_first_child (root); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = widgets_find (child, match, data);
  return found;
}

GtkWidget *
widgets_find_shown (GtkWidget *root, WidgetsMatch match, gconstpointer data)
{
  GtkWidget *found = NULL;

  if (!gtk_widget_get_visible (root) || !gtk_widget_get_child_visible (root))
    return NULL;
  if (match (root, data))
    return root;
  for (GtkWidget *child = gtk_widget_get_first_child (root); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = widgets_find_shown (child, match, data);
  return found;
}

gboolean
widgets_has_type (GtkWidget *widget, gconstpointer type)
{
  return g_type_is_a (G_OBJECT_TYPE (widget), GPOINTER_TO_SIZE (type));
}

GtkWidget *
widgets_find_type (GtkWidget *root, GType type)
{
  return widgets_find (root, widgets_has_type, GSIZE_TO_POINTER (type));
}

static void
collect (GtkWidget *root, WidgetsMatch match, gconstpointer data, GPtrArray *found)
{
  if (match (root, data))
    g_ptr_array_add (found, root);
  for (GtkWidget *child = gtk_widget_get_first_child (root); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    collect (child, match, data, found);
}

GPtrArray *
widgets_find_all (GtkWidget *root, WidgetsMatch match, gconstpointer data)
{
  GPtrArray *found = g_ptr_array_new ();

  collect (root, match, data, found);
  return found;
}

/* --- Pressing --------------------------------------------------------------------------------- */

static gboolean
press_in (GtkWidget *widget, GListModel *shortcuts, guint key)
{
  for (guint i = 0; i < g_list_model_get_n_items (shortcuts); i++)
    {
      g_autoptr (GtkShortcut) shortcut = g_list_model_get_item (shortcuts, i);
      GtkShortcutTrigger *trigger = gtk_shortcut_get_trigger (shortcut);

      if (GTK_IS_KEYVAL_TRIGGER (trigger)
          && gtk_keyval_trigger_get_keyval (GTK_KEYVAL_TRIGGER (trigger)) == key
          && gtk_keyval_trigger_get_modifiers (GTK_KEYVAL_TRIGGER (trigger)) == 0
          && gtk_shortcut_action_activate (gtk_shortcut_get_action (shortcut), 0, widget,
                                           gtk_shortcut_get_arguments (shortcut)))
        return TRUE;
    }
  return FALSE;
}

gboolean
widgets_press_key (GtkWidget *widget, guint key)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_SHORTCUT_CONTROLLER (controller)
          && press_in (widget, G_LIST_MODEL (controller), key))
        return TRUE;
    }
  return FALSE;
}

/* --- Looking ---------------------------------------------------------------------------------- */

void
widgets_save_picture (GtkWidget *window, const char *path)
{
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (window);
  const int width = gdk_paintable_get_intrinsic_width (paintable);
  const int height = gdk_paintable_get_intrinsic_height (paintable);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;

  gdk_paintable_snapshot (paintable, snapshot, width, height);
  node = gtk_snapshot_free_to_node (snapshot);
  texture = gsk_renderer_render_texture (gtk_native_get_renderer (GTK_NATIVE (window)), node,
                                         &GRAPHENE_RECT_INIT (0, 0, (float) width, (float) height));
  g_assert_true (gdk_texture_save_to_png (texture, path));
}

void
widgets_take_screenshot (GtkWidget *window, const char *name)
{
  const char *folder = g_getenv ("ESP_SCREENSHOTS");
  g_autofree char *path = g_strdup_printf ("%s/%s.png", folder, name);

  if (folder == NULL)
    return;
  scratch_wait (600);
  gtk_test_widget_wait_for_draw (window);
  widgets_save_picture (window, path);
}
