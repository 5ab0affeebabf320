/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-remote-start.c: what must hold before a turn begins, and its record. */
#define G_LOG_DOMAIN "espalier-remote"

#include "esp-remote-private.h"

#include <string.h>

#include <glib/gi18n-lib.h>

static gboolean
has_record (const char *id)
{
  g_autofree char *name = g_strconcat (id, ".json", NULL);
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "espalier", "jobs", name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* Fills `setup` as the request wants it; not when anything is wrong. */
static gboolean
read_request (EspRemoteSetup *setup, const EspRemoteRequest *request, GError **error)
{
  if (!_esp_remote_setup_init (setup, request->provider, request->base_url, request->base_is_own,
                               request->config, request->key, error))
    return FALSE;
  if (!_esp_remote_setup_set_parameters (setup, request->parameters, error)
      || !_esp_remote_setup_check_key (setup, error))
    {
      _esp_remote_setup_clear (setup);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_images (const EspRemoteRequest *request, GError **error)
{
  const EspDescriptor *descriptor = esp_provider_get_descriptor (request->provider);
  guint most;

  if (esp_provider_get_problem (request->provider) != NULL)
    return TRUE; /* told by others */
  if (request->images == NULL || request->images->len == 0)
    {
      g_propagate_error (error, _esp_remote_argument_new (_ ("An image is needed.")));
      return FALSE;
    }

  most = (guint) MAX (descriptor->image.max_images, 1);
  if (request->images->len > most)
    {
      g_propagate_error (
          error, most == 1
                     ? _esp_remote_argument_new (_ ("%s takes no reference images."),
                                                 esp_provider_get_name (request->provider))
                     : _esp_remote_argument_new (_ ("%s takes at most %u images."),
                                                 esp_provider_get_name (request->provider), most));
      return FALSE;
    }
  return TRUE;
}

/* How many pictures the placeholders of `node` have a place for; more than any for "all". A value
 * of the configuration that is JSON itself (a ComfyUI graph) counts with its own. */
static guint
count_places (JsonNode *node, JsonObject *config, guint depth)
{
  g_autoptr (GPtrArray) names = node != NULL ? esp_template_dup_names (node, NULL) : NULL;
  guint most = 0;

  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      const char *name = names->pdata[i];
      JsonNode *value;
      guint own = 0;

      if (g_str_has_prefix (name, "images.") || g_str_has_prefix (name, "references."))
        own = G_MAXUINT;
      else if (g_str_has_prefix (name, "image."))
        own = 1;
      else if (g_str_has_prefix (name, "image") && g_ascii_isdigit (name[5]) && name[6] == '.')
        own = (guint) g_ascii_digit_value (name[5]);
      else if (g_str_has_prefix (name, "config.") && depth < 4)
        {
          value = json_object_get_member (config, name + strlen ("config."));
          if (value != NULL && !JSON_NODE_HOLDS_VALUE (value) && !JSON_NODE_HOLDS_NULL (value))
            own = count_places (value, config, depth + 1);
        }
      most = MAX (most, own);
    }
  return most;
}

/* A reference that nobody would look at is not passed over in silence. */
static gboolean
check_places (const EspRemoteSetup *setup, const GPtrArray *images, GError **error)
{
  const EspProviderRequest *submit = setup->descriptor->submit;
  guint places = MAX (count_places (submit->json, setup->config, 0),
                      count_places (submit->multipart, setup->config, 0));

  if (images->len == 1 || images->len <= places)
    return TRUE;

  g_propagate_error (
      error, _esp_remote_argument_new (
                 ngettext ("%s has a place for %u image only, as it is set up.",
                           "%s has places for %u images only, as it is set up.", MAX (places, 1)),
                 esp_provider_get_name (setup->provider), MAX (places, 1)));
  return FALSE;
}

gboolean
esp_remote_request_check (const EspRemoteRequest *request, GError **error)
{
  EspRemoteSetup setup;
  gboolean fits;

  g_return_val_if_fail (request != NULL && ESP_IS_PROVIDER (request->provider), FALSE);
  g_return_val_if_fail (request->parameters != NULL, FALSE);

  if (!check_images (request, error) || !read_request (&setup, request, error))
    return FALSE;
  fits = check_places (&setup, request->images, error);
  _esp_remote_setup_clear (&setup);
  if (!fits)
    return FALSE;

  if (request->id == NULL || !g_uuid_string_is_valid (request->id) || has_record (request->id))
    {
      g_propagate_error (error, _esp_remote_argument_new (
                                    _ ("This turn is with the provider already: go on with it, or "
                                       "forget it.")));
      return FALSE;
    }
  return TRUE;
}

static void
fill_record (EspRemoteTurn *turn, const EspRemoteRequest *request)
{
  EspRemoteSetup *setup = &turn->setup;
  JsonObject *members = esp_record_get_members (turn->record);
  const EspDescriptor *descriptor = setup->descriptor;
  g_autofree char *client_id = g_uuid_string_random ();

  if (request->account != NULL)
    json_object_set_string_member (members, "account", request->account);
  json_object_set_string_member (members, "name", esp_provider_get_name (setup->provider));
  json_object_set_string_member (members, "base_url", setup->trust.base_url);
  json_object_set_boolean_member (members, "base_is_own", setup->base_is_own);
  json_object_set_boolean_member (members, "own", esp_provider_is_own (setup->provider));
  json_object_set_string_member (members, "digest", esp_provider_get_digest (setup->provider));
  json_object_set_string_member (members, "descriptor", esp_provider_get_text (setup->provider));
  json_object_set_object_member (members, "config", json_object_ref (setup->config));
  json_object_set_object_member (members, "parameters", json_object_ref (setup->parameters));
  json_object_set_string_member (members, "client_id", client_id);
  if (descriptor->price_amount > 0)
    {
      json_object_set_double_member (members, "price", descriptor->price_amount);
      json_object_set_string_member (members, "currency",
                                     descriptor->price_currency != NULL ? descriptor->price_currency
                                                                        : "USD");
    }
  if (request->client != NULL)
    json_object_set_object_member (members, "client", json_object_ref (request->client));

  esp_scope_set_text (setup->scope, "turn.uuid", turn->id);
  esp_scope_set_text (setup->scope, "turn.client_id", client_id);
}

void
esp_remote_turn_start_async (EspHttp *http, const EspRemoteRequest *request,
                             GCancellable *cancellable, EspRemoteNewsFunc news, gpointer news_data,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;
  EspRemoteTurn *turn;
  GError *error = NULL;

  g_return_if_fail (ESP_IS_HTTP (http));
  g_return_if_fail (request != NULL && ESP_IS_PROVIDER (request->provider));
  g_return_if_fail (request->parameters != NULL);

  task = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (task, esp_remote_turn_start_async);
  turn = _esp_remote_turn_new (http, request->id, request->patience, cancellable, news, news_data,
                               task);
  if (!esp_remote_request_check (request, &error) || !read_request (&turn->setup, request, &error))
    {
      _esp_remote_turn_fail_with (turn, error, TRUE);
      return;
    }

  turn->originals = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (guint i = 0; i < request->images->len; i++)
    g_ptr_array_add (turn->originals, g_bytes_ref (g_ptr_array_index (request->images, i)));
  turn->record = esp_record_new (turn->id, esp_provider_get_id (request->provider));
  fill_record (turn, request);
  _esp_remote_turn_set_going (turn);
}

EspRemoteResult *
esp_remote_turn_start_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
esp_remote_turn_resume_async (EspHttp *http, const char *id, const char *key, guint patience,
                              GCancellable *cancellable, EspRemoteNewsFunc news, gpointer news_data,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;
  EspRemoteTurn *turn;
  GError *error = NULL;

  g_return_if_fail (ESP_IS_HTTP (http));
  g_return_if_fail (id != NULL);

  task = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (task, esp_remote_turn_resume_async);
  turn = _esp_remote_turn_new (http, id, patience, cancellable, news, news_data, task);
  turn->resumed = TRUE;
  turn->record = _esp_remote_take_record (id, &error);
  if (turn->record == NULL)
    {
      GError *told = _esp_remote_argument_new ("%s", error->message);

      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        told = _esp_remote_fault_kept (told);
      g_error_free (error);
      _esp_remote_turn_fail_with (turn, told, TRUE);
      return;
    }
  if (!_esp_remote_resume_read (turn, key, &error))
    {
      _esp_remote_turn_fail_with (turn, _esp_remote_fault_kept (error), TRUE);
      return;
    }
  _esp_remote_turn_set_going (turn);
}

EspRemoteResult *
esp_remote_turn_resume_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
