/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-region.h: a part of a picture that alone is to be edited, and what of it is sent.
 *
 * The region is what a person drew. What is sent is a rectangle around it with some context, in a
 * shape and size that models like; its result is put back where it was cut out. */
#pragma once

#include <glib-object.h>
#include <json-glib/json-glib.h>

#include "esp-picture.h"

G_BEGIN_DECLS

#define ESP_REGION_MIN_SIDE   8 /* px */
#define ESP_REGION_MAX_POINTS 4096

typedef struct
{
  double x, y; /* px of the source */
} EspRegionPoint;

typedef struct
{
  int x, y, width, height; /* px of the source; around all points of a lasso */
  GArray *points;          /* of EspRegionPoint: a closed lasso; NULL: the rectangle itself */
} EspRegion;

EspRegion *esp_region_new (int x, int y, int width, int height) G_GNUC_WARN_UNUSED_RESULT;
EspRegion *esp_region_new_lasso (const EspRegionPoint *points,
                                 guint n_points) G_GNUC_WARN_UNUSED_RESULT;
EspRegion *esp_region_copy (const EspRegion *region) G_GNUC_WARN_UNUSED_RESULT;
void esp_region_free (EspRegion *region);
gboolean esp_region_equal (const EspRegion *a, const EspRegion *b); /* NULL = NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspRegion, esp_region_free)

/* For properties and signals of objects. */
#define ESP_TYPE_REGION (esp_region_get_type ())
GType esp_region_get_type (void) G_GNUC_CONST;

/* {"x":…,"y":…,"width":…,"height":…,"points":[[x,y],…]}. NULL where it is none. */
JsonObject *esp_region_to_json (const EspRegion *region) G_GNUC_WARN_UNUSED_RESULT;
EspRegion *esp_region_from_json (JsonObject *object) G_GNUC_WARN_UNUSED_RESULT;

/* "X,Y,W,H", px; or the points of a lasso, "X,Y,X,Y,X,Y,…". An error (ESP_IMAGE_ERROR_UNSUPPORTED)
 * that says what is wrong. */
EspRegion *esp_region_parse (const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
char *esp_region_to_text (const EspRegion *region) G_GNUC_WARN_UNUSED_RESULT; /* as above */

/* Cut to a picture of that size. FALSE with an error where nothing (or less than
 * ESP_REGION_MIN_SIDE a side) is left. */
gboolean esp_region_fit (EspRegion *region, int width, int height, GError **error);

/* What is sent of a picture: this rectangle, scaled to send_width × send_height. */
typedef struct
{
  int x, y, width, height; /* px of the source, inside of it */
  int send_width, send_height;
} EspCrop;

/* The crop for a region of a width × height picture: at least a quarter of its side (and 32 px) of
 * context on each side where the picture has it, then widened to the nearest shape that models
 * like. `working_pixels`: as EspModel says, 0: one of the seventeen Kontext sizes. A crop whose
 * region is nearly everything is the whole picture. */
void esp_region_plan (const EspRegion *region, int width, int height, gint64 working_pixels,
                      EspCrop *crop);

/* The picture that is sent. Blocks. */
EspPicture *esp_crop_cut (const EspCrop *crop, EspPicture *picture, GCancellable *cancellable,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
