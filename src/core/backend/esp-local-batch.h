/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-local-batch.h: turns that differ by their seeds alone (often only one), their pictures in the
 * worker's spool folder, and the request that makes them. Private to the local backend. */
#pragma once

#include "esp-backend.h"
#include "esp-worker.h"

G_BEGIN_DECLS

typedef struct _EspLocalBatch EspLocalBatch;

EspLocalBatch *_esp_local_batch_ref (EspLocalBatch *self);
void _esp_local_batch_unref (EspLocalBatch *self);

/* Makes the turn of `task` (_esp_local_turn_new (), taken over) with the model in `folder`: at
 * once, or with the others of its group when they have come. The first of a group decides for all
 * which worker makes them, on which card (or NULL). The worker is returned; it may be over with the
 * turn already. */
EspWorker *_esp_local_batch_run (EspWorker *worker, const char *card, const char *folder,
                                 const EspBackendRequest *request, GTask *task);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspLocalBatch, _esp_local_batch_unref)

G_END_DECLS
