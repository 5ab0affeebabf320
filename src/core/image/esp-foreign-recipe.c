/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-foreign-recipe.c: recipes of other programs, brought into the form of ours. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-foreign-recipe.h"

#include <glib/gi18n-lib.h>

#include "esp-picture.h"

EspForeignRecipe *
esp_foreign_recipe_read_bytes (GBytes *bytes, const char *name, GError **error)
{
  g_set_error (error, ESP_IMAGE_ERROR, ESP_IMAGE_ERROR_NO_RECIPE, _ ("“%s” carries no recipe"),
               name);
  return NULL;
}

void
esp_foreign_recipe_free (EspForeignRecipe *self)
{
  if (self == NULL)
    return;
  g_free (self->source);
  g_clear_pointer (&self->recipe, json_object_unref);
  g_free (self);
}
