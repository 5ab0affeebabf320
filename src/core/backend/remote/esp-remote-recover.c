/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-recover.c: a submit that nobody knows the fate of is looked for at the provider; and
 * turns of the journal are gone on with. Nothing is ever sent again here. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-json-read.h"
#include "esp-remote-private.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

/* Lists of jobs may lag behind. */
#define ROUNDS      3
#define ROUND_PAUSE 3.0 /* s */

/* How much older than the submit a job may seem to be. */
#define SLACK 90.0 /* s */

static void ask (EspRemoteTurn *turn);

static void
give_up (EspRemoteTurn *turn)
{
  _esp_remote_turn_fail_with (turn, g_steal_pointer (&turn->doubt), TRUE);
}

/* Seconds since 1970; 0 = not told. APIs write seconds, milliseconds, or ISO 8601. */
static double
read_time (JsonNode *item, const char *pointer)
{
  const char *pointers[] = { pointer, NULL };
  g_autofree char *text = NULL;
  g_autoptr (GTimeZone) utc = NULL;
  g_autoptr (GDateTime) time = NULL;
  double number;

  if (pointer == NULL)
    return 0;
  if (esp_pointer_get_number (pointers, item, &number))
    return number > 1e11 ? number / 1000 : number;

  text = esp_pointer_dup_text (pointers, item);
  if (text == NULL)
    return 0;
  utc = g_time_zone_new_utc ();
  time = g_date_time_new_from_iso8601 (text, utc);
  return time != NULL ? (double) g_date_time_to_unix (time) : 0;
}

static gboolean
rule_holds (EspRemoteTurn *turn, const EspErrorRule *rule, JsonNode *item)
{
  JsonNode *found = esp_pointer_find ((const char *const *) rule->at, item);
  g_autoptr (JsonNode) wanted = esp_template_expand (rule->equals, turn->setup.scope, NULL);

  /* A provider shows long texts cut off, maybe; not equal is not equal. */
  return found != NULL && wanted != NULL && _esp_remote_value_equals (found, wanted);
}

static gboolean
is_ours (EspRemoteTurn *turn, JsonNode *item)
{
  const GPtrArray *rules = turn->setup.descriptor->recover.match;

  if (rules == NULL || rules->len == 0)
    return FALSE;
  for (guint i = 0; i < rules->len; i++)
    {
      if (!rule_holds (turn, g_ptr_array_index (rules, i), item))
        return FALSE;
    }
  return TRUE;
}

/* How long before the submit a job was made, < 0: after it. By the provider's clock, which its
 * answer tells, or by ours: whichever makes sense of it. */
static double
get_lead (EspRemoteTurn *turn, JsonNode *item, const EspRemoteAnswer *answer)
{
  double created = read_time (item, turn->setup.descriptor->recover.created);
  double now = (double) g_get_real_time () / G_USEC_PER_SEC;
  double submitted = (double) turn->submitted / G_USEC_PER_SEC;
  double ours = submitted - created;
  double theirs = answer->date > 0 ? (double) answer->date / G_USEC_PER_SEC - now + ours : ours;

  if (created <= 0)
    return 0;
  return fabs (ours) < fabs (theirs) ? ours : theirs;
}

static void
look_through (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  const char *id_pointers[] = { descriptor->recover.id, NULL };
  g_autoptr (GPtrArray) hits = NULL;
  g_autoptr (GPtrArray) items = g_ptr_array_new ();

  hits = esp_pointer_find_all (descriptor->recover.items, answer->root);
  for (guint i = 0; i < hits->len; i++)
    {
      JsonNode *hit = hits->pdata[i];

      if (JSON_NODE_HOLDS_ARRAY (hit))
        {
          JsonArray *array = json_node_get_array (hit);

          for (guint j = 0; j < json_array_get_length (array); j++)
            g_ptr_array_add (items, json_array_get_element (array, j));
        }
      else
        g_ptr_array_add (items, hit);
    }

  for (guint i = 0; i < items->len; i++)
    {
      JsonNode *item = items->pdata[i];
      double lead;

      if (!is_ours (turn, item) || esp_pointer_find (id_pointers, item) == NULL)
        continue;
      lead = get_lead (turn, item, answer);
      if (lead > SLACK)
        continue;
      /* Of several the one that was made nearest to the submit. */
      if (turn->recovered == NULL || fabs (lead) < fabs (turn->recovered_age))
        {
          g_clear_pointer (&turn->recovered, json_node_unref);
          turn->recovered = json_node_copy (item);
          turn->recovered_age = lead;
        }
    }
}

