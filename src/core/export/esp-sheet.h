/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sheet.h: several nodes on one page or in one moving picture: contact sheets, flicker, wipe.
 *
 * Everything is laid out by what is given here; nobody asks a window. Missing pictures (skipped or
 * failed cells) are places with their reason in words. */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

typedef struct
{
  EspNode *node;       /* or NULL: nothing there */
  const char *caption; /* below the picture, plain text, at most four lines are shown; or NULL */
  const char *missing; /* why there is no picture; or NULL. A node without an image has its message
                          for this; without a node and a reason nothing is drawn. */
} EspSheetCell;

typedef struct
{
  guint n_columns, n_rows;            /* cells are given row by row; n_columns × n_rows of them */
  const char *title;                  /* above all; or NULL */
  const char *column_axis, *row_axis; /* what columns and rows are ("Guidance"); or NULL */
  const char *const *column_labels;   /* n_columns of them, or NULL */
  const char *const *row_labels;      /* n_rows of them, or NULL */
  const EspSheetCell *cells;
  const char *const *table; /* below all: n_table_rows × (1 + n_columns × n_rows) texts, row by row,
                               the row's title first; or NULL. Under a single row of pictures each
                               has its column; under several a line for each, named by the first
                               line of its caption (where none has one: by its number, or not at
                               all if rows or columns are labelled). */
  guint n_table_rows;
  int cell_side; /* px of a picture's longer side; 0 = as large as the largest, at most 1024, the
                    sheet at most 16,000 px a side and 64 MP: beyond that, smaller pictures */
  gboolean dark; /* on dark grey instead of white */
} EspSheet;

typedef enum
{
  ESP_SHEET_PNG,
  ESP_SHEET_PDF, /* pictures embedded as they are, text as text; one page */
  ESP_SHEET_JPEG,
  ESP_SHEET_WEBP,
} EspSheetFormat;

/* By the file name's extension; FALSE with ESP_IMAGE_ERROR_UNSUPPORTED for others. */
gboolean esp_sheet_format_from_path (const char *path, EspSheetFormat *format, GError **error);

/* Writes the sheet atomically. Everything is copied before the call returns. Images that cannot be
 * read are reasons in their places, no error. One picture after the other is loaded; a PDF keeps
 * all of them until it is written, together 64 MP (JPEG files that may be embedded as they are,
 * without their metadata, are). The same sheet gives the same bytes. */
void esp_sheet_export_async (EspDocument *document, const EspSheet *sheet, GFile *target,
                             EspSheetFormat format, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_sheet_export_finish (GAsyncResult *result, GError **error);

typedef enum
{
  ESP_SHEET_FLICKER, /* one after the other */
  ESP_SHEET_WIPE,    /* a line goes over the first and uncovers the second, and back */
} EspSheetFilm;

/* `nodes` in their fitted frame as one moving file (GIF, WebP, APNG as in esp-animation.h);
 * `seconds` an image, or a wipe there and back; `max_side` 0 = as it is; captions below as in
 * esp-export.h, one for each node, or NULL. Nodes without an image are left out, at least two must
 * have one. A wipe takes the first two. */
void esp_sheet_film_async (EspDocument *document, GPtrArray *nodes, EspSheetFilm film,
                           const char *const *captions, double seconds, int max_side, GFile *target,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
gboolean esp_sheet_film_finish (GAsyncResult *result, GError **error);

G_END_DECLS
