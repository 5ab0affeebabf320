/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registrations against what pictures were made with, and against scikit-image
 * (tools/reference/registration.py); pictures that have nothing to be registered by. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "esp-registration.h"

/* Of the issue: px of the source, at the centre and at the corners. */
#define TOLERANCE 0.1

static EspRegistration
estimate (EspPicture *source, EspPicture *result)
{
  EspRegistration registration;
  g_autoptr (GError) error = NULL;

  g_assert_true (esp_registration_estimate (source, result, &registration, NULL, &error));
  g_assert_no_error (error);
  return registration;
}

static void
assert_moved (const EspRegistration *found, EspPicture *source, double x, double y, double scale)
{
  const double corner = hypot (source->width, source->height) / 2;

  g_assert_true (found->certain);
  g_assert_cmpfloat (hypot (found->shift_x - x, found->shift_y - y), <=, TOLERANCE);
  g_assert_cmpfloat (fabs (found->scale - scale) * corner, <=, TOLERANCE);
}

static void
assert_uncertain (const EspRegistration *found)
{
  const EspRegistration none = ESP_REGISTRATION_INIT;

  g_assert_false (found->certain);
  g_assert_cmpfloat (found->shift_x, ==, 0);
  g_assert_cmpfloat (found->shift_y, ==, 0);
  g_assert_cmpfloat (found->scale, ==, 1);
  g_assert_cmpmem (found->gain, sizeof found->gain, none.gain, sizeof none.gain);
  g_assert_cmpmem (found->offset, sizeof found->offset, none.offset, sizeof none.offset);
  g_assert_cmpmem (found->tint, sizeof found->tint, none.tint, sizeof none.tint);
}

/* ---- golden values */

static EspPicture *
load (const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("ESP_TEST_DATA"), "untouched", name, NULL);
  g_autoptr (GError) error = NULL;
  EspPicture *picture = esp_picture_load (path, NULL, NULL, &error);

  g_assert_no_error (error);
  return picture;
}

/* "SOURCE RESULT x y scale gains offsets x y", the last two what scikit-image sees. TRUE where it
 * sees anything. */
static gboolean
check_pair (const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  g_autoptr (EspPicture) source = NULL;
  g_autoptr (EspPicture) result = NULL;
  EspRegistration found;
  double numbers[9];
  gboolean plain = TRUE;

  g_assert_cmpuint (g_strv_length (words), ==, 13);
  source = load (words[0]);
  result = load (words[1]);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    numbers[i] = g_ascii_strtod (words[2 + i], NULL);
  found = estimate (source, result);
  g_test_message ("%s: %.3f %.3f %.5f", words[1], found.shift_x, found.shift_y, found.scale);
  assert_moved (&found, source, numbers[0], numbers[1], numbers[2]);
  for (guint c = 0; c < 3; c++)
    plain = plain && numbers[3 + c] == 1;
  for (guint c = 0; c < 3; c++)
    {
      g_assert_cmpfloat_with_epsilon (found.gain[c], numbers[3 + c], 0.01);
      if (plain)
        g_assert_cmpfloat_with_epsilon (found.tint[c], numbers[6 + c], 0.3);
      /* In the middle of all levels both lines meet, whatever they make of their ends. */
      g_assert_cmpfloat_with_epsilon (found.gain[c] * 128 + found.offset[c],
                                      numbers[3 + c] * 128 + numbers[6 + c], 0.6);
    }
  if (g_str_equal (words[11], "-"))
    return FALSE;
  g_assert_cmpfloat_with_epsilon (found.shift_x, g_ascii_strtod (words[11], NULL), TOLERANCE);
  g_assert_cmpfloat_with_epsilon (found.shift_y, g_ascii_strtod (words[12], NULL), TOLERANCE);
  return TRUE;
}

static void
test_golden (void)
{
  g_autofree char *path
      = g_build_filename (g_getenv ("ESP_TEST_DATA"), "untouched", "registration.txt", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n_seen = 0, n = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  for (; lines[n] != NULL; n++)
    n_seen += check_pair (lines[n]) ? 1 : 0;
  g_assert_cmpuint (n, ==, 8);
  g_assert_cmpuint (n_seen, ==, 4);
}

/* ---- pictures by formula: waves across times waves down, known everywhere, so that moving and
 * scaling them makes no error of its own */

#define WAVES 12

typedef struct
{
  double x, y, scale; /* where the content is */
  double gain, offset;
  guint32 seed; /* of the waves */
} Scene;

static double
get_wave (guint32 seed, int k, double at)
{
  /* Lengths from 7 to 210 px of a picture of 600 px, no one a multiple of another. */
  const double length = 7 * pow (30, (k + 0.37 * ((seed >> (k % 8)) & 1)) / WAVES);

  return cos (2 * G_PI * at / length + k * k + seed);
}

/* The scene in width × height px, stretched from side_x × side_y. */
static EspPicture *
draw (const Scene *scene, int width, int height, double side_x, double side_y)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);
  g_autofree double *across = g_new (double, width *WAVES);
  g_autofree double *down = g_new (double, height *WAVES);

  for (int k = 0; k < WAVES; k++)
    {
      for (int x = 0; x < width; x++)
        across[x * WAVES + k] = get_wave (
            scene->seed, k, ((x + 0.5) * side_x / width - side_x / 2 - scene->x) / scene->scale);
      for (int y = 0; y < height; y++)
        down[y * WAVES + k]
            = get_wave (scene->seed + 5, WAVES - 1 - k,
                        ((y + 0.5) * side_y / height - side_y / 2 - scene->y) / scene->scale);
    }
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        double sum = 0;

        for (int k = 0; k < WAVES; k++)
          sum += across[x * WAVES + k] * down[y * WAVES + k];
        for (int c = 0; c < 3; c++)
          {
            const double value = 120 + (14 + 3 * c) * sum;

            picture->pixels[(y * width + x) * 3 + c] = (guint8) CLAMP (
                lrint (CLAMP (value, 20, 235) * scene->gain + scene->offset), 0, 255);
          }
      }
  return picture;
}

