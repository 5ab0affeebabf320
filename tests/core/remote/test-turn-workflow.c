/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns with a server whose workflow is a setting, and which tells how things go over a WebSocket.
 * The latter where libcurl has it: elsewhere these are skipped. */
#include "turn-fixture.h"

#include <string.h>

#define COMFY "comfyui", "comfyui"

/* --- Workflows -------------------------------------------------------------------------------- */

#define LOAD(node)                                                                                 \
  "\"" node "\": {\"class_type\": \"LoadImage\", \"inputs\": {\"image\": "                         \
  "\"{{image.folder}}/{{image.name}}\"}}"
#define TEXT                                                                                       \
  "\"2\": {\"class_type\": \"CLIPTextEncode\", \"inputs\": {\"text\": \"{{param.prompt}}\", "      \
  "\"clip\": [\"1\", 0]}}"
#define SAVE(node)                                                                                 \
  "\"" node "\": {\"class_type\": \"SaveImage\", \"inputs\": {\"images\": [\"1\", 0], "            \
  "\"filename_prefix\": \"x\"}}"
#define SHOW(node)                                                                                 \
  "\"" node "\": {\"class_type\": \"PreviewImage\", \"inputs\": {\"images\": [\"1\", 0]}}"
#define WORDS(node)                                                                                \
  "\"" node "\": {\"class_type\": \"PreviewAny\", \"inputs\": {\"source\": [\"1\", 0]}}"

static TurnWorld *
world_with (const char *graph)
{
  TurnWorld *world = turn_world_new (COMFY, NULL, NULL);

  world->config = json_object_new ();
  json_object_set_string_member (world->config, "graph", graph);
  return world;
}

/* The nodes whose files were loaded, in their order. */
static char *
dup_loaded (TurnWorld *world)
{
  g_autoptr (JsonNode) log = turn_world_get_log (world);
  JsonArray *calls = json_node_get_array (log);
  g_autoptr (GString) nodes = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (calls); i++)
    {
      JsonObject *call = json_array_get_object_element (calls, i);
      const char *path = json_object_get_string_member (call, "path");
      const char *end = strstr (path, ".png");

      if (g_str_equal (json_object_get_string_member (call, "op"), "download") && end != NULL)
        {
          const char *node = end;

          while (node[-1] != '_')
            node--;
          g_string_append_printf (nodes, "%.*s ", (int) (end - node), node);
        }
    }
  return g_string_free (g_steal_pointer (&nodes), FALSE);
}

static void
expect_loaded (const char *graph, const char *nodes)
{
  g_autoptr (TurnWorld) world = world_with (graph);
  g_autofree char *loaded = NULL;

  turn_world_succeed (world);
  loaded = dup_loaded (world);
  g_assert_cmpstr (loaded, ==, nodes);
}

static void
test_outputs (void)
{
  expect_loaded ("{" LOAD ("1") "," TEXT "," SHOW ("3") "," SAVE ("4") "," WORDS ("5") "}", "4 ");
  expect_loaded (
      "{" LOAD ("1") "," TEXT "," SAVE ("9") "," SHOW ("12") "," SAVE ("10") "," SAVE ("10:2") "}",
      "9 10 10%3A2 ");
  /* Nothing but previews: these are wanted. */
  expect_loaded ("{" LOAD ("1") "," TEXT "," SHOW ("7") "," SHOW ("3") "," WORDS ("4") "}", "3 7 ");
}

static void
expect_refused (const char *graph, const char *words)
{
  g_autoptr (TurnWorld) world = world_with (graph);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = turn_world_run (world, &error);

  g_assert_null (result);
  g_assert_cmpint (esp_fault_error_get_report (error)->fault, ==, ESP_FAULT_ARGUMENT);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_nonnull (strstr (error->message, "API format"));
  g_assert_cmpint (turn_world_count (world, "upload"), ==, 0);
  g_assert_false (turn_world_has_record (world));
}

static void
test_form (void)
{
  expect_refused (
      "{\"id\": \"0\", \"nodes\": [{\"id\": 1, \"type\": \"LoadImage\"}], \"links\": [],"
      "\"version\": 0.4}",
      "class_type");
  expect_refused ("{}", "form");
  expect_refused ("[1]", "form");
  expect_refused (
      "{\"1\": {\"class_type\": \"LoadImage\", \"inputs\": {\"image\": \"a.png\"}}," SAVE ("2") "}",
      "{{image.name}}, {{param.prompt}}");
  expect_refused ("{" LOAD ("1") "," SAVE ("2") "}", ": {{param.prompt}}.");
  expect_refused ("{" TEXT "," SAVE ("3") "}", ": {{image.name}}.");
}

/* --- The WebSocket ---------------------------------------------------------------------------- */

/* The description, but a look only when an event says so. */
static void
look_at_events_only (TurnWorld *world)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = json_from_string (esp_provider_get_text (world->provider), &error);
  JsonObject *watch = json_object_get_object_member (json_node_get_object (root), "watch");
  JsonObject *interval = json_object_new ();
  g_autofree char *text = NULL;
  g_autoptr (GBytes) bytes = NULL;

  g_assert_no_error (error);
  json_object_set_int_member (interval, "first", 600000);
  json_object_set_int_member (interval, "max", 600000);
  json_object_set_object_member (watch, "interval_ms", interval);
  text = json_to_string (root, FALSE);
  bytes = g_bytes_new (text, strlen (text));
  g_clear_object (&world->provider);
  world->provider = esp_provider_new (bytes, "comfyui.json", FALSE, &error);
  g_assert_no_error (error);
}

