/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-cells-layout.c: sizes and places, what is in sight, and the widgets for it. */
#include "esp-sweep-cells-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#define MIN_FIT      96  /* px: smaller cells are not made by themselves */
#define MAX_HEADER   220 /* px of a row's header */
#define MIN_HEADER   36
#define HEADER_SHARE 0.28 /* of the view, at most */
#define N_LONGEST    8    /* labels that are measured: those with the most letters */
#define REVEAL_ROOM  12

guint
_esp_sweep_cells_get_n (EspSweepCells *self, GtkOrientation orientation)
{
  if (self->arrangement == NULL)
    return 0;
  return esp_sweep_arrangement_get_n_lines (
      self->arrangement,
      orientation == GTK_ORIENTATION_HORIZONTAL ? ESP_PLACE_COLUMNS : ESP_PLACE_ROWS);
}

static int
get_view_size (EspSweepCells *self, GtkOrientation orientation)
{
  return orientation == GTK_ORIENTATION_HORIZONTAL ? gtk_widget_get_width (GTK_WIDGET (self))
                                                   : gtk_widget_get_height (GTK_WIDGET (self));
}

static int
get_content_size (EspSweepCells *self, GtkOrientation orientation)
{
  return self->header_size[orientation]
         + (int) _esp_sweep_cells_get_n (self, orientation) * self->cell_size[orientation];
}

static gboolean
is_rtl (EspSweepCells *self)
{
  return gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
}

/* --- Labels ----------------------------------------------------------------------------------- */

static int
compare_lengths (gconstpointer a, gconstpointer b)
{
  glong first = g_utf8_strlen (*(const char *const *) a, -1);
  glong second = g_utf8_strlen (*(const char *const *) b, -1);

  return first > second ? -1 : first < second;
}

/* The largest size that the longest labels of the lines need. */
static int
measure_lines (EspSweepCells *self, EspSweepPlace place, GtkOrientation orientation, int for_size)
{
  guint n = esp_sweep_arrangement_get_n_lines (self->arrangement, place);
  g_autoptr (GPtrArray) labels = g_ptr_array_new ();
  int largest = 0;

  if (esp_sweep_arrangement_get_axis (self->arrangement, place) < 0)
    return 0;
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (labels,
                     (gpointer) esp_sweep_arrangement_get_label (self->arrangement, place, i));
  g_ptr_array_sort (labels, compare_lengths);
  for (guint i = 0; i < labels->len && i < N_LONGEST; i++)
    {
      int size;

      esp_sweep_header_set_text (self->measurer, labels->pdata[i], "");
      size = orientation == GTK_ORIENTATION_HORIZONTAL
                 ? esp_sweep_header_get_natural_width (self->measurer)
                 : esp_sweep_header_get_height_for_width (self->measurer, for_size);
      largest = MAX (largest, size);
    }
  return largest;
}

static char *
dup_corner_text (EspSweepCells *self)
{
  const char *columns = esp_sweep_arrangement_get_title (self->arrangement, ESP_PLACE_COLUMNS);
  const char *rows = esp_sweep_arrangement_get_title (self->arrangement, ESP_PLACE_ROWS);

  if (columns == NULL || rows == NULL)
    return g_strdup (columns != NULL ? columns : rows != NULL ? rows : "");
  return g_strdup_printf (is_rtl (self) ? "%s ←\n%s ↓" : "%s →\n%s ↓", columns, rows);
}

/* How wide and high a cell is whose longer side has so many pixels. */
static void
get_cell_size (EspSweepCells *self, int side, int size[2])
{
  double width = self->shape > 1 ? side / self->shape : side;
  double height = self->shape > 1 ? side : side * self->shape;

  size[GTK_ORIENTATION_HORIZONTAL] = (int) MAX (round (width), 40) + 2 * ESP_SWEEP_CELL_PADDING;
  size[GTK_ORIENTATION_VERTICAL] = (int) MAX (round (height), 40) + 2 * ESP_SWEEP_CELL_PADDING;
}

