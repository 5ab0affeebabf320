/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-sweep-page.c: setting up a sweep: values, rows and models, asking before it starts, and
 * coming back. */
#include "sweep-page-fixture.h"

#include <string.h>

/* --- Values ----------------------------------------------------------------------------------- */

static void
test_numbers (Fixture *fixture, gconstpointer data)
{
  GtkWidget *entry = get (fixture, "Values of Guidance");
  g_autofree char *problem = NULL;

  /* It begins with an example that can be run. */
  g_assert_true (can_start (fixture));
  type (fixture, "Values of Guidance", "1, 1.5, .. 2.5");
  g_assert_true (says (fixture, "Columns · 4 values: 1, 1.5, 2, 2.5"));
  g_assert_true (says (fixture, "4 cells · time not known yet"));

  type (fixture, "Values of Guidance", "1, 200");
  g_assert_true (says (fixture, "200"));
  g_assert_true (says (fixture, "Give values for “Guidance” first."));
  g_assert_false (can_start (fixture));
  g_assert_true (gtk_widget_has_css_class (entry, "error"));
  problem = gtk_test_accessible_check_state (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_STATE_INVALID,
                                             GTK_ACCESSIBLE_INVALID_TRUE);
  g_assert_null (problem);

  type (fixture, "Values of Guidance", "");
  g_assert_true (says (fixture, "No values yet"));
  g_assert_false (gtk_widget_has_css_class (entry, "error"));
  g_assert_false (can_start (fixture));

  type (fixture, "Values of Guidance", "3");
  g_assert_false (says (fixture, "Give values"));
  g_assert_true (can_start (fixture));
}

static void
test_start (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GArray) order = NULL;

  type (fixture, "Values of Guidance", "1, 2");
  click (fixture, "Add an Axis");
  type (fixture, "First seed, or a list of seeds", "5, 6, 9");
  choose (fixture, "Order", "Random");
  g_assert_true (says (fixture, "Rows · 3 values: 5, 6, 9"));
  start (fixture);
  g_assert_cmpuint (fixture->n_started, ==, 1);
  g_assert_cmpint (fixture->draft_steps, ==, 0);
  g_assert_cmpuint (esp_sweep_plan_get_n_cells (fixture->plan), ==, 6);
  g_assert_cmpint (esp_sweep_plan_get_parent (fixture->plan), ==, esp_node_get_id (fixture->photo));
  g_assert_cmpint (esp_sweep_plan_get_order (fixture->plan), ==, ESP_SWEEP_RANDOM);
  g_assert_cmpuint (esp_sweep_plan_get_axes (fixture->plan)->len, ==, 2);
  g_assert_cmpint (esp_axis_get_kind (esp_sweep_plan_get_axes (fixture->plan)->pdata[1]), ==,
                   ESP_AXIS_SEED);
}

static void
test_seeds (Fixture *fixture, gconstpointer data)
{
  GtkWidget *count;

  click (fixture, "Add an Axis");
  count = get (fixture, "Consecutive Seeds");
  /* The base's seed and those after it. */
  g_assert_true (says (fixture, "4 values: 7, 8, 9, 10"));
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (count), 2);
  settle ();
  g_assert_true (says (fixture, "2 values: 7, 8"));
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (count), 1);
  settle ();
  g_assert_true (says (fixture, "1 value: 7"));
  type (fixture, "First seed, or a list of seeds", "1..3");
  g_assert_false (gtk_widget_get_sensitive (count));
  g_assert_true (says (fixture, "3 values: 1, 2, 3"));
  click (fixture, "Other Seeds");
  g_assert_true (gtk_widget_get_sensitive (count));
  g_assert_true (says (fixture, "1 value: "));
}

static void
test_checks (Fixture *fixture, gconstpointer data)
{
  choose (fixture, "What changes: Guidance", "Number format");
  check (fixture, "Automatic", FALSE);
  g_assert_true (says (fixture, "2 values: "));
  check (fixture, "bf16", FALSE);
  check (fixture, "f32", FALSE);
  g_assert_true (says (fixture, "Check what is to be compared"));
  g_assert_false (can_start (fixture));

  choose (fixture, "What changes: Number format", "Preset");
  g_assert_true (says (fixture, "2 values: "));
  check (fixture, "Hard", FALSE);
  g_assert_true (says (fixture, "1 value: Soft"));
  g_assert_true (can_start (fixture));
}

