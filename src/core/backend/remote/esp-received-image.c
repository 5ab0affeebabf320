/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-received-image.c: is what came back a picture?
 *
 * The size is read from the file's header before anything is decoded, so that a bomb does not go
 * off. Labels are not believed.
 */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-shipment.h"

#include <string.h>

#include <glib/gi18n-lib.h>
#include <inttypes.h>

#include "esp-picture-work.h"

/* What a lossy encoder may make of one colour. */
#define ONE_COLOR_TOLERANCE 3

void
esp_received_image_free (EspReceivedImage *self)
{
  if (self == NULL)
    return;
  g_bytes_unref (self->bytes);
  g_free (self->media_type);
  g_free (self);
}

/* --- Headers ---------------------------------------------------------------------------------- */

static guint
big16 (const guint8 *p)
{
  return (guint) (p[0] << 8 | p[1]);
}

static guint
little16 (const guint8 *p)
{
  return (guint) (p[1] << 8 | p[0]);
}

static guint
little24 (const guint8 *p)
{
  return little16 (p) | (guint) p[2] << 16;
}

static gboolean
measure_png (const guint8 *p, gsize size, guint *width, guint *height)
{
  if (size < 24 || memcmp (p + 12, "IHDR", 4) != 0)
    return FALSE;
  *width = big16 (p + 16) << 16 | big16 (p + 18);
  *height = big16 (p + 20) << 16 | big16 (p + 22);
  return TRUE;
}

static gboolean
measure_jpeg (const guint8 *p, gsize size, guint *width, guint *height)
{
  gsize at = 2;

  while (at + 9 <= size)
    {
      guint8 marker;

      if (p[at] != 0xff)
        return FALSE;
      marker = p[at + 1];
      if (marker == 0xff)
        {
          at++;
          continue;
        }
      if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
        {
          *height = big16 (p + at + 5);
          *width = big16 (p + at + 7);
          return TRUE;
        }
      if (marker == 0xd9 || marker == 0xda)
        return FALSE;
      if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8))
        at += 2;
      else
        at += 2 + (gsize) MAX (big16 (p + at + 2), 2u);
    }
  return FALSE;
}

static gboolean
measure_webp (const guint8 *p, gsize size, guint *width, guint *height)
{
  if (size < 30)
    return FALSE;
  if (memcmp (p + 12, "VP8 ", 4) == 0)
    {
      *width = little16 (p + 26) & 0x3fff;
      *height = little16 (p + 28) & 0x3fff;
    }
  else if (memcmp (p + 12, "VP8L", 4) == 0)
    {
      *width = (little16 (p + 21) & 0x3fff) + 1;
      *height = (little24 (p + 22) >> 6 & 0x3fff) + 1;
    }
  else if (memcmp (p + 12, "VP8X", 4) == 0)
    {
      *width = little24 (p + 24) + 1;
      *height = little24 (p + 27) + 1;
    }
  else
    return FALSE;
  return TRUE;
}

static gboolean
measure_gif (const guint8 *p, gsize size, guint *width, guint *height)
{
  if (size < 10)
    return FALSE;
  *width = little16 (p + 6);
  *height = little16 (p + 8);
  return TRUE;
}

static const struct
{
  const char *media_type;
  gsize at;
  const char *magic;
  gsize length;
  gboolean (*measure) (const guint8 *data, gsize size, guint *width, guint *height);
} kinds[] = {
  { "image/png", 0, "\x89PNG\r\n\x1a\n", 8, measure_png },
  { "image/jpeg", 0, "\xff\xd8\xff", 3, measure_jpeg },
  { "image/webp", 8, "WEBP", 4, measure_webp },
  { "image/gif", 0, "GIF8", 4, measure_gif },
  { "image/avif", 4, "ftypavif", 8, NULL }, /* the loader bounds it */
};

/* --- Looking ---------------------------------------------------------------------------------- */

static gboolean
check_pixels (guint64 width, guint64 height, GError **error)
{
  if (width > 0 && height > 0 && width * height <= ESP_RECEIVED_MAX_PIXELS)
    return TRUE;
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
               _ ("The image that came back would have %" PRIu64 " × %" PRIu64
                  " pixels, which is more than is accepted"),
               width, height);
  return FALSE;
}

static gboolean
has_one_color (EspPicture *picture)
{
  gsize n = (gsize) picture->width * (gsize) picture->height;
  const guint8 *p = picture->pixels;
  int low[3] = { p[0], p[1], p[2] };
  int high[3] = { p[0], p[1], p[2] };

  for (gsize i = 0; i < n; i++, p += 3)
    for (int c = 0; c < 3; c++)
      {
        low[c] = MIN (low[c], p[c]);
        high[c] = MAX (high[c], p[c]);
        if (high[c] - low[c] > ONE_COLOR_TOLERANCE)
          return FALSE;
      }
  return TRUE;
}

static EspReceivedImage *
check (GBytes *bytes, GCancellable *cancellable, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autoptr (EspPicture) picture = NULL;
  EspReceivedImage *image;
  guint width, height, kind;

  if (size > ESP_RECEIVED_MAX_BYTES)
    {
      g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE,
                   _ ("The image that came back is larger than %u MB, which is more than is "
                      "accepted"),
                   ESP_RECEIVED_MAX_BYTES >> 20);
      return NULL;
    }

  for (kind = 0; kind < G_N_ELEMENTS (kinds); kind++)
    if (size >= kinds[kind].at + kinds[kind].length
        && memcmp (data + kinds[kind].at, kinds[kind].magic, kinds[kind].length) == 0)
      break;
  if (kind == G_N_ELEMENTS (kinds))
    {
      g_set_error_literal (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED,
                           _ ("What came back is not an image"));
      return NULL;
    }
  if (kinds[kind].measure != NULL)
    {
      if (!kinds[kind].measure (data, size, &width, &height))
        {
          g_set_error_literal (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_DAMAGED,
                               _ ("The image that came back is damaged"));
          return NULL;
        }
      if (!check_pixels (width, height, error))
        return NULL;
    }

  picture
      = esp_picture_load_bytes (bytes, _ ("the image that came back"), NULL, cancellable, error);
  if (picture == NULL || !check_pixels ((guint64) picture->width, (guint64) picture->height, error))
    return NULL;

  image = g_new0 (EspReceivedImage, 1);
  image->bytes = g_bytes_ref (bytes);
  image->media_type = g_strdup (kinds[kind].media_type);
  image->width = picture->width;
  image->height = picture->height;
  image->one_color = has_one_color (picture);
  return image;
}

static void
check_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  EspReceivedImage *image = check (data, cancellable, &error);

  if (image != NULL)
    g_task_return_pointer (task, image, (GDestroyNotify) esp_received_image_free);
  else
    g_task_return_error (task, error);
}

void
esp_received_image_check_async (GBytes *bytes, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_return_if_fail (bytes != NULL);

  g_task_set_source_tag (task, esp_received_image_check_async);
  g_task_set_task_data (task, g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref);
  esp_picture_work_run (task, check_thread);
}

EspReceivedImage *
esp_received_image_check_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
