/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-json-read.h"
#include "esp-remote-private.h"

#include <string.h>

#include <glib/gi18n-lib.h>

/* A request under construction. */
typedef struct
{
  EspRemoteSetup *setup;
  EspScope *scope;
  EspHttpRequest *http;
} Builder;

/* --- URL -------------------------------------------------------------------------------------- */

static char *
dup_url (Builder *self, const EspProviderRequest *request, GError **error)
{
  g_autofree char *reference = esp_template_expand_text (
      request->url, self->scope, ESP_TEMPLATE_URL, request->url_if_unset == NULL ? error : NULL);
  g_autofree char *url = NULL;
  g_autofree char *query = NULL;

  if (reference == NULL && request->url_if_unset != NULL)
    reference
        = esp_template_expand_text (request->url_if_unset, self->scope, ESP_TEMPLATE_URL, error);
  if (reference == NULL)
    return NULL;
  url = esp_trust_resolve (&self->setup->trust, reference, error);
  if (url == NULL || !esp_trust_check_url (&self->setup->trust, url, error))
    return NULL;
  if (request->query == NULL)
    return g_steal_pointer (&url);

  query = esp_template_expand_fields (request->query, self->scope, error);
  if (query == NULL)
    return NULL;
  if (query[0] == '\0')
    return g_steal_pointer (&url);
  return g_strconcat (url, strchr (url, '?') != NULL ? "&" : "?", query, NULL);
}

/* --- Headers ---------------------------------------------------------------------------------- */

