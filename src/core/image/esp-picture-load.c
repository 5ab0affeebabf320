/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-load.c: whatever reads pictures of strangers, as programs call it. The file is read
 * here and looked into elsewhere (esp-decoder-private.h). */
#define G_LOG_DOMAIN "esp-image"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "esp-decoder-private.h"
#include "esp-foreign-recipe.h"
#include "esp-json-object.h"
#include "esp-picture-file-private.h"
#include "esp-picture-memory.h"
#include "esp-picture-refusal.h"
#include "esp-picture-strip.h"
#include "esp-sealed-memory.h"

/* Pictures that are smaller are copied: thousands of thumbnails would be thousands of mappings. */
#define MAPPED_FROM ((gsize) 256 << 10)

/* The bytes of a file as sealed memory, or -1: they are empty, or cancelled. */
static int
seal_bytes (GBytes *bytes, const char *name, EspDecoderRequest *request, GCancellable *cancellable,
            GError **error)
{
  const guint8 *data = g_bytes_get_data (bytes, &request->size);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  request->name = name;
  request->kind = esp_picture_kind_find (data, request->size);
  request->file = esp_sealed_memory_copy ("espalier-picture", data, request->size);
  if (request->file < 0)
    esp_picture_refuse_sharing (name, errno, error);
  return request->file;
}

/* Takes the sealed memory of a picture. */
static EspPicture *
take_picture (int memory, const EspDecoderAnswer *head, GError **error)
{
  g_autoptr (EspPicture) mapped = esp_picture_new_sealed (memory, head->width, head->height, error);
  EspPicture *copy;

  close (memory);
  if (mapped == NULL || head->size >= MAPPED_FROM)
    return g_steal_pointer (&mapped);
  copy = esp_picture_new (head->width, head->height, error);
  if (copy != NULL)
    memcpy (copy->pixels, mapped->pixels, head->size);
  return copy;
}

/* Closes the request's file. */
static EspPicture *
load (const EspDecoderRequest *request, EspPictureInfo *info, GCancellable *cancellable,
      GError **error)
{
  EspDecoderAnswered answered;
  const int memory = _esp_decoder_run (_esp_decoder_get (), request, &answered, cancellable, error);
  EspPicture *picture = memory >= 0 ? take_picture (memory, &answered.head, error) : NULL;

  close (request->file);
  if (info != NULL)
    {
      esp_picture_info_clear (info);
      *info = answered.info;
      answered.info = (EspPictureInfo) ESP_PICTURE_INFO_INIT;
    }
  _esp_decoder_answer_clear (&answered);
  return picture;
}

/* Decodes a picture file that is in memory; otherwise as esp_picture_load (). `name` is what
 * messages call it. */
EspPicture *
esp_picture_load_bytes (GBytes *bytes, const char *name, EspPictureInfo *info,
                        GCancellable *cancellable, GError **error)
{
  EspDecoderRequest request = { .task = ESP_DECODER_PICTURE };

  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  if (g_bytes_get_size (bytes) == 0)
    {
      esp_picture_refuse_read (name, _ ("the file is empty"), error);
      return NULL;
    }
  if (seal_bytes (bytes, name, &request, cancellable, error) < 0)
    return NULL;
  if (request.kind == ESP_KIND_NONE)
    {
      esp_picture_refuse_unknown (name, error);
      close (request.file);
      return NULL;
    }
  return load (&request, info, cancellable, error);
}

/* Reads a picture file: PNG, JPEG, WebP, GIF (first frame), TIFF (first page), BMP, PPM (P6),
 * and AVIF, HEIF and JPEG XL where gdk-pixbuf has a loader. `info` (NULL or initialised) gets what
 * the file was; it is valid after a failure too and always the caller's to clear. Returns a new
 * picture, or NULL with one sentence that names the file: ESP_IMAGE_ERROR or G_IO_ERROR_CANCELLED.
 */
EspPicture *
esp_picture_load (const char *path, EspPictureInfo *info, GCancellable *cancellable, GError **error)
{
  EspDecoderRequest request = { .task = ESP_DECODER_PICTURE };
  g_autofree char *name = NULL;

  g_return_val_if_fail (path != NULL, NULL);

  name = g_filename_display_name (path);
  request.name = name;
  request.file
      = _esp_picture_file_seal (path, name, &request.kind, &request.size, cancellable, error);
  return request.file >= 0 ? load (&request, info, cancellable, error) : NULL;
}

