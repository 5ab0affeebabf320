/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-sweep.c: sweeps of documents: started, watched, stopped, gone on with, estimated. */
#include "sweep-fixture.h"

#include <string.h>
#include <unistd.h>

#define ADD(path, function)                                                                        \
  g_test_add ("/sweep/" path, SweepFixture, NULL, sweep_set_up, function, sweep_tear_down)

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
on_cell_changed (EspSweep *sweep, guint cell, GString *text)
{
  g_autofree char *states = sweep_dup_states (sweep);

  g_string_append_printf (text, "%u%c ", cell, states[cell]);
}

static void
test_start (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "guidance: 1, 2; seed: 4, 5", 0);
  g_autoptr (EspSweep) sweep = NULL;
  g_autoptr (EspSweep) same = NULL;
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (GArray) ids = NULL;
  g_autofree char *begun = NULL;
  EspNode *node;

  sweep_backend_set_stepped (fixture->lab, TRUE);
  sweep = sweep_start (fixture, plan, 0);
  g_assert_true (esp_sweep_get_document (sweep) == fixture->document);
  g_assert_true (esp_sweep_plan_equal (esp_sweep_get_plan (sweep), plan));
  sweep_assert_states (sweep, "wwww");
  g_signal_connect (sweep, "cell-changed", G_CALLBACK (on_cell_changed), told);
  jobs_wait (sweep_backend_get_n_running (fixture->lab) == 2);
  sweep_assert_states (sweep, "rrww");
  g_assert_true (esp_sweep_get_active (sweep, 0) == esp_sweep_get_node (sweep, 0));
  sweep_backend_release_value (fixture->lab, "guidance", 1);
  jobs_wait (esp_sweep_count (sweep, ESP_CELL_DONE) == 1
             && sweep_backend_get_n_running (fixture->lab) == 2);
  sweep_assert_states (sweep, "drrw");
  g_assert_null (esp_sweep_get_active (sweep, 0));
  sweep_backend_set_stepped (fixture->lab, FALSE);
  sweep_backend_release (fixture->lab, 2);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "dddd");
  g_assert_nonnull (strstr (strstr (told->str, "3r "), "3d "));
  begun = sweep_backend_dup_begun (fixture->lab, "guidance seed steps");
  /* Of those that run beside each other, either may be the first. */
  g_assert_true (g_str_has_prefix (begun, "plenty guidance=1 seed=4 steps=10; "
                                          "plenty guidance=2 seed=4 steps=10; ")
                 || g_str_has_prefix (begun, "plenty guidance=2 seed=4 steps=10; "
                                             "plenty guidance=1 seed=4 steps=10; "));
  g_assert_true (g_str_has_suffix (begun, "; plenty guidance=1 seed=5 steps=10; "
                                          "plenty guidance=2 seed=5 steps=10"));

  node = esp_sweep_get_node (sweep, 3);
  g_assert_cmpint (esp_node_get_sweep (node), ==, esp_sweep_get_id (sweep));
  g_assert_cmpuint (esp_node_get_cell (node), ==, 3);
  g_assert_false (esp_node_is_draft (node));
  g_assert_true (esp_node_get_parent (node) == fixture->photo);
  /* They are a group of their own, no stacks. */
  g_assert_null (esp_node_get_stack_key (node));
  g_assert_false (esp_node_is_same_but_seed (node, esp_sweep_get_node (sweep, 1)));
  same = esp_sweep_get (fixture->document, esp_sweep_get_id (sweep), NULL);
  g_assert_true (same == sweep);
  ids = esp_sweep_dup_ids (fixture->document);
  g_assert_cmpuint (ids->len, ==, 1);
  g_assert_cmpint (g_array_index (ids, gint64, 0), ==, esp_sweep_get_id (sweep));
  g_assert_null (esp_sweep_get (fixture->document, 99, NULL));
}

static void
test_order (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "steps: 8, 9, 10, 11", ESP_SWEEP_NEAR);
  g_autoptr (EspSweep) sweep = NULL;
  g_autofree char *begun = NULL;

  sweep_backend_set_concurrency (fixture->lab, 1);
  sweep = sweep_start (fixture, plan, 0);
  sweep_wait (fixture);
  begun = sweep_backend_dup_begun (fixture->lab, "steps");
  g_assert_cmpstr (begun, ==, "plenty steps=10; plenty steps=9; plenty steps=11; plenty steps=8");
}

