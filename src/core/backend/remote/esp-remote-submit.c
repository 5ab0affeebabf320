/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-submit.c: the one request that costs money.
 *
 * The record says so before it goes out and after it was answered. It is only sent again where it
 * surely was refused or never arrived; whatever else happens is "unknown".
 */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-json-read.h"
#include "esp-remote-private.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

/* Connections that could not be made. */
#define CONNECT_TRIES 3

/* Some APIs hold a first answer back for a while; longer than this is no sign of life. */
#define SILENCE 180 /* s */

#define LARGE_ANSWER ((gsize) ESP_RECEIVED_MAX_BYTES / 3 * 4 + (1 << 20))

static void submit_again (EspRemoteTurn *turn);

/* --- What is not known ------------------------------------------------------------------------ */

/* Perhaps accepted, perhaps not. */
static void
in_doubt (EspRemoteTurn *turn, const EspRemoteAnswer *answer, const char *why)
{
  GError *error;
  g_autoptr (GError) usual = _esp_remote_fault_new (&turn->setup, ESP_FAULT_UNKNOWN,
                                                    ESP_CHARGED_UNKNOWN, TRUE, NULL, NULL, NULL);
  /* Translators: a sentence, and the technical reason. */
  g_autofree char *message = g_strdup_printf (_ ("%s (%s)"), usual->message, why);

  _esp_remote_turn_note_state (turn, ESP_RECORD_UNKNOWN);
  error = _esp_remote_fault_new (&turn->setup, ESP_FAULT_UNKNOWN, ESP_CHARGED_UNKNOWN, TRUE, NULL,
                                 answer, message);
  if (turn->cancelling)
    {
      g_error_free (error);
      _esp_remote_cancel_begin (turn);
      return;
    }
  _esp_remote_recover_begin (turn, error);
}

static void
unreadable (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  g_autofree char *why
      = g_strdup_printf (_ ("its answer, HTTP status %u, cannot be understood"), answer->status);

  in_doubt (turn, answer, why);
}

/* --- Refusals --------------------------------------------------------------------------------- */

/* Surely not accepted: noted, so that a crash from here on leaves no doubt. */
static void
refuse (EspRemoteTurn *turn, EspFault fault, const EspRemoteAnswer *answer, const char *message)
{
  _esp_remote_turn_fail (turn, fault, ESP_CHARGED_NO, FALSE, answer, message);
}

static void
wait_and_submit (EspRemoteTurn *turn, EspFault fault, double seconds, const EspRemoteAnswer *answer,
                 const char *message)
{
  double delay = seconds >= 0 ? seconds * g_random_double_range (1, 1.1) + 0.05
                              : _esp_remote_back_off (turn->tries);

  /* "At once", said again and again, is not meant. */
  if (turn->tries >= 3)
    delay = MAX (delay, _esp_remote_back_off (turn->tries - 3));

  turn->tries++;
  _esp_remote_turn_note_state (turn, ESP_RECORD_PREPARING);
  if (turn->cancelling)
    _esp_remote_cancel_begin (turn);
  else if (!_esp_remote_turn_wait (turn, delay, submit_again))
    refuse (turn, fault, answer, message);
}

static gboolean
is_limit (EspFault fault)
{
  return fault == ESP_FAULT_RATE || fault == ESP_FAULT_BUSY;
}

/* Did the person leave the settings that the address is made of as they are? Where they chose a
 * model, another one is not what they want. */
static gboolean
has_usual_address (EspRemoteTurn *turn)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  g_autoptr (JsonNode) url = json_node_new (JSON_NODE_VALUE);
  g_autoptr (GPtrArray) names = NULL;

  json_node_set_string (url, descriptor->submit->url);
  names = esp_template_dup_names (url, NULL);
  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      const char *name = names->pdata[i];

      for (guint j = 0; g_str_has_prefix (name, "config.") && j < descriptor->config->len; j++)
        {
          const EspProviderParam *setting = descriptor->config->pdata[j];
          JsonNode *value = json_object_get_member (turn->setup.config, setting->id);

          if (g_str_equal (setting->id, name + strlen ("config."))
              && !_esp_remote_value_equals (value, setting->fallback))
            return FALSE;
        }
    }
  return TRUE;
}

/* Is what "url_if_gone" puts before the usual path in the address already? ("v1/x" below ".../v1")
 */
