/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-axis.c: axes as people write them, and what they say when they cannot be read. */
#include "esp-axis.h"
#include "sweep-backend.h"

#include <locale.h>
#include <string.h>

static const char plenty[]
    = "\"prompt\":{\"type\":\"string\"},"
      "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":40,\"default\":20,"
      "\"title\":\"Steps\"},"
      "\"guidance\":{\"type\":\"number\",\"minimum\":0,\"maximum\":10,\"default\":2.5,"
      "\"title\":\"Guidance\"},"
      "\"lora_strength\":{\"type\":\"number\",\"minimum\":-2,\"maximum\":2,\"default\":1},"
      "\"seed\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":4294967295},"
      "\"size\":{\"type\":\"string\",\"format\":\"image-size\",\"default\":\"auto\","
      "\"minimum\":16,\"maximum\":8192,\"multipleOf\":16},"
      "\"width\":{\"type\":\"integer\",\"minimum\":64,\"maximum\":2048,\"multipleOf\":16},"
      "\"aspect_ratio\":{\"type\":\"string\",\"enum\":[\"match_input_image\",\"1:1\",\"16:9\"]},"
      "\"raw\":{\"type\":\"boolean\",\"default\":false},"
      "\"style\":{\"type\":\"string\"},"
      "\"loras\":{\"type\":\"array\",\"format\":\"loras\",\"minimum\":-4,\"maximum\":4}";
static const char little[]
    = "\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":60,\"title\":\"Steps\"},"
      "\"tolerance\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":6}";

typedef struct
{
  EspRegistry *registry;
  SweepBackend *backend;
  EspAxisContext context;
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
  fixture->context = (EspAxisContext){ .registry = fixture->registry, .seed = 40 };
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->registry);
  g_object_unref (fixture->backend);
}

#define ADD(path, function) g_test_add ("/axis/" path, Fixture, NULL, set_up, function, tear_down)

static char *
dup_labels (EspAxis *axis)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < esp_axis_get_n_values (axis); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " | " : "", esp_axis_get_label (axis, i));
  return g_string_free (text, FALSE);
}

static char *
dup_values (EspAxis *axis)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < esp_axis_get_n_values (axis); i++)
    {
      g_autofree char *json = json_to_string (esp_axis_get_value (axis, i), FALSE);

      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", json);
    }
  return g_string_free (text, FALSE);
}

/* And that its text is read as the same axis. */
static void
check (Fixture *fixture, const char *name, const char *text, const char *labels)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspAxis) axis = esp_axis_parse (name, text, &fixture->context, &error);
  g_autoptr (EspAxis) again = NULL;
  g_autofree char *found = NULL;
  g_autofree char *back = NULL;
  g_autofree char *values = NULL;
  g_autofree char *values_again = NULL;

  g_assert_no_error (error);
  found = dup_labels (axis);
  g_assert_cmpstr (found, ==, labels);
  back = esp_axis_dup_text (axis);
  again = esp_axis_parse (name, back, &fixture->context, &error);
  g_assert_no_error (error);
  values = dup_values (axis);
  values_again = dup_values (again);
  g_assert_cmpstr (values, ==, values_again);
}

