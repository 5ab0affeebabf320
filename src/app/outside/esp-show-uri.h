/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-show-uri.h: pages and folders in the programs that show such things. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Shows `uri` by whatever program opens it. As gtk_show_uri_full (), except that it fails with
 * G_IO_ERROR_NOT_SUPPORTED in a sandbox without a portal that opens things: there GLib 2.90 would
 * end the program. The source object of `callback` is `parent`, which may be NULL. Without a
 * callback (NULL) a failure is told in a dialog. */
void esp_show_uri_async (GtkWindow *parent, const char *uri, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_show_uri_finish (GtkWindow *parent, GAsyncResult *result, GError **error);

G_END_DECLS
