/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-remote.c: the real window with hundreds of turns at a provider, for bench-remote.py.
 *
 *     bench-remote still SECONDS
 *         a window of the toolkit with nothing but an animation; 0: until the input ends
 *     bench-remote idle SECONDS
 *         ours, with a document, and an animation
 *     bench-remote turns URL DESCRIPTOR N [list]
 *         N turns at once with an account at URL, whose key is in $ESPALIER_BENCH_KEY; "list": the
 *         queue is shown
 *
 * A callback asks for a new frame in each frame, as an animation does. Prints lines of a name, a
 * tabulator and a number. "….gap" are milliseconds from one frame to the next, "….work" what this
 * thread had of a processor in such a time, "….block" the longest for which the main loop did not
 * come round. */
#include <adwaita.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "esp-key-store.h"
#include "esp-window-private.h"

#define PATIENCE  (300 * G_TIME_SPAN_SECOND)
#define LATE      50.0 /* ms: a person sees it */
#define AT_A_TIME 4    /* turns that one press of a button makes */

static EspApplication *application;

static void
print (const char *scene, const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_print ("%s.%s\t%s\n", scene, name, g_ascii_formatd (text, sizeof text, "%.2f", value));
}

static void
fail (const char *what, const GError *error)
{
  g_printerr ("bench-remote: %s: %s\n", what, error != NULL ? error->message : "failed");
  exit (EXIT_FAILURE);
}

/* A line "Name:  123 kB" of /proc/self/status, in MB. */
static double
get_memory (const char *name)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL)
      || (line = strstr (text, name)) == NULL)
    return -1;
  return (double) g_ascii_strtoull (line + strlen (name), NULL, 10) / 1000;
}

/* --- Frames and the main loop ----------------------------------------------------------------- */

static struct
{
  gboolean on;
  GArray *gaps;      /* of double, ms */
  gint64 last, busy; /* at the last frame, µs: the clock, and this thread's work */
  double most_work;
  guint n_busy;             /* late by our own work */
  gint64 woken, woken_busy; /* when the last turn of the main loop began */
  gboolean tell;            /* each late frame */
  guint rounds;             /* of the main loop since the last frame */
  double block, block_work;
} watch;

/* What this thread had of a processor so far, in microseconds. */
static gint64
get_busy (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_TIME_SPAN_SECOND + time.tv_nsec / 1000;
}

/* Between two calls the main loop dispatches. */
static gint
on_poll (GPollFD *fds, guint n, gint timeout)
{
  gint ready;

  if (watch.on && watch.woken > 0)
    {
      watch.block = MAX (watch.block, (double) (g_get_monotonic_time () - watch.woken) / 1000);
      watch.block_work = MAX (watch.block_work, (double) (get_busy () - watch.woken_busy) / 1000);
    }
  watch.rounds++;
  ready = g_poll (fds, n, timeout);
  watch.woken = g_get_monotonic_time ();
  watch.woken_busy = get_busy ();
  return ready;
}

static void
on_frame (GdkFrameClock *clock, gpointer user_data)
{
  const gint64 now = g_get_monotonic_time (), busy = get_busy ();

  if (watch.on && watch.last > 0)
    {
      double gap = (double) (now - watch.last) / 1000, work = (double) (busy - watch.busy) / 1000;

      g_array_append_val (watch.gaps, gap);
      watch.most_work = MAX (watch.most_work, work);
      watch.n_busy += work > LATE;
      if (watch.tell && gap > LATE)
        g_printerr ("late: at %.6f s, %.1f ms, work %.1f ms, rounds of the main loop: %u\n",
                    (double) now / G_TIME_SPAN_SECOND, gap, work, watch.rounds);
    }
  watch.rounds = 0;
  watch.last = now;
  watch.busy = busy;
}