static void
check_fails (Fixture *fixture, const char *name, const char *text, EspSweepError code,
             const char *message)
{
  g_autoptr (GError) error = NULL;
  EspAxis *axis = esp_axis_parse (name, text, &fixture->context, &error);

  g_assert_null (axis);
  g_assert_error (error, ESP_SWEEP_ERROR, (int) code);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_numbers (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *name, *text, *labels;
  } cases[] = {
    { "guidance", "1, 1.5, .. 4", "1 | 1.5 | 2 | 2.5 | 3 | 3.5 | 4" },
    { "guidance", "1, 1.5, …, 4", "1 | 1.5 | 2 | 2.5 | 3 | 3.5 | 4" },
    { "guidance", "1, 1.5, .., 4.2", "1 | 1.5 | 2 | 2.5 | 3 | 3.5 | 4" },
    { "guidance", "1..4", "1 | 2 | 3 | 4" },
    { "guidance", "4 .. 1", "4 | 3 | 2 | 1" },
    { "guidance", "0..1/0.25", "0 | 0.25 | 0.5 | 0.75 | 1" },
    { "guidance", "1..0/0.5", "1 | 0.5 | 0" },
    { "guidance", "2.5", "2.5" },
    { "guidance", " 3 ,1;2\n5 , ", "3 | 1 | 2 | 5" },
    { "guidance", "1, 1.0, 1.00, 2", "1 | 2" },
    { "guidance", "1e-1, 2e0", "0.1 | 2" },
    { "guidance", "1, .. 3, 7, 8, .. 10", "1 | 2 | 3 | 7 | 8 | 9 | 10" },
    { "steps", "28, 10, 4", "28 | 10 | 4" },
    { "steps", "28, 24, .. 8", "28 | 24 | 20 | 16 | 12 | 8" },
    { "steps", "60", "60" }, /* one of the models takes it */
    { "lora_strength", "-1, -0.5, .. 1", "-1 | -0.5 | 0 | 0.5 | 1" },
    { "lora_strength", "−1..1/.5", "-1 | -0.5 | 0 | 0.5 | 1" },
    { "tolerance", "0..6/3", "0 | 3 | 6" },
    { "width", "512, 768, .. 1280", "512 | 768 | 1024 | 1280" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s: %s", cases[i].name, cases[i].text);
      check (fixture, cases[i].name, cases[i].text, cases[i].labels);
    }
}

/* A tenth is a tenth, whatever binary thinks of it, and a point a point, whatever people do. */
static void
test_exact (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspAxis) axis = NULL;
  g_autofree char *text = NULL;

  g_test_message ("%s", setlocale (LC_ALL, "de_DE.UTF-8") != NULL ? "de_DE" : "no such locale");
  axis = esp_axis_parse ("guidance", "0, 0.1, .. 10", &fixture->context, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (esp_axis_get_n_values (axis), ==, 101);
  for (guint i = 0; i < 101; i++)
    {
      g_autofree char *expected = i % 10 == 0 ? g_strdup_printf ("%u", i / 10)
                                              : g_strdup_printf ("%u.%u", i / 10, i % 10);
      const double value = json_node_get_double (esp_axis_get_value (axis, i));

      g_assert_cmpstr (esp_axis_get_label (axis, i), ==, expected);
      g_assert_cmpfloat (value, ==, g_ascii_strtod (expected, NULL));
    }
  text = esp_axis_dup_text (axis);
  g_assert_cmpstr (text, ==, "0, 0.1, .. 10");
  setlocale (LC_ALL, "C");
}

static void
test_number_errors (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *name, *text;
    EspSweepError code;
    const char *message;
  } cases[] = {
    { "guidance", "", ESP_SWEEP_ERROR_SYNTAX, "Guidance: there is no value" },
    { "guidance", " , ", ESP_SWEEP_ERROR_SYNTAX, "Guidance: there is no value" },
    { "guidance", "1, x", ESP_SWEEP_ERROR_SYNTAX, "Guidance: “x” is no number" },
    { "guidance", ".. 4", ESP_SWEEP_ERROR_SYNTAX, "Guidance: “..” needs a number before it" },
    { "guidance", "1, ..", ESP_SWEEP_ERROR_SYNTAX, "Guidance: “..” needs a number behind it" },
    { "guidance", "1..", ESP_SWEEP_ERROR_SYNTAX, "Guidance: “..” needs a number behind it" },
    { "guidance", "1..2..3", ESP_SWEEP_ERROR_SYNTAX, "Guidance: “2..3” is no number" },
    { "guidance", "1, 3.4.5", ESP_SWEEP_ERROR_SYNTAX, "Guidance: “3.4.5” is no number" },
    { "guidance", "1, 2, .. 0", ESP_SWEEP_ERROR_SYNTAX,
      "Guidance: the range does not get to its end" },
    { "guidance", "1..4/0", ESP_SWEEP_ERROR_SYNTAX, "Guidance: the range does not get to its end" },
    { "guidance", "1.5..4", ESP_SWEEP_ERROR_SYNTAX,
      "Guidance: “1.5..4” needs a step, as in “1.5..4/0.5” or “1, 1.5, .. 4”" },
    { "guidance", "0..9/0.0000000000000000001", ESP_SWEEP_ERROR_SYNTAX,
      "Guidance: “0.0000000000000000001” has too many digits for a range" },
    { "guidance", "0..10/0.001", ESP_SWEEP_ERROR_SIZE, "Guidance has more than 4096 values" },
    { "guidance", "0..1e15", ESP_SWEEP_ERROR_SIZE, "Guidance has more than 4096 values" },
    { "guidance", "1, 11", ESP_SWEEP_ERROR_VALUE, "Guidance 11: at most 10" },
    { "guidance", "-1", ESP_SWEEP_ERROR_VALUE, "Guidance -1: at least 0" },
    { "guidance", "99999999999999999999", ESP_SWEEP_ERROR_VALUE, "Guidance 1e+20: at most 10" },
    { "guidance", "1e400", ESP_SWEEP_ERROR_VALUE, "Guidance: “1e400” is no number" },
    { "size", "64x64, 65x64", ESP_SWEEP_ERROR_VALUE, "size 65x64: only multiples of 16" },
    { "size", "64x8", ESP_SWEEP_ERROR_VALUE, "size 64x8: at least 16" },
    { "size", "8208x8", ESP_SWEEP_ERROR_VALUE, "size 8208x8: at most 8192" },
    { "size", "large", ESP_SWEEP_ERROR_VALUE, "size “large” is not possible" },
    { "steps", "61", ESP_SWEEP_ERROR_VALUE, "Steps 61: at most 40" },
    { "steps", "1.5", ESP_SWEEP_ERROR_VALUE, "Steps: “1.5” is no whole number" },
    { "width", "100", ESP_SWEEP_ERROR_VALUE, "width 100: only multiples of 16" },
    { "guidence", "1", ESP_SWEEP_ERROR_UNKNOWN,
      "There is no parameter “guidence”; there are: prompt, steps, guidance, lora_strength, seed, "
      "size, width, aspect_ratio, raw, style, lora:NAME, tolerance" },
    { "loras", "ink", ESP_SWEEP_ERROR_UNKNOWN,
      "There is no parameter “loras”; there are: prompt, steps, guidance, lora_strength, seed, "
      "size, width, aspect_ratio, raw, style, lora:NAME, tolerance" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s: %s", cases[i].name, cases[i].text);
      check_fails (fixture, cases[i].name, cases[i].text, cases[i].code, cases[i].message);
    }
}

static void
test_seeds (Fixture *fixture, gconstpointer data)
{
  check (fixture, "seed", "1..4", "1 | 2 | 3 | 4");
  check (fixture, "seed", "7, 9, 12", "7 | 9 | 12");
  check (fixture, "seed", "+4", "40 | 41 | 42 | 43");
  check_fails (fixture, "seed", "+0", ESP_SWEEP_ERROR_SYNTAX,
               "Seed: “0” is no number of seeds between 1 and 4096");
  check_fails (fixture, "seed", "-1", ESP_SWEEP_ERROR_VALUE,
               "Seed: “-1” is no whole number from 0 on");
  check_fails (fixture, "seed", "0.5", ESP_SWEEP_ERROR_VALUE,
               "Seed: “0.5” is no whole number from 0 on");
  check_fails (fixture, "seed", "4294967296", ESP_SWEEP_ERROR_VALUE,
               "Seed 4294967296: only 0 to 4294967295 are possible");
  fixture->context.models = (const char *const[]){ "lab/little", NULL };
  check_fails (fixture, "seed", "1", ESP_SWEEP_ERROR_VALUE, "The model takes no seed");
  /* All 64 bits, where nobody forbids it. */
  fixture->context = (EspAxisContext){ .seed = G_MAXUINT64 - 1 };
  check (fixture, "seed", "18446744073709551615, 9223372036854775808",
         "18446744073709551615 | 9223372036854775808");
  check (fixture, "seed", "+2", "18446744073709551614 | 18446744073709551615");
  check_fails (fixture, "seed", "+3", ESP_SWEEP_ERROR_VALUE,
               "Seed: from 18446744073709551614 on there are no 3 seeds");
}

static void
test_choices_and_booleans (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspAxis) axis = NULL;
  g_autofree char *values = NULL;

  check (fixture, "aspect_ratio", "16:9, 1:1", "16:9 | 1:1");
  check (fixture, "aspect_ratio", "Match_Input_Image", "As the picture");
  check (fixture, "aspect_ratio", "as the picture", "As the picture");
  check (fixture, "raw", "on, off", "On | Off");
  check (fixture, "raw", "FALSE, yes, true", "Off | On");
  check (fixture, "size", "512x512, auto", "512x512 | Automatic");
  check (fixture, "style", "a, b || c", "a, b | c");
  check_fails (fixture, "aspect_ratio", "4:3", ESP_SWEEP_ERROR_VALUE,
               "aspect_ratio “4:3”: only match_input_image, 1:1, 16:9");
  check_fails (fixture, "raw", "maybe", ESP_SWEEP_ERROR_VALUE,
               "raw: “maybe” is neither on nor off");
  check_fails (fixture, "size", "huge", ESP_SWEEP_ERROR_VALUE, "size “huge” is not possible");
  axis = esp_axis_parse ("raw", "on, off", &fixture->context, NULL);
  values = dup_values (axis);
  g_assert_cmpstr (values, ==, "true false");
}

