/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the command line asks a provider for: parameters, settings, patience. */
#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "cli-remote-edit.h"
#include "esp-json-read.h"

#define PATIENCE_MAX 604800.0 /* a week */

/* Splits NAME=VALUE. */
static gboolean
split (const char *option, const char *text, char **name, const char **value, GError **error)
{
  const char *sign = strchr (text, '=');

  if (!g_utf8_validate (text, -1, NULL))
    g_propagate_error (error, cli_remote_argument_new (_ ("%s: is not valid UTF-8"), option));
  else if (sign == NULL || sign == text)
    g_propagate_error (
        error, cli_remote_argument_new (_ ("%s: expected NAME=VALUE, found “%s”"), option, text));
  else
    {
      *name = g_strndup (text, (gsize) (sign - text));
      *value = sign + 1;
      return TRUE;
    }
  return FALSE;
}

static char *
list_parameters (EspSchema *schema)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < esp_schema_get_n_parameters (schema); i++)
    {
      const char *name = esp_schema_get_parameter (schema, i)->name;

      if (!g_str_equal (name, "prompt"))
        g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "",
                                g_str_equal (name, "negative_prompt") ? "negative" : name);
    }
  return g_string_free (text, FALSE);
}

/* What is wrong with `text` as a value; `reason` where nothing better is known. */
static GError *
wrong_value (const EspParameter *parameter, const char *option, const char *text,
             const char *reason)
{
  const gboolean bounded = isfinite (parameter->minimum) && isfinite (parameter->maximum);

  if (parameter->choices != NULL)
    {
      g_autoptr (GString) all = g_string_new (NULL);

      for (guint i = 0; i < json_array_get_length (parameter->choices); i++)
        {
          g_autofree char *choice
              = esp_json_dup_plain (json_array_get_element (parameter->choices, i));

          g_string_append_printf (all, "%s%s", i > 0 ? ", " : "", choice);
        }
      return cli_remote_argument_new (_ ("%s: expected one of %s; found “%s”"), option, all->str,
                                      text);
    }
  if (parameter->type == ESP_PARAMETER_BOOLEAN)
    return cli_remote_argument_new (_ ("%s: expected true or false, found “%s”"), option, text);
  if (parameter->type == ESP_PARAMETER_INTEGER && bounded)
    return cli_remote_argument_new (_ ("%s: expected a whole number from %.0f to %.0f, found “%s”"),
                                    option, parameter->minimum, parameter->maximum, text);
  if (parameter->type == ESP_PARAMETER_NUMBER && bounded)
    return cli_remote_argument_new (_ ("%s: expected a number from %g to %g, found “%s”"), option,
                                    parameter->minimum, parameter->maximum, text);
  return cli_remote_argument_new ("%s: %s", option, reason);
}

/* `option` is how the person wrote it: "--seed" or "--set seed". */
static gboolean
add_parameter (EspSchema *schema, EspProvider *provider, JsonObject *parameters, const char *option,
               const char *id, const char *text, GError **error)
{
  const char *name = g_str_equal (id, "negative") ? "negative_prompt" : id;
  const EspParameter *parameter = esp_schema_find (schema, name);
  g_autoptr (GError) own_error = NULL;
  JsonNode *value;

  if (parameter == NULL)
    {
      g_autofree char *known = list_parameters (schema);

      g_propagate_error (error,
                         cli_remote_argument_new (_ ("%s: %s has no such parameter; it has: %s"),
                                                  option, esp_provider_get_name (provider), known));
      return FALSE;
    }
  if (json_object_has_member (parameters, name))
    {
      g_propagate_error (error, cli_remote_argument_new (_ ("%s: is given twice"), option));
      return FALSE;
    }

  value = esp_parameter_parse (parameter, text, &own_error);
  if (value == NULL)
    {
      g_propagate_error (error, wrong_value (parameter, option, text, own_error->message));
      return FALSE;
    }
  json_object_set_member (parameters, name, value);
  return TRUE;
}

