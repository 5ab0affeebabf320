/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-commands.h: the program's commands. Each takes its command line (NULL-terminated, its own
 * name at [0]) and returns the exit status. */
#pragma once

#include <glib.h>

#include "esp-installation.h"

G_BEGIN_DECLS

int cli_edit (char ***arguments);
int cli_compose (char ***arguments);
int cli_tokenize (char ***arguments);
int cli_models (char ***arguments);
int cli_describe (char ***arguments);

/* On remote providers. */
int cli_providers (char ***arguments);
int cli_jobs (char ***arguments);

/* On documents. */
int cli_new (char ***arguments);
int cli_import (char ***arguments);
int cli_tree (char ***arguments);
int cli_log (char ***arguments);
int cli_run (char ***arguments);
int cli_sweep (char ***arguments);
int cli_export (char ***arguments);
int cli_verify (char ***arguments);

G_END_DECLS
