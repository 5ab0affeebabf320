/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-compare-view.c: nodes compared in every way: what is drawn and said.
 *
 * With ESP_SCREENSHOTS=DIR each state is written there as a picture to look at. */
#include "compare-fixture.h"

#include "esp-compare-title.h"
#include "esp-compare-view-private.h"
#include "esp-texture-cache.h"

static GtkWidget *
get_pane_view (CompareFixture *fixture, guint index)
{
  return GTK_WIDGET (esp_compare_pane_get_view (fixture->view->panes->pdata[index]));
}

static GtkWidget *
get_pair_view (CompareFixture *fixture)
{
  return GTK_WIDGET (esp_compare_pair_get_view (fixture->view->pair));
}

static void
take_screenshot (CompareFixture *fixture, const char *name)
{
  g_autofree char *file = g_strconcat ("compare-", name, NULL);

  widgets_take_screenshot (fixture->window, file);
}

static void
assert_label (GtkWidget *widget, const char *expected)
{
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       expected);
}

static void
assert_label_begins (GtkWidget *widget, const char *beginning)
{
  g_autofree char *label = compare_dup_label (widget);

  g_assert_nonnull (label);
  if (!g_str_has_prefix (label, beginning))
    g_error ("“%s” does not begin with “%s”", label, beginning);
}

static void
hold_in_mode (CompareFixture *fixture, EspCompareMode mode)
{
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  esp_compare_view_set_mode (fixture->view, mode);
  compare_settle (fixture);
  g_assert_true (gtk_widget_get_mapped (get_pair_view (fixture)));
}

/* --- Each mode -------------------------------------------------------------------------------- */

static void
test_side (CompareFixture *fixture, gconstpointer data)
{
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_SIDE);
  g_assert_cmpuint (fixture->view->panes->len, ==, 2);
  compare_assert_color (compare_get_pixel (get_pane_view (fixture, 0), 0.5, 0.5), RED);
  compare_assert_color (compare_get_pixel (get_pane_view (fixture, 1), 0.5, 0.5), GREEN);
  assert_label_begins (get_pane_view (fixture, 0), "A: Make it red");
  assert_label_begins (get_pane_view (fixture, 1), "B: Make it green, and quiet");
  take_screenshot (fixture, "side-2");

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], fixture->turns[2], fixture->turns[3],
                NULL);
  g_assert_cmpuint (fixture->view->panes->len, ==, 4);
  compare_assert_color (compare_get_pixel (get_pane_view (fixture, 2), 0.5, 0.5), BLUE);
  compare_assert_color (compare_get_pixel (get_pane_view (fixture, 3), 0.5, 0.5), YELLOW);
  assert_label_begins (get_pane_view (fixture, 3), "D: Make it yellow");
  take_screenshot (fixture, "side-4");
}

/* The line from upright to lying, and from one side to the other. */
static void
test_slider (CompareFixture *fixture, gconstpointer data)
{
  EspCompareDivider *divider = esp_compare_pair_get_divider (fixture->view->pair);
  GtkWidget *view = get_pair_view (fixture);

  hold_in_mode (fixture, ESP_COMPARE_SLIDER);
  compare_assert_color (compare_get_pixel (view, 0.42, 0.4), RED);
  compare_assert_color (compare_get_pixel (view, 0.58, 0.4), GREEN);
  take_screenshot (fixture, "slider");

  esp_compare_divider_set_position (divider, 0.1);
  compare_assert_color (compare_get_pixel (view, 0.42, 0.4), GREEN);
  esp_compare_divider_set_position (divider, 0.9);
  compare_assert_color (compare_get_pixel (view, 0.58, 0.4), RED);

  esp_compare_divider_reset (divider);
  esp_compare_divider_set_angle (divider, 90);
  compare_assert_color (compare_get_pixel (view, 0.58, 0.4), RED);
  compare_assert_color (compare_get_pixel (view, 0.42, 0.6), GREEN);

  esp_compare_divider_set_angle (divider, 45);
  compare_assert_color (compare_get_pixel (view, 0.44, 0.44), RED);
  compare_assert_color (compare_get_pixel (view, 0.56, 0.56), GREEN);
  take_screenshot (fixture, "slider-45");

  /* However far it is zoomed, the line divides what is seen. */
  esp_image_view_set_zoom (ESP_IMAGE_VIEW (view), 8);
  esp_compare_divider_reset (divider);
  compare_assert_color (compare_get_pixel (view, 0.2, 0.5), RED);
  compare_assert_color (compare_get_pixel (view, 0.8, 0.5), GREEN);
}

