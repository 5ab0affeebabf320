/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-file-name.h: what files are called that are made of what people wrote, and of which kind an
 * image's bytes are. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A name that file systems take: no reserved characters or words, at most `max` bytes. It may be
 * empty. */
char *esp_file_name_clean (const char *text, gsize max) G_GNUC_WARN_UNUSED_RESULT;

/* "image/png", …, by how the bytes begin; "application/octet-stream" for all else. */
const char *esp_media_type_sniff (GBytes *bytes);

/* ".png", …, or NULL. */
const char *esp_media_type_get_extension (const char *media_type); /* may be NULL */

G_END_DECLS
