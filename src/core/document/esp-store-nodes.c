/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-store-nodes.c: nodes, what views remember, and instructions, from and to the database. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-store.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* So many nodes are no person's work. */
#define MAX_NODES      1000000
#define MAX_REFERENCES 64

/* In the order of `Column`. Columns that a file of another version lacks are read as NULL. */
static const char *const columns[] = {
  "id",      "parent",  "position",    "kind",        "state",
  "deleted", "folded",  "message",     "instruction", "negative_prompt",
  "backend", "model",   "model_name",  "model_hash",  "parameters",
  "asked",   "seed",    "file_name",   "remote_job",  "created",
  "seconds", "timings", "cost",        "currency",    "image",
  "label",   "note",    "stars",       "tag",         "rejected",
  "sweep",   "cell",    "draft",       "raw",         "mask",
  "source",  "latents", "source_node", "composition",
};

enum Column
{
  ID,
  PARENT,
  POSITION,
  KIND,
  STATE,
  DELETED,
  FOLDED,
  MESSAGE,
  INSTRUCTION,
  NEGATIVE_PROMPT,
  BACKEND,
  MODEL,
  MODEL_NAME,
  MODEL_HASH,
  PARAMETERS,
  ASKED,
  SEED,
  FILE_NAME,
  REMOTE_JOB,
  CREATED,
  SECONDS,
  TIMINGS,
  COST,
  CURRENCY,
  IMAGE,
  LABEL,
  NOTE,
  STARS,
  TAG,
  REJECTED,
  SWEEP, /* of the table `sweeps`: NULL if there is no such sweep */
  CELL,
  DRAFT,
  RAW,
  MASK,
  SOURCE,
  LATENTS, /* of the table `latents`: NULL if there are none */
  SOURCE_NODE,
  COMPOSITION,
  N_COLUMNS,
};

/* Behind them, of each of the pictures: */
enum ImageColumn
{
  IMAGE_ID,
  IMAGE_SHA256,
  IMAGE_MEDIA_TYPE,
  IMAGE_WIDTH,
  IMAGE_HEIGHT,
  IMAGE_SIZE,
  IMAGE_COLOR,
  N_IMAGE_COLUMNS,
};

static const char *const image_columns[]
    = { "id", "sha256", "media_type", "width", "height", "size", "color" };

G_STATIC_ASSERT (G_N_ELEMENTS (image_columns) == N_IMAGE_COLUMNS);

/* The pictures in the order in which they stand behind the columns. */
static const enum Column pictures[] = { IMAGE, RAW, MASK, SOURCE };

G_STATIC_ASSERT (G_N_ELEMENTS (columns) == N_COLUMNS);

/* --- Reading ---------------------------------------------------------------------------------- */

/* Where rows of other tables are needed that may be missing: those of files of before. */
static gboolean
has_column (EspStore *self, enum Column column)
{
  if (!_esp_store_has_column (self, "nodes", columns[column]))
    return FALSE;
  if (column == SWEEP)
    return _esp_store_has_column (self, "sweeps", "id")
           && _esp_store_has_column (self, "sweeps", "plan");
  if (column == LATENTS)
    return _esp_store_has_column (self, "latents", "id")
           && _esp_store_has_column (self, "latents", "data");
  return TRUE;
}

static void
add_picture (EspStore *self, enum Column column, GString *wanted, GString *joins)
{
  const gboolean is_there = has_column (self, column);

  for (guint i = 0; i < N_IMAGE_COLUMNS; i++)
    if (is_there && _esp_store_has_column (self, "images", image_columns[i]))
      g_string_append_printf (wanted, ", %s.%s", columns[column], image_columns[i]);
    else
      g_string_append (wanted, ", NULL");
  if (is_there)
    g_string_append_printf (joins, " LEFT JOIN images AS %s ON %s.id = nodes.%s", columns[column],
                            columns[column], columns[column]);
}

