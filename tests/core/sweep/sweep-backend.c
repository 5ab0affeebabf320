/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sweep-backend.h"

#include "esp-json-object.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

struct _SweepBackend
{
  EspBackend parent_instance;

  char *id;
  char *folder;
  char *failing;
  GBytes *picture; /* or NULL */
  int log;         /* a file, or -1 */
  guint concurrency;
  guint delay;
  gboolean stepped;
  GListStore *models;
  GQueue turns; /* of Turn, those under way */
  GPtrArray *begun;
  guint n_made;
  guint most_running;
};

typedef struct
{
  SweepBackend *backend;
  GTask *task;
  char *text; /* what makes its picture another one */
  char *prompt;
  char *job;
  JsonObject *parameters;
  guint64 seed;
  GSource *cancelled;
  GSource *soon; /* or NULL: it waits to be released */
} Turn;

typedef struct
{
  char *model;
  JsonObject *parameters;
} Begun;

G_DEFINE_FINAL_TYPE (SweepBackend, sweep_backend, ESP_TYPE_BACKEND)

static void
drop_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
free_turn (Turn *turn)
{
  drop_source (&turn->cancelled);
  drop_source (&turn->soon);
  g_object_unref (turn->task);
  g_free (turn->text);
  g_free (turn->prompt);
  g_free (turn->job);
  json_object_unref (turn->parameters);
  g_free (turn);
}

static void
free_begun (gpointer data)
{
  Begun *begun = data;

  g_free (begun->model);
  json_object_unref (begun->parameters);
  g_free (begun);
}

/* One colour for each text. */
static GBytes *
draw (SweepBackend *self, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) picture = esp_picture_new (8, 8, &error);
  EspSaveOptions options = { .quality = 90, .compression = 1 };
  const guint color = g_str_hash (text);
  GBytes *bytes;

  if (self->picture != NULL)
    {
      GByteArray *copy = g_bytes_unref_to_array (g_bytes_ref (self->picture));

      g_byte_array_append (copy, (const guint8 *) text, (guint) strlen (text));
      return g_byte_array_free_to_bytes (copy);
    }
  g_assert_no_error (error);
  for (int i = 0; i < 8 * 8 * 3; i++)
    picture->pixels[i] = (guint8) (color >> (8 * (i % 3)));
  memcpy (picture->pixels, &color, sizeof color);
  bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  return bytes;
}

static void
note_made (SweepBackend *self, const Turn *turn)
{
  g_autofree char *line = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", turn->seed);

  self->n_made++;
  if (self->log >= 0)
    g_assert_cmpint (write (self->log, line, strlen (line)), ==, strlen (line));
}

