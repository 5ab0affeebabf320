/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib/gi18n-lib.h>

/* --- Values ----------------------------------------------------------------------------------- */

static char *
dup_value_text (JsonNode *value)
{
  static const char *const whole[] = { "", NULL };

  return esp_pointer_dup_text (whole, value);
}

static gboolean
is_string (JsonNode *value)
{
  return JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_STRING;
}

static gboolean
is_bool (JsonNode *value)
{
  return JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_BOOLEAN;
}

static JsonNode *
check_number (const EspProviderParam *param, JsonNode *value, GError **error)
{
  static const char *const whole[] = { "", NULL };
  gboolean integer = g_str_equal (param->type, "int");
  const char *name = _esp_remote_parameter_name (param->id);
  JsonNode *checked;
  double number;

  if (is_bool (value) || !esp_pointer_get_number (whole, value, &number) || !isfinite (number)
      || (integer && (number != floor (number) || fabs (number) > 9007199254740992.0)))
    {
      g_propagate_error (
          error, integer ? _esp_remote_argument_new (_ ("“%s” must be a whole number."), name)
                         : _esp_remote_argument_new (_ ("“%s” must be a number."), name));
      return NULL;
    }

  if (number < param->minimum || number > param->maximum)
    {
      if (isfinite (param->minimum) && isfinite (param->maximum))
        g_propagate_error (error, _esp_remote_argument_new (_ ("“%s” must be from %g to %g."), name,
                                                            param->minimum, param->maximum));
      else if (isfinite (param->minimum))
        g_propagate_error (error, _esp_remote_argument_new (_ ("“%s” must be at least %g."), name,
                                                            param->minimum));
      else
        g_propagate_error (
            error, _esp_remote_argument_new (_ ("“%s” must be at most %g."), name, param->maximum));
      return NULL;
    }

  checked = json_node_new (JSON_NODE_VALUE);
  if (integer)
    json_node_set_int (checked, (gint64) number);
  else
    json_node_set_double (checked, number);
  return checked;
}

static JsonNode *
check_bool (const EspProviderParam *param, JsonNode *value, GError **error)
{
  g_autofree char *text = dup_value_text (value);
  JsonNode *checked;

  if (g_strcmp0 (text, "true") != 0 && g_strcmp0 (text, "false") != 0)
    {
      g_propagate_error (error,
                         _esp_remote_argument_new (_ ("“%s” must be true or false."), param->id));
      return NULL;
    }
  checked = json_node_new (JSON_NODE_VALUE);
  json_node_set_boolean (checked, g_str_equal (text, "true"));
  return checked;
}

static JsonNode *
check_enum (const EspProviderParam *param, JsonNode *value, GError **error)
{
  g_autofree char *text = dup_value_text (value);
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; param->values != NULL && i < json_array_get_length (param->values); i++)
    {
      JsonNode *choice = json_array_get_element (param->values, i);
      g_autofree char *choice_text = dup_value_text (choice);

      if (text != NULL && g_strcmp0 (text, choice_text) == 0)
        return json_node_copy (choice);
      g_string_append_printf (all, "%s%s", i == 0 ? "" : ", ", choice_text);
    }

  g_propagate_error (
      error, _esp_remote_argument_new (_ ("“%s” must be one of: %s."), param->id, all->str));
  return NULL;
}

static JsonNode *
check_string (const EspProviderParam *param, JsonNode *value, GError **error)
{
  const char *name = _esp_remote_parameter_name (param->id);

  if (!is_string (value))
    {
      g_propagate_error (error, _esp_remote_argument_new (_ ("“%s” must be text."), name));
      return NULL;
    }
  if (param->required
      && strspn (json_node_get_string (value), " \t\r\n") == strlen (json_node_get_string (value)))
    {
      g_propagate_error (error, _esp_remote_argument_new (_ ("“%s” must not be empty."), name));
      return NULL;
    }
  return json_node_copy (value);
}

static JsonNode *
check_json (const EspProviderParam *param, JsonNode *value, GError **error)
{
  g_autoptr (JsonNode) parsed = NULL;

  if (!is_string (value))
    parsed = json_node_copy (value);
  else
    parsed = _esp_remote_json_parse (json_node_get_string (value),
                                     strlen (json_node_get_string (value)));
  if (parsed == NULL)
    {
      g_propagate_error (error, _esp_remote_argument_new (_ ("“%s” must be JSON."), param->id));
      return NULL;
    }
  if (!_esp_remote_check_form (param, parsed, error))
    return NULL;
  return g_steal_pointer (&parsed);
}

