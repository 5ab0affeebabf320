/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-check.c: what no single member of a descriptor shows.
 *
 * Every name in every template must be one that has a value where the template stands: that a
 * typing mistake shows when the file is read, and not when a picture has been paid for.
 */
#include <string.h>

#include "esp-origin.h"
#include "esp-provider-private.h"
#include "esp-template.h"

typedef enum
{
  HAS_CONFIG = 1 << 0,
  HAS_PARAM = 1 << 1,
  HAS_IMAGE = 1 << 2,  /* the one that is uploaded at present */
  HAS_IMAGES = 1 << 3, /* all, with what their uploads captured */
  HAS_OUT = 1 << 4,
  HAS_TURN = 1 << 5,
  HAS_JOB = 1 << 6,
  HAS_ITEM = 1 << 7,
  HAS_SECRET = 1 << 8,
} Scopes;

typedef struct
{
  EspProvider *provider;
  const EspDescriptor *descriptor;
  EspReader *reader;
  JsonObject *root;
  Scopes scopes;        /* where we are */
  GHashTable *job;      /* names captured so far */
  GHashTable *uploaded; /* names captured by uploads */
  GHashTable *used;     /* parameters that some template has */
} Check;

static const char *const image_names[] = { "data_uri", "base64",     "url",   "bytes",  "mime",
                                           "name",     "size_bytes", "width", "height", NULL };

static gboolean
has_param (GPtrArray *params, const char *id)
{
  for (guint i = 0; i < params->len; i++)
    if (g_str_equal (((EspProviderParam *) g_ptr_array_index (params, i))->id, id))
      return TRUE;

  return FALSE;
}

static gboolean
is_image_scope (Check *self, const char *scope)
{
  const char *number = scope + strlen ("image");

  if (g_str_equal (scope, "image") || g_str_equal (scope, "images")
      || g_str_equal (scope, "references"))
    return TRUE;

  return g_str_has_prefix (scope, "image") && number[0] >= '2' && number[0] <= '8'
         && number[1] == '\0' && number[0] - '0' <= self->descriptor->image.max_images;
}

static gboolean
has_image_name (Check *self, const char *name)
{
  if ((self->scopes & HAS_IMAGES) != 0 && g_hash_table_contains (self->uploaded, name))
    return TRUE;

  /* Only a server makes an address of a picture. */
  if (g_str_equal (name, "url") && self->descriptor->image.mode != ESP_SHIP_URL)
    return FALSE;

  return g_strv_contains (image_names, name);
}

/* What is wrong with a name here, or NULL. */
static const char *
get_name_problem (Check *self, const char *scope, const char *name)
{
  if (g_str_equal (scope, "config"))
    return has_param (self->descriptor->config, name) ? NULL
                                                      : "there is no such setting in “config”";

  if (g_str_equal (scope, "param"))
    {
      if ((self->scopes & HAS_PARAM) == 0)
        return "parameters have no values here";
      g_hash_table_add (self->used, g_strdup (name));
      return has_param (self->descriptor->params, name) ? NULL
                                                        : "there is no such parameter in “params”";
    }

  if (is_image_scope (self, scope))
    {
      if ((self->scopes & (HAS_IMAGE | HAS_IMAGES)) == 0
          || ((self->scopes & HAS_IMAGE) != 0 && !g_str_equal (scope, "image")))
        return "this has no value here";
      return has_image_name (self, name) ? NULL : "images have no such value";
    }

  if (g_str_equal (scope, "out"))
    return (self->scopes & HAS_OUT) == 0 ? "this has no value here"
           : g_str_equal (name, "width") || g_str_equal (name, "height")
               ? NULL
               : "there are only out.width and out.height";

  if (g_str_equal (scope, "turn"))
    return (self->scopes & HAS_TURN) == 0 ? "this has no value here"
           : g_str_equal (name, "uuid") || g_str_equal (name, "client_id")
               ? NULL
               : "there are only turn.uuid and turn.client_id";

  if (g_str_equal (scope, "job"))
    return (self->scopes & HAS_JOB) == 0             ? "there is no job yet"
           : g_hash_table_contains (self->job, name) ? NULL
                                                     : "no “capture” before this has that name";

  if (g_str_equal (scope, "item"))
    return (self->scopes & HAS_ITEM) == 0 ? "this has a value in “url_template” only" : NULL;

  if (g_str_equal (scope, "secret"))
    return !g_str_equal (name, "api_key")     ? "there is only secret.api_key"
           : (self->scopes & HAS_SECRET) == 0 ? "the key is allowed in “auth” only"
                                              : NULL;

  return "there is no such value";
}