/* One step of undo for all, and nothing of it is left to run. */
static void
test_undo (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "seed: 1..4", 0);
  g_autoptr (EspSweep) sweep = NULL;
  g_autofree char *title = NULL;

  sweep = sweep_start (fixture, plan, 0);
  sweep_wait (fixture);
  title = esp_document_dup_undo_title (fixture->document);
  g_assert_cmpstr (title, ==, "Start Sweep of 4 Turns");
  g_assert_cmpuint (esp_document_get_n_nodes (fixture->document), ==, 5);
  jobs_edit (fixture->document, esp_document_undo_async);
  g_assert_cmpuint (esp_document_get_n_nodes (fixture->document), ==, 1);
  sweep_assert_states (sweep, "mmmm");
  jobs_edit (fixture->document, esp_document_redo_async);
  sweep_assert_states (sweep, "dddd");
  g_assert_cmpuint (sweep_backend_get_n_made (fixture->lab), ==, 4);
}

static void
test_skipped (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = sweep_make_plan (fixture, "model: lab/plenty, lab/little; tolerance: 1, 2", 0);
  g_autoptr (EspSweepPlan) none = NULL;
  g_autoptr (EspSweep) sweep = sweep_start (fixture, plan, 0);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspSweepEstimate estimate;

  esp_sweep_plan_estimate (plan, fixture->document, fixture->queue, NULL, 0, &estimate);
  g_assert_cmpuint (estimate.n_cells, ==, 2);
  g_assert_cmpuint (estimate.n_skipped, ==, 2);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "sdsd");
  g_assert_cmpstr (esp_sweep_get_skipped (sweep, 0), ==, "Plenty has no parameter “tolerance”");
  g_assert_null (esp_sweep_get_skipped (sweep, 1));
  sweep_run (fixture, sweep, NULL, 0);
  g_assert_cmpuint (sweep_backend_get_n_made (fixture->lab), ==, 2);

  none = sweep_make_plan (fixture, "model: lab/plenty; tolerance: 1, 2", 0);
  esp_sweep_start_async (fixture->document, fixture->queue, none, 0, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_null (esp_sweep_start_finish (result, &error));
  g_assert_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE);
  g_assert_cmpstr (error->message, ==,
                   "Nothing of the sweep can be made. Plenty has no parameter “tolerance”.");
}

/* What is skipped may be told later, when the model tells what it takes, or goes. */
static void
test_model_changes (SweepFixture *fixture, gconstpointer data)
{
  EspModel *later = sweep_backend_add_model (fixture->lab, "later", "Later", NULL, ESP_MODEL_SEED);
  g_autoptr (EspSweepPlan) plan
      = sweep_make_plan (fixture, "model: lab/plenty, lab/later; guidance: 1, 9", 0);
  g_autoptr (EspSweep) sweep = sweep_start (fixture, plan, 0);
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (JsonNode) schema = NULL;

  sweep_wait (fixture);
  sweep_assert_states (sweep, "dddd");
  jobs_edit (fixture->document, esp_document_undo_async);
  sweep_assert_states (sweep, "mmmm");
  g_signal_connect (sweep, "cell-changed", G_CALLBACK (on_cell_changed), told);
  schema = json_from_string ("{\"properties\":{\"guidance\":{\"type\":\"number\",\"maximum\":5}}}",
                             NULL);
  esp_model_set_schema (later, esp_schema_new (schema, NULL));
  jobs_wait (esp_sweep_count (sweep, ESP_CELL_SKIPPED) == 1);
  sweep_assert_states (sweep, "mmms");
  g_assert_cmpstr (esp_sweep_get_skipped (sweep, 3), ==, "guidance 9: at most 5");
  g_assert_cmpstr (told->str, ==, "3s ");
  esp_registry_remove (fixture->registry, ESP_BACKEND (fixture->lab));
  jobs_wait (esp_sweep_count (sweep, ESP_CELL_SKIPPED) == 4);
  esp_registry_add (fixture->registry, ESP_BACKEND (fixture->lab));
  jobs_wait (esp_sweep_count (sweep, ESP_CELL_SKIPPED) == 1);
}

