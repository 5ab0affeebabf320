/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-drift.h: how far a picture has drifted from the photo it began with, where nobody meant to
 * change anything.
 *
 * Each turn encodes the whole picture anew; what the instruction did not mean shifts a little all
 * the same. The measure is taken outside of everything that the turns on the way changed: what
 * their masks say, or, of turns that kept none, what differs between the picture before and after.
 * Main thread; the work is done on threads. */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

typedef struct
{
  guint generation;        /* turns since the photo */
  double delta_e;          /* mean CIEDE2000 over what is compared (esp-difference.h) */
  double p95;              /* its 95th percentile */
  double shift_x, shift_y; /* px of the photo; the content lies further right, further down */
  double scale;            /* > 1: the content is larger */
  double compared;         /* share of the photo outside of all that was changed, 0…1 */
  gboolean exact;          /* each compared pixel is the photo's */
  gboolean whole; /* a turn changed the picture as a whole: there is nothing to compare, and
                     only the generation is known */
} EspDrift;

/* The picture that a node's drift is measured against: the nearest one above (or itself) that no
 * turn made; NULL where that, or the node, has no picture. */
EspNode *esp_drift_get_origin (EspNode *node);

/* Measures a node against its origin. What was measured is known as long as the document is open
 * and costs nothing again. A node without a picture, or without an origin, is
 * ESP_DOCUMENT_ERROR_ARGUMENT. */
void esp_drift_measure_async (EspDocument *document, EspNode *node, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_drift_measure_finish (GAsyncResult *result, EspDrift *drift, GError **error);

/* What is known already. */
gboolean esp_drift_look_up (EspDocument *document, EspNode *node, EspDrift *drift);

/* For people: "None: every pixel outside of the changes is the photo’s", "ΔE 0.8, moved by 1.2
 * px". Translated. */
char *esp_drift_dup_text (const EspDrift *drift) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
