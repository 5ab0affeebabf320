/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-watch.c: asking after a job until it ends. Asking is free: whatever goes wrong here is
 * tried again until patience ends. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <math.h>

#include <glib/gi18n-lib.h>

/* A job that is younger may not be known to all of the provider's servers yet. */
#define YOUNG 15 /* s */

/* So many times in a row, then it is believed. */
#define MISSING_TRIES 2
#define ODD_TRIES     3

/* Not more often than this, whatever events say. */
#define SHORTEST_INTERVAL 0.2 /* s */

#define LARGE_ANSWER ((gsize) ESP_RECEIVED_MAX_BYTES / 3 * 4 + (1 << 20))

static void look (EspRemoteTurn *turn);

gboolean
_esp_remote_watch_is_possible (EspRemoteTurn *turn)
{
  const EspProviderRequest *watch = turn->setup.descriptor->watch;
  g_autoptr (EspHttpRequest) request = NULL;

  if (watch == NULL)
    return FALSE;
  request = _esp_remote_request_build (&turn->setup, watch, turn->setup.scope, NULL);
  return request != NULL;
}

/* Ends a turn whose job has: `answer` says how. Not for success. */
void
_esp_remote_end_with_status (EspRemoteTurn *turn, EspStatus status, EspRemoteAnswer *answer)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  JsonNode *const roots[] = { answer->root, turn->submit_root };
  const EspErrorRule *rule = _esp_remote_answer_find_rule (descriptor, answer->root);
  EspFault fault = ESP_FAULT_SERVER;
  EspCharged charged = rule != NULL ? rule->charged : ESP_CHARGED_UNKNOWN;
  double cost;
  g_autofree char *message = NULL;

  if (_esp_remote_get_meta (descriptor->result.cost, roots, 1, &cost))
    charged = cost > 0 ? ESP_CHARGED_YES : ESP_CHARGED_NO;

  switch (status)
    {
    case ESP_STATUS_MODERATED:
      fault = ESP_FAULT_MODERATED;
      message = _esp_remote_dup_blocked (turn->setup.provider, rule);
      break;
    case ESP_STATUS_EXPIRED:
      fault = ESP_FAULT_GONE;
      break;
    case ESP_STATUS_CANCELLED:
      message = g_strdup_printf (_ ("The job was cancelled at %s."),
                                 esp_provider_get_name (turn->setup.provider));
      break;
    case ESP_STATUS_FAILED:
    case ESP_STATUS_QUEUED:
    case ESP_STATUS_RUNNING:
    case ESP_STATUS_SUCCEEDED:
    default:
      break;
    }
  if (status == ESP_STATUS_FAILED && rule != NULL)
    fault = rule->fault;
  _esp_remote_turn_fail (turn, fault, charged, FALSE, answer, message);
}

/* --- The next look ---------------------------------------------------------------------------- */

static double
first_interval (const EspDescriptor *descriptor)
{
  return descriptor->interval_first_ms > 0 ? descriptor->interval_first_ms : 2000;
}

static void
pause_and_poll (EspRemoteTurn *turn, double least)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  double seconds = turn->interval / 1000;
  double most = descriptor->interval_max_ms > 0 ? descriptor->interval_max_ms : 10000;

  if (_esp_remote_turn_get_left (turn) <= 0)
    {
      _esp_remote_turn_out_of_patience (turn);
      return;
    }

  if (descriptor->interval_factor > 1)
    turn->interval = MIN (turn->interval * descriptor->interval_factor, most);
  if (turn->look_soon && least <= 0)
    seconds = MIN (seconds, SHORTEST_INTERVAL);
  turn->look_soon = FALSE;
  if (least > 0)
    {
      /* "Not before": no event, and nothing of ours, may be earlier. */
      if (!_esp_remote_turn_wait (turn, MAX (least, seconds), look))
        _esp_remote_turn_out_of_patience (turn);
      return;
    }
  _esp_remote_turn_pause (turn, seconds * g_random_double_range (0.95, 1.05), look);
}

