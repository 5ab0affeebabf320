/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-edit-report.h"

#include <glib/gi18n.h>
#include <inttypes.h>

#include "cli-compose-report.h"
#include "cli-report.h"
#include "esp-json-member.h"
#include "esp-json-text.h"
#include "esp-loras.h"

/* CLIP's length is the same in every model of this kind. */
#define CLIP_TOKENS 77

static const char *
get_string (JsonObject *object, const char *key)
{
  return json_object_get_string_member_with_default (object, key, "");
}

static gint64
get_int (JsonObject *object, const char *key)
{
  return json_object_get_int_member_with_default (object, key, 0);
}

static double
get_double (JsonObject *object, const char *key)
{
  return json_object_get_double_member_with_default (object, key, 0);
}

static gboolean
get_bool (JsonObject *object, const char *key)
{
  return json_object_get_boolean_member_with_default (object, key, FALSE);
}

static void
put_model (GString *json, JsonObject *model, gboolean with_path)
{
  static const char *const members[] = { "id", "name", "kind", "hash" };

  if (model == NULL)
    return;

  esp_json_open (json, "model", '{');
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    esp_json_put_string (json, members[i], get_string (model, members[i]), -1);
  if (with_path)
    esp_json_put_string (json, "path", get_string (model, "path"), -1);
  esp_json_close (json, '}');
}

/* By their files' names and contents. */
static void
put_loras (GString *json, JsonObject *result)
{
  JsonNode *loras = json_object_get_member (result, "loras");
  g_autoptr (JsonNode) public = NULL;
  g_autofree char *text = NULL;

  if (loras == NULL || !JSON_NODE_HOLDS_ARRAY (loras)
      || json_array_get_length (json_node_get_array (loras)) == 0)
    return;
  public = esp_loras_dup_public (loras);
  text = json_to_string (public, FALSE);
  esp_json_put_raw (json, "loras", text);
}

/* The parameters that made the picture, as they were used. */
static void
put_parameters (GString *json, const CliEditOptions *options, JsonObject *result)
{
  esp_json_put_uint (json, "seed", options->seed);
  esp_json_put_uint (json, "steps", (guint64) get_int (result, "steps"));
  esp_json_put_double (json, "guidance", get_double (result, "guidance"));
  if (options->negative_prompt != NULL)
    esp_json_put_string (json, "negative_prompt", options->negative_prompt, -1);
  esp_json_put_double (json, "true_cfg", options->true_cfg);
  if (options->step_cache > 0)
    {
      esp_json_put_double (json, "step_cache", options->step_cache);
      esp_json_put_uint (json, "computed_steps", (guint64) get_int (result, "computed_steps"));
    }
  esp_json_put_uint (json, "width", (guint64) get_int (result, "width"));
  esp_json_put_uint (json, "height", (guint64) get_int (result, "height"));
  esp_json_put_string (json, "multi_ref",
                       options->multi_ref != NULL ? options->multi_ref : "offset", -1);
  esp_json_put_string (json, "device", get_string (result, "device"), -1);
  esp_json_put_string (json, "dtype", get_string (result, "dtype"), -1);
  put_loras (json, result);
}

static char *
recipe_json (const CliEditOptions *options, JsonObject *result)
{
  GString *json = g_string_new (NULL);

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "software", "Espalier " ESP_VERSION, -1);
  esp_json_put_string (json, "engine", ESP_VERSION, -1);
  esp_json_put_string (json, "prompt", options->prompt, -1);
  put_parameters (json, options, result);
  esp_json_put_string (json, "size", options->size != NULL ? options->size : "auto", -1);
  esp_json_put_uint (json, "references", g_strv_length (options->inputs));
  /* The seed alone would not make this picture again. */
  esp_json_put_bool (json, "noise_from_file", options->noise != NULL);
  if (options->keep.asked != NULL)
    cli_keep_put (json, options->keep.asked);
  put_model (json, esp_json_get_object (result, "model"), FALSE);
  esp_json_close (json, '}');

  return g_string_free (json, FALSE);
}

EspRecipe *
cli_recipe_new (const CliEditOptions *options, JsonObject *result)
{
  g_autofree char *json = recipe_json (options, result);
  JsonObject *model = esp_json_get_object (result, "model");
  const EspRecipe recipe = {
    .json = json,
    .prompt = options->prompt,
    .negative_prompt = options->negative_prompt,
    .model = model != NULL ? get_string (model, "name") : NULL,
    .model_hash = model != NULL ? get_string (model, "hash") : NULL,
    .software = "Espalier " ESP_VERSION,
    .seed = options->seed,
    .steps = (int) get_int (result, "steps"),
    .guidance = get_double (result, "guidance"),
    .width = (int) get_int (result, "width"),
    .height = (int) get_int (result, "height"),
  };

  return esp_recipe_copy (&recipe);
}

/* How large what was written is, if it is not what was made. */
static void
put_kept (GString *json, const CliEditOptions *options, const CliKept *kept)
{
  if (kept->composition == NULL)
    return;
  cli_keep_put (json, options->keep.asked);
  esp_json_put_uint (json, "output_width", (guint64) kept->image->width);
  esp_json_put_uint (json, "output_height", (guint64) kept->image->height);
  cli_compose_put (json, kept->composition);
}

