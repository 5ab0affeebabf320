/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-window.c: the real window with real documents: opening, marks, undo, reading only. */
#include <adwaita.h>
#include <glib/gstdio.h>

#include "esp-history-private.h"
#include "esp-window-private.h"
#include "jobs-fixture.h"
#include "scratch-wait.h"
#include "widgets.h"
#include "window-application.h"

static EspApplication *application;
static FakeBackend *fake; /* stepped: turns end when the tests say so */

static void
spin_until (gboolean (*done) (gpointer), gpointer data)
{
  if (!scratch_wait_for (done, data))
    g_error ("waited in vain");
}

static gboolean
has_document (gpointer data)
{
  return esp_window_get_document (data) != NULL;
}

static EspWindow *
open_photo (void)
{
  EspWindow *window = esp_window_new (application);
  g_autofree char *path
      = g_build_filename (g_getenv ("ESPALIER_DATA_DIR"), "photos", "cat.png", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);

  g_assert_true (esp_window_is_empty (window));
  gtk_window_present (GTK_WINDOW (window));
  esp_application_open_file (application, window, file);
  g_assert_false (esp_window_is_empty (window));
  spin_until (has_document, window);
  gtk_test_widget_wait_for_draw (GTK_WIDGET (window));
  return window;
}

static EspWindow *
open_again (GFile *file)
{
  EspWindow *window = esp_window_new (application);

  gtk_window_present (GTK_WINDOW (window));
  esp_application_open_file (application, window, file);
  spin_until (has_document, window);
  /* GTK 4.8 does not survive that a window goes before its first frame. */
  gtk_test_widget_wait_for_draw (GTK_WIDGET (window));
  return window;
}

static void
close_window (EspWindow *window)
{
  gpointer weak = window;

  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  gtk_window_close (GTK_WINDOW (window));
  spin_until (scratch_is_null, &weak);
}

static void
act (EspWindow *window, const char *detailed)
{
  g_autofree char *name = NULL;
  g_autoptr (GVariant) target = NULL;

  g_assert_true (g_action_parse_detailed_name (detailed, &name, &target, NULL));
  if (!gtk_widget_activate_action_variant (GTK_WIDGET (window), name, target))
    g_error ("there is no action \"%s\"", detailed);
}

/* A photo becomes a document of its own, named after it, with the photo as its current node. */
static void
test_photo (void)
{
  EspWindow *window = open_photo ();
  EspDocument *document = esp_window_get_document (window);
  EspNode *node = esp_document_get_current (document);

  g_assert_cmpstr (esp_document_get_title (document), ==, "cat");
  g_assert_true (esp_document_is_in_library (document));
  g_assert_cmpuint (esp_document_get_n_nodes (document), ==, 1);
  g_assert_nonnull (node);
  g_assert_cmpint (esp_node_get_kind (node), ==, ESP_NODE_IMPORTED);
  g_assert_cmpint (esp_node_get_width (node), ==, 256);
  g_assert_cmpstr (adw_window_title_get_title (window->title), ==, "cat");
  close_window (window);
}

static gboolean
is_no_file (gpointer path)
{
  return !g_file_test (path, G_FILE_TEST_EXISTS);
}

static gboolean
has_two_nodes (gpointer data)
{
  return esp_document_get_n_nodes (data) == 2;
}

