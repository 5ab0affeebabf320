/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-link.h: several image views that show the same part of their images.
 *
 * While they are linked, what is done to one is done to all: the same zoom, and the same point of
 * the fitted frame in the middle. Unlinked, each goes its own way; linked again they keep what lies
 * between them (the offset of their middles, the ratio of their zooms) and move together. */
#pragma once

#include "esp-image-view.h"

G_BEGIN_DECLS

typedef struct _EspCompareLink EspCompareLink;

EspCompareLink *esp_compare_link_new (void) G_GNUC_WARN_UNUSED_RESULT;
void esp_compare_link_free (EspCompareLink *self);

/* The view takes what the others show. It is forgotten when it is disposed of. */
void esp_compare_link_add (EspCompareLink *self, EspImageView *view);
void esp_compare_link_remove (EspCompareLink *self, EspImageView *view);

gboolean esp_compare_link_get_linked (EspCompareLink *self);
void esp_compare_link_set_linked (EspCompareLink *self, gboolean linked);

/* What lies between the view and the first one: of the middles, in shares of the frame, and how
 * many times as large it is shown. */
void esp_compare_link_get_offset (EspCompareLink *self, EspImageView *view, double *x, double *y,
                                  double *zoom);

/* Forgets all offsets: all show what the first one shows. */
void esp_compare_link_align (EspCompareLink *self);
gboolean esp_compare_link_is_aligned (EspCompareLink *self);

/* What the first one shows, to be given to views that come later. */
typedef struct
{
  gboolean fit;
  double zoom;
  double x, y; /* the point in the middle, shares of the frame */
} EspCompareViewport;

EspCompareViewport esp_compare_link_get_viewport (EspCompareLink *self);
void esp_compare_link_set_viewport (EspCompareLink *self, const EspCompareViewport *viewport);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspCompareLink, esp_compare_link_free)

G_END_DECLS
