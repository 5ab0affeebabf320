/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-backend-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-journal.h"
#include "esp-json-member.h"

G_DEFINE_FINAL_TYPE (EspRemoteBackend, esp_remote_backend, ESP_TYPE_BACKEND)

/* Turns at a time, where neither person nor descriptor say how many. */
#define USUAL_CONCURRENCY 4

/* What one image has, for prices by the megapixel. */
#define USUAL_MEGAPIXELS 1.05

EspProvider *
esp_remote_backend_get_provider (EspRemoteBackend *self)
{
  g_return_val_if_fail (ESP_IS_REMOTE_BACKEND (self), NULL);

  return self->provider;
}

EspAccount *
esp_remote_backend_get_account (EspRemoteBackend *self)
{
  g_return_val_if_fail (ESP_IS_REMOTE_BACKEND (self), NULL);

  return self->account;
}

guint
esp_remote_backend_get_n_running (EspRemoteBackend *self)
{
  g_return_val_if_fail (ESP_IS_REMOTE_BACKEND (self), 0);

  return self->n_running + self->waiting.length;
}

/* --- What it is ------------------------------------------------------------------------------- */

static char *
dup_title (EspRemoteBackend *self)
{
  const char *name = self->account != NULL ? esp_account_get_name (self->account) : NULL;
  const char *provider = esp_provider_get_title (self->provider);
  const char *id = esp_provider_get_id (self->provider);
  gsize length = strlen (id);

  if (name != NULL)
    return g_strdup (name);
  if (provider == NULL)
    provider = id;
  /* The third account of a provider, without a name: its number is all there is. */
  if (g_str_has_prefix (self->id, id) && self->id[length] == '-')
    return g_strdup_printf ("%s (%s)", provider, self->id + length + 1);
  return g_strdup (provider);
}

/* Values that a turn could have, for asking whether all else is right. */
static JsonObject *
dup_example (EspProvider *provider)
{
  g_autoptr (EspSchema) schema = esp_provider_dup_schema (provider, FALSE);
  JsonObject *values = esp_schema_dup_defaults (schema);

  for (guint i = 0; i < esp_schema_get_n_parameters (schema); i++)
    {
      const EspParameter *parameter = esp_schema_get_parameter (schema, i);

      if (!parameter->required || json_object_has_member (values, parameter->name))
        continue;
      if (parameter->choices != NULL && json_array_get_length (parameter->choices) > 0)
        json_object_set_member (values, parameter->name,
                                json_array_dup_element (parameter->choices, 0));
      else if (parameter->type == ESP_PARAMETER_STRING)
        json_object_set_string_member (values, parameter->name, "x");
      else if (parameter->type == ESP_PARAMETER_BOOLEAN)
        json_object_set_boolean_member (values, parameter->name, FALSE);
      else
        json_object_set_int_member (values, parameter->name,
                                    isfinite (parameter->minimum) ? (gint64) parameter->minimum
                                                                  : 0);
    }
  return values;
}

char *
_esp_remote_backend_dup_problem (EspRemoteBackend *self, EspModelState *state)
{
  g_autoptr (JsonObject) parameters = NULL;
  g_autoptr (GPtrArray) images = NULL;
  g_autoptr (GBytes) image = NULL;
  g_autoptr (EspKey) key = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = g_uuid_string_random ();
  EspRemoteRequest request = { .provider = self->provider, .id = id };

  *state = ESP_MODEL_BROKEN;
  if (esp_provider_get_problem (self->provider) != NULL)
    return g_strdup (esp_provider_get_problem (self->provider));

  *state = ESP_MODEL_NEEDS_KEY;
  if (self->account == NULL)
    return g_strdup (_ ("Set this provider up in the preferences first."));

  key = _esp_remote_backend_dup_environment_key (self);
  request.base_url = esp_account_get_base_url (self->account);
  request.base_is_own = esp_account_get_base_is_own (self->account);
  request.config = esp_account_get_config (self->account);
  request.key = esp_account_get_has_key (self->account) || key != NULL ? "x" : NULL;
  images = g_ptr_array_new ();
  image = g_bytes_new_static ("x", 1);
  g_ptr_array_add (images, image);
  request.images = images;
  /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): frees it in the end */
  request.parameters = parameters = dup_example (self->provider);
  if (esp_provider_is_self_hosted (self->provider) && request.base_url == NULL
      && esp_provider_get_base_url (self->provider) == NULL)
    return g_strdup (_ ("The address of your server is needed."));
  if (!esp_remote_request_check (&request, &error))
    {
      if (!g_error_matches (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_NEEDS_KEY))
        *state = ESP_MODEL_BROKEN;
      return g_strdup (error->message);
    }

  *state = ESP_MODEL_READY;
  return NULL;
}

