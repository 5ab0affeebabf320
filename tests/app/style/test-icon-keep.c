/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-icon-keep.c: no icon ends in a thread; icons may be looked up while threads drop them. */
#include <gtk/gtk.h>

#include "widgets.h"

#define NAME "list-add-symbolic"

/* In pixels. The icon theme itself keeps a hundred recent icons up to 128. */
#define LARGE 200

#define N_ROUNDS 20000

static int ended; /* icons, atomic */

static GtkIconPaintable *
look_up (int size)
{
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (gdk_display_get_default ());
  GtkIconPaintable *icon
      = gtk_icon_theme_lookup_icon (theme, NAME, NULL, size, 1, GTK_TEXT_DIR_LTR, 0);

  g_assert_true (gtk_icon_theme_has_icon (theme, NAME));
  g_assert_true (GTK_IS_ICON_PAINTABLE (icon));
  return icon;
}

static void
has_ended (gpointer data, GObject *icon)
{
  g_atomic_int_inc (&ended);
}

static void
watch (GtkIconPaintable *icon)
{
  g_object_weak_ref (G_OBJECT (icon), has_ended, NULL);
}

static gpointer
drop (gpointer icon)
{
  g_object_unref (icon);
  return NULL;
}

static void
test_dropped_in_a_thread (void)
{
  GtkIconPaintable *icon = look_up (LARGE), *again;

  ended = 0;
  watch (icon);
  g_thread_join (g_thread_new ("drop", drop, icon));
  g_assert_cmpint (ended, ==, 0);

  /* The theme has it still, and it is of use. */
  again = look_up (LARGE);
  g_assert_true (again == icon);
  g_assert_cmpint (gdk_paintable_get_intrinsic_width (GDK_PAINTABLE (again)), >, 0);
  g_object_unref (again);
  g_assert_cmpint (ended, ==, 0);
}

static void
test_dropped_here (void)
{
  GtkIconPaintable *icon = look_up (LARGE + 1);

  ended = 0;
  watch (icon);
  g_object_unref (icon);
  g_assert_cmpint (ended, ==, 1);
}

static gpointer
drop_all (gpointer data)
{
  GAsyncQueue *queue = data;

  for (int i = 0; i < N_ROUNDS; i++)
    g_object_unref (g_async_queue_pop (queue));
  return NULL;
}

/* A thread drops icons while they are looked up. */
static void
test_looked_up_meanwhile (void)
{
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  GThread *thread = g_thread_new ("drop", drop_all, queue);

  for (int i = 0; i < N_ROUNDS; i++)
    g_async_queue_push (queue, look_up (LARGE + 2));
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);

  g_test_add_func ("/icon-keep/dropped-in-a-thread", test_dropped_in_a_thread);
  g_test_add_func ("/icon-keep/dropped-here", test_dropped_here);
  g_test_add_func ("/icon-keep/looked-up-meanwhile", test_looked_up_meanwhile);
  return g_test_run ();
}
