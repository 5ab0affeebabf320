/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-window.c: the real window at work, measured from within, for bench-window.py.
 *
 *     bench-window empty             an empty window of the toolkit: what ours is compared with
 *     bench-window make FILE N BYTES a document of N nodes with images of so many bytes each
 *     bench-window document FILE     open it, scroll, zoom, find, delete, undo, import, publish
 *     bench-window turns N           as many turns with the demo model, one after the other
 *
 * Prints lines of a name, a tabulator and a number. "….gap" is the longest time, in milliseconds,
 * for which the main loop turned to nothing else: what a person would feel as a stutter. It
 * includes drawing, which is done by the processor here, and waiting for a processor where others
 * use it; "….work" is the longest without that, but also without waiting for the disk. */
#include <adwaita.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>

#include "bench-watch.h"
#include "esp-history-private.h"
#include "esp-texture-cache.h"
#include "esp-window-private.h"
#include "large-document.h"

#define N_FRAMES   150
#define PHOTO_SIDE 4899 /* 24 megapixels */

static EspApplication *application;

/* --- Waiting ---------------------------------------------------------------------------------- */

static gint64 loaded_last;
static guint n_loaded;

static void
on_loaded (void)
{
  loaded_last = g_get_monotonic_time ();
  n_loaded++;
}

static gboolean
is_quiet (gpointer start)
{
  const gint64 since = MAX (loaded_last, *(gint64 *) start);

  return g_get_monotonic_time () - since > 400 * G_TIME_SPAN_MILLISECOND;
}

static void
wait_for_quiet (void)
{
  gint64 start = g_get_monotonic_time ();

  bench_wait_until (is_quiet, &start, "thumbnails");
}

static gboolean
has_document (gpointer window)
{
  return esp_window_get_document (window) != NULL;
}

typedef struct
{
  EspDocument *document;
  guint n;
} Count;

static gboolean
has_nodes (gpointer data)
{
  const Count *count = data;

  return esp_document_get_n_nodes (count->document) == count->n;
}

static gboolean
is_saved (gpointer document)
{
  return esp_document_get_save_state (document) == ESP_DOCUMENT_SAVED;
}

static gboolean
is_gone (gpointer place)
{
  return *(gpointer *) place == NULL;
}

/* --- Scenarios -------------------------------------------------------------------------------- */

static void
move_adjustment (GtkAdjustment *adjustment, double part)
{
  gtk_adjustment_set_value (
      adjustment,
      part * (gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment)));
}

/* Along a curve over the whole tree, some screens a second. */
static void
scroll (EspHistory *history, const char *name, double speed)
{
  GtkAdjustment *x = gtk_scrolled_window_get_hadjustment (history->scroller);
  GtkAdjustment *y = gtk_scrolled_window_get_vadjustment (history->scroller);
  guint most_cards = 0;
  g_autofree char *key = g_strconcat (name, ".cards", NULL);

  wait_for_quiet ();
  bench_time_frames ();
  bench_start_probe ();
  for (guint i = 0; i < N_FRAMES; i++)
    {
      const double at = 0.5 + 0.5 * sin (speed * i / N_FRAMES * 2 * G_PI);

      move_adjustment (x, at);
      move_adjustment (y, 0.5 + 0.5 * cos (speed * i / N_FRAMES * 2 * G_PI));
      bench_wait_for_frames (1);
      most_cards = MAX (most_cards, esp_tree_view_get_n_cards (history->tree));
    }
  bench_print_probe (name);
  bench_print_frames (name);
  bench_print (key, most_cards);
}

/* As a finger or a wheel does: 30 pixels a frame. */
static void
pan (EspHistory *history, const char *name)
{
  GtkAdjustment *y = gtk_scrolled_window_get_vadjustment (history->scroller);

  wait_for_quiet ();
  bench_time_frames ();
  bench_start_probe ();
  for (guint i = 0; i < N_FRAMES; i++)
    {
      const double step = i < N_FRAMES / 2 ? 30 : -30;

      gtk_adjustment_set_value (y, gtk_adjustment_get_value (y) + step);
      bench_wait_for_frames (1);
    }
  bench_print_probe (name);
  bench_print_frames (name);
}

