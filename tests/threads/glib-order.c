/* SPDX-License-Identifier: GPL-3.0-or-later */
/* glib-order.c: tells ThreadSanitizer in which order GLib makes things happen.
 *
 * GLib as it is installed is not instrumented, and its locks are futexes: whatever one thread hands
 * to another through a mutex, a queue, a main context or a GTask looks like a race. This library is
 * loaded before GLib ($LD_PRELOAD), and puts a function in front of each of those that promise an
 * order. It does what GLib does, and tells of the promise: what was done before one thread's
 * *release* of an address is known to a thread that *acquires* it later. Nothing more is told than
 * GLib's manual promises, or its atomic reference counts imply, so that what is not ordered is
 * still found.
 *
 * Calls inside of libglib are bound within it and do not come by here, which is why sources, pools
 * and queues are covered as wholes; those of GIO and GObject do.
 *
 * What the worker could not do any more once it has confined itself is done here before it begins:
 * OpenMP's library is made ready, and the file for reports is opened, in the folder
 * $ESPALIER_THREADS_REPORTS.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <gio/gio.h>

/* Not there in programs that are not instrumented, which then run as always. */
void __tsan_acquire (void *address) __attribute__ ((weak));
void __tsan_release (void *address) __attribute__ ((weak));

void __sanitizer_set_report_fd (void *fd) __attribute__ ((weak));
int omp_get_max_threads (void) __attribute__ ((weak));

__attribute__ ((constructor)) static void
make_ready (void)
{
  const char *folder = getenv ("ESPALIER_THREADS_REPORTS");
  char path[4096];
  int file;

  if (__tsan_acquire == NULL)
    return;
  if (omp_get_max_threads != NULL)
    omp_get_max_threads ();
  if (folder == NULL || __sanitizer_set_report_fd == NULL)
    return;
  snprintf (path, sizeof path, "%s/%d", folder, (int) getpid ());
  file = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file >= 0)
    __sanitizer_set_report_fd ((void *) (size_t) file);
}

static void
acquire (gconstpointer address)
{
  if (__tsan_acquire != NULL && address != NULL)
    __tsan_acquire ((gpointer) address);
}

static void
release (gconstpointer address)
{
  if (__tsan_release != NULL && address != NULL)
    __tsan_release ((gpointer) address);
}

