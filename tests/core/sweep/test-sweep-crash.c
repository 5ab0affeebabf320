/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-sweep-crash.c: kills a program that runs a sweep, at any moment, starts it again, and so on
 * until it is done: no cell is lost, none is made twice. SWEEP_VICTIM is the program. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>

#include "jobs-fixture.h"

#define KILLS    40 /* at least */
#define CELLS    300
#define TOGETHER 3 /* turns that the victim's backend makes at the same time */

/* The latest moment of a kill: well behind the start. */
#define LATEST_USEC 100000

typedef struct
{
  char *path;
  char *made;   /* a line for each picture that was made: its seed */
  char *folder; /* of what a provider keeps, or NULL */
  guint n_kills;
  char *stored[CELLS];  /* hashes of cells that are stored; NULL: not yet */
  guint n_known[CELLS]; /* how often the cell was made when it was first seen stored */
  guint n_made[CELLS];  /* and by now */
} Trial;

static void
trial_set_up (Trial *trial, const char *name, gboolean remote)
{
  EspDocument *document = jobs_create_document (name);

  memset (trial, 0, sizeof *trial);
  jobs_import (document, 16);
  trial->path = g_file_get_path (esp_document_get_file (document));
  trial->made = g_strdup_printf ("%s/%s.made", g_get_user_data_dir (), name);
  trial->folder = remote ? g_strdup_printf ("%s/%s.kept", g_get_user_data_dir (), name) : NULL;
  if (remote)
    g_assert_cmpint (g_mkdir (trial->folder, 0700), ==, 0);
  jobs_close_document (document);
  g_object_unref (document);
}

static void
trial_clear (Trial *trial)
{
  g_free (trial->path);
  g_free (trial->made);
  g_free (trial->folder);
  for (guint i = 0; i < CELLS; i++)
    g_free (trial->stored[i]);
}

/* --- The victim ------------------------------------------------------------------------------- */

static GSubprocess *
spawn (const Trial *trial)
{
  g_autofree char *cells = g_strdup_printf ("%d", CELLS);
  g_autoptr (GError) error = NULL;
  GSubprocess *victim
      = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, g_getenv ("SWEEP_VICTIM"),
                          trial->path, cells, trial->made, trial->folder, NULL);

  g_assert_no_error (error);
  return victim;
}

/* What it said until its end. */
static char *
wait_for (GSubprocess *victim)
{
  g_autoptr (GError) error = NULL;
  char *said = NULL;

  g_subprocess_communicate_utf8 (victim, NULL, NULL, &said, NULL, &error);
  g_assert_no_error (error);
  return said;
}

/* TRUE: it was done before. */
static gboolean
run_and_kill (Trial *trial)
{
  g_autoptr (GSubprocess) victim = spawn (trial);
  g_autofree char *said = NULL;

  g_usleep ((gulong) g_test_rand_int_range (0, LATEST_USEC));
  g_subprocess_send_signal (victim, SIGKILL);
  said = wait_for (victim);
  if (strstr (said, "done\n") != NULL)
    return TRUE;
  g_assert_true (g_subprocess_get_if_signaled (victim));
  g_assert_cmpint (g_subprocess_get_term_sig (victim), ==, SIGKILL);
  trial->n_kills++;
  return FALSE;
}

/* --- What there must be ------------------------------------------------------------------------
 */

static void
count_made (Trial *trial)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  memset (trial->n_made, 0, sizeof trial->n_made);
  if (!g_file_get_contents (trial->made, &text, NULL, NULL))
    return;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL && **line != '\0'; line++)
    {
      const guint64 seed = g_ascii_strtoull (*line, NULL, 10);

      g_assert_cmpuint (seed, >=, 1);
      g_assert_cmpuint (seed, <=, CELLS);
      trial->n_made[seed - 1]++;
    }
}

