/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-transcript.c: a turn's requests, with marks for what only shows when they are made. */
#include "esp-transcript-private.h"

#include <math.h>
#include <string.h>

#include "esp-json-read.h"

/* Around names. Never characters of a text: U+FDD0 and U+FDD1 are for a program's own use. */
#define OPEN          "\xef\xb7\x90"
#define CLOSE         "\xef\xb7\x91"
#define ENCODED_OPEN  "%EF%B7%90"
#define ENCODED_CLOSE "%EF%B7%91"

static const char *const image_properties[]
    = { "data_uri", "base64", "mime", "name", "size_bytes", NULL };

/* --- Marks ------------------------------------------------------------------------------------ */

static void
set_mark (EspScope *scope, const char *name)
{
  g_autofree char *mark = g_strconcat (OPEN, name, CLOSE, NULL);

  esp_scope_set_text (scope, name, mark);
}

static void
set_image_mark (EspScope *scope, int image, const char *as, const char *property)
{
  g_autofree char *name = g_strconcat (as, ".", property, NULL);
  g_autofree char *mark = image <= 0
                              ? g_strconcat (OPEN, "image.", property, CLOSE, NULL)
                              : g_strdup_printf (OPEN "image%d.%s" CLOSE, image + 1, property);

  esp_scope_set_text (scope, name, mark);
}

static void
set_capture_marks (EspScope *scope, const char *as, const EspProviderRequest *request)
{
  for (guint i = 0; request != NULL && i < request->captures->len; i++)
    {
      const EspCapture *capture = request->captures->pdata[i];
      g_autofree char *name = g_strconcat (as, ".", capture->name, NULL);

      set_mark (scope, name);
    }
}

gboolean
_esp_transcript_is_captured (EspTranscript *self, const char *property)
{
  const GPtrArray *uploads = self->descriptor->image.upload;

  for (guint i = 0; uploads != NULL && i < uploads->len; i++)
    {
      const EspProviderRequest *request = uploads->pdata[i];

      for (guint j = 0; j < request->captures->len; j++)
        if (g_str_equal (((EspCapture *) request->captures->pdata[j])->name, property))
          return TRUE;
    }
  return FALSE;
}

static void
set_marks_of_image (EspTranscript *self, EspScope *scope, int image, const char *as)
{
  const GPtrArray *uploads = self->descriptor->image.upload;

  for (guint i = 0; image_properties[i] != NULL; i++)
    set_image_mark (scope, image, as, image_properties[i]);
  for (guint i = 0; uploads != NULL && i < uploads->len; i++)
    {
      const EspProviderRequest *request = uploads->pdata[i];

      for (guint j = 0; j < request->captures->len; j++)
        set_image_mark (scope, image, as, ((EspCapture *) request->captures->pdata[j])->name);
    }
}

static void
set_marks_of_list (EspTranscript *self, EspScope *scope, const char *as)
{
  const GPtrArray *uploads = self->descriptor->image.upload;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; image_properties[i] != NULL; i++)
    g_ptr_array_add (names, g_strconcat (as, ".", image_properties[i], NULL));
  for (guint i = 0; uploads != NULL && i < uploads->len; i++)
    {
      const EspProviderRequest *request = uploads->pdata[i];

      for (guint j = 0; j < request->captures->len; j++)
        g_ptr_array_add (
            names, g_strconcat (as, ".", ((EspCapture *) request->captures->pdata[j])->name, NULL));
    }
  for (guint i = 0; i < names->len; i++)
    set_mark (scope, names->pdata[i]);
}

/* Everything that a request after the uploads may speak of. */
static EspScope *
dup_scope (EspTranscript *self)
{
  EspScope *scope = esp_scope_copy (self->setup.scope);

  for (guint i = 0; i < self->n_images; i++)
    {
      g_autofree char *as = i == 0 ? g_strdup ("image") : g_strdup_printf ("image%u", i + 1);

      set_marks_of_image (self, scope, (int) i, as);
    }
  set_marks_of_list (self, scope, "images");
  if (self->n_images > 1)
    set_marks_of_list (self, scope, "references");
  set_capture_marks (scope, "job", self->descriptor->submit);
  set_capture_marks (scope, "job", self->descriptor->watch);
  if (self->descriptor->recover.own_id)
    set_mark (scope, "job.id");
  set_mark (scope, "turn.uuid");
  set_mark (scope, "turn.client_id");
  return scope;
}

