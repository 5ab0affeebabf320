/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is stripped tells nothing any more and looks the same to the last bit. */
#include "esp-picture-strip.h"

#include "esp-picture-attach.h"

#include <string.h>

static EspPicture *
make_picture (void)
{
  EspPicture *picture = esp_picture_new (40, 30, NULL);

  for (int i = 0; i < 40 * 30 * 3; i++)
    picture->pixels[i] = (guint8) (i / 15);
  return picture;
}

static gboolean
contains (GBytes *bytes, const char *text)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  for (gsize i = 0; i + strlen (text) <= size; i++)
    if (memcmp (data + i, text, strlen (text)) == 0)
      return TRUE;
  return FALSE;
}

static void
assert_same_looks (GBytes *before, GBytes *after)
{
  EspPictureInfo old_info = ESP_PICTURE_INFO_INIT, new_info = ESP_PICTURE_INFO_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) old = esp_picture_load_bytes (before, "before", &old_info, NULL, &error);
  g_autoptr (EspPicture) new = NULL;

  g_assert_no_error (error);
  new = esp_picture_load_bytes (after, "after", &new_info, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (old->width, ==, new->width);
  g_assert_cmpint (old->height, ==, new->height);
  g_assert_cmpint (old_info.orientation, ==, new_info.orientation);
  g_assert_cmpint (old_info.animated, ==, new_info.animated);
  g_assert_cmpstr (old_info.profile, ==, new_info.profile);
  g_assert_cmpmem (old->pixels, (gsize) (old->width * old->height * 3), new->pixels,
                   (gsize) (new->width *new->height * 3));
  esp_picture_info_clear (&old_info);
  esp_picture_info_clear (&new_info);
}

static void
test_recipes (void)
{
  static const EspPictureFormat formats[] = { ESP_FORMAT_PNG, ESP_FORMAT_JPEG, ESP_FORMAT_WEBP };
  const EspRecipe recipe = {
    .json = "{\"prompt\":\"SECRET\"}", .prompt = "SECRET", .software = "SECRET", .model = "SECRET"
  };
  g_autoptr (EspPicture) picture = make_picture ();

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GBytes) bytes
          = esp_picture_to_bytes (picture, formats[i], &recipe, NULL, NULL, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bare = esp_picture_strip_metadata (bytes, "picture", &error);
      g_autoptr (GBytes) again = NULL;
      g_autofree char *json = NULL;

      g_assert_no_error (error);
      g_assert_true (contains (bytes, "SECRET"));
      g_assert_false (contains (bare, "SECRET"));
      g_assert_false (contains (bare, "Exif"));
      g_assert_false (esp_recipe_read_bytes (bare, "picture", &json, NULL));
      assert_same_looks (bytes, bare);
      again = esp_picture_strip_metadata (bare, "picture", &error);
      g_assert_no_error (error);
      g_assert_true (g_bytes_equal (bare, again));
    }
}

/* Every picture of the collection that was made for reading: profiles, 16 bits, eight orientations,
 * progressive, CMYK, animations. */
static void
test_collection (void)
{
  g_autofree char *folder = g_build_filename (g_getenv ("ESP_TEST_DATA"), "images", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n_done = 0;
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *data = NULL;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GBytes) bare = NULL;
      g_autoptr (EspPicture) readable = NULL;
      gsize size;

      if (!g_str_has_suffix (name, ".png") && !g_str_has_suffix (name, ".jpg")
          && !g_str_has_suffix (name, ".webp"))
        continue;
      g_assert_true (g_file_get_contents (path, &data, &size, NULL));
      bytes = g_bytes_new (data, size);
      readable = esp_picture_load_bytes (bytes, name, NULL, NULL, NULL);
      if (readable == NULL)
        continue; /* one of those that must be refused */
      bare = esp_picture_strip_metadata (bytes, name, NULL);
      g_test_message ("%s", name);
      g_assert_nonnull (bare);
      assert_same_looks (bytes, bare);
      n_done++;
    }
  g_assert_cmpuint (n_done, >, 20);
}

