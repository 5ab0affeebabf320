/* SPDX-License-Identifier: MIT */
#include "text/gguf-pieces.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

#define MAX_PIECES 1000000

#define KEY_MODEL    "tokenizer.ggml.model"
#define KEY_TOKENS   "tokenizer.ggml.tokens"
#define KEY_SCORES   "tokenizer.ggml.scores"
#define KEY_TYPES    "tokenizer.ggml.token_type"
#define KEY_CHARSMAP "tokenizer.ggml.precompiled_charsmap"
#define KEY_UNKNOWN  "tokenizer.ggml.unknown_token_id"
#define KEY_END      "tokenizer.ggml.eos_token_id"
#define KEY_PAD      "tokenizer.ggml.padding_token_id"

static EspStatus
bad_key (const char *path, const char *key, const char *problem, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_FORMAT, "%s: metadata '%s': %s", path, key, problem);
}

static EspStatus
check_model (const EspGguf *gguf, const char *path, EspError *error)
{
  const char *model = esp_gguf_metadata_text (gguf, KEY_MODEL);

  if (model == NULL)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: has no tokenizer in its metadata (no '%s'); give the folder of "
                          "T5's tokenizer",
                          path, KEY_MODEL);
  if (strcmp (model, "t5") != 0)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: metadata '%s' is '%.64s', expected 't5'; give the folder of T5's "
                          "tokenizer",
                          path, KEY_MODEL, model);
  return ESP_OK;
}

/* What llama.cpp's converter writes where the embedding has more rows than there are pieces. */
static bool
is_filler (const EspPiece *piece, size_t index)
{
  char text[32];
  int length = snprintf (text, sizeof text, "[PAD%zu]", index);

  return piece->length == (size_t) length && memcmp (piece->text, text, piece->length) == 0;
}

/* A file that was made of a folder with the extra ids in its list may call them plain pieces. */
static bool
is_extra_id (const EspPiece *piece)
{
  static const char begin[] = "<extra_id_";

  return piece->length > sizeof begin && memcmp (piece->text, begin, sizeof begin - 1) == 0
         && piece->text[piece->length - 1] == '>';
}

static EspStatus
read_tokens (const EspGguf *gguf, const char *path, EspSentencePieceFile *file, EspError *error)
{
  const EspGgufValue *tokens = esp_gguf_metadata_find (gguf, KEY_TOKENS);
  const EspGgufValue *scores = esp_gguf_metadata_find (gguf, KEY_SCORES);
  const EspGgufValue *types = esp_gguf_metadata_find (gguf, KEY_TYPES);
  const char *text;
  uint64_t at = 0;
  size_t length;

  if (tokens == NULL || tokens->type != ESP_GGUF_ARRAY || tokens->element != ESP_GGUF_STRING
      || tokens->count == 0 || tokens->count > MAX_PIECES)
    return bad_key (path, KEY_TOKENS, "expected an array of up to 1000000 strings", error);
  if (scores == NULL || scores->type != ESP_GGUF_ARRAY || scores->count != tokens->count)
    return bad_key (path, KEY_SCORES, "expected as many numbers as there are tokens", error);
  if (types != NULL && (types->type != ESP_GGUF_ARRAY || types->count != tokens->count))
    return bad_key (path, KEY_TYPES, "expected as many numbers as there are tokens", error);
  file->pieces = calloc ((size_t) tokens->count, sizeof *file->pieces);
  if (file->pieces == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);

  while (esp_gguf_next_string (tokens, &at, &text, &length))
    {
      EspPiece *piece = &file->pieces[file->count];
      double score = NAN;
      int64_t type = ESP_PIECE_NORMAL;

      if (esp_utf8_first_error (text, length) != length || memchr (text, 0, length) != NULL)
        return bad_key (path, KEY_TOKENS, "holds a piece that is not UTF-8 text", error);
      if (!esp_gguf_element_double (scores, file->count, &score) || !isfinite (score))
        return bad_key (path, KEY_SCORES, "holds something that is no number", error);
      if (types != NULL && !esp_gguf_element_int (types, file->count, &type))
        return bad_key (path, KEY_TYPES, "expected whole numbers", error);
      *piece = (EspPiece){ text, length, (float) score,
                           type >= 0 && type <= ESP_PIECE_BYTE ? (int) type : 0 };
      if (is_extra_id (piece))
        piece->type = ESP_PIECE_USER_DEFINED;
      file->count++;
    }
  return ESP_OK;
}

/* The id that `key` gives, else `usual`; it must be one of the pieces. */
static EspStatus
read_id (const EspGguf *gguf, const char *path, const char *key, size_t usual, size_t count,
         size_t *id, EspError *error)
{
  int64_t given = esp_gguf_metadata_int (gguf, key, (int64_t) usual);

  if (given < 0 || (uint64_t) given >= count)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: metadata '%s' is %lld, which is none of the %zu tokens", path, key,
                          (long long) given, count);
  *id = (size_t) given;
  return ESP_OK;
}

static EspStatus
read_all (const EspGguf *gguf, const char *path, EspGgufPieces *pieces, EspError *error)
{
  const EspGgufValue *charsmap = esp_gguf_metadata_find (gguf, KEY_CHARSMAP);
  EspSentencePieceFile *file = &pieces->file;
  EspStatus status = check_model (gguf, path, error);

  if (status == ESP_OK)
    status = read_tokens (gguf, path, file, error);
  if (status != ESP_OK)
    return status;
  if (charsmap != NULL
      && (charsmap->type != ESP_GGUF_ARRAY
          || (charsmap->element != ESP_GGUF_UINT8 && charsmap->element != ESP_GGUF_INT8)))
    return bad_key (path, KEY_CHARSMAP, "expected an array of bytes", error);
  if (charsmap != NULL && charsmap->count > 0)
    {
      file->charsmap = charsmap->data;
      file->charsmap_length = (size_t) charsmap->count;
    }

  while (file->count > 0 && is_filler (&file->pieces[file->count - 1], file->count - 1))
    {
      file->count--;
      pieces->fillers++;
    }
  status = read_id (gguf, path, KEY_UNKNOWN, 2, file->count, &pieces->unknown, error);
  if (status == ESP_OK)
    status = read_id (gguf, path, KEY_END, 1, file->count, &pieces->end, error);
  if (status == ESP_OK)
    status = read_id (gguf, path, KEY_PAD, 0, file->count, &pieces->pad, error);
  return status;
}

EspStatus
esp_gguf_pieces_read (const EspGguf *gguf, const char *path, EspGgufPieces *pieces, EspError *error)
{
  EspStatus status;

  *pieces = (EspGgufPieces){ 0 };
  status = read_all (gguf, path, pieces, error);
  if (status != ESP_OK)
    esp_gguf_pieces_clear (pieces);
  return status;
}

void
esp_gguf_pieces_clear (EspGgufPieces *pieces)
{
  free (pieces->file.pieces);
  *pieces = (EspGgufPieces){ 0 };
}
