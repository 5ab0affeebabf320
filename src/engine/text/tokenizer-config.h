/* SPDX-License-Identifier: MIT */
/* tokenizer-config.h: which added tokens a tokenizer folder has.
 *
 * Three generations of files say it in different ways. This follows what the transformers library
 * (5.x) makes of them: tokenizer_config.json first; where that has no "added_tokens_decoder", also
 * special_tokens_map.json, added_tokens.json and the "added_tokens" of tokenizer.json.
 */
#pragma once

#include <jansson.h>

#include "text/added-tokens.h"

/* One of the names that bear a meaning of their own. */
typedef enum
{
  ESP_NAMED_BOS,
  ESP_NAMED_EOS,
  ESP_NAMED_UNK,
  ESP_NAMED_SEP,
  ESP_NAMED_PAD,
  ESP_NAMED_CLS,
  ESP_NAMED_MASK,
  ESP_NAMED_COUNT
} EspNamedToken;

/* A token as the files spell it. */
typedef struct EspTokenSpec
{
  char *content;
  bool is_plain; /* a bare string: flags still at their defaults */
  bool single_word, lstrip, rstrip, special;
  int normalized; /* -1: not said, the opposite of special */
} EspTokenSpec;

typedef struct EspTokenSpecs
{
  EspTokenSpec *items;
  int64_t *indexes; /* the ids that the files give, only used for the order */
  size_t count, capacity;
} EspTokenSpecs;

typedef struct EspTokenizerConfig
{
  EspTokenSpec named[ESP_NAMED_COUNT]; /* content is NULL where there is none */
  EspTokenSpecs decoder;               /* "added_tokens_decoder" and its older forms, by index */
  EspTokenSpecs model_specific;        /* other "…_token" entries */
  EspTokenSpecs extra;                 /* extra or additional special tokens */
  EspTokenSpecs additional;
  bool has_extra, has_additional; /* the entry was there, if only as an empty list */
  bool split_special_tokens;
  int64_t extra_ids; /* T5: how many "<extra_id_N>" there are */
} EspTokenizerConfig;

/* Reads the folder's files over `defaults` (ESP_NAMED_COUNT strings, some NULL). `tokenizer_json`
 * is the parsed tokenizer.json or NULL. */
EspStatus esp_tokenizer_config_read (const char *folder, const char *const *defaults,
                                     const json_t *tokenizer_json, EspTokenizerConfig *config,
                                     EspError *error);
void esp_tokenizer_config_clear (EspTokenizerConfig *config);

/* Appends a copy of `spec`. False when memory is out. */
bool esp_token_specs_add (EspTokenSpecs *specs, const EspTokenSpec *spec, int64_t index);

/* Gives every added token its id: the vocabulary's where it has that piece, else the next one
 * after the vocabulary's `count`. */
EspStatus esp_tokenizer_config_resolve (const EspTokenizerConfig *config, const EspTrie *vocabulary,
                                        int32_t count, EspAddedTokens *tokens, EspError *error);

/* The id of `content` among the added tokens or in the vocabulary, or -1. */
int32_t esp_added_tokens_find (const EspAddedTokens *tokens, const EspTrie *vocabulary,
                               const char *content);
