/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-answer.c: what an answer means, by the descriptor. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-json-read.h"
#include "esp-remote-private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where errors stand in most APIs, for those that a descriptor does not name. */
static const char *const usual_errors[] = { "/error", "/detail", "/message", "/title", NULL };

JsonNode *
_esp_remote_json_parse (const char *text, gsize length)
{
  return text != NULL && length > 0 ? esp_json_read (text, length, NULL) : NULL;
}

static gint64
read_date (const char *text)
{
  static const char *const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  int day, year, hour, minute, second;
  char month[4] = "";
  const char *at;
  g_autoptr (GDateTime) time = NULL;

  if (text == NULL
      /* NOLINTNEXTLINE(cert-err34-c): few digits are no number too large */
      || sscanf (text, "%*3s, %2d %3s %4d %2d:%2d:%2d", &day, month, &year, &hour, &minute, &second)
             != 6
      || strlen (month) != 3)
    return 0;
  at = strstr (months, month);
  if (at == NULL || (at - months) % 3 != 0)
    return 0;

  time = g_date_time_new_utc (year, (int) (at - months) / 3 + 1, day, hour, minute, second);
  return time != NULL ? g_date_time_to_unix (time) * G_USEC_PER_SEC : 0;
}

EspRemoteAnswer *
_esp_remote_answer_new (EspHttpAnswer *http)
{
  EspRemoteAnswer *answer = g_new0 (EspRemoteAnswer, 1);

  answer->status = http->status;
  answer->retry_after = http->retry_after;
  answer->location = g_strdup (http->location);
  answer->content_type = g_strdup (http->content_type);
  if (http->headers != NULL)
    answer->date = read_date (g_hash_table_lookup (http->headers, "date"));
  if (http->body != NULL)
    answer->body = g_bytes_ref (http->body);
  return answer;
}

EspRemoteAnswer *
_esp_remote_answer_new_for_json (guint status, JsonNode *root)
{
  EspRemoteAnswer *answer = g_new0 (EspRemoteAnswer, 1);

  answer->status = status;
  answer->retry_after = -1;
  answer->root = root;
  return answer;
}

void
_esp_remote_answer_free (EspRemoteAnswer *answer)
{
  if (answer == NULL)
    return;

  g_clear_pointer (&answer->root, json_node_unref);
  g_clear_pointer (&answer->body, g_bytes_unref);
  g_free (answer->location);
  g_free (answer->content_type);
  g_free (answer);
}

void
_esp_remote_answer_parse (EspRemoteAnswer *answer)
{
  gsize size = 0;
  const char *text = answer->body != NULL ? g_bytes_get_data (answer->body, &size) : NULL;

  if (answer->root == NULL)
    answer->root = _esp_remote_json_parse (text, size);
}

gboolean
_esp_remote_value_equals (JsonNode *a, JsonNode *b)
{
  static const char *const whole[] = { "", NULL };
  g_autofree char *text_a = NULL;
  g_autofree char *text_b = NULL;
  double number_a, number_b;

  if (a == NULL || b == NULL)
    return (a == NULL || JSON_NODE_HOLDS_NULL (a)) && (b == NULL || JSON_NODE_HOLDS_NULL (b));
  if (JSON_NODE_HOLDS_VALUE (a) && JSON_NODE_HOLDS_VALUE (b))
    {
      if (esp_pointer_get_number (whole, a, &number_a)
          && esp_pointer_get_number (whole, b, &number_b))
        return fabs (number_a - number_b) < 1e-9;
      text_a = esp_pointer_dup_text (whole, a);
      text_b = esp_pointer_dup_text (whole, b);
      return g_strcmp0 (text_a, text_b) == 0;
    }
  return json_node_equal (a, b);
}

char **
_esp_remote_dup_pointers (char **templates, EspScope *scope)
{
  GPtrArray *pointers = g_ptr_array_new ();

  for (guint i = 0; templates != NULL && templates[i] != NULL; i++)
    {
      char *pointer = esp_template_expand_text (templates[i], scope, ESP_TEMPLATE_POINTER, NULL);

      if (pointer != NULL)
        g_ptr_array_add (pointers, pointer);
    }
  g_ptr_array_add (pointers, NULL);
  return (char **) g_ptr_array_free (pointers, FALSE);
}

