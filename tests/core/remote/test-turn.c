/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns against the fake providers. The matrix of `./dev test remote` drives the program from
 * outside; here is what can be seen from within. */
#include "turn-fixture.h"

#include <string.h>

#include <glib/gstdio.h>

#define RUNPOD_DESCRIPTOR "runpod-flux-kontext-dev"
#define RUNPOD            RUNPOD_DESCRIPTOR, "runpod"

/* --- All goes well ---------------------------------------------------------------------------- */

typedef struct
{
  const char *descriptor, *fake, *options;
} Pair;

static const Pair pairs[] = {
  { "runpod-flux-kontext-dev", "runpod" },
  { "runflow-flux-kontext-pro", "runflow" },
  { "oxen-flux-kontext-dev", "oxen" },
  { "oxen-flux-kontext-dev-sync", "oxen" },
  { "eachlabs-flux-kontext-dev", "eachlabs" },
  { "bfl-flux-kontext-pro", "bfl" },
  { "bfl-flux-kontext-max", "bfl" },
  { "replicate-flux-kontext-dev", "replicate" },
  { "replicate-flux-kontext-pro", "replicate" },
  { "replicate-flux-kontext-max", "replicate" },
  { "fal-flux-kontext-dev", "fal" },
  { "fal-flux-kontext-pro", "fal" },
  { "openai-images", "openai", "{\"max_side\": 96, \"flavour\": \"vllm\"}" },
  { "sdcpp-server", "sdcpp" },
  { "comfyui", "comfyui" },
};

static void
test_happy (gconstpointer data)
{
  const Pair *pair = data;
  g_autofree char *path
      = g_strdup_printf ("%s/providers/%s.json", g_getenv ("ESPALIER_DATA_DIR"), pair->descriptor);
  g_autoptr (TurnWorld) world = NULL;
  const guint must
      = 1u << ESP_PHASE_PREPARING | 1u << ESP_PHASE_UPLOADING | 1u << ESP_PHASE_DOWNLOADING;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("no such descriptor");
      return;
    }
  world = turn_world_new (pair->descriptor, pair->fake, pair->options, NULL);
  turn_world_succeed (world);
  g_assert_cmpuint (world->phases & must, ==, must);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
}

static void
test_result (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (RUNPOD, NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;
  EspReceivedImage *image;

  json_object_set_int_member (world->parameters, "seed", 77);
  json_object_set_int_member (world->parameters, "steps", 12);
  result = turn_world_run (world, &error);
  g_assert_no_error (error);
  image = result->images->pdata[0];
  g_assert_cmpint (MAX (image->width, image->height), ==, 96);
  g_assert_true (result->has_seed);
  g_assert_cmpint (result->seed, ==, 77);
  g_assert_cmpfloat (result->cost, >, 0);
  g_assert_cmpstr (result->currency, ==, "USD");
  g_assert_cmpstr (result->job_id, ==, world->job_id);
  g_assert_false (json_object_has_member (result->parameters, "prompt"));
  g_assert_cmpint (json_object_get_int_member (result->parameters, "steps"), ==, 12);
  g_assert_true (json_object_has_member (result->parameters, "guidance"));
  g_assert_cmpfloat (json_object_get_double_member (result->timings, "total"), >, 0);

  /* Whoever has the result has the record until it is settled, or released. */
  for (int released = 0; released < 2; released++)
    {
      g_autoptr (EspRecord) other = esp_record_open (world->id, &error);

      g_assert_cmpint (other != NULL, ==, released);
      if (!released)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
      g_clear_error (&error);
      esp_remote_turn_release (world->id);
    }

  /* A result that could not be stored is fetched once more. */
  g_clear_pointer (&result, esp_remote_result_free);
  result = turn_world_resume (world, &error);
  g_assert_no_error (error);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, 1);
  g_assert_true (esp_remote_turn_settle (world->id, &error));
}

