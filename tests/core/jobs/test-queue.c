/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue's verbs, order and states. */
#include <string.h>

#include "jobs-fixture.h"

/* --- Running ---------------------------------------------------------------------------------- */

static void
test_done (JobsFixture *self, gconstpointer data)
{
  EspNode *node = jobs_make_turn (self->document, self->photo, "fake", "a", self->photo);
  EspJob *job;
  const EspNodeProgress *progress;
  g_autoptr (GBytes) photo = jobs_load_image (self->document, self->photo);
  g_autoptr (GFile) file = NULL;

  job = esp_queue_add (self->queue, self->document, node, FALSE);
  g_assert_true (esp_queue_find (self->queue, node) == job);
  g_assert_true (esp_queue_add (self->queue, self->document, node, TRUE) == job);
  g_assert_true (esp_job_get_node (job) == node);
  g_assert_true (esp_job_get_document (job) == self->document);
  g_assert_cmpint (esp_job_get_state (job), ==, ESP_JOB_WAITING);
  g_assert_true (esp_queue_has_document (self->queue, self->document));
  progress = esp_node_get_progress (node);
  g_assert_nonnull (progress);
  g_assert_cmpfloat (progress->fraction, <, 0);

  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_cmpint (esp_job_get_state (job), ==, ESP_JOB_RUNNING);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_RUNNING);
  g_assert_cmpuint (fake_backend_get_images (self->fake)->len, ==, 2);
  g_assert_true (
      g_bytes_equal (g_ptr_array_index (fake_backend_get_images (self->fake), 0), photo));
  g_assert_cmpint (
      json_object_get_int_member (fake_backend_get_parameters (self->fake), "strength"), ==, 3);
  g_assert_cmpint (json_object_get_int_member (fake_backend_get_parameters (self->fake), "seed"),
                   ==, 5);
  g_assert_cmpstr (
      json_object_get_string_member (fake_backend_get_parameters (self->fake), "negative_prompt"),
      ==, "no blur");

  fake_backend_finish (self->fake, "a");
  jobs_wait (self->finished->len > 0);
  g_assert_cmpstr (self->finished->str, ==, "a:done");
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  g_assert_cmpint (esp_node_get_width (node), ==, 24);
  g_assert_cmpfloat (esp_node_get_seconds (node), ==, 1);
  g_assert_cmpfloat (esp_node_get_cost (node), ==, 0.25);
  g_assert_cmpstr (esp_node_get_currency (node), ==, "EUR");
  g_assert_cmpstr (esp_node_get_model_hash (node), ==, "hash");
  g_assert_cmpstr (esp_node_get_model_name (node), ==, "Fake");
  g_assert_cmpuint (esp_node_get_seed (node), ==, 5);

  /* It is in the file. */
  file = g_object_ref (esp_document_get_file (self->document));
  jobs_close_document (self->document);
  g_object_unref (self->document);
  self->document = jobs_open_document (file);
  node = esp_document_get_node (self->document, 2);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  g_assert_true (esp_node_has_image (node));
}

static void
take_duplicate (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  *(EspNode **) data = esp_document_duplicate_finish (ESP_DOCUMENT (source), result, &error);
  g_assert_no_error (error);
}

/* Seeds above those that the library's JSON numbers hold travel as text. */
static void
test_big_seed (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_make_turn (self->document, self->photo, "fake", "a", NULL);
  EspNode *b = NULL;
  JsonNode *seed;

  esp_document_duplicate_async (self->document, a, TRUE, G_MAXUINT64, NULL, take_duplicate, &b);
  jobs_wait (b != NULL);
  esp_queue_add (self->queue, self->document, b, FALSE);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  seed = json_object_get_member (fake_backend_get_parameters (self->fake), "seed");
  g_assert_cmpstr (json_node_get_string (seed), ==, "18446744073709551615");

  fake_backend_finish (self->fake, "a");
  jobs_wait (self->finished->len > 0);
  g_assert_cmpuint (esp_node_get_seed (b), ==, G_MAXUINT64);
}

static void
take_edit (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  *(gboolean *) data = esp_document_edit_finish (ESP_DOCUMENT (source), result, &error);
  g_assert_no_error (error);
}

