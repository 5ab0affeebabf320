/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request under way: what libcurl is told, what it says, and what that means. */
#define G_LOG_DOMAIN "espalier-http"

#include "esp-http-private.h"

#include <glib/gi18n-lib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "esp-origin.h"

#define MAX_HEADER_BYTES  ((gsize) 256 << 10)
#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 20)

typedef struct
{
  GBytes *bytes;
  gboolean is_text;
} Message;

static void
free_message (gpointer data)
{
  Message *message = data;

  g_bytes_unref (message->bytes);
  g_free (message);
}

EspHttpTransfer *
_esp_http_transfer_new (EspHttpKind kind, EspHttp *http, EspHttpRequest *request, GTask *task)
{
  EspHttpTransfer *self = g_rc_box_new0 (EspHttpTransfer);

  self->kind = kind;
  self->http = http;
  self->task = g_object_ref (task);
  self->request = _esp_http_request_copy (request);
  self->body = g_byte_array_new ();
  self->headers_in = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->began = self->moved = g_get_monotonic_time ();
  self->to_send = self->to_receive = -1;
  g_queue_init (&self->messages);

  return self;
}

EspHttpTransfer *
_esp_http_transfer_ref (EspHttpTransfer *self)
{
  return g_rc_box_acquire (self);
}

/* libcurl's list holds a copy of the key. */
static void
free_headers (struct curl_slist *headers)
{
  for (struct curl_slist *item = headers; item != NULL; item = item->next)
    explicit_bzero (item->data, strlen (item->data));
  curl_slist_free_all (headers);
}

static void
clear (gpointer data)
{
  EspHttpTransfer *self = data;

  g_assert (self->task == NULL);
  g_assert (!self->added);

  g_clear_pointer (&self->easy, curl_easy_cleanup);
  g_clear_pointer (&self->mime, curl_mime_free);
  g_clear_pointer (&self->url, curl_url_cleanup);
  g_clear_pointer (&self->headers, free_headers);
  g_clear_pointer (&self->parts, g_ptr_array_unref);
  g_clear_pointer (&self->request, esp_http_request_free);
  g_clear_pointer (&self->headers_in, g_hash_table_unref);
  g_clear_pointer (&self->body, g_byte_array_unref);
  g_clear_pointer (&self->events, esp_event_parser_free);
  g_clear_pointer (&self->throttle, esp_http_throttle_unref);
  g_queue_clear_full (&self->messages, free_message);
  g_free (self->host);
}

void
_esp_http_transfer_unref (EspHttpTransfer *self)
{
  g_rc_box_release_full (self, clear);
}

/* ---- what libcurl calls ---- */

static void
note_movement (EspHttpTransfer *self)
{
  self->moved = g_get_monotonic_time ();
}

static GInetAddress *
new_address (const struct sockaddr *address)
{
  if (address->sa_family == AF_INET)
    return g_inet_address_new_from_bytes (
        (const guint8 *) &((const struct sockaddr_in *) (const void *) address)->sin_addr,
        G_SOCKET_FAMILY_IPV4);
  if (address->sa_family == AF_INET6)
    return g_inet_address_new_from_bytes (
        (const guint8 *) &((const struct sockaddr_in6 *) (const void *) address)->sin6_addr,
        G_SOCKET_FAMILY_IPV6);

  return NULL;
}

