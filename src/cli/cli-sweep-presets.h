/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-sweep-presets.h: the settings of turns that the person saved in the window. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Name → {"backend", "model", "parameters"}, as axes take them; empty where there are none, or
 * where the program's settings are not installed. */
JsonObject *cli_sweep_dup_presets (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
