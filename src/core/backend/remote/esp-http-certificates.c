/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which certificate authorities are trusted. */
#define G_LOG_DOMAIN "espalier-http"

#include <string.h>

#include "esp-http-private.h"

/* The system's authorities in one file: libcurl keeps it parsed, which a folder it does not. */
static const char *
find_system_file (void)
{
  static const char *const places[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
  };
  const char *named = g_getenv ("SSL_CERT_FILE");
  const curl_version_info_data *version = curl_version_info (CURLVERSION_NOW);

  if (named != NULL && g_file_test (named, G_FILE_TEST_IS_REGULAR))
    return named;
  if (version->age >= CURLVERSION_SEVENTH && version->cainfo != NULL
      && g_file_test (version->cainfo, G_FILE_TEST_IS_REGULAR))
    return version->cainfo;

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      if (g_file_test (places[i], G_FILE_TEST_IS_REGULAR))
        return places[i];
    }

  return NULL;
}

static void
append_file (GByteArray *all, const char *path)
{
  g_autofree char *text = NULL;
  gsize length = 0;
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    return;
  if (!g_file_get_contents (path, &text, &length, &error))
    {
      g_warning ("%s", error->message);
      return;
    }

  g_byte_array_append (all, (const guint8 *) text, (guint) length);
  g_byte_array_append (all, (const guint8 *) "\n", 1);
}

void
_esp_http_trust (CURL *easy, const char *extra, GBytes **cache)
{
  const char *system = find_system_file ();

  if (extra == NULL)
    {
      if (system != NULL)
        {
          curl_easy_setopt (easy, CURLOPT_CAINFO, system);
          curl_easy_setopt (easy, CURLOPT_CAPATH, NULL);
        }
      return;
    }

  if (*cache == NULL)
    {
      GByteArray *all = g_byte_array_new ();

      append_file (all, system);
      append_file (all, extra);
      *cache = g_byte_array_free_to_bytes (all);
    }

  if (g_bytes_get_size (*cache) > 0)
    {
      struct curl_blob blob = { 0 };

      blob.data = (void *) g_bytes_get_data (*cache, &blob.len);
      blob.flags = CURL_BLOB_NOCOPY;
      curl_easy_setopt (easy, CURLOPT_CAINFO_BLOB, &blob);
    }
}
