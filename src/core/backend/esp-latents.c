/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-latents.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "esp-json-member.h"

G_DEFINE_QUARK (esp - latents - error - quark, esp_latents_error)

/* The bytes: this, then zlib of all numbers' low bytes and then their high bytes (which repeat, and
 * alone become smaller), each channel of all tokens in a row. */
#define MAGIC   "ESPLATNT"
#define VERSION 1
enum
{
  AT_MAGIC = 0,
  AT_VERSION = 8,   /* u16, all little endian */
  AT_COLUMNS = 10,  /* u16: width / 16 */
  AT_ROWS = 12,     /* u16: height / 16 */
  AT_CHANNELS = 14, /* u16 */
  AT_MODEL = 16,    /* 32 bytes: the model's hash */
  HEADER_SIZE = 48,
};

#define TOKEN_SIDE   16
#define MODEL_BYTES  32
#define DEFLATE_RATE 1032 /* as much as one byte of zlib's can unfold to */

/* Of the worker's files: bytes, at a multiple of which their numbers begin. */
#define ALIGNMENT 8
/* Of the worker's files: a header has the one tensor's name, type, shape and place. */
#define FILE_HEADER_MAX (64 * 1024)

typedef struct
{
  int columns, rows, channels;
  char model[2 * MODEL_BYTES + 1];
} Shape;

static gsize
count_of (const Shape *shape)
{
  return (gsize) shape->columns * (gsize) shape->rows * (gsize) shape->channels;
}

static gboolean
fail_damaged (GError **error, const char *what)
{
  g_set_error_literal (error, ESP_LATENTS_ERROR, ESP_LATENTS_ERROR_DAMAGED, what);
  return FALSE;
}

/* --- Half precision --------------------------------------------------------------------------- */

/* IEEE 754 binary16, rounded half to even; `value` is finite and at most 65504 either way. */
static guint16
half_of (float value)
{
  guint32 bits, magnitude, sign;

  memcpy (&bits, &value, sizeof bits);
  sign = bits >> 16 & 0x8000;
  magnitude = bits & 0x7fffffff;
  /* Below 2⁻¹⁴ halves are multiples of 2⁻²⁴. */
  if (magnitude < 0x38800000)
    return (guint16) (sign | (guint32) lrintf (fabsf (value) * 0x1p24f));
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return (guint16) (sign | (magnitude - 0x38000000) >> 13);
}

static float
float_of (guint16 half)
{
  guint32 exponent = half >> 10 & 0x1f, mantissa = half & 0x3ff;
  float magnitude = exponent == 0 ? (float) mantissa * 0x1p-24f
                                  : ldexpf ((float) (mantissa | 0x400), (int) exponent - 25);

  return half & 0x8000 ? -magnitude : magnitude;
}

/* --- The first bytes -------------------------------------------------------------------------- */

static void
put16 (guint8 *at, int value)
{
  at[0] = (guint8) (value & 0xff);
  at[1] = (guint8) (value >> 8);
}

static int
get16 (const guint8 *at)
{
  return at[0] | at[1] << 8;
}

static gboolean
is_hash (const char *hash)
{
  return hash != NULL && strlen (hash) == 2 * MODEL_BYTES
         && strspn (hash, "0123456789abcdef") == 2 * MODEL_BYTES;
}

static gboolean
is_possible (const Shape *shape)
{
  return shape->columns > 0 && shape->columns <= ESP_LATENTS_SIDE_MAX / TOKEN_SIDE
         && shape->rows > 0 && shape->rows <= ESP_LATENTS_SIDE_MAX / TOKEN_SIDE
         && shape->channels > 0 && shape->channels <= ESP_LATENTS_CHANNELS_MAX;
}

