/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-numbers.c: lists and ranges of numbers, in decimal: a tenth is a tenth. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-axis-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Numbers of a range have no more digits than that, before and behind the point together. */
#define MAX_DIGITS 18

/* digits / 10^scale */
typedef struct
{
  gint64 digits;
  int scale;
} Decimal;

typedef struct
{
  const char *title;
  GPtrArray *numbers; /* of char * */
  GHashTable *seen;   /* the same */
  char **tokens;
  guint place;
} Reading;

/* --- Decimals --------------------------------------------------------------------------------- */

static gboolean
parse_exponent (const char *text, int *exponent)
{
  char *end = NULL;
  const gint64 value = g_ascii_strtoll (text, &end, 10);

  if (end == text || *end != '\0' || value < -MAX_DIGITS || value > MAX_DIGITS)
    return FALSE;
  *exponent = (int) value;
  return TRUE;
}

static gboolean
parse_decimal (const char *text, Decimal *decimal)
{
  const gboolean negative = *text == '-';
  gboolean point = FALSE;
  int n = 0, scale = 0, exponent = 0;
  gint64 digits = 0;
  const char *p = text + (negative || *text == '+');

  for (; g_ascii_isdigit (*p) || (*p == '.' && !point); p++)
    {
      if (*p == '.')
        {
          point = TRUE;
          continue;
        }
      n++;
      scale += point;
      if (digits > (G_MAXINT64 - 9) / 100)
        return FALSE;
      digits = digits * 10 + (*p - '0');
    }
  if (n == 0)
    return FALSE;
  if ((*p == 'e' || *p == 'E') && !parse_exponent (p + 1, &exponent))
    return FALSE;
  if (*p != '\0' && *p != 'e' && *p != 'E')
    return FALSE;
  for (scale -= exponent; scale < 0; scale++)
    {
      if (digits > G_MAXINT64 / 100)
        return FALSE;
      digits *= 10;
    }
  decimal->digits = negative ? -digits : digits;
  decimal->scale = scale;
  return scale <= MAX_DIGITS;
}

/* The same number with more digits behind the point. */
static gboolean
rescale (Decimal *decimal, int scale)
{
  for (; decimal->scale < scale; decimal->scale++)
    {
      if (ABS (decimal->digits) > G_MAXINT64 / 100)
        return FALSE;
      decimal->digits *= 10;
    }
  return TRUE;
}

/* Without zeros at the end. */
static Decimal
trim (Decimal decimal)
{
  while (decimal.scale > 0 && decimal.digits % 10 == 0)
    {
      decimal.digits /= 10;
      decimal.scale--;
    }
  return decimal;
}

static char *
dup_decimal (Decimal decimal)
{
  g_autofree char *digits = NULL;
  int whole;

  decimal = trim (decimal);
  digits = g_strdup_printf ("%0*" G_GINT64_FORMAT, decimal.scale + 1, ABS (decimal.digits));
  whole = (int) strlen (digits) - decimal.scale;
  return g_strdup_printf ("%s%.*s%s%s", decimal.digits < 0 ? "-" : "", whole, digits,
                          decimal.scale > 0 ? "." : "", digits + whole);
}

/* --- Lists ------------------------------------------------------------------------------------ */

static gboolean G_GNUC_PRINTF (3, 4)
    set_error (Reading *self, GError **error, const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list arguments;

  va_start (arguments, format);
  sentence = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  /* Translators: what is changed from picture to picture, and what is wrong with its values */
  g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SYNTAX, _ ("%s: %s"), self->title, sentence);
  return FALSE;
}

static gboolean
add_text (Reading *self, const char *text, GError **error)
{
  char *copy;

  if (g_hash_table_contains (self->seen, text))
    return TRUE;
  if (self->numbers->len == ESP_SWEEP_MAX_CELLS)
    {
      g_set_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE, _ ("%s has more than %d values"),
                   self->title, ESP_SWEEP_MAX_CELLS);
      return FALSE;
    }
  copy = g_strdup (text);
  g_ptr_array_add (self->numbers, copy);
  g_hash_table_add (self->seen, copy);
  return TRUE;
}

