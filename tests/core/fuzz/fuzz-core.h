/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz-core.h: what the fuzz targets of the core share. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "fuzz-target.h"

G_BEGIN_DECLS

/* An input that says several things one after the other. */
typedef struct
{
  const guint8 *data;
  gsize size;
} FuzzInput;

/* The next byte; 0 at the end. */
guint fuzz_take_byte (FuzzInput *input);

/* The bytes up to the next zero byte, which is passed over, or all; the caller frees. */
char *fuzz_take_text (FuzzInput *input);

/* All that is left; the caller drops it. */
GBytes *fuzz_take_rest (FuzzInput *input);

/* A folder in memory, which is HOME and all that XDG has for a person; made once, removed at the
 * end. */
const char *fuzz_home (void);

/* A file in it, written anew; the caller frees the path. */
char *fuzz_write_file (const char *name, gconstpointer data, gsize size);

/* A function that failed has said why, in UTF-8; one that did not has said nothing. Clears
 * `error`. */
void fuzz_check_error (gboolean ok, GError **error);

G_END_DECLS
