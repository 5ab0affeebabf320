/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-local-backend.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-installation-watch.h"
#include "esp-installation.h"
#include "esp-json-member.h"
#include "esp-local-batch.h"
#include "esp-local-turn.h"
#include "esp-model-parts.h"
#include "esp-worker-pool.h"

#define BACKEND_ID "local"

/* Pictures of an edit beyond the first: docs/worker-protocol.md. */
#define MAX_REFERENCES 7

/* Whatever the engine says: turns that are made together are done together, too, and people want to
 * see the first. */
#define MAX_BATCH 8

/* What is offered where no full model is installed. Its folder's name as docs/models.md has it. */
#define WANTED_ID   "FLUX.1-Kontext-dev"
#define WANTED_NAME "FLUX.1 Kontext [dev]"

struct _EspLocalBackend
{
  EspBackend parent_instance;

  EspWorkerPool *pool;
  GListStore *models;  /* of EspModel */
  GHashTable *entries; /* id → Entry; without the wanted one */
  EspInstallationWatch *watch;
  guint n_running;                                   /* turns */
  gboolean is_stopping;                              /* describes nothing until it is used again */
  gboolean knows_confined, holds_files, holds_calls; /* of the last worker that was described */
};

G_DEFINE_FINAL_TYPE (EspLocalBackend, esp_local_backend, ESP_TYPE_BACKEND)

/* What is known of an installed model. */
typedef struct
{
  EspModel *model;
  char *folder;
  gboolean describing;
  gboolean described;
  gboolean tried_again; /* the worker died while it was asked */
  gboolean added;       /* by esp_local_backend_add_model () */
  guint batch;          /* turns that differ by their seeds and pay together; 0 unknown */
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_object_unref (entry->model);
  g_free (entry->folder);
  g_free (entry);
}

/* Why a model cannot be used any more, by what is on the disk; NULL: its files are there. Whether
 * they are a model, the worker says. */
static char *
dup_loss (Entry *entry)
{
  g_autoptr (EspInstalledModel) installed = NULL;

  if (entry->added && g_file_test (entry->folder, G_FILE_TEST_EXISTS))
    return NULL;
  installed = entry->added ? NULL : esp_installed_model_new (entry->folder);
  /* Where a folder's own manifest names no parts the engine knows best where they may be. */
  if (installed != NULL)
    return installed->components != NULL ? esp_installed_model_dup_problem (installed) : NULL;
  return g_strdup_printf (_ ("The files of this model are gone from “%s”."), entry->folder);
}

/* Are its files still there? If not, it says so from now on. */
static gboolean
check_there (Entry *entry)
{
  g_autofree char *loss = dup_loss (entry);

  if (loss == NULL)
    return TRUE;
  esp_model_set_state (entry->model, ESP_MODEL_BROKEN, loss);
  return FALSE;
}

/* --- Describing ------------------------------------------------------------------------------- */

/* One question to the worker. */
typedef struct
{
  EspLocalBackend *backend;
  EspModel *model;
  gboolean general; /* asked without naming the model: answered at once, without its defaults */
} Question;

static void
question_free (Question *question)
{
  g_object_unref (question->backend);
  g_object_unref (question->model);
  g_free (question);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

static void describe (EspLocalBackend *self, Entry *entry);

static void
take_description (Entry *entry, JsonObject *description, gboolean general)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_object_get_member (description, "parameters");
  EspSchema *schema = node != NULL ? esp_schema_new (node, &error) : NULL;

  if (schema == NULL)
    {
      g_autofree char *message = g_strdup_printf (_ ("The engine’s answer is not understood: %s"),
                                                  error != NULL ? error->message : "parameters");

      esp_model_set_state (entry->model, ESP_MODEL_BROKEN, message);
      return;
    }

  if (!general)
    {
      entry->described = TRUE;
      entry->batch = (guint) CLAMP (esp_json_get_number (description, "batch", 1), 1, MAX_BATCH);
    }
  esp_model_set_schema (entry->model, schema);
  esp_model_set_state (entry->model, ESP_MODEL_READY, NULL);
}

static void
take_confined (EspLocalBackend *self, JsonObject *description)
{
  JsonNode *node = json_object_get_member (description, "confined");

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return;
  self->knows_confined = TRUE;
  self->holds_files
      = json_object_get_boolean_member_with_default (json_node_get_object (node), "files", FALSE);
  self->holds_calls
      = json_object_get_boolean_member_with_default (json_node_get_object (node), "calls", FALSE);
}

