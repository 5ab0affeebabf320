/* SPDX-License-Identifier: MIT */
/* fp8 files with scales, in both conventions; names that are set; and what is refused by name. */
#include <stdlib.h>

#include "check.h"
#include "files/tensor-file.h"
#include "scratch.h"

/* Data of scratch_write_safetensors() are 0, 1, 2, …: these files are written by hand instead. */
static const char *
write_file (const char *name, const char *header, const void *data, size_t data_bytes)
{
  size_t length = strlen (header);
  unsigned char *bytes = malloc (8 + length + data_bytes);
  const char *path;

  if (bytes == NULL)
    exit (99);
  for (size_t i = 0; i < 8; i++)
    bytes[i] = (unsigned char) (length >> (8 * i));
  memcpy (bytes + 8, header, length);
  memcpy (bytes + 8 + length, data, data_bytes);
  path = scratch_write (name, bytes, 8 + length + data_bytes);
  free (bytes);
  return path;
}

/* Two fp8 numbers (1 and -2), then a scale of 0.5 and one of NaN in f32, 0.5 in bf16, a 1, then
 * text. */
static const struct __attribute__ ((packed))
{
  unsigned char fp8[4];
  float half, nan, one, zero, negative;
  unsigned char bf16[4];
  char layer[64];
  float marker;
} data = { { 0x38, 0xC0, 0, 0 },
           0.5f,
           __builtin_nanf (""),
           1.0f,
           0.0f,
           -1.0f,
           { 0x00, 0x3F, 0, 0 },
           "{\"format\": \"float8_e4m3fn\"}{\"format\": \"nvfp4\"}",
           0 };

#define WEIGHT    "\"x.weight\":{\"dtype\":\"F8_E4M3\",\"shape\":[1,2],\"data_offsets\":[0,2]}"
#define HALF      "\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]"
#define NAN_SCALE "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]"
#define ONE       "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]"
#define ZERO      "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]"
#define NEGATIVE  "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[20,24]"
#define BF16_HALF "\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[24,26]"
#define TWO       "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]"
#define BYTES     "\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[12,13]"
#define FP8_LAYER "\"dtype\":\"U8\",\"shape\":[27],\"data_offsets\":[28,55]"
#define NV_LAYER  "\"dtype\":\"U8\",\"shape\":[19],\"data_offsets\":[55,74]"
#define MARKER    "\"scaled_fp8\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[92,96]},"
#define META(layer)                                                                                \
  "\"__metadata__\":{\"_quantization_metadata\":\"{\\\"layers\\\": {" layer "}}\"},"

static EspStatus
open_text (const char *header, EspWeights **weights, EspError *error)
{
  *error = (EspError) ESP_ERROR_INIT;
  *weights = NULL;
  return esp_weights_open_file (write_file ("scaled.safetensors", header, &data, sizeof data),
                                weights, error);
}

static void
scales_are_applied_and_side_tensors_hidden (void)
{
  static const struct
  {
    const char *header;
    float scale; /* 0: the numbers as they are */
  } cases[] = {
    { "{" WEIGHT "}", 0 },
    { "{" MARKER WEIGHT "}", 0 },
    { "{" MARKER WEIGHT ",\"x.scale_weight\":{" HALF "},\"x.scale_input\":{" NAN_SCALE "}}", 0.5f },
    { "{" MARKER WEIGHT ",\"x.scale_weight\":{" BF16_HALF "}}", 0.5f },
    { "{" MARKER WEIGHT ",\"x.scale_weight\":{" ONE "}}", 0 },
    { "{" META ("\\\"x\\\": {\\\"format\\\": \\\"float8_e4m3fn\\\"}") WEIGHT
      ",\"x.weight_scale\":{" HALF "},\"x.input_scale\":{" ONE "}}",
      0.5f },
    { "{" WEIGHT ",\"x.weight_scale\":{" HALF "},\"x.comfy_quant\":{" FP8_LAYER "}}", 0.5f },
    { "{" META ("\\\"elsewhere\\\": {\\\"format\\\": \\\"float8_e4m3fn\\\"}") WEIGHT "}", 0 },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      float factor = cases[i].scale != 0 ? cases[i].scale : 1, numbers[2];
      EspError error;
      EspWeights *weights;
      const EspWeight *weight;

      CHECK_STATUS (open_text (cases[i].header, &weights, &error), ESP_OK, error);
      if (weights == NULL)
        continue;
      CHECK (esp_weights_count (weights) == 1 && esp_weights_foreign_count (weights) == 0);
      weight = esp_weights_at (weights, 0);
      CHECK (strcmp (weight->name, "x.weight") == 0 && weight->scale == cases[i].scale);
      esp_weight_to_f32 (weight, 0, 2, numbers);
      CHECK (numbers[0] == factor && numbers[1] == -2 * factor);
      esp_weights_close (weights);
    }
}

