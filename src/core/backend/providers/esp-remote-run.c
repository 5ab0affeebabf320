/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-run.c: turns of a remote backend: what must hold before anything is sent, as many at a
 * time and as many a minute as the provider takes, and what is told of them. */
#define G_LOG_DOMAIN "espalier-remote"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-fault.h"
#include "esp-journal.h"
#include "esp-json-member.h"
#include "esp-picture-work.h"
#include "esp-remote-backend-private.h"
#include "esp-shipment.h"

/* How much the latest turn counts against all before it. */
#define WEIGHT 0.4

/* Windows are drawn before. */
#define AFTER_DRAWING (G_PRIORITY_HIGH_IDLE + 50)

#define MINUTE (60 * (gint64) G_USEC_PER_SEC)

/* The data of a turn's task; its source object is the backend. */
typedef struct
{
  GPtrArray *images; /* of GBytes; dropped once the turn has them */
  JsonObject *parameters;
  char *id; /* of the turn */
  char *document;
  gboolean resume;
  gboolean is_here; /* its result is on this computer: nothing is sent */
  gboolean previews;
  GCancellable *cancellable;
  EspBackendNewsFunc news;
  gpointer news_data;

  GSource *cancelled; /* while it waits for its turn */
  gboolean is_running;
  double expected; /* USD that it may cost */
  double fraction; /* the furthest that was told */
  double run;      /* seconds that it ran with the provider, as far as was told */
  char *note;      /* what was said of cancelling it */
  gboolean is_decoding;
} Run;

static void start_waiting (EspRemoteBackend *self);

static void
drop_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
run_free (gpointer data)
{
  Run *run = data;

  drop_source (&run->cancelled);
  g_clear_pointer (&run->images, g_ptr_array_unref);
  g_clear_pointer (&run->parameters, json_object_unref);
  g_clear_object (&run->cancellable);
  g_free (run->id);
  g_free (run->document);
  g_free (run->note);
  g_free (run);
}

/* --- The end ---------------------------------------------------------------------------------- */

static void
leave (GTask *task)
{
  EspRemoteBackend *self = g_task_get_source_object (task);
  Run *run = g_task_get_task_data (task);

  drop_source (&run->cancelled);
  run->news = NULL;
  if (!run->is_running)
    return;

  run->is_running = FALSE;
  self->n_running--;
  if (run->expected > 0 && self->accounts != NULL)
    esp_ledger_expect (esp_accounts_get_ledger (self->accounts), -run->expected);
  start_waiting (self);
}

/* Takes `error` over. */
static void
fail (GTask *task, GError *error)
{
  leave (task);
  g_task_return_error (task, error);
}

/* A refusal of our own: nothing was sent, at least not now. */
static void
refuse (GTask *task, EspFault fault, const char *message)
{
  EspFaultReport report
      = { .fault = fault,
          .charged = fault == ESP_FAULT_GONE ? ESP_CHARGED_UNKNOWN : ESP_CHARGED_NO };

  fail (task, esp_fault_error_new (&report, message));
}

static GPtrArray *
dup_images (GPtrArray *received)
{
  GPtrArray *more = NULL;

  for (guint i = 1; i < received->len; i++)
    {
      const EspReceivedImage *image = g_ptr_array_index (received, i);

      if (more == NULL)
        more = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
      g_ptr_array_add (more, g_bytes_ref (image->bytes));
    }
  return more;
}

/* Documents keep these apart from the other parameters. */
static JsonObject *
dup_parameters (JsonObject *parameters)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), parameters);
  JsonObject *copy = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, json_node_get_object (node));
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      if (strcmp (name, "prompt") != 0 && strcmp (name, "negative_prompt") != 0
          && strcmp (name, "seed") != 0)
        json_object_set_member (copy, name, json_node_copy (value));
    }
  return copy;
}

static EspBackendResult *
take_result (EspRemoteBackend *self, EspRemoteResult *made)
{
  const EspReceivedImage *first = g_ptr_array_index (made->images, 0);
  EspBackendResult *result = esp_backend_result_new (first->bytes);
  const char *provider = esp_provider_get_name (self->provider);

  result->more = dup_images (made->images);
  result->has_seed = made->has_seed && made->seed >= 0;
  result->seed = result->has_seed ? (guint64) made->seed : 0;
  result->cost = made->cost;
  result->cost_estimated = made->cost_estimated;
  result->currency = g_strdup (made->cost >= 0 && made->currency == NULL ? "USD" : made->currency);
  if (made->timings != NULL)
    {
      result->timings = json_object_ref (made->timings);
      result->seconds = esp_json_get_number (made->timings, "total", -1);
    }
  if (made->parameters != NULL)
    result->parameters = dup_parameters (made->parameters);
  result->provider_job = g_strdup (made->job_id);
  result->notes = made->notes != NULL ? g_ptr_array_ref (made->notes) : NULL;

  /* Of several instances of one descriptor, this one made it. */
  result->model_name = g_strcmp0 (provider, self->title) == 0
                           ? g_strdup (provider)
                           : g_strdup_printf ("%s (%s)", provider, self->title);
  return result;
}

