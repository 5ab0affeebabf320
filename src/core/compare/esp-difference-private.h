/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference-private.h: what a difference consists of. */
#pragma once

#include "esp-difference.h"

G_BEGIN_DECLS

struct _EspDifference
{
  gatomicrefcount references;
  EspFrameSize frame;
  EspFramePlace both; /* where both have pixels; may be empty */
  float *values;      /* ΔE, row by row of `both` */
  EspDifferenceFigures figures;
};

/* As esp_difference_new (), in a frame that the caller chose. */
EspDifference *_esp_difference_new_in (EspFrameSize frame, EspPicture *a, EspPicture *b,
                                       GCancellable *cancellable,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
