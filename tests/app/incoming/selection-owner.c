/* SPDX-License-Identifier: GPL-3.0-or-later */
/* selection-owner.c: another program that has something on the clipboard, and may be hostile.
 *
 *   selection-owner HOW TYPE [FILE]
 *
 * HOW is what it does when someone asks for TYPE: "whole" sends FILE; "half" sends half of FILE and
 * then nothing more; "silent" never answers; "endless" never ends; "die" sends half of FILE
 * and ends. With --drag before HOW it shows
 * a window from which the same can be dragged. Says "ready".
 */
#include <gtk/gtk.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_OWNER (owner_get_type ())

G_DECLARE_FINAL_TYPE (Owner, owner, TEST, OWNER, GdkContentProvider)

struct _Owner
{
  GdkContentProvider parent_instance;
  const char *how;
  const char *type;
  char *contents;
  gsize size;
};

G_DEFINE_FINAL_TYPE (Owner, owner, GDK_TYPE_CONTENT_PROVIDER)

static GdkContentFormats *
owner_ref_formats (GdkContentProvider *provider)
{
  return gdk_content_formats_new (&TEST_OWNER (provider)->type, 1);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Owner *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    g_task_return_error (task, error);
  else if (g_str_equal (self->how, "die"))
    exit (0);
  else if (g_str_equal (self->how, "half"))
    return; /* and the task is kept for ever */
  else if (g_str_equal (self->how, "endless"))
    {
      g_output_stream_write_all_async (G_OUTPUT_STREAM (source), self->contents, self->size,
                                       G_PRIORITY_DEFAULT, NULL, on_written, task);
      return;
    }
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
owner_write_async (GdkContentProvider *provider, const char *type, GOutputStream *stream,
                   int priority, GCancellable *cancellable, GAsyncReadyCallback callback,
                   gpointer user_data)
{
  Owner *self = TEST_OWNER (provider);
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  const gboolean half = g_str_equal (self->how, "half") || g_str_equal (self->how, "die");

  if (g_str_equal (self->how, "silent"))
    return;
  g_output_stream_write_all_async (stream, self->contents, half ? self->size / 2 : self->size,
                                   priority, NULL, on_written, task);
}

static gboolean
owner_write_finish (GdkContentProvider *provider, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
owner_class_init (OwnerClass *klass)
{
  GdkContentProviderClass *provider_class = GDK_CONTENT_PROVIDER_CLASS (klass);

  provider_class->ref_formats = owner_ref_formats;
  provider_class->write_mime_type_async = owner_write_async;
  provider_class->write_mime_type_finish = owner_write_finish;
}

static void
owner_init (Owner *self)
{
}

static gboolean
say_ready (gpointer unused)
{
  g_print ("ready\n");
  return G_SOURCE_REMOVE;
}

static void
show_source (GdkContentProvider *content)
{
  GtkWidget *window = gtk_window_new ();
  GtkWidget *label = gtk_label_new ("Drag from here");
  GtkDragSource *source = gtk_drag_source_new ();

  gtk_window_set_title (GTK_WINDOW (window), "Drag from here");
  gtk_window_set_default_size (GTK_WINDOW (window), 200, 200);
  gtk_drag_source_set_content (source, content);
  gtk_widget_add_controller (label, GTK_EVENT_CONTROLLER (source));
  gtk_window_set_child (GTK_WINDOW (window), label);
  gtk_window_present (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  const gboolean drag = argc > 1 && g_str_equal (argv[1], "--drag");
  char **words = argv + (drag ? 2 : 1);
  g_autoptr (Owner) owner = NULL;
  g_autoptr (GMainLoop) loop = NULL;

  g_assert_nonnull (words[0]);
  g_assert_nonnull (words[1]);
  gtk_init ();
  owner = g_object_new (TYPE_OWNER, NULL);
  owner->how = words[0];
  owner->type = g_intern_string (words[1]);
  if (words[2] != NULL)
    g_assert_true (g_file_get_contents (words[2], &owner->contents, &owner->size, NULL));
  else
    {
      owner->size = 1 << 20;
      owner->contents = g_malloc0 (owner->size);
    }
  if (drag)
    show_source (GDK_CONTENT_PROVIDER (owner));
  else
    gdk_clipboard_set_content (gdk_display_get_clipboard (gdk_display_get_default ()),
                               GDK_CONTENT_PROVIDER (owner));
  g_timeout_add (200, say_ready, NULL);
  loop = g_main_loop_new (NULL, FALSE);
  g_main_loop_run (loop);
  return 0;
}