/* Headers that servers name for an upload must not change where and how it is sent. */
static gboolean
is_ours (const char *name)
{
  static const char *const ours[] = { "host", "content-length", "transfer-encoding", "connection" };

  for (gsize i = 0; i < G_N_ELEMENTS (ours); i++)
    {
      if (g_ascii_strcasecmp (name, ours[i]) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
add_headers (Builder *self, JsonNode *headers, GError **error)
{
  if (JSON_NODE_HOLDS_ARRAY (headers))
    {
      JsonArray *array = json_node_get_array (headers);

      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          if (!add_headers (self, json_array_get_element (array, i), error))
            return FALSE;
        }
      return TRUE;
    }

  if (JSON_NODE_HOLDS_OBJECT (headers))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *value;

      json_object_iter_init_ordered (&iter, json_node_get_object (headers));
      while (json_object_iter_next_ordered (&iter, &name, &value))
        {
          g_autofree char *text = esp_json_dup_plain (value);

          if (!is_ours (name)
              && !esp_http_request_add_header (self->http, name, text, FALSE, error))
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
has_header (JsonNode *headers, const char *wanted)
{
  if (headers == NULL)
    return FALSE;

  if (JSON_NODE_HOLDS_ARRAY (headers))
    {
      JsonArray *array = json_node_get_array (headers);

      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          if (has_header (json_array_get_element (array, i), wanted))
            return TRUE;
        }
      return FALSE;
    }

  if (JSON_NODE_HOLDS_OBJECT (headers))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *value;

      json_object_iter_init (&iter, json_node_get_object (headers));
      while (json_object_iter_next (&iter, &name, &value))
        {
          if (g_ascii_strcasecmp (name, wanted) == 0)
            return TRUE;
        }
    }
  return FALSE;
}

static gboolean
add_key (Builder *self, GError **error)
{
  const EspDescriptor *descriptor = self->setup->descriptor;
  g_autoptr (EspScope) secret = NULL;
  g_autofree char *name = NULL;
  char *value;
  gboolean added;

  if (descriptor->auth_header == NULL || descriptor->auth_value == NULL || self->setup->key == NULL
      || !esp_trust_has_key (&self->setup->trust, esp_http_request_get_url (self->http)))
    return TRUE;

  name = esp_template_expand_text (descriptor->auth_header, self->scope, ESP_TEMPLATE_PLAIN, error);
  if (name == NULL)
    return FALSE;

  secret = esp_scope_copy (self->scope);
  esp_scope_set_text (secret, "secret.api_key", self->setup->key);
  value = esp_template_expand_text (descriptor->auth_value, secret, ESP_TEMPLATE_PLAIN, error);
  if (value == NULL)
    return FALSE;
  added = esp_http_request_add_header (self->http, name, value, TRUE, error);
  explicit_bzero (value, strlen (value));
  g_free (value);
  return added;
}

/* --- Bodies ----------------------------------------------------------------------------------- */

static void
set_body (Builder *self, char *text, gsize length, const char *content_type)
{
  g_autoptr (GBytes) body = g_bytes_new_take (text, length);

  esp_http_request_set_body (self->http, body, content_type);
}

/* The scope's text of a picture's property beside `name` ("image2.bytes" → "image2.mime"). */
static char *
dup_beside (Builder *self, const char *name, const char *property)
{
  const char *dot = strrchr (name, '.');
  g_autofree char *other = NULL;
  JsonNode *value;

  if (dot == NULL)
    return NULL;
  other = g_strdup_printf ("%.*s.%s", (int) (dot - name), name, property);
  value = esp_scope_get (self->scope, other);
  return value != NULL ? esp_json_dup_plain (value) : NULL;
}

static void
add_file (Builder *self, const char *name, const char *source, const char *filename,
          const char *type)
{
  GBytes *bytes = esp_scope_get_bytes (self->scope, source);
  g_autofree char *usual_name = NULL;
  g_autofree char *usual_type = NULL;

  if (bytes == NULL)
    return;
  if (filename == NULL)
    usual_name = dup_beside (self, source, "name");
  if (type == NULL)
    usual_type = dup_beside (self, source, "mime");
  esp_http_request_add_part (self->http, name, bytes, filename != NULL ? filename : usual_name,
                             type != NULL ? type : usual_type);
}

/* "images.bytes": a part for each; "references.bytes": for each but the first. */
static gboolean
add_many_files (Builder *self, const char *name, const char *source, const char *type)
{
  gboolean references = g_str_equal (source, "references.bytes");

  if (!references && !g_str_equal (source, "images.bytes"))
    return FALSE;

  for (guint i = references ? 2 : 1; i < 100; i++)
    {
      g_autofree char *one
          = i == 1 ? g_strdup ("image.bytes") : g_strdup_printf ("image%u.bytes", i);

      if (esp_scope_get_bytes (self->scope, one) == NULL)
        break;
      add_file (self, name, one, NULL, type);
    }
  return TRUE;
}

static gboolean
add_part (Builder *self, const char *name, JsonNode *value, const char *filename, const char *type,
          GError **error)
{
  g_autofree char *only = NULL;
  g_autoptr (JsonNode) expanded = NULL;
  g_autoptr (GError) own_error = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_STRING)
    only = esp_template_dup_only_name (json_node_get_string (value));
  if (only != NULL && g_str_has_suffix (only, ".bytes"))
    {
      if (!add_many_files (self, name, only, type))
        add_file (self, name, only, filename, type);
      return TRUE;
    }

  expanded = esp_template_expand (value, self->scope, &own_error);
  if (own_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&own_error));
      return FALSE;
    }
  if (expanded == NULL)
    return TRUE;

  text = esp_json_dup_plain (expanded);
  bytes = g_bytes_new (text, strlen (text));
  esp_http_request_add_part (self->http, name, bytes, filename, type);
  return TRUE;
}

static char *
dup_member_text (Builder *self, JsonObject *object, const char *name, GError **error)
{
  const char *text = json_object_get_string_member_with_default (object, name, NULL);

  return text != NULL ? esp_template_expand_text (text, self->scope, ESP_TEMPLATE_PLAIN, error)
                      : NULL;
}

static gboolean
add_part_object (Builder *self, JsonObject *part, GError **error)
{
  JsonNode *value = json_object_get_member (part, "file");
  g_autoptr (GError) own_error = NULL;
  g_autofree char *name = NULL;
  g_autofree char *filename = NULL;
  g_autofree char *type = NULL;

  if (value == NULL)
    value = json_object_get_member (part, "value");
  name = dup_member_text (self, part, "name", &own_error);
  if (own_error == NULL)
    filename = dup_member_text (self, part, "filename", &own_error);
  if (own_error == NULL)
    type = dup_member_text (self, part, "type", &own_error);
  if (own_error != NULL)
    {
      /* Of a picture that is not there. */
      if (g_error_matches (own_error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_UNSET))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&own_error));
      return FALSE;
    }
  return name == NULL || value == NULL || add_part (self, name, value, filename, type, error);
}

