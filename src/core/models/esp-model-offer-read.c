/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Manifests of models, read strictly: docs/models.md. */
#define G_LOG_DOMAIN "espalier-models"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "esp-installation.h"
#include "esp-library-model.h"
#include "esp-model-offer-private.h"
#include "esp-origin.h"
#include "esp-provider-reader.h"

#define SCHEMA      "espalier-model-offer-1"
#define MAX_BYTES   (1 << 20)
#define MAX_FILES   1000
#define MAX_SIZE    (G_GINT64_CONSTANT (1) << 50)
#define MAX_QUALITY 100

/* What is read meanwhile. */
typedef struct
{
  EspReader reader;
  EspModelOfferTexts texts; /* borrowed from the JSON */
  const char *url;          /* pattern */
  gboolean hub_digests;
  JsonObject *sets; /* borrowed; or NULL */
  GPtrArray *variants;
} Manifest;

gboolean
_esp_model_path_is_plain (const char *path)
{
  g_auto (GStrv) names = NULL;

  if (*path == '\0' || strlen (path) > 512 || !g_utf8_validate (path, -1, NULL))
    return FALSE;

  names = g_strsplit (path, "/", -1);
  for (char **name = names; *name != NULL; name++)
    {
      if (**name == '\0' || **name == '.' || strlen (*name) > 200)
        return FALSE;
      for (const char *c = *name; *c != '\0'; c++)
        if (g_ascii_iscntrl (*c) || *c == '\\')
          return FALSE;
    }

  return TRUE;
}

gboolean
_esp_model_url_is_allowed (const char *url)
{
  g_autofree char *origin = esp_origin_of (url);
  g_autoptr (GUri) uri = NULL;

  if (origin == NULL)
    return FALSE;
  if (g_str_has_prefix (origin, "https://"))
    return TRUE;

  uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  return uri != NULL && g_uri_get_host (uri) != NULL && esp_host_is_loopback (g_uri_get_host (uri));
}

