/* SPDX-License-Identifier: GPL-3.0-or-later */
/* URLs are read by libcurl's own parser, here and when they are sent: what is checked is what is
 * connected to. */
#define G_LOG_DOMAIN "espalier-http"

#include "esp-origin.h"

#include <curl/curl.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-http-private.h"
#include "esp-pointer.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CURLU, curl_url_cleanup)

/* A lack of memory in libcurl ends the program as one in GLib does. Taken for an address that is
 * none, it would be the fault of an answer, and what was paid for would be given up. */
static gboolean
has_worked (CURLUcode code)
{
  if (code == CURLUE_OUT_OF_MEMORY)
    g_error ("%s: failed to allocate an address", G_STRLOC);
  return code == CURLUE_OK;
}

gboolean
_esp_url_set (CURLU *url, CURLUPart part, const char *text, unsigned flags)
{
  return has_worked (curl_url_set (url, part, text, flags));
}

char *
_esp_url_dup_part (CURLU *url, CURLUPart part)
{
  char *text = NULL, *copy;

  if (!has_worked (curl_url_get (url, part, &text, 0)))
    return NULL;

  copy = g_strdup (text);
  curl_free (text);

  return copy;
}

/* The host in lower case and ASCII, without a final dot; NULL for one that is none. */
static char *
dup_host (CURLU *url)
{
  g_autofree char *host = _esp_url_dup_part (url, CURLUPART_HOST);
  g_autofree char *ascii = NULL;
  gsize length;

  if (host == NULL || *host == '\0')
    return NULL;
  if (*host == '[')
    return g_ascii_strdown (host, -1);

  /* Wide and circled letters are the same host as the plain ones. */
  ascii = g_hostname_to_ascii (host);
  if (ascii == NULL)
    return NULL;

  length = strlen (ascii);
  if (length > 0 && ascii[length - 1] == '.')
    ascii[length - 1] = '\0';

  return *ascii != '\0' ? g_ascii_strdown (ascii, -1) : NULL;
}

CURLU *
_esp_url_parse (const char *text)
{
  g_autoptr (CURLU) url = curl_url ();
  g_autofree char *scheme = NULL;
  g_autofree char *host = NULL;
  g_autofree char *original = NULL;

  has_worked (url != NULL ? CURLUE_OK : CURLUE_OUT_OF_MEMORY);
  if (!_esp_url_set (url, CURLUPART_URL, text, CURLU_DISALLOW_USER | CURLU_URLENCODE))
    return NULL;

  scheme = _esp_url_dup_part (url, CURLUPART_SCHEME);
  if (g_strcmp0 (scheme, "http") != 0 && g_strcmp0 (scheme, "https") != 0)
    return NULL;

  host = dup_host (url);
  original = _esp_url_dup_part (url, CURLUPART_HOST);
  if (host == NULL
      || (g_strcmp0 (host, original) != 0 && !_esp_url_set (url, CURLUPART_HOST, host, 0)))
    return NULL;

  return g_steal_pointer (&url);
}

static char *
dup_origin (CURLU *url)
{
  g_autofree char *scheme = _esp_url_dup_part (url, CURLUPART_SCHEME);
  g_autofree char *host = _esp_url_dup_part (url, CURLUPART_HOST);
  g_autofree char *port = _esp_url_dup_part (url, CURLUPART_PORT);

  if (port == NULL || g_str_equal (port, g_strcmp0 (scheme, "https") == 0 ? "443" : "80"))
    return g_strconcat (scheme, "://", host, NULL);

  return g_strconcat (scheme, "://", host, ":", port, NULL);
}

char *
esp_origin_of (const char *url)
{
  g_autoptr (CURLU) parsed = NULL;

  g_return_val_if_fail (url != NULL, NULL);

  parsed = _esp_url_parse (url);

  return parsed != NULL ? dup_origin (parsed) : NULL;
}

static gboolean
matches (const char *pattern, const char *text)
{
  for (; *pattern != '\0'; pattern++, text++)
    {
      if (*pattern == '*')
        {
          for (; *text != '\0' && strchr ("./:@", *text) == NULL; text++)
            {
              if (matches (pattern + 1, text + 1))
                return TRUE;
            }
          return FALSE;
        }
      if (*pattern != *text)
        return FALSE;
    }

  return *text == '\0';
}

