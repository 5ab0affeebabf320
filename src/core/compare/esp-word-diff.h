/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-word-diff.h: what is different between two texts, word by word. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A stretch of a text: bytes [start, start + length). Stretches of one text lie one behind the
 * other and cover it without a gap; two neighbours are never of the same kind. */
typedef struct
{
  gsize start, length;
  gboolean differs; /* the other text does not have it there */
} EspWordSpan;

/* Compares UTF-8 texts by words (Unicode word boundaries; the space between two words that differ
 * belongs to them) with the fewest words that differ (Myers 1986). Both arrays are of EspWordSpan,
 * empty for empty texts. Above 4,000 words a text as a whole is one stretch. */
void esp_word_diff (const char *before, const char *after, GArray **spans_before,
                    GArray **spans_after);

G_END_DECLS