static gboolean
add_multipart (Builder *self, JsonNode *multipart, GError **error)
{
  if (JSON_NODE_HOLDS_ARRAY (multipart))
    {
      JsonArray *array = json_node_get_array (multipart);

      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          JsonNode *part = json_array_get_element (array, i);

          if (JSON_NODE_HOLDS_OBJECT (part)
              && !add_part_object (self, json_node_get_object (part), error))
            return FALSE;
        }
    }
  else if (JSON_NODE_HOLDS_OBJECT (multipart))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *value;

      json_object_iter_init_ordered (&iter, json_node_get_object (multipart));
      while (json_object_iter_next_ordered (&iter, &name, &value))
        {
          if (!add_part (self, name, value, NULL, NULL, error))
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
add_raw_file (Builder *self, const EspProviderRequest *request, JsonNode *headers, GError **error)
{
  g_autofree char *name = esp_template_dup_only_name (request->file);
  GBytes *bytes = name != NULL ? esp_scope_get_bytes (self->scope, name) : NULL;
  g_autofree char *type = NULL;

  if (bytes == NULL)
    {
      g_set_error (error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_UNSET,
                   _ ("There is no value for “%s”."), request->file);
      return FALSE;
    }
  if (request->content_type != NULL)
    {
      type = esp_template_expand_text (request->content_type, self->scope, ESP_TEMPLATE_PLAIN,
                                       error);
      if (type == NULL)
        return FALSE;
    }
  else if (!has_header (headers, "content-type"))
    type = dup_beside (self, name, "mime");
  esp_http_request_set_body (self->http, bytes, type);
  return TRUE;
}

static gboolean
add_body (Builder *self, const EspProviderRequest *request, JsonNode *headers, GError **error)
{
  if (request->json != NULL)
    {
      g_autoptr (GError) own_error = NULL;
      g_autoptr (JsonNode) body = esp_template_expand (request->json, self->scope, &own_error);
      char *text;

      if (own_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&own_error));
          return FALSE;
        }
      if (body == NULL)
        body = json_node_new (JSON_NODE_NULL);
      text = esp_json_dup_text (body);
      set_body (self, text, strlen (text), "application/json");
      return TRUE;
    }

  if (request->form != NULL)
    {
      char *text = esp_template_expand_fields (request->form, self->scope, error);

      if (text == NULL)
        return FALSE;
      set_body (self, text, strlen (text), "application/x-www-form-urlencoded");
      return TRUE;
    }

  if (request->multipart != NULL)
    return add_multipart (self, request->multipart, error);
  if (request->file != NULL)
    return add_raw_file (self, request, headers, error);
  return TRUE;
}

/* --- All together ----------------------------------------------------------------------------- */

EspHttpRequest *
_esp_remote_request_build (EspRemoteSetup *setup, const EspProviderRequest *request,
                           EspScope *scope, GError **error)
{
  g_autoptr (EspHttpRequest) http = NULL;
  g_autoptr (JsonNode) headers = NULL;
  g_autoptr (GError) own_error = NULL;
  Builder builder = { .setup = setup, .scope = scope };
  g_autofree char *url = dup_url (&builder, request, error);

  if (url == NULL)
    return NULL;
  http = builder.http = esp_http_request_new (request->method, url);
  esp_http_request_set_private_ok (http, setup->trust.is_private);

  if (request->headers != NULL)
    {
      headers = esp_template_expand (request->headers, scope, &own_error);
      if (own_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&own_error));
          return NULL;
        }
    }
  if (headers != NULL && !add_headers (&builder, headers, error))
    return NULL;
  if (request->auth && !add_key (&builder, error))
    return NULL;
  if (!add_body (&builder, request, headers, error))
    return NULL;

  return g_steal_pointer (&http);
}

EspHttpRequest *
_esp_remote_request_build_get (EspRemoteSetup *setup, const char *url, gboolean with_key,
                               GError **error)
{
  g_autoptr (EspHttpRequest) http = NULL;
  Builder builder = { .setup = setup, .scope = setup->scope };

  if (!esp_trust_check_url (&setup->trust, url, error))
    return NULL;
  http = builder.http = esp_http_request_new ("GET", url);
  esp_http_request_set_private_ok (http, setup->trust.is_private);
  if (with_key && !add_key (&builder, error))
    return NULL;
  return g_steal_pointer (&http);
}