/* A value as the descriptor wants it: a copy of its type, within its range. */
static JsonNode *
check_value (const EspProviderParam *param, JsonNode *value, GError **error)
{
  if (g_str_equal (param->type, "int") || g_str_equal (param->type, "float"))
    return check_number (param, value, error);
  if (g_str_equal (param->type, "bool"))
    return check_bool (param, value, error);
  if (g_str_equal (param->type, "enum"))
    return check_enum (param, value, error);
  if (g_str_equal (param->type, "json"))
    return check_json (param, value, error);
  return check_string (param, value, error);
}

/* The same as it goes out. */
static JsonNode *
to_wire (const EspProviderParam *param, JsonNode *value)
{
  g_autofree char *text = dup_value_text (value);
  JsonNode *wire;

  if (param->wire != NULL && text != NULL && json_object_has_member (param->wire, text))
    return json_node_copy (json_object_get_member (param->wire, text));

  if (!param->as_string || text == NULL)
    return json_node_copy (value);

  wire = json_node_new (JSON_NODE_VALUE);
  json_node_set_string (wire, text);
  return wire;
}

/* --- Parameters ------------------------------------------------------------------------------- */

const char *
_esp_remote_parameter_name (const char *id)
{
  return g_str_equal (id, "negative") ? "negative_prompt" : id;
}

static void
set_in_scope (EspRemoteSetup *self, const char *kind, const EspProviderParam *param,
              JsonNode *value)
{
  g_autofree char *name = g_strconcat (kind, ".", param->id, NULL);

  esp_scope_set_node (self->scope, name, value != NULL ? to_wire (param, value) : NULL);
}

static JsonNode *
draw (const EspProviderParam *param)
{
  gint64 low = param->minimum > 0 ? (gint64) param->minimum : 0;
  gint64 high = param->maximum < G_MAXINT32 ? (gint64) param->maximum : G_MAXINT32;
  JsonNode *value = json_node_new (JSON_NODE_VALUE);

  if (high < low)
    high = low;
  json_node_set_int (value, low + (gint64) (g_random_double () * (double) (high - low + 1)));
  return value;
}

/* What is asked for under any of the parameter's names. */
static JsonNode *
find_asked (JsonObject *parameters, const char *id)
{
  const char *name = _esp_remote_parameter_name (id);
  JsonNode *value = json_object_get_member (parameters, name);

  if (value == NULL)
    value = json_object_get_member (parameters, id);
  return value != NULL && !JSON_NODE_HOLDS_NULL (value) ? value : NULL;
}

/* Sizes and aspects are the pictures' matter (esp-shipment.h) even where the API has no parameter
 * of that name. */
static gboolean
is_for_pictures (const EspDescriptor *descriptor, const char *name)
{
  return (g_str_equal (name, "size") && descriptor->output_size.mode == ESP_SIZE_PIXELS)
         || (g_str_equal (name, "aspect") && descriptor->output_size.mode == ESP_SIZE_ASPECT);
}

static gboolean
check_names (EspRemoteSetup *self, JsonObject *parameters, GError **error)
{
  g_autoptr (GList) names = json_object_get_members (parameters);

  for (GList *link = names; link != NULL; link = link->next)
    {
      const char *name = link->data;
      const char *id = g_str_equal (name, "negative_prompt") ? "negative" : name;

      if (esp_provider_find_param (self->provider, id) == NULL
          && !is_for_pictures (self->descriptor, name))
        {
          g_propagate_error (
              error, _esp_remote_argument_new (_ ("%s has no parameter “%s”."),
                                               esp_provider_get_name (self->provider), name));
          return FALSE;
        }
    }
  return TRUE;
}

/* No server makes pictures beyond these. */
#define SIDE_MIN 64
#define SIDE_MAX 4096

static gboolean
check_size (JsonNode *value, GError **error)
{
  g_autofree char *text = dup_value_text (value);
  int width, height;

  /* NOLINTNEXTLINE(cert-err34-c): five digits are no number too large */
  if (text == NULL || sscanf (text, "%5dx%5d", &width, &height) != 2
      || (MIN (width, height) >= SIDE_MIN && MAX (width, height) <= SIDE_MAX))
    return TRUE;

  g_propagate_error (
      error, _esp_remote_argument_new (_ ("“%s” must be from %d to %d pixels wide and high."),
                                       "size", SIDE_MIN, SIDE_MAX));
  return FALSE;
}

