/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-history-looks.c: what the history draws by itself in high contrast (3 : 1 at least, as WCAG
 * asks of what is no text), and with text of twice the size. */
#include "esp-mini-map.h"
#include "history-fixture.h"
#include "history-tree.h"
#include "pixels.h"
#include "scratch-wait.h"

#define ENOUGH 3.0

static const AdwColorScheme schemes[]
    = { ADW_COLOR_SCHEME_FORCE_LIGHT, ADW_COLOR_SCHEME_FORCE_DARK };

static void
set_scheme (guint i)
{
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (), schemes[i]);
  settle ();
}

static void
get_area (Fixture *fixture, EspNode *node, graphene_rect_t *area)
{
  graphene_point_t origin;

  g_assert_true (esp_tree_view_get_node_area (fixture->tree, node, area));
  g_assert_true (gtk_widget_compute_point (GTK_WIDGET (fixture->tree), fixture->window,
                                           &area->origin, &origin));
  area->origin = origin;
}

static void
assert_seen (Fixture *fixture, const char *what, float x, float y, float width, float height)
{
  g_autoptr (Pixels) pixels = pixels_take (fixture->window);
  const double contrast
      = pixels_get_contrast_in (pixels, &GRAPHENE_RECT_INIT (x, y, width, height));

  g_test_message ("%s: %.2f : 1", what, contrast);
  g_assert_cmpfloat (contrast, >=, ENOUGH);
}

/* Between the cards there are lines alone, those on the way to the current node and others. */
static void
test_lines (Fixture *fixture, gconstpointer data)
{
  EspNode *turn = add_turn (fixture, fixture->photo, "Snow");
  EspNode *other = add_turn (fixture, fixture->photo, "Fog");
  graphene_rect_t photo, below, beside;

  g_assert_true (adw_style_manager_get_high_contrast (adw_style_manager_get_default ()));
  esp_document_set_current (fixture->document, turn);
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      set_scheme (i);
      get_area (fixture, fixture->photo, &photo);
      get_area (fixture, turn, &below);
      get_area (fixture, other, &beside);
      assert_seen (fixture, "a line on the path", below.origin.x,
                   photo.origin.y + photo.size.height + 1, below.size.width,
                   below.origin.y - photo.origin.y - photo.size.height - 2);
      assert_seen (fixture, "a line off the path", beside.origin.x,
                   photo.origin.y + photo.size.height + 1, beside.size.width,
                   beside.origin.y - photo.origin.y - photo.size.height - 2);
    }
}

/* Each on a side of a card where nothing else is. */
static void
test_rings (Fixture *fixture, gconstpointer data)
{
  EspNode *turn = add_turn (fixture, fixture->photo, "Snow");
  graphene_rect_t photo, below;

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      esp_document_set_current (fixture->document, fixture->photo);
      esp_tree_view_clear_selected (fixture->tree);
      set_scheme (i);
      get_area (fixture, fixture->photo, &photo);
      get_area (fixture, turn, &below);
      assert_seen (fixture, "the ring", photo.origin.x + photo.size.width / 2, photo.origin.y, 8,
                   12);
      gtk_window_set_focus_visible (GTK_WINDOW (fixture->window), TRUE);
      esp_tree_view_set_cursor (fixture->tree, turn);
      gtk_widget_grab_focus (GTK_WIDGET (fixture->tree));
      settle ();
      assert_seen (fixture, "the keyboard's place", below.origin.x - 3,
                   below.origin.y + below.size.height / 2, 12, 8);
      /* Of several that are selected, one that has not the keyboard. */
      press (fixture, GDK_KEY_Up, GDK_SHIFT_MASK);
      assert_seen (fixture, "selected ones", below.origin.x - 3,
                   below.origin.y + below.size.height / 2, 12, 8);
    }
}

static void
test_mini_map (Fixture *fixture, gconstpointer data)
{
  graphene_rect_t area;
  GtkWidget *map;

  history_tree_grow (fixture->document, 300, 1, NULL);
  settle ();
  esp_tree_view_set_zoom (fixture->tree, 1);
  settle ();
  map = find_one (fixture, ESP_TYPE_MINI_MAP);
  g_assert_true (gtk_widget_get_mapped (map));
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      set_scheme (i);
      g_assert_true (gtk_widget_compute_bounds (map, fixture->window, &area));
      assert_seen (fixture, "nodes in the map", area.origin.x + 3, area.origin.y + 3,
                   area.size.width - 6, area.size.height - 6);
      /* Its edge, beyond its corner's curve. */
      assert_seen (fixture, "the map", area.origin.x - 3, area.origin.y + area.size.height / 2, 5,
                   1);
    }
}

/* --- Large text ------------------------------------------------------------------------------- */

static void
extend (graphene_rect_t *box, int x, int y)
{
  const graphene_rect_t pixel = GRAPHENE_RECT_INIT ((float) x, (float) y, 1, 1);

  if (box->size.width > 0)
    graphene_rect_union (box, &pixel, box);
  else
    *box = pixel;
}

/* The number of a stack: light ink on a dark pill, on a red picture's right half. */
static void
check_badge (Fixture *fixture, EspNode *node)
{
  g_autoptr (Pixels) pixels = pixels_take (fixture->window);
  graphene_rect_t card, ink = { 0 }, pill = { 0 };

  get_area (fixture, node, &card);
  for (int y = (int) card.origin.y + 8; y < (int) (card.origin.y + card.size.height / 2); y++)
    for (int x = (int) (card.origin.x + card.size.width / 2);
         x < (int) (card.origin.x + card.size.width) - 12; x++)
      {
        const guint32 color = pixels_get (pixels, x, y);

        if ((color & 0xff) > 0x90) /* blue, as there is in white alone */
          extend (&ink, x, y);
        else if ((color >> 16 & 0xff) < 0x80)
          extend (&pill, x, y);
      }
  g_test_message ("ink of %.0f by %.0f on %.0f by %.0f", (double) ink.size.width,
                  (double) ink.size.height, (double) pill.size.width, (double) pill.size.height);
  g_assert_cmpfloat (ink.size.height, >, 4);
  g_assert_true (graphene_rect_contains_rect (&pill, &ink));
  g_assert_cmpfloat (pill.size.height, >=, 1.5 * ink.size.height);
}

static void
test_badge (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) nodes = add_variations (fixture, fixture->photo, 3);
  GtkSettings *settings = gtk_widget_get_settings (fixture->window);
  int dpi;

  for (guint i = 0; i < nodes->len; i++)
    scratch_document_finish_turn (fixture->document, nodes->pdata[i], 400, 400, 0xe01010);
  settle ();
  widgets_take_screenshot (fixture->window, "history-text");
  check_badge (fixture, nodes->pdata[0]);
  g_object_get (settings, "gtk-xft-dpi", &dpi, NULL);
  g_object_set (settings, "gtk-xft-dpi", 2 * 96 * 1024, NULL);
  settle ();
  widgets_take_screenshot (fixture->window, "history-large-text");
  check_badge (fixture, nodes->pdata[0]);
  g_object_set (settings, "gtk-xft-dpi", dpi, NULL);
}

int
main (int argc, char *argv[])
{
  g_setenv ("ADW_DEBUG_HIGH_CONTRAST", "1", TRUE);
  widgets_init (&argc, &argv);
  TEST ("lines", test_lines);
  TEST ("rings", test_rings);
  TEST ("mini-map", test_mini_map);
  TEST ("badge", test_badge);
  return g_test_run ();
}
