/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-composer-controls.c: controls made from a schema hold what the schema allows. */
#include <adwaita.h>

#include "esp-lora-list.h"
#include "esp-parameter-controls.h"
#include "esp-ratio-icon.h"
#include "esp-seed-entry.h"
#include "esp-size-chooser.h"
#include "widgets.h"

static const char schema_text[]
    = "{\"type\":\"object\",\"properties\":{"
      "\"prompt\":{\"type\":\"string\",\"widget\":\"text\"},"
      "\"negative_prompt\":{\"type\":\"string\",\"widget\":\"text\"},"
      "\"seed\":{\"type\":\"integer\",\"minimum\":0,\"default\":0,\"widget\":\"seed\"},"
      "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":8,"
      "\"widget\":\"slider\"},"
      "\"guidance\":{\"type\":\"number\",\"minimum\":0,\"maximum\":100,\"default\":2.5,"
      "\"widget\":\"slider\"},"
      "\"size\":{\"type\":\"string\",\"format\":\"image-size\",\"default\":\"auto\"},"
      "\"safe\":{\"type\":\"boolean\",\"default\":true},"
      "\"tiles\":{\"type\":\"integer\",\"multipleOf\":8},"
      "\"dtype\":{\"type\":\"string\",\"enum\":[\"auto\",\"f32\"],\"default\":\"auto\"}},"
      "\"required\":[\"prompt\"]}";

static EspSchema *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = json_from_string (text, &error);
  EspSchema *schema;

  g_assert_no_error (error);
  schema = esp_schema_new (node, &error);
  g_assert_no_error (error);

  return schema;
}

static JsonObject *
parse_object (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  return json_object_ref (json_node_get_object (node));
}

static void
assert_values (JsonObject *values, const char *expected)
{
  g_autoptr (JsonNode) a = json_node_init_object (json_node_alloc (), values);
  g_autoptr (JsonNode) b = json_from_string (expected, NULL);
  g_autofree char *text = json_to_string (a, FALSE);

  if (!json_node_equal (a, b))
    g_error ("%s is not %s", text, expected);
}

static EspParameterControls *
create (void)
{
  return g_object_ref_sink (ESP_PARAMETER_CONTROLS (esp_parameter_controls_new ()));
}

static void
test_defaults (void)
{
  g_autoptr (EspSchema) schema = parse (schema_text);
  g_autoptr (EspParameterControls) controls = create ();
  g_autoptr (JsonObject) values = NULL;
  g_autoptr (JsonObject) changed = NULL;
  g_autofree char *summary = NULL;

  esp_parameter_controls_set_schema (controls, schema);
  g_assert_cmpuint (esp_parameter_controls_get_n_controls (controls), ==, 7);
  g_assert_true (esp_parameter_controls_has_seed (controls));
  values = esp_parameter_controls_dup_values (controls);
  assert_values (values, "{\"steps\":8,\"guidance\":2.5,\"size\":\"auto\",\"safe\":true,"
                         "\"dtype\":\"auto\"}");
  changed = esp_parameter_controls_dup_changed (controls);
  g_assert_cmpuint (json_object_get_size (changed), ==, 0);
  summary = esp_parameter_controls_dup_summary (controls);
  g_assert_cmpstr (summary, ==, "8 steps · 2.5");
}