/* From `first` on in steps until `last` would be passed. */
static gboolean
add_range (Reading *self, Decimal first, Decimal step, Decimal last, GError **error)
{
  const int scale = MAX (first.scale, MAX (step.scale, last.scale));

  if (!rescale (&first, scale) || !rescale (&step, scale) || !rescale (&last, scale))
    return set_error (self, error, _ ("the numbers of a range have too many digits"));
  if (step.digits == 0 || (last.digits > first.digits) != (step.digits > 0))
    {
      if (last.digits == first.digits)
        return TRUE;
      return set_error (self, error, _ ("the range does not get to its end"));
    }
  while (step.digits > 0 ? first.digits <= last.digits : first.digits >= last.digits)
    {
      g_autofree char *text = dup_decimal (first);

      if (!add_text (self, text, error))
        return FALSE;
      first.digits += step.digits;
    }
  return TRUE;
}

/* One that has more digits than a range may have, perhaps. */
static gboolean
looks_like_number (const char *text)
{
  char *end = NULL;

  if (strspn (text, "+-0123456789.eE") != strlen (text))
    return FALSE;
  g_ascii_strtod (text, &end);
  return end != text && *end == '\0';
}

static gboolean
parse_number (Reading *self, const char *text, Decimal *decimal, GError **error)
{
  if (parse_decimal (text, decimal))
    return TRUE;
  if (looks_like_number (text))
    return set_error (self, error, _ ("“%s” has too many digits for a range"), text);
  return set_error (self, error, _ ("“%s” is no number"), text);
}

/* One that has more digits than a range may have can still stand for itself. */
static gboolean
read_number (Reading *self, const char *token, GError **error)
{
  Decimal decimal;
  g_autofree char *text = NULL;

  if (parse_decimal (token, &decimal))
    {
      text = dup_decimal (decimal);
      return add_text (self, text, error);
    }
  if (!looks_like_number (token))
    return set_error (self, error, _ ("“%s” is no number"), token);
  return add_text (self, token, error);
}

/* "1..4", "0..1/0.25"; `dots` is in the middle. */
static gboolean
read_range (Reading *self, const char *token, const char *dots, GError **error)
{
  g_autofree char *before = g_strstrip (g_strndup (token, (gsize) (dots - token)));
  g_auto (GStrv) behind = g_strsplit (dots + strspn (dots, "."), "/", 2);
  Decimal first, last, step = { .digits = 1, .scale = 0 };

  if (behind[0] == NULL || *g_strstrip (behind[0]) == '\0')
    return set_error (self, error, _ ("“..” needs a number behind it"));
  if (!parse_number (self, before, &first, error) || !parse_number (self, behind[0], &last, error))
    return FALSE;
  if (behind[1] != NULL)
    {
      if (!parse_number (self, g_strstrip (behind[1]), &step, error))
        return FALSE;
      step.digits = ABS (step.digits);
    }
  else if (trim (first).scale > 0)
    return set_error (self, error, _ ("“%s” needs a step, as in “%s..%s/0.5” or “1, 1.5, .. 4”"),
                      token, before, behind[0]);
  if (!rescale (&first, last.scale) || !rescale (&last, first.scale))
    return set_error (self, error, _ ("the numbers of a range have too many digits"));
  if (last.digits < first.digits)
    step.digits = -step.digits;
  if (first.digits == last.digits)
    return read_number (self, before, error);
  return add_range (self, first, step, last, error);
}

