/* SPDX-License-Identifier: MIT */
#include "text/sentencepiece-file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files/regular-file.h"
#include "text/utf8.h"

#define MAX_FILE_BYTES (32 << 20)
#define MAX_PIECES     1000000

/* Field numbers of sentencepiece_model.proto. */
#define MODEL_PIECES          1
#define MODEL_TRAINER_SPEC    2
#define MODEL_NORMALIZER_SPEC 3
#define PIECE_TEXT            1
#define PIECE_SCORE           2
#define PIECE_TYPE            3
#define TRAINER_MODEL_TYPE    3
#define TRAINER_MODEL_UNIGRAM 1
#define NORMALIZER_CHARSMAP   2

/* Protobuf's wire types. */
#define WIRE_VARINT 0
#define WIRE_64BIT  1
#define WIRE_BYTES  2
#define WIRE_32BIT  5

typedef struct Reader
{
  const unsigned char *start; /* of the file, for offsets in messages */
  const unsigned char *at, *end;
  const char *path;
} Reader;

typedef struct Field
{
  uint32_t number;
  unsigned wire;
  uint64_t number_value;     /* of varint, 32-bit and 64-bit fields */
  const unsigned char *data; /* of a length-delimited field */
  size_t length;
} Field;

static EspStatus
broken (const Reader *reader, const char *what, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_FORMAT, "%s: not a sentencepiece model: %s at byte %zu",
                        reader->path, what, (size_t) (reader->at - reader->start));
}

static bool
read_varint (Reader *reader, uint64_t *value)
{
  *value = 0;
  for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7)
    {
      unsigned char byte = *reader->at++;

      *value |= (uint64_t) (byte & 0x7F) << shift;
      if (byte < 0x80)
        return true;
    }
  return false;
}

static EspStatus
read_field (Reader *reader, Field *field, EspError *error)
{
  uint64_t tag, length;
  size_t fixed;

  if (!read_varint (reader, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
    return broken (reader, "a damaged field number", error);
  *field = (Field){ .number = (uint32_t) (tag >> 3), .wire = (unsigned) (tag & 7) };
  switch (field->wire)
    {
    case WIRE_VARINT:
      if (!read_varint (reader, &field->number_value))
        return broken (reader, "a cut or overlong number", error);
      return ESP_OK;
    case WIRE_64BIT:
    case WIRE_32BIT:
      fixed = field->wire == WIRE_64BIT ? 8 : 4;
      if ((size_t) (reader->end - reader->at) < fixed)
        return broken (reader, "the end inside a number", error);
      for (size_t i = 0; i < fixed; i++)
        field->number_value |= (uint64_t) reader->at[i] << (8 * i);
      reader->at += fixed;
      return ESP_OK;
    case WIRE_BYTES:
      if (!read_varint (reader, &length) || length > (uint64_t) (reader->end - reader->at))
        return broken (reader, "a length past the end", error);
      field->data = reader->at;
      field->length = (size_t) length;
      reader->at += length;
      return ESP_OK;
    default:
      return broken (reader, "an unknown wire type", error);
    }
}

static Reader
sub_reader (const Reader *reader, const Field *field)
{
  return (Reader){ reader->start, field->data, field->data + field->length, reader->path };
}

static EspStatus
read_piece (Reader reader, size_t index, EspPiece *piece, EspError *error)
{
  Field field;

  *piece = (EspPiece){ .text = "", .type = ESP_PIECE_NORMAL };
  while (reader.at < reader.end)
    {
      uint32_t bits;
      EspStatus status = read_field (&reader, &field, error);

      if (status != ESP_OK)
        return status;
      if (field.number == PIECE_TEXT && field.wire == WIRE_BYTES)
        {
          piece->text = (const char *) field.data;
          piece->length = field.length;
        }
      else if (field.number == PIECE_SCORE && field.wire == WIRE_32BIT)
        {
          bits = (uint32_t) field.number_value;
          memcpy (&piece->score, &bits, sizeof bits);
        }
      else if (field.number == PIECE_TYPE && field.wire == WIRE_VARINT)
        piece->type = field.number_value <= ESP_PIECE_BYTE ? (int) field.number_value : 0;
    }
  if (esp_utf8_first_error (piece->text, piece->length) != piece->length
      || (piece->length > 0 && memchr (piece->text, 0, piece->length) != NULL))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: piece %zu is not valid UTF-8 text",
                          reader.path, index);
  if (!isfinite (piece->score))
    return esp_error_set (error, ESP_ERROR_FORMAT, "%s: piece %zu has a score that is no number",
                          reader.path, index);
  return ESP_OK;
}

static EspStatus
read_trainer (Reader reader, EspError *error)
{
  Field field;

  while (reader.at < reader.end)
    {
      EspStatus status = read_field (&reader, &field, error);

      if (status != ESP_OK)
        return status;
      if (field.number == TRAINER_MODEL_TYPE && field.wire == WIRE_VARINT
          && field.number_value != TRAINER_MODEL_UNIGRAM)
        return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                              "%s: model_type %u, expected %d (unigram)", reader.path,
                              (unsigned) field.number_value, TRAINER_MODEL_UNIGRAM);
    }
  return ESP_OK;
}

