/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli-sweep.h: the parts of `sweep`: where its images are, what its cells are, what is told of it,
 * and the files that come of it. */
#pragma once

#include "cli-progress.h"
#include "cli-session.h"
#include "cli-sweep-options.h"
#include "esp-sweep.h"

G_BEGIN_DECLS

typedef struct
{
  CliSweepOptions options;
  CliSession session;
  CliProgress progress;
  EspQueue *queue;

  /* cli-sweep-place.c */
  GBytes *photo;         /* INPUT; NULL: it is DOC */
  GPtrArray *further;    /* of GBytes: the files of --reference, by its position; NULL for nodes */
  char *path;            /* of the document, which may be missing */
  gboolean is_kept;      /* nobody asked for the document: it goes when the sheet is there */
  gboolean was_there;    /* before this command */
  EspDocument *document; /* NULL: not there (yet) */

  /* cli-sweep-plan.c */
  JsonObject *presets; /* the person's, if there is such an axis; or NULL */
  GPtrArray *models;   /* of EspModel: all that make cells */
  EspSweepPlan *plan;  /* as asked for; the sweep has another one that is equal */
  EspSweep *sweep;     /* NULL: not begun */
  GArray *cells;       /* of guint: those of --refine; NULL: all */

  GPtrArray *files; /* of char *: what was written */
} CliSweep;

/* --- Where (cli-sweep-place.c) -----------------------------------------------------------------
 */

/* Reads INPUT and the references, and opens the document if there is one. All these return the exit
 * status, everything having been said. */
int cli_sweep_find_place (CliSweep *self);

/* The nodes that the sweep starts from and refers to, (element-type EspNode). *complete FALSE: some
 * are not in the document yet; *parent may be NULL then. Borrowed. */
int cli_sweep_find_nodes (CliSweep *self, EspNode **parent, GPtrArray *references,
                          gboolean *complete);

/* Makes the document if it is missing, and puts into it what is. */
int cli_sweep_settle (CliSweep *self);

/* Closes the document; one that nobody asked for goes if the work is done (CLI_EXIT_OK). */
int cli_sweep_leave (CliSweep *self, int status);

/* --- What (cli-sweep-plan.c) -------------------------------------------------------------------
 */

/* Lets the models tell what they take. */
int cli_sweep_choose_models (CliSweep *self);

/* Sets `plan`. Without a parent (NULL) it is one of a document that is still to be made. */
int cli_sweep_make_plan (CliSweep *self, EspNode *parent, GPtrArray *references);

/* Sets `sweep`, if the document has one with that plan, and `cells`. */
int cli_sweep_find_sweep (CliSweep *self);

/* Those that are to be made now. (element-type guint) */
GArray *cli_sweep_dup_todo (CliSweep *self) G_GNUC_WARN_UNUSED_RESULT;

/* What --axis and --columns call it. */
const char *cli_sweep_get_axis_name (EspAxis *axis);

EspCellState cli_sweep_get_state (CliSweep *self, guint cell);

/* Why a cell is not made; NULL if it is. */
char *cli_sweep_dup_skipped (CliSweep *self, guint cell) G_GNUC_WARN_UNUSED_RESULT;

/* What is wrong with a cell: why it was skipped or failed; NULL if nothing is. */
char *cli_sweep_dup_reason (CliSweep *self, guint cell) G_GNUC_WARN_UNUSED_RESULT;

/* Says what `todo` costs and refuses if that is more than the person allowed. */
int cli_sweep_check_cost (CliSweep *self, GArray *todo);

/* --- Telling (cli-sweep-report.c) --------------------------------------------------------------
 */

const char *cli_cell_state_to_string (EspCellState state); /* "done", as in JSON */

/* What --dry-run tells. */
void cli_sweep_report_plan (CliSweep *self, GArray *todo);

/* What became of it. Returns the exit status: 0; that of the failures if they are alike; else 1. */
int cli_sweep_report (CliSweep *self);

/* "about 3 min 20 s"; NULL: not known. */
char *cli_sweep_dup_seconds (double seconds) G_GNUC_WARN_UNUSED_RESULT;

/* --- Files (cli-sweep-files.c) -----------------------------------------------------------------
 */

/* Which axis --columns means. FALSE after a line that says what there is. */
gboolean cli_sweep_find_columns (CliSweep *self, guint *axis);

/* Writes the sheets, folders and tables that were asked for. */
int cli_sweep_write (CliSweep *self);

G_END_DECLS
