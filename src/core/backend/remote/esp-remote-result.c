/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-result.c: from "succeeded" to images that are checked, without a pause. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-json-read.h"
#include "esp-remote-private.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#define MAX_REDIRECTS 5

/* How often what is broken in the same way is loaded. */
#define BROKEN_TRIES 3
#define FETCH_TRIES  4

/* How often a server is asked for a result that says that it has failed (5xx) and not when to come
 * again; with growing pauses, about two minutes. What is wrong there for longer is not mended by
 * waiting here, and the job is kept. */
#define FAILED_TRIES 8

/* A result that is ready when patience ends is still loaded, for so long. */
#define LAST_WORDS 10.0 /* s */

#define LARGE_ANSWER ((gsize) ESP_RECEIVED_MAX_BYTES / 3 * 4 + (1 << 20))

static void next_item (EspRemoteTurn *turn);
static void load_link (EspRemoteTurn *turn);

/* --- The end ---------------------------------------------------------------------------------- */

static void
set_cost (EspRemoteTurn *turn, EspRemoteResult *result)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  JsonNode *const roots[] = { turn->result_root, turn->watch_root, turn->submit_root };
  JsonObject *members = esp_record_get_members (turn->record);

  result->cost = -1;
  if (!_esp_remote_get_meta (descriptor->result.cost, roots, G_N_ELEMENTS (roots), &result->cost)
      && json_object_has_member (members, "cost"))
    result->cost = json_object_get_double_member (members, "cost");
  if (result->cost < 0 && descriptor->price_amount >= 0)
    {
      double units = turn->received->len;

      if (g_strcmp0 (descriptor->price_unit, "megapixel") == 0)
        {
          units = 0;
          for (guint i = 0; i < turn->received->len; i++)
            {
              EspReceivedImage *image = turn->received->pdata[i];

              units += (double) image->width * image->height / 1e6;
            }
        }
      result->cost = units * descriptor->price_amount;
      result->cost_estimated = TRUE;
    }
  if (result->cost >= 0)
    result->currency
        = g_strdup (descriptor->price_currency != NULL ? descriptor->price_currency : "USD");
}

/* What the provider said of the result, noted for whoever goes on with the turn later; or NULL. */
static JsonObject *
get_noted (EspRemoteTurn *turn)
{
  JsonNode *node = json_object_get_member (esp_record_get_members (turn->record), "result");

  return turn->result_root == NULL && node != NULL && JSON_NODE_HOLDS_OBJECT (node)
             ? json_node_get_object (node)
             : NULL;
}

static gboolean
get_seed (EspRemoteTurn *turn, gint64 *seed)
{
  JsonNode *const roots[] = { turn->result_root, turn->watch_root, turn->submit_root };
  static const char *const asked[] = { "/seed", NULL };
  g_autoptr (JsonNode) parameters
      = json_node_init_object (json_node_alloc (), turn->setup.parameters);
  JsonObject *noted = get_noted (turn);
  double number;

  if (noted != NULL && json_object_has_member (noted, "seed"))
    {
      *seed = json_object_get_int_member (noted, "seed");
      return TRUE;
    }
  if (!(_esp_remote_get_meta (turn->setup.descriptor->result.seed, roots, G_N_ELEMENTS (roots),
                              &number)
        && number >= 0)
      && !esp_pointer_get_number (asked, parameters, &number))
    return FALSE;
  if (number < 0 || number >= 9.2e18)
    return FALSE;
  *seed = (gint64) number;
  return TRUE;
}

static void
set_time (JsonObject *timings, const char *name, gint64 from, gint64 to)
{
  if (from > 0 && to >= from)
    json_object_set_double_member (timings, name, (double) (to - from) / G_USEC_PER_SEC);
}

static void
copy_members (JsonObject *from, JsonObject *to)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, from);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    json_object_set_member (to, name, json_node_copy (value));
}

