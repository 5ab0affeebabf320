/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-compare-parts.c: the parts of the compare view by themselves: views that are linked, the
 * grid's columns, words. */
#include "compare-fixture.h"

#include "esp-compare-grid.h"
#include "esp-compare-link.h"
#include "esp-compare-row.h"
#include "esp-compare-words.h"
#include "esp-texture-cache.h"
#include "esp-word-diff.h"

#define N_VIEWS 3
#define NEAR    0.005 /* of the frame: a pixel of the screen */

typedef struct
{
  GtkWidget *window;
  EspImageView *views[N_VIEWS];
  EspCompareLink *link;
} Linked;

static void
set_up (Linked *fixture, gconstpointer data)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  g_autoptr (EspPicture) picture = scratch_picture_new (1000, 800, RED);
  g_autoptr (GdkTexture) texture = esp_texture_new_for_picture (picture);

  gtk_box_set_homogeneous (GTK_BOX (box), TRUE);
  fixture->link = esp_compare_link_new ();
  for (int i = 0; i < N_VIEWS; i++)
    {
      fixture->views[i] = ESP_IMAGE_VIEW (esp_image_view_new ());
      gtk_widget_set_hexpand (GTK_WIDGET (fixture->views[i]), TRUE);
      esp_image_view_set_image (fixture->views[i], texture, 1000, 800, FALSE);
      gtk_box_append (GTK_BOX (box), GTK_WIDGET (fixture->views[i]));
      esp_compare_link_add (fixture->link, fixture->views[i]);
    }
  fixture->window = widgets_show (box, 600, 200);
}

static void
tear_down (Linked *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->link, esp_compare_link_free);
  gtk_window_destroy (GTK_WINDOW (fixture->window));
}

static void
assert_shows (EspImageView *view, double zoom, double x, double y)
{
  double shown_x, shown_y;

  g_assert_cmpfloat_with_epsilon (esp_image_view_get_zoom (view), zoom, 1e-6);
  esp_image_view_get_middle (view, &shown_x, &shown_y);
  g_assert_cmpfloat_with_epsilon (shown_x, x, NEAR);
  g_assert_cmpfloat_with_epsilon (shown_y, y, NEAR);
}

/* What is done to any of them is done to all. */
static void
test_linked (Linked *fixture, gconstpointer data)
{
  esp_image_view_set_viewport (fixture->views[1], FALSE, 2, 0.4, 0.6);
  for (int i = 0; i < N_VIEWS; i++)
    assert_shows (fixture->views[i], 2, 0.4, 0.6);
  g_assert_true (widgets_press_key (GTK_WIDGET (fixture->views[2]), GDK_KEY_plus));
  for (int i = 0; i < N_VIEWS; i++)
    assert_shows (fixture->views[i], 3, 0.4, 0.6);
  g_assert_true (widgets_press_key (GTK_WIDGET (fixture->views[0]), GDK_KEY_Right));
  for (int i = 0; i < N_VIEWS; i++)
    assert_shows (fixture->views[i], 3, 0.4 + 20.0 / 3000, 0.6);
  esp_image_view_set_fit (fixture->views[0], TRUE);
  for (int i = 0; i < N_VIEWS; i++)
    g_assert_true (esp_image_view_get_fit (fixture->views[i]));
  g_assert_true (esp_compare_link_is_aligned (fixture->link));
}

