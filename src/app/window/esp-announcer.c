/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-announcer.c: see esp-announcer.h. Turns are followed as nodes, whose state is told when it is
 * stored; a job ends before that. */
#define G_LOG_DOMAIN "espalier-window"
#define _GNU_SOURCE  /* RTLD_DEFAULT */

#include "esp-announcer.h"

#include <dlfcn.h>
#include <glib/gi18n-lib.h>

struct _EspAnnouncer
{
  GtkWidget parent_instance;

  EspQueue *queue;
  EspDocument *document;
  GHashTable *nodes; /* of EspNode, not yet through */
};

G_DEFINE_FINAL_TYPE (EspAnnouncer, esp_announcer, GTK_TYPE_WIDGET)

/* --- Saying ----------------------------------------------------------------------------------- */

/* GTK_ACCESSIBLE_ANNOUNCEMENT_PRIORITY_…, since GTK 4.14. */
enum
{
  PRIORITY_MEDIUM = 1,
  PRIORITY_HIGH = 2,
};

typedef void (*Announce) (GtkAccessible *accessible, const char *message, int priority);

/* Programs that were built with an older GTK run with newer ones. */
static Announce
get_announce (void)
{
  static gsize known = 0;
  static Announce announce;

  if (g_once_init_enter (&known))
    {
      announce = (Announce) dlsym (RTLD_DEFAULT, "gtk_accessible_announce");
      g_once_init_leave (&known, 1);
    }
  return announce;
}

void
esp_announcer_say (EspAnnouncer *self, const char *text, gboolean urgent)
{
  Announce announce = get_announce ();

  g_return_if_fail (ESP_IS_ANNOUNCER (self));
  g_return_if_fail (text != NULL);

  /* The same words once more are news, too. */
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, "", -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
  if (announce != NULL)
    announce (GTK_ACCESSIBLE (self), text, urgent ? PRIORITY_HIGH : PRIORITY_MEDIUM);
}

static char *
dup_failure (EspNode *node, const char *title)
{
  const char *message = esp_node_get_message (node);

  if (message == NULL)
    /* Translators: what a screen reader says of a turn; %s is its instruction. */
    return g_strdup_printf (_ ("Failed: %s"), title);
  /* Translators: what a screen reader says of a turn: its instruction, and a sentence that says why
   * it failed. */
  return g_strdup_printf (_ ("Failed: %s. %s"), title, message);
}

/* NULL: it is not through. */
static char *
dup_end (EspNode *node)
{
  g_autofree char *title = esp_node_dup_title (node);

  switch (esp_node_get_state (node))
    {
    case ESP_NODE_DONE:
      /* Translators: what a screen reader says of a turn; %s is its instruction. */
      return g_strdup_printf (_ ("Done: %s"), title);
    case ESP_NODE_FAILED:
      return dup_failure (node, title);
    case ESP_NODE_BLOCKED:
      /* Translators: what a screen reader says of a turn; %s is its instruction. */
      return g_strdup_printf (_ ("Refused by the provider: %s"), title);
    case ESP_NODE_CANCELLED:
      /* Translators: what a screen reader says of a turn; %s is its instruction. */
      return g_strdup_printf (_ ("Stopped: %s"), title);
    case ESP_NODE_QUEUED:
    case ESP_NODE_RUNNING:
    default:
      return NULL;
    }
}

/* --- Following -------------------------------------------------------------------------------- */

/* Whether there are more of its sweep. */
static gboolean
is_more_to_come (EspAnnouncer *self, gint64 sweep)
{
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, &node, NULL))
    if (esp_node_get_sweep (node) == sweep)
      return TRUE;
  return FALSE;
}

static void
on_node_changed (EspNode *node, EspNodeChange change, EspAnnouncer *self)
{
  g_autoptr (EspNode) kept = g_object_ref (node);
  g_autofree char *text = dup_end (node);
  const EspNodeState state = esp_node_get_state (node);
  const gint64 sweep = esp_node_get_sweep (node);

  if (text == NULL || !g_hash_table_contains (self->nodes, node))
    return;
  g_signal_handlers_disconnect_by_data (node, self);
  g_hash_table_remove (self->nodes, node);
  if (esp_node_is_deleted (node))
    return; /* whoever deleted it knows */
  if (sweep == 0)
    esp_announcer_say (self, text, state == ESP_NODE_FAILED || state == ESP_NODE_BLOCKED);
  else if (!is_more_to_come (self, sweep))
    esp_announcer_say (self, _ ("A sweep is done"), FALSE);
}

static void
follow (EspAnnouncer *self, EspJob *job)
{
  EspNode *node = esp_job_get_node (job);

  if (esp_job_get_document (job) != self->document
      || !g_hash_table_add (self->nodes, g_object_ref (node)))
    return;
  g_signal_connect_object (node, "changed", G_CALLBACK (on_node_changed), self, 0);
}

static void
on_job_added (EspQueue *queue, EspJob *job, EspAnnouncer *self)
{
  follow (self, job);
}

static void
forget (EspAnnouncer *self)
{
  GHashTableIter iter;
  gpointer node;

  if (self->queue != NULL)
    g_signal_handlers_disconnect_by_data (self->queue, self);
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, &node, NULL))
    g_signal_handlers_disconnect_by_data (node, self);
  g_hash_table_remove_all (self->nodes);
  g_clear_object (&self->queue);
  g_clear_object (&self->document);
}

void
esp_announcer_watch (EspAnnouncer *self, EspQueue *queue, EspDocument *document)
{
  GListModel *jobs;

  g_return_if_fail (ESP_IS_ANNOUNCER (self));
  g_return_if_fail (document == NULL || ESP_IS_QUEUE (queue));

  forget (self);
  if (document == NULL)
    return;
  self->queue = g_object_ref (queue);
  self->document = g_object_ref (document);
  jobs = esp_queue_get_jobs (queue);
  for (guint i = 0; i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);

      follow (self, job);
    }
  g_signal_connect_object (queue, "job-added", G_CALLBACK (on_job_added), self, 0);
}

/* --- The object ------------------------------------------------------------------------------- */

static void
esp_announcer_dispose (GObject *object)
{
  forget (ESP_ANNOUNCER (object));

  G_OBJECT_CLASS (esp_announcer_parent_class)->dispose (object);
}

static void
esp_announcer_finalize (GObject *object)
{
  g_hash_table_unref (ESP_ANNOUNCER (object)->nodes);

  G_OBJECT_CLASS (esp_announcer_parent_class)->finalize (object);
}

static void
esp_announcer_class_init (EspAnnouncerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_announcer_dispose;
  G_OBJECT_CLASS (klass)->finalize = esp_announcer_finalize;
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_STATUS);
}

static void
esp_announcer_init (EspAnnouncer *self)
{
  self->nodes = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, "", -1);
}
