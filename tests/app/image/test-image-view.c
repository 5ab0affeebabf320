/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-image-view.c: zoom, place and pixels of the image view. */
#include <adwaita.h>

#include "esp-image-view.h"
#include "esp-texture-cache.h"
#include "scratch-document.h"
#include "widgets.h"

typedef struct
{
  GtkWidget *window, *scroller;
  EspImageView *view;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->scroller = gtk_scrolled_window_new ();
  fixture->view = ESP_IMAGE_VIEW (esp_image_view_new ());
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (fixture->scroller),
                                 GTK_WIDGET (fixture->view));
  fixture->window = widgets_show (fixture->scroller, 400, 300);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
}

static void
show (Fixture *fixture, int width, int height)
{
  g_autoptr (EspPicture) picture = scratch_picture_new (width, height, 0x336699);
  g_autoptr (GdkTexture) texture = esp_texture_new_for_picture (picture);

  esp_image_view_set_image (fixture->view, texture, width, height, FALSE);
  gtk_test_widget_wait_for_draw (fixture->window);
}

/* The pixel of the view as it is drawn, 0xRRGGBB. */
static guint
get_pixel (Fixture *fixture, int x, int y)
{
  GtkWidget *view = GTK_WIDGET (fixture->view);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  guint32 pixel;

  GTK_WIDGET_GET_CLASS (view)->snapshot (view, snapshot);
  node = gtk_snapshot_free_to_node (snapshot);
  g_assert_nonnull (node);
  texture = gsk_renderer_render_texture (gtk_native_get_renderer (gtk_widget_get_native (view)),
                                         node, &GRAPHENE_RECT_INIT ((float) x, (float) y, 1, 1));
  gdk_texture_download (texture, (guchar *) &pixel, 4);
  return pixel & 0xffffff;
}

static void
test_fit (Fixture *fixture, gconstpointer data)
{
  graphene_rect_t place;

  show (fixture, 100, 100); /* smaller: never enlarged */
  g_assert_true (esp_image_view_get_fit (fixture->view));
  g_assert_cmpfloat_with_epsilon (esp_image_view_get_zoom (fixture->view), 1, 1e-9);
  esp_image_view_get_place (fixture->view, &place);
  g_assert_cmpfloat (place.origin.x, ==, 150);
  g_assert_cmpfloat (place.origin.y, ==, 100);
  g_assert_cmpfloat (place.size.width, ==, 100);
  g_assert_false (esp_image_view_can_pan (fixture->view));

  show (fixture, 1600, 300);
  g_assert_cmpfloat_with_epsilon (esp_image_view_get_zoom (fixture->view), 0.25, 1e-9);
  g_assert_false (esp_image_view_can_pan (fixture->view));
}

static void
test_zoom_at (Fixture *fixture, gconstpointer data)
{
  graphene_rect_t before, after;
  double from, to;

  show (fixture, 1600, 1200);
  esp_image_view_set_zoom (fixture->view, 1);
  g_assert_false (esp_image_view_get_fit (fixture->view));
  g_assert_true (esp_image_view_can_pan (fixture->view));
  esp_image_view_get_place (fixture->view, &before);
  g_assert_cmpfloat (before.origin.x, ==, -600); /* the middle is in the middle */
  g_assert_cmpfloat (before.origin.y, ==, -450);

  from = (100 - before.origin.x) / before.size.width;
  esp_image_view_set_zoom_at (fixture->view, 3, 100, 50);
  esp_image_view_get_place (fixture->view, &after);
  to = (100 - after.origin.x) / after.size.width;
  g_assert_cmpfloat_with_epsilon (from, to, 1e-3);
  g_assert_cmpfloat_with_epsilon ((50 - before.origin.y) / before.size.height,
                                  (50 - after.origin.y) / after.size.height, 1e-3);

  esp_image_view_set_zoom (fixture->view, 1000);
  g_assert_cmpfloat (esp_image_view_get_zoom (fixture->view), ==, ESP_IMAGE_VIEW_MAX_ZOOM);
  esp_image_view_set_fit (fixture->view, TRUE);
  g_assert_cmpfloat_with_epsilon (esp_image_view_get_zoom (fixture->view), 0.25, 1e-9);
}

