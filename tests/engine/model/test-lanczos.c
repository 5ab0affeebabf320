/* SPDX-License-Identifier: MIT */
/* Resizing against Pillow, byte for byte (tests/data/numerics/lanczos.txt, by tools/reference). */
#include "model/lanczos.h"

#include <inttypes.h>
#include <time.h>

#include "check.h"

/* test_picture() of tools/reference/numerics.py: noise, slopes and hard edges in 16-pixel tiles. */
static uint8_t
test_sample (uint32_t x, uint32_t y, uint32_t c)
{
  uint32_t kind = (x / 16 + y / 16) % 3;
  if (kind == 1)
    return (uint8_t) (x * 5 + y * 3 + c * 60);
  if (kind == 2)
    return (uint8_t) (((x / 7 + y / 5 + c) & 1) * 255);
  uint32_t mixed = x * 2654435761u + y * 40503u + c * 974711u;
  mixed ^= mixed >> 15;
  mixed *= 2246822519u;
  return (uint8_t) (mixed >> 13);
}

static EspImage
test_picture (int width, int height)
{
  EspImage image = { malloc ((size_t) width * (size_t) height * 3), width, height };
  uint8_t *sample = image.pixels;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (uint32_t c = 0; c < 3; c++)
        *sample++ = test_sample ((uint32_t) x, (uint32_t) y, c);
  return image;
}

static uint64_t
fnv1a (const uint8_t *bytes, size_t count)
{
  uint64_t value = UINT64_C (0xcbf29ce484222325);
  for (size_t i = 0; i < count; i++)
    value = (value ^ bytes[i]) * UINT64_C (0x100000001b3);
  return value;
}

static void
equals_pillow_byte_for_byte (void)
{
  char path[4096], line[256];
  const char *folder = getenv ("ESP_TEST_DATA");
  snprintf (path, sizeof path, "%s/numerics/lanczos.txt", folder ? folder : "tests/data");
  FILE *file = fopen (path, "r");
  CHECK (file != NULL);
  if (!file)
    return;
  int compared = 0;
  while (fgets (line, sizeof line, file))
    {
      int sw, sh, dw, dh;
      uint64_t wanted;
      if (line[0] == '#')
        continue;
      CHECK (sscanf (line, "%d %d %d %d %" SCNx64, &sw, &sh, &dw, &dh, &wanted) == 5);
      EspImage source = test_picture (sw, sh), result;
      EspError error = ESP_ERROR_INIT;
      CHECK_STATUS (esp_lanczos_resize (&source, dw, dh, &result, &error), ESP_OK, error);
      uint64_t found = fnv1a (result.pixels, (size_t) dw * (size_t) dh * 3);
      if (found != wanted)
        printf ("# %d × %d to %d × %d differs\n", sw, sh, dw, dh);
      CHECK (found == wanted);
      compared++;
      free (source.pixels);
      free (result.pixels);
    }
  printf ("# %d resizes\n", compared);
  CHECK (compared > 100);
  fclose (file);
}

/* Many more rows than the memory between the passes holds: the bands must not show. A picture
 * whose rows are all the same must give rows that are all the same. */
static void
bands_do_not_show (void)
{
  EspImage source = { malloc ((size_t) 600 * 9000 * 3), 600, 9000 }, result;
  for (size_t y = 0; y < 9000; y++)
    for (size_t i = 0; i < 1800; i++)
      source.pixels[y * 1800 + i] = test_sample ((uint32_t) (i / 3), 3, (uint32_t) (i % 3));
  EspError error = ESP_ERROR_INIT;
  CHECK_STATUS (esp_lanczos_resize (&source, 8192, 300, &result, &error), ESP_OK, error);
  size_t row = (size_t) 8192 * 3;
  int different = 0;
  for (size_t y = 1; y < 300; y++)
    different += memcmp (result.pixels, result.pixels + y * row, row) != 0;
  CHECK (different == 0);
  free (source.pixels);
  free (result.pixels);
}

/* The same with the passes swapped, as they are for a picture that gets much lower: rows must come
 * out as from the middle of a picture that fits into one band. */
static void
bands_do_not_show_when_the_vertical_pass_is_first (void)
{
  EspImage source = test_picture (12000, 2001), result, strip = source, part;
  EspError error = ESP_ERROR_INIT;
  for (size_t i = 36000; i < (size_t) 36000 * 2001; i++)
    source.pixels[i] = source.pixels[i - 36000];
  CHECK_STATUS (esp_lanczos_resize (&source, 11999, 1996, &result, &error), ESP_OK, error);
  strip.height = 16;
  CHECK_STATUS (esp_lanczos_resize (&strip, 11999, 11, &part, &error), ESP_OK, error);
  size_t row = (size_t) 11999 * 3;
  int different = 0;
  for (size_t y = 0; y < 1996; y++)
    different += memcmp (result.pixels + y * row, part.pixels + 5 * row, row) != 0;
  CHECK (different == 0);
  free (source.pixels);
  free (result.pixels);
  free (part.pixels);
}

static void
a_24_megapixel_photo_is_quick (void)
{
  EspImage source = test_picture (6000, 4000), result;
  EspError error = ESP_ERROR_INIT;
  struct timespec begin, end;
  clock_gettime (CLOCK_MONOTONIC, &begin);
  CHECK_STATUS (esp_lanczos_resize (&source, 1248, 832, &result, &error), ESP_OK, error);
  clock_gettime (CLOCK_MONOTONIC, &end);
  double seconds
      = (double) (end.tv_sec - begin.tv_sec) + 1e-9 * (double) (end.tv_nsec - begin.tv_nsec);
  printf ("# 24 MP to 1 MP: %.3f s\n", seconds);
  CHECK (seconds
         < 10); /* only that nothing is quadratic: the machine may be busy or instrumented */
  free (source.pixels);
  free (result.pixels);
}

static void
empty_pictures_and_targets_are_refused (void)
{
  uint8_t pixel[3] = { 1, 2, 3 };
  const struct
  {
    EspImage source;
    int width, height;
  } bad[] = {
    { { NULL, 1, 1 }, 4, 4 },  { { pixel, 0, 1 }, 4, 4 },  { { pixel, 1, -1 }, 4, 4 },
    { { pixel, 1, 1 }, 0, 4 }, { { pixel, 1, 1 }, 4, -4 },
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    {
      EspImage result = { pixel, 9, 9 };
      EspError error = ESP_ERROR_INIT;
      CHECK_STATUS (
          esp_lanczos_resize (&bad[i].source, bad[i].width, bad[i].height, &result, &error),
          ESP_ERROR_ARGUMENT, error);
      CHECK_MESSAGE (error, "resize");
      CHECK (result.pixels == NULL);
    }
}

int
main (void)
{
  CASE (equals_pillow_byte_for_byte);
  CASE (bands_do_not_show);
  CASE (bands_do_not_show_when_the_vertical_pass_is_first);
  CASE (a_24_megapixel_photo_is_quick);
  CASE (empty_pictures_and_targets_are_refused);
  return check_done ();
}
