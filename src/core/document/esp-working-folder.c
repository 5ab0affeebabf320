/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-working-folder.c: locks, states and working databases. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-working-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "esp-file-copy.h"

#define DATABASE "document.db"
#define LOCK     "lock"
#define STATE    "state"
#define LOOK     "look.db"

/* Is there when it is so. */
#define VIEW_ONLY "view-only"

static gboolean
fail (GError **error, EspDocumentError code, const char *format, const char *name)
{
  /* The formats are literals of this file, each with one %s. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  g_set_error (error, ESP_DOCUMENT_ERROR, (int) code, format, name);
#pragma GCC diagnostic pop
  return FALSE;
}

static char *
dup_base (void)
{
  return g_build_filename (g_get_user_data_dir (), "espalier", "working", NULL);
}

/* `path` without symbolic links; its last part need not exist. */
static char *
resolve (const char *path, const char *name, GError **error)
{
  g_autofree char *folder = NULL, *base = NULL;
  char *real = realpath (path, NULL), *result;
  struct stat status;

  if (real == NULL && errno == ENOENT && lstat (path, &status) != 0)
    {
      folder = g_path_get_dirname (path);
      base = g_path_get_basename (path);
      real = realpath (folder, NULL);
      if (real != NULL)
        {
          result = g_build_filename (real, base, NULL);
          free (real);
          return result;
        }
    }
  if (real == NULL)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN,
                   _ ("“%s” cannot be opened (%s)"), name, g_strerror (errno));
      return NULL;
    }
  result = g_strdup (real);
  free (real);
  return result;
}

static gboolean
check_type (const char *path, const char *name, GError **error)
{
  struct stat status;

  if (stat (path, &status) != 0)
    return errno == ENOENT
           || fail (error, ESP_DOCUMENT_ERROR_OPEN, _ ("“%s” cannot be opened"), name);
  if (S_ISDIR (status.st_mode))
    return fail (error, ESP_DOCUMENT_ERROR_OPEN, _ ("“%s” is a folder"), name);
  if (!S_ISREG (status.st_mode))
    return fail (error, ESP_DOCUMENT_ERROR_OPEN, _ ("“%s” is no file"), name);
  return TRUE;
}

static gboolean
is_in_library (const char *path)
{
  g_autofree char *library
      = g_build_filename (g_get_user_data_dir (), "espalier", "documents", NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  char *real = realpath (library, NULL);
  const gboolean is = real != NULL && strcmp (real, folder) == 0;

  free (real);
  return is;
}

EspWorkingFolder *
_esp_working_folder_new (GFile *file, GError **error)
{
  g_autoptr (EspWorkingFolder) self = g_new0 (EspWorkingFolder, 1);
  g_autofree char *path = g_file_get_path (file);
  g_autofree char *base_name = g_file_get_basename (file);
  g_autofree char *base = dup_base ();
  g_autofree char *uri = NULL;
  g_autofree char *key = NULL;

  self->lock = -1;
  self->file = g_object_ref (file);
  self->name = g_filename_display_name (base_name != NULL ? base_name : "?");
  if (path != NULL)
    {
      self->path = resolve (path, self->name, error);
      if (self->path == NULL || !check_type (self->path, self->name, error))
        return NULL;
      self->in_library = is_in_library (self->path);
      uri = g_filename_to_uri (self->path, NULL, error);
      if (uri == NULL)
        return NULL;
    }
  else
    uri = g_file_get_uri (file);
  key = g_compute_checksum_for_string (G_CHECKSUM_SHA256, uri, -1);
  self->folder = g_build_filename (base, key, NULL);
  self->database = g_build_filename (self->folder, DATABASE, NULL);
  return g_steal_pointer (&self);
}

/* Only the holder of the lock may do this. Others may be waiting with the file open: they see
 * afterwards that it is no longer the one at its path (open_lock ()). */
static void
remove_if_empty (const char *folder)
{
  g_autofree char *lock = g_build_filename (folder, LOCK, NULL);
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  const char *name;

  if (entries == NULL)
    return;
  while ((name = g_dir_read_name (entries)) != NULL)
    {
      if (strcmp (name, LOCK) != 0)
        return;
    }
  g_unlink (lock);
  g_rmdir (folder);
}

void
_esp_working_folder_free (EspWorkingFolder *self)
{
  if (self == NULL)
    return;
  if (self->lock >= 0)
    {
      remove_if_empty (self->folder);
      close (self->lock);
    }
  g_clear_object (&self->file);
  g_free (self->name);
  g_free (self->path);
  g_free (self->folder);
  g_free (self->database);
  g_free (self);
}

static GPid
read_holder (int fd)
{
  char text[32] = "";
  const ssize_t n = pread (fd, text, sizeof text - 1, 0);

  return n > 0 ? (GPid) g_ascii_strtoll (text, NULL, 10) : 0;
}

/* A process that was killed while it started another one leaves its locks to that until the other
 * program has begun: some milliseconds. */
#define LOCK_PAUSE 5000 /* µs */

static gboolean
is_gone (GPid holder)
{
  return holder > 0 && kill (holder, 0) != 0 && errno == ESRCH;
}

/* The lock's descriptor; -1: someone has it, or `error`. */
static int
take_lock (const char *folder, GPid *holder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, LOCK, NULL);

  for (int attempt = 0; attempt < 100; attempt++)
    {
      struct stat ours, there;
      g_autofree char *pid = NULL;
      int fd;

      if (g_mkdir_with_parents (folder, 0700) != 0)
        break;
      fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
      if (fd < 0 && errno == ENOENT)
        continue; /* the folder went away under us */
      if (fd < 0)
        break;
      if (flock (fd, LOCK_EX | LOCK_NB) != 0)
        {
          if (errno == EWOULDBLOCK)
            {
              const GPid noted = read_holder (fd);

              close (fd);
              if (is_gone (noted) && attempt < 99)
                {
                  g_usleep (LOCK_PAUSE);
                  continue;
                }
              if (holder != NULL)
                *holder = noted;
              return -1;
            }
          close (fd);
          break;
        }
      if (fstat (fd, &ours) != 0 || stat (path, &there) != 0 || ours.st_ino != there.st_ino)
        {
          close (fd);
          continue;
        }
      pid = g_strdup_printf ("%d\n", (int) getpid ());
      if (ftruncate (fd, 0) != 0 || !_esp_file_write (fd, pid, strlen (pid), 0, NULL))
        g_debug ("%s: the process could not be noted", path);
      return fd;
    }
  g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
               _ ("The folder for documents in work cannot be used (%s)"), g_strerror (errno));
  return -1;
}

