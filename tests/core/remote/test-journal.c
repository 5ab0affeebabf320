/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal: whole records, one process for each, nothing left behind. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "esp-journal.h"
#include "journal-fixture.h"

#define ROUNDS 60

static char *program;

/* --- Records ---------------------------------------------------------------------------------- */

static void
take_result (GObject *source, GAsyncResult *result, gpointer place)
{
  *(GAsyncResult **) place = g_object_ref (result);
}

static gboolean
write_in_thread (EspRecord *record, EspRecordState state, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_record_write_async (record, state, take_result, &result);
  /* What is changed from here on is for the next time. */
  json_object_set_string_member (esp_record_get_members (record), "url", "https://example.org");
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return esp_record_write_finish (record, result, error);
}

static void
test_thread (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *name = g_strconcat (id, ".json.new", NULL);
  g_autofree char *folder = journal_dup_folder ();
  g_autofree char *in_the_way = g_build_filename (folder, name, NULL);
  g_autoptr (EspRecord) record = journal_write_new (id, ESP_RECORD_PREPARING);
  g_autoptr (EspRecord) first = NULL;
  g_autoptr (EspRecord) second = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (write_in_thread (record, ESP_RECORD_ACCEPTED, &error));
  g_assert_no_error (error);
  g_assert_cmpint (esp_record_get_state (record), ==, ESP_RECORD_ACCEPTED);
  first = esp_record_peek (id);
  g_assert_cmpint (esp_record_get_state (first), ==, ESP_RECORD_ACCEPTED);
  g_assert_false (json_object_has_member (esp_record_get_members (first), "url"));

  /* What cannot be written changes nothing. */
  g_assert_cmpint (g_mkdir (in_the_way, 0700), ==, 0);
  g_assert_false (write_in_thread (record, ESP_RECORD_SUCCEEDED, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_cmpint (g_rmdir (in_the_way), ==, 0);
  g_assert_cmpint (esp_record_get_state (record), ==, ESP_RECORD_ACCEPTED);
  second = esp_record_peek (id);
  g_assert_cmpint (esp_record_get_state (second), ==, ESP_RECORD_ACCEPTED);

  g_assert_true (esp_record_delete (record, &error));
  g_assert_no_error (error);
}

static void
test_roundtrip (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *name = g_strconcat (id, ".json", NULL);
  g_autofree char *folder = journal_dup_folder ();
  g_autofree char *path = g_build_filename (folder, name, NULL);
  EspRecord *record = journal_write_new (id, ESP_RECORD_ACCEPTED);
  g_autoptr (GError) error = NULL;
  JsonObject *captures = json_object_new ();
  gint64 created = esp_record_get_created (record);
  GStatBuf info;

  json_object_set_string_member (captures, "id", "a/b \"ü\" \n");
  json_object_set_object_member (esp_record_get_members (record), "captures", captures);
  json_object_set_double_member (esp_record_get_members (record), "price", 0.025);
  g_assert_true (esp_record_write (record, ESP_RECORD_SUCCEEDED, &error));
  esp_record_free (record);

  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0077, ==, 0);

  record = esp_record_open (id, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (esp_record_get_id (record), ==, id);
  g_assert_cmpstr (esp_record_get_provider (record), ==, "provider");
  g_assert_cmpint (esp_record_get_state (record), ==, ESP_RECORD_SUCCEEDED);
  g_assert_cmpint (esp_record_get_created (record), ==, created);
  captures = json_object_get_object_member (esp_record_get_members (record), "captures");
  g_assert_cmpstr (json_object_get_string_member (captures, "id"), ==, "a/b \"ü\" \n");
  g_assert_cmpfloat (json_object_get_double_member (esp_record_get_members (record), "price"), ==,
                     0.025);
  g_assert_false (json_object_has_member (esp_record_get_members (record), "state"));
  g_assert_true (esp_record_delete (record, &error));
  esp_record_free (record);
  g_assert_cmpuint (journal_count_files (), ==, 0);

  g_assert_null (esp_record_open (id, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (esp_record_open ("../../etc/passwd", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_never_written (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = esp_record_new (id, "provider");

  esp_record_free (record);
  g_assert_cmpuint (journal_count_files (), ==, 0);
}

static void
test_list (void)
{
  g_autoptr (GPtrArray) none = esp_journal_list ();
  g_autoptr (GPtrArray) records = NULL;
  /* By age, not by id. */
  const char *first = "ffffffff-0000-4000-8000-000000000000";
  const char *second = "00000000-0000-4000-8000-000000000000";
  const gint64 begun = g_get_real_time ();
  g_autofree char *folder = journal_dup_folder ();
  g_autofree char *odd = NULL;
  g_autofree char *damaged_id = g_uuid_string_random ();
  g_autofree char *damaged_name = g_strconcat (damaged_id, ".json", NULL);
  g_autofree char *damaged = g_build_filename (folder, damaged_name, NULL);
  g_autofree char *lock_name = g_strconcat (damaged_id, ".lock", NULL);
  g_autofree char *damaged_lock = g_build_filename (folder, lock_name, NULL);
  EspRecord *one, *two;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (none->len, ==, 0);
  one = journal_write_new (first, ESP_RECORD_UNKNOWN);
  g_usleep (2000);
  two = journal_write_new (second, ESP_RECORD_ACCEPTED);
  esp_record_free (two);

  odd = g_build_filename (folder, "notes.json", NULL);
  g_assert_true (g_file_set_contents (odd, "{}", -1, &error));
  g_assert_true (g_file_set_contents (damaged, "{\"format\": 1, \"id\":", -1, &error));
  g_assert_null (esp_record_open (damaged_id, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, damaged_id));

  records = esp_journal_list ();
  g_assert_cmpuint (records->len, ==, 2);
  g_assert_cmpstr (esp_record_get_id (records->pdata[0]), ==, first);
  g_assert_true (esp_record_is_busy (records->pdata[0]));
  g_assert_cmpint (esp_record_get_created (records->pdata[0]), >=, begun);
  g_assert_cmpint (esp_record_get_created (records->pdata[1]), <=, g_get_real_time ());
  g_assert_cmpstr (esp_record_get_id (records->pdata[1]), ==, second);
  g_assert_false (esp_record_is_busy (records->pdata[1]));

  g_assert_true (esp_record_delete (one, NULL));
  esp_record_free (one);
  two = esp_record_open (second, NULL);
  g_assert_true (esp_record_delete (two, NULL));
  esp_record_free (two);
  g_unlink (odd);
  g_unlink (damaged);
  g_unlink (damaged_lock);
}

/* --- Processes -------------------------------------------------------------------------------- */

static GSubprocess *
start (const char *what, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDataInputStream) lines = NULL;
  g_autofree char *line = NULL;
  GSubprocess *process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, what,
                                           g_get_user_data_dir (), id, NULL);

  g_assert_no_error (error);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (lines), FALSE);
  line = g_data_input_stream_read_line (lines, NULL, NULL, &error);
  g_assert_cmpstr (line, ==, "ready");
  return process;
}

static void
kill_process (GSubprocess *process)
{
  g_subprocess_send_signal (process, SIGKILL);
  g_subprocess_wait (process, NULL, NULL);
}

/* Writes and writes, until it is killed. */
static int
be_victim (const char *id)
{
  EspRecord *record = esp_record_new (id, "provider");
  g_autoptr (GString) filling = g_string_new (NULL);

  for (gint64 i = 0;; i++)
    {
      JsonObject *members = esp_record_get_members (record);

      g_string_set_size (filling, 0);
      for (gint64 j = 0; j < (i * 37) % 20000; j++)
        g_string_append_c (filling, (char) ('a' + i % 26));
      json_object_set_int_member (members, "round", i);
      json_object_set_string_member (members, "filling", filling->str);
      if (!esp_record_write (record, i % 2 == 0 ? ESP_RECORD_SUBMITTING : ESP_RECORD_ACCEPTED,
                             NULL))
        return 1;
      if (i == 0)
        {
          printf ("ready\n");
          fflush (stdout);
        }
    }
}

static int
be_holder (const char *id)
{
  g_autoptr (EspRecord) record = esp_record_open (id, NULL);

  if (record == NULL)
    return 1;
  printf ("ready\n");
  fflush (stdout);
  pause ();
  return 0;
}

static void
test_killed (void)
{
  for (int round = 0; round < ROUNDS; round++)
    {
      g_autofree char *id = g_uuid_string_random ();
      g_autoptr (GSubprocess) victim = start ("--victim", id);
      g_autoptr (GError) error = NULL;
      g_autoptr (EspRecord) record = NULL;
      JsonObject *members;
      const char *filling;
      gint64 i;

      g_usleep ((gulong) g_test_rand_int_range (0, 30000));
      kill_process (victim);

      record = esp_record_open (id, &error);
      g_assert_no_error (error);
      members = esp_record_get_members (record);
      i = json_object_get_int_member (members, "round");
      filling = json_object_get_string_member (members, "filling");
      g_assert_cmpuint (strlen (filling), ==, (gsize) ((i * 37) % 20000));
      g_assert_cmpint (esp_record_get_state (record), ==,
                       i % 2 == 0 ? ESP_RECORD_SUBMITTING : ESP_RECORD_ACCEPTED);

      /* The record, its lock, and at most one that was begun. */
      g_assert_cmpuint (journal_count_files (), <=, 3);
      g_assert_true (esp_record_delete (record, &error));
      g_assert_cmpuint (journal_count_files (), ==, 0);
    }
}

static void
test_two_processes (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = journal_write_new (id, ESP_RECORD_ACCEPTED);
  g_autoptr (GSubprocess) holder = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records = NULL;

  /* Not even within one process twice. */
  g_assert_null (esp_record_open (id, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  esp_record_free (record);

  holder = start ("--holder", id);
  g_assert_null (esp_record_open (id, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  records = esp_journal_list ();
  g_assert_cmpuint (records->len, ==, 1);
  g_assert_true (esp_record_is_busy (records->pdata[0]));

  kill_process (holder);
  record = esp_record_open (id, &error);
  g_assert_no_error (error);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

static gpointer
let_go_soon (gpointer data)
{
  g_usleep (30000);
  esp_record_free (data);
  return NULL;
}

/* Whoever only has it for a moment is waited for. */
static void
test_held_for_a_moment (void)
{
  g_autofree char *id = g_uuid_string_random ();
  GThread *holder
      = g_thread_new ("holder", let_go_soon, journal_write_new (id, ESP_RECORD_ACCEPTED));
  g_autoptr (GError) error = NULL;
  EspRecord *record = esp_record_open (id, &error);

  g_thread_join (holder);
  g_assert_no_error (error);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

/* A list that looks at locks does not keep others from taking them. */
static void
test_looked_at (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *path = journal_dup_beside (id, ".json");
  g_autofree char *lock = journal_dup_beside (id, ".lock");
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GError) error = NULL;

  esp_record_free (journal_write_new (id, ESP_RECORD_ACCEPTED));
  for (int i = 0; i < 500; i++)
    {
      g_autoptr (GPtrArray) listed = esp_journal_list ();
      g_autoptr (EspRecord) record = esp_record_open (id, &error);

      g_assert_no_error (error);
      g_assert_false (esp_record_is_busy (listed->pdata[0]));
      if (i == 499)
        g_assert_true (esp_record_delete (record, NULL));
    }

  /* Without its lock nobody is at it; without its record there is none. */
  esp_record_free (journal_write_new (id, ESP_RECORD_ACCEPTED));
  g_assert_cmpint (g_unlink (lock), ==, 0);
  records = esp_journal_list ();
  g_assert_cmpuint (records->len, ==, 1);
  g_assert_false (esp_record_is_busy (records->pdata[0]));
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_null (esp_record_open (id, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, id));
  g_unlink (lock);
}

/* --- Images ----------------------------------------------------------------------------------- */

static void
test_images (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = journal_write_new (id, ESP_RECORD_ACCEPTED);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("an image\0!", 10);
  g_autoptr (GBytes) back = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = NULL;
  g_autofree char *second = NULL;
  g_autofree char *path = journal_dup_beside (id, "-1.image");

  g_assert_true (esp_record_store_image (record, 0, bytes, &sha256, &error));
  g_assert_no_error (error);
  g_assert_true (esp_record_store_image (record, 1, bytes, &second, &error));
  g_assert_cmpstr (sha256, ==, second);
  g_assert_cmpuint (journal_count_files (), ==, 4);
  g_assert_true (esp_record_has_image (record, 1));
  g_assert_false (esp_record_has_image (record, 2));
  back = esp_record_load_image (record, 0, sha256, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (bytes, back));

  g_assert_true (g_file_set_contents (path, "an image", -1, NULL));
  g_assert_null (esp_record_load_image (record, 1, sha256, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&error);
  g_assert_null (esp_record_load_image (record, 2, sha256, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);

  g_assert_true (esp_record_delete (record, &error));
  esp_record_free (record);
  g_assert_cmpuint (journal_count_files (), ==, 0);
}

static guint
count_open (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* What has no record goes when it is old, and nothing else does. */
static void
test_orphans (void)
{
  static const char *const suffixes[]
      = { "-0.image", "-12.image", "-3.image.new", ".json.new", ".lock", ".json" };
  g_autofree char *kept = g_uuid_string_random ();
  g_autofree char *locked = g_uuid_string_random ();
  g_autofree char *folder = journal_dup_folder ();
  g_autofree char *kept_image = journal_dup_beside (kept, "-0.image");
  g_autofree char *locked_image = journal_dup_beside (locked, "-0.image");
  g_autofree char *locked_record = journal_dup_beside (locked, ".json");
  g_autofree char *foreign = g_build_filename (folder, "notes-0.image", NULL);
  EspRecord *record = journal_write_new (kept, ESP_RECORD_SUCCEEDED);
  EspRecord *other = journal_write_new (locked, ESP_RECORD_PREPARING);
  guint before, n_open;

  journal_put (kept_image, TRUE);
  journal_put (locked_image, TRUE);
  journal_put (foreign, TRUE);
  g_unlink (locked_record);
  before = journal_count_files ();
  for (gsize i = 0; i < 2 * G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *id = g_uuid_string_random ();
      g_autofree char *path = journal_dup_beside (id, suffixes[i / 2]);

      journal_put (path, i % 2 == 0);
    }

  n_open = count_open ();
  g_ptr_array_unref (esp_journal_list ());
  /* What another thread forces to the disk is open for a moment, too. */
  for (int i = 0; i < 1000 && count_open () > n_open; i++)
    g_usleep (10000);
  g_assert_cmpuint (count_open (), <=, n_open);
  g_assert_cmpuint (journal_count_files (), ==, before + G_N_ELEMENTS (suffixes));
  g_assert_true (g_file_test (kept_image, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (locked_image, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (foreign, G_FILE_TEST_EXISTS));

  /* With its lock free, it goes, too. */
  esp_record_free (other);
  g_ptr_array_unref (esp_journal_list ());
  g_assert_false (g_file_test (locked_image, G_FILE_TEST_EXISTS));

  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
  {
    g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name (dir)) != NULL)
      {
        g_autofree char *path = g_build_filename (folder, name, NULL);

        g_unlink (path);
      }
  }
}

/* What is removed with a record is that record's. */
static void
test_neighbours (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *other = g_uuid_string_random ();
  g_autofree char *note = journal_dup_beside (id, "-0.image.txt");
  EspRecord *record = journal_write_new (id, ESP_RECORD_SUCCEEDED);
  EspRecord *neighbour = journal_write_new (other, ESP_RECORD_SUCCEEDED);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("an image", 8);
  g_autofree char *sha256 = NULL;
  g_autofree char *same = NULL;

  g_assert_true (esp_record_store_image (record, 0, bytes, &sha256, NULL));
  g_assert_true (esp_record_store_image (neighbour, 0, bytes, &same, NULL));
  journal_put (note, FALSE);
  g_assert_true (esp_record_delete (record, NULL));
  g_assert_false (esp_record_has_image (record, 0));
  g_assert_true (esp_record_has_image (neighbour, 0));
  g_assert_true (g_file_test (note, G_FILE_TEST_EXISTS));

  g_assert_true (esp_record_delete (neighbour, NULL));
  esp_record_free (record);
  esp_record_free (neighbour);
  g_unlink (note);
}

/* Files with the look of ours that are not stay, however old. */
static void
test_not_ours (void)
{
  static const char *const suffixes[]
      = { "", ".txt", "-x.image", "-.image", "_0.image", "-0.images" };

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *id = g_uuid_string_random ();
      g_autofree char *path = journal_dup_beside (id, suffixes[i]);

      journal_put (path, TRUE);
      g_ptr_array_unref (esp_journal_list ());
      g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
      g_unlink (path);
    }
}

/* An id comes from documents, too: no other file is opened by it. */
static void
test_names (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *path = journal_dup_beside (id, ".json");
  g_autofree char *elsewhere = journal_dup_beside ("elsewhere", ".json");
  EspRecord *record = journal_write_new (id, ESP_RECORD_ACCEPTED);
  g_autoptr (EspRecord) known = esp_record_peek (id);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (known);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_true (g_file_set_contents (elsewhere, text, -1, NULL));
  g_assert_null (esp_record_peek ("elsewhere"));
  g_assert_null (esp_record_open ("elsewhere", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "elsewhere"));

  g_unlink (elsewhere);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

int
main (int argc, char *argv[])
{
  int status;

  if (argc == 4)
    {
      g_setenv ("XDG_DATA_HOME", argv[2], TRUE);
      return g_str_equal (argv[1], "--victim") ? be_victim (argv[3]) : be_holder (argv[3]);
    }

  program = argv[0];
  journal_set_up ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/journal/roundtrip", test_roundtrip);
  g_test_add_func ("/journal/thread", test_thread);
  g_test_add_func ("/journal/never-written", test_never_written);
  g_test_add_func ("/journal/list", test_list);
  g_test_add_func ("/journal/killed", test_killed);
  g_test_add_func ("/journal/two-processes", test_two_processes);
  g_test_add_func ("/journal/looked-at", test_looked_at);
  g_test_add_func ("/journal/held-for-a-moment", test_held_for_a_moment);
  g_test_add_func ("/journal/images", test_images);
  g_test_add_func ("/journal/orphans", test_orphans);
  g_test_add_func ("/journal/neighbours", test_neighbours);
  g_test_add_func ("/journal/not-ours", test_not_ours);
  g_test_add_func ("/journal/names", test_names);
  status = g_test_run ();
  journal_tear_down ();
  return status;
}
