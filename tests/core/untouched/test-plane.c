/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Planes against SciPy and Pillow (tools/reference/registration.py), their places, and the work on
 * rows. */
#include <math.h>
#include <string.h>

#include "esp-plane-private.h"
#include "esp-rows-private.h"

/* ---- rows */

typedef struct
{
  int counts[1000];
  int n_calls;
  int stop_after; /* calls; 0: never */
  GCancellable *cancellable;
} Counting;

static void
count_rows (int begin, int end, gpointer data)
{
  Counting *self = data;

  g_assert_cmpint (begin % 7, ==, 0);
  for (int y = begin; y < end; y++)
    g_atomic_int_inc (&self->counts[y]);
  if (g_atomic_int_add (&self->n_calls, 1) + 1 == self->stop_after)
    g_cancellable_cancel (self->cancellable);
}

static void
test_rows (void)
{
  const int sizes[] = { 0, 1, 6, 7, 8, 999, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      Counting counting = { { 0 }, 0, 0, NULL };
      g_autoptr (GError) error = NULL;

      g_assert_true (_esp_rows_run (sizes[i], 7, count_rows, &counting, NULL, &error));
      g_assert_no_error (error);
      for (int y = 0; y < 1000; y++)
        g_assert_cmpint (counting.counts[y], ==, y < sizes[i] ? 1 : 0);
    }
}

static void
test_rows_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Counting counting = { { 0 }, 0, 3, cancellable };

  g_assert_false (_esp_rows_run (1000, 7, count_rows, &counting, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* Those that others were at may end after the third. */
  g_assert_cmpint (counting.n_calls, >=, 3);
  g_assert_cmpint (counting.n_calls, <=, 3 + 15);
  g_clear_error (&error);
  memset (&counting, 0, sizeof counting);
  g_assert_false (_esp_rows_run (1000, 7, count_rows, &counting, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (counting.n_calls, ==, 0);
}

static void
run_inner (int begin, int end, gpointer data)
{
  int *sum = data;

  for (int y = begin; y < end; y++)
    {
      Counting counting = { { 0 }, 0, 0, NULL };

      g_assert_true (_esp_rows_run (100, 7, count_rows, &counting, NULL, NULL));
      for (int i = 0; i < 100; i++)
        g_atomic_int_add (sum, counting.counts[i]);
    }
}

static gpointer
run_outer (gpointer data)
{
  int sum = 0;

  g_assert_true (_esp_rows_run (40, 1, run_inner, &sum, NULL, NULL));
  return GINT_TO_POINTER (sum);
}

/* Many at once, and each within another: nobody waits for a thread that waits for him. */
static void
test_rows_nested (void)
{
  GThread *threads[6];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new (NULL, run_outer, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (threads[i])), ==, 40 * 100);
}

/* ---- golden values */

static char *
dup_data_path (const char *name)
{
  return g_build_filename (g_getenv ("ESP_TEST_DATA"), "untouched", name, NULL);
}

static EspPlane *
load_luma (const char *name)
{
  g_autofree char *path = dup_data_path (name);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) picture = esp_picture_load (path, NULL, NULL, &error);
  EspPlane *planes[3], *luma;

  g_assert_no_error (error);
  g_assert_true (_esp_planes_load (picture, picture->width, picture->height, planes, NULL, &error));
  luma = _esp_plane_new (picture->width, picture->height, &error);
  g_assert_true (_esp_plane_luma (planes, luma, NULL, &error));
  _esp_planes_clear (planes);
  return luma;
}

static EspPlane *
make_golden (const EspPlane *luma, const char *what, const char *size)
{
  char **sides = g_strsplit (size, "x", 2);
  EspPlane *out;

  if (g_str_equal (what, "gaussian"))
    {
      out = _esp_plane_new (luma->width, luma->height, NULL);
      g_assert_true (_esp_plane_gaussian (luma, g_ascii_strtod (size, NULL), out, NULL, NULL));
    }
  else
    {
      EspPlaneMap map;

      g_assert_cmpstr (what, ==, "lanczos");
      out = _esp_plane_new (atoi (sides[0]), atoi (sides[1]), NULL);
      map = _esp_plane_map_stretch (out->width, out->height, luma->width, luma->height);
      g_assert_true (_esp_plane_resample (luma, &map, out, NULL, NULL));
    }
  g_strfreev (sides);
  return out;
}

static void
test_golden (void)
{
  g_autofree char *path = dup_data_path ("planes.txt");
  g_autofree char *text = NULL;
  g_autoptr (EspPlane) luma = load_luma ("cat-source.png");
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);
      g_autoptr (EspPlane) made = NULL;
      const double expected = g_ascii_strtod (words[4], NULL);
      const gboolean wide = g_str_equal (words[0], "gaussian") && atoi (words[1]) > 6;
      float found;

      g_assert_cmpuint (g_strv_length (words), ==, 5);
      made = make_golden (luma, words[0], words[1]);
      found = made->values[atoi (words[3]) * made->width + atoi (words[2])];
      /* Levels. Ours end earlier, wide ones are made at half the size. */
      if (fabs ((double) found - expected) > (wide ? 0.25 : 0.06))
        g_error ("%s: %f", lines[i], (double) found);
      n++;
    }
  g_assert_cmpuint (n, >=, 60);
}

