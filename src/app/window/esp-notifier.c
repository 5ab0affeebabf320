/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-notifier.c: see esp-notifier.h. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-notifier.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "esp-application.h"
#include "esp-picture-scale.h"
#include "esp-window.h"

#define KEY       "esp-notifier"
#define ICONS_MAX 8   /* pictures of notifications that are kept */
#define ICON_SIDE 128 /* px */

/* What belongs together and is told at once. */
typedef enum
{
  TURNS,         /* one, or its variations */
  SWEEP,         /* its cells */
  IN_BACKGROUND, /* all that runs for a window that was closed */
} Kind;

typedef struct
{
  guint n_done, n_failed;
  char *reason; /* of the last that failed */
} Count;

typedef struct
{
  GtkApplication *application; /* owns this */
  EspQueue *queue;
  GHashTable *counts; /* of Count, by what belongs together (dup_key ()) */
  GHashTable *icons;  /* paths of pictures of notifications, by id */
} Notifier;

static void
count_free (gpointer data)
{
  Count *count = data;

  g_free (count->reason);
  g_free (count);
}

/* --- What belongs together -------------------------------------------------------------------- */

static Kind
get_kind (Notifier *notifier, EspJob *job)
{
  GFile *file = esp_document_get_file (esp_job_get_document (job));
  EspWindow *window = esp_application_find_window (ESP_APPLICATION (notifier->application), file);

  if (window != NULL && esp_window_is_in_background (window))
    return IN_BACKGROUND;
  return esp_node_get_sweep (esp_job_get_node (job)) > 0 ? SWEEP : TURNS;
}

/* Begins with the document's address, then a line break. */
static char *
dup_key (Notifier *notifier, EspJob *job)
{
  EspNode *node = esp_job_get_node (job);
  EspNode *parent = esp_node_get_parent (node);
  g_autofree char *uri = g_file_get_uri (esp_document_get_file (esp_job_get_document (job)));

  switch (get_kind (notifier, job))
    {
    case IN_BACKGROUND:
      return g_strconcat (uri, "\nall", NULL);
    case SWEEP:
      return g_strdup_printf ("%s\nsweep %" G_GINT64_FORMAT, uri, esp_node_get_sweep (node));
    case TURNS:
    default:
      return g_strdup_printf ("%s\nturn %" G_GINT64_FORMAT " %s", uri,
                              parent != NULL ? esp_node_get_id (parent) : 0,
                              esp_node_get_instruction (node));
    }
}

static gboolean
is_more_to_come (Notifier *notifier, const char *key)
{
  GListModel *jobs = esp_queue_get_jobs (notifier->queue);

  for (guint i = 0; i < g_list_model_get_n_items (jobs); i++)
    {
      g_autoptr (EspJob) job = g_list_model_get_item (jobs, i);
      g_autofree char *other = dup_key (notifier, job);

      if (esp_job_get_state (job) <= ESP_JOB_STOPPING && g_str_equal (other, key))
        return TRUE;
    }
  return FALSE;
}

static gboolean
begins_with (gpointer key, gpointer value, gpointer prefix)
{
  return g_str_has_prefix (key, prefix);
}

static void
forget (Notifier *notifier, const char *uri)
{
  g_autofree char *prefix = g_strconcat (uri, "\n", NULL);

  g_hash_table_foreach_remove (notifier->counts, begins_with, prefix);
}

/* --- Words ------------------------------------------------------------------------------------ */

static char *
dup_failed (const Count *count)
{
  return g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%u turn failed", "%u turns failed", count->n_failed),
      count->n_failed);
}

static char *
dup_done (const Count *count)
{
  return g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "%u turn is done", "%u turns are done", count->n_done),
      count->n_done);
}

static char *
dup_title (Kind kind, const Count *count, EspDocument *document)
{
  if (kind == IN_BACKGROUND)
    return g_strdup_printf (_ ("All turns of “%s” are done"), esp_document_get_title (document));
  if (kind == SWEEP)
    return g_strdup (_ ("A sweep is done"));
  if (count->n_done == 0)
    return count->n_failed == 1 ? g_strdup (_ ("A turn failed")) : dup_failed (count);
  return count->n_done == 1 ? g_strdup (_ ("A turn is done")) : dup_done (count);
}

/* A line for each: what was asked for, how many there are, what went wrong. */
static char *
dup_body (Kind kind, const Count *count, EspNode *node)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  if (kind == TURNS)
    g_ptr_array_add (lines, esp_node_dup_title (node));
  else if (count->n_done > 0)
    g_ptr_array_add (lines, dup_done (count));
  if (count->n_failed > 0 && (kind != TURNS || count->n_done > 0))
    g_ptr_array_add (lines, dup_failed (count));
  if (count->reason != NULL)
    g_ptr_array_add (lines, g_strdup (count->reason));
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (char **) lines->pdata);
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* One that waits for its picture. */
typedef struct
{
  GtkApplication *application;
  GNotification *notification;
  char *id;
} Sending;