char *
cli_edit_json (const CliEditOptions *options, JsonObject *result, const CliKept *kept,
               double seconds, GPtrArray *warnings)
{
  GString *json = g_string_new (NULL);
  g_autofree char *output = g_utf8_make_valid (options->output, -1);
  JsonNode *timings = json_object_get_member (result, "timings");
  g_autofree char *timings_text = timings != NULL ? json_to_string (timings, FALSE) : NULL;

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "output", output, -1);
  put_parameters (json, options, result);
  esp_json_put_string (json, "device_description", get_string (result, "device_description"), -1);
  if (*get_string (result, "memory") != '\0')
    esp_json_put_string (json, "memory", get_string (result, "memory"), -1);
  esp_json_put_raw (json, "timings", timings_text != NULL ? timings_text : "null");
  esp_json_put_double (json, "seconds", seconds);
  esp_json_put_uint (json, "peak_memory", (guint64) get_int (result, "peak_memory"));
  esp_json_put_bool (json, "scaled", get_bool (result, "scaled"));
  esp_json_put_uint (json, "source_width", (guint64) get_int (result, "source_width"));
  esp_json_put_uint (json, "source_height", (guint64) get_int (result, "source_height"));
  esp_json_put_bool (json, "clip_truncated", get_bool (result, "clip_truncated"));
  esp_json_put_bool (json, "t5_truncated", get_bool (result, "t5_truncated"));
  put_kept (json, options, kept);
  put_model (json, esp_json_get_object (result, "model"), TRUE);
  esp_json_put_string (json, "engine", ESP_VERSION, -1);
  esp_json_open (json, "warnings", '[');
  for (guint i = 0; i < warnings->len; i++)
    esp_json_put_string (json, NULL, g_ptr_array_index (warnings, i), -1);
  esp_json_close (json, ']');
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');

  return g_string_free (json, FALSE);
}

char *
cli_edit_summary (const CliEditOptions *options, JsonObject *result, const CliKept *kept,
                  double seconds)
{
  return g_strdup_printf (
      _ ("%s: %dx%d, seed %" PRIu64 ", %d steps, guidance %g, %.1f s, %.0f MB\n"), options->output,
      kept->image->width, kept->image->height, options->seed, (int) get_int (result, "steps"),
      get_double (result, "guidance"), seconds, (double) get_int (result, "peak_memory") / 1e6);
}

void
cli_edit_notes (const CliEditOptions *options, JsonObject *result, const CliKept *kept)
{
  JsonObject *model = esp_json_get_object (result, "model");

  if (kept->composition != NULL)
    {
      g_autofree char *text = cli_compose_describe (kept->composition);

      cli_note ("%s: %s", options->output, text);
    }
  else if (get_bool (result, "scaled"))
    cli_note (_ ("%s: was scaled from %dx%d for an edit at %dx%d"), options->inputs[0],
              (int) get_int (result, "source_width"), (int) get_int (result, "source_height"),
              (int) get_int (result, "width"), (int) get_int (result, "height"));

  if (*get_string (result, "notice") != '\0')
    cli_note ("%s", get_string (result, "notice"));

  if (get_bool (result, "t5_truncated") && model != NULL)
    cli_note (_ ("The prompt is too long for this model: only its first %d tokens were read"),
              (int) get_int (model, "t5_tokens"));
  if (get_bool (result, "clip_truncated"))
    cli_note (_ ("The prompt is longer than CLIP’s %d tokens: the rest steers only through T5"),
              CLIP_TOKENS);
}

void
cli_edit_explain_memory (JsonObject *result)
{
  const char *memory = get_string (result, "memory");
  g_auto (GStrv) lines = g_strsplit (memory, "\n", -1);

  if (*memory == '\0')
    cli_note (_ ("Computed on the processor: %.1f GB of memory at most"),
              (double) get_int (result, "peak_memory") / 1e9);
  for (guint i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '\0')
      cli_note ("%s", lines[i]);
}

void
cli_edit_demo_note (JsonObject *model)
{
  g_autoptr (GString) known = g_string_new (NULL);
  JsonNode *node = json_object_get_member (model, "instructions");
  JsonArray *instructions
      = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (!g_str_equal (get_string (model, "kind"), "demo"))
    return;

  for (guint i = 0; instructions != NULL && i < json_array_get_length (instructions); i++)
    g_string_append_printf (known, "%s%s", i > 0 ? "; " : "",
                            json_array_get_string_element (instructions, i));

  cli_note (_ ("demo model “%s”; it knows: %s; a real model: see docs/models.md"),
            get_string (model, "name"), known->str);
}

void
cli_edit_model_notes (JsonObject *model)
{
  JsonArray *notes = esp_json_get_array (model, "notes");

  for (guint i = 0; notes != NULL && i < json_array_get_length (notes); i++)
    cli_note ("%s", json_array_get_string_element (notes, i));
}
