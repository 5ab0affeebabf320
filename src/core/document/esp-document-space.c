/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-space.c: how large a document is, what can be forgotten, and whether it is whole. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-document-private.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>

/* More faults than that are not told one by one. */
#define MAX_PROBLEMS 200

/* --- Measuring -------------------------------------------------------------------------------- */

/* Files from before version 4 have none. */
static gboolean
has_parts (EspStore *store)
{
  return _esp_store_has_column (store, "nodes", "raw")
         && _esp_store_has_column (store, "nodes", "mask")
         && _esp_store_has_column (store, "nodes", "source")
         && _esp_store_has_column (store, "nodes", "latents")
         && _esp_store_has_column (store, "latents", "size");
}

/* What a purge keeps: what belongs to nodes that are shown, or that those refer to. */
#define KEPT                                                                                       \
  "(SELECT * FROM nodes WHERE deleted = 0 OR id IN ("                                              \
  " SELECT reference FROM node_references JOIN nodes ON nodes.id = node_references.node"           \
  " WHERE nodes.deleted = 0))"

static char *
dup_freed_query (EspStore *store)
{
  GString *query = g_string_new ("WITH kept AS " KEPT ", freed (size) AS ("
                                 "SELECT size FROM images WHERE id NOT IN ("
                                 "SELECT image FROM kept WHERE image IS NOT NULL");

  if (has_parts (store))
    g_string_append (query, " UNION SELECT raw FROM kept WHERE raw IS NOT NULL"
                            " UNION SELECT mask FROM kept WHERE mask IS NOT NULL"
                            " UNION SELECT source FROM kept WHERE source IS NOT NULL)"
                            " UNION ALL SELECT size FROM latents WHERE id NOT IN ("
                            "SELECT latents FROM kept WHERE latents IS NOT NULL");
  g_string_append (query, ")) SELECT CAST(min(total(max(size, 0)), 9e18) AS INTEGER) FROM freed");
  return g_string_free (query, FALSE);
}

static gboolean
measure (EspStore *store, EspDocumentStatistics *statistics, GError **error)
{
  g_autofree char *freed = dup_freed_query (store);
  const char *const queries[] = {
    "SELECT count(*) FROM nodes WHERE deleted = 0",
    "SELECT count(*) FROM nodes WHERE deleted <> 0",
    "SELECT count(*) FROM images",
    "SELECT CAST(min(total(max(size, 0)), 9e18) AS INTEGER) FROM images",
    freed,
    "PRAGMA page_count",
    "PRAGMA page_size",
    "SELECT coalesce(max(0, max(CAST(value AS INTEGER))), 0) FROM document WHERE key = 'created'",
    has_parts (store) ? "SELECT CAST(min(total(max(size, 0)), 9e18) AS INTEGER) FROM latents"
                      : "SELECT 0",
  };
  gint64 numbers[G_N_ELEMENTS (queries)];

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      numbers[i] = _esp_store_get_number (store, queries[i], error);
      if (numbers[i] < 0)
        return FALSE;
    }
  statistics->n_nodes = (guint) numbers[0];
  statistics->n_deleted = (guint) numbers[1];
  statistics->n_images = (guint) numbers[2];
  statistics->image_bytes = (guint64) numbers[3];
  statistics->deleted_bytes = (guint64) numbers[4];
  statistics->file_bytes = (guint64) numbers[5] * (guint64) numbers[6];
  statistics->created = numbers[7];
  statistics->latent_bytes = (guint64) numbers[8];
  return TRUE;
}

static gpointer
do_measure (EspReaders *readers, GTask *task, gpointer data, GError **error)
{
  EspStore *store = _esp_readers_acquire (readers, error);
  gboolean ok;

  if (store == NULL)
    return NULL;
  ok = measure (store, data, error);
  _esp_readers_release (readers, store);
  return ok ? data : NULL;
}

void
esp_document_measure_async (EspDocument *self, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (ESP_IS_DOCUMENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_document_measure_async);
  g_task_set_task_data (task, g_new0 (EspDocumentStatistics, 1), g_free);
  _esp_readers_run (self->readers, task, do_measure, NULL);
}