gboolean
_esp_remote_get_meta (const EspMeta *meta, JsonNode *const *roots, gsize n_roots, double *value)
{
  for (gsize i = 0; meta != NULL && i < n_roots; i++)
    {
      double number;

      if (roots[i] != NULL
          && esp_pointer_get_number ((const char *const *) meta->at, roots[i], &number)
          && isfinite (number))
        {
          *value = number * meta->scale;
          return TRUE;
        }
    }
  return FALSE;
}

/* --- Errors ----------------------------------------------------------------------------------- */

static gboolean
rule_matches (const EspErrorRule *rule, JsonNode *root)
{
  for (guint i = 0; rule->at != NULL && rule->at[i] != NULL; i++)
    {
      g_autoptr (GPtrArray) hits = esp_pointer_find_all (rule->at[i], root);

      for (guint j = 0; j < hits->len; j++)
        {
          g_autofree char *text = NULL;

          if (rule->equals != NULL)
            {
              if (_esp_remote_value_equals (hits->pdata[j], rule->equals))
                return TRUE;
              continue;
            }
          if (rule->matches == NULL)
            return TRUE;
          text = esp_json_dup_plain (hits->pdata[j]);
          if (g_regex_match (rule->matches, text, 0, NULL))
            return TRUE;
        }
    }
  return FALSE;
}

const EspErrorRule *
_esp_remote_answer_find_rule (const EspDescriptor *descriptor, JsonNode *root)
{
  if (root == NULL || descriptor->error_rules == NULL)
    return NULL;

  for (guint i = 0; i < descriptor->error_rules->len; i++)
    {
      const EspErrorRule *rule = g_ptr_array_index (descriptor->error_rules, i);

      if (rule_matches (rule, root))
        return rule;
    }
  return NULL;
}

gboolean
_esp_remote_answer_match_rules (const EspDescriptor *descriptor, JsonNode *root, EspFault *fault)
{
  const EspErrorRule *rule = _esp_remote_answer_find_rule (descriptor, root);

  if (rule == NULL)
    return FALSE;
  *fault = rule->fault;
  return TRUE;
}

gboolean
_esp_remote_answer_is_own_error (const EspDescriptor *descriptor, const EspRemoteAnswer *answer)
{
  const char *const *pointers = (const char *const *) descriptor->error_message;

  if (answer->root == NULL || !JSON_NODE_HOLDS_OBJECT (answer->root))
    return FALSE;

  return esp_pointer_find (pointers, answer->root) != NULL
         || esp_pointer_find ((const char *const *) descriptor->error_code, answer->root) != NULL
         || esp_pointer_find (usual_errors, answer->root) != NULL;
}

/* Is this a member that only errors have? */
static gboolean
names_error (const char *pointer)
{
  g_autofree char *lower = g_ascii_strdown (pointer, -1);

  return strstr (lower, "error") != NULL || strstr (lower, "fail") != NULL
         || strstr (lower, "exception") != NULL;
}

gboolean
_esp_remote_answer_has_error (const EspDescriptor *descriptor, const EspRemoteAnswer *answer)
{
  char **lists[] = { descriptor->error_message, descriptor->error_code };

  if (answer->root == NULL)
    return FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      for (guint j = 0; lists[i] != NULL && lists[i][j] != NULL; j++)
        {
          const char *one[] = { lists[i][j], NULL };
          g_autofree char *said = NULL;

          if (!names_error (lists[i][j]))
            continue;
          said = esp_pointer_dup_message (one, answer->root);
          if (said != NULL && said[0] != '\0')
            return TRUE;
        }
    }
  return FALSE;
}

static EspFault
usual_fault (guint status)
{
  switch (status)
    {
    case 401:
      return ESP_FAULT_AUTH;
    case 402:
      return ESP_FAULT_CREDIT;
    case 403:
      return ESP_FAULT_FORBIDDEN;
    case 404:
    case 410:
      return ESP_FAULT_GONE;
    case 408:
    case 425:
      return ESP_FAULT_SERVER;
    case 429:
      return ESP_FAULT_RATE;
    case 503:
      return ESP_FAULT_BUSY;
    default:
      return status >= 400 && status < 500 ? ESP_FAULT_INVALID : ESP_FAULT_SERVER;
    }
}