static gboolean
has_one_node (gpointer data)
{
  return esp_document_get_n_nodes (data) == 1;
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
has_other_window (gpointer data)
{
  return find_other_window (data) != NULL;
}

static gboolean
is_root (gpointer data)
{
  return esp_node_get_parent (data) == NULL;
}

static gboolean
is_no_root (gpointer data)
{
  return !is_root (data);
}

static gboolean
has_undo_toast (gpointer data)
{
  return ESP_WINDOW (data)->undo_toast != NULL;
}

/* A branch goes into a document of its own, and back by being dropped. */
static void
test_copy_branch (void)
{
  EspWindow *window = open_photo (), *other;
  EspDocument *document = esp_window_get_document (window);
  g_autoptr (EspNode) copy = NULL;
  g_autoptr (EspNode) copy_of_root = NULL;

  act (window, "node.copy-branch");
  spin_until (has_other_window, window);
  other = find_other_window (window);
  gtk_test_widget_wait_for_draw (GTK_WIDGET (other));
  g_assert_true (esp_window_get_document (other) != document);
  g_assert_cmpuint (esp_document_get_n_nodes (esp_window_get_document (other)), ==, 1);
  copy = g_object_ref (esp_document_get_current (esp_window_get_document (other)));
  g_assert_cmpstr (esp_node_get_sha256 (copy), ==,
                   esp_node_get_sha256 (esp_document_get_current (document)));

  g_signal_emit_by_name (window->history, "branch-drop", copy, esp_document_get_current (document));
  spin_until (has_two_nodes, document);
  g_assert_cmpuint (
      g_list_model_get_n_items (esp_node_get_children (esp_document_get_current (document))), ==,
      1);
  copy_of_root
      = g_list_model_get_item (esp_node_get_children (esp_document_get_current (document)), 0);

  /* Hung elsewhere by being dragged, it says so and offers the way back. */
  esp_window_dismiss_undo_toast (window);
  g_signal_emit_by_name (window->history, "move-drop", copy_of_root, NULL);
  spin_until (is_root, copy_of_root);
  spin_until (has_undo_toast, window);
  act (window, "win.undo");
  spin_until (is_no_root, copy_of_root);

  act (window, "win.undo");
  spin_until (has_one_node, document);
  close_window (other);
  close_window (window);
}

static gboolean
has_three_stars (gpointer data)
{
  return esp_node_get_stars (data) == 3;
}

static gboolean
has_no_stars (gpointer data)
{
  return esp_node_get_stars (data) == 0;
}

static gboolean
is_rejected (gpointer data)
{
  return esp_node_get_rejected (data);
}

static gboolean
is_empty_document (gpointer data)
{
  return esp_document_get_n_nodes (data) == 0;
}

/* Marks, deletion, and undo of both through the window's actions. */
static void
test_node_actions (void)
{
  EspWindow *window = open_photo ();
  EspDocument *document = esp_window_get_document (window);
  EspNode *node = esp_document_get_current (document);

  act (window, "node.stars(3)");
  spin_until (has_three_stars, node);
  act (window, "win.undo");
  spin_until (has_no_stars, node);
  act (window, "win.redo");
  spin_until (has_three_stars, node);
  act (window, "node.reject");
  spin_until (is_rejected, node);
  g_assert_nonnull (window->undo_toast);
  act (window, "node.delete");
  spin_until (is_empty_document, document);
  act (window, "win.undo");
  spin_until (has_one_node, document);
  close_window (window);
}

static gboolean
has_four_stars (gpointer data)
{
  return esp_node_get_stars (data) == 4;
}

/* In the history commands are for what is chosen there, on the canvas and in the details for what
 * one sees. */
static void
test_actions_of_views (void)
{
  EspWindow *window = open_photo ();
  EspDocument *document = esp_window_get_document (window);
  EspNode *first = esp_document_get_current (document), *second;
  g_autofree char *path
      = g_build_filename (g_getenv ("ESPALIER_DATA_DIR"), "photos", "coffee.png", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  bytes = g_bytes_new_take (g_steal_pointer (&contents), length);
  esp_window_take_image (window, bytes, "coffee.png");
  while (esp_document_get_current (document) == first)
    g_main_context_iteration (NULL, TRUE);
  second = esp_document_get_current (document);
  esp_tree_view_set_cursor (window->history->tree, first);
  g_assert_true (esp_document_get_current (document) == second);

  act (window, "node.stars(3)");
  spin_until (has_three_stars, first);
  g_assert_cmpint (esp_node_get_stars (second), ==, 0);
  gtk_widget_activate_action (GTK_WIDGET (window->canvas), "node.stars", "i", 4);
  spin_until (has_four_stars, second);
  g_assert_cmpint (esp_node_get_stars (first), ==, 3);
  gtk_widget_activate_action (GTK_WIDGET (window->details), "node.stars", "i", 3);
  spin_until (has_three_stars, second);
  close_window (window);
}

/* Every action on nodes that other widgets' menus and buttons name. */
static void
test_node_action_names (void)
{
  static const char *const names[] = {
    "show",         "label",     "note",           "stars",         "tag",
    "reject",       "run-again", "run-again-same", "use-settings",  "use-instruction",
    "use-seed",     "retry",     "stop",           "copy-image",    "copy-instruction",
    "copy-command", "export",    "open-with",      "add-reference", "compare",
    "duplicate",    "move",      "copy-branch",    "fold",          "delete",
  };
  EspWindow *window = open_photo ();

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (!g_action_group_has_action (G_ACTION_GROUP (window->node_actions), names[i]))
      g_error ("there is no action \"node.%s\"", names[i]);
  /* A photo was not made by a turn. */
  g_assert_false (
      g_action_group_get_action_enabled (G_ACTION_GROUP (window->node_actions), "run-again"));
  g_assert_true (
      g_action_group_get_action_enabled (G_ACTION_GROUP (window->node_actions), "copy-image"));
  close_window (window);
}

static gboolean
can (EspWindow *window, const char *action)
{
  gboolean enabled
      = g_action_group_get_action_enabled (G_ACTION_GROUP (window->node_actions), action);

  g_assert_true (
      g_action_group_get_action_enabled (G_ACTION_GROUP (window->current_actions), action)
      == enabled);
  return enabled;
}

static gboolean
can_show_before (EspWindow *window)
{
  return g_action_group_get_action_enabled (G_ACTION_GROUP (window), "compare");
}

/* There is nothing before a photo; there is before what was made from it. */
static void
test_compare (void)
{
  EspWindow *window = open_photo ();
  EspDocument *document = esp_window_get_document (window);
  g_autoptr (EspNode) photo = g_object_ref (esp_document_get_current (document));
  g_autoptr (EspNode) child = NULL;
  GPtrArray *nodes;

  g_assert_false (can (window, "compare"));
  g_assert_false (can_show_before (window));
  gtk_widget_activate_action (GTK_WIDGET (window), "node.compare", NULL);
  g_assert_false (esp_window_is_comparing (window));

  g_signal_emit_by_name (window->history, "branch-drop", photo, photo);
  spin_until (has_two_nodes, document);
  child = g_list_model_get_item (esp_node_get_children (photo), 0);
  esp_document_set_current (document, child);
  g_assert_true (can (window, "compare"));
  g_assert_true (can_show_before (window));
  act (window, "node.compare");
  g_assert_true (esp_window_is_comparing (window));
  nodes = esp_compare_view_get_nodes (window->compare_view);
  g_assert_cmpuint (nodes->len, ==, 2);
  g_assert_true (nodes->pdata[0] == photo);
  g_assert_true (esp_compare_view_get_b (window->compare_view) == child);
  g_assert_true (esp_document_get_current (document) == child);
  g_assert_false (can_show_before (window));
  /* The same key leads back. */
  act (window, "node.compare");
  g_assert_false (esp_window_is_comparing (window));
  g_assert_null (esp_compare_view_get_nodes (window->compare_view));

  /* What is shown can be left, wherever one went meanwhile. */
  act (window, "node.compare");
  esp_document_set_current (document, photo);
  g_assert_true (esp_window_is_comparing (window));
  g_assert_true (can (window, "compare"));
  act (window, "win.escape");
  g_assert_false (esp_window_is_comparing (window));
  g_assert_false (can (window, "compare"));
  g_assert_false (can_show_before (window));

  /* One dropped onto the other: the one that lies there is B. */
  g_signal_emit_by_name (window->history, "compare", child, photo);
  g_assert_true (esp_window_is_comparing (window));
  g_assert_true (esp_compare_view_get_b (window->compare_view) == photo);
  close_window (window);
}

static gboolean
has_no_node (gpointer data)
{
  return esp_document_get_n_nodes (data) == 0;
}

static gboolean
has_a_toast (gpointer data)
{
  return ESP_WINDOW (data)->undo_toast != NULL;
}

/* Undo after a deletion brings the image back, with the note that was just being written. */
static void
test_delete_while_writing (void)
{
  EspWindow *window = open_photo ();
  EspDocument *document = esp_window_get_document (window);
  GtkWidget *note = widgets_find_type (GTK_WIDGET (window->details), GTK_TYPE_TEXT_VIEW);
  g_autoptr (EspNode) node = NULL;

  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (note)), "A good one", -1);
  act (window, "node.delete");
  spin_until (has_no_node, document);
  spin_until (has_a_toast, window);
  act (window, "win.undo");
  spin_until (has_one_node, document);
  node = g_list_model_get_item (esp_document_get_roots (document), 0);
  g_assert_cmpstr (esp_node_get_note (node), ==, "A good one");
  close_window (window);
}

