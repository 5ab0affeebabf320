/* SPDX-License-Identifier: MIT */
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"
#include "files/tensor-file.h"
#include "scratch.h"

#define SKIP(function, reason)                                                                     \
  ((void) function, printf ("ok %d - %s # SKIP %s\n", ++check_case_count, #function, reason))

/* --- Good files ---------------------------------------------------------------------------- */

static void
written_tensors_come_back (void)
{
  const float matrix[6] = { 0, 1, 2, 3, 4, 5 };
  const uint16_t half[2] = { 0x3C00, 0xBC00 };
  const int32_t ids[3] = { 7, 8, 9 };
  const EspWeight tensors[]
      = { { .name = "half", .dtype = ESP_F16, .dims = 1, .shape = { 2 }, .data = half },
          { .name = "b.ids", .dtype = ESP_I32, .dims = 1, .shape = { 3 }, .data = ids },
          { .name = "a \"quoted\" \xC3\xA9",
            .dtype = ESP_F32,
            .dims = 2,
            .shape = { 2, 3 },
            .data = matrix },
          { .name = "scalar", .dtype = ESP_F32, .dims = 0, .data = matrix + 5 },
          { .name = "nothing", .dtype = ESP_F32, .dims = 2, .shape = { 0, 3 } } };
  const char *path = scratch_path ("round.safetensors");
  const int64_t shape[2] = { 2, -1 };
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  const EspWeight *found = NULL;

  CHECK_STATUS (esp_safetensors_write (path, tensors, 5, &error), ESP_OK, error);
  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  if (weights == NULL)
    return;
  CHECK (esp_weights_count (weights) == 5);
  CHECK (esp_weights_bytes (weights) == sizeof matrix + sizeof half + sizeof ids + 4);
  for (int i = 1; i < 5; i++)
    CHECK (strcmp (esp_weights_at (weights, i - 1)->name, esp_weights_at (weights, i)->name) < 0);
  CHECK_STATUS (esp_weights_require (weights, tensors[2].name, 2, shape, &found, &error), ESP_OK,
                error);
  if (found != NULL)
    {
      CHECK (found->dtype == ESP_F32 && found->count == 6 && found->shape[1] == 3);
      for (int i = 0; i < 6; i++)
        CHECK (((const float *) found->data)[i] == matrix[i]);
      CHECK ((uintptr_t) found->data % 4 == 0);
      CHECK (strcmp (found->file, path) == 0);
    }
  esp_weights_release_pages (weights);
  found = esp_weights_find (weights, "half");
  CHECK (found != NULL && memcmp (found->data, half, sizeof half) == 0);
  found = esp_weights_find (weights, "scalar");
  CHECK (found != NULL && found->dims == 0 && found->count == 1);
  found = esp_weights_find (weights, "nothing");
  CHECK (found != NULL && found->count == 0);
  CHECK (esp_weights_find (weights, "hal") == NULL);
  esp_weights_close (weights);
}

static void
a_missing_or_other_tensor_is_named (void)
{
  const char *path = scratch_write_safetensors (
      "one.safetensors", "{\"w\":{\"dtype\":\"BF16\",\"shape\":[3,2],\"data_offsets\":[0,12]}}",
      12);
  const int64_t wrong[2] = { 2, -1 };
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  const EspWeight *found = NULL;

  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  if (weights == NULL)
    return;
  CHECK_STATUS (esp_weights_require (weights, "v.bias", 2, wrong, &found, &error), ESP_ERROR_FORMAT,
                error);
  CHECK_MESSAGE (error, "one.safetensors");
  CHECK_MESSAGE (error, "'v.bias' is missing");
  CHECK_STATUS (esp_weights_require (weights, "w", 2, wrong, &found, &error), ESP_ERROR_FORMAT,
                error);
  CHECK_MESSAGE (error, "tensor 'w': expected shape [2, any], found [3, 2]");
  CHECK_STATUS (esp_weights_require (weights, "w", 1, wrong, &found, &error), ESP_ERROR_FORMAT,
                error);
  CHECK (found == NULL);
  esp_weights_close (weights);
}

static void
gaps_metadata_and_padding_are_tolerated (void)
{
  const char *path = scratch_write_safetensors (
      "gaps.safetensors",
      "{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_"
      "offsets\":[2,6]},"
      "\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[8,10],\"more\":null}}     ",
      20);
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  if (weights == NULL)
    return;
  CHECK (esp_weights_count (weights) == 2);
  CHECK (strcmp (esp_weights_at (weights, 0)->name, "a") == 0);
  CHECK (((const unsigned char *) esp_weights_find (weights, "a")->data)[0] == 8);
  CHECK (((const unsigned char *) esp_weights_find (weights, "b")->data)[0] == 2);
  esp_weights_close (weights);
}

static void
a_foreign_number_format_fails_only_when_required (void)
{
  static const struct
  {
    const char *name;
    const char *shape;
    int bytes;
  } formats[] = { { "F8_E8M0", "[4]", 4 }, { "F64", "[2]", 16 }, { "I64", "[1,3]", 24 },
                  { "BOOL", "[5]", 5 },    { "U8", "[5]", 5 },   { "F4", "[4]", 2 },
                  { "F6_E2M3", "[4]", 3 }, { "C64", "[1]", 8 } };

  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
    {
      char header[400];
      EspError error = ESP_ERROR_INIT;
      EspWeights *weights = NULL;
      const EspWeight *found = NULL;
      const int64_t shape[1] = { -1 };

      snprintf (header, sizeof header,
                "{\"x\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[0,%d]},"
                "\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]}}",
                formats[i].name, formats[i].shape, formats[i].bytes, formats[i].bytes,
                formats[i].bytes + 4);
      CHECK_STATUS (
          esp_weights_open_file (scratch_write_safetensors ("foreign.safetensors", header,
                                                            (size_t) formats[i].bytes + 4),
                                 &weights, &error),
          ESP_OK, error);
      if (weights == NULL)
        continue;
      CHECK (esp_weights_count (weights) == 1);
      CHECK (esp_weights_bytes (weights) == 4);
      CHECK (esp_weights_find (weights, "x") == NULL);
      CHECK_STATUS (esp_weights_require (weights, "x", 1, shape, &found, &error),
                    ESP_ERROR_UNSUPPORTED, error);
      CHECK_MESSAGE (error, "tensor 'x'");
      CHECK_MESSAGE (error, formats[i].name);
      CHECK_MESSAGE (error, "foreign.safetensors");
      CHECK_STATUS (esp_weights_require (weights, "y", 1, shape, &found, &error), ESP_OK, error);
      esp_weights_close (weights);
    }
}

/* --- Hostile headers ------------------------------------------------------------------------ */

static void
headers_that_lie_are_refused (void)
{
#define ENTRY(dtype, shape, offsets)                                                               \
  "{\"bad.one\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define OVERLAP(offsets)                                                                           \
  "{\"bad.one\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},\"other\":{\"dtype\":"    \
  "\"F16\",\"shape\":[4],\"data_offsets\":" offsets "}}"
  static const struct
  {
    const char *header;
    EspStatus status;
    const char *named;
  } cases[] = {
    { ENTRY ("\"F32\"", "[4]", "[0,17]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[5]", "[0,20]"), ESP_ERROR_FORMAT, "bad.one" }, /* outside the file */
    { ENTRY ("\"F32\"", "[4]", "[16,0]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4]", "[-16,0]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4]", "[0,12]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4]", "[0]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4]", "[0,16,16]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4]", "[0.0,16.0]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4]", "\"0,16\""), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4]", "[0,9223372036854775807]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4]", "[0,18446744073709551616]"), ESP_ERROR_FORMAT, "line 1" },
    { ENTRY ("\"F32\"", "[-4]", "[0,16]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4.0]", "[0,16]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "4", "[0,16]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4294967296,4294967296]", "[0,0]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[4611686018427387904]", "[0,0]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"F32\"", "[1,1,1,1,1,1,1,1,4]", "[0,16]"), ESP_ERROR_UNSUPPORTED, "bad.one" },
    { ENTRY ("\"F4\"", "[3]", "[0,1]"), ESP_ERROR_FORMAT, "bad.one" },
    { ENTRY ("\"Q4_K\"", "[4]", "[0,16]"), ESP_ERROR_UNSUPPORTED, "Q4_K" },
    { ENTRY ("\"\"", "[4]", "[0,16]"), ESP_ERROR_UNSUPPORTED, "bad.one" },
    { ENTRY ("32", "[4]", "[0,16]"), ESP_ERROR_FORMAT, "bad.one" },
    { "{\"bad.one\":{}}", ESP_ERROR_FORMAT, "bad.one" },
    { "{\"bad.one\":[]}", ESP_ERROR_FORMAT, "bad.one" },
    { "{\"bad.one\":null}", ESP_ERROR_FORMAT, "bad.one" },
    { OVERLAP ("[0,8]"), ESP_ERROR_FORMAT, "overlap" },
    { OVERLAP ("[6,14]"), ESP_ERROR_FORMAT, "'bad.one'" },
    { "{\"bad.one\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
      "\"bad.one\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
      ESP_ERROR_FORMAT, "bad.one" },
    { "[]", ESP_ERROR_FORMAT, "object" },
    { "", ESP_ERROR_FORMAT, "JSON" },
    { "{\"bad.one\":", ESP_ERROR_FORMAT, "line 1" },
    { "{} x", ESP_ERROR_FORMAT, "line 1" },
    { "{\"\xFF\":1}", ESP_ERROR_FORMAT, "line 1" },
    { "{\"a\\u0000b\":{}}", ESP_ERROR_FORMAT, "line 1" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      EspError error = ESP_ERROR_INIT;
      EspWeights *weights = NULL;

      CHECK_STATUS (
          esp_weights_open_file (scratch_write_safetensors ("lie.safetensors", cases[i].header, 16),
                                 &weights, &error),
          cases[i].status, error);
      CHECK (weights == NULL);
      CHECK_MESSAGE (error, "lie.safetensors");
      CHECK_MESSAGE (error, cases[i].named);
    }
}

static void
a_tensor_name_without_end_is_cut_in_the_message (void)
{
  char header[6000];
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  int used = snprintf (header, sizeof header, "{\"");

  for (int i = 0; i < 2000; i++)
    used += snprintf (header + used, sizeof header - (size_t) used, "\xC3\xA9");
  snprintf (header + used, sizeof header - (size_t) used, "\":{\"dtype\":\"Q\"}}");
  CHECK_STATUS (esp_weights_open_file (scratch_write_safetensors ("long.safetensors", header, 0),
                                       &weights, &error),
                ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, "unknown number format 'Q'");
}

static void
files_cut_short_are_refused (void)
{
  static const unsigned char huge[16]
      = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, '{', '}' };
  static const unsigned char beyond[12] = { 5, 0, 0, 0, 0, 0, 0, 0, '{', '}', ' ', ' ' };
  static const size_t lengths[] = { 0, 1, 7, 8, 12, 16 };

  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
    {
      EspError error = ESP_ERROR_INIT;
      EspWeights *weights = NULL;
      const char *path
          = scratch_write ("short.safetensors", lengths[i] == 12 ? beyond : huge, lengths[i]);

      CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_ERROR_FORMAT, error);
      CHECK_MESSAGE (error, "short.safetensors");
    }
}