static const char *
get_node_query (EspStore *self)
{
  char **query = _esp_store_node_query (self);
  g_autoptr (GString) joins = NULL;
  GString *text;

  if (*query != NULL)
    return *query;

  text = g_string_new ("SELECT ");
  joins = g_string_new (" FROM nodes");
  for (guint i = 0; i < N_COLUMNS; i++)
    if (!has_column (self, i))
      g_string_append (text, ", NULL");
    else if (i == SWEEP || i == LATENTS)
      {
        const char *table = i == SWEEP ? "sweeps" : "latents";

        g_string_append_printf (text, ", %s.id", table);
        g_string_append_printf (joins, " LEFT JOIN %s ON %s.id = nodes.%s", table, table,
                                columns[i]);
      }
    else
      g_string_append_printf (text, "%snodes.%s", i > 0 ? ", " : "", columns[i]);
  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++)
    add_picture (self, pictures[i], text, joins);
  g_string_append (text, joins->str);
  return *query = g_string_free (text, FALSE);
}

/* NULL for NULL and ""; always valid UTF-8. */
static char *
get_text (sqlite3_stmt *statement, int column)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);
  const gssize length = MIN (sqlite3_column_bytes (statement, column), ESP_RECORD_MAX_TEXT);

  return text != NULL && *text != '\0' ? g_utf8_make_valid (text, length) : NULL;
}

static double
get_amount (sqlite3_stmt *statement, int column)
{
  double amount = -1;

  if (sqlite3_column_type (statement, column) != SQLITE_NULL)
    amount = sqlite3_column_double (statement, column);
  return isfinite (amount) && amount >= 0 ? amount : -1;
}

static int
get_bounded (sqlite3_stmt *statement, int column, int maximum)
{
  const gint64 value = sqlite3_column_int64 (statement, column);

  return (int) CLAMP (value, 0, maximum);
}

static gboolean
is_sha256 (const char *text)
{
  return text != NULL && strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64;
}

/* The picture that stands behind the columns as number `place`. */
static void
read_image_info (sqlite3_stmt *statement, int place, EspImageInfo *info)
{
  const int first = N_COLUMNS + place * N_IMAGE_COLUMNS;
  const char *sha256 = (const char *) sqlite3_column_text (statement, first + IMAGE_SHA256);

  if (sqlite3_column_type (statement, first + IMAGE_ID) == SQLITE_NULL || !is_sha256 (sha256))
    return;
  info->id = sqlite3_column_int64 (statement, first + IMAGE_ID);
  g_strlcpy (info->sha256, sha256, sizeof info->sha256);
  info->media_type = get_text (statement, first + IMAGE_MEDIA_TYPE);
  if (info->media_type == NULL)
    info->media_type = g_strdup ("application/octet-stream");
  info->width = get_bounded (statement, first + IMAGE_WIDTH, ESP_PICTURE_MAX_SIDE);
  info->height = get_bounded (statement, first + IMAGE_HEIGHT, ESP_PICTURE_MAX_SIDE);
  info->size = (guint64) MAX (sqlite3_column_int64 (statement, first + IMAGE_SIZE), 0);
  info->color = (guint32) get_bounded (statement, first + IMAGE_COLOR, 0xffffff);
}

static void
read_turn (sqlite3_stmt *statement, EspRecord *record)
{
  g_autofree char *parameters = get_text (statement, PARAMETERS);
  g_autofree char *instruction = get_text (statement, INSTRUCTION);

  if (instruction != NULL)
    {
      g_free (record->instruction);
      record->instruction = g_steal_pointer (&instruction);
    }
  if (parameters != NULL)
    {
      g_free (record->parameters);
      record->parameters = g_steal_pointer (&parameters);
    }
  record->negative_prompt = get_text (statement, NEGATIVE_PROMPT);
  record->backend = get_text (statement, BACKEND);
  record->model = get_text (statement, MODEL);
  record->model_name = get_text (statement, MODEL_NAME);
  record->model_hash = get_text (statement, MODEL_HASH);
  record->asked = get_text (statement, ASKED);
  record->has_seed = sqlite3_column_type (statement, SEED) == SQLITE_INTEGER;
  record->seed = (guint64) sqlite3_column_int64 (statement, SEED);
  record->file_name = get_text (statement, FILE_NAME);
  record->remote_job = get_text (statement, REMOTE_JOB);
  record->created = sqlite3_column_int64 (statement, CREATED);
  record->seconds = get_amount (statement, SECONDS);
  record->timings = get_text (statement, TIMINGS);
  record->cost = get_amount (statement, COST);
  record->currency = get_text (statement, CURRENCY);
}

