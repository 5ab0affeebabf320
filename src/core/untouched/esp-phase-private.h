/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-phase-private.h: how far one picture has moved against another, by phase correlation
 * (C. D. Kuglin, D. C. Hines, "The Phase Correlation Image Alignment Method", 1975). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ESP_PHASE_PEAKS 4

typedef struct
{
  double x, y;     /* where the second has what the first has at 0, 0; to about a tenth */
  double strength; /* of the peak, in standard deviations of all; below about 5 is chance */
} EspPhasePeak;

/* For pictures of one size; may be used by several threads at once. */
typedef struct _EspPhase EspPhase;

EspPhase *_esp_phase_new (int width, int height) G_GNUC_WARN_UNUSED_RESULT;
void _esp_phase_free (EspPhase *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspPhase, _esp_phase_free)

/* `a` and `b`: their first values; `stride` values from row to row. Fills in up to ESP_PHASE_PEAKS
 * peaks, the strongest first, and returns how many; 0 where one of them is flat: has a standard
 * deviation below `flat`. */
guint _esp_phase_correlate (const EspPhase *self, const float *a, const float *b, int stride,
                            double flat, EspPhasePeak peaks[ESP_PHASE_PEAKS]);

G_END_DECLS
