/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-provider.c: descriptors are read, and what is wrong with one is said with its line. */
#include <math.h>
#include <string.h>

#include "esp-json-read.h"
#include "esp-provider.h"
#include "esp-shipment.h"

static char *
get_path (const char *name)
{
  return g_build_filename (g_getenv ("ESP_PROVIDER_FILES"), name, NULL);
}

static EspProvider *
read_file (const char *name)
{
  g_autofree char *path = get_path (name);
  g_autoptr (GError) error = NULL;
  EspProvider *provider = esp_provider_new_from_file (path, FALSE, &error);

  g_assert_no_error (error);
  return provider;
}

static char *
load_text (const char *name)
{
  g_autofree char *path = get_path (name);
  g_autoptr (GError) error = NULL;
  char *text;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* `name` with one place of its text changed. */
static EspProvider *
read_changed (const char *name, const char *from, const char *to, GError **error)
{
  g_autofree char *text = load_text (name);
  g_autoptr (GString) changed = g_string_new (text);
  g_autoptr (GBytes) bytes = NULL;

  g_assert_cmpuint (g_string_replace (changed, from, to, 1), ==, 1);
  bytes = g_bytes_new (changed->str, changed->len);
  return esp_provider_new (bytes, "changed.json", TRUE, error);
}

static void
assert_changed_is_good (const char *name, const char *from, const char *to)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspProvider) provider = read_changed (name, from, to, &error);

  g_assert_no_error (error);
  g_assert_nonnull (provider);
}

static void
assert_changed_is_bad (const char *name, const char *from, const char *to, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspProvider) provider = read_changed (name, from, to, &error);

  g_assert_null (provider);
  g_assert_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_INVALID);
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” lacks “%s”", error->message, words);
}

static guint
get_code (GHashTable *table, guint code)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (table, GUINT_TO_POINTER (code)));
}

static void
test_poll (void)
{
  g_autoptr (EspProvider) provider = read_file ("poll.json");
  const EspDescriptor *d = esp_provider_get_descriptor (provider);
  const EspProviderParam *param;
  const EspErrorRule *rule;

  g_assert_cmpstr (esp_provider_get_id (provider), ==, "runpod-flux-kontext-dev");
  g_assert_cmpstr (esp_provider_get_name (provider), ==, "RunPod: FLUX.1 Kontext [dev]");
  g_assert_cmpstr (esp_provider_get_base_url (provider), ==,
                   "https://api.runpod.ai/v2/{{config.endpoint}}");
  g_assert_null (esp_provider_get_problem (provider));
  g_assert_false (esp_provider_is_self_hosted (provider));
  g_assert_false (esp_provider_is_own (provider));
  g_assert_cmpuint (strlen (esp_provider_get_digest (provider)), ==, 64);

  g_assert_cmpstr (d->auth_header, ==, "Authorization");
  g_assert_cmpstr (d->auth_origins[0], ==, "https://api.runpod.ai");
  g_assert_false (d->auth_optional);
  g_assert_cmpint (d->image.mode, ==, ESP_SHIP_DATA_URI);
  g_assert_cmpint (d->image.max_request_bytes, ==, 10000000);
  g_assert_cmpint (d->image.max_images, ==, 1);
  g_assert_cmpint (d->output_size.mode, ==, ESP_SIZE_PIXELS);
  g_assert_true (d->output_size.kontext_buckets);

  param = esp_provider_find_param (provider, "guidance");
  g_assert_cmpfloat (param->maximum, ==, 10);
  g_assert_cmpfloat (param->step, ==, 0.1);
  g_assert_true (esp_provider_find_param (provider, "seed")->random);
  g_assert_null (esp_provider_find_param (provider, "aspect"));
  g_assert_true (esp_provider_find_param (provider, "prompt")->required);

  g_assert_cmpint (d->flow, ==, ESP_FLOW_POLL);
  g_assert_cmpstr (d->submit->method, ==, "POST");
  g_assert_cmpuint (d->submit->captures->len, ==, 1);
  g_assert_true (d->submit->auth);
  g_assert_null (d->submit_status);
  g_assert_cmpuint (GPOINTER_TO_UINT (g_hash_table_lookup (d->watch_map, "TIMED_OUT")), ==,
                    ESP_STATUS_FAILED + 1);
  g_assert_cmpuint (get_code (d->watch_http, 404), ==, ESP_STATUS_EXPIRED + 1);
  g_assert_cmpuint (d->interval_first_ms, ==, 1500);
  g_assert_cmpfloat (d->interval_factor, ==, 1.25);
  g_assert_cmpuint (d->watch_timeout_s, ==, 900);

  g_assert_cmpstr (d->result.images[1], ==, "/output/result");
  g_assert_cmpfloat (d->result.time_s->scale, ==, 0.001);
  g_assert_cmpfloat (d->result.cost->scale, ==, 1);
  g_assert_null (d->result.seed);
  g_assert_false (d->result.auth_same_origin);
  g_assert_cmpuint (get_code (d->error_http, 402), ==, ESP_FAULT_CREDIT + 1);
  rule = g_ptr_array_index (d->error_rules, 0);
  g_assert_true (g_regex_match (rule->matches, "It was FLAGGED", 0, NULL));
  g_assert_cmpint (rule->fault, ==, ESP_FAULT_MODERATED);
  g_assert_cmpuint (d->cancel->len, ==, 1);
  g_assert_cmpuint (d->cancel_when, ==, 3);
  g_assert_cmpuint (d->retention_s, ==, 1800);
  g_assert_cmpuint (d->concurrent, ==, 200);
  g_assert_cmpfloat (d->price_amount, ==, 0.025);
  g_assert_cmpstr (d->price_currency, ==, "USD");
  g_assert_null (d->recover.requests);
}

