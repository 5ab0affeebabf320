/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-search-provider.h: recent documents among what the shell finds. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Answers org.gnome.Shell.SearchProvider2 at the application's path + "/SearchProvider", by the
 * titles of recent documents, until the application goes from the bus. */
gboolean esp_search_provider_register (GApplication *application, GDBusConnection *connection,
                                       const char *path, GError **error);

void esp_search_provider_unregister (GApplication *application, GDBusConnection *connection);

G_END_DECLS
