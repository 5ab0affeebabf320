/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-region.c: parts of pictures, as data, text and JSON. What is sent of them: esp-crop.c. */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-region.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-json-member.h"

/* Boxed types are never asked for a copy of NULL. */
static EspRegion *
copy_boxed (EspRegion *region)
{
  return esp_region_copy (region);
}

G_DEFINE_BOXED_TYPE (EspRegion, esp_region, copy_boxed, esp_region_free)

EspRegion *
esp_region_new (int x, int y, int width, int height)
{
  EspRegion *self = g_new0 (EspRegion, 1);

  *self = (EspRegion){ x, y, width, height, NULL };
  return self;
}

/* The rectangle of whole pixels around all points. */
static void
bound_points (EspRegion *self)
{
  double left = G_MAXINT, top = G_MAXINT, right = G_MININT, bottom = G_MININT;

  for (guint i = 0; i < self->points->len; i++)
    {
      const EspRegionPoint *point = &g_array_index (self->points, EspRegionPoint, i);

      left = MIN (left, point->x);
      top = MIN (top, point->y);
      right = MAX (right, point->x);
      bottom = MAX (bottom, point->y);
    }
  self->x = (int) floor (left);
  self->y = (int) floor (top);
  self->width = (int) ceil (right) - self->x;
  self->height = (int) ceil (bottom) - self->y;
}

EspRegion *
esp_region_new_lasso (const EspRegionPoint *points, guint n_points)
{
  EspRegion *self = g_new0 (EspRegion, 1);

  g_return_val_if_fail (n_points >= 3 && n_points <= ESP_REGION_MAX_POINTS, NULL);

  self->points = g_array_sized_new (FALSE, FALSE, sizeof (EspRegionPoint), n_points);
  g_array_append_vals (self->points, points, n_points);
  bound_points (self);
  return self;
}

EspRegion *
esp_region_copy (const EspRegion *region)
{
  EspRegion *copy;

  if (region == NULL)
    return NULL;
  copy = g_memdup2 (region, sizeof *region);
  copy->points = region->points != NULL ? g_array_copy (region->points) : NULL;
  return copy;
}

void
esp_region_free (EspRegion *region)
{
  if (region == NULL)
    return;
  g_clear_pointer (&region->points, g_array_unref);
  g_free (region);
}

gboolean
esp_region_equal (const EspRegion *a, const EspRegion *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  if (a->x != b->x || a->y != b->y || a->width != b->width || a->height != b->height
      || (a->points == NULL) != (b->points == NULL))
    return FALSE;
  if (a->points == NULL)
    return TRUE;
  if (a->points->len != b->points->len)
    return FALSE;
  for (guint i = 0; i < a->points->len; i++)
    {
      const EspRegionPoint *p = &g_array_index (a->points, EspRegionPoint, i);
      const EspRegionPoint *q = &g_array_index (b->points, EspRegionPoint, i);

      if (p->x != q->x || p->y != q->y)
        return FALSE;
    }
  return TRUE;
}

/* --- Text ------------------------------------------------------------------------------------- */

JsonObject *
esp_region_to_json (const EspRegion *region)
{
  JsonObject *object = json_object_new ();
  JsonArray *points;

  json_object_set_int_member (object, "x", region->x);
  json_object_set_int_member (object, "y", region->y);
  json_object_set_int_member (object, "width", region->width);
  json_object_set_int_member (object, "height", region->height);
  if (region->points == NULL)
    return object;

  points = json_array_sized_new (region->points->len);
  for (guint i = 0; i < region->points->len; i++)
    {
      const EspRegionPoint *point = &g_array_index (region->points, EspRegionPoint, i);
      JsonArray *pair = json_array_sized_new (2);

      json_array_add_double_element (pair, point->x);
      json_array_add_double_element (pair, point->y);
      json_array_add_array_element (points, pair);
    }
  json_object_set_array_member (object, "points", points);
  return object;
}

/* A number of pixels that a picture may have; FALSE for anything else. */
static gboolean
is_place (double value)
{
  return isfinite (value) && fabs (value) <= ESP_PICTURE_MAX_SIDE;
}

static gboolean
read_point (JsonNode *node, EspRegionPoint *point)
{
  JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  JsonNode *x, *y;

  if (pair == NULL || json_array_get_length (pair) != 2)
    return FALSE;
  x = json_array_get_element (pair, 0);
  y = json_array_get_element (pair, 1);
  if (!JSON_NODE_HOLDS_VALUE (x) || !JSON_NODE_HOLDS_VALUE (y))
    return FALSE;
  *point = (EspRegionPoint){ json_node_get_double (x), json_node_get_double (y) };
  return is_place (point->x) && is_place (point->y);
}