static void
test_progress (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (COMFY, "{\"max_side\": 64, \"queue_ms\": 300, \"run_ms\": 1500}", NULL);

  turn_world_succeed (world);
  g_assert_cmpuint (world->n_fractions, >=, 2);
  g_assert_cmpuint (world->n_previews, ==, 2);
  g_assert_cmpint (turn_world_count (world, "events"), ==, 1);
  g_assert_cmpint (world->position, ==, -1);
}

/* Success and failure are told a moment before the history shows them. */
static void
test_poll_now (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (COMFY, "{\"max_side\": 64, \"queue_ms\": 300, \"run_ms\": 600}", NULL);
  g_autoptr (TurnWorld) failed
      = turn_world_new (COMFY, "{\"max_side\": 64, \"queue_ms\": 300, \"run_ms\": 600}",
                        "[{\"where\": \"job\", \"kind\": \"failed\"}]");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;

  look_at_events_only (world);
  turn_world_succeed (world);
  g_assert_cmpint (turn_world_count (world, "watch"), <=, 3);

  look_at_events_only (failed);
  result = turn_world_run (failed, &error);
  g_assert_null (result);
  g_assert_cmpint (esp_fault_error_get_report (error)->fault, ==, ESP_FAULT_SERVER);
  g_test_message ("%s", error->message);
  g_assert_cmpstr (esp_fault_error_get_report (error)->provider_message, ==,
                   "Allocation on device would exceed allowed memory.");
}

static void
test_queue (void)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (COMFY, "{\"max_side\": 64}",
                        "[{\"where\": \"job\", \"kind\": \"fine\", \"queue_ms\": 800, \"run_ms\": "
                        "500, \"ahead\": 2}]");

  turn_world_succeed (world);
  g_assert_cmpint (world->position, ==, 2);
  g_assert_cmpuint (world->phases & 1u << ESP_PHASE_RUNNING, !=, 0);
  g_assert_cmpuint (world->n_fractions, >=, 1);
}

static void
test_cancel_queued (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (
      COMFY, NULL, "[{\"where\": \"job\", \"kind\": \"fine\", \"queue_ms\": 60000, \"ahead\": 1}]");
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;

  world->cancel_at = ESP_PHASE_QUEUED;
  world->cancel_after_ms = 300;
  result = turn_world_run (world, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (turn_world_count (world, "cancel"), ==, 2);
  g_assert_cmpint (turn_world_count (world, "charges"), ==, 0);
  g_assert_false (turn_world_has_record (world));
  turn_world_check_manners (world);
}

static void
test_cancel_running (void)
{
  g_autoptr (TurnWorld) world = turn_world_new (COMFY, "{\"run_ms\": 60000}", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = NULL;

  world->cancel_at = ESP_PHASE_RUNNING;
  world->cancel_after_ms = 300;
  result = turn_world_run (world, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (world->n_fractions, >=, 1);
  g_assert_false (turn_world_has_record (world));
  turn_world_check_manners (world);
}

/* Losing the events loses nothing. */
static void
test_lost (void)
{
  g_autoptr (TurnWorld) dropped = turn_world_new (COMFY, "{\"max_side\": 64, \"run_ms\": 1500}",
                                                  "[{\"where\": \"events\", \"kind\": \"drop\"}]");
  g_autoptr (TurnWorld) again
      = turn_world_new (COMFY, "{\"max_side\": 64, \"run_ms\": 2500}",
                        "[{\"where\": \"events\", \"kind\": \"drop\", \"nth\": 1}]");
  g_autoptr (TurnWorld) refused
      = turn_world_new (COMFY, "{\"max_side\": 64, \"run_ms\": 500}",
                        "[{\"where\": \"events\", \"kind\": \"status\", \"status\": 403}]");
  g_autoptr (TurnWorld) silent
      = turn_world_new (COMFY, "{\"max_side\": 64, \"run_ms\": 500}",
                        "[{\"where\": \"events\", \"kind\": \"stalled\"}]");

  turn_world_succeed (dropped);
  g_assert_cmpint (turn_world_count (dropped, "events"), >=, 2);
  turn_world_succeed (again);
  g_assert_cmpint (turn_world_count (again, "events"), ==, 2);
  g_assert_cmpuint (again->n_fractions, >=, 1);
  turn_world_succeed (refused);
  g_assert_cmpint (turn_world_count (refused, "events"), >=, 1);
  turn_world_succeed (silent);
}

static void
test_with_socket (gconstpointer data)
{
  void (*func) (void) = *(void (*const *) (void)) data;

  if (esp_http_has_websockets ())
    func ();
  else
    g_test_skip ("this libcurl has no WebSockets");
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    void (*func) (void);
    const char *path;
  } sockets[] = {
    { test_progress, "/turn/socket/progress" },
    { test_poll_now, "/turn/socket/poll-now" },
    { test_queue, "/turn/socket/queue" },
    { test_cancel_queued, "/turn/socket/cancel-queued" },
    { test_cancel_running, "/turn/socket/cancel-running" },
    { test_lost, "/turn/socket/lost" },
  };
  int status;

  g_test_init (&argc, &argv, NULL);
  turn_fixture_begin ();

  g_test_add_func ("/turn/workflow/outputs", test_outputs);
  g_test_add_func ("/turn/workflow/form", test_form);
  for (gsize i = 0; i < G_N_ELEMENTS (sockets); i++)
    g_test_add_data_func (sockets[i].path, &sockets[i].func, test_with_socket);

  status = g_test_run ();
  turn_fixture_end ();
  return status;
}
