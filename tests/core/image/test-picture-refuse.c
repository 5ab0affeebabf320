/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that must be refused: each with one line that names the file and says why, at once, and
 * without memory for what a header claims. */
#include "esp-picture.h"

#include <fcntl.h>
#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The address sanitizer's own memory would hide what the memory checks look for. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature (address_sanitizer)
#else
#define SANITIZED 0
#endif

static char *folder;

static char *
write_file (const char *name, const void *data, gsize size)
{
  char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  return path;
}

static void
put_32 (guint8 *p, guint32 value, gboolean big)
{
  for (int i = 0; i < 4; i++)
    p[i] = (guint8) (value >> (big ? 24 - 8 * i : 8 * i));
}

/* Loads and expects a failure with this code whose message names the file and contains `word`. */
static void
assert_refused (const char *path, int code, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_path_get_basename (path);
  const gint64 start = g_get_monotonic_time ();
  EspPicture *picture = esp_picture_load (path, NULL, NULL, &error);

  g_assert_null (picture);
  g_assert_error (error, ESP_IMAGE_ERROR, code);
  g_test_message ("%s", error->message);
  if (strstr (error->message, name) == NULL || strstr (error->message, word) == NULL
      || strchr (error->message, '\n') != NULL)
    g_error ("“%s” does not name %s or does not say “%s”", error->message, name, word);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 2 * G_USEC_PER_SEC);
}

static void
test_no_file (void)
{
  g_autofree char *missing = g_build_filename (folder, "missing.png", NULL);
  g_autofree char *fifo = g_build_filename (folder, "fifo.png", NULL);
  g_autofree char *empty = write_file ("empty.png", "", 0);
  g_autofree char *text = write_file ("text.png", "This is no picture, only a line.\n", 33);
  g_autofree char *tiny = write_file ("tiny.png", "\x89", 1);
  g_autofree char *svg = write_file ("drawing.svg", "<svg width=\"9\" height=\"9\"/>      ", 32);

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_refused (missing, ESP_IMAGE_ERROR_READ, "No such file");
  assert_refused (folder, ESP_IMAGE_ERROR_READ, "folder");
  assert_refused (fifo, ESP_IMAGE_ERROR_READ, "regular");
  assert_refused ("/dev/zero", ESP_IMAGE_ERROR_READ, "regular");
  assert_refused (empty, ESP_IMAGE_ERROR_READ, "empty");
  assert_refused (text, ESP_IMAGE_ERROR_UNSUPPORTED, "not a picture");
  assert_refused (tiny, ESP_IMAGE_ERROR_UNSUPPORTED, "not a picture");
  assert_refused (svg, ESP_IMAGE_ERROR_UNSUPPORTED, "not a picture");
}

static void
test_unreadable (void)
{
  g_autofree char *path = write_file ("secret.png", "x", 1);

  if (geteuid () == 0)
    {
      g_test_skip ("root reads every file");
      return;
    }
  g_assert_cmpint (g_chmod (path, 0), ==, 0);
  assert_refused (path, ESP_IMAGE_ERROR_READ, "ermission");
}

static void
test_file_size (void)
{
  g_autofree char *path = write_file ("sparse.png", "\x89PNG\r\n\x1a\n", 8);

  if (truncate (path, ((off_t) 1 << 30) + 1) != 0)
    {
      g_test_skip ("no sparse files here");
      return;
    }
  assert_refused (path, ESP_IMAGE_ERROR_TOO_LARGE, "1 GiB");
  /* Large, permitted, but nothing that is known: refused by its first bytes. */
  g_assert_cmpint (truncate (path, 0), ==, 0);
  g_assert_cmpint (truncate (path, (off_t) 1 << 30), ==, 0);
  assert_refused (path, ESP_IMAGE_ERROR_UNSUPPORTED, "not a picture");
}

static char *
write_png_header (const char *name, guint32 width, guint32 height)
{
  guint8 data[60] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
  guint32 crc = 0xffffffff;

  put_32 (data + 16, width, TRUE);
  put_32 (data + 20, height, TRUE);
  data[24] = 8;
  data[25] = 2;
  for (int i = 12; i < 29; i++)
    {
      crc ^= data[i];
      for (int k = 0; k < 8; k++)
        crc = crc >> 1 ^ ((crc & 1) ? 0xedb88320 : 0);
    }
  put_32 (data + 29, ~crc, TRUE);
  return write_file (name, data, sizeof data);
}

/* 40,000 × 40,000 in every format that can say so, and sizes inside the limits with nothing behind.
 */