/* The same while a picture is uploaded: it is "image" there. What was captured stands in "job". */
static EspScope *
dup_upload_scope (EspTranscript *self, int image)
{
  const GPtrArray *uploads = self->descriptor->image.upload;
  EspScope *scope = esp_scope_copy (self->setup.scope);

  for (guint i = 0; image_properties[i] != NULL; i++)
    set_image_mark (scope, image, "image", image_properties[i]);
  for (guint i = 0; uploads != NULL && i < uploads->len; i++)
    set_capture_marks (scope, "job", uploads->pdata[i]);
  set_mark (scope, "turn.uuid");
  set_mark (scope, "turn.client_id");
  return scope;
}

static void
piece_free (gpointer data)
{
  EspTranscriptPiece *piece = data;

  g_free (piece->text);
  g_free (piece);
}

static void
add_piece (GPtrArray *pieces, gboolean mark, gboolean encoded, const char *text, gsize length)
{
  EspTranscriptPiece *piece;

  if (length == 0)
    return;
  piece = g_new0 (EspTranscriptPiece, 1);
  piece->mark = mark;
  piece->encoded = encoded;
  piece->text = g_strndup (text, length);
  g_ptr_array_add (pieces, piece);
}

GPtrArray *
_esp_transcript_split (const char *text)
{
  GPtrArray *pieces = g_ptr_array_new_with_free_func (piece_free);

  while (*text != '\0')
    {
      const char *plain = strstr (text, OPEN), *encoded = strstr (text, ENCODED_OPEN);
      gboolean is_plain = plain != NULL && (encoded == NULL || plain < encoded);
      const char *start = is_plain ? plain : encoded;
      const char *name = start != NULL ? start + strlen (is_plain ? OPEN : ENCODED_OPEN) : NULL;
      const char *end = name != NULL ? strstr (name, is_plain ? CLOSE : ENCODED_CLOSE) : NULL;

      if (end == NULL)
        {
          add_piece (pieces, FALSE, FALSE, text, strlen (text));
          break;
        }
      add_piece (pieces, FALSE, FALSE, text, (gsize) (start - text));
      add_piece (pieces, TRUE, !is_plain, name, (gsize) (end - name));
      text = end + strlen (is_plain ? CLOSE : ENCODED_CLOSE);
    }
  return pieces;
}

char *
_esp_transcript_dup_only (const char *text)
{
  g_autoptr (GPtrArray) pieces = _esp_transcript_split (text);
  EspTranscriptPiece *piece = pieces->len == 1 ? pieces->pdata[0] : NULL;

  return piece != NULL && piece->mark ? g_strdup (piece->text) : NULL;
}

char **
_esp_transcript_dup_pointers (EspTranscript *self, char **pointers)
{
  g_autoptr (EspScope) scope = dup_scope (self);

  return _esp_remote_dup_pointers (pointers, scope);
}

char *
_esp_transcript_dup_item_url (EspTranscript *self)
{
  g_autoptr (EspScope) scope = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GPtrArray) names = NULL;

  if (self->descriptor->result.url_template == NULL)
    return NULL;

  scope = dup_scope (self);
  node = json_node_init_string (json_node_alloc (), self->descriptor->result.url_template);
  names = esp_template_dup_names (node, NULL);
  for (guint i = 0; names != NULL && i < names->len; i++)
    if (g_str_has_prefix (names->pdata[i], "item."))
      set_mark (scope, names->pdata[i]);
  return esp_template_expand_text (self->descriptor->result.url_template, scope, ESP_TEMPLATE_URL,
                                   NULL);
}

char *
_esp_transcript_dup_key_header (EspTranscript *self, char **value)
{
  g_autoptr (EspScope) scope = esp_scope_copy (self->setup.scope);

  *value = NULL;
  if (self->descriptor->auth_header == NULL)
    return NULL;
  set_mark (scope, "secret.api_key");
  *value = esp_template_expand_text (self->descriptor->auth_value, scope, ESP_TEMPLATE_PLAIN, NULL);
  return esp_template_expand_text (self->descriptor->auth_header, scope, ESP_TEMPLATE_PLAIN, NULL);
}

