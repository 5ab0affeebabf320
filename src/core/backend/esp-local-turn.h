/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-local-turn.h: one turn with the worker: pictures into its spool folder, the edit, the result
 * as a PNG. Private to the local backend. */
#pragma once

#include "esp-backend.h"
#include "esp-worker.h"

G_BEGIN_DECLS

/* `folder` is the model's. As esp_backend_run_async (); the source object is the backend. */
void _esp_local_turn_run_async (EspBackend *backend, EspWorker *worker, const char *folder,
                                const EspBackendRequest *request, GCancellable *cancellable,
                                EspBackendNewsFunc news, gpointer news_data,
                                GAsyncReadyCallback callback, gpointer user_data);
EspBackendResult *_esp_local_turn_run_finish (EspBackend *backend, GAsyncResult *result,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a worker's error means to a person, in ESP_BACKEND_ERROR; a cancellation stays one. */
GError *_esp_local_turn_explain (const GError *error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