static void
test_events (void)
{
  g_autoptr (EspProvider) provider = read_file ("events.json");
  const EspDescriptor *d = esp_provider_get_descriptor (provider);
  const EspEventRule *rule;
  const EspErrorRule *match;

  g_assert_cmpstr (d->submit_status[0], ==, "/generations/0/status");
  g_assert_true (d->events.before_submit);
  g_assert_false (d->events.websocket);
  g_assert_cmpuint (d->events.idle_timeout_s, ==, 45);
  rule = g_ptr_array_index (d->events.rules, 0);
  g_assert_cmpint (rule->then, ==, ESP_EVENT_POLL_NOW);
  g_assert_cmpstr (json_node_get_string (rule->where_equals), ==, "{{job.id}}");
  g_assert_true (d->result.auth_same_origin);
  g_assert_nonnull (d->result.started);
  g_assert_cmpuint (d->recover.requests->len, ==, 2);
  g_assert_cmpstr (d->recover.items, ==, "/generations");
  match = g_ptr_array_index (d->recover.match, 1);
  g_assert_cmpstr (match->at[0], ==, "/seed");
  g_assert_nonnull (d->probe);
  g_assert_cmpstr (d->schema_at[1], ==, "/request_schema");
  g_assert_cmpstr (d->price_at[0], ==, "/pricing/cost_per_image");
  g_assert_cmpfloat (d->price_amount, <, 0);
  g_assert_true (
      json_object_get_boolean_member (esp_provider_find_param (provider, "safety")->wire, "false"));
}

static void
test_small (void)
{
  g_autoptr (EspProvider) provider = read_file ("small.json");
  const EspDescriptor *d = esp_provider_get_descriptor (provider);

  /* What is left out has a meaning, and nothing that is never NULL is NULL. */
  g_assert_cmpint (d->output_size.mode, ==, ESP_SIZE_INPUT);
  g_assert_cmpint (d->result.kind, ==, ESP_RESULT_AUTO);
  g_assert_cmpuint (d->cancel->len, ==, 0);
  g_assert_cmpuint (d->events.rules->len, ==, 0);
  g_assert_null (d->events.request);
  g_assert_nonnull (d->auth_origins);
  g_assert_cmpuint (d->interval_first_ms, ==, 2000);
  g_assert_cmpuint (d->watch_timeout_s, ==, 0);
  g_assert_cmpfloat (d->price_amount, <, 0);
}

static void
test_broken_files (void)
{
  g_autofree char *list = load_text ("broken/expected.txt");
  g_auto (GStrv) lines = g_strsplit (list, "\n", -1);
  guint n = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], "\t", 4);
      g_autofree char *file = NULL, *path = NULL, *start = NULL;
      g_autoptr (GError) error = NULL;

      if (lines[i][0] == '#' || g_strv_length (fields) != 4)
        continue;

      file = g_strconcat (fields[0], ".json", NULL);
      path = g_build_filename (g_getenv ("ESP_PROVIDER_FILES"), "broken", file, NULL);
      start = g_strdup_printf ("%s:%s: ", file, fields[2]);

      g_assert_null (esp_provider_new_from_file (path, TRUE, &error));
      g_test_message ("%s", error != NULL ? error->message : file);
      g_assert_error (error, ESP_PROVIDER_ERROR,
                      g_str_equal (fields[1], "syntax") ? (int) ESP_PROVIDER_ERROR_SYNTAX
                                                        : (int) ESP_PROVIDER_ERROR_INVALID);
      if (!g_str_has_prefix (error->message, start) || strstr (error->message, fields[3]) == NULL)
        g_error ("“%s” is not “%s…%s”", error->message, start, fields[3]);
      n++;
    }

  g_assert_cmpuint (n, >=, 40);
}

