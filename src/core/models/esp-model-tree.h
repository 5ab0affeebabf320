/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-tree.h: folders with all that is in them. Links are links: nothing outside is counted
 * or touched. For threads. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Bytes of the files in a folder, or of the file. */
guint64 _esp_tree_count_own_bytes (const char *path);

gboolean _esp_tree_delete (const char *path, GError **error);

/* Called with every piece of bytes that was copied. */
typedef void (*EspTreeCopied) (gsize bytes, gpointer user_data);

/* Copies a file or folder to `target`, which is not there yet; what links mean is copied. Flushed
 * to the disk. */
gboolean _esp_tree_copy (const char *source, const char *target, EspTreeCopied copied,
                         gpointer user_data, GCancellable *cancellable, GError **error);

/* Has the names in a folder survive a power cut. */
void _esp_tree_sync_folder (const char *folder);

G_END_DECLS
