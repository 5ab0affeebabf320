/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-store-schema.c: the tables of a document, how older ones become those of today, and what a
 * file may contain. docs/file-format.md tells what everything means. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-store.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Version 1, for ever: a new document is made as version 1 and brought up to date, so that the way
 * of every older file is walked each time. */
static const char version_1[]
    = "CREATE TABLE document ("
      "  key TEXT PRIMARY KEY NOT NULL,"
      "  value TEXT NOT NULL"
      ") STRICT, WITHOUT ROWID;"

      "CREATE TABLE images ("
      "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
      "  sha256 TEXT NOT NULL UNIQUE,"
      "  media_type TEXT NOT NULL,"
      "  width INTEGER NOT NULL,"
      "  height INTEGER NOT NULL,"
      "  size INTEGER NOT NULL,"
      "  color INTEGER NOT NULL"
      ") STRICT;"

      "CREATE TABLE image_data ("
      "  image INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,"
      "  part INTEGER NOT NULL,"
      "  data BLOB NOT NULL,"
      "  PRIMARY KEY (image, part)"
      ") STRICT;"

      "CREATE TABLE thumbnails ("
      "  image INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,"
      "  size INTEGER NOT NULL,"
      "  data BLOB NOT NULL,"
      "  PRIMARY KEY (image, size)"
      ") STRICT;"

      "CREATE TABLE nodes ("
      "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
      "  parent INTEGER REFERENCES nodes (id),"
      "  position REAL NOT NULL,"
      "  kind TEXT NOT NULL,"
      "  state TEXT NOT NULL,"
      "  deleted INTEGER NOT NULL DEFAULT 0,"
      "  folded INTEGER NOT NULL DEFAULT 0,"
      "  message TEXT,"
      "  instruction TEXT NOT NULL DEFAULT '',"
      "  negative_prompt TEXT,"
      "  backend TEXT,"
      "  model TEXT,"
      "  model_name TEXT,"
      "  model_hash TEXT,"
      "  parameters TEXT NOT NULL DEFAULT '{}',"
      "  asked TEXT,"
      "  seed INTEGER,"
      "  file_name TEXT,"
      "  remote_job TEXT,"
      "  created INTEGER NOT NULL,"
      "  seconds REAL,"
      "  timings TEXT,"
      "  cost REAL,"
      "  currency TEXT,"
      "  image INTEGER REFERENCES images (id),"
      "  label TEXT,"
      "  note TEXT,"
      "  stars INTEGER NOT NULL DEFAULT 0,"
      "  tag INTEGER NOT NULL DEFAULT 0,"
      "  rejected INTEGER NOT NULL DEFAULT 0"
      ") STRICT;"
      "CREATE INDEX nodes_parent ON nodes (parent);"
      "CREATE INDEX nodes_image ON nodes (image);"

      "CREATE TABLE node_references ("
      "  node INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,"
      "  position INTEGER NOT NULL,"
      "  reference INTEGER NOT NULL REFERENCES nodes (id),"
      "  PRIMARY KEY (node, position)"
      ") STRICT, WITHOUT ROWID;"
      "CREATE INDEX node_references_reference ON node_references (reference);"

      "CREATE TABLE view ("
      "  key TEXT PRIMARY KEY NOT NULL,"
      "  value TEXT NOT NULL"
      ") STRICT, WITHOUT ROWID;";

/* migrations[n] makes version n + 2 of version n + 1. */
static const char *const migrations[] = {
  /* 2: instructions outlive the turns */
  "CREATE TABLE instructions ("
  "  text TEXT PRIMARY KEY NOT NULL,"
  "  used INTEGER NOT NULL"
  ") STRICT, WITHOUT ROWID;"
  "INSERT INTO instructions SELECT instruction, max(created) FROM nodes"
  "  WHERE instruction <> '' GROUP BY instruction;",

  /* 3: turns that are the cells of sweeps */
  "CREATE TABLE sweeps ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  plan TEXT NOT NULL,"
  "  created INTEGER NOT NULL"
  ") STRICT;"
  "ALTER TABLE nodes ADD COLUMN sweep INTEGER REFERENCES sweeps (id);"
  "ALTER TABLE nodes ADD COLUMN cell INTEGER;"
  "ALTER TABLE nodes ADD COLUMN draft INTEGER NOT NULL DEFAULT 0;"
  "CREATE INDEX nodes_sweep ON nodes (sweep) WHERE sweep IS NOT NULL;",

  /* 4: what a picture was put together of */
  "CREATE TABLE latents ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  size INTEGER NOT NULL,"
  "  data BLOB NOT NULL"
  ") STRICT;"
  "ALTER TABLE nodes ADD COLUMN raw INTEGER REFERENCES images (id);"
  "ALTER TABLE nodes ADD COLUMN mask INTEGER REFERENCES images (id);"
  "ALTER TABLE nodes ADD COLUMN source INTEGER REFERENCES images (id);"
  "ALTER TABLE nodes ADD COLUMN source_node INTEGER;"
  "ALTER TABLE nodes ADD COLUMN latents INTEGER REFERENCES latents (id);"
  "ALTER TABLE nodes ADD COLUMN composition TEXT;"
  "CREATE INDEX nodes_raw ON nodes (raw) WHERE raw IS NOT NULL;"
  "CREATE INDEX nodes_mask ON nodes (mask) WHERE mask IS NOT NULL;"
  "CREATE INDEX nodes_source ON nodes (source) WHERE source IS NOT NULL;"
  "CREATE INDEX nodes_latents ON nodes (latents) WHERE latents IS NOT NULL;",
};

