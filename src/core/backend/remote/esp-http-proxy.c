/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-http"

#include "esp-http-proxy.h"

#include <string.h>

#include "esp-origin.h"

/* Lower case first, as everywhere; HTTP_PROXY in capitals is what a web server hands to its CGI
 * programs from a request, and is not looked at. */
static const char *
get_environment (const char *lower, const char *upper)
{
  const char *value = g_getenv (lower);

  if ((value == NULL || *value == '\0') && upper != NULL)
    value = g_getenv (upper);

  return value != NULL && *value != '\0' ? value : NULL;
}

static char *
dup_with_scheme (const char *proxy)
{
  return strstr (proxy, "://") != NULL ? g_strdup (proxy) : g_strconcat ("http://", proxy, NULL);
}

/* The environment's rules; NULL where it has none. */
static GProxyResolver *
new_environment_resolver (gboolean *never)
{
  const char *http = get_environment ("http_proxy", NULL);
  const char *https = get_environment ("https_proxy", "HTTPS_PROXY");
  const char *all = get_environment ("all_proxy", "ALL_PROXY");
  const char *except = get_environment ("no_proxy", "NO_PROXY");
  g_autofree char *fallback = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (GStrvBuilder) hosts = g_strv_builder_new ();
  g_auto (GStrv) ignored = NULL;
  GProxyResolver *resolver;

  if (http == NULL && https == NULL && all == NULL)
    return NULL;

  words = g_strsplit_set (except != NULL ? except : "", ", \t", -1);
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (g_str_equal (words[i], "*"))
        *never = TRUE;
      else if (*words[i] != '\0')
        g_strv_builder_add (hosts, words[i]);
    }
  ignored = g_strv_builder_end (hosts);

  fallback = all != NULL ? dup_with_scheme (all) : g_strdup ("direct://");
  resolver = g_simple_proxy_resolver_new (fallback, ignored);
  if (http != NULL)
    {
      g_autofree char *proxy = dup_with_scheme (http);

      g_simple_proxy_resolver_set_uri_proxy (G_SIMPLE_PROXY_RESOLVER (resolver), "http", proxy);
    }
  if (https != NULL)
    {
      g_autofree char *proxy = dup_with_scheme (https);

      g_simple_proxy_resolver_set_uri_proxy (G_SIMPLE_PROXY_RESOLVER (resolver), "https", proxy);
    }

  return resolver;
}

/* The first of `proxies` that libcurl knows. Names are looked up by the SOCKS proxy. */
static char *
dup_usable (char **proxies)
{
  for (guint i = 0; proxies != NULL && proxies[i] != NULL; i++)
    {
      const char *proxy = proxies[i];

      if (g_str_has_prefix (proxy, "direct://"))
        break;
      if (g_str_has_prefix (proxy, "http://") || g_str_has_prefix (proxy, "https://")
          || g_str_has_prefix (proxy, "socks5h://") || g_str_has_prefix (proxy, "socks4a://"))
        return g_strdup (proxy);
      if (g_str_has_prefix (proxy, "socks5://"))
        return g_strconcat ("socks5h://", proxy + strlen ("socks5://"), NULL);
      if (g_str_has_prefix (proxy, "socks://"))
        return g_strconcat ("socks5h://", proxy + strlen ("socks://"), NULL);
      if (g_str_has_prefix (proxy, "socks4://"))
        return g_strconcat ("socks4a://", proxy + strlen ("socks4://"), NULL);
    }

  return g_strdup ("");
}

static void
on_proxies (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) proxies
      = g_proxy_resolver_lookup_finish (G_PROXY_RESOLVER (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  if (error != NULL)
    g_debug ("no proxy settings, going directly: %s", error->message);

  g_task_return_pointer (task, dup_usable (proxies), g_free);
}

void
esp_http_proxy_lookup_async (const char *url, const char *host, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GProxyResolver) resolver = NULL;
  gboolean never = FALSE;

  g_task_set_source_tag (task, esp_http_proxy_lookup_async);

  if (esp_host_is_loopback (host))
    {
      g_task_return_pointer (task, g_strdup (""), g_free);
      return;
    }

  resolver = new_environment_resolver (&never);
  if (never)
    {
      g_task_return_pointer (task, g_strdup (""), g_free);
      return;
    }

  g_proxy_resolver_lookup_async (resolver != NULL ? resolver : g_proxy_resolver_get_default (), url,
                                 cancellable, on_proxies, g_steal_pointer (&task));
}

char *
esp_http_proxy_lookup_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
