/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-reader.c: the members of a descriptor, with what is wrong in words. */
#include "esp-provider-reader.h"

#include <math.h>
#include <string.h>

#include "esp-pointer.h"

gboolean
esp_json_is_text (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
         && json_node_get_value_type (node) == G_TYPE_STRING;
}

gboolean
esp_json_is_int (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
         && json_node_get_value_type (node) == G_TYPE_INT64;
}

gboolean
esp_json_is_number (JsonNode *node)
{
  return esp_json_is_int (node)
         || (node != NULL && JSON_NODE_HOLDS_VALUE (node)
             && json_node_get_value_type (node) == G_TYPE_DOUBLE
             && isfinite (json_node_get_double (node)));
}

gboolean
esp_json_is_bool (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
         && json_node_get_value_type (node) == G_TYPE_BOOLEAN;
}

static void
fail_valist (EspReader *self, const char *path, const char *format, va_list arguments)
{
  g_autofree char *what = NULL;
  g_autoptr (GString) place = NULL;

  if (self->error != NULL)
    return;

  /* For people the "/" of names is a "/". */
  place = g_string_new (*path == '/' ? path + 1 : path);
  g_string_replace (place, "~1", "/", 0);
  g_string_replace (place, "~0", "~", 0);

  what = g_strdup_vprintf (format, arguments);
  g_set_error (&self->error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_INVALID, "%s:%u: %s%s%s",
               self->name, esp_json_lines_find (self->lines, path), place->str,
               place->len > 0 ? ": " : "", what);
}

void
esp_reader_fail (EspReader *self, const char *path, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  fail_valist (self, path, format, arguments);
  va_end (arguments);
}

EspMembers *
esp_members_open (EspReader *reader, JsonNode *node, const char *path)
{
  EspMembers *self = g_new0 (EspMembers, 1);

  self->reader = reader;
  self->path = g_strdup (path);
  self->asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    self->object = json_object_ref (json_node_get_object (node));
  else
    {
      self->object = json_object_new ();
      esp_reader_fail (reader, path, "an object { … } was expected");
    }

  return self;
}

/* The known name that is most like `name`, or NULL: mistakes are mostly of a letter or two. */
static const char *
find_similar (EspMembers *self, const char *name)
{
  const char *similar = NULL;
  GHashTableIter iter;
  gpointer known;
  gsize best = 3;

  g_hash_table_iter_init (&iter, self->asked);
  while (g_hash_table_iter_next (&iter, &known, NULL))
    {
      const char *a = name, *b = known;
      gsize front = 0, back = 0, a_length = strlen (a), b_length = strlen (b), different;

      while (front < MIN (a_length, b_length) && a[front] == b[front])
        front++;
      while (back < MIN (a_length, b_length) - front
             && a[a_length - 1 - back] == b[b_length - 1 - back])
        back++;

      different = MAX (a_length, b_length) - front - back;
      if (front + back > 1
          && (different < best
              || (different == best && similar != NULL && strcmp (b, similar) < 0)))
        {
          best = different;
          similar = b;
        }
    }

  return similar;
}

static void
check_unknown (EspMembers *self)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, self->object);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      const char *similar;

      if (g_hash_table_contains (self->asked, name))
        continue;

      similar = find_similar (self, name);
      if (similar != NULL)
        esp_members_fail (self, name, "there is no such member; is “%s” meant?", similar);
      else
        esp_members_fail (self, name, "there is no such member");
      return;
    }
}

void
esp_members_close (EspMembers *self)
{
  if (self == NULL)
    return;

  check_unknown (self);
  json_object_unref (self->object);
  g_hash_table_unref (self->asked);
  g_free (self->path);
  g_free (self);
}

char *
esp_members_dup_path (EspMembers *self, const char *name)
{
  GString *path = g_string_new (name);

  g_string_replace (path, "~", "~0", 0);
  g_string_replace (path, "/", "~1", 0);
  g_string_prepend_c (path, '/');
  g_string_prepend (path, self->path);
  return g_string_free (path, FALSE);
}

char *
esp_reader_dup_element_path (const char *path, guint index)
{
  return g_strdup_printf ("%s/%u", path, index);
}

void
esp_members_fail (EspMembers *self, const char *name, const char *format, ...)
{
  g_autofree char *path = esp_members_dup_path (self, name);
  va_list arguments;

  va_start (arguments, format);
  fail_valist (self->reader, path, format, arguments);
  va_end (arguments);
}

JsonNode *
esp_members_get (EspMembers *self, const char *name)
{
  g_hash_table_add (self->asked, g_strdup (name));
  return json_object_get_member (self->object, name);
}

JsonNode *
esp_members_get_required (EspMembers *self, const char *name)
{
  JsonNode *node = esp_members_get (self, name);

  if (node == NULL)
    esp_reader_fail (self->reader, self->path, "“%s” is missing", name);

  return node;
}

