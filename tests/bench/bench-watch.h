/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-watch.h: what benchmarks of the window measure it with: the main loop's stutter, frames,
 * memory. One at a time, on the main thread; what is printed are lines of a name, a tabulator and a
 * number. */
#pragma once

#include <gtk/gtk.h>

#define BENCH_PATIENCE (120 * G_TIME_SPAN_SECOND)

void bench_print (const char *name, double value);
double bench_ms_since (gint64 start); /* of g_get_monotonic_time () */
void bench_fail (const char *what, const GError *error) G_GNUC_NORETURN;

/* A line "Name:  123 kB" of /proc/self/status, in MB; < 0: there is none. */
double bench_get_memory (const char *name);

/* From the first to the second: prints "NAME.gap", the longest time for which the main loop turned
 * to nothing else, and "NAME.work", the longest that this thread had of a processor without. */
void bench_start_probe (void);
void bench_print_probe (const char *name);

/* Frames of this window are counted, and timed from bench_time_frames () to bench_print_frames ():
 * "NAME.frame.median", "….frame.95%", "….frame.worst". */
void bench_watch_frames (GtkWidget *window);
void bench_wait_for_frames (guint n);
void bench_time_frames (void);
void bench_print_frames (const char *name);

/* Runs the main loop until `done`; gives up after BENCH_PATIENCE. */
void bench_wait_until (gboolean (*done) (gpointer), gpointer data, const char *what);

/* A GAsyncReadyCallback that keeps its result at `place`, and whether it is there. */
void bench_take_result (GObject *source, GAsyncResult *result, gpointer place);
gboolean bench_has_result (gpointer place);
