/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-schema.h: what a backend can be asked for.
 *
 * A parameter schema is a small subset of JSON Schema, described in docs/worker-protocol.md
 * ("Parameter schemas"). The local engine reports its own; descriptors of remote providers carry
 * theirs. Options, controls and checks are made from it.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define ESP_SCHEMA_ERROR (esp_schema_error_quark ())

typedef enum
{
  ESP_SCHEMA_ERROR_INVALID_SCHEMA, /* the description itself is wrong */
  ESP_SCHEMA_ERROR_UNKNOWN,        /* there is no parameter of this name */
  ESP_SCHEMA_ERROR_MISSING,        /* a required parameter has no value */
  ESP_SCHEMA_ERROR_TYPE,           /* the value is of another type */
  ESP_SCHEMA_ERROR_RANGE,          /* the value is not among those allowed */
} EspSchemaError;

GQuark esp_schema_error_quark (void);

typedef enum
{
  ESP_PARAMETER_STRING,
  ESP_PARAMETER_INTEGER,
  ESP_PARAMETER_NUMBER,
  ESP_PARAMETER_BOOLEAN,
  ESP_PARAMETER_LORAS, /* "array" of the format "loras": see esp-loras.h; the bounds are those of
                          each strength */
} EspParameterType;

/* One parameter. Everything is owned by the schema. */
typedef struct
{
  char *name;
  EspParameterType type;
  gboolean required;
  double minimum;     /* -HUGE_VAL where there is none */
  double maximum;     /* HUGE_VAL where there is none */
  double multiple_of; /* 0 where there is none */
  JsonArray *choices; /* the "enum", or NULL */
  JsonNode *fallback; /* the "default", or NULL */
  char *format;       /* "image-size", "loras", or NULL */
  char *title;        /* or NULL */
  char *description;  /* or NULL */
  char *widget;       /* or NULL */
  gboolean advanced;  /* few people ever change it */
} EspParameter;

typedef struct _EspSchema EspSchema;

/* Reads a schema and checks it: every default must be a value that the schema allows. */
EspSchema *esp_schema_new (JsonNode *node, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void esp_schema_free (EspSchema *self);

guint esp_schema_get_n_parameters (EspSchema *self);
const EspParameter *esp_schema_get_parameter (EspSchema *self, guint index);
const EspParameter *esp_schema_find (EspSchema *self, const char *name);

/* Is `value` allowed for this parameter? Integers are numbers, too. */
gboolean esp_parameter_check (const EspParameter *parameter, JsonNode *value, GError **error);

/* Reads an exact image size "WxH" with sides of 1 … 99999 pixels; FALSE: it is none. Of a parameter
 * with the format "image-size" the bounds and the multiple are those of both sides. */
gboolean esp_size_parse (const char *text, int sides[2]);

/* Reads a value as a person types it ("12", "0.5", "true", "1024x768") and checks it. The caller
 * owns the node. */
JsonNode *esp_parameter_parse (const EspParameter *parameter, const char *text,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Checks a whole set of values: each known and allowed, none missing that is required. */
gboolean esp_schema_check (EspSchema *self, JsonObject *values, GError **error);

/* A new object with the default of every parameter that has one. */
JsonObject *esp_schema_dup_defaults (EspSchema *self) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspSchema, esp_schema_free)

G_END_DECLS
