/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sheet-layout.c: where everything on a sheet goes: title, labels, pictures with their
 * captions, the table below them. Measures the texts; draws nothing. */
#define G_LOG_DOMAIN "esp-export"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "esp-sheet-private.h"

#define MAX_SIDE   16000
#define MAX_PIXELS (1 << 26) /* encoders keep up to six bytes a pixel beside the picture */
#define LEAST_CELL 24
#define AUTO_CELL  1024

#define CAPTION_LINES 4
#define LABEL_LINES   3
#define TITLE_LINES   3
#define TABLE_LINES   12

#define MOST_LETTERS 2000

/* Widths in ems. */
#define LEAST_COLUMN    8
#define LEAST_LABELLED  3
#define LARGEST_LABEL   14
#define LARGEST_IN_LINE 18
#define LEAST_SHEET     16

/* Everything while it is being placed. */
typedef struct
{
  const EspSheetContents *contents;
  EspSheetLayout *layout;
  int em, gap, margin;
  int cell_side;
  int label_width;      /* of the texts beside the rows; 0 without any */
  int left;             /* of the first column */
  int column_width;     /* a picture, or what its caption needs */
  int right;            /* of all that was placed */
  gboolean table_below; /* its columns are those of the pictures */
} Placing;

guint32
_esp_sheet_get_color (const EspSheetContents *contents, EspSheetInk ink)
{
  static const guint32 light[] = { [ESP_SHEET_INK_PAPER] = 0xffffff,
                                   [ESP_SHEET_INK_TEXT] = 0x1e1e1e,
                                   [ESP_SHEET_INK_DIM] = 0x5e5c64,
                                   [ESP_SHEET_INK_LINE] = 0xd5d3cf,
                                   [ESP_SHEET_INK_EMPTY] = 0xf3f2f0 };
  static const guint32 dark[] = { [ESP_SHEET_INK_PAPER] = 0x242424,
                                  [ESP_SHEET_INK_TEXT] = 0xf6f5f4,
                                  [ESP_SHEET_INK_DIM] = 0xb0aeac,
                                  [ESP_SHEET_INK_LINE] = 0x484848,
                                  [ESP_SHEET_INK_EMPTY] = 0x303030 };

  return contents->dark ? dark[ink] : light[ink];
}

/* ---- texts */

