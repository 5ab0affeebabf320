/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-rescue.h: where a picture goes that its document could not take. Private to the queue. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Writes the bytes as a file of their own into $XDG_DATA_HOME/espalier/rescued, else into the
 * folder for temporary files. `name` is for people: what the picture is of. */
void _esp_rescue_async (GBytes *bytes, const char *name, GAsyncReadyCallback callback,
                        gpointer user_data);
/* The file's path. */
char *_esp_rescue_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
