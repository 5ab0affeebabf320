/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-queue.h: the turns that wait and run, of every document of the program.
 *
 * A turn is a node in state ESP_NODE_QUEUED; the queue runs it with the node's backend, as many at
 * a time as the backend can, and stores what becomes of it in the document. The result is in the
 * document before anyone is told. A job that is in the queue keeps its document open.
 *
 * A turn whose parent or references have no picture yet waits for theirs; it fails when they do.
 *
 * Signals:
 *   "job-added"    (EspJob)
 *   "job-finished" (EspJob)  done, failed or cancelled; it has left the list
 *   "notify::paused", "notify::seconds-left"
 *
 * A suspended job leaves the list (its "items-changed" tells) without "job-finished".
 */
#pragma once

#include "esp-job.h"
#include "esp-registry.h"

G_BEGIN_DECLS

#define ESP_TYPE_QUEUE (esp_queue_get_type ())

G_DECLARE_FINAL_TYPE (EspQueue, esp_queue, ESP, QUEUE, GObject)

EspQueue *esp_queue_new (EspRegistry *registry) G_GNUC_WARN_UNUSED_RESULT;

EspRegistry *esp_queue_get_registry (EspQueue *self);

/* Of EspJob: those running, then those waiting in the order in which they will start. */
GListModel *esp_queue_get_jobs (EspQueue *self);
guint esp_queue_get_n_waiting (EspQueue *self);
guint esp_queue_get_n_running (EspQueue *self);
EspJob *esp_queue_find (EspQueue *self, EspNode *node); /* borrowed, or NULL */
/* Does anything run or wait, or is it about to, having been queued again? */
gboolean esp_queue_is_busy (EspQueue *self);
gboolean esp_queue_has_document (EspQueue *self, EspDocument *document);

/* Until everything that runs and waits is done, from what earlier turns took; < 0 unknown. */
double esp_queue_get_seconds_left (EspQueue *self);

/* Seconds that one such turn takes by what earlier ones took, in this program or `document` (or
 * NULL); < 0 unknown. */
double esp_queue_estimate (EspQueue *self, EspDocument *document, const EspTurn *turn);

/* Puts a queued node at the end, or before all others that wait: several that are added so one
 * right after the other keep their order. Nothing happens to one that is in the queue already.
 * Returns its job, borrowed. */
EspJob *esp_queue_add (EspQueue *self, EspDocument *document, EspNode *node, gboolean next);

/* Queues a failed, cancelled or blocked turn again. If it was made and could not be stored, only
 * storing is tried again. */
void esp_queue_retry (EspQueue *self, EspDocument *document, EspNode *node);

/* Stop this. */
void esp_queue_stop (EspQueue *self, EspJob *job);

/* Finish what runs, then start nothing (paused) until esp_queue_resume () or the next esp_queue_add
 * (). */
void esp_queue_stop_after_running (EspQueue *self);
gboolean esp_queue_get_paused (EspQueue *self);
void esp_queue_resume (EspQueue *self);

/* At most so many turns at once, whatever the backends could do (those that are made in one go
 * count as one); 0, at first: no such limit. What runs goes on. */
void esp_queue_set_limit (EspQueue *self, guint limit);
guint esp_queue_get_limit (EspQueue *self);

/* Property "previews": whether turns that start from now on show their steps. */
gboolean esp_queue_get_previews (EspQueue *self);

/* Clear the queue: everything that waits is cancelled; what runs goes on. `document` NULL = all. */
void esp_queue_clear (EspQueue *self, EspDocument *document);

/* Stops what runs and clears what waits, of one document. */
void esp_queue_stop_document (EspQueue *self, EspDocument *document);

/* Leaves the document's jobs alone for the next start: what runs is stopped, and everything stays
 * ESP_NODE_QUEUED in the document. */
void esp_queue_suspend_document (EspQueue *self, EspDocument *document);

/* `position` among those waiting. */
void esp_queue_move (EspQueue *self, EspJob *job, guint position);
void esp_queue_run_next (EspQueue *self, EspJob *job);

/* The document's nodes that are queued or running in its file, but not in this queue: left from the
 * last time. (element-type EspNode) */
GPtrArray *esp_queue_dup_left_over (EspQueue *self,
                                    EspDocument *document) G_GNUC_WARN_UNUSED_RESULT;

/* Queues them again (continue), or marks them cancelled. */
void esp_queue_take_up (EspQueue *self, EspDocument *document, GPtrArray *nodes);
void esp_queue_dismiss (EspQueue *self, EspDocument *document, GPtrArray *nodes);

G_END_DECLS
