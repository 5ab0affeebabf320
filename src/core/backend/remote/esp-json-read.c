/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-json-read.c: JSON of strangers, read with bounds and by the book.
 *
 * One scanner over RFC 8259's grammar. It makes no tree; that is json-glib's work, once the text is
 * known to be fit for it.
 */
#include "esp-json-read.h"

#include <math.h>
#include <string.h>

#include "esp-provider.h"

/* What an index of positions may take. A descriptor of 1 MiB needs a fraction of it. */
#define MAX_INDEX (16u << 20)

struct _EspJsonLines
{
  GHashTable *lines; /* pointer → line */
};

typedef struct
{
  const char *text, *at, *end;
  const char *line_start;
  guint line;
  guint depth;
  const char *problem; /* what is wrong at `at`; NULL so far */

  EspJsonLines *lines; /* NULL: nothing is noted, members may be there twice */
  GString *pointer;
  gsize index_size;

  GArray *lone; /* of gsize: where a half of a surrogate pair is escaped alone; or NULL */
} Scanner;

static gboolean scan_value (Scanner *self);

static gboolean
stop (Scanner *self, const char *problem)
{
  if (self->problem == NULL)
    self->problem = problem;

  return FALSE;
}

static char
peek (Scanner *self)
{
  return self->at < self->end ? *self->at : '\0';
}

static void
skip_space (Scanner *self)
{
  for (; self->at < self->end; self->at++)
    {
      if (*self->at == '\n')
        {
          self->line++;
          self->line_start = self->at + 1;
        }
      else if (*self->at != ' ' && *self->at != '\t' && *self->at != '\r')
        return;
    }
}

static gboolean
scan_unit (Scanner *self, const char *at, guint *unit)
{
  *unit = 0;
  if (self->end - at < 6 || at[0] != '\\' || at[1] != 'u')
    return FALSE;

  for (int i = 2; i < 6; i++)
    {
      if (!g_ascii_isxdigit (at[i]))
        return FALSE;
      *unit = *unit * 16 + (guint) g_ascii_xdigit_value (at[i]);
    }

  return TRUE;
}

/* "\uXXXX", and the second half that belongs to it. `name` gets the character. */
static gboolean
scan_unicode (Scanner *self, GString *name)
{
  guint first, second;
  gunichar c;
  gsize taken = 6;

  if (!scan_unit (self, self->at, &first))
    return stop (self, "“\\u” without four hexadecimal digits");

  c = first;
  if (first >= 0xd800 && first < 0xdc00 && scan_unit (self, self->at + 6, &second)
      && second >= 0xdc00 && second < 0xe000)
    {
      c = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
      taken = 12;
    }
  else if (first >= 0xd800 && first < 0xe000)
    {
      gsize offset = (gsize) (self->at - self->text);

      if (self->lone == NULL)
        return stop (self, "half of a character that needs two “\\u”");
      g_array_append_val (self->lone, offset);
      c = 0xfffd;
    }
  else if (c == 0 && self->lines != NULL)
    return stop (self, "the character \\u0000");

  if (name != NULL)
    g_string_append_unichar (name, c);
  self->at += taken;
  return TRUE;
}