static void
what_is_no_file_is_refused_at_once (void)
{
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  const char *path = scratch_path ("pipe.safetensors");

  CHECK (mkfifo (path, 0600) == 0);
  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "pipe.safetensors");
  CHECK_STATUS (esp_weights_open_file (scratch_path ("."), &weights, &error), ESP_ERROR_FILE,
                error);
  CHECK_MESSAGE (error, "folder");
  CHECK_STATUS (esp_weights_open_file (scratch_path ("none.safetensors"), &weights, &error),
                ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "none.safetensors");
  CHECK_STATUS (esp_weights_open_file ("/dev/zero", &weights, &error), ESP_ERROR_FILE, error);
  CHECK_STATUS (esp_weights_open (scratch_path ("absent"), "model", &weights, &error),
                ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "absent/model.safetensors");
  path = scratch_path ("loop.safetensors");
  CHECK (symlink ("loop.safetensors", path) == 0);
  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "loop.safetensors");
}

static void
a_file_that_may_not_be_read_is_named (void)
{
  const char *path = scratch_write_safetensors ("locked.safetensors", "{}", 0);
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  CHECK (chmod (path, 0) == 0);
  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "locked.safetensors");
}

static void
a_deeply_nested_header_is_refused (void)
{
  const size_t depth = 1000000;
  char *header = malloc (2 * depth + 1);
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  CHECK (header != NULL);
  if (header == NULL)
    return;
  for (size_t i = 0; i < depth; i++)
    memcpy (header + 5 * i % (2 * depth - 5), "{\"a\":", 5);
  header[2 * depth] = '\0';
  CHECK_STATUS (esp_weights_open_file (scratch_write_safetensors ("deep.safetensors", header, 0),
                                       &weights, &error),
                ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "deep.safetensors");
  CHECK_MESSAGE (error, "nested");

  memset (header, ',', 2 * depth);
  header[0] = '[';
  memset (header + 1, '[', 50);
  CHECK_STATUS (esp_weights_open_file (scratch_write_safetensors ("wide.safetensors", header, 0),
                                       &weights, &error),
                ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "wide.safetensors");
  free (header);
}

