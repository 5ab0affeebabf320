/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-rows-private.h: work on the rows of a picture, on all cores. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Rows `begin` to `end` − 1. `begin` is a multiple of the grain, so begin / grain numbers the
 * pieces: what is summed up is kept by piece and added in their order, the same everywhere. */
typedef void (*EspRowsFunc) (int begin, int end, gpointer data);

/* Calls `function` for all rows from 0, `grain` (> 0) at a time, from this thread and others that
 * have the priority of this one; returns when all are done. FALSE only when it was cancelled (asked
 * before each piece): then some rows were left out. Calls within calls are fine. */
gboolean _esp_rows_run (int n_rows, int grain, EspRowsFunc function, gpointer data,
                        GCancellable *cancellable, GError **error);

/* A grain for rows of `width` values: pieces of about 64 K of them. */
int _esp_rows_get_grain (int width);

G_END_DECLS