static void
test_texts (Fixture *fixture, gconstpointer data)
{
  choose (fixture, "What changes: Guidance", "Instruction");
  type (fixture, "Values of Instruction, one a line", "Make it snow\nMake it rain, hard\n\n");
  g_assert_true (says (fixture, "2 values: "));
  g_assert_true (says (fixture, "Every cell has one of the instructions below."));
  g_assert_false (gtk_widget_is_sensitive (get (fixture, "Instruction of the sweep")));

  choose (fixture, "What changes: Instruction", "Replace words");
  type (fixture, "Words to replace", "red");
  type (fixture, "What takes their place", "blue, green");
  g_assert_true (says (fixture, "3 values: red, blue, green"));
  type (fixture, "What takes their place", "blue, shiny ||");
  g_assert_true (says (fixture, "2 values: red, blue, shiny"));
  type (fixture, "Words to replace", "yellow");
  g_assert_true (says (fixture, "“yellow” does not occur in the instruction"));
  g_assert_false (can_start (fixture));
  /* What was written is there again. */
  choose (fixture, "What changes: Replace words", "Instruction");
  g_assert_true (says (fixture, "2 values: "));
}

static void
test_alternatives (Fixture *fixture, gconstpointer data)
{
  type (fixture, "Values of Guidance", "1, 2");
  type (fixture, "Instruction of the sweep", "Make it {red|blue|green}");
  g_assert_true (says (fixture, "From the instruction"));
  g_assert_true (says (fixture, "Rows · 3 values: red, blue, green"));
  g_assert_true (says (fixture, "6 cells"));
  click (fixture, "Add an Axis");
  g_assert_false (gtk_widget_is_sensitive (get (fixture, "Add an Axis")));
  g_assert_true (says (fixture, "24 cells"));
  type (fixture, "Instruction of the sweep", "Make it {red|blue");
  g_assert_false (can_start (fixture));
  g_assert_true (says (fixture, "Correct the instruction first."));
  type (fixture, "Instruction of the sweep", "  ");
  g_assert_true (says (fixture, "Write what should change."));
  type (fixture, "Instruction of the sweep", "Make it red");
  g_assert_true (says (fixture, "8 cells"));
  g_assert_false (says (fixture, "From the instruction"));
}

