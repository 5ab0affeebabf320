/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote-fixture.h"

#include <string.h>

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

void
remote_start (RemoteFixture *self)
{
  self->registry = esp_registry_new ();
  self->own = g_build_filename (g_get_user_data_dir (), "own", NULL);
  g_mkdir_with_parents (self->own, 0700);
  self->catalog = esp_provider_catalog_new (g_getenv ("ESP_SHIPPED_PROVIDERS"), self->own);
  self->accounts = esp_accounts_new (NULL);
  esp_remote_backends_attach (self->registry, self->catalog, self->accounts);
  self->queue = esp_queue_new (self->registry);
}

void
remote_end (RemoteFixture *self)
{
  g_clear_object (&self->queue);
  g_clear_object (&self->registry);
  g_clear_object (&self->catalog);
  g_clear_object (&self->accounts);
  g_clear_pointer (&self->own, g_free);
}

void
remote_set_up (RemoteFixture *self, gconstpointer data)
{
  memset (self, 0, sizeof *self);
  remote_start (self);
  self->document = jobs_create_document ("Remote");
  self->photo = jobs_import (self->document, 256);
}

/* What the keys of all acted-out providers begin with; nothing that was written may have it. */
#define CANARY "canary-"

static void
look_for_keys (void)
{
  const char *argv[] = { "grep",
                         "-rlaF",
                         CANARY,
                         g_get_user_data_dir (),
                         g_get_user_config_dir (),
                         g_get_user_cache_dir (),
                         g_get_home_dir (),
                         NULL };
  g_autofree char *found = NULL;
  g_autoptr (GError) error = NULL;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                NULL, &found, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, "");
}

void
remote_tear_down (RemoteFixture *self, gconstpointer data)
{
  g_autofree char *accounts = g_build_filename (g_get_user_config_dir (), "espalier", NULL);
  g_autofree char *data_folder = g_build_filename (g_get_user_data_dir (), "espalier", NULL);
  g_autofree char *own = g_strdup (self->own);
  const char *argv[] = { "rm", "-rf", accounts, data_folder, own, NULL };

  jobs_close_document (self->document);
  g_clear_object (&self->document);
  look_for_keys ();
  remote_end (self); /* writes what a turn cost, if that is not on the disk yet */
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
}

const char *
remote_add_account (RemoteFixture *self, TurnWorld *world, const char *descriptor)
{
  g_autoptr (GError) error = NULL;
  EspAccount *account = esp_accounts_add (self->accounts, descriptor, NULL, world->base_url, FALSE,
                                          world->config, &error);
  g_autofree char *name = NULL;

  g_assert_no_error (error);
  if (world->key != NULL)
    {
      name = esp_key_variable_name (esp_account_get_id (account));
      g_setenv (name, world->key, TRUE);
    }
  /* It looks for its key anew. */
  g_assert_true (esp_accounts_set_has_key (self->accounts, account, world->key != NULL, &error));
  g_assert_cmpint (esp_model_get_state (esp_registry_find_model (
                       self->registry, esp_account_get_id (account), descriptor)),
                   ==, ESP_MODEL_READY);
  return esp_account_get_id (account);
}

EspNode *
remote_make_turn (EspDocument *document, EspNode *parent, const char *backend, const char *prompt)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  static guint64 seed = 5;
  EspTurn turn = { .instruction = prompt, .backend = backend, .has_seed = TRUE, .seed = seed++ };

  esp_document_add_turns_async (document, parent, &turn, 1, NULL, take_result, &result);
  jobs_wait (result != NULL);
  nodes = esp_document_add_turns_finish (document, result, &error);
  g_assert_no_error (error);
  return g_ptr_array_index (nodes, 0);
}

EspNode *
remote_add_turn (RemoteFixture *self, const char *backend, const char *prompt)
{
  EspNode *node = remote_make_turn (self->document, self->photo, backend, prompt);

  g_assert_nonnull (esp_queue_add (self->queue, self->document, node, FALSE));
  return node;
}

void
remote_finish (RemoteFixture *self)
{
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
}

guint
remote_count_records (void)
{
  g_autoptr (GPtrArray) records = esp_journal_list ();

  return records->len;
}
