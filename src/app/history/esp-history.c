/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-history.c: see esp-history.h. */
#include "esp-history.h"

struct _EspHistory
{
  GtkWidget parent_instance;

  EspDocument *document;
  gboolean outline;
  GtkOrientation orientation;
};

G_DEFINE_FINAL_TYPE (EspHistory, esp_history, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_DOCUMENT,
  PROP_OUTLINE,
  PROP_ORIENTATION,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

enum
{
  ACTIVATE,
  COMPARE,
  REFERENCE_DROP,
  SELECTION_CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

EspDocument *
esp_history_get_document (EspHistory *self)
{
  g_return_val_if_fail (ESP_IS_HISTORY (self), NULL);
  return self->document;
}

void
esp_history_set_document (EspHistory *self, EspDocument *document)
{
  g_return_if_fail (ESP_IS_HISTORY (self));
  g_return_if_fail (document == NULL || ESP_IS_DOCUMENT (document));

  if (g_set_object (&self->document, document))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DOCUMENT]);
}

GPtrArray *
esp_history_dup_selection (EspHistory *self)
{
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_object_unref);
  EspNode *current;

  g_return_val_if_fail (ESP_IS_HISTORY (self), nodes);
  current = self->document ? esp_document_get_current (self->document) : NULL;
  if (current)
    g_ptr_array_add (nodes, g_object_ref (current));
  return nodes;
}

void
esp_history_set_outline (EspHistory *self, gboolean outline)
{
  g_return_if_fail (ESP_IS_HISTORY (self));
  self->outline = outline;
}

void
esp_history_set_orientation (EspHistory *self, GtkOrientation orientation)
{
  g_return_if_fail (ESP_IS_HISTORY (self));
  self->orientation = orientation;
}

void
esp_history_reveal (EspHistory *self, EspNode *node)
{
}

void
esp_history_start_find (EspHistory *self)
{
}

void
esp_history_stop_find (EspHistory *self)
{
}

void
esp_history_edit_label (EspHistory *self, EspNode *node)
{
}

void
esp_history_zoom_in (EspHistory *self)
{
}

void
esp_history_zoom_out (EspHistory *self)
{
}

void
esp_history_zoom_fit (EspHistory *self)
{
}

static void
esp_history_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  EspHistory *self = ESP_HISTORY (object);

  switch (prop_id)
    {
    case PROP_DOCUMENT:
      g_value_set_object (value, self->document);
      break;
    case PROP_OUTLINE:
      g_value_set_boolean (value, self->outline);
      break;
    case PROP_ORIENTATION:
      g_value_set_enum (value, self->orientation);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_history_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  EspHistory *self = ESP_HISTORY (object);

  switch (prop_id)
    {
    case PROP_DOCUMENT:
      esp_history_set_document (self, g_value_get_object (value));
      break;
    case PROP_OUTLINE:
      esp_history_set_outline (self, g_value_get_boolean (value));
      break;
    case PROP_ORIENTATION:
      esp_history_set_orientation (self, g_value_get_enum (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
esp_history_dispose (GObject *object)
{
  EspHistory *self = ESP_HISTORY (object);

  g_clear_object (&self->document);
  G_OBJECT_CLASS (esp_history_parent_class)->dispose (object);
}

static void
esp_history_class_init (EspHistoryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_history_dispose;
  object_class->get_property = esp_history_get_property;
  object_class->set_property = esp_history_set_property;

  properties[PROP_DOCUMENT]
      = g_param_spec_object ("document", NULL, NULL, ESP_TYPE_DOCUMENT,
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_OUTLINE]
      = g_param_spec_boolean ("outline", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_ORIENTATION] = g_param_spec_enum (
      "orientation", NULL, NULL, GTK_TYPE_ORIENTATION, GTK_ORIENTATION_VERTICAL,
      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[ACTIVATE] = g_signal_new ("activate", ESP_TYPE_HISTORY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 1, ESP_TYPE_NODE);
  signals[COMPARE] = g_signal_new ("compare", ESP_TYPE_HISTORY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 2, ESP_TYPE_NODE, ESP_TYPE_NODE);
  signals[REFERENCE_DROP]
      = g_signal_new ("reference-drop", ESP_TYPE_HISTORY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, ESP_TYPE_NODE, G_TYPE_VALUE);
  signals[SELECTION_CHANGED]
      = g_signal_new ("selection-changed", ESP_TYPE_HISTORY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 0);
}

static void
esp_history_init (EspHistory *self)
{
  self->orientation = GTK_ORIENTATION_VERTICAL;
}

GtkWidget *
esp_history_new (void)
{
  return g_object_new (ESP_TYPE_HISTORY, NULL);
}
