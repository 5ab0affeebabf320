/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-document-private.h: a document from the inside, for the files that make it up. Main thread.
 */
#pragma once

#include "esp-document.h"
#include "esp-node-private.h"
#include "esp-readers.h"
#include "esp-writer.h"

G_BEGIN_DECLS

struct _EspDocument
{
  GObject parent_instance;

  EspWriter *writer;
  EspReaders *readers;
  GMainContext *context;

  GFile *file;
  char *title;
  gboolean in_library;
  EspDocumentAccess access;
  EspDocumentSaveState save_state;
  char *save_message;
  gboolean closed;

  GHashTable *nodes; /* EspNode by a pointer to the id in its record; deleted ones, too */
  GListStore *roots;
  guint n_nodes;           /* not deleted */
  GHashTable *sweeps;      /* EspStoredSweep by a pointer to its id */
  GPtrArray *instructions; /* of char *, latest last */
  char *undo_title;
  char *redo_title;

  EspNode *current;
  GHashTable *view;
  GHashTable *pending_view;   /* keys to be stored */
  GHashTable *pending_folded; /* ids, the same way */
  GSource *view_timer;

  GFileMonitor *monitor; /* of the file; NULL where there is none */
  GSource *look_timer;
};

/* --- esp-document.c --------------------------------------------------------------------------- */

EspDocument *_esp_document_new (void) G_GNUC_WARN_UNUSED_RESULT;
void _esp_document_set_file (EspDocument *self, GFile *file, gboolean in_library);
void _esp_document_set_access (EspDocument *self, EspDocumentAccess access);
void _esp_document_set_save_state (EspDocument *self, EspDocumentSaveState state,
                                   const char *message);
void _esp_document_set_titles (EspDocument *self, const char *undo_title, const char *redo_title);
void _esp_document_emit_current (EspDocument *self);
void _esp_document_emit_added (EspDocument *self, EspNode *node);
void _esp_document_emit_removed (EspDocument *self, EspNode *node);

/* Sends an operation to the document's thread; takes `data`. Not with ESP_CALL_VIEW. */
EspCall *_esp_document_start (EspDocument *self, EspCallKind kind, gpointer tag,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data, gpointer data, GDestroyNotify free_data);

/* Starts and sends an undoable operation on nodes; the data of its call is a GArray of their ids
 * (gint64). Refused at once where one of them is not this document's. */
void _esp_document_push_on_nodes (EspDocument *self, GPtrArray *nodes, EspCallWork work,
                                  gpointer tag, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);

/* For operations that are refused at once: returns the error, TRUE if there was one. */
gboolean _esp_document_refuse (EspDocument *self, EspNode *node, gpointer tag,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);

/* The same for text of more than a megabyte. */
gboolean _esp_document_refuse_text (EspDocument *self, const char *text, gpointer tag,
                                    GAsyncReadyCallback callback, gpointer user_data);
void _esp_document_fail (EspDocument *self, gpointer tag, GAsyncReadyCallback callback,
                         gpointer user_data, EspDocumentError code, const char *message);

/* Is it one of the document's, deleted or not? */
gboolean _esp_document_owns (EspDocument *self, EspNode *node);
EspNode *_esp_document_lookup (EspDocument *self, gint64 id);

/* --- esp-document-add.c ------------------------------------------------------------------------
 */

typedef struct _EspParts EspParts;

/* New nodes on their way. */
typedef struct
{
  GPtrArray *records; /* of EspRecord; the positions come later */
  GArray *ids;        /* of gint64, as they were stored */
  GBytes *bytes;      /* of an image, or NULL */
  EspPreparedImage *image;
  EspParts *parts; /* of a turn that is done, or NULL */
  gint64 sweep;    /* they are cells of it; 0: of none, or of a new one with this plan */
  char *plan;
  char *title; /* of the step, or NULL: not undoable */
} EspAdding;

EspAdding *_esp_adding_new (char *title) G_GNUC_WARN_UNUSED_RESULT;

/* A queued turn; `i`: how far its seed is from that of the first. */
EspRecord *_esp_document_new_turn_record (EspNode *parent, const EspTurn *turn,
                                          guint i) G_GNUC_WARN_UNUSED_RESULT;

/* For turns that are refused at once; as _esp_document_refuse (). */
gboolean _esp_document_refuse_turn (EspDocument *self, EspNode *parent, const EspTurn *turn,
                                    gpointer tag, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);

/* Takes `adding`; finishes with an array of nodes. */
void _esp_document_push_turns (EspDocument *self, EspAdding *adding, gpointer tag,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);

/* --- esp-document-parts.c ----------------------------------------------------------------------
 */

/* What is stored of a turn's pictures and beside them. */
struct _EspParts
{
  GBytes *bytes[ESP_NODE_PICTURE_MASK + 1]; /* by EspNodePicture; NULL: none */
  EspPreparedImage *images[ESP_NODE_PICTURE_MASK + 1];
  GBytes *latents;
  char *composition; /* NULL: stays as it is */
};

/* All may be NULL. */
EspParts *_esp_parts_new (GBytes *image, GBytes *raw, GBytes *mask, GBytes *latents,
                          const EspComposition *composition) G_GNUC_WARN_UNUSED_RESULT;
void _esp_parts_free (EspParts *parts);

/* On the thread: before the transaction, and in it. Parts that are NULL stay as they are in the
 * record. */
gboolean _esp_parts_prepare (EspParts *parts, GCancellable *cancellable, GError **error);
gboolean _esp_parts_store (EspParts *parts, EspStore *store, EspRecord *record, GError **error);

/* What a turn that asks for the same stores; NULL: for nothing of the kind. */
char *_esp_document_dup_asked (const EspComposition *composition) G_GNUC_WARN_UNUSED_RESULT;

/* It is made from what its parent shows now. */
gboolean _esp_record_note_source (EspRecord *record, EspStore *store, GError **error);

/* --- esp-document-sweep.c ----------------------------------------------------------------------
 */

void _esp_document_take_sweeps (EspDocument *self, GPtrArray *sweeps);
/* Cells that are beyond their sweep's plan are ordinary nodes. */
void _esp_document_settle_cell (EspDocument *self, EspRecord *record);
/* After a purge: those without a node are gone. */
void _esp_document_forget_sweeps (EspDocument *self);

/* --- esp-document-apply.c ----------------------------------------------------------------------
 */

/* Gives parents that are missing, deleted, or lead in a circle up; their nodes become roots.
 * Returns their ids. From any thread. */
GArray *_esp_records_repair (GPtrArray *records) G_GNUC_WARN_UNUSED_RESULT;

void _esp_document_take_contents (EspDocument *self, EspContents *contents);
void _esp_document_take_result (EspDocument *self, EspCall *call);

/* --- esp-document-view.c -----------------------------------------------------------------------
 */

void _esp_document_flush_view (EspDocument *self);
void _esp_document_choose_current (EspDocument *self);

/* --- esp-document-watch.c ----------------------------------------------------------------------
 */

void _esp_document_watch (EspDocument *self); /* its present file; called again for another */
void _esp_document_unwatch (EspDocument *self);

/* --- esp-document-open.c -----------------------------------------------------------------------
 */

/* A title as a file name that every system takes, without ".espalier". */
char *_esp_document_dup_file_title (const char *title) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
