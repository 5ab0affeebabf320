/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-replay.h: turns of a document run once more, as a new branch beside what is there: the
 * instructions of a path as one edit or one after another, and what lies below a picture that is
 * another one now. Main thread; nothing blocks. */
#pragma once

#include "esp-queue.h"

G_BEGIN_DECLS

/* --- What is run -------------------------------------------------------------------------------
 */

/* The turns that lead from `start` (no part of it) to `end`, in order. NULL if `start` is no
 * ancestor of `end`, or something on the way was not made by an instruction.
 * (element-type EspNode) (transfer container) */
GPtrArray *esp_replay_dup_path (EspNode *start, EspNode *end) G_GNUC_WARN_UNUSED_RESULT;

/* From where a path to `end` can start: its ancestors with a picture, the topmost first. Empty for
 * what was not made by an instruction. (element-type EspNode) (transfer container) */
GPtrArray *esp_replay_dup_starts (EspNode *end) G_GNUC_WARN_UNUSED_RESULT;

/* `top`, a turn, and what was made below it, parents before children: without turns that have no
 * picture and without rejected ones, unless something that stays was made of them. What was
 * imported below a turn does not follow from it, and is left out with all below.
 * (element-type EspNode) (transfer container) */
GPtrArray *esp_replay_dup_branch (EspNode *top) G_GNUC_WARN_UNUSED_RESULT;

/* All instructions of a path as one: "Make the car red. Then: add snow." "" for none. */
char *esp_replay_dup_joined (GPtrArray *path) G_GNUC_WARN_UNUSED_RESULT;

/* What of a node's settings means something to a model, over the model's defaults; without prompt,
 * negative prompt and seed. */
JsonObject *esp_replay_dup_values (EspNode *node, EspSchema *schema) G_GNUC_WARN_UNUSED_RESULT;

/* What running these again with their own models costs together: 0 free; < 0 not known, or not in
 * one currency. `currency` is borrowed from a model, or NULL. */
double esp_replay_estimate (EspRegistry *registry, GPtrArray *nodes, const char **currency);

/* --- Running it --------------------------------------------------------------------------------
 */

typedef enum
{
  ESP_REPLAY_AS_ASKED, /* what became of untouched pixels is asked for as it was */
  ESP_REPLAY_KEEP,     /* every turn keeps untouched pixels */
} EspReplayKeep;

/* Asks for the same as `nodes` (parents before children) once more, each with its own model,
 * settings and seed: those whose parent is among them below that one's twin, the others below
 * `start`. One undoable step called `title` (translated); everything is queued. Masks that a person
 * painted belong to the old pictures: they are looked for anew. */
void esp_replay_run_async (EspQueue *queue, EspDocument *document, EspNode *start, GPtrArray *nodes,
                           EspReplayKeep keep, const char *title, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data);

/* One turn below `start` in the place of a path: `instruction` (esp_replay_dup_joined (), perhaps
 * edited) with a ready `model`, the settings of the path's last turn where that model has them, the
 * references of all as far as it takes them, and untouched pixels kept. A region that all of the
 * path shared stays. */
void esp_replay_run_as_one_async (EspQueue *queue, EspDocument *document, EspNode *start,
                                  GPtrArray *path, EspModel *model, const char *instruction,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);

/* The new turns, in the order of those that they repeat. (element-type EspNode) (transfer
 * container) */
GPtrArray *esp_replay_run_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
