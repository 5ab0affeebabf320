/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-sweep-page-looks.c: setting up a sweep with the keyboard, and its sizes and looks. */
#include "sweep-page-fixture.h"

/* --- Keys, looks ------------------------------------------------------------------------------ */

static gboolean
press (GtkWidget *widget, guint key, GdkModifierType state)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (!GTK_IS_SHORTCUT_CONTROLLER (controller))
        continue;
      for (guint j = 0; j < g_list_model_get_n_items (G_LIST_MODEL (controller)); j++)
        {
          g_autoptr (GtkShortcut) shortcut = g_list_model_get_item (G_LIST_MODEL (controller), j);
          GtkShortcutTrigger *trigger = gtk_shortcut_get_trigger (shortcut);

          if (GTK_IS_KEYVAL_TRIGGER (trigger)
              && gtk_keyval_trigger_get_keyval (GTK_KEYVAL_TRIGGER (trigger)) == key
              && gtk_keyval_trigger_get_modifiers (GTK_KEYVAL_TRIGGER (trigger)) == state
              && gtk_shortcut_action_activate (gtk_shortcut_get_action (shortcut), 0, widget,
                                               gtk_shortcut_get_arguments (shortcut)))
            return TRUE;
        }
    }
  return FALSE;
}

static void
test_keys (Fixture *fixture, gconstpointer data)
{
  GtkWidget *page = GTK_WIDGET (fixture->page);

  /* What was typed a moment ago counts. */
  gtk_editable_set_text (GTK_EDITABLE (get (fixture, "Values of Guidance")), "1, 2, 3");
  g_assert_true (press (page, GDK_KEY_Return, GDK_CONTROL_MASK));
  g_assert_cmpuint (fixture->n_started, ==, 1);
  g_assert_cmpuint (esp_sweep_plan_get_n_cells (fixture->plan), ==, 3);
  gtk_editable_set_text (GTK_EDITABLE (get (fixture, "Values of Guidance")), "1, nonsense");
  g_assert_true (press (page, GDK_KEY_Return, GDK_CONTROL_MASK));
  g_assert_cmpuint (fixture->n_started, ==, 1);
  g_assert_true (press (page, GDK_KEY_Escape, 0));
  g_assert_cmpuint (fixture->n_left, ==, 1);
}

/* The first values are where one begins. */
static void
test_focus (Fixture *fixture, gconstpointer data)
{
  GtkWidget *focus;

  gtk_widget_grab_focus (GTK_WIDGET (fixture->page));
  focus = gtk_window_get_focus (GTK_WINDOW (fixture->window));
  g_assert_true (gtk_widget_is_ancestor (focus, get (fixture, "Values of Guidance")));
  click (fixture, "Remove Guidance");
  focus = gtk_window_get_focus (GTK_WINDOW (fixture->window));
  g_assert_true (focus == get (fixture, "Add an Axis"));
  gtk_widget_grab_focus (GTK_WIDGET (fixture->page));
  focus = gtk_window_get_focus (GTK_WINDOW (fixture->window));
  g_assert_true (focus == get (fixture, "Instruction of the sweep"));
  click (fixture, "Add an Axis");
  focus = gtk_window_get_focus (GTK_WINDOW (fixture->window));
  g_assert_true (gtk_widget_is_ancestor (focus, get (fixture, "What changes: Guidance")));
}

/* Tab goes through everything and back to where it began. */
static void
test_tab (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  GtkWidget *focus;

  click (fixture, "Add an Axis");
  gtk_widget_grab_focus (get (fixture, "Back to a Single Turn"));
  while (g_hash_table_add (seen, focus = gtk_window_get_focus (GTK_WINDOW (fixture->window))))
    gtk_widget_child_focus (fixture->window, GTK_DIR_TAB_FORWARD);
  for (const char *const *name
       = (const char *const[]){ "Back to a Single Turn", "Instruction of the sweep",
                                "Values of Guidance", "Move Guidance Down", "Remove Guidance",
                                "Other Seeds", "Move Seed Up", "Remove Seed", "Add an Axis", NULL };
       *name != NULL; name++)
    {
      GtkWidget *widget = get (fixture, *name);
      gboolean found = FALSE;
      GHashTableIter iter;
      gpointer key;

      g_hash_table_iter_init (&iter, seen);
      while (g_hash_table_iter_next (&iter, &key, NULL))
        found = found || key == widget || gtk_widget_is_ancestor (key, widget);
      if (!found)
        g_error ("Tab does not reach “%s”", *name);
    }
  g_assert_true (g_hash_table_contains (seen, get_start (fixture)));
}

/* At most about three fifths of the window, and as narrow as a phone. */
static void
test_size (Fixture *fixture, gconstpointer data)
{
  GtkWidget *page = GTK_WIDGET (fixture->page);
  int least;

  click (fixture, "Add an Axis");
  click (fixture, "Add an Axis");
  type (fixture, "Values of Instruction, one a line", "a\nb\nc\nd\ne\nf\ng\nh");
  g_assert_cmpint (gtk_widget_get_height (page), <=, 700 * 62 / 100);
  /* That, and no less, whatever else would like to be there. */
  gtk_widget_measure (page, GTK_ORIENTATION_VERTICAL, 800, &least, NULL, NULL, NULL);
  g_assert_cmpint (least, >=, 700 * 55 / 100);
  gtk_widget_measure (page, GTK_ORIENTATION_HORIZONTAL, -1, &least, NULL, NULL, NULL);
  g_assert_cmpint (least, <=, 360);
}

