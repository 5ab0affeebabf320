/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-seed-entry.h: the seed: a number, a dice for another one, and a lock that keeps it.
 *
 * Unlocked, every run takes a new one. Typing one locks it. Signal "changed" ().
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_SEED_ENTRY (esp_seed_entry_get_type ())

G_DECLARE_FINAL_TYPE (EspSeedEntry, esp_seed_entry, ESP, SEED_ENTRY, GtkWidget)

GtkWidget *esp_seed_entry_new (void) G_GNUC_WARN_UNUSED_RESULT;

gboolean esp_seed_entry_is_valid (EspSeedEntry *self);
guint64 esp_seed_entry_get_seed (EspSeedEntry *self);
void esp_seed_entry_set_seed (EspSeedEntry *self, guint64 seed);
gboolean esp_seed_entry_get_locked (EspSeedEntry *self);
void esp_seed_entry_set_locked (EspSeedEntry *self, gboolean locked);

/* The largest seed that can be taken. */
void esp_seed_entry_set_maximum (EspSeedEntry *self, guint64 maximum);

/* The first seed of a run of `count` turns: the one shown if locked, else a new one, which is shown
 * from then on. */
guint64 esp_seed_entry_take (EspSeedEntry *self, guint count);

G_END_DECLS