static JsonObject *
dup_timings (EspRemoteTurn *turn)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  JsonNode *const roots[] = { turn->result_root, turn->watch_root, turn->submit_root };
  JsonObject *noted = get_noted (turn);
  JsonObject *timings = json_object_new ();
  gint64 sent = turn->uploaded;
  gint64 begun = turn->running > 0 ? turn->running : turn->accepted;
  double seconds, started, finished;

  if (descriptor->flow != ESP_FLOW_POLL)
    begun = sent;
  set_time (timings, "prepare", turn->prepared > 0 ? turn->start : 0, turn->prepared);
  set_time (timings, "upload", turn->prepared, sent);
  set_time (timings, "queue", sent, begun);
  set_time (timings, "run", begun, turn->succeeded);
  set_time (timings, "download", turn->succeeded, turn->downloaded);
  set_time (timings, "total", turn->start, turn->downloaded);
  if (noted != NULL && json_object_has_member (noted, "timings"))
    copy_members (json_object_get_object_member (noted, "timings"), timings);
  if (_esp_remote_get_meta (descriptor->result.started, roots, G_N_ELEMENTS (roots), &started)
      && _esp_remote_get_meta (descriptor->result.finished, roots, G_N_ELEMENTS (roots), &finished)
      && started > 0 && finished >= started)
    json_object_set_double_member (timings, "run", finished - started);
  if (_esp_remote_get_meta (descriptor->result.time_s, roots, G_N_ELEMENTS (roots), &seconds)
      && seconds >= 0)
    json_object_set_double_member (timings, "run", seconds);
  if (_esp_remote_get_meta (descriptor->result.queue_s, roots, G_N_ELEMENTS (roots), &seconds)
      && seconds >= 0)
    json_object_set_double_member (timings, "queue", seconds);
  return timings;
}

static void
note_size (EspRemoteTurn *turn)
{
  EspReceivedImage *image = turn->received->pdata[0];
  JsonNode *width = esp_scope_get (turn->setup.scope, "out.width");
  JsonNode *height = esp_scope_get (turn->setup.scope, "out.height");
  g_autofree char *note = NULL;

  if (turn->setup.descriptor->output_size.mode != ESP_SIZE_PIXELS || width == NULL || height == NULL
      || (json_node_get_int (width) == image->width && json_node_get_int (height) == image->height))
    return;
  note = g_strdup_printf (_ ("The image has %d × %d pixels; %d × %d were asked for."), image->width,
                          image->height, (int) json_node_get_int (width),
                          (int) json_node_get_int (height));
  _esp_remote_turn_note (turn, note);
}

static JsonObject *
dup_used (JsonObject *parameters)
{
  JsonObject *used = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, parameters);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      if (!g_str_equal (name, "prompt"))
        json_object_set_member (used, name, json_node_copy (value));
    }
  return used;
}

static void
finish (EspRemoteTurn *turn)
{
  EspRemoteResult *result;

  if (turn->received->len == 0 && turn->bad != NULL)
    {
      _esp_remote_turn_fail_with (turn, g_steal_pointer (&turn->bad), FALSE);
      return;
    }
  if (turn->received->len == 0)
    {
      _esp_remote_turn_fail (
          turn, ESP_FAULT_MODERATED, ESP_CHARGED_YES, FALSE, NULL,
          _ ("The image that came back is all of one colour: that is what safety "
             "systems return. The instruction is kept: reword it, or try "
             "another seed or provider."));
      return;
    }

  turn->downloaded = g_get_monotonic_time ();
  if (turn->n_one_color > 0)
    _esp_remote_turn_note (turn, _ ("One of the images was all of one colour, as safety systems "
                                    "return them, and was left out."));
  if (turn->bad != NULL)
    {
      g_autofree char *note
          = g_strdup_printf (_ ("Not all images could be had: %s"), turn->bad->message);

      _esp_remote_turn_note (turn, note);
    }
  note_size (turn);

  result = g_new0 (EspRemoteResult, 1);
  set_cost (turn, result);
  result->has_seed = get_seed (turn, &result->seed);
  result->timings = dup_timings (turn);
  result->job_id = g_strdup (_esp_remote_turn_get_job_id (turn));
  result->parameters = dup_used (turn->setup.parameters);
  result->notes = g_steal_pointer (&turn->notes);
  turn->notes = g_ptr_array_new_with_free_func (g_free);
  result->images = g_steal_pointer (&turn->received);
  _esp_remote_turn_return_result (turn, result);
}

/* --- One image -------------------------------------------------------------------------------- */

