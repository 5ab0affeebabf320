/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-http.h: HTTP over libcurl's multi interface on the GLib main loop.
 *
 * One EspHttp is a pool of connections (HTTP/2, reuse, gzip and brotli, proxy from the environment
 * and the desktop, system certificates, TLS always verified). Nothing blocks; all calls are for the
 * thread whose default main context it was made in. Never follows a redirect by itself, never
 * retries, never has cookies, never writes a header or body to a log (G_MESSAGES_DEBUG shows
 * method, URL without query, and status).
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ESP_HTTP_ERROR (esp_http_error_quark ())

typedef enum
{
  ESP_HTTP_ERROR_CONNECT, /* name, connection, proxy: nothing was sent */
  ESP_HTTP_ERROR_TLS,     /* the certificate or handshake: nothing was sent */
  ESP_HTTP_ERROR_SENDING, /* broke while the body was not wholly sent */
  ESP_HTTP_ERROR_SENT, /* broke or timed out after (perhaps) all was sent: may have been accepted */
  ESP_HTTP_ERROR_TOO_LARGE, /* the answer is larger than allowed */
  ESP_HTTP_ERROR_ADDRESS,   /* the host's address is one this request may not go to */
  ESP_HTTP_ERROR_BROKEN,    /* the answer broke off, was not HTTP, could not be unpacked */
} EspHttpError;

GQuark esp_http_error_quark (void);

#define ESP_TYPE_HTTP (esp_http_get_type ())

G_DECLARE_FINAL_TYPE (EspHttp, esp_http, ESP, HTTP, GObject)

EspHttp *esp_http_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* A certificate authority file besides the system's (the tests' own servers; $ESPALIER_CA_FILE), or
 * NULL. */
void esp_http_set_ca_file (EspHttp *self, const char *path);

gboolean esp_http_has_websockets (void);

typedef struct _EspHttpRequest EspHttpRequest; /* plain data; make, fill, send, free */

EspHttpRequest *esp_http_request_new (const char *method,
                                      const char *url) G_GNUC_WARN_UNUSED_RESULT;
void esp_http_request_free (EspHttpRequest *self);
const char *esp_http_request_get_method (EspHttpRequest *self);
const char *esp_http_request_get_url (EspHttpRequest *self);

/* Fails on control characters in name or value. `secret`: never shown, kept from every log. */
gboolean esp_http_request_add_header (EspHttpRequest *self, const char *name, const char *value,
                                      gboolean secret, GError **error);
void esp_http_request_set_body (EspHttpRequest *self, GBytes *body, const char *content_type);
/* One part of multipart/form-data; `filename` and `content_type` may be NULL. */
void esp_http_request_add_part (EspHttpRequest *self, const char *name, GBytes *value,
                                const char *filename, const char *content_type);
/* Seconds; 0 keeps the default: connect 15, idle (nothing moves either way) 60, total none. */
void esp_http_request_set_timeouts (EspHttpRequest *self, guint connect, guint idle, guint total);
void esp_http_request_set_max_answer (EspHttpRequest *self, gsize bytes); /* default 64 MiB */
/* May the host resolve to a private address (esp_address_is_private ())? Default FALSE. Checked on
 * the address that is connected to. */
void esp_http_request_set_private_ok (EspHttpRequest *self, gboolean allowed);

typedef struct
{
  guint status;        /* 200 … */
  char *content_type;  /* lower case, without parameters; or NULL */
  GHashTable *headers; /* lower-case name → value (the last) */
  GBytes *body;
  char *location;     /* of a redirect, resolved; or NULL */
  double retry_after; /* seconds from now, of Retry-After as number or date (measured against the
                         answer's own Date where it has one: clocks differ); < 0 none */
} EspHttpAnswer;

void esp_http_answer_free (EspHttpAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspHttpAnswer, esp_http_answer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspHttpRequest, esp_http_request_free)

/* Bytes so far and in all (< 0 unknown), both ways. */
typedef void (*EspHttpProgressFunc) (gint64 sent, gint64 to_send, gint64 received,
                                     gint64 to_receive, gpointer data);
/* A server-sent event; strings are valid during the call. */
typedef void (*EspHttpEventFunc) (const char *event, const char *data, gpointer user_data);

/* Sends `request` (which is copied). Any HTTP status is an answer, not an error. */
void esp_http_send_async (EspHttp *self, EspHttpRequest *request, GCancellable *cancellable,
                          EspHttpProgressFunc progress, gpointer progress_data,
                          GAsyncReadyCallback callback, gpointer user_data);
EspHttpAnswer *esp_http_send_finish (EspHttp *self, GAsyncResult *result,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same for text/event-stream: events as they come; finishes when the stream ends (the answer's
 * body is empty then) or was no event stream (the answer as above). Comments count as signs of
 * life. */
void esp_http_listen_async (EspHttp *self, EspHttpRequest *request, GCancellable *cancellable,
                            EspHttpEventFunc event, gpointer event_data,
                            GAsyncReadyCallback callback, gpointer user_data);
EspHttpAnswer *esp_http_listen_finish (EspHttp *self, GAsyncResult *result,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* How fast fetches that share it may be together. Counted; may be told from any thread. */
typedef struct _EspHttpThrottle EspHttpThrottle;

EspHttpThrottle *esp_http_throttle_new (void) G_GNUC_WARN_UNUSED_RESULT;
EspHttpThrottle *esp_http_throttle_ref (EspHttpThrottle *self);
void esp_http_throttle_unref (EspHttpThrottle *self);
void esp_http_throttle_set_rate (EspHttpThrottle *self, guint64 bytes); /* a second; 0 no limit */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspHttpThrottle, esp_http_throttle_unref)

/* The beginning of the final answer; FALSE: its body is not wanted. */
typedef gboolean (*EspHttpHeadFunc) (guint status, GHashTable *headers, gpointer user_data);
/* A piece of the body of an answer of 2xx, as it comes and unpacked by nobody; FALSE: no more. Both
 * are called from within the transfer: they may not call the pool. */
typedef gboolean (*EspHttpPieceFunc) (const guint8 *bytes, gsize length, gpointer user_data);

/* A body of any length, piece by piece. The answer's own body is empty, save for the first 64 KiB
 * of one that is not 2xx. One that `head` or `piece` ended is a success. `throttle` may be NULL. */
void esp_http_fetch_async (EspHttp *self, EspHttpRequest *request, EspHttpThrottle *throttle,
                           GCancellable *cancellable, EspHttpHeadFunc head, EspHttpPieceFunc piece,
                           gpointer func_data, GAsyncReadyCallback callback, gpointer user_data);
EspHttpAnswer *esp_http_fetch_finish (EspHttp *self, GAsyncResult *result,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* WebSocket messages (where esp_http_has_websockets ()); finishes when the socket closes. */
typedef void (*EspHttpMessageFunc) (GBytes *message, gboolean is_text, gpointer user_data);
void esp_http_socket_async (EspHttp *self, EspHttpRequest *request, GCancellable *cancellable,
                            EspHttpMessageFunc message, gpointer message_data,
                            GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_http_socket_finish (EspHttp *self, GAsyncResult *result, GError **error);

G_END_DECLS