/* Every descriptor that is shipped. */
static void
test_shipped (void)
{
  static const char *const ids[] = { "runpod-flux-kontext-dev",
                                     "runflow-flux-kontext-pro",
                                     "oxen-flux-kontext-dev",
                                     "oxen-flux-kontext-dev-sync",
                                     "eachlabs-flux-kontext-dev",
                                     "bfl-flux-kontext-pro",
                                     "bfl-flux-kontext-max",
                                     "replicate-flux-kontext-dev",
                                     "replicate-flux-kontext-pro",
                                     "replicate-flux-kontext-max",
                                     "fal-flux-kontext-dev",
                                     "fal-flux-kontext-pro",
                                     "openai-images",
                                     "sdcpp-server",
                                     "comfyui" };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *file = g_strconcat (ids[i], ".json", NULL);
      g_autofree char *path = g_build_filename (g_getenv ("ESP_SHIPPED_PROVIDERS"), file, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (EspProvider) provider = esp_provider_new_from_file (path, FALSE, &error);
      g_autoptr (EspSchema) schema = NULL;

      g_assert_no_error (error);
      g_assert_cmpstr (esp_provider_get_id (provider), ==, ids[i]);
      schema = esp_provider_dup_schema (provider, TRUE);
      g_assert_true (esp_schema_find (schema, "prompt")->required);
    }
}

static void
test_schema (void)
{
  g_autoptr (EspProvider) provider = read_file ("poll.json");
  g_autoptr (EspSchema) schema = esp_provider_dup_schema (provider, FALSE);
  g_autoptr (JsonObject) defaults = esp_schema_dup_defaults (schema);
  const EspParameter *parameter = esp_schema_find (schema, "steps");

  g_assert_cmpint (parameter->type, ==, ESP_PARAMETER_INTEGER);
  g_assert_cmpfloat (parameter->minimum, ==, 1);
  g_assert_cmpfloat (parameter->maximum, ==, 50);
  g_assert_cmpstr (parameter->title, ==, "Steps");
  g_assert_false (parameter->advanced);
  g_assert_true (esp_schema_find (schema, "prompt")->required);
  g_assert_cmpstr (esp_schema_find (schema, "seed")->widget, ==, "seed");
  g_assert_null (esp_schema_find (schema, "seed")->fallback);
  g_assert_null (esp_schema_find (schema, "negative"));
  g_assert_true (esp_schema_find (schema, "negative_prompt")->advanced);
  g_assert_true (esp_schema_find (schema, "format")->advanced);
  g_assert_cmpuint (json_array_get_length (esp_schema_find (schema, "format")->choices), ==, 2);
  g_assert_cmpint (esp_schema_find (schema, "guidance")->type, ==, ESP_PARAMETER_NUMBER);
  g_assert_cmpfloat (esp_schema_find (schema, "guidance")->multiple_of, ==, 0);
  g_assert_cmpint (json_object_get_int_member (defaults, "steps"), ==, 28);
  g_assert_false (json_object_has_member (defaults, "seed"));
  g_assert_cmpstr (json_object_get_string_member (defaults, "negative_prompt"), ==, "");
}

static void
test_schema_count_and_size (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspProvider) provider
      = read_changed ("small.json",
                      "{ \"id\": \"steps\", \"type\": \"int\", \"min\": 1, \"max\": 50, "
                      "\"default\": 28 }",
                      "{ \"id\": \"count\", \"type\": \"int\", \"min\": 1, \"max\": 4, "
                      "\"default\": 1 },\n{ \"id\": \"size\", \"type\": \"string\" },\n"
                      "{ \"id\": \"steps\", \"type\": \"int\", \"label\": \"Rounds\","
                      " \"advanced\": true }",
                      &error);
  g_autoptr (EspSchema) with = NULL, without = NULL;

  g_assert_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "{{param.count}} stands nowhere"));
  g_clear_error (&error);

  provider = read_changed ("small.json", "\"steps\": \"{{param.steps}}\",",
                           "\"steps\": \"{{param.steps}}\", \"n\": \"{{param.count}}\", "
                           "\"size\": \"{{param.size}}\",",
                           &error);
  g_assert_null (provider);
  g_clear_error (&error);

  {
    g_autofree char *text = load_text ("small.json");
    g_autoptr (GString) changed = g_string_new (text);
    g_autoptr (GBytes) bytes = NULL;

    g_string_replace (changed, "\"max\": 50, \"default\": 28 }",
                      "\"max\": 50, \"label\": \"Rounds\", \"advanced\": true },\n"
                      "{ \"id\": \"count\", \"type\": \"int\", \"min\": 1, \"max\": 4, "
                      "\"default\": 1 },\n{ \"id\": \"size\", \"type\": \"string\" }",
                      1);
    g_string_replace (changed, "\"steps\": \"{{param.steps}}\",",
                      "\"steps\": \"{{param.steps}}\", \"n\": \"{{param.count}}\", "
                      "\"size\": \"{{param.size}}\",",
                      1);
    bytes = g_bytes_new (changed->str, changed->len);
    provider = esp_provider_new (bytes, "changed.json", TRUE, &error);
    g_assert_no_error (error);
  }

  with = esp_provider_dup_schema (provider, TRUE);
  without = esp_provider_dup_schema (provider, FALSE);
  g_assert_nonnull (esp_schema_find (with, "count"));
  g_assert_null (esp_schema_find (without, "count"));
  g_assert_cmpstr (esp_schema_find (without, "size")->format, ==, "image-size");
  g_assert_cmpstr (esp_schema_find (without, "steps")->title, ==, "Rounds");
  g_assert_true (esp_schema_find (without, "steps")->advanced);
}