gboolean
esp_local_backend_get_confined (EspLocalBackend *self, gboolean *files, gboolean *calls)
{
  g_return_val_if_fail (ESP_IS_LOCAL_BACKEND (self), FALSE);

  *files = self->holds_files;
  *calls = self->holds_calls;
  return self->knows_confined;
}

static void
on_described (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Question) question = data;
  EspLocalBackend *self = question->backend;
  Entry *entry = g_hash_table_lookup (self->entries, esp_model_get_id (question->model));
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) description
      = esp_worker_describe_finish (ESP_WORKER (source), result, &error);

  /* The model went away or is another one now, or its own description came first. */
  if (entry == NULL || entry->model != question->model
      || (question->general && (entry->described || description == NULL)))
    return;

  if (!question->general)
    entry->describing = FALSE;
  if (description != NULL)
    {
      _esp_worker_pool_take_devices (self->pool, description);
      take_confined (self, description);
      take_description (entry, description, question->general);
      return;
    }

  if (self->is_stopping || esp_model_get_state (entry->model) == ESP_MODEL_BROKEN)
    return;

  if (g_error_matches (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_CRASHED) && !entry->tried_again)
    {
      entry->tried_again = TRUE;
      describe (self, entry);
    }
  else
    {
      g_autoptr (GError) reason = _esp_local_turn_explain (error);

      g_message ("%s: %s", esp_model_get_id (entry->model), error->message);
      esp_model_set_state (entry->model, ESP_MODEL_BROKEN, reason->message);
    }
}

static void
ask (EspLocalBackend *self, Entry *entry, gboolean general)
{
  Question *question = g_new0 (Question, 1);

  question->backend = g_object_ref (self);
  question->model = g_object_ref (entry->model);
  question->general = general;
  esp_worker_describe_async (_esp_worker_pool_get_first (self->pool),
                             general ? NULL : entry->folder, NULL, on_described, question);
}

static void
describe (EspLocalBackend *self, Entry *entry)
{
  if (entry->describing || entry->described)
    return;

  entry->describing = TRUE;
  self->is_stopping = FALSE;

  /* The worker looks at a model after the turns it has; its controls should not wait for them. */
  if (self->n_running > 0 && esp_model_get_schema (entry->model) == NULL)
    ask (self, entry, TRUE);
  ask (self, entry, FALSE);
}

static void
prepare (EspBackend *backend, EspModel *model)
{
  EspLocalBackend *self = ESP_LOCAL_BACKEND (backend);
  Entry *entry = g_hash_table_lookup (self->entries, esp_model_get_id (model));

  if (entry == NULL || esp_model_get_state (model) == ESP_MODEL_BROKEN)
    return;

  if (check_there (entry))
    describe (self, entry);
}

/* --- The models there are --------------------------------------------------------------------- */

static Entry *
add_entry (EspLocalBackend *self, const EspInstalledModel *installed)
{
  Entry *entry = g_new0 (Entry, 1);
  EspModelFeatures features = ESP_MODEL_SEED | ESP_MODEL_NEGATIVE_PROMPT | ESP_MODEL_PREVIEWS;

  entry->model = esp_model_new (ESP_BACKEND (self), installed->id, installed->name);
  entry->folder = g_strdup (installed->path);
  esp_model_set_features (entry->model, installed->is_demo ? features | ESP_MODEL_DEMO : features,
                          MAX_REFERENCES);
  esp_model_set_instructions (entry->model, (const char *const *) installed->instructions);
  esp_model_set_price (entry->model, 0, NULL);
  g_hash_table_insert (self->entries, g_strdup (installed->id), entry);

  return entry;
}

/* The entry for an installed model; the one there was if it is only in another place now. */
static Entry *
take_installed (EspLocalBackend *self, const EspInstalledModel *installed)
{
  Entry *entry = g_hash_table_lookup (self->entries, installed->id);

  if (entry == NULL || !g_str_equal (esp_model_get_name (entry->model), installed->name))
    {
      entry = add_entry (self, installed);
      check_there (entry);
      return entry;
    }

  if (!g_str_equal (entry->folder, installed->path)
      || (check_there (entry) && esp_model_get_state (entry->model) == ESP_MODEL_BROKEN))
    {
      g_free (entry->folder);
      entry->folder = g_strdup (installed->path);
      entry->described = FALSE;
      entry->tried_again = FALSE;
      esp_model_set_state (entry->model, ESP_MODEL_STARTING, NULL);
      check_there (entry);
    }
  esp_model_set_instructions (entry->model, (const char *const *) installed->instructions);

  return entry;
}

