/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transport against a server that misbehaves: every error has its class, and nothing that may cost
 * money arrives twice. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <json-glib/json-glib.h>
#include <netdb.h>
#include <string.h>

#include "odd-server.h"

static OddServer server;
static EspHttp *http;

/* libcurl's name service: some names of the tests' own. */
int
getaddrinfo (const char *node, const char *service, const struct addrinfo *hints,
             struct addrinfo **result)
{
  int (*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **)
      = (int (*) (const char *, const char *, const struct addrinfo *, struct addrinfo **)) dlsym (
          RTLD_NEXT, "getaddrinfo");

  if (g_strcmp0 (node, "slow.example") == 0)
    {
      g_usleep (3 * G_USEC_PER_SEC);
      return EAI_NONAME;
    }
  if (g_strcmp0 (node, "nowhere.example") == 0)
    return EAI_NONAME;
  if (g_strcmp0 (node, "rebind.example") == 0 || g_strcmp0 (node, "proxy.example") == 0)
    return real ("127.0.0.1", service, hints, result);

  return real (node, service, hints, result);
}

static GBytes *
new_body (gsize size)
{
  guint8 *bytes = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) (i * 31 + i / 251);

  return g_bytes_new_take (bytes, size);
}

static EspHttpRequest *
post (const char *path, gsize size)
{
  EspHttpRequest *request = odd_request ("POST", server.http, path);
  g_autoptr (GBytes) body = new_body (size);

  esp_http_request_set_body (request, body, "application/json");

  return request;
}

static JsonObject *
echo (EspHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = odd_fetch (http, request, &error);
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (answer->status, ==, 200);
  text = odd_text (answer);
  node = json_from_string (text, &error);
  g_assert_no_error (error);

  return json_node_dup_object (node);
}

/* All values of a header that the server saw, joined with "|"; NULL where there was none. */
static char *
dup_seen (JsonObject *seen, const char *name)
{
  JsonArray *headers = json_object_get_array_member (seen, "headers");
  GString *all = NULL;

  for (guint i = 0; i < json_array_get_length (headers); i++)
    {
      JsonArray *pair = json_array_get_array_element (headers, i);

      if (g_ascii_strcasecmp (json_array_get_string_element (pair, 0), name) != 0)
        continue;
      if (all == NULL)
        all = g_string_new (NULL);
      else
        g_string_append_c (all, '|');
      g_string_append (all, json_array_get_string_element (pair, 1));
    }

  return all != NULL ? g_string_free (all, FALSE) : NULL;
}

static void
assert_seen (JsonObject *seen, const char *name, const char *value)
{
  g_autofree char *is = dup_seen (seen, name);

  g_test_message ("%s", name);
  g_assert_cmpstr (is, ==, value);
}

