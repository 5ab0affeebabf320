/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep-backend.h: a backend of the test-suite with models that differ in what they take. It makes
 * small pictures, each by its parameters, as soon as the main loop runs, and counts them. */
#pragma once

#include "esp-backend.h"

G_BEGIN_DECLS

#define SWEEP_TYPE_BACKEND (sweep_backend_get_type ())

G_DECLARE_FINAL_TYPE (SweepBackend, sweep_backend, SWEEP, BACKEND, EspBackend)

SweepBackend *sweep_backend_new (const char *id, guint concurrency) G_GNUC_WARN_UNUSED_RESULT;

/* `properties`: members of the schema in JSON, or NULL: it tells none yet. Borrowed. */
EspModel *sweep_backend_add_model (SweepBackend *self, const char *id, const char *name,
                                   const char *properties, EspModelFeatures features);

/* From now on turns wait for the next function. */
void sweep_backend_set_stepped (SweepBackend *self, gboolean stepped);
/* So many of those that wait are made, in the order in which they came: which of two that were
 * begun beside each other comes first is left to the threads that read their pictures. */
void sweep_backend_release (SweepBackend *self, guint n);
/* The only one of those that wait with this value is made. */
void sweep_backend_release_value (SweepBackend *self, const char *name, double value);

/* Turns whose instruction has this word fail; NULL: none. */
void sweep_backend_set_failing (SweepBackend *self, const char *word);

/* So many turns at once, from the next on that the queue begins. */
void sweep_backend_set_concurrency (SweepBackend *self, guint concurrency);

/* Turns take so long. */
void sweep_backend_set_delay (SweepBackend *self, guint ms);

/* From now on all pictures are this one (a PNG file), each with a tail of its own. */
void sweep_backend_set_picture (SweepBackend *self, GBytes *png);

/* From now on it is one of a provider: every picture is kept as a file of the folder under the
 * turn's own id, made by one system call, and is not made again when the turn is gone on with. */
void sweep_backend_set_folder (SweepBackend *self, const char *folder);

/* The seed of every picture that is made from now on, a line each in one system call. */
void sweep_backend_set_log (SweepBackend *self, const char *path);

guint sweep_backend_get_n_made (SweepBackend *self);
guint sweep_backend_get_n_running (SweepBackend *self);
guint sweep_backend_get_most_running (SweepBackend *self);

/* What the turns asked for in the order in which they were begun: "MODEL guidance=1 seed=4". Only
 * members of `names`, separated by spaces. Of those that run beside each other any may be first. */
char *sweep_backend_dup_begun (SweepBackend *self, const char *names);

G_END_DECLS
