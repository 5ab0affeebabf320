/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Differences of texts, word by word: known ones, and what must hold of all. */
#include "esp-word-diff.h"

#include <string.h>

/* As "same [differs] same". */
static char *
dup_marked (const char *text, GArray *spans)
{
  GString *marked = g_string_new (NULL);

  for (guint i = 0; i < spans->len; i++)
    {
      const EspWordSpan *span = &g_array_index (spans, EspWordSpan, i);

      if (span->differs)
        g_string_append_c (marked, '[');
      g_string_append_len (marked, text + span->start, (gssize) span->length);
      if (span->differs)
        g_string_append_c (marked, ']');
    }
  return g_string_free (marked, FALSE);
}

static void
assert_diff (const char *before, const char *after, const char *marked_before,
             const char *marked_after)
{
  g_autoptr (GArray) one = NULL;
  g_autoptr (GArray) other = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  esp_word_diff (before, after, &one, &other);
  first = dup_marked (before, one);
  second = dup_marked (after, other);
  g_assert_cmpstr (first, ==, marked_before);
  g_assert_cmpstr (second, ==, marked_after);
}

static void
test_known (void)
{
  assert_diff ("", "", "", "");
  assert_diff ("snow", "", "[snow]", "");
  assert_diff ("", "Make it snow", "", "[Make it snow]");
  assert_diff ("Make it snow", "Make it snow", "Make it snow", "Make it snow");
  assert_diff ("Make it snow", "Make it rain", "Make it [snow]", "Make it [rain]");
  assert_diff ("a red sail", "a deep red sail", "a red sail", "a [deep] red sail");
  assert_diff ("Make the red sails blue.", "Make the two white sails blue!",
               "Make the [red] sails blue[.]", "Make the [two white] sails blue[!]");
  assert_diff ("don't", "do not", "[don't]", "[do not]");
  assert_diff ("guidance 2.5", "guidance 2.75", "guidance [2.5]", "guidance [2.75]");
  /* Space alone is no word. */
  assert_diff ("one  two\n", "one two", "one  two\n", "one two");
  assert_diff ("  ", " x ", "  ", " [x] ");
}

static void
test_languages (void)
{
  assert_diff ("Mach die Segel größer", "Mach die Segel grösser", "Mach die Segel [größer]",
               "Mach die Segel [grösser]");
  /* A letter is the same however it is stored. */
  assert_diff ("gr\xc3\xbcn", "gru\xcc\x88n", "gr\xc3\xbcn", "gru\xcc\x88n");
  assert_diff ("Make it snow", "make it snow", "[Make] it snow", "[make] it snow");
  assert_diff ("赤い車にする", "青い車にする", "[赤]い車にする", "[青]い車にする");
  assert_diff ("add 👩‍👩‍👧 here", "add 👩‍👩‍👦 here",
               "add [👩‍👩‍👧] here", "add [👩‍👩‍👦] here");
  assert_diff ("חתול אדום", "חתול כחול", "חתול [אדום]", "חתול [כחול]");
}

/* ---- what must hold of all */

static const char *const vocabulary[]
    = { "a", "b",   "c", "red",   "Segel", "größer", "snow", "赤", "青", "車", "👩‍👩‍👧",
        "🎨", "2.5", ".", "don't", "é" };

/* `n` of the first `range` words with some kind of space between them. */
static char *
dup_random (int n, int range)
{
  static const char *const spaces[] = { " ", " ", " ", "  ", "\n", "\t " };
  GString *text = g_string_new (g_test_rand_bit () ? " " : "");

  for (int i = 0; i < n; i++)
    {
      g_string_append (text, vocabulary[g_test_rand_int_range (0, range)]);
      g_string_append (text, spaces[g_test_rand_int_range (0, G_N_ELEMENTS (spaces))]);
    }
  return g_string_free (text, FALSE);
}

/* All words of the stretches that are common (or of all). */
static char **
dup_words (const char *text, GArray *spans, gboolean common)
{
  g_autoptr (GString) joined = g_string_new (NULL);
  GStrvBuilder *builder = g_strv_builder_new ();
  g_auto (GStrv) parts = NULL;
  char **words;

  for (guint i = 0; i < spans->len; i++)
    {
      const EspWordSpan *span = &g_array_index (spans, EspWordSpan, i);

      if (!common || !span->differs)
        g_string_append_len (joined, text + span->start, (gssize) span->length);
      g_string_append_c (joined, common ? ' ' : '\0');
      if (!common)
        g_string_truncate (joined, joined->len - 1);
    }
  parts = g_strsplit_set (joined->str, " \n\t", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] != '\0')
      g_strv_builder_add (builder, parts[i]);
  words = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return words;
}