gboolean
_esp_transcript_parse_image (const char *name, int *index, const char **property)
{
  const char *dot = strchr (name, '.');

  if (dot == NULL)
    return FALSE;
  *property = dot + 1;
  if (g_str_has_prefix (name, "images."))
    *index = -1;
  else if (g_str_has_prefix (name, "references."))
    *index = -2;
  else if (g_str_has_prefix (name, "image."))
    *index = 0;
  else if (g_str_has_prefix (name, "image") && g_ascii_isdigit (name[5]))
    *index = (int) g_ascii_strtoll (name + 5, NULL, 10) - 1;
  else
    return FALSE;
  return TRUE;
}

gboolean
_esp_transcript_has_word (const char *text, const char *word)
{
  for (const char *at = strstr (text, word); at != NULL; at = strstr (at + 1, word))
    if (at == text || (!g_ascii_isalnum (at[-1]) && at[-1] != '_' && at[-1] != '.'))
      return TRUE;
  return FALSE;
}

void
_esp_transcript_put_helpers (GString *out, const EspTranscriptHelper *helpers, gsize n,
                             const char *body, const char *separator)
{
  g_autofree gboolean *used = g_new0 (gboolean, n);

  /* Each mention of a helper, also in other helpers. */
  for (gsize round = 0; round < n; round++)
    for (gsize i = 0; i < n; i++)
      {
        gboolean wanted = _esp_transcript_has_word (body, helpers[i].call);

        for (gsize j = 0; j < n && !wanted; j++)
          wanted = i != j && used[j] && _esp_transcript_has_word (helpers[j].text, helpers[i].call);
        used[i] = used[i] || wanted;
      }
  for (gsize i = 0; i < n; i++)
    if (used[i])
      g_string_append_printf (out, "%s%s", separator, helpers[i].text);
}

/* --- Requests --------------------------------------------------------------------------------- */

static void
header_free (gpointer data)
{
  EspTranscriptHeader *header = data;

  g_free (header->name);
  g_free (header->value);
  g_free (header);
}

static void
part_free (gpointer data)
{
  EspTranscriptPart *part = data;

  g_free (part->name);
  g_free (part->value);
  g_free (part->filename);
  g_free (part->type);
  g_free (part);
}

void
_esp_transcript_request_free (EspTranscriptRequest *self)
{
  if (self == NULL)
    return;

  g_free (self->url);
  g_ptr_array_unref (self->headers);
  g_clear_pointer (&self->json, json_node_unref);
  g_free (self->form);
  g_clear_pointer (&self->parts, g_ptr_array_unref);
  g_free (self->content_type);
  g_free (self);
}

static gboolean
set_url (EspTranscriptRequest *self, const EspProviderRequest *request, EspScope *scope,
         GError **error)
{
  g_autofree char *query = NULL;
  g_autofree char *url = esp_template_expand_text (request->url, scope, ESP_TEMPLATE_URL, error);

  if (url == NULL)
    return FALSE;
  if (request->query != NULL)
    {
      query = esp_template_expand_fields (request->query, scope, error);
      if (query == NULL)
        return FALSE;
    }
  if (query != NULL && query[0] != '\0')
    self->url = g_strconcat (url, strchr (url, '?') != NULL ? "&" : "?", query, NULL);
  else
    self->url = g_steal_pointer (&url);
  return TRUE;
}

static void
add_headers (EspTranscriptRequest *self, JsonNode *node)
{
  EspTranscriptHeader *header;

  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      for (guint i = 0; i < json_array_get_length (array); i++)
        add_headers (self, json_array_get_element (array, i));
    }
  else if (JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *value;

      json_object_iter_init_ordered (&iter, json_node_get_object (node));
      while (json_object_iter_next_ordered (&iter, &name, &value))
        {
          header = g_new0 (EspTranscriptHeader, 1);
          header->name = g_strdup (name);
          header->value = esp_json_dup_plain (value);
          g_ptr_array_add (self->headers, header);
        }
    }
  else
    {
      header = g_new0 (EspTranscriptHeader, 1);
      header->value = esp_json_dup_plain (node);
      g_ptr_array_add (self->headers, header);
    }
}

