/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-mask-tools.c: the scene of a mask, the brush and the region on an image view, without a
 * hand: what keys and calls do. The hand is in tests/app/whole/test-mask.py. */
#include <string.h>

#include "esp-brush.h"
#include "esp-mask-scene.h"
#include "esp-region-tool.h"
#include "esp-texture-cache.h"
#include "pixels.h"
#include "scratch-document.h"
#include "widgets.h"

#define WIDTH  320
#define HEIGHT 240

typedef struct
{
  GtkWidget *window;
  EspImageView *view;
  EspMaskScene *scene;
  EspPicture *source, *result;
} Fixture;

static void
paint_scene (GtkSnapshot *snapshot, const graphene_rect_t *place, const graphene_rect_t *visible,
             double density, gpointer data)
{
  Fixture *fixture = data;

  esp_mask_scene_snapshot (fixture->scene, snapshot, place, visible, density, FALSE);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GdkTexture) texture = NULL;
  GtkWidget *scroller = gtk_scrolled_window_new ();

  fixture->view = ESP_IMAGE_VIEW (esp_image_view_new ());
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), GTK_WIDGET (fixture->view));
  fixture->window = widgets_show (scroller, 400, 300);
  fixture->source = scratch_picture_new (WIDTH, HEIGHT, 0x102030);
  fixture->result = scratch_picture_new (WIDTH, HEIGHT, 0xf0e0d0);
  texture = esp_texture_new_for_picture (fixture->source);
  esp_image_view_set_image (fixture->view, texture, WIDTH, HEIGHT, FALSE);
  fixture->scene = esp_mask_scene_new ();
  esp_image_view_add_layer (fixture->view, paint_scene, fixture);
  g_signal_connect_swapped (fixture->scene, "changed", G_CALLBACK (gtk_widget_queue_draw),
                            fixture->view);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  esp_image_view_remove_layer (fixture->view, paint_scene, fixture);
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_object_add_weak_pointer (G_OBJECT (fixture->scene), (gpointer *) &fixture->scene);
  g_object_unref (fixture->scene);
  g_assert_true (scratch_wait_for (scratch_is_null, &fixture->scene));
  esp_picture_unref (fixture->source);
  esp_picture_unref (fixture->result);
}

/* --- The scene -------------------------------------------------------------------------------- */

/* A pixel of the image as it is drawn, 0xRRGGBB. */
static guint
get_pixel (Fixture *fixture, int x, int y)
{
  GtkWidget *view = GTK_WIDGET (fixture->view);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  graphene_rect_t place;
  guint32 pixel;

  esp_image_view_get_place (fixture->view, &place);
  GTK_WIDGET_GET_CLASS (view)->snapshot (view, snapshot);
  node = gtk_snapshot_free_to_node (snapshot);
  texture = gsk_renderer_render_texture (
      gtk_native_get_renderer (gtk_widget_get_native (view)), node,
      &GRAPHENE_RECT_INIT (place.origin.x + (float) x, place.origin.y + (float) y, 1, 1));
  gdk_texture_download (texture, (guchar *) &pixel, 4);
  return pixel & 0xffffff;
}

typedef struct
{
  Fixture *fixture;
  int x, y;
  guint color;
} Wanted;

static gboolean
has_pixel (gpointer data)
{
  Wanted *wanted = data;

  return get_pixel (wanted->fixture, wanted->x, wanted->y) == wanted->color;
}

static void
assert_comes (Fixture *fixture, int x, int y, guint color)
{
  Wanted wanted = { fixture, x, y, color };

  g_assert_true (scratch_wait_for (has_pixel, &wanted));
}

static EspMask *
dup_mask (Fixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;

  esp_mask_scene_dup_mask_async (fixture->scene, scratch_take_result, &result);
  scratch_wait_for_result (&result);
  return esp_mask_scene_dup_mask_finish (fixture->scene, result, NULL);
}

