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

#include "esp-history-private.h"
#include "esp-texture-cache.h"
#include "esp-window-private.h"
#include "large-document.h"

#define N_FRAMES   150
#define PATIENCE   (120 * G_TIME_SPAN_SECOND)
#define PHOTO_SIDE 4899 /* 24 megapixels */

static EspApplication *application;

/* --- Numbers ---------------------------------------------------------------------------------- */

static void
print (const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_print ("%s\t%s\n", name, g_ascii_formatd (text, sizeof text, "%.2f", value));
}

static double
ms_since (gint64 start)
{
  return (double) (g_get_monotonic_time () - start) / 1000;
}

static void
fail (const char *what, const GError *error)
{
  g_printerr ("bench-window: %s: %s\n", what, error != NULL ? error->message : "failed");
  exit (EXIT_FAILURE);
}

/* A line "Name:  123 kB" of /proc/self/status, in MB. */
static double
get_memory (const char *name)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL)
      || (line = strstr (text, name)) == NULL)
    return -1;
  return (double) g_ascii_strtoull (line + strlen (name), NULL, 10) / 1000;
}

/* --- Stutter ---------------------------------------------------------------------------------- */

static struct
{
  guint id;
  gint64 last, last_work;
  gint64 longest, most_work;
} probe;

/* What this thread had of a processor so far, in microseconds. */
static gint64
get_work (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_TIME_SPAN_SECOND + time.tv_nsec / 1000;
}

static gboolean
on_probe (gpointer user_data)
{
  const gint64 now = g_get_monotonic_time (), work = get_work ();

  probe.longest = MAX (probe.longest, now - probe.last);
  probe.most_work = MAX (probe.most_work, work - probe.last_work);
  probe.last = now;
  probe.last_work = work;
  return G_SOURCE_CONTINUE;
}

static void
start_probe (void)
{
  probe.last = g_get_monotonic_time ();
  probe.last_work = get_work ();
  probe.longest = probe.most_work = 0;
  if (probe.id == 0)
    probe.id = g_timeout_add_full (G_PRIORITY_HIGH, 1, on_probe, NULL, NULL);
}

static void
print_probe (const char *name)
{
  g_autofree char *gap = g_strconcat (name, ".gap", NULL);
  g_autofree char *work = g_strconcat (name, ".work", NULL);

  on_probe (NULL);
  g_clear_handle_id (&probe.id, g_source_remove);
  print (gap, (double) probe.longest / 1000);
  print (work, (double) probe.most_work / 1000);
}

/* --- Frames ----------------------------------------------------------------------------------- */

static struct
{
  gint64 begun;
  GArray *times; /* of double, milliseconds; NULL: nobody asks */
  GdkFrameClock *clock;
  guint n;
} frames;

static void
on_frame_begun (GdkFrameClock *clock, gpointer user_data)
{
  frames.begun = g_get_monotonic_time ();
}

static void
on_frame_done (GdkFrameClock *clock, gpointer user_data)
{
  double ms = ms_since (frames.begun);

  frames.n++;
  if (frames.times != NULL)
    g_array_append_val (frames.times, ms);
}

static void
watch_frames (GtkWidget *window)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (window);

  frames.clock = clock;
  g_signal_connect (clock, "before-paint", G_CALLBACK (on_frame_begun), NULL);
  g_signal_connect_after (clock, "after-paint", G_CALLBACK (on_frame_done), NULL);
}

