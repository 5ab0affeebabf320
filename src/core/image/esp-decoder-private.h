/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decoder-private.h: having a stranger's file read in a process of its own, which can reach
 * nothing and is expendable (esp-decoder-protocol.h). */
#pragma once

#include "esp-decoder-answer-private.h"
#include "esp-picture-kind.h"

G_BEGIN_DECLS

typedef struct _EspDecoder EspDecoder;

/* A decoder by the program's path, for tests; `seconds` of processor time for each job, twice as
 * many by the clock; 0: as many as the size of the file asks for. */
EspDecoder *_esp_decoder_new (const char *program, guint seconds);
void _esp_decoder_free (EspDecoder *self);

/* The one that everybody uses; it is started when it is first needed, and again when it has died.
 */
EspDecoder *_esp_decoder_get (void);

/* What is to be read, and how. */
typedef struct
{
  EspDecoderTask task;
  EspPictureKind kind; /* by the first bytes */
  int file;            /* sealed memory */
  gsize size;          /* of it */
  const char *name;    /* for messages */
} EspDecoderRequest;

/* Has it done; blocks, from any thread, and several at the same time. `answered` is what the
 * decoder said, also of much that failed; always the caller's to clear. Returns the result, sealed
 * memory of answered->head.size bytes that the caller closes, or -1: ESP_IMAGE_ERROR,
 * G_IO_ERROR_CANCELLED. */
int _esp_decoder_run (EspDecoder *self, const EspDecoderRequest *request,
                      EspDecoderAnswered *answered, GCancellable *cancellable, GError **error);

/* For tests: the process that is running, or 0. */
int _esp_decoder_get_pid (EspDecoder *self);

G_END_DECLS