/* The indices of the pictures that "images.bytes" and the like speak of: from … to below. */
static gboolean
find_files (EspTranscript *self, const char *template, int uploading, int *from, int *to)
{
  g_autofree char *name = esp_template_dup_only_name (template);
  const char *property;
  int index;

  if (name == NULL || !_esp_transcript_parse_image (name, &index, &property)
      || !g_str_equal (property, "bytes"))
    return FALSE;
  if (uploading >= 0)
    index = uploading;
  *from = index == -2 ? 1 : MAX (index, 0);
  *to = index < 0 ? (int) self->n_images : MIN (index + 1, (int) self->n_images);
  return TRUE;
}

/* FALSE: with an error, or (without) it is left out. */
static gboolean
dup_part_text (JsonNode *node, EspScope *scope, char **text, GError **error)
{
  g_autoptr (GError) own_error = NULL;
  g_autoptr (JsonNode) value = NULL;

  *text = NULL;
  if (node == NULL)
    return TRUE;
  value = esp_template_expand (node, scope, &own_error);
  if (g_error_matches (own_error, ESP_TEMPLATE_ERROR, ESP_TEMPLATE_ERROR_UNSET))
    return FALSE;
  if (own_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&own_error));
      return FALSE;
    }
  if (value == NULL)
    return FALSE;
  *text = esp_json_dup_plain (value);
  return TRUE;
}

