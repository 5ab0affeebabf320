/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "odd-server.h"

#include <json-glib/json-glib.h>

void
odd_forget_proxies (void)
{
  static const char *const variables[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                           "ALL_PROXY",  "no_proxy",    "NO_PROXY" };

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
}

void
odd_server_start (OddServer *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDataInputStream) lines = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *line = NULL;
  JsonObject *said;

  self->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                                    &error, "/usr/bin/python3", g_getenv ("ODD_SERVER"), NULL);
  g_assert_no_error (error);

  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  line = g_data_input_stream_read_line (lines, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (line);

  node = json_from_string (line, &error);
  g_assert_no_error (error);
  said = json_node_get_object (node);
  self->http = (guint) json_object_get_int_member (said, "http");
  self->https = (guint) json_object_get_int_member (said, "https");
  self->self_signed = (guint) json_object_get_int_member (said, "self_signed");
  self->wrong_host = (guint) json_object_get_int_member (said, "wrong_host");
  self->refused = (guint) json_object_get_int_member (said, "refused");
  self->ca_file = g_strdup (json_object_get_string_member (said, "ca"));
}

void
odd_server_stop (OddServer *self)
{
  g_output_stream_close (g_subprocess_get_stdin_pipe (self->process), NULL, NULL);
  g_subprocess_wait (self->process, NULL, NULL);
  g_clear_object (&self->process);
  g_clear_pointer (&self->ca_file, g_free);
}

EspHttpRequest *
odd_request (const char *method, guint port, const char *path)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u%s", port, path);
  EspHttpRequest *request = esp_http_request_new (method, url);

  esp_http_request_set_private_ok (request, TRUE);

  return request;
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

EspHttpAnswer *
odd_fetch (EspHttp *http, EspHttpRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_http_send_async (http, request, NULL, NULL, NULL, on_done, &result);
  esp_http_request_free (request);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return esp_http_send_finish (http, result, error);
}

void
odd_fail (EspHttp *http, EspHttpRequest *request, EspHttpError code)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *url = g_strdup (esp_http_request_get_url (request));
  g_autoptr (EspHttpAnswer) answer = odd_fetch (http, request, &error);

  g_test_message ("%s: %s", url, error != NULL ? error->message : "no error");
  g_assert_error (error, ESP_HTTP_ERROR, (int) code);
  g_assert_null (answer);
}

guint
odd_count (OddServer *self, EspHttp *http, const char *what)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer
      = odd_fetch (http, odd_request ("GET", self->http, "/stats"), &error);
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = odd_text (answer);
  node = json_from_string (text, &error);
  g_assert_no_error (error);

  return (guint) json_object_get_int_member_with_default (json_node_get_object (node), what, 0);
}

char *
odd_text (EspHttpAnswer *answer)
{
  gsize length;
  const char *bytes = g_bytes_get_data (answer->body, &length);

  return g_strndup (bytes, length);
}
