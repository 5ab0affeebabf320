/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-words.h: what the comparison says in words. Everything is translated. */
#pragma once

#include "esp-comparison.h"
#include "esp-difference.h"

G_BEGIN_DECLS

/* "A" to "I": how the node at `index` of those that are held side by side is called. */
const char *esp_compare_words_get_letter (guint index);

/* The node's title, cut to what is read in one breath. */
char *esp_compare_words_dup_title (EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* "A: Make it snow, Guidance 2.5": what a screen reader says of an image, with what tells it from
 * the others. `comparison` may be NULL. */
char *esp_compare_words_dup_name (EspNode *node, guint index,
                                  EspComparison *comparison) G_GNUC_WARN_UNUSED_RESULT;

/* "Waiting", "Running, step 12 of 28": why there is no image yet; NULL if there is one. */
char *esp_compare_words_dup_state (EspNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* "Fitted to 1024 × 768: B was 512 × 512."; NULL where all are as large as the frame. */
char *esp_compare_words_dup_fitted (EspFrameSize frame, const EspFrameSize *sizes,
                                    guint n) G_GNUC_WARN_UNUSED_RESULT;

/* "“Make it snow” failed and is left out."; of several: how many. NULL where none is. */
char *esp_compare_words_dup_left_out (GPtrArray *nodes) G_GNUC_WARN_UNUSED_RESULT;

/* "Average difference ΔE 3.2, 18 % of the picture visibly changed, largest ΔE 41" */
char *esp_compare_words_dup_figures (const EspDifferenceFigures *figures) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
