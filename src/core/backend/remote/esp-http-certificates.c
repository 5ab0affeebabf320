/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which certificate authorities are trusted. */
#define _GNU_SOURCE
#define G_LOG_DOMAIN "espalier-http"

#include "esp-http-private.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* A file without a name in any folder: what libcurl reads from a file it keeps parsed for all
 * connections, and parsing takes longer than a frame of the window may. -1 where there is none. */
static int
make_file (const guint8 *bytes, gsize length)
{
  int fd = memfd_create ("certificates", MFD_CLOEXEC);

  while (fd >= 0 && length > 0)
    {
      gssize written = write (fd, bytes, length);

      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        {
          close (fd);
          return -1;
        }
      bytes += written;
      length -= (gsize) written;
    }

  return fd;
}

static void
read_all (EspHttpTrust *trust, const char *system, const char *extra)
{
  GByteArray *all = g_byte_array_new ();
  g_autofree char *path = NULL;

  append_file (all, system);
  append_file (all, extra);
  trust->bytes = g_byte_array_free_to_bytes (all);
  trust->fd = make_file (g_bytes_get_data (trust->bytes, NULL), g_bytes_get_size (trust->bytes));

  path = trust->fd >= 0 ? g_strdup_printf ("/proc/self/fd/%d", trust->fd) : NULL;
  if (path != NULL && g_file_test (path, G_FILE_TEST_EXISTS))
    trust->path = g_steal_pointer (&path);
}

void
_esp_http_trust_clear (EspHttpTrust *trust)
{
  if (trust->bytes != NULL && trust->fd >= 0)
    close (trust->fd);
  g_clear_pointer (&trust->bytes, g_bytes_unref);
  g_clear_pointer (&trust->path, g_free);
}

void
_esp_http_trust_set_up (EspHttpTrust *trust, CURL *easy, const char *extra)
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

  if (trust->bytes == NULL)
    read_all (trust, system, extra);

  if (trust->path != NULL)
    {
      curl_easy_setopt (easy, CURLOPT_CAINFO, trust->path);
      curl_easy_setopt (easy, CURLOPT_CAPATH, NULL);
    }
  else if (g_bytes_get_size (trust->bytes) > 0)
    {
      struct curl_blob blob = { 0 };

      blob.data = (void *) g_bytes_get_data (trust->bytes, &blob.len);
      blob.flags = CURL_BLOB_NOCOPY;
      curl_easy_setopt (easy, CURLOPT_CAINFO_BLOB, &blob);
    }
}