/* Puts `other` over a part of the picture. */
static void
cover (EspPicture *picture, EspPicture *other, int left, int top, int width, int height)
{
  for (int y = top; y < top + height; y++)
    memcpy (picture->pixels + (y * picture->width + left) * 3,
            other->pixels + (y * other->width + left) * 3, (gsize) width * 3);
}

static void
test_motions (void)
{
  const double motions[][3] = {
    { 0, 0, 1 }, { 6, -6, 1.01 }, { -12, 9, 0.985 }, { 0.25, 17, 1 }, { 3, 2, 1.028 },
  };
  const Scene still = { 0, 0, 1, 1, 0, 3 };
  g_autoptr (EspPicture) source = draw (&still, 600, 420, 600, 420);

  for (guint i = 0; i < G_N_ELEMENTS (motions); i++)
    {
      const Scene scene = { motions[i][0], motions[i][1], motions[i][2], 1.03, -4, 3 };
      /* The same, a smaller one of a little other shape, a larger one. */
      const int sizes[][2] = { { 600, 420 }, { 320, 224 }, { 768, 544 } };

      for (guint k = i % 2; k < G_N_ELEMENTS (sizes); k += 2)
        {
          g_autoptr (EspPicture) result = draw (&scene, sizes[k][0], sizes[k][1], 600, 420);
          EspRegistration found = estimate (source, result);

          assert_moved (&found, source, scene.x, scene.y, scene.scale);
          for (int c = 0; c < 3; c++)
            {
              g_assert_cmpfloat_with_epsilon (found.gain[c], 1.03, 0.01);
              g_assert_cmpfloat_with_epsilon (found.offset[c], -4, 1);
            }
          g_assert_cmpfloat (found.agreeing, >, 0.8);
        }
    }
}

/* Two fifths of it have moved in another way: less agrees on that. */
static void
test_two_fifths (void)
{
  const Scene still = { 0, 0, 1, 1, 0, 3 }, scene = { 4, -3, 1.006, 1, 5, 3 };
  const Scene other = { -9, 8, 1, 1, 0, 3 };
  g_autoptr (EspPicture) source = draw (&still, 600, 420, 600, 420);
  g_autoptr (EspPicture) result = draw (&scene, 600, 420, 600, 420);
  g_autoptr (EspPicture) moved = draw (&other, 600, 420, 600, 420);
  EspRegistration found;

  cover (result, moved, 0, 0, 240, 420);
  found = estimate (source, result);
  assert_moved (&found, source, scene.x, scene.y, scene.scale);
  g_assert_cmpfloat (found.agreeing, <, 0.7);
  for (int c = 0; c < 3; c++)
    g_assert_cmpfloat_with_epsilon (found.tint[c], 5, 0.3);
}

/* As models make of a large photo: 6 million pixels come back as one. */
static void
test_large (void)
{
  const Scene still = { 0, 0, 1, 1, 0, 3 }, scene = { 1.2, -0.8, 1.004, 1, -3, 3 };
  g_autoptr (EspPicture) source = draw (&still, 2880, 2016, 600, 420);
  g_autoptr (EspPicture) result = draw (&scene, 1200, 832, 600, 420);
  EspRegistration found = estimate (source, result);

  /* A px of the scene is 4.8 of the source. */
  assert_moved (&found, source, scene.x * 4.8, scene.y * 4.8, scene.scale);
}

/* ---- nothing to go by */

static EspPicture *
new_noise (int width, int height, guint32 seed)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);

  for (int i = 0; i < width * height * 3; i++)
    picture->pixels[i] = (guint8) g_rand_int_range (random, 0, 256);
  return picture;
}

static EspPicture *
new_plain (int width, int height, guint8 level)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);

  memset (picture->pixels, level, (gsize) width * (gsize) height * 3);
  return picture;
}

