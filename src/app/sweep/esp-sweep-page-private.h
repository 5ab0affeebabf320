/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-page-private.h: what the files of the page that sets up a sweep share. */
#pragma once

#include "esp-axis-row.h"
#include "esp-sweep-page.h"

G_BEGIN_DECLS

struct _EspSweepPage
{
  GtkWidget parent_instance;

  GtkWidget *box, *header, *footer;
  GtkScrolledWindow *scroller;
  GtkLabel *origin;
  GtkTextView *instruction;
  GtkLabel *instruction_message;
  GtkBox *rows, *fixed; /* of EspAxisRow */
  GtkWidget *add;
  GtkDropDown *order;
  GtkWidget *draft_box;
  GtkCheckButton *draft;
  GtkSpinButton *draft_steps;
  GtkWidget *skipped;
  GtkLabel *skipped_title, *skipped_reasons;
  GtkLabel *summary, *trouble;
  GtkWidget *start;

  GSettings *settings;
  EspAccounts *accounts; /* or NULL */
  EspQueue *queue;
  EspDocument *document;
  EspNode *parent;
  GPtrArray *nodes; /* that are offered to start from */
  guint n_chosen;   /* of them */
  JsonObject *presets;

  /* The base turn. */
  char *base_instruction; /* as it was given; the text view has what became of it */
  char *negative_prompt, *backend, *model, *model_name;
  JsonObject *parameters;
  gboolean has_seed;
  guint64 seed;
  GPtrArray *references;

  /* What follows from it and from the axes. */
  char *text;          /* of the text view */
  GStrv models;        /* in use: "backend/model" */
  GPtrArray *choices;  /* of EspAxisChoice */
  GPtrArray *followed; /* of EspModel: those in use */
  EspSweepPlan *plan;  /* or NULL */
  EspSweepEstimate estimate;
  gboolean can_start;
  guint update_id;

  GtkWidget *dialog; /* that asks; or NULL */
  GdkSurface *surface;
  guint fit_id;
  int height; /* of the window when the page was fitted last */

  guint loading : 1; /* nothing is the person's doing */
};

/* --- esp-sweep-page.c ------------------------------------------------------------------------- */

void _esp_sweep_page_queue_update (EspSweepPage *self);
/* Is emitted, and what was set up is remembered. */
void _esp_sweep_page_emit_start (EspSweepPage *self, EspSweepPlan *plan, int draft_steps);

/* At the end, with what there was, else an example. */
EspAxisRow *_esp_sweep_page_add_row (EspSweepPage *self, const char *name, const char *text);
void _esp_sweep_page_clear_rows (EspSweepPage *self);
EspAxisRow *_esp_sweep_page_find_row (EspSweepPage *self, const char *name); /* or NULL */
guint _esp_sweep_page_count_rows (EspSweepPage *self);
int _esp_sweep_page_get_draft_steps (EspSweepPage *self); /* 0: no previews */

/* --- esp-sweep-page-plan.c -------------------------------------------------------------------- */

/* What axes can be chosen now. Everything in `offer` is borrowed until the next call. */
void _esp_sweep_page_get_offer (EspSweepPage *self, EspAxisOffer *offer);

/* Reads everything and says what comes of it: plan, estimate, can_start. */
void _esp_sweep_page_update (EspSweepPage *self);

/* --- esp-sweep-page-words.c ------------------------------------------------------------------- */

/* "16 cells · about 3 min · at least $1.20" */
char *_esp_sweep_page_dup_summary (const EspSweepEstimate *estimate) G_GNUC_WARN_UNUSED_RESULT;

/* Shows which cells are left out, and why. */
void _esp_sweep_page_show_skipped (EspSweepPage *self);

/* Starts; where it is much, the person is asked first. */
void _esp_sweep_page_start (EspSweepPage *self);

/* --- esp-sweep-page-memory.c ------------------------------------------------------------------ */

/* With the document, for the next time. */
void _esp_sweep_page_remember (EspSweepPage *self);
/* FALSE: nothing was remembered. */
gboolean _esp_sweep_page_recall (EspSweepPage *self);

G_END_DECLS
