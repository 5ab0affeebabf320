/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-columns.h: how wide a text is on a terminal. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The columns that `text`, valid UTF-8 without control characters, takes: two for a character of
 * East Asia, none for an accent that is a character by itself, else one. */
int cli_columns_count (const char *text);

/* The bytes of `text` that fit into so many columns; a character is never cut in two. */
gsize cli_columns_fit (const char *text, int columns);

G_END_DECLS
