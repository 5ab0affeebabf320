/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-untouched.c: results put into their sources: what is the source's stays so bit for bit, what
 * changed comes over, and what is a change. How well over many photos: `./dev bench drift`. */
#include <math.h>
#include <string.h>

#include "esp-change.h"
#include "esp-picture-scale.h"
#include "esp-untouched.h"

static EspPicture *photo; /* 256 × 256 */

static guint8 *
at (EspPicture *picture, int x, int y)
{
  return picture->pixels + ((gsize) y * (gsize) picture->width + (gsize) x) * 3;
}

/* The photo as a model gives it back: moved by whole pixels, tinted, with noise. */
static EspPicture *
drifted (EspPicture *source, int right, int down, int tint, int noise)
{
  EspPicture *out = esp_picture_new (source->width, source->height, NULL);
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);

  for (int y = 0; y < out->height; y++)
    for (int x = 0; x < out->width; x++)
      for (int c = 0; c < 3; c++)
        {
          const int u = CLAMP (x - right, 0, source->width - 1);
          const int v = CLAMP (y - down, 0, source->height - 1);
          const int n = noise > 0 ? g_rand_int_range (rand, -noise, noise + 1) : 0;

          at (out, x, y)[c] = (guint8) CLAMP (at (source, u, v)[c] + tint * (c - 1) + n, 0, 255);
        }
  return out;
}

static gboolean
in_disc (int x, int y, int cx, int cy, int radius)
{
  return (x - cx) * (x - cx) + (y - cy) * (y - cy) <= radius * radius;
}

static void
draw_disc (EspPicture *picture, int cx, int cy, int radius)
{
  for (int y = 0; y < picture->height; y++)
    for (int x = 0; x < picture->width; x++)
      if (in_disc (x, y, cx, cy, radius))
        memcpy (at (picture, x, y), "\x20\x30\xd0", 3);
}

static EspPicture *
copy (EspPicture *picture)
{
  return drifted (picture, 0, 0, 0, 0);
}

/* Shares of the disc that is another in `image`, and of the rest. */
static void
compare_disc (EspPicture *image, int cx, int cy, int radius, double *inside, double *outside)
{
  int n[2] = { 0 }, hits[2] = { 0 };

  g_assert_cmpint (image->width, ==, photo->width);
  for (int y = 0; y < photo->height; y++)
    for (int x = 0; x < photo->width; x++)
      {
        const int k = in_disc (x, y, cx, cy, radius);

        n[k]++;
        hits[k] += memcmp (at (image, x, y), at (photo, x, y), 3) != 0;
      }
  *inside = (double) hits[1] / n[1];
  *outside = (double) hits[0] / n[0];
}

static EspUntouched *
make (EspPicture *result, const EspComposition *asked)
{
  g_autoptr (GError) error = NULL;
  EspUntouched *made = esp_untouched_make (photo, result, asked, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (made->composition->made);
  return made;
}

static void
a_disc_in_a_moved_picture (void)
{
  g_autoptr (EspPicture) edited = copy (photo);
  g_autoptr (EspPicture) result = NULL;
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_AUTO);
  g_autoptr (EspUntouched) made = NULL;
  g_autoptr (EspMask) effective = NULL;
  double inside, outside;
  int n = 0;

  draw_disc (edited, 90, 140, 18);
  result = drifted (edited, 3, -2, 4, 2);
  made = make (result, asked);
  compare_disc (made->image, 90, 140, 18, &inside, &outside);
  g_assert_cmpfloat (inside, >=, 0.99);
  g_assert_cmpfloat (outside, <=, 0.03);
  g_assert_false (made->composition->global);
  g_assert_cmpfloat (fabs (made->composition->registration.shift_x - 3), <, 0.1);

  /* The effective mask says exactly what is another. */
  effective = esp_untouched_dup_effective_mask (photo, made->image, made->mask, made->composition,
                                                NULL, NULL);
  for (int y = 0; y < photo->height; y++)
    for (int x = 0; x < photo->width; x++)
      {
        const gboolean same = memcmp (at (made->image, x, y), at (photo, x, y), 3) == 0;

        g_assert_cmpint (effective->values[y * photo->width + x] == 0, ==, same);
        n += !same;
      }
  g_assert_cmpfloat (fabs (made->composition->changed - (double) n / 65536), <, 1e-9);
}