/* A cheap first look, of which some are made properly. */
static void
test_drafts (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "steps: 2, 4, 30; seed: 1, 2", 0);
  g_autoptr (EspSweep) sweep = sweep_start (fixture, plan, 4);
  g_autofree char *begun = NULL;
  EspSweepEstimate estimate;
  EspNode *preview, *refined;

  sweep_wait (fixture);
  /* Four steps are no fewer than four. */
  sweep_assert_states (sweep, "ddpddp");
  preview = esp_sweep_get_node (sweep, 2);
  g_assert_true (esp_node_is_draft (preview));
  g_assert_cmpint (json_object_get_int_member (esp_node_get_parameters (preview), "steps"), ==, 4);
  esp_sweep_plan_estimate (esp_sweep_get_plan (sweep), fixture->document, fixture->queue, NULL, 0,
                           &estimate);
  g_assert_cmpuint (estimate.n_cells, ==, 2);
  /* Looking once more costs nothing. */
  sweep_run (fixture, sweep, NULL, 4);
  g_assert_cmpuint (sweep_backend_get_n_made (fixture->lab), ==, 6);

  sweep_backend_set_stepped (fixture->lab, TRUE);
  sweep_run (fixture, sweep, "2 0", 0);
  sweep_assert_states (sweep, "ddwddp");
  g_assert_true (esp_sweep_get_node (sweep, 2) == preview);
  refined = esp_sweep_get_active (sweep, 2);
  g_assert_true (refined != NULL && refined != preview && !esp_node_is_draft (refined));
  jobs_wait (sweep_backend_get_n_running (fixture->lab) == 1);
  sweep_assert_states (sweep, "ddrddp");
  sweep_backend_release (fixture->lab, 1);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "dddddp");
  g_assert_true (esp_sweep_get_node (sweep, 2) == refined);
  begun = sweep_backend_dup_begun (fixture->lab, "steps");
  g_assert_true (g_str_has_suffix (begun, "steps=30"));

  /* Without the refinement there is the preview again. */
  jobs_delete (fixture->document, refined);
  sweep_assert_states (sweep, "ddpddp");
  g_assert_true (esp_sweep_get_node (sweep, 2) == preview);
}

static void
test_failures (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = sweep_make_plan (fixture, "instruction: good || bad || better || so bad", 0);
  g_autoptr (EspSweep) sweep = NULL;
  EspNode *failed;

  sweep_backend_set_failing (fixture->lab, "bad");
  sweep = sweep_start (fixture, plan, 0);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "dfdf");
  failed = esp_sweep_get_node (sweep, 1);
  g_assert_cmpstr (esp_node_get_message (failed), ==, "No luck");
  sweep_run (fixture, sweep, "1", 0);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "dfdf");
  sweep_backend_set_failing (fixture->lab, NULL);
  sweep_run (fixture, sweep, NULL, 0);
  jobs_wait (esp_sweep_count (sweep, ESP_CELL_DONE) == 4);
  sweep_wait (fixture);
  /* It is the same turn, tried again, and not another one. */
  g_assert_true (esp_sweep_get_node (sweep, 1) == failed);
  g_assert_cmpuint (esp_document_get_n_nodes (fixture->document), ==, 5);
}

/* A first look that failed is made properly by another turn. */
static void
test_failed_draft (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "seed: 1, 2", 0);
  g_autoptr (EspSweep) sweep = NULL;

  sweep_backend_set_failing (fixture->lab, "red");
  sweep = sweep_start (fixture, plan, 2);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "ff");
  sweep_backend_set_failing (fixture->lab, NULL);
  sweep_run (fixture, sweep, NULL, 0);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "dd");
  g_assert_false (esp_node_is_draft (esp_sweep_get_node (sweep, 0)));
  g_assert_cmpuint (esp_document_get_n_nodes (fixture->document), ==, 5);
}

static void
test_stop (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "seed: 1..6", 0);
  g_autoptr (EspSweep) sweep = NULL;
  EspNode *other;

  sweep_backend_set_stepped (fixture->lab, TRUE);
  sweep = sweep_start (fixture, plan, 0);
  other = jobs_make_turn (fixture->document, fixture->photo, "lab", "another", NULL);
  g_assert_nonnull (esp_queue_add (fixture->queue, fixture->document, other, FALSE));
  jobs_wait (sweep_backend_get_n_running (fixture->lab) == 2);
  esp_sweep_stop (sweep, fixture->queue, FALSE);
  jobs_wait (esp_sweep_count (sweep, ESP_CELL_CANCELLED) == 4);
  sweep_assert_states (sweep, "rrcccc");
  g_assert_nonnull (esp_queue_find (fixture->queue, other));
  esp_sweep_stop (sweep, fixture->queue, TRUE);
  jobs_wait (esp_sweep_count (sweep, ESP_CELL_CANCELLED) == 6
             && sweep_backend_get_n_running (fixture->lab) == 1);
  sweep_backend_set_stepped (fixture->lab, FALSE);
  sweep_backend_release (fixture->lab, 1);
  sweep_wait (fixture);
  g_assert_cmpint (esp_node_get_state (other), ==, ESP_NODE_DONE);
  /* And all of it after all. */
  sweep_run (fixture, sweep, NULL, 0);
  jobs_wait (esp_sweep_count (sweep, ESP_CELL_DONE) == 6);
  sweep_wait (fixture);
  g_assert_cmpuint (sweep_backend_get_n_made (fixture->lab), ==, 7);
}

