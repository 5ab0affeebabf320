/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-foreign-recipe.h: how a picture was made, in whatever way the program that made it says so.
 *
 * Besides our own recipe (esp-recipe.h) these are understood, best effort:
 *
 *   "Stable Diffusion WebUI"  the text of "parameters": prompt, negative prompt, "Steps: 20, …"
 *   "ComfyUI"                 "prompt", the graph that ran: a sampler and what its links lead to
 *   "SwarmUI"                 "parameters" holding JSON with "sui_image_params"
 *   "InvokeAI"                "invokeai_metadata", and "sd-metadata" of old versions
 *   "Fooocus"                 "parameters" holding JSON with "prompt" and "base_model"
 *   "JSON"                    another object with such members
 *
 * Everything found in a file is taken as hostile: sizes, nesting and the number of followed links
 * are bounded, texts are UTF-8 without control characters, numbers finite.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *source; /* the program, for people: "Espalier", "ComfyUI", … */
  gboolean own; /* it is ours: `recipe` is as it stands in the file */

  /* In the form of our own recipes, whatever is known of it: "prompt", "negative_prompt" (strings),
   * "seed" (an integer; json-glib's are signed: take its bits), "steps", "width", "height"
   * (integers), "guidance" (number), "sampler" (string), "model": {"name", "hash"}, "software". At
   * least one of them is there. */
  JsonObject *recipe;
} EspForeignRecipe;

/* From the bytes of a PNG, JPEG or WebP file, which messages call `name`.
 * ESP_IMAGE_ERROR_NO_RECIPE if there is nothing that is understood. Walks the file's containers and
 * decodes no pixel: a few milliseconds at most. */
EspForeignRecipe *esp_foreign_recipe_read_bytes (GBytes *bytes, const char *name,
                                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
void esp_foreign_recipe_free (EspForeignRecipe *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspForeignRecipe, esp_foreign_recipe_free)

G_END_DECLS
