/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-writer.c: the thread that changes a document's database and publishes it. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-writer.h"

#include "esp-document-private.h"

#include <glib/gi18n-lib.h>

/* A change is in the person's file within two seconds. What follows upon a pause goes out at once,
 * but for a moment in which more may come; then the disk rests as long as it worked, which matters
 * for gigabytes on a slow one. */
#define PUBLISH_DELAY (G_USEC_PER_SEC / 4)
#define PUBLISH_REST  (G_USEC_PER_SEC)
#define RETRY_DELAY   (15 * G_USEC_PER_SEC)

/* Copying a larger file is felt at the first change and is therefore begun before it. */
#define AHEAD_BYTES (G_GINT64_CONSTANT (64) << 20)
#define AHEAD_DELAY (G_USEC_PER_SEC)

/* One publication, on a thread of its own, so that changes need not wait for gigabytes. */
typedef struct
{
  EspWorkingCopy *copy;
  GAsyncQueue *calls; /* of the document's thread, which is woken at the end */
  gboolean overwrite;
  gboolean edited, viewed; /* the writer's, before it */
  GThread *thread;
  GError *error; /* NULL: it worked */
  gint ended;    /* atomic */
} Publication;

/* To the document, for the main thread: were it asked for here, this thread might be the one that
 * drops the document last. Shared by reference count. */
typedef struct
{
  GWeakRef document;
} Link;

struct _EspWriter
{
  GAsyncQueue *calls;
  GMainContext *context;
  Link *link;
  EspReaders *readers;

  /* The thread's own. */
  EspWorkingCopy *copy; /* NULL before opening and after closing */
  EspStore *store;      /* NULL before the first change */
  EspUndo *undo;
  GArray *repairs; /* of gint64: nodes whose parent in the file makes no sense */
  char *name;
  EspDocumentAccess access;
  gint64 publish_at;        /* monotonic time; 0: nothing to publish */
  gint64 rest_until;        /* no publication by itself before */
  Publication *publication; /* under way, or ended and not looked at yet */
  gboolean edited;          /* since the last publication was begun, or it failed */
  gboolean viewed;          /* the same of what views remember */
  gboolean failed;          /* the last publication; told, and not to be hidden by a change */
  gboolean conflict;        /* nothing is published by itself until the person has decided */
  gboolean opened;
  gboolean stopped;
};

/* --- Calls ------------------------------------------------------------------------------------ */

EspCall *
_esp_call_new (EspCallKind kind, GTask *task, gpointer data, GDestroyNotify free_data)
{
  EspCall *call = g_new0 (EspCall, 1);

  call->kind = kind;
  call->task = task != NULL ? g_object_ref (task) : NULL;
  call->data = data;
  call->free_data = free_data;
  return call;
}

void
_esp_call_free (EspCall *call)
{
  if (call == NULL)
    return;
  if (call->free_data != NULL && call->data != NULL)
    call->free_data (call->data);
  _esp_changes_free (call->changes);
  g_clear_error (&call->error);
  g_free (call->undo_title);
  g_free (call->redo_title);
  g_clear_object (&call->task);
  g_free (call);
}

GCancellable *
_esp_call_get_cancellable (EspCall *call)
{
  return call->task != NULL ? g_task_get_cancellable (call->task) : NULL;
}

static gboolean
show_call (gpointer data)
{
  EspCall *call = data;

  if (call->task != NULL)
    _esp_document_take_result (ESP_DOCUMENT (g_task_get_source_object (call->task)), call);
  return G_SOURCE_REMOVE;
}

/* To the document's main context, behind all that went there before; never by a direct call, which
 * g_main_context_invoke () might make. */
static void
send (EspWriter *self, GSourceFunc function, gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, function, data, destroy);
  g_source_attach (source, self->context);
}

static void
clear_link (gpointer data)
{
  g_weak_ref_clear (&((Link *) data)->document);
}

typedef struct
{
  Link *link;
  EspDocumentSaveState state;
  char *message;
} SaveNews;