/* A turn that was made the beginning of a tree, and goes on from nothing else. */
static void
test_nothing_to_start_from (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_make_turn (self->document, self->photo, "fake", "a", NULL);
  gboolean moved = FALSE;

  esp_document_move_async (self->document, a, NULL, G_MAXUINT, NULL, take_edit, &moved);
  jobs_wait (moved);
  esp_queue_add (self->queue, self->document, a, FALSE);
  jobs_wait (self->finished->len > 0);
  g_assert_cmpstr (self->finished->str, ==, "a:failed");
  g_assert_nonnull (strstr (esp_node_get_message (a), "no picture to start from"));
}

/* Previews are asked for unless they are not wanted when a turn starts. */
static void
test_previews (JobsFixture *self, gconstpointer data)
{
  jobs_add (self, "a");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_true (fake_backend_get_previews (self->fake));
  g_object_set (self->queue, "previews", FALSE, NULL);
  jobs_add (self, "b");
  fake_backend_finish (self->fake, "a");
  jobs_wait (fake_backend_is_running (self->fake, "b"));
  g_assert_false (fake_backend_get_previews (self->fake));
  fake_backend_finish (self->fake, "b");
  jobs_wait (esp_queue_get_n_running (self->queue) == 0);
}

static void
test_failed (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_add (self, "a");
  EspNode *b = jobs_add (self, "b");
  EspNode *c = jobs_add (self, "c");

  jobs_wait (fake_backend_is_running (self->fake, "a"));
  fake_backend_fail (self->fake, "a", ESP_BACKEND_ERROR_CRASHED, "It fell over.");
  jobs_wait (fake_backend_is_running (self->fake, "b"));
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_FAILED);
  g_assert_cmpstr (esp_node_get_message (a), ==, "It fell over.");

  fake_backend_fail (self->fake, "b", ESP_BACKEND_ERROR_BLOCKED, "Not that.");
  jobs_wait (fake_backend_is_running (self->fake, "c"));
  g_assert_cmpint (esp_node_get_state (b), ==, ESP_NODE_BLOCKED);
  g_assert_cmpstr (esp_node_get_message (b), ==, "Not that.");

  fake_backend_finish (self->fake, "c");
  jobs_wait (esp_node_get_state (c) == ESP_NODE_DONE);
  jobs_settle (self);
  g_assert_cmpstr (self->finished->str, ==, "a:failed b:failed c:done");

  /* Another try. */
  esp_queue_retry (self->queue, self->document, a);
  esp_queue_retry (self->queue, self->document, a);
  esp_queue_retry (self->queue, self->document, c);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_null (esp_node_get_message (a));
  jobs_assert_list (self, "[a]");
  fake_backend_finish (self->fake, "a");
  jobs_wait (esp_node_get_state (a) == ESP_NODE_DONE);
  jobs_settle (self);
}

static void
test_unknown_backend (JobsFixture *self, gconstpointer data)
{
  EspNode *node = jobs_make_turn (self->document, self->photo, "gone", "a", NULL);

  esp_queue_add (self->queue, self->document, node, FALSE);
  jobs_wait (self->finished->len > 0);
  g_assert_cmpstr (self->finished->str, ==, "a:failed");
  g_assert_nonnull (strstr (esp_node_get_message (node), "gone"));
}

