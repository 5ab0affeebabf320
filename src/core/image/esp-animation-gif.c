/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-animation-gif.c: GIF 89a, every frame whole and with a palette of its own. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-animation-private.h"
#include "esp-palette-private.h"
#include "esp-xmp-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_CODES 4096

typedef struct
{
  int width;
  int height;
  GByteArray *frames;
} GifWriter;

static void
put_8 (GByteArray *out, guint value)
{
  const guint8 byte = (guint8) value;
  g_byte_array_append (out, &byte, 1);
}

static void
put_16 (GByteArray *out, guint value)
{
  put_8 (out, value & 0xff);
  put_8 (out, value >> 8);
}

/* ---- LZW with codes that grow to 12 bits, in sub-blocks of at most 255 bytes */

typedef struct
{
  GByteArray *out;
  guint8 block[255];
  guint filled;
  guint bits;
  guint n_bits;
} CodeWriter;

static void
flush_block (CodeWriter *self)
{
  if (self->filled == 0)
    return;
  put_8 (self->out, self->filled);
  g_byte_array_append (self->out, self->block, self->filled);
  self->filled = 0;
}

static void
put_code (CodeWriter *self, guint code, guint size)
{
  self->bits |= code << self->n_bits;
  self->n_bits += size;
  while (self->n_bits >= 8)
    {
      self->block[self->filled++] = (guint8) self->bits;
      self->bits >>= 8;
      self->n_bits -= 8;
      if (self->filled == sizeof self->block)
        flush_block (self);
    }
}

static void
end_codes (CodeWriter *self)
{
  if (self->n_bits > 0)
    put_code (self, 0, 8 - self->n_bits);
  flush_block (self);
  put_8 (self->out, 0);
}

static void
encode_lzw (GByteArray *out, const guint8 *indices, gsize n)
{
  const guint clear = 256;
  CodeWriter codes = { .out = out };
  /* For each known string the code of the string that is longer by one letter; 0 = none yet. */
  g_autofree guint16 *longer = g_new0 (guint16, MAX_CODES * 256);
  guint size = 9, next = clear + 2, code = indices[0];

  put_8 (out, 8);
  put_code (&codes, clear, size);
  for (gsize i = 1; i < n; i++)
    {
      guint16 *known = &longer[code * 256 + indices[i]];

      if (*known != 0)
        {
          code = *known;
          continue;
        }
      put_code (&codes, code, size);
      code = indices[i];
      if (next < MAX_CODES)
        {
          *known = (guint16) next;
          if (next == 1u << size)
            size++;
          next++;
        }
      else
        {
          put_code (&codes, clear, size);
          memset (longer, 0, (gsize) MAX_CODES * 256 * sizeof *longer);
          size = 9;
          next = clear + 2;
        }
    }
  put_code (&codes, code, size);
  /* The reader makes one more string from that code before it reads the end. */
  if (next < MAX_CODES && next == 1u << size && size < 12)
    size++;
  put_code (&codes, clear + 1, size);
  end_codes (&codes);
}

/* ---- the file */

static gpointer
gif_create (int width, int height, const EspSaveOptions *options, GError **error)
{
  GifWriter *self = g_new0 (GifWriter, 1);

  self->width = width;
  self->height = height;
  self->frames = g_byte_array_new ();
  return self;
}

static void
gif_destroy (gpointer writer)
{
  GifWriter *self = writer;

  g_byte_array_unref (self->frames);
  g_free (self);
}

static gboolean
gif_add (gpointer writer, EspPicture *frame, guint milliseconds, GCancellable *cancellable,
         GError **error)
{
  GifWriter *self = writer;
  const gsize n = (gsize) frame->width * (gsize) frame->height;
  g_autofree guint8 *indices = g_try_malloc (n);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  EspPalette palette;

  if (indices == NULL)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE, "%s",
                   _ ("The animation does not fit into memory"));
      return FALSE;
    }
  _esp_palette_choose (&palette, frame);
  if (!_esp_palette_map (&palette, frame, indices, cancellable, error))
    return FALSE;

  g_byte_array_append (out, (const guint8 *) "\x21\xf9\x04\x04", 4); /* leave the frame there */
  put_16 (out, (milliseconds + 5) / 10);
  g_byte_array_append (out, (const guint8 *) "\0\0\x2c\0\0\0\0", 7);
  put_16 (out, (guint) frame->width);
  put_16 (out, (guint) frame->height);
  put_8 (out, 0x87); /* a palette of 256 */
  g_byte_array_append (out, palette.colors[0], sizeof palette.colors);
  encode_lzw (out, indices, n);
  return _esp_animation_append (self->frames, out->data, out->len, error);
}

/* XMP lies in a GIF unblocked; the descending bytes behind it lead every reader to the end,
 * whichever byte of the text it took for a length (XMP specification, part 3, section 1.1.2). */
static void
put_xmp (GByteArray *out, const EspRecipe *recipe)
{
  g_autofree char *xmp = _esp_xmp_build (recipe, 0, NULL, NULL);

  g_byte_array_append (out, (const guint8 *) "\x21\xff\x0bXMP DataXMP", 14);
  g_byte_array_append (out, (const guint8 *) xmp, (guint) strlen (xmp));
  put_8 (out, 1);
  for (int i = 255; i >= 0; i--)
    put_8 (out, (guint) i);
  put_8 (out, 0);
}

static GBytes *
gif_finish (gpointer writer, const EspRecipe *recipe, GError **error)
{
  GifWriter *self = writer;
  g_autoptr (GByteArray) out = g_byte_array_new ();

  g_byte_array_append (out, (const guint8 *) "GIF89a", 6);
  put_16 (out, (guint) self->width);
  put_16 (out, (guint) self->height);
  g_byte_array_append (out, (const guint8 *) "\x70\0\0", 3); /* no palette for all */
  g_byte_array_append (out, (const guint8 *) "\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", 19);
  if (recipe != NULL)
    put_xmp (out, recipe);
  if (!_esp_animation_append (out, self->frames->data, self->frames->len, error))
    return NULL;
  put_8 (out, 0x3b);
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

const EspAnimationKind _esp_animation_gif
    = { gif_create, gif_add, gif_finish, gif_destroy, G_MAXUINT16 };
