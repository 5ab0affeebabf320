/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Latents: of a document as they are stored, or of the worker as a safetensors file; the first byte
 * says which. Or numbers out of which they are made, and then a few of their bytes others. */
#include "fuzz-core.h"

#include <math.h>

#include "esp-latents.h"

#define HASH "00112233445566778899aabbccddeeff0123456789abcdefcafe0badf00d5eed"

static void
use (GBytes *latents)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *hash = esp_latents_dup_model_hash (latents);
  g_autofree float *values = NULL;
  int width, height, channels = 0;
  gboolean has_size = esp_latents_get_size (latents, &width, &height);

  PROMISE (has_size == (hash != NULL));
  PROMISE (has_size || (width == 0 && height == 0));
  values = esp_latents_unpack (latents, &channels, &error);
  fuzz_check_error (values != NULL, &error);
  if (values != NULL)
    {
      gsize count = (gsize) (width / 16) * (gsize) (height / 16) * (gsize) channels;
      g_autofree char *path = g_build_filename (fuzz_home (), "out.safetensors", NULL);
      g_autoptr (GBytes) again = NULL;

      PROMISE (has_size && width > 0 && width <= ESP_LATENTS_SIDE_MAX && width % 16 == 0);
      PROMISE (height > 0 && height <= ESP_LATENTS_SIDE_MAX && height % 16 == 0);
      PROMISE (channels > 0 && channels <= ESP_LATENTS_CHANNELS_MAX);
      for (gsize i = 0; i < count; i++)
        PROMISE (isfinite (values[i]));
      PROMISE (esp_latents_save (latents, path, NULL));
      again = esp_latents_load (path, width, height, hash, &error);
      fuzz_check_error (again != NULL, &error);
    }
}

/* One square of each number of channels, as the bytes say. */
static GBytes *
make_latents (FuzzInput *input)
{
  float values[2 * 16] = { 0 };
  int channels = (int) (fuzz_take_byte (input) % 16) + 1;
  g_autoptr (GBytes) made = NULL;
  guint8 *bytes;
  gsize size;

  for (int i = 0; i < 2 * channels; i++)
    values[i] = (float) ((int) fuzz_take_byte (input) - 128) / (float) (1 + fuzz_take_byte (input));
  made = esp_latents_new (values, 32, 16, channels, HASH, NULL);
  PROMISE (made != NULL);
  bytes = g_bytes_unref_to_data (g_steal_pointer (&made), &size);
  while (input->size > 1)
    {
      guint at = fuzz_take_byte (input);

      bytes[at % size] = (guint8) fuzz_take_byte (input);
    }
  return g_bytes_new_take (bytes, size);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  guint how = fuzz_take_byte (&input);

  if (how % 2 == 0)
    {
      g_autoptr (GBytes) bytes = how % 4 == 0 ? fuzz_take_rest (&input) : make_latents (&input);

      use (bytes);
    }
  else
    {
      g_autofree char *path = fuzz_write_file ("in.safetensors", input.data, input.size);
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) latents
          = esp_latents_load (path, 16 * (int) (how / 2 % 4 + 1), 16, HASH, &error);

      fuzz_check_error (latents != NULL, &error);
      if (latents != NULL)
        use (latents);
    }
  return 0;
}
