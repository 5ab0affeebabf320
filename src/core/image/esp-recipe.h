/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-recipe.h: how a picture was made, kept inside its file.
 *
 * The JSON document is the recipe; it is stored whole and comes back byte for byte. The other
 * fields are for people and for other programs, which look for them in places of their own:
 *
 *   PNG   iTXt "espalier" (the JSON), "parameters", "Description", "Software"
 *   JPEG  XMP espalier:recipe (the JSON; extended XMP where it is above 64 KiB) and dc:description;
 *         EXIF UserComment (the parameters), ImageDescription, Software; these are cut where
 *         a segment has no room for them
 *   WebP  the same XMP and EXIF, as chunks
 *   TIFF  the same XMP; ImageDescription (the prompt), Software
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The largest JSON document that is written or read back. */
#define ESP_RECIPE_MAX_SIZE (16 << 20)

/* All strings are UTF-8 without NUL inside, borrowed, and NULL where there is none (json is
 * needed). */
typedef struct
{
  const char *json;
  const char *prompt;
  const char *negative_prompt;
  const char *model;      /* name, for people */
  const char *model_hash; /* hexadecimal */
  const char *software;   /* "Espalier 0.1.0" */
  guint64 seed;
  int steps;
  double guidance;
  int width;
  int height;
} EspRecipe;

/* A recipe whose strings are its own. */
EspRecipe *esp_recipe_copy (const EspRecipe *recipe) G_GNUC_WARN_UNUSED_RESULT;
void esp_recipe_free (EspRecipe *recipe); /* of esp_recipe_copy (); or NULL */

char *esp_recipe_format_parameters (const EspRecipe *recipe) G_GNUC_WARN_UNUSED_RESULT;

gboolean esp_recipe_read (const char *path, char **json, GError **error);
gboolean esp_recipe_read_bytes (GBytes *bytes, const char *name, char **json, GError **error);

G_END_DECLS
