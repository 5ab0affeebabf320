/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-schema.c: the parameters of a descriptor as the schema that controls, options and
 * checks are made from. */
#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-json-text.h"
#include "esp-provider-private.h"

/* Titles are English in a schema and are translated where they are shown. */
static const struct
{
  const char *id, *title, *description, *widget;
  gboolean advanced;
} canonical[] = {
  { "prompt", N_ ("Instruction"), N_ ("What to change in the picture."), "text", FALSE },
  { "negative", N_ ("Negative instruction"), N_ ("What to move away from."), "text", TRUE },
  { "seed", N_ ("Seed"), N_ ("The same seed and settings give nearly the same picture."), "seed",
    FALSE },
  { "steps", N_ ("Steps"), N_ ("Denoising steps: more is slower and often finer."), "slider",
    FALSE },
  { "guidance", N_ ("Guidance"), N_ ("How strongly the instruction is followed."), "slider",
    FALSE },
  { "aspect", N_ ("Aspect ratio"), NULL, "choice", FALSE },
  { "size", N_ ("Size"), NULL, NULL, FALSE },
  { "count", N_ ("Pictures"), N_ ("How many pictures one request makes; each is paid for."), "spin",
    TRUE },
  { "format", N_ ("File format"), N_ ("How the picture is sent back; PNG loses nothing."), "choice",
    TRUE },
  { "quality", N_ ("Quality"), NULL, NULL, TRUE },
  { "safety", N_ ("Safety checker"), N_ ("The provider looks for what it does not allow."), NULL,
    TRUE },
  { "tolerance", N_ ("Safety tolerance"), N_ ("Higher numbers let more through."), NULL, TRUE },
  { "enhance", N_ ("Improve instruction"),
    N_ ("The provider rewrites the instruction before it is followed."), NULL, FALSE },
};

static const char *
get_schema_type (const EspProviderParam *param)
{
  static const char *const types[][2] = {
    { "int", "integer" },
    { "float", "number" },
    { "bool", "boolean" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (types[i][0], param->type))
      return types[i][1];

  return "string";
}

static void
put_node (GString *json, const char *key, JsonNode *node)
{
  g_autofree char *text = esp_json_dup_text (node);

  esp_json_put_raw (json, key, text);
}

static void
put_texts (GString *json, const EspProviderParam *param)
{
  const char *title = param->label, *description = param->description, *widget = NULL;
  gboolean advanced = param->advanced;

  for (guint i = 0; i < G_N_ELEMENTS (canonical); i++)
    {
      if (!g_str_equal (canonical[i].id, param->id))
        continue;

      if (title == NULL)
        title = canonical[i].title;
      if (description == NULL)
        description = canonical[i].description;
      widget = canonical[i].widget;
      advanced = advanced || canonical[i].advanced;
    }

  if (title != NULL)
    esp_json_put_string (json, "title", title, -1);
  if (description != NULL)
    esp_json_put_string (json, "description", description, -1);
  if (widget != NULL)
    esp_json_put_string (json, "widget", widget, -1);
  if (advanced)
    esp_json_put_bool (json, "advanced", TRUE);
}

static void
put_param (GString *json, const EspProviderParam *param)
{
  gboolean is_size = g_str_equal (param->id, "size") && g_str_equal (param->type, "string");

  esp_json_open (json, g_str_equal (param->id, "negative") ? "negative_prompt" : param->id, '{');
  esp_json_put_string (json, "type", get_schema_type (param), -1);
  if (isfinite (param->minimum))
    esp_json_put_double (json, "minimum", param->minimum);
  if (isfinite (param->maximum))
    esp_json_put_double (json, "maximum", param->maximum);
  if (param->values != NULL)
    {
      g_autoptr (JsonNode) values = json_node_init_array (json_node_alloc (), param->values);

      put_node (json, "enum", values);
    }
  if (is_size)
    esp_json_put_string (json, "format", "image-size", -1);
  if (param->fallback != NULL)
    put_node (json, "default", param->fallback);
  else if (is_size)
    esp_json_put_string (json, "default", "auto", -1);
  put_texts (json, param);
  esp_json_close (json, '}');
}

EspSchema *
_esp_provider_build_schema (EspProvider *self, gboolean with_count, GError **error)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (JsonNode) node = NULL;
  GPtrArray *params = self->descriptor.params;

  esp_json_open (json, NULL, '{');
  esp_json_open (json, "properties", '{');
  for (guint i = 0; params != NULL && i < params->len; i++)
    {
      const EspProviderParam *param = g_ptr_array_index (params, i);

      if (with_count || !g_str_equal (param->id, "count"))
        put_param (json, param);
    }
  esp_json_close (json, '}');

  esp_json_open (json, "required", '[');
  for (guint i = 0; params != NULL && i < params->len; i++)
    {
      const EspProviderParam *param = g_ptr_array_index (params, i);

      if (param->required && (with_count || !g_str_equal (param->id, "count")))
        esp_json_put_string (
            json, NULL, g_str_equal (param->id, "negative") ? "negative_prompt" : param->id, -1);
    }
  esp_json_close (json, ']');
  esp_json_close (json, '}');

  node = esp_json_read (json->str, json->len, error);
  return node != NULL ? esp_schema_new (node, error) : NULL;
}

EspSchema *
esp_provider_dup_schema (EspProvider *self, gboolean with_count)
{
  g_autoptr (GError) error = NULL;
  EspSchema *schema;

  g_return_val_if_fail (ESP_IS_PROVIDER (self), NULL);

  schema = _esp_provider_build_schema (self, with_count, &error);
  if (schema == NULL) /* was tried when the descriptor was read */
    g_error ("the schema of %s: %s", self->id, error->message);

  return schema;
}
