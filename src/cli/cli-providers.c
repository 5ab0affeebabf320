/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command that lists the remote providers, and checks a description of one: providers. */
#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "cli-commands.h"
#include "cli-options.h"
#include "cli-remote.h"
#include "cli-report.h"
#include "esp-json-read.h"
#include "esp-json-text.h"
#include "esp-key-store.h"
#include "esp-provider-catalog.h"

/* --- As JSON ---------------------------------------------------------------------------------- */

static void
put_node (GString *json, const char *key, JsonNode *node)
{
  g_autofree char *text = esp_json_dup_text (node);

  esp_json_put_raw (json, key, text);
}

static void
put_param (GString *json, const EspProviderParam *param)
{
  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "id", param->id, -1);
  esp_json_put_string (json, "type", param->type, -1);
  esp_json_put_bool (json, "required", param->required);
  if (param->label != NULL)
    esp_json_put_string (json, "label", param->label, -1);
  if (param->description != NULL)
    esp_json_put_string (json, "description", param->description, -1);
  if (isfinite (param->minimum))
    esp_json_put_double (json, "min", param->minimum);
  if (isfinite (param->maximum))
    esp_json_put_double (json, "max", param->maximum);
  if (param->step > 0)
    esp_json_put_double (json, "step", param->step);
  if (param->values != NULL)
    {
      g_autoptr (JsonNode) values = json_node_init_array (json_node_alloc (), param->values);

      put_node (json, "values", values);
    }
  if (param->random)
    esp_json_put_string (json, "default", "random", -1);
  else if (param->fallback != NULL)
    put_node (json, "default", param->fallback);
  esp_json_close (json, '}');
}

static void
put_params (GString *json, const char *key, GPtrArray *params)
{
  esp_json_open (json, key, '[');
  for (guint i = 0; params != NULL && i < params->len; i++)
    put_param (json, g_ptr_array_index (params, i));
  esp_json_close (json, ']');
}

static void
put_price (GString *json, const EspDescriptor *descriptor)
{
  if (descriptor->price_amount < 0)
    {
      esp_json_put_raw (json, "price", "null");
      return;
    }
  esp_json_open (json, "price", '{');
  esp_json_put_double (json, "amount", descriptor->price_amount);
  esp_json_put_string (json, "currency",
                       descriptor->price_currency != NULL ? descriptor->price_currency : "USD", -1);
  esp_json_put_string (json, "unit", descriptor->price_unit, -1);
  esp_json_close (json, '}');
}

static void
put_provider (GString *json, EspProvider *provider)
{
  const EspDescriptor *descriptor = esp_provider_get_descriptor (provider);
  const char *problem = esp_provider_get_problem (provider);
  g_autofree char *variable = esp_key_variable_name (esp_provider_get_id (provider));

  esp_json_open (json, NULL, '{');
  esp_json_put_string (json, "id", esp_provider_get_id (provider), -1);
  esp_json_put_string (json, "name", esp_provider_get_name (provider), -1);
  esp_json_put_bool (json, "own", esp_provider_is_own (provider));
  if (problem != NULL)
    {
      esp_json_put_string (json, "problem", problem, -1);
      esp_json_close (json, '}');
      return;
    }
  esp_json_put_string (json, "description", esp_provider_get_description (provider), -1);
  esp_json_put_string (json, "docs", esp_provider_get_docs (provider), -1);
  esp_json_put_string (json, "keys_url", esp_provider_get_keys_url (provider), -1);
  esp_json_put_string (json, "base_url", esp_provider_get_base_url (provider), -1);
  esp_json_put_bool (json, "self_hosted", esp_provider_is_self_hosted (provider));
  esp_json_put_bool (json, "needs_key",
                     descriptor->auth_header != NULL && !descriptor->auth_optional
                         && !esp_provider_is_self_hosted (provider));
  esp_json_put_string (json, "key_variable", variable, -1);
  esp_json_put_uint (json, "max_images", (guint64) MAX (descriptor->image.max_images, 1));
  put_params (json, "parameters", descriptor->params);
  put_params (json, "config", descriptor->config);
  put_price (json, descriptor);
  esp_json_close (json, '}');
}

static char *
providers_json (GListModel *providers)
{
  GString *json = g_string_new (NULL);

  esp_json_open (json, NULL, '{');
  esp_json_open (json, "providers", '[');
  for (guint i = 0; i < g_list_model_get_n_items (providers); i++)
    {
      g_autoptr (EspProvider) provider = g_list_model_get_item (providers, i);

      put_provider (json, provider);
    }
  esp_json_close (json, ']');
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');
  return g_string_free (json, FALSE);
}

/* --- For people ------------------------------------------------------------------------------- */

static void
describe_range (GString *text, const EspProviderParam *param)
{
  if (param->values != NULL)
    {
      for (guint i = 0; i < json_array_get_length (param->values); i++)
        {
          g_autofree char *value = esp_json_dup_plain (json_array_get_element (param->values, i));

          g_string_append_printf (text, "%s%s", i == 0 ? "" : "|", value);
        }
    }
  else if (g_str_equal (param->type, "bool"))
    g_string_append (text, "true|false");
  else if (isfinite (param->minimum) && isfinite (param->maximum))
    g_string_append_printf (text, "%.10g…%.10g", param->minimum, param->maximum);
  else if (isfinite (param->minimum))
    g_string_append_printf (text, "≥%.10g", param->minimum);
  else if (isfinite (param->maximum))
    g_string_append_printf (text, "≤%.10g", param->maximum);
  else
    /* Translators: stands for any text. */
    g_string_append (text, g_str_equal (param->type, "json") ? "JSON|@FILE" : _ ("TEXT"));
}