G_STATIC_ASSERT (G_N_ELEMENTS (migrations) == ESP_STORE_VERSION - 1);

/* Without these no document can be read, whatever its version. */
static const struct
{
  const char *table;
  const char *column;
} needed[] = {
  { "nodes", "id" },        { "nodes", "parent" },    { "nodes", "state" },
  { "images", "id" },       { "images", "sha256" },   { "image_data", "image" },
  { "image_data", "part" }, { "image_data", "data" },
};

gboolean
_esp_store_create_schema (EspStore *self, GError **error)
{
  g_autofree char *sql = NULL;

  /* The page size counts for the first table; 8 KiB suits rows beside images. */
  if (!_esp_store_exec (self, "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;", error)
      || !_esp_store_begin (self, error))
    return FALSE;
  sql = g_strdup_printf ("%s"
                         "INSERT INTO document VALUES ('created', '%" G_GINT64_FORMAT "');"
                         "PRAGMA application_id = %d;"
                         "PRAGMA user_version = 1;",
                         version_1, g_get_real_time (), ESP_STORE_APPLICATION_ID);
  if (!_esp_store_exec (self, sql, error))
    {
      _esp_store_rollback (self);
      return FALSE;
    }
  return _esp_store_commit (self, error);
}

gboolean
_esp_store_migrate (EspStore *self, GError **error)
{
  const gsize version = (gsize) MAX (_esp_store_get_version (self), 1);

  for (gsize i = version - 1; i < G_N_ELEMENTS (migrations); i++)
    {
      g_autofree char *sql
          = g_strdup_printf ("%s PRAGMA user_version = %d;", migrations[i], (int) i + 2);

      if (!_esp_store_begin (self, error))
        return FALSE;
      if (!_esp_store_exec (self, sql, error))
        {
          _esp_store_rollback (self);
          return FALSE;
        }
      if (!_esp_store_commit (self, error))
        return FALSE;
    }
  return TRUE;
}

static void
set_schema_error (EspStore *self, GError **error, const char *what)
{
  g_autofree char *valid = g_utf8_make_valid (what != NULL ? what : "?", -1);

  g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT,
               _ ("“%s” is damaged: its table or column “%s” is not as it should be"),
               _esp_store_get_name (self), valid);
}

/* Only tables and indices, and no virtual tables: those are code. */
static gboolean
check_objects (EspStore *self, GError **error)
{
  GError *local = NULL;
  sqlite3_stmt *statement
      = _esp_store_prepare (self, "SELECT type, name, coalesce(sql, '') FROM sqlite_schema", error);

  if (statement == NULL)
    return FALSE;
  while (_esp_store_step (self, statement, &local))
    {
      const char *type = (const char *) sqlite3_column_text (statement, 0);
      const char *sql = (const char *) sqlite3_column_text (statement, 2);
      const gboolean known = g_strcmp0 (type, "table") == 0 || g_strcmp0 (type, "index") == 0;

      if (!known || sql == NULL || g_ascii_strncasecmp (sql, "CREATE VIRTUAL", 14) == 0)
        {
          set_schema_error (self, error, (const char *) sqlite3_column_text (statement, 1));
          sqlite3_reset (statement);
          return FALSE;
        }
    }
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  return TRUE;
}

gboolean
_esp_store_check_schema (EspStore *self, GError **error)
{
  if (!check_objects (self, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (needed); i++)
    if (!_esp_store_has_column (self, needed[i].table, needed[i].column))
      {
        g_autofree char *what = g_strdup_printf ("%s.%s", needed[i].table, needed[i].column);

        set_schema_error (self, error, what);
        return FALSE;
      }
  return TRUE;
}
