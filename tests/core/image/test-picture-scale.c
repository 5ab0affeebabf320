/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures in other sizes: flat stays flat, edges stay in place, shapes stay shapes. */
#include "esp-picture-scale.h"

#include <string.h>

static void
test_flat (void)
{
  static const int sizes[][4]
      = { { 100, 80, 33, 7 }, { 7, 5, 200, 90 },  { 1, 1, 50, 40 },    { 300, 200, 1, 1 },
          { 64, 64, 64, 32 }, { 5, 500, 6, 499 }, { 2000, 3, 10, 300 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (EspPicture) picture = esp_picture_new (sizes[i][0], sizes[i][1], NULL);
      g_autoptr (EspPicture) scaled = NULL;

      memset (picture->pixels, 137, (gsize) sizes[i][0] * (gsize) sizes[i][1] * 3);
      scaled = esp_picture_scale (picture, sizes[i][2], sizes[i][3], NULL, NULL);
      g_assert_cmpint (scaled->width, ==, sizes[i][2]);
      g_assert_cmpint (scaled->height, ==, sizes[i][3]);
      for (int k = 0; k < sizes[i][2] * sizes[i][3] * 3; k++)
        g_assert_cmpint (scaled->pixels[k], ==, 137);
    }
}

/* The left half black, the right half red; halved, and doubled. */
static void
test_edge (void)
{
  g_autoptr (EspPicture) picture = esp_picture_new (64, 48, NULL);

  memset (picture->pixels, 0, 64 * 48 * 3);
  for (int y = 0; y < 48; y++)
    for (int x = 32; x < 64; x++)
      picture->pixels[(y * 64 + x) * 3] = 255;
  for (int width = 32; width <= 128; width *= 4)
    {
      g_autoptr (EspPicture) scaled = esp_picture_scale (picture, width, 24, NULL, NULL);

      for (int y = 0; y < 24; y++)
        for (int x = 0; x < width; x++)
          {
            const guint8 *p = scaled->pixels + (y * width + x) * 3;

            if (x < width / 2 - 6)
              g_assert_cmpint (p[0], <=, 3);
            if (x >= width / 2 + 6)
              g_assert_cmpint (p[0], >=, 252);
            g_assert_cmpint (p[1], ==, 0);
            g_assert_cmpint (p[2], ==, 0);
          }
    }
}

static void
test_same (void)
{
  g_autoptr (EspPicture) picture = esp_picture_new (10, 10, NULL);
  g_autoptr (EspPicture) same = esp_picture_scale (picture, 10, 10, NULL, NULL);

  g_assert_true (same == picture);
}

static void
test_fit (void)
{
  static const int cases[][6] = {
    { 4000, 3000, 1000, 1000, 1000, 750 }, { 3000, 4000, 1000, 1000, 750, 1000 },
    { 100, 50, 1000, 1000, 100, 50 },      { 30000, 1, 100, 100, 100, 1 },
    { 1024, 1024, 512, 300, 300, 300 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      int width, height;

      esp_picture_fit (cases[i][0], cases[i][1], cases[i][2], cases[i][3], &width, &height);
      g_assert_cmpint (width, ==, cases[i][4]);
      g_assert_cmpint (height, ==, cases[i][5]);
    }
}

static void
test_cancelled (void)
{
  g_autoptr (EspPicture) picture = esp_picture_new (10, 10, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (esp_picture_scale (picture, 5, 5, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/scale/flat", test_flat);
  g_test_add_func ("/scale/edge", test_edge);
  g_test_add_func ("/scale/same", test_same);
  g_test_add_func ("/scale/fit", test_fit);
  g_test_add_func ("/scale/cancelled", test_cancelled);

  return g_test_run ();
}
