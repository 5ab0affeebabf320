/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-pointer.h: where in a JSON answer something stands.
 *
 * A pointer is an RFC 6901 JSON pointer ("" = the whole document, "~0" = "~", "~1" = "/") with one
 * addition: a segment "*" stands for every element of an array or every member of an object, in
 * order. docs/providers.md teaches it.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Is `pointer` well formed: "" or begins with "/", and has no "~" but "~0" and "~1"? */
gboolean esp_pointer_check (const char *pointer, GError **error);

/* Everything that `pointer` hits, in document order. JSON null is no hit. Never NULL. `root` may be
 * NULL (no hit). (element-type JsonNode) (transfer container): the nodes belong to `root`. */
GPtrArray *esp_pointer_find_all (const char *pointer, JsonNode *root) G_GNUC_WARN_UNUSED_RESULT;

/* The first hit of the first pointer that has one; borrowed from `root`, or NULL. `pointers` is
 * NULL-terminated and may be NULL. */
JsonNode *esp_pointer_find (const char *const *pointers, JsonNode *root);

/* The same as text: a string or number as it is (numbers with '.', whatever the locale), true and
 * false as words. NULL where there is no hit or it is an object or array. */
char *esp_pointer_dup_text (const char *const *pointers, JsonNode *root) G_GNUC_WARN_UNUSED_RESULT;

/* The same as a number; strings that are numbers ("0.04") count. FALSE where there is none. */
gboolean esp_pointer_get_number (const char *const *pointers, JsonNode *root, double *number);

/* What an API said to a person: strings as they are; of arrays of objects their "msg", "message" or
 * "detail", joined by "; "; other JSON printed. Control characters are taken out, white space is
 * made single, and no more than 500 characters are kept. NULL where there is nothing to say. */
char *esp_pointer_dup_message (const char *const *pointers,
                               JsonNode *root) G_GNUC_WARN_UNUSED_RESULT;

/* Text from others, made fit for a terminal and a window: as above. */
char *esp_foreign_text_dup_clean (const char *text, gssize length) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
