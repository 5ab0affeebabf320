/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-library.c: what is in the library, and what is done to documents that are not open. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-library.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "esp-document-private.h"
#include "esp-file-copy.h"
#include "esp-snapshot.h"
#include "esp-store.h"
#include "esp-working-folder.h"

#define SUFFIX ".espalier"

struct _EspLibraryItem
{
  GObject parent_instance;

  GFile *file;
  char *title;
  gint64 modified;
  guint64 size;
  guint n_nodes;
  gboolean in_library;
  EspPicture *thumbnail;
};

G_DEFINE_FINAL_TYPE (EspLibraryItem, esp_library_item, G_TYPE_OBJECT)

static void
esp_library_item_finalize (GObject *object)
{
  EspLibraryItem *self = ESP_LIBRARY_ITEM (object);

  g_clear_object (&self->file);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->thumbnail, esp_picture_unref);
  G_OBJECT_CLASS (esp_library_item_parent_class)->finalize (object);
}

static void
esp_library_item_class_init (EspLibraryItemClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_library_item_finalize;
}

static void
esp_library_item_init (EspLibraryItem *self)
{
}

GFile *
esp_library_item_get_file (EspLibraryItem *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_ITEM (self), NULL);
  return self->file;
}

const char *
esp_library_item_get_title (EspLibraryItem *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_ITEM (self), NULL);
  return self->title;
}

gint64
esp_library_item_get_modified (EspLibraryItem *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_ITEM (self), 0);
  return self->modified;
}

guint
esp_library_item_get_n_nodes (EspLibraryItem *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_ITEM (self), 0);
  return self->n_nodes;
}

guint64
esp_library_item_get_size (EspLibraryItem *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_ITEM (self), 0);
  return self->size;
}

gboolean
esp_library_item_is_in_library (EspLibraryItem *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_ITEM (self), FALSE);
  return self->in_library;
}

EspPicture *
esp_library_item_get_thumbnail (EspLibraryItem *self)
{
  g_return_val_if_fail (ESP_IS_LIBRARY_ITEM (self), NULL);
  return self->thumbnail;
}

/* --- Looking ---------------------------------------------------------------------------------- */

static void
look_inside (EspLibraryItem *self, const char *path, GCancellable *cancellable)
{
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  const gboolean has_log = g_file_test (log, G_FILE_TEST_EXISTS);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspStore) store = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gint64 image, n;

  /* SQLite takes an empty file for an empty database. */
  if (self->size == 0)
    return;
  store
      = _esp_store_open (path, self->title, has_log ? ESP_STORE_READ : ESP_STORE_IMMUTABLE, &error);
  if (store == NULL)
    {
      g_debug ("%s: %s", path, error->message);
      return;
    }
  n = _esp_store_get_number (store, "SELECT count(*) FROM nodes WHERE deleted = 0", NULL);
  self->n_nodes = (guint) CLAMP (n, 0, G_MAXINT);
  image = _esp_store_find_shown_image (store);
  if (image == 0)
    return;
  bytes = _esp_store_read_thumbnail (store, image, ESP_THUMBNAIL_LARGE, NULL);
  if (bytes == NULL || g_bytes_get_size (bytes) == 0)
    return;
  self->thumbnail = esp_picture_load_bytes (bytes, self->title, NULL, cancellable, NULL);
  if (self->thumbnail != NULL
      && MAX (self->thumbnail->width, self->thumbnail->height) > ESP_THUMBNAIL_LARGE)
    g_clear_pointer (&self->thumbnail, esp_picture_unref);
}

/* When it was changed last, be that in its log. */
static gint64
get_time (const char *path, guint64 *size)
{
  struct stat status;

  if (stat (path, &status) != 0 || !S_ISREG (status.st_mode))
    return -1;
  *size = (guint64) status.st_size;
  return (gint64) status.st_mtim.tv_sec * G_USEC_PER_SEC + status.st_mtim.tv_nsec / 1000;
}

