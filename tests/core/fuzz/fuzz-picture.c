/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a picture file, through the decoder that FUZZ_DECODER names: one program for each.
 * Pictures that would be large are left out: what is looked for is what goes wrong in small ones,
 * many times a second. */
#include "fuzz-core.h"

#include "esp-source-private.h"

#define MAX_PIXELS (1 << 18)

EspPicture *FUZZ_DECODER (const EspSource *source, GError **error);

static gboolean
is_small (const EspSource *source)
{
  guint64 width = 0, height = 0;

  /* PNG says it at a place where it can be looked up; the others are small enough in small files,
   * or are refused by what their decoders check. */
  if (source->size < 24 || memcmp (source->data, "\x89PNG", 4) != 0)
    return TRUE;
  for (int i = 0; i < 4; i++)
    {
      width = width << 8 | source->data[16 + i];
      height = height << 8 | source->data[20 + i];
    }
  return width > ESP_PICTURE_MAX_SIDE || height > ESP_PICTURE_MAX_SIDE
         || width * height <= MAX_PIXELS;
}

/* Somebody has lost patience: it says that, or has a picture nevertheless. */
static void
decode_cancelled (const uint8_t *data, size_t size)
{
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  EspSource source
      = { .data = data, .size = size, .name = "fuzz", .info = &info, .cancellable = cancellable };
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) picture = NULL;

  g_cancellable_cancel (cancellable);
  picture = FUZZ_DECODER (&source, &error);
  PROMISE (picture != NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  esp_picture_info_clear (&info);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  EspSource source = { .data = data, .size = size, .name = "fuzz", .info = &info };
  g_autoptr (GError) error = NULL;
  g_autoptr (EspPicture) picture = NULL;
  guint sum = 0;

  if (size == 0 || !is_small (&source))
    return 0;
  picture = FUZZ_DECODER (&source, &error);
  fuzz_check_error (picture != NULL, &error);
  if (picture != NULL)
    {
      PROMISE (picture->width > 0 && picture->width <= ESP_PICTURE_MAX_SIDE);
      PROMISE (picture->height > 0 && picture->height <= ESP_PICTURE_MAX_SIDE);
      PROMISE (info.orientation >= 1 && info.orientation <= 8 && info.format != NULL);
      /* Every pixel was written: MemorySanitizer and Valgrind see it here. */
      for (gsize i = 0; i < (gsize) picture->width * (gsize) picture->height * 3; i++)
        sum += picture->pixels[i];
      PROMISE (sum < G_MAXUINT);
      if (size % 4 == 0)
        decode_cancelled (data, size);
    }
  for (guint i = 0; info.warnings != NULL && i < info.warnings->len; i++)
    PROMISE (g_utf8_validate (g_ptr_array_index (info.warnings, i), -1, NULL));
  PROMISE (info.profile == NULL || g_utf8_validate (info.profile, -1, NULL));
  esp_picture_info_clear (&info);
  return 0;
}
