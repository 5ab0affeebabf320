/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-grid-sheet.c: what is shown, in the shown order, as a contact sheet. */
#include "esp-sweep-grid-private.h"

#include <glib/gi18n-lib.h>

#include "esp-sweep-words.h"

void
_esp_sweep_grid_clear_sheet (EspSweepGrid *self)
{
  for (guint i = 0; i < self->sheet.n_columns * self->sheet.n_rows; i++)
    g_clear_object (&self->sheet_cells[i].node);
  g_clear_pointer (&self->sheet_cells, g_free);
  g_clear_pointer (&self->sheet_columns, g_free);
  g_clear_pointer (&self->sheet_rows, g_free);
  g_clear_pointer (&self->sheet_texts, g_ptr_array_unref);
  self->sheet = (EspSheet){ 0 };
}

/* Keeps the text until the next sheet. */
static const char *
keep (EspSweepGrid *self, char *text)
{
  g_ptr_array_add (self->sheet_texts, text);
  return text;
}

static const char **
list_labels (EspSweepGrid *self, EspSweepPlace place, guint n)
{
  const char **labels;

  if (esp_sweep_arrangement_get_axis (self->arrangement, place) < 0)
    return NULL;
  labels = g_new (const char *, n);
  for (guint i = 0; i < n; i++)
    labels[i] = esp_sweep_arrangement_get_label (self->arrangement, place, i);
  return labels;
}

/* Columns and rows say what differs; below a picture stands what the person thinks of it. */
static const char *
get_caption (EspNode *node)
{
  static const char *const stars[ESP_NODE_MAX_STARS + 1]
      = { NULL, "★", "★★", "★★★", "★★★★", "★★★★★" };

  return stars[CLAMP (esp_node_get_stars (node), 0, ESP_NODE_MAX_STARS)];
}

static void
fill_cell (EspSweepGrid *self, EspSheetCell *cell, guint number)
{
  EspNode *node = esp_sweep_get_node (self->sweep, number);

  if (!esp_sweep_arrangement_passes (self->arrangement, number))
    return;
  if (node != NULL && esp_node_has_image (node))
    {
      cell->node = g_object_ref (node);
      cell->caption = get_caption (node);
    }
  else
    cell->missing = keep (self, esp_sweep_dup_cell_reason (self->sweep, number));
}

/* With the page, if it is one of several. */
static char *
dup_title (EspSweepGrid *self)
{
  g_autofree char *title = esp_sweep_plan_dup_title (esp_sweep_get_plan (self->sweep));
  const char *axis = esp_sweep_arrangement_get_title (self->arrangement, ESP_PLACE_PAGES);

  if (axis == NULL)
    return g_steal_pointer (&title);
  /* Translators: the title of a sweep's sheet, the name of a third axis, and its value there. */
  return g_strdup_printf (
      _ ("%s · %s %s"), title, axis,
      esp_sweep_arrangement_get_label (self->arrangement, ESP_PLACE_PAGES,
                                       esp_sweep_arrangement_get_page (self->arrangement)));
}

const EspSheet *
esp_sweep_grid_get_sheet (EspSweepGrid *self)
{
  EspSheet *sheet;

  g_return_val_if_fail (ESP_IS_SWEEP_GRID (self), NULL);

  _esp_sweep_grid_clear_sheet (self);
  sheet = &self->sheet;
  if (self->sweep == NULL)
    return sheet;
  self->sheet_texts = g_ptr_array_new_with_free_func (g_free);
  sheet->n_columns = esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_COLUMNS);
  sheet->n_rows = esp_sweep_arrangement_get_n_lines (self->arrangement, ESP_PLACE_ROWS);
  sheet->title = keep (self, dup_title (self));
  sheet->column_axis = esp_sweep_arrangement_get_title (self->arrangement, ESP_PLACE_COLUMNS);
  sheet->row_axis = esp_sweep_arrangement_get_title (self->arrangement, ESP_PLACE_ROWS);
  self->sheet_columns = list_labels (self, ESP_PLACE_COLUMNS, sheet->n_columns);
  self->sheet_rows = list_labels (self, ESP_PLACE_ROWS, sheet->n_rows);
  sheet->column_labels = self->sheet_columns;
  sheet->row_labels = self->sheet_rows;
  self->sheet_cells = g_new0 (EspSheetCell, sheet->n_columns * sheet->n_rows);
  for (guint row = 0; row < sheet->n_rows; row++)
    for (guint column = 0; column < sheet->n_columns; column++)
      fill_cell (self, &self->sheet_cells[row * sheet->n_columns + column],
                 esp_sweep_arrangement_get_cell (self->arrangement, column, row));
  sheet->cells = self->sheet_cells;
  return sheet;
}
