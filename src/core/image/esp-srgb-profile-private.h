/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-srgb-profile-private.h: the profile that is written into files. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A small matrix profile for sRGB, the same bytes every time; for files that cannot just say
 * "sRGB". */
GBytes *_esp_color_srgb_profile (void);

G_END_DECLS
