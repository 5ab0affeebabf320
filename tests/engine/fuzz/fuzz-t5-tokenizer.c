/* SPDX-License-Identifier: MIT */
/* Any bytes as T5's tokenizer: the first says whether the rest is a tokenizer.json, a spiece.model
 * or a GGUF file. */
#include <unistd.h>

#include "fuzz.h"
#include "text/tokenizer.h"

static void
tokenize (const EspT5Tokenizer *tokenizer)
{
  static const char text[] = "Make the sky <extra_id_1> pur\xC3\xBC ple\xE2\x96\x81! </s>\t\xEF\xAC"
                             "\x81\x6E";
  EspError error = ESP_ERROR_INIT;
  EspIds ids = ESP_IDS_INIT;

  if (esp_t5_tokenize (tokenizer, text, sizeof text - 1, &ids, &error) == ESP_OK)
    for (size_t i = 0; i < ids.count; i++)
      PROMISE (ids.ids[i] >= 0 && ids.ids[i] <= esp_t5_tokenizer_max_id (tokenizer));
  PROMISE (esp_t5_tokenizer_end (tokenizer) >= 0 && esp_t5_tokenizer_pad (tokenizer) >= 0);
  esp_ids_clear (&ids);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EspError error = ESP_ERROR_INIT;
  EspT5Tokenizer *tokenizer = NULL;
  EspStatus status;
  int fd = -1;

  if (size < 1)
    return 0;
  if (data[0] % 3 == 2)
    status = esp_t5_tokenizer_open_gguf (
        fuzz_file ((const uint8_t *) "GGUF", 4, data + 1, size - 1, &fd), &tokenizer, &error);
  else
    {
      bool json = data[0] % 3 == 0;

      fuzz_folder_file ("tokenizer.json", json ? data + 1 : NULL, size - 1);
      fuzz_folder_file ("spiece.model", json ? NULL : data + 1, size - 1);
      status = esp_t5_tokenizer_open (fuzz_folder (), &tokenizer, &error);
    }
  PROMISE ((status == ESP_OK) == (tokenizer != NULL));
  PROMISE (status == ESP_OK || error.message[0] != '\0');
  if (tokenizer != NULL)
    tokenize (tokenizer);
  esp_t5_tokenizer_free (tokenizer);
  if (fd >= 0)
    close (fd);
  return 0;
}