static void
test_nothing_in_common (void)
{
  const Scene one = { 0, 0, 1, 1, 0, 3 }, other = { 0, 0, 1, 1, 0, 12 };
  EspPicture *pictures[] = {
    draw (&one, 300, 210, 300, 210), draw (&other, 300, 210, 300, 210), new_noise (300, 210, 1),
    new_noise (300, 210, 2),         new_plain (300, 210, 255),         new_plain (300, 210, 40),
  };

  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++)
    for (guint k = i; k < G_N_ELEMENTS (pictures); k++)
      {
        EspRegistration found = estimate (pictures[i], pictures[k]);

        if (i != k || i >= 4)
          assert_uncertain (&found);
        else
          assert_moved (&found, pictures[i], 0, 0, 1);
      }
  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++)
    g_clear_pointer (&pictures[i], esp_picture_unref);
}

/* Content that has moved farther than is looked for is not found somewhere else instead. */
static void
test_too_far (void)
{
  const Scene still = { 0, 0, 1, 1, 0, 3 }, scene = { 60, 0, 1, 1, 0, 3 };
  g_autoptr (EspPicture) source = draw (&still, 600, 420, 600, 420);
  g_autoptr (EspPicture) result = draw (&scene, 600, 420, 600, 420);
  EspRegistration found = estimate (source, result);

  assert_uncertain (&found);
}

/* Along stripes nothing can be told, and nothing is made up. */
static void
test_stripes (void)
{
  g_autoptr (EspPicture) source = esp_picture_new (400, 300, NULL);
  g_autoptr (EspPicture) result = esp_picture_new (400, 300, NULL);
  EspRegistration found;

  for (int y = 0; y < 300; y++)
    for (int x = 0; x < 400 * 3; x++)
      {
        source->pixels[y * 1200 + x] = (guint8) lrint (127 + 90 * sin (y / 5.0) * cos (y / 31.0));
        result->pixels[y * 1200 + x]
            = (guint8) lrint (127 + 90 * sin ((y - 2) / 5.0) * cos ((y - 2) / 31.0));
      }
  found = estimate (source, result);
  assert_moved (&found, source, 0, 2, 1);
}

/* Any size is taken; what is too small to tell is not told. */
static void
test_sizes (void)
{
  const int sizes[][2]
      = { { 1, 1 }, { 1, 700 }, { 3, 2 }, { 9, 9 }, { 700, 5 }, { 40, 30 }, { 64, 48 } };
  const Scene still = { 0, 0, 1, 1, 0, 3 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint k = 0; k < G_N_ELEMENTS (sizes); k++)
      {
        g_autoptr (EspPicture) source
            = draw (&still, sizes[i][0], sizes[i][1], sizes[i][0], sizes[i][1]);
        g_autoptr (EspPicture) result
            = draw (&still, sizes[k][0], sizes[k][1], sizes[i][0], sizes[i][1]);
        EspRegistration found = estimate (source, result);

        if (!found.certain)
          assert_uncertain (&found);
        else
          {
            g_assert_cmpfloat (hypot (found.shift_x, found.shift_y), <, 0.5);
            g_assert_cmpfloat (fabs (found.scale - 1), <, 0.01);
          }
        g_assert_true (i != k || MIN (sizes[i][0], sizes[i][1]) < 30 || found.certain);
      }
}

/* On any number of threads, however they take turns. */
static void
test_same_again (void)
{
  const Scene still = { 0, 0, 1, 1, 0, 3 }, scene = { 2.6, 1.3, 0.996, 1.01, 2, 3 };
  g_autoptr (EspPicture) source = draw (&still, 700, 490, 700, 490);
  g_autoptr (EspPicture) result = draw (&scene, 700, 490, 700, 490);
  EspRegistration first = estimate (source, result);

  for (int i = 0; i < 2; i++)
    {
      EspRegistration again = estimate (source, result);

      for (int c = 0; c < 3; c++)
        {
          g_assert_cmpfloat (first.gain[c], ==, again.gain[c]);
          g_assert_cmpfloat (first.offset[c], ==, again.offset[c]);
          g_assert_cmpfloat (first.tint[c], ==, again.tint[c]);
        }
      g_assert_cmpfloat (first.shift_x, ==, again.shift_x);
      g_assert_cmpfloat (first.shift_y, ==, again.shift_y);
      g_assert_cmpfloat (first.scale, ==, again.scale);
      g_assert_cmpfloat (first.agreeing, ==, again.agreeing);
    }
}

static void
test_cancelled (void)
{
  const Scene still = { 0, 0, 1, 1, 0, 3 };
  g_autoptr (EspPicture) source = draw (&still, 300, 210, 300, 210);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  EspRegistration registration;

  g_cancellable_cancel (cancellable);
  g_assert_false (esp_registration_estimate (source, source, &registration, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/registration/golden", test_golden);
  g_test_add_func ("/registration/motions", test_motions);
  g_test_add_func ("/registration/two-fifths", test_two_fifths);
  g_test_add_func ("/registration/large", test_large);
  g_test_add_func ("/registration/nothing-in-common", test_nothing_in_common);
  g_test_add_func ("/registration/too-far", test_too_far);
  g_test_add_func ("/registration/stripes", test_stripes);
  g_test_add_func ("/registration/sizes", test_sizes);
  g_test_add_func ("/registration/same-again", test_same_again);
  g_test_add_func ("/registration/cancelled", test_cancelled);
  return g_test_run ();
}