/* What was deleted can be filled again; marks are told. */
static void
test_fill (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "seed: 1..3", 0);
  g_autoptr (EspSweep) sweep = sweep_start (fixture, plan, 0);
  g_autoptr (GString) told = g_string_new (NULL);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  g_autoptr (GAsyncResult) result = NULL;

  sweep_wait (fixture);
  jobs_delete (fixture->document, esp_sweep_get_node (sweep, 1));
  sweep_assert_states (sweep, "dmd");
  sweep_run (fixture, sweep, NULL, 0);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "ddd");
  g_assert_cmpuint (sweep_backend_get_n_made (fixture->lab), ==, 4);

  g_signal_connect (sweep, "cell-changed", G_CALLBACK (on_cell_changed), told);
  g_ptr_array_add (nodes, esp_sweep_get_node (sweep, 2));
  esp_document_set_stars_async (fixture->document, nodes, 3, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_true (esp_document_edit_finish (fixture->document, result, NULL));
  g_assert_cmpstr (told->str, ==, "2d ");
}

/* Closed in the middle: what was queued is taken up when it is run again. */
static void
test_reopen (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "seed: 1..5; guidance: 1, 2", 0);
  g_autoptr (EspSweep) sweep = NULL;
  gint64 id;

  sweep_backend_set_stepped (fixture->lab, TRUE);
  sweep = sweep_start (fixture, plan, 0);
  id = esp_sweep_get_id (sweep);
  jobs_wait (sweep_backend_get_n_running (fixture->lab) == 2);
  sweep_backend_release (fixture->lab, 2);
  jobs_wait (sweep_backend_get_n_running (fixture->lab) == 2);
  esp_queue_suspend_document (fixture->queue, fixture->document);
  sweep_wait (fixture);
  g_clear_object (&sweep);
  sweep_reopen (fixture);

  sweep_backend_set_stepped (fixture->lab, FALSE);
  sweep = esp_sweep_get (fixture->document, id, fixture->registry);
  g_assert_true (esp_sweep_plan_equal (esp_sweep_get_plan (sweep), plan));
  sweep_assert_states (sweep, "ddwwwwwwww");
  sweep_run (fixture, sweep, NULL, 0);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "dddddddddd");
  g_assert_cmpuint (sweep_backend_get_n_made (fixture->lab), ==, 10);
  g_assert_cmpuint (esp_document_get_n_nodes (fixture->document), ==, 11);
}

/* What the sweep starts from was deleted. */
static void
test_gone (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "node: 1; seed: 1, 2", 0);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  jobs_delete (fixture->document, fixture->photo);
  esp_sweep_start_async (fixture->document, fixture->queue, plan, 0, NULL, take_result, &result);
  jobs_wait (result != NULL);
  g_assert_null (esp_sweep_start_finish (result, &error));
  g_assert_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_UNKNOWN);
}

static void
test_nodes (SweepFixture *fixture, gconstpointer data)
{
  EspNode *other = jobs_import (fixture->document, 16);
  g_autofree char *axes
      = g_strdup_printf ("node: 1, %" G_GINT64_FORMAT "; seed: 1", esp_node_get_id (other));
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, axes, 0);
  g_autoptr (EspSweep) sweep = sweep_start (fixture, plan, 0);
  EspAxis *axis = esp_sweep_plan_get_axes (plan)->pdata[0];

  g_assert_cmpstr (esp_axis_get_label (axis, 0), ==, "1. photo.png");
  g_assert_cmpstr (esp_axis_get_label (axis, 1), ==, "2. photo.png");
  sweep_wait (fixture);
  g_assert_true (esp_node_get_parent (esp_sweep_get_node (sweep, 0)) == fixture->photo);
  g_assert_true (esp_node_get_parent (esp_sweep_get_node (sweep, 1)) == other);
}

