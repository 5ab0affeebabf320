/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-csv-text.h: writing CSV field by field into a string: RFC 4180 in UTF-8.
 *
 * A line is ended with "\r\n" by the caller. A text that a spreadsheet would take for a formula (=
 * +
 * - @, tab or return first) gets an apostrophe before it; a number never. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Puts a comma where one is due. An empty field is this alone. */
void esp_csv_begin_field (GString *csv);

/* What is in a field. */
void esp_csv_put_text (GString *csv, const char *text);
void esp_csv_put_value (GString *csv, JsonNode *value); /* nothing for NULL and null */

G_END_DECLS
