/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model.h: a model that a backend can make turns with: one entry of the backend selector.
 *
 * "changed" () is emitted when state, message, schema or price are others.
 */
#pragma once

#include <gio/gio.h>

#include "esp-schema.h"

G_BEGIN_DECLS

typedef struct _EspBackend EspBackend;

#define ESP_TYPE_MODEL (esp_model_get_type ())

G_DECLARE_FINAL_TYPE (EspModel, esp_model, ESP, MODEL, GObject)

typedef enum
{
  ESP_MODEL_READY,
  ESP_MODEL_STARTING,    /* its description is still to come (see esp_model_prepare ()) */
  ESP_MODEL_NEEDS_KEY,   /* an account is to be set up first */
  ESP_MODEL_NEEDS_MODEL, /* files are missing */
  ESP_MODEL_BROKEN,      /* cannot be used; the message says why */
} EspModelState;

typedef enum
{
  ESP_MODEL_SEED = 1 << 0, /* takes a seed */
  ESP_MODEL_NEGATIVE_PROMPT = 1 << 1,
  ESP_MODEL_PREVIEWS = 1 << 2,
  ESP_MODEL_DEMO = 1 << 3, /* understands only its instructions */
} EspModelFeatures;

EspModel *esp_model_new (EspBackend *backend, const char *id,
                         const char *name) G_GNUC_WARN_UNUSED_RESULT;

EspBackend *esp_model_get_backend (EspModel *self); /* borrowed; weak: NULL after it is gone */
const char *esp_model_get_id (EspModel *self);      /* as stored in documents */
const char *esp_model_get_name (EspModel *self);    /* for people */
EspModelState esp_model_get_state (EspModel *self);
const char *esp_model_get_message (EspModel *self); /* a sentence on the state, or NULL */
EspModelFeatures esp_model_get_features (EspModel *self);
guint esp_model_get_max_references (EspModel *self); /* images beyond the parent's */
EspSchema *esp_model_get_schema (EspModel *self);    /* borrowed; NULL while starting */
const char *const *esp_model_get_instructions (
    EspModel *self);                                 /* suggestions; never NULL, may be empty */
double esp_model_get_price (EspModel *self);         /* of one turn; 0 free; < 0 unknown */
const char *esp_model_get_currency (EspModel *self); /* or NULL */

/* Asks the backend for what it does not know of the model yet: the schema above all. Backends that
 * must start something for it (the local engine) wait until they are asked, so that opening a
 * window costs nothing: a model that is shown with its parameters, or chosen, is prepared. Returns
 * at once; "changed" follows. Costs nothing when everything is known. */
void esp_model_prepare (EspModel *self);

/* ESP_MODEL_STARTING because it is being prepared, and not because nobody has asked yet. */
gboolean esp_model_get_preparing (EspModel *self);

/* For backends. Each emits "changed" if something did. */
void esp_model_set_state (EspModel *self, EspModelState state, const char *message);
void esp_model_set_schema (EspModel *self, EspSchema *schema); /* takes it */
void esp_model_set_features (EspModel *self, EspModelFeatures features, guint max_references);
void esp_model_set_instructions (EspModel *self, const char *const *instructions);
void esp_model_set_price (EspModel *self, double price, const char *currency);

G_END_DECLS
