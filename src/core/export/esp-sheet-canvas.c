/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sheet-canvas.c: a sheet being drawn: as pixels, or as a PDF page. */
#define G_LOG_DOMAIN "esp-export"

#include <cairo-pdf.h>
#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "esp-export-surface.h"
#include "esp-picture-refusal.h"
#include "esp-picture-scale.h"
#include "esp-picture-strip.h"
#include "esp-sheet-private.h"

/* Texts are drawn in stripes of that many rows: cairo needs four bytes a pixel besides ours. */
#define STRIPE 512

/* On paper the text has 9 pt, unless the page would be larger than readers take. */
#define PDF_TEXT     9.0
#define PDF_MAX_SIDE 14400.0
/* Cairo keeps all pictures of a page until it is done: their pixels together. */
#define PDF_PIXELS (1 << 26)

struct _EspSheetCanvas
{
  const EspSheetContents *contents;
  EspSheetLayout *layout;
  EspSheetFormat format;
  EspPicture *picture; /* all but PDF */
  GByteArray *file;    /* PDF */
  cairo_t *page;       /* PDF: in px of the layout */
  int most_pixels;     /* PDF: of one picture's side */
};

/* ---- boxes and texts */

static void
set_ink (EspSheetCanvas *self, cairo_t *cairo, EspSheetInk ink)
{
  const guint32 color = _esp_sheet_get_color (self->contents, ink);

  cairo_set_source_rgb (cairo, (color >> 16) / 255.0, (color >> 8 & 0xff) / 255.0,
                        (color & 0xff) / 255.0);
}

static void
draw_box (EspSheetCanvas *self, cairo_t *cairo, const EspSheetBox *box)
{
  set_ink (self, cairo, box->ink);
  cairo_rectangle (cairo, box->x, box->y, box->width, box->height);
  cairo_fill (cairo);
}

static void
draw_text (EspSheetCanvas *self, cairo_t *cairo, const EspSheetText *text)
{
  set_ink (self, cairo, text->ink);
  cairo_save (cairo);
  if (text->upright)
    {
      cairo_translate (cairo, text->x, text->y + text->height);
      cairo_rotate (cairo, -G_PI / 2);
    }
  else
    cairo_translate (cairo, text->x, text->y);
  cairo_move_to (cairo, 0, 0);
  pango_cairo_show_layout (cairo, text->layout);
  cairo_restore (cairo);
}

/* What is between two rows of the sheet. */
static void
draw_all (EspSheetCanvas *self, cairo_t *cairo, int top, int bottom)
{
  const EspSheetLayout *layout = self->layout;
  const int slack = layout->text_size; /* letters that reach out of their lines */

  for (guint i = 0; i < layout->boxes->len; i++)
    {
      const EspSheetBox *box = &g_array_index (layout->boxes, EspSheetBox, i);

      if (box->y < bottom && box->y + box->height > top)
        draw_box (self, cairo, box);
    }
  for (guint i = 0; i < layout->texts->len; i++)
    {
      const EspSheetText *text = &g_array_index (layout->texts, EspSheetText, i);

      if (text->y - slack < bottom && text->y + text->height + slack > top)
        draw_text (self, cairo, text);
    }
}

/* ---- as pixels */

static gboolean
fail_memory (EspSheetCanvas *self, GError **error)
{
  esp_picture_refuse_room (self->layout->width, self->layout->height, error);
  return FALSE;
}

static gboolean
draw_part (EspSheetCanvas *self, int x, int y, int width, int height, GError **error)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  cairo_t *cairo = cairo_create (surface);
  gboolean drawn;

  set_ink (self, cairo, ESP_SHEET_INK_PAPER);
  cairo_paint (cairo);
  cairo_translate (cairo, -x, -y);
  draw_all (self, cairo, y, y + height);
  drawn = cairo_status (cairo) == CAIRO_STATUS_SUCCESS;
  cairo_destroy (cairo);
  _esp_export_copy_surface (surface, self->picture, x, y);
  cairo_surface_destroy (surface);
  return drawn || fail_memory (self, error);
}

static gboolean
begin_picture (EspSheetCanvas *self, GCancellable *cancellable, GError **error)
{
  const EspSheetLayout *layout = self->layout;

  self->picture = esp_picture_new (layout->width, layout->height, error);
  if (self->picture == NULL)
    return FALSE;
  for (int y = 0; y < layout->height; y += STRIPE)
    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !draw_part (self, 0, y, layout->width, MIN (STRIPE, layout->height - y), error))
      return FALSE;
  return TRUE;
}

/* A hair line around it, so that white pictures on white paper have an end. */
static void
draw_edge (EspSheetCanvas *self, const EspSheetBox *fit)
{
  const guint32 color = _esp_sheet_get_color (self->contents, ESP_SHEET_INK_LINE);
  const int left = MAX (fit->x - 1, 0), top = MAX (fit->y - 1, 0);
  const int right = MIN (fit->x + fit->width + 1, self->picture->width);
  const int bottom = MIN (fit->y + fit->height + 1, self->picture->height);

  for (int y = top; y < bottom; y++)
    {
      guint8 *out
          = self->picture->pixels + ((gsize) y * (gsize) self->picture->width + (gsize) left) * 3;

      for (int x = left; x < right; x++, out += 3)
        {
          out[0] = (guint8) (color >> 16);
          out[1] = (guint8) (color >> 8);
          out[2] = (guint8) color;
        }
    }
}

