/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-working-folder.h: where a document's file is, by whatever name it was asked for, and the
 * folder in which its lock, its state and its working database are. Everything blocks. */
#pragma once

#include "esp-document.h"
#include "esp-file-identity.h"

G_BEGIN_DECLS

typedef struct
{
  GFile *file;
  char *name;     /* for people */
  char *path;     /* local, all symbolic links resolved; NULL: a file that only GIO reaches */
  char *folder;   /* $XDG_DATA_HOME/espalier/working/KEY */
  char *database; /* in the folder */
  int lock;       /* < 0: not held */
  gboolean in_library;
} EspWorkingFolder;

/* Finds the place; makes nothing. Refuses what cannot be a document: folders, devices, … */
EspWorkingFolder *_esp_working_folder_new (GFile *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Lets go of the lock; an empty folder goes, too. */
void _esp_working_folder_free (EspWorkingFolder *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspWorkingFolder, _esp_working_folder_free)

/* Takes the lock if nobody else has it. `holder` receives the process that has it, 0 if unknown.
 * FALSE without an error: someone has it. */
gboolean _esp_working_folder_lock (EspWorkingFolder *self, GPid *holder, GError **error);

/* For who may only look at a file that has to be fetched, while someone else has the folder:
 * another folder from now on, which nobody else uses. Its database is taken for nothing after a
 * crash. */
gboolean _esp_working_folder_step_aside (EspWorkingFolder *self, GError **error);

/* The name of a document in the making. What it holds was told to nobody. */
#define ESP_WORKING_DRAFT "draft.db"

gboolean _esp_working_folder_has_database (EspWorkingFolder *self);

/* Is all that was changed in the database since the last publication what views remember? FALSE
 * unless it was told. */
gboolean _esp_working_folder_is_view_only (EspWorkingFolder *self);
gboolean _esp_working_folder_set_view_only (EspWorkingFolder *self, gboolean view_only,
                                            GError **error);

/* Removes database and state. */
void _esp_working_folder_clear (EspWorkingFolder *self);

/* What a process has to know that takes up what another left behind. */
typedef struct
{
  EspFileIdentity published; /* the person's file as the working database last had all of it */
  EspFileIdentity pending;   /* as it is about to be put in place */
  gboolean has_pending;
  gboolean direct; /* it is being written without a temporary file */
  char *temporary; /* or NULL. Without `pending` it is still being written, and surely ours. */
  char *database;  /* what the working database looked like when it had nothing more than
                      `published`; "" = unknown */
} EspWorkingState;

void _esp_working_state_clear (EspWorkingState *state);

/* Removes what is left of a publication that was not carried out. What was exchanged for it may be
 * someone else's and stays. */
void _esp_working_state_drop_temporary (EspWorkingState *state);
gboolean _esp_working_folder_load_state (EspWorkingFolder *self, EspWorkingState *state);
gboolean _esp_working_folder_save_state (EspWorkingFolder *self, const EspWorkingState *state,
                                         GError **error);

/* The database's size and time in words, "" while it has a log that is not empty. */
char *_esp_working_folder_describe_database (EspWorkingFolder *self) G_GNUC_WARN_UNUSED_RESULT;

/* Removes what crashes left behind with nothing in it. Any thread, any time. */
void _esp_working_folder_clean (void);

G_END_DECLS
