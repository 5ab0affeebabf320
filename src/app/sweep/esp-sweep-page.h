/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-page.h: setting up a sweep; takes the composer's place.
 *
 * Axes as rows (what, values with live parsing), the number of cells, time and money in words,
 * order, cheap preview, Start. The base turn is what the composer would run.
 *
 * Signals:
 *   "start" (EspSweepPlan, int draft_steps)   checked, and asked about where it is much
 *   "leave" ()                                back to the composer
 */
#pragma once

#include <adwaita.h>

#include "esp-account.h"
#include "esp-sweep.h"

G_BEGIN_DECLS

#define ESP_TYPE_SWEEP_PAGE (esp_sweep_page_get_type ())
G_DECLARE_FINAL_TYPE (EspSweepPage, esp_sweep_page, ESP, SWEEP_PAGE, GtkWidget)

GtkWidget *esp_sweep_page_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Whose offline switch and monthly limit it minds; or NULL. */
void esp_sweep_page_set_accounts (EspSweepPage *self, EspAccounts *accounts);

/* Before it is shown, and whenever that is something else: what it is about. What the person has
 * set up stays; with another document, it is what was set up with that one the last time. `turn` is
 * the base (the composer's), copied; `selected` (element-type EspNode, or NULL) are offered as
 * starting nodes if they are several; `presets` is name → settings, or NULL. */
void esp_sweep_page_set_up (EspSweepPage *self, EspQueue *queue, EspDocument *document,
                            EspNode *parent, const EspTurn *turn, GPtrArray *selected,
                            JsonObject *presets);

/* Adds an axis as the person would: name and text as in esp-axis.h. One that is there gets the
 * text; where there is no room, the last one makes it. After esp_sweep_page_set_up (). */
void esp_sweep_page_add_axis (EspSweepPage *self, const char *name, const char *text);

/* As the button does: where something is missing it says so, and nothing starts. */
void esp_sweep_page_start (EspSweepPage *self);

G_END_DECLS
