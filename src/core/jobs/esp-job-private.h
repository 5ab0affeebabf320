/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-job-private.h: what the queue does to its jobs. */
#pragma once

#include "esp-job.h"

G_BEGIN_DECLS

EspJob *_esp_job_new (EspDocument *document, EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* Both emit "changed". `error` is copied. */
void _esp_job_set_state (EspJob *self, EspJobState state, const GError *error);
void _esp_job_emit_changed (EspJob *self);

G_END_DECLS
