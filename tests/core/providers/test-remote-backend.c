/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-remote-backend.c: turns of documents with providers: what is told, stored, paid, and gone on
 * with. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remote-fixture.h"

#define RUNPOD    "runpod-flux-kontext-dev"
#define OXEN_SYNC "oxen-flux-kontext-dev-sync"

static TurnWorld *
new_world (const char *options, const char *faults)
{
  return turn_world_new (RUNPOD, "runpod", options, faults);
}

static void
note_phase (EspNode *node, gpointer data)
{
  const EspNodeProgress *progress = esp_node_get_progress (node);

  if (progress == NULL || progress->stage == NULL)
    return;
  g_assert_nonnull (progress->phase);
  g_assert_cmpfloat (progress->fraction, >=, 0);
  g_assert_cmpfloat (progress->fraction, <=, 1);
  g_hash_table_add (data, g_strdup (progress->stage));
}

static void
test_happy (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world
      = new_world ("{\"max_side\": 96, \"queue_ms\": 500, \"run_ms\": 500}", NULL);
  g_autoptr (GHashTable) stages = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *node;

  node = remote_make_turn (self->document, self->photo, id, "Make it snow");
  g_signal_connect (node, "progress", G_CALLBACK (note_phase), stages);
  esp_queue_add (self->queue, self->document, node, FALSE);
  remote_finish (self);

  g_assert_cmpstr (esp_node_get_message (node), ==, NULL);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  g_assert_cmpfloat (esp_node_get_cost (node), >, 0);
  g_assert_cmpstr (esp_node_get_currency (node), ==, "USD");
  g_assert_true (esp_node_has_seed (node));
  g_assert_cmpfloat (esp_node_get_seconds (node), >, 0);
  g_assert_nonnull (esp_node_get_model_name (node));
  g_assert_true (g_hash_table_contains (stages, "queued"));
  g_assert_true (g_hash_table_contains (stages, "running"));

  /* The provider's id of the job, and nothing more to go on with. */
  g_assert_nonnull (esp_node_get_remote_job (node));
  g_assert_cmpuint (remote_count_records (), ==, 0);
  g_assert_cmpint (turn_world_count (world, "accepted"), ==, 1);
  g_assert_cmpfloat_with_epsilon (esp_ledger_get_month (esp_accounts_get_ledger (self->accounts)),
                                  esp_node_get_cost (node), 1e-9);
  turn_world_check_manners (world);
}

static void
test_two_images (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) replicate = turn_world_new ("replicate-flux-kontext-dev", "replicate", NULL,
                                                    "[{\"where\": \"job\", \"kind\": \"two\"}]");
  const char *id = remote_add_account (self, replicate, "replicate-flux-kontext-dev");
  EspNode *node = remote_add_turn (self, id, "Two of them");
  g_autoptr (EspNode) other = NULL;

  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  g_assert_cmpuint (g_list_model_get_n_items (esp_node_get_children (self->photo)), ==, 2);
  other = g_list_model_get_item (esp_node_get_children (self->photo), 1);
  g_assert_true (other != node);
  g_assert_cmpint (esp_node_get_state (other), ==, ESP_NODE_DONE);
  g_assert_cmpstr (esp_node_get_instruction (other), ==, "Two of them");
  g_assert_true (esp_node_has_image (other));
}

/* --- What is refused before anything is sent -------------------------------------------------- */

static void
assert_refused (EspNode *node, EspFault fault, EspBackendError code)
{
  const EspFaultReport *report;

  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_FAILED);
  g_assert_error (esp_node_get_error (node), ESP_BACKEND_ERROR, (int) code);
  report = esp_fault_error_get_report (esp_node_get_error (node));
  g_assert_nonnull (report);
  g_assert_cmpint (report->fault, ==, fault);
  g_assert_cmpint (report->charged, ==, ESP_CHARGED_NO);
  g_assert_cmpstr (esp_node_get_message (node), ==, esp_node_get_error (node)->message);
  g_assert_null (esp_node_get_remote_job (node));
}

