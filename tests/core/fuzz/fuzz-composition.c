/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a picture was put together (JSON of documents), regions as text, and masks: a zero byte
 * between the three; the last is a picture file. */
#include "fuzz-core.h"

#include "esp-composition.h"
#include "esp-mask.h"

static void
use_region (const EspRegion *region, int width, int height)
{
  EspRegion *copy = esp_region_copy (region);
  g_autoptr (GError) error = NULL;
  gboolean ok = esp_region_fit (copy, width, height, &error);
  EspCrop crop;

  fuzz_check_error (ok, &error);
  if (ok)
    {
      PROMISE (copy->x >= 0 && copy->y >= 0 && copy->width >= ESP_REGION_MIN_SIDE
               && copy->height >= ESP_REGION_MIN_SIDE);
      PROMISE (copy->x + copy->width <= width && copy->y + copy->height <= height);
      esp_region_plan (copy, width, height, width % 2 == 0 ? 0 : 1 << 16, &crop);
      PROMISE (crop.width == 0
               || (crop.x >= 0 && crop.y >= 0 && crop.x + crop.width <= width
                   && crop.y + crop.height <= height && crop.send_width > 0
                   && crop.send_height > 0));
    }
  esp_region_free (copy);
}

static void
read_composition (const char *text)
{
  g_autoptr (EspComposition) self = esp_composition_from_json (text);
  g_autoptr (EspComposition) again = NULL;
  g_autoptr (EspComposition) asked = NULL;
  g_autofree char *json = NULL;
  g_autofree char *twice = NULL;

  if (self == NULL)
    return;
  json = esp_composition_to_json (self);
  again = esp_composition_from_json (json);
  PROMISE (again != NULL);
  twice = esp_composition_to_json (again);
  PROMISE (g_str_equal (json, twice));
  PROMISE (esp_composition_asks_same (self, again));
  asked = esp_composition_dup_asked (self);
  if (self->region != NULL)
    use_region (self->region, 640, 481);
}

static void
read_region (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspRegion) region = esp_region_parse (text, &error);
  g_autofree char *shown = NULL;
  g_autoptr (EspRegion) again = NULL;

  fuzz_check_error (region != NULL, &error);
  if (region == NULL)
    return;
  shown = esp_region_to_text (region);
  again = esp_region_parse (shown, &error);
  PROMISE (again != NULL && esp_region_equal (region, again));
  use_region (region, 101, 300);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  g_autofree char *json = fuzz_take_text (&input);
  g_autofree char *text = fuzz_take_text (&input);
  g_autoptr (GBytes) file = fuzz_take_rest (&input);

  read_composition (json);
  if (g_utf8_validate (text, -1, NULL))
    read_region (text);
  if (g_bytes_get_size (file) > 0)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EspMask) mask = esp_mask_load_bytes (file, "fuzz", NULL, &error);

      fuzz_check_error (mask != NULL, &error);
      if (mask != NULL && (gint64) mask->width * mask->height < 1 << 16)
        {
          g_autoptr (EspMask) shaped = esp_mask_shape (mask, 1, 2, NULL, &error);
          g_autoptr (GBytes) bytes = esp_mask_to_bytes (mask, NULL);

          PROMISE (shaped != NULL && bytes != NULL);
        }
    }
  return 0;
}
