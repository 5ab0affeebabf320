/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-accounts-private.h: the list of accounts from the inside, for the files that make it up. */
#pragma once

#include "esp-account-private.h"

G_BEGIN_DECLS

struct _EspAccounts
{
  GObject parent_instance;

  char *path;
  JsonObject *root;    /* the file: members of newer versions stay in it */
  char *text;          /* as it was read or written last, or NULL */
  GPtrArray *accounts; /* of EspAccount */
  gboolean offline;
  double monthly_stop;
  GFileMonitor *monitor;
  guint reload;
  EspLedger *ledger;
};

/* One change of the file: `change` gets the tree as it is now, and the list in it. */
typedef gboolean (*EspAccountsChange) (JsonObject *root, JsonArray *list, gpointer data,
                                       GError **error);

/* Reads the file, changes, writes and shows it, while nobody else does. */
gboolean _esp_accounts_edit (EspAccounts *self, EspAccountsChange change, gpointer data,
                             GError **error);

G_END_DECLS
