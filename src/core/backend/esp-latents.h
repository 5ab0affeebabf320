/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-latents.h: what the local engine's sampler left of a turn, small enough to stay in a
 * document.
 *
 * The next turn reads them in the place of the picture's squares that still show what they were
 * decoded to: so a picture need not be decoded, rounded to 8 bits and encoded once more for every
 * turn. Bytes may come out of any document: whatever is read here is checked first.
 *
 * A square of 16 × 16 px is one token of `channels` numbers in half precision. docs/file-format.md
 * has the bytes. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ESP_LATENTS_ERROR (esp_latents_error_quark ())

typedef enum
{
  ESP_LATENTS_ERROR_DAMAGED, /* no latents, or others than their first bytes say */
  ESP_LATENTS_ERROR_NUMBERS, /* a number that is none, or that half precision cannot hold */
} EspLatentsError;

GQuark esp_latents_error_quark (void);

/* The largest picture and the most numbers of a token. */
#define ESP_LATENTS_SIDE_MAX     8192 /* px */
#define ESP_LATENTS_CHANNELS_MAX 256

/* Packs `values`, [height/16 · width/16][channels], tokens in rows from the top. width and height
 * are px, multiples of 16. `model_hash`: 64 hexadecimal digits, of the model that made them. 1 MP
 * of FLUX.1 becomes less than 0.5 MB. Takes about 50 ms for that: use a task. */
GBytes *esp_latents_new (const float *values, int width, int height, int channels,
                         const char *model_hash, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The picture's size in px. Looks at the first bytes only; FALSE, and zeros, where they are none of
 * ours. */
gboolean esp_latents_get_size (GBytes *latents, int *width, int *height);

/* The hash of the model that made them; NULL where they are none. */
char *esp_latents_dup_model_hash (GBytes *latents) G_GNUC_WARN_UNUSED_RESULT;

/* The numbers again, as esp_latents_new () had them but for their precision; the caller frees. */
float *esp_latents_unpack (GBytes *latents, int *channels,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The worker's file for them (safetensors with `latents` [tokens, channels] in F32), and what the
 * worker wrote of a result of width × height px. Both block; one file at a time. */
gboolean esp_latents_save (GBytes *latents, const char *path, GError **error);
GBytes *esp_latents_load (const char *path, int width, int height, const char *model_hash,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
