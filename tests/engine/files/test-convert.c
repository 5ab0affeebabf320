/* SPDX-License-Identifier: MIT */
/* Converting a weights file: formats, names, metadata, and that it is there as a whole or not. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "files/convert.h"
#include "files/gguf.h"
#include "files/quantise.h"
#include "files/tensor-file.h"
#include "gguf-builder.h"
#include "scratch.h"

#define OUT  64
#define WIDE 512
#define ODD  96 /* whole blocks of 32, none of 256 */

static float numbers[OUT * WIDE];
static uint16_t narrow[OUT * WIDE];

/* Sums of twelve draws: near enough to what weights look like. */
static void
fill (uint64_t seed)
{
  for (size_t i = 0; i < OUT * WIDE; i++)
    {
      float sum = 0;

      for (int j = 0; j < 12; j++)
        {
          seed = seed * 6364136223846793005u + 1442695040888963407u;
          sum += (float) (seed >> 40) * 0x1p-24f;
        }
      numbers[i] = (sum - 6) * 0.02f;
    }
  esp_f32_to_bf16 (numbers, narrow, OUT * WIDE);
}

/* A little of a transformer: BFL's names behind a prefix. */
static const char *
write_source (void)
{
  const EspWeight tensors[] = {
    { .name = "p.double_blocks.0.img_attn.qkv.weight",
      .dtype = ESP_BF16,
      .dims = 2,
      .shape = { OUT, WIDE },
      .data = narrow },
    { .name = "p.double_blocks.0.img_attn.qkv.bias",
      .dtype = ESP_BF16,
      .dims = 1,
      .shape = { OUT },
      .data = narrow },
    { .name = "p.double_blocks.0.img_attn.proj.weight",
      .dtype = ESP_F32,
      .dims = 2,
      .shape = { OUT, ODD },
      .data = numbers },
    { .name = "p.double_blocks.0.img_mlp.0.weight",
      .dtype = ESP_F32,
      .dims = 2,
      .shape = { OUT, 33 },
      .data = numbers },
    { .name = "p.img_in.weight",
      .dtype = ESP_F32,
      .dims = 2,
      .shape = { OUT, WIDE },
      .data = numbers },
  };
  EspError error = ESP_ERROR_INIT;
  const char *path = scratch_path ("source.safetensors");

  CHECK_STATUS (esp_safetensors_write (path, tensors, 5, &error), ESP_OK, error);
  return path;
}

static EspStatus
convert (const char *input, const char *name, EspConvertType type, EspConvertReport *report,
         EspError *error)
{
  EspConvertRequest request = { .input = input, .output = scratch_path (name), .type = type };

  *error = (EspError) ESP_ERROR_INIT;
  return esp_convert (&request, report, error);
}

static EspWeights *
convert_and_open (const char *input, const char *name, EspConvertType type,
                  EspConvertReport *report)
{
  EspError error;
  EspWeights *weights = NULL;

  CHECK_STATUS (convert (input, name, type, report, &error), ESP_OK, error);
  CHECK_STATUS (esp_weights_open_file (scratch_path (name), &weights, &error), ESP_OK, error);
  return weights;
}

/* The error of a tensor, relative to the size of the numbers that it was made of. */
static double
relative_error (const EspWeight *weight, const float *wanted)
{
  float *found = malloc ((size_t) weight->count * sizeof *found);
  double error = 0, size = 0;

  if (found == NULL)
    return NAN;
  esp_weight_to_f32 (weight, 0, weight->count, found);
  for (int64_t i = 0; i < weight->count; i++)
    {
      error += ((double) found[i] - wanted[i]) * ((double) found[i] - wanted[i]);
      size += (double) wanted[i] * wanted[i];
    }
  free (found);
  return sqrt (error / size);
}

typedef struct
{
  const char *name;
  EspDType dtype;
  double most; /* error; 0: exact */
} Wanted;

