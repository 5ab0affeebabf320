/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-search-provider.c: see esp-search-provider.h. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-search-provider.h"

#include "esp-application.h"
#include "esp-picture-scale.h"
#include "esp-recent.h"

#define KEY         "esp-search-provider"
#define MAX_RECENT  200
#define MAX_RESULTS 10
#define ICON_SIDE   128 /* px */
/* How long the program stays for the next letter when it was started to search, in ms. */
#define LINGER 12000

static const char xml[]
    = "<node><interface name='org.gnome.Shell.SearchProvider2'>"
      "<method name='GetInitialResultSet'><arg type='as' name='terms' direction='in'/>"
      "<arg type='as' name='results' direction='out'/></method>"
      "<method name='GetSubsearchResultSet'><arg type='as' name='previous' direction='in'/>"
      "<arg type='as' name='terms' direction='in'/>"
      "<arg type='as' name='results' direction='out'/></method>"
      "<method name='GetResultMetas'><arg type='as' name='ids' direction='in'/>"
      "<arg type='aa{sv}' name='metas' direction='out'/></method>"
      "<method name='ActivateResult'><arg type='s' name='id' direction='in'/>"
      "<arg type='as' name='terms' direction='in'/><arg type='u' name='time' "
      "direction='in'/></method>"
      "<method name='LaunchSearch'><arg type='as' name='terms' direction='in'/>"
      "<arg type='u' name='time' direction='in'/></method></interface></node>";

typedef struct
{
  GApplication *application; /* owns this */
  guint registration;
} Provider;

/* A search that waits for the list of documents. */
typedef struct
{
  GApplication *application; /* held */
  GDBusMethodInvocation *invocation;
} Asked;

/* --- Answers ---------------------------------------------------------------------------------- */

/* Without regard to case and accents. */
static gboolean
matches (EspLibraryItem *item, const char *const *terms)
{
  for (; *terms != NULL; terms++)
    if (!g_str_match_string (*terms, esp_library_item_get_title (item), TRUE))
      return FALSE;
  return TRUE;
}

static GVariant *
find (GPtrArray *documents, const char *const *terms)
{
  GVariantBuilder results;
  guint n = 0;

  g_variant_builder_init (&results, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < documents->len && n < MAX_RESULTS; i++)
    {
      EspLibraryItem *item = g_ptr_array_index (documents, i);

      if (matches (item, terms))
        {
          g_variant_builder_add_value (&results, g_variant_new_take_string (g_file_get_uri (
                                                     esp_library_item_get_file (item))));
          n++;
        }
    }
  return g_variant_new ("(as)", &results);
}

static GVariant *
create_icon (EspLibraryItem *item)
{
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  EspPicture *picture = esp_library_item_get_thumbnail (item);
  g_autoptr (EspPicture) small
      = picture != NULL ? esp_picture_shrink (picture, ICON_SIDE, NULL) : NULL;
  g_autoptr (GBytes) png = NULL;
  g_autoptr (GIcon) icon = NULL;

  if (small != NULL)
    png = esp_picture_to_bytes (small, ESP_FORMAT_PNG, NULL, &options, NULL, NULL);
  if (png != NULL)
    icon = g_bytes_icon_new (png);
  else
    icon = g_themed_icon_new (ESP_APP_ID ".Document");
  return g_icon_serialize (icon);
}

