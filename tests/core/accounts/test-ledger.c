/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-ledger.c: what turns cost: sums, once a turn, other processes, damage, no disk. */
#include <glib/gstdio.h>
#include <string.h>

#include "esp-ledger.h"

typedef struct
{
  char *folder, *path;
  EspLedger *ledger;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->folder = g_dir_make_tmp ("esp-ledger-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "deep", "ledger.sqlite", NULL);
  self->ledger = esp_ledger_new (self->path);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", self->folder);

  g_clear_object (&self->ledger);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL);
  g_free (self->folder);
  g_free (self->path);
}

/* "key currency amount estimated turns; …" */
static char *
dup_totals (EspLedger *ledger, EspLedgerBy by)
{
  g_autoptr (GPtrArray) totals = esp_ledger_dup_totals (ledger, by, 0);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < totals->len; i++)
    {
      const EspLedgerTotal *total = g_ptr_array_index (totals, i);

      g_string_append_printf (text, "%s %s %.3f %.3f %u; ", total->key, total->currency,
                              total->amount, total->estimated, total->n_turns);
    }
  return g_string_free (text, FALSE);
}

#define ASSERT_TOTALS(ledger, by, expected)                                                        \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *_totals = dup_totals (ledger, by);                                            \
    g_assert_cmpstr (_totals, ==, expected);                                                       \
  }                                                                                                \
  G_STMT_END

static void
note_some (EspLedger *ledger)
{
  esp_ledger_note (ledger, "1", "a", "p", "Harbour", 0.04, "USD", FALSE);
  esp_ledger_note (ledger, "2", "a", "p", "Harbour", 0.02, "USD", TRUE);
  esp_ledger_note (ledger, "3", "a-2", "p", NULL, 0.01, "USD", FALSE);
  esp_ledger_note (ledger, "1", "a", "p", "Harbour", 0.04, "USD", FALSE);
  esp_ledger_note (ledger, "4", "b", "q", "Hill", -1, NULL, FALSE);
  esp_ledger_note (ledger, "5", "b", "q", "Hill", 2, "EUR", FALSE);
}

static void
test_totals (Fixture *self, gconstpointer data)
{
  g_autoptr (EspLedger) again = NULL;

  /* At once, whether it is on the disk or not, and the same afterwards. */
  note_some (self->ledger);
  ASSERT_TOTALS (self->ledger, ESP_LEDGER_BY_ACCOUNT,
                 "a USD 0.060 0.020 2; a-2 USD 0.010 0.000 1; b USD 0.000 0.000 1; "
                 "b EUR 2.000 0.000 1; ");
  g_assert_cmpfloat_with_epsilon (esp_ledger_get_month (self->ledger), 0.07, 1e-9);
  g_clear_object (&self->ledger);

  again = esp_ledger_new (self->path);
  ASSERT_TOTALS (again, ESP_LEDGER_BY_ACCOUNT,
                 "b EUR 2.000 0.000 1; a USD 0.060 0.020 2; a-2 USD 0.010 0.000 1; "
                 "b USD 0.000 0.000 1; ");
  ASSERT_TOTALS (again, ESP_LEDGER_BY_PROVIDER,
                 "q EUR 2.000 0.000 1; p USD 0.070 0.020 3; q USD 0.000 0.000 1; ");
  ASSERT_TOTALS (again, ESP_LEDGER_BY_DOCUMENT,
                 "Hill EUR 2.000 0.000 1; Harbour USD 0.060 0.020 2;  USD 0.010 0.000 1; "
                 "Hill USD 0.000 0.000 1; ");
  g_assert_cmpfloat_with_epsilon (esp_ledger_get_month (again), 0.07, 1e-9);

  /* Noted once, also by the next program. */
  esp_ledger_note (again, "2", "a", "p", "Harbour", 0.02, "USD", TRUE);
  g_assert_cmpfloat_with_epsilon (esp_ledger_get_month (again), 0.07, 1e-9);
}

