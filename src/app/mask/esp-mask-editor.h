/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-mask-editor.h: the mask of a turn in a person's hands: where the result was taken is loaded,
 * changed, seen at once and stored step by step. No widget.
 *
 * Every stroke is one undoable step of the document. What is stored takes a while (the picture is
 * put together in its full size); until then the steps wait in a row, and the scene shows what will
 * come of them.
 *
 * Signals: "changed" (): the words, what can be done, or the scene is another; "redraw" (): the
 * scene is to be drawn again; "failed" (const char *message): a step was not stored.
 */
#pragma once

#include "esp-document.h"
#include "esp-mask-scene.h"

G_BEGIN_DECLS

#define ESP_TYPE_MASK_EDITOR (esp_mask_editor_get_type ())

G_DECLARE_FINAL_TYPE (EspMaskEditor, esp_mask_editor, ESP, MASK_EDITOR, GObject)

EspMaskEditor *esp_mask_editor_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Whose mask; NULL: nobody's, and everything that was loaded is let go. Steps that wait are stored
 * nevertheless. */
void esp_mask_editor_set_node (EspMaskEditor *self, EspDocument *document, EspNode *node);
EspNode *esp_mask_editor_get_node (EspMaskEditor *self);

/* What is drawn; another one for each node. */
EspMaskScene *esp_mask_editor_get_scene (EspMaskEditor *self);
/* Does the scene's veil say anything (not where everything was taken)? */
gboolean esp_mask_editor_has_veil (EspMaskEditor *self);

/* The result as the model made it; NULL: it is not loaded (yet). */
GdkTexture *esp_mask_editor_get_result (EspMaskEditor *self);

/* What is to be said of the mask, one sentence, translated. */
char *esp_mask_editor_dup_words (EspMaskEditor *self) G_GNUC_WARN_UNUSED_RESULT;

/* The document is writable and all that is needed is kept. */
gboolean esp_mask_editor_can_change (EspMaskEditor *self);
/* The same, and the mask is loaded. */
gboolean esp_mask_editor_can_paint (EspMaskEditor *self);
gboolean esp_mask_editor_can_forget (EspMaskEditor *self);

/* The size of the mask, 0 before it is loaded. */
void esp_mask_editor_get_size (EspMaskEditor *self, int *width, int *height);

/* Pieces of a stroke, px of the mask, and its end. */
void esp_mask_editor_paint (EspMaskEditor *self, double x0, double y0, double x1, double y1,
                            double radius, double hardness, gboolean erasing);
void esp_mask_editor_end_stroke (EspMaskEditor *self);

/* px of the mask; feather < 0: as the program finds best. Stored when it has rested for a moment.
 */
double esp_mask_editor_get_grow (EspMaskEditor *self);
double esp_mask_editor_get_feather (EspMaskEditor *self);
/* The feather in numbers, also where the program finds it. */
double esp_mask_editor_get_seam (EspMaskEditor *self);
void esp_mask_editor_set_shape (EspMaskEditor *self, double grow, double feather);

void esp_mask_editor_take_all (EspMaskEditor *self);
void esp_mask_editor_take_nothing (EspMaskEditor *self);
void esp_mask_editor_find_again (EspMaskEditor *self);
void esp_mask_editor_forget (EspMaskEditor *self);

/* Takes back the last step if it is not stored yet. FALSE: there is none, the document's own undo
 * is meant. */
gboolean esp_mask_editor_undo (EspMaskEditor *self);

/* Makes steps of a stroke under way and of an edge that does not rest yet. TRUE: there are steps
 * that are not stored yet. */
gboolean esp_mask_editor_flush (EspMaskEditor *self);
/* Are there steps that are not stored yet? */
gboolean esp_mask_editor_is_busy (EspMaskEditor *self);

/* The node's image as it is stored is on the screen. */
void esp_mask_editor_image_shown (EspMaskEditor *self);

G_END_DECLS
