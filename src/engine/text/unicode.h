/* SPDX-License-Identifier: MIT */
/* unicode.h: character classes, NFC, lower-casing and grapheme clusters, each exactly as the
 * tokenizers library has them. */
#pragma once

#include "text/utf8.h"

typedef enum
{
  ESP_CHAR_LETTER = 1,        /* \p{L} of the library's patterns */
  ESP_CHAR_NUMBER = 2,        /* \p{N} */
  ESP_CHAR_PATTERN_SPACE = 4, /* \s of the library's patterns */
  ESP_CHAR_WHITE_SPACE = 8,   /* the property White_Space */
  ESP_CHAR_WORD = 16,         /* \w where added tokens are matched */
} EspCharFlags;

/* The EspCharFlags of a code point. */
unsigned esp_unicode_flags (uint32_t code_point);

/* Appends the NFC form of `length` bytes of valid UTF-8. False when memory is out. */
bool esp_unicode_append_nfc (EspText *out, const char *text, size_t length);

/* Appends `length` bytes in lower case, one code point at a time (no final sigma rule, no
 * language). False when memory is out. */
bool esp_unicode_append_lower (EspText *out, const char *text, size_t length);

/* The end of the extended grapheme cluster (UAX #29) that starts at `offset` < `length`. */
size_t esp_unicode_grapheme_end (const char *text, size_t length, size_t offset);
