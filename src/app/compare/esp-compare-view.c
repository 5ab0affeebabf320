/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-view.c: nodes held side by side: the widget, its properties and actions. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-view.h"

struct _EspCompareView
{
  GtkWidget parent_instance;
  EspDocument *document;
  GPtrArray *nodes;
  EspComparison *comparison;
  EspCompareMode mode;
};

G_DEFINE_FINAL_TYPE (EspCompareView, esp_compare_view, GTK_TYPE_WIDGET)

static const char *const modes[] = { "side", "slider", "flicker", "onion", "difference" };

const char *
esp_compare_mode_to_string (EspCompareMode mode)
{
  g_return_val_if_fail ((guint) mode < G_N_ELEMENTS (modes), NULL);

  return modes[mode];
}

gboolean
esp_compare_mode_from_string (const char *text, EspCompareMode *mode)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (g_strcmp0 (text, modes[i]) == 0)
      {
        *mode = (EspCompareMode) i;
        return TRUE;
      }
  return FALSE;
}

void
esp_compare_view_set_nodes (EspCompareView *self, EspDocument *document, GPtrArray *nodes)
{
  g_return_if_fail (ESP_IS_COMPARE_VIEW (self));

  g_clear_object (&self->comparison);
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
  g_set_object (&self->document, (nodes != NULL ? document : NULL));
  if (nodes == NULL)
    return;
  self->nodes = g_ptr_array_copy (nodes, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
  g_ptr_array_set_free_func (self->nodes, g_object_unref);
  self->comparison = esp_comparison_new (document, nodes);
}

EspDocument *
esp_compare_view_get_document (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), NULL);

  return self->document;
}

GPtrArray *
esp_compare_view_get_nodes (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), NULL);

  return self->nodes;
}

EspNode *
esp_compare_view_get_b (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), NULL);

  return self->nodes != NULL ? self->nodes->pdata[1] : NULL;
}

EspComparison *
esp_compare_view_get_comparison (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), NULL);

  return self->comparison;
}

EspCompareMode
esp_compare_view_get_mode (EspCompareView *self)
{
  g_return_val_if_fail (ESP_IS_COMPARE_VIEW (self), ESP_COMPARE_SIDE);

  return self->mode;
}

void
esp_compare_view_set_mode (EspCompareView *self, EspCompareMode mode)
{
  g_return_if_fail (ESP_IS_COMPARE_VIEW (self));

  self->mode = mode;
}

void
esp_compare_view_set_narrow (EspCompareView *self, gboolean narrow)
{
  g_return_if_fail (ESP_IS_COMPARE_VIEW (self));
}

static void
esp_compare_view_dispose (GObject *object)
{
  esp_compare_view_set_nodes (ESP_COMPARE_VIEW (object), NULL, NULL);

  G_OBJECT_CLASS (esp_compare_view_parent_class)->dispose (object);
}

static void
esp_compare_view_class_init (EspCompareViewClass *class)
{
  G_OBJECT_CLASS (class)->dispose = esp_compare_view_dispose;
  g_signal_new ("leave", ESP_TYPE_COMPARE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                0);
  g_signal_new ("continue", ESP_TYPE_COMPARE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 1, ESP_TYPE_NODE);
  g_signal_new ("use-settings", ESP_TYPE_COMPARE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 1, ESP_TYPE_NODE);
  g_signal_new ("export", ESP_TYPE_COMPARE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 1, G_TYPE_STRING);
  g_signal_new ("nodes-changed", ESP_TYPE_COMPARE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 0);
}

static void
esp_compare_view_init (EspCompareView *self)
{
}

GtkWidget *
esp_compare_view_new (void)
{
  return g_object_new (ESP_TYPE_COMPARE_VIEW, NULL);
}