/* ---- places */

/* A plane whose values tell where they are: across + 1000 · down. */
static EspPlane *
new_places (int width, int height)
{
  EspPlane *plane = _esp_plane_new (width, height, NULL);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      plane->values[y * width + x] = (float) (x + 0.5 + 1000 * (y + 0.5));
  return plane;
}

static void
test_registered (void)
{
  /* A source of 400 × 300 seen in 200 × 150, a result of 100 × 60. */
  const EspRegistration registration = { .shift_x = 6, .shift_y = -4, .scale = 1.02 };
  const EspPlaneMap map = _esp_plane_map_registered (&registration, 400, 300, 200, 150, 100, 60);
  g_autoptr (EspPlane) result = new_places (100, 60);
  g_autoptr (EspPlane) seen = _esp_plane_new (200, 150, NULL);
  g_autoptr (EspPlane) moved = _esp_plane_new (200, 150, NULL);

  g_assert_true (_esp_plane_resample (result, &map, seen, NULL, NULL));
  g_assert_true (_esp_plane_move (result, &map, moved, NULL, NULL));
  for (int y = 20; y < 130; y += 11)
    for (int x = 20; x < 180; x += 13)
      {
        /* By the words of esp-registration.h. */
        const double px = (x + 0.5) * 2, py = (y + 0.5) * 2;
        const double rx = (200 + 1.02 * (px - 200) + 6) * 100 / 400;
        const double ry = (150 + 1.02 * (py - 150) - 4) * 60 / 300;

        /* Lanczos bends slopes a little; a float of 60000 has steps of 0.004. */
        g_assert_cmpfloat_with_epsilon ((double) seen->values[y * 200 + x], rx + 1000 * ry, 20);
        g_assert_cmpfloat_with_epsilon ((double) moved->values[y * 200 + x], rx + 1000 * ry, 0.05);
      }
}

static void
test_taps (void)
{
  const double cases[][4] = {
    { 100, 100, 0, 1 }, { 100, 300, -2.5, 3.1 }, { 300, 100, 0.2, 0.33 }, { 5, 2, 0, 0.4 },
    { 3, 1, 0, 1 },     { 10, 40, 500, 2 },      { 10, 40, -500, 2 },
  };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      const int n_in = (int) cases[c][1];
      g_autoptr (EspTaps) taps = _esp_taps_new ((int) cases[c][0], n_in, cases[c][2], cases[c][3]);

      for (int k = 0; k < taps->n_out; k++)
        {
          double sum = 0;

          g_assert_cmpint (taps->first[k], >=, 0);
          g_assert_cmpint (taps->first[k] + taps->n_taps, <=, n_in);
          for (int i = 0; i < taps->n_taps; i++)
            sum += (double) taps->weights[k * taps->n_taps + i];
          g_assert_cmpfloat_with_epsilon (sum, 1, 1e-5);
        }
    }
}

