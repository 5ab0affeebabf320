/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composer.c: what next. First shape: links, does nothing yet. */
#include "esp-composer.h"

struct _EspComposer
{
  GtkWidget parent_instance;
  EspDocument *document;
};

G_DEFINE_FINAL_TYPE (EspComposer, esp_composer, GTK_TYPE_WIDGET)

static void
esp_composer_class_init (EspComposerClass *klass)
{
}

static void
esp_composer_init (EspComposer *self)
{
}

GtkWidget *
esp_composer_new (void)
{
  return g_object_new (ESP_TYPE_COMPOSER, NULL);
}

EspDocument *
esp_composer_get_document (EspComposer *self)
{
  return self->document;
}

void
esp_composer_set_document (EspComposer *self, EspDocument *document)
{
}

void
esp_composer_set_queue (EspComposer *self, EspQueue *queue)
{
}

void
esp_composer_focus (EspComposer *self)
{
}

const char *
esp_composer_get_instruction (EspComposer *self)
{
  return "";
}

void
esp_composer_use_node (EspComposer *self, EspNode *node, EspComposerParts parts)
{
}

void
esp_composer_use_recipe (EspComposer *self, JsonObject *recipe, EspComposerParts parts)
{
}

void
esp_composer_add_reference (EspComposer *self, EspNode *node)
{
}

void
esp_composer_run_again (EspComposer *self, EspNode *node, gboolean new_seed)
{
}

GVariant *
esp_composer_dup_state (EspComposer *self)
{
  return g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
}

void
esp_composer_restore_state (EspComposer *self, GVariant *state)
{
}
