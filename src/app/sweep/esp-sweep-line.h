/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-line.h: a row of a sweep's grid: a header that stays at the start, and children of one
 * width behind it, which slide below it. The row of the column headers is one, too. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define ESP_TYPE_SWEEP_LINE (esp_sweep_line_get_type ())

G_DECLARE_FINAL_TYPE (EspSweepLine, esp_sweep_line, ESP, SWEEP_LINE, GtkWidget)

/* `header` is taken over. */
GtkWidget *esp_sweep_line_new (GtkWidget *header) G_GNUC_WARN_UNUSED_RESULT;

GtkWidget *esp_sweep_line_get_header (EspSweepLine *self);

/* A widget that is used for one position after the other. */
typedef GtkWidget *(*EspSweepCreate) (gpointer data);

/* The children from now on stand for positions `first` … `first` + `n` - 1. Those that stood for
 * one of them before do so again; the others are used for the rest, or destroyed. */
void esp_sweep_line_set_range (EspSweepLine *self, guint first, guint n, EspSweepCreate create,
                               gpointer data);
guint esp_sweep_line_get_n (EspSweepLine *self);
GtkWidget *esp_sweep_line_get_child (EspSweepLine *self, guint position); /* NULL: not in range */

/* Pixels: the header's width, where the child of position 0 would begin behind it (0 or less while
 * scrolled), how wide each is. */
void esp_sweep_line_set_geometry (EspSweepLine *self, int header_width, double start, int width);

/* The same for lines in their grid: `items` (element-type GtkWidget) are children of `parent`, in
 * this order behind `before`, and stand for positions from `*first` on. */
void esp_sweep_slide (GPtrArray *items, guint *first, guint new_first, guint n, GtkWidget *parent,
                      GtkWidget *before, EspSweepCreate create, gpointer data);

G_END_DECLS
