/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-columns.c: how wide a text is on a terminal. */
#include "cli-columns.h"

static int
columns_of (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

int
cli_columns_count (const char *text)
{
  int columns = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    columns += columns_of (g_utf8_get_char (p));
  return columns;
}

gsize
cli_columns_fit (const char *text, int columns)
{
  const char *p = text;

  for (; *p != '\0'; p = g_utf8_next_char (p))
    {
      columns -= columns_of (g_utf8_get_char (p));
      if (columns < 0)
        break;
    }
  return (gsize) (p - text);
}
