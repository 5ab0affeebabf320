/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole turn with a provider whose server says anything. The first byte says which of the shipped
 * descriptors (ESP_FUZZ_PROVIDERS) the turn follows, the second what is wanted; where that says so,
 * a stream of events follows, which whoever listens gets after so many answers (a byte), up to a
 * zero byte. Then come the
 * answers, one for each request in the order in which they arrive: a byte for the status, one for
 * the headers, and a body up to a zero byte, in which "@@" stands for the server's address and "@#"
 * for a picture in base64. Instead of a status there may be something that happens then (STOP,
 * RESET). When there are no more answers, the person stops the turn. What is left when it has ended
 * is for going on with it. tools/reference/provider-answers.py writes such inputs of what the acted
 * providers (tests/servers) say. */
#include "fuzz-core.h"

#include "esp-remote-private.h"

#define ANSWERS_MAX 24
#define ROUNDS_MAX  4 /* the turn, and going on with it */
#define TURN_ID     "0e5ca11e-0000-4000-8000-00000000f022"

/* What is wanted. */
#define CANCEL_THERE 1 /* in the end the provider is asked to stop */
#define REFERENCE    2 /* a second picture */
#define SEED         4
#define TWO          8
#define EVENTS       16

/* Instead of a status. */
#define STOP  0xff /* the person waits no longer, and goes on with the turn later */
#define RESET 0xfe /* no answer */

/* Of the byte for the headers. */
#define TYPE        7 /* which of the types */
#define RETRY_AFTER 8
#define LOCATION    16
#define PICTURE     32 /* the body is a picture: which; then each three bytes replace one of it */
#define VERBATIM    64 /* the body is all that is sent, with its head */

static const char *const types[] = {
  "application/json", "text/event-stream",        "text/plain", "image/png",
  "text/html",        "application/octet-stream", NULL,         "application/json; charset=utf-8"
};

static const guint statuses[] = { 200, 200, 200, 201, 202, 204, 301, 302, 307, 400, 401, 402, 403,
                                  404, 408, 409, 410, 413, 422, 425, 429, 500, 502, 503, 504 };

static const char *const picture_names[]
    = { "rgb.png",   "plain.jpg", "lossy.webp",     "lossless.webp",
        "exif.webp", "still.gif", "no-loader.avif", "grey.png" };

/* --- The server --------------------------------------------------------------------------------
 */

static struct
{
  GSocket *listener;
  char *address; /* http://127.0.0.1:PORT */
  GBytes *pictures[G_N_ELEMENTS (picture_names)];
  char *base64; /* of the first */
  GMutex lock;
  FuzzInput input;           /* what is left to be answered */
  guint answers;             /* given */
  char *events;              /* for who listens; NULL: none, or they were sent */
  guint events_after;        /* so many answers */
  GSocket *listener_waits;   /* for them, or NULL */
  GCancellable *cancellable; /* of the turn; NULL: none is under way, or it is being stopped */
} server;

