/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-label.c: short labels for texts that may be long and alike. */
#include "esp-axis-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Characters that fit above a column. */
#define MAX_LENGTH 40

static gboolean
are_short (const char *const *texts, guint n)
{
  for (guint i = 0; i < n; i++)
    if (g_utf8_strlen (texts[i], -1) > MAX_LENGTH)
      return FALSE;
  return TRUE;
}

/* Bytes that all have in common, cut back to where a word begins. */
static gsize
measure_beginning (const char *const *texts, guint n)
{
  gsize length = n > 1 ? strlen (texts[0]) : 0;

  for (guint i = 1; i < n; i++)
    {
      gsize same = 0;

      while (same < length && texts[i][same] == texts[0][same])
        same++;
      length = same;
    }
  while (length > 0 && texts[0][length - 1] != ' ' && texts[0][length - 1] != '\n')
    length--;
  return length;
}

/* In one line, of at most that many characters. */
static char *
shorten (const char *text, gboolean is_cut)
{
  const glong length = g_utf8_strlen (text, -1);
  const glong most = MAX_LENGTH - (is_cut ? 1 : 0);
  g_autofree char *beginning = g_utf8_substring (text, 0, MIN (length, most - 1));
  char *label = g_strconcat (is_cut ? "…" : "", length > most ? beginning : text,
                             length > most ? "…" : "", NULL);

  return g_strdelimit (label, "\n\t", ' ');
}

static void
number_twins (char **labels)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) twins = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; labels[i] != NULL; i++)
    if (!g_hash_table_add (seen, labels[i]))
      g_hash_table_add (twins, labels[i]);
  if (g_hash_table_size (twins) == 0)
    return;
  for (guint i = 0; labels[i] != NULL; i++)
    {
      char *label = labels[i];

      labels[i] = g_strdup_printf ("%u. %s", i + 1, label);
      g_free (label);
    }
}

char **
_esp_labels_of_texts (const char *const *texts, guint n)
{
  const gsize beginning = are_short (texts, n) ? 0 : measure_beginning (texts, n);
  char **labels = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    labels[i] = *texts[i] != '\0' ? shorten (texts[i] + beginning, beginning > 0)
                                  : g_strdup (_ ("(nothing)"));
  number_twins (labels);
  return labels;
}
