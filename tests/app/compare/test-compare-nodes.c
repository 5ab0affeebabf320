/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-compare-nodes.c: going on to other nodes, what can be done with those held, and the keys. */
#include "compare-fixture.h"

#include "esp-compare-title.h"
#include "esp-compare-view-private.h"

/* Which of the fixture's nodes is held at `index`: 0 the photo, 1 to 4 its turns; -1 another. */
static int
get_held (CompareFixture *fixture, guint index)
{
  GPtrArray *nodes = esp_compare_view_get_nodes (fixture->view);

  g_assert_cmpuint (index, <, nodes->len);
  if (nodes->pdata[index] == fixture->photo)
    return 0;
  for (int i = 0; i < 4; i++)
    if (nodes->pdata[index] == fixture->turns[i])
      return i + 1;
  return -1;
}

static void
assert_held (CompareFixture *fixture, int a, int b)
{
  g_assert_cmpuint (esp_compare_view_get_nodes (fixture->view)->len, ==, 2);
  g_assert_cmpint (get_held (fixture, 0), ==, a);
  g_assert_cmpint (get_held (fixture, 1), ==, b);
}

static GtkWidget *
find_button (CompareFixture *fixture, const char *action)
{
  g_autoptr (GPtrArray) buttons = widgets_find_all (GTK_WIDGET (fixture->view), widgets_has_type,
                                                    GSIZE_TO_POINTER (GTK_TYPE_BUTTON));

  for (guint i = 0; i < buttons->len; i++)
    if (g_strcmp0 (gtk_actionable_get_action_name (buttons->pdata[i]), action) == 0)
      return buttons->pdata[i];
  g_assert_not_reached ();
}

/* --- Stepping --------------------------------------------------------------------------------- */

/* A stays, B goes through its siblings and passes A over. */
static void
test_pinned (CompareFixture *fixture, gconstpointer data)
{
  compare_hold (fixture, fixture->turns[1], fixture->turns[0], NULL);
  gtk_widget_grab_focus (GTK_WIDGET (fixture->view));
  g_assert_false (esp_compare_view_step (fixture->view, -1));
  g_assert_false (gtk_widget_get_sensitive (find_button (fixture, "compare.previous")));
  g_assert_true (compare_press (fixture, GDK_KEY_Right, 0));
  assert_held (fixture, 2, 3);
  g_assert_true (compare_press (fixture, GDK_KEY_Right, 0));
  assert_held (fixture, 2, 4);
  g_assert_false (gtk_widget_get_sensitive (find_button (fixture, "compare.next")));
  g_assert_true (compare_press (fixture, GDK_KEY_Right, 0)); /* it is taken, and leads nowhere */
  assert_held (fixture, 2, 4);
  g_assert_true (compare_press (fixture, GDK_KEY_KP_Left, 0));
  g_assert_true (compare_press (fixture, GDK_KEY_Left, 0));
  assert_held (fixture, 2, 1);
  /* Moving an image about is another thing. */
  g_assert_false (compare_press (fixture, GDK_KEY_Right, GDK_CONTROL_MASK));
  assert_held (fixture, 2, 1);

  /* The photo has no siblings: its place is taken by those of A. */
  compare_hold (fixture, fixture->turns[1], fixture->photo, NULL);
  g_assert_true (esp_compare_view_step (fixture->view, 1));
  assert_held (fixture, 2, 1);
}

/* Each with the one before it, the first with the photo. */
static void
test_unpinned (CompareFixture *fixture, gconstpointer data)
{
  g_object_set (fixture->view, "pinned", FALSE, NULL);
  compare_hold (fixture, fixture->photo, fixture->turns[0], NULL);
  g_assert_true (esp_compare_view_step (fixture->view, 1));
  assert_held (fixture, 1, 2);
  g_assert_true (esp_compare_view_step (fixture->view, 1));
  assert_held (fixture, 2, 3);
  g_assert_true (esp_compare_view_step (fixture->view, -1));
  assert_held (fixture, 1, 2);
  g_assert_true (esp_compare_view_step (fixture->view, -1));
  assert_held (fixture, 0, 1);
  g_assert_false (esp_compare_view_step (fixture->view, -1));
}

static void
test_rtl (CompareFixture *fixture, gconstpointer data)
{
  gtk_widget_set_direction (GTK_WIDGET (fixture->view), GTK_TEXT_DIR_RTL);
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  gtk_widget_grab_focus (GTK_WIDGET (fixture->view));
  g_assert_true (compare_press (fixture, GDK_KEY_Left, 0));
  assert_held (fixture, 1, 3);
}

