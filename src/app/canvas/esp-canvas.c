/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-canvas.c: see esp-canvas.h. */
#define G_LOG_DOMAIN "espalier-canvas"

#include "esp-canvas.h"

struct _EspCanvas
{
  GtkWidget parent_instance;

  EspDocument *document;
};

G_DEFINE_FINAL_TYPE (EspCanvas, esp_canvas, GTK_TYPE_WIDGET)

static void
esp_canvas_dispose (GObject *object)
{
  EspCanvas *self = ESP_CANVAS (object);

  g_clear_object (&self->document);

  G_OBJECT_CLASS (esp_canvas_parent_class)->dispose (object);
}

static void
esp_canvas_class_init (EspCanvasClass *class)
{
  G_OBJECT_CLASS (class)->dispose = esp_canvas_dispose;
}

static void
esp_canvas_init (EspCanvas *self)
{
}

GtkWidget *
esp_canvas_new (void)
{
  return g_object_new (ESP_TYPE_CANVAS, NULL);
}

void
esp_canvas_set_document (EspCanvas *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_CANVAS (self));

  g_set_object (&self->document, document);
}

EspDocument *
esp_canvas_get_document (EspCanvas *self)
{
  return self->document;
}

EspNode *
esp_canvas_get_before (EspCanvas *self)
{
  return NULL;
}

void
esp_canvas_set_before (EspCanvas *self, EspNode *before)
{
}

double
esp_canvas_get_zoom (EspCanvas *self)
{
  return 1.0;
}

void
esp_canvas_set_zoom (EspCanvas *self, double zoom)
{
}

gboolean
esp_canvas_get_fit (EspCanvas *self)
{
  return TRUE;
}

void
esp_canvas_set_fit (EspCanvas *self, gboolean fit)
{
}
