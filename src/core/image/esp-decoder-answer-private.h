/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decoder-answer-private.h: what a decoder says, read as if a stranger had said it. */
#pragma once

#include "esp-decoder-protocol.h"
#include "esp-picture.h"

G_BEGIN_DECLS

typedef struct
{
  EspDecoderAnswer head;
  char *message; /* of an error; one line */
  char *program; /* of a foreign recipe; one line; or NULL */
  EspPictureInfo info;
} EspDecoderAnswered;

/* Takes a message apart into `self`, which is overwritten. FALSE unless every member makes sense:
 * numbers in their ranges, texts that are as many as they should be, each UTF-8 on one line without
 * control characters. Nothing is to be cleared then. */
gboolean _esp_decoder_answer_read (EspDecoderAnswered *self, EspDecoderTask task,
                                   const guint8 *message, gsize size);
void _esp_decoder_answer_clear (EspDecoderAnswered *self);

G_END_DECLS