static void
test_pixels (void)
{
  static const guint8 gif[] = "GIF89a\x40\x9c\x40\x9c\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0";
  static const guint8 jpeg[]
      = "\xff\xd8\xff\xc0\0\x11\x08\x9c\x40\x9c\x40\x03\x01\x11\0\x02\x11\x01"
        "\x03\x11\x01\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0";
  static const guint8 tiff[] = "II*\0\x08\0\0\0\x05\0\0\x01\x04\0\x01\0\0\0\x40\x9c\0\0"
                               "\x01\x01\x04\0\x01\0\0\0\x40\x9c\0\0"
                               "\x06\x01\x03\0\x01\0\0\0\x01\0\0\0"
                               "\x11\x01\x04\0\x01\0\0\0\x08\0\0\0"
                               "\x17\x01\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0";
  static const guint8 heif[] = "\0\0\0\x18"
                               "ftypavif\0\0\0\0avifmif1\0\0\0\x14ispe\0\0\0\0\0\0\x9c\x40"
                               "\0\0\x9c\x40\0\0\0\0\0\0\0\0";
  guint8 bmp[64] = "BM";
  g_autofree char *png = write_png_header ("huge.png", 40000, 40000);
  g_autofree char *none = write_png_header ("none.png", 0, 5);
  g_autofree char *lie = write_png_header ("lie.png", 16384, 16384);
  g_autofree char *area = write_png_header ("area.png", 16385, 16385);
  g_autofree char *gif_path = write_file ("huge.gif", gif, sizeof gif);
  g_autofree char *jpeg_path = write_file ("huge.jpg", jpeg, sizeof jpeg);
  g_autofree char *tiff_path = write_file ("huge.tif", tiff, sizeof tiff);
  g_autofree char *heif_path = write_file ("huge.avif", heif, sizeof heif);
  g_autofree char *bmp_path = NULL;
  g_autofree char *ppm = write_file ("huge.ppm", "P6\n40000 40000\n255\n", 19);
  struct rusage usage;

  bmp[14] = 40;
  put_32 (bmp + 18, 40000, FALSE);
  put_32 (bmp + 22, (guint32) -40000, FALSE);
  bmp_path = write_file ("huge.bmp", bmp, sizeof bmp);

  assert_refused (png, ESP_IMAGE_ERROR_TOO_LARGE, "40000 × 40000");
  assert_refused (gif_path, ESP_IMAGE_ERROR_TOO_LARGE, "40000 × 40000");
  assert_refused (jpeg_path, ESP_IMAGE_ERROR_TOO_LARGE, "40000 × 40000");
  assert_refused (tiff_path, ESP_IMAGE_ERROR_TOO_LARGE, "40000 × 40000");
  assert_refused (heif_path, ESP_IMAGE_ERROR_TOO_LARGE, "40000 × 40000");
  assert_refused (bmp_path, ESP_IMAGE_ERROR_TOO_LARGE, "40000 × 40000");
  assert_refused (ppm, ESP_IMAGE_ERROR_TOO_LARGE, "40000 × 40000");
  assert_refused (area, ESP_IMAGE_ERROR_TOO_LARGE, "16385 × 16385");
  assert_refused (none, ESP_IMAGE_ERROR_DAMAGED, "no pixels");
  assert_refused (lie, ESP_IMAGE_ERROR_DAMAGED, "");

  g_assert_cmpint (getrusage (RUSAGE_SELF, &usage), ==, 0);
  if (!SANITIZED)
    g_assert_cmpint (usage.ru_maxrss, <, 200 * 1024); /* KiB, shared libraries included */
}

/* Pictures whose header claims 16,384 × 16,384 pixels, which is within the limits, with data for a
 * few: refused as soon as the data ends, without the memory for the rest. */
static void
test_lies (void)
{
  static const guint8 gif[] = "GIF89a\0\x40\0\x40\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\0\x40\0\x40\0"
                              "\x02\x02\x44\x01\0;";
  static const char *jpegs[] = { "plain.jpg", "progressive.jpg" };
  g_autofree char *gif_path = write_file ("lie.gif", gif, sizeof gif - 1);
  struct rusage usage;

  assert_refused (gif_path, ESP_IMAGE_ERROR_DAMAGED, "early");
  for (guint i = 0; i < G_N_ELEMENTS (jpegs); i++)
    {
      g_autofree char *path
          = g_build_filename (g_getenv ("ESP_TEST_DATA"), "images", jpegs[i], NULL);
      g_autofree char *data = NULL;
      g_autofree char *lie = NULL;
      gsize size = 0;
      gsize at = 2;

      g_assert_true (g_file_get_contents (path, &data, &size, NULL));
      while ((guint8) data[at + 1] != 0xc0 && (guint8) data[at + 1] != 0xc2) /* frame headers */
        {
          at += 2 + ((gsize) (guint8) data[at + 2] << 8) + (guint8) data[at + 3];
          g_assert_cmpuint (at + 9, <, size);
        }
      memcpy (data + at + 5, "\x40\0\x40\0", 4);
      lie = write_file (jpegs[i], data, size);
      assert_refused (lie, ESP_IMAGE_ERROR_DAMAGED, "");
    }
  g_assert_cmpint (getrusage (RUSAGE_SELF, &usage), ==, 0);
  if (!SANITIZED)
    g_assert_cmpint (usage.ru_maxrss, <, 200 * 1024);
}

