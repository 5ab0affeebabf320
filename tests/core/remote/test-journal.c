/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal: whole records whatever happens, one process for each, nothing left behind. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include <glib/gstdio.h>

#include "esp-journal.h"

#define ROUNDS 60

static char *program;

/* The program's own comes before the C library's. AddressSanitizer wants it for itself. */
#ifndef __SANITIZE_ADDRESS__

enum
{
  WRITES,
  IS_INTERRUPTED,
  WRITES_NOTHING,
};

static _Thread_local int next_write; /* other threads write, too, if only to wake each other */

ssize_t
write (int fd, const void *bytes, size_t length)
{
  /* Whoever started this may have closed the standard input: a record may be file 0. */
  const int how = fd != STDOUT_FILENO && fd != STDERR_FILENO ? next_write : WRITES;

  if (how != WRITES)
    {
      const gboolean interrupted = how == IS_INTERRUPTED;

      next_write = WRITES;
      errno = interrupted ? EINTR : 0;
      return interrupted ? -1 : 0;
    }
  return syscall (SYS_write, fd, bytes, length);
}

static _Thread_local guint n_synced; /* a folder may be synced in a thread of its own */
static _Thread_local int sync_fails; /* the error, or 0 */

int
fsync (int fd)
{
  n_synced++;
  if (sync_fails != 0)
    {
      errno = sync_fails;
      return -1;
    }
  return (int) syscall (SYS_fsync, fd);
}

static const char *replaced_lock; /* with another file, in the moment that it is got */

int
flock (int fd, int operation)
{
  const int result = (int) syscall (SYS_flock, fd, operation);

  if (replaced_lock != NULL && result == 0 && operation != LOCK_UN)
    {
      const char *path = g_steal_pointer (&replaced_lock);

      g_assert_cmpint (g_unlink (path), ==, 0);
      g_assert_true (g_file_set_contents (path, "", 0, NULL));
    }
  return result;
}

#endif

static char *
dup_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "espalier", "jobs", NULL);
}

static guint
count_files (void)
{
  g_autofree char *folder = dup_folder ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static EspRecord *
write_new (const char *id, EspRecordState state)
{
  EspRecord *record = esp_record_new (id, "provider");
  g_autoptr (GError) error = NULL;

  json_object_set_string_member (esp_record_get_members (record), "base_url",
                                 "https://example.com");
  g_assert_true (esp_record_write (record, state, &error));
  g_assert_no_error (error);
  return record;
}

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
  g_autofree char *folder = dup_folder ();
  g_autofree char *in_the_way = g_build_filename (folder, name, NULL);
  g_autoptr (EspRecord) record = write_new (id, ESP_RECORD_PREPARING);
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
  g_autofree char *folder = dup_folder ();
  g_autofree char *path = g_build_filename (folder, name, NULL);
  EspRecord *record = write_new (id, ESP_RECORD_ACCEPTED);
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
  g_assert_cmpuint (count_files (), ==, 0);

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
  g_assert_cmpuint (count_files (), ==, 0);
}

static void
test_list (void)
{
  g_autoptr (GPtrArray) none = esp_journal_list ();
  g_autoptr (GPtrArray) records = NULL;
  g_autofree char *first = g_uuid_string_random ();
  g_autofree char *second = g_uuid_string_random ();
  g_autofree char *folder = dup_folder ();
  g_autofree char *odd = NULL;
  g_autofree char *damaged_id = g_uuid_string_random ();
  g_autofree char *damaged_name = g_strconcat (damaged_id, ".json", NULL);
  g_autofree char *damaged = g_build_filename (folder, damaged_name, NULL);
  g_autofree char *lock_name = g_strconcat (damaged_id, ".lock", NULL);
  g_autofree char *damaged_lock = g_build_filename (folder, lock_name, NULL);
  EspRecord *one, *two;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (none->len, ==, 0);
  one = write_new (first, ESP_RECORD_UNKNOWN);
  g_usleep (2000);
  two = write_new (second, ESP_RECORD_ACCEPTED);
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
      g_assert_cmpuint (count_files (), <=, 3);
      g_assert_true (esp_record_delete (record, &error));
      g_assert_cmpuint (count_files (), ==, 0);
    }
}

