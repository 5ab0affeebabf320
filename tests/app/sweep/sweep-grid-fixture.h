/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep-grid-fixture.h: the grid of a sweep in a window, with a real document, for its tests. Cells
 * are as the test makes them; nothing runs by itself. */
#pragma once

#include <adwaita.h>

#include "esp-sweep-cell.h"
#include "esp-sweep-cells.h"
#include "esp-sweep-grid.h"
#include "esp-sweep-header.h"
#include "scratch-document.h"
#include "sweep-backend.h"
#include "widgets.h"

typedef struct
{
  EspRegistry *registry;
  SweepBackend *backend; /* "fake", with the model "model", stepped */
  EspQueue *queue;
  EspDocument *document;
  EspNode *photo;
  EspSweep *sweep;
  GtkWidget *window;
  EspSweepGrid *grid;
  EspSweepCells *cells;
  GSimpleActionGroup *commands; /* "node" */
  GString *log;                 /* of signals and commands */
} Fixture;

void set_up (Fixture *fixture, gconstpointer data);
void tear_down (Fixture *fixture, gconstpointer data);

/* A plan: names and texts of axes as in esp-axis.h, NULL at the end. */
EspSweepPlan *make_plan (Fixture *fixture, ...) G_GNUC_NULL_TERMINATED G_GNUC_WARN_UNUSED_RESULT;

/* A sweep of such a plan whose cells all wait and are in no queue, shown in the grid. `draft` cells
 * are previews. */
void show_sweep (Fixture *fixture, EspSweepPlan *plan, gboolean draft);
/* The same, run by the queue: cells wait to be released by the backend. */
void start_sweep (Fixture *fixture, EspSweepPlan *plan);

/* A cell is done, with a picture of that size and colour. */
void finish_cell_sized (Fixture *fixture, guint cell, int width, int height, guint color);
void finish_cell (Fixture *fixture, guint cell, guint color);
void finish_all (Fixture *fixture);
void fail_cell (Fixture *fixture, guint cell, const char *message);
void delete_cells (Fixture *fixture, guint first, guint n);
void set_stars (Fixture *fixture, guint cell, int stars);
void set_rejected (Fixture *fixture, guint cell);

/* Until the grid shows what there is to show. */
void settle (Fixture *fixture);

/* The widget that stands for a cell; NULL if it is not in sight. */
EspSweepCell *find_cell (Fixture *fixture, guint cell);
/* Shown labels at the edges: "1 2 3". */
char *dup_headers (Fixture *fixture, GtkAccessibleRole role);
/* Cells as they lie on the screen: "0 1 2/3 4 5", "-" for what is filtered. */
char *dup_cells (Fixture *fixture);
/* Names of the selected ones. */
char *dup_selected (Fixture *fixture);

#define assert_text(call, expected)                                                                \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *text_ = call;                                                                 \
                                                                                                   \
    g_assert_cmpstr (text_, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

/* Was it handled? */
gboolean press (Fixture *fixture, guint keyval, GdkModifierType state);

/* An action of the grid. */
void activate (Fixture *fixture, const char *name);
gboolean is_enabled (Fixture *fixture, const char *name);

/* What was told since the last time. */
void assert_log (Fixture *fixture, const char *expected);

/* The colour in the middle of a cell, as 0xRRGGBB. */
guint get_color (Fixture *fixture, guint cell);

#define TEST(name, function)                                                                       \
  g_test_add ("/sweep-grid/" name, Fixture, NULL, set_up, function, tear_down)