/* An API may tell a moment before it shows what it tells of: no look that was sent before the event
 * counts, and what comes right after a look is not forgotten. */
void
_esp_remote_watch_now (EspRemoteTurn *turn)
{
  double left
      = (double) (turn->last_look - g_get_monotonic_time ()) / G_USEC_PER_SEC + SHORTEST_INTERVAL;

  turn->look_soon = TRUE;
  if (turn->pause == NULL || turn->next != look || turn->waits_until != 0)
    return;

  turn->look_soon = FALSE;
  if (left <= 0)
    {
      _esp_remote_turn_wake (turn);
      return;
    }
  _esp_remote_clear_source (&turn->pause);
  _esp_remote_turn_pause (turn, left, look);
}

static gboolean
is_young (EspRemoteTurn *turn)
{
  /* From the answer on, where this process saw it: sending may have taken long. */
  double age = turn->accepted > 0
                   ? (double) (g_get_monotonic_time () - turn->accepted) / G_USEC_PER_SEC
                   : (double) (g_get_real_time () - turn->submitted) / G_USEC_PER_SEC;

  /* A clock that was set back makes nothing young for ever: patience bounds it. */
  return !turn->seen && turn->submitted > 0 && age < YOUNG * _esp_remote_time_scale ();
}

/* The provider does not know the job, or no longer. */
static void
missing (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  turn->missing++;
  if (is_young (turn) || turn->missing < MISSING_TRIES)
    {
      pause_and_poll (turn, -1);
      return;
    }

  if (turn->doubt != NULL)
    {
      _esp_remote_turn_out_of_patience (turn);
      return;
    }
  if (_esp_remote_load_items (turn))
    {
      /* It was ready once, and the link to the image lives longer than the job's record. */
      _esp_remote_download_begin (turn);
      return;
    }
  _esp_remote_end_with_status (turn, ESP_STATUS_EXPIRED, answer);
}

/* --- What a look shows ------------------------------------------------------------------------ */

static void
note_seen (EspRemoteTurn *turn)
{
  turn->seen = TRUE;
  turn->missing = 0;
  turn->odd = 0;
  g_clear_error (&turn->doubt);
  if (esp_record_get_state (turn->record) != ESP_RECORD_ACCEPTED)
    _esp_remote_turn_note_state (turn, ESP_RECORD_ACCEPTED);
}

static void
show_progress (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  double number;

  if (turn->status == ESP_STATUS_RUNNING && turn->running == 0)
    turn->running = g_get_monotonic_time ();
  if (turn->phase != (turn->status == ESP_STATUS_RUNNING ? ESP_PHASE_RUNNING : ESP_PHASE_QUEUED))
    _esp_remote_turn_set_phase (turn, turn->status == ESP_STATUS_RUNNING ? ESP_PHASE_RUNNING
                                                                         : ESP_PHASE_QUEUED);

  if (answer == NULL)
    return;
  turn->position = -1;
  if (turn->status == ESP_STATUS_QUEUED
      && esp_pointer_get_number ((const char *const *) descriptor->queue_position, answer->root,
                                 &number)
      && number >= 0 && number < 1e6)
    turn->position = (int) number;
  if (turn->status == ESP_STATUS_RUNNING
      && esp_pointer_get_number ((const char *const *) descriptor->progress, answer->root, &number)
      && number >= 0 && number <= 1)
    turn->fraction = number;
  _esp_remote_turn_tell (turn);
}

void
_esp_remote_watch_show_queue (EspRemoteTurn *turn)
{
  /* A queue of one is this job: it runs, or will at once. */
  if (turn->told_running || turn->queue_told < 2)
    return;

  turn->status = ESP_STATUS_QUEUED;
  turn->running = 0;
  show_progress (turn, NULL);
  turn->position = (int) turn->queue_told - 1;
  _esp_remote_turn_tell (turn);
}