static void
test_two_processes (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = write_new (id, ESP_RECORD_ACCEPTED);
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

/* A list that looks at locks does not keep others from taking them. */
static void
test_looked_at (void)
{
  g_autofree char *id = g_uuid_string_random ();

  esp_record_free (write_new (id, ESP_RECORD_ACCEPTED));
  for (int i = 0; i < 500; i++)
    {
      g_autoptr (GPtrArray) records = esp_journal_list ();
      g_autoptr (GError) error = NULL;
      g_autoptr (EspRecord) record = esp_record_open (id, &error);

      g_assert_no_error (error);
      g_assert_false (esp_record_is_busy (records->pdata[0]));
      if (i == 499)
        g_assert_true (esp_record_delete (record, NULL));
    }
}

/* --- No space --------------------------------------------------------------------------------- */

static void
test_no_space (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = write_new (id, ESP_RECORD_PREPARING);
  struct rlimit before, small;
  g_autoptr (GError) error = NULL;
  gboolean written;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  small = before;
  small.rlim_cur = 64;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  written = esp_record_write (record, ESP_RECORD_SUBMITTING, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);

  g_assert_false (written);
  g_assert_nonnull (error);
  g_assert_cmpint (esp_record_get_state (record), ==, ESP_RECORD_PREPARING);
  g_clear_error (&error);

  /* What was there before still is, and nothing else. */
  esp_record_free (record);
  g_assert_cmpuint (count_files (), ==, 2);
  record = esp_record_open (id, &error);
  g_assert_no_error (error);
  g_assert_cmpint (esp_record_get_state (record), ==, ESP_RECORD_PREPARING);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

/* --- Images ----------------------------------------------------------------------------------- */

static char *
dup_beside (const char *id, const char *suffix)
{
  g_autofree char *folder = dup_folder ();
  g_autofree char *name = g_strconcat (id, suffix, NULL);

  return g_build_filename (folder, name, NULL);
}

static void
test_images (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = write_new (id, ESP_RECORD_ACCEPTED);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("an image\0!", 10);
  g_autoptr (GBytes) back = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = NULL;
  g_autofree char *second = NULL;
  g_autofree char *path = dup_beside (id, "-1.image");

  g_assert_true (esp_record_store_image (record, 0, bytes, &sha256, &error));
  g_assert_no_error (error);
  g_assert_true (esp_record_store_image (record, 1, bytes, &second, &error));
  g_assert_cmpstr (sha256, ==, second);
  g_assert_cmpuint (count_files (), ==, 4);
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
  g_assert_cmpuint (count_files (), ==, 0);
}

static void
put (const char *path, gboolean old)
{
  g_assert_true (g_file_set_contents (path, g_str_has_suffix (path, ".json") ? "" : "x", -1, NULL));
  if (old)
    {
      struct utimbuf times = { time (NULL) - 7200, time (NULL) - 7200 };

      g_assert_cmpint (g_utime (path, &times), ==, 0);
    }
}

/* What has no record goes when it is old, and nothing else does. */
static void
test_orphans (void)
{
  static const char *const suffixes[]
      = { "-0.image", "-12.image", "-3.image.new", ".json.new", ".lock", ".json" };
  g_autofree char *kept = g_uuid_string_random ();
  g_autofree char *locked = g_uuid_string_random ();
  g_autofree char *folder = dup_folder ();
  g_autofree char *kept_image = dup_beside (kept, "-0.image");
  g_autofree char *locked_image = dup_beside (locked, "-0.image");
  g_autofree char *locked_record = dup_beside (locked, ".json");
  g_autofree char *foreign = g_build_filename (folder, "notes-0.image", NULL);
  EspRecord *record = write_new (kept, ESP_RECORD_SUCCEEDED);
  EspRecord *other = write_new (locked, ESP_RECORD_PREPARING);
  guint before;

  put (kept_image, TRUE);
  put (locked_image, TRUE);
  put (foreign, TRUE);
  g_unlink (locked_record);
  before = count_files ();
  for (gsize i = 0; i < 2 * G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *id = g_uuid_string_random ();
      g_autofree char *path = dup_beside (id, suffixes[i / 2]);

      put (path, i % 2 == 0);
    }

  g_ptr_array_unref (esp_journal_list ());
  g_assert_cmpuint (count_files (), ==, before + G_N_ELEMENTS (suffixes));
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
  g_autofree char *note = dup_beside (id, "-0.image.txt");
  EspRecord *record = write_new (id, ESP_RECORD_SUCCEEDED);
  EspRecord *neighbour = write_new (other, ESP_RECORD_SUCCEEDED);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("an image", 8);
  g_autofree char *sha256 = NULL;
  g_autofree char *same = NULL;

  g_assert_true (esp_record_store_image (record, 0, bytes, &sha256, NULL));
  g_assert_true (esp_record_store_image (neighbour, 0, bytes, &same, NULL));
  put (note, FALSE);
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
      g_autofree char *path = dup_beside (id, suffixes[i]);

      put (path, TRUE);
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
  g_autofree char *path = dup_beside (id, ".json");
  g_autofree char *elsewhere = dup_beside ("elsewhere", ".json");
  EspRecord *record = write_new (id, ESP_RECORD_ACCEPTED);
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

/* A program that was started without its standard input gets that number for its first file. */
static void
test_without_input (void)
{
  g_autofree char *id = g_uuid_string_random ();
  const int kept = dup (STDIN_FILENO);
  EspRecord *record;

  close (STDIN_FILENO);
  record = write_new (id, ESP_RECORD_PREPARING);
  esp_record_free (record); /* its lock was 0, and is again */
  record = esp_record_open (id, NULL);
  g_assert_nonnull (record);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
  if (kept >= 0)
    {
      g_assert_cmpint (dup2 (kept, STDIN_FILENO), ==, STDIN_FILENO);
      close (kept);
    }
}

/* What stands in the way is named as what it is, and the record of before stays. */
static void
test_in_the_way (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *path = dup_beside (id, ".json.new");
  EspRecord *record = write_new (id, ESP_RECORD_ACCEPTED);
  g_autoptr (EspRecord) known = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  g_assert_false (esp_record_write (record, ESP_RECORD_SUCCEEDED, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  known = esp_record_peek (id);
  g_assert_cmpint (esp_record_get_state (known), ==, ESP_RECORD_ACCEPTED);

  g_rmdir (path);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

#ifndef __SANITIZE_ADDRESS__

/* A signal comes while a record is written: it is written. A disk takes nothing, without an error:
 * it is not. */
static void
test_odd_writes (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = write_new (id, ESP_RECORD_PREPARING);
  g_autoptr (EspRecord) known = NULL;
  g_autoptr (EspRecord) later = NULL;
  g_autoptr (GError) error = NULL;

  next_write = IS_INTERRUPTED;
  g_assert_true (esp_record_write (record, ESP_RECORD_SUBMITTING, &error));
  g_assert_no_error (error);
  g_assert_cmpint (next_write, ==, WRITES);
  known = esp_record_peek (id);
  g_assert_cmpint (esp_record_get_state (known), ==, ESP_RECORD_SUBMITTING);

  next_write = WRITES_NOTHING;
  g_assert_false (esp_record_write (record, ESP_RECORD_ACCEPTED, &error));
  g_assert_error (error, G_IO_ERROR, (int) g_io_error_from_errno (EIO));
  later = esp_record_peek (id);
  g_assert_cmpint (esp_record_get_state (later), ==, ESP_RECORD_SUBMITTING);

  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

#endif

/* A power failure may leave that of a record that nothing was sent for. */
static void
test_empty (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *path = dup_beside (id, ".json");
  g_autofree char *lock = dup_beside (id, ".lock");
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GError) error = NULL;

  put (path, FALSE);
  g_assert_null (esp_record_open (id, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, id));
  records = esp_journal_list ();
  g_assert_cmpuint (records->len, ==, 0);
  g_unlink (path);
  g_unlink (lock);
}

static void
replace_in_file (const char *path, const char *what, const char *with)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) parts = NULL;
  g_autofree char *changed = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  parts = g_strsplit (text, what, 2);
  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  changed = g_strjoinv (with, parts);
  g_assert_true (g_file_set_contents (path, changed, -1, NULL));
}

/* Each of them is said to be damaged, by the file's name, and stays where it is. */
static void
test_damaged (void)
{
  static const char *const changes[][2]
      = { { "\"format\" : 1", "\"format\" : 9" },
          { "\"accepted\"", "\"eaten\"" },
          { "\"id\" : \"", "\"id\" : \"0" },
          { "\"provider\" : \"provider\"", "\"provider\" : null" },
          { "}", "" },
          { "https", "\xff" } };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autofree char *id = g_uuid_string_random ();
      g_autofree char *path = dup_beside (id, ".json");
      g_autofree char *lock = dup_beside (id, ".lock");
      g_autoptr (GError) error = NULL;

      esp_record_free (write_new (id, ESP_RECORD_ACCEPTED));
      replace_in_file (path, changes[i][0], changes[i][1]);
      g_assert_null (esp_record_open (id, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
      g_assert_nonnull (strstr (error->message, id));
      g_assert_null (esp_record_peek (id));
      g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
      g_unlink (path);
      g_unlink (lock);
    }
}

/* A folder where a record or its lock should be is named; nothing is taken for what it is not. */
static void
test_folders_in_the_way (void)
{
  static const char *const suffixes[] = { ".json", ".lock" };

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *id = g_uuid_string_random ();
      g_autofree char *record = dup_beside (id, ".json");
      g_autofree char *lock = dup_beside (id, ".lock");
      g_autofree char *path = dup_beside (id, suffixes[i]);
      g_autoptr (GError) error = NULL;

      esp_record_free (write_new (id, ESP_RECORD_ACCEPTED));
      g_unlink (path);
      g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
      g_assert_null (esp_record_open (id, &error));
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, suffixes[i]));
      g_rmdir (path);
      g_unlink (record);
      g_unlink (lock);
    }
}

/* Where the folder of the records is a file there is no record: to delete one is no error. */
static void
test_no_folder (void)
{
  g_autofree char *folder = dup_folder ();
  g_autofree char *aside = g_strconcat (folder, "-aside", NULL);
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = write_new (id, ESP_RECORD_ACCEPTED);
  g_autofree char *path = dup_beside (id, ".json");
  g_autofree char *lock = dup_beside (id, ".lock");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_rename (folder, aside), ==, 0);
  g_assert_true (g_file_set_contents (folder, "", 0, NULL));
  g_assert_true (esp_record_delete (record, &error));
  g_assert_no_error (error);
  esp_record_free (record);
  g_unlink (folder);
  g_assert_cmpint (g_rename (aside, folder), ==, 0);
  g_unlink (path);
  g_unlink (lock);
}

#ifndef __SANITIZE_ADDRESS__

/* What must survive a power failure is forced to the disk, the file and its folder; what may be
 * forgotten is not waited for. A disk that cannot is an error, and the record is as it was. */
static void
test_synced (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = esp_record_new (id, "provider");
  g_autoptr (EspRecord) known = NULL;
  g_autoptr (GError) error = NULL;

  n_synced = 0;
  g_assert_true (esp_record_write (record, ESP_RECORD_PREPARING, NULL));
  g_assert_cmpuint (n_synced, ==, 0);
  g_assert_true (esp_record_write (record, ESP_RECORD_SUBMITTING, NULL));
  g_assert_cmpuint (n_synced, ==, 2);

  sync_fails = EIO;
  g_assert_false (esp_record_write (record, ESP_RECORD_ACCEPTED, &error));
  sync_fails = 0;
  g_assert_error (error, G_IO_ERROR, (int) g_io_error_from_errno (EIO));
  known = esp_record_peek (id);
  g_assert_cmpint (esp_record_get_state (known), ==, ESP_RECORD_SUBMITTING);

  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

/* Its lock is deleted and made anew in the moment that it is got: that one is taken. */
static void
test_replaced_lock (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *lock = dup_beside (id, ".lock");
  EspRecord *record;
  int fd;

  esp_record_free (write_new (id, ESP_RECORD_ACCEPTED));
  replaced_lock = lock;
  record = esp_record_open (id, NULL);
  g_assert_nonnull (record);
  g_assert_null (replaced_lock);
  fd = g_open (lock, O_RDWR | O_CLOEXEC, 0);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (flock (fd, LOCK_EX | LOCK_NB), !=, 0);
  close (fd);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

#endif

int
main (int argc, char *argv[])
{
  g_autofree char *home = NULL;
  g_autofree char *program_folder = NULL;
  g_autofree char *jobs = NULL;
  int status;

  if (argc == 4)
    {
      g_setenv ("XDG_DATA_HOME", argv[2], TRUE);
      return g_str_equal (argv[1], "--victim") ? be_victim (argv[3]) : be_holder (argv[3]);
    }

  program = argv[0];
  home = g_dir_make_tmp ("espalier-journal-XXXXXX", NULL);
  g_assert_nonnull (home);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/journal/roundtrip", test_roundtrip);
  g_test_add_func ("/journal/thread", test_thread);
  g_test_add_func ("/journal/never-written", test_never_written);
  g_test_add_func ("/journal/list", test_list);
  g_test_add_func ("/journal/killed", test_killed);
  g_test_add_func ("/journal/two-processes", test_two_processes);
  g_test_add_func ("/journal/looked-at", test_looked_at);
  g_test_add_func ("/journal/no-space", test_no_space);
  g_test_add_func ("/journal/images", test_images);
  g_test_add_func ("/journal/orphans", test_orphans);
  g_test_add_func ("/journal/empty", test_empty);
  g_test_add_func ("/journal/neighbours", test_neighbours);
  g_test_add_func ("/journal/not-ours", test_not_ours);
  g_test_add_func ("/journal/names", test_names);
  g_test_add_func ("/journal/without-input", test_without_input);
  g_test_add_func ("/journal/in-the-way", test_in_the_way);
  g_test_add_func ("/journal/damaged", test_damaged);
  g_test_add_func ("/journal/folders-in-the-way", test_folders_in_the_way);
  g_test_add_func ("/journal/no-folder", test_no_folder);
#ifndef __SANITIZE_ADDRESS__
  g_test_add_func ("/journal/odd-writes", test_odd_writes);
  g_test_add_func ("/journal/synced", test_synced);
  g_test_add_func ("/journal/replaced-lock", test_replaced_lock);
#endif
  status = g_test_run ();

  jobs = dup_folder ();
  program_folder = g_path_get_dirname (jobs);
  g_rmdir (jobs);
  g_rmdir (program_folder);
  g_rmdir (home);
  return status;
}
