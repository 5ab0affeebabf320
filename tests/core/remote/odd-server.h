/* SPDX-License-Identifier: GPL-3.0-or-later */
/* odd-server.h: tests/servers/http/odd.py in a process of its own, and requests to it that wait for
 * their end. */
#pragma once

#include <gio/gio.h>

#include "esp-http.h"

typedef struct
{
  GSubprocess *process;
  guint http, https, self_signed, wrong_host, refused;
  char *ca_file;
} OddServer;

/* The environment's proxies are none of the tests' business; before anything else. */
void odd_forget_proxies (void);

void odd_server_start (OddServer *self);
void odd_server_stop (OddServer *self);

/* A request to "http://127.0.0.1:PORT/PATH" that may go to private addresses. */
EspHttpRequest *odd_request (const char *method, guint port, const char *path);

/* Sends `request` (and frees it) and runs the main loop until it is over. */
EspHttpAnswer *odd_fetch (EspHttp *http, EspHttpRequest *request, GError **error);

/* The same, and the error must be `code`. */
void odd_fail (EspHttp *http, EspHttpRequest *request, EspHttpError code);

/* How often a request came: "POST /reset-after-body". */
guint odd_count (OddServer *self, EspHttp *http, const char *what);

/* What the answer holds, as text. */
char *odd_text (EspHttpAnswer *answer);
