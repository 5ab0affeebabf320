/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flicker and wipe: the right frames, each for its time, read by other code than ours. */
#include <string.h>
#include <webp/demux.h>

#include "sheet-fixture.h"

#define RED  0xc80000
#define BLUE 0x0000c8

static gboolean
make_film (SheetScene *scene, EspSheetFilm film, const char *const *captions, double seconds,
           int max_side, const char *name, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (scene->folder, name, NULL);
  g_autoptr (GFile) target = g_file_new_for_path (path);
  g_auto (Waiter) waiter = { NULL };

  if (!esp_sheet_film_finish (WAIT (waiter, esp_sheet_film_async, scene->document, scene->nodes,
                                    film, captions, seconds, max_side, target, cancellable),
                              error))
    return FALSE;
  sheet_scene_keep (scene, name);
  return TRUE;
}

/* The frames of a WebP file: for each the share of its columns that are blue, in the middle row. */
typedef struct
{
  int width, height;
  GArray *blue;        /* of double */
  GArray *ends;        /* of int: ms since the beginning */
  double longest_line; /* px of a row that are neither */
} Film;

static void
film_read (Film *self, SheetScene *scene, const char *name)
{
  g_autofree char *path = g_build_filename (scene->folder, name, NULL);
  g_autofree char *bytes = NULL;
  WebPAnimDecoderOptions options;
  WebPAnimDecoder *decoder;
  WebPAnimInfo info;
  WebPData data;
  gsize size;

  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  data.bytes = (const guint8 *) bytes;
  data.size = size;
  g_assert_true (WebPAnimDecoderOptionsInit (&options));
  decoder = WebPAnimDecoderNew (&data, &options);
  g_assert_nonnull (decoder);
  g_assert_true (WebPAnimDecoderGetInfo (decoder, &info));
  self->width = (int) info.canvas_width;
  self->height = (int) info.canvas_height;
  self->blue = g_array_new (FALSE, FALSE, sizeof (double));
  self->ends = g_array_new (FALSE, FALSE, sizeof (int));
  self->longest_line = 0;
  while (WebPAnimDecoderHasMoreFrames (decoder))
    {
      uint8_t *pixels;
      int end, n_blue = 0, n_red = 0;
      double share;

      g_assert_true (WebPAnimDecoderGetNext (decoder, &pixels, &end));
      for (int x = 0; x < self->width; x++)
        {
          const uint8_t *pixel = pixels + ((gsize) (50 * self->width + x)) * 4;
          const gboolean is_blue = pixel[2] > 150 && pixel[0] < 80;
          const gboolean is_red = pixel[0] > 150 && pixel[2] < 80;

          /* What is uncovered comes from the left. */
          g_assert_false (is_blue && n_red > 0);
          n_blue += is_blue;
          n_red += is_red;
        }
      share = (double) n_blue / (n_blue + n_red);
      g_array_append_val (self->blue, share);
      g_array_append_val (self->ends, end);
      self->longest_line = MAX (self->longest_line, self->width - n_blue - n_red);
    }
  WebPAnimDecoderDelete (decoder);
}

static void
film_clear (Film *self)
{
  g_array_unref (self->blue);
  g_array_unref (self->ends);
}

static double
get_blue (Film *film, guint index)
{
  g_assert_cmpuint (index, <, film->blue->len);
  return g_array_index (film->blue, double, index);
}

static void
test_flicker (Fixture *fixture, gconstpointer data)
{
  static const char *const captions[] = { "A: before", NULL };
  g_autoptr (GError) error = NULL;
  SheetScene scene;
  Film film;
  int height;

  sheet_scene_init (&scene, fixture);
  sheet_scene_add (&scene, 200, 100, RED);
  sheet_scene_add (&scene, 200, 100, BLUE);
  make_film (&scene, ESP_SHEET_FLICKER, NULL, 0.5, 0, "flicker.webp", NULL, &error);
  g_assert_no_error (error);
  film_read (&film, &scene, "flicker.webp");
  g_assert_cmpint (film.width, ==, 200);
  g_assert_cmpint (film.height, ==, 100);
  g_assert_cmpuint (film.blue->len, ==, 2);
  g_assert_cmpfloat (get_blue (&film, 0), ==, 0);
  g_assert_cmpfloat (get_blue (&film, 1), ==, 1);
  g_assert_cmpint (g_array_index (film.ends, int, 0), ==, 500);
  g_assert_cmpint (g_array_index (film.ends, int, 1), ==, 1000);
  height = film.height;
  film_clear (&film);

  /* With captions there is room for them below, and the images are as they were. */
  make_film (&scene, ESP_SHEET_FLICKER, captions, 0.5, 0, "flicker.webp", NULL, &error);
  g_assert_no_error (error);
  film_read (&film, &scene, "flicker.webp");
  g_assert_cmpint (film.width, ==, 200);
  g_assert_cmpint (film.height, >, height + 8);
  g_assert_cmpfloat (get_blue (&film, 1), ==, 1);
  film_clear (&film);

  make_film (&scene, ESP_SHEET_FLICKER, NULL, 0.5, 150, "flicker.webp", NULL, &error);
  g_assert_no_error (error);
  film_read (&film, &scene, "flicker.webp");
  g_assert_cmpint (film.width, ==, 150);
  g_assert_cmpint (film.height, ==, 75);
  film_clear (&film);
  sheet_scene_clear (&scene);
}