static void
zoom (EspHistory *history)
{
  wait_for_quiet ();
  bench_time_frames ();
  bench_start_probe ();
  for (guint i = 0; i < N_FRAMES; i++)
    {
      const double at = 0.5 + 0.5 * cos ((double) i / N_FRAMES * 2 * G_PI);

      esp_tree_view_set_zoom (history->tree, 0.05 * pow (20, at));
      bench_wait_for_frames (1);
    }
  bench_print_probe ("zoom");
  bench_print_frames ("zoom");
  esp_tree_view_set_zoom (history->tree, 1);
  bench_wait_for_frames (1);
}

static void
find (EspWindow *window)
{
  gint64 start;

  wait_for_quiet ();
  bench_start_probe ();
  esp_history_start_find (window->history);
  bench_wait_for_frames (1);
  start = g_get_monotonic_time ();
  gtk_editable_set_text (window->history->find_entry, "boat 49");
  bench_wait_for_frames (2);
  bench_print ("find", bench_ms_since (start));
  wait_for_quiet ();
  bench_print_probe ("find");
  esp_history_stop_find (window->history);
  bench_wait_for_frames (1);
}

static EspNode *
find_branch (EspDocument *document, guint wanted)
{
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);
  g_autofree guint *sizes = g_new0 (guint, nodes->len + 1);
  g_autoptr (GHashTable) indices = g_hash_table_new (NULL, NULL);
  EspNode *best = NULL;
  guint best_size = 0;

  for (guint i = 0; i < nodes->len; i++)
    g_hash_table_insert (indices, g_ptr_array_index (nodes, i), GUINT_TO_POINTER (i));
  for (guint i = nodes->len; i-- > 1;)
    {
      EspNode *parent = esp_node_get_parent (g_ptr_array_index (nodes, i));

      sizes[i]++;
      if (parent != NULL)
        sizes[GPOINTER_TO_UINT (g_hash_table_lookup (indices, parent))] += sizes[i];
      if (best == NULL
          || ABS ((int) sizes[i] - (int) wanted) < ABS ((int) best_size - (int) wanted))
        {
          best = g_ptr_array_index (nodes, i);
          best_size = sizes[i];
        }
    }
  return best;
}

/* A branch of about a thousand nodes goes and comes back. */
static void
delete_and_undo (EspWindow *window)
{
  EspDocument *document = esp_window_get_document (window);
  const guint n = esp_document_get_n_nodes (document);
  Count all = { document, n };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  GAsyncResult *result = NULL;
  gint64 start;

  g_ptr_array_add (nodes, find_branch (document, 1000));
  wait_for_quiet ();
  bench_start_probe ();
  start = g_get_monotonic_time ();
  esp_document_delete_async (document, nodes, NULL, bench_take_result, &result);
  bench_wait_until (bench_has_result, &result, "delete");
  g_clear_object (&result);
  bench_wait_for_frames (1);
  bench_print ("delete", bench_ms_since (start));
  bench_print_probe ("delete");
  bench_print ("delete.nodes", n - esp_document_get_n_nodes (document));

  wait_for_quiet ();
  bench_start_probe ();
  start = g_get_monotonic_time ();
  gtk_widget_activate_action (GTK_WIDGET (window), "win.undo", NULL);
  bench_wait_until (has_nodes, &all, "undo");
  bench_wait_for_frames (1);
  bench_print ("undo", bench_ms_since (start));
  bench_print_probe ("undo");
  wait_for_quiet ();
}

