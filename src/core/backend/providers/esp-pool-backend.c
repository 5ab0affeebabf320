/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-pool-backend.c: several instances of one provider as one backend. */
#define G_LOG_DOMAIN "espalier-remote"

#include <glib/gi18n-lib.h>

#include "esp-fault.h"
#include "esp-journal.h"
#include "esp-json-member.h"
#include "esp-remote-backend.h"
#include "esp-remote-turn.h"

/* Of the ids of pools, behind that of the descriptor. */
#define SUFFIX "@all"

/* One that could not be reached fails at once and so is always the one with the fewest turns: for
 * so many microseconds the others come first. */
#define SILENCE      (60 * G_USEC_PER_SEC)
#define SILENT_UNTIL "espalier-silent-until"

struct _EspPoolBackend
{
  EspBackend parent_instance;

  char *id;
  char *title;
  GPtrArray *members; /* of EspRemoteBackend */
  GArray *handlers;   /* of gulong: of their models */
  GHashTable *makers; /* id of a turn → EspRemoteBackend, until it is settled */
  GListStore *models;
  EspModel *model;
};

G_DEFINE_FINAL_TYPE (EspPoolBackend, esp_pool_backend, ESP_TYPE_BACKEND)

static EspModel *
get_model (EspRemoteBackend *member)
{
  g_autoptr (EspModel) model
      = g_list_model_get_item (esp_backend_get_models (ESP_BACKEND (member)), 0);

  return model;
}

static gboolean
is_ready (EspRemoteBackend *member)
{
  return esp_model_get_state (get_model (member)) == ESP_MODEL_READY;
}

/* --- Which one -------------------------------------------------------------------------------- */

/* How busy it is, as a part of what it can do. */
static double
get_load (EspRemoteBackend *member)
{
  return (double) esp_remote_backend_get_n_running (member)
         / esp_backend_get_concurrency (ESP_BACKEND (member));
}

static gboolean
is_silent (EspRemoteBackend *member)
{
  const gint64 *until = g_object_get_data (G_OBJECT (member), SILENT_UNTIL);

  return until != NULL && *until > g_get_monotonic_time ();
}

/* NULL: none is ready. */
static EspRemoteBackend *
choose (EspPoolBackend *self)
{
  EspRemoteBackend *best = NULL;

  for (guint i = 0; i < self->members->len; i++)
    {
      EspRemoteBackend *member = g_ptr_array_index (self->members, i);

      if (is_ready (member)
          && (best == NULL || is_silent (member) < is_silent (best)
              || (is_silent (member) == is_silent (best) && get_load (member) < get_load (best))))
        best = member;
    }
  return best;
}

/* The one that a turn of earlier is with; NULL: not known any more. */
static EspRemoteBackend *
find_maker (EspPoolBackend *self, const char *remote_job)
{
  EspRemoteBackend *maker = g_hash_table_lookup (self->makers, remote_job);
  g_autoptr (EspRecord) record = maker == NULL ? esp_record_open (remote_job, NULL) : NULL;
  const char *account
      = record != NULL ? esp_json_get_string (esp_record_get_members (record), "account") : NULL;

  for (guint i = 0; maker == NULL && account != NULL && i < self->members->len; i++)
    {
      EspRemoteBackend *member = g_ptr_array_index (self->members, i);

      if (strcmp (esp_backend_get_id (ESP_BACKEND (member)), account) == 0)
        maker = member;
    }
  return maker;
}

/* --- Turns ------------------------------------------------------------------------------------ */

typedef struct
{
  EspBackendNewsFunc news;
  gpointer news_data;
  char *remote_job;
} Run;

static void
run_free (gpointer data)
{
  Run *run = data;

  g_free (run->remote_job);
  g_free (run);
}

static void
on_news (EspBackend *member, const EspBackendNews *news, gpointer data)
{
  GTask *task = data;
  Run *run = g_task_get_task_data (task);

  run->news (g_task_get_source_object (task), news, run->news_data);
}

static void
on_made (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  EspPoolBackend *self = g_task_get_source_object (task);
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  EspBackendResult *made = esp_backend_run_finish (ESP_BACKEND (source), result, &error);

  if (made != NULL)
    {
      g_object_set_data (source, SILENT_UNTIL, NULL);
      g_task_return_pointer (task, made, (GDestroyNotify) esp_backend_result_free);
      return;
    }
  if (run->remote_job != NULL)
    g_hash_table_remove (self->makers, run->remote_job);
  if (g_error_matches (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_NETWORK))
    g_object_set_data_full (
        source, SILENT_UNTIL,
        g_memdup2 (&(gint64){ g_get_monotonic_time () + SILENCE }, sizeof (gint64)), g_free);
  g_task_return_error (task, error);
}

