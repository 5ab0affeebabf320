/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-use.h: which models are in use, across all programs of Espalier.
 *
 * Whoever edits with a model holds a shared lock (flock) on its folder; whoever removes one must
 * get an exclusive one first. The kernel lets go of the locks of a program that dies.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Keeps `model`, a folder or file, from being removed until `task` is gone. */
void esp_model_use_for_task (const char *model, GTask *task);

/* Claims `model` for oneself: a file descriptor, to be closed when it is over, or -1 with errno
 * (EWOULDBLOCK: it is in use). */
int esp_model_use_claim (const char *model);

G_END_DECLS