static void
test_offline (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world (NULL, NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *node;

  esp_accounts_set_offline (self->accounts, TRUE);
  node = remote_add_turn (self, id, "No");
  remote_finish (self);
  assert_refused (node, ESP_FAULT_OFFLINE, ESP_BACKEND_ERROR_FAILED);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 0);

  esp_accounts_set_offline (self->accounts, FALSE);
  esp_queue_retry (self->queue, self->document, node);
  jobs_wait (esp_node_get_state (node) == ESP_NODE_DONE);
  remote_finish (self);
}

static void
test_monthly_stop (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world (NULL, NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  const double price = esp_model_get_price (esp_registry_find_model (self->registry, id, RUNPOD));
  EspLedger *ledger = esp_accounts_get_ledger (self->accounts);
  EspNode *nodes[3];
  guint n_done = 0;

  /* Three at a time, and money for one. */
  g_assert_cmpfloat (price, >, 0);
  esp_accounts_set_monthly_stop (self->accounts, price * 1.5);
  for (gsize i = 0; i < G_N_ELEMENTS (nodes); i++)
    nodes[i] = remote_add_turn (self, id, "Money");
  remote_finish (self);
  for (gsize i = 0; i < G_N_ELEMENTS (nodes); i++)
    {
      if (esp_node_get_state (nodes[i]) == ESP_NODE_DONE)
        n_done++;
      else
        assert_refused (nodes[i], ESP_FAULT_BUDGET, ESP_BACKEND_ERROR_LIMIT);
    }
  g_assert_cmpuint (n_done, ==, 1);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
  g_assert_cmpfloat_with_epsilon (esp_ledger_get_expected (ledger), 0, 1e-9);
}

static void
test_wrong_key (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world (NULL, NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  g_autofree char *name = esp_key_variable_name (id);
  EspNode *node;

  g_setenv (name, "wrong", TRUE);
  node = remote_add_turn (self, id, "Key");
  remote_finish (self);
  assert_refused (node, ESP_FAULT_AUTH, ESP_BACKEND_ERROR_NEEDS_KEY);

  /* The right one is used at the next try. */
  g_setenv (name, world->key, TRUE);
  esp_queue_retry (self->queue, self->document, node);
  jobs_wait (esp_node_get_state (node) == ESP_NODE_DONE);
  remote_finish (self);
}

/* --- What is gone on with --------------------------------------------------------------------- */

static void
test_unknown (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world
      = new_world (NULL, "[{\"where\": \"submit\", \"kind\": \"reset_after\"}]");
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *node = remote_add_turn (self, id, "Perhaps");
  g_autofree char *job = NULL;

  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_FAILED);
  job = g_strdup (esp_node_get_remote_job (node));
  g_assert_true (g_uuid_string_is_valid (job));
  g_assert_cmpuint (remote_count_records (), ==, 1);

  /* However often it is tried again, it is not sent again. */
  turn_world_set_faults (world, NULL);
  esp_queue_retry (self->queue, self->document, node);
  jobs_wait (esp_node_get_state (node) != ESP_NODE_FAILED);
  jobs_wait (esp_node_get_state (node) == ESP_NODE_FAILED);
  remote_finish (self);
  g_assert_cmpstr (esp_node_get_remote_job (node), ==, job);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);

  /* Until the person forgets it ("espalier-cli jobs forget"): that is told first. */
  g_assert_true (esp_remote_turn_settle (job, NULL));
  esp_queue_retry (self->queue, self->document, node);
  jobs_wait (esp_node_get_remote_job (node) == NULL);
  remote_finish (self);
  g_assert_cmpint (esp_fault_error_get_report (esp_node_get_error (node))->fault, ==,
                   ESP_FAULT_GONE);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
  esp_queue_retry (self->queue, self->document, node);
  jobs_wait (esp_node_get_state (node) == ESP_NODE_DONE);
  remote_finish (self);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 2);
}

static gboolean
is_in_stage (EspNode *node, const char *stage)
{
  const EspNodeProgress *progress = esp_node_get_progress (node);

  return progress != NULL && g_strcmp0 (progress->stage, stage) == 0;
}

