/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer-private.h: what the files of the composer share. */
#pragma once

#include "esp-backend-button.h"
#include "esp-composer.h"
#include "esp-instruction-view.h"
#include "esp-keep-chips.h"
#include "esp-parameter-controls.h"
#include "esp-parameter-popover.h"
#include "esp-presets.h"
#include "esp-reference-chips.h"
#include "esp-run-button.h"
#include "esp-suggestions.h"
#include "esp-variations-button.h"

G_BEGIN_DECLS

struct _EspComposer
{
  GtkWidget parent_instance;

  GtkWidget *box;
  EspInstructionView *instruction;
  EspSuggestions *suggestions;
  EspReferenceChips *references;
  EspKeepChips *keep_chips;
  GtkSwitch *keep_switch;
  EspBackendButton *backend_button;
  EspVariationsButton *variations;
  EspParameterControls *controls;
  EspParameterPopover *popover;
  GtkWidget *settings_button;
  GtkLabel *trouble; /* with the chosen model */
  GtkLabel *summary;
  GtkWidget *reference_button;
  EspRunButton *run;
  GtkFileChooserNative *chooser;

  EspDocument *document;
  EspQueue *queue;
  EspNode *current;
  EspModel *model;
  char *signature; /* of the schema that the controls were made from, or NULL */
  GSettings *settings;
  EspPresets *presets;
  GHashTable *memory; /* "backend\nmodel" → JSON of what was changed there */
  GCancellable *cancellable;

  char *wanted_backend; /* to be chosen as soon as it is there */
  char *wanted_model;
  JsonObject *wanted_values; /* to be taken over as soon as the model has described itself */

  char *obstacle; /* from outside: nothing may leave this computer; or NULL */

  EspRegion *region; /* what alone is edited; NULL: everything */

  char *turn_instruction, *turn_negative; /* of the turn asked for last; or NULL */
  JsonObject *turn_values;
  EspComposition *turn_composition;

  EspNode *last_added;
  gint64 last_time;
  guint busy : 1; /* the current node's turn waits or runs, and the run button says how far it is */
  guint adding : 1; /* turns are being stored */
  guint keep : 1;   /* untouched pixels */
};

void _esp_composer_update (EspComposer *self);
void _esp_composer_emit_error (EspComposer *self, const char *message);
gboolean _esp_composer_emit_ask (EspComposer *self, guint count, gboolean next);
void _esp_composer_notify_model (EspComposer *self);
void _esp_composer_notify_region (EspComposer *self);

/* Settings. */
void _esp_composer_choose_model (EspComposer *self, EspModel *model);
void _esp_composer_follow_registry (EspComposer *self);
void _esp_composer_follow_model (EspComposer *self);
void _esp_composer_apply_values (EspComposer *self, JsonObject *values);
void _esp_composer_apply_preset (EspComposer *self, EspPreset *preset);
void _esp_composer_save_preset (EspComposer *self, const char *name);

/* Runs. */
EspNode *_esp_composer_get_base (EspComposer *self);  /* what the next turn grows from, or NULL */
char *_esp_composer_dup_obstacle (EspComposer *self); /* why it cannot run, or NULL */
char *_esp_composer_dup_model_obstacle (EspComposer *self); /* the chosen model's part of it */
char *_esp_composer_dup_trouble (EspComposer *self);        /* with the model, for long; or NULL */
/* Unless the person is asked first. */
void _esp_composer_run (EspComposer *self, guint count, gboolean next);
void _esp_composer_stop (EspComposer *self);

/* Turns. */
/* As esp_composer_get_turn (), with a model that is there and has a schema. */
void _esp_composer_compose (EspComposer *self, EspTurn *turn);
void _esp_composer_forget_turn (EspComposer *self);

/* The rest of the picture. */
GtkWidget *_esp_composer_create_keep_row (EspComposer *self);
GtkWidget *_esp_composer_create_keep_chips (EspComposer *self);
void _esp_composer_init_keep (EspComposer *self);
EspComposition *_esp_composer_dup_composition (EspComposer *self) G_GNUC_WARN_UNUSED_RESULT;
void _esp_composer_use_composition (EspComposer *self, EspNode *node);

/* References. */
void _esp_composer_choose_reference (EspComposer *self);
void _esp_composer_paste_reference (EspComposer *self);
void _esp_composer_reference_current (EspComposer *self);
void _esp_composer_init_drop (EspComposer *self);

G_END_DECLS
