/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-read-beside.c: what a descriptor says beside the plain way: errors, events,
 * cancelling, finding again. */
#include <string.h>

#include "esp-pointer.h"
#include "esp-provider-private.h"

static gboolean
read_fault (EspMembers *members, const char *name, EspFault *fault)
{
  static const char *const known[]
      = { "auth", "credit", "forbidden", "gone",    "invalid", "moderated",
          "rate", "busy",   "server",    "network", "result",  NULL };
  int choice = esp_members_get_choice (members, name, known, -1);

  return members->reader->error == NULL && esp_fault_from_string (known[choice], fault);
}

static GHashTable *
read_error_codes (EspMembers *errors)
{
  GHashTable *codes = g_hash_table_new (NULL, NULL);
  JsonNode *node = esp_members_get (errors, "http");
  g_autoptr (EspMembers) object = NULL;
  g_autoptr (GList) keys = NULL;

  if (node == NULL)
    return codes;

  object = esp_members_open (errors->reader, node, "/errors/http");
  keys = json_object_get_members (object->object);
  for (GList *key = keys; key != NULL; key = key->next)
    {
      const char *code = key->data;
      EspFault fault;

      if (!read_fault (object, code, &fault))
        continue;
      if (strlen (code) != 3 || strspn (code, "0123456789") != 3 || code[0] < '3' || code[0] > '5')
        esp_members_fail (object, code, "this is no HTTP status of an error");
      else
        g_hash_table_insert (codes, GUINT_TO_POINTER (g_ascii_strtoull (code, NULL, 10)),
                             GUINT_TO_POINTER (fault + 1u));
    }

  return codes;
}

static GRegex *
read_regex (EspMembers *rule)
{
  const char *pattern = esp_members_get_text (rule, "matches");
  g_autoptr (GError) error = NULL;
  GRegex *regex;

  if (pattern == NULL)
    return NULL;
  if (strlen (pattern) > 1000)
    {
      esp_members_fail (rule, "matches", "the expression is too long");
      return NULL;
    }

  regex = g_regex_new (pattern, 0, 0, &error);
  if (regex == NULL)
    esp_members_fail (rule, "matches", "%s", error->message);

  return regex;
}

static JsonNode *
read_equals (EspMembers *rule)
{
  JsonNode *node = esp_members_get (rule, "equals");

  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_VALUE (node) && !JSON_NODE_HOLDS_NULL (node))
    {
      esp_members_fail (rule, "equals", "a text, number, true, false or null was expected");
      return NULL;
    }

  return json_node_ref (node);
}

void
_esp_provider_read_equality (EspMembers *members, char ***at, JsonNode **equals)
{
  esp_members_get_required (members, "at");
  esp_members_get_required (members, "equals");
  *at = esp_members_dup_pointers (members, "at");
  *equals = read_equals (members);
}

static EspErrorRule *
read_error_rule (EspMembers *members)
{
  static const char *const sides[] = { "input", "output", NULL };
  EspErrorRule *rule = g_new0 (EspErrorRule, 1);

  esp_members_get_required (members, "at");
  rule->at = esp_members_dup_pointers (members, "at");
  rule->equals = read_equals (members);
  rule->matches = read_regex (members);
  read_fault (members, "class", &rule->fault);
  rule->charged = ESP_CHARGED_UNKNOWN;
  if (esp_members_get (members, "charged") != NULL)
    rule->charged
        = esp_members_get_bool (members, "charged", FALSE) ? ESP_CHARGED_YES : ESP_CHARGED_NO;
  if (esp_members_get (members, "blocked") != NULL)
    rule->blocked = g_strdup (sides[esp_members_get_choice (members, "blocked", sides, 0)]);

  if ((rule->equals == NULL) == (rule->matches == NULL))
    esp_reader_fail (members->reader, members->path, "either “equals” or “matches” is needed");

  return rule;
}

/* Calls `read` for each object of a list. */
static GPtrArray *
read_list (EspMembers *members, const char *name, gpointer (*read_one) (EspMembers *),
           GDestroyNotify free_func)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (free_func);
  g_autofree char *path = esp_members_dup_path (members, name);
  JsonArray *array = esp_members_get_array (members, name);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      g_autofree char *at = esp_reader_dup_element_path (path, i);
      g_autoptr (EspMembers) one
          = esp_members_open (members->reader, json_array_get_element (array, i), at);

      g_ptr_array_add (list, read_one (one));
    }

  return list;
}

static void
read_errors (EspDescriptor *d, EspMembers *top)
{
  JsonNode *node = esp_members_get (top, "errors");
  g_autoptr (EspMembers) errors = NULL;

  if (node == NULL)
    {
      d->error_http = g_hash_table_new (NULL, NULL);
      d->error_rules = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_error_rule_free);
      return;
    }

  errors = esp_members_open (top->reader, node, "/errors");
  d->error_message = esp_members_dup_pointers (errors, "message");
  d->error_code = esp_members_dup_pointers (errors, "code");
  d->error_retry_after = esp_members_dup_pointers (errors, "retry_after");
  d->error_http = read_error_codes (errors);
  d->error_rules = read_list (errors, "rules", (gpointer (*) (EspMembers *)) read_error_rule,
                              (GDestroyNotify) _esp_error_rule_free);
}

