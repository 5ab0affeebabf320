/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command on the models of this computer: models; its sub-commands are files of their own. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli-commands.h"
#include "cli-models.h"
#include "cli-options.h"
#include "cli-report.h"
#include "esp-json-text.h"

/* --- models list ------------------------------------------------------------------------------ */

void
cli_models_put (GString *json, EspLibraryModel *model)
{
  g_autofree char *path = g_utf8_make_valid (esp_library_model_get_folder (model), -1);

  esp_json_put_string (json, "id", esp_library_model_get_id (model), -1);
  esp_json_put_string (json, "name", esp_library_model_get_name (model), -1);
  esp_json_put_string (json, "kind", esp_library_model_is_demo (model) ? "demo" : "full", -1);
  esp_json_put_string (json, "path", path, -1);
  esp_json_put_bool (json, "default", esp_library_model_is_default (model));
  esp_json_put_bool (json, "own", esp_library_model_is_own (model));
  esp_json_put_bool (json, "elsewhere", esp_library_model_is_elsewhere (model));
  esp_json_put_string (json, "licence", esp_library_model_get_licence (model), -1);
  esp_json_put_string (json, "source", esp_library_model_get_source (model), -1);
  esp_json_put_string (json, "format", esp_library_model_get_format (model), -1);
  esp_json_put_uint (json, "bytes", esp_library_model_measure (model));
  esp_json_put_string (json, "problem", esp_library_model_get_problem (model), -1);
  esp_json_open (json, "missing", '[');
  for (const char *const *part = esp_library_model_get_missing (model); *part != NULL; part++)
    esp_json_put_string (json, NULL, *part, -1);
  esp_json_close (json, ']');
}

/* What a demo model understands; borrowed, NULL-terminated. */
static const char *const *
get_instructions (GPtrArray *installed, const char *path)
{
  static const char *const none[] = { NULL };

  for (guint i = 0; i < installed->len; i++)
    {
      const EspInstalledModel *model = g_ptr_array_index (installed, i);

      if (g_str_equal (model->path, path))
        return (const char *const *) model->instructions;
    }

  return none;
}

static char *
models_json (GListModel *models, GPtrArray *installed, const char *chosen)
{
  GString *json = g_string_new (NULL);

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "default", chosen, -1);
  esp_json_open (json, "models", '[');
  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspLibraryModel) model = g_list_model_get_item (models, i);
      const char *const *text = get_instructions (installed, esp_library_model_get_folder (model));

      esp_json_open (json, NULL, '{');
      cli_models_put (json, model);
      esp_json_open (json, "instructions", '[');
      for (; *text != NULL; text++)
        esp_json_put_string (json, NULL, *text, -1);
      esp_json_close (json, ']');
      esp_json_close (json, '}');
    }
  esp_json_close (json, ']');
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');

  return g_string_free (json, FALSE);
}

static void
describe_model (GString *text, EspLibraryModel *model, const char *const *instructions)
{
  const char *licence = esp_library_model_get_licence (model);
  const char *format = esp_library_model_get_format (model);
  g_autofree char *size = g_format_size (esp_library_model_measure (model));

  g_string_append_printf (text, "%s%s — %s%s\n  %s\n",
                          esp_library_model_is_default (model) ? "* " : "  ",
                          esp_library_model_get_id (model), esp_library_model_get_name (model),
                          esp_library_model_is_demo (model) ? _ (" (demo model)") : "",
                          esp_library_model_get_folder (model));
  g_string_append_printf (text, "  %s%s%s%s%s\n", size, format != NULL ? ", " : "",
                          format != NULL ? format : "", licence != NULL ? ", " : "",
                          licence != NULL ? licence : "");
  if (esp_library_model_get_problem (model) != NULL)
    g_string_append_printf (text, "  %s\n", esp_library_model_get_problem (model));
  if (esp_library_model_is_demo (model) && instructions[0] != NULL)
    {
      g_autofree char *known = g_strjoinv ("; ", (char **) instructions);

      g_string_append_printf (text, _ ("  It knows: %s\n"), known);
    }
}