static gboolean
is_id (const char *id)
{
  return *id != '\0' && strlen (id) <= 64 && g_ascii_isalnum (*id)
         && id[strspn (id, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] == '\0';
}

/* An id, or an error. */
static const char *
get_id (EspMembers *members)
{
  const char *id = esp_members_get_required_text (members, "id");

  if (id != NULL && !is_id (id))
    esp_members_fail (members, "id", "“%s” is not made of lower-case letters, digits, -, _ and .",
                      id);
  return id;
}

static const char *
get_web_address (EspMembers *members, const char *name, gboolean required)
{
  const char *url = required ? esp_members_get_required_text (members, name)
                             : esp_members_get_text (members, name);

  if (url != NULL && !_esp_model_url_is_allowed (url))
    esp_members_fail (members, name, "“%s” is no address that begins with https://", url);
  return url;
}

/* The address of a file: its own, or the source's pattern filled in. */
static char *
dup_url (Manifest *self, EspMembers *file, const char *path)
{
  const char *own = esp_members_get_text (file, "url");
  const char *repo = esp_members_get_text (file, "repo");
  const char *revision = esp_members_get_text (file, "revision");
  const char *from = esp_members_get_text (file, "from");
  g_autoptr (GString) url = NULL;
  g_autofree char *escaped = NULL;

  if (own != NULL)
    url = g_string_new (own);
  else if (self->url != NULL)
    {
      escaped = g_uri_escape_string (from != NULL ? from : path, "/", FALSE);
      url = g_string_new (self->url);
      g_string_replace (url, "{repo}", repo != NULL ? repo : "", 0);
      g_string_replace (url, "{revision}", revision != NULL ? revision : "main", 0);
      g_string_replace (url, "{path}", escaped, 0);
    }
  else
    {
      esp_members_fail (file, "url", "is missing, and the source has no pattern");
      return NULL;
    }

  if (own == NULL && repo == NULL && strstr (self->url, "{repo}") != NULL)
    esp_members_fail (file, "repo", "is missing");
  else if (!_esp_model_url_is_allowed (url->str))
    esp_members_fail (file, "url", "“%s” is no address that begins with https://", url->str);

  return g_strdup (url->str);
}

static gboolean
has_origin_of (const char *url, const char *pattern)
{
  g_autofree char *a = url != NULL ? esp_origin_of (url) : NULL;
  g_autofree char *plain = g_strndup (pattern, strcspn (pattern, "{"));
  g_autofree char *b = esp_origin_of (plain);

  return a != NULL && g_strcmp0 (a, b) == 0;
}

static char *
dup_sha256 (EspMembers *file)
{
  JsonNode *node = esp_members_get (file, "sha256");
  const char *text = esp_json_is_text (node) ? json_node_get_string (node) : NULL;

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return NULL;
  if (text == NULL || strlen (text) != 64 || text[strspn (text, "0123456789abcdef")] != '\0')
    {
      esp_members_fail (file, "sha256", "is neither null nor 64 hexadecimal digits in lower case");
      return NULL;
    }

  return g_strdup (text);
}

static gint64
get_size (EspMembers *file)
{
  JsonNode *node = esp_members_get (file, "size");

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return -1;
  return esp_members_get_int (file, "size", 0, MAX_SIZE, -1);
}

static void
read_file (Manifest *self, EspModelVariant *variant, JsonNode *node, const char *place)
{
  g_autoptr (EspMembers) members = esp_members_open (&self->reader, node, place);
  EspModelFile *file = g_new0 (EspModelFile, 1);
  const char *path = esp_members_get_required_text (members, "path");
  const char *component = esp_members_get_text (members, "component");

  file->path = g_strdup (path != NULL ? path : "");
  file->url = dup_url (self, members, file->path);
  file->component = g_strdup (component);
  file->sha256 = dup_sha256 (members);
  file->size = get_size (members);
  file->about
      = file->size >= 0 ? file->size : esp_members_get_int (members, "about", 0, MAX_SIZE, 0);
  esp_members_get (members, "about");
  file->optional = esp_members_get_bool (members, "optional", FALSE);
  file->hub_digests = self->hub_digests;
  file->takes_token = self->url != NULL && has_origin_of (file->url, self->url);
  g_ptr_array_add (variant->files, file);

  if (path != NULL && !_esp_model_path_is_plain (path))
    esp_members_fail (members, "path", "“%s” does not lie in the model's folder", path);
  if (path != NULL && g_str_equal (path, "espalier.json"))
    esp_members_fail (members, "path", "“%s” is written by Espalier itself", path);
  if (component != NULL && !g_strv_contains (esp_model_components (), component))
    esp_members_fail (members, "component", "“%s” is no part of a model", component);
  for (guint i = 0; i + 1 < variant->files->len; i++)
    {
      const EspModelFile *other = g_ptr_array_index (variant->files, i);

      if (g_str_equal (other->path, file->path))
        esp_members_fail (members, "path", "“%s” is there twice", file->path);
    }
}

static void
read_files (Manifest *self, EspModelVariant *variant, JsonArray *files, const char *place)
{
  for (guint i = 0; files != NULL && i < json_array_get_length (files); i++)
    {
      g_autofree char *path = esp_reader_dup_element_path (place, i);

      if (variant->files->len >= MAX_FILES)
        {
          esp_reader_fail (&self->reader, path, "more than %d files", MAX_FILES);
          return;
        }
      read_file (self, variant, json_array_get_element (files, i), path);
    }
}

/* The parts that the model's manifest will name. */
static void
read_components (EspMembers *members, EspModelVariant *variant)
{
  JsonObject *object = esp_members_get_object (members, "components");
  g_autoptr (GList) names = NULL;

  if (object == NULL)
    return;

  names = json_object_get_members (object);
  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonNode *node = json_object_get_member (object, l->data);

      if (!g_strv_contains (esp_model_components (), l->data))
        esp_members_fail (members, "components", "“%s” is no part of a model", (char *) l->data);
      else if (!esp_json_is_text (node) || !_esp_model_path_is_plain (json_node_get_string (node)))
        esp_members_fail (members, "components", "“%s” does not lie in the model's folder",
                          (char *) l->data);
    }
  variant->components = json_object_ref (object);
}

