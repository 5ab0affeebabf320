/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sizes-private.h: how large things usually are, some far too large ones left aside. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ESP_SIZES_BINS 4096

typedef struct
{
  guint bins[ESP_SIZES_BINS];
  guint n;
  double per_unit; /* bins */
} EspSizes;

/* For sizes from 0 to `max`; larger ones count as that. The caller frees with g_free (). */
static inline EspSizes *
_esp_sizes_new (double max)
{
  EspSizes *self = g_new0 (EspSizes, 1);

  self->per_unit = ESP_SIZES_BINS / max;
  return self;
}

static inline void
_esp_sizes_add (EspSizes *self, double size)
{
  self->bins[(guint) MIN (size * self->per_unit, ESP_SIZES_BINS - 1)]++;
  self->n++;
}

/* The standard deviation of normal values around 0 whose sizes have this median; 0 of none. */
static inline double
_esp_sizes_get_spread (const EspSizes *self)
{
  guint below = 0;

  for (guint i = 0; i < ESP_SIZES_BINS && self->n > 0; i++)
    {
      const guint next = below + self->bins[i];

      if (2 * next >= self->n)
        return 1.4826 / self->per_unit * (i + (0.5 * self->n - below) / self->bins[i]);
      below = next;
    }
  return 0;
}

G_END_DECLS
