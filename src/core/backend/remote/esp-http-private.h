/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-http-private.h: what the files of EspHttp share. */
#pragma once

#include <curl/curl.h>

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
  gboolean has_content_type;
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
/* The address if `host` is one in numbers; or NULL. */
GInetAddress *_esp_host_dup_address (const char *host) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