static void
test_instructions (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_text = g_strnfill (100, 'x');
  g_autofree char *two = g_strconcat ("Make ", long_text, "\nMake ", long_text, "y", NULL);
  g_autoptr (EspAxis) axis = NULL;

  check (fixture, "instruction", "Make it red\n\n Make it blue \n", "Make it red | Make it blue");
  check (fixture, "prompt", "Make it red || Make it\nblue", "Make it red | Make it blue");
  check (fixture, "instruction", "Two\nlines ||", "Two lines");
  check (fixture, "instruction", "A {red|blue} {cat|dog}",
         "A red cat | A blue cat | A red dog | A blue dog");
  check (fixture, "instruction", "{\"json\": {\"a\": 1}}", "{\"json\": {\"a\": 1}}");
  check (fixture, "instruction", "\\{a|b\\}", "{a|b}");
  check (fixture, "negative_prompt", "blurry, dark\nugly", "blurry, dark | ugly");
  /* Long ones begin where they differ, and never look the same. */
  check (fixture, "instruction",
         "Turn the house at the end of the street into a castle\n"
         "Turn the house at the end of the street into a barn",
         "…castle | …barn");
  axis = esp_axis_parse ("instruction", two, &fixture->context, NULL);
  g_assert_cmpstr (esp_axis_get_label (axis, 0), !=, esp_axis_get_label (axis, 1));
  check_fails (fixture, "instruction", " \n ", ESP_SWEEP_ERROR_SYNTAX,
               "Instruction: there is no value");
  fixture->context.models = (const char *const[]){ "lab/little", NULL };
  check_fails (fixture, "negative_prompt", "a", ESP_SWEEP_ERROR_VALUE,
               "The model takes no negative instruction");
}

