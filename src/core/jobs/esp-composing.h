/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composing.h: the work on pictures before and after a turn whose untouched pixels are kept, or
 * that edits a region (esp-untouched.h), on threads. Private to the jobs. */
#pragma once

#include "esp-document.h"
#include "esp-mask.h"

G_BEGIN_DECLS

/* What is sent of `source` (an encoded picture) for the region of `asked`: a PNG; or `source`
 * itself where there is no region. */
void _esp_cut_async (GBytes *source, const EspComposition *asked, GCancellable *cancellable,
                     GAsyncReadyCallback callback, gpointer user_data);
GBytes *_esp_cut_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct
{
  GBytes *image; /* PNG; NULL: all of the result is taken, its own bytes are the image */
  GBytes *mask;  /* PNG, or NULL: nothing was masked */
  EspComposition *composition;
} EspComposed;

void _esp_composed_free (EspComposed *composed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspComposed, _esp_composed_free)

/* Puts the picture of a turn together of what it was made from and what came (both encoded;
 * `source` NULL: it could not be had). What fails, and a cancellation too, is told in
 * `composition->problem`, and all of the result is taken: there is always a picture. */
void _esp_compose_async (GBytes *source, GBytes *result, const EspComposition *asked,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
EspComposed *_esp_compose_finish (GAsyncResult *result) G_GNUC_WARN_UNUSED_RESULT;

/* The same after a person changed something: `wanted` has keep, grow and feather, `made` is how it
 * was put together before (or NULL), `mask` (or NULL) an EspMask, `stored` (or NULL) the encoded
 * one to use if `mask` is NULL. Without both of them what changed is looked for. Errors are errors.
 */
typedef struct
{
  GBytes *source, *result;
  const EspComposition *wanted, *made;
  EspMask *mask;
  GBytes *stored;
} EspComposingAgain;

void _esp_compose_again_async (const EspComposingAgain *again, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
EspComposed *_esp_compose_again_finish (GAsyncResult *result,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
