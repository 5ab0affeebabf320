/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document.h: one edit history: a tree of nodes in one file.
 *
 * A document is opened in one process for writing; its file is described in docs/file-format.md.
 * All functions are for one thread (the one whose default main context was current when the
 * document was opened); none blocks. Operations are carried out in the order in which they were
 * asked for, on a thread of the document; each is one transaction that is on the disk before its
 * callback runs and before the nodes show it. What a caller was told about is never lost. (What
 * views remember is not meant by this: it never makes a conflict, nor unsaved work.)
 *
 * Every operation with an EspNode fails with ESP_DOCUMENT_ERROR_READ_ONLY in a document that is not
 * writable. Cancelling the GCancellable of an operation that has begun to be stored has no effect.
 *
 * Signals:
 *   "node-added"    (EspNode)  also when undo brings one back
 *   "node-removed"  (EspNode)  deleted; also by undo
 *   "notify::title" "notify::can-undo" "notify::can-redo" "notify::current" "notify::save-state"
 *   "notify::access"
 */
#pragma once

#include "esp-node.h"

G_BEGIN_DECLS

/* SQLite's application id of documents: "Espl". */
#define ESP_DOCUMENT_APPLICATION_ID 0x4573706c

#define ESP_DOCUMENT_ERROR (esp_document_error_quark ())

typedef enum
{
  ESP_DOCUMENT_ERROR_OPEN,      /* missing, unreadable */
  ESP_DOCUMENT_ERROR_FORMAT,    /* no Espalier document, or a damaged one */
  ESP_DOCUMENT_ERROR_READ_ONLY, /* this document cannot be changed */
  ESP_DOCUMENT_ERROR_STORE,     /* the disk is full, the file system fails */
  ESP_DOCUMENT_ERROR_CONFLICT,  /* the person's file was changed by someone else meanwhile */
  ESP_DOCUMENT_ERROR_ARGUMENT,  /* no such node, a move into itself, megabytes of text, … */
  ESP_DOCUMENT_ERROR_IMAGE,     /* what was to be added is no picture that can be read */
} EspDocumentError;

GQuark esp_document_error_quark (void);

#define ESP_TYPE_DOCUMENT (esp_document_get_type ())

G_DECLARE_FINAL_TYPE (EspDocument, esp_document, ESP, DOCUMENT, GObject)

typedef enum
{
  ESP_DOCUMENT_WRITABLE,
  ESP_DOCUMENT_IN_USE,        /* another process has it open: read-only */
  ESP_DOCUMENT_NEWER,         /* written by a newer version: read-only */
  ESP_DOCUMENT_NO_PERMISSION, /* the file may not be written: read-only */
} EspDocumentAccess;

typedef enum
{
  ESP_DOCUMENT_SAVED,   /* the person's file is up to date */
  ESP_DOCUMENT_SAVING,  /* it will be within two seconds */
  ESP_DOCUMENT_UNSAVED, /* it could not be written (see the message); everything is safe in the
                           working copy */
  ESP_DOCUMENT_CHANGED_ELSEWHERE, /* someone else changed it; nothing is written until the person
                                     decides */
} EspDocumentSaveState;

/* --- Open, save, close ------------------------------------------------------------------------ */

/* A new document in the library (esp_document_library_dup_path ()), named after `title` ("Harbour"
 * becomes Harbour.espalier, or Harbour 2.espalier); or at `file` if that is not NULL, which must
 * not exist yet. */
