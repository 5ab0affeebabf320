/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-drift-compute.c: what changed on the way, and how far the rest has moved from the photo. */
#define G_LOG_DOMAIN "esp-compare"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-difference.h"
#include "esp-drift-private.h"
#include "esp-picture-scale.h"

/* Below this share of the photo, what is left says nothing of the whole. */
#define MIN_COMPARED 0.005

/* A histogram of ΔE: what is beyond the last is in it. */
#define N_BINS    4000
#define BIN_WIDTH 0.025

void
_esp_drift_add_mask (EspMask *changed, EspMask *mask)
{
  const gint64 width = changed->width, height = changed->height;

  for (gint64 y = 0; y < height; y++)
    {
      /* All rows and columns of the mask that a pixel of the photo lies on. */
      const gint64 top = y * mask->height / height;
      const gint64 bottom = MAX (((y + 1) * mask->height + height - 1) / height, top + 1);
      guint8 *to = changed->values + y * width;

      for (gint64 row = top; row < MIN (bottom, mask->height); row++)
        {
          const guint8 *from = mask->values + row * mask->width;

          if (mask->width == width)
            for (gint64 x = 0; x < width; x++)
              to[x] |= from[x];
          else
            for (gint64 x = 0; x < width; x++)
              {
                const gint64 left = x * mask->width / width;
                const gint64 right = ((x + 1) * mask->width + width - 1) / width;

                for (gint64 column = left; column < MIN (MAX (right, left + 1), mask->width);
                     column++)
                  to[x] |= from[column];
              }
        }
    }
}

gboolean
_esp_drift_add_composed (EspMask *changed, GBytes *mask, const EspComposition *composition,
                         GCancellable *cancellable, GError **error)
{
  g_autoptr (EspMask) stored = esp_mask_load_bytes (mask, _ ("The mask"), cancellable, error);
  g_autoptr (EspMask) effective = NULL;

  if (stored != NULL)
    effective
        = esp_untouched_dup_effective_mask (NULL, NULL, stored, composition, cancellable, error);
  if (effective == NULL)
    return FALSE;
  _esp_drift_add_mask (changed, effective);
  return TRUE;
}

gboolean
_esp_drift_add_pair (EspMask *changed, EspPicture *before, EspPicture *after, gboolean *whole,
                     GCancellable *cancellable, GError **error)
{
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_AUTO);
  g_autoptr (EspPicture) a = esp_picture_shrink (before, ESP_DRIFT_MAX_SIDE, error);
  g_autoptr (EspPicture) b
      = a != NULL ? esp_picture_shrink (after, ESP_DRIFT_MAX_SIDE, error) : NULL;
  g_autoptr (EspUntouched) made = NULL;

  if (b == NULL)
    return FALSE;
  made = esp_untouched_make (a, b, asked, cancellable, error);
  if (made == NULL)
    return FALSE;
  *whole = made->composition->global || made->mask == NULL;
  if (!*whole)
    _esp_drift_add_mask (changed, made->mask);
  return TRUE;
}

/* The share of pixels that nothing has changed. */
static double
get_rest (EspMask *changed)
{
  return 1 - esp_mask_get_fraction (changed);
}

static gboolean
is_exact (EspPicture *photo, EspPicture *now, EspMask *changed)
{
  const gsize n = (gsize) photo->width * (gsize) photo->height;

  if (photo->width != now->width || photo->height != now->height)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (changed->values[i] == 0 && memcmp (photo->pixels + 3 * i, now->pixels + 3 * i, 3) != 0)
      return FALSE;
  return TRUE;
}

/* Mean and percentile where nothing was changed; FALSE where nothing of that is in both. */
static gboolean
take_figures (EspDifference *difference, EspMask *changed, EspDrift *drift)
{
  g_autofree guint *bins = g_new0 (guint, N_BINS);
  const EspFrameSize frame = esp_difference_get_frame (difference);
  guint64 n = 0, below = 0;
  double sum = 0;
  guint bin;

  for (int y = 0; y < frame.height; y++)
    for (int x = 0; x < frame.width; x++)
      {
        const double value = esp_difference_get_value (difference, x, y);

        if (value < 0 || changed->values[(gsize) y * (gsize) frame.width + (gsize) x] > 0)
          continue;
        sum += value;
        n++;
        bins[MIN ((guint) (value / BIN_WIDTH), N_BINS - 1)]++;
      }
  if (n == 0)
    return FALSE;
  for (bin = 0; bin < N_BINS - 1 && (below += bins[bin]) < n - n / 20; bin++)
    ;
  drift->delta_e = sum / (double) n;
  drift->p95 = BIN_WIDTH * (bin + 0.5);
  return TRUE;
}

gboolean
_esp_drift_compute (EspPicture *photo, EspPicture *now, EspMask *changed, EspDrift *drift,
                    GCancellable *cancellable, GError **error)
{
  EspRegistration registration = ESP_REGISTRATION_INIT;
  g_autoptr (EspPicture) a = NULL;
  g_autoptr (EspPicture) b = NULL;
  g_autoptr (EspMask) small = NULL;
  g_autoptr (EspDifference) difference = NULL;

  drift->scale = 1;
  drift->compared = get_rest (changed);
  drift->whole = drift->compared < MIN_COMPARED;
  if (drift->whole)
    return TRUE;
  drift->exact = is_exact (photo, now, changed);
  if (drift->exact)
    return TRUE;

  a = esp_picture_shrink (photo, ESP_DRIFT_MAX_SIDE, error);
  if (a != NULL)
    b = esp_picture_scale (now, a->width, a->height, cancellable, error);
  if (b != NULL)
    small = esp_mask_new (a->width, a->height, error);
  if (small != NULL)
    difference = esp_difference_new (a, b, cancellable, error);
  if (difference == NULL || !esp_registration_estimate (a, b, &registration, cancellable, error))
    return FALSE;

  _esp_drift_add_mask (small, changed);
  drift->whole = !take_figures (difference, small, drift);
  drift->shift_x = registration.shift_x * photo->width / a->width;
  drift->shift_y = registration.shift_y * photo->height / a->height;
  drift->scale = registration.scale;
  return TRUE;
}
