/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-queue-storm.c: everything at once, in any order, while turns run. What must hold is that no
 * turn is forgotten: in the end each is done, failed or cancelled, undone and redone ones too. */
#include <string.h>

#include "jobs-fixture.h"

#define N_STORMS     6
#define N_OPERATIONS 400

static guint n_pending;

static void
ignore (GObject *source, GAsyncResult *result, gpointer data)
{
  n_pending--;
}

static EspNode *
pick (JobsFixture *self)
{
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (self->document);

  return nodes->len > 0 ? nodes->pdata[g_test_rand_int_range (0, (gint32) nodes->len)] : NULL;
}

static EspJob *
pick_job (JobsFixture *self)
{
  GListModel *jobs = esp_queue_get_jobs (self->queue);
  const guint n = g_list_model_get_n_items (jobs);
  g_autoptr (EspJob) job
      = n > 0 ? g_list_model_get_item (jobs, (guint) g_test_rand_int_range (0, (gint32) n)) : NULL;

  return job;
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer data)
{
  JobsFixture *self = data;
  g_autoptr (GPtrArray) nodes = esp_document_add_turns_finish (ESP_DOCUMENT (source), result, NULL);

  /* The parent may have been deleted in the meantime. */
  for (guint i = 0; nodes != NULL && i < nodes->len; i++)
    esp_queue_add (self->queue, self->document, nodes->pdata[i], g_test_rand_bit ());
  n_pending--;
}

static void
add (JobsFixture *self, EspNode *parent)
{
  static guint n_asked;
  /* Turns under way at the same time are known by their prompt. */
  g_autofree char *instruction = g_strdup_printf ("Turn %u", n_asked++);
  const gboolean one_at_a_time = g_test_rand_bit ();
  EspNode *reference = pick (self);
  const EspTurn turn = { .instruction = instruction,
                         .backend = one_at_a_time ? "fake" : "other",
                         .model = "model",
                         .has_seed = TRUE,
                         .seed = G_MAXUINT64,
                         .references = &reference,
                         .n_references = g_test_rand_int_range (0, 5) == 0 ? 1 : 0 };

  n_pending++;
  esp_document_add_turns_async (self->document, parent, &turn,
                                one_at_a_time ? (guint) g_test_rand_int_range (1, 5) : 1, NULL,
                                on_added, self);
}

static void
delete_one (JobsFixture *self, EspNode *node)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_add (nodes, node);
  n_pending++;
  esp_document_delete_async (self->document, nodes, NULL, ignore, NULL);
}

static void
change_document (JobsFixture *self)
{
  EspNode *node = pick (self);

  switch (g_test_rand_int_range (0, 12))
    {
    case 0:
    case 1:
    case 2:
      n_pending++;
      esp_document_undo_async (self->document, NULL, ignore, NULL);
      break;
    case 3:
    case 4:
      n_pending++;
      esp_document_redo_async (self->document, NULL, ignore, NULL);
      break;
    case 5:
      if (node != NULL && node != self->photo)
        delete_one (self, node);
      break;
    case 6:
      if (node != NULL)
        {
          n_pending++;
          esp_document_move_async (self->document, node, pick (self), 0, NULL, ignore, NULL);
        }
      break;
    case 7:
      if (g_test_rand_int_range (0, 8) == 0)
        {
          n_pending++;
          esp_document_purge_async (self->document, NULL, ignore, NULL);
        }
      break;
    default:
      if (node != NULL)
        add (self, node);
    }
}

static void
change_queue (JobsFixture *self)
{
  EspNode *node = pick (self);
  EspJob *job = pick_job (self);

  switch (g_test_rand_int_range (0, 8))
    {
    case 0:
      if (job != NULL)
        esp_queue_stop (self->queue, job);
      break;
    case 1:
      if (job != NULL)
        esp_queue_run_next (self->queue, job);
      break;
    case 2:
      if (g_test_rand_int_range (0, 5) == 0)
        esp_queue_clear (self->queue, NULL);
      break;
    case 3:
      esp_queue_stop_after_running (self->queue);
      break;
    case 4:
      esp_queue_resume (self->queue);
      break;
    case 5:
    case 6:
      if (node != NULL && esp_node_get_kind (node) == ESP_NODE_TURN)
        esp_queue_retry (self->queue, self->document, node);
      break;
    default:
      if (job != NULL)
        esp_queue_move (self->queue, job, (guint) g_test_rand_int_range (0, 5));
    }
}