static void
measure_column_labels (EspSweepCells *self)
{
  g_autofree char *corner = dup_corner_text (self);
  int height = measure_lines (self, ESP_PLACE_COLUMNS, GTK_ORIENTATION_VERTICAL,
                              self->cell_size[GTK_ORIENTATION_HORIZONTAL]);

  if (height > 0 && self->header_size[GTK_ORIENTATION_HORIZONTAL] > 0)
    {
      esp_sweep_header_set_text (self->measurer, corner, "");
      height = MAX (height, esp_sweep_header_get_height_for_width (
                                self->measurer, self->header_size[GTK_ORIENTATION_HORIZONTAL]));
    }
  self->header_size[GTK_ORIENTATION_VERTICAL] = height;
}

/* The largest side with which everything is in sight, within reason. */
static int
fit_side (EspSweepCells *self, int width, int height)
{
  int low = MIN_FIT, high = ESP_SWEEP_MAX_SIDE;

  while (low < high)
    {
      int side = (low + high + 1) / 2;

      get_cell_size (self, side, self->cell_size);
      measure_column_labels (self);
      if (get_content_size (self, GTK_ORIENTATION_HORIZONTAL) <= width
          && get_content_size (self, GTK_ORIENTATION_VERTICAL) <= height)
        low = side;
      else
        high = side - 1;
    }
  return low;
}

static void
measure (EspSweepCells *self, int width, int height)
{
  int most = CLAMP ((int) (width * HEADER_SHARE), MIN_HEADER, MAX_HEADER), corner_width = 0;
  int row_width = measure_lines (self, ESP_PLACE_ROWS, GTK_ORIENTATION_HORIZONTAL, -1);

  if (row_width > 0)
    {
      g_autofree char *corner = dup_corner_text (self);

      esp_sweep_header_set_text (self->measurer, corner, "");
      corner_width = esp_sweep_header_get_natural_width (self->measurer);
      row_width = CLAMP (MAX (row_width, corner_width), MIN_HEADER, most);
    }
  self->header_size[GTK_ORIENTATION_HORIZONTAL] = row_width;
  self->side = self->chosen_side > 0 ? self->chosen_side : fit_side (self, width, height);
  get_cell_size (self, self->side, self->cell_size);
  measure_column_labels (self);
  self->block_start = MAX (0, (width - get_content_size (self, GTK_ORIENTATION_HORIZONTAL)) / 2);
  self->block_top = MAX (0, (height - get_content_size (self, GTK_ORIENTATION_VERTICAL)) / 2);
}

/* Sizes of everything for a view of that size. */
void
_esp_sweep_cells_measure (EspSweepCells *self, int width, int height)
{
  const int wanted[3] = { width, height, self->chosen_side };

  /* Scrolling asks for each frame. */
  if (!self->places_stale && memcmp (self->measured, wanted, sizeof wanted) == 0)
    return;
  self->places_stale = FALSE;
  memcpy (self->measured, wanted, sizeof wanted);
  measure (self, width, height);
  /* Headers count. */
  gtk_accessible_update_relation (
      GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_RELATION_COL_COUNT,
      (int) _esp_sweep_cells_get_n (self, GTK_ORIENTATION_HORIZONTAL) + 1,
      GTK_ACCESSIBLE_RELATION_ROW_COUNT,
      (int) _esp_sweep_cells_get_n (self, GTK_ORIENTATION_VERTICAL) + 1, -1);
}

/* --- Scrolling -------------------------------------------------------------------------------- */

void
_esp_sweep_cells_configure (EspSweepCells *self, GtkOrientation orientation)
{
  double page = get_view_size (self, orientation);
  double upper = MAX (page, get_content_size (self, orientation));
  double value;
  gboolean before = self->configuring;

  self->offset[orientation] = CLAMP (self->offset[orientation], 0, upper - page);
  if (self->adjustments[orientation] == NULL)
    return;
  value = self->offset[orientation];
  if (orientation == GTK_ORIENTATION_HORIZONTAL && is_rtl (self))
    value = upper - page - value;
  self->configuring = TRUE;
  gtk_adjustment_configure (self->adjustments[orientation], value, 0, upper,
                            self->cell_size[orientation],
                            MAX (page - self->header_size[orientation], 1), page);
  self->configuring = before;
}

void
_esp_sweep_cells_take_value (EspSweepCells *self, GtkOrientation orientation)
{
  GtkAdjustment *adjustment = self->adjustments[orientation];
  double value = gtk_adjustment_get_value (adjustment);

  if (orientation == GTK_ORIENTATION_HORIZONTAL && is_rtl (self))
    value
        = gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment) - value;
  self->offset[orientation] = value;
}

