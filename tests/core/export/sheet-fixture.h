/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sheet-fixture.h: a document with images of plain colours, and sheets of it written and read. */
#pragma once

#include "document-fixture.h"
#include "esp-sheet.h"

typedef struct
{
  EspDocument *document;
  GPtrArray *nodes; /* of EspNode */
  char *folder;
} SheetScene;

void sheet_scene_init (SheetScene *self, Fixture *fixture);
void sheet_scene_clear (SheetScene *self); /* looks that nothing is left that should not be */

/* An image of one colour. */
EspNode *sheet_scene_add (SheetScene *self, int width, int height, guint32 color);
EspNode *sheet_scene_add_bytes (SheetScene *self, GBytes *bytes);
EspNode *sheet_scene_add_failed (SheetScene *self, const char *message);

/* Writes it as NAME in the folder; NULL for an error, which has to be asked for. With
 * ESP_SCREENSHOTS=DIR it is kept there. */
GBytes *sheet_scene_export (SheetScene *self, const EspSheet *sheet, const char *name,
                            GCancellable *cancellable, GError **error);
EspPicture *sheet_scene_render (SheetScene *self, const EspSheet *sheet);
void sheet_scene_keep (SheetScene *self, const char *name);

guint32 get_pixel (EspPicture *picture, int x, int y);

/* The first pixels of that colour, reading from the top; FALSE if there is none. The rectangle of
 * all of them. */
gboolean find_color (EspPicture *picture, guint32 color, int *left, int *top, int *right,
                     int *bottom);
