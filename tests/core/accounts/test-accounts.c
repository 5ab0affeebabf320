/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-accounts.c: the list of accounts: its ids, its file, two processes at it, damage. */
#include <glib/gstdio.h>
#include <string.h>

#include "esp-account.h"

typedef struct
{
  char *folder, *path;
  EspAccounts *accounts;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->folder = g_dir_make_tmp ("esp-accounts-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "deep", "accounts.json", NULL);
  self->accounts = esp_accounts_new (self->path);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", self->folder);

  g_clear_object (&self->accounts);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL);
  g_free (self->folder);
  g_free (self->path);
}

static EspAccount *
add (Fixture *self, const char *provider, const char *name)
{
  g_autoptr (GError) error = NULL;
  EspAccount *account
      = esp_accounts_add (self->accounts, provider, name, NULL, FALSE, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (account);
  return account;
}

static char *
dup_ids (EspAccounts *accounts)
{
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (accounts)); i++)
    {
      g_autoptr (EspAccount) account = g_list_model_get_item (G_LIST_MODEL (accounts), i);

      g_string_append_printf (ids, "%s%s", i > 0 ? " " : "", esp_account_get_id (account));
    }
  return g_string_free (ids, FALSE);
}

#define ASSERT_IDS(accounts, expected)                                                             \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *_ids = dup_ids (accounts);                                                    \
    g_assert_cmpstr (_ids, ==, expected);                                                          \
  }                                                                                                \
  G_STMT_END

static void
test_ids (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  EspAccount *second;

  add (self, "cloud", NULL);
  second = add (self, "cloud", "Work");
  add (self, "other", NULL);
  ASSERT_IDS (self->accounts, "cloud cloud-2 other");
  g_assert_cmpstr (esp_account_get_name (second), ==, "Work");

  /* What nodes of documents call their backend never becomes another. */
  g_assert_true (esp_accounts_remove (self->accounts, second, &error));
  g_assert_no_error (error);
  add (self, "cloud", NULL);
  ASSERT_IDS (self->accounts, "cloud other cloud-3");
}

static void
on_items_changed (GListModel *list, guint position, guint removed, guint added, gpointer data)
{
  g_string_append_printf (data, "%u-%u+%u ", position, removed, added);
}

static void
test_order (Fixture *self, gconstpointer data)
{
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autoptr (EspAccounts) again = NULL;
  EspAccount *a = add (self, "a", NULL);

  g_signal_connect (self->accounts, "items-changed", G_CALLBACK (on_items_changed), seen);
  add (self, "b", NULL);
  add (self, "c", NULL);
  g_assert_true (esp_accounts_move (self->accounts, a, 2, NULL));
  ASSERT_IDS (self->accounts, "b c a");
  g_assert_true (esp_accounts_move (self->accounts, a, 1, NULL));
  ASSERT_IDS (self->accounts, "b a c");
  g_assert_true (esp_accounts_move (self->accounts, a, 0, NULL));
  ASSERT_IDS (self->accounts, "a b c");
  g_assert_true (esp_accounts_move (self->accounts, a, G_MAXUINT, NULL));
  ASSERT_IDS (self->accounts, "b c a");
  g_assert_cmpstr (seen->str, ==, "1-0+1 2-0+1 0-3+3 1-2+2 0-2+2 0-3+3 ");
  g_assert_true (esp_accounts_find (self->accounts, "a") == a);

  again = esp_accounts_new (self->path);
  ASSERT_IDS (again, "b c a");
}

static void
count (gpointer object, gpointer data)
{
  (*(guint *) data)++;
}

