/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-line.c: where the dividing line is, and cutting along it. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-divider.h"

#include <math.h>

#define PARALLEL 1e-6

/* Cuts the line through (x, y) along (dx, dy) to the area: the ends' places along it. It goes at
 * least through a corner, but for rounding. */
static void
cut (const graphene_rect_t *area, double x, double y, double dx, double dy, double *from,
     double *to)
{
  const double at[2] = { x, y }, d[2] = { dx, dy };
  const double low[2] = { area->origin.x, area->origin.y };
  const double high[2] = { area->origin.x + area->size.width, area->origin.y + area->size.height };

  *from = -INFINITY;
  *to = INFINITY;
  for (int axis = 0; axis < 2; axis++)
    {
      if (fabs (d[axis]) > PARALLEL)
        {
          const double one = (low[axis] - at[axis]) / d[axis];
          const double other = (high[axis] - at[axis]) / d[axis];

          *from = fmax (*from, fmin (one, other));
          *to = fmin (*to, fmax (one, other));
        }
    }
}

EspCompareLine
esp_compare_line_place (const graphene_rect_t *area, double position, double degrees, gboolean rtl)
{
  const double radians = degrees * G_PI / 180;
  EspCompareLine line;
  double reach, from, to;

  line.normal_x = cos (radians) * (rtl ? -1 : 1);
  line.normal_y = sin (radians);
  /* Exactly upright and exactly lying, whatever the cosine makes of it. */
  if (fabs (line.normal_x) < PARALLEL)
    line.normal_x = 0;
  if (fabs (line.normal_y) < PARALLEL)
    line.normal_y = 0;

  reach = (fabs (line.normal_x) * area->size.width + fabs (line.normal_y) * area->size.height) / 2;
  line.x = area->origin.x + area->size.width / 2 + line.normal_x * (2 * position - 1) * reach;
  line.y = area->origin.y + area->size.height / 2 + line.normal_y * (2 * position - 1) * reach;
  cut (area, line.x, line.y, -line.normal_y, line.normal_x, &from, &to);
  line.x += -line.normal_y * (from + to) / 2;
  line.y += line.normal_x * (from + to) / 2;
  line.length = fmax (to - from, 0);
  return line;
}

static void
append_clipped (GtkSnapshot *snapshot, GskRenderNode *node, double x, double y, double width,
                double height)
{
  if (width <= 0 || height <= 0)
    return;
  gtk_snapshot_push_clip (
      snapshot, &GRAPHENE_RECT_INIT ((float) x, (float) y, (float) width, (float) height));
  gtk_snapshot_append_node (snapshot, node);
  gtk_snapshot_pop (snapshot);
}

/* One strip of a pixel: of [low, high] along the strip that is on the start side of `edge`. */
static void
get_half (double low, double high, double edge, double normal, double *from, double *to)
{
  *from = normal > 0 ? low : CLAMP (edge, low, high);
  *to = normal > 0 ? CLAMP (edge, low, high) : high;
}

/* cairo cuts along any line. */
static void
append_rotated (const EspCompareLine *line, GtkSnapshot *snapshot, GskRenderNode *node,
                const graphene_rect_t *area)
{
  const float degrees = (float) (atan2 (line->normal_y, line->normal_x) * 180 / G_PI);
  const float far = area->size.width + area->size.height;

  gtk_snapshot_push_clip (snapshot, area);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float) line->x, (float) line->y));
  gtk_snapshot_rotate (snapshot, degrees);
  gtk_snapshot_push_clip (snapshot, &GRAPHENE_RECT_INIT (-far, -far, far, far * 2));
  gtk_snapshot_rotate (snapshot, -degrees);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float) -line->x, (float) -line->y));
  gtk_snapshot_append_node (snapshot, node);
  gtk_snapshot_pop (snapshot);
  gtk_snapshot_restore (snapshot);
  gtk_snapshot_pop (snapshot);
}

/* A clip that is not upright costs GTK 4.8's GL a copy of the image that is scaled twice, which
 * makes it softer than the one beside it. Strips of a pixel are exact; their steps lie under the
 * line. */
static void
append_strips (const EspCompareLine *line, GtkSnapshot *snapshot, GskRenderNode *node,
               const graphene_rect_t *area)
{
  const double left = area->origin.x, right = left + area->size.width;
  const double top = area->origin.y, bottom = top + area->size.height;
  double from, to;

  if (fabs (line->normal_x) >= fabs (line->normal_y))
    for (int y = (int) floor (top); y < bottom; y++)
      {
        const double edge = line->x - (y + 0.5 - line->y) * line->normal_y / line->normal_x;

        get_half (left, right, edge, line->normal_x, &from, &to);
        append_clipped (snapshot, node, from, fmax (y, top), to - from,
                        fmin (y + 1, bottom) - fmax (y, top));
      }
  else
    for (int x = (int) floor (left); x < right; x++)
      {
        const double edge = line->y - (x + 0.5 - line->x) * line->normal_x / line->normal_y;

        get_half (top, bottom, edge, line->normal_y, &from, &to);
        append_clipped (snapshot, node, fmax (x, left), from, fmin (x + 1, right) - fmax (x, left),
                        to - from);
      }
}

void
esp_compare_line_append_half (const EspCompareLine *line, GtkSnapshot *snapshot,
                              GskRenderNode *node, const graphene_rect_t *area,
                              GskRenderer *renderer)
{
  const double left = area->origin.x, right = left + area->size.width;
  const double top = area->origin.y, bottom = top + area->size.height;
  double from, to;

  if (line->normal_y == 0)
    {
      get_half (left, right, line->x, line->normal_x, &from, &to);
      append_clipped (snapshot, node, from, top, to - from, bottom - top);
    }
  else if (line->normal_x == 0)
    {
      get_half (top, bottom, line->y, line->normal_y, &from, &to);
      append_clipped (snapshot, node, left, from, right - left, to - from);
    }
  else if (GSK_IS_CAIRO_RENDERER (renderer))
    append_rotated (line, snapshot, node, area);
  else
    append_strips (line, snapshot, node, area);
}
