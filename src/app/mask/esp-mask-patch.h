/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-patch.h: the part of a mask that is seen, at the size in which it is seen, and what is
 * drawn of it: a veil over what is the result's, and the picture that the mask makes.
 *
 * Plain data and functions that block, for one thread at a time. A level is a size: at level l ≥ 0
 * a pixel of the patch stands for 2^l × 2^l pixels of the mask, at level −l a pixel of the mask is
 * 2^l × 2^l pixels of the patch.
 */
#pragma once

#include "esp-mask.h"

G_BEGIN_DECLS

#define ESP_MASK_PATCH_MIN_LEVEL (-5)
#define ESP_MASK_PATCH_MAX_LEVEL 7

/* So far beside a change of the mask the veil is another, in pixels of the patch. */
#define ESP_MASK_PATCH_BORDER 2

/* Of pixels; right and bottom do not belong to it. */
typedef struct
{
  int left, top, right, bottom;
} EspMaskArea;

gboolean esp_mask_area_is_empty (const EspMaskArea *area);
void esp_mask_area_add (EspMaskArea *area, const EspMaskArea *other);
void esp_mask_area_intersect (EspMaskArea *area, const EspMaskArea *other);
/* Grown by `by` on all sides. */
void esp_mask_area_grow (EspMaskArea *area, int by);

/* Of pixels of the mask as pixels of a level (all that it touches), and back. */
void esp_mask_area_to_level (EspMaskArea *area, int level);
void esp_mask_area_from_level (EspMaskArea *area, int level);

typedef struct
{
  int level;
  EspMaskArea area; /* of the level's pixels */
  guint8 *values;   /* the mask as it is composed with; height × width of the area */
} EspMaskPatch;

EspMaskPatch *esp_mask_patch_new (int level, const EspMaskArea *area) G_GNUC_WARN_UNUSED_RESULT;
void esp_mask_patch_free (EspMaskPatch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspMaskPatch, esp_mask_patch_free)

/* Brings the part `area` (the level's pixels, NULL: all) up to date with the mask, grown by `grow`
 * and feathered by `feather` px of the mask. FALSE: there is no memory. */
gboolean esp_mask_patch_update (EspMaskPatch *self, EspMask *mask, double grow, double feather,
                                const EspMaskArea *area);

/* How far a pixel of the mask has an effect, in pixels of the mask. */
double esp_mask_patch_get_reach (double grow, double feather);

/* What is drawn over the picture, in GDK_MEMORY_DEFAULT, of the part `area` (NULL: all); a tint
 * with diagonal lines where the mask is, and an outline in black and white, so that it is seen on
 * any colour, and by those who see none. NULL: the mask is empty there. `strong`: for high
 * contrast. */
GBytes *esp_mask_patch_draw_veil (EspMaskPatch *self, const EspMaskArea *area,
                                  gboolean strong) G_GNUC_WARN_UNUSED_RESULT;

/* R, G, B of the part `area` (the level's pixels, inside of the patch): the source where the mask
 * is 0, the result where it is 255. Both are as large as the level is (level ≥ 0) or as the mask
 * (level < 0: then pixels are squares). */
GBytes *esp_mask_patch_draw_picture (EspMaskPatch *self, EspPicture *source, EspPicture *result,
                                     const EspMaskArea *area) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