static EspProvider *
tighten (EspProvider *provider, const char *schema, double price)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = esp_json_read (schema, strlen (schema), &error);

  g_assert_no_error (error);
  return esp_provider_tighten (provider, node, price);
}

static void
test_tighten (void)
{
  g_autoptr (EspProvider) provider = read_file ("events.json");
  g_autoptr (EspProvider) tight = tighten (
      provider,
      "{\"properties\":{\"num_inference_steps\":{\"minimum\":10,\"maximum\":20,\"default\":11},"
      "\"guidance\":{\"minimum\":-5,\"maximum\":100},"
      "\"aspect_ratio\":{\"enum\":[\"1:1\",\"16:9\",\"5:3\"]},"
      "\"output_format\":{\"enum\":[\"gif\"]},"
      "\"output_quality\":{\"minimum\":200},"
      "\"seed\":{\"exclusiveMaximum\":1000.5},\"prompt\":{\"maxLength\":3},\"other\":7}}",
      0.04);
  const EspProviderParam *param = esp_provider_find_param (tight, "steps");

  g_assert_cmpfloat (param->minimum, ==, 10);
  g_assert_cmpfloat (param->maximum, ==, 20);
  g_assert_cmpint (json_node_get_int (param->fallback), ==, 20);
  param = esp_provider_find_param (tight, "guidance");
  g_assert_cmpfloat (param->minimum, ==, 0);
  g_assert_cmpfloat (param->maximum, ==, 10);
  param = esp_provider_find_param (tight, "aspect");
  g_assert_cmpuint (json_array_get_length (param->values), ==, 2);
  g_assert_cmpstr (json_node_get_string (param->fallback), ==, "1:1");
  param = esp_provider_find_param (tight, "format");
  g_assert_cmpuint (json_array_get_length (param->values), ==, 3);
  param = esp_provider_find_param (tight, "quality");
  g_assert_cmpfloat (param->minimum, ==, 0);
  param = esp_provider_find_param (tight, "seed");
  g_assert_cmpfloat (param->maximum, ==, 1000);
  g_assert_cmpfloat (esp_provider_get_descriptor (tight)->price_amount, ==, 0.04);

  /* The original is as it was, and its text is what the journal notes. */
  g_assert_cmpfloat (esp_provider_find_param (provider, "steps")->maximum, ==, 50);
  g_assert_cmpfloat (esp_provider_get_descriptor (provider)->price_amount, <, 0);
  g_assert_cmpstr (esp_provider_get_digest (tight), ==, esp_provider_get_digest (provider));
}

static void
test_tighten_nested (void)
{
  g_autoptr (EspProvider) provider = read_file ("poll.json");
  g_autoptr (EspProvider) tight = tighten (
      provider,
      "{\"components\":{\"schemas\":{\"Output\":{\"properties\":{\"seed\":{\"maximum\":1}}},"
      "\"Input\":{\"properties\":{\"seed\":{\"maximum\":99},\"prompt\":{},\"guidance\":"
      "{\"maximum\":5}}}}}}",
      -1);

  g_assert_cmpfloat (esp_provider_find_param (tight, "seed")->maximum, ==, 99);
  g_assert_cmpfloat (esp_provider_find_param (tight, "guidance")->maximum, ==, 5);
  g_assert_cmpfloat (esp_provider_get_descriptor (tight)->price_amount, ==, 0.025);
}

