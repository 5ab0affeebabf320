/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-texture-cache.h: pictures of nodes as textures, loaded when they are seen.
 *
 * One cache for the program. Thumbnails are kept up to a budget of bytes, the least recently drawn
 * leave first; whole images are kept while someone holds them. Everything is decoded on threads.
 * Signal "loaded" (EspDocument, EspNode, int size): a texture that was asked for is there.
 */
#pragma once

#include <gtk/gtk.h>

#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_TEXTURE_CACHE (esp_texture_cache_get_type ())

G_DECLARE_FINAL_TYPE (EspTextureCache, esp_texture_cache, ESP, TEXTURE_CACHE, GObject)

/* The program's cache (192 MiB of thumbnails). Borrowed. */
EspTextureCache *esp_texture_cache_get_default (void);
EspTextureCache *esp_texture_cache_new (guint64 budget) G_GNUC_WARN_UNUSED_RESULT;

/* The thumbnail (`size` as in esp_document_load_thumbnail_async ()) if it is there, and marks it as
 * just used; else NULL, and asks for it. Requests of lower `distance` (say, from the middle of the
 * view) are served first; one below zero is never forgotten by a pass. Cheap enough to be called
 * while drawing. Borrowed. */
GdkTexture *esp_texture_cache_lookup (EspTextureCache *self, EspDocument *document, EspNode *node,
                                      int size, double distance);

/* Forgets requests of `document` that were made before this call and not since renewed by a lookup:
 * call it before each pass of lookups of a view that was scrolled. */
void esp_texture_cache_begin_pass (EspTextureCache *self, EspDocument *document);

/* Forgets all textures of a document (it was closed) or node (it changed). */
void esp_texture_cache_forget (EspTextureCache *self, EspDocument *document, EspNode *node);

/* Of all textures that it holds. */
guint64 esp_texture_cache_get_bytes (EspTextureCache *self);

/* The whole image. */
void esp_texture_load_async (EspDocument *document, EspNode *node, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
GdkTexture *esp_texture_load_finish (GAsyncResult *result,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same at once, if someone holds it. Borrowed, or NULL. */
GdkTexture *esp_texture_peek (EspNode *node);

/* Any picture; shares its memory. May be called on every thread. */
GdkTexture *esp_texture_new_for_picture (EspPicture *picture) G_GNUC_WARN_UNUSED_RESULT;

/* The picture that a texture was made for. Borrowed; NULL for textures from elsewhere. */
EspPicture *esp_texture_get_picture (GdkTexture *texture);

G_END_DECLS
