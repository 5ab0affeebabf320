/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-turn.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli-loras.h"
#include "cli-components.h"
#include "cli-options.h"
#include "cli-remote-edit.h"
#include "cli-remote.h"
#include "cli-report.h"
#include "esp-local-backend.h"

void
cli_turn_clear (CliTurn *self)
{
  char *texts[] = { self->node,      self->prompt, self->negative_prompt,
                    self->seed_text, self->model,  self->backend };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  cli_run_remote_clear (&self->remote);
  cli_keep_clear (&self->keep);
  g_strfreev (self->settings);
  g_strfreev (self->references);
  g_strfreev (self->component_texts);
  g_strfreev (self->loras);
}

GOptionEntry *
cli_turn_dup_entries (CliTurn *self, const GOptionEntry *more)
{
  const GOptionEntry entries[] = {
    { "node", 0, 0, G_OPTION_ARG_FILENAME, &self->node,
      N_ ("The node to go on from; the current one if not given"), N_ ("ID") },
    { "prompt", 'p', 0, G_OPTION_ARG_FILENAME, &self->prompt, N_ ("What to change"),
      N_ ("PROMPT") },
    { "negative-prompt", 0, 0, G_OPTION_ARG_FILENAME, &self->negative_prompt,
      N_ ("What to move away from"), N_ ("TEXT") },
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->settings,
      N_ ("A parameter of the model; may be given often"), N_ ("NAME=VALUE") },
    CLI_LORA_ENTRY (&self->loras),
    CLI_LORA_PARTIAL_ENTRY (&self->lora_partial),
    { "seed", 0, 0, G_OPTION_ARG_FILENAME, &self->seed_text,
      N_ ("Where the noise starts; random if not given"), N_ ("N") },
    { "reference", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->references,
      N_ ("A further image, a node or a file; may be given often"), N_ ("ID|FILE") },
    CLI_KEEP_ENTRY (&self->keep),
    CLI_REGION_ENTRY (&self->keep),
    { "backend", 0, 0, G_OPTION_ARG_FILENAME, &self->backend,
      N_ ("Who does the work; local if not given"), N_ ("ID") },
    { "config", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->remote.config,
      N_ ("Remote: a setting of the provider; may be given often"), N_ ("NAME=VALUE") },
    { "base-url", 0, 0, G_OPTION_ARG_FILENAME, &self->remote.base_url,
      N_ ("Remote: the server’s address instead of the usual one"), N_ ("URL") },
    { "own-host", 0, 0, G_OPTION_ARG_NONE, &self->remote.own_host,
      N_ ("Remote: the host of --base-url is yours: plain http is fine"), NULL },
    { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &self->remote.key_file,
      N_ ("Remote: take the key from this file; - reads standard input"), N_ ("FILE") },
    { "patience", 0, 0, G_OPTION_ARG_FILENAME, &self->remote.patience_text,
      N_ ("Remote: wait at most so long for each; 900 if not given"), N_ ("SECONDS") },
    { "model", 0, 0, G_OPTION_ARG_FILENAME, &self->model,
      N_ ("The model: an id (see espalier-cli models), a folder or a file"), N_ ("ID|PATH") },
    CLI_COMPONENT_ENTRY (&self->component_texts),
  };
  GArray *all = g_array_new (TRUE, FALSE, sizeof (GOptionEntry));

  g_array_append_vals (all, entries, G_N_ELEMENTS (entries));
  for (; more->long_name != NULL; more++)
    g_array_append_vals (all, more, 1);
  return (GOptionEntry *) (void *) g_array_free (all, FALSE);
}

gboolean
cli_turn_check (CliTurn *self, EspKeep keep)
{
  g_autoptr (GError) error = NULL;

  if (self->remote.patience_text != NULL
      && !cli_remote_read_patience (self->remote.patience_text, &self->remote.patience, &error))
    {
      cli_usage ("%s", error->message);
      return FALSE;
    }
  return (self->prompt == NULL || cli_option_utf8 ("--prompt", self->prompt))
         && (self->negative_prompt == NULL
             || cli_option_utf8 ("--negative-prompt", self->negative_prompt))
         && (self->seed_text == NULL
             || cli_option_uint ("--seed", self->seed_text, 0, G_MAXUINT64, &self->seed))
         && cli_keep_check (&self->keep, keep);
}

/* ---- the model */

/* The first model of the backend that can be used, rather no demo; else the first one, for its
 * message. */
static EspModel *
find_default (EspBackend *backend)
{
  GListModel *models = esp_backend_get_models (backend);
  EspModel *best = NULL;
  int most = -1;

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (EspModel) model = g_list_model_get_item (models, i);
      const EspModelState state = esp_model_get_state (model);
      int rating = 0;

      if (state == ESP_MODEL_READY || state == ESP_MODEL_STARTING)
        rating = (esp_model_get_features (model) & ESP_MODEL_DEMO) != 0 ? 1 : 2;
      if (rating > most)
        {
          most = rating;
          best = model;
        }
    }
  return best;
}

