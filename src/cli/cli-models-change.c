/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing which models there are: models default, models remove. */
#include <glib/gi18n.h>

#include "cli-models.h"
#include "cli-options.h"
#include "cli-report.h"
#include "cli-session.h"
#include "esp-json-text.h"

EspLibraryModel *
cli_models_find (EspModelLibrary *library, const char *id)
{
  EspLibraryModel *model = esp_model_library_find (library, id);

  if (model == NULL)
    cli_fail (_ ("%s: there is no such model on this computer; see espalier-cli models"), id);
  return model;
}

static void
put_texts (GString *json, const char *key, const char *const *texts)
{
  esp_json_open (json, key, '[');
  for (; *texts != NULL; texts++)
    {
      g_autofree char *text = g_utf8_make_valid (*texts, -1);

      esp_json_put_string (json, NULL, text, -1);
    }
  esp_json_close (json, ']');
}

/* --- models default --------------------------------------------------------------------------- */

static void
report_default (EspModelLibrary *library, gboolean json)
{
  EspLibraryModel *model = esp_model_library_get_default (library);
  g_autoptr (GString) text = g_string_new (NULL);

  if (json)
    {
      esp_json_open (text, NULL, '{');
      esp_json_put_string (text, "default", model != NULL ? esp_library_model_get_id (model) : NULL,
                           -1);
      esp_json_close (text, '}');
    }
  else if (model != NULL)
    g_string_append (text, esp_library_model_get_id (model));
  else
    g_string_append (text, _ ("No model is installed."));
  g_string_append_c (text, '\n');
  cli_print (text->str);
}

int
cli_models_default (char ***arguments)
{
  g_autoptr (EspModelLibrary) library = NULL;
  g_autoptr (GError) error = NULL;
  gboolean json = FALSE, none = FALSE;
  const char *id;
  int status;
  const GOptionEntry entries[] = {
    { "none", 0, 0, G_OPTION_ARG_NONE, &none, N_ ("Take whichever comes first again"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (arguments, N_ ("[ID]"),
                          _ ("Says which model is taken when none is named, or makes another one "
                             "that; for the window as well."),
                          entries, &status))
    return status;

  id = (*arguments)[1];
  if (id != NULL && ((*arguments)[2] != NULL || none))
    return cli_usage (_ ("models default: one ID, or --none, was expected"));

  library = esp_model_library_new ();
  if (id != NULL && cli_models_find (library, id) == NULL)
    return CLI_EXIT_FAILED;
  if ((id != NULL || none) && !esp_model_library_set_default (library, id, &error))
    return cli_fail ("%s", error->message);

  if (g_getenv ("ESPALIER_MODEL") != NULL && id != NULL)
    cli_note (_ ("$ESPALIER_MODEL is set and counts more."));
  report_default (library, json);
  return cli_finish_output () ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* --- models remove ---------------------------------------------------------------------------- */

static void
report_removal (const char *id, const EspModelRemoval *removal, gboolean to_trash, gboolean dry,
                gboolean json)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *size = g_format_size (removal->bytes);

  if (json)
    {
      esp_json_open (text, NULL, '{');
      esp_json_put_string (text, "removed", id, -1);
      esp_json_put_bool (text, "done", !dry);
      esp_json_put_bool (text, "trash", to_trash);
      esp_json_put_uint (text, "bytes", removal->bytes);
      put_texts (text, "deleted", (const char *const *) removal->deleted);
      put_texts (text, "kept", (const char *const *) removal->kept);
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
      cli_print (text->str);
      return;
    }

  for (char **path = removal->deleted; *path != NULL; path++)
    if (dry)
      /* Translators: a folder, a size. */
      g_string_append_printf (text, _ ("Would remove: %s (%s)\n"), *path, size);
    else
      g_string_append_printf (
          text, to_trash ? _ ("Moved to the trash: %s (%s)\n") : _ ("Deleted: %s (%s)\n"), *path,
          size);
  for (char **path = removal->kept; *path != NULL; path++)
    g_string_append_printf (text, _ ("Stays: %s\n"), *path);
  cli_print (text->str);
}

static int
remove_model (EspModelLibrary *library, const char *id, gboolean to_trash, gboolean dry,
              gboolean json)
{
  EspLibraryModel *model = cli_models_find (library, id);
  g_autoptr (EspModelRemoval) removal = NULL;
  g_autoptr (GError) error = NULL;
  CliSession session = { 0 };
  CliAnswer answer = { FALSE, NULL };
  gboolean done;

  if (model == NULL)
    return CLI_EXIT_FAILED;
  if (!esp_library_model_is_own (model))
    return cli_fail (_ ("%s: is part of the installation and cannot be removed"), id);

  removal = esp_model_library_plan_removal (library, model);
  if (!dry)
    {
      cli_session_begin (&session);
      esp_model_library_remove_async (library, model, to_trash, NULL, cli_answer_take, &answer);
      cli_session_wait (&session, &answer.done, TRUE);
      done = esp_model_library_remove_finish (library, answer.result, &error);
      cli_answer_clear (&answer);
      cli_session_end (&session, 0);
      if (!done)
        return cli_fail (
            "%s: %s%s", id, error->message,
            g_error_matches (error, ESP_MODEL_LIBRARY_ERROR, ESP_MODEL_LIBRARY_ERROR_NO_TRASH)
                ? " (--delete)"
                : "");
    }

  report_removal (id, removal, to_trash, dry, json);
  return CLI_EXIT_OK;
}

int
cli_models_remove (char ***arguments)
{
  g_autoptr (EspModelLibrary) library = NULL;
  gboolean json = FALSE, dry = FALSE, delete = FALSE;
  int status;
  const GOptionEntry entries[] = {
    { "delete", 0, 0, G_OPTION_ARG_NONE, &delete, N_ ("Delete for good, not to the trash"), NULL },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry, N_ ("Only say what would be removed"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (arguments, N_ ("ID"),
                          _ ("Removes a model: its folder goes to the trash; files that lie "
                             "elsewhere stay and are only forgotten."),
                          entries, &status))
    return status;
  if ((*arguments)[1] == NULL || (*arguments)[2] != NULL)
    return cli_usage (_ ("models remove: one ID was expected"));

  library = esp_model_library_new ();
  status = remove_model (library, (*arguments)[1], !delete, dry, json);
  return !cli_finish_output () && status == CLI_EXIT_OK ? CLI_EXIT_FAILED : status;
}
