/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-worker"

#include "esp-worker.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/file.h>
#include <unistd.h>

#include "esp-installation.h"
#include "esp-json-member.h"
#include "esp-json-text.h"
#include "esp-spool-folder.h"
#include "esp-worker-trust.h"
#include "esp-worker-access.h"
#include "esp-worker-private.h"
#include "esp-worker-process.h"

#define PROTOCOL_VERSION 1
#define HELLO_SECONDS    20
/* A job that goes on this long after its cancellation is stuck. */
#define CANCEL_SECONDS 5
#define STOP_SECONDS   5
/* Whatever it says. */
#define MOST_SECONDS (365.0 * 86400)
#define MOST_BATCH   1024

G_DEFINE_FINAL_TYPE (EspWorker, esp_worker, G_TYPE_OBJECT)

G_DEFINE_QUARK (esp - worker - error - quark, esp_worker_error)

static const struct
{
  const char *code;
  EspWorkerError error;
} codes[] = {
  { "argument", ESP_WORKER_ERROR_ARGUMENT }, { "file", ESP_WORKER_ERROR_FILE },
  { "format", ESP_WORKER_ERROR_FORMAT },     { "unsupported", ESP_WORKER_ERROR_UNSUPPORTED },
  { "memory", ESP_WORKER_ERROR_MEMORY },     { "numeric", ESP_WORKER_ERROR_NUMERIC },
  { "device", ESP_WORKER_ERROR_DEVICE },     { "busy", ESP_WORKER_ERROR_BUSY },
};

static gboolean start_process (EspWorker *self, GError **error);
static void renew_if_idle (EspWorker *self);

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
call_free (EspWorkerCall *call)
{
  clear_source (&call->cancelled);
  clear_source (&call->kill_timeout);
  g_clear_object (&call->task);
  g_free (call);
}

static GSource *
add_timeout (EspWorker *self, guint seconds, GSourceFunc func, gpointer data)
{
  GSource *source = g_timeout_source_new_seconds (seconds);

  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

/* Ends a call; it is removed from the table first, because its callback may start another. */
static EspWorkerCall *
steal_call (EspWorker *self, gint64 id)
{
  gpointer value = NULL;

  g_hash_table_steal_extended (self->calls, &id, NULL, &value);
  return value;
}

static void
free_line (gpointer line)
{
  g_string_free (line, TRUE);
}

static void
drop_held (EspWorker *self)
{
  g_queue_clear_full (&self->held, free_line);
}

static void
fail_everything (EspWorker *self, GError *error)
{
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&self->hello_tasks);
  g_autoptr (GList) calls = g_hash_table_get_values (self->calls);

  self->hello_tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_hash_table_steal_all (self->calls);
  drop_held (self);

  for (guint i = 0; i < waiting->len; i++)
    g_task_return_error (g_ptr_array_index (waiting, i), g_error_copy (error));

  for (GList *l = calls; l != NULL; l = l->next)
    {
      EspWorkerCall *call = l->data;

      g_task_return_error (call->task, g_error_copy (error));
      call_free (call);
    }
}

static void
take_error (EspWorkerCall *call, JsonObject *object)
{
  const char *code = esp_json_get_string (object, "code");
  const char *message = esp_json_get_string (object, "message");
  int error = ESP_WORKER_ERROR_PROTOCOL;

  if (g_strcmp0 (code, "cancelled") == 0)
    {
      g_task_return_new_error (call->task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s",
                               _ ("The edit was cancelled"));
      return;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      if (g_strcmp0 (code, codes[i].code) == 0)
        error = (int) codes[i].error;
    }

  g_task_return_new_error (call->task, ESP_WORKER_ERROR, error, "%s",
                           message != NULL ? message : _ ("the engine reported an unknown error"));
}

/* A number of the engine's, which may be any, as one of 0 … most. */
static int
get_count (JsonObject *object, const char *key, int fallback, int most)
{
  return (int) CLAMP (esp_json_get_number (object, key, fallback), 0, most);
}

