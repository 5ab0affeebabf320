/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz-open-document.h: all that the program reads of a document that it was given. */
#pragma once

#include "fuzz-core.h"

G_BEGIN_DECLS

/* A copy of tests/data/documents/version-N.espalier in memory, N being `version` (1 and up);
 * borrowed. */
GBytes *fuzz_document_bytes (guint version);

/* The path of the document to make, with nothing there nor beside it; the caller frees. */
char *fuzz_document_path (void);

/* Looks at the file as the file manager's thumbnails do, reads it row by row, opens it to write,
 * looks at everything, changes something, closes it. */
void fuzz_document_read (const char *path, gboolean busy);

/* Makes a document of what is at `path`, if there is nothing of a database yet. */
void fuzz_document_create (const char *path);

G_END_DECLS