gboolean
cli_turn_wait_for_schema (CliSession *session, EspModel *model)
{
  while (esp_model_get_state (model) == ESP_MODEL_STARTING && session->signal_number == 0)
    g_main_context_iteration (NULL, TRUE);
  return session->signal_number == 0;
}

int
cli_turn_prepare (CliSession *session, const char *option, EspModel *model)
{
  const char *name = esp_model_get_name (model);
  const char *message;

  esp_model_prepare (model);
  if (!cli_turn_wait_for_schema (session, model))
    return CLI_EXIT_FAILED;
  if (esp_model_get_state (model) == ESP_MODEL_READY && esp_model_get_schema (model) != NULL)
    return CLI_EXIT_OK;

  message = esp_model_get_message (model);
  if (message == NULL)
    message = _ ("cannot be used");
  if (g_str_has_prefix (message, name))
    cli_fail ("%s: %s", option, message);
  else
    cli_fail ("%s: %s: %s", option, name, message);
  return esp_model_get_state (model) == ESP_MODEL_NEEDS_KEY ? CLI_EXIT_AUTH : CLI_EXIT_FAILED;
}

/* A model that is named by its files, or parts of one: the bundled engine's. */
static int
add_model (CliTurn *self, EspBackend *backend, JsonObject *components)
{
  g_autofree char *path = cli_components_choose_model (self->model, components);

  if (path == NULL)
    return CLI_EXIT_FAILED;
  self->chosen = esp_local_backend_add_model (ESP_LOCAL_BACKEND (backend), path, components);
  return CLI_EXIT_OK;
}

int
cli_turn_choose_model (CliTurn *self, CliSession *session)
{
  const char *id = self->backend != NULL ? self->backend : "local";
  EspBackend *backend = cli_run_remote_find (&self->remote, id);
  g_autoptr (JsonObject) components = NULL;
  int status = cli_components_read (self->component_texts, &components);

  if (backend == NULL)
    return CLI_EXIT_USAGE;
  if (status != CLI_EXIT_OK)
    return status;
  if (components != NULL && !ESP_IS_LOCAL_BACKEND (backend))
    return cli_usage (_ ("%s: is for the backend local only; see --backend"), "--component");
  if (ESP_IS_LOCAL_BACKEND (backend)
      && (components != NULL
          || (self->model != NULL
              && esp_registry_find_model (self->registry, id, self->model) == NULL
              && g_file_test (self->model, G_FILE_TEST_EXISTS))))
    {
      status = add_model (self, backend, components);
      return status != CLI_EXIT_OK ? status : cli_turn_prepare (session, "--model", self->chosen);
    }
  self->chosen = self->model != NULL ? esp_registry_find_model (self->registry, id, self->model)
                                     : find_default (backend);
  if (self->chosen == NULL && self->model != NULL)
    return cli_fail (_ ("--model: there is no model “%s”; see espalier-cli models"), self->model);
  if (self->chosen == NULL)
    return cli_fail (_ ("--model: no model is installed; see docs/models.md"));
  return cli_turn_prepare (session, "--model", self->chosen);
}

/* ---- parameters */

int
cli_turn_set_parameter (GPtrArray *models, const char *option, const char *setting,
                        JsonObject *parameters)
{
  static const char *const own_options[] = { "prompt", "negative_prompt", "seed", NULL };
  const char *equals = strchr (setting, '=');
  g_autofree char *name = equals != NULL ? g_strndup (setting, (gsize) (equals - setting)) : NULL;
  g_autoptr (GError) error = NULL;
  gboolean known = FALSE;

  if (name == NULL)
    return cli_usage (_ ("%s: expected NAME=VALUE, found “%s”"), option, setting);
  for (guint i = 0; i < models->len && !g_strv_contains (own_options, name); i++)
    {
      EspSchema *schema = esp_model_get_schema (models->pdata[i]);
      const EspParameter *parameter = schema != NULL ? esp_schema_find (schema, name) : NULL;
      JsonNode *value = parameter != NULL ? esp_parameter_parse (parameter, equals + 1,
                                                                 error == NULL ? &error : NULL)
                                          : NULL;

      known = known || parameter != NULL;
      if (value == NULL)
        continue;
      json_object_set_member (parameters, name, value);
      return CLI_EXIT_OK;
    }
  if (known)
    return cli_usage ("%s: %s", option, error->message);
  return cli_usage (_ ("%s: “%s” has no parameter “%s”; see espalier-cli describe"), option,
                    esp_model_get_name (models->pdata[0]), name);
}

gboolean
cli_turn_is_number (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isdigit (*text))
      return FALSE;
  return TRUE;
}
