/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-grid.c: see esp-sweep-grid.h. */
#include "esp-sweep-grid.h"

struct _EspSweepGrid
{
  GtkWidget parent_instance;

  EspSweep *sweep;
  EspSheet sheet;
};

G_DEFINE_FINAL_TYPE (EspSweepGrid, esp_sweep_grid, GTK_TYPE_WIDGET)

void
esp_sweep_grid_set_sweep (EspSweepGrid *self, EspSweep *sweep, EspQueue *queue)
{
  g_return_if_fail (ESP_IS_SWEEP_GRID (self));
  g_set_object (&self->sweep, sweep);
}

EspSweep *
esp_sweep_grid_get_sweep (EspSweepGrid *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_GRID (self), NULL);
  return self->sweep;
}

GPtrArray *
esp_sweep_grid_dup_selection (EspSweepGrid *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_GRID (self), NULL);
  return g_ptr_array_new_with_free_func (g_object_unref);
}

const EspSheet *
esp_sweep_grid_get_sheet (EspSweepGrid *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP_GRID (self), NULL);
  return &self->sheet;
}

static void
esp_sweep_grid_dispose (GObject *object)
{
  EspSweepGrid *self = ESP_SWEEP_GRID (object);

  g_clear_object (&self->sweep);
  G_OBJECT_CLASS (esp_sweep_grid_parent_class)->dispose (object);
}

static void
esp_sweep_grid_class_init (EspSweepGridClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = esp_sweep_grid_dispose;

#define SIGNAL(name, ...)                                                                          \
  g_signal_new (name, ESP_TYPE_SWEEP_GRID, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,    \
                __VA_ARGS__)
  SIGNAL ("leave", 0);
  SIGNAL ("open", 1, ESP_TYPE_NODE);
  SIGNAL ("compare", 1, G_TYPE_PTR_ARRAY);
  SIGNAL ("export", 1, ESP_TYPE_SWEEP_GRID);
  SIGNAL ("run", 2, G_TYPE_ARRAY, G_TYPE_BOOLEAN);
  SIGNAL ("selection-changed", 0);
#undef SIGNAL
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "sweepgrid");
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
esp_sweep_grid_init (EspSweepGrid *self)
{
}

GtkWidget *
esp_sweep_grid_new (void)
{
  return g_object_new (ESP_TYPE_SWEEP_GRID, NULL);
}
