/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "files/model-manifest.h"
#include "scratch.h"

static void
without_a_manifest_the_real_models_values_hold (void)
{
  static const char *const spellings[]
      = { "my model", "my model/", "my model///", "my model/.", "my model/./" };
  EspError error = ESP_ERROR_INIT;
  EspManifest m;

  CHECK (mkdir (scratch_path ("my model"), 0700) == 0);
  for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++)
    {
      CHECK_STATUS (esp_manifest_read (scratch_path (spellings[i]), &m, &error), ESP_OK, error);
      if (m.id == NULL)
        continue;
      CHECK (strcmp (m.id, "my model") == 0 && strcmp (m.name, "my model") == 0);
      CHECK (strcmp (m.kind, "full") == 0 && m.licence[0] == '\0' && m.source[0] == '\0');
      CHECK (m.t5_tokens == 512 && m.working_pixels == 0 && m.default_steps == 28);
      CHECK (m.default_guidance == 2.5);
      CHECK (m.instructions != NULL && m.instructions[0] == NULL);
      esp_manifest_clear (&m);
    }
  CHECK (chdir (scratch_path ("my model")) == 0);
  CHECK_STATUS (esp_manifest_read (".", &m, &error), ESP_OK, error);
  CHECK (m.id != NULL && strcmp (m.id, "my model") == 0);
  esp_manifest_clear (&m);
  CHECK_STATUS (esp_manifest_read ("../my model", &m, &error), ESP_OK, error);
  CHECK (m.id != NULL && strcmp (m.id, "my model") == 0);
  esp_manifest_clear (&m);
  esp_manifest_clear (&m);
  CHECK_STATUS (esp_manifest_read ("/", &m, &error), ESP_OK, error);
  CHECK (m.id != NULL && m.id[0] != '\0');
  esp_manifest_clear (&m);
}

static void
every_field_is_read_and_others_ignored (void)
{
  EspError error = ESP_ERROR_INIT;
  EspManifest m;

  scratch_write_text (
      "espalier.json",
      "{\"id\":\"d\",\"name\":\"Demo\",\"kind\":\"demo\",\"licence\":\"CC0-1.0\",\"source\":"
      "\"here\","
      "\"t5_tokens\":64,\"working_pixels\":65536,\"default_steps\":8,\"default_guidance\":3,"
      "\"instructions\":[\"make it snow\",\"add fog\"],\"comment\":{\"x\":[]}}");
  CHECK_STATUS (esp_manifest_read (scratch_path (""), &m, &error), ESP_OK, error);
  if (m.id == NULL)
    return;
  CHECK (strcmp (m.id, "d") == 0 && strcmp (m.name, "Demo") == 0 && strcmp (m.kind, "demo") == 0);
  CHECK (strcmp (m.licence, "CC0-1.0") == 0 && strcmp (m.source, "here") == 0);
  CHECK (m.t5_tokens == 64 && m.working_pixels == 65536 && m.default_steps == 8);
  CHECK (m.default_guidance == 3);
  CHECK (strcmp (m.instructions[0], "make it snow") == 0);
  CHECK (strcmp (m.instructions[1], "add fog") == 0 && m.instructions[2] == NULL);
  esp_manifest_clear (&m);

  scratch_write_text ("espalier.json",
                      "{\"id\":\"only\",\"t5_tokens\":null,\"instructions\":null}");
  CHECK_STATUS (esp_manifest_read (scratch_path (""), &m, &error), ESP_OK, error);
  CHECK (m.name != NULL && strcmp (m.name, "only") == 0 && m.t5_tokens == 512);
  esp_manifest_clear (&m);
}

