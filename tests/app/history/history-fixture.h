/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history-fixture.h: the history in a window, with a real document, for its tests. */
#pragma once

#include <adwaita.h>

#include "esp-history.h"
#include "esp-node-card.h"
#include "esp-tree-view.h"
#include "scratch-document.h"
#include "widgets.h"

typedef struct
{
  EspDocument *document;
  EspNode *photo;
  GtkWidget *window;
  EspHistory *history;
  EspTreeView *tree;
  GSimpleActionGroup *commands;
  GString *log; /* of signals and commands */
} Fixture;

GPtrArray *find_all (Fixture *fixture, GType type) G_GNUC_WARN_UNUSED_RESULT;
gpointer find_one (Fixture *fixture, GType type);
guint count_cards (Fixture *fixture);
EspNodeCard *find_card (Fixture *fixture, EspNode *node);
void settle (void);
gboolean press_on (GtkWidget *widget, guint keyval, GdkModifierType state);
gboolean press (Fixture *fixture, guint keyval, GdkModifierType state);
void finish_edit (Fixture *fixture, GAsyncResult **result);
void delete_node (Fixture *fixture, EspNode *node);
EspNode *add_turn (Fixture *fixture, EspNode *parent, const char *instruction);
/* Turns that differ by their seeds alone. */
GPtrArray *add_variations (Fixture *fixture, EspNode *parent,
                           guint count) G_GNUC_WARN_UNUSED_RESULT;
void assert_log (Fixture *fixture, const char *expected);
void set_up (Fixture *fixture, gconstpointer data);
void tear_down (Fixture *fixture, gconstpointer data);

/* Adds a test with the fixture, "/history/NAME". */
#define TEST(name, function)                                                                       \
  g_test_add ("/history/" name, Fixture, NULL, set_up, function, tear_down)