static gboolean
add_pixels (EspSheetCanvas *self, guint index, EspPicture *picture, GCancellable *cancellable,
            GError **error)
{
  const EspSheetBox fit
      = _esp_sheet_layout_fit (self->layout, index, picture->width, picture->height);
  g_autoptr (EspPicture) scaled
      = esp_picture_scale (picture, fit.width, fit.height, cancellable, error);

  if (scaled == NULL)
    return FALSE;
  draw_edge (self, &fit);
  _esp_export_paste (self->picture, scaled, fit.x, fit.y);
  return TRUE;
}

/* ---- as a page */

static cairo_status_t
write_page (void *data, const unsigned char *bytes, unsigned int n)
{
  GByteArray *file = data;

  if (n > G_MAXUINT32 / 2 - file->len)
    return CAIRO_STATUS_WRITE_ERROR;
  g_byte_array_append (file, bytes, n);
  return CAIRO_STATUS_SUCCESS;
}

/* The same sheet gives the same file: it is as old as its latest image. */
static void
set_description (EspSheetCanvas *self, cairo_surface_t *surface)
{
  g_autoptr (GDateTime) created
      = g_date_time_new_from_unix_utc (self->contents->created / G_USEC_PER_SEC);
  g_autofree char *date
      = created != NULL ? g_date_time_format (created, "%Y-%m-%dT%H:%M:%SZ") : NULL;

  if (self->contents->title != NULL)
    cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_TITLE, self->contents->title);
  cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_CREATOR, "Espalier");
  if (date != NULL)
    cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_CREATE_DATE, date);
}

static gboolean
check_page (EspSheetCanvas *self, GError **error)
{
  const cairo_status_t status = cairo_status (self->page);

  if (status == CAIRO_STATUS_SUCCESS)
    return TRUE;
  if (status == CAIRO_STATUS_NO_MEMORY)
    return fail_memory (self, error);
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE, _ ("The page cannot be made: %s"),
               cairo_status_to_string (status));
  return FALSE;
}

static gboolean
begin_page (EspSheetCanvas *self, GError **error)
{
  const EspSheetLayout *layout = self->layout;
  const double scale
      = MIN (PDF_TEXT / layout->text_size, PDF_MAX_SIDE / MAX (layout->width, layout->height));
  const guint n_items = self->contents->n_columns * self->contents->n_rows;
  cairo_surface_t *surface;

  self->most_pixels = (int) sqrt ((double) PDF_PIXELS / MAX (n_items, 1));
  self->file = g_byte_array_new ();
  surface = cairo_pdf_surface_create_for_stream (write_page, self->file, layout->width * scale,
                                                 layout->height * scale);
  set_description (self, surface);
  self->page = cairo_create (surface);
  cairo_surface_destroy (surface);
  cairo_scale (self->page, scale, scale);
  set_ink (self, self->page, ESP_SHEET_INK_PAPER);
  cairo_paint (self->page);
  draw_all (self, self->page, 0, layout->height);
  return check_page (self, error);
}

/* How many channels the frame header of a JPEG file says that it has; 0 for other files. */
static int
count_channels (GBytes *bytes)
{
  gsize size, place = 2;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  while (place + 10 <= size && data[place] == 0xff)
    {
      const guint8 marker = data[place + 1];

      /* SOF0 … SOF15 but for DHT, JPG and DAC, which stand among them. */
      if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
        return data[place + 9];
      place += marker == 0xff ? 1 : 2 + (gsize) (data[place + 2] << 8 | data[place + 3]);
    }
  return 0;
}

/* The stored JPEG file itself if a page can have it as it is: upright, in sRGB, whole, and not too
 * large; without a word about its maker. NULL otherwise. */
static GBytes *
get_original (EspSheetCanvas *self, guint index, GBytes *bytes, EspPicture *picture,
              const EspPictureInfo *info)
{
  if (g_strcmp0 (info->format, "JPEG") != 0 || info->orientation > 1 || info->converted
      || info->warnings != NULL || MAX (picture->width, picture->height) > self->most_pixels
      || (count_channels (bytes) != 1 && count_channels (bytes) != 3))
    return NULL;
  return esp_picture_strip_metadata (bytes, self->contents->items[index].name, NULL);
}

