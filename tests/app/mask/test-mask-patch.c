/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-mask-patch.c: parts of masks in all sizes, pixel by pixel. */
#include <string.h>

#include "esp-mask-patch.h"

static EspMask *
new_mask (int width, int height, const EspMaskArea *white)
{
  EspMask *mask = esp_mask_new (width, height, NULL);

  for (int y = white->top; y < white->bottom; y++)
    memset (mask->values + y * width + white->left, 255, (gsize) (white->right - white->left));
  return mask;
}

static guint8
value_at (EspMaskPatch *patch, int x, int y)
{
  const int width = patch->area.right - patch->area.left;

  return patch->values[(y - patch->area.top) * width + x - patch->area.left];
}

/* --- Areas ------------------------------------------------------------------------------------ */

static void
test_areas (void)
{
  EspMaskArea area = { 5, -3, 9, 8 };
  const EspMaskArea other = { 0, 0, 6, 20 }, empty = { 4, 4, 4, 9 };

  esp_mask_area_to_level (&area, 2); /* all that it touches */
  g_assert_cmpint (area.left, ==, 1);
  g_assert_cmpint (area.top, ==, -1);
  g_assert_cmpint (area.right, ==, 3);
  g_assert_cmpint (area.bottom, ==, 2);
  esp_mask_area_from_level (&area, 2);
  g_assert_cmpint (area.left, ==, 4);
  g_assert_cmpint (area.top, ==, -4);
  g_assert_cmpint (area.bottom, ==, 8);
  esp_mask_area_to_level (&area, -3);
  g_assert_cmpint (area.right, ==, 12 * 8);
  esp_mask_area_from_level (&area, -3);

  esp_mask_area_intersect (&area, &other);
  g_assert_cmpint (area.left, ==, 4);
  g_assert_cmpint (area.right, ==, 6);
  esp_mask_area_add (&area, &empty);
  g_assert_cmpint (area.right, ==, 6);
  esp_mask_area_add (&area, &other);
  g_assert_cmpint (area.bottom, ==, 20);
  area = empty;
  esp_mask_area_grow (&area, 5);
  g_assert_true (esp_mask_area_is_empty (&area));
}

/* --- Values ----------------------------------------------------------------------------------- */

/* A line of one pixel is there at every size, and nothing else. */
static void
test_thin_line (void)
{
  const EspMaskArea line = { 37, 10, 38, 90 };
  g_autoptr (EspMask) mask = new_mask (101, 100, &line);

  for (int level = ESP_MASK_PATCH_MIN_LEVEL; level <= ESP_MASK_PATCH_MAX_LEVEL; level++)
    {
      EspMaskArea all = { 0, 0, 101, 100 }, wanted = line;
      g_autoptr (EspMaskPatch) patch = NULL;

      esp_mask_area_to_level (&all, level);
      esp_mask_area_to_level (&wanted, level);
      patch = esp_mask_patch_new (level, &all);
      g_assert_true (esp_mask_patch_update (patch, mask, 0, 0, NULL));
      for (int y = all.top; y < all.bottom; y++)
        for (int x = all.left; x < all.right; x++)
          {
            const gboolean inside
                = x >= wanted.left && x < wanted.right && y >= wanted.top && y < wanted.bottom;

            g_assert_cmpint (value_at (patch, x, y), ==, inside ? 255 : 0);
          }
    }
}

/* A part that is brought up to date by itself is as if all of it had been. */
static void
test_parts (void)
{
  const EspMaskArea white = { 20, 20, 60, 60 };
  const int levels[] = { 0, 2, -1 };
  const double grows[] = { 0, 6, -5 };

  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (grows); j++)
      {
        g_autoptr (EspMask) mask = new_mask (160, 120, &white);
        EspMaskArea seen = { 8, 16, 152, 112 }, changed;
        g_autoptr (EspMaskPatch) patch = NULL, whole = NULL;
        gsize n;
        int at[4];

        esp_mask_area_to_level (&seen, levels[i]);
        patch = esp_mask_patch_new (levels[i], &seen);
        whole = esp_mask_patch_new (levels[i], &seen);
        g_assert_true (esp_mask_patch_update (patch, mask, grows[j], 4, NULL));
        esp_mask_paint (mask, 50, 50, 110, 80, 9, 1, 255, at);
        changed = (EspMaskArea){ at[0], at[1], at[0] + at[2], at[1] + at[3] };
        esp_mask_area_grow (&changed, (int) esp_mask_patch_get_reach (grows[j], 4) + 1);
        esp_mask_area_to_level (&changed, levels[i]);
        esp_mask_area_grow (&changed, 1);
        g_assert_true (esp_mask_patch_update (patch, mask, grows[j], 4, &changed));
        g_assert_true (esp_mask_patch_update (whole, mask, grows[j], 4, NULL));
        n = (gsize) (seen.right - seen.left) * (gsize) (seen.bottom - seen.top);
        g_assert_cmpmem (patch->values, n, whole->values, n);
      }
}

/* --- What is drawn ---------------------------------------------------------------------------- */