static gboolean
has_rest_already (EspRemoteTurn *turn)
{
  const EspProviderRequest *submit = turn->setup.descriptor->submit;
  g_autofree char *rest = NULL;

  if (!g_str_has_suffix (submit->url_if_gone, submit->url))
    return FALSE;
  rest = g_strdup_printf ("/%.*s", (int) (strlen (submit->url_if_gone) - strlen (submit->url)),
                          submit->url_if_gone);
  if (g_str_has_suffix (rest, "/"))
    rest[strlen (rest) - 1] = '\0';
  return rest[0] != '\0' && g_str_has_suffix (turn->setup.trust.base_url, rest);
}

/* "Not found" is the surest of refusals; some APIs have moved. */
static gboolean
submit_elsewhere (EspRemoteTurn *turn, const EspRemoteAnswer *answer)
{
  if (answer->status != 404 || turn->setup.descriptor->submit->url_if_gone == NULL
      || turn->elsewhere || turn->cancelling || !has_usual_address (turn)
      || has_rest_already (turn))
    return FALSE;

  turn->elsewhere = TRUE;
  _esp_remote_turn_note_state (turn, ESP_RECORD_PREPARING);
  _esp_remote_submit_begin (turn);
  return TRUE;
}

static void
take_refusal (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  gboolean own = _esp_remote_answer_is_own_error (descriptor, answer);
  EspFault fault = _esp_remote_answer_get_fault (descriptor, answer);
  EspFault rule = ESP_FAULT_NONE;
  gboolean ruled = _esp_remote_answer_match_rules (descriptor, answer->root, &rule);
  double seconds = _esp_remote_answer_get_retry_after (descriptor, answer);

  if (answer->status >= 500)
    {
      if (!own)
        unreadable (turn, answer);
      else if (answer->status == 503 && seconds >= 0 && (!ruled || is_limit (rule)))
        wait_and_submit (turn, ESP_FAULT_BUSY, seconds, answer, NULL);
      else
        /* The provider says that it failed: not sent again, and not known to be free. */
        _esp_remote_turn_fail (turn, is_limit (fault) ? ESP_FAULT_SERVER : fault,
                               ESP_CHARGED_UNKNOWN, FALSE, answer, NULL);
      return;
    }

  if ((answer->status == 429 && (!ruled || is_limit (rule))) || is_limit (fault))
    {
      wait_and_submit (turn, answer->status == 429 ? ESP_FAULT_RATE : fault, seconds, answer, NULL);
      return;
    }

  if (!submit_elsewhere (turn, answer))
    refuse (turn, fault, answer, NULL);
}

static void
take_redirect (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  g_autofree char *message = NULL;

  /* "See other" is what servers say that have done what was asked. */
  if (answer->status == 303)
    {
      unreadable (turn, answer);
      return;
    }

  message = g_strdup_printf (_ ("The server of %s sends requests elsewhere; that is not followed, "
                                "for the key’s sake. Nothing was sent there. Is the address "
                                "right?"),
                             esp_provider_get_name (turn->setup.provider));
  refuse (turn, ESP_FAULT_SERVER, answer, message);
}

/* --- Acceptance ------------------------------------------------------------------------------- */

/* Names and addresses that providers give: text, of a length that is one. */
static gboolean
is_sound_capture (JsonNode *value)
{
  const char *text;

  if (!JSON_NODE_HOLDS_VALUE (value))
    return TRUE;
  if (json_node_get_value_type (value) != G_TYPE_STRING)
    return TRUE;
  text = json_node_get_string (value);
  if (text[0] == '\0' || strlen (text) > 8192)
    return FALSE;
  for (; *text != '\0'; text++)
    {
      if (g_ascii_iscntrl (*text))
        return FALSE;
    }
  return TRUE;
}

void
_esp_remote_take_captures (EspRemoteTurn *turn, const GPtrArray *captures, JsonNode *root)
{
  JsonObject *members = esp_record_get_members (turn->record);
  JsonObject *kept;

  if (!json_object_has_member (members, "captures"))
    json_object_set_object_member (members, "captures", json_object_new ());
  kept = json_object_get_object_member (members, "captures");

  for (guint i = 0; i < captures->len; i++)
    {
      const EspCapture *capture = g_ptr_array_index (captures, i);
      JsonNode *value = esp_pointer_find ((const char *const *) capture->pointers, root);
      g_autofree char *name = g_strconcat ("job.", capture->name, NULL);
      JsonNode *own;

      if (value == NULL || !is_sound_capture (value))
        continue;

      own = json_node_copy (value);
      if (g_str_equal (capture->name, "id") && JSON_NODE_HOLDS_VALUE (value)
          && json_node_get_value_type (value) != G_TYPE_STRING)
        {
          g_autofree char *text = esp_json_dup_plain (value);

          json_node_unref (own);
          own = json_node_init_string (json_node_alloc (), text);
        }
      json_object_set_member (kept, capture->name, json_node_copy (own));
      esp_scope_set_node (turn->setup.scope, name, own);
    }
}

