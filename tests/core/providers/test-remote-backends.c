/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-remote-backends.c: accounts and descriptors in the registry, and several servers as one. */
#include <glib/gstdio.h>
#include <string.h>

#include "remote-fixture.h"

#define SDCPP "sdcpp-server"

static char *
dup_ids (RemoteFixture *self)
{
  GListModel *list = esp_registry_get_backends (self->registry);
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspBackend) backend = g_list_model_get_item (list, i);

      g_string_append_printf (ids, "%s%s", i > 0 ? " " : "", esp_backend_get_id (backend));
      g_assert_true (esp_registry_find_model (self->registry, esp_backend_get_id (backend), NULL)
                     == NULL);
    }
  g_assert_cmpuint (g_list_model_get_n_items (list), ==,
                    g_list_model_get_n_items (esp_registry_get_models (self->registry)));
  return g_string_free (ids, FALSE);
}

#define ASSERT_IDS(self, expected)                                                                 \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *_ids = dup_ids (self);                                                        \
    g_assert_cmpstr (_ids, ==, expected);                                                          \
  }                                                                                                \
  G_STMT_END

static EspAccount *
add (RemoteFixture *self, const char *provider, const char *name, const char *address)
{
  g_autoptr (GError) error = NULL;
  EspAccount *account
      = esp_accounts_add (self->accounts, provider, name, address, FALSE, NULL, &error);

  g_assert_no_error (error);
  return account;
}

static EspModel *
find (RemoteFixture *self, const char *backend, const char *model)
{
  EspModel *found = esp_registry_find_model (self->registry, backend, model);

  g_assert_nonnull (found);
  return found;
}

static void
test_follow (RemoteFixture *self, gconstpointer data)
{
  FakeBackend *local = fake_backend_new ("local", 1);
  EspAccount *bfl, *second;

  esp_registry_add (self->registry, ESP_BACKEND (local));
  ASSERT_IDS (self, "local");
  bfl = add (self, "bfl-flux-kontext-pro", NULL, NULL);
  add (self, "fal-flux-kontext-dev", "Mine", NULL);
  ASSERT_IDS (self, "local bfl-flux-kontext-pro fal-flux-kontext-dev");
  g_assert_cmpstr (esp_registry_get_backend_title (self->registry, "fal-flux-kontext-dev"), ==,
                   "Mine");
  g_assert_true (esp_registry_is_backend_remote (self->registry, "fal-flux-kontext-dev"));

  g_assert_true (esp_accounts_move (self->accounts, bfl, 1, NULL));
  ASSERT_IDS (self, "local fal-flux-kontext-dev bfl-flux-kontext-pro");

  second = add (self, "bfl-flux-kontext-pro", NULL, NULL);
  ASSERT_IDS (self, "local fal-flux-kontext-dev bfl-flux-kontext-pro bfl-flux-kontext-pro-2 "
                    "bfl-flux-kontext-pro@all");
  g_assert_true (esp_accounts_remove (self->accounts, bfl, NULL));
  ASSERT_IDS (self, "local fal-flux-kontext-dev bfl-flux-kontext-pro-2");
  g_assert_true (esp_accounts_remove (self->accounts, second, NULL));
  ASSERT_IDS (self, "local fal-flux-kontext-dev");
  g_object_unref (local);
}

static void
test_state (RemoteFixture *self, gconstpointer data)
{
  EspAccount *account = add (self, "bfl-flux-kontext-pro", NULL, NULL);
  EspModel *model = find (self, "bfl-flux-kontext-pro", "bfl-flux-kontext-pro");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (esp_model_get_state (model), ==, ESP_MODEL_NEEDS_KEY);
  g_assert_nonnull (esp_model_get_message (model));
  g_assert_nonnull (esp_model_get_schema (model));
  g_assert_nonnull (esp_schema_find (esp_model_get_schema (model), "prompt"));
  g_assert_cmpfloat (esp_model_get_price (model), >, 0);
  g_assert_cmpstr (esp_model_get_currency (model), ==, "USD");
  g_assert_true ((esp_model_get_features (model) & ESP_MODEL_SEED) != 0);

  g_assert_true (esp_accounts_set_has_key (self->accounts, account, TRUE, &error));
  g_assert_cmpint (esp_model_get_state (model), ==, ESP_MODEL_READY);
  g_assert_null (esp_model_get_message (model));

  /* An address that may not be: plain http to somewhere else. */
  g_assert_true (esp_accounts_change (self->accounts, account, NULL, "http://example.org", FALSE,
                                      NULL, 7, &error));
  g_assert_cmpint (esp_model_get_state (model), ==, ESP_MODEL_BROKEN);
  g_assert_cmpuint (esp_backend_get_concurrency (esp_model_get_backend (model)), ==, 7);
  g_assert_true (esp_accounts_change (self->accounts, account, NULL, "http://example.org", TRUE,
                                      NULL, 0, &error));
  g_assert_cmpint (esp_model_get_state (model), ==, ESP_MODEL_READY);
  g_assert_cmpuint (esp_backend_get_concurrency (esp_model_get_backend (model)), ==, 24);
}