void
_esp_sweep_cells_scroll_to (EspSweepCells *self, GtkOrientation orientation, double offset)
{
  self->offset[orientation] = round (offset);
  if (!_esp_sweep_cells_is_ready (self))
    return;
  _esp_sweep_cells_configure (self, orientation);
  _esp_sweep_cells_update (self);
}

static void
reveal_line (EspSweepCells *self, GtkOrientation orientation, guint line)
{
  double size = self->cell_size[orientation], start = line * size;
  double room = get_view_size (self, orientation) - self->header_size[orientation];
  double offset = self->offset[orientation];

  if (start < offset)
    offset = MAX (start - REVEAL_ROOM, 0);
  else if (start + size > offset + room)
    offset = MIN (start + size + REVEAL_ROOM - room, start);
  if (offset != self->offset[orientation])
    _esp_sweep_cells_scroll_to (self, orientation, offset);
}

void
_esp_sweep_cells_reveal (EspSweepCells *self, guint cell)
{
  guint column, row, page;

  if (cell == ESP_NO_CELL || self->arrangement == NULL
      || !esp_sweep_arrangement_find (self->arrangement, cell, &column, &row, &page)
      || page != esp_sweep_arrangement_get_page (self->arrangement))
    return;
  if (!_esp_sweep_cells_is_ready (self))
    {
      self->pending_reveal = TRUE;
      return;
    }
  reveal_line (self, GTK_ORIENTATION_HORIZONTAL, column);
  reveal_line (self, GTK_ORIENTATION_VERTICAL, row);
}

/* --- Places ----------------------------------------------------------------------------------- */

void
_esp_sweep_cells_to_content (EspSweepCells *self, double x, double y, double *content_x,
                             double *content_y)
{
  double from_start = is_rtl (self) ? gtk_widget_get_width (GTK_WIDGET (self)) - x : x;

  *content_x = from_start - self->block_start - self->header_size[GTK_ORIENTATION_HORIZONTAL]
               + self->offset[GTK_ORIENTATION_HORIZONTAL];
  *content_y = y - self->block_top - self->header_size[GTK_ORIENTATION_VERTICAL]
               + self->offset[GTK_ORIENTATION_VERTICAL];
}

EspSweepPart
_esp_sweep_cells_pick (EspSweepCells *self, double x, double y, guint *column, guint *row)
{
  double content[2];
  gboolean in_header[2], inside[2];

  if (!_esp_sweep_cells_is_ready (self))
    return ESP_SWEEP_PART_NONE;
  _esp_sweep_cells_to_content (self, x, y, &content[0], &content[1]);
  for (int i = 0; i < 2; i++)
    {
      double in_view = content[i] - self->offset[i];

      in_header[i] = in_view < 0 && in_view >= -self->header_size[i];
      inside[i] = in_view >= 0
                  && content[i] < _esp_sweep_cells_get_n (self, (GtkOrientation) i)
                                      * (double) self->cell_size[i];
    }
  *column = inside[0] ? (guint) (content[0] / self->cell_size[0]) : 0;
  *row = inside[1] ? (guint) (content[1] / self->cell_size[1]) : 0;
  if (inside[0] && inside[1])
    return ESP_SWEEP_PART_CELL;
  if (inside[0] && in_header[1])
    return ESP_SWEEP_PART_COLUMN;
  if (in_header[0] && inside[1])
    return ESP_SWEEP_PART_ROW;
  return in_header[0] && in_header[1] ? ESP_SWEEP_PART_CORNER : ESP_SWEEP_PART_NONE;
}

gboolean
esp_sweep_cells_get_area (EspSweepCells *self, guint cell, GdkRectangle *area)
{
  guint place[2], page;
  double start[2];

  g_return_val_if_fail (ESP_IS_SWEEP_CELLS (self), FALSE);

  if (!_esp_sweep_cells_is_ready (self)
      || !esp_sweep_arrangement_find (self->arrangement, cell, &place[0], &place[1], &page)
      || page != esp_sweep_arrangement_get_page (self->arrangement))
    return FALSE;
  for (int i = 0; i < 2; i++)
    {
      double in_view = place[i] * (double) self->cell_size[i] - self->offset[i];

      if (in_view + self->cell_size[i] <= 0
          || in_view >= get_view_size (self, (GtkOrientation) i) - self->header_size[i])
        return FALSE;
      start[i] = in_view + self->header_size[i]
                 + (i == GTK_ORIENTATION_HORIZONTAL ? self->block_start : self->block_top);
    }
  *area = (GdkRectangle){ (int) start[0], (int) start[1], self->cell_size[0], self->cell_size[1] };
  if (is_rtl (self))
    area->x = gtk_widget_get_width (GTK_WIDGET (self)) - area->x - area->width;
  return TRUE;
}

