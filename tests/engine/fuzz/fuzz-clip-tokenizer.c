/* SPDX-License-Identifier: MIT */
/* Any bytes as the folder of CLIP's tokenizer. The first says whether it has a tokenizer.json, or a
 * vocab.json and a merges.txt; behind them are the files that tell of its tokens. A zero byte ends
 * each, and what is not reached is not there. */
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

/* As that file of the folder, or none, what is up to the next zero byte. */
static void
take_file (const uint8_t **data, size_t *size, const char *name)
{
  const uint8_t *zero = *size > 0 ? memchr (*data, 0, *size) : NULL;
  size_t length = zero != NULL ? (size_t) (zero - *data) : *size;
  size_t used = length + (zero != NULL);

  fuzz_folder_file (name, length > 0 ? *data : NULL, length);
  *data += used;
  *size -= used;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EspError error = ESP_ERROR_INIT;
  EspClipTokenizer *tokenizer = NULL;
  EspStatus status;
  bool whole;

  if (size < 1)
    return 0;
  whole = *data % 2 == 0;
  data++;
  size--;
  fuzz_folder_file (whole ? "vocab.json" : "tokenizer.json", NULL, 0);
  take_file (&data, &size, whole ? "tokenizer.json" : "vocab.json");
  if (whole)
    fuzz_folder_file ("merges.txt", NULL, 0);
  else
    take_file (&data, &size, "merges.txt");
  take_file (&data, &size, "tokenizer_config.json");
  take_file (&data, &size, "special_tokens_map.json");
  take_file (&data, &size, "added_tokens.json");
  status = esp_clip_tokenizer_open (fuzz_folder (), &tokenizer, &error);
  PROMISE ((status == ESP_OK) == (tokenizer != NULL));
  PROMISE (status == ESP_OK || error.message[0] != '\0');
  if (tokenizer != NULL)
    tokenize (tokenizer);
  esp_clip_tokenizer_free (tokenizer);
  return 0;
}
