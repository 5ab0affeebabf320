/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-journal-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#define FORMAT 1

/* A list looks whether a record is locked by taking its lock for a moment: whoever wants it
 * meanwhile tries again. */
#define LOCK_TRIES 20
#define LOCK_PAUSE 5000 /* µs */

struct _EspRecord
{
  char *id;
  char *provider;
  EspRecordState state;
  gint64 created;
  JsonObject *members;
  int lock; /* file descriptor, -1 = none */
  gboolean busy;
};

/* Members that stand beside the others in the file. */
static const char *const own_members[] = { "format", "id", "provider", "state", "created" };

static const char *const state_names[]
    = { "preparing", "submitting", "accepted", "succeeded", "unknown" };

const char *
esp_record_state_to_string (EspRecordState state)
{
  g_return_val_if_fail ((gsize) state < G_N_ELEMENTS (state_names), state_names[0]);

  return state_names[state];
}

static gboolean
state_from_string (const char *text, EspRecordState *state)
{
  for (gsize i = 0; i < G_N_ELEMENTS (state_names); i++)
    {
      if (g_strcmp0 (text, state_names[i]) == 0)
        {
          *state = (EspRecordState) i;
          return TRUE;
        }
    }
  return FALSE;
}

/* --- Places ----------------------------------------------------------------------------------- */

char *
_esp_journal_dup_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "espalier", "jobs", NULL);
}

char *
_esp_journal_dup_path (const char *id, const char *suffix)
{
  g_autofree char *folder = _esp_journal_dup_folder ();
  g_autofree char *name = g_strconcat (id, suffix, NULL);

  return g_build_filename (folder, name, NULL);
}

static gboolean
fail (GError **error, int code, const char *path)
{
  g_autofree char *shown = g_filename_display_name (path);

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code), "%s: %s", shown,
               g_strerror (code));
  return FALSE;
}

/* --- Locks ------------------------------------------------------------------------------------ */

static gboolean
is_same_file (int fd, const char *path)
{
  struct stat open_file, named;

  return fstat (fd, &open_file) == 0 && stat (path, &named) == 0 && open_file.st_dev == named.st_dev
         && open_file.st_ino == named.st_ino;
}

/* The lock stands in a file of its own, as the record itself is replaced at each change. That file
 * goes with the record: whoever got a lock on one that is gone tries again. */
static int
take_lock (const char *id, GError **error)
{
  g_autofree char *path = _esp_journal_dup_path (id, ".lock");

  for (int i = 0; i < LOCK_TRIES; i++)
    {
      int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

      if (fd < 0)
        {
          fail (error, errno, path);
          return -1;
        }

      if (flock (fd, LOCK_EX | LOCK_NB) == 0)
        {
          if (is_same_file (fd, path))
            return fd;
        }
      else if (errno != EWOULDBLOCK && errno != EINTR)
        {
          fail (error, errno, path);
          close (fd);
          return -1;
        }

      close (fd);
      g_usleep (LOCK_PAUSE);
    }

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY,
               _ ("Another window or command is working on this turn."));
  return -1;
}

static gboolean
is_locked (const char *id)
{
  g_autofree char *path = _esp_journal_dup_path (id, ".lock");
  gboolean locked;
  int fd = g_open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);

  if (fd < 0)
    return FALSE;

  locked = flock (fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close (fd);
  return locked;
}

/* --- Records ---------------------------------------------------------------------------------- */

static EspRecord *
record_new (const char *id)
{
  EspRecord *self = g_new0 (EspRecord, 1);

  self->id = g_strdup (id);
  self->lock = -1;
  return self;
}

EspRecord *
esp_record_new (const char *id, const char *provider)
{
  EspRecord *self;

  g_return_val_if_fail (id != NULL && g_uuid_string_is_valid (id), NULL);
  g_return_val_if_fail (provider != NULL, NULL);

  self = record_new (id);
  self->provider = g_strdup (provider);
  self->created = g_get_real_time ();
  self->members = json_object_new ();
  return self;
}

void
esp_record_free (EspRecord *self)
{
  if (self == NULL)
    return;

  if (self->lock >= 0)
    {
      g_autofree char *path = _esp_journal_dup_path (self->id, ".json");

      /* Never written: nothing shall remain. */
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        {
          g_autofree char *lock = _esp_journal_dup_path (self->id, ".lock");

          g_unlink (lock);
        }
      close (self->lock);
    }
  g_clear_pointer (&self->members, json_object_unref);
  g_free (self->id);
  g_free (self->provider);
  g_free (self);
}