static void
learn (EspRemoteBackend *self, const Run *run, const EspRemoteResult *made)
{
  double seconds
      = made->timings != NULL ? esp_json_get_number (made->timings, "run", run->run) : run->run;

  if (seconds > 0)
    self->typical
        = self->typical < 0 ? seconds : self->typical + WEIGHT * (seconds - self->typical);
}

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  EspRemoteBackend *self = g_task_get_source_object (task);
  Run *run = g_task_get_task_data (task);
  g_autoptr (EspRemoteResult) made = NULL;
  const EspFaultReport *report;
  GError *error = NULL;

  made = run->resume ? esp_remote_turn_resume_finish (result, &error)
                     : esp_remote_turn_start_finish (result, &error);
  if (made != NULL)
    {
      EspBackendResult *taken = take_result (self, made);

      learn (self, run, made);
      leave (task);
      g_task_return_pointer (task, taken, (GDestroyNotify) esp_backend_result_free);
      return;
    }

  /* The person may have another one by the next turn. */
  report = esp_fault_error_get_report (error);
  if (report != NULL && (report->fault == ESP_FAULT_AUTH || report->fault == ESP_FAULT_FORBIDDEN))
    g_clear_pointer (&self->key, esp_key_unref);

  if (run->note != NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_free (error->message);
      error->message = g_strdup (run->note);
    }
  fail (task, error);
}

/* --- What is told ----------------------------------------------------------------------------- */

static double
guess_seconds_left (const EspRemoteNews *news, double typical)
{
  if (news->phase == ESP_PHASE_RUNNING && news->fraction > 0.05)
    return news->seconds * (1 - news->fraction) / news->fraction;
  if (news->phase == ESP_PHASE_RUNNING && typical > news->seconds)
    return typical - news->seconds;
  return -1;
}

static void
tell (GTask *task, const EspRemoteNews *from, EspPicture *preview)
{
  EspRemoteBackend *self = g_task_get_source_object (task);
  Run *run = g_task_get_task_data (task);
  g_autofree char *phase = _esp_remote_phase_dup_words (from, self->typical);
  EspBackendNews news = { .seconds_left = guess_seconds_left (from, self->typical),
                          .preview = preview,
                          .stage = esp_phase_to_string (from->phase),
                          .phase = phase };

  if (run->news == NULL)
    return;

  /* What waits once more was further before. */
  run->fraction = MAX (run->fraction, _esp_remote_phase_get_fraction (from, self->typical));
  news.fraction = run->fraction;
  run->news (ESP_BACKEND (self), &news, run->news_data);
}

static void
decode_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  EspPicture *picture = esp_picture_load_bytes (data, _ ("The preview"), NULL, cancellable, &error);

  if (picture != NULL)
    g_task_return_pointer (task, picture, (GDestroyNotify) esp_picture_unref);
  else
    g_task_return_error (task, error);
}

static void
on_decoded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Run *run = g_task_get_task_data (task);
  g_autoptr (EspPicture) picture = g_task_propagate_pointer (G_TASK (result), NULL);
  EspRemoteNews news
      = { .phase = ESP_PHASE_RUNNING, .fraction = -1, .position = -1, .seconds = run->run };

  run->is_decoding = FALSE;
  if (picture != NULL)
    tell (task, &news, picture);
}

/* Those that come while one is read are passed over. */
static void
show_preview (GTask *task, GBytes *bytes)
{
  g_autoptr (GTask) decoding = NULL;
  Run *run = g_task_get_task_data (task);

  if (run->is_decoding || !run->previews)
    return;

  run->is_decoding = TRUE;
  decoding = g_task_new (NULL, NULL, on_decoded, g_object_ref (task));
  g_task_set_source_tag (decoding, show_preview);
  g_task_set_task_data (decoding, g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref);
  esp_picture_work_run (decoding, decode_thread);
}

