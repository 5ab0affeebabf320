/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-worker-private.h: how esp-worker-requests.c sends a request and takes its answer. */
#pragma once

#include "esp-worker-access.h"
#include "esp-worker.h"

G_BEGIN_DECLS

/* Begins a request line. The caller adds its fields and hands it to _esp_worker_send_call(). */
GString *_esp_worker_begin_line (EspWorker *self, const char *type);

/* Puts the model and what is known of its parts into the object that is open. */
void _esp_worker_put_model (EspWorker *self, GString *line, const char *model);

/* The files that the worker may use: what a request names is added before it is sent. */
EspWorkerAccess *_esp_worker_get_access (EspWorker *self);

/* The same for parts of a model, part → path; NULL is none. */
void _esp_worker_need_components (EspWorker *self, JsonObject *components);

/* Sends the line (taken over) whose id is the last one given, and waits for `answer`; `events` (or
 * NULL) hears of progress until then. */
void _esp_worker_send_call (EspWorker *self, GString *line, const char *answer, GTask *task,
                            EspWorkerEventFunc events, gpointer events_data);

/* What the task gave, whose source tag must be `tag`. */
gpointer _esp_worker_finish (EspWorker *self, GAsyncResult *result, gpointer tag, GError **error);

G_END_DECLS
