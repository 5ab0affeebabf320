/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-watch.c: see bench-watch.h. */
#include "bench-watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- Numbers ---------------------------------------------------------------------------------- */

void
bench_print (const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_print ("%s\t%s\n", name, g_ascii_formatd (text, sizeof text, "%.2f", value));
}

double
bench_ms_since (gint64 start)
{
  return (double) (g_get_monotonic_time () - start) / 1000;
}

void
bench_fail (const char *what, const GError *error)
{
  g_printerr ("%s: %s: %s\n", g_get_prgname (), what, error != NULL ? error->message : "failed");
  exit (EXIT_FAILURE);
}

/* A line "Name:  123 kB" of /proc/self/status, in MB. */
double
bench_get_memory (const char *name)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL)
      || (line = strstr (text, name)) == NULL)
    return -1;
  return (double) g_ascii_strtoull (line + strlen (name), NULL, 10) / 1000;
}

/* --- Stutter ---------------------------------------------------------------------------------- */

static struct
{
  guint id;
  gint64 last, last_work;
  gint64 longest, most_work;
} probe;

/* What this thread had of a processor so far, in microseconds. */
static gint64
get_work (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_TIME_SPAN_SECOND + time.tv_nsec / 1000;
}

static gboolean
on_probe (gpointer user_data)
{
  const gint64 now = g_get_monotonic_time (), work = get_work ();

  probe.longest = MAX (probe.longest, now - probe.last);
  probe.most_work = MAX (probe.most_work, work - probe.last_work);
  probe.last = now;
  probe.last_work = work;
  return G_SOURCE_CONTINUE;
}

void
bench_start_probe (void)
{
  probe.last = g_get_monotonic_time ();
  probe.last_work = get_work ();
  probe.longest = probe.most_work = 0;
  if (probe.id == 0)
    probe.id = g_timeout_add_full (G_PRIORITY_HIGH, 1, on_probe, NULL, NULL);
}

void
bench_print_probe (const char *name)
{
  g_autofree char *gap = g_strconcat (name, ".gap", NULL);
  g_autofree char *work = g_strconcat (name, ".work", NULL);

  on_probe (NULL);
  g_clear_handle_id (&probe.id, g_source_remove);
  bench_print (gap, (double) probe.longest / 1000);
  bench_print (work, (double) probe.most_work / 1000);
}

/* --- Frames ----------------------------------------------------------------------------------- */

static struct
{
  gint64 begun;
  GArray *times; /* of double, milliseconds; NULL: nobody asks */
  GdkFrameClock *clock;
  guint n;
} frames;

static void
on_frame_begun (GdkFrameClock *clock, gpointer user_data)
{
  frames.begun = g_get_monotonic_time ();
}

static void
on_frame_done (GdkFrameClock *clock, gpointer user_data)
{
  double ms = bench_ms_since (frames.begun);

  frames.n++;
  if (frames.times != NULL)
    g_array_append_val (frames.times, ms);
}

void
bench_watch_frames (GtkWidget *window)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (window);

  frames.clock = clock;
  g_signal_connect (clock, "before-paint", G_CALLBACK (on_frame_begun), NULL);
  g_signal_connect_after (clock, "after-paint", G_CALLBACK (on_frame_done), NULL);
}

void
bench_wait_for_frames (guint n)
{
  const guint until = frames.n + n;
  const gint64 end = g_get_monotonic_time () + BENCH_PATIENCE;

  while (frames.n < until && g_get_monotonic_time () < end)
    {
      /* Even if there is nothing new to draw. */
      gdk_frame_clock_request_phase (frames.clock, GDK_FRAME_CLOCK_PHASE_AFTER_PAINT);
      g_main_context_iteration (NULL, TRUE);
    }
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

void
bench_time_frames (void)
{
  g_clear_pointer (&frames.times, g_array_unref);
  frames.times = g_array_new (FALSE, FALSE, sizeof (double));
}

void
bench_print_frames (const char *name)
{
  g_autoptr (GArray) times = g_steal_pointer (&frames.times);
  g_autofree char *median = g_strconcat (name, ".frame.median", NULL);
  g_autofree char *most = g_strconcat (name, ".frame.95%", NULL);
  g_autofree char *worst = g_strconcat (name, ".frame.worst", NULL);

  if (times->len == 0)
    return;
  g_array_sort (times, compare_doubles);
  bench_print (median, g_array_index (times, double, times->len / 2));
  bench_print (most, g_array_index (times, double, times->len * 95 / 100));
  bench_print (worst, g_array_index (times, double, times->len - 1));
}

/* --- Waiting ---------------------------------------------------------------------------------- */

void
bench_wait_until (gboolean (*done) (gpointer), gpointer data, const char *what)
{
  const gint64 end = g_get_monotonic_time () + BENCH_PATIENCE;

  while (!done (data))
    {
      if (g_get_monotonic_time () > end)
        bench_fail (what, NULL);
      g_main_context_iteration (NULL, FALSE);
      g_usleep (200);
    }
}

gboolean
bench_has_result (gpointer place)
{
  return *(GAsyncResult **) place != NULL;
}

void
bench_take_result (GObject *source, GAsyncResult *result, gpointer place)
{
  *(GAsyncResult **) place = g_object_ref (result);
}
