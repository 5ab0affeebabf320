/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-key-store.c: keys in a real key ring (with-key-ring.sh). */
#include "esp-account.h"
#include "esp-key-store.h"

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
save (const char *account, const char *text)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (EspKey) key = esp_key_new (text);
  g_autoptr (GError) error = NULL;

  esp_key_store_save_async (account, "Cloud", key, NULL, on_over, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  esp_key_store_save_finish (result, &error);
  g_assert_no_error (error);
}

static EspKey *
load (const char *account)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspKey *key;

  esp_key_store_load_async (account, NULL, on_over, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  key = esp_key_store_load_finish (result, &error);
  g_assert_no_error (error);
  return key;
}

static void
test_round (void)
{
  g_autoptr (EspKey) first = NULL, second = NULL, none = load ("cloud");

  g_assert_null (none);
  save ("cloud", "sk-one");
  save ("cloud-2", "sk-two");
  first = load ("cloud");
  second = load ("cloud-2");
  g_assert_cmpstr (esp_key_get (first), ==, "sk-one");
  g_assert_cmpstr (esp_key_get (second), ==, "sk-two");
}

static void
test_replace (void)
{
  g_autoptr (EspKey) key = NULL;

  save ("replaced", "sk-old");
  save ("replaced", "sk-new");
  key = load ("replaced");
  g_assert_cmpstr (esp_key_get (key), ==, "sk-new");
}

static void
test_find (void)
{
  g_autoptr (EspKey) key = NULL, other = NULL;
  g_autoptr (GError) error = NULL;

  save ("found", "sk-ring");
  key = esp_key_find ("found", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_key_get (key), ==, "sk-ring");

  /* The environment comes before. */
  g_setenv ("ESPALIER_KEY_FOUND", "sk-environment", TRUE);
  other = esp_key_find ("found", NULL, &error);
  g_assert_cmpstr (esp_key_get (other), ==, "sk-environment");
  g_unsetenv ("ESPALIER_KEY_FOUND");
}

/* An account that goes takes its key along. */
static void
test_account_removed (void)
{
  g_autoptr (EspAccounts) accounts = esp_accounts_new (NULL);
  g_autoptr (GError) error = NULL;
  EspAccount *account = esp_accounts_add (accounts, "leaving", NULL, NULL, FALSE, NULL, &error);
  const gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  gboolean gone = FALSE;

  g_assert_no_error (error);
  save ("leaving", "sk-leaving");
  g_assert_true (esp_accounts_set_has_key (accounts, account, TRUE, &error));
  g_assert_true (esp_accounts_remove (accounts, account, &error));
  while (!gone && g_get_monotonic_time () < end)
    {
      g_autoptr (EspKey) key = load ("leaving");

      gone = key == NULL;
    }
  g_assert_true (gone);
}

static void
test_not_a_key (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (EspKey) key = esp_key_new ("two\nlines");
  g_autoptr (GError) error = NULL;

  esp_key_store_save_async ("wrong", "Cloud", key, NULL, on_over, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (esp_key_store_save_finish (result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

static gboolean
remove_key (const char *account, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_key_store_remove_async (account, cancellable, on_over, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return esp_key_store_remove_finish (result, error);
}

static void
test_remove (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspKey) gone = NULL;

  save ("removed", "sk-removed");
  g_assert_true (remove_key ("removed", NULL, &error));
  g_assert_no_error (error);
  gone = load ("removed");
  g_assert_null (gone);

  /* There was none, which is what was wanted. */
  g_assert_true (remove_key ("removed", NULL, &error));
  g_assert_no_error (error);
}

/* Told as such, and not as a key ring that is not there. */
static void
test_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  save ("cancelled", "sk-kept");
  g_cancellable_cancel (cancellable);
  g_assert_false (remove_key ("cancelled", cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/accounts/key-store/round", test_round);
  g_test_add_func ("/accounts/key-store/replace", test_replace);
  g_test_add_func ("/accounts/key-store/find", test_find);
  g_test_add_func ("/accounts/key-store/account-removed", test_account_removed);
  g_test_add_func ("/accounts/key-store/remove", test_remove);
  g_test_add_func ("/accounts/key-store/cancelled", test_cancelled);
  g_test_add_func ("/accounts/key-store/not-a-key", test_not_a_key);
  return g_test_run ();
}
