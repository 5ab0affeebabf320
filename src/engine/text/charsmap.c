/* SPDX-License-Identifier: MIT */
#include "text/charsmap.h"

#include <stdlib.h>
#include <string.h>

#include "text/unicode.h"

/* Graphemes of up to this many bytes are looked up whole; longer ones code point by code point. */
#define GRAPHEME_MAX_BYTES 5

struct EspCharsmap
{
  uint32_t *units;
  size_t unit_count;
  char *replacements;
  size_t replacements_length;
};

/* The fields of a unit: Darts-clone's double-array format. */
static bool
unit_has_leaf (uint32_t unit)
{
  return unit >> 8 & 1U;
}

static uint32_t
unit_label (uint32_t unit)
{
  return unit & 0x800000FFU;
}

static uint32_t
unit_offset (uint32_t unit)
{
  return (unit >> 10) << ((unit & (1U << 9)) >> 6);
}

static uint32_t
unit_value (uint32_t unit)
{
  return unit & 0x7FFFFFFFU;
}

/* A replacement must lie in the table, end in it and be valid UTF-8. */
static bool
leaf_is_sound (const EspCharsmap *map, size_t position)
{
  size_t value, length;
  const char *end;

  if (position >= map->unit_count)
    return false;
  value = unit_value (map->units[position]);
  if (value >= map->replacements_length)
    return false;
  end = memchr (map->replacements + value, 0, map->replacements_length - value);
  if (end == NULL)
    return false;
  length = (size_t) (end - (map->replacements + value));
  return esp_utf8_first_error (map->replacements + value, length) == length;
}

/* Visits every unit that some key leads to, each once, however the units point at each other. */
static EspStatus
check_trie (const EspCharsmap *map, const char *path, EspError *error)
{
  uint32_t *stack = malloc (map->unit_count * sizeof *stack);
  bool *seen = calloc (map->unit_count, sizeof *seen);
  size_t depth = 0;
  EspStatus status = ESP_OK;

  if (stack == NULL || seen == NULL)
    status = esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  else
    {
      stack[depth++] = 0;
      seen[0] = true;
    }
  while (status == ESP_OK && depth > 0)
    {
      uint32_t node = stack[--depth];
      uint32_t base = node ^ unit_offset (map->units[node]);

      if (node != 0 && unit_has_leaf (map->units[node]) && !leaf_is_sound (map, base))
        {
          status = esp_error_set (error, ESP_ERROR_FORMAT,
                                  "%s: precompiled_charsmap: unit %u of %zu has no sound "
                                  "replacement",
                                  path, node, map->unit_count);
          break;
        }
      for (uint32_t label = 1; label < 256; label++)
        {
          uint32_t child = base ^ label;

          if (child < map->unit_count && !seen[child] && unit_label (map->units[child]) == label)
            {
              seen[child] = true;
              stack[depth++] = child;
            }
        }
    }
  free (stack);
  free (seen);
  return status;
}

EspStatus
esp_charsmap_parse (const char *path, const unsigned char *bytes, size_t length,
                    EspCharsmap **charsmap, EspError *error)
{
  EspCharsmap *map;
  size_t trie_bytes;
  EspStatus status;

  *charsmap = NULL;
  if (length < 4)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: precompiled_charsmap has %zu bytes, expected at least 4", path,
                          length);
  trie_bytes = (size_t) bytes[0] | (size_t) bytes[1] << 8 | (size_t) bytes[2] << 16
               | (size_t) bytes[3] << 24;
  if (trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes > length - 4)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: precompiled_charsmap says its trie takes %zu bytes, expected a "
                          "multiple of 4 up to %zu",
                          path, trie_bytes, length - 4);

  map = calloc (1, sizeof *map);
  if (map != NULL)
    {
      map->unit_count = trie_bytes / 4;
      map->units = malloc (trie_bytes);
      map->replacements_length = length - 4 - trie_bytes;
      map->replacements = malloc (map->replacements_length + 1);
    }
  if (map == NULL || map->units == NULL || map->replacements == NULL)
    {
      esp_charsmap_free (map);
      return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
    }
  for (size_t i = 0; i < map->unit_count; i++)
    {
      const unsigned char *b = bytes + 4 + 4 * i;

      map->units[i]
          = (uint32_t) b[0] | (uint32_t) b[1] << 8 | (uint32_t) b[2] << 16 | (uint32_t) b[3] << 24;
    }
  memcpy (map->replacements, bytes + 4 + trie_bytes, map->replacements_length);

  status = check_trie (map, path, error);
  if (status != ESP_OK)
    {
      esp_charsmap_free (map);
      return status;
    }
  *charsmap = map;
  return ESP_OK;
}

