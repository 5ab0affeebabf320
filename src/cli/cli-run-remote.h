/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-run-remote.h: remote backends for turns of documents.
 *
 * The person's accounts are in the registry as they are in the window. A provider without one can
 * be used all the same: it gets an account for this run, which is nowhere else. */
#pragma once

#include "esp-account.h"
#include "esp-http.h"
#include "esp-key-store.h"
#include "esp-node.h"
#include "esp-provider-catalog.h"
#include "esp-registry.h"

G_BEGIN_DECLS

typedef struct
{
  /* Of the command line; or NULL. */
  char *base_url, *key_file, *patience_text;
  char **config;
  gboolean own_host;
  guint patience; /* 0: not given */

  EspRegistry *registry;
  EspProviderCatalog *catalog;
  EspAccounts *accounts, *passing;
  EspHttp *http;
  char *folder; /* of `passing` */
} CliRunRemote;

/* Puts the accounts into `registry`. */
void cli_run_remote_begin (CliRunRemote *self, EspRegistry *registry);
void cli_run_remote_end (CliRunRemote *self);
void cli_run_remote_clear (CliRunRemote *self); /* what the command line said */

/* Is anything said that only remote backends know? Its option, or NULL. */
const char *cli_run_remote_get_option (const CliRunRemote *self);

/* The backend `id`, added where it is a provider without an account, or one that the command line
 * says more about. NULL after a line that says what is wrong. Borrowed. */
EspBackend *cli_run_remote_find (CliRunRemote *self, const char *id);

/* Sees that turns that start from now on take no longer than --patience allows. */
void cli_run_remote_set_patience (CliRunRemote *self);

/* The exit status of a turn that failed. */
int cli_run_remote_get_status (EspNode *node);

G_END_DECLS