static void
check_tensors (const EspWeights *weights, const Wanted *wanted, int count)
{
  float rounded[OUT * WIDE];

  esp_to_f32 (ESP_BF16, narrow, rounded, OUT * WIDE);
  CHECK (esp_weights_count (weights) == count && esp_weights_foreign_count (weights) == 0);
  for (int i = 0; i < count; i++)
    {
      const EspWeight *weight = esp_weights_find (weights, wanted[i].name);
      bool was_narrow = strstr (wanted[i].name, ".qkv.") != NULL;

      CHECK (weight != NULL && weight->dtype == wanted[i].dtype);
      if (weight == NULL)
        continue;
      double error = relative_error (weight, was_narrow ? rounded : numbers);
      if (!(error <= wanted[i].most))
        printf ("# %s: %s is off by %g\n", wanted[i].name, esp_dtype_name (weight->dtype), error);
      CHECK (error <= wanted[i].most);
    }
}

static void
layers_are_converted_and_the_rest_is_kept (void)
{
  static const struct
  {
    EspConvertType type;
    Wanted wanted[5];
    int64_t converted;
  } cases[] = {
    { ESP_CONVERT_Q8_0,
      { { "p.double_blocks.0.img_attn.qkv.weight", ESP_Q8_0, 0.006 },
        { "p.double_blocks.0.img_attn.qkv.bias", ESP_BF16, 0 },
        { "p.double_blocks.0.img_attn.proj.weight", ESP_Q8_0, 0.006 },
        { "p.double_blocks.0.img_mlp.0.weight", ESP_F32, 0 },
        { "p.img_in.weight", ESP_F32, 0 } },
      2 },
    { ESP_CONVERT_Q4_K,
      { { "p.double_blocks.0.img_attn.qkv.weight", ESP_Q4_K, 0.075 },
        { "p.double_blocks.0.img_attn.qkv.bias", ESP_BF16, 0 },
        { "p.double_blocks.0.img_attn.proj.weight", ESP_Q8_0, 0.006 },
        { "p.double_blocks.0.img_mlp.0.weight", ESP_F32, 0 },
        { "p.img_in.weight", ESP_F32, 0 } },
      2 },
    { ESP_CONVERT_FP8,
      { { "p.double_blocks.0.img_attn.qkv.weight", ESP_F8_E4M3, 0.03 },
        { "p.double_blocks.0.img_attn.qkv.bias", ESP_BF16, 0 },
        { "p.double_blocks.0.img_attn.proj.weight", ESP_F8_E4M3, 0.03 },
        { "p.double_blocks.0.img_mlp.0.weight", ESP_F8_E4M3, 0.03 },
        { "p.img_in.weight", ESP_F32, 0 } },
      3 },
    { ESP_CONVERT_BF16,
      { { "p.double_blocks.0.img_attn.qkv.weight", ESP_BF16, 0 },
        { "p.double_blocks.0.img_attn.qkv.bias", ESP_BF16, 0 },
        { "p.double_blocks.0.img_attn.proj.weight", ESP_BF16, 0.002 },
        { "p.double_blocks.0.img_mlp.0.weight", ESP_BF16, 0.002 },
        { "p.img_in.weight", ESP_BF16, 0.002 } },
      5 },
  };
  const char *source = write_source ();

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      EspConvertReport report;
      EspWeights *weights = convert_and_open (source, "out", cases[i].type, &report);
      bool gguf = i < 2;

      if (weights == NULL)
        continue;
      check_tensors (weights, cases[i].wanted, 5);
      CHECK (report.converted == cases[i].converted && report.kept == 5 - cases[i].converted);
      CHECK (report.bytes_out > 0 && report.left_out == 0);
      CHECK (esp_weights_file_is_gguf (weights, 0) == gguf);
      if (gguf)
        CHECK (
            strcmp (esp_gguf_metadata_text (esp_weights_gguf (weights, 0), "general.architecture"),
                    "flux")
            == 0);
      esp_weights_close (weights);
    }
}

/* What a plain fit of minimum and maximum would give: the error that Q4_K must stay below. */
static double
plain_fit_error (void)
{
  double error = 0, size = 0;

  for (size_t group = 0; group < OUT * WIDE; group += 32)
    {
      float least = 0, most = 0, scale;

      for (size_t i = group; i < group + 32; i++)
        {
          least = numbers[i] < least ? numbers[i] : least;
          most = numbers[i] > most ? numbers[i] : most;
        }
      scale = (most - least) / 15;
      for (size_t i = group; i < group + 32; i++)
        {
          double off = (double) (roundf ((numbers[i] - least) / scale) * scale + least)
                       - (double) numbers[i];

          error += off * off;
          size += (double) numbers[i] * (double) numbers[i];
        }
    }
  return sqrt (error / size);
}