static gboolean
on_end (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_stop (gpointer data)
{
  esp_remote_turn_set_cancel_there (data, FALSE);
  return on_end (data);
}

static char *
replace (const char *text, const char *what, const char *with)
{
  g_auto (GStrv) parts = g_strsplit (text, what, -1);

  return g_strjoinv (with, parts);
}

/* A fixture of which some bytes are others: `how` says which one, then place and value of each. */
static GByteArray *
make_picture (const char *how)
{
  GByteArray *bytes = g_byte_array_new ();
  gsize size, length = strlen (how);
  const guint8 *data
      = g_bytes_get_data (server.pictures[(guint8) how[0] % G_N_ELEMENTS (picture_names)], &size);

  g_byte_array_append (bytes, data, (guint) size);
  for (gsize at = 1; at + 3 <= length; at += 3)
    bytes->data[(((guint8) how[at] - 1u) * 255u + (guint8) how[at + 1] - 1u) % bytes->len]
        = (guint8) (how[at + 2] - 1);
  return bytes;
}

static GByteArray *
make_body (FuzzInput *input, gboolean is_picture)
{
  g_autofree char *text = fuzz_take_text (input);
  g_autofree char *addressed = NULL;
  char *body;

  if (is_picture)
    return make_picture (text);
  addressed = replace (text, "@@", server.address);
  body = replace (addressed, "@#", server.base64);
  return g_byte_array_new_take ((guint8 *) body, strlen (body));
}

static GByteArray *
make_answer (FuzzInput *input)
{
  GByteArray *answer = g_byte_array_new ();
  guint status = statuses[fuzz_take_byte (input) % G_N_ELEMENTS (statuses)];
  guint headers = fuzz_take_byte (input);
  g_autoptr (GByteArray) body = make_body (input, (headers & PICTURE) != 0);
  g_autoptr (GString) head = g_string_new (NULL);

  if ((headers & VERBATIM) == 0)
    {
      g_string_append_printf (head,
                              "HTTP/1.1 %u Word\r\nConnection: close\r\nContent-Length: %u\r\n",
                              status, body->len);
      if (types[headers & TYPE] != NULL)
        g_string_append_printf (head, "Content-Type: %s\r\n", types[headers & TYPE]);
      if ((headers & RETRY_AFTER) != 0)
        g_string_append (head, "Retry-After: 0\r\n");
      if ((headers & LOCATION) != 0)
        g_string_append_printf (head, "Location: %s/elsewhere\r\n", server.address);
      g_string_append (head, "\r\n");
      g_byte_array_append (answer, (const guint8 *) head->str, (guint) head->len);
    }
  g_byte_array_append (answer, body->data, body->len);
  return answer;
}

/* What the input says to a request; NULL: nothing. The lock is held. */
static GByteArray *
next_answer (void)
{
  gboolean exhausted = server.input.size == 0 || server.answers >= ANSWERS_MAX;
  guint what = exhausted ? 0 : server.input.data[0];

  if (server.cancellable == NULL)
    return NULL;
  server.answers++;
  if (!exhausted && what != STOP && what != RESET)
    return make_answer (&server.input);
  fuzz_take_byte (&server.input);
  if (exhausted)
    server.input.size = 0;
  if (exhausted || what == STOP)
    g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, exhausted ? on_end : on_stop,
                                g_steal_pointer (&server.cancellable), g_object_unref);
  return NULL;
}

/* Reads a request whole: its head, and as much as that says. FALSE: it broke off. */
static gboolean
read_request (GSocket *connection, gboolean *listens)
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
  *listens = g_str_has_prefix (request->str, "GET ")
             && strstr (request->str, "Accept: text/event-stream") != NULL;
  return TRUE;
}

static void
send_and_close (GSocket *connection, const void *data, gsize length)
{
  for (gsize at = 0; at < length;)
    {
      gssize n = g_socket_send (connection, (const char *) data + at, length - at, NULL, NULL);

      if (n <= 0)
        break;
      at += (gsize) n;
    }
  g_socket_close (connection, NULL);
  g_object_unref (connection);
}

/* Tells who listens what there is, when it is time; the lock is held. */
static void
send_events (void)
{
  g_autofree char *text = NULL;

  if (server.listener_waits == NULL || server.events == NULL
      || server.answers < server.events_after)
    return;
  text = g_strconcat (
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n",
      server.events, NULL);
  g_clear_pointer (&server.events, g_free);
  send_and_close (g_steal_pointer (&server.listener_waits), text, strlen (text));
}

/* Keeps who listens until there is something, one at a time; the lock is held. */
static void
let_listen (GSocket *connection)
{
  if (server.listener_waits != NULL)
    send_and_close (g_steal_pointer (&server.listener_waits), NULL, 0);
  server.listener_waits = connection;
  send_events ();
}

static gpointer
serve (gpointer data)
{
  GSocket *connection;

  while ((connection = g_socket_accept (server.listener, NULL, NULL)) != NULL)
    {
      g_autoptr (GByteArray) answer = NULL;
      gboolean listens = FALSE, whole = read_request (connection, &listens);

      g_mutex_lock (&server.lock);
      if (whole && listens)
        let_listen (g_steal_pointer (&connection));
      else if (whole)
        answer = next_answer ();
      g_mutex_unlock (&server.lock);
      if (connection != NULL)
        send_and_close (connection, answer != NULL ? answer->data : NULL,
                        answer != NULL ? answer->len : 0);
      g_mutex_lock (&server.lock);
      send_events ();
      g_mutex_unlock (&server.lock);
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

/* libcurl has WebSockets only from 8.11 on: what comes through one comes as a stream here. */
static EspProvider *
load_provider (const char *path)
{
  char *data;
  g_autofree char *streamed = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GBytes) bytes = NULL;

  PROMISE (g_file_get_contents (path, &data, NULL, NULL));
  streamed = replace (data, "\"websocket\"", "\"sse\"");
  g_free (data);
  text = replace (streamed, "\"binary\": \"comfy\",", "");
  bytes = g_bytes_new (text, strlen (text));
  return esp_provider_new (bytes, path, FALSE, NULL);
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
      EspProvider *provider = load_provider (names->pdata[i]);

      PROMISE (provider != NULL);
      g_ptr_array_add (providers, provider);
    }
}

