/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-recipe-private.h: texts in picture files. */
#pragma once

#include <json-glib/json-glib.h>

#include "esp-recipe.h"

G_BEGIN_DECLS

/* zlib data as text, at most ESP_RECIPE_MAX_SIZE bytes; NULL if it is more or broken. */
char *_esp_recipe_inflate (const guint8 *data, gsize size, gsize *length);

/* The text of a PNG file's iTXt chunk. */
char *_esp_recipe_read_itxt (const guint8 *data, gsize size, gsize *length);

/* The texts in a PNG, JPEG or WebP file by their keys: a PNG's keywords; "UserComment",
 * "ImageDescription", "Make" and "Model" from EXIF. Valid UTF-8 (Latin-1 where a PNG says so), the
 * first of each key, at most 32 of them. */
GHashTable *_esp_recipe_collect_texts (GBytes *bytes);

/* What a graph of ComfyUI says, into `recipe` in its form. */
void _esp_comfy_graph_read (JsonObject *graph, JsonObject *recipe);

G_END_DECLS