/* The others are paid for, too: it is an error only where no image is good. */
static void
bad_result (EspRemoteTurn *turn, const EspRemoteAnswer *answer, const char *message)
{
  if (turn->bad == NULL)
    turn->bad = _esp_remote_fault_new (&turn->setup, ESP_FAULT_RESULT, ESP_CHARGED_YES, FALSE,
                                       _esp_remote_turn_get_job_id (turn), answer, message);
  g_clear_pointer ((GBytes **) &turn->loaded->pdata[turn->item], g_bytes_unref);
  turn->item++;
  next_item (turn);
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer data)
{
  EspRemoteTurn *turn = data;
  g_autoptr (GError) error = NULL;
  EspReceivedImage *image = esp_received_image_check_finish (result, &error);

  if (!_esp_remote_turn_work_done (turn))
    {
      esp_received_image_free (image);
    }
  else if (image == NULL)
    {
      g_autofree char *message
          = g_strdup_printf (_ ("What %s returned is not an image that can be used: %s"),
                             esp_provider_get_name (turn->setup.provider), error->message);

      bad_result (turn, NULL, message);
    }
  else
    {
      if (image->one_color && !turn->one_color_input)
        {
          turn->n_one_color++;
          esp_received_image_free (image);
        }
      else
        g_ptr_array_add (turn->received, image);
      g_clear_pointer ((GBytes **) &turn->loaded->pdata[turn->item], g_bytes_unref);
      turn->item++;
      next_item (turn);
    }
  _esp_remote_turn_unref (turn);
}

static void
check (EspRemoteTurn *turn, GBytes *bytes)
{
  esp_received_image_check_async (bytes, _esp_remote_turn_work (turn), on_checked, turn);
}

/* --- Images behind links ---------------------------------------------------------------------- */

/* Keeps the record: the image is there and paid for. */
static void
load_later (EspRemoteTurn *turn)
{
  _esp_remote_turn_fail (turn, ESP_FAULT_PATIENCE, ESP_CHARGED_YES, TRUE, NULL,
                         _ ("The image is ready, but it could not be loaded in the time allowed. "
                            "The job is kept and can be gone on with."));
}

/* The same, of a server that has failed too often. */
static void
load_another_day (EspRemoteTurn *turn, const EspRemoteAnswer *answer)
{
  g_autofree char *message
      = g_strdup_printf (_ ("The image is ready, but the server that has it fails (HTTP status "
                            "%u). The job is kept and can be gone on with."),
                         answer->status);

  _esp_remote_turn_fail (turn, ESP_FAULT_PATIENCE, ESP_CHARGED_YES, TRUE, answer, message);
}

/* Has the server failed once more than is borne? */
static gboolean
has_failed_for_good (EspRemoteTurn *turn, const EspRemoteAnswer *answer, double retry_after)
{
  return answer->status >= 500 && retry_after < 0 && ++turn->failed >= FAILED_TRIES;
}

static gboolean
is_over (EspRemoteTurn *turn)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  double age = (double) (g_get_monotonic_time () - turn->succeeded) / G_USEC_PER_SEC;

  return _esp_remote_turn_get_left (turn) <= 0
         || (descriptor->result.expires_s > 0 && age > descriptor->result.expires_s);
}

static void
load_again (EspRemoteTurn *turn)
{
  _esp_remote_turn_set_phase (turn, ESP_PHASE_DOWNLOADING);
  load_link (turn);
}

static void
load_after_a_while (EspRemoteTurn *turn, double seconds)
{
  turn->tries++;
  if (is_over (turn)
      || !_esp_remote_turn_wait (
          turn, seconds >= 0 ? seconds : _esp_remote_back_off (turn->tries - 1), load_again))
    load_later (turn);
}

static void
link_expired (EspRemoteTurn *turn, const EspRemoteAnswer *answer)
{
  g_autofree char *message = g_strdup_printf (
      _ ("The link to the image has expired or was refused (HTTP status %u). %s keeps images only "
         "for a while; the job was charged."),
      answer->status, esp_provider_get_name (turn->setup.provider));

  bad_result (turn, answer, message);
}

static void
follow (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  g_autoptr (GError) error = NULL;

  if (answer->location == NULL || ++turn->redirects > MAX_REDIRECTS
      || !esp_trust_check_url (&turn->setup.trust, answer->location, &error))
    {
      bad_result (turn, answer,
                  _ ("The link to the image leads to a place that is not gone to. The job was "
                     "charged."));
      return;
    }
  g_free (turn->link);
  turn->link = g_strdup (answer->location);
  load_link (turn);
}

