/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-sweep-plan.c: cells and their turns, what is skipped, orders, and plans as JSON. */
#include "esp-sweep-plan.h"
#include "sweep-backend.h"

#include "esp-json-object.h"

#include <string.h>

static const char plenty[]
    = "\"prompt\":{\"type\":\"string\"},"
      "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":40,\"default\":20,"
      "\"title\":\"Steps\"},"
      "\"guidance\":{\"type\":\"number\",\"minimum\":0,\"maximum\":10,\"default\":2.5,"
      "\"title\":\"Guidance\"},"
      "\"seed\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":4294967295,\"default\":3}";
static const char little[]
    = "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":8,\"default\":4,"
      "\"title\":\"Steps\"},"
      "\"tolerance\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":6,\"default\":2}";

typedef struct
{
  EspRegistry *registry;
  SweepBackend *backend;
  EspAxisContext context;
  JsonObject *parameters;
  JsonNode *presets;
  EspTurn turn;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->registry = esp_registry_new ();
  fixture->backend = sweep_backend_new ("lab", 1);
  sweep_backend_add_model (fixture->backend, "plenty", "Plenty", plenty,
                           ESP_MODEL_SEED | ESP_MODEL_NEGATIVE_PROMPT);
  sweep_backend_add_model (fixture->backend, "little", "Little", little, 0);
  esp_registry_add (fixture->registry, ESP_BACKEND (fixture->backend));
  fixture->presets = json_from_string (
      "{\"Fast\":{\"steps\":4,\"speed\":9},\"Slow\":{\"steps\":40},\"Other\":{\"backend\":\"lab\","
      "\"model\":\"little\",\"parameters\":{\"tolerance\":6}},\"None\":{\"speed\":1}}",
      NULL);
  fixture->context = (EspAxisContext){ .registry = fixture->registry,
                                       .presets = json_node_get_object (fixture->presets) };
  fixture->parameters = json_object_new ();
  json_object_set_int_member (fixture->parameters, "steps", 10);
  fixture->turn = (EspTurn){ .instruction = "Make it red",
                             .negative_prompt = "blur",
                             .backend = "lab",
                             .model = "plenty",
                             .model_name = "Plenty",
                             .parameters = fixture->parameters,
                             .has_seed = TRUE,
                             .seed = 7 };
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  json_object_unref (fixture->parameters);
  json_node_unref (fixture->presets);
  g_object_unref (fixture->registry);
  g_object_unref (fixture->backend);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/sweep-plan/" path, Fixture, NULL, set_up, function, tear_down)

/* Axes as "name: text; name: text". */
static GPtrArray *
parse_axes (Fixture *fixture, const char *text)
{
  GPtrArray *axes = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
  g_auto (GStrv) parts = g_strsplit (text, ";", -1);

  for (char **part = parts; *part != NULL && **part != '\0'; part++)
    {
      g_auto (GStrv) pair = g_strsplit (*part, ":", 2);
      g_autoptr (GError) error = NULL;

      g_ptr_array_add (axes,
                       esp_axis_parse (g_strstrip (pair[0]), pair[1], &fixture->context, &error));
      g_assert_no_error (error);
    }
  return axes;
}

static EspSweepPlan *
make_plan (Fixture *fixture, const char *axes, EspSweepOrder order)
{
  g_autoptr (GPtrArray) list = parse_axes (fixture, axes);
  g_autoptr (GError) error = NULL;
  EspSweepPlan *plan = esp_sweep_plan_new (3, &fixture->turn, list, order, &error);

  g_assert_no_error (error);
  return plan;
}

/* "model “instruction” {parameters} seed parent", or why it is skipped in brackets. */
static char *
dup_turn (Fixture *fixture, EspSweepPlan *plan, guint cell, gboolean checked)
{
  g_autoptr (GObject) owner = NULL;
  g_autofree char *skipped = NULL;
  g_autofree char *parameters = NULL;
  gint64 parent = -1;
  EspTurn turn;

  if (!esp_sweep_plan_get_turn (plan, cell, checked ? fixture->registry : NULL, &turn, &parent,
                                &owner, &skipped))
    {
      g_assert_nonnull (skipped);
      g_assert_null (owner);
      return g_strdup_printf ("[%s]", skipped);
    }
  g_assert_null (skipped);
  parameters = esp_json_dup_canonical (turn.parameters);
  return g_strdup_printf ("%s/%s “%s”%s%s %s %" G_GINT64_FORMAT " @%" G_GINT64_FORMAT, turn.backend,
                          turn.model, turn.instruction,
                          turn.negative_prompt != NULL ? " without " : "",
                          turn.negative_prompt != NULL ? turn.negative_prompt : "", parameters,
                          turn.has_seed ? (gint64) turn.seed : -1, parent);
}

#define assert_turn(fixture, plan, cell, expected)                                                 \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *turn_ = dup_turn (fixture, plan, cell, TRUE);                                 \
    g_assert_cmpstr (turn_, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

static void
test_cells (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = make_plan (fixture, "guidance: 1, 2.5; seed: 1..3; steps: 4, 8", ESP_SWEEP_LISTED);
  g_autofree char *title = esp_sweep_plan_dup_title (plan);
  g_autofree char *cell_title = esp_sweep_plan_dup_cell_title (plan, 9);
  guint indices[ESP_SWEEP_MAX_AXES];

  g_assert_cmpuint (esp_sweep_plan_get_n_cells (plan), ==, 12);
  g_assert_cmpint (esp_sweep_plan_get_parent (plan), ==, 3);
  g_assert_cmpstr (title, ==, "Guidance × Seed × Steps");
  for (guint i = 0; i < 12; i++)
    {
      esp_sweep_plan_get_indices (plan, i, indices);
      g_assert_cmpuint (indices[0] + 2 * (indices[1] + 3 * indices[2]), ==, i);
      g_assert_cmpuint (esp_sweep_plan_get_cell (plan, indices), ==, i);
    }
  g_assert_cmpstr (cell_title, ==, "Guidance 2.5, Seed 2, Steps 8");
  assert_turn (fixture, plan, 9,
               "lab/plenty “Make it red” without blur {\"guidance\":2.5,\"steps\":8} 2 @3");
  assert_turn (fixture, plan, 0,
               "lab/plenty “Make it red” without blur {\"guidance\":1,\"steps\":4} 1 @3");
}

/* Axis, else preset, else base, else the model's default. */
static void
test_overlay (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "preset: Fast, Slow, Other, None", 0);

  assert_turn (fixture, plan, 0,
               "lab/plenty “Make it red” without blur {\"guidance\":2.5,\"steps\":4} 7 @3");
  assert_turn (fixture, plan, 1,
               "lab/plenty “Make it red” without blur {\"guidance\":2.5,\"steps\":40} 7 @3");
  /* It is for another model, which takes no seed, no negative instruction, and not so many steps.
   */
  assert_turn (fixture, plan, 2, "lab/little “Make it red” {\"steps\":4,\"tolerance\":6} -1 @3");
  assert_turn (fixture, plan, 3, "[Plenty has none of the settings of “None”]");
  g_clear_pointer (&plan, esp_sweep_plan_unref);

  plan = make_plan (fixture, "preset: Fast, Slow; steps: 12", 0);
  assert_turn (fixture, plan, 1,
               "lab/plenty “Make it red” without blur {\"guidance\":2.5,\"steps\":12} 7 @3");
}

static void
test_skipped (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan
      = make_plan (fixture, "model: lab/plenty, lab/little; steps: 4, 20", 0);

  assert_turn (fixture, plan, 0,
               "lab/plenty “Make it red” without blur {\"guidance\":2.5,\"steps\":4} 7 @3");
  assert_turn (fixture, plan, 1, "lab/little “Make it red” {\"steps\":4,\"tolerance\":2} -1 @3");
  assert_turn (fixture, plan, 3, "[Steps 20: at most 8]");
  g_clear_pointer (&plan, esp_sweep_plan_unref);

  plan = make_plan (fixture, "model: lab/plenty, lab/little; tolerance: 0, 6", 0);
  assert_turn (fixture, plan, 0, "[Plenty has no parameter “tolerance”]");
  assert_turn (fixture, plan, 2, "[Plenty has no parameter “tolerance”]");
  /* Ten steps are the base's, for the other model. */
  assert_turn (fixture, plan, 3, "lab/little “Make it red” {\"steps\":4,\"tolerance\":6} -1 @3");
  g_clear_pointer (&plan, esp_sweep_plan_unref);

  plan = make_plan (fixture, "model: lab/plenty, lab/little; seed: 1, 2; negative_prompt: a", 0);
  assert_turn (fixture, plan, 1, "[Little takes no seed]");
  assert_turn (fixture, plan, 2,
               "lab/plenty “Make it red” without a {\"guidance\":2.5,\"steps\":10} 2 @3");
  g_clear_pointer (&plan, esp_sweep_plan_unref);

  /* The base itself asks too much. */
  json_object_set_int_member (fixture->parameters, "steps", 100);
  plan = make_plan (fixture, "guidance: 1, 2", 0);
  assert_turn (fixture, plan, 0, "[Steps 100: at most 40]");
  g_clear_pointer (&plan, esp_sweep_plan_unref);

  fixture->turn.model = "gone";
  fixture->turn.model_name = "Gone";
  plan = make_plan (fixture, "guidance: 1, 2", 0);
  assert_turn (fixture, plan, 0, "[There is no model “Gone” any more]");
}

static void
test_instructions (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = NULL;
  g_autofree char *title = NULL;

  fixture->turn.negative_prompt = NULL;
  fixture->turn.instruction = "Make the {car|house} red, \\{really\\}, not reddish";
  plan = make_plan (fixture, "replace: red || blue", 0);
  g_assert_cmpuint (esp_sweep_plan_get_n_cells (plan), ==, 4);
  assert_turn (fixture, plan, 0,
               "lab/plenty “Make the car red, {really}, not reddish” "
               "{\"guidance\":2.5,\"steps\":10} 7 @3");
  assert_turn (fixture, plan, 3,
               "lab/plenty “Make the house blue, {really}, not reddish” "
               "{\"guidance\":2.5,\"steps\":10} 7 @3");
  title = esp_sweep_plan_dup_cell_title (plan, 3);
  g_assert_cmpstr (title, ==, "“blue”, “house”");
  g_clear_pointer (&plan, esp_sweep_plan_unref);

  /* In one of the two there is nothing to replace. */
  plan = make_plan (fixture, "instruction: A red car || A green car; replace: red || blue", 0);
  assert_turn (fixture, plan, 1, "lab/plenty “A green car” {\"guidance\":2.5,\"steps\":10} 7 @3");
  assert_turn (fixture, plan, 2, "lab/plenty “A blue car” {\"guidance\":2.5,\"steps\":10} 7 @3");
  assert_turn (fixture, plan, 3, "[“red” does not occur in the instruction]");
}

static void
test_references (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = NULL;
  g_autoptr (EspSweepPlan) read = NULL;
  const char *json = "{\"axes\":[{\"kind\":\"seed\",\"name\":\"\",\"values\":[1]}],\"cells\":1,"
                     "\"parent\":3,\"turn\":{\"backend\":\"lab\",\"model\":\"plenty\","
                     "\"references\":[4,5,-1,6]},\"version\":1}";

  read = esp_sweep_plan_from_json (json, NULL);
  g_assert_nonnull (read);
  g_assert_cmpuint (esp_sweep_plan_get_references (read)->len, ==, 3);
  assert_turn (fixture, read, 0, "[Plenty takes at most 2 further images]");
}

/* --- Limits ----------------------------------------------------------------------------------- */

static void
check_fails (Fixture *fixture, const char *axes, const char *message)
{
  g_autoptr (GPtrArray) list = parse_axes (fixture, axes);
  g_autoptr (GError) error = NULL;
  EspSweepPlan *plan = esp_sweep_plan_new (3, &fixture->turn, list, 0, &error);

  g_assert_null (plan);
  g_assert_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SIZE);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_limits (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "seed: 1..4096", 0);

  g_assert_cmpuint (esp_sweep_plan_get_n_cells (plan), ==, 4096);
  check_fails (fixture, "", "A sweep needs something to change from picture to picture");
  check_fails (fixture, "seed: 1..100; steps: 1..40; guidance: 1..2",
               "The sweep would have 8000 cells; at most 4096 are possible");
  check_fails (fixture, "seed: 1; seed: 2", "“Seed” is changed twice");
  check_fails (fixture, "steps: 1; guidance: 1; steps: 2", "“Steps” is changed twice");
  fixture->turn.instruction = "{a|b} {c|d} {e|f} {g|h}";
  check_fails (fixture, "",
               "A sweep changes at most 3 things; alternatives in the instruction count, too");
}

