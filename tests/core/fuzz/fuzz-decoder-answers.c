/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a decoder says, which may have been taken over by the file that it read. The first byte says
 * what it was asked for, and whether the numbers by which an answer is known are put right. */
#include "fuzz-core.h"

#include "esp-decoder-answer-private.h"
#include "esp-picture-memory.h"

static void
check_line (const char *text)
{
  PROMISE (text == NULL || (text[0] != '\0' && g_utf8_validate (text, -1, NULL)));
  for (; text != NULL && *text != '\0'; text++)
    PROMISE ((guchar) *text >= ' ' && *text != 0x7f);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  guint how = fuzz_take_byte (&input);
  g_autofree guint8 *message = g_memdup2 (input.data, input.size);
  EspDecoderTask task = (EspDecoderTask) (how % 4);
  EspDecoderAnswered answered;
  EspDecoderAnswer head;

  if ((how & 16) != 0 && input.size >= sizeof head)
    {
      memcpy (&head, message, sizeof head);
      head.magic = ESP_DECODER_ANSWER;
      head.texts_size = (guint32) (input.size - sizeof head);
      if ((how & 32) != 0 && task == ESP_DECODER_PICTURE)
        head.size = ESP_PICTURE_BYTES (head.width, head.height);
      memcpy (message, &head, sizeof head);
    }
  if (!_esp_decoder_answer_read (&answered, task, message, input.size))
    return 0;
  PROMISE ((answered.head.outcome == ESP_DECODER_DONE) == (answered.message == NULL));
  check_line (answered.message);
  check_line (answered.program);
  check_line (answered.info.profile);
  for (guint i = 0; answered.info.warnings != NULL && i < answered.info.warnings->len; i++)
    check_line (g_ptr_array_index (answered.info.warnings, i));
  PROMISE (answered.info.format == NULL || g_utf8_validate (answered.info.format, -1, NULL));
  _esp_decoder_answer_clear (&answered);
  return 0;
}
