/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-arrangement.c: see esp-sweep-arrangement.h. */
#include "esp-sweep-arrangement.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define MAX_SIDE 4096 /* px, of those that are stored */

struct _EspSweepArrangement
{
  EspSweep *sweep;
  EspSweepPlan *plan; /* the sweep's */
  EspSweepMeasure measure;
  gpointer measure_data;

  int axis[ESP_N_PLACES];               /* what is there; -1: nothing */
  gboolean *hidden[ESP_SWEEP_MAX_AXES]; /* by value */
  EspSweepFilter filter;
  EspSweepSort sort[ESP_N_PLACES];
  int side;
  guint page_value; /* of the axis on pages */

  GArray *lines[ESP_N_PLACES]; /* of guint: values in the order shown */
};

static guint
get_n_axes (EspSweepArrangement *self)
{
  return esp_sweep_plan_get_axes (self->plan)->len;
}

static EspAxis *
get_axis (EspSweepArrangement *self, int axis)
{
  return axis >= 0 ? g_ptr_array_index (esp_sweep_plan_get_axes (self->plan), axis) : NULL;
}

static guint
get_n_values (EspSweepArrangement *self, int axis)
{
  return axis >= 0 ? esp_axis_get_n_values (get_axis (self, axis)) : 1;
}

/* Sentences need the width that rows have. */
static gboolean
is_prose (EspAxis *axis)
{
  EspAxisKind kind = esp_axis_get_kind (axis);

  return kind == ESP_AXIS_INSTRUCTION || kind == ESP_AXIS_NEGATIVE;
}

int
esp_sweep_place_find_axis (GPtrArray *axes, EspSweepPlace place)
{
  g_return_val_if_fail (axes != NULL, -1);

  if ((guint) place >= axes->len)
    return -1;
  if (place != ESP_PLACE_PAGES && axes->len > 1 && is_prose (axes->pdata[0])
      && !is_prose (axes->pdata[1]))
    return place == ESP_PLACE_COLUMNS ? 1 : 0;
  return (int) place;
}

EspSweepArrangement *
esp_sweep_arrangement_new (EspSweep *sweep)
{
  EspSweepArrangement *self;

  g_return_val_if_fail (ESP_IS_SWEEP (sweep), NULL);

  self = g_new0 (EspSweepArrangement, 1);
  self->sweep = g_object_ref (sweep);
  self->plan = esp_sweep_plan_ref (esp_sweep_get_plan (sweep));
  for (int i = 0; i < ESP_N_PLACES; i++)
    {
      self->axis[i] = esp_sweep_place_find_axis (esp_sweep_plan_get_axes (self->plan), i);
      self->lines[i] = g_array_new (FALSE, FALSE, sizeof (guint));
      if (self->axis[i] >= 0)
        self->hidden[i] = g_new0 (gboolean, get_n_values (self, i));
    }
  esp_sweep_arrangement_update (self);
  return self;
}

void
esp_sweep_arrangement_free (EspSweepArrangement *self)
{
  for (int i = 0; i < ESP_N_PLACES; i++)
    {
      g_array_unref (self->lines[i]);
      g_free (self->hidden[i]);
    }
  esp_sweep_plan_unref (self->plan);
  g_object_unref (self->sweep);
  g_free (self);
}

void
esp_sweep_arrangement_set_measure (EspSweepArrangement *self, EspSweepMeasure measure,
                                   gpointer data)
{
  self->measure = measure;
  self->measure_data = data;
}

/* --- What the person chose -------------------------------------------------------------------- */

int
esp_sweep_arrangement_get_axis (EspSweepArrangement *self, EspSweepPlace place)
{
  return self->axis[place];
}

void
esp_sweep_arrangement_set_axis (EspSweepArrangement *self, EspSweepPlace place, int axis)
{
  int old = self->axis[place];

  g_return_if_fail (axis >= -1 && axis < (int) get_n_axes (self));

  if (axis == old)
    return;
  for (int i = 0; i < ESP_N_PLACES; i++)
    if (i != (int) place && self->axis[i] == axis)
      {
        self->axis[i] = old;
        self->axis[place] = axis;
        break;
      }
  if (old == self->axis[ESP_PLACE_PAGES] || place == ESP_PLACE_PAGES)
    self->page_value = 0;
}