static void
begin (void)
{
  gconstpointer picture;
  gsize size;

  fuzz_home ();
  g_setenv ("ESPALIER_TIME_SCALE", "0.0001", TRUE);
  g_setenv ("no_proxy", "127.0.0.1", TRUE);
  load_providers ();
  for (guint i = 0; i < G_N_ELEMENTS (picture_names); i++)
    {
      g_autofree char *path = g_build_filename (ESP_FUZZ_PICTURES, picture_names[i], NULL);
      char *data;

      PROMISE (g_file_get_contents (path, &data, &size, NULL));
      server.pictures[i] = g_bytes_new_take (data, size);
    }
  picture = g_bytes_get_data (server.pictures[0], &size);
  server.base64 = g_base64_encode (picture, size);
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

static JsonObject *
make_parameters (EspProvider *provider, guint wanted)
{
  g_autoptr (EspSchema) schema = esp_provider_dup_schema (provider, TRUE);
  JsonObject *parameters = json_object_new ();

  json_object_set_string_member (parameters, "prompt", "Make it snow");
  if ((wanted & SEED) != 0 && esp_schema_find (schema, "seed") != NULL)
    json_object_set_int_member (parameters, "seed", 7);
  if ((wanted & TWO) != 0 && esp_schema_find (schema, "count") != NULL)
    json_object_set_int_member (parameters, "count", 2);
  return parameters;
}

static void
start_turn (EspProvider *provider, guint wanted, GCancellable *cancellable, GAsyncResult **done)
{
  g_autoptr (JsonObject) parameters = make_parameters (provider, wanted);
  g_autoptr (GPtrArray) images = g_ptr_array_new ();
  EspRemoteRequest request = { .provider = provider,
                               .base_url = server.address,
                               .base_is_own = TRUE,
                               .key = "a-key-of-nobody",
                               .images = images,
                               .parameters = parameters,
                               .id = TURN_ID,
                               .patience = 20 };

  g_ptr_array_add (images, server.pictures[0]);
  if ((wanted & REFERENCE) != 0)
    g_ptr_array_add (images, server.pictures[1]);
  esp_remote_turn_start_async (http, &request, cancellable, on_news, NULL, on_done, done);
}

/* The turn, or going on with it, as long as there is an answer; TRUE: there may be more of it. */
static gboolean
run_round (EspProvider *provider, guint wanted, gboolean again)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) done = NULL;
  g_autoptr (EspRemoteResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean more;

  esp_remote_turn_set_cancel_there (cancellable, (wanted & CANCEL_THERE) != 0);
  g_mutex_lock (&server.lock);
  server.cancellable = g_object_ref (cancellable);
  g_mutex_unlock (&server.lock);

  if (again)
    esp_remote_turn_resume_async (http, TURN_ID, "a-key-of-nobody", 20, cancellable, on_news, NULL,
                                  on_done, &done);
  else
    start_turn (provider, wanted, cancellable, &done);
  while (done == NULL)
    g_main_context_iteration (NULL, TRUE);
  result = again ? esp_remote_turn_resume_finish (done, &error)
                 : esp_remote_turn_start_finish (done, &error);
  fuzz_check_error (result != NULL, &error);
  check_result (result);

  g_mutex_lock (&server.lock);
  g_clear_object (&server.cancellable);
  more = server.input.size > 0;
  if (more && result != NULL)
    {
      more = fuzz_take_byte (&server.input) == STOP; /* the result was not stored */
      esp_remote_turn_release (TURN_ID);
    }
  g_mutex_unlock (&server.lock);
  return more;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  guint which, wanted, rounds = 0;

  if (providers == NULL)
    begin ();
  g_mutex_lock (&server.lock);
  server.input = (FuzzInput){ data, size };
  which = fuzz_take_byte (&server.input) % providers->len;
  wanted = fuzz_take_byte (&server.input);
  server.answers = 0;
  if ((wanted & EVENTS) != 0)
    {
      server.events_after = fuzz_take_byte (&server.input);
      server.events = fuzz_take_text (&server.input);
    }
  g_mutex_unlock (&server.lock);

  while (run_round (providers->pdata[which], wanted, rounds > 0) && ++rounds < ROUNDS_MAX)
    ;

  g_mutex_lock (&server.lock);
  server.input.size = 0;
  g_clear_pointer (&server.events, g_free);
  if (server.listener_waits != NULL)
    send_and_close (g_steal_pointer (&server.listener_waits), NULL, 0);
  g_mutex_unlock (&server.lock);
  esp_remote_turn_settle (TURN_ID, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  return 0;
}
