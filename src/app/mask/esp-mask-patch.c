/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-patch.c: see esp-mask-patch.h. */
#define G_LOG_DOMAIN "espalier-mask"

#include "esp-mask-patch.h"

#include <math.h>
#include <string.h>

/* --- Areas ------------------------------------------------------------------------------------ */

gboolean
esp_mask_area_is_empty (const EspMaskArea *area)
{
  return area->left >= area->right || area->top >= area->bottom;
}

void
esp_mask_area_add (EspMaskArea *area, const EspMaskArea *other)
{
  if (esp_mask_area_is_empty (other))
    return;
  if (esp_mask_area_is_empty (area))
    {
      *area = *other;
      return;
    }
  area->left = MIN (area->left, other->left);
  area->top = MIN (area->top, other->top);
  area->right = MAX (area->right, other->right);
  area->bottom = MAX (area->bottom, other->bottom);
}

void
esp_mask_area_intersect (EspMaskArea *area, const EspMaskArea *other)
{
  area->left = MAX (area->left, other->left);
  area->top = MAX (area->top, other->top);
  area->right = MIN (area->right, other->right);
  area->bottom = MIN (area->bottom, other->bottom);
}

void
esp_mask_area_grow (EspMaskArea *area, int by)
{
  if (esp_mask_area_is_empty (area))
    return;
  area->left -= by;
  area->top -= by;
  area->right += by;
  area->bottom += by;
}

static int
divide_down (int value, int shift)
{
  return value >= 0 ? value >> shift : -((-value + (1 << shift) - 1) >> shift);
}

static int
divide_up (int value, int shift)
{
  return -divide_down (-value, shift);
}

static void
shift_area (EspMaskArea *area, int shift)
{
  if (shift >= 0)
    {
      area->left = divide_down (area->left, shift);
      area->top = divide_down (area->top, shift);
      area->right = divide_up (area->right, shift);
      area->bottom = divide_up (area->bottom, shift);
      return;
    }
  area->left *= 1 << -shift;
  area->top *= 1 << -shift;
  area->right *= 1 << -shift;
  area->bottom *= 1 << -shift;
}

void
esp_mask_area_to_level (EspMaskArea *area, int level)
{
  shift_area (area, level);
}

void
esp_mask_area_from_level (EspMaskArea *area, int level)
{
  shift_area (area, -level);
}

/* --- Patches ---------------------------------------------------------------------------------- */

EspMaskPatch *
esp_mask_patch_new (int level, const EspMaskArea *area)
{
  EspMaskPatch *self;

  g_return_val_if_fail (!esp_mask_area_is_empty (area), NULL);

  self = g_new0 (EspMaskPatch, 1);
  self->level = level;
  self->area = *area;
  self->values
      = g_malloc0 ((gsize) (area->right - area->left) * (gsize) (area->bottom - area->top));
  return self;
}

void
esp_mask_patch_free (EspMaskPatch *self)
{
  if (self == NULL)
    return;
  g_free (self->values);
  g_free (self);
}

double
esp_mask_patch_get_reach (double grow, double feather)
{
  return fabs (grow) + MAX (feather, 0) + 1;
}

/* The largest values of squares of side × side, a row of them, in `width` columns from `first` on:
 * a line of one pixel is seen at any size. */
static void
take_largest (EspMask *mask, int first, int width, int first_row, int side, guint8 *row)
{
  const int last_row = MIN (first_row + side, mask->height);
  const guint8 *values = mask->values + (gsize) first_row * (gsize) mask->width + first;

  memcpy (row, values, (gsize) width);
  for (int y = first_row + 1; y < last_row; y++)
    {
      values += mask->width;

      for (int x = 0; x < width; x++)
        row[x] = MAX (row[x], values[x]);
    }
  for (int x = 0, to = 0; x < width; x += side, to++)
    {
      const int right = MIN (x + side, width);
      guint8 largest = row[x];

      for (int i = x + 1; i < right; i++)
        largest = MAX (largest, row[i]);
      row[to] = largest;
    }
}

/* A part of the mask in a level's size (level ≥ 0); `area` may reach beyond the mask, which goes on
 * there as its edge. */
