/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-composer-presets.c: presets are saved by name and survive. */
#include <adwaita.h>

#include "esp-presets.h"
#include "esp-price-text.h"
#include "esp-run-button.h"
#include "esp-variations-button.h"
#include "widgets.h"

static JsonObject *
steps (int n)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "steps", n);

  return object;
}

static void
test_presets (void)
{
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  g_autoptr (EspPresets) presets = esp_presets_new (settings);
  g_autoptr (EspPresets) other = esp_presets_new (settings);
  gboolean keep = FALSE;
  g_autoptr (JsonObject) few = steps (4);
  g_autoptr (JsonObject) many = steps (40);
  GListModel *list = G_LIST_MODEL (presets);

  esp_presets_save (presets, "Slow", "local", "demo", many, TRUE);
  esp_presets_save (presets, "Fast", NULL, NULL, few, FALSE);
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 2);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (other)), ==, 2);
  g_assert_cmpstr (esp_preset_get_model (esp_presets_find (other, "Slow")), ==, "demo");
  g_assert_null (esp_preset_get_model (esp_presets_find (other, "Fast")));
  g_assert_true (esp_preset_get_keep (esp_presets_find (other, "Slow"), &keep) && keep);
  g_assert_true (esp_preset_get_keep (esp_presets_find (other, "Fast"), &keep) && !keep);

  /* The same name replaces, another one's name is refused. */
  esp_presets_save (presets, "Fast", "local", "demo", many, TRUE);
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 2);
  g_assert_cmpint (json_object_get_int_member (
                       esp_preset_get_parameters (esp_presets_find (presets, "Fast")), "steps"),
                   ==, 40);
  g_assert_false (esp_presets_rename (presets, esp_presets_find (presets, "Fast"), "Slow"));
  g_assert_true (esp_presets_rename (presets, esp_presets_find (presets, "Fast"), "Quick"));
  g_assert_null (esp_presets_find (presets, "Fast"));
  g_assert_nonnull (esp_presets_find (other, "Quick"));

  esp_presets_remove (presets, esp_presets_find (presets, "Quick"));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (other)), ==, 1);
}

/* Nobody's hand-edited settings bring the program down. */
static void
test_hostile (void)
{
  static const char *const texts[]
      = { "", "{", "{}", "[1, null, [], {}, {\"name\": 5}]",
          "[{\"name\": \"good\", \"parameters\": 7, \"backend\": []}]" };
  g_autoptr (GSettings) settings = g_settings_new (ESP_APP_ID);
  g_autoptr (EspPresets) presets = esp_presets_new (settings);
  gboolean keep;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_settings_set_string (settings, "presets", texts[i]);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (presets)), ==, 1);
  g_assert_nonnull (esp_preset_get_parameters (esp_presets_find (presets, "good")));
  g_assert_false (esp_preset_get_keep (esp_presets_find (presets, "good"), &keep));
}

static void
assert_progress (EspNodeProgress progress, const char *expected)
{
  g_autofree char *text = esp_run_button_format_progress (&progress);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_texts (void)
{
  g_autofree char *dollars = esp_price_format (0.05, "USD");
  g_autofree char *small = esp_price_format (0.0025, "USD");
  g_autofree char *francs = esp_price_format (1.5, "CHF");

  g_assert_cmpstr (dollars, ==, "$0.05");
  g_assert_cmpstr (small, ==, "$0.0025");
  g_assert_cmpstr (francs, ==, "1.50 CHF");
  assert_progress ((EspNodeProgress){ 0.4, 12, 28, 8.2, FALSE }, "Step 12 of 28 · 9 s left");
  assert_progress ((EspNodeProgress){ 0.4, 12, 28, 300, FALSE }, "Step 12 of 28 · 5 min left");
  assert_progress ((EspNodeProgress){ -1, 0, 0, -1, FALSE }, "Waiting…");
  assert_progress ((EspNodeProgress){ 0.4, 12, 28, 9, TRUE }, "Stopping after this step…");
  assert_progress ((EspNodeProgress){ 0, 0, 0, -1, FALSE }, "Starting…");
}

static void
test_run_button (void)
{
  g_autoptr (EspRunButton) run = g_object_ref_sink (ESP_RUN_BUTTON (esp_run_button_new ()));
  GtkWidget *button = esp_run_button_get_button (run);

  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Run");
  esp_run_button_set_price (run, "$0.05");
  g_assert_cmpstr (gtk_button_get_label (GTK_BUTTON (button)), ==, "Run · $0.05");
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Run");
  g_assert_false (esp_run_button_is_busy (run));
}

static void
test_variations (void)
{
  g_autoptr (EspVariationsButton) button
      = g_object_ref_sink (ESP_VARIATIONS_BUTTON (esp_variations_button_new ()));

  g_assert_cmpuint (esp_variations_button_get_count (button), ==, 1);
  g_assert_true (gtk_widget_activate_action (gtk_widget_get_first_child (GTK_WIDGET (button)),
                                             "variations.count", "i", 4));
  g_assert_cmpuint (esp_variations_button_get_count (button), ==, 4);
  esp_variations_button_set_count (button, 99);
  g_assert_cmpuint (esp_variations_button_get_count (button), ==, ESP_MAX_VARIATIONS);
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);
  g_test_add_func ("/app/composer/presets", test_presets);
  g_test_add_func ("/app/composer/presets/hostile", test_hostile);
  g_test_add_func ("/app/composer/texts", test_texts);
  g_test_add_func ("/app/composer/run-button", test_run_button);
  g_test_add_func ("/app/composer/variations", test_variations);

  return g_test_run ();
}
