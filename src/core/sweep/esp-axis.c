/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-axis.c: one axis of a sweep. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-axis.h"

G_DEFINE_QUARK (esp - sweep - error - quark, esp_sweep_error)

struct _EspAxis
{
  gatomicrefcount count;
};

G_DEFINE_BOXED_TYPE (EspAxis, esp_axis, esp_axis_ref, esp_axis_unref)

EspAxis *
esp_axis_ref (EspAxis *self)
{
  g_atomic_ref_count_inc (&self->count);
  return self;
}

void
esp_axis_unref (EspAxis *self)
{
  if (g_atomic_ref_count_dec (&self->count))
    g_free (self);
}

EspAxisKind
esp_axis_get_kind (EspAxis *self)
{
  return ESP_AXIS_SEED;
}

const char *
esp_axis_get_name (EspAxis *self)
{
  return "";
}

const char *
esp_axis_get_title (EspAxis *self)
{
  return "";
}

guint
esp_axis_get_n_values (EspAxis *self)
{
  return 1;
}

const char *
esp_axis_get_label (EspAxis *self, guint value)
{
  return "";
}

JsonNode *
esp_axis_get_value (EspAxis *self, guint value)
{
  return NULL;
}

EspAxis *
esp_axis_parse (const char *name, const char *text, const EspAxisContext *context, GError **error)
{
  g_set_error_literal (error, ESP_SWEEP_ERROR, ESP_SWEEP_ERROR_UNKNOWN, name);
  return NULL;
}

char *
esp_axis_dup_text (EspAxis *self)
{
  return g_strdup ("");
}

GPtrArray *
esp_axis_dup_alternatives (const char *instruction, GError **error)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_unref);
}

void
esp_axis_choice_free (EspAxisChoice *choice)
{
  g_free (choice);
}

GPtrArray *
esp_axis_dup_choices (const EspAxisContext *context)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) esp_axis_choice_free);
}