/* --- Orders ----------------------------------------------------------------------------------- */

static char *
dup_order (EspSweepPlan *plan)
{
  g_autoptr (GArray) cells = esp_sweep_plan_dup_order (plan);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < cells->len; i++)
    g_string_append_printf (text, "%s%u", i > 0 ? " " : "", g_array_index (cells, guint, i));
  return g_string_free (text, FALSE);
}

static void
test_orders (Fixture *fixture, gconstpointer data)
{
  const char *axes = "steps: 8, 9, 10, 11, 12; seed: 5, 7, 9";
  g_autoptr (EspSweepPlan) listed = make_plan (fixture, axes, ESP_SWEEP_LISTED);
  g_autoptr (EspSweepPlan) near = make_plan (fixture, axes, ESP_SWEEP_NEAR);
  g_autoptr (EspSweepPlan) random = make_plan (fixture, axes, ESP_SWEEP_RANDOM);
  g_autoptr (EspSweepPlan) again = make_plan (fixture, axes, ESP_SWEEP_RANDOM);
  g_autofree char *a = dup_order (listed);
  g_autofree char *b = dup_order (near);
  g_autofree char *c = dup_order (random);
  g_autofree char *d = dup_order (again);
  g_autoptr (GArray) cells = esp_sweep_plan_dup_order (random);
  guint64 seen = 0;

  g_assert_cmpstr (a, ==, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14");
  /* Steps 10 and seed 7 are the base's: cell 7, then its neighbours, then those across. */
  g_assert_cmpstr (b, ==, "7 2 6 8 12 1 3 11 13 5 9 0 4 10 14");
  g_assert_cmpstr (c, !=, a);
  g_assert_cmpstr (c, ==, d);
  for (guint i = 0; i < cells->len; i++)
    seen |= G_GUINT64_CONSTANT (1) << g_array_index (cells, guint, i);
  g_assert_cmpuint (seen, ==, (1 << 15) - 1);
  g_assert_true (esp_sweep_plan_equal (listed, near));
  g_assert_true (esp_sweep_plan_equal (listed, random));
}

/* Of numbers that are not the base's, the nearest is the middle. */
static void
test_near (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "steps: 1, 5, 12, 40", ESP_SWEEP_NEAR);
  g_autofree char *order = dup_order (plan);

  g_assert_cmpstr (order, ==, "2 1 3 0");
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void
test_round_trip (Fixture *fixture, gconstpointer data)
{
  static const char *const axes[] = {
    "guidance: 0.1, 2.5, 3; seed: 1..3",
    "instruction: A \"quoted\" one || Two\nlines; negative_prompt: a, b",
    "model: lab/plenty, lab/little; preset: Fast, Other",
    "replace: red || blue; steps: 1, 2",
  };

  fixture->turn.seed = G_MAXUINT64;
  for (guint i = 0; i < G_N_ELEMENTS (axes); i++)
    {
      g_autoptr (EspSweepPlan) plan = make_plan (fixture, axes[i], ESP_SWEEP_NEAR);
      g_autofree char *json = esp_sweep_plan_dup_json (plan);
      g_autoptr (GError) error = NULL;
      g_autoptr (EspSweepPlan) again = esp_sweep_plan_from_json (json, &error);
      g_autofree char *json_again = NULL;
      g_autofree char *title = esp_sweep_plan_dup_title (plan);
      g_autofree char *title_again = NULL;

      g_assert_no_error (error);
      json_again = esp_sweep_plan_dup_json (again);
      title_again = esp_sweep_plan_dup_title (again);
      g_assert_cmpstr (json, ==, json_again);
      g_assert_cmpstr (title, ==, title_again);
      g_assert_true (esp_sweep_plan_equal (plan, again));
      g_assert_cmpint (esp_sweep_plan_get_order (again), ==, ESP_SWEEP_NEAR);
      for (guint cell = 0; cell < esp_sweep_plan_get_n_cells (plan); cell++)
        {
          g_autofree char *turn = dup_turn (fixture, plan, cell, cell % 2 == 0);
          g_autofree char *turn_again = dup_turn (fixture, again, cell, cell % 2 == 0);

          g_assert_cmpstr (turn, ==, turn_again);
        }
    }
}

static void
test_equal (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspSweepPlan) plan = make_plan (fixture, "guidance: 1, 2", 0);
  g_autoptr (EspSweepPlan) other = make_plan (fixture, "guidance: 1, 3", 0);
  g_autoptr (EspSweepPlan) seeded = NULL;
  g_autoptr (EspSweepPlan) chosen = NULL;
  g_autoptr (EspSweepPlan) chosen_again = NULL;
  g_autofree char *json = NULL;
  g_autoptr (EspSweepPlan) read = NULL;

  g_assert_false (esp_sweep_plan_equal (plan, other));
  fixture->turn.seed = 8;
  seeded = make_plan (fixture, "guidance: 1, 2", 0);
  g_assert_false (esp_sweep_plan_equal (plan, seeded));
  /* A seed that nobody asked for makes no other sweep. */
  fixture->turn.has_seed = FALSE;
  chosen = make_plan (fixture, "guidance: 1, 2", 0);
  for (guint i = 0; i < 3; i++)
    {
      g_clear_pointer (&chosen_again, esp_sweep_plan_unref);
      chosen_again = make_plan (fixture, "guidance: 1, 2", 0);
      g_assert_true (esp_sweep_plan_equal (chosen, chosen_again));
    }
  g_assert_false (esp_sweep_plan_equal (chosen, seeded));
  json = esp_sweep_plan_dup_json (chosen);
  read = esp_sweep_plan_from_json (json, NULL);
  g_assert_true (esp_sweep_plan_equal (chosen, read));
}