static EspStatus
read_normalizer (Reader reader, EspSentencePieceFile *file, EspError *error)
{
  Field field;

  while (reader.at < reader.end)
    {
      EspStatus status = read_field (&reader, &field, error);

      if (status != ESP_OK)
        return status;
      if (field.number == NORMALIZER_CHARSMAP && field.wire == WIRE_BYTES)
        {
          file->charsmap = field.length > 0 ? field.data : NULL;
          file->charsmap_length = field.length;
        }
    }
  return ESP_OK;
}

static EspStatus
read_model_field (const Reader *reader, const Field *field, size_t capacity,
                  EspSentencePieceFile *file, EspError *error)
{
  if (field->wire != WIRE_BYTES)
    return ESP_OK;
  switch (field->number)
    {
    case MODEL_PIECES:
      if (file->count >= capacity)
        return broken (reader, "too many pieces", error);
      file->count++;
      return read_piece (sub_reader (reader, field), file->count - 1,
                         &file->pieces[file->count - 1], error);
    case MODEL_TRAINER_SPEC:
      return read_trainer (sub_reader (reader, field), error);
    case MODEL_NORMALIZER_SPEC:
      return read_normalizer (sub_reader (reader, field), file, error);
    default:
      return ESP_OK;
    }
}

EspStatus
esp_sentencepiece_file_open (const char *path, EspSentencePieceFile *file, EspError *error)
{
  size_t length, capacity;
  Reader reader;
  Field field;
  EspStatus status;

  *file = (EspSentencePieceFile){ 0 };
  status = esp_regular_file_read (path, MAX_FILE_BYTES, &file->bytes, &length, error);
  if (status != ESP_OK)
    return status;
  /* A piece takes two bytes at least. */
  capacity = length / 2 < MAX_PIECES ? length / 2 : MAX_PIECES;
  file->pieces = malloc ((capacity + 1) * sizeof *file->pieces);
  if (file->pieces == NULL)
    {
      esp_sentencepiece_file_clear (file);
      return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory", path);
    }
  reader.start = reader.at = (const unsigned char *) file->bytes;
  reader.end = reader.start + length;
  reader.path = path;
  while (status == ESP_OK && reader.at < reader.end)
    {
      status = read_field (&reader, &field, error);
      if (status == ESP_OK)
        status = read_model_field (&reader, &field, capacity, file, error);
    }
  if (status == ESP_OK && file->count == 0)
    status = esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: not a sentencepiece model: it has no pieces", path);
  if (status != ESP_OK)
    esp_sentencepiece_file_clear (file);
  return status;
}

void
esp_sentencepiece_file_clear (EspSentencePieceFile *file)
{
  free (file->bytes);
  free (file->pieces);
  *file = (EspSentencePieceFile){ 0 };
}
