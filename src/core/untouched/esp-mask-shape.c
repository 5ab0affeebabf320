/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-shape.c: masks grown, shrunk and feathered by Euclidean distance, and painted on.
 *
 * Distances are exact (Meijster, Roerdink and Hesselink 2000, "A general algorithm for computing
 * distance transforms in linear time"; the lower envelope of parabolas is that of Felzenszwalb and
 * Huttenlocher 2012) and known as far as they are needed: what lies further away costs next to
 * nothing. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>
#include <string.h>

#include "esp-mask.h"
#include "esp-rows-private.h"

/* From here on a value belongs to what is grown or shrunk. */
#define INSIDE 128

#define FAR G_MAXUINT16

typedef struct
{
  const EspMask *mask;
  EspMask *out;
  guint16 *down; /* rows to the nearest place of the set above or below; FAR: none within reach */
  gboolean outside; /* the set is what is not inside of the mask */
  int reach;        /* distances above it are not looked for, px */
  double grow, feather;
} Shaping;

/* --- Down the columns ------------------------------------------------------------------------- */

#define STRIP 512 /* columns that one piece of work goes down */

static void
down_columns (int begin, int end, gpointer data)
{
  Shaping *self = data;
  const gsize width = (gsize) self->mask->width;
  const int height = self->mask->height;
  const gsize left = (gsize) begin * STRIP, right = MIN ((gsize) end * STRIP, width);
  const guint16 reach = (guint16) self->reach;

  for (int y = 0; y < height; y++)
    {
      const guint8 *values = self->mask->values + (gsize) y * width;
      guint16 *now = self->down + (gsize) y * width;

      for (gsize x = left; x < right; x++)
        {
          const gboolean in_set = (values[x] >= INSIDE) != self->outside;
          const guint16 above = y > 0 ? (now - width)[x] : FAR;

          now[x] = in_set ? 0 : above >= reach ? FAR : (guint16) (above + 1);
        }
    }
  for (int y = height - 2; y >= 0; y--)
    {
      guint16 *now = self->down + (gsize) y * width;

      for (gsize x = left; x < right; x++)
        {
          const guint16 below = now[x + width];

          if (below < reach && below + 1 < now[x])
            now[x] = (guint16) (below + 1);
        }
    }
}

/* --- Along the rows --------------------------------------------------------------------------- */

/* The lower envelope of the parabolas (x − place)² + down², one for each column within reach. */
typedef struct
{
  int *place;
  double *from; /* where it becomes the lowest */
  int n;
} Envelope;

static void
add_parabola (Envelope *self, const guint16 *down, int x)
{
  const double h = (double) down[x] * down[x] + (double) x * x;

  while (self->n > 0)
    {
      const int last = self->place[self->n - 1];
      const double h_last = (double) down[last] * down[last] + (double) last * last;
      const double cross = (h - h_last) / (2.0 * (x - last));

      if (cross > self->from[self->n - 1])
        {
          self->from[self->n] = cross;
          self->place[self->n++] = x;
          return;
        }
      self->n--;
    }
  self->from[0] = -INFINITY;
  self->place[0] = x;
  self->n = 1;
}

/* What is composed with at a distance beyond the (grown or shrunk) mask: 255 there, 0 from one px
 * after the feather on, smooth between. */
static guint8
fall (double beyond, double feather)
{
  const double t = beyond / (feather + 1);

  if (t <= 0)
    return 255;
  return t >= 1 ? 0 : (guint8) lround (255 * (1 - t * t * (3 - 2 * t)));
}

static guint8
shaped_value (const Shaping *self, guint8 value, double distance)
{
  guint8 fallen;

  if (self->outside) /* shrunk: `distance` to what is outside, 0 there */
    return distance == 0 ? 0 : fall (1 - self->grow - distance, self->feather);
  fallen = fall (distance - self->grow, self->feather);
  return MAX (value, fallen);
}

/* In the midst of a run of the set: nothing outside of it has this place as its nearest. */
static gboolean
is_within (const guint16 *down, int x, int width)
{
  return down[x] == 0 && x > 0 && x < width - 1 && down[x - 1] == 0 && down[x + 1] == 0;
}

static void
shape_row (Shaping *self, int y, Envelope *envelope)
{
  const int width = self->mask->width;
  const guint16 *down = self->down + (gsize) y * (gsize) width;
  const guint8 *in = self->mask->values + (gsize) y * (gsize) width;
  guint8 *out = self->out->values + (gsize) y * (gsize) width;
  int k = 0;

  envelope->n = 0;
  for (int x = 0; x < width; x++)
    if (down[x] != FAR && !is_within (down, x, width))
      add_parabola (envelope, down, x);
  if (envelope->n == 0 && down[0] != 0)
    {
      const guint8 none = self->outside ? 255 : 0;

      for (int x = 0; x < width; x++)
        out[x] = MAX (in[x], none);
      return;
    }
  for (int x = 0; x < width; x++)
    {
      double dx, distance;

      if (down[x] == 0)
        {
          out[x] = shaped_value (self, in[x], 0);
          continue;
        }
      while (k + 1 < envelope->n && envelope->from[k + 1] <= x)
        k++;
      dx = x - envelope->place[k];
      distance = sqrt (dx * dx + (double) down[envelope->place[k]] * down[envelope->place[k]]);
      out[x] = shaped_value (self, in[x], distance);
    }
}