static void
test_get (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer
      = odd_fetch (http, odd_request ("GET", server.http, "/echo?a=b%20c"), &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (answer->status, ==, 200);
  g_assert_cmpstr (answer->content_type, ==, "application/json");
  g_assert_null (answer->location);
  g_assert_cmpfloat (answer->retry_after, <, 0);
  text = odd_text (answer);
  g_assert_cmpstr (g_hash_table_lookup (answer->headers, "content-length"), !=, NULL);
  g_assert_nonnull (strstr (text, "\"/echo?a=b%20c\""));
}

static void
test_headers (void)
{
  EspHttpRequest *request = post ("/echo", 10);
  g_autoptr (JsonObject) seen = NULL;
  g_autofree char *codings = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (
      esp_http_request_add_header (request, "Authorization", "Bearer geheim", TRUE, NULL));
  g_assert_true (esp_http_request_add_header (request, "X-Empty", "", FALSE, NULL));
  g_assert_true (esp_http_request_add_header (request, "Accept", "image/png", FALSE, NULL));
  g_assert_true (esp_http_request_add_header (request, "Content-Length", "3", FALSE, NULL));
  g_assert_true (
      esp_http_request_add_header (request, "Transfer-Encoding", "chunked", FALSE, NULL));
  g_assert_true (esp_http_request_add_header (request, "Host", "evil.example", FALSE, NULL));

  g_assert_false (esp_http_request_add_header (request, "X-A", "b\r\nX-C: d", TRUE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_null (strstr (error->message, "X-C"));
  g_clear_error (&error);
  g_assert_false (esp_http_request_add_header (request, "X-A: b", "c", FALSE, &error));
  g_clear_error (&error);
  g_assert_false (esp_http_request_add_header (request, "X A", "c", FALSE, &error));
  g_clear_error (&error);
  g_assert_false (esp_http_request_add_header (request, "", "c", FALSE, &error));
  g_clear_error (&error);
  g_assert_false (esp_http_request_add_header (request, "X-A", "\x1b[31m", FALSE, &error));

  seen = echo (request);
  g_assert_cmpstr (json_object_get_string_member (seen, "method"), ==, "POST");
  g_assert_cmpint (json_object_get_int_member (seen, "length"), ==, 10);
  assert_seen (seen, "Authorization", "Bearer geheim");
  assert_seen (seen, "X-Empty", "");
  assert_seen (seen, "Accept", "image/png");
  assert_seen (seen, "Content-Type", "application/json");
  assert_seen (seen, "Content-Length", "10");
  assert_seen (seen, "Transfer-Encoding", NULL);
  assert_seen (seen, "Expect", NULL);
  assert_seen (seen, "Cookie", NULL);
  assert_seen (seen, "Origin", NULL);
  assert_seen (seen, "X-C", NULL);
  codings = dup_seen (seen, "Accept-Encoding");
  g_assert_nonnull (strstr (codings, "gzip"));
}

static void
on_log (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  g_string_append (data, message);
  g_string_append_c (data, '\n');
}

/* No key, no query (signed links are keys, too), no body in any log. */
static void
test_logs (void)
{
  g_autoptr (GString) said = g_string_new (NULL);
  EspHttpRequest *request = post ("/echo?token=kanarie", 10);
  g_autoptr (GBytes) body = g_bytes_new_static ("\"kanarie\"", 9);
  guint handler = g_log_set_handler ("espalier-http", G_LOG_LEVEL_MASK, on_log, said);

  g_assert_true (
      esp_http_request_add_header (request, "Authorization", "Bearer kanarie", TRUE, NULL));
  esp_http_request_set_body (request, body, "application/json");
  json_object_unref (echo (request));

  request = odd_request ("POST", server.refused, "/x?token=kanarie");
  g_assert_true (esp_http_request_add_header (request, "X-Key", "kanarie", TRUE, NULL));
  odd_fail (http, request, ESP_HTTP_ERROR_CONNECT);

  g_log_remove_handler ("espalier-http", handler);
  g_assert_nonnull (strstr (said->str, "/echo"));
  g_assert_null (strstr (said->str, "kanarie"));
}

static void
assert_body (const char *method, gsize size, const char *type)
{
  EspHttpRequest *request = odd_request (method, server.http, "/echo");
  g_autoptr (GBytes) body = new_body (size);
  g_autofree char *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, body);
  g_autoptr (JsonObject) seen = NULL;

  esp_http_request_set_body (request, body, type);
  seen = echo (request);
  g_assert_cmpstr (json_object_get_string_member (seen, "method"), ==, method);
  g_assert_cmpstr (json_object_get_string_member (seen, "sha256"), ==, hash);
  assert_seen (seen, "Content-Type", type);
}

static void
test_bodies (void)
{
  g_autoptr (JsonObject) seen = NULL;

  assert_body ("POST", 0, "text/plain");
  assert_body ("POST", 1, NULL);
  assert_body ("POST", 65536, "image/png");
  assert_body ("PUT", 5 << 20, "image/jpeg");
  assert_body ("DELETE", 100, "application/json");

  seen = echo (odd_request ("DELETE", server.http, "/echo"));
  g_assert_cmpstr (json_object_get_string_member (seen, "method"), ==, "DELETE");
  g_assert_cmpint (json_object_get_int_member (seen, "length"), ==, 0);
  g_clear_pointer (&seen, json_object_unref);

  seen = echo (odd_request ("POST", server.http, "/echo"));
  assert_seen (seen, "Content-Length", "0");
  assert_seen (seen, "Content-Type", NULL);
}

static void
test_parts (void)
{
  EspHttpRequest *request = odd_request ("POST", server.http, "/echo");
  g_autoptr (GBytes) prompt = g_bytes_new_static ("gr\xc3\xbcn", 5);
  g_autoptr (GBytes) image = new_body (300000);
  g_autoptr (JsonObject) seen = NULL;
  g_autofree char *type = NULL;
  const char *body;

  g_assert_true (esp_http_request_add_header (request, "Content-Type", "text/plain", FALSE, NULL));
  esp_http_request_add_part (request, "prompt", prompt, NULL, NULL);
  esp_http_request_add_part (request, "image[]", image, "a\r\n\"b.png", "image/png");
  seen = echo (request);

  type = dup_seen (seen, "Content-Type");
  g_assert_true (g_str_has_prefix (type, "multipart/form-data; boundary="));
  g_assert_cmpint (json_object_get_int_member (seen, "length"), >, 300005);
  body = json_object_get_string_member (seen, "body");
  g_assert_nonnull (strstr (body, "name=\"prompt\"\r\n\r\ngr\xc3\x83\xc2\xbcn\r\n"));
  g_assert_nonnull (strstr (body, "name=\"image[]\"; filename=\"a__%22b.png\"\r\n"
                                  "Content-Type: image/png\r\n"));
}

static void
test_unpacked (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer
      = odd_fetch (http, odd_request ("GET", server.http, "/gzip"), &error);
  g_autoptr (EspHttpAnswer) hinted
      = odd_fetch (http, odd_request ("GET", server.http, "/hints"), NULL);
  g_autofree char *text = NULL;
  g_autofree char *after = NULL;

  g_assert_no_error (error);
  text = odd_text (answer);
  g_assert_cmpstr (text, ==, "unpacked");

  after = odd_text (hinted);
  g_assert_cmpstr (after, ==, "after hints");
  g_assert_cmpuint (hinted->status, ==, 200);
  g_assert_null (g_hash_table_lookup (hinted->headers, "x-kind"));
}

static void
test_status (void)
{
  static const guint codes[]
      = { 201, 202, 400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 502, 503 };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = g_strdup_printf ("/status?code=%u", codes[i]);
      g_autoptr (EspHttpAnswer) answer = odd_fetch (http, post (path, 10), &error);

      g_assert_no_error (error);
      g_assert_cmpuint (answer->status, ==, codes[i]);
      g_assert_cmpuint (g_bytes_get_size (answer->body), ==, 5);
    }
}

static void
test_redirect (void)
{
  static const struct
  {
    const char *to, *location;
  } cases[] = {
    { "https://b.example/x", "https://b.example/x" },
    { "file:///etc/passwd", "file:///etc/passwd" },
    { "//b.example/x", "http://b.example/x" },
  };
  g_autoptr (EspHttpAnswer) relative = NULL;
  g_autofree char *expected = g_strdup_printf ("http://127.0.0.1:%u/echo", server.http);
  const guint before = odd_count (&server, http, "GET /echo");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/redirect?to=", cases[i].to, NULL);
      g_autoptr (EspHttpAnswer) answer = odd_fetch (http, post (path, 10), NULL);

      g_assert_cmpuint (answer->status, ==, 302);
      g_assert_cmpstr (answer->location, ==, cases[i].location);
    }

  relative = odd_fetch (http, odd_request ("GET", server.http, "/redirect?to=/echo"), NULL);
  g_assert_cmpstr (relative->location, ==, expected);
  g_assert_cmpuint (odd_count (&server, http, "GET /echo"), ==, before);
}

