/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A document that someone made by hand to harm whoever opens it: a database of ours that statements
 * have been at. The first byte says of which version and encoding it is; then come operations, a
 * byte each with the bytes that it wants: values of every type in every column, circles, tables
 * that are views, triggers, columns that compute, the schema rewritten, statements as text. */
#include "fuzz-open-document.h"

#include <sqlite3.h>

#define OPERATIONS_MAX 64
#define STEPS_MAX      200 /* of a thousand instructions each, for one statement */

static const char *const tables[]
    = { "nodes", "images",          "image_data",   "thumbnails", "document",
        "view",  "node_references", "instructions", "sweeps",     "latents" };

/* Table and column: what is read of a document. */
static const char *const columns[][2] = {
  { "nodes", "id" },
  { "nodes", "parent" },
  { "nodes", "position" },
  { "nodes", "kind" },
  { "nodes", "state" },
  { "nodes", "deleted" },
  { "nodes", "folded" },
  { "nodes", "message" },
  { "nodes", "instruction" },
  { "nodes", "parameters" },
  { "nodes", "asked" },
  { "nodes", "seed" },
  { "nodes", "file_name" },
  { "nodes", "remote_job" },
  { "nodes", "created" },
  { "nodes", "seconds" },
  { "nodes", "timings" },
  { "nodes", "cost" },
  { "nodes", "currency" },
  { "nodes", "image" },
  { "nodes", "label" },
  { "nodes", "stars" },
  { "nodes", "tag" },
  { "nodes", "rejected" },
  { "nodes", "sweep" },
  { "nodes", "cell" },
  { "nodes", "draft" },
  { "nodes", "raw" },
  { "nodes", "mask" },
  { "nodes", "source" },
  { "nodes", "source_node" },
  { "nodes", "latents" },
  { "nodes", "composition" },
  { "images", "id" },
  { "images", "sha256" },
  { "images", "media_type" },
  { "images", "width" },
  { "images", "height" },
  { "images", "size" },
  { "images", "color" },
  { "image_data", "image" },
  { "image_data", "part" },
  { "image_data", "data" },
  { "thumbnails", "size" },
  { "thumbnails", "data" },
  { "view", "key" },
  { "view", "value" },
  { "node_references", "position" },
  { "node_references", "reference" },
  { "instructions", "text" },
  { "instructions", "used" },
  { "sweeps", "plan" },
  { "sweeps", "id" },
  { "latents", "data" },
  { "latents", "size" },
  { "document", "value" },
};

/* Values that are on an edge, as SQL; %s is a text of the input. */
static const char *const values[] = {
  "NULL",
  "0",
  "1",
  "-1",
  "id",
  "id + 1",
  "id - 1",
  "2147483648",
  "9223372036854775807",
  "-9223372036854775808",
  "1e999",
  "-1e999",
  "0.5",
  "1e18",
  "'%s'",
  "x'00ff00'",
  "zeroblob(70000)",
  "replace(hex(zeroblob(40000)),'0','\xc3\xa4')",
  "'queued'",
  "'done'",
  "'imported'",
  "'turn'",
  "char(0) || '%s'",
  "'{\"%s\":1}'",
  "CAST(x'ff80fe' AS TEXT)",
  "'[' || '%s'",
  "''",
  "4294967296",
};

/* What a column, an index, a trigger or a view computes. */
static const char *const expressions[] = {
  "1/0",
  "'%s'",
  "abs(-9223372036854775807 - 1)",
  "hex(zeroblob(3000000))",
  "json('%s')",
  "printf('%%.*c', 3000000, 'x')",
  "zeroblob(3000000)",
  "load_extension('%s')",
  "NULL",
  "randomblob(8)",
};

typedef struct
{
  sqlite3 *database;
  char *path;
} Hostile;

static int
limit_steps (void *data)
{
  return ++*(guint *) data > STEPS_MAX;
}

static void
run_sql (Hostile *self, const char *sql)
{
  guint steps = 0;

  sqlite3_progress_handler (self->database, 1000, limit_steps, &steps);
  sqlite3_exec (self->database, sql, NULL, NULL, NULL);
  sqlite3_progress_handler (self->database, 0, NULL, NULL);
}

G_GNUC_PRINTF (2, 3)
static void
run_format (Hostile *self, const char *format, ...)
{
  g_autofree char *sql = NULL;
  va_list arguments;

  va_start (arguments, format);
  sql = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  run_sql (self, sql);
}