void
_esp_sweep_cells_get_band (EspSweepCells *self, graphene_rect_t *area)
{
  double x = MIN (self->band_x, self->band_to_x), y = MIN (self->band_y, self->band_to_y);
  double width = fabs (self->band_to_x - self->band_x);

  x += self->block_start + self->header_size[0] - self->offset[0];
  y += self->block_top + self->header_size[1] - self->offset[1];
  if (is_rtl (self))
    x = gtk_widget_get_width (GTK_WIDGET (self)) - x - width;
  graphene_rect_init (area, (float) x, (float) y, (float) width,
                      (float) fabs (self->band_to_y - self->band_y));
}

/* --- Widgets ---------------------------------------------------------------------------------- */

static void
on_cell_activate (EspSweepCells *self, EspSweepCell *cell)
{
  g_signal_emit (self, _esp_sweep_cells_signals[ESP_SWEEP_CELLS_ACTIVATE], 0,
                 esp_sweep_cell_get_cell (cell));
}

static GtkWidget *
create_cell (gpointer data)
{
  EspSweepCells *self = data;
  GtkWidget *cell = esp_sweep_cell_new (self->marks);

  g_signal_connect_swapped (cell, "activate", G_CALLBACK (on_cell_activate), self);
  return cell;
}

static GtkWidget *
create_column_header (gpointer data)
{
  return esp_sweep_header_new (GTK_ORIENTATION_HORIZONTAL);
}

static GtkWidget *
create_line (gpointer data)
{
  return esp_sweep_line_new (esp_sweep_header_new (GTK_ORIENTATION_VERTICAL));
}

void
_esp_sweep_cells_forget_widgets (EspSweepCells *self)
{
  for (guint i = 0; i < self->lines->len; i++)
    gtk_widget_unparent (self->lines->pdata[i]);
  g_ptr_array_set_size (self->lines, 0);
  if (self->head != NULL)
    gtk_widget_unparent (GTK_WIDGET (self->head));
  self->head = NULL;
  self->n_columns = 0;
  self->stale = TRUE;
}

EspSweepCell *
_esp_sweep_cells_get_widget (EspSweepCells *self, guint cell)
{
  guint column, row, page;
  GtkWidget *found;

  if (self->arrangement == NULL || cell == ESP_NO_CELL
      || !esp_sweep_arrangement_find (self->arrangement, cell, &column, &row, &page)
      || row < self->first_row || row - self->first_row >= self->lines->len)
    return NULL;
  found = esp_sweep_line_get_child (self->lines->pdata[row - self->first_row], column);
  /* It may not have been told yet that it is another one. */
  return found != NULL && esp_sweep_cell_get_cell (ESP_SWEEP_CELL (found)) == cell
             ? ESP_SWEEP_CELL (found)
             : NULL;
}

/* Which lines are in sight. */
static void
get_range (EspSweepCells *self, GtkOrientation orientation, guint *first, guint *n)
{
  double room = get_view_size (self, orientation) - self->header_size[orientation];
  double size = self->cell_size[orientation], offset = self->offset[orientation];
  guint all = _esp_sweep_cells_get_n (self, orientation);
  double last = ceil ((offset + MAX (room, 1)) / size);

  *first = MIN ((guint) (offset / size), all);
  *n = MIN ((guint) last, all) - *first;
}

gboolean
_esp_sweep_cells_is_stale (EspSweepCells *self)
{
  guint first[2], n[2];

  if (self->stale)
    return TRUE;
  get_range (self, GTK_ORIENTATION_HORIZONTAL, &first[0], &n[0]);
  get_range (self, GTK_ORIENTATION_VERTICAL, &first[1], &n[1]);
  return first[0] != self->first_column || n[0] != self->n_columns || first[1] != self->first_row
         || n[1] != self->lines->len;
}

