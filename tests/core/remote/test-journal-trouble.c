/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal when something is wrong: disks, damaged records, what stands in the way, odd programs
 * around it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "esp-journal.h"
#include "journal-fixture.h"

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

static _Thread_local guint n_synced;
static guint n_synced_elsewhere; /* in other threads; atomic */
static _Thread_local gboolean is_main;
static _Thread_local int sync_fails; /* the error, or 0 */

int
fsync (int fd)
{
  n_synced++;
  if (!is_main)
    g_atomic_int_inc (&n_synced_elsewhere);
  if (sync_fails != 0)
    {
      errno = sync_fails;
      return -1;
    }
  return (int) syscall (SYS_fsync, fd);
}

static _Thread_local int close_fails; /* the error of the next one, or 0 */

int
close (int fd)
{
  const int result = (int) syscall (SYS_close, fd);

  if (close_fails == 0)
    return result;
  errno = close_fails;
  close_fails = 0;
  return -1;
}

static const char *replaced_lock; /* with another file, in the moment that it is got */
static int lock_fails;            /* the error, or 0 */

int
flock (int fd, int operation)
{
  const int result = lock_fails != 0 ? -1 : (int) syscall (SYS_flock, fd, operation);

  if (lock_fails != 0)
    errno = lock_fails;
  if (replaced_lock != NULL && result == 0 && operation != LOCK_UN)
    {
      const char *path = g_steal_pointer (&replaced_lock);

      g_assert_cmpint (g_unlink (path), ==, 0);
      g_assert_true (g_file_set_contents (path, "", 0, NULL));
    }
  return result;
}

#endif

/* --- No space --------------------------------------------------------------------------------- */