gboolean
esp_document_measure_finish (EspDocument *self, GAsyncResult *result,
                             EspDocumentStatistics *statistics, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (statistics != NULL, FALSE);

  *statistics = *(EspDocumentStatistics *) g_task_get_task_data (G_TASK (result));
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Purging ---------------------------------------------------------------------------------- */

/* Deleted nodes to which nodes refer that are kept: those stay, deleted, so that one can still see
 * what made a turn. */
static const char find_purged[]
    = "SELECT id FROM nodes WHERE deleted <> 0 AND id NOT IN ("
      " SELECT reference FROM node_references JOIN nodes ON nodes.id = node_references.node"
      " WHERE nodes.deleted = 0)";

static const char purge_sql[]
    = "PRAGMA defer_foreign_keys = ON;"
      "CREATE TEMP TABLE purged (id INTEGER PRIMARY KEY);"
      "INSERT INTO purged SELECT id FROM nodes WHERE deleted <> 0 AND id NOT IN ("
      " SELECT reference FROM node_references JOIN nodes ON nodes.id = node_references.node"
      " WHERE nodes.deleted = 0);"
      "UPDATE nodes SET parent = NULL WHERE parent IN (SELECT id FROM purged);"
      "DELETE FROM node_references WHERE node IN (SELECT id FROM purged)"
      " OR reference IN (SELECT id FROM purged);"
      "DELETE FROM nodes WHERE id IN (SELECT id FROM purged);"
      "DELETE FROM sweeps WHERE id NOT IN (SELECT sweep FROM nodes WHERE sweep IS NOT NULL);"
      "DELETE FROM images WHERE id NOT IN (SELECT image FROM nodes WHERE image IS NOT NULL"
      " UNION SELECT raw FROM nodes WHERE raw IS NOT NULL"
      " UNION SELECT mask FROM nodes WHERE mask IS NOT NULL"
      " UNION SELECT source FROM nodes WHERE source IS NOT NULL);"
      "DELETE FROM latents WHERE id NOT IN (SELECT latents FROM nodes WHERE latents IS NOT NULL);"
      "DROP TABLE temp.purged;";

static gboolean
do_purge (EspCall *call, EspWriter *writer, GError **error)
{
  EspStore *store = _esp_writer_get_store (writer);
  GError *local = NULL;
  sqlite3_stmt *statement = _esp_store_prepare (store, find_purged, error);

  if (statement == NULL)
    return FALSE;
  call->changes->forgotten = g_array_new (FALSE, FALSE, sizeof (gint64));
  call->changes->clears_undo = TRUE;
  while (_esp_store_step (store, statement, &local))
    {
      const gint64 id = sqlite3_column_int64 (statement, 0);

      g_array_append_val (call->changes->forgotten, id);
    }
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  return _esp_store_exec (store, purge_sql, error);
}

/* The free pages go back to the file system; that this fails is no reason to say that the purge
 * did. */
static gboolean
do_shrink (EspCall *call, EspWriter *writer, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (!_esp_writer_exec (writer, "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);",
                         &local))
    g_debug ("The document is not made smaller: %s", local->message);
  return TRUE;
}

static void
finish_purge (EspCall *call)
{
  EspDocument *self = g_task_get_source_object (call->task);
  EspCall *next = _esp_call_new (ESP_CALL_CONTROL, call->task, NULL, NULL);

  next->work = do_shrink;
  _esp_writer_push (self->writer, next);
}

void
esp_document_purge_async (EspDocument *self, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  EspCall *call;

  g_return_if_fail (ESP_IS_DOCUMENT (self));

  if (_esp_document_refuse (self, NULL, esp_document_purge_async, cancellable, callback, user_data))
    return;
  call = _esp_document_start (self, ESP_CALL_EDIT, esp_document_purge_async, cancellable, callback,
                              user_data, NULL, NULL);
  call->work = do_purge;
  call->finish = finish_purge;
  _esp_writer_push (self->writer, call);
}

/* --- Verifying -------------------------------------------------------------------------------- */

typedef struct
{
  guint n_images;
  guint n_nodes;
  GPtrArray *problems;
} Verification;

static void
free_verification (gpointer data)
{
  Verification *found = data;

  g_clear_pointer (&found->problems, g_ptr_array_unref);
  g_free (found);
}

static void G_GNUC_PRINTF (2, 3) add_problem (Verification *found, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (found->problems->len >= MAX_PROBLEMS)
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  /* It may tell what stands in a damaged file. */
  g_ptr_array_add (found->problems, g_utf8_make_valid (text, -1));
}

/* The first column of each row is told in a sentence with one %s. */
static gboolean
check_rows (EspStore *store, Verification *found, const char *sql, const char *sentence)
{
  sqlite3_stmt *statement = _esp_store_prepare (store, sql, NULL);
  g_autoptr (GError) error = NULL;

  if (statement == NULL)
    return FALSE;
  while (_esp_store_step (store, statement, &error))
    {
      const char *text = (const char *) sqlite3_column_text (statement, 0);
      g_auto (GStrv) parts = g_strsplit (sentence, "%s", 2);

      if (g_strcmp0 (text, "ok") != 0)
        add_problem (found, "%s%s%s", parts[0], text != NULL ? text : "", parts[1]);
    }
  return error == NULL;
}

static void
check_image (EspStore *store, Verification *found, const EspImageInfo *info,
             GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = _esp_store_read_image (store, info, cancellable, &error);
  g_autofree char *sha256 = NULL;
  g_autoptr (EspPicture) picture = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (bytes == NULL)
    {
      add_problem (found, _ ("Image %.12s… cannot be read: %s"), info->sha256, error->message);
      return;
    }
  sha256 = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  if (strcmp (sha256, info->sha256) != 0)
    {
      add_problem (found, _ ("Image %.12s… is not what was stored: its hash is another"),
                   info->sha256);
      return;
    }
  /* The hash holds: the bytes are those that could be decoded once. */
  if (info->width < 1 || info->height < 1)
    add_problem (found, _ ("Image %.12s… has no size"), info->sha256);
}

/* Each image once, by its hash. */
static GPtrArray *
read_hashes (EspStore *store)
{
  GPtrArray *hashes = g_ptr_array_new_with_free_func (g_free);
  sqlite3_stmt *statement
      = _esp_store_prepare (store, "SELECT sha256 FROM images ORDER BY id", NULL);

  while (statement != NULL && _esp_store_step (store, statement, NULL))
    g_ptr_array_add (hashes, g_strdup ((const char *) sqlite3_column_text (statement, 0)));
  return hashes;
}

static void
check_images (EspStore *store, Verification *found, GCancellable *cancellable)
{
  g_autoptr (GPtrArray) hashes = read_hashes (store);

  for (guint i = 0; i < hashes->len && !g_cancellable_is_cancelled (cancellable); i++)
    {
      const char *sha256 = hashes->pdata[i];
      EspImageInfo info = { 0 };

      if (sha256 != NULL && strlen (sha256) == 64
          && _esp_store_find_image (store, sha256, &info, NULL))
        check_image (store, found, &info, cancellable);
      else
        add_problem (found, _ ("Image %s cannot be looked up"), sha256 != NULL ? sha256 : "?");
      _esp_image_info_clear (&info);
    }
  found->n_images = hashes->len;
}

/* Files from before version 3 have none. */
static void
check_sweeps (EspStore *store, Verification *found)
{
  g_autoptr (GPtrArray) sweeps = _esp_store_read_sweeps (store, NULL);

  if (sweeps == NULL || !_esp_store_has_column (store, "nodes", "cell")
      || !_esp_store_has_column (store, "nodes", "sweep"))
    return;
  for (guint i = 0; i < sweeps->len; i++)
    {
      const EspStoredSweep *sweep = sweeps->pdata[i];
      g_autofree char *sql = g_strdup_printf (
          "SELECT id FROM nodes WHERE sweep = %" G_GINT64_FORMAT
          " AND (cell IS NULL OR cell < 0 OR cell >= %u OR kind <> 'turn') LIMIT 100",
          sweep->id, sweep->n_cells);

      if (sweep->n_cells == 0)
        add_problem (found, _ ("The plan of sweep %" PRId64 " cannot be read"), sweep->id);
      else
        check_rows (store, found, sql, _ ("Node %s is no cell of its sweep"));
    }
}

static void
check_parts (EspStore *store, Verification *found)
{
  if (!has_parts (store))
    return;
  check_rows (store, found,
              "SELECT nodes.id FROM nodes JOIN images AS mask ON mask.id = nodes.mask"
              " JOIN images AS source ON source.id = nodes.source"
              " WHERE mask.width <> source.width OR mask.height <> source.height LIMIT 100",
              _ ("The mask of node %s is not as large as the picture that it is for"));
  check_rows (store, found,
              "SELECT nodes.id FROM nodes JOIN latents ON latents.id = nodes.latents"
              " WHERE latents.size <> length (latents.data) LIMIT 100",
              _ ("What node %s kept for the next turn is not complete"));
}

static void
verify (EspStore *store, Verification *found, GCancellable *cancellable)
{
  gboolean ok
      = check_rows (store, found, "PRAGMA integrity_check(100)", _ ("The database is damaged: %s"))
        && check_rows (store, found,
                       "SELECT \"table\" || ' ' || coalesce(rowid, '') || ' → ' || parent"
                       " FROM pragma_foreign_key_check",
                       _ ("Something is missing that is referred to: %s"));

  check_rows (store, found, "SELECT id FROM nodes WHERE state = 'done' AND image IS NULL",
              _ ("Node %s is done, but has no image"));
  check_rows (store, found,
              "SELECT nodes.id FROM nodes JOIN nodes AS parents ON parents.id = nodes.parent"
              " WHERE nodes.deleted = 0 AND parents.deleted <> 0",
              _ ("Node %s is there, but its parent is deleted"));
  check_rows (store, found,
              "WITH RECURSIVE hung (id) AS (SELECT id FROM nodes WHERE parent IS NULL"
              " UNION SELECT nodes.id FROM nodes JOIN hung ON nodes.parent = hung.id)"
              " SELECT id FROM nodes WHERE id NOT IN hung"
              " AND parent IN (SELECT id FROM nodes) LIMIT 100",
              _ ("Node %s is above itself"));
  check_sweeps (store, found);
  check_parts (store, found);
  check_images (store, found, cancellable);
  found->n_nodes = (guint) MAX (
      _esp_store_get_number (store, "SELECT count(*) FROM nodes WHERE deleted = 0", NULL), 0);
  if (!ok && found->problems->len == 0)
    add_problem (found, "%s", _ ("The database is damaged"));
}

static gpointer
do_verify (EspReaders *readers, GTask *task, gpointer data, GError **error)
{
  EspStore *store = _esp_readers_acquire (readers, error);

  if (store == NULL)
    return NULL;
  verify (store, data, g_task_get_cancellable (task));
  _esp_readers_release (readers, store);
  return data;
}

void
esp_document_verify_async (EspDocument *self, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Verification *found;

  g_return_if_fail (ESP_IS_DOCUMENT (self));

  found = g_new0 (Verification, 1);
  found->problems = g_ptr_array_new_with_free_func (g_free);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_document_verify_async);
  g_task_set_task_data (task, found, free_verification);
  _esp_readers_run (self->readers, task, do_verify, NULL);
}

gboolean
esp_document_verify_finish (EspDocument *self, GAsyncResult *result, guint *n_images,
                            guint *n_nodes, GPtrArray **problems, GError **error)
{
  const Verification *found;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  found = g_task_get_task_data (G_TASK (result));
  if (n_images != NULL)
    *n_images = found->n_images;
  if (n_nodes != NULL)
    *n_nodes = found->n_nodes;
  if (problems != NULL)
    *problems = g_ptr_array_ref (found->problems);
  return g_task_propagate_boolean (G_TASK (result), error);
}