/* The name of a folder, or of a file without its ending; one that no other model has as its id. */
static char *
make_id (EspLocalBackend *self, const char *path)
{
  g_autofree char *whole = g_canonicalize_filename (path, NULL);
  g_autofree char *base = g_path_get_basename (whole);
  g_autofree char *valid = g_utf8_make_valid (base, -1);
  char *dot = g_file_test (path, G_FILE_TEST_IS_DIR) ? NULL : strrchr (valid, '.');
  char *id;

  if (dot != NULL && dot != valid)
    *dot = '\0';
  id = g_strdup (valid);
  for (guint i = 2; g_hash_table_contains (self->entries, id); i++)
    {
      g_free (id);
      id = g_strdup_printf ("%s-%u", valid, i);
    }

  return id;
}

/* The entry of the model in this place, or NULL. */
static Entry *
find_at (EspLocalBackend *self, const char *path)
{
  g_autofree char *wanted = g_canonicalize_filename (path, NULL);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Entry *entry = value;
      g_autofree char *folder = g_canonicalize_filename (entry->folder, NULL);

      if (g_str_equal (folder, wanted))
        return entry;
    }

  return NULL;
}

EspModel *
esp_local_backend_add_model (EspLocalBackend *self, const char *path, JsonObject *components)
{
  g_autofree char *id = NULL;
  EspInstalledModel *installed;
  Entry *entry;

  g_return_val_if_fail (ESP_IS_LOCAL_BACKEND (self), NULL);
  g_return_val_if_fail (path != NULL, NULL);

  if (components == NULL)
    {
      entry = find_at (self, path);
      if (entry != NULL)
        return entry->model;
    }

  installed = esp_installed_model_new (path);
  if (installed != NULL && g_hash_table_contains (self->entries, installed->id))
    g_clear_pointer (&installed, esp_installed_model_free);
  if (installed != NULL)
    entry = add_entry (self, installed);
  else
    {
      id = make_id (self, path);
      entry = add_entry (self, &(EspInstalledModel){ .path = (char *) path,
                                                     .id = id,
                                                     .name = id,
                                                     .instructions = (char *[]){ NULL } });
    }
  entry->added = TRUE;
  _esp_worker_pool_set_components (self->pool, entry->folder, components);
  g_list_store_append (self->models, entry->model);
  esp_installed_model_free (installed);

  return entry->model;
}

static EspModel *
make_wanted (EspLocalBackend *self)
{
  EspModel *model = esp_model_new (ESP_BACKEND (self), WANTED_ID, WANTED_NAME);
  g_autofree char *folder = esp_installation_get_user_models ();
  g_autofree char *message = g_strdup_printf (
      /* Translators: %s is a folder. */
      _ ("Not on this computer yet. Put the model’s folder into “%s” to use it."), folder);

  esp_model_set_features (model, ESP_MODEL_SEED | ESP_MODEL_NEGATIVE_PROMPT | ESP_MODEL_PREVIEWS,
                          MAX_REFERENCES);
  esp_model_set_price (model, 0, NULL);
  esp_model_set_state (model, ESP_MODEL_NEEDS_MODEL, message);
  return model;
}

/* Is the store as `wanted` already? Then nobody needs to be told. */
static gboolean
is_as_listed (EspLocalBackend *self, GPtrArray *listed)
{
  GListModel *models = G_LIST_MODEL (self->models);

  if (g_list_model_get_n_items (models) != listed->len)
    return FALSE;

  for (guint i = 0; i < listed->len; i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);
      EspModel *other = g_ptr_array_index (listed, i);

      if (model != other
          && !(esp_model_get_state (model) == ESP_MODEL_NEEDS_MODEL
               && esp_model_get_state (other) == ESP_MODEL_NEEDS_MODEL))
        return FALSE;
    }

  return TRUE;
}

void
esp_local_backend_refresh (EspLocalBackend *self)
{
  g_autoptr (GPtrArray) installed = NULL;
  g_autoptr (GPtrArray) listed = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  gboolean has_full = FALSE;
  GHashTableIter iter;
  gpointer value;

  g_return_if_fail (ESP_IS_LOCAL_BACKEND (self));

  installed = esp_installation_list_models ();
  esp_installation_watch_settle (self->watch);
  esp_installation_watch_take (self->watch, installed);
  for (guint i = 0; i < installed->len; i++)
    {
      const EspInstalledModel *model = g_ptr_array_index (installed, i);

      /* Of two with one id the user's counts, which comes first. */
      if (!g_hash_table_add (seen, model->id))
        continue;
      has_full = has_full || !model->is_demo;
      g_ptr_array_add (listed, g_object_ref (take_installed (self, model)->model));
    }

  /* What was used stays to say why it cannot be any more; the rest just goes. */
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Entry *entry = value;

      if (g_hash_table_contains (seen, esp_model_get_id (entry->model)))
        continue;
      if (entry->added)
        {
          g_ptr_array_add (listed, g_object_ref (entry->model));
          continue;
        }
      if (entry->described || esp_model_get_state (entry->model) == ESP_MODEL_BROKEN)
        {
          g_ptr_array_add (listed, g_object_ref (entry->model));
          check_there (entry);
        }
      else
        g_hash_table_iter_remove (&iter);
    }

  if (!has_full && !g_hash_table_contains (self->entries, WANTED_ID))
    g_ptr_array_add (listed, make_wanted (self));

  if (!is_as_listed (self, listed))
    g_list_store_splice (self->models, 0, g_list_model_get_n_items (G_LIST_MODEL (self->models)),
                         listed->pdata, listed->len);
}