/* The same file twice is one window. */
static void
test_same_file (void)
{
  EspWindow *window = open_photo ();
  GFile *file = esp_window_get_file (window);
  g_autofree char *uri = g_file_get_uri (file);
  g_autoptr (GFile) again = g_file_new_for_uri (uri);
  guint n = g_list_length (gtk_application_get_windows (GTK_APPLICATION (application)));

  g_assert_true (esp_application_find_window (application, again) == window);
  esp_application_open_file (application, NULL, again);
  g_assert_cmpuint (g_list_length (gtk_application_get_windows (GTK_APPLICATION (application))), ==,
                    n);
  close_window (window);
}

/* What was closed is there again, with the marks and the same image. */
static void
test_reopen (void)
{
  EspWindow *window = open_photo ();
  g_autoptr (GFile) file = g_object_ref (esp_window_get_file (window));
  EspNode *node = esp_document_get_current (esp_window_get_document (window));
  g_autofree char *sha256 = g_strdup (esp_node_get_sha256 (node));

  act (window, "node.stars(3)");
  spin_until (has_three_stars, node);
  close_window (window);

  window = open_again (file);
  node = esp_document_get_current (esp_window_get_document (window));
  g_assert_nonnull (node);
  g_assert_cmpint (esp_node_get_stars (node), ==, 3);
  g_assert_cmpstr (esp_node_get_sha256 (node), ==, sha256);
  close_window (window);
}