static void
test_two_images (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (RUNPOD, NULL, "[{\"where\": \"job\", \"kind\": \"fine\"}]");
  g_autoptr (TurnWorld) two = turn_world_new ("replicate-flux-kontext-dev", "replicate",
                                              "{\"max_side\": 64, \"flavour\": \"array\"}",
                                              "[{\"where\": \"job\", \"kind\": \"two\"}]");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = turn_world_run (two, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (result->images->len, ==, 2);
  g_assert_true (esp_remote_turn_settle (two->id, NULL));
  turn_world_succeed (world);
}

/* --- A stream as the answer ------------------------------------------------------------------- */

static const char stream_descriptor[]
    = "{\"schema\": \"kontext-provider/1\", \"id\": \"streams\", \"name\": \"Streams\","
      "\"base_url\": \"https://api.example.com/v1\","
      "\"auth\": {\"header\": \"Authorization\", \"value\": \"Bearer {{secret.api_key}}\"},"
      "\"image\": {\"mode\": \"multipart\", \"formats\": [\"png\"]},"
      "\"params\": [{\"id\": \"prompt\", \"type\": \"string\", \"required\": true},"
      "{\"id\": \"count\", \"type\": \"int\", \"min\": 1, \"max\": 4, \"default\": 1}],"
      "\"output_size\": {\"mode\": \"input\"}, \"flow\": \"stream\","
      "\"submit\": {\"method\": \"POST\", \"url\": \"images/edits\", \"multipart\": ["
      "{\"name\": \"image[]\", \"file\": \"{{images.bytes}}\"},"
      "{\"name\": \"prompt\", \"value\": \"{{param.prompt}}\"},"
      "{\"name\": \"model\", \"value\": \"gpt-image-1\"},"
      "{\"name\": \"n\", \"value\": \"{{param.count}}\"},"
      "{\"name\": \"stream\", \"value\": \"true\"},"
      "{\"name\": \"partial_images\", \"value\": \"2\"}]},"
      "\"events\": {\"transport\": \"sse\", \"rules\": ["
      "{\"event\": \"image_edit.partial_image\", \"then\": \"preview\", \"value\": \"/b64_json\"},"
      "{\"event\": \"image_edit.completed\", \"then\": \"result\"},"
      "{\"event\": \"error\", \"then\": \"error\"}]},"
      "\"result\": {\"images\": [\"/b64_json\", \"/data/*/b64_json\"], \"kind\": \"base64\"},"
      "\"errors\": {\"message\": [\"/error/message\"], \"code\": [\"/error/code\"], \"rules\": ["
      "{\"at\": [\"/error/code\"], \"equals\": \"moderation_blocked\", \"class\": \"moderated\"}]},"
      "\"cancel\": \"close\"}";

static TurnWorld *
stream_world_new (const char *faults)
{
  TurnWorld *world = turn_world_new (RUNPOD_DESCRIPTOR, "openai", NULL, faults);
  g_autoptr (GBytes) text = g_bytes_new_static (stream_descriptor, strlen (stream_descriptor));
  g_autoptr (GError) error = NULL;

  g_clear_object (&world->provider);
  world->provider = esp_provider_new (text, "streams.json", TRUE, &error);
  g_assert_no_error (error);
  return world;
}

static void
test_stream (void)
{
  g_autoptr (TurnWorld) world = stream_world_new (NULL);
  g_autoptr (TurnWorld) two = stream_world_new (NULL);
  g_autoptr (TurnWorld) blocked = stream_world_new ("[{\"where\":\"job\",\"kind\":\"moderated\"}]");
  g_autoptr (TurnWorld) broken = stream_world_new ("[{\"where\":\"submit\",\"kind\":\"drop\"}]");
  g_autoptr (TurnWorld) closed = stream_world_new ("[{\"where\":\"job\",\"kind\":\"never\"}]");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;

  turn_world_succeed (world);
  g_assert_cmpuint (world->n_previews, ==, 2);

  json_object_set_int_member (two->parameters, "count", 2);
  result = turn_world_run (two, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (result->images->len, ==, 2);
  g_assert_true (esp_remote_turn_settle (two->id, NULL));

  turn_world_fail (blocked, ESP_FAULT_MODERATED, ESP_CHARGED_UNKNOWN);
  turn_world_fail (broken, ESP_FAULT_UNKNOWN, ESP_CHARGED_UNKNOWN);
  g_assert_true (esp_remote_turn_settle (broken->id, NULL));

  closed->cancel_at = ESP_PHASE_UPLOADING;
  closed->cancel_after_ms = 400;
  g_clear_pointer (&result, esp_remote_result_free);
  result = turn_world_run (closed, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (turn_world_has_record (closed));
}

/* --- Nothing may be sent ---------------------------------------------------------------------- */

static void
expect_refusal (TurnWorld *world, EspFault fault)
{
  turn_world_fail (world, fault, ESP_CHARGED_NO);
  g_assert_cmpint (turn_world_count (world, "submit"), ==, 0);
  g_assert_false (turn_world_has_record (world));
}

static void
test_arguments (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (RUNPOD, NULL, NULL);

  json_object_set_int_member (world->parameters, "stepz", 3);
  expect_refusal (world, ESP_FAULT_ARGUMENT);
  json_object_remove_member (world->parameters, "stepz");
  json_object_set_int_member (world->parameters, "steps", 51);
  expect_refusal (world, ESP_FAULT_ARGUMENT);
  json_object_set_double_member (world->parameters, "steps", 3.5);
  expect_refusal (world, ESP_FAULT_ARGUMENT);
  json_object_remove_member (world->parameters, "steps");
  json_object_set_string_member (world->parameters, "format", "tiff");
  expect_refusal (world, ESP_FAULT_ARGUMENT);
  json_object_remove_member (world->parameters, "format");
  json_object_set_string_member (world->parameters, "prompt", " ");
  expect_refusal (world, ESP_FAULT_ARGUMENT);
  json_object_set_string_member (world->parameters, "prompt", "x");

  g_ptr_array_add (world->images, g_bytes_ref (world->images->pdata[0]));
  expect_refusal (world, ESP_FAULT_ARGUMENT);
  g_ptr_array_set_size (world->images, 1);

  world->config = json_object_new ();
  json_object_set_string_member (world->config, "endpont", "x");
  expect_refusal (world, ESP_FAULT_ARGUMENT);
  g_clear_pointer (&world->config, json_object_unref);

  g_free (world->base_url);
  world->base_url = g_strdup ("http://example.com/v2");
  expect_refusal (world, ESP_FAULT_ARGUMENT);
  g_free (world->base_url);
  world->base_url = g_strdup ("https://user:secret@example.com/v2");
  expect_refusal (world, ESP_FAULT_ARGUMENT);
}

static void
test_keys (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (RUNPOD, NULL, NULL);

  g_clear_pointer (&world->key, g_free);
  expect_refusal (world, ESP_FAULT_AUTH);
  world->key = g_strdup ("two\r\nHost: lines");
  expect_refusal (world, ESP_FAULT_AUTH);
}

static void
test_no_picture (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (RUNPOD, NULL, NULL);

  g_ptr_array_set_size (world->images, 0);
  expect_refusal (world, ESP_FAULT_ARGUMENT);
  g_ptr_array_add (world->images, g_bytes_new_static ("nothing", 7));
  expect_refusal (world, ESP_FAULT_ARGUMENT);
}

/* The record cannot be written: a folder stands in its way, as a full disk would. */
static void
test_no_record (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (RUNPOD, NULL, NULL);
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "espalier", "jobs", NULL);
  g_autofree char *name = g_strconcat (world->id, ".json.new", NULL);
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  turn_world_fail (world, ESP_FAULT_ARGUMENT, ESP_CHARGED_NO);
  g_assert_cmpint (turn_world_count (world, "submit"), ==, 0);
  g_rmdir (path);
}

/* --- Refused, in doubt, failed ---------------------------------------------------------------- */

typedef struct
{
  const char *name;
  const char *faults;
  EspFault fault; /* NONE: it succeeds */
  EspCharged charged;
  int submits, accepted;
  guint patience; /* 0: enough */
} Trouble;

static const Trouble troubles[] = {
  { "submit-401", "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":401}]", ESP_FAULT_AUTH,
    ESP_CHARGED_NO, 1, 0 },
  { "submit-402", "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":402}]", ESP_FAULT_CREDIT,
    ESP_CHARGED_NO, 1, 0 },
  { "submit-413", "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":413}]", ESP_FAULT_INVALID,
    ESP_CHARGED_NO, 1, 0 },
  { "submit-500", "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":500}]", ESP_FAULT_SERVER,
    ESP_CHARGED_UNKNOWN, 1, 0 },
  { "submit-503", "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":503}]", ESP_FAULT_SERVER,
    ESP_CHARGED_UNKNOWN, 1, 0 },
  { "submit-503-retry-after",
    "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":503,\"retry_after\":1,\"nth\":1}]",
    ESP_FAULT_NONE, ESP_CHARGED_NO, 2, 1 },
  { "submit-429-body",
    "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":429,\"retry_after\":1,\"how\":\"body\","
    "\"nth\":1}]",
    ESP_FAULT_NONE, ESP_CHARGED_NO, 2, 1 },
  { "submit-429-text",
    "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":429,\"retry_after\":1,\"how\":\"text\","
    "\"nth\":[1,2]}]",
    ESP_FAULT_NONE, ESP_CHARGED_NO, 3, 1 },
  { "submit-429-long",
    "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":429,\"retry_after\":360000}]",
    ESP_FAULT_RATE, ESP_CHARGED_NO, 1, 0, 3 },
  { "submit-html", "[{\"where\":\"submit\",\"kind\":\"html\"}]", ESP_FAULT_UNKNOWN,
    ESP_CHARGED_UNKNOWN, 1, 1 },
  { "submit-html-200", "[{\"where\":\"submit\",\"kind\":\"html\",\"status\":200}]",
    ESP_FAULT_UNKNOWN, ESP_CHARGED_UNKNOWN, 1, 1 },
  { "submit-truncated", "[{\"where\":\"submit\",\"kind\":\"truncated\"}]", ESP_FAULT_UNKNOWN,
    ESP_CHARGED_UNKNOWN, 1, 1 },
  { "submit-reset", "[{\"where\":\"submit\",\"kind\":\"reset_after\"}]", ESP_FAULT_UNKNOWN,
    ESP_CHARGED_UNKNOWN, 1, 1 },
  { "submit-stalled", "[{\"where\":\"submit\",\"kind\":\"stalled\"}]", ESP_FAULT_UNKNOWN,
    ESP_CHARGED_UNKNOWN, 1, 1, 2 },
  { "submit-redirect", "[{\"where\":\"submit\",\"kind\":\"redirect\",\"to\":\"other\"}]",
    ESP_FAULT_SERVER, ESP_CHARGED_NO, 1, 0 },
  { "watch-500", "[{\"where\":\"watch\",\"kind\":\"status\",\"status\":500,\"nth\":[1,2]}]",
    ESP_FAULT_NONE, ESP_CHARGED_NO, 1, 1 },
  { "watch-hop", "[{\"where\":\"watch\",\"kind\":\"redirect\",\"to\":\"other\",\"nth\":[1,2]}]",
    ESP_FAULT_NONE, ESP_CHARGED_NO, 1, 1 },
  { "submit-401-key",
    "[{\"where\":\"submit\",\"kind\":\"status\",\"status\":401,\"message\":\"no key KEY\"}]",
    ESP_FAULT_AUTH, ESP_CHARGED_NO, 1, 0 },
  { "watch-html", "[{\"where\":\"watch\",\"kind\":\"html\",\"nth\":[1,2,3]}]", ESP_FAULT_NONE,
    ESP_CHARGED_NO, 1, 1 },
  { "watch-404-young", "[{\"where\":\"watch\",\"kind\":\"status\",\"status\":404,\"nth\":[1,2]}]",
    ESP_FAULT_NONE, ESP_CHARGED_NO, 1, 1 },
  { "watch-404", "[{\"where\":\"watch\",\"kind\":\"status\",\"status\":404}]", ESP_FAULT_GONE,
    ESP_CHARGED_UNKNOWN, 1, 1 },
  { "watch-401", "[{\"where\":\"watch\",\"kind\":\"status\",\"status\":401}]", ESP_FAULT_AUTH,
    ESP_CHARGED_UNKNOWN, 1, 1 },
  { "never", "[{\"where\":\"job\",\"kind\":\"never\"}]", ESP_FAULT_PATIENCE, ESP_CHARGED_UNKNOWN, 1,
    1, 2 },
  { "unknown-status", "[{\"where\":\"job\",\"kind\":\"unknown_status\"}]", ESP_FAULT_NONE,
    ESP_CHARGED_NO, 1, 1 },
  { "failed", "[{\"where\":\"job\",\"kind\":\"failed\"}]", ESP_FAULT_SERVER, ESP_CHARGED_NO, 1, 1 },
  { "moderated", "[{\"where\":\"job\",\"kind\":\"moderated\"}]", ESP_FAULT_MODERATED,
    ESP_CHARGED_NO, 1, 1 },
  { "black", "[{\"where\":\"job\",\"kind\":\"black\"}]", ESP_FAULT_MODERATED, ESP_CHARGED_YES, 1,
    1 },
  { "bomb", "[{\"where\":\"job\",\"kind\":\"bomb\"}]", ESP_FAULT_RESULT, ESP_CHARGED_YES, 1, 1 },
  { "not-image", "[{\"where\":\"job\",\"kind\":\"not_image\"}]", ESP_FAULT_RESULT, ESP_CHARGED_YES,
    1, 1 },
  { "download-expired", "[{\"where\":\"download\",\"kind\":\"expired\",\"status\":403}]",
    ESP_FAULT_RESULT, ESP_CHARGED_YES, 1, 1 },
  { "download-500", "[{\"where\":\"download\",\"kind\":\"status\",\"status\":500,\"nth\":[1,2]}]",
    ESP_FAULT_NONE, ESP_CHARGED_NO, 1, 1 },
  { "download-reset", "[{\"where\":\"download\",\"kind\":\"reset_after\",\"nth\":1}]",
    ESP_FAULT_NONE, ESP_CHARGED_NO, 1, 1 },
  { "download-hop", "[{\"where\":\"download\",\"kind\":\"redirect\",\"to\":\"hop\",\"nth\":1}]",
    ESP_FAULT_NONE, ESP_CHARGED_NO, 1, 1 },
  { "download-to-file", "[{\"where\":\"download\",\"kind\":\"redirect\",\"to\":\"file\"}]",
    ESP_FAULT_RESULT, ESP_CHARGED_YES, 1, 1 },
  { "download-to-other", "[{\"where\":\"job\",\"kind\":\"fine\",\"url\":\"http://192.0.2.1/a\"}]",
    ESP_FAULT_RESULT, ESP_CHARGED_YES, 1, 1 },
};

