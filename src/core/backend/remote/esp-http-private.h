/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-http-private.h: what the files of EspHttp share. */
#pragma once

#include <curl/curl.h>

#include "esp-event-parser.h"
#include "esp-http.h"

G_BEGIN_DECLS

#define ESP_HTTP_DEFAULT_CONNECT    15u
#define ESP_HTTP_DEFAULT_IDLE       60u
#define ESP_HTTP_DEFAULT_MAX_ANSWER ((gsize) 64 << 20)

typedef struct
{
  char *text; /* "Name: value", as libcurl wants it */
  gboolean secret;
} EspHttpHeader;

typedef struct
{
  char *name;
  GBytes *value;
  char *filename, *content_type; /* or NULL */
} EspHttpPart;

struct _EspHttpRequest
{
  char *method;
  char *url;
  GArray *headers; /* of EspHttpHeader */
  gboolean has_content_type, has_accept;
  GBytes *body;       /* or NULL */
  char *content_type; /* of body */
  GPtrArray *parts;   /* of EspHttpPart *; or NULL */
  guint connect, idle, total;
  gsize max_answer;
  gboolean private_ok;
};

EspHttpRequest *_esp_http_request_copy (EspHttpRequest *self) G_GNUC_WARN_UNUSED_RESULT;

/* esp-origin.c. A URL that may be sent: http or https, with a host (made ASCII), without user; or
 * NULL. */
CURLU *_esp_url_parse (const char *text) G_GNUC_WARN_UNUSED_RESULT;
/* curl_url_set (); FALSE: the text cannot be that part. */
gboolean _esp_url_set (CURLU *url, CURLUPart part, const char *text, unsigned flags);
/* A part of `url` as GLib's memory; NULL where there is none. */
char *_esp_url_dup_part (CURLU *url, CURLUPart part) G_GNUC_WARN_UNUSED_RESULT;
/* The address if `host` is one in numbers; or NULL. */
GInetAddress *_esp_host_dup_address (const char *host) G_GNUC_WARN_UNUSED_RESULT;

typedef enum
{
  ESP_HTTP_SEND,
  ESP_HTTP_LISTEN,
  ESP_HTTP_SOCKET,
  ESP_HTTP_FETCH,
} EspHttpKind;

/* One request under way. Counted; libcurl calls into it, what it hears is told to the caller from
 * outside of libcurl, where everything may be called again. */
typedef struct
{
  EspHttpKind kind;
  EspHttp *http; /* its task holds a reference */
  GTask *task;   /* NULL once it is over */
  EspHttpRequest *request;
  char *host;     /* for messages */
  CURL *easy;     /* NULL until it is started */
  gboolean added; /* to the pool's multi handle */
  CURLU *url;
  struct curl_slist *headers;
  curl_mime *mime;
  GPtrArray *parts; /* of PartReader * */
  char reason[CURL_ERROR_SIZE];

  gboolean proxied;
  gboolean started;         /* a connection stands, and the request may go out */
  gboolean refused_resend;  /* libcurl wanted to send it once more */
  gboolean refused_address; /* the host is where this request may not go */
  gboolean too_large;
  gboolean closed; /* the server closed the socket */
  guint attempts;

  gsize header_bytes;
  gboolean headers_done; /* of the final answer */
  guint status;
  GHashTable *headers_in;
  GByteArray *body;
  EspEventParser *events;    /* the answer is an event stream */
  gsize messages_size;       /* of `body` and `messages` */
  GQueue messages;           /* of Message * */
  EspHttpThrottle *throttle; /* of a fetch; or NULL */
  gboolean paused;           /* by the throttle */
  gboolean unwanted;         /* the caller has had enough of it */

  gint64 began, moved; /* monotonic, µs */
  gint64 sent, to_send, received, to_receive;
  gint64 told; /* when progress was told last */
  gboolean has_progress, has_news;

  GSource *watchdog, *cancelled, *unpause;

  EspHttpProgressFunc progress;
  EspHttpEventFunc event;
  EspHttpMessageFunc message;
  EspHttpHeadFunc head;
  EspHttpPieceFunc piece;
  gpointer func_data;
} EspHttpTransfer;

EspHttpTransfer *_esp_http_transfer_new (EspHttpKind kind, EspHttp *http, EspHttpRequest *request,
                                         GTask *task) G_GNUC_WARN_UNUSED_RESULT;
EspHttpTransfer *_esp_http_transfer_ref (EspHttpTransfer *self);
void _esp_http_transfer_unref (EspHttpTransfer *self);

/* esp-http-setup.c. Makes the easy handle; `proxy` "" is none. FALSE with error: the request cannot
 * be sent. */
gboolean _esp_http_transfer_prepare (EspHttpTransfer *self, const char *proxy, CURLSH *share,
                                     GError **error);
/* Has libcurl call the transfer. */
void _esp_http_transfer_hear (EspHttpTransfer *self);
/* Calls the caller's functions with what has come in since. */
void _esp_http_transfer_tell (EspHttpTransfer *self, gboolean all);
/* What `code` means here; NULL for a success. */
GError *_esp_http_transfer_new_error (EspHttpTransfer *self,
                                      CURLcode code) G_GNUC_WARN_UNUSED_RESULT;
GError *_esp_http_transfer_new_timeout (EspHttpTransfer *self,
                                        gboolean idle) G_GNUC_WARN_UNUSED_RESULT;
EspHttpAnswer *_esp_http_transfer_take_answer (EspHttpTransfer *self) G_GNUC_WARN_UNUSED_RESULT;

/* esp-http-fetch.c. What libcurl's functions return for `length` bytes of a fetch. */
gboolean _esp_http_fetch_take_head (EspHttpTransfer *self);
gsize _esp_http_fetch_take_body (EspHttpTransfer *self, const guint8 *bytes, gsize length);
/* Microseconds until `length` bytes may be taken; 0: they are taken now. */
gint64 _esp_http_throttle_take (EspHttpThrottle *self, gsize length);

/* esp-http-certificates.c: whom connections trust: the system, and the file `extra` (or NULL)
 * besides. What was read is kept in `trust`, which begins as zeros. */
typedef struct
{
  GBytes *bytes;
  int fd;
  char *path;
} EspHttpTrust;

void _esp_http_trust_set_up (EspHttpTrust *trust, CURL *easy, const char *extra);
void _esp_http_trust_clear (EspHttpTrust *trust);

/* esp-http.c */
/* Has libcurl go on with a transfer that the throttle paused, `delay` µs from now. */
void _esp_http_unpause_later (EspHttpTransfer *transfer, gint64 delay);
void _esp_http_set_up_certificates (EspHttp *self, CURL *easy);

G_END_DECLS
