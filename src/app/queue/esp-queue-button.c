/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-queue-button.c: a pill that tells of what waits, and the list behind it. */
#define G_LOG_DOMAIN "espalier-queue"

#include "esp-queue-button.h"

#include <glib/gi18n-lib.h>

#include "esp-job-row.h"
#include "esp-price-text.h"

/* The pill says something new at most so often, in ms: each time the window is laid out. */
#define REST 250

/* Rows that the open list begins with, more than fit, and how many join them in each frame. */
#define FIRST_ROWS 12
#define MORE_ROWS  6

struct _EspQueueButton
{
  GtkWidget parent_instance;

  GtkWidget *button;
  GtkLabel *label;
  GtkListView *list;
  GtkWidget *pause_button;
  GtkWidget *resume_button;
  GtkWidget *clear_button;

  EspQueue *queue;
  GtkSliceListModel *rows; /* of the jobs; none while the list is closed */
  guint tick_id;           /* brings further rows */
  guint update_id;         /* of a timeout, within REST */
  gboolean is_stale;       /* there is something to say when that is over */
};

G_DEFINE_FINAL_TYPE (EspQueueButton, esp_queue_button, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_QUEUE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

/* What those that wait will cost, where that is known; NULL for nothing. */
static char *
dup_cost (EspQueueButton *self)
{
  GListModel *jobs = esp_queue_get_jobs (self->queue);
  EspRegistry *registry = esp_queue_get_registry (self->queue);
  const char *currency = NULL;
  double cost = 0;

  for (guint i = 0; i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);
      EspNode *node = esp_job_get_node (job);
      EspModel *model = esp_job_get_state (job) == ESP_JOB_WAITING ? esp_registry_find_model (
                            registry, esp_node_get_backend (node), esp_node_get_model (node))
                                                                   : NULL;

      if (model == NULL || esp_model_get_price (model) <= 0)
        continue;
      /* Different currencies are not added up. */
      if (currency != NULL && g_strcmp0 (currency, esp_model_get_currency (model)) != 0)
        return NULL;
      currency = esp_model_get_currency (model);
      cost += esp_model_get_price (model);
    }
  return cost > 0 ? esp_price_format (cost, currency) : NULL;
}

static void
show (EspQueueButton *self)
{
  g_autofree char *waiting = NULL;
  g_autofree char *cost = NULL;
  g_autofree char *time = NULL;
  g_autofree char *text = NULL;
  guint n_waiting, n_running;
  gboolean paused;

  if (self->queue == NULL || self->button == NULL)
    {
      gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
      return;
    }

  n_waiting = esp_queue_get_n_waiting (self->queue);
  n_running = esp_queue_get_n_running (self->queue);
  paused = esp_queue_get_paused (self->queue);
  time = esp_seconds_about_format (esp_queue_get_seconds_left (self->queue));
  waiting = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u waiting", "%u waiting", n_waiting),
                             n_waiting);
  cost = dup_cost (self);
  if (cost != NULL)
    {
      g_autofree char *words = g_steal_pointer (&waiting);

      /* Translators: "3 waiting", then what they will cost. */
      waiting = g_strdup_printf (_ ("%s · %s"), words, cost);
    }
  if (paused && n_running > 0)
    text = g_strdup_printf (_ ("%s · stopping after this turn"), waiting);
  else if (paused)
    text = g_strdup_printf (_ ("%s · paused"), waiting);
  else if (time != NULL)
    /* Translators: "3 waiting", then "about 2 min". */
    text = g_strdup_printf (_ ("%s · %s"), waiting, time);
  else
    text = g_strdup (waiting);

  if (!g_str_equal (gtk_label_get_text (self->label), text))
    gtk_label_set_text (self->label, text);
  gtk_widget_set_visible (GTK_WIDGET (self), n_waiting > 0 || (paused && n_running > 0));
  gtk_widget_set_visible (self->pause_button, !paused);
  gtk_widget_set_visible (self->resume_button, paused);
  gtk_widget_set_sensitive (self->clear_button, n_waiting > 0);
}

static gboolean
on_rest_over (gpointer user_data)
{
  EspQueueButton *self = user_data;

  if (self->is_stale)
    {
      self->is_stale = FALSE;
      show (self);
      return G_SOURCE_CONTINUE;
    }
  self->update_id = 0;
  return G_SOURCE_REMOVE;
}

/* Hundreds of turns bring hundreds of news a second: the first is shown at once, the others
 * together after a rest. */
static void
update (EspQueueButton *self)
{
  if (self->update_id != 0)
    {
      self->is_stale = TRUE;
      return;
    }
  show (self);
  if (self->queue != NULL)
    {
      self->update_id = g_timeout_add (REST, on_rest_over, self);
      g_source_set_name_by_id (self->update_id, "[espalier] queue pill");
    }
}

/* --- The list --------------------------------------------------------------------------------- */

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  gtk_list_item_set_activatable (item, FALSE);
  gtk_list_item_set_child (item, esp_job_row_new ());
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *item, EspQueueButton *self)
{
  esp_job_row_set_job (ESP_JOB_ROW (gtk_list_item_get_child (item)), self->queue,
                       gtk_list_item_get_item (item));
}

static void
on_unbind (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  esp_job_row_set_job (ESP_JOB_ROW (gtk_list_item_get_child (item)), NULL, NULL);
}

static gboolean
on_more_rows (GtkWidget *list, GdkFrameClock *clock, gpointer user_data)
{
  EspQueueButton *self = user_data;
  const guint n
      = self->queue != NULL ? g_list_model_get_n_items (esp_queue_get_jobs (self->queue)) : 0;
  const guint size = gtk_slice_list_model_get_size (self->rows) + MORE_ROWS;

  gtk_slice_list_model_set_size (self->rows, size < n ? size : G_MAXUINT);
  if (size < n)
    return G_SOURCE_CONTINUE;
  self->tick_id = 0;
  return G_SOURCE_REMOVE;
}