gboolean
_esp_remote_setup_set_parameters (EspRemoteSetup *self, JsonObject *parameters, GError **error)
{
  const EspDescriptor *descriptor = self->descriptor;
  g_autoptr (JsonObject) complete = json_object_new ();
  static const char *const pictures[] = { "size", "aspect" };

  if (!check_names (self, parameters, error))
    return FALSE;

  for (guint i = 0; i < descriptor->params->len; i++)
    {
      const EspProviderParam *param = g_ptr_array_index (descriptor->params, i);
      JsonNode *asked = find_asked (parameters, param->id);
      JsonNode *value = NULL;

      if (asked != NULL)
        {
          value = check_value (param, asked, error);
          if (value == NULL)
            return FALSE;
        }
      else if (param->random)
        value = draw (param);
      else if (param->fallback != NULL)
        value = json_node_copy (param->fallback);
      else if (param->required)
        {
          g_propagate_error (error,
                             _esp_remote_argument_new (_ ("“%s” is needed."),
                                                       _esp_remote_parameter_name (param->id)));
          return FALSE;
        }

      set_in_scope (self, "param", param, value);
      if (value != NULL)
        json_object_set_member (complete, _esp_remote_parameter_name (param->id), value);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (pictures); i++)
    {
      JsonNode *asked = find_asked (parameters, pictures[i]);

      if (i == 0 && asked != NULL && descriptor->output_size.mode == ESP_SIZE_PIXELS
          && !check_size (asked, error))
        return FALSE;
      if (asked != NULL && !json_object_has_member (complete, pictures[i]))
        json_object_set_member (complete, pictures[i], json_node_copy (asked));
    }

  g_clear_pointer (&self->parameters, json_object_unref);
  self->parameters = g_steal_pointer (&complete);
  return TRUE;
}

gboolean
_esp_remote_setup_set_parameter (EspRemoteSetup *self, const char *id, JsonNode *value,
                                 GError **error)
{
  const EspProviderParam *param = esp_provider_find_param (self->provider, id);
  JsonNode *checked;

  if (param == NULL)
    return TRUE;

  checked = check_value (param, value, error);
  if (checked == NULL)
    return FALSE;
  set_in_scope (self, "param", param, checked);
  json_object_set_member (self->parameters, _esp_remote_parameter_name (id), checked);
  return TRUE;
}

/* --- Settings, address, key ------------------------------------------------------------------- */

static const EspProviderParam *
find_config (const EspDescriptor *descriptor, const char *id)
{
  for (guint i = 0; i < descriptor->config->len; i++)
    {
      const EspProviderParam *param = g_ptr_array_index (descriptor->config, i);

      if (g_str_equal (param->id, id))
        return param;
    }
  return NULL;
}

static gboolean
set_config (EspRemoteSetup *self, JsonObject *config, GError **error)
{
  const EspDescriptor *descriptor = self->descriptor;
  g_autoptr (GList) names = config != NULL ? json_object_get_members (config) : NULL;

  for (GList *link = names; link != NULL; link = link->next)
    {
      if (find_config (descriptor, link->data) == NULL)
        {
          g_propagate_error (error,
                             _esp_remote_argument_new (_ ("%s has no setting “%s”."),
                                                       esp_provider_get_name (self->provider),
                                                       (const char *) link->data));
          return FALSE;
        }
    }

  for (guint i = 0; i < descriptor->config->len; i++)
    {
      const EspProviderParam *param = g_ptr_array_index (descriptor->config, i);
      JsonNode *asked = config != NULL ? json_object_get_member (config, param->id) : NULL;
      JsonNode *value = NULL;

      if (asked != NULL && !JSON_NODE_HOLDS_NULL (asked))
        {
          value = check_value (param, asked, error);
          if (value == NULL)
            return FALSE;
        }
      else if (param->fallback != NULL)
        value = json_node_copy (param->fallback);
      else if (param->required)
        {
          g_propagate_error (
              error, _esp_remote_argument_new (_ ("The setting “%s” is needed."), param->id));
          return FALSE;
        }

      set_in_scope (self, "config", param, value);
      if (value != NULL)
        json_object_set_member (self->config, param->id, value);
    }
  return TRUE;
}

static gboolean
is_loopback (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_PARSE_RELAXED, NULL);

  return uri != NULL && g_uri_get_host (uri) != NULL && esp_host_is_loopback (g_uri_get_host (uri));
}

/* The descriptor's further origins are those of its own servers: they mean nothing where the person
 * has put another server in their place. */
static gboolean
is_providers_own (EspRemoteSetup *self, const char *usual)
{
  g_autofree char *usual_origin = usual != NULL ? esp_origin_of (usual) : NULL;

  if (g_strcmp0 (usual_origin, self->trust.origin) == 0)
    return TRUE;
  for (guint i = 0;
       self->descriptor->auth_origins != NULL && self->descriptor->auth_origins[i] != NULL; i++)
    {
      if (esp_origin_matches (self->descriptor->auth_origins[i], self->trust.origin))
        return TRUE;
    }
  return FALSE;
}

