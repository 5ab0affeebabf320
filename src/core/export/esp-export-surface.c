/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-export-surface.c: pixels between pictures and cairo. */
#define G_LOG_DOMAIN "esp-export"

#include "esp-export-surface.h"

#include <string.h>

static guint8 *
get_pixel (EspPicture *picture, int x, int y)
{
  return picture->pixels + ((gsize) y * (gsize) picture->width + (gsize) x) * 3;
}

static guint32 *
get_row (cairo_surface_t *surface, int y)
{
  return (guint32 *) (gpointer) (cairo_image_surface_get_data (surface)
                                 + (gssize) y * cairo_image_surface_get_stride (surface));
}

void
_esp_export_copy_surface (cairo_surface_t *surface, EspPicture *picture, int x, int y)
{
  int width, height;

  cairo_surface_flush (surface);
  if (cairo_surface_status (surface) != CAIRO_STATUS_SUCCESS)
    return;
  g_assert (x >= 0 && y >= 0 && x < picture->width && y < picture->height);
  width = MIN (cairo_image_surface_get_width (surface), picture->width - x);
  height = MIN (cairo_image_surface_get_height (surface), picture->height - y);
  for (int row = 0; row < height; row++)
    {
      const guint32 *in = get_row (surface, row);
      guint8 *out = get_pixel (picture, x, y + row);

      for (int i = 0; i < width; i++, in++, out += 3)
        {
          out[0] = (guint8) (*in >> 16);
          out[1] = (guint8) (*in >> 8);
          out[2] = (guint8) *in;
        }
    }
}

cairo_surface_t *
_esp_export_create_surface (EspPicture *picture)
{
  cairo_surface_t *surface
      = cairo_image_surface_create (CAIRO_FORMAT_RGB24, picture->width, picture->height);

  if (cairo_surface_status (surface) != CAIRO_STATUS_SUCCESS)
    return surface;
  for (int y = 0; y < picture->height; y++)
    {
      const guint8 *in = get_pixel (picture, 0, y);
      guint32 *out = get_row (surface, y);

      for (int i = 0; i < picture->width; i++, in += 3)
        out[i] = (guint32) in[0] << 16 | (guint32) in[1] << 8 | in[2];
    }
  cairo_surface_mark_dirty (surface);
  return surface;
}

void
_esp_export_paste (EspPicture *picture, EspPicture *pasted, int x, int y)
{
  g_assert (x >= 0 && y >= 0);
  g_assert (x + pasted->width <= picture->width && y + pasted->height <= picture->height);

  for (int row = 0; row < pasted->height; row++)
    memcpy (get_pixel (picture, x, y + row), get_pixel (pasted, 0, row), (gsize) pasted->width * 3);
}
