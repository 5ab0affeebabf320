/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-readers.c: a small pool of threads, and of connections that only read. */
#define G_LOG_DOMAIN "esp-document"

#include "esp-readers.h"

#include <glib/gi18n-lib.h>

/* Decoding is most of the work. */
#define N_THREADS 3

struct _EspReaders
{
  gatomicrefcount references;
  GThreadPool *threads;
  GRWLock use; /* whoever has a connection holds it for reading */

  GMutex mutex; /* for all below */
  GPtrArray *idle;
  char *path; /* NULL: closed */
  char *name;
  EspStoreMode mode;
};

typedef struct
{
  EspReaders *readers;
  GTask *task;
  EspReading function;
  GDestroyNotify free_result;
  gpointer result;
  GError *error;
} Reading;

static void
free_reading (gpointer data)
{
  Reading *reading = data;

  if (reading->result != NULL && reading->free_result != NULL)
    reading->free_result (reading->result);
  g_clear_error (&reading->error);
  g_object_unref (reading->task);
  _esp_readers_unref (reading->readers);
  g_free (reading);
}

static gboolean
return_reading (gpointer data)
{
  Reading *reading = data;

  if (reading->result == NULL)
    g_task_return_error (reading->task, g_steal_pointer (&reading->error));
  else if (reading->free_result != NULL)
    g_task_return_pointer (reading->task, g_steal_pointer (&reading->result), reading->free_result);
  else
    g_task_return_boolean (reading->task, TRUE);
  return G_SOURCE_REMOVE;
}

/* The task holds the document: this thread must not be the one that lets go of it last. */
static void
run_reading (gpointer data, gpointer unused)
{
  Reading *reading = data;
  g_autoptr (GMainContext) context = g_main_context_ref (g_task_get_context (reading->task));
  g_autoptr (GSource) source = g_idle_source_new ();

  if (!g_cancellable_set_error_if_cancelled (g_task_get_cancellable (reading->task),
                                             &reading->error))
    reading->result = reading->function (reading->readers, reading->task,
                                         g_task_get_task_data (reading->task), &reading->error);
  g_source_set_priority (source, g_task_get_priority (reading->task));
  g_source_set_callback (source, return_reading, reading, free_reading);
  g_source_attach (source, context);
}

EspReaders *
_esp_readers_new (void)
{
  EspReaders *self = g_new0 (EspReaders, 1);

  g_atomic_ref_count_init (&self->references);
  g_rw_lock_init (&self->use);
  g_mutex_init (&self->mutex);
  self->idle = g_ptr_array_new_with_free_func ((GDestroyNotify) _esp_store_free);
  self->threads = g_thread_pool_new (run_reading, NULL, N_THREADS, FALSE, NULL);
  return self;
}

EspReaders *
_esp_readers_ref (EspReaders *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
_esp_readers_unref (EspReaders *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->references))
    return;
  /* All that was pushed is done, since each held a reference. */
  g_thread_pool_free (self->threads, FALSE, FALSE);
  g_ptr_array_unref (self->idle);
  g_free (self->path);
  g_free (self->name);
  g_mutex_clear (&self->mutex);
  g_rw_lock_clear (&self->use);
  g_free (self);
}

void
_esp_readers_close (EspReaders *self)
{
  g_rw_lock_writer_lock (&self->use);
  g_mutex_lock (&self->mutex);
  g_ptr_array_set_size (self->idle, 0);
  g_clear_pointer (&self->path, g_free);
  g_mutex_unlock (&self->mutex);
  g_rw_lock_writer_unlock (&self->use);
}

void
_esp_readers_open (EspReaders *self, const char *path, const char *name, EspStoreMode mode)
{
  _esp_readers_close (self);
  g_mutex_lock (&self->mutex);
  self->path = g_strdup (path);
  g_free (self->name);
  self->name = g_strdup (name);
  self->mode = mode;
  g_mutex_unlock (&self->mutex);
}

EspStore *
_esp_readers_acquire (EspReaders *self, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *name = NULL;
  EspStore *store = NULL;
  EspStoreMode mode;

  g_rw_lock_reader_lock (&self->use);
  g_mutex_lock (&self->mutex);
  if (self->idle->len > 0)
    store = g_ptr_array_steal_index_fast (self->idle, self->idle->len - 1);
  path = g_strdup (self->path);
  name = g_strdup (self->name);
  mode = self->mode;
  g_mutex_unlock (&self->mutex);

  if (store == NULL && path == NULL)
    g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_OPEN, _ ("The document is closed"));
  else if (store == NULL)
    store = _esp_store_open (path, name, mode, error);
  if (store == NULL)
    g_rw_lock_reader_unlock (&self->use);
  return store;
}

void
_esp_readers_release (EspReaders *self, EspStore *store)
{
  g_mutex_lock (&self->mutex);
  g_ptr_array_add (self->idle, store);
  g_mutex_unlock (&self->mutex);
  g_rw_lock_reader_unlock (&self->use);
}

void
_esp_readers_run (EspReaders *self, GTask *task, EspReading function, GDestroyNotify free_result)
{
  Reading *reading = g_new0 (Reading, 1);

  reading->readers = _esp_readers_ref (self);
  reading->task = g_object_ref (task);
  reading->function = function;
  reading->free_result = free_result;
  g_thread_pool_push (self->threads, reading, NULL);
  /* cppcheck-suppress memleak; the pool has it */
}
