/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-queue-button.c: the pill is there while turns wait, and its verbs reach the queue. */
#include <adwaita.h>

#include "esp-icon-keep.h"
#include "esp-job-row.h"
#include "esp-queue-button.h"
#include "jobs-fixture.h"
#include "scratch-wait.h"
#include "widgets.h"

typedef struct
{
  JobsFixture jobs;
  GtkWidget *window;
  GtkWidget *button;
} Fixture;

static gboolean
is_button_labelled (GtkWidget *widget, gconstpointer label)
{
  return GTK_IS_BUTTON (widget)
         && g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), label) == 0;
}

static GtkWidget *
find_button (GtkWidget *widget, const char *label)
{
  return widgets_find (widget, is_button_labelled, label);
}

static gboolean
is_mapped_of_type (GtkWidget *widget, gconstpointer type)
{
  return gtk_widget_get_mapped (widget) && widgets_has_type (widget, type);
}

static guint
count (GtkWidget *widget, GType type)
{
  g_autoptr (GPtrArray) found
      = widgets_find_all (widget, is_mapped_of_type, GSIZE_TO_POINTER (type));

  return found->len;
}

static const char *
words (Fixture *fixture)
{
  GtkWidget *menu = widgets_find_type (fixture->button, GTK_TYPE_MENU_BUTTON);

  return gtk_label_get_text (GTK_LABEL (gtk_menu_button_get_child (GTK_MENU_BUTTON (menu))));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  jobs_set_up (&fixture->jobs, data);
  fixture->window = gtk_window_new ();
  fixture->button = esp_queue_button_new ();
  gtk_window_set_child (GTK_WINDOW (fixture->window), fixture->button);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), 400, 400);
  esp_queue_button_set_queue (ESP_QUEUE_BUTTON (fixture->button), fixture->jobs.queue);
  gtk_window_present (GTK_WINDOW (fixture->window));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  /* While the popover is open its button is asked for a tooltip, which GTK 4.8 shows half a second
   * later on the popover's surface, and complains if that has gone with the window meanwhile. This
   * wait began later than that one, and so ends after it. */
  scratch_wait (600);
  /* GTK keeps a window whose popover was open for a while after its end. */
  esp_queue_button_set_queue (ESP_QUEUE_BUTTON (fixture->button), NULL);
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  jobs_tear_down (&fixture->jobs, data);
}

static void
test_shown (Fixture *fixture, gconstpointer data)
{
  g_assert_false (gtk_widget_get_visible (fixture->button));
  jobs_add (&fixture->jobs, "a");
  jobs_wait (fake_backend_is_running (fixture->jobs.fake, "a"));
  jobs_wait (!gtk_widget_get_visible (fixture->button)); /* it runs, and nothing waits */

  jobs_add (&fixture->jobs, "b");
  jobs_add (&fixture->jobs, "c");
  jobs_wait (gtk_widget_get_visible (fixture->button));
  jobs_wait (g_str_has_prefix (words (fixture), "2 waiting"));

  fake_backend_finish (fixture->jobs.fake, "a");
  jobs_wait (fake_backend_is_running (fixture->jobs.fake, "b"));
  jobs_wait (g_str_has_prefix (words (fixture), "1 waiting"));
  fake_backend_finish (fixture->jobs.fake, "b");
  jobs_wait (fake_backend_is_running (fixture->jobs.fake, "c"));
  jobs_wait (!gtk_widget_get_visible (fixture->button));
  fake_backend_finish (fixture->jobs.fake, "c");
  jobs_settle (&fixture->jobs);
}

static void
test_verbs (Fixture *fixture, gconstpointer data)
{
  GtkWidget *menu = widgets_find_type (fixture->button, GTK_TYPE_MENU_BUTTON);
  GtkWidget *popover = GTK_WIDGET (gtk_menu_button_get_popover (GTK_MENU_BUTTON (menu)));

  jobs_add (&fixture->jobs, "a");
  jobs_wait (fake_backend_is_running (fixture->jobs.fake, "a"));
  jobs_add (&fixture->jobs, "b");
  jobs_add (&fixture->jobs, "c");
  jobs_wait (gtk_widget_get_mapped (menu));
  gtk_menu_button_popup (GTK_MENU_BUTTON (menu));
  jobs_wait (count (popover, ESP_TYPE_JOB_ROW) == 3);

  g_signal_emit_by_name (find_button (popover, "_Pause"), "clicked");
  g_assert_true (esp_queue_get_paused (fixture->jobs.queue));
  g_assert_false (gtk_widget_get_visible (find_button (popover, "_Pause")));
  g_signal_emit_by_name (find_button (popover, "_Resume"), "clicked");
  g_assert_false (esp_queue_get_paused (fixture->jobs.queue));

  g_signal_emit_by_name (find_button (popover, "_Clear"), "clicked");
  jobs_wait (esp_queue_get_n_waiting (fixture->jobs.queue) == 0);
  jobs_assert_list (&fixture->jobs, "[a]");
  fake_backend_finish (fixture->jobs.fake, "a");
  jobs_settle (&fixture->jobs);
  gtk_menu_button_popdown (GTK_MENU_BUTTON (menu));
}

static guint
count_listed (GtkWidget *popover)
{
  GtkWidget *list = widgets_find_type (popover, GTK_TYPE_LIST_VIEW);

  return g_list_model_get_n_items (G_LIST_MODEL (gtk_list_view_get_model (GTK_LIST_VIEW (list))));
}

/* A list that nobody sees has no rows; the open one begins with a few, and soon has all turns. */
static void
test_long (Fixture *fixture, gconstpointer data)
{
  const guint n = 60;
  GtkWidget *menu = widgets_find_type (fixture->button, GTK_TYPE_MENU_BUTTON);
  GtkWidget *popover = GTK_WIDGET (gtk_menu_button_get_popover (GTK_MENU_BUTTON (menu)));

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *prompt = g_strdup_printf ("%u", i);

      jobs_add (&fixture->jobs, prompt);
    }
  jobs_wait (fake_backend_is_running (fixture->jobs.fake, "0"));
  jobs_wait (gtk_widget_get_mapped (menu));
  g_assert_cmpuint (count_listed (popover), ==, 0);
  g_assert_null (widgets_find_type (popover, ESP_TYPE_JOB_ROW));

  gtk_menu_button_popup (GTK_MENU_BUTTON (menu));
  g_assert_cmpuint (count_listed (popover), >, 0);
  g_assert_cmpuint (count_listed (popover), <, n);
  jobs_wait (count_listed (popover) == n && count (popover, ESP_TYPE_JOB_ROW) > 0);
  jobs_add (&fixture->jobs, "more");
  jobs_wait (count_listed (popover) == n + 1);

  gtk_menu_button_popdown (GTK_MENU_BUTTON (menu));
  jobs_wait (count_listed (popover) == 0);
  esp_queue_clear (fixture->jobs.queue, NULL);
  jobs_wait (esp_queue_get_n_waiting (fixture->jobs.queue) == 0);
  fake_backend_finish (fixture->jobs.fake, "0");
  jobs_settle (&fixture->jobs);
}

int
main (int argc, char **argv)
{
  jobs_init (&argc, &argv);
  gtk_init ();
  adw_init ();
  esp_icon_keep_from_threads ();

  g_test_add ("/queue-button/shown", Fixture, NULL, set_up, test_shown, tear_down);
  g_test_add ("/queue-button/verbs", Fixture, NULL, set_up, test_verbs, tear_down);
  g_test_add ("/queue-button/long", Fixture, NULL, set_up, test_long, tear_down);
  return jobs_run ();
}
