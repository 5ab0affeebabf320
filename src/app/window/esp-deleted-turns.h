/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-deleted-turns.h: a group of rows for what was deleted from a document and is still in its
 * file: a branch each, with its picture, and a button that brings it back. Not visible where
 * nothing was deleted.
 *
 * Signals:
 *   "restored" (guint)          so many images and turns came back
 *   "failed"   (const char *)   they did not; a sentence for the person
 */
#pragma once

#include <adwaita.h>

#include "esp-document.h"

G_BEGIN_DECLS

#define ESP_TYPE_DELETED_TURNS (esp_deleted_turns_get_type ())

G_DECLARE_FINAL_TYPE (EspDeletedTurns, esp_deleted_turns, ESP, DELETED_TURNS, AdwPreferencesGroup)

/* Shows those of `document`, and follows what becomes of them. Once. */
void esp_deleted_turns_set_document (EspDeletedTurns *self, EspDocument *document);

/* After a purge, of which documents tell nobody. */
void esp_deleted_turns_update (EspDeletedTurns *self);

G_END_DECLS