/* Where one reads from the right, A is on the right. */
static void
test_slider_rtl (CompareFixture *fixture, gconstpointer data)
{
  gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  hold_in_mode (fixture, ESP_COMPARE_SLIDER);
  compare_assert_color (compare_get_pixel (get_pair_view (fixture), 0.42, 0.4), GREEN);
  compare_assert_color (compare_get_pixel (get_pair_view (fixture), 0.58, 0.4), RED);
  take_screenshot (fixture, "slider-rtl");
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
}

static gboolean
shows_a (gpointer data)
{
  return esp_compare_pair_get_showing_a (((CompareFixture *) data)->view->pair);
}

static gboolean
shows_b (gpointer data)
{
  return !shows_a (data);
}

static void
test_flicker (CompareFixture *fixture, gconstpointer data)
{
  GtkWidget *view = get_pair_view (fixture);

  hold_in_mode (fixture, ESP_COMPARE_FLICKER);
  compare_assert_color (compare_get_pixel (view, 0.5, 0.5), GREEN);
  assert_label_begins (view, "B: Make it green");
  take_screenshot (fixture, "flicker");

  gtk_widget_grab_focus (GTK_WIDGET (fixture->view));
  g_assert_true (compare_press (fixture, GDK_KEY_space, 0));
  compare_assert_color (compare_get_pixel (view, 0.5, 0.5), RED);
  assert_label_begins (view, "A: Make it red");
  compare_let_go (fixture, GDK_KEY_space);
  compare_assert_color (compare_get_pixel (view, 0.5, 0.5), GREEN);

  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.flip", NULL);
  compare_assert_color (compare_get_pixel (view, 0.5, 0.5), RED);

  /* By itself, until it is told to stop; other modes stop it, too. */
  gtk_adjustment_set_value (fixture->view->interval, 0.2);
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.alternate", NULL);
  for (int i = 0; i < 2; i++)
    {
      g_assert_true (scratch_wait_for (shows_b, fixture));
      g_assert_true (scratch_wait_for (shows_a, fixture));
    }
  esp_compare_view_set_mode (fixture->view, ESP_COMPARE_ONION);
  g_assert_cmpuint (fixture->view->alternate_id, ==, 0);
  g_assert_false (shows_a (fixture));
}

static void
test_onion (CompareFixture *fixture, gconstpointer data)
{
  GtkWidget *view = get_pair_view (fixture);

  hold_in_mode (fixture, ESP_COMPARE_ONION);
  gtk_adjustment_set_value (fixture->view->opacity, 0.5);
  compare_assert_color (compare_get_pixel (view, 0.5, 0.5), 0x706020);
  take_screenshot (fixture, "onion");
  gtk_adjustment_set_value (fixture->view->opacity, 0);
  compare_assert_color (compare_get_pixel (view, 0.5, 0.5), RED);
  gtk_adjustment_set_value (fixture->view->opacity, 1);
  compare_assert_color (compare_get_pixel (view, 0.5, 0.5), GREEN);
}

static guint
get_lightness (guint color)
{
  return (color >> 16 & 0xff) + (color >> 8 & 0xff) + (color & 0xff);
}