static gboolean
take_shape (Shape *shape, int width, int height, int channels, const char *model_hash,
            GError **error)
{
  *shape
      = (Shape){ .columns = width / TOKEN_SIDE, .rows = height / TOKEN_SIDE, .channels = channels };
  if (width % TOKEN_SIDE != 0 || height % TOKEN_SIDE != 0 || !is_possible (shape))
    return fail_damaged (error, "latents: no picture has this size");
  if (!is_hash (model_hash))
    return fail_damaged (error, "latents: the model has no hash");
  g_strlcpy (shape->model, model_hash, sizeof shape->model);
  return TRUE;
}

static void
write_header (const Shape *shape, guint8 header[HEADER_SIZE])
{
  memcpy (header + AT_MAGIC, MAGIC, strlen (MAGIC));
  put16 (header + AT_VERSION, VERSION);
  put16 (header + AT_COLUMNS, shape->columns);
  put16 (header + AT_ROWS, shape->rows);
  put16 (header + AT_CHANNELS, shape->channels);
  for (int i = 0; i < MODEL_BYTES; i++)
    header[AT_MODEL + i] = (guint8) (g_ascii_xdigit_value (shape->model[2 * i]) << 4
                                     | g_ascii_xdigit_value (shape->model[2 * i + 1]));
}

/* Everything that can be told without unfolding anything, and so before anything is allocated. */
static gboolean
read_header (GBytes *latents, Shape *shape)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (latents, &size);

  *shape = (Shape){ 0 };
  if (size <= HEADER_SIZE || memcmp (data + AT_MAGIC, MAGIC, strlen (MAGIC)) != 0
      || get16 (data + AT_VERSION) != VERSION)
    return FALSE;
  shape->columns = get16 (data + AT_COLUMNS);
  shape->rows = get16 (data + AT_ROWS);
  shape->channels = get16 (data + AT_CHANNELS);
  for (int i = 0; i < MODEL_BYTES; i++)
    g_snprintf (shape->model + 2 * i, 3, "%02x", data[AT_MODEL + i]);
  return is_possible (shape)
         && count_of (shape) * sizeof (guint16) / DEFLATE_RATE <= size - HEADER_SIZE;
}

gboolean
esp_latents_get_size (GBytes *latents, int *width, int *height)
{
  Shape shape;
  gboolean good = read_header (latents, &shape);

  *width = good ? shape.columns * TOKEN_SIDE : 0;
  *height = good ? shape.rows * TOKEN_SIDE : 0;
  return good;
}

char *
esp_latents_dup_model_hash (GBytes *latents)
{
  Shape shape;

  return read_header (latents, &shape) ? g_strdup (shape.model) : NULL;
}

/* --- All of it -------------------------------------------------------------------------------- */

GBytes *
esp_latents_new (const float *values, int width, int height, int channels, const char *model_hash,
                 GError **error)
{
  g_autoptr (GConverter) zlib = NULL;
  g_autoptr (GOutputStream) packed = NULL, stream = NULL;
  g_autofree guint8 *bytes = NULL;
  guint8 header[HEADER_SIZE];
  gsize tokens, count, at = 0;
  Shape shape;

  g_return_val_if_fail (values != NULL, NULL);

  if (!take_shape (&shape, width, height, channels, model_hash, error))
    return NULL;
  count = count_of (&shape);
  tokens = count / (gsize) shape.channels;
  bytes = g_try_malloc (2 * count);
  if (bytes == NULL)
    {
      fail_damaged (error, "latents: out of memory");
      return NULL;
    }
  for (gsize channel = 0; channel < (gsize) shape.channels; channel++)
    for (gsize token = 0; token < tokens; token++, at++)
      {
        float value = values[token * (gsize) shape.channels + channel];
        guint16 half;

        if (!(fabsf (value) <= 65504))
          {
            g_set_error_literal (error, ESP_LATENTS_ERROR, ESP_LATENTS_ERROR_NUMBERS,
                                 "latents: a number that half precision cannot hold");
            return NULL;
          }
        half = half_of (value);
        bytes[at] = (guint8) (half & 0xff);
        bytes[count + at] = (guint8) (half >> 8);
      }

  write_header (&shape, header);
  packed = g_memory_output_stream_new_resizable ();
  zlib = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 6));
  if (!g_output_stream_write_all (packed, header, sizeof header, NULL, NULL, error))
    return NULL;
  stream = g_converter_output_stream_new (packed, zlib);
  if (!g_output_stream_write_all (stream, bytes, 2 * count, NULL, NULL, error)
      || !g_output_stream_close (stream, NULL, error))
    return NULL;
  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (packed));
}

