/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-components.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli-report.h"
#include "esp-installation.h"

static const char *const parts[]
    = { "transformer", "clip", "t5", "vae", "tokenizer", "tokenizer_2", NULL };

#define PARTS_TEXT "transformer, clip, t5, vae, tokenizer, tokenizer_2"

/* The part that "PART=…" names, or NULL. */
static const char *
find_part (const char *text)
{
  for (gsize i = 0; parts[i] != NULL; i++)
    {
      const gsize length = strlen (parts[i]);

      if (strncmp (text, parts[i], length) == 0 && text[length] == '=')
        return parts[i];
    }

  return NULL;
}

char **
cli_components_expand (char **arguments)
{
  GPtrArray *expanded = g_ptr_array_new ();
  gboolean continues = FALSE, is_value = FALSE, at_end = FALSE;

  for (char **argument = arguments; *argument != NULL; argument++)
    {
      if (!is_value && continues && !at_end && find_part (*argument) != NULL)
        g_ptr_array_add (expanded, g_strdup ("--component"));
      else if (!is_value)
        continues = g_str_has_prefix (*argument, "--component=");

      at_end = at_end || (!is_value && g_str_equal (*argument, "--"));
      if (is_value)
        continues = TRUE;
      is_value = !is_value && !at_end && g_str_equal (*argument, "--component");
      g_ptr_array_add (expanded, *argument);
    }
  g_ptr_array_add (expanded, NULL);
  g_free (arguments);

  return (char **) g_ptr_array_free (expanded, FALSE);
}

int
cli_components_read (char **values, JsonObject **components)
{
  g_autoptr (JsonObject) read = NULL;

  *components = NULL;
  if (values == NULL)
    return CLI_EXIT_OK;

  read = json_object_new ();
  for (char **value = values; *value != NULL; value++)
    {
      const char *part = find_part (*value);
      const char *path = part != NULL ? *value + strlen (part) + 1 : NULL;

      if (part == NULL || path[0] == '\0')
        return cli_usage (_ ("--component: expected PART=PATH with one of %s, found “%s”"),
                          PARTS_TEXT, *value);
      if (json_object_has_member (read, part))
        return cli_usage (_ ("--component: “%s” is given twice"), part);
      if (!g_utf8_validate (path, -1, NULL))
        return cli_fail (_ ("--component: %s: the name is not valid UTF-8"), path);
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return cli_fail (_ ("--component: %s: there is no such file or folder"), path);
      json_object_set_string_member (read, part, path);
    }

  *components = g_steal_pointer (&read);
  return CLI_EXIT_OK;
}

/* The folder of the installed model with this id, or NULL. */
static char *
find_installed (const char *id)
{
  g_autoptr (GPtrArray) models = esp_installation_list_models ();

  for (guint i = 0; i < models->len; i++)
    {
      const EspInstalledModel *model = g_ptr_array_index (models, i);

      if (g_str_equal (model->id, id))
        return g_strdup (model->path);
    }

  return NULL;
}

char *
cli_components_choose_model (const char *option, JsonObject *components)
{
  g_autofree char *path = NULL;
  char *installed;

  if (option != NULL)
    path = g_strdup (option);
  else if (components != NULL && json_object_has_member (components, "transformer"))
    path = g_strdup (json_object_get_string_member (components, "transformer"));
  else
    path = esp_installation_find_default_model ();

  if (path == NULL)
    {
      g_autofree char *user = esp_installation_get_user_models ();

      cli_fail (_ ("--model: no model is installed in %s; see docs/models.md"), user);
      return NULL;
    }

  if (!g_utf8_validate (path, -1, NULL))
    {
      cli_fail (_ ("--model: %s: the name is not valid UTF-8"), path);
      return NULL;
    }

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);

  installed = find_installed (path);
  if (installed == NULL)
    cli_fail (_ ("%s: there is no such model folder or file, and no installed model with this id"),
              path);
  return installed;
}
