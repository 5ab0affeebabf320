/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-save.c: from a picture to a file: the format by extension, encoded in memory first,
 * so that nothing is touched before the new contents exist. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-encode-private.h"
#include "esp-file-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static const struct
{
  const char *extension;
  EspPictureFormat format;
} extensions[] = {
  { ".png", ESP_FORMAT_PNG },   { ".jpg", ESP_FORMAT_JPEG }, { ".jpeg", ESP_FORMAT_JPEG },
  { ".webp", ESP_FORMAT_WEBP }, { ".tif", ESP_FORMAT_TIFF }, { ".tiff", ESP_FORMAT_TIFF },
};

/* The format that a file name asks for, by its extension in any case; ESP_IMAGE_ERROR_UNSUPPORTED
 * with the list of extensions for every other name. */
gboolean
esp_picture_format_from_path (const char *path, EspPictureFormat *format, GError **error)
{
  g_autofree char *base = NULL;
  g_autofree char *name = NULL;
  const char *dot;

  g_return_val_if_fail (path != NULL && format != NULL, FALSE);

  base = g_path_get_basename (path);
  dot = strrchr (base, '.');
  for (guint i = 0; dot != NULL && dot != base && i < G_N_ELEMENTS (extensions); i++)
    if (g_ascii_strcasecmp (dot, extensions[i].extension) == 0)
      {
        *format = extensions[i].format;
        return TRUE;
      }
  name = g_filename_display_name (path);
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
               _ ("“%s” cannot be written: its name must end in .png, .jpg, .jpeg, .webp or .tiff"),
               name);
  return FALSE;
}

static gboolean
is_text (const char *text)
{
  return text == NULL || g_utf8_validate (text, -1, NULL);
}

static gboolean
check_recipe (const EspRecipe *recipe, GError **error)
{
  if (recipe == NULL)
    return TRUE;
  if (recipe->json == NULL || recipe->json[0] == '\0')
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE, "%s", _ ("The recipe is empty"));
  else if (strlen (recipe->json) > ESP_RECIPE_MAX_SIZE)
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE,
                 _ ("The recipe is too long to be kept in a picture (at most %d MiB)"),
                 ESP_RECIPE_MAX_SIZE >> 20);
  else if (!is_text (recipe->json) || !is_text (recipe->prompt) || !is_text (recipe->model)
           || !is_text (recipe->negative_prompt) || !is_text (recipe->model_hash)
           || !is_text (recipe->software))
    g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE, "%s",
                 _ ("The recipe is not valid UTF-8 text"));
  else
    return TRUE;
  return FALSE;
}

/* The encoded file in memory; the recipe and the options (defaults) may be NULL. The same picture,
 * recipe and options give the same bytes. */
GBytes *
esp_picture_to_bytes (EspPicture *picture, EspPictureFormat format, const EspRecipe *recipe,
                      const EspSaveOptions *options, GCancellable *cancellable, GError **error)
{
  static const EspSaveOptions defaults = ESP_SAVE_OPTIONS_INIT;

  g_return_val_if_fail (picture != NULL, NULL);

  if (options == NULL)
    options = &defaults;
  g_return_val_if_fail (options->quality >= 1 && options->quality <= 100, NULL);
  g_return_val_if_fail (options->compression >= 0 && options->compression <= 9, NULL);

  if (!check_recipe (recipe, error))
    return NULL;
  switch (format)
    {
    case ESP_FORMAT_PNG:
      return _esp_encode_png (picture, recipe, options, cancellable, error);
    case ESP_FORMAT_JPEG:
      return _esp_encode_jpeg (picture, recipe, options, cancellable, error);
    case ESP_FORMAT_WEBP:
      return _esp_encode_webp (picture, recipe, options, cancellable, error);
    case ESP_FORMAT_TIFF:
      return _esp_encode_tiff (picture, recipe, options, cancellable, error);
    default:
      g_return_val_if_reached (NULL);
    }
}

/* Writes the picture to `path` in the format of its extension, with the recipe inside unless that
 * is NULL. The file is replaced whole or not at all (see esp-file-private.h): after an error, and
 * after a signal that ends the program, the old file is there and no temporary one. */
gboolean
esp_picture_save (EspPicture *picture, const char *path, const EspRecipe *recipe,
                  const EspSaveOptions *options, GCancellable *cancellable, GError **error)
{
  EspPictureFormat format;
  g_autoptr (GBytes) bytes = NULL;
  EspPiece piece;

  g_return_val_if_fail (picture != NULL && path != NULL, FALSE);

  if (!esp_picture_format_from_path (path, &format, error))
    return FALSE;
  bytes = esp_picture_to_bytes (picture, format, recipe, options, cancellable, error);
  if (bytes == NULL)
    return FALSE;
  piece.data = g_bytes_get_data (bytes, &piece.size);
  return _esp_file_replace (path, &piece, 1, ESP_REPLACE_SYNC, cancellable, error);
}
