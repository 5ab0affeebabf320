/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-remote-crowd.c: two hundred turns on fifty connections, in bounded memory. */
#include <stdio.h>
#include <string.h>
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

static void
test_crowd (RemoteFixture *self, gconstpointer data)
{
  g_autoptr (TurnWorld) world
      = turn_world_new (RUNPOD, "runpod", "{\"max_side\": 64, \"run_ms\": 300}", NULL);
  const char *id = remote_add_account (self, world, RUNPOD);
  EspNode *nodes[N_TURNS];
  gint64 begun = g_get_monotonic_time ();
  guint most = 0;
  long most_memory = 0, before;

  g_assert_cmpuint (esp_backend_get_concurrency (esp_registry_find_backend (self->registry, id)),
                    ==, AT_ONCE);
  before = get_memory ();
  for (int i = 0; i < N_TURNS; i++)
    nodes[i] = remote_add_turn (self, id, "One of many");
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
  g_test_message ("%d turns, %d at a time: %.1f s; memory %ld MiB, at most %ld MiB", N_TURNS,
                  AT_ONCE, (double) (g_get_monotonic_time () - begun) / G_USEC_PER_SEC,
                  before / 1024, most_memory / 1024);
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
