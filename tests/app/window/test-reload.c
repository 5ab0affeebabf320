/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-reload.c: the window's document was changed by someone else and is read again; what was done
 * here is put aside. */
#include <adwaita.h>
#include <glib/gstdio.h>

#include "esp-window-private.h"
#include "jobs-fixture.h"
#include "scratch-wait.h"
#include "widgets.h"
#include "window-application.h"

static EspApplication *application;

typedef struct
{
  char *folder;
  char *path;   /* one node */
  char *theirs; /* two nodes */
  EspWindow *window;
} Fixture;

static gboolean
has_document (gpointer window)
{
  return esp_window_get_document (window) != NULL;
}

static gboolean
has_two_nodes (gpointer window)
{
  EspDocument *document = esp_window_get_document (window);

  return document != NULL && esp_document_get_n_nodes (document) == 2;
}

static gboolean
has_three_nodes (gpointer document)
{
  return esp_document_get_n_nodes (document) == 3;
}

static gboolean
is_saved (gpointer document)
{
  return esp_document_get_save_state (document) == ESP_DOCUMENT_SAVED;
}

static gboolean
is_changed_elsewhere (gpointer document)
{
  return esp_document_get_save_state (document) == ESP_DOCUMENT_CHANGED_ELSEWHERE;
}

static void
make_file (const char *path, guint n_nodes)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (EspDocument) document = NULL;

  esp_document_create_async (file, NULL, NULL, scratch_take_result, &result);
  document = esp_document_create_finish (scratch_wait_for_result (&result), NULL);
  g_assert_nonnull (document);
  for (guint i = 0; i < n_nodes; i++)
    jobs_import (document, 16 + (int) i);
  jobs_close_document (document);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GFile) file = NULL;

  self->folder = g_dir_make_tmp ("espalier-reload-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "Coffee.espalier", NULL);
  self->theirs = g_build_filename (self->folder, "Theirs.espalier", NULL);
  make_file (self->path, 1);
  make_file (self->theirs, 2);
  self->window = esp_window_new (application);
  file = g_file_new_for_path (self->path);
  gtk_window_present (GTK_WINDOW (self->window));
  esp_application_open_file (application, self->window, file);
  g_assert_true (scratch_wait_for (has_document, self->window));
  gtk_test_widget_wait_for_draw (GTK_WIDGET (self->window));
}

static void
close_window (EspWindow *window)
{
  gpointer weak = window;

  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  gtk_window_close (GTK_WINDOW (window));
  g_assert_true (scratch_wait_for (scratch_is_null, &weak));
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  close_window (self->window);
  g_unlink (self->path);
  g_unlink (self->theirs);
  g_rmdir (self->folder);
  g_free (self->folder);
  g_free (self->path);
  g_free (self->theirs);
}

/* Theirs comes, as from a folder that is kept in step with another machine. */
static void
replace (Fixture *self)
{
  g_assert_cmpint (g_rename (self->theirs, self->path), ==, 0);
  g_assert_true (scratch_wait_for (is_changed_elsewhere, esp_window_get_document (self->window)));
}

static void
reload (Fixture *self)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (self->window), "win.reload", NULL));
}

static gboolean
is_button_of_aside (GtkWidget *widget, gconstpointer data)
{
  return GTK_IS_BUTTON (widget)
         && g_strcmp0 (gtk_actionable_get_action_name (GTK_ACTIONABLE (widget)), "app.open-uri")
                == 0
         && gtk_widget_get_mapped (widget);
}

static GtkWidget *
find_button (EspWindow *window)
{
  return widgets_find_shown (GTK_WIDGET (window->toasts), is_button_of_aside, NULL);
}

static gboolean
has_button (gpointer window)
{
  return find_button (window) != NULL;
}

static EspWindow *
find_other_window (EspWindow *window)
{
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (application)); l; l = l->next)
    if (ESP_IS_WINDOW (l->data) && l->data != window && esp_window_get_document (l->data))
      return l->data;
  return NULL;
}

