/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-changes.h: what an operation did to the nodes, and how to undo it.
 *
 * Operations are carried out on the document's thread. There the values before are known for
 * certain, whatever is still on its way to the main thread; so the undo stacks live there, too. */
#pragma once

#include "esp-store.h"

G_BEGIN_DECLS

typedef struct _EspStep EspStep;

/* What one operation changed, for the nodes in memory. */
typedef struct
{
  GPtrArray *records;      /* of EspRecord, as they are now; new ones behind their parents */
  GPtrArray *instructions; /* of char *, used just now; or NULL */
  GPtrArray *sweeps;       /* of EspStoredSweep, new ones; or NULL */
  GArray *forgotten;       /* of gint64, gone for good; or NULL */
  EspStep *step;           /* what the undo stack gets after the commit; or NULL */
  int shift;               /* after the commit: -1 = a step was undone, 1 = redone */
  gboolean clears_undo;
} EspChanges;

EspChanges *_esp_changes_new (void) G_GNUC_WARN_UNUSED_RESULT;
void _esp_changes_free (EspChanges *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspChanges, _esp_changes_free)

/* Stores `after` (taken; id 0: a new node) in place of `before` (NULL for a new one). Notes it for
 * undo if the changes have a step. */
gboolean _esp_changes_put (EspChanges *self, EspStore *store, const EspRecord *before,
                           EspRecord *after, GError **error);

/* The record's instruction, if it has one, becomes the latest of those that are remembered. */
gboolean _esp_changes_note_instruction (EspChanges *self, EspStore *store, const EspRecord *record,
                                        GError **error);

void _esp_changes_add_sweep (EspChanges *self, gint64 id, const char *plan);

/* The operation can be undone under this title (taken). */
void _esp_changes_begin_step (EspChanges *self, char *title);
void _esp_changes_set_title (EspChanges *self, char *title);
gboolean _esp_changes_is_empty (EspChanges *self);

/* --- The stacks ---------------------------------------------------------------------------------
 */

typedef struct _EspUndo EspUndo;

EspUndo *_esp_undo_new (void) G_GNUC_WARN_UNUSED_RESULT;
void _esp_undo_free (EspUndo *self);

/* Writes the values before the last step (undo) or after the last undone one; FALSE with an error
 * if there is none. */
gboolean _esp_undo_apply (EspUndo *self, EspStore *store, gboolean undo, EspChanges *changes,
                          GError **error);

/* After the commit: takes the step, or moves one between the stacks. */
void _esp_undo_commit (EspUndo *self, EspChanges *changes);

const char *_esp_undo_get_title (EspUndo *self, gboolean undo); /* NULL: nothing to undo (redo) */

G_END_DECLS
