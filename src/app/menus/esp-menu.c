/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-menu.c: a builder for each resource, kept. */
#define G_LOG_DOMAIN "espalier-menus"

#include "esp-menu.h"

GMenuModel *
esp_menu_get (const char *resource, const char *id)
{
  static GHashTable *builders; /* resource → GtkBuilder */
  GtkBuilder *builder;
  GObject *menu;

  g_return_val_if_fail (resource != NULL && id != NULL, NULL);

  if (builders == NULL)
    builders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  builder = g_hash_table_lookup (builders, resource);
  if (builder == NULL)
    {
      g_autoptr (GError) error = NULL;

      builder = gtk_builder_new ();
      gtk_builder_set_translation_domain (builder, GETTEXT_PACKAGE);
      if (!gtk_builder_add_from_resource (builder, resource, &error))
        g_error ("%s", error->message);
      g_hash_table_insert (builders, g_strdup (resource), builder);
    }
  menu = gtk_builder_get_object (builder, id);
  g_return_val_if_fail (G_IS_MENU_MODEL (menu), NULL);
  return G_MENU_MODEL (menu);
}