static GBytes *
make_photo (void)
{
  GError *error = NULL;
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (EspPicture) picture = esp_picture_new (PHOTO_SIDE, PHOTO_SIDE, &error);
  GBytes *bytes = NULL;

  for (gsize i = 0; picture != NULL && i < (gsize) PHOTO_SIDE * PHOTO_SIDE * 3; i++)
    picture->pixels[i] = (guint8) (i / 60000 + i % 3 * 40);
  if (picture != NULL)
    bytes = esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, NULL, &options, NULL, &error);
  if (bytes == NULL)
    bench_fail ("photo", error);
  return bytes;
}

static void
import (EspWindow *window, GBytes *photo)
{
  EspDocument *document = esp_window_get_document (window);
  Count more = { document, esp_document_get_n_nodes (document) + 1 };
  gint64 start = g_get_monotonic_time ();

  bench_start_probe ();
  esp_window_take_image (window, photo, "photo.jpg");
  bench_wait_until (has_nodes, &more, "import");
  bench_print ("import", bench_ms_since (start));
  wait_for_quiet ();
  wait_for_quiet ();
  bench_print_probe ("import");
}

static void
finish_turn (EspWindow *window, GBytes *photo)
{
  EspDocument *document = esp_window_get_document (window);
  const EspTurn turn = { .instruction = "One more", .backend = "none" };
  const EspTurnOutcome outcome = { .image = photo, .seconds = 1, .cost = -1 };
  g_autoptr (GPtrArray) nodes = NULL;
  GAsyncResult *result = NULL;
  gint64 start;

  bench_start_probe ();
  esp_document_add_turns_async (document, esp_document_get_node (document, 1), &turn, 1, NULL,
                                bench_take_result, &result);
  bench_wait_until (bench_has_result, &result, "turn");
  nodes = esp_document_add_turns_finish (document, result, NULL);
  g_clear_object (&result);
  wait_for_quiet ();
  bench_print_probe ("add-turn");

  bench_start_probe ();
  start = g_get_monotonic_time ();
  esp_document_finish_turn_async (document, g_ptr_array_index (nodes, 0), &outcome, NULL,
                                  bench_take_result, &result);
  bench_wait_until (bench_has_result, &result, "outcome");
  g_clear_object (&result);
  bench_print ("finish-turn", bench_ms_since (start));
  wait_for_quiet ();
  bench_print_probe ("finish-turn");
}

