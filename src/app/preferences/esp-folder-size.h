/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-folder-size.h: how much is in a folder. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void esp_folder_measure_async (const char *path, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_folder_measure_finish (GAsyncResult *result, guint64 *bytes, guint64 *n_files,
                                    GError **error);

G_END_DECLS
