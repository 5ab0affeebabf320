/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-foreign-text.c: text from others, made fit for a terminal and a window. */
#include <string.h>

#include "esp-pointer.h"

#define MAX_CHARACTERS 500

/* How many bytes at `text` an escape sequence of a terminal takes ("\033[31m", "\033]0;title\a");
 * one where it is none that ends. */
static gsize
skip_escape (const char *text, gsize length)
{
  gsize i = 2;

  if (length < 2)
    return 1;

  if (text[1] == '[') /* CSI: parameters, then one final byte */
    {
      while (i < length && text[i] >= 0x20 && text[i] <= 0x3f)
        i++;
      return i < length && text[i] >= 0x40 && text[i] <= 0x7e ? i + 1 : 1;
    }

  /* OSC: up to BEL or ESC \ */
  for (; text[1] == ']' && i < length; i++)
    {
      if (text[i] == '\a')
        return i + 1;
      if (text[i] == '\033')
        return i + 1 < length && text[i + 1] == '\\' ? i + 2 : i;
    }

  return 1;
}

/* Marks that turn the direction of what follows, or that nobody sees. */
static gboolean
is_invisible (gunichar c)
{
  return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e)
         || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb)
         || (c >= 0xe0000 && c <= 0xe0fff);
}

char *
esp_foreign_text_dup_clean (const char *text, gssize length)
{
  GString *clean = g_string_new (NULL);
  gsize n_characters = 0;
  gboolean gap = FALSE;
  gsize end, step;

  g_return_val_if_fail (text != NULL, g_string_free (clean, FALSE));

  end = length < 0 ? strlen (text) : (gsize) length;
  for (gsize at = 0; at < end; at += step)
    {
      gunichar c = g_utf8_get_char_validated (text + at, (gssize) (end - at));

      step = 1;
      if (text[at] == '\0')
        continue;
      if (c == (gunichar) -1 || c == (gunichar) -2)
        c = 0xfffd;
      else if (c == 0x1b)
        {
          step = skip_escape (text + at, end - at);
          continue;
        }
      else
        step = (gsize) (g_utf8_next_char (text + at) - (text + at));

      if (c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r' || c == 0x85
          || g_unichar_isspace (c) || c == 0x2028 || c == 0x2029)
        {
          gap = clean->len > 0;
          continue;
        }
      if (g_unichar_iscntrl (c) || is_invisible (c))
        continue;

      /* The last character that is kept says that more was said. */
      if (n_characters + (gap ? 2 : 1) > MAX_CHARACTERS - 1)
        {
          g_string_append (clean, "…");
          break;
        }
      if (gap)
        g_string_append_c (clean, ' ');
      g_string_append_unichar (clean, c);
      n_characters += gap ? 2 : 1;
      gap = FALSE;
    }

  return g_string_free (clean, FALSE);
}
