/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-untouched.h: the picture of a turn in which all that the edit did not mean is the source's,
 * bit for bit, at the source's size.
 *
 * Register (esp-registration.h), see what changed (esp-change.h), compose. All functions block;
 * call them from a task (esp-picture-work.h). They use all cores, are cancelled within about 50 ms,
 * and hold at most a few bytes a pixel besides the pictures themselves. */
#pragma once

#include "esp-composition.h"
#include "esp-mask.h"

G_BEGIN_DECLS

typedef struct
{
  EspPicture *image; /* what the node shows: as large as the source; `result` itself (a reference)
                        where all of it is taken: global edits, ESP_KEEP_OFF without a region */
  EspMask *mask;     /* before grow and feather, as large as the source; NULL: nothing was masked */
  EspComposition *composition;
} EspUntouched;

/* `asked`: keep, region, grow, feather and crop (if something was cut out: then `result` is of the
 * crop) are looked at. NULL only when cancelled or without memory. */
EspUntouched *esp_untouched_make (EspPicture *source, EspPicture *result,
                                  const EspComposition *asked, GCancellable *cancellable,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
void esp_untouched_free (EspUntouched *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspUntouched, esp_untouched_free)

/* The same anew with another mask or other settings, without looking for what changed:
 * `composition` is that of an earlier make(), with keep, grow and feather as they are wanted now.
 * `mask` may be NULL only for ESP_KEEP_OFF. */
EspPicture *esp_untouched_remake (EspPicture *source, EspPicture *result, EspMask *mask,
                                  const EspComposition *composition, GCancellable *cancellable,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The feather that a composition means, px of a source of that size: its own, or what the program
 * finds best. */
double esp_untouched_get_feather (const EspComposition *composition, int width, int height);

/* The mask as it was composed with (grown, feathered, within the region): 0 exactly where the image
 * equals the source. `image` may be NULL; else where mask > 0 but the pixels are equal it is made
 * 0. Without `image`, `source` may be NULL, too: it is as large as `mask` then. */
EspMask *esp_untouched_dup_effective_mask (EspPicture *source, EspPicture *image, EspMask *mask,
                                           const EspComposition *composition,
                                           GCancellable *cancellable,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* How changed parts become as large as the source. The program has one way (Lanczos); a
 * super-resolution model can be put in its place for the process. `scale` gets the wanted size;
 * returns a new picture, or NULL with an error, and then the program's own way is taken. */
typedef EspPicture *(*EspUpscaleFunc) (EspPicture *picture, int width, int height, gpointer data,
                                       GCancellable *cancellable, GError **error);
void esp_untouched_set_upscaler (EspUpscaleFunc upscale, gpointer data, GDestroyNotify destroy);

/* Which of the result's tokens (squares of 16 × 16 px of `result_width` × `result_height`, both
 * multiples of 16) the image shows entirely as the result has them: 255, others 0. All 255 where
 * all of the result is taken; all 0 where it lies moved by more than half a pixel. For latent
 * carry. `mask` as esp_untouched_make () gives it, or NULL. The caller frees (height/16 × width/16
 * bytes). */
guint8 *esp_untouched_dup_tokens (EspMask *mask, const EspComposition *composition,
                                  int result_width, int result_height,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
