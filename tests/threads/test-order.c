/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-order.c: what glib-order.c tells ThreadSanitizer. Each way to hand something over is used
 * once with memory that both sides write; nothing may be reported. The same without handing it over
 * has to be: else nothing that ThreadSanitizer does not say of the other tests would mean anything.
 */
#include <gio/gio.h>

/* Written by one thread after the other. */
static int number;

static GMutex mutex;
static GCond cond;
static GRWLock rw_lock;
static GAsyncQueue *queue;
static GMainLoop *loop;
static GMainContext *context;
static gboolean ready;

static gpointer
write_in_thread (gpointer data)
{
  number++;
  return NULL;
}

static void
join (void)
{
  number = 1;
  g_thread_join (g_thread_new ("writer", write_in_thread, NULL));
  number++;
}

static gpointer
write_locked (gpointer data)
{
  g_mutex_lock (&mutex);
  number++;
  ready = TRUE;
  g_cond_signal (&cond);
  g_mutex_unlock (&mutex);
  return NULL;
}

static void
condition (void)
{
  GThread *thread = g_thread_new ("writer", write_locked, NULL);

  g_mutex_lock (&mutex);
  while (!ready)
    g_cond_wait (&cond, &mutex);
  number++;
  g_mutex_unlock (&mutex);
  g_thread_join (thread);
}

static gpointer
write_exclusively (gpointer data)
{
  for (int i = 0; i < 100; i++)
    {
      g_rw_lock_reader_lock (&rw_lock);
      g_assert_cmpint (number, >=, 0);
      g_rw_lock_reader_unlock (&rw_lock);
      g_rw_lock_writer_lock (&rw_lock);
      number++;
      g_rw_lock_writer_unlock (&rw_lock);
    }
  return NULL;
}

static void
readers_and_writers (void)
{
  GThread *thread = g_thread_new ("writer", write_exclusively, NULL);

  write_exclusively (NULL);
  g_thread_join (thread);
}

static gpointer
push (gpointer data)
{
  number++;
  g_async_queue_push (queue, &number);
  return NULL;
}

static void
async_queue (void)
{
  GThread *thread;

  queue = g_async_queue_new ();
  thread = g_thread_new ("writer", push, NULL);
  (*(int *) g_async_queue_pop (queue))++;
  g_thread_join (thread);
  g_async_queue_unref (queue);
}

static void
write_item (gpointer item, gpointer data)
{
  (*(int *) item)++;
}

static void
pool (void)
{
  GThreadPool *threads = g_thread_pool_new (write_item, NULL, 1, FALSE, NULL);

  number = 1;
  g_thread_pool_push (threads, &number, NULL);
  g_thread_pool_free (threads, FALSE, TRUE);
  number++;
}

static void
task_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  number++;
  g_task_return_boolean (task, TRUE);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  number++;
  g_assert_true (g_task_propagate_boolean (G_TASK (result), NULL));
  g_main_loop_quit (loop);
}

static void
task (void)
{
  g_autoptr (GTask) begun = g_task_new (NULL, NULL, on_done, NULL);

  loop = g_main_loop_new (NULL, FALSE);
  number = 1;
  g_task_run_in_thread (begun, task_in_thread);
  g_main_loop_run (loop);
  number++;
}

static gboolean
write_when_dispatched (gpointer data)
{
  number++;
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static gpointer
run_loop (gpointer data)
{
  g_main_context_push_thread_default (context);
  g_main_loop_run (loop);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
source_and_invoke (void)
{
  for (int i = 0; i < 2; i++)
    {
      GThread *thread;

      context = g_main_context_new ();
      loop = g_main_loop_new (context, FALSE);
      thread = g_thread_new ("loop", run_loop, NULL);
      number++;
      if (i == 0)
        g_main_context_invoke (context, write_when_dispatched, NULL);
      else
        {
          g_autoptr (GSource) source = g_idle_source_new ();

          g_source_set_callback (source, write_when_dispatched, NULL, NULL);
          g_source_attach (source, context);
        }
      g_thread_join (thread);
      g_main_loop_unref (loop);
      g_main_context_unref (context);
    }
}

/* Two threads, and nothing between them. */
static void
race (void)
{
  GThread *thread = g_thread_new ("writer", write_in_thread, NULL);

  g_usleep (1000);
  number++;
  g_thread_join (thread);
}

/* What was handed to a task is written once more. */
static void
race_with_task (void)
{
  g_autoptr (GTask) begun = g_task_new (NULL, NULL, NULL, NULL);

  g_task_run_in_thread (begun, task_in_thread);
  number++;
  while (!g_task_get_completed (begun))
    g_main_context_iteration (NULL, TRUE);
}

static void
check_found (gconstpointer data)
{
  if (g_test_subprocess ())
    {
      ((void (*) (void)) data) ();
      return;
    }
  /* Found on purpose: this one is not to be counted. */
  g_unsetenv ("ESPALIER_THREADS_REPORTS");
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDIN);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*ThreadSanitizer: data race*");
}

static void
check_silent (gconstpointer data)
{
  ((void (*) (void)) data) ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/threads/order/join", join, check_silent);
  g_test_add_data_func ("/threads/order/condition", condition, check_silent);
  g_test_add_data_func ("/threads/order/readers-and-writers", readers_and_writers, check_silent);
  g_test_add_data_func ("/threads/order/async-queue", async_queue, check_silent);
  g_test_add_data_func ("/threads/order/pool", pool, check_silent);
  g_test_add_data_func ("/threads/order/task", task, check_silent);
  g_test_add_data_func ("/threads/order/source-and-invoke", source_and_invoke, check_silent);
  g_test_add_data_func ("/threads/race", race, check_found);
  g_test_add_data_func ("/threads/race-with-task", race_with_task, check_found);
  return g_test_run ();
}
