/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-animation.c: what the kinds of animations have in common. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-animation-private.h"

#include <glib/gi18n-lib.h>

struct _EspAnimation
{
  const EspAnimationKind *kind;
  gpointer writer;
  int width;
  int height;
  guint n_frames;
};

gboolean
_esp_animation_append (GByteArray *out, gconstpointer data, gsize size, GError **error)
{
  if (size > G_MAXUINT32 / 2 - out->len)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE, "%s",
                   _ ("The animation would be too large"));
      return FALSE;
    }
  g_byte_array_append (out, data, (guint) size);
  return TRUE;
}

EspAnimation *
esp_animation_new (EspAnimationFormat format, int width, int height, const EspSaveOptions *options,
                   GError **error)
{
  static const EspAnimationKind *const kinds[] = {
    [ESP_ANIMATION_GIF] = &_esp_animation_gif,
    [ESP_ANIMATION_WEBP] = &_esp_animation_webp,
    [ESP_ANIMATION_APNG] = &_esp_animation_apng,
  };
  static const EspSaveOptions defaults = ESP_SAVE_OPTIONS_INIT;
  gpointer writer;
  EspAnimation *self;

  g_return_val_if_fail ((gsize) format < G_N_ELEMENTS (kinds), NULL);
  g_return_val_if_fail (width >= 1 && height >= 1, NULL);

  if (width > kinds[format]->max_side || height > kinds[format]->max_side)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("The animation is too large: %d × %d pixels, at most %d a side"), width,
                   height, kinds[format]->max_side);
      return NULL;
    }
  writer = kinds[format]->create (width, height, options != NULL ? options : &defaults, error);
  if (writer == NULL)
    return NULL;
  self = g_new0 (EspAnimation, 1);
  self->kind = kinds[format];
  self->writer = writer;
  self->width = width;
  self->height = height;
  return self;
}

void
esp_animation_free (EspAnimation *self)
{
  if (self == NULL)
    return;
  self->kind->destroy (self->writer);
  g_free (self);
}

gboolean
esp_animation_add (EspAnimation *self, EspPicture *frame, guint milliseconds,
                   GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (self != NULL && frame != NULL, FALSE);
  g_return_val_if_fail (frame->width == self->width && frame->height == self->height, FALSE);
  g_return_val_if_fail (milliseconds >= 10 && milliseconds <= 600000, FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, error)
      || !self->kind->add (self->writer, frame, milliseconds, cancellable, error))
    return FALSE;
  self->n_frames++;
  return TRUE;
}

GBytes *
esp_animation_finish (EspAnimation *self, const EspRecipe *recipe, GCancellable *cancellable,
                      GError **error)
{
  g_return_val_if_fail (self != NULL && self->n_frames > 0, NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  return self->kind->finish (self->writer, recipe, error);
}