/* What only the local engine has. */
gboolean
cli_remote_check_flags (const CliEditOptions *options, EspProvider *provider, GError **error)
{
  const struct
  {
    const char *option;
    gboolean given;
  } flags[] = {
    { "--model", options->model != NULL },
    { "--multi-ref", options->multi_ref != NULL },
    { "--device", options->device != NULL },
    { "--dtype", options->dtype != NULL },
    { "--vram", options->vram_text != NULL },
    { "--blas", options->blas != NULL },
    { "--explain-memory", options->explain_memory },
    { "--threads", options->threads_text != NULL },
    { "--vae-tiling", options->vae_tiling != NULL },
    { "--component", options->component_texts != NULL },
    { "--noise", options->noise != NULL },
    { "--dump", options->dump != NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
    if (flags[i].given)
      {
        g_propagate_error (
            error, cli_remote_argument_new (_ ("%s: is for the local engine; %s does not have it"),
                                            flags[i].option, esp_provider_get_name (provider)));
        return FALSE;
      }
  return TRUE;
}

JsonObject *
cli_remote_read_parameters (const CliEditOptions *options, EspProvider *provider, GError **error)
{
  const struct
  {
    const char *option, *id, *text;
  } flags[] = {
    { "--prompt", "prompt", options->prompt },
    { "--negative-prompt", "negative", options->negative_prompt },
    { "--true-cfg", "true_cfg", options->true_cfg_text },
    { "--seed", "seed", options->seed_text },
    { "--steps", "steps", options->steps_text },
    { "--guidance", "guidance", options->guidance_text },
    { "--size", "size", options->size },
  };
  g_autoptr (EspSchema) schema = esp_provider_dup_schema (provider, TRUE);
  g_autoptr (JsonObject) parameters = json_object_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      if (flags[i].text == NULL)
        continue;
      if (!g_utf8_validate (flags[i].text, -1, NULL))
        {
          g_propagate_error (
              error, cli_remote_argument_new (_ ("%s: is not valid UTF-8"), flags[i].option));
          return NULL;
        }
      if (!add_parameter (schema, provider, parameters, flags[i].option, flags[i].id, flags[i].text,
                          error))
        return NULL;
    }

  for (char **text = options->settings; text != NULL && *text != NULL; text++)
    {
      g_autofree char *name = NULL;
      g_autofree char *option = NULL;
      const char *value;

      if (!split ("--set", *text, &name, &value, error))
        return NULL;
      option = g_strconcat ("--set ", name, NULL);
      if (!add_parameter (schema, provider, parameters, option, name, value, error))
        return NULL;
    }
  return g_steal_pointer (&parameters);
}

JsonObject *
cli_remote_read_config (char **texts, EspAccount *account, GError **error)
{
  g_autoptr (JsonObject) config = json_object_new ();

  if (account != NULL)
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *value;

      json_object_iter_init (&iter, esp_account_get_config (account));
      while (json_object_iter_next (&iter, &name, &value))
        json_object_set_member (config, name, json_node_copy (value));
    }

  for (char **text = texts; text != NULL && *text != NULL; text++)
    {
      g_autofree char *name = NULL;
      g_autofree char *contents = NULL;
      const char *value;

      if (!split ("--config", *text, &name, &value, error))
        return NULL;
      /* @FILE: a workflow is too long for a command line. */
      if (value[0] == '@')
        {
          g_autoptr (GError) own_error = NULL;

          if (!g_file_get_contents (value + 1, &contents, NULL, &own_error)
              || !g_utf8_validate (contents, -1, NULL))
            {
              g_propagate_error (error, cli_remote_argument_new ("--config %s: %s", name,
                                                                 own_error != NULL
                                                                     ? own_error->message
                                                                     : _ ("is not valid UTF-8")));
              return NULL;
            }
          value = contents;
        }
      json_object_set_string_member (config, name, value);
    }
  return g_steal_pointer (&config);
}

gboolean
cli_remote_read_patience (const char *text, guint *seconds, GError **error)
{
  char *end = NULL;
  double number;

  *seconds = 0;
  if (text == NULL)
    return TRUE;
  number = g_ascii_strtod (text, &end);
  if (end == text || *end != '\0' || g_ascii_isspace (text[0]) || strpbrk (text, "xX") != NULL
      || !(number > 0) || number > PATIENCE_MAX)
    {
      g_autofree char *valid = g_utf8_make_valid (text, -1);

      g_propagate_error (error,
                         cli_remote_argument_new (
                             _ ("--patience: expected a number of seconds, found “%s”"), valid));
      return FALSE;
    }
  *seconds = (guint) ceil (number);
  return TRUE;
}