static void
check_text (Check *self, const char *text, const char *path)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), text);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = esp_template_dup_names (node, &error);

  if (names == NULL)
    {
      esp_reader_fail (self->reader, path, "%s", error->message);
      return;
    }

  for (guint i = 0; i < names->len; i++)
    {
      const char *full = g_ptr_array_index (names, i);
      const char *dot = strchr (full, '.');
      g_autofree char *scope = g_strndup (full, (gsize) (dot - full));
      const char *problem = get_name_problem (self, scope, dot + 1);

      if (problem != NULL)
        esp_reader_fail (self->reader, path, "{{%s}}: %s", full, problem);
    }
}

static char *
join (const char *path, const char *name)
{
  GString *escaped = g_string_new (name);

  g_string_replace (escaped, "~", "~0", 0);
  g_string_replace (escaped, "/", "~1", 0);
  g_string_prepend_c (escaped, '/');
  g_string_prepend (escaped, path);
  return g_string_free (escaped, FALSE);
}

static void
check_tree (Check *self, JsonNode *node, const char *path)
{
  if (node == NULL)
    return;

  if (esp_json_is_text (node))
    {
      check_text (self, json_node_get_string (node), path);
    }
  else if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          g_autofree char *at = esp_reader_dup_element_path (path, i);

          check_tree (self, json_array_get_element (array, i), at);
        }
    }
  else if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *member;

      json_object_iter_init_ordered (&iter, json_node_get_object (node));
      while (json_object_iter_next_ordered (&iter, &name, &member))
        {
          g_autofree char *at = join (path, name);

          check_text (self, name, at);
          check_tree (self, member, at);
        }
    }
}

/* The node at a path of plain names. */
static JsonNode *
find (Check *self, const char *path)
{
  g_auto (GStrv) names = g_strsplit (path + 1, "/", -1);
  JsonObject *object = self->root;
  JsonNode *node = NULL;

  for (guint i = 0; names[i] != NULL; i++)
    {
      if (object == NULL)
        return NULL;
      node = json_object_get_member (object, names[i]);
      object = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    }

  return node;
}

static void
check_at (Check *self, const char *path, Scopes scopes)
{
  self->scopes = scopes | HAS_CONFIG;
  check_tree (self, find (self, path), path);
}

gboolean
_esp_provider_check_url (const char *url, gboolean any_http, GError **error)
{
  g_autoptr (GRegex) holes = g_regex_new ("\\{\\{[^}]*\\}\\}", 0, 0, NULL);
  g_autofree char *plain = g_regex_replace_literal (holes, url, -1, 0, "x", 0, NULL);
  g_autoptr (GUri) uri = NULL;
  const char *scheme;
  gboolean odd = FALSE;

  for (const char *c = plain; *c != '\0'; c++)
    odd |= (guchar) *c <= ' ' || *c == 0x7f;

  if (!odd)
    uri = g_uri_parse (plain, G_URI_FLAGS_NONE, NULL);
  scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  if (uri == NULL || g_uri_get_host (uri) == NULL || g_uri_get_host (uri)[0] == '\0'
      || g_uri_get_userinfo (uri) != NULL
      || (!g_str_equal (scheme, "https") && !g_str_equal (scheme, "http")))
    {
      g_set_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_INVALID,
                   "“%s” is no address like “https://api.example.com/v1”", url);
      return FALSE;
    }

  if (g_str_equal (scheme, "http") && !any_http && !esp_host_is_loopback (g_uri_get_host (uri)))
    {
      g_set_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_INVALID,
                   "“%s” has to begin with https:// (http:// is for this computer, or with "
                   "“self_hosted”)",
                   url);
      return FALSE;
    }

  return TRUE;
}

/* What a person wrote into the text, or a server's idea, never decides over the host. */
static gboolean
has_foreign_host (const char *url)
{
  const char *host = strstr (url, "://");
  g_autofree char *authority = NULL;

  if (host == NULL)
    return FALSE;

  authority = g_strndup (host + 3, strcspn (host + 3, "/?#"));
  for (const char *hole = strstr (authority, "{{"); hole != NULL; hole = strstr (hole + 2, "{{"))
    if (!g_str_has_prefix (hole, "{{config."))
      return TRUE;

  return FALSE;
}

static void
check_address (Check *self, const char *path, gboolean may_be_relative)
{
  JsonNode *node = find (self, path);
  g_autoptr (GError) error = NULL;
  const char *url, *colon;

  if (!esp_json_is_text (node))
    return;

  url = json_node_get_string (node);
  colon = strstr (url, "://");
  if (may_be_relative && (g_str_has_prefix (url, "{{") || colon == NULL))
    {
      if (g_str_has_prefix (url, "//") || strpbrk (url, " \t\r\n\\") != NULL)
        esp_reader_fail (self->reader, path, "“%s” is no address", url);
      return;
    }

  if (has_foreign_host (url))
    esp_reader_fail (self->reader, path, "in the host only {{config.…}} is allowed");
  else if (!_esp_provider_check_url (url, self->provider->self_hosted, &error))
    esp_reader_fail (self->reader, path, "%s", error->message);
}