static gboolean
read_members (EspRecord *self, JsonObject *object)
{
  const char *state = json_object_get_string_member_with_default (object, "state", NULL);
  const char *id = json_object_get_string_member_with_default (object, "id", NULL);
  const char *provider = json_object_get_string_member_with_default (object, "provider", NULL);

  if (json_object_get_int_member_with_default (object, "format", 0) != FORMAT
      || !state_from_string (state, &self->state) || g_strcmp0 (id, self->id) != 0
      || provider == NULL)
    return FALSE;

  self->provider = g_strdup (provider);
  self->created = json_object_get_int_member_with_default (object, "created", 0);
  self->members = json_object_ref (object);
  for (gsize i = 0; i < G_N_ELEMENTS (own_members); i++)
    {
      if (json_object_has_member (object, own_members[i]))
        json_object_remove_member (object, own_members[i]);
    }
  return TRUE;
}

static gboolean
read_record (EspRecord *self, GError **error)
{
  g_autofree char *path = _esp_journal_dup_path (self->id, ".json");
  g_autofree char *text = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) own_error = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, &own_error))
    {
      if (g_error_matches (own_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                     _ ("There is no open turn “%s” with a provider."), self->id);
      else
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, own_error->message);
      return FALSE;
    }

  if (length == 0)
    {
      /* Begun before the power failed; nothing was sent (esp_record_write ()). */
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   _ ("There is no open turn “%s” with a provider."), self->id);
      return FALSE;
    }

  if (!g_utf8_validate (text, (gssize) length, NULL)
      || !json_parser_load_from_data (parser, text, (gssize) length, NULL)
      || json_parser_get_root (parser) == NULL
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser))
      || !read_members (self, json_node_get_object (json_parser_get_root (parser))))
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   _ ("“%s”, the record of a turn with a provider, is damaged."), shown);
      return FALSE;
    }
  return TRUE;
}

EspRecord *
esp_record_open (const char *id, GError **error)
{
  g_autoptr (EspRecord) self = NULL;
  g_autofree char *path = NULL;

  g_return_val_if_fail (id != NULL, NULL);

  path = _esp_journal_dup_path (id, ".json");
  if (!g_uuid_string_is_valid (id) || !g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   _ ("There is no open turn “%s” with a provider."), id);
      return NULL;
    }

  self = record_new (id);
  self->lock = take_lock (id, error);
  if (self->lock < 0 || !read_record (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

EspRecord *
esp_record_peek (const char *id)
{
  g_autoptr (EspRecord) self = NULL;

  g_return_val_if_fail (id != NULL, NULL);

  if (!g_uuid_string_is_valid (id))
    return NULL;
  self = record_new (id);
  return read_record (self, NULL) ? g_steal_pointer (&self) : NULL;
}

static int
compare_age (gconstpointer a, gconstpointer b)
{
  const EspRecord *first = *(const EspRecord *const *) a;
  const EspRecord *second = *(const EspRecord *const *) b;

  if (first->created != second->created)
    return first->created < second->created ? -1 : 1;
  return strcmp (first->id, second->id);
}

GPtrArray *
esp_journal_list (void)
{
  GPtrArray *records = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_record_free);
  g_autofree char *folder = _esp_journal_dup_folder ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autoptr (EspRecord) self = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *id = NULL;

      if (!g_str_has_suffix (name, ".json"))
        {
          _esp_journal_remove_orphan (name);
          continue;
        }
      id = g_strndup (name, strlen (name) - strlen (".json"));
      if (!g_uuid_string_is_valid (id))
        continue;

      self = record_new (id);
      if (!read_record (self, &error))
        {
          if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
            g_message ("%s", error->message);
          else
            _esp_journal_remove_orphan (name);
          continue;
        }
      self->busy = is_locked (id);
      g_ptr_array_add (records, g_steal_pointer (&self));
    }

  g_ptr_array_sort (records, compare_age);
  return records;
}

const char *
esp_record_get_id (EspRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->id;
}

const char *
esp_record_get_provider (EspRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->provider;
}

EspRecordState
esp_record_get_state (EspRecord *self)
{
  g_return_val_if_fail (self != NULL, ESP_RECORD_PREPARING);

  return self->state;
}

gint64
esp_record_get_created (EspRecord *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->created;
}

gboolean
esp_record_is_busy (EspRecord *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->busy;
}

JsonObject *
esp_record_get_members (EspRecord *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->members;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static char *
dup_text (EspRecord *self, EspRecordState state, gsize *length)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_set_int_member (object, "format", FORMAT);
  json_object_set_string_member (object, "id", self->id);
  json_object_set_string_member (object, "provider", self->provider);
  json_object_set_string_member (object, "state", esp_record_state_to_string (state));
  json_object_set_int_member (object, "created", self->created);

  json_object_iter_init_ordered (&iter, self->members);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    json_object_set_member (object, name, json_node_copy (value));

  json_node_take_object (root, object);
  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);
  return json_generator_to_data (generator, length);
}

static gboolean
write_all (int fd, const char *text, gsize length)
{
  while (length > 0)
    {
      gssize written = write (fd, text, length);

      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        {
          if (written == 0)
            errno = EIO;
          return FALSE;
        }
      text += written;
      length -= (gsize) written;
    }
  return TRUE;
}

