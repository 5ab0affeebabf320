/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fake-backend.h: a backend of the test-suite. It makes small pictures at once, or when the test
 * says so; it fails, hangs and refuses on request. */
#pragma once

#include "esp-backend.h"

G_BEGIN_DECLS

#define FAKE_TYPE_BACKEND (fake_backend_get_type ())

G_DECLARE_FINAL_TYPE (FakeBackend, fake_backend, FAKE, BACKEND, EspBackend)

/* With one model, "model", that is ready. Turns are made as soon as the main loop runs. */
FakeBackend *fake_backend_new (const char *id, guint concurrency) G_GNUC_WARN_UNUSED_RESULT;

/* From now on turns wait for the functions below. */
void fake_backend_set_stepped (FakeBackend *self, gboolean stepped);

/* From now on turns do not obey when they are cancelled. */
void fake_backend_set_stubborn (FakeBackend *self, gboolean stubborn);

/* From now on it wants so many turns that differ by their seeds together; turns are then known as
 * "prompt#seed". */
void fake_backend_set_batch (FakeBackend *self, guint batch);
guint fake_backend_get_n_groups (FakeBackend *self); /* of which nobody is missing, so far */

/* From now on it is one of a provider; `keeps`: turns that end without a result can be gone on
 * with.
 */
void fake_backend_set_remote (FakeBackend *self, gboolean keeps);
gboolean fake_backend_get_resumed (FakeBackend *self);   /* the turn that was begun last */
GPtrArray *fake_backend_get_settled (FakeBackend *self); /* of char *: ids of stored turns */
/* Of char *: ids of turns that came back when their document was closed. */
GPtrArray *fake_backend_get_released (FakeBackend *self);

/* What it was told of turns that a document has: "2 done, 1 open in TITLE;" each time. */
const char *fake_backend_get_tidied (FakeBackend *self);

/* From now on the first turn that was stored is not settled until the test says so. */
void fake_backend_hold_settling (FakeBackend *self);
void fake_backend_settle (FakeBackend *self);

/* Seconds that turns say they took; pictures are squares of this side, of noise. */
void fake_backend_set_seconds (FakeBackend *self, double seconds);
void fake_backend_set_side (FakeBackend *self, int side);

/* From now on it edits what it is given instead of making noise: a red square covers the picture
 * from a quarter to a half of its width and height. Of the prompt "night" it darkens everything, of
 * "twice" there is a further image, of "broken" it gives no picture. */
void fake_backend_set_edits (FakeBackend *self, gboolean edits);

/* What turns leave for the next one, and what the turn that was begun last was given. */
void fake_backend_set_latents (FakeBackend *self, GBytes *latents);
GBytes *fake_backend_get_latents (FakeBackend *self);       /* or NULL */
GBytes *fake_backend_get_latent_tokens (FakeBackend *self); /* or NULL */

/* Turns are known by their prompt. */
gboolean fake_backend_is_running (FakeBackend *self, const char *prompt);
guint fake_backend_get_n_running (FakeBackend *self);
guint fake_backend_get_most_running (FakeBackend *self); /* at the same time, so far */

/* Prompts of all turns in the order in which they were begun, "a b c". */
char *fake_backend_dup_begun (FakeBackend *self);
guint fake_backend_get_n_begun (FakeBackend *self);

/* Of the turn that was begun last. */
GPtrArray *fake_backend_get_images (FakeBackend *self);
JsonObject *fake_backend_get_parameters (FakeBackend *self);
const char *fake_backend_get_remote_job (FakeBackend *self);
gboolean fake_backend_get_previews (FakeBackend *self); /* was it asked for them? */

void fake_backend_tell (FakeBackend *self, const char *prompt, const EspBackendNews *news);
void fake_backend_finish (FakeBackend *self, const char *prompt);
void fake_backend_fail (FakeBackend *self, const char *prompt, EspBackendError code,
                        const char *message);

G_END_DECLS