static gboolean
has_previews (const EspDescriptor *descriptor)
{
  if (descriptor->events.request == NULL)
    return FALSE;
  if (descriptor->events.comfy_binary)
    return TRUE;

  for (guint i = 0; descriptor->events.rules != NULL && i < descriptor->events.rules->len; i++)
    {
      const EspEventRule *rule = g_ptr_array_index (descriptor->events.rules, i);

      if (rule->then == ESP_EVENT_PREVIEW)
        return TRUE;
    }
  return FALSE;
}

static double
get_price (const EspDescriptor *descriptor)
{
  if (descriptor->price_amount < 0)
    return -1;
  return g_strcmp0 (descriptor->price_unit, "megapixel") == 0
             ? descriptor->price_amount * USUAL_MEGAPIXELS
             : descriptor->price_amount;
}

void
_esp_remote_backend_show (EspRemoteBackend *self)
{
  EspModelState state;
  g_autofree char *problem = _esp_remote_backend_dup_problem (self, &state);

  if (esp_provider_get_problem (self->provider) == NULL)
    {
      const EspDescriptor *descriptor = esp_provider_get_descriptor (self->used);
      EspModelFeatures features = 0;

      if (esp_provider_find_param (self->used, "seed") != NULL)
        features |= ESP_MODEL_SEED;
      if (esp_provider_find_param (self->used, "negative") != NULL)
        features |= ESP_MODEL_NEGATIVE_PROMPT;
      if (has_previews (descriptor))
        features |= ESP_MODEL_PREVIEWS;
      esp_model_set_features (self->model, features,
                              (guint) MAX (0, descriptor->image.max_images - 1));
      esp_model_set_schema (self->model, esp_provider_dup_schema (self->used, FALSE));
      esp_model_set_price (self->model, get_price (descriptor),
                           descriptor->price_amount >= 0 && descriptor->price_currency == NULL
                               ? "USD"
                               : descriptor->price_currency);
    }
  esp_model_set_state (self->model, state, problem);
}

static void
on_account_changed (EspAccount *account, gpointer data)
{
  EspRemoteBackend *self = data;
  const gboolean asked = self->asked;

  /* The key may be another one. */
  g_clear_pointer (&self->key, esp_key_unref);
  g_free (self->title);
  self->title = dup_title (self);
  self->asked = FALSE;
  g_set_object (&self->used, self->provider);
  _esp_remote_backend_show (self);
  if (asked)
    _esp_remote_backend_refresh (self);
}

/* --- The backend ------------------------------------------------------------------------------ */

static const char *
get_id (EspBackend *backend)
{
  return ESP_REMOTE_BACKEND (backend)->id;
}

static const char *
get_title (EspBackend *backend)
{
  return ESP_REMOTE_BACKEND (backend)->title;
}

static gboolean
is_remote (EspBackend *backend)
{
  return TRUE;
}

static guint
get_concurrency (EspBackend *backend)
{
  EspRemoteBackend *self = ESP_REMOTE_BACKEND (backend);
  guint concurrency = self->account != NULL ? esp_account_get_concurrency (self->account) : 0;

  if (concurrency == 0 && esp_provider_get_problem (self->provider) == NULL)
    concurrency = esp_provider_get_descriptor (self->provider)->concurrent;
  if (concurrency == 0)
    concurrency = USUAL_CONCURRENCY;
  return MIN (concurrency, ESP_ACCOUNT_MAX_CONCURRENCY);
}

