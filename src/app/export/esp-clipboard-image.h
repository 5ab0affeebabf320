/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-clipboard-image.h: a node's image for other programs, without a file dialog. */
#pragma once

#include <gtk/gtk.h>

#include "esp-document.h"

G_BEGIN_DECLS

/* The image as a content provider: PNG bytes with the recipe and a texture, made when someone asks.
 * For the clipboard. */
GdkContentProvider *esp_image_content_new (EspDocument *document,
                                           EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* The image as a file, too (GdkFileList; "Harbour - Make it red.png" in a private folder that is
 * emptied at the next start): for drags to file managers. */
GdkContentProvider *esp_image_file_content_new (EspDocument *document,
                                                EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* Puts the image on the clipboard. */
void esp_copy_image (GdkClipboard *clipboard, EspDocument *document, EspNode *node);

/* Writes the image as it is stored to a private temporary folder and opens it with a program that
 * the person chooses. */
void esp_open_image_with_async (GtkWindow *parent, EspDocument *document, EspNode *node,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean esp_open_image_with_finish (GAsyncResult *result, GError **error);

G_END_DECLS