static void
the_same_again_with_its_mask (void)
{
  g_autoptr (EspPicture) edited = copy (photo);
  g_autoptr (EspPicture) result = NULL;
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_AUTO);
  g_autoptr (EspUntouched) made = NULL;
  g_autoptr (EspPicture) again = NULL;
  g_autoptr (EspPicture) all = NULL;
  g_autoptr (EspPicture) grown = NULL;
  g_autoptr (EspMask) wrong = esp_mask_new (9, 9, NULL);
  g_autoptr (GError) error = NULL;
  double inside, outside, more;

  draw_disc (edited, 90, 140, 18);
  result = drifted (edited, 1, 2, 3, 1);
  made = make (result, asked);
  again = esp_untouched_remake (photo, result, made->mask, made->composition, NULL, NULL);
  g_assert_cmpmem (again->pixels, 65536 * 3, made->image->pixels, 65536 * 3);
  compare_disc (again, 90, 140, 18, &inside, &outside);

  made->composition->grow = 10;
  grown = esp_untouched_remake (photo, result, made->mask, made->composition, NULL, NULL);
  compare_disc (grown, 90, 140, 18, &inside, &more);
  g_assert_cmpfloat (more, >, outside + 0.01);

  made->composition->keep = ESP_KEEP_OFF;
  all = esp_untouched_remake (photo, result, NULL, made->composition, NULL, NULL);
  g_assert_true (all == result);

  made->composition->keep = ESP_KEEP_PAINTED;
  g_assert_null (esp_untouched_remake (photo, result, wrong, made->composition, NULL, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED);
}

static void
nothing_and_everything (void)
{
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_AUTO);
  g_autoptr (EspComposition) off = esp_composition_new (ESP_KEEP_OFF);
  g_autoptr (EspPicture) same = drifted (photo, 2, 1, 2, 1);
  g_autoptr (EspPicture) grey = copy (photo);
  g_autoptr (EspUntouched) untouched = make (same, asked);
  g_autoptr (EspUntouched) global = NULL;
  g_autoptr (EspUntouched) taken = make (same, off);

  g_assert_cmpfloat (untouched->composition->changed, <=, 0.002);
  g_assert_false (untouched->composition->global);

  for (gsize i = 0; i < 65536; i++)
    memset (grey->pixels + 3 * i,
            (grey->pixels[3 * i] + 2 * grey->pixels[3 * i + 1] + grey->pixels[3 * i + 2]) / 4, 3);
  global = make (grey, asked);
  g_assert_true (global->composition->global);
  g_assert_true (global->image == grey);
  g_assert_null (global->mask);
  g_assert_cmpfloat (global->composition->changed, ==, 1);

  g_assert_true (taken->image == same);
  g_assert_null (taken->mask);
}

/* Whole pictures that have no structure, or nearly no pixels. */
static void
odd_pictures (void)
{
  static const int sizes[][2] = { { 1, 1 }, { 3, 200 }, { 16, 16 }, { 300, 5 } };
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_AUTO);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (EspPicture) source = esp_picture_new (sizes[i][0], sizes[i][1], NULL);
      g_autoptr (EspPicture) result = esp_picture_new (64, 48, NULL);
      g_autoptr (EspUntouched) made = NULL;

      memset (source->pixels, 120, (gsize) sizes[i][0] * (gsize) sizes[i][1] * 3);
      memset (result->pixels, 120, 64 * 48 * 3);
      made = esp_untouched_make (source, result, asked, NULL, NULL);
      g_assert_nonnull (made);
      if (!made->composition->global)
        g_assert_cmpmem (made->image->pixels, (gsize) sizes[i][0] * (gsize) sizes[i][1] * 3,
                         source->pixels, (gsize) sizes[i][0] * (gsize) sizes[i][1] * 3);
    }
}