static EspEventRule *
read_event_rule (EspMembers *members)
{
  static const char *const then[]
      = { "poll_now", "progress", "preview", "result", "error", "running", "queue_length", NULL };
  EspEventRule *rule = g_new0 (EspEventRule, 1);
  g_autofree char *path = esp_members_dup_path (members, "where");
  JsonNode *node = esp_members_get (members, "where");

  rule->event = g_strdup (esp_members_get_text (members, "event"));
  rule->then = esp_members_get_choice (members, "then", then, -1);
  rule->value = esp_members_dup_pointers (members, "value");
  rule->max = esp_members_dup_pointers (members, "max");
  if (node != NULL)
    {
      g_autoptr (EspMembers) where = esp_members_open (members->reader, node, path);

      _esp_provider_read_equality (where, &rule->where_at, &rule->where_equals);
    }

  if ((rule->then == ESP_EVENT_PROGRESS || rule->then == ESP_EVENT_PREVIEW
       || rule->then == ESP_EVENT_QUEUE_LENGTH)
      && rule->value == NULL)
    esp_reader_fail (members->reader, members->path, "“value” is missing");

  return rule;
}

static void
read_events (EspDescriptor *d, EspMembers *top)
{
  static const char *const transports[] = { "sse", "websocket", NULL };
  static const char *const binaries[] = { "comfy", NULL };
  JsonNode *node = esp_members_get (top, "events");
  g_autoptr (EspMembers) events = NULL;

  if (node == NULL)
    {
      d->events.rules = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_event_rule_free);
      return;
    }

  events = esp_members_open (top->reader, node, "/events");
  d->events.websocket = esp_members_get_choice (events, "transport", transports, -1) == 1;
  d->events.before_submit = esp_members_get_bool (events, "before_submit", FALSE);
  d->events.comfy_binary = esp_members_get (events, "binary") != NULL
                           && esp_members_get_choice (events, "binary", binaries, -1) == 0;
  d->events.idle_timeout_s = (guint) esp_members_get_int (events, "idle_timeout_s", 5, 3600, 60);
  d->events.request = _esp_provider_read_one_request (events, "request", ESP_REQUEST_PLAIN);
  esp_members_get_required (events, "rules");
  d->events.rules = read_list (events, "rules", (gpointer (*) (EspMembers *)) read_event_rule,
                               (GDestroyNotify) _esp_event_rule_free);

  if (d->events.comfy_binary && !d->events.websocket)
    esp_members_fail (events, "binary", "only a websocket has binary messages");
}

static void
read_cancel (EspDescriptor *d, EspMembers *top)
{
  JsonNode *node = esp_members_get (top, "cancel");

  if (node != NULL && esp_json_is_text (node))
    {
      d->cancel_close = g_str_equal (json_node_get_string (node), "close");
      if (!d->cancel_close)
        esp_members_fail (top, "cancel", "a request, a list of requests or “close” was expected");
    }
  else if (node != NULL)
    {
      d->cancel = _esp_provider_read_requests (top, "cancel", ESP_REQUEST_WHEN);
    }

  if (d->cancel == NULL)
    d->cancel = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_provider_request_free);
  for (guint i = 0; i < d->cancel->len; i++)
    d->cancel_when |= ((EspProviderRequest *) g_ptr_array_index (d->cancel, i))->when;
}

static EspErrorRule *
read_match (EspMembers *members)
{
  EspErrorRule *rule = g_new0 (EspErrorRule, 1);

  _esp_provider_read_equality (members, &rule->at, &rule->equals);
  return rule;
}

/* One pointer, not a list. */
static char *
read_pointer (EspMembers *members, const char *name)
{
  JsonNode *node = esp_members_get (members, name);
  g_auto (GStrv) pointers = NULL;

  if (node != NULL && !esp_json_is_text (node))
    {
      esp_members_fail (members, name, "a pointer was expected");
      return NULL;
    }

  pointers = esp_members_dup_pointers (members, name);
  return pointers != NULL ? g_strdup (pointers[0]) : NULL;
}

static void
read_recover (EspDescriptor *d, EspMembers *top)
{
  JsonNode *node = esp_members_get (top, "recover");
  g_autoptr (EspMembers) recover = NULL;

  if (node == NULL)
    return;

  recover = esp_members_open (top->reader, node, "/recover");
  d->recover.own_id = esp_members_get_bool (recover, "own_id", FALSE);
  d->recover.requests = _esp_provider_read_requests (recover, "request", ESP_REQUEST_PLAIN);
  d->recover.items = read_pointer (recover, "items");
  d->recover.id = read_pointer (recover, "id");
  d->recover.created = read_pointer (recover, "created");
  d->recover.match = read_list (recover, "match", (gpointer (*) (EspMembers *)) read_match,
                                (GDestroyNotify) _esp_error_rule_free);

  /* Without a match any job of the account would be taken for ours. */
  if ((d->recover.requests != NULL || !d->recover.own_id)
      && (d->recover.requests == NULL || d->recover.items == NULL || d->recover.id == NULL
          || d->recover.match->len == 0))
    {
      esp_reader_fail (top->reader, "/recover",
                       "either “own_id” or all of “request”, “items”, “id” and “match” is needed");
    }
}

void
_esp_provider_read_beside (EspDescriptor *descriptor, EspMembers *top)
{
  read_errors (descriptor, top);
  read_events (descriptor, top);
  read_cancel (descriptor, top);
  read_recover (descriptor, top);
}
