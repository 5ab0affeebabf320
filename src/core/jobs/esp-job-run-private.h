/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-job-run-private.h: one running job from the inside: esp-job-run.c is the way to a result,
 * esp-job-result.c what becomes of it. */
#pragma once

#include "esp-carry.h"
#include "esp-composing.h"
#include "esp-job-run.h"

G_BEGIN_DECLS

/* The data of the run's task; its source object is the job. */
typedef struct
{
  EspBackend *backend;
  EspTurnGroup *group; /* until it has come to it or left it; or NULL */
  GPtrArray *sources;  /* of EspNode: the parent, then the references */
  GPtrArray *images;   /* of GBytes, of the same */
  EspBackendResult *made;
  EspComposition *asked; /* how its picture is to be put together; NULL: it is shown as it comes */
  EspCarry *carry;       /* or NULL */
  gboolean is_kept;      /* what was made is in the document, as the node's raw picture */
  EspComposed *composed; /* of what is stored next */
  GCancellable *composing;
  gulong on_stop;   /* of the job's cancellable */
  char *remote_job; /* the turn's own id with a remote backend, or NULL */
  gboolean resume;  /* it was begun under it before */
  gboolean unsaved;

  EspNodeProgress progress;
  char *phase;         /* progress.phase */
  EspPicture *preview; /* not shown yet, or NULL */
  gint64 shown;        /* monotonic time of the last that was shown */
  GSource *showing;    /* will show the rest */

  EspJobState outcome;
  EspNodeState state;  /* of the node then, if it is not done */
  const char *message; /* the error's, if that is to be told with the state */
  GError *error;
} Run;

/* --- esp-job-run.c -----------------------------------------------------------------------------
 */

void _esp_job_run_clear_showing (Run *run);

/* The others need not wait for it. */
void _esp_job_run_leave_group (Run *run);

/* Shows run->progress now. */
void _esp_job_run_show (GTask *task);
void _esp_job_run_end (GTask *task, EspJobState outcome);

/* --- esp-job-result.c --------------------------------------------------------------------------
 */

/* Stores that it failed, and ends. Takes `error` over. */
void _esp_job_run_fail (GTask *task, GError *error);

/* There is run->made: stores it as it came, so that it is not lost, then puts it together. */
void _esp_job_run_keep (GTask *task);

/* The same without the first: puts pictures together where that was asked for, stores them, and
 * ends. */
void _esp_job_run_store (GTask *task);

G_END_DECLS