static double
retry_after (const char *query)
{
  g_autofree char *path = g_strconcat ("/retry?", query, NULL);
  g_autoptr (EspHttpAnswer) answer = odd_fetch (http, odd_request ("GET", server.http, path), NULL);

  g_assert_cmpuint (answer->status, ==, 429);

  return answer->retry_after;
}

static void
test_retry_after (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) later = g_date_time_add_seconds (now, 100);
  g_autofree char *date
      = g_date_time_format (later, "Retry-After=%a,%%20%d%%20%b%%20%Y%%20%T%%20GMT");
  const double seconds = retry_after (date);

  g_assert_cmpfloat (retry_after ("x=y"), <, 0);
  g_assert_cmpfloat (retry_after ("Retry-After=7"), ==, 7);
  g_assert_cmpfloat (retry_after ("Retry-After=0.5"), ==, 0.5);
  g_assert_cmpfloat (retry_after ("Retry-After=-3"), <, 0);
  g_assert_cmpfloat (retry_after ("Retry-After=soon"), <, 0);
  g_assert_cmpfloat (retry_after ("Retry-After=nan"), <, 0);
  g_assert_cmpfloat (retry_after ("Retry-After=Wed,%2021%20Oct%202015%2007:28:00%20GMT"
                                  "&Date=Wed,%2021%20Oct%202015%2007:27:30%20GMT"),
                     ==, 30);
  g_assert_cmpfloat (retry_after ("Retry-After=Wed,%2021%20Oct%202015%2007:28:00%20GMT"), ==, 0);
  g_assert_true (seconds > 80 && seconds <= 100);
}