EspFault
_esp_remote_answer_get_fault (const EspDescriptor *descriptor, const EspRemoteAnswer *answer)
{
  EspFault fault;
  gpointer mapped;

  if (_esp_remote_answer_match_rules (descriptor, answer->root, &fault) && fault != ESP_FAULT_NONE)
    return fault;

  mapped = descriptor->error_http != NULL
               ? g_hash_table_lookup (descriptor->error_http, GUINT_TO_POINTER (answer->status))
               : NULL;
  if (mapped != NULL)
    return (EspFault) (GPOINTER_TO_UINT (mapped) - 1);
  return usual_fault (answer->status);
}

char *
_esp_remote_answer_dup_message (const EspDescriptor *descriptor, const EspRemoteAnswer *answer)
{
  char *text;
  gsize size;
  const char *body;

  if (answer->root != NULL)
    {
      text
          = esp_pointer_dup_message ((const char *const *) descriptor->error_message, answer->root);
      if (text == NULL)
        text = esp_pointer_dup_message ((const char *const *) descriptor->error_code, answer->root);
      if (text == NULL && answer->status >= 400)
        text = esp_pointer_dup_message (usual_errors, answer->root);
      return text;
    }

  /* Plain words are worth reading; a page of HTML is not. */
  if (answer->body == NULL || answer->status < 400
      || g_strcmp0 (answer->content_type, "text/plain") != 0)
    return NULL;
  body = g_bytes_get_data (answer->body, &size);
  text = body != NULL ? esp_foreign_text_dup_clean (body, (gssize) MIN (size, 2000)) : NULL;
  if (text != NULL && text[0] == '\0')
    g_clear_pointer (&text, g_free);
  return text;
}

/* "Try again in 12 seconds", "retry after 2 min". */
static double
find_wait (const char *text)
{
  g_autoptr (GRegex) regex
      = g_regex_new ("(?:in|after|for|within|wait)\\D{0,20}?(\\d{1,5}(?:\\.\\d+)?)\\s*"
                     "(ms\\b|milliseconds?|s\\b|sec|seconds?|m\\b|min|minutes?)",
                     G_REGEX_CASELESS, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *number = NULL;
  g_autofree char *unit = NULL;
  double value;

  if (text == NULL || !g_regex_match (regex, text, 0, &match))
    return -1;

  number = g_match_info_fetch (match, 1);
  unit = g_match_info_fetch (match, 2);
  value = g_ascii_strtod (number, NULL);
  if (g_ascii_strncasecmp (unit, "ms", 2) == 0 || g_ascii_strncasecmp (unit, "milli", 5) == 0)
    return value / 1000;
  return g_ascii_strncasecmp (unit, "m", 1) == 0 ? value * 60 : value;
}

double
_esp_remote_answer_get_retry_after (const EspDescriptor *descriptor, const EspRemoteAnswer *answer)
{
  static const char *const usual[] = { "/retry_after", "/error/retry_after", "/retryAfter", NULL };
  g_autofree char *message = NULL;
  double seconds;

  if (answer->retry_after >= 0)
    return answer->retry_after;
  if (answer->root != NULL
      && (esp_pointer_get_number ((const char *const *) descriptor->error_retry_after, answer->root,
                                  &seconds)
          || esp_pointer_get_number (usual, answer->root, &seconds))
      && seconds >= 0)
    return seconds;

  message = _esp_remote_answer_dup_message (descriptor, answer);
  return find_wait (message);
}

/* --- Status ----------------------------------------------------------------------------------- */

gboolean
_esp_remote_answer_get_status (const EspDescriptor *descriptor, const char *const *pointers,
                               const EspRemoteAnswer *answer, EspStatus *status)
{
  static GHashTable *told; /* unknown words: each is told once */
  g_autofree char *text = NULL;
  g_autofree char *clean = NULL;
  gpointer mapped;

  if (answer->root == NULL || pointers == NULL || descriptor->watch_map == NULL)
    return FALSE;
  text = esp_pointer_dup_text (pointers, answer->root);
  if (text == NULL)
    return FALSE;

  mapped = g_hash_table_lookup (descriptor->watch_map, text);
  if (mapped != NULL)
    {
      *status = (EspStatus) (GPOINTER_TO_UINT (mapped) - 1);
      return TRUE;
    }

  clean = esp_foreign_text_dup_clean (text, -1);
  if (told == NULL)
    told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (g_hash_table_size (told) < 100 && g_hash_table_add (told, g_strdup (clean)))
    g_message ("The status “%s” is not in the provider's description: it counts as running", clean);
  *status = ESP_STATUS_RUNNING;
  return TRUE;
}
