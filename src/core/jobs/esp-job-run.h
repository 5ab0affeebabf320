/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-job-run.h: the life of one running job: from a queued node to what became of it, stored.
 * Private to the queue. */
#pragma once

#include "esp-job-private.h"

G_BEGIN_DECLS

/* Runs the job with `backend`: the node becomes running, its pictures are read, the backend makes
 * the turn, and its result or failure is stored. `made` is a result that could not be stored
 * earlier (taken over), or NULL. `group`: of the jobs that are
 * started with it, or NULL; it comes or leaves. The job's cancellable stops it. */
void _esp_job_run_async (EspJob *job, EspBackend *backend, EspTurnGroup *group,
                         EspBackendResult *made, GAsyncReadyCallback callback, gpointer user_data);

/* What became of it: ESP_JOB_DONE, ESP_JOB_CANCELLED, ESP_JOB_WAITING (suspended), or
 * ESP_JOB_FAILED with an error. `unsaved` receives a result that could not be stored. */
EspJobState _esp_job_run_finish (EspJob *job, GAsyncResult *result, EspBackendResult **unsaved,
                                 GError **error);

G_END_DECLS