/* Only turns are put together. */
static void
read_parts (sqlite3_stmt *statement, EspRecord *record)
{
  if (record->kind != ESP_NODE_TURN)
    return;
  read_image_info (statement, 1, &record->raw);
  read_image_info (statement, 2, &record->mask);
  read_image_info (statement, 3, &record->source);
  record->latents = MAX (sqlite3_column_int64 (statement, LATENTS), 0);
  record->source_node = MAX (sqlite3_column_int64 (statement, SOURCE_NODE), 0);
  record->composition = get_text (statement, COMPOSITION);
}

/* Only turns are cells. */
static void
read_cell (sqlite3_stmt *statement, EspRecord *record)
{
  const gint64 sweep = sqlite3_column_int64 (statement, SWEEP);
  const gint64 cell = sqlite3_column_int64 (statement, CELL);

  if (record->kind != ESP_NODE_TURN || sweep < 1 || cell < 0 || cell > G_MAXINT
      || sqlite3_column_type (statement, CELL) != SQLITE_INTEGER)
    return;
  record->sweep = sweep;
  record->cell = (guint) cell;
  record->draft = sqlite3_column_int64 (statement, DRAFT) != 0;
}

static EspRecord *
read_record (sqlite3_stmt *statement)
{
  EspRecord *record = _esp_record_new ();
  const char *kind = (const char *) sqlite3_column_text (statement, KIND);
  const char *state = (const char *) sqlite3_column_text (statement, STATE);

  record->id = sqlite3_column_int64 (statement, ID);
  record->parent = MAX (sqlite3_column_int64 (statement, PARENT), 0);
  record->position = sqlite3_column_double (statement, POSITION);
  if (!isfinite (record->position))
    record->position = 0;
  read_turn (statement, record);
  read_image_info (statement, 0, &record->image);
  /* Kinds and states of later versions: the nearest thing that harms nothing. */
  if (!esp_node_kind_from_string (kind, &record->kind))
    record->kind = *record->instruction != '\0' ? ESP_NODE_TURN : ESP_NODE_IMPORTED;
  if (!esp_node_state_from_string (state, &record->state))
    record->state = record->image.id != 0 ? ESP_NODE_DONE : ESP_NODE_CANCELLED;
  record->deleted = sqlite3_column_int64 (statement, DELETED) != 0;
  record->folded = sqlite3_column_int64 (statement, FOLDED) != 0;
  record->message = get_text (statement, MESSAGE);
  record->label = get_text (statement, LABEL);
  record->note = get_text (statement, NOTE);
  record->stars = get_bounded (statement, STARS, ESP_NODE_MAX_STARS);
  record->tag = get_bounded (statement, TAG, ESP_NODE_N_TAGS);
  record->rejected = sqlite3_column_int64 (statement, REJECTED) != 0;
  read_cell (statement, record);
  read_parts (statement, record);
  return record;
}

static void
add_reference (EspRecord *record, gint64 reference)
{
  if (record->references == NULL)
    record->references = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (record->references->len < MAX_REFERENCES)
    g_array_append_val (record->references, reference);
}