static void
test_order (JobsFixture *self, gconstpointer data)
{
  EspNode *nodes[6];
  const char *names[] = { "a", "b", "c", "d", "e", "f" };
  g_autofree char *begun = NULL;

  for (int i = 0; i < 6; i++)
    nodes[i] = i < 4 ? jobs_add (self, names[i])
                     : jobs_make_turn (self->document, self->photo, "fake", names[i], NULL);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  jobs_assert_list (self, "[a] b c d");

  /* Several that are to run next keep their order. */
  esp_queue_add (self->queue, self->document, nodes[4], TRUE);
  esp_queue_add (self->queue, self->document, nodes[5], TRUE);
  jobs_assert_list (self, "[a] e f b c d");

  esp_queue_move (self->queue, esp_queue_find (self->queue, nodes[1]), 4);
  jobs_assert_list (self, "[a] e f c d b");
  esp_queue_move (self->queue, esp_queue_find (self->queue, nodes[5]), 99);
  jobs_assert_list (self, "[a] e c d b f");
  esp_queue_run_next (self->queue, esp_queue_find (self->queue, nodes[3]));
  jobs_assert_list (self, "[a] d e c b f");
  /* What runs is not moved. */
  esp_queue_move (self->queue, esp_queue_find (self->queue, nodes[0]), 2);
  jobs_assert_list (self, "[a] d e c b f");

  fake_backend_set_stepped (self->fake, FALSE);
  fake_backend_finish (self->fake, "a");
  jobs_wait (esp_queue_get_n_waiting (self->queue) + esp_queue_get_n_running (self->queue) == 0);
  begun = fake_backend_dup_begun (self->fake);
  g_assert_cmpstr (begun, ==, "a d e c b f");
}

static void
test_concurrency (JobsFixture *self, gconstpointer data)
{
  const char *names[] = { "p", "q", "r", "s", "t" };

  jobs_add (self, "a");
  jobs_add (self, "b");
  for (int i = 0; i < 5; i++)
    {
      EspNode *node = jobs_make_turn (self->document, self->photo, "other", names[i], NULL);

      esp_queue_add (self->queue, self->document, node, FALSE);
    }

  jobs_wait (fake_backend_get_n_running (self->other) == 3
             && fake_backend_get_n_running (self->fake) == 1);
  jobs_settle (self);
  jobs_assert_list (self, "[a] [p] [q] [r] b s t");

  fake_backend_finish (self->other, "q");
  jobs_wait (fake_backend_is_running (self->other, "s"));
  jobs_assert_list (self, "[a] [p] [r] [s] b t");

  fake_backend_set_stepped (self->other, FALSE);
  fake_backend_set_stepped (self->fake, FALSE);
  fake_backend_finish (self->fake, "a");
  fake_backend_finish (self->other, "p");
  fake_backend_finish (self->other, "r");
  fake_backend_finish (self->other, "s");
  jobs_wait (esp_queue_get_n_waiting (self->queue) + esp_queue_get_n_running (self->queue) == 0);
  g_assert_cmpuint (fake_backend_get_most_running (self->other), ==, 3);
  g_assert_cmpuint (fake_backend_get_most_running (self->fake), ==, 1);
}

/* A limit of its own holds over all backends. */
static void
test_limit (JobsFixture *self, gconstpointer data)
{
  const char *names[] = { "p", "q", "r" };

  esp_queue_set_limit (self->queue, 2);
  g_assert_cmpuint (esp_queue_get_limit (self->queue), ==, 2);
  jobs_add (self, "a");
  for (int i = 0; i < 3; i++)
    {
      EspNode *node = jobs_make_turn (self->document, self->photo, "other", names[i], NULL);

      esp_queue_add (self->queue, self->document, node, FALSE);
    }
  jobs_wait (esp_queue_get_n_running (self->queue) == 2);
  jobs_settle (self);
  jobs_assert_list (self, "[a] [p] q r");

  fake_backend_finish (self->fake, "a");
  jobs_wait (fake_backend_is_running (self->other, "q"));
  jobs_settle (self);
  jobs_assert_list (self, "[p] [q] r");

  esp_queue_set_limit (self->queue, 0);
  jobs_wait (fake_backend_is_running (self->other, "r"));
  fake_backend_set_stepped (self->other, FALSE);
  for (int i = 0; i < 3; i++)
    fake_backend_finish (self->other, names[i]);
  jobs_wait (esp_queue_get_n_waiting (self->queue) + esp_queue_get_n_running (self->queue) == 0);
}

/* --- Turns on turns --------------------------------------------------------------------------- */