static void
test_no_space (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = journal_write_new (id, ESP_RECORD_PREPARING);
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
  g_assert_cmpuint (journal_count_files (), ==, 2);
  record = esp_record_open (id, &error);
  g_assert_no_error (error);
  g_assert_cmpint (esp_record_get_state (record), ==, ESP_RECORD_PREPARING);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

/* A program that was started without its standard input gets that number for its first file. */
static void
test_without_input (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *other = g_uuid_string_random ();
  EspRecord *held = journal_write_new (other, ESP_RECORD_PREPARING);
  const int kept = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  EspRecord *record;

  close (STDIN_FILENO);
  record = journal_write_new (id, ESP_RECORD_PREPARING);
  esp_record_free (record); /* its lock was 0, and is again */
  record = esp_record_open (id, NULL);
  g_assert_nonnull (record);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
  g_assert_true (esp_record_write (held, ESP_RECORD_SUBMITTING, NULL)); /* and here its file */
  g_assert_true (esp_record_delete (held, NULL));
  esp_record_free (held);
  if (kept >= 0)
    {
      g_assert_cmpint (dup2 (kept, STDIN_FILENO), ==, STDIN_FILENO);
      close (kept);
    }
}

/* Nothing remains of a record whose first writing failed, and nothing is what is made of none. */
static void
test_first_write_fails (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *path = journal_dup_beside (id, ".json.new");
  EspRecord *record = esp_record_new (id, "provider");
  g_autoptr (GError) error = NULL;
  const guint before = journal_count_files ();

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  g_assert_false (esp_record_write (record, ESP_RECORD_PREPARING, &error));
  g_assert_nonnull (error);
  g_rmdir (path);
  esp_record_free (record);
  g_assert_cmpuint (journal_count_files (), ==, before);
  esp_record_free (NULL);
}

/* What stands in the way is named as what it is, and the record of before stays. */
static void
test_in_the_way (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *record_path = journal_dup_beside (id, ".json");
  g_autofree char *path = journal_dup_beside (id, ".json.new");
  EspRecord *record = journal_write_new (id, ESP_RECORD_ACCEPTED);
  g_autoptr (EspRecord) known = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  g_assert_false (esp_record_write (record, ESP_RECORD_SUCCEEDED, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  known = esp_record_peek (id);
  g_assert_cmpint (esp_record_get_state (known), ==, ESP_RECORD_ACCEPTED);

  g_rmdir (path);
  g_unlink (record_path);
  g_assert_cmpint (g_mkdir (record_path, 0700), ==, 0);
  g_clear_error (&error);
  g_assert_false (esp_record_write (record, ESP_RECORD_SUCCEEDED, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

  g_rmdir (record_path);
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
  EspRecord *record = journal_write_new (id, ESP_RECORD_PREPARING);
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

#ifndef __SANITIZE_ADDRESS__

/* Some file systems tell only then that they had no room. */
static void
test_close_fails (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *path = journal_dup_beside (id, ".json.new");
  EspRecord *record = journal_write_new (id, ESP_RECORD_SUBMITTING);
  g_autoptr (EspRecord) known = NULL;
  g_autoptr (GError) error = NULL;

  close_fails = ENOSPC;
  g_assert_false (esp_record_write (record, ESP_RECORD_ACCEPTED, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpint (close_fails, ==, 0);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  known = esp_record_peek (id);
  g_assert_cmpint (esp_record_get_state (known), ==, ESP_RECORD_SUBMITTING);

  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

/* A file system without locks: nobody works on what somebody else may be at. */
static void
test_lock_fails (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *new_id = g_uuid_string_random ();
  g_autofree char *path = journal_dup_beside (new_id, ".json");
  g_autofree char *lock = journal_dup_beside (new_id, ".lock");
  g_autoptr (EspRecord) new = esp_record_new (new_id, "provider");
  g_autoptr (GPtrArray) records = NULL;
  EspRecord *record;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) new_error = NULL;
  gboolean is_written;

  esp_record_free (journal_write_new (id, ESP_RECORD_ACCEPTED));
  lock_fails = ENOLCK;
  record = esp_record_open (id, &error);
  records = esp_journal_list ();
  is_written = esp_record_write (new, ESP_RECORD_SUBMITTING, &new_error);
  lock_fails = 0;
  g_assert_null (record);
  g_assert_error (error, G_IO_ERROR, (int) g_io_error_from_errno (ENOLCK));
  g_assert_nonnull (strstr (error->message, id));
  g_assert_cmpuint (records->len, ==, 1);
  g_assert_false (esp_record_is_busy (records->pdata[0]));
  g_assert_false (is_written);
  g_assert_error (new_error, G_IO_ERROR, (int) g_io_error_from_errno (ENOLCK));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_unlink (lock);

  record = esp_record_open (id, NULL);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

#endif

/* A power failure may leave that of a record that nothing was sent for. */
static void
test_empty (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *path = journal_dup_beside (id, ".json");
  g_autofree char *lock = journal_dup_beside (id, ".lock");
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GError) error = NULL;

  journal_put (path, FALSE);
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
      g_autofree char *path = journal_dup_beside (id, ".json");
      g_autofree char *lock = journal_dup_beside (id, ".lock");
      g_autoptr (GError) error = NULL;

      esp_record_free (journal_write_new (id, ESP_RECORD_ACCEPTED));
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
      g_autofree char *record = journal_dup_beside (id, ".json");
      g_autofree char *lock = journal_dup_beside (id, ".lock");
      g_autofree char *path = journal_dup_beside (id, suffixes[i]);
      g_autoptr (GError) error = NULL;

      esp_record_free (journal_write_new (id, ESP_RECORD_ACCEPTED));
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
  g_autofree char *folder = journal_dup_folder ();
  g_autofree char *aside = g_strconcat (folder, "-aside", NULL);
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = journal_write_new (id, ESP_RECORD_ACCEPTED);
  g_autofree char *path = journal_dup_beside (id, ".json");
  g_autofree char *lock = journal_dup_beside (id, ".lock");
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

/* What cannot be deleted is told, and is there. */
static void
test_cannot_delete (void)
{
  g_autofree char *id = g_uuid_string_random ();
  EspRecord *record = journal_write_new (id, ESP_RECORD_ACCEPTED);
  g_autofree char *path = journal_dup_beside (id, ".json");
  g_autoptr (GError) error = NULL;

  g_unlink (path);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  g_assert_false (esp_record_delete (record, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_assert_nonnull (strstr (error->message, id));

  g_rmdir (path);
  g_assert_true (esp_record_delete (record, NULL));
  esp_record_free (record);
}

#ifndef __SANITIZE_ADDRESS__

/* What must survive a power failure is forced to the disk, the file and its folder; what may be
 * forgotten is not waited for. A disk that cannot is an error, and the record is as it was. */
static void
test_synced (void)
{
  g_autofree char *id = g_uuid_string_random ();
  guint before;
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

  /* What is done is forgotten for good, and nobody waits for that. */
  before = (guint) g_atomic_int_get (&n_synced_elsewhere);
  n_synced = 0;
  g_assert_true (esp_record_delete (record, NULL));
  g_assert_cmpuint (n_synced, ==, 0);
  for (int i = 0; i < 1000 && (guint) g_atomic_int_get (&n_synced_elsewhere) == before; i++)
    g_usleep (10000);
  g_assert_cmpuint ((guint) g_atomic_int_get (&n_synced_elsewhere), >, before);
  esp_record_free (record);
}

/* Its lock is deleted and made anew in the moment that it is got: that one is taken. */
static void
test_replaced_lock (void)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *lock = journal_dup_beside (id, ".lock");
  EspRecord *record;
  int fd;

  esp_record_free (journal_write_new (id, ESP_RECORD_ACCEPTED));
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
  int status;

  journal_set_up ();
#ifndef __SANITIZE_ADDRESS__
  is_main = TRUE;
#endif
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/journal/trouble/no-space", test_no_space);
  g_test_add_func ("/journal/trouble/without-input", test_without_input);
  g_test_add_func ("/journal/trouble/first-write-fails", test_first_write_fails);
  g_test_add_func ("/journal/trouble/in-the-way", test_in_the_way);
  g_test_add_func ("/journal/trouble/empty", test_empty);
  g_test_add_func ("/journal/trouble/damaged", test_damaged);
  g_test_add_func ("/journal/trouble/folders-in-the-way", test_folders_in_the_way);
  g_test_add_func ("/journal/trouble/no-folder", test_no_folder);
  g_test_add_func ("/journal/trouble/cannot-delete", test_cannot_delete);
#ifndef __SANITIZE_ADDRESS__
  g_test_add_func ("/journal/trouble/odd-writes", test_odd_writes);
  g_test_add_func ("/journal/trouble/close-fails", test_close_fails);
  g_test_add_func ("/journal/trouble/lock-fails", test_lock_fails);
  g_test_add_func ("/journal/trouble/synced", test_synced);
  g_test_add_func ("/journal/trouble/replaced-lock", test_replaced_lock);
#endif
  status = g_test_run ();

  journal_tear_down ();
  return status;
}