static void
connect_to (Hostile *self)
{
  PROMISE (sqlite3_open (self->path, &self->database) == SQLITE_OK);
  sqlite3_limit (self->database, SQLITE_LIMIT_LENGTH, 4 << 20);
  sqlite3_db_config (self->database, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
  run_sql (self,
           "PRAGMA writable_schema = ON; PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF");
}

/* With its log left beside it, or without. */
static void
disconnect (Hostile *self, gboolean keep_log)
{
  sqlite3_db_config (self->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep_log, NULL);
  sqlite3_close (self->database);
  self->database = NULL;
}

/* %s of a template becomes the input's text, fit for a string of SQL. */
static char *
fill (const char *pattern, FuzzInput *input)
{
  g_autofree char *text = NULL;
  g_autofree char *valid = NULL;
  g_auto (GStrv) quoted = NULL;
  g_autofree char *joined = NULL;
  g_auto (GStrv) parts = NULL;

  if (strstr (pattern, "%s") == NULL)
    return g_strdup (pattern);
  text = fuzz_take_text (input);
  quoted = g_strsplit (text, "'", -1);
  joined = g_strjoinv ("''", quoted);
  parts = g_strsplit (pattern, "%s", -1);
  return g_strjoinv (joined, parts);
}

static char *
take_value (FuzzInput *input)
{
  return fill (values[fuzz_take_byte (input) % G_N_ELEMENTS (values)], input);
}

static char *
take_expression (FuzzInput *input)
{
  return fill (expressions[fuzz_take_byte (input) % G_N_ELEMENTS (expressions)], input);
}

static const char *
take_table (FuzzInput *input)
{
  return tables[fuzz_take_byte (input) % G_N_ELEMENTS (tables)];
}

/* --- What is done to it ------------------------------------------------------------------------
 */

static void
set_value (Hostile *self, FuzzInput *input)
{
  const char *const *column = columns[fuzz_take_byte (input) % G_N_ELEMENTS (columns)];
  guint row = fuzz_take_byte (input);
  g_autofree char *value = take_value (input);

  if (row % 2 == 0)
    run_format (self, "UPDATE OR REPLACE %s SET %s = %s", column[0], column[1], value);
  else
    run_format (self, "UPDATE OR REPLACE %s SET %s = %s WHERE rowid = %u", column[0], column[1],
                value, row / 2);
}

static void
add_node (Hostile *self, FuzzInput *input)
{
  g_autofree char *id = take_value (input);
  g_autofree char *parent = take_value (input);

  run_format (self,
              "INSERT OR REPLACE INTO nodes (id, parent, position, kind, state, created, image)"
              " SELECT %s, %s, 1, kind, state, created, image FROM nodes LIMIT 1",
              id, parent);
}

/* Tables take any type from then on. */
static void
loosen (Hostile *self, FuzzInput *input)
{
  const char *table = take_table (input);

  run_format (self,
              "UPDATE sqlite_schema SET sql = replace(replace(replace(sql, 'STRICT', ''),"
              " 'NOT NULL', ''), ') , WITHOUT', ') WITHOUT') WHERE name = '%s'",
              table);
}

static void
rewrite_schema (Hostile *self, FuzzInput *input)
{
  const char *table = take_table (input);
  guint what = fuzz_take_byte (input);
  g_autofree char *text = fill ("%s", input);

  switch (what % 5)
    {
    case 0:
      run_format (self, "UPDATE sqlite_schema SET rootpage = %u WHERE name = '%s'", what / 5,
                  table);
      break;
    case 1:
      run_format (self, "UPDATE sqlite_schema SET type = '%s' WHERE name = '%s'", text, table);
      break;
    case 2:
      run_format (self, "UPDATE sqlite_schema SET sql = '%s' WHERE name = '%s'", text, table);
      break;
    case 3:
      run_format (self, "UPDATE sqlite_schema SET name = '%s' WHERE name = '%s'", text, table);
      break;
    default:
      run_format (self, "INSERT INTO sqlite_schema VALUES ('%s', 'x', '%s', 0, NULL)", text, table);
    }
}

static void
make_view (Hostile *self, FuzzInput *input)
{
  const char *table = take_table (input);

  run_format (self, "ALTER TABLE %s RENAME TO was_%s", table, table);
  if (fuzz_take_byte (input) % 2 == 0)
    run_format (self, "CREATE VIEW %s AS SELECT * FROM was_%s", table, table);
  else
    run_format (self,
                "CREATE VIEW %s AS WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r)"
                " SELECT i AS id, was_%s.* FROM r, was_%s",
                table, table, table);
}

static void
make_trigger (Hostile *self, FuzzInput *input)
{
  static const char *const events[] = { "INSERT", "UPDATE", "DELETE" };
  const char *table = take_table (input);
  const char *event = events[fuzz_take_byte (input) % G_N_ELEMENTS (events)];
  g_autofree char *expression = take_expression (input);

  run_format (self, "CREATE TRIGGER t_%s AFTER %s ON %s BEGIN DELETE FROM images; SELECT %s; END",
              table, event, table, expression);
}

/* A column that computes in the place of one that is read. */
static void
make_generated (Hostile *self, FuzzInput *input)
{
  const char *const *column = columns[fuzz_take_byte (input) % G_N_ELEMENTS (columns)];
  g_autofree char *expression = take_expression (input);

  run_format (self, "ALTER TABLE %s RENAME COLUMN %s TO was_%s", column[0], column[1], column[1]);
  run_format (self, "ALTER TABLE %s ADD COLUMN %s TEXT AS (%s)", column[0], column[1], expression);
}

static void
make_index (Hostile *self, FuzzInput *input)
{
  const char *table = take_table (input);
  g_autofree char *expression = take_expression (input);
  g_autofree char *condition = take_expression (input);

  run_format (self, "CREATE INDEX i_%s ON %s ((%s)) WHERE %s IS NULL", table, table, expression,
              condition);
}

static void
drop (Hostile *self, FuzzInput *input)
{
  static const char *const forms[] = { "DROP TABLE %s", "DELETE FROM %s", "REINDEX %s" };
  const char *form = forms[fuzz_take_byte (input) % G_N_ELEMENTS (forms)];
  g_autofree char *sql = NULL;
  g_auto (GStrv) parts = g_strsplit (form, "%s", -1);

  sql = g_strjoinv (take_table (input), parts);
  run_sql (self, sql);
}

static void
set_pragma (Hostile *self, FuzzInput *input)
{
  static const char *const pragmas[] = {
    "PRAGMA journal_mode = WAL",        "PRAGMA journal_mode = DELETE",
    "PRAGMA journal_mode = PERSIST",    "PRAGMA user_version = 5",
    "PRAGMA user_version = -1",         "PRAGMA user_version = 0",
    "PRAGMA application_id = 0",        "PRAGMA page_size = 512; VACUUM",
    "PRAGMA auto_vacuum = 1; VACUUM",   "PRAGMA user_version = 3",
    "PRAGMA user_version = 1",          "PRAGMA schema_version = 7",
    "PRAGMA legacy_file_format = 1",    "PRAGMA default_cache_size = -9",
    "PRAGMA user_version = 2147483647",
  };

  run_sql (self, pragmas[fuzz_take_byte (input) % G_N_ELEMENTS (pragmas)]);
}

static void
make_virtual (Hostile *self, FuzzInput *input)
{
  static const char *const modules[]
      = { "fts5 (x)", "rtree (a, b, c)", "dbstat", "fts3 (x)", "json_each", "pragma_table_info" };

  run_format (self, "CREATE VIRTUAL TABLE v%u USING %s", (guint) input->size,
              modules[fuzz_take_byte (input) % G_N_ELEMENTS (modules)]);
}

static void
run_text (Hostile *self, FuzzInput *input)
{
  g_autofree char *text = fuzz_take_text (input);

  /* Not out of the scratch folder. */
  if (g_regex_match_simple (
          "attach|vacuum\\s+into|load_ext|writefile|edit\\s*\\(|zeroblob|randomblob"
          "|printf|format|replace",
          text, G_REGEX_CASELESS | G_REGEX_RAW, 0))
    return;
  run_sql (self, text);
}

static void
reconnect (Hostile *self, FuzzInput *input)
{
  disconnect (self, fuzz_take_byte (input) % 2 == 1);
  connect_to (self);
}

static void
operate (Hostile *self, FuzzInput *input)
{
  static void (*const operations[]) (Hostile * self, FuzzInput * input) = {
    set_value,      set_value, set_value,    add_node,   loosen,
    rewrite_schema, make_view, make_trigger, make_index, make_virtual,
    set_pragma,     drop,      run_text,     reconnect,  make_generated,
  };

  operations[fuzz_take_byte (input) % G_N_ELEMENTS (operations)](self, input);
}

/* --- Where it begins ---------------------------------------------------------------------------
 */

static int
exec_row (void *data, int n, char **texts, char **names)
{
  if (n > 0 && texts[0] != NULL)
    run_sql (data, texts[0]);
  return 0;
}

/* The same document in another encoding. */
static void
encode_anew (Hostile *self, const char *from)
{
  sqlite3 *base = NULL;

  connect_to (self);
  run_sql (self, "PRAGMA encoding = 'UTF-16be'; PRAGMA page_size = 1024");
  PROMISE (sqlite3_open_v2 (from, &base, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
  sqlite3_exec (base,
                "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY type DESC",
                exec_row, self, NULL);
  sqlite3_close (base);
  run_sql (self,
           "PRAGMA application_id = 1165193324; PRAGMA user_version = 4;"
           "INSERT INTO nodes (position, kind, state, created) VALUES (1, 'imported', 'done', 1)");
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  guint how = fuzz_take_byte (&input);
  Hostile self = { .path = fuzz_document_path () };
  guint last = 0;

  if (how % 5 < 4)
    {
      gsize length;
      const guint8 *base = g_bytes_get_data (fuzz_document_bytes (how % 5 + 1), &length);

      g_free (fuzz_write_file ("fuzz.espalier", base, length));
      connect_to (&self);
    }
  else
    encode_anew (&self, ESP_FUZZ_DOCUMENTS "/version-4.espalier");
  for (guint i = 0; i < OPERATIONS_MAX && input.size > 0; i++)
    {
      last = input.data[0];
      operate (&self, &input);
    }
  disconnect (&self, last % 2 == 1);
  fuzz_document_read (self.path, FALSE);
  g_free (self.path);
  return 0;
}
