/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-move-dialog.c: asks below which node a branch is to hang from now on. */
#define G_LOG_DOMAIN "espalier-window"

#include <glib/gi18n-lib.h>

#include "esp-texture-cache.h"
#include "esp-window-private.h"

#define ESP_TYPE_MOVE_DIALOG (esp_move_dialog_get_type ())

G_DECLARE_FINAL_TYPE (EspMoveDialog, esp_move_dialog, ESP, MOVE_DIALOG, AdwWindow)

struct _EspMoveDialog
{
  AdwWindow parent_instance;

  EspDocument *document;
  EspNode *node;

  GtkWidget *search;
  GtkWidget *move_button;
  GtkListView *list;
  GtkFilter *filter;
  GtkSingleSelection *selection;
  GHashTable *found; /* of the search; NULL: everything */
};

G_DEFINE_FINAL_TYPE (EspMoveDialog, esp_move_dialog, ADW_TYPE_WINDOW)

static void
on_moved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!esp_document_edit_finish (ESP_DOCUMENT (source), result, &error))
    esp_window_toast_error (self, _ ("The branch could not be moved"), error);
  else
    esp_window_toast_undo (self, _ ("Branch moved"));
}

void
esp_window_move_branch (EspWindow *self, EspNode *node, EspNode *parent)
{
  g_return_if_fail (ESP_IS_WINDOW (self));
  g_return_if_fail (ESP_IS_NODE (node));
  g_return_if_fail (parent == NULL || ESP_IS_NODE (parent));

  esp_document_move_async (self->document, node, parent, G_MAXUINT, NULL, on_moved,
                           g_object_ref (self));
}

static void
move_below (EspMoveDialog *self, EspNode *parent)
{
  GtkWindow *window = gtk_window_get_transient_for (GTK_WINDOW (self));

  if (ESP_IS_WINDOW (window) && ESP_WINDOW (window)->document == self->document)
    esp_window_move_branch (ESP_WINDOW (window), self->node, parent);
  gtk_window_close (GTK_WINDOW (self));
}

static void
on_activate (GtkListView *list, guint position, EspMoveDialog *self)
{
  g_autoptr (EspNode) node = g_list_model_get_item (G_LIST_MODEL (self->selection), position);

  if (node != NULL)
    move_below (self, node);
}

static void
on_make_root (EspMoveDialog *self)
{
  move_below (self, NULL);
}

static void
on_move (EspMoveDialog *self)
{
  EspNode *node = gtk_single_selection_get_selected_item (self->selection);

  if (node != NULL)
    move_below (self, node);
}

static gboolean
matches (gpointer item, gpointer user_data)
{
  EspMoveDialog *self = user_data;
  EspNode *node = ESP_NODE (item);

  return node != self->node && !esp_node_is_ancestor (self->node, node)
         && node != esp_node_get_parent (self->node)
         && (self->found == NULL || g_hash_table_contains (self->found, node));
}

static void
on_search_changed (GtkSearchEntry *entry, EspMoveDialog *self)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (entry));

  g_clear_pointer (&self->found, g_hash_table_unref);
  if (text[0] != '\0')
    {
      g_autoptr (GPtrArray) nodes = esp_document_find (self->document, text);

      self->found = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
      for (guint i = 0; i < nodes->len; i++)
        g_hash_table_add (self->found, g_object_ref (g_ptr_array_index (nodes, i)));
    }
  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
}

static void
on_selected (EspMoveDialog *self)
{
  gtk_widget_set_sensitive (self->move_button,
                            gtk_single_selection_get_selected_item (self->selection) != NULL);
}

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "ellipsize", PANGO_ELLIPSIZE_END,
                                   "margin-top", 6, "margin-bottom", 6, NULL);

  gtk_list_item_set_child (item, label);
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  EspNode *node = gtk_list_item_get_item (item);
  GtkWidget *label = gtk_list_item_get_child (item);
  g_autofree char *title = esp_node_dup_title (node);

  gtk_label_set_text (GTK_LABEL (label), title);
  gtk_widget_set_margin_start (label, 6 + 12 * (int) MIN (esp_node_get_depth (node), 8));
}

static void
esp_move_dialog_dispose (GObject *object)
{
  EspMoveDialog *self = ESP_MOVE_DIALOG (object);

  g_clear_object (&self->document);
  g_clear_object (&self->node);
  g_clear_pointer (&self->found, g_hash_table_unref);

  G_OBJECT_CLASS (esp_move_dialog_parent_class)->dispose (object);
}

