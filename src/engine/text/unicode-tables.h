/* SPDX-License-Identifier: MIT */
/* unicode-tables.h: the generated tables behind unicode.c (tools/reference/unicode-tables.py). */
#pragma once

#include <stdint.h>

typedef struct EspCombining
{
  uint32_t code_point;
  uint8_t combining_class;
} EspCombining;

/* `code_point` becomes esp_unicode_pool[offset … offset + length). */
typedef struct EspMapping
{
  uint32_t code_point;
  uint16_t offset, length;
} EspMapping;

typedef struct EspComposition
{
  uint32_t first, second, composed;
} EspComposition;

/* The properties of c are esp_unicode_values[esp_unicode_blocks[esp_unicode_stage[c / 256]][c %
 * 256]]: bits 0…4 the EspCharFlags, 5…8 the grapheme class, 9 "is a pictograph", 10…11 the class
 * in Indic conjuncts. */
extern const uint16_t esp_unicode_values[];
extern const uint8_t esp_unicode_stage[4352];
extern const uint8_t esp_unicode_blocks[][256];

/* All sorted by code point(s). */
extern const EspCombining esp_unicode_combining[];
extern const int esp_unicode_combining_count;
extern const EspMapping esp_unicode_decompositions[]; /* full, canonical; Hangul left out */
extern const int esp_unicode_decompositions_count;
extern const EspMapping esp_unicode_lower[];
extern const int esp_unicode_lower_count;
extern const uint32_t esp_unicode_pool[];
extern const EspComposition esp_unicode_compositions[];
extern const int esp_unicode_compositions_count;
