/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-animation-private.h: the three kinds of moving files behind esp-animation.h. */
#pragma once

#include "esp-animation.h"

G_BEGIN_DECLS

typedef struct
{
  gpointer (*create) (int width, int height, const EspSaveOptions *options, GError **error);
  gboolean (*add) (gpointer writer, EspPicture *frame, guint milliseconds,
                   GCancellable *cancellable, GError **error);
  GBytes *(*finish) (gpointer writer, const EspRecipe *recipe, GError **error);
  void (*destroy) (gpointer writer);
  int max_side;
} EspAnimationKind;

extern const EspAnimationKind _esp_animation_gif;
extern const EspAnimationKind _esp_animation_webp;
extern const EspAnimationKind _esp_animation_apng;

/* GByteArray counts in 32 bits and ends the program beyond that. */
gboolean _esp_animation_append (GByteArray *out, gconstpointer data, gsize size, GError **error);

G_END_DECLS
