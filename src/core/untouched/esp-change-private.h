/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-change-private.h: the steps of esp-change.c. All block, on all cores; FALSE only when they
 * were cancelled or the memory is short. */
#pragma once

#include "esp-change.h"
#include "esp-plane-private.h"

G_BEGIN_DECLS

/* A rectangle of a plane, end exclusive. */
typedef struct
{
  int left, top, right, bottom;
} EspSpan;

/* How the result's colours come from the source's, one channel: gain and offset, and what it adds
 * of the source's fine detail (< 0: it is softer) and of its gradient (a rest of a shift). */
#define ESP_N_TERMS 6
typedef struct
{
  double terms[ESP_N_TERMS]; /* gain, offset, fine, finer, ∂x, ∂y */
  double spread;             /* of what is left, levels */
} EspColourFit;

/* What is compared: result and source in the source's frame, in luma and two opponent colours. */
typedef struct
{
  EspPlane *error[3];      /* result − source in the source's colours, levels: Y, Cb, Cr */
  EspPlane *activity[2];   /* of luma and of the colours: where a resampled or compressed picture is
                              another, and by how much */
  EspSpan covered;         /* the part that the result shows */
  EspColourFit fits[3];    /* R, G, B */
  double tints[3];         /* R, G, B: result − source in the mean of the source, by the fits */
  EspPlane *structures[2]; /* what stands out of its surroundings of some places in luma: the
                             source's, the result's */
  double recoloured;       /* share of the errors of colour that are a linear map of the source's
                              colours, 0…1: another saturation, swapped channels */
} EspResidual;

gboolean _esp_residual_init (EspResidual *self, EspPicture *source, EspPicture *result,
                             const EspRegistration *registration, int width, int height,
                             GCancellable *cancellable, GError **error);
void _esp_residual_clear (EspResidual *self);

/* Robust fits over samples of planes within `covered`: result ~ terms (source, …), beginning with
 * what `fit` has. `detail` are the planes of the terms from the third on. */
void _esp_colour_fit (EspColourFit *fit, const EspPlane *source, const EspPlane *result,
                      EspPlane *const detail[ESP_N_TERMS - 2], const EspSpan *covered);

/* What is usual at a scale: errors' spread as a function of activity, from calm samples. */
#define ESP_SPREAD_BINS 12
typedef struct
{
  int n;
  double activity[ESP_SPREAD_BINS], spread[ESP_SPREAD_BINS];
} EspSpread;

typedef struct
{
  float activity, error; /* error: ≥ 0 */
} EspSpreadSample;

/* The k-th smallest of n values, which are put into another order. */
double _esp_select_float (float *values, int n, int k);

/* `samples` are sorted by it. `tails`: none of them is of a changed part; else up to two thirds may
 * be. */
void _esp_spread_fit (EspSpread *self, EspSpreadSample *samples, int n, gboolean tails,
                      double least);
double _esp_spread_at (const EspSpread *self, double activity);

/* Is the picture as a whole another, by what all of it has become or by where `found` is? */
gboolean _esp_change_is_global (const EspResidual *residual, const EspMask *found, gboolean *global,
                                GCancellable *cancellable, GError **error);

/* Marks in `mask` (255) the connected places of `strength` above `low` that have one above `high`
 * (or, where they touch what `known` marks, above `next`) and are no crumb: area · (peak / high)²
 * above `crumb`. `known` may be NULL or `mask` itself. */
gboolean _esp_regions_grow (const EspPlane *strength, double high, double next, double low,
                            double crumb, const EspMask *known, EspMask *mask, GError **error);
/* Fills holes of less than `largest` places. */
gboolean _esp_regions_fill (EspMask *mask, gsize largest, GError **error);

G_END_DECLS
