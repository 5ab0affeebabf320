/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CIEDE2000 against scikit-image and against the formula's authors, the figures, the heat map, and
 * the differences of nodes. */
#include "esp-difference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "document-fixture.h"
#include "esp-delta-e-private.h"

/* To scikit-image, which has doubles. */
#define TOLERANCE 1e-3

static char *
dup_data_path (const char *name)
{
  return g_build_filename (g_getenv ("ESP_TEST_DATA"), "differences", name, NULL);
}

static char **
read_lines (const char *name)
{
  g_autofree char *path = dup_data_path (name);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return g_strsplit (g_strchomp (text), "\n", -1);
}

static EspPicture *
load (const char *name, const char *letter)
{
  g_autofree char *file = g_strdup_printf ("%s-%s.ppm", name, letter);
  g_autofree char *path = dup_data_path (file);
  g_autoptr (GError) error = NULL;
  EspPicture *picture = esp_picture_load_ppm (path, &error);

  g_assert_no_error (error);
  return picture;
}

static float *
load_values (const char *name, gsize n)
{
  g_autofree char *file = g_strdup_printf ("%s.f32", name);
  g_autofree char *path = dup_data_path (file);
  char *data;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  g_assert_cmpuint (size, ==, n * 4);
  for (gsize i = 0; i < n; i++)
    {
      guint32 bits;

      memcpy (&bits, data + 4 * i, 4);
      bits = GUINT32_FROM_LE (bits);
      memcpy (data + 4 * i, &bits, 4);
    }
  return (float *) (gpointer) data;
}

static EspDifference *
compare (EspPicture *a, EspPicture *b)
{
  g_autoptr (GError) error = NULL;
  EspDifference *difference = esp_difference_new (a, b, NULL, &error);

  g_assert_no_error (error);
  return difference;
}

static EspPicture *
plain (int width, int height, guint32 color)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);

  for (gsize i = 0; i < (gsize) width * (gsize) height; i++)
    {
      picture->pixels[3 * i] = (guint8) (color >> 16);
      picture->pixels[3 * i + 1] = (guint8) (color >> 8);
      picture->pixels[3 * i + 2] = (guint8) color;
    }
  return picture;
}

/* ---- the numbers */

static int
by_value (gconstpointer a, gconstpointer b)
{
  const float one = *(const float *) a, other = *(const float *) b;

  return (one > other) - (one < other);
}

/* Between the two values that stand there; programs choose differently among those. */
static void
assert_quantile (double found, const float *sorted, gint64 n, double share)
{
  const double rank = share * (double) (n - 1);

  g_assert_cmpfloat (found, >=, (double) sorted[(gsize) floor (rank)] - 0.01);
  g_assert_cmpfloat (found, <=, (double) sorted[(gsize) ceil (rank)] + 0.01);
}

static void
check_pair (const char *line)
{
  g_auto (GStrv) fields = g_strsplit (line, " ", -1);
  g_autoptr (EspPicture) a = load (fields[0], "a");
  g_autoptr (EspPicture) b = load (fields[0], "b");
  g_autofree float *expected = load_values (fields[0], (gsize) a->width * (gsize) a->height);
  g_autoptr (EspDifference) difference = compare (a, b);
  const EspDifferenceFigures *figures = esp_difference_get_figures (difference);
  double farthest = 0;

  for (int y = 0; y < a->height; y++)
    for (int x = 0; x < a->width; x++)
      farthest = MAX (farthest, fabs (esp_difference_get_value (difference, x, y)
                                      - (double) expected[y * a->width + x]));
  g_test_message ("%s: within %.6f", fields[0], farthest);
  g_assert_cmpfloat (farthest, <, TOLERANCE);

  g_assert_cmpint (figures->n_pixels, ==, a->width * a->height);
  g_assert_cmpfloat_with_epsilon (figures->mean, g_ascii_strtod (fields[1], NULL), TOLERANCE);
  qsort (expected, (gsize) figures->n_pixels, sizeof *expected, by_value);
  assert_quantile (figures->median, expected, figures->n_pixels, 0.5);
  assert_quantile (figures->p95, expected, figures->n_pixels, 0.95);
  g_assert_cmpfloat_with_epsilon (figures->maximum, g_ascii_strtod (fields[2], NULL), TOLERANCE);
  g_assert_cmpfloat_with_epsilon (figures->changed, g_ascii_strtod (fields[3], NULL), 1e-6);
}

