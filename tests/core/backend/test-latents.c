/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Latents in a document: the numbers come back as half precision has them, small, and bytes that
 * are none, or lie, are refused before anything is made of them. */
#include "esp-latents.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define HASH "00112233445566778899aabbccddeeff0123456789abcdefcafe0badf00d5eed"

static char *scratch;

/* About normal, as latents are: the sum of twelve. */
static float *
make_values (guint32 seed, gsize count)
{
  float *values = g_new (float, count);
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < count; i++)
    {
      double sum = -6;

      for (int j = 0; j < 12; j++)
        sum += g_rand_double (random);
      values[i] = (float) (sum * 1.2);
    }
  return values;
}

static void
there_and_back (void)
{
  static const int sizes[][3] = { { 16, 16, 64 }, { 48, 16, 4 }, { 256, 128, 64 } };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      int width = sizes[i][0], height = sizes[i][1], channels = 0, w, h;
      gsize count = (gsize) (width / 16) * (gsize) (height / 16) * (gsize) sizes[i][2];
      g_autofree float *values = make_values (7, count), *again = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) latents
          = esp_latents_new (values, width, height, sizes[i][2], HASH, &error);
      g_autofree char *hash = NULL;

      g_assert_no_error (error);
      g_assert_true (esp_latents_get_size (latents, &w, &h));
      g_assert_cmpint (w, ==, width);
      g_assert_cmpint (h, ==, height);
      hash = esp_latents_dup_model_hash (latents);
      g_assert_cmpstr (hash, ==, HASH);
      again = esp_latents_unpack (latents, &channels, &error);
      g_assert_no_error (error);
      g_assert_cmpint (channels, ==, sizes[i][2]);
      for (gsize j = 0; j < count; j++)
        g_assert_cmpfloat (fabsf (again[j] - values[j]), <=, fabsf (values[j]) * 0x1p-11f + 1e-7f);
    }
}

/* What a half has exactly comes back exactly, subnormal ones and the largest included; and what
 * lies between two goes to the even one. */
static void
halves (void)
{
  static const float exact[] = { 0.0f,     -0.0f, 1,      -1,   0x1p-24f,       -0x3ffp-24f,
                                 0x1p-14f, 65504, -65504, 1.5f, 0.333251953125f };
  static const float between[][2] = { { 1 + 0x1p-11f, 1 },
                                      { 1 + 0x3p-11f, 1 + 0x1p-9f },
                                      { 0x1p-25f, 0 },
                                      { 0x3p-25f, 0x1p-23f },
                                      { 0x1.ffep-15f + 0x1p-25f, 0x1p-14f } };
  float values[16] = { 0 };
  g_autofree float *again = NULL;
  g_autoptr (GBytes) latents = NULL;

  memcpy (values, exact, sizeof exact);
  for (gsize i = 0; i < G_N_ELEMENTS (between); i++)
    values[G_N_ELEMENTS (exact) + i] = between[i][0];
  latents = esp_latents_new (values, 16, 16, 16, HASH, NULL);
  again = esp_latents_unpack (latents, NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (exact); i++)
    g_assert_cmpmem (&again[i], sizeof (float), &exact[i], sizeof (float));
  for (gsize i = 0; i < G_N_ELEMENTS (between); i++)
    g_assert_cmpfloat (again[G_N_ELEMENTS (exact) + i], ==, between[i][1]);
}

static void
a_megapixel_is_small (void)
{
  gsize count = 64 * 64 * 64;
  g_autofree float *values = make_values (3, count);
  g_autoptr (GBytes) latents = esp_latents_new (values, 1024, 1024, 64, HASH, NULL);

  g_test_message ("1024 × 1024: %" G_GSIZE_FORMAT " bytes", g_bytes_get_size (latents));
  g_assert_cmpuint (g_bytes_get_size (latents), <, 500000);
}

static void
impossible_ones_are_not_made (void)
{
  float values[64] = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_null (esp_latents_new (values, 17, 16, 4, HASH, &error));
  g_assert_error (error, ESP_LATENTS_ERROR, ESP_LATENTS_ERROR_DAMAGED);
  g_clear_error (&error);
  g_assert_null (esp_latents_new (values, 0, 16, 4, HASH, NULL));
  g_assert_null (esp_latents_new (values, 16, 16, 0, HASH, NULL));
  g_assert_null (esp_latents_new (values, 16, 16, 257, HASH, NULL));
  g_assert_null (esp_latents_new (values, 16, 8208, 4, HASH, NULL));
  g_assert_null (esp_latents_new (values, 16, 16, 4, "abc", NULL));
  g_assert_null (esp_latents_new (values, 16, 16, 4, NULL, NULL));
  values[5] = NAN;
  g_assert_null (esp_latents_new (values, 16, 16, 64, HASH, &error));
  g_assert_error (error, ESP_LATENTS_ERROR, ESP_LATENTS_ERROR_NUMBERS);
  values[5] = 70000;
  g_assert_null (esp_latents_new (values, 16, 16, 64, HASH, NULL));
}

static gboolean
unpacks (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autofree float *values = esp_latents_unpack (bytes, NULL, &error);

  g_assert_true ((values == NULL) == (error != NULL));
  return values != NULL;
}