/* The frame is that of the largest, wherever it stands. */
static void
test_frame (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  SheetScene scene;
  Film film;

  sheet_scene_init (&scene, fixture);
  sheet_scene_add (&scene, 60, 60, RED);
  sheet_scene_add (&scene, 200, 100, BLUE);
  make_film (&scene, ESP_SHEET_FLICKER, NULL, 1, 0, "flicker.webp", NULL, &error);
  g_assert_no_error (error);
  film_read (&film, &scene, "flicker.webp");
  g_assert_cmpint (film.width, ==, 200);
  g_assert_cmpint (film.height, ==, 100);
  g_assert_cmpfloat (film.longest_line, ==, 100); /* beside the first: half of its frame */
  film_clear (&film);
  sheet_scene_clear (&scene);
}

static void
test_wipe (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  SheetScene scene;
  Film film;
  guint half;

  sheet_scene_init (&scene, fixture);
  sheet_scene_add (&scene, 400, 100, RED);
  sheet_scene_add (&scene, 400, 100, BLUE);
  sheet_scene_add (&scene, 400, 100, 0x00a000); /* takes no part */
  make_film (&scene, ESP_SHEET_WIPE, NULL, 2, 0, "wipe.webp", NULL, &error);
  g_assert_no_error (error);
  film_read (&film, &scene, "wipe.webp");
  g_assert_cmpuint (film.blue->len % 2, ==, 0);
  half = film.blue->len / 2;
  g_assert_cmpuint (half, >, 8);

  /* It rests, uncovers more and more, rests, and goes the same way back. */
  g_assert_cmpfloat (get_blue (&film, 0), ==, 0);
  g_assert_cmpfloat (get_blue (&film, half), ==, 1);
  for (guint i = 1; i < half; i++)
    g_assert_cmpfloat (get_blue (&film, i), >=, get_blue (&film, i - 1));
  for (guint i = half + 1; i < film.blue->len; i++)
    g_assert_cmpfloat (get_blue (&film, i), <=, get_blue (&film, i - 1));
  g_assert_cmpfloat_with_epsilon (get_blue (&film, half / 2), 0.5, 0.2);
  g_assert_cmpfloat (film.longest_line, >, 0);
  g_assert_cmpfloat (film.longest_line, <, 16);
  g_assert_cmpint (g_array_index (film.ends, int, 0), ==, 300);
  g_assert_cmpint (ABS (g_array_index (film.ends, int, film.ends->len - 1) - 2000), <, 60);
  film_clear (&film);
  sheet_scene_clear (&scene);
}

static void
test_formats (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "film.gif", "film.GIF", "film.png", "film.apng" };
  g_autoptr (GError) error = NULL;
  SheetScene scene;

  sheet_scene_init (&scene, fixture);
  sheet_scene_add (&scene, 64, 64, RED);
  sheet_scene_add (&scene, 64, 64, BLUE);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (scene.folder, names[i], NULL);
      g_autofree char *bytes = NULL;
      gsize size;

      make_film (&scene, ESP_SHEET_WIPE, NULL, 0.5, 0, names[i], NULL, &error);
      g_assert_no_error (error);
      g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
      if (i < 2)
        g_assert_cmpmem (bytes, 6, "GIF89a", 6);
      else
        g_assert_nonnull (memmem (bytes, size, "acTL", 4));
      g_assert_null (memmem (bytes, size, "tEXt", 4));
    }
  g_assert_false (make_film (&scene, ESP_SHEET_WIPE, NULL, 1, 0, "film.mp4", NULL, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_UNSUPPORTED);
  sheet_scene_clear (&scene);
}

static void
test_errors (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  SheetScene scene;

  sheet_scene_init (&scene, fixture);
  sheet_scene_add (&scene, 300, 300, RED);
  g_ptr_array_add (scene.nodes, sheet_scene_add_failed (&scene, "no"));
  g_assert_false (make_film (&scene, ESP_SHEET_FLICKER, NULL, 1, 0, "film.gif", NULL, &error));
  g_assert_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_ARGUMENT);
  g_clear_error (&error);

  sheet_scene_add (&scene, 300, 300, BLUE);
  g_assert_false (make_film (&scene, ESP_SHEET_FLICKER, NULL, 1, 0, "none/film.gif", NULL, &error));
  g_assert_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_WRITE);
  g_clear_error (&error);
  for (int i = 0; i < 4; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autofree char *path = g_build_filename (scene.folder, "film.gif", NULL);
      g_autoptr (GFile) target = g_file_new_for_path (path);
      g_auto (Waiter) waiter = { NULL };

      esp_sheet_film_async (scene.document, scene.nodes, ESP_SHEET_WIPE, NULL, 2, 0, target,
                            cancellable, waiter_callback, &waiter);
      for (int k = 0; k < i; k++)
        g_main_context_iteration (NULL, FALSE);
      g_cancellable_cancel (cancellable);
      g_assert_false (esp_sheet_film_finish (wait_for (&waiter), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
      g_clear_error (&error);
    }
  make_film (&scene, ESP_SHEET_FLICKER, NULL, 1, 0, "film.gif", NULL, &error);
  g_assert_no_error (error);
  sheet_scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  fixture_init (&argc, &argv);
  ADD_TEST ("/export/film/flicker", test_flicker);
  ADD_TEST ("/export/film/frame", test_frame);
  ADD_TEST ("/export/film/wipe", test_wipe);
  ADD_TEST ("/export/film/formats", test_formats);
  ADD_TEST ("/export/film/errors", test_errors);
  return g_test_run ();
}
