/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-events.c: what a provider tells by itself (SSE, WebSocket). It only makes things
 * faster and livelier: losing it loses nothing. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-json-read.h"
#include "esp-remote-private.h"

#include <string.h>

/* After a connection that ended; doubled up to the second. */
#define FIRST_PAUSE 2  /* s */
#define LAST_PAUSE  60 /* s */

#define MAX_PREVIEW (16u << 20)

struct _EspRemoteEvents
{
  EspRemoteTurn *turn; /* NULL once it is stopped */
  GCancellable *cancellable;
  GSource *again;
  guint pause;
  gboolean listening;
};

static void connect_events (EspRemoteEvents *self);

static void
events_free (EspRemoteEvents *self)
{
  g_clear_object (&self->cancellable);
  g_free (self);
}

/* --- Events ----------------------------------------------------------------------------------- */

static GBytes *
decode_preview (const char *text)
{
  const char *comma = g_ascii_strncasecmp (text, "data:", 5) == 0 ? strchr (text, ',') : NULL;
  gsize length;
  guchar *bytes;

  if (strlen (text) > MAX_PREVIEW)
    return NULL;
  bytes = g_base64_decode (comma != NULL ? comma + 1 : text, &length);
  return g_bytes_new_take (bytes, length);
}

static gboolean
rule_applies (EspRemoteTurn *turn, const EspEventRule *rule, const char *event, JsonNode *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) wanted = NULL;
  JsonNode *node;

  if (rule->event != NULL && g_strcmp0 (rule->event, event) != 0)
    return FALSE;
  if (rule->where_at == NULL)
    return TRUE;

  node = esp_pointer_find ((const char *const *) rule->where_at, data);
  if (rule->where_equals == NULL || JSON_NODE_HOLDS_NULL (rule->where_equals))
    return node == NULL;
  wanted = esp_template_expand (rule->where_equals, turn->setup.scope, &error);
  return wanted != NULL && node != NULL && _esp_remote_value_equals (node, wanted);
}

static void
note_running (EspRemoteTurn *turn)
{
  turn->told_running = TRUE;
  turn->position = -1;
  if (turn->phase != ESP_PHASE_QUEUED && turn->phase != ESP_PHASE_RUNNING)
    return;

  turn->status = ESP_STATUS_RUNNING;
  if (turn->running == 0)
    turn->running = g_get_monotonic_time ();
  if (turn->phase == ESP_PHASE_QUEUED)
    _esp_remote_turn_set_phase (turn, ESP_PHASE_RUNNING);
}

static void
show_progress (EspRemoteTurn *turn, const EspEventRule *rule, JsonNode *data)
{
  double value, most = 1;

  if (!esp_pointer_get_number ((const char *const *) rule->value, data, &value)
      || (rule->max != NULL
          && (!esp_pointer_get_number ((const char *const *) rule->max, data, &most) || most <= 0)))
    return;
  if (value < 0 || value > most
      || (turn->phase != ESP_PHASE_QUEUED && turn->phase != ESP_PHASE_RUNNING))
    return;

  note_running (turn);
  turn->fraction = value / most;
  _esp_remote_turn_tell (turn);
}

/* All that wait or run are before this job, but for those that came later: it only moves up. */
static void
show_queue (EspRemoteTurn *turn, const EspEventRule *rule, JsonNode *data)
{
  double length;

  if (turn->told_running
      || !esp_pointer_get_number ((const char *const *) rule->value, data, &length) || length < 1
      || length > 1e6)
    return;

  /* What was told before may be without this job, or with it. */
  if (turn->accepted == 0 || turn->queue_told == 0
      || (!turn->queue_sure && (guint) length == turn->queue_told + 1))
    turn->queue_told = (guint) length;
  else
    turn->queue_told = MIN (turn->queue_told, (guint) length);
  turn->queue_sure = turn->accepted != 0;
  if (turn->phase == ESP_PHASE_QUEUED || turn->phase == ESP_PHASE_RUNNING)
    _esp_remote_watch_show_queue (turn);
}

/* One event an image, or one for all. */
static void
take_result (EspRemoteTurn *turn, JsonNode *data)
{
  g_autoptr (GPtrArray) items = _esp_remote_dup_items (turn, data, NULL);

  if (turn->streamed_items == NULL)
    turn->streamed_items = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_extend_and_steal (turn->streamed_items, g_steal_pointer (&items));
  g_clear_pointer (&turn->streamed, json_node_unref);
  turn->streamed = json_node_ref (data);
  turn->streamed_error = FALSE;
}

void
_esp_remote_events_take (EspRemoteTurn *turn, const char *event, JsonNode *data)
{
  const GPtrArray *rules = turn->setup.descriptor->events.rules;

  for (guint i = 0; rules != NULL && i < rules->len; i++)
    {
      const EspEventRule *rule = g_ptr_array_index (rules, i);

      if (!rule_applies (turn, rule, event, data))
        continue;

      switch (rule->then)
        {
        case ESP_EVENT_POLL_NOW:
          _esp_remote_watch_now (turn);
          break;

        case ESP_EVENT_PROGRESS:
          show_progress (turn, rule, data);
          break;

        case ESP_EVENT_PREVIEW:
          {
            g_autofree char *text = esp_pointer_dup_text ((const char *const *) rule->value, data);
            g_autoptr (GBytes) preview = text != NULL ? decode_preview (text) : NULL;

            if (preview != NULL)
              _esp_remote_turn_tell_preview (turn, preview);
          }
          break;

        case ESP_EVENT_RUNNING:
          note_running (turn);
          break;

        case ESP_EVENT_QUEUE_LENGTH:
          show_queue (turn, rule, data);
          break;

        case ESP_EVENT_RESULT:
          take_result (turn, data);
          break;

        case ESP_EVENT_ERROR:
        default:
          /* After a result it is too late for errors. */
          if (turn->streamed != NULL)
            break;
          turn->streamed = json_node_ref (data);
          turn->streamed_error = TRUE;
          break;
        }
      return;
    }
}

