/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every fixture of tests/data/images against what it should look like (tools/reference/images.py),
 * and what must hold for all of them: no descriptor left open, no half pictures, no crash on noise.
 */
#include "esp-picture.h"

#include <stdlib.h>
#include <string.h>

static char *
data_path (const char *name)
{
  return g_build_filename (g_getenv ("ESP_TEST_DATA"), "images", name, NULL);
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

typedef struct
{
  char *file;
  char *expected;
  int tolerance;
  int orientation;
  int bits;
  char *flags;
} Fixture;

static void
fixture_free (gpointer data)
{
  Fixture *fixture = data;
  g_free (fixture->file);
  g_free (fixture->expected);
  g_free (fixture->flags);
  g_free (fixture);
}

static GPtrArray *
read_fixtures (void)
{
  g_autofree char *path = data_path ("fixtures.txt");
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  GPtrArray *fixtures = g_ptr_array_new_with_free_func (fixture_free);

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (g_strstrip (text), "\n", -1);
  for (int i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);
      Fixture *fixture = g_new0 (Fixture, 1);

      g_assert_cmpuint (g_strv_length (words), ==, 6);
      fixture->file = g_strdup (words[0]);
      fixture->expected = g_strdup (words[1]);
      fixture->tolerance = atoi (words[2]);
      fixture->orientation = atoi (words[3]);
      fixture->bits = atoi (words[4]);
      fixture->flags = g_strdup (words[5]);
      g_ptr_array_add (fixtures, fixture);
    }
  g_assert_cmpuint (fixtures->len, >, 75);
  return fixtures;
}

static int
largest_difference (const EspPicture *a, const EspPicture *b)
{
  int largest = 0;

  g_assert_cmpint (a->width, ==, b->width);
  g_assert_cmpint (a->height, ==, b->height);
  for (int i = 0; i < a->width * a->height * 3; i++)
    largest = MAX (largest, ABS (a->pixels[i] - b->pixels[i]));
  return largest;
}

