/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-template.h: descriptors with holes, and what is put into them.
 *
 * "{{param.seed}}" stands for a value of a scope. A JSON string that is exactly one placeholder is
 * replaced by the value with its type; if that is unset, the member or element that holds it is
 * left out. Placeholders within longer strings are written into them as text; an unset one is an
 * error there. Names of members may have placeholders, too. A setting that is JSON itself
 * ("config.graph") is expanded once more, recursively, so that a ComfyUI graph can have holes of
 * its own; what persons and servers wrote never is. "secret." stands in texts only, never in JSON.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define ESP_TEMPLATE_ERROR (esp_template_error_quark ())

typedef enum
{
  ESP_TEMPLATE_ERROR_SYNTAX, /* "{{" without "}}", an empty or odd name */
  ESP_TEMPLATE_ERROR_UNSET,  /* a value that is needed has not been set */
} EspTemplateError;

GQuark esp_template_error_quark (void);

/* Names ("param.seed", "image.data_uri", "job.id") and their values. Not thread safe. */
typedef struct _EspScope EspScope;

EspScope *esp_scope_new (void) G_GNUC_WARN_UNUSED_RESULT;
EspScope *esp_scope_copy (EspScope *self) G_GNUC_WARN_UNUSED_RESULT; /* shares the values */
void esp_scope_free (EspScope *self);

void esp_scope_set_node (EspScope *self, const char *name,
                         JsonNode *value); /* takes it; NULL unsets */
void esp_scope_set_text (EspScope *self, const char *name, const char *value); /* NULL unsets */
void esp_scope_set_int (EspScope *self, const char *name, gint64 value);
void esp_scope_set_bytes (EspScope *self, const char *name,
                          GBytes *value);                       /* for bodies and parts */
JsonNode *esp_scope_get (EspScope *self, const char *name);     /* borrowed, or NULL */
GBytes *esp_scope_get_bytes (EspScope *self, const char *name); /* borrowed, or NULL */

/* A new tree; NULL with ESP_TEMPLATE_ERROR, or (no error) where `node` is one unset placeholder. */
JsonNode *esp_template_expand (JsonNode *node, EspScope *scope,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum
{
  ESP_TEMPLATE_PLAIN,   /* headers, form values */
  ESP_TEMPLATE_URL,     /* values are percent-encoded (of config.* all but "/"), save where the text
                           is one placeholder */
  ESP_TEMPLATE_POINTER, /* "~" and "/" of values are written "~0" and "~1" */
} EspTemplateEscape;

/* Never NULL without an error. Numbers are written with '.', the shortest digits that read back. */
char *esp_template_expand_text (const char *text, EspScope *scope, EspTemplateEscape escape,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Members of `fields`, expanded, as "name=value&…" of a query or form; unset ones are left out.
 * Never NULL without an error. */
char *esp_template_expand_fields (JsonObject *fields, EspScope *scope,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The name if `text` is exactly one placeholder, else NULL. */
char *esp_template_dup_only_name (const char *text) G_GNUC_WARN_UNUSED_RESULT;

/* Every placeholder name in `node`, for checks. (element-type utf8) (transfer full). */
GPtrArray *esp_template_dup_names (JsonNode *node, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspScope, esp_scope_free)

G_END_DECLS
