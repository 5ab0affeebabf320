/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes come back byte for byte from every format, however nasty the text; damaged ones say so.
 */
#include "esp-picture.h"

#include <stdio.h>
#include <string.h>

static EspPicture *picture;

static const EspPictureFormat formats[]
    = { ESP_FORMAT_PNG, ESP_FORMAT_JPEG, ESP_FORMAT_WEBP, ESP_FORMAT_TIFF };

/* Saves with this JSON and prompt, reads back, compares; also that the pixels can still be read. */
static void
assert_round_trip (const char *json, const char *prompt)
{
  const EspRecipe recipe = { .json = json,
                             .prompt = prompt,
                             .negative_prompt = "blurry",
                             .software = "Espalier 0.1.0",
                             .model = "demo",
                             .seed = G_MAXUINT64,
                             .steps = 8,
                             .guidance = 2.5,
                             .width = 9,
                             .height = 7 };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *back = NULL;
      EspPictureInfo info = ESP_PICTURE_INFO_INIT;
      g_autoptr (EspPicture) again = NULL;
      g_autoptr (GBytes) bytes
          = esp_picture_to_bytes (picture, formats[i], &recipe, NULL, NULL, &error);

      g_assert_no_error (error);
      esp_recipe_read_bytes (bytes, "file", &back, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (strlen (back), ==, strlen (json));
      g_assert_true (strcmp (back, json) == 0);
      again = esp_picture_load_bytes (bytes, "file", &info, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (again->width, ==, picture->width);
      g_assert_null (info.warnings);
      g_assert_cmpint (info.orientation, ==, 1);
      esp_picture_info_clear (&info);
    }
}

static void
test_texts (void)
{
  static const char *texts[] = {
    "{}",
    "{\"prompt\":\"plain\"}",
    "{\"prompt\":\"\\\"quoted\\\" 'and' `ticked`\"}",
    "{\"prompt\":\"<b>&amp;</b> ]]> <!-- --> <?x?> %s %n\"}",
    "{\n  \"prompt\" :\r\n\t\"raw white space\"\n}\n\n",
    " \n\t leading and trailing \t\r\n ",
    ("{\"prompt\":\"\360\237\230\200 \360\237\221\251\342\200\215\360\237\232\200 "
     "\351\207\215 \330\247\331\204 e\314\201\"}"),
    "\357\273\277{\"bom\":1}",
    "{\"odd\":\"\302\205\302\240\342\200\250\342\200\251\357\277\275\357\277\276\357\277\277\"}",
    "{\"control\":\"\001\002\010\013\014\016\037\177\302\200\302\237\"}",
    "\\u0000 \\\\ \\",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_round_trip (texts[i], texts[i]);
}

/* Sizes around the segment limit, and prompts of a MiB that grow six-fold when escaped. */
static void
test_sizes (void)
{
  static const struct
  {
    gsize n;
    const char *unit;
  } cases[] = {
    { 60000, "x" },
    { 64400, "x" },
    { 64800, "x" },
    { 65502, "x" },
    { 70000, "x" },
    { 131072, "\"<&>'\n" },
    { 262144, "\360\237\230\200" },
    { 1 << 20, "<" },
    { 1 << 20, "a " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);

      for (gsize k = 0; k < cases[i].n; k++)
        g_string_append (text, cases[i].unit);
      assert_round_trip (text->str, text->str);
    }
  for (int n = 64000; n < 65600; n += 37)
    {
      g_autofree char *text = g_strnfill ((gsize) n, 'y');
      const EspRecipe recipe = { .json = text };
      g_autofree char *back = NULL;
      g_autoptr (GBytes) bytes
          = esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, &recipe, NULL, NULL, NULL);

      g_assert_true (esp_recipe_read_bytes (bytes, "file", &back, NULL));
      g_assert_cmpstr (back, ==, text);
    }
}

static gboolean
contains (GBytes *bytes, const char *needle, gsize size)
{
  gsize n;
  const char *data = g_bytes_get_data (bytes, &n);

  for (gsize i = 0; i + size <= n; i++)
    if (memcmp (data + i, needle, size) == 0)
      return TRUE;
  return FALSE;
}

static void
test_for_others (void)
{
  const EspRecipe recipe = { .json = "{\"k\":1}",
                             .prompt = "make it snow",
                             .negative_prompt = "rain",
                             .model = "Demo",
                             .model_hash = "0123456789abcdef",
                             .software = "Espalier 9",
                             .seed = 42,
                             .steps = 8,
                             .guidance = 2.5,
                             .width = 640,
                             .height = 480 };
  static const char parameters[]
      = "make it snow\nNegative prompt: rain\nSteps: 8, Sampler: Euler, CFG scale: 2.5, Seed: 42, "
        "Size: 640x480, Model hash: 0123456789, Model: Demo, Version: Espalier 9";
  g_autofree char *text = esp_recipe_format_parameters (&recipe);
  g_autoptr (GBytes) png
      = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, &recipe, NULL, NULL, NULL);
  g_autoptr (GBytes) jpeg
      = esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, &recipe, NULL, NULL, NULL);
  g_autoptr (GBytes) plain_png
      = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, NULL, NULL, NULL);
  g_autoptr (GBytes) plain_jpeg
      = esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, NULL, NULL, NULL, NULL);

  g_assert_cmpstr (text, ==, parameters);
  g_assert_true (contains (png, "tEXtparameters\0make it snow\nNeg", 31));
  g_assert_true (contains (png, "iTXtespalier\0\0\0\0\0{\"k\":1}", 24));
  g_assert_true (contains (png, "tEXtSoftware\0Espalier 9", 23));
  g_assert_true (contains (png, "sRGB", 4));
  g_assert_true (contains (jpeg, "Exif\0\0II*\0", 10));
  g_assert_true (contains (jpeg, "UNICODE\0\0m\0a\0k\0e", 16));
  g_assert_true (contains (jpeg, "make it snow\0", 13));
  g_assert_true (contains (jpeg, "<espalier:recipe>{&quot;k&quot;:1}<", 35));
  g_assert_true (contains (jpeg, "ICC_PROFILE", 11));
  g_assert_false (contains (plain_png, "espalier", 8));
  g_assert_false (contains (plain_jpeg, "espalier", 8));
  g_assert_false (contains (plain_jpeg, "Espalier", 8));
}