/* A JPEG with a place in its EXIF, a comment and something behind its end, turned. */
static void
test_jpeg_private (void)
{
  static const guint8 exif[] = "\xff\xe1\0\x2e"
                               "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"
                               "\0\x06\0\0\0\0\0\0SECRET GPS!";
  g_autoptr (EspPicture) picture = make_picture ();
  g_autoptr (GBytes) plain
      = esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, NULL, NULL, NULL, NULL);
  g_autoptr (GByteArray) full = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) bare = NULL;
  g_autoptr (GError) error = NULL;
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  g_autoptr (EspPicture) turned = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (plain, &size);

  g_byte_array_append (full, data, 2);
  g_byte_array_append (full, exif, 0x2e + 2);
  g_byte_array_append (full, (const guint8 *) "\xff\xfe\0\x08SECRET", 10);
  g_byte_array_append (full, data + 2, (guint) size - 2);
  g_byte_array_append (full, (const guint8 *) "SECRET film", 11);
  bytes = g_bytes_new (full->data, full->len);

  turned = esp_picture_load_bytes (bytes, "turned", &info, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (turned);
  g_assert_cmpint (info.orientation, ==, 6);
  esp_picture_info_clear (&info);
  bare = esp_picture_strip_metadata (bytes, "turned", &error);
  g_assert_no_error (error);
  g_assert_false (contains (bare, "SECRET"));
  assert_same_looks (bytes, bare);
}

/* Markers that have no length, after a comment between coded data: what follows them is not taken
 * for a segment that matters, nor for coded data once the comment is gone. */
static void
test_jpeg_lone_markers (void)
{
  static const guint8 lone[] = { 0x00, 0x01, 0xd0, 0xd7, 0xd8 };

  for (guint i = 0; i < G_N_ELEMENTS (lone); i++)
    {
      guint8 data[] = "\xff\xd8\xff\xda\0\2scan\xff\xff\xfe\0\6FILM\xff_\0\x08SECRET\xff\xd9";
      g_autoptr (GBytes) file = NULL;
      g_autoptr (GError) error = NULL;

      *(guint8 *) memchr (data, '_', sizeof data) = lone[i];
      file = g_bytes_new (data, sizeof data - 1);
      g_assert_null (esp_picture_strip_metadata (file, "markers", &error));
      g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED);
    }
}

/* A header behind a part that is left out, and a second one: the result's first part says that
 * there is no metadata, so there is nothing more to take out. */
static void
test_webp_headers (void)
{
#define HEADER "VP8X\x0a\0\0\0\x0c\0\0\0\0\0\0\0\0\0"
  static const guint8 late[] = "RIFF\x1e\0\0\0WEBP"
                               "what\0\0\0\0" HEADER;
  static const guint8 twice[] = "RIFF\x28\0\0\0WEBP" HEADER HEADER;
#undef HEADER
  const struct
  {
    const guint8 *data;
    gsize size;
  } files[] = { { late, sizeof late - 1 }, { twice, sizeof twice - 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (GBytes) file = g_bytes_new_static (files[i].data, files[i].size);
      g_autoptr (GBytes) bare = esp_picture_strip_metadata (file, "headers", NULL);
      g_autoptr (GBytes) again = esp_picture_strip_metadata (bare, "headers", NULL);

      g_assert_cmpint (((const guint8 *) g_bytes_get_data (bare, NULL))[20], ==, 0);
      g_assert_true (g_bytes_equal (bare, again));
    }
}

static void
test_damaged (void)
{
  static const EspPictureFormat formats[] = { ESP_FORMAT_PNG, ESP_FORMAT_JPEG, ESP_FORMAT_WEBP };
  const EspRecipe recipe = { .json = "{\"prompt\":\"SECRET\"}" };
  g_autoptr (EspPicture) picture = make_picture ();

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GBytes) bytes
          = esp_picture_to_bytes (picture, formats[i], &recipe, NULL, NULL, NULL);
      const gsize size = g_bytes_get_size (bytes);

      /* Cut anywhere: an error or (within the last part of a WebP) something without the secret. */
      for (gsize length = 1; length < size; length++)
        {
          g_autoptr (GBytes) cut = g_bytes_new_from_bytes (bytes, 0, length);
          g_autoptr (GBytes) copy
              = g_bytes_new (g_bytes_get_data (cut, NULL), length); /* for the sanitizer */
          g_autoptr (GError) error = NULL;
          g_autoptr (GBytes) bare = esp_picture_strip_metadata (copy, "cut", &error);

          g_assert_true ((bare == NULL) == (error != NULL));
          if (bare != NULL)
            g_assert_false (contains (bare, "SECRET"));
          if (formats[i] != ESP_FORMAT_WEBP)
            g_assert_null (bare);
        }
      for (int round = 0; round < 2000; round++)
        {
          g_autofree guint8 *data = g_memdup2 (g_bytes_get_data (bytes, NULL), size);
          g_autoptr (GBytes) wrong = NULL;
          g_autoptr (GBytes) bare = NULL;

          for (int k = 0; k < 4; k++)
            data[g_test_rand_int_range (0, (gint32) MIN (size, 400))] = (guint8) g_test_rand_int ();
          wrong = g_bytes_new (data, size);
          bare = esp_picture_strip_metadata (wrong, "wrong", NULL);
          g_assert_true (bare == NULL || g_bytes_get_size (bare) > 0);
        }
    }
}

