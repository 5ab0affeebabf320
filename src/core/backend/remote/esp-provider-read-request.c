/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-read-request.c: the requests of a descriptor. */
#include <string.h>

#include "esp-provider-private.h"
#include "esp-template.h"

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", NULL };

/* Written by the transport itself, or by "auth". */
static const char *const reserved_headers[] = {
  "host", "content-length", "transfer-encoding", "connection", "expect", "te", "upgrade", NULL
};

static void
capture_free (gpointer data)
{
  EspCapture *capture = data;

  g_free (capture->name);
  g_strfreev (capture->pointers);
  g_free (capture);
}

static gboolean
is_plain (JsonNode *node)
{
  return esp_json_is_text (node) || esp_json_is_number (node) || esp_json_is_bool (node);
}

static void
check_header_name (EspReader *reader, const char *path, const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  if (strstr (name, "{{") != NULL)
    return;

  if (g_strv_contains (reserved_headers, lower))
    esp_reader_fail (reader, path, "the header %s is not for descriptors", name);
  else if (*name == '\0'
           || name[strspn (name, "!#$%&'*+-.^_`|~0123456789"
                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")]
                  != '\0')
    esp_reader_fail (reader, path, "“%s” is no name of a header", name);
}

/* Name → text, number or word. */
static void
check_pairs (EspReader *reader, const char *path, JsonObject *object, gboolean are_headers)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      GString *place = g_string_new (name);
      g_autofree char *at = NULL;

      g_string_replace (place, "~", "~0", 0);
      g_string_replace (place, "/", "~1", 0);
      at = g_strconcat (path, "/", place->str, NULL);
      g_string_free (place, TRUE);

      if (!is_plain (value))
        esp_reader_fail (reader, at, "a text, number, true or false was expected");
      else if (are_headers)
        check_header_name (reader, at, name);
      if (are_headers && esp_json_is_text (value)
          && strpbrk (json_node_get_string (value), "\r\n") != NULL)
        esp_reader_fail (reader, at, "a header has one line");
    }
}

static JsonNode *
read_headers (EspMembers *members)
{
  g_autofree char *path = esp_members_dup_path (members, "headers");
  JsonNode *node = esp_members_get (members, "headers");
  JsonArray *array;

  if (node == NULL)
    return NULL;

  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      check_pairs (members->reader, path, json_node_get_object (node), TRUE);
      return json_node_ref (node);
    }
  if (!JSON_NODE_HOLDS_ARRAY (node))
    {
      esp_members_fail (members, "headers", "an object or a list was expected");
      return NULL;
    }

  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      g_autofree char *at = esp_reader_dup_element_path (path, i);
      g_autofree char *only = NULL;

      if (JSON_NODE_HOLDS_OBJECT (element))
        {
          check_pairs (members->reader, at, json_node_get_object (element), TRUE);
          continue;
        }
      if (esp_json_is_text (element))
        only = esp_template_dup_only_name (json_node_get_string (element));
      if (only == NULL)
        esp_reader_fail (members->reader, at,
                         "an object or a placeholder that is one was expected");
    }

  return json_node_ref (node);
}

static JsonObject *
read_pairs (EspMembers *members, const char *name)
{
  g_autofree char *path = esp_members_dup_path (members, name);
  JsonObject *object = esp_members_get_object (members, name);

  if (object == NULL)
    return NULL;

  check_pairs (members->reader, path, object, FALSE);
  return json_object_ref (object);
}

/* One part in the long form. */
static void
check_part (EspReader *reader, JsonNode *node, const char *path)
{
  g_autoptr (EspMembers) part = esp_members_open (reader, node, path);
  JsonNode *value, *file;

  esp_members_get_required_text (part, "name");
  value = esp_members_get (part, "value");
  file = esp_members_get (part, "file");
  esp_members_get_text (part, "filename");
  esp_members_get_text (part, "type");

  if ((value == NULL) == (file == NULL))
    esp_reader_fail (reader, path, "either “value” or “file” is needed");
  else if (value != NULL && !is_plain (value))
    esp_members_fail (part, "value", "a text, number, true or false was expected");
  else if (file != NULL && !esp_json_is_text (file))
    esp_members_fail (part, "file", "a text was expected");
}

static JsonNode *
read_multipart (EspMembers *members)
{
  g_autofree char *path = esp_members_dup_path (members, "multipart");
  JsonNode *node = esp_members_get (members, "multipart");

  if (node == NULL)
    return NULL;

  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      check_pairs (members->reader, path, json_node_get_object (node), FALSE);
    }
  else if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          g_autofree char *at = esp_reader_dup_element_path (path, i);

          check_part (members->reader, json_array_get_element (array, i), at);
        }
    }
  else
    {
      esp_members_fail (members, "multipart", "an object or a list was expected");
      return NULL;
    }

  return json_node_ref (node);
}