static void
write_own (RemoteFixture *self, const char *text)
{
  g_autofree char *path = g_build_filename (self->own, "mine.json", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_own (RemoteFixture *self, gconstpointer data)
{
  g_autofree char *shipped
      = g_build_filename (g_getenv ("ESP_SHIPPED_PROVIDERS"), SDCPP ".json", NULL);
  g_autofree char *text = NULL;
  g_autofree char *path = g_build_filename (self->own, "mine.json", NULL);
  char *id;

  write_own (self, "{\n  \"descriptor\": 1,\n  \"id\": \"mine\",\n  oops\n}\n");
  jobs_wait (esp_registry_find_backend (self->registry, "mine") != NULL);
  g_assert_cmpint (esp_model_get_state (find (self, "mine", "mine")), ==, ESP_MODEL_BROKEN);
  g_assert_nonnull (strstr (esp_model_get_message (find (self, "mine", "mine")), "4"));

  g_assert_true (g_file_get_contents (shipped, &text, NULL, NULL));
  id = strstr (text, "\"" SDCPP "\"");
  g_assert_nonnull (id);
  memcpy (id, "\"mine\"        ", strlen ("\"" SDCPP "\""));
  write_own (self, text);
  jobs_wait (esp_model_get_state (find (self, "mine", "mine")) != ESP_MODEL_BROKEN);
  g_assert_cmpint (esp_model_get_state (find (self, "mine", "mine")), ==, ESP_MODEL_NEEDS_KEY);
  add (self, "mine", NULL, "http://127.0.0.1:9");
  g_assert_cmpint (esp_model_get_state (find (self, "mine", "mine")), ==, ESP_MODEL_READY);

  g_unlink (path);
  jobs_wait (esp_model_get_state (find (self, "mine", "mine")) == ESP_MODEL_BROKEN);
  g_assert_true (
      esp_accounts_remove (self->accounts, esp_accounts_find (self->accounts, "mine"), NULL));
  ASSERT_IDS (self, "");
}

/* What the provider says of itself counts, and is asked for once. */
static void
test_prices (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = turn_world_new ("oxen-flux-kontext-dev", "oxen", NULL, NULL);
  const char *id = remote_add_account (self, world, "oxen-flux-kontext-dev");
  EspModel *model = find (self, id, "oxen-flux-kontext-dev");

  g_assert_cmpfloat (esp_model_get_price (model), <, 0);
  esp_model_prepare (model);
  esp_model_prepare (model);
  jobs_wait (esp_model_get_price (model) > 0);
  g_assert_cmpint (turn_world_count (world, "probe"), ==, 1);

  /* The next start knows it still. */
  remote_end (self);
  remote_start (self);
  model = find (self, "oxen-flux-kontext-dev", "oxen-flux-kontext-dev");
  esp_model_prepare (model);
  g_assert_cmpfloat (esp_model_get_price (model), >, 0);

  /* And it stays whatever else the person says of the account. */
  g_assert_true (esp_accounts_set_consented (
      self->accounts, esp_accounts_find (self->accounts, "oxen-flux-kontext-dev"), NULL));
  g_assert_cmpfloat (esp_model_get_price (model), >, 0);
  g_assert_cmpint (turn_world_count (world, "probe"), ==, 1);
}

static gboolean
is_waiting (EspNode *node)
{
  return esp_node_get_progress (node) != NULL
         && g_strcmp0 (esp_node_get_progress (node)->stage, "waiting") == 0;
}

/* Two a minute: the third waits, says so, and can be stopped before anything is sent. */
static void
test_per_minute (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world = turn_world_new (SDCPP, "sdcpp", "{\"max_side\": 64}", NULL);
  g_autofree char *shipped
      = g_build_filename (g_getenv ("ESP_SHIPPED_PROVIDERS"), SDCPP ".json", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) parts = NULL;
  g_autofree char *changed = NULL;
  g_autoptr (GString) own = NULL;
  EspNode *nodes[3];

  g_assert_true (g_file_get_contents (shipped, &text, NULL, NULL));
  parts = g_strsplit (text, "\"concurrent\": 2", 2);
  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  changed = g_strjoinv ("\"concurrent\": 9, \"per_minute\": 2", parts);
  own = g_string_new (changed);
  g_string_replace (own, "\"" SDCPP "\"", "\"mine\"", 1);
  write_own (self, own->str);
  jobs_wait (esp_registry_find_backend (self->registry, "mine") != NULL);
  remote_add_account (self, world, "mine");

  for (gsize i = 0; i < G_N_ELEMENTS (nodes); i++)
    nodes[i] = remote_add_turn (self, "mine", "Slowly");
  /* Its minute begins with the others: on a slow machine it may be over when they are. */
  jobs_wait (is_waiting (nodes[2]));
  g_assert_nonnull (esp_node_get_progress (nodes[2])->phase);
  esp_queue_stop (self->queue, esp_queue_find (self->queue, nodes[2]));
  remote_finish (self);
  g_assert_cmpint (esp_node_get_state (nodes[0]), ==, ESP_NODE_DONE);
  g_assert_cmpint (esp_node_get_state (nodes[1]), ==, ESP_NODE_DONE);
  g_assert_cmpint (esp_node_get_state (nodes[2]), ==, ESP_NODE_CANCELLED);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 2);
  g_assert_cmpuint (remote_count_records (), ==, 0);
}

#define N_SERVERS 3
#define N_TURNS   12

static void
test_pool (RemoteFixture *self, gconstpointer data)
{
  TurnWorld *worlds[N_SERVERS];
  EspNode *nodes[N_TURNS];
  GHashTable *makers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  EspBackend *pool;

  for (int i = 0; i < N_SERVERS; i++)
    {
      worlds[i] = turn_world_new (SDCPP, "sdcpp", "{\"max_side\": 64, \"run_ms\": 400}", NULL);
      remote_add_account (self, worlds[i], SDCPP);
    }
  pool = esp_registry_find_backend (self->registry, SDCPP "@all");
  g_assert_nonnull (pool);
  g_assert_cmpuint (esp_backend_get_concurrency (pool), ==, 2 * N_SERVERS);
  g_assert_cmpint (esp_model_get_state (find (self, SDCPP "@all", SDCPP)), ==, ESP_MODEL_READY);

  for (int i = 0; i < N_TURNS; i++)
    nodes[i] = remote_add_turn (self, SDCPP "@all", "Spread");
  remote_finish (self);
  for (int i = 0; i < N_TURNS; i++)
    {
      g_assert_cmpstr (esp_node_get_message (nodes[i]), ==, NULL);
      g_assert_cmpint (esp_node_get_state (nodes[i]), ==, ESP_NODE_DONE);
      g_hash_table_add (makers, g_strdup (esp_node_get_model_name (nodes[i])));
    }
  g_assert_cmpuint (g_hash_table_size (makers), ==, N_SERVERS);
  for (int i = 0; i < N_SERVERS; i++)
    {
      g_assert_cmpint (turn_world_count (worlds[i], "submits"), >=, 2);
      turn_world_check_manners (worlds[i]);
      turn_world_free (worlds[i]);
    }
  g_assert_cmpuint (remote_count_records (), ==, 0);
  g_hash_table_unref (makers);
}

#define ADD(path, func)                                                                            \
  g_test_add ("/providers/backends/" path, RemoteFixture, NULL, remote_set_up, func,               \
              remote_tear_down)

int
main (int argc, char **argv)
{
  int status;

  jobs_init (&argc, &argv);
  turn_fixture_begin ();
  ADD ("follow", test_follow);
  ADD ("state", test_state);
  ADD ("own", test_own);
  ADD ("prices", test_prices);
  ADD ("per-minute", test_per_minute);
  ADD ("pool", test_pool);
  status = jobs_run ();
  turn_fixture_end ();
  return status;
}