static void
drop_icon (Notifier *notifier, const char *id)
{
  const char *path = g_hash_table_lookup (notifier->icons, id);

  if (path != NULL)
    g_unlink (path);
  g_hash_table_remove (notifier->icons, id);
}

/* µs; 0: it has gone. */
static gint64
get_written (const char *path)
{
  GStatBuf status;

  return g_stat (path, &status) == 0
             ? (gint64) status.st_mtim.tv_sec * G_USEC_PER_SEC + status.st_mtim.tv_nsec / 1000
             : 0;
}

static void
remove_oldest (GPtrArray *paths)
{
  guint oldest = 0;

  for (guint i = 1; i < paths->len; i++)
    if (get_written (paths->pdata[i]) < get_written (paths->pdata[oldest]))
      oldest = i;
  g_unlink (paths->pdata[oldest]);
  g_ptr_array_remove_index (paths, oldest);
}

/* Makes room for another picture. Nobody tells of a notification that a person has put away, nor
 * does a program that was killed; an old one without its picture has the program's icon. */
static void
bound_icons (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, "notification-") && g_str_has_suffix (name, ".png"))
      g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  while (paths->len >= ICONS_MAX)
    remove_oldest (paths);
}

/* Desktops without GNOME's notifications show files only; a sandbox's files are not theirs. */
static GIcon *
create_icon (Notifier *notifier, const char *id, GBytes *png)
{
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, id, -1);
  g_autofree char *folder = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GFile) file = NULL;

  if (g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS))
    return g_bytes_icon_new (png);
  folder = g_build_filename (g_get_user_runtime_dir (), "espalier", NULL);
  name = g_strdup_printf ("notification-%.16s-%" G_GINT64_FORMAT ".png", digest,
                          g_get_monotonic_time ());
  path = g_build_filename (folder, name, NULL);
  drop_icon (notifier, id);
  bound_icons (folder);
  if (g_mkdir_with_parents (folder, 0700) != 0
      || !g_file_set_contents_full (path, g_bytes_get_data (png, NULL),
                                    (gssize) g_bytes_get_size (png), G_FILE_SET_CONTENTS_NONE, 0600,
                                    NULL))
    return NULL;
  g_hash_table_insert (notifier->icons, g_strdup (id), g_strdup (path));
  file = g_file_new_for_path (path);
  return g_file_icon_new (file);
}

static void
add_picture (Notifier *notifier, Sending *sending, EspPicture *picture)
{
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (EspPicture) small = esp_picture_shrink (picture, ICON_SIDE, NULL);
  g_autoptr (GBytes) png = NULL;
  g_autoptr (GIcon) icon = NULL;

  if (small != NULL)
    png = esp_picture_to_bytes (small, ESP_FORMAT_PNG, NULL, &options, NULL, NULL);
  if (png != NULL)
    icon = create_icon (notifier, sending->id, png);
  if (icon != NULL)
    g_notification_set_icon (sending->notification, icon);
}

static void
send_it (Sending *sending)
{
  g_application_send_notification (G_APPLICATION (sending->application), sending->id,
                                   sending->notification);
  g_application_release (G_APPLICATION (sending->application));
  g_object_unref (sending->application);
  g_object_unref (sending->notification);
  g_free (sending->id);
  g_free (sending);
}

static void
on_picture (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Sending *sending = user_data;
  Notifier *notifier = g_object_get_data (G_OBJECT (sending->application), KEY);
  g_autoptr (EspPicture) picture
      = esp_document_load_thumbnail_finish (ESP_DOCUMENT (source), result, NULL);

  if (picture != NULL && notifier != NULL)
    add_picture (notifier, sending, picture);
  send_it (sending);
}

static void
add_button (GNotification *notification, const char *label, const char *uri, EspNode *node,
            const char *verb)
{
  g_notification_add_button_with_target (notification, label, "app.on-node", "(sxs)", uri,
                                         esp_node_get_id (node), verb);
}