static void
free_save_news (gpointer data)
{
  SaveNews *news = data;

  g_atomic_rc_box_release_full (news->link, clear_link);
  g_free (news->message);
  g_free (news);
}

static gboolean
show_save_news (gpointer data)
{
  SaveNews *news = data;
  g_autoptr (EspDocument) document = g_weak_ref_get (&news->link->document);

  if (document != NULL)
    _esp_document_set_save_state (document, news->state, news->message);
  return G_SOURCE_REMOVE;
}

static void
tell_save_state (EspWriter *self, EspDocumentSaveState state, const char *message)
{
  SaveNews *news = g_new0 (SaveNews, 1);

  news->link = g_atomic_rc_box_acquire (self->link);
  news->state = state;
  news->message = g_strdup (message);
  send (self, show_save_news, news, free_save_news);
}

/* --- The database ----------------------------------------------------------------------------- */

EspStore *
_esp_writer_get_store (EspWriter *self)
{
  return self->store;
}

EspUndo *
_esp_writer_get_undo (EspWriter *self)
{
  return self->undo;
}

static void
set_closed_error (GError **error)
{
  g_set_error_literal (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN,
                       _ ("The document is closed"));
}

/* Parents that were made roots when they were read become roots in the file, too. */
static gboolean
repair (EspWriter *self, GError **error)
{
  sqlite3_stmt *statement;

  if (self->repairs == NULL || self->repairs->len == 0)
    return TRUE;
  if (!_esp_store_begin (self->store, error))
    return FALSE;
  statement
      = _esp_store_prepare (self->store, "UPDATE nodes SET parent = NULL WHERE id = ?1", error);
  for (guint i = 0; statement != NULL && i < self->repairs->len; i++)
    {
      sqlite3_bind_int64 (statement, 1, g_array_index (self->repairs, gint64, i));
      if (!_esp_store_run (self->store, statement, error))
        statement = NULL;
    }
  if (statement == NULL)
    {
      _esp_store_rollback (self->store);
      return FALSE;
    }
  if (!_esp_store_commit (self->store, error))
    return FALSE;
  /* By the time that the file is opened for writing again they may have parents. */
  g_array_set_size (self->repairs, 0);
  return TRUE;
}

static void
open_readers (EspWriter *self)
{
  _esp_readers_open (self->readers, esp_working_copy_get_path (self->copy), self->name,
                     esp_working_copy_is_immutable (self->copy) ? ESP_STORE_IMMUTABLE
                                                                : ESP_STORE_READ);
}

/* The working database, open for writing: made at the first change. */
static gboolean
ensure_store (EspWriter *self, gboolean create, GError **error)
{
  const gboolean was_immutable = esp_working_copy_is_immutable (self->copy);

  if (self->store != NULL)
    return TRUE;
  if (self->access != ESP_DOCUMENT_WRITABLE)
    {
      g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_READ_ONLY,
                   _ ("“%s” cannot be changed"), self->name);
      return FALSE;
    }
  if (!esp_working_copy_prepare (self->copy, error))
    return FALSE;
  self->store = _esp_store_open (esp_working_copy_get_path (self->copy), self->name,
                                 create ? ESP_STORE_CREATE : ESP_STORE_WRITE, error);
  if (self->store == NULL || !repair (self, error))
    {
      g_clear_pointer (&self->store, _esp_store_free);
      return FALSE;
    }
  if (was_immutable)
    open_readers (self);
  return TRUE;
}

static char *
dup_name (GFile *file)
{
  g_autofree char *base = g_file_get_basename (file);

  return g_filename_display_name (base != NULL ? base : "?");
}

void
_esp_contents_free (EspContents *contents)
{
  if (contents == NULL)
    return;
  g_clear_pointer (&contents->records, g_ptr_array_unref);
  g_clear_pointer (&contents->sweeps, g_ptr_array_unref);
  g_clear_pointer (&contents->view, g_hash_table_unref);
  g_clear_pointer (&contents->instructions, g_ptr_array_unref);
  g_clear_object (&contents->file);
  g_free (contents);
}

