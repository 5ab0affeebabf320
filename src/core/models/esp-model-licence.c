/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which licences the person accepted: $XDG_CONFIG_HOME/espalier/licences.json, an object with a
 * member for each offer. */
#define G_LOG_DOMAIN "espalier-models"

#include <errno.h>
#include <glib/gi18n-lib.h>

#include "esp-json-member.h"
#include "esp-json-object.h"
#include "esp-model-offer.h"

static char *
dup_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "espalier", "licences.json", NULL);
}

static JsonObject *
read_accepted (void)
{
  g_autofree char *path = dup_path ();
  g_autofree char *text = NULL;
  JsonObject *object
      = g_file_get_contents (path, &text, NULL, NULL) ? esp_json_parse_object (text) : NULL;

  return object != NULL ? object : json_object_new ();
}

gboolean
esp_model_offer_is_accepted (EspModelOffer *self)
{
  g_autoptr (JsonObject) accepted = NULL;
  JsonObject *entry;

  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), FALSE);

  accepted = read_accepted ();
  entry = esp_json_get_object (accepted, esp_model_offer_get_id (self));
  return entry != NULL
         && g_strcmp0 (esp_json_get_string (entry, "sha256"),
                       esp_model_offer_get_licence (self)->digest)
                == 0;
}

gboolean
esp_model_offer_accept (EspModelOffer *self, GError **error)
{
  const EspModelLicence *licence;
  g_autoptr (JsonObject) accepted = NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *when = g_date_time_format_iso8601 (now);
  g_autofree char *path = dup_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *text = NULL;
  JsonObject *entry;

  g_return_val_if_fail (ESP_IS_MODEL_OFFER (self), FALSE);

  if (esp_model_offer_is_accepted (self))
    return TRUE;

  licence = esp_model_offer_get_licence (self);
  entry = json_object_new ();
  json_object_set_string_member (entry, "licence", licence->name);
  json_object_set_string_member (entry, "url", licence->url);
  json_object_set_string_member (entry, "sha256", licence->digest);
  json_object_set_string_member (entry, "accepted", when);
  accepted = read_accepted ();
  json_object_set_object_member (accepted, esp_model_offer_get_id (self), entry);
  text = esp_json_dup_canonical (accepted);

  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", folder,
                   g_strerror (errno));
      return FALSE;
    }

  return g_file_set_contents (path, text, -1, error);
}