/* Alternatives alone are enough. */
static void
test_alternatives_alone (Fixture *fixture, gconstpointer data)
{
  type (fixture, "Instruction of the sweep", "Make it {red|blue}");
  click (fixture, "Remove Guidance");
  g_assert_true (says (fixture, "Columns · 2 values: red, blue"));
  start (fixture);
  g_assert_cmpuint (esp_sweep_plan_get_n_cells (fixture->plan), ==, 2);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static void
test_rows (Fixture *fixture, gconstpointer data)
{
  click (fixture, "Add an Axis");
  click (fixture, "Add an Axis");
  g_assert_false (gtk_widget_is_sensitive (get (fixture, "Add an Axis")));
  g_assert_false (gtk_widget_is_sensitive (get (fixture, "Move Guidance Up")));
  g_assert_true (says (fixture, "Pages · "));
  type (fixture, "Values of Guidance", "1, 2");
  click (fixture, "Move Guidance Down");
  g_assert_true (says (fixture, "Rows · 2 values: 1, 2"));
  click (fixture, "Move Guidance Down");
  g_assert_true (says (fixture, "Pages · 2 values: 1, 2"));
  g_assert_false (gtk_widget_is_sensitive (get (fixture, "Move Guidance Down")));
  click (fixture, "Move Guidance Up");
  click (fixture, "Move Guidance Up");
  /* Sentences have the rows whatever comes first. */
  click (fixture, "Remove Seed");
  g_assert_true (says (fixture, "Columns · 2 values: 1, 2"));
  g_assert_true (says (fixture, "Rows · 1 value: "));
  click (fixture, "Move Guidance Down");
  g_assert_true (says (fixture, "Columns · 2 values: 1, 2"));
  click (fixture, "Remove Guidance");
  click (fixture, "Remove Instruction");
  g_assert_true (says (fixture, "A sweep needs something to change"));
  g_assert_false (can_start (fixture));
  click (fixture, "Add an Axis");
  g_assert_nonnull (find (fixture, "Values of Guidance"));
}

static void
test_twice (Fixture *fixture, gconstpointer data)
{
  click (fixture, "Add an Axis");
  choose (fixture, "What changes: Seed", "Guidance");
  g_assert_true (says (fixture, "“Guidance” is changed twice"));
  g_assert_false (can_start (fixture));
}

/* --- Models ----------------------------------------------------------------------------------- */

static void
test_models (Fixture *fixture, gconstpointer data)
{
  g_assert_true (says (fixture, "with "));
  choose (fixture, "What changes: Guidance", "Model");
  g_assert_true (says (fixture, "1 value: Demo"));
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GPtrArray) checks = widgets_find_all (
          GTK_WIDGET (widgets_find_type (GTK_WIDGET (fixture->page), ESP_TYPE_AXIS_ROW)),
          widgets_has_type, GSIZE_TO_POINTER (GTK_TYPE_CHECK_BUTTON));

      g_assert_cmpuint (checks->len, ==, 2);
      gtk_check_button_set_active (checks->pdata[i], TRUE);
    }
  settle ();
  g_assert_true (says (fixture, "2 values: Demo, Paid"));
  g_assert_true (says (fixture, "2 cells · time not known yet · $0.05"));
  g_assert_cmpstr (gtk_button_get_label (GTK_BUTTON (get_start (fixture))), ==, "Start · $0.05");

  /* Parameters of both can be chosen; what one of them lacks is skipped, and why is said. */
  click (fixture, "Add an Axis");
  choose (fixture, "What changes: Guidance", "Safety tolerance");
  type (fixture, "Values of Safety tolerance", "0, 3, 6");
  g_assert_true (says (fixture, "3 of 6 cells are skipped: "));
  g_assert_true (says (fixture, "3 cells · time not known yet · $0.15"));
  g_assert_true (can_start (fixture));

  /* The model goes, and with it the parameter; what was written stays. */
  click (fixture, "Remove Model");
  g_assert_nonnull (find (fixture, "Values of Safety tolerance"));
  g_assert_false (can_start (fixture));
}

static void
test_unknown_price (Fixture *fixture, gconstpointer data)
{
  type (fixture, "Values of Guidance", "1, 2");
  esp_model_set_price (fixture->demo, -1, NULL);
  settle ();
  g_assert_true (says (fixture, "2 cells · time not known yet · price not known"));
  esp_sweep_page_add_axis (fixture->page, "model", "fake/demo, fake/paid");
  settle ();
  g_assert_true (says (fixture, "4 cells · time not known yet · at least $0.10"));
}

static void
test_model_states (Fixture *fixture, gconstpointer data)
{
  esp_model_set_state (fixture->demo, ESP_MODEL_NEEDS_KEY, NULL);
  settle ();
  g_assert_false (can_start (fixture));
  g_assert_true (says (fixture, "The chosen model needs a key."));
  esp_model_set_state (fixture->demo, ESP_MODEL_READY, NULL);
  settle ();
  g_assert_true (can_start (fixture));
}

static void
test_draft (Fixture *fixture, gconstpointer data)
{
  GtkWidget *steps = get (fixture, "Steps of the Preview");
  g_autoptr (GPtrArray) checks = widgets_find_all (GTK_WIDGET (fixture->page), widgets_has_type,
                                                   GSIZE_TO_POINTER (GTK_TYPE_CHECK_BUTTON));

  g_assert_cmpuint (checks->len, ==, 1);
  g_assert_false (gtk_widget_is_sensitive (steps));
  gtk_check_button_set_active (checks->pdata[0], TRUE);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (steps), 6);
  settle ();
  start (fixture);
  g_assert_cmpint (fixture->draft_steps, ==, 6);
  /* A model without steps has no cheaper ones. */
  esp_sweep_page_add_axis (fixture->page, "model", "fake/paid");
  settle ();
  g_assert_null (find (fixture, "Steps of the Preview"));
  start (fixture);
  g_assert_cmpint (fixture->draft_steps, ==, 0);
}

