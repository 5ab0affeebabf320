/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-queue-private.h: the queue from the inside, for the files that make it up. */
#pragma once

#include "esp-durations.h"
#include "esp-queue.h"

G_BEGIN_DECLS

struct _EspQueue
{
  GObject parent_instance;

  EspRegistry *registry;
  GListStore *jobs; /* of EspJob: those running, then those waiting */
  guint n_running;
  guint64 last_slot;     /* EspJob.slot */
  guint n_next;          /* waiting ones at the front that were put there just now */
  GHashTable *by_node;   /* EspNode → EspJob, borrowed */
  GHashTable *documents; /* EspDocument → Watch */
  GHashTable *unsaved;   /* EspNode (owned) → EspBackendResult that could not be stored */
  GHashTable *retried;   /* of EspNode (owned): will be added when their state is stored */
  EspDurations *durations;
  gboolean paused;
  guint limit; /* of turns at once; 0 none */
  gboolean previews;
  double seconds_left;
  GSource *starting; /* will start what can be started */
  GSource *ticking;  /* "seconds-left" goes down by itself */
};

/* --- esp-queue.c ------------------------------------------------------------------------------ */

guint _esp_queue_get_n_jobs (EspQueue *self);
EspJob *_esp_queue_get_job (EspQueue *self, guint position); /* borrowed */

/* Is it in the queue, or about to be? */
gboolean _esp_queue_expects (EspQueue *self, EspNode *node);
guint _esp_queue_find_position (EspQueue *self, EspJob *job);

/* The list's jobs as they are now: it may change while the caller goes through them. */
GPtrArray *_esp_queue_dup_jobs (EspQueue *self) G_GNUC_WARN_UNUSED_RESULT;

/* Moves one item in one step, so that a view sees no job leave. */
void _esp_queue_move_item (EspQueue *self, guint from, guint to);

/* Takes a job out of the list and tells what became of it (stored already). ESP_JOB_WAITING: it was
 * suspended. */
void _esp_queue_finish_job (EspQueue *self, EspJob *job, EspJobState state, const GError *error);

void _esp_queue_update_ticking (EspQueue *self);
void _esp_queue_update_seconds_left (EspQueue *self);

/* --- esp-queue-seconds.c ---------------------------------------------------------------------- */

/* Seconds that its turn will take; < 0 unknown. */
double _esp_queue_estimate_node (EspQueue *self, EspNode *node);

/* --- esp-queue-start.c ------------------------------------------------------------------------ */

/* Later, so that who adds several sees them all waiting, and their order is settled. */
void _esp_queue_start_soon (EspQueue *self);

/* A job that waits is over: cancelled, or failed with `error` (taken over). */
void _esp_queue_end_waiting (EspQueue *self, EspJob *job, GError *error);

G_END_DECLS
