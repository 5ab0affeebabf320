/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-price-text.h: money and time in a few characters. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "$0.05", "$0.025", "0.05 CHF". */
char *esp_price_format (double price, const char *currency) G_GNUC_WARN_UNUSED_RESULT;

/* "9 s left", "2 min left". */
char *esp_seconds_left_format (double seconds) G_GNUC_WARN_UNUSED_RESULT;

/* "about 35 s", "about 2 min", "about 1.5 h", in steps that do not flicker; NULL if `seconds` is
 * not known (< 0) or absurd. */
char *esp_seconds_about_format (double seconds) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
