/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-json-read.h: JSON of strangers, read with bounds and by the book, and values written as text.
 *
 * json-glib's parser calls itself for every bracket and takes more than RFC 8259 allows; here a
 * text is looked through first.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Deepest nesting that is read. */
#define ESP_JSON_MAX_DEPTH 64

/* The line on which every member and element of a text stands. */
typedef struct _EspJsonLines EspJsonLines;

/* Checks that `text` is one JSON value (strict: RFC 8259, UTF-8, no member twice, no deeper than
 * ESP_JSON_MAX_DEPTH) and notes where everything stands. Fails with ESP_PROVIDER_ERROR_SYNTAX;
 * `line` (may be NULL) is set then, and the message says the column. */
EspJsonLines *esp_json_lines_new (const char *text, gsize length, guint *line,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
void esp_json_lines_free (EspJsonLines *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspJsonLines, esp_json_lines_free)

/* The line of what stands at `pointer` (RFC 6901), counted from 1: of a member that of its name. Of
 * the nearest that there is where it is missing. */
guint esp_json_lines_find (EspJsonLines *self, const char *pointer);

/* Parses what a server sent: strict as above, save that a member may be there twice (the last one
 * counts). Fails with ESP_PROVIDER_ERROR_SYNTAX. */
JsonNode *esp_json_read (const char *text, gsize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A value as text: strings as they are, numbers with '.' and the shortest digits that read back,
 * true and false as words, objects and arrays as compact JSON, null as "null". */
char *esp_json_dup_plain (JsonNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* Compact JSON with the shortest digits that read back. For bodies of requests. */
char *esp_json_dup_text (JsonNode *node) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
