/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Animations: every frame comes back, in its place and for its time, read by other code than ours.
 */
#include "esp-animation.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <string.h>
#include <webp/demux.h>

#define WIDTH    61
#define HEIGHT   47
#define N_FRAMES 3

/* A frame full of gradients, another one for each `seed`. */
static EspPicture *
make_frame (int seed)
{
  EspPicture *frame = esp_picture_new (WIDTH, HEIGHT, NULL);
  guint8 *p = frame->pixels;

  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++, p += 3)
      {
        p[0] = (guint8) (x * 4);
        p[1] = (guint8) (y * 5);
        p[2] = (guint8) (seed * 80);
      }
  return frame;
}

static GBytes *
make (EspAnimationFormat format, gboolean lossless, const EspRecipe *recipe)
{
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspAnimation) animation = NULL;
  GBytes *bytes;

  options.lossless = lossless;
  animation = esp_animation_new (format, WIDTH, HEIGHT, &options, &error);
  g_assert_no_error (error);
  for (int i = 0; i < N_FRAMES; i++)
    {
      g_autoptr (EspPicture) frame = make_frame (i);

      esp_animation_add (animation, frame, 500 * (guint) (i + 1), NULL, &error);
      g_assert_no_error (error);
    }
  bytes = esp_animation_finish (animation, recipe, NULL, &error);
  g_assert_no_error (error);
  return bytes;
}

/* The mean distance of the channels. */
static double
distance (const guint8 *pixels, int stride, int channels, int seed)
{
  g_autoptr (EspPicture) frame = make_frame (seed);
  double sum = 0;

  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      for (int c = 0; c < 3; c++)
        sum += ABS (pixels[y * stride + x * channels + c] - frame->pixels[(y * WIDTH + x) * 3 + c]);
  return sum / (WIDTH * HEIGHT * 3);
}

