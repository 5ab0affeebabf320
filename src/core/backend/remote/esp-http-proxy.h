/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-http-proxy.h: which proxy a URL is reached through: the environment's (http_proxy,
 * https_proxy, all_proxy, no_proxy), else the desktop's settings. This computer itself is always
 * reached directly. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* `host` is the URL's. May call back at once. */
void esp_http_proxy_lookup_async (const char *url, const char *host, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);

/* "http://proxy:3128", "socks5h://…" as libcurl wants it; "" for a direct connection. NULL only
 * when cancelled. */
char *esp_http_proxy_lookup_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