static gboolean
read_contents (EspWriter *self, EspContents *contents, GCancellable *cancellable, GError **error)
{
  EspStore *store = _esp_readers_acquire (self->readers, error);

  if (store == NULL)
    return FALSE;
  contents->records = _esp_store_read_nodes (store, cancellable, error);
  if (contents->records != NULL)
    contents->sweeps = _esp_store_read_sweeps (store, error);
  if (contents->sweeps != NULL)
    contents->view = _esp_store_read_view (store, error);
  if (contents->view != NULL)
    contents->instructions = _esp_store_read_instructions (store, error);
  if (_esp_store_get_version (store) > ESP_STORE_VERSION && self->access == ESP_DOCUMENT_WRITABLE)
    self->access = ESP_DOCUMENT_NEWER;
  _esp_readers_release (self->readers, store);
  if (contents->instructions == NULL)
    return FALSE;
  self->repairs = _esp_records_repair (contents->records);
  return TRUE;
}

static gboolean
make_in_place (EspWriter *self, GError **error)
{
  EspStore *store = _esp_store_open (esp_working_copy_get_path (self->copy), self->name,
                                     ESP_STORE_CREATE, error);

  gboolean ok;

  if (store == NULL)
    return FALSE;
  /* Closing would do it, too, but not tell that the disk was full. */
  ok = _esp_store_empty_log (store, error);
  _esp_store_free (store);
  return ok && esp_working_copy_place (self->copy, error);
}

static gboolean
open_database (EspWriter *self, gboolean create, EspContents *contents, GCancellable *cancellable,
               GError **error)
{
  self->access = esp_working_copy_get_access (self->copy);
  if (create && esp_working_copy_is_in_place (self->copy) && !make_in_place (self, error))
    return FALSE;
  if (create && !ensure_store (self, TRUE, error))
    return FALSE;
  open_readers (self);
  if (!read_contents (self, contents, cancellable, error))
    return FALSE;
  contents->access = self->access;
  contents->file = g_object_ref (esp_working_copy_get_file (self->copy));
  contents->in_library = esp_working_copy_is_in_place (self->copy);
  contents->dirty
      = self->access == ESP_DOCUMENT_WRITABLE && esp_working_copy_is_recovered (self->copy);
  return !create || esp_working_copy_publish (self->copy, FALSE, error);
}

static void
copy_ahead (EspWriter *self)
{
  if (self->access == ESP_DOCUMENT_WRITABLE
      && esp_working_copy_get_size (self->copy) >= AHEAD_BYTES)
    esp_working_copy_copy_ahead (self->copy, AHEAD_DELAY);
}

gboolean
_esp_writer_open (EspWriter *self, GFile *file, gboolean create, EspDocumentOpenFlags flags,
                  EspContents **contents, GCancellable *cancellable, GError **error)
{
  EspContents *found;

  self->name = dup_name (file);
  self->copy = esp_working_copy_open (file, create, flags, cancellable, error);
  if (self->copy == NULL)
    return FALSE;
  found = g_new0 (EspContents, 1);
  if (!open_database (self, create, found, cancellable, error))
    {
      _esp_contents_free (found);
      _esp_writer_close (self, NULL);
      return FALSE;
    }
  self->opened = TRUE;
  self->edited = found->dirty;
  if (found->dirty)
    self->publish_at = g_get_monotonic_time () + PUBLISH_DELAY;
  copy_ahead (self);
  *contents = found;
  return TRUE;
}

/* --- The person's file ------------------------------------------------------------------------ */

static gpointer
run_publication (gpointer data)
{
  Publication *publication = data;

  esp_working_copy_publish (publication->copy, publication->overwrite, &publication->error);
  g_atomic_int_set (&publication->ended, TRUE);
  g_async_queue_push (publication->calls, _esp_call_new (ESP_CALL_VIEW, NULL, NULL, NULL));
  return NULL;
}