static GListModel *
get_models (EspBackend *backend)
{
  return G_LIST_MODEL (ESP_REMOTE_BACKEND (backend)->models);
}

static void
prepare (EspBackend *backend, EspModel *model)
{
  _esp_remote_backend_refresh (ESP_REMOTE_BACKEND (backend));
}

static gboolean
has_kept (EspBackend *backend, const char *remote_job)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRecord) record = esp_record_open (remote_job, &error);

  if (record != NULL)
    return esp_record_get_state (record) != ESP_RECORD_PREPARING;

  /* Held by this process until its image is stored, or by another that works on it; or damaged,
   * which a person must look at. */
  return !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
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
on_settled (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;

  if (!esp_remote_turn_settle_finish (result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_message ("What was kept of a turn could not be removed: %s", error->message);
  g_task_return_boolean (task, TRUE);
}

static void
settle_async (EspBackend *backend, const char *remote_job, const EspBackendResult *result,
              const char *document, GAsyncReadyCallback callback, gpointer user_data)
{
  EspRemoteBackend *self = ESP_REMOTE_BACKEND (backend);
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, settle_async);
  esp_remote_turn_settle_async (remote_job, on_settled, task);

  if (self->accounts != NULL)
    esp_ledger_note (esp_accounts_get_ledger (self->accounts), remote_job, self->id,
                     esp_provider_get_id (self->provider), document, result->cost, result->currency,
                     result->cost_estimated);
}

static const char *
get_job_id (EspRecord *record)
{
  JsonObject *captures = esp_json_get_object (esp_record_get_members (record), "captures");

  return captures != NULL ? esp_json_get_string (captures, "id") : NULL;
}

static gboolean
is_in (GHashTable *jobs, EspRecord *record)
{
  const char *job = get_job_id (record);
  g_autofree char *own = g_strconcat (ESP_BACKEND_OWN_JOB, esp_record_get_id (record), NULL);

  return (job != NULL && g_hash_table_contains (jobs, job)) || g_hash_table_contains (jobs, own);
}

/* The image is in the document, and its record was not removed any more. */
static void
tidy (EspBackend *backend, GHashTable *jobs, GHashTable *open, const char *document)
{
  EspRemoteBackend *self = ESP_REMOTE_BACKEND (backend);
  g_autoptr (GPtrArray) records = esp_journal_list ();

  for (guint i = 0; i < records->len; i++)
    {
      EspRecord *record = g_ptr_array_index (records, i);
      JsonObject *members = esp_record_get_members (record);
      g_autofree char *id = g_strdup (esp_record_get_id (record));

      if (esp_record_get_state (record) != ESP_RECORD_SUCCEEDED || esp_record_is_busy (record)
          || !is_in (jobs, record) || g_hash_table_contains (open, id)
          || g_strcmp0 (esp_json_get_string (members, "account"), self->id) != 0)
        continue;

      if (self->accounts != NULL)
        esp_ledger_note (
            esp_accounts_get_ledger (self->accounts), id, self->id,
            esp_provider_get_id (self->provider), document,
            esp_json_get_number (members, "cost", esp_json_get_number (members, "price", -1)),
            esp_json_get_string (members, "currency"), !json_object_has_member (members, "cost"));
      esp_remote_turn_settle (id, NULL);
    }
}

static void
stop_async (EspBackend *backend, GAsyncReadyCallback callback, gpointer user_data)
{
  EspRemoteBackend *self = ESP_REMOTE_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, stop_async);
  g_cancellable_cancel (self->stopped);
  g_task_return_boolean (task, TRUE);
}

static gboolean
stop_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, backend), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
esp_remote_backend_set_accounts (EspRemoteBackend *self, EspAccounts *accounts)
{
  g_return_if_fail (ESP_IS_REMOTE_BACKEND (self));
  g_return_if_fail (accounts == NULL || ESP_IS_ACCOUNTS (accounts));

  g_set_weak_pointer (&self->accounts, accounts);
}

