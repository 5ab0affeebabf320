/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"
#include "files/ppm.h"
#include "scratch.h"

#define PIXELS "abcdefghijklmnopqr" /* 3 × 2 */

static void
a_written_picture_comes_back (void)
{
  uint8_t pixels[7 * 5 * 3];
  const EspImage image = { pixels, 7, 5 };
  const char *path = scratch_path ("round.ppm");
  EspImage back;
  EspError error = ESP_ERROR_INIT;

  for (size_t i = 0; i < sizeof pixels; i++)
    pixels[i] = (uint8_t) (i * 91);
  CHECK_STATUS (esp_ppm_write (path, &image, &error), ESP_OK, error);
  CHECK_STATUS (esp_ppm_read (path, 35, &back, &error), ESP_OK, error);
  CHECK (back.width == 7 && back.height == 5);
  CHECK (back.pixels != NULL && memcmp (back.pixels, pixels, sizeof pixels) == 0);
  free (back.pixels);
  CHECK_STATUS (esp_ppm_read (path, 34, &back, &error), ESP_ERROR_MEMORY, error);
  CHECK_MESSAGE (error, "round.ppm");
  CHECK (back.pixels == NULL && back.width == 0);
}

static void
headers_may_have_comments_and_any_white_space (void)
{
  static const char *const headers[]
      = { "P6\n3 2\n255\n", "P6 3 2 255 ", "P6#c\n#d 9 9\r3#x\n2\t\v\f\r255\n",
          "P6\n# made by nobody\n003 2\n# more\n255\n" };

  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
    {
      char text[200];
      EspImage image;
      EspError error = ESP_ERROR_INIT;

      snprintf (text, sizeof text, "%s" PIXELS, headers[i]);
      CHECK_STATUS (esp_ppm_read (scratch_write_text ("good.ppm", text), 100, &image, &error),
                    ESP_OK, error);
      CHECK (image.width == 3 && image.height == 2);
      CHECK (image.pixels != NULL && memcmp (image.pixels, PIXELS, 18) == 0);
      free (image.pixels);
    }
}

static void
files_that_lie_are_refused (void)
{
  static const struct
  {
    const char *text;
    EspStatus status;
  } cases[] = {
    { "", ESP_ERROR_FORMAT },
    { "P", ESP_ERROR_FORMAT },
    { "P6", ESP_ERROR_FORMAT },
    { "P63 2 255 " PIXELS, ESP_ERROR_FORMAT },
    { "GIF89a", ESP_ERROR_FORMAT },
    { "P6\n", ESP_ERROR_FORMAT },
    { "P6\n3", ESP_ERROR_FORMAT },
    { "P6\n3 2\n", ESP_ERROR_FORMAT },
    { "P6\n3 2\n255", ESP_ERROR_FORMAT },
    { "P6\n3 2\n255\n", ESP_ERROR_FORMAT },
    { "P6\n3 2\n255\nabcdefghijklmnopq", ESP_ERROR_FORMAT }, /* one byte short */
    { "P6\n3 2\n255" PIXELS, ESP_ERROR_FORMAT },
    { "P6\n-3 2\n255\n" PIXELS, ESP_ERROR_FORMAT },
    { "P6\n3.5 2\n255\n" PIXELS, ESP_ERROR_FORMAT },
    { "P6\n0 2\n255\n" PIXELS, ESP_ERROR_FORMAT },
    { "P6\n3 0\n255\n" PIXELS, ESP_ERROR_FORMAT },
    { "P6\n99999999999999999999 2\n255\n", ESP_ERROR_FORMAT },
    { "P6\n2147483648 1\n255\n", ESP_ERROR_FORMAT },
    { "P6\n# a comment without end", ESP_ERROR_FORMAT },
    { "P6\n40000 40000\n255\n" PIXELS, ESP_ERROR_MEMORY },
    { "P6\n2147483647 2147483647\n255\n", ESP_ERROR_MEMORY },
    { "P6\n3 2\n65535\n" PIXELS PIXELS, ESP_ERROR_UNSUPPORTED },
    { "P6\n3 2\n0\n" PIXELS, ESP_ERROR_UNSUPPORTED },
    { "P5\n3 2\n255\n" PIXELS, ESP_ERROR_UNSUPPORTED },
    { "P3\n1 1\n255\n1 2 3\n", ESP_ERROR_UNSUPPORTED },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      EspImage image;
      EspError error = ESP_ERROR_INIT;

      CHECK_STATUS (
          esp_ppm_read (scratch_write_text ("lie.ppm", cases[i].text), 64 << 20, &image, &error),
          cases[i].status, error);
      CHECK (image.pixels == NULL);
      CHECK_MESSAGE (error, "lie.ppm");
    }
}

/* Without a limit of the caller's the file's size is the limit. */
static void
nothing_is_allocated_for_pixels_that_are_not_there (void)
{
  EspImage image;
  EspError error = ESP_ERROR_INIT;
  const char *path = scratch_write_text ("huge.ppm", "P6\n2147483647 2147483647\n255\n");

  CHECK_STATUS (esp_ppm_read (path, INT64_MAX, &image, &error), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "cut short");
}

static void
what_is_no_file_is_refused (void)
{
  const char *pipe = scratch_path ("pipe.ppm");
  EspImage image;
  EspError error = ESP_ERROR_INIT;

  CHECK (mkfifo (pipe, 0600) == 0);
  CHECK_STATUS (esp_ppm_read (pipe, 100, &image, &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "pipe.ppm");
  CHECK_STATUS (esp_ppm_read (scratch_path ("."), 100, &image, &error), ESP_ERROR_FILE, error);
  CHECK_STATUS (esp_ppm_read (scratch_path ("none.ppm"), 100, &image, &error), ESP_ERROR_FILE,
                error);
  CHECK_MESSAGE (error, "none.ppm");
}

static void
a_failed_write_leaves_the_old_file (void)
{
  static uint8_t pixels[100 * 100 * 3];
  const EspImage image = { pixels, 100, 100 }, empty = { pixels, 0, 5 };
  const char *path = scratch_write_text ("old.ppm", "P6 3 2 255 " PIXELS);
  const int files = scratch_count_files ();
  struct rlimit limit, small;
  EspImage back;
  EspError error = ESP_ERROR_INIT;
  EspStatus status;

  CHECK_STATUS (esp_ppm_write (path, &empty, &error), ESP_ERROR_ARGUMENT, error);
  signal (SIGXFSZ, SIG_IGN);
  getrlimit (RLIMIT_FSIZE, &limit);
  small = limit;
  small.rlim_cur = 5000;
  CHECK (setrlimit (RLIMIT_FSIZE, &small) == 0);
  status = esp_ppm_write (path, &image, &error);
  setrlimit (RLIMIT_FSIZE, &limit);
  CHECK_STATUS (status, ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "old.ppm");
  CHECK (scratch_count_files () == files);
  CHECK_STATUS (esp_ppm_read (path, 100, &back, &error), ESP_OK, error);
  free (back.pixels);
}

int
main (void)
{
  scratch_open ();
  CASE (a_written_picture_comes_back);
  CASE (headers_may_have_comments_and_any_white_space);
  CASE (files_that_lie_are_refused);
  CASE (nothing_is_allocated_for_pixels_that_are_not_there);
  CASE (what_is_no_file_is_refused);
  CASE (a_failed_write_leaves_the_old_file);
  scratch_close ();
  return check_done ();
}
