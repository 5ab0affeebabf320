/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands in pictures beside their pixels, without the file around it: the first byte says
 * whether the rest is EXIF, XMP, or an ICC profile, and for which samples. */
#include "fuzz-core.h"

#include "esp-color-private.h"
#include "esp-exif-read-private.h"
#include "esp-xmp-private.h"
#include "esp-xmp-read-private.h"

static void
read_exif (const guint8 *data, gsize size)
{
  static const guint tags[]
      = { ESP_EXIF_IMAGE_DESCRIPTION, ESP_EXIF_MAKE, ESP_EXIF_MODEL, ESP_EXIF_USER_COMMENT };
  int orientation = _esp_exif_orientation (data, size);

  PROMISE (orientation >= 1 && orientation <= 8);
  for (gsize i = 0; i < G_N_ELEMENTS (tags); i++)
    {
      g_autofree char *text = _esp_exif_dup_text (data, size, tags[i]);

      PROMISE (text == NULL || g_utf8_validate (text, -1, NULL));
    }
}

static void
read_xmp (const guint8 *data, gsize size)
{
  g_autofree char *json = NULL;
  g_autofree char *guid = NULL;
  gboolean ok = _esp_xmp_parse (size > 0 ? (const char *) data : "", size, &json, &guid);

  PROMISE (json == NULL || g_utf8_validate (json, -1, NULL));
  if (ok && json != NULL)
    {
      /* What was read can be written, and read again. */
      EspRecipe recipe = { .json = json, .prompt = json, .software = json };
      g_autofree char *packet = _esp_xmp_build (&recipe, 65000, NULL, NULL);
      g_autofree char *again = NULL;
      g_autofree char *other = NULL;

      PROMISE (_esp_xmp_parse (packet, strlen (packet), &again, &other));
      PROMISE (g_strcmp0 (again, json) == 0 || strchr (json, '\r') != NULL);
    }
}

static void
convert (guint kind, const guint8 *profile, gsize size)
{
  static const guint16 samples[16 * 5]
      = { 0, 0x8000, 0xffff, 0x1234, 0xff00, 0x00ff, 0x7fff, 1, 0x4242 };
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  EspSource source = { .data = profile, .size = size, .name = "fuzz", .info = &info };
  guint8 rgb[16 * 3];
  gboolean alpha = (kind & 4) != 0;
  int depth = (kind & 8) != 0 ? 16 : 8;
  EspColorModel model = (EspColorModel) (kind & 3) % 3;
  g_autoptr (EspRowConverter) converter = _esp_row_converter_new (
      &source, model, alpha && model != ESP_COLOR_CMYK, depth, profile, size, 16);

  if (converter != NULL)
    {
      _esp_row_converter_run (converter, samples, rgb, 16);
      _esp_row_converter_run (converter, samples, rgb, 3);
    }
  for (guint i = 0; info.warnings != NULL && i < info.warnings->len; i++)
    PROMISE (g_utf8_validate (g_ptr_array_index (info.warnings, i), -1, NULL));
  PROMISE (info.profile == NULL || g_utf8_validate (info.profile, -1, NULL));
  esp_picture_info_clear (&info);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  guint kind = fuzz_take_byte (&input);

  switch (kind >> 4)
    {
    case 0:
      read_exif (input.data, input.size);
      break;
    case 1:
      read_xmp (input.data, input.size);
      break;
    default:
      convert (kind, input.data, input.size);
    }
  return 0;
}
