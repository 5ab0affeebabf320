/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-untouched.c: see esp-untouched.h. */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-untouched.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "esp-change.h"
#include "esp-compose-private.h"
#include "esp-picture-refusal.h"
#include "esp-picture-scale.h"
#include "esp-rows-private.h"

#define TOKEN 16 /* px a side */

/* The seam's width where nobody says one: px of a picture as large as models make them, and in
 * proportion of others. */
#define SEAM           2.0
#define SEAM_PIXELS    1048576.0
#define SEAM_LEAST     1.0
#define SEAM_MOST      24.0
#define SEAM_REGION    0.06 /* of a region's shorter side, where all of it is the result's */
#define SEAM_REGION_PX 4.0
#define CONTEXT        0.25 /* of a region's shorter side: changes around it go on at most so far */
#define BORDER         4.0  /* px at a crop's edges that are always the source's in the end */

/* --- What composes with what ------------------------------------------------------------------ */

/* The part of the source that `result` is of. */
static EspCrop
get_box (const EspComposition *composition, const EspPicture *source)
{
  if (composition->crop.width > 0)
    return composition->crop;
  return (EspCrop){ 0, 0, source->width, source->height, source->width, source->height };
}

/* Is a region taken as it is, whatever changed in it? */
static gboolean
takes_region (const EspComposition *self)
{
  return self->region != NULL
         && (self->keep == ESP_KEEP_OFF || (self->keep == ESP_KEEP_AUTO && self->global));
}

/* Is all of the result taken, as it is? */
static gboolean
takes_all (const EspComposition *self)
{
  return self->region == NULL
         && (self->keep == ESP_KEEP_OFF || (self->keep == ESP_KEEP_AUTO && self->global));
}

/* The least context that the region has on a side, px; what lies at the picture's edge needs none.
 */
static double
get_context (const EspRegion *region, const EspCrop *box, int width, int height)
{
  double least = CONTEXT * MIN (region->width, region->height);

  if (box->x > 0)
    least = MIN (least, region->x - box->x);
  if (box->y > 0)
    least = MIN (least, region->y - box->y);
  if (box->x + box->width < width)
    least = MIN (least, box->x + box->width - region->x - region->width);
  if (box->y + box->height < height)
    least = MIN (least, box->y + box->height - region->y - region->height);
  return MAX (least, 0);
}

static double
get_feather (const EspComposition *self, const EspCrop *box, int width, int height)
{
  const double larger = sqrt ((double) box->width * box->height / SEAM_PIXELS);

  if (self->feather >= 0)
    return self->feather;
  if (takes_region (self))
    return MIN (MAX (SEAM_REGION * MIN (self->region->width, self->region->height), SEAM_REGION_PX),
                get_context (self->region, box, width, height));
  return CLAMP (SEAM * larger, SEAM_LEAST, SEAM_MOST);
}

double
esp_untouched_get_feather (const EspComposition *composition, int width, int height)
{
  EspCrop box = { 0, 0, width, height, width, height };

  g_return_val_if_fail (composition != NULL, 0);

  if (composition->crop.width > 0)
    box = composition->crop;
  return get_feather (composition, &box, width, height);
}

/* --- Within the crop -------------------------------------------------------------------------- */

typedef struct
{
  EspMask *mask;
  EspCrop box;
  double border;
} Bounding;

/* 0…1 from an edge of the crop on; 1 everywhere beside an edge of the picture. */
static double
fade_in (int at, int begin, int length, int all, double border)
{
  const double before = begin > 0 ? (at - begin + 0.5) / border : 1;
  const double after = begin + length < all ? (begin + length - at - 0.5) / border : 1;

  return CLAMP (MIN (before, after), 0, 1);
}

static void
bound_rows (int begin, int end, gpointer data)
{
  const Bounding *self = data;
  const int width = self->mask->width, height = self->mask->height;
  const EspCrop *box = &self->box;

  for (int y = begin; y < end; y++)
    {
      guint8 *row = self->mask->values + (gsize) y * (gsize) width;
      const double down = fade_in (y, box->y, box->height, height, self->border);

      for (int x = 0; x < width; x++)
        if (row[x] != 0)
          {
            const double across = fade_in (x, box->x, box->width, width, self->border);

            row[x] = (guint8) MIN (row[x], lround (255 * MIN (down, across)));
          }
    }
}

