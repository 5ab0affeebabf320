/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-change.h: what of a picture an edit meant to change. */
#pragma once

#include "esp-mask.h"
#include "esp-registration.h"

G_BEGIN_DECLS

typedef struct
{
  EspMask *mask;   /* 255 where it changed, else 0, as large as the source; NULL where `global` */
  gboolean global; /* the picture as a whole is another: no part of it is untouched */
  double changed;  /* share of the picture, 0…1; 1 where `global` */
} EspChange;

#define ESP_CHANGE_INIT                                                                            \
  {                                                                                                \
    NULL, FALSE, 0                                                                                 \
  }

/* Compares `result`, seen through `registration`, with `source`. What models do to all of a
 * picture (a little tint, noise, compression, softness) is measured on the picture itself and is no
 * change; what stands out of it is. Works at up to 1.6 MP. Blocks, on all cores; FALSE only when it
 * was cancelled or the memory is short. */
gboolean esp_change_find (EspPicture *source, EspPicture *result,
                          const EspRegistration *registration, EspChange *change,
                          GCancellable *cancellable, GError **error);
void esp_change_clear (EspChange *change);

G_END_DECLS