static void
test_trouble (gconstpointer data)
{
  const Trouble *trouble = data;
  g_autoptr (TurnWorld) world = turn_world_new (RUNPOD, NULL, trouble->faults);

  if (trouble->patience > 0)
    world->patience = trouble->patience;
  if (trouble->fault == ESP_FAULT_NONE)
    turn_world_succeed (world);
  else
    turn_world_fail (world, trouble->fault, trouble->charged);
  g_assert_cmpint (turn_world_count (world, "submit"), ==, trouble->submits);
  g_assert_cmpint (turn_world_count (world, "accepted"), ==, trouble->accepted);
  turn_world_check_manners (world);
  if (turn_world_has_record (world))
    esp_remote_turn_settle (world->id, NULL);
}

static void
test_refused_port (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (RUNPOD, NULL, NULL);

  g_free (world->base_url);
  world->base_url = g_strdup ("http://127.0.0.1:9/v2/x");
  turn_world_fail (world, ESP_FAULT_NETWORK, ESP_CHARGED_NO);
  g_assert_false (turn_world_has_record (world));
}

/* --- Found again ------------------------------------------------------------------------------ */

static void
test_recover (gconstpointer data)
{
  const char *faults = data;
  g_autoptr (TurnWorld) world = turn_world_new ("oxen-flux-kontext-dev", "oxen", NULL, faults);

  turn_world_succeed (world);
  g_assert_cmpint (turn_world_count (world, "submit"), ==, 1);
  g_assert_cmpint (turn_world_count (world, "recover"), >=, 1);
}

