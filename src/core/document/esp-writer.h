/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-writer.h: the thread of a document: carries out its operations one after the other, each as
 * one transaction, and keeps the person's file up to date. */
#pragma once

#include "esp-changes.h"
#include "esp-readers.h"
#include "esp-working-copy.h"

G_BEGIN_DECLS

typedef struct _EspWriter EspWriter;
typedef struct _EspCall EspCall;

typedef enum
{
  ESP_CALL_CONTROL, /* `work` is called without a transaction */
  ESP_CALL_EDIT,    /* in a transaction; the person's file is out of date then */
  ESP_CALL_VIEW,    /* in a transaction if there is a working copy, else not at all */
} EspCallKind;

typedef gboolean (*EspCallWork) (EspCall *call, EspWriter *writer, GError **error);

struct _EspCall
{
  EspCallKind kind;
  GTask *task; /* its source is the document; NULL for ESP_CALL_VIEW */

  /* On the thread. `prepare` comes before the transaction: what takes long. Either may be NULL. */
  gboolean (*prepare) (EspCall *call, GError **error);
  EspCallWork work;

  /* On the main thread, when the nodes show `changes`; NULL: returns TRUE from the task. */
  void (*finish) (EspCall *call);

  gpointer data;
  GDestroyNotify free_data;

  /* Set by the writer. */
  EspChanges *changes;
  GError *error;
  char *undo_title;
  char *redo_title;
};

EspCall *_esp_call_new (EspCallKind kind, GTask *task, gpointer data,
                        GDestroyNotify free_data) G_GNUC_WARN_UNUSED_RESULT;
void _esp_call_free (EspCall *call);
GCancellable *_esp_call_get_cancellable (EspCall *call);

/* Starts the thread. */
EspWriter *_esp_writer_new (EspDocument *document, EspReaders *readers) G_GNUC_WARN_UNUSED_RESULT;

/* Takes the call. */
void _esp_writer_push (EspWriter *self, EspCall *call);

/* Carries out what was pushed, then ends by itself. Nobody waits. */
void _esp_writer_stop (EspWriter *self);

/* --- On the thread ---------------------------------------------------------------------------- */

EspStore *_esp_writer_get_store (EspWriter *self); /* within a transaction */
EspUndo *_esp_writer_get_undo (EspWriter *self);

/* What the main thread needs to begin with. */
typedef struct
{
  GPtrArray *records;
  GPtrArray *sweeps; /* of EspStoredSweep */
  GHashTable *view;
  GPtrArray *instructions;
  EspDocumentAccess access;
  GFile *file;
  gboolean in_library;
  gboolean dirty; /* there is more than in the person's file, from before a crash */
} EspContents;

void _esp_contents_free (EspContents *contents);

gboolean _esp_writer_open (EspWriter *self, GFile *file, gboolean create,
                           EspDocumentOpenFlags flags, EspContents **contents,
                           GCancellable *cancellable, GError **error);
/* Has someone else changed the person's file, or put it right again? Tells the document. */
void _esp_writer_look (EspWriter *self);
gboolean _esp_writer_publish (EspWriter *self, gboolean overwrite, GError **error);
/* Is there what the person did and cannot be brought into the file (it is tried)? */
gboolean _esp_writer_has_unsaved (EspWriter *self);
/* And would closing lose it? There is no working copy of what is in the library. */
gboolean _esp_writer_would_lose (EspWriter *self);
gboolean _esp_writer_move (EspWriter *self, GFile *file, gboolean *in_library,
                           EspDocumentAccess *access, GError **error);
gboolean _esp_writer_close (EspWriter *self, GError **error);

/* Runs statements that no transaction may hold (VACUUM). */
gboolean _esp_writer_exec (EspWriter *self, const char *sql, GError **error);

G_END_DECLS
