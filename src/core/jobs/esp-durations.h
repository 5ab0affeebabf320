/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-durations.h: what turns took, and so what the next ones will take. Private to the queue. */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

typedef struct _EspDurations EspDurations;

EspDurations *_esp_durations_new (void) G_GNUC_WARN_UNUSED_RESULT;
void _esp_durations_free (EspDurations *self);

/* Takes the seconds of a turn that is done; nothing if they are unknown. */
void _esp_durations_learn (EspDurations *self, EspNode *node);

/* Knows nothing yet of that backend and model: looks at the document's earlier turns. */
void _esp_durations_learn_document (EspDurations *self, EspDocument *document, const char *backend,
                                    const char *model);

/* Seconds that a turn with these parameters (or NULL) will take; < 0 unknown. */
double _esp_durations_estimate (EspDurations *self, const char *backend, const char *model,
                                JsonObject *parameters);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspDurations, _esp_durations_free)

G_END_DECLS