/* With fonts of its own: the steps of an export may each run on another thread. */
static PangoContext *
create_context (void)
{
  PangoFontMap *fonts = pango_cairo_font_map_new ();
  PangoContext *context = pango_font_map_create_context (fonts);
  cairo_font_options_t *options = cairo_font_options_create ();

  /* The same widths on screens and in PDF. */
  cairo_font_options_set_hint_metrics (options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_hint_style (options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_antialias (options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options (context, options);
  cairo_font_options_destroy (options);
  pango_context_set_round_glyph_positions (context, FALSE);
  g_object_unref (fonts);
  return context;
}

typedef struct
{
  double size; /* ems */
  PangoWeight weight;
  PangoAlignment alignment;
  int width; /* px; 0 = as wide as it is */
  int lines; /* at most */
} Style;

/* Nobody sees more of it, and Pango takes its time for megabytes. */
static char *
dup_beginning (const char *text)
{
  const gsize most = MOST_LETTERS * 4;
  char *valid = g_utf8_make_valid (text, (gssize) strnlen (text, most));

  if (g_utf8_strlen (valid, -1) > MOST_LETTERS)
    *g_utf8_offset_to_pointer (valid, MOST_LETTERS) = '\0';
  return valid;
}

/* A text's own lines stay lines of one paragraph: Pango bounds the lines of each paragraph. */
static PangoLayout *
create_layout (PangoContext *context, int em, const char *text, const Style *style)
{
  PangoLayout *layout = pango_layout_new (context);
  PangoFontDescription *font = pango_font_description_from_string ("Cantarell, sans-serif");
  g_autofree char *stripped = g_strstrip (dup_beginning (text));
  g_auto (GStrv) lines = g_strsplit (stripped, "\n", -1);
  g_autofree char *joined = g_strjoinv ("\u2028", lines);

  pango_font_description_set_absolute_size (font, round (em * style->size) * PANGO_SCALE);
  pango_font_description_set_weight (font, style->weight);
  pango_layout_set_font_description (layout, font);
  pango_font_description_free (font);
  pango_layout_set_auto_dir (layout, TRUE);
  pango_layout_set_alignment (layout, style->alignment);
  if (style->width > 0)
    {
      pango_layout_set_width (layout, style->width * PANGO_SCALE);
      pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
      pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
      pango_layout_set_height (layout, -style->lines);
    }
  pango_layout_set_text (layout, joined, -1);
  return layout;
}

/* Takes the layout; its box is as wide as it was told to be. */
static EspSheetText *
add_layout (EspSheetLayout *self, PangoLayout *layout, int x, int y, EspSheetInk ink)
{
  EspSheetText text = { layout, x, y, 0, 0, FALSE, ink };
  const int width = pango_layout_get_width (layout);

  pango_layout_get_pixel_size (layout, &text.width, &text.height);
  if (width > 0)
    text.width = MAX (text.width, width / PANGO_SCALE);
  g_array_append_val (self->texts, text);
  return &g_array_index (self->texts, EspSheetText, self->texts->len - 1);
}

/* A function: MAX () would add texts twice. */
static int
larger (int a, int b)
{
  return a > b ? a : b;
}

/* Returns its height; nothing for no text. */
static int
add_text (Placing *placing, const char *text, const Style *style, int x, int y, EspSheetInk ink)
{
  if (text == NULL || *text == '\0')
    return 0;
  return add_layout (placing->layout,
                     create_layout (placing->layout->context, placing->em, text, style), x, y, ink)
      ->height;
}

static void
measure (Placing *placing, const char *text, const Style *style, int *width, int *height)
{
  g_autoptr (PangoLayout) layout = NULL;

  *width = *height = 0;
  if (text == NULL || *text == '\0')
    return;
  layout = create_layout (placing->layout->context, placing->em, text, style);
  pango_layout_get_pixel_size (layout, width, height);
}

static void
add_box (Placing *placing, int x, int y, int width, int height, EspSheetInk ink)
{
  const EspSheetBox box = { x, y, width, height, ink };

  g_array_append_val (placing->layout->boxes, box);
}

/* ---- sizes that hang on the contents */

static guint
count_items (const EspSheetContents *contents)
{
  return contents->n_columns * contents->n_rows;
}

static int
get_largest_side (const EspSheetContents *contents)
{
  int side = 0;

  for (guint i = 0; i < count_items (contents); i++)
    side = MAX (side, MAX (contents->items[i].width, contents->items[i].height));
  return side;
}

/* The room that all pictures need, each with its longer side as long as that of a cell. */
static void
choose_box (Placing *placing)
{
  const EspSheetContents *contents = placing->contents;
  int width = 0, height = 0;

  for (guint i = 0; i < count_items (contents); i++)
    {
      const EspSheetItem *item = &contents->items[i];
      const double side = MAX (item->width, item->height);

      if (side <= 0)
        continue;
      width = MAX (width, (int) lround (item->width * placing->cell_side / side));
      height = MAX (height, (int) lround (item->height * placing->cell_side / side));
    }
  placing->layout->box_width = width > 0 ? width : placing->cell_side;
  placing->layout->box_height = height > 0 ? height : placing->cell_side * 3 / 4;
}

static gboolean
has_captions (const EspSheetContents *contents)
{
  for (guint i = 0; i < count_items (contents); i++)
    if (contents->items[i].caption != NULL || contents->items[i].missing != NULL)
      return TRUE;
  return FALSE;
}

static const char *
get_table_text (const EspSheetContents *contents, guint row, guint column)
{
  return contents->table[row * (1 + count_items (contents)) + column];
}

/* The widest of the texts beside the rows, bounded. */
static int
measure_labels (Placing *placing)
{
  const EspSheetContents *contents = placing->contents;
  const Style bold = { 1, PANGO_WEIGHT_BOLD, PANGO_ALIGN_LEFT, 0, 1 };
  int widest = 0, width, height;

  for (guint i = 0; i < contents->n_rows && contents->row_labels != NULL; i++)
    {
      measure (placing, contents->row_labels[i], &bold, &width, &height);
      widest = MAX (widest, width);
    }
  for (guint i = 0; i < contents->n_table_rows && placing->table_below; i++)
    {
      measure (placing, get_table_text (contents, i, 0), &bold, &width, &height);
      widest = MAX (widest, width);
    }
  /* A pixel more: a width that is met exactly may be broken all the same. */
  return widest > 0 ? MIN (widest + 1, LARGEST_LABEL * placing->em) : 0;
}

static void
choose_sizes (Placing *placing)
{
  const EspSheetContents *contents = placing->contents;

  placing->em = CLAMP (placing->cell_side / 20, 12, 28);
  placing->gap = has_captions (contents) ? placing->em : placing->em * 2 / 3;
  placing->margin = placing->em * 2;
  placing->layout->text_size = placing->em;
  choose_box (placing);
  placing->column_width = placing->layout->box_width;
  if (has_captions (contents))
    placing->column_width = MAX (placing->column_width, LEAST_COLUMN * placing->em);
  else if (contents->column_labels != NULL)
    placing->column_width = MAX (placing->column_width, LEAST_LABELLED * placing->em);
  placing->table_below = contents->table != NULL && contents->n_rows == 1
                         && placing->column_width >= LEAST_COLUMN * placing->em;
  placing->label_width = measure_labels (placing);
  placing->left = placing->margin;
  if (contents->row_axis != NULL)
    placing->left += placing->em * 3 / 2 + placing->gap;
  if (placing->label_width > 0)
    placing->left += placing->label_width + placing->gap;
  placing->right
      = placing->left
        + MAX ((int) contents->n_columns * (placing->column_width + placing->gap) - placing->gap,
               LEAST_SHEET * placing->em);
}

static int
get_column (const Placing *placing, guint column)
{
  return placing->left + (int) column * (placing->column_width + placing->gap);
}

/* ---- the parts, from the top; each returns where the next begins */

static int
place_title (Placing *placing, int y)
{
  const Style style
      = { 1.6, PANGO_WEIGHT_BOLD, PANGO_ALIGN_LEFT, placing->right - placing->margin, TITLE_LINES };
  const int height = add_text (placing, placing->contents->title, &style, placing->margin, y,
                               ESP_SHEET_INK_TEXT);

  return height > 0 ? y + height + placing->em : y;
}

static int
place_column_labels (Placing *placing, int y)
{
  const EspSheetContents *contents = placing->contents;
  const int width = get_column (placing, contents->n_columns) - placing->gap - placing->left;
  const Style axis = { 1, PANGO_WEIGHT_NORMAL, PANGO_ALIGN_CENTER, width, 1 };
  const Style label
      = { 1, PANGO_WEIGHT_BOLD, PANGO_ALIGN_CENTER, placing->column_width, LABEL_LINES };
  const guint first = placing->layout->texts->len;
  int highest = 0;

  y += add_text (placing, contents->column_axis, &axis, placing->left, y, ESP_SHEET_INK_DIM);
  if (contents->column_axis != NULL)
    y += placing->gap / 2;
  for (guint i = 0; i < contents->n_columns && contents->column_labels != NULL; i++)
    highest = larger (highest, add_text (placing, contents->column_labels[i], &label,
                                         get_column (placing, i), y, ESP_SHEET_INK_TEXT));
  /* They stand on the pictures. */
  for (guint i = first + (contents->column_axis != NULL && *contents->column_axis != '\0');
       i < placing->layout->texts->len; i++)
    {
      EspSheetText *text = &g_array_index (placing->layout->texts, EspSheetText, i);

      text->y += highest - text->height;
    }
  return highest > 0 ? y + highest + placing->gap / 2 : y;
}

static void
place_row_label (Placing *placing, guint row, int y)
{
  const EspSheetContents *contents = placing->contents;
  const Style style = { 1, PANGO_WEIGHT_BOLD, PANGO_ALIGN_RIGHT, placing->label_width,
                        MAX (placing->layout->box_height / (placing->em * 3 / 2), 1) };
  EspSheetText *text;

  if (contents->row_labels == NULL || contents->row_labels[row][0] == '\0')
    return;
  text = add_layout (
      placing->layout,
      create_layout (placing->layout->context, placing->em, contents->row_labels[row], &style),
      placing->left - placing->gap - placing->label_width, y, ESP_SHEET_INK_TEXT);
  /* At the right, towards the pictures; Pango means the end of a line. */
  if (pango_layout_get_direction (text->layout, 0) == PANGO_DIRECTION_RTL)
    pango_layout_set_alignment (text->layout, PANGO_ALIGN_LEFT);
  text->y += MAX ((placing->layout->box_height - text->height) / 2, 0);
}

static int
place_row (Placing *placing, guint row, int y)
{
  const EspSheetContents *contents = placing->contents;
  const EspSheetLayout *layout = placing->layout;
  const Style caption
      = { 1, PANGO_WEIGHT_NORMAL, PANGO_ALIGN_LEFT, placing->column_width, CAPTION_LINES };
  int highest = 0;

  place_row_label (placing, row, y);
  for (guint i = 0; i < contents->n_columns; i++)
    {
      const guint index = row * contents->n_columns + i;
      const EspSheetItem *item = &contents->items[index];
      const int x = get_column (placing, i);

      layout->places[index]
          = (EspSheetBox){ x + (placing->column_width - layout->box_width) / 2, y,
                           layout->box_width, layout->box_height, ESP_SHEET_INK_EMPTY };
      if (item->missing != NULL)
        _esp_sheet_layout_add_missing (placing->layout, contents, index, item->missing);
      highest = larger (highest,
                        add_text (placing, item->caption, &caption, x,
                                  y + layout->box_height + placing->gap / 2, ESP_SHEET_INK_TEXT));
    }
  y += layout->box_height + placing->gap;
  return highest > 0 ? y + highest + placing->gap : y;
}

static void
place_row_axis (Placing *placing, int top, int bottom)
{
  const Style style = { 1, PANGO_WEIGHT_NORMAL, PANGO_ALIGN_CENTER, bottom - top, 1 };
  EspSheetText *text;

  if (placing->contents->row_axis == NULL || *placing->contents->row_axis == '\0' || bottom <= top)
    return;
  text = add_layout (
      placing->layout,
      create_layout (placing->layout->context, placing->em, placing->contents->row_axis, &style),
      placing->margin, top, ESP_SHEET_INK_DIM);
  text->upright = TRUE;
  text->width = text->height;
  text->height = bottom - top;
}

/* ---- the table */

/* Under the pictures, a column for each. */
static int
place_table_below (Placing *placing, int y)
{
  const EspSheetContents *contents = placing->contents;
  const Style title
      = { 1, PANGO_WEIGHT_NORMAL, PANGO_ALIGN_LEFT, placing->label_width, LABEL_LINES };
  const Style text
      = { 1, PANGO_WEIGHT_NORMAL, PANGO_ALIGN_LEFT, placing->column_width, TABLE_LINES };

  for (guint i = 0; i < contents->n_table_rows; i++)
    {
      int highest;

      add_box (placing, placing->margin, y, placing->right - placing->margin, 1,
               ESP_SHEET_INK_LINE);
      y += placing->gap / 2;
      highest
          = add_text (placing, get_table_text (contents, i, 0), &title,
                      placing->left - placing->gap - placing->label_width, y, ESP_SHEET_INK_DIM);
      for (guint k = 0; k < contents->n_columns; k++)
        highest = larger (highest, add_text (placing, get_table_text (contents, i, 1 + k), &text,
                                             get_column (placing, k), y, ESP_SHEET_INK_TEXT));
      y += highest + placing->gap / 2;
    }
  return y;
}

/* The first line of an item's caption, else its number. */
static char *
dup_item_title (const EspSheetContents *contents, guint index)
{
  const char *caption = contents->items[index].caption;
  char *title;

  if (caption == NULL)
    return g_strdup_printf ("%u", index + 1);
  title = g_strdup (caption);
  title[strcspn (title, "\n")] = '\0';
  return title;
}

/* Do lines begin with what the picture is called? Where rows and columns are labelled and pictures
 * are not, the values in the table say it. */
static guint
get_first_column (const EspSheetContents *contents)
{
  for (guint i = 0; i < count_items (contents); i++)
    if (contents->items[i].caption != NULL)
      return 0;
  return contents->column_labels != NULL || contents->row_labels != NULL ? 1 : 0;
}

/* A place that only fills the last row has no line. */
static gboolean
has_line (const EspSheetContents *contents, guint line)
{
  const EspSheetItem *item = line > 0 ? &contents->items[line - 1] : NULL;

  return item == NULL || item->node != NULL || item->missing != NULL || item->caption != NULL;
}

static char *
dup_line_text (const EspSheetContents *contents, guint line, guint column)
{
  if (column > 0)
    return g_strdup (get_table_text (contents, column - 1, line));
  return line == 0 ? g_strdup ("") : dup_item_title (contents, line - 1);
}

/* The widths of its columns, as their texts are; long ones share what the pictures leave. Returns
 * the sum. */
static int
choose_widths (Placing *placing, int *widths, guint n_lines, guint n_columns,
               GCancellable *cancellable)
{
  const Style style = { 1, PANGO_WEIGHT_BOLD, PANGO_ALIGN_LEFT, 0, 1 };
  const int space = 2 * placing->gap;
  const guint first = get_first_column (placing->contents);
  g_autofree int *natural = g_new0 (int, n_columns);
  int spare = placing->right - placing->margin + space, sum = -space;

  for (guint column = first; column < n_columns; column++)
    {
      for (guint line = 0; line < n_lines && !g_cancellable_is_cancelled (cancellable); line++)
        {
          g_autofree char *text = dup_line_text (placing->contents, line, column);
          int width, height;

          measure (placing, text, &style, &width, &height);
          natural[column] = MAX (natural[column], width + 1);
        }
      widths[column] = CLAMP (natural[column], 2 * placing->em, LARGEST_IN_LINE * placing->em);
      spare -= widths[column] + space;
    }
  for (guint column = first; column < n_columns; column++)
    {
      const int more = CLAMP (natural[column] - widths[column], 0, MAX (spare, 0));

      widths[column] += more;
      spare -= more;
      sum += widths[column] + space;
    }
  return sum;
}

/* A line for each picture: there are too many of them, or they stand in several rows. Line 0 are
 * the titles. */
static int
place_table_as_lines (Placing *placing, int y, GCancellable *cancellable)
{
  const EspSheetContents *contents = placing->contents;
  const guint n_lines = 1 + count_items (contents), n_columns = 1 + contents->n_table_rows;
  g_autofree int *widths = g_new0 (int, n_columns);

  placing->right
      = larger (placing->right,
                placing->margin + choose_widths (placing, widths, n_lines, n_columns, cancellable));

  for (guint line = 0; line < n_lines && !g_cancellable_is_cancelled (cancellable); line++)
    {
      int x = placing->margin, highest = 0;

      if (!has_line (contents, line))
        continue;
      for (guint column = get_first_column (contents); column < n_columns; column++)
        {
          const gboolean heading = line == 0 || column == 0;
          const Style style = { 1, heading ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL,
                                PANGO_ALIGN_LEFT, widths[column], TABLE_LINES };
          g_autofree char *text = dup_line_text (contents, line, column);

          highest = larger (highest, add_text (placing, text, &style, x, y + placing->gap / 2,
                                               ESP_SHEET_INK_TEXT));
          x += widths[column] + 2 * placing->gap;
        }
      add_box (placing, placing->margin, y, placing->right - placing->margin, 1,
               ESP_SHEET_INK_LINE);
      y += highest + placing->gap;
    }
  return y;
}

static int
place_table (Placing *placing, int y, GCancellable *cancellable)
{
  if (placing->contents->table == NULL || placing->contents->n_table_rows == 0)
    return y;
  y += placing->gap;
  return placing->table_below ? place_table_below (placing, y)
                              : place_table_as_lines (placing, y, cancellable);
}

/* ---- all of it */

static void
clear_text (gpointer data)
{
  g_object_unref (((EspSheetText *) data)->layout);
}

static EspSheetLayout *
create (const EspSheetContents *contents, int cell_side, GCancellable *cancellable)
{
  EspSheetLayout *self = g_new0 (EspSheetLayout, 1);
  Placing placing = { contents, self, 0, 0, 0, cell_side, 0, 0, 0, 0, FALSE };
  int y, top;

  self->context = create_context ();
  self->boxes = g_array_new (FALSE, FALSE, sizeof (EspSheetBox));
  self->texts = g_array_new (FALSE, FALSE, sizeof (EspSheetText));
  g_array_set_clear_func (self->texts, clear_text);
  self->places = g_new0 (EspSheetBox, count_items (contents));

  choose_sizes (&placing);
  y = place_title (&placing, placing.margin);
  y = place_column_labels (&placing, y);
  top = y;
  for (guint row = 0; row < contents->n_rows && !g_cancellable_is_cancelled (cancellable); row++)
    y = place_row (&placing, row, y);
  place_row_axis (&placing, top, y - placing.gap);
  y = place_table (&placing, y, cancellable);
  self->width = placing.right + placing.margin;
  self->height = y - placing.gap + placing.margin;
  return self;
}

static gboolean
is_too_large (const EspSheetLayout *self)
{
  return self->width > MAX_SIDE || self->height > MAX_SIDE
         || (gint64) self->width * self->height > MAX_PIXELS;
}

EspSheetLayout *
_esp_sheet_layout_new (const EspSheetContents *contents, GCancellable *cancellable, GError **error)
{
  int cell_side = contents->cell_side;

  if (cell_side <= 0)
    {
      const int largest = get_largest_side (contents);

      cell_side = largest > 0 ? MIN (largest, AUTO_CELL) : AUTO_CELL / 2;
    }
  cell_side = CLAMP (cell_side, LEAST_CELL, MAX_SIDE);
  while (TRUE)
    {
      EspSheetLayout *self = create (contents, cell_side, cancellable);

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        {
          _esp_sheet_layout_free (self);
          return NULL;
        }
      if (!is_too_large (self))
        return self;
      _esp_sheet_layout_free (self);
      if (cell_side == LEAST_CELL)
        break;
      cell_side = MAX (cell_side * 7 / 8, LEAST_CELL);
    }
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
               _ ("The sheet would have more than %d pixels a side. Leave out a part of it."),
               MAX_SIDE);
  return NULL;
}

void
_esp_sheet_layout_free (EspSheetLayout *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->boxes);
  g_array_unref (self->texts);
  g_object_unref (self->context);
  g_free (self->places);
  g_free (self);
}

void
_esp_sheet_layout_add_missing (EspSheetLayout *self, const EspSheetContents *contents, guint index,
                               const char *why)
{
  const EspSheetBox *place = &self->places[index];
  const int inset = MIN (self->text_size, place->width / 8);
  const Style style = { 1, PANGO_WEIGHT_NORMAL, PANGO_ALIGN_CENTER, place->width - 2 * inset,
                        MAX ((place->height - inset) / (self->text_size * 3 / 2), 1) };
  EspSheetText *text;

  g_array_append_val (self->boxes, *place);
  if (why == NULL || *why == '\0')
    return;
  text = add_layout (self, create_layout (self->context, self->text_size, why, &style),
                     place->x + inset, place->y, ESP_SHEET_INK_DIM);
  text->y += MAX ((place->height - text->height) / 2, 0);
}

EspSheetBox
_esp_sheet_layout_fit (const EspSheetLayout *self, guint index, int width, int height)
{
  const EspSheetBox *place = &self->places[index];
  const double scale = MIN ((double) place->width / width, (double) place->height / height);
  EspSheetBox fit = *place;

  fit.width = CLAMP ((int) lround (width * scale), 1, place->width);
  fit.height = CLAMP ((int) lround (height * scale), 1, place->height);
  fit.x += (place->width - fit.width) / 2;
  fit.y += (place->height - fit.height) / 2;
  return fit;
}