/* --- Turns ------------------------------------------------------------------------------------ */

static Entry *
find_default (EspLocalBackend *self)
{
  g_autofree char *wanted = esp_installation_get_default_id ();
  Entry *best = wanted != NULL ? g_hash_table_lookup (self->entries, wanted) : NULL;

  if (best != NULL && esp_model_get_state (best->model) != ESP_MODEL_BROKEN)
    return best;
  best = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->models)); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (G_LIST_MODEL (self->models), i);
      Entry *entry = g_hash_table_lookup (self->entries, esp_model_get_id (model));

      if (entry == NULL || esp_model_get_state (model) == ESP_MODEL_BROKEN)
        continue;
      if ((esp_model_get_features (model) & ESP_MODEL_DEMO) == 0)
        return entry;
      if (best == NULL)
        best = entry;
    }

  return best;
}

/* NULL names the default one. */
static Entry *
find_entry (EspLocalBackend *self, const char *model)
{
  return model != NULL ? g_hash_table_lookup (self->entries, model) : find_default (self);
}

/* A turn under way. */
typedef struct
{
  char *model; /* its id */
  EspWorker *worker;
} Run;

static void
run_free (gpointer data)
{
  Run *run = data;

  g_free (run->model);
  g_clear_object (&run->worker);
  g_free (run);
}

static void
on_turn_over (GObject *source, GAsyncResult *result, gpointer data)
{
  EspLocalBackend *self = ESP_LOCAL_BACKEND (source);
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  EspBackendResult *made = _esp_local_turn_run_finish (ESP_BACKEND (self), result, &error);
  const Run *run = g_task_get_task_data (task);
  Entry *entry = g_hash_table_lookup (self->entries, run->model);

  self->n_running--;
  _esp_worker_pool_end (self->pool, run->worker);
  if (made != NULL)
    {
      /* Whatever was wrong with it is not any more. */
      if (entry != NULL && esp_model_get_state (entry->model) == ESP_MODEL_BROKEN)
        {
          esp_model_set_state (entry->model, ESP_MODEL_STARTING, NULL);
          describe (self, entry);
        }
      g_task_return_pointer (task, made, (GDestroyNotify) esp_backend_result_free);
      return;
    }

  if (entry != NULL)
    check_there (entry);
  g_task_return_error (task, g_steal_pointer (&error));
}

static void
run_async (EspBackend *backend, const EspBackendRequest *request, GCancellable *cancellable,
           EspBackendNewsFunc news, gpointer news_data, GAsyncReadyCallback callback,
           gpointer user_data)
{
  EspLocalBackend *self = ESP_LOCAL_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (backend, cancellable, callback, user_data);
  Entry *entry = find_entry (self, request->model);
  Run *run = g_new0 (Run, 1);
  EspWorker *worker;
  const char *card;

  g_task_set_source_tag (task, run_async);
  run->model = g_strdup (entry != NULL ? esp_model_get_id (entry->model) : NULL);
  g_task_set_task_data (task, run, run_free);
  /* What was made is worth more than a late cancellation. */
  g_task_set_check_cancellable (task, FALSE);

  if (entry == NULL)
    {
      g_task_return_new_error (task, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_NEEDS_MODEL,
                               _ ("The model “%s” is not on this computer. Install it, or choose "
                                  "another one."),
                               request->model != NULL ? request->model : WANTED_NAME);
      return;
    }

  if (!check_there (entry))
    {
      g_task_return_new_error (task, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_NEEDS_MODEL, "%s",
                               esp_model_get_message (entry->model));
      return;
    }

  self->n_running++;
  if (esp_model_get_state (entry->model) == ESP_MODEL_STARTING)
    describe (self, entry);
  worker = _esp_worker_pool_choose (self->pool, request->parameters, &card);
  worker
      = _esp_local_batch_run (worker, card, entry->folder, request,
                              _esp_local_turn_new (backend, request, cancellable, news, news_data,
                                                   on_turn_over, g_object_ref (task)));
  run->worker = g_object_ref (worker);
  _esp_worker_pool_begin (self->pool, worker);
}