static void
begin_publication (EspWriter *self, gboolean overwrite)
{
  Publication *publication = g_new0 (Publication, 1);

  publication->copy = self->copy;
  publication->calls = self->calls;
  publication->overwrite = overwrite;
  publication->edited = self->edited;
  publication->viewed = self->viewed;
  self->edited = self->viewed = FALSE;
  self->publication = publication;
  self->publish_at = 0;
  publication->thread = g_thread_new ("publish", run_publication, publication);
}

/* Waits for the one under way and sees what became of it. TRUE if there was none. */
static gboolean
end_publication (EspWriter *self, GError **error)
{
  Publication *publication = self->publication;
  gint64 now;
  gboolean ok;

  if (publication == NULL)
    return TRUE;
  /* Its thread may not have looked at it yet. */
  g_thread_join (publication->thread);
  self->publication = NULL;
  now = g_get_monotonic_time ();
  ok = publication->error == NULL;
  if (ok)
    {
      self->conflict = self->failed = FALSE;
      self->rest_until = now + MAX (PUBLISH_REST, esp_working_copy_get_publish_time (self->copy));
      if (self->publish_at != 0)
        self->publish_at = MAX (self->publish_at, self->rest_until);
      if (self->publish_at == 0)
        tell_save_state (self, ESP_DOCUMENT_SAVED, NULL);
    }
  else if (!publication->edited && !publication->overwrite)
    {
      g_debug ("The view of “%s” stays as it was: %s", self->name, publication->error->message);
      self->viewed = TRUE;
      g_propagate_error (error, g_steal_pointer (&publication->error));
    }
  else
    {
      self->edited |= publication->edited;
      self->viewed |= publication->viewed;
      self->conflict
          = g_error_matches (publication->error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_CONFLICT);
      self->failed = TRUE;
      self->publish_at = self->conflict ? 0 : now + RETRY_DELAY;
      tell_save_state (self, self->conflict ? ESP_DOCUMENT_CHANGED_ELSEWHERE : ESP_DOCUMENT_UNSAVED,
                       publication->error->message);
      g_propagate_error (error, g_steal_pointer (&publication->error));
    }
  g_free (publication);
  if (!self->edited && self->viewed)
    esp_working_copy_set_edited (self->copy, FALSE, NULL);
  return ok;
}

/* What views remember goes with changes, but causes none, and nobody is asked about it. */
static void
publish_view (EspWriter *self)
{
  if (!self->viewed || esp_working_copy_is_file_changed (self->copy))
    return;
  begin_publication (self, FALSE);
  end_publication (self, NULL);
}

gboolean
_esp_writer_publish (EspWriter *self, gboolean overwrite, GError **error)
{
  if (self->copy == NULL)
    {
      set_closed_error (error);
      return FALSE;
    }
  end_publication (self, NULL);
  if (!overwrite && self->publish_at == 0 && !self->edited)
    {
      publish_view (self);
      return TRUE;
    }
  if (overwrite) /* the person has decided for it */
    {
      self->edited = TRUE;
      if (!esp_working_copy_set_edited (self->copy, TRUE, error))
        return FALSE;
    }
  begin_publication (self, overwrite);
  return end_publication (self, error);
}

gboolean
_esp_writer_has_unsaved (EspWriter *self)
{
  if (self->copy == NULL)
    return FALSE;
  end_publication (self, NULL);
  return self->edited
         && (esp_working_copy_is_file_changed (self->copy)
             || !_esp_writer_publish (self, FALSE, NULL));
}

gboolean
_esp_writer_would_lose (EspWriter *self)
{
  return self->copy != NULL && esp_working_copy_is_in_place (self->copy) && self->edited
         && esp_working_copy_is_file_changed (self->copy);
}