static gboolean
has_other_window (gpointer window)
{
  return find_other_window (window) != NULL;
}

/* To have looked at it is nothing that needs to be kept. */
static void
test_view_alone (Fixture *self, gconstpointer data)
{
  EspDocument *document = esp_window_get_document (self->window);
  EspNode *node = esp_document_get_current (document);

  jobs_delete (document, jobs_import (document, 30));
  g_assert_true (scratch_wait_for (is_saved, document));
  esp_document_set_current (document, node);
  esp_document_set_folded (document, node, TRUE);
  replace (self);
  scratch_wait (700); /* the view is stored */
  reload (self);
  g_assert_true (scratch_wait_for (has_two_nodes, self->window));
  scratch_wait (700);
  g_assert_true (is_saved (esp_window_get_document (self->window)));
  g_assert_false (has_button (self->window));
  g_assert_false (gtk_widget_get_mapped (GTK_WIDGET (self->window->save_banner)));
}

static void
test_unsaved (Fixture *self, gconstpointer data)
{
  EspDocument *document = esp_window_get_document (self->window);
  EspWindow *other;

  replace (self);
  jobs_import (document, 30);
  jobs_import (document, 31);
  g_assert_true (has_three_nodes (document));
  reload (self);
  g_assert_true (scratch_wait_for (has_two_nodes, self->window));
  g_assert_true (is_saved (esp_window_get_document (self->window)));
  g_assert_true (scratch_wait_for (has_button, self->window));
  widgets_take_screenshot (GTK_WIDGET (self->window), "reload-put-aside");

  g_signal_emit_by_name (find_button (self->window), "clicked");
  g_assert_true (scratch_wait_for (has_other_window, self->window));
  other = find_other_window (self->window);
  document = esp_window_get_document (other);
  g_assert_cmpstr (esp_document_get_title (document), ==, "Coffee (Unsaved Version)");
  g_assert_true (esp_document_is_in_library (document));
  g_assert_true (has_three_nodes (document));
  gtk_test_widget_wait_for_draw (GTK_WIDGET (other));
  close_window (other);
}

/* What cannot be put aside stays where it is. */
static void
test_nowhere (Fixture *self, gconstpointer data)
{
  g_autofree char *library = esp_document_library_dup_path ();
  g_autofree char *away = g_strconcat (library, ".away", NULL);
  EspDocument *document = esp_window_get_document (self->window);
  gpointer weak = document;

  replace (self);
  jobs_import (document, 30);
  jobs_import (document, 31);
  g_assert_cmpint (g_rename (library, away), ==, 0);
  g_assert_true (g_file_set_contents (library, "", 0, NULL));
  reload (self);
  g_assert_null (esp_window_get_document (self->window));
  g_object_add_weak_pointer (G_OBJECT (document), &weak);
  g_assert_true (scratch_wait_for (has_document, self->window));
  g_assert_true (esp_window_get_document (self->window) == document && weak == document);
  g_object_remove_weak_pointer (G_OBJECT (document), &weak);
  g_assert_true (has_three_nodes (document));
  g_assert_true (is_changed_elsewhere (document));
  g_assert_true (gtk_widget_get_mapped (GTK_WIDGET (self->window->save_banner)));

  g_assert_cmpint (g_unlink (library), ==, 0);
  g_assert_cmpint (g_rename (away, library), ==, 0);
  reload (self);
  g_assert_true (scratch_wait_for (has_two_nodes, self->window));
  g_assert_true (scratch_wait_for (has_button, self->window));
}

int
main (int argc, char **argv)
{
  int status;

  widgets_init (&argc, &argv);
  application = window_application_new ();
  g_test_add ("/reload/view-alone", Fixture, NULL, set_up, test_view_alone, tear_down);
  g_test_add ("/reload/unsaved", Fixture, NULL, set_up, test_unsaved, tear_down);
  g_test_add ("/reload/nowhere", Fixture, NULL, set_up, test_nowhere, tear_down);
  status = g_test_run ();
  g_object_unref (application);
  return status;
}