/* Each cell asks for what the base asks for, and another region is another sweep. */
static void
test_composition (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspComposition) asked = esp_composition_new (ESP_KEEP_PAINTED);
  g_autoptr (EspSweepPlan) plain = make_plan (fixture, "guidance: 1, 2", 0);
  g_autoptr (EspSweepPlan) plan = NULL;
  g_autoptr (EspSweepPlan) read = NULL;
  g_autoptr (EspSweepPlan) moved = NULL;
  g_autofree char *json = NULL;

  asked->region = esp_region_new (4, 5, 60, 70);
  asked->made = TRUE; /* what came of it is no part of a plan */
  asked->changed = 0.5;
  fixture->turn.composition = asked;
  plan = make_plan (fixture, "guidance: 1, 2", 0);
  json = esp_sweep_plan_dup_json (plan);
  g_assert_null (strstr (json, "found"));
  read = esp_sweep_plan_from_json (json, NULL);
  g_assert_true (esp_sweep_plan_equal (plan, read));
  g_assert_false (esp_sweep_plan_equal (plan, plain));
  for (guint cell = 0; cell < 2; cell++)
    {
      g_autoptr (GObject) owner = NULL;
      EspTurn turn;

      g_assert_true (
          esp_sweep_plan_get_turn (read, cell, fixture->registry, &turn, NULL, &owner, NULL));
      g_assert_cmpint (turn.composition->keep, ==, ESP_KEEP_AUTO);
      g_assert_true (esp_region_equal (turn.composition->region, asked->region));
      g_assert_false (turn.composition->made);
    }
  asked->region->x = 6;
  moved = make_plan (fixture, "guidance: 1, 2", 0);
  g_assert_false (esp_sweep_plan_equal (plan, moved));
  fixture->turn.composition = NULL;
}

