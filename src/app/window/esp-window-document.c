/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-document.c: the document in the window: title, banners, coming and going. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-window-private.h"

/* The part of the current node in words: where it is, and of what. */
static char *
describe_current (EspWindow *self)
{
  EspNode *node = esp_document_get_current (self->document);
  EspNode *parent;
  g_autofree char *title = NULL;
  g_autofree char *parent_title = NULL;
  char *view = esp_window_dup_view_title (self);

  if (view != NULL)
    return view;
  if (node == NULL)
    return g_strdup ("");
  title = esp_node_dup_title (node);
  parent = esp_node_get_parent (node);
  if (parent == NULL)
    return g_steal_pointer (&title);

  parent_title = esp_node_dup_title (parent);
  if (esp_node_get_parent (parent) == NULL)
    /* Translators: below the document's name: which turn is shown, and what it does. */
    return g_strdup_printf (_ ("turn %u: %s"), esp_node_get_depth (node), title);
  /* Translators: below the document's name: which turn is shown, what it does, and the title of
   * the turn before it. */
  return g_strdup_printf (_ ("turn %u: %s, after “%s”"), esp_node_get_depth (node), title,
                          parent_title);
}

void
esp_window_update_title (EspWindow *self)
{
  g_autofree char *subtitle = NULL;

  if (self->document == NULL)
    {
      adw_window_title_set_title (self->title, g_get_application_name ());
      adw_window_title_set_subtitle (self->title, "");
      gtk_window_set_title (GTK_WINDOW (self), g_get_application_name ());
      return;
    }

  subtitle = describe_current (self);
  adw_window_title_set_title (self->title, esp_document_get_title (self->document));
  adw_window_title_set_subtitle (self->title, subtitle);
  gtk_window_set_title (GTK_WINDOW (self), esp_document_get_title (self->document));
}

/* --- Banners ---------------------------------------------------------------------------------- */

static void
update_access_banner (EspWindow *self)
{
  const char *text = NULL;

  switch (esp_document_get_access (self->document))
    {
    case ESP_DOCUMENT_IN_USE:
      text = _ ("Another program has this document open. You can look at it and export, but not "
                "change it.");
      break;
    case ESP_DOCUMENT_NEWER:
      text = _ ("A newer version of Espalier made this document. You can look at it and export, "
                "but not change it.");
      break;
    case ESP_DOCUMENT_NO_PERMISSION:
      text = _ ("This file may not be written. Save it under another name to change it.");
      break;
    case ESP_DOCUMENT_WRITABLE:
    default:
      break;
    }

  if (text != NULL)
    esp_banner_show (self->access_banner, text,
                     (const EspBannerButton[]){ { _ ("_Save As…"), "win.save-as" }, { NULL } });
  else
    esp_banner_hide (self->access_banner);
}

static void
update_save_banner (EspWindow *self)
{
  const char *message = esp_document_get_save_message (self->document);
  g_autofree char *text = NULL;

  switch (esp_document_get_save_state (self->document))
    {
    case ESP_DOCUMENT_UNSAVED:
      /* Translators: why it could not be saved, as a sentence without a full stop. */
      text = g_strdup_printf (_ ("%s. Nothing is lost: your changes are kept and will be saved "
                                 "once it is possible."),
                              message != NULL ? message : _ ("The document could not be saved"));
      esp_banner_show (self->save_banner, text,
                       (const EspBannerButton[]){ { _ ("_Try Again"), "win.save" },
                                                  { _ ("_Save As…"), "win.save-as" },
                                                  { NULL } });
      break;
    case ESP_DOCUMENT_CHANGED_ELSEWHERE:
      esp_banner_show (self->save_banner,
                       message != NULL ? message
                                       : _ ("Someone else changed this document. Which one is to "
                                            "be kept?"),
                       (const EspBannerButton[]){ { _ ("_Overwrite Theirs"), "win.overwrite" },
                                                  { _ ("_Save As…"), "win.save-as" },
                                                  { _ ("_Reload"), "win.reload" },
                                                  { NULL } });
      break;
    case ESP_DOCUMENT_SAVED:
    case ESP_DOCUMENT_SAVING:
    default:
      esp_banner_hide (self->save_banner);
      break;
    }
}

static void
update_left_over_banner (EspWindow *self)
{
  g_autofree char *text = NULL;
  guint n = self->left_over != NULL ? self->left_over->len : 0;
  guint n_cells = 0;

  for (guint i = 0; i < n; i++)
    n_cells += esp_node_get_sweep (self->left_over->pdata[i]) != 0 ? 1 : 0;
  if (n == 0)
    {
      esp_banner_hide (self->left_over_banner);
      return;
    }
  text = g_strdup_printf (
      n_cells == n
          ? g_dngettext (GETTEXT_PACKAGE,
                         "%u cell of a sweep was not finished when the document was closed.",
                         "%u cells of a sweep were not finished when the document was closed.", n)
          : g_dngettext (GETTEXT_PACKAGE, "%u turn was not finished when the document was closed.",
                         "%u turns were not finished when the document was closed.", n),
      n);
  esp_banner_show (self->left_over_banner, text,
                   (const EspBannerButton[]){ { _ ("_Continue"), "win.take-up" },
                                              { _ ("_Discard"), "win.dismiss" },
                                              { NULL } });
}

