/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep-page-fixture.c: see sweep-page-fixture.h. */
#include "sweep-page-fixture.h"

#include <string.h>

#define DEMO                                                                                       \
  "\"guidance\":{\"type\":\"number\",\"title\":\"Guidance\",\"minimum\":0,\"maximum\":100,"        \
  "\"default\":2.5},"                                                                              \
  "\"steps\":{\"type\":\"integer\",\"title\":\"Steps\",\"minimum\":1,\"maximum\":64,\"default\":"  \
  "28},"                                                                                           \
  "\"dtype\":{\"type\":\"string\",\"title\":\"Number format\",\"enum\":[\"auto\",\"f32\","         \
  "\"bf16\"],\"default\":\"auto\"}"

/* --- Finding one's way ------------------------------------------------------------------------ */

static gboolean
has_label (GtkWidget *widget, gconstpointer label)
{
  g_autofree char *problem
      = GTK_IS_LABEL (widget) && gtk_widget_get_mapped (widget) ? NULL : g_strdup ("no label");

  return problem == NULL && strstr (gtk_label_get_label (GTK_LABEL (widget)), label) != NULL;
}

/* Does the page say it, in the words of one of its labels? */
gboolean
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
GtkWidget *
find (Fixture *fixture, const char *name)
{
  return widgets_find_shown (GTK_WIDGET (fixture->page), is_named, name);
}

GtkWidget *
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

void
settle (void)
{
  scratch_wait (50);
}

void
click (Fixture *fixture, const char *name)
{
  GtkWidget *button = get (fixture, name);

  g_assert_true (gtk_widget_is_sensitive (button));
  g_signal_emit_by_name (button, "clicked");
  settle ();
}

void
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

void
check (Fixture *fixture, const char *name, gboolean active)
{
  gtk_check_button_set_active (GTK_CHECK_BUTTON (get (fixture, name)), active);
  settle ();
}

/* In the drop-down of that name. */
void
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

GtkWidget *
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

gboolean
can_start (Fixture *fixture)
{
  return gtk_widget_is_sensitive (get_start (fixture));
}

void
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

void
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

void
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

void
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

void
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