static EspCellLook
get_look (EspSweepCells *self, guint cell)
{
  EspNode *node = esp_sweep_get_node (self->sweep, cell);
  EspCellLook look = 0;

  if (!esp_sweep_arrangement_passes (self->arrangement, cell))
    return ESP_CELL_LOOK_FILTERED;
  if (node != NULL && node == self->current)
    look |= ESP_CELL_LOOK_CURRENT;
  if (self->selected[cell])
    look |= ESP_CELL_LOOK_SELECTED;
  return look;
}

static void
tell_header (EspSweepCells *self, EspSweepHeader *header, EspSweepPlace place, guint line)
{
  const char *title = esp_sweep_arrangement_get_title (self->arrangement, place);
  const char *label = esp_sweep_arrangement_get_label (self->arrangement, place, line);
  g_autofree char *name = NULL;

  if (label == NULL)
    return;
  /* Translators: what a screen reader says of a row or column: "Guidance 2.5". */
  name = g_strdup_printf (_ ("%s %s"), title, label);
  esp_sweep_header_set_text (header, label, name);
}

static void
tell_corner (EspSweepCells *self)
{
  g_autofree char *text = dup_corner_text (self);
  const char *columns = esp_sweep_arrangement_get_title (self->arrangement, ESP_PLACE_COLUMNS);
  const char *rows = esp_sweep_arrangement_get_title (self->arrangement, ESP_PLACE_ROWS);
  g_autofree char *name = NULL;

  if (columns != NULL && rows != NULL)
    /* Translators: what a screen reader says of the corner of a table: names of its axes. */
    name = g_strdup_printf (_ ("Columns: %s. Rows: %s."), columns, rows);
  esp_sweep_header_set_text (ESP_SWEEP_HEADER (esp_sweep_line_get_header (self->head)), text,
                             name != NULL ? name : text);
}

/* Tells the widgets what they stand for. */
static void
bind_line (EspSweepCells *self, guint row)
{
  EspSweepLine *line = self->lines->pdata[row - self->first_row];
  double middle_x = self->first_column + self->n_columns / 2.0;
  double middle_y = self->first_row + self->lines->len / 2.0;

  tell_header (self, ESP_SWEEP_HEADER (esp_sweep_line_get_header (line)), ESP_PLACE_ROWS, row);
  for (guint i = 0; i < self->n_columns; i++)
    {
      guint column = self->first_column + i;
      guint cell = esp_sweep_arrangement_get_cell (self->arrangement, column, row);
      EspSweepCell *widget = ESP_SWEEP_CELL (esp_sweep_line_get_child (line, column));

      /* Below zero: a tree beside the grid must not make the cache forget it. */
      esp_sweep_cell_set_distance (widget,
                                   -1e6 * (self->generation + 1)
                                       + hypot (column + 0.5 - middle_x, row + 0.5 - middle_y));
      esp_sweep_cell_set_cell (widget, self->sweep, cell);
      esp_sweep_cell_set_look (widget, get_look (self, cell));
      esp_sweep_cell_set_place (widget, column + 2, row + 2);
    }
}

void
_esp_sweep_cells_focus_cursor (EspSweepCells *self)
{
  EspSweepCell *widget = _esp_sweep_cells_get_widget (self, self->cursor);

  /* Out of sight: keys still come here. */
  if (widget == NULL || !gtk_widget_grab_focus (GTK_WIDGET (widget)))
    _esp_sweep_cells_grab_focus_itself (self);
}

static void
slide (EspSweepCells *self, guint first_row, guint n_rows, guint first_column, guint n_columns)
{
  esp_sweep_slide (self->lines, &self->first_row, first_row, n_rows, GTK_WIDGET (self),
                   GTK_WIDGET (self->head), create_line, self);
  esp_sweep_line_set_range (self->head, first_column, n_columns, create_column_header, self);
  for (guint i = 0; i < self->lines->len; i++)
    esp_sweep_line_set_range (self->lines->pdata[i], first_column, n_columns, create_cell, self);
  self->first_column = first_column;
  self->n_columns = n_columns;
}