static void
take_event (EspWorker *self, EspWorkerCall *call, const char *type, JsonObject *object)
{
  EspWorkerEvent event = { .step = get_count (object, "step", 0, G_MAXINT),
                           .steps = get_count (object, "steps", 0, G_MAXINT),
                           .stage = esp_json_get_string (object, "stage"),
                           .fraction = CLAMP (esp_json_get_number (object, "fraction", 0), 0, 1),
                           .seconds_left = -1,
                           .path = esp_json_get_string (object, "path") };
  JsonNode *left = json_object_get_member (object, "seconds_left");

  if (call->events == NULL)
    return;

  if (left != NULL && JSON_NODE_HOLDS_VALUE (left))
    event.seconds_left = CLAMP (json_node_get_double (left), -1, MOST_SECONDS);
  event.kind = g_str_equal (type, "preview") ? ESP_WORKER_EVENT_PREVIEW : ESP_WORKER_EVENT_PROGRESS;
  if (event.kind == ESP_WORKER_EVENT_PREVIEW ? event.path != NULL : event.stage != NULL)
    call->events (self, &event, call->events_data);
}

static void
unlock_spool (EspWorker *self)
{
  if (self->spool_lock >= 0)
    close (self->spool_lock);
  self->spool_lock = -1;
}

static void
take_hello (EspWorker *self, JsonObject *object)
{
  g_autoptr (GPtrArray) waiting = NULL;
  const char *spool = esp_json_get_string (object, "spool");

  /* Once; and of a process that goes on in the folder of the one before, with that folder. */
  if (self->hello_timeout == NULL || (spool != NULL && !_esp_worker_trust_spool (spool))
      || (self->spool != NULL && g_strcmp0 (self->spool, spool) != 0))
    {
      _esp_worker_process_give_up (self->process);
      return;
    }
  clear_source (&self->hello_timeout);

  if (esp_json_get_number (object, "protocol", 0) != PROTOCOL_VERSION || spool == NULL)
    {
      g_autoptr (GError) error
          = g_error_new (ESP_WORKER_ERROR, ESP_WORKER_ERROR_PROTOCOL, "%s",
                         _ ("the engine speaks another version of the protocol"));

      fail_everything (self, error);
      _esp_worker_process_close_input (self->process);
      return;
    }

  g_free (self->spool);
  self->spool = g_strdup (spool);
  unlock_spool (self);
  self->batch = (guint) MAX (1, get_count (object, "batch", 1, MOST_BATCH));
  waiting = g_steal_pointer (&self->hello_tasks);
  self->hello_tasks = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiting->len; i++)
    g_task_return_pointer (g_ptr_array_index (waiting, i), g_strdup (spool), g_free);
}

/* --- Starting anew ---------------------------------------------------------------------------- */

/* A process cannot be given more files than it was started with. When something else is asked for,
 * it is ended as soon as it has nothing to do, and the next one goes on in its spool folder, so
 * that pictures and results there stay. What it had in memory is lost: the model is opened again.
 */
