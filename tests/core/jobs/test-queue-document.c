/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of the queue outlives a window, a process and a full disk; and many turns. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/sanitized.h"
#include "jobs-fixture.h"

#define N_TURNS 500

/* Growth over N_TURNS turns, after the first ones: the pictures alone would be five times this. */
#define MAX_GROWTH_KIB (24 * 1024)

/* --- Closing and opening ---------------------------------------------------------------------- */

static void
reopen (JobsFixture *self)
{
  g_autoptr (GFile) file = g_object_ref (esp_document_get_file (self->document));

  jobs_close_document (self->document);
  g_object_unref (self->document);
  self->document = jobs_open_document (file);
  self->photo = esp_document_get_node (self->document, 1);
}

static void
test_suspend (JobsFixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) left = NULL;
  EspNode *b;

  jobs_add (self, "a");
  jobs_add (self, "b");
  jobs_add (self, "c");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  esp_queue_suspend_document (self->queue, self->document);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  g_assert_cmpstr (self->finished->str, ==, "");
  g_assert_cmpint (esp_node_get_state (esp_document_get_node (self->document, 2)), ==,
                   ESP_NODE_QUEUED);

  /* The next time they are offered again. */
  reopen (self);
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (esp_node_get_state (g_ptr_array_index (left, i)), ==, ESP_NODE_QUEUED);

  b = g_ptr_array_index (left, 1);
  {
    g_autoptr (GPtrArray) one = g_ptr_array_new ();

    g_ptr_array_add (one, b);
    esp_queue_dismiss (self->queue, self->document, one);
    jobs_wait (esp_node_get_state (b) == ESP_NODE_CANCELLED);
  }

  g_ptr_array_unref (left);
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 2);
  fake_backend_set_stepped (self->fake, FALSE);
  esp_queue_take_up (self->queue, self->document, left);
  g_ptr_array_unref (left);
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 0);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  g_assert_cmpstr (self->finished->str, ==, "a:done c:done");
}

/* A window that closes does not wait for what it stops. */
static void
test_suspend_and_close (JobsFixture *self, gconstpointer data)
{
  g_autoptr (EspDocument) closed = NULL;
  g_autoptr (GPtrArray) left = NULL;

  jobs_add (self, "a");
  jobs_add (self, "b");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  esp_queue_suspend_document (self->queue, self->document);
  closed = g_object_ref (self->document);
  reopen (self);
  jobs_wait (!esp_queue_has_document (self->queue, closed));

  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 2);
  fake_backend_set_stepped (self->fake, FALSE);
  esp_queue_take_up (self->queue, self->document, left);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  g_assert_cmpstr (self->finished->str, ==, "a:done b:done");
}

/* A backend that does not let go in time: what it made after all is kept. */
static void
test_suspend_stubborn (JobsFixture *self, gconstpointer data)
{
  EspNode *a = jobs_add (self, "a");

  fake_backend_set_stubborn (self->fake, TRUE);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  esp_queue_suspend_document (self->queue, self->document);
  jobs_settle (self);
  g_assert_true (esp_queue_has_document (self->queue, self->document));
  fake_backend_finish (self->fake, "a");
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_DONE);
}

/* What came when the document was closed is not kept from others who might go on with it. */
static void
test_suspend_too_late (JobsFixture *self, gconstpointer data)
{
  g_autoptr (EspDocument) closed = NULL;
  g_autoptr (GPtrArray) left = NULL;

  fake_backend_set_remote (self->fake, TRUE);
  fake_backend_set_stubborn (self->fake, TRUE);
  jobs_add (self, "a");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  esp_queue_suspend_document (self->queue, self->document);
  closed = g_object_ref (self->document);
  reopen (self);
  g_assert_cmpuint (fake_backend_get_released (self->fake)->len, ==, 0);
  fake_backend_finish (self->fake, "a");
  jobs_wait (!esp_queue_has_document (self->queue, closed));

  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 1);
  g_assert_cmpuint (fake_backend_get_released (self->fake)->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (fake_backend_get_released (self->fake), 0), ==,
                   esp_node_get_remote_job (g_ptr_array_index (left, 0)));
  g_assert_cmpuint (fake_backend_get_settled (self->fake)->len, ==, 0);
}

