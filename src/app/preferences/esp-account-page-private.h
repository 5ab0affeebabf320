/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-account-page-private.h: what the files of the account page share. */
#pragma once

#include "esp-account-page.h"
#include "esp-config-rows.h"
#include "esp-http.h"

G_BEGIN_DECLS

struct _EspAccountPage
{
  AdwBin parent_instance;

  AdwWindowTitle *title;
  GtkStack *stack;
  AdwPreferencesGroup *services_group, *servers_group, *broken_group;
  AdwPreferencesGroup *fields_group;
  AdwEntryRow *name_row, *address_row, *key_row;
  GtkWidget *own_row, *keys_row;
  GtkSwitch *own_switch;
  AdwPreferencesGroup *more_group;
  AdwExpanderRow *config_row;
  GtkSpinButton *concurrency;
  GtkSpinner *spinner;
  GtkLabel *status;
  GtkWidget *test_button, *save_button;
  GtkWidget *remove_group, *remove_key_row, *up_button, *down_button;

  EspProviderCatalog *catalog;
  EspAccounts *accounts;
  EspHttp *http; /* once something is tested */
  EspProvider *provider;
  EspAccount *account;   /* NULL: a new one */
  EspConfigRows *config; /* of the provider */
  GPtrArray *rows;       /* of the list of providers; borrowed */
  GCancellable *cancellable;
  guint from_list : 1; /* Back leads to the list of providers */
  guint closing : 1;   /* it closes when its test has gone well */
  guint busy : 1;
};

/* "$0.025 per image"; NULL where it is not known. */
char *_esp_account_page_dup_price (EspProvider *provider) G_GNUC_WARN_UNUSED_RESULT;

/* Makes the list of providers anew. */
void _esp_account_page_fill_list (EspAccountPage *self);

G_END_DECLS
