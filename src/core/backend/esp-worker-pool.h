/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-worker-pool.h: one worker, or one for each graphics card where there are several, so that the
 * turns of a sweep run on all of them. Private to the local backend. */
#pragma once

#include "esp-worker.h"

G_BEGIN_DECLS

typedef struct _EspWorkerPool EspWorkerPool;

/* Starts nothing. `program` as for esp_worker_new (). */
EspWorkerPool *_esp_worker_pool_new (const char *program) G_GNUC_WARN_UNUSED_RESULT;
void _esp_worker_pool_free (EspWorkerPool *self); /* NULL is allowed */

/* Takes the usable cards from a worker's description. Workers that there are stay. */
void _esp_worker_pool_take_devices (EspWorkerPool *self, JsonObject *description);

/* Turns that can run at the same time. */
guint _esp_worker_pool_get_size (EspWorkerPool *self);

/* The worker that is asked and warmed up; the pool's. */
EspWorker *_esp_worker_pool_get_first (EspWorkerPool *self);

/* The worker that has least to do, or the one of the card that `parameters` (or NULL) name. *card
 * is the id of its card where there are several and the parameters leave the choice, else NULL;
 * both are the pool's. */
EspWorker *_esp_worker_pool_choose (EspWorkerPool *self, JsonObject *parameters, const char **card);

/* A turn of this worker begins, and is over. */
void _esp_worker_pool_begin (EspWorkerPool *self, EspWorker *worker);
void _esp_worker_pool_end (EspWorkerPool *self, EspWorker *worker);

/* esp_worker_set_components () for all there are and will be. */
void _esp_worker_pool_set_components (EspWorkerPool *self, const char *model,
                                      JsonObject *components);

/* Stops them all. */
void _esp_worker_pool_stop_async (EspWorkerPool *self, GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean _esp_worker_pool_stop_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspWorkerPool, _esp_worker_pool_free)

G_END_DECLS