void
esp_remote_backend_set_key (EspRemoteBackend *self, EspKey *key)
{
  g_return_if_fail (ESP_IS_REMOTE_BACKEND (self));

  g_clear_pointer (&self->key, esp_key_unref);
  self->key = key != NULL ? esp_key_ref (key) : NULL;
}

void
esp_remote_backend_set_patience (EspRemoteBackend *self, guint seconds)
{
  g_return_if_fail (ESP_IS_REMOTE_BACKEND (self));

  self->patience = seconds;
}

static void
esp_remote_backend_dispose (GObject *object)
{
  EspRemoteBackend *self = ESP_REMOTE_BACKEND (object);

  g_cancellable_cancel (self->stopped);
  _esp_remote_run_clear (self);
  g_clear_weak_pointer (&self->accounts);
  g_clear_pointer (&self->key, esp_key_unref);

  G_OBJECT_CLASS (esp_remote_backend_parent_class)->dispose (object);
}

static void
esp_remote_backend_finalize (GObject *object)
{
  EspRemoteBackend *self = ESP_REMOTE_BACKEND (object);

  g_free (self->id);
  g_free (self->title);
  g_clear_object (&self->provider);
  g_clear_object (&self->used);
  g_clear_object (&self->account);
  g_clear_object (&self->http);
  g_clear_object (&self->models);
  g_clear_object (&self->stopped);

  G_OBJECT_CLASS (esp_remote_backend_parent_class)->finalize (object);
}

static void
esp_remote_backend_class_init (EspRemoteBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  EspBackendClass *backend_class = ESP_BACKEND_CLASS (klass);

  object_class->dispose = esp_remote_backend_dispose;
  object_class->finalize = esp_remote_backend_finalize;

  backend_class->get_id = get_id;
  backend_class->get_title = get_title;
  backend_class->is_remote = is_remote;
  backend_class->get_concurrency = get_concurrency;
  backend_class->get_models = get_models;
  backend_class->run_async = _esp_remote_run_async;
  backend_class->run_finish = _esp_remote_run_finish;
  backend_class->stop_async = stop_async;
  backend_class->stop_finish = stop_finish;
  backend_class->prepare = prepare;
  backend_class->settle_async = settle_async;
  backend_class->has_kept = has_kept;
  backend_class->let_go = let_go;
  backend_class->release = release;
  backend_class->tidy = tidy;
}

static void
esp_remote_backend_init (EspRemoteBackend *self)
{
  self->models = g_list_store_new (ESP_TYPE_MODEL);
  self->stopped = g_cancellable_new ();
  self->typical = -1;
  g_queue_init (&self->waiting);
  g_queue_init (&self->begun);
}

EspRemoteBackend *
esp_remote_backend_new (EspProvider *provider, EspAccount *account, EspHttp *http)
{
  EspRemoteBackend *self;
  g_autoptr (EspModel) model = NULL;
  const char *name;

  g_return_val_if_fail (ESP_IS_PROVIDER (provider), NULL);
  g_return_val_if_fail (account == NULL || ESP_IS_ACCOUNT (account), NULL);
  g_return_val_if_fail (ESP_IS_HTTP (http), NULL);

  self = g_object_new (ESP_TYPE_REMOTE_BACKEND, NULL);
  self->provider = g_object_ref (provider);
  self->used = g_object_ref (provider);
  self->http = g_object_ref (http);
  self->id
      = g_strdup (account != NULL ? esp_account_get_id (account) : esp_provider_get_id (provider));
  if (account != NULL)
    {
      self->account = g_object_ref (account);
      g_signal_connect_object (account, "changed", G_CALLBACK (on_account_changed), self, 0);
    }
  self->title = dup_title (self);

  name = esp_provider_get_name (provider);
  model = esp_model_new (ESP_BACKEND (self), esp_provider_get_id (provider),
                         name != NULL ? name : esp_provider_get_id (provider));
  self->model = model;
  _esp_remote_backend_show (self);
  g_list_store_append (self->models, model);
  return self;
}