static void
run_async (EspBackend *backend, const EspBackendRequest *request, GCancellable *cancellable,
           EspBackendNewsFunc news, gpointer news_data, GAsyncReadyCallback callback,
           gpointer user_data)
{
  EspPoolBackend *self = ESP_POOL_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  EspRemoteBackend *member = NULL;
  Run *run = g_new0 (Run, 1);

  run->news = news;
  run->news_data = news_data;
  run->remote_job = g_strdup (request->remote_job);
  g_task_set_source_tag (task, run_async);
  g_task_set_task_data (task, run, run_free);

  if (request->resume && request->remote_job != NULL)
    member = find_maker (self, request->remote_job);
  if (member == NULL)
    member = choose (self);
  if (member == NULL)
    {
      EspFaultReport report = { .fault = ESP_FAULT_ARGUMENT, .charged = ESP_CHARGED_NO };

      g_task_return_error (
          task,
          esp_fault_error_new (&report, _ ("None of these servers can be used as it is set up.")));
      return;
    }

  if (request->remote_job != NULL)
    g_hash_table_insert (self->makers, g_strdup (request->remote_job), g_object_ref (member));
  esp_backend_run_async (ESP_BACKEND (member), request, cancellable, news != NULL ? on_news : NULL,
                         task, on_made, g_object_ref (task));
}

static EspBackendResult *
run_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, backend), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static gboolean
has_kept (EspBackend *backend, const char *remote_job)
{
  EspPoolBackend *self = ESP_POOL_BACKEND (backend);

  /* It is kept on this computer, whoever made it. */
  return self->members->len > 0
         && esp_backend_has_kept (g_ptr_array_index (self->members, 0), remote_job);
}

static void
let_go (EspBackend *backend, GCancellable *cancellable)
{
  esp_remote_turn_set_cancel_there (cancellable, FALSE);
}

static void
release (EspBackend *backend, const char *remote_job)
{
  esp_remote_turn_release (remote_job);
}

static void
settle_async (EspBackend *backend, const char *remote_job, const EspBackendResult *result,
              const char *document, GAsyncReadyCallback callback, gpointer user_data)
{
  EspPoolBackend *self = ESP_POOL_BACKEND (backend);
  EspRemoteBackend *maker = find_maker (self, remote_job);
  g_autoptr (GTask) task = NULL;

  if (maker == NULL && self->members->len > 0)
    maker = g_ptr_array_index (self->members, 0);
  if (maker != NULL)
    esp_backend_settle_async (ESP_BACKEND (maker), remote_job, result, document, callback,
                              user_data);
  else
    {
      task = g_task_new (self, NULL, callback, user_data);
      g_task_set_source_tag (task, settle_async);
      g_task_return_boolean (task, TRUE);
    }
  g_hash_table_remove (self->makers, remote_job);
}

/* --- The backend ------------------------------------------------------------------------------ */

static const char *
get_id (EspBackend *backend)
{
  return ESP_POOL_BACKEND (backend)->id;
}

static const char *
get_title (EspBackend *backend)
{
  return ESP_POOL_BACKEND (backend)->title;
}

static gboolean
is_remote (EspBackend *backend)
{
  return TRUE;
}

static guint
get_concurrency (EspBackend *backend)
{
  EspPoolBackend *self = ESP_POOL_BACKEND (backend);
  guint sum = 0;

  for (guint i = 0; i < self->members->len; i++)
    {
      EspRemoteBackend *member = g_ptr_array_index (self->members, i);

      if (is_ready (member))
        sum += esp_backend_get_concurrency (ESP_BACKEND (member));
    }
  return sum;
}

static GListModel *
get_models (EspBackend *backend)
{
  return G_LIST_MODEL (ESP_POOL_BACKEND (backend)->models);
}

static void
prepare (EspBackend *backend, EspModel *model)
{
  EspRemoteBackend *member = choose (ESP_POOL_BACKEND (backend));

  if (member != NULL)
    esp_model_prepare (get_model (member));
}

static void
stop_async (EspBackend *backend, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (backend, NULL, callback, user_data);

  g_task_set_source_tag (task, stop_async);
  g_task_return_boolean (task, TRUE);
}

