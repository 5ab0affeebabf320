/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-history.c: what a frame of the tree costs while it is dragged and zoomed, and how many
 * nodes are drawn in it. Run it on a screen: tests/app/with-display.sh bench-history [NODES]
 */
#include <adwaita.h>
#include <stdlib.h>

#include "esp-history.h"
#include "esp-tree-view.h"
#include "history-tree.h"
#include "scratch-document.h"

#define N_FRAMES 240

typedef struct
{
  EspTreeView *tree;
  gint64 begun;
  double times[N_FRAMES]; /* ms */
  guint n_frames;
  guint most_drawn, most_cards;
  gboolean zooming;
  gint64 first;
} Bench;

static void
on_begin (GdkFrameClock *clock, Bench *bench)
{
  bench->begun = g_get_monotonic_time ();
}

static void
on_end (GdkFrameClock *clock, Bench *bench)
{
  if (bench->n_frames == 0)
    bench->first = bench->begun;
  if (bench->n_frames < N_FRAMES)
    bench->times[bench->n_frames++] = (double) (g_get_monotonic_time () - bench->begun) / 1000;
  bench->most_drawn = MAX (bench->most_drawn, esp_tree_view_get_n_drawn (bench->tree));
  bench->most_cards = MAX (bench->most_cards, esp_tree_view_get_n_cards (bench->tree));
}

/* Through the whole tree and back, or out to 5 % and in again. */
static gboolean
on_tick (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  Bench *bench = data;
  double at = (double) bench->n_frames / N_FRAMES;
  double there = at < 0.5 ? at * 2 : 2 - at * 2;
  double width, height;

  esp_tree_view_get_extent (bench->tree, &width, &height);
  if (bench->zooming)
    esp_tree_view_set_zoom (bench->tree, 1.02 - 0.97 * there);
  else
    esp_tree_view_center_on (bench->tree, width * (0.2 + 0.1 * there),
                             height * (0.1 + 0.6 * there));
  return G_SOURCE_CONTINUE;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

static void
run (GtkWidget *window, EspTreeView *tree, const char *name, double zoom, gboolean zooming)
{
  Bench bench = { .tree = tree, .zooming = zooming };
  GdkFrameClock *clock = gtk_widget_get_frame_clock (window);
  guint tick;
  double sum = 0, seconds;

  esp_tree_view_set_zoom (tree, zoom);
  scratch_wait (500);
  g_signal_connect (clock, "before-paint", G_CALLBACK (on_begin), &bench);
  g_signal_connect (clock, "after-paint", G_CALLBACK (on_end), &bench);
  tick = gtk_widget_add_tick_callback (window, on_tick, &bench, NULL);
  while (bench.n_frames < N_FRAMES)
    g_main_context_iteration (NULL, TRUE);
  seconds = (double) (g_get_monotonic_time () - bench.first) / 1e6;
  gtk_widget_remove_tick_callback (window, tick);
  g_signal_handlers_disconnect_by_data (clock, &bench);

  qsort (bench.times, N_FRAMES, sizeof (double), compare);
  for (guint i = 0; i < N_FRAMES; i++)
    sum += bench.times[i];
  g_print ("%-16s %5.1f frames/s   %5.1f ms a frame, 95 %% below %5.1f   "
           "at most %4u nodes drawn, %3u cards\n",
           name, N_FRAMES / seconds, sum / N_FRAMES, bench.times[N_FRAMES * 95 / 100],
           bench.most_drawn, bench.most_cards);
}

int
main (int argc, char *argv[])
{
  guint n = argc > 1 ? (guint) atoi (argv[1]) : 5000;
  EspDocument *document;
  GtkWidget *window, *history;
  EspTreeView *tree;
  gint64 begun;

  adw_init ();
  document = scratch_document_new ();
  history_tree_grow (document, n, 1, NULL);

  window = adw_window_new ();
  history = esp_history_new ();
  gtk_widget_set_hexpand (history, TRUE);
  adw_window_set_content (ADW_WINDOW (window), history);
  gtk_window_set_default_size (GTK_WINDOW (window), 1280, 800);
  gtk_window_present (GTK_WINDOW (window));
  scratch_wait (500);
  begun = g_get_monotonic_time ();
  esp_history_set_document (ESP_HISTORY (history), document);
  tree = esp_history_get_tree (ESP_HISTORY (history));
  g_print ("%u nodes, shown in %.1f ms\n", esp_document_get_n_nodes (document),
           (double) (g_get_monotonic_time () - begun) / 1000);

  run (window, tree, "drag at 100 %", 1, FALSE);
  run (window, tree, "drag at 50 %", 0.5, FALSE);
  run (window, tree, "drag at 20 %", 0.2, FALSE);
  run (window, tree, "drag at 5 %", 0.05, FALSE);
  run (window, tree, "zoom", 1, TRUE);

  gtk_window_destroy (GTK_WINDOW (window));
  scratch_document_close (document);
  g_object_unref (document);
  return 0;
}
