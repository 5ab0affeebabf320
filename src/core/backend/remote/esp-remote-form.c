/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-form.c: settings that are JSON (the workflow of an own server): one of another form,
 * or without the places where a turn's values go, is told before anything is sent. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <glib/gi18n-lib.h>

static void
propagate (GError **error, const EspProviderParam *param, const char *problem)
{
  g_propagate_error (
      error, _esp_remote_argument_new ("%s%s%s", problem, param->description != NULL ? " " : "",
                                       param->description != NULL ? param->description : ""));
}

static gboolean
check_elements (const EspProviderParam *param, JsonNode *value, GError **error)
{
  g_autofree char *problem = NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *element;

  if (!JSON_NODE_HOLDS_OBJECT (value) || json_object_get_size (json_node_get_object (value)) == 0)
    {
      problem = g_strdup_printf (_ ("“%s” is not in the form that is needed."), param->id);
      propagate (error, param, problem);
      return FALSE;
    }

  json_object_iter_init_ordered (&iter, json_node_get_object (value));
  while (json_object_iter_next_ordered (&iter, &name, &element))
    {
      if (esp_pointer_find ((const char *const *) param->elements_have, element) != NULL)
        continue;
      problem = g_strdup_printf (
          _ ("“%s” is not in the form that is needed: “%.40s” in it has no “%s”."), param->id, name,
          param->elements_have[0] + 1);
      propagate (error, param, problem);
      return FALSE;
    }
  return TRUE;
}

static gboolean
has_any (GPtrArray *names, char **wanted)
{
  for (guint i = 0; i < names->len; i++)
    {
      if (g_strv_contains ((const char *const *) wanted, names->pdata[i]))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_placeholders (const EspProviderParam *param, JsonNode *value, GError **error)
{
  g_autoptr (GError) own_error = NULL;
  g_autoptr (GPtrArray) names = esp_template_dup_names (value, &own_error);
  g_autoptr (GString) missing = g_string_new (NULL);
  g_autofree char *problem = NULL;

  if (names == NULL)
    {
      problem = g_strdup_printf ("“%s”: %s", param->id, own_error->message);
      propagate (error, param, problem);
      return FALSE;
    }

  for (guint i = 0; i < param->placeholders->len; i++)
    {
      char **wanted = g_ptr_array_index (param->placeholders, i);

      if (!has_any (names, wanted))
        g_string_append_printf (missing, "%s{{%s}}", missing->len > 0 ? ", " : "", wanted[0]);
    }
  if (missing->len == 0)
    return TRUE;

  problem = g_strdup_printf (_ ("These marks are missing in “%s”: %s."), param->id, missing->str);
  propagate (error, param, problem);
  return FALSE;
}

gboolean
_esp_remote_check_form (const EspProviderParam *param, JsonNode *value, GError **error)
{
  return (param->elements_have == NULL || check_elements (param, value, error))
         && (param->placeholders == NULL || check_placeholders (param, value, error));
}