/* `long_form` may be NULL: then only name and value are known. */
static gboolean
add_part (EspTranscript *self, EspTranscriptRequest *request, JsonNode *name, JsonNode *value,
          JsonObject *long_form, int uploading, EspScope *scope, GError **error)
{
  const char *template = NULL;
  int from = 0, to = 0;
  gboolean is_file;

  if (value != NULL && JSON_NODE_HOLDS_VALUE (value)
      && json_node_get_value_type (value) == G_TYPE_STRING)
    template = json_node_get_string (value);
  is_file = template != NULL && find_files (self, template, uploading, &from, &to);

  for (int i = from; i < (is_file ? to : from + 1); i++)
    {
      EspTranscriptPart *part = g_new0 (EspTranscriptPart, 1);
      GError *own_error = NULL;
      gboolean ok = dup_part_text (name, scope, &part->name, &own_error);

      part->image = is_file ? i : -1;
      if (ok && long_form != NULL)
        ok = dup_part_text (json_object_get_member (long_form, "filename"), scope, &part->filename,
                            &own_error)
             && dup_part_text (json_object_get_member (long_form, "type"), scope, &part->type,
                               &own_error);
      if (ok && !is_file)
        ok = dup_part_text (value, scope, &part->value, &own_error);
      if (ok)
        {
          g_ptr_array_add (request->parts, part);
          continue;
        }
      part_free (part);
      if (own_error != NULL)
        {
          g_propagate_error (error, own_error);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
set_parts (EspTranscript *self, EspTranscriptRequest *request, JsonNode *multipart, int uploading,
           EspScope *scope, GError **error)
{
  request->parts = g_ptr_array_new_with_free_func (part_free);
  if (JSON_NODE_HOLDS_ARRAY (multipart))
    {
      JsonArray *array = json_node_get_array (multipart);

      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          JsonObject *part = json_array_get_object_element (array, i);
          JsonNode *value = json_object_has_member (part, "file")
                                ? json_object_get_member (part, "file")
                                : json_object_get_member (part, "value");

          if (!add_part (self, request, json_object_get_member (part, "name"), value, part,
                         uploading, scope, error))
            return FALSE;
        }
    }
  else
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *value;

      json_object_iter_init_ordered (&iter, json_node_get_object (multipart));
      while (json_object_iter_next_ordered (&iter, &name, &value))
        {
          g_autoptr (JsonNode) name_node = json_node_init_string (json_node_alloc (), name);

          if (!add_part (self, request, name_node, value, NULL, uploading, scope, error))
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
set_body (EspTranscript *self, EspTranscriptRequest *plan, const EspProviderRequest *request,
          int image, EspScope *scope, GError **error)
{
  g_autoptr (GError) own_error = NULL;
  int to;

  if (request->json != NULL)
    {
      plan->json = esp_template_expand (request->json, scope, &own_error);
      if (own_error == NULL && plan->json == NULL)
        plan->json = json_node_new (JSON_NODE_NULL);
    }
  else if (request->form != NULL)
    plan->form = esp_template_expand_fields (request->form, scope, &own_error);
  else if (request->multipart != NULL)
    set_parts (self, plan, request->multipart, image, scope, &own_error);
  else if (request->file != NULL)
    {
      if (!find_files (self, request->file, image, &plan->file, &to))
        plan->file = -1;
      if (request->content_type != NULL)
        plan->content_type = esp_template_expand_text (request->content_type, scope,
                                                       ESP_TEMPLATE_PLAIN, &own_error);
    }

  if (own_error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&own_error));
  return FALSE;
}

EspTranscriptRequest *
_esp_transcript_request_new (EspTranscript *self, const EspProviderRequest *request, int image,
                             GError **error)
{
  g_autoptr (EspTranscriptRequest) plan = g_new0 (EspTranscriptRequest, 1);
  g_autoptr (EspScope) scope = image >= 0 ? dup_upload_scope (self, image) : dup_scope (self);
  g_autoptr (GError) own_error = NULL;
  g_autoptr (JsonNode) headers = NULL;

  plan->method = request->method;
  plan->auth = request->auth;
  plan->file = -1;
  plan->headers = g_ptr_array_new_with_free_func (header_free);
  if (!set_url (plan, request, scope, error))
    return NULL;
  if (request->headers != NULL)
    headers = esp_template_expand (request->headers, scope, &own_error);
  if (own_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&own_error));
      return NULL;
    }
  if (headers != NULL)
    add_headers (plan, headers);
  if (!set_body (self, plan, request, image, scope, error))
    return NULL;
  return g_steal_pointer (&plan);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
_esp_transcript_dup_statuses (EspTranscript *self, gboolean success)
{
  GPtrArray *statuses = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer wire, value;

  g_hash_table_iter_init (&iter, self->descriptor->watch_map);
  while (g_hash_table_iter_next (&iter, &wire, &value))
    {
      EspStatus status = (EspStatus) (GPOINTER_TO_UINT (value) - 1);
      /* "Expired" may be said of jobs that are too young to be known. */
      gboolean ends = status >= ESP_STATUS_FAILED && status != ESP_STATUS_EXPIRED;

      if (success ? status == ESP_STATUS_SUCCEEDED : ends)
        g_ptr_array_add (statuses, g_strdup (wire));
    }
  g_ptr_array_sort (statuses, compare_texts);
  return statuses;
}

const char *
_esp_transcript_get_result_event (EspTranscript *self)
{
  for (guint i = 0; i < self->descriptor->events.rules->len; i++)
    {
      const EspEventRule *rule = self->descriptor->events.rules->pdata[i];

      if (rule->then == ESP_EVENT_RESULT)
        return rule->event;
    }
  return NULL;
}

/* --- The whole -------------------------------------------------------------------------------- */

/* "runpod-flux-kontext-dev" → "RUNPOD_API_KEY". */
static char *
dup_key_name (EspProvider *provider)
{
  const char *id = esp_provider_get_id (provider);
  g_autofree char *word = g_strndup (id, strcspn (id, "-"));
  g_autofree char *upper = g_ascii_strup (word, -1);

  /* A name cannot begin with a digit. */
  return g_strconcat (g_ascii_isdigit (upper[0]) ? "_" : "", upper, "_API_KEY", NULL);
}

/* "1248x832", or NULL: of the parameters "size", or "width" and "height". */
static void
set_size (EspTranscript *self, JsonObject *parameters)
{
  const char *size = json_object_get_string_member_with_default (parameters, "size", NULL);
  gint64 width = json_object_get_int_member_with_default (parameters, "width", 0);
  gint64 height = json_object_get_int_member_with_default (parameters, "height", 0);
  g_auto (GStrv) sides = size != NULL ? g_strsplit_set (size, "xX*", 2) : NULL;

  if (self->descriptor->output_size.mode != ESP_SIZE_PIXELS)
    return;
  if (sides != NULL && sides[0] != NULL && sides[1] != NULL)
    {
      guint64 number;

      if (g_ascii_string_to_unsigned (sides[0], 10, 1, 100000, &number, NULL))
        {
          width = (gint64) number;
          height = g_ascii_string_to_unsigned (sides[1], 10, 1, 100000, &number, NULL)
                       ? (gint64) number
                       : 0;
        }
    }
  if (width <= 0 || height <= 0)
    width = height = 1024;
  esp_scope_set_int (self->setup.scope, "out.width", width);
  esp_scope_set_int (self->setup.scope, "out.height", height);
}

/* Where the ratio was left to the client: the one that is nearest to what came back. */
static void
set_aspect (EspTranscript *self, JsonObject *parameters)
{
  const EspProviderParam *param = esp_provider_find_param (self->setup.provider, "aspect");
  gint64 width = json_object_get_int_member_with_default (parameters, "width", 0);
  gint64 height = json_object_get_int_member_with_default (parameters, "height", 0);
  JsonNode *best = NULL;
  double best_distance = HUGE_VAL;

  if (param == NULL || param->values == NULL || width <= 0 || height <= 0
      || json_object_has_member (self->setup.parameters, "aspect"))
    return;

  for (guint i = 0; i < json_array_get_length (param->values); i++)
    {
      const char *value = json_array_get_string_element (param->values, i);
      const char *colon = strchr (value, ':');
      double across = g_ascii_strtod (value, NULL);
      double down = colon != NULL ? g_ascii_strtod (colon + 1, NULL) : 0;
      double distance;

      if (across <= 0 || down <= 0)
        continue;
      distance = fabs (log (across / down) - log ((double) width / (double) height));
      if (distance < best_distance)
        {
          best_distance = distance;
          best = json_array_get_element (param->values, i);
        }
    }
  if (best != NULL)
    _esp_remote_setup_set_parameter (&self->setup, "aspect", best, NULL);
}

/* What a turn is recorded with may be more than the API has. */
static JsonObject *
dup_known (EspProvider *provider, JsonObject *parameters)
{
  JsonObject *known = json_object_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, parameters);
  while (json_object_iter_next (&iter, &name, &value))
    if (esp_provider_find_param (provider,
                                 g_str_equal (name, "negative_prompt") ? "negative" : name)
        != NULL)
      json_object_set_member (known, name, json_node_copy (value));
  return known;
}

static char *
dup_extension (EspTranscript *self)
{
  const char *format
      = json_object_get_string_member_with_default (self->setup.parameters, "format", "png");

  if (g_str_equal (format, "jpeg"))
    return g_strdup ("jpg");
  return g_strdup (g_str_equal (format, "jpg") || g_str_equal (format, "webp") ? format : "png");
}

char *
esp_transcript_new (EspTranscriptKind kind, EspProvider *provider, const char *base_url,
                    JsonObject *config, JsonObject *parameters, const char *const *image_names,
                    GError **error)
{
  EspTranscript self = { 0 };
  GError *own_error = NULL;
  g_autoptr (JsonObject) known = NULL;
  char *text = NULL;

  g_return_val_if_fail (ESP_IS_PROVIDER (provider), NULL);
  g_return_val_if_fail (parameters != NULL, NULL);

  if (!_esp_remote_setup_init (&self.setup, provider, base_url, TRUE, config, NULL, error))
    return NULL;

  known = dup_known (provider, parameters);
  if (!_esp_remote_setup_set_parameters (&self.setup, known, error))
    {
      _esp_remote_setup_clear (&self.setup);
      return NULL;
    }

  self.descriptor = esp_provider_get_descriptor (provider);
  self.images = image_names;
  self.n_images = image_names != NULL ? g_strv_length ((char **) image_names) : 0;
  self.n_images = MIN (self.n_images, (guint) self.descriptor->image.max_images);
  self.key_name = self.descriptor->auth_header != NULL ? dup_key_name (provider) : NULL;
  self.extension = dup_extension (&self);
  self.text = g_string_new (NULL);
  set_size (&self, parameters);
  set_aspect (&self, parameters);

  if (kind == ESP_TRANSCRIPT_CURL)
    _esp_transcript_write_curl (&self, &own_error);
  else
    _esp_transcript_write_python (&self, &own_error);

  text = g_string_free (self.text, FALSE);
  if (own_error != NULL)
    {
      g_propagate_error (error, own_error);
      g_clear_pointer (&text, g_free);
    }
  g_free (self.key_name);
  g_free (self.extension);
  _esp_remote_setup_clear (&self.setup);
  return text;
}