static void
test_none (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GBytes) bytes = esp_picture_to_bytes (picture, formats[i], NULL, NULL, NULL, NULL);
      g_autoptr (GError) error = NULL;
      char *back = (char *) "not cleared";

      g_assert_false (esp_recipe_read_bytes (bytes, "the-name", &back, &error));
      g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_NO_RECIPE);
      g_assert_nonnull (strstr (error->message, "the-name"));
      g_assert_null (back);
    }
}

static void
test_path (void)
{
  g_autofree char *folder = g_dir_make_tmp ("espalier-recipe-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "a.jpg", NULL);
  g_autofree char *back = NULL;
  g_autoptr (GError) error = NULL;
  const EspRecipe recipe = { .json = "{\"k\":1}" };

  g_assert_true (esp_picture_save (picture, path, &recipe, NULL, NULL, NULL));
  g_assert_true (esp_recipe_read (path, &back, NULL));
  g_assert_cmpstr (back, ==, "{\"k\":1}");
  g_assert_cmpint (remove (path), ==, 0);
  g_clear_pointer (&back, g_free);
  g_assert_false (esp_recipe_read (path, &back, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_READ);
  g_assert_cmpint (remove (folder), ==, 0);
}

static void
test_bad_input (void)
{
  g_autofree char *huge = g_strnfill (ESP_RECIPE_MAX_SIZE + 1, 'x');
  const EspRecipe recipes[] = { { .json = NULL },
                                { .json = "" },
                                { .json = huge },
                                { .json = "\xff" },
                                { .json = "{}", .prompt = "\xc3" },
                                { .json = "{}", .software = "\xc3" } };

  for (guint i = 0; i < G_N_ELEMENTS (recipes); i++)
    for (guint k = 0; k < G_N_ELEMENTS (formats); k++)
      {
        g_autoptr (GError) error = NULL;
        g_assert_null (esp_picture_to_bytes (picture, formats[k], &recipes[i], NULL, NULL, &error));
        g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE);
      }
}

/* Cut at many places and with noise: the whole recipe, or an error; never another text silently
 * where a checksum guards it (PNG's compression, extended XMP's digest). */
static void
test_damaged (void)
{
  g_autofree char *large = g_strnfill (150000, 'z');
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  const EspRecipe recipe = { .json = large };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GBytes) bytes
          = esp_picture_to_bytes (picture, formats[i], &recipe, NULL, NULL, NULL);
      gsize size;
      const guint8 *data = g_bytes_get_data (bytes, &size);
      guint refused = 0;

      for (gsize part = 0; part < 200; part++)
        {
          g_autoptr (GBytes) cut = g_bytes_new (data, size * part / 200);
          g_autoptr (GError) error = NULL;
          g_autofree char *back = NULL;

          if (esp_recipe_read_bytes (cut, "cut", &back, &error))
            g_assert_cmpstr (back, ==, large);
          else
            refused++;
          g_assert_true ((back != NULL) != (error != NULL));
        }
      g_assert_cmpuint (refused, >, 0);

      for (int round = 0; round < 300; round++)
        {
          guint8 *copy = g_memdup2 (data, size);
          g_autoptr (GBytes) noisy = g_bytes_new_take (copy, size);
          g_autoptr (GError) error = NULL;
          g_autofree char *back = NULL;

          copy[g_rand_int_range (rand, 12, (int) (round % 2 ? size : MIN (size, 400)))]
              ^= (guint8) g_rand_int_range (rand, 1, 256);
          if (esp_recipe_read_bytes (noisy, "noisy", &back, &error) && formats[i] != ESP_FORMAT_WEBP
              && formats[i] != ESP_FORMAT_TIFF)
            g_assert_cmpstr (back, ==, large);
          g_assert_true ((back != NULL) != (error != NULL));
        }
    }
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  picture = esp_picture_new (9, 7, NULL);
  memset (picture->pixels, 90, 9 * 7 * 3);
  g_test_add_func ("/recipe/texts", test_texts);
  g_test_add_func ("/recipe/sizes", test_sizes);
  g_test_add_func ("/recipe/for-others", test_for_others);
  g_test_add_func ("/recipe/none", test_none);
  g_test_add_func ("/recipe/path", test_path);
  g_test_add_func ("/recipe/bad-input", test_bad_input);
  g_test_add_func ("/recipe/damaged", test_damaged);
  result = g_test_run ();
  esp_picture_unref (picture);
  return result;
}
