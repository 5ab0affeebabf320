/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-words.c: instructions: several of them, alternatives in one, words to be replaced. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-axis-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SEPARATOR "||"

/* --- Several ---------------------------------------------------------------------------------- */

char **
_esp_texts_split (const char *text)
{
  const gboolean separated = strstr (text, SEPARATOR) != NULL;
  g_auto (GStrv) parts = g_strsplit (text, separated ? SEPARATOR : "\n", -1);
  GPtrArray *texts = g_ptr_array_new ();

  for (char **part = parts; *part != NULL; part++)
    if (*g_strstrip (*part) != '\0')
      g_ptr_array_add (texts, g_strdup (*part));
  g_ptr_array_add (texts, NULL);
  return (char **) g_ptr_array_free (texts, FALSE);
}

char *
_esp_texts_join (const char *const *texts, gboolean lines)
{
  for (guint i = 0; texts[i] != NULL; i++)
    lines = lines && strchr (texts[i], '\n') == NULL;
  if (lines)
    return g_strjoinv ("\n", (char **) texts);
  /* One alone would be read as several, too. */
  if (texts[1] == NULL)
    return g_strconcat (texts[0], " " SEPARATOR, NULL);
  return g_strjoinv (" " SEPARATOR " ", (char **) texts);
}

/* --- Alternatives ----------------------------------------------------------------------------- */

/* "{a|b}" from the opening brace to behind the closing one. */
typedef struct
{
  gsize start, end;
  GPtrArray *options; /* of char * */
} Group;

static void
free_group (gpointer data)
{
  Group *group = data;

  g_ptr_array_unref (group->options);
  g_free (group);
}

static gboolean
is_escaped (const char *p)
{
  return *p == '\\' && (p[1] == '{' || p[1] == '}');
}

/* For people: the first character is 1. */
static int
count_to (const char *text, const char *place)
{
  return (int) g_utf8_pointer_to_offset (text, place) + 1;
}

/* `start` is at an opening brace. The end, or NULL with an error. Braces without a bar inside mean
 * themselves, so that JSON, say, is left alone. */
static const char *
find_end (const char *text, const char *start, gboolean *has_bar, gboolean *is_nested,
          GError **error)
{
  int depth = 0;

  *has_bar = *is_nested = FALSE;
  for (const char *p = start; *p != '\0'; p++)
    {
      if (is_escaped (p))
        p++;
      else if (*p == '|')
        *has_bar = TRUE;
      else if (*p == '{' && ++depth > 1)
        *is_nested = TRUE;
      else if (*p == '}' && --depth == 0)
        return p + 1;
    }
  g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SYNTAX,
               _ ("The brace at character %d is never closed; write \\{ for a brace"),
               count_to (text, start));
  return NULL;
}

static void
add_option (Group *group, GString *option)
{
  g_ptr_array_add (group->options, g_strstrip (g_strdup (option->str)));
  g_string_truncate (option, 0);
}

static Group *
read_group (const char *text, const char *start, const char *end)
{
  Group *group = g_new0 (Group, 1);
  g_autoptr (GString) option = g_string_new (NULL);

  group->start = (gsize) (start - text);
  group->end = (gsize) (end - text);
  group->options = g_ptr_array_new_with_free_func (g_free);
  for (const char *p = start + 1; p < end - 1; p++)
    {
      if (is_escaped (p))
        g_string_append_c (option, *++p);
      else if (*p == '|')
        add_option (group, option);
      else
        g_string_append_c (option, *p);
    }
  add_option (group, option);
  return group;
}

static GPtrArray *
find_groups (const char *text, GError **error)
{
  g_autoptr (GPtrArray) groups = g_ptr_array_new_with_free_func (free_group);

  for (const char *p = text; *p != '\0'; p++)
    {
      gboolean has_bar, is_nested;
      const char *end;

      if (is_escaped (p))
        {
          p++;
          continue;
        }
      if (*p != '{')
        continue;
      end = find_end (text, p, &has_bar, &is_nested, error);
      if (end == NULL)
        return NULL;
      if (has_bar && is_nested)
        {
          g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SYNTAX,
                       _ ("The braces at character %d have others inside, which is not "
                          "possible; write \\{ for a brace"),
                       count_to (text, p));
          return NULL;
        }
      if (has_bar)
        g_ptr_array_add (groups, read_group (text, p, end));
      p = end - 1;
    }
  return g_steal_pointer (&groups);
}

static void
append_plain (GString *result, const char *text, gsize start, gsize end)
{
  for (gsize i = start; i < end; i++)
    {
      if (is_escaped (text + i))
        i++;
      g_string_append_c (result, text[i]);
    }
}