static void
found (EspRemoteTurn *turn)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  char *id_pointers[] = { descriptor->recover.id, NULL };
  EspCapture capture = { .name = (char *) "id", .pointers = id_pointers };
  g_autoptr (GPtrArray) captures = g_ptr_array_new ();

  /* Lists of jobs show them as their own answers do, mostly; the id is certain. */
  _esp_remote_take_captures (turn, descriptor->submit->captures, turn->recovered);
  g_ptr_array_add (captures, &capture);
  _esp_remote_take_captures (turn, captures, turn->recovered);
  if (!_esp_remote_watch_is_possible (turn))
    {
      give_up (turn);
      return;
    }

  g_message ("A turn that was in doubt was found with the provider");
  g_clear_error (&turn->doubt);
  _esp_remote_turn_note_state (turn, ESP_RECORD_ACCEPTED);
  turn->accepted = g_get_monotonic_time ();
  _esp_remote_watch_begin (turn, TRUE);
}

static void
next_round (EspRemoteTurn *turn)
{
  turn->recover_request = 0;
  if (++turn->recover_round >= ROUNDS || _esp_remote_turn_get_left (turn) <= 0)
    give_up (turn);
  else
    _esp_remote_turn_pause (turn, ROUND_PAUSE, ask);
}

/* A job that has ended is in no queue any more. */
static void
looked (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  EspStatus status;

  if (error == NULL && answer->status >= 200 && answer->status < 300
      && _esp_remote_watch_find_status (turn, answer, &status))
    _esp_remote_watch_begin (turn, TRUE);
  else
    next_round (turn);
}

static void
look (EspRemoteTurn *turn)
{
  EspHttpRequest *request = _esp_remote_request_build (&turn->setup, turn->setup.descriptor->watch,
                                                       turn->setup.scope, NULL);

  if (request == NULL)
    {
      next_round (turn);
      return;
    }
  esp_http_request_set_timeouts (request, 0, 15, 30);
  _esp_remote_turn_send (turn, request, looked);
}

static void
asked (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  const GPtrArray *requests = turn->setup.descriptor->recover.requests;

  if (error == NULL && answer->status >= 200 && answer->status < 300 && answer->root != NULL)
    look_through (turn, answer);

  turn->recover_request++;
  if (turn->recover_request < requests->len)
    ask (turn);
  else if (turn->recovered != NULL)
    found (turn);
  else if (turn->setup.descriptor->recover.own_id)
    look (turn);
  else
    next_round (turn);
}

static void
ask (EspRemoteTurn *turn)
{
  g_autoptr (GError) error = NULL;
  EspHttpRequest *request = _esp_remote_request_build (
      &turn->setup,
      g_ptr_array_index (turn->setup.descriptor->recover.requests, turn->recover_request),
      turn->setup.scope, &error);
  double left = CLAMP (_esp_remote_turn_get_left (turn), 1.0, 30.0);

  if (request == NULL)
    {
      g_warning ("Open jobs cannot be asked for: %s", error->message);
      give_up (turn);
      return;
    }
  esp_http_request_set_timeouts (request, 0, 15, (guint) ceil (left));
  _esp_remote_turn_send (turn, request, asked);
}

static void
take_own_id (EspRemoteTurn *turn)
{
  JsonObject *members = esp_record_get_members (turn->record);

  if (!json_object_has_member (members, "captures"))
    json_object_set_object_member (members, "captures", json_object_new ());
  json_object_set_string_member (json_object_get_object_member (members, "captures"), "id",
                                 turn->id);
  esp_scope_set_text (turn->setup.scope, "job.id", turn->id);
}

void
_esp_remote_recover_begin (EspRemoteTurn *turn, GError *doubt)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;

  g_clear_error (&turn->doubt);
  turn->doubt = doubt;
  turn->tries = 0;
  _esp_remote_turn_set_phase (turn, ESP_PHASE_QUEUED);

  if (descriptor->recover.own_id)
    take_own_id (turn);
  if (descriptor->recover.requests == NULL || descriptor->recover.requests->len == 0
      || descriptor->recover.items == NULL || descriptor->recover.id == NULL)
    {
      /* The record stays in doubt until the provider has shown the job. */
      if (descriptor->recover.own_id && _esp_remote_watch_is_possible (turn))
        _esp_remote_watch_begin (turn, TRUE);
      else
        give_up (turn);
      return;
    }

  turn->recover_request = turn->recover_round = 0;
  ask (turn);
}

/* --- Going on with a turn of the journal ------------------------------------------------------ */