static void
test_cancel (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world ("{\"max_side\": 64, \"run_ms\": 60000}", NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *node = remote_add_turn (self, id, "Stop");

  jobs_wait (is_in_stage (node, "running"));
  esp_queue_stop (self->queue, esp_queue_find (self->queue, node));
  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_CANCELLED);
  g_assert_null (esp_node_get_remote_job (node));
  g_assert_cmpint (turn_world_count (world, "cancel"), ==, 1);
  g_assert_cmpint (turn_world_count (world, "charges"), ==, 0);
  g_assert_cmpuint (remote_count_records (), ==, 0);
}

/* A provider that does not stop: what comes late is not lost. */
static void
test_cancel_ignored (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world ("{\"max_side\": 64, \"hold\": \"running\"}",
                                           "[{\"where\": \"job\", \"kind\": \"uncancellable\"}]");
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *node = remote_add_turn (self, id, "Stop?");

  jobs_wait (is_in_stage (node, "running"));
  esp_queue_stop (self->queue, esp_queue_find (self->queue, node));
  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_CANCELLED);
  g_assert_nonnull (esp_node_get_remote_job (node));
  g_assert_nonnull (esp_node_get_message (node));

  turn_world_let_go (world);
  esp_queue_retry (self->queue, self->document, node);
  jobs_wait (esp_node_get_state (node) == ESP_NODE_DONE);
  remote_finish (self);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
  g_assert_cmpuint (remote_count_records (), ==, 0);
}

/* The window closes: the provider works on. */
static void
test_let_go (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world ("{\"max_side\": 64, \"hold\": \"running\"}", NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *node = remote_add_turn (self, id, "Later");
  g_autoptr (GPtrArray) left = NULL;

  jobs_wait (is_in_stage (node, "running"));
  esp_queue_suspend_document (self->queue, self->document);
  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_QUEUED);
  g_assert_nonnull (esp_node_get_remote_job (node));
  g_assert_cmpint (turn_world_count (world, "cancel"), ==, 0);

  turn_world_let_go (world);
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 1);
  esp_queue_take_up (self->queue, self->document, left);
  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
}

/* Runs in a process of its own, and is killed while turns are with the provider. */
static void
run_until_killed (const char *path)
{
  RemoteFixture self = { NULL };
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GPtrArray) left = NULL;

  remote_start (&self);
  self.document = jobs_open_document (file);
  left = esp_queue_dup_left_over (self.queue, self.document);
  esp_queue_take_up (self.queue, self.document, left);
  jobs_wait (is_in_stage (g_ptr_array_index (left, 0), "running")
             && is_in_stage (g_ptr_array_index (left, 1), "running"));
  kill (getpid (), SIGKILL);
}

static void
test_killed (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world ("{\"max_side\": 64, \"hold\": \"running\"}", NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  g_autoptr (GFile) file = g_object_ref (esp_document_get_file (self->document));
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GPtrArray) left = NULL;
  g_autoptr (GError) error = NULL;
  const char *argv[] = { program, "--until-killed", g_file_peek_path (file), NULL };
  guint n_running = 0;
  int status;

  /* Two at a time. */
  g_assert_true (esp_accounts_change (self->accounts, esp_accounts_find (self->accounts, id), NULL,
                                      world->base_url, FALSE, NULL, 2, &error));
  for (int i = 0; i < 4; i++)
    remote_make_turn (self->document, self->photo, id, "Survive");
  jobs_close_document (self->document);
  g_clear_object (&self->document);
  g_assert_true (
      g_spawn_sync (NULL, (char **) argv, NULL, 0, NULL, NULL, NULL, NULL, &status, &error));
  g_assert_no_error (error);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  turn_world_let_go (world);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 2);
  g_assert_cmpuint (remote_count_records (), ==, 2);

  self->document = jobs_open_document (file);
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 4);
  for (guint i = 0; i < left->len; i++)
    n_running += esp_node_get_remote_job (g_ptr_array_index (left, i)) != NULL;
  g_assert_cmpuint (n_running, ==, 2);

  esp_queue_take_up (self->queue, self->document, left);
  remote_finish (self);
  for (guint i = 0; i < left->len; i++)
    {
      EspNode *node = g_ptr_array_index (left, i);

      g_assert_cmpstr (esp_node_get_message (node), ==, NULL);
      g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
    }
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 4);
  g_assert_cmpint (turn_world_count (world, "charges"), ==, 4);
  g_assert_cmpuint (remote_count_records (), ==, 0);
  turn_world_check_manners (world);
}

