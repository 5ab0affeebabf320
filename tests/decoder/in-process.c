/* SPDX-License-Identifier: GPL-3.0-or-later */
/* in-process.c: what programs call to have pictures read, without a second process: for tests that
 * try a reader thousands of times, and for sanitizers, fuzzers and coverage, which look at this
 * one. Linked in place of src/core/image/esp-picture-load.c. */
#include "esp-decode.h"
#include "esp-picture-file-private.h"
#include "esp-picture-strip.h"

EspPicture *
esp_picture_load_bytes (GBytes *bytes, const char *name, EspPictureInfo *info,
                        GCancellable *cancellable, GError **error)
{
  return esp_decode_picture (bytes, name, -1, info, cancellable, error);
}

EspPicture *
esp_picture_load (const char *path, EspPictureInfo *info, GCancellable *cancellable, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);
  g_autoptr (GBytes) bytes = _esp_picture_file_read (path, name, cancellable, error);

  return bytes != NULL ? esp_decode_picture (bytes, name, -1, info, cancellable, error) : NULL;
}

gboolean
esp_recipe_read_bytes (GBytes *bytes, const char *name, char **json, GError **error)
{
  return esp_decode_recipe (bytes, name, json, error);
}

gboolean
esp_recipe_read (const char *path, char **json, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);
  g_autoptr (GBytes) bytes = NULL;

  *json = NULL;
  bytes = _esp_picture_file_read (path, name, NULL, error);
  return bytes != NULL && esp_decode_recipe (bytes, name, json, error);
}

EspForeignRecipe *
esp_foreign_recipe_read_bytes (GBytes *bytes, const char *name, GError **error)
{
  return esp_decode_foreign_recipe (bytes, name, error);
}

GBytes *
esp_picture_strip_metadata (GBytes *bytes, const char *name, GError **error)
{
  return esp_decode_strip (bytes, name, error);
}