/* The plain fit above even keeps its scales in full. */
static void
q4_k_fits_better_than_minimum_and_maximum (void)
{
  static unsigned char blocks[OUT * WIDE / 256 * 144];
  EspWeight weight = { .dtype = ESP_Q4_K, .count = OUT * WIDE, .data = blocks };
  double plain = plain_fit_error (), fitted;

  esp_quantise (ESP_Q4_K, numbers, blocks, OUT * WIDE);
  fitted = relative_error (&weight, numbers);
  printf ("# Q4_K: relative error %.4f, a plain fit %.4f\n", fitted, plain);
  CHECK (fitted < 0.97 * plain);
  memset (numbers, 0, 256 * sizeof *numbers);
  esp_quantise (ESP_Q4_K, numbers, blocks, 256);
  esp_to_f32 (ESP_Q4_K, blocks, numbers, 256);
  CHECK (numbers[0] == 0 && numbers[255] == 0);
  fill (1);
}

static void
quantised_numbers_are_those_of_other_libraries (void)
{
  char path[4096];
  EspError error = ESP_ERROR_INIT;
  EspWeights *golden = NULL;
  const EspWeight *source;
  static const struct
  {
    const char *name;
    EspDType dtype;
  } cases[] = {
    { "Q8_0", ESP_Q8_0 }, { "F8_E4M3", ESP_F8_E4M3 }, { "F16", ESP_F16 }, { "BF16", ESP_BF16 }
  };

  snprintf (path, sizeof path, "%s/formats/quantised.safetensors", getenv ("ESP_TEST_DATA"));
  CHECK_STATUS (esp_weights_open_file (path, &golden, &error), ESP_OK, error);
  source = golden != NULL ? esp_weights_find (golden, "numbers") : NULL;
  CHECK (source != NULL && source->count == 4096);
  if (source == NULL)
    return;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      const EspWeight *wanted = esp_weights_find (golden, cases[i].name);
      size_t bytes = esp_dtype_bytes (cases[i].dtype, source->count);
      float plain[4096];
      unsigned char found[4 * 4096];

      CHECK (wanted != NULL && esp_dtype_bytes (wanted->dtype, wanted->count) == bytes);
      esp_weight_to_f32 (source, 0, 4096, plain);
      esp_quantise (cases[i].dtype, plain, found, 4096);
      CHECK (wanted != NULL && memcmp (found, wanted->data, bytes) == 0);
    }
  esp_weights_close (golden);
}

static void
a_converted_file_converts_back (void)
{
  const char *source = write_source ();
  EspConvertReport report;
  EspError error;
  EspWeights *weights;
  const EspWeight *weight;

  CHECK_STATUS (convert (source, "a.gguf", ESP_CONVERT_Q8_0, &report, &error), ESP_OK, error);
  CHECK_STATUS (convert (scratch_path ("a.gguf"), "b", ESP_CONVERT_FP8, &report, &error), ESP_OK,
                error);
  weights = convert_and_open (scratch_path ("b"), "c", ESP_CONVERT_FP8, &report);
  weight = weights != NULL ? esp_weights_find (weights, "p.double_blocks.0.img_attn.qkv.weight")
                           : NULL;
  CHECK (weight != NULL && weight->dtype == ESP_F8_E4M3 && weight->scale > 0);
  CHECK (weight != NULL && relative_error (weight, numbers) < 0.032);
  esp_weights_close (weights);
  weights = convert_and_open (scratch_path ("b"), "d.gguf", ESP_CONVERT_Q4_K, &report);
  if (weights != NULL)
    CHECK (esp_weights_find (weights, "p.double_blocks.0.img_attn.qkv.weight")->dtype == ESP_Q4_K);
  esp_weights_close (weights);
}

