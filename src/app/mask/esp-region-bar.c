/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-region-bar.c: see esp-region-bar.h. */
#define G_LOG_DOMAIN "espalier-mask"

#include "esp-region-bar.h"

#include <glib/gi18n-lib.h>

#include "esp-style.h"

struct _EspRegionBar
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkToggleButton *rectangle_button, *lasso_button;
  GtkLabel *words;

  EspRegionTool *tool;
};

G_DEFINE_FINAL_TYPE (EspRegionBar, esp_region_bar, GTK_TYPE_WIDGET)

enum
{
  DROP,
  DONE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
show_region (EspRegionBar *self)
{
  const EspRegion *region = esp_region_tool_get_region (self->tool);
  g_autofree char *size = NULL;
  g_autofree char *place = NULL;

  if (region == NULL)
    {
      gtk_label_set_label (self->words, _ ("Draw a region"));
      gtk_widget_set_tooltip_text (GTK_WIDGET (self->words), NULL);
    }
  else
    {
      /* Translators: width and height of a region, in pixels. */
      size = g_strdup_printf (_ ("%d × %d px"), region->width, region->height);
      /* Translators: where a region is, in pixels from the left and from the top; %s is its size.
       */
      place = g_strdup_printf (_ ("%s at %d, %d"), size, region->x, region->y);
      gtk_label_set_label (self->words, size);
      gtk_widget_set_tooltip_text (GTK_WIDGET (self->words), place);
    }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->words), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  place != NULL ? place : _ ("Draw a region"), -1);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "region.drop", region != NULL);
}

static void
show_shape (EspRegionBar *self)
{
  gtk_toggle_button_set_active (
      esp_region_tool_get_lasso (self->tool) ? self->lasso_button : self->rectangle_button, TRUE);
}

static void
on_toggled (EspRegionBar *self)
{
  if (self->tool != NULL)
    esp_region_tool_set_lasso (self->tool, gtk_toggle_button_get_active (self->lasso_button));
}

static void
drop (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit (widget, signals[DROP], 0);
}

static void
done (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit (widget, signals[DONE], 0);
}

void
esp_region_bar_connect (EspRegionBar *self, EspRegionTool *tool)
{
  g_return_if_fail (ESP_IS_REGION_BAR (self));
  g_return_if_fail (self->tool == NULL);

  self->tool = g_object_ref (tool);
  g_signal_connect_object (tool, "notify::region", G_CALLBACK (show_region), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (tool, "notify::lasso", G_CALLBACK (show_shape), self, G_CONNECT_SWAPPED);
  show_region (self);
  show_shape (self);
}

static void
esp_region_bar_dispose (GObject *object)
{
  EspRegionBar *self = ESP_REGION_BAR (object);

  g_clear_object (&self->tool);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_REGION_BAR);

  G_OBJECT_CLASS (esp_region_bar_parent_class)->dispose (object);
}

static void
esp_region_bar_class_init (EspRegionBarClass *class)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = esp_region_bar_dispose;

  signals[DROP] = g_signal_new ("drop", ESP_TYPE_REGION_BAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 0);
  signals[DONE] = g_signal_new ("done", ESP_TYPE_REGION_BAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 0);
  gtk_widget_class_install_action (widget_class, "region.drop", NULL, drop);
  gtk_widget_class_install_action (widget_class, "region.done", NULL, done);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "regionbar");
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/mask/esp-region-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, EspRegionBar, box);
  gtk_widget_class_bind_template_child (widget_class, EspRegionBar, rectangle_button);
  gtk_widget_class_bind_template_child (widget_class, EspRegionBar, lasso_button);
  gtk_widget_class_bind_template_child (widget_class, EspRegionBar, words);
}

static void
esp_region_bar_init (EspRegionBar *self)
{
  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/mask", "mask.css");
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (self->lasso_button, "toggled", G_CALLBACK (on_toggled), self,
                           G_CONNECT_SWAPPED);
}

GtkWidget *
esp_region_bar_new (void)
{
  return g_object_new (ESP_TYPE_REGION_BAR, NULL);
}
