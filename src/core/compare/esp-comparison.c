/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison.c: the table: made anew whenever a node changes, and told as what is new in it. */
#define G_LOG_DOMAIN "esp-compare"

#include <glib/gi18n-lib.h>

#include "esp-comparison-private.h"

struct _EspComparison
{
  GObject parent_instance;

  EspDocument *document;
  GPtrArray *nodes; /* of EspNode */
  EspRegistry *registry;
  GPtrArray *rows;  /* of EspComparisonRow: all */
  GPtrArray *shown; /* of EspComparisonRow: those in the list */
  gboolean all;
  GCancellable *cancellable; /* of all that is measured */
  gboolean under_way;        /* one is being measured */
  gboolean measuring;        /* as told */
};

enum
{
  PROP_0,
  PROP_ALL,
  PROP_MEASURING,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

/* ---- the list */

static GType
get_item_type (GListModel *model)
{
  return ESP_TYPE_COMPARISON_ROW;
}

static guint
get_n_items (GListModel *model)
{
  return ESP_COMPARISON (model)->shown->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  EspComparison *self = ESP_COMPARISON (model);

  return position < self->shown->len ? g_object_ref (self->shown->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (EspComparison, esp_comparison, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* Tells what is between the first and the last rows that stay. */
static void
show_rows (EspComparison *self)
{
  g_autoptr (GPtrArray) before = self->shown;
  guint first = 0, last = 0, least;

  self->shown = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < self->rows->len; i++)
    if (self->all || esp_comparison_row_get_differs (self->rows->pdata[i]))
      g_ptr_array_add (self->shown, g_object_ref (self->rows->pdata[i]));

  least = MIN (before->len, self->shown->len);
  while (first < least && before->pdata[first] == self->shown->pdata[first])
    first++;
  while (last < least - first
         && before->pdata[before->len - 1 - last]
                == self->shown->pdata[self->shown->len - 1 - last])
    last++;
  if (before->len != self->shown->len || first < least)
    g_list_model_items_changed (G_LIST_MODEL (self), first, before->len - first - last,
                                self->shown->len - first - last);
}

/* ---- measured rows */

static void
add_measured_row (EspComparison *self, GPtrArray *rows, const char *id, const char *title,
                  const char *description, EspMeasureKind kind)
{
  EspComparisonRow *row = _esp_comparison_row_new (id, title, self->nodes->len, FALSE);

  _esp_comparison_row_set_description (row, description);
  for (guint i = 0; i < self->nodes->len; i++)
    {
      double mean;
      const EspMeasure measure
          = _esp_comparison_look_up (self->document, self->nodes->pdata[i], kind, &mean);

      if (measure == ESP_MEASURE_UNKNOWN)
        _esp_comparison_row_set_measured (row, i);
      else if (measure == ESP_MEASURE_KNOWN)
        _esp_comparison_row_set (row, i, g_strdup_printf ("%.1f", mean),
                                 json_node_init_double (json_node_alloc (), mean));
    }
  g_ptr_array_add (rows, row);
}

static void
add_measured_rows (EspComparison *self, GPtrArray *rows)
{
  add_measured_row (
      self, rows, ESP_COMPARISON_DIFFERENCE,
      /* Translators: ΔE is the unit of colour differences. */
      _ ("Difference to the parent (ΔE)"),
      _ ("Average difference of colours (CIEDE2000) to the image that it was made from, "
         "measured at no more than 1,024 pixels a side. About 1 is just visible."),
      ESP_MEASURE_PARENT);
  add_measured_row (
      self, rows, ESP_COMPARISON_ORIGIN, _ ("Difference to the original (ΔE)"),
      _ ("Average difference of colours (CIEDE2000) to the image that everything began "
         "with, measured at no more than 1,024 pixels a side. About 1 is just visible."),
      ESP_MEASURE_ORIGIN);
  add_measured_row (
      self, rows, ESP_COMPARISON_DRIFT, _ ("Drift outside of the changes (ΔE)"),
      _ ("Average difference of colours (CIEDE2000) to the original where no turn meant to "
         "change anything. 0 where untouched pixels were kept."),
      ESP_MEASURE_DRIFT);
}

static EspComparisonRow *
find_row (GPtrArray *rows, const char *id)
{
  for (guint i = 0; i < rows->len; i++)
    if (g_str_equal (esp_comparison_row_get_id (rows->pdata[i]), id))
      return rows->pdata[i];
  return NULL;
}

static void measure (EspComparison *self);

/* Only these rows can have changed. */
static void
on_measured (gpointer data)
{
  EspComparison *self = ESP_COMPARISON (data);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (g_object_unref);

  add_measured_rows (self, rows);
  for (guint i = 0; i < rows->len; i++)
    _esp_comparison_row_become (find_row (self->rows, esp_comparison_row_get_id (rows->pdata[i])),
                                rows->pdata[i]);
  show_rows (self);
  self->under_way = FALSE;
  measure (self);
}

/* One after the other: each takes whole pictures in memory for a moment. */
static gboolean
measure_next (EspComparison *self, EspMeasureKind kind)
{
  for (guint i = 0; i < self->nodes->len; i++)
    {
      EspNode *node = self->nodes->pdata[i];
      double mean;

      if (_esp_comparison_look_up (self->document, node, kind, &mean) != ESP_MEASURE_UNKNOWN)
        continue;
      _esp_comparison_measure (self->document, node, kind, self->cancellable, on_measured,
                               G_OBJECT (self));
      return TRUE;
    }
  return FALSE;
}

static void
measure (EspComparison *self)
{
  if (!self->under_way)
    self->under_way = measure_next (self, ESP_MEASURE_PARENT)
                      || measure_next (self, ESP_MEASURE_ORIGIN)
                      || measure_next (self, ESP_MEASURE_DRIFT);
  if (self->measuring == self->under_way)
    return;
  self->measuring = self->under_way;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MEASURING]);
}

/* ---- all rows */

static GPtrArray *
create_rows (EspComparison *self)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func (g_object_unref);

