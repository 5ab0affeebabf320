/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-pointer.c: where in a JSON answer something stands.
 *
 * A segment is read, unescaped and followed at a time; nothing is allocated in advance, and how
 * deep it goes is bounded by the pointer, not by the answer.
 */
#include "esp-pointer.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "esp-json-read.h"
#include "esp-provider.h"

/* A pointer has few segments and hits few things; an answer may still be made to let "*" multiply.
 */
#define MAX_HITS 10000

gboolean
esp_pointer_check (const char *pointer, GError **error)
{
  g_return_val_if_fail (pointer != NULL, FALSE);

  if (pointer[0] != '\0' && pointer[0] != '/')
    {
      g_set_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_INVALID,
                   "the pointer “%s” does not begin with “/”", pointer);
      return FALSE;
    }

  for (const char *tilde = strchr (pointer, '~'); tilde != NULL; tilde = strchr (tilde + 1, '~'))
    {
      if (tilde[1] != '0' && tilde[1] != '1')
        {
          g_set_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_INVALID,
                       "the pointer “%s” has a “~” that is neither “~0” nor “~1”", pointer);
          return FALSE;
        }
    }

  return TRUE;
}

/* The segment that begins at `*rest`; `*rest` is moved behind it: to the next "/" or the end. */
static char *
take_segment (const char **rest)
{
  const char *end = *rest + strcspn (*rest, "/");
  GString *segment = g_string_new (NULL);

  for (const char *c = *rest; c < end; c++)
    {
      if (c[0] == '~' && (c[1] == '0' || c[1] == '1'))
        g_string_append_c (segment, *++c == '0' ? '~' : '/');
      else
        g_string_append_c (segment, *c);
    }

  *rest = end;
  return g_string_free (segment, FALSE);
}

/* RFC 6901: digits without leading zeros. */
static gboolean
read_index (const char *segment, guint *index)
{
  gsize digits = strspn (segment, "0123456789");

  if (digits == 0 || digits > 9 || segment[digits] != '\0' || (segment[0] == '0' && digits > 1))
    return FALSE;

  *index = (guint) g_ascii_strtoull (segment, NULL, 10);
  return TRUE;
}

static void find_from (const char *rest, JsonNode *node, GPtrArray *hits);

/* "12" or "12:3". */
static gboolean
is_number (const char *name)
{
  return g_ascii_isdigit (name[0]) && name[strspn (name, "0123456789:")] == '\0';
}

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  const char *one = a;
  const char *other = b;

  for (;;)
    {
      char *one_end, *other_end;
      guint64 one_number = g_ascii_strtoull (one, &one_end, 10);
      guint64 other_number = g_ascii_strtoull (other, &other_end, 10);

      if (one_number != other_number)
        return one_number < other_number ? -1 : 1;
      if (*one_end == '\0' || *other_end == '\0')
        return *one_end == *other_end ? strcmp (a, b) : *one_end == '\0' ? -1 : 1;
      one = one_end + 1;
      other = other_end + 1;
    }
}

/* As they come; but names that are all numbers by their values, whatever order the server had. */
static GList *
list_names (JsonObject *object)
{
  GList *names = json_object_get_members (object);

  for (GList *name = names; name != NULL; name = name->next)
    if (!is_number (name->data))
      return names;

  return g_list_sort (names, compare_numbers);
}

static void
find_every (const char *rest, JsonNode *node, GPtrArray *hits)
{
  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array) && hits->len < MAX_HITS; i++)
        find_from (rest, json_array_get_element (array, i), hits);
    }
  else if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObject *object = json_node_get_object (node);
      g_autoptr (GList) names = list_names (object);

      for (GList *name = names; name != NULL && hits->len < MAX_HITS; name = name->next)
        find_from (rest, json_object_get_member (object, name->data), hits);
    }
}

/* `rest` is "" or begins with "/". */
static void
find_from (const char *rest, JsonNode *node, GPtrArray *hits)
{
  g_autofree char *segment = NULL;
  JsonNode *next = NULL;
  guint index;

  if (*rest == '\0')
    {
      if (!JSON_NODE_HOLDS_NULL (node))
        g_ptr_array_add (hits, node);
      return;
    }

  rest++;
  segment = take_segment (&rest);
  if (g_str_equal (segment, "*"))
    {
      find_every (rest, node, hits);
      return;
    }

  if (JSON_NODE_HOLDS_OBJECT (node))
    next = json_object_get_member (json_node_get_object (node), segment);
  else if (JSON_NODE_HOLDS_ARRAY (node) && read_index (segment, &index)
           && index < json_array_get_length (json_node_get_array (node)))
    next = json_array_get_element (json_node_get_array (node), index);

  if (next != NULL)
    find_from (rest, next, hits);
}