/* --- Shards --------------------------------------------------------------------------------- */

#define SHARD_A "{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}"
#define SHARD_B "{\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[2,4]}}"
#define INDEX   "model.safetensors.index.json"

static void
shards_are_one_component (void)
{
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  scratch_write_safetensors ("s1.safetensors", SHARD_A, 4);
  scratch_write_safetensors ("s2.safetensors", SHARD_B, 4);
  scratch_write_text (
      INDEX,
      "{\"metadata\":{},\"weight_map\":{\"b\":\"s2.safetensors\",\"a\":\"s1.safetensors\"}}");
  CHECK_STATUS (esp_weights_open (scratch_path (""), "model", &weights, &error), ESP_OK, error);
  if (weights == NULL)
    return;
  CHECK (esp_weights_count (weights) == 2 && esp_weights_bytes (weights) == 4);
  CHECK (esp_weights_file_count (weights) == 2);
  CHECK (strstr (esp_weights_file (weights, 0)->path, "s1.safetensors") != NULL);
  CHECK (strstr (esp_weights_find (weights, "b")->file, "s2.safetensors") != NULL);
  CHECK (((const unsigned char *) esp_weights_find (weights, "b")->data)[0] == 2);
  esp_weights_close (weights);
}

static void
a_bad_index_is_refused (void)
{
#define MAP(entry) "{\"weight_map\":{" entry "}}"
  static const struct
  {
    const char *index;
    EspStatus status;
    const char *named;
  } cases[] = {
    { MAP ("\"a\":\"../s1.safetensors\""), ESP_ERROR_FORMAT, "'../s1.safetensors'" },
    { MAP ("\"a\":\"/etc/passwd\""), ESP_ERROR_FORMAT, "'/etc/passwd'" },
    { MAP ("\"a\":\"sub/s1.safetensors\""), ESP_ERROR_FORMAT, "tensor 'a'" },
    { MAP ("\"a\":\"..\""), ESP_ERROR_FORMAT, "tensor 'a'" },
    { MAP ("\"a\":\"\""), ESP_ERROR_FORMAT, "tensor 'a'" },
    { MAP ("\"a\":3"), ESP_ERROR_FORMAT, "tensor 'a'" },
    { MAP ("\"a\":\"s9.safetensors\""), ESP_ERROR_FILE, "s9.safetensors" },
    { MAP ("\"a\":\"s2.safetensors\""), ESP_ERROR_FORMAT, "tensor 'a'" },
    { MAP ("\"zz\":\"s1.safetensors\""), ESP_ERROR_FORMAT, "tensor 'zz'" },
    { MAP ("\"a\":\"s1.safetensors\",\"x\":\"s3.safetensors\""), ESP_ERROR_FORMAT,
      "s3.safetensors" },
    { MAP (""), ESP_ERROR_FORMAT, INDEX },
    { "{\"weight_map\":[]}", ESP_ERROR_FORMAT, "weight_map" },
    { "{}", ESP_ERROR_FORMAT, "weight_map" },
    { "{\"weight_map\"", ESP_ERROR_FORMAT, INDEX },
    { "", ESP_ERROR_FORMAT, INDEX },
  };

  scratch_write_safetensors ("s1.safetensors", SHARD_A, 4);
  scratch_write_safetensors ("s2.safetensors", SHARD_B, 4);
  scratch_write_safetensors ("s3.safetensors", SHARD_A, 4); /* "a" once more */
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      EspError error = ESP_ERROR_INIT;
      EspWeights *weights = NULL;

      scratch_write_text (INDEX, cases[i].index);
      CHECK_STATUS (esp_weights_open (scratch_path (""), "model", &weights, &error),
                    cases[i].status, error);
      CHECK (weights == NULL);
      CHECK_MESSAGE (error, cases[i].named);
    }
}

