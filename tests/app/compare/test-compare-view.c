/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-compare-view.c: nodes compared in every way: what is drawn, said, and done by keys.
 *
 * With ESP_SCREENSHOTS=DIR each state is written there as a picture to look at. */
#include "compare-fixture.h"

#include "esp-compare-view-private.h"

static GtkWidget *
get_pane_view (CompareFixture *fixture, guint index)
{
  return GTK_WIDGET (esp_compare_pane_get_view (fixture->view->panes->pdata[index]));
}

/* --- Side by side ----------------------------------------------------------------------------- */

static void
test_side (CompareFixture *fixture, gconstpointer data)
{
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_SIDE);
  g_assert_cmpuint (fixture->view->panes->len, ==, 2);
  compare_assert_color (compare_get_pixel (get_pane_view (fixture, 0), 0.5, 0.5), RED);
  compare_assert_color (compare_get_pixel (get_pane_view (fixture, 1), 0.5, 0.5), GREEN);
  widgets_take_screenshot (fixture->window, "compare-side-2");

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], fixture->turns[2],
                fixture->turns[3], NULL);
  g_assert_cmpuint (fixture->view->panes->len, ==, 4);
  compare_assert_color (compare_get_pixel (get_pane_view (fixture, 2), 0.5, 0.5), BLUE);
  compare_assert_color (compare_get_pixel (get_pane_view (fixture, 3), 0.5, 0.5), YELLOW);
  widgets_take_screenshot (fixture->window, "compare-side-4");
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);

#define ADD(name, function)                                                                        \
  g_test_add ("/compare-view/" name, CompareFixture, NULL, compare_set_up, function,               \
              compare_tear_down)
  ADD ("side", test_side);
  return g_test_run ();
}