static char *
models_text (GListModel *models, GPtrArray *installed, const char *chosen)
{
  GString *text = g_string_new (NULL);
  gboolean listed = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspLibraryModel) model = g_list_model_get_item (models, i);

      listed = listed || esp_library_model_is_default (model);
      describe_model (text, model,
                      get_instructions (installed, esp_library_model_get_folder (model)));
    }

  if (chosen != NULL && !listed)
    g_string_append_printf (text, "* %s\n", chosen);

  if (chosen == NULL)
    g_string_append (text, _ ("No model is installed.\n"));
  else
    g_string_append (text, _ ("* is taken when --model names no other. "));
  g_string_append (text, _ ("Real models: models download, models add, and docs/models.md\n"));

  return g_string_free (text, FALSE);
}

int
cli_models_list (char ***arguments)
{
  g_autoptr (EspModelLibrary) library = NULL;
  g_autoptr (GPtrArray) installed = NULL;
  g_autofree char *chosen = NULL;
  g_autofree char *text = NULL;
  gboolean json = FALSE;
  int status;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (arguments, NULL, _ ("Lists the models that are installed."), entries,
                          &status))
    return status;
  if ((*arguments)[1] != NULL)
    return cli_usage (_ ("%s: models list takes no arguments"), (*arguments)[1]);

  library = esp_model_library_new ();
  installed = esp_installation_list_models ();
  chosen = esp_installation_choose_model (installed);
  text = json ? models_json (G_LIST_MODEL (library), installed, chosen)
              : models_text (G_LIST_MODEL (library), installed, chosen);
  cli_print (text);

  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* --- The command ------------------------------------------------------------------------------ */

static const struct
{
  const char *name;
  int (*run) (char ***arguments);
  const char *summary;
} subcommands[] = {
  { "list", cli_models_list, N_ ("list the models that are installed") },
  { "add", cli_models_add, N_ ("make a model of files and folders") },
  { "inspect", cli_models_inspect, N_ ("say what a file or folder is") },
  { "convert", cli_models_convert, N_ ("write a model’s file anew in another number format") },
  { "download", cli_models_download, N_ ("fetch a model, or list those that can be fetched") },
  { "default", cli_models_default, N_ ("make a model the one that is taken when none is named") },
  { "locate", cli_models_locate, N_ ("say where a model’s files are now that were moved") },
  { "remove", cli_models_remove, N_ ("remove a model") },
  { "clear-cache", cli_models_clear_cache, N_ ("remove what is kept of prompts and photos") },
};

static int
print_help (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%s\n  espalier-cli models %s\n\n%s\n", _ ("Usage:"),
                          _ ("[COMMAND] [OPTION…]"), _ ("Commands:"));
  for (gsize i = 0; i < G_N_ELEMENTS (subcommands); i++)
    g_string_append_printf (text, "  %-11s %s\n", subcommands[i].name, _ (subcommands[i].summary));
  g_string_append_printf (text, "\n%s\n",
                          _ ("Without a command it lists the models. “espalier-cli models COMMAND "
                             "--help” tells more about a command."));
  cli_print (text->str);

  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

int
cli_models (char ***arguments)
{
  const char *name = (*arguments)[1];
  g_auto (GStrv) rest = NULL;

  if (name != NULL && (g_str_equal (name, "--help") || g_str_equal (name, "-h")))
    return print_help ();
  if (name == NULL || name[0] == '-')
    return cli_models_list (arguments);

  for (gsize i = 0; i < G_N_ELEMENTS (subcommands); i++)
    {
      if (g_str_equal (name, subcommands[i].name))
        {
          g_autofree char *program = g_strdup_printf ("espalier-cli models %s", name);

          g_set_prgname (program);
          rest = g_strdupv (*arguments + 1);
          return subcommands[i].run (&rest);
        }
    }

  return cli_usage (_ ("models: %s: unknown command; see espalier-cli models --help"), name);
}