static void
shape_rows (int begin, int end, gpointer data)
{
  Shaping *self = data;
  const gsize width = (gsize) self->mask->width;
  Envelope envelope = { g_new0 (int, width), g_new0 (double, width), 0 };

  for (int y = begin; y < end; y++)
    shape_row (self, y, &envelope);
  g_free (envelope.place);
  g_free (envelope.from);
}

/* Shrinking: a feather that reaches beyond the old edge needs distances on both sides of it; the
 * outer part is grown from what was shrunk. */
static EspMask *
shape_once (EspMask *mask, double grow, double feather, GCancellable *cancellable, GError **error)
{
  const gsize n = (gsize) mask->width * (gsize) mask->height;
  g_autoptr (EspMask) out = esp_mask_new (mask->width, mask->height, error);
  g_autofree guint16 *down = NULL;
  Shaping self = { mask, NULL, NULL, grow < 0, 0, grow, feather };
  gboolean ok;

  if (out == NULL)
    return NULL;
  down = g_try_new (guint16, n);
  if (down == NULL)
    {
      esp_mask_refuse_room (mask->width, mask->height, error);
      return NULL;
    }
  self.out = out;
  self.down = down;
  self.reach = (int) MIN (ceil (fabs (grow) + feather) + 2, FAR - 1);
  ok = _esp_rows_run ((mask->width + STRIP - 1) / STRIP, 1, down_columns, &self, cancellable, error)
       && _esp_rows_run (mask->height, _esp_rows_get_grain (mask->width), shape_rows, &self,
                         cancellable, error);
  return ok ? g_steal_pointer (&out) : NULL;
}

EspMask *
esp_mask_shape (EspMask *mask, double grow, double feather, GCancellable *cancellable,
                GError **error)
{
  g_autoptr (EspMask) shrunk = NULL;

  g_return_val_if_fail (mask != NULL, NULL);

  feather = MAX (feather, 0);
  if (grow == 0 && feather == 0)
    return esp_mask_ref (mask);
  if (grow >= 0)
    return shape_once (mask, grow, feather, cancellable, error);
  shrunk = shape_once (mask, grow, 0, cancellable, error);
  if (shrunk == NULL || feather == 0)
    return g_steal_pointer (&shrunk);
  return shape_once (shrunk, 0, feather, cancellable, error);
}

/* --- The brush -------------------------------------------------------------------------------- */

/* The squared distance of a point from the line's nearest point. */
static double
distance_from_line (double x, double y, double x0, double y0, double x1, double y1)
{
  const double dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy;
  const double t = length > 0 ? CLAMP (((x - x0) * dx + (y - y0) * dy) / length, 0, 1) : 0;

  return hypot (x - x0 - t * dx, y - y0 - t * dy);
}

/* How much of the brush a pixel at that distance gets, 0…1; the hard edge is one px wide, so that
 * it is no staircase. */
static double
brush_at (double distance, double radius, double hardness)
{
  const double hard = radius * CLAMP (hardness, 0, 1) - 0.5;
  const double soft = MAX (radius + 0.5 - hard, 1);
  const double t = CLAMP ((distance - hard) / soft, 0, 1);

  return 1 - t * t * (3 - 2 * t);
}

void
esp_mask_paint (EspMask *mask, double x0, double y0, double x1, double y1, double radius,
                double hardness, guint8 value, int changed[4])
{
  const double reach = radius + 1;
  const int left = (int) floor (CLAMP (MIN (x0, x1) - reach, 0, mask->width));
  const int top = (int) floor (CLAMP (MIN (y0, y1) - reach, 0, mask->height));
  const int right = (int) ceil (CLAMP (MAX (x0, x1) + reach, 0, mask->width));
  const int bottom = (int) ceil (CLAMP (MAX (y0, y1) + reach, 0, mask->height));

  g_return_if_fail (mask != NULL && radius > 0);

  for (int y = top; y < bottom; y++)
    for (int x = left; x < right; x++)
      {
        guint8 *at = mask->values + (gsize) y * (gsize) mask->width + x;
        const double brush
            = brush_at (distance_from_line (x + 0.5, y + 0.5, x0, y0, x1, y1), radius, hardness);
        const guint8 raised = (guint8) lround (brush * value);
        const guint8 lowered = (guint8) lround ((1 - brush) * 255);

        *at = value > 0 ? MAX (*at, raised) : MIN (*at, lowered);
      }
  if (changed != NULL)
    {
      changed[0] = left;
      changed[1] = top;
      changed[2] = MAX (right - left, 0);
      changed[3] = MAX (bottom - top, 0);
    }
}
