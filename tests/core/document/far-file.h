/* SPDX-License-Identifier: GPL-3.0-or-later */
/* far-file.h: a file without a local path, as those of network shares are that only GIO reaches.
 * What it holds is in a local file, for the test to look at. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FAR_TYPE_FILE (far_file_get_type ())

G_DECLARE_FINAL_TYPE (FarFile, far_file, FAR, FILE, GObject)

GFile *far_file_new (const char *path) G_GNUC_WARN_UNUSED_RESULT;

/* From now on nothing can be written to any of them, or something can again. */
void far_file_set_closed (gboolean closed);

G_END_DECLS
