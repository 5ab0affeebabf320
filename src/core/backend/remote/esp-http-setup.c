/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libcurl is told of a request. */
#define G_LOG_DOMAIN "espalier-http"

#include "esp-http-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  GBytes *bytes;
  gsize at;
} PartReader;

static void
free_part_reader (gpointer data)
{
  PartReader *reader = data;

  g_bytes_unref (reader->bytes);
  g_free (reader);
}

static gsize
on_read_part (char *buffer, gsize size, gsize count, void *data)
{
  PartReader *reader = data;
  gsize total;
  const char *bytes = g_bytes_get_data (reader->bytes, &total);
  gsize length = MIN (size * count, total - reader->at);

  if (length > 0)
    memcpy (buffer, bytes + reader->at, length);
  reader->at += length;

  return length;
}

static int
on_seek_part (void *data, curl_off_t offset, int origin)
{
  PartReader *reader = data;

  if (origin != SEEK_SET || offset < 0 || (gsize) offset > g_bytes_get_size (reader->bytes))
    return CURL_SEEKFUNC_CANTSEEK;

  reader->at = (gsize) offset;

  return CURL_SEEKFUNC_OK;
}

static void
set_up_safety (EspHttpTransfer *self)
{
  CURL *easy = self->easy;
  const char *protocols = self->kind == ESP_HTTP_SOCKET ? "ws,wss" : "http,https";

  curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, protocols);
  curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt (easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt (easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
  curl_easy_setopt (easy, CURLOPT_HEADEROPT, (long) CURLHEADER_SEPARATE);
  curl_easy_setopt (easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt (easy, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt (easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt (easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt (easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
  _esp_http_set_up_certificates (self->http, easy);
}

static void
set_up_connection (EspHttpTransfer *self, const char *proxy, CURLSH *share)
{
  CURL *easy = self->easy;
  EspHttpRequest *request = self->request;
  gboolean harmless = g_str_equal (request->method, "GET") || g_str_equal (request->method, "HEAD");

  self->proxied = *proxy != '\0';
  curl_easy_setopt (easy, CURLOPT_PROXY, proxy);
  curl_easy_setopt (easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt (easy, CURLOPT_SHARE, share);
  curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
  /* A connection from before may be dying just now, and nobody could tell what of the request
   * arrived there: what must not be sent twice gets its own. */
  curl_easy_setopt (easy, CURLOPT_FRESH_CONNECT, harmless ? 0L : 1L);
  curl_easy_setopt (easy, CURLOPT_MAXAGE_CONN, 45L);
  curl_easy_setopt (easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a name that nobody wants */
  curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT_MS, (long) request->connect * 1000);
  /* Events that are packed are often held back until there is enough to pack. */
  curl_easy_setopt (easy, CURLOPT_ACCEPT_ENCODING, self->kind == ESP_HTTP_SEND ? "" : NULL);
  curl_easy_setopt (easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) request->max_answer);
  curl_easy_setopt (easy, CURLOPT_USERAGENT, "Espalier");
}

static gboolean
set_up_parts (EspHttpTransfer *self)
{
  GPtrArray *parts = self->request->parts;

  self->mime = curl_mime_init (self->easy);
  self->parts = g_ptr_array_new_with_free_func (free_part_reader);
  for (guint i = 0; i < parts->len; i++)
    {
      const EspHttpPart *part = parts->pdata[i];
      PartReader *reader = g_new0 (PartReader, 1);
      curl_mimepart *mime_part = curl_mime_addpart (self->mime);

      reader->bytes = g_bytes_ref (part->value);
      g_ptr_array_add (self->parts, reader);
      if (mime_part == NULL || curl_mime_name (mime_part, part->name) != CURLE_OK
          || curl_mime_filename (mime_part, part->filename) != CURLE_OK
          || curl_mime_type (mime_part, part->content_type) != CURLE_OK
          || curl_mime_data_cb (mime_part, (curl_off_t) g_bytes_get_size (part->value),
                                on_read_part, on_seek_part, NULL, reader)
                 != CURLE_OK)
        return FALSE;
    }

  return curl_easy_setopt (self->easy, CURLOPT_MIMEPOST, self->mime) == CURLE_OK;
}

static gboolean
set_up_body (EspHttpTransfer *self)
{
  CURL *easy = self->easy;
  EspHttpRequest *request = self->request;
  const char *method = request->method;

  if (self->kind == ESP_HTTP_SOCKET || g_str_equal (method, "GET"))
    {
      curl_easy_setopt (easy, CURLOPT_HTTPGET, 1L);
      return TRUE;
    }
  if (g_str_equal (method, "HEAD"))
    {
      curl_easy_setopt (easy, CURLOPT_NOBODY, 1L);
      return TRUE;
    }

  if (request->parts != NULL)
    {
      if (!set_up_parts (self))
        return FALSE;
    }
  else if (request->body != NULL || g_str_equal (method, "POST") || g_str_equal (method, "PUT")
           || g_str_equal (method, "PATCH"))
    {
      gsize length = 0;
      const char *bytes = request->body != NULL ? g_bytes_get_data (request->body, &length) : NULL;

      curl_easy_setopt (easy, CURLOPT_POST, 1L);
      curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) length);
      curl_easy_setopt (easy, CURLOPT_POSTFIELDS, bytes != NULL ? bytes : "");
      self->to_send = (gint64) length;
    }
  if (!g_str_equal (method, "POST"))
    curl_easy_setopt (easy, CURLOPT_CUSTOMREQUEST, method);

  return TRUE;
}

static gboolean
append_header (EspHttpTransfer *self, const char *text)
{
  struct curl_slist *longer = curl_slist_append (self->headers, text);

  if (longer != NULL)
    self->headers = longer;

  return longer != NULL;
}

static gboolean
set_up_headers (EspHttpTransfer *self)
{
  EspHttpRequest *request = self->request;

  for (guint i = 0; i < request->headers->len; i++)
    {
      const EspHttpHeader *header = &g_array_index (request->headers, EspHttpHeader, i);

      /* The boundary is libcurl's. */
      if (request->parts != NULL
          && g_ascii_strncasecmp (header->text, "content-type:", strlen ("content-type:")) == 0)
        continue;
      if (!append_header (self, header->text))
        return FALSE;
    }

  if (self->kind == ESP_HTTP_LISTEN && !request->has_accept
      && !append_header (self, "Accept: text/event-stream, application/json;q=0.9, */*;q=0.1"))
    return FALSE;

  if (request->parts == NULL && !request->has_content_type)
    {
      g_autofree char *type = request->content_type != NULL
                                  ? g_strconcat ("Content-Type: ", request->content_type, NULL)
                                  : g_strdup ("Content-Type:");

      if (!append_header (self, type))
        return FALSE;
    }

  /* No second's wait for "100 Continue" before a large body. */
  if (!append_header (self, "Expect:"))
    return FALSE;

  return curl_easy_setopt (self->easy, CURLOPT_HTTPHEADER, self->headers) == CURLE_OK;
}

gboolean
_esp_http_transfer_prepare (EspHttpTransfer *self, const char *proxy, CURLSH *share, GError **error)
{
  self->easy = curl_easy_init ();
  if (self->easy != NULL)
    {
      set_up_safety (self);
      set_up_connection (self, proxy, share);
      _esp_http_transfer_hear (self);
      if (curl_easy_setopt (self->easy, CURLOPT_CURLU, self->url) == CURLE_OK && set_up_body (self)
          && set_up_headers (self))
        return TRUE;
    }

  g_set_error (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_CONNECT,
               _ ("The request to “%s” could not be made."), self->host);

  return FALSE;
}