static void
test_pictures (void)
{
  g_auto (GStrv) lines = read_lines ("figures.txt");

  g_assert_cmpuint (g_strv_length (lines), >=, 12);
  for (guint i = 0; lines[i] != NULL; i++)
    check_pair (lines[i]);
}

/* Both ways round: the measure is symmetric. */
static void
test_colors (void)
{
  g_auto (GStrv) lines = read_lines ("colors.txt");
  const guint n = g_strv_length (lines);

  g_assert_cmpuint (n, >=, 34);
  for (guint i = 0; i < n; i++)
    {
      float l[2], a[2], b[2], found;
      const EspLabColors one = { &l[0], &a[0], &b[0] }, other = { &l[1], &a[1], &b[1] };
      g_auto (GStrv) fields = g_strsplit (lines[i], " ", -1);
      const double expected = g_ascii_strtod (fields[6], NULL);

      for (int k = 0; k < 2; k++)
        {
          l[k] = (float) g_ascii_strtod (fields[3 * k], NULL);
          a[k] = (float) g_ascii_strtod (fields[3 * k + 1], NULL);
          b[k] = (float) g_ascii_strtod (fields[3 * k + 2], NULL);
        }
      _esp_delta_e (one, other, 1, &found);
      g_assert_cmpfloat_with_epsilon ((double) found, expected, TOLERANCE);
      _esp_delta_e (other, one, 1, &found);
      g_assert_cmpfloat_with_epsilon ((double) found, expected, TOLERANCE);
    }
}

/* Known by heart: white, black and the primaries. */
static void
test_lab (void)
{
  static const guint8 rgb[] = { 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255 };
  static const double expected[][3] = { { 100, 0, 0 },
                                        { 0, 0, 0 },
                                        { 53.24, 80.09, 67.20 },
                                        { 87.73, -86.18, 83.18 },
                                        { 32.30, 79.19, -107.86 } };
  float l[5], a[5], b[5];

  _esp_lab_from_srgb (rgb, 5, (EspLabColors){ l, a, b });
  for (int i = 0; i < 5; i++)
    {
      g_assert_cmpfloat_with_epsilon ((double) l[i], expected[i][0], 0.02);
      g_assert_cmpfloat_with_epsilon ((double) a[i], expected[i][1], 0.02);
      g_assert_cmpfloat_with_epsilon ((double) b[i], expected[i][2], 0.02);
    }
}

/* Large enough for several threads; the same whatever they do. */
static void
test_threads (void)
{
  g_autoptr (EspPicture) a = esp_picture_new (1111, 777, NULL);
  g_autoptr (EspPicture) b = esp_picture_new (1111, 777, NULL);
  g_autoptr (EspDifference) first = NULL;
  const gsize n = 1111 * 777;
  double sum = 0, maximum = 0;
  gint64 changed = 0;

  for (gsize i = 0; i < n * 3; i++)
    {
      a->pixels[i] = (guint8) g_test_rand_int ();
      b->pixels[i] = i % 5 == 0 ? (guint8) g_test_rand_int () : a->pixels[i];
    }
  first = compare (a, b);
  for (gsize i = 0; i < n; i++)
    {
      float value;

      _esp_delta_e_from_srgb (a->pixels + 3 * i, b->pixels + 3 * i, 1, &value);
      g_assert_cmpfloat_with_epsilon (
          esp_difference_get_value (first, (int) (i % 1111), (int) (i / 1111)), (double) value,
          1e-4);
      sum += (double) value;
      maximum = MAX (maximum, (double) value);
      changed += (double) value > ESP_DIFFERENCE_VISIBLE;
    }
  g_assert_cmpfloat_with_epsilon (esp_difference_get_figures (first)->mean, sum / (double) n, 1e-4);
  g_assert_cmpfloat_with_epsilon (esp_difference_get_figures (first)->maximum, maximum, 1e-4);
  g_assert_cmpfloat_with_epsilon (esp_difference_get_figures (first)->changed,
                                  (double) changed / (double) n, 1e-5);
  for (int i = 0; i < 10; i++)
    {
      g_autoptr (EspDifference) again = compare (a, b);

      g_assert_cmpfloat (esp_difference_get_figures (again)->median, ==,
                         esp_difference_get_figures (first)->median);
      g_assert_cmpfloat (esp_difference_get_figures (again)->maximum, ==,
                         esp_difference_get_figures (first)->maximum);
    }
}

