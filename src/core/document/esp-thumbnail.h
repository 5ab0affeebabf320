/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-thumbnail.h: a small picture of a document that nobody opens for it. */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

/* What the document at `path` shows: the image of the node that was shown last, else the newest
 * one. Its longer side is `max_side` at most, and smaller where the image is. Nothing is written
 * anywhere; the document may be open elsewhere, or be in a folder that nobody may write to. Blocks.
 * ESP_DOCUMENT_ERROR: it is none, is damaged, or has no image yet. */
EspPicture *esp_thumbnail_load (const char *path, int max_side, GCancellable *cancellable,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