/* A job of the same words and seed that was made before is not this one. */
static void
test_recover_other (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new ("oxen-flux-kontext-dev", "oxen", NULL,
                        "[{\"where\":\"submit\",\"kind\":\"reset_after\",\"run\":false}]");

  turn_world_fail (world, ESP_FAULT_UNKNOWN, ESP_CHARGED_UNKNOWN);
  g_assert_cmpint (turn_world_count (world, "accepted"), ==, 0);
  g_assert_true (turn_world_has_record (world));
  g_assert_true (esp_remote_turn_settle (world->id, NULL));
}

static void
test_own_id_unknown (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new ("comfyui", "comfyui", NULL,
                        "[{\"where\":\"submit\",\"kind\":\"reset_after\",\"run\":false}]");

  world->patience = 600;
  turn_world_fail (world, ESP_FAULT_UNKNOWN, ESP_CHARGED_UNKNOWN);
  g_assert_true (esp_remote_turn_settle (world->id, NULL));
}

static void
test_own_id (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (
      "comfyui", "comfyui", NULL, "[{\"where\":\"submit\",\"kind\":\"reset_after\"}]");

  turn_world_succeed (world);
  g_assert_cmpint (turn_world_count (world, "submit"), ==, 1);
}

/* --- Cancelling and going on ------------------------------------------------------------------ */