static void
a_region_is_sent_and_put_back (void)
{
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_AUTO);
  g_autoptr (EspPicture) cut = NULL;
  g_autoptr (EspPicture) result = NULL;
  g_autoptr (EspUntouched) made = NULL;
  g_autoptr (EspUntouched) all = NULL;
  EspCrop *crop = &asked->crop;
  int left = 0, right = 0;

  asked->region = esp_region_new (100, 90, 50, 40);
  esp_region_plan (asked->region, 256, 256, 65536, crop);
  g_assert_cmpint (crop->x, <=, 100 - 32);
  g_assert_cmpint (crop->y, <=, 90 - 32);
  g_assert_cmpint (crop->x + crop->width, >=, 150 + 32);
  g_assert_cmpint (crop->send_width % 16, ==, 0);
  g_assert_cmpfloat (
      fabs ((double) crop->width / crop->height * crop->send_height / crop->send_width - 1), <,
      0.03);
  cut = esp_crop_cut (crop, photo, NULL, NULL);
  g_assert_cmpint (cut->width, ==, crop->send_width);

  /* What is in the region comes; what a model did at the crop's edge does not. */
  result = drifted (cut, 1, 0, 3, 4);
  draw_disc (result, (125 - crop->x) * cut->width / crop->width,
             (110 - crop->y) * cut->height / crop->height, 20);
  draw_disc (result, 12, 12, 10);
  made = make (result, asked);
  for (int y = 0; y < 256; y++)
    for (int x = 0; x < 256; x++)
      if (memcmp (at (made->image, x, y), at (photo, x, y), 3) != 0)
        {
          g_assert_cmpint (x, >, 100 - 20);
          g_assert_cmpint (x, <, 150 + 20);
          g_assert_cmpint (y, >, 90 - 20);
          g_assert_cmpint (y, <, 130 + 20);
          left++;
        }
  g_assert_cmpint (left, >, 200);

  asked->keep = ESP_KEEP_OFF;
  all = make (result, asked);
  for (int y = 90; y < 130; y++)
    for (int x = 100; x < 150; x++)
      right += memcmp (at (all->image, x, y), at (photo, x, y), 3) != 0;
  g_assert_cmpint (right, >, 50 * 40 * 8 / 10);
  g_assert_cmpmem (at (all->image, 0, 0), 256 * 3 * 40, at (photo, 0, 0), 256 * 3 * 40);
}

static void
crops_of_every_place (void)
{
  static const int sizes[][2] = { { 6000, 4000 }, { 640, 480 }, { 300, 2000 }, { 64, 64 } };
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);

  for (int i = 0; i < 400; i++)
    {
      const int width = sizes[i % 4][0], height = sizes[i % 4][1];
      const int w = g_rand_int_range (rand, 8, width + 1),
                h = g_rand_int_range (rand, 8, height + 1);
      g_autoptr (EspRegion) region
          = esp_region_new (g_rand_int_range (rand, 0, width - w + 1),
                            g_rand_int_range (rand, 0, height - h + 1), w, h);
      EspCrop crop;

      esp_region_plan (region, width, height, i % 3 == 0 ? 65536 : 0, &crop);
      g_assert_cmpint (crop.x, >=, 0);
      g_assert_cmpint (crop.y, >=, 0);
      g_assert_cmpint (crop.x, <=, region->x);
      g_assert_cmpint (crop.y, <=, region->y);
      g_assert_cmpint (crop.x + crop.width, >=, region->x + w);
      g_assert_cmpint (crop.y + crop.height, >=, region->y + h);
      g_assert_cmpint (crop.x + crop.width, <=, width);
      g_assert_cmpint (crop.y + crop.height, <=, height);
      g_assert_true (crop.send_width > 0 && crop.send_height > 0);
    }
}

