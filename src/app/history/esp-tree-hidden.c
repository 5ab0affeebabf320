/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-hidden.c: rejected turns may be hidden: those below which everything is rejected, too.
 * The current node stays in sight. */
#include "esp-tree-items-private.h"

#define HIDE_KEY "history.hide-rejected"

static void
keep_path (GHashTable *kept, EspNode *node)
{
  for (; node != NULL && g_hash_table_add (kept, node); node = esp_node_get_parent (node))
    ;
}

void
_esp_tree_items_update_hidden (EspTreeItems *self)
{
  g_autoptr (GHashTable) kept = NULL;
  g_autoptr (GPtrArray) nodes = NULL;

  g_hash_table_remove_all (self->hidden);
  if (!self->hide_rejected || self->document == NULL)
    return;
  kept = g_hash_table_new (NULL, NULL);
  nodes = esp_document_dup_nodes (self->document);
  keep_path (kept, esp_document_get_current (self->document));
  for (guint i = 0; i < nodes->len; i++)
    if (!esp_node_get_rejected (nodes->pdata[i]))
      keep_path (kept, nodes->pdata[i]);
  for (guint i = 0; i < nodes->len; i++)
    if (!g_hash_table_contains (kept, nodes->pdata[i]))
      g_hash_table_add (self->hidden, nodes->pdata[i]);
}

gboolean
_esp_tree_items_is_hidden (EspTreeItems *self, EspNode *node)
{
  return g_hash_table_contains (self->hidden, node);
}

void
_esp_tree_items_restore_hidden (EspTreeItems *self)
{
  self->hide_rejected = g_strcmp0 (esp_document_get_view (self->document, HIDE_KEY), "1") == 0;
}

gboolean
esp_tree_items_get_hide_rejected (EspTreeItems *self)
{
  g_return_val_if_fail (ESP_IS_TREE_ITEMS (self), FALSE);

  return self->hide_rejected;
}

void
esp_tree_items_set_hide_rejected (EspTreeItems *self, gboolean hide)
{
  g_return_if_fail (ESP_IS_TREE_ITEMS (self));

  if (self->document == NULL || self->hide_rejected == hide)
    return;
  self->hide_rejected = hide;
  esp_document_set_view (self->document, HIDE_KEY, hide ? "1" : NULL);
  _esp_tree_items_rebuild (self);
}