gboolean
esp_origin_matches (const char *pattern, const char *origin)
{
  g_autofree char *lower = NULL;

  g_return_val_if_fail (pattern != NULL, FALSE);
  g_return_val_if_fail (origin != NULL, FALSE);

  lower = g_ascii_strdown (pattern, -1);
  if (g_str_has_suffix (lower, "/"))
    lower[strlen (lower) - 1] = '\0';
  if (g_str_has_prefix (lower, "https://") && g_str_has_suffix (lower, ":443"))
    lower[strlen (lower) - strlen (":443")] = '\0';
  else if (g_str_has_prefix (lower, "http://") && g_str_has_suffix (lower, ":80"))
    lower[strlen (lower) - strlen (":80")] = '\0';

  return matches (lower, origin);
}

char *
esp_url_resolve (const char *base, const char *reference, GError **error)
{
  g_autoptr (CURLU) url = NULL;
  g_autoptr (CURLU) result = NULL;
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;

  g_return_val_if_fail (base != NULL, NULL);
  g_return_val_if_fail (reference != NULL, NULL);

  url = _esp_url_parse (base);
  if (url == NULL)
    {
      g_set_error (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS,
                   _ ("“%s” is not an address that begins with https:// or http://."), base);
      return NULL;
    }
  if (*reference == '\0')
    return _esp_url_dup_part (url, CURLUPART_URL);

  path = _esp_url_dup_part (url, CURLUPART_PATH);
  if (!g_str_has_suffix (path, "/"))
    {
      g_autofree char *folder = g_strconcat (path, "/", NULL);

      _esp_url_set (url, CURLUPART_PATH, folder, 0);
    }
  _esp_url_set (url, CURLUPART_QUERY, NULL, 0);
  _esp_url_set (url, CURLUPART_FRAGMENT, NULL, 0);

  if (_esp_url_set (url, CURLUPART_URL, reference, CURLU_DISALLOW_USER | CURLU_URLENCODE))
    text = _esp_url_dup_part (url, CURLUPART_URL);
  if (text != NULL)
    result = _esp_url_parse (text);
  if (result == NULL)
    {
      g_autofree char *shown = esp_foreign_text_dup_clean (reference, -1);

      g_set_error (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS,
                   _ ("The provider named an address that is not one of the web: “%s”."),
                   shown != NULL ? shown : "");
      return NULL;
    }

  return _esp_url_dup_part (result, CURLUPART_URL);
}

/* The path without "/" at its end. */
static char *
dup_path (const char *text)
{
  g_autoptr (CURLU) url = _esp_url_parse (text);
  char *path = url != NULL ? _esp_url_dup_part (url, CURLUPART_PATH) : g_strdup ("");

  for (gsize length = strlen (path); length > 0 && path[length - 1] == '/'; length--)
    path[length - 1] = '\0';

  return path;
}

char *
esp_url_dup_prefix (const char *base, const char *usual)
{
  g_autofree char *path = NULL;
  g_autofree char *usual_path = NULL;

  g_return_val_if_fail (base != NULL, NULL);
  g_return_val_if_fail (usual != NULL, NULL);

  path = dup_path (base);
  usual_path = dup_path (usual);
  if (!g_str_has_suffix (path, usual_path))
    return g_strdup ("");

  return g_strndup (path, strlen (path) - strlen (usual_path));
}

/* The address if `host` is one written in numbers, with or without brackets and zone. */
GInetAddress *
_esp_host_dup_address (const char *host)
{
  g_autofree char *plain = g_strdup (host);
  char *start = plain;

  if (*start == '[')
    {
      start++;
      start[strcspn (start, "]%")] = '\0';
    }

  return g_inet_address_new_from_string (start);
}

gboolean
esp_host_is_loopback (const char *host)
{
  g_autoptr (GInetAddress) address = NULL;

  g_return_val_if_fail (host != NULL, FALSE);

  if (g_ascii_strcasecmp (host, "localhost") == 0 || g_ascii_strcasecmp (host, "localhost.") == 0)
    return TRUE;

  address = _esp_host_dup_address (host);

  return address != NULL && g_inet_address_get_is_loopback (address);
}

static gboolean
is_private_v4 (const guint8 *b)
{
  return b[0] == 0 || b[0] == 10 || b[0] == 127 || (b[0] == 100 && (b[1] & 0xc0) == 64)
         || (b[0] == 169 && b[1] == 254) || (b[0] == 172 && (b[1] & 0xf0) == 16)
         || (b[0] == 192 && b[1] == 168) || (b[0] == 192 && b[1] == 0 && b[2] == 0) || b[0] >= 224;
}

/* The IPv4 address that travels in an IPv6 one: mapped, compatible, NAT64, 6to4. */
static const guint8 *
find_v4_in_v6 (const guint8 *b)
{
  static const guint8 zeros[12];
  static const guint8 nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

  if (memcmp (b, zeros, 10) == 0 && b[10] == 0xff && b[11] == 0xff)
    return b + 12;
  if (memcmp (b, zeros, 12) == 0 || memcmp (b, nat64, 12) == 0)
    return b + 12;
  if (b[0] == 0x20 && b[1] == 0x02)
    return b + 2;

  return NULL;
}

