/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-transfer.c: one request of a turn and its answer, and work in threads. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

/* Answers larger than this are parsed in a thread. */
#define PARSE_HERE (128u << 10)

typedef struct
{
  EspRemoteTurn *turn;
  EspRemoteStep step;
  gboolean listening;
  gboolean follows; /* a question, whose redirects are followed */
  guint hops;
  EspRemoteAnswer *answer;
} Transfer;

#define MAX_HOPS 5

static void
on_progress (gint64 sent, gint64 to_send, gint64 received, gint64 to_receive, gpointer data)
{
  EspRemoteTurn *turn = data;
  double fraction = -1;
  gboolean all_sent = to_send > 0 && sent >= to_send;

  turn->sent = sent;
  turn->to_send = to_send;
  if (turn->task == NULL)
    return;

  if (turn->phase == ESP_PHASE_UPLOADING && turn->submitting && all_sent)
    {
      /* A synchronous API works now. */
      _esp_remote_turn_set_phase (turn, turn->setup.descriptor->flow == ESP_FLOW_POLL
                                            ? ESP_PHASE_SUBMITTING
                                            : ESP_PHASE_RUNNING);
      return;
    }
  if (turn->phase == ESP_PHASE_UPLOADING && to_send > 0)
    fraction = (double) sent / (double) to_send;
  else if (turn->phase == ESP_PHASE_DOWNLOADING && to_receive > 0)
    fraction = (double) received / (double) to_receive;
  if (fraction < 0 || (fraction < 1 && fabs (fraction - turn->fraction) < 0.01))
    return;

  turn->fraction = MIN (fraction, 1.0);
  _esp_remote_turn_tell (turn);
}

static void
deliver (EspRemoteTurn *turn, EspRemoteStep step, EspRemoteAnswer *answer, GError *error)
{
  gboolean submitting = turn->submitting;

  turn->transferring = FALSE;
  turn->submitting = FALSE;
  _esp_remote_clear_source (&turn->grace);
  if (turn->cancelling && !turn->closing && !submitting)
    _esp_remote_cancel_begin (turn);
  else
    step (turn, answer, error);
}

static void
transfer_free (Transfer *transfer)
{
  g_clear_pointer (&transfer->answer, _esp_remote_answer_free);
  _esp_remote_turn_unref (transfer->turn);
  g_free (transfer);
}

static void
parse_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  _esp_remote_answer_parse (data);
  g_task_return_boolean (task, TRUE);
}

static void
on_parsed (GObject *source, GAsyncResult *result, gpointer data)
{
  Transfer *transfer = data;

  deliver (transfer->turn, transfer->step, transfer->answer, NULL);
  transfer_free (transfer);
}

static void on_sent (GObject *source, GAsyncResult *result, gpointer data);

/* FALSE: the answer is none of those, or leads where nothing goes. The key goes only where it may.
 */
static gboolean
follow (Transfer *transfer)
{
  EspRemoteTurn *turn = transfer->turn;
  EspRemoteAnswer *answer = transfer->answer;
  EspHttpRequest *request;
  guint total;

  if (!transfer->follows || answer->status < 301 || answer->status > 308 || answer->status == 304
      || answer->location == NULL || transfer->hops >= MAX_HOPS || turn->cancelling)
    return FALSE;

  request = _esp_remote_request_build_get (&turn->setup, answer->location, TRUE, NULL);
  if (request == NULL)
    return FALSE;

  transfer->hops++;
  g_clear_pointer (&transfer->answer, _esp_remote_answer_free);
  total = (guint) CLAMP (_esp_remote_turn_get_left (turn) + 1, 1.0, 60.0);
  esp_http_request_set_timeouts (request, 0, 30, total);
  esp_http_send_async (turn->http, request, turn->step, on_progress, turn, on_sent, transfer);
  esp_http_request_free (request);
  return TRUE;
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  Transfer *transfer = data;
  EspRemoteTurn *turn = transfer->turn;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) http = NULL;

  if (transfer->listening)
    http = esp_http_listen_finish (ESP_HTTP (source), result, &error);
  else
    http = esp_http_send_finish (ESP_HTTP (source), result, &error);

  if (http == NULL)
    {
      deliver (turn, transfer->step, NULL, error);
      transfer_free (transfer);
      return;
    }

  transfer->answer = _esp_remote_answer_new (http);
  if (follow (transfer))
    return;
  if (transfer->hops > 0 && http->status >= 400)
    {
      /* Not the provider's own word on the job. */
      g_set_error (&error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_BROKEN,
                   _ ("The server sent the request elsewhere, where it was refused (HTTP status "
                      "%u)."),
                   http->status);
      deliver (turn, transfer->step, NULL, error);
      transfer_free (transfer);
      return;
    }
  if (http->body != NULL && g_bytes_get_size (http->body) > PARSE_HERE
      && turn->phase != ESP_PHASE_DOWNLOADING)
    {
      g_autoptr (GTask) task = g_task_new (NULL, NULL, on_parsed, transfer);

      g_task_set_task_data (task, transfer->answer, NULL);
      g_task_run_in_thread (task, parse_in_thread);
      return;
    }

  if (turn->phase != ESP_PHASE_DOWNLOADING)
    _esp_remote_answer_parse (transfer->answer);
  deliver (turn, transfer->step, transfer->answer, NULL);
  transfer_free (transfer);
}

static void
on_stream_event (const char *event, const char *data, gpointer user_data)
{
  EspRemoteTurn *turn = user_data;
  g_autoptr (JsonNode) root = _esp_remote_json_parse (data, strlen (data));

  if (turn->task != NULL && root != NULL)
    _esp_remote_events_take (turn, event, root);
}

void
_esp_remote_turn_send (EspRemoteTurn *turn, EspHttpRequest *request, EspRemoteStep step)
{
  Transfer *transfer = g_new0 (Transfer, 1);

  g_assert (turn->task != NULL && turn->pause == NULL && !turn->transferring);

  transfer->turn = _esp_remote_turn_ref (turn);
  transfer->step = step;
  transfer->follows = g_str_equal (esp_http_request_get_method (request), "GET")
                      && turn->phase != ESP_PHASE_DOWNLOADING;
  turn->transferring = TRUE;
  turn->sent = turn->to_send = 0;
  g_clear_object (&turn->step);
  turn->step = g_cancellable_new ();
  transfer->listening = turn->submitting && turn->setup.descriptor->flow == ESP_FLOW_STREAM;
  if (transfer->listening)
    esp_http_listen_async (turn->http, request, turn->step, on_stream_event, turn, on_sent,
                           transfer);
  else
    esp_http_send_async (turn->http, request, turn->step, on_progress, turn, on_sent, transfer);
  esp_http_request_free (request);
}

GCancellable *
_esp_remote_turn_work (EspRemoteTurn *turn)
{
  g_assert (turn->pause == NULL && !turn->transferring);

  _esp_remote_turn_ref (turn);
  turn->transferring = TRUE;
  g_clear_object (&turn->step);
  turn->step = g_cancellable_new ();
  return turn->step;
}

gboolean
_esp_remote_turn_work_done (EspRemoteTurn *turn)
{
  turn->transferring = FALSE;
  if (!turn->cancelling || turn->closing)
    return TRUE;

  _esp_remote_cancel_begin (turn);
  return FALSE;
}