static void
test_tighten_nonsense (void)
{
  static const char *const schemas[]
      = { "{}",
          "[]",
          "7",
          "{\"properties\":[]}",
          "{\"properties\":{\"seed\":5}}",
          "{\"properties\":{\"seed\":{\"minimum\":\"a\",\"maximum\":null,\"enum\":{}}}}",
          "{\"properties\":{\"seed\":{\"minimum\":9,\"maximum\":3}}}",
          "{\"properties\":{\"output_format\":{\"enum\":[null,1,[],{}]}}}" };
  g_autoptr (EspProvider) provider = read_file ("poll.json");

  for (guint i = 0; i < G_N_ELEMENTS (schemas); i++)
    {
      g_autoptr (EspProvider) tight = tighten (provider, schemas[i], NAN);

      g_assert_cmpfloat (esp_provider_find_param (tight, "seed")->maximum, ==, 2147483647);
      g_assert_cmpuint (json_array_get_length (esp_provider_find_param (tight, "format")->values),
                        ==, 2);
      g_assert_cmpfloat (esp_provider_get_descriptor (tight)->price_amount, ==, 0.025);
    }

  {
    g_autoptr (EspProvider) tight = esp_provider_tighten (provider, NULL, -1);

    g_assert_nonnull (tight);
  }
}

static void
test_addresses (void)
{
  static const char base[] = "\"base_url\": \"https://api.example.com/v1\"";

  assert_changed_is_good ("small.json", base, "\"base_url\": \"http://127.0.0.1:8188\"");
  assert_changed_is_good ("small.json", base, "\"base_url\": \"http://localhost:1234/x\"");
  assert_changed_is_good ("small.json", base,
                          "\"self_hosted\": true, \"base_url\": \"http://studio.lan:8000\"");
  assert_changed_is_good ("small.json", base,
                          "\"base_url\": \"https://{{config.model}}.example.com/\"");
  assert_changed_is_bad ("small.json", base, "\"base_url\": \"ftp://example.com\"", "no address");
  assert_changed_is_bad ("small.json", base, "\"base_url\": \"file:///etc/passwd\"", "no address");
  assert_changed_is_bad ("small.json", base, "\"base_url\": \"example.com\"", "no address");
  assert_changed_is_bad ("small.json", base, "\"base_url\": \"https://u:p@example.com\"",
                         "no address");
  assert_changed_is_bad ("small.json", base, "\"base_url\": \"https://exa mple.com\"",
                         "no address");
  assert_changed_is_bad ("small.json", base, "\"base_url\": \"https://{{param.prompt}}/\"",
                         "in the host only");
  assert_changed_is_bad ("small.json", "\"url\": \"jobs/{{job.id}}\"",
                         "\"url\": \"http://other.example/{{job.id}}\"", "begin with https://");
  assert_changed_is_bad ("small.json", "\"url\": \"jobs/{{job.id}}\"",
                         "\"url\": \"https://{{job.id}}/\"", "in the host only");
  assert_changed_is_bad ("small.json", "\"url\": \"jobs/{{job.id}}\"",
                         "\"url\": \"//other.example/{{job.id}}\"", "no address");
  assert_changed_is_good ("small.json", "\"url\": \"jobs/{{job.id}}\"", "\"url\": \"{{job.id}}\"");
}

