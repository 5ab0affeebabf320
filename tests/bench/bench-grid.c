/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-grid.c: sweeps in the real window, with a backend that is as fast as it can be.
 *
 *     bench-grid N   N × N cells: run, watched while they are made, then scrolled and zoomed
 *
 * Prints lines of a name, a tabulator and a number, as bench-window does. */
#include <adwaita.h>
#include <math.h>
#include <stdlib.h>

#include "bench-watch.h"
#include "esp-sweep-cells.h"
#include "esp-texture-cache.h"
#include "esp-window-private.h"
#include "sweep-backend.h"

#define N_FRAMES 150
#define SIDE     512 /* px of a picture */
#define AT_ONCE  4

static EspApplication *application;
static SweepBackend *backend;

/* A picture with something in it: about 200 kB as PNG. */
static GBytes *
make_picture (void)
{
  GError *error = NULL;
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (EspPicture) picture = esp_picture_new (SIDE, SIDE, &error);
  GBytes *bytes = NULL;

  for (int i = 0; picture != NULL && i < SIDE * SIDE * 3; i++)
    picture->pixels[i] = (guint8) (i / 3 % SIDE / 2 + (i * 2654435761u >> 29));
  if (picture != NULL)
    bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, &error);
  if (bytes == NULL)
    bench_fail ("picture", error);
  return bytes;
}

static void
add_backend (GBytes *picture)
{
  EspRegistry *registry = esp_queue_get_registry (esp_application_get_queue (application));

  backend = sweep_backend_new ("fast", AT_ONCE);
  sweep_backend_add_model (backend, "fast", "Fast",
                           "\"guidance\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1000}",
                           ESP_MODEL_SEED);
  sweep_backend_set_picture (backend, picture);
  esp_registry_add (registry, ESP_BACKEND (backend));
}

static gboolean
has_document (gpointer window)
{
  return esp_window_get_document (window) != NULL;
}

static EspWindow *
open_photo (GBytes *photo)
{
  EspWindow *window = esp_window_new (application);

  gtk_window_set_default_size (GTK_WINDOW (window), 1200, 800);
  gtk_window_present (GTK_WINDOW (window));
  bench_watch_frames (GTK_WIDGET (window));
  bench_wait_for_frames (1);
  esp_window_take_image (window, photo, "photo.png");
  bench_wait_until (has_document, window, "photo");
  bench_wait_for_frames (5);
  return window;
}

static EspAxis *
parse_axis (const char *name, guint n)
{
  static const char *const models[] = { "fast/fast", NULL };
  g_autofree char *text = g_strdup_printf ("1..%u", n);
  EspAxisContext context
      = { .registry = esp_queue_get_registry (esp_application_get_queue (application)),
          .models = models,
          .seed = 1 };
  GError *error = NULL;
  EspAxis *axis = esp_axis_parse (name, text, &context, &error);

  if (axis == NULL)
    bench_fail (name, error);
  return axis;
}

static EspSweepPlan *
make_plan (EspWindow *window, guint n)
{
  EspDocument *document = esp_window_get_document (window);
  const EspTurn turn
      = { .instruction = "Make it red", .backend = "fast", .model = "fast", .has_seed = TRUE };
  g_autoptr (GPtrArray) axes = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
  GError *error = NULL;
  EspSweepPlan *plan;

  g_ptr_array_add (axes, parse_axis ("guidance", n));
  g_ptr_array_add (axes, parse_axis ("seed", n));
  plan = esp_sweep_plan_new (esp_node_get_id (esp_document_get_current (document)), &turn, axes,
                             ESP_SWEEP_LISTED, &error);
  if (plan == NULL)
    bench_fail ("plan", error);
  return plan;
}

static gboolean
is_done (gpointer sweep)
{
  return esp_sweep_count (sweep, ESP_CELL_DONE)
         == esp_sweep_plan_get_n_cells (esp_sweep_get_plan (sweep));
}

