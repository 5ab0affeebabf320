/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command models inspect: what a file or folder is, as the engine sees it. */
#include <glib/gi18n.h>
#include <math.h>

#include "cli-components.h"
#include "cli-models.h"
#include "cli-options.h"
#include "cli-report.h"
#include "cli-session.h"
#include "esp-json-member.h"

static const char *
get_text (JsonObject *object, const char *key)
{
  const char *text = esp_json_get_string (object, key);

  return text != NULL ? text : "";
}

static JsonObject *
object_at (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static gboolean
is_true (JsonObject *object, const char *key)
{
  return json_object_get_boolean_member_with_default (object, key, FALSE);
}

static guint
length_of (JsonArray *array)
{
  return array != NULL ? json_array_get_length (array) : 0;
}

static char *
count_text (double count)
{
  if (count >= 1e9)
    return g_strdup_printf (_ ("%.2f billion"), count / 1e9);
  if (count >= 1e6)
    return g_strdup_printf (_ ("%.1f million"), count / 1e6);
  return g_strdup_printf ("%.0f", count);
}

static char *
time_text (double seconds)
{
  if (seconds >= 2 * 3600)
    return g_strdup_printf (_ ("%.1f hours"), seconds / 3600);
  if (seconds >= 120)
    return g_strdup_printf (_ ("%.0f minutes"), seconds / 60);
  if (seconds >= 10)
    return g_strdup_printf (_ ("%.0f seconds"), seconds);
  return g_strdup_printf (_ ("%.2f seconds"), seconds);
}

/* "Q4_K 97.1 %, F32 2.9 %" */
static void
append_formats (GString *text, JsonArray *formats)
{
  for (guint i = 0; i < length_of (formats); i++)
    {
      JsonObject *format = object_at (formats, i);

      if (format == NULL)
        continue;
      g_string_append_printf (text, "%s%s%s %.1f %%", i > 0 ? ", " : "",
                              get_text (format, "format"),
                              is_true (format, "scaled") ? _ (" (scaled)") : "",
                              100 * esp_json_get_number (format, "share", 0));
    }
}

static void
append_size (GString *text, JsonObject *object)
{
  g_autofree char *count = count_text (esp_json_get_number (object, "parameters", 0));
  g_autofree char *bytes
      = g_format_size ((guint64) fmax (0, esp_json_get_number (object, "bytes", 0)));

  g_string_append_printf (text, _ ("%s parameters, %s"), count, bytes);
}

static void
append_component (GString *text, JsonObject *component)
{
  const char *prefix = get_text (component, "prefix");

  g_string_append_printf (text, "  %-12s %s\n               ", get_text (component, "component"),
                          get_text (component, "path"));
  append_size (text, component);
  g_string_append (text, "; ");
  append_formats (text, esp_json_get_array (component, "formats"));
  g_string_append_printf (text, _ ("\n               %s, names of %s"),
                          get_text (component, "container"), get_text (component, "naming"));
  if (prefix[0] != '\0')
    g_string_append_printf (text, _ (" behind “%s”"), prefix);
  g_string_append_c (text, '\n');
}

static void
append_components (GString *text, JsonObject *inspection)
{
  JsonArray *components = esp_json_get_array (inspection, "components");
  JsonObject *parts = esp_json_get_object (inspection, "parts");

  for (guint i = 0; i < length_of (components); i++)
    {
      JsonObject *component = object_at (components, i);

      if (component != NULL)
        append_component (text, component);
    }
  for (const char *const *name = (const char *const[]){ "tokenizer", "tokenizer_2", NULL };
       parts != NULL && *name != NULL; name++)
    if (json_object_has_member (parts, *name))
      g_string_append_printf (text, "  %-12s %s\n", *name, get_text (parts, *name));
  if (is_true (inspection, "tokenizer_in_t5"))
    g_string_append_printf (text, "  %-12s %s\n", "tokenizer_2", _ ("inside the T5 file"));
}

static void
append_estimate (GString *text, JsonObject *estimate)
{
  const double pixels = esp_json_get_number (estimate, "pixels", 0);
  g_autofree char *step = time_text (esp_json_get_number (estimate, "seconds_per_step", 0));
  g_autofree char *all = time_text (esp_json_get_number (estimate, "seconds", 0));
  g_autofree char *ram
      = g_format_size ((guint64) fmax (0, esp_json_get_number (estimate, "ram", 0)));
  g_autofree char *vram
      = g_format_size ((guint64) fmax (0, esp_json_get_number (estimate, "vram", 0)));

  g_string_append_printf (
      text,
      _ ("Estimated for an edit of %.2f megapixels on this machine: %s of memory (a graphics card "
         "would need %s), %s a step, %s for %.0f steps\n  by %.1f TFLOP a step and a measured %.2f "
         "TFLOP a second on %s\n"),
      pixels / 1e6, ram, vram, step, all, esp_json_get_number (estimate, "steps", 0),
      esp_json_get_number (estimate, "step_flops", 0) / 1e12,
      esp_json_get_number (estimate, "flops_per_second", 0) / 1e12, get_text (estimate, "device"));
}

static void
append_lora (GString *text, JsonObject *lora)
{
  g_string_append_printf (text, _ ("  %.0f modules (names of %s), rank %.0f to %.0f\n"),
                          esp_json_get_number (lora, "modules", 0), get_text (lora, "naming"),
                          esp_json_get_number (lora, "lowest_rank", 0),
                          esp_json_get_number (lora, "highest_rank", 0));
  if (esp_json_get_number (lora, "refused", 0) > 0)
    g_string_append_printf (text, _ ("  %.0f of them are of a kind that cannot be used\n"),
                            esp_json_get_number (lora, "refused", 0));
  g_string_append (text, _ ("  It goes on top of a model: --lora FILE[:STRENGTH]\n"));
}

/* What it is, in a line. */
static void
append_headline (GString *text, JsonObject *inspection)
{
  const char *kind = get_text (inspection, "kind");
  const char *architecture = get_text (inspection, "architecture");

  g_string_append_printf (text, "%s\n", get_text (inspection, "path"));
  if (g_str_equal (kind, "model"))
    g_string_append_printf (text, _ ("A model (%s). "), architecture);
  else if (g_str_equal (kind, "component"))
    g_string_append_printf (text, _ ("A part of a model (%s).\n"), architecture);
  else if (g_str_equal (kind, "tokenizer"))
    g_string_append_printf (text, _ ("A tokenizer: --component %s=DIR\n"),
                            get_text (inspection, "part"));
  else if (g_str_equal (kind, "lora"))
    g_string_append (text, _ ("A LoRA.\n"));
  else
    g_string_append_printf (text, _ ("Nothing that Espalier runs%s%s: "),
                            architecture[0] != '\0' ? ", " : "", architecture);
  if (json_object_has_member (inspection, "variant_text"))
    g_string_append_printf (text, "%s.\n", get_text (inspection, "variant_text"));
  else if (g_str_equal (kind, "model"))
    g_string_append_c (text, '\n');
}

static void
append_missing (GString *text, JsonObject *inspection)
{
  JsonArray *missing = esp_json_get_array (inspection, "missing");
  JsonArray *notes = esp_json_get_array (inspection, "notes");
  const char *problem = esp_json_get_string (inspection, "problem");

  for (guint i = 0; i < length_of (notes); i++)
    g_string_append_printf (text, _ ("Note: %s\n"), json_array_get_string_element (notes, i));
  for (guint i = 0; i < length_of (missing); i++)
    g_string_append_printf (text, "%s%s%s", i == 0 ? _ ("Missing: ") : ", ",
                            json_array_get_string_element (missing, i),
                            i + 1 == length_of (missing) ? "\n" : "");
  if (problem != NULL)
    g_string_append_printf (text, "%s\n", problem);
  else if (is_true (inspection, "runnable"))
    g_string_append (text, _ ("It is complete and can be used.\n"));
}

static char *
inspection_text (JsonObject *inspection)
{
  GString *text = g_string_new (NULL);
  JsonObject *estimate = esp_json_get_object (inspection, "estimate");
  JsonObject *lora = esp_json_get_object (inspection, "lora");
  JsonArray *formats = esp_json_get_array (inspection, "formats");

  append_headline (text, inspection);
  append_components (text, inspection);
  if (lora != NULL)
    append_lora (text, lora);
  if (length_of (formats) > 0)
    {
      g_string_append (text, _ ("In all "));
      append_size (text, inspection);
      g_string_append (text, "; ");
      append_formats (text, formats);
      g_string_append_c (text, '\n');
    }
  if (estimate != NULL)
    append_estimate (text, estimate);
  append_missing (text, inspection);

  return g_string_free (text, FALSE);
}

/* The inspection without what belongs to the protocol. */
static char *
inspection_json (JsonObject *inspection)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;

  json_object_remove_member (inspection, "type");
  json_object_remove_member (inspection, "id");
  json_node_set_object (node, inspection);
  text = json_to_string (node, FALSE);

  return g_strdup_printf ("%s\n", text);
}

