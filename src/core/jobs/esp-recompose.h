/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-recompose.h: another mask, another seam: the picture of a turn put together again, without
 * generating anything. */
#pragma once

#include "esp-document.h"
#include "esp-mask.h"

G_BEGIN_DECLS

/* Puts a finished turn's picture together again and stores it as one undoable step called `title`
 * (translated). Of `wanted` keep, grow and feather count; region, crop and how the result lies on
 * its source stay as they are (they are found first where the turn did not ask for them).
 *
 * ESP_KEEP_OFF takes all of the result (of a region: all of the region); the mask is kept.
 * Otherwise `mask` (as large as the source; must not be changed any more) says what is the
 * result's; NULL: the stored one; with `anew`, or where none is stored, the program looks for what
 * changed.
 *
 * Call it on the main thread; it loads, works on threads and stores. Fails, and changes nothing,
 * where the raw result or its source are not kept (ESP_DOCUMENT_ERROR), or when cancelled. */
void esp_recompose_async (EspDocument *document, EspNode *node, const EspComposition *wanted,
                          EspMask *mask, gboolean anew, const char *title,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data);
gboolean esp_recompose_finish (GAsyncResult *result, GError **error);

G_END_DECLS
