/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-split-view.c: side by side where there is room, else one of both; and the banner. */
#include <adwaita.h>

#include "esp-banner.h"
#include "esp-split-view.h"
#include "widgets.h"

typedef struct
{
  GtkWidget *window;
  EspSplitView *split;
  GtkWidget *start;
  GtkWidget *end;
} Fixture;

static void
settle (Fixture *fixture)
{
  for (int i = 0; i < 3; i++)
    {
      gtk_widget_queue_draw (GTK_WIDGET (fixture->split));
      gtk_test_widget_wait_for_draw (fixture->window);
    }
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->window = gtk_window_new ();
  fixture->split = ESP_SPLIT_VIEW (esp_split_view_new ());
  fixture->start = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  fixture->end = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  esp_split_view_set_start (fixture->split, fixture->start);
  esp_split_view_set_end (fixture->split, fixture->end);
  gtk_window_set_child (GTK_WINDOW (fixture->window), GTK_WIDGET (fixture->split));
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), GPOINTER_TO_INT (data), 400);
  gtk_window_present (GTK_WINDOW (fixture->window));
  settle (fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
}

static void
test_wide (Fixture *fixture, gconstpointer data)
{
  g_assert_false (esp_split_view_get_folded (fixture->split));
  g_assert_true (gtk_widget_get_mapped (fixture->start));
  g_assert_true (gtk_widget_get_mapped (fixture->end));
  g_assert_cmpint (gtk_widget_get_width (fixture->start), ==, 340);
  g_assert_cmpint (gtk_widget_get_width (fixture->end), ==,
                   gtk_widget_get_width (GTK_WIDGET (fixture->split)) - 340);

  esp_split_view_set_position (fixture->split, 400);
  settle (fixture);
  g_assert_cmpint (gtk_widget_get_width (fixture->start), ==, 400);

  /* Neither side is squeezed. */
  esp_split_view_set_position (fixture->split, 5);
  settle (fixture);
  g_assert_cmpint (gtk_widget_get_width (fixture->start), ==, ESP_SPLIT_VIEW_MIN_START);
  esp_split_view_set_position (fixture->split, 5000);
  settle (fixture);
  g_assert_cmpint (gtk_widget_get_width (fixture->start), ==,
                   gtk_widget_get_width (GTK_WIDGET (fixture->split)) * 6 / 10);

  esp_split_view_set_show_start (fixture->split, FALSE);
  settle (fixture);
  g_assert_false (gtk_widget_get_mapped (fixture->start));
  g_assert_cmpint (gtk_widget_get_width (fixture->end), ==,
                   gtk_widget_get_width (GTK_WIDGET (fixture->split)));
}

static void
test_right_to_left (Fixture *fixture, gconstpointer data)
{
  graphene_rect_t bounds;

  gtk_widget_set_direction (GTK_WIDGET (fixture->split), GTK_TEXT_DIR_RTL);
  gtk_widget_queue_resize (GTK_WIDGET (fixture->split));
  settle (fixture);
  g_assert_true (gtk_widget_compute_bounds (fixture->start, GTK_WIDGET (fixture->split), &bounds));
  g_assert_cmpfloat (bounds.origin.x, ==, gtk_widget_get_width (GTK_WIDGET (fixture->split)) - 340);
}

static void
test_narrow (Fixture *fixture, gconstpointer data)
{
  int minimum;

  g_assert_true (esp_split_view_get_folded (fixture->split));
  g_assert_false (gtk_widget_get_mapped (fixture->start));
  g_assert_true (gtk_widget_get_mapped (fixture->end));
  g_assert_cmpint (gtk_widget_get_width (fixture->end), ==,
                   gtk_widget_get_width (GTK_WIDGET (fixture->split)));

  esp_split_view_set_show_end (fixture->split, FALSE);
  settle (fixture);
  g_assert_true (gtk_widget_get_mapped (fixture->start));
  g_assert_false (gtk_widget_get_mapped (fixture->end));

  /* It asks for room for one of both only. */
  gtk_widget_set_size_request (fixture->start, 200, -1);
  gtk_widget_set_size_request (fixture->end, 250, -1);
  gtk_widget_measure (GTK_WIDGET (fixture->split), GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL,
                      NULL, NULL);
  g_assert_cmpint (minimum, ==, 250);
}

static void
test_banner (void)
{
  GtkWidget *banner = g_object_ref_sink (esp_banner_new ());
  int beside, below;

  g_assert_false (gtk_widget_get_visible (banner));
  g_assert_null (esp_banner_get_text (ESP_BANNER (banner)));

  esp_banner_show (ESP_BANNER (banner), "Something lasts",
                   (const EspBannerButton[]){ { "_Do It", "win.do-it" }, { NULL } });
  g_assert_true (gtk_widget_get_visible (banner));
  g_assert_cmpstr (esp_banner_get_text (ESP_BANNER (banner)), ==, "Something lasts");
  gtk_widget_measure (banner, GTK_ORIENTATION_VERTICAL, 800, &beside, NULL, NULL, NULL);
  gtk_widget_measure (banner, GTK_ORIENTATION_VERTICAL, 340, &below, NULL, NULL, NULL);
  g_assert_cmpint (below, >, beside);

  esp_banner_hide (ESP_BANNER (banner));
  g_assert_false (gtk_widget_get_visible (banner));
  g_object_unref (banner);
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);

  g_test_add ("/split-view/wide", Fixture, GINT_TO_POINTER (1200), set_up, test_wide, tear_down);
  g_test_add ("/split-view/right-to-left", Fixture, GINT_TO_POINTER (1200), set_up,
              test_right_to_left, tear_down);
  g_test_add ("/split-view/narrow", Fixture, GINT_TO_POINTER (400), set_up, test_narrow, tear_down);
  g_test_add_func ("/banner/words", test_banner);
  return g_test_run ();
}