/* With more than two held, B is each of them in turn. */
static void
test_many (CompareFixture *fixture, gconstpointer data)
{
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], fixture->turns[2], NULL);
  g_assert_true (esp_compare_view_get_b (fixture->view) == fixture->turns[1]);
  g_assert_false (esp_compare_view_can_step (fixture->view, -1));
  g_assert_true (esp_compare_view_step (fixture->view, 1));
  g_assert_true (esp_compare_view_get_b (fixture->view) == fixture->turns[2]);
  g_assert_false (esp_compare_view_can_step (fixture->view, 1));
  g_assert_cmpuint (esp_compare_view_get_nodes (fixture->view)->len, ==, 3);

  esp_compare_view_set_mode (fixture->view, ESP_COMPARE_FLICKER);
  compare_settle (fixture);
  compare_assert_color (
      compare_get_pixel (GTK_WIDGET (esp_compare_pair_get_view (fixture->view->pair)), 0.5, 0.5),
      BLUE);

  /* The focus makes B, too. */
  esp_compare_view_set_mode (fixture->view, ESP_COMPARE_SIDE);
  gtk_widget_grab_focus (fixture->view->panes->pdata[1]);
  g_assert_true (esp_compare_view_get_b (fixture->view) == fixture->turns[1]);
}

/* A new comparison shows whole images, and all of them; one that goes on stays as it is. */
static void
test_begins (CompareFixture *fixture, gconstpointer data)
{
  EspImageView *pair = esp_compare_pair_get_view (fixture->view->pair);

  esp_compare_view_set_mode (fixture->view, ESP_COMPARE_ONION);
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_ONION);
  esp_image_view_set_viewport (pair, FALSE, 8, 0.4, 0.4);
  compare_hold (fixture, fixture->turns[0], fixture->turns[2], fixture->turns[3], NULL);
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_ONION);
  g_assert_cmpfloat (esp_image_view_get_zoom (pair), ==, 8);

  esp_compare_view_set_nodes (fixture->view, NULL, NULL);
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_ONION);
  g_assert_true (esp_image_view_get_fit (pair));
  esp_compare_view_set_nodes (fixture->view, NULL, NULL);
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], fixture->turns[2], NULL);
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_SIDE);
}

static void
test_swap_and_remove (CompareFixture *fixture, gconstpointer data)
{
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], fixture->turns[2], NULL);
  g_assert_true (compare_press (fixture, GDK_KEY_s, 0));
  g_assert_cmpint (get_held (fixture, 0), ==, 2);
  g_assert_cmpint (get_held (fixture, 1), ==, 1);
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.remove", "u", 0);
  assert_held (fixture, 1, 3);
  /* Two are the least. */
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.remove", "u", 0);
  assert_held (fixture, 1, 3);
}

/* --- What is done with them ------------------------------------------------------------------- */

typedef struct
{
  EspNode *node;
  int stars;
} WantedStars;

static gboolean
has_stars (gpointer data)
{
  WantedStars *wanted = data;

  return esp_node_get_stars (wanted->node) == wanted->stars;
}

static void
assert_stars (EspNode *node, int stars)
{
  WantedStars wanted = { node, stars };

  g_assert_true (scratch_wait_for (has_stars, &wanted));
}

static gboolean
is_rejected (gpointer node)
{
  return esp_node_get_rejected (node);
}

static void
test_marks (CompareFixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) titles = NULL;

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  gtk_widget_grab_focus (fixture->view->panes->pdata[0]);
  g_assert_true (compare_press (fixture, GDK_KEY_4, 0));
  assert_stars (fixture->turns[0], 4);
  gtk_widget_grab_focus (fixture->view->panes->pdata[1]);
  g_assert_true (compare_press (fixture, GDK_KEY_KP_2, 0));
  assert_stars (fixture->turns[1], 2);
  g_assert_true (compare_press (fixture, GDK_KEY_period, 0));
  assert_stars (fixture->turns[1], 0);
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.stars", "(ui)", 1, 5);
  assert_stars (fixture->turns[1], 5);

  g_assert_true (compare_press (fixture, GDK_KEY_x, 0));
  g_assert_true (scratch_wait_for (is_rejected, fixture->turns[1]));
  g_assert_false (esp_node_get_rejected (fixture->turns[0]));
  widgets_take_screenshot (fixture->window, "compare-marks");
}