/* It is shown long after its window, as in the program. */
static void
test_late (Fixture *fixture, gconstpointer data)
{
  GtkWidget *old = fixture->window;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *stack = gtk_stack_new ();
  GtkWidget *above = gtk_picture_new ();

  click (fixture, "Add an Axis");
  click (fixture, "Add an Axis");
  g_object_ref (fixture->page);
  gtk_box_remove (GTK_BOX (gtk_widget_get_parent (GTK_WIDGET (fixture->page))),
                  GTK_WIDGET (fixture->page));
  gtk_stack_set_vhomogeneous (GTK_STACK (stack), FALSE);
  gtk_stack_add_child (GTK_STACK (stack), gtk_label_new ("composer"));
  gtk_stack_add_child (GTK_STACK (stack), GTK_WIDGET (fixture->page));
  g_object_unref (fixture->page);
  /* Something that would like to have it all. */
  gtk_widget_set_vexpand (above, TRUE);
  gtk_box_append (GTK_BOX (box), above);
  gtk_box_append (GTK_BOX (box), stack);
  fixture->window = widgets_show (box, 800, 600);
  gtk_window_destroy (GTK_WINDOW (old));
  settle ();
  gtk_stack_set_visible_child (GTK_STACK (stack), GTK_WIDGET (fixture->page));
  settle ();
  g_assert_cmpint (gtk_widget_get_height (GTK_WIDGET (fixture->page)), >=, 600 * 55 / 100);
  g_assert_cmpint (gtk_widget_get_height (GTK_WIDGET (fixture->page)), <=, 600 * 65 / 100);
}

/* Nothing has to be scrolled as long as there is room, however narrow it is. */
static void
test_narrow (Fixture *fixture, gconstpointer data)
{
  GtkAdjustment *adjustment = NULL;
  GtkWidget *scroller
      = gtk_widget_get_ancestor (get (fixture, "Add an Axis"), GTK_TYPE_SCROLLED_WINDOW);

  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 360, 900);
  settle ();
  adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scroller));
  g_assert_cmpint (gtk_widget_get_width (fixture->window), ==, 360);
  g_assert_cmpfloat (gtk_adjustment_get_upper (adjustment), >, 0);
  g_assert_cmpfloat (gtk_adjustment_get_upper (adjustment), <=,
                     gtk_adjustment_get_page_size (adjustment));
}

static void
take_screenshots (Fixture *fixture, const char *name, int width, int height)
{
  GtkWidget *old = fixture->window;
  g_autofree char *file = g_strdup_printf ("sweep-page-%s", name);

  g_object_ref (fixture->page);
  gtk_box_remove (GTK_BOX (gtk_widget_get_parent (GTK_WIDGET (fixture->page))),
                  GTK_WIDGET (fixture->page));
  {
    GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
    GtkWidget *above = gtk_label_new (NULL);

    gtk_widget_set_vexpand (above, TRUE);
    gtk_box_append (GTK_BOX (box), above);
    gtk_box_append (GTK_BOX (box), GTK_WIDGET (fixture->page));
    fixture->window = widgets_show (box, width, height);
  }
  g_object_unref (fixture->page);
  gtk_window_destroy (GTK_WINDOW (old));
  settle ();
  widgets_take_screenshot (fixture->window, file);
}

static void
test_looks (Fixture *fixture, gconstpointer data)
{
  AdwStyleManager *style = adw_style_manager_get_default ();

  type (fixture, "Instruction of the sweep", "Make the boat {red|light blue|green}");
  type (fixture, "Values of Guidance", "1, 1.5, .. 4");
  click (fixture, "Add an Axis");
  choose (fixture, "What changes: Seed", "Model");
  esp_sweep_page_add_axis (fixture->page, "model", "fake/demo, fake/paid");
  take_screenshots (fixture, "wide", 860, 700);
  adw_style_manager_set_color_scheme (style, ADW_COLOR_SCHEME_FORCE_DARK);
  take_screenshots (fixture, "dark", 620, 700);
  adw_style_manager_set_color_scheme (style, ADW_COLOR_SCHEME_FORCE_LIGHT);
  take_screenshots (fixture, "narrow", 360, 700);
  esp_sweep_page_add_axis (fixture->page, "model", "fake/demo");
  choose (fixture, "What changes: Model", "Instruction");
  type (fixture, "Values of Instruction, one a line", "Make it snow\nMake it rain\n{a|b");
  take_screenshots (fixture, "texts", 860, 700);
  choose (fixture, "What changes: Instruction", "Seed");
  esp_sweep_page_add_axis (fixture->page, "replace", "boat || ship, big || raft");
  type (fixture, "Instruction of the sweep", "Make the boat red");
  type (fixture, "Values of Guidance", "1, 1.5, .. 400");
  take_screenshots (fixture, "errors", 860, 700);
  take_screenshots (fixture, "errors-narrow", 360, 640);
  gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  take_screenshots (fixture, "rtl", 700, 700);
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
  adw_style_manager_set_color_scheme (style, ADW_COLOR_SCHEME_DEFAULT);
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);
  TEST ("keys", test_keys);
  TEST ("focus", test_focus);
  TEST ("tab", test_tab);
  TEST ("size", test_size);
  TEST ("late", test_late);
  TEST ("narrow", test_narrow);
  TEST ("looks", test_looks);
  return g_test_run ();
}