static EspMask *
take_part (EspMask *mask, int level, const EspMaskArea *area)
{
  EspMask *part = esp_mask_new (area->right - area->left, area->bottom - area->top, NULL);
  const int side = 1 << level;
  const int last_x = (mask->width - 1) / side, last_y = (mask->height - 1) / side;
  /* Only the columns that are needed. */
  const int first = CLAMP (area->left, 0, last_x);
  const int last = CLAMP (area->right - 1, 0, last_x);
  g_autofree guint8 *row = NULL;

  if (part == NULL)
    return NULL;
  row = g_malloc0 ((gsize) (last - first + 1) * (gsize) side);
  for (int y = 0, taken = -1; y < part->height; y++)
    {
      guint8 *to = part->values + (gsize) y * (gsize) part->width;
      const int level_y = CLAMP (area->top + y, 0, last_y);

      if (level_y != taken)
        take_largest (mask, first * side, MIN ((last + 1) * side, mask->width) - first * side,
                      level_y * side, side, row);
      taken = level_y;
      for (int x = 0; x < part->width; x++)
        to[x] = row[CLAMP (area->left + x, first, last) - first];
    }
  return part;
}

gboolean
esp_mask_patch_update (EspMaskPatch *self, EspMask *mask, double grow, double feather,
                       const EspMaskArea *area)
{
  /* Magnified, a pixel of the mask is grown and feathered as it is, and magnified then. */
  const int level = MAX (self->level, 0);
  const int width = self->area.right - self->area.left;
  const double scale = 1.0 / (1 << level);
  EspMaskArea inner = area != NULL ? *area : self->area;
  EspMaskArea outer;
  g_autoptr (EspMask) part = NULL;
  g_autoptr (EspMask) shaped = NULL;

  esp_mask_area_intersect (&inner, &self->area);
  if (esp_mask_area_is_empty (&inner))
    return TRUE;
  outer = inner;
  if (self->level < 0)
    esp_mask_area_from_level (&outer, self->level);
  if (grow != 0 || feather > 0)
    esp_mask_area_grow (&outer, (int) ceil (esp_mask_patch_get_reach (grow, feather) * scale) + 1);
  part = take_part (mask, level, &outer);
  if (part == NULL)
    return FALSE;
  shaped = esp_mask_shape (part, grow * scale, MAX (feather, 0) * scale, NULL, NULL);
  if (shaped == NULL)
    return FALSE;

  for (int y = inner.top; y < inner.bottom; y++)
    {
      guint8 *to = self->values + (gsize) (y - self->area.top) * (gsize) width;
      const int from_y = (self->level < 0 ? divide_down (y, -self->level) : y) - outer.top;
      const guint8 *from = shaped->values + (gsize) from_y * (gsize) shaped->width;

      for (int x = inner.left; x < inner.right; x++)
        to[x - self->area.left]
            = from[(self->level < 0 ? divide_down (x, -self->level) : x) - outer.left];
    }
  return TRUE;
}

/* --- The veil --------------------------------------------------------------------------------- */

/* A magenta that photos hardly have; lines of it are denser. All in 0…255, not premultiplied. */
static const guint8 tint[3] = { 214, 20, 160 };

#define HATCH       10                    /* px of the patch from line to line */
#define HATCH_LINE  3                     /* px of a line */
#define EDGE        128                   /* the outline is where the mask passes this value */
#define BORDER      ESP_MASK_PATCH_BORDER /* px on each side of the outline */
#define WEAK_TINT   70                    /* opacities */
#define WEAK_LINE   150
#define STRONG_TINT 120
#define STRONG_LINE 230

/* What of a part lies inside of the edge, with a border of BORDER pixels; beyond the patch it goes
 * on as its own edge. */
static guint8 *
find_inside (EspMaskPatch *self, const EspMaskArea *area)
{
  const int width = area->right - area->left, height = area->bottom - area->top;
  const int patch_width = self->area.right - self->area.left;
  const int patch_height = self->area.bottom - self->area.top;
  const int left = area->left - self->area.left - BORDER;
  const int top = area->top - self->area.top - BORDER;
  const gsize stride = (gsize) width + 2 * BORDER;
  guint8 *inside = g_malloc0 (stride * ((gsize) height + 2 * BORDER));

  for (int y = 0; y < height + 2 * BORDER; y++)
    {
      const guint8 *values
          = self->values + (gsize) CLAMP (top + y, 0, patch_height - 1) * (gsize) patch_width;
      guint8 *to = inside + (gsize) y * stride;

      for (int x = 0; x < width + 2 * BORDER; x++)
        to[x] = values[CLAMP (left + x, 0, patch_width - 1)] >= EDGE;
    }
  return inside;
}

/* Is there a pixel on the other side of the edge within BORDER? */
static gboolean
is_near_edge (const guint8 *at, gsize stride)
{
  const guint8 inside = *at;
  int other = 0;

  for (gsize i = 1; i <= BORDER; i++)
    other |= (at[i] ^ inside) | (*(at - i) ^ inside) | (at[i * stride] ^ inside)
             | (*(at - i * stride) ^ inside);
  return other != 0;
}

