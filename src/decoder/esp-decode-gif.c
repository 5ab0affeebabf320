/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode-gif.c: the first frame of a GIF (87a, 89a). Decoded here rather than by gdk-pixbuf,
 * whose loader takes a file without pixels for a picture of the size that the header claims. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-color-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_CODES 4096

/* A place in the file; reading behind the end gives zeros and sets `short_of_data`. */
typedef struct
{
  const EspSource *source;
  gsize at;
  gboolean short_of_data;
} Reader;

typedef struct
{
  guint width, height; /* of the whole picture, the "logical screen" */
  guint x, y, w, h;    /* of the first frame inside it */
  gboolean interlaced;
  int transparent; /* palette index, or -1 */
  guint8 palette[256][3];
  guint colours;
} Frame;

static guint
next_8 (Reader *self)
{
  if (self->at < self->source->size)
    return self->source->data[self->at++];
  self->short_of_data = TRUE;
  return 0;
}

static guint
next_16 (Reader *self)
{
  const guint low = next_8 (self);
  return low | next_8 (self) << 8;
}

static void
read_palette (Reader *self, Frame *frame, guint flags)
{
  if (!(flags & 0x80))
    return;
  frame->colours = 2u << (flags & 7);
  for (guint i = 0; i < frame->colours; i++)
    for (int c = 0; c < 3; c++)
      frame->palette[i][c] = (guint8) next_8 (self);
}

static void
skip_blocks (Reader *self)
{
  for (guint size = next_8 (self); size > 0 && !self->short_of_data; size = next_8 (self))
    self->at += size; /* may pass the end: the next read notices */
}

/* Goes to the next image descriptor; remembers what the graphic control extension before it says.
 * FALSE at the trailer, the end of the file or anything unknown. */
static gboolean
find_frame (Reader *self, Frame *frame)
{
  while (!self->short_of_data)
    {
      const guint kind = next_8 (self);

      if (kind == 0x2c)
        return TRUE;
      if (kind != 0x21)
        return FALSE;
      if (next_8 (self) == 0xf9 && self->at + 5 <= self->source->size
          && self->source->data[self->at] == 4)
        {
          const guint8 *control = self->source->data + self->at + 1;
          frame->transparent = (control[0] & 1) ? control[3] : -1;
        }
      skip_blocks (self);
    }
  return FALSE;
}

typedef struct
{
  Reader *reader;
  guint bits; /* not yet used, lowest first */
  guint n_bits;
  guint block_left; /* bytes of the sub-block still to come */
  gboolean ended;   /* the blocks are over */
} CodeReader;

static guint
next_code (CodeReader *self, guint size)
{
  guint code;

  while (self->n_bits < size)
    {
      if (self->block_left == 0)
        self->block_left = next_8 (self->reader);
      if (self->block_left == 0 || self->reader->short_of_data)
        {
          self->ended = TRUE;
          return 0;
        }
      self->bits |= next_8 (self->reader) << self->n_bits;
      self->n_bits += 8;
      self->block_left--;
    }
  code = self->bits & ((1u << size) - 1);
  self->bits >>= size;
  self->n_bits -= size;
  return code;
}

typedef struct
{
  guint16 prefix[MAX_CODES]; /* of a string: all but its last letter, as a code */
  guint8 suffix[MAX_CODES];  /* its last letter */
  guint16 length[MAX_CODES];
  guint next; /* the first code not yet given */
} Table;

/* Writes the string of `code` to out[0 … length), as far as `room` goes; returns its first letter.
 */
static guint8
write_string (const Table *table, guint code, guint8 *out, gsize room)
{
  guint8 letter = 0;

  for (gsize i = table->length[code]; i > 0; i--, code = table->prefix[code])
    {
      letter = table->suffix[code];
      if (i <= room)
        out[i - 1] = letter;
    }
  return letter;
}

static void
add_string (Table *table, guint prefix, guint8 letter)
{
  if (table->next == MAX_CODES)
    return; /* full: it stays as it is until the clear code */
  table->prefix[table->next] = (guint16) prefix;
  table->suffix[table->next] = letter;
  table->length[table->next] = (guint16) (table->length[prefix] + 1);
  table->next++;
}

/* LZW as GIF has it: codes growing to 12 bits, a clear code. Fills `n` palette indices and goes on
 * to what follows the frame; FALSE if the codes are wrong or end before. */