static void
test_chain (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_add (self, "a");
  EspNode *b = jobs_make_turn (self->document, a, "other", "b", NULL);
  EspNode *c = jobs_make_turn (self->document, self->photo, "other", "c", b);
  g_autoptr (GBytes) image = NULL;

  esp_queue_add (self->queue, self->document, c, FALSE);
  esp_queue_add (self->queue, self->document, b, FALSE);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  jobs_settle (self);
  jobs_assert_list (self, "[a] c b");

  fake_backend_finish (self->fake, "a");
  jobs_wait (fake_backend_is_running (self->other, "b"));
  image = jobs_load_image (self->document, a);
  g_assert_true (
      g_bytes_equal (g_ptr_array_index (fake_backend_get_images (self->other), 0), image));
  jobs_settle (self);
  jobs_assert_list (self, "[b] c");

  fake_backend_finish (self->other, "b");
  jobs_wait (fake_backend_is_running (self->other, "c"));
  g_bytes_unref (image);
  image = jobs_load_image (self->document, b);
  g_assert_true (
      g_bytes_equal (g_ptr_array_index (fake_backend_get_images (self->other), 1), image));
  fake_backend_finish (self->other, "c");
  jobs_wait (esp_node_get_state (c) == ESP_NODE_DONE);
  jobs_settle (self);
}

static void
test_chain_breaks (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_add (self, "a");
  EspNode *b = jobs_make_turn (self->document, a, "fake", "b", NULL);
  EspNode *c = jobs_make_turn (self->document, b, "fake", "c", NULL);
  EspNode *d = jobs_make_turn (self->document, self->photo, "fake", "d", a);

  esp_queue_add (self->queue, self->document, b, FALSE);
  esp_queue_add (self->queue, self->document, c, FALSE);
  esp_queue_add (self->queue, self->document, d, FALSE);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  fake_backend_fail (self->fake, "a", ESP_BACKEND_ERROR_FAILED, "No.");
  jobs_wait (esp_queue_get_n_waiting (self->queue) + esp_queue_get_n_running (self->queue) == 0);

  g_assert_cmpint (esp_node_get_state (b), ==, ESP_NODE_FAILED);
  g_assert_cmpint (esp_node_get_state (c), ==, ESP_NODE_FAILED);
  g_assert_cmpint (esp_node_get_state (d), ==, ESP_NODE_FAILED);
  g_assert_nonnull (strstr (esp_node_get_message (b), "builds on"));
  g_assert_nonnull (strstr (esp_node_get_message (d), "Reference 1"));
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 1);

  /* All of them once more, in whatever order. */
  fake_backend_set_stepped (self->fake, FALSE);
  esp_queue_retry (self->queue, self->document, d);
  esp_queue_retry (self->queue, self->document, c);
  esp_queue_retry (self->queue, self->document, b);
  esp_queue_retry (self->queue, self->document, a);
  jobs_wait (esp_node_has_image (c) && esp_node_has_image (d));
  jobs_settle (self);
}

/* Two turns that are each other's reference or parent wait for ever, if nobody notices. */
static void
test_circle (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_make_turn (self->document, self->photo, "fake", "a", NULL);
  EspNode *b = jobs_make_turn (self->document, self->photo, "fake", "b", a);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  /* "a" comes below "b", which refers to it. */
  {
    g_autoptr (GError) error = NULL;

    esp_document_move_async (self->document, a, b, G_MAXUINT, NULL, NULL, NULL);
    jobs_wait (esp_node_get_parent (a) == b);
    g_assert_no_error (error);
  }
  esp_queue_add (self->queue, self->document, a, FALSE);
  esp_queue_add (self->queue, self->document, b, FALSE);
  jobs_wait (esp_queue_get_n_waiting (self->queue) == 0);
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_FAILED);
  g_assert_cmpint (esp_node_get_state (b), ==, ESP_NODE_FAILED);
  g_assert_nonnull (strstr (esp_node_get_message (a), "each other"));
}

/* --- Stopping --------------------------------------------------------------------------------- */