static void
describe_params (GString *text, const char *option, GPtrArray *params)
{
  for (guint i = 0; params != NULL && i < params->len; i++)
    {
      const EspProviderParam *param = g_ptr_array_index (params, i);

      if (g_str_equal (param->id, "prompt") && g_str_equal (option, "--set"))
        continue;
      g_string_append_printf (text, "    %s %s=", option, param->id);
      describe_range (text, param);
      if (param->random)
        g_string_append (text, _ (" (random)"));
      else if (param->fallback != NULL)
        {
          g_autofree char *value = esp_json_dup_plain (param->fallback);

          if (value[0] != '\0' && strlen (value) < 60)
            /* Translators: what a parameter is if it is not given. */
            g_string_append_printf (text, _ (" (%s)"), value);
        }
      else if (param->required)
        g_string_append (text, _ (" (needed)"));
      g_string_append_c (text, '\n');
    }
}

static void
describe_price (GString *text, const EspDescriptor *descriptor)
{
  g_autofree char *price = NULL;

  if (descriptor->price_amount < 0)
    return;
  price = cli_remote_dup_price (descriptor->price_amount, descriptor->price_currency);
  if (g_strcmp0 (descriptor->price_unit, "megapixel") == 0)
    g_string_append_printf (text, _ ("    Price: %s per megapixel\n"), price);
  else
    g_string_append_printf (text, _ ("    Price: %s per image\n"), price);
}

static void
describe_provider (GString *text, EspProvider *provider)
{
  const EspDescriptor *descriptor = esp_provider_get_descriptor (provider);
  g_autofree char *variable = esp_key_variable_name (esp_provider_get_id (provider));

  g_string_append_printf (text, "%s — %s\n", esp_provider_get_id (provider),
                          esp_provider_get_title (provider));
  if (esp_provider_get_problem (provider) != NULL)
    {
      g_string_append_printf (text, _ ("    Cannot be used: %s\n"),
                              esp_provider_get_problem (provider));
      return;
    }
  if (esp_provider_get_summary (provider) != NULL)
    g_string_append_printf (text, "    %s\n", esp_provider_get_summary (provider));
  describe_price (text, descriptor);
  if (descriptor->auth_header != NULL)
    g_string_append_printf (
        text,
        descriptor->auth_optional || esp_provider_is_self_hosted (provider)
            ? _ ("    Key, if the server wants one: --key-file, %s, or the key ring\n")
            : _ ("    Key: --key-file, %s, or the key ring\n"),
        variable);
  if (esp_provider_is_self_hosted (provider))
    g_string_append_printf (text, _ ("    Server: %s, or --base-url\n"),
                            esp_provider_get_base_url (provider));
  describe_params (text, "--set", descriptor->params);
  describe_params (text, "--config", descriptor->config);
}

static char *
providers_text (GListModel *providers)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (providers); i++)
    {
      g_autoptr (EspProvider) provider = g_list_model_get_item (providers, i);

      if (i > 0)
        g_string_append_c (text, '\n');
      describe_provider (text, provider);
    }
  return g_string_free (text, FALSE);
}

/* --- The command ------------------------------------------------------------------------------ */

static int
check_file (const char *path, gboolean json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspProvider) provider = esp_provider_new_from_file (path, TRUE, &error);
  g_autoptr (GString) text = g_string_new (NULL);

  if (json)
    {
      esp_json_open (text, NULL, '{');
      esp_json_put_bool (text, "valid", provider != NULL);
      if (provider != NULL)
        esp_json_put_string (text, "id", esp_provider_get_id (provider), -1);
      else
        {
          g_autofree char *problem = g_utf8_make_valid (error->message, -1);

          esp_json_put_string (text, "problem", problem, -1);
        }
      esp_json_close (text, '}');
      g_string_append_c (text, '\n');
    }
  else if (provider != NULL)
    /* Translators: a file's name, a provider's id and name. */
    g_string_append_printf (text, _ ("%s: in order: %s, “%s”\n"), path,
                            esp_provider_get_id (provider), esp_provider_get_title (provider));
  cli_print (text->str);

  if (provider == NULL)
    return cli_usage ("%s", error->message);
  return CLI_EXIT_OK;
}

int
cli_providers (char ***arguments)
{
  g_autoptr (EspProviderCatalog) catalog = NULL;
  g_autofree char *text = NULL;
  gboolean json = FALSE;
  int status;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL },
  };

  if (!cli_options_parse (arguments, N_ ("[check FILE…]"),
                          _ ("Lists the remote providers, what they can be asked for and what they "
                             "cost; or checks descriptions of providers."),
                          entries, &status))
    return status;

  status = CLI_EXIT_OK;
  if ((*arguments)[1] == NULL)
    {
      catalog = esp_provider_catalog_new (NULL, NULL);
      text = json ? providers_json (G_LIST_MODEL (catalog))
                  : providers_text (G_LIST_MODEL (catalog));
      cli_print (text);
    }
  else if (!g_str_equal ((*arguments)[1], "check"))
    return cli_usage (_ ("providers: %s: expected nothing or “check FILE”"), (*arguments)[1]);
  else if ((*arguments)[2] == NULL)
    return cli_usage (_ ("providers check: FILE is missing"));
  else
    for (char **path = *arguments + 2; *path != NULL; path++)
      {
        const int own = check_file (*path, json);

        status = own != CLI_EXIT_OK ? own : status;
      }

  return !cli_finish_output () && status == CLI_EXIT_OK ? CLI_EXIT_FAILED : status;
}