gboolean
_esp_working_folder_lock (EspWorkingFolder *self, GPid *holder, GError **error)
{
  if (holder != NULL)
    *holder = 0;
  if (self->lock < 0)
    self->lock = take_lock (self->folder, holder, error);
  return self->lock >= 0;
}

gboolean
_esp_working_folder_step_aside (EspWorkingFolder *self, GError **error)
{
  g_autofree char *folder = NULL;

  g_return_val_if_fail (self->lock < 0, FALSE);

  folder = g_strdup_printf ("%s-%08x%08x", self->folder, g_random_int (), g_random_int ());
  g_free (self->folder);
  self->folder = g_steal_pointer (&folder);
  g_free (self->database);
  self->database = g_build_filename (self->folder, LOOK, NULL);
  if (_esp_working_folder_lock (self, NULL, error))
    return TRUE;
  if (error != NULL && *error == NULL)
    fail (error, ESP_DOCUMENT_ERROR_OPEN, _ ("“%s” cannot be opened"), self->name);
  return FALSE;
}

gboolean
_esp_working_folder_has_database (EspWorkingFolder *self)
{
  return g_file_test (self->database, G_FILE_TEST_EXISTS);
}

static gboolean load_state (const char *folder, EspWorkingState *state);

static void
clear_folder (const char *folder)
{
  /* The state goes last, and not at all if the database, which goes first, cannot: one without a
   * state would be taken for unsaved work. */
  const char *const names[] = { DATABASE,
                                DATABASE "-wal",
                                DATABASE "-shm",
                                DATABASE "-journal",
                                DATABASE ".part",
                                LOOK,
                                LOOK "-wal",
                                LOOK "-shm",
                                LOOK ".part",
                                ESP_WORKING_DRAFT,
                                ESP_WORKING_DRAFT "-wal",
                                ESP_WORKING_DRAFT "-shm",
                                ESP_WORKING_DRAFT "-journal",
                                "publish.part",
                                VIEW_ONLY,
                                STATE };
  EspWorkingState state;

  if (load_state (folder, &state))
    _esp_working_state_drop_temporary (&state);
  _esp_working_state_clear (&state);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      if (g_unlink (path) == 0 || errno == ENOENT)
        continue;
      g_debug ("%s: %s", path, g_strerror (errno));
      if (i == 0)
        return;
    }
}

void
_esp_working_folder_clear (EspWorkingFolder *self)
{
  g_return_if_fail (self->lock >= 0);
  clear_folder (self->folder);
}

/* --- Views ------------------------------------------------------------------------------------ */

