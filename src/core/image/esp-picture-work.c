/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-picture-work.c: see esp-picture-work.h. */
#include "esp-picture-work.h"

#include <sys/resource.h>

/* One more than processors: some write to the disk, too. */
#define MIN_THREADS 3
#define MAX_THREADS 9

/* Against 0 this is a third of the processor's time where others want all of it: enough not to
 * starve beside an engine that has every core. */
#define NICER 5

typedef struct
{
  GTask *task;
  GTaskThreadFunc function;
} Work;

/* Each thread of the pool is ours alone: GLib's shared ones stay as they are. */
static void
give_way (void)
{
  static GPrivate done = G_PRIVATE_INIT (NULL);
  int nice;

  if (g_private_get (&done) != NULL)
    return;
  g_private_set (&done, GINT_TO_POINTER (TRUE));
#ifdef __linux__
  /* Of this thread alone, in spite of the name. That it cannot be does no harm. */
  nice = getpriority (PRIO_PROCESS, 0);
  (void) setpriority (PRIO_PROCESS, 0, nice + NICER);
#else
  (void) nice;
#endif
}

static gboolean
let_go (gpointer task)
{
  return G_SOURCE_REMOVE; /* the source drops it */
}

/* The task holds what may belong to the thread it comes from (a document, a widget): this one must
 * not be the one that lets go of it last. */
static void
send_home (GTask *task)
{
  g_autoptr (GMainContext) context = g_main_context_ref (g_task_get_context (task));
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, g_task_get_priority (task));
  g_source_set_callback (source, let_go, task, g_object_unref);
  g_source_attach (source, context);
}

static void
run (gpointer data, gpointer unused)
{
  Work *work = data;
  GTask *task = work->task;
  GTaskThreadFunc function = work->function;

  g_free (work);
  give_way ();
  function (task, g_task_get_source_object (task), g_task_get_task_data (task),
            g_task_get_cancellable (task));
  send_home (task);
}

static GThreadPool *
get_pool (void)
{
  static gsize pool = 0;

  if (g_once_init_enter (&pool))
    {
      const int n = (int) CLAMP (g_get_num_processors () + 1, MIN_THREADS, MAX_THREADS);

      /* It stays as long as the program does. */
      /* cppcheck-suppress leakNoVarFunctionCall */
      g_once_init_leave (&pool, (gsize) g_thread_pool_new (run, NULL, n, TRUE, NULL));
    }
  return (GThreadPool *) pool;
}

void
esp_picture_work_run (GTask *task, GTaskThreadFunc function)
{
  Work *work;

  g_return_if_fail (G_IS_TASK (task));
  g_return_if_fail (function != NULL);

  work = g_new (Work, 1);
  work->task = g_object_ref (task);
  work->function = function;
  g_thread_pool_push (get_pool (), work, NULL);
}