/* Black where both are the same (the square), the lighter the higher the gain elsewhere. */
static void
test_difference (CompareFixture *fixture, gconstpointer data)
{
  GtkWidget *view = get_pair_view (fixture);
  graphene_rect_t place;
  double corner_x, corner_y;
  guint before;

  compare_hold (fixture, fixture->photo, fixture->turns[0], NULL);
  esp_compare_view_set_mode (fixture->view, ESP_COMPARE_DIFFERENCE);
  compare_settle (fixture);
  esp_image_view_get_place (ESP_IMAGE_VIEW (view), &place);
  corner_x = (place.origin.x + place.size.width / 8) / gtk_widget_get_width (view);
  corner_y = (place.origin.y + place.size.height / 8) / gtk_widget_get_height (view);
  compare_assert_color (compare_get_pixel (view, corner_x, corner_y), esp_difference_get_heat (0));
  before = get_lightness (compare_get_pixel (view, 0.5, 0.5));
  g_assert_cmpuint (before, >, 0);
  g_assert_true (gtk_widget_get_visible (fixture->view->notice));
  g_assert_true (g_str_has_prefix (gtk_label_get_label (GTK_LABEL (fixture->view->notice)),
                                   "Average difference ΔE "));
  assert_label_begins (view, "Average difference ΔE ");
  take_screenshot (fixture, "difference");

  gtk_adjustment_set_value (fixture->view->gain, 50);
  compare_settle (fixture);
  g_assert_cmpuint (get_lightness (compare_get_pixel (view, 0.5, 0.5)), >, before);
  compare_assert_color (compare_get_pixel (view, 0.5, 0.5), 0xffffff);
  compare_assert_color (compare_get_pixel (view, corner_x, corner_y), esp_difference_get_heat (0));
  g_assert_cmpstr (gtk_label_get_label (fixture->view->legend_end), ==, "1");

  compare_hold (fixture, fixture->photo, fixture->photo, fixture->turns[0], NULL);
  g_assert_cmpuint (esp_compare_view_get_nodes (fixture->view)->len, ==, 2); /* each once */
}

/* The value under the pointer is that of the pixel it is on. */
static void
test_pointed (CompareFixture *fixture, gconstpointer data)
{
  EspDifference *difference;
  graphene_rect_t place;

  hold_in_mode (fixture, ESP_COMPARE_DIFFERENCE);
  difference
      = esp_difference_map_get_difference (esp_compare_pair_get_difference (fixture->view->pair));
  esp_image_view_get_place (ESP_IMAGE_VIEW (get_pair_view (fixture)), &place);
  g_assert_cmpfloat (esp_compare_pair_get_pointed (fixture->view->pair), <, 0);
  esp_compare_pair_point_at (fixture->view->pair, place.origin.x + 5, place.origin.y + 5);
  g_assert_cmpfloat (esp_compare_pair_get_pointed (fixture->view->pair), ==, 0);
  esp_compare_pair_point_at (fixture->view->pair, place.origin.x + 200, place.origin.y + 200);
  g_assert_cmpfloat (esp_compare_pair_get_pointed (fixture->view->pair), ==,
                     esp_difference_get_value (difference, 200, 200));
  g_assert_true (g_str_has_prefix (gtk_label_get_label (fixture->view->pointed), "Here ΔE "));
  esp_compare_pair_point_at (fixture->view->pair, place.origin.x - 5, place.origin.y);
  g_assert_cmpfloat (esp_compare_pair_get_pointed (fixture->view->pair), <, 0);
}

/* The same part of the image is seen in all modes. */
static void
test_viewport_is_kept (CompareFixture *fixture, gconstpointer data)
{
  EspImageView *pair = ESP_IMAGE_VIEW (get_pair_view (fixture));
  double x, y;

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  esp_image_view_set_viewport (ESP_IMAGE_VIEW (get_pane_view (fixture, 1)), FALSE, 8, 0.4, 0.6);
  esp_compare_view_set_mode (fixture->view, ESP_COMPARE_SLIDER);
  compare_settle (fixture);
  g_assert_cmpfloat (esp_image_view_get_zoom (pair), ==, 8);
  esp_image_view_get_middle (pair, &x, &y);
  g_assert_cmpfloat_with_epsilon (x, 0.4, 0.01);
  g_assert_cmpfloat_with_epsilon (y, 0.6, 0.01);

  esp_image_view_set_viewport (pair, FALSE, 16, 0.5, 0.5);
  esp_compare_view_set_mode (fixture->view, ESP_COMPARE_SIDE);
  compare_settle (fixture);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpfloat (esp_image_view_get_zoom (ESP_IMAGE_VIEW (get_pane_view (fixture, i))), ==,
                       16);
}

/* --- What is said ----------------------------------------------------------------------------- */

