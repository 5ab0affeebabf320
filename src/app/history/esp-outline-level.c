/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-outline-level.c: see esp-outline-level.h. */
#include "esp-outline-level.h"

#include <gio/gio.h>

struct _EspOutlineLevel
{
  GObject parent_instance;

  EspTreeItems *items;
  EspNode *leader;
  GPtrArray *below;
};

static GType
get_item_type (GListModel *model)
{
  return ESP_TYPE_NODE;
}

static guint
get_n_items (GListModel *model)
{
  return ESP_OUTLINE_LEVEL (model)->below->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  GPtrArray *below = ESP_OUTLINE_LEVEL (model)->below;

  return position < below->len ? g_object_ref (g_ptr_array_index (below, position)) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspOutlineLevel, esp_outline_level, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* What is alike at both ends stays. */
static void
on_reset (EspOutlineLevel *self)
{
  g_autoptr (GPtrArray) old = g_steal_pointer (&self->below);
  guint start = 0, end = 0;

  self->below = esp_tree_items_dup_below (self->items, self->leader);
  while (start < MIN (old->len, self->below->len) && old->pdata[start] == self->below->pdata[start])
    start++;
  while (end < MIN (old->len, self->below->len) - start
         && old->pdata[old->len - 1 - end] == self->below->pdata[self->below->len - 1 - end])
    end++;
  if (old->len - start - end > 0 || self->below->len - start - end > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), start, old->len - start - end,
                                self->below->len - start - end);
}

static void
esp_outline_level_finalize (GObject *object)
{
  EspOutlineLevel *self = ESP_OUTLINE_LEVEL (object);

  g_clear_object (&self->items);
  g_clear_object (&self->leader);
  g_clear_pointer (&self->below, g_ptr_array_unref);
  G_OBJECT_CLASS (esp_outline_level_parent_class)->finalize (object);
}

static void
esp_outline_level_class_init (EspOutlineLevelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = esp_outline_level_finalize;
}

static void
esp_outline_level_init (EspOutlineLevel *self)
{
}

EspOutlineLevel *
esp_outline_level_new (EspTreeItems *items, EspNode *leader)
{
  EspOutlineLevel *self;

  g_return_val_if_fail (ESP_IS_TREE_ITEMS (items), NULL);
  g_return_val_if_fail (leader == NULL || ESP_IS_NODE (leader), NULL);

  self = g_object_new (ESP_TYPE_OUTLINE_LEVEL, NULL);
  g_set_object (&self->items, items);
  g_set_object (&self->leader, leader);
  self->below = esp_tree_items_dup_below (items, leader);
  g_signal_connect_object (items, "reset", G_CALLBACK (on_reset), self, G_CONNECT_SWAPPED);
  return self;
}
