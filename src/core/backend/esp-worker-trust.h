/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-worker-trust.h: what is believed of a worker's words.
 *
 * A worker reads files of strangers and may have been taken over by one. It is confined then, but
 * the window is not, and reads and deletes what a worker names as its result. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Is `path` a folder that a worker makes for its pictures: by its name, its owner, its mode, and
 * not through a link? */
gboolean _esp_worker_trust_spool (const char *path);

/* Are the files that an event of the worker names, if any, in the folder `spool` (NULL: none is)
 * itself, and no links? Of a result and a preview these are "path" and "latents"; other events name
 * none. */
gboolean _esp_worker_trust_event (JsonObject *event, const char *spool);

G_END_DECLS