/* ---- pictures */

static void
test_load (void)
{
  const int sizes[][2] = { { 97, 61 }, { 31, 20 }, { 32, 20 }, { 1, 1 }, { 120, 90 } };
  g_autoptr (EspPicture) picture = esp_picture_new (97, 61, NULL);

  /* Levels that rise across, fall down, and stand still: means of them are known everywhere (but
   * for what Lanczos bends slopes by). */
  for (int y = 0; y < 61; y++)
    for (int x = 0; x < 97; x++)
      {
        guint8 *pixel = picture->pixels + (y * 97 + x) * 3;

        pixel[0] = (guint8) (20 + 2 * x);
        pixel[1] = (guint8) (200 - 2 * y);
        pixel[2] = 77;
      }
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      const int width = sizes[i][0], height = sizes[i][1];
      EspPlane *planes[3];

      g_assert_true (_esp_planes_load (picture, width, height, planes, NULL, NULL));
      for (int y = 4; y < height - 4; y++)
        for (int x = 4; x < width - 4; x++)
          {
            const double across = (x + 0.5) * 97 / width - 0.5;
            const double down = (y + 0.5) * 61 / height - 0.5;

            g_assert_cmpfloat_with_epsilon ((double) planes[0]->values[y * width + x],
                                            20 + 2 * across, 0.2);
            g_assert_cmpfloat_with_epsilon ((double) planes[1]->values[y * width + x],
                                            200 - 2 * down, 0.2);
          }
      for (int k = 0; k < width * height; k++)
        g_assert_cmpfloat_with_epsilon ((double) planes[2]->values[k], 77, 1e-3);
      _esp_planes_clear (planes);
    }
}

static void
test_filters (void)
{
  g_autoptr (EspPlane) places = new_places (9, 5);
  g_autoptr (EspPlane) half = _esp_plane_halve (places, NULL, NULL);
  g_autoptr (EspPlane) dx = _esp_plane_new (9, 5, NULL);
  g_autoptr (EspPlane) dy = _esp_plane_new (9, 5, NULL);
  const float factors[] = { 2, -1 };

  g_assert_cmpint (half->width, ==, 5);
  g_assert_cmpint (half->height, ==, 3);
  g_assert_cmpfloat_with_epsilon ((double) half->values[0], 1001, 1e-3);
  g_assert_cmpfloat_with_epsilon ((double) half->values[2 * 5 + 4], 8.5 + 4500, 1e-3);
  g_assert_true (_esp_plane_gradient (places, dx, dy, NULL, NULL));
  g_assert_cmpfloat_with_epsilon ((double) dx->values[2 * 9 + 4], 1, 1e-3);
  g_assert_cmpfloat_with_epsilon ((double) dy->values[2 * 9 + 4], 1000, 1e-3);
  g_assert_true (_esp_plane_sum ((EspPlane *[]){ places, dx }, factors, 2, dx, NULL, NULL));
  g_assert_cmpfloat_with_epsilon ((double) dx->values[2 * 9 + 4], 2 * 2504.5 - 1, 1e-2);
  g_assert_true (_esp_plane_gaussian (places, 0, dy, NULL, NULL));
  g_assert_cmpmem (dy->values, 45 * 4, places->values, 45 * 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/plane/rows", test_rows);
  g_test_add_func ("/plane/rows-cancelled", test_rows_cancelled);
  g_test_add_func ("/plane/rows-nested", test_rows_nested);
  g_test_add_func ("/plane/golden", test_golden);
  g_test_add_func ("/plane/registered", test_registered);
  g_test_add_func ("/plane/taps", test_taps);
  g_test_add_func ("/plane/load", test_load);
  g_test_add_func ("/plane/filters", test_filters);
  return g_test_run ();
}