static void
test_steps (Fixture *fixture, gconstpointer data)
{
  double zoom = ESP_IMAGE_VIEW_MIN_ZOOM;
  gboolean met_one = FALSE;

  g_assert_cmpfloat (esp_image_view_next_step (1, TRUE), ==, 1.5);
  g_assert_cmpfloat (esp_image_view_next_step (1, FALSE), ==, 0.75);
  g_assert_cmpfloat (esp_image_view_next_step (0.43, TRUE), ==, 0.5);
  for (int i = 0; i < 100 && zoom < ESP_IMAGE_VIEW_MAX_ZOOM; i++)
    {
      const double next = esp_image_view_next_step (zoom, TRUE);

      g_assert_cmpfloat (next, >, zoom);
      g_assert_cmpfloat (esp_image_view_next_step (next, FALSE), ==, zoom);
      zoom = next;
      met_one = met_one || zoom == 1;
    }
  g_assert_true (met_one);
  g_assert_cmpfloat (zoom, ==, ESP_IMAGE_VIEW_MAX_ZOOM);
}

/* At 100 % a pixel is a pixel; at 800 % it is a square with sharp edges, in a preview it is not. */
static void
test_pixels (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspPicture) picture = scratch_picture_new (40, 40, 0x336699);
  g_autoptr (GdkTexture) texture = esp_texture_new_for_picture (picture);
  graphene_rect_t place;
  int x, y;
  guint edge;

  esp_image_view_set_image (fixture->view, texture, 40, 40, FALSE);
  gtk_test_widget_wait_for_draw (fixture->window);
  esp_image_view_get_place (fixture->view, &place);
  x = (int) place.origin.x;
  y = (int) place.origin.y;
  g_assert_cmphex (get_pixel (fixture, x + 9, y + 9), ==, 0xf0f0f0);
  g_assert_cmphex (get_pixel (fixture, x + 10, y + 9), ==, 0x336699);

  esp_image_view_set_zoom (fixture->view, 8);
  esp_image_view_get_place (fixture->view, &place);
  x = (int) place.origin.x + 80;
  y = (int) place.origin.y + 40;
  g_assert_cmphex (get_pixel (fixture, x - 1, y), ==, 0xf0f0f0);
  g_assert_cmphex (get_pixel (fixture, x, y), ==, 0x336699);

  esp_image_view_set_image (fixture->view, texture, 40, 40, TRUE);
  scratch_wait (200);
  edge = get_pixel (fixture, x - 1, y);
  g_assert_true (edge != 0xf0f0f0 && edge != 0x336699);
}

/* A preview of a quarter of the size takes the place of the whole image. */
static void
test_stand_in (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspPicture) picture = scratch_picture_new (50, 40, 0x996633);
  g_autoptr (GdkTexture) texture = esp_texture_new_for_picture (picture);
  graphene_rect_t whole, stand_in;

  show (fixture, 200, 160);
  esp_image_view_get_place (fixture->view, &whole);
  esp_image_view_set_image (fixture->view, texture, 200, 160, TRUE);
  gtk_test_widget_wait_for_draw (fixture->window);
  esp_image_view_get_place (fixture->view, &stand_in);
  g_assert_true (graphene_rect_equal (&whole, &stand_in));
  g_assert_true (esp_image_view_get_texture (fixture->view) == texture);
}

/* Keys move a large image, and leave those of a small one to others. */
static void
test_keys (Fixture *fixture, gconstpointer data)
{
  GtkWidget *view = GTK_WIDGET (fixture->view);
  graphene_rect_t before, after;

  show (fixture, 1600, 1200);
  g_assert_false (widgets_press_key (view, GDK_KEY_Left));
  g_assert_true (widgets_press_key (view, GDK_KEY_plus));
  g_assert_cmpfloat_with_epsilon (esp_image_view_get_zoom (fixture->view), 1.0 / 3, 1e-9);
  esp_image_view_set_zoom (fixture->view, 1);
  esp_image_view_get_place (fixture->view, &before);
  g_assert_true (widgets_press_key (view, GDK_KEY_Right));
  g_assert_true (widgets_press_key (view, GDK_KEY_KP_Down));
  esp_image_view_get_place (fixture->view, &after);
  g_assert_cmpfloat (after.origin.x, ==, before.origin.x - 40);
  g_assert_cmpfloat (after.origin.y, ==, before.origin.y - 30);
  g_assert_true (widgets_press_key (view, GDK_KEY_minus));
  g_assert_cmpfloat (esp_image_view_get_zoom (fixture->view), ==, 0.75);
}

