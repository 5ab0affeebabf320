/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-crash.c: kills a program that works on a document, takes the power away from it, and fills
 * its disk, again and again. Whatever the document had said it had stored must be there afterwards.
 *
 * CRASH_VICTIM is the program (crash-victim.c). */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "crash-fixture.h"

/* Under the sanitizers the moments of a kill or of a fault in an established document are fewer,
 * for it is the code that they look at. */
#ifdef __SANITIZE_ADDRESS__
#define KILLS         40
#define FAULT_MOMENTS 12
#else
#define KILLS         200
#define FAULT_MOMENTS 40
#endif
#define KILLS_A_FILE   20
#define SAVED_KILLS    8
#define LINES          16 /* at most so many before a kill */
#define OPERATIONS     12 /* of a run with faults */
#define MAKING_MOMENTS 70
#define CALL_MOMENTS                                                                               \
  5 /* of the kinds of faults that count one kind of call, unless all are asked for */
#define ALL_MOMENTS 400 /* then as many at most: SQLite allocates 20,000 times */

/* --- Kills ------------------------------------------------------------------------------------ */

/* Kills the program somewhere in what it tells, and a random moment later; one in ten before it
 * opened the document. How far it comes does not hang on how fast it is. */
static void
kill_once (const char *path, GHashTable *promises, guint *n_told)
{
  g_autoptr (GSubprocess) process = crash_start (path, g_test_rand_int (), 0, NULL, 0);
  GInputStream *stream = g_subprocess_get_stdout_pipe (process);
  g_autoptr (GString) output = g_string_new (NULL);
  g_autofree char *rest = NULL;
  char byte;

  if (g_test_rand_int_range (0, 10) == 0)
    g_usleep ((gulong) g_test_rand_int_range (0, 15000));
  else
    {
      for (gint32 lines = g_test_rand_int_range (1, LINES); lines > 0; lines -= byte == '\n')
        {
          g_assert_cmpint (g_input_stream_read (stream, &byte, 1, NULL, NULL), ==, 1);
          g_string_append_c (output, byte);
        }
      g_usleep ((gulong) g_test_rand_int_range (0, 20000));
    }
  g_subprocess_send_signal (process, SIGKILL);
  rest = crash_read_all (stream);
  g_subprocess_wait (process, NULL, NULL);
  g_assert_true (g_subprocess_get_if_signaled (process));
  g_assert_cmpint (g_subprocess_get_term_sig (process), ==, SIGKILL);
  g_string_append (output, rest);
  for (const char *c = output->str; *c != '\0'; c++)
    *n_told += *c == '!';
  crash_note_all (promises, output->str, NULL);
}

static void
test_kill (gconstpointer data)
{
  const gboolean in_place = GPOINTER_TO_INT (data);
  guint n_told = 0;

  for (int i = 0; i < KILLS / 2; i += KILLS_A_FILE)
    {
      g_autofree char *name = g_strdup_printf ("kill %d.espalier", i);
      g_autofree char *path = crash_dup_path (in_place, name);
      g_autoptr (GHashTable) promises = crash_promises_new ();

      for (int k = 0; k < KILLS_A_FILE; k++)
        {
          kill_once (path, promises, &n_told);
          crash_check_document (path, promises, in_place);
          if (g_file_test (path, G_FILE_TEST_EXISTS))
            crash_check_folder (path);
          crash_settle (path, promises);
        }
      g_unlink (path);
    }
  g_test_message ("%d kills, %u things promised", KILLS / 2, n_told);
  g_assert_cmpuint (n_told, >, KILLS / 2);
}

/* What was taken up gets into the person's file though nobody goes on working. */
static void
test_saved (void)
{
  g_autofree char *path = crash_dup_path (FALSE, "saved.espalier");
  g_autoptr (GHashTable) promises = crash_promises_new ();
  guint n_told = 0, n_taken_up = 0;

  for (int i = 0; i < SAVED_KILLS; i++)
    {
      kill_once (path, promises, &n_told);
      if (g_hash_table_size (promises) > 0)
        n_taken_up += crash_check_saved (path);
      crash_check_document (path, promises, FALSE);
      crash_settle (path, promises);
    }
  g_assert_cmpuint (n_taken_up, >, 0);
  g_test_message ("%d kills, %u times work was taken up", SAVED_KILLS, n_taken_up);
}

/* --- Faults ----------------------------------------------------------------------------------- */

typedef struct
{
  const char *fault;
  gboolean in_place;
  guint moments; /* how many are tried; 0: those of a fault in any write */
} FaultCase;