static void
read_variant (Manifest *self, JsonNode *node, const char *place)
{
  g_autoptr (EspMembers) members = esp_members_open (&self->reader, node, place);
  EspModelVariant *variant = g_new0 (EspModelVariant, 1);
  g_autofree char *files_place = esp_members_dup_path (members, "files");
  g_auto (GStrv) include = esp_members_dup_texts (members, "include");

  variant->files = g_ptr_array_new_with_free_func (_esp_model_file_free);
  variant->id = g_strdup (get_id (members));
  variant->name = g_strdup (esp_members_get_required_text (members, "name"));
  variant->format = g_strdup (esp_members_get_required_text (members, "format"));
  variant->note = g_strdup (esp_members_get_text (members, "note"));
  variant->memory = (guint64) esp_members_get_int (members, "memory", 0, MAX_SIZE, 0);
  variant->gpu_memory = (guint64) esp_members_get_int (members, "gpu_memory", 0, MAX_SIZE, 0);
  variant->quality = (guint) esp_members_get_int (members, "quality", 0, MAX_QUALITY, 50);
  read_components (members, variant);
  g_ptr_array_add (self->variants, variant);

  for (char **name = include; name != NULL && *name != NULL; name++)
    {
      JsonNode *set = self->sets != NULL ? json_object_get_member (self->sets, *name) : NULL;
      g_autofree char *set_place = g_strconcat ("/sets/", *name, NULL);

      if (set == NULL || !JSON_NODE_HOLDS_ARRAY (set))
        esp_members_fail (members, "include", "there is no list of files “%s” in “sets”", *name);
      else
        read_files (self, variant, json_node_get_array (set), set_place);
    }
  read_files (self, variant, esp_members_get_array (members, "files"), files_place);
  if (variant->files->len == 0)
    esp_members_fail (members, "files", "there are none");

  variant->exact = TRUE;
  for (guint i = 0; i < variant->files->len; i++)
    {
      const EspModelFile *file = g_ptr_array_index (variant->files, i);

      variant->about += file->about;
      variant->exact = variant->exact && file->size >= 0;
    }
}

static void
read_licence (Manifest *self, EspMembers *top)
{
  g_autoptr (EspMembers) licence
      = esp_members_open (&self->reader, esp_members_get_required (top, "licence"), "/licence");

  self->texts.licence_name = esp_members_get_required_text (licence, "name");
  self->texts.licence_url = get_web_address (licence, "url", TRUE);
  self->texts.licence_text = esp_members_get_required_text (licence, "text");
  self->texts.non_commercial = esp_members_get_bool (licence, "non_commercial", FALSE);
  self->texts.gated = esp_members_get_bool (licence, "gated", FALSE);
}

static void
read_source (Manifest *self, EspMembers *top)
{
  static const char *const kinds[] = { "none", "huggingface", NULL };
  g_autoptr (EspMembers) source
      = esp_members_open (&self->reader, esp_members_get_required (top, "source"), "/source");
  JsonNode *token_node = esp_members_get (source, "token");

  self->texts.source_name = esp_members_get_required_text (source, "name");
  self->url = esp_members_get_text (source, "url");
  self->hub_digests = esp_members_get_choice (source, "digests", kinds, 0) == 1;

  if (token_node != NULL)
    {
      g_autoptr (EspMembers) token = esp_members_open (&self->reader, token_node, "/source/token");
      const char *account = esp_members_get_required_text (token, "account");

      if (account != NULL && !is_id (account))
        esp_members_fail (token, "account", "“%s” is no name of an account", account);
      self->texts.token_account = account;
      self->texts.token_url = get_web_address (token, "url", FALSE);
    }
}

