/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-json-object.h: JSON objects as files keep them: read without trust, written so that equal
 * ones are equal texts. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* JSON of untrusted files: an object or NULL, whatever the text is; bounded depth; numbers that are
 * not finite are null. */
JsonObject *esp_json_parse_object (const char *text) G_GNUC_WARN_UNUSED_RESULT;

/* `object` as text with sorted members; "{}" for NULL. */
char *esp_json_dup_canonical (JsonObject *object) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
