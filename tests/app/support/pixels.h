/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pixels.h: what widgets look like, pixel by pixel. */
#pragma once

#include <gtk/gtk.h>

typedef struct
{
  guchar *data; /* B, G, R, A */
  int width, height;
  int left, top; /* of the window's edge, in its coordinates */
} Pixels;

/* The window as it looks now. */
Pixels *pixels_take (GtkWidget *window);
void pixels_free (Pixels *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pixels, pixels_free)

/* 0xRRGGBB, by the window's coordinates; what is outside is black. */
guint32 pixels_get (const Pixels *self, int x, int y);

/* The ratio of WCAG 2.1, 1…21, of two colours 0xRRGGBB. */
double pixels_get_contrast (guint32 one, guint32 other);

/* The strongest contrast that any pixel of the area has with the colour that is most common there,
 * which is what lies behind. */
double pixels_get_contrast_in (const Pixels *self, const graphene_rect_t *area);
