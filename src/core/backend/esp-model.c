/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-model.h"

#include "esp-backend.h"

struct _EspModel
{
  GObject parent_instance;

  EspBackend *backend; /* weak */
  char *id;
  char *name;
  EspModelState state;
  gboolean asked; /* to be prepared, since it came into this state */
  char *message;
  EspModelFeatures features;
  guint max_references;
  EspSchema *schema;
  char **instructions;
  double price;
  char *currency;
};

G_DEFINE_FINAL_TYPE (EspModel, esp_model, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
emit_changed (EspModel *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

EspBackend *
esp_model_get_backend (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), NULL);

  return self->backend;
}

const char *
esp_model_get_id (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), NULL);

  return self->id;
}

const char *
esp_model_get_name (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), NULL);

  return self->name;
}

EspModelState
esp_model_get_state (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), ESP_MODEL_BROKEN);

  return self->state;
}

const char *
esp_model_get_message (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), NULL);

  return self->message;
}

EspModelFeatures
esp_model_get_features (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), 0);

  return self->features;
}

guint
esp_model_get_max_references (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), 0);

  return self->max_references;
}

EspSchema *
esp_model_get_schema (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), NULL);

  return self->schema;
}

const char *const *
esp_model_get_instructions (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), NULL);

  return (const char *const *) self->instructions;
}

double
esp_model_get_price (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), -1);

  return self->price;
}

const char *
esp_model_get_currency (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), NULL);

  return self->currency;
}

void
esp_model_prepare (EspModel *self)
{
  g_return_if_fail (ESP_IS_MODEL (self));

  if (self->backend == NULL)
    return;

  esp_backend_prepare (self->backend, self);
  if (!self->asked && self->state == ESP_MODEL_STARTING)
    {
      self->asked = TRUE;
      emit_changed (self);
    }
}

gboolean
esp_model_get_preparing (EspModel *self)
{
  g_return_val_if_fail (ESP_IS_MODEL (self), FALSE);

  return self->asked && self->state == ESP_MODEL_STARTING;
}

void
esp_model_set_state (EspModel *self, EspModelState state, const char *message)
{
  g_return_if_fail (ESP_IS_MODEL (self));

  if (self->state == state && g_strcmp0 (self->message, message) == 0)
    return;

  if (self->state != state)
    self->asked = FALSE;
  self->state = state;
  g_free (self->message);
  self->message = g_strdup (message);
  emit_changed (self);
}

void
esp_model_set_schema (EspModel *self, EspSchema *schema)
{
  g_return_if_fail (ESP_IS_MODEL (self));

  if (self->schema == schema)
    return;

  g_clear_pointer (&self->schema, esp_schema_free);
  self->schema = schema;
  emit_changed (self);
}

void
esp_model_set_features (EspModel *self, EspModelFeatures features, guint max_references)
{
  g_return_if_fail (ESP_IS_MODEL (self));

  if (self->features == features && self->max_references == max_references)
    return;

  self->features = features;
  self->max_references = max_references;
  emit_changed (self);
}

void
esp_model_set_instructions (EspModel *self, const char *const *instructions)
{
  static const char *const none[] = { NULL };

  g_return_if_fail (ESP_IS_MODEL (self));

  if (instructions == NULL)
    instructions = none;
  if (g_strv_equal ((const char *const *) self->instructions, instructions))
    return;

  g_strfreev (self->instructions);
  self->instructions = g_strdupv ((char **) instructions);
  emit_changed (self);
}

void
esp_model_set_price (EspModel *self, double price, const char *currency)
{
  g_return_if_fail (ESP_IS_MODEL (self));

  if (self->price == price && g_strcmp0 (self->currency, currency) == 0)
    return;

  self->price = price;
  g_free (self->currency);
  self->currency = g_strdup (currency);
  emit_changed (self);
}

static void
esp_model_dispose (GObject *object)
{
  EspModel *self = ESP_MODEL (object);

  g_clear_weak_pointer (&self->backend);

  G_OBJECT_CLASS (esp_model_parent_class)->dispose (object);
}

static void
esp_model_finalize (GObject *object)
{
  EspModel *self = ESP_MODEL (object);

  g_free (self->id);
  g_free (self->name);
  g_free (self->message);
  g_clear_pointer (&self->schema, esp_schema_free);
  g_strfreev (self->instructions);
  g_free (self->currency);

  G_OBJECT_CLASS (esp_model_parent_class)->finalize (object);
}

static void
esp_model_class_init (EspModelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_model_dispose;
  object_class->finalize = esp_model_finalize;

  signals[CHANGED] = g_signal_new ("changed", ESP_TYPE_MODEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
esp_model_init (EspModel *self)
{
  self->state = ESP_MODEL_STARTING;
  self->price = -1;
  self->instructions = g_new0 (char *, 1);
}

EspModel *
esp_model_new (EspBackend *backend, const char *id, const char *name)
{
  EspModel *self;

  g_return_val_if_fail (ESP_IS_BACKEND (backend), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  self = g_object_new (ESP_TYPE_MODEL, NULL);
  g_set_weak_pointer (&self->backend, backend);
  self->id = g_strdup (id);
  self->name = g_strdup (name != NULL ? name : id);

  return self;
}
