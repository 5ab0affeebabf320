/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command on the models of this computer: models; its sub-commands are files of their own. */
#include <glib/gi18n.h>
#include <string.h>

#include "cli-commands.h"
#include "cli-models.h"
#include "cli-options.h"
#include "cli-report.h"
#include "esp-json-text.h"

char *
cli_choose_model (const char *option)
{
  g_autofree char *path
      = option != NULL ? g_strdup (option) : esp_installation_find_default_model ();
  g_autofree char *user = NULL;

  if (path == NULL)
    {
      user = esp_installation_get_user_models ();
      cli_fail (_ ("--model: no model is installed in %s; see docs/models.md"), user);
      return NULL;
    }

  if (!g_utf8_validate (path, -1, NULL))
    {
      cli_fail (_ ("--model: %s: the name is not valid UTF-8"), path);
      return NULL;
    }

  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      cli_fail (g_file_test (path, G_FILE_TEST_EXISTS) ? _ ("%s: is no model folder")
                                                       : _ ("%s: there is no such model folder"),
                path);
      return NULL;
    }

  return g_steal_pointer (&path);
}

static char *
models_json (GPtrArray *models, const char *chosen)
{
  GString *json = g_string_new (NULL);

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "default", chosen, -1);
  esp_json_open (json, "models", '[');
  for (guint i = 0; i < models->len; i++)
    {
      const EspInstalledModel *model = g_ptr_array_index (models, i);
      g_autofree char *path = g_utf8_make_valid (model->path, -1);

      esp_json_open (json, NULL, '{');
      esp_json_put_string (json, "id", model->id, -1);
      esp_json_put_string (json, "name", model->name, -1);
      esp_json_put_string (json, "kind", model->is_demo ? "demo" : "full", -1);
      esp_json_put_string (json, "path", path, -1);
      esp_json_put_bool (json, "default", g_strcmp0 (model->path, chosen) == 0);
      esp_json_open (json, "instructions", '[');
      for (char **text = model->instructions; *text != NULL; text++)
        esp_json_put_string (json, NULL, *text, -1);
      esp_json_close (json, ']');
      esp_json_close (json, '}');
    }
  esp_json_close (json, ']');
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');

  return g_string_free (json, FALSE);
}

static char *
models_text (GPtrArray *models, const char *chosen)
{
  GString *text = g_string_new (NULL);
  gboolean listed = FALSE;

  for (guint i = 0; i < models->len; i++)
    {
      const EspInstalledModel *model = g_ptr_array_index (models, i);
      gboolean is_default = g_strcmp0 (model->path, chosen) == 0;

      listed = listed || is_default;
      g_string_append_printf (text, "%s%s — %s%s\n  %s\n", is_default ? "* " : "  ", model->id,
                              model->name, model->is_demo ? _ (" (demo model)") : "", model->path);
      if (model->is_demo && model->instructions[0] != NULL)
        {
          g_autofree char *known = g_strjoinv ("; ", model->instructions);

          g_string_append_printf (text, _ ("  It knows: %s\n"), known);
        }
    }

  if (chosen != NULL && !listed)
    g_string_append_printf (text, "* %s\n", chosen);

  if (chosen == NULL)
    g_string_append (text, _ ("No model is installed.\n"));
  else
    g_string_append (text, _ ("* is taken when --model names no other. "));
  g_string_append (text, _ ("Where real models come from: docs/models.md\n"));

  return g_string_free (text, FALSE);
}

int
cli_models_list (char ***arguments)
{
  g_autoptr (GPtrArray) models = NULL;
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

  models = esp_installation_list_models ();
  chosen = esp_installation_choose_model (models);
  text = json ? models_json (models, chosen) : models_text (models, chosen);
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
};

static int
print_help (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%s\n  espalier-cli models %s\n\n%s\n", _ ("Usage:"),
                          _ ("[COMMAND] [OPTION…]"), _ ("Commands:"));
  for (gsize i = 0; i < G_N_ELEMENTS (subcommands); i++)
    g_string_append_printf (text, "  %-10s %s\n", subcommands[i].name, _ (subcommands[i].summary));
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
          rest = g_strdupv (*arguments + 1);
          return subcommands[i].run (&rest);
        }
    }

  return cli_usage (_ ("models: %s: unknown command; see espalier-cli models --help"), name);
}
