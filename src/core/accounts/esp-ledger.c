/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-accounts"

#include "esp-ledger.h"

#include <glib/gstdio.h>
#include <math.h>
#include <sqlite3.h>

/* A note that could not be written is tried once more, with the next one. */
#define MAX_TRIES 2

#define WRITE_WAIT_MS 5000
#define READ_WAIT_MS  200

/* One turn. */
typedef struct
{
  char *turn, *account, *provider, *document, *currency;
  gint64 time; /* µs since 1970 */
  double amount;
  gboolean estimated;
  guint n_tries;
} Note;

/* What window and writing thread share; counted. */
typedef struct
{
  char *path;
  GMutex writing; /* held by who writes */
  GMutex lock;    /* of `pending` */
  GQueue pending; /* of Note, oldest first: not on the disk yet */
} Books;

struct _EspLedger
{
  GObject parent_instance;

  Books *books;
  sqlite3 *reader;
  gboolean is_writing;
  double expected;
};

G_DEFINE_FINAL_TYPE (EspLedger, esp_ledger, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
note_free (gpointer data)
{
  Note *note = data;

  g_free (note->turn);
  g_free (note->account);
  g_free (note->provider);
  g_free (note->document);
  g_free (note->currency);
  g_free (note);
}

static void
books_clear (gpointer data)
{
  Books *books = data;

  g_free (books->path);
  g_mutex_clear (&books->writing);
  g_mutex_clear (&books->lock);
  g_queue_clear_full (&books->pending, note_free);
}

static void
books_unref (gpointer books)
{
  g_atomic_rc_box_release_full (books, books_clear);
}

/* --- The database ----------------------------------------------------------------------------- */

static const char schema[]
    = "CREATE TABLE IF NOT EXISTS turns (turn TEXT PRIMARY KEY, time INTEGER NOT NULL,"
      " account TEXT, provider TEXT, document TEXT, amount REAL, currency TEXT,"
      " estimated INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE INDEX IF NOT EXISTS turns_by_time ON turns (time);"
      "PRAGMA user_version = 1;";

static sqlite3 *
open_database (const char *path, int wait, int *code)
{
  g_autofree char *folder = g_path_get_dirname (path);
  sqlite3 *db = NULL;

  g_mkdir_with_parents (folder, 0700);
  *code = sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
  if (*code == SQLITE_OK)
    {
      sqlite3_busy_timeout (db, wait);
      *code = sqlite3_exec (db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    }
  if (*code == SQLITE_OK)
    *code = sqlite3_exec (db, schema, NULL, NULL, NULL);
  if (*code == SQLITE_OK)
    return db;

  sqlite3_close (db);
  return NULL;
}

static void
bind_text (sqlite3_stmt *statement, int position, const char *text)
{
  if (text != NULL)
    sqlite3_bind_text (statement, position, text, -1, SQLITE_TRANSIENT);
  else
    sqlite3_bind_null (statement, position);
}

static int
insert (sqlite3 *db, const Note *note)
{
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2 (db,
                                 "INSERT OR IGNORE INTO turns (turn, time, account, provider,"
                                 " document, amount, currency, estimated)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                                 -1, &statement, NULL);

  if (code != SQLITE_OK)
    return code;

  bind_text (statement, 1, note->turn);
  sqlite3_bind_int64 (statement, 2, note->time);
  bind_text (statement, 3, note->account);
  bind_text (statement, 4, note->provider);
  bind_text (statement, 5, note->document);
  if (note->amount >= 0)
    sqlite3_bind_double (statement, 6, note->amount);
  bind_text (statement, 7, note->currency);
  sqlite3_bind_int (statement, 8, note->estimated);
  code = sqlite3_step (statement);
  sqlite3_finalize (statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static void
set_aside (const char *path)
{
  g_autofree char *aside = g_strconcat (path, ".damaged", NULL);
  g_autofree char *wal = g_strconcat (path, "-wal", NULL);
  g_autofree char *shm = g_strconcat (path, "-shm", NULL);

  g_warning ("The record of costs is damaged; it is kept as “%s”, and a new one is begun", aside);
  g_rename (path, aside);
  g_unlink (wal);
  g_unlink (shm);
}

static int
write_notes (const char *path, GPtrArray *notes)
{
  int code;
  sqlite3 *db = open_database (path, WRITE_WAIT_MS, &code);

  if (db == NULL)
    return code;

  code = sqlite3_exec (db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
  for (guint i = 0; code == SQLITE_OK && i < notes->len; i++)
    code = insert (db, g_ptr_array_index (notes, i));
  if (code == SQLITE_OK)
    code = sqlite3_exec (db, "COMMIT", NULL, NULL, NULL);
  sqlite3_close (db);
  return code;
}

/* Any thread. Writes what is pending; `last`: what cannot be written now is dropped. */
static void
write_pending (Books *books, gboolean last)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new ();
  int code = SQLITE_OK;

  g_mutex_lock (&books->writing);

  /* Notes are taken off by who writes alone: they stay valid meanwhile. */
  g_mutex_lock (&books->lock);
  for (GList *l = books->pending.head; l != NULL; l = l->next)
    g_ptr_array_add (notes, l->data);
  g_mutex_unlock (&books->lock);

  if (notes->len > 0)
    code = write_notes (books->path, notes);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
    {
      set_aside (books->path);
      code = write_notes (books->path, notes);
    }

  g_mutex_lock (&books->lock);
  for (guint i = 0; i < notes->len; i++)
    {
      Note *note = g_ptr_array_index (notes, i);

      if (code != SQLITE_OK && ++note->n_tries < MAX_TRIES && !last)
        continue;
      if (code != SQLITE_OK)
        g_warning ("The cost of a turn could not be noted: %s", sqlite3_errstr (code));
      g_queue_remove (&books->pending, note);
      note_free (note);
    }
  g_mutex_unlock (&books->lock);

  g_mutex_unlock (&books->writing);
}

/* --- Noting ----------------------------------------------------------------------------------- */

static void
write_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  write_pending (data, FALSE);
  g_task_return_boolean (task, TRUE);
}

static void start_writing (EspLedger *self);

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  GWeakRef *ref = data;
  g_autoptr (EspLedger) self = g_weak_ref_get (ref);
  gboolean fresh = FALSE;

  g_weak_ref_clear (ref);
  g_free (ref);
  if (self == NULL)
    return;

  self->is_writing = FALSE;
  g_mutex_lock (&self->books->lock);
  for (GList *l = self->books->pending.head; l != NULL; l = l->next)
    fresh = fresh || ((Note *) l->data)->n_tries == 0;
  g_mutex_unlock (&self->books->lock);
  if (fresh)
    start_writing (self);
}

static void
start_writing (EspLedger *self)
{
  g_autoptr (GTask) task = NULL;
  GWeakRef *ref;

  if (self->is_writing)
    return;

  self->is_writing = TRUE;
  ref = g_new0 (GWeakRef, 1);
  g_weak_ref_init (ref, self);
  task = g_task_new (NULL, NULL, on_written, ref);
  g_task_set_source_tag (task, start_writing);
  g_task_set_task_data (task, g_atomic_rc_box_acquire (self->books), books_unref);
  g_task_run_in_thread (task, write_thread);
}

void
esp_ledger_note (EspLedger *self, const char *turn, const char *account, const char *provider,
                 const char *document, double amount, const char *currency, gboolean estimated)
{
  Note *note;

  g_return_if_fail (ESP_IS_LEDGER (self));
  g_return_if_fail (turn != NULL);

  note = g_new0 (Note, 1);
  note->turn = g_strdup (turn);
  note->account = g_strdup (account);
  note->provider = g_strdup (provider);
  note->document = g_strdup (document);
  note->currency = g_strdup (currency != NULL ? currency : "USD");
  note->time = g_get_real_time ();
  note->amount = isfinite (amount) ? amount : -1;
  note->estimated = estimated;

  g_mutex_lock (&self->books->lock);
  g_queue_push_tail (&self->books->pending, note);
  g_mutex_unlock (&self->books->lock);

  start_writing (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

/* --- Reading ---------------------------------------------------------------------------------- */

void
esp_ledger_total_free (EspLedgerTotal *total)
{
  if (total == NULL)
    return;

  g_free (total->key);
  g_free (total->currency);
  g_free (total);
}

static sqlite3 *
get_reader (EspLedger *self)
{
  int code = SQLITE_OK;

  /* Who only looks makes no file. */
  if (self->reader == NULL && g_file_test (self->books->path, G_FILE_TEST_EXISTS))
    self->reader = open_database (self->books->path, READ_WAIT_MS, &code);
  return self->reader;
}

static char *
dup_month (gint64 time)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) local = g_date_time_to_local (utc);

  return g_date_time_format (local, "%Y-%m");
}

static char *
dup_key (const Note *note, EspLedgerBy by)
{
  switch (by)
    {
    case ESP_LEDGER_BY_ACCOUNT:
      return g_strdup (note->account != NULL ? note->account : "");
    case ESP_LEDGER_BY_PROVIDER:
      return g_strdup (note->provider != NULL ? note->provider : "");
    case ESP_LEDGER_BY_DOCUMENT:
      return g_strdup (note->document != NULL ? note->document : "");
    case ESP_LEDGER_BY_MONTH:
    default:
      return dup_month (note->time);
    }
}

static void
add_to (GPtrArray *totals, char *key, const char *currency, double amount, double estimated,
        guint n_turns)
{
  EspLedgerTotal *total = NULL;

  for (guint i = 0; i < totals->len && total == NULL; i++)
    {
      EspLedgerTotal *other = g_ptr_array_index (totals, i);

      if (strcmp (other->key, key) == 0 && strcmp (other->currency, currency) == 0)
        total = other;
    }

  if (total == NULL)
    {
      total = g_new0 (EspLedgerTotal, 1);
      total->key = g_strdup (key);
      total->currency = g_strdup (currency);
      g_ptr_array_add (totals, total);
    }
  g_free (key);
  total->amount += amount;
  total->estimated += estimated;
  total->n_turns += n_turns;
}

static gboolean
is_written (sqlite3 *db, const char *turn)
{
  sqlite3_stmt *statement = NULL;
  gboolean found = FALSE;

  if (db == NULL
      || sqlite3_prepare_v2 (db, "SELECT 1 FROM turns WHERE turn = ?1", -1, &statement, NULL)
             != SQLITE_OK)
    return FALSE;

  bind_text (statement, 1, turn);
  found = sqlite3_step (statement) == SQLITE_ROW;
  sqlite3_finalize (statement);
  return found;
}

static void
add_written (sqlite3 *db, GPtrArray *totals, EspLedgerBy by, gint64 since)
{
  static const char *const columns[]
      = { "account", "provider", "document",
          "strftime ('%Y-%m', time / 1000000, 'unixepoch', 'localtime')" };
  g_autofree char *query
      = g_strdup_printf ("SELECT ifnull (%s, '') AS key, ifnull (currency, ''),"
                         " total (amount), total (amount * (estimated <> 0)), count (*)"
                         " FROM turns WHERE time >= ?1 GROUP BY 1, 2 ORDER BY %s",
                         columns[by], by == ESP_LEDGER_BY_MONTH ? "1 DESC" : "3 DESC");
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (db, query, -1, &statement, NULL) != SQLITE_OK)
    {
      g_debug ("The record of costs: %s", sqlite3_errmsg (db));
      return;
    }

  sqlite3_bind_int64 (statement, 1, since);
  while (sqlite3_step (statement) == SQLITE_ROW)
    add_to (totals, g_strdup ((const char *) sqlite3_column_text (statement, 0)),
            (const char *) sqlite3_column_text (statement, 1), sqlite3_column_double (statement, 2),
            sqlite3_column_double (statement, 3), (guint) sqlite3_column_int (statement, 4));
  sqlite3_finalize (statement);
}

GPtrArray *
esp_ledger_dup_totals (EspLedger *self, EspLedgerBy by, gint64 since)
{
  GPtrArray *totals = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_ledger_total_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  sqlite3 *db;

  g_return_val_if_fail (ESP_IS_LEDGER (self), totals);
  g_return_val_if_fail (by <= ESP_LEDGER_BY_MONTH, totals);

  /* What is pending leaves the list only while this is not held: nothing is missed. */
  g_mutex_lock (&self->books->lock);
  db = get_reader (self);
  if (db != NULL)
    add_written (db, totals, by, since);
  for (GList *l = self->books->pending.head; l != NULL; l = l->next)
    {
      const Note *note = l->data;
      const double amount = MAX (0, note->amount);

      if (note->time >= since && g_hash_table_add (seen, note->turn)
          && !is_written (db, note->turn))
        add_to (totals, dup_key (note, by), note->currency, amount, note->estimated ? amount : 0,
                1);
    }
  g_mutex_unlock (&self->books->lock);
  return totals;
}

static gint64
get_month_start (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GDateTime) start
      = g_date_time_new_local (g_date_time_get_year (now), g_date_time_get_month (now), 1, 0, 0, 0);

  return g_date_time_to_unix (start) * G_USEC_PER_SEC;
}

double
esp_ledger_get_month (EspLedger *self)
{
  g_autoptr (GPtrArray) totals = NULL;
  double sum = 0;

  g_return_val_if_fail (ESP_IS_LEDGER (self), 0);

  totals = esp_ledger_dup_totals (self, ESP_LEDGER_BY_MONTH, get_month_start ());
  for (guint i = 0; i < totals->len; i++)
    {
      const EspLedgerTotal *total = g_ptr_array_index (totals, i);

      if (strcmp (total->currency, "USD") == 0)
        sum += total->amount;
    }
  return sum;
}

void
esp_ledger_expect (EspLedger *self, double amount)
{
  g_return_if_fail (ESP_IS_LEDGER (self));

  self->expected = MAX (0, self->expected + amount);
}

double
esp_ledger_get_expected (EspLedger *self)
{
  g_return_val_if_fail (ESP_IS_LEDGER (self), 0);

  return self->expected;
}

gboolean
esp_ledger_is_over (EspLedger *self, double stop, double in_flight, double amount)
{
  g_return_val_if_fail (ESP_IS_LEDGER (self), FALSE);

  /* Sums of cents are not exact. */
  return stop > 0
         && esp_ledger_get_month (self) + MAX (0, in_flight) + MAX (0, amount) > stop + 1e-6;
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_ledger_dispose (GObject *object)
{
  EspLedger *self = ESP_LEDGER (object);

  /* A command line that ends now has noted what it spent. */
  if (self->books != NULL)
    write_pending (self->books, TRUE);
  g_clear_pointer (&self->reader, sqlite3_close);

  G_OBJECT_CLASS (esp_ledger_parent_class)->dispose (object);
}

static void
esp_ledger_finalize (GObject *object)
{
  EspLedger *self = ESP_LEDGER (object);

  g_clear_pointer (&self->books, books_unref);

  G_OBJECT_CLASS (esp_ledger_parent_class)->finalize (object);
}

static void
esp_ledger_class_init (EspLedgerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_ledger_dispose;
  object_class->finalize = esp_ledger_finalize;

  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_LEDGER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
esp_ledger_init (EspLedger *self)
{
  self->books = g_atomic_rc_box_new0 (Books);
  g_mutex_init (&self->books->writing);
  g_mutex_init (&self->books->lock);
  g_queue_init (&self->books->pending);
}

EspLedger *
esp_ledger_new (const char *path)
{
  EspLedger *self = g_object_new (ESP_TYPE_LEDGER, NULL);

  self->books->path
      = path != NULL ? g_strdup (path)
                     : g_build_filename (g_get_user_data_dir (), "espalier", "ledger.sqlite", NULL);
  return self;
}
