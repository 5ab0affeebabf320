/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole turn with a provider whose server says anything. The first byte says which of the shipped
 * descriptors (ESP_FUZZ_PROVIDERS) the turn follows; then come the answers, one for each request in
 * the order in which they arrive: a byte for the status, one for the headers, and a body up to a
 * zero byte, in which "@@" stands for the server's address. When there are no more, the person
 * stops the turn. */
#include "fuzz-core.h"

#include "esp-remote-private.h"

#define ANSWERS_MAX 24
#define TURN_ID     "0e5ca11e-0000-4000-8000-00000000f022"

/* Of the second byte. */
#define TYPE        7 /* which of the types */
#define RETRY_AFTER 8
#define LOCATION    16
#define PICTURE     32 /* the body is a picture that can be read */
#define VERBATIM    64 /* the body is all that is sent, with its head */

static const char *const types[] = {
  "application/json", "text/event-stream",        "text/plain", "image/png",
  "text/html",        "application/octet-stream", NULL,         "application/json; charset=utf-8"
};

static const guint statuses[] = { 200, 200, 200, 201, 202, 204, 301, 302, 307, 400, 401, 402, 403,
                                  404, 408, 409, 410, 413, 422, 425, 429, 500, 502, 503, 504 };

/* --- The server --------------------------------------------------------------------------------
 */

static struct
{
  GSocket *listener;
  char *address; /* http://127.0.0.1:PORT */
  GBytes *picture;
  GMutex lock;
  FuzzInput input;           /* what is left to be answered */
  guint answers;             /* given */
  GCancellable *cancellable; /* of the turn; NULL: none is under way */
} server;

static gboolean
on_exhausted (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static GByteArray *
make_answer (FuzzInput *input)
{
  GByteArray *answer = g_byte_array_new ();
  guint status = statuses[fuzz_take_byte (input) % G_N_ELEMENTS (statuses)];
  guint headers = fuzz_take_byte (input);
  g_autofree char *text = fuzz_take_text (input);
  g_auto (GStrv) parts = g_strsplit (text, "@@", -1);
  g_autofree char *body = g_strjoinv (server.address, parts);
  g_autoptr (GString) head = g_string_new (NULL);
  gsize length = strlen (body);
  const void *bytes = body;

  if ((headers & PICTURE) != 0)
    bytes = g_bytes_get_data (server.picture, &length);
  if ((headers & VERBATIM) == 0)
    {
      g_string_append_printf (
          head, "HTTP/1.1 %u Word\r\nConnection: close\r\nContent-Length: %zu\r\n", status, length);
      if (types[headers & TYPE] != NULL)
        g_string_append_printf (head, "Content-Type: %s\r\n", types[headers & TYPE]);
      if ((headers & RETRY_AFTER) != 0)
        g_string_append (head, "Retry-After: 0\r\n");
      if ((headers & LOCATION) != 0)
        g_string_append_printf (head, "Location: %s/elsewhere\r\n", server.address);
      g_string_append (head, "\r\n");
      g_byte_array_append (answer, (const guint8 *) head->str, (guint) head->len);
    }
  g_byte_array_append (answer, bytes, (guint) length);
  return answer;
}

/* Reads a request whole: its head, and as much as that says. FALSE: it broke off. */
static gboolean
read_request (GSocket *connection)
{
  g_autoptr (GString) request = g_string_new (NULL);
  const char *end = NULL, *length;
  gsize wanted = G_MAXSIZE;
  char bytes[16384];
  gssize n;

  while (end == NULL || request->len < wanted)
    {
      n = g_socket_receive (connection, bytes, sizeof bytes, NULL, NULL);
      if (n <= 0)
        return FALSE;
      g_string_append_len (request, bytes, n);
      if (end == NULL && (end = strstr (request->str, "\r\n\r\n")) != NULL)
        {
          length = strstr (request->str, "Content-Length: ");
          wanted = (gsize) (end + 4 - request->str)
                   + (length != NULL && length < end ? strtoul (length + 16, NULL, 10) : 0);
          if (strstr (request->str, "Expect: 100-continue") != NULL)
            g_socket_send (connection, "HTTP/1.1 100 Continue\r\n\r\n", 25, NULL, NULL);
        }
    }
  return TRUE;
}

static gpointer
serve (gpointer data)
{
  GSocket *connection;

  while ((connection = g_socket_accept (server.listener, NULL, NULL)) != NULL)
    {
      g_autoptr (GByteArray) answer = NULL;

      if (read_request (connection))
        {
          g_mutex_lock (&server.lock);
          if (server.cancellable != NULL && server.input.size > 0 && server.answers++ < ANSWERS_MAX)
            answer = make_answer (&server.input);
          else if (server.cancellable != NULL)
            g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, on_exhausted,
                                        g_object_ref (server.cancellable), g_object_unref);
          g_mutex_unlock (&server.lock);
        }
      for (guint at = 0; answer != NULL && at < answer->len;)
        {
          gssize n = g_socket_send (connection, (const char *) answer->data + at, answer->len - at,
                                    NULL, NULL);

          if (n <= 0)
            break;
          at += (guint) n;
        }
      g_socket_close (connection, NULL);
      g_object_unref (connection);
    }
  return NULL;
}