/* Shards, by their folder or by their index, give the file that a whole one gives. */
static void
shards_become_one_file (void)
{
  const EspWeight parts[2] = {
    { .name = "a.weight", .dtype = ESP_F32, .dims = 2, .shape = { OUT, WIDE }, .data = numbers },
    { .name = "b.weight", .dtype = ESP_BF16, .dims = 2, .shape = { OUT, WIDE }, .data = narrow }
  };
  const char *const inputs[] = { "", "model.safetensors.index.json" };
  EspError error = ESP_ERROR_INIT;
  EspConvertReport report;

  CHECK_STATUS (esp_safetensors_write (scratch_path ("one.safetensors"), &parts[0], 1, &error),
                ESP_OK, error);
  CHECK_STATUS (esp_safetensors_write (scratch_path ("two.safetensors"), &parts[1], 1, &error),
                ESP_OK, error);
  scratch_write_text ("model.safetensors.index.json",
                      "{\"weight_map\":{\"a.weight\":\"one.safetensors\","
                      "\"b.weight\":\"two.safetensors\"}}");
  for (int i = 0; i < 2; i++)
    {
      EspWeights *weights
          = convert_and_open (scratch_path (inputs[i]), "whole.gguf", ESP_CONVERT_Q8_0, &report);

      CHECK (report.converted == 2);
      if (weights != NULL)
        CHECK (esp_weights_count (weights) == 2
               && relative_error (esp_weights_find (weights, "a.weight"), numbers) < 0.006);
      esp_weights_close (weights);
    }
  unlink (scratch_path ("model.safetensors.index.json"));
}

static void
metadata_stays (void)
{
  GgufBuilder gguf;
  EspConvertReport report;
  EspWeights *weights;
  const char *path;

  gguf_begin (&gguf);
  gguf_key (&gguf, "general.architecture", ESP_GGUF_STRING);
  gguf_text (&gguf, "t5encoder", 9);
  gguf_key (&gguf, "general.alignment", ESP_GGUF_UINT32);
  gguf_number (&gguf, 64, 4);
  gguf_array (&gguf, "tokens", ESP_GGUF_STRING, 2);
  gguf_text (&gguf, "a", 1);
  gguf_text (&gguf, "bc", 2);
  gguf_tensor (&gguf, "enc.blk.0.attn_q.weight", 2, (uint64_t[]){ 32, 2 }, 8, 0);
  gguf_tensor (&gguf, "ids", 1, (uint64_t[]){ 4 }, 27, 128);
  path = gguf_finish (&gguf, "t5.gguf", 64, 160);
  weights = convert_and_open (path, "out.gguf", ESP_CONVERT_Q8_0, &report);
  CHECK (report.left_out == 1 && report.converted == 1);
  if (weights != NULL)
    {
      const EspGguf *about = esp_weights_gguf (weights, 0);
      const EspGgufValue *tokens = esp_gguf_metadata_find (about, "tokens");

      CHECK (strcmp (esp_gguf_metadata_text (about, "general.architecture"), "t5encoder") == 0);
      CHECK (tokens != NULL && tokens->count == 2);
      CHECK (esp_gguf_metadata_int (about, "general.file_type", 0) == 7);
    }
  esp_weights_close (weights);
}

/* --- What goes wrong ------------------------------------------------------------------------ */

typedef struct
{
  int calls, stop_at;
  uint64_t done, total;
} Watch;

static bool
watch (void *data, uint64_t done, uint64_t total)
{
  Watch *self = data;

  CHECK (done >= self->done && done <= total);
  self->done = done;
  self->total = total;
  return ++self->calls != self->stop_at;
}

static void
a_conversion_that_is_stopped_leaves_nothing (void)
{
  const char *source = write_source ();
  Watch whole = { 0 }, stopped = { .stop_at = 2 };
  EspConvertRequest request = { .input = source,
                                .output = scratch_path ("stopped.gguf"),
                                .type = ESP_CONVERT_Q4_K,
                                .progress = watch,
                                .data = &stopped };
  EspConvertReport report;
  EspError error = ESP_ERROR_INIT;
  int before = scratch_count_files ();

  CHECK_STATUS (esp_convert (&request, &report, &error), ESP_ERROR_CANCELLED, error);
  CHECK (stopped.calls == 2 && scratch_count_files () == before);
  request.data = &whole;
  CHECK_STATUS (esp_convert (&request, &report, &error), ESP_OK, error);
  CHECK (whole.done == whole.total && whole.total > 0 && scratch_count_files () == before + 1);
  unlink (request.output);
}