static void
test_set_values (void)
{
  g_autoptr (EspSchema) schema = parse (schema_text);
  g_autoptr (EspParameterControls) controls = create ();
  g_autoptr (JsonObject) wanted
      = parse_object ("{\"steps\":500,\"guidance\":3.125,\"size\":\"640x480\",\"safe\":false,"
                      "\"dtype\":\"f32\",\"tiles\":16,\"negative_prompt\":\"blur\"}");
  g_autoptr (JsonObject) bad
      = parse_object ("{\"steps\":0,\"guidance\":\"x\",\"size\":\"big\",\"dtype\":\"f8\","
                      "\"safe\":3,\"unknown\":[],\"tiles\":null}");
  g_autoptr (JsonObject) values = NULL;
  g_autoptr (JsonObject) same = NULL;
  g_autoptr (JsonObject) reset = NULL;
  g_autofree char *summary = NULL;

  esp_parameter_controls_set_schema (controls, schema);
  esp_parameter_controls_set_values (controls, wanted, FALSE);
  values = esp_parameter_controls_dup_values (controls);
  assert_values (values, "{\"steps\":500,\"guidance\":3.125,\"size\":\"640x480\",\"safe\":false,"
                         "\"dtype\":\"f32\",\"tiles\":16,\"negative_prompt\":\"blur\"}");
  summary = esp_parameter_controls_dup_summary (controls);
  g_assert_cmpstr (summary, ==, "500 steps · 3.125 · 640 × 480");

  /* What the schema does not allow changes nothing, without a reset. */
  esp_parameter_controls_set_values (controls, bad, FALSE);
  same = esp_parameter_controls_dup_values (controls);
  g_assert_cmpint (json_object_get_int_member (same, "steps"), ==, 500);
  g_assert_cmpstr (json_object_get_string_member (same, "size"), ==, "640x480");

  esp_parameter_controls_set_seed (controls, 5, TRUE);
  esp_parameter_controls_reset (controls);
  reset = esp_parameter_controls_dup_changed (controls);
  g_assert_cmpuint (json_object_get_size (reset), ==, 0);
  g_assert_false (esp_parameter_controls_get_seed_locked (controls));
}

/* Another model keeps the values that it understands and that were chosen. */
static void
test_keep (void)
{
  g_autoptr (EspSchema) schema = parse (schema_text);
  g_autoptr (EspSchema) other
      = parse ("{\"type\":\"object\",\"properties\":{"
               "\"steps\":{\"type\":\"integer\",\"minimum\":4,\"maximum\":50,\"default\":28},"
               "\"guidance\":{\"type\":\"number\",\"minimum\":0,\"maximum\":3,\"default\":1}}}");
  g_autoptr (EspParameterControls) controls = create ();
  g_autoptr (JsonObject) wanted = parse_object ("{\"steps\":20,\"guidance\":9}");
  g_autoptr (JsonObject) values = NULL;

  esp_parameter_controls_set_schema (controls, schema);
  esp_parameter_controls_set_values (controls, wanted, FALSE);
  esp_parameter_controls_set_schema (controls, other);
  values = esp_parameter_controls_dup_values (controls);
  assert_values (values, "{\"steps\":20,\"guidance\":1.0}");
  g_assert_false (esp_parameter_controls_has_seed (controls));
}

static void
test_sizes (void)
{
  g_autoptr (EspSizeChooser) chooser
      = g_object_ref_sink (ESP_SIZE_CHOOSER (esp_size_chooser_new ()));
  static const char *const bad[] = { "",        "100x100", "16",     "16x",    "x16",   "16x17",
                                     "16x8208", "0x0",     " 16x16", "16x16 ", "-16x16" };
  int width, height;

  for (int w = 1; w <= 21; w++)
    for (int h = 1; h <= 21; h++)
      {
        esp_size_for_ratio ((double) w / h, 1024 * 1024, &width, &height);
        g_assert_cmpint (width % 16, ==, 0);
        g_assert_cmpint (height % 16, ==, 0);
        g_assert_cmpfloat (ABS ((double) width * height / (1024 * 1024) - 1), <, 0.06);
      }

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (esp_size_chooser_set_value (chooser, bad[i]));
  g_assert_cmpstr (esp_size_chooser_get_value (chooser), ==, "auto");
  g_assert_true (esp_size_chooser_set_value (chooser, "match"));
  g_assert_true (esp_size_chooser_set_value (chooser, "1024x1024"));
  g_assert_true (esp_size_chooser_set_value (chooser, "48x8192"));
  g_assert_cmpstr (esp_size_chooser_get_value (chooser), ==, "48x8192");
}