/* As a person's own file, which is replaced as a whole after each change. */
static void
publish (EspWindow *window, const char *path)
{
  EspDocument *document = esp_window_get_document (window);
  g_autofree char *own = g_strconcat (path, ".own.espalier", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (own);
  GAsyncResult *result = NULL;
  GError *error = NULL;
  gint64 start = g_get_monotonic_time ();

  bench_start_probe ();
  esp_document_save_as_async (document, file, NULL, bench_take_result, &result);
  bench_wait_until (bench_has_result, &result, "save as");
  if (!esp_document_save_as_finish (document, result, &error))
    bench_fail ("save as", error);
  g_clear_object (&result);
  bench_print ("save-as", bench_ms_since (start));
  bench_print_probe ("save-as");

  bench_start_probe ();
  start = g_get_monotonic_time ();
  esp_document_set_label_async (document, esp_document_get_node (document, 1), "Changed", NULL,
                                bench_take_result, &result);
  bench_wait_until (bench_has_result, &result, "label");
  g_clear_object (&result);
  bench_wait_until (is_saved, document, "publish");
  bench_print ("publish", bench_ms_since (start));
  bench_print_probe ("publish");
}

static EspWindow *
present_window (void)
{
  EspWindow *window = esp_window_new (application);

  gtk_window_set_default_size (GTK_WINDOW (window), 1200, 800);
  gtk_window_present (GTK_WINDOW (window));
  bench_watch_frames (GTK_WIDGET (window));
  bench_wait_for_frames (1);
  return window;
}

static void
close_window (EspWindow *window)
{
  gpointer weak = window;

  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  gtk_window_close (GTK_WINDOW (window));
  bench_wait_until (is_gone, &weak, "close");
}

static EspWindow *
open_document (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  EspWindow *window = present_window ();
  gint64 start;

  wait_for_quiet ();
  n_loaded = 0;
  bench_start_probe ();
  start = g_get_monotonic_time ();
  esp_window_open_document (window, file);
  bench_wait_until (has_document, window, "document");
  bench_print ("open.read", bench_ms_since (start));
  bench_wait_for_frames (1);
  bench_print ("open.frame", bench_ms_since (start));
  wait_for_quiet ();
  bench_print ("open.thumbnails", (double) (loaded_last - start) / 1000);
  bench_print ("open.thumbnails.n", n_loaded);
  bench_print_probe ("open");
  bench_print ("open.memory", bench_get_memory ("VmRSS:"));
  return window;
}

static void
run_document (const char *path)
{
  EspWindow *window;
  EspHistory *history;
  g_autoptr (GBytes) photo = NULL;
  gint64 start;

  g_signal_connect (esp_texture_cache_get_default (), "loaded", G_CALLBACK (on_loaded), NULL);
  window = present_window ();
  wait_for_quiet ();
  bench_print ("empty.memory", bench_get_memory ("VmRSS:"));
  close_window (window);

  window = open_document (path);
  history = window->history;
  pan (history, "pan");
  scroll (history, "scroll", 1);
  esp_tree_view_set_zoom (history->tree, 0.3);
  scroll (history, "scroll-thumbnails", 1);
  esp_tree_view_zoom_fit (history->tree);
  scroll (history, "scroll-dots", 1);
  zoom (history);
  bench_print ("textures",
               (double) esp_texture_cache_get_bytes (esp_texture_cache_get_default ()) / 1e6);
  bench_print ("scrolled.memory", bench_get_memory ("VmRSS:"));
  find (window);
  delete_and_undo (window);
  photo = make_photo ();
  finish_turn (window, photo);
  import (window, photo);
  publish (window, path);
  bench_print ("peak.memory", bench_get_memory ("VmHWM:"));
  start = g_get_monotonic_time ();
  bench_start_probe ();
  close_window (window);
  bench_print ("close", bench_ms_since (start));
  bench_print_probe ("close");
}

/* --- Turns ------------------------------------------------------------------------------------ */

static gboolean
has_schema (gpointer model)
{
  return esp_model_get_schema (model) != NULL;
}

static gboolean
is_settled (gpointer node)
{
  return esp_node_get_state (node) != ESP_NODE_QUEUED
         && esp_node_get_state (node) != ESP_NODE_RUNNING;
}

static void
run_turn (EspWindow *window, EspNode *parent, guint i)
{
  EspDocument *document = esp_window_get_document (window);
  EspQueue *queue = esp_application_get_queue (application);
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;
  EspNode *node;
  const EspTurn turn = { .instruction = "make it blue",
                         .backend = "local",
                         .model = "demo",
                         .parameters = parameters,
                         .has_seed = TRUE,
                         .seed = i };

  json_object_set_int_member (parameters, "steps", 1);
  esp_document_add_turns_async (document, parent, &turn, 1, NULL, bench_take_result,
                                (gpointer) &result);
  bench_wait_until (bench_has_result, (gpointer) &result, "turn");
  nodes = esp_document_add_turns_finish (document, result, &error);
  if (nodes == NULL)
    bench_fail ("turn", error);
  node = g_ptr_array_index (nodes, 0);
  esp_queue_add (queue, document, node, FALSE);
  bench_wait_until (is_settled, node, "turn");
  if (esp_node_get_state (node) != ESP_NODE_DONE)
    {
      g_printerr ("bench-window: a turn failed: %s\n", esp_node_get_message (node));
      exit (EXIT_FAILURE);
    }
  esp_document_set_current (document, node);
  if (i % 10 == 9)
    {
      /* A person would look at it. */
      bench_wait_for_frames (1);
    }
}

static void
run_turns (guint n)
{
  EspWindow *window = present_window ();
  g_autofree char *path
      = g_build_filename (g_getenv ("ESPALIER_DATA_DIR"), "photos", "cat.png", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  EspModel *model = esp_registry_find_model (
      esp_queue_get_registry (esp_application_get_queue (application)), "local", "demo");
  EspDocument *document;
  gint64 start;

  if (model == NULL)
    bench_fail ("there is no demo model", NULL);
  esp_model_prepare (model);
  bench_wait_until (has_schema, model, "model");
  esp_window_open_photo (window, file);
  bench_wait_until (has_document, window, "photo");
  document = esp_window_get_document (window);
  wait_for_quiet ();
  start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);

      /* A tree, not a chain: every eighth turn begins at the photo again. */
      run_turn (window, g_ptr_array_index (nodes, i % 8 == 0 ? 0 : nodes->len - 1), i);
      if (i == n / 5 || i == n / 5 * 3 || i == n - 1)
        {
          g_autofree char *key = g_strdup_printf ("turns.memory.%u", i + 1);

          wait_for_quiet ();
          bench_print (key, bench_get_memory ("VmRSS:"));
          bench_print ("turns.textures",
                       (double) esp_texture_cache_get_bytes (esp_texture_cache_get_default ())
                           / 1e6);
        }
    }
  bench_print ("turns.each", bench_ms_since (start) / n);
  close_window (window);
}