static void
test_connect_errors (void)
{
  EspHttpRequest *request;

  odd_fail (http, odd_request ("POST", server.refused, "/"), ESP_HTTP_ERROR_CONNECT);

  request = esp_http_request_new ("GET", "http://nowhere.example/");
  odd_fail (http, request, ESP_HTTP_ERROR_CONNECT);

  request = esp_http_request_new ("GET", "http://slow.example/");
  esp_http_request_set_timeouts (request, 1, 0, 0);
  odd_fail (http, request, ESP_HTTP_ERROR_CONNECT);

  request = esp_http_request_new ("GET", "http://slow.example/");
  esp_http_request_set_timeouts (request, 0, 0, 1);
  odd_fail (http, request, ESP_HTTP_ERROR_CONNECT);
}

static void
test_tls (void)
{
  g_autoptr (EspHttp) trusting = esp_http_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = NULL;
  EspHttpRequest *request;
  const guint ports[] = { server.https, server.self_signed, server.wrong_host };
  g_autofree char *url = g_strdup_printf ("https://localhost:%u/gzip", server.https);
  const guint before = odd_count (&server, http, "POST /echo");

  for (guint i = 0; i < G_N_ELEMENTS (ports); i++)
    {
      g_autofree char *bad = g_strdup_printf ("https://localhost:%u/echo", ports[i]);

      /* Without the authority's file nobody is trusted, with it those that it signed. */
      request = esp_http_request_new ("POST", bad);
      esp_http_request_set_private_ok (request, TRUE);
      odd_fail (http, request, ESP_HTTP_ERROR_TLS);
    }

  esp_http_set_ca_file (trusting, server.ca_file);
  for (guint i = 1; i < G_N_ELEMENTS (ports); i++)
    {
      g_autofree char *bad = g_strdup_printf ("https://localhost:%u/echo", ports[i]);

      request = esp_http_request_new ("POST", bad);
      esp_http_request_set_private_ok (request, TRUE);
      odd_fail (trusting, request, ESP_HTTP_ERROR_TLS);
    }
  g_assert_cmpuint (odd_count (&server, http, "POST /echo"), ==, before);

  for (guint i = 0; i < 3; i++)
    {
      request = esp_http_request_new (i == 1 ? "POST" : "GET", url);
      esp_http_request_set_private_ok (request, TRUE);
      answer = odd_fetch (trusting, request, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (answer->status, ==, 200);
      g_clear_pointer (&answer, esp_http_answer_free);
    }

  /* A handshake that never ends. */
  g_free (url);
  url = g_strdup_printf ("https://localhost:%u/echo", server.http);
  request = esp_http_request_new ("POST", url);
  esp_http_request_set_private_ok (request, TRUE);
  esp_http_request_set_timeouts (request, 1, 0, 0);
  odd_fail (trusting, request, ESP_HTTP_ERROR_CONNECT);
}

static void
test_addresses (void)
{
  static const char *const bad[]
      = { "http://127.0.0.1:%u/echo",  "http://localhost:%u/echo",
          "http://2130706433:%u/echo", "http://[::ffff:127.0.0.1]:%u/echo",
          "http://0.0.0.0:%u/echo",    "http://rebind.example:%u/echo",
          "ftp://127.0.0.1:%u/echo",   "http://u:p@127.0.0.1:%u/echo",
          "file:///etc/passwd?%u" };
  g_autofree char *rebind = g_strdup_printf ("http://rebind.example:%u/echo", server.http);
  EspHttpRequest *request = esp_http_request_new ("GET", rebind);
  guint before;

  /* Leaves a connection to be used again. */
  esp_http_request_set_private_ok (request, TRUE);
  json_object_unref (echo (request));
  before = odd_count (&server, http, "GET /echo");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GString) url = g_string_new (bad[i]);
      g_autofree char *port = g_strdup_printf ("%u", server.http);

      g_string_replace (url, "%u", port, 1);
      odd_fail (http, esp_http_request_new ("GET", url->str), ESP_HTTP_ERROR_ADDRESS);
    }

  g_assert_cmpuint (odd_count (&server, http, "GET /echo"), ==, before);
}