static void
test_seed (void)
{
  g_autoptr (EspSeedEntry) seed = g_object_ref_sink (ESP_SEED_ENTRY (esp_seed_entry_new ()));
  GtkEditable *entry = GTK_EDITABLE (widgets_find_type (GTK_WIDGET (seed), GTK_TYPE_ENTRY));
  guint64 first, same = 0;

  /* Unlocked: another one each time, of 32 bits, with room for the count. */
  first = esp_seed_entry_take (seed, 8);
  for (int i = 0; i < 4; i++)
    {
      guint64 next = esp_seed_entry_take (seed, 8);

      g_assert_cmpuint (next, <=, G_MAXUINT32 - 7);
      same += next == first;
    }
  g_assert_cmpuint (same, <, 4);

  /* Typing locks it; 64 bits are kept whole. */
  gtk_editable_set_text (entry, "18446744073709551615");
  g_assert_true (esp_seed_entry_get_locked (seed));
  g_assert_true (esp_seed_entry_is_valid (seed));
  g_assert_cmpuint (esp_seed_entry_take (seed, 1), ==, G_MAXUINT64);
  gtk_editable_set_text (entry, "18446744073709551616");
  g_assert_false (esp_seed_entry_is_valid (seed));
  gtk_editable_set_text (entry, "-1");
  g_assert_false (esp_seed_entry_is_valid (seed));
  gtk_editable_set_text (entry, " 7 ");
  g_assert_true (esp_seed_entry_is_valid (seed));
  g_assert_cmpuint (esp_seed_entry_take (seed, 1), ==, 7);
}

/* Shapes are chosen among those that there are; where the model has no default, it decides. */
static void
test_ratios (void)
{
  g_autoptr (EspSchema) schema
      = parse ("{\"type\":\"object\",\"properties\":{\"aspect\":{\"type\":\"string\","
               "\"enum\":[\"16:9\",\"1:1\",\"9:16\"]}}}");
  g_autoptr (EspParameterControls) controls = create ();
  g_autoptr (JsonObject) none = NULL;
  g_autoptr (JsonObject) wanted = parse_object ("{\"aspect\":\"9:16\"}");
  g_autoptr (JsonObject) values = NULL;
  g_autoptr (JsonObject) reset = NULL;
  g_autoptr (JsonObject) first = NULL;
  g_autoptr (JsonObject) unset = NULL;
  g_autofree char *summary = NULL;
  GtkWidget *drop_down, *window;

  esp_parameter_controls_set_schema (controls, schema);
  drop_down = widgets_find_type (GTK_WIDGET (controls), GTK_TYPE_DROP_DOWN);
  g_assert_cmpuint (gtk_drop_down_get_selected (GTK_DROP_DOWN (drop_down)), ==, 0);
  none = esp_parameter_controls_dup_values (controls);
  g_assert_cmpuint (json_object_get_size (none), ==, 0);

  esp_parameter_controls_set_values (controls, wanted, FALSE);
  values = esp_parameter_controls_dup_values (controls);
  assert_values (values, "{\"aspect\":\"9:16\"}");
  window = widgets_show (GTK_WIDGET (controls), 360, 200);
  g_assert_nonnull (widgets_find_type (drop_down, ESP_TYPE_RATIO_ICON));
  summary = esp_parameter_controls_dup_summary (controls);
  g_assert_cmpstr (summary, ==, "9:16");

  esp_parameter_controls_reset (controls);
  reset = esp_parameter_controls_dup_values (controls);
  g_assert_cmpuint (json_object_get_size (reset), ==, 0);
  g_assert_cmpuint (gtk_drop_down_get_selected (GTK_DROP_DOWN (drop_down)), ==, 0);

  /* The first shape can be chosen, and unchosen. */
  gtk_drop_down_set_selected (GTK_DROP_DOWN (drop_down), 1);
  first = esp_parameter_controls_dup_values (controls);
  assert_values (first, "{\"aspect\":\"16:9\"}");
  gtk_drop_down_set_selected (GTK_DROP_DOWN (drop_down), 0);
  unset = esp_parameter_controls_dup_values (controls);
  g_assert_cmpuint (json_object_get_size (unset), ==, 0);
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
set_strength (GtkWidget *list, double strength)
{
  GtkWidget *spin = widgets_find_type (list, GTK_TYPE_SPIN_BUTTON);

  g_assert_nonnull (spin);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), strength);
}