/* Broken off after the image was stored, and before the record went. */
static void
test_tidy (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world (NULL, NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *node = remote_add_turn (self, id, "Nearly");
  g_autofree char *uuid = g_uuid_string_random ();
  g_autoptr (EspRecord) record = NULL;
  g_autoptr (JsonObject) captures = json_object_new ();
  g_autoptr (GPtrArray) left = NULL;
  g_autoptr (GError) error = NULL;

  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);

  for (int i = 0; i < 2; i++)
    {
      /* Another one's stays. */
      json_object_set_string_member (captures, "id",
                                     i == 0 ? "another" : esp_node_get_remote_job (node));
      record = esp_record_new (uuid, RUNPOD);
      json_object_set_string_member (esp_record_get_members (record), "account", id);
      json_object_set_object_member (esp_record_get_members (record), "captures",
                                     json_object_ref (captures));
      g_assert_true (esp_record_write (record, ESP_RECORD_SUCCEEDED, &error));
      g_clear_pointer (&record, esp_record_free);
      g_assert_cmpuint (remote_count_records (), ==, 1);

      left = esp_queue_dup_left_over (self->queue, self->document);
      g_clear_pointer (&left, g_ptr_array_unref);
      g_assert_cmpuint (remote_count_records (), ==, i == 0 ? 1 : 0);
      esp_remote_turn_settle (uuid, NULL);
    }
}

/* The same where the provider gives a job no id: the turn's own says that it is in the document. */
static void
test_tidy_without_job (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = turn_world_new (OXEN_SYNC, "oxen", NULL, NULL);
  const char *id = remote_add_account (self, world, OXEN_SYNC);
  EspNode *node = remote_add_turn (self, id, "At once");
  g_autoptr (EspRecord) record = NULL;
  g_autoptr (GPtrArray) left = NULL;
  g_autoptr (GError) error = NULL;
  const char *job;

  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  job = esp_node_get_remote_job (node);
  g_assert_nonnull (job);
  g_assert_true (g_str_has_prefix (job, ESP_BACKEND_OWN_JOB));

  record = esp_record_new (job + strlen (ESP_BACKEND_OWN_JOB), OXEN_SYNC);
  json_object_set_string_member (esp_record_get_members (record), "account", id);
  g_assert_true (esp_record_write (record, ESP_RECORD_SUCCEEDED, &error));
  g_clear_pointer (&record, esp_record_free);
  g_assert_cmpuint (remote_count_records (), ==, 1);
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 0);
  g_assert_cmpuint (remote_count_records (), ==, 0);
}

/* Broken off when the second image of a turn was stored, and the first was not: what is kept of it
 * is the first image, and stays until the turn has it. */
static void
test_tidy_leaves_open (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world (NULL, NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *stored = remote_add_turn (self, id, "The second image");
  EspNode *open = NULL;
  g_autofree char *uuid = g_uuid_string_random ();
  g_autoptr (JsonObject) captures = json_object_new ();
  g_autoptr (EspRecord) record = NULL;
  g_autoptr (GPtrArray) left = NULL;
  g_autoptr (GError) error = NULL;

  remote_finish (self);
  open = remote_make_turn (self->document, self->photo, id, "The first image");
  esp_document_set_state_async (self->document, open, ESP_NODE_RUNNING, NULL, uuid, NULL, NULL,
                                NULL);
  jobs_wait (esp_node_get_remote_job (open) != NULL);

  record = esp_record_new (uuid, RUNPOD);
  json_object_set_string_member (captures, "id", esp_node_get_remote_job (stored));
  json_object_set_object_member (esp_record_get_members (record), "captures",
                                 json_object_ref (captures));
  json_object_set_string_member (esp_record_get_members (record), "account", id);
  g_assert_true (esp_record_write (record, ESP_RECORD_SUCCEEDED, &error));
  g_clear_pointer (&record, esp_record_free);

  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 1);
  g_assert_cmpuint (remote_count_records (), ==, 1);
  esp_remote_turn_settle (uuid, NULL);
}

