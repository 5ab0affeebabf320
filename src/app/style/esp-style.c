/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-style.c: see esp-style.h. What a display has is kept with the display. */
#define G_LOG_DOMAIN "espalier-style"

#include "esp-style.h"

#include <adwaita.h>
#include <string.h>

#define KEY "espalier-styles"

/* Paths of the style sheets that the display has. */
static GHashTable *
get_sheets (GdkDisplay *display)
{
  GHashTable *sheets = g_object_get_data (G_OBJECT (display), KEY);

  if (sheets == NULL)
    {
      sheets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_object_set_data_full (G_OBJECT (display), KEY, sheets, (GDestroyNotify) g_hash_table_unref);
    }
  return sheets;
}

static void
add_sheet (GdkDisplay *display, const char *path)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, path);
  gtk_style_context_add_provider_for_display (display, GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

/* Only while high contrast is asked for. */
static void
update_high_contrast (AdwStyleManager *manager, GParamSpec *spec, GtkStyleProvider *provider)
{
  GdkDisplay *display = adw_style_manager_get_display (manager);

  /* That of no display in particular goes by the first one. */
  if (display == NULL)
    display = gdk_display_get_default ();
  if (adw_style_manager_get_high_contrast (manager))
    /* Above what it takes the place of, which may be added later. */
    gtk_style_context_add_provider_for_display (display, provider,
                                                GTK_STYLE_PROVIDER_PRIORITY_APPLICATION + 1);
  else
    gtk_style_context_remove_provider_for_display (display, provider);
}

static void
add_high_contrast_sheet (GdkDisplay *display, const char *resources, const char *sheet)
{
  AdwStyleManager *manager = adw_style_manager_get_for_display (display);
  g_autofree char *name = g_strndup (sheet, strlen (sheet) - strlen (".css"));
  g_autofree char *path = g_strdup_printf ("%s/%s-hc.css", resources, name);
  GtkCssProvider *provider;

  if (!g_resources_get_info (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL, NULL, NULL))
    return;
  provider = gtk_css_provider_new ();
  g_object_set_data_full (G_OBJECT (manager), path, provider, g_object_unref); /* as long as it */
  gtk_css_provider_load_from_resource (provider, path);
  g_signal_connect_object (manager, "notify::high-contrast", G_CALLBACK (update_high_contrast),
                           provider, 0);
  update_high_contrast (manager, NULL, GTK_STYLE_PROVIDER (provider));
}

static void
add_icons (GdkDisplay *display, const char *resources)
{
  g_autofree char *icons = g_strconcat (resources, "/icons", NULL);
  g_auto (GStrv) children
      = g_resources_enumerate_children (icons, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  if (children != NULL)
    gtk_icon_theme_add_resource_path (gtk_icon_theme_get_for_display (display), icons);
}

void
esp_style_ensure (GdkDisplay *display, const char *resources, const char *sheet)
{
  g_autofree char *path = NULL;

  g_return_if_fail (GDK_IS_DISPLAY (display));
  g_return_if_fail (resources != NULL);

  path = g_strconcat (resources, "/", sheet, NULL); /* the folder alone without a sheet */
  if (g_hash_table_contains (get_sheets (display), path))
    return;

  if (sheet != NULL)
    {
      add_sheet (display, path);
      add_high_contrast_sheet (display, resources, sheet);
    }
  add_icons (display, resources);
  g_hash_table_add (get_sheets (display), g_steal_pointer (&path));
}
