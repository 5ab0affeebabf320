/* SPDX-License-Identifier: MIT */
/* Any bytes as JSON, through the getters, and as a model's manifest. */
#include "files/json-file.h"
#include "files/model-manifest.h"
#include "fuzz.h"

static void
get_fields (const json_t *root)
{
  EspError error = ESP_ERROR_INIT;
  const char *key, *text;
  json_t *value;

  json_object_foreach ((json_t *) root, key, value)
  {
    int64_t whole, list[8];
    double number;
    bool flag;
    int count;

    (void) value;
    if (esp_json_get_int (root, "x", key, true, -5, 5, 0, &whole, &error) == ESP_OK)
      PROMISE (whole >= -5 && whole <= 5);
    esp_json_get_double (root, "x", key, false, 0, 1, 0, &number, &error);
    esp_json_get_bool (root, "x", key, false, &flag, &error);
    esp_json_get_string (root, "x", key, true, NULL, &text, &error);
    if (esp_json_get_ints (root, "x", key, false, 0, 9, 8, list, &count, &error) == ESP_OK)
      PROMISE (count >= 0 && count <= 8);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EspError error = ESP_ERROR_INIT;
  EspManifest manifest;

  for (int unique = 0; unique < 2; unique++)
    {
      json_t *root = NULL;

      if (esp_json_parse_object ((const char *) data, size, "x", unique == 1, &root, &error)
          == ESP_OK)
        get_fields (root);
      else
        PROMISE (root == NULL && error.message[0] != '\0');
      json_decref (root);
    }
  fuzz_folder_file ("espalier.json", size > 0 ? data : (const uint8_t *) "", size);
  if (esp_manifest_read (fuzz_folder (), &manifest, &error) == ESP_OK)
    {
      PROMISE (manifest.t5_tokens >= 1 && manifest.t5_tokens <= 4096);
      esp_manifest_clear (&manifest);
    }
  return 0;
}
