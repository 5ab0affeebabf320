/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-json-member.h: members of JSON objects that someone else wrote: what is missing, or is no
 * value of that kind, is nothing to complain of. json-glib's own calls want to know beforehand. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* NULL if there is none. */
const char *esp_json_get_string (JsonObject *object, const char *key);
JsonObject *esp_json_get_object (JsonObject *object, const char *key);
JsonArray *esp_json_get_array (JsonObject *object, const char *key);

/* Whole numbers and others; booleans are 0 and 1. */
double esp_json_get_number (JsonObject *object, const char *key, double fallback);

G_END_DECLS
