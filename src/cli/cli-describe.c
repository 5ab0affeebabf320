/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gi18n.h>
#include <math.h>

#include "cli-commands.h"
#include "cli-components.h"
#include "cli-options.h"
#include "cli-report.h"
#include "cli-session.h"
#include "esp-json-text.h"
#include "esp-parameter-names.h"
#include "esp-schema.h"

static const char *
get_string (JsonObject *object, const char *key)
{
  return json_object_get_string_member_with_default (object, key, "");
}

static void
describe_devices (GString *text, JsonArray *devices, const char *kernels)
{
  g_string_append_printf (text, "%s\n", _ ("Devices:"));
  for (guint i = 0; i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);

      g_string_append_printf (text, "  %-8s %s%s\n", get_string (device, "id"),
                              get_string (device, "description"),
                              json_object_get_boolean_member_with_default (device, "usable", FALSE)
                                  ? ""
                                  : _ (" (cannot be used)"));
    }
  if (*kernels != '\0')
    g_string_append_printf (text, _ ("  CUDA kernels of this build: %s\n"), kernels);
}

static void
describe_model (GString *text, JsonObject *model)
{
  JsonArray *known = json_object_get_array_member (model, "instructions");

  g_string_append_printf (text, "%s\n  %s — %s\n  %s\n", _ ("Model:"), get_string (model, "id"),
                          get_string (model, "name"), get_string (model, "path"));
  g_string_append_printf (
      text, _ ("  %.1f million parameters, %.1f MB, hash %s\n"),
      (double) json_object_get_int_member_with_default (model, "parameters", 0) / 1e6,
      (double) json_object_get_int_member_with_default (model, "weight_bytes", 0) / 1e6,
      get_string (model, "hash"));

  if (g_str_equal (get_string (model, "kind"), "demo"))
    g_string_append (text, _ ("  A demo model; where real models come from: docs/models.md\n"));
  for (guint i = 0; known != NULL && i < json_array_get_length (known); i++)
    g_string_append_printf (text, "%s%s%s", i == 0 ? _ ("  It knows: ") : "; ",
                            json_array_get_string_element (known, i),
                            i + 1 == json_array_get_length (known) ? "\n" : "");
}

static double
get_gigabytes (JsonObject *object, const char *key)
{
  return (double) json_object_get_int_member_with_default (object, key, 0) / 1e9;
}

/* What an edit needs, before it is begun. */
static void
describe_memory (GString *text, JsonObject *memory)
{
  g_string_append_printf (text,
                          _ ("Memory of a usual edit: weights %.1f GB, steps %.2f GB, autoencoder "
                             "%.2f GB; at most %.1f "
                             "GB at once, %.1f GB are free\n"),
                          get_gigabytes (memory, "transformer_weights"),
                          get_gigabytes (memory, "steps"),
                          get_gigabytes (memory, "vae") + get_gigabytes (memory, "vae_weights"),
                          get_gigabytes (memory, "peak"), get_gigabytes (memory, "available"));
}

static void
describe_cache (GString *text, JsonObject *cache)
{
  const char *folder = json_object_get_string_member_with_default (cache, "folder", NULL);

  if (folder != NULL)
    g_string_append_printf (
        text, _ ("Kept of prompts and photos: %.1f MB of at most %.0f MB in %s\n"),
        1e3 * get_gigabytes (cache, "bytes"), 1e3 * get_gigabytes (cache, "limit"), folder);
}

static void
describe_parameter (GString *text, const EspParameter *parameter)
{
  const char *hint = esp_parameter_get_hint (parameter);
  g_autofree char *fallback
      = parameter->fallback != NULL ? json_to_string (parameter->fallback, FALSE) : NULL;

  g_string_append_printf (text, "  %-16s %s", parameter->name, hint != NULL ? hint : "");
  if (parameter->minimum > -HUGE_VAL && parameter->maximum < HUGE_VAL)
    g_string_append_printf (text, _ (" From %g to %g."), parameter->minimum, parameter->maximum);
  for (guint i = 0; parameter->choices != NULL && i < json_array_get_length (parameter->choices);
       i++)
    g_string_append_printf (text, "%s%s", i == 0 ? _ (" One of ") : ", ",
                            json_array_get_string_element (parameter->choices, i));
  if (parameter->choices != NULL)
    g_string_append_c (text, '.');
  if (fallback != NULL)
    g_string_append_printf (text, _ (" Default: %s."), fallback);
  g_string_append_c (text, '\n');
}