static void
check_origins (Check *self)
{
  for (guint i = 0; self->descriptor->auth_origins[i] != NULL; i++)
    {
      const char *pattern = self->descriptor->auth_origins[i];
      g_autofree char *path = g_strdup_printf ("/auth/origins/%u", i);
      g_autoptr (GString) plain = g_string_new (pattern);
      g_autofree char *origin = NULL;
      const char *host = strstr (pattern, "://");
      const char *star = strchr (pattern, '*');

      g_string_replace (plain, "*", "x", 0);
      origin = esp_origin_of (plain->str);
      if (origin == NULL || strlen (origin) > strlen (pattern) || host == NULL
          || strchr (host + 3, '/') != NULL
          || !_esp_provider_check_url (plain->str, self->provider->self_hosted, NULL))
        {
          esp_reader_fail (self->reader, path, "“%s” is no origin like “https://api.example.com”",
                           pattern);
          return;
        }

      /* Of several what fits would be looked for in every way that they can be put. */
      if (star != NULL
          && (star[1] != '.' || strchr (star + 2, '.') == NULL || strchr (star + 1, '*') != NULL))
        esp_reader_fail (self->reader, path,
                         "“*” may stand only once, before a whole domain like “.example.com”");
    }
}

static void
check_request_addresses (Check *self, const char *path)
{
  JsonNode *node = find (self, path);

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    {
      g_autofree char *url = g_strconcat (path, "/url", NULL);
      g_autofree char *unset = g_strconcat (path, "/url_if_unset", NULL);
      g_autofree char *other = g_strconcat (path, "/url_if_gone", NULL);

      check_address (self, url, TRUE);
      check_address (self, unset, TRUE);
      check_address (self, other, TRUE);
    }
}

static void
add_captures (GHashTable *names, const EspProviderRequest *request)
{
  for (guint i = 0; request != NULL && i < request->captures->len; i++)
    g_hash_table_add (names,
                      g_strdup (((EspCapture *) g_ptr_array_index (request->captures, i))->name));
}

static void
check_uploads (Check *self)
{
  JsonNode *node = find (self, "/image/upload");
  GPtrArray *uploads = self->descriptor->image.upload;

  for (guint i = 0; uploads != NULL && i < uploads->len; i++)
    {
      g_autofree char *path = JSON_NODE_HOLDS_ARRAY (node) ? g_strdup_printf ("/image/upload/%u", i)
                                                           : g_strdup ("/image/upload");
      JsonNode *one = JSON_NODE_HOLDS_ARRAY (node)
                          ? json_array_get_element (json_node_get_array (node), i)
                          : node;

      self->scopes = HAS_CONFIG | HAS_PARAM | HAS_TURN | HAS_IMAGE | HAS_JOB;
      check_tree (self, one, path);
      add_captures (self->job, g_ptr_array_index (uploads, i));
      add_captures (self->uploaded, g_ptr_array_index (uploads, i));
    }

  g_hash_table_remove_all (self->job);
}

/* The names that a setting must have: without their braces. */
static void
check_placeholders (Check *self, const EspProviderParam *param, guint at)
{
  g_autofree char *path = g_strdup_printf ("/config/%u/placeholders", at);

  for (guint i = 0; param->placeholders != NULL && i < param->placeholders->len; i++)
    {
      char **names = g_ptr_array_index (param->placeholders, i);

      for (guint j = 0; names[j] != NULL; j++)
        {
          g_autofree char *text = g_strdup_printf ("{{%s}}", names[j]);

          check_text (self, text, path);
        }
    }
}

static void
check_names (Check *self)
{
  const EspDescriptor *d = self->descriptor;
  Scopes asking = HAS_PARAM | HAS_TURN;
  Scopes knowing = asking | HAS_JOB;
  JsonArray *config;

  check_at (self, "/base_url", 0);
  check_at (self, "/auth/header", 0);
  check_at (self, "/auth/value", HAS_SECRET);
  check_at (self, "/probe", 0);
  check_at (self, "/schema_from", 0);
  check_uploads (self);

  config = find (self, "/config") != NULL ? json_node_get_array (find (self, "/config")) : NULL;
  self->scopes = HAS_CONFIG | asking | HAS_IMAGES | HAS_OUT;
  for (guint i = 0; i < d->config->len; i++)
    {
      EspProviderParam *param = g_ptr_array_index (d->config, i);
      g_autofree char *path = g_strdup_printf ("/config/%u/default", i);

      if (g_str_equal (param->type, "json") && param->fallback != NULL && config != NULL)
        check_tree (self, param->fallback, path);
      check_placeholders (self, param, i);
    }

  check_at (self, "/submit", asking | HAS_IMAGES | HAS_OUT);
  check_at (self, "/recover", asking);
  add_captures (self->job, d->submit);
  if (d->recover.own_id)
    g_hash_table_add (self->job, g_strdup ("id"));

  check_at (self, "/events/request", d->events.before_submit ? asking : knowing);
  check_at (self, "/events/rules", knowing);
  check_at (self, "/watch", knowing);
  add_captures (self->job, d->watch);
  check_at (self, "/fetch", knowing);
  check_at (self, "/result/images", knowing);
  check_at (self, "/result/where", knowing);
  check_at (self, "/result/url_template", knowing | HAS_ITEM);
  check_at (self, "/cancel", knowing);
}

