/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-options.h: reading command lines strictly.
 *
 * All option values are read as raw strings (GLib's other kinds depend on the locale or accept
 * garbage behind a number) and then checked by the functions here, whose messages name the option.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Parses `arguments` (NULL-terminated, with the command at [0]); what is left of it afterwards are
 * the positional ones. On a wrong option prints the reason and returns FALSE with *status =
 * CLI_EXIT_USAGE; after --help *status = CLI_EXIT_OK. */
gboolean cli_options_parse (char ***arguments, const char *usage, const char *summary,
                            const GOptionEntry *entries, int *status);

/* The number in `text`, which must be the whole text. On failure they print a line that names
 * `option` and return FALSE. */
gboolean cli_option_uint (const char *option, const char *text, guint64 minimum, guint64 maximum,
                          guint64 *value);
gboolean cli_option_double (const char *option, const char *text, double minimum, double maximum,
                            double *value);

/* Is `text` one of `choices` (NULL-terminated)? */
gboolean cli_option_choice (const char *option, const char *text, const char *const *choices);

/* Is `text` valid UTF-8? */
gboolean cli_option_utf8 (const char *option, const char *text);

/* Can a file be made at `path`? */
gboolean cli_option_target (const char *option, const char *path);

G_END_DECLS
