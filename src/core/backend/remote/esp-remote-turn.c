/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-turn.c: what all parts of a turn need: beginning and end, transfers, pauses, news. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#define DEFAULT_PATIENCE 900 /* s */

/* How long a submit that is under way may take to answer when the turn is cancelled: with the job's
 * id it can be stopped, or gone on with later. */
#define GRACE 4000 /* ms */

static const char cancel_there_key[] = "espalier-cancel-there";

const char *
esp_phase_to_string (EspPhase phase)
{
  static const char *const names[] = { "preparing", "uploading", "submitting",  "waiting",
                                       "queued",    "running",   "downloading", "cancelling" };

  g_return_val_if_fail ((gsize) phase < G_N_ELEMENTS (names), names[0]);

  return names[phase];
}

void
esp_remote_result_free (EspRemoteResult *result)
{
  if (result == NULL)
    return;

  g_clear_pointer (&result->images, g_ptr_array_unref);
  g_clear_pointer (&result->timings, json_object_unref);
  g_clear_pointer (&result->parameters, json_object_unref);
  g_clear_pointer (&result->notes, g_ptr_array_unref);
  g_free (result->currency);
  g_free (result->job_id);
  g_free (result);
}

double
_esp_remote_time_scale (void)
{
  static gsize once;
  static double scale = 1;

  if (g_once_init_enter (&once))
    {
      const char *text = g_getenv ("ESPALIER_TIME_SCALE");
      double value = text != NULL ? g_ascii_strtod (text, NULL) : 1;

      if (value > 0 && value <= 1)
        scale = value;
      g_once_init_leave (&once, 1);
    }
  return scale;
}

double
_esp_remote_back_off (guint tries)
{
  double seconds = pow (2, MIN (tries, 5u));

  return MIN (seconds, 30.0) * g_random_double_range (0.75, 1.25);
}

/* --- Records of turns that are through -------------------------------------------------------- */

/* A turn that has succeeded keeps its record locked until the image is safe, so that no other
 * process fetches it once more. By id; only on the main thread. */
static GHashTable *held_records;

static void
hold_record (EspRecord *record)
{
  if (held_records == NULL)
    held_records
        = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) esp_record_free);
  g_hash_table_replace (held_records, g_strdup (esp_record_get_id (record)), record);
}

EspRecord *
_esp_remote_take_record (const char *id, GError **error)
{
  gpointer key = NULL;
  gpointer record = NULL;

  if (held_records != NULL && g_hash_table_steal_extended (held_records, id, &key, &record))
    {
      g_free (key);
      return record;
    }
  return esp_record_open (id, error);
}

gboolean
esp_remote_turn_is_here (const char *id)
{
  EspRecord *held;
  g_autoptr (EspRecord) record = NULL;

  g_return_val_if_fail (id != NULL, FALSE);

  held = held_records != NULL ? g_hash_table_lookup (held_records, id) : NULL;
  if (held == NULL)
    record = esp_record_peek (id);
  return (held != NULL || record != NULL) && _esp_remote_is_kept (held != NULL ? held : record);
}

gboolean
esp_remote_turn_settle (const char *id, GError **error)
{
  g_autoptr (EspRecord) record = NULL;

  g_return_val_if_fail (id != NULL, FALSE);

  record = _esp_remote_take_record (id, error);
  return record != NULL && esp_record_delete (record, error);
}

