/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-toasts.c: the window's messages in passing, above what is worked with at its bottom.
 */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "esp-show-uri.h"
#include "esp-window-private.h"

/* --- Their place ------------------------------------------------------------------------------ */

/* How far up from the window's bottom the part reaches; 0 where it is not seen. */
static int
get_reach (EspWindow *self, GtkWidget *part)
{
  GtkWidget *whole = GTK_WIDGET (self->toasts);
  graphene_rect_t area;

  if (!gtk_widget_get_mapped (part) || !gtk_widget_compute_bounds (part, whole, &area))
    return 0;
  return MAX (0, (int) ceilf ((float) gtk_widget_get_height (whole) - area.origin.y));
}

/* A toast is a child of the overlay, beside the one that is covered; its margin lifts it above the
 * composer and its Run button, and above the history's tool bar. */
static void
lift_toasts (EspWindow *self)
{
  GtkWidget *covered = adw_toast_overlay_get_child (self->toasts);
  int lift = MAX (get_reach (self, GTK_WIDGET (self->below)),
                  get_reach (self, esp_history_get_tool_bar (self->history)));

  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->toasts)); child;
       child = gtk_widget_get_next_sibling (child))
    if (child != covered)
      gtk_widget_set_margin_bottom (child, lift);
}

static gboolean
on_lift (gpointer user_data)
{
  EspWindow *self = user_data;

  self->lift_id = 0;
  lift_toasts (self);
  return G_SOURCE_REMOVE;
}

/* Sizes are set in the middle of a layout pass, in which nothing may ask for another. */
void
esp_window_lift_toasts_later (EspWindow *self)
{
  if (self->lift_id == 0)
    self->lift_id = g_idle_add_full (G_PRIORITY_HIGH_IDLE, on_lift, self, NULL);
}

static void
show_toast (EspWindow *self, AdwToast *toast)
{
  adw_toast_overlay_add_toast (self->toasts, toast);
  lift_toasts (self);
}

/* --- What they say ---------------------------------------------------------------------------- */

void
esp_window_toast (EspWindow *self, const char *text)
{
  AdwToast *toast;
  g_autofree char *escaped = NULL;

  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (text != NULL);

  /* A toast's title is markup. */
  escaped = g_markup_escape_text (text, -1);
  toast = adw_toast_new (escaped);
  show_toast (self, toast);
}

AdwToast *
esp_window_toast_action (EspWindow *self, const char *text, const char *label, const char *action)
{
  g_autofree char *escaped = NULL;
  AdwToast *toast;

  g_return_val_if_fail (ESP_IS_WINDOW (self), NULL);
  g_return_val_if_fail (text != NULL && label != NULL && action != NULL, NULL);

  escaped = g_markup_escape_text (text, -1);
  toast = adw_toast_new (escaped);
  adw_toast_set_button_label (toast, label);
  adw_toast_set_action_name (toast, action);
  adw_toast_set_timeout (toast, 0);
  show_toast (self, toast);
  return toast;
}

static void
on_undo_toast_dismissed (AdwToast *toast, EspWindow *self)
{
  if (self->undo_toast == toast)
    g_clear_object (&self->undo_toast);
}

void
esp_window_dismiss_undo_toast (EspWindow *self)
{
  g_autoptr (AdwToast) toast = g_steal_pointer (&self->undo_toast);

  if (toast != NULL)
    adw_toast_dismiss (toast);
}

void
esp_window_toast_undo (EspWindow *self, const char *text)
{
  g_autofree char *escaped = g_markup_escape_text (text, -1);
  AdwToast *toast;

  /* Its button undoes the latest step, so that there is only ever one of them. */
  esp_window_dismiss_undo_toast (self);

  toast = adw_toast_new (escaped);
  adw_toast_set_button_label (toast, _ ("_Undo"));
  adw_toast_set_action_name (toast, "win.undo");
  adw_toast_set_priority (toast, ADW_TOAST_PRIORITY_HIGH);
  self->undo_toast = g_object_ref (toast);
  g_signal_connect_object (toast, "dismissed", G_CALLBACK (on_undo_toast_dismissed), self, 0);
  show_toast (self, toast);
}

void
esp_window_toast_error (EspWindow *self, const char *what, const GError *error)
{
  g_autofree char *text = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  /* Translators: what failed ("The image could not be copied"), then why. */
  text = g_strdup_printf (_ ("%s: %s"), what, error->message);
  esp_window_toast (self, text);
}

/* One file among others is shown in its folder. */
static void
on_show_clicked (AdwToast *toast, EspWindow *self)
{
  GFile *file = g_object_get_data (G_OBJECT (toast), "esp-file");
  g_autofree char *uri = g_file_get_uri (file);

  esp_show_uri_async (GTK_WINDOW (self), uri, NULL, NULL, NULL);
}

void
esp_window_toast_exported (EspWindow *self, GFile *file, guint n)
{
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *text = NULL;
  g_autofree char *escaped = NULL;
  g_autoptr (GFile) folder = n > 1 ? g_object_ref (file) : g_file_get_parent (file);
  AdwToast *toast;

  if (n > 1)
    text = g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "%u image exported to “%s”", "%u images exported to “%s”", n),
        n, name);
  else
    text = g_strdup_printf (_ ("Exported as “%s”"), name);
  escaped = g_markup_escape_text (text, -1);
  toast = adw_toast_new (escaped);
  adw_toast_set_button_label (toast, _ ("_Show"));
  g_object_set_data_full (G_OBJECT (toast), "esp-file",
                          folder != NULL ? g_object_ref (folder) : g_object_ref (file),
                          g_object_unref);
  g_signal_connect_object (toast, "button-clicked", G_CALLBACK (on_show_clicked), self, 0);
  show_toast (self, toast);
}

void
esp_window_toast_put_aside (EspWindow *self, const char *title, GFile *file)
{
  /* Translators: the name of a document in the library */
  g_autofree char *text = g_strdup_printf (_ ("Your version is in “%s”"), title);
  g_autofree char *escaped = g_markup_escape_text (text, -1);
  g_autofree char *uri = g_file_get_uri (file);
  AdwToast *toast = adw_toast_new (escaped);

  adw_toast_set_button_label (toast, _ ("_Open"));
  adw_toast_set_action_name (toast, "app.open-uri");
  adw_toast_set_action_target (toast, "s", uri);
  adw_toast_set_priority (toast, ADW_TOAST_PRIORITY_HIGH);
  adw_toast_set_timeout (toast, 0);
  show_toast (self, toast);
}
