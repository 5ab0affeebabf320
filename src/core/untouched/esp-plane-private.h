/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-plane-private.h: planes of floats, on which results are registered and compared.
 *
 * Values are levels, 0…255, or whatever was made of them. Functions use all cores and give the same
 * values on any number of them. They fail only when cancelled (G_IO_ERROR_CANCELLED) or without
 * memory (ESP_IMAGE_ERROR_TOO_LARGE). Beyond its edges a plane goes on as its mirror image
 * (… 1 0 0 1 2 …) where it is filtered, and as its outermost value where it is resampled.
 *
 * Places: the centre of value (i, j) is at (i + ½, j + ½). */
#pragma once

#include "esp-picture.h"
#include "esp-registration.h"

G_BEGIN_DECLS

typedef struct
{
  float *values; /* height × width; rows from the top, no padding */
  int width, height;
} EspPlane;

EspPlane *_esp_plane_new (int width, int height,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT; /* values are undefined */
void _esp_plane_free (EspPlane *plane);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspPlane, _esp_plane_free)

/* ---- from and to other sizes */

/* Where the values of a plane are found in another one: (i + ½) at x + step_x · (i + ½) there. */
typedef struct
{
  double x, y;
  double step_x, step_y;
} EspPlaneMap;

/* The frame of one stretched to that of the other. */
EspPlaneMap _esp_plane_map_stretch (int from_width, int from_height, int to_width, int to_height);

/* For a plane of the whole source, width × height, however large the source is: where its values
 * are in a plane of the whole result, result_width × result_height. `source_width`,
 * `source_height`: the picture whose px the registration is in. */
EspPlaneMap _esp_plane_map_registered (const EspRegistration *registration, int source_width,
                                       int source_height, int width, int height, int result_width,
                                       int result_height);

/* One direction of resampling: output k is the sum of `n_taps` weights × inputs from first[k] on.
 * Lanczos with three lobes, widened by `step` where that is above 1; weights sum up to 1. */
typedef struct
{
  int n_out, n_taps;
  int *first;     /* n_out */
  float *weights; /* n_out × n_taps */
} EspTaps;

EspTaps *_esp_taps_new (int n_out, int n_in, double origin, double step) G_GNUC_WARN_UNUSED_RESULT;
void _esp_taps_free (EspTaps *taps);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspTaps, _esp_taps_free)

/* `out` is filled with `plane` seen through `map`. */
gboolean _esp_plane_resample (const EspPlane *plane, const EspPlaneMap *map, EspPlane *out,
                              GCancellable *cancellable, GError **error);

/* The same for steps near 1 and planes that were smoothed (σ 1 or more): what fine structure there
 * is becomes weaker, but everything is exactly where it belongs. */
gboolean _esp_plane_move (const EspPlane *plane, const EspPlaneMap *map, EspPlane *out,
                          GCancellable *cancellable, GError **error);

/* R, G and B of the whole picture, stretched to width × height (any size; new planes). Much larger
 * pictures are averaged in squares first: no plane is larger than twice the wanted sides. */
gboolean _esp_planes_load (EspPicture *picture, int width, int height, EspPlane *planes[3],
                           GCancellable *cancellable, GError **error);
void _esp_planes_clear (EspPlane *planes[3]);

/* Half as wide and high (rounded up): the mean of four. A new plane. */
EspPlane *_esp_plane_halve (const EspPlane *plane, GCancellable *cancellable,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ---- filters: planes of one size; `out` may be `plane` unless it is said otherwise */

/* Gaussian of `sigma` values (0: a copy). Above σ 6 through a plane of half the size, within 1 % of
 * the exact one's spread. */
gboolean _esp_plane_gaussian (const EspPlane *plane, double sigma, EspPlane *out,
                              GCancellable *cancellable, GError **error);

/* Central differences, levels a value. `dx` and `dy` are neither `plane` nor each other. */
gboolean _esp_plane_gradient (const EspPlane *plane, EspPlane *dx, EspPlane *dy,
                              GCancellable *cancellable, GError **error);

/* out = Σ factors[k] · planes[k]; `out` may be one of them. */
gboolean _esp_plane_sum (EspPlane *const *planes, const float *factors, guint n, EspPlane *out,
                         GCancellable *cancellable, GError **error);

/* Luma of ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B. */
gboolean _esp_plane_luma (EspPlane *const rgb[3], EspPlane *out, GCancellable *cancellable,
                          GError **error);

G_END_DECLS