static gboolean
is_idle (gpointer data)
{
  return esp_window_is_empty (data);
}

/* What cannot be opened is said, and leaves the window as it was, and no document behind. */
static void
test_bad_files (void)
{
  EspWindow *window = esp_window_new (application);
  g_autofree char *bad = g_build_filename (g_get_tmp_dir (), "bad.png", NULL);
  g_autofree char *library = esp_document_library_dup_path ();
  const char *paths[] = { "/nowhere/at-all.png", "/nowhere/at-all.espalier", bad, "/", NULL };
  g_autofree char *left = g_build_filename (library, "bad.espalier", NULL);

  g_assert_true (g_file_set_contents (bad, "no picture", -1, NULL));
  gtk_window_present (GTK_WINDOW (window));
  for (const char **path = paths; *path != NULL; path++)
    {
      g_autoptr (GFile) file = g_file_new_for_path (*path);

      esp_application_open_file (application, window, file);
      spin_until (is_idle, window);
      g_assert_null (esp_window_get_document (window));
    }
  spin_until (is_no_file, left);
  close_window (window);
}

static gboolean
is_folded (gpointer data)
{
  return esp_split_view_get_folded (((EspWindow *) data)->split);
}

static GtkWidget *
find_toast (EspWindow *window)
{
  GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (window->toasts));

  while (child != NULL && child == adw_toast_overlay_get_child (window->toasts))
    child = gtk_widget_get_next_sibling (child);
  return child;
}

static gboolean
is_toast_above (EspWindow *window, GtkWidget *part)
{
  GtkWidget *toast = find_toast (window);
  graphene_rect_t toast_area, area;

  return toast != NULL && gtk_widget_get_mapped (part)
         && gtk_widget_compute_bounds (toast, GTK_WIDGET (window), &toast_area)
         && gtk_widget_compute_bounds (part, GTK_WIDGET (window), &area)
         && toast_area.size.height > 0
         && toast_area.origin.y + toast_area.size.height <= area.origin.y;
}

