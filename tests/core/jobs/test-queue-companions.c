/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting turns that differ by their seeds alone go to the backend together, and stay jobs of their
 * own. */
#include "jobs-fixture.h"

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

typedef struct
{
  const char *prompt, *negative;
  EspNode *parent, *reference;
  int strength;
  guint64 seed;
} Words;

/* A turn in these words, in the queue of "fake". */
static EspNode *
ask (JobsFixture *self, const Words *words)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (JsonObject) parameters = json_object_new ();
  EspNode *reference = words->reference;
  EspTurn turn = { .instruction = words->prompt,
                   .negative_prompt = words->negative,
                   .backend = "fake",
                   .model = "model",
                   .parameters = parameters,
                   .has_seed = TRUE,
                   .seed = words->seed,
                   .references = &reference,
                   .n_references = reference != NULL };

  json_object_set_int_member (parameters, "strength", words->strength);
  esp_document_add_turns_async (self->document, words->parent != NULL ? words->parent : self->photo,
                                &turn, 1, NULL, take_result, &result);
  jobs_wait (result != NULL);
  nodes = esp_document_add_turns_finish (self->document, result, &error);
  g_assert_no_error (error);
  esp_queue_add (self->queue, self->document, g_ptr_array_index (nodes, 0), FALSE);
  return g_ptr_array_index (nodes, 0);
}

/* The seeds 1 … count. */
static void
ask_seeds (JobsFixture *self, const char *prompt, EspNode **nodes, guint count)
{
  for (guint i = 0; i < count; i++)
    nodes[i] = ask (self, &(Words){ .prompt = prompt, .seed = i + 1 });
}

/* The place is taken, so that what is added next waits. */
static void
hold (JobsFixture *self)
{
  jobs_add (self, "first");
  jobs_wait (fake_backend_is_running (self->fake, "first#5"));
}

static void
let_go (JobsFixture *self)
{
  fake_backend_finish (self->fake, "first#5");
}

static void
wait_for_end (JobsFixture *self)
{
  jobs_wait (esp_queue_get_n_waiting (self->queue) + esp_queue_get_n_running (self->queue) == 0);
  jobs_settle (self);
}

static void
test_together (JobsFixture *self, gconstpointer data)
{
  EspNode *a[5], *b[2];

  fake_backend_set_batch (self->fake, 3);
  hold (self);
  ask_seeds (self, "a", a, 2);
  ask_seeds (self, "b", b, 2);
  a[2] = ask (self, &(Words){ .prompt = "a", .seed = 3 });
  a[3] = ask (self, &(Words){ .prompt = "a", .seed = 4 });
  a[4] = ask (self, &(Words){ .prompt = "a", .seed = 5 });
  jobs_assert_list (self, "[first] a a b b a a a");
  let_go (self);

  /* As many as the backend wants, past others that wait. */
  jobs_wait (fake_backend_get_n_groups (self->fake) == 1);
  g_assert_true (fake_backend_is_running (self->fake, "a#1"));
  g_assert_true (fake_backend_is_running (self->fake, "a#2"));
  g_assert_true (fake_backend_is_running (self->fake, "a#3"));
  jobs_settle (self);
  jobs_assert_list (self, "[a] [a] [a] b b a a");
  for (int i = 0; i < 3; i++)
    g_assert_cmpint (esp_node_get_state (a[i]), ==, ESP_NODE_RUNNING);

  /* Each ends for itself; the place is taken until the last one has. */
  fake_backend_finish (self->fake, "a#2");
  jobs_wait (esp_node_get_state (a[1]) == ESP_NODE_DONE);
  fake_backend_fail (self->fake, "a#1", ESP_BACKEND_ERROR_FAILED, "No.");
  jobs_wait (esp_node_get_state (a[0]) == ESP_NODE_FAILED);
  jobs_settle (self);
  jobs_assert_list (self, "[a] b b a a");
  fake_backend_finish (self->fake, "a#3");

  jobs_wait (fake_backend_get_n_groups (self->fake) == 2);
  jobs_settle (self);
  jobs_assert_list (self, "[b] [b] a a");
  fake_backend_set_stepped (self->fake, FALSE);
  fake_backend_finish (self->fake, "b#1");
  fake_backend_finish (self->fake, "b#2");
  wait_for_end (self);
  g_assert_cmpuint (fake_backend_get_n_groups (self->fake), ==, 3);
  g_assert_cmpuint (fake_backend_get_most_running (self->fake), ==, 3);
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 8);
  for (int i = 1; i < 5; i++)
    g_assert_cmpuint (esp_node_get_seed (a[i]), ==, (guint64) i + 1);
}