static void
delete_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (esp_record_delete (data, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
esp_remote_turn_settle_async (const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  EspRecord *record;
  GError *error = NULL;

  g_return_if_fail (id != NULL);

  task = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (task, esp_remote_turn_settle_async);
  record = _esp_remote_take_record (id, &error);
  if (record == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_task_set_task_data (task, record, (GDestroyNotify) esp_record_free);
  g_task_run_in_thread (task, delete_in_thread);
}

gboolean
esp_remote_turn_settle_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_remote_turn_settle_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
esp_remote_turn_release (const char *id)
{
  g_return_if_fail (id != NULL);

  if (held_records != NULL)
    g_hash_table_remove (held_records, id);
}

/* --- Life ------------------------------------------------------------------------------------- */

EspRemoteTurn *
_esp_remote_turn_ref (EspRemoteTurn *turn)
{
  turn->references++;
  return turn;
}

void
_esp_remote_clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
clear_node (JsonNode **node)
{
  g_clear_pointer (node, json_node_unref);
}

void
_esp_remote_turn_unref (EspRemoteTurn *turn)
{
  if (--turn->references > 0)
    return;

  g_assert (turn->task == NULL && turn->events == NULL);
  _esp_remote_setup_clear (&turn->setup);
  g_clear_pointer (&turn->record, esp_record_free);
  g_clear_pointer (&turn->originals, g_ptr_array_unref);
  g_clear_pointer (&turn->notes, g_ptr_array_unref);
  g_clear_pointer (&turn->shipment, esp_shipment_free);
  g_clear_pointer (&turn->texts, g_ptr_array_unref);
  g_clear_pointer (&turn->shipped, esp_scope_free);
  g_clear_pointer (&turn->upload_scope, esp_scope_free);
  g_clear_pointer (&turn->items, g_ptr_array_unref);
  g_clear_pointer (&turn->loaded, g_ptr_array_unref);
  g_clear_pointer (&turn->received, g_ptr_array_unref);
  g_clear_error (&turn->bad);
  clear_node (&turn->submit_root);
  clear_node (&turn->watch_root);
  clear_node (&turn->result_root);
  clear_node (&turn->streamed);
  g_clear_pointer (&turn->streamed_items, g_ptr_array_unref);
  clear_node (&turn->recovered);
  g_clear_error (&turn->doubt);
  g_clear_pointer (&turn->request, esp_http_request_free);
  g_clear_object (&turn->step);
  g_clear_object (&turn->cancellable);
  g_clear_object (&turn->http);
  g_clear_pointer (&turn->context, g_main_context_unref);
  g_free (turn->link);
  g_free (turn->id);
  g_free (turn);
}

/* Nothing of the turn goes on after this. */
static GTask *
end (EspRemoteTurn *turn)
{
  _esp_remote_clear_source (&turn->ticker);
  _esp_remote_clear_source (&turn->pause);
  _esp_remote_clear_source (&turn->grace);
  _esp_remote_clear_source (&turn->cancel_source);
  _esp_remote_events_stop (turn);
  turn->news = NULL;
  return g_steal_pointer (&turn->task);
}

const char *
_esp_remote_turn_get_job_id (EspRemoteTurn *turn)
{
  JsonNode *id = turn->setup.scope != NULL ? esp_scope_get (turn->setup.scope, "job.id") : NULL;

  return id != NULL && JSON_NODE_HOLDS_VALUE (id) && json_node_get_value_type (id) == G_TYPE_STRING
             ? json_node_get_string (id)
             : NULL;
}

static void
delete_record (EspRemoteTurn *turn)
{
  g_autoptr (GError) error = NULL;

  if (turn->record != NULL && !esp_record_delete (turn->record, &error))
    g_warning ("The record of a turn could not be removed: %s", error->message);
  g_clear_pointer (&turn->record, esp_record_free);
}

/* The reference that was made with the task goes with it. */
void
_esp_remote_turn_fail_with (EspRemoteTurn *turn, GError *error, gboolean kept)
{
  g_autoptr (GTask) task = end (turn);

  if (!kept)
    delete_record (turn);
  /* Whoever is told may go on with the turn at once. */
  g_clear_pointer (&turn->record, esp_record_free);
  g_task_return_error (task, error);
  _esp_remote_turn_unref (turn);
}

void
_esp_remote_turn_fail (EspRemoteTurn *turn, EspFault fault, EspCharged charged, gboolean kept,
                       const EspRemoteAnswer *answer, const char *message)
{
  GError *error = _esp_remote_fault_new (&turn->setup, fault, charged, kept,
                                         _esp_remote_turn_get_job_id (turn), answer, message);

  _esp_remote_turn_fail_with (turn, error, kept);
}

void
_esp_remote_turn_return_cancelled (EspRemoteTurn *turn, gboolean kept)
{
  GError *error
      = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The turn was cancelled."));

  _esp_remote_turn_fail_with (turn, error, kept);
}

void
_esp_remote_turn_return_result (EspRemoteTurn *turn, EspRemoteResult *result)
{
  g_autoptr (GTask) task = end (turn);

  hold_record (g_steal_pointer (&turn->record));
  g_task_return_pointer (task, result, (GDestroyNotify) esp_remote_result_free);
  _esp_remote_turn_unref (turn);
}

void
_esp_remote_turn_out_of_patience (EspRemoteTurn *turn)
{
  if (turn->doubt != NULL)
    _esp_remote_turn_fail_with (turn, g_steal_pointer (&turn->doubt), TRUE);
  else
    _esp_remote_turn_fail (turn, ESP_FAULT_PATIENCE, ESP_CHARGED_UNKNOWN, TRUE, NULL, NULL);
}

double
_esp_remote_turn_get_left (EspRemoteTurn *turn)
{
  return (double) (turn->deadline - g_get_monotonic_time ()) / G_USEC_PER_SEC;
}

gboolean
_esp_remote_turn_write (EspRemoteTurn *turn, EspRecordState state, GError **error)
{
  return esp_record_write (turn->record, state, error);
}

void
_esp_remote_turn_warn_of_record (const GError *error)
{
  g_warning ("The record of a turn with a provider could not be written: %s", error->message);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  EspRemoteTurn *turn = data;
  EspRemoteWritten written = g_steal_pointer (&turn->written);
  g_autoptr (GError) error = NULL;

  (void) esp_record_write_finish (turn->record, result, &error);
  written (turn, error);
  _esp_remote_turn_unref (turn);
}

void
_esp_remote_turn_write_then (EspRemoteTurn *turn, EspRecordState state, EspRemoteWritten written)
{
  /* Has a reference to the turn. */
  (void) _esp_remote_turn_work (turn);
  turn->written = written;
  esp_record_write_async (turn->record, state, on_written, turn);
}

void
_esp_remote_turn_note_state (EspRemoteTurn *turn, EspRecordState state)
{
  g_autoptr (GError) error = NULL;

  if (!esp_record_write (turn->record, state, &error))
    _esp_remote_turn_warn_of_record (error);
}

/* --- News ------------------------------------------------------------------------------------- */

static void
tell (EspRemoteTurn *turn, GBytes *preview, const char *note)
{
  gint64 now = g_get_monotonic_time ();
  EspRemoteNews news = { .phase = turn->phase,
                         .fraction = turn->fraction,
                         .position = turn->position,
                         .seconds = (double) (now - turn->phase_start) / G_USEC_PER_SEC,
                         .seconds_left = -1,
                         .preview = preview,
                         .job_id = _esp_remote_turn_get_job_id (turn),
                         .note = note };

  if (turn->news == NULL)
    return;
  if (turn->phase == ESP_PHASE_WAITING)
    news.seconds_left = MAX (0.0, (double) (turn->waits_until - now) / G_USEC_PER_SEC);
  turn->news (&news, turn->news_data);
}

void
_esp_remote_turn_tell (EspRemoteTurn *turn)
{
  tell (turn, NULL, NULL);
}

void
_esp_remote_turn_tell_preview (EspRemoteTurn *turn, GBytes *preview)
{
  tell (turn, preview, NULL);
}

void
_esp_remote_turn_note (EspRemoteTurn *turn, const char *note)
{
  g_ptr_array_add (turn->notes, g_strdup (note));
  tell (turn, NULL, note);
}

void
_esp_remote_turn_set_phase (EspRemoteTurn *turn, EspPhase phase)
{
  if (turn->phase != phase)
    {
      turn->phase = phase;
      turn->phase_start = g_get_monotonic_time ();
      turn->fraction = -1;
      turn->position = -1;
    }
  _esp_remote_turn_tell (turn);
}

static gboolean
on_tick (gpointer data)
{
  EspRemoteTurn *turn = data;

  if (turn->phase >= ESP_PHASE_SUBMITTING && turn->phase <= ESP_PHASE_RUNNING)
    _esp_remote_turn_tell (turn);
  return G_SOURCE_CONTINUE;
}

/* --- Pauses ----------------------------------------------------------------------------------- */

static gboolean
on_pause_over (gpointer data)
{
  EspRemoteTurn *turn = data;
  EspRemoteNext next = g_steal_pointer (&turn->next);

  g_clear_pointer (&turn->pause, g_source_unref);
  turn->waits_until = 0;
  _esp_remote_turn_ref (turn);
  next (turn);
  _esp_remote_turn_unref (turn);
  return G_SOURCE_REMOVE;
}

static void
pause_for (EspRemoteTurn *turn, guint ms, EspRemoteNext next)
{
  g_assert (turn->pause == NULL && !turn->transferring);

  turn->next = next;
  turn->pause = g_timeout_source_new (ms);
  g_source_set_callback (turn->pause, on_pause_over, turn, NULL);
  g_source_attach (turn->pause, turn->context);
}

void
_esp_remote_turn_pause (EspRemoteTurn *turn, double seconds, EspRemoteNext next)
{
  double left = _esp_remote_turn_get_left (turn);
  double scaled = seconds * _esp_remote_time_scale ();

  /* What follows looks at the patience itself. */
  pause_for (turn, (guint) (CLAMP (MIN (scaled, left), 0.0, 86400.0) * 1000), next);
}

void
_esp_remote_turn_wake (EspRemoteTurn *turn)
{
  if (turn->pause != NULL && turn->waits_until == 0)
    g_source_set_ready_time (turn->pause, 0);
}

gboolean
_esp_remote_turn_wait (EspRemoteTurn *turn, double seconds, EspRemoteNext next)
{
  double scaled = seconds * _esp_remote_time_scale ();

  if (scaled >= _esp_remote_turn_get_left (turn))
    return FALSE;

  turn->waits_until = g_get_monotonic_time () + (gint64) (scaled * G_USEC_PER_SEC);
  _esp_remote_turn_set_phase (turn, ESP_PHASE_WAITING);
  pause_for (turn, (guint) ceil (scaled * 1000), next);
  return TRUE;
}

/* --- Cancelling ------------------------------------------------------------------------------- */

void
esp_remote_turn_set_cancel_there (GCancellable *cancellable, gboolean cancel_there)
{
  g_return_if_fail (G_IS_CANCELLABLE (cancellable));

  g_object_set_data (G_OBJECT (cancellable), cancel_there_key,
                     GINT_TO_POINTER (cancel_there ? 1 : 2));
}

gboolean
_esp_remote_turn_cancels_there (EspRemoteTurn *turn)
{
  return turn->cancellable == NULL
         || GPOINTER_TO_INT (g_object_get_data (G_OBJECT (turn->cancellable), cancel_there_key))
                != 2;
}

static gboolean
on_grace_over (gpointer data)
{
  EspRemoteTurn *turn = data;

  g_clear_pointer (&turn->grace, g_source_unref);
  g_cancellable_cancel (turn->step);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  EspRemoteTurn *turn = data;

  if (turn->cancelling)
    return G_SOURCE_REMOVE;

  turn->cancelling = TRUE;
  if (turn->pause != NULL)
    {
      _esp_remote_clear_source (&turn->pause);
      turn->next = NULL;
      _esp_remote_cancel_begin (turn);
    }
  else if (turn->submitting && turn->setup.descriptor->flow == ESP_FLOW_POLL)
    {
      _esp_remote_turn_set_phase (turn, ESP_PHASE_CANCELLING);
      turn->grace = g_timeout_source_new (GRACE);
      g_source_set_callback (turn->grace, on_grace_over, turn, NULL);
      g_source_attach (turn->grace, turn->context);
    }
  else
    g_cancellable_cancel (turn->step);
  return G_SOURCE_REMOVE;
}

static gboolean
on_begin (gpointer data)
{
  EspRemoteTurn *turn = data;

  g_clear_pointer (&turn->pause, g_source_unref);
  if (turn->resumed)
    _esp_remote_resume_begin (turn);
  else
    _esp_remote_prepare_begin (turn);
  return G_SOURCE_REMOVE;
}

/* --- Beginning -------------------------------------------------------------------------------- */

EspRemoteTurn *
_esp_remote_turn_new (EspHttp *http, const char *id, guint patience, GCancellable *cancellable,
                      EspRemoteNewsFunc news, gpointer news_data, GTask *task)
{
  EspRemoteTurn *turn = g_new0 (EspRemoteTurn, 1);

  turn->references = 1;
  turn->task = task;
  turn->context = g_main_context_ref_thread_default ();
  turn->http = g_object_ref (http);
  turn->id = g_strdup (id);
  turn->news = news;
  turn->news_data = news_data;
  turn->start = turn->phase_start = g_get_monotonic_time ();
  turn->deadline
      = turn->start + (gint64) (patience > 0 ? patience : DEFAULT_PATIENCE) * G_USEC_PER_SEC;
  turn->fraction = -1;
  turn->position = -1;
  turn->status = ESP_STATUS_QUEUED;
  turn->notes = g_ptr_array_new_with_free_func (g_free);
  if (cancellable != NULL)
    turn->cancellable = g_object_ref (cancellable);
  return turn;
}

void
_esp_remote_turn_set_going (EspRemoteTurn *turn)
{
  turn->ticker = g_timeout_source_new_seconds (1);
  g_source_set_callback (turn->ticker, on_tick, turn, NULL);
  g_source_attach (turn->ticker, turn->context);

  if (turn->cancellable != NULL)
    {
      turn->cancel_source = g_cancellable_source_new (turn->cancellable);
      g_source_set_callback (turn->cancel_source, G_SOURCE_FUNC (on_cancelled), turn, NULL);
      g_source_attach (turn->cancel_source, turn->context);
    }

  /* Nothing is told before this function has returned. */
  turn->pause = g_idle_source_new ();
  g_source_set_priority (turn->pause, G_PRIORITY_DEFAULT);
  g_source_set_callback (turn->pause, on_begin, turn, NULL);
  g_source_attach (turn->pause, turn->context);
}
