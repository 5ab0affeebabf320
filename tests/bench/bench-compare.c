/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-compare.c: how long pictures and texts take to be compared.
 *
 *     bench-compare
 *
 * Prints milliseconds, and how much memory the largest comparison took beside its two pictures. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "esp-difference.h"
#include "esp-word-diff.h"

static double
get_megabytes (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) usage.ru_maxrss / 1024;
}

static void
tell (const char *what, gint64 start, guint n)
{
  const double ms = (double) (g_get_monotonic_time () - start) / 1000.0;

  if (n > 1)
    g_print ("%-44s %9.2f ms  %9.4f ms each\n", what, ms, ms / n);
  else
    g_print ("%-44s %9.2f ms\n", what, ms);
}

/* Noise; the second is the first with `changed` of 16 bytes of it changed. */
static EspPicture *
create_picture (int width, int height, guint changed)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);
  guint32 state = 1;

  if (picture == NULL)
    {
      g_printerr ("bench-compare: no memory\n");
      exit (EXIT_FAILURE);
    }
  for (gsize i = 0; i < (gsize) width * (gsize) height * 3; i++)
    {
      state = state * 1664525 + 1013904223;
      picture->pixels[i] = (guint8) (state >> 24);
      if ((state >> 8 & 15) < changed)
        picture->pixels[i] ^= 0x1c;
    }
  return picture;
}

static void
bench_difference (const char *what, int width, int height, guint changed, guint repeat)
{
  g_autoptr (EspPicture) a = create_picture (width, height, 0);
  g_autoptr (EspPicture) b = create_picture (width, height, changed);
  const gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < repeat; i++)
    {
      g_autoptr (EspDifference) difference = esp_difference_new (a, b, NULL, NULL);
    }
  tell (what, start, repeat);
}

static void
bench_map (void)
{
  g_autoptr (EspPicture) a = create_picture (6000, 4000, 0);
  g_autoptr (EspPicture) b = create_picture (6000, 4000, 8);
  const double before = get_megabytes ();
  g_autoptr (EspDifference) difference = esp_difference_new (a, b, NULL, NULL);
  const double after = get_megabytes ();
  const gint64 start = g_get_monotonic_time ();
  g_autoptr (EspPicture) map = esp_difference_render (difference, 5, NULL, NULL);

  tell ("heat map of 24 MP", start, 1);
  g_print ("%-44s %9.0f MB\n", "memory of a difference of 24 MP", after - before);
}

static char *
create_text (guint n_words, guint seed)
{
  static const char *const words[] = { "the ", "red ", "sail ", "and ", "sky " };
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n_words; i++)
    {
      seed = seed * 1664525 + 1013904223;
      g_string_append (text, words[(seed >> 24) % G_N_ELEMENTS (words)]);
    }
  return g_string_free (text, FALSE);
}

static void
bench_words (const char *what, guint n_words, guint repeat)
{
  g_autofree char *before = create_text (n_words, 1);
  g_autofree char *after = create_text (n_words, 2);
  const gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < repeat; i++)
    {
      g_autoptr (GArray) one = NULL;
      g_autoptr (GArray) other = NULL;

      esp_word_diff (before, after, &one, &other);
    }
  tell (what, start, repeat);
}

int
main (int argc, char *argv[])
{
  /* First, before the heap has grown. */
  bench_map ();
  bench_difference ("difference of 24 MP, all of it", 6000, 4000, 8, 3);
  bench_difference ("difference of 24 MP, nothing", 6000, 4000, 0, 3);
  bench_difference ("difference of 1 MP", 1024, 1024, 8, 20);
  bench_difference ("difference of thumbnails (384x288)", 384, 288, 8, 200);
  bench_words ("texts of 40 words", 40, 200);
  bench_words ("texts of 4,000 words in another order", 4000, 3);
  return EXIT_SUCCESS;
}