static gboolean
is_toast_above_composer (gpointer data)
{
  return is_toast_above (data, GTK_WIDGET (ESP_WINDOW (data)->composer));
}

static gboolean
is_toast_above_tool_bar (gpointer data)
{
  return is_toast_above (data, esp_history_get_tool_bar (ESP_WINDOW (data)->history));
}

/* A message covers neither the composer, however much is written in it, nor, on the other page of a
 * narrow window, the history's buttons. */
static void
test_toast_place (void)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  EspWindow *window = open_photo ();
  GtkWidget *text;

  esp_window_toast_undo (window, "Something was done");
  spin_until (is_toast_above_composer, window);
  text = widgets_find_type (GTK_WIDGET (window->composer), GTK_TYPE_TEXT_VIEW);
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (text)),
                            "One\nTwo\nThree\nFour\nFive", -1);
  gtk_test_widget_wait_for_draw (GTK_WIDGET (window));
  spin_until (is_toast_above_composer, window);

  gtk_window_set_default_size (GTK_WINDOW (window), 400, 700);
  spin_until (is_folded, window);
  esp_split_view_set_show_end (window->split, TRUE);
  spin_until (is_toast_above_composer, window);
  esp_split_view_set_show_end (window->split, FALSE);
  spin_until (is_toast_above_tool_bar, window);
  close_window (window);
  g_settings_reset (settings, "window-size");
  g_settings_reset (settings, "history-width");
}

/* Narrow: one page at a time, with a way back. */
static void
test_narrow (void)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  EspWindow *window;

  g_settings_set (settings, "window-size", "(ii)", 360, 640);
  window = open_photo ();
  spin_until (is_folded, window);
  gtk_test_widget_wait_for_draw (GTK_WIDGET (window));
  g_assert_true (gtk_widget_get_visible (window->back_button));
  g_assert_true (gtk_widget_get_mapped (GTK_WIDGET (window->canvas)));
  g_assert_cmpint (gtk_widget_get_width (GTK_WIDGET (window)), <=, 360);
  act (window, "win.back");
  gtk_test_widget_wait_for_draw (GTK_WIDGET (window));
  g_assert_false (gtk_widget_get_visible (window->back_button));
  g_assert_true (gtk_widget_get_mapped (GTK_WIDGET (window->history)));
  act (window, "node.show");
  g_assert_true (gtk_widget_get_visible (window->back_button));
  close_window (window);
  g_settings_reset (settings, "window-size");
}

/* Size, panes and zoom of a window come back. */
static void
test_session (void)
{
  EspWindow *window = open_photo ();
  EspWindow *second;
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GFile) file = g_object_ref (esp_window_get_file (window));
  const char *uri;
  g_autofree char *expected = g_file_get_uri (file);

  esp_split_view_set_position (window->split, 320);
  adw_flap_set_reveal_flap (window->flap, TRUE);
  esp_canvas_set_fit (window->canvas, FALSE);
  esp_canvas_set_zoom (window->canvas, 2.0);
  state = esp_window_dup_state (window);
  g_assert_nonnull (state);
  g_assert_true (g_variant_lookup (state, "uri", "&s", &uri));
  g_assert_cmpstr (uri, ==, expected);
  close_window (window);

  second = esp_window_new (application);
  esp_window_restore_state (second, state);
  gtk_window_present (GTK_WINDOW (second));
  esp_window_open_document (second, file);
  spin_until (has_document, second);
  gtk_test_widget_wait_for_draw (GTK_WIDGET (second));
  g_assert_cmpint (esp_split_view_get_position (second->split), ==, 320);
  g_assert_true (adw_flap_get_reveal_flap (second->flap));
  g_assert_false (esp_canvas_get_fit (second->canvas));
  g_assert_cmpfloat_with_epsilon (esp_canvas_get_zoom (second->canvas), 2.0, 0.01);
  close_window (second);
}