static void
test_origins (void)
{
  static const char from[] = "{{secret.api_key}}\" }";
  static const struct
  {
    const char *origin;
    gboolean good;
  } cases[] = {
    { "https://api.example.com", TRUE },
    { "https://api.*.bfl.ai", TRUE },
    { "https://*.example.com", TRUE },
    { "https://a.example.com:8443", TRUE },
    { "http://127.0.0.1:8188", TRUE },
    { "https://*", FALSE },
    { "https://*.*.example.com", FALSE },
    { "https:/api.example.com", FALSE },
    { "https:/api.*.example.com", FALSE },
    { "https:", FALSE },
    { "", FALSE },
    { "https://*.com", FALSE },
    { "https://example.*", FALSE },
    { "https://example.com/path", FALSE },
    { "http://example.com", FALSE },
    { "example.com", FALSE },
    { "https://api.example.com/", FALSE },
    { "https://user@example.com", FALSE },
    { "*", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *to
          = g_strdup_printf ("{{secret.api_key}}\", \"origins\": [\"%s\"] }", cases[i].origin);

      g_test_message ("%s", cases[i].origin);
      if (cases[i].good)
        assert_changed_is_good ("small.json", from, to);
      else
        assert_changed_is_bad ("small.json", from, to, "auth/origins/0");
    }
}

static void
test_images (void)
{
  static const char image[]
      = "\"image\": { \"mode\": \"data_uri\", \"formats\": [\"png\", \"jpeg\"] }";
  static const char value[] = "\"image\": \"{{image.data_uri}}\"";

  assert_changed_is_bad ("small.json", value, "\"image\": \"{{image2.data_uri}}\"",
                         "no such value");
  assert_changed_is_good ("small.json", value, "\"image\": \"{{images.base64}}\"");
  assert_changed_is_good ("small.json", value,
                          "\"image\": \"{{image.base64}}\", \"more\": \"{{references.base64}}\"");
  assert_changed_is_bad ("small.json", value, "\"image\": \"{{image.url}}\"",
                         "images have no such value");
  assert_changed_is_bad ("small.json", image,
                         "\"image\": { \"mode\": \"upload\", \"upload\": { \"method\": \"PUT\", "
                         "\"url\": \"{{job.put}}\", \"file\": \"{{image.bytes}}\" } }",
                         "no “capture” before this");
  assert_changed_is_good (
      "small.json", image,
      "\"image\": { \"mode\": \"upload\", \"upload\": ["
      "{ \"method\": \"POST\", \"url\": \"u\", \"json\": { \"t\": "
      "\"{{image.mime}}\" }, \"capture\": { \"put\": \"/put\", \"url\": [\"/u\", "
      "\"/v\"] } }, { \"method\": \"PUT\", \"url\": \"{{job.put}}\", \"file\": "
      "\"{{image.bytes}}\", \"auth\": false, \"content_type\": "
      "\"{{image.mime}}\" }] }");
}

static void
test_stream (void)
{
  g_autofree char *text = load_text ("small.json");
  const char *watch = strstr (text, "  \"watch\""), *result = strstr (text, "  \"result\"");
  g_autoptr (GString) stream = g_string_new_len (text, watch - text);
  g_autoptr (EspProvider) provider = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  g_string_replace (stream, "\"poll\"", "\"stream\"", 1);
  g_string_append (stream, "\"events\": { \"transport\": \"sse\", \"rules\": ["
                           "{ \"event\": \"part\", \"then\": \"preview\", \"value\": \"/b64\" },"
                           "{ \"event\": \"end\", \"then\": \"result\" },"
                           "{ \"event\": \"error\", \"then\": \"error\" }] }, "
                           "\"cancel\": \"close\",");
  g_string_append (stream, result);
  bytes = g_bytes_new (stream->str, stream->len);
  provider = esp_provider_new (bytes, "stream.json", TRUE, &error);
  g_assert_no_error (error);
  g_assert_true (esp_provider_get_descriptor (provider)->cancel_close);
  g_assert_cmpint (esp_provider_get_descriptor (provider)->flow, ==, ESP_FLOW_STREAM);
}

static void
test_graph (void)
{
  static const char config[]
      = "{ \"id\": \"model\", \"type\": \"string\", \"default\": \"kontext\" }";
  static const char good[] = "{ \"id\": \"model\", \"type\": \"json\", \"default\": { \"1\": "
                             "{ \"seed\": \"{{param.steps}}\", \"x\": [\"2\", 0] } } }";
  static const char bad[] = "{ \"id\": \"model\", \"type\": \"json\", \"default\": { \"1\":\n"
                            "{ \"seed\": \"{{param.stepz}}\" } } }";
  static const char job[] = "{ \"id\": \"model\", \"type\": \"json\", \"default\": { \"1\":\n"
                            "{ \"seed\": \"{{job.id}}\" } } }";

  assert_changed_is_good ("small.json", config, good);
  assert_changed_is_bad ("small.json", config, bad,
                         "changed.json:8: config/0/default/1/seed: {{param.stepz}}");
  assert_changed_is_bad ("small.json", config, job, "there is no job yet");

  assert_changed_is_good (
      "small.json", config,
      "{ \"id\": \"model\", \"type\": \"json\", \"elements_have\": \"/a\", "
      "\"placeholders\": [[\"image.name\", \"images.name\"], \"param.steps\"] }");
  assert_changed_is_bad ("small.json", config,
                         "{ \"id\": \"model\", \"type\": \"json\", \"placeholders\": "
                         "[[\"image.name\"], \"param.stepz\"] }",
                         "config/0/placeholders: {{param.stepz}}");
  assert_changed_is_bad ("small.json", config,
                         "{ \"id\": \"model\", \"type\": \"json\", \"placeholders\": [[]] }",
                         "placeholders: a list is empty");
  assert_changed_is_bad ("small.json", config,
                         "{ \"id\": \"model\", \"type\": \"json\", \"placeholders\": [1] }",
                         "were expected");
  assert_changed_is_bad ("small.json", config,
                         "{ \"id\": \"model\", \"type\": \"string\", \"elements_have\": \"/a\", "
                         "\"default\": \"kontext\" }",
                         "are for the type “json”");
}

static void
test_result_where (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspProvider) provider = read_changed (
      "small.json", "\"images\": \"/output/url\"",
      "\"images\": \"/output/url\", \"where\": { \"at\": \"/type\", \"equals\": \"output\" }",
      &error);
  const EspDescriptor *d;

  g_assert_no_error (error);
  d = esp_provider_get_descriptor (provider);
  g_assert_cmpstr (d->result.where_at[0], ==, "/type");
  g_assert_cmpstr (json_node_get_string (d->result.where_equals), ==, "output");
  assert_changed_is_bad ("small.json", "\"images\": \"/output/url\"",
                         "\"images\": \"/output/url\", \"where\": { \"at\": \"/type\" }", "equals");
}