static void
take_status (EspRemoteTurn *turn, EspStatus status, EspRemoteAnswer *answer)
{
  switch (status)
    {
    case ESP_STATUS_EXPIRED:
      missing (turn, answer);
      break;

    case ESP_STATUS_SUCCEEDED:
      note_seen (turn);
      turn->status = status;
      g_clear_pointer (&turn->watch_root, json_node_unref);
      turn->watch_root = json_node_ref (answer->root);
      _esp_remote_succeed (turn, json_node_ref (answer->root));
      break;

    case ESP_STATUS_QUEUED:
    case ESP_STATUS_RUNNING:
      note_seen (turn);
      turn->guessed = FALSE;
      turn->status = status;
      show_progress (turn, answer);
      pause_and_poll (turn, -1);
      break;

    case ESP_STATUS_FAILED:
    case ESP_STATUS_CANCELLED:
    case ESP_STATUS_MODERATED:
    default:
      _esp_remote_end_with_status (turn, status, answer);
      break;
    }
}

/* An answer in JSON without a status. */
static void
take_silence (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  EspFault fault;

  if (_esp_remote_answer_match_rules (descriptor, answer->root, &fault) && turn->odd++ >= 1)
    {
      _esp_remote_turn_fail (turn, fault, ESP_CHARGED_UNKNOWN, FALSE, answer, NULL);
      return;
    }
  if (descriptor->watch_present != NULL)
    {
      /* Nothing is shown of the job until it ends. */
      turn->guessed = TRUE;
      turn->status = ESP_STATUS_RUNNING;
    }
  if (turn->queue_told > 1 && !turn->told_running)
    _esp_remote_watch_show_queue (turn);
  else
    show_progress (turn, NULL);
  pause_and_poll (turn, -1);
}

gboolean
_esp_remote_watch_find_status (EspRemoteTurn *turn, EspRemoteAnswer *answer, EspStatus *status)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  g_auto (GStrv) present = NULL;
  g_auto (GStrv) pointers = NULL;

  if (answer->root == NULL)
    return FALSE;
  if (descriptor->watch_present != NULL)
    {
      present = _esp_remote_dup_pointers (descriptor->watch_present, turn->setup.scope);
      if (esp_pointer_find ((const char *const *) present, answer->root) == NULL)
        return FALSE;
    }
  pointers = _esp_remote_dup_pointers (descriptor->watch_status, turn->setup.scope);
  return _esp_remote_answer_get_status (descriptor, (const char *const *) pointers, answer, status);
}

/* --- Errors ----------------------------------------------------------------------------------- */

/* Some report a failed job as an error of the request. But "status": "error" may as well be of the
 * request alone: too many of them, say. */
static gboolean
tells_of_job (EspRemoteTurn *turn, EspRemoteAnswer *answer, EspFault fault, EspStatus *status)
{
  if (fault == ESP_FAULT_RATE || fault == ESP_FAULT_BUSY || fault == ESP_FAULT_AUTH
      || fault == ESP_FAULT_FORBIDDEN || fault == ESP_FAULT_CREDIT || answer->status > 500)
    return FALSE;
  if (!_esp_remote_watch_find_status (turn, answer, status) || *status < ESP_STATUS_FAILED)
    return FALSE;
  return answer->status < 500 || ++turn->odd >= ODD_TRIES;
}

