/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-prepare.c: the pictures are made ready and, where the API wants that, uploaded.
 *
 * Nothing here costs money: requests that failed are repeated.
 */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "esp-picture-work.h"

/* How often a request that failed for reasons that may pass is sent. */
#define UPLOAD_TRIES 4

static void upload_next (EspRemoteTurn *turn);

/* --- Pictures as text ------------------------------------------------------------------------- */

/* What takes too long for the main thread. */
struct _EspRemoteText
{
  char *base64, *data_uri; /* or NULL */
  char *digest;            /* SHA-256 of the bytes */
};

typedef struct
{
  GPtrArray *images; /* of EspShippedImage *; the shipment's, which waits */
  gboolean base64, data_uri;
} Encoding;

static void
text_free (gpointer data)
{
  EspRemoteText *text = data;

  g_free (text->base64);
  g_free (text->data_uri);
  g_free (text->digest);
  g_free (text);
}

static void
encode_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Encoding *encoding = data;
  GPtrArray *texts = g_ptr_array_new_with_free_func (text_free);

  for (guint i = 0; i < encoding->images->len; i++)
    {
      const EspShippedImage *image = g_ptr_array_index (encoding->images, i);
      EspRemoteText *text = g_new0 (EspRemoteText, 1);
      gsize size;
      gconstpointer bytes = g_bytes_get_data (image->bytes, &size);

      text->digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, image->bytes);
      if (encoding->base64 || encoding->data_uri)
        text->base64 = g_base64_encode (bytes, size);
      if (encoding->data_uri)
        text->data_uri = g_strconcat ("data:", image->media_type, ";base64,", text->base64, NULL);
      if (!encoding->base64)
        g_clear_pointer (&text->base64, g_free);
      g_ptr_array_add (texts, text);
    }
  g_task_return_pointer (task, texts, (GDestroyNotify) g_ptr_array_unref);
}

/* --- The scope of pictures -------------------------------------------------------------------- */

static char *
dup_scope_name (guint index, const char *property)
{
  return index == 0 ? g_strconcat ("image.", property, NULL)
                    : g_strdup_printf ("image%u.%s", index + 1, property);
}

static void
set_text (EspScope *scope, guint index, const char *property, const char *value)
{
  g_autofree char *name = dup_scope_name (index, property);

  esp_scope_set_text (scope, name, value);
}

/* Large things are only made where the description speaks of them. */
static gboolean
is_wanted (EspRemoteTurn *turn, const char *property)
{
  g_autofree char *needle = g_strconcat (".", property, NULL);
  const char *text = esp_provider_get_text (turn->setup.provider);
  g_autoptr (JsonNode) config = NULL;
  g_autofree char *config_text = NULL;

  if (text == NULL || strstr (text, needle) != NULL)
    return TRUE;

  config = json_node_init_object (json_node_alloc (), turn->setup.config);
  config_text = json_to_string (config, FALSE);
  return strstr (config_text, needle) != NULL;
}

static const char *
extension_of (const EspShippedImage *image)
{
  return g_strcmp0 (image->format, "jpeg") == 0 ? "jpg" : image->format;
}

static void
set_picture (EspRemoteTurn *turn, EspScope *scope, guint index, guint number)
{
  const EspShippedImage *image = g_ptr_array_index (turn->shipment->images, number);
  const EspRemoteText *text = g_ptr_array_index (turn->texts, number);
  /* A name that says nothing of the person's file. */
  g_autofree char *file_name
      = g_strdup_printf ("espalier-%.8s-%u.%s", turn->id, number + 1, extension_of (image));
  g_autofree char *bytes_name = dup_scope_name (index, "bytes");
  g_autofree char *width_name = dup_scope_name (index, "width");
  g_autofree char *height_name = dup_scope_name (index, "height");
  g_autofree char *size_name = dup_scope_name (index, "size_bytes");

  esp_scope_set_bytes (scope, bytes_name, image->bytes);
  set_text (scope, index, "mime", image->media_type);
  set_text (scope, index, "name", file_name);
  esp_scope_set_int (scope, width_name, image->width);
  esp_scope_set_int (scope, height_name, image->height);
  esp_scope_set_int (scope, size_name, (gint64) g_bytes_get_size (image->bytes));
  set_text (scope, index, "base64", text->base64);
  set_text (scope, index, "data_uri", text->data_uri);
}

