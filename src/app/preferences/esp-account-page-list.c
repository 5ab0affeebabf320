/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-account-page-list.c: the providers that an account can be had with. */
#define G_LOG_DOMAIN "espalier-preferences"

#include "esp-account-page-private.h"

#include <glib/gi18n-lib.h>

#include "esp-plain-row.h"
#include "esp-price-text.h"

char *
_esp_account_page_dup_price (EspProvider *provider)
{
  const EspDescriptor *descriptor = esp_provider_get_descriptor (provider);
  g_autofree char *price = NULL;

  if (descriptor->price_amount <= 0)
    return NULL;
  price = esp_price_format (descriptor->price_amount, descriptor->price_currency);
  if (g_strcmp0 (descriptor->price_unit, "megapixel") == 0)
    /* Translators: %s is a price. */
    return g_strdup_printf (_ ("%s per megapixel"), price);
  /* Translators: %s is a price. */
  return g_strdup_printf (_ ("%s per image"), price);
}

static void
on_provider (AdwActionRow *row, EspAccountPage *self)
{
  self->from_list = TRUE;
  esp_account_page_add (self, g_object_get_data (G_OBJECT (row), "esp-provider"));
}

static void
add_provider (EspAccountPage *self, EspProvider *provider)
{
  const char *problem = esp_provider_get_problem (provider);
  GtkWidget *row
      = esp_plain_row_new (ADW_TYPE_ACTION_ROW, esp_provider_get_title (provider), NULL, 6);
  AdwPreferencesGroup *group;

  if (problem != NULL)
    {
      group = self->broken_group;
      adw_action_row_set_subtitle (ADW_ACTION_ROW (row), problem);
      adw_action_row_set_icon_name (ADW_ACTION_ROW (row), "dialog-warning-symbolic");
    }
  else
    {
      g_autofree char *price = _esp_account_page_dup_price (provider);
      GtkWidget *label = gtk_label_new (price);

      group = esp_provider_is_self_hosted (provider) ? self->servers_group : self->services_group;
      adw_action_row_set_subtitle (ADW_ACTION_ROW (row), esp_provider_get_summary (provider) != NULL
                                                             ? esp_provider_get_summary (provider)
                                                             : "");
      gtk_widget_add_css_class (label, "dim-label");
      gtk_widget_add_css_class (label, "numeric");
      gtk_widget_set_visible (label, price != NULL);
      adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
      adw_action_row_add_suffix (ADW_ACTION_ROW (row),
                                 g_object_new (GTK_TYPE_IMAGE, "icon-name", "go-next-symbolic",
                                               "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION,
                                               NULL));
      gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
      g_object_set_data_full (G_OBJECT (row), "esp-provider", g_object_ref (provider),
                              g_object_unref);
      g_signal_connect_object (row, "activated", G_CALLBACK (on_provider), self, 0);
    }
  g_object_set_data (G_OBJECT (row), "esp-group", group);
  adw_preferences_group_add (group, row);
  gtk_widget_set_visible (GTK_WIDGET (group), TRUE);
  g_ptr_array_add (self->rows, row);
}

void
_esp_account_page_fill_list (EspAccountPage *self)
{
  GListModel *list = G_LIST_MODEL (self->catalog);

  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (g_object_get_data (self->rows->pdata[i], "esp-group"),
                                  self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  gtk_widget_set_visible (GTK_WIDGET (self->services_group), FALSE);
  gtk_widget_set_visible (GTK_WIDGET (self->servers_group), FALSE);
  gtk_widget_set_visible (GTK_WIDGET (self->broken_group), FALSE);
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EspProvider) provider = g_list_model_get_item (list, i);

      add_provider (self, provider);
    }
}