static EspBackendResult *
run_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, backend), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_warm (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) model = esp_worker_load_finish (ESP_WORKER (source), result, &error);

  /* The turn that needs the model says what is wrong. */
  if (model == NULL)
    g_debug ("Not warmed up: %s", error->message);
}

void
esp_local_backend_warm_up (EspLocalBackend *self, const char *model)
{
  Entry *entry;

  g_return_if_fail (ESP_IS_LOCAL_BACKEND (self));

  entry = find_entry (self, model);
  if (entry == NULL || !check_there (entry))
    return;

  describe (self, entry);
  esp_worker_load_async (_esp_worker_pool_get_first (self->pool), entry->folder, NULL, on_warm,
                         NULL);
}

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;

  if (_esp_worker_pool_stop_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
stop_async (EspBackend *backend, GAsyncReadyCallback callback, gpointer user_data)
{
  EspLocalBackend *self = ESP_LOCAL_BACKEND (backend);
  GTask *task = g_task_new (backend, NULL, callback, user_data);

  g_task_set_source_tag (task, stop_async);
  self->is_stopping = TRUE;
  _esp_worker_pool_stop_async (self->pool, on_stopped, task);
}

static gboolean
stop_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, backend), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- The object ------------------------------------------------------------------------------- */

static const char *
get_id (EspBackend *backend)
{
  return BACKEND_ID;
}

static const char *
get_title (EspBackend *backend)
{
  return _ ("This Computer");
}

static gboolean
is_remote (EspBackend *backend)
{
  return FALSE;
}

static guint
get_concurrency (EspBackend *backend)
{
  return _esp_worker_pool_get_size (ESP_LOCAL_BACKEND (backend)->pool);
}

/* The engine knows how many pay; it said so for its default number format. */
static guint
get_batch (EspBackend *backend, const char *model, JsonObject *parameters)
{
  Entry *entry = find_entry (ESP_LOCAL_BACKEND (backend), model);
  const char *dtype = esp_json_get_string (parameters, "dtype");

  if (entry == NULL || entry->batch == 0 || (dtype != NULL && !g_str_equal (dtype, "auto")))
    return 1;
  return entry->batch;
}

static GListModel *
get_models (EspBackend *backend)
{
  return G_LIST_MODEL (ESP_LOCAL_BACKEND (backend)->models);
}

static void
esp_local_backend_dispose (GObject *object)
{
  EspLocalBackend *self = ESP_LOCAL_BACKEND (object);

  g_clear_object (&self->watch);
  g_clear_pointer (&self->pool, _esp_worker_pool_free);

  G_OBJECT_CLASS (esp_local_backend_parent_class)->dispose (object);
}

static void
esp_local_backend_finalize (GObject *object)
{
  EspLocalBackend *self = ESP_LOCAL_BACKEND (object);

  g_object_unref (self->models);
  g_hash_table_unref (self->entries);

  G_OBJECT_CLASS (esp_local_backend_parent_class)->finalize (object);
}

static void
esp_local_backend_class_init (EspLocalBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  EspBackendClass *backend_class = ESP_BACKEND_CLASS (klass);

  object_class->dispose = esp_local_backend_dispose;
  object_class->finalize = esp_local_backend_finalize;

  backend_class->get_id = get_id;
  backend_class->get_title = get_title;
  backend_class->is_remote = is_remote;
  backend_class->get_concurrency = get_concurrency;
  backend_class->get_batch = get_batch;
  backend_class->get_models = get_models;
  backend_class->run_async = run_async;
  backend_class->run_finish = run_finish;
  backend_class->stop_async = stop_async;
  backend_class->stop_finish = stop_finish;
  backend_class->prepare = prepare;
}

static void
esp_local_backend_init (EspLocalBackend *self)
{
  self->models = g_list_store_new (ESP_TYPE_MODEL);
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  self->watch = esp_installation_watch_new ();
  g_signal_connect_object (self->watch, "changed", G_CALLBACK (esp_local_backend_refresh), self,
                           G_CONNECT_SWAPPED);
}

EspBackend *
esp_local_backend_new (const char *program)
{
  EspLocalBackend *self = g_object_new (ESP_TYPE_LOCAL_BACKEND, NULL);

  self->pool = _esp_worker_pool_new (program);
  esp_local_backend_refresh (self);

  return ESP_BACKEND (self);
}