/* Unlinked each goes its own way; what then lies between them stays when they move together. */
static void
test_offset (Linked *fixture, gconstpointer data)
{
  double x, y, zoom;

  esp_image_view_set_viewport (fixture->views[0], FALSE, 2, 0.5, 0.5);
  esp_compare_link_set_linked (fixture->link, FALSE);
  esp_image_view_set_viewport (fixture->views[1], FALSE, 2, 0.6, 0.45);
  esp_image_view_set_viewport (fixture->views[2], FALSE, 4, 0.5, 0.5);
  assert_shows (fixture->views[0], 2, 0.5, 0.5);

  esp_compare_link_set_linked (fixture->link, TRUE);
  g_assert_false (esp_compare_link_is_aligned (fixture->link));
  esp_compare_link_get_offset (fixture->link, fixture->views[1], &x, &y, &zoom);
  g_assert_cmpfloat_with_epsilon (x, 0.1, NEAR);
  g_assert_cmpfloat_with_epsilon (y, -0.05, NEAR);
  g_assert_cmpfloat_with_epsilon (zoom, 1, 1e-6);

  esp_image_view_set_viewport (fixture->views[0], FALSE, 3, 0.4, 0.5);
  assert_shows (fixture->views[1], 3, 0.5, 0.45);
  assert_shows (fixture->views[2], 6, 0.4, 0.5);
  /* From the other end it is the same. */
  esp_image_view_set_viewport (fixture->views[1], FALSE, 3, 0.55, 0.5);
  assert_shows (fixture->views[0], 3, 0.45, 0.55);
  assert_shows (fixture->views[2], 6, 0.45, 0.55);

  /* At its edge one stays behind, and has not forgotten where it belongs. */
  esp_image_view_set_viewport (fixture->views[0], FALSE, 3, 0.95, 0.5);
  esp_image_view_set_viewport (fixture->views[0], FALSE, 3, 0.5, 0.5);
  assert_shows (fixture->views[1], 3, 0.6, 0.45);

  esp_compare_link_align (fixture->link);
  g_assert_true (esp_compare_link_is_aligned (fixture->link));
  for (int i = 0; i < N_VIEWS; i++)
    assert_shows (fixture->views[i], 3, 0.5, 0.5);
}

/* A view that goes away is forgotten; one that comes shows what the others show. */
static void
test_come_and_go (Linked *fixture, gconstpointer data)
{
  GtkWidget *box = gtk_widget_get_parent (GTK_WIDGET (fixture->views[0]));
  EspCompareViewport viewport;

  esp_image_view_set_viewport (fixture->views[0], FALSE, 2, 0.4, 0.4);
  gtk_box_remove (GTK_BOX (box), GTK_WIDGET (fixture->views[2]));
  esp_image_view_set_viewport (fixture->views[1], FALSE, 4, 0.5, 0.4);
  assert_shows (fixture->views[0], 4, 0.5, 0.4);
  viewport = esp_compare_link_get_viewport (fixture->link);
  g_assert_cmpfloat (viewport.zoom, ==, 4);
  g_assert_false (viewport.fit);
}

/* --- The grid --------------------------------------------------------------------------------- */

static void
test_columns (void)
{
  const EspFrameSize wide = { 1600, 900 }, tall = { 600, 1200 }, square = { 512, 512 };

  g_assert_cmpuint (esp_compare_grid_count_columns (1, square, 800, 600, 32), ==, 1);
  g_assert_cmpuint (esp_compare_grid_count_columns (2, square, 1200, 600, 32), ==, 2);
  g_assert_cmpuint (esp_compare_grid_count_columns (2, wide, 700, 900, 32), ==, 1);
  g_assert_cmpuint (esp_compare_grid_count_columns (3, tall, 1000, 700, 32), ==, 3);
  g_assert_cmpuint (esp_compare_grid_count_columns (4, square, 1000, 1000, 32), ==, 2);
  g_assert_cmpuint (esp_compare_grid_count_columns (9, square, 900, 900, 32), ==, 3);
  g_assert_cmpuint (esp_compare_grid_count_columns (9, tall, 1600, 600, 32), ==, 9);
  g_assert_cmpuint (esp_compare_grid_count_columns (9, square, 10, 10, 32), ==, 1);
}