static void
expect_cancelled (TurnWorld *world)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = turn_world_run (world, &error);

  g_assert_null (result);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_cancel (gconstpointer data)
{
  const Pair *pair = data;
  g_autoptr (TurnWorld) world = turn_world_new (pair->descriptor, pair->fake,
                                                "{\"max_side\": 64, \"run_ms\": 60000}", NULL);

  world->cancel_at = ESP_PHASE_RUNNING;
  expect_cancelled (world);
  g_assert_cmpint (turn_world_count (world, "cancel"), >=, 1);
  g_assert_cmpint (turn_world_count (world, "charges"), ==, 0);
  g_assert_false (turn_world_has_record (world));
  turn_world_check_manners (world);
}

static void
test_cancel_early (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (RUNPOD, NULL, NULL);

  world->cancel_at = ESP_PHASE_PREPARING;
  expect_cancelled (world);
  g_assert_false (turn_world_has_record (world));
  g_assert_cmpint (turn_world_count (world, "accepted"), ==, 0);
}

static void
test_cancel_in_submit (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (RUNPOD, "{\"max_side\": 64, \"run_ms\": 60000}",
                        "[{\"where\":\"submit\",\"kind\":\"slow\",\"ms\":800}]");

  world->cancel_at = ESP_PHASE_UPLOADING;
  world->cancel_after_ms = 300;
  expect_cancelled (world);
  g_assert_cmpint (turn_world_count (world, "cancel"), ==, 1);
  g_assert_false (turn_world_has_record (world));
}

