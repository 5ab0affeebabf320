/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider.c: a remote API, as its descriptor says it is. */
#include "esp-provider.h"

struct _EspProvider
{
  GObject parent_instance;

  char *id, *name, *docs, *keys_url, *path, *digest, *text, *problem, *base_url;
  gboolean own, self_hosted;
  EspDescriptor descriptor;
};

G_DEFINE_QUARK (esp - provider - error - quark, esp_provider_error)
G_DEFINE_FINAL_TYPE (EspProvider, esp_provider, G_TYPE_OBJECT)

static void
esp_provider_class_init (EspProviderClass *klass)
{
}

static void
esp_provider_init (EspProvider *self)
{
}

static const char *const fault_names[]
    = { "none",      "auth",     "forbidden", "credit",  "invalid", "gone",
        "moderated", "rate",     "busy",      "server",  "result",  "network",
        "unknown",   "patience", "argument",  "offline", "budget" };
static const char *const status_names[]
    = { "queued", "running", "succeeded", "failed", "cancelled", "moderated", "expired" };

const char *
esp_fault_to_string (EspFault fault)
{
  g_return_val_if_fail ((guint) fault < G_N_ELEMENTS (fault_names), "none");

  return fault_names[fault];
}

gboolean
esp_fault_from_string (const char *text, EspFault *fault)
{
  for (guint i = 0; i < G_N_ELEMENTS (fault_names); i++)
    if (g_strcmp0 (fault_names[i], text) == 0)
      {
        *fault = (EspFault) i;
        return TRUE;
      }

  return FALSE;
}

const char *
esp_status_to_string (EspStatus status)
{
  g_return_val_if_fail ((guint) status < G_N_ELEMENTS (status_names), "running");

  return status_names[status];
}

gboolean
esp_status_from_string (const char *text, EspStatus *status)
{
  for (guint i = 0; i < G_N_ELEMENTS (status_names); i++)
    if (g_strcmp0 (status_names[i], text) == 0)
      {
        *status = (EspStatus) i;
        return TRUE;
      }

  return FALSE;
}

#define GETTER(type, call, field)                                                                  \
  type call (EspProvider *self)                                                                    \
  {                                                                                                \
    g_return_val_if_fail (ESP_IS_PROVIDER (self), 0);                                              \
    return self->field;                                                                            \
  }

GETTER (const char *, esp_provider_get_id, id)
GETTER (const char *, esp_provider_get_name, name)
GETTER (const char *, esp_provider_get_docs, docs)
GETTER (const char *, esp_provider_get_keys_url, keys_url)
GETTER (const char *, esp_provider_get_path, path)
GETTER (gboolean, esp_provider_is_own, own)
GETTER (const char *, esp_provider_get_digest, digest)
GETTER (const char *, esp_provider_get_text, text)
GETTER (const char *, esp_provider_get_problem, problem)
GETTER (const char *, esp_provider_get_base_url, base_url)
GETTER (gboolean, esp_provider_is_self_hosted, self_hosted)

EspSchema *
esp_provider_dup_schema (EspProvider *self, gboolean with_count)
{
  return NULL;
}

const EspDescriptor *
esp_provider_get_descriptor (EspProvider *self)
{
  return &self->descriptor;
}

const EspProviderParam *
esp_provider_find_param (EspProvider *self, const char *id)
{
  return NULL;
}

EspProvider *
esp_provider_new (GBytes *text, const char *name, gboolean own, GError **error)
{
  g_set_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX, "%s:1: not read yet", name);
  return NULL;
}

EspProvider *
esp_provider_new_from_file (const char *path, gboolean own, GError **error)
{
  return esp_provider_new (NULL, path, own, error);
}

EspProvider *
esp_provider_new_broken (const char *path, const char *problem)
{
  EspProvider *self = g_object_new (ESP_TYPE_PROVIDER, NULL);

  self->path = g_strdup (path);
  self->problem = g_strdup (problem);
  return self;
}

EspProvider *
esp_provider_tighten (EspProvider *self, JsonNode *schema, double price)
{
  return g_object_ref (self);
}
