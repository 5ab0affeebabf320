/* SPDX-License-Identifier: MIT */
/* tokenizer.h: text → token ids, identical to the transformers library on every string. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* Ids without start, end or padding tokens; grows as needed. */
typedef struct EspIds
{
  int32_t *ids;
  size_t count, capacity;
} EspIds;

#define ESP_IDS_INIT                                                                               \
  {                                                                                                \
    NULL, 0, 0                                                                                     \
  }
void esp_ids_clear (EspIds *ids);

/* Checks that `length` bytes are well-formed UTF-8 (no surrogates, no overlong forms, ≤ U+10FFFF);
 * ESP_ERROR_ARGUMENT names the byte offset. Every tokenizer call does this first. */
EspStatus esp_utf8_validate (const char *text, size_t length, EspError *error);

typedef struct EspClipTokenizer EspClipTokenizer;

/* Reads tokenizer.json in `folder`, or vocab.json and merges.txt where there is none (and
 * tokenizer_config.json / special_tokens_map.json / added_tokens.json where there are any).
 * Errors: ESP_ERROR_FILE, ESP_ERROR_FORMAT, ESP_ERROR_UNSUPPORTED, ESP_ERROR_MEMORY. */
EspStatus esp_clip_tokenizer_open (const char *folder, EspClipTokenizer **tokenizer,
                                   EspError *error);
void esp_clip_tokenizer_free (EspClipTokenizer *tokenizer);
int32_t esp_clip_tokenizer_start (const EspClipTokenizer *tokenizer);
int32_t esp_clip_tokenizer_end (const EspClipTokenizer *tokenizer);
int32_t esp_clip_tokenizer_pad (const EspClipTokenizer *tokenizer);
int32_t esp_clip_tokenizer_max_id (
    const EspClipTokenizer *tokenizer); /* the largest id it can give */
EspStatus esp_clip_tokenize (const EspClipTokenizer *tokenizer, const char *text, size_t length,
                             EspIds *ids, EspError *error);

typedef struct EspT5Tokenizer EspT5Tokenizer;

/* Reads tokenizer.json, or spiece.model where there is no tokenizer.json, in `folder`, with the
 * same files beside it. The pieces and the character map count; the other steps that tokenizer.json
 * names are checked but not used, as in the transformers library (5.x), which always splits T5
 * text at white space. Errors as above. */
EspStatus esp_t5_tokenizer_open (const char *folder, EspT5Tokenizer **tokenizer, EspError *error);

/* The tokenizer that the GGUF file `path` of a T5 encoder has in its metadata: the same ids as from
 * the folder that it was made of. (Whether text begins with a space and keeps several in a row is
 * not asked, as above.) ESP_ERROR_UNSUPPORTED where the file has none, or another model's. */
EspStatus esp_t5_tokenizer_open_gguf (const char *path, EspT5Tokenizer **tokenizer,
                                      EspError *error);
void esp_t5_tokenizer_free (EspT5Tokenizer *tokenizer);
int32_t esp_t5_tokenizer_end (const EspT5Tokenizer *tokenizer); /* </s> */
int32_t esp_t5_tokenizer_pad (const EspT5Tokenizer *tokenizer); /* <pad> */
int32_t esp_t5_tokenizer_max_id (const EspT5Tokenizer *tokenizer);
EspStatus esp_t5_tokenize (const EspT5Tokenizer *tokenizer, const char *text, size_t length,
                           EspIds *ids, EspError *error);
