/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-job-private.h: what the queue does to its jobs. */
#pragma once

#include "esp-backend.h"
#include "esp-job.h"

G_BEGIN_DECLS

struct _EspJob
{
  GObject parent_instance;

  EspDocument *document;
  EspNode *node;
  EspJobState state;
  GError *error;
  GCancellable *cancellable;
  gboolean is_running;   /* it stands among the running ones */
  gboolean is_suspended; /* stopped only until the next start: its node stays queued */
  gboolean previews;     /* whether its backend is asked for them */
  gint64 started;        /* monotonic; of a running one */
  guint64 slot;          /* of a running one: the same for those that run as one */
  double expected;       /* seconds that it will take in all; < 0 unknown */
};

EspJob *_esp_job_new (EspDocument *document, EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* Emits "changed". `error` is copied. */
void _esp_job_set_state (EspJob *self, EspJobState state, const GError *error);

/* Shows the node's progress, and emits "changed". Keeps the last preview if `preview` is NULL. */
void _esp_job_show_progress (EspJob *self, const EspNodeProgress *progress, EspPicture *preview);

/* Seconds until it is done; < 0 unknown. */
double _esp_job_get_seconds_left (EspJob *self);

G_END_DECLS
