/* SPDX-License-Identifier: MIT */
/* charsmap.h: sentencepiece's precompiled normalisation (a Darts double-array trie from byte
 * strings to replacements), applied as the tokenizers library applies it. */
#pragma once

#include "status.h"
#include "text/utf8.h"

typedef struct EspCharsmap EspCharsmap;

/* Parses `length` bytes: a little-endian u32 with the size of the trie in bytes, the trie's u32
 * units, then NUL-terminated replacements. Every entry that a text could reach is checked here, so
 * that applying the map cannot fail. `path` is only for messages. Errors: ESP_ERROR_FORMAT,
 * ESP_ERROR_MEMORY. */
EspStatus esp_charsmap_parse (const char *path, const unsigned char *bytes, size_t length,
                              EspCharsmap **charsmap, EspError *error);

/* The same from base64 text, as tokenizer.json has it. */
EspStatus esp_charsmap_parse_base64 (const char *path, const char *base64, EspCharsmap **charsmap,
                                     EspError *error);
void esp_charsmap_free (EspCharsmap *charsmap);

/* Appends the normalised form of `length` bytes of valid UTF-8. False when memory is out. */
bool esp_charsmap_append (const EspCharsmap *charsmap, EspText *out, const char *text,
                          size_t length);
