/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-spool-folder.h: cleaning up after a worker that could not. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How workers call theirs. */
#define ESP_SPOOL_PREFIX "espalier-spool-"

/* Removes the spool folder `path` of a worker that is known to be dead. Does nothing unless it is a
 * folder (no link) of this user, private, and called as workers call theirs. */
void _esp_spool_folder_remove (const char *path);

G_END_DECLS