static void
loaded (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  double seconds;

  if (error != NULL)
    {
      gboolean broken = g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_BROKEN);

      if (g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_TOO_LARGE)
          || g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS)
          || (broken && ++turn->odd >= BROKEN_TRIES))
        bad_result (turn, NULL, error->message);
      else
        load_after_a_while (turn, -1);
      return;
    }

  seconds = _esp_remote_answer_get_retry_after (turn->setup.descriptor, answer);
  if (answer->status >= 200 && answer->status < 300 && answer->body != NULL
      && g_bytes_get_size (answer->body) > 0)
    {
      turn->loaded->pdata[turn->item] = g_bytes_ref (answer->body);
      _esp_remote_keep (turn, next_item);
    }
  else if (answer->status >= 300 && answer->status < 400)
    follow (turn, answer);
  else if (has_failed_for_good (turn, answer, seconds))
    load_another_day (turn, answer);
  else if (answer->status == 429 || answer->status == 408 || answer->status >= 500)
    load_after_a_while (turn, seconds);
  else if (answer->status >= 400)
    link_expired (turn, answer);
  else if (++turn->odd >= BROKEN_TRIES)
    bad_result (turn, answer, NULL);
  else
    load_after_a_while (turn, -1);
}

static void
load_link (EspRemoteTurn *turn)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  g_autofree char *origin = esp_origin_of (turn->link);
  gboolean with_key = descriptor->result.auth_same_origin && origin != NULL
                      && g_str_equal (origin, turn->setup.trust.origin);
  g_autoptr (GError) error = NULL;
  EspHttpRequest *request
      = _esp_remote_request_build_get (&turn->setup, turn->link, with_key, &error);
  double left;

  if (request == NULL)
    {
      g_autofree char *message = g_strdup_printf (
          _ ("The link to the image leads to a place that is not gone to: %s"), error->message);

      bad_result (turn, NULL, message);
      return;
    }

  left = MAX (_esp_remote_turn_get_left (turn), LAST_WORDS);
  esp_http_request_set_timeouts (request, 0, 30, (guint) ceil (MIN (left, 1e6)));
  esp_http_request_set_max_answer (request, ESP_RECEIVED_MAX_BYTES);
  _esp_remote_turn_send (turn, request, loaded);
}

static void
next_item (EspRemoteTurn *turn)
{
  g_autoptr (GError) error = NULL;
  const char *item;

  if (turn->item >= turn->items->len)
    {
      finish (turn);
      return;
    }
  if (turn->loaded->pdata[turn->item] != NULL)
    {
      check (turn, turn->loaded->pdata[turn->item]);
      return;
    }

  item = turn->items->pdata[turn->item];
  if (item == NULL || !_esp_remote_item_is_link (turn, item))
    {
      bad_result (turn, NULL, NULL);
      return;
    }

  g_free (turn->link);
  turn->link = esp_trust_resolve (&turn->setup.trust, item, &error);
  turn->redirects = turn->tries = turn->odd = turn->failed = 0;
  if (turn->link == NULL)
    {
      bad_result (turn, NULL, error->message);
      return;
    }
  load_link (turn);
}

void
_esp_remote_download_begin (EspRemoteTurn *turn)
{
  if (turn->succeeded == 0)
    turn->succeeded = g_get_monotonic_time ();
  g_clear_pointer (&turn->received, g_ptr_array_unref);
  turn->received = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_received_image_free);
  turn->n_one_color = 0;
  turn->item = 0;
  g_clear_error (&turn->bad);
  _esp_remote_events_stop (turn);
  _esp_remote_turn_set_phase (turn, ESP_PHASE_DOWNLOADING);
  next_item (turn);
}

/* --- Success ---------------------------------------------------------------------------------- */

static void
note_result (EspRemoteTurn *turn)
{
  JsonObject *members = esp_record_get_members (turn->record);
  JsonObject *noted = json_object_new ();
  gint64 seed;

  if (get_seed (turn, &seed))
    json_object_set_int_member (noted, "seed", seed);
  json_object_set_object_member (noted, "timings", dup_timings (turn));
  json_object_set_object_member (members, "result", noted);
}

