/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-companions.h: waiting jobs that differ from one by their seeds alone, and that its backend
 * had best be given with it. Private to the queue. */
#pragma once

#include "esp-queue.h"

G_BEGIN_DECLS

/* Those that wait and can start now, in their order, so many that with `job` they are as many as
 * the backend wants. (element-type EspJob) (transfer container) */
GPtrArray *_esp_companions_find (EspQueue *queue, EspJob *job,
                                 EspBackend *backend) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
