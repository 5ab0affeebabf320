/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-mask.c: painting on the mask of a photo of 24 megapixels, measured from within, for
 * bench-window.py.
 *
 * "….frame" is the time of a frame while a brush moves, "….work" the longest that the main loop was
 * at work without a pause, "….seen" how long after its last movement a stroke is on the screen as
 * it will be, "stored" how long after that it is in the document, the picture put together anew. */
#include <adwaita.h>
#include <math.h>

#include "bench-watch.h"
#include "esp-canvas-private.h"

#define WIDTH     6000
#define HEIGHT    4000
#define RESULT    1024
#define MOVEMENTS 120

static EspPicture *
make_picture (int width, int height, int by)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        guint8 *pixel = picture->pixels + ((gsize) y * (gsize) width + (gsize) x) * 3;

        pixel[0] = (guint8) (x * 200 / width + by);
        pixel[1] = (guint8) (y * 200 / height + by);
        pixel[2] = (guint8) ((x + y) * 100 / (width + height) + (x * 7 + y * 13) % 23);
      }
  return picture;
}

static GBytes *
make_photo (int width, int height, int by)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (EspPicture) picture = make_picture (width, height, by);
  GError *error = NULL;
  GBytes *bytes = esp_picture_to_bytes (picture, ESP_FORMAT_JPEG, NULL, &options, NULL, &error);

  if (bytes == NULL)
    bench_fail ("photo", error);
  return bytes;
}

static GAsyncResult *
wait_for (GAsyncResult **result, const char *what)
{
  bench_wait_until (bench_has_result, result, what);
  return *result;
}

/* A photo, and a turn of it all of which was taken. */
static EspDocument *
make_document (void)
{
  g_autoptr (GBytes) photo = make_photo (WIDTH, HEIGHT, 0);
  g_autoptr (GBytes) made = make_photo (RESULT, RESULT * HEIGHT / WIDTH, 40);
  g_autoptr (EspComposition) composition = esp_composition_new (ESP_KEEP_OFF);
  const EspTurn turn = { .instruction = "Brighter", .backend = "none" };
  EspTurnOutcome outcome = { .image = made, .seconds = 1, .cost = -1, .composition = composition };
  g_autoptr (GPtrArray) nodes = NULL;
  GAsyncResult *results[5] = { NULL };
  EspDocument *document;
  EspNode *node;

  composition->made = TRUE;
  composition->changed = 1;
  esp_document_create_async (NULL, "Mask", NULL, bench_take_result, &results[0]);
  document = esp_document_create_finish (wait_for (&results[0], "document"), NULL);
  esp_document_import_async (document, photo, "photo.jpg", NULL, NULL, bench_take_result,
                             &results[1]);
  node = esp_document_import_finish (document, wait_for (&results[1], "import"), NULL);
  esp_document_add_turns_async (document, node, &turn, 1, NULL, bench_take_result, &results[2]);
  nodes = esp_document_add_turns_finish (document, wait_for (&results[2], "turn"), NULL);
  node = nodes->pdata[0];
  esp_document_set_state_async (document, node, ESP_NODE_RUNNING, NULL, NULL, NULL,
                                bench_take_result, &results[3]);
  esp_document_set_state_finish (document, wait_for (&results[3], "state"), NULL);
  esp_document_finish_turn_async (document, node, &outcome, NULL, bench_take_result, &results[4]);
  esp_document_finish_turn_finish (document, wait_for (&results[4], "outcome"), NULL);
  esp_document_set_current (document, node);
  for (gsize i = 0; i < G_N_ELEMENTS (results); i++)
    g_clear_object (&results[i]);
  return document;
}

static gboolean
has_result (gpointer data)
{
  EspCanvas *canvas = data;

  return esp_mask_editor_can_paint (canvas->mask_editor)
         && esp_mask_editor_get_result (canvas->mask_editor) != NULL;
}

static gboolean
is_seen (gpointer data)
{
  EspCanvas *canvas = data;

  return esp_mask_scene_is_current (esp_mask_editor_get_scene (canvas->mask_editor));
}

/* The picture on the screen is the document's, and nothing is drawn in its place. */
static gboolean
is_stored (gpointer data)
{
  EspCanvas *canvas = data;

  return !esp_mask_editor_is_busy (canvas->mask_editor)
         && !esp_mask_scene_is_live (esp_mask_editor_get_scene (canvas->mask_editor));
}

static void
print (const char *name, const char *what, double value)
{
  g_autofree char *key = g_strdup_printf ("mask.%s.%s", name, what);

  bench_print (key, value);
}

/* Around the middle of what is seen, a movement a frame. */
static void
paint (EspCanvas *canvas, const char *name, double size)
{
  g_autofree char *key = g_strdup_printf ("mask.%s", name);
  double x, y, last_x = 0, last_y = 0;
  int width, height;
  gint64 start;

  esp_image_view_get_size (canvas->view, &width, &height);
  esp_image_view_get_middle (canvas->view, &x, &y);
  bench_start_probe ();
  bench_time_frames ();
  for (int i = 0; i < MOVEMENTS; i++)
    {
      const double angle = i * 0.1;
      const double to_x = x * width + cos (angle) * size * 3;
      const double to_y = y * height + sin (angle) * size * 2;

      if (i > 0)
        g_signal_emit_by_name (canvas->brush, "stroke", last_x, last_y, to_x, to_y, size / 2,
                               i % 40 >= 20 || width == RESULT);
      last_x = to_x;
      last_y = to_y;
      bench_wait_for_frames (1);
    }
  bench_print_frames (key);
  bench_print_probe (key);
  start = g_get_monotonic_time ();
  g_signal_emit_by_name (canvas->brush, "stroke-ended");
  bench_wait_until (is_seen, canvas, "stroke");
  print (name, "seen", bench_ms_since (start));
  bench_start_probe ();
  bench_wait_until (is_stored, canvas, "stored");
  print (name, "stored", bench_ms_since (start));
  print (name, "memory", bench_get_memory ("VmRSS:"));
  bench_print_probe (key);
}

int
main (int argc, char **argv)
{
  EspDocument *document;
  GtkWidget *window;
  EspCanvas *canvas;
  gint64 start;

  gtk_init ();
  adw_init ();
  document = make_document ();
  window = gtk_window_new ();
  gtk_window_set_default_size (GTK_WINDOW (window), 1200, 800);
  canvas = ESP_CANVAS (esp_canvas_new ());
  gtk_window_set_child (GTK_WINDOW (window), GTK_WIDGET (canvas));
  esp_canvas_set_document (canvas, document);
  gtk_window_present (GTK_WINDOW (window));
  bench_watch_frames (window);
  bench_wait_for_frames (3);

  start = g_get_monotonic_time ();
  bench_start_probe ();
  esp_canvas_set_show_mask (canvas, TRUE);
  bench_wait_until (has_result, canvas, "mask");
  bench_print ("mask.open", bench_ms_since (start));
  bench_print_probe ("mask.open");

  paint (canvas, "first", 60); /* the picture becomes as large as the photo */
  paint (canvas, "fit", 300);
  esp_canvas_set_zoom (canvas, 1);
  bench_wait_for_frames (3);
  paint (canvas, "full-size", 80);
  return EXIT_SUCCESS;
}
