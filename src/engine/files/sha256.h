/* SPDX-License-Identifier: MIT */
/* sha256.h: SHA-256 of a stream of bytes (FIPS 180-4), with the processor's SHA instructions where
 * it has them.
 *
 *     EspSha256 sha;
 *     esp_sha256_init (&sha);
 *     esp_sha256_update (&sha, bytes, length);   as often as needed
 *     esp_sha256_finish (&sha, hex);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ESP_SHA256_BLOCK    64
#define ESP_SHA256_HEX_SIZE 65 /* 64 digits and a NUL */

typedef struct EspSha256
{
  uint32_t state[8];
  uint64_t length; /* bytes so far */
  uint8_t pending[ESP_SHA256_BLOCK];
  void (*compress) (uint32_t state[8], const uint8_t *blocks, size_t count);
} EspSha256;

void esp_sha256_init (EspSha256 *sha);

/* The same without the processor's SHA instructions, so that tests can compare both. */
void esp_sha256_init_portable (EspSha256 *sha);

void esp_sha256_update (EspSha256 *sha, const void *bytes, size_t length);

/* Writes the digest as lower-case hexadecimal digits. *sha must be initialised again before it is
 * used for anything else. */
void esp_sha256_finish (EspSha256 *sha, char hex[ESP_SHA256_HEX_SIZE]);