/* A mask as it is composed with; a new one. */
static EspMask *
shape_mask (EspMask *mask, const EspComposition *composition, const EspCrop *box,
            GCancellable *cancellable, GError **error)
{
  const double feather = get_feather (composition, box, mask->width, mask->height);
  g_autoptr (EspMask) shaped
      = esp_mask_shape (mask, composition->grow, feather, cancellable, error);
  g_autoptr (EspMask) own = NULL;
  Bounding bounding = { NULL, *box, BORDER };

  if (shaped == NULL)
    return NULL;
  own = shaped == mask ? esp_mask_copy (mask, error) : g_steal_pointer (&shaped);
  if (own == NULL || composition->crop.width == 0)
    return g_steal_pointer (&own);
  bounding.mask = own;
  if (!_esp_rows_run (own->height, _esp_rows_get_grain (own->width), bound_rows, &bounding,
                      cancellable, error))
    return NULL;
  return g_steal_pointer (&own);
}

/* What changed in a crop, as a mask of the whole picture: within the region's shape, and fading out
 * in its context, so that what reaches beyond it a little is not cut off. */
static EspMask *
place_mask (EspMask *of_crop, const EspRegion *region, const EspCrop *box, int width, int height,
            GCancellable *cancellable, GError **error)
{
  g_autoptr (EspMask) all = esp_mask_new (width, height, error);
  g_autoptr (EspMask) shape = NULL;
  g_autoptr (EspMask) limit = NULL;
  const gsize n = (gsize) width * (gsize) height;

  if (all == NULL)
    return NULL;
  for (int y = 0; y < box->height; y++)
    memcpy (all->values + (gsize) (box->y + y) * (gsize) width + box->x,
            of_crop->values + (gsize) y * (gsize) box->width, (gsize) box->width);
  shape = _esp_region_to_mask (region, width, height, error);
  if (shape != NULL)
    limit = esp_mask_shape (shape, 0, get_context (region, box, width, height) / 2, cancellable,
                            error);
  if (limit == NULL)
    return NULL;
  for (gsize i = 0; i < n; i++)
    all->values[i] = MIN (all->values[i], limit->values[i]);
  return g_steal_pointer (&all);
}

/* --- Larger by another way -------------------------------------------------------------------- */

static struct
{
  GMutex lock;
  EspUpscaleFunc upscale;
  gpointer data;
  GDestroyNotify destroy;
} upscaler;

void
esp_untouched_set_upscaler (EspUpscaleFunc upscale, gpointer data, GDestroyNotify destroy)
{
  GDestroyNotify old_destroy;
  gpointer old_data;

  g_mutex_lock (&upscaler.lock);
  old_destroy = upscaler.destroy;
  old_data = upscaler.data;
  upscaler.upscale = upscale;
  upscaler.data = data;
  upscaler.destroy = destroy;
  g_mutex_unlock (&upscaler.lock);
  if (old_destroy != NULL)
    old_destroy (old_data);
}

/* The rectangle around all that is above 0, in px of the box; FALSE: nothing is. */
static gboolean
find_bounds (const EspMask *mask, const EspCrop *box, EspCrop *bounds)
{
  int left = G_MAXINT, top = G_MAXINT, right = -1, bottom = -1;

  for (int y = 0; y < box->height; y++)
    {
      const guint8 *row = mask->values + (gsize) (box->y + y) * (gsize) mask->width + box->x;

      for (int x = 0; x < box->width; x++)
        if (row[x] != 0)
          {
            left = MIN (left, x);
            right = MAX (right, x);
            top = MIN (top, y);
            bottom = y;
          }
    }
  *bounds = (EspCrop){ left, top, right - left + 1, bottom - top + 1, 0, 0 };
  return right >= 0;
}

#define AROUND 8 /* px of the result beside what is shown of it */

/* The shown part of the result, as large as its place in the source, by the upscaler that was set;
 * `map` is then that to it. NULL where there is none, nothing is to be enlarged, or it failed. */