static curl_socket_t
on_open_socket (void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
  EspHttpTransfer *self = data;

  if (!self->request->private_ok && !self->proxied)
    {
      g_autoptr (GInetAddress) target = new_address (&address->addr);

      if (target == NULL || esp_address_is_private (target))
        {
          self->refused_address = TRUE;
          return CURL_SOCKET_BAD;
        }
    }

  return socket (address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A connection stands, a new one or one from before, and the request is about to be written to it.
 * libcurl goes through here once more where it wants to send the same request anew (the connection
 * was dead, the server refused an HTTP/2 stream): what must not be done twice ends here. */
static int
on_before_request (void *data, char *address, char *local_address, int port, int local_port)
{
  EspHttpTransfer *self = data;
  gboolean harmless
      = g_str_equal (self->request->method, "GET") || g_str_equal (self->request->method, "HEAD");

  if (self->attempts > 0 && (!harmless || self->attempts > 2))
    {
      self->refused_resend = TRUE;
      return CURL_PREREQFUNC_ABORT;
    }

  /* A connection from before may have been opened by a request that had more rights. */
  if (!self->request->private_ok && !self->proxied)
    {
      g_autoptr (GInetAddress) target
          = address != NULL ? g_inet_address_new_from_string (address) : NULL;

      if (target == NULL || esp_address_is_private (target))
        {
          self->refused_address = TRUE;
          return CURL_PREREQFUNC_ABORT;
        }
    }

  self->refused_address = FALSE;
  self->attempts++;
  self->started = TRUE;
  note_movement (self);

  return CURL_PREREQFUNC_OK;
}

static int
on_progress (void *data, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
             curl_off_t sent)
{
  EspHttpTransfer *self = data;

  if (received != self->received || sent != self->sent)
    {
      note_movement (self);
      self->received = received;
      self->sent = sent;
      self->to_receive = to_receive > 0 ? to_receive : -1;
      self->has_progress = self->has_news = TRUE;
    }

  return 0;
}

static void
take_header (EspHttpTransfer *self, const char *line, gsize length)
{
  const char *colon = memchr (line, ':', length);
  g_autofree char *name = NULL;
  g_autofree char *raw = NULL;

  if (colon == NULL || colon == line || *line == ' ' || *line == '\t')
    return;

  name = g_ascii_strdown (line, colon - line);
  raw = g_strndup (colon + 1, length - (gsize) (colon + 1 - line));
  g_hash_table_replace (self->headers_in, g_strchomp (g_steal_pointer (&name)),
                        g_utf8_make_valid (g_strstrip (raw), -1));
}

static char *
dup_content_type (EspHttpTransfer *self)
{
  const char *type = g_hash_table_lookup (self->headers_in, "content-type");
  g_autofree char *plain = NULL;

  if (type == NULL)
    return NULL;

  plain = g_ascii_strdown (type, (gssize) strcspn (type, ";,"));
  g_strstrip (plain);

  return *plain != '\0' ? g_steal_pointer (&plain) : NULL;
}

static gsize
on_header (char *line, gsize size, gsize count, void *data)
{
  EspHttpTransfer *self = data;
  gsize length = size * count;

  note_movement (self);

  self->header_bytes += length;
  if (self->header_bytes > MAX_HEADER_BYTES)
    {
      self->too_large = TRUE;
      return 0;
    }

  if (length >= 5 && memcmp (line, "HTTP/", 5) == 0)
    {
      const char *space = memchr (line, ' ', length);

      self->status = space != NULL ? (guint) g_ascii_strtoull (space, NULL, 10) : 0;
      self->headers_done = FALSE;
      g_hash_table_remove_all (self->headers_in);
    }
  else if (!self->headers_done && length > 0 && *line != '\r' && *line != '\n')
    {
      take_header (self, line, length);
    }
  else if (!self->headers_done && self->status >= 200)
    {
      g_autofree char *type = dup_content_type (self);

      self->headers_done = TRUE;
      if (self->kind == ESP_HTTP_LISTEN && self->status < 300
          && g_strcmp0 (type, "text/event-stream") == 0)
        self->events = esp_event_parser_new (self->request->max_answer);
      if (self->kind == ESP_HTTP_FETCH && !_esp_http_fetch_take_head (self))
        return 0;
    }

  return length;
}

static void
take_frame (EspHttpTransfer *self, const char *bytes, gsize length)
{
  const struct curl_ws_frame *frame = curl_ws_meta (self->easy);

  if (frame == NULL)
    return;
  if (frame->flags & CURLWS_CLOSE)
    {
      self->closed = self->has_news = TRUE;
      return;
    }
  if ((frame->flags & (CURLWS_TEXT | CURLWS_BINARY)) == 0)
    {
      /* Ping; or a part of a message whose kind this libcurl does not tell. */
      if (frame->flags & CURLWS_CONT)
        {
          self->messages_size -= self->body->len;
          g_byte_array_set_size (self->body, 0);
        }
      return;
    }

  g_byte_array_append (self->body, (const guint8 *) bytes, (guint) length);
  self->messages_size += length;
  if (frame->bytesleft == 0 && !(frame->flags & CURLWS_CONT))
    {
      Message *message = g_new0 (Message, 1);

      message->bytes = g_bytes_new (self->body->data, self->body->len);
      message->is_text = (frame->flags & CURLWS_TEXT) != 0;
      g_queue_push_tail (&self->messages, message);
      g_byte_array_set_size (self->body, 0);
      self->has_news = TRUE;
    }
}

static gsize
on_body (char *bytes, gsize size, gsize count, void *data)
{
  EspHttpTransfer *self = data;
  gsize length = size * count;
  gsize held = self->kind == ESP_HTTP_SOCKET ? self->messages_size : self->body->len;

  note_movement (self);

  if (self->kind == ESP_HTTP_FETCH)
    return _esp_http_fetch_take_body (self, (const guint8 *) bytes, length);

  if (self->events != NULL)
    {
      self->has_news = TRUE;
      self->too_large = !esp_event_parser_feed (self->events, bytes, length);
      return self->too_large ? CURL_WRITEFUNC_ERROR : length;
    }

  if (length > self->request->max_answer || held > self->request->max_answer - length)
    {
      self->too_large = TRUE;
      return CURL_WRITEFUNC_ERROR;
    }

  if (self->kind == ESP_HTTP_SOCKET)
    take_frame (self, bytes, length);
  else
    g_byte_array_append (self->body, (const guint8 *) bytes, (guint) length);

  return length;
}

void
_esp_http_transfer_hear (EspHttpTransfer *self)
{
  CURL *easy = self->easy;

  curl_easy_setopt (easy, CURLOPT_PRIVATE, self);
  curl_easy_setopt (easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt (easy, CURLOPT_OPENSOCKETDATA, self);
  curl_easy_setopt (easy, CURLOPT_PREREQFUNCTION, on_before_request);
  curl_easy_setopt (easy, CURLOPT_PREREQDATA, self);
  curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt (easy, CURLOPT_HEADERDATA, self);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt (easy, CURLOPT_WRITEDATA, self);
  curl_easy_setopt (easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt (easy, CURLOPT_XFERINFODATA, self);
  curl_easy_setopt (easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, self->reason);
}

/* ---- what it comes to ---- */

void
_esp_http_transfer_tell (EspHttpTransfer *self, gboolean all)
{
  char *event, *data;
  Message *message;
  gint64 now;

  self->has_news = FALSE;

  while (self->task != NULL && self->events != NULL
         && esp_event_parser_take (self->events, &event, &data))
    {
      if (self->event != NULL)
        self->event (event, data, self->func_data);
      g_free (event);
      g_free (data);
    }

  while (self->task != NULL && (message = g_queue_pop_head (&self->messages)) != NULL)
    {
      self->messages_size -= MIN (self->messages_size, g_bytes_get_size (message->bytes));
      if (self->message != NULL)
        self->message (message->bytes, message->is_text, self->func_data);
      free_message (message);
    }

  now = g_get_monotonic_time ();
  if (self->task != NULL && self->progress != NULL && self->has_progress
      && (all || now - self->told >= PROGRESS_INTERVAL
          || (self->to_send > 0 && self->sent == self->to_send)))
    {
      self->has_progress = FALSE;
      self->told = now;
      self->progress (self->sent, self->to_send, self->received, self->to_receive, self->func_data);
    }
}

/* Has the whole body, or perhaps the whole of it, left this computer? */
static gboolean
may_have_arrived (EspHttpTransfer *self)
{
  curl_off_t sent = 0, size = -1;

  if (!self->started)
    return FALSE;
  if (self->refused_resend)
    return TRUE;

  curl_easy_getinfo (self->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  if (self->request->parts == NULL)
    size = self->to_send > 0 ? self->to_send : 0;
  else
    curl_easy_getinfo (self->easy, CURLINFO_CONTENT_LENGTH_UPLOAD_T, &size);

  return size < 0 || sent >= size;
}

static gboolean
is_tls_error (CURLcode code)
{
  switch (code)
    {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CLIENTCERT:
      return TRUE;
    default:
      return FALSE;
    }
}

static GError *
new_error_before_request (EspHttpTransfer *self, CURLcode code)
{
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_TLS,
                        _ ("“%s” could not prove that it is what it says: its certificate is not "
                           "trusted. Nothing was sent."),
                        self->host);
  if (is_tls_error (code))
    return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_TLS,
                        _ ("No encrypted connection to “%s” could be made. Nothing was sent."),
                        self->host);

  if (self->proxied)
    return g_error_new (
        ESP_HTTP_ERROR, ESP_HTTP_ERROR_CONNECT,
        _ ("The proxy did not make a connection to “%s”. Nothing was sent; check the "
           "network settings."),
        self->host);

  switch ((int) code)
    {
    case CURLE_COULDNT_RESOLVE_HOST:
      return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_CONNECT,
                          _ ("The address of “%s” could not be found. Nothing was sent; check the "
                             "network connection and the spelling."),
                          self->host);
    case CURLE_OPERATION_TIMEDOUT:
      return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_CONNECT,
                          _ ("“%s” did not take the connection in time. Nothing was sent."),
                          self->host);
    case CURLE_COULDNT_CONNECT:
      return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_CONNECT,
                          _ ("“%s” does not take connections at this address. Nothing was sent."),
                          self->host);
    default:
      return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_CONNECT,
                          _ ("No connection to “%s” could be made. Nothing was sent."), self->host);
    }
}

