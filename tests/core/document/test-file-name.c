/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of files made of what people wrote, and kinds of images by their first bytes. */
#include "esp-file-name.h"

static void
test_names (void)
{
  static const struct
  {
    const char *text;
    gsize max;
    const char *name;
  } cases[] = {
    { "plain", 100, "plain" },
    { "a/b\\c:d*e?f\"g<h>i|j", 100, "a b c d e f g h i j" },
    { "  two\n\tlines  ", 100, "two lines" },
    { "../../etc/passwd", 100, "etc passwd" },
    { "-rf", 100, "rf" },
    { "trailing. . .", 100, "trailing" },
    { "con", 100, "con_" },
    { "LPT1", 100, "LPT1_" },
    { "photo\342\200\256gpj.exe", 100, "photo gpj.exe" },
    { "gr\303\266\303\237er", 4, "gr\303\266" },
    { "gr\303\266\303\237er", 3, "gr" },
    { "e\314\201e\314\201", 4, "e\314\201" },
    { "...", 100, "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = esp_file_name_clean (cases[i].text, cases[i].max);

      g_assert_cmpstr (name, ==, cases[i].name);
    }
}

static void
test_kinds (void)
{
  static const struct
  {
    const char *bytes;
    gsize length;
    const char *media_type;
    const char *extension;
  } cases[] = {
    { "\211PNG\r\n\032\n...", 11, "image/png", ".png" },
    { "\377\330\377\341..", 6, "image/jpeg", ".jpg" },
    { "RIFF....WEBPVP8 ", 16, "image/webp", ".webp" },
    { "RIFF....WAVEfmt ", 16, "application/octet-stream", NULL },
    { "II*\0....", 8, "image/tiff", ".tiff" },
    { "MM\0*....", 8, "image/tiff", ".tiff" },
    { "GIF89a", 6, "image/gif", ".gif" },
    { "\0\0\0\040ftypavif", 12, "image/avif", ".avif" },
    { "\0\0\0\040ftypheic", 12, "image/heif", ".heif" },
    { "\377\012", 2, "image/jxl", ".jxl" },
    { "BM", 2, "image/bmp", ".bmp" },
    { "P6\n1 1", 6, "image/x-portable-pixmap", ".ppm" },
    { "\211PNG", 4, "application/octet-stream", NULL },
    { "", 0, "application/octet-stream", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_static (cases[i].bytes, cases[i].length);
      const char *media_type = esp_media_type_sniff (bytes);

      g_assert_cmpstr (media_type, ==, cases[i].media_type);
      g_assert_cmpstr (esp_media_type_get_extension (media_type), ==, cases[i].extension);
    }
  g_assert_null (esp_media_type_get_extension (NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/document/file-name/names", test_names);
  g_test_add_func ("/document/file-name/kinds", test_kinds);
  return g_test_run ();
}