static void
test_stop (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_add (self, "a");
  EspNode *b = jobs_add (self, "b");
  EspNode *c = jobs_add (self, "c");
  EspJob *job;

  jobs_wait (fake_backend_is_running (self->fake, "a"));
  esp_queue_stop (self->queue, esp_queue_find (self->queue, b));
  jobs_wait (esp_node_get_state (b) == ESP_NODE_CANCELLED);
  jobs_settle (self);
  jobs_assert_list (self, "[a] c");

  /* One that takes its time to stop says so. */
  fake_backend_set_stubborn (self->fake, TRUE);
  job = esp_queue_find (self->queue, a);
  esp_queue_stop (self->queue, job);
  esp_queue_stop (self->queue, job);
  g_assert_cmpint (esp_job_get_state (job), ==, ESP_JOB_STOPPING);
  g_assert_true (esp_job_get_progress (job)->stopping);
  jobs_settle (self);
  g_assert_cmpint (esp_job_get_state (job), ==, ESP_JOB_STOPPING);
  g_assert_true (esp_node_get_progress (a)->stopping);
  jobs_assert_list (self, "[a] c");

  /* It was done before it could stop: what was made is kept. */
  fake_backend_finish (self->fake, "a");
  jobs_wait (fake_backend_is_running (self->fake, "c"));
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_DONE);

  fake_backend_set_stubborn (self->fake, FALSE);
  esp_queue_stop (self->queue, esp_queue_find (self->queue, c));
  jobs_wait (esp_node_get_state (c) == ESP_NODE_CANCELLED);
  jobs_settle (self);
  g_assert_cmpstr (self->finished->str, ==, "b:cancelled a:done c:cancelled");
  g_assert_null (esp_node_get_message (c));

  esp_queue_retry (self->queue, self->document, c);
  jobs_wait (fake_backend_is_running (self->fake, "c"));
  fake_backend_finish (self->fake, "c");
  jobs_wait (esp_node_get_state (c) == ESP_NODE_DONE);
  jobs_settle (self);
}

/* Stopped before its backend was asked. */
static void
test_stop_early (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_add (self, "a");

  jobs_wait (esp_queue_get_n_running (self->queue) == 1);
  esp_queue_stop (self->queue, esp_queue_find (self->queue, a));
  jobs_wait (self->finished->len > 0);
  g_assert_cmpstr (self->finished->str, ==, "a:cancelled");
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_CANCELLED);
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer data)
{
  ++*(int *) data;
}

static void
test_stop_after_running (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_add (self, "a");
  EspNode *d;
  int n_notified = 0;
  gboolean paused;

  jobs_add (self, "b");
  jobs_add (self, "c");
  g_signal_connect (self->queue, "notify::paused", G_CALLBACK (count_notify), &n_notified);
  jobs_wait (fake_backend_is_running (self->fake, "a"));

  esp_queue_stop_after_running (self->queue);
  g_assert_true (esp_queue_get_paused (self->queue));
  g_object_get (self->queue, "paused", &paused, NULL);
  g_assert_true (paused);
  fake_backend_finish (self->fake, "a");
  jobs_wait (esp_node_get_state (a) == ESP_NODE_DONE);
  jobs_settle (self);
  jobs_assert_list (self, "b c");

  esp_queue_resume (self->queue);
  g_assert_false (esp_queue_get_paused (self->queue));
  jobs_wait (fake_backend_is_running (self->fake, "b"));
  esp_queue_stop_after_running (self->queue);
  fake_backend_finish (self->fake, "b");
  jobs_wait (esp_queue_get_n_running (self->queue) == 0);
  jobs_settle (self);
  jobs_assert_list (self, "c");

  /* Who asks for another turn wants it to run. */
  fake_backend_set_stepped (self->fake, FALSE);
  d = jobs_add (self, "d");
  jobs_wait (esp_node_get_state (d) == ESP_NODE_DONE);
  jobs_settle (self);
  g_assert_cmpint (n_notified, ==, 4);
  g_assert_cmpstr (self->finished->str, ==, "a:done b:done c:done d:done");
}

