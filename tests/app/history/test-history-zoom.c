/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-history-zoom.c: only what is in view is drawn; zooming. */
#include <math.h>

#include "history-fixture.h"
#include "history-tree.h"

/* --- Size and zoom ---------------------------------------------------------------------------- */

static void
test_large (Fixture *fixture, gconstpointer data)
{
  EspTreeItems *items = esp_tree_view_get_items (fixture->tree);
  EspNode *cursor;

  history_tree_grow (fixture->document, 500, 3, NULL);
  settle ();
  g_assert_cmpuint (esp_tree_items_get_n (items), >, 2 * ESP_TREE_VIEW_MAX_CARDS);
  g_assert_cmpuint (esp_tree_view_get_n_drawn (fixture->tree), <, 40);
  g_assert_cmpuint (esp_tree_view_get_n_cards (fixture->tree), <=, ESP_TREE_VIEW_MAX_CARDS);
  g_assert_cmpuint (count_cards (fixture), ==, esp_tree_view_get_n_cards (fixture->tree));

  /* The keyboard goes on where no card was before. */
  gtk_widget_grab_focus (GTK_WIDGET (fixture->history));
  press (fixture, GDK_KEY_End, 0);
  cursor = esp_tree_view_get_cursor (fixture->tree);
  g_assert_true (gtk_root_get_focus (GTK_ROOT (fixture->window))
                 == GTK_WIDGET (find_card (fixture, cursor)));

  /* Far away, where there would be too many, they are drawn without cards; the keyboard's stays. */
  esp_history_zoom_fit (fixture->history);
  settle ();
  g_assert_cmpuint (esp_tree_view_get_n_drawn (fixture->tree), >, ESP_TREE_VIEW_MAX_CARDS);
  g_assert_cmpuint (esp_tree_view_get_n_cards (fixture->tree), ==, 1);
  g_assert_nonnull (find_card (fixture, cursor));
}

static void
test_zoom (Fixture *fixture, gconstpointer data)
{
  graphene_rect_t before, after;

  add_turn (fixture, fixture->photo, "One");
  g_assert_true (esp_tree_view_get_node_area (fixture->tree, fixture->photo, &before));
  esp_history_zoom_in (fixture->history);
  settle ();
  g_assert_true (esp_tree_view_get_node_area (fixture->tree, fixture->photo, &after));
  g_assert_cmpfloat (fabs (after.size.width - before.size.width * 1.25), <, 0.01);
  for (guint i = 0; i < 40; i++)
    esp_history_zoom_out (fixture->history);
  g_assert_cmpfloat (esp_tree_view_get_zoom (fixture->tree), ==, ESP_TREE_VIEW_MIN_ZOOM);
  /* It is remembered with the document. */
  esp_history_set_document (fixture->history, NULL);
  g_assert_cmpstr (esp_document_get_view (fixture->document, "history.zoom"), ==, "0.010000");
  esp_history_set_document (fixture->history, fixture->document);
  g_assert_cmpfloat (esp_tree_view_get_zoom (fixture->tree), ==, ESP_TREE_VIEW_MIN_ZOOM);
}

/* Two fingers: each move counts from where they began. */
static void
test_pinch (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (GTK_WIDGET (fixture->tree));
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) gesture = g_list_model_get_item (controllers, i);

      if (!GTK_IS_GESTURE_ZOOM (gesture))
        continue;
      n++;
      g_signal_emit_by_name (gesture, "begin", NULL);
      g_signal_emit_by_name (gesture, "scale-changed", 0.8);
      g_signal_emit_by_name (gesture, "scale-changed", 0.5);
      g_assert_cmpfloat (fabs (esp_tree_view_get_zoom (fixture->tree) - 0.5), <, 0.001);
      g_signal_emit_by_name (gesture, "begin", NULL);
      g_signal_emit_by_name (gesture, "scale-changed", 100.0);
      g_assert_cmpfloat (esp_tree_view_get_zoom (fixture->tree), ==, ESP_TREE_VIEW_MAX_ZOOM);
    }
  g_assert_cmpuint (n, ==, 1);
}

/* A tree that is wider than a hundred views is seen as a whole all the same. */
static void
test_zoom_wide (Fixture *fixture, gconstpointer data)
{
  const guint n = 1000;
  double width, height, zoom;
  graphene_rect_t seen;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *instruction = g_strdup_printf ("Turn %u", i);

      scratch_document_add_turn (fixture->document, fixture->photo, instruction);
    }
  settle ();
  esp_history_zoom_fit (fixture->history);
  settle ();
  zoom = esp_tree_view_get_zoom (fixture->tree);
  g_assert_cmpfloat (zoom, <, ESP_TREE_VIEW_MIN_ZOOM);
  g_assert_cmpfloat (zoom, ==, esp_tree_view_get_min_zoom (fixture->tree));
  esp_tree_view_get_extent (fixture->tree, &width, &height);
  esp_tree_view_get_visible_area (fixture->tree, &seen);
  g_assert_cmpfloat (seen.size.width, >=, width);
  g_assert_cmpuint (esp_tree_view_get_n_drawn (fixture->tree), ==, n + 1);
  /* That is the end; and it is stored to the digit. */
  esp_history_zoom_out (fixture->history);
  g_assert_cmpfloat (esp_tree_view_get_zoom (fixture->tree), ==, zoom);
  esp_history_set_document (fixture->history, NULL);
  esp_history_set_document (fixture->history, fixture->document);
  g_assert_cmpfloat (fabs (esp_tree_view_get_zoom (fixture->tree) - zoom), <, 1e-6);
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);
  TEST ("large", test_large);
  TEST ("zoom", test_zoom);
  TEST ("pinch", test_pinch);
  TEST ("zoom-wide", test_zoom_wide);
  return g_test_run ();
}
