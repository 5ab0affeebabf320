/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-compare-divider.c: where the dividing line lies, what it cuts, and how it is moved. */
#include "compare-fixture.h"

#include <math.h>
#include <string.h>

#include "esp-compare-divider.h"
#include "esp-texture-cache.h"
#include "pixels.h"

#define NEAR 1e-4

typedef struct
{
  GtkWidget *window;
  EspImageView *view;
  EspCompareDivider *divider;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  GtkWidget *overlay = gtk_overlay_new ();
  g_autoptr (EspPicture) picture = scratch_picture_new (200, 100, RED);
  g_autoptr (GdkTexture) texture = esp_texture_new_for_picture (picture);

  fixture->view = ESP_IMAGE_VIEW (esp_image_view_new ());
  fixture->divider = ESP_COMPARE_DIVIDER (esp_compare_divider_new (fixture->view));
  gtk_overlay_set_child (GTK_OVERLAY (overlay), GTK_WIDGET (fixture->view));
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), GTK_WIDGET (fixture->divider));
  fixture->window = widgets_show (overlay, 400, 300);
  esp_image_view_set_image (fixture->view, texture, 200, 100, FALSE);
  gtk_test_widget_wait_for_draw (fixture->window);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
}

/* --- Geometry --------------------------------------------------------------------------------- */

static void
assert_line (EspCompareLine line, double x, double y, double normal_x, double normal_y,
             double length)
{
  g_assert_cmpfloat_with_epsilon (line.x, x, NEAR);
  g_assert_cmpfloat_with_epsilon (line.y, y, NEAR);
  g_assert_cmpfloat_with_epsilon (line.normal_x, normal_x, NEAR);
  g_assert_cmpfloat_with_epsilon (line.normal_y, normal_y, NEAR);
  g_assert_cmpfloat_with_epsilon (line.length, length, NEAR);
}

static void
test_place (void)
{
  const graphene_rect_t area = GRAPHENE_RECT_INIT (100, 50, 200, 100);
  const double half = G_SQRT2 / 2;

  assert_line (esp_compare_line_place (&area, 0.5, 0, FALSE), 200, 100, 1, 0, 100);
  assert_line (esp_compare_line_place (&area, 0, 0, FALSE), 100, 100, 1, 0, 100);
  assert_line (esp_compare_line_place (&area, 1, 0, FALSE), 300, 100, 1, 0, 100);
  assert_line (esp_compare_line_place (&area, 0.25, 0, TRUE), 250, 100, -1, 0, 100);
  assert_line (esp_compare_line_place (&area, 0.25, 90, FALSE), 200, 75, 0, 1, 200);
  assert_line (esp_compare_line_place (&area, 0.5, 45, FALSE), 200, 100, half, half, 100 * G_SQRT2);
  /* Wherever it is, its middle is one that is seen. */
  for (double angle = -75; angle <= 90; angle += 15)
    for (double position = 0; position <= 1; position += 0.125)
      {
        const EspCompareLine line = esp_compare_line_place (&area, position, angle, FALSE);

        g_assert_cmpfloat (line.x, >, 100 - NEAR);
        g_assert_cmpfloat (line.x, <, 300 + NEAR);
        g_assert_cmpfloat (line.y, >, 50 - NEAR);
        g_assert_cmpfloat (line.y, <, 150 + NEAR);
        g_assert_cmpfloat_with_epsilon (hypot (line.normal_x, line.normal_y), 1, NEAR);
      }
}

/* What share of the area is on the start side, by drawing it. */
static double
draw_half (Fixture *fixture, double position, double angle, GskRenderer *renderer)
{
  const graphene_rect_t area = GRAPHENE_RECT_INIT (0, 0, 100, 60);
  const EspCompareLine line = esp_compare_line_place (&area, position, angle, FALSE);
  g_autoptr (GskRenderNode) color = gsk_color_node_new (&(GdkRGBA){ 1, 1, 1, 1 }, &area);
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  g_autofree guint32 *pixels = g_new (guint32, 100 * 60);
  int n = 0;

  esp_compare_line_append_half (&line, snapshot, color, &area, renderer);
  node = gtk_snapshot_free_to_node (snapshot);
  if (node == NULL)
    return 0;
  texture = gsk_renderer_render_texture (gtk_native_get_renderer (GTK_NATIVE (fixture->window)),
                                         node, &area);
  gdk_texture_download (texture, (guchar *) pixels, 100 * 4);
  for (int y = 0; y < 60; y++)
    for (int x = 0; x < 100; x++)
      {
        const gboolean drawn = (pixels[y * 100 + x] & 0xff) > 0x80;
        const double side = (x + 0.5 - line.x) * line.normal_x + (y + 0.5 - line.y) * line.normal_y;

        n += drawn;
        if (fabs (side) > 1.5) /* the line lies over what is nearer */
          g_assert_cmpint (drawn, ==, side < 0);
      }
  return n / 6000.0;
}