/* The numbers' bytes: exactly as many as the first bytes say, and zlib's own sum is right. */
static guint8 *
inflate (GBytes *latents, gsize size, GError **error)
{
  g_autoptr (GBytes) rest
      = g_bytes_new_from_bytes (latents, HEADER_SIZE, g_bytes_get_size (latents) - HEADER_SIZE);
  g_autoptr (GInputStream) packed = g_memory_input_stream_new_from_bytes (rest);
  g_autoptr (GConverter) zlib
      = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB));
  g_autoptr (GInputStream) stream = g_converter_input_stream_new (packed, zlib);
  g_autofree guint8 *bytes = g_try_malloc (size);
  guint8 beyond;
  gsize read = 0;

  if (bytes == NULL || !g_input_stream_read_all (stream, bytes, size, &read, NULL, NULL)
      || read != size || g_input_stream_read (stream, &beyond, 1, NULL, NULL) != 0)
    {
      fail_damaged (error, "latents: damaged");
      return NULL;
    }
  return g_steal_pointer (&bytes);
}

float *
esp_latents_unpack (GBytes *latents, int *channels, GError **error)
{
  g_autofree guint8 *bytes = NULL;
  g_autofree float *values = NULL;
  gsize count, tokens, at = 0;
  Shape shape;

  g_return_val_if_fail (latents != NULL, NULL);

  if (!read_header (latents, &shape))
    {
      fail_damaged (error, "latents: these are none");
      return NULL;
    }
  count = count_of (&shape);
  tokens = count / (gsize) shape.channels;
  bytes = inflate (latents, 2 * count, error);
  values = bytes != NULL ? g_try_new (float, count) : NULL;
  if (values == NULL)
    {
      if (bytes != NULL)
        fail_damaged (error, "latents: out of memory");
      return NULL;
    }
  for (gsize channel = 0; channel < (gsize) shape.channels; channel++)
    for (gsize token = 0; token < tokens; token++, at++)
      {
        guint16 half = (guint16) (bytes[at] | bytes[count + at] << 8);

        if ((half & 0x7c00) == 0x7c00)
          {
            g_set_error_literal (error, ESP_LATENTS_ERROR, ESP_LATENTS_ERROR_NUMBERS,
                                 "latents: NaN or infinity");
            return NULL;
          }
        values[token * (gsize) shape.channels + channel] = float_of (half);
      }
  if (channels != NULL)
    *channels = shape.channels;
  return g_steal_pointer (&values);
}

/* --- The worker's files ----------------------------------------------------------------------- */

gboolean
esp_latents_save (GBytes *latents, const char *path, GError **error)
{
  g_autofree float *values = NULL;
  g_autoptr (GByteArray) file = NULL;
  g_autofree char *header = NULL;
  guint64 length;
  Shape shape;
  gsize bytes;

  g_return_val_if_fail (path != NULL, FALSE);

  values = esp_latents_unpack (latents, NULL, error);
  if (values == NULL)
    return FALSE;
  read_header (latents, &shape);
  bytes = count_of (&shape) * sizeof (float);
  header = g_strdup_printf ("{\"latents\":{\"dtype\":\"F32\",\"shape\":[%d,%d],"
                            "\"data_offsets\":[0,%" G_GSIZE_FORMAT "]}}%*s",
                            shape.rows * shape.columns, shape.channels, bytes, ALIGNMENT, "");
  /* The numbers begin at a multiple of it, as safetensors' own writer has it. */
  header[strlen (header) / ALIGNMENT * ALIGNMENT] = '\0';
  file = g_byte_array_sized_new ((guint) (bytes + 256));
  length = GUINT64_TO_LE (strlen (header));
  g_byte_array_append (file, (const guint8 *) &length, sizeof length);
  g_byte_array_append (file, (const guint8 *) header, (guint) strlen (header));
  g_byte_array_append (file, (const guint8 *) values, (guint) bytes);
  return g_file_set_contents_full (path, (const char *) file->data, (gssize) file->len,
                                   G_FILE_SET_CONTENTS_NONE, 0600, error);
}