/* images.X and references.X of what image.X, image2.X … have. */
static void
set_lists (EspRemoteTurn *turn, const char *property)
{
  g_autofree char *all_name = g_strconcat ("images.", property, NULL);
  g_autofree char *rest_name = g_strconcat ("references.", property, NULL);
  JsonArray *all = json_array_new ();
  JsonArray *rest = json_array_new ();
  JsonNode *node;

  for (guint i = 0; i < turn->shipment->images->len; i++)
    {
      g_autofree char *name = dup_scope_name (i, property);
      JsonNode *value = esp_scope_get (turn->shipped, name);

      if (value == NULL)
        continue;
      json_array_add_element (all, json_node_copy (value));
      if (i > 0)
        json_array_add_element (rest, json_node_copy (value));
    }

  node = json_node_new (JSON_NODE_ARRAY);
  json_node_take_array (node, all);
  esp_scope_set_node (turn->shipped, all_name, node);
  if (json_array_get_length (rest) == 0)
    {
      json_array_unref (rest);
      return;
    }
  node = json_node_new (JSON_NODE_ARRAY);
  json_node_take_array (node, rest);
  esp_scope_set_node (turn->shipped, rest_name, node);
}

static void
set_all_lists (EspRemoteTurn *turn)
{
  static const char *const properties[]
      = { "data_uri", "base64", "url", "mime", "name", "size_bytes", "width", "height" };
  const EspDescriptor *descriptor = turn->setup.descriptor;

  for (gsize i = 0; i < G_N_ELEMENTS (properties); i++)
    set_lists (turn, properties[i]);
  for (guint i = 0; descriptor->image.upload != NULL && i < descriptor->image.upload->len; i++)
    {
      const EspProviderRequest *request = g_ptr_array_index (descriptor->image.upload, i);

      for (guint j = 0; j < request->captures->len; j++)
        set_lists (turn, ((EspCapture *) g_ptr_array_index (request->captures, j))->name);
    }
}

/* --- Uploads ---------------------------------------------------------------------------------- */

static void
uploaded (EspRemoteTurn *turn)
{
  turn->uploaded = g_get_monotonic_time ();
  set_all_lists (turn);
  turn->tries = 0;
  _esp_remote_submit_begin (turn);
}

static gboolean
has_captures (const EspProviderRequest *request, JsonNode *root)
{
  for (guint i = 0; i < request->captures->len; i++)
    {
      const EspCapture *capture = g_ptr_array_index (request->captures, i);

      if (esp_pointer_find ((const char *const *) capture->pointers, root) != NULL)
        return TRUE;
    }
  return request->captures->len == 0;
}

static void
take_captures (EspRemoteTurn *turn, const EspProviderRequest *request, JsonNode *root)
{
  for (guint i = 0; i < request->captures->len; i++)
    {
      const EspCapture *capture = g_ptr_array_index (request->captures, i);
      JsonNode *value = esp_pointer_find ((const char *const *) capture->pointers, root);
      g_autofree char *job_name = g_strconcat ("job.", capture->name, NULL);
      g_autofree char *image_name = dup_scope_name (turn->upload_image, capture->name);
      g_autofree char *first_name = g_strconcat ("image.", capture->name, NULL);

      if (value == NULL)
        continue;
      esp_scope_set_node (turn->upload_scope, job_name, json_node_copy (value));
      esp_scope_set_node (turn->upload_scope, first_name, json_node_copy (value));
      esp_scope_set_node (turn->shipped, image_name, json_node_copy (value));
    }
}

static void
upload_again (EspRemoteTurn *turn)
{
  _esp_remote_turn_set_phase (turn, ESP_PHASE_UPLOADING);
  upload_next (turn);
}

/* FALSE: too often, or patience has ended. */
static gboolean
try_again (EspRemoteTurn *turn, double seconds)
{
  return ++turn->tries < UPLOAD_TRIES && _esp_remote_turn_get_left (turn) > 0
         && _esp_remote_turn_wait (turn,
                                   seconds >= 0 ? seconds * g_random_double_range (1, 1.1)
                                                : _esp_remote_back_off (turn->tries - 1),
                                   upload_again);
}

