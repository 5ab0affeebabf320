/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-worker"

#include "esp-line-limit.h"

#include <string.h>

/* A converter that converts nothing and counts. */
#define ESP_TYPE_LINE_LIMIT (esp_line_limit_get_type ())
G_DECLARE_FINAL_TYPE (EspLineLimit, esp_line_limit, ESP, LINE_LIMIT, GObject)

struct _EspLineLimit
{
  GObject parent_instance;
  gsize most, length; /* of the line so far */
};

static GConverterResult
convert (GConverter *converter, const void *input, gsize input_size, void *output,
         gsize output_size, GConverterFlags flags, gsize *bytes_read, gsize *bytes_written,
         GError **error)
{
  EspLineLimit *self = ESP_LINE_LIMIT (converter);
  const gsize size = MIN (input_size, output_size);
  const char *from = input, *end = from + size, *newline;

  if (size == 0 && (flags & G_CONVERTER_INPUT_AT_END) != 0)
    {
      *bytes_read = *bytes_written = 0;
      return G_CONVERTER_FINISHED;
    }
  if (size == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, "nothing yet");
      return G_CONVERTER_ERROR;
    }
  while ((newline = memchr (from, '\n', (gsize) (end - from))) != NULL)
    {
      self->length = 0;
      from = newline + 1;
    }
  self->length += (gsize) (end - from);
  if (self->length > self->most)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, "a line is too long");
      return G_CONVERTER_ERROR;
    }
  memcpy (output, input, size);
  *bytes_read = *bytes_written = size;
  return G_CONVERTER_CONVERTED;
}

static void
reset (GConverter *converter)
{
  ESP_LINE_LIMIT (converter)->length = 0;
}

static void
esp_line_limit_converter_init (GConverterIface *iface)
{
  iface->convert = convert;
  iface->reset = reset;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspLineLimit, esp_line_limit, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_CONVERTER,
                                                      esp_line_limit_converter_init))

static void
esp_line_limit_class_init (EspLineLimitClass *klass)
{
}

static void
esp_line_limit_init (EspLineLimit *self)
{
}

GInputStream *
_esp_line_limit_stream_new (GInputStream *stream, gsize most)
{
  g_autoptr (EspLineLimit) limit = g_object_new (ESP_TYPE_LINE_LIMIT, NULL);

  limit->most = most;
  return g_converter_input_stream_new (stream, G_CONVERTER (limit));
}