static void
test_alternatives (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *instruction, *message;
  } wrong[] = {
    { "A {red|blue", "The brace at character 3 is never closed; write \\{ for a brace" },
    { "Ä {red", "The brace at character 3 is never closed; write \\{ for a brace" },
    { "{a|{b|c}}", "The braces at character 1 have others inside, which is not possible; write \\{ "
                   "for a brace" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) axes
      = esp_axis_dup_alternatives ("Make the {car|old house} { red | blue |} now", &error);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (axes->len, ==, 2);
  first = dup_labels (axes->pdata[0]);
  second = dup_labels (axes->pdata[1]);
  g_assert_cmpstr (first, ==, "car | old house");
  g_assert_cmpstr (second, ==, "red | blue | (nothing)");
  g_assert_cmpint (esp_axis_get_kind (axes->pdata[1]), ==, ESP_AXIS_ALTERNATIVES);
  g_assert_cmpstr (esp_axis_get_name (axes->pdata[1]), ==, "1");
  g_clear_pointer (&axes, g_ptr_array_unref);

  axes = esp_axis_dup_alternatives ("Nothing \\{a|b\\} {here} }", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (axes->len, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_null (esp_axis_dup_alternatives (wrong[i].instruction, &error));
      g_assert_error (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_SYNTAX);
      g_assert_cmpstr (error->message, ==, wrong[i].message);
      g_clear_error (&error);
    }
}

static void
test_headings (Fixture *fixture, gconstpointer data)
{
  static const char *const cases[][2] = {
    { "Make it {snow|night}, {a|b} \\{now\\}", "Make it …, … {now}" },
    { "{ \"a\": 1 }", "{ \"a\": 1 }" },
    { "{a|b}", "…" },
    { "never {closed|so", "never {closed|so" },
    { "", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *heading = esp_instruction_dup_heading (cases[i][0]);

      g_assert_cmpstr (heading, ==, cases[i][1]);
    }
}

static void
test_replace (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EspAxis) axis = NULL;

  fixture->context.instruction = "A red car, not reddish";
  check (fixture, "replace", "red || blue || green", "red | blue | green");
  check (fixture, "replace", "red\nblue", "red | blue");
  axis = esp_axis_parse ("replace", "red || blue", &fixture->context, NULL);
  g_assert_cmpstr (esp_axis_get_name (axis), ==, "red");
  g_assert_cmpstr (esp_axis_get_title (axis), ==, "For “red”");
  check_fails (fixture, "replace", "dish || blue", ESP_SWEEP_ERROR_VALUE,
               "“dish” does not occur in the instruction");
  check_fails (fixture, "replace", "red", ESP_SWEEP_ERROR_SYNTAX,
               "Write the words to replace, then what takes their place: red || blue || green");
}

static void
test_models_and_presets (Fixture *fixture, gconstpointer data)
{
  g_autoptr (JsonNode) presets
      = json_from_string ("{\"Fast\":{\"steps\":4},\"Fine, slow\":{\"steps\":40}}", NULL);
  g_autoptr (SweepBackend) other = sweep_backend_new ("cloud@all", 2);

  sweep_backend_add_model (other, "plenty/v2", "Plenty", little, 0);
  esp_registry_add (fixture->registry, ESP_BACKEND (other));
  check (fixture, "model", "lab/little, lab/plenty", "Little | Plenty");
  check (fixture, "backend", "lab, cloud@all", "Plenty · lab | Plenty · cloud@all");
  check (fixture, "model", "cloud@all/plenty/v2, LITTLE", "Plenty | Little");
  check_fails (fixture, "model", "lab/none", ESP_SWEEP_ERROR_UNKNOWN,
               "There is no model “lab/none”; there are: lab/plenty, lab/little, "
               "cloud@all/plenty/v2");
  check_fails (fixture, "model", "Plenty", ESP_SWEEP_ERROR_UNKNOWN,
               "There is no model “Plenty”; there are: lab/plenty, lab/little, "
               "cloud@all/plenty/v2"); /* which of the two? */
  fixture->context.presets = json_node_get_object (presets);
  check (fixture, "preset", "Fast", "Fast");
  check (fixture, "preset", "Fine, slow || Fast", "Fine, slow | Fast");
  check_fails (fixture, "preset", "Slow", ESP_SWEEP_ERROR_UNKNOWN, "There is no preset “Slow”");
  check_fails (fixture, "node", "4", ESP_SWEEP_ERROR_UNKNOWN,
               "There is no node “4” in the document");
  esp_registry_remove (fixture->registry, ESP_BACKEND (other));
}

/* Without a registry nothing can be checked, and everything can be read. */
static void
test_unknown (Fixture *fixture, gconstpointer data)
{
  fixture->context = (EspAxisContext){ 0 };
  check (fixture, "anything", "1, 2, .. 6", "1 | 2 | 3 | 4 | 5 | 6");
  check (fixture, "anything", "x, 1, on", "x | 1 | On");
  check (fixture, "model", "a/b, c", "b | c");
}

static void
test_choosers (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) choices = esp_axis_dup_choices (&fixture->context);
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < choices->len; i++)
    {
      const EspAxisChoice *choice = choices->pdata[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (EspAxis) axis = NULL;

      g_string_append_printf (names, "%s%s", i > 0 ? " " : "", choice->name);
      g_test_message ("%s “%s”: %s", choice->name, choice->title, choice->example);
      if (*choice->example == '\0')
        continue;
      axis = esp_axis_parse (choice->name, choice->example, &fixture->context, &error);
      g_assert_no_error (error);
      g_assert_cmpint (esp_axis_get_kind (axis), ==, choice->kind);
      g_assert_cmpuint (esp_axis_get_n_values (axis), >=, 2);
      g_assert_cmpuint (esp_axis_get_n_values (axis), <=, 8);
    }
  g_assert_cmpstr (names->str, ==,
                   "steps guidance lora_strength size width aspect_ratio raw tolerance seed "
                   "instruction replace negative_prompt model");
}

