/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-film.c: "how it was made": the images of a path as the frames of an animation, all on
 * a canvas of the first one's shape, each with its instruction written below if that is wished. */
#define G_LOG_DOMAIN "esp-export"

#include "esp-animation.h"
#include "esp-export-private.h"
#include "esp-export-surface.h"
#include "esp-picture-scale.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>

/* Around images of another shape, and under captions. */
#define BACKDROP      0x24
#define CAPTION_LINES 3

struct _EspExportFilm
{
  EspExportOptions options;
  GPtrArray *captions; /* of char * */
  EspAnimation *animation;
  int width;
  int height;         /* of the images */
  int caption_height; /* below them */
  int text_size;      /* px */
};

EspExportFilm *
_esp_export_film_new (GPtrArray *items, const EspExportOptions *options)
{
  EspExportFilm *self = g_new0 (EspExportFilm, 1);

  self->options = *options;
  self->captions = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < items->len; i++)
    g_ptr_array_add (self->captions, g_strdup (((EspExportItem *) items->pdata[i])->caption));
  return self;
}

void
_esp_export_film_free (EspExportFilm *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->captions);
  g_clear_pointer (&self->animation, esp_animation_free);
  g_free (self);
}

/* ---- captions */

static PangoLayout *
create_layout (EspExportFilm *self, cairo_t *cairo, const char *caption)
{
  PangoLayout *layout = pango_cairo_create_layout (cairo);
  PangoFontDescription *font = pango_font_description_from_string ("Cantarell, sans-serif");

  pango_font_description_set_absolute_size (font, (double) self->text_size * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_font_description_free (font);
  pango_layout_set_width (layout, MAX (self->width - 2 * self->text_size, 1) * PANGO_SCALE);
  pango_layout_set_height (layout, -CAPTION_LINES);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_alignment (layout, PANGO_ALIGN_CENTER);
  pango_layout_set_text (layout, caption, -1);
  return layout;
}

/* The room that the highest of the captions needs: the same for all frames. */
static int
measure_captions (EspExportFilm *self)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, 1, 1);
  cairo_t *cairo = cairo_create (surface);
  int highest = 0;

  for (guint i = 0; i < self->captions->len; i++)
    {
      const char *caption = self->captions->pdata[i];
      g_autoptr (PangoLayout) layout = create_layout (self, cairo, caption);
      int height;

      pango_layout_get_pixel_size (layout, NULL, &height);
      if (caption[0] != '\0')
        highest = MAX (highest, height);
    }
  cairo_destroy (cairo);
  cairo_surface_destroy (surface);
  return highest > 0 ? highest + self->text_size : 0;
}

static void
draw_caption (EspExportFilm *self, EspPicture *frame, const char *caption)
{
  cairo_surface_t *surface
      = cairo_image_surface_create (CAIRO_FORMAT_RGB24, self->width, self->caption_height);
  cairo_t *cairo = cairo_create (surface);
  g_autoptr (PangoLayout) layout = create_layout (self, cairo, caption);
  int text_height, top;

  pango_layout_get_pixel_size (layout, NULL, &text_height);
  top = (self->caption_height - text_height) / 2; /* whole pixels keep letters sharp */
  cairo_set_source_rgb (cairo, BACKDROP / 255.0, BACKDROP / 255.0, BACKDROP / 255.0);
  cairo_paint (cairo);
  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_move_to (cairo, self->text_size, top);
  pango_cairo_show_layout (cairo, layout);
  _esp_export_copy_surface (surface, frame, 0, self->height);
  cairo_destroy (cairo);
  cairo_surface_destroy (surface);
}

/* ---- frames */

static EspAnimationFormat
animation_format (EspExportFormat format)
{
  switch (format)
    {
    case ESP_EXPORT_GIF:
      return ESP_ANIMATION_GIF;
    case ESP_EXPORT_WEBP:
      return ESP_ANIMATION_WEBP;
    default:
      return ESP_ANIMATION_APNG;
    }
}

/* The first image decides about the canvas, unless somebody else did. */
static gboolean
begin (EspExportFilm *self, EspPicture *first, GError **error)
{
  const int most = self->options.max_side > 0 ? self->options.max_side : G_MAXUINT16;
  EspSaveOptions how = ESP_SAVE_OPTIONS_INIT;

  if (self->width == 0)
    {
      self->width = first->width;
      self->height = first->height;
    }
  how.quality = CLAMP (self->options.quality, 1, 100);
  how.lossless = self->options.lossless;
  esp_picture_fit (self->width, self->height, most, most, &self->width, &self->height);
  self->text_size = CLAMP (MIN (self->width, self->height) / 24, 10, 64);
  self->caption_height = self->options.captions ? measure_captions (self) : 0;
  self->animation = esp_animation_new (animation_format (self->options.format), self->width,
                                       self->height + self->caption_height, &how, error);
  return self->animation != NULL;
}

void
_esp_export_film_set_size (EspExportFilm *self, int width, int height)
{
  self->width = width;
  self->height = height;
}

/* The picture in the middle of the canvas, as large as it fits. */
static EspPicture *
compose (EspExportFilm *self, EspPicture *picture, GCancellable *cancellable, GError **error)
{
  const double scale
      = MIN ((double) self->width / picture->width, (double) self->height / picture->height);
  const int width = CLAMP ((int) lround (picture->width * scale), 1, self->width);
  const int height = CLAMP ((int) lround (picture->height * scale), 1, self->height);
  g_autoptr (EspPicture) scaled = esp_picture_scale (picture, width, height, cancellable, error);
  EspPicture *frame;

  if (scaled == NULL)
    return NULL;
  frame = esp_picture_new (self->width, self->height + self->caption_height, error);
  if (frame == NULL)
    return NULL;
  memset (frame->pixels, BACKDROP, (gsize) frame->width * (gsize) frame->height * 3);
  _esp_export_paste (frame, scaled, (self->width - width) / 2, (self->height - height) / 2);
  return frame;
}

int
_esp_export_film_get_height (EspExportFilm *self)
{
  return self->height;
}

EspPicture *
_esp_export_film_compose (EspExportFilm *self, const EspExportItem *item, GBytes *bytes,
                          GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPicture) picture
      = esp_picture_load_bytes (bytes, item->name, NULL, cancellable, error);
  EspPicture *frame;

  if (picture == NULL || (self->animation == NULL && !begin (self, picture, error)))
    return NULL;
  frame = compose (self, picture, cancellable, error);
  if (frame != NULL && self->caption_height > 0 && item->caption[0] != '\0')
    draw_caption (self, frame, item->caption);
  return frame;
}

gboolean
_esp_export_film_show (EspExportFilm *self, EspPicture *frame, double seconds,
                       GCancellable *cancellable, GError **error)
{
  return esp_animation_add (self->animation, frame, (guint) lround (seconds * 1000), cancellable,
                            error);
}

gboolean
_esp_export_film_add (EspExportFilm *self, const EspExportItem *item, GBytes *bytes,
                      GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPicture) frame = _esp_export_film_compose (self, item, bytes, cancellable, error);

  return frame != NULL
         && _esp_export_film_show (self, frame, CLAMP (self->options.seconds, 0.1, 10), cancellable,
                                   error);
}

GBytes *
_esp_export_film_finish (EspExportFilm *self, const EspRecipe *recipe, GCancellable *cancellable,
                         GError **error)
{
  return esp_animation_finish (self->animation, self->options.metadata ? recipe : NULL, cancellable,
                               error);
}