gboolean
esp_sweep_arrangement_is_hidden (EspSweepArrangement *self, guint axis, guint value)
{
  g_return_val_if_fail (axis < get_n_axes (self), FALSE);
  g_return_val_if_fail (value < get_n_values (self, (int) axis), FALSE);

  return self->hidden[axis][value];
}

static guint
count_hidden (EspSweepArrangement *self, guint axis)
{
  guint n = 0;

  for (guint i = 0; i < get_n_values (self, (int) axis); i++)
    n += self->hidden[axis][i] ? 1 : 0;
  return n;
}

gboolean
esp_sweep_arrangement_set_hidden (EspSweepArrangement *self, guint axis, guint value,
                                  gboolean hidden)
{
  g_return_val_if_fail (axis < get_n_axes (self), FALSE);
  g_return_val_if_fail (value < get_n_values (self, (int) axis), FALSE);

  if (hidden && !self->hidden[axis][value]
      && count_hidden (self, axis) + 1 >= get_n_values (self, (int) axis))
    return FALSE;
  self->hidden[axis][value] = hidden;
  return TRUE;
}

guint
esp_sweep_arrangement_get_n_hidden (EspSweepArrangement *self)
{
  guint n = 0;

  for (guint i = 0; i < get_n_axes (self); i++)
    n += count_hidden (self, i);
  return n;
}

EspSweepFilter
esp_sweep_arrangement_get_filter (EspSweepArrangement *self)
{
  return self->filter;
}

void
esp_sweep_arrangement_set_filter (EspSweepArrangement *self, EspSweepFilter filter)
{
  self->filter = filter;
}

EspSweepSort
esp_sweep_arrangement_get_sort (EspSweepArrangement *self, EspSweepPlace place)
{
  return self->sort[place];
}

void
esp_sweep_arrangement_set_sort (EspSweepArrangement *self, EspSweepPlace place, EspSweepSort sort)
{
  g_return_if_fail (place != ESP_PLACE_PAGES);
  self->sort[place] = sort;
}

guint
esp_sweep_arrangement_get_page (EspSweepArrangement *self)
{
  GArray *pages = self->lines[ESP_PLACE_PAGES];

  for (guint i = 0; i < pages->len; i++)
    if (g_array_index (pages, guint, i) == self->page_value)
      return i;
  return 0;
}

void
esp_sweep_arrangement_set_page (EspSweepArrangement *self, guint page)
{
  g_return_if_fail (page < self->lines[ESP_PLACE_PAGES]->len);
  self->page_value = g_array_index (self->lines[ESP_PLACE_PAGES], guint, page);
}

int
esp_sweep_arrangement_get_side (EspSweepArrangement *self)
{
  return self->side;
}

void
esp_sweep_arrangement_set_side (EspSweepArrangement *self, int side)
{
  self->side = side;
}

/* --- As JSON ---------------------------------------------------------------------------------- */

static const char *const place_names[ESP_N_PLACES] = { "columns", "rows", "pages" };
static const char *const sort_names[] = { "listed", "parent", "neighbours" };
static const char *const filter_names[] = { "starred", "done", "not-rejected" };

static void
write_hidden (EspSweepArrangement *self, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, "hidden");
  json_builder_begin_array (builder);
  for (guint i = 0; i < get_n_axes (self); i++)
    {
      json_builder_begin_array (builder);
      for (guint j = 0; j < get_n_values (self, (int) i); j++)
        if (self->hidden[i][j])
          json_builder_add_int_value (builder, j);
      json_builder_end_array (builder);
    }
  json_builder_end_array (builder);
}