/* Whatever is typed is an axis whose text is read as the same, or an error with a sentence. */
static void
test_random (Fixture *fixture, gconstpointer data)
{
  static const char *const names[]
      = { "guidance", "steps", "seed",         "instruction",     "replace",
          "raw",      "style", "aspect_ratio", "negative_prompt", "model" };
  static const char *const words[]
      = { "0", "1",  "2.5", "40", ".", "..", ",",  " ",  "/",   "-",          "+",   "e",
          "…", "\n", "||",  "{",  "}", "|",  "\\", "on", "red", "lab/plenty", "1:1", "é" };
  guint n_read = 0;

  for (guint i = 0; i < 20000; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      const char *name = names[g_test_rand_int_range (0, G_N_ELEMENTS (names))];
      g_autoptr (GError) error = NULL;
      g_autoptr (EspAxis) axis = NULL;
      g_autoptr (EspAxis) again = NULL;
      g_autofree char *back = NULL;
      g_autofree char *values = NULL;
      g_autofree char *values_again = NULL;

      for (gint32 n = g_test_rand_int_range (0, 9); n > 0; n--)
        g_string_append (text, words[g_test_rand_int_range (0, G_N_ELEMENTS (words))]);
      axis = esp_axis_parse (name, text->str, &fixture->context, &error);
      if (axis == NULL)
        {
          g_assert_nonnull (error);
          g_assert_cmpint (error->domain, ==, ESP_SWEEP_ERROR);
          continue;
        }
      g_assert_no_error (error);
      n_read++;
      back = esp_axis_dup_text (axis);
      again = esp_axis_parse (name, back, &fixture->context, &error);
      if (again == NULL)
        g_test_message ("%s: “%s” → “%s”", name, text->str, back);
      g_assert_no_error (error);
      values = dup_values (axis);
      values_again = dup_values (again);
      if (strcmp (values, values_again) != 0)
        g_test_message ("%s: “%s” → “%s”", name, text->str, back);
      g_assert_cmpstr (values, ==, values_again);
    }
  g_test_message ("%u of 20000 were axes", n_read);
  g_assert_cmpuint (n_read, >, 1000);
}