static EspPicture *
upscale_shown (EspPicture *result, const EspMask *weights, const EspCrop *box, EspPlaneMap *map,
               GCancellable *cancellable)
{
  g_autoptr (EspPicture) part = NULL;
  g_autoptr (EspPicture) large = NULL;
  g_autoptr (GError) error = NULL;
  EspCrop bounds;
  int left, top, right, bottom, width, height;

  g_mutex_lock (&upscaler.lock);
  if (upscaler.upscale == NULL || map->step_x >= 1 || map->step_y >= 1
      || !find_bounds (weights, box, &bounds))
    {
      g_mutex_unlock (&upscaler.lock);
      return NULL;
    }
  left = (int) CLAMP (map->x + map->step_x * bounds.x - AROUND, 0, result->width - 1);
  top = (int) CLAMP (map->y + map->step_y * bounds.y - AROUND, 0, result->height - 1);
  right = (int) CLAMP (map->x + map->step_x * (bounds.x + bounds.width) + AROUND, left + 1,
                       result->width);
  bottom = (int) CLAMP (map->y + map->step_y * (bounds.y + bounds.height) + AROUND, top + 1,
                        result->height);
  width = MAX (1, (int) lround ((right - left) / map->step_x));
  height = MAX (1, (int) lround ((bottom - top) / map->step_y));
  part = _esp_picture_cut (result, left, top, right - left, bottom - top, &error);
  if (part != NULL)
    large = upscaler.upscale (part, width, height, upscaler.data, cancellable, &error);
  g_mutex_unlock (&upscaler.lock);
  if (large == NULL || large->width != width || large->height != height)
    {
      g_info ("the upscaler gave no picture: %s", error != NULL ? error->message : "another size");
      return NULL;
    }
  *map = (EspPlaneMap){
    (map->x - left) * width / (right - left),
    (map->y - top) * height / (bottom - top),
    map->step_x * width / (right - left),
    map->step_y * height / (bottom - top),
  };
  return g_steal_pointer (&large);
}

/* --- Composing -------------------------------------------------------------------------------- */

static EspPicture *
compose (EspPicture *source, EspPicture *result, EspMask *weights,
         const EspComposition *composition, GCancellable *cancellable, GError **error)
{
  const EspCrop box = get_box (composition, source);
  EspPlaneMap map
      = _esp_plane_map_registered (&composition->registration, box.width, box.height, box.width,
                                   box.height, result->width, result->height);
  g_autoptr (EspPicture) large = upscale_shown (result, weights, &box, &map, cancellable);

  return _esp_compose (source, large != NULL ? large : result, &box, &map,
                       &composition->registration, weights, cancellable, error);
}

typedef struct
{
  const EspPicture *source, *image;
  EspMask *mask;
} Equalling;

static void
equal_rows (int begin, int end, gpointer data)
{
  const Equalling *self = data;
  const gsize width = (gsize) self->mask->width;

  for (gsize i = (gsize) begin * width; i < (gsize) end * width; i++)
    if (self->mask->values[i] != 0
        && memcmp (self->source->pixels + 3 * i, self->image->pixels + 3 * i, 3) == 0)
      self->mask->values[i] = 0;
}

/* 0 where the image is the source's own. */
static gboolean
drop_equal (EspMask *mask, EspPicture *source, EspPicture *image, GCancellable *cancellable,
            GError **error)
{
  Equalling self = { source, image, mask };

  return _esp_rows_run (mask->height, _esp_rows_get_grain (mask->width), equal_rows, &self,
                        cancellable, error);
}

/* Fills in image and share of `self`, which has its mask and composition. */
static gboolean
compose_masked (EspUntouched *self, EspPicture *source, EspPicture *result,
                GCancellable *cancellable, GError **error)
{
  const EspCrop box = get_box (self->composition, source);
  g_autoptr (EspMask) weights
      = shape_mask (self->mask, self->composition, &box, cancellable, error);

  if (weights == NULL)
    return FALSE;
  self->image = compose (source, result, weights, self->composition, cancellable, error);
  if (self->image == NULL || !drop_equal (weights, source, self->image, cancellable, error))
    return FALSE;
  self->composition->changed = esp_mask_get_fraction (weights);
  return TRUE;
}