static void
test_scene (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspMask) mask = esp_mask_new (WIDTH, HEIGHT, NULL);
  g_autoptr (EspMask) painted = NULL;
  g_autoptr (GAsyncResult) none = NULL;

  esp_mask_scene_dup_mask_async (fixture->scene, scratch_take_result, &none);
  scratch_wait_for_result (&none);
  g_assert_null (esp_mask_scene_dup_mask_finish (fixture->scene, none, NULL));

  esp_mask_scene_set_mask (fixture->scene, mask);
  esp_mask_scene_set_pictures (fixture->scene, fixture->source, fixture->result);
  esp_mask_scene_set_live (fixture->scene, TRUE);
  esp_mask_scene_paint (fixture->scene, 100, 100, 200, 100, 20, 1, 255);
  assert_comes (fixture, 150, 100, 0xf0e0d0);
  g_assert_cmphex (get_pixel (fixture, 150, 140), ==, 0x102030);
  painted = dup_mask (fixture);
  g_assert_cmpint (painted->values[100 * WIDTH + 150], ==, 255);
  g_assert_cmpint (painted->values[140 * WIDTH + 150], ==, 0);
  g_assert_cmpint (mask->values[100 * WIDTH + 150], ==, 0); /* a copy */

  /* Grown it reaches further; the mask itself stays. */
  esp_mask_scene_set_shape (fixture->scene, 30, 0);
  assert_comes (fixture, 150, 140, 0xf0e0d0);
  esp_mask_scene_set_shape (fixture->scene, 0, 0);
  assert_comes (fixture, 150, 140, 0x102030);
  esp_mask_scene_paint (fixture->scene, 150, 100, 150, 100, 10, 1, 0);
  assert_comes (fixture, 150, 100, 0x102030);
  g_assert_cmphex (get_pixel (fixture, 190, 100), ==, 0xf0e0d0);

  /* What is below has it: nothing more is drawn. */
  esp_mask_scene_set_live (fixture->scene, FALSE);
  assert_comes (fixture, 190, 100, 0x102030);
  esp_mask_scene_set_mask (fixture->scene, NULL);
  g_assert_false (esp_mask_scene_has_mask (fixture->scene));
}

/* Strokes that come faster than they can be drawn are all there in the end. */
static void
test_many_strokes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspMask) mask = esp_mask_new (WIDTH, HEIGHT, NULL);
  g_autoptr (EspMask) wanted = esp_mask_new (WIDTH, HEIGHT, NULL);
  g_autoptr (EspMask) painted = NULL;

  esp_mask_scene_set_mask (fixture->scene, mask);
  for (int i = 0; i < 400; i++)
    {
      const double x = (i * 37) % WIDTH, y = (i * 91) % HEIGHT;

      esp_mask_scene_paint (fixture->scene, x, y, y, x, 3 + i % 9, 0.5, i % 3 == 0 ? 0 : 255);
      esp_mask_paint (wanted, x, y, y, x, 3 + i % 9, 0.5, i % 3 == 0 ? 0 : 255, NULL);
      if (i % 50 == 0)
        g_main_context_iteration (NULL, FALSE);
    }
  painted = dup_mask (fixture);
  g_assert_cmpmem (painted->values, WIDTH * HEIGHT, wanted->values, WIDTH * HEIGHT);
}

/* --- The brush -------------------------------------------------------------------------------- */