/* `records` are in order of id. */
static gboolean
read_all_references (EspStore *self, GPtrArray *records, GError **error)
{
  GError *local = NULL;
  sqlite3_stmt *statement;
  guint i = 0;

  if (!_esp_store_has_column (self, "node_references", "reference"))
    return TRUE;
  statement = _esp_store_prepare (
      self, "SELECT node, reference FROM node_references ORDER BY node, position", error);
  if (statement == NULL)
    return FALSE;
  while (_esp_store_step (self, statement, &local))
    {
      const gint64 node = sqlite3_column_int64 (statement, 0);

      while (i < records->len && ((EspRecord *) records->pdata[i])->id < node)
        i++;
      if (i < records->len && ((EspRecord *) records->pdata[i])->id == node)
        add_reference (records->pdata[i], sqlite3_column_int64 (statement, 1));
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

GPtrArray *
_esp_store_read_nodes (EspStore *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) records
      = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_record_free);
  g_autofree char *sql = g_strconcat (get_node_query (self), " ORDER BY nodes.id", NULL);
  sqlite3_stmt *statement = _esp_store_prepare (self, sql, error);
  GError *local = NULL;

  if (statement == NULL)
    return NULL;
  while (_esp_store_step (self, statement, &local))
    {
      /* SQLite numbers rows from 1 on; others were made by someone to see what happens. */
      if (sqlite3_column_int64 (statement, ID) < 1)
        continue;
      g_ptr_array_add (records, read_record (statement));
      if (records->len > MAX_NODES)
        g_set_error (&local, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_FORMAT,
                     _ ("“%s” has more nodes than can be shown"), _esp_store_get_name (self));
      if (local != NULL || g_cancellable_set_error_if_cancelled (cancellable, &local))
        {
          sqlite3_reset (statement);
          break;
        }
    }
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return NULL;
    }
  return read_all_references (self, records, error) ? g_steal_pointer (&records) : NULL;
}

EspRecord *
_esp_store_read_node (EspStore *self, gint64 id, GError **error)
{
  g_autofree char *sql = g_strconcat (get_node_query (self), " WHERE nodes.id = ?1", NULL);
  sqlite3_stmt *statement = _esp_store_prepare (self, sql, error);
  g_autoptr (EspRecord) record = NULL;
  GError *local = NULL;

  if (statement == NULL)
    return NULL;
  sqlite3_bind_int64 (statement, 1, id);
  if (!_esp_store_step (self, statement, &local))
    {
      if (local == NULL)
        g_set_error (&local, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                     _ ("“%s” has no node %" PRId64), _esp_store_get_name (self), id);
      g_propagate_error (error, local);
      return NULL;
    }
  record = read_record (statement);
  sqlite3_reset (statement);

  statement = _esp_store_prepare (
      self, "SELECT reference FROM node_references WHERE node = ?1 ORDER BY position", error);
  if (statement == NULL)
    return NULL;
  sqlite3_bind_int64 (statement, 1, id);
  while (_esp_store_step (self, statement, &local))
    add_reference (record, sqlite3_column_int64 (statement, 0));
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return NULL;
    }
  return g_steal_pointer (&record);
}

