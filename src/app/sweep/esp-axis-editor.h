/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis-editor.h: the control for the values of an axis, by what they are: numbers as text,
 * seeds, texts one a line, words to replace, a list to check. All of them read and write the text
 * that esp_axis_parse () reads.
 *
 * Signal "changed" (): by the person.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  ESP_AXIS_EDITOR_WORDS,   /* an entry */
  ESP_AXIS_EDITOR_SEEDS,   /* how many, from which on; or a list */
  ESP_AXIS_EDITOR_LINES,   /* texts, one a line */
  ESP_AXIS_EDITOR_REPLACE, /* what is looked for, what takes its place */
  ESP_AXIS_EDITOR_CHECKS,  /* some of what there is */
} EspAxisEditorKind;

/* What can be checked. */
typedef struct
{
  char *text;  /* for esp_axis_parse () */
  char *label; /* for people */
} EspAxisOption;

EspAxisOption *esp_axis_option_new (const char *text, const char *label) G_GNUC_WARN_UNUSED_RESULT;
void esp_axis_option_free (EspAxisOption *option);

#define ESP_TYPE_AXIS_EDITOR (esp_axis_editor_get_type ())
G_DECLARE_FINAL_TYPE (EspAxisEditor, esp_axis_editor, ESP, AXIS_EDITOR, GtkWidget)

/* `title` is what the axis is called, for screen readers; `example` a text that makes sense, or
 * NULL. */
GtkWidget *esp_axis_editor_new (EspAxisEditorKind kind, const char *title,
                                const char *example) G_GNUC_WARN_UNUSED_RESULT;

/* Of CHECKS: what there is, (element-type EspAxisOption). What is checked stays checked, even if it
 * is not there any more. */
void esp_axis_editor_set_options (EspAxisEditor *self, GPtrArray *options);

char *esp_axis_editor_dup_text (EspAxisEditor *self) G_GNUC_WARN_UNUSED_RESULT; /* never NULL */
void esp_axis_editor_set_text (EspAxisEditor *self, const char *text);

/* What is said of the values, for screen readers; `wrong`: and they cannot be used. */
void esp_axis_editor_set_message (EspAxisEditor *self, const char *message, gboolean wrong);

G_END_DECLS