/* GLib's own function of that name. It is not linked, so that a program without GLib stays one. */
#define GLIB(name)                                                                                 \
  ({                                                                                               \
    static __typeof__ (name) *found;                                                               \
    __typeof__ (name) *function = __atomic_load_n (&found, __ATOMIC_RELAXED);                      \
    if (function == NULL)                                                                          \
      {                                                                                            \
        function = (__typeof__ (name) *) dlsym (RTLD_NEXT, #name);                                 \
        if (function == NULL)                                                                      \
          abort ();                                                                                \
        __atomic_store_n (&found, function, __ATOMIC_RELAXED);                                     \
      }                                                                                            \
    function;                                                                                      \
  })

/* A function that has done its work when it returns hands over before it begins; one that gets
 * something has it after. */
#define RELEASING(type, name, parameters, arguments, address)                                      \
  type (name) parameters                                                                           \
  {                                                                                                \
    release (address);                                                                             \
    return GLIB (name) arguments;                                                                  \
  }

#define ACQUIRING(type, name, parameters, arguments, address)                                      \
  type (name) parameters                                                                           \
  {                                                                                                \
    type result = GLIB (name) arguments;                                                           \
    acquire (address);                                                                             \
    return result;                                                                                 \
  }

#define LOCKING(name, Type, address)                                                               \
  void (name) (Type * lock)                                                                        \
  {                                                                                                \
    GLIB (name) (lock);                                                                            \
    acquire (address);                                                                             \
  }

#define TRYING(name, Type, address)                                                                \
  gboolean (name) (Type * lock)                                                                    \
  {                                                                                                \
    const gboolean locked = GLIB (name) (lock);                                                    \
    if (locked)                                                                                    \
      acquire (address);                                                                           \
    return locked;                                                                                 \
  }

/* The atomic decrement of a reference count orders what all owners did before what the last one
 * does. */
#define UNREFERENCING(name, Type)                                                                  \
  void (name) (Type * object)                                                                      \
  {                                                                                                \
    release (object);                                                                              \
    acquire (object);                                                                              \
    GLIB (name) (object);                                                                          \
  }

/* --- Locks ---------------------------------------------------------------------------------------
 */

LOCKING (g_mutex_lock, GMutex, lock)
TRYING (g_mutex_trylock, GMutex, lock)
RELEASING (void, g_mutex_unlock, (GMutex * lock), (lock), lock)
LOCKING (g_rec_mutex_lock, GRecMutex, lock)
TRYING (g_rec_mutex_trylock, GRecMutex, lock)
RELEASING (void, g_rec_mutex_unlock, (GRecMutex * lock), (lock), lock)

/* Readers are ordered with writers, not with each other: they release another address than they
 * acquire. */
#define READERS(lock) ((char *) (lock) + 1)
LOCKING (g_rw_lock_reader_lock, GRWLock, lock)
TRYING (g_rw_lock_reader_trylock, GRWLock, lock)
RELEASING (void, g_rw_lock_reader_unlock, (GRWLock * lock), (lock), READERS (lock))
RELEASING (void, g_rw_lock_writer_unlock, (GRWLock * lock), (lock), lock)

void
g_rw_lock_writer_lock (GRWLock *lock)
{
  GLIB (g_rw_lock_writer_lock) (lock);
  acquire (lock);
  acquire (READERS (lock));
}

gboolean
g_rw_lock_writer_trylock (GRWLock *lock)
{
  const gboolean locked = GLIB (g_rw_lock_writer_trylock) (lock);

  if (locked)
    {
      acquire (lock);
      acquire (READERS (lock));
    }
  return locked;
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  release (mutex);
  GLIB (g_cond_wait) (cond, mutex);
  acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean signalled;

  release (mutex);
  signalled = GLIB (g_cond_wait_until) (cond, mutex, end_time);
  acquire (mutex);
  return signalled;
}

/* The macro of the same name loads the location atomically first, which is instrumented and
 * acquires the same address. */
gboolean (g_once_init_enter) (volatile void *location)
{
  const gboolean first = GLIB (g_once_init_enter) (location);

  if (!first)
    acquire ((gconstpointer) location);
  return first;
}

void (g_once_init_leave) (volatile void *location, gsize result)
{
  release ((gconstpointer) location);
  GLIB (g_once_init_leave) (location, result);
}

/* --- Reference counts ----------------------------------------------------------------------------
 */

UNREFERENCING (g_object_unref, void)
UNREFERENCING (g_bytes_unref, GBytes)
UNREFERENCING (g_ptr_array_unref, GPtrArray)
UNREFERENCING (g_array_unref, GArray)
UNREFERENCING (g_hash_table_unref, GHashTable)
UNREFERENCING (g_source_unref, GSource)
UNREFERENCING (g_atomic_rc_box_release, void)

void
g_atomic_rc_box_release_full (gpointer box, GDestroyNotify clear)
{
  release (box);
  acquire (box);
  GLIB (g_atomic_rc_box_release_full) (box, clear);
}

gboolean (g_atomic_ref_count_dec) (gatomicrefcount *count)
{
  gboolean last;

  release (count);
  last = GLIB (g_atomic_ref_count_dec) (count);
  acquire (count);
  return last;
}

gpointer
g_weak_ref_get (GWeakRef *weak)
{
  gpointer object = GLIB (g_weak_ref_get) (weak);

  acquire (object);
  return object;
}

/* --- Queues and pools ----------------------------------------------------------------------------
 */

RELEASING (void, g_async_queue_push, (GAsyncQueue * queue, gpointer item), (queue, item), queue)
RELEASING (void, g_async_queue_push_front, (GAsyncQueue * queue, gpointer item), (queue, item),
           queue)
RELEASING (void, g_async_queue_push_sorted,
           (GAsyncQueue * queue, gpointer item, GCompareDataFunc compare, gpointer data),
           (queue, item, compare, data), queue)
ACQUIRING (gpointer, g_async_queue_pop, (GAsyncQueue * queue), (queue), queue)
ACQUIRING (gpointer, g_async_queue_try_pop, (GAsyncQueue * queue), (queue), queue)
ACQUIRING (gpointer, g_async_queue_timeout_pop, (GAsyncQueue * queue, guint64 timeout),
           (queue, timeout), queue)

typedef struct
{
  GFunc function;
  gpointer data;
} Work;

/* What a pool's threads call. The pool itself may be gone before the last of them returns; the Work
 * is kept for good. */
static void
work (gpointer item, gpointer data)
{
  Work *self = data;

  acquire (item);
  self->function (item, self->data);
  release (self);
}

static gpointer
work_new (GFunc function, gpointer data)
{
  Work *self = malloc (sizeof *self);

  if (self == NULL)
    abort ();
  *self = (Work){ function, data };
  return self;
}

GThreadPool *
g_thread_pool_new (GFunc function, gpointer data, gint most, gboolean exclusive, GError **error)
{
  return GLIB (g_thread_pool_new) (work, work_new (function, data), most, exclusive, error);
}

GThreadPool *
g_thread_pool_new_full (GFunc function, gpointer data, GDestroyNotify free_item, gint most,
                        gboolean exclusive, GError **error)
{
  return GLIB (g_thread_pool_new_full) (work, work_new (function, data), free_item, most, exclusive,
                                        error);
}

RELEASING (gboolean, g_thread_pool_push, (GThreadPool * pool, gpointer item, GError **error),
           (pool, item, error), item)

void
g_thread_pool_free (GThreadPool *pool, gboolean immediate, gboolean wait)
{
  gpointer data = pool->user_data;

  GLIB (g_thread_pool_free) (pool, immediate, wait);
  if (wait)
    acquire (data);
}

/* --- Tasks ---------------------------------------------------------------------------------------
 */

RELEASING (void, g_task_return_boolean, (GTask * task, gboolean result), (task, result), task)
RELEASING (void, g_task_return_int, (GTask * task, gssize result), (task, result), task)
RELEASING (void, g_task_return_error, (GTask * task, GError *error), (task, error), task)
RELEASING (void, g_task_return_pointer, (GTask * task, gpointer result, GDestroyNotify free_result),
           (task, result, free_result), task)
RELEASING (gboolean, g_task_return_error_if_cancelled, (GTask * task), (task), task)
ACQUIRING (gboolean, g_task_propagate_boolean, (GTask * task, GError **error), (task, error), task)
ACQUIRING (gssize, g_task_propagate_int, (GTask * task, GError **error), (task, error), task)
ACQUIRING (gpointer, g_task_propagate_pointer, (GTask * task, GError **error), (task, error), task)

RELEASING (void, g_cancellable_cancel, (GCancellable * cancellable), (cancellable), cancellable)
ACQUIRING (gboolean, g_cancellable_is_cancelled, (GCancellable * cancellable), (cancellable),
           cancellable)
ACQUIRING (gboolean, g_cancellable_set_error_if_cancelled,
           (GCancellable * cancellable, GError **error), (cancellable, error), cancellable)

/* --- Main contexts -------------------------------------------------------------------------------
 */

/* A kind of source, with a dispatch of ours in front of its own. */
typedef struct
{
  GSourceFuncs functions;
  const GSourceFuncs *own;
} Kind;

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  const Kind *kind = (const Kind *) source->source_funcs;

  acquire (source);
  return kind->own->dispatch (source, callback, data);
}