gboolean
_esp_store_collect_ids (EspStore *self, const char *query, gint64 id, GHashTable *seen, GArray *ids,
                        GError **error)
{
  GError *local = NULL;
  sqlite3_stmt *statement = _esp_store_prepare (self, query, error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, id);
  while (_esp_store_step (self, statement, &local))
    {
      const gint64 found = sqlite3_column_int64 (statement, 0);

      if (g_hash_table_add (seen, g_memdup2 (&found, sizeof found)))
        g_array_append_val (ids, found);
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

gboolean
_esp_store_check_parent (EspStore *self, gint64 parent, GError **error)
{
  g_autoptr (EspRecord) record = NULL;

  if (parent == 0)
    return TRUE;
  record = _esp_store_read_node (self, parent, error);
  if (record == NULL)
    return FALSE;
  if (!record->deleted)
    return TRUE;
  g_set_error_literal (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT,
                       _ ("The node was deleted"));
  return FALSE;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static const char write_node_sql[]
    = "INSERT INTO nodes (id, parent, position, kind, state, deleted, folded, message, instruction,"
      " negative_prompt, backend, model, model_name, model_hash, parameters, asked, seed, "
      "file_name,"
      " remote_job, created, seconds, timings, cost, currency, image, label, note, stars, tag,"
      " rejected, sweep, cell, draft, raw, mask, source, latents, source_node, composition)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
      " ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33,"
      " ?34, ?35, ?36, ?37, ?38, ?39)"
      " ON CONFLICT (id) DO UPDATE SET parent = ?2, position = ?3, kind = ?4, state = ?5,"
      " deleted = ?6, folded = ?7, message = ?8, instruction = ?9, negative_prompt = ?10,"
      " backend = ?11, model = ?12, model_name = ?13, model_hash = ?14, parameters = ?15,"
      " asked = ?16, seed = ?17, file_name = ?18, remote_job = ?19, created = ?20, seconds = ?21,"
      " timings = ?22, cost = ?23, currency = ?24, image = ?25, label = ?26, note = ?27,"
      " stars = ?28, tag = ?29, rejected = ?30, sweep = ?31, cell = ?32, draft = ?33,"
      " raw = ?34, mask = ?35, source = ?36, latents = ?37, source_node = ?38, composition = ?39";

static void
bind_text (sqlite3_stmt *statement, int column, const char *text)
{
  if (text != NULL)
    sqlite3_bind_text (statement, column + 1, text, -1, SQLITE_STATIC);
}

static void
bind_amount (sqlite3_stmt *statement, int column, double amount)
{
  if (amount >= 0)
    sqlite3_bind_double (statement, column + 1, amount);
}

static void
bind_id (sqlite3_stmt *statement, int column, gint64 id)
{
  if (id > 0)
    sqlite3_bind_int64 (statement, column + 1, id);
}

static void
bind_record (sqlite3_stmt *statement, const EspRecord *record)
{
  bind_id (statement, ID, record->id);
  bind_id (statement, PARENT, record->parent);
  sqlite3_bind_double (statement, POSITION + 1, record->position);
  bind_text (statement, KIND, esp_node_kind_to_string (record->kind));
  bind_text (statement, STATE, esp_node_state_to_string (record->state));
  sqlite3_bind_int (statement, DELETED + 1, record->deleted);
  sqlite3_bind_int (statement, FOLDED + 1, record->folded);
  bind_text (statement, MESSAGE, record->message);
  bind_text (statement, INSTRUCTION, record->instruction);
  bind_text (statement, NEGATIVE_PROMPT, record->negative_prompt);
  bind_text (statement, BACKEND, record->backend);
  bind_text (statement, MODEL, record->model);
  bind_text (statement, MODEL_NAME, record->model_name);
  bind_text (statement, MODEL_HASH, record->model_hash);
  bind_text (statement, PARAMETERS, record->parameters);
  bind_text (statement, ASKED, record->asked);
  if (record->has_seed)
    sqlite3_bind_int64 (statement, SEED + 1, (gint64) record->seed);
  bind_text (statement, FILE_NAME, record->file_name);
  bind_text (statement, REMOTE_JOB, record->remote_job);
  sqlite3_bind_int64 (statement, CREATED + 1, record->created);
  bind_amount (statement, SECONDS, record->seconds);
  bind_text (statement, TIMINGS, record->timings);
  bind_amount (statement, COST, record->cost);
  bind_text (statement, CURRENCY, record->currency);
  bind_id (statement, IMAGE, record->image.id);
  bind_text (statement, LABEL, record->label);
  bind_text (statement, NOTE, record->note);
  sqlite3_bind_int (statement, STARS + 1, record->stars);
  sqlite3_bind_int (statement, TAG + 1, record->tag);
  sqlite3_bind_int (statement, REJECTED + 1, record->rejected);
  bind_id (statement, SWEEP, record->sweep);
  if (record->sweep > 0)
    sqlite3_bind_int64 (statement, CELL + 1, record->cell);
  sqlite3_bind_int (statement, DRAFT + 1, record->draft);
  bind_id (statement, RAW, record->raw.id);
  bind_id (statement, MASK, record->mask.id);
  bind_id (statement, SOURCE, record->source.id);
  bind_id (statement, LATENTS, record->latents);
  bind_id (statement, SOURCE_NODE, record->source_node);
  bind_text (statement, COMPOSITION, record->composition);
}

static gboolean
write_references (EspStore *self, const EspRecord *record, GError **error)
{
  sqlite3_stmt *statement
      = _esp_store_prepare (self, "INSERT INTO node_references VALUES (?1, ?2, ?3)", error);

  if (statement == NULL)
    return FALSE;
  for (guint i = 0; i < record->references->len; i++)
    {
      sqlite3_bind_int64 (statement, 1, record->id);
      sqlite3_bind_int64 (statement, 2, i);
      sqlite3_bind_int64 (statement, 3, g_array_index (record->references, gint64, i));
      if (!_esp_store_run (self, statement, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
_esp_store_write_node (EspStore *self, EspRecord *record, GError **error)
{
  sqlite3_stmt *statement = _esp_store_prepare (self, write_node_sql, error);
  const gboolean is_new = record->id == 0;

  if (statement == NULL)
    return FALSE;
  bind_record (statement, record);
  if (!_esp_store_run (self, statement, error))
    return FALSE;
  if (!is_new)
    return TRUE; /* references never change */
  record->id = sqlite3_last_insert_rowid (_esp_store_get_database (self));
  return record->references == NULL || write_references (self, record, error);
}

gboolean
_esp_store_next_position (EspStore *self, gint64 parent, double *position, GError **error)
{
  GError *local = NULL;
  sqlite3_stmt *statement = _esp_store_prepare (
      self, "SELECT coalesce(max(position), 0) + 1 FROM nodes WHERE parent IS ?1", error);

  if (statement == NULL)
    return FALSE;
  if (parent != 0)
    sqlite3_bind_int64 (statement, 1, parent);
  if (_esp_store_step (self, statement, &local))
    *position = floor (sqlite3_column_double (statement, 0));
  sqlite3_reset (statement);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

/* --- Views and instructions --------------------------------------------------------------------
 */

GHashTable *
_esp_store_read_view (EspStore *self, GError **error)
{
  g_autoptr (GHashTable) view = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  sqlite3_stmt *statement;
  GError *local = NULL;

  if (!_esp_store_has_column (self, "view", "key")
      || !_esp_store_has_column (self, "view", "value"))
    return g_steal_pointer (&view);
  statement = _esp_store_prepare (self, "SELECT key, value FROM view LIMIT 10000", error);
  if (statement == NULL)
    return NULL;
  while (_esp_store_step (self, statement, &local))
    {
      char *key = get_text (statement, 0);
      char *value = get_text (statement, 1);

      g_hash_table_insert (view, key != NULL ? key : g_strdup (""),
                           value != NULL ? value : g_strdup (""));
    }
  if (local == NULL)
    return g_steal_pointer (&view);
  g_propagate_error (error, local);
  return NULL;
}

gboolean
_esp_store_write_view (EspStore *self, const char *key, const char *value, GError **error)
{
  sqlite3_stmt *statement = _esp_store_prepare (
      self,
      value != NULL ? "INSERT INTO view VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2"
                    : "DELETE FROM view WHERE key = ?1",
      error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_text (statement, 1, key, -1, SQLITE_STATIC);
  if (value != NULL)
    sqlite3_bind_text (statement, 2, value, -1, SQLITE_STATIC);
  return _esp_store_run (self, statement, error);
}

/* Before version 2 they are known from the turns alone. */
GPtrArray *
_esp_store_read_instructions (EspStore *self, GError **error)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  GError *local = NULL;
  sqlite3_stmt *statement
      = _esp_store_prepare (self,
                            _esp_store_has_column (self, "instructions", "text")
                                ? "SELECT text FROM instructions ORDER BY used DESC LIMIT 10000"
                                : "SELECT instruction FROM nodes WHERE instruction <> ''"
                                  " GROUP BY instruction ORDER BY max(id) DESC LIMIT 10000",
                            error);

  if (statement == NULL)
    return NULL;
  while (_esp_store_step (self, statement, &local))
    {
      char *text = get_text (statement, 0);

      if (text != NULL)
        g_ptr_array_add (texts, text);
    }
  if (local == NULL)
    return g_steal_pointer (&texts);
  g_propagate_error (error, local);
  return NULL;
}

gboolean
_esp_store_write_instruction (EspStore *self, const char *text, gint64 used, GError **error)
{
  sqlite3_stmt *statement = _esp_store_prepare (
      self, "INSERT INTO instructions VALUES (?1, ?2) ON CONFLICT (text) DO UPDATE SET used = ?2",
      error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_text (statement, 1, text, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 2, used);
  return _esp_store_run (self, statement, error);
}