static void
test_brush (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspBrush) brush = esp_brush_new (fixture->view);
  double size = esp_brush_get_size (brush), x, y;

  g_assert_false (esp_brush_press_key (brush, GDK_KEY_e, 0)); /* not active */
  esp_brush_set_active (brush, TRUE);
  g_assert_true (esp_brush_press_key (brush, GDK_KEY_e, 0));
  g_assert_true (esp_brush_get_erasing (brush));
  g_assert_false (esp_brush_press_key (brush, GDK_KEY_b, GDK_CONTROL_MASK));
  g_assert_true (esp_brush_get_erasing (brush));
  g_assert_true (esp_brush_press_key (brush, GDK_KEY_b, 0));
  g_assert_false (esp_brush_get_erasing (brush));
  g_assert_true (esp_brush_press_key (brush, GDK_KEY_bracketright, 0));
  g_assert_cmpfloat (esp_brush_get_size (brush), >, size);
  g_assert_true (esp_brush_press_key (brush, GDK_KEY_bracketleft, 0));
  g_assert_cmpfloat (esp_brush_get_size (brush), ==, size);
  g_assert_true (esp_brush_press_key (brush, GDK_KEY_braceright, 0));
  g_assert_cmpfloat_with_epsilon (esp_brush_get_hardness (brush), 0.9, 1e-9);
  g_assert_false (esp_brush_press_key (brush, GDK_KEY_x, 0));
  g_assert_false (esp_brush_get_place (brush, &x, &y));

  /* From the least to the most and back, and no further. */
  for (int i = 0; i < 60; i++)
    esp_brush_set_size (brush, esp_brush_next_size (esp_brush_get_size (brush), TRUE));
  g_assert_cmpfloat (esp_brush_get_size (brush), ==, ESP_BRUSH_MAX_SIZE);
  for (int i = 0; i < 80; i++)
    esp_brush_set_size (brush, esp_brush_next_size (esp_brush_get_size (brush), FALSE));
  g_assert_cmpfloat (esp_brush_get_size (brush), ==, ESP_BRUSH_MIN_SIZE);
}

/* --- The region ------------------------------------------------------------------------------- */

static void
count (guint *counter)
{
  (*counter)++;
}

static void
test_region (Fixture *fixture, gconstpointer data)
{
  const EspRegionPoint points[] = { { 10, 10 }, { 60, 10 }, { 30, 70 } };
  g_autoptr (EspRegionTool) tool = esp_region_tool_new (fixture->view);
  g_autoptr (EspRegion) region = esp_region_new (20, 30, 100, 80);
  g_autoptr (EspRegion) lasso = esp_region_new_lasso (points, G_N_ELEMENTS (points));
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  graphene_rect_t place;
  guint told = 0, notified = 0;

  g_signal_connect_swapped (tool, "changed", G_CALLBACK (count), &told);
  g_signal_connect_swapped (tool, "notify::region", G_CALLBACK (count), &notified);
  g_assert_null (esp_region_tool_get_region (tool));
  esp_region_tool_set_region (tool, region);
  esp_region_tool_set_region (tool, region);
  g_assert_true (esp_region_equal (esp_region_tool_get_region (tool), region));
  g_assert_cmpuint (told, ==, 0); /* it came from the program */
  g_assert_cmpuint (notified, ==, 1);

  esp_region_tool_set_region (tool, lasso);
  esp_region_tool_set_active (tool, TRUE);
  esp_image_view_get_place (fixture->view, &place);
  esp_region_tool_snapshot (tool, snapshot, &place);
  node = gtk_snapshot_free_to_node (snapshot);
  g_assert_nonnull (node);
  esp_region_tool_set_region (tool, NULL);
  g_assert_null (esp_region_tool_get_region (tool));
}

/* --- Seen on anything ------------------------------------------------------------------------- */

static void
show_grey (Fixture *fixture, guint8 grey)
{
  g_autoptr (EspPicture) picture = esp_picture_new (WIDTH, HEIGHT, NULL);
  g_autoptr (GdkTexture) texture = NULL;

  memset (picture->pixels, grey, (gsize) WIDTH * HEIGHT * 3);
  texture = esp_texture_new_for_picture (picture);
  esp_image_view_set_image (fixture->view, texture, WIDTH, HEIGHT, FALSE);
  gtk_widget_queue_draw (GTK_WIDGET (fixture->view));
  gtk_test_widget_wait_for_draw (fixture->window);
}