/* Of all ways to lay nine in a place none shows them larger. */
static void
test_columns_are_best (void)
{
  const EspFrameSize frame = { 640, 480 };

  for (guint n = 1; n <= ESP_COMPARISON_MAX; n++)
    for (int width = 300; width <= 1500; width += 150)
      {
        const guint chosen = esp_compare_grid_count_columns (n, frame, width, 700, 34);
        double best = 0, own = 0;

        for (guint columns = 1; columns <= n; columns++)
          {
            const guint rows = (n + columns - 1) / columns;
            const double scale = MIN ((width - 6.0 * (columns - 1)) / columns / frame.width,
                                      ((700 - 6.0 * (rows - 1)) / rows - 34) / frame.height);

            best = MAX (best, scale);
            if (columns == chosen)
              own = scale;
          }
        g_assert_cmpfloat (own, >=, best * 0.998);
      }
}

/* --- Words ------------------------------------------------------------------------------------ */

static void
test_marked_words (void)
{
  g_autoptr (GArray) before = NULL;
  g_autoptr (GArray) after = NULL;
  g_autofree char *markup = NULL;
  g_autofree char *words = NULL;
  g_autofree char *plain = NULL;
  g_autoptr (PangoAttrList) attributes = NULL;
  g_autoptr (GError) error = NULL;
  const char *text = "Make <the> sails red & keep";

  esp_word_diff ("Make <the> sails blue & keep", text, &before, &after);
  markup = esp_compare_row_mark (text, after);
  g_assert_true (pango_parse_markup (markup, -1, 0, &attributes, &plain, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (plain, ==, text);
  g_assert_nonnull (strstr (markup, "underline='single' weight='bold'>red"));
  words = esp_compare_row_list_differing (text, after);
  g_assert_cmpstr (words, ==, "red");
}

static void
test_fitted_words (void)
{
  const EspFrameSize sizes[] = { { 1024, 768 }, { 512, 512 }, { 1024, 768 }, { 300, 20 } };
  g_autofree char *two = esp_compare_words_dup_fitted (sizes[0], sizes, 2);
  g_autofree char *four = esp_compare_words_dup_fitted (sizes[0], sizes, 4);
  g_autofree char *one = esp_compare_words_dup_fitted (sizes[0], sizes, 1);

  g_assert_cmpstr (two, ==, "Fitted to 1024 × 768: B was 512 × 512.");
  g_assert_cmpstr (four, ==, "Fitted to 1024 × 768: B was 512 × 512, D was 300 × 20.");
  g_assert_null (one);
}

static void
test_figures_words (void)
{
  const EspDifferenceFigures some = { 3.24, 1, 9, 41.2, 0.178, 100 };
  const EspDifferenceFigures same = { 0, 0, 0, 0, 0, 100 };
  const EspDifferenceFigures none = { 0, 0, 0, 0, 0, 0 };
  g_autofree char *words = esp_compare_words_dup_figures (&some);
  g_autofree char *no = esp_compare_words_dup_figures (&same);
  g_autofree char *nothing = esp_compare_words_dup_figures (&none);

  g_assert_cmpstr (words, ==,
                   "Average difference ΔE 3.2, 18 % of the picture visibly changed, largest ΔE 41");
  g_assert_cmpstr (no, ==, "No difference: every pixel is the same");
  g_assert_cmpstr (nothing, ==, "Nowhere do both have something");
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);

  g_test_add ("/compare-parts/linked", Linked, NULL, set_up, test_linked, tear_down);
  g_test_add ("/compare-parts/offset", Linked, NULL, set_up, test_offset, tear_down);
  g_test_add ("/compare-parts/come-and-go", Linked, NULL, set_up, test_come_and_go, tear_down);
  g_test_add_func ("/compare-parts/columns", test_columns);
  g_test_add_func ("/compare-parts/columns-are-best", test_columns_are_best);
  g_test_add_func ("/compare-parts/marked-words", test_marked_words);
  g_test_add_func ("/compare-parts/fitted-words", test_fitted_words);
  g_test_add_func ("/compare-parts/figures-words", test_figures_words);
  return g_test_run ();
}
