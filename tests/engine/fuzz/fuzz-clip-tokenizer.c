/* SPDX-License-Identifier: MIT */
/* Any bytes as CLIP's tokenizer: the first says whether the rest is a tokenizer.json, or a
 * vocab.json and, behind a zero byte, a merges.txt. */
#include "fuzz.h"
#include "text/tokenizer.h"

static void
tokenize (const EspClipTokenizer *tokenizer)
{
  static const char text[] = "Make the sky PUR\xC3\xBCple, it's 12! <|endoftext|>";
  EspError error = ESP_ERROR_INIT;
  EspIds ids = ESP_IDS_INIT;

  if (esp_clip_tokenize (tokenizer, text, sizeof text - 1, &ids, &error) == ESP_OK)
    for (size_t i = 0; i < ids.count; i++)
      PROMISE (ids.ids[i] >= 0 && ids.ids[i] <= esp_clip_tokenizer_max_id (tokenizer));
  esp_ids_clear (&ids);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EspError error = ESP_ERROR_INIT;
  EspClipTokenizer *tokenizer = NULL;
  const uint8_t *zero;
  EspStatus status;

  if (size < 1)
    return 0;
  zero = memchr (data + 1, 0, size - 1);
  if (data[0] % 2 == 0)
    zero = NULL;
  fuzz_folder_file ("tokenizer.json", data[0] % 2 == 0 ? data + 1 : NULL, size - 1);
  fuzz_folder_file ("vocab.json", zero != NULL ? data + 1 : NULL,
                    zero != NULL ? (size_t) (zero - data) - 1 : 0);
  fuzz_folder_file ("merges.txt", zero != NULL ? zero + 1 : NULL,
                    zero != NULL ? size - (size_t) (zero - data) - 1 : 0);
  status = esp_clip_tokenizer_open (fuzz_folder (), &tokenizer, &error);
  PROMISE ((status == ESP_OK) == (tokenizer != NULL));
  PROMISE (status == ESP_OK || error.message[0] != '\0');
  if (tokenizer != NULL)
    tokenize (tokenizer);
  esp_clip_tokenizer_free (tokenizer);
  return 0;
}