/* Where only one of them is, nothing is compared. */
static void
test_sizes (void)
{
  g_autoptr (EspPicture) wide = plain (200, 100, 0x808080);
  g_autoptr (EspPicture) small = plain (30, 30, 0x808080);
  g_autoptr (EspDifference) difference = compare (small, wide);
  g_autoptr (EspPicture) map = NULL;

  g_assert_cmpint (esp_difference_get_frame (difference).width, ==, 200);
  g_assert_cmpint (esp_difference_get_frame (difference).height, ==, 100);
  g_assert_cmpint (esp_difference_get_figures (difference)->n_pixels, ==, 100 * 100);
  g_assert_cmpfloat (esp_difference_get_figures (difference)->mean, ==, 0);
  g_assert_cmpfloat (esp_difference_get_value (difference, 49, 50), <, 0);
  g_assert_cmpfloat (esp_difference_get_value (difference, 50, 0), ==, 0);
  g_assert_cmpfloat (esp_difference_get_value (difference, 149, 99), ==, 0);
  g_assert_cmpfloat (esp_difference_get_value (difference, 150, 99), <, 0);
  g_assert_cmpfloat (esp_difference_get_value (difference, 60, -1), <, 0);
  g_assert_cmpfloat (esp_difference_get_value (difference, 60, 100), <, 0);

  map = esp_difference_render (difference, 1, NULL, NULL);
  g_assert_cmpint (map->width, ==, 200);
  g_assert_cmpint (map->pixels[3 * 49], ==, 0x80);
  g_assert_cmpint (map->pixels[3 * 50], ==, 0);
  g_assert_cmpint (map->pixels[3 * 150 + 2], ==, 0x80);
}

/* ---- the heat map */

static double
get_lightness (guint32 color)
{
  const guint8 rgb[3] = { (guint8) (color >> 16), (guint8) (color >> 8), (guint8) color };
  float l, a, b;

  _esp_lab_from_srgb (rgb, 1, (EspLabColors){ &l, &a, &b });
  return (double) l;
}

static void
test_heat (void)
{
  double last = -1;

  g_assert_cmphex (esp_difference_get_heat (0), ==, 0x000000);
  g_assert_cmphex (esp_difference_get_heat (-1), ==, 0x000000);
  g_assert_cmphex (esp_difference_get_heat (1), ==, 0xffffff);
  g_assert_cmphex (esp_difference_get_heat (3), ==, 0xffffff);
  for (int i = 0; i <= 400; i++)
    {
      const double lightness = get_lightness (esp_difference_get_heat (i / 400.0));

      g_assert_cmpfloat (lightness, >=, last);
      if (i % 4 == 0)
        {
          /* Evenly, too: no stretch in which nothing can be told apart. */
          g_assert_cmpfloat (fabs (lightness - i / 4.0), <, 6);
          g_assert_cmpfloat (lightness, >, last);
        }
      last = lightness;
    }
}

