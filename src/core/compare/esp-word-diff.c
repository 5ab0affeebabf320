/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-word-diff.c: the words that two texts do not share (Myers 1986). */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-word-diff.h"

#include <string.h>

static GArray *
whole (const char *text, gboolean differs)
{
  GArray *spans = g_array_new (FALSE, FALSE, sizeof (EspWordSpan));
  const EspWordSpan span = { 0, strlen (text), differs };

  if (span.length > 0)
    g_array_append_val (spans, span);
  return spans;
}

void
esp_word_diff (const char *before, const char *after, GArray **spans_before, GArray **spans_after)
{
  const gboolean differs = strcmp (before, after) != 0;

  *spans_before = whole (before, differs);
  *spans_after = whole (after, differs);
}