static void
take_node (EspCompareView *view, EspNode *node, gpointer place)
{
  *(EspNode **) place = node;
}

static void
take_text (EspCompareView *view, const char *text, gpointer place)
{
  g_free (*(char **) place);
  *(char **) place = g_strdup (text);
}

static void
count (EspCompareView *view, gpointer place)
{
  (*(int *) place)++;
}

static void
test_signals (CompareFixture *fixture, gconstpointer data)
{
  EspNode *gone_on = NULL, *used = NULL;
  g_autofree char *what = NULL;
  int left = 0, others = 0;

  g_signal_connect (fixture->view, "continue", G_CALLBACK (take_node), &gone_on);
  g_signal_connect (fixture->view, "use-settings", G_CALLBACK (take_node), &used);
  g_signal_connect (fixture->view, "export", G_CALLBACK (take_text), &what);
  g_signal_connect (fixture->view, "leave", G_CALLBACK (count), &left);
  g_signal_connect (fixture->view, "nodes-changed", G_CALLBACK (count), &others);
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);

  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.continue", "u", 0);
  g_assert_true (gone_on == fixture->turns[0]);
  gtk_widget_grab_focus (fixture->view->panes->pdata[1]);
  g_assert_true (compare_press (fixture, GDK_KEY_Return, 0));
  g_assert_true (gone_on == fixture->turns[1]);
  g_assert_true (compare_press (fixture, GDK_KEY_u, 0));
  g_assert_true (used == fixture->turns[1]);
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.export", "s", "film");
  g_assert_cmpstr (what, ==, "film");
  g_assert_cmpint (others, ==, 0);
  esp_compare_view_step (fixture->view, 1);
  g_assert_cmpint (others, ==, 1);
  g_assert_cmpint (left, ==, 0);
  g_assert_true (compare_press (fixture, GDK_KEY_Escape, 0));
  g_assert_true (compare_press (fixture, GDK_KEY_c, 0));
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.leave", NULL);
  g_assert_cmpint (left, ==, 3);
}

static void
delete_node (CompareFixture *fixture, EspNode *node)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (nodes, node);
  esp_document_delete_async (fixture->document, nodes, NULL, scratch_take_result, &result);
  esp_document_edit_finish (fixture->document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
}

static void
test_deleted (CompareFixture *fixture, gconstpointer data)
{
  int left = 0;

  g_signal_connect (fixture->view, "leave", G_CALLBACK (count), &left);
  compare_hold (fixture, fixture->turns[0], fixture->turns[1], fixture->turns[2], NULL);
  delete_node (fixture, fixture->turns[0]);
  assert_held (fixture, 2, 3);
  g_assert_cmpint (left, ==, 0);
  delete_node (fixture, fixture->turns[1]);
  g_assert_cmpint (left, ==, 1);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static void
test_modes_by_key (CompareFixture *fixture, gconstpointer data)
{
  const char *const modes[] = { "side", "slider", "flicker", "onion", "difference" };

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      EspCompareMode mode;

      g_assert_true (esp_compare_mode_from_string (modes[i], &mode));
      g_assert_cmpstr (esp_compare_mode_to_string (mode), ==, modes[i]);
      g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, mode);
      g_assert_true (compare_press (fixture, GDK_KEY_m, 0));
    }
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_SIDE);
  g_assert_true (compare_press (fixture, GDK_KEY_M, GDK_SHIFT_MASK));
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_DIFFERENCE);
  gtk_widget_activate_action (GTK_WIDGET (fixture->view), "compare.mode", "s", "onion");
  g_assert_cmpint (esp_compare_view_get_mode (fixture->view), ==, ESP_COMPARE_ONION);
  g_assert_false (esp_compare_mode_from_string ("sideways", &(EspCompareMode){ 0 }));

  /* What is with Control or Alt is others'. */
  g_assert_false (compare_press (fixture, GDK_KEY_m, GDK_CONTROL_MASK));
  g_assert_false (compare_press (fixture, GDK_KEY_s, GDK_CONTROL_MASK));
  g_assert_false (compare_press (fixture, GDK_KEY_q, 0));
}