static void
renew_if_idle (EspWorker *self)
{
  g_autofree char *lock = NULL;
  GHashTableIter iter;
  gpointer call;

  if (self->process == NULL || self->restarting || g_queue_is_empty (&self->held))
    return;
  g_hash_table_iter_init (&iter, self->calls);
  while (g_hash_table_iter_next (&iter, NULL, &call))
    if (!((EspWorkerCall *) call)->held)
      return;

  g_debug ("The engine is started anew for further files");
  self->restarting = TRUE;
  clear_source (&self->hello_timeout);
  if (self->spool != NULL)
    {
      /* Else another engine might take it for one of the dead. */
      lock = g_build_filename (self->spool, "lock", NULL);
      self->spool_lock = open (lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
      if (self->spool_lock >= 0)
        flock (self->spool_lock, LOCK_SH | LOCK_NB);
    }
  /* Asked to end it would empty the folder. */
  _esp_worker_process_kill (self->process);
}

static void
send_held (EspWorker *self)
{
  GHashTableIter iter;
  gpointer call;

  g_hash_table_iter_init (&iter, self->calls);
  while (g_hash_table_iter_next (&iter, NULL, &call))
    ((EspWorkerCall *) call)->held = FALSE;
  for (GString *line = g_queue_pop_head (&self->held); line != NULL;
       line = g_queue_pop_head (&self->held))
    _esp_worker_process_send (self->process, line);
}

/* Whether a request that is made now has to wait for another process. */
gboolean
_esp_worker_must_hold (EspWorker *self)
{
  return self->restarting || !g_queue_is_empty (&self->held)
         || !_esp_worker_access_is_given (self->access);
}

/* Sends the line (taken over), now or later. */
void
_esp_worker_send_line (EspWorker *self, GString *line, gboolean hold)
{
  if (!hold)
    {
      _esp_worker_process_send (self->process, line);
      return;
    }
  g_queue_push_tail (&self->held, line);
  renew_if_idle (self);
}

/* A request that it could not read, so that it does not know whose answer this is: nor do we, and
 * whoever waits for that would wait for ever. */
static void
take_nameless_error (EspWorker *self, JsonObject *object)
{
  const char *message = esp_json_get_string (object, "message");
  const gboolean memory = g_strcmp0 (esp_json_get_string (object, "code"), "memory") == 0;

  g_clear_error (&self->fault);
  self->fault
      = g_error_new (ESP_WORKER_ERROR, memory ? ESP_WORKER_ERROR_MEMORY : ESP_WORKER_ERROR_PROTOCOL,
                     "%s", message != NULL ? message : _ ("the engine reported an unknown error"));
  _esp_worker_process_give_up (self->process);
}

static void
on_process_line (EspWorkerProcess *process, JsonObject *object, gpointer data)
{
  g_autoptr (EspWorker) self = g_object_ref (data);
  const char *type = esp_json_get_string (object, "type");
  const double number = esp_json_get_number (object, "id", -1);
  gint64 id = number < 0 ? -1 : number <= (double) self->last_id ? (gint64) number : G_MAXINT64;
  EspWorkerCall *call = id >= 0 ? g_hash_table_lookup (self->calls, &id) : NULL;

  if (type == NULL)
    g_warning ("The engine sent an event without a type");
  else if (!_esp_worker_trust_event (object, self->spool))
    _esp_worker_process_give_up (process);
  else if (g_str_equal (type, "hello"))
    take_hello (self, object);
  else if (id < 0 && g_str_equal (type, "error") && g_hash_table_size (self->calls) > 0)
    take_nameless_error (self, object);
  else if (call == NULL)
    {
      /* One that was cancelled before it was sent has no call any more. */
      if (g_str_equal (type, "error")
          && g_strcmp0 (esp_json_get_string (object, "code"), "cancelled") != 0)
        g_warning ("The engine complains: %s", esp_json_get_string (object, "message"));
    }
  else if (g_str_equal (type, "error"))
    {
      call = steal_call (self, id);
      take_error (call, object);
      call_free (call);
      renew_if_idle (self);
    }
  else if (g_str_equal (type, call->answer))
    {
      call = steal_call (self, id);
      g_task_return_pointer (call->task, json_object_ref (object),
                             (GDestroyNotify) json_object_unref);
      call_free (call);
      renew_if_idle (self);
    }
  else if (g_str_equal (type, "progress") || g_str_equal (type, "preview"))
    take_event (self, call, type, object);
}

static void
on_process_ended (EspWorkerProcess *process, gboolean expected, const char *reason, gpointer data)
{
  g_autoptr (EspWorker) self = g_object_ref (data);
  g_autoptr (GPtrArray) stopping = g_steal_pointer (&self->stop_tasks);
  g_autoptr (GError) error = g_error_new (ESP_WORKER_ERROR, ESP_WORKER_ERROR_CRASHED, "%s", reason);
  g_autoptr (GError) again = NULL;
  g_autoptr (GError) fault = g_steal_pointer (&self->fault);

  self->stop_tasks = g_ptr_array_new_with_free_func (g_object_unref);
  clear_source (&self->hello_timeout);
  clear_source (&self->stop_timeout);
  g_clear_pointer (&self->identifier, g_free);
  g_clear_pointer (&self->process, _esp_worker_process_unref);
  if (self->restarting)
    {
      self->restarting = FALSE;
      if (stopping->len == 0 && start_process (self, &again))
        {
          send_held (self);
          return;
        }
    }

  if (self->spool != NULL)
    _esp_spool_folder_remove (self->spool);
  g_clear_pointer (&self->spool, g_free);
  unlock_spool (self);

  if (!expected)
    g_debug ("%s", reason);
  fail_everything (self, again != NULL ? again : fault != NULL ? fault : error);

  for (guint i = 0; i < stopping->len; i++)
    g_task_return_boolean (g_ptr_array_index (stopping, i), TRUE);
}

static const EspWorkerProcessFuncs process_funcs = { on_process_line, on_process_ended };

static gboolean
on_hello_timeout (gpointer data)
{
  EspWorker *self = data;
  g_autoptr (GError) error = g_error_new (ESP_WORKER_ERROR, ESP_WORKER_ERROR_TIMEOUT,
                                          _ ("%s: the engine did not answer for %d seconds"),
                                          self->program, HELLO_SECONDS);

  clear_source (&self->hello_timeout);
  fail_everything (self, error);
  _esp_worker_process_kill (self->process);
  return G_SOURCE_REMOVE;
}

/* Goes on in the spool folder of the process before, if there was one. */
static gboolean
start_process (EspWorker *self, GError **error)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) reason = NULL;
  GString *hello;

  if (self->program == NULL)
    self->program = esp_installation_find_engine ();

  _esp_worker_access_add_library (self->access);
  _esp_worker_access_give (self->access, arguments);
  if (self->spool != NULL)
    {
      g_ptr_array_add (arguments, g_strdup ("--spool"));
      g_ptr_array_add (arguments, g_strdup (self->spool));
    }
  self->process
      = _esp_worker_process_start (self->program, arguments, &process_funcs, self, &reason);
  if (self->process == NULL)
    {
      g_set_error (error, ESP_WORKER_ERROR, ESP_WORKER_ERROR_START,
                   _ ("%s: the engine cannot be started: %s"), self->program, reason->message);
      return FALSE;
    }

  self->identifier = _esp_worker_process_dup_identifier (self->process);
  hello = g_string_new (NULL);
  esp_json_open (hello, NULL, '{');
  esp_json_put_string (hello, "type", "hello", -1);
  esp_json_put_uint (hello, "id", (guint64) ++self->last_id);
  esp_json_close (hello, '}');
  _esp_worker_process_send (self->process, hello);
  self->hello_timeout = add_timeout (self, HELLO_SECONDS, on_hello_timeout, self);

  return TRUE;
}

