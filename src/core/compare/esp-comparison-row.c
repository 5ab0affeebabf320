/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison-row.c: one thing that can be told of several nodes. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-comparison.h"

struct _EspComparisonRow
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (EspComparisonRow, esp_comparison_row, G_TYPE_OBJECT)

static void
esp_comparison_row_class_init (EspComparisonRowClass *klass)
{
}

static void
esp_comparison_row_init (EspComparisonRow *self)
{
}

const char *
esp_comparison_row_get_id (EspComparisonRow *self)
{
  return "";
}

const char *
esp_comparison_row_get_title (EspComparisonRow *self)
{
  return "";
}

const char *
esp_comparison_row_get_text (EspComparisonRow *self, guint column)
{
  return "";
}

JsonNode *
esp_comparison_row_get_value (EspComparisonRow *self, guint column)
{
  return NULL;
}

gboolean
esp_comparison_row_get_differs (EspComparisonRow *self)
{
  return FALSE;
}

gboolean
esp_comparison_row_is_prose (EspComparisonRow *self)
{
  return FALSE;
}