/* What changed, as a mask of the source; none where the picture as a whole did. */
static gboolean
find_change (EspUntouched *self, EspPicture *source, EspPicture *part, EspPicture *result,
             GCancellable *cancellable, GError **error)
{
  EspComposition *composition = self->composition;
  const EspCrop box = get_box (composition, source);
  EspChange change = ESP_CHANGE_INIT;

  if (!esp_change_find (part, result, &composition->registration, &change, cancellable, error))
    return FALSE;
  composition->global = change.global;
  if (change.mask != NULL)
    self->mask = composition->region == NULL
                     ? esp_mask_ref (change.mask)
                     : place_mask (change.mask, composition->region, &box, source->width,
                                   source->height, cancellable, error);
  esp_change_clear (&change);
  return composition->global || self->mask != NULL;
}

static void
take_all (EspUntouched *self, EspPicture *result)
{
  self->image = esp_picture_ref (result);
  self->composition->changed = 1;
}

EspUntouched *
esp_untouched_make (EspPicture *source, EspPicture *result, const EspComposition *asked,
                    GCancellable *cancellable, GError **error)
{
  g_autoptr (EspUntouched) self = g_new0 (EspUntouched, 1);
  g_autoptr (EspPicture) part = NULL;
  EspComposition *composition;
  EspCrop box;

  g_return_val_if_fail (source != NULL && result != NULL && asked != NULL, NULL);

  composition = self->composition = esp_composition_copy (asked);
  composition->made = TRUE;
  composition->global = FALSE;
  composition->registration = (EspRegistration) ESP_REGISTRATION_INIT;
  g_clear_pointer (&composition->problem, g_free);
  if (composition->keep == ESP_KEEP_PAINTED) /* nobody painted on this result yet */
    composition->keep = ESP_KEEP_AUTO;
  if (takes_all (composition))
    {
      take_all (self, result);
      return g_steal_pointer (&self);
    }

  box = get_box (composition, source);
  if (composition->region == NULL && composition->crop.width > 0)
    composition->region = esp_region_new (box.x, box.y, box.width, box.height);
  part = _esp_picture_cut (source, box.x, box.y, box.width, box.height, error);
  if (part == NULL
      || !esp_registration_estimate (part, result, &composition->registration, cancellable, error)
      || (composition->keep == ESP_KEEP_AUTO
          && !find_change (self, source, part, result, cancellable, error)))
    return NULL;
  if (takes_all (composition))
    {
      take_all (self, result);
      return g_steal_pointer (&self);
    }
  if (self->mask == NULL)
    self->mask = _esp_region_to_mask (composition->region, source->width, source->height, error);
  if (self->mask == NULL || !compose_masked (self, source, result, cancellable, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
esp_untouched_free (EspUntouched *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->image, esp_picture_unref);
  g_clear_pointer (&self->mask, esp_mask_unref);
  g_clear_pointer (&self->composition, esp_composition_free);
  g_free (self);
}

/* --- Anew ------------------------------------------------------------------------------------- */

static gboolean
check_mask (EspMask *mask, EspPicture *source, GError **error)
{
  if (mask->width == source->width && mask->height == source->height)
    return TRUE;
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
               _ ("The mask is %d × %d pixels; the picture is %d × %d"), mask->width, mask->height,
               source->width, source->height);
  return FALSE;
}

EspPicture *
esp_untouched_remake (EspPicture *source, EspPicture *result, EspMask *mask,
                      const EspComposition *composition, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspMask) shape = NULL;
  g_autoptr (EspMask) weights = NULL;
  EspCrop box;

  g_return_val_if_fail (source != NULL && result != NULL && composition != NULL, NULL);

  if (takes_all (composition))
    return esp_picture_ref (result);
  if (mask != NULL)
    shape = esp_mask_ref (mask);
  else if (composition->region != NULL)
    shape = _esp_region_to_mask (composition->region, source->width, source->height, error);
  g_return_val_if_fail (shape != NULL || composition->region != NULL, NULL);
  if (shape == NULL || !check_mask (shape, source, error))
    return NULL;
  box = get_box (composition, source);
  weights = shape_mask (shape, composition, &box, cancellable, error);
  if (weights == NULL)
    return NULL;
  return compose (source, result, weights, composition, cancellable, error);
}