/* Any byte may be another, any end missing: it is refused, or it is numbers; never more. */
static void
hostile_bytes (void)
{
  g_autofree float *values = make_values (5, 2 * 3 * 16);
  g_autoptr (GBytes) latents = esp_latents_new (values, 32, 48, 16, HASH, NULL);
  gsize size;
  const guint8 *data = g_bytes_get_data (latents, &size);
  g_autofree guint8 *changed = g_malloc (size + 1);
  static const guint8 vast[] = { 0, 2, 0, 2, 0, 1 };
  g_autoptr (GBytes) bomb = NULL;
  int width = 1, height = 1;

  for (gsize length = 0; length < size; length++)
    g_assert_false (unpacks (data, length));
  for (gsize i = 0; i < size; i++)
    {
      gboolean is_hash = i >= 16 && i < 48;

      memcpy (changed, data, size);
      changed[i] ^= 0x15;
      g_assert_cmpint (unpacks (changed, size), ==, is_hash);
    }
  memcpy (changed, data, size);
  changed[size] = 0;
  /* A tail that nobody reads hides nothing, but is none of ours either. */
  unpacks (changed, size + 1);

  /* 8192 × 8192 × 256 in a few bytes: not even looked at. */
  memcpy (changed, data, size);
  memcpy (changed + 10, vast, sizeof vast);
  bomb = g_bytes_new (changed, size);
  g_assert_false (esp_latents_get_size (bomb, &width, &height));
  g_assert_cmpint (width + height, ==, 0);
  g_assert_false (unpacks (changed, size));
  g_assert_null (esp_latents_dup_model_hash (bomb));
}

/* Infinity is a half, too: never handed to the engine. */
static void
numbers_that_are_none (void)
{
  guint8 plain[2 * 64];
  g_autoptr (GConverter) zlib
      = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 6));
  float zero[64] = { 0 };
  g_autoptr (GBytes) good = esp_latents_new (zero, 16, 16, 64, HASH, NULL), bytes = NULL;
  guint8 file[512];
  gsize read, written;
  g_autoptr (GError) error = NULL;
  g_autofree float *values = NULL;

  memset (plain, 0, sizeof plain);
  plain[64 + 63] = 0x7c;
  memcpy (file, g_bytes_get_data (good, NULL), 48);
  g_assert_cmpint (g_converter_convert (zlib, plain, sizeof plain, file + 48, sizeof file - 48,
                                        G_CONVERTER_INPUT_AT_END, &read, &written, NULL),
                   ==, G_CONVERTER_FINISHED);
  bytes = g_bytes_new (file, 48 + written);
  values = esp_latents_unpack (bytes, NULL, &error);
  g_assert_error (error, ESP_LATENTS_ERROR, ESP_LATENTS_ERROR_NUMBERS);
  g_assert_null (values);
}

static void
files_of_the_worker (void)
{
  g_autofree char *path = g_build_filename (scratch, "latents.safetensors", NULL), *text = NULL;
  g_autofree float *values = make_values (9, 4 * 2 * 64);
  g_autoptr (GBytes) latents = esp_latents_new (values, 64, 32, 64, HASH, NULL), again = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_assert_true (esp_latents_save (latents, path, &error));
  g_assert_no_error (error);
  again = esp_latents_load (path, 64, 32, HASH, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (latents, again));

  /* Of another picture; cut off; without its header; with one that lies; not there. */
  g_assert_null (esp_latents_load (path, 64, 48, HASH, &error));
  g_assert_error (error, ESP_LATENTS_ERROR, ESP_LATENTS_ERROR_DAMAGED);
  g_clear_error (&error);
  g_assert_null (esp_latents_load (path, 32, 16, HASH, NULL));
  g_assert_true (g_file_get_contents (path, &text, &size, NULL));
  for (gsize length = 0; length < size; length += length < 200 ? 1 : 97)
    {
      g_assert_true (g_file_set_contents (path, text, (gssize) length, NULL));
      g_assert_null (esp_latents_load (path, 64, 32, HASH, NULL));
    }
  for (gsize i = 0; i < 100; i++)
    {
      text[i] ^= 0x11;
      g_assert_true (g_file_set_contents (path, text, (gssize) size, NULL));
      g_clear_pointer (&again, g_bytes_unref);
      again = esp_latents_load (path, 64, 32, HASH, NULL);
      text[i] ^= 0x11;
    }
  g_unlink (path);
  g_assert_null (esp_latents_load (path, 64, 32, HASH, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  scratch = g_dir_make_tmp ("espalier-test-latents-XXXXXX", NULL);
  g_test_add_func ("/latents/there-and-back", there_and_back);
  g_test_add_func ("/latents/halves", halves);
  g_test_add_func ("/latents/a-megapixel-is-small", a_megapixel_is_small);
  g_test_add_func ("/latents/impossible", impossible_ones_are_not_made);
  g_test_add_func ("/latents/hostile-bytes", hostile_bytes);
  g_test_add_func ("/latents/numbers-that-are-none", numbers_that_are_none);
  g_test_add_func ("/latents/files-of-the-worker", files_of_the_worker);
  result = g_test_run ();
  g_rmdir (scratch);
  g_free (scratch);
  return result;
}