static gboolean
sync_folder (GError **error)
{
  g_autofree char *folder = _esp_journal_dup_folder ();
  int fd = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  int code = 0;

  if (fd < 0)
    return fail (error, errno, folder);

  /* EINVAL: a file system whose folders need none. */
  if (fsync (fd) != 0 && errno != EINVAL)
    code = errno;
  close (fd);
  return code == 0 || fail (error, code, folder);
}

gboolean
_esp_journal_write_file (const char *temporary, const char *path, const char *text, gsize length,
                         gboolean durable, GError **error)
{
  int fd = g_open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  int code = 0;

  if (fd < 0)
    return fail (error, errno, temporary);

  if (!write_all (fd, text, length) || (durable && fsync (fd) != 0))
    code = errno;
  if (close (fd) != 0 && code == 0)
    code = errno;
  if (code == 0 && g_rename (temporary, path) != 0)
    code = errno;
  if (code != 0)
    {
      g_unlink (temporary);
      return fail (error, code, path);
    }
  return TRUE;
}

/* Only whoever holds the lock writes: one name is enough, and nothing piles up. */
static gboolean
write_text (const char *id, const char *text, gsize length, gboolean durable, GError **error)
{
  g_autofree char *path = _esp_journal_dup_path (id, ".json");
  g_autofree char *temporary = _esp_journal_dup_path (id, ".json.new");

  return _esp_journal_write_file (temporary, path, text, length, durable, error)
         && (!durable || sync_folder (error));
}

gboolean
esp_record_write (EspRecord *self, EspRecordState state, GError **error)
{
  g_autofree char *folder = _esp_journal_dup_folder ();
  g_autofree char *text = NULL;
  gsize length;
  gboolean is_new, durable;

  g_return_val_if_fail (self != NULL && self->members != NULL, FALSE);

  /* A turn that is only being prepared is nothing: after a power failure its record may be empty,
   * which is read as none. Over another one, that would be a loss. */
  is_new = self->lock < 0;
  durable = !is_new || state != ESP_RECORD_PREPARING;
  if (is_new)
    {
      if (g_mkdir_with_parents (folder, 0700) != 0)
        return fail (error, errno, folder);
      self->lock = take_lock (self->id, error);
      if (self->lock < 0)
        return FALSE;
    }

  text = dup_text (self, state, &length);
  if (!write_text (self->id, text, length, durable, error))
    return FALSE;

  self->state = state;
  return TRUE;
}

/* A copy of all that the thread needs: JSON is not counted as threads would need it. */
typedef struct
{
  EspRecord *record;
  EspRecordState state;
  char *id;
  char *text;
  gsize length;
} Writing;

static void
writing_free (gpointer data)
{
  Writing *writing = data;

  g_free (writing->id);
  g_free (writing->text);
  g_free (writing);
}

static void
write_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Writing *writing = data;
  GError *error = NULL;

  if (write_text (writing->id, writing->text, writing->length, TRUE, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
esp_record_write_async (EspRecord *self, EspRecordState state, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Writing *writing;

  g_return_if_fail (self != NULL && self->members != NULL);
  g_return_if_fail (self->lock >= 0);

  writing = g_new0 (Writing, 1);
  writing->record = self;
  writing->state = state;
  writing->id = g_strdup (self->id);
  writing->text = dup_text (self, state, &writing->length);
  task = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (task, esp_record_write_async);
  g_task_set_task_data (task, writing, writing_free);
  g_task_run_in_thread (task, write_in_thread);
}

gboolean
esp_record_write_finish (EspRecord *self, GAsyncResult *result, GError **error)
{
  const Writing *writing;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_record_write_async), FALSE);

  writing = g_task_get_task_data (G_TASK (result));
  g_return_val_if_fail (writing->record == self, FALSE);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;

  self->state = writing->state;
  return TRUE;
}

static void
sync_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  (void) sync_folder (NULL);
  g_task_return_boolean (task, TRUE);
}

/* Should the power fail before, the record may be back; what it is about is asked after, or stored,
 * once more then. */
static void
sync_later (void)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_source_tag (task, sync_later);
  g_task_run_in_thread (task, sync_in_thread);
}

gboolean
esp_record_delete (EspRecord *self, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *temporary = NULL;
  g_autofree char *lock = NULL;

  g_return_val_if_fail (self != NULL, FALSE);

  path = _esp_journal_dup_path (self->id, ".json");
  temporary = _esp_journal_dup_path (self->id, ".json.new");
  lock = _esp_journal_dup_path (self->id, ".lock");
  if (g_unlink (path) != 0 && errno != ENOENT && errno != ENOTDIR)
    return fail (error, errno, path);

  /* What remains of these would mean nothing. */
  _esp_journal_remove_images (self->id);
  g_unlink (temporary);
  g_unlink (lock);
  if (self->lock >= 0)
    {
      close (self->lock);
      self->lock = -1;
    }
  sync_later ();
  return TRUE;
}