/* Where this fails, the record says "submitting": doubt, but nothing is paid for twice. */
static void
on_accepted_written (EspRemoteTurn *turn, const GError *error)
{
  if (error != NULL)
    _esp_remote_turn_warn_of_record (error);
  if (_esp_remote_turn_work_done (turn))
    _esp_remote_watch_begin (turn, FALSE);
}

/* The answer to the submit: a job, a result, or the end of it. */
static void
take_acceptance (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  const char *const *pointers
      = (const char *const *) (descriptor->submit_status != NULL ? descriptor->submit_status
                                                                 : descriptor->watch_status);
  g_autoptr (GPtrArray) items = NULL;
  EspStatus status = ESP_STATUS_SUCCEEDED;
  EspFault fault;
  double cost;
  gboolean has_status, empty = FALSE, can_watch;

  turn->submit_root = json_node_ref (answer->root);
  turn->accepted = g_get_monotonic_time ();
  _esp_remote_take_captures (turn, descriptor->submit->captures, answer->root);
  /* Some tell the price here only: who goes on with the turn later wants to know, too. */
  if (_esp_remote_get_meta (descriptor->result.cost, &turn->submit_root, 1, &cost))
    json_object_set_double_member (esp_record_get_members (turn->record), "cost", cost);
  has_status = _esp_remote_answer_get_status (descriptor, pointers, answer, &status);
  can_watch = descriptor->flow == ESP_FLOW_POLL && _esp_remote_watch_is_possible (turn);
  items = _esp_remote_dup_items (turn, answer->root, &empty);

  if (has_status && status >= ESP_STATUS_FAILED)
    {
      _esp_remote_end_with_status (turn, status, answer);
      return;
    }
  if (items->len > 0
      && (descriptor->flow != ESP_FLOW_POLL || (has_status && status == ESP_STATUS_SUCCEEDED)))
    {
      turn->status = ESP_STATUS_SUCCEEDED;
      _esp_remote_succeed (turn, json_node_ref (answer->root));
      return;
    }
  if (can_watch)
    {
      turn->status
          = has_status && status == ESP_STATUS_RUNNING ? ESP_STATUS_RUNNING : ESP_STATUS_QUEUED;
      _esp_remote_turn_write_then (turn, ESP_RECORD_ACCEPTED, on_accepted_written);
      return;
    }

  if (_esp_remote_answer_match_rules (descriptor, answer->root, &fault))
    _esp_remote_turn_fail (turn, fault, ESP_CHARGED_UNKNOWN, FALSE, answer, NULL);
  else if (_esp_remote_answer_has_error (descriptor, answer))
    _esp_remote_turn_fail (turn, ESP_FAULT_SERVER, ESP_CHARGED_UNKNOWN, FALSE, answer, NULL);
  else if (empty
           || (descriptor->flow != ESP_FLOW_POLL && _esp_remote_names_result (turn, answer->root)))
    /* The place of the result is there, and no image in it: that is not doubt. */
    _esp_remote_succeed (turn, json_node_ref (answer->root));
  else
    unreadable (turn, answer);
}

static void
take_stream_end (EspRemoteTurn *turn)
{
  g_autoptr (EspRemoteAnswer) answer
      = _esp_remote_answer_new_for_json (200, g_steal_pointer (&turn->streamed));
  EspFault fault;

  if (!turn->streamed_error)
    {
      take_acceptance (turn, answer);
      return;
    }
  if (!_esp_remote_answer_match_rules (turn->setup.descriptor, answer->root, &fault))
    fault = ESP_FAULT_SERVER;
  _esp_remote_turn_fail (turn, fault, ESP_CHARGED_UNKNOWN, FALSE, answer, NULL);
}

/* --- Sending ---------------------------------------------------------------------------------- */

static void
take_error (EspRemoteTurn *turn, GError *error)
{
  if (g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_CONNECT))
    {
      if (turn->tries + 1 < CONNECT_TRIES)
        wait_and_submit (turn, ESP_FAULT_NETWORK, 0.5 * (turn->tries + 1), NULL, error->message);
      else
        refuse (turn, ESP_FAULT_NETWORK, NULL, error->message);
    }
  else if (g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_TLS)
           || g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS)
           || g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_SENDING))
    refuse (turn, ESP_FAULT_NETWORK, NULL, error->message);
  else
    in_doubt (turn, NULL, error->message);
}