  _esp_comparison_add_turn_rows (rows, self->nodes, self->registry);
  add_measured_rows (self, rows);
  _esp_comparison_add_mark_rows (rows, self->nodes);
  return rows;
}

/* Rows that were there stay the same objects. */
static void
refresh (EspComparison *self)
{
  g_autoptr (GPtrArray) before = g_steal_pointer (&self->rows);

  self->rows = create_rows (self);
  for (guint i = 0; i < self->rows->len; i++)
    {
      g_autoptr (EspComparisonRow) made = self->rows->pdata[i];
      EspComparisonRow *known = find_row (before, esp_comparison_row_get_id (made));

      self->rows->pdata[i] = g_object_ref (known != NULL ? known : made);
      if (known != NULL)
        _esp_comparison_row_become (known, made);
    }
  show_rows (self);
  measure (self);
}

static void
on_node_changed (EspComparison *self, EspNodeChange what, EspNode *node)
{
  refresh (self);
}

/* ---- the object */

static void
dispose (GObject *object)
{
  EspComparison *self = ESP_COMPARISON (object);

  g_cancellable_cancel (self->cancellable);
  G_OBJECT_CLASS (esp_comparison_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  EspComparison *self = ESP_COMPARISON (object);

  g_clear_object (&self->document);
  g_clear_object (&self->registry);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->shown, g_ptr_array_unref);
  G_OBJECT_CLASS (esp_comparison_parent_class)->finalize (object);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EspComparison *self = ESP_COMPARISON (object);

  switch (id)
    {
    case PROP_ALL:
      g_value_set_boolean (value, self->all);
      break;
    case PROP_MEASURING:
      g_value_set_boolean (value, self->measuring);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_ALL:
      esp_comparison_set_all (ESP_COMPARISON (object), g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
esp_comparison_class_init (EspComparisonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = dispose;
  object_class->finalize = finalize;
  object_class->get_property = get_property;
  object_class->set_property = set_property;

  properties[PROP_ALL]
      = g_param_spec_boolean ("all", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_MEASURING]
      = g_param_spec_boolean ("measuring", NULL, NULL, FALSE,
                              G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
esp_comparison_init (EspComparison *self)
{
  self->nodes = g_ptr_array_new_with_free_func (g_object_unref);
  self->rows = g_ptr_array_new_with_free_func (g_object_unref);
  self->shown = g_ptr_array_new_with_free_func (g_object_unref);
  self->cancellable = g_cancellable_new ();
}

EspComparison *
esp_comparison_new (EspDocument *document, GPtrArray *nodes)
{
  EspComparison *self;

  g_return_val_if_fail (ESP_IS_DOCUMENT (document), NULL);
  g_return_val_if_fail (nodes != NULL && nodes->len > 0, NULL);

  self = g_object_new (ESP_TYPE_COMPARISON, NULL);
  self->document = g_object_ref (document);
  for (guint i = 0; i < nodes->len; i++)
    {
      g_ptr_array_add (self->nodes, g_object_ref (nodes->pdata[i]));
      g_signal_connect_object (nodes->pdata[i], "changed", G_CALLBACK (on_node_changed), self,
                               G_CONNECT_SWAPPED);
    }
  refresh (self);
  return self;
}

EspDocument *
esp_comparison_get_document (EspComparison *self)
{
  g_return_val_if_fail (ESP_IS_COMPARISON (self), NULL);

  return self->document;
}

GPtrArray *
esp_comparison_get_nodes (EspComparison *self)
{
  g_return_val_if_fail (ESP_IS_COMPARISON (self), NULL);

  return self->nodes;
}

gboolean
esp_comparison_get_all (EspComparison *self)
{
  g_return_val_if_fail (ESP_IS_COMPARISON (self), FALSE);

  return self->all;
}

void
esp_comparison_set_all (EspComparison *self, gboolean all)
{
  g_return_if_fail (ESP_IS_COMPARISON (self));

  if (self->all == !!all)
    return;
  self->all = !!all;
  show_rows (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ALL]);
}

void
esp_comparison_set_registry (EspComparison *self, EspRegistry *registry)
{
  g_return_if_fail (ESP_IS_COMPARISON (self));
  g_return_if_fail (registry == NULL || ESP_IS_REGISTRY (registry));

  if (g_set_object (&self->registry, registry))
    refresh (self);
}

gboolean
esp_comparison_get_measuring (EspComparison *self)
{
  g_return_val_if_fail (ESP_IS_COMPARISON (self), FALSE);

  return self->measuring;
}

/* ---- waiting */

typedef struct
{
  gulong handler;
  GSource *cancelled; /* or NULL */
} Wait;

static void
wait_free (gpointer data)
{
  Wait *wait = data;

  if (wait->cancelled != NULL)
    {
      g_source_destroy (wait->cancelled);
      g_source_unref (wait->cancelled);
    }
  g_free (wait);
}

/* Takes the task. */
static void
end_wait (GTask *task)
{
  Wait *wait = g_task_get_task_data (task);

  g_signal_handler_disconnect (g_task_get_source_object (task), wait->handler);
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
on_measuring (EspComparison *self, GParamSpec *pspec, GTask *task)
{
  if (!self->measuring)
    end_wait (task);
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer task)
{
  end_wait (task);
  return G_SOURCE_REMOVE;
}

void
esp_comparison_wait_async (EspComparison *self, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;
  Wait *wait;

  g_return_if_fail (ESP_IS_COMPARISON (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, esp_comparison_wait_async);
  if (!self->measuring)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  wait = g_new0 (Wait, 1);
  g_task_set_task_data (task, wait, wait_free);
  wait->handler = g_signal_connect (self, "notify::measuring", G_CALLBACK (on_measuring), task);
  if (cancellable != NULL)
    {
      wait->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (wait->cancelled, G_SOURCE_FUNC (on_cancelled), task, NULL);
      g_source_attach (wait->cancelled, g_main_context_get_thread_default ());
    }
}

gboolean
esp_comparison_wait_finish (EspComparison *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, esp_comparison_wait_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