/* --- Writing -------------------------------------------------------------------------------- */

static void
a_failed_write_leaves_the_old_file (void)
{
  static float data[100000];
  const EspWeight big
      = { .name = "big", .dtype = ESP_F32, .dims = 1, .shape = { 100000 }, .data = data };
  const EspWeight twice[2]
      = { { .name = "t", .dims = 0, .data = data }, { .name = "t", .dims = 0, .data = data } };
  const EspWeight broken = { .name = "\xFF\xFE", .dims = 0, .data = data };
  const EspWeight negative = { .name = "n", .dims = 1, .shape = { -1 }, .data = data };
  const char *path = scratch_write_safetensors ("old.safetensors", "{}", 3);
  struct rlimit limit, small;
  int files = scratch_count_files ();
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  CHECK_STATUS (esp_safetensors_write (path, twice, 2, &error), ESP_ERROR_ARGUMENT, error);
  CHECK_STATUS (esp_safetensors_write (path, &broken, 1, &error), ESP_ERROR_ARGUMENT, error);
  CHECK_STATUS (esp_safetensors_write (path, &negative, 1, &error), ESP_ERROR_ARGUMENT, error);

  /* A file size limit fails in the middle of the data, as a full disk does. */
  signal (SIGXFSZ, SIG_IGN);
  getrlimit (RLIMIT_FSIZE, &limit);
  small = limit;
  small.rlim_cur = 4096;
  CHECK (setrlimit (RLIMIT_FSIZE, &small) == 0);
  EspStatus status = esp_safetensors_write (path, &big, 1, &error);
  setrlimit (RLIMIT_FSIZE, &limit);
  CHECK_STATUS (status, ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "old.safetensors");

  CHECK (scratch_count_files () == files);
  CHECK_STATUS (esp_weights_open_file (path, &weights, &error), ESP_OK, error);
  esp_weights_close (weights);
  CHECK_STATUS (esp_safetensors_write (path, &big, 1, &error), ESP_OK, error);
  CHECK (scratch_count_files () == files);
}