static void
test_unsupported (void)
{
  g_autoptr (EspPicture) picture = make_picture ();
  g_autoptr (GBytes) tiff = esp_picture_to_bytes (picture, ESP_FORMAT_TIFF, NULL, NULL, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (esp_picture_strip_metadata (tiff, "scan.tiff", &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "scan.tiff"));
}

/* A recipe is put in, another one goes, and not a pixel changes. */
static void
test_attach (void)
{
  const EspRecipe old = { .json = "{\"prompt\":\"OLD\"}", .prompt = "OLD" };
  g_autofree char *long_text = g_strnfill (200000, 'x');
  g_autofree char *long_json = g_strconcat ("{\"prompt\":\"", long_text, "\"}", NULL);
  const EspRecipe new[] = { { .json = "{\"prompt\":\"NEW\"}", .prompt = "NEW" },
                            { .json = long_json, .prompt = "NEW" } };
  g_autoptr (EspPicture) picture = make_picture ();
  g_autoptr (GBytes) jpeg = esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, &old, NULL, NULL, NULL);
  g_autoptr (GBytes) png = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, NULL, NULL, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (new); i++)
    {
      g_autoptr (GBytes) attached = esp_picture_attach_recipe (jpeg, "a", &new[i], &error);
      g_autofree char *json = NULL;

      g_assert_no_error (error);
      assert_same_looks (jpeg, attached);
      g_assert_false (contains (attached, "OLD"));
      g_assert_true (esp_recipe_read_bytes (attached, "a", &json, &error));
      g_assert_no_error (error);
      g_assert_cmpstr (json, ==, new[i].json);
    }

  g_assert_null (esp_picture_attach_recipe (png, "a", &new[0], &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED);
  g_clear_error (&error);

  /* Cut off wherever: an error or a file, nothing else. */
  for (gsize size = 0; size < g_bytes_get_size (jpeg); size += 5)
    {
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (jpeg, 0, size);
      g_autoptr (GBytes) attached = esp_picture_attach_recipe (part, "a", &new[0], &error);

      g_assert_true ((attached == NULL) == (error != NULL));
      g_clear_error (&error);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/strip/recipes", test_recipes);
  g_test_add_func ("/strip/collection", test_collection);
  g_test_add_func ("/strip/jpeg-private", test_jpeg_private);
  g_test_add_func ("/strip/jpeg-lone-markers", test_jpeg_lone_markers);
  g_test_add_func ("/strip/webp-headers", test_webp_headers);
  g_test_add_func ("/strip/damaged", test_damaged);
  g_test_add_func ("/strip/unsupported", test_unsupported);

  g_test_add_func ("/strip/attach", test_attach);
  return g_test_run ();
}
