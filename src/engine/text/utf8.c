/* SPDX-License-Identifier: MIT */
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>

#include "text/tokenizer.h"

void
esp_text_clear (EspText *text)
{
  free (text->data);
  *text = (EspText){ 0 };
}

bool
esp_text_append (EspText *text, const char *bytes, size_t length)
{
  if (length > text->capacity - text->length)
    {
      size_t capacity = text->capacity < 64 ? 64 : text->capacity;
      char *data;

      while (capacity - text->length < length)
        {
          if (capacity > SIZE_MAX / 2)
            return false;
          capacity *= 2;
        }
      data = realloc (text->data, capacity);
      if (data == NULL)
        return false;
      text->data = data;
      text->capacity = capacity;
    }
  if (length > 0)
    memcpy (text->data + text->length, bytes, length);
  text->length += length;
  return true;
}

bool
esp_text_append_code_point (EspText *text, uint32_t code_point)
{
  char bytes[4] = { 0 };
  size_t length = esp_utf8_encode (code_point, bytes);

  return esp_text_append (text, bytes, length);
}

/* Length of the well-formed sequence at `s`, of which `left` bytes exist, or 0. */
static size_t
sequence_length (const unsigned char *s, size_t left)
{
  unsigned char low = 0x80, high = 0xBF;
  size_t length;

  if (s[0] < 0x80)
    return 1;
  if (s[0] >= 0xC2 && s[0] <= 0xDF)
    length = 2;
  else if (s[0] >= 0xE0 && s[0] <= 0xEF)
    length = 3;
  else if (s[0] >= 0xF0 && s[0] <= 0xF4)
    length = 4;
  else
    return 0;

  /* The second byte's range rules out overlong forms, surrogates and what is past U+10FFFF. */
  if (s[0] == 0xE0)
    low = 0xA0;
  else if (s[0] == 0xED)
    high = 0x9F;
  else if (s[0] == 0xF0)
    low = 0x90;
  else if (s[0] == 0xF4)
    high = 0x8F;

  if (left < length || s[1] < low || s[1] > high)
    return 0;
  for (size_t i = 2; i < length; i++)
    if ((s[i] & 0xC0) != 0x80)
      return 0;
  return length;
}

size_t
esp_utf8_first_error (const char *text, size_t length)
{
  size_t offset = 0;

  while (offset < length)
    {
      size_t step = sequence_length ((const unsigned char *) text + offset, length - offset);

      if (step == 0)
        break;
      offset += step;
    }
  return offset;
}

EspStatus
esp_utf8_validate (const char *text, size_t length, EspError *error)
{
  size_t offset = esp_utf8_first_error (text, length);

  if (offset == length)
    return ESP_OK;
  return esp_error_set (error, ESP_ERROR_ARGUMENT,
                        "the text is not valid UTF-8: byte 0x%02X at offset %zu",
                        (unsigned) (unsigned char) text[offset], offset);
}

uint32_t
esp_utf8_next (const char *text, size_t *offset)
{
  const unsigned char *s = (const unsigned char *) text + *offset;

  if (s[0] < 0x80)
    {
      *offset += 1;
      return s[0];
    }
  if (s[0] < 0xE0)
    {
      *offset += 2;
      return ((uint32_t) (s[0] & 0x1F) << 6) | (s[1] & 0x3FU);
    }
  if (s[0] < 0xF0)
    {
      *offset += 3;
      return ((uint32_t) (s[0] & 0x0F) << 12) | ((uint32_t) (s[1] & 0x3F) << 6) | (s[2] & 0x3FU);
    }
  *offset += 4;
  return ((uint32_t) (s[0] & 0x07) << 18) | ((uint32_t) (s[1] & 0x3F) << 12)
         | ((uint32_t) (s[2] & 0x3F) << 6) | (s[3] & 0x3FU);
}

size_t
esp_utf8_previous (const char *text, size_t offset)
{
  do
    offset--;
  while (offset > 0 && ((unsigned char) text[offset] & 0xC0) == 0x80);
  return offset;
}

size_t
esp_utf8_encode (uint32_t code_point, char bytes[4])
{
  if (code_point < 0x80)
    {
      bytes[0] = (char) code_point;
      return 1;
    }
  if (code_point < 0x800)
    {
      bytes[0] = (char) (0xC0 | (code_point >> 6));
      bytes[1] = (char) (0x80 | (code_point & 0x3F));
      return 2;
    }
  if (code_point < 0x10000)
    {
      bytes[0] = (char) (0xE0 | (code_point >> 12));
      bytes[1] = (char) (0x80 | ((code_point >> 6) & 0x3F));
      bytes[2] = (char) (0x80 | (code_point & 0x3F));
      return 3;
    }
  bytes[0] = (char) (0xF0 | (code_point >> 18));
  bytes[1] = (char) (0x80 | ((code_point >> 12) & 0x3F));
  bytes[2] = (char) (0x80 | ((code_point >> 6) & 0x3F));
  bytes[3] = (char) (0x80 | (code_point & 0x3F));
  return 4;
}