/* ".. 4" behind others goes on as they did. */
static gboolean
read_rest (Reading *self, const char *token, GError **error)
{
  const char *end = token + strspn (token, ".");
  const guint n = self->numbers->len;
  Decimal last, step, to;

  while (g_ascii_isspace (*end))
    end++;
  if (*end == '\0' && self->tokens[self->place] != NULL)
    end = g_strstrip (self->tokens[self->place++]);
  if (n == 0)
    return set_error (self, error, _ ("“..” needs a number before it"));
  if (*end == '\0')
    return set_error (self, error, _ ("“..” needs a number behind it"));
  if (!parse_number (self, end, &to, error)
      || !parse_number (self, self->numbers->pdata[n - 1], &last, error))
    return FALSE;
  step = (Decimal){ .digits = 1, .scale = 0 };
  if (n > 1)
    {
      Decimal before;

      if (!parse_number (self, self->numbers->pdata[n - 2], &before, error))
        return FALSE;
      if (!rescale (&before, last.scale) || !rescale (&last, before.scale))
        return set_error (self, error, _ ("the numbers of a range have too many digits"));
      step = (Decimal){ .digits = last.digits - before.digits, .scale = last.scale };
    }
  else
    {
      if (!rescale (&to, last.scale) || !rescale (&last, to.scale))
        return set_error (self, error, _ ("the numbers of a range have too many digits"));
      step.digits = to.digits < last.digits ? -1 : 1;
    }
  return add_range (self, last, step, to, error);
}

static gboolean
read_token (Reading *self, GError **error)
{
  char *token = g_strstrip (self->tokens[self->place++]);
  const char *dots = strstr (token, "..");

  if (*token == '\0')
    return TRUE;
  if (dots == token)
    return read_rest (self, token, error);
  return dots != NULL ? read_range (self, token, dots, error) : read_number (self, token, error);
}

/* As people's keyboards write them. */
static char **
split (const char *text)
{
  g_auto (GStrv) dots = g_strsplit (text, "…", -1);
  g_autofree char *dotted = g_strjoinv ("..", dots);
  g_auto (GStrv) minus = g_strsplit (dotted, "−", -1);
  g_autofree char *plain = g_strjoinv ("-", minus);

  return g_strsplit_set (plain, ",;\n", -1);
}

char **
_esp_numbers_parse (const char *title, const char *text, GError **error)
{
  g_autoptr (GPtrArray) numbers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_auto (GStrv) tokens = split (text);
  Reading self = { .title = title, .numbers = numbers, .seen = seen, .tokens = tokens };

  while (tokens[self.place] != NULL)
    if (!read_token (&self, error))
      return NULL;
  if (numbers->len == 0)
    {
      set_error (&self, error, _ ("there is no value"));
      return NULL;
    }
  g_ptr_array_add (numbers, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&numbers), FALSE);
}

/* --- And back --------------------------------------------------------------------------------- */

/* How many from `first` on go in equal steps; 1: the next is no such number. */
static guint
count_even (const char *const *numbers, guint first)
{
  Decimal a, b, step = { 0 };
  guint n = 1;

  while (numbers[first + n] != NULL && parse_decimal (numbers[first + n - 1], &a)
         && parse_decimal (numbers[first + n], &b) && rescale (&a, b.scale)
         && rescale (&b, a.scale))
    {
      Decimal next = { .digits = b.digits - a.digits, .scale = a.scale };

      if (n > 1
          && (!rescale (&next, step.scale) || !rescale (&step, next.scale)
              || next.digits != step.digits))
        break;
      step = next;
      n++;
    }
  return n;
}

char *
_esp_numbers_dup_text (const char *const *numbers)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; numbers[i] != NULL;)
    {
      const guint n = count_even (numbers, i);

      if (i > 0)
        g_string_append (text, ", ");
      if (n >= 5)
        {
          g_string_append_printf (text, "%s, %s, .. %s", numbers[i], numbers[i + 1],
                                  numbers[i + n - 1]);
          i += n;
        }
      else
        g_string_append (text, numbers[i++]);
    }
  return g_string_free (text, FALSE);
}