static void
upload_failed (EspRemoteTurn *turn, EspRemoteAnswer *answer)
{
  const EspDescriptor *descriptor = turn->setup.descriptor;
  const EspProviderRequest *request
      = g_ptr_array_index (descriptor->image.upload, turn->upload_step);
  EspFault fault = _esp_remote_answer_get_fault (descriptor, answer);
  gboolean limited = fault == ESP_FAULT_RATE || fault == ESP_FAULT_BUSY;
  double seconds = _esp_remote_answer_get_retry_after (descriptor, answer);

  /* However often: the provider said when. */
  if (limited && turn->tries > 0)
    turn->tries--;
  if ((limited || answer->status >= 500) && try_again (turn, seconds))
    return;
  if (answer->status < 400)
    {
      _esp_remote_turn_fail (turn, ESP_FAULT_SERVER, ESP_CHARGED_NO, FALSE, answer,
                             _ ("The image could not be uploaded: the provider’s answer cannot be "
                                "understood."));
      return;
    }
  if (!request->auth
      && (fault == ESP_FAULT_AUTH || fault == ESP_FAULT_FORBIDDEN || fault == ESP_FAULT_CREDIT))
    {
      /* It was not shown the key: neither that nor the account is what it does not like. */
      g_autofree char *message
          = g_strdup_printf (_ ("The image could not be uploaded: the place that %s named for it "
                                "does not take it (HTTP status %u)."),
                             esp_provider_get_name (turn->setup.provider), answer->status);

      _esp_remote_turn_fail (turn, ESP_FAULT_SERVER, ESP_CHARGED_NO, FALSE, answer, message);
      return;
    }
  _esp_remote_turn_fail (turn, fault, ESP_CHARGED_NO, FALSE, answer, NULL);
}

static void
upload_done (EspRemoteTurn *turn, EspRemoteAnswer *answer, GError *error)
{
  const EspProviderRequest *request
      = g_ptr_array_index (turn->setup.descriptor->image.upload, turn->upload_step);

  if (error != NULL)
    {
      gboolean hopeless = g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_TLS)
                          || g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_ADDRESS)
                          || g_error_matches (error, ESP_HTTP_ERROR, ESP_HTTP_ERROR_TOO_LARGE);

      if (!hopeless && try_again (turn, -1))
        return;
      _esp_remote_turn_fail (turn, ESP_FAULT_NETWORK, ESP_CHARGED_NO, FALSE, NULL, error->message);
      return;
    }

  if (answer->status < 200 || answer->status > 299 || !has_captures (request, answer->root))
    {
      upload_failed (turn, answer);
      return;
    }

  if (answer->root != NULL)
    take_captures (turn, request, answer->root);
  turn->tries = 0;
  turn->upload_step++;
  upload_next (turn);
}

/* The scope in which one picture is uploaded: it is "image" there. */
static void
begin_picture (EspRemoteTurn *turn)
{
  g_clear_pointer (&turn->upload_scope, esp_scope_free);
  turn->upload_scope = esp_scope_copy (turn->setup.scope);
  set_picture (turn, turn->upload_scope, 0, turn->upload_image);
}

static void
upload_next (EspRemoteTurn *turn)
{
  const GPtrArray *requests = turn->setup.descriptor->image.upload;
  EspHttpRequest *request;
  g_autoptr (GError) error = NULL;

  if (requests == NULL)
    {
      uploaded (turn);
      return;
    }

  if (turn->upload_step >= requests->len)
    {
      turn->upload_step = 0;
      turn->upload_image++;
      g_clear_pointer (&turn->upload_scope, esp_scope_free);
    }
  if (turn->upload_image >= turn->shipment->images->len)
    {
      g_clear_pointer (&turn->upload_scope, esp_scope_free);
      uploaded (turn);
      return;
    }
  if (turn->upload_scope == NULL)
    begin_picture (turn);

  request = _esp_remote_request_build (
      &turn->setup, g_ptr_array_index (requests, turn->upload_step), turn->upload_scope, &error);
  if (request == NULL)
    {
      g_autofree char *message
          = g_strdup_printf (_ ("The image could not be uploaded: %s"), error->message);

      _esp_remote_turn_fail (turn, ESP_FAULT_SERVER, ESP_CHARGED_NO, FALSE, NULL, message);
      return;
    }
  esp_http_request_set_timeouts (request, 0, 30,
                                 (guint) MAX (_esp_remote_turn_get_left (turn), 1.0));
  esp_http_request_set_max_answer (request, 1 << 20);
  _esp_remote_turn_send (turn, request, upload_done);
}

/* --- Making ready ----------------------------------------------------------------------------- */

