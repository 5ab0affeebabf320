/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-ledger.h: what turns cost.
 *
 * $XDG_DATA_HOME/espalier/ledger.sqlite, shared by all processes. Failing to note a cost never
 * fails a turn: the note is tried again at the next one, then dropped with a warning. Amounts of
 * turns whose provider reports none are estimates from the price list, marked so.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ESP_TYPE_LEDGER (esp_ledger_get_type ())

/* Signal "changed" (). */
G_DECLARE_FINAL_TYPE (EspLedger, esp_ledger, ESP, LEDGER, GObject)

EspLedger *esp_ledger_new (const char *path) G_GNUC_WARN_UNUSED_RESULT; /* NULL: the person's */

/* `turn`: UUID; noted once however often it is called. `document` may be NULL. Returns
 * at once; the last reference that goes waits until all is written. */
void esp_ledger_note (EspLedger *self, const char *turn, const char *account, const char *provider,
                      const char *document, double amount, const char *currency,
                      gboolean estimated);

typedef struct
{
  char *key; /* account, provider, document or "2026-11" */
  char *currency;
  double amount;
  double estimated; /* of it */
  guint n_turns;
} EspLedgerTotal;

void esp_ledger_total_free (EspLedgerTotal *total);

typedef enum
{
  ESP_LEDGER_BY_ACCOUNT,
  ESP_LEDGER_BY_PROVIDER,
  ESP_LEDGER_BY_DOCUMENT,
  ESP_LEDGER_BY_MONTH, /* in local time */
} EspLedgerBy;

/* (element-type EspLedgerTotal) (transfer full); `since` µs, 0 = all. Small and indexed; never
 * NULL. */
GPtrArray *esp_ledger_dup_totals (EspLedger *self, EspLedgerBy by,
                                  gint64 since) G_GNUC_WARN_UNUSED_RESULT;

/* Spent this month (local time) in USD, open estimates included. */
double esp_ledger_get_month (EspLedger *self);

/* What running turns of this process may cost, USD: added to when one begins, taken from when it
 * is over. */
void esp_ledger_expect (EspLedger *self, double amount);
double esp_ledger_get_expected (EspLedger *self);

/* Would another turn for `amount` go over `stop` (0 = none)? `in_flight`: what running turns may
 * cost. */
gboolean esp_ledger_is_over (EspLedger *self, double stop, double in_flight, double amount);

G_END_DECLS