/* The description for people; NULL after a line that says what is not understood. */
static char *
describe_text (JsonObject *description)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EspSchema) schema = NULL;
  JsonNode *parameters = json_object_get_member (description, "parameters");
  JsonNode *devices = json_object_get_member (description, "devices");
  JsonNode *model = json_object_get_member (description, "model");
  JsonNode *memory = json_object_get_member (description, "memory");
  JsonNode *cache = json_object_get_member (description, "cache");

  if (parameters != NULL)
    schema = esp_schema_new (parameters, &error);
  if (schema == NULL || devices == NULL || !JSON_NODE_HOLDS_ARRAY (devices))
    {
      cli_fail (_ ("the engine’s answer is not understood: %s"),
                error != NULL ? error->message : "");
      return NULL;
    }

  g_string_append_printf (text, _ ("Engine %s\n"), get_string (description, "engine"));
  describe_devices (text, json_node_get_array (devices), get_string (description, "cuda_kernels"));
  if (model != NULL && JSON_NODE_HOLDS_OBJECT (model))
    describe_model (text, json_node_get_object (model));
  if (memory != NULL && JSON_NODE_HOLDS_OBJECT (memory))
    describe_memory (text, json_node_get_object (memory));
  if (cache != NULL && JSON_NODE_HOLDS_OBJECT (cache))
    describe_cache (text, json_node_get_object (cache));
  g_string_append_printf (text, "%s\n", _ ("Parameters:"));
  for (guint i = 0; i < esp_schema_get_n_parameters (schema); i++)
    describe_parameter (text, esp_schema_get_parameter (schema, i));

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Engine, devices, model and parameters, without what belongs to the protocol. */
static char *
describe_json (JsonObject *description)
{
  static const char *const members[]
      = { "engine", "devices", "model", "parameters", "memory", "cache" };
  GString *json = g_string_new (NULL);

  esp_json_open (json, NULL, '{');
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      JsonNode *node = json_object_get_member (description, members[i]);
      g_autofree char *value = node != NULL ? json_to_string (node, FALSE) : g_strdup ("null");

      esp_json_put_raw (json, members[i], value);
    }
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');

  return g_string_free (json, FALSE);
}

static int
run (CliSession *session, const char *model, gboolean json)
{
  CliAnswer answer = { FALSE, NULL };
  g_autoptr (JsonObject) description = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  esp_worker_describe_async (session->worker, model, session->cancellable, cli_answer_take,
                             &answer);
  cli_session_wait (session, &answer.done, TRUE);
  description = esp_worker_describe_finish (session->worker, answer.result, &error);
  cli_answer_clear (&answer);
  if (description == NULL)
    return cli_fail ("%s", error->message);

  text = json ? describe_json (description) : describe_text (description);
  if (text == NULL)
    return CLI_EXIT_FAILED;

  cli_print (text);
  return CLI_EXIT_OK;
}

int
cli_describe (char ***arguments)
{
  g_autofree char *model_option = NULL;
  g_autofree char *model = NULL;
  g_auto (GStrv) component_texts = NULL;
  g_autoptr (JsonObject) components = NULL;
  gboolean json = FALSE;
  CliSession session;
  int status;
  const GOptionEntry entries[] = {
    { "model", 0, 0, G_OPTION_ARG_FILENAME, &model_option,
      N_ ("The model: a folder, a file or an id"), N_ ("PATH|ID") },
    CLI_COMPONENT_ENTRY (&component_texts),
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (arguments, NULL,
                          _ ("Describes the devices, the model and the parameters of an edit."),
                          entries, &status))
    return status;
  if ((*arguments)[1] != NULL)
    return cli_usage (_ ("%s: describe takes no arguments"), (*arguments)[1]);

  status = cli_components_read (component_texts, &components);
  if (status != CLI_EXIT_OK)
    return status;
  model = cli_components_choose_model (model_option, components);
  if (model == NULL)
    return CLI_EXIT_FAILED;

  cli_session_begin (&session);
  esp_worker_set_components (session.worker, model, components);
  status = cli_session_end (&session, run (&session, model, json));

  if (!cli_finish_output () && status == CLI_EXIT_OK)
    status = CLI_EXIT_FAILED;
  return status;
}