/* Few, and never freed: sources may outlive everything. */
static const GSourceFuncs *
kind_of (const GSourceFuncs *own)
{
  static Kind *kinds[256];

  if (own->dispatch == dispatch)
    return own;
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Kind *kind = __atomic_load_n (&kinds[i], __ATOMIC_ACQUIRE), *made;

      if (kind == NULL)
        {
          made = malloc (sizeof *made);
          if (made == NULL)
            abort ();
          *made = (Kind){ *own, own };
          made->functions.dispatch = dispatch;
          if (__atomic_compare_exchange_n (&kinds[i], &kind, made, FALSE, __ATOMIC_ACQ_REL,
                                           __ATOMIC_ACQUIRE))
            return &made->functions;
          free (made);
        }
      if (kind->own == own)
        return &kind->functions;
    }
  abort ();
}

guint
g_source_attach (GSource *source, GMainContext *context)
{
  source->source_funcs = kind_of (source->source_funcs);
  release (source);
  return GLIB (g_source_attach) (source, context);
}

RELEASING (void, g_source_set_ready_time, (GSource * source, gint64 time), (source, time), source)

static guint
attach (GSource *source, gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify,
        GMainContext *context)
{
  guint id;

  if (priority != GLIB (g_source_get_priority) (source))
    GLIB (g_source_set_priority) (source, priority);
  GLIB (g_source_set_callback) (source, function, data, notify);
  id = g_source_attach (source, context);
  g_source_unref (source);
  return id;
}

guint
g_idle_add_full (gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  return attach (GLIB (g_idle_source_new) (), priority, function, data, notify, NULL);
}

guint
g_idle_add (GSourceFunc function, gpointer data)
{
  return g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, function, data, NULL);
}

guint
g_timeout_add_full (gint priority, guint interval, GSourceFunc function, gpointer data,
                    GDestroyNotify notify)
{
  return attach (GLIB (g_timeout_source_new) (interval), priority, function, data, notify, NULL);
}

guint
g_timeout_add (guint interval, GSourceFunc function, gpointer data)
{
  return g_timeout_add_full (G_PRIORITY_DEFAULT, interval, function, data, NULL);
}

typedef struct
{
  GSourceFunc function;
  gpointer data;
  GDestroyNotify notify;
} Call;

static gboolean
call (gpointer data)
{
  Call *self = data;

  acquire (self);
  return self->function (self->data);
}

static void
call_free (gpointer data)
{
  Call *self = data;

  if (self->notify != NULL)
    self->notify (self->data);
  free (self);
}

void
g_main_context_invoke_full (GMainContext *context, gint priority, GSourceFunc function,
                            gpointer data, GDestroyNotify notify)
{
  Call *self = malloc (sizeof *self);

  if (self == NULL)
    abort ();
  *self = (Call){ function, data, notify };
  release (self);
  GLIB (g_main_context_invoke_full) (context, priority, call, self, call_free);
}

void
g_main_context_invoke (GMainContext *context, GSourceFunc function, gpointer data)
{
  g_main_context_invoke_full (context, G_PRIORITY_DEFAULT, function, data, NULL);
}

RELEASING (void, g_main_loop_quit, (GMainLoop * loop), (loop), loop)

void
g_main_loop_run (GMainLoop *loop)
{
  GLIB (g_main_loop_run) (loop);
  acquire (loop);
}