void
_esp_writer_look (EspWriter *self)
{
  g_autofree char *message = NULL;
  gboolean changed;

  /* A publication finds out by itself. */
  if (self->copy == NULL || self->access != ESP_DOCUMENT_WRITABLE || self->publication != NULL)
    return;
  changed = esp_working_copy_is_file_changed (self->copy);
  if (changed == self->conflict)
    return;
  self->conflict = changed;
  if (changed)
    {
      message = g_strdup_printf (_ ("“%s” was changed by another program"), self->name);
      tell_save_state (self, ESP_DOCUMENT_CHANGED_ELSEWHERE, message);
    }
  else if (self->publish_at != 0 || self->edited)
    {
      self->publish_at = g_get_monotonic_time ();
      tell_save_state (self, ESP_DOCUMENT_SAVING, NULL);
    }
  else
    tell_save_state (self, ESP_DOCUMENT_SAVED, NULL);
}

gboolean
_esp_writer_move (EspWriter *self, GFile *file, gboolean *in_library, EspDocumentAccess *access,
                  GError **error)
{
  gboolean ok;

  if (self->copy == NULL)
    {
      set_closed_error (error);
      return FALSE;
    }
  end_publication (self, NULL);
  _esp_readers_close (self->readers);
  g_clear_pointer (&self->store, _esp_store_free);
  ok = esp_working_copy_move (self->copy, file, error);
  if (ok)
    {
      g_free (self->name);
      self->name = dup_name (file);
      self->publish_at = 0;
      self->edited = self->viewed = FALSE;
      self->conflict = self->failed = FALSE;
      if (self->access != ESP_DOCUMENT_NEWER)
        self->access = esp_working_copy_get_access (self->copy);
      tell_save_state (self, ESP_DOCUMENT_SAVED, NULL);
    }
  *access = self->access;
  *in_library = esp_working_copy_is_in_place (self->copy);
  open_readers (self);
  copy_ahead (self);
  return ok;
}

gboolean
_esp_writer_close (EspWriter *self, GError **error)
{
  gboolean ok = TRUE;

  if (self->copy == NULL)
    return TRUE;
  end_publication (self, NULL);
  if (self->opened)
    ok = _esp_writer_publish (self, FALSE, error);
  if (!self->edited && self->store != NULL)
    esp_working_copy_set_edited (self->copy, FALSE, NULL);
  _esp_readers_close (self->readers);
  g_clear_pointer (&self->store, _esp_store_free);
  g_clear_pointer (&self->copy, esp_working_copy_free);
  self->publish_at = 0;
  return ok;
}

gboolean
_esp_writer_exec (EspWriter *self, const char *sql, GError **error)
{
  if (!ensure_store (self, FALSE, error) || !_esp_store_exec (self->store, sql, error))
    return FALSE;
  self->viewed = TRUE; /* nothing that a person did, but it is to be in the file some time */
  return TRUE;
}

/* --- Carrying out ----------------------------------------------------------------------------- */

static gboolean
run_in_transaction (EspWriter *self, EspCall *call, GError **error)
{
  if (!_esp_store_begin (self->store, error))
    return FALSE;
  if (!call->work (call, self, error))
    {
      _esp_store_rollback (self->store);
      return FALSE;
    }
  return _esp_store_commit (self->store, error);
}

static gboolean
run_edit (EspWriter *self, EspCall *call, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (_esp_call_get_cancellable (call), error))
    return FALSE;
  if (self->copy == NULL)
    {
      set_closed_error (error);
      return FALSE;
    }
  if (!ensure_store (self, FALSE, error) || (call->prepare != NULL && !call->prepare (call, error))
      || !esp_working_copy_set_edited (self->copy, TRUE, error)
      || !run_in_transaction (self, call, error))
    return FALSE;

  _esp_undo_commit (self->undo, call->changes);
  if (!_esp_changes_is_empty (call->changes))
    {
      self->edited = TRUE;
      if (self->conflict)
        return TRUE;
      if (self->publish_at == 0)
        self->publish_at = MAX (g_get_monotonic_time () + PUBLISH_DELAY, self->rest_until);
      if (!self->failed)
        tell_save_state (self, ESP_DOCUMENT_SAVING, NULL);
    }
  return TRUE;
}