static void
test_pointer_templates (void)
{
  assert_changed_is_good ("small.json", "\"status\": \"/status\"",
                          "\"status\": [\"/{{job.id}}/status\", \"/x\"], \"present\": "
                          "\"/{{job.id}}\"");
  assert_changed_is_good ("small.json", "\"images\": \"/output/url\"",
                          "\"images\": \"/{{job.id}}/*/url\"");
  assert_changed_is_bad ("small.json", "\"images\": \"/output/url\"",
                         "\"images\": \"/{{job.no}}/*/url\"", "result/images: {{job.no}}");
  assert_changed_is_bad ("small.json", "\"message\": [\"/error\"]",
                         "\"message\": [\"/{{job.id}}/error\"]", "no {{…}} here");
}

static void
test_nsfw (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspProvider) provider = read_changed (
      "small.json", "\"images\": \"/output/url\"",
      "\"images\": \"/output/url\", \"meta\": { \"nsfw\": { \"at\": \"/flag/0\" } }", &error);
  const EspDescriptor *d;
  const EspErrorRule *rule;

  g_assert_no_error (error);
  d = esp_provider_get_descriptor (provider);
  g_assert_cmpuint (d->error_rules->len, ==, 2);
  rule = g_ptr_array_index (d->error_rules, 1);
  g_assert_cmpstr (rule->at[0], ==, "/flag/0");
  g_assert_true (json_node_get_boolean (rule->equals));
  g_assert_cmpint (rule->fault, ==, ESP_FAULT_MODERATED);
}

static void
test_too_large (void)
{
  g_autofree char *text = g_strnfill ((1u << 20) + 1, ' ');
  g_autoptr (GBytes) bytes = g_bytes_new (text, (1u << 20) + 1);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (GError) error = NULL;

  g_assert_null (esp_provider_new (bytes, "big.json", TRUE, &error));
  g_assert_cmpstr (error->message, ==, "big.json:1: a descriptor has at most 1 MiB");
  g_clear_error (&error);
  g_assert_null (esp_provider_new (empty, "empty.json", TRUE, &error));
  g_assert_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX);
}

static void
test_no_file (void)
{
  g_autofree char *folder = get_path ("broken");
  g_autofree char *missing = get_path ("missing.json");
  g_autoptr (GError) error = NULL;

  g_assert_null (esp_provider_new_from_file (missing, TRUE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (esp_provider_new_from_file (folder, TRUE, &error));
  g_assert_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX);
  g_clear_error (&error);
  g_assert_null (esp_provider_new_from_file ("/dev/zero", TRUE, &error));
  g_assert_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX);
}

static void
test_broken_entry (void)
{
  g_autoptr (EspProvider) provider = esp_provider_new_broken ("/x/mine.json", "mine.json:3: no");

  g_assert_cmpstr (esp_provider_get_id (provider), ==, "mine");
  g_assert_cmpstr (esp_provider_get_name (provider), ==, "mine.json");
  g_assert_cmpstr (esp_provider_get_problem (provider), ==, "mine.json:3: no");
  g_assert_cmpstr (esp_provider_get_path (provider), ==, "/x/mine.json");
  g_assert_null (esp_provider_find_param (provider, "prompt"));
}

static void
test_words (void)
{
  for (int i = 0; i <= ESP_FAULT_BUDGET; i++)
    {
      EspFault fault = ESP_FAULT_NONE;

      g_assert_true (esp_fault_from_string (esp_fault_to_string ((EspFault) i), &fault));
      g_assert_cmpint (fault, ==, i);
    }
  for (int i = 0; i <= ESP_STATUS_EXPIRED; i++)
    {
      EspStatus status = ESP_STATUS_QUEUED;

      g_assert_true (esp_status_from_string (esp_status_to_string ((EspStatus) i), &status));
      g_assert_cmpint (status, ==, i);
    }
  g_assert_false (esp_fault_from_string ("slow", &(EspFault){ 0 }));
  g_assert_false (esp_status_from_string (NULL, &(EspStatus){ 0 }));
}

