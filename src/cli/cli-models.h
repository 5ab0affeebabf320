/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-models.h: the sub-commands of `models`, a row each in the table of cli-models.c. As commands
 * (cli-commands.h): the sub-command's own name is at [0], the exit status is returned. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

int cli_models_list (char ***arguments);

G_END_DECLS