static void
test_veil (void)
{
  const EspMaskArea white = { 20, 20, 60, 60 }, all = { 0, 0, 80, 80 };
  g_autoptr (EspMask) mask = new_mask (80, 80, &white);
  g_autoptr (EspMask) empty = esp_mask_new (80, 80, NULL);
  g_autoptr (EspMaskPatch) patch = esp_mask_patch_new (0, &all);
  g_autoptr (GBytes) veil = NULL;
  g_autoptr (GBytes) strong = NULL;
  g_autoptr (GBytes) of_part = NULL;
  const EspMaskArea part = { 7, 30, 20, 45 };
  const guint8 *pixels, *strong_pixels;
  gboolean lines = FALSE;

  g_assert_true (esp_mask_patch_update (patch, empty, 0, 0, NULL));
  g_assert_null (esp_mask_patch_draw_veil (patch, NULL, FALSE));

  g_assert_true (esp_mask_patch_update (patch, mask, 0, 0, NULL));
  veil = esp_mask_patch_draw_veil (patch, NULL, FALSE);
  strong = esp_mask_patch_draw_veil (patch, NULL, TRUE);
  g_assert_cmpuint (g_bytes_get_size (veil), ==, 80 * 80 * 4);
  pixels = g_bytes_get_data (veil, NULL);
  strong_pixels = g_bytes_get_data (strong, NULL);
#define AT(x, y) (pixels + ((y) *80 + (x)) * 4)
  g_assert_cmpint (AT (10, 40)[3], ==, 0); /* nothing outside */
  g_assert_cmphex (AT (19, 40)[0], ==, 0); /* black around it */
  g_assert_cmpint (AT (19, 40)[3], ==, 255);
  g_assert_cmphex (AT (20, 40)[1], ==, 0xff); /* white inside of that */
  for (int x = 30; x < 50; x++)
    {
      const guint8 *pixel = AT (x, 40);

      /* The photo shows through; premultiplied; lines are denser, and all is, for high contrast. */
      g_assert_cmpint (pixel[3], >, 0);
      g_assert_cmpint (pixel[3], <, 255);
      g_assert_cmpint (pixel[0], <=, pixel[3]);
      g_assert_cmpint (strong_pixels[(40 * 80 + x) * 4 + 3], >, pixel[3]);
      lines = lines || pixel[3] != AT (30, 40)[3];
    }
#undef AT
  g_assert_true (lines);

  /* A part is as the whole has it, also where an outline comes from beside. */
  of_part = esp_mask_patch_draw_veil (patch, &part, FALSE);
  for (int y = part.top; y < part.bottom; y++)
    g_assert_cmpmem ((const guint8 *) g_bytes_get_data (of_part, NULL) + (y - part.top) * 13 * 4,
                     13 * 4, pixels + (y * 80 + part.left) * 4, 13 * 4);
}

static EspPicture *
new_picture (int width, int height, guint8 red)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);

  for (int i = 0; i < width * height; i++)
    {
      picture->pixels[i * 3] = red;
      picture->pixels[i * 3 + 1] = (guint8) i;
      picture->pixels[i * 3 + 2] = 7;
    }
  return picture;
}

static void
test_picture (void)
{
  const EspMaskArea white = { 10, 0, 20, 30 }, all = { 0, 0, 40, 30 }, part = { 5, 5, 15, 15 };
  const EspMaskArea large = { 0, 0, 160, 120 }, seen = { 36, 36, 48, 40 };
  g_autoptr (EspMask) mask = new_mask (40, 30, &white);
  g_autoptr (EspPicture) source = new_picture (40, 30, 10);
  g_autoptr (EspPicture) result = new_picture (40, 30, 210);
  g_autoptr (EspMaskPatch) patch = esp_mask_patch_new (0, &all);
  g_autoptr (EspMaskPatch) magnified = esp_mask_patch_new (-2, &large);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) squares = NULL;
  const guint8 *pixels;

  mask->values[5 * 40 + 5] = 128;
  g_assert_true (esp_mask_patch_update (patch, mask, 0, 0, NULL));
  bytes = esp_mask_patch_draw_picture (patch, source, result, &part);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 10 * 10 * 3);
  pixels = g_bytes_get_data (bytes, NULL);
  g_assert_cmpint (pixels[0], ==, 110); /* half of each, at (5, 5) */
  g_assert_cmpint (pixels[3], ==, 10);  /* the source, to the bit */
  g_assert_cmpint (pixels[4], ==, (5 * 40 + 6) & 255);
  g_assert_cmpint (pixels[5 * 3], ==, 210);

  /* Four pixels wide each. */
  g_assert_true (esp_mask_patch_update (magnified, mask, 0, 0, NULL));
  squares = esp_mask_patch_draw_picture (magnified, source, result, &seen);
  pixels = g_bytes_get_data (squares, NULL);
  for (int x = 0; x < 12; x++)
    g_assert_cmpint (pixels[x * 3], ==, x < 4 ? 10 : 210);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/mask-patch/areas", test_areas);
  g_test_add_func ("/mask-patch/thin-line", test_thin_line);
  g_test_add_func ("/mask-patch/parts", test_parts);
  g_test_add_func ("/mask-patch/veil", test_veil);
  g_test_add_func ("/mask-patch/picture", test_picture);

  return g_test_run ();
}
