/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-store.c: a connection to a document's database, its statements, transactions and errors. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-store.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-database-open.h"

/* No value is larger: images are in parts (esp-store-images.c), texts are short. */
#define MAX_VALUE (80 << 20)

struct _EspStore
{
  sqlite3 *database;
  GHashTable *statements; /* of sqlite3_stmt, by their text */
  char *name;
  char *node_query;
  int version;
};

G_DEFINE_QUARK (esp - document - error - quark, esp_document_error)

sqlite3 *
_esp_store_get_database (EspStore *self)
{
  return self->database;
}

const char *
_esp_store_get_name (EspStore *self)
{
  return self->name;
}

char **
_esp_store_node_query (EspStore *self)
{
  return &self->node_query;
}

int
_esp_store_get_version (EspStore *self)
{
  return self->version;
}

void
_esp_store_set_error (EspStore *self, GError **error)
{
  const int code = sqlite3_extended_errcode (self->database);
  /* It may tell what stands in a damaged file. */
  g_autofree char *message = g_utf8_make_valid (sqlite3_errmsg (self->database), -1);

  g_debug ("%s: SQLite %d: %s", self->name, code, message);
  switch (code & 0xff)
    {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_TOOBIG:
    case SQLITE_ERROR: /* a table or column is not what it should be */
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT, _ ("“%s” is damaged (%s)"),
                   self->name, message);
      break;
    case SQLITE_FULL:
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                   _ ("There is no space left for “%s”"), self->name);
      break;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN,
                   _ ("“%s” cannot be opened (%s)"), self->name, message);
      break;
    case SQLITE_READONLY:
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY,
                   _ ("“%s” cannot be changed"), self->name);
      break;
    default:
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_STORE,
                   _ ("“%s” cannot be stored or read (%s)"), self->name, message);
    }
}

/* --- Statements ------------------------------------------------------------------------------- */

sqlite3_stmt *
_esp_store_prepare (EspStore *self, const char *sql, GError **error)
{
  sqlite3_stmt *statement = g_hash_table_lookup (self->statements, sql);

  if (statement == NULL)
    {
      if (sqlite3_prepare_v3 (self->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL)
          != SQLITE_OK)
        {
          _esp_store_set_error (self, error);
          return NULL;
        }
      g_hash_table_insert (self->statements, g_strdup (sql), statement);
    }
  sqlite3_clear_bindings (statement);
  return statement;
}

gboolean
_esp_store_step (EspStore *self, sqlite3_stmt *statement, GError **error)
{
  const int code = sqlite3_step (statement);

  if (code == SQLITE_ROW)
    return TRUE;
  if (code != SQLITE_DONE)
    _esp_store_set_error (self, error);
  sqlite3_reset (statement);
  return FALSE;
}

gboolean
_esp_store_run (EspStore *self, sqlite3_stmt *statement, GError **error)
{
  const int code = sqlite3_step (statement);

  if (code != SQLITE_ROW && code != SQLITE_DONE)
    _esp_store_set_error (self, error);
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement); /* they may point to memory of the caller */
  return code == SQLITE_ROW || code == SQLITE_DONE;
}