static void
test_clear (JobsFixture *self, gconstpointer data)
{
  g_autoptr (EspDocument) second = jobs_create_document ("Second");
  EspNode *photo = jobs_import (second, 20);
  EspNode *x = jobs_make_turn (second, photo, "fake", "x", NULL);
  EspNode *y = jobs_make_turn (second, photo, "fake", "y", NULL);
  EspNode *a = jobs_add (self, "a");
  EspNode *b = jobs_add (self, "b");

  esp_queue_add (self->queue, second, x, FALSE);
  esp_queue_add (self->queue, second, y, FALSE);
  jobs_add (self, "c");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  jobs_assert_list (self, "[a] b x y c");

  esp_queue_clear (self->queue, self->document);
  jobs_wait (esp_queue_get_n_waiting (self->queue) == 2);
  jobs_assert_list (self, "[a] x y");
  g_assert_cmpint (esp_node_get_state (b), ==, ESP_NODE_CANCELLED);
  g_assert_true (esp_queue_has_document (self->queue, second));

  esp_queue_clear (self->queue, NULL);
  jobs_wait (!esp_queue_has_document (self->queue, second));
  jobs_assert_list (self, "[a]");
  g_assert_cmpint (esp_node_get_state (y), ==, ESP_NODE_CANCELLED);

  fake_backend_finish (self->fake, "a");
  jobs_wait (esp_node_get_state (a) == ESP_NODE_DONE);
  jobs_settle (self);
  jobs_close_document (second);
}

static void
test_stop_document (JobsFixture *self, gconstpointer data)
{
  g_autoptr (EspDocument) second = jobs_create_document ("Second");
  EspNode *photo = jobs_import (second, 20);
  EspNode *x = jobs_make_turn (second, photo, "fake", "x", NULL);

  jobs_add (self, "a");
  jobs_add (self, "b");
  esp_queue_add (self->queue, second, x, FALSE);
  jobs_wait (fake_backend_is_running (self->fake, "a"));

  esp_queue_stop_document (self->queue, self->document);
  jobs_wait (fake_backend_is_running (self->fake, "x"));
  g_assert_false (esp_queue_has_document (self->queue, self->document));
  jobs_assert_list (self, "[x]");
  fake_backend_finish (self->fake, "x");
  jobs_wait (!esp_queue_has_document (self->queue, second));
  g_assert_cmpint (esp_node_get_state (x), ==, ESP_NODE_DONE);
  jobs_close_document (second);
}

/* --- What the document does meanwhile --------------------------------------------------------- */

static void
test_removed (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_add (self, "a");
  EspNode *b = jobs_make_turn (self->document, a, "fake", "b", NULL);
  EspNode *c = jobs_make_turn (self->document, self->photo, "fake", "c", NULL);

  esp_queue_add (self->queue, self->document, b, FALSE);
  esp_queue_add (self->queue, self->document, c, FALSE);
  jobs_wait (fake_backend_is_running (self->fake, "a"));

  jobs_delete (self->document, a);
  jobs_wait (fake_backend_is_running (self->fake, "c"));
  jobs_settle (self);
  jobs_assert_list (self, "[c]");

  /* Undo brings both back, as cancelled. */
  jobs_edit (self->document, esp_document_undo_async);
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_CANCELLED);
  g_assert_cmpint (esp_node_get_state (b), ==, ESP_NODE_CANCELLED);
  jobs_assert_list (self, "[c]");

  /* Undoing the request of a turn that runs stops it. */
  jobs_edit (self->document, esp_document_undo_async);
  jobs_wait (esp_queue_get_n_running (self->queue) == 0);
  g_assert_true (esp_node_is_deleted (c));
  g_assert_cmpuint (fake_backend_get_n_running (self->fake), ==, 0);
  jobs_settle (self);
}

/* --- News ------------------------------------------------------------------------------------- */

static void
count (GObject *source, gpointer data)
{
  ++*(int *) data;
}

