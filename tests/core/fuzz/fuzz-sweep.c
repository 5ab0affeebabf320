/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan of a sweep as a document has it, and the text of an axis as a person types it: the name
 * of the axis, its values, the instruction, a zero byte between them. The first byte says which,
 * and what the axis is looked up in. */
#include "fuzz-core.h"

#include "esp-sweep-plan.h"
#include "sweep-backend.h"

#define WITH_MODELS      2 /* two, one preset */
#define WITH_ONE_OF_THEM 4

static const char plenty[]
    = "\"prompt\":{\"type\":\"string\"},"
      "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":40,\"default\":20},"
      "\"guidance\":{\"type\":\"number\",\"minimum\":0,\"maximum\":10,\"default\":2.5,"
      "\"title\":\"Guidance\"},"
      "\"seed\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":99},"
      "\"size\":{\"type\":\"string\",\"format\":\"image-size\",\"default\":\"auto\","
      "\"minimum\":16,\"maximum\":8192,\"multipleOf\":16},"
      "\"width\":{\"type\":\"integer\",\"minimum\":64,\"maximum\":2048,\"multipleOf\":16},"
      "\"aspect_ratio\":{\"type\":\"string\",\"enum\":[\"match_input_image\",\"1:1\",\"16:9\"]},"
      "\"raw\":{\"type\":\"boolean\",\"default\":false},"
      "\"style\":{\"type\":\"string\"},"
      "\"loras\":{\"type\":\"array\",\"format\":\"loras\",\"minimum\":-4,\"maximum\":4}";
static const char little[]
    = "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":60,\"title\":\"Steps\"}";

static void
read_plan (const char *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspSweepPlan) plan = esp_sweep_plan_from_json (json, &error);
  g_autoptr (EspSweepPlan) again = NULL;
  g_autoptr (GArray) order = NULL;
  g_autofree char *text = NULL;
  g_autofree char *title = NULL;
  guint n_cells;

  fuzz_check_error (plan != NULL, &error);
  if (plan == NULL)
    return;
  n_cells = esp_sweep_plan_get_n_cells (plan);
  PROMISE (n_cells > 0 && n_cells <= ESP_SWEEP_MAX_CELLS);
  title = esp_sweep_plan_dup_title (plan);
  order = esp_sweep_plan_dup_order (plan);
  PROMISE (order->len == n_cells);
  for (guint i = 0; i < MIN (n_cells, 8); i++)
    {
      guint indices[ESP_SWEEP_MAX_AXES];
      g_autofree char *cell_title = esp_sweep_plan_dup_cell_title (plan, i);
      g_autofree char *skipped = NULL;
      g_autoptr (GObject) owner = NULL;
      EspTurn turn = { 0 };
      gint64 parent;

      esp_sweep_plan_get_indices (plan, i, indices);
      PROMISE (esp_sweep_plan_get_cell (plan, indices) == i);
      if (esp_sweep_plan_get_turn (plan, i, NULL, &turn, &parent, &owner, &skipped))
        PROMISE (turn.instruction != NULL);
      else
        PROMISE (skipped != NULL);
    }
  text = esp_sweep_plan_dup_json (plan);
  again = esp_sweep_plan_from_json (text, &error);
  PROMISE (again != NULL && esp_sweep_plan_equal (plan, again));
}

/* Made once. */
static void
take_models (EspAxisContext *context)
{
  static EspRegistry *registry;
  static JsonObject *presets;

  if (registry == NULL)
    {
      SweepBackend *backend = sweep_backend_new ("lab", 1);
      JsonObject *settings = json_object_new ();

      sweep_backend_add_model (backend, "plenty", "Plenty", plenty,
                               ESP_MODEL_SEED | ESP_MODEL_NEGATIVE_PROMPT);
      sweep_backend_add_model (backend, "little", "Little", little, 0);
      registry = esp_registry_new ();
      esp_registry_add (registry, ESP_BACKEND (backend));
      g_object_unref (backend);
      json_object_set_int_member (settings, "steps", 4);
      presets = json_object_new ();
      json_object_set_object_member (presets, "a", settings);
    }
  context->registry = registry;
  context->presets = presets;
}

static void
read_axis (guint how, const char *name, const char *text, const char *instruction)
{
  static const char *const one[] = { "lab/little", NULL };
  EspAxisContext context = { .instruction = instruction, .seed = 7 };
  g_autoptr (GError) error = NULL;
  g_autoptr (EspAxis) axis = NULL;
  g_autoptr (GPtrArray) alternatives = NULL;
  g_autofree char *heading = esp_instruction_dup_heading (instruction);

  if ((how & WITH_MODELS) != 0)
    take_models (&context);
  if ((how & WITH_ONE_OF_THEM) != 0)
    context.models = one;
  axis = esp_axis_parse (name, text, &context, &error);
  fuzz_check_error (axis != NULL, &error);
  if (axis != NULL)
    {
      g_autofree char *written = esp_axis_dup_text (axis);
      g_autoptr (EspAxis) again = esp_axis_parse (name, written, &context, &error);

      PROMISE (esp_axis_get_n_values (axis) > 0);
      for (guint i = 0; i < esp_axis_get_n_values (axis); i++)
        PROMISE (esp_axis_get_label (axis, i) != NULL && esp_axis_get_value (axis, i) != NULL);
      /* Fewer where some were written differently and are the same: "0" and "0.". */
      PROMISE (again != NULL && esp_axis_get_n_values (again) <= esp_axis_get_n_values (axis));
    }
  g_clear_error (&error);
  alternatives = esp_axis_dup_alternatives (instruction, &error);
  fuzz_check_error (alternatives != NULL, &error);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  FuzzInput input = { data, size };
  guint how = fuzz_take_byte (&input);
  g_autofree char *first = fuzz_take_text (&input);
  g_autofree char *second = fuzz_take_text (&input);
  g_autofree char *third = fuzz_take_text (&input);

  if (!g_utf8_validate (first, -1, NULL) || !g_utf8_validate (second, -1, NULL)
      || !g_utf8_validate (third, -1, NULL))
    return 0;
  if (how % 2 == 0)
    read_plan (first);
  else
    read_axis (how, first, second, third);
  return 0;
}
