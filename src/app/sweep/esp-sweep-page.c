/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-page.c: see esp-sweep-page.h. */
#include "esp-sweep-page.h"

struct _EspSweepPage
{
  GtkWidget parent_instance;
};

G_DEFINE_FINAL_TYPE (EspSweepPage, esp_sweep_page, GTK_TYPE_WIDGET)

void
esp_sweep_page_set_up (EspSweepPage *self, EspQueue *queue, EspDocument *document, EspNode *parent,
                       const EspTurn *turn, GPtrArray *selected, JsonObject *presets)
{
  g_return_if_fail (ESP_IS_SWEEP_PAGE (self));
}

void
esp_sweep_page_add_axis (EspSweepPage *self, const char *name, const char *text)
{
  g_return_if_fail (ESP_IS_SWEEP_PAGE (self));
}

static void
esp_sweep_page_class_init (EspSweepPageClass *klass)
{
  g_signal_new ("start", ESP_TYPE_SWEEP_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                2, ESP_TYPE_SWEEP_PLAN, G_TYPE_INT);
  g_signal_new ("leave", ESP_TYPE_SWEEP_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                0);
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
esp_sweep_page_init (EspSweepPage *self)
{
}

GtkWidget *
esp_sweep_page_new (void)
{
  return g_object_new (ESP_TYPE_SWEEP_PAGE, NULL);
}
