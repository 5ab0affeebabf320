/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transport over time: events, progress, cancelling, proxies, many at once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

#include "odd-server.h"

static OddServer server;
static EspHttp *http;

static gint may_answer, answered;

/* libcurl's name service: one name takes until it is told to go on. */
int
getaddrinfo (const char *node, const char *service, const struct addrinfo *hints,
             struct addrinfo **result)
{
  int (*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **)
      = (int (*) (const char *, const char *, const struct addrinfo *, struct addrinfo **)) dlsym (
          RTLD_NEXT, "getaddrinfo");

  if (g_strcmp0 (node, "slow.example") == 0)
    {
      while (!g_atomic_int_get (&may_answer))
        g_usleep (1000);
      g_atomic_int_set (&answered, 1);
      return EAI_NONAME;
    }

  return real (node, service, hints, result);
}

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

/* ---- events ---- */

static void
on_event (const char *event, const char *data, gpointer user_data)
{
  g_string_append_printf (user_data, "%s=%s|", event, data);
}

static EspHttpAnswer *
listen_to (const char *path, GString *events, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  EspHttpRequest *request = odd_request ("GET", server.http, path);

  esp_http_request_set_max_answer (request, 1 << 20);
  esp_http_listen_async (http, request, NULL, on_event, events, on_done, &result);
  esp_http_request_free (request);
  wait_for (&result);

  return esp_http_listen_finish (http, result, error);
}

static void
test_events (void)
{
  g_autoptr (GString) events = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = listen_to ("/events", events, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (answer->status, ==, 200);
  g_assert_cmpuint (g_bytes_get_size (answer->body), ==, 0);
  g_assert_cmpstr (events->str, ==, "first=eins\nzwei|message=drei|last=gr\xc3\xbcn|");
}

static void
test_events_elsewhere (void)
{
  g_autoptr (GString) events = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = listen_to ("/status?code=401", events, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (answer->status, ==, 401);
  text = odd_text (answer);
  g_assert_cmpstr (text, ==, "words");
  g_assert_cmpstr (events->str, ==, "");
}

static void
test_events_lost (void)
{
  g_autoptr (GString) events = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = listen_to ("/events-drop", events, &error);

  g_assert_error (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_BROKEN);
  g_assert_cmpstr (events->str, ==, "message=one|");
  g_clear_error (&error);

  answer = listen_to ("/events-endless", events, &error);
  g_assert_error (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_TOO_LARGE);
  g_assert_null (answer);
}

/* ---- progress ---- */

typedef struct
{
  gint64 sent, to_send, received, to_receive;
  guint calls;
} Progress;

static void
on_progress (gint64 sent, gint64 to_send, gint64 received, gint64 to_receive, gpointer data)
{
  Progress *progress = data;

  g_assert_cmpint (sent, >=, progress->sent);
  g_assert_cmpint (received, >=, progress->received);
  *progress = (Progress){ sent, to_send, received, to_receive, progress->calls + 1 };
}

static void
test_progress (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) other = NULL;
  g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (8 << 20), 8 << 20);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = NULL;
  g_autoptr (EspHttpAnswer) down = NULL;
  EspHttpRequest *request = odd_request ("POST", server.http, "/echo");
  Progress progress = { 0 };

  esp_http_request_set_body (request, body, "image/png");
  esp_http_send_async (http, request, NULL, on_progress, &progress, on_done, &result);
  esp_http_request_free (request);
  wait_for (&result);
  answer = esp_http_send_finish (http, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (progress.calls, >, 0);
  g_assert_cmpint (progress.sent, ==, 8 << 20);
  g_assert_cmpint (progress.to_send, ==, 8 << 20);

  memset (&progress, 0, sizeof progress);
  request = odd_request ("GET", server.http, "/bytes?size=4000000");
  esp_http_send_async (http, request, NULL, on_progress, &progress, on_done, &other);
  esp_http_request_free (request);
  wait_for (&other);
  down = esp_http_send_finish (http, other, &error);
  g_assert_no_error (error);
  g_assert_cmpint (progress.received, ==, 4000000);
  g_assert_cmpint (progress.to_receive, ==, 4000000);
}

/* ---- cancelling ---- */

static gboolean
on_time (gpointer data)
{
  g_cancellable_cancel (data);

  return G_SOURCE_REMOVE;
}

static void
cancel_at (EspHttp *pool, EspHttpRequest *request, guint milliseconds)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = NULL;
  gint64 began = g_get_monotonic_time ();

  if (milliseconds == 0)
    g_cancellable_cancel (cancellable);
  else
    g_timeout_add (milliseconds, on_time, cancellable);
  esp_http_send_async (pool, request, cancellable, NULL, NULL, on_done, &result);
  esp_http_request_free (request);
  wait_for (&result);
  answer = esp_http_send_finish (pool, result, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (answer);
  g_test_message ("cancelled after %.1f ms, over after %.1f ms", (double) milliseconds,
                  (double) (g_get_monotonic_time () - began) / 1000);
}

static void
test_cancel (void)
{
  static const char *const paths[] = { "/stall", "/stall-answer", "/endless", "/stall-upload" };
  g_autoptr (EspHttp) own = esp_http_new ();

  cancel_at (own, odd_request ("GET", server.http, "/echo"), 0);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      EspHttpRequest *request = odd_request ("POST", server.http, paths[i]);
      g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (8 << 20), 8 << 20);

      esp_http_request_set_body (request, body, NULL);
      esp_http_request_set_max_answer (request, (gsize) 4 << 30);
      cancel_at (own, request, 150);
    }

  /* While a name is looked up, which cannot be stopped: nobody waits for it. */
  cancel_at (own, esp_http_request_new ("GET", "http://slow.example/"), 150);
  g_clear_object (&own);
  g_atomic_int_set (&may_answer, 1);
  while (!g_atomic_int_get (&answered))
    g_usleep (1000);
}