/* --- Closing with turns under way ------------------------------------------------------------ */

static gboolean
is_running (gpointer data)
{
  return fake_backend_is_running (fake, data);
}

static AdwMessageDialog *
find_dialog (EspWindow *window)
{
  g_autoptr (GList) toplevels = gtk_window_list_toplevels ();

  for (GList *l = toplevels; l != NULL; l = l->next)
    if (ADW_IS_MESSAGE_DIALOG (l->data)
        && gtk_window_get_transient_for (l->data) == GTK_WINDOW (window))
      return l->data;
  return NULL;
}

static void
answer (EspWindow *window, const char *response)
{
  AdwMessageDialog *dialog = find_dialog (window);

  g_assert_nonnull (dialog);
  adw_message_dialog_response (dialog, response);
}

static void
begin_turn (EspWindow *window, const char *prompt)
{
  EspDocument *document = esp_window_get_document (window);
  EspNode *turn
      = jobs_make_turn (document, esp_document_get_current (document), "fake", prompt, NULL);

  esp_queue_add (esp_application_get_queue (application), document, turn, FALSE);
  spin_until (is_running, (gpointer) prompt);
}

/* Asked once; "wait" leaves everything as it is; "stop" closes, and offers the turn again. */
static void
test_close_stop (void)
{
  EspWindow *window = open_photo ();
  g_autoptr (GFile) file = g_object_ref (esp_window_get_file (window));
  gpointer weak = window;
  GPtrArray *left;

  begin_turn (window, "stop me");
  gtk_window_close (GTK_WINDOW (window));
  gtk_window_close (GTK_WINDOW (window));
  answer (window, "wait");
  g_assert_true (fake_backend_is_running (fake, "stop me"));
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (window)));

  gtk_window_close (GTK_WINDOW (window));
  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  answer (window, "stop");
  spin_until (scratch_is_null, &weak);
  g_assert_false (fake_backend_is_running (fake, "stop me"));

  window = open_again (file);
  left = window->left_over;
  g_assert_nonnull (left);
  g_assert_cmpuint (left->len, ==, 1);
  g_assert_nonnull (esp_banner_get_text (window->left_over_banner));
  act (window, "win.dismiss");
  g_assert_null (esp_banner_get_text (window->left_over_banner));
  close_window (window);
}

/* "Keep running": the window is hidden until the turn is done, which is in the document then. */
static void
test_close_background (void)
{
  EspWindow *window = open_photo ();
  g_autoptr (GFile) file = g_object_ref (esp_window_get_file (window));
  gpointer weak = window;

  begin_turn (window, "go on");
  gtk_window_close (GTK_WINDOW (window));
  answer (window, "background");
  g_assert_false (gtk_widget_get_visible (GTK_WIDGET (window)));
  g_assert_true (esp_window_is_in_background (window));

  /* Opening it brings it back; closing asks again. */
  esp_application_open_file (application, NULL, file);
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (window)));
  gtk_window_close (GTK_WINDOW (window));
  answer (window, "background");

  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  fake_backend_finish (fake, "go on");
  spin_until (scratch_is_null, &weak);

  window = open_again (file);
  g_assert_cmpuint (esp_document_get_n_nodes (esp_window_get_document (window)), ==, 2);
  g_assert_null (esp_banner_get_text (window->left_over_banner));
  close_window (window);
}