static EspProvider *
read_descriptor (EspRemoteTurn *turn, GError **error)
{
  JsonObject *members = esp_record_get_members (turn->record);
  const char *text = json_object_get_string_member_with_default (members, "descriptor", NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *name = NULL;

  if (text == NULL)
    {
      g_propagate_error (error, _esp_remote_argument_new (
                                    _ ("The record of the turn does not say how the provider is "
                                       "asked.")));
      return NULL;
    }
  bytes = g_bytes_new (text, strlen (text));
  name = g_strconcat (esp_record_get_provider (turn->record), ".json", NULL);
  return esp_provider_new (
      bytes, name, json_object_get_boolean_member_with_default (members, "own", FALSE), error);
}

static JsonObject *
get_object (JsonObject *members, const char *name)
{
  JsonNode *node = json_object_get_member (members, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static void
read_captures (EspRemoteTurn *turn)
{
  JsonObject *captures = get_object (esp_record_get_members (turn->record), "captures");
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  if (captures == NULL)
    return;
  json_object_iter_init (&iter, captures);
  while (json_object_iter_next (&iter, &name, &value))
    {
      g_autofree char *full = g_strconcat ("job.", name, NULL);

      esp_scope_set_node (turn->setup.scope, full, json_node_copy (value));
    }
}

gboolean
_esp_remote_resume_read (EspRemoteTurn *turn, const char *key, GError **error)
{
  JsonObject *members = esp_record_get_members (turn->record);
  g_autoptr (GError) own_error = NULL;
  g_autoptr (EspProvider) provider = read_descriptor (turn, &own_error);
  JsonObject *parameters = get_object (members, "parameters");
  g_autoptr (JsonObject) none = json_object_new ();

  if (provider == NULL
      || !_esp_remote_setup_init (
          &turn->setup, provider,
          json_object_get_string_member_with_default (members, "base_url", NULL),
          json_object_get_boolean_member_with_default (members, "base_is_own", FALSE),
          get_object (members, "config"), key, &own_error)
      || !_esp_remote_setup_set_parameters (&turn->setup, parameters != NULL ? parameters : none,
                                            &own_error))
    {
      if (own_error->domain == ESP_BACKEND_ERROR)
        g_propagate_error (error, g_steal_pointer (&own_error));
      else
        g_propagate_error (error, _esp_remote_argument_new ("%s", own_error->message));
      return FALSE;
    }
  if (!_esp_remote_is_kept (turn->record) && !_esp_remote_setup_check_key (&turn->setup, error))
    return FALSE;

  esp_scope_set_text (turn->setup.scope, "turn.uuid", turn->id);
  esp_scope_set_text (turn->setup.scope, "turn.client_id",
                      json_object_get_string_member_with_default (members, "client_id", turn->id));
  read_captures (turn);
  turn->one_color_input = json_object_get_boolean_member_with_default (members, "one_color", FALSE);
  turn->submitted = json_object_get_int_member_with_default (members, "submitted", 0);
  return TRUE;
}

void
_esp_remote_resume_in_doubt (EspRemoteTurn *turn)
{
  GError *doubt = _esp_remote_fault_new (&turn->setup, ESP_FAULT_UNKNOWN, ESP_CHARGED_UNKNOWN, TRUE,
                                         NULL, NULL, NULL);

  _esp_remote_turn_note_state (turn, ESP_RECORD_UNKNOWN);
  _esp_remote_recover_begin (turn, doubt);
}

void
_esp_remote_resume_begin (EspRemoteTurn *turn)
{
  gboolean can_watch
      = turn->setup.descriptor->flow == ESP_FLOW_POLL && _esp_remote_watch_is_possible (turn);

  if (_esp_remote_is_kept (turn->record))
    {
      _esp_remote_load_kept (turn);
      return;
    }

  switch (esp_record_get_state (turn->record))
    {
    case ESP_RECORD_PREPARING:
      _esp_remote_turn_fail (turn, ESP_FAULT_NETWORK, ESP_CHARGED_NO, FALSE, NULL,
                             _ ("This turn was never sent to the provider. Start it anew."));
      break;

    case ESP_RECORD_ACCEPTED:
    case ESP_RECORD_SUCCEEDED:
      if (can_watch)
        _esp_remote_watch_begin (turn, TRUE);
      else if (_esp_remote_load_items (turn))
        _esp_remote_download_begin (turn);
      else
        _esp_remote_resume_in_doubt (turn);
      break;

    case ESP_RECORD_SUBMITTING:
    case ESP_RECORD_UNKNOWN:
    default:
      _esp_remote_resume_in_doubt (turn);
      break;
    }
}
