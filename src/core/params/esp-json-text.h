/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-json-text.h: writing JSON member by member into a string.
 *
 * json-glib cannot write what the worker protocol and the recipes need: strings with NUL
 * characters, unsigned 64-bit numbers and the shortest digits that read back as the same double.
 *
 * Every function puts a comma where one is due; `key` is NULL inside arrays. Keys are plain ASCII.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

void esp_json_open (GString *json, const char *key, char bracket); /* '{' or '[' */
void esp_json_close (GString *json, char bracket);                 /* '}' or ']' */

/* `value` is UTF-8; `length` -1 = NUL-terminated. With NULL, null is written. */
void esp_json_put_string (GString *json, const char *key, const char *value, gssize length);
void esp_json_put_uint (GString *json, const char *key, guint64 value);
void esp_json_put_double (GString *json, const char *key, double value); /* finite */
void esp_json_put_bool (GString *json, const char *key, gboolean value);

/* `value` is one JSON value already in text form. */
void esp_json_put_raw (GString *json, const char *key, const char *value);

/* Any value; doubles in the shortest form that reads back as the same. */
void esp_json_put_value (GString *json, const char *key, JsonNode *value);

G_END_DECLS