static void
assert_halves (Fixture *fixture, GskRenderer *renderer)
{
  g_assert_cmpfloat_with_epsilon (draw_half (fixture, 0.3, 0, renderer), 0.3, 0.01);
  g_assert_cmpfloat_with_epsilon (draw_half (fixture, 0.3, 90, renderer), 0.3, 0.01);
  g_assert_cmpfloat (draw_half (fixture, 0, 0, renderer), ==, 0);
  g_assert_cmpfloat (draw_half (fixture, 1, 0, renderer), ==, 1);
  for (double angle = -75; angle < 90; angle += 15)
    {
      double before = -1;

      g_assert_cmpfloat_with_epsilon (draw_half (fixture, 0.5, angle, renderer), 0.5, 0.01);
      for (double position = 0; position <= 1; position += 0.25)
        {
          const double share = draw_half (fixture, position, angle, renderer);

          g_assert_cmpfloat (share, >, before);
          before = share;
        }
      g_assert_cmpfloat (before, >, 0.98);
    }
}

/* Both ways of cutting give the same. */
static void
test_halves (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GskRenderer) cairo = gsk_cairo_renderer_new ();

  assert_halves (fixture, cairo);
  assert_halves (fixture, NULL);
}

/* --- Keys and the pointer --------------------------------------------------------------------- */

static void
test_keys (Fixture *fixture, gconstpointer data)
{
  GtkWidget *widget = GTK_WIDGET (fixture->divider);

  g_assert_true (gtk_widget_grab_focus (widget));
  g_assert_true (widgets_press_key (widget, GDK_KEY_Right));
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_position (fixture->divider), 0.51, NEAR);
  g_assert_true (widgets_press_key (widget, GDK_KEY_KP_Left));
  g_assert_true (widgets_press_key (widget, GDK_KEY_Left));
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_position (fixture->divider), 0.49, NEAR);
  g_assert_true (widgets_press_key (widget, GDK_KEY_Up)); /* along the line: more */
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_position (fixture->divider), 0.5, NEAR);
  g_assert_true (widgets_press_key (widget, GDK_KEY_Page_Down));
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_position (fixture->divider), 0.6, NEAR);
  g_assert_true (widgets_press_key (widget, GDK_KEY_End));
  g_assert_cmpfloat (esp_compare_divider_get_position (fixture->divider), ==, 1);
  g_assert_true (widgets_press_key (widget, GDK_KEY_Right));
  g_assert_cmpfloat (esp_compare_divider_get_position (fixture->divider), ==, 1);
  g_assert_true (widgets_press_key (widget, GDK_KEY_Home));
  g_assert_cmpfloat (esp_compare_divider_get_position (fixture->divider), ==, 0);
  g_assert_true (widgets_press_key (widget, GDK_KEY_r));

  /* Turned about where it is: in the middle it stays in the middle. */
  for (int i = 0; i < 12; i++)
    g_assert_true (widgets_press_key (widget, GDK_KEY_bracketright));
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_angle (fixture->divider), 0, NEAR);
  g_assert_true (widgets_press_key (widget, GDK_KEY_bracketleft));
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_angle (fixture->divider), -15, NEAR);
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_position (fixture->divider), 0.5, NEAR);

  /* A lying line goes down with Down. */
  esp_compare_divider_set_angle (fixture->divider, 90);
  g_assert_true (widgets_press_key (widget, GDK_KEY_Down));
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_position (fixture->divider), 0.51, NEAR);
  g_assert_true (widgets_press_key (widget, GDK_KEY_r));
  g_assert_cmpfloat (esp_compare_divider_get_angle (fixture->divider), ==, 0);
  g_assert_cmpfloat (esp_compare_divider_get_position (fixture->divider), ==, 0.5);
}