static void
take_http_error (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  EspFault fault = _esp_remote_answer_get_fault (descriptor, answer);
  double seconds = _esp_remote_answer_get_retry_after (descriptor, answer);
  gpointer mapped
      = descriptor->watch_http != NULL
            ? g_hash_table_lookup (descriptor->watch_http, GUINT_TO_POINTER (answer->status))
            : NULL;
  EspStatus status;

  if (mapped != NULL)
    {
      take_status (turn, (EspStatus) (GPOINTER_TO_UINT (mapped) - 1), answer);
      return;
    }

  if (tells_of_job (turn, answer, fault, &status))
    {
      take_status (turn, status, answer);
      return;
    }

  switch (fault)
    {
    case ESP_FAULT_AUTH:
    case ESP_FAULT_FORBIDDEN:
    case ESP_FAULT_CREDIT:
      _esp_remote_turn_fail (turn, fault, ESP_CHARGED_UNKNOWN, TRUE, answer, NULL);
      break;

    case ESP_FAULT_GONE:
      missing (turn, answer);
      break;

    case ESP_FAULT_MODERATED:
      _esp_remote_end_with_status (turn, ESP_STATUS_MODERATED, answer);
      break;

    case ESP_FAULT_INVALID:
      if (++turn->odd >= ODD_TRIES)
        _esp_remote_turn_fail (turn, fault, ESP_CHARGED_UNKNOWN, FALSE, answer, NULL);
      else
        pause_and_poll (turn, -1);
      break;

    case ESP_FAULT_RATE:
    case ESP_FAULT_BUSY:
      turn->tries++;
      pause_and_poll (turn, seconds >= 0 ? seconds : _esp_remote_back_off (turn->tries));
      break;

    case ESP_FAULT_NONE:
    case ESP_FAULT_SERVER:
    case ESP_FAULT_RESULT:
    case ESP_FAULT_NETWORK:
    case ESP_FAULT_UNKNOWN:
    case ESP_FAULT_PATIENCE:
    case ESP_FAULT_ARGUMENT:
    case ESP_FAULT_OFFLINE:
    case ESP_FAULT_BUDGET:
    default:
      pause_and_poll (turn, seconds > 0 ? seconds : -1);
      break;
    }
}

static void
polled (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  EspStatus status;

  if (error != NULL)
    {
      g_debug ("Asking after a job failed: %s", error->message);
      if (g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_TOO_LARGE))
        {
          /* Not once more: it is as much as the largest image. That the job has failed is not said
           * by this, and it is kept. */
          _esp_remote_turn_fail (turn, ESP_FAULT_PATIENCE, ESP_CHARGED_UNKNOWN, TRUE, NULL,
                                 error->message);
          return;
        }
      pause_and_poll (turn, -1);
      return;
    }

  if (answer->status >= 400)
    take_http_error (turn, answer);
  else if (answer->status >= 300 || answer->status < 200 || answer->root == NULL)
    pause_and_poll (turn, -1);
  else if (_esp_remote_watch_find_status (turn, answer, &status))
    {
      turn->tries = 0;
      take_status (turn, status, answer);
    }
  else
    take_silence (turn, answer);
}

static void
look (EspRemoteTurn *turn)
{
  g_autoptr (GError) error = NULL;
  EspHttpRequest *request;
  double left = _esp_remote_turn_get_left (turn);

  /* One look is always taken: a job that was picked up again may be ready. */
  if (left <= 0 && turn->last_look != 0)
    {
      _esp_remote_turn_out_of_patience (turn);
      return;
    }

  request = _esp_remote_request_build (&turn->setup, turn->setup.descriptor->watch,
                                       turn->setup.scope, &error);
  if (request == NULL)
    {
      _esp_remote_turn_fail (turn, ESP_FAULT_SERVER, ESP_CHARGED_UNKNOWN, TRUE, NULL,
                             error->message);
      return;
    }

  if (turn->phase == ESP_PHASE_WAITING)
    show_progress (turn, NULL);
  turn->last_look = g_get_monotonic_time ();
  esp_http_request_set_timeouts (request, 0, 30, (guint) ceil (CLAMP (left, 1.0, 600.0)));
  esp_http_request_set_max_answer (request, LARGE_ANSWER);
  _esp_remote_turn_send (turn, request, polled);
}

void
_esp_remote_watch_begin (EspRemoteTurn *turn, gboolean at_once)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;

  /* The pictures are there now, as far as we are concerned. */
  g_clear_pointer (&turn->shipped, esp_scope_free);
  g_clear_pointer (&turn->shipment, esp_shipment_free);
  g_clear_pointer (&turn->texts, g_ptr_array_unref);

  turn->tries = 0;
  turn->interval = first_interval (descriptor);
  if (descriptor->events.request != NULL)
    _esp_remote_events_start (turn);
  show_progress (turn, NULL);
  _esp_remote_watch_show_queue (turn);
  if (at_once)
    look (turn);
  else
    pause_and_poll (turn, -1);
}
