/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-run-apart.h: a turn on an image of a document that is only read: it is made in a document of
 * its own that nobody sees, and its result is written to a file. */
#pragma once

#include "cli-document.h"

G_BEGIN_DECLS

typedef struct
{
  EspDocument *document; /* NULL: not made yet */
  char *folder;
} CliApart;

/* Makes the document. Returns FALSE after a line that says what is wrong. */
gboolean cli_apart_begin (CliApart *self, CliSession *session);

/* Copies the image of `node`, which is one of `source`, into it. NULL after a line that says what
 * is wrong. Borrowed. */
EspNode *cli_apart_copy (CliApart *self, CliSession *session, EspDocument *source, EspNode *node);

/* Writes the image of `node` to `path`. Returns the exit status. */
int cli_apart_write (CliApart *self, CliSession *session, EspNode *node, const char *path);

/* Removes it all. */
void cli_apart_end (CliApart *self, CliSession *session);

G_END_DECLS