/* A parameter that goes nowhere would be set by a person and be ignored. */
static void
check_params (Check *self)
{
  const EspDescriptor *d = self->descriptor;
  const EspProviderParam *prompt = NULL;

  for (guint i = 0; i < d->params->len; i++)
    {
      const EspProviderParam *param = g_ptr_array_index (d->params, i);
      g_autofree char *path = esp_reader_dup_element_path ("/params", i);

      if (g_str_equal (param->id, "prompt"))
        prompt = param;
      if (g_hash_table_contains (self->used, param->id)
          || (g_str_equal (param->id, "size") && d->output_size.mode == ESP_SIZE_PIXELS))
        continue;
      esp_reader_fail (self->reader, path, "{{param.%s}} stands nowhere: it would have no effect",
                       param->id);
    }

  if (prompt == NULL)
    esp_reader_fail (self->reader, "/params", "there is no parameter “prompt”");
}

static void
check_flow (Check *self)
{
  const EspDescriptor *d = self->descriptor;
  gboolean has_events = find (self, "/events") != NULL;
  gboolean has_result = FALSE;

  for (guint i = 0; i < d->events.rules->len; i++)
    {
      const EspEventRule *rule = g_ptr_array_index (d->events.rules, i);
      g_autofree char *path = g_strdup_printf ("/events/rules/%u/then", i);

      has_result |= rule->then == ESP_EVENT_RESULT;
      if (d->flow != ESP_FLOW_STREAM
          && (rule->then == ESP_EVENT_RESULT || rule->then == ESP_EVENT_ERROR))
        esp_reader_fail (self->reader, path, "only the flow “stream” has this");
    }

  if (d->flow == ESP_FLOW_POLL && d->watch == NULL)
    esp_reader_fail (self->reader, "/flow", "the flow “poll” needs “watch”");
  if (d->flow == ESP_FLOW_POLL && !g_hash_table_contains (self->job, "id"))
    esp_reader_fail (self->reader, "/submit",
                     "the flow “poll” needs the job's id: “capture”: { “id”: … }");
  if (d->flow != ESP_FLOW_POLL && d->watch != NULL)
    esp_reader_fail (self->reader, "/watch", "only the flow “poll” has this");
  if (d->flow != ESP_FLOW_POLL && d->recover.items != NULL)
    esp_reader_fail (self->reader, "/recover", "only the flow “poll” has this");
  if (d->flow == ESP_FLOW_STREAM && !has_result)
    esp_reader_fail (self->reader, "/flow",
                     "the flow “stream” needs a rule in “events” whose “then” is “result”");
  if (d->flow == ESP_FLOW_STREAM && d->events.request != NULL)
    esp_reader_fail (self->reader, "/events/request",
                     "in the flow “stream” the answer to “submit” has the events");
  if (d->flow == ESP_FLOW_SYNC && has_events)
    esp_reader_fail (self->reader, "/events", "the flow “sync” has no events");
  if (d->flow == ESP_FLOW_POLL && has_events && d->events.request == NULL)
    esp_reader_fail (self->reader, "/events", "“request” is missing");
}

static void
check_addresses (Check *self)
{
  static const char *const requests[]
      = { "/submit", "/watch/request",       "/fetch",       "/events/request", "/probe",
          "/cancel", "/schema_from/request", "/image/upload" };

  check_address (self, "/base_url", FALSE);
  check_address (self, "/keys_url", FALSE);
  check_address (self, "/docs", FALSE);
  check_address (self, "/result/url_template", TRUE);
  check_origins (self);

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    check_request_addresses (self, requests[i]);
}

void
_esp_provider_check (EspProvider *provider, EspReader *reader, JsonNode *root)
{
  Check check = { 0 };

  check.provider = provider;
  check.descriptor = &provider->descriptor;
  check.reader = reader;
  check.root = json_node_get_object (root);
  check.job = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  check.uploaded = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  check.used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  check_addresses (&check);
  check_names (&check);
  check_params (&check);
  check_flow (&check);

  g_hash_table_unref (check.job);
  g_hash_table_unref (check.uploaded);
  g_hash_table_unref (check.used);
}