static void
test_lost (void)
{
  static const char *const paths[] = { "/reset-after-body", "/close-after-body" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *what = g_strconcat ("POST ", paths[i], NULL);

      odd_fail (http, post (paths[i], 100), ESP_HTTP_ERROR_SENT);
      odd_fail (http, post (paths[i], 3 << 20), ESP_HTTP_ERROR_SENT);
      g_assert_cmpuint (odd_count (&server, http, what), ==, 2);
    }

  odd_fail (http, post ("/reset-before-body", 50 << 20), ESP_HTTP_ERROR_SENDING);
  odd_fail (http, post ("/reset-before-body", 100), ESP_HTTP_ERROR_SENT);
  g_assert_cmpuint (odd_count (&server, http, "POST /reset-before-body"), ==, 2);
}

/* Large bodies over TLS and in parts: how much of them left is known there, too. */
static void
test_lost_while_sending (void)
{
  g_autoptr (EspHttp) trusting = esp_http_new ();
  g_autofree char *url = g_strdup_printf ("https://localhost:%u/reset-before-body", server.https);
  g_autoptr (GBytes) body = new_body (50 << 20);
  EspHttpRequest *request = esp_http_request_new ("POST", url);
  const guint before = odd_count (&server, http, "POST /reset-before-body");

  esp_http_set_ca_file (trusting, server.ca_file);
  esp_http_request_set_private_ok (request, TRUE);
  esp_http_request_set_body (request, body, "image/png");
  odd_fail (trusting, request, ESP_HTTP_ERROR_SENDING);

  request = odd_request ("POST", server.http, "/reset-before-body");
  esp_http_request_add_part (request, "image", body, "image.png", "image/png");
  odd_fail (http, request, ESP_HTTP_ERROR_SENDING);

  request = odd_request ("POST", server.http, "/reset-after-body");
  esp_http_request_add_part (request, "image", body, "image.png", "image/png");
  odd_fail (http, request, ESP_HTTP_ERROR_SENT);

  g_assert_cmpuint (odd_count (&server, http, "POST /reset-before-body"), ==, before + 2);
}

