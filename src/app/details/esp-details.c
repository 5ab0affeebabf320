/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-details.c: see esp-details.h. */
#define G_LOG_DOMAIN "espalier-details"

#include "esp-details.h"

struct _EspDetails
{
  GtkWidget parent_instance;

  EspDocument *document;
};

G_DEFINE_FINAL_TYPE (EspDetails, esp_details, GTK_TYPE_WIDGET)

static void
esp_details_dispose (GObject *object)
{
  EspDetails *self = ESP_DETAILS (object);

  g_clear_object (&self->document);

  G_OBJECT_CLASS (esp_details_parent_class)->dispose (object);
}

static void
esp_details_class_init (EspDetailsClass *class)
{
  G_OBJECT_CLASS (class)->dispose = esp_details_dispose;
}

static void
esp_details_init (EspDetails *self)
{
}

GtkWidget *
esp_details_new (void)
{
  return g_object_new (ESP_TYPE_DETAILS, NULL);
}

void
esp_details_set_document (EspDetails *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_DETAILS (self));

  g_set_object (&self->document, document);
}
