/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sheet-contents.c: what is on a sheet, copied on the main thread. */
#define G_LOG_DOMAIN "esp-export"

#include <glib/gi18n-lib.h>

#include "esp-sheet-private.h"

static char **
dup_texts (const char *const *texts, guint n)
{
  char **copies;

  if (texts == NULL)
    return NULL;
  copies = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    copies[i] = g_strdup (texts[i] != NULL ? texts[i] : "");
  return copies;
}

static void
copy_item (EspSheetContents *self, EspSheetItem *item, const EspSheetCell *cell)
{
  item->caption = g_strdup (cell->caption);
  item->missing = g_strdup (cell->missing);
  if (cell->node == NULL)
    return;
  item->name = esp_node_dup_title (cell->node);
  if (!esp_node_has_image (cell->node))
    {
      if (item->missing == NULL)
        item->missing = g_strdup (esp_node_get_message (cell->node));
      if (item->missing == NULL)
        item->missing = g_strdup (_ ("There is no image"));
      return;
    }
  g_clear_pointer (&item->missing, g_free);
  item->node = g_object_ref (cell->node);
  item->width = esp_node_get_width (cell->node);
  item->height = esp_node_get_height (cell->node);
  self->created = MAX (self->created, esp_node_get_created (cell->node));
}

EspSheetContents *
_esp_sheet_contents_new (const EspSheet *sheet)
{
  EspSheetContents *self = g_new0 (EspSheetContents, 1);
  const guint n = sheet->n_columns * sheet->n_rows;

  self->n_columns = sheet->n_columns;
  self->n_rows = sheet->n_rows;
  self->title = g_strdup (sheet->title);
  self->column_axis = g_strdup (sheet->column_axis);
  self->row_axis = g_strdup (sheet->row_axis);
  self->column_labels = dup_texts (sheet->column_labels, sheet->n_columns);
  self->row_labels = dup_texts (sheet->row_labels, sheet->n_rows);
  self->n_table_rows = sheet->table != NULL ? sheet->n_table_rows : 0;
  self->table = dup_texts (sheet->table, self->n_table_rows * (1 + n));
  self->cell_side = sheet->cell_side;
  self->dark = sheet->dark;
  self->items = g_new0 (EspSheetItem, n);
  for (guint i = 0; i < n; i++)
    copy_item (self, &self->items[i], &sheet->cells[i]);
  return self;
}

void
_esp_sheet_contents_free (EspSheetContents *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_columns * self->n_rows; i++)
    {
      EspSheetItem *item = &self->items[i];

      g_clear_object (&item->node);
      g_free (item->name);
      g_free (item->caption);
      g_free (item->missing);
    }
  g_free (self->items);
  g_free (self->title);
  g_free (self->column_axis);
  g_free (self->row_axis);
  g_strfreev (self->column_labels);
  g_strfreev (self->row_labels);
  g_strfreev (self->table);
  g_free (self);
}
