/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-encode-png.c: PNG by libpng, 8-bit RGB with an sRGB chunk and the recipe as text chunks. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-encode-private.h"

#include <glib/gi18n-lib.h>
#include <png.h>
#include <string.h>

/* Longer texts are compressed. */
#define PLAIN_TEXT_MAX 1024

typedef struct
{
  EspPicture *picture;
  const EspRecipe *recipe;
  const EspSaveOptions *options;
  GCancellable *cancellable;
  png_structp png;
  png_infop png_info;
  GByteArray *out;
  char *parameters;
  GError *error;
} PngWriter;

static void
on_error (png_structp png, png_const_charp message)
{
  PngWriter *self = png_get_error_ptr (png);

  if (self->error == NULL)
    g_set_error (&self->error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE,
                 _ ("The picture cannot be written as PNG: %s"), message);
  png_longjmp (png, 1);
}

static void
on_warning (png_structp png, png_const_charp message)
{
  g_debug ("libpng: %s", message);
}

static void
on_write (png_structp png, png_bytep data, size_t length)
{
  PngWriter *self = png_get_io_ptr (png);

  /* GByteArray counts in 32 bits and ends the program beyond that. */
  if (length > G_MAXUINT32 / 2 - self->out->len)
    png_error (png, "the file would be too large");
  g_byte_array_append (self->out, data, (guint) length);
}

static void
on_flush (png_structp png)
{
}

static gboolean
is_ascii (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isprint (*text) && *text != '\n')
      return FALSE;
  return TRUE;
}

static void
add_text (png_text *texts, int *n, const char *key, const char *value, gboolean international)
{
  const gsize length = value != NULL ? strlen (value) : 0;
  const gboolean large = length > PLAIN_TEXT_MAX;
  png_text *text = &texts[*n];

  if (length == 0)
    return;
  memset (text, 0, sizeof *text);
  text->key = (png_charp) key;
  text->text = (png_charp) value;
  if (international || !is_ascii (value))
    {
      text->compression = large ? PNG_ITXT_COMPRESSION_zTXt : PNG_ITXT_COMPRESSION_NONE;
      text->itxt_length = length;
    }
  else
    {
      text->compression = large ? PNG_TEXT_COMPRESSION_zTXt : PNG_TEXT_COMPRESSION_NONE;
      text->text_length = length;
    }
  (*n)++;
}

static void
set_recipe (PngWriter *self)
{
  png_text texts[4];
  int n = 0;

  add_text (texts, &n, "espalier", self->recipe->json, TRUE);
  add_text (texts, &n, "Software", self->recipe->software, FALSE);
  add_text (texts, &n, "Description", self->recipe->prompt, FALSE);
  add_text (texts, &n, "parameters", self->parameters, FALSE);
  png_set_text (self->png, self->png_info, texts, n);
}

/* libpng comes back here by longjmp; all that has to be freed hangs on `self`, in the caller's
 * frame. */
static gboolean
write_picture (PngWriter *self)
{
  const gsize width = (gsize) self->picture->width;

  if (setjmp (png_jmpbuf (self->png)))
    return FALSE;

  png_set_write_fn (self->png, self, on_write, on_flush);
  png_set_user_limits (self->png, ESP_PICTURE_MAX_SIDE, ESP_PICTURE_MAX_SIDE);
  png_set_IHDR (self->png, self->png_info, (png_uint_32) width, (png_uint_32) self->picture->height,
                8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB_gAMA_and_cHRM (self->png, self->png_info, PNG_sRGB_INTENT_PERCEPTUAL);
  png_set_compression_level (self->png, self->options->compression);
  if (self->recipe != NULL)
    set_recipe (self);
  png_write_info (self->png, self->png_info);
  for (gsize y = 0; y < (gsize) self->picture->height; y++)
    {
      if (y % 64 == 0 && g_cancellable_set_error_if_cancelled (self->cancellable, &self->error))
        return FALSE;
      png_write_row (self->png, self->picture->pixels + y * width * 3);
    }
  png_write_end (self->png, NULL);
  return TRUE;
}

GBytes *
_esp_encode_png (EspPicture *picture, const EspRecipe *recipe, const EspSaveOptions *options,
                 GCancellable *cancellable, GError **error)
{
  PngWriter self = { picture, recipe, options, cancellable };
  gboolean ok;

  self.out = g_byte_array_new ();
  self.parameters = recipe != NULL ? esp_recipe_format_parameters (recipe) : NULL;
  self.png = png_create_write_struct (PNG_LIBPNG_VER_STRING, &self, on_error, on_warning);
  self.png_info = png_create_info_struct (self.png);
  ok = write_picture (&self);

  png_destroy_write_struct (&self.png, &self.png_info);
  g_free (self.parameters);
  if (!ok)
    {
      g_byte_array_unref (self.out);
      g_propagate_error (error, self.error);
      return NULL;
    }
  return g_byte_array_free_to_bytes (self.out);
}
