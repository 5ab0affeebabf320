/* SPDX-License-Identifier: MIT */
/* gguf-pieces.h: the sentencepiece model that a GGUF file of a T5 encoder carries in its metadata
 * (`tokenizer.ggml.…`), as llama.cpp's converter writes it. */
#pragma once

#include "files/gguf.h"
#include "text/sentencepiece-file.h"

typedef struct EspGgufPieces
{
  EspSentencePieceFile file; /* views into the mapped file; file.bytes is NULL */
  size_t unknown, end, pad;  /* indexes of pieces */
  /* How many places after the pieces only fill the vocabulary up to the embedding's rows: T5's
   * extra ids are there, which a sentencepiece model does not have. */
  size_t fillers;
} EspGgufPieces;

/* Reads and checks the tokenizer of `gguf`, which must stay open; `path` is for messages.
 * ESP_ERROR_FORMAT names the key; ESP_ERROR_UNSUPPORTED for a tokenizer that is not T5's;
 * ESP_ERROR_MEMORY. */
EspStatus esp_gguf_pieces_read (const EspGguf *gguf, const char *path, EspGgufPieces *pieces,
                                EspError *error);
void esp_gguf_pieces_clear (EspGgufPieces *pieces);