/* Other sizes and shapes: fitted to the largest, and said. */
static void
test_fitted (CompareFixture *fixture, gconstpointer data)
{
  EspNode *tall = scratch_document_import (fixture->document, 60, 120, YELLOW);
  GtkWidget *view = get_pair_view (fixture);
  graphene_rect_t place;

  compare_hold (fixture, fixture->turns[0], tall, NULL);
  g_assert_cmpstr (gtk_label_get_label (GTK_LABEL (fixture->view->notice)), ==,
                   "Fitted to 320 × 240: B was 60 × 120.");
  take_screenshot (fixture, "fitted");
  esp_compare_view_set_mode (fixture->view, ESP_COMPARE_ONION);
  gtk_adjustment_set_value (fixture->view->opacity, 1);
  compare_settle (fixture);
  esp_image_view_get_place (ESP_IMAGE_VIEW (view), &place);
  g_assert_cmpfloat (place.size.width, ==, 320);
  compare_assert_color (compare_get_pixel (view, 0.5, 0.5), YELLOW);
  compare_assert_color (
      compare_get_pixel (view, (place.origin.x + 300) / gtk_widget_get_width (view), 0.5), RED);

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  g_assert_false (gtk_widget_get_visible (fixture->view->notice));
}

static void
test_left_out (CompareFixture *fixture, gconstpointer data)
{
  EspNode *failed = scratch_document_add_turn (fixture->document, fixture->photo, "Make it crash");

  scratch_document_set_state (fixture->document, failed, ESP_NODE_FAILED, "The worker crashed.");
  compare_hold (fixture, fixture->turns[0], failed, fixture->turns[2], NULL);
  g_assert_cmpuint (esp_compare_view_get_nodes (fixture->view)->len, ==, 2);
  g_assert_true (esp_compare_view_get_b (fixture->view) == fixture->turns[2]);
  g_assert_cmpstr (gtk_label_get_label (GTK_LABEL (fixture->view->notice)), ==,
                   "“Make it crash” failed and is left out.");

  /* Nothing to compare: nothing is held. */
  compare_hold (fixture, fixture->turns[0], failed, NULL);
  g_assert_null (esp_compare_view_get_nodes (fixture->view));
}

static gboolean
is_blue (gpointer data)
{
  const guint color = compare_get_pixel (get_pane_view (data, 1), 0.5, 0.5);

  return (color & 0xff) > 0xb0 && color >> 16 < 0x30;
}

static gboolean
is_yellow (gpointer data)
{
  const guint color = compare_get_pixel (get_pane_view (data, 1), 0.5, 0.5);

  return (color & 0xff) < 0x30 && color >> 16 > 0xb0;
}

/* A turn that runs is seen as it comes along, and then its image; if it fails it is left out. */
static void
test_running (CompareFixture *fixture, gconstpointer data)
{
  EspNode *turn = scratch_document_add_turn (fixture->document, fixture->photo, "Make it bluer");
  EspNode *other = scratch_document_add_turn (fixture->document, fixture->photo, "Make it odd");
  EspNodeProgress progress = { 0.5, 14, 28, 3, FALSE, NULL, NULL };
  g_autoptr (EspPicture) preview = scratch_picture_new (32, 24, YELLOW);

  scratch_document_set_state (fixture->document, turn, ESP_NODE_RUNNING, NULL);
  compare_hold (fixture, fixture->turns[0], turn, other, NULL);
  g_assert_cmpuint (esp_compare_view_get_nodes (fixture->view)->len, ==, 3);
  esp_node_set_progress (turn, &progress, preview);
  g_assert_true (scratch_wait_for (is_yellow, fixture));
  take_screenshot (fixture, "running");

  scratch_document_finish_turn (fixture->document, turn, 320, 240, BLUE);
  g_assert_true (scratch_wait_for (is_blue, fixture));

  scratch_document_set_state (fixture->document, other, ESP_NODE_FAILED, "No memory.");
  compare_settle (fixture);
  g_assert_cmpuint (esp_compare_view_get_nodes (fixture->view)->len, ==, 2);
  g_assert_cmpstr (gtk_label_get_label (GTK_LABEL (fixture->view->notice)), ==,
                   "“Make it odd” failed and is left out.");
}

/* --- The table -------------------------------------------------------------------------------- */

static GtkWidget *
find_row (CompareFixture *fixture, const char *beginning)
{
  g_autoptr (GPtrArray) rows = widgets_find_all (fixture->view->table, widgets_has_type,
                                                 GSIZE_TO_POINTER (GTK_TYPE_LIST_BOX_ROW));

  for (guint i = 0; i < rows->len; i++)
    {
      g_autofree char *label = compare_dup_label (rows->pdata[i]);

      if (label != NULL && g_str_has_prefix (label, beginning))
        return rows->pdata[i];
    }
  return NULL;
}