/* Until all that was asked for has come to an end. */
static void
calm_down (JobsFixture *self)
{
  esp_queue_resume (self->queue);
  jobs_wait (n_pending == 0);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  jobs_settle (self);
}

static void
assert_at_rest (JobsFixture *self)
{
  g_autoptr (GPtrArray) left = esp_queue_dup_left_over (self->queue, self->document);
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (self->document);

  g_assert_cmpuint (left->len, ==, 0);
  for (guint i = 0; i < nodes->len; i++)
    {
      g_assert_null (esp_node_get_progress (nodes->pdata[i]));
      g_assert_true (esp_node_has_image (nodes->pdata[i])
                     == (esp_node_get_state (nodes->pdata[i]) == ESP_NODE_DONE));
    }
}

static void
on_verified (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GPtrArray) problems = NULL;

  g_assert_true (
      esp_document_verify_finish (ESP_DOCUMENT (source), result, NULL, NULL, &problems, NULL));
  for (guint i = 0; i < problems->len; i++)
    g_test_message ("%s", (const char *) problems->pdata[i]);
  g_assert_cmpuint (problems->len, ==, 0);
  n_pending--;
}

static void
test_storm (JobsFixture *self, gconstpointer data)
{
  for (int storm = 0; storm < N_STORMS; storm++)
    {
      fake_backend_set_stepped (self->fake, FALSE);
      fake_backend_set_stepped (self->other, FALSE);
      for (int i = 0; i < N_OPERATIONS; i++)
        {
          if (g_test_rand_int_range (0, 3) == 0)
            change_queue (self);
          else
            change_document (self);
          for (int turns = g_test_rand_int_range (0, 4); turns > 0; turns--)
            g_main_context_iteration (NULL, FALSE);
        }
      calm_down (self);
      assert_at_rest (self);
      while (esp_document_can_undo (self->document))
        {
          n_pending++;
          esp_document_undo_async (self->document, NULL, ignore, NULL);
          jobs_wait (n_pending == 0);
        }
      calm_down (self);
      assert_at_rest (self);
      while (esp_document_can_redo (self->document))
        {
          n_pending++;
          esp_document_redo_async (self->document, NULL, ignore, NULL);
          jobs_wait (n_pending == 0);
        }
      calm_down (self);
      assert_at_rest (self);
      n_pending++;
      esp_document_verify_async (self->document, NULL, on_verified, NULL);
      jobs_wait (n_pending == 0);
      g_test_message ("%u turns", esp_document_get_n_nodes (self->document));
    }
}

/* A turn that is undone before it could run is cancelled, and comes back as that. */
static void
test_redo (JobsFixture *self, gconstpointer data)
{
  EspNode *first, *second;

  first = jobs_add (self, "a");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  second = jobs_add (self, "b");
  jobs_edit (self->document, esp_document_undo_async);
  jobs_edit (self->document, esp_document_undo_async);
  jobs_edit (self->document, esp_document_redo_async);
  jobs_edit (self->document, esp_document_redo_async);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  jobs_settle (self);
  g_assert_cmpint (esp_node_get_state (first), ==, ESP_NODE_CANCELLED);
  g_assert_cmpint (esp_node_get_state (second), ==, ESP_NODE_CANCELLED);
  g_assert_false (esp_node_is_deleted (second));
}

/* One that was deleted before it came into the queue is not run. */
static void
test_deleted_before (JobsFixture *self, gconstpointer data)
{
  EspNode *node = jobs_make_turn (self->document, self->photo, "fake", "a", NULL);

  jobs_edit (self->document, esp_document_undo_async);
  g_assert_true (esp_node_is_deleted (node));
  esp_queue_add (self->queue, self->document, node, FALSE);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 0);
  jobs_edit (self->document, esp_document_redo_async);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_CANCELLED);
}

int
main (int argc, char *argv[])
{
  jobs_init (&argc, &argv);

  g_test_add ("/jobs/storm/redo", JobsFixture, NULL, jobs_set_up, test_redo, jobs_tear_down);
  g_test_add ("/jobs/storm/deleted-before", JobsFixture, NULL, jobs_set_up, test_deleted_before,
              jobs_tear_down);
  g_test_add ("/jobs/storm/storm", JobsFixture, NULL, jobs_set_up, test_storm, jobs_tear_down);

  return jobs_run ();
}