static void
test_stop (Fixture *self, gconstpointer data)
{
  esp_ledger_note (self->ledger, "1", "a", "p", NULL, 0.90, "USD", FALSE);
  g_assert_false (esp_ledger_is_over (self->ledger, 0, 100, 100));
  g_assert_false (esp_ledger_is_over (self->ledger, 1, 0.05, 0.05));
  g_assert_true (esp_ledger_is_over (self->ledger, 1, 0.06, 0.05));
  g_assert_true (esp_ledger_is_over (self->ledger, 0.5, 0, 0));
  g_assert_false (esp_ledger_is_over (self->ledger, 1, 0, -1));
}

static void
test_other_process (Fixture *self, gconstpointer data)
{
  g_autoptr (EspLedger) other = esp_ledger_new (self->path);

  g_assert_cmpfloat (esp_ledger_get_month (self->ledger), ==, 0);
  for (int i = 0; i < 50; i++)
    {
      g_autofree char *mine = g_strdup_printf ("mine %d", i);
      g_autofree char *theirs = g_strdup_printf ("theirs %d", i);

      esp_ledger_note (self->ledger, mine, "a", "p", NULL, 0.01, "USD", FALSE);
      esp_ledger_note (other, theirs, "a", "p", NULL, 0.01, "USD", FALSE);
      g_main_context_iteration (NULL, FALSE);
    }
  g_clear_object (&other);
  g_assert_cmpfloat_with_epsilon (esp_ledger_get_month (self->ledger), 1, 1e-9);
}

static void
test_months (Fixture *self, gconstpointer data)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *month = g_date_time_format (now, "%Y-%m USD 0.500 0.000 1; ");

  esp_ledger_note (self->ledger, "1", "a", "p", NULL, 0.5, "USD", FALSE);
  ASSERT_TOTALS (self->ledger, ESP_LEDGER_BY_MONTH, month);
  g_clear_object (&self->ledger);
  self->ledger = esp_ledger_new (self->path);
  ASSERT_TOTALS (self->ledger, ESP_LEDGER_BY_MONTH, month);
}

static void
test_damaged (Fixture *self, gconstpointer data)
{
  g_autofree char *aside = g_strconcat (self->path, ".damaged", NULL);
  g_autofree char *folder = g_path_get_dirname (self->path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (
      g_file_set_contents (self->path, "This is no database, for sure it is not.", -1, NULL));
  g_assert_cmpfloat (esp_ledger_get_month (self->ledger), ==, 0);
  g_test_expect_message ("espalier-accounts", G_LOG_LEVEL_WARNING, "*damaged*");
  esp_ledger_note (self->ledger, "1", "a", "p", NULL, 0.5, "USD", FALSE);
  g_clear_object (&self->ledger);
  g_test_assert_expected_messages ();
  g_assert_true (g_file_test (aside, G_FILE_TEST_EXISTS));

  self->ledger = esp_ledger_new (self->path);
  g_assert_cmpfloat (esp_ledger_get_month (self->ledger), ==, 0.5);
}

/* Nothing fails where nothing can be written. */
static void
test_no_disk (Fixture *self, gconstpointer data)
{
  EspLedger *ledger = esp_ledger_new ("/proc/espalier/ledger.sqlite");

  esp_ledger_note (ledger, "1", "a", "p", NULL, 0.5, "USD", FALSE);
  g_assert_cmpfloat (esp_ledger_get_month (ledger), ==, 0.5);
  g_test_expect_message ("espalier-accounts", G_LOG_LEVEL_WARNING, "*could not be noted*");
  g_object_unref (ledger);
  g_test_assert_expected_messages ();
}

#define ADD(path, func)                                                                            \
  g_test_add ("/accounts/ledger/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("totals", test_totals);
  ADD ("stop", test_stop);
  ADD ("other-process", test_other_process);
  ADD ("months", test_months);
  ADD ("damaged", test_damaged);
  ADD ("no-disk", test_no_disk);
  return g_test_run ();
}
