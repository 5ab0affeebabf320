/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference.h: how much, and where, two pictures differ to the eye.
 *
 * The measure is CIEDE2000 (ISO/CIE 11664-6) in CIE L*a*b* for D65, from sRGB: about 1 is the
 * smallest difference that one sees on plain areas; 0 is equal. Pictures of different sizes are
 * compared in their fitted frame, where both have pixels. Functions that say so block: use a task.
 */
#pragma once

#include "esp-fitted-frame.h"

G_BEGIN_DECLS

#define ESP_DIFFERENCE_VISIBLE 2.3 /* ΔE: "just noticeable" (Mahy et al. 1994); for `changed` */

typedef struct
{
  double mean, median, p95, maximum; /* ΔE over all pixels that both have */
  double changed;                    /* share of them above ESP_DIFFERENCE_VISIBLE, 0…1 */
  gint64 n_pixels;
} EspDifferenceFigures;

typedef struct _EspDifference EspDifference;

/* Compares `b` with `a`. Blocks; about 30 ms a megapixel and core. Keeps a float a
 * pixel. Mean, maximum and share are exact, median and 95th percentile to 0.003. */
EspDifference *esp_difference_new (EspPicture *a, EspPicture *b, GCancellable *cancellable,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
EspDifference *esp_difference_ref (EspDifference *self);
void esp_difference_unref (EspDifference *self);

const EspDifferenceFigures *esp_difference_get_figures (EspDifference *self);
EspFrameSize esp_difference_get_frame (EspDifference *self);
/* ΔE at a pixel of the frame; < 0 where only one of them has a pixel. */
double esp_difference_get_value (EspDifference *self, int x, int y);

/* The heat map, as large as the frame: black (0) over violet, red and yellow to white, readable
 * without colour vision since it grows lighter all the way. White is at ΔE 50 / `gain` (gain 1…50).
 * What only one of them has is grey. Blocks. */
EspPicture *esp_difference_render (EspDifference *self, double gain, GCancellable *cancellable,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The colour of the heat map for a share 0…1 of white, 0xRRGGBB: for legends. */
guint32 esp_difference_get_heat (double share);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspDifference, esp_difference_unref)

/* The same for two nodes of a document (main thread), with their images loaded and decoded on
 * threads. `max_side` bounds the side on which it is computed (both are scaled down; 0 = full): for
 * sorting many cells 384 takes the stored thumbnails. Of two nodes with the same image nothing is
 * loaded twice. A node without an image is ESP_DOCUMENT_ERROR_ARGUMENT. */
typedef struct _EspDocument EspDocument;
typedef struct _EspNode EspNode;
void esp_difference_nodes_async (EspDocument *document, EspNode *a, EspNode *b, int max_side,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
EspDifference *esp_difference_nodes_finish (GAsyncResult *result,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
