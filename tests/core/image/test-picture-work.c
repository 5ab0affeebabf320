/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-picture-work.c: work is done on a few threads that give way, all of it, in order. */
#include "esp-picture-work.h"

#include <sys/resource.h>

#define N_TASKS 200

typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean open;
  GHashTable *threads; /* GThread → number of its latest task, plus one */
  guint n_begun, n_at_once, most_at_once, n_done;
  guint n_out_of_order;
  int least_nice;
} Work;

static void
work_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = g_object_get_data (G_OBJECT (task), "work");
  const guint number = GPOINTER_TO_UINT (data);

  g_mutex_lock (&work->mutex);
  /* Threads pass each other between taking a task and beginning it, but each takes them in order.
   */
  if (GPOINTER_TO_UINT (g_hash_table_lookup (work->threads, g_thread_self ())) > number)
    work->n_out_of_order++;
  g_hash_table_insert (work->threads, g_thread_self (), GUINT_TO_POINTER (number + 1));
  work->n_begun++;
  work->n_at_once++;
  work->most_at_once = MAX (work->most_at_once, work->n_at_once);
  work->least_nice = MIN (work->least_nice, getpriority (PRIO_PROCESS, 0));
  while (!work->open)
    g_cond_wait (&work->cond, &work->mutex);
  work->n_at_once--;
  g_mutex_unlock (&work->mutex);

  if (!g_task_return_error_if_cancelled (task))
    g_task_return_int (task, number);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  Work *work = data;
  GError *error = NULL;
  const gssize number = g_task_propagate_int (G_TASK (result), &error);

  g_assert_no_error (error);
  g_assert_cmpint (number, >=, 0);
  work->n_done++;
}

static void
test_many (void)
{
  Work work = { .least_nice = G_MAXINT };
  const int nice = getpriority (PRIO_PROCESS, 0);

  work.threads = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autoptr (GTask) task = g_task_new (NULL, NULL, on_done, &work);

      g_object_set_data (G_OBJECT (task), "work", &work);
      g_task_set_task_data (task, GUINT_TO_POINTER (i), NULL);
      esp_picture_work_run (task, work_in_thread);
    }

  g_mutex_lock (&work.mutex);
  work.open = TRUE;
  g_cond_broadcast (&work.cond);
  g_mutex_unlock (&work.mutex);
  while (work.n_done < N_TASKS)
    g_main_context_iteration (NULL, TRUE);

  g_assert_cmpuint (work.n_begun, ==, N_TASKS);
  g_assert_cmpuint (work.n_out_of_order, ==, 0);
  g_assert_cmpuint (g_hash_table_size (work.threads), <=, MAX (3, g_get_num_processors () + 1));
  g_assert_cmpuint (work.most_at_once, <=, MAX (3, g_get_num_processors () + 1));
  g_assert_false (g_hash_table_contains (work.threads, g_thread_self ()));
#ifdef __linux__
  if (nice < 19)
    g_assert_cmpint (work.least_nice, >, nice);
#endif
  g_assert_cmpint (getpriority (PRIO_PROCESS, 0), ==, nice); /* of those threads alone */
  g_hash_table_unref (work.threads);
}

static void
on_cancelled (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_task_propagate_int (G_TASK (result), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  *(gboolean *) data = TRUE;
}

static void
test_cancelled (void)
{
  Work work = { .open = TRUE, .least_nice = G_MAXINT };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gboolean done = FALSE;
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, on_cancelled, &done);

  work.threads = g_hash_table_new (NULL, NULL);
  g_object_set_data (G_OBJECT (task), "work", &work);
  g_cancellable_cancel (cancellable);
  esp_picture_work_run (task, work_in_thread);
  g_assert_false (done); /* never from within the call */
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  g_hash_table_unref (work.threads);
}

typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean dropped;  /* by the thread that asked for it */
  GThread *ended_in; /* atomic: where the object that the work was for did */
} Owned;

static void
owned_ended (gpointer data, GObject *object)
{
  Owned *owned = data;

  g_atomic_pointer_set (&owned->ended_in, g_thread_self ());
}

/* Holds its task when nobody else does any more. */
static void
outlast_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Owned *owned = data;

  g_task_return_boolean (task, TRUE);
  g_mutex_lock (&owned->mutex);
  while (!owned->dropped)
    g_cond_wait (&owned->cond, &owned->mutex);
  g_mutex_unlock (&owned->mutex);
}

static void
on_outlasted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (g_task_propagate_boolean (G_TASK (result), NULL));
  *(gboolean *) data = TRUE;
}

/* What the work was for ends in the thread that asked for it, though the other one is the last. */
static void
test_ends_at_home (void)
{
  Owned owned = { 0 };
  gboolean done = FALSE;
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
  GTask *task = g_task_new (object, NULL, on_outlasted, &done);

  g_object_weak_ref (object, owned_ended, &owned);
  g_task_set_task_data (task, &owned, NULL);
  esp_picture_work_run (task, outlast_in_thread);
  g_object_unref (task);
  g_object_unref (object);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  g_mutex_lock (&owned.mutex);
  owned.dropped = TRUE;
  g_cond_signal (&owned.cond);
  g_mutex_unlock (&owned.mutex);
  while (g_atomic_pointer_get (&owned.ended_in) == NULL)
    g_main_context_iteration (NULL, FALSE);
  g_assert_true (owned.ended_in == g_thread_self ());
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/picture-work/many", test_many);
  g_test_add_func ("/picture-work/cancelled", test_cancelled);
  g_test_add_func ("/picture-work/ends-at-home", test_ends_at_home);
  return g_test_run ();
}