/* LoRAs come from files, each with its strength; what was in a file then is not asked of a new
 * turn. */
static void
test_loras (void)
{
  g_autoptr (EspSchema) schema
      = parse ("{\"type\":\"object\",\"properties\":{\"loras\":{\"type\":\"array\","
               "\"format\":\"loras\",\"minimum\":-100,\"maximum\":100}}}");
  g_autoptr (EspParameterControls) controls = create ();
  g_autoptr (JsonObject) wanted
      = parse_object ("{\"loras\":[{\"path\":\"/a/ink.safetensors\",\"strength\":0.5,"
                      "\"sha256\":\"00\"}]}");
  g_autoptr (JsonObject) wrong
      = parse_object ("{\"loras\":[{\"path\":\"/a/ink.safetensors\",\"strength\":101}]}");
  g_autoptr (GFile) more = g_file_new_for_path ("/b/paper.safetensors");
  g_autoptr (JsonObject) none = NULL;
  g_autoptr (JsonObject) values = NULL;
  g_autoptr (JsonObject) turned = NULL;
  g_autoptr (JsonObject) both = NULL;
  g_autoptr (JsonObject) reset = NULL;
  g_autofree char *summary = NULL;
  GtkWidget *list, *window;

  esp_parameter_controls_set_schema (controls, schema);
  none = esp_parameter_controls_dup_values (controls);
  g_assert_cmpuint (json_object_get_size (none), ==, 0);
  list = widgets_find_type (GTK_WIDGET (controls), ESP_TYPE_LORA_LIST);
  g_assert_nonnull (list);
  window = widgets_show (GTK_WIDGET (controls), 360, 240);

  esp_parameter_controls_set_values (controls, wrong, FALSE);
  esp_parameter_controls_set_values (controls, wanted, FALSE);
  values = esp_parameter_controls_dup_changed (controls);
  assert_values (values, "{\"loras\":[{\"path\":\"/a/ink.safetensors\",\"strength\":0.5}]}");
  summary = esp_parameter_controls_dup_summary (controls);
  g_assert_cmpstr (summary, ==, "ink 0.5");

  set_strength (list, -1.25);
  turned = esp_parameter_controls_dup_values (controls);
  assert_values (turned, "{\"loras\":[{\"path\":\"/a/ink.safetensors\",\"strength\":-1.25}]}");

  esp_lora_list_add (ESP_LORA_LIST (list), more);
  esp_lora_list_add (ESP_LORA_LIST (list), more); /* it is there */
  both = esp_parameter_controls_dup_values (controls);
  assert_values (both, "{\"loras\":[{\"path\":\"/a/ink.safetensors\",\"strength\":-1.25},"
                       "{\"path\":\"/b/paper.safetensors\",\"strength\":1.0}]}");

  esp_parameter_controls_reset (controls);
  reset = esp_parameter_controls_dup_values (controls);
  g_assert_cmpuint (json_object_get_size (reset), ==, 0);
  gtk_window_destroy (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);
  g_test_add_func ("/app/composer/controls/defaults", test_defaults);
  g_test_add_func ("/app/composer/controls/set-values", test_set_values);
  g_test_add_func ("/app/composer/controls/keep", test_keep);
  g_test_add_func ("/app/composer/controls/sizes", test_sizes);
  g_test_add_func ("/app/composer/controls/seed", test_seed);
  g_test_add_func ("/app/composer/controls/ratios", test_ratios);
  g_test_add_func ("/app/composer/controls/loras", test_loras);

  return g_test_run ();
}
