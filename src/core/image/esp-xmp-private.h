/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-xmp-private.h: recipes as XMP, the RDF/XML packet of ISO 16684-1. */
#pragma once

#include "esp-recipe.h"

G_BEGIN_DECLS

/* An XMP packet. If `extended` is NULL it holds everything. Otherwise, where it would be larger
 * than `limit` bytes, the recipe goes into *extended (a second XMP document, to be split over
 * segments) and the packet names it by *guid (32 hexadecimal digits of its MD5), as the XMP
 * specification, part 3, section 1.1.3.1 has it for JPEG; *extended is NULL if it all fits. */
char *_esp_xmp_build (const EspRecipe *recipe, gsize limit, char **extended, char **guid);

G_END_DECLS