static void
on_news (const EspRemoteNews *news, gpointer data)
{
  GTask *task = data;
  Run *run = g_task_get_task_data (task);

  if (news->phase == ESP_PHASE_RUNNING)
    run->run = news->seconds;
  if (news->note != NULL && news->phase == ESP_PHASE_CANCELLING)
    {
      g_free (run->note);
      run->note = g_strdup (news->note);
    }
  if (news->preview != NULL)
    show_preview (task, news->preview);
  tell (task, news, NULL);
}

/* --- The way there ---------------------------------------------------------------------------- */

static JsonObject *
dup_client (const Run *run)
{
  JsonObject *client = json_object_new ();

  if (run->document != NULL)
    json_object_set_string_member (client, "document", run->document);
  return client;
}

static void
start (GTask *task, const char *key)
{
  EspRemoteBackend *self = g_task_get_source_object (task);
  Run *run = g_task_get_task_data (task);
  g_autoptr (JsonObject) client = dup_client (run);
  EspRemoteRequest request = { .provider = self->used,
                               .account = self->id,
                               .key = key,
                               .images = run->images,
                               .parameters = run->parameters,
                               .patience = self->patience,
                               .id = run->id,
                               .client = client };

  if (self->account != NULL)
    {
      request.base_url = esp_account_get_base_url (self->account);
      request.base_is_own = esp_account_get_base_is_own (self->account);
      request.config = esp_account_get_config (self->account);
    }
  esp_remote_turn_start_async (self->http, &request, run->cancellable, on_news, task, on_over,
                               g_object_ref (task));
  g_clear_pointer (&run->images, g_ptr_array_unref);
}

/* A turn that surely was never sent is begun anew, and one of which nothing is known is not. */
static gboolean
check_kept (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRecord) record = esp_record_open (run->id, &error);

  if (record != NULL && esp_record_get_state (record) == ESP_RECORD_PREPARING
      && esp_record_delete (record, NULL))
    run->resume = FALSE;
  if (record != NULL || !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;

  refuse (task, ESP_FAULT_GONE,
          _ ("This turn was begun earlier, and this computer has no record of it: perhaps it was "
             "begun on another one, or broke off before anything was sent. Trying again sends it "
             "anew."));
  return FALSE;
}

static void
go (GTask *task, const char *key)
{
  EspRemoteBackend *self = g_task_get_source_object (task);
  Run *run = g_task_get_task_data (task);

  if (run->resume && !check_kept (task))
    return;
  if (run->resume)
    esp_remote_turn_resume_async (self->http, run->id, key, self->patience, run->cancellable,
                                  on_news, task, on_over, g_object_ref (task));
  else
    start (task, key);
}

static void
on_key (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  EspRemoteBackend *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspKey) key = _esp_remote_backend_load_key_finish (self, result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    fail (task, g_steal_pointer (&error));
  else if (error != NULL)
    refuse (task, ESP_FAULT_AUTH, error->message);
  else
    go (task, key != NULL ? esp_key_get (key) : NULL);
}

static void
refuse_stop (GTask *task)
{
  EspRemoteBackend *self = g_task_get_source_object (task);
  g_autofree char *message = NULL;

  message = g_strdup_printf (
      _ ("Nothing was sent: with this turn, more than $%.2f would be spent this month, which is "
         "the limit in the preferences."),
      esp_accounts_get_monthly_stop (self->accounts));
  refuse (task, ESP_FAULT_BUDGET, message);
}

static void
begin (GTask *task)
{
  EspRemoteBackend *self = g_task_get_source_object (task);
  Run *run = g_task_get_task_data (task);
  const double price = esp_model_get_price (self->model);
  const char *currency = esp_model_get_currency (self->model);
  EspLedger *ledger = self->accounts != NULL ? esp_accounts_get_ledger (self->accounts) : NULL;

  drop_source (&run->cancelled);
  run->is_running = TRUE;
  self->n_running++;

  if (!run->resume && ledger != NULL && price > 0 && g_strcmp0 (currency, "USD") == 0)
    {
      if (esp_ledger_is_over (ledger, esp_accounts_get_monthly_stop (self->accounts),
                              esp_ledger_get_expected (ledger), price))
        {
          refuse_stop (task);
          return;
        }
      run->expected = price;
      esp_ledger_expect (ledger, price);
    }

  if (run->is_here)
    go (task, NULL);
  else
    _esp_remote_backend_load_key_async (self, run->cancellable, on_key, g_object_ref (task));
}

/* --- As many as the provider takes ------------------------------------------------------------ */

static gboolean
on_start_waiting (gpointer data)
{
  EspRemoteBackend *self = data;

  g_clear_pointer (&self->starting, g_source_unref);
  start_waiting (self);
  return G_SOURCE_REMOVE;
}

