/* SPDX-License-Identifier: MIT */
/* json-file.h: reading JSON files through jansson, with messages that name the file and the field.
 */
#pragma once

#include <jansson.h>

#include "status.h"

/* What is refused before it is parsed, so that a hostile file costs neither stack nor memory:
 * deeper nesting and more values (a tokenizer has some 100,000; the largest weights header a
 * tenth). */
#define ESP_JSON_MAX_DEPTH  128
#define ESP_JSON_MAX_VALUES 1000000

/* Parses the `length` bytes at `bytes` as one JSON object. `path` is only for the message.
 * `unique_keys` refuses an object with the same key twice (else the last one counts). The caller
 * owns *root and frees it with json_decref(). Errors: ESP_ERROR_FORMAT with line and column. */
EspStatus esp_json_parse_object (const char *bytes, size_t length, const char *path,
                                 bool unique_keys, json_t **root, EspError *error);

/* The same for the file `path` (at most `max_bytes` bytes). Errors: those and ESP_ERROR_FILE. */
EspStatus esp_json_read_object (const char *path, size_t max_bytes, json_t **root, EspError *error);

/* Field access with a check of type and range. A missing field gives `fallback` when `required` is
 * false and an ESP_ERROR_FORMAT otherwise; JSON null counts as missing. `path` is only for the
 * message. */
EspStatus esp_json_get_int (const json_t *object, const char *path, const char *key, bool required,
                            int64_t minimum, int64_t maximum, int64_t fallback, int64_t *value,
                            EspError *error);
EspStatus esp_json_get_double (const json_t *object, const char *path, const char *key,
                               bool required, double minimum, double maximum, double fallback,
                               double *value, EspError *error);
EspStatus esp_json_get_bool (const json_t *object, const char *path, const char *key, bool fallback,
                             bool *value, EspError *error);
/* *value is borrowed from `object`. */
EspStatus esp_json_get_string (const json_t *object, const char *path, const char *key,
                               bool required, const char *fallback, const char **value,
                               EspError *error);
/* An array of `*count` integers: `values` has room for `capacity`, more is an error. */
EspStatus esp_json_get_ints (const json_t *object, const char *path, const char *key, bool required,
                             int64_t minimum, int64_t maximum, int capacity, int64_t *values,
                             int *count, EspError *error);

/* `folder`/`name` in fresh memory (NULL only when memory is out). The caller frees it. */
char *esp_path_join (const char *folder, const char *name);
