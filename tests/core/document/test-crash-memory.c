/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-crash-memory.c: takes the memory away from a program that works on a document: every place
 * that asks for some has none, once. What GLib asks for ends the program, as it does in all that
 * use it; else a person is told. Whatever the document had said it had stored is there.
 *
 * Run with -m slow all places are tried, else some. CRASH_VICTIM is the program, and
 * FAIL_ALLOCATIONS_LIBRARY the library that stands in front of its malloc (). */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crash-fixture.h"
#include "fail-allocations.h"

#define SEED       8
#define OPERATIONS 12
#define FRAMES     7  /* that tell two places apart */
#define SAMPLE     24 /* places, unless all are asked for */

typedef struct
{
  char *page, *said;
  FailControl *control;
} Page;

static Page *
page_new (void)
{
  Page *self = g_new0 (Page, 1);
  int file;

  self->page = g_build_filename (crash_scratch, "page", NULL);
  self->said = g_build_filename (crash_scratch, "said", NULL);
  file = g_open (self->page, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  g_assert_cmpint (file, >=, 0);
  g_assert_cmpint (ftruncate (file, sizeof *self->control), ==, 0);
  self->control = mmap (NULL, sizeof *self->control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  g_assert_true (self->control != MAP_FAILED);
  close (file);
  self->control->frames = FRAMES;
  return self;
}

static void
page_free (Page *self)
{
  munmap (self->control, sizeof *self->control);
  g_unlink (self->page);
  g_unlink (self->said);
  g_free (self->page);
  g_free (self->said);
  g_free (self);
}

static void
arm (Page *self, FailMode mode, guint64 site, guint moment)
{
  self->control->site = site;
  self->control->moment = moment;
  self->control->struck = self->control->seen = 0;
  self->control->mode = mode;
}

/* Runs the victim to its end. Returns what it wrote; owned by the caller. */
static char *
run (Page *self, const char *path, int *status)
{
  const char *variables[] = { "FAIL_ALLOCATIONS", self->page, "FAIL_ALLOCATIONS_PROGRAM",
                              "crash-victim",     "G_SLICE", /* which else asks for many at once */
                              "always-malloc",    NULL };
  g_autoptr (GSubprocess) process = NULL;
  char *output;

  g_unlink (self->said); /* it would be written over, not anew */
  process = crash_start_with (variables, g_getenv ("FAIL_ALLOCATIONS_LIBRARY"), self->said, path,
                              SEED, OPERATIONS, "environment", 0);
  output = crash_read_all (g_subprocess_get_stdout_pipe (process));
  g_subprocess_wait (process, NULL, NULL);
  *status = g_subprocess_get_status (process);
  self->control->mode = FAIL_OFF;
  return output;
}

static GArray *
find_sites (Page *self, gboolean in_place)
{
  g_autofree char *path = crash_dup_path (in_place, "places.espalier");
  g_autoptr (GHashTable) promises = crash_promises_new ();
  g_autofree char *output = NULL;
  GArray *sites = g_array_new (FALSE, FALSE, sizeof (FailSite));
  int status;

  arm (self, FAIL_RECORD, 0, 0);
  output = run (self, path, &status);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpuint (self->control->lost, ==, 0);
  crash_note_all (promises, output, NULL);
  crash_check_document (path, promises, in_place);
  g_unlink (path);
  for (guint i = 0; i < FAIL_SITES_MAX; i++)
    if (self->control->sites[i].site != 0)
      g_array_append_val (sites, self->control->sites[i]);
  return sites;
}

/* The calls, for whoever looks for the reason. */
static char *
describe (Page *self, const FailSite *site)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < site->depth; i++)
    g_string_append_printf (text, " %s+0x%" G_GINT64_MODIFIER "x",
                            self->control->files[site->file[i]], site->address[i]);
  return g_string_free (text, FALSE);
}

/* What it wrote on standard error; owned by the caller. */
static char *
read_said (Page *self)
{
  char *said = NULL;

  g_file_get_contents (self->said, &said, NULL, NULL);
  return said != NULL ? said : g_strdup ("");
}

/* lcms 2.14 uses what it did not get. For the document that is no other end than GLib's. */
static gboolean
is_of_crashing_library (Page *self, const FailSite *site)
{
  return site->depth > 0 && g_str_has_prefix (self->control->files[site->file[0]], "liblcms2.so");
}

/* Whether it went on, or ended as a program does that GLib has ended for want of memory. */
static gboolean
ended_well (Page *self, const FailSite *site, int status)
{
  g_autofree char *said = read_said (self);

  if (WIFEXITED (status))
    return WEXITSTATUS (status) == 0;
  return is_of_crashing_library (self, site)
         || ((WTERMSIG (status) == SIGTRAP || WTERMSIG (status) == SIGABRT)
             && (strstr (said, "failed to allocate") != NULL
                 || strstr (said, "Cannot allocate memory") != NULL
                 || strstr (said, "rror creating thread") != NULL));
}

static void
try_site (Page *self, const FailSite *site, gboolean in_place, guint counts[3])
{
  g_autofree char *name = g_strdup_printf ("%" G_GINT64_MODIFIER "x.espalier", site->site);
  g_autofree char *path = crash_dup_path (in_place, name);
  g_autofree char *where = describe (self, site);
  g_autofree char *output = NULL;
  g_autoptr (GHashTable) promises = crash_promises_new ();
  int status;

  arm (self, FAIL_ONCE, site->site, 1 + (guint) g_test_rand_int_range (0, (gint32) site->count));
  output = run (self, path, &status);
  g_test_message ("%s: moment %u, %s", where, self->control->moment,
                  self->control->struck == 0 ? "not reached"
                  : status == 0              ? "went on"
                                             : "ended");
  if (!ended_well (self, site, status))
    {
      g_autofree char *said = read_said (self);

      g_error ("%s: status 0x%x\n%s\n%s", where, (guint) status, output, said);
    }
  counts[self->control->struck == 0 ? 0 : status == 0 ? 1 : 2]++;
  crash_note_all (promises, output, NULL);
  crash_check_document (path, promises, in_place);
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    crash_check_folder (path);
  g_unlink (path);
}

static void
test_memory (gconstpointer data)
{
  const gboolean in_place = GPOINTER_TO_INT (data);
  Page *page = page_new ();
  g_autoptr (GArray) sites = find_sites (page, in_place);
  guint counts[3] = { 0 };
  const guint step = g_test_slow () ? 1 : MAX (1, sites->len / SAMPLE);

  for (guint i = (guint) g_test_rand_int_range (0, (gint32) step); i < sites->len; i += step)
    try_site (page, &g_array_index (sites, FailSite, i), in_place, counts);
  g_test_message ("%u places; %u went on, %u ended, %u not reached", sites->len, counts[1],
                  counts[2], counts[0]);
  g_assert_cmpuint (counts[1] + counts[2], >, counts[0]);
  page_free (page);
}

int
main (int argc, char **argv)
{
  int result;

  crash_begin ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/crash-memory/library", GINT_TO_POINTER (TRUE), test_memory);
  g_test_add_data_func ("/crash-memory/file", GINT_TO_POINTER (FALSE), test_memory);
  result = g_test_run ();
  crash_end ();
  return result;
}
