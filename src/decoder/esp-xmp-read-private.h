/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-xmp-read-private.h: recipes in XMP, the RDF/XML packet of ISO 16684-1. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The values found in an XMP document (packet or extended part); NULL where there is none. Returns
 * FALSE if it is not well-formed. */
gboolean _esp_xmp_parse (const char *xml, gsize size, char **json, char **guid);

G_END_DECLS