/* Providers are told which turns the document has and which are still open, so that what they keep
 * of the others can go. */
static void
test_tidy (JobsFixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) left = NULL;
  g_autofree char *told = NULL;

  fake_backend_set_remote (self->fake, TRUE);
  jobs_add (self, "a");
  jobs_add (self, "b");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  fake_backend_finish (self->fake, "a");
  jobs_wait (fake_backend_is_running (self->fake, "b"));
  esp_queue_suspend_document (self->queue, self->document);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  reopen (self);
  g_assert_cmpstr (fake_backend_get_tidied (self->fake), ==, "");
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 1);
  told = g_strdup_printf ("1 done, 1 open in %s;", esp_document_get_title (self->document));
  g_assert_cmpstr (fake_backend_get_tidied (self->fake), ==, told);
}

/* Runs in a process of its own, and is killed in the middle of a turn. */
static void
run_until_killed (const char *path)
{
  JobsFixture self = { .registry = esp_registry_new (), .fake = fake_backend_new ("fake", 1) };
  g_autoptr (GFile) file = g_file_new_for_path (path);

  fake_backend_set_stepped (self.fake, TRUE);
  fake_backend_set_remote (self.fake, TRUE);
  esp_registry_add (self.registry, ESP_BACKEND (self.fake));
  self.queue = esp_queue_new (self.registry);
  self.document = jobs_open_document (file);
  self.photo = esp_document_get_node (self.document, 1);
  jobs_add (&self, "a");
  jobs_add (&self, "b");
  jobs_wait (fake_backend_is_running (self.fake, "a"));
  kill (getpid (), SIGKILL);
}

static void
test_killed (JobsFixture *self, gconstpointer data)
{
  g_autoptr (GFile) file = g_object_ref (esp_document_get_file (self->document));
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GPtrArray) left = NULL;
  g_autoptr (GError) error = NULL;
  const char *argv[] = { program, "--until-killed", g_file_peek_path (file), NULL };
  g_autofree char *job = NULL;
  int status;

  jobs_close_document (self->document);
  g_clear_object (&self->document);
  environment = g_environ_setenv (environment, "XDG_DATA_HOME", g_get_user_data_dir (), TRUE);
  g_assert_true (
      g_spawn_sync (NULL, (char **) argv, environment, 0, NULL, NULL, NULL, NULL, &status, &error));
  g_assert_no_error (error);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);

  self->document = jobs_open_document (file);
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 2);
  g_assert_cmpint (esp_node_get_state (g_ptr_array_index (left, 0)), ==, ESP_NODE_RUNNING);
  g_assert_cmpint (esp_node_get_state (g_ptr_array_index (left, 1)), ==, ESP_NODE_QUEUED);

  job = g_strdup (esp_node_get_remote_job (g_ptr_array_index (left, 0)));
  g_assert_true (g_uuid_string_is_valid (job));
  fake_backend_set_remote (self->fake, TRUE);
  /* It runs no longer while another one does. */
  self->photo = esp_document_get_node (self->document, 1);
  jobs_add (self, "z");
  jobs_wait (fake_backend_is_running (self->fake, "z"));
  esp_queue_take_up (self->queue, self->document, left);
  jobs_wait (esp_node_get_state (g_ptr_array_index (left, 0)) == ESP_NODE_QUEUED);
  fake_backend_finish (self->fake, "z");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_cmpstr (fake_backend_get_remote_job (self->fake), ==, job);
  g_assert_true (fake_backend_get_resumed (self->fake));
  fake_backend_set_stepped (self->fake, FALSE);
  fake_backend_finish (self->fake, "a");
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  g_assert_cmpstr (self->finished->str, ==, "z:done a:done b:done");
}

