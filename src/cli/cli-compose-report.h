/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-compose-report.h: what came of keeping untouched pixels, for programs and for people. */
#pragma once

#include "esp-composition.h"

G_BEGIN_DECLS

/* The members of an open JSON object: "global", "shift", "scale", "colour_offset", "colour_gain",
 * "certain", "changed_fraction", and "problem" where there is one. */
void cli_compose_put (GString *json, const EspComposition *composition);

/* A sentence part: "3.1 % changed, moved by 1.2, −0.4 px, …". The caller frees. */
char *cli_compose_describe (const EspComposition *composition);

G_END_DECLS