static void
test_fixture (gconstpointer data)
{
  const Fixture *fixture = data;
  g_autofree char *path = data_path (fixture->file);
  g_autofree char *expected_path = data_path (fixture->expected);
  g_autoptr (GError) error = NULL;
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  const guint open_before = count_descriptors ();
  g_autoptr (EspPicture) expected = esp_picture_load_ppm (expected_path, &error);
  g_autoptr (EspPicture) picture = NULL;

  g_assert_no_error (error);
  picture = esp_picture_load (path, &info, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (picture);
  g_assert_cmpint (largest_difference (picture, expected), <=, fixture->tolerance);
  g_assert_cmpint (info.orientation, ==, fixture->orientation);
  g_assert_cmpint (info.bits, ==, fixture->bits);
  g_assert_cmpint (info.has_alpha, ==, strchr (fixture->flags, 'a') != NULL);
  g_assert_cmpint (info.converted, ==, strchr (fixture->flags, 'c') != NULL);
  g_assert_cmpint (info.animated, ==, strchr (fixture->flags, 'm') != NULL);
  g_assert_cmpint (info.warnings != NULL, ==, strchr (fixture->flags, 'w') != NULL);
  if (info.converted)
    g_assert_nonnull (info.profile);
  esp_picture_info_clear (&info);
  g_assert_cmpuint (count_descriptors (), ==, open_before);
}

/* Each fixture cut at many lengths: an error that names it, or (where only bytes after the pixels
 * were lost) exactly the whole picture. */
static void
test_truncated (void)
{
  g_autoptr (GPtrArray) fixtures = read_fixtures ();
  guint refused = 0;

  for (guint i = 0; i < fixtures->len; i++)
    {
      const Fixture *fixture = fixtures->pdata[i];
      g_autofree char *path = data_path (fixture->file);
      g_autofree char *data = NULL;
      g_autoptr (EspPicture) whole = esp_picture_load (path, NULL, NULL, NULL);
      gsize size = 0;

      g_assert_true (g_file_get_contents (path, &data, &size, NULL));
      for (gsize part = 0; part < 36; part++)
        {
          /* exactly as much memory as the cut file: reading behind it is seen by the sanitizer */
          const gsize n = part < 24 ? size * part / 24 : size - (part - 23);
          g_autoptr (GBytes) bytes = g_bytes_new (data, n);
          g_autoptr (GError) error = NULL;
          g_autoptr (EspPicture) picture
              = esp_picture_load_bytes (bytes, "the-name", NULL, NULL, &error);

          if (picture != NULL && largest_difference (picture, whole) != 0)
            g_error ("%s cut to %" G_GSIZE_FORMAT " bytes gives half a picture", fixture->file, n);
          if (picture == NULL)
            {
              g_assert_nonnull (strstr (error->message, "the-name"));
              g_assert_null (strchr (error->message, '\n'));
              refused++;
            }
        }
    }
  g_assert_cmpuint (refused, >, fixtures->len * 20);
}

/* Noise in every fixture: anything but a crash, an endless loop or a leak is right. */
static void
test_noise (void)
{
  g_autoptr (GPtrArray) fixtures = read_fixtures ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  const guint open_before = count_descriptors ();
  guint loaded = 0, refused = 0;

  for (guint i = 0; i < fixtures->len; i++)
    {
      const Fixture *fixture = fixtures->pdata[i];
      g_autofree char *path = data_path (fixture->file);
      g_autofree char *data = NULL;
      gsize size = 0;

      g_assert_true (g_file_get_contents (path, &data, &size, NULL));
      for (int round = 0; round < 16; round++)
        {
          guint8 *copy = g_memdup2 (data, size);
          g_autoptr (GBytes) bytes = g_bytes_new_take (copy, size);
          g_autoptr (GError) error = NULL;
          EspPictureInfo info = ESP_PICTURE_INFO_INIT;
          EspPicture *picture;

          for (int k = 0; k <= round % 4; k++)
            copy[g_rand_int_range (rand, 0, (int) MIN (size, round % 2 ? size : 200))]
                = (guint8) g_rand_int (rand);
          picture = esp_picture_load_bytes (bytes, "noise", &info, NULL, &error);
          g_assert_true ((picture != NULL) != (error != NULL));
          if (picture != NULL)
            {
              loaded++;
              esp_picture_unref (picture);
            }
          else
            refused++;
          esp_picture_info_clear (&info);
        }
    }
  g_test_message ("noise: %u loaded, %u refused", loaded, refused);
  g_assert_cmpuint (refused, >, 0);
  g_assert_cmpuint (loaded, >, 0);
  g_assert_cmpuint (count_descriptors (), ==, open_before);
}

static void
test_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) fixtures = read_fixtures ();

  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < fixtures->len; i++)
    {
      const Fixture *fixture = fixtures->pdata[i];
      g_autofree char *path = data_path (fixture->file);
      g_autoptr (GError) error = NULL;

      g_assert_null (esp_picture_load (path, NULL, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

static void
test_info (void)
{
  g_autofree char *path = data_path ("icc-p3.png");
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  g_autoptr (EspPicture) picture = esp_picture_load (path, &info, NULL, NULL);
  EspPicture *other;

  g_assert_cmpstr (info.format, ==, "PNG");
  g_assert_cmpstr (info.profile, ==, "Display P3");
  esp_picture_info_clear (&info);
  g_assert_null (info.profile);

  other = esp_picture_ref (picture);
  g_assert_true (other == picture);
  esp_picture_unref (other);
  g_assert_cmpint (picture->pixels[0], >=, 0);
}

/* Which keeps a socket open from then on: before anybody counts. */
static void
start_decoder (void)
{
  g_autofree char *path = data_path ("rgb.png");
  EspPicture *picture = esp_picture_load (path, NULL, NULL, NULL);

  g_assert_nonnull (picture);
  esp_picture_unref (picture);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) fixtures = NULL;

  g_test_init (&argc, &argv, NULL);
  fixtures = read_fixtures ();
  start_decoder ();
  for (guint i = 0; i < fixtures->len; i++)
    {
      const Fixture *fixture = fixtures->pdata[i];
      g_autofree char *name = g_strconcat ("/picture/load/", fixture->file, NULL);
      g_test_add_data_func (name, fixture, test_fixture);
    }
  g_test_add_func ("/picture/truncated", test_truncated);
  g_test_add_func ("/picture/noise", test_noise);
  g_test_add_func ("/picture/cancelled", test_cancelled);
  g_test_add_func ("/picture/info", test_info);
  return g_test_run ();
}
