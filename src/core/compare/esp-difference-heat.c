/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference-heat.c: differences as colours. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-difference-private.h"

#include <math.h>
#include <string.h>

#define WHITE_AT   50.0 /* ΔE, without gain */
#define N_COLORS   1024
#define GREY       0x80
#define CHECK_ROWS 64 /* between two looks at the cancellable */

/* Black over violet, red and yellow to white, in steps of about 12 L*: between two of them every
 * channel goes straight, and the lightness only up. */
static const guint8 stops[][3] = {
  { 0, 0, 0 },     { 40, 8, 79 },    { 86, 8, 128 },   { 142, 16, 126 },  { 196, 32, 88 },
  { 232, 72, 38 }, { 247, 130, 12 }, { 250, 191, 39 }, { 252, 238, 130 }, { 255, 255, 255 },
};

guint32
esp_difference_get_heat (double share)
{
  const int last = (int) G_N_ELEMENTS (stops) - 1;
  const double place = CLAMP (share, 0, 1) * last;
  const int from = MIN ((int) place, last - 1);
  guint32 color = 0;

  for (int i = 0; i < 3; i++)
    color = color << 8
            | (guint32) lround (stops[from][i]
                                + (stops[from + 1][i] - stops[from][i]) * (place - from));
  return color;
}

static void
fill_table (guint8 *table)
{
  for (int i = 0; i < N_COLORS; i++, table += 3)
    {
      const guint32 color = esp_difference_get_heat ((double) i / (N_COLORS - 1));

      table[0] = (guint8) (color >> 16);
      table[1] = (guint8) (color >> 8);
      table[2] = (guint8) color;
    }
}

EspPicture *
esp_difference_render (EspDifference *self, double gain, GCancellable *cancellable, GError **error)
{
  const float scale = (float) (CLAMP (gain, 1, 50) / WHITE_AT * (N_COLORS - 1));
  guint8 table[N_COLORS * 3];
  g_autoptr (EspPicture) picture = NULL;
  EspFramePlace both;

  g_return_val_if_fail (self != NULL, NULL);

  both = self->both;
  picture = esp_picture_new (self->frame.width, self->frame.height, error);
  if (picture == NULL)
    return NULL;
  fill_table (table);
  for (int y = 0; y < picture->height; y++)
    {
      guint8 *row = picture->pixels + (gsize) y * (gsize) picture->width * 3;
      const float *values;

      if (y % CHECK_ROWS == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
      memset (row, GREY, (gsize) picture->width * 3);
      if (y < both.y || y >= both.y + both.height)
        continue;
      values = self->values + (gsize) (y - both.y) * (gsize) both.width;
      row += (gsize) both.x * 3;
      for (int x = 0; x < both.width; x++, row += 3)
        memcpy (row, table + 3 * MIN ((int) (values[x] * scale + 0.5f), N_COLORS - 1), 3);
    }
  return g_steal_pointer (&picture);
}