GPtrArray *
esp_pointer_find_all (const char *pointer, JsonNode *root)
{
  GPtrArray *hits = g_ptr_array_new ();

  g_return_val_if_fail (pointer != NULL, hits);

  if (root != NULL && (*pointer == '\0' || *pointer == '/'))
    find_from (pointer, root, hits);

  return hits;
}

JsonNode *
esp_pointer_find (const char *const *pointers, JsonNode *root)
{
  for (guint i = 0; pointers != NULL && pointers[i] != NULL; i++)
    {
      g_autoptr (GPtrArray) hits = esp_pointer_find_all (pointers[i], root);

      if (hits->len > 0)
        return g_ptr_array_index (hits, 0);
    }

  return NULL;
}

char *
esp_pointer_dup_text (const char *const *pointers, JsonNode *root)
{
  JsonNode *node = esp_pointer_find (pointers, root);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? esp_json_dup_plain (node) : NULL;
}

/* g_ascii_strtod () reads "inf", "0x1p3" and leading blanks, too. */
static gboolean
read_number (const char *text, double *number)
{
  char *end = NULL;
  double value;

  if (text[0] == '\0' || text[strspn (text, "0123456789+-.eE")] != '\0')
    return FALSE;

  value = g_ascii_strtod (text, &end);
  if (*end != '\0' || !isfinite (value))
    return FALSE;

  *number = value;
  return TRUE;
}

gboolean
esp_pointer_get_number (const char *const *pointers, JsonNode *root, double *number)
{
  JsonNode *node = esp_pointer_find (pointers, root);
  GType type;

  g_return_val_if_fail (number != NULL, FALSE);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return FALSE;

  type = json_node_get_value_type (node);
  if (type == G_TYPE_STRING)
    return read_number (json_node_get_string (node), number);
  if ((type != G_TYPE_INT64 && type != G_TYPE_DOUBLE) || !isfinite (json_node_get_double (node)))
    return FALSE;

  *number = json_node_get_double (node);
  return TRUE;
}

/* The sentence in an object of an error list. */
static JsonNode *
find_sentence (JsonObject *object)
{
  static const char *const names[] = { "msg", "message", "detail" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      JsonNode *member = json_object_get_member (object, names[i]);

      if (member != NULL && JSON_NODE_HOLDS_VALUE (member)
          && json_node_get_value_type (member) == G_TYPE_STRING)
        return member;
    }

  return NULL;
}

static void
append_words (GString *words, JsonNode *node)
{
  g_autofree char *text = NULL;
  JsonNode *sentence = NULL;

  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      /* What is said in more than a few sentences is cut anyway. */
      for (guint i = 0; i < json_array_get_length (array) && words->len < 4096; i++)
        {
          JsonNode *element = json_array_get_element (array, i);

          if (!JSON_NODE_HOLDS_ARRAY (element))
            append_words (words, element);
        }
      return;
    }

  if (JSON_NODE_HOLDS_NULL (node)
      || (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN))
    return;

  if (JSON_NODE_HOLDS_OBJECT (node))
    {
      if (json_object_get_size (json_node_get_object (node)) == 0)
        return;
      sentence = find_sentence (json_node_get_object (node));
    }

  text = esp_json_dup_plain (sentence != NULL ? sentence : node);
  if (text[0] != '\0')
    g_string_append_printf (words, "%s%s", words->len > 0 ? "; " : "", text);
}

char *
esp_pointer_dup_message (const char *const *pointers, JsonNode *root)
{
  for (guint i = 0; pointers != NULL && pointers[i] != NULL; i++)
    {
      g_autoptr (GPtrArray) hits = esp_pointer_find_all (pointers[i], root);
      g_autoptr (GString) words = g_string_new (NULL);
      g_autofree char *clean = NULL;

      for (guint hit = 0; hit < hits->len && words->len < 4096; hit++)
        append_words (words, g_ptr_array_index (hits, hit));

      clean = esp_foreign_text_dup_clean (words->str, (gssize) words->len);
      if (clean[0] != '\0')
        return g_steal_pointer (&clean);
    }

  return NULL;
}
