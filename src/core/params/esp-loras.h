/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-loras.h: values of parameters with the format "loras": which LoRA files a turn uses, each
 * with its strength.
 *
 * As JSON an array of {"path", "strength", "sha256"}; the last is the SHA-256 of the file that a
 * turn was made with, and missing before it was made. As text (command line, axes) one for each
 * "||" or line: "FILE", "FILE:STRENGTH". The strength is what follows the last colon, if it is a
 * number and no file is called as the whole text is.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The most that one turn takes, and how strong each may be. */
#define ESP_LORAS_MAX_COUNT    16
#define ESP_LORAS_MAX_STRENGTH 100.0

/* Is it such a value? `error` says what is wrong in a sentence without the parameter's name. */
gboolean esp_loras_check (JsonNode *value, double minimum, double maximum, GError **error);

/* "FILE:STRENGTH" taken apart; *path is absolute where the text is a path of the file system. FALSE
 * if there is no file's name in it. */
gboolean esp_lora_split (const char *text, char **path, double *strength);

/* Reads several. NULL if one cannot be read. */
JsonNode *esp_loras_parse (const char *text) G_GNUC_WARN_UNUSED_RESULT;
JsonObject *esp_lora_new (const char *path, double strength) G_GNUC_WARN_UNUSED_RESULT;

/* "FILE:STRENGTH" of one of them: esp_lora_split () reads it again, wherever it is. */
char *esp_lora_dup_text (JsonObject *lora) G_GNUC_WARN_UNUSED_RESULT;

/* What a LoRA is called: its file's name without folder and ".safetensors". */
char *esp_lora_dup_name (const char *path) G_GNUC_WARN_UNUSED_RESULT;

/* "watercolour 0.8, ink 1": for people. NULL: none. */
char *esp_loras_dup_summary (JsonNode *value) G_GNUC_WARN_UNUSED_RESULT;

const char *esp_lora_get_path (JsonObject *lora);
double esp_lora_get_strength (JsonObject *lora); /* 1 where nothing is said */

/* The first LoRA of `value` that `name` means (esp_lora_dup_name (), the file's name or its path),
 * or NULL. Borrowed. */
JsonObject *esp_loras_find (JsonNode *value, const char *name);

/* A copy of `value` in which that one has another strength; NULL: there is none of that name. */
JsonNode *esp_loras_with_strength (JsonNode *value, const char *name,
                                   double strength) G_GNUC_WARN_UNUSED_RESULT;

/* The name of the sweep axis "lora:NAME", which changes the strength of the LoRA NAME; NULL: it is
 * not such a name. Borrowed from `axis`. */
const char *esp_lora_axis_get_lora (const char *axis);

/* A copy that names files without their folders, as recipes in pictures do: what folders a person
 * has is nobody's business. */
JsonNode *esp_loras_dup_public (JsonNode *value) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
