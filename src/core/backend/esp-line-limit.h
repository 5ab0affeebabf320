/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-line-limit.h: a stream of lines that ends with an error where a line is too long, so that
 * nobody who reads line by line keeps more of it in memory. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What `stream` (referenced) has, as a stream of its own. More than `most` bytes without an end of
 * line are G_IO_ERROR_MESSAGE_TOO_LARGE. The caller owns it. */
GInputStream *_esp_line_limit_stream_new (GInputStream *stream, gsize most);

G_END_DECLS