gboolean
_esp_working_folder_is_view_only (EspWorkingFolder *self)
{
  g_autofree char *path = g_build_filename (self->folder, VIEW_ONLY, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

gboolean
_esp_working_folder_set_view_only (EspWorkingFolder *self, gboolean view_only, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, VIEW_ONLY, NULL);
  const int fd = view_only ? open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
  int code = 0;

  if (fd >= 0)
    close (fd);
  else if (view_only || (g_unlink (path) != 0 && errno != ENOENT))
    code = errno;
  if (code != 0)
    {
      g_set_error_literal (error, G_IO_ERROR, (int) g_io_error_from_errno (code),
                           g_strerror (code));
      return FALSE;
    }
  /* That it is there may be forgotten, which does no harm; that it is not may not. */
  if (!view_only)
    _esp_file_sync_folder (path);
  return TRUE;
}

/* --- State ------------------------------------------------------------------------------------ */

void
_esp_working_state_clear (EspWorkingState *state)
{
  g_free (state->temporary);
  g_free (state->database);
  memset (state, 0, sizeof *state);
}

void
_esp_working_state_drop_temporary (EspWorkingState *state)
{
  if (state->temporary != NULL
      && (!state->has_pending || _esp_file_identity_is_at (&state->pending, state->temporary)
          || (state->published.exists
              && _esp_file_identity_is_at (&state->published, state->temporary))))
    g_unlink (state->temporary);
  g_clear_pointer (&state->temporary, g_free);
}

static gboolean
load_state (const char *folder, EspWorkingState *state)
{
  g_autofree char *path = g_build_filename (folder, STATE, NULL);
  g_autoptr (GKeyFile) keys = g_key_file_new ();

  memset (state, 0, sizeof *state);
  if (!g_key_file_load_from_file (keys, path, G_KEY_FILE_NONE, NULL)
      || !_esp_file_identity_restore (&state->published, keys, "published"))
    return FALSE;
  state->has_pending = _esp_file_identity_restore (&state->pending, keys, "pending");
  state->direct = g_key_file_get_boolean (keys, "working", "direct", NULL);
  state->temporary = g_key_file_get_string (keys, "working", "temporary", NULL);
  state->database = g_key_file_get_string (keys, "working", "database", NULL);
  return TRUE;
}

gboolean
_esp_working_folder_load_state (EspWorkingFolder *self, EspWorkingState *state)
{
  return load_state (self->folder, state);
}

/* GLib's own words name a file that no person has ever seen. */
static void
set_state_error (EspWorkingFolder *self, const GError *cause, GError **error)
{
  static const struct
  {
    GFileError code;
    int number;
  } known[] = { { G_FILE_ERROR_ACCES, EACCES }, { G_FILE_ERROR_PERM, EPERM },
                { G_FILE_ERROR_ROFS, EROFS },   { G_FILE_ERROR_MFILE, EMFILE },
                { G_FILE_ERROR_NFILE, ENFILE }, { G_FILE_ERROR_NOENT, ENOENT } };
  int number = EIO;

  if (g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                   _ ("There is no space left for “%s”"), self->name);
      return;
    }
  g_debug ("%s", cause->message);
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_error_matches (cause, G_FILE_ERROR, (int) known[i].code))
      number = known[i].number;
  g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
               _ ("“%s” cannot be stored (%s)"), self->name, g_strerror (number));
}

gboolean
_esp_working_folder_save_state (EspWorkingFolder *self, const EspWorkingState *state,
                                GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, STATE, NULL);
  g_autofree char *uri = g_file_get_uri (self->file);
  g_autofree char *text = NULL;
  g_autoptr (GKeyFile) keys = g_key_file_new ();
  g_autoptr (GError) local = NULL;
  gsize length;

  g_key_file_set_string (keys, "working", "uri", uri);
  g_key_file_set_string (keys, "working", "database",
                         state->database != NULL ? state->database : "");
  g_key_file_set_boolean (keys, "working", "direct", state->direct);
  if (state->temporary != NULL)
    g_key_file_set_string (keys, "working", "temporary", state->temporary);
  _esp_file_identity_store (&state->published, keys, "published");
  if (state->has_pending)
    _esp_file_identity_store (&state->pending, keys, "pending");
  text = g_key_file_to_data (keys, &length, NULL);
  if (!g_file_set_contents_full (path, text, (gssize) length,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 &local))
    {
      set_state_error (self, local, error);
      return FALSE;
    }
  _esp_file_sync_folder (path);
  return TRUE;
}

char *
_esp_working_folder_describe_database (EspWorkingFolder *self)
{
  g_autofree char *log = g_strconcat (self->database, "-wal", NULL);
  struct stat status;

  if (stat (log, &status) == 0 && status.st_size > 0)
    return g_strdup ("");
  if (stat (self->database, &status) != 0)
    return g_strdup ("");
  return g_strdup_printf ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld",
                          (gint64) status.st_size, (gint64) status.st_mtim.tv_sec,
                          (long) status.st_mtim.tv_nsec);
}

void
_esp_working_folder_clean (void)
{
  g_autofree char *base = dup_base ();
  g_autoptr (GDir) entries = g_dir_open (base, 0, NULL);
  const char *name;

  if (entries == NULL)
    return;
  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree char *folder = g_build_filename (base, name, NULL);
      g_autofree char *database = g_build_filename (folder, DATABASE, NULL);
      int lock;

      if (!g_file_test (folder, G_FILE_TEST_IS_DIR) || g_file_test (database, G_FILE_TEST_EXISTS))
        continue;
      lock = take_lock (folder, NULL, NULL);
      if (lock < 0)
        continue;
      if (!g_file_test (database, G_FILE_TEST_EXISTS))
        {
          clear_folder (folder);
          remove_if_empty (folder);
        }
      close (lock);
    }
}
