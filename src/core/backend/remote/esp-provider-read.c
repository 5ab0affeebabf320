/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-read.c: a descriptor, from the top: who it is, the key, the image, the flow.
 *
 * The members stand here in the order in which docs/providers.md explains them.
 */
#include <math.h>
#include <string.h>

#include "esp-pointer.h"
#include "esp-provider-private.h"
#include "esp-shipment.h"

#define MAX_SECONDS (10 * 366 * 24 * 3600) /* ten years */

static void
read_identity (EspProvider *self, EspMembers *top)
{
  const char *schema = esp_members_get_required_text (top, "schema");
  const char *id = esp_members_get_required_text (top, "id");

  esp_members_get_text (top, "$schema"); /* for editors */
  if (schema != NULL && !g_str_equal (schema, ESP_PROVIDER_SCHEMA))
    esp_members_fail (top, "schema", "“%s” was expected", ESP_PROVIDER_SCHEMA);

  if (id != NULL
      && (strlen (id) > 64 || !g_ascii_isalnum (id[0]) || g_ascii_isupper (id[0])
          || id[strspn (id, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0'))
    {
      esp_members_fail (top, "id", "“%s” is not made of lower-case letters, digits and “-”", id);
      id = NULL;
    }

  self->id = g_strdup (id);
  self->name = g_strdup (esp_members_get_required_text (top, "name"));
  self->description = g_strdup (esp_members_get_text (top, "description"));
  self->docs = g_strdup (esp_members_get_text (top, "docs"));
  self->keys_url = g_strdup (esp_members_get_text (top, "keys_url"));
  self->self_hosted = esp_members_get_bool (top, "self_hosted", FALSE);
  self->base_url = g_strdup (esp_members_get_required_text (top, "base_url"));
}

static void
read_auth (EspDescriptor *d, EspMembers *top)
{
  JsonNode *node = esp_members_get (top, "auth");
  g_autoptr (EspMembers) auth = NULL;

  if (node == NULL)
    {
      d->auth_origins = g_new0 (char *, 1);
      return;
    }

  auth = esp_members_open (top->reader, node, "/auth");
  d->auth_header = g_strdup (esp_members_get_required_text (auth, "header"));
  d->auth_value = g_strdup (esp_members_get_required_text (auth, "value"));
  d->auth_optional = esp_members_get_bool (auth, "optional", FALSE);
  d->auth_origins = esp_members_dup_texts (auth, "origins");
  if (d->auth_origins == NULL)
    d->auth_origins = g_new0 (char *, 1);

  if (d->auth_value != NULL && strstr (d->auth_value, "{{secret.api_key}}") == NULL)
    esp_members_fail (auth, "value", "“{{secret.api_key}}” is missing in it");
}

static void
read_formats (EspDescriptor *d, EspMembers *image)
{
  static const char *const known[] = { "png", "jpeg", "webp", NULL };

  d->image.formats = esp_members_dup_texts (image, "formats");
  if (d->image.formats == NULL)
    d->image.formats = g_strdupv ((char *[]){ (char *) "png", (char *) "jpeg", NULL });

  for (guint i = 0; d->image.formats[i] != NULL; i++)
    if (!g_strv_contains (known, d->image.formats[i]))
      esp_members_fail (image, "formats", "“%s” is none of png, jpeg, webp", d->image.formats[i]);
}

static void
read_image (EspDescriptor *d, EspMembers *top)
{
  static const char *const modes[] = { "data_uri", "base64", "url", "multipart", "upload", NULL };
  JsonNode *node = esp_members_get_required (top, "image");
  g_autoptr (EspMembers) image = NULL;

  d->image.formats = NULL;
  d->image.max_images = 1;
  if (node == NULL)
    return;

  image = esp_members_open (top->reader, node, "/image");
  d->image.mode = esp_members_get_choice (image, "mode", modes, -1);
  read_formats (d, image);
  d->image.max_bytes = esp_members_get_int (image, "max_bytes", 1000, 1 << 30, 0);
  d->image.max_request_bytes = esp_members_get_int (image, "max_request_bytes", 1000, 1 << 30, 0);
  d->image.max_pixels = esp_members_get_int (image, "max_pixels", 4096, 1000000000, 0);
  d->image.min_side = (int) esp_members_get_int (image, "min_side", 1, 4096, 0);
  d->image.max_images = (int) esp_members_get_int (image, "max_images", 1, 8, 1);
  d->image.upload = _esp_provider_read_requests (image, "upload", ESP_REQUEST_CAPTURES);

  if (d->image.mode == ESP_SHIP_UPLOAD && d->image.upload == NULL)
    esp_reader_fail (top->reader, "/image", "mode “upload” needs the requests of “upload”");
  else if (d->image.mode != ESP_SHIP_UPLOAD && d->image.upload != NULL)
    esp_members_fail (image, "upload", "only mode “upload” has this");
}

static gboolean
read_bucket (JsonNode *node, EspImageSize *size)
{
  const char *text;
  char *end = NULL;
  guint64 width, height;

  if (!esp_json_is_text (node))
    return FALSE;

  text = json_node_get_string (node);
  if (!g_ascii_isdigit (*text))
    return FALSE;
  width = g_ascii_strtoull (text, &end, 10);
  if (*end != 'x' || !g_ascii_isdigit (end[1]))
    return FALSE;
  height = g_ascii_strtoull (end + 1, &end, 10);
  if (*end != '\0' || width < 16 || width > 16384 || height < 16 || height > 16384)
    return FALSE;

  size->width = (int) width;
  size->height = (int) height;
  return TRUE;
}

static void
read_buckets (EspDescriptor *d, EspMembers *size)
{
  JsonNode *node = esp_members_get (size, "buckets");
  JsonArray *array;

  if (node == NULL
      || (esp_json_is_text (node) && g_str_equal (json_node_get_string (node), "kontext")))
    {
      d->output_size.kontext_buckets = TRUE;
      return;
    }
  if (!JSON_NODE_HOLDS_ARRAY (node) || json_array_get_length (json_node_get_array (node)) == 0)
    {
      esp_members_fail (size, "buckets", "“kontext” or a list of sizes was expected");
      return;
    }

  array = json_node_get_array (node);
  d->output_size.buckets = g_array_new (FALSE, FALSE, sizeof (EspImageSize));
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *at = esp_reader_dup_element_path ("/output_size/buckets", i);
      EspImageSize bucket = { 0 };

      if (!read_bucket (json_array_get_element (array, i), &bucket))
        esp_reader_fail (size->reader, at, "a size like “1024x1024” was expected");
      g_array_append_val (d->output_size.buckets, bucket);
    }
}

static void
read_output_size (EspDescriptor *d, EspMembers *top)
{
  static const char *const modes[] = { "pixels", "aspect", "input", NULL };
  JsonNode *node = esp_members_get (top, "output_size");
  g_autoptr (EspMembers) size = NULL;

  d->output_size.mode = ESP_SIZE_INPUT;
  if (node == NULL)
    return;

  size = esp_members_open (top->reader, node, "/output_size");
  d->output_size.mode = esp_members_get_choice (size, "mode", modes, -1);
  if (d->output_size.mode == ESP_SIZE_PIXELS)
    read_buckets (d, size);
}

static void
read_submit (EspDescriptor *d, EspMembers *top)
{
  JsonNode *node = esp_members_get_required (top, "submit");
  g_autoptr (EspMembers) submit = NULL;

  if (node == NULL)
    return;

  submit = esp_members_open (top->reader, node, "/submit");
  d->submit = _esp_provider_read_request (submit, ESP_REQUEST_CAPTURES | ESP_REQUEST_OTHER_URL);
  d->submit_status = esp_members_dup_pointers (submit, "status");
}

/* Wire status, or HTTP code, → EspStatus + 1. */
static GHashTable *
read_statuses (EspMembers *members, const char *name, gboolean are_codes)
{
  GHashTable *map = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *path = esp_members_dup_path (members, name);
  JsonNode *node = esp_members_get (members, name);
  g_autoptr (EspMembers) object = NULL;
  g_autoptr (GList) keys = NULL;

  if (node == NULL)
    return map;

  object = esp_members_open (members->reader, node, path);
  keys = json_object_get_members (object->object);
  for (GList *key = keys; key != NULL; key = key->next)
    {
      const char *text = esp_members_get_text (object, key->data);
      EspStatus status;

      if (are_codes
          && (strlen (key->data) != 3 || strspn (key->data, "0123456789") != 3
              || *(const char *) key->data < '1' || *(const char *) key->data > '5'))
        esp_members_fail (object, key->data, "this is no HTTP status");
      else if (text != NULL && !esp_status_from_string (text, &status))
        esp_members_fail (object, key->data,
                          "“%s” is none of queued, running, succeeded, failed, cancelled, "
                          "moderated, expired",
                          text);
      else if (text != NULL)
        g_hash_table_insert (map, g_strdup (key->data), GUINT_TO_POINTER (status + 1u));
    }

  return map;
}

/* The same by number. */
static GHashTable *
read_status_codes (EspMembers *members, const char *name)
{
  g_autoptr (GHashTable) texts = read_statuses (members, name, TRUE);
  GHashTable *codes = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer code, status;

  g_hash_table_iter_init (&iter, texts);
  while (g_hash_table_iter_next (&iter, &code, &status))
    g_hash_table_insert (codes, GUINT_TO_POINTER (g_ascii_strtoull (code, NULL, 10)), status);

  return codes;
}

static void
read_interval (EspDescriptor *d, EspMembers *watch)
{
  JsonNode *node = esp_members_get (watch, "interval_ms");
  g_autoptr (EspMembers) interval = NULL;

  d->interval_first_ms = 2000;
  d->interval_factor = 1.25;
  d->interval_max_ms = 5000;
  if (node == NULL)
    return;

  interval = esp_members_open (watch->reader, node, "/watch/interval_ms");
  d->interval_first_ms
      = (guint) esp_members_get_int (interval, "first", 100, 600000, d->interval_first_ms);
  d->interval_factor = esp_members_get_number (interval, "factor", 1, 10, d->interval_factor);
  d->interval_max_ms = (guint) esp_members_get_int (interval, "max", 100, 600000,
                                                    MAX (d->interval_first_ms, d->interval_max_ms));
  if (d->interval_max_ms < d->interval_first_ms)
    esp_members_fail (interval, "max", "it is below “first”");
}

static void
read_watch (EspDescriptor *d, EspMembers *top)
{
  JsonNode *node = esp_members_get (top, "watch");
  g_autoptr (EspMembers) watch = NULL;

  if (node == NULL)
    {
      d->watch_map = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      d->watch_http = g_hash_table_new (NULL, NULL);
      return;
    }

  watch = esp_members_open (top->reader, node, "/watch");
  d->watch = _esp_provider_read_one_request (watch, "request", ESP_REQUEST_CAPTURES);
  if (d->watch == NULL)
    esp_reader_fail (top->reader, "/watch", "“request” is missing");
  d->watch_status = esp_members_dup_pointer_templates (watch, "status");
  d->watch_present = esp_members_dup_pointer_templates (watch, "present");
  d->watch_map = read_statuses (watch, "map", FALSE);
  d->watch_http = read_status_codes (watch, "http");
  read_interval (d, watch);
  d->watch_timeout_s = (guint) esp_members_get_int (watch, "timeout_s", 1, MAX_SECONDS, 0);
  d->queue_position = esp_members_dup_pointers (watch, "queue_position");
  d->progress = esp_members_dup_pointers (watch, "progress");

  if (d->watch_status == NULL && d->watch_present == NULL)
    esp_reader_fail (top->reader, "/watch", "“status” or “present” is needed");
  if (d->watch_status != NULL && g_hash_table_size (d->watch_map) == 0)
    esp_reader_fail (top->reader, "/watch", "“map” says what the statuses mean; it is missing");
}

static EspMeta *
read_meta (EspMembers *members, const char *name)
{
  g_autofree char *path = esp_members_dup_path (members, name);
  JsonNode *node = esp_members_get (members, name);
  g_autoptr (EspMembers) object = NULL;
  EspMeta *meta;

  if (node == NULL)
    return NULL;

  object = esp_members_open (members->reader, node, path);
  meta = g_new0 (EspMeta, 1);
  esp_members_get_required (object, "at");
  meta->at = esp_members_dup_pointers (object, "at");
  meta->scale = esp_members_get_number (object, "scale", -1e9, 1e9, 1);
  return meta;
}

/* `nsfw` gets result.meta.nsfw, or NULL. */
static void
read_result (EspDescriptor *d, EspMembers *top, EspMeta **nsfw)
{
  static const char *const kinds[] = { "auto", "url", "base64", "data_uri", NULL };
  JsonNode *node = esp_members_get_required (top, "result");
  g_autoptr (EspMembers) result = NULL;
  JsonNode *auth, *about, *where;

  if (node == NULL)
    return;

  result = esp_members_open (top->reader, node, "/result");
  esp_members_get_required (result, "images");
  d->result.images = esp_members_dup_pointer_templates (result, "images");
  d->result.kind = esp_members_get_choice (result, "kind", kinds, ESP_RESULT_AUTO);
  d->result.url_template = g_strdup (esp_members_get_text (result, "url_template"));
  d->result.expires_s = (guint) esp_members_get_int (result, "expires_s", 1, MAX_SECONDS, 0);

  where = esp_members_get (result, "where");
  if (where != NULL)
    {
      g_autoptr (EspMembers) members = esp_members_open (top->reader, where, "/result/where");

      _esp_provider_read_equality (members, &d->result.where_at, &d->result.where_equals);
    }

  auth = esp_members_get (result, "auth");
  if (auth != NULL && esp_json_is_text (auth)
      && g_str_equal (json_node_get_string (auth), "same-origin"))
    d->result.auth_same_origin = TRUE;
  else if (auth != NULL && (!esp_json_is_bool (auth) || json_node_get_boolean (auth)))
    esp_members_fail (result, "auth", "false or “same-origin” was expected");

  about = esp_members_get (result, "meta");
  if (about != NULL)
    {
      g_autoptr (EspMembers) meta = esp_members_open (top->reader, about, "/result/meta");

      d->result.seed = read_meta (meta, "seed");
      d->result.cost = read_meta (meta, "cost");
      d->result.time_s = read_meta (meta, "time_s");
      d->result.queue_s = read_meta (meta, "queue_s");
      d->result.width = read_meta (meta, "width");
      d->result.height = read_meta (meta, "height");
      d->result.started = read_meta (meta, "started");
      d->result.finished = read_meta (meta, "finished");
      *nsfw = read_meta (meta, "nsfw");
    }
}

/* The short way to say that true there is what a safety system says. Takes `nsfw`. */
static void
add_nsfw_rule (EspDescriptor *d, EspMeta *nsfw)
{
  EspErrorRule *rule;

  if (nsfw == NULL)
    return;

  rule = g_new0 (EspErrorRule, 1);
  rule->at = g_steal_pointer (&nsfw->at);
  rule->equals = json_node_init_boolean (json_node_alloc (), TRUE);
  rule->fault = ESP_FAULT_MODERATED;
  rule->charged = ESP_CHARGED_UNKNOWN;
  g_ptr_array_add (d->error_rules, rule);
  g_free (nsfw);
}

static void
read_price (EspDescriptor *d, EspMembers *top)
{
  static const char *const units[] = { "image", "megapixel", NULL };
  JsonNode *node = esp_members_get (top, "price");
  g_autoptr (EspMembers) price = NULL;
  g_auto (GStrv) cost_at = NULL;

  d->price_amount = -1;
  if (node == NULL)
    return;

  price = esp_members_open (top->reader, node, "/price");
  d->price_unit = g_strdup (units[esp_members_get_choice (price, "unit", units, -1)]);
  d->price_amount = esp_members_get_number (price, "amount", 0, 10000, -1);
  d->price_currency = g_strdup (esp_members_get_required_text (price, "currency"));
  if (d->price_currency != NULL && !g_str_equal (d->price_currency, "USD"))
    esp_members_fail (price, "currency", "only “USD” is known");

  /* The short way to say result.meta.cost. */
  cost_at = esp_members_dup_pointers (price, "cost_at");
  if (cost_at != NULL && d->result.cost == NULL)
    {
      d->result.cost = g_new0 (EspMeta, 1);
      d->result.cost->at = g_steal_pointer (&cost_at);
      d->result.cost->scale = 1;
    }
}

static void
read_limits (EspDescriptor *d, EspMembers *top)
{
  JsonNode *node = esp_members_get (top, "limits");
  g_autoptr (EspMembers) limits = NULL;

  d->retention_s = (guint) esp_members_get_int (top, "retention_s", 1, MAX_SECONDS, 0);
  if (node == NULL)
    return;

  limits = esp_members_open (top->reader, node, "/limits");
  d->concurrent = (guint) esp_members_get_int (limits, "concurrent", 1, 100000, 0);
  d->per_minute = (guint) esp_members_get_int (limits, "per_minute", 1, 10000000, 0);
}

static void
read_probes (EspDescriptor *d, EspMembers *top)
{
  JsonNode *node = esp_members_get (top, "schema_from");
  g_autoptr (EspMembers) schema = NULL;

  d->probe = _esp_provider_read_one_request (top, "probe", ESP_REQUEST_PLAIN);
  if (node == NULL)
    return;

  schema = esp_members_open (top->reader, node, "/schema_from");
  d->schema_from = _esp_provider_read_one_request (schema, "request", ESP_REQUEST_PLAIN);
  if (d->schema_from == NULL)
    esp_reader_fail (top->reader, "/schema_from", "“request” is missing");
  d->schema_at = esp_members_dup_pointers (schema, "at");
  d->price_at = esp_members_dup_pointers (schema, "price_at");
  if (d->schema_at == NULL && d->price_at == NULL)
    esp_reader_fail (top->reader, "/schema_from", "“at” or “price_at” is needed");
}

static void
read_flow (EspDescriptor *d, EspMembers *top)
{
  static const char *const flows[] = { "sync", "poll", "stream", NULL };

  d->flow = (EspFlow) esp_members_get_choice (top, "flow", flows, -1);
}

void
_esp_provider_read (EspProvider *self, EspReader *reader, JsonNode *root)
{
  g_autoptr (EspMembers) top = esp_members_open (reader, root, "");
  EspDescriptor *d = &self->descriptor;
  EspMeta *nsfw = NULL;

  read_identity (self, top);
  d->config = _esp_provider_read_params (top, "config", TRUE);
  read_auth (d, top);
  read_image (d, top);
  d->params = _esp_provider_read_params (top, "params", FALSE);
  read_output_size (d, top);
  read_flow (d, top);
  read_submit (d, top);
  read_watch (d, top);
  d->fetch = _esp_provider_read_one_request (top, "fetch", ESP_REQUEST_PLAIN);
  read_result (d, top, &nsfw);
  _esp_provider_read_beside (d, top);
  add_nsfw_rule (d, nsfw);
  read_probes (d, top);
  read_limits (d, top);
  read_price (d, top);
}