void esp_document_create_async (GFile *file, const char *title, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
EspDocument *esp_document_create_finish (GAsyncResult *result,
                                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum
{
  ESP_DOCUMENT_OPEN_DEFAULT = 0,
  ESP_DOCUMENT_OPEN_READ_ONLY = 1 << 0,
} EspDocumentOpenFlags;

/* Opens a document; all nodes are there when this finishes, no image is read. */
void esp_document_open_async (GFile *file, EspDocumentOpenFlags flags, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
EspDocument *esp_document_open_finish (GAsyncResult *result,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Carries out what was asked for, brings the file up to date, lets go of it. The nodes stay
 * readable. What cannot be brought into the file stays in the working copy, or, if a file of the
 * library is not there any more, becomes another document (esp_document_put_aside_async ()). A
 * document that is dropped without this loses nothing either: its working copy is taken up at the
 * next opening. */
void esp_document_close_async (EspDocument *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_document_close_finish (EspDocument *self, GAsyncResult *result, GError **error);

/* Brings the person's file up to date now. */
void esp_document_save_async (EspDocument *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_document_save_finish (EspDocument *self, GAsyncResult *result, GError **error);

/* From now on the document is `file` (replaced if it exists). A document of the library moves
 * there; the old file of another one stays as it was last saved. */
void esp_document_save_as_async (EspDocument *self, GFile *file, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_document_save_as_finish (EspDocument *self, GAsyncResult *result, GError **error);

/* What to do after ESP_DOCUMENT_CHANGED_ELSEWHERE: write this state over the other one. (The other
 * ways out are esp_document_save_as_async (), and esp_document_put_aside_async (), closing and
 * opening the file again.) */
void esp_document_overwrite_async (EspDocument *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_document_overwrite_finish (EspDocument *self, GAsyncResult *result, GError **error);

/* What was done and is not in the person's file moves into the library: from now on the document is
 * "TITLE (Unsaved Version).espalier" there, under the first name that is free. Finishes with that
 * file; or with NULL and no error where everything is in the person's file, and nothing happened.
 */
void esp_document_put_aside_async (EspDocument *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
GFile *esp_document_put_aside_finish (EspDocument *self, GAsyncResult *result,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

GFile *esp_document_get_file (EspDocument *self);
const char *esp_document_get_title (EspDocument *self); /* the file's name without ".espalier" */
gboolean esp_document_is_in_library (EspDocument *self);
EspDocumentAccess esp_document_get_access (EspDocument *self);
EspDocumentSaveState esp_document_get_save_state (EspDocument *self);
const char *esp_document_get_save_message (
    EspDocument *self); /* or NULL; a sentence for the person */

/* $XDG_DATA_HOME/espalier/documents; made if missing. */
char *esp_document_library_dup_path (void) G_GNUC_WARN_UNUSED_RESULT;

/* --- Reading ---------------------------------------------------------------------------------- */

GListModel *esp_document_get_roots (EspDocument *self); /* of EspNode */
guint esp_document_get_n_nodes (EspDocument *self);     /* without those deleted */
EspNode *esp_document_get_node (EspDocument *self,
                                gint64 id); /* borrowed; NULL if unknown or deleted */

/* Every node that is not deleted, parents before children, in order of id. */
GPtrArray *esp_document_dup_nodes (EspDocument *self)
    G_GNUC_WARN_UNUSED_RESULT; /* (element-type EspNode) (transfer container) */

/* The nodes whose instruction, negative prompt, label, note or file name contain every word of
 * `text` (beginnings of words, in any case, with or without accents), in order of id. */
GPtrArray *esp_document_find (EspDocument *self, const char *text) G_GNUC_WARN_UNUSED_RESULT;

/* Earlier instructions, latest first, each once; those of deleted and purged turns, too. */
char **esp_document_dup_instructions (EspDocument *self) G_GNUC_WARN_UNUSED_RESULT;

/* The original bytes of a node's image. */
void esp_document_load_image_async (EspDocument *self, EspNode *node, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
GBytes *esp_document_load_image_finish (EspDocument *self, GAsyncResult *result,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The image, decoded. */
void esp_document_load_picture_async (EspDocument *self, EspNode *node, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data);
EspPicture *esp_document_load_picture_finish (EspDocument *self, GAsyncResult *result,
                                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same of what it was put together of (esp_node_has_picture ()). */
void esp_document_load_node_bytes_async (EspDocument *self, EspNode *node, EspNodePicture which,
                                         GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer user_data);
GBytes *esp_document_load_node_bytes_finish (EspDocument *self, GAsyncResult *result,
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
void esp_document_load_node_picture_async (EspDocument *self, EspNode *node, EspNodePicture which,
                                           GCancellable *cancellable, GAsyncReadyCallback callback,
                                           gpointer user_data);
EspPicture *esp_document_load_node_picture_finish (EspDocument *self, GAsyncResult *result,
                                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the node's turn left for the next one (EspBackendResult.latents). */
void esp_document_load_latents_async (EspDocument *self, EspNode *node, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data);
GBytes *esp_document_load_latents_finish (EspDocument *self, GAsyncResult *result,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

#define ESP_THUMBNAIL_SMALL 96 /* px of the longer side, at most */
#define ESP_THUMBNAIL_LARGE 384

/* The stored thumbnail (made again if it is missing). */
void esp_document_load_thumbnail_async (EspDocument *self, EspNode *node, int size,
                                        GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data);
EspPicture *esp_document_load_thumbnail_finish (EspDocument *self, GAsyncResult *result,
                                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- The view (stored, but no change of the document: not undone, writes no file by itself) -----
 */

EspNode *esp_document_get_current (
    EspDocument *self); /* the node shown; NULL in an empty document */
void esp_document_set_current (EspDocument *self, EspNode *node);

/* Small values that windows remember, by key ("history.zoom"). NULL where there is none. */
const char *esp_document_get_view (EspDocument *self, const char *key);
void esp_document_set_view (EspDocument *self, const char *key, const char *value);

/* Folds a branch in views. */
void esp_document_set_folded (EspDocument *self, EspNode *node, gboolean folded);

/* --- Adding ----------------------------------------------------------------------------------- */

/* A picture as bytes in a format that esp_picture_load_bytes () reads; stored as they are. `parent`
 * may be NULL (a new root); `file_name` for people, or NULL. Finishes with the new node. */
void esp_document_import_async (EspDocument *self, GBytes *bytes, const char *file_name,
                                EspNode *parent, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
EspNode *esp_document_import_finish (EspDocument *self, GAsyncResult *result,
                                     GError **error); /* borrowed */

/* What a turn asks for. Everything is copied. */
typedef struct
{
  const char *instruction;
  const char *negative_prompt; /* or NULL */
  const char *backend;
  const char *model;      /* or NULL */
  const char *model_name; /* or NULL */
  JsonObject *parameters; /* or NULL; without prompt, negative_prompt, seed */
  gboolean has_seed;
  guint64 seed;               /* of the first; the others have the consecutive ones */
  EspNode *const *references; /* further images, or NULL */
  guint n_references;
  const EspComposition *composition; /* what it asks for (keep, region, grow, feather); NULL:
                                        ESP_KEEP_OFF and no region */
} EspTurn;

/* Adds `count` (1…8) queued turns below `parent` in one undoable step. */
void esp_document_add_turns_async (EspDocument *self, EspNode *parent, const EspTurn *turn,
                                   guint count, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *esp_document_add_turns_finish (EspDocument *self, GAsyncResult *result, GError **error)
    G_GNUC_WARN_UNUSED_RESULT; /* (element-type EspNode) (transfer container) */

/* A cell of a sweep. */
typedef struct
{
  guint cell;
  gboolean draft;
  EspNode *parent;
  EspTurn turn;
} EspSweepTurn;

/* Adds queued turns as cells of the sweep `sweep`, or of a new one with that plan (0; JSON of
 * esp-sweep-plan.h), in one transaction and one undoable step. `sweep` receives the id; the nodes
 * are in the order of `turns`. */
void esp_document_add_sweep_async (EspDocument *self, gint64 sweep, const char *plan,
                                   const EspSweepTurn *turns, guint n_turns,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
GPtrArray *esp_document_add_sweep_finish (EspDocument *self, GAsyncResult *result, gint64 *sweep,
                                          GError **error)
    G_GNUC_WARN_UNUSED_RESULT; /* (element-type EspNode) (transfer container) */

/* The stored plan of a sweep; NULL if there is none. */
const char *esp_document_get_sweep_plan (EspDocument *self, gint64 sweep);
/* Of all sweeps that were ever stored and not purged, oldest first. (element-type gint64) */
GArray *esp_document_dup_sweeps (EspDocument *self) G_GNUC_WARN_UNUSED_RESULT;

/* A new queued sibling that asks for the same, with `seed` instead of the node's if `has_seed`. */
void esp_document_duplicate_async (EspDocument *self, EspNode *node, gboolean has_seed,
                                   guint64 seed, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
EspNode *esp_document_duplicate_finish (EspDocument *self, GAsyncResult *result,
                                        GError **error); /* borrowed */

/* --- What becomes of a turn (for EspQueue; not undoable) -----------------------------------------
 */

/* `message` for ESP_NODE_FAILED and ESP_NODE_BLOCKED; `remote_job` as it is from now on, or NULL.
 * With ESP_NODE_RUNNING the document notes what the parent shows as the picture that the turn is
 * made from (ESP_NODE_PICTURE_SOURCE), unless it is gone on with under the same `remote_job`. */
void esp_document_set_state_async (EspDocument *self, EspNode *node, EspNodeState state,
                                   const char *message, const char *remote_job,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
gboolean esp_document_set_state_finish (EspDocument *self, GAsyncResult *result, GError **error);

/* What a backend made. */
typedef struct
{
  GBytes *image;     /* what is shown: the original bytes, or a composite of them as PNG */
  gboolean has_seed; /* as used */
  guint64 seed;
  double seconds;         /* < 0 unknown */
  double cost;            /* < 0 unknown */
  const char *currency;   /* or NULL */
  JsonObject *timings;    /* or NULL */
  JsonObject *parameters; /* as used, or NULL to keep those asked for */
  const char *model_hash; /* or NULL */
  const char *model_name; /* or NULL */
  const char *remote_job; /* the provider's id of the job, or NULL */

  GBytes *raw;     /* the original bytes where `image` is a composite; else NULL */
  GBytes *mask;    /* PNG, or NULL */
  GBytes *latents; /* EspBackendResult.latents, or NULL */
  const EspComposition *composition; /* what came of it; NULL: it stays as it was asked for */
} EspTurnOutcome;

/* Stores the image and makes the node ESP_NODE_DONE, in one transaction. */
void esp_document_finish_turn_async (EspDocument *self, EspNode *node,
                                     const EspTurnOutcome *outcome, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_document_finish_turn_finish (EspDocument *self, GAsyncResult *result, GError **error);

/* What came of a turn that runs, before its picture is put together (`outcome->image` and
 * `latents`, and all but `remote_job`, the other pictures and the composition): stored as the
 * node's ESP_NODE_PICTURE_RAW, so that it is not lost should the program end now. The node stays
 * ESP_NODE_RUNNING without an image. Ends with esp_document_finish_turn_finish (). */
void esp_document_keep_result_async (EspDocument *self, EspNode *node,
                                     const EspTurnOutcome *outcome, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);

/* A further image that came of the same turn: a new sibling that is ESP_NODE_DONE. */
void esp_document_add_made_async (EspDocument *self, EspNode *node, const EspTurnOutcome *outcome,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
EspNode *esp_document_add_made_finish (EspDocument *self, GAsyncResult *result,
                                       GError **error); /* borrowed */

/* --- Undoable operations on nodes ------------------------------------------------------------- */

/* These share a finish function. `nodes` are (element-type EspNode). */
void esp_document_set_label_async (EspDocument *self, EspNode *node, const char *label,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
void esp_document_set_note_async (EspDocument *self, EspNode *node, const char *note,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
void esp_document_set_stars_async (EspDocument *self, GPtrArray *nodes, int stars,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
void esp_document_set_tag_async (EspDocument *self, GPtrArray *nodes, int tag,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
void esp_document_set_rejected_async (EspDocument *self, GPtrArray *nodes, gboolean rejected,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);

/* Deletes the nodes with all below them, softly: undo brings them back, purge does not. */
void esp_document_delete_async (EspDocument *self, GPtrArray *nodes, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);

/* A branch that was deleted and neither brought back nor purged, in this session or an earlier one.
 */
typedef struct
{
  EspNode *node; /* the topmost of it, of which esp_document_load_thumbnail_async () knows */
  guint n_nodes; /* it and all below it */
  gint64 latest; /* when the newest of them was made: µs since 1970 */
} EspDeletedBranch;

void esp_deleted_branch_free (EspDeletedBranch *branch);

/* All of them, that with the newest turn first. */
GPtrArray *esp_document_dup_deleted (EspDocument *self)
    G_GNUC_WARN_UNUSED_RESULT; /* (element-type EspDeletedBranch) (transfer full) */

/* Brings deleted nodes back with all that is below them, and what is deleted above them. Turns that
 * were waiting or running are stopped ones then. Those that are there already stay as they are.
 */
void esp_document_restore_async (EspDocument *self, GPtrArray *nodes, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);

/* Hangs a node (with all below it) under another parent (NULL: makes it a root), at `position`
 * among its new siblings (G_MAXUINT: the end). */
void esp_document_move_async (EspDocument *self, EspNode *node, EspNode *parent, guint position,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);

/* Puts a finished turn's picture together anew: `image` (PNG; NULL: what the backend made becomes
 * the image) and `mask` (PNG before it is grown and feathered; NULL: none) take the place of those
 * that were there; `composition` says what came of it. Children become outdated. `title`: of the
 * undo step, translated. Fails with ESP_DOCUMENT_ERROR_ARGUMENT where what the backend made was
 * forgotten. See esp-recompose.h for who makes them. */
void esp_document_set_composition_async (EspDocument *self, EspNode *node,
                                         const EspComposition *composition, GBytes *image,
                                         GBytes *mask, const char *title, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);

/* Forgets what only a change of the mask, or a next turn of the local engine, would need: raw,
 * mask, latents, and sources that no node shows. The pictures stay. Undoable until a purge, which
 * gives the space back. */
void esp_document_forget_parts_async (EspDocument *self, GPtrArray *nodes,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);

/* Copies a branch (`node` NULL: everything) of `source` below `parent` (NULL: as roots) of `self`.
 * Both are this thread's. Turns that are queued or running arrive as cancelled. */
void esp_document_copy_async (EspDocument *self, EspDocument *source, EspNode *node,
                              EspNode *parent, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);

/* Imports what a node of another document shows, as the last root: a turn that is made of it comes
 * out as it would there, since the latents of the node's own turn come along. Undone like a copy;
 * ends with esp_document_edit_finish (). */
void esp_document_copy_picture_async (EspDocument *self, EspDocument *source, EspNode *node,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);

gboolean esp_document_edit_finish (EspDocument *self, GAsyncResult *result, GError **error);

gboolean esp_document_can_undo (EspDocument *self);
gboolean esp_document_can_redo (EspDocument *self);
char *esp_document_dup_undo_title (EspDocument *self)
    G_GNUC_WARN_UNUSED_RESULT; /* "Delete 3 Turns", or NULL */
char *esp_document_dup_redo_title (EspDocument *self) G_GNUC_WARN_UNUSED_RESULT;
void esp_document_undo_async (EspDocument *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
void esp_document_redo_async (EspDocument *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);

/* --- Space and health ------------------------------------------------------------------------- */

typedef struct
{
  guint n_nodes, n_deleted, n_images; /* images: distinct, deleted nodes' included */
  guint64 image_bytes;                /* of all images */
  guint64 latent_bytes;               /* of what is kept for next turns (esp_node_has_latents ()) */
  guint64 deleted_bytes;              /* what a purge would free, about */
  guint64 file_bytes;
  gint64 created;
} EspDocumentStatistics;

void esp_document_measure_async (EspDocument *self, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_document_measure_finish (EspDocument *self, GAsyncResult *result,
                                      EspDocumentStatistics *statistics, GError **error);

/* Forgets deleted nodes and their images for good and shrinks the file. Clears undo and redo. Their
 * instructions stay known (esp_document_dup_instructions ()). Ends with esp_document_edit_finish
 * (). */
void esp_document_purge_async (EspDocument *self, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);

/* Checks the database and every image's hash. `problems` receives a sentence for each fault,
 * (element-type utf8). */
void esp_document_verify_async (EspDocument *self, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean esp_document_verify_finish (EspDocument *self, GAsyncResult *result, guint *n_images,
                                     guint *n_nodes, GPtrArray **problems, GError **error);

G_END_DECLS