EspMask *
esp_untouched_dup_effective_mask (EspPicture *source, EspPicture *image, EspMask *mask,
                                  const EspComposition *composition, GCancellable *cancellable,
                                  GError **error)
{
  g_autoptr (EspMask) weights = NULL;
  EspCrop box;

  g_return_val_if_fail (composition != NULL, NULL);
  g_return_val_if_fail (source != NULL || (image == NULL && mask != NULL), NULL);

  if (mask != NULL && source != NULL && !check_mask (mask, source, error))
    return NULL;
  if (mask == NULL)
    {
      weights = esp_mask_new (source->width, source->height, error);
      if (weights != NULL)
        memset (weights->values, 255, (gsize) weights->width * (gsize) weights->height);
    }
  else
    {
      box = composition->crop.width > 0
                ? composition->crop
                : (EspCrop){ 0, 0, mask->width, mask->height, mask->width, mask->height };
      weights = shape_mask (mask, composition, &box, cancellable, error);
    }
  if (weights == NULL)
    return NULL;
  /* A result that is taken as it came may have another size: then no pixel is the source's. */
  if (image != NULL && image->width == source->width && image->height == source->height
      && !drop_equal (weights, source, image, cancellable, error))
    return NULL;
  return g_steal_pointer (&weights);
}

/* --- Tokens ----------------------------------------------------------------------------------- */

#define STILL      0.5 /* px of the result: moved by more, no token is where it was */
#define FULL_TOKEN 255

/* Is all of the token shown? The places of the source that lie within it, and one around. */
static gboolean
is_shown (const EspMask *weights, const EspCrop *box, double left, double top, double right,
          double bottom)
{
  const int x_end = (int) MIN (ceil (right) + 1, box->width);
  const int y_end = (int) MIN (ceil (bottom) + 1, box->height);

  for (int y = (int) MAX (floor (top) - 1, 0); y < y_end; y++)
    for (int x = (int) MAX (floor (left) - 1, 0); x < x_end; x++)
      if (weights->values[(gsize) (box->y + y) * (gsize) weights->width + box->x + x] != 255)
        return FALSE;
  return TRUE;
}

static gboolean
lies_still (const EspRegistration *registration, const EspCrop *box, int width, int height)
{
  const double corner_x = fabs (registration->scale - 1) * box->width / 2;
  const double corner_y = fabs (registration->scale - 1) * box->height / 2;

  return (fabs (registration->shift_x) + corner_x) * width / box->width <= STILL
         && (fabs (registration->shift_y) + corner_y) * height / box->height <= STILL;
}

guint8 *
esp_untouched_dup_tokens (EspMask *mask, const EspComposition *composition, int result_width,
                          int result_height, GError **error)
{
  const int across = result_width / TOKEN, down = result_height / TOKEN;
  g_autofree guint8 *tokens = g_try_malloc0_n (MAX (across, 1), MAX (down, 1));
  g_autoptr (EspMask) weights = NULL;
  EspCrop box;

  if (tokens == NULL)
    {
      esp_picture_refuse_room (result_width, result_height, error);
      return NULL;
    }
  if (composition == NULL || takes_all (composition) || mask == NULL)
    {
      memset (tokens, composition == NULL || takes_all (composition) ? FULL_TOKEN : 0,
              (gsize) across * (gsize) down);
      return g_steal_pointer (&tokens);
    }
  box = composition->crop.width > 0
            ? composition->crop
            : (EspCrop){ 0, 0, mask->width, mask->height, mask->width, mask->height };
  if (!lies_still (&composition->registration, &box, result_width, result_height))
    return g_steal_pointer (&tokens);
  weights = shape_mask (mask, composition, &box, NULL, error);
  if (weights == NULL)
    return NULL;
  for (int v = 0; v < down; v++)
    for (int u = 0; u < across; u++)
      {
        const double x = (double) TOKEN * box.width / result_width;
        const double y = (double) TOKEN * box.height / result_height;

        if (is_shown (weights, &box, u * x, v * y, (u + 1) * x, (v + 1) * y))
          tokens[v * across + u] = FULL_TOKEN;
      }
  return g_steal_pointer (&tokens);
}
