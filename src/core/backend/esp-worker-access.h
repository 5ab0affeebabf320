/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-worker-access.h: the files that a worker may use, as it is told when it starts
 * (docs/worker-protocol.md). It can be given no more later, so whoever asks it for something adds
 * the files first, and starts it anew where is_given () says so. Private to the worker client.
 *
 * Paths are looked up as they are now: links are followed, and a file that was replaced is another.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _EspWorkerAccess EspWorkerAccess;

EspWorkerAccess *_esp_worker_access_new (void) G_GNUC_WARN_UNUSED_RESULT;
void _esp_worker_access_free (EspWorkerAccess *self);

/* All installed models, and the folders in which there may be more. */
void _esp_worker_access_add_library (EspWorkerAccess *self);

/* A model, folder or file, with its parts wherever the engine looks for them. One that is not there
 * is left to the engine, which says so; here and below. */
void _esp_worker_access_add_model (EspWorkerAccess *self, const char *path);

/* A file of weights, and those beside it: the next one that is chosen is likely among them. Or a
 * folder. */
void _esp_worker_access_add_weights (EspWorkerAccess *self, const char *path);

/* Any other file that is read. */
void _esp_worker_access_add_file (EspWorkerAccess *self, const char *path);

/* A file that is written as a whole, through another one beside it: its folder may be written. */
void _esp_worker_access_add_output (EspWorkerAccess *self, const char *path);

/* Whether the last process that was started was given all of them. */
gboolean _esp_worker_access_is_given (EspWorkerAccess *self);

/* Appends the arguments (char *, owned by the array) for a process that is started now. */
void _esp_worker_access_give (EspWorkerAccess *self, GPtrArray *arguments);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspWorkerAccess, _esp_worker_access_free)

G_END_DECLS
