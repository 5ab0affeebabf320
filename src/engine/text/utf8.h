/* SPDX-License-Identifier: MIT */
/* utf8.h: reading and writing UTF-8 that esp_utf8_validate has accepted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow as they are written. Zero-initialise; free with esp_text_clear(). */
typedef struct EspText
{
  char *data; /* not NUL terminated */
  size_t length, capacity;
} EspText;

void esp_text_clear (EspText *text);
/* Both return false when memory is out; the text is then unchanged. */
bool esp_text_append (EspText *text, const char *bytes, size_t length);
bool esp_text_append_code_point (EspText *text, uint32_t code_point);

/* The offset of the first byte that is not well-formed UTF-8 (as Unicode's table 3-7 has it), or
 * `length` if there is none. */
size_t esp_utf8_first_error (const char *text, size_t length);

/* The code point that starts at `text`[*offset] in valid UTF-8; moves *offset past it. */
uint32_t esp_utf8_next (const char *text, size_t *offset);

/* The start of the code point that ends before `offset` > 0. */
size_t esp_utf8_previous (const char *text, size_t offset);

/* Writes 1 to 4 bytes and returns how many. */
size_t esp_utf8_encode (uint32_t code_point, char bytes[4]);
