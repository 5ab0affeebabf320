/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-value-text.h: values, money and time as people read them. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A parameter's value: choices by their names, numbers in up to six digits, yes and no. */
char *esp_value_dup_text (JsonNode *value) G_GNUC_WARN_UNUSED_RESULT;

/* How long something took: "3.2 s", "2 min 5 s". */
char *esp_duration_format (double seconds) G_GNUC_WARN_UNUSED_RESULT;

/* "$0.05", "$0.025", "0.05 CHF"; `currency` may be NULL. Parts of a cent are shown where there are
 * some. */
char *esp_price_format (double price, const char *currency) G_GNUC_WARN_UNUSED_RESULT;

/* What a turn cost: as above, "Free" for 0; NULL where it is not known (< 0). */
char *esp_cost_format (double cost, const char *currency) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
