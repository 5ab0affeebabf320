/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of all backends' models, and the model itself. */
#include "esp-registry.h"
#include "fake-backend.h"

static EspModel *
add_model (FakeBackend *backend, const char *id, guint position)
{
  g_autoptr (EspModel) model = esp_model_new (ESP_BACKEND (backend), id, NULL);

  g_list_store_insert (G_LIST_STORE (esp_backend_get_models (ESP_BACKEND (backend))), position,
                       model);
  return model;
}

static char *
dup_models (EspRegistry *registry)
{
  GListModel *models = esp_registry_get_models (registry);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);

      g_string_append_printf (text, "%s/%s ", esp_backend_get_id (esp_model_get_backend (model)),
                              esp_model_get_id (model));
    }
  return g_string_free (text, FALSE);
}

#define assert_models(registry, expected)                                                          \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *text_ = dup_models (registry);                                                \
                                                                                                   \
    g_assert_cmpstr (text_, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

static void
test_models (void)
{
  g_autoptr (EspRegistry) registry = esp_registry_new ();
  g_autoptr (FakeBackend) a = fake_backend_new ("a", 1);
  g_autoptr (FakeBackend) b = fake_backend_new ("b", 1);
  GListStore *of_a = G_LIST_STORE (esp_backend_get_models (ESP_BACKEND (a)));
  GListStore *of_b = G_LIST_STORE (esp_backend_get_models (ESP_BACKEND (b)));

  assert_models (registry, "");
  g_assert_null (esp_registry_get_default_model (registry));

  esp_registry_add (registry, ESP_BACKEND (a));
  esp_registry_add (registry, ESP_BACKEND (b));
  assert_models (registry, "a/model b/model ");

  add_model (b, "x", 0);
  add_model (a, "y", 1);
  add_model (b, "z", 2);
  assert_models (registry, "a/model a/y b/x b/model b/z ");
  g_list_store_remove (of_b, 1);
  g_list_store_remove_all (of_a);
  assert_models (registry, "b/x b/z ");
  add_model (a, "n", 0);
  assert_models (registry, "a/n b/x b/z ");

  g_assert_true (esp_registry_find_backend (registry, "b") == ESP_BACKEND (b));
  g_assert_null (esp_registry_find_backend (registry, "c"));
  g_assert_null (esp_registry_find_backend (registry, NULL));
  g_assert_cmpstr (esp_model_get_id (esp_registry_find_model (registry, "b", "z")), ==, "z");
  g_assert_null (esp_registry_find_model (registry, "a", "z"));
  g_assert_null (esp_registry_find_model (registry, "b", NULL));
  g_assert_cmpuint (g_list_model_get_n_items (esp_registry_get_backends (registry)), ==, 2);
}

static void
test_default (void)
{
  g_autoptr (EspRegistry) registry = esp_registry_new ();
  g_autoptr (FakeBackend) backend = fake_backend_new ("a", 1);
  g_autoptr (FakeBackend) elsewhere = fake_backend_new ("b", 1);
  EspModel *needy = add_model (backend, "needy", 0);
  EspModel *demo = add_model (backend, "demo", 1);
  EspModel *model;

  esp_registry_add (registry, ESP_BACKEND (backend));
  model = esp_registry_find_model (registry, "a", "model");
  esp_model_set_state (needy, ESP_MODEL_NEEDS_KEY, "No key yet.");
  esp_model_set_features (demo, ESP_MODEL_DEMO, 0);

  g_assert_true (esp_registry_get_default_model (registry) == model);
  esp_model_set_state (model, ESP_MODEL_BROKEN, "It is broken.");
  g_assert_true (esp_registry_get_default_model (registry) == demo);

  /* Nothing is sent to a provider that nobody chose. */
  fake_backend_set_remote (elsewhere, TRUE);
  esp_registry_insert (registry, 0, ESP_BACKEND (elsewhere));
  g_assert_true (esp_registry_get_default_model (registry) == demo);
  esp_model_set_state (demo, ESP_MODEL_BROKEN, "It is broken, too.");
  g_assert_true (esp_registry_get_default_model (registry)
                 == esp_registry_find_model (registry, "b", "model"));
  esp_registry_remove (registry, ESP_BACKEND (elsewhere));
  g_assert_true (esp_registry_get_default_model (registry) == needy);
}

static void
count (EspModel *model, gpointer data)
{
  ++*(int *) data;
}

static void
test_changes (void)
{
  const char *const instructions[] = { "one", "two", NULL };
  g_autoptr (FakeBackend) backend = fake_backend_new ("a", 1);
  g_autoptr (EspModel) model = esp_model_new (ESP_BACKEND (backend), "m", "M");
  int n = 0;

  g_assert_cmpint (esp_model_get_state (model), ==, ESP_MODEL_STARTING);
  g_assert_cmpfloat (esp_model_get_price (model), <, 0);
  g_assert_null (esp_model_get_instructions (model)[0]);
  g_signal_connect (model, "changed", G_CALLBACK (count), &n);

  /* Each tells, and tells once. */
  for (int i = 0; i < 2; i++)
    {
      esp_model_set_state (model, ESP_MODEL_NEEDS_KEY, "Because.");
      esp_model_set_features (model, ESP_MODEL_SEED, 2);
      esp_model_set_price (model, 0.05, "USD");
      esp_model_set_instructions (model, instructions);
      g_assert_cmpint (n, ==, 4);
    }

  g_assert_cmpstr (esp_model_get_message (model), ==, "Because.");
  g_assert_cmpstr (esp_model_get_currency (model), ==, "USD");
  g_assert_cmpstr (esp_model_get_instructions (model)[1], ==, "two");
  /* Of a backend that has nothing to prepare. */
  esp_model_prepare (model);

  /* A model that outlives its backend has none. */
  g_clear_object (&backend);
  g_assert_null (esp_model_get_backend (model));
  esp_model_prepare (model);
}

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (esp_registry_stop_finish (ESP_REGISTRY (source), result, &error));
  *(gboolean *) data = TRUE;
}

static void
test_stop (void)
{
  g_autoptr (EspRegistry) registry = esp_registry_new ();
  g_autoptr (FakeBackend) a = fake_backend_new ("a", 1);
  g_autoptr (FakeBackend) b = fake_backend_new ("b", 1);
  gboolean stopped = FALSE;

  esp_registry_stop_async (registry, on_stopped, &stopped);
  while (!stopped)
    g_main_context_iteration (NULL, TRUE);

  esp_registry_add (registry, ESP_BACKEND (a));
  esp_registry_add (registry, ESP_BACKEND (b));
  stopped = FALSE;
  esp_registry_stop_async (registry, on_stopped, &stopped);
  while (!stopped)
    g_main_context_iteration (NULL, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/backend/registry/models", test_models);
  g_test_add_func ("/backend/registry/default", test_default);
  g_test_add_func ("/backend/registry/changes", test_changes);
  g_test_add_func ("/backend/registry/stop", test_stop);
  return g_test_run ();
}