static void
places_that_cannot_be_written_are_refused (void)
{
  const float one = 1;
  const EspWeight tensor = { .name = "t", .dims = 0, .data = &one };
  EspError error = ESP_ERROR_INIT;
  struct stat about;

  CHECK_STATUS (esp_safetensors_write (scratch_path ("no/such/x.safetensors"), &tensor, 1, &error),
                ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "no/such/x.safetensors");
  CHECK_STATUS (esp_safetensors_write (scratch_path ("."), &tensor, 1, &error), ESP_ERROR_FILE,
                error);
  CHECK_MESSAGE (error, "folder");
  CHECK_STATUS (esp_safetensors_write ("/dev/null", &tensor, 1, &error), ESP_ERROR_FILE, error);
  CHECK (stat ("/dev/null", &about) == 0 && S_ISCHR (about.st_mode));
}

static void
a_replaced_file_keeps_its_mode_and_its_link (void)
{
  const float one = 1;
  const EspWeight tensor = { .name = "t", .dims = 0, .data = &one };
  const char *path = scratch_write_text ("mode.safetensors", "old");
  const char *link = scratch_path ("link.safetensors");
  EspError error = ESP_ERROR_INIT;
  struct stat about;

  CHECK (chmod (path, 0640) == 0 && symlink ("mode.safetensors", link) == 0);
  CHECK_STATUS (esp_safetensors_write (link, &tensor, 1, &error), ESP_OK, error);
  CHECK (lstat (link, &about) == 0 && S_ISLNK (about.st_mode));
  CHECK (stat (path, &about) == 0 && (about.st_mode & 0777) == 0640 && about.st_size > 8);
}