static void
test_news (JobsFixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) preview = esp_picture_new (4, 4, &error);
  EspBackendNews news = { .fraction = 0, .steps = 1000, .seconds_left = 10, .preview = preview };
  EspNode *a = jobs_add (self, "a");
  EspJob *job = esp_queue_find (self->queue, a);
  int n_progress = 0, n_changed = 0;

  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_false (
      json_object_has_member (fake_backend_get_parameters (self->fake), "negative_prompt"));
  g_signal_connect (a, "progress", G_CALLBACK (count), &n_progress);
  g_signal_connect (job, "changed", G_CALLBACK (count), &n_changed);
  for (int i = 1; i <= 1000; i++)
    {
      news.fraction = i / 1000.0;
      news.step = i;
      news.phase = i < 500 ? "Reading" : "Writing";
      news.stage = i < 500 ? "queued" : "running";
      fake_backend_tell (self->fake, "a", &news);
    }

  /* The last ones are shown, but not each of them. */
  jobs_wait (esp_job_get_progress (job)->step == 1000);
  g_assert_cmpint (esp_job_get_progress (job)->steps, ==, 1000);
  g_assert_cmpstr (esp_job_get_progress (job)->phase, ==, "Writing");
  g_assert_cmpstr (esp_job_get_progress (job)->stage, ==, "running");
  g_assert_cmpint (n_progress, <, 200);
  g_assert_cmpint (n_changed, ==, n_progress);
  g_assert_cmpfloat (esp_job_get_progress (job)->fraction, ==, 1);
  g_assert_cmpfloat (esp_node_get_progress (a)->seconds_left, ==, 10);
  g_assert_true (esp_node_get_preview (a) == preview);
  g_assert_cmpfloat (esp_queue_get_seconds_left (self->queue), ==, 10);

  fake_backend_finish (self->fake, "a");
  jobs_wait (esp_node_get_state (a) == ESP_NODE_DONE);
  jobs_settle (self);
  g_assert_null (esp_node_get_preview (a));
  g_assert_null (esp_node_get_progress (a));
}

static void
test_remote_job (JobsFixture *self, gconstpointer data)
{
  EspNode *a = NULL;
  g_autofree char *own = NULL;
  g_autofree char *first = NULL;
  GPtrArray *settled = fake_backend_get_settled (self->fake);

  /* The document knows the turn's id before the backend does. */
  fake_backend_set_remote (self->fake, TRUE);
  a = jobs_add (self, "a");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  first = g_strdup (fake_backend_get_remote_job (self->fake));
  g_assert_true (g_uuid_string_is_valid (first));
  g_assert_false (fake_backend_get_resumed (self->fake));
  g_assert_cmpstr (esp_node_get_remote_job (a), ==, first);
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_RUNNING);

  /* What the provider may still have is gone on with. */
  fake_backend_fail (self->fake, "a", ESP_BACKEND_ERROR_NETWORK, "offline");
  jobs_wait (self->finished->len > 0);
  g_assert_error (esp_node_get_error (a), ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_NETWORK);
  esp_queue_retry (self->queue, self->document, a);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_cmpstr (fake_backend_get_remote_job (self->fake), ==, first);
  g_assert_true (fake_backend_get_resumed (self->fake));
  g_assert_null (esp_node_get_error (a));

  /* Of one that was stopped, that it can be had later; of one that was not yet anywhere, nothing.
   */
  esp_queue_stop (self->queue, esp_queue_find (self->queue, a));
  jobs_wait (esp_node_get_state (a) == ESP_NODE_CANCELLED);
  jobs_settle (self);
  g_assert_cmpstr (esp_node_get_remote_job (a), ==, first);
  g_assert_nonnull (esp_node_get_message (a));
  esp_queue_retry (self->queue, self->document, a);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_true (fake_backend_get_resumed (self->fake));

  /* Where nothing is kept, there is a new one. */
  fake_backend_set_remote (self->fake, FALSE);
  fake_backend_fail (self->fake, "a", ESP_BACKEND_ERROR_FAILED, "no");
  jobs_wait (esp_queue_get_n_running (self->queue) == 0);
  g_assert_null (esp_node_get_remote_job (a));
  esp_queue_retry (self->queue, self->document, a);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_cmpstr (fake_backend_get_remote_job (self->fake), !=, first);
  g_assert_false (fake_backend_get_resumed (self->fake));
  g_assert_cmpuint (settled->len, ==, 0);
  fake_backend_finish (self->fake, "a");
  jobs_wait (esp_queue_get_n_running (self->queue) == 0);
  g_assert_cmpuint (settled->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (settled, 0), ==, fake_backend_get_remote_job (self->fake));

  /* This provider gives jobs no ids: the turn's own is what a left record would be found by. */
  own = g_strconcat (ESP_BACKEND_OWN_JOB, fake_backend_get_remote_job (self->fake), NULL);
  g_assert_cmpstr (esp_node_get_remote_job (a), ==, own);
  jobs_settle (self);
}