static void
tokens_that_are_the_results (void)
{
  g_autoptr (EspComposition) composition = esp_composition_new (ESP_KEEP_PAINTED);
  g_autoptr (EspMask) mask = esp_mask_new (256, 256, NULL);
  g_autofree guint8 *tokens = NULL;
  g_autofree guint8 *moved = NULL;
  g_autofree guint8 *all = NULL;

  composition->made = TRUE;
  composition->feather = 0;
  for (int y = 60; y < 150; y++)
    memset (mask->values + y * 256 + 60, 255, 90);
  tokens = esp_untouched_dup_tokens (mask, composition, 256, 256, NULL);
  for (int v = 0; v < 16; v++)
    for (int u = 0; u < 16; u++)
      g_assert_cmpint (tokens[v * 16 + u], ==, u >= 4 && u <= 8 && v >= 4 && v <= 8 ? 255 : 0);

  composition->registration.shift_x = 0.8;
  moved = esp_untouched_dup_tokens (mask, composition, 256, 256, NULL);
  for (int i = 0; i < 256; i++)
    g_assert_cmpint (moved[i], ==, 0);

  composition->keep = ESP_KEEP_OFF;
  all = esp_untouched_dup_tokens (NULL, composition, 256, 256, NULL);
  for (int i = 0; i < 256; i++)
    g_assert_cmpint (all[i], ==, 255);
}

static int n_upscaled;

static EspPicture *
upscale_white (EspPicture *picture, int width, int height, gpointer data, GCancellable *cancellable,
               GError **error)
{
  EspPicture *out = esp_picture_new (width, height, error);

  n_upscaled++;
  g_assert_cmpint (picture->width, <, width);
  memset (out->pixels, 255, (gsize) width * (gsize) height * 3);
  return out;
}

static EspPicture *
upscale_not (EspPicture *picture, int width, int height, gpointer data, GCancellable *cancellable,
             GError **error)
{
  n_upscaled++;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no");
  return NULL;
}

static void
another_upscaler (void)
{
  g_autoptr (EspComposition) composition = esp_composition_new (ESP_KEEP_PAINTED);
  g_autoptr (EspPicture) small = esp_picture_scale (photo, 128, 128, NULL, NULL);
  g_autoptr (EspMask) mask = esp_mask_new (256, 256, NULL);
  g_autoptr (EspPicture) white = NULL;
  g_autoptr (EspPicture) own = NULL;

  composition->feather = 0;
  for (int y = 100; y < 140; y++)
    memset (mask->values + y * 256 + 30, 255, 50);
  esp_untouched_set_upscaler (upscale_white, NULL, NULL);
  white = esp_untouched_remake (photo, small, mask, composition, NULL, NULL);
  g_assert_cmpint (n_upscaled, ==, 1);
  g_assert_cmpmem (at (white, 40, 120), 3, "\xff\xff\xff", 3);
  g_assert_cmpmem (at (white, 40, 90), 3, at (photo, 40, 90), 3);

  /* One that fails leaves it to the program's own. */
  esp_untouched_set_upscaler (upscale_not, NULL, NULL);
  own = esp_untouched_remake (photo, small, mask, composition, NULL, NULL);
  g_assert_cmpint (n_upscaled, ==, 2);
  esp_untouched_set_upscaler (NULL, NULL, NULL);
  for (int c = 0; c < 3; c++)
    g_assert_cmpint (ABS (at (own, 55, 120)[c] - at (photo, 55, 120)[c]), <, 40);
}