static gboolean
scan_escape (Scanner *self, GString *name)
{
  static const char letters[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
  const char *letter;

  if (self->at + 1 >= self->end)
    return stop (self, "the text breaks off in a string");
  if (self->at[1] == 'u')
    return scan_unicode (self, name);

  letter = strchr (letters, self->at[1]);
  if (letter == NULL || *letter == '\0')
    return stop (self, "an unknown escape in a string");

  if (name != NULL)
    g_string_append_c (name, meaning[letter - letters]);
  self->at += 2;
  return TRUE;
}

/* `name` (may be NULL) gets what the string says. */
static gboolean
scan_string (Scanner *self, GString *name)
{
  if (peek (self) != '"')
    return stop (self, "a string in double quotes was expected");

  self->at++;
  while (self->at < self->end)
    {
      const char *plain = self->at;

      while (self->at < self->end && *self->at != '"' && *self->at != '\\'
             && (guchar) *self->at >= 0x20)
        self->at++;
      if (name != NULL)
        g_string_append_len (name, plain, self->at - plain);

      if (self->at == self->end)
        break;
      if (*self->at == '"')
        {
          self->at++;
          return TRUE;
        }
      if (*self->at != '\\')
        return stop (self, "a line break or control character in a string");
      if (!scan_escape (self, name))
        return FALSE;
    }

  return stop (self, "the text breaks off in a string");
}

static gboolean
scan_digits (Scanner *self)
{
  const char *first = self->at;

  while (self->at < self->end && g_ascii_isdigit (*self->at))
    self->at++;

  return self->at > first || stop (self, "a number without digits");
}

static gboolean
scan_number (Scanner *self)
{
  if (peek (self) == '-')
    self->at++;
  if (peek (self) == '0')
    self->at++;
  else if (!scan_digits (self))
    return FALSE;

  if (peek (self) == '.')
    {
      self->at++;
      if (!scan_digits (self))
        return FALSE;
    }
  if (peek (self) == 'e' || peek (self) == 'E')
    {
      self->at++;
      if (peek (self) == '+' || peek (self) == '-')
        self->at++;
      if (!scan_digits (self))
        return FALSE;
    }

  return TRUE;
}

static gboolean
scan_word (Scanner *self, const char *word)
{
  gsize length = strlen (word);

  if ((gsize) (self->end - self->at) < length || strncmp (self->at, word, length) != 0)
    return stop (self, "a value was expected");

  self->at += length;
  return TRUE;
}

/* Goes down to a child that is called `name`, and notes its line. */
static gboolean
enter (Scanner *self, const char *name)
{
  if (self->lines == NULL)
    return TRUE;

  g_string_append_c (self->pointer, '/');
  for (; *name != '\0'; name++)
    {
      if (*name == '~' || *name == '/')
        g_string_append (self->pointer, *name == '~' ? "~0" : "~1");
      else
        g_string_append_c (self->pointer, *name);
    }

  self->index_size += self->pointer->len + 64;
  if (self->index_size > MAX_INDEX)
    return stop (self, "there is too much in this file");
  if (!g_hash_table_insert (self->lines->lines, g_strdup (self->pointer->str),
                            GUINT_TO_POINTER (self->line)))
    return stop (self, "this member is there twice");

  return TRUE;
}

static gboolean
scan_member (Scanner *self)
{
  g_autoptr (GString) name = self->lines != NULL ? g_string_new (NULL) : NULL;
  const char *first = self->at;
  gsize length = self->pointer->len;

  if (!scan_string (self, name))
    return FALSE;
  if (!enter (self, name != NULL ? name->str : ""))
    {
      self->at = first;
      return FALSE;
    }

  skip_space (self);
  if (peek (self) != ':')
    return stop (self, "“:” was expected after the name");
  self->at++;
  if (!scan_value (self))
    return FALSE;

  g_string_truncate (self->pointer, length);
  return TRUE;
}

static gboolean
scan_element (Scanner *self, guint index)
{
  gsize length = self->pointer->len;
  char name[16];

  g_snprintf (name, sizeof name, "%u", index);
  if (!enter (self, name) || !scan_value (self))
    return FALSE;

  g_string_truncate (self->pointer, length);
  return TRUE;
}

static gboolean
scan_many (Scanner *self, char close)
{
  guint n = 0;

  if (++self->depth > ESP_JSON_MAX_DEPTH)
    return stop (self, "it is nested too deeply");

  self->at++;
  skip_space (self);
  while (n > 0 || peek (self) != close)
    {
      if (!(close == '}' ? scan_member (self) : scan_element (self, n)))
        return FALSE;

      n++;
      skip_space (self);
      if (peek (self) == close)
        break;
      if (peek (self) != ',')
        return stop (self, self->at < self->end ? "“,” or the closing bracket was expected"
                                                : "the text breaks off");
      self->at++;
      skip_space (self);
    }

  self->at++;
  self->depth--;
  return TRUE;
}

static gboolean
scan_value (Scanner *self)
{
  skip_space (self);
  if (self->at == self->end)
    return stop (self, "the text breaks off");

  switch (*self->at)
    {
    case '{':
      return scan_many (self, '}');
    case '[':
      return scan_many (self, ']');
    case '"':
      return scan_string (self, NULL);
    case 't':
      return scan_word (self, "true");
    case 'f':
      return scan_word (self, "false");
    case 'n':
      return scan_word (self, "null");
    default:
      if (*self->at == '-' || g_ascii_isdigit (*self->at))
        return scan_number (self);
      return stop (self, "a value was expected");
    }
}

/* The whole of a text. */
static gboolean
scan (Scanner *self, const char *text, gsize length)
{
  const char *valid;

  self->text = self->at = self->line_start = text;
  self->end = text + length;
  self->line = 1;
  self->pointer = g_string_new (NULL);

  if (!g_utf8_validate_len (text, length, &valid))
    {
      for (; self->at < valid; self->at++)
        if (*self->at == '\n')
          {
            self->line++;
            self->line_start = self->at + 1;
          }
      return stop (self, "this is no UTF-8 text");
    }

  if (!scan_value (self))
    return FALSE;

  skip_space (self);
  return self->at == self->end || stop (self, "there is more after the end");
}

static void
scanner_set_error (Scanner *self, GError **error)
{
  g_set_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX, "no JSON at column %ld: %s",
               g_utf8_strlen (self->line_start, self->at - self->line_start) + 1, self->problem);
}