GError *
_esp_http_transfer_new_error (EspHttpTransfer *self, CURLcode code)
{
  if (code == CURLE_OK || self->unwanted)
    return NULL;

  g_debug ("%s: %s (%d)", self->host, *self->reason != '\0' ? self->reason : "?", (int) code);

  if (self->refused_address)
    return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS,
                        _ ("“%s” is an address of this computer or its own network, where a "
                           "provider on the Internet has no business; nothing was sent there."),
                        self->host);
  if (self->too_large || code == CURLE_FILESIZE_EXCEEDED)
    return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_TOO_LARGE,
                        _ ("The answer of “%s” is larger than it may be."), self->host);
  if (!self->started)
    return new_error_before_request (self, code);
  if (code == CURLE_OPERATION_TIMEDOUT)
    return _esp_http_transfer_new_timeout (self, TRUE);

  if (self->status >= 200 || code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL
      || code == CURLE_BAD_CONTENT_ENCODING || code == CURLE_HTTP_RETURNED_ERROR)
    return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_BROKEN,
                        _ ("The answer of “%s” broke off or could not be read."), self->host);
  if (may_have_arrived (self))
    return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_SENT,
                        _ ("The connection to “%s” was lost after everything was sent."),
                        self->host);

  return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_SENDING,
                      _ ("The connection to “%s” was lost while sending."), self->host);
}

