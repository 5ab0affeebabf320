/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-decoder.c: what it costs that pictures are read in processes of their own: the same file in
 * this process and through espalier-decoder, by the clock (the least and the middle of many times)
 * and by the processor (of all processes, the mean), which says more where others want it, too.
 *
 *   bench-decoder [TIMES]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "esp-decode.h"
#include "esp-decoder-private.h"

/* A picture with what a photo has: slopes, edges and grain. */
static EspPicture *
make_photo (int width, int height)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);
  guint32 grain = 1;

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++)
        {
          const double wave = sin (x * 0.013 + c) * cos (y * 0.017 - c) + ((x / 97 + y / 61) & 1);

          grain = grain * 1664525 + 1013904223;
          picture->pixels[((gsize) y * (gsize) width + (gsize) x) * 3 + (gsize) c]
              = (guint8) CLAMP (100 + 50 * wave + (grain >> 28), 0, 255);
        }
  return picture;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

typedef struct
{
  double least, middle, processor; /* ms */
} Times;

/* Of this process, the decoder and all that it has forked, ms. */
static double
processor_time (void)
{
  const int pid = _esp_decoder_get_pid (_esp_decoder_get ());
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *text = NULL;
  struct timespec own;
  double ticks = 0;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &own);
  if (pid != 0 && g_file_get_contents (path, &text, NULL, NULL))
    {
      /* proc(5): behind the name in brackets utime, stime, cutime and cstime are 12th to 15th. */
      g_auto (GStrv) fields = g_strsplit (strrchr (text, ')') + 2, " ", -1);

      for (int i = 11; i <= 14; i++)
        ticks += g_ascii_strtod (fields[i], NULL);
    }
  return (double) own.tv_sec * 1e3 + (double) own.tv_nsec / 1e6
         + ticks * 1e3 / (double) sysconf (_SC_CLK_TCK);
}

static Times
measure (GBytes *bytes, gboolean apart, int n)
{
  g_autofree double *times = g_new (double, n);
  const double before = processor_time ();
  double processor;

  for (int i = 0; i < n; i++)
    {
      const gint64 start = g_get_monotonic_time ();
      g_autoptr (GError) error = NULL;
      EspPicture *picture = apart ? esp_picture_load_bytes (bytes, "it", NULL, NULL, &error)
                                  : esp_decode_picture (bytes, "it", -1, NULL, NULL, &error);
      volatile guint sum = 0;

      if (picture == NULL)
        g_error ("%s", error->message);
      /* Pages count that are only there when they are looked at. */
      for (gsize at = 0; at < (gsize) picture->width * (gsize) picture->height * 3; at += 4096)
        sum += picture->pixels[at];
      times[i] = (double) (g_get_monotonic_time () - start) / 1000;
      esp_picture_unref (picture);
    }
  g_usleep (20000); /* until the last is reaped, too */
  processor = (processor_time () - before) / n;
  qsort (times, (gsize) n, sizeof times[0], compare);
  return (Times){ times[0], times[n / 2], processor };
}

static void
run (const char *what, int width, int height, EspPictureFormat format, int n)
{
  g_autoptr (EspPicture) photo = make_photo (width, height);
  g_autoptr (GBytes) bytes = esp_picture_to_bytes (photo, format, NULL, NULL, NULL, NULL);
  const Times within = measure (bytes, FALSE, n);
  const Times apart = measure (bytes, TRUE, n);

  printf ("%-18s %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %+8.2f %+6.1f %%\n", what, within.least,
          within.middle, within.processor, apart.least, apart.middle, apart.processor,
          apart.processor - within.processor,
          100 * (apart.processor - within.processor) / within.processor);
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  const int n = argc > 1 ? MAX (3, atoi (argv[1])) : 200;
  gint64 start;

  printf ("%-18s %26s %26s\n", "ms", "in process", "espalier-decoder");
  printf ("%-18s %8s %8s %8s %8s %8s %8s %8s\n", "", "least", "middle", "cpu", "least", "middle",
          "cpu", "more cpu");
  start = g_get_monotonic_time ();
  run ("the first", 1, 1, ESP_FORMAT_PNG, 1);
  printf ("%-18s %8.2f\n", "started in", (double) (g_get_monotonic_time () - start) / 1000);
  run ("PNG 64 × 64", 64, 64, ESP_FORMAT_PNG, n);
  run ("PNG 320 × 240", 320, 240, ESP_FORMAT_PNG, n);
  run ("PNG 1024 × 1024", 1024, 1024, ESP_FORMAT_PNG, MAX (3, n / 10));
  run ("JPEG 6000 × 4000", 6000, 4000, ESP_FORMAT_JPEG, MAX (3, n / 20));
  return 0;
}
