/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison.c: the table of several nodes. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-comparison.h"

struct _EspComparison
{
  GObject parent_instance;

  EspDocument *document;
  GPtrArray *nodes; /* of EspNode */
  gboolean all;
};

static GType
get_item_type (GListModel *model)
{
  return ESP_TYPE_COMPARISON_ROW;
}

static guint
get_n_items (GListModel *model)
{
  return 0;
}

static gpointer
get_item (GListModel *model, guint position)
{
  return NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspComparison, esp_comparison, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
dispose (GObject *object)
{
  EspComparison *self = ESP_COMPARISON (object);

  g_clear_object (&self->document);
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
  G_OBJECT_CLASS (esp_comparison_parent_class)->dispose (object);
}

static void
esp_comparison_class_init (EspComparisonClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = dispose;
}

static void
esp_comparison_init (EspComparison *self)
{
}

EspComparison *
esp_comparison_new (EspDocument *document, GPtrArray *nodes)
{
  EspComparison *self = g_object_new (ESP_TYPE_COMPARISON, NULL);

  self->document = g_object_ref (document);
  self->nodes = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < nodes->len; i++)
    g_ptr_array_add (self->nodes, g_object_ref (nodes->pdata[i]));
  return self;
}

EspDocument *
esp_comparison_get_document (EspComparison *self)
{
  return self->document;
}

GPtrArray *
esp_comparison_get_nodes (EspComparison *self)
{
  return self->nodes;
}

gboolean
esp_comparison_get_all (EspComparison *self)
{
  return self->all;
}

void
esp_comparison_set_all (EspComparison *self, gboolean all)
{
  self->all = all;
}

char *
esp_comparison_dup_json (EspComparison *self)
{
  return g_strdup ("{\"nodes\":[]}");
}

char *
esp_comparison_dup_csv (EspComparison *self)
{
  return g_strdup ("");
}