static void
stop_adding (EspQueueButton *self)
{
  if (self->tick_id != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self->list), self->tick_id);
  self->tick_id = 0;
}

/* A row is a dozen widgets, and a list view makes hundreds at once: some at a time cost no frame.
 */
static void
on_popup (GtkMenuButton *button, gpointer user_data)
{
  EspQueueButton *self = user_data;

  stop_adding (self);
  gtk_slice_list_model_set_size (self->rows, FIRST_ROWS);
  self->tick_id = gtk_widget_add_tick_callback (GTK_WIDGET (self->list), on_more_rows, self, NULL);
}

/* A closed list follows nothing. */
static void
on_closed (EspQueueButton *self)
{
  stop_adding (self);
  gtk_slice_list_model_set_size (self->rows, 0);
}

/* --- Verbs ------------------------------------------------------------------------------------ */

static void
on_pause (EspQueueButton *self)
{
  if (self->queue != NULL)
    esp_queue_stop_after_running (self->queue);
}

static void
on_resume (EspQueueButton *self)
{
  if (self->queue != NULL)
    esp_queue_resume (self->queue);
}

static void
on_clear (EspQueueButton *self)
{
  if (self->queue != NULL)
    esp_queue_clear (self->queue, NULL);
}

static void
esp_queue_button_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_QUEUE:
      g_value_set_object (value, ESP_QUEUE_BUTTON (object)->queue);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_queue_button_set_property (GObject *object, guint prop_id, const GValue *value,
                               GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_QUEUE:
      esp_queue_button_set_queue (ESP_QUEUE_BUTTON (object), g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_queue_button_dispose (GObject *object)
{
  EspQueueButton *self = ESP_QUEUE_BUTTON (object);
  GtkWidget *child;

  if (self->list != NULL)
    {
      stop_adding (self);
      esp_queue_button_set_queue (self, NULL);
    }
  g_clear_handle_id (&self->update_id, g_source_remove);
  g_clear_object (&self->rows);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_QUEUE_BUTTON);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);

  G_OBJECT_CLASS (esp_queue_button_parent_class)->dispose (object);
}

static void
esp_queue_button_class_init (EspQueueButtonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = esp_queue_button_get_property;
  object_class->set_property = esp_queue_button_set_property;
  object_class->dispose = esp_queue_button_dispose;

  properties[PROP_QUEUE]
      = g_param_spec_object ("queue", NULL, NULL, ESP_TYPE_QUEUE,
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/queue/esp-queue-button.ui");
  gtk_widget_class_bind_template_child (widget_class, EspQueueButton, button);
  gtk_widget_class_bind_template_child (widget_class, EspQueueButton, label);
  gtk_widget_class_bind_template_child (widget_class, EspQueueButton, list);
  gtk_widget_class_bind_template_child (widget_class, EspQueueButton, pause_button);
  gtk_widget_class_bind_template_child (widget_class, EspQueueButton, resume_button);
  gtk_widget_class_bind_template_child (widget_class, EspQueueButton, clear_button);
  gtk_widget_class_bind_template_callback (widget_class, on_pause);
  gtk_widget_class_bind_template_callback (widget_class, on_resume);
  gtk_widget_class_bind_template_callback (widget_class, on_clear);
  gtk_widget_class_bind_template_callback (widget_class, on_closed);
  gtk_widget_class_set_css_name (widget_class, "queuebutton");
}

static void
esp_queue_button_init (EspQueueButton *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  g_autoptr (GtkNoSelection) selection = NULL;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->rows = gtk_slice_list_model_new (NULL, 0, 0);
  selection = gtk_no_selection_new (g_object_ref (G_LIST_MODEL (self->rows)));
  gtk_list_view_set_model (self->list, GTK_SELECTION_MODEL (selection));
  gtk_menu_button_set_create_popup_func (GTK_MENU_BUTTON (self->button), on_popup, self, NULL);
  g_signal_connect (factory, "setup", G_CALLBACK (on_setup), NULL);
  g_signal_connect_object (factory, "bind", G_CALLBACK (on_bind), self, 0);
  g_signal_connect (factory, "unbind", G_CALLBACK (on_unbind), NULL);
  gtk_list_view_set_factory (self->list, factory);
  g_object_unref (factory);
  update (self);
}

GtkWidget *
esp_queue_button_new (void)
{
  return g_object_new (ESP_TYPE_QUEUE_BUTTON, NULL);
}

void
esp_queue_button_set_queue (EspQueueButton *self, EspQueue *queue)
{
  g_return_if_fail (ESP_IS_QUEUE_BUTTON (self));
  g_return_if_fail (queue == NULL || ESP_IS_QUEUE (queue));

  if (self->queue == queue)
    return;
  if (self->queue != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->queue, self);
      g_signal_handlers_disconnect_by_data (esp_queue_get_jobs (self->queue), self);
      gtk_slice_list_model_set_model (self->rows, NULL);
      g_clear_handle_id (&self->update_id, g_source_remove);
      self->is_stale = FALSE;
    }
  g_set_object (&self->queue, queue);
  if (queue != NULL)
    {
      g_signal_connect_object (esp_queue_get_jobs (queue), "items-changed", G_CALLBACK (update),
                               self, G_CONNECT_SWAPPED);
      g_signal_connect_object (queue, "notify", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (queue, "notify::paused", G_CALLBACK (show), self, G_CONNECT_SWAPPED);
      gtk_slice_list_model_set_model (self->rows, esp_queue_get_jobs (queue));
    }
  update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_QUEUE]);
}