/* Whatever differs besides the seed makes it another request. */
static void
test_alike (JobsFixture *self, gconstpointer data)
{
  EspNode *other;
  g_autofree char *begun = NULL;

  fake_backend_set_batch (self->fake, 8);
  hold (self);
  other = jobs_import (self->document, 16);
  ask (self, &(Words){ .prompt = "a", .seed = 1 });
  ask (self, &(Words){ .prompt = "b", .seed = 2 });
  ask (self, &(Words){ .prompt = "a", .negative = "c", .seed = 3 });
  ask (self, &(Words){ .prompt = "a", .strength = 1, .seed = 4 });
  ask (self, &(Words){ .prompt = "a", .reference = other, .seed = 5 });
  ask (self, &(Words){ .prompt = "a", .parent = other, .seed = 6 });
  ask (self, &(Words){ .prompt = "a", .seed = 7 });
  let_go (self);
  jobs_wait (fake_backend_get_n_groups (self->fake) == 1);
  g_assert_cmpuint (fake_backend_get_n_running (self->fake), ==, 2);
  begun = fake_backend_dup_begun (self->fake);
  /* Those of one request may begin in any order. */
  g_assert_true (g_str_equal (begun, "first#5 a#1 a#7") || g_str_equal (begun, "first#5 a#7 a#1"));

  fake_backend_set_stepped (self->fake, FALSE);
  fake_backend_finish (self->fake, "a#1");
  fake_backend_finish (self->fake, "a#7");
  wait_for_end (self);
  g_assert_cmpuint (fake_backend_get_n_groups (self->fake), ==, 1);
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 8);
}

/* A turn on a turn that is not made yet cannot come along. */
static void
test_pictures_come (JobsFixture *self, gconstpointer data)
{
  EspNode *a, *b[3];

  fake_backend_set_batch (self->fake, 8);
  hold (self);
  a = ask (self, &(Words){ .prompt = "a", .seed = 1 });
  for (guint i = 0; i < 3; i++)
    b[i] = ask (self, &(Words){ .prompt = "b", .parent = a, .seed = i + 1 });
  let_go (self);
  jobs_wait (fake_backend_is_running (self->fake, "a#1"));
  jobs_settle (self);
  jobs_assert_list (self, "[a] b b b");
  fake_backend_finish (self->fake, "a#1");
  jobs_wait (fake_backend_get_n_running (self->fake) == 3);
  g_assert_cmpuint (fake_backend_get_n_groups (self->fake), ==, 1);
  fake_backend_set_stepped (self->fake, FALSE);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("b#%u", i + 1);

      fake_backend_finish (self->fake, name);
    }
  wait_for_end (self);
  g_assert_cmpint (esp_node_get_state (b[2]), ==, ESP_NODE_DONE);
}

/* Stopped among others, before and while the backend has it. */
static void
test_stopped (JobsFixture *self, gconstpointer data)
{
  EspNode *a[4];

  fake_backend_set_batch (self->fake, 4);
  hold (self);
  ask_seeds (self, "a", a, 4);
  let_go (self);
  jobs_wait (esp_queue_get_n_running (self->queue) == 4);
  esp_queue_stop (self->queue, esp_queue_find (self->queue, a[2]));
  jobs_wait (fake_backend_get_n_groups (self->fake) == 1
             && esp_node_get_state (a[2]) == ESP_NODE_CANCELLED);
  g_assert_cmpuint (fake_backend_get_n_running (self->fake), ==, 3);

  esp_queue_stop (self->queue, esp_queue_find (self->queue, a[0]));
  jobs_wait (esp_node_get_state (a[0]) == ESP_NODE_CANCELLED);
  fake_backend_finish (self->fake, "a#2");
  fake_backend_finish (self->fake, "a#4");
  wait_for_end (self);
  g_assert_cmpint (esp_node_get_state (a[1]), ==, ESP_NODE_DONE);
  g_assert_cmpint (esp_node_get_state (a[3]), ==, ESP_NODE_DONE);

  /* Once more, together again. */
  hold (self);
  esp_queue_retry (self->queue, self->document, a[0]);
  esp_queue_retry (self->queue, self->document, a[2]);
  jobs_wait (esp_queue_get_n_waiting (self->queue) == 2);
  let_go (self);
  jobs_wait (fake_backend_get_n_running (self->fake) == 2);
  g_assert_cmpuint (fake_backend_get_n_groups (self->fake), ==, 2);
  fake_backend_finish (self->fake, "a#1");
  fake_backend_finish (self->fake, "a#3");
  wait_for_end (self);
}

/* The whole document is left alone for the next start: nothing of a group is lost. */
static void
test_suspended (JobsFixture *self, gconstpointer data)
{
  EspNode *a[5];

  fake_backend_set_batch (self->fake, 3);
  hold (self);
  ask_seeds (self, "a", a, 5);
  let_go (self);
  jobs_wait (fake_backend_get_n_groups (self->fake) == 1);
  esp_queue_suspend_document (self->queue, self->document);
  wait_for_end (self);
  for (int i = 0; i < 5; i++)
    g_assert_cmpint (esp_node_get_state (a[i]), ==, ESP_NODE_QUEUED);

  {
    g_autoptr (GPtrArray) left = esp_queue_dup_left_over (self->queue, self->document);

    g_assert_cmpuint (left->len, ==, 5);
    fake_backend_set_stepped (self->fake, FALSE);
    esp_queue_take_up (self->queue, self->document, left);
  }
  wait_for_end (self);
  for (int i = 0; i < 5; i++)
    g_assert_cmpint (esp_node_get_state (a[i]), ==, ESP_NODE_DONE);
}