char *
esp_sweep_arrangement_dup_json (EspSweepArrangement *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  for (guint i = 0; i < ESP_N_PLACES; i++)
    {
      json_builder_set_member_name (builder, place_names[i]);
      json_builder_add_int_value (builder, self->axis[i]);
    }
  json_builder_set_member_name (builder, "page");
  json_builder_add_int_value (builder, self->page_value);
  json_builder_set_member_name (builder, "side");
  json_builder_add_int_value (builder, self->side);
  write_hidden (self, builder);
  json_builder_set_member_name (builder, "filter");
  json_builder_begin_array (builder);
  for (guint i = 0; i < G_N_ELEMENTS (filter_names); i++)
    if (self->filter & (1 << i))
      json_builder_add_string_value (builder, filter_names[i]);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "sort");
  json_builder_begin_array (builder);
  json_builder_add_string_value (builder, sort_names[self->sort[ESP_PLACE_COLUMNS]]);
  json_builder_add_string_value (builder, sort_names[self->sort[ESP_PLACE_ROWS]]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

/* The array `name`, or of that array the one at `index`; NULL if there is none. */
static JsonArray *
get_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static const char *
get_string (JsonArray *array, guint index)
{
  JsonNode *node = json_array_get_element (array, index);

  return json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
}

static gboolean
get_int (JsonNode *node, gint64 least, gint64 most, int *value)
{
  gint64 number;

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  number = json_node_get_int (node);
  if (number < least || number > most)
    return FALSE;
  *value = (int) number;
  return TRUE;
}

/* Each axis once, or nothing of it counts. */
static void
load_places (EspSweepArrangement *self, JsonObject *object)
{
  int axis[ESP_N_PLACES];
  guint seen = 0, n = 0;

  for (guint i = 0; i < ESP_N_PLACES; i++)
    {
      if (!get_int (json_object_get_member (object, place_names[i]), -1,
                    (gint64) get_n_axes (self) - 1, &axis[i]))
        return;
      if (axis[i] >= 0)
        {
          seen |= 1u << axis[i];
          n++;
        }
    }
  if (n == get_n_axes (self) && seen == (1u << get_n_axes (self)) - 1)
    memcpy (self->axis, axis, sizeof axis);
}

static void
load_hidden (EspSweepArrangement *self, JsonArray *hidden)
{
  for (guint i = 0; i < get_n_axes (self) && i < json_array_get_length (hidden); i++)
    {
      JsonNode *node = json_array_get_element (hidden, i);
      JsonArray *values = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

      for (guint j = 0; values != NULL && j < json_array_get_length (values); j++)
        {
          int value;

          if (get_int (json_array_get_element (values, j), 0,
                       (gint64) get_n_values (self, (int) i) - 1, &value))
            esp_sweep_arrangement_set_hidden (self, i, (guint) value, TRUE);
        }
    }
}

static void
load_filter_and_sort (EspSweepArrangement *self, JsonArray *filter, JsonArray *sort)
{
  for (guint i = 0; filter != NULL && i < json_array_get_length (filter); i++)
    for (guint j = 0; j < G_N_ELEMENTS (filter_names); j++)
      if (g_strcmp0 (get_string (filter, i), filter_names[j]) == 0)
        self->filter |= 1u << j;
  for (guint i = 0; sort != NULL && i <= ESP_PLACE_ROWS && i < json_array_get_length (sort); i++)
    for (guint j = 0; j < G_N_ELEMENTS (sort_names); j++)
      if (g_strcmp0 (get_string (sort, i), sort_names[j]) == 0)
        self->sort[i] = (EspSweepSort) j;
}

void
esp_sweep_arrangement_load_json (EspSweepArrangement *self, const char *json)
{
  g_autoptr (JsonNode) root = json != NULL ? json_from_string (json, NULL) : NULL;
  JsonObject *object;
  int page;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;
  object = json_node_get_object (root);
  load_places (self, object);
  if (get_array (object, "hidden") != NULL)
    load_hidden (self, get_array (object, "hidden"));
  load_filter_and_sort (self, get_array (object, "filter"), get_array (object, "sort"));
  if (get_int (json_object_get_member (object, "page"), 0,
               (gint64) get_n_values (self, self->axis[ESP_PLACE_PAGES]) - 1, &page))
    self->page_value = (guint) page;
  get_int (json_object_get_member (object, "side"), 0, MAX_SIDE, &self->side);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static guint
get_cell (EspSweepArrangement *self, guint column_value, guint row_value)
{
  guint indices[ESP_SWEEP_MAX_AXES] = { 0 };

  if (self->axis[ESP_PLACE_COLUMNS] >= 0)
    indices[self->axis[ESP_PLACE_COLUMNS]] = column_value;
  if (self->axis[ESP_PLACE_ROWS] >= 0)
    indices[self->axis[ESP_PLACE_ROWS]] = row_value;
  if (self->axis[ESP_PLACE_PAGES] >= 0)
    indices[self->axis[ESP_PLACE_PAGES]] = self->page_value;
  return esp_sweep_plan_get_cell (self->plan, indices);
}

gboolean
esp_sweep_arrangement_passes (EspSweepArrangement *self, guint cell)
{
  EspNode *node;

  if (self->filter == 0)
    return TRUE;
  node = esp_sweep_get_node (self->sweep, cell);
  if ((self->filter & ESP_FILTER_STARRED) && (node == NULL || esp_node_get_stars (node) == 0))
    return FALSE;
  if ((self->filter & ESP_FILTER_DONE) && (node == NULL || !esp_node_has_image (node)))
    return FALSE;
  if ((self->filter & ESP_FILTER_NOT_REJECTED) && node != NULL && esp_node_get_rejected (node))
    return FALSE;
  return TRUE;
}

static void
list_values (EspSweepArrangement *self, EspSweepPlace place)
{
  GArray *lines = self->lines[place];
  int axis = self->axis[place];

  g_array_set_size (lines, 0);
  for (guint i = 0; i < get_n_values (self, axis); i++)
    if (axis < 0 || !self->hidden[axis][i])
      g_array_append_val (lines, i);
}

/* Leaves out columns and rows of which no cell passes. */
static void
drop_empty_lines (EspSweepArrangement *self)
{
  GArray *columns = self->lines[ESP_PLACE_COLUMNS], *rows = self->lines[ESP_PLACE_ROWS];
  g_autofree gboolean *column_passes = g_new0 (gboolean, columns->len);
  guint kept = 0;

  for (guint row = 0; row < rows->len; row++)
    {
      gboolean passes = FALSE;

      for (guint column = 0; column < columns->len; column++)
        if (esp_sweep_arrangement_passes (self,
                                          get_cell (self, g_array_index (columns, guint, column),
                                                    g_array_index (rows, guint, row))))
          passes = column_passes[column] = TRUE;
      if (passes)
        g_array_index (rows, guint, kept++) = g_array_index (rows, guint, row);
    }
  g_array_set_size (rows, kept);
  kept = 0;
  for (guint column = 0; column < columns->len; column++)
    if (column_passes[column])
      g_array_index (columns, guint, kept++) = g_array_index (columns, guint, column);
  g_array_set_size (columns, kept);
}

/* The mean of what can be measured of a line; NAN if nothing can; `*waits` if something is not
 * known yet. */
static double
measure_line (EspSweepArrangement *self, EspSweepPlace place, guint value, GArray *across,
              gboolean *waits)
{
  guint before = ESP_NO_CELL, n = 0;
  double sum = 0;

  for (guint i = 0; i < across->len; i++)
    {
      guint other_value = g_array_index (across, guint, i);
      guint cell = place == ESP_PLACE_COLUMNS ? get_cell (self, value, other_value)
                                              : get_cell (self, other_value, value);
      double difference = NAN;

      if (self->sort[place] == ESP_SORT_PARENT)
        difference = self->measure (self->sweep, cell, ESP_NO_CELL, self->measure_data);
      else if (before != ESP_NO_CELL)
        difference = self->measure (self->sweep, cell, before, self->measure_data);
      before = cell;
      if (difference < 0)
        *waits = TRUE;
      else if (!isnan (difference))
        {
          sum += difference;
          n++;
        }
    }
  return n > 0 ? sum / n : NAN;
}

typedef struct
{
  guint value;
  double mean;
} Line;

static int
compare_lines (gconstpointer a, gconstpointer b)
{
  const Line *first = a, *second = b;

  if (isnan (first->mean) || isnan (second->mean))
    return isnan (first->mean) - isnan (second->mean);
  if (first->mean != second->mean)
    return first->mean < second->mean ? -1 : 1;
  return first->value < second->value ? -1 : 1;
}

/* `across` are the values of the other place in their listed order. */
static gboolean
sort_lines (EspSweepArrangement *self, EspSweepPlace place, GArray *across)
{
  GArray *lines = self->lines[place];
  g_autofree Line *measured = g_new (Line, lines->len);
  gboolean waits = FALSE;

  /* All of them are asked for, so that all are measured. */
  for (guint i = 0; i < lines->len; i++)
    {
      measured[i].value = g_array_index (lines, guint, i);
      measured[i].mean = measure_line (self, place, measured[i].value, across, &waits);
    }
  if (waits)
    return FALSE;
  qsort (measured, lines->len, sizeof *measured, compare_lines);
  for (guint i = 0; i < lines->len; i++)
    g_array_index (lines, guint, i) = measured[i].value;
  return TRUE;
}

gboolean
esp_sweep_arrangement_update (EspSweepArrangement *self)
{
  g_autoptr (GArray) columns = NULL, rows = NULL;
  gboolean waits = FALSE;

  for (guint i = 0; i < ESP_N_PLACES; i++)
    list_values (self, (EspSweepPlace) i);
  /* A page that is left out is shown no longer. */
  self->page_value
      = g_array_index (self->lines[ESP_PLACE_PAGES], guint, esp_sweep_arrangement_get_page (self));
  if (self->filter != 0)
    drop_empty_lines (self);
  if (self->measure == NULL)
    return FALSE;
  columns = g_array_copy (self->lines[ESP_PLACE_COLUMNS]);
  rows = g_array_copy (self->lines[ESP_PLACE_ROWS]);
  if (self->sort[ESP_PLACE_COLUMNS] != ESP_SORT_LISTED)
    waits |= !sort_lines (self, ESP_PLACE_COLUMNS, rows);
  if (self->sort[ESP_PLACE_ROWS] != ESP_SORT_LISTED)
    waits |= !sort_lines (self, ESP_PLACE_ROWS, columns);
  return waits;
}

guint
esp_sweep_arrangement_get_n_lines (EspSweepArrangement *self, EspSweepPlace place)
{
  return self->lines[place]->len;
}

guint
esp_sweep_arrangement_get_value (EspSweepArrangement *self, EspSweepPlace place, guint line)
{
  g_return_val_if_fail (line < self->lines[place]->len, 0);
  return g_array_index (self->lines[place], guint, line);
}

const char *
esp_sweep_arrangement_get_label (EspSweepArrangement *self, EspSweepPlace place, guint line)
{
  EspAxis *axis = get_axis (self, self->axis[place]);
  guint value = esp_sweep_arrangement_get_value (self, place, line);

  if (axis == NULL)
    return NULL;
  /* Labels of axes are short. */
  if (is_prose (axis))
    return json_node_get_string (esp_axis_get_value (axis, value));
  return esp_axis_get_label (axis, value);
}

const char *
esp_sweep_arrangement_get_title (EspSweepArrangement *self, EspSweepPlace place)
{
  EspAxis *axis = get_axis (self, self->axis[place]);

  return axis != NULL ? esp_axis_get_title (axis) : NULL;
}

guint
esp_sweep_arrangement_get_cell (EspSweepArrangement *self, guint column, guint row)
{
  g_return_val_if_fail (column < self->lines[ESP_PLACE_COLUMNS]->len, ESP_NO_CELL);
  g_return_val_if_fail (row < self->lines[ESP_PLACE_ROWS]->len, ESP_NO_CELL);

  return get_cell (self, g_array_index (self->lines[ESP_PLACE_COLUMNS], guint, column),
                   g_array_index (self->lines[ESP_PLACE_ROWS], guint, row));
}

gboolean
esp_sweep_arrangement_find (EspSweepArrangement *self, guint cell, guint *column, guint *row,
                            guint *page)
{
  guint indices[ESP_SWEEP_MAX_AXES];
  guint *found[ESP_N_PLACES] = { column, row, page };

  if (cell >= esp_sweep_plan_get_n_cells (self->plan))
    return FALSE;
  esp_sweep_plan_get_indices (self->plan, cell, indices);
  for (guint i = 0; i < ESP_N_PLACES; i++)
    {
      guint value = self->axis[i] >= 0 ? indices[self->axis[i]] : 0, line = 0;

      while (line < self->lines[i]->len && g_array_index (self->lines[i], guint, line) != value)
        line++;
      if (line == self->lines[i]->len)
        return FALSE;
      *found[i] = line;
    }
  return TRUE;
}
