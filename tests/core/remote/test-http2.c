/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP/2, where Node.js is there to serve it. libcurl sends a request once more where an HTTP/2
 * server says that it did not look at it; ours must not be. */
#include <json-glib/json-glib.h>

#include "odd-server.h"

static OddServer server;
static EspHttp *http;
static guint port;

static EspHttpRequest *
new_request (const char *method, const char *path, gsize size)
{
  g_autofree char *url = g_strdup_printf ("https://localhost:%u%s", port, path);
  g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (size), size);
  EspHttpRequest *request = esp_http_request_new (method, url);

  esp_http_request_set_private_ok (request, TRUE);
  if (!g_str_equal (method, "GET"))
    esp_http_request_set_body (request, body, "application/json");

  return request;
}

static JsonObject *
fetch (const char *method, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = odd_fetch (http, new_request (method, path, 200000), &error);
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = odd_text (answer);
  node = json_from_string (text, &error);
  g_assert_no_error (error);

  return json_node_dup_object (node);
}

static void
assert_count (const char *what, gint64 count)
{
  g_autoptr (JsonObject) counts = fetch ("GET", "/counts");

  g_test_message ("%s", what);
  g_assert_cmpint (json_object_get_int_member_with_default (counts, what, 0), ==, count);
}

static void
test_version (void)
{
  g_autoptr (JsonObject) got = fetch ("GET", "/echo");
  g_autoptr (JsonObject) again = fetch ("GET", "/echo");
  g_autoptr (JsonObject) posted = fetch ("POST", "/echo");

  g_assert_cmpint (json_object_get_int_member (got, "version"), ==, 2);
  g_assert_cmpint (json_object_get_int_member (posted, "length"), ==, 200000);
  /* The second had the first's connection. */
  g_assert_cmpint (json_object_get_int_member (got, "sessions"), ==,
                   json_object_get_int_member (again, "sessions"));
}

static void
test_once (void)
{
  static const char *const paths[] = { "/refuse", "/fail", "/want-1", "/goaway", "/drop" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *what = g_strconcat ("POST ", paths[i], NULL);
      g_autofree char *downgraded = g_strconcat (what, " 1", NULL);

      odd_fail (http, new_request ("POST", paths[i], 200000), ESP_HTTP_ERROR_SENT);
      assert_count (what, 1);
      assert_count (downgraded, 0);
    }

  odd_fail (http, new_request ("POST", "/half", 200000), ESP_HTTP_ERROR_BROKEN);
  assert_count ("POST /half", 1);

  odd_fail (http, new_request ("POST", "/drop-early", 20 << 20), ESP_HTTP_ERROR_SENDING);
  assert_count ("POST /drop-early", 1);
}

static gboolean
start_node (GSubprocess **process)
{
  g_autofree char *node = g_find_program_in_path ("node");
  g_autofree char *folder = g_path_get_dirname (server.ca_file);
  g_autofree char *certificate = g_build_filename (folder, "good.pem", NULL);
  g_autofree char *key = g_build_filename (folder, "good.key", NULL);
  g_autoptr (GDataInputStream) lines = NULL;
  g_autoptr (JsonNode) said = NULL;
  g_autofree char *line = NULL;

  if (node == NULL)
    return FALSE;

  *process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL,
                               node, g_getenv ("H2_SERVER"), certificate, key, NULL);
  if (*process == NULL)
    return FALSE;

  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (*process));
  line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
  said = line != NULL ? json_from_string (line, NULL) : NULL;
  if (said == NULL)
    return FALSE;

  port = (guint) json_object_get_int_member (json_node_get_object (said), "port");

  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GSubprocess) process = NULL;
  int status = 0;

  g_test_init (&argc, &argv, NULL);
  odd_server_start (&server);
  if (start_node (&process))
    {
      http = esp_http_new ();
      esp_http_set_ca_file (http, server.ca_file);
      g_test_add_func ("/remote/http2/version", test_version);
      g_test_add_func ("/remote/http2/once", test_once);
      status = g_test_run ();
      g_clear_object (&http);
      g_output_stream_close (g_subprocess_get_stdin_pipe (process), NULL, NULL);
      g_subprocess_wait (process, NULL, NULL);
    }
  else
    {
      g_print ("1..0 # SKIP no Node.js to serve HTTP/2\n");
    }
  odd_server_stop (&server);

  return status;
}