void
_esp_sweep_cells_update (EspSweepCells *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  gboolean focused = _esp_sweep_cells_has_focus_inside (self);
  guint first[2], n[2];

  if (!_esp_sweep_cells_is_ready (self) || self->cell_size[0] == 0 || root == NULL)
    return;
  g_clear_handle_id (&self->update_id, g_source_remove);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  if (!_esp_sweep_cells_is_stale (self))
    return;
  self->stale = FALSE;
  get_range (self, GTK_ORIENTATION_HORIZONTAL, &first[0], &n[0]);
  get_range (self, GTK_ORIENTATION_VERTICAL, &first[1], &n[1]);
  self->generation++;
  if (self->head == NULL)
    {
      GtkWidget *corner = esp_sweep_header_new (GTK_ORIENTATION_VERTICAL);

      gtk_widget_add_css_class (corner, "corner");
      self->head = ESP_SWEEP_LINE (esp_sweep_line_new (corner));
      gtk_widget_insert_after (GTK_WIDGET (self->head), GTK_WIDGET (self),
                               GTK_WIDGET (self->measurer));
    }
  slide (self, first[1], n[1], first[0], n[0]);
  tell_corner (self);
  for (guint i = 0; i < self->n_columns; i++)
    tell_header (self,
                 ESP_SWEEP_HEADER (esp_sweep_line_get_child (self->head, self->first_column + i)),
                 ESP_PLACE_COLUMNS, self->first_column + i);
  for (guint i = 0; i < self->lines->len; i++)
    bind_line (self, self->first_row + i);
  if (focused)
    _esp_sweep_cells_focus_cursor (self);
}

static gboolean
on_update (gpointer user_data)
{
  EspSweepCells *self = user_data;

  self->update_id = 0;
  _esp_sweep_cells_update (self);
  return G_SOURCE_REMOVE;
}

void
_esp_sweep_cells_update_later (EspSweepCells *self)
{
  if (self->update_id == 0)
    self->update_id = g_idle_add_full (G_PRIORITY_HIGH_IDLE, on_update, self, NULL);
}

void
_esp_sweep_cells_update_looks (EspSweepCells *self)
{
  for (guint i = 0; i < self->lines->len; i++)
    for (guint j = 0; j < self->n_columns; j++)
      {
        EspSweepCell *widget = ESP_SWEEP_CELL (
            esp_sweep_line_get_child (self->lines->pdata[i], self->first_column + j));

        if (esp_sweep_cell_get_cell (widget) != ESP_NO_CELL)
          esp_sweep_cell_set_look (widget, get_look (self, esp_sweep_cell_get_cell (widget)));
      }
}

static void
allocate_line (EspSweepCells *self, EspSweepLine *line, double y, int height)
{
  int width = MIN (gtk_widget_get_width (GTK_WIDGET (self)),
                   get_content_size (self, GTK_ORIENTATION_HORIZONTAL));
  int x = is_rtl (self) ? gtk_widget_get_width (GTK_WIDGET (self)) - self->block_start - width
                        : self->block_start;

  esp_sweep_line_set_geometry (line, self->header_size[GTK_ORIENTATION_HORIZONTAL],
                               -self->offset[GTK_ORIENTATION_HORIZONTAL],
                               self->cell_size[GTK_ORIENTATION_HORIZONTAL]);
  gtk_widget_measure (GTK_WIDGET (line), GTK_ORIENTATION_HORIZONTAL, -1, NULL, NULL, NULL, NULL);
  gtk_widget_allocate (GTK_WIDGET (line), width, height, -1,
                       gsk_transform_translate (NULL, &GRAPHENE_POINT_INIT ((float) x, (float) y)));
}

void
_esp_sweep_cells_allocate (EspSweepCells *self)
{
  int header = self->header_size[GTK_ORIENTATION_VERTICAL];
  int height = self->cell_size[GTK_ORIENTATION_VERTICAL];

  if (self->head == NULL)
    return;
  gtk_widget_set_child_visible (GTK_WIDGET (self->head), header > 0);
  if (header > 0)
    allocate_line (self, self->head, self->block_top, header);
  for (guint i = 0; i < self->lines->len; i++)
    allocate_line (self, self->lines->pdata[i],
                   self->block_top + header + (double) (self->first_row + i) * height
                       - self->offset[GTK_ORIENTATION_VERTICAL],
                   height);
}