static void
test_nodes (Fixture *fixture, gconstpointer data)
{
  const EspTurn turn
      = { .instruction = "Make it red", .backend = "fake", .model = "demo", .model_name = "Demo" };
  g_autoptr (GPtrArray) selected = g_ptr_array_new ();

  g_ptr_array_add (selected, fixture->photo);
  g_ptr_array_add (selected, fixture->other);
  esp_sweep_page_set_up (fixture->page, fixture->queue, fixture->document, fixture->photo, &turn,
                         selected, NULL);
  settle ();
  choose (fixture, "What changes: Guidance", "Picture");
  g_assert_true (says (fixture, "2 values: "));
  start (fixture);
  g_assert_cmpuint (esp_sweep_plan_get_n_cells (fixture->plan), ==, 2);
}

/* --- Asking ----------------------------------------------------------------------------------- */

static AdwMessageDialog *
get_dialog (void)
{
  g_autoptr (GList) windows = gtk_window_list_toplevels ();

  for (GList *l = windows; l != NULL; l = l->next)
    if (ADW_IS_MESSAGE_DIALOG (l->data))
      return l->data;
  return NULL;
}

static void
test_asks (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  AdwMessageDialog *dialog;

  g_settings_set_int (settings, "sweep-ask-cells", 3);
  type (fixture, "Values of Guidance", "1, 2, 3");
  start (fixture);
  g_assert_null (get_dialog ());
  g_assert_cmpuint (fixture->n_started, ==, 1);

  type (fixture, "Values of Guidance", "1, 2, 3, 4");
  start (fixture);
  dialog = get_dialog ();
  g_assert_nonnull (dialog);
  g_assert_cmpuint (fixture->n_started, ==, 1);
  g_assert_false (can_start (fixture));
  g_assert_cmpstr (adw_message_dialog_get_heading (dialog), ==, "Run 4 Cells?");
  g_assert_nonnull (strstr (adw_message_dialog_get_body (dialog), "It costs nothing."));
  widgets_take_screenshot (GTK_WIDGET (dialog), "sweep-page-asks");
  adw_message_dialog_response (dialog, "cancel");
  settle ();
  g_assert_cmpuint (fixture->n_started, ==, 1);

  start (fixture);
  adw_message_dialog_response (get_dialog (), "start");
  settle ();
  g_assert_cmpuint (fixture->n_started, ==, 2);
  g_assert_cmpuint (esp_sweep_plan_get_n_cells (fixture->plan), ==, 4);
}

static void
test_asks_for_money (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);

  g_settings_set_double (settings, "sweep-ask-cost", 0.1);
  esp_sweep_page_add_axis (fixture->page, "model", "fake/paid");
  type (fixture, "Values of Guidance", "1, 2, 3");
  start (fixture);
  g_assert_nonnull (get_dialog ());
  g_assert_nonnull (strstr (adw_message_dialog_get_body (get_dialog ()), "It costs $0.15."));
  adw_message_dialog_response (get_dialog (), "cancel");
  settle ();
  g_settings_set_double (settings, "sweep-ask-cost", 0);
  start (fixture);
  g_assert_cmpuint (fixture->n_started, ==, 1);
}

/* --- Accounts --------------------------------------------------------------------------------- */