static gboolean
decode_lzw (Reader *reader, guint8 *out, gsize n)
{
  CodeReader codes = { .reader = reader };
  const guint least = next_8 (reader);
  const guint clear = 1u << (least & 15);
  guint size = least + 1;
  guint previous = MAX_CODES; /* none */
  gsize done = 0;
  Table table = { 0 };

  if (least < 1 || least > 8)
    return FALSE;
  for (guint i = 0; i < clear; i++)
    {
      table.suffix[i] = (guint8) i;
      table.length[i] = 1;
    }
  table.next = clear + 2;

  while (done < n)
    {
      const guint code = next_code (&codes, size);

      if (codes.ended || code == clear + 1)
        return FALSE;
      if (code == clear)
        {
          size = least + 1;
          table.next = clear + 2;
          previous = MAX_CODES;
          continue;
        }
      if (previous == MAX_CODES ? code > clear : code > table.next || code == MAX_CODES)
        return FALSE;

      if (previous == MAX_CODES)
        write_string (&table, code, out + done, n - done);
      else
        {
          /* A code that is only being made now stands for the previous string and its own first
           * letter. */
          const guint known = code < table.next ? code : previous;
          const guint8 first = write_string (&table, known, out + done, n - done);
          if (known != code && table.length[known] < n - done)
            out[done + table.length[known]] = first;
          add_string (&table, previous, first);
        }
      if (table.next == 1u << size && size < 12)
        size++;
      previous = code;
      done += MIN (table.length[code], n - done);
    }

  reader->at += codes.block_left;
  skip_blocks (reader);
  return TRUE;
}

/* The row of the frame that comes as number i: interlaced files send every 8th, the ones between, …
 */
static guint
row_of (const Frame *frame, guint i)
{
  static const guint starts[] = { 0, 4, 2, 1 };
  static const guint steps[] = { 8, 8, 4, 2 };

  if (!frame->interlaced)
    return i;
  for (int pass = 0; pass < 4; pass++)
    {
      const guint rows
          = frame->h > starts[pass] ? (frame->h - starts[pass] + steps[pass] - 1) / steps[pass] : 0;
      if (i < rows)
        return starts[pass] + i * steps[pass];
      i -= rows;
    }
  return 0;
}

/* White where the frame does not reach or is transparent. */
static gboolean
paint (const Frame *frame, const guint8 *indices, EspPicture *picture)
{
  gboolean see_through = frame->w < frame->width || frame->h < frame->height;

  if (see_through)
    memset (picture->pixels, 255, (gsize) frame->width * frame->height * 3);
  for (guint i = 0; i < frame->h; i++)
    {
      const guint8 *in = indices + (gsize) i * frame->w;
      guint8 *out = picture->pixels
                    + ((gsize) (frame->y + row_of (frame, i)) * frame->width + frame->x) * 3;

      for (guint x = 0; x < frame->w; x++)
        if ((int) in[x] == frame->transparent)
          {
            memset (out + x * 3, 255, 3);
            see_through = TRUE;
          }
        else
          memcpy (out + x * 3, frame->palette[in[x]], 3);
    }
  return see_through;
}

static gboolean
read_frame (Reader *reader, Frame *frame, GError **error)
{
  guint flags;

  reader->at = 6;
  frame->width = next_16 (reader);
  frame->height = next_16 (reader);
  flags = next_8 (reader);
  reader->at += 2; /* background colour and aspect, which nobody honours */
  if (!_esp_source_check_size (reader->source, frame->width, frame->height, error))
    return FALSE;
  read_palette (reader, frame, flags);
  if (!find_frame (reader, frame))
    {
      _esp_source_damaged (reader->source, error, _ ("there is no picture in it"));
      return FALSE;
    }
  frame->x = next_16 (reader);
  frame->y = next_16 (reader);
  frame->w = next_16 (reader);
  frame->h = next_16 (reader);
  flags = next_8 (reader);
  frame->interlaced = (flags & 0x40) != 0;
  read_palette (reader, frame, flags);
  if (reader->short_of_data || frame->colours == 0 || frame->w == 0 || frame->h == 0
      || frame->x + frame->w > frame->width || frame->y + frame->h > frame->height)
    {
      _esp_source_damaged (reader->source, error, _ ("its first frame is wrong"));
      return FALSE;
    }
  return TRUE;
}

EspPicture *
_esp_decode_gif (const EspSource *source, GError **error)
{
  Reader reader = { .source = source };
  Frame frame = { .transparent = -1 };
  Frame later = { 0 };
  g_autofree guint8 *indices = NULL;
  g_autoptr (EspPicture) picture = NULL;
  gsize n;

  source->info->format = "GIF";
  if (!read_frame (&reader, &frame, error))
    return NULL;
  n = (gsize) frame.w * frame.h;
  indices = g_try_malloc0 (n);
  picture = indices != NULL
                ? _esp_source_new_picture (source, (int) frame.width, (int) frame.height, NULL)
                : NULL;
  if (picture == NULL)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("“%s” does not fit into memory"), source->name);
      return NULL;
    }
  if (!decode_lzw (&reader, indices, n))
    {
      _esp_source_damaged (source, error, _ ("the file ends too early or is corrupt"));
      return NULL;
    }
  if (g_cancellable_set_error_if_cancelled (source->cancellable, error))
    return NULL;
  source->info->has_alpha = paint (&frame, indices, picture);
  source->info->animated = find_frame (&reader, &later);
  return g_steal_pointer (&picture);
}