static void
test_keys_rtl (Fixture *fixture, gconstpointer data)
{
  gtk_widget_set_direction (GTK_WIDGET (fixture->divider), GTK_TEXT_DIR_RTL);
  g_assert_true (widgets_press_key (GTK_WIDGET (fixture->divider), GDK_KEY_Left));
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_position (fixture->divider), 0.51, NEAR);
}

/* 44 px around the line are the line's, the rest is the image's. */
static void
test_hit_area (Fixture *fixture, gconstpointer data)
{
  GtkWidget *widget = GTK_WIDGET (fixture->divider);

  g_assert_true (gtk_widget_contains (widget, 200, 150));
  g_assert_true (gtk_widget_contains (widget, 179, 110));
  g_assert_true (gtk_widget_contains (widget, 221, 190));
  g_assert_false (gtk_widget_contains (widget, 176, 150));
  g_assert_false (gtk_widget_contains (widget, 200, 20)); /* far above the image */
  esp_compare_divider_set_position (fixture->divider, 0);
  g_assert_true (gtk_widget_contains (widget, 100, 150));
  g_assert_false (gtk_widget_contains (widget, 200, 150));
  esp_compare_divider_reset (fixture->divider);

  /* Zoomed, it is where it is seen. */
  esp_image_view_set_viewport (fixture->view, FALSE, 8, 0.2, 0.5);
  g_assert_true (gtk_widget_contains (widget, 200, 20));
  g_assert_cmpfloat_with_epsilon (esp_compare_divider_get_line (fixture->divider).x, 200, NEAR);
}

static void
assert_value_text (GtkAccessible *accessible, const char *text)
{
  gtk_test_accessible_assert_property (accessible, GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, text);
}

static void
test_accessible (Fixture *fixture, gconstpointer data)
{
  GtkAccessible *accessible = GTK_ACCESSIBLE (fixture->divider);
  const char *name = "Dividing line: 50 %";

  gtk_test_accessible_assert_role (accessible, GTK_ACCESSIBLE_ROLE_SLIDER);
  gtk_test_accessible_assert_property (accessible, GTK_ACCESSIBLE_PROPERTY_LABEL, name);
  gtk_test_accessible_assert_property (accessible, GTK_ACCESSIBLE_PROPERTY_VALUE_MAX, 100.0);
  esp_compare_divider_set_position (fixture->divider, 0.25);
  gtk_test_accessible_assert_property (accessible, GTK_ACCESSIBLE_PROPERTY_VALUE_NOW, 25.0);
  assert_value_text (accessible, "25 %");
  esp_compare_divider_set_angle (fixture->divider, 195);
  assert_value_text (accessible, "25 %, turned by 15°");
  g_assert_true (gtk_widget_get_focusable (GTK_WIDGET (fixture->divider)));
}

/* On anything it stands out, 3 : 1 at least (WCAG 2.1). */
static void
test_seen (Fixture *fixture, gconstpointer data)
{
  static const guint8 greys[] = { 0, 0x60, 0x80, 0xa0, 0xff };

  for (gsize i = 0; i < G_N_ELEMENTS (greys); i++)
    {
      g_autoptr (EspPicture) picture = esp_picture_new (200, 100, NULL);
      g_autoptr (GdkTexture) texture = NULL;
      g_autoptr (Pixels) pixels = NULL;
      double contrast;

      memset (picture->pixels, greys[i], 200 * 100 * 3);
      texture = esp_texture_new_for_picture (picture);
      esp_image_view_set_image (fixture->view, texture, 200, 100, FALSE);
      gtk_widget_queue_draw (GTK_WIDGET (fixture->divider));
      gtk_test_widget_wait_for_draw (fixture->window);
      pixels = pixels_take (fixture->window);
      /* Above the handle, which is in the middle of 400 × 300. */
      contrast = pixels_get_contrast_in (pixels, &GRAPHENE_RECT_INIT (190, 110, 20, 10));
      g_test_message ("%02x: %.2f : 1", greys[i], contrast);
      g_assert_cmpfloat (contrast, >=, 3);
    }
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);

#define ADD(name, function)                                                                        \
  g_test_add ("/compare-divider/" name, Fixture, NULL, set_up, function, tear_down)
  g_test_add_func ("/compare-divider/place", test_place);
  ADD ("halves", test_halves);
  ADD ("keys", test_keys);
  ADD ("keys-rtl", test_keys_rtl);
  ADD ("hit-area", test_hit_area);
  ADD ("accessible", test_accessible);
  ADD ("seen", test_seen);
  return g_test_run ();
}
