/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "turn-fixture.h"

#include <signal.h>
#include <string.h>

#include <glib/gstdio.h>

#include "esp-picture.h"

static struct
{
  GSubprocess *process;
  char *control;
  char *home;
  EspHttp *http;
} fixture;

/* --- The server ------------------------------------------------------------------------------- */

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static JsonNode *
ask (const char *method, const char *path, const char *body)
{
  g_autofree char *url = g_strconcat (fixture.control, path, NULL);
  EspHttpRequest *request = esp_http_request_new (method, url);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (EspHttpAnswer) answer = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  JsonNode *root;

  esp_http_request_set_private_ok (request, TRUE);
  if (body != NULL)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));

      esp_http_request_set_body (request, bytes, "application/json");
    }
  esp_http_send_async (fixture.http, request, NULL, NULL, NULL, on_done, &result);
  esp_http_request_free (request);
  wait_for (&result);
  answer = esp_http_send_finish (fixture.http, result, &error);
  g_assert_no_error (error);

  text = g_strndup (g_bytes_get_data (answer->body, NULL), g_bytes_get_size (answer->body));
  if (answer->status != 200)
    g_error ("%s %s: %u %s", method, path, answer->status, text);
  root = json_from_string (text, &error);
  g_assert_no_error (error);
  return root;
}