static void
esp_move_dialog_class_init (EspMoveDialogClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_move_dialog_dispose;
  gtk_widget_class_add_binding_action (GTK_WIDGET_CLASS (klass), GDK_KEY_Escape, 0, "window.close",
                                       NULL);
}

static GtkWidget *
create_list (EspMoveDialog *self)
{
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (self->document);
  GListStore *store = g_list_store_new (ESP_TYPE_NODE);
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkFilterListModel *filtered;

  g_list_store_splice (store, 0, 0, nodes->pdata, nodes->len);
  self->filter = GTK_FILTER (gtk_custom_filter_new (matches, self, NULL));
  filtered = gtk_filter_list_model_new (G_LIST_MODEL (store), self->filter);
  self->selection = gtk_single_selection_new (G_LIST_MODEL (filtered));
  g_signal_connect (factory, "setup", G_CALLBACK (on_setup), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), NULL);
  self->list = GTK_LIST_VIEW (gtk_list_view_new (GTK_SELECTION_MODEL (self->selection), factory));
  g_signal_connect (self->list, "activate", G_CALLBACK (on_activate), self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("New Parent"), -1);
  return g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", self->list, "vexpand", TRUE,
                       "hscrollbar-policy", GTK_POLICY_NEVER, NULL);
}

static void
esp_move_dialog_init (EspMoveDialog *self)
{
  gtk_window_set_title (GTK_WINDOW (self), _ ("Move Branch"));
  gtk_window_set_modal (GTK_WINDOW (self), TRUE);
  gtk_window_set_default_size (GTK_WINDOW (self), 360, 480);
}

static void
fill (EspMoveDialog *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *header = adw_header_bar_new ();
  GtkWidget *cancel = gtk_button_new_with_mnemonic (_ ("_Cancel"));
  GtkWidget *root = gtk_button_new_with_mnemonic (_ ("Make It a _Root of Its Own"));

  adw_header_bar_set_show_end_title_buttons (ADW_HEADER_BAR (header), FALSE);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (cancel), "window.close");
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), cancel);
  self->move_button = gtk_button_new_with_mnemonic (_ ("_Move"));
  gtk_widget_add_css_class (self->move_button, "suggested-action");
  g_signal_connect_swapped (self->move_button, "clicked", G_CALLBACK (on_move), self);
  adw_header_bar_pack_end (ADW_HEADER_BAR (header), self->move_button);
  gtk_box_append (GTK_BOX (box), header);

  self->search = gtk_search_entry_new ();
  g_object_set (self->search, "margin-start", 12, "margin-end", 12, "margin-top", 6,
                "margin-bottom", 12, "placeholder-text", _ ("Find the new parent"), NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->search), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Find the new parent"), -1);
  g_signal_connect (self->search, "search-changed", G_CALLBACK (on_search_changed), self);
  g_signal_connect_swapped (self->search, "activate", G_CALLBACK (on_move), self);
  g_signal_connect_swapped (self->search, "stop-search", G_CALLBACK (gtk_window_close), self);
  gtk_box_append (GTK_BOX (box), self->search);
  gtk_box_append (GTK_BOX (box), create_list (self));

  g_object_set (root, "margin-start", 12, "margin-end", 12, "margin-top", 12, "margin-bottom", 12,
                "sensitive", esp_node_get_parent (self->node) != NULL, NULL);
  g_signal_connect_swapped (root, "clicked", G_CALLBACK (on_make_root), self);
  gtk_box_append (GTK_BOX (box), root);

  g_signal_connect_object (self->selection, "notify::selected-item", G_CALLBACK (on_selected), self,
                           G_CONNECT_SWAPPED);
  on_selected (self);
  adw_window_set_content (ADW_WINDOW (self), box);
  /* Once it shows: a focus before that hides the window from screen readers in GTK 4.8. */
  g_signal_connect_swapped (self, "map", G_CALLBACK (gtk_widget_grab_focus), self->search);
}

GtkWindow *
esp_move_dialog_new (GtkWindow *parent, EspDocument *document, EspNode *node)
{
  EspMoveDialog *self;

  g_return_val_if_fail (ESP_IS_WINDOW (parent), NULL);
  g_return_val_if_fail (ESP_IS_DOCUMENT (document), NULL);
  g_return_val_if_fail (ESP_IS_NODE (node), NULL);

  self = g_object_new (ESP_TYPE_MOVE_DIALOG, "transient-for", parent, "destroy-with-parent", TRUE,
                       NULL);
  self->document = g_object_ref (document);
  self->node = g_object_ref (node);
  fill (self);
  return GTK_WINDOW (self);
}