static void
on_event (const char *event, const char *data, gpointer user_data)
{
  EspRemoteEvents *self = user_data;
  g_autoptr (JsonNode) root = NULL;

  self->pause = FIRST_PAUSE;
  if (self->turn == NULL)
    return;
  root = _esp_remote_json_parse (data, strlen (data));
  if (root != NULL)
    _esp_remote_events_take (self->turn, event, root);
}

/* --- ComfyUI's socket ------------------------------------------------------------------------- */

static guint32
read_word (const guint8 *bytes)
{
  return (guint32) bytes[0] << 24 | (guint32) bytes[1] << 16 | (guint32) bytes[2] << 8 | bytes[3];
}

/* Big-endian: kind 1 is a format and a picture, 4 is a length, JSON of that length and a picture.
 */
static void
take_binary (EspRemoteTurn *turn, GBytes *message)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (message, &size);
  g_autoptr (GBytes) preview = NULL;
  gsize skip = 0;

  if (size < 8 || size > MAX_PREVIEW)
    return;
  if (read_word (bytes) == 1)
    skip = 8;
  else if (read_word (bytes) == 4)
    skip = 8 + (gsize) read_word (bytes + 4);
  if (skip == 0 || skip >= size)
    return;

  preview = g_bytes_new_from_bytes (message, skip, size - skip);
  _esp_remote_turn_tell_preview (turn, preview);
}

static void
on_message (GBytes *message, gboolean is_text, gpointer user_data)
{
  EspRemoteEvents *self = user_data;
  g_autoptr (JsonNode) root = NULL;
  JsonObject *object;
  JsonNode *data;
  gsize size;
  const char *text;

  self->pause = FIRST_PAUSE;
  if (self->turn == NULL)
    return;
  if (!is_text)
    {
      if (self->turn->setup.descriptor->events.comfy_binary)
        take_binary (self->turn, message);
      return;
    }

  text = g_bytes_get_data (message, &size);
  root = _esp_remote_json_parse (text, size);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;
  object = json_node_get_object (root);
  data = json_object_get_member (object, "data");
  _esp_remote_events_take (self->turn,
                           json_object_get_string_member_with_default (object, "type", NULL),
                           data != NULL ? data : root);
}

/* --- Connection ------------------------------------------------------------------------------- */

static gboolean
on_again (gpointer data)
{
  EspRemoteEvents *self = data;

  g_clear_pointer (&self->again, g_source_unref);
  connect_events (self);
  return G_SOURCE_REMOVE;
}

static void
ended (EspRemoteEvents *self, const GError *error)
{
  self->listening = FALSE;
  if (self->turn == NULL)
    {
      events_free (self);
      return;
    }

  g_debug ("Events ended: %s", error != NULL ? error->message : "the stream was closed");
  self->again
      = g_timeout_source_new ((guint) (self->pause * 1000 * _esp_remote_time_scale ()) + 50);
  g_source_set_callback (self->again, on_again, self, NULL);
  g_source_attach (self->again, self->turn->context);
  self->pause = MIN (self->pause * 2, LAST_PAUSE);
}

static void
on_listened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = esp_http_listen_finish (ESP_HTTP (source), result, &error);

  ended (data, error);
}

static void
on_socket_closed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  esp_http_socket_finish (ESP_HTTP (source), result, &error);
  ended (data, error);
}

static void
connect_events (EspRemoteEvents *self)
{
  EspRemoteTurn *turn = self->turn;
  const EspDescriptor *descriptor = turn->setup.descriptor;
  g_autoptr (GError) error = NULL;
  EspHttpRequest *request = _esp_remote_request_build (&turn->setup, descriptor->events.request,
                                                       turn->setup.scope, &error);
  guint idle = descriptor->events.idle_timeout_s > 0 ? descriptor->events.idle_timeout_s : 60;

  if (request == NULL)
    {
      g_debug ("Events cannot be asked for: %s", error->message);
      return;
    }

  esp_http_request_set_timeouts (request, 0, idle, 0);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  self->listening = TRUE;
  if (descriptor->events.websocket)
    esp_http_socket_async (turn->http, request, self->cancellable, on_message, self,
                           on_socket_closed, self);
  else
    esp_http_listen_async (turn->http, request, self->cancellable, on_event, self, on_listened,
                           self);
  esp_http_request_free (request);
}

void
_esp_remote_events_start (EspRemoteTurn *turn)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;

  if (turn->events != NULL || descriptor->events.request == NULL
      || (descriptor->events.websocket && !esp_http_has_websockets ()))
    return;

  turn->events = g_new0 (EspRemoteEvents, 1);
  turn->events->turn = turn;
  turn->events->pause = FIRST_PAUSE;
  connect_events (turn->events);
}

void
_esp_remote_events_stop (EspRemoteTurn *turn)
{
  EspRemoteEvents *self = g_steal_pointer (&turn->events);

  if (self == NULL)
    return;

  self->turn = NULL;
  if (self->again != NULL)
    {
      g_source_destroy (self->again);
      g_clear_pointer (&self->again, g_source_unref);
    }
  if (self->listening)
    g_cancellable_cancel (self->cancellable);
  else
    events_free (self);
}
