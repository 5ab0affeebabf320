/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-crop.c: what of a picture is sent when only a region of it is to be edited. */
#define G_LOG_DOMAIN "esp-untouched"

#include <math.h>

#include "esp-compose-private.h"
#include "esp-kontext-sizes.h"
#include "esp-picture-scale.h"
#include "esp-region.h"

#define CONTEXT_SHARE 0.25 /* of the region's side, on each side */
#define CONTEXT_LEAST 32   /* px */
#define NEARLY_ALL    0.85 /* of the picture: then it is sent whole */

/* As the engine looks for them (src/engine/model/image-size.c). */
#define SIZE_MULTIPLE 16
#define SIZE_MIN      64
#define AREA_SLACK    8 /* 1/8 more or less than the working area */
#define ASPECT_MAX    3.0

/* --- One side of the crop --------------------------------------------------------------------- */

typedef struct
{
  int start, length;
} Side;

/* The region with its context, cut to the picture. */
static Side
side_with_context (int start, int length, int all)
{
  const int context = MAX ((int) ceil (length * CONTEXT_SHARE), CONTEXT_LEAST);
  const int left = MAX (start - context, 0);
  const int right = MIN (start + length + context, all);

  return (Side){ left, right - left };
}

/* As long as wanted, as near around its own middle as the picture's edges let it. */
static Side
side_widened (Side side, int length, int all)
{
  length = CLAMP (length, side.length, all);
  return (Side){ CLAMP (side.start - (length - side.length) / 2, 0, all - length), length };
}

/* --- Shapes ----------------------------------------------------------------------------------- */

typedef struct
{
  EspCrop best;
  double cost;
} Search;

/* Widens the crop to the shape of a size. What the picture has no room for is left out: then the
 * shape is not met, and the model sees it a little stretched. */
static void
try_size (Search *self, Side across, Side down, int width, int height, int send_width,
          int send_height)
{
  const double aspect = (double) send_width / send_height;
  const Side x = side_widened (across, (int) lround (down.length * aspect), width);
  const Side y = side_widened (down, (int) lround (across.length / aspect), height);
  const double stretch = fabs (log (x.length / (y.length * aspect)));
  const double wider = log ((double) x.length * y.length / ((double) across.length * down.length));
  /* A stretch is worse than a wider crop by as much as this. */
  const double cost = wider + 8 * stretch;

  if (cost >= self->cost)
    return;
  self->cost = cost;
  self->best = (EspCrop){ x.start, y.start, x.length, y.length, send_width, send_height };
}

static void
try_working_sizes (Search *self, Side across, Side down, int width, int height,
                   gint64 working_pixels)
{
  const int longest = (int) MIN (sqrt ((double) working_pixels * ASPECT_MAX), 8192);
  const gint64 slack = working_pixels / AREA_SLACK;

  for (int w = SIZE_MIN; w <= longest; w += SIZE_MULTIPLE)
    for (int h = SIZE_MIN; h <= longest; h += SIZE_MULTIPLE)
      if (ABS ((gint64) w * h - working_pixels) <= slack && w <= ASPECT_MAX * h
          && h <= ASPECT_MAX * w)
        try_size (self, across, down, width, height, w, h);
}

void
esp_region_plan (const EspRegion *region, int width, int height, gint64 working_pixels,
                 EspCrop *crop)
{
  const Side across = side_with_context (region->x, region->width, width);
  const Side down = side_with_context (region->y, region->height, height);
  Search search = { { 0 }, INFINITY };

  g_return_if_fail (region != NULL && crop != NULL && across.length > 0 && down.length > 0);

  if (working_pixels > 0)
    try_working_sizes (&search, across, down, width, height, working_pixels);
  for (int i = 0; i < ESP_N_KONTEXT_SIZES && (working_pixels <= 0 || search.best.width == 0); i++)
    try_size (&search, across, down, width, height, esp_kontext_sizes[i].width,
              esp_kontext_sizes[i].height);
  if ((double) search.best.width * search.best.height >= NEARLY_ALL * width * height)
    search.best = (EspCrop){ 0, 0, width, height, width, height };
  *crop = search.best;
}

/* --- The picture ------------------------------------------------------------------------------ */

EspPicture *
esp_crop_cut (const EspCrop *crop, EspPicture *picture, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPicture) cut = NULL;

  g_return_val_if_fail (crop->x >= 0 && crop->y >= 0 && crop->width > 0 && crop->height > 0
                            && crop->x + crop->width <= picture->width
                            && crop->y + crop->height <= picture->height && crop->send_width > 0
                            && crop->send_height > 0,
                        NULL);

  cut = _esp_picture_cut (picture, crop->x, crop->y, crop->width, crop->height, error);
  if (cut == NULL)
    return NULL;
  return esp_picture_scale (cut, crop->send_width, crop->send_height, cancellable, error);
}
