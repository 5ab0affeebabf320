/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-cancel.c: what can be done about a job that is not wanted any more.
 *
 * A record goes only when the job surely has: what goes on at the provider may still be billed, and
 * its image can still be fetched.
 */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <glib/gi18n-lib.h>

#define REQUEST_TIME 10 /* s, each */
#define CHECKS       3
#define CHECK_PAUSE  1.0 /* s */

static void ask (EspRemoteTurn *turn);
static void look (EspRemoteTurn *turn);

static const char *const done_already
    = N_ ("The job was done already: its image can still be fetched.");

/* The job may go on: said, and kept. */
static void
may_go_on (EspRemoteTurn *turn, const char *note)
{
  _esp_remote_turn_note (turn, note);
  _esp_remote_turn_return_cancelled (turn, TRUE);
}

/* Where the result is an answer of its own: only that shows whether there is one. */
static void
fetched (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  if (error == NULL && answer->status >= 400 && answer->status < 500 && answer->status != 429
      && !turn->cancel_refused)
    _esp_remote_turn_return_cancelled (turn, FALSE);
  else
    may_go_on (turn, _ (done_already));
}

static void
look_for_result (EspRemoteTurn *turn)
{
  EspHttpRequest *request = NULL;

  if (turn->setup.descriptor->fetch != NULL)
    request = _esp_remote_request_build (&turn->setup, turn->setup.descriptor->fetch,
                                         turn->setup.scope, NULL);
  if (request == NULL)
    {
      may_go_on (turn, _ (done_already));
      return;
    }
  esp_http_request_set_timeouts (request, 5, REQUEST_TIME, REQUEST_TIME);
  _esp_remote_turn_send (turn, request, fetched);
}

static void
looked (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  g_auto (GStrv) pointers = _esp_remote_dup_pointers (descriptor->watch_status, turn->setup.scope);
  gpointer mapped;
  EspStatus status = ESP_STATUS_RUNNING;
  gboolean known = FALSE;

  if (error == NULL)
    {
      known = answer->root != NULL
              && _esp_remote_answer_get_status (descriptor, (const char *const *) pointers, answer,
                                                &status);
      mapped = descriptor->watch_http != NULL
                   ? g_hash_table_lookup (descriptor->watch_http, GUINT_TO_POINTER (answer->status))
                   : NULL;
      if (mapped != NULL)
        {
          known = TRUE;
          status = (EspStatus) (GPOINTER_TO_UINT (mapped) - 1);
        }
      else if (answer->status == 404 || answer->status == 410)
        {
          known = TRUE;
          status = ESP_STATUS_EXPIRED;
        }
    }

  if (known && status == ESP_STATUS_SUCCEEDED)
    look_for_result (turn);
  else if (known && status >= ESP_STATUS_FAILED)
    _esp_remote_turn_return_cancelled (turn, FALSE);
  else if (!known && error == NULL && answer->status < 300 && descriptor->watch_present != NULL
           && !turn->cancel_refused)
    /* Such an API shows nothing of jobs that were removed. */
    _esp_remote_turn_return_cancelled (turn, FALSE);
  else if (++turn->cancel_checks < CHECKS)
    _esp_remote_turn_pause (turn, CHECK_PAUSE, look);
  else
    may_go_on (turn, _ ("The provider was asked to stop; the job may still be billed."));
}

static void
look (EspRemoteTurn *turn)
{
  EspHttpRequest *request = _esp_remote_request_build (&turn->setup, turn->setup.descriptor->watch,
                                                       turn->setup.scope, NULL);

  if (request == NULL)
    {
      may_go_on (turn, _ ("The provider was asked to stop; the job may still be billed."));
      return;
    }
  esp_http_request_set_timeouts (request, 5, REQUEST_TIME, REQUEST_TIME);
  _esp_remote_turn_send (turn, request, looked);
}

static void
asked (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  if (error != NULL || answer->status < 200 || answer->status > 299)
    turn->cancel_refused = TRUE;
  ask (turn);
}