static gboolean
add_to_page (EspSheetCanvas *self, guint index, EspPicture *picture, GBytes *original,
             GError **error)
{
  const EspSheetBox fit
      = _esp_sheet_layout_fit (self->layout, index, picture->width, picture->height);
  const EspSheetBox edge
      = { fit.x - 2, fit.y - 2, fit.width + 4, fit.height + 4, ESP_SHEET_INK_LINE };
  cairo_surface_t *surface = _esp_export_create_surface (picture);

  if (original != NULL
      && cairo_surface_set_mime_data (surface, CAIRO_MIME_TYPE_JPEG,
                                      g_bytes_get_data (original, NULL),
                                      g_bytes_get_size (original),
                                      (cairo_destroy_func_t) g_bytes_unref, g_bytes_ref (original))
             != CAIRO_STATUS_SUCCESS)
    g_bytes_unref (original);
  draw_box (self, self->page, &edge);
  cairo_save (self->page);
  cairo_translate (self->page, fit.x, fit.y);
  cairo_scale (self->page, (double) fit.width / picture->width,
               (double) fit.height / picture->height);
  cairo_set_source_surface (self->page, surface, 0, 0);
  cairo_paint (self->page);
  cairo_restore (self->page);
  cairo_surface_destroy (surface);
  return check_page (self, error);
}

static gboolean
add_original (EspSheetCanvas *self, guint index, GBytes *bytes, EspPicture *picture,
              const EspPictureInfo *info, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) original = get_original (self, index, bytes, picture, info);
  g_autoptr (EspPicture) scaled = NULL;
  int width, height;

  if (original != NULL)
    return add_to_page (self, index, picture, original, error);
  esp_picture_fit (picture->width, picture->height, self->most_pixels, self->most_pixels, &width,
                   &height);
  scaled = esp_picture_scale (picture, width, height, cancellable, error);
  return scaled != NULL && add_to_page (self, index, scaled, NULL, error);
}

/* ---- all of it */

EspSheetCanvas *
_esp_sheet_canvas_new (const EspSheetContents *contents, EspSheetLayout *layout,
                       EspSheetFormat format, GCancellable *cancellable, GError **error)
{
  EspSheetCanvas *self = g_new0 (EspSheetCanvas, 1);

  self->contents = contents;
  self->layout = layout;
  self->format = format;
  if (format == ESP_SHEET_PDF ? begin_page (self, error) : begin_picture (self, cancellable, error))
    return self;
  _esp_sheet_canvas_free (self);
  return NULL;
}

void
_esp_sheet_canvas_free (EspSheetCanvas *self)
{
  if (self == NULL)
    return;
  /* Cairo writes the rest into the file. */
  g_clear_pointer (&self->page, cairo_destroy);
  g_clear_pointer (&self->file, g_byte_array_unref);
  g_clear_pointer (&self->picture, esp_picture_unref);
  g_free (self);
}

gboolean
_esp_sheet_canvas_add_missing (EspSheetCanvas *self, guint index, const char *why,
                               GCancellable *cancellable, GError **error)
{
  const EspSheetBox *place = &self->layout->places[index];
  const guint first_box = self->layout->boxes->len, first_text = self->layout->texts->len;

  _esp_sheet_layout_add_missing (self->layout, self->contents, index, why);
  if (self->format != ESP_SHEET_PDF)
    return draw_part (self, place->x, place->y, place->width, place->height, error);
  for (guint i = first_box; i < self->layout->boxes->len; i++)
    draw_box (self, self->page, &g_array_index (self->layout->boxes, EspSheetBox, i));
  for (guint i = first_text; i < self->layout->texts->len; i++)
    draw_text (self, self->page, &g_array_index (self->layout->texts, EspSheetText, i));
  return check_page (self, error);
}

gboolean
_esp_sheet_canvas_add (EspSheetCanvas *self, guint index, GBytes *bytes, GCancellable *cancellable,
                       GError **error)
{
  EspPictureInfo info = ESP_PICTURE_INFO_INIT;
  g_autoptr (GError) why = NULL;
  g_autoptr (EspPicture) picture
      = esp_picture_load_bytes (bytes, self->contents->items[index].name, &info, cancellable, &why);
  gboolean added;

  if (picture == NULL && g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&why));
      added = FALSE;
    }
  else if (picture == NULL)
    added = _esp_sheet_canvas_add_missing (self, index, why->message, cancellable, error);
  else if (self->format == ESP_SHEET_PDF)
    added = add_original (self, index, bytes, picture, &info, cancellable, error);
  else
    added = add_pixels (self, index, picture, cancellable, error);
  esp_picture_info_clear (&info);
  return added;
}

GBytes *
_esp_sheet_canvas_finish (EspSheetCanvas *self, GCancellable *cancellable, GError **error)
{
  static const EspPictureFormat formats[] = { [ESP_SHEET_PNG] = ESP_FORMAT_PNG,
                                              [ESP_SHEET_JPEG] = ESP_FORMAT_JPEG,
                                              [ESP_SHEET_WEBP] = ESP_FORMAT_WEBP };
  GByteArray *file;

  if (self->format != ESP_SHEET_PDF)
    return esp_picture_to_bytes (self->picture, formats[self->format], NULL, NULL, cancellable,
                                 error);
  cairo_show_page (self->page);
  cairo_surface_finish (cairo_get_target (self->page));
  if (!check_page (self, error) || g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  file = g_steal_pointer (&self->file);
  return g_byte_array_free_to_bytes (file);
}
