/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sheet-private.h: the parts of a sheet: what is on it, where that goes, and onto what. */
#pragma once

#include <pango/pangocairo.h>

#include "esp-sheet.h"

G_BEGIN_DECLS

/* ---- what is on it: copies, so that threads may read them */

typedef struct
{
  EspNode *node; /* main thread; NULL without an image */
  char *name;    /* for messages */
  char *caption; /* or NULL */
  char *missing; /* or NULL */
  int width, height;
} EspSheetItem;

typedef struct
{
  guint n_columns, n_rows;
  char *title, *column_axis, *row_axis; /* or NULL */
  char **column_labels, **row_labels;   /* or NULL */
  EspSheetItem *items;
  char **table; /* or NULL */
  guint n_table_rows;
  int cell_side;
  gboolean dark;
  gint64 created; /* µs since 1970: of the latest image */
} EspSheetContents;

EspSheetContents *_esp_sheet_contents_new (const EspSheet *sheet);
void _esp_sheet_contents_free (EspSheetContents *self);

/* ---- where it goes */

typedef enum
{
  ESP_SHEET_INK_PAPER,
  ESP_SHEET_INK_TEXT,
  ESP_SHEET_INK_DIM,
  ESP_SHEET_INK_LINE,
  ESP_SHEET_INK_EMPTY, /* places without a picture */
} EspSheetInk;

/* 0xRRGGBB */
guint32 _esp_sheet_get_color (const EspSheetContents *contents, EspSheetInk ink);

typedef struct
{
  PangoLayout *layout;
  int x, y, width, height; /* px on the sheet; of an upright one as it stands there */
  gboolean upright;        /* turned by 90° to the left */
  EspSheetInk ink;
} EspSheetText;

typedef struct
{
  int x, y, width, height; /* px */
  EspSheetInk ink;
} EspSheetBox;

typedef struct
{
  int width, height;         /* px */
  int text_size;             /* px */
  int box_width, box_height; /* px: the room of a picture */
  EspSheetBox *places;       /* of the items: where their pictures go */
  GArray *boxes;             /* of EspSheetBox: filled, below everything else */
  GArray *texts;             /* of EspSheetText */
  PangoContext *context;     /* for further texts */
} EspSheetLayout;

/* Blocks. ESP_IMAGE_ERROR_TOO_LARGE where not even small pictures have room. */
EspSheetLayout *_esp_sheet_layout_new (const EspSheetContents *contents, GCancellable *cancellable,
                                       GError **error);
void _esp_sheet_layout_free (EspSheetLayout *self);

/* Why there is no picture in the place of an item. */
void _esp_sheet_layout_add_missing (EspSheetLayout *self, const EspSheetContents *contents,
                                    guint index, const char *why);

/* Where a picture of this size goes in the place of an item. */
EspSheetBox _esp_sheet_layout_fit (const EspSheetLayout *self, guint index, int width, int height);

/* ---- onto what. Everything blocks. */

typedef struct _EspSheetCanvas EspSheetCanvas;

/* Draws all boxes and texts of the layout; keeps both. */
EspSheetCanvas *_esp_sheet_canvas_new (const EspSheetContents *contents, EspSheetLayout *layout,
                                       EspSheetFormat format, GCancellable *cancellable,
                                       GError **error);
void _esp_sheet_canvas_free (EspSheetCanvas *self);

/* The item's picture, from its stored bytes. One that cannot be read is a reason in its place, no
 * error. */
gboolean _esp_sheet_canvas_add (EspSheetCanvas *self, guint index, GBytes *bytes,
                                GCancellable *cancellable, GError **error);
gboolean _esp_sheet_canvas_add_missing (EspSheetCanvas *self, guint index, const char *why,
                                        GCancellable *cancellable, GError **error);

/* The file. */
GBytes *_esp_sheet_canvas_finish (EspSheetCanvas *self, GCancellable *cancellable, GError **error);

G_END_DECLS