/* The provider does not care: the image can be fetched later. */
static void
test_cancel_ignored (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (RUNPOD, "{\"max_side\": 64, \"hold\": \"running\"}",
                                                "[{\"where\":\"job\",\"kind\":\"uncancellable\"}]");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;

  world->cancel_at = ESP_PHASE_RUNNING;
  expect_cancelled (world);
  g_assert_cmpuint (world->notes->len, >=, 1);
  g_assert_true (turn_world_has_record (world));
  turn_world_let_go (world);
  result = turn_world_resume (world, &error);
  g_assert_no_error (error);
  g_assert_true (esp_remote_turn_settle (world->id, NULL));
  g_assert_cmpint (turn_world_count (world, "submit"), ==, 1);
}

static void
test_leave_and_resume (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (RUNPOD, "{\"max_side\": 64, \"hold\": \"running\"}", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;

  world->cancellable = g_cancellable_new ();
  esp_remote_turn_set_cancel_there (world->cancellable, FALSE);
  world->cancel_at = ESP_PHASE_RUNNING;
  expect_cancelled (world);
  g_assert_cmpint (turn_world_count (world, "cancel"), ==, 0);
  g_assert_true (turn_world_has_record (world));

  /* The same id is never sent a second time. */
  g_assert_null (turn_world_run (world, &error));
  g_assert_cmpint (esp_fault_error_get_report (error)->fault, ==, ESP_FAULT_ARGUMENT);
  g_clear_error (&error);
  g_assert_true (turn_world_has_record (world));

  turn_world_let_go (world);
  result = turn_world_resume (world, &error);
  g_assert_no_error (error);
  g_assert_true (result->has_seed);
  g_assert_cmpint (turn_world_count (world, "submit"), ==, 1);
  g_assert_cmpint (turn_world_count (world, "charges"), ==, 1);
  g_assert_true (esp_remote_turn_settle (world->id, NULL));
  g_assert_null (turn_world_resume (world, &error));
  g_assert_nonnull (error);
}

/* The job's record is gone there, but the link that was noted still holds. */
static void
test_resume_by_link (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (
      RUNPOD, NULL, "[{\"where\":\"download\",\"kind\":\"status\",\"status\":500}]");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;

  world->patience = 2;
  turn_world_fail (world, ESP_FAULT_PATIENCE, ESP_CHARGED_YES);
  turn_world_set_faults (world, "[{\"where\":\"watch\",\"kind\":\"status\",\"status\":404}]");
  world->patience = 20;
  result = turn_world_resume (world, &error);
  g_assert_no_error (error);
  g_assert_true (esp_remote_turn_settle (world->id, NULL));
}

/* --- The key ---------------------------------------------------------------------------------- */

static gboolean
is_in_folder (const char *folder, const char *needle)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *text = NULL;

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        {
          if (is_in_folder (path, needle))
            return TRUE;
        }
      else if (g_file_get_contents (path, &text, NULL, NULL) && strstr (text, needle) != NULL)
        return TRUE;
    }
  return FALSE;
}