gboolean
esp_address_is_private (GInetAddress *address)
{
  const guint8 *b;
  const guint8 *v4;

  g_return_val_if_fail (G_IS_INET_ADDRESS (address), TRUE);

  b = g_inet_address_to_bytes (address);
  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
    return is_private_v4 (b);

  v4 = find_v4_in_v6 (b);
  if (v4 != NULL)
    return is_private_v4 (v4);

  return (b[0] & 0xfe) == 0xfc             /* unique-local */
         || (b[0] == 0xfe && b[1] >= 0x80) /* link-local, site-local */
         || b[0] == 0xff                   /* multicast */
         || (b[0] == 0x00 && b[1] == 0x64 && b[2] == 0xff
             && /* NAT64 of one's own, 64:ff9b:1::/48 */
             b[3] == 0x9b && b[4] == 0x00 && b[5] == 0x01);
}

void
esp_trust_clear (EspTrust *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->base_url, g_free);
  g_clear_pointer (&self->origin, g_free);
  g_clear_pointer (&self->prefix, g_free);
  g_clear_pointer (&self->key_origins, g_strfreev);
  self->is_private = FALSE;
}

char *
esp_trust_resolve (const EspTrust *self, const char *reference, GError **error)
{
  g_autofree char *below = NULL;
  gsize length;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (reference != NULL, NULL);

  length = self->prefix != NULL ? strlen (self->prefix) : 0;
  if (length > 0 && reference[0] == '/' && reference[1] != '/'
      && !(g_str_has_prefix (reference, self->prefix) && strchr ("/?#", reference[length]) != NULL))
    below = g_strconcat (self->prefix, reference, NULL);

  return esp_url_resolve (self->base_url, below != NULL ? below : reference, error);
}

static gboolean
has_same_host (const char *base_url, const char *host)
{
  g_autoptr (CURLU) base = base_url != NULL ? _esp_url_parse (base_url) : NULL;
  g_autofree char *own = base != NULL ? _esp_url_dup_part (base, CURLUPART_HOST) : NULL;

  return own != NULL && g_str_equal (own, host);
}

gboolean
esp_trust_check_url (const EspTrust *self, const char *url, GError **error)
{
  g_autoptr (CURLU) parsed = NULL;
  g_autofree char *scheme = NULL;
  g_autofree char *host = NULL;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (url != NULL, FALSE);

  parsed = _esp_url_parse (url);
  if (parsed == NULL)
    {
      g_set_error_literal (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS,
                           _ ("The address is not one of the web (https), or contains a user name; "
                              "nothing was sent there."));
      return FALSE;
    }

  scheme = _esp_url_dup_part (parsed, CURLUPART_SCHEME);
  host = _esp_url_dup_part (parsed, CURLUPART_HOST);
  if (!self->is_private)
    {
      g_autoptr (GInetAddress) address = _esp_host_dup_address (host);

      if (g_strcmp0 (scheme, "https") != 0)
        {
          g_set_error (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS,
                       _ ("“%s” is asked for without encryption (http); nothing was sent there."),
                       host);
          return FALSE;
        }
      if (esp_host_is_loopback (host) || (address != NULL && esp_address_is_private (address)))
        {
          g_set_error (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS,
                       _ ("“%s” is an address of this computer or its own network, where a "
                          "provider on the Internet has no business; nothing was sent there."),
                       host);
          return FALSE;
        }
      return TRUE;
    }

  if (g_strcmp0 (scheme, "http") == 0 && !esp_host_is_loopback (host)
      && !has_same_host (self->base_url, host))
    {
      g_set_error (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS,
                   _ ("“%s” is asked for without encryption (http), but is not the server that was "
                      "named in the preferences; nothing was sent there."),
                   host);
      return FALSE;
    }

  return TRUE;
}

gboolean
esp_trust_has_key (const EspTrust *self, const char *url)
{
  g_autofree char *origin = NULL;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (url != NULL, FALSE);

  origin = esp_origin_of (url);
  if (origin == NULL || !esp_trust_check_url (self, url, NULL))
    return FALSE;
  if (g_strcmp0 (origin, self->origin) == 0)
    return TRUE;

  for (guint i = 0; self->key_origins != NULL && self->key_origins[i] != NULL; i++)
    {
      if (esp_origin_matches (self->key_origins[i], origin))
        return TRUE;
    }

  return FALSE;
}
