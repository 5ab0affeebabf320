/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-instruction-view.h: the text that says what should change, one to five lines high, with the
 * earlier ones above it.
 *
 * Up on the first line (or Alt+Up) goes to the instruction before, Down back towards the draft; the
 * draft itself is the entry below the latest one and is never lost: where another text takes its
 * place, it becomes an earlier instruction.
 *
 * Signals: "changed" (), "run" (gboolean next): Ctrl+Return and Ctrl+Shift+Return.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define ESP_TYPE_INSTRUCTION_VIEW (esp_instruction_view_get_type ())

G_DECLARE_FINAL_TYPE (EspInstructionView, esp_instruction_view, ESP, INSTRUCTION_VIEW, GtkWidget)

GtkWidget *esp_instruction_view_new (void) G_GNUC_WARN_UNUSED_RESULT;

const char *esp_instruction_view_get_text (EspInstructionView *self); /* never NULL */
gboolean esp_instruction_view_is_blank (EspInstructionView *self);

/* Replaces the text (Ctrl+Z brings it back). A draft is kept as an earlier instruction. */
void esp_instruction_view_set_text (EspInstructionView *self, const char *text);

/* The text was run: it is an earlier instruction now. It stays, selected, so that typing begins the
 * next one. */
void esp_instruction_view_accept (EspInstructionView *self);

/* Earlier instructions of the document, latest first; those of this session stay before them. */
void esp_instruction_view_set_history (EspInstructionView *self, const char *const *history);
guint esp_instruction_view_get_n_history (EspInstructionView *self);

/* Forgets the texts of this session (another document). */
void esp_instruction_view_clear_session (EspInstructionView *self);

/* Steps through the history: +1 an earlier one, -1 a later one. FALSE at the ends. */
gboolean esp_instruction_view_step (EspInstructionView *self, int direction);
guint esp_instruction_view_get_position (EspInstructionView *self); /* 0 = the draft */

/* The text view itself, for tests and focus. */
GtkTextView *esp_instruction_view_get_text_view (EspInstructionView *self);

G_END_DECLS
