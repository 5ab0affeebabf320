/* SPDX-License-Identifier: MIT */
/* Any bytes as a GGUF file, its metadata read through and through. */
#include <unistd.h>

#include "files/gguf.h"
#include "fuzz.h"

static void
read_value (const EspGguf *gguf, const EspGgufValue *value)
{
  const char *bytes;
  uint64_t at = 0, strings = 0;
  size_t length, sum = 0;
  int64_t whole;
  double number;

  PROMISE (esp_gguf_metadata_find (gguf, value->key) == value);
  esp_gguf_metadata_text (gguf, value->key);
  esp_gguf_metadata_int (gguf, value->key, 0);
  esp_gguf_metadata_double (gguf, value->key, 0);
  for (uint64_t i = 0; i < value->count && i < 100; i++)
    {
      esp_gguf_element_int (value, i, &whole);
      esp_gguf_element_double (value, i, &number);
    }
  PROMISE (!esp_gguf_element_int (value, value->count, &whole));
  while (value->type == ESP_GGUF_ARRAY && esp_gguf_next_string (value, &at, &bytes, &length))
    {
      for (size_t i = 0; i < length; i++)
        sum += (unsigned char) bytes[i];
      strings++;
    }
  PROMISE (sum <= 255 * value->bytes);
  PROMISE (value->type != ESP_GGUF_ARRAY || value->element != ESP_GGUF_STRING
           || strings == value->count);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  int fd;
  const char *path = fuzz_file ((const uint8_t *) "GGUF", 4, data, size, &fd);

  fuzz_weights (path);
  if (esp_weights_open_file (path, &weights, &error) == ESP_OK)
    {
      const EspGguf *gguf = esp_weights_gguf (weights, 0);

      for (int64_t i = 0; gguf != NULL && i < esp_gguf_metadata_count (gguf); i++)
        read_value (gguf, esp_gguf_metadata_at (gguf, i));
    }
  esp_weights_close (weights);
  close (fd);
  return 0;
}
