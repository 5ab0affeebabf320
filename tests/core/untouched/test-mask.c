/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-mask.c: masks in shape and under the brush, against distances measured one by one. */
#include <math.h>
#include <string.h>

#include "esp-mask.h"

#define WIDTH  61
#define HEIGHT 47

static EspMask *
scattered (guint seed, int every)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  EspMask *mask = esp_mask_new (WIDTH, HEIGHT, NULL);

  for (int i = 0; i < WIDTH * HEIGHT; i++)
    mask->values[i] = g_rand_int_range (rand, 0, every) == 0 ? 255 : 0;
  /* A solid part, too. */
  for (int y = 10; y < 30; y++)
    memset (mask->values + y * WIDTH + 20, 255, 25);
  return mask;
}

/* The distance to the nearest place that is inside (or outside), by looking at all of them. */
static double
distance_to (EspMask *mask, int x, int y, gboolean inside)
{
  double least = INFINITY;

  for (int v = 0; v < HEIGHT; v++)
    for (int u = 0; u < WIDTH; u++)
      if ((mask->values[v * WIDTH + u] >= 128) == inside)
        least = MIN (least, hypot (u - x, v - y));
  return least;
}

static void
grows_by_euclid (void)
{
  static const double radii[] = { 1, 2.5, 4, 9 };

  for (guint r = 0; r < G_N_ELEMENTS (radii); r++)
    {
      g_autoptr (EspMask) mask = scattered (r + 1, 90);
      g_autoptr (EspMask) grown = esp_mask_shape (mask, radii[r], 0, NULL, NULL);
      g_autoptr (EspMask) shrunk = esp_mask_shape (mask, -radii[r], 0, NULL, NULL);

      for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
          {
            const double out = distance_to (mask, x, y, TRUE);
            const double in = distance_to (mask, x, y, FALSE);
            const int g = grown->values[y * WIDTH + x], s = shrunk->values[y * WIDTH + x];

            if (out <= radii[r])
              g_assert_cmpint (g, ==, 255);
            else if (out >= radii[r] + 1)
              g_assert_cmpint (g, ==, 0);
            if (in >= radii[r] + 1)
              g_assert_cmpint (s, ==, 255);
            else if (in <= radii[r])
              g_assert_cmpint (s, ==, 0);
          }
    }
}

static void
feathers_outwards (void)
{
  g_autoptr (EspMask) mask = scattered (7, 400);
  g_autoptr (EspMask) soft = esp_mask_shape (mask, 2, 6, NULL, NULL);
  g_autoptr (EspMask) same = esp_mask_shape (mask, 0, 0, NULL, NULL);
  g_autoptr (EspMask) shrunk = esp_mask_shape (mask, -3, 4, NULL, NULL);

  g_assert_true (same == mask);
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      {
        const double distance = distance_to (mask, x, y, TRUE);
        const double t = CLAMP ((distance - 2) / 7, 0, 1);
        const int expected = (int) lround (255 * (1 - t * t * (3 - 2 * t)));

        g_assert_cmpint (soft->values[y * WIDTH + x], ==, expected);
      }
  /* The middle of the solid part is left, its corner is not. */
  g_assert_cmpint (shrunk->values[20 * WIDTH + 32], ==, 255);
  g_assert_cmpint (shrunk->values[10 * WIDTH + 20], <, 255);
}

static void
keeps_soft_values (void)
{
  g_autoptr (EspMask) mask = esp_mask_new (WIDTH, HEIGHT, NULL);
  g_autoptr (EspMask) shaped = NULL;

  mask->values[5 * WIDTH + 5] = 90;
  shaped = esp_mask_shape (mask, 3, 2, NULL, NULL);
  g_assert_cmpint (shaped->values[5 * WIDTH + 5], ==, 90);
  g_assert_cmpfloat (esp_mask_get_fraction (shaped), ==, 1.0 / (WIDTH * HEIGHT));
}

static void
is_cancelled (void)
{
  g_autoptr (EspMask) mask = scattered (3, 50);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (esp_mask_shape (mask, 3, 2, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
is_painted (void)
{
  g_autoptr (EspMask) mask = esp_mask_new (WIDTH, HEIGHT, NULL);
  int changed[4];

  esp_mask_paint (mask, 20, 20, 40, 20, 6, 0.5, 255, changed);
  g_assert_cmpint (changed[0], <=, 14);
  g_assert_cmpint (changed[0] + changed[2], >=, 46);
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      {
        const double along = CLAMP (x + 0.5, 20, 40);
        const double distance = hypot (x + 0.5 - along, y + 0.5 - 20);
        const int value = mask->values[y * WIDTH + x];
        const gboolean within = x >= changed[0] && x < changed[0] + changed[2] && y >= changed[1]
                                && y < changed[1] + changed[3];

        if (distance <= 2.5)
          g_assert_cmpint (value, ==, 255);
        if (distance >= 6.5)
          g_assert_cmpint (value, ==, 0);
        if (!within)
          g_assert_cmpint (value, ==, 0);
      }
  /* Erasing lowers and does nothing else. */
  esp_mask_paint (mask, 30, 20, 30, 20, 3, 1, 0, changed);
  g_assert_cmpint (mask->values[20 * WIDTH + 30], ==, 0);
  g_assert_cmpint (mask->values[20 * WIDTH + 22], ==, 255);
  /* Beyond the edges nothing is there. */
  esp_mask_paint (mask, -50, -50, -40, -40, 3, 1, 255, changed);
  g_assert_cmpint (changed[2] * changed[3], ==, 0);
  esp_mask_paint (mask, -5, 10, WIDTH + 5, 10, 2, 1, 255, NULL);
  g_assert_cmpint (mask->values[10 * WIDTH], ==, 255);
}

static void
is_a_png (void)
{
  g_autoptr (EspMask) mask = scattered (9, 20);
  g_autoptr (EspMask) back = NULL;
  g_autoptr (GBytes) bytes = NULL;

  for (int i = 0; i < 256; i++)
    mask->values[i] = (guint8) i;
  bytes = esp_mask_to_bytes (mask, NULL);
  back = esp_mask_load_bytes (bytes, "mask.png", NULL, NULL);
  g_assert_cmpmem (mask->values, WIDTH * HEIGHT, back->values, WIDTH * HEIGHT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mask/grows-by-euclid", grows_by_euclid);
  g_test_add_func ("/mask/feathers-outwards", feathers_outwards);
  g_test_add_func ("/mask/keeps-soft-values", keeps_soft_values);
  g_test_add_func ("/mask/is-cancelled", is_cancelled);
  g_test_add_func ("/mask/is-painted", is_painted);
  g_test_add_func ("/mask/is-a-png", is_a_png);
  return g_test_run ();
}
