/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-local-turn.h: one turn with the worker: its news, its result as a PNG, its errors. The task
 * of a turn has the backend as its source object. Private to the local backend. */
#pragma once

#include "esp-backend.h"
#include "esp-local-batch.h"
#include "esp-worker.h"

G_BEGIN_DECLS

/* As esp_backend_run_async (); nothing is begun. */
GTask *_esp_local_turn_new (EspBackend *backend, const EspBackendRequest *request,
                            GCancellable *cancellable, EspBackendNewsFunc news, gpointer news_data,
                            GAsyncReadyCallback callback,
                            gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
EspBackendResult *_esp_local_turn_run_finish (EspBackend *backend, GAsyncResult *result,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The worker has a folder `spool`, and `batch` is about to put its pictures there. */
void _esp_local_turn_begin (GTask *task, EspLocalBatch *batch, const char *spool);
/* It is made together with others: how long it takes by the clock says nothing. */
void _esp_local_turn_set_in_company (GTask *task);
/* A copy for the worker, with `card` (or NULL) as the device; which card it was is nothing that a
 * turn would be made with again. */
JsonObject *_esp_local_turn_dup_parameters (GTask *task,
                                            const char *card) G_GNUC_WARN_UNUSED_RESULT;
void _esp_local_turn_fail (GTask *task, const GError *error);

/* For esp_worker_edits_async (): the data is the task; on_edited () takes a reference over. */
void _esp_local_turn_on_event (EspWorker *worker, const EspWorkerEvent *event, gpointer data);
void _esp_local_turn_on_edited (GObject *source, GAsyncResult *result, gpointer data);

/* What a worker's error means to a person, in ESP_BACKEND_ERROR; a cancellation stays one. */
GError *_esp_local_turn_explain (const GError *error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