static void
submit_done (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  if (turn->cancelling && error != NULL)
    {
      _esp_remote_cancel_begin (turn);
      return;
    }

  /* The stream's last word counts, however the connection ended after it. */
  if (turn->streamed != NULL)
    take_stream_end (turn);
  else if (error != NULL)
    take_error (turn, error);
  else if (answer->status >= 400)
    take_refusal (turn, answer);
  else if (answer->status >= 300)
    take_redirect (turn, answer);
  else if (answer->status < 200 || answer->root == NULL)
    unreadable (turn, answer);
  else
    take_acceptance (turn, answer);
}

/* What was sent, without keeping it: address, values, pictures. */
static void
note_hash (EspRemoteTurn *turn, EspHttpRequest *request)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (JsonNode) values = json_node_init_object (json_node_alloc (), turn->setup.parameters);
  g_autofree char *text = esp_json_dup_text (values);
  const char *url = esp_http_request_get_url (request);

  g_checksum_update (checksum, (const guchar *) url, (gssize) strlen (url));
  g_checksum_update (checksum, (const guchar *) text, (gssize) strlen (text));
  for (guint i = 0; i < turn->texts->len; i++)
    g_checksum_update (checksum,
                       (const guchar *) _esp_remote_text_get_digest (turn->texts->pdata[i]), -1);
  json_object_set_string_member (esp_record_get_members (turn->record), "request_hash",
                                 g_checksum_get_string (checksum));
}

static EspHttpRequest *
build (EspRemoteTurn *turn, GError **error)
{
  JsonObject *members = esp_record_get_members (turn->record);
  const EspDescriptor *descriptor = turn->setup.descriptor;
  EspProviderRequest submit = *descriptor->submit;
  EspHttpRequest *request;
  double left = _esp_remote_turn_get_left (turn);
  guint total = (guint) ceil (CLAMP (left, 1.0, 1e6));

  if (turn->elsewhere)
    submit.url = submit.url_if_gone;
  request = _esp_remote_request_build (&turn->setup, &submit, turn->shipped, error);
  if (request == NULL)
    return NULL;
  esp_http_request_set_timeouts (
      request, 0, descriptor->flow == ESP_FLOW_POLL ? MIN (total, SILENCE) : total, total);
  if (descriptor->flow != ESP_FLOW_POLL)
    esp_http_request_set_max_answer (request, LARGE_ANSWER);

  note_hash (turn, request);
  json_object_set_string_member (members, "url", esp_http_request_get_url (request));
  json_object_set_object_member (members, "parameters", json_object_ref (turn->setup.parameters));
  if (json_object_has_member (turn->setup.parameters, "seed"))
    json_object_set_member (
        members, "seed", json_node_copy (json_object_get_member (turn->setup.parameters, "seed")));
  return request;
}

static void
refuse_without_record (EspRemoteTurn *turn, const GError *error)
{
  GError *told = _esp_remote_argument_new (
      _ ("Nothing was sent: the record that keeps the job from being lost cannot be written. "
         "%s"),
      error->message);

  _esp_remote_turn_fail_with (turn, told, FALSE);
}

static void
on_submitting_written (EspRemoteTurn *turn, const GError *error)
{
  EspHttpRequest *request = g_steal_pointer (&turn->request);

  turn->transferring = FALSE;
  if (turn->cancelling || error != NULL)
    {
      /* Nothing was sent, whatever the record says. */
      esp_http_request_free (request);
      if (turn->cancelling)
        _esp_remote_turn_return_cancelled (turn, FALSE);
      else
        refuse_without_record (turn, error);
      return;
    }

  if (turn->setup.descriptor->events.request != NULL
      && turn->setup.descriptor->events.before_submit)
    _esp_remote_events_start (turn);
  _esp_remote_turn_set_phase (turn, ESP_PHASE_UPLOADING);
  turn->submitting = TRUE;
  g_clear_pointer (&turn->streamed, json_node_unref);
  g_clear_pointer (&turn->streamed_items, g_ptr_array_unref);
  turn->streamed_error = FALSE;
  _esp_remote_turn_send (turn, request, submit_done);
}

void
_esp_remote_submit_begin (EspRemoteTurn *turn)
{
  g_autoptr (GError) error = NULL;

  turn->request = build (turn, &error);
  if (turn->request == NULL)
    {
      GError *told
          = _esp_remote_argument_new (_ ("The request cannot be made: %s"), error->message);

      _esp_remote_turn_fail_with (turn, told, FALSE);
      return;
    }

  turn->submitted = g_get_real_time ();
  json_object_set_int_member (esp_record_get_members (turn->record), "submitted", turn->submitted);
  _esp_remote_turn_write_then (turn, ESP_RECORD_SUBMITTING, on_submitting_written);
}

static void
submit_again (EspRemoteTurn *turn)
{
  _esp_remote_submit_begin (turn);
}
