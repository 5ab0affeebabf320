/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-sweep-page.c: setting up a sweep, with a real document and queue, and models that are as the
 * test says. Pictures are kept in the folder ESP_SCREENSHOTS where that is set. */
#include <adwaita.h>
#include <string.h>

#include "esp-axis-row.h"
#include "esp-sweep-page.h"
#include "scratch-document.h"
#include "sweep-backend.h"
#include "widgets.h"

#define DEMO                                                                                       \
  "\"guidance\":{\"type\":\"number\",\"title\":\"Guidance\",\"minimum\":0,\"maximum\":100,"        \
  "\"default\":2.5},"                                                                              \
  "\"steps\":{\"type\":\"integer\",\"title\":\"Steps\",\"minimum\":1,\"maximum\":64,\"default\":"  \
  "28},"                                                                                           \
  "\"dtype\":{\"type\":\"string\",\"title\":\"Number format\",\"enum\":[\"auto\",\"f32\","         \
  "\"bf16\"],\"default\":\"auto\"}"
#define PAID                                                                                       \
  "\"guidance\":{\"type\":\"number\",\"title\":\"Guidance\",\"minimum\":1,\"maximum\":10,"         \
  "\"default\":2.5},"                                                                              \
  "\"tolerance\":{\"type\":\"integer\",\"title\":\"Safety tolerance\",\"minimum\":0,"              \
  "\"maximum\":6,\"default\":2}"

typedef struct
{
  EspRegistry *registry;
  SweepBackend *backend;
  EspModel *demo, *paid;
  EspQueue *queue;
  EspDocument *document;
  EspNode *photo, *other;
  EspSweepPage *page;
  GtkWidget *window;
  EspSweepPlan *plan; /* of the last "start" */
  int draft_steps;
  guint n_started, n_left;
} Fixture;

/* --- Finding one's way ------------------------------------------------------------------------ */

static gboolean
has_label (GtkWidget *widget, gconstpointer label)
{
  g_autofree char *problem
      = GTK_IS_LABEL (widget) && gtk_widget_get_mapped (widget) ? NULL : g_strdup ("no label");

  return problem == NULL && strstr (gtk_label_get_label (GTK_LABEL (widget)), label) != NULL;
}

/* Does the page say it, in the words of one of its labels? */
static gboolean
says (Fixture *fixture, const char *words)
{
  return widgets_find_shown (GTK_WIDGET (fixture->page), has_label, words) != NULL;
}

static gboolean
is_named (GtkWidget *widget, gconstpointer name)
{
  g_autofree char *problem = gtk_test_accessible_check_property (
      GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name);

  return problem == NULL && !GTK_IS_LABEL (widget);
}

/* As a person who cannot see finds it. */
static GtkWidget *
find (Fixture *fixture, const char *name)
{
  return widgets_find_shown (GTK_WIDGET (fixture->page), is_named, name);
}

static GtkWidget *
get (Fixture *fixture, const char *name)
{
  GtkWidget *widget = find (fixture, name);

  if (widget == NULL)
    {
      widgets_take_screenshot (fixture->window, "missing");
      g_error ("nothing is called “%s”", name);
    }
  return widget;
}

static void
settle (void)
{
  scratch_wait (50);
}

static void
click (Fixture *fixture, const char *name)
{
  GtkWidget *button = get (fixture, name);

  g_assert_true (gtk_widget_is_sensitive (button));
  g_signal_emit_by_name (button, "clicked");
  settle ();
}

static void
type (Fixture *fixture, const char *name, const char *text)
{
  GtkWidget *widget = get (fixture, name);

  g_assert_true (gtk_widget_is_sensitive (widget));
  if (GTK_IS_TEXT_VIEW (widget))
    gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (widget)), text, -1);
  else
    gtk_editable_set_text (GTK_EDITABLE (widget), text);
  settle ();
}

static void
check (Fixture *fixture, const char *name, gboolean active)
{
  gtk_check_button_set_active (GTK_CHECK_BUTTON (get (fixture, name)), active);
  settle ();
}

/* In the drop-down of that name. */
static void
choose (Fixture *fixture, const char *name, const char *item)
{
  GtkDropDown *drop_down = GTK_DROP_DOWN (get (fixture, name));
  GListModel *model = gtk_drop_down_get_model (drop_down);

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    if (g_str_equal (gtk_string_list_get_string (GTK_STRING_LIST (model), i), item))
      {
        gtk_drop_down_set_selected (drop_down, i);
        settle ();
        return;
      }
  g_error ("“%s” has no “%s”", name, item);
}