/* --- A full disk ------------------------------------------------------------------------------ */

static void
limit_files (rlim_t size)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = size;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static GPtrArray *
list_rescued (void)
{
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "espalier", "rescued", NULL);
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  return paths;
}

/* A picture that the document cannot take is put beside it; storing it is tried again without
 * making it again. `data`: is there room for the file? */
static void
test_disk_full (JobsFixture *self, gconstpointer data)
{
  gboolean has_room = GPOINTER_TO_INT (data);
  g_autoptr (GPtrArray) rescued = NULL;
  g_autoptr (GBytes) image = NULL;
  g_autofree char *contents = NULL;
  gsize size = 0;
  EspNode *a;

  signal (SIGXFSZ, SIG_IGN);
  /* Noise: about a megabyte and a half as PNG, and more in the database's log. */
  fake_backend_set_side (self->fake, 720);
  a = jobs_add (self, "a");
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  jobs_settle (self);

  limit_files (has_room ? 720 * 720 * 3 + 8000 : 1000000);
  fake_backend_finish (self->fake, "a");
  jobs_wait (self->finished->len > 0);
  limit_files (RLIM_INFINITY);
  g_assert_cmpstr (self->finished->str, ==, "a:failed");
  g_assert_false (esp_node_has_image (a));

  rescued = list_rescued ();
  g_assert_cmpuint (rescued->len, ==, has_room);
  if (has_room)
    {
      g_assert_true (g_file_get_contents (g_ptr_array_index (rescued, 0), &contents, &size, NULL));
      g_assert_true (g_str_has_suffix (g_ptr_array_index (rescued, 0), ".png"));
      g_assert_cmpint (g_unlink (g_ptr_array_index (rescued, 0)), ==, 0);
    }

  esp_queue_retry (self->queue, self->document, a);
  jobs_wait (esp_node_get_state (a) == ESP_NODE_DONE);
  jobs_settle (self);
  g_assert_cmpstr (self->finished->str, ==, "a:failed a:done");
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 1);
  image = jobs_load_image (self->document, a);
  if (has_room)
    g_assert_cmpmem (contents, size, g_bytes_get_data (image, NULL), g_bytes_get_size (image));
}

static void
set_stars (EspDocument *document, EspNode *node, int stars)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_add (nodes, node);
  esp_document_set_stars_async (document, nodes, stars, NULL, NULL, NULL);
  jobs_wait (esp_node_get_stars (node) == stars);
}

static void
on_node_changed (EspNode *node, EspNodeChange change, gboolean *changed)
{
  *changed = TRUE;
}

/* Not even that a turn begins can be stored, nor that it failed. */
static void
test_disk_full_at_once (JobsFixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) left = NULL;
  gboolean changed = FALSE;
  EspNode *a, *b;
  gulong handler;

  signal (SIGXFSZ, SIG_IGN);
  a = jobs_add (self, "a");
  limit_files (4096);
  jobs_wait (self->finished->len > 0);
  g_assert_cmpstr (self->finished->str, ==, "a:failed");
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_FAILED);
  g_assert_nonnull (esp_node_get_message (a));
  g_assert_null (esp_node_get_progress (a));

  /* Nor can it be queued again; then there is space. */
  handler = g_signal_connect (a, "changed", G_CALLBACK (on_node_changed), &changed);
  esp_queue_retry (self->queue, self->document, a);
  jobs_wait (changed);
  g_signal_handler_disconnect (a, handler);
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_FAILED);
  limit_files (RLIM_INFINITY);
  set_stars (self->document, a, 3);
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_FAILED);
  esp_queue_retry (self->queue, self->document, a);
  jobs_wait (fake_backend_is_running (self->fake, "a"));
  g_assert_cmpint (esp_node_get_state (a), ==, ESP_NODE_RUNNING);
  g_assert_null (esp_node_get_message (a));
  fake_backend_finish (self->fake, "a");
  jobs_wait (esp_node_get_state (a) == ESP_NODE_DONE);
  jobs_settle (self);

  /* Another one is offered at the next start. */
  b = jobs_add (self, "b");
  limit_files (4096);
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
  limit_files (RLIM_INFINITY);
  g_assert_cmpint (esp_node_get_state (b), ==, ESP_NODE_FAILED);
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 0);
  g_ptr_array_unref (left);
  reopen (self);
  left = esp_queue_dup_left_over (self->queue, self->document);
  g_assert_cmpuint (left->len, ==, 1);
}