/* Every document may come from anyone. */
static void
test_hostile (Fixture *fixture, gconstpointer data)
{
  static const char *const plans[] = {
    "",
    "[",
    "null",
    "{}",
    "{\"version\":1}",
    "{\"axes\":[],\"cells\":1,\"turn\":{},\"version\":1}",
    "{\"axes\":7,\"cells\":1,\"turn\":{},\"version\":1}",
    "{\"axes\":[7],\"cells\":1,\"turn\":{},\"version\":1}",
    "{\"axes\":[{\"kind\":\"seed\",\"name\":\"\",\"values\":[]}],\"cells\":0,\"turn\":{},"
    "\"version\":1}",
    "{\"axes\":[{\"kind\":\"seed\",\"name\":\"\",\"values\":[1]}],\"cells\":2,\"turn\":{},"
    "\"version\":1}",
    "{\"axes\":[{\"kind\":\"seed\",\"name\":\"\",\"values\":[1.5]}],\"cells\":1,\"turn\":{},"
    "\"version\":1}",
    "{\"axes\":[{\"kind\":\"seed\",\"name\":\"\",\"values\":[null]}],\"cells\":1,\"turn\":{},"
    "\"version\":1}",
    "{\"axes\":[{\"kind\":\"seed\",\"values\":[1]}],\"cells\":1,\"turn\":{},\"version\":1}",
    "{\"axes\":[{\"kind\":\"magic\",\"name\":\"\",\"values\":[1]}],\"cells\":1,\"turn\":{},"
    "\"version\":1}",
    "{\"axes\":[{\"kind\":\"parameter\",\"name\":\"\",\"values\":[1]}],\"cells\":1,\"turn\":{},"
    "\"version\":1}",
    "{\"axes\":[{\"kind\":\"parameter\",\"name\":\"a\",\"values\":[[1]]}],\"cells\":1,\"turn\":{},"
    "\"version\":1}",
    "{\"axes\":[{\"kind\":\"parameter\",\"name\":\"a\",\"values\":[1e999]}],\"cells\":1,"
    "\"turn\":{},\"version\":1}",
    "{\"axes\":[{\"kind\":\"model\",\"name\":\"\",\"values\":[{\"backend\":1,\"name\":\"x\"}]}],"
    "\"cells\":1,\"turn\":{},\"version\":1}",
    "{\"axes\":[{\"kind\":\"preset\",\"name\":\"\",\"values\":[{\"name\":\"x\"}]}],\"cells\":1,"
    "\"turn\":{},\"version\":1}",
    "{\"axes\":[{\"kind\":\"alternatives\",\"name\":\"3\",\"values\":[\"x\"]}],\"cells\":1,"
    "\"turn\":{},\"version\":1}",
    "{\"axes\":[{\"kind\":\"seed\",\"name\":\"\",\"values\":[1]},{\"kind\":\"seed\",\"name\":\"\","
    "\"values\":[1]}],\"cells\":1,\"turn\":{},\"version\":1}",
  };
  g_autoptr (GString) many = g_string_new ("{\"axes\":[");
  g_autofree char *deep = g_strnfill (100000, '[');

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", plans[i]);
      g_assert_null (esp_sweep_plan_from_json (plans[i], &error));
      g_assert_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_FORMAT);
    }
  /* Four thousand million cells. */
  for (int axis = 0; axis < 3; axis++)
    {
      g_string_append_printf (many, "%s{\"kind\":\"parameter\",\"name\":\"p%d\",\"values\":[0",
                              axis > 0 ? "," : "", axis);
      for (int i = 1; i < 1626; i++)
        g_string_append_printf (many, ",%d", i);
      g_string_append (many, "]}");
    }
  g_string_append (many, "],\"cells\":4298942376,\"turn\":{},\"version\":1}");
  g_assert_null (esp_sweep_plan_from_json (many->str, NULL));
  g_assert_null (esp_sweep_plan_from_json (deep, NULL));
}

