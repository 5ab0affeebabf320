/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A request before it is sent: plain data. */
#define G_LOG_DOMAIN "espalier-http"

#include "esp-http-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* libcurl frames the message; whoever dictates these could make one request look like two. */
static const char *const framing_headers[] = {
  "content-length", "transfer-encoding", "connection", "host", "expect", "upgrade", "te",
  "trailer",        "keep-alive",        NULL,
};

static void
clear_header (gpointer data)
{
  EspHttpHeader *header = data;

  if (header->secret && header->text != NULL)
    explicit_bzero (header->text, strlen (header->text));
  g_clear_pointer (&header->text, g_free);
}

static void
free_part (gpointer data)
{
  EspHttpPart *part = data;

  g_free (part->name);
  g_bytes_unref (part->value);
  g_free (part->filename);
  g_free (part->content_type);
  g_free (part);
}

EspHttpRequest *
esp_http_request_new (const char *method, const char *url)
{
  EspHttpRequest *self;

  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (url != NULL, NULL);

  self = g_new0 (EspHttpRequest, 1);
  self->method = g_ascii_strup (method, -1);
  self->url = g_strdup (url);
  self->headers = g_array_new (FALSE, TRUE, sizeof (EspHttpHeader));
  g_array_set_clear_func (self->headers, clear_header);
  self->connect = ESP_HTTP_DEFAULT_CONNECT;
  self->idle = ESP_HTTP_DEFAULT_IDLE;
  self->max_answer = ESP_HTTP_DEFAULT_MAX_ANSWER;

  return self;
}

EspHttpRequest *
_esp_http_request_copy (EspHttpRequest *self)
{
  EspHttpRequest *copy = esp_http_request_new (self->method, self->url);

  for (guint i = 0; i < self->headers->len; i++)
    {
      const EspHttpHeader *header = &g_array_index (self->headers, EspHttpHeader, i);
      EspHttpHeader own = { g_strdup (header->text), header->secret };

      g_array_append_val (copy->headers, own);
    }
  copy->has_content_type = self->has_content_type;
  copy->has_accept = self->has_accept;
  esp_http_request_set_body (copy, self->body, self->content_type);
  for (guint i = 0; self->parts != NULL && i < self->parts->len; i++)
    {
      const EspHttpPart *part = self->parts->pdata[i];

      esp_http_request_add_part (copy, part->name, part->value, part->filename, part->content_type);
    }
  copy->connect = self->connect;
  copy->idle = self->idle;
  copy->total = self->total;
  copy->max_answer = self->max_answer;
  copy->private_ok = self->private_ok;

  return copy;
}

void
esp_http_request_free (EspHttpRequest *self)
{
  if (self == NULL)
    return;

  g_free (self->method);
  g_free (self->url);
  g_array_unref (self->headers);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_free (self->content_type);
  g_clear_pointer (&self->parts, g_ptr_array_unref);
  g_free (self);
}

const char *
esp_http_request_get_method (EspHttpRequest *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->method;
}

const char *
esp_http_request_get_url (EspHttpRequest *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->url;
}

/* RFC 9110, "token". */
static gboolean
is_token (const char *text)
{
  if (*text == '\0')
    return FALSE;

  for (; *text != '\0'; text++)
    {
      if (!g_ascii_isalnum (*text) && strchr ("!#$%&'*+-.^_`|~", *text) == NULL)
        return FALSE;
    }

  return TRUE;
}

static gboolean
has_control (const char *text)
{
  for (; *text != '\0'; text++)
    {
      if (g_ascii_iscntrl (*text) && *text != '\t')
        return TRUE;
    }

  return FALSE;
}

gboolean
esp_http_request_add_header (EspHttpRequest *self, const char *name, const char *value,
                             gboolean secret, GError **error)
{
  EspHttpHeader header = { NULL, secret };
  g_autofree char *lower = NULL;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  if (!is_token (name))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           _ ("The name of a header contains characters that are not allowed."));
      return FALSE;
    }
  if (has_control (value))
    {
      /* The value may be a key: it is not shown. */
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   _ ("The value for the header “%s” contains control characters or line breaks."),
                   name);
      return FALSE;
    }

  lower = g_ascii_strdown (name, -1);
  if (g_strv_contains (framing_headers, lower) || g_str_has_prefix (lower, "proxy-"))
    {
      g_debug ("the header “%s” is libcurl's business", name);
      return TRUE;
    }
  if (g_str_equal (lower, "content-type"))
    self->has_content_type = TRUE;
  else if (g_str_equal (lower, "accept"))
    self->has_accept = TRUE;

  /* "Name;" is libcurl's way to write a header without value; "Name:" would take it out. */
  header.text
      = *value == '\0' ? g_strconcat (name, ";", NULL) : g_strconcat (name, ": ", value, NULL);
  g_array_append_val (self->headers, header);

  return TRUE;
}

void
esp_http_request_set_body (EspHttpRequest *self, GBytes *body, const char *content_type)
{
  g_return_if_fail (self != NULL);

  if (body != NULL)
    g_bytes_ref (body);
  g_clear_pointer (&self->body, g_bytes_unref);
  self->body = body;

  if (content_type != self->content_type)
    {
      g_free (self->content_type);
      self->content_type
          = content_type != NULL && !has_control (content_type) ? g_strdup (content_type) : NULL;
    }
}

/* Line breaks in the head of a part would make it two. */
static char *
dup_without_controls (const char *text)
{
  char *copy = g_strdup (text);

  for (char *at = copy; at != NULL && *at != '\0'; at++)
    {
      if (g_ascii_iscntrl (*at))
        *at = '_';
    }

  return copy;
}

void
esp_http_request_add_part (EspHttpRequest *self, const char *name, GBytes *value,
                           const char *filename, const char *content_type)
{
  EspHttpPart *part;

  g_return_if_fail (self != NULL);
  g_return_if_fail (name != NULL);
  g_return_if_fail (value != NULL);

  if (self->parts == NULL)
    self->parts = g_ptr_array_new_with_free_func (free_part);

  part = g_new0 (EspHttpPart, 1);
  part->name = dup_without_controls (name);
  part->value = g_bytes_ref (value);
  part->filename = dup_without_controls (filename);
  part->content_type = dup_without_controls (content_type);
  g_ptr_array_add (self->parts, part);
}

void
esp_http_request_set_timeouts (EspHttpRequest *self, guint connect, guint idle, guint total)
{
  g_return_if_fail (self != NULL);

  self->connect = connect > 0 ? connect : ESP_HTTP_DEFAULT_CONNECT;
  self->idle = idle > 0 ? idle : ESP_HTTP_DEFAULT_IDLE;
  self->total = total;
}

void
esp_http_request_set_max_answer (EspHttpRequest *self, gsize bytes)
{
  g_return_if_fail (self != NULL);

  self->max_answer = bytes > 0 ? bytes : ESP_HTTP_DEFAULT_MAX_ANSWER;
}

void
esp_http_request_set_private_ok (EspHttpRequest *self, gboolean allowed)
{
  g_return_if_fail (self != NULL);

  self->private_ok = allowed;
}