static void
pictures_ready (EspRemoteTurn *turn)
{
  EspShipment *shipment = turn->shipment;

  turn->prepared = g_get_monotonic_time ();
  json_object_set_boolean_member (esp_record_get_members (turn->record), "one_color",
                                  turn->one_color_input);
  if (shipment->out.width > 0 && shipment->out.height > 0)
    {
      esp_scope_set_int (turn->setup.scope, "out.width", shipment->out.width);
      esp_scope_set_int (turn->setup.scope, "out.height", shipment->out.height);
    }

  turn->shipped = esp_scope_copy (turn->setup.scope);
  for (guint i = 0; i < shipment->images->len; i++)
    set_picture (turn, turn->shipped, i, i);
  for (guint i = 0; shipment->notes != NULL && i < shipment->notes->len; i++)
    _esp_remote_turn_note (turn, g_ptr_array_index (shipment->notes, i));

  _esp_remote_turn_set_phase (turn, ESP_PHASE_UPLOADING);
  upload_next (turn);
}

static void
on_encoded (GObject *source, GAsyncResult *result, gpointer data)
{
  EspRemoteTurn *turn = data;

  turn->texts = g_task_propagate_pointer (G_TASK (result), NULL);
  if (_esp_remote_turn_work_done (turn))
    pictures_ready (turn);
  _esp_remote_turn_unref (turn);
}

static void
encode (EspRemoteTurn *turn)
{
  Encoding *encoding = g_new0 (Encoding, 1);
  g_autoptr (GTask) task = NULL;

  encoding->images = turn->shipment->images;
  encoding->base64 = is_wanted (turn, "base64");
  encoding->data_uri = is_wanted (turn, "data_uri");
  (void) _esp_remote_turn_work (turn);
  task = g_task_new (NULL, NULL, on_encoded, turn);
  g_task_set_task_data (task, encoding, g_free);
  esp_picture_work_run (task, encode_in_thread);
}

static void
on_looked_at (GObject *source, GAsyncResult *result, gpointer data)
{
  EspRemoteTurn *turn = data;
  g_autoptr (EspReceivedImage) image = esp_received_image_check_finish (result, NULL);

  if (_esp_remote_turn_work_done (turn))
    {
      turn->one_color_input = image != NULL && image->one_color;
      encode (turn);
    }
  _esp_remote_turn_unref (turn);
}

static void
take_aspect (EspRemoteTurn *turn, GError **error)
{
  JsonNode *value;

  if (turn->shipment->aspect == NULL)
    return;
  value = json_node_new (JSON_NODE_VALUE);
  json_node_set_string (value, turn->shipment->aspect);
  _esp_remote_setup_set_parameter (&turn->setup, "aspect", value, error);
  json_node_unref (value);
}

static void
on_shipped (GObject *source, GAsyncResult *result, gpointer data)
{
  EspRemoteTurn *turn = data;
  g_autoptr (GError) error = NULL;

  turn->shipment = esp_shipment_new_finish (result, &error);
  if (!_esp_remote_turn_work_done (turn))
    {
      _esp_remote_turn_unref (turn);
      return;
    }

  g_clear_pointer (&turn->originals, g_ptr_array_unref);
  if (turn->shipment != NULL)
    take_aspect (turn, &error);
  if (error != NULL)
    {
      GError *told
          = error->domain == ESP_BACKEND_ERROR
                ? g_error_copy (error)
                : _esp_remote_argument_new (_ ("The image cannot be used: %s"), error->message);

      _esp_remote_turn_fail_with (turn, told, FALSE);
    }
  else
    {
      /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no error, so there is one */
      EspShippedImage *first = g_ptr_array_index (turn->shipment->images, 0);

      /* A picture of one colour that comes back is only suspicious if none was sent. */
      esp_received_image_check_async (first->bytes, _esp_remote_turn_work (turn), on_looked_at,
                                      turn);
    }
  _esp_remote_turn_unref (turn);
}

const char *
_esp_remote_text_get_digest (const EspRemoteText *text)
{
  return text->digest;
}

void
_esp_remote_prepare_begin (EspRemoteTurn *turn)
{
  g_autoptr (GError) error = NULL;

  /* From here on the turn is known by its id; and a disk that is full is found in time. */
  if (!_esp_remote_turn_write (turn, ESP_RECORD_PREPARING, &error))
    {
      GError *told = _esp_remote_argument_new (
          _ ("Nothing was sent: the record that keeps the job from being lost cannot be written. "
             "%s"),
          error->message);

      _esp_remote_turn_fail_with (turn, told, FALSE);
      return;
    }

  _esp_remote_turn_set_phase (turn, ESP_PHASE_PREPARING);
  esp_shipment_new_async (turn->setup.provider, turn->originals, turn->setup.parameters,
                          _esp_remote_turn_work (turn), on_shipped, turn);
}