/* The scrollbars move a large image and have nothing to do for a small one. */
static void
test_adjustments (Fixture *fixture, gconstpointer data)
{
  GtkAdjustment *adjustment
      = gtk_scrolled_window_get_hadjustment (GTK_SCROLLED_WINDOW (fixture->scroller));
  graphene_rect_t place;

  show (fixture, 1600, 1200);
  g_assert_cmpfloat (gtk_adjustment_get_upper (adjustment), ==, 400); /* it fits */
  esp_image_view_set_zoom (fixture->view, 1);
  g_assert_cmpfloat (gtk_adjustment_get_upper (adjustment), ==, 1600);
  g_assert_cmpfloat (gtk_adjustment_get_page_size (adjustment), ==, 400);
  gtk_adjustment_set_value (adjustment, 10);
  esp_image_view_get_place (fixture->view, &place);
  g_assert_cmpfloat (place.origin.x, ==, -10);

  /* A result of the same shape and twice the size shows the same part. */
  show (fixture, 3200, 2400);
  g_assert_cmpfloat_with_epsilon (gtk_adjustment_get_value (adjustment), 220, 1);
}

/* Pictures too large for one texture have no seams where their tiles meet. */
static void
test_tiles (Fixture *fixture, gconstpointer data)
{
  const double zooms[] = { 1, 0.7, 2.5 };

  show (fixture, 5000, 4200);
  for (gsize i = 0; i < G_N_ELEMENTS (zooms); i++)
    {
      graphene_rect_t place;

      esp_image_view_set_zoom (fixture->view, zooms[i]);
      for (int axis = 0; axis < 2; axis++)
        {
          GtkScrolledWindow *scroller = GTK_SCROLLED_WINDOW (fixture->scroller);

          gtk_adjustment_set_value (axis == 0 ? gtk_scrolled_window_get_hadjustment (scroller)
                                              : gtk_scrolled_window_get_vadjustment (scroller),
                                    2048 * zooms[i] - 100);
        }
      esp_image_view_get_place (fixture->view, &place);
      g_assert_cmpfloat (place.origin.x, <, 0);
      for (int d = -3; d <= 3; d++)
        {
          g_assert_cmphex (get_pixel (fixture, 100 + d, 20), ==, 0x336699);
          g_assert_cmphex (get_pixel (fixture, 20, 100 + d), ==, 0x336699);
          g_assert_cmphex (get_pixel (fixture, 100 + d, 100 + d), ==, 0x336699);
        }
    }
}

static gboolean
is_there_alone (gpointer fixture)
{
  return get_pixel (fixture, 250, 200) == 0x996633;
}

/* With animations an image of the same size is faded in, and then it is there alone. */
static void
test_fade (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspPicture) picture = scratch_picture_new (200, 160, 0x996633);
  g_autoptr (GdkTexture) texture = esp_texture_new_for_picture (picture);
  guint pixel;

  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", TRUE, NULL);
  show (fixture, 200, 160);
  esp_image_view_set_image (fixture->view, texture, 200, 160, FALSE);
  pixel = get_pixel (fixture, 250, 200);
  g_assert_true (pixel != 0x996633 && pixel != 0); /* not at once, and nothing goes away */
  g_assert_true (scratch_wait_for (is_there_alone, fixture));
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);

  show (fixture, 200, 160);
  g_assert_cmphex (get_pixel (fixture, 250, 200), ==, 0x336699);
}

static void
count (EspImageView *view, gpointer place)
{
  (*(int *) place)++;
}

