/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-document.h: documents for commands: opening, finding nodes, closing, one loop turn at a time.
 */
#pragma once

#include "cli-session.h"
#include "esp-document.h"

G_BEGIN_DECLS

/* Opens DOC. `to_write` FALSE never disturbs whoever else has it open. Returns NULL after a line
 * that says what is wrong: also where it is to be written and cannot be. */
EspDocument *cli_document_open (CliSession *session, const char *path,
                                gboolean to_write) G_GNUC_WARN_UNUSED_RESULT;

/* Makes a new DOC, which must not exist. */
EspDocument *cli_document_create (CliSession *session, const char *path) G_GNUC_WARN_UNUSED_RESULT;

/* Brings the file up to date and lets go of it. Takes `document`; returns `status`, or
 * CLI_EXIT_FAILED after a line where the file could not be written. */
int cli_document_close (CliSession *session, EspDocument *document, int status);

/* The end of a command: closes the document, ends the session, and sees that everything was written
 * to standard output. Returns the exit status. */
int cli_document_finish (CliSession *session, EspDocument *document, int status);

/* The node that `text` (the value of `option`) names; where that is NULL the current one. NULL
 * after a line that says what is wrong, with *status. Borrowed. */
EspNode *cli_document_find_node (EspDocument *document, const char *option, const char *text,
                                 int *status);

/* Adds the picture file `path` below `parent` (or NULL). NULL after a line that says what is wrong.
 * Borrowed. */
EspNode *cli_document_import (CliSession *session, EspDocument *document, const char *path,
                              EspNode *parent);

/* The bytes of a picture file; NULL after a line that says what is wrong. */
GBytes *cli_document_read_file (CliSession *session, const char *path) G_GNUC_WARN_UNUSED_RESULT;

/* The same as cli_document_import () of what was read from `path`. */
EspNode *cli_document_import_bytes (CliSession *session, EspDocument *document, GBytes *bytes,
                                    const char *path, EspNode *parent);

/* The member "image" of a node, and a number that is null below 0. */
/* "keep": how its picture was put together; null where nothing of the kind was asked for. */
void cli_document_put_kept (GString *json, EspNode *node);
void cli_document_put_image (GString *json, EspNode *node);
void cli_document_put_known (GString *json, const char *key, double value);

/* The object of one node, as the members of arrays in --json. */
void cli_document_put_node (GString *json, EspNode *node);

/* "4 Make it red" on one line, at most `columns` wide where that is > 0; then the marks. */
char *cli_document_describe_node (EspNode *node, int columns) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
