/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-transcript.h: a turn as commands for others: curl in a shell, or Python with the standard
 * library.
 *
 * Exact: the same requests in the same order with the same values, image files named instead of
 * their bytes, polling as a loop, and the key as $NAME_API_KEY, never itself.
 */
#pragma once

#include "esp-provider.h"

G_BEGIN_DECLS

typedef enum
{
  ESP_TRANSCRIPT_CURL,
  ESP_TRANSCRIPT_PYTHON,
} EspTranscriptKind;

/* `parameters` as sent (canonical ids, with prompt; unknown names are passed over; "width" and
 * "height": what came back, where "size" or "aspect" was left to the client); `image_names`
 * NULL-terminated file names. */
char *esp_transcript_new (EspTranscriptKind kind, EspProvider *provider, const char *base_url,
                          JsonObject *config, JsonObject *parameters,
                          const char *const *image_names, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
