/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep-victim.c: runs a sweep of a document to its end, or until it is killed, and goes on with it
 * when it is started again:
 *
 *   sweep-victim DOCUMENT CELLS LOG [FOLDER]
 *
 * LOG gets a line for each picture that is made: its seed. With FOLDER the backend is one of a
 * provider, which keeps each picture there; without it is one of this computer. On the standard
 * output, a line each in one write (): "started", "made N" after each turn that is stored, at the
 * end "done". */
#include <string.h>
#include <unistd.h>

#include "esp-sweep.h"
#include "sweep-backend.h"

static void
say (const char *line)
{
  if (write (STDOUT_FILENO, line, strlen (line)) != (ssize_t) strlen (line))
    _exit (104);
}

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **place)
{
  while (*place == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *place;
}

static EspDocument *
open_document (GFile *file)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspDocument *document;

  esp_document_open_async (file, ESP_DOCUMENT_OPEN_DEFAULT, NULL, take_result, &result);
  document = esp_document_open_finish (wait_for (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpint (esp_document_get_access (document), ==, ESP_DOCUMENT_WRITABLE);
  return document;
}

static EspSweepPlan *
make_plan (EspDocument *document, guint n_cells)
{
  g_autoptr (GPtrArray) axes = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
  g_autofree char *seeds = g_strdup_printf ("1..%u", n_cells);
  EspTurn turn = {
    .instruction = "Make it red", .backend = "lab", .model = "plenty", .has_seed = TRUE, .seed = 7
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (EspNode) photo = g_list_model_get_item (esp_document_get_roots (document), 0);
  EspSweepPlan *plan;

  g_ptr_array_add (axes, esp_axis_parse ("seed", seeds, NULL, &error));
  g_assert_no_error (error);
  plan = esp_sweep_plan_new (esp_node_get_id (photo), &turn, axes, ESP_SWEEP_RANDOM, &error);
  g_assert_no_error (error);
  return plan;
}

/* The sweep that there is, gone on with; else a new one. */
static EspSweep *
go_on (EspDocument *document, EspQueue *queue, guint n_cells)
{
  g_autoptr (GArray) ids = esp_sweep_dup_ids (document);
  g_autoptr (EspSweepPlan) plan = make_plan (document, n_cells);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspSweep *sweep;

  g_assert_cmpuint (ids->len, <=, 1);
  if (ids->len == 0)
    {
      esp_sweep_start_async (document, queue, plan, 0, NULL, take_result, &result);
      sweep = esp_sweep_start_finish (wait_for (&result), &error);
      g_assert_no_error (error);
      return sweep;
    }
  sweep = esp_sweep_get (document, g_array_index (ids, gint64, 0), esp_queue_get_registry (queue));
  g_assert_nonnull (sweep);
  g_assert_true (esp_sweep_plan_equal (esp_sweep_get_plan (sweep), plan));
  esp_sweep_run_async (sweep, queue, NULL, 0, NULL, take_result, &result);
  g_assert_true (esp_sweep_run_finish (sweep, wait_for (&result), &error));
  g_assert_no_error (error);
  return sweep;
}

int
main (int argc, char *argv[])
{
  const guint n_cells = argc > 2 ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : 0;
  g_autoptr (EspRegistry) registry = esp_registry_new ();
  g_autoptr (SweepBackend) lab = sweep_backend_new ("lab", 3);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GFile) file = NULL;
  EspDocument *document;
  EspQueue *queue;
  EspSweep *sweep;

  if (n_cells == 0 || argc < 4)
    return 2;
  file = g_file_new_for_path (argv[1]);
  sweep_backend_set_log (lab, argv[3]);
  if (argc > 4)
    sweep_backend_set_folder (lab, argv[4]);
  sweep_backend_add_model (lab, "plenty", "Plenty", NULL, ESP_MODEL_SEED);
  sweep_backend_set_delay (lab, 1);
  esp_registry_add (registry, ESP_BACKEND (lab));
  queue = esp_queue_new (registry);
  document = open_document (file);
  sweep = go_on (document, queue, n_cells);
  say ("started\n");
  while (esp_sweep_count (sweep, ESP_CELL_DONE) < n_cells
         || g_list_model_get_n_items (esp_queue_get_jobs (queue)) > 0)
    g_main_context_iteration (NULL, TRUE);
  esp_document_close_async (document, take_result, &result);
  g_assert_true (esp_document_close_finish (document, wait_for (&result), NULL));
  g_object_unref (sweep);
  g_object_unref (document);
  g_object_unref (queue);
  say ("done\n");
  return 0;
}
