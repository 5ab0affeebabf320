/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-motion-private.h: the steps of a registration, on planes of one size. */
#pragma once

#include "esp-plane-private.h"

G_BEGIN_DECLS

/* What lies at p in the first plane lies at p + (x, y) + k · (p − centre) in the second. */
typedef struct
{
  double x, y;
  double k;
} EspMotion;

/* How far two motions are apart where they are farthest, in a plane of that size. */
double _esp_motion_distance (const EspMotion *a, const EspMotion *b, int width, int height);

EspPlaneMap _esp_motion_map (const EspMotion *motion, int width, int height);

/* ---- found without knowing anything: esp-motion-blocks.c */

#define ESP_MOTION_GUESSES 6

/* Motions that explain how parts of `b` have moved against those of `a` (lumas), the most probable
 * ones, and none at all. `limit`: the largest shift, values. */
gboolean _esp_motion_guess (const EspPlane *a, const EspPlane *b, double limit,
                            EspMotion guesses[ESP_MOTION_GUESSES], guint *n,
                            GCancellable *cancellable, GError **error);

/* ---- where two planes agree: esp-motion-tiles.c */

typedef enum
{
  ESP_TILE_DIFFERS,
  ESP_TILE_FLAT, /* nothing to be seen in either */
  ESP_TILE_AGREES,
} EspTile;

typedef struct
{
  int side; /* of a tile, values; the last ones of a row or column are larger */
  int across, down;
  guint8 *agrees;   /* down × across: an EspTile each */
  guint n_textured; /* tiles that have anything to be seen */
  guint n_agreeing; /* of those */
  guint n_surely;   /* of those: hardly by chance */
  double score;     /* how well all of them agree: 0…n_textured */
} EspTiles;

void _esp_tiles_clear (EspTiles *tiles);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EspTiles, _esp_tiles_clear)

/* `a` and `moved`: bands (_esp_plane_band ()) with `moved` brought onto `a` by `motion`. */
gboolean _esp_tiles_compare (const EspPlane *a, const EspPlane *moved, const EspMotion *motion,
                             EspTiles *tiles, GCancellable *cancellable, GError **error);

/* ---- to hundredths: esp-motion-refine.c */

/* A luma without what is finer than σ `fine` and coarser than eight times that. A new plane. */
EspPlane *_esp_plane_band (const EspPlane *luma, double fine, GCancellable *cancellable,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Improves a motion that is at most about two σ of the bands off, by least squares that leave out
 * what differs (Gauss–Newton with Tukey's weights). Only tiles that agree and are not flat count,
 * if `tiles` are given. `moved` receives `b` brought onto `a`. */
gboolean _esp_motion_refine (const EspPlane *a, const EspPlane *b, const EspTiles *tiles,
                             int n_steps, EspMotion *motion, EspPlane *moved,
                             GCancellable *cancellable, GError **error);

/* ---- colours: esp-motion-colour.c */

/* Gain, offset and tint of `registration`, from what lies in agreeing tiles, and how much of the
 * picture agrees. `moved`: the result on the source. All planes are smoothed by this. `tile_scale`:
 * values of the planes that the tiles are of to one of these. */
gboolean _esp_motion_fit_colours (EspPlane *const source[3], EspPlane *const moved[3],
                                  const EspMotion *motion, const EspTiles *tiles, double tile_scale,
                                  EspRegistration *registration, GCancellable *cancellable,
                                  GError **error);

/* The part of a width × height plane (left, top, right, bottom; the last two outside) that `motion`
 * finds in the second one, `margin` values away from all edges. FALSE where there is none. */
gboolean _esp_motion_common (const EspMotion *motion, int width, int height, double margin,
                             int common[4]);

G_END_DECLS