static int
base64_digit (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  if (c == '+')
    return 62;
  return c == '/' ? 63 : -1;
}

EspStatus
esp_charsmap_parse_base64 (const char *path, const char *base64, EspCharsmap **charsmap,
                           EspError *error)
{
  size_t length = strlen (base64), digits = length, count = 0;
  unsigned char *bytes;
  uint32_t bits = 0;
  EspStatus status;

  *charsmap = NULL;
  while (digits > 0 && length - digits < 2 && base64[digits - 1] == '=')
    digits--;
  if (length % 4 != 0)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: precompiled_charsmap is not base64: %zu characters, expected a "
                          "multiple of 4",
                          path, length);
  bytes = malloc (length / 4 * 3 + 1);
  if (bytes == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
  for (size_t i = 0; i < digits; i++)
    {
      int digit = base64_digit (base64[i]);

      if (digit < 0)
        {
          free (bytes);
          return esp_error_set (error, ESP_ERROR_FORMAT,
                                "%s: precompiled_charsmap is not base64 at character %zu", path, i);
        }
      bits = bits << 6 | (uint32_t) digit;
      if (i % 4 != 0)
        bytes[count++] = (unsigned char) (bits >> (6 - 2 * (i % 4)));
    }
  status = esp_charsmap_parse (path, bytes, count, charsmap, error);
  free (bytes);
  return status;
}

void
esp_charsmap_free (EspCharsmap *charsmap)
{
  if (charsmap == NULL)
    return;
  free (charsmap->units);
  free (charsmap->replacements);
  free (charsmap);
}

/* The replacement for the *shortest* key that begins `text`, or NULL. That it is the shortest, and
 * that what follows the key inside a grapheme is dropped with it, is what the library does and what
 * its ids depend on. */
static const char *
find_replacement (const EspCharsmap *map, const char *text, size_t length)
{
  uint32_t position = unit_offset (map->units[0]);

  for (size_t i = 0; i < length; i++)
    {
      unsigned char c = (unsigned char) text[i];
      uint32_t unit;

      position ^= c;
      if (c == 0 || position >= map->unit_count)
        return NULL;
      unit = map->units[position];
      if (unit_label (unit) != c)
        return NULL;
      position ^= unit_offset (unit);
      if (unit_has_leaf (unit))
        return map->replacements + unit_value (map->units[position]);
    }
  return NULL;
}

bool
esp_charsmap_append (const EspCharsmap *charsmap, EspText *out, const char *text, size_t length)
{
  for (size_t offset = 0; offset < length;)
    {
      size_t end = esp_unicode_grapheme_end (text, length, offset);
      const char *replacement = NULL;

      if (end - offset <= GRAPHEME_MAX_BYTES)
        replacement = find_replacement (charsmap, text + offset, end - offset);
      if (replacement != NULL)
        {
          if (!esp_text_append (out, replacement, strlen (replacement)))
            return false;
          offset = end;
        }
      while (offset < end)
        {
          size_t start = offset;

          esp_utf8_next (text, &offset);
          replacement = find_replacement (charsmap, text + start, offset - start);
          if (replacement != NULL ? !esp_text_append (out, replacement, strlen (replacement))
                                  : !esp_text_append (out, text + start, offset - start))
            return false;
        }
    }
  return true;
}
