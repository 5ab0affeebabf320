/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-export.h: what the commands that write images share. */
#pragma once

#include "esp-export.h"

G_BEGIN_DECLS

/* The format that the end of a file's name asks for, and its media type (may be NULL). FALSE if it
 * is none that can be written. */
gboolean cli_export_format_from_name (const char *path, EspExportFormat *format,
                                      const char **media_type);

G_END_DECLS