/* From the button until every cell has its picture; the grid is watched meanwhile. */
static EspSweep *
run (EspWindow *window, guint n)
{
  EspDocument *document = esp_window_get_document (window);
  g_autoptr (EspSweepPlan) plan = make_plan (window, n);
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;
  gint64 start = g_get_monotonic_time ();
  EspSweep *sweep;

  bench_print ("run.memory.before", bench_get_memory ("VmRSS:"));
  bench_start_probe ();
  bench_time_frames ();
  esp_sweep_start_async (document, esp_application_get_queue (application), plan, 0, NULL,
                         bench_take_result, (gpointer) &result);
  bench_wait_until (bench_has_result, (gpointer) &result, "start");
  sweep = esp_sweep_start_finish (result, &error);
  if (sweep == NULL)
    bench_fail ("start", error);
  bench_print ("run.start", bench_ms_since (start));
  bench_print_probe ("run.start");
  bench_start_probe ();
  esp_window_show_sweep (window, sweep);
  bench_wait_until (is_done, sweep, "cells");
  bench_print ("run.each", bench_ms_since (start) / (n * n));
  bench_print_probe ("run");
  bench_print_frames ("run");
  bench_print ("run.memory", bench_get_memory ("VmRSS:"));
  return sweep;
}

static void
move (GtkAdjustment *adjustment, double part)
{
  gtk_adjustment_set_value (
      adjustment,
      part * (gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment)));
}

/* Along a curve over the whole grid. */
static void
scroll (EspSweepCells *cells, const char *name)
{
  GtkScrolledWindow *scroller = GTK_SCROLLED_WINDOW (gtk_widget_get_parent (GTK_WIDGET (cells)));
  g_autofree char *key = g_strconcat (name, ".cards", NULL);
  guint most = 0;

  bench_wait_for_frames (20);
  bench_time_frames ();
  bench_start_probe ();
  for (guint i = 0; i < N_FRAMES; i++)
    {
      const double at = (double) i / N_FRAMES * 2 * G_PI;

      move (gtk_scrolled_window_get_hadjustment (scroller), 0.5 + 0.5 * sin (at));
      move (gtk_scrolled_window_get_vadjustment (scroller), 0.5 + 0.5 * cos (at));
      bench_wait_for_frames (1);
      most = MAX (most, esp_sweep_cells_get_n_widgets (cells));
    }
  bench_print_probe (name);
  bench_print_frames (name);
  bench_print (key, most);
}

/* From the smallest cells to the largest and back. */
static void
zoom (EspSweepCells *cells)
{
  bench_time_frames ();
  bench_start_probe ();
  for (guint i = 0; i < N_FRAMES; i++)
    {
      const double at = 0.5 - 0.5 * cos ((double) i / N_FRAMES * 2 * G_PI);

      esp_sweep_cells_set_side (cells, (int) (ESP_SWEEP_MIN_SIDE * pow (8, at)));
      bench_wait_for_frames (1);
    }
  bench_print_probe ("zoom");
  bench_print_frames ("zoom");
}

static EspSweepCells *
find_cells (GtkWidget *widget)
{
  EspSweepCells *found = ESP_IS_SWEEP_CELLS (widget) ? ESP_SWEEP_CELLS (widget) : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_cells (child);
  return found;
}

static gboolean
is_gone (gpointer place)
{
  return *(gpointer *) place == NULL;
}

static void
run_sweep (guint n)
{
  g_autoptr (GBytes) picture = make_picture ();
  EspWindow *window;
  EspSweepCells *cells;
  gpointer weak;

  add_backend (picture);
  window = open_photo (picture);
  weak = window;
  g_object_unref (run (window, n));
  cells = find_cells (GTK_WIDGET (window->sweep_grid));
  esp_sweep_cells_set_side (cells, 96);
  scroll (cells, "scroll");
  esp_sweep_cells_set_side (cells, ESP_SWEEP_MIN_SIDE);
  scroll (cells, "scroll-small");
  zoom (cells);
  bench_print ("textures",
               (double) esp_texture_cache_get_bytes (esp_texture_cache_get_default ()) / 1e6);
  bench_print ("peak.memory", bench_get_memory ("VmHWM:"));
  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  gtk_window_close (GTK_WINDOW (window));
  bench_wait_until (is_gone, &weak, "close");
}

int
main (int argc, char *argv[])
{
  GError *error = NULL;

  if (argc != 2 || atoi (argv[1]) < 1 || atoi (argv[1]) > 60)
    {
      g_printerr ("Usage: bench-grid N\n");
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
  run_sweep ((guint) atoi (argv[1]));
  g_object_unref (application);
  return EXIT_SUCCESS;
}
