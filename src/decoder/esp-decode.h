/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decode.h: pictures of strangers, read. This is what runs in a confined process of its own
 * (main.c) and in no other: programs call esp-picture.h, esp-recipe.h, esp-foreign-recipe.h and
 * esp-picture-strip.h, which have it done there.
 *
 * All functions block, keep no state and take `name` for their messages. They open no file and load
 * no library; what they need of either was opened before (esp_decode_prepare ()).
 */
#pragma once

#include "esp-foreign-recipe.h"
#include "esp-picture-kind.h"
#include "esp-picture.h"

G_BEGIN_DECLS

/* To be called before the process is confined: whatever reading this kind of picture loads. */
void esp_decode_prepare (EspPictureKind kind);

/* Whether gdk-pixbuf's loaders start processes of their own (glycin), which are confined by
 * themselves and which no confined process could start. */
gboolean esp_decode_is_done_elsewhere (EspPictureKind kind);

/* As esp_picture_load_bytes (). The pixels are put into `memory` (esp-sealed-memory.h), if that is
 * not -1, and the picture is theirs no more than the mapping. */
EspPicture *esp_decode_picture (GBytes *bytes, const char *name, int memory, EspPictureInfo *info,
                                GCancellable *cancellable,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As esp_recipe_read_bytes (). */
gboolean esp_decode_recipe (GBytes *bytes, const char *name, char **json, GError **error);

/* As esp_foreign_recipe_read_bytes (). */
EspForeignRecipe *esp_decode_foreign_recipe (GBytes *bytes, const char *name,
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As esp_picture_strip_metadata (). */
GBytes *esp_decode_strip (GBytes *bytes, const char *name,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
