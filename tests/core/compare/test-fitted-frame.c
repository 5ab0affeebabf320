/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The common frame of pictures: the largest decides, everything is whole, in the middle and in
 * shape. */
#include "esp-fitted-frame.h"

#include <math.h>
#include <string.h>

#define assert_place(place, px, py, w, h)                                                          \
  G_STMT_START                                                                                     \
  {                                                                                                \
    const EspFramePlace place_ = (place);                                                          \
    g_assert_cmpint (place_.x, ==, px);                                                            \
    g_assert_cmpint (place_.y, ==, py);                                                            \
    g_assert_cmpint (place_.width, ==, w);                                                         \
    g_assert_cmpint (place_.height, ==, h);                                                        \
  }                                                                                                \
  G_STMT_END

static void
test_frame (void)
{
  const EspFrameSize sizes[] = { { 512, 512 }, { 1024, 768 }, { 768, 1024 }, { 20000, 1 } };
  EspFrameSize frame = esp_fitted_frame_get (sizes, 4);

  g_assert_cmpint (frame.width, ==, 1024);
  g_assert_cmpint (frame.height, ==, 768);
  frame = esp_fitted_frame_get (sizes + 2, 1);
  g_assert_cmpint (frame.width, ==, 768);
  g_assert_true (esp_fitted_frame_is_exact (frame, sizes + 2, 1));
  g_assert_false (esp_fitted_frame_is_exact (frame, sizes + 1, 2));
  /* 30,000 × 30,000 is more than an int holds. */
  frame = esp_fitted_frame_get ((const EspFrameSize[]){ { 100, 100 }, { 30000, 30000 } }, 2);
  g_assert_cmpint (frame.width, ==, 30000);
}

static void
test_place (void)
{
  const EspFrameSize frame = { 1024, 768 };

  assert_place (esp_fitted_frame_place (frame, frame), 0, 0, 1024, 768);
  assert_place (esp_fitted_frame_place (frame, (EspFrameSize){ 512, 512 }), 128, 0, 768, 768);
  assert_place (esp_fitted_frame_place (frame, (EspFrameSize){ 512, 384 }), 0, 0, 1024, 768);
  assert_place (esp_fitted_frame_place (frame, (EspFrameSize){ 2048, 768 }), 0, 192, 1024, 384);
  assert_place (esp_fitted_frame_place (frame, (EspFrameSize){ 20000, 1 }), 0, 383, 1024, 1);
  assert_place (esp_fitted_frame_place (frame, (EspFrameSize){ 1, 30000 }), 511, 0, 1, 768);
}

/* Whatever the sizes: inside, one side full, in the middle, in shape to half a pixel. */
static void
test_any (void)
{
  for (int i = 0; i < 20000; i++)
    {
      const EspFrameSize frame
          = { g_test_rand_int_range (1, 9000), g_test_rand_int_range (1, 9000) };
      const EspFrameSize size
          = { g_test_rand_int_range (1, 9000), g_test_rand_int_range (1, 9000) };
      const EspFramePlace place = esp_fitted_frame_place (frame, size);
      const double scale
          = MIN ((double) frame.width / size.width, (double) frame.height / size.height);

      g_assert_cmpint (place.x, >=, 0);
      g_assert_cmpint (place.y, >=, 0);
      g_assert_cmpint (place.x, ==, (frame.width - place.width) / 2);
      g_assert_cmpint (place.y, ==, (frame.height - place.height) / 2);
      g_assert_true (place.width == frame.width || place.height == frame.height);
      g_assert_cmpfloat (fabs (place.width - MAX (size.width * scale, 1)), <=, 0.5001);
      g_assert_cmpfloat (fabs (place.height - MAX (size.height * scale, 1)), <=, 0.5001);
    }
}

static void
test_scale (void)
{
  g_autoptr (EspPicture) picture = esp_picture_new (40, 40, NULL);
  g_autoptr (EspPicture) same = NULL;
  g_autoptr (EspPicture) wide = NULL;
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  memset (picture->pixels, 77, 40 * 40 * 3);
  same = esp_fitted_frame_scale ((EspFrameSize){ 40, 40 }, picture, NULL, &error);
  g_assert_true (same == picture);
  wide = esp_fitted_frame_scale ((EspFrameSize){ 100, 60 }, picture, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (wide->width, ==, 60);
  g_assert_cmpint (wide->height, ==, 60);
  g_assert_cmpint (wide->pixels[60 * 60 * 3 - 1], ==, 77);

  g_cancellable_cancel (cancelled);
  g_assert_null (esp_fitted_frame_scale ((EspFrameSize){ 100, 60 }, picture, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/compare/frame/largest", test_frame);
  g_test_add_func ("/compare/frame/place", test_place);
  g_test_add_func ("/compare/frame/any", test_any);
  g_test_add_func ("/compare/frame/scale", test_scale);
  return g_test_run ();
}
