/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-recipe.c: recipes in memory, and as text for people. */
#define G_LOG_DOMAIN "esp-image"

#include "esp-recipe.h"

EspRecipe *
esp_recipe_copy (const EspRecipe *recipe)
{
  EspRecipe *copy;

  g_return_val_if_fail (recipe != NULL, NULL);

  copy = g_memdup2 (recipe, sizeof *recipe);
  copy->json = g_strdup (recipe->json);
  copy->prompt = g_strdup (recipe->prompt);
  copy->negative_prompt = g_strdup (recipe->negative_prompt);
  copy->model = g_strdup (recipe->model);
  copy->model_hash = g_strdup (recipe->model_hash);
  copy->software = g_strdup (recipe->software);
  return copy;
}

void
esp_recipe_free (EspRecipe *recipe)
{
  if (recipe == NULL)
    return;
  g_free ((char *) recipe->json);
  g_free ((char *) recipe->prompt);
  g_free ((char *) recipe->negative_prompt);
  g_free ((char *) recipe->model);
  g_free ((char *) recipe->model_hash);
  g_free ((char *) recipe->software);
  g_free (recipe);
}

/* The recipe in the form that other image generators write and read: the prompt, the negative
 * prompt if there is one, and a line of "Name: value" pairs. */
char *
esp_recipe_format_parameters (const EspRecipe *recipe)
{
  GString *text = g_string_new (recipe->prompt);
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_return_val_if_fail (recipe != NULL, NULL);

  if (recipe->negative_prompt != NULL && recipe->negative_prompt[0] != '\0')
    g_string_append_printf (text, "\nNegative prompt: %s", recipe->negative_prompt);
  g_ascii_formatd (number, sizeof number, "%.10g", recipe->guidance);
  g_string_append_printf (
      text, "\nSteps: %d, Sampler: Euler, CFG scale: %s, Seed: %" G_GUINT64_FORMAT ", Size: %dx%d",
      recipe->steps, number, recipe->seed, recipe->width, recipe->height);
  if (recipe->model_hash != NULL)
    g_string_append_printf (text, ", Model hash: %.10s", recipe->model_hash);
  if (recipe->model != NULL)
    g_string_append_printf (text, ", Model: %s", recipe->model);
  if (recipe->software != NULL)
    g_string_append_printf (text, ", Version: %s", recipe->software);
  return g_string_free (text, FALSE);
}