static EspRegion *
lasso_from_json (JsonArray *array)
{
  const guint n = json_array_get_length (array);
  g_autofree EspRegionPoint *points = NULL;

  if (n < 3 || n > ESP_REGION_MAX_POINTS)
    return NULL;
  points = g_new (EspRegionPoint, n);
  for (guint i = 0; i < n; i++)
    if (!read_point (json_array_get_element (array, i), &points[i]))
      return NULL;
  return esp_region_new_lasso (points, n);
}

EspRegion *
esp_region_from_json (JsonObject *object)
{
  JsonArray *points = esp_json_get_array (object, "points");
  const double x = esp_json_get_number (object, "x", NAN);
  const double y = esp_json_get_number (object, "y", NAN);
  const double width = esp_json_get_number (object, "width", NAN);
  const double height = esp_json_get_number (object, "height", NAN);

  if (points != NULL)
    return lasso_from_json (points);
  if (!is_place (x) || !is_place (y) || !is_place (width) || !is_place (height) || width < 1
      || height < 1)
    return NULL;
  return esp_region_new ((int) x, (int) y, (int) width, (int) height);
}

char *
esp_region_to_text (const EspRegion *region)
{
  GString *text = g_string_new (NULL);

  if (region->points == NULL)
    g_string_printf (text, "%d,%d,%d,%d", region->x, region->y, region->width, region->height);
  for (guint i = 0; region->points != NULL && i < region->points->len; i++)
    {
      const EspRegionPoint *point = &g_array_index (region->points, EspRegionPoint, i);
      char x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE];

      g_ascii_formatd (x, sizeof x, "%.8g", point->x);
      g_ascii_formatd (y, sizeof y, "%.8g", point->y);
      g_string_append_printf (text, "%s%s,%s", i > 0 ? "," : "", x, y);
    }
  return g_string_free (text, FALSE);
}

/* NULL: these are no points of a lasso. */
static EspRegion *
parse_lasso (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", 2 * ESP_REGION_MAX_POINTS + 1);
  const guint n = g_strv_length (parts);
  g_autofree EspRegionPoint *points = g_new0 (EspRegionPoint, n / 2 + 1);
  g_autoptr (EspRegion) region = NULL;

  if (n < 6 || n % 2 != 0 || n > 2 * ESP_REGION_MAX_POINTS)
    return NULL;
  for (guint i = 0; i < n; i++)
    {
      char *end = NULL;
      const double value = g_ascii_strtod (parts[i], &end);

      if (end == parts[i] || *end != '\0' || !isfinite (value)
          || fabs (value) > ESP_PICTURE_MAX_SIDE)
        return NULL;
      if (i % 2 == 0)
        points[i / 2].x = value;
      else
        points[i / 2].y = value;
    }
  region = esp_region_new_lasso (points, n / 2);
  if (region == NULL || region->width < ESP_REGION_MIN_SIDE || region->height < ESP_REGION_MIN_SIDE)
    return NULL;
  return g_steal_pointer (&region);
}

EspRegion *
esp_region_parse (const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", 5);
  EspRegion *lasso = parse_lasso (text);
  gint64 numbers[4];

  if (lasso != NULL)
    return lasso;

  for (guint i = 0; i < 4; i++)
    {
      const char *part = i < g_strv_length (parts) ? g_strstrip (parts[i]) : "";

      if (g_strv_length (parts) != 4
          || !g_ascii_string_to_signed (part, 10, -ESP_PICTURE_MAX_SIDE, ESP_PICTURE_MAX_SIDE,
                                        &numbers[i], NULL)
          || (i >= 2 && numbers[i] < ESP_REGION_MIN_SIDE))
        {
          g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                       _ ("“%s” is no region: write X,Y,WIDTH,HEIGHT in pixels, at least %d wide "
                          "and high"),
                       text, ESP_REGION_MIN_SIDE);
          return NULL;
        }
    }
  return esp_region_new ((int) numbers[0], (int) numbers[1], (int) numbers[2], (int) numbers[3]);
}

gboolean
esp_region_fit (EspRegion *region, int width, int height, GError **error)
{
  const int left = MAX (region->x, 0), top = MAX (region->y, 0);
  const int right = (int) MIN ((gint64) region->x + region->width, width);
  const int bottom = (int) MIN ((gint64) region->y + region->height, height);

  if (right - left < ESP_REGION_MIN_SIDE || bottom - top < ESP_REGION_MIN_SIDE)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                   _ ("The region (%d, %d, %d × %d) lies outside of the picture of %d × %d pixels, "
                      "or nearly nothing of it is inside"),
                   region->x, region->y, region->width, region->height, width, height);
      return FALSE;
    }
  region->x = left;
  region->y = top;
  region->width = right - left;
  region->height = bottom - top;
  if (region->points != NULL)
    for (guint i = 0; i < region->points->len; i++)
      {
        EspRegionPoint *point = &g_array_index (region->points, EspRegionPoint, i);

        point->x = CLAMP (point->x, 0, width);
        point->y = CLAMP (point->y, 0, height);
      }
  return TRUE;
}