static void
is_cancelled (void)
{
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_AUTO);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (esp_untouched_make (photo, photo, asked, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* --- Ten turns ---------------------------------------------------------------------------------
 */

#define TURNS 10

/* One turn on `before`: a disc, and all of it moved and tinted. */
static EspPicture *
take_turn (EspPicture *before, int turn)
{
  g_autoptr (EspPicture) edited = copy (before);

  draw_disc (edited, 40 + 35 * (turn % 5), 90 + 80 * (turn / 5), 12);
  return drifted (edited, turn % 3 - 1, turn % 2, turn % 2 == 0 ? 3 : -2, 2);
}

/* dB, where nothing was changed. */
static double
compare_rest (EspPicture *picture, const guint8 *changed)
{
  double sum = 0, n = 0;

  for (int y = 0; y < photo->height; y++)
    for (int x = 0; x < photo->width; x++)
      for (int c = 0; c < 3 && changed[y * photo->width + x] == 0; c++, n++)
        sum += pow (at (picture, x, y)[c] - at (photo, x, y)[c], 2);
  return sum == 0 ? INFINITY : 10 * log10 (255. * 255 / (sum / n));
}

/* What the ten edits did not mean is the photo's bit for bit; without, it is far from it. */
static void
ten_turns_in_a_row (void)
{
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_AUTO);
  g_autoptr (EspPicture) kept = copy (photo);
  g_autoptr (EspPicture) plain = copy (photo);
  const gsize n = (gsize) photo->width * (gsize) photo->height;
  g_autofree guint8 *changed = g_malloc0 (n);
  gsize n_changed = 0;

  for (int turn = 0; turn < TURNS; turn++)
    {
      g_autoptr (EspPicture) before = g_steal_pointer (&kept);
      g_autoptr (EspPicture) result = take_turn (before, turn);
      g_autoptr (EspPicture) next = take_turn (plain, turn);
      g_autoptr (EspUntouched) made = esp_untouched_make (before, result, asked, NULL, NULL);
      g_autoptr (EspMask) mask = esp_untouched_dup_effective_mask (before, made->image, made->mask,
                                                                   made->composition, NULL, NULL);

      g_assert_false (made->composition->global);
      for (gsize i = 0; i < n; i++)
        changed[i] |= mask->values[i];
      kept = esp_picture_ref (made->image);
      esp_picture_unref (plain);
      plain = g_steal_pointer (&next);
    }

  for (gsize i = 0; i < n; i++)
    n_changed += changed[i] != 0;
  g_assert_cmpfloat ((double) n_changed / (double) n, <, 0.2);
  g_assert_cmpfloat (compare_rest (kept, changed), ==, INFINITY);
  g_assert_cmpfloat (compare_rest (plain, changed), <, 30);
  for (int turn = 0; turn < TURNS; turn++) /* and the edits are there */
    g_assert_cmpint (at (kept, 40 + 35 * (turn % 5), 90 + 80 * (turn / 5))[2], >, 180);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  path = g_build_filename (g_getenv ("ESP_TEST_DATA"), "..", "..", "data", "photos", "cat.png",
                           NULL);
  photo = esp_picture_load (path, NULL, NULL, NULL);
  g_assert_nonnull (photo);

  g_test_add_func ("/untouched/disc-in-a-moved-picture", a_disc_in_a_moved_picture);
  g_test_add_func ("/untouched/ten-turns", ten_turns_in_a_row);
  g_test_add_func ("/untouched/same-again-with-its-mask", the_same_again_with_its_mask);
  g_test_add_func ("/untouched/nothing-and-everything", nothing_and_everything);
  g_test_add_func ("/untouched/odd-pictures", odd_pictures);
  g_test_add_func ("/untouched/region-is-sent-and-put-back", a_region_is_sent_and_put_back);
  g_test_add_func ("/untouched/crops-of-every-place", crops_of_every_place);
  g_test_add_func ("/untouched/tokens-that-are-the-results", tokens_that_are_the_results);
  g_test_add_func ("/untouched/another-upscaler", another_upscaler);
  g_test_add_func ("/untouched/is-cancelled", is_cancelled);
  status = g_test_run ();
  esp_picture_unref (photo);
  return status;
}
