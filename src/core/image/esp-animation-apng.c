/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-animation-apng.c: animated PNG (PNG specification, third edition): still pictures by libpng,
 * their pixel data numbered and put behind one another. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-animation-private.h"
#include "esp-byte-order.h"
#include "esp-encode-private.h"

#include <string.h>
#include <zlib.h>

typedef struct
{
  int width;
  int height;
  EspSaveOptions options;
  GByteArray *frames;
  guint32 n_frames;
  guint32 sequence;
} ApngWriter;

static guint8 *
store_32 (guint8 *out, guint32 value)
{
  for (int shift = 24; shift >= 0; shift -= 8)
    *out++ = (guint8) (value >> shift);
  return out;
}

/* A chunk whose data is `head` followed by `body`. */
static gboolean
put_chunk (GByteArray *out, const char *type, const guint8 *head, gsize head_size,
           const guint8 *body, gsize body_size, GError **error)
{
  guint8 frame[8], check[4];
  uLong crc;

  memcpy (frame + 4, type, 4);
  store_32 (frame, (guint32) (head_size + body_size));
  crc = crc32 (crc32 (0, NULL, 0), frame + 4, 4);
  if (head_size > 0)
    crc = crc32 (crc, head, (uInt) head_size);
  if (body_size > 0)
    crc = crc32 (crc, body, (uInt) body_size);
  store_32 (check, (guint32) crc);
  return _esp_animation_append (out, frame, sizeof frame, error)
         && (head_size == 0 || _esp_animation_append (out, head, head_size, error))
         && (body_size == 0 || _esp_animation_append (out, body, body_size, error))
         && _esp_animation_append (out, check, sizeof check, error);
}

static gpointer
apng_create (int width, int height, const EspSaveOptions *options, GError **error)
{
  ApngWriter *self = g_new0 (ApngWriter, 1);

  self->width = width;
  self->height = height;
  self->options = *options;
  self->frames = g_byte_array_new ();
  return self;
}

static void
apng_destroy (gpointer writer)
{
  ApngWriter *self = writer;

  g_byte_array_unref (self->frames);
  g_free (self);
}

static gboolean
put_frame_control (ApngWriter *self, guint milliseconds, GError **error)
{
  guint8 data[26] = { 0 };
  guint8 *p = data;

  p = store_32 (p, self->sequence++);
  p = store_32 (p, (guint32) self->width);
  p = store_32 (p, (guint32) self->height);
  p += 8; /* at 0, 0 */
  if (milliseconds > G_MAXUINT16)
    store_32 (p, (milliseconds + 5) / 10 << 16 | 100);
  else
    store_32 (p, milliseconds << 16 | 1000);
  return put_chunk (self->frames, "fcTL", data, sizeof data, NULL, 0, error);
}

static gboolean
apng_add (gpointer writer, EspPicture *frame, guint milliseconds, GCancellable *cancellable,
          GError **error)
{
  ApngWriter *self = writer;
  g_autoptr (GBytes) still = _esp_encode_png (frame, NULL, &self->options, cancellable, error);
  const guint8 *data;
  gsize size;

  if (still == NULL || !put_frame_control (self, milliseconds, error))
    return FALSE;
  data = g_bytes_get_data (still, &size);
  for (gsize at = 8; at + 12 <= size; at += (gsize) _esp_be_32 (data + at) + 12)
    {
      const gsize length = _esp_be_32 (data + at);
      guint8 number[4];

      if (memcmp (data + at + 4, "IDAT", 4) != 0)
        continue;
      if (self->n_frames == 0)
        {
          if (!put_chunk (self->frames, "IDAT", NULL, 0, data + at + 8, length, error))
            return FALSE;
          continue;
        }
      store_32 (number, self->sequence++);
      if (!put_chunk (self->frames, "fdAT", number, 4, data + at + 8, length, error))
        return FALSE;
    }
  self->n_frames++;
  return TRUE;
}

/* The chunks that say sRGB and carry the recipe, from a PNG of one pixel. */
static gboolean
put_descriptions (ApngWriter *self, GByteArray *out, const EspRecipe *recipe, GError **error)
{
  g_autoptr (EspPicture) dot = esp_picture_new (1, 1, error);
  g_autoptr (GBytes) still = NULL;
  const guint8 *data;
  gsize size;

  if (dot == NULL)
    return FALSE;
  memset (dot->pixels, 0, 3);
  still = _esp_encode_png (dot, recipe, &self->options, NULL, error);
  if (still == NULL)
    return FALSE;
  data = g_bytes_get_data (still, &size);
  for (gsize at = 8; at + 12 <= size; at += (gsize) _esp_be_32 (data + at) + 12)
    if (data[at + 4] >= 'a' /* ancillary */
        && !_esp_animation_append (out, data + at, (gsize) _esp_be_32 (data + at) + 12, error))
      return FALSE;
  return TRUE;
}

static GBytes *
apng_finish (gpointer writer, const EspRecipe *recipe, GError **error)
{
  ApngWriter *self = writer;
  g_autoptr (GByteArray) out = g_byte_array_new ();
  guint8 header[13] = { 0 };
  guint8 control[8] = { 0 }; /* frames, plays: 0 = for ever */

  store_32 (header, (guint32) self->width);
  store_32 (header + 4, (guint32) self->height);
  header[8] = 8; /* bits */
  header[9] = 2; /* RGB */
  store_32 (control, self->n_frames);
  g_byte_array_append (out, (const guint8 *) "\x89PNG\r\n\x1a\n", 8);
  if (!put_chunk (out, "IHDR", header, sizeof header, NULL, 0, error)
      || !put_chunk (out, "acTL", control, sizeof control, NULL, 0, error)
      || !put_descriptions (self, out, recipe, error)
      || !_esp_animation_append (out, self->frames->data, self->frames->len, error)
      || !put_chunk (out, "IEND", NULL, 0, NULL, 0, error))
    return NULL;
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

const EspAnimationKind _esp_animation_apng
    = { apng_create, apng_add, apng_finish, apng_destroy, ESP_PICTURE_MAX_SIDE };
