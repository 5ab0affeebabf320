/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-autoencoder.c: the autoencoder alone: how long it takes, and what bf16 costs in quality.
 *
 *     bench-autoencoder VAE [SIDE] [THREADS] [LEVEL] [PICTURE.ppm]
 *
 * encodes and decodes a picture of SIDE × SIDE (512), in f32 and in bf16, and prints the best of
 * three runs in seconds and the PSNR of bf16's latents and pictures against f32's. With one thread
 * the times are the processor's. Without a picture it takes one of slopes, edges and noise.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/vae.h"
#include "ops/cpu/cpu-device.h"

enum
{
  RUNS = 3
};

static int threads;

static double
seconds (void)
{
  struct timespec now;

  clock_gettime (threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

static float *
floats (int64_t count)
{
  float *values = malloc ((size_t) count * sizeof *values);

  if (values == NULL)
    abort ();
  return values;
}

static void
draw_picture (float *pixels, int64_t side)
{
  uint32_t noise = 1;

  for (int64_t i = 0; i < side * side * 3; i++)
    {
      int64_t pixel = i / 3, row = pixel / side;
      double x = (double) (pixel % side) / (double) side, y = (double) row / (double) side;
      double value = 0.5 * sin (9 * x + (double) (i % 3)) * cos (7 * y) + 0.3 * (x - y);

      noise = noise * 1664525u + 1013904223u;
      if ((int) (x * 8) % 3 == 1 && (int) (y * 8) % 2 == 0)
        value = 0.8 - value;
      value += ((double) (noise >> 16) / 65536 - 0.5) * 0.1;
      pixels[i] = (float) (value > 1 ? 1 : value < -1 ? -1 : value);
    }
}

/* The upper left part of a binary PPM, repeated if it is small. */
static bool
read_picture (const char *path, float *pixels, int64_t side)
{
  FILE *file = fopen (path, "rb");
  int width = 0, height = 0, most = 0;
  unsigned char *bytes;
  size_t size;
  bool good;

  if (file == NULL)
    return false;
  good = fscanf (file, "P6 %d %d %d", &width, &height, &most) == 3 && most == 255 && width > 0
         && height > 0 && width < 65536 && height < 65536;
  size = good ? (size_t) width * (size_t) height * 3 : 1;
  bytes = malloc (size);
  good = good && bytes != NULL && fgetc (file) != EOF && fread (bytes, 1, size, file) == size;
  for (int64_t i = 0; good && i < side * side * 3; i++)
    pixels[i]
        = (float) bytes[(i / 3 / side % height * width + i / 3 % side % width) * 3 + i % 3] / 127.5f
          - 1;
  free (bytes);
  fclose (file);
  return good;
}

/* In dB, for numbers whose range is `range`. */
static double
psnr (const float *a, const float *b, int64_t count, double range)
{
  double sum = 0;

  for (int64_t i = 0; i < count; i++)
    sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
  return 10 * log10 (range * range * (double) count / sum);
}

typedef struct Results
{
  float *latents, *picture;
} Results;

static bool
run (const char *path, EspCompute compute, const char *level, int64_t side, const float *pixels,
     const float *latents, Results *results)
{
  const EspVaeLimits limits = { .never_tile = true };
  EspError error = ESP_ERROR_INIT;
  EspDevice *device = NULL;
  EspVae *vae = NULL;
  double encode = 1e30, decode = 1e30;
  int64_t channels, factor;

  if (esp_cpu_device_new_level (level, compute, threads, 0, &device, &error) != ESP_OK
      || esp_vae_open (path, &vae, &error) != ESP_OK)
    {
      fprintf (stderr, "bench-autoencoder: %s\n", error.message);
      esp_device_free (device);
      return false;
    }
  channels = esp_vae_config (vae)->latent_channels;
  factor = esp_vae_factor (vae);
  results->latents = floats (side / factor * (side / factor) * channels);
  results->picture = floats (side * side * 3);
  for (int i = 0; i < RUNS && error.status == ESP_OK; i++)
    {
      double start = seconds (), middle, end;

      esp_vae_encode (vae, device, pixels, side, side, &limits, results->latents, &error);
      middle = seconds ();
      if (error.status == ESP_OK)
        esp_vae_decode (vae, device, latents != NULL ? latents : results->latents, side / factor,
                        side / factor, &limits, results->picture, &error);
      end = seconds ();
      encode = middle - start < encode ? middle - start : encode;
      decode = end - middle < decode ? end - middle : decode;
    }
  if (error.status == ESP_OK)
    printf ("%-5s %lld²: encode %.3f s, decode %.3f s, %.0f MB at most (%s)\n",
            device->compute == ESP_BF16 ? "bf16" : "f32", (long long) side, encode, decode,
            (double) device->peak / 1e6, device->description);
  else
    fprintf (stderr, "bench-autoencoder: %s\n", error.message);
  esp_vae_release (vae, device);
  esp_vae_free (vae);
  esp_device_free (device);
  return error.status == ESP_OK;
}

int
main (int argc, char **argv)
{
  int64_t side = argc > 2 ? atoi (argv[2]) : 512;
  const char *level = argc > 4 && argv[4][0] != '\0' ? argv[4] : NULL;
  Results exact, fast;
  float *pixels;

  if (argc < 2 || side < 16 || side % 16 != 0)
    {
      fprintf (stderr, "usage: bench-autoencoder VAE [SIDE] [THREADS] [LEVEL] [PICTURE.ppm]\n");
      return 2;
    }
  threads = argc > 3 ? atoi (argv[3]) : 0;
  pixels = floats (side * side * 3);
  if (argc <= 5)
    draw_picture (pixels, side);
  else if (!read_picture (argv[5], pixels, side))
    {
      fprintf (stderr, "bench-autoencoder: %s is no picture in binary PPM\n", argv[5]);
      return 1;
    }
  if (!run (argv[1], ESP_COMPUTE_F32, level, side, pixels, NULL, &exact)
      || !run (argv[1], ESP_COMPUTE_BF16, level, side, pixels, exact.latents, &fast))
    return 1;
  printf ("bf16 against f32: latents %.1f dB, pictures %.1f dB\n",
          psnr (exact.latents, fast.latents, side * side / 4, 2),
          psnr (exact.picture, fast.picture, side * side * 3, 2));
  return 0;
}