/* Microseconds until another turn may begin; 0: now. Notes that it does. */
static gint64
take_minute (EspRemoteBackend *self)
{
  const guint most = esp_provider_get_descriptor (self->provider)->per_minute;
  const gint64 now = g_get_monotonic_time ();
  gint64 *first;

  if (most == 0)
    return 0;

  while ((first = g_queue_peek_head (&self->begun)) != NULL && now - *first >= MINUTE)
    g_free (g_queue_pop_head (&self->begun));
  if (first != NULL && self->begun.length >= most)
    return *first + MINUTE - now;

  first = g_new (gint64, 1);
  *first = now;
  g_queue_push_tail (&self->begun, first);
  return 0;
}

static void
tell_waiting (EspRemoteBackend *self, double seconds)
{
  EspRemoteNews news
      = { .phase = ESP_PHASE_WAITING, .fraction = -1, .position = -1, .seconds_left = seconds };

  for (GList *l = self->waiting.head; l != NULL; l = l->next)
    tell (l->data, &news, NULL);
}

static void
start_in (EspRemoteBackend *self, GSource *source, int priority)
{
  self->starting = source;
  g_source_set_priority (source, priority);
  g_source_set_callback (source, on_start_waiting, self, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

/* One at a time: fifty that begin at once would keep a window from drawing. */
static void
start_waiting (EspRemoteBackend *self)
{
  g_autoptr (GTask) task = NULL;
  gint64 wait;

  if (self->starting != NULL || self->waiting.length == 0
      || self->n_running >= esp_backend_get_concurrency (ESP_BACKEND (self)))
    return;

  wait = take_minute (self);
  if (wait > 0)
    {
      start_in (self, g_timeout_source_new ((guint) (wait / 1000) + 1), G_PRIORITY_DEFAULT);
      tell_waiting (self, (double) wait / G_USEC_PER_SEC);
      return;
    }

  task = g_queue_pop_head (&self->waiting);
  if (self->waiting.length > 0)
    start_in (self, g_idle_source_new (), AFTER_DRAWING);
  begin (task);
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  g_autoptr (GTask) task = g_object_ref (data);
  EspRemoteBackend *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (g_queue_remove (&self->waiting, task))
    {
      g_cancellable_set_error_if_cancelled (cancellable, &error);
      fail (task, error);
      g_object_unref (task); /* the queue's */
    }
  return G_SOURCE_REMOVE;
}

void
_esp_remote_run_async (EspBackend *backend, const EspBackendRequest *request,
                       GCancellable *cancellable, EspBackendNewsFunc news, gpointer news_data,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  EspRemoteBackend *self = ESP_REMOTE_BACKEND (backend);
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Run *run = g_new0 (Run, 1);

  run->images = g_ptr_array_ref (request->images);
  run->parameters = json_object_ref (request->parameters);
  run->id = request->remote_job != NULL ? g_strdup (request->remote_job) : g_uuid_string_random ();
  run->document = g_strdup (request->document);
  run->resume = request->resume && request->remote_job != NULL;
  run->is_here = run->resume && esp_remote_turn_is_here (run->id);
  run->previews = request->previews;
  run->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  run->news = news;
  run->news_data = news_data;
  g_task_set_source_tag (task, _esp_remote_run_async);
  g_task_set_task_data (task, run, run_free);

  if (self->accounts != NULL && esp_accounts_get_offline (self->accounts) && !run->is_here)
    {
      refuse (task, ESP_FAULT_OFFLINE,
              _ ("Nothing was sent: the preferences say that nothing leaves this computer."));
      return;
    }
  if (esp_model_get_state (self->model) != ESP_MODEL_READY && !run->resume)
    {
      refuse (task,
              esp_model_get_state (self->model) == ESP_MODEL_NEEDS_KEY ? ESP_FAULT_AUTH
                                                                       : ESP_FAULT_ARGUMENT,
              esp_model_get_message (self->model) != NULL
                  ? esp_model_get_message (self->model)
                  : _ ("This provider cannot be used as it is set up."));
      return;
    }

  if (cancellable != NULL)
    {
      run->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (run->cancelled, G_SOURCE_FUNC (on_cancelled), task, NULL);
      g_source_attach (run->cancelled, g_main_context_get_thread_default ());
    }
  g_queue_push_tail (&self->waiting, g_steal_pointer (&task));
  start_waiting (self);
}

EspBackendResult *
_esp_remote_run_finish (EspBackend *backend, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, backend), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
_esp_remote_run_clear (EspRemoteBackend *self)
{
  /* Turns that wait or run hold the backend: there are none. */
  drop_source (&self->starting);
  g_queue_clear_full (&self->begun, g_free);
}
