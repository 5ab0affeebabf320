/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sweep-fixture.h"

#include <string.h>

static const char plenty[]
    = "\"prompt\":{\"type\":\"string\"},"
      "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":40,\"default\":20,"
      "\"title\":\"Steps\"},"
      "\"guidance\":{\"type\":\"number\",\"minimum\":0,\"maximum\":10,\"default\":2.5,"
      "\"title\":\"Guidance\"}";
static const char little[] = "\"tolerance\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":6}";

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

void
sweep_set_up (SweepFixture *self, gconstpointer data)
{
  self->registry = esp_registry_new ();
  self->lab = sweep_backend_new ("lab", 2);
  sweep_backend_add_model (self->lab, "plenty", "Plenty", plenty, ESP_MODEL_SEED);
  sweep_backend_add_model (self->lab, "little", "Little", little, 0);
  esp_registry_add (self->registry, ESP_BACKEND (self->lab));
  self->queue = esp_queue_new (self->registry);
  self->document = jobs_create_document ("Sweeps");
  self->photo = jobs_import (self->document, 32);
}

void
sweep_tear_down (SweepFixture *self, gconstpointer data)
{
  gpointer document = self->document;

  g_assert_cmpuint (g_list_model_get_n_items (esp_queue_get_jobs (self->queue)), ==, 0);
  jobs_close_document (self->document);
  g_object_add_weak_pointer (G_OBJECT (document), &document);
  g_object_unref (self->document);
  /* A sweep holds its document, but nobody holds the sweep. */
  g_assert_null (document);
  g_object_unref (self->queue);
  g_object_unref (self->registry);
  g_object_unref (self->lab);
}

EspSweepPlan *
sweep_make_plan (SweepFixture *self, const char *axes, EspSweepOrder order)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
  g_auto (GStrv) parts = g_strsplit (axes, ";", -1);
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (GError) error = NULL;
  EspAxisContext context = { .registry = self->registry, .document = self->document };
  EspTurn turn = { .instruction = "Make it red",
                   .backend = "lab",
                   .model = "plenty",
                   .parameters = parameters,
                   .has_seed = TRUE,
                   .seed = 7 };
  EspSweepPlan *plan;

  json_object_set_int_member (parameters, "steps", 10);
  for (char **part = parts; *part != NULL; part++)
    {
      g_auto (GStrv) pair = g_strsplit (*part, ":", 2);

      g_ptr_array_add (list, esp_axis_parse (g_strstrip (pair[0]), pair[1], &context, &error));
      g_assert_no_error (error);
    }
  plan = esp_sweep_plan_new (esp_node_get_id (self->photo), &turn, list, order, &error);
  g_assert_no_error (error);
  return plan;
}

EspSweep *
sweep_start (SweepFixture *self, EspSweepPlan *plan, int draft_steps)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspSweep *sweep;

  esp_sweep_start_async (self->document, self->queue, plan, draft_steps, NULL, take_result,
                         &result);
  jobs_wait (result != NULL);
  sweep = esp_sweep_start_finish (result, &error);
  g_assert_no_error (error);
  return sweep;
}

void
sweep_run (SweepFixture *self, EspSweep *sweep, const char *cells, int draft_steps)
{
  g_autoptr (GArray) list = cells != NULL ? g_array_new (FALSE, FALSE, sizeof (guint)) : NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) words = g_strsplit (cells != NULL ? cells : "", " ", -1);

  for (char **word = words; *word != NULL; word++)
    {
      const guint cell = (guint) g_ascii_strtoull (*word, NULL, 10);

      g_array_append_val (list, cell);
    }
  esp_sweep_run_async (sweep, self->queue, list, draft_steps, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_sweep_run_finish (sweep, result, &error));
  g_assert_no_error (error);
}

void
sweep_wait (SweepFixture *self)
{
  jobs_wait (g_list_model_get_n_items (esp_queue_get_jobs (self->queue)) == 0);
}

char *
sweep_dup_states (EspSweep *sweep)
{
  static const char letters[] = "mswrpdfc";
  const guint n = esp_sweep_plan_get_n_cells (esp_sweep_get_plan (sweep));
  guint counts[sizeof letters] = { 0 };
  char *text = g_new0 (char, n + 1);

  for (guint i = 0; i < n; i++)
    {
      const EspCellState state = esp_sweep_get_cell_state (sweep, i);

      text[i] = letters[state];
      counts[state]++;
      g_assert_cmpint (state == ESP_CELL_SKIPPED || state == ESP_CELL_MISSING, ==,
                       esp_sweep_get_node (sweep, i) == NULL);
    }
  for (guint i = 0; i < strlen (letters); i++)
    g_assert_cmpuint (esp_sweep_count (sweep, i), ==, counts[i]);
  return text;
}

void
sweep_reopen (SweepFixture *self)
{
  g_autoptr (GFile) file = g_object_ref (esp_document_get_file (self->document));

  jobs_close_document (self->document);
  g_object_unref (self->document);
  self->document = jobs_open_document (file);
  self->photo = esp_document_get_node (self->document, 1);
}
