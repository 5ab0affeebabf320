/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-word-diff.c: the words that two texts do not share, by E. W. Myers, "An O(ND) Difference
 * Algorithm and Its Variations", Algorithmica 1 (1986): the refinement in linear space. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-word-diff.h"

#include <pango/pango.h>
#include <string.h>

#define MAX_WORDS  4000
#define WORD_BYTES 1024

typedef struct
{
  gsize start, end; /* bytes */
  guint id;         /* the same for the same word of either text */
  gboolean differs;
} Word;

/* ---- words */

static gboolean
is_space (const char *text, const char *end)
{
  for (; text < end; text = g_utf8_next_char (text))
    if (!g_unichar_isspace (g_utf8_get_char (text)))
      return FALSE;
  return TRUE;
}

/* Composed or not, a letter is the same. What is longer than any word is not composed: GLib takes
 * time with the square of its length. */
static guint
get_id (GHashTable *ids, const char *start, const char *end)
{
  char *word = end - start <= WORD_BYTES ? g_utf8_normalize (start, end - start, G_NORMALIZE_NFC)
                                         : g_strndup (start, (gsize) (end - start));
  guint id = GPOINTER_TO_UINT (g_hash_table_lookup (ids, word));

  if (id != 0)
    {
      g_free (word);
      return id;
    }
  id = g_hash_table_size (ids) + 1;
  g_hash_table_insert (ids, word, GUINT_TO_POINTER (id));
  return id;
}

/* Everything between two word boundaries that is not only space: words, numbers, signs, emoji. */
static GArray *
split (const char *text, GHashTable *ids)
{
  GArray *words = g_array_new (FALSE, FALSE, sizeof (Word));
  const glong n = g_utf8_strlen (text, -1);
  g_autofree PangoLogAttr *breaks = g_new0 (PangoLogAttr, n + 1);
  const char *start = text, *place = text;

  pango_get_log_attrs (text, -1, -1, pango_language_from_string ("und"), breaks, (int) n + 1);
  for (glong i = 1; i <= n; i++)
    {
      place = g_utf8_next_char (place);
      if (i < n && !breaks[i].is_word_boundary)
        continue;
      if (!is_space (start, place))
        {
          const Word word = { (gsize) (start - text), (gsize) (place - text),
                              get_id (ids, start, place), TRUE };

          g_array_append_val (words, word);
        }
      start = place;
    }
  return words;
}

/* ---- Myers */

/* One text in the search: ids of its words, and whether they were found in the other. */
typedef struct
{
  const guint *ids;
  gboolean *kept;
} Side;

typedef struct
{
  int *forward, *backward; /* the farthest place on each diagonal, from -max to max */
  int middle;              /* index of diagonal 0 */
} Search;

/* A run of equal words in the middle of a shortest path: from (x, y) to (u, v). */
typedef struct
{
  int x, y, u, v;
} Snake;

/* Paths from both corners, one difference longer at a time, until they meet. Both texts have words.
 */
static Snake
find_middle (const Search *search, const guint *a, int n, const guint *b, int m)
{
  int *forward = search->forward + search->middle, *backward = search->backward + search->middle;
  const int delta = n - m, most = (n + m + 1) / 2;
  const gboolean odd = (delta & 1) != 0;

  forward[1] = 0;
  backward[1] = 0;
  for (int d = 0; d <= most; d++)
    {
      for (int k = -d; k <= d; k += 2)
        {
          int x = k == -d || (k != d && forward[k - 1] < forward[k + 1]) ? forward[k + 1]
                                                                         : forward[k - 1] + 1;
          const int first = x;

          while (x < n && x - k < m && a[x] == b[x - k])
            x++;
          forward[k] = x;
          if (odd && k >= delta - (d - 1) && k <= delta + (d - 1) && x + backward[delta - k] >= n)
            return (Snake){ first, first - k, x, x - k };
        }
      for (int k = -d; k <= d; k += 2)
        {
          int x = k == -d || (k != d && backward[k - 1] < backward[k + 1]) ? backward[k + 1]
                                                                           : backward[k - 1] + 1;
          const int first = x;

          while (x < n && x - k < m && a[n - 1 - x] == b[m - 1 - (x - k)])
            x++;
          backward[k] = x;
          if (!odd && delta - k >= -d && delta - k <= d && x + forward[delta - k] >= n)
            return (Snake){ n - x, m - (x - k), n - first, m - (first - k) };
        }
    }
  g_assert_not_reached ();
}