static int
run (CliSession *session, const char *path, JsonObject *components, gboolean json)
{
  CliAnswer answer = { FALSE, NULL };
  g_autoptr (JsonObject) inspection = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  esp_worker_inspect_async (session->worker, path, components, session->cancellable,
                            cli_answer_take, &answer);
  cli_session_wait (session, &answer.done, TRUE);
  inspection = esp_worker_inspect_finish (session->worker, answer.result, &error);
  cli_answer_clear (&answer);
  if (inspection == NULL)
    return cli_fail ("%s", error->message);

  text = json ? inspection_json (inspection) : inspection_text (inspection);
  cli_print (text);
  return CLI_EXIT_OK;
}

int
cli_models_inspect (char ***arguments)
{
  g_auto (GStrv) component_texts = NULL;
  g_autoptr (JsonObject) components = NULL;
  const char *path;
  gboolean json = FALSE;
  CliSession session;
  int status;
  const GOptionEntry entries[] = {
    CLI_COMPONENT_ENTRY (&component_texts),
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (arguments, N_ ("FILE|FOLDER"),
                          _ ("Says what a file or folder is: a model, a part of one, a LoRA, or "
                             "something else; its number formats, what is missing to use it, and "
                             "what an edit would cost here."),
                          entries, &status))
    return status;
  path = (*arguments)[1];
  if (path == NULL || (*arguments)[2] != NULL)
    return cli_usage (_ ("models inspect: expected one file or folder"));
  if (!g_utf8_validate (path, -1, NULL))
    return cli_fail (_ ("%s: the name is not valid UTF-8"), path);
  status = cli_components_read (component_texts, &components);
  if (status != CLI_EXIT_OK)
    return status;

  cli_session_begin (&session);
  status = cli_session_end (&session, run (&session, path, components, json));

  if (!cli_finish_output () && status == CLI_EXIT_OK)
    status = CLI_EXIT_FAILED;
  return status;
}
