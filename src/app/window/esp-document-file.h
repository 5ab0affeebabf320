/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-file.h: what files are to the program before they are opened. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Is it a document, by its name or by its first bytes? File managers know documents by those, too.
 */
gboolean esp_document_file_is_one (GFile *file);

/* Are they one file, by another name as well: a link, or a folder with two? */
gboolean esp_document_file_is_same (GFile *a, GFile *b);

G_END_DECLS
