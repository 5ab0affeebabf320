/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider.c: a remote API, as its descriptor says it is. */
#include "esp-provider.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-provider-private.h"

G_DEFINE_QUARK (esp - provider - error - quark, esp_provider_error)
G_DEFINE_FINAL_TYPE (EspProvider, esp_provider, G_TYPE_OBJECT)

static void
esp_provider_finalize (GObject *object)
{
  EspProvider *self = ESP_PROVIDER (object);

  g_free (self->id);
  g_free (self->name);
  g_free (self->description);
  g_free (self->docs);
  g_free (self->keys_url);
  g_free (self->path);
  g_free (self->digest);
  g_free (self->text);
  g_free (self->problem);
  g_free (self->base_url);
  _esp_descriptor_clear (&self->descriptor);

  G_OBJECT_CLASS (esp_provider_parent_class)->finalize (object);
}

static void
esp_provider_class_init (EspProviderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_provider_finalize;
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
GETTER (const char *, esp_provider_get_description, description)
GETTER (const char *, esp_provider_get_docs, docs)
GETTER (const char *, esp_provider_get_keys_url, keys_url)
GETTER (const char *, esp_provider_get_path, path)
GETTER (gboolean, esp_provider_is_own, own)
GETTER (const char *, esp_provider_get_digest, digest)
GETTER (const char *, esp_provider_get_text, text)
GETTER (const char *, esp_provider_get_problem, problem)
GETTER (const char *, esp_provider_get_base_url, base_url)
GETTER (gboolean, esp_provider_is_self_hosted, self_hosted)

/* What comes along is in the catalogues, see data/providers/texts.h; other texts are as they are.
 */
static const char *
translate (const char *text)
{
  return text != NULL && *text != '\0' ? _ (text) : text;
}

const char *
esp_provider_get_title (EspProvider *self)
{
  g_return_val_if_fail (ESP_IS_PROVIDER (self), NULL);

  return translate (self->name);
}

const char *
esp_provider_get_summary (EspProvider *self)
{
  g_return_val_if_fail (ESP_IS_PROVIDER (self), NULL);

  return translate (self->description);
}

const char *
esp_provider_param_get_label (const EspProviderParam *param)
{
  g_return_val_if_fail (param != NULL, NULL);

  return param->label != NULL ? translate (param->label) : param->id;
}

const char *
esp_provider_param_get_hint (const EspProviderParam *param)
{
  g_return_val_if_fail (param != NULL, NULL);

  return translate (param->description);
}

const EspDescriptor *
esp_provider_get_descriptor (EspProvider *self)
{
  g_return_val_if_fail (ESP_IS_PROVIDER (self), NULL);

  return &self->descriptor;
}

const EspProviderParam *
esp_provider_find_param (EspProvider *self, const char *id)
{
  GPtrArray *params;

  g_return_val_if_fail (ESP_IS_PROVIDER (self) && id != NULL, NULL);

  params = self->descriptor.params;
  for (guint i = 0; params != NULL && i < params->len; i++)
    {
      const EspProviderParam *param = g_ptr_array_index (params, i);

      if (g_str_equal (param->id, id))
        return param;
    }

  return NULL;
}

/* Reads `text` into `self`; what is wrong is left in `reader`. */
static void
read_text (EspProvider *self, EspReader *reader, const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = NULL;
  guint line = 1;

  reader->lines = esp_json_lines_new (text, length, &line, &error);
  if (reader->lines == NULL)
    {
      g_set_error (&reader->error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX, "%s:%u: %s",
                   reader->name, line, error->message);
      return;
    }

  root = esp_json_read (text, length, &error);
  if (root == NULL)
    {
      g_set_error (&reader->error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX, "%s:1: %s",
                   reader->name, error->message);
      return;
    }

  _esp_provider_read (self, reader, root);
  if (reader->error == NULL)
    _esp_provider_check (self, reader, root);
  if (reader->error == NULL)
    {
      EspSchema *schema = _esp_provider_build_schema (self, TRUE, &error);

      if (schema == NULL)
        esp_reader_fail (reader, "/params", "%s", error->message);
      esp_schema_free (schema);
    }
}

EspProvider *
esp_provider_new (GBytes *text, const char *name, gboolean own, GError **error)
{
  g_autoptr (EspProvider) self = NULL;
  EspReader reader = { 0 };
  const char *data;
  gsize length;

  g_return_val_if_fail (text != NULL && name != NULL, NULL);

  data = g_bytes_get_data (text, &length);
  if (length > ESP_PROVIDER_MAX_BYTES)
    {
      g_set_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX,
                   "%s:1: a descriptor has at most 1 MiB", name);
      return NULL;
    }

  self = g_object_new (ESP_TYPE_PROVIDER, NULL);
  self->own = own;
  self->text = g_strndup (data != NULL ? data : "", length);
  self->digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, text);

  reader.name = name;
  read_text (self, &reader, data != NULL ? data : "", length);
  g_clear_pointer (&reader.lines, esp_json_lines_free);
  if (reader.error == NULL)
    return g_steal_pointer (&self);

  g_propagate_error (error, reader.error);
  return NULL;
}

/* The text of a file that is no folder, pipe or device, and is not too large. */
static GBytes *
load (const char *path, const char *name, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info = NULL;
  char *text;
  gsize length;

  info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_TYPE "," G_FILE_ATTRIBUTE_STANDARD_SIZE,
                            G_FILE_QUERY_INFO_NONE, NULL, error);
  if (info == NULL)
    return NULL;

  if (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR
      || g_file_info_get_size (info) > ESP_PROVIDER_MAX_BYTES)
    {
      g_set_error (error, ESP_PROVIDER_ERROR, ESP_PROVIDER_ERROR_SYNTAX,
                   "%s:1: a descriptor is a file of at most 1 MiB", name);
      return NULL;
    }

  if (!g_file_load_contents (file, NULL, &text, &length, NULL, error))
    return NULL;

  return g_bytes_new_take (text, length);
}

EspProvider *
esp_provider_new_from_file (const char *path, gboolean own, GError **error)
{
  g_autofree char *name = NULL;
  g_autoptr (GBytes) text = NULL;
  EspProvider *self;

  g_return_val_if_fail (path != NULL, NULL);

  name = g_filename_display_basename (path);
  text = load (path, name, error);
  if (text == NULL)
    return NULL;

  self = esp_provider_new (text, name, own, error);
  if (self != NULL)
    self->path = g_strdup (path);

  return self;
}

EspProvider *
esp_provider_new_broken (const char *path, const char *problem)
{
  EspProvider *self;
  g_autofree char *name = NULL;

  g_return_val_if_fail (path != NULL && problem != NULL, NULL);

  self = g_object_new (ESP_TYPE_PROVIDER, NULL);
  name = g_filename_display_basename (path);
  self->id = g_str_has_suffix (name, ".json") ? g_strndup (name, strlen (name) - strlen (".json"))
                                              : g_strdup (name);
  self->name = g_steal_pointer (&name);
  self->path = g_strdup (path);
  self->problem = g_strdup (problem);
  self->own = TRUE;
  return self;
}
