/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-store-sweeps.c: the plans of sweeps, from and to the database. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-store.h"

#include "esp-json-member.h"

/* A file with more sweeps was made to see what happens. */
#define MAX_SWEEPS 100000

EspStoredSweep *
_esp_stored_sweep_new (gint64 id, const char *plan)
{
  EspStoredSweep *self = g_new0 (EspStoredSweep, 1);
  g_autoptr (JsonObject) object = esp_json_parse_object (plan);
  const double n_cells = object != NULL ? esp_json_get_number (object, "cells", 0) : 0;

  self->id = id;
  self->plan = g_strdup (plan);
  self->n_cells = n_cells >= 1 && n_cells <= G_MAXINT ? (guint) n_cells : 0;
  return self;
}

void
_esp_stored_sweep_free (EspStoredSweep *self)
{
  if (self == NULL)
    return;
  g_free (self->plan);
  g_free (self);
}

GPtrArray *
_esp_store_read_sweeps (EspStore *self, GError **error)
{
  g_autoptr (GPtrArray) sweeps
      = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_stored_sweep_free);
  g_autofree char *sql = g_strdup_printf (
      "SELECT id, plan FROM sweeps WHERE id > 0 ORDER BY id LIMIT %d", MAX_SWEEPS);
  sqlite3_stmt *statement;
  GError *local = NULL;

  if (!_esp_store_has_column (self, "sweeps", "id")
      || !_esp_store_has_column (self, "sweeps", "plan"))
    return g_steal_pointer (&sweeps);
  statement = _esp_store_prepare (self, sql, error);
  if (statement == NULL)
    return NULL;
  while (_esp_store_step (self, statement, &local))
    {
      const char *text = (const char *) sqlite3_column_text (statement, 1);
      const gssize length = MIN (sqlite3_column_bytes (statement, 1), ESP_RECORD_MAX_TEXT);
      g_autofree char *plan
          = g_utf8_make_valid (text != NULL ? text : "", text != NULL ? length : 0);

      g_ptr_array_add (sweeps, _esp_stored_sweep_new (sqlite3_column_int64 (statement, 0), plan));
    }
  if (local == NULL)
    return g_steal_pointer (&sweeps);
  g_propagate_error (error, local);
  return NULL;
}

gboolean
_esp_store_add_sweep (EspStore *self, const char *plan, gint64 *id, GError **error)
{
  sqlite3_stmt *statement
      = _esp_store_prepare (self, "INSERT INTO sweeps (plan, created) VALUES (?1, ?2)", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_text (statement, 1, plan, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 2, g_get_real_time ());
  if (!_esp_store_run (self, statement, error))
    return FALSE;
  *id = sqlite3_last_insert_rowid (_esp_store_get_database (self));
  return TRUE;
}

gboolean
_esp_store_set_sweep_plan (EspStore *self, gint64 id, const char *plan, GError **error)
{
  sqlite3_stmt *statement
      = _esp_store_prepare (self, "UPDATE sweeps SET plan = ?2 WHERE id = ?1", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, id);
  sqlite3_bind_text (statement, 2, plan, -1, SQLITE_STATIC);
  return _esp_store_run (self, statement, error);
}