void
turn_fixture_begin (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDataInputStream) lines = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *line = NULL;

  fixture.home = g_dir_make_tmp ("espalier-turn-XXXXXX", &error);
  g_assert_no_error (error);
  g_setenv ("XDG_DATA_HOME", fixture.home, TRUE);
  g_setenv ("ESPALIER_TIME_SCALE", "0.05", FALSE);
  fixture.process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "/usr/bin/python3",
                                      g_getenv ("FAKE_PROVIDER"), "--provider", "runpod", NULL);
  g_assert_no_error (error);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (fixture.process));
  line = g_data_input_stream_read_line (lines, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (line);
  root = json_from_string (line, &error);
  g_assert_no_error (error);
  fixture.control
      = g_strdup (json_object_get_string_member (json_node_get_object (root), "control"));
  fixture.http = esp_http_new ();
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        remove_folder (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

void
turn_fixture_end (void)
{
  g_clear_object (&fixture.http);
  g_subprocess_send_signal (fixture.process, SIGTERM);
  g_subprocess_wait (fixture.process, NULL, NULL);
  g_clear_object (&fixture.process);
  remove_folder (fixture.home);
  g_clear_pointer (&fixture.home, g_free);
  g_clear_pointer (&fixture.control, g_free);
}

EspHttp *
turn_fixture_get_http (void)
{
  return fixture.http;
}

/* --- Worlds ----------------------------------------------------------------------------------- */

static GBytes *
make_picture (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) picture = esp_picture_new (480, 320, &error);
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  GBytes *bytes;

  g_assert_no_error (error);
  for (int i = 0; i < 480 * 320 * 3; i++)
    picture->pixels[i] = (guint8) (i * 7 + i / 1440);
  bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  return bytes;
}

TurnWorld *
turn_world_new (const char *descriptor, const char *fake, const char *options, const char *faults)
{
  TurnWorld *world = g_new0 (TurnWorld, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *file = g_strconcat (descriptor, ".json", NULL);
  g_autofree char *path
      = g_build_filename (g_getenv ("ESPALIER_DATA_DIR"), "providers", file, NULL);
  g_autofree char *asked = g_strdup_printf (
      "{\"provider\": \"%s\", \"options\": %s, \"faults\": %s}", fake,
      options != NULL ? options : "{\"max_side\": 96}", faults != NULL ? faults : "[]");
  g_autoptr (JsonNode) root = ask ("POST", "/_fake/worlds", asked);
  JsonObject *object = json_node_get_object (root);

  world->number = (int) json_object_get_int_member (object, "world");
  world->base_url = g_strdup (json_object_get_string_member (object, "base_url"));
  world->key = g_strdup (json_object_get_string_member_with_default (object, "key", NULL));
  world->provider = esp_provider_new_from_file (path, FALSE, &error);
  g_assert_no_error (error);
  world->parameters = json_object_new ();
  json_object_set_string_member (world->parameters, "prompt", "Make it snow — \"x\" 50 %");
  world->images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_ptr_array_add (world->images, make_picture ());
  world->id = g_uuid_string_random ();
  world->patience = 20;
  world->cancel_at = world->position = -1;
  world->notes = g_ptr_array_new_with_free_func (g_free);
  return world;
}

void
turn_world_free (TurnWorld *world)
{
  g_autofree char *asked = g_strdup_printf ("{\"world\": %d}", world->number);
  g_autoptr (JsonNode) root = ask ("POST", "/_fake/close", asked);

  g_clear_object (&world->cancellable);
  g_clear_object (&world->provider);
  g_clear_pointer (&world->parameters, json_object_unref);
  g_clear_pointer (&world->config, json_object_unref);
  g_clear_pointer (&world->client, json_object_unref);
  g_ptr_array_unref (world->images);
  g_ptr_array_unref (world->notes);
  g_free (world->base_url);
  g_free (world->key);
  g_free (world->id);
  g_free (world->job_id);
  g_free (world);
}

static JsonNode *
get_counts (TurnWorld *world)
{
  g_autofree char *path = g_strdup_printf ("/_fake/%d/count", world->number);

  return ask ("GET", path, NULL);
}

int
turn_world_count (TurnWorld *world, const char *what)
{
  g_autoptr (JsonNode) root = get_counts (world);
  JsonObject *object = json_node_get_object (root);

  if (json_object_has_member (object, what))
    return (int) json_object_get_int_member (object, what);
  return (int) json_object_get_int_member_with_default (
      json_object_get_object_member (object, "operations"), what, 0);
}

JsonNode *
turn_world_get_log (TurnWorld *world)
{
  g_autofree char *path = g_strdup_printf ("/_fake/%d/log", world->number);

  return ask ("GET", path, NULL);
}

void
turn_world_set_faults (TurnWorld *world, const char *faults)
{
  g_autofree char *path = g_strdup_printf ("/_fake/%d/faults", world->number);
  g_autoptr (JsonNode) gone = ask ("DELETE", path, NULL);
  g_autoptr (JsonNode) set = faults != NULL ? ask ("POST", path, faults) : NULL;
}

void
turn_world_let_go (TurnWorld *world)
{
  g_autofree char *path = g_strdup_printf ("/_fake/%d/options", world->number);
  g_autoptr (JsonNode) set = ask ("POST", path, "{\"hold\": \"\"}");
}

void
turn_world_check_manners (TurnWorld *world)
{
  g_autoptr (JsonNode) root = get_counts (world);
  JsonArray *violations = json_object_get_array_member (json_node_get_object (root), "violations");

  for (guint i = 0; i < json_array_get_length (violations); i++)
    g_test_message ("%s", json_array_get_string_element (violations, i));
  g_assert_cmpuint (json_array_get_length (violations), ==, 0);
}

gboolean
turn_world_has_record (TurnWorld *world)
{
  g_autoptr (GPtrArray) records = esp_journal_list ();

  for (guint i = 0; i < records->len; i++)
    {
      if (g_str_equal (esp_record_get_id (records->pdata[i]), world->id))
        return TRUE;
    }
  return FALSE;
}

/* --- Turns ------------------------------------------------------------------------------------ */

static gboolean
on_cancel_time (gpointer data)
{
  TurnWorld *world = data;

  g_cancellable_cancel (world->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_news (const EspRemoteNews *news, gpointer data)
{
  TurnWorld *world = data;

  if (world->cancel_at == (int) news->phase && (world->phases & (1u << news->phase)) == 0)
    g_timeout_add ((guint) world->cancel_after_ms, on_cancel_time, world);
  world->phases |= 1u << news->phase;
  if (news->note != NULL)
    g_ptr_array_add (world->notes, g_strdup (news->note));
  if (news->preview != NULL)
    world->n_previews++;
  if (news->job_id != NULL)
    {
      g_free (world->job_id);
      world->job_id = g_strdup (news->job_id);
    }
  g_assert_cmpfloat (news->fraction, <=, 1);
  if (news->phase == ESP_PHASE_RUNNING && news->fraction > 0)
    world->n_fractions++;
  if (news->phase == ESP_PHASE_QUEUED)
    world->position = MAX (world->position, news->position);
}

static void
reset (TurnWorld *world)
{
  if (world->cancellable != NULL && !g_cancellable_is_cancelled (world->cancellable))
    return;
  g_clear_object (&world->cancellable);
  world->cancellable = g_cancellable_new ();
  world->phases = 0;
}

EspRemoteResult *
turn_world_run (TurnWorld *world, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  EspRemoteRequest request = { .provider = world->provider,
                               .account = "account",
                               .base_url = world->base_url,
                               .config = world->config,
                               .key = world->key,
                               .images = world->images,
                               .parameters = world->parameters,
                               .id = world->id,
                               .client = world->client,
                               .patience = world->patience };

  reset (world);
  esp_remote_turn_start_async (fixture.http, &request, world->cancellable, on_news, world, on_done,
                               &result);
  wait_for (&result);
  return esp_remote_turn_start_finish (result, error);
}

EspRemoteResult *
turn_world_resume (TurnWorld *world, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  reset (world);
  world->cancel_at = -1;
  esp_remote_turn_resume_async (fixture.http, world->id, world->key, world->patience,
                                world->cancellable, on_news, world, on_done, &result);
  wait_for (&result);
  return esp_remote_turn_resume_finish (result, error);
}

void
turn_world_succeed (TurnWorld *world)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = turn_world_run (world, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (result->images->len, >=, 1);
  g_assert_true (turn_world_has_record (world));
  g_assert_true (esp_remote_turn_settle (world->id, &error));
  g_assert_no_error (error);
  g_assert_false (turn_world_has_record (world));
  g_assert_cmpint (turn_world_count (world, "accepted"), ==, 1);
  turn_world_check_manners (world);
}

void
turn_world_fail (TurnWorld *world, EspFault fault, EspCharged charged)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRemoteResult) result = turn_world_run (world, &error);
  const EspFaultReport *report = esp_fault_error_get_report (error);

  g_assert_null (result);
  g_test_message ("%s", error->message);
  g_assert_nonnull (report);
  g_assert_cmpstr (esp_fault_to_string (report->fault), ==, esp_fault_to_string (fault));
  g_assert_cmpint (report->charged, ==, charged);
  g_assert_cmpint (report->kept, ==, turn_world_has_record (world));
  g_assert_null (strstr (error->message, world->key != NULL ? world->key : "\x01"));
}