char *
_esp_alternatives_apply (const char *instruction, const char *const *chosen, guint n_chosen)
{
  g_autoptr (GPtrArray) groups = find_groups (instruction, NULL);
  GString *result = g_string_new (NULL);
  gsize place = 0;

  for (guint i = 0; groups != NULL && i < MIN (groups->len, n_chosen); i++)
    {
      const Group *group = groups->pdata[i];

      append_plain (result, instruction, place, group->start);
      g_string_append (result, chosen[i]);
      place = group->end;
    }
  append_plain (result, instruction, place, strlen (instruction));
  return g_string_free (result, FALSE);
}

/* Each once. */
static JsonArray *
dup_options (const Group *group)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  JsonArray *values = json_array_new ();

  for (guint i = 0; i < group->options->len; i++)
    if (g_hash_table_add (seen, group->options->pdata[i]))
      json_array_add_string_element (values, group->options->pdata[i]);
  return values;
}

GPtrArray *
esp_axis_dup_alternatives (const char *instruction, GError **error)
{
  g_autoptr (GPtrArray) groups = NULL;
  GPtrArray *axes;

  g_return_val_if_fail (instruction != NULL, NULL);

  groups = find_groups (instruction, error);
  if (groups == NULL)
    return NULL;
  axes = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
  for (guint i = 0; i < groups->len; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);

      g_ptr_array_add (axes, _esp_axis_new (ESP_AXIS_ALTERNATIVES, name, NULL,
                                            dup_options (groups->pdata[i]), NULL));
    }
  return axes;
}

char *
esp_instruction_dup_heading (const char *instruction)
{
  g_autoptr (GPtrArray) groups = NULL;
  g_autofree const char **chosen = NULL;

  g_return_val_if_fail (instruction != NULL, NULL);

  groups = find_groups (instruction, NULL);
  if (groups == NULL)
    return g_strdup (instruction);
  chosen = g_new0 (const char *, groups->len + 1);
  for (guint i = 0; i < groups->len; i++)
    chosen[i] = "…";
  return _esp_alternatives_apply (instruction, chosen, groups->len);
}

char **
_esp_alternatives_expand (const char *instruction, GError **error)
{
  g_autoptr (GPtrArray) groups = find_groups (instruction, error);
  g_autoptr (GPtrArray) texts = NULL;
  g_autofree const char **chosen = NULL;
  guint64 n = 1;

  if (groups == NULL)
    return NULL;
  for (guint i = 0; i < groups->len && n <= ESP_SWEEP_MAX_CELLS; i++)
    n *= ((Group *) groups->pdata[i])->options->len;
  if (n > ESP_SWEEP_MAX_CELLS)
    {
      g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE,
                   _ ("An instruction has more than %d alternatives"), ESP_SWEEP_MAX_CELLS);
      return NULL;
    }
  texts = g_ptr_array_new ();
  chosen = g_new0 (const char *, groups->len + 1);
  for (guint64 i = 0; i < n; i++)
    {
      g_autofree char *text = NULL;
      guint64 rest = i;

      for (guint j = 0; j < groups->len; j++)
        {
          const GPtrArray *options = ((Group *) groups->pdata[j])->options;

          chosen[j] = options->pdata[rest % options->len];
          rest /= options->len;
        }
      text = g_strstrip (_esp_alternatives_apply (instruction, chosen, groups->len));
      if (*text != '\0')
        g_ptr_array_add (texts, g_steal_pointer (&text));
    }
  g_ptr_array_add (texts, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&texts), FALSE);
}

char *
_esp_alternatives_escape (const char *text)
{
  GString *result = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == '{' || *p == '}')
        g_string_append_c (result, '\\');
      g_string_append_c (result, *p);
    }
  return g_string_free (result, FALSE);
}

/* --- Replacing -------------------------------------------------------------------------------- */

static gboolean
is_of_word (gunichar c)
{
  return g_unichar_isalnum (c) || c == '_';
}

static gboolean
is_whole (const char *text, const char *place, gsize length)
{
  const char *end = place + length;

  if (place > text && is_of_word (g_utf8_get_char (place))
      && is_of_word (g_utf8_get_char (g_utf8_prev_char (place))))
    return FALSE;
  return *end == '\0' || !is_of_word (g_utf8_get_char (g_utf8_prev_char (end)))
         || !is_of_word (g_utf8_get_char (end));
}

char *
_esp_words_replace (const char *text, const char *wanted, const char *by)
{
  const gsize length = strlen (wanted);
  GString *result = g_string_new (NULL);
  gboolean found = FALSE;

  for (const char *p = text; *p != '\0';)
    {
      const char *next = g_utf8_next_char (p);

      if (length > 0 && strncmp (p, wanted, length) == 0 && is_whole (text, p, length))
        {
          g_string_append (result, by);
          next = p + length;
          found = TRUE;
        }
      else
        g_string_append_len (result, p, next - p);
      p = next;
    }
  if (found)
    return g_string_free (result, FALSE);
  g_string_free (result, TRUE);
  return NULL;
}