/* --- Estimates -------------------------------------------------------------------------------- */

static void
test_estimate (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (SweepBackend) cloud = sweep_backend_new ("cloud", 5);
  EspModel *paid = sweep_backend_add_model (cloud, "paid", "Paid",
                                            "\"guidance\":{\"type\":\"number\"}", ESP_MODEL_SEED);
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "seed: 1..4; steps: 10, 20", 0);
  g_autoptr (EspSweepPlan) both = NULL;
  g_autoptr (EspSweep) sweep = NULL;
  g_autoptr (EspSweep) measured = NULL;
  EspSweepEstimate estimate;

  esp_registry_add (fixture->registry, ESP_BACKEND (cloud));
  esp_model_set_price (paid, 0.05, "USD");
  esp_model_set_price (esp_registry_find_model (fixture->registry, "lab", "plenty"), 0, NULL);

  /* Nothing was measured yet; what runs here is free. */
  esp_sweep_plan_estimate (plan, fixture->document, fixture->queue, NULL, 0, &estimate);
  g_assert_cmpuint (estimate.n_cells, ==, 8);
  g_assert_cmpuint (estimate.n_skipped, ==, 0);
  g_assert_cmpfloat (estimate.seconds, <, 0);
  g_assert_cmpfloat (estimate.cost, ==, 0);
  g_assert_false (estimate.cost_is_lower_bound);

  /* Ten steps take two seconds, twenty four; two turns at a time. */
  {
    g_autoptr (EspSweepPlan) one = sweep_make_plan (fixture, "steps: 10", 0);

    measured = sweep_start (fixture, one, 0);
    sweep_wait (fixture);
    sweep_assert_states (measured, "d");
  }
  esp_sweep_plan_estimate (plan, fixture->document, fixture->queue, NULL, 0, &estimate);
  g_assert_cmpfloat_with_epsilon (estimate.seconds, (4 * 2 + 4 * 4) / 2.0, 1e-9);
  esp_sweep_plan_estimate (plan, NULL, fixture->queue, NULL, 5, &estimate);
  g_assert_cmpfloat_with_epsilon (estimate.seconds, 8 * 1 / 2.0, 1e-9);

  /* Backends work beside each other; what the other one takes is not known. */
  both = sweep_make_plan (fixture, "seed: 1..4; model: lab/plenty, cloud/paid", 0);
  esp_sweep_plan_estimate (both, fixture->document, fixture->queue, NULL, 0, &estimate);
  g_assert_cmpuint (estimate.n_cells, ==, 8);
  g_assert_cmpfloat (estimate.seconds, <, 0);
  g_assert_cmpfloat_with_epsilon (estimate.cost, 4 * 0.05, 1e-9);
  g_assert_cmpstr (estimate.currency, ==, "USD");
  g_assert_false (estimate.cost_is_lower_bound);
  esp_model_set_price (esp_registry_find_model (fixture->registry, "lab", "plenty"), -1, NULL);
  esp_sweep_plan_estimate (both, fixture->document, fixture->queue, NULL, 0, &estimate);
  g_assert_cmpfloat_with_epsilon (estimate.cost, 4 * 0.05, 1e-9);
  g_assert_true (estimate.cost_is_lower_bound);

  sweep = sweep_start (fixture, both, 0);
  sweep_wait (fixture);
  sweep_assert_states (sweep, "dddddddd");
  g_assert_cmpuint (sweep_backend_get_n_made (cloud), ==, 4);
  esp_sweep_plan_estimate (both, fixture->document, fixture->queue, NULL, 0, &estimate);
  g_assert_cmpfloat_with_epsilon (estimate.seconds, 4 * 2 / 2.0, 0.5);
  /* Of the sweep itself there is nothing left to do. */
  esp_sweep_plan_estimate (esp_sweep_get_plan (sweep), fixture->document, fixture->queue, NULL, 0,
                           &estimate);
  g_assert_cmpuint (estimate.n_cells, ==, 0);
  g_assert_cmpfloat (estimate.cost, ==, 0);
  g_assert_cmpfloat (estimate.seconds, ==, 0);
  esp_registry_remove (fixture->registry, ESP_BACKEND (cloud));
}

/* --- Large ones ------------------------------------------------------------------------------- */

