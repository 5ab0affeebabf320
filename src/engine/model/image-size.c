/* SPDX-License-Identifier: MIT */
/* image-size.c: the seventeen Kontext sizes, and the search for models with another working area.
 */
#include "model/image-size.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "espalier-engine.h"

/* PREFERRED_KONTEXT_RESOLUTIONS of diffusers and of Black Forest Labs' own sampler: width, height,
 * narrowest first, so that the first of two equally near ones is the narrower. */
static const int kontext_sizes[][2] = {
  { 672, 1568 }, { 688, 1504 }, { 720, 1456 },  { 752, 1392 }, { 800, 1328 }, { 832, 1248 },
  { 880, 1184 }, { 944, 1104 }, { 1024, 1024 }, { 1104, 944 }, { 1184, 880 }, { 1248, 832 },
  { 1328, 800 }, { 1392, 752 }, { 1456, 720 },  { 1504, 688 }, { 1568, 672 },
};

static int
floor_to_multiple (int side)
{
  int floored = side / ESP_SIZE_MULTIPLE * ESP_SIZE_MULTIPLE;
  return floored < ESP_SIZE_MIN ? ESP_SIZE_MIN : floored;
}

static void
nearest_kontext_size (int source_width, int source_height, int *width, int *height)
{
  double aspect
      = (double) floor_to_multiple (source_width) / (double) floor_to_multiple (source_height);
  double nearest = INFINITY;
  for (size_t i = 0; i < sizeof kontext_sizes / sizeof kontext_sizes[0]; i++)
    {
      double distance = fabs (aspect - (double) kontext_sizes[i][0] / (double) kontext_sizes[i][1]);
      if (distance < nearest)
        {
          nearest = distance;
          *width = kontext_sizes[i][0];
          *height = kontext_sizes[i][1];
        }
    }
}

/* The distance of the nearest possible area to `working_pixels`, as a limit that every candidate
 * keeps; at least an eighth of `working_pixels`. */
static int64_t
area_limit (int64_t working_pixels)
{
  int64_t nearest = INT64_MAX;
  for (int w = ESP_SIZE_MIN; w <= ESP_SIZE_MAX; w += ESP_SIZE_MULTIPLE)
    for (int h = ESP_SIZE_MIN; h <= w; h += ESP_SIZE_MULTIPLE)
      {
        int64_t distance = llabs ((int64_t) w * h - working_pixels);
        if (distance < nearest)
          nearest = distance;
      }
  return nearest * 8 > working_pixels ? nearest : working_pixels / 8;
}

static void
nearest_working_size (int64_t working_pixels, int source_width, int source_height, int *width,
                      int *height)
{
  double aspect = (double) source_width / (double) source_height;
  int64_t limit = area_limit (working_pixels);
  double nearest = INFINITY;
  int64_t nearest_area = INT64_MAX;
  for (int w = ESP_SIZE_MIN; w <= ESP_SIZE_MAX; w += ESP_SIZE_MULTIPLE)
    for (int h = ESP_SIZE_MIN; h <= ESP_SIZE_MAX; h += ESP_SIZE_MULTIPLE)
      {
        int64_t area_distance = llabs ((int64_t) w * h - working_pixels);
        if (area_distance > limit)
          continue;
        double distance = fabs (aspect - (double) w / (double) h);
        bool better = distance < nearest;
        if (distance == nearest)
          better = area_distance < nearest_area;
        if (better)
          {
            nearest = distance;
            nearest_area = area_distance;
            *width = w;
            *height = h;
          }
      }
}

void
esp_preferred_size (int64_t working_pixels, int source_width, int source_height, int *width,
                    int *height)
{
  if (working_pixels == 0)
    nearest_kontext_size (source_width, source_height, width, height);
  else
    nearest_working_size (working_pixels, source_width, source_height, width, height);
}