static void
test_seconds_left (JobsFixture *self, gconstpointer data)
{
  g_autoptr (EspQueue) fresh = NULL;
  EspNode *a = jobs_add (self, "a");
  EspNode *b;
  EspBackendNews news = { .fraction = 0.5, .seconds_left = 30 };

  fake_backend_set_seconds (self->fake, 60);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_cmpfloat (esp_queue_get_seconds_left (self->queue), <, 0);
  /* Of one it is known, of the next not: nothing is known of both. */
  fake_backend_tell (self->fake, "a", &news);
  jobs_wait (esp_node_get_progress (a)->seconds_left == 30);
  g_assert_cmpfloat (esp_queue_get_seconds_left (self->queue), ==, 30);
  b = jobs_add (self, "b");
  g_assert_cmpfloat (esp_queue_get_seconds_left (self->queue), ==, -1);
  esp_queue_stop (self->queue, esp_queue_find (self->queue, b));
  jobs_wait (esp_node_get_state (b) == ESP_NODE_CANCELLED);
  /* To try again what runs is nothing new. */
  esp_queue_retry (self->queue, self->document, a);
  jobs_settle (self);
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_RUNNING);
  fake_backend_finish (self->fake, "a");
  jobs_wait (esp_node_get_state (a) == ESP_NODE_DONE);

  b = jobs_add (self, "b");
  jobs_add (self, "c");
  jobs_add (self, "d");
  /* The first one may run already, and the clock with it. */
  g_assert_cmpfloat (esp_queue_get_seconds_left (self->queue), <=, 180);
  g_assert_cmpfloat (esp_queue_get_seconds_left (self->queue), >=, 120);
  jobs_wait (fake_backend_is_running (self->fake, "b"));
  fake_backend_tell (self->fake, "b", &news);
  jobs_wait (esp_node_get_progress (b)->seconds_left == 30);
  g_assert_cmpfloat (esp_queue_get_seconds_left (self->queue), ==, 150);

  esp_queue_stop_document (self->queue, self->document);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  g_assert_cmpfloat (esp_queue_get_seconds_left (self->queue), ==, 0);

  /* The next start knows from the document's turns what they took. */
  fresh = esp_queue_new (self->registry);
  b = jobs_make_turn (self->document, self->photo, "fake", "e", NULL);
  esp_queue_stop_after_running (fresh);
  esp_queue_add (fresh, self->document, b, FALSE);
  g_assert_cmpfloat (esp_queue_get_seconds_left (fresh), ==, 60);
  esp_queue_clear (fresh, NULL);
  jobs_wait (!esp_queue_has_document (fresh, self->document));
  jobs_settle (self);
}

#define ADD(path, func)                                                                            \
  g_test_add ("/jobs/queue/" path, JobsFixture, NULL, jobs_set_up, func, jobs_tear_down)

int
main (int argc, char **argv)
{
  jobs_init (&argc, &argv);

  ADD ("done", test_done);
  ADD ("big-seed", test_big_seed);
  ADD ("nothing-to-start-from", test_nothing_to_start_from);
  ADD ("previews", test_previews);
  ADD ("failed", test_failed);
  ADD ("unknown-backend", test_unknown_backend);
  ADD ("order", test_order);
  ADD ("concurrency", test_concurrency);
  ADD ("limit", test_limit);
  ADD ("chain", test_chain);
  ADD ("chain-breaks", test_chain_breaks);
  ADD ("circle", test_circle);
  ADD ("stop", test_stop);
  ADD ("stop-early", test_stop_early);
  ADD ("stop-after-running", test_stop_after_running);
  ADD ("clear", test_clear);
  ADD ("stop-document", test_stop_document);
  ADD ("removed", test_removed);
  ADD ("news", test_news);
  ADD ("remote-job", test_remote_job);
  ADD ("seconds-left", test_seconds_left);

  return jobs_run ();
}
