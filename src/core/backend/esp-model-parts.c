/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-core"

#include "esp-model-parts.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* In the order in which they are shown. */
static const struct
{
  const char *component;
  const char *folder; /* in a diffusers folder */
  const char *title;
} parts[] = {
  { "transformer", "transformer", N_ ("Transformer") },
  { "clip", "text_encoder", N_ ("CLIP text encoder") },
  { "t5", "text_encoder_2", N_ ("T5 text encoder") },
  { "vae", "vae", N_ ("Autoencoder (VAE)") },
  { "tokenizer", "tokenizer", N_ ("CLIP tokenizer") },
  { "tokenizer_2", "tokenizer_2", N_ ("T5 tokenizer") },
};

static const char *const components[]
    = { "transformer", "clip", "t5", "vae", "tokenizer", "tokenizer_2", NULL };

const char *const *
esp_model_components (void)
{
  return components;
}

const char *
esp_model_component_title (const char *component)
{
  g_return_val_if_fail (component != NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (g_str_equal (parts[i].component, component))
      return _ (parts[i].title);

  return component;
}

gboolean
esp_path_lies_in (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  return strncmp (path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

char *
esp_installed_model_dup_part (const EspInstalledModel *model, const char *component)
{
  const char *named;

  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (component != NULL, NULL);

  named = model->components != NULL ? g_hash_table_lookup (model->components, component) : NULL;
  if (named != NULL)
    return g_strdup (named);
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (g_str_equal (parts[i].component, component))
      return g_build_filename (model->path, parts[i].folder, NULL);

  return NULL;
}

/* Where the manifest names parts, a file of everything may hold those that it does not name, and
 * the engine says what is lacking; a diffusers folder has all of them. */
static gboolean
is_needed (const EspInstalledModel *model, const char *component)
{
  return model->components == NULL || g_hash_table_contains (model->components, component);
}

char **
esp_installed_model_find_missing (const EspInstalledModel *model)
{
  g_autoptr (GStrvBuilder) missing = g_strv_builder_new ();

  g_return_val_if_fail (model != NULL, NULL);

  for (const char *const *component = components; *component != NULL; component++)
    {
      g_autofree char *place = esp_installed_model_dup_part (model, *component);

      if (is_needed (model, *component) && !g_file_test (place, G_FILE_TEST_EXISTS))
        g_strv_builder_add (missing, *component);
    }

  return g_strv_builder_end (missing);
}

char *
esp_installed_model_dup_problem (const EspInstalledModel *model)
{
  g_auto (GStrv) missing = NULL;
  g_autoptr (GString) list = g_string_new (NULL);

  g_return_val_if_fail (model != NULL, NULL);

  missing = esp_installed_model_find_missing (model);
  for (char **component = missing; *component != NULL; component++)
    {
      g_autofree char *place = esp_installed_model_dup_part (model, *component);
      g_autofree char *shown = g_filename_display_name (place);

      g_string_append_printf (list, "%s%s (%s)", list->len > 0 ? ", " : "",
                              esp_model_component_title (*component), shown);
    }

  if (list->len == 0)
    return NULL;
  /* Translators: parts of a model, each with the place where it should be. */
  return g_strdup_printf (_ ("Files of this model are gone: %s. Put them back, or say where they "
                             "are now."),
                          list->str);
}

char **
esp_installed_model_list_elsewhere (const EspInstalledModel *model)
{
  g_autoptr (GPtrArray) elsewhere = g_ptr_array_new ();
  g_autofree char *folder = NULL;

  g_return_val_if_fail (model != NULL, NULL);

  folder = g_canonicalize_filename (model->path, NULL);
  for (const char *const *component = components; *component != NULL; component++)
    {
      g_autofree char *place = esp_installed_model_dup_part (model, *component);

      if (place != NULL && !esp_path_lies_in (place, folder)
          && !g_ptr_array_find_with_equal_func (elsewhere, place, g_str_equal, NULL))
        g_ptr_array_add (elsewhere, g_steal_pointer (&place));
    }
  g_ptr_array_add (elsewhere, NULL);

  return (char **) g_ptr_array_free (g_steal_pointer (&elsewhere), FALSE);
}