/* The picture, kept under the turn's id: it is there as a whole, or not at all. */
static GBytes *
draw_kept (SweepBackend *self, const Turn *turn)
{
  g_autofree char *path = g_build_filename (self->folder, turn->job, NULL);
  g_autofree char *temporary = g_strconcat (path, ".part", NULL);
  g_autoptr (GBytes) bytes = NULL;
  char *kept = NULL;
  gsize size;

  if (g_file_get_contents (path, &kept, &size, NULL))
    return g_bytes_new_take (kept, size);
  bytes = draw (self, turn->text);
  g_assert_true (g_file_set_contents_full (temporary, g_bytes_get_data (bytes, NULL),
                                           (gssize) g_bytes_get_size (bytes),
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  note_made (self, turn);
  g_assert_cmpint (g_rename (temporary, path), ==, 0);
  return g_steal_pointer (&bytes);
}

static EspBackendResult *
make_result (SweepBackend *self, const Turn *turn)
{
  g_autoptr (GBytes) bytes = NULL;
  EspBackendResult *result;

  if (self->folder != NULL)
    bytes = draw_kept (self, turn);
  else
    {
      bytes = draw (self, turn->text);
      note_made (self, turn);
    }
  result = esp_backend_result_new (bytes);
  result->has_seed = TRUE;
  result->seed = turn->seed;
  result->seconds = 2;
  result->cost = 0;
  return result;
}

static void
finish (Turn *turn)
{
  SweepBackend *self = turn->backend;

  g_queue_remove (&self->turns, turn);
  if (self->failing != NULL && strstr (turn->prompt, self->failing) != NULL)
    g_task_return_new_error (turn->task, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_FAILED, "No luck");
  else
    g_task_return_pointer (turn->task, make_result (self, turn),
                           (GDestroyNotify) esp_backend_result_free);
  free_turn (turn);
}

static gboolean
on_soon (gpointer data)
{
  finish (data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  Turn *turn = data;

  g_queue_remove (&turn->backend->turns, turn);
  g_task_return_new_error (turn->task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
  free_turn (turn);
  return G_SOURCE_REMOVE;
}

static void
run_async (EspBackend *backend, const EspBackendRequest *request, GCancellable *cancellable,
           EspBackendNewsFunc news, gpointer news_data, GAsyncReadyCallback callback,
           gpointer user_data)
{
  SweepBackend *self = SWEEP_BACKEND (backend);
  g_autofree char *parameters = esp_json_dup_canonical (request->parameters);
  JsonNode *seed = json_object_get_member (request->parameters, "seed");
  Turn *turn = g_new0 (Turn, 1);
  Begun *begun = g_new0 (Begun, 1);

  begun->model = g_strdup (request->model);
  begun->parameters = json_object_ref (request->parameters);
  g_ptr_array_add (self->begun, begun);

  turn->backend = self;
  turn->task = g_task_new (self, NULL, callback, user_data);
  turn->text = g_strconcat (request->model, " ", parameters, NULL);
  turn->prompt = g_strdup (json_object_get_string_member (request->parameters, "prompt"));
  turn->job = g_strdup (request->remote_job);
  turn->parameters = json_object_ref (request->parameters);
  turn->seed = seed != NULL ? (guint64) json_node_get_int (seed) : 0;
  g_queue_push_tail (&self->turns, turn);
  self->most_running = MAX (self->most_running, self->turns.length);
  g_assert_cmpuint (self->turns.length, <=, self->concurrency);

  turn->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (turn->cancelled, G_SOURCE_FUNC (on_cancelled), turn, NULL);
  g_source_attach (turn->cancelled, NULL);
  if (self->stepped)
    return;
  turn->soon = self->delay > 0 ? g_timeout_source_new (self->delay) : g_idle_source_new ();
  g_source_set_callback (turn->soon, on_soon, turn, NULL);
  g_source_attach (turn->soon, NULL);
}

static EspBackendResult *
run_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
stop_async (EspBackend *backend, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (backend, NULL, callback, user_data);

  g_task_return_boolean (task, TRUE);
}

static gboolean
stop_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
settle_async (EspBackend *backend, const char *remote_job, const EspBackendResult *result,
              const char *document, GAsyncReadyCallback callback, gpointer user_data)
{
  stop_async (backend, callback, user_data);
}

static const char *
get_id (EspBackend *backend)
{
  return SWEEP_BACKEND (backend)->id;
}

static gboolean
is_remote (EspBackend *backend)
{
  return SWEEP_BACKEND (backend)->folder != NULL;
}

static guint
get_concurrency (EspBackend *backend)
{
  return SWEEP_BACKEND (backend)->concurrency;
}

static GListModel *
get_models (EspBackend *backend)
{
  return G_LIST_MODEL (SWEEP_BACKEND (backend)->models);
}

static void
sweep_backend_finalize (GObject *object)
{
  SweepBackend *self = SWEEP_BACKEND (object);

  g_assert_cmpuint (self->turns.length, ==, 0);
  g_free (self->id);
  g_free (self->folder);
  g_free (self->failing);
  g_clear_pointer (&self->picture, g_bytes_unref);
  if (self->log >= 0)
    close (self->log);
  g_object_unref (self->models);
  g_ptr_array_unref (self->begun);

  G_OBJECT_CLASS (sweep_backend_parent_class)->finalize (object);
}

static void
sweep_backend_class_init (SweepBackendClass *klass)
{
  EspBackendClass *backend_class = ESP_BACKEND_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sweep_backend_finalize;
  backend_class->get_id = get_id;
  backend_class->get_title = get_id;
  backend_class->is_remote = is_remote;
  backend_class->settle_async = settle_async;
  backend_class->get_concurrency = get_concurrency;
  backend_class->get_models = get_models;
  backend_class->run_async = run_async;
  backend_class->run_finish = run_finish;
  backend_class->stop_async = stop_async;
  backend_class->stop_finish = stop_finish;
}

static void
sweep_backend_init (SweepBackend *self)
{
  self->models = g_list_store_new (ESP_TYPE_MODEL);
  self->begun = g_ptr_array_new_with_free_func (free_begun);
  g_queue_init (&self->turns);
  self->log = -1;
}

SweepBackend *
sweep_backend_new (const char *id, guint concurrency)
{
  SweepBackend *self = g_object_new (SWEEP_TYPE_BACKEND, NULL);

  self->id = g_strdup (id);
  self->concurrency = concurrency;
  return self;
}

EspModel *
sweep_backend_add_model (SweepBackend *self, const char *id, const char *name,
                         const char *properties, EspModelFeatures features)
{
  g_autoptr (EspModel) model = esp_model_new (ESP_BACKEND (self), id, name);
  g_autoptr (GError) error = NULL;

  esp_model_set_features (model, features, 2);
  esp_model_set_state (model, ESP_MODEL_READY, NULL);
  if (properties != NULL)
    {
      g_autofree char *json = g_strdup_printf ("{\"properties\":{%s}}", properties);
      g_autoptr (JsonNode) node = json_from_string (json, &error);

      g_assert_no_error (error);
      esp_model_set_schema (model, esp_schema_new (node, &error));
      g_assert_no_error (error);
    }
  g_list_store_append (self->models, model);
  return model;
}

void
sweep_backend_set_stepped (SweepBackend *self, gboolean stepped)
{
  self->stepped = stepped;
}

void
sweep_backend_release (SweepBackend *self, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpuint (self->turns.length, >, 0);
      finish (g_queue_peek_head (&self->turns));
    }
}

void
sweep_backend_release_value (SweepBackend *self, const char *name, double value)
{
  Turn *found = NULL;

  for (GList *link = self->turns.head; link != NULL; link = link->next)
    {
      Turn *turn = link->data;

      if (json_object_get_double_member (turn->parameters, name) == value)
        {
          g_assert_null (found);
          found = turn;
        }
    }
  g_assert_nonnull (found);
  finish (found);
}

void
sweep_backend_set_picture (SweepBackend *self, GBytes *png)
{
  g_clear_pointer (&self->picture, g_bytes_unref);
  self->picture = g_bytes_ref (png);
}

void
sweep_backend_set_failing (SweepBackend *self, const char *word)
{
  g_free (self->failing);
  self->failing = g_strdup (word);
}

void
sweep_backend_set_concurrency (SweepBackend *self, guint concurrency)
{
  self->concurrency = concurrency;
}

void
sweep_backend_set_delay (SweepBackend *self, guint ms)
{
  self->delay = ms;
}

void
sweep_backend_set_folder (SweepBackend *self, const char *folder)
{
  g_free (self->folder);
  self->folder = g_strdup (folder);
}

void
sweep_backend_set_log (SweepBackend *self, const char *path)
{
  self->log = g_open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  g_assert_cmpint (self->log, >=, 0);
}

guint
sweep_backend_get_n_made (SweepBackend *self)
{
  return self->n_made;
}

guint
sweep_backend_get_n_running (SweepBackend *self)
{
  return self->turns.length;
}

guint
sweep_backend_get_most_running (SweepBackend *self)
{
  return self->most_running;
}

char *
sweep_backend_dup_begun (SweepBackend *self, const char *names)
{
  g_auto (GStrv) wanted = g_strsplit (names, " ", -1);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < self->begun->len; i++)
    {
      const Begun *begun = self->begun->pdata[i];

      g_string_append_printf (text, "%s%s", i > 0 ? "; " : "", begun->model);
      for (char **name = wanted; *name != NULL; name++)
        {
          JsonNode *value = json_object_get_member (begun->parameters, *name);
          g_autofree char *json = value != NULL ? json_to_string (value, FALSE) : NULL;

          if (value != NULL)
            g_string_append_printf (text, " %s=%s", *name, json);
        }
    }
  return g_string_free (text, FALSE);
}