static void
take_result (EspRemoteTurn *turn)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  JsonNode *const roots[] = { turn->result_root, turn->watch_root, turn->submit_root };
  g_autoptr (EspRemoteAnswer) answer
      = _esp_remote_answer_new_for_json (200, json_node_ref (turn->result_root));
  EspFault fault;
  gboolean empty;
  double cost;

  if (_esp_remote_answer_match_rules (descriptor, turn->result_root, &fault)
      || (turn->watch_root != NULL
          && _esp_remote_answer_match_rules (descriptor, turn->watch_root, &fault)))
    {
      _esp_remote_turn_fail (turn, fault, ESP_CHARGED_YES, FALSE, answer, NULL);
      return;
    }

  g_clear_pointer (&turn->items, g_ptr_array_unref);
  turn->items = _esp_remote_dup_items (turn, turn->result_root, &empty);
  if (turn->streamed_items != NULL && turn->streamed_items->len > turn->items->len)
    {
      g_ptr_array_unref (turn->items);
      turn->items = g_steal_pointer (&turn->streamed_items);
    }
  if (turn->items->len == 0)
    {
      if (empty)
        _esp_remote_turn_fail (turn, ESP_FAULT_MODERATED, ESP_CHARGED_UNKNOWN, FALSE, answer,
                               _ ("The provider finished the job but returned an empty list of "
                                  "images: that is what safety systems do. The instruction is "
                                  "kept: reword it, or try another seed or provider."));
      else if (_esp_remote_answer_has_error (descriptor, answer))
        _esp_remote_turn_fail (turn, ESP_FAULT_SERVER, ESP_CHARGED_UNKNOWN, FALSE, answer, NULL);
      else
        _esp_remote_turn_fail (turn, ESP_FAULT_RESULT, ESP_CHARGED_UNKNOWN, FALSE, answer,
                               _ ("The provider finished the job but returned no image."));
      return;
    }

  if (_esp_remote_get_meta (descriptor->result.cost, roots, G_N_ELEMENTS (roots), &cost))
    json_object_set_double_member (esp_record_get_members (turn->record), "cost", cost);
  _esp_remote_note_items (turn);
  note_result (turn);
  _esp_remote_clear_loaded (turn);
  _esp_remote_events_stop (turn);
  _esp_remote_keep (turn, _esp_remote_download_begin);
}

static void fetch (EspRemoteTurn *turn);

static void
fetched (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  EspFault fault;
  double seconds = -1;

  if (error == NULL && answer->status >= 200 && answer->status < 300 && answer->root != NULL)
    {
      g_clear_pointer (&turn->result_root, json_node_unref);
      turn->result_root = json_node_ref (answer->root);
      take_result (turn);
      return;
    }

  turn->tries++;
  if (error == NULL)
    {
      gboolean own = _esp_remote_answer_is_own_error (descriptor, answer);

      fault = _esp_remote_answer_get_fault (descriptor, answer);
      seconds = _esp_remote_answer_get_retry_after (descriptor, answer);
      /* Jobs that failed are told here by some. */
      if (answer->status >= 400 && fault != ESP_FAULT_RATE && fault != ESP_FAULT_BUSY
          && (answer->status < 500 || (own && turn->tries >= FETCH_TRIES)))
        {
          gboolean kept = fault == ESP_FAULT_AUTH || fault == ESP_FAULT_FORBIDDEN;

          _esp_remote_turn_fail (turn, fault, ESP_CHARGED_UNKNOWN, kept, answer, NULL);
          return;
        }
      if (has_failed_for_good (turn, answer, seconds))
        {
          load_another_day (turn, answer);
          return;
        }
    }
  if (is_over (turn)
      || !_esp_remote_turn_wait (
          turn, seconds >= 0 ? seconds : _esp_remote_back_off (turn->tries - 1), fetch))
    load_later (turn);
}

static void
fetch (EspRemoteTurn *turn)
{
  g_autoptr (GError) error = NULL;
  EspHttpRequest *request = _esp_remote_request_build (&turn->setup, turn->setup.descriptor->fetch,
                                                       turn->setup.scope, &error);
  double left = MAX (_esp_remote_turn_get_left (turn), LAST_WORDS);

  if (request == NULL)
    {
      bad_result (turn, NULL, error->message);
      return;
    }
  _esp_remote_turn_set_phase (turn, ESP_PHASE_RUNNING);
  esp_http_request_set_timeouts (request, 0, 30, (guint) ceil (MIN (left, 600.0)));
  esp_http_request_set_max_answer (request, LARGE_ANSWER);
  _esp_remote_turn_send (turn, request, fetched);
}

void
_esp_remote_succeed (EspRemoteTurn *turn, JsonNode *root)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  EspFault fault;

  turn->succeeded = g_get_monotonic_time ();
  turn->tries = turn->odd = turn->failed = 0;
  g_clear_pointer (&turn->result_root, json_node_unref);
  turn->result_root = root;
  if (descriptor->fetch == NULL)
    {
      take_result (turn);
      return;
    }

  /* "Completed" is said of failures, too, by some. */
  if (_esp_remote_answer_match_rules (descriptor, root, &fault))
    {
      g_autoptr (EspRemoteAnswer) answer
          = _esp_remote_answer_new_for_json (200, json_node_ref (root));

      _esp_remote_turn_fail (turn, fault, ESP_CHARGED_UNKNOWN, FALSE, answer, NULL);
      return;
    }
  fetch (turn);
}