static void
on_progress_cancel (gint64 sent, gint64 to_send, gint64 received, gint64 to_receive, gpointer data)
{
  g_cancellable_cancel (data);
}

/* From within what the transfer calls; and the pool is let go of meanwhile. */
static void
test_cancel_within (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  EspHttpRequest *request = odd_request ("GET", server.http, "/endless");
  EspHttp *own = esp_http_new ();

  esp_http_request_set_max_answer (request, (gsize) 4 << 30);
  esp_http_send_async (own, request, cancellable, on_progress_cancel, cancellable, on_done,
                       &result);
  esp_http_request_free (request);
  g_object_add_weak_pointer (G_OBJECT (own), (gpointer *) &own);
  g_object_unref (own);
  wait_for (&result);
  g_assert_null (g_task_propagate_pointer (G_TASK (result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (&result);
  g_assert_null (own);
}

/* ---- proxies ---- */

static guint
count_proxied (const char *url, const char *host)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = odd_fetch (http, esp_http_request_new ("GET", url), &error);
  g_autofree char *text = NULL;

  if (error != NULL)
    {
      g_test_message ("%s: %s", url, error->message);
      return 0;
    }
  text = odd_text (answer);
  g_assert_nonnull (strstr (text, host));

  return 1;
}

static void
test_proxy (void)
{
  g_autofree char *proxy = g_strdup_printf ("127.0.0.1:%u", server.http);
  g_autofree char *with_scheme = g_strconcat ("http://", proxy, NULL);
  EspHttpRequest *request;

  g_setenv ("http_proxy", proxy, TRUE);
  g_assert_cmpuint (count_proxied ("http://provider.invalid/x", "provider.invalid"), ==, 1);
  g_setenv ("no_proxy", "other.invalid, provider.invalid", TRUE);
  g_assert_cmpuint (count_proxied ("http://provider.invalid/x", "provider.invalid"), ==, 0);
  g_assert_cmpuint (count_proxied ("http://third.invalid/x", "third.invalid"), ==, 1);
  g_setenv ("no_proxy", "*", TRUE);
  g_assert_cmpuint (count_proxied ("http://third.invalid/x", "third.invalid"), ==, 0);
  g_unsetenv ("no_proxy");

  /* A proxy does not make a private address a public one. */
  odd_fail (http, esp_http_request_new ("GET", "http://10.0.0.1/x"), ESP_HTTP_ERROR_ADDRESS);

  /* This computer is never asked for through a proxy. */
  g_setenv ("http_proxy", "http://127.0.0.1:1", TRUE);
  request = odd_request ("GET", server.http, "/gzip");
  esp_http_answer_free (odd_fetch (http, request, NULL));
  g_unsetenv ("http_proxy");

  /* A tunnel that the proxy refuses, or a proxy that is not there: nothing was sent. */
  g_setenv ("https_proxy", with_scheme, TRUE);
  request = esp_http_request_new ("POST", "https://provider.invalid/x");
  g_assert_true (esp_http_request_add_header (request, "X-Key", "geheim", TRUE, NULL));
  odd_fail (http, request, ESP_HTTP_ERROR_CONNECT);
  g_free (with_scheme);
  with_scheme = g_strdup_printf ("http://127.0.0.1:%u", server.refused);
  g_setenv ("https_proxy", with_scheme, TRUE);
  odd_fail (http, esp_http_request_new ("POST", "https://provider.invalid/x"),
            ESP_HTTP_ERROR_CONNECT);
  g_unsetenv ("https_proxy");
}

/* ---- WebSockets ---- */

typedef struct
{
  GString *all;
  guint binary;
} Heard;

static void
on_message (GBytes *message, gboolean is_text, gpointer data)
{
  Heard *heard = data;

  if (is_text)
    g_string_append_printf (heard->all, "%.*s|", (int) g_bytes_get_size (message),
                            (const char *) g_bytes_get_data (message, NULL));
  else
    heard->binary += (guint) g_bytes_get_size (message);
}

static void
test_socket (void)
{
  g_autoptr (GString) all = g_string_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) lost = NULL;
  g_autoptr (GError) error = NULL;
  EspHttpRequest *request = odd_request ("GET", server.http, "/socket");
  Heard heard = { all, 0 };

  esp_http_socket_async (http, request, NULL, on_message, &heard, on_done, &result);
  wait_for (&result);
  if (!esp_http_has_websockets ())
    {
      g_assert_false (esp_http_socket_finish (http, result, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
      esp_http_request_free (request);
      g_test_skip ("this libcurl has no WebSockets");
      return;
    }
  g_assert_true (esp_http_socket_finish (http, result, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (all->str, ==, "eins|zwei|pong came|");
  g_assert_cmpuint (heard.binary, ==, 200000);
  esp_http_request_free (request);

  request = odd_request ("GET", server.http, "/echo");
  esp_http_socket_async (http, request, NULL, on_message, &heard, on_done, &lost);
  esp_http_request_free (request);
  wait_for (&lost);
  g_assert_false (esp_http_socket_finish (http, lost, &error));
  g_assert_error (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_BROKEN);
}

/* ---- many at once ---- */

typedef struct
{
  EspHttp *pool;
  const char *base;
  guint begun, done;
  gint64 last, longest;
} Load;

static gboolean
on_tick (gpointer data)
{
  Load *load = data;
  gint64 now = g_get_monotonic_time ();

  load->longest = MAX (load->longest, now - load->last);
  load->last = now;

  return G_SOURCE_CONTINUE;
}

static void begin_one (Load *load);

static void
on_one_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Load *load = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = esp_http_send_finish (load->pool, result, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (answer->body), ==, 300000);
  load->done++;
  begin_one (load);
}

static void
begin_one (Load *load)
{
  EspHttpRequest *request;
  g_autoptr (GBytes) body = NULL;
  g_autofree char *url = NULL;

  if (load->begun == 200)
    return;

  load->begun++;
  url = g_strconcat (load->base, "/bytes?size=300000&wait=0.02", NULL);
  request = esp_http_request_new (load->begun % 2 ? "POST" : "GET", url);
  esp_http_request_set_private_ok (request, TRUE);
  body = g_bytes_new_take (g_malloc0 (500000), 500000);
  if (load->begun % 2)
    esp_http_request_set_body (request, body, "application/json");
  esp_http_send_async (load->pool, request, NULL, NULL, NULL, on_one_done, load);
  esp_http_request_free (request);
}

static void
run_many (EspHttp *pool, const char *base)
{
  Load load = { pool, base, 0, 0, g_get_monotonic_time (), 0 };
  gint64 began = load.last;
  guint tick = g_timeout_add (2, on_tick, &load);

  for (guint i = 0; i < 50; i++)
    begin_one (&load);
  while (load.done < 200)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (tick);

  g_test_message ("%s: 200 transfers, 50 at a time: %.2f s, the main loop was busy for %.1f ms at "
                  "most",
                  base, (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC,
                  (double) load.longest / 1000);
}

static void
test_many (void)
{
  g_autofree char *base = g_strdup_printf ("http://127.0.0.1:%u", server.http);

  run_many (http, base);
}

static void
test_many_tls (void)
{
  g_autoptr (EspHttp) trusting = esp_http_new ();
  g_autofree char *base = g_strdup_printf ("https://localhost:%u", server.https);

  esp_http_set_ca_file (trusting, server.ca_file);
  run_many (trusting, base);
}

typedef struct
{
  GCancellable *cancellable;
  guint *left, *stopped;
} Fleeting;

static void
on_fleeting_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Fleeting *fleeting = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspHttpAnswer) answer = esp_http_send_finish (ESP_HTTP (source), result, &error);

  if (error != NULL)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      (*fleeting->stopped)++;
    }
  (*fleeting->left)--;
  g_object_unref (fleeting->cancellable);
  g_free (fleeting);
}

/* Cancelled at any moment: waiting, connecting, sending, receiving, done. */
static void
test_many_cancelled (void)
{
  EspHttp *own = esp_http_new ();
  guint left = 300, stopped = 0;

  for (guint i = 0; i < 300; i++)
    {
      EspHttpRequest *request
          = odd_request (i % 2 ? "POST" : "GET", server.http, "/bytes?size=100000&wait=0.005");
      g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (100000), 100000);
      Fleeting *fleeting = g_new0 (Fleeting, 1);

      *fleeting = (Fleeting){ g_cancellable_new (), &left, &stopped };
      if (i % 2)
        esp_http_request_set_body (request, body, NULL);
      esp_http_send_async (own, request, fleeting->cancellable, NULL, NULL, on_fleeting_done,
                           fleeting);
      esp_http_request_free (request);
      g_timeout_add_full (G_PRIORITY_DEFAULT, (guint) g_test_rand_int_range (0, 150), on_time,
                          g_object_ref (fleeting->cancellable), g_object_unref);
    }
  g_object_unref (own);
  while (left > 0)
    g_main_context_iteration (NULL, TRUE);

  g_test_message ("%u of 300 were cancelled", stopped);
  g_assert_cmpuint (stopped, >, 0);
}

int
main (int argc, char **argv)
{
  int status;

  odd_forget_proxies ();

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/remote/http/events/good", test_events);
  g_test_add_func ("/remote/http/events/none", test_events_elsewhere);
  g_test_add_func ("/remote/http/events/lost", test_events_lost);
  g_test_add_func ("/remote/http/progress", test_progress);
  g_test_add_func ("/remote/http/cancel", test_cancel);
  g_test_add_func ("/remote/http/cancel-within", test_cancel_within);
  g_test_add_func ("/remote/http/proxy", test_proxy);
  g_test_add_func ("/remote/http/socket", test_socket);
  g_test_add_func ("/remote/http/many/plain", test_many);
  g_test_add_func ("/remote/http/many/tls", test_many_tls);
  g_test_add_func ("/remote/http/many/cancelled", test_many_cancelled);

  odd_server_start (&server);
  http = esp_http_new ();
  status = g_test_run ();
  g_clear_object (&http);
  odd_server_stop (&server);

  return status;
}
