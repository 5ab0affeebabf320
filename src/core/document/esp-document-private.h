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