static void
bad_scales_are_refused_by_name (void)
{
#define SCALED(scale) "{" MARKER WEIGHT ",\"x.scale_weight\":{" scale "}}"
  static const struct
  {
    const char *header;
    EspStatus status;
    const char *named, *also;
  } cases[] = {
    { SCALED (NAN_SCALE), ESP_ERROR_FORMAT, "x.scale_weight", "nan" },
    { SCALED (ZERO), ESP_ERROR_FORMAT, "x.scale_weight", "found 0" },
    { SCALED (NEGATIVE), ESP_ERROR_FORMAT, "x.scale_weight", "found -1" },
    { SCALED (TWO), ESP_ERROR_FORMAT, "x.scale_weight", "found 2 of F32" },
    { SCALED (BYTES), ESP_ERROR_FORMAT, "x.scale_weight", "F8_E4M3" },
    { "{" WEIGHT ",\"y.weight_scale\":{" HALF "}}", ESP_ERROR_FORMAT, "y.weight_scale",
      "'y.weight', which is missing" },
    { "{" WEIGHT ",\"x.weight_scale\":{" HALF "},\"x.scale_weight\":{" BF16_HALF "}}",
      ESP_ERROR_FORMAT, "two scales", "x.weight" },
    { "{\"x.weight\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]},"
      "\"x.weight_scale\":{" HALF "}}",
      ESP_ERROR_FORMAT, "x.weight", "F16" },
    { "{" WEIGHT ",\"x.comfy_quant\":{" FP8_LAYER "}}", ESP_ERROR_FORMAT, "x.weight_scale",
      "missing" },
    { "{" META ("\\\"x\\\": {\\\"format\\\": \\\"float8_e4m3fn\\\"}") WEIGHT "}", ESP_ERROR_FORMAT,
      "x.weight_scale", "missing" },
    { "{" META ("\\\"x\\\": {\\\"format\\\": \\\"nvfp4\\\"}") WEIGHT "}", ESP_ERROR_UNSUPPORTED,
      "nvfp4", "'x'" },
    { "{" META ("\\\"x\\\": {}") WEIGHT "}", ESP_ERROR_FORMAT, "format", "'x'" },
    { "{" META ("\\\"x\\\": {") WEIGHT "}", ESP_ERROR_FORMAT, "line", "" },
    { "{" WEIGHT ",\"x.comfy_quant\":{" NV_LAYER "}}", ESP_ERROR_UNSUPPORTED, "nvfp4", "'x'" },
    { "{" WEIGHT ",\"x.comfy_quant\":{" HALF "}}", ESP_ERROR_FORMAT, "x.comfy_quant", "JSON" },
    { "{" WEIGHT ",\"x.weight_scale\":{" BYTES "},\"x.weight_scale_2\":{" HALF "}}",
      ESP_ERROR_UNSUPPORTED, "nvfp4", "'x'" },
    { "{\"x.qweight\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
      ESP_ERROR_UNSUPPORTED, "SVDQuant", "'x'" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      EspError error;
      EspWeights *weights;

      CHECK_STATUS (open_text (cases[i].header, &weights, &error), cases[i].status, error);
      CHECK (weights == NULL);
      CHECK_MESSAGE (error, "scaled.safetensors");
      CHECK_MESSAGE (error, cases[i].named);
      CHECK_MESSAGE (error, cases[i].also);
      esp_weights_close (weights);
    }
}

static void
a_scale_may_lie_in_another_shard (void)
{
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  write_file ("a.safetensors", "{" WEIGHT "}", &data, sizeof data);
  write_file ("b.safetensors", "{\"x.weight_scale\":{" HALF "}}", &data, sizeof data);
  scratch_write_text ("model.safetensors.index.json",
                      "{\"weight_map\":{\"x.weight\":\"a.safetensors\","
                      "\"x.weight_scale\":\"b.safetensors\"}}");
  CHECK_STATUS (esp_weights_open (scratch_path (""), "model", &weights, &error), ESP_OK, error);
  if (weights != NULL)
    CHECK (esp_weights_count (weights) == 1 && esp_weights_at (weights, 0)->scale == 0.5f);
  esp_weights_close (weights);
}

static EspNamedWeight
rows_as (const char *name, const EspWeight *weight, int64_t first, int64_t rows)
{
  EspNamedWeight named = { strdup (name), *weight };
  int64_t per_row = weight->count / weight->shape[0];

  named.weight.data
      = (const char *) weight->data + esp_dtype_bytes (weight->dtype, first * per_row);
  named.weight.shape[0] = rows;
  named.weight.count = rows * per_row;
  return named;
}

static void
names_that_are_set_are_all_that_is_seen (void)
{
  const char *path = scratch_write_safetensors (
      "fused.safetensors",
      "{\"qkv\":{\"dtype\":\"BF16\",\"shape\":[3,2],\"data_offsets\":[0,12]},"
      "\"more\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}",
      16);
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  const EspWeight *found = NULL, *qkv;
  EspNamedWeight *named = malloc (2 * sizeof *named), *twice = malloc (2 * sizeof *twice);

  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  if (weights == NULL || named == NULL || twice == NULL)
    return;
  qkv = esp_weights_find_stored (weights, "qkv");
  named[0] = rows_as ("to_v", qkv, 2, 1);
  named[1] = rows_as ("to_q", qkv, 0, 1);
  twice[0] = rows_as ("to_k", qkv, 0, 1);
  twice[1] = rows_as ("to_k", qkv, 1, 1);
  CHECK_STATUS (esp_weights_set_names (weights, named, 2, &error), ESP_OK, error);
  CHECK (esp_weights_count (weights) == 2 && esp_weights_bytes (weights) == 8);
  CHECK (esp_weights_find (weights, "qkv") == NULL && esp_weights_find (weights, "more") == NULL);
  found = esp_weights_find (weights, "to_v");
  CHECK (found != NULL && ((const unsigned char *) found->data)[0] == 8);
  CHECK (found != NULL && strcmp (found->name, "qkv") == 0);
  CHECK (strcmp (esp_weights_stored (weights, 0)->name, "more") == 0);
  CHECK (esp_weights_stored_count (weights) == 2);

  CHECK_STATUS (esp_weights_require (weights, "to_q", 2, (int64_t[]){ 2, 2 }, &found, &error),
                ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "'qkv' (as 'to_q'): expected shape [2, 2], found [1, 2]");
  CHECK_STATUS (esp_weights_set_names (weights, twice, 2, &error), ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "'to_k'");
  CHECK_MESSAGE (error, "fused.safetensors");
  CHECK (esp_weights_count (weights) == 2);
  esp_weights_close (weights);
}

int
main (void)
{
  scratch_open ();
  CASE (scales_are_applied_and_side_tensors_hidden);
  CASE (bad_scales_are_refused_by_name);
  CASE (a_scale_may_lie_in_another_shard);
  CASE (names_that_are_set_are_all_that_is_seen);
  scratch_close ();
  return check_done ();
}