static void
test_key_is_nowhere (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (RUNPOD, NULL, "[{\"where\":\"job\",\"kind\":\"never\"}]");

  world->patience = 1;
  turn_world_fail (world, ESP_FAULT_PATIENCE, ESP_CHARGED_UNKNOWN);
  g_assert_true (turn_world_has_record (world));
  g_assert_false (is_in_folder (g_get_user_data_dir (), world->key));
  g_assert_true (is_in_folder (g_get_user_data_dir (), "Make it snow"));
  g_assert_true (esp_remote_turn_settle (world->id, NULL));
}

/* --- Probes ----------------------------------------------------------------------------------- */

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static gboolean
probe (TurnWorld *world, const char *key, gboolean *known, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_remote_probe_async (turn_fixture_get_http (), world->provider, world->base_url, FALSE, NULL,
                          key, NULL, on_done, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return esp_remote_probe_finish (result, known, error);
}

static void
test_probe (void)
{
  g_autoptr (TurnWorld) world = turn_world_new ("oxen-flux-kontext-dev", "oxen", NULL, NULL);
  g_autoptr (GError) error = NULL;
  gboolean known = FALSE;

  g_assert_true (probe (world, world->key, &known, &error));
  g_assert_no_error (error);
  g_assert_true (known);
  g_assert_false (probe (world, "wrong", &known, &error));
  g_assert_cmpint (esp_fault_error_get_report (error)->fault, ==, ESP_FAULT_AUTH);
  g_assert_cmpint (turn_world_count (world, "submit"), ==, 0);
}

int
main (int argc, char *argv[])
{
  static const Pair cancellable[] = { { "runpod-flux-kontext-dev", "runpod" },
                                      { "oxen-flux-kontext-dev", "oxen" },
                                      { "replicate-flux-kontext-dev", "replicate" },
                                      { "comfyui", "comfyui" } };
  static const char *const lost[]
      = { "[{\"where\":\"submit\",\"kind\":\"reset_after\"}]",
          "[{\"where\":\"submit\",\"kind\":\"html\"}]",
          "[{\"where\":\"submit\",\"kind\":\"empty_body\"}]",
          "[{\"where\":\"submit\",\"kind\":\"reset_after\"},{\"where\":\"any\",\"kind\":\"clock\","
          "\"seconds\":86400}]" };
  int status;

  g_test_init (&argc, &argv, NULL);
  turn_fixture_begin ();

  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autofree char *path = g_strconcat ("/turn/happy/", pairs[i].descriptor, NULL);

      g_test_add_data_func (path, &pairs[i], test_happy);
    }
  g_test_add_func ("/turn/result", test_result);
  g_test_add_func ("/turn/two-images", test_two_images);
  g_test_add_func ("/turn/stream", test_stream);
  g_test_add_func ("/turn/arguments", test_arguments);
  g_test_add_func ("/turn/keys", test_keys);
  g_test_add_func ("/turn/no-picture", test_no_picture);
  g_test_add_func ("/turn/no-record", test_no_record);
  for (gsize i = 0; i < G_N_ELEMENTS (troubles); i++)
    {
      g_autofree char *path = g_strconcat ("/turn/trouble/", troubles[i].name, NULL);

      g_test_add_data_func (path, &troubles[i], test_trouble);
    }
  g_test_add_func ("/turn/refused-port", test_refused_port);
  for (gsize i = 0; i < G_N_ELEMENTS (lost); i++)
    {
      g_autofree char *path = g_strdup_printf ("/turn/recover/%" G_GSIZE_FORMAT, i);

      g_test_add_data_func (path, lost[i], test_recover);
    }
  g_test_add_func ("/turn/recover/other", test_recover_other);
  g_test_add_func ("/turn/recover/own-id", test_own_id);
  g_test_add_func ("/turn/recover/own-id-unknown", test_own_id_unknown);
  for (gsize i = 0; i < G_N_ELEMENTS (cancellable); i++)
    {
      g_autofree char *path = g_strconcat ("/turn/cancel/", cancellable[i].descriptor, NULL);

      g_test_add_data_func (path, &cancellable[i], test_cancel);
    }
  g_test_add_func ("/turn/cancel/early", test_cancel_early);
  g_test_add_func ("/turn/cancel/in-submit", test_cancel_in_submit);
  g_test_add_func ("/turn/cancel/ignored", test_cancel_ignored);
  g_test_add_func ("/turn/leave-and-resume", test_leave_and_resume);
  g_test_add_func ("/turn/resume-by-link", test_resume_by_link);
  g_test_add_func ("/turn/key", test_key_is_nowhere);
  g_test_add_func ("/turn/probe", test_probe);

  status = g_test_run ();
  turn_fixture_end ();
  return status;
}
