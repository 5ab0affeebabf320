/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-registration.h: how a result lies on the picture it was made from.
 *
 * Models that edit by instruction give the whole picture back a little moved, scaled and tinted.
 * The result's frame is first stretched to the source's; what is told here is what is left then. A
 * pixel of the source at p (its centre at p + ½) is found in the stretched result at
 *
 *     centre + scale · (p + ½ − centre) + shift
 *
 * and its value there is gain · value + offset, each channel by itself. Functions block: use a
 * task.
 */
#pragma once

#include "esp-picture.h"

G_BEGIN_DECLS

typedef struct
{
  double shift_x, shift_y; /* px of the source, at the centre of the picture; > 0: the result's
                              content lies further right, further down */
  double scale;            /* > 1: the result's content is larger */
  double gain[3];          /* R, G, B */
  double offset[3];        /* 0…255 levels: result = gain · source + offset */
  double tint[3];  /* mean of result − source on the parts that agree, levels: what one would call
                      the colour offset */
  double agreeing; /* share of the picture on which this was found, 0…1 */
  gboolean certain; /* FALSE: too little agrees to tell; no shift, scale 1, no tint */
} EspRegistration;

/* No shift, scale 1, gain 1, offset 0, not certain. */
#define ESP_REGISTRATION_INIT                                                                      \
  {                                                                                                \
    0, 0, 1, { 1, 1, 1 }, { 0, 0, 0 }, { 0, 0, 0 }, 0, FALSE                                       \
  }

/* Looks for shifts up to 3 % of the longer side (at least 8 px) and scales within 3 %. FALSE only
 * when it was cancelled or the memory is short; where nothing agrees, `registration` says so. */
gboolean esp_registration_estimate (EspPicture *source, EspPicture *result,
                                    EspRegistration *registration, GCancellable *cancellable,
                                    GError **error);

G_END_DECLS