static gboolean
stop_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* What the first one that is ready offers. */
static void
update (EspPoolBackend *self)
{
  EspRemoteBackend *member = NULL;
  EspModel *like;
  guint n_ready = 0;

  for (guint i = 0; i < self->members->len; i++)
    {
      EspRemoteBackend *other = g_ptr_array_index (self->members, i);

      if (is_ready (other) && n_ready++ == 0)
        member = other;
    }

  if (member == NULL)
    {
      esp_model_set_state (self->model, ESP_MODEL_NEEDS_KEY,
                           _ ("None of these servers can be used as it is set up."));
      return;
    }

  like = get_model (member);
  esp_model_set_features (self->model, esp_model_get_features (like),
                          esp_model_get_max_references (like));
  esp_model_set_schema (self->model,
                        esp_provider_dup_schema (esp_remote_backend_get_provider (member), FALSE));
  esp_model_set_price (self->model, esp_model_get_price (like), esp_model_get_currency (like));
  esp_model_set_state (self->model, ESP_MODEL_READY, NULL);
}

static void
drop_members (EspPoolBackend *self)
{
  for (guint i = 0; i < self->members->len; i++)
    g_signal_handler_disconnect (get_model (g_ptr_array_index (self->members, i)),
                                 g_array_index (self->handlers, gulong, i));
  g_ptr_array_set_size (self->members, 0);
  g_array_set_size (self->handlers, 0);
}

void
esp_pool_backend_set_members (EspPoolBackend *self, GPtrArray *members)
{
  g_return_if_fail (ESP_IS_POOL_BACKEND (self));
  g_return_if_fail (members != NULL);

  drop_members (self);
  for (guint i = 0; i < members->len; i++)
    {
      EspRemoteBackend *member = g_ptr_array_index (members, i);
      gulong handler
          = g_signal_connect_swapped (get_model (member), "changed", G_CALLBACK (update), self);

      g_ptr_array_add (self->members, g_object_ref (member));
      g_array_append_val (self->handlers, handler);
    }
  update (self);
}

static void
esp_pool_backend_dispose (GObject *object)
{
  EspPoolBackend *self = ESP_POOL_BACKEND (object);

  drop_members (self);
  g_hash_table_remove_all (self->makers);

  G_OBJECT_CLASS (esp_pool_backend_parent_class)->dispose (object);
}

static void
esp_pool_backend_finalize (GObject *object)
{
  EspPoolBackend *self = ESP_POOL_BACKEND (object);

  g_free (self->id);
  g_free (self->title);
  g_ptr_array_unref (self->members);
  g_array_unref (self->handlers);
  g_hash_table_unref (self->makers);
  g_clear_object (&self->models);

  G_OBJECT_CLASS (esp_pool_backend_parent_class)->finalize (object);
}

static void
esp_pool_backend_class_init (EspPoolBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  EspBackendClass *backend_class = ESP_BACKEND_CLASS (klass);

  object_class->dispose = esp_pool_backend_dispose;
  object_class->finalize = esp_pool_backend_finalize;

  backend_class->get_id = get_id;
  backend_class->get_title = get_title;
  backend_class->is_remote = is_remote;
  backend_class->get_concurrency = get_concurrency;
  backend_class->get_models = get_models;
  backend_class->run_async = run_async;
  backend_class->run_finish = run_finish;
  backend_class->stop_async = stop_async;
  backend_class->stop_finish = stop_finish;
  backend_class->prepare = prepare;
  backend_class->settle_async = settle_async;
  backend_class->has_kept = has_kept;
  backend_class->let_go = let_go;
  backend_class->release = release;
}

static void
esp_pool_backend_init (EspPoolBackend *self)
{
  self->members = g_ptr_array_new_with_free_func (g_object_unref);
  self->handlers = g_array_new (FALSE, FALSE, sizeof (gulong));
  self->makers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->models = g_list_store_new (ESP_TYPE_MODEL);
}

char *
esp_pool_backend_make_id (const char *provider)
{
  return g_strconcat (provider, SUFFIX, NULL);
}

char *
esp_pool_backend_dup_provider (EspPoolBackend *self)
{
  g_return_val_if_fail (ESP_IS_POOL_BACKEND (self), NULL);

  return g_strndup (self->id, strlen (self->id) - strlen (SUFFIX));
}

EspPoolBackend *
esp_pool_backend_new (const char *provider, const char *title)
{
  EspPoolBackend *self;
  g_autoptr (EspModel) model = NULL;

  g_return_val_if_fail (provider != NULL && title != NULL, NULL);

  self = g_object_new (ESP_TYPE_POOL_BACKEND, NULL);
  self->id = esp_pool_backend_make_id (provider);
  self->title = g_strdup (title);
  model = esp_model_new (ESP_BACKEND (self), provider, title);
  self->model = model;
  g_list_store_append (self->models, model);
  return self;
}