static void
tell (Notifier *notifier, Kind kind, const Count *count, EspDocument *document, EspNode *node)
{
  g_autofree char *uri = g_file_get_uri (esp_document_get_file (document));
  g_autofree char *title = dup_title (kind, count, document);
  g_autofree char *body = dup_body (kind, count, node);
  const gboolean done = esp_node_get_state (node) == ESP_NODE_DONE;
  GNotification *notification = g_notification_new (title);
  Sending *sending = g_new0 (Sending, 1);

  g_notification_set_body (notification, body);
  g_notification_set_default_action_and_target (
      notification, "app.on-node", "(sxs)", uri, esp_node_get_id (node),
      kind == SWEEP || (kind == IN_BACKGROUND && esp_node_get_sweep (node) > 0) ? "show-sweep"
                                                                                : "show");
  if (kind == TURNS && done)
    {
      add_button (notification, _ ("Run Again"), uri, node, "run-again");
      add_button (notification, _ ("Export…"), uri, node, "export");
    }
  else if (kind == TURNS)
    add_button (notification, _ ("Try Again"), uri, node, "retry");
  else
    add_button (notification, _ ("Show"), uri, node,
                esp_node_get_sweep (node) > 0 ? "show-sweep" : "show");

  sending->application = g_object_ref (notifier->application);
  sending->notification = notification;
  sending->id = g_steal_pointer (&uri);
  g_application_hold (G_APPLICATION (notifier->application));
  if (done)
    esp_document_load_thumbnail_async (document, node, ESP_THUMBNAIL_LARGE, NULL, on_picture,
                                       sending);
  else
    send_it (sending);
}

/* --- Turns ------------------------------------------------------------------------------------ */

static Count *
ensure_count (Notifier *notifier, const char *key)
{
  Count *count = g_hash_table_lookup (notifier->counts, key);

  if (count == NULL)
    {
      count = g_new0 (Count, 1);
      g_hash_table_insert (notifier->counts, g_strdup (key), count);
    }
  return count;
}

static void
add_to_count (Count *count, EspJob *job)
{
  const GError *error = esp_job_get_error (job);

  if (esp_job_get_state (job) == ESP_JOB_DONE)
    count->n_done++;
  else if (esp_job_get_state (job) == ESP_JOB_FAILED)
    {
      count->n_failed++;
      g_free (count->reason);
      count->reason = g_strdup (error != NULL ? error->message
                                              : esp_node_get_message (esp_job_get_node (job)));
    }
}

gboolean
esp_notifier_is_in_front (GtkWindow *window)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWindow) active = g_list_model_get_item (windows, i);
      GtkWindow *below = active;

      if (!gtk_window_is_active (active))
        continue;
      while (below != NULL && below != window)
        below = gtk_window_get_transient_for (below);
      if (window == NULL || below != NULL)
        return TRUE;
    }
  return FALSE;
}

/* Does the person look at it? */
static gboolean
is_seen (Notifier *notifier, EspDocument *document)
{
  EspWindow *window = esp_application_find_window (ESP_APPLICATION (notifier->application),
                                                   esp_document_get_file (document));

  return window != NULL && esp_notifier_is_in_front (GTK_WINDOW (window));
}

static void
on_job_finished (EspQueue *queue, EspJob *job, Notifier *notifier)
{
  GSettings *settings = esp_application_get_settings (ESP_APPLICATION (notifier->application));
  EspDocument *document = esp_job_get_document (job);
  g_autofree char *key = dup_key (notifier, job);
  Count *count;

  if (is_seen (notifier, document) || !g_settings_get_boolean (settings, "notify-when-done"))
    {
      g_hash_table_remove (notifier->counts, key);
      return;
    }
  count = ensure_count (notifier, key);
  add_to_count (count, job);
  if (is_more_to_come (notifier, key))
    return;
  if (count->n_done + count->n_failed > 0)
    tell (notifier, get_kind (notifier, job), count, document, esp_job_get_node (job));
  g_hash_table_remove (notifier->counts, key);
}

static void
notifier_free (gpointer data)
{
  Notifier *notifier = data;

  g_signal_handlers_disconnect_by_data (notifier->queue, notifier);
  g_hash_table_unref (notifier->counts);
  g_hash_table_unref (notifier->icons);
  g_object_unref (notifier->queue);
  g_free (notifier);
}

void
esp_notifier_attach (GtkApplication *application, EspQueue *queue)
{
  Notifier *notifier;

  g_return_if_fail (ESP_IS_APPLICATION (application));
  g_return_if_fail (ESP_IS_QUEUE (queue));

  notifier = g_new0 (Notifier, 1);
  notifier->application = application;
  notifier->queue = g_object_ref (queue);
  notifier->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, count_free);
  notifier->icons = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_object_set_data_full (G_OBJECT (application), KEY, notifier, notifier_free);
  g_signal_connect (queue, "job-finished", G_CALLBACK (on_job_finished), notifier);
}

void
esp_notifier_detach (GtkApplication *application)
{
  g_object_set_data (G_OBJECT (application), KEY, NULL);
}

void
esp_notifier_seen (GtkApplication *application, GFile *document)
{
  Notifier *notifier = g_object_get_data (G_OBJECT (application), KEY);
  g_autofree char *uri = g_file_get_uri (document);

  g_application_withdraw_notification (G_APPLICATION (application), uri);
  if (notifier == NULL)
    return;
  forget (notifier, uri);
  drop_icon (notifier, uri);
}