static gboolean
is_capture_name (const char *name)
{
  return g_ascii_islower (name[0])
         && name[strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static void
read_captures (EspMembers *members, GPtrArray *captures)
{
  g_autofree char *path = esp_members_dup_path (members, "capture");
  JsonNode *node = esp_members_get (members, "capture");
  g_autoptr (EspMembers) object = NULL;
  g_autoptr (GList) names = NULL;

  if (node == NULL)
    return;

  object = esp_members_open (members->reader, node, path);
  names = json_object_get_members (object->object);
  for (GList *name = names; name != NULL; name = name->next)
    {
      char **pointers = esp_members_dup_pointers (object, name->data);
      EspCapture *capture;

      if (!is_capture_name (name->data))
        esp_members_fail (object, name->data,
                          "the name of a captured value is of lower-case letters, digits and “_”");
      if (pointers == NULL)
        return;

      capture = g_new0 (EspCapture, 1);
      capture->name = g_strdup (name->data);
      capture->pointers = pointers;
      g_ptr_array_add (captures, capture);
    }
}

static guint
read_when (EspMembers *members)
{
  g_auto (GStrv) names = esp_members_dup_texts (members, "when");
  guint when = 0;

  if (names == NULL)
    return 1u << ESP_STATUS_QUEUED | 1u << ESP_STATUS_RUNNING;

  for (guint i = 0; names[i] != NULL; i++)
    {
      if (g_str_equal (names[i], "queued"))
        when |= 1u << ESP_STATUS_QUEUED;
      else if (g_str_equal (names[i], "running"))
        when |= 1u << ESP_STATUS_RUNNING;
      else
        esp_members_fail (members, "when", "“%s” is neither queued nor running", names[i]);
    }

  return when;
}

static void
read_file (EspMembers *members, EspProviderRequest *request)
{
  g_autofree char *only = NULL;

  request->file = g_strdup (esp_members_get_text (members, "file"));
  request->content_type = g_strdup (esp_members_get_text (members, "content_type"));

  if (request->file != NULL)
    {
      only = esp_template_dup_only_name (request->file);
      if (only == NULL || !g_str_has_suffix (only, ".bytes"))
        esp_members_fail (members, "file", "“{{image.bytes}}” was expected");
    }
  else if (request->content_type != NULL)
    {
      esp_members_fail (members, "content_type", "this is the type of “file”, which is missing");
    }
}

EspProviderRequest *
_esp_provider_read_request (EspMembers *members, EspRequestMembers extra)
{
  EspProviderRequest *request = g_new0 (EspProviderRequest, 1);
  guint n_bodies;

  request->captures = g_ptr_array_new_with_free_func (capture_free);
  request->method = g_strdup (methods[esp_members_get_choice (members, "method", methods, -1)]);
  request->url = g_strdup (esp_members_get_required_text (members, "url"));
  request->url_if_unset = g_strdup (esp_members_get_text (members, "url_if_unset"));
  request->headers = read_headers (members);
  request->query = read_pairs (members, "query");
  request->form = read_pairs (members, "form");
  request->multipart = read_multipart (members);
  request->json = esp_members_get (members, "json");
  if (request->json != NULL)
    json_node_ref (request->json);
  read_file (members, request);
  request->auth = esp_members_get_bool (members, "auth", TRUE);
  request->when = 1u << ESP_STATUS_QUEUED | 1u << ESP_STATUS_RUNNING;
  if ((extra & ESP_REQUEST_CAPTURES) != 0)
    read_captures (members, request->captures);
  if ((extra & ESP_REQUEST_OTHER_URL) != 0)
    request->url_if_gone = g_strdup (esp_members_get_text (members, "url_if_gone"));
  if ((extra & ESP_REQUEST_WHEN) != 0)
    request->when = read_when (members);

  n_bodies = (request->json != NULL) + (request->form != NULL) + (request->multipart != NULL)
             + (request->file != NULL);
  if (n_bodies > 1)
    esp_reader_fail (members->reader, members->path,
                     "a request has one of “json”, “form”, “multipart” and “file”");
  else if (n_bodies > 0 && g_str_equal (request->method, "GET"))
    esp_members_fail (members, "method", "a GET request has no body");

  return request;
}

EspProviderRequest *
_esp_provider_read_one_request (EspMembers *members, const char *name, EspRequestMembers extra)
{
  g_autofree char *path = esp_members_dup_path (members, name);
  JsonNode *node = esp_members_get (members, name);
  g_autoptr (EspMembers) object = NULL;

  if (node == NULL)
    return NULL;

  object = esp_members_open (members->reader, node, path);
  return _esp_provider_read_request (object, extra);
}

GPtrArray *
_esp_provider_read_requests (EspMembers *members, const char *name, EspRequestMembers extra)
{
  g_autofree char *path = esp_members_dup_path (members, name);
  JsonNode *node = esp_members_get (members, name);
  GPtrArray *requests;
  JsonArray *array;

  if (node == NULL)
    return NULL;

  requests = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_provider_request_free);
  if (!JSON_NODE_HOLDS_ARRAY (node))
    {
      g_ptr_array_add (requests, _esp_provider_read_one_request (members, name, extra));
      return requests;
    }

  array = json_node_get_array (node);
  if (json_array_get_length (array) == 0)
    esp_members_fail (members, name, "the list is empty");
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *at = esp_reader_dup_element_path (path, i);
      g_autoptr (EspMembers) object
          = esp_members_open (members->reader, json_array_get_element (array, i), at);

      g_ptr_array_add (requests, _esp_provider_read_request (object, extra));
    }

  return requests;
}