static gboolean
on_tick (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

/* Has to have a window on the screen. */
static void
animate (GtkWidget *widget)
{
  g_signal_connect (gtk_widget_get_frame_clock (widget), "before-paint", G_CALLBACK (on_frame),
                    NULL);
  gtk_widget_add_tick_callback (widget, on_tick, NULL, NULL);
}

static void
begin (void)
{
  watch.gaps = g_array_new (FALSE, FALSE, sizeof (double));
  watch.last = watch.woken = 0;
  watch.most_work = watch.block = watch.block_work = 0;
  watch.n_busy = 0;
  watch.tell = g_getenv ("ESPALIER_BENCH_LATE") != NULL;
  watch.on = TRUE;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

static void
end (const char *scene)
{
  g_autoptr (GArray) gaps = g_steal_pointer (&watch.gaps);
  guint late = 0;

  watch.on = FALSE;
  g_array_sort (gaps, compare_doubles);
  if (gaps->len == 0)
    fail ("there were no frames", NULL);
  for (guint i = 0; i < gaps->len; i++)
    late += g_array_index (gaps, double, i) > LATE;
  print (scene, "frames.n", gaps->len);
  print (scene, "gap.median", g_array_index (gaps, double, gaps->len / 2));
  print (scene, "gap.99%", g_array_index (gaps, double, gaps->len * 99 / 100));
  print (scene, "gap.worst", g_array_index (gaps, double, gaps->len - 1));
  print (scene, "late.n", late);
  print (scene, "work.worst", watch.most_work);
  print (scene, "late-by-work.n", watch.n_busy);
  print (scene, "block", watch.block);
  print (scene, "block.work", watch.block_work);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

static void
wait_for (double seconds)
{
  const gint64 until = g_get_monotonic_time () + (gint64) (seconds * G_TIME_SPAN_SECOND);

  while (g_get_monotonic_time () < until)
    g_main_context_iteration (NULL, TRUE);
}

#define wait_until(condition, what)                                                                \
  G_STMT_START                                                                                     \
  {                                                                                                \
    const gint64 _end = g_get_monotonic_time () + PATIENCE;                                        \
    while (!(condition))                                                                           \
      {                                                                                            \
        if (g_get_monotonic_time () > _end)                                                        \
          fail (what, NULL);                                                                       \
        g_main_context_iteration (NULL, TRUE);                                                     \
      }                                                                                            \
  }                                                                                                \
  G_STMT_END

static void
take_result (GObject *source, GAsyncResult *result, gpointer place)
{
  *(GAsyncResult **) place = g_object_ref (result);
}

/* --- The window ------------------------------------------------------------------------------- */

static EspWindow *
present_window (void)
{
  EspWindow *window = esp_window_new (application);
  g_autoptr (GFile) photo = esp_application_dup_sample_photo (application);

  if (photo == NULL)
    fail ("there is no photo", NULL);
  gtk_window_set_default_size (GTK_WINDOW (window), 1200, 800);
  gtk_window_present (GTK_WINDOW (window));
  esp_window_open_photo (window, photo);
  wait_until (esp_window_get_document (window) != NULL, "photo");
  animate (GTK_WIDGET (window));
  wait_for (2);
  return window;
}

static void
run_idle (double seconds)
{
  present_window ();
  begin ();
  wait_for (seconds);
  end ("idle");
}

/* What any window would have here, with the same other work on the machine. */
static gboolean
on_input (GIOChannel *channel, GIOCondition condition, gpointer ended)
{
  *(gboolean *) ended = TRUE;
  return G_SOURCE_REMOVE;
}

static void
run_still (double seconds)
{
  GtkWidget *window = adw_window_new ();
  g_autoptr (GIOChannel) input = g_io_channel_unix_new (STDIN_FILENO);
  gboolean ended = FALSE;

  gtk_window_set_default_size (GTK_WINDOW (window), 400, 300);
  gtk_window_present (GTK_WINDOW (window));
  animate (window);
  wait_for (0.5);
  begin ();
  if (seconds <= 0)
    {
      g_io_add_watch (input, G_IO_IN | G_IO_HUP, on_input, &ended);
      wait_until (ended, "input");
    }
  else
    wait_for (seconds);
  end ("still");
}

/* --- Turns ------------------------------------------------------------------------------------ */

static const char *
add_account (const char *url, const char *descriptor)
{
  EspAccounts *accounts = esp_application_get_accounts (application);
  GError *error = NULL;
  EspAccount *account = esp_accounts_add (accounts, descriptor, NULL, url, FALSE, NULL, &error);
  g_autofree char *name = NULL;

  if (account == NULL)
    fail ("account", error);
  name = esp_key_variable_name (esp_account_get_id (account));
  g_setenv (name, g_getenv ("ESPALIER_BENCH_KEY"), TRUE);
  if (!esp_accounts_set_has_key (accounts, account, TRUE, &error))
    fail ("key", error);
  return esp_account_get_id (account);
}

/* As the window does it, some at a time, with frames in between. */
static GPtrArray *
add_turns (EspWindow *window, const char *backend, guint n)
{
  EspDocument *document = esp_window_get_document (window);
  EspQueue *queue = esp_application_get_queue (application);
  EspNode *photo = esp_document_get_node (document, 1);
  GPtrArray *all = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n; i += AT_A_TIME)
    {
      const guint count = MIN (AT_A_TIME, n - i);
      EspTurn turns[AT_A_TIME];
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GPtrArray) nodes = NULL;
      GError *error = NULL;

      for (guint j = 0; j < count; j++)
        turns[j] = (EspTurn){
          .instruction = "Make it snow", .backend = backend, .has_seed = TRUE, .seed = i + j
        };
      esp_document_add_turns_async (document, photo, turns, count, NULL, take_result, &result);
      wait_until (result != NULL, "turns");
      nodes = esp_document_add_turns_finish (document, result, &error);
      if (nodes == NULL)
        fail ("turns", error);
      for (guint j = 0; j < count; j++)
        {
          esp_queue_add (queue, document, nodes->pdata[j], FALSE);
          g_ptr_array_add (all, g_object_ref (nodes->pdata[j]));
        }
    }
  return all;
}

static GtkMenuButton *
find_menu_button (GtkWidget *widget)
{
  if (GTK_IS_MENU_BUTTON (widget))
    return GTK_MENU_BUTTON (widget);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkMenuButton *found = find_menu_button (child);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static void
run_turns (const char *url, const char *descriptor, guint n, gboolean with_list)
{
  const char *scene = with_list ? "list" : "turns";
  EspWindow *window = present_window ();
  EspQueue *queue = esp_application_get_queue (application);
  const char *backend = add_account (url, descriptor);
  double before = get_memory ("VmRSS:"), peak = before, seconds;
  guint most = 0, shown = 0;
  gint64 start;
  g_autoptr (GPtrArray) nodes = NULL;

  wait_for (1);
  begin ();
  start = g_get_monotonic_time ();
  nodes = add_turns (window, backend, n);
  if (with_list)
    {
      GtkMenuButton *button = find_menu_button (GTK_WIDGET (window->queue_button));

      if (button == NULL)
        fail ("there is no list", NULL);
      gtk_menu_button_popup (button);
    }
  print (scene, "added", (double) (g_get_monotonic_time () - start) / 1000);
  while (esp_queue_has_document (queue, esp_window_get_document (window)))
    {
      if (g_get_monotonic_time () - start > PATIENCE)
        fail ("the turns do not end", NULL);
      g_main_context_iteration (NULL, TRUE);
      most = MAX (most, esp_queue_get_n_running (queue));
      if (shown++ % 50 == 0)
        peak = MAX (peak, get_memory ("VmRSS:"));
    }
  seconds = (double) (g_get_monotonic_time () - start) / G_TIME_SPAN_SECOND;
  wait_for (1);
  end (scene);
  for (guint i = 0; i < nodes->len; i++)
    {
      if (esp_node_get_state (nodes->pdata[i]) != ESP_NODE_DONE)
        {
          g_printerr ("bench-remote: a turn failed: %s\n", esp_node_get_message (nodes->pdata[i]));
          exit (EXIT_FAILURE);
        }
    }
  print (scene, "at-once.n", most);
  print (scene, "seconds.n", seconds);
  print (scene, "jobs-a-second.n", n / seconds);
  print (scene, "memory.before", before);
  print (scene, "memory.peak", peak);
  wait_for (2);
  print (scene, "memory.after", get_memory ("VmRSS:"));
}

int
main (int argc, char *argv[])
{
  const char *verb = argc > 1 ? argv[1] : "";
  GError *error = NULL;

  g_set_prgname ("espalier");
  gtk_init ();
  adw_init ();
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", TRUE, NULL);
  g_main_context_set_poll_func (NULL, on_poll);
  if (argc == 3 && g_str_equal (verb, "still"))
    {
      run_still (atof (argv[2]));
      return EXIT_SUCCESS;
    }

  application
      = g_object_new (ESP_TYPE_APPLICATION, "application-id", ESP_APP_ID, "flags",
                      G_APPLICATION_NON_UNIQUE, "resource-base-path", "/espalier/app/window", NULL);
  if (!g_application_register (G_APPLICATION (application), NULL, &error))
    fail ("register", error);
  if (argc == 3 && g_str_equal (verb, "idle"))
    run_idle (atof (argv[2]));
  else if (argc >= 5 && g_str_equal (verb, "turns") && g_getenv ("ESPALIER_BENCH_KEY") != NULL)
    run_turns (argv[2], argv[3], (guint) atoi (argv[4]), argc > 5);
  else
    {
      g_printerr ("Usage: bench-remote still SECONDS|idle SECONDS|turns URL DESCRIPTOR N [list]\n");
      return EXIT_FAILURE;
    }
  exit (EXIT_SUCCESS);
}
