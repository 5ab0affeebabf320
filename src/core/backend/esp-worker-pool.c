/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-worker-pool.h"

#include "esp-json-member.h"

typedef struct
{
  EspWorker *worker;
  char *card; /* "cuda:1"; NULL: whichever the engine takes */
  guint n_turns;
} Seat;

struct _EspWorkerPool
{
  char *program;
  GPtrArray *seats;       /* of Seat; at least one */
  GHashTable *components; /* model → JsonObject */
};

static void
seat_free (gpointer data)
{
  Seat *seat = data;

  g_object_unref (seat->worker);
  g_free (seat->card);
  g_free (seat);
}

static Seat *
get_seat (EspWorkerPool *self, guint index)
{
  return g_ptr_array_index (self->seats, index);
}

static void
add_seat (EspWorkerPool *self)
{
  Seat *seat = g_new0 (Seat, 1);
  GHashTableIter iter;
  gpointer model, components;

  seat->worker = esp_worker_new (self->program);
  g_ptr_array_add (self->seats, seat);
  g_hash_table_iter_init (&iter, self->components);
  while (g_hash_table_iter_next (&iter, &model, &components))
    esp_worker_set_components (seat->worker, model, components);
}

EspWorkerPool *
_esp_worker_pool_new (const char *program)
{
  EspWorkerPool *self = g_new0 (EspWorkerPool, 1);

  self->program = g_strdup (program);
  self->seats = g_ptr_array_new_with_free_func (seat_free);
  self->components
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_object_unref);
  add_seat (self);
  return self;
}

void
_esp_worker_pool_free (EspWorkerPool *self)
{
  if (self == NULL)
    return;

  g_ptr_array_unref (self->seats);
  g_hash_table_unref (self->components);
  g_free (self->program);
  g_free (self);
}

static gboolean
is_usable_card (JsonObject *device)
{
  const char *id = esp_json_get_string (device, "id");

  return id != NULL && g_str_has_prefix (id, "cuda:")
         && json_object_get_boolean_member_with_default (device, "usable", FALSE);
}

void
_esp_worker_pool_take_devices (EspWorkerPool *self, JsonObject *description)
{
  JsonArray *devices = esp_json_get_array (description, "devices");
  guint n_cards = 0;

  for (guint i = 0; devices != NULL && i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);

      if (!is_usable_card (device))
        continue;
      if (n_cards >= self->seats->len)
        add_seat (self);
      g_free (get_seat (self, n_cards)->card);
      get_seat (self, n_cards)->card = g_strdup (esp_json_get_string (device, "id"));
      n_cards++;
    }

  /* Cards that are gone leave with their workers when those have nothing to do. */
  while (self->seats->len > MAX (n_cards, 1) && get_seat (self, self->seats->len - 1)->n_turns == 0)
    g_ptr_array_remove_index (self->seats, self->seats->len - 1);
  if (n_cards == 0)
    g_clear_pointer (&get_seat (self, 0)->card, g_free);
}

guint
_esp_worker_pool_get_size (EspWorkerPool *self)
{
  return self->seats->len;
}

EspWorker *
_esp_worker_pool_get_first (EspWorkerPool *self)
{
  return get_seat (self, 0)->worker;
}

EspWorker *
_esp_worker_pool_choose (EspWorkerPool *self, JsonObject *parameters, const char **card)
{
  const char *wanted = parameters != NULL ? esp_json_get_string (parameters, "device") : NULL;
  Seat *best = get_seat (self, 0);

  *card = NULL;
  if (self->seats->len == 1 || g_strcmp0 (wanted, "cpu") == 0)
    return best->worker;

  for (guint i = 0; i < self->seats->len; i++)
    {
      Seat *seat = get_seat (self, i);

      if (wanted != NULL && g_strcmp0 (seat->card, wanted) == 0)
        return seat->worker;
      if (seat->n_turns < best->n_turns)
        best = seat;
    }

  if (wanted == NULL || g_str_equal (wanted, "auto") || g_str_equal (wanted, "cuda"))
    *card = best->card;
  return best->worker;
}

static Seat *
find_seat (EspWorkerPool *self, EspWorker *worker)
{
  for (guint i = 0; i < self->seats->len; i++)
    if (get_seat (self, i)->worker == worker)
      return get_seat (self, i);

  return NULL;
}

void
_esp_worker_pool_begin (EspWorkerPool *self, EspWorker *worker)
{
  Seat *seat = find_seat (self, worker);

  if (seat != NULL)
    seat->n_turns++;
}

void
_esp_worker_pool_end (EspWorkerPool *self, EspWorker *worker)
{
  Seat *seat = find_seat (self, worker);

  if (seat != NULL && seat->n_turns > 0)
    seat->n_turns--;
}

void
_esp_worker_pool_set_components (EspWorkerPool *self, const char *model, JsonObject *components)
{
  if (components != NULL)
    g_hash_table_insert (self->components, g_strdup (model), json_object_ref (components));
  else
    g_hash_table_remove (self->components, model);
  for (guint i = 0; i < self->seats->len; i++)
    esp_worker_set_components (get_seat (self, i)->worker, model, components);
}

/* --- Stopping --------------------------------------------------------------------------------- */

typedef struct
{
  guint n_left;
  GError *error; /* the first */
} Stopping;

static void
stopping_free (gpointer data)
{
  Stopping *stopping = data;

  g_clear_error (&stopping->error);
  g_free (stopping);
}

static void
on_worker_stopped (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Stopping *stopping = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!esp_worker_stop_finish (ESP_WORKER (source), result, &error) && stopping->error == NULL)
    stopping->error = g_steal_pointer (&error);
  if (--stopping->n_left > 0)
    return;
  if (stopping->error != NULL)
    g_task_return_error (task, g_steal_pointer (&stopping->error));
  else
    g_task_return_boolean (task, TRUE);
}

void
_esp_worker_pool_stop_async (EspWorkerPool *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Stopping *stopping = g_new0 (Stopping, 1);

  g_task_set_source_tag (task, _esp_worker_pool_stop_async);
  stopping->n_left = self->seats->len;
  g_task_set_task_data (task, stopping, stopping_free);
  for (guint i = 0; i < self->seats->len; i++)
    esp_worker_stop_async (get_seat (self, i)->worker, on_worker_stopped, g_object_ref (task));
}

gboolean
_esp_worker_pool_stop_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
