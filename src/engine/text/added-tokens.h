/* SPDX-License-Identifier: MIT */
/* added-tokens.h: tokens that are found in the text itself before it is split ("</s>"). */
#pragma once

#include "text/tokenizer.h"
#include "text/trie.h"
#include "text/utf8.h"

typedef struct EspAddedToken
{
  char *content; /* NUL terminated; owned by whoever holds the list */
  int32_t id;
  bool single_word;    /* only where no word character is next to it */
  bool lstrip, rstrip; /* takes white space before or after it along */
  bool normalized;     /* its normalised spelling is looked for in the normalised text */
  bool special;
} EspAddedToken;

typedef struct EspAddedTokens
{
  EspAddedToken *items;
  size_t count;
  bool ignore_special;     /* "split_special_tokens": special tokens are text like any other */
  EspTrie raw, normalized; /* spelling → count - 1 - index into items */
} EspAddedTokens;

/* Appends the normalised form of a text. False when memory is out. */
typedef bool (*EspNormalize) (const void *tokenizer, EspText *out, const char *text, size_t length);

/* What becomes of the text between added tokens. */
typedef EspStatus (*EspTokenizeSection) (const void *tokenizer, const char *text, size_t length,
                                         EspIds *ids, EspError *error);

/* Orders `items` and makes the two tries once they are complete. False when memory is out. */
bool esp_added_tokens_prepare (EspAddedTokens *tokens, EspNormalize normalize,
                               const void *tokenizer);
void esp_added_tokens_clear (EspAddedTokens *tokens);

/* Splits `text` at the tokens that match it as it is, normalises what is between, splits that at
 * the normalised tokens, and gives `section` the rest. Appends all ids in order. */
EspStatus esp_added_tokens_tokenize (const EspAddedTokens *tokens, const char *text, size_t length,
                                     EspNormalize normalize, EspTokenizeSection section,
                                     const void *tokenizer, EspIds *ids, EspError *error);