static void
a_failure_leaves_the_old_file (void)
{
  const char *old = scratch_write_text ("old.gguf", "as it was");
  const char *source;
  EspConvertReport report;
  EspError error;
  char text[16] = "";
  FILE *file;
  int before;

  numbers[OUT * WIDE - 1] = NAN;
  source = write_source ();
  before = scratch_count_files ();
  CHECK_STATUS (convert (source, "old.gguf", ESP_CONVERT_Q8_0, &report, &error), ESP_ERROR_NUMERIC,
                error);
  CHECK_MESSAGE (error, "p.img_in.weight");
  CHECK_MESSAGE (error, "32767");
  numbers[OUT * WIDE - 1] = 1e38f;
  numbers[0] = 1e38f;
  source = write_source ();
  CHECK_STATUS (convert (source, "old.gguf", ESP_CONVERT_Q8_0, &report, &error), ESP_ERROR_NUMERIC,
                error);
  CHECK_MESSAGE (error, "p.double_blocks.0.img_attn.proj.weight");
  CHECK_MESSAGE (error, "Q8_0");
  CHECK (scratch_count_files () == before);
  file = fopen (old, "rb");
  CHECK (file != NULL && fread (text, 1, sizeof text, file) == 9);
  CHECK (strcmp (text, "as it was") == 0);
  if (file != NULL)
    fclose (file);
  fill (1);
}

static void
what_cannot_be_converted_is_named (void)
{
  const char *source = write_source ();
  EspConvertReport report;
  EspError error;
  const char *none = scratch_write_safetensors ("none.safetensors", "{}", 0);
  const char *foreign = scratch_write_safetensors (
      "f64.safetensors", "{\"x.weight\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}",
      8);

  CHECK_STATUS (convert (source, "source.safetensors", ESP_CONVERT_BF16, &report, &error),
                ESP_ERROR_ARGUMENT, error);
  CHECK_MESSAGE (error, "source.safetensors");
  CHECK_STATUS (convert (none, "out", ESP_CONVERT_BF16, &report, &error), ESP_ERROR_FORMAT, error);
  CHECK_STATUS (convert (foreign, "out", ESP_CONVERT_BF16, &report, &error), ESP_ERROR_UNSUPPORTED,
                error);
  CHECK_MESSAGE (error, "x.weight");
  CHECK_STATUS (convert (scratch_write_safetensors (
                             "lora.safetensors",
                             "{\"a.lora_down.weight\":{\"dtype\":\"F16\",\"shape\":[2],"
                             "\"data_offsets\":[0,4]}}",
                             4),
                         "out", ESP_CONVERT_BF16, &report, &error),
                ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, "a.lora_down.weight");
  CHECK_STATUS (convert (scratch_path (""), "out", ESP_CONVERT_BF16, &report, &error),
                ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "/transformer");
  CHECK_STATUS (convert (scratch_path ("absent"), "out", ESP_CONVERT_BF16, &report, &error),
                ESP_ERROR_FILE, error);
  CHECK_STATUS (convert (source, "no/such/folder", ESP_CONVERT_BF16, &report, &error),
                ESP_ERROR_FILE, error);
}

int
main (void)
{
  scratch_open ();
  fill (1);
  CASE (layers_are_converted_and_the_rest_is_kept);
  CASE (q4_k_fits_better_than_minimum_and_maximum);
  CASE (quantised_numbers_are_those_of_other_libraries);
  CASE (a_converted_file_converts_back);
  CASE (shards_become_one_file);
  CASE (metadata_stays);
  CASE (a_conversion_that_is_stopped_leaves_nothing);
  CASE (a_failure_leaves_the_old_file);
  CASE (what_cannot_be_converted_is_named);
  scratch_close ();
  return check_done ();
}