/* One document for each moment, all with the same operations, so that every one is hit. */
static void
test_fault (gconstpointer data)
{
  const FaultCase *fault = data;
  const gboolean power = g_str_has_prefix (fault->fault, "power");
  const guint32 seed = 8;
  guint n = 0, step, first, n_runs = 0;
  g_autofree char *counted = crash_dup_path (fault->in_place, "count.espalier");
  g_autoptr (GHashTable) counting = crash_promises_new ();
  g_autoptr (GSubprocess) count = crash_start (counted, seed, OPERATIONS, fault->fault, 0);
  g_autofree char *count_output = crash_read_all (g_subprocess_get_stdout_pipe (count));

  g_assert_true (g_subprocess_wait_check (count, NULL, NULL));
  crash_note_all (counting, count_output, &n);
  g_assert_cmpuint (n, >, fault->moments > 0 ? 0 : 20);
  crash_check_document (counted, counting, fault->in_place);
  g_unlink (counted);

  /* Where a fault is survived and work goes on, each of the moments in which a document is made. */
  step = g_test_slow () ? 1 : MAX (1, n / FAULT_MOMENTS);
  if (fault->moments > 0)
    step = MAX (1, n / (g_test_slow () ? ALL_MOMENTS : fault->moments));
  first = power || fault->moments > 0 ? 1 + (guint) g_test_rand_int_range (0, (gint32) step) : 1;
  for (guint moment = first; moment <= n;
       moment += !power && fault->moments == 0 && moment < MAKING_MOMENTS ? 1 : step)
    {
      g_autofree char *name = g_strdup_printf ("%s %u.espalier", fault->fault, moment);
      g_autofree char *path = crash_dup_path (fault->in_place, name);
      g_autoptr (GHashTable) promises = crash_promises_new ();
      g_autoptr (GSubprocess) process = crash_start (path, seed, OPERATIONS, fault->fault, moment);
      g_autofree char *output = crash_read_all (g_subprocess_get_stdout_pipe (process));

      g_subprocess_wait (process, NULL, NULL);
      g_assert_true (g_subprocess_get_if_exited (process));
      if (g_str_has_prefix (fault->fault, "power"))
        g_assert_true (g_subprocess_get_exit_status (process) == 9
                       || g_subprocess_get_exit_status (process) == 0);
      else
        g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 0);
      crash_note_all (promises, output, NULL);
      crash_check_document (path, promises, fault->in_place);
      crash_check_folder (path);
      g_unlink (path);
      n_runs++;
    }
  g_test_message ("%s: %u of %u moments", fault->fault, n_runs, n);
}

/* --- Calls of the system ---------------------------------------------------------------------- */

typedef struct
{
  const char *call, *code; /* of fail-files.c */
  gboolean stays;
  gboolean in_place;
} CallCase;

static GSubprocess *
start_with_files (const CallCase *fault, const char *path, guint moment)
{
  g_autofree char *text = g_strdup_printf ("%u", moment);
  const char *variables[] = { "FAIL_FILES_CALL",
                              fault->call,
                              "FAIL_FILES_CODE",
                              fault->code,
                              "FAIL_FILES_MOMENT",
                              text,
                              "FAIL_FILES_IN",
                              crash_scratch,
                              fault->stays ? "FAIL_FILES_STAYS" : NULL,
                              "1",
                              NULL };

  return crash_start_with (variables, g_getenv ("FAIL_FILES_LIBRARY"), NULL, path, 8, OPERATIONS,
                           "environment", 0);
}

/* SQLite as it is, and everything that puts the person's file in place: one call of the system
 * fails, and the document is whole. */
static void
test_call (gconstpointer data)
{
  const CallCase *fault = data;
  g_autofree char *counted = crash_dup_path (fault->in_place, "calls.espalier");
  g_autoptr (GHashTable) counting = crash_promises_new ();
  g_autoptr (GSubprocess) count = start_with_files (fault, counted, 0);
  g_autofree char *count_output = crash_read_all (g_subprocess_get_stdout_pipe (count));
  guint n = 0, step, n_runs = 0;
  gboolean every;

  g_assert_true (g_subprocess_wait_check (count, NULL, NULL));
  crash_note_all (counting, count_output, &n);
  crash_check_document (counted, counting, fault->in_place);
  g_unlink (counted);
  if (n == 0)
    {
      g_test_skip ("nothing calls it here");
      return;
    }

  /* What cannot be deleted are few files, of which each is another case. */
  every = g_test_slow () || strcmp (fault->call, "unlink") == 0;
  step = MAX (1, n / (every ? ALL_MOMENTS : CALL_MOMENTS));
  for (guint moment = 1 + (guint) g_test_rand_int_range (0, (gint32) step); moment <= n;
       moment += step)
    {
      g_autofree char *name
          = g_strdup_printf ("%s %s %u.espalier", fault->call, fault->code, moment);
      g_autofree char *path = crash_dup_path (fault->in_place, name);
      g_autoptr (GHashTable) promises = crash_promises_new ();
      g_autoptr (GSubprocess) process = start_with_files (fault, path, moment);
      g_autofree char *output = crash_read_all (g_subprocess_get_stdout_pipe (process));

      g_subprocess_wait (process, NULL, NULL);
      g_assert_true (g_subprocess_get_if_exited (process));
      g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 0);
      crash_note_all (promises, output, NULL);
      crash_check_document (path, promises, fault->in_place);
      if (strcmp (fault->call, "unlink") == 0) /* what could not be deleted is there */
        crash_forget_temporaries (path);
      else if (g_file_test (path, G_FILE_TEST_EXISTS))
        crash_check_folder (path);
      g_unlink (path);
      n_runs++;
    }
  g_test_message ("%s %s: %u of %u moments", fault->call, fault->code, n_runs, n);
}