/* --- An empty window -------------------------------------------------------------------------- */

static void
on_empty_painted (GdkFrameClock *clock, gpointer user_data)
{
  g_print ("first frame\n");
  exit (EXIT_SUCCESS);
}

static void
on_empty_activate (GApplication *empty)
{
  GtkWidget *window = adw_application_window_new (GTK_APPLICATION (empty));
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  gtk_box_append (GTK_BOX (box), adw_header_bar_new ());
  gtk_box_append (GTK_BOX (box), adw_status_page_new ());
  adw_application_window_set_content (ADW_APPLICATION_WINDOW (window), box);
  gtk_window_set_default_size (GTK_WINDOW (window), 1200, 800);
  gtk_widget_realize (window);
  g_signal_connect_after (gtk_widget_get_frame_clock (window), "after-paint",
                          G_CALLBACK (on_empty_painted), NULL);
  gtk_window_present (GTK_WINDOW (window));
}

static int
run_empty (void)
{
  g_autoptr (AdwApplication) empty
      = adw_application_new (ESP_APP_ID ".Empty", G_APPLICATION_DEFAULT_FLAGS);

  g_signal_connect (empty, "activate", G_CALLBACK (on_empty_activate), NULL);
  return g_application_run (G_APPLICATION (empty), 0, NULL);
}

int
main (int argc, char *argv[])
{
  GError *error = NULL;

  if (argc == 2 && g_str_equal (argv[1], "empty"))
    return run_empty ();
  if (argc == 5 && g_str_equal (argv[1], "make"))
    {
      if (!large_document_write (argv[2], (guint) atoi (argv[3]), (gsize) atol (argv[4]), &error))
        bench_fail (argv[2], error);
      return EXIT_SUCCESS;
    }
  if (argc != 3 || !(g_str_equal (argv[1], "document") || g_str_equal (argv[1], "turns")))
    {
      g_printerr ("Usage: bench-window empty|make FILE N BYTES|document FILE|turns N\n");
      return EXIT_FAILURE;
    }

  g_set_prgname ("espalier");
  gtk_init ();
  adw_init ();
  application
      = g_object_new (ESP_TYPE_APPLICATION, "application-id", ESP_APP_ID, "flags",
                      G_APPLICATION_NON_UNIQUE, "resource-base-path", "/espalier/app/window", NULL);
  if (!g_application_register (G_APPLICATION (application), NULL, &error))
    bench_fail ("register", error);
  if (g_str_equal (argv[1], "document"))
    run_document (argv[2]);
  else
    run_turns ((guint) atoi (argv[2]));
  g_object_unref (application);
  return EXIT_SUCCESS;
}