/* --- Many ------------------------------------------------------------------------------------- */

static guint64
get_rss_kib (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "VmRSS:");
  g_assert_nonnull (line);
  return g_ascii_strtoull (line + strlen ("VmRSS:"), NULL, 10);
}

static void
run_many (JobsFixture *self, guint from, guint to)
{
  for (guint i = from; i < to; i++)
    {
      g_autofree char *prompt = g_strdup_printf ("turn-%u", i);

      jobs_add (self, prompt);
    }
  jobs_wait (!esp_queue_has_document (self->queue, self->document));
}

static void
test_many (JobsFixture *self, gconstpointer data)
{
  guint64 before, after;

  /* Each picture is about 250 KB: 120 MB in all. */
  fake_backend_set_side (self->fake, 290);
  fake_backend_set_stepped (self->fake, FALSE);
  run_many (self, 0, 50);
  before = get_rss_kib ();
  run_many (self, 50, 50 + N_TURNS);
  after = get_rss_kib ();

  g_test_message ("RSS after 50 turns %" G_GUINT64_FORMAT " KiB, after %d more %" G_GUINT64_FORMAT
                  " KiB",
                  before, N_TURNS, after);
  g_assert_cmpuint (fake_backend_get_n_begun (self->fake), ==, 50 + N_TURNS);
#if !ESP_SANITIZED /* which keep what was freed, and notes of every byte that was touched */
  g_assert_cmpuint (after, <, before + MAX_GROWTH_KIB);
#endif
}

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "--until-killed"))
    run_until_killed (argv[2]);

  jobs_init (&argc, &argv);

  g_test_add ("/jobs/document/suspend", JobsFixture, NULL, jobs_set_up, test_suspend,
              jobs_tear_down);
  g_test_add ("/jobs/document/suspend-and-close", JobsFixture, NULL, jobs_set_up,
              test_suspend_and_close, jobs_tear_down);
  g_test_add ("/jobs/document/suspend-stubborn", JobsFixture, NULL, jobs_set_up,
              test_suspend_stubborn, jobs_tear_down);
  g_test_add ("/jobs/document/suspend-too-late", JobsFixture, NULL, jobs_set_up,
              test_suspend_too_late, jobs_tear_down);
  g_test_add ("/jobs/document/tidy", JobsFixture, NULL, jobs_set_up, test_tidy, jobs_tear_down);
  g_test_add ("/jobs/document/killed", JobsFixture, NULL, jobs_set_up, test_killed, jobs_tear_down);
  g_test_add ("/jobs/document/disk-full", JobsFixture, GINT_TO_POINTER (TRUE), jobs_set_up,
              test_disk_full, jobs_tear_down);
  g_test_add ("/jobs/document/disk-full-at-once", JobsFixture, NULL, jobs_set_up,
              test_disk_full_at_once, jobs_tear_down);
  g_test_add ("/jobs/document/disk-very-full", JobsFixture, GINT_TO_POINTER (FALSE), jobs_set_up,
              test_disk_full, jobs_tear_down);
  g_test_add ("/jobs/document/many", JobsFixture, NULL, jobs_set_up, test_many, jobs_tear_down);

  return jobs_run ();
}
