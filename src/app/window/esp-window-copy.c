/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-window-copy.c: branches that are copied into another document: a new one, or that of the
 * window they are dropped on. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-window-copy.h"

#include <glib/gi18n-lib.h>

#include "esp-window-private.h"

#define MAX_TITLE 60 /* characters: a title becomes a file's name */

typedef struct
{
  EspWindow *window;
  EspDocument *source;
  EspNode *node;
} Copying;

static Copying *
copying_new (EspWindow *self, EspDocument *source, EspNode *node)
{
  Copying *copying = g_new0 (Copying, 1);

  copying->window = g_object_ref (self);
  copying->source = g_object_ref (source);
  copying->node = g_object_ref (node);
  return copying;
}

static void
copying_free (Copying *copying)
{
  g_object_unref (copying->window);
  g_object_unref (copying->source);
  g_object_unref (copying->node);
  g_free (copying);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Copying, copying_free)

/* --- Into a new document ---------------------------------------------------------------------- */

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GFile) file = user_data;

  (void) esp_document_close_finish (ESP_DOCUMENT (source), result, NULL);
  g_file_delete_async (file, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

/* References come before the branch: what was copied is the last root. */
static EspNode *
get_last_root (EspDocument *document)
{
  GListModel *roots = esp_document_get_roots (document);
  guint n = g_list_model_get_n_items (roots);
  g_autoptr (EspNode) root = n > 0 ? g_list_model_get_item (roots, n - 1) : NULL;

  return root; /* the document holds it */
}

static void
on_filled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Copying) copying = user_data;
  g_autoptr (EspDocument) document = g_object_ref (ESP_DOCUMENT (source));
  g_autoptr (GError) error = NULL;
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (copying->window));
  EspWindow *window;

  if (!esp_document_edit_finish (document, result, &error))
    {
      esp_window_toast_error (copying->window, _ ("The branch could not be copied"), error);
      esp_document_close_async (document, on_closed,
                                g_object_ref (esp_document_get_file (document)));
      return;
    }
  /* The window went meanwhile: the document is in the library. */
  if (application == NULL)
    {
      esp_document_close_async (document, NULL, NULL);
      return;
    }
  esp_document_set_current (document, get_last_root (document));
  window = esp_application_window_for_opening (ESP_APPLICATION (application), NULL);
  /* It shows first: a focus before that hides a window from screen readers in GTK 4.8. */
  gtk_window_present (GTK_WINDOW (window));
  esp_window_set_document (window, document);
}

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Copying) copying = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspDocument) document = esp_document_create_finish (result, &error);

  if (document == NULL)
    {
      esp_window_toast_error (copying->window, _ ("The branch could not be copied"), error);
      return;
    }
  esp_document_copy_async (document, copying->source, copying->node, NULL, NULL, on_filled,
                           copying);
  (void) g_steal_pointer (&copying);
}

void
esp_window_copy_branch_to_new (EspWindow *self, EspNode *node)
{
  g_autofree char *whole = NULL;
  g_autofree char *title = NULL;

  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (ESP_IS_NODE (node));

  if (self->document == NULL)
    return;
  whole = esp_node_dup_title (node);
  title = g_utf8_strlen (whole, -1) > MAX_TITLE ? g_utf8_substring (whole, 0, MAX_TITLE)
                                                : g_strdup (whole);
  esp_document_create_async (NULL, title, NULL, on_created,
                             copying_new (self, self->document, node));
}

/* --- Into this one ---------------------------------------------------------------------------- */

/* The open document that has the node, or NULL. */
static EspDocument *
find_document (EspWindow *self, EspNode *node)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));

  if (application == NULL)
    return NULL;
  for (GList *l = gtk_application_get_windows (application); l != NULL; l = l->next)
    {
      EspDocument *document = ESP_IS_WINDOW (l->data) ? esp_window_get_document (l->data) : NULL;

      if (document != NULL && esp_document_get_node (document, esp_node_get_id (node)) == node)
        return document;
    }
  return NULL;
}

static void
on_copied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = ESP_WINDOW (user_data);
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    esp_window_toast_error (self, _ ("The branch could not be copied"), error);
  else if (ESP_DOCUMENT (source) == self->document)
    esp_window_toast_undo (self, _ ("Branch copied"));
}

void
esp_window_copy_branch_here (EspWindow *self, EspNode *node, EspNode *onto)
{
  EspDocument *source;

  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (onto == NULL || ESP_IS_NODE (onto));

  source = find_document (self, node);
  if (self->document != NULL && source != NULL)
    esp_document_copy_async (self->document, source, node, onto, NULL, on_copied,
                             g_object_ref (self));
}
