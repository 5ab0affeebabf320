/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison-row.c: one thing that can be told of several nodes. */
#define G_LOG_DOMAIN "esp-compare"

#include "esp-comparison-private.h"

typedef struct
{
  char *text; /* "" for none */
  JsonNode *value;
  gboolean pending; /* being measured */
} Cell;

struct _EspComparisonRow
{
  GObject parent_instance;

  char *id;
  char *title;
  char *description; /* or NULL */
  gboolean prose;
  guint n_cells;
  Cell *cells;
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EspComparisonRow, esp_comparison_row, G_TYPE_OBJECT)

static void
clear_cell (Cell *cell)
{
  g_clear_pointer (&cell->text, g_free);
  g_clear_pointer (&cell->value, json_node_unref);
}

static void
finalize (GObject *object)
{
  EspComparisonRow *self = ESP_COMPARISON_ROW (object);

  for (guint i = 0; i < self->n_cells; i++)
    clear_cell (&self->cells[i]);
  g_free (self->cells);
  g_free (self->id);
  g_free (self->title);
  g_free (self->description);
  G_OBJECT_CLASS (esp_comparison_row_parent_class)->finalize (object);
}

static void
esp_comparison_row_class_init (EspComparisonRowClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
esp_comparison_row_init (EspComparisonRow *self)
{
}

EspComparisonRow *
_esp_comparison_row_new (const char *id, const char *title, guint n_columns, gboolean prose)
{
  EspComparisonRow *self = g_object_new (ESP_TYPE_COMPARISON_ROW, NULL);

  self->id = g_strdup (id);
  self->title = g_strdup (title);
  self->prose = prose;
  self->n_cells = n_columns;
  self->cells = g_new0 (Cell, n_columns);
  for (guint i = 0; i < n_columns; i++)
    self->cells[i].text = g_strdup ("");
  return self;
}

void
_esp_comparison_row_set_description (EspComparisonRow *self, const char *description)
{
  g_free (self->description);
  self->description = g_strdup (description);
}

void
_esp_comparison_row_set (EspComparisonRow *self, guint column, char *text, JsonNode *value)
{
  Cell *cell;

  g_assert (column < self->n_cells);

  cell = &self->cells[column];
  clear_cell (cell);
  cell->text = text != NULL ? text : g_strdup ("");
  cell->value = value;
  cell->pending = FALSE;
}

void
_esp_comparison_row_set_measured (EspComparisonRow *self, guint column)
{
  _esp_comparison_row_set (self, column, g_strdup ("…"), NULL);
  self->cells[column].pending = TRUE;
}

static gboolean
is_same_cell (const Cell *a, const Cell *b)
{
  if (a->pending != b->pending || g_strcmp0 (a->text, b->text) != 0)
    return FALSE;
  if (a->value == NULL || b->value == NULL)
    return a->value == b->value;
  return json_node_equal (a->value, b->value);
}

void
_esp_comparison_row_become (EspComparisonRow *self, EspComparisonRow *other)
{
  gboolean changed = g_strcmp0 (self->title, other->title) != 0;
  char *title = self->title;

  g_assert (g_strcmp0 (self->id, other->id) == 0);
  g_assert (self->n_cells == other->n_cells);

  for (guint i = 0; i < self->n_cells; i++)
    if (!is_same_cell (&self->cells[i], &other->cells[i]))
      {
        const Cell mine = self->cells[i];

        self->cells[i] = other->cells[i];
        other->cells[i] = mine;
        changed = TRUE;
      }
  self->title = other->title;
  other->title = title;
  if (changed)
    g_signal_emit (self, signals[CHANGED], 0);
}

const char *
esp_comparison_row_get_id (EspComparisonRow *self)
{
  g_return_val_if_fail (ESP_IS_COMPARISON_ROW (self), NULL);

  return self->id;
}

const char *
esp_comparison_row_get_title (EspComparisonRow *self)
{
  g_return_val_if_fail (ESP_IS_COMPARISON_ROW (self), NULL);

  return self->title;
}

const char *
esp_comparison_row_get_description (EspComparisonRow *self)
{
  g_return_val_if_fail (ESP_IS_COMPARISON_ROW (self), NULL);

  return self->description;
}

const char *
esp_comparison_row_get_text (EspComparisonRow *self, guint column)
{
  g_return_val_if_fail (ESP_IS_COMPARISON_ROW (self), "");
  g_return_val_if_fail (column < self->n_cells, "");

  return self->cells[column].text;
}

JsonNode *
esp_comparison_row_get_value (EspComparisonRow *self, guint column)
{
  g_return_val_if_fail (ESP_IS_COMPARISON_ROW (self), NULL);
  g_return_val_if_fail (column < self->n_cells, NULL);

  return self->cells[column].value;
}

/* What looks the same to people is the same; what is not known yet says nothing. */
gboolean
esp_comparison_row_get_differs (EspComparisonRow *self)
{
  const char *first = NULL;

  g_return_val_if_fail (ESP_IS_COMPARISON_ROW (self), FALSE);

  for (guint i = 0; i < self->n_cells; i++)
    {
      if (self->cells[i].pending)
        continue;
      if (first != NULL && g_strcmp0 (first, self->cells[i].text) != 0)
        return TRUE;
      first = self->cells[i].text;
    }
  return FALSE;
}

gboolean
esp_comparison_row_is_prose (EspComparisonRow *self)
{
  g_return_val_if_fail (ESP_IS_COMPARISON_ROW (self), FALSE);

  return self->prose;
}