static void
test_table (CompareFixture *fixture, gconstpointer data)
{
  GtkWidget *row;
  int height;

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  row = find_row (fixture, "Instruction. ");
  g_assert_nonnull (row);
  assert_label (row, "Instruction. A: Make it red. Different in A: red. "
                     "B: Make it green, and quiet. Different in B: green, and quiet.");
  g_assert_null (find_row (fixture, "Steps. "));

  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.all-rows", NULL);
  compare_settle (fixture);
  g_assert_nonnull (find_row (fixture, "Steps. "));
  height = gtk_widget_get_height (fixture->view->table);
  g_assert_cmpint (height, <=, (int) (gtk_widget_get_height (GTK_WIDGET (fixture->view)) * 0.34));
  g_assert_cmpint (height, >, 100);
  take_screenshot (fixture, "all-rows");

  g_assert_true (compare_press (fixture, GDK_KEY_t, 0));
  compare_settle (fixture);
  g_assert_false (gtk_widget_get_mapped (fixture->view->table));
}

/* --- Narrow, and letting go ------------------------------------------------------------------- */

static void
test_narrow (CompareFixture *fixture, gconstpointer data)
{
  int minimum;

  /* The window can become narrow before it is told that it is. */
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  for (int mode = ESP_COMPARE_SIDE; mode <= ESP_COMPARE_DIFFERENCE; mode++)
    {
      esp_compare_view_set_mode (fixture->view, (EspCompareMode) mode);
      gtk_widget_measure (GTK_WIDGET (fixture->view), GTK_ORIENTATION_HORIZONTAL, -1, &minimum,
                          NULL, NULL, NULL);
      g_assert_cmpint (minimum, <=, 360);
    }
  esp_compare_view_set_mode (fixture->view, ESP_COMPARE_SIDE);
  esp_compare_view_set_narrow (fixture->view, TRUE);
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_SLIDER);
  g_assert_false (gtk_widget_get_visible (fixture->view->table));
  g_assert_true (compare_press (fixture, GDK_KEY_m, 0));
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_FLICKER);
  gtk_widget_measure (GTK_WIDGET (fixture->view), GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL,
                      NULL, NULL);
  g_assert_cmpint (minimum, <=, 360);
  g_assert_true (compare_press (fixture, GDK_KEY_m, 0));
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_SLIDER);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 360, 640);
  compare_settle (fixture);
  take_screenshot (fixture, "narrow");

  esp_compare_view_set_narrow (fixture->view, FALSE);
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_SIDE);
  g_assert_true (gtk_widget_get_visible (fixture->view->table));
}

static void
test_lets_go (CompareFixture *fixture, gconstpointer data)
{
  GdkTexture *textures[3];
  EspNode *nodes[3] = { fixture->turns[0], fixture->turns[1], fixture->turns[2] };

  hold_in_mode (fixture, ESP_COMPARE_DIFFERENCE);
  compare_hold (fixture, nodes[0], nodes[1], nodes[2], NULL);
  for (int i = 0; i < 3; i++)
    {
      textures[i] = esp_texture_peek (nodes[i]);
      g_assert_nonnull (textures[i]);
      g_object_add_weak_pointer (G_OBJECT (textures[i]), (gpointer *) &textures[i]);
    }
  esp_compare_view_set_nodes (fixture->view, NULL, NULL);
  g_assert_null (esp_compare_view_get_nodes (fixture->view));
  g_assert_null (esp_compare_view_get_document (fixture->view));
  for (int i = 0; i < 3; i++)
    g_assert_true (scratch_wait_for (scratch_is_null, &textures[i]));
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);

#define ADD(name, function)                                                                        \
  g_test_add ("/compare-view/" name, CompareFixture, NULL, compare_set_up, function,               \
              compare_tear_down)
  ADD ("side", test_side);
  ADD ("slider", test_slider);
  ADD ("slider-rtl", test_slider_rtl);
  ADD ("flicker", test_flicker);
  ADD ("onion", test_onion);
  ADD ("difference", test_difference);
  ADD ("pointed", test_pointed);
  ADD ("viewport-is-kept", test_viewport_is_kept);
  ADD ("fitted", test_fitted);
  ADD ("left-out", test_left_out);
  ADD ("running", test_running);
  ADD ("table", test_table);
  ADD ("narrow", test_narrow);
  ADD ("lets-go", test_lets_go);
  return g_test_run ();
}
