/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes in pictures, ours and those of other programs. The first byte says in what the rest is
 * wrapped: it is the whole file; or the texts of a PNG (a keyword and a text each, a zero byte
 * between them) with checksums that are right; or an EXIF or XMP block of a JPEG. */
#include "fuzz-core.h"

#include <zlib.h>

#include "esp-foreign-recipe.h"
#include "esp-recipe.h"

#define TEXTS_MAX 16

static void
add_chunk (GByteArray *file, const char *type, const void *data, gsize size)
{
  guint8 length[4], sum[4];
  gulong crc = crc32 (crc32 (0, (const guint8 *) type, 4), data, (guint) size);

  for (int i = 0; i < 4; i++)
    {
      length[i] = (guint8) (size >> (24 - 8 * i));
      sum[i] = (guint8) (crc >> (24 - 8 * i));
    }
  g_byte_array_append (file, length, 4);
  g_byte_array_append (file, (const guint8 *) type, 4);
  g_byte_array_append (file, data, (guint) size);
  g_byte_array_append (file, sum, 4);
}

/* A text as tEXt, zTXt or iTXt, compressed or not. */
static void
add_text (GByteArray *file, guint how, const char *keyword, const char *text)
{
  g_autoptr (GByteArray) chunk = g_byte_array_new ();
  gsize length = strlen (text);
  gulong packed_size = compressBound (length);
  g_autofree guint8 *packed = g_malloc (packed_size);
  gboolean pack = (how & 2) != 0;

  PROMISE (compress (packed, &packed_size, (const guint8 *) text, length) == Z_OK);
  g_byte_array_append (chunk, (const guint8 *) keyword, (guint) strlen (keyword) + 1);
  if ((how & 1) != 0)
    g_byte_array_append (chunk, (const guint8 *) (pack ? "\1\0\0\0" : "\0\0\0\0"), 4);
  else if (pack)
    g_byte_array_append (chunk, (const guint8 *) "", 1);
  g_byte_array_append (chunk, pack ? packed : (const guint8 *) text,
                       (guint) (pack ? packed_size : length));
  add_chunk (file, (how & 1) != 0 ? "iTXt" : pack ? "zTXt" : "tEXt", chunk->data, chunk->len);
}

static GBytes *
wrap_png (guint how, FuzzInput *input)
{
  static const guint8 header[13] = { 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0 };
  GByteArray *file = g_byte_array_new ();

  g_byte_array_append (file, (const guint8 *) "\x89PNG\r\n\x1a\n", 8);
  add_chunk (file, "IHDR", header, sizeof header);
  for (guint i = 0; i < TEXTS_MAX && input->size > 0; i++)
    {
      g_autofree char *keyword = fuzz_take_text (input);
      g_autofree char *text = fuzz_take_text (input);

      add_text (file, how, keyword, text);
    }
  add_chunk (file, "IEND", "", 0);
  return g_byte_array_free_to_bytes (file);
}

/* A segment APP1 for each of the parts, a zero byte between two of them where they are texts. */
static GBytes *
wrap_jpeg (gboolean exif, FuzzInput *input)
{
  static const char *const names[]
      = { "http://ns.adobe.com/xap/1.0/", "http://ns.adobe.com/xmp/extension/" };
  GByteArray *file = g_byte_array_new ();

  g_byte_array_append (file, (const guint8 *) "\xff\xd8", 2);
  for (guint i = 0; i < TEXTS_MAX && input->size > 0; i++)
    {
      const char *name = exif ? "Exif\0" : names[MIN (i, 1)];
      gsize name_length = exif ? 6 : strlen (name) + 1;
      g_autofree char *text = exif ? NULL : fuzz_take_text (input);
      gsize length = MIN (exif ? input->size : strlen (text), 60000);
      const guint8 *data = exif ? input->data : (const guint8 *) text;
      guint8 head[4] = { 0xff, 0xe1, (guint8) ((name_length + length + 2) >> 8),
                         (guint8) (name_length + length + 2) };

      g_byte_array_append (file, head, 4);
      g_byte_array_append (file, (const guint8 *) name, (guint) name_length);
      g_byte_array_append (file, data, (guint) length);
      if (exif)
        input->size = 0;
    }
  g_byte_array_append (file, (const guint8 *) "\xff\xda", 2);
  return g_byte_array_free_to_bytes (file);
}

static void
read_recipes (GBytes *file)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *json = NULL;
  gboolean ok = esp_recipe_read_bytes (file, "fuzz", &json, &error);
  g_autoptr (EspForeignRecipe) foreign = NULL;

  PROMISE (ok == (json != NULL));
  PROMISE (json == NULL || g_utf8_validate (json, -1, NULL));
  fuzz_check_error (ok, &error);
  foreign = esp_foreign_recipe_read_bytes (file, "fuzz", &error);
  fuzz_check_error (foreign != NULL, &error);
  if (foreign != NULL)
    PROMISE (foreign->source != NULL && json_object_get_size (foreign->recipe) > 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  guint how = fuzz_take_byte (&input);
  g_autoptr (GBytes) file = how % 8 == 0   ? fuzz_take_rest (&input)
                            : how % 8 <= 4 ? wrap_png (how % 8 - 1, &input)
                                           : wrap_jpeg (how % 8 == 5, &input);

  read_recipes (file);
  return 0;
}