/* Damage of every kind is an error and never more than that. */
static void
damage (const char *path)
{
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  for (int round = 0; round < 150; round++)
    {
      g_autofree char *copy = g_memdup2 (text, length);
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (EspProvider) provider = NULL;
      gsize kept = length;

      if (round % 3 == 0)
        kept = (gsize) g_test_rand_int_range (0, (gint32) length);
      for (int flips = round % 3; flips > 0; flips--)
        copy[g_test_rand_int_range (0, (gint32) length)]
            ^= (char) (1 << g_test_rand_int_range (0, 8));
      if (round % 5 == 4)
        {
          /* Pieces that are JSON, in the wrong place. */
          static const char *const pieces[] = { "[]", "{}", "null", "0", "\"\"", "true", "-1e9" };
          const gsize start = (gsize) g_test_rand_int_range (0, (gint32) length / 2);
          char *colon = memchr (copy + start, ':', length - start - 10);

          if (colon != NULL)
            memcpy (colon + 1, pieces[round % 7], strlen (pieces[round % 7]));
        }

      bytes = g_bytes_new (copy, kept);
      provider = esp_provider_new (bytes, "damaged.json", TRUE, NULL);
      if (provider != NULL)
        {
          g_autoptr (EspSchema) schema = esp_provider_dup_schema (provider, FALSE);

          g_assert_nonnull (schema);
        }
    }
}

/* Every value of a descriptor replaced by one of another kind, one at a time. */
static void
test_other_kinds (void)
{
  static const char *const names[] = { "poll.json", "events.json", "small.json" };
  static const char *const kinds[]
      = { "[]", "{}", "null", "-7", "\"x\"", "true", "[{}]", "[[\"\"]]" };

  for (guint n = 0; n < G_N_ELEMENTS (names); n++)
    {
      g_autofree char *text = load_text (names[n]);

      for (char *colon = strstr (text, "\": "); colon != NULL; colon = strstr (colon + 3, "\": "))
        {
          gsize value = strcspn (colon + 3, ",}\n");

          for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
            {
              g_autoptr (GString) changed = g_string_new_len (text, colon + 3 - text);
              g_autoptr (GBytes) bytes = NULL;
              g_autoptr (EspProvider) provider = NULL;

              g_string_append (changed, kinds[k]);
              g_string_append (changed, colon + 3 + value);
              bytes = g_bytes_new (changed->str, changed->len);
              provider = esp_provider_new (bytes, "kinds.json", TRUE, NULL);
              if (provider != NULL)
                esp_schema_free (esp_provider_dup_schema (provider, TRUE));
            }
        }
    }
}

static void
test_damage (void)
{
  const char *folders[] = { g_getenv ("ESP_SHIPPED_PROVIDERS"), g_getenv ("ESP_PROVIDER_FILES") };

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autoptr (GDir) dir = g_dir_open (folders[i], 0, NULL);
      const char *name;

      while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
        {
          g_autofree char *path = g_build_filename (folders[i], name, NULL);

          if (g_str_has_suffix (name, ".json") && !g_str_equal (name, "schema.json"))
            damage (path);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/provider/poll", test_poll);
  g_test_add_func ("/provider/events", test_events);
  g_test_add_func ("/provider/small", test_small);
  g_test_add_func ("/provider/broken-files", test_broken_files);
  g_test_add_func ("/provider/shipped", test_shipped);
  g_test_add_func ("/provider/schema", test_schema);
  g_test_add_func ("/provider/schema-count-and-size", test_schema_count_and_size);
  g_test_add_func ("/provider/tighten", test_tighten);
  g_test_add_func ("/provider/tighten-nested", test_tighten_nested);
  g_test_add_func ("/provider/tighten-nonsense", test_tighten_nonsense);
  g_test_add_func ("/provider/addresses", test_addresses);
  g_test_add_func ("/provider/origins", test_origins);
  g_test_add_func ("/provider/images", test_images);
  g_test_add_func ("/provider/stream", test_stream);
  g_test_add_func ("/provider/graph", test_graph);
  g_test_add_func ("/provider/pointer-templates", test_pointer_templates);
  g_test_add_func ("/provider/nsfw", test_nsfw);
  g_test_add_func ("/provider/too-large", test_too_large);
  g_test_add_func ("/provider/no-file", test_no_file);
  g_test_add_func ("/provider/result-where", test_result_where);
  g_test_add_func ("/provider/broken-entry", test_broken_entry);
  g_test_add_func ("/provider/words", test_words);
  g_test_add_func ("/provider/other-kinds", test_other_kinds);
  g_test_add_func ("/provider/damage", test_damage);

  return g_test_run ();
}
