/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture.c: memory of pictures and of what is known about them. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-picture-memory.h"
#include "esp-picture-refusal.h"

#include <sys/mman.h>
#include <unistd.h>

G_DEFINE_QUARK (esp - image - error - quark, esp_image_error)

/* Frees what an info holds and makes it empty again. */
void
esp_picture_info_clear (EspPictureInfo *info)
{
  g_return_if_fail (info != NULL);

  g_free (info->profile);
  if (info->warnings != NULL)
    g_ptr_array_unref (info->warnings);
  *info = (EspPictureInfo) ESP_PICTURE_INFO_INIT;
}

/* What is behind an EspPicture. */
typedef struct
{
  EspPicture picture; /* first: it is what everybody else sees */
  gsize mapped;       /* bytes that are mapped; 0: they are malloc'ed */
} Memory;

static gboolean
is_possible (int width, int height)
{
  return width > 0 && height > 0 && width <= ESP_PICTURE_MAX_SIDE && height <= ESP_PICTURE_MAX_SIDE
         && (gint64) width * height <= ESP_PICTURE_MAX_PIXELS;
}

/* Takes the pixels over; NULL: there are none. */
static EspPicture *
wrap (guint8 *pixels, gsize mapped, int width, int height, GError **error)
{
  Memory *self;

  if (pixels == NULL)
    {
      esp_picture_refuse_room (width, height, error);
      return NULL;
    }
  self = g_atomic_rc_box_new0 (Memory);
  self->picture.pixels = pixels;
  self->picture.width = width;
  self->picture.height = height;
  self->mapped = mapped;
  return &self->picture;
}

/* A new picture of width × height pixels, zeroed (black), one reference held by the caller. Sizes
 * outside the limits of esp-picture.h and a lack of memory are ESP_IMAGE_ERROR_TOO_LARGE. */
EspPicture *
esp_picture_new (int width, int height, GError **error)
{
  guint8 *pixels = NULL;

  if (is_possible (width, height))
    pixels = g_try_malloc0_n ((gsize) width * (gsize) height, 3);
  return wrap (pixels, 0, width, height, error);
}

static EspPicture *
map (int fd, int sharing, int width, int height, GError **error)
{
  const gsize size = ESP_PICTURE_BYTES (width, height);
  void *pixels = mmap (NULL, size, PROT_READ | PROT_WRITE, sharing, fd, 0);

  return wrap (pixels != MAP_FAILED ? pixels : NULL, size, width, height, error);
}

EspPicture *
esp_picture_new_shared (int fd, int width, int height, GError **error)
{
  if (!is_possible (width, height)
      || ftruncate (fd, (off_t) ESP_PICTURE_BYTES (width, height)) != 0)
    return wrap (NULL, 0, width, height, error);
  return map (fd, MAP_SHARED, width, height, error);
}

EspPicture *
esp_picture_new_sealed (int fd, int width, int height, GError **error)
{
  if (!is_possible (width, height))
    return wrap (NULL, 0, width, height, error);
  return map (fd, MAP_PRIVATE, width, height, error);
}

gboolean
esp_picture_is_shared (const EspPicture *picture)
{
  return ((const Memory *) picture)->mapped > 0;
}

/* One more reference to the same picture; from any thread. */
EspPicture *
esp_picture_ref (EspPicture *picture)
{
  g_return_val_if_fail (picture != NULL, NULL);
  return g_atomic_rc_box_acquire (picture);
}

static void
picture_clear (gpointer data)
{
  Memory *self = data;

  if (self->mapped > 0)
    munmap (self->picture.pixels, self->mapped);
  else
    g_free (self->picture.pixels);
  self->picture.pixels = NULL;
}

/* Gives a reference back; the last one frees the pixels. */
void
esp_picture_unref (EspPicture *picture)
{
  g_return_if_fail (picture != NULL);
  g_atomic_rc_box_release_full (picture, picture_clear);
}