static GtkWidget *
get_start (Fixture *fixture)
{
  GtkWidget *start = NULL;
  g_autoptr (GPtrArray) buttons = widgets_find_all (GTK_WIDGET (fixture->page), widgets_has_type,
                                                    GSIZE_TO_POINTER (GTK_TYPE_BUTTON));

  for (guint i = 0; i < buttons->len; i++)
    if (gtk_widget_has_css_class (buttons->pdata[i], "suggested-action"))
      start = buttons->pdata[i];
  g_assert_nonnull (start);
  return start;
}

static gboolean
can_start (Fixture *fixture)
{
  return gtk_widget_is_sensitive (get_start (fixture));
}

static void
start (Fixture *fixture)
{
  g_assert_true (can_start (fixture));
  g_signal_emit_by_name (get_start (fixture), "clicked");
  settle ();
}

/* --- Set-up ----------------------------------------------------------------------------------- */

static void
on_start (Fixture *fixture, EspSweepPlan *plan, int draft_steps)
{
  g_clear_pointer (&fixture->plan, esp_sweep_plan_unref);
  fixture->plan = esp_sweep_plan_ref (plan);
  fixture->draft_steps = draft_steps;
  fixture->n_started++;
}

static void
on_leave (Fixture *fixture)
{
  fixture->n_left++;
}

static JsonObject *
make_presets (void)
{
  g_autoptr (JsonNode) node = json_from_string (
      "{\"Soft\":{\"parameters\":{\"guidance\":1}},\"Hard\":{\"parameters\":{\"guidance\":9}}}",
      NULL);

  return json_object_ref (json_node_get_object (node));
}

static void
set_up_page (Fixture *fixture, const char *instruction, gboolean with_seed)
{
  const EspTurn turn = { .instruction = instruction,
                         .backend = "fake",
                         .model = "demo",
                         .model_name = "Demo",
                         .has_seed = with_seed,
                         .seed = 7 };
  g_autoptr (JsonObject) presets = make_presets ();

  esp_sweep_page_set_up (fixture->page, fixture->queue, fixture->document, fixture->photo, &turn,
                         NULL, presets);
  settle ();
}

static void
reset_settings (void)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);

  g_settings_reset (settings, "sweep-ask-cells");
  g_settings_reset (settings, "sweep-ask-minutes");
  g_settings_reset (settings, "sweep-ask-cost");
}

static void
show_page (Fixture *fixture)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *above = gtk_label_new (NULL);

  fixture->page = ESP_SWEEP_PAGE (esp_sweep_page_new ());
  g_signal_connect_swapped (fixture->page, "start", G_CALLBACK (on_start), fixture);
  g_signal_connect_swapped (fixture->page, "leave", G_CALLBACK (on_leave), fixture);
  gtk_widget_set_vexpand (above, TRUE);
  gtk_box_append (GTK_BOX (box), above);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (fixture->page));
  fixture->window = widgets_show (box, 800, 700);
  settle ();
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  *fixture = (Fixture){ NULL };
  reset_settings ();
  fixture->registry = esp_registry_new ();
  fixture->backend = sweep_backend_new ("fake", 2);
  fixture->demo = sweep_backend_add_model (fixture->backend, "demo", "Demo", DEMO, ESP_MODEL_SEED);
  fixture->paid = sweep_backend_add_model (fixture->backend, "paid", "Paid", PAID,
                                           ESP_MODEL_SEED | ESP_MODEL_NEGATIVE_PROMPT);
  esp_model_set_price (fixture->demo, 0, NULL);
  esp_model_set_price (fixture->paid, 0.05, "USD");
  esp_registry_add (fixture->registry, ESP_BACKEND (fixture->backend));
  fixture->queue = esp_queue_new (fixture->registry);
  fixture->document = scratch_document_new ();
  fixture->photo = scratch_document_import (fixture->document, 40, 30, 0x808080);
  fixture->other = scratch_document_import (fixture->document, 40, 30, 0x204060);
  show_page (fixture);
  set_up_page (fixture, "Make the red boat blue", TRUE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gpointer page = fixture->page;

  g_object_add_weak_pointer (G_OBJECT (page), &page);
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_assert_true (scratch_wait_for (scratch_is_null, &page));
  g_clear_pointer (&fixture->plan, esp_sweep_plan_unref);
  g_clear_object (&fixture->queue);
  scratch_document_close (fixture->document);
  g_clear_object (&fixture->document);
  g_clear_object (&fixture->registry);
  g_clear_object (&fixture->backend);
}

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

#define TEST(name, function)                                                                       \
  g_test_add ("/sweep-page/" name, Fixture, NULL, set_up, function, tear_down)

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
  TEST ("keys", test_keys);
  TEST ("focus", test_focus);
  TEST ("tab", test_tab);
  TEST ("size", test_size);
  TEST ("late", test_late);
  TEST ("narrow", test_narrow);
  TEST ("looks", test_looks);
  return g_test_run ();
}