/* --- Clocks ----------------------------------------------------------------------------------- */

/* Somebody sets the clock, forward and back, and the computer sleeps, all the while. */
static void
test_clock (gconstpointer data)
{
  const char *const *variables = data;
  g_autofree char *path = crash_dup_path (FALSE, "clock.espalier");
  g_autoptr (GHashTable) promises = crash_promises_new ();

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GSubprocess) process
          = crash_start_with (variables, g_getenv ("SHIFT_CLOCK_LIBRARY"), NULL, path, (guint32) i,
                              OPERATIONS, "count", 0);
      g_autofree char *output = crash_read_all (g_subprocess_get_stdout_pipe (process));

      g_assert_true (g_subprocess_wait_check (process, NULL, NULL));
      crash_note_all (promises, output, NULL);
      crash_check_document (path, promises, FALSE);
      crash_settle (path, promises);
    }
  g_unlink (path);
}

static void
add_calls (void)
{
  static const struct
  {
    const char *call, *code, *name;
    gboolean stays;
  } calls[] = {
    { "open", "13", "forbidden", FALSE },  { "open", "24", "too-many", FALSE },
    { "write", "28", "full", TRUE },       { "write", "122", "quota", FALSE },
    { "write", "5", "error", FALSE },      { "write", "0", "short", FALSE },
    { "sync", "5", "error", FALSE },       { "rename", "5", "error", FALSE },
    { "rename", "13", "forbidden", TRUE }, { "unlink", "13", "forbidden", FALSE },
    { "truncate", "5", "error", FALSE },   { "mkdir", "30", "read-only", FALSE },
  };
  static CallCase cases[2 * G_N_ELEMENTS (calls)];
  static const char *const year[] = { "SHIFT_CLOCK_WALL", "31557600", NULL };
  static const char *const sleep[]
      = { "SHIFT_CLOCK_WALL", "30000", "SHIFT_CLOCK_STEADY", "2", "SHIFT_CLOCK_EVERY", "50", NULL };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/crash/system/%s/%s/%s", calls[i / 2].call,
                                               calls[i / 2].name, i % 2 ? "library" : "file");

      cases[i] = (CallCase){ calls[i / 2].call, calls[i / 2].code, calls[i / 2].stays, i % 2 == 1 };
      g_test_add_data_func (path, &cases[i], test_call);
    }
  g_test_add_data_func ("/crash/clock/year", year, test_clock);
  g_test_add_data_func ("/crash/clock/sleep", sleep, test_clock);
}

int
main (int argc, char **argv)
{
  static const FaultCase cases[] = {
    { "full", TRUE },       { "full", FALSE },       { "io", TRUE },
    { "io", FALSE },        { "power", TRUE },       { "power", FALSE },
    { "power-part", TRUE }, { "power-part", FALSE }, { "power-all", TRUE },
  };
  static const char *const calls[]
      = { "read", "read-corrupt", "write-short", "write-forbid", "sync",       "open",  "delete",
          "size", "lock",         "lock-busy",   "share",        "share-busy", "memory" };
  static FaultCase call_cases[2 * G_N_ELEMENTS (calls)];
  int result;

  crash_begin ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/crash/kill/library", GINT_TO_POINTER (TRUE), test_kill);
  g_test_add_data_func ("/crash/kill/file", GINT_TO_POINTER (FALSE), test_kill);
  g_test_add_func ("/crash/kill/saved", test_saved);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/crash/%s/%s", cases[i].fault,
                                               cases[i].in_place ? "library" : "file");

      g_test_add_data_func (path, &cases[i], test_fault);
    }
  for (guint i = 0; i < G_N_ELEMENTS (call_cases); i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/crash/call/%s/%s", calls[i / 2], i % 2 ? "library" : "file");

      call_cases[i] = (FaultCase){ calls[i / 2], i % 2 == 1, CALL_MOMENTS };
      g_test_add_data_func (path, &call_cases[i], test_fault);
    }
  add_calls ();
  result = g_test_run ();
  crash_end ();
  return result;
}
