/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare-fixture.h: a document with a photo and turns of it, and a view that compares them. */
#pragma once

#include "esp-compare-view.h"
#include "scratch-document.h"
#include "widgets.h"

typedef struct
{
  EspDocument *document;
  EspNode *photo;
  EspNode *turns[4]; /* of the photo: red, green, blue, yellow; done */
  GtkWidget *window;
  EspCompareView *view;
} CompareFixture;

#define RED    0xc02020
#define GREEN  0x20a020
#define BLUE   0x2020c0
#define YELLOW 0xc0c020
#define GREY   0x808080

/* GTestFixture functions; the window is 800 × 700. */
void compare_set_up (CompareFixture *fixture, gconstpointer data);
void compare_tear_down (CompareFixture *fixture, gconstpointer data);

/* Compares nodes (NULL ends the list), and waits until all of it can be seen. */
void compare_hold (CompareFixture *fixture, EspNode *first, ...) G_GNUC_NULL_TERMINATED;

/* Until everything is loaded and computed, and drawn. */
void compare_settle (CompareFixture *fixture);

/* The colour of a widget at a place (shares of its size), as it is drawn: 0xRRGGBB. */
guint compare_get_pixel (GtkWidget *widget, double x, double y);
/* Is it that, but for rounding? */
void compare_assert_color (guint color, guint expected);

/* The widget of a type that can be seen. */
GtkWidget *compare_find_shown (CompareFixture *fixture, GType type);

/* What assistive technology is told: the property's text of `widget`. */
char *compare_dup_label (GtkWidget *widget);

/* A key, pressed (and let go) as if typed while the view has the focus. */
gboolean compare_press (CompareFixture *fixture, guint key, GdkModifierType state);
gboolean compare_let_go (CompareFixture *fixture, guint key);