gboolean
esp_worker_start (EspWorker *self, GError **error)
{
  g_return_val_if_fail (ESP_IS_WORKER (self), FALSE);

  return self->process != NULL || start_process (self, error);
}

const char *
esp_worker_get_identifier (EspWorker *self)
{
  g_return_val_if_fail (ESP_IS_WORKER (self), NULL);

  return self->identifier;
}

static gboolean
on_call_stuck (gpointer data)
{
  EspWorker *self = g_task_get_source_object (data);

  if (self->process != NULL)
    _esp_worker_process_kill (self->process);
  return G_SOURCE_REMOVE;
}

static gboolean
on_call_cancelled (GCancellable *cancellable, gpointer data)
{
  EspWorkerCall *call = data;
  EspWorker *self = g_task_get_source_object (call->task);
  GString *line = g_string_new (NULL);

  esp_json_open (line, NULL, '{');
  esp_json_put_string (line, "type", "cancel", -1);
  esp_json_put_uint (line, "id", (guint64) ++self->last_id);
  esp_json_put_uint (line, "job", (guint64) call->id);
  esp_json_close (line, '}');
  if (call->held)
    {
      /* It goes along behind the request, which may be others' as well. */
      g_queue_push_tail (&self->held, line);
      call = steal_call (self, call->id);
      g_task_return_new_error (call->task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s",
                               _ ("The edit was cancelled"));
      call_free (call);
      return G_SOURCE_REMOVE;
    }
  _esp_worker_process_send (self->process, line);
  call->kill_timeout = add_timeout (self, CANCEL_SECONDS, on_call_stuck, call->task);

  return G_SOURCE_REMOVE;
}

GString *
_esp_worker_begin_line (EspWorker *self, const char *type)
{
  GString *line = g_string_new (NULL);

  esp_json_open (line, NULL, '{');
  esp_json_put_string (line, "type", type, -1);
  esp_json_put_uint (line, "id", (guint64) ++self->last_id);
  return line;
}

/* Remembers that the task waits for the answer to the request `id`. */
EspWorkerCall *
_esp_worker_add_call (EspWorker *self, gint64 id, const char *answer, GTask *task)
{
  EspWorkerCall *call = g_new0 (EspWorkerCall, 1);

  call->id = id;
  call->task = g_object_ref (task);
  call->answer = answer;
  g_hash_table_insert (self->calls, &call->id, call);
  if (g_task_get_cancellable (task) != NULL)
    {
      call->cancelled = g_cancellable_source_new (g_task_get_cancellable (task));
      g_source_set_callback (call->cancelled, G_SOURCE_FUNC (on_call_cancelled), call, NULL);
      g_source_attach (call->cancelled, g_main_context_get_thread_default ());
    }
  return call;
}