/* The server closes a connection at the instant of the second request on it. */
static void
test_reuse (void)
{
  g_autoptr (EspHttp) own = esp_http_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer
      = odd_fetch (own, odd_request ("GET", server.http, "/die-on-reuse"), &error);

  g_assert_no_error (error);
  g_clear_pointer (&answer, esp_http_answer_free);

  /* A POST has its own connection, and goes through. */
  answer = odd_fetch (own, post ("/die-on-reuse", 100), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (answer->status, ==, 200);
  g_assert_cmpuint (odd_count (&server, http, "POST /die-on-reuse"), ==, 1);
  g_clear_pointer (&answer, esp_http_answer_free);

  /* A GET may be sent once more, as libcurl does. */
  answer = odd_fetch (own, odd_request ("GET", server.http, "/die-on-reuse"), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (answer->status, ==, 200);
}

static void
test_broken (void)
{
  static const char *const paths[]
      = { "/half", "/bad-chunk", "/half-chunks", "/bad-gzip", "/not-http" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *what = g_strconcat ("POST ", paths[i], NULL);

      odd_fail (http, post (paths[i], 100), ESP_HTTP_ERROR_BROKEN);
      odd_fail (http, odd_request ("GET", server.http, paths[i]), ESP_HTTP_ERROR_BROKEN);
      g_assert_cmpuint (odd_count (&server, http, what), ==, 1);
    }
}

static void
test_surplus (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = odd_fetch (http, post ("/too-much", 100), &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = odd_text (answer);
  g_assert_cmpstr (text, ==, "12345");
}

static void
test_too_large (void)
{
  static const char *const paths[]
      = { "/bomb", "/gigabyte", "/endless", "/endless-headers", "/endless-hints" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      EspHttpRequest *request = post (paths[i], 100);

      esp_http_request_set_max_answer (request, 1 << 20);
      odd_fail (http, request, ESP_HTTP_ERROR_TOO_LARGE);
    }
}

static void
test_exactly_large (void)
{
  g_autoptr (GError) error = NULL;
  EspHttpRequest *request = odd_request ("GET", server.http, "/bytes?size=100000");
  g_autoptr (EspHttpAnswer) answer = NULL;

  esp_http_request_set_max_answer (request, 100000);
  answer = odd_fetch (http, request, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (answer->body), ==, 100000);

  request = odd_request ("GET", server.http, "/bytes?size=100001");
  esp_http_request_set_max_answer (request, 100000);
  odd_fail (http, request, ESP_HTTP_ERROR_TOO_LARGE);
}

static void
test_silence (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = NULL;
  EspHttpRequest *request = post ("/stall", 100);

  esp_http_request_set_timeouts (request, 0, 1, 0);
  odd_fail (http, request, ESP_HTTP_ERROR_SENT);

  request = post ("/stall", 100);
  esp_http_request_set_timeouts (request, 0, 0, 1);
  odd_fail (http, request, ESP_HTTP_ERROR_SENT);

  request = post ("/stall-answer", 100);
  esp_http_request_set_timeouts (request, 0, 1, 0);
  odd_fail (http, request, ESP_HTTP_ERROR_SENT);

  request = post ("/stall-upload", 50 << 20);
  esp_http_request_set_timeouts (request, 0, 1, 0);
  odd_fail (http, request, ESP_HTTP_ERROR_SENDING);

  request = odd_request ("GET", server.http, "/drip");
  esp_http_request_set_timeouts (request, 0, 1, 0);
  answer = odd_fetch (http, request, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (answer->body), ==, 32);
}

static void
test_early_refusal (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = odd_fetch (http, post ("/early-refusal", 20 << 20), &error);

  g_assert_no_error (error);
  g_assert_cmpuint (answer->status, ==, 413);
}

int
main (int argc, char **argv)
{
  int status;

  odd_forget_proxies ();

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/http/get", test_get);
  g_test_add_func ("/remote/http/headers", test_headers);
  g_test_add_func ("/remote/http/logs", test_logs);
  g_test_add_func ("/remote/http/bodies", test_bodies);
  g_test_add_func ("/remote/http/parts", test_parts);
  g_test_add_func ("/remote/http/unpacked", test_unpacked);
  g_test_add_func ("/remote/http/status", test_status);
  g_test_add_func ("/remote/http/redirect", test_redirect);
  g_test_add_func ("/remote/http/retry-after", test_retry_after);
  g_test_add_func ("/remote/http/connect-errors", test_connect_errors);
  g_test_add_func ("/remote/http/tls", test_tls);
  g_test_add_func ("/remote/http/addresses", test_addresses);
  g_test_add_func ("/remote/http/lost", test_lost);
  g_test_add_func ("/remote/http/lost-while-sending", test_lost_while_sending);
  g_test_add_func ("/remote/http/reuse", test_reuse);
  g_test_add_func ("/remote/http/broken", test_broken);
  g_test_add_func ("/remote/http/surplus", test_surplus);
  g_test_add_func ("/remote/http/too-large", test_too_large);
  g_test_add_func ("/remote/http/exactly-large", test_exactly_large);
  g_test_add_func ("/remote/http/silence", test_silence);
  g_test_add_func ("/remote/http/early-refusal", test_early_refusal);

  odd_server_start (&server);
  http = esp_http_new ();
  status = g_test_run ();
  g_clear_object (&http);
  odd_server_stop (&server);

  return status;
}
