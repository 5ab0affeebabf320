/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-price-text.h: money and time to come in a few characters. */
#pragma once

#include "esp-value-text.h" /* prices */

G_BEGIN_DECLS

/* "9 s left", "2 min left". */
char *esp_seconds_left_format (double seconds) G_GNUC_WARN_UNUSED_RESULT;

/* "about 35 s", "about 2 min", "about 1.5 h", in steps that do not flicker; NULL if `seconds` is
 * not known (< 0) or absurd. */
char *esp_seconds_about_format (double seconds) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
