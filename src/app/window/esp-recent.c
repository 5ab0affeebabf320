/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-recent.c: the documents that were used of late.
 *
 * The library is looked through, and each document elsewhere that the desktop remembers is looked
 * at, all at the same time; those that are gone or cannot be read are left out. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-recent.h"

typedef struct
{
  GPtrArray *items; /* of EspLibraryItem */
  guint max;
  guint pending;
} Search;

static void
search_free (Search *search)
{
  g_ptr_array_unref (search->items);
  g_free (search);
}

gboolean
esp_recent_is_ours (GtkRecentInfo *info)
{
  return gtk_recent_info_has_application (info, g_get_application_name ())
         && g_str_has_suffix (gtk_recent_info_get_uri (info), ".espalier")
         && (!gtk_recent_info_is_local (info) || gtk_recent_info_exists (info));
}

static int
compare_modified (gconstpointer a, gconstpointer b)
{
  gint64 left = esp_library_item_get_modified (*(EspLibraryItem *const *) a);
  gint64 right = esp_library_item_get_modified (*(EspLibraryItem *const *) b);

  return left > right ? -1 : left < right;
}

static void
add_item (Search *search, EspLibraryItem *item)
{
  /* What holds nothing is no document to go on with. */
  if (esp_library_item_get_n_nodes (item) > 0)
    g_ptr_array_add (search->items, g_object_ref (item));
}

static void
one_done (GTask *task)
{
  Search *search = g_task_get_task_data (task);

  if (--search->pending > 0)
    return;
  g_ptr_array_sort (search->items, compare_modified);
  if (search->items->len > search->max)
    g_ptr_array_set_size (search->items, (int) search->max);
  g_task_return_pointer (task, g_ptr_array_ref (search->items), (GDestroyNotify) g_ptr_array_unref);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GListModel) items = esp_document_library_list_finish (result, NULL);

  for (guint i = 0; items != NULL && i < g_list_model_get_n_items (items); i++)
    {
      g_autoptr (EspLibraryItem) item = g_list_model_get_item (items, i);

      add_item (g_task_get_task_data (task), item);
    }
  one_done (task);
}

static void
on_looked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (EspLibraryItem) item = esp_library_look_finish (result, NULL);

  if (item != NULL && !esp_library_item_is_in_library (item))
    add_item (g_task_get_task_data (task), item);
  one_done (task);
}

void
esp_recent_list_async (guint max, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autolist (GtkRecentInfo) infos
      = gtk_recent_manager_get_items (gtk_recent_manager_get_default ());
  g_autofree char *library = esp_document_library_dup_path ();
  g_autoptr (GFile) folder = g_file_new_for_path (library);
  Search *search = g_new0 (Search, 1);
  guint n = 0;

  g_task_set_source_tag (task, esp_recent_list_async);
  search->items = g_ptr_array_new_with_free_func (g_object_unref);
  search->max = max;
  search->pending = 1;
  g_task_set_task_data (task, search, (GDestroyNotify) search_free);
  for (GList *l = infos; l != NULL && n < max; l = l->next)
    {
      g_autoptr (GFile) file = g_file_new_for_uri (gtk_recent_info_get_uri (l->data));

      if (!esp_recent_is_ours (l->data) || g_file_has_prefix (file, folder))
        continue;
      search->pending++;
      n++;
      esp_library_look_async (file, cancellable, on_looked, g_object_ref (task));
    }
  esp_document_library_list_async (cancellable, on_listed, g_steal_pointer (&task));
}

GPtrArray *
esp_recent_list_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