static void
wait_for_frames (guint n)
{
  const guint until = frames.n + n;
  const gint64 end = g_get_monotonic_time () + PATIENCE;

  while (frames.n < until && g_get_monotonic_time () < end)
    {
      /* Even if there is nothing new to draw. */
      gdk_frame_clock_request_phase (frames.clock, GDK_FRAME_CLOCK_PHASE_AFTER_PAINT);
      g_main_context_iteration (NULL, TRUE);
    }
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

static void
print_frames (const char *name)
{
  g_autoptr (GArray) times = g_steal_pointer (&frames.times);
  g_autofree char *median = g_strconcat (name, ".frame.median", NULL);
  g_autofree char *most = g_strconcat (name, ".frame.95%", NULL);
  g_autofree char *worst = g_strconcat (name, ".frame.worst", NULL);

  if (times->len == 0)
    return;
  g_array_sort (times, compare_doubles);
  print (median, g_array_index (times, double, times->len / 2));
  print (most, g_array_index (times, double, times->len * 95 / 100));
  print (worst, g_array_index (times, double, times->len - 1));
}

/* --- Waiting ---------------------------------------------------------------------------------- */

static void
wait_until (gboolean (*done) (gpointer), gpointer data, const char *what)
{
  const gint64 end = g_get_monotonic_time () + PATIENCE;

  while (!done (data))
    {
      if (g_get_monotonic_time () > end)
        fail (what, NULL);
      g_main_context_iteration (NULL, FALSE);
      g_usleep (200);
    }
}

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

  wait_until (is_quiet, &start, "thumbnails");
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

static gboolean
has_result (gpointer place)
{
  return *(GAsyncResult **) place != NULL;
}

static void
take_result (GObject *source, GAsyncResult *result, gpointer place)
{
  *(GAsyncResult **) place = g_object_ref (result);
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
  frames.times = g_array_new (FALSE, FALSE, sizeof (double));
  start_probe ();
  for (guint i = 0; i < N_FRAMES; i++)
    {
      const double at = 0.5 + 0.5 * sin (speed * i / N_FRAMES * 2 * G_PI);

      move_adjustment (x, at);
      move_adjustment (y, 0.5 + 0.5 * cos (speed * i / N_FRAMES * 2 * G_PI));
      wait_for_frames (1);
      most_cards = MAX (most_cards, esp_tree_view_get_n_cards (history->tree));
    }
  print_probe (name);
  print_frames (name);
  print (key, most_cards);
}

/* As a finger or a wheel does: 30 pixels a frame. */
static void
pan (EspHistory *history, const char *name)
{
  GtkAdjustment *y = gtk_scrolled_window_get_vadjustment (history->scroller);

  wait_for_quiet ();
  frames.times = g_array_new (FALSE, FALSE, sizeof (double));
  start_probe ();
  for (guint i = 0; i < N_FRAMES; i++)
    {
      const double step = i < N_FRAMES / 2 ? 30 : -30;

      gtk_adjustment_set_value (y, gtk_adjustment_get_value (y) + step);
      wait_for_frames (1);
    }
  print_probe (name);
  print_frames (name);
}

static void
zoom (EspHistory *history)
{
  wait_for_quiet ();
  frames.times = g_array_new (FALSE, FALSE, sizeof (double));
  start_probe ();
  for (guint i = 0; i < N_FRAMES; i++)
    {
      const double at = 0.5 + 0.5 * cos ((double) i / N_FRAMES * 2 * G_PI);

      esp_tree_view_set_zoom (history->tree, 0.05 * pow (20, at));
      wait_for_frames (1);
    }
  print_probe ("zoom");
  print_frames ("zoom");
  esp_tree_view_set_zoom (history->tree, 1);
  wait_for_frames (1);
}

static void
find (EspWindow *window)
{
  gint64 start;

  wait_for_quiet ();
  start_probe ();
  esp_history_start_find (window->history);
  wait_for_frames (1);
  start = g_get_monotonic_time ();
  gtk_editable_set_text (window->history->find_entry, "boat 49");
  wait_for_frames (2);
  print ("find", ms_since (start));
  wait_for_quiet ();
  print_probe ("find");
  esp_history_stop_find (window->history);
  wait_for_frames (1);
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
  start_probe ();
  start = g_get_monotonic_time ();
  esp_document_delete_async (document, nodes, NULL, take_result, &result);
  wait_until (has_result, &result, "delete");
  g_clear_object (&result);
  wait_for_frames (1);
  print ("delete", ms_since (start));
  print_probe ("delete");
  print ("delete.nodes", n - esp_document_get_n_nodes (document));

  wait_for_quiet ();
  start_probe ();
  start = g_get_monotonic_time ();
  gtk_widget_activate_action (GTK_WIDGET (window), "win.undo", NULL);
  wait_until (has_nodes, &all, "undo");
  wait_for_frames (1);
  print ("undo", ms_since (start));
  print_probe ("undo");
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
    fail ("photo", error);
  return bytes;
}

static void
import (EspWindow *window, GBytes *photo)
{
  EspDocument *document = esp_window_get_document (window);
  Count more = { document, esp_document_get_n_nodes (document) + 1 };
  gint64 start = g_get_monotonic_time ();

  start_probe ();
  esp_window_take_image (window, photo, "photo.jpg");
  wait_until (has_nodes, &more, "import");
  print ("import", ms_since (start));
  wait_for_quiet ();
  wait_for_quiet ();
  print_probe ("import");
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

  start_probe ();
  esp_document_add_turns_async (document, esp_document_get_node (document, 1), &turn, 1, NULL,
                                take_result, &result);
  wait_until (has_result, &result, "turn");
  nodes = esp_document_add_turns_finish (document, result, NULL);
  g_clear_object (&result);
  wait_for_quiet ();
  print_probe ("add-turn");

  start_probe ();
  start = g_get_monotonic_time ();
  esp_document_finish_turn_async (document, g_ptr_array_index (nodes, 0), &outcome, NULL,
                                  take_result, &result);
  wait_until (has_result, &result, "outcome");
  g_clear_object (&result);
  print ("finish-turn", ms_since (start));
  wait_for_quiet ();
  print_probe ("finish-turn");
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

  start_probe ();
  esp_document_save_as_async (document, file, NULL, take_result, &result);
  wait_until (has_result, &result, "save as");
  if (!esp_document_save_as_finish (document, result, &error))
    fail ("save as", error);
  g_clear_object (&result);
  print ("save-as", ms_since (start));
  print_probe ("save-as");

  start_probe ();
  start = g_get_monotonic_time ();
  esp_document_set_label_async (document, esp_document_get_node (document, 1), "Changed", NULL,
                                take_result, &result);
  wait_until (has_result, &result, "label");
  g_clear_object (&result);
  wait_until (is_saved, document, "publish");
  print ("publish", ms_since (start));
  print_probe ("publish");
}

static EspWindow *
present_window (void)
{
  EspWindow *window = esp_window_new (application);

  gtk_window_set_default_size (GTK_WINDOW (window), 1200, 800);
  gtk_window_present (GTK_WINDOW (window));
  watch_frames (GTK_WIDGET (window));
  wait_for_frames (1);
  return window;
}

static void
close_window (EspWindow *window)
{
  gpointer weak = window;

  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  gtk_window_close (GTK_WINDOW (window));
  wait_until (is_gone, &weak, "close");
}

static EspWindow *
open_document (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  EspWindow *window = present_window ();
  gint64 start;

  wait_for_quiet ();
  n_loaded = 0;
  start_probe ();
  start = g_get_monotonic_time ();
  esp_window_open_document (window, file);
  wait_until (has_document, window, "document");
  print ("open.read", ms_since (start));
  wait_for_frames (1);
  print ("open.frame", ms_since (start));
  wait_for_quiet ();
  print ("open.thumbnails", (double) (loaded_last - start) / 1000);
  print ("open.thumbnails.n", n_loaded);
  print_probe ("open");
  print ("open.memory", get_memory ("VmRSS:"));
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
  print ("empty.memory", get_memory ("VmRSS:"));
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
  print ("textures", (double) esp_texture_cache_get_bytes (esp_texture_cache_get_default ()) / 1e6);
  print ("scrolled.memory", get_memory ("VmRSS:"));
  find (window);
  delete_and_undo (window);
  photo = make_photo ();
  finish_turn (window, photo);
  import (window, photo);
  publish (window, path);
  print ("peak.memory", get_memory ("VmHWM:"));
  start = g_get_monotonic_time ();
  start_probe ();
  close_window (window);
  print ("close", ms_since (start));
  print_probe ("close");
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
  esp_document_add_turns_async (document, parent, &turn, 1, NULL, take_result, (gpointer) &result);
  wait_until (has_result, (gpointer) &result, "turn");
  nodes = esp_document_add_turns_finish (document, result, &error);
  if (nodes == NULL)
    fail ("turn", error);
  node = g_ptr_array_index (nodes, 0);
  esp_queue_add (queue, document, node, FALSE);
  wait_until (is_settled, node, "turn");
  if (esp_node_get_state (node) != ESP_NODE_DONE)
    {
      g_printerr ("bench-window: a turn failed: %s\n", esp_node_get_message (node));
      exit (EXIT_FAILURE);
    }
  esp_document_set_current (document, node);
  if (i % 10 == 9)
    {
      /* A person would look at it. */
      wait_for_frames (1);
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
    fail ("there is no demo model", NULL);
  esp_model_prepare (model);
  wait_until (has_schema, model, "model");
  esp_window_open_photo (window, file);
  wait_until (has_document, window, "photo");
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
          print (key, get_memory ("VmRSS:"));
          print ("turns.textures",
                 (double) esp_texture_cache_get_bytes (esp_texture_cache_get_default ()) / 1e6);
        }
    }
  print ("turns.each", ms_since (start) / n);
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
        fail (argv[2], error);
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
    fail ("register", error);
  if (g_str_equal (argv[1], "document"))
    run_document (argv[2]);
  else
    run_turns ((guint) atoi (argv[2]));
  g_object_unref (application);
  return EXIT_SUCCESS;
}