static gint64
query (sqlite3 *database, const char *sql)
{
  sqlite3_stmt *statement = NULL;
  gint64 number;

  g_assert_cmpint (sqlite3_prepare_v2 (database, sql, -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  number = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  return number;
}

/* What was stored once stays as it is, and is not made again. */
static void
look_at_cells (Trial *trial, sqlite3 *database)
{
  sqlite3_stmt *statement = NULL;
  guint n = 0;

  g_assert_cmpint (sqlite3_prepare_v2 (database,
                                       "SELECT cell, sha256 FROM nodes JOIN images"
                                       " ON images.id = nodes.image WHERE sweep = 1",
                                       -1, &statement, NULL),
                   ==, SQLITE_OK);
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      const int cell = sqlite3_column_int (statement, 0);
      const char *sha256 = (const char *) sqlite3_column_text (statement, 1);

      g_assert_cmpint (cell, >=, 0);
      g_assert_cmpint (cell, <, CELLS);
      n++;
      if (trial->stored[cell] == NULL)
        {
          trial->stored[cell] = g_strdup (sha256);
          trial->n_known[cell] = trial->n_made[cell];
        }
      g_assert_cmpstr (trial->stored[cell], ==, sha256);
      g_assert_cmpuint (trial->n_known[cell], >=, 1);
      g_assert_cmpuint (trial->n_known[cell], ==, trial->n_made[cell]);
    }
  sqlite3_finalize (statement);
  for (guint i = 0; i < CELLS; i++)
    n -= trial->stored[i] != NULL;
  g_assert_cmpuint (n, ==, 0); /* none was lost that had been there */
}

static void
look (Trial *trial)
{
  sqlite3 *database = NULL;
  sqlite3_stmt *statement = NULL;
  gint64 n_cells;

  count_made (trial);
  g_assert_cmpint (sqlite3_open (trial->path, &database), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (database, "PRAGMA integrity_check", -1, &statement, NULL),
                   ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  g_assert_cmpstr ((const char *) sqlite3_column_text (statement, 0), ==, "ok");
  sqlite3_finalize (statement);

  /* The sweep is there as a whole or not at all. */
  n_cells = query (database, "SELECT count(*) FROM nodes WHERE sweep IS NOT NULL");
  g_assert_true (n_cells == 0 || n_cells == CELLS);
  g_assert_cmpint (query (database, "SELECT count(DISTINCT cell) FROM nodes WHERE sweep = 1"), ==,
                   n_cells);
  g_assert_cmpint (query (database, "SELECT count(*) FROM sweeps"), ==, n_cells > 0);
  g_assert_cmpint (query (database, "SELECT count(*) FROM nodes"), ==, n_cells + 1);
  g_assert_cmpint (query (database, "SELECT count(*) FROM nodes WHERE state NOT IN"
                                    " ('queued', 'running', 'done')"),
                   ==, 0);
  look_at_cells (trial, database);
  sqlite3_close (database);
}

static guint
count_files (const char *folder)
{
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n = 0;

  g_assert_nonnull (directory);
  while ((name = g_dir_read_name (directory)) != NULL)
    n += !g_str_has_suffix (name, ".part");
  return n;
}

static void
finish (Trial *trial)
{
  g_autoptr (GSubprocess) victim = spawn (trial);
  g_autofree char *said = wait_for (victim);
  guint n_made = 0;

  g_assert_true (g_subprocess_get_if_exited (victim));
  g_assert_cmpint (g_subprocess_get_exit_status (victim), ==, 0);
  g_assert_true (g_str_has_suffix (said, "done\n"));
  look (trial);
  for (guint i = 0; i < CELLS; i++)
    {
      g_assert_nonnull (trial->stored[i]);
      for (guint j = 0; j < i; j++)
        g_assert_cmpstr (trial->stored[i], !=, trial->stored[j]);
      n_made += trial->n_made[i];
    }
  g_test_message ("%u kills, %u pictures made for %d cells", trial->n_kills, n_made, CELLS);
  /* What a provider had made is fetched; this computer makes it once more. */
  if (trial->folder != NULL)
    g_assert_cmpuint (count_files (trial->folder), ==, CELLS);
  else
    g_assert_cmpuint (n_made, <=, CELLS + trial->n_kills * TOGETHER);
}

static void
test_kill (gconstpointer remote)
{
  guint n_kills = 0;

  for (guint i = 0; n_kills < KILLS; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s %u", remote != NULL ? "Remote" : "Local", i);
      gboolean done = FALSE;
      Trial trial;

      trial_set_up (&trial, name, remote != NULL);
      while (!done && n_kills + trial.n_kills < KILLS)
        {
          done = run_and_kill (&trial);
          look (&trial);
        }
      finish (&trial);
      n_kills += trial.n_kills;
      trial_clear (&trial);
    }
  g_assert_cmpuint (n_kills, >=, KILLS);
}

int
main (int argc, char *argv[])
{
  jobs_init (&argc, &argv);
  g_test_add_data_func ("/sweep-crash/here", NULL, test_kill);
  g_test_add_data_func ("/sweep-crash/provider", "remote", test_kill);
  return jobs_run ();
}
