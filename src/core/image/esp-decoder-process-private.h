/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decoder-process-private.h: espalier-decoder, running: started, sent jobs, waited for. */
#pragma once

#include "esp-decoder-protocol.h"

G_BEGIN_DECLS

typedef struct _EspDecoderProcess EspDecoderProcess;

/* Starts `program`. Returns when it runs, or NULL and an error of G_SPAWN_ERROR or G_IO_ERROR. From
 * any thread: one that is the process's own stays until the process has ended, and reaps it. */
EspDecoderProcess *_esp_decoder_process_start (const char *program, GError **error);
EspDecoderProcess *_esp_decoder_process_ref (EspDecoderProcess *self);
void _esp_decoder_process_unref (EspDecoderProcess *self);

/* Whether it has ended, by itself or by a signal. */
gboolean _esp_decoder_process_has_ended (EspDecoderProcess *self);

/* Ends it and what it runs, soon. */
void _esp_decoder_process_stop (EspDecoderProcess *self);

/* For tests: its process id. */
int _esp_decoder_process_get_pid (EspDecoderProcess *self);

/* Sends a job with the three descriptors, which stay the caller's. FALSE: it is gone. */
gboolean _esp_decoder_process_send (EspDecoderProcess *self, const EspDecoderJob *job,
                                    const char *name, const int descriptors[3]);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspDecoderProcess, _esp_decoder_process_unref)

G_END_DECLS