/* It came, and the program broke off before the document had it: no network, no key, no price. */
static void
test_kept (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world (NULL, NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  g_autofree char *variable = esp_key_variable_name (id);
  EspNode *node = remote_make_turn (self->document, self->photo, id, "Paid for");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = turn_world_run (world, &error);
  g_autoptr (GPtrArray) left = NULL;

  g_assert_no_error (error);
  esp_document_set_state_async (self->document, node, ESP_NODE_RUNNING, NULL, world->id, NULL, NULL,
                                NULL);
  jobs_wait (esp_node_get_remote_job (node) != NULL);
  g_unsetenv (variable);
  g_assert_true (esp_accounts_set_has_key (self->accounts, esp_accounts_find (self->accounts, id),
                                           FALSE, &error));
  esp_accounts_set_offline (self->accounts, TRUE);
  turn_world_set_faults (world, "[{\"where\":\"any\",\"kind\":\"status\",\"status\":500}]");

  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 1);
  esp_queue_take_up (self->queue, self->document, left);
  remote_finish (self);
  g_assert_cmpstr (esp_node_get_message (node), ==, NULL);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_DONE);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
  g_assert_cmpint (turn_world_count (world, "download"), ==, 1);
  g_assert_cmpuint (remote_count_records (), ==, 0);
}

/* A document from another computer: nothing is known of its turn here. */
static void
test_no_record (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = new_world (NULL, NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *node = remote_make_turn (self->document, self->photo, id, "Elsewhere");
  g_autofree char *job = g_uuid_string_random ();
  const EspFaultReport *report;

  esp_document_set_state_async (self->document, node, ESP_NODE_QUEUED, NULL, job, NULL, NULL, NULL);
  jobs_wait (esp_node_get_remote_job (node) != NULL);
  esp_queue_add (self->queue, self->document, node, FALSE);
  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (node), ==, ESP_NODE_FAILED);
  report = esp_fault_error_get_report (esp_node_get_error (node));
  g_assert_cmpint (report->fault, ==, ESP_FAULT_GONE);
  g_assert_cmpint (report->charged, ==, ESP_CHARGED_UNKNOWN);
  g_assert_null (esp_node_get_remote_job (node));
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 0);
}

#define ADD(path, func)                                                                            \
  g_test_add ("/providers/backend/" path, RemoteFixture, NULL, remote_set_up, func,                \
              remote_tear_down)

int
main (int argc, char **argv)
{
  int status;

  if (argc == 3 && strcmp (argv[1], "--until-killed") == 0)
    {
      run_until_killed (argv[2]);
      return 1;
    }

  jobs_init (&argc, &argv);
  turn_fixture_begin ();
  ADD ("happy", test_happy);
  ADD ("two-images", test_two_images);
  ADD ("offline", test_offline);
  ADD ("monthly-stop", test_monthly_stop);
  ADD ("wrong-key", test_wrong_key);
  ADD ("unknown", test_unknown);
  ADD ("cancel", test_cancel);
  ADD ("cancel-ignored", test_cancel_ignored);
  ADD ("let-go", test_let_go);
  ADD ("killed", test_killed);
  ADD ("tidy", test_tidy);
  ADD ("tidy/without-job", test_tidy_without_job);
  ADD ("tidy/leaves-open", test_tidy_leaves_open);
  ADD ("kept", test_kept);
  ADD ("no-record", test_no_record);
  status = jobs_run ();
  turn_fixture_end ();
  return status;
}