/* What makes little sense, but is a plan. */
static void
test_odd (Fixture *fixture, gconstpointer data)
{
  static const char *const plans[] = {
    "{\"axes\":[{\"kind\":\"model\",\"name\":\"\",\"values\":[{\"backend\":\"b\",\"name\":\"x\"}]}]"
    ",\"cells\":1,\"turn\":{},\"version\":7,\"more\":[]}",
    "{\"axes\":[{\"kind\":\"preset\",\"name\":\"\",\"values\":[{\"name\":\"x\",\"settings\":{}}]}],"
    "\"cells\":1,\"parent\":\"x\",\"turn\":{\"seed\":\"y\",\"parameters\":8,\"references\":[[]]},"
    "\"version\":1}",
    "{\"axes\":[{\"kind\":\"node\",\"name\":\"\",\"values\":[-5],\"labels\":[7]}],\"cells\":1,"
    "\"parent\":1e99,\"turn\":{\"instruction\":\"{a|\"},\"version\":1}",
    "{\"axes\":[{\"kind\":\"alternatives\",\"name\":\"0\",\"values\":[\"x\",\"x\"]}],\"cells\":2,"
    "\"turn\":{\"instruction\":\"none\"},\"version\":1,\"order\":\"sideways\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EspSweepPlan) plan = esp_sweep_plan_from_json (plans[i], &error);
      g_autoptr (GArray) order = NULL;

      g_assert_no_error (error);
      order = esp_sweep_plan_dup_order (plan);
      for (guint cell = 0; cell < order->len; cell++)
        {
          g_autofree char *turn = dup_turn (fixture, plan, cell, TRUE);
          g_autofree char *unchecked = dup_turn (fixture, plan, cell, FALSE);
          g_autofree char *title = esp_sweep_plan_dup_cell_title (plan, cell);

          g_test_message ("%s: %s %s", title, turn, unchecked);
          g_assert_cmpuint (strlen (title), >, 0);
        }
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("cells", test_cells);
  ADD ("overlay", test_overlay);
  ADD ("skipped", test_skipped);
  ADD ("instructions", test_instructions);
  ADD ("references", test_references);
  ADD ("limits", test_limits);
  ADD ("orders", test_orders);
  ADD ("near", test_near);
  ADD ("round-trip", test_round_trip);
  ADD ("equal", test_equal);
  ADD ("composition", test_composition);
  ADD ("hostile", test_hostile);
  ADD ("odd", test_odd);
  return g_test_run ();
}