static gboolean
set_trust (EspRemoteSetup *self, const char *base_url, gboolean base_is_own, GError **error)
{
  g_autoptr (GError) own_error = NULL;
  g_autofree char *usual = NULL;

  if (esp_provider_get_base_url (self->provider) != NULL)
    usual = esp_template_expand_text (esp_provider_get_base_url (self->provider), self->scope,
                                      ESP_TEMPLATE_URL, &own_error);
  if (base_url == NULL && usual == NULL)
    {
      g_propagate_error (
          error, own_error != NULL
                     ? _esp_remote_argument_new ("%s", own_error->message)
                     : _esp_remote_argument_new (_ ("The address of the server is needed.")));
      return FALSE;
    }

  self->trust.base_url = g_strdup (base_url != NULL ? base_url : usual);
  self->trust.origin = esp_origin_of (self->trust.base_url);
  if (self->trust.origin == NULL)
    {
      g_propagate_error (error, _esp_remote_argument_new (
                                    _ ("“%s” is not the address of a server: it must begin with "
                                       "https:// and have no user name."),
                                    self->trust.base_url));
      return FALSE;
    }
  if (strpbrk (self->trust.base_url, "?#") != NULL)
    {
      /* Paths are put behind it: what follows these could not be kept. */
      g_propagate_error (error, _esp_remote_argument_new (
                                    _ ("“%s” is not the address of a server: it must end with a "
                                       "path, without “?” or “#”."),
                                    self->trust.base_url));
      return FALSE;
    }
  /* However many "/" the person has put at the end: paths bring their own. */
  for (gsize length = strlen (self->trust.base_url); self->trust.base_url[length - 1] == '/';
       length--)
    self->trust.base_url[length - 1] = '\0';
  if (usual != NULL)
    self->trust.prefix = esp_url_dup_prefix (self->trust.base_url, usual);
  self->trust.is_private = base_is_own || is_loopback (self->trust.base_url);
  if (base_url == NULL || is_providers_own (self, usual))
    self->trust.key_origins = g_strdupv (self->descriptor->auth_origins);

  g_clear_error (&own_error);
  if (!esp_trust_check_url (&self->trust, self->trust.base_url, &own_error))
    {
      g_propagate_error (error, _esp_remote_argument_new ("%s", own_error->message));
      return FALSE;
    }
  return TRUE;
}

gboolean
_esp_remote_setup_init (EspRemoteSetup *self, EspProvider *provider, const char *base_url,
                        gboolean base_is_own, JsonObject *config, const char *key, GError **error)
{
  memset (self, 0, sizeof *self);
  if (esp_provider_get_problem (provider) != NULL)
    {
      g_propagate_error (
          error, _esp_remote_argument_new (_ ("The description of this provider has an error: %s"),
                                           esp_provider_get_problem (provider)));
      return FALSE;
    }

  self->provider = g_object_ref (provider);
  self->descriptor = esp_provider_get_descriptor (provider);
  self->base_is_own = base_is_own;
  self->scope = esp_scope_new ();
  self->config = json_object_new ();
  self->parameters = json_object_new ();
  if (base_url != NULL && base_url[0] == '\0')
    base_url = NULL;
  if (key != NULL && key[0] != '\0')
    self->key = g_strdup (key);

  if (set_config (self, config, error) && set_trust (self, base_url, base_is_own, error))
    return TRUE;

  _esp_remote_setup_clear (self);
  return FALSE;
}

void
_esp_remote_setup_clear (EspRemoteSetup *self)
{
  if (self->key != NULL)
    {
      explicit_bzero (self->key, strlen (self->key));
      g_clear_pointer (&self->key, g_free);
    }
  esp_trust_clear (&self->trust);
  g_clear_pointer (&self->config, json_object_unref);
  g_clear_pointer (&self->parameters, json_object_unref);
  g_clear_pointer (&self->scope, esp_scope_free);
  g_clear_object (&self->provider);
  self->descriptor = NULL;
}

gboolean
_esp_remote_setup_check_key (EspRemoteSetup *self, GError **error)
{
  if (self->key != NULL)
    {
      for (const char *p = self->key; *p != '\0'; p++)
        {
          if ((guchar) *p < 0x20 || *p == 0x7f)
            {
              EspFaultReport report = { .fault = ESP_FAULT_AUTH, .charged = ESP_CHARGED_NO };

              g_propagate_error (error,
                                 esp_fault_error_new (&report, _ ("The key has characters in "
                                                                  "it that no key has.")));
              return FALSE;
            }
        }
      return TRUE;
    }

  if (self->descriptor->auth_header != NULL && !self->descriptor->auth_optional
      && !esp_provider_is_self_hosted (self->provider))
    {
      EspFaultReport report = { .fault = ESP_FAULT_AUTH, .charged = ESP_CHARGED_NO };
      g_autofree char *message
          = g_strdup_printf (_ ("%s needs a key."), esp_provider_get_name (self->provider));

      g_propagate_error (error, esp_fault_error_new (&report, message));
      return FALSE;
    }
  return TRUE;
}
