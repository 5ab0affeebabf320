/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-difference.c: CIEDE2000 between the pixels of two pictures. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-difference.h"

struct _EspDifference
{
  gatomicrefcount references;
  EspFrameSize frame;
  EspDifferenceFigures figures;
};

EspDifference *
esp_difference_new (EspPicture *a, EspPicture *b, GCancellable *cancellable, GError **error)
{
  EspDifference *self = g_new0 (EspDifference, 1);
  const EspFrameSize sizes[] = { { a->width, a->height }, { b->width, b->height } };

  g_atomic_ref_count_init (&self->references);
  self->frame = esp_fitted_frame_get (sizes, 2);
  return self;
}

EspDifference *
esp_difference_ref (EspDifference *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
esp_difference_unref (EspDifference *self)
{
  if (g_atomic_ref_count_dec (&self->references))
    g_free (self);
}

const EspDifferenceFigures *
esp_difference_get_figures (EspDifference *self)
{
  return &self->figures;
}

EspFrameSize
esp_difference_get_frame (EspDifference *self)
{
  return self->frame;
}

double
esp_difference_get_value (EspDifference *self, int x, int y)
{
  return 0;
}
