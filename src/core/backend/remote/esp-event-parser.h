/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-event-parser.h: reads text/event-stream (HTML standard, section 9.2.6) as it comes in.
 *
 * Bytes may be split anywhere; lines end with CR, LF or CR LF; a byte order mark at the start and
 * comments are passed over; "id" and "retry" are of no use here. What one event may hold is
 * bounded.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _EspEventParser EspEventParser;

EspEventParser *esp_event_parser_new (gsize max_event) G_GNUC_WARN_UNUSED_RESULT;
void esp_event_parser_free (EspEventParser *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspEventParser, esp_event_parser_free)

/* FALSE: a line or an event is larger than allowed; nothing more is taken. */
gboolean esp_event_parser_feed (EspEventParser *self, const char *bytes, gsize length);

/* The next event that is complete; FALSE where there is none (yet). Both are valid UTF-8; `event`
 * is "message" where the stream names none. */
gboolean esp_event_parser_take (EspEventParser *self, char **event, char **data);

G_END_DECLS