static double
get_resident_mib (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    return 0;
  words = g_strsplit (text, " ", 3);
  return (double) g_ascii_strtoull (words[1], NULL, 10) * (double) sysconf (_SC_PAGESIZE) / 1048576;
}

static void
test_many (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = sweep_make_plan (fixture, "guidance: 0, 0.5, .. 9.5; seed: 1..20", ESP_SWEEP_RANDOM);
  g_autoptr (EspSweep) sweep = NULL;
  const double before = get_resident_mib ();
  double most = before, half = 0;
  const gint64 started = g_get_monotonic_time ();
  gint64 stored;

  sweep_backend_set_stepped (fixture->lab, TRUE);
  sweep = sweep_start (fixture, plan, 0);
  stored = g_get_monotonic_time ();
  g_assert_cmpuint (
      esp_queue_get_n_waiting (fixture->queue) + esp_queue_get_n_running (fixture->queue), ==, 400);
  g_assert_cmpuint (esp_document_get_n_nodes (fixture->document), ==, 401);
  jobs_wait (sweep_backend_get_n_running (fixture->lab) == 2);
  sweep_backend_set_stepped (fixture->lab, FALSE);
  sweep_backend_release (fixture->lab, 2);
  while (g_list_model_get_n_items (esp_queue_get_jobs (fixture->queue)) > 0)
    {
      g_main_context_iteration (NULL, TRUE);
      most = MAX (most, get_resident_mib ());
      if (half <= 0 && esp_sweep_count (sweep, ESP_CELL_DONE) >= 200)
        half = most;
    }
  g_assert_cmpuint (esp_sweep_count (sweep, ESP_CELL_DONE), ==, 400);
  g_assert_cmpuint (sweep_backend_get_n_made (fixture->lab), ==, 400);
  g_assert_cmpuint (sweep_backend_get_most_running (fixture->lab), ==, 2);
  g_test_message ("400 cells: stored in %.3f s, run in %.1f s; %.1f MiB before, at most %.1f MiB "
                  "by half of them, %.1f MiB in all",
                  (double) (stored - started) / G_USEC_PER_SEC,
                  (double) (g_get_monotonic_time () - stored) / G_USEC_PER_SEC, before, half, most);
}

/* As many as there may be, up to where they wait, and all in one step of undo. */
static void
test_most (SweepFixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = sweep_make_plan (fixture, "steps: 1..32; seed: 1..128", 0);
  g_autoptr (EspSweep) sweep = NULL;
  gint64 started = g_get_monotonic_time ();
  gint64 now;

  esp_queue_stop_after_running (fixture->queue);
  sweep_backend_set_stepped (fixture->lab, TRUE);
  sweep = sweep_start (fixture, plan, 0);
  now = g_get_monotonic_time ();
  g_test_message ("4096 cells: stored in %.3f s", (double) (now - started) / G_USEC_PER_SEC);
  g_assert_cmpuint (esp_sweep_count (sweep, ESP_CELL_WAITING)
                        + esp_sweep_count (sweep, ESP_CELL_RUNNING),
                    ==, ESP_SWEEP_MAX_CELLS);
  started = now;
  jobs_edit (fixture->document, esp_document_undo_async);
  now = g_get_monotonic_time ();
  g_test_message ("4096 cells: undone in %.3f s", (double) (now - started) / G_USEC_PER_SEC);
  g_assert_cmpuint (esp_sweep_count (sweep, ESP_CELL_MISSING), ==, ESP_SWEEP_MAX_CELLS);
  g_assert_cmpuint (esp_document_get_n_nodes (fixture->document), ==, 1);
  sweep_wait (fixture);
  g_assert_cmpuint (sweep_backend_get_n_made (fixture->lab), ==, 0);
}

int
main (int argc, char *argv[])
{
  jobs_init (&argc, &argv);
  ADD ("start", test_start);
  ADD ("order", test_order);
  ADD ("undo", test_undo);
  ADD ("skipped", test_skipped);
  ADD ("model-changes", test_model_changes);
  ADD ("drafts", test_drafts);
  ADD ("failures", test_failures);
  ADD ("failed-draft", test_failed_draft);
  ADD ("stop", test_stop);
  ADD ("fill", test_fill);
  ADD ("reopen", test_reopen);
  ADD ("gone", test_gone);
  ADD ("nodes", test_nodes);
  ADD ("estimate", test_estimate);
  ADD ("many", test_many);
  ADD ("most", test_most);
  return jobs_run ();
}