static void
assert_covers (const char *text, GArray *spans)
{
  gsize place = 0;

  for (guint i = 0; i < spans->len; i++)
    {
      const EspWordSpan *span = &g_array_index (spans, EspWordSpan, i);

      g_assert_cmpuint (span->start, ==, place);
      g_assert_cmpuint (span->length, >, 0);
      g_assert_true (g_utf8_validate (text + span->start, (gssize) span->length, NULL));
      if (i > 0)
        g_assert_cmpint (span->differs, !=, g_array_index (spans, EspWordSpan, i - 1).differs);
      place += span->length;
    }
  g_assert_cmpuint (place, ==, strlen (text));
}

/* The longest common subsequence, the plain way. */
static guint
count_common (char **a, char **b)
{
  const guint n = g_strv_length (a), m = g_strv_length (b);
  g_autofree guint *row = g_new0 (guint, m + 1);

  for (guint i = 0; i < n; i++)
    {
      guint diagonal = 0;

      for (guint k = 0; k < m; k++)
        {
          const guint above = row[k + 1];

          row[k + 1] = strcmp (a[i], b[k]) == 0 ? diagonal + 1 : MAX (above, row[k]);
          diagonal = above;
        }
    }
  return row[m];
}

static void
check_pair (const char *before, const char *after)
{
  g_autoptr (GArray) one = NULL;
  g_autoptr (GArray) other = NULL;
  g_auto (GStrv) common_before = NULL;
  g_auto (GStrv) common_after = NULL;
  g_auto (GStrv) all_before = NULL;
  g_auto (GStrv) all_after = NULL;

  esp_word_diff (before, after, &one, &other);
  assert_covers (before, one);
  assert_covers (after, other);

  /* What is common is the same in both: with the other's own words in its gaps it is the other. And
   * it is as much as can be. */
  common_before = dup_words (before, one, TRUE);
  common_after = dup_words (after, other, TRUE);
  all_before = dup_words (before, one, FALSE);
  all_after = dup_words (after, other, FALSE);
  g_assert_true (
      g_strv_equal ((const char *const *) common_before, (const char *const *) common_after));
  g_assert_cmpuint (g_strv_length (common_before), ==, count_common (all_before, all_after));
}

static void
test_random (void)
{
  for (int i = 0; i < 6000; i++)
    {
      const int range = g_test_rand_int_range (1, G_N_ELEMENTS (vocabulary) + 1);
      g_autofree char *before = dup_random (g_test_rand_int_range (0, 40), range);
      g_autofree char *after = dup_random (g_test_rand_int_range (0, 40), range);

      check_pair (before, after);
    }
}

/* A text and the same with a few words changed, as people do. */
static void
test_edited (void)
{
  for (int i = 0; i < 600; i++)
    {
      g_autofree char *before = dup_random (200, G_N_ELEMENTS (vocabulary));
      g_auto (GStrv) words = g_strsplit (before, " ", -1);
      const guint n = g_strv_length (words);
      g_autofree char *after = NULL;

      for (int k = 0; k < 5; k++)
        {
          char **word = &words[g_test_rand_int_range (0, (int) n)];

          g_free (*word);
          *word = dup_random (g_test_rand_int_range (0, 3), G_N_ELEMENTS (vocabulary));
        }
      after = g_strjoinv (" ", words);
      check_pair (before, after);
    }
}

static char *
dup_repeated (const char *word, guint n)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append (text, word);
  return g_string_free (text, FALSE);
}

static void
test_bounds (void)
{
  g_autofree char *long_text = dup_repeated ("snow ", 4000);
  g_autofree char *longer = dup_repeated ("snow ", 4001);
  g_autofree char *first = dup_random (3999, 3);
  g_autofree char *second = dup_random (3999, 3);
  g_autoptr (GArray) one = NULL;
  g_autoptr (GArray) other = NULL;
  g_autoptr (GArray) whole = NULL;
  g_autoptr (GArray) rest = NULL;
  g_autoptr (GArray) same = NULL;
  g_autoptr (GArray) same_too = NULL;

  esp_word_diff (long_text, "snow", &one, &other);
  g_assert_cmpuint (one->len, ==, 3); /* the first, all others, the space at the end */
  g_assert_true (g_array_index (one, EspWordSpan, 1).differs);
  g_assert_cmpuint (other->len, ==, 1);
  g_assert_false (g_array_index (other, EspWordSpan, 0).differs);

  esp_word_diff (longer, "snow", &whole, &rest);
  g_assert_cmpuint (whole->len, ==, 1);
  g_assert_true (g_array_index (whole, EspWordSpan, 0).differs);
  g_assert_true (g_array_index (rest, EspWordSpan, 0).differs);

  esp_word_diff (longer, longer, &same, &same_too);
  g_assert_cmpuint (same->len, ==, 1);
  g_assert_false (g_array_index (same, EspWordSpan, 0).differs);
  /* The hardest that there is: long, and almost everything may fit somewhere. */
  check_pair (first, second);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/compare/words/known", test_known);
  g_test_add_func ("/compare/words/languages", test_languages);
  g_test_add_func ("/compare/words/random", test_random);
  g_test_add_func ("/compare/words/edited", test_edited);
  g_test_add_func ("/compare/words/bounds", test_bounds);
  return g_test_run ();
}