void
_esp_worker_send_call (EspWorker *self, GString *line, const char *answer, GTask *task,
                       EspWorkerEventFunc events, gpointer events_data)
{
  g_autoptr (GError) error = NULL;
  gint64 id = self->last_id;
  EspWorkerCall *call;

  esp_json_close (line, '}');

  if (g_task_return_error_if_cancelled (task))
    {
      g_string_free (line, TRUE);
      return;
    }

  if (!esp_worker_start (self, &error))
    {
      g_string_free (line, TRUE);
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  call = _esp_worker_add_call (self, id, answer, task);
  call->events = events;
  call->events_data = events_data;
  call->held = _esp_worker_must_hold (self);
  _esp_worker_send_line (self, line, call->held);
}

gpointer
_esp_worker_finish (EspWorker *self, GAsyncResult *result, gpointer tag, GError **error)
{
  g_return_val_if_fail (ESP_IS_WORKER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_task_get_source_tag (G_TASK (result)) == tag, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_worker_hello_async (EspWorker *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GError) error = NULL;

  g_return_if_fail (ESP_IS_WORKER (self));

  g_task_set_source_tag (task, esp_worker_hello_async);
  if (!esp_worker_start (self, &error))
    g_task_return_error (task, g_steal_pointer (&error));
  else if (self->spool != NULL && !self->restarting)
    g_task_return_pointer (task, g_strdup (self->spool), g_free);
  else
    g_ptr_array_add (self->hello_tasks, g_steal_pointer (&task));
}

char *
esp_worker_hello_finish (EspWorker *self, GAsyncResult *result, GError **error)
{
  return _esp_worker_finish (self, result, esp_worker_hello_async, error);
}

static gboolean
on_stop_timeout (gpointer data)
{
  EspWorker *self = data;

  clear_source (&self->stop_timeout);
  if (self->process != NULL)
    _esp_worker_process_kill (self->process);
  return G_SOURCE_REMOVE;
}

void
esp_worker_stop_async (EspWorker *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_return_if_fail (ESP_IS_WORKER (self));

  g_task_set_source_tag (task, esp_worker_stop_async);
  if (self->process == NULL)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  g_ptr_array_add (self->stop_tasks, g_steal_pointer (&task));
  if (self->stop_timeout != NULL)
    return;

  _esp_worker_process_close_input (self->process);
  self->stop_timeout = add_timeout (self, STOP_SECONDS, on_stop_timeout, self);
}

gboolean
esp_worker_stop_finish (EspWorker *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (ESP_IS_WORKER (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
esp_worker_dispose (GObject *object)
{
  EspWorker *self = ESP_WORKER (object);

  clear_source (&self->hello_timeout);
  clear_source (&self->stop_timeout);
  if (self->process != NULL)
    _esp_worker_process_abandon (self->process);
  /* Killed, it leaves the folder; else it removes it. */
  if (self->restarting && self->spool != NULL)
    _esp_spool_folder_remove (self->spool);
  g_clear_pointer (&self->process, _esp_worker_process_unref);

  G_OBJECT_CLASS (esp_worker_parent_class)->dispose (object);
}

static void
esp_worker_finalize (GObject *object)
{
  EspWorker *self = ESP_WORKER (object);

  g_free (self->program);
  g_free (self->identifier);
  g_free (self->spool);
  g_clear_error (&self->fault);
  drop_held (self);
  unlock_spool (self);
  _esp_worker_access_free (self->access);
  g_hash_table_unref (self->calls);
  g_hash_table_unref (self->components);
  g_ptr_array_unref (self->hello_tasks);
  g_ptr_array_unref (self->stop_tasks);

  G_OBJECT_CLASS (esp_worker_parent_class)->finalize (object);
}

static void
esp_worker_class_init (EspWorkerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_worker_dispose;
  object_class->finalize = esp_worker_finalize;
}

static void
esp_worker_init (EspWorker *self)
{
  self->batch = 1;
  self->spool_lock = -1;
  self->access = _esp_worker_access_new ();
  g_queue_init (&self->held);
  self->calls
      = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify) call_free);
  self->components = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->hello_tasks = g_ptr_array_new_with_free_func (g_object_unref);
  self->stop_tasks = g_ptr_array_new_with_free_func (g_object_unref);
}

EspWorker *
esp_worker_new (const char *program)
{
  EspWorker *self = g_object_new (ESP_TYPE_WORKER, NULL);

  self->program = g_strdup (program);
  return self;
}