/* gdk-pixbuf speaks of times in no other way. */
G_GNUC_BEGIN_IGNORE_DEPRECATIONS
static void
test_gif (void)
{
  const EspRecipe recipe = { .json = "{\"prompt\":\"x\"}", .prompt = "x" };

  for (int with_recipe = 0; with_recipe < 2; with_recipe++)
    {
      g_autoptr (GBytes) bytes = make (ESP_ANIMATION_GIF, FALSE, with_recipe ? &recipe : NULL);
      g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_bytes (bytes);
      g_autoptr (GError) error = NULL;
      g_autoptr (GdkPixbufAnimation) animation
          = gdk_pixbuf_animation_new_from_stream (stream, NULL, &error);
      g_autoptr (GdkPixbufAnimationIter) frames = NULL;
      g_autoptr (EspPicture) first = NULL;
      EspPictureInfo info = ESP_PICTURE_INFO_INIT;
      GTimeVal now = { 1000, 0 };

      g_assert_no_error (error);
      g_assert_false (gdk_pixbuf_animation_is_static_image (animation));
      frames = gdk_pixbuf_animation_get_iter (animation, &now);
      for (int i = 0; i < N_FRAMES; i++)
        {
          GdkPixbuf *shown = gdk_pixbuf_animation_iter_get_pixbuf (frames);

          g_assert_cmpint (gdk_pixbuf_animation_iter_get_delay_time (frames), ==, 500 * (i + 1));
          g_assert_cmpfloat (distance (gdk_pixbuf_read_pixels (shown),
                                       gdk_pixbuf_get_rowstride (shown),
                                       gdk_pixbuf_get_n_channels (shown), i),
                             <, 12);
          now.tv_usec += 500000 * (i + 1);
          now.tv_sec += now.tv_usec / 1000000;
          now.tv_usec %= 1000000;
          gdk_pixbuf_animation_iter_advance (frames, &now);
        }

      first = esp_picture_load_bytes (bytes, "frames", &info, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (info.animated);
      g_assert_false (info.has_alpha);
      g_assert_cmpfloat (distance (first->pixels, WIDTH * 3, 3, 0), <, 12);
      esp_picture_info_clear (&info);
    }
}

G_GNUC_END_IGNORE_DEPRECATIONS

/* Large and noisy: the code table fills up and is cleared many times, at every size of code. */
static void
test_gif_noise (void)
{
  for (int width = 1; width < 700; width += 97)
    {
      g_autoptr (EspAnimation) animation
          = esp_animation_new (ESP_ANIMATION_GIF, width, 301, NULL, NULL);
      g_autoptr (EspPicture) frame = esp_picture_new (width, 301, NULL);
      g_autoptr (EspPicture) back = NULL;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;

      /* Eight colours, so that nothing is lost and the file must be exact. */
      for (int i = 0; i < width * 301; i++)
        for (int c = 0; c < 3; c++)
          frame->pixels[i * 3 + c] = g_test_rand_int () & 4 ? 255 : 0;
      g_assert_true (esp_animation_add (animation, frame, 100, NULL, NULL));
      bytes = esp_animation_finish (animation, NULL, NULL, &error);
      g_assert_no_error (error);
      back = esp_picture_load_bytes (bytes, "noise", NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpmem (back->pixels, (gsize) (width * 301 * 3), frame->pixels,
                       (gsize) (width * 301 * 3));
    }
}

static void
test_webp (void)
{
  for (int lossless = 0; lossless < 2; lossless++)
    {
      const EspRecipe recipe = { .json = "{\"prompt\":\"x\"}", .prompt = "x" };
      g_autoptr (GBytes) bytes = make (ESP_ANIMATION_WEBP, lossless, &recipe);
      WebPData data = { NULL, 0 };
      WebPAnimDecoder *decoder;
      g_autofree char *json = NULL;
      guint8 *canvas;
      int time, expected = 0;

      data.bytes = g_bytes_get_data (bytes, &data.size);
      decoder = WebPAnimDecoderNew (&data, NULL);
      g_assert_nonnull (decoder);
      for (int i = 0; i < N_FRAMES; i++)
        {
          g_assert_true (WebPAnimDecoderGetNext (decoder, &canvas, &time));
          expected += 500 * (i + 1); /* the time at which the frame ends */
          g_assert_cmpint (time, ==, expected);
          g_assert_cmpfloat (distance (canvas, WIDTH * 4, 4, i), <=, lossless ? 0 : 6);
        }
      g_assert_false (WebPAnimDecoderHasMoreFrames (decoder));
      WebPAnimDecoderDelete (decoder);
      g_assert_true (esp_recipe_read_bytes (bytes, "frames", &json, NULL));
      g_assert_cmpstr (json, ==, recipe.json);
    }
}

static guint32
be_32 (const guint8 *p)
{
  return (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3];
}

/* A still PNG around the pixel data of one frame of the animation. */
static GBytes *
extract (const guint8 *data, gsize size, guint wanted, guint *n_frames, guint *numerator)
{
  GByteArray *out = g_byte_array_new ();
  guint32 sequence = 0;

  *n_frames = 0;
  g_byte_array_append (out, data, 8);
  for (gsize at = 8; at < size;)
    {
      const gsize length = be_32 (data + at);
      const guint8 *type = data + at + 4, *body = data + at + 8;

      g_assert_cmpuint (length, <=, size - at - 12);
      if (memcmp (type, "fcTL", 4) == 0)
        {
          g_assert_cmpuint (be_32 (body), ==, sequence++);
          g_assert_cmpuint (be_32 (body + 4), ==, WIDTH);
          g_assert_cmpuint (be_32 (body + 8), ==, HEIGHT);
          if ((*n_frames)++ == wanted)
            *numerator = (guint) (body[20] << 8 | body[21]);
        }
      else if (memcmp (type, "acTL", 4) == 0)
        g_assert_cmpuint (be_32 (body), ==, N_FRAMES);
      else if (memcmp (type, "IHDR", 4) == 0 || memcmp (type, "IEND", 4) == 0
               || (memcmp (type, "IDAT", 4) == 0 && wanted == 0))
        g_byte_array_append (out, data + at, (guint) length + 12);
      else if (memcmp (type, "fdAT", 4) == 0)
        {
          g_assert_cmpuint (be_32 (body), ==, sequence++);
          if (*n_frames - 1 == wanted)
            {
              const guint n = (guint) length - 4;
              const guint8 head[8] = { (guint8) (n >> 24),
                                       (guint8) (n >> 16),
                                       (guint8) (n >> 8),
                                       (guint8) n,
                                       'I',
                                       'D',
                                       'A',
                                       'T' };
              g_autoptr (GByteArray) crc = g_byte_array_new ();
              guint32 sum = 0xffffffff;

              g_byte_array_append (crc, head + 4, 4);
              g_byte_array_append (crc, body + 4, n);
              for (guint i = 0; i < crc->len; i++)
                {
                  sum ^= crc->data[i];
                  for (int bit = 0; bit < 8; bit++)
                    sum = sum & 1 ? sum >> 1 ^ 0xedb88320 : sum >> 1;
                }
              sum = GUINT32_TO_BE (~sum);
              g_byte_array_append (out, head, 8);
              g_byte_array_append (out, body + 4, n);
              g_byte_array_append (out, (const guint8 *) &sum, 4);
            }
        }
      at += length + 12;
    }
  return g_byte_array_free_to_bytes (out);
}

static void
test_apng (void)
{
  const EspRecipe recipe = { .json = "{\"prompt\":\"x\"}", .prompt = "x" };
  g_autoptr (GBytes) bytes = make (ESP_ANIMATION_APNG, FALSE, &recipe);
  g_autoptr (EspPicture) still = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *json = NULL;
  const guint8 *data;
  gsize size;

  g_assert_true (esp_recipe_read_bytes (bytes, "frames", &json, NULL));
  g_assert_cmpstr (json, ==, recipe.json);
  /* A reader that does not know animations (libpng checks every sum) shows the first frame. */
  still = esp_picture_load_bytes (bytes, "frames", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (distance (still->pixels, WIDTH * 3, 3, 0), ==, 0);

  data = g_bytes_get_data (bytes, &size);
  for (guint i = 0; i < N_FRAMES; i++)
    {
      guint n_frames, milliseconds = 0;
      g_autoptr (GBytes) frame = extract (data, size, i, &n_frames, &milliseconds);
      g_autoptr (EspPicture) back = esp_picture_load_bytes (frame, "frame", NULL, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (n_frames, ==, N_FRAMES);
      g_assert_cmpuint (milliseconds, ==, 500 * (i + 1));
      g_assert_cmpfloat (distance (back->pixels, WIDTH * 3, 3, (int) i), ==, 0);
    }
}

static void
test_refused (void)
{
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();

  g_cancellable_cancel (cancelled);
  for (int format = ESP_ANIMATION_GIF; format <= ESP_ANIMATION_APNG; format++)
    {
      g_autoptr (EspAnimation) animation
          = esp_animation_new ((EspAnimationFormat) format, WIDTH, HEIGHT, NULL, NULL);
      g_autoptr (EspPicture) frame = make_frame (0);
      g_autoptr (GError) error = NULL;

      g_assert_false (esp_animation_add (animation, frame, 100, cancelled, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);
      g_assert_null (esp_animation_new ((EspAnimationFormat) format, 70000, HEIGHT, NULL, &error));
      g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_TOO_LARGE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/animation/gif", test_gif);
  g_test_add_func ("/animation/gif-noise", test_gif_noise);
  g_test_add_func ("/animation/webp", test_webp);
  g_test_add_func ("/animation/apng", test_apng);
  g_test_add_func ("/animation/refused", test_refused);

  return g_test_run ();
}