static void
test_offline (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (g_get_user_config_dir (), "sweep-accounts.json", NULL);
  g_autoptr (EspAccounts) accounts = esp_accounts_new (path);
  g_autoptr (SweepBackend) cloud = NULL;
  EspModel *net;

  cloud = sweep_backend_new ("cloud", 1);
  net = sweep_backend_add_model (cloud, "net", "Net", PAID, ESP_MODEL_SEED);
  esp_model_set_price (net, 0, NULL);
  sweep_backend_set_folder (cloud, g_get_tmp_dir ());
  esp_registry_add (fixture->registry, ESP_BACKEND (cloud));
  esp_sweep_page_set_accounts (fixture->page, accounts);
  esp_accounts_set_offline (accounts, TRUE);
  settle ();
  /* What is here is here. */
  g_assert_true (can_start (fixture));
  esp_sweep_page_add_axis (fixture->page, "model", "fake/demo, cloud/net");
  settle ();
  g_assert_true (says (fixture, "Nothing may leave this computer"));
  g_assert_false (can_start (fixture));
  esp_accounts_set_offline (accounts, FALSE);
  settle ();
  g_assert_true (can_start (fixture));

  esp_accounts_set_monthly_stop (accounts, 0.2);
  esp_sweep_page_add_axis (fixture->page, "model", "fake/paid");
  type (fixture, "Values of Guidance", "1..4");
  g_assert_true (can_start (fixture));
  type (fixture, "Values of Guidance", "1..5");
  g_assert_true (says (fixture, "Of your monthly limit only $0.20 is left."));
  g_assert_false (can_start (fixture));
  esp_sweep_page_set_accounts (fixture->page, NULL);
}

/* --- Coming back ------------------------------------------------------------------------------ */

static void
test_stays (Fixture *fixture, gconstpointer data)
{
  type (fixture, "Values of Guidance", "1, 9");
  type (fixture, "Instruction of the sweep", "Make it {a|b}");
  click (fixture, "Back to a Single Turn");
  g_assert_cmpuint (fixture->n_left, ==, 1);

  /* The composer says the same as before: what was written here stays. */
  set_up_page (fixture, "Make the red boat blue", TRUE);
  g_assert_true (says (fixture, "2 values: 1, 9"));
  g_assert_true (says (fixture, "2 values: a, b"));
  /* It says something else. */
  set_up_page (fixture, "Make it snow", TRUE);
  g_assert_true (says (fixture, "2 values: 1, 9"));
  g_assert_false (says (fixture, "2 values: a, b"));
}

static void
test_remembered (Fixture *fixture, gconstpointer data)
{
  GtkWidget *old = fixture->window;

  type (fixture, "Values of Guidance", "1, 9");
  click (fixture, "Add an Axis");
  choose (fixture, "Order", "Nearest First");
  start (fixture);
  show_page (fixture);
  gtk_window_destroy (GTK_WINDOW (old));
  set_up_page (fixture, "Make it snow", FALSE);
  g_assert_true (says (fixture, "Columns · 2 values: 1, 9"));
  g_assert_true (says (fixture, "Rows · 4 values: 7, 8, 9, 10"));
  g_assert_cmpuint (gtk_drop_down_get_selected (GTK_DROP_DOWN (get (fixture, "Order"))), ==,
                    ESP_SWEEP_NEAR);

  /* Anyone may have written it. */
  for (const char *const *text
       = (const char *const[]){ "", "[]", "{\"axes\":{}}",
                                "{\"axes\":[1,{\"name\":2}],\"order\":7}",
                                "{\"axes\":[{\"name\":\"x\",\"text\":\"1\"}],\"steps\":\"\"}",
                                NULL };
       *text != NULL; text++)
    {
      old = fixture->window;
      esp_document_set_view (fixture->document, "sweep.setup", *text);
      show_page (fixture);
      gtk_window_destroy (GTK_WINDOW (old));
      set_up_page (fixture, "Make it snow", FALSE);
      g_assert_nonnull (widgets_find_type (GTK_WIDGET (fixture->page), ESP_TYPE_AXIS_ROW));
    }
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);
  TEST ("numbers", test_numbers);
  TEST ("start", test_start);
  TEST ("seeds", test_seeds);
  TEST ("checks", test_checks);
  TEST ("texts", test_texts);
  TEST ("alternatives", test_alternatives);
  TEST ("alternatives-alone", test_alternatives_alone);
  TEST ("rows", test_rows);
  TEST ("twice", test_twice);
  TEST ("models", test_models);
  TEST ("unknown-price", test_unknown_price);
  TEST ("model-states", test_model_states);
  TEST ("draft", test_draft);
  TEST ("nodes", test_nodes);
  TEST ("asks", test_asks);
  TEST ("asks-for-money", test_asks_for_money);
  TEST ("offline", test_offline);
  TEST ("stays", test_stays);
  TEST ("remembered", test_remembered);
  return g_test_run ();
}
