/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-recent.c: the documents that were used of late. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-recent.h"

#include "esp-document.h"

void
esp_recent_document_free (EspRecentDocument *self)
{
  g_clear_object (&self->file);
  g_clear_pointer (&self->thumbnail, esp_picture_unref);
  g_free (self->title);
  g_free (self);
}

gboolean
esp_recent_is_ours (GtkRecentInfo *info)
{
  return gtk_recent_info_has_application (info, g_get_application_name ())
         && g_str_has_suffix (gtk_recent_info_get_uri (info), ".espalier")
         && (!gtk_recent_info_is_local (info) || gtk_recent_info_exists (info));
}

static char *
dup_title (GFile *file)
{
  char *name = g_file_get_basename (file);

  if (name != NULL && g_str_has_suffix (name, ".espalier"))
    name[strlen (name) - strlen (".espalier")] = '\0';
  return name;
}

static int
compare_modified (gconstpointer a, gconstpointer b)
{
  const EspRecentDocument *left = *(const EspRecentDocument *const *) a;
  const EspRecentDocument *right = *(const EspRecentDocument *const *) b;

  return left->modified > right->modified ? -1 : left->modified < right->modified;
}

static GPtrArray *
list_recent (void)
{
  g_autolist (GtkRecentInfo) infos
      = gtk_recent_manager_get_items (gtk_recent_manager_get_default ());
  GPtrArray *documents = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_recent_document_free);

  for (GList *l = infos; l != NULL; l = l->next)
    if (esp_recent_is_ours (l->data))
      {
        EspRecentDocument *document = g_new0 (EspRecentDocument, 1);
        g_autoptr (GDateTime) time = g_date_time_ref (gtk_recent_info_get_modified (l->data));

        document->file = g_file_new_for_uri (gtk_recent_info_get_uri (l->data));
        document->title = dup_title (document->file);
        document->modified = g_date_time_to_unix (time);
        g_ptr_array_add (documents, document);
      }
  return documents;
}

void
esp_recent_list_async (guint max, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  GPtrArray *documents = list_recent ();

  g_task_set_source_tag (task, esp_recent_list_async);
  g_ptr_array_sort (documents, compare_modified);
  if (documents->len > max)
    g_ptr_array_set_size (documents, (int) max);
  g_task_return_pointer (task, documents, (GDestroyNotify) g_ptr_array_unref);
}

GPtrArray *
esp_recent_list_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