static void
add_meta (GVariantBuilder *metas, const char *id, EspLibraryItem *item)
{
  g_autoptr (GVariant) icon = create_icon (item);
  g_autofree char *place = g_file_get_parse_name (esp_library_item_get_file (item));

  g_variant_builder_open (metas, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (metas, "{sv}", "id", g_variant_new_string (id));
  g_variant_builder_add (metas, "{sv}", "name",
                         g_variant_new_string (esp_library_item_get_title (item)));
  if (!esp_library_item_is_in_library (item))
    g_variant_builder_add (metas, "{sv}", "description", g_variant_new_string (place));
  if (icon != NULL)
    g_variant_builder_add (metas, "{sv}", "icon", icon);
  g_variant_builder_close (metas);
}

static GVariant *
describe (GPtrArray *documents, const char *const *ids)
{
  GVariantBuilder metas;

  g_variant_builder_init (&metas, G_VARIANT_TYPE ("aa{sv}"));
  for (; *ids != NULL; ids++)
    {
      g_autoptr (GFile) file = g_file_new_for_uri (*ids);

      for (guint i = 0; i < documents->len; i++)
        {
          EspLibraryItem *item = g_ptr_array_index (documents, i);

          if (g_file_equal (esp_library_item_get_file (item), file))
            add_meta (&metas, *ids, item);
        }
    }
  return g_variant_new ("(aa{sv})", &metas);
}

/* --- Questions -------------------------------------------------------------------------------- */

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asked *asked = user_data;
  GDBusMethodInvocation *invocation = asked->invocation;
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);
  const char *method = g_dbus_method_invocation_get_method_name (invocation);
  g_autoptr (GPtrArray) documents = esp_recent_list_finish (result, NULL);
  g_autofree const char **words = NULL;

  if (documents == NULL)
    documents = g_ptr_array_new ();
  if (g_str_equal (method, "GetSubsearchResultSet"))
    g_variant_get (parameters, "(as^a&s)", NULL, &words);
  else
    g_variant_get (parameters, "(^a&s)", &words);
  g_dbus_method_invocation_return_value (invocation, g_str_equal (method, "GetResultMetas")
                                                         ? describe (documents, words)
                                                         : find (documents, words));
  g_application_release (asked->application);
  g_object_unref (asked->application);
  g_free (asked);
}

static void
on_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
         const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  Provider *provider = user_data;
  GApplication *application = provider->application;
  Asked *asked;

  if (g_str_equal (method, "ActivateResult"))
    {
      const char *uri;

      g_variant_get (parameters, "(&s@asu)", &uri, NULL, NULL);
      g_action_group_activate_action (G_ACTION_GROUP (application), "open-uri",
                                      g_variant_new_string (uri));
      g_dbus_method_invocation_return_value (invocation, NULL);
      return;
    }
  if (g_str_equal (method, "LaunchSearch"))
    {
      g_application_activate (application);
      g_dbus_method_invocation_return_value (invocation, NULL);
      return;
    }
  asked = g_new0 (Asked, 1);
  asked->application = g_object_ref (application);
  asked->invocation = invocation;
  if (gtk_application_get_windows (GTK_APPLICATION (application)) == NULL)
    g_application_set_inactivity_timeout (application, LINGER);
  g_application_hold (application);
  esp_recent_list_async (MAX_RECENT, NULL, on_listed, asked);
}

/* With a window, the program ends with the last of them. */
static void
on_window_added (GApplication *application)
{
  g_application_set_inactivity_timeout (application, 0);
}

gboolean
esp_search_provider_register (GApplication *application, GDBusConnection *connection,
                              const char *path, GError **error)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (xml, NULL);
  g_autofree char *own_path = g_strconcat (path, "/SearchProvider", NULL);
  Provider *provider = g_new0 (Provider, 1);

  provider->application = application;
  g_object_set_data_full (G_OBJECT (application), KEY, provider, g_free);
  provider->registration = g_dbus_connection_register_object (
      connection, own_path, info->interfaces[0], &vtable, provider, NULL, error);
  g_signal_connect (application, "window-added", G_CALLBACK (on_window_added), NULL);
  return provider->registration != 0;
}

void
esp_search_provider_unregister (GApplication *application, GDBusConnection *connection)
{
  Provider *provider = g_object_get_data (G_OBJECT (application), KEY);

  if (provider == NULL)
    return;
  if (provider->registration != 0)
    g_dbus_connection_unregister_object (connection, provider->registration);
  g_object_set_data (G_OBJECT (application), KEY, NULL);
}