/* What the decoder makes of the file that is no picture: JSON, or a file. */
static GBytes *
fetch (EspDecoderTask task, GBytes *bytes, const char *name, EspDecoderAnswered *answered,
       GError **error)
{
  EspDecoderRequest request = { .task = task };
  GBytes *result = NULL;
  int memory;

  *answered = (EspDecoderAnswered){ .info = ESP_PICTURE_INFO_INIT };
  if (seal_bytes (bytes, name, &request, NULL, error) < 0)
    return NULL;
  memory = _esp_decoder_run (_esp_decoder_get (), &request, answered, NULL, error);
  close (request.file);
  if (memory < 0)
    return NULL;
  result = esp_sealed_memory_map (memory, answered->head.size);
  close (memory);
  if (result == NULL)
    esp_picture_refuse_memory (name, error);
  return result;
}

/* The JSON in `bytes`, which it takes, as a string; NULL: it is no text. */
static char *
take_text (GBytes *bytes)
{
  g_autoptr (GBytes) mapped = bytes;
  gsize size = 0;
  const char *data = mapped != NULL ? g_bytes_get_data (mapped, &size) : NULL;

  return data != NULL && g_utf8_validate_len (data, size, NULL) ? g_strndup (data, size) : NULL;
}

static void
set_no_recipe (const char *name, GError **error)
{
  g_clear_error (error);
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_NO_RECIPE,
               _ ("The recipe in “%s” is damaged"), name);
}

/* As esp_recipe_read (), for a file in memory that messages call `name`. */
gboolean
esp_recipe_read_bytes (GBytes *bytes, const char *name, char **json, GError **error)
{
  EspDecoderAnswered answered;
  GBytes *result;

  g_return_val_if_fail (bytes != NULL && json != NULL && name != NULL, FALSE);

  *json = NULL;
  result = fetch (ESP_DECODER_RECIPE, bytes, name, &answered, error);
  _esp_decoder_answer_clear (&answered);
  if (result == NULL)
    return FALSE;
  *json = take_text (result);
  if (*json == NULL)
    set_no_recipe (name, error);
  return *json != NULL;
}

/* Reads the recipe's JSON back from a PNG, JPEG, WebP or TIFF file, byte for byte as it was given
 * to esp_picture_save (). The caller frees *json; it is UTF-8 but otherwise whatever the file says,
 * so it has to be parsed with care. ESP_IMAGE_ERROR_NO_RECIPE if the picture has none. */
gboolean
esp_recipe_read (const char *path, char **json, GError **error)
{
  g_autofree char *name = NULL;
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (path != NULL && json != NULL, FALSE);

  *json = NULL;
  name = g_filename_display_name (path);
  bytes = _esp_picture_file_read (path, name, NULL, error);
  return bytes != NULL && esp_recipe_read_bytes (bytes, name, json, error);
}

EspForeignRecipe *
esp_foreign_recipe_read_bytes (GBytes *bytes, const char *name, GError **error)
{
  EspDecoderAnswered answered;
  EspForeignRecipe *self = NULL;
  GBytes *result;

  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  result = fetch (ESP_DECODER_FOREIGN_RECIPE, bytes, name, &answered, error);
  if (result != NULL)
    {
      g_autofree char *json = take_text (result);
      JsonObject *recipe = json != NULL ? esp_json_parse_object (json) : NULL;

      if (recipe != NULL && answered.program != NULL)
        {
          self = g_new0 (EspForeignRecipe, 1);
          self->source = g_steal_pointer (&answered.program);
          self->own = (answered.head.flags & ESP_DECODER_OWN) != 0;
          self->recipe = recipe;
        }
      else
        {
          g_clear_pointer (&recipe, json_object_unref);
          set_no_recipe (name, error);
        }
    }
  _esp_decoder_answer_clear (&answered);
  return self;
}

GBytes *
esp_picture_strip_metadata (GBytes *bytes, const char *name, GError **error)
{
  EspDecoderAnswered answered;
  GBytes *result;

  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  result = fetch (ESP_DECODER_STRIP, bytes, name, &answered, error);
  _esp_decoder_answer_clear (&answered);
  return result;
}
