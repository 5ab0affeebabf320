/* SPDX-License-Identifier: MIT */
/* sentencepiece-file.h: reads a sentencepiece model (spiece.model), a protobuf message. */
#pragma once

#include "status.h"

#include <stddef.h>
#include <stdint.h>

/* ModelProto.SentencePiece.Type */
typedef enum
{
  ESP_PIECE_NORMAL = 1,
  ESP_PIECE_UNKNOWN = 2,
  ESP_PIECE_CONTROL = 3,
  ESP_PIECE_USER_DEFINED = 4,
  ESP_PIECE_UNUSED = 5,
  ESP_PIECE_BYTE = 6
} EspPieceType;

typedef struct EspPiece
{
  const char *text; /* points into `bytes`; not NUL terminated; valid UTF-8 without NUL */
  size_t length;
  float score;
  int type;
} EspPiece;

typedef struct EspSentencePieceFile
{
  char *bytes; /* the whole file */
  EspPiece *pieces;
  size_t count;
  const unsigned char *charsmap; /* normalizer_spec.precompiled_charsmap, or NULL */
  size_t charsmap_length;
} EspSentencePieceFile;

/* Reads and checks `path` in full. Errors: ESP_ERROR_FILE, ESP_ERROR_FORMAT (with the byte offset),
 * ESP_ERROR_UNSUPPORTED where the model is not a unigram model, ESP_ERROR_MEMORY. */
EspStatus esp_sentencepiece_file_open (const char *path, EspSentencePieceFile *file,
                                       EspError *error);
void esp_sentencepiece_file_clear (EspSentencePieceFile *file);