/* Shown again what was seen before, in this view or in another one. */
static void
test_viewport (Fixture *fixture, gconstpointer data)
{
  double x, y;
  int n = 0;

  show (fixture, 1600, 1200);
  esp_image_view_get_middle (fixture->view, &x, &y);
  g_assert_cmpfloat (x, ==, 0.5); /* it fits */
  g_signal_connect (fixture->view, "viewport-changed", G_CALLBACK (count), &n);
  esp_image_view_set_viewport (fixture->view, FALSE, 2, 0.3, 0.75);
  g_assert_cmpint (n, ==, 1);
  g_assert_cmpfloat (esp_image_view_get_zoom (fixture->view), ==, 2);
  esp_image_view_get_middle (fixture->view, &x, &y);
  g_assert_cmpfloat_with_epsilon (x, 0.3, 1e-3);
  g_assert_cmpfloat_with_epsilon (y, 0.75, 1e-3);

  g_assert_true (widgets_press_key (GTK_WIDGET (fixture->view), GDK_KEY_Right));
  g_assert_cmpint (n, ==, 2);
  g_assert_true (widgets_press_key (GTK_WIDGET (fixture->view), GDK_KEY_plus));
  g_assert_cmpint (n, ==, 3);
  /* As far as the image goes. */
  esp_image_view_set_viewport (fixture->view, FALSE, 2, -1, 0.5);
  esp_image_view_get_middle (fixture->view, &x, &y);
  g_assert_cmpfloat_with_epsilon (x, 200.0 / 3200, 1e-3);
  esp_image_view_set_viewport (fixture->view, TRUE, 2, 0, 0);
  g_assert_true (esp_image_view_get_fit (fixture->view));
}

static void
paint (GtkSnapshot *snapshot, const graphene_rect_t *place, const graphene_rect_t *visible,
       double density, gpointer color)
{
  gtk_snapshot_append_color (snapshot, color, place);
}

/* What somebody else draws is zoomed and moved as a texture is. */
static void
test_painter (Fixture *fixture, gconstpointer data)
{
  static GdkRGBA color = { 1, 0, 0, 1 };
  graphene_rect_t place;

  show (fixture, 1600, 1200);
  esp_image_view_set_painter (fixture->view, paint, &color, 200, 100);
  gtk_test_widget_wait_for_draw (fixture->window);
  g_assert_null (esp_image_view_get_texture (fixture->view));
  esp_image_view_get_place (fixture->view, &place);
  g_assert_true (graphene_rect_equal (&place, &GRAPHENE_RECT_INIT (100, 100, 200, 100)));
  g_assert_cmphex (get_pixel (fixture, 200, 150), ==, 0xff0000);
  g_assert_cmphex (get_pixel (fixture, 200, 210), ==, 0);
  esp_image_view_set_zoom (fixture->view, 4);
  g_assert_cmphex (get_pixel (fixture, 200, 210), ==, 0xff0000);

  esp_image_view_set_painter (fixture->view, NULL, NULL, 0, 0);
  show (fixture, 100, 100);
  g_assert_cmphex (get_pixel (fixture, 240, 190), ==, 0x336699);
}

static void
test_accessible (Fixture *fixture, gconstpointer data)
{
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (fixture->view), GTK_ACCESSIBLE_ROLE_IMG);
  g_assert_true (gtk_widget_get_focusable (GTK_WIDGET (fixture->view)));
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);

  g_test_add ("/image-view/fit", Fixture, NULL, set_up, test_fit, tear_down);
  g_test_add ("/image-view/zoom-at", Fixture, NULL, set_up, test_zoom_at, tear_down);
  g_test_add ("/image-view/steps", Fixture, NULL, set_up, test_steps, tear_down);
  g_test_add ("/image-view/pixels", Fixture, NULL, set_up, test_pixels, tear_down);
  g_test_add ("/image-view/stand-in", Fixture, NULL, set_up, test_stand_in, tear_down);
  g_test_add ("/image-view/adjustments", Fixture, NULL, set_up, test_adjustments, tear_down);
  g_test_add ("/image-view/keys", Fixture, NULL, set_up, test_keys, tear_down);
  g_test_add ("/image-view/tiles", Fixture, NULL, set_up, test_tiles, tear_down);
  g_test_add ("/image-view/viewport", Fixture, NULL, set_up, test_viewport, tear_down);
  g_test_add ("/image-view/painter", Fixture, NULL, set_up, test_painter, tear_down);
  g_test_add ("/image-view/fade", Fixture, NULL, set_up, test_fade, tear_down);
  g_test_add ("/image-view/accessible", Fixture, NULL, set_up, test_accessible, tear_down);
  return g_test_run ();
}