GError *
_esp_http_transfer_new_timeout (EspHttpTransfer *self, gboolean idle)
{
  if (!self->started)
    return new_error_before_request (self, CURLE_OPERATION_TIMEDOUT);
  if (!may_have_arrived (self))
    return g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_SENDING,
                        _ ("“%s” stopped taking what was sent."), self->host);

  return idle ? g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_SENT,
                             _ ("“%s” fell silent after everything was sent."), self->host)
              : g_error_new (ESP_HTTP_ERROR, ESP_HTTP_ERROR_SENT,
                             _ ("“%s” did not finish its answer in time."), self->host);
}

/* Seconds from now; < 0 where `headers` say nothing that can be understood. */
static double
get_retry_after (GHashTable *headers)
{
  const char *text = g_hash_table_lookup (headers, "retry-after");
  const char *date = g_hash_table_lookup (headers, "date");
  char *end;
  double seconds;
  time_t then, now;

  if (text == NULL)
    return -1;

  seconds = g_ascii_strtod (text, &end);
  if (end != text && *end == '\0' && g_ascii_isdigit (*text))
    return MIN (seconds, 1e9);

  then = curl_getdate (text, NULL);
  if (then == (time_t) -1)
    return -1;

  now = date != NULL ? curl_getdate (date, NULL) : (time_t) -1;
  if (now == (time_t) -1)
    now = (time_t) (g_get_real_time () / G_USEC_PER_SEC);

  return CLAMP (difftime (then, now), 0, 1e9);
}

/* What a redirect's "Location" means; not limited to the web: whoever goes there has to look. */
static char *
dup_location (EspHttpTransfer *self)
{
  const char *location = g_hash_table_lookup (self->headers_in, "location");
  char *absolute;

  if (location == NULL || self->status < 300 || self->status >= 400)
    return NULL;

  absolute = _esp_url_set (self->url, CURLUPART_URL, location, CURLU_URLENCODE)
                 ? _esp_url_dup_part (self->url, CURLUPART_URL)
                 : NULL;
  return absolute != NULL ? absolute : g_strdup (location);
}

EspHttpAnswer *
_esp_http_transfer_take_answer (EspHttpTransfer *self)
{
  EspHttpAnswer *answer = g_new0 (EspHttpAnswer, 1);

  answer->status = self->status;
  answer->content_type = dup_content_type (self);
  answer->retry_after = get_retry_after (self->headers_in);
  answer->location = dup_location (self);
  answer->headers = g_steal_pointer (&self->headers_in);
  answer->body = g_byte_array_free_to_bytes (g_steal_pointer (&self->body));

  return answer;
}