/* --- The shipped model ---------------------------------------------------------------------- */

static void
the_demo_transformer_is_finite (void)
{
  const char *model = getenv ("ESP_DEMO_MODEL");
  char folder[4096];
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;

  snprintf (folder, sizeof folder, "%s/transformer", model);
  CHECK_STATUS (esp_weights_open (folder, "diffusion_pytorch_model", &weights, &error), ESP_OK,
                error);
  if (weights == NULL)
    return;
  CHECK (esp_weights_count (weights) > 50);
  for (int64_t i = 0; i < esp_weights_count (weights); i++)
    {
      const EspWeight *weight = esp_weights_at (weights, i);

      CHECK (esp_weights_find (weights, weight->name) == weight);
      CHECK (esp_find_non_finite (weight->dtype, weight->data, weight->count) == -1);
    }
  esp_weights_close (weights);
}

int
main (void)
{
  const char *model = getenv ("ESP_DEMO_MODEL");

  scratch_open ();
  CASE (written_tensors_come_back);
  CASE (a_missing_or_other_tensor_is_named);
  CASE (gaps_metadata_and_padding_are_tolerated);
  CASE (a_foreign_number_format_fails_only_when_required);
  CASE (headers_that_lie_are_refused);
  CASE (a_tensor_name_without_end_is_cut_in_the_message);
  CASE (files_cut_short_are_refused);
  CASE (what_is_no_file_is_refused_at_once);
  if (geteuid () != 0)
    CASE (a_file_that_may_not_be_read_is_named);
  else
    SKIP (a_file_that_may_not_be_read_is_named, "root may read everything");
  CASE (a_deeply_nested_header_is_refused);
  CASE (shards_are_one_component);
  CASE (a_bad_index_is_refused);
  CASE (a_failed_write_leaves_the_old_file);
  CASE (places_that_cannot_be_written_are_refused);
  CASE (a_replaced_file_keeps_its_mode_and_its_link);
  if (model != NULL && access (model, R_OK) == 0)
    CASE (the_demo_transformer_is_finite);
  else
    SKIP (the_demo_transformer_is_finite, "no demo model");
  scratch_close ();
  return check_done ();
}