/* Something in that part of the image stands out from what is below, 3 : 1 at least (WCAG 2.1). */
static void
assert_seen (Fixture *fixture, float x, float y, float width, float height)
{
  g_autoptr (Pixels) pixels = pixels_take (fixture->window);
  graphene_rect_t place;
  graphene_point_t origin;
  double contrast;

  esp_image_view_get_place (fixture->view, &place);
  g_assert_true (gtk_widget_compute_point (GTK_WIDGET (fixture->view), fixture->window,
                                           &place.origin, &origin));
  contrast = pixels_get_contrast_in (
      pixels, &GRAPHENE_RECT_INIT (origin.x + x, origin.y + y, width, height));
  g_test_message ("%.2f : 1", contrast);
  g_assert_cmpfloat (contrast, >=, 3);
}

static void
paint_brush (GtkSnapshot *snapshot, const graphene_rect_t *place, const graphene_rect_t *visible,
             double density, gpointer brush)
{
  esp_brush_snapshot (brush, snapshot);
}

static void
paint_region (GtkSnapshot *snapshot, const graphene_rect_t *place, const graphene_rect_t *visible,
              double density, gpointer tool)
{
  esp_region_tool_snapshot (tool, snapshot, place);
}

/* The brush is asked before the view. */
static gboolean
press_on_view (Fixture *fixture, guint key)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (GTK_WIDGET (fixture->view));
  gboolean handled = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_EVENT_CONTROLLER_KEY (controller)
          && gtk_event_controller_get_propagation_phase (GTK_EVENT_CONTROLLER (controller))
                 == GTK_PHASE_CAPTURE)
        g_signal_emit_by_name (controller, "key-pressed", key, 0, 0, &handled);
    }
  return handled;
}

static void
test_seen (Fixture *fixture, gconstpointer data)
{
  static const guint8 greys[] = { 0, 0x60, 0x80, 0xa0, 0xff };
  g_autoptr (EspBrush) brush = esp_brush_new (fixture->view);
  g_autoptr (EspRegionTool) tool = esp_region_tool_new (fixture->view);
  g_autoptr (EspRegion) region = esp_region_new (20, 30, 100, 80);
  double x, y;

  esp_image_view_add_layer (fixture->view, paint_brush, brush);
  esp_brush_set_active (brush, TRUE);
  esp_brush_set_size (brush, 40);
  g_assert_true (press_on_view (fixture, GDK_KEY_Right));
  g_assert_true (esp_brush_get_place (brush, &x, &y));
  for (gsize i = 0; i < G_N_ELEMENTS (greys); i++)
    {
      show_grey (fixture, greys[i]);
      assert_seen (fixture, (float) x + 14, (float) y - 3, 12, 6); /* its right side */
    }
  esp_brush_set_active (brush, FALSE);
  esp_image_view_remove_layer (fixture->view, paint_brush, brush);

  esp_image_view_add_layer (fixture->view, paint_region, tool);
  esp_region_tool_set_region (tool, region);
  for (gsize i = 0; i < G_N_ELEMENTS (greys); i++)
    {
      show_grey (fixture, greys[i]);
      assert_seen (fixture, 14, 45, 12, 12); /* its left side */
    }
  esp_image_view_remove_layer (fixture->view, paint_region, tool);
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);

  g_test_add ("/mask-tools/scene", Fixture, NULL, set_up, test_scene, tear_down);
  g_test_add ("/mask-tools/many-strokes", Fixture, NULL, set_up, test_many_strokes, tear_down);
  g_test_add ("/mask-tools/brush", Fixture, NULL, set_up, test_brush, tear_down);
  g_test_add ("/mask-tools/region", Fixture, NULL, set_up, test_region, tear_down);
  g_test_add ("/mask-tools/seen", Fixture, NULL, set_up, test_seen, tear_down);

  return g_test_run ();
}