/* Quitting with turns in two of three windows is one question, before any window goes. */
static void
test_quit (void)
{
  EspWindow *windows[] = { open_photo (), open_photo (), open_photo () };
  gpointer weak[3];
  EspDocument *document = esp_window_get_document (windows[2]);
  EspNode *turn = jobs_make_turn (document, esp_document_get_current (document), "fake", "b", NULL);
  guint n_dialogs = 0;

  begin_turn (windows[1], "a");
  esp_queue_add (esp_application_get_queue (application), document, turn, FALSE);
  for (int i = 0; i < 3; i++)
    {
      weak[i] = windows[i];
      g_object_add_weak_pointer (G_OBJECT (windows[i]), &weak[i]);
    }

  for (int i = 0; i < 2; i++)
    g_action_group_activate_action (G_ACTION_GROUP (application), "quit", NULL);
  for (int i = 0; i < 3; i++)
    n_dialogs += find_dialog (windows[i]) != NULL ? 1 : 0;
  g_assert_cmpuint (n_dialogs, ==, 1);
  answer (find_dialog (windows[1]) != NULL ? windows[1] : windows[2], "wait");
  for (int i = 0; i < 3; i++)
    {
      g_assert_nonnull (weak[i]);
      g_assert_true (gtk_widget_get_visible (GTK_WIDGET (windows[i])));
    }
  g_assert_true (fake_backend_is_running (fake, "a"));

  g_action_group_activate_action (G_ACTION_GROUP (application), "quit", NULL);
  answer (find_dialog (windows[1]) != NULL ? windows[1] : windows[2], "stop");
  for (int i = 0; i < 3; i++)
    spin_until (scratch_is_null, &weak[i]);
  g_assert_false (fake_backend_is_running (fake, "a"));
}

static gboolean
is_settling (gpointer data)
{
  return fake_backend_get_settled (fake)->len == 1;
}

static gboolean
is_settled (gpointer data)
{
  return !esp_queue_has_document (esp_application_get_queue (application), data);
}

/* A turn whose image is in the document is not under way any more, though the provider's traces are
 * still being removed: closing asks nothing, and waits for nothing. */
static void
test_close_settling (void)
{
  EspWindow *window = open_photo ();
  g_autoptr (EspDocument) document = g_object_ref (esp_window_get_document (window));

  fake_backend_set_remote (fake, FALSE);
  fake_backend_hold_settling (fake);
  begin_turn (window, "made");
  g_assert_true (esp_window_has_turns (window));
  fake_backend_finish (fake, "made");
  spin_until (is_settling, NULL);
  g_assert_false (is_settled (document));
  g_assert_false (esp_window_has_turns (window));
  close_window (window);
  fake_backend_settle (fake);
  spin_until (is_settled, document);
}

int
main (int argc, char **argv)
{
  static const char *const domains[]
      = { "Gtk", "Gdk", "Gsk", "Adwaita", "GLib", "GLib-GObject", "espalier-window" };
  int status;

  widgets_init (&argc, &argv);
  /* Warnings are fatal, but for GIO's: no notification daemon runs on the tests' bus. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  for (gsize i = 0; i < G_N_ELEMENTS (domains); i++)
    g_log_set_fatal_mask (domains[i],
                          G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  application = window_application_new ();
  fake = fake_backend_new ("fake", 1);
  fake_backend_set_stepped (fake, TRUE);
  esp_registry_add (esp_queue_get_registry (esp_application_get_queue (application)),
                    ESP_BACKEND (fake));

  g_test_add_func ("/window/photo", test_photo);
  g_test_add_func ("/window/copy-branch", test_copy_branch);
  g_test_add_func ("/window/node-actions", test_node_actions);
  g_test_add_func ("/window/actions-of-views", test_actions_of_views);
  g_test_add_func ("/window/node-action-names", test_node_action_names);
  g_test_add_func ("/window/compare", test_compare);
  g_test_add_func ("/window/delete-while-writing", test_delete_while_writing);
  g_test_add_func ("/window/same-file", test_same_file);
  g_test_add_func ("/window/reopen", test_reopen);
  g_test_add_func ("/window/bad-files", test_bad_files);
  g_test_add_func ("/window/narrow", test_narrow);
  g_test_add_func ("/window/toast-place", test_toast_place);
  g_test_add_func ("/window/session", test_session);
  g_test_add_func ("/window/close-stop", test_close_stop);
  g_test_add_func ("/window/close-background", test_close_background);
  g_test_add_func ("/window/quit", test_quit);
  /* From here on "fake" is a provider's. */
  g_test_add_func ("/window/close-settling", test_close_settling);
  status = g_test_run ();
  g_object_unref (application);
  g_object_unref (fake);
  return status;
}
