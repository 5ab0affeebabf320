/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-asked.c: what is asked of a window from outside: by notifications, the shell's menu of
 * the program, and other programs. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-window-private.h"

/* --- Nodes ------------------------------------------------------------------------------------ */

/* All that others may have done to a node; of actions "node.*" there are more. */
static const char *const allowed[] = { "show", "run-again", "retry", "export", "show-sweep", NULL };

void
esp_window_do_to_node (EspWindow *self, gint64 id, const char *verb)
{
  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (verb != NULL);

  if (!g_strv_contains (allowed, verb))
    return;
  esp_window_leave_background (self);
  if (self->document == NULL)
    {
      g_clear_pointer (&self->asked, g_variant_unref);
      self->asked = g_variant_ref_sink (g_variant_new ("(xs)", id, verb));
      gtk_window_present (GTK_WINDOW (self));
      return;
    }
  esp_window_show_node (self, id);
  /* The verbs are about the node that shows, and it may be there no more. */
  if (!g_str_equal (verb, "show") && self->current != NULL && esp_node_get_id (self->current) == id)
    g_action_group_activate_action (G_ACTION_GROUP (self->current_actions), verb, NULL);
}

void
esp_window_do_what_was_asked (EspWindow *self)
{
  g_autoptr (GVariant) asked = g_steal_pointer (&self->asked);
  const char *verb;
  gint64 id;

  if (asked == NULL || self->document == NULL)
    return;
  g_variant_get (asked, "(x&s)", &id, &verb);
  esp_window_do_to_node (self, id, verb);
}

/* --- The clipboard ---------------------------------------------------------------------------- */

/* How long it is waited for that the desktop brings the window to the front and says what the
 * clipboard has, in ms. */
#define PASTE_PATIENCE 1500

typedef struct
{
  EspWindow *window;
  guint timeout_id;
} Pasting;

static void
pasting_free (gpointer data)
{
  Pasting *pasting = data;

  g_signal_handlers_disconnect_by_data (pasting->window, pasting);
  g_signal_handlers_disconnect_by_data (gtk_widget_get_clipboard (GTK_WIDGET (pasting->window)),
                                        pasting);
  g_object_unref (pasting->window);
  g_free (pasting);
}

static gboolean
paste_now (gpointer user_data)
{
  Pasting *pasting = user_data;

  if (!pasting->window->closing)
    esp_window_paste (pasting->window);
  return G_SOURCE_REMOVE;
}

/* Wayland shows the clipboard to who has the keyboard only, and both tell a moment later. */
static void
paste_if_ready (Pasting *pasting)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (pasting->window));
  gsize n_types = 0, n_mime_types = 0;

  gdk_content_formats_get_gtypes (gdk_clipboard_get_formats (clipboard), &n_types);
  gdk_content_formats_get_mime_types (gdk_clipboard_get_formats (clipboard), &n_mime_types);
  if (!gtk_window_is_active (GTK_WINDOW (pasting->window)) || n_types + n_mime_types == 0)
    return;
  paste_now (pasting);
  g_source_remove (pasting->timeout_id);
}

void
esp_window_paste_in_front (EspWindow *self)
{
  Pasting *pasting;

  g_return_if_fail (ESP_IS_WINDOW (self));

  gtk_window_present (GTK_WINDOW (self));
  pasting = g_new0 (Pasting, 1);
  pasting->window = g_object_ref (self);
  pasting->timeout_id
      = g_timeout_add_full (G_PRIORITY_DEFAULT, PASTE_PATIENCE, paste_now, pasting, pasting_free);
  g_signal_connect_swapped (self, "notify::is-active", G_CALLBACK (paste_if_ready), pasting);
  g_signal_connect_swapped (gtk_widget_get_clipboard (GTK_WIDGET (self)), "changed",
                            G_CALLBACK (paste_if_ready), pasting);
  paste_if_ready (pasting);
}
