/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-library.h: the documents of the library, and a look at any other, without opening them.
 *
 * Documents that cannot be read have a title and a date, and no picture. */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_LIBRARY_ITEM (esp_library_item_get_type ())

G_DECLARE_FINAL_TYPE (EspLibraryItem, esp_library_item, ESP, LIBRARY_ITEM, GObject)

/* All that an item has stays as it was when it was looked at. */
GFile *esp_library_item_get_file (EspLibraryItem *self);
const char *esp_library_item_get_title (EspLibraryItem *self); /* without ".espalier" */
gint64 esp_library_item_get_modified (EspLibraryItem *self);   /* µs since 1970 */
guint esp_library_item_get_n_nodes (EspLibraryItem *self);     /* without those deleted */
guint64 esp_library_item_get_size (EspLibraryItem *self);      /* of the file, bytes */
gboolean esp_library_item_is_in_library (EspLibraryItem *self);

/* Of the node that was shown last: 384 px at most; NULL if there is none. Borrowed. */
EspPicture *esp_library_item_get_thumbnail (EspLibraryItem *self);

/* The documents of the library, most recently changed first. Empty ones, which hold no node, are
 * among them. Finishes with a list of EspLibraryItem. */
void esp_document_library_list_async (GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);
GListModel *esp_document_library_list_finish (GAsyncResult *result,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A look at one document wherever it is. */
void esp_library_look_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
EspLibraryItem *esp_library_look_finish (GAsyncResult *result,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* These are refused (ESP_DOCUMENT_ERROR_READ_ONLY) while the document is open, here or in another
 * process, and for files that are not in the library (ESP_DOCUMENT_ERROR_ARGUMENT). */

/* G_IO_ERROR_NOT_SUPPORTED: there is no trash. */
void esp_library_trash_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean esp_library_trash_finish (GAsyncResult *result, GError **error);

/* For good. */
void esp_library_delete_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean esp_library_delete_finish (GAsyncResult *result, GError **error);

/* Finishes with the new file. ESP_DOCUMENT_ERROR_ARGUMENT: there is one of that name. */
void esp_library_rename_async (GFile *file, const char *title, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
GFile *esp_library_rename_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
