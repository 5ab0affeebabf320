/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-report.h: what is printed where.
 *
 * Standard output carries results only, standard error everything else. All text is UTF-8 and is
 * written as it is, whatever the locale: file names must come out byte for byte.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CLI_EXIT_OK     0
#define CLI_EXIT_FAILED 1
#define CLI_EXIT_USAGE  2

/* One line on standard error: "espalier-cli: …". Line breaks and control characters in it become
 * spaces. Returns CLI_EXIT_FAILED. */
int cli_fail (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* The same for a wrong command line. Returns CLI_EXIT_USAGE. */
int cli_usage (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* What the last of these two said, or NULL. */
const char *cli_get_last_failure (void);

/* One line on standard error, without the program's name. */
void cli_note (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Writes to standard output. A failure is remembered for cli_finish_output(). */
void cli_print (const char *text);

/* Was everything written to standard output? If not, says so on standard error. */
gboolean cli_finish_output (void);

G_END_DECLS
