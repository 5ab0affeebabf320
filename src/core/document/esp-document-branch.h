/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-branch.h: several turns that build on each other, pictures of a document as new
 * beginnings in it, and turns that follow what is above them no longer. */
#pragma once

#include "esp-document.h"

G_BEGIN_DECLS

/* A turn of a branch that is added as a whole. */
typedef struct
{
  int above;           /* which of the turns before it is its parent; -1: the branch's own parent */
  EspNode *stands_for; /* references of the branch to this node become references to the new one;
                          or NULL */
  EspTurn turn;        /* `parameters` NULL: what `stands_for` asked for */
} EspBranchTurn;

/* Adds queued turns that build on each other below `parent`, in one transaction and one undoable
 * step that is called `title` (translated). */
void esp_document_add_branch_async (EspDocument *self, EspNode *parent, const EspBranchTurn *turns,
                                    guint n_turns, const char *title, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
/* In the order in which they were given. (element-type EspNode) (transfer container) */
GPtrArray *esp_document_add_branch_finish (EspDocument *self, GAsyncResult *result,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The picture that a node shows as a new root, as if it had been imported: nothing that is done
 * below it is measured against what came before. The bytes are stored once. `label`, or NULL, is
 * that of the new node. Undoable in one step. */
void esp_document_reroot_async (EspDocument *self, EspNode *node, const char *label,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
EspNode *esp_document_reroot_finish (EspDocument *self, GAsyncResult *result,
                                     GError **error); /* borrowed */

/* From now on the nodes do not follow what is above them (esp_node_is_outdated () is FALSE,
 * whatever becomes of their parents' pictures). Undoable in one step. Ends with
 * esp_document_edit_finish ().
 */
void esp_document_keep_as_is_async (EspDocument *self, GPtrArray *nodes, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