JsonObject *
esp_members_get_object (EspMembers *self, const char *name)
{
  JsonNode *node = esp_members_get (self, name);

  if (node == NULL)
    return NULL;
  if (JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_object (node);

  esp_members_fail (self, name, "an object { … } was expected");
  return NULL;
}

JsonArray *
esp_members_get_array (EspMembers *self, const char *name)
{
  JsonNode *node = esp_members_get (self, name);

  if (node == NULL)
    return NULL;
  if (JSON_NODE_HOLDS_ARRAY (node))
    return json_node_get_array (node);

  esp_members_fail (self, name, "a list [ … ] was expected");
  return NULL;
}

const char *
esp_members_get_text (EspMembers *self, const char *name)
{
  JsonNode *node = esp_members_get (self, name);

  if (node == NULL)
    return NULL;
  if (esp_json_is_text (node) && json_node_get_string (node)[0] != '\0')
    return json_node_get_string (node);

  esp_members_fail (self, name, "a text was expected");
  return NULL;
}

const char *
esp_members_get_required_text (EspMembers *self, const char *name)
{
  return esp_members_get_required (self, name) != NULL ? esp_members_get_text (self, name) : NULL;
}

gboolean
esp_members_get_bool (EspMembers *self, const char *name, gboolean fallback)
{
  JsonNode *node = esp_members_get (self, name);

  if (node == NULL)
    return fallback;
  if (esp_json_is_bool (node))
    return json_node_get_boolean (node);

  esp_members_fail (self, name, "true or false was expected");
  return fallback;
}

gint64
esp_members_get_int (EspMembers *self, const char *name, gint64 minimum, gint64 maximum,
                     gint64 fallback)
{
  JsonNode *node = esp_members_get (self, name);
  gint64 value;

  if (node == NULL)
    return fallback;
  if (!esp_json_is_int (node))
    {
      esp_members_fail (self, name, "a whole number was expected");
      return fallback;
    }

  value = json_node_get_int (node);
  if (value >= minimum && value <= maximum)
    return value;

  esp_members_fail (
      self, name, "%" G_GINT64_FORMAT " is not between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT,
      value, minimum, maximum);
  return fallback;
}

double
esp_members_get_number (EspMembers *self, const char *name, double minimum, double maximum,
                        double fallback)
{
  JsonNode *node = esp_members_get (self, name);
  double value;

  if (node == NULL)
    return fallback;
  if (!esp_json_is_number (node))
    {
      esp_members_fail (self, name, "a number was expected");
      return fallback;
    }

  value = json_node_get_double (node);
  if (value >= minimum && value <= maximum)
    return value;

  if (value < minimum)
    esp_members_fail (self, name, "the number is too small");
  else
    esp_members_fail (self, name, "the number is too large");
  return fallback;
}

int
esp_members_get_choice (EspMembers *self, const char *name, const char *const *choices,
                        int fallback)
{
  g_autofree char *all = NULL;
  const char *text;

  if (fallback < 0 && esp_members_get_required (self, name) == NULL)
    return 0;

  text = esp_members_get_text (self, name);
  if (text == NULL)
    return MAX (fallback, 0);

  for (int i = 0; choices[i] != NULL; i++)
    if (g_str_equal (choices[i], text))
      return i;

  all = g_strjoinv (", ", (char **) choices);
  esp_members_fail (self, name, "“%s” is none of %s", text, all);
  return MAX (fallback, 0);
}

char **
esp_members_dup_texts (EspMembers *self, const char *name)
{
  g_autoptr (GStrvBuilder) builder = NULL;
  JsonNode *node = esp_members_get (self, name);
  JsonArray *array;

  if (node == NULL)
    return NULL;

  builder = g_strv_builder_new ();
  if (esp_json_is_text (node))
    {
      g_strv_builder_add (builder, json_node_get_string (node));
      return g_strv_builder_end (builder);
    }

  if (!JSON_NODE_HOLDS_ARRAY (node) || json_array_get_length (json_node_get_array (node)) == 0)
    {
      esp_members_fail (self, name, "a text or a list of texts was expected");
      return NULL;
    }

  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      if (!esp_json_is_text (json_array_get_element (array, i)))
        {
          esp_members_fail (self, name, "a text or a list of texts was expected");
          return NULL;
        }
      g_strv_builder_add (builder, json_array_get_string_element (array, i));
    }

  return g_strv_builder_end (builder);
}

char **
esp_members_dup_pointer_templates (EspMembers *self, const char *name)
{
  g_auto (GStrv) pointers = esp_members_dup_texts (self, name);

  for (guint i = 0; pointers != NULL && pointers[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!esp_pointer_check (pointers[i], &error))
        {
          esp_members_fail (self, name, "%s", error->message);
          return NULL;
        }
    }

  return g_steal_pointer (&pointers);
}

char **
esp_members_dup_pointers (EspMembers *self, const char *name)
{
  g_auto (GStrv) pointers = esp_members_dup_pointer_templates (self, name);

  for (guint i = 0; pointers != NULL && pointers[i] != NULL; i++)
    {
      if (strstr (pointers[i], "{{") != NULL)
        {
          esp_members_fail (self, name, "this pointer is no template: no {{…}} here; “*” may do");
          return NULL;
        }
    }

  return g_steal_pointer (&pointers);
}