void
esp_window_update_banners (EspWindow *self)
{
  if (self->document == NULL)
    {
      esp_banner_hide (self->access_banner);
      esp_banner_hide (self->save_banner);
      esp_banner_hide (self->left_over_banner);
      return;
    }
  update_access_banner (self);
  update_save_banner (self);
  update_left_over_banner (self);
}

void
esp_window_take_up_left_over (EspWindow *self, gboolean take_up)
{
  g_autoptr (GPtrArray) nodes = g_steal_pointer (&self->left_over);
  EspApplication *application = ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self)));

  if (nodes == NULL || self->document == NULL)
    return;
  if (take_up)
    esp_queue_take_up (esp_application_get_queue (application), self->document, nodes);
  else
    esp_queue_dismiss (esp_application_get_queue (application), self->document, nodes);
  update_left_over_banner (self);
}

/* --- Coming and going ------------------------------------------------------------------------- */

static void
on_current_changed (EspWindow *self)
{
  EspNode *current = esp_document_get_current (self->document);

  if (self->current != current)
    {
      if (self->current != NULL)
        g_signal_handlers_disconnect_by_data (self->current, self);
      g_set_object (&self->current, current);
      if (current != NULL)
        {
          g_signal_connect_object (current, "changed", G_CALLBACK (on_current_changed), self,
                                   G_CONNECT_SWAPPED);
        }
    }
  esp_window_follow_current (self);
  esp_window_update_title (self);
  esp_window_update_node_actions (self);
  esp_window_update_alternatives (self);
}

static void
on_file_changed (EspWindow *self)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));

  g_set_object (&self->file, esp_document_get_file (self->document));
  esp_window_update_title (self);
  if (application != NULL)
    esp_application_session_changed (ESP_APPLICATION (application));
}

static void
on_access_changed (EspWindow *self)
{
  esp_window_update_banners (self);
  esp_window_update_actions (self);
  esp_window_update_node_actions (self);
}

static void
add_to_recent (EspDocument *document)
{
  g_autofree char *uri = g_file_get_uri (esp_document_get_file (document));
  g_autofree char *exec = g_strjoin (" ", g_get_prgname (), "%u", NULL);
  GtkRecentData data = {
    .display_name = (char *) esp_document_get_title (document),
    .mime_type = (char *) ESP_MEDIA_TYPE,
    .app_name = (char *) g_get_application_name (),
    .app_exec = exec,
  };

  gtk_recent_manager_add_full (gtk_recent_manager_get_default (), uri, &data);
}

void
esp_window_attach_document (EspWindow *self, EspDocument *document)
{
  EspApplication *application = ESP_APPLICATION (gtk_window_get_application (GTK_WINDOW (self)));
  EspRegistry *registry = esp_queue_get_registry (esp_application_get_queue (application));

  self->document = g_object_ref (document);
  self->opening = FALSE;
  g_set_object (&self->file, esp_document_get_file (document));
  g_signal_connect_object (document, "notify::title", G_CALLBACK (on_file_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (document, "notify::current", G_CALLBACK (on_current_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (document, "notify::access", G_CALLBACK (on_access_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (document, "notify::save-state", G_CALLBACK (esp_window_update_banners),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (document, "notify::can-undo", G_CALLBACK (esp_window_update_actions),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (document, "notify::can-redo", G_CALLBACK (esp_window_update_actions),
                           self, G_CONNECT_SWAPPED);

  esp_history_set_registry (self->history, registry);
  esp_details_set_registry (self->details, registry);
  esp_history_set_document (self->history, document);
  esp_canvas_set_document (self->canvas, document);
  esp_composer_set_document (self->composer, document);
  esp_details_set_document (self->details, document);
  esp_window_restore_document_state (self);
  on_current_changed (self);

  g_clear_pointer (&self->left_over, g_ptr_array_unref);
  if (application != NULL)
    {
      esp_announcer_watch (self->announcer, esp_application_get_queue (application), document);
      if (esp_document_get_access (document) == ESP_DOCUMENT_WRITABLE)
        self->left_over
            = esp_queue_dup_left_over (esp_application_get_queue (application), document);
      esp_application_session_changed (application);
    }
  add_to_recent (document);
}

void
esp_window_detach_document (EspWindow *self)
{
  g_autoptr (EspDocument) document = g_steal_pointer (&self->document);

  g_signal_handlers_disconnect_by_data (document, self);
  if (self->current != NULL)
    g_signal_handlers_disconnect_by_data (self->current, self);
  g_clear_object (&self->current);
  g_clear_pointer (&self->left_over, g_ptr_array_unref);
  g_clear_object (&self->file);
  if (self->announcer != NULL)
    esp_announcer_watch (self->announcer, NULL, NULL);
  if (self->history != NULL)
    esp_history_set_document (self->history, NULL);
  esp_window_drop_views (self);
  if (self->below != NULL)
    gtk_stack_set_visible_child_name (self->below, "composer");
  if (self->canvas != NULL)
    esp_canvas_set_document (self->canvas, NULL);
  if (self->composer != NULL)
    esp_composer_set_document (self->composer, NULL);
  if (self->details != NULL)
    esp_details_set_document (self->details, NULL);
}