typedef struct
{
  EspQueue *queue;
  EspJob *victim;
} Meddler;

static void
on_changed (EspJob *job, gpointer data)
{
  Meddler *meddler = data;

  if (esp_job_get_state (job) == ESP_JOB_RUNNING && meddler->victim != NULL)
    esp_queue_stop (meddler->queue, g_steal_pointer (&meddler->victim));
}

/* Who hears that the first one runs takes another one away at once. */
static void
test_taken_away (JobsFixture *self, gconstpointer data)
{
  Meddler meddler;
  EspNode *a[3];

  fake_backend_set_batch (self->fake, 3);
  hold (self);
  ask_seeds (self, "a", a, 3);
  meddler = (Meddler){ self->queue, esp_queue_find (self->queue, a[1]) };
  g_signal_connect (esp_queue_find (self->queue, a[0]), "changed", G_CALLBACK (on_changed),
                    &meddler);
  let_go (self);
  jobs_wait (fake_backend_get_n_groups (self->fake) == 1);
  g_assert_cmpuint (fake_backend_get_n_running (self->fake), ==, 2);
  fake_backend_finish (self->fake, "a#1");
  fake_backend_finish (self->fake, "a#3");
  wait_for_end (self);
  g_assert_cmpint (esp_node_get_state (a[1]), ==, ESP_NODE_CANCELLED);
  g_assert_cmpint (esp_node_get_state (a[2]), ==, ESP_NODE_DONE);
}

/* Seconds left: those that run as one end as one. */
static void
test_seconds (JobsFixture *self, gconstpointer data)
{
  EspBackendNews news = { .fraction = 0.5, .seconds_left = 10 };
  EspNode *a[4];

  fake_backend_set_batch (self->fake, 3);
  fake_backend_set_seconds (self->fake, 4);
  hold (self);
  ask_seeds (self, "a", a, 4);
  let_go (self);
  jobs_wait (fake_backend_get_n_groups (self->fake) == 1);
  fake_backend_tell (self->fake, "a#1", &news);
  news.seconds_left = 11;
  fake_backend_tell (self->fake, "a#2", &news);
  news.seconds_left = 12;
  fake_backend_tell (self->fake, "a#3", &news);
  jobs_wait (esp_node_get_progress (a[2])->seconds_left > 11
             && esp_node_get_progress (a[1])->seconds_left > 10
             && esp_node_get_progress (a[0])->seconds_left > 9);
  /* 12 of the three, 4 of the one that waits. */
  g_assert_cmpfloat (esp_queue_get_seconds_left (self->queue), ==, 16);

  fake_backend_set_stepped (self->fake, FALSE);
  fake_backend_finish (self->fake, "a#1");
  fake_backend_finish (self->fake, "a#2");
  fake_backend_finish (self->fake, "a#3");
  wait_for_end (self);
}

/* Seeds have 64 bits; JSON's numbers have a sign. */
static void
test_large_seeds (JobsFixture *self, gconstpointer data)
{
  const guint64 seeds[] = { G_MAXINT64 - 1, G_MAXINT64, (guint64) G_MAXINT64 + 1, G_MAXUINT64 };
  EspNode *nodes[G_N_ELEMENTS (seeds)];

  fake_backend_set_batch (self->fake, 8);
  hold (self);
  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++)
    nodes[i] = ask (self, &(Words){ .prompt = "a", .seed = seeds[i] });
  fake_backend_set_stepped (self->fake, FALSE);
  let_go (self);
  wait_for_end (self);
  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++)
    {
      g_assert_cmpint (esp_node_get_state (nodes[i]), ==, ESP_NODE_DONE);
      g_assert_cmpuint (esp_node_get_seed (nodes[i]), ==, seeds[i]);
    }
  g_assert_cmpuint (fake_backend_get_n_groups (self->fake), ==, 1);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/jobs/companions/" name, JobsFixture, NULL, jobs_set_up, func, jobs_tear_down)

int
main (int argc, char **argv)
{
  jobs_init (&argc, &argv);

  ADD ("together", test_together);
  ADD ("alike", test_alike);
  ADD ("pictures-come", test_pictures_come);
  ADD ("stopped", test_stopped);
  ADD ("suspended", test_suspended);
  ADD ("taken-away", test_taken_away);
  ADD ("seconds", test_seconds);
  ADD ("large-seeds", test_large_seeds);

  return jobs_run ();
}
