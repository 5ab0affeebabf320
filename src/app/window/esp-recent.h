/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-recent.h: the documents that were used of late: those of the library, and those elsewhere
 * that the desktop remembers for us. */
#pragma once

#include <gtk/gtk.h>

#include "esp-library.h"

G_BEGIN_DECLS

/* At most `max`, latest first. */
void esp_recent_list_async (guint max, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);
GPtrArray *esp_recent_list_finish (GAsyncResult *result, GError **error)
    G_GNUC_WARN_UNUSED_RESULT; /* (element-type EspLibraryItem) (transfer container) */

/* Does the desktop's list have this as one of our documents that is still there? */
gboolean esp_recent_is_ours (GtkRecentInfo *info);

G_END_DECLS