/* NULL: there is no such file. */
static EspLibraryItem *
look (GFile *file, gboolean in_library, GCancellable *cancellable)
{
  g_autofree char *path = g_file_get_path (file);
  g_autofree char *base = g_file_get_basename (file);
  g_autofree char *log = NULL;
  EspLibraryItem *self;
  guint64 size = 0, log_size = 0;
  gint64 modified, log_modified = -1;

  if (path == NULL || base == NULL)
    return NULL;
  modified = get_time (path, &size);
  if (modified < 0)
    return NULL;
  log = g_strconcat (path, "-wal", NULL);
  if (in_library)
    log_modified = get_time (log, &log_size);

  self = g_object_new (ESP_TYPE_LIBRARY_ITEM, NULL);
  self->file = g_object_ref (file);
  if (g_str_has_suffix (base, SUFFIX))
    base[strlen (base) - strlen (SUFFIX)] = '\0';
  self->title = g_filename_display_name (base);
  self->in_library = in_library;
  self->size = size;
  self->modified = log_size > 0 ? MAX (modified, log_modified) : modified;
  look_inside (self, path, cancellable);
  return self;
}

static int
compare_items (gconstpointer a, gconstpointer b, gpointer data)
{
  const EspLibraryItem *first = a, *second = b;

  if (first->modified != second->modified)
    return first->modified > second->modified ? -1 : 1;
  return strcmp (first->title, second->title);
}

static void
list_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autofree char *folder = esp_document_library_dup_path ();
  g_autoptr (GListStore) list = g_list_store_new (ESP_TYPE_LIBRARY_ITEM);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) entries = g_dir_open (folder, 0, &error);
  const char *name;

  _esp_working_folder_clean ();
  if (entries == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autoptr (GFile) file = g_file_new_for_path (path);
      g_autoptr (EspLibraryItem) item = NULL;

      if (g_task_return_error_if_cancelled (task))
        return;
      if (name[0] == '.' || !g_str_has_suffix (name, SUFFIX))
        continue;
      item = look (file, TRUE, cancellable);
      /* Of a document without a byte there is no more than the name: a crash while it was made. */
      if (item != NULL && item->size > 0)
        g_list_store_append (list, item);
    }
  g_list_store_sort (list, compare_items, NULL);
  g_task_return_pointer (task, g_steal_pointer (&list), g_object_unref);
}

void
esp_document_library_list_async (GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, esp_document_library_list_async);
  g_task_run_in_thread (task, list_in_thread);
}

GListModel *
esp_document_library_list_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
look_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspWorkingFolder) place = _esp_working_folder_new (data, &error);
  EspLibraryItem *item;

  if (place == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  item = look (data, place->in_library, cancellable);
  if (item == NULL)
    g_task_return_new_error (task, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN,
                             _ ("“%s” cannot be opened (%s)"), place->name, g_strerror (ENOENT));
  else
    g_task_return_pointer (task, item, g_object_unref);
}

void
esp_library_look_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (G_IS_FILE (file));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_library_look_async);
  g_task_set_task_data (task, g_object_ref (file), g_object_unref);
  g_task_run_in_thread (task, look_in_thread);
}

EspLibraryItem *
esp_library_look_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- Changing --------------------------------------------------------------------------------- */

typedef struct
{
  GFile *file;
  char *title;
} Change;

static void
free_change (gpointer data)
{
  Change *change = data;

  g_object_unref (change->file);
  g_free (change->title);
  g_free (change);
}

/* Takes the document, so that nobody opens it meanwhile. */
static EspWorkingFolder *
take (GFile *file, GError **error)
{
  g_autoptr (EspWorkingFolder) place = _esp_working_folder_new (file, error);
  GError *local = NULL;

  if (place == NULL)
    return NULL;
  if (!place->in_library || !g_file_test (place->path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                   _ ("“%s” is not in the library"), place->name);
      return NULL;
    }
  if (!_esp_working_folder_lock (place, NULL, &local))
    {
      if (local == NULL)
        g_set_error (&local, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY, _ ("“%s” is open"),
                     place->name);
      g_propagate_error (error, local);
      return NULL;
    }
  return g_steal_pointer (&place);
}