/* As GDK_MEMORY_DEFAULT has it: what cairo draws without converting it first. */
static guint32
get_pixel (const guint8 color[3], guint alpha)
{
  return alpha << 24 | (color[0] * alpha / 255) << 16 | (color[1] * alpha / 255) << 8
         | color[2] * alpha / 255;
}

static gboolean
is_empty (EspMaskPatch *self, const EspMaskArea *area)
{
  const int width = self->area.right - self->area.left;
  guint8 any = 0;

  for (int y = area->top; y < area->bottom; y++)
    {
      const guint8 *values = self->values + (gsize) (y - self->area.top) * (gsize) width;

      for (int x = area->left; x < area->right; x++)
        any |= values[x - self->area.left];
    }
  return any == 0;
}

GBytes *
esp_mask_patch_draw_veil (EspMaskPatch *self, const EspMaskArea *area, gboolean strong)
{
  static const guint8 white[3] = { 255, 255, 255 }, black[3] = { 0, 0, 0 };
  const EspMaskArea part = area != NULL ? *area : self->area;
  const int width = part.right - part.left, height = part.bottom - part.top;
  const int patch_width = self->area.right - self->area.left;
  const gsize n = (gsize) width * (gsize) height;
  const guint opacity = strong ? STRONG_TINT : WEAK_TINT;
  const guint line_opacity = strong ? STRONG_LINE : WEAK_LINE;
  const gsize stride = (gsize) width + 2 * BORDER;
  g_autofree guint8 *inside = NULL;
  EspMaskArea around = part;
  guint32 *pixels;

  /* The outline reaches into what is beside. */
  esp_mask_area_grow (&around, BORDER);
  esp_mask_area_intersect (&around, &self->area);
  if (is_empty (self, &around))
    return NULL;

  inside = find_inside (self, &part);
  pixels = g_new0 (guint32, n);
  for (int y = 0; y < height; y++)
    {
      const guint8 *values = self->values
                             + (gsize) (part.top + y - self->area.top) * (gsize) patch_width
                             + (part.left - self->area.left);
      const guint8 *at = inside + (gsize) (y + BORDER) * stride + BORDER;
      guint32 *to = pixels + (gsize) y * (gsize) width;

      for (int x = 0; x < width; x++)
        {
          /* By its place in the picture, so that moving about does not move the lines. */
          const unsigned diagonal = (unsigned) (part.left + x) + (unsigned) (part.top + y);
          const gboolean line = diagonal % HATCH < HATCH_LINE;

          if (is_near_edge (at + x, stride))
            to[x] = get_pixel (at[x] != 0 ? white : black, 255);
          else if (values[x] > 0)
            to[x] = get_pixel (tint, (line ? line_opacity : opacity) * values[x] / 255);
        }
    }
  return g_bytes_new_take (pixels, n * 4);
}

/* --- The picture ------------------------------------------------------------------------------ */

static void
blend (guint8 *to, const guint8 *source, const guint8 *result, guint value)
{
  for (int i = 0; i < 3; i++)
    to[i] = (guint8) ((source[i] * (255 - value) + result[i] * value + 127) / 255);
}

GBytes *
esp_mask_patch_draw_picture (EspMaskPatch *self, EspPicture *source, EspPicture *result,
                             const EspMaskArea *area)
{
  const int width = area->right - area->left, height = area->bottom - area->top;
  const int patch_width = self->area.right - self->area.left;
  const gsize length = (gsize) width * (gsize) height * 3;
  guint8 *pixels;

  g_return_val_if_fail (source->width == result->width && source->height == result->height, NULL);
  g_return_val_if_fail (area->left >= self->area.left && area->right <= self->area.right, NULL);
  g_return_val_if_fail (area->top >= self->area.top && area->bottom <= self->area.bottom, NULL);

  pixels = g_malloc (length);
  for (int y = area->top; y < area->bottom; y++)
    {
      const int from_y
          = CLAMP (self->level < 0 ? divide_down (y, -self->level) : y, 0, source->height - 1);
      const gsize row = (gsize) from_y * (gsize) source->width;
      const guint8 *values = self->values + (gsize) (y - self->area.top) * (gsize) patch_width;
      guint8 *to = pixels + (gsize) (y - area->top) * (gsize) width * 3;

      for (int x = area->left; x < area->right; x++, to += 3)
        {
          const int from_x
              = CLAMP (self->level < 0 ? divide_down (x, -self->level) : x, 0, source->width - 1);
          const gsize at = (row + (gsize) from_x) * 3;

          blend (to, source->pixels + at, result->pixels + at, values[x - self->area.left]);
        }
    }
  return g_bytes_new_take (pixels, length);
}
