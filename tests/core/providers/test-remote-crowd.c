/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-remote-crowd.c: two hundred turns on fifty connections, in bounded memory. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "remote-fixture.h"

#define RUNPOD  "runpod-flux-kontext-dev"
#define N_TURNS 200
#define AT_ONCE 50

/* KiB */
static long
get_memory (void)
{
  g_autofree char *text = NULL;
  long pages = 0;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%*d %ld", &pages), ==, 1);
  return pages * (sysconf (_SC_PAGESIZE) / 1024);
}

/* A window draws at this priority, sixty times a second; this is how often it could. */
#define DRAW_PRIORITY (G_PRIORITY_HIGH_IDLE + 20)
#define FRAME_MS      16

typedef struct
{
  gint64 last;      /* monotonic, µs */
  gint64 last_busy; /* this thread's, µs */
  gint64 longest, longest_busy;
  guint n_late; /* frames after more than 50 ms of our own work */
} Frames;

/* µs that this thread was at work: what other programs take away does not count. */
static gint64
get_busy (void)
{
  struct timespec time;

  g_assert_cmpint (clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time), ==, 0);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static gboolean
on_frame (gpointer data)
{
  Frames *frames = data;
  const gint64 now = g_get_monotonic_time (), busy = get_busy ();

  if (frames->last > 0)
    {
      frames->longest = MAX (frames->longest, now - frames->last);
      frames->longest_busy = MAX (frames->longest_busy, busy - frames->last_busy);
      frames->n_late += busy - frames->last_busy > 50 * 1000;
    }
  frames->last = now;
  frames->last_busy = busy;
  return G_SOURCE_CONTINUE;
}

static void
test_crowd (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (RUNPOD, "runpod", "{\"max_side\": 64, \"run_ms\": 300}", NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *nodes[N_TURNS];
  gint64 begun;
  Frames frames = { 0 };
  g_autoptr (GSource) frame = g_timeout_source_new (FRAME_MS);
  guint most = 0;
  long most_memory = 0, before;

  g_assert_cmpuint (esp_backend_get_concurrency (esp_registry_find_backend (self->registry, id)),
                    ==, AT_ONCE);
  before = get_memory ();
  for (int i = 0; i < N_TURNS; i++)
    nodes[i] = remote_make_turn (self->document, self->photo, id, "One of many");
  g_source_set_priority (frame, DRAW_PRIORITY);
  g_source_set_callback (frame, on_frame, &frames, NULL);
  g_source_attach (frame, NULL);
  begun = g_get_monotonic_time ();
  for (int i = 0; i < N_TURNS; i++)
    esp_queue_add (self->queue, self->document, nodes[i], FALSE);
  while (esp_queue_has_document (self->queue, self->document))
    {
      g_main_context_iteration (NULL, TRUE);
      most = MAX (most, esp_queue_get_n_running (self->queue));
      most_memory = MAX (most_memory, get_memory ());
    }

  for (int i = 0; i < N_TURNS; i++)
    {
      g_assert_cmpstr (esp_node_get_message (nodes[i]), ==, NULL);
      g_assert_cmpint (esp_node_get_state (nodes[i]), ==, ESP_NODE_DONE);
    }
  g_assert_cmpuint (most, ==, AT_ONCE);
  g_assert_cmpint (turn_world_count (world, "submits"), ==, N_TURNS);
  g_assert_cmpint (turn_world_count (world, "charges"), ==, N_TURNS);
  g_assert_cmpuint (remote_count_records (), ==, 0);
  g_source_destroy (frame);
  g_test_message ("%d turns, %d at a time: %.1f s; memory %ld MiB, at most %ld MiB; "
                  "longest between two frames %.0f ms, of which %.0f ms our own work; "
                  "%u frames late by our own work",
                  N_TURNS, AT_ONCE, (double) (g_get_monotonic_time () - begun) / G_USEC_PER_SEC,
                  before / 1024, most_memory / 1024, (double) frames.longest / 1000,
                  (double) frames.longest_busy / 1000, frames.n_late);
  /* Fifty turns, each with its picture, what is sent of it, and what comes back. */
  g_assert_cmpint (most_memory - before, <, 400 * 1024);
  turn_world_check_manners (world);
}

int
main (int argc, char **argv)
{
  int status;

  jobs_init (&argc, &argv);
  turn_fixture_begin ();
  g_test_add ("/providers/crowd", RemoteFixture, NULL, remote_set_up, test_crowd, remote_tear_down);
  status = jobs_run ();
  turn_fixture_end ();
  return status;
}
