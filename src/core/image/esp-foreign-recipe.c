/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "esp-image"

#include "esp-foreign-recipe.h"

void
esp_foreign_recipe_free (EspForeignRecipe *self)
{
  if (self == NULL)
    return;
  g_free (self->source);
  g_clear_pointer (&self->recipe, json_object_unref);
  g_free (self);
}