static void
test_switches_by_key (CompareFixture *fixture, gconstpointer data)
{
  static const struct
  {
    guint key;
    const char *property;
  } switches[] = { { GDK_KEY_l, "linked" }, { GDK_KEY_p, "pinned" }, { GDK_KEY_t, "show-table" } };

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], NULL);
  for (guint i = 0; i < G_N_ELEMENTS (switches); i++)
    for (int times = 0; times < 2; times++)
      {
        gboolean before, after;

        g_object_get (fixture->view, switches[i].property, &before, NULL);
        g_assert_true (compare_press (fixture, switches[i].key, 0));
        g_object_get (fixture->view, switches[i].property, &after, NULL);
        g_assert_true (before != after);
      }
}

/* The menu of the image with the focus, and what can be done there. */
static void
test_menu (CompareFixture *fixture, gconstpointer data)
{
  GtkWidget *title, *button;
  GMenuModel *menu;
  int n_items = 0;

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], fixture->turns[2], NULL);
  gtk_widget_grab_focus (fixture->view->panes->pdata[0]);
  title = widgets_find_type (fixture->view->panes->pdata[0], ESP_TYPE_COMPARE_TITLE);
  button = widgets_find_type (title, GTK_TYPE_MENU_BUTTON);
  g_assert_true (compare_press (fixture, GDK_KEY_F10, GDK_SHIFT_MASK));
  g_assert_true (
      gtk_widget_get_visible (GTK_WIDGET (gtk_menu_button_get_popover (GTK_MENU_BUTTON (button)))));
  gtk_menu_button_popdown (GTK_MENU_BUTTON (button));

  menu = gtk_menu_button_get_menu_model (GTK_MENU_BUTTON (button));
  for (int i = 0; i < g_menu_model_get_n_items (menu); i++)
    {
      g_autoptr (GMenuModel) section = g_menu_model_get_item_link (menu, i, G_MENU_LINK_SECTION);

      n_items += g_menu_model_get_n_items (section);
    }
  g_assert_cmpint (n_items, ==, 5); /* continue, settings, stars, reject, remove */
  g_assert_false (compare_press (fixture, GDK_KEY_F10, 0));
}

/* Every control says what it is; what is read out is no icon's name. */
static void
test_names (CompareFixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) buttons = NULL;
  guint n_titles = 0;

  compare_hold (fixture, fixture->turns[0], fixture->turns[1], fixture->turns[2], NULL);
  buttons = widgets_find_all (GTK_WIDGET (fixture->view), widgets_has_type,
                              GSIZE_TO_POINTER (GTK_TYPE_BUTTON));
  g_assert_cmpuint (buttons->len, >, 15);
  for (guint i = 0; i < buttons->len; i++)
    {
      GtkWidget *button = buttons->pdata[i];
      GtkWidget *owner = gtk_widget_get_ancestor (button, GTK_TYPE_MENU_BUTTON);
      g_autofree char *label = compare_dup_label (owner != NULL ? owner : button);

      if (gtk_button_get_label (GTK_BUTTON (button)) != NULL)
        continue;
      g_assert_nonnull (label);
      g_assert_cmpstr (label, !=, "");
      g_assert_null (strstr (label, "symbolic"));
      g_assert_nonnull (gtk_widget_get_tooltip_text (owner != NULL ? owner : button));
    }
  for (GtkWidget *pane = gtk_widget_get_first_child (GTK_WIDGET (fixture->view->grid));
       pane != NULL; pane = gtk_widget_get_next_sibling (pane))
    n_titles += widgets_find_type (pane, ESP_TYPE_COMPARE_TITLE) != NULL;
  g_assert_cmpuint (n_titles, ==, 3);
}

int
main (int argc, char *argv[])
{
  widgets_init (&argc, &argv);

#define ADD(name, function)                                                                        \
  g_test_add ("/compare-nodes/" name, CompareFixture, NULL, compare_set_up, function,              \
              compare_tear_down)
  ADD ("pinned", test_pinned);
  ADD ("unpinned", test_unpinned);
  ADD ("rtl", test_rtl);
  ADD ("many", test_many);
  ADD ("begins", test_begins);
  ADD ("swap-and-remove", test_swap_and_remove);
  ADD ("marks", test_marks);
  ADD ("signals", test_signals);
  ADD ("deleted", test_deleted);
  ADD ("modes-by-key", test_modes_by_key);
  ADD ("switches-by-key", test_switches_by_key);
  ADD ("menu", test_menu);
  ADD ("names", test_names);
  return g_test_run ();
}