/* Is this one of the requests for jobs that are as this one is? */
static gboolean
is_for_now (EspRemoteTurn *turn, const EspProviderRequest *request)
{
  return turn->guessed || request->when == 0 || (request->when & (1u << turn->status)) != 0;
}

static void
ask (EspRemoteTurn *turn)
{
  const GPtrArray *requests = turn->setup.descriptor->cancel;
  EspHttpRequest *request = NULL;

  for (; turn->cancel_index < requests->len && request == NULL; turn->cancel_index++)
    {
      const EspProviderRequest *one = g_ptr_array_index (requests, turn->cancel_index);

      if (!is_for_now (turn, one))
        continue;
      request = _esp_remote_request_build (&turn->setup, one, turn->setup.scope, NULL);
      if (request == NULL)
        turn->cancel_refused = TRUE;
      else
        turn->cancel_asked = TRUE;
    }

  if (request != NULL)
    {
      esp_http_request_set_timeouts (request, 5, REQUEST_TIME, REQUEST_TIME);
      _esp_remote_turn_send (turn, request, asked);
    }
  else if (turn->cancel_asked)
    look (turn);
  else
    may_go_on (turn, _ ("The provider cannot stop a job in this state: it may still be billed, and "
                        "its image can still be fetched."));
}

static void
cancel_submit (EspRemoteTurn *turn, gboolean there)
{
  /* libcurl tells of what it sent with a delay that a socket's buffer bounds. */
  gboolean arrived = turn->to_send <= 0 || turn->to_send - turn->sent < (64 << 10);

  if (!arrived)
    _esp_remote_turn_return_cancelled (turn, FALSE);
  else if (there && turn->setup.descriptor->cancel_close)
    {
      _esp_remote_turn_note (turn,
                             _ ("The connection was closed, which stops the job; it may still "
                                "be billed."));
      _esp_remote_turn_return_cancelled (turn, FALSE);
    }
  else
    {
      _esp_remote_turn_note_state (turn, ESP_RECORD_UNKNOWN);
      may_go_on (turn, _ ("The provider may have taken the job already; it may still be billed."));
    }
}

static void
cancel_job (EspRemoteTurn *turn)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;

  if (descriptor->cancel == NULL || descriptor->cancel->len == 0)
    {
      may_go_on (turn, _ ("This provider cannot stop a job: it may still be billed, and its image "
                          "can still be fetched."));
      return;
    }
  if (!turn->guessed && descriptor->cancel_when != 0
      && (descriptor->cancel_when & (1u << turn->status)) == 0)
    {
      may_go_on (turn, _ ("The provider cannot stop a job in this state: it may still be billed, "
                          "and its image can still be fetched."));
      return;
    }

  turn->cancel_index = turn->cancel_checks = 0;
  ask (turn);
}

/* What was under way has ended, or never was. */
void
_esp_remote_cancel_begin (EspRemoteTurn *turn)
{
  gboolean there = _esp_remote_turn_cancels_there (turn);

  turn->closing = TRUE;
  /* The person has waited enough: what is told to the provider has its own bounds. */
  turn->deadline = MAX (turn->deadline, g_get_monotonic_time () + 60 * (gint64) G_USEC_PER_SEC);
  _esp_remote_events_stop (turn);
  _esp_remote_turn_set_phase (turn, ESP_PHASE_CANCELLING);

  switch (esp_record_get_state (turn->record))
    {
    case ESP_RECORD_PREPARING:
      _esp_remote_turn_return_cancelled (turn, FALSE);
      break;

    case ESP_RECORD_SUBMITTING:
      /* The result is here, and its record could not be written. */
      if (turn->succeeded > 0)
        _esp_remote_turn_return_cancelled (turn, TRUE);
      else
        cancel_submit (turn, there);
      break;

    case ESP_RECORD_ACCEPTED:
      if (there)
        cancel_job (turn);
      else
        _esp_remote_turn_return_cancelled (turn, TRUE);
      break;

    case ESP_RECORD_SUCCEEDED:
    case ESP_RECORD_UNKNOWN:
    default:
      _esp_remote_turn_return_cancelled (turn, TRUE);
      break;
    }
}
