/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a picture file that is stripped of what it tells. What comes out is stripped
 * already, and tells nothing. */
#include "fuzz-core.h"

#include "esp-picture-strip.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) file = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) stripped = esp_picture_strip_metadata (file, "fuzz", &error);
  g_autoptr (GBytes) again = NULL;
  g_autofree char *json = NULL;

  fuzz_check_error (stripped != NULL, &error);
  if (stripped == NULL)
    return 0;
  PROMISE (g_bytes_get_size (stripped) <= size + 64);
  again = esp_picture_strip_metadata (stripped, "fuzz", &error);
  fuzz_check_error (again != NULL, &error);
  PROMISE (again != NULL && g_bytes_equal (stripped, again));
  PROMISE (!esp_recipe_read_bytes (stripped, "fuzz", &json, NULL));
  return 0;
}
