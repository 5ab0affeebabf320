/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-delta-e-private.h: CIEDE2000 for many pixels at once. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* `n` colours in CIE L*a*b*, D65, 2° observer: L 0…100. */
typedef struct
{
  float *l, *a, *b;
} EspLabColors;

/* `rgb`: n × R, G, B in sRGB. The matrix is that of ITU-R BT.709 in six digits, the white
 * 0.95047, 1, 1.08883, and CIE 1976's 0.008856 and 7.787, as nearly all programs have them. */
void _esp_lab_from_srgb (const guint8 *rgb, guint n, EspLabColors colors);

/* ΔE of each pair, by G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 Color-Difference Formula",
 * Color Research and Application 30 (2005), with all weights 1. Within 0.0005 of what doubles give.
 */
void _esp_delta_e (EspLabColors before, EspLabColors after, guint n, float *differences);

/* Both at once for `n` pairs of sRGB pixels. */
void _esp_delta_e_from_srgb (const guint8 *before, const guint8 *after, guint n,
                             float *differences);

G_END_DECLS