/* -1: there is none. */
static gint64
int_at (JsonArray *array, guint index)
{
  JsonNode *node
      = index < json_array_get_length (array) ? json_array_get_element (array, index) : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_INT64
             ? json_node_get_int (node)
             : -1;
}

/* Does the header name one tensor of this shape, right behind it? */
static gboolean
names_latents (const char *header, gsize length, const Shape *shape)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *tensor = NULL;
  JsonArray *sides, *offsets;
  JsonNode *root;

  if (!json_parser_load_from_data (parser, header, (gssize) length, NULL))
    return FALSE;
  root = json_parser_get_root (parser);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    tensor = esp_json_get_object (json_node_get_object (root), "latents");
  if (tensor == NULL || g_strcmp0 (esp_json_get_string (tensor, "dtype"), "F32") != 0)
    return FALSE;
  sides = esp_json_get_array (tensor, "shape");
  offsets = esp_json_get_array (tensor, "data_offsets");
  return sides != NULL && json_array_get_length (sides) == 2
         && int_at (sides, 0) == shape->rows * shape->columns
         && int_at (sides, 1) == shape->channels && offsets != NULL
         && json_array_get_length (offsets) == 2 && int_at (offsets, 0) == 0
         && int_at (offsets, 1) == (gint64) (count_of (shape) * sizeof (float));
}

GBytes *
esp_latents_load (const char *path, int width, int height, const char *model_hash, GError **error)
{
  const gsize largest = 8 + FILE_HEADER_MAX
                        + (gsize) (ESP_LATENTS_SIDE_MAX / TOKEN_SIDE)
                              * (ESP_LATENTS_SIDE_MAX / TOKEN_SIDE) * ESP_LATENTS_CHANNELS_MAX
                              * sizeof (float);
  g_autofree char *file = NULL;
  guint64 header;
  gsize size, data, tokens;
  GStatBuf status;
  Shape shape;

  g_return_val_if_fail (path != NULL, NULL);

  if (!take_shape (&shape, width, height, 1, model_hash, error))
    return NULL;
  if (g_stat (path, &status) == 0 && (guint64) status.st_size > largest)
    {
      fail_damaged (error, "latents: the file is too large");
      return NULL;
    }
  if (!g_file_get_contents (path, &file, &size, error))
    return NULL;
  memcpy (&header, file, MIN (size, sizeof header));
  header = GUINT64_FROM_LE (header);
  if (size < sizeof header || header > FILE_HEADER_MAX || header > size - sizeof header)
    {
      fail_damaged (error, "latents: no safetensors file");
      return NULL;
    }

  data = sizeof header + header;
  tokens = count_of (&shape);
  shape.channels = (int) MIN ((size - data) / (tokens * sizeof (float)), G_MAXINT16);
  if (!is_possible (&shape) || count_of (&shape) * sizeof (float) != size - data
      || !names_latents (file + sizeof header, header, &shape))
    {
      fail_damaged (error, "latents: the file has others than the picture needs");
      return NULL;
    }
  /* The header's length need not keep the numbers aligned. */
  memmove (file, file + data, size - data);
  return esp_latents_new ((const float *) (const void *) file, width, height, shape.channels,
                          model_hash, error);
}
