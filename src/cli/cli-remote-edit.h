/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-remote-edit.h: `edit` by a remote backend. */
#pragma once

#include "cli-edit-options.h"
#include "cli-remote.h"
#include "esp-account.h"
#include "esp-provider-catalog.h"

G_BEGIN_DECLS

/* Makes the edit. Returns the exit status. */
int cli_remote_edit (CliEditOptions *options);

/* Before the command line is read: does it want JSON of a remote backend? */
gboolean cli_remote_edit_wants_json (char **arguments);
/* The command line could not be read, which was said: says it as JSON, too. Returns `status`. */
int cli_remote_edit_refuse (int status);

/* The provider behind a backend's id, which is an account's or a descriptor's; and the account, or
 * NULL. */
EspProvider *cli_remote_find_provider (EspProviderCatalog *catalog, EspAccounts *accounts,
                                       const char *id, EspAccount **account,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT; /* borrowed */

/* Is an option given that only the local engine has? Sets the error then and returns FALSE. */
gboolean cli_remote_check_flags (const CliEditOptions *options, EspProvider *provider,
                                 GError **error);

/* What is asked for, by the names of the provider's schema. NULL after setting the error. */
JsonObject *cli_remote_read_parameters (const CliEditOptions *options, EspProvider *provider,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The values of --config, over those of `account` (or NULL). NULL after setting the error. */
JsonObject *cli_remote_read_config (char **texts, EspAccount *account,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Seconds of --patience; NULL: 0, which is the default. FALSE after setting the error. */
gboolean cli_remote_read_patience (const char *text, guint *seconds, GError **error);

/* (element-type GBytes) The files, of which each can be decoded. NULL after setting the error. */
GPtrArray *cli_remote_read_images (CliRemote *self, char **paths,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Can `path` be written? */
gboolean cli_remote_check_output (const char *path, GError **error);

G_END_DECLS
