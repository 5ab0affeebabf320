/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-distances.h: how much pictures of cells differ, measured on threads a few at a time, of
 * thumbnails, and kept: the mean of ΔE.
 *
 * Signal "measured" (): something is known that was not; not more often than a view wants it. */
#pragma once

#include "esp-sweep.h"

G_BEGIN_DECLS

#define ESP_TYPE_SWEEP_DISTANCES (esp_sweep_distances_get_type ())

G_DECLARE_FINAL_TYPE (EspSweepDistances, esp_sweep_distances, ESP, SWEEP_DISTANCES, GObject)

EspSweepDistances *esp_sweep_distances_new (EspDocument *document) G_GNUC_WARN_UNUSED_RESULT;

/* < 0: not known yet, and asked for; NAN: one of them has no picture, or it cannot be read. The
 * pictures are what counts, not the nodes: a cell that is made again is measured again. */
double esp_sweep_distances_get (EspSweepDistances *self, EspNode *a, EspNode *b);

/* How many are still to be measured. */
guint esp_sweep_distances_get_n_waiting (EspSweepDistances *self);
/* Forgets those that nobody has begun with. */
void esp_sweep_distances_stop (EspSweepDistances *self);

G_END_DECLS