static void
test_change (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonObject) config = json_object_new ();
  g_autoptr (EspAccounts) again = NULL;
  g_autoptr (GError) error = NULL;
  EspAccount *account = add (self, "self-made", NULL);
  GStatBuf info;
  guint n = 0;

  g_signal_connect (account, "changed", G_CALLBACK (count), &n);
  json_object_set_string_member (config, "model", "dev");
  g_assert_true (esp_accounts_change (self->accounts, account, " Rack 1 ", " http://10.0.0.7:8188 ",
                                      TRUE, config, 3, &error));
  g_assert_no_error (error);
  g_assert_true (esp_accounts_set_has_key (self->accounts, account, TRUE, &error));
  g_assert_true (esp_accounts_set_consented (self->accounts, account, &error));
  g_assert_cmpuint (n, ==, 3);

  /* The caller's object stays the caller's. */
  json_object_set_string_member (config, "model", "other");

  again = esp_accounts_new (self->path);
  account = esp_accounts_find (again, "self-made");
  g_assert_cmpstr (esp_account_get_name (account), ==, "Rack 1");
  g_assert_cmpstr (esp_account_get_base_url (account), ==, "http://10.0.0.7:8188");
  g_assert_true (esp_account_get_base_is_own (account));
  g_assert_cmpuint (esp_account_get_concurrency (account), ==, 3);
  g_assert_true (esp_account_get_has_key (account));
  g_assert_true (esp_account_get_consented (account));
  g_assert_cmpstr (json_object_get_string_member (esp_account_get_config (account), "model"), ==,
                   "dev");
  g_assert_cmpint (g_stat (self->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
}

static void
test_addresses (Fixture *self, gconstpointer data)
{
  static const char *const wrong[] = { "10.0.0.7", "ftp://example.org", "https://",
                                       "https://key:secret@example.org/", "file:///" };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (esp_accounts_add (self->accounts, "x", NULL, wrong[i], TRUE, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
  ASSERT_IDS (self->accounts, "");
}

/* Two windows, or a window and the command line. */
static void
test_two (Fixture *self, gconstpointer data)
{
  g_autoptr (EspAccounts) other = esp_accounts_new (self->path);
  g_autoptr (GError) error = NULL;
  EspAccount *there;
  const gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  add (self, "a", NULL);
  /* The other one has not heard of it yet, and still loses nothing. */
  g_assert_nonnull (esp_accounts_add (other, "a", NULL, NULL, FALSE, NULL, &error));
  g_assert_no_error (error);
  ASSERT_IDS (other, "a a-2");

  while (g_list_model_get_n_items (G_LIST_MODEL (self->accounts)) < 2
         && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, TRUE);
  ASSERT_IDS (self->accounts, "a a-2");

  there = esp_accounts_find (other, "a");
  g_assert_true (
      esp_accounts_remove (self->accounts, esp_accounts_find (self->accounts, "a"), NULL));
  g_assert_false (esp_accounts_set_consented (other, there, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  ASSERT_IDS (other, "a-2");
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer data)
{
  (*(guint *) data)++;
}

static void
test_rules (Fixture *self, gconstpointer data)
{
  g_autoptr (EspAccounts) again = NULL;
  guint n = 0;

  g_signal_connect (self->accounts, "notify", G_CALLBACK (count_notify), &n);
  g_object_set (self->accounts, "offline", TRUE, "monthly-stop", 12.5, NULL);
  g_object_set (self->accounts, "offline", TRUE, NULL);

  g_assert_cmpuint (n, ==, 2);

  again = esp_accounts_new (self->path);
  g_assert_true (esp_accounts_get_offline (again));
  g_assert_cmpfloat (esp_accounts_get_monthly_stop (again), ==, 12.5);
}

static void
test_damaged (Fixture *self, gconstpointer data)
{
  g_autofree char *aside = g_strconcat (self->path, ".damaged", NULL);
  g_autoptr (EspAccounts) again = NULL;

  add (self, "a", NULL);
  g_assert_true (g_file_set_contents (self->path, "{ \"accounts\": [ {", -1, NULL));
  g_test_expect_message ("espalier-accounts", G_LOG_LEVEL_WARNING, "*kept as*.damaged*");
  again = esp_accounts_new (self->path);
  g_test_assert_expected_messages ();
  ASSERT_IDS (again, "");
  g_assert_true (g_file_test (aside, G_FILE_TEST_EXISTS));
}

/* What a newer version writes stays, what makes no sense is passed over. */
static void
test_foreign (Fixture *self, gconstpointer data)
{
  static const char text[]
      = "{\"accounts\": [{\"id\": \"a\", \"provider\": \"p\", \"colour\": \"red\", \"name\": 7},"
        " 5, {\"id\": \"../b\", \"provider\": \"p\"}, {\"id\": \"a\", \"provider\": \"q\"},"
        " {\"id\": \"c\"}], \"future\": [1], \"offline\": \"yes\"}";
  g_autoptr (EspAccounts) again = NULL;
  g_autofree char *written = NULL;

  add (self, "gone", NULL);
  g_assert_true (g_file_set_contents (self->path, text, -1, NULL));
  again = esp_accounts_new (self->path);
  ASSERT_IDS (again, "a");
  g_assert_null (esp_account_get_name (esp_accounts_find (again, "a")));
  g_assert_true (esp_accounts_set_consented (again, esp_accounts_find (again, "a"), NULL));
  g_assert_true (g_file_get_contents (self->path, &written, NULL, NULL));
  g_assert_nonnull (strstr (written, "colour"));
  g_assert_nonnull (strstr (written, "future"));
}

static void
test_unwritable (Fixture *self, gconstpointer data)
{
  g_autoptr (EspAccounts) accounts = esp_accounts_new ("/proc/espalier/accounts.json");
  g_autoptr (GError) error = NULL;

  g_assert_null (esp_accounts_add (accounts, "a", NULL, NULL, FALSE, NULL, &error));
  g_assert_nonnull (error);
  ASSERT_IDS (accounts, "");
}

#define ADD(path, func) g_test_add ("/accounts/list/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("ids", test_ids);
  ADD ("order", test_order);
  ADD ("change", test_change);
  ADD ("addresses", test_addresses);
  ADD ("two", test_two);
  ADD ("rules", test_rules);
  ADD ("damaged", test_damaged);
  ADD ("foreign", test_foreign);
  ADD ("unwritable", test_unwritable);
  return g_test_run ();
}