static void
begin_serving (void)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  server.listener
      = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  PROMISE (server.listener != NULL && g_socket_bind (server.listener, address, TRUE, NULL)
           && g_socket_listen (server.listener, NULL));
  bound = g_socket_get_local_address (server.listener, NULL);
  server.address = g_strdup_printf ("http://127.0.0.1:%u",
                                    g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  g_thread_unref (g_thread_new ("server", serve, NULL));
}

/* --- The turn ----------------------------------------------------------------------------------
 */

static EspHttp *http;
static GPtrArray *providers; /* of EspProvider */

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static void
load_providers (void)
{
  g_autoptr (GDir) folder = g_dir_open (ESP_FUZZ_PROVIDERS, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  PROMISE (folder != NULL);
  while ((name = g_dir_read_name (folder)) != NULL)
    if (g_str_has_suffix (name, ".json") && !g_str_equal (name, "schema.json"))
      g_ptr_array_add (names, g_build_filename (ESP_FUZZ_PROVIDERS, name, NULL));
  g_ptr_array_sort (names, by_name);
  providers = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < names->len; i++)
    {
      EspProvider *provider = esp_provider_new_from_file (names->pdata[i], FALSE, NULL);

      PROMISE (provider != NULL);
      g_ptr_array_add (providers, provider);
    }
}

static void
begin (void)
{
  char *data;
  gsize size;

  fuzz_home ();
  g_setenv ("ESPALIER_TIME_SCALE", "0.0001", TRUE);
  g_setenv ("no_proxy", "127.0.0.1", TRUE);
  load_providers ();
  PROMISE (g_file_get_contents (ESP_FUZZ_PICTURE, &data, &size, NULL));
  server.picture = g_bytes_new_take (data, size);
  begin_serving ();
  http = esp_http_new ();
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
on_news (const EspRemoteNews *news, gpointer data)
{
  PROMISE (esp_phase_to_string (news->phase) != NULL);
  PROMISE (news->fraction == news->fraction && news->fraction <= 1);
  PROMISE (news->position >= -1 && news->seconds_left == news->seconds_left);
}

static void
check_result (EspRemoteResult *result)
{
  if (result == NULL)
    return;
  PROMISE (result->images->len > 0 && result->cost == result->cost);
  for (guint i = 0; i < result->images->len; i++)
    {
      const EspReceivedImage *image = result->images->pdata[i];

      PROMISE (image->width > 0 && image->height > 0 && image->bytes != NULL);
    }
  PROMISE (result->job_id == NULL || g_utf8_validate (result->job_id, -1, NULL));
}

static void
run_turn (EspProvider *provider, GCancellable *cancellable)
{
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (GPtrArray) images = g_ptr_array_new ();
  g_autoptr (GAsyncResult) done = NULL;
  g_autoptr (EspRemoteResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspRemoteRequest request = { .provider = provider,
                               .base_url = server.address,
                               .base_is_own = TRUE,
                               .key = "a-key-of-nobody",
                               .images = images,
                               .parameters = parameters,
                               .id = TURN_ID,
                               .patience = 20 };

  g_ptr_array_add (images, server.picture);
  json_object_set_string_member (parameters, "prompt", "Make it snow");
  esp_remote_turn_start_async (http, &request, cancellable, on_news, NULL, on_done, &done);
  while (done == NULL)
    g_main_context_iteration (NULL, TRUE);
  result = esp_remote_turn_start_finish (done, &error);
  fuzz_check_error (result != NULL, &error);
  check_result (result);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint which;

  if (providers == NULL)
    begin ();
  esp_remote_turn_set_cancel_there (cancellable, size % 2 == 0);
  g_mutex_lock (&server.lock);
  server.input = (FuzzInput){ data, size };
  which = fuzz_take_byte (&server.input);
  server.answers = 0;
  server.cancellable = cancellable;
  g_mutex_unlock (&server.lock);

  run_turn (providers->pdata[which % providers->len], cancellable);

  g_mutex_lock (&server.lock);
  server.input.size = 0;
  server.cancellable = NULL;
  g_mutex_unlock (&server.lock);
  esp_remote_turn_settle (TURN_ID, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  return 0;
}