/* Only the file is moved: what a crash left in its log has to be in it, or it is lost. */
static gboolean
make_whole (EspWorkingFolder *place, gboolean even_damaged, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (_esp_snapshot_make_whole (place->path, &local)
      || (even_damaged && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_INVALID_DATA)))
    return TRUE;
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_BUSY))
    g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY, _ ("“%s” is open"),
                 place->name);
  else if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                 _ ("There is no space left for “%s”"), place->name);
  else
    g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                 _ ("“%s” cannot be stored (%s)"), place->name, local->message);
  return FALSE;
}

static void
return_change (GTask *task, EspWorkingFolder *place, GError *error)
{
  if (error == NULL)
    {
      _esp_snapshot_drop_logs (place->path); /* of a damaged document there may be some */
      g_task_return_boolean (task, TRUE);
    }
  else
    g_task_return_error (task, error);
}

static void
trash_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Change *change = data;
  GError *error = NULL;
  g_autoptr (EspWorkingFolder) place = take (change->file, &error);

  if (place != NULL && make_whole (place, TRUE, &error))
    {
      g_autoptr (GFile) file = g_file_new_for_path (place->path);

      g_file_trash (file, cancellable, &error);
    }
  return_change (task, place, error);
}

static void
delete_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Change *change = data;
  GError *error = NULL;
  g_autoptr (EspWorkingFolder) place = take (change->file, &error);

  if (place != NULL && g_unlink (place->path) != 0)
    g_set_error (&error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                 _ ("“%s” cannot be deleted (%s)"), place->name, g_strerror (errno));
  return_change (task, place, error);
}

static gboolean
rename_to (EspWorkingFolder *place, const char *title, char **path, GError **error)
{
  const EspFileIdentity nothing = { .exists = FALSE };
  g_autofree char *folder = g_path_get_dirname (place->path);
  g_autofree char *base = g_strconcat (title, SUFFIX, NULL);
  g_autoptr (EspWorkingFolder) to = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (GError) local = NULL;

  *path = g_build_filename (folder, base, NULL);
  if (strcmp (*path, place->path) == 0)
    return TRUE;
  file = g_file_new_for_path (*path);
  to = _esp_working_folder_new (file, error);
  if (to == NULL || !make_whole (place, FALSE, error))
    return FALSE;
  /* Nobody makes one of that name meanwhile. */
  if (_esp_working_folder_lock (to, NULL, &local) && !g_file_test (*path, G_FILE_TEST_EXISTS))
    {
      _esp_snapshot_drop_logs (*path);
      if (_esp_file_put_in_place (place->path, *path, &nothing, &local))
        return TRUE;
    }
  if (local != NULL && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WRONG_ETAG))
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                 _ ("There is a document named “%s” already"), title);
  return FALSE;
}

static void
rename_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Change *change = data;
  g_autofree char *title = _esp_document_dup_file_title (change->title);
  g_autofree char *path = NULL;
  GError *error = NULL;
  g_autoptr (EspWorkingFolder) place = take (change->file, &error);

  if (place != NULL && rename_to (place, title, &path, &error))
    g_task_return_pointer (task, g_file_new_for_path (path), g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
start (GFile *file, const char *title, GTaskThreadFunc function, gpointer tag,
       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Change *change = g_new0 (Change, 1);

  change->file = g_object_ref (file);
  change->title = g_strdup (title);
  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE); /* once it is done it is done */
  g_task_set_task_data (task, change, free_change);
  if (!g_task_return_error_if_cancelled (task))
    g_task_run_in_thread (task, function);
}

void
esp_library_trash_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_return_if_fail (G_IS_FILE (file));
  start (file, NULL, trash_in_thread, esp_library_trash_async, cancellable, callback, user_data);
}

gboolean
esp_library_trash_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
esp_library_delete_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (G_IS_FILE (file));
  start (file, NULL, delete_in_thread, esp_library_delete_async, cancellable, callback, user_data);
}

gboolean
esp_library_delete_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
esp_library_rename_async (GFile *file, const char *title, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (G_IS_FILE (file));
  g_return_if_fail (title != NULL);
  start (file, title, rename_in_thread, esp_library_rename_async, cancellable, callback, user_data);
}

GFile *
esp_library_rename_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