static void
test_render (void)
{
  g_autoptr (EspPicture) a = plain (64, 64, 0x101010);
  g_autoptr (EspPicture) b = plain (64, 64, 0x303030);
  g_autoptr (EspDifference) difference = compare (a, b);
  const double value = esp_difference_get_value (difference, 3, 3);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_assert_cmpfloat (value, >, 3);
  for (double gain = 1; gain < 60; gain *= 1.7)
    {
      g_autoptr (EspPicture) map = esp_difference_render (difference, gain, NULL, NULL);
      const guint32 expected = esp_difference_get_heat (value * MIN (gain, 50) / 50);
      const guint8 *pixel = map->pixels + 3 * (40 * 64 + 20);

      g_assert_cmpint (ABS (pixel[0] - (int) (expected >> 16)), <=, 2);
      g_assert_cmpint (ABS (pixel[1] - (int) (expected >> 8 & 0xff)), <=, 2);
      g_assert_cmpint (ABS (pixel[2] - (int) (expected & 0xff)), <=, 2);
    }
  g_cancellable_cancel (cancelled);
  g_assert_null (esp_difference_render (difference, 1, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (esp_difference_new (a, b, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* ---- nodes */

static EspDifference *
compare_nodes (EspDocument *document, EspNode *a, EspNode *b, int max_side, GError **error)
{
  g_auto (Waiter) waiter = { NULL };

  return esp_difference_nodes_finish (
      WAIT (waiter, esp_difference_nodes_async, document, a, b, max_side, NULL), error);
}

static void
test_nodes (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Differences");
  g_autoptr (GBytes) dark = make_png (800, 600, 0x202020, 1);
  g_autoptr (GBytes) light = make_png (800, 600, 0x606060, 1);
  g_autoptr (GBytes) small = make_png (300, 300, 0x202020, 1);
  EspNode *a = import_image (document, dark, "a.png", NULL);
  EspNode *b = import_image (document, light, "b.png", NULL);
  EspNode *c = import_image (document, small, "c.png", NULL);
  EspNode *empty = add_turn (document, a, "Make it snow", 1);
  const int sides[] = { 0, 512, 384, 96 };
  g_autoptr (GError) error = NULL;
  double full = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sides); i++)
    {
      g_autoptr (EspDifference) difference = compare_nodes (document, a, b, sides[i], &error);
      g_autoptr (EspDifference) other = NULL;
      EspFrameSize frame;

      g_assert_no_error (error);
      frame = esp_difference_get_frame (difference);
      g_assert_cmpint (frame.width, ==, sides[i] > 0 ? sides[i] : 800);
      g_assert_cmpint (frame.height, ==, sides[i] > 0 ? sides[i] * 3 / 4 : 600);
      if (i == 0)
        full = esp_difference_get_figures (difference)->mean;
      g_assert_cmpfloat (full, >, 10);
      g_assert_cmpfloat_with_epsilon (esp_difference_get_figures (difference)->mean, full, 0.3);

      /* The frame is that of the sizes that they have, not of those that are compared. */
      other = compare_nodes (document, c, b, sides[i], &error);
      g_assert_no_error (error);
      g_assert_cmpint (esp_difference_get_frame (other).width, ==, frame.width);
      g_assert_cmpint (esp_difference_get_frame (other).height, ==, frame.height);
      g_assert_cmpfloat (esp_difference_get_value (other, 1, 1), <, 0);
      g_assert_cmpfloat (esp_difference_get_value (other, frame.width / 2, 1), >, 10);
    }

  g_autoptr (EspDifference) same = compare_nodes (document, a, a, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (esp_difference_get_figures (same)->maximum, ==, 0);
  g_assert_null (compare_nodes (document, a, empty, 0, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  close_document (document);
}

/* Cancelled at once, and at whatever moment a second one happens to be done. */
static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  EspDocument *document = create_document ("Cancel");
  g_autoptr (GBytes) dark = make_png (1600, 1200, 0x202020, 1);
  g_autoptr (GBytes) light = make_png (1600, 1200, 0x606060, 1);
  EspNode *a = import_image (document, dark, "a.png", NULL);
  EspNode *b = import_image (document, light, "b.png", NULL);

  for (int i = 0; i < 8; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (EspDifference) difference = NULL;
      g_autoptr (GError) error = NULL;
      g_auto (Waiter) waiter = { NULL };

      esp_difference_nodes_async (document, a, b, 0, cancellable, waiter_callback, &waiter);
      for (int k = 0; k < i; k++)
        g_main_context_iteration (NULL, FALSE);
      g_cancellable_cancel (cancellable);
      difference = esp_difference_nodes_finish (wait_for (&waiter), &error);
      g_assert_null (difference);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  close_document (document);
}

int
main (int argc, char **argv)
{
  fixture_init (&argc, &argv);
  g_test_add_func ("/compare/difference/pictures", test_pictures);
  g_test_add_func ("/compare/difference/colors", test_colors);
  g_test_add_func ("/compare/difference/lab", test_lab);
  g_test_add_func ("/compare/difference/threads", test_threads);
  g_test_add_func ("/compare/difference/sizes", test_sizes);
  g_test_add_func ("/compare/difference/heat", test_heat);
  g_test_add_func ("/compare/difference/render", test_render);
  ADD_TEST ("/compare/difference/nodes", test_nodes);
  ADD_TEST ("/compare/difference/cancel", test_cancel);
  return g_test_run ();
}