EspJsonLines *
esp_json_lines_new (const char *text, gsize length, guint *line, GError **error)
{
  EspJsonLines *self;
  Scanner scanner = { 0 };
  gboolean ok;

  g_return_val_if_fail (text != NULL, NULL);

  self = g_new0 (EspJsonLines, 1);
  self->lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  scanner.lines = self;

  ok = scan (&scanner, text, length);
  g_string_free (scanner.pointer, TRUE);
  if (ok)
    return self;

  if (line != NULL)
    *line = scanner.line;
  scanner_set_error (&scanner, error);
  esp_json_lines_free (self);
  return NULL;
}

void
esp_json_lines_free (EspJsonLines *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->lines);
  g_free (self);
}

guint
esp_json_lines_find (EspJsonLines *self, const char *pointer)
{
  g_autofree char *path = g_strdup (pointer);

  g_return_val_if_fail (self != NULL && pointer != NULL, 1);

  while (*path != '\0')
    {
      gpointer line = g_hash_table_lookup (self->lines, path);
      char *slash;

      if (line != NULL)
        return GPOINTER_TO_UINT (line);

      slash = strrchr (path, '/');
      if (slash == NULL)
        break;
      *slash = '\0';
    }

  return 1;
}

/* json-glib wants whole characters: a half that stands alone becomes U+FFFD. */
static char *
dup_mended (const char *text, gsize length, GArray *lone)
{
  char *mended = g_memdup2 (text, length);

  for (guint i = 0; i < lone->len; i++)
    memcpy (mended + g_array_index (lone, gsize, i), "\\ufffd", 6);

  return mended;
}

JsonNode *
esp_json_read (const char *text, gsize length, GError **error)
{
  g_autoptr (GArray) lone = g_array_new (FALSE, FALSE, sizeof (gsize));
  g_autoptr (JsonParser) parser = NULL;
  g_autofree char *mended = NULL;
  Scanner scanner = { .lone = lone };
  gboolean ok;

  g_return_val_if_fail (text != NULL || length == 0, NULL);

  if (length >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    {
      text += 3;
      length -= 3;
    }

  ok = scan (&scanner, length > 0 ? text : "", length);
  g_string_free (scanner.pointer, TRUE);
  if (!ok)
    {
      scanner_set_error (&scanner, error);
      return NULL;
    }

  if (lone->len > 0)
    mended = dup_mended (text, length, lone);
  parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, mended != NULL ? mended : text, (gssize) length, error))
    return NULL;

  return json_parser_steal_root (parser);
}