static void
run_view (EspWriter *self, EspCall *call)
{
  g_autoptr (GError) error = NULL;

  if (self->store == NULL)
    return;
  if (!run_in_transaction (self, call, &error))
    {
      g_debug ("The view is not stored: %s", error->message);
      return;
    }
  self->viewed = TRUE;
  if (!self->edited && self->publication == NULL)
    esp_working_copy_set_edited (self->copy, FALSE, NULL);
}

static void
run_call (EspWriter *self, EspCall *call)
{
  GError *error = NULL;
  gboolean ok = TRUE;

  call->changes = _esp_changes_new ();
  if (call->kind == ESP_CALL_VIEW)
    run_view (self, call);
  else if (call->kind == ESP_CALL_CONTROL)
    ok = !g_cancellable_set_error_if_cancelled (_esp_call_get_cancellable (call), &error)
         && call->work (call, self, &error);
  else
    ok = run_edit (self, call, &error);

  if (!ok)
    {
      g_clear_pointer (&call->changes, _esp_changes_free);
      call->error = error;
    }
  call->undo_title = g_strdup (_esp_undo_get_title (self->undo, TRUE));
  call->redo_title = g_strdup (_esp_undo_get_title (self->undo, FALSE));
  send (self, show_call, call, (GDestroyNotify) _esp_call_free);
}

static void
stop_work (EspWriter *self)
{
  g_autoptr (GError) error = NULL;

  if (!_esp_writer_close (self, &error))
    g_debug ("“%s” is kept in the working copy: %s", self->name, error->message);
  _esp_undo_free (self->undo);
  g_clear_pointer (&self->repairs, g_array_unref);
  _esp_readers_unref (self->readers);
  g_async_queue_unref (self->calls);
  g_main_context_unref (self->context);
  g_atomic_rc_box_release_full (self->link, clear_link);
  g_free (self->name);
  g_free (self);
}

/* A call without work tells that a publication has ended, or is the last. */
static gpointer
run_thread (gpointer data)
{
  EspWriter *self = data;

  while (!self->stopped)
    {
      EspCall *call = NULL;
      const gint64 now = g_get_monotonic_time ();

      if (self->publish_at == 0 || self->publication != NULL)
        call = g_async_queue_pop (self->calls);
      else if (self->publish_at > now)
        call = g_async_queue_timeout_pop (self->calls, (guint64) (self->publish_at - now));

      if (call == NULL)
        begin_publication (self, FALSE);
      else if (call->work != NULL)
        run_call (self, call);
      else if (call->kind == ESP_CALL_VIEW)
        {
          /* It may tell of one that was waited for. */
          _esp_call_free (call);
          if (self->publication != NULL && g_atomic_int_get (&self->publication->ended))
            end_publication (self, NULL);
        }
      else
        {
          self->stopped = TRUE;
          _esp_call_free (call);
        }
    }
  stop_work (self);
  return NULL;
}

EspWriter *
_esp_writer_new (EspDocument *document, EspReaders *readers)
{
  EspWriter *self = g_new0 (EspWriter, 1);

  self->calls = g_async_queue_new_full ((GDestroyNotify) _esp_call_free);
  self->context = g_main_context_ref_thread_default ();
  self->link = g_atomic_rc_box_new0 (Link);
  g_weak_ref_init (&self->link->document, document);
  self->readers = _esp_readers_ref (readers);
  self->undo = _esp_undo_new ();
  g_thread_unref (g_thread_new ("document", run_thread, self));
  return self;
}

void
_esp_writer_push (EspWriter *self, EspCall *call)
{
  g_async_queue_push (self->calls, call);
}

void
_esp_writer_stop (EspWriter *self)
{
  g_async_queue_push (self->calls, _esp_call_new (ESP_CALL_CONTROL, NULL, NULL, NULL));
}