/* The strength of a LoRA, which is one of several in a parameter. */
static void
test_loras (Fixture *fixture, gconstpointer data)
{
  g_autoptr (JsonNode) loras
      = json_from_string ("[{\"path\":\"/a/ink.safetensors\",\"strength\":1}]", NULL);
  g_autoptr (EspAxis) axis = NULL;
  g_autoptr (GPtrArray) choices = NULL;
  guint found = 0;

  check (fixture, "lora:ink", "0, 0.5, .. 1", "0 | 0.5 | 1");
  check (fixture, "lora:/a/b c.safetensors", "-1, 1", "-1 | 1");
  check_fails (fixture, "lora:ink", "5", ESP_SWEEP_ERROR_VALUE,
               "LoRA ink: 5 is out of range; allowed is -4 to 4");
  axis = esp_axis_parse ("lora:/a/ink.safetensors", "0, 1", &fixture->context, NULL);
  g_assert_cmpstr (esp_axis_get_title (axis), ==, "LoRA ink");

  fixture->context.loras = loras;
  choices = esp_axis_dup_choices (&fixture->context);
  for (guint i = 0; i < choices->len; i++)
    found += g_str_equal (((EspAxisChoice *) choices->pdata[i])->name, "lora:ink");
  g_assert_cmpuint (found, ==, 1);
  fixture->context.loras = NULL;
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("numbers", test_numbers);
  ADD ("exact", test_exact);
  ADD ("number-errors", test_number_errors);
  ADD ("seeds", test_seeds);
  ADD ("choices-and-booleans", test_choices_and_booleans);
  ADD ("instructions", test_instructions);
  ADD ("alternatives", test_alternatives);
  ADD ("headings", test_headings);
  ADD ("replace", test_replace);
  ADD ("models-and-presets", test_models_and_presets);
  ADD ("unknown", test_unknown);
  ADD ("choosers", test_choosers);
  ADD ("loras", test_loras);
  ADD ("random", test_random);
  return g_test_run ();
}