static void
read_manifest (Manifest *self, JsonNode *root)
{
  g_autoptr (EspMembers) top = esp_members_open (&self->reader, root, "");
  const char *schema = esp_members_get_required_text (top, "schema");
  JsonArray *variants;

  if (schema != NULL && !g_str_equal (schema, SCHEMA))
    esp_members_fail (top, "schema", "“%s” was expected", SCHEMA);
  esp_members_get_text (top, "$comment");
  self->texts.id = get_id (top);
  self->texts.name = esp_members_get_required_text (top, "name");
  self->texts.summary = esp_members_get_text (top, "summary");
  self->texts.homepage = get_web_address (top, "homepage", FALSE);
  read_licence (self, top);
  read_source (self, top);
  self->sets = esp_members_get_object (top, "sets");

  variants = esp_members_get_array (top, "variants");
  for (guint i = 0; variants != NULL && i < json_array_get_length (variants); i++)
    {
      g_autofree char *place = esp_reader_dup_element_path ("/variants", i);

      read_variant (self, json_array_get_element (variants, i), place);
    }
  if (variants == NULL || json_array_get_length (variants) == 0)
    esp_members_fail (top, "variants", "there are none");
}

EspModelOffer *
esp_model_offer_new_from_file (const char *path, GError **error)
{
  Manifest manifest = { .reader = { .name = path } };
  g_autoptr (GPtrArray) variants = g_ptr_array_new_with_free_func (_esp_model_variant_free);
  g_autoptr (EspJsonLines) lines = NULL;
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autofree char *text = NULL;
  EspModelOffer *offer = NULL;
  g_autoptr (GError) reason = NULL;
  gsize length;
  guint line = 0;

  g_return_val_if_fail (path != NULL, NULL);

  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  if (length > MAX_BYTES)
    {
      g_set_error (error, ESP_MODEL_OFFER_ERROR, ESP_MODEL_OFFER_ERROR_FORMAT,
                   "%s: a manifest has at most 1 MiB", path);
      return NULL;
    }

  lines = esp_json_lines_new (text, length, &line, &reason);
  if (lines == NULL || !json_parser_load_from_data (parser, text, (gssize) length, &reason))
    {
      g_set_error (error, ESP_MODEL_OFFER_ERROR, ESP_MODEL_OFFER_ERROR_FORMAT, "%s:%u: %s", path,
                   line, reason->message);
      return NULL;
    }

  manifest.reader.lines = lines;
  manifest.variants = variants;
  read_manifest (&manifest, json_parser_get_root (parser));
  if (manifest.reader.error == NULL)
    offer = _esp_model_offer_new (&manifest.texts, variants);
  else
    g_set_error_literal (error, ESP_MODEL_OFFER_ERROR, ESP_MODEL_OFFER_ERROR_FORMAT,
                         manifest.reader.error->message);
  g_clear_error (&manifest.reader.error);

  return offer;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GListModel *
esp_model_offers_load (void)
{
  GListStore *offers = g_list_store_new (ESP_TYPE_MODEL_OFFER);
  const char *named = g_getenv ("ESPALIER_OFFERS_DIR");
  g_autofree char *data = esp_installation_find_data ();
  g_autofree char *folder = named != NULL && *named != '\0'
                                ? g_strdup (named)
                                : g_build_filename (data, "models", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL && names->len < MAX_FILES)
    if (g_str_has_suffix (name, ".json") && name[0] != '.' && !g_str_equal (name, "schema.json"))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_texts);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, g_ptr_array_index (names, i), NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (EspModelOffer) offer = esp_model_offer_new_from_file (path, &error);

      if (offer != NULL)
        g_list_store_append (offers, offer);
      else
        g_message ("%s", error->message);
    }

  return G_LIST_MODEL (offers);
}

EspModelOffer *
esp_model_offers_find (GListModel *offers, const char *id)
{
  g_return_val_if_fail (G_IS_LIST_MODEL (offers), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  for (guint i = 0; i < g_list_model_get_n_items (offers); i++)
    {
      g_autoptr (EspModelOffer) offer = g_list_model_get_item (offers, i);

      if (g_str_equal (esp_model_offer_get_id (offer), id))
        return g_steal_pointer (&offer);
    }

  return NULL;
}