gboolean
_esp_store_exec (EspStore *self, const char *sql, GError **error)
{
  if (sqlite3_exec (self->database, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  _esp_store_set_error (self, error);
  return FALSE;
}

gint64
_esp_store_get_number (EspStore *self, const char *sql, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gint64 number = -1;

  if (sqlite3_prepare_v2 (self->database, sql, -1, &statement, NULL) != SQLITE_OK
      || sqlite3_step (statement) != SQLITE_ROW)
    _esp_store_set_error (self, error);
  else if (sqlite3_column_int64 (statement, 0) < 0)
    g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT,
                 _ ("“%s” is damaged: a number in it is negative"), self->name);
  else
    number = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  return number;
}

gboolean
_esp_store_has_column (EspStore *self, const char *table, const char *column)
{
  return sqlite3_table_column_metadata (self->database, "main", table, column, NULL, NULL, NULL,
                                        NULL, NULL)
         == SQLITE_OK;
}

gboolean
_esp_store_begin (EspStore *self, GError **error)
{
  return _esp_store_exec (self, "BEGIN IMMEDIATE", error);
}

gboolean
_esp_store_commit (EspStore *self, GError **error)
{
  if (_esp_store_exec (self, "COMMIT", error))
    return TRUE;
  _esp_store_rollback (self);
  return FALSE;
}

void
_esp_store_rollback (EspStore *self)
{
  /* SQLite may have rolled back by itself, upon a full disk for one. */
  if (!sqlite3_get_autocommit (self->database))
    sqlite3_exec (self->database, "ROLLBACK", NULL, NULL, NULL);
}

gboolean
_esp_store_empty_log (EspStore *self, GError **error)
{
  if (sqlite3_wal_checkpoint_v2 (self->database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL)
      == SQLITE_OK)
    return TRUE;
  _esp_store_set_error (self, error);
  return FALSE;
}

/* --- Opening ---------------------------------------------------------------------------------- */

/* What is not to be trusted is kept from doing anything by itself. */
static void
restrict_connection (sqlite3 *database)
{
  sqlite3_db_config (database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config (database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  sqlite3_db_config (database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
  sqlite3_db_config (database, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  sqlite3_db_config (database, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
  sqlite3_limit (database, SQLITE_LIMIT_LENGTH, MAX_VALUE);
  sqlite3_limit (database, SQLITE_LIMIT_ATTACHED, 1); /* VACUUM needs one */
  sqlite3_extended_result_codes (database, 1);
  sqlite3_busy_timeout (database, 10000);
}

static gboolean
open_connection (EspStore *self, const char *path, EspStoreMode mode, GError **error)
{
  const gboolean writes = mode == ESP_STORE_WRITE || mode == ESP_STORE_CREATE;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_PRIVATECACHE
                    | SQLITE_OPEN_EXRESCODE
                    | (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY)
                    | (mode == ESP_STORE_CREATE ? SQLITE_OPEN_CREATE : 0);
  g_autofree char *escaped = g_uri_escape_string (path, "/", FALSE);
  g_autofree char *uri
      = g_strconcat ("file:", escaped, mode == ESP_STORE_IMMUTABLE ? "?immutable=1" : "", NULL);

  _esp_database_open_prepare ();
  if (sqlite3_open_v2 (uri, &self->database, flags, NULL) != SQLITE_OK)
    {
      if (self->database != NULL)
        _esp_store_set_error (self, error);
      else
        g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN,
                     _ ("There is not enough memory to open “%s”"), self->name);
      return FALSE;
    }
  restrict_connection (self->database);
  return _esp_store_exec (self,
                          "PRAGMA cell_size_check = ON;"
                          "PRAGMA foreign_keys = ON;"
                          "PRAGMA temp_store = MEMORY;"
                          "PRAGMA mmap_size = 0;"
                          "PRAGMA cache_size = -16384;",
                          error);
}

static gboolean
set_up_writing (EspStore *self, GError **error)
{
  /* Synchronous: a commit is on the disk before anyone is told, power loss or not. */
  return _esp_store_exec (self,
                          "PRAGMA journal_mode = WAL;"
                          "PRAGMA synchronous = FULL;"
                          "PRAGMA wal_autocheckpoint = 2000;"
                          "PRAGMA journal_size_limit = 67108864;",
                          error);
}

static gboolean
check_application (EspStore *self, GError **error)
{
  /* It has a sign, and is anything in other programs' files. */
  const gint64 id = _esp_store_get_number (
      self, "SELECT application_id & 0xffffffff FROM pragma_application_id", error);

  if (id < 0)
    return FALSE;
  if (id != ESP_STORE_APPLICATION_ID)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT,
                   _ ("“%s” is not an Espalier document"), self->name);
      return FALSE;
    }
  self->version = (int) _esp_store_get_number (self, "PRAGMA user_version", NULL);
  if (self->version < 1)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT,
                   _ ("“%s” is damaged: it has no version"), self->name);
      return FALSE;
    }
  return _esp_store_check_schema (self, error);
}

static gboolean
is_empty (EspStore *self)
{
  return _esp_store_get_number (self, "PRAGMA application_id", NULL) == 0
         && _esp_store_get_number (self, "SELECT count(*) FROM sqlite_schema", NULL) == 0;
}

static void
finalize_statement (gpointer statement)
{
  sqlite3_finalize (statement);
}

EspStore *
_esp_store_open (const char *path, const char *name, EspStoreMode mode, GError **error)
{
  g_autoptr (EspStore) self = g_new0 (EspStore, 1);
  GError *local = NULL;
  gboolean ok;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  self->name = g_strdup (name);
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, finalize_statement);
  ok = open_connection (self, path, mode, &local);
  if (ok && mode == ESP_STORE_CREATE && is_empty (self))
    ok = _esp_store_create_schema (self, &local);
  ok = ok && check_application (self, &local);
  if (ok && (mode == ESP_STORE_WRITE || mode == ESP_STORE_CREATE)
      && self->version <= ESP_STORE_VERSION)
    {
      ok = set_up_writing (self, &local) && _esp_store_migrate (self, &local);
      self->version = ESP_STORE_VERSION;
    }
  if (!ok)
    {
      if (g_error_matches (local, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT)
          && sqlite3_errcode (self->database) == SQLITE_NOTADB)
        {
          g_clear_error (&local);
          g_set_error (&local, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT,
                       _ ("“%s” is not an Espalier document"), name);
        }
      g_propagate_error (error, local);
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
_esp_store_free (EspStore *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->statements, g_hash_table_unref);
  sqlite3_close_v2 (self->database);
  g_free (self->node_query);
  g_free (self->name);
  g_free (self);
}