static void
compare (const Search *search, Side a, int n, Side b, int m)
{
  Snake snake;

  for (; n > 0 && m > 0 && a.ids[0] == b.ids[0]; a.ids++, a.kept++, b.ids++, b.kept++, n--, m--)
    *a.kept = *b.kept = TRUE;
  for (; n > 0 && m > 0 && a.ids[n - 1] == b.ids[m - 1]; n--, m--)
    a.kept[n - 1] = b.kept[m - 1] = TRUE;
  if (n == 0 || m == 0)
    return;

  snake = find_middle (search, a.ids, n, b.ids, m);
  for (int i = snake.x; i < snake.u; i++)
    {
      a.kept[i] = TRUE;
      b.kept[snake.y + i - snake.x] = TRUE;
    }
  compare (search, a, snake.x, b, snake.y);
  compare (search, (Side){ a.ids + snake.u, a.kept + snake.u }, n - snake.u,
           (Side){ b.ids + snake.v, b.kept + snake.v }, m - snake.v);
}

/* The words of `all` that `others` has, too: only they can be in both, and they alone are compared.
 * `places` tells where they were. */
static GArray *
pick_shared (GArray *all, GArray *others, GArray **places)
{
  g_autoptr (GHashTable) known = g_hash_table_new (NULL, NULL);
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint));

  *places = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < others->len; i++)
    g_hash_table_add (known, GUINT_TO_POINTER (g_array_index (others, Word, i).id));
  for (guint i = 0; i < all->len; i++)
    {
      const guint id = g_array_index (all, Word, i).id;

      if (!g_hash_table_contains (known, GUINT_TO_POINTER (id)))
        continue;
      g_array_append_val (ids, id);
      g_array_append_val (*places, i);
    }
  return ids;
}

static void
mark (GArray *words, GArray *places, const gboolean *kept)
{
  for (guint i = 0; i < places->len; i++)
    if (kept[i])
      g_array_index (words, Word, g_array_index (places, guint, i)).differs = FALSE;
}

static void
compare_words (GArray *before, GArray *after)
{
  g_autoptr (GArray) places_before = NULL;
  g_autoptr (GArray) places_after = NULL;
  g_autoptr (GArray) ids_before = pick_shared (before, after, &places_before);
  g_autoptr (GArray) ids_after = pick_shared (after, before, &places_after);
  const guint room = ids_before->len + ids_after->len;
  g_autofree gboolean *kept_before = g_new0 (gboolean, ids_before->len + 1);
  g_autofree gboolean *kept_after = g_new0 (gboolean, ids_after->len + 1);
  g_autofree int *forward = g_new0 (int, 2 * room + 3);
  g_autofree int *backward = g_new0 (int, 2 * room + 3);
  const Search search = { forward, backward, (int) room + 1 };

  compare (&search, (Side){ (const guint *) (gconstpointer) ids_before->data, kept_before },
           (int) ids_before->len,
           (Side){ (const guint *) (gconstpointer) ids_after->data, kept_after },
           (int) ids_after->len);
  mark (before, places_before, kept_before);
  mark (after, places_after, kept_after);
}

/* ---- stretches */

static void
add_span (GArray *spans, gsize start, gsize end, gboolean differs)
{
  EspWordSpan *last = spans->len > 0 ? &g_array_index (spans, EspWordSpan, spans->len - 1) : NULL;
  const EspWordSpan span = { start, end - start, differs };

  if (start == end)
    return;
  if (last != NULL && last->differs == differs)
    last->length += span.length;
  else
    g_array_append_val (spans, span);
}

/* The space between two words that differ belongs to them, all other space to nobody. */
static GArray *
join (GArray *words, gsize length)
{
  GArray *spans = g_array_new (FALSE, FALSE, sizeof (EspWordSpan));
  gboolean differed = FALSE;
  gsize place = 0;

  for (guint i = 0; i < words->len; i++)
    {
      const Word *word = &g_array_index (words, Word, i);

      add_span (spans, place, word->start, differed && word->differs);
      add_span (spans, word->start, word->end, word->differs);
      differed = word->differs;
      place = word->end;
    }
  add_span (spans, place, length, FALSE);
  return spans;
}

static GArray *
create_whole (const char *text, gboolean differs)
{
  GArray *spans = g_array_new (FALSE, FALSE, sizeof (EspWordSpan));

  add_span (spans, 0, strlen (text), differs);
  return spans;
}

void
esp_word_diff (const char *before, const char *after, GArray **spans_before, GArray **spans_after)
{
  g_autoptr (GHashTable) ids = NULL;
  g_autoptr (GArray) words_before = NULL;
  g_autoptr (GArray) words_after = NULL;
  const gboolean readable = before != NULL && g_utf8_validate (before, -1, NULL) && after != NULL
                            && g_utf8_validate (after, -1, NULL);

  g_return_if_fail (before != NULL && after != NULL);
  g_return_if_fail (spans_before != NULL && spans_after != NULL);

  ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (readable)
    {
      words_before = split (before, ids);
      words_after = split (after, ids);
    }
  if (!readable || MAX (words_before->len, words_after->len) > MAX_WORDS)
    {
      const gboolean differs = strcmp (before, after) != 0;

      *spans_before = create_whole (before, differs);
      *spans_after = create_whole (after, differs);
      return;
    }
  compare_words (words_before, words_after);
  *spans_before = join (words_before, strlen (before));
  *spans_after = join (words_after, strlen (after));
}