static gboolean
has_loader (const char *mime_type)
{
  g_autoptr (GdkPixbufLoader) loader = gdk_pixbuf_loader_new_with_mime_type (mime_type, NULL);

  if (loader != NULL)
    gdk_pixbuf_loader_close (loader, NULL);
  return loader != NULL;
}

static void
test_no_loader (void)
{
  static const guint8 jxl[] = "\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14"
                              "ftypjxl ";
  static const guint8 heic[] = "\0\0\0\x18"
                               "ftypheic\0\0\0\0mif1heic\0\0\0\0";
  g_autofree char *jxl_path = write_file ("photo.jxl", jxl, sizeof jxl);
  g_autofree char *heic_path = write_file ("photo.heic", heic, sizeof heic);
  g_autofree char *avif_path
      = g_build_filename (g_getenv ("ESP_TEST_DATA"), "images", "no-loader.avif", NULL);

  if (has_loader ("image/avif"))
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EspPicture) picture = esp_picture_load (avif_path, NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (picture->width, ==, 22);
    }
  else
    assert_refused (avif_path, ESP_IMAGE_ERROR_UNSUPPORTED, "libavif-gdk-pixbuf");
  if (has_loader ("image/heif"))
    assert_refused (heic_path, ESP_IMAGE_ERROR_DAMAGED, "");
  else
    assert_refused (heic_path, ESP_IMAGE_ERROR_UNSUPPORTED, "heif-gdk-pixbuf");
  if (has_loader ("image/jxl"))
    assert_refused (jxl_path, ESP_IMAGE_ERROR_DAMAGED, "");
  else
    assert_refused (jxl_path, ESP_IMAGE_ERROR_UNSUPPORTED, "libjxl-gdk-pixbuf");
}

static void
test_ppm (void)
{
  static const struct
  {
    const char *data;
    int code;
    const char *word;
  } cases[] = {
    { "P6\n2 2\n255\n12345678901", ESP_IMAGE_ERROR_DAMAGED, "early" },
    { "P6\n2 2\n65535\n123456789012", ESP_IMAGE_ERROR_UNSUPPORTED, "255" },
    { "P6\n2 x\n255\n123456789012", ESP_IMAGE_ERROR_DAMAGED, "header" },
    { "P6\n0 2\n255\n", ESP_IMAGE_ERROR_DAMAGED, "no pixels" },
    { "P6\n99999999999999999999 2\n255\n", ESP_IMAGE_ERROR_TOO_LARGE, "too large" },
    { "P6\n", ESP_IMAGE_ERROR_DAMAGED, "header" },
    { "P6 2 2 255", ESP_IMAGE_ERROR_DAMAGED, "early" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = write_file ("case.ppm", cases[i].data, strlen (cases[i].data));
      g_autoptr (GError) error = NULL;

      assert_refused (path, cases[i].code, cases[i].word);
      g_assert_null (esp_picture_load_ppm (path, &error));
      g_assert_error (error, ESP_IMAGE_ERROR, cases[i].code);
    }
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("espalier-refuse-XXXXXX", NULL);
  g_assert_nonnull (folder);
  g_test_add_func ("/picture/refuse/pixels", test_pixels); /* first: it looks at peak memory */
  g_test_add_func ("/picture/refuse/lies", test_lies);
  g_test_add_func ("/picture/refuse/no-file", test_no_file);
  g_test_add_func ("/picture/refuse/unreadable", test_unreadable);
  g_test_add_func ("/picture/refuse/file-size", test_file_size);
  g_test_add_func ("/picture/refuse/no-loader", test_no_loader);
  g_test_add_func ("/picture/refuse/ppm", test_ppm);
  result = g_test_run ();

  {
    g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name (dir)) != NULL)
      {
        g_autofree char *path = g_build_filename (folder, name, NULL);
        g_unlink (path);
      }
    g_rmdir (folder);
    g_free (folder);
  }
  return result;
}