static void
fields_out_of_range_are_named (void)
{
  static const char *const cases[][2] = {
    { "\"id\":3", "\"id\"" },
    { "\"id\":\"\"", "\"id\"" },
    { "\"name\":[]", "\"name\"" },
    { "\"licence\":1", "\"licence\"" },
    { "\"source\":true", "\"source\"" },
    { "\"kind\":\"other\"", "\"kind\"" },
    { "\"kind\":\"Demo\"", "\"kind\"" },
    { "\"t5_tokens\":0", "\"t5_tokens\"" },
    { "\"t5_tokens\":4097", "\"t5_tokens\"" },
    { "\"t5_tokens\":64.5", "\"t5_tokens\"" },
    { "\"working_pixels\":255", "\"working_pixels\"" },
    { "\"working_pixels\":67108865", "\"working_pixels\"" },
    { "\"default_steps\":0", "\"default_steps\"" },
    { "\"default_steps\":1001", "\"default_steps\"" },
    { "\"default_guidance\":-0.1", "\"default_guidance\"" },
    { "\"default_guidance\":100.5", "\"default_guidance\"" },
    { "\"default_guidance\":\"2.5\"", "\"default_guidance\"" },
    { "\"instructions\":\"snow\"", "\"instructions\"" },
    { "\"instructions\":{}", "\"instructions\"" },
    { "\"instructions\":[\"snow\",3]", "entry 2" },
    { "\"instructions\":[\"\"]", "entry 1" },
    { "\"t5_tokens\"", "line 1" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      char text[200];
      EspError error = ESP_ERROR_INIT;
      EspManifest m;

      snprintf (text, sizeof text, "{%s}", cases[i][0]);
      scratch_write_text ("espalier.json", text);
      CHECK_STATUS (esp_manifest_read (scratch_path (""), &m, &error), ESP_ERROR_FORMAT, error);
      CHECK_MESSAGE (error, "espalier.json");
      CHECK_MESSAGE (error, cases[i][1]);
      CHECK (m.id == NULL && m.instructions == NULL);
    }
}

static void
a_thousand_instructions_are_enough (void)
{
  for (int count = 1000; count <= 1001; count++)
    {
      char text[8000] = "{\"instructions\":[\"a\"";
      size_t used = strlen (text);
      EspError error = ESP_ERROR_INIT;
      EspManifest m;

      for (int i = 1; i < count; i++)
        used += (size_t) snprintf (text + used, sizeof text - used, ",\"a\"");
      snprintf (text + used, sizeof text - used, "]}");
      scratch_write_text ("espalier.json", text);
      CHECK_STATUS (esp_manifest_read (scratch_path (""), &m, &error),
                    count == 1000 ? ESP_OK : ESP_ERROR_FORMAT, error);
      esp_manifest_clear (&m);
    }
}

static void
folders_that_are_none_are_refused (void)
{
  EspError error = ESP_ERROR_INIT;
  EspManifest m;

  CHECK_STATUS (esp_manifest_read (scratch_path ("nowhere"), &m, &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "nowhere");
  CHECK_STATUS (esp_manifest_read (scratch_write_text ("plain", "x"), &m, &error), ESP_ERROR_FILE,
                error);
  CHECK_MESSAGE (error, "plain");
  CHECK_STATUS (esp_manifest_read ("", &m, &error), ESP_ERROR_FILE, error);
  unlink (scratch_path ("espalier.json"));
  CHECK (mkdir (scratch_path ("espalier.json"), 0700) == 0);
  CHECK_STATUS (esp_manifest_read (scratch_path (""), &m, &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "espalier.json");
}

static void
components_are_paths_from_the_folder (void)
{
  static const struct
  {
    const char *json, *named;
  } wrongs[] = {
    { "{\"components\": []}", "components" },     { "{\"components\": {\"unet\": \"x\"}}", "unet" },
    { "{\"components\": {\"vae\": 3}}", "vae" },  { "{\"components\": {\"vae\": \"\"}}", "vae" },
    { "{\"components\": {\"t5\": null}}", "t5" },
  };
  EspError error = ESP_ERROR_INIT;
  EspManifest m;
  char expected[300];

  CHECK (mkdir (scratch_path ("parts"), 0700) == 0);
  scratch_write_text ("parts/espalier.json",
                      "{\"components\": {\"transformer\": \"/a/b.gguf\", \"vae\": "
                      "\"../ae.safetensors\", \"tokenizer_2\": \"tok\"}}");
  CHECK_STATUS (esp_manifest_read (scratch_path ("parts"), &m, &error), ESP_OK, error);
  CHECK (m.part[0] != NULL && strcmp (m.part[0], "/a/b.gguf") == 0);
  snprintf (expected, sizeof expected, "%s/../ae.safetensors", scratch_path ("parts"));
  CHECK (m.part[3] != NULL && strcmp (m.part[3], expected) == 0);
  snprintf (expected, sizeof expected, "%s/tok", scratch_path ("parts"));
  CHECK (m.part[ESP_PART_TOKENIZER_2] != NULL
         && strcmp (m.part[ESP_PART_TOKENIZER_2], expected) == 0);
  CHECK (m.part[1] == NULL && m.part[2] == NULL && m.part[ESP_PART_TOKENIZER] == NULL);
  esp_manifest_clear (&m);

  for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
    {
      scratch_write_text ("parts/espalier.json", wrongs[i].json);
      CHECK_STATUS (esp_manifest_read (scratch_path ("parts"), &m, &error), ESP_ERROR_FORMAT,
                    error);
      CHECK_MESSAGE (error, wrongs[i].named);
      CHECK_MESSAGE (error, "espalier.json");
    }
}

static void
a_single_file_is_called_by_its_name (void)
{
  EspError error = ESP_ERROR_INIT;
  EspManifest m;

  CHECK_STATUS (esp_manifest_for_file ("/x/flux1.dev-Q4_K.gguf", &m, &error), ESP_OK, error);
  CHECK (strcmp (m.id, "flux1.dev-Q4_K") == 0 && strcmp (m.name, m.id) == 0);
  CHECK (m.t5_tokens == 512 && m.default_steps == 28);
  esp_manifest_clear (&m);
}

int
main (void)
{
  scratch_open ();
  CASE (without_a_manifest_the_real_models_values_hold);
  CASE (every_field_is_read_and_others_ignored);
  CASE (fields_out_of_range_are_named);
  CASE (a_thousand_instructions_are_enough);
  CASE (folders_that_are_none_are_refused);
  CASE (components_are_paths_from_the_folder);
  CASE (a_single_file_is_called_by_its_name);
  scratch_close ();
  return check_done ();
}
