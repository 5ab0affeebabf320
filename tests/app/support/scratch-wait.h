/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scratch-wait.h: running the main loop until something has happened. */
#pragma once

#include <gio/gio.h>

/* Until the condition holds, or for half a minute (FALSE). */
gboolean scratch_wait_for (gboolean (*condition) (gpointer data), gpointer data);
/* For so long. */
void scratch_wait (guint milliseconds);

/* Conditions on the pointer at `place`, which a callback sets or a weak pointer clears. */
gboolean scratch_is_set (gpointer place);
gboolean scratch_is_null (gpointer place);

/* A GAsyncReadyCallback that keeps its result at `place`, and waiting for it. */
void scratch_take_result (GObject *source, GAsyncResult *result, gpointer place);
GAsyncResult *scratch_wait_for_result (GAsyncResult **place);
