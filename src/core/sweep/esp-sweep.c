/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep.c: the nodes of a document that are a sweep's cells. */
#define G_LOG_DOMAIN "espalier-sweep"

#include "esp-sweep-private.h"

#define N_STATES (ESP_CELL_CANCELLED + 1)

typedef struct
{
  GPtrArray *nodes; /* of EspNode, newest last; NULL: there were none yet */
  EspNode *shown;   /* of them */
  EspNode *active;  /* of them */
  char *skipped;
  EspCellState state;
} Cell;

struct _EspSweep
{
  GObject parent_instance;

  EspDocument *document;
  gint64 id;
  EspSweepPlan *plan;
  EspRegistry *registry; /* or NULL */
  Cell *cells;
  guint n_cells;
  guint counts[N_STATES];
  GPtrArray *models; /* of EspModel: those that are watched */
  GSource *checking; /* will look at what is skipped */
};

enum
{
  CELL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EspSweep, esp_sweep, G_TYPE_OBJECT)

/* --- Cells ------------------------------------------------------------------------------------ */

/* What is under way in a file only, not in this program, waits. */
static gboolean
is_running (EspNode *node)
{
  return esp_node_get_state (node) == ESP_NODE_RUNNING && esp_node_get_progress (node) != NULL;
}

static gboolean
is_active (EspNode *node)
{
  const EspNodeState state = esp_node_get_state (node);

  return state == ESP_NODE_QUEUED || state == ESP_NODE_RUNNING;
}

static EspCellState
find_state (const Cell *cell)
{
  const gboolean has_image = cell->shown != NULL && esp_node_has_image (cell->shown);

  if (cell->shown == NULL)
    return cell->skipped != NULL ? ESP_CELL_SKIPPED : ESP_CELL_MISSING;
  if (has_image && !esp_node_is_draft (cell->shown))
    return ESP_CELL_DONE;
  if (cell->active != NULL)
    return is_running (cell->active) ? ESP_CELL_RUNNING : ESP_CELL_WAITING;
  if (has_image)
    return ESP_CELL_PREVIEW;
  return esp_node_get_state (cell->shown) == ESP_NODE_CANCELLED ? ESP_CELL_CANCELLED
                                                                : ESP_CELL_FAILED;
}

/* TRUE: something is another. */
static gboolean
update_cell (EspSweep *self, guint i)
{
  Cell *cell = &self->cells[i];
  const Cell before = *cell;

  cell->shown = cell->active = NULL;
  for (guint j = 0; cell->nodes != NULL && j < cell->nodes->len; j++)
    {
      EspNode *node = cell->nodes->pdata[j];

      if (cell->shown == NULL || esp_node_has_image (node) || !esp_node_has_image (cell->shown))
        cell->shown = node;
      if (is_active (node))
        cell->active = node;
    }
  cell->state = find_state (cell);
  self->counts[before.state]--;
  self->counts[cell->state]++;
  return cell->shown != before.shown || cell->active != before.active
         || cell->state != before.state;
}

static void
emit_changed (EspSweep *self, guint cell)
{
  g_signal_emit (self, signals[CELL_CHANGED], 0, cell);
}

static void
on_node_changed (EspNode *node, guint change, EspSweep *self)
{
  const guint cell = esp_node_get_cell (node);

  if (!(change & (ESP_NODE_CHANGE_STATE | ESP_NODE_CHANGE_IMAGE | ESP_NODE_CHANGE_MARKS)))
    return;
  update_cell (self, cell);
  emit_changed (self, cell);
}

static gboolean
is_ours (EspSweep *self, EspNode *node)
{
  return esp_node_get_sweep (node) == self->id && esp_node_get_cell (node) < self->n_cells;
}

static void
add_node (EspSweep *self, EspNode *node)
{
  Cell *cell = &self->cells[esp_node_get_cell (node)];
  guint place;

  if (cell->nodes == NULL)
    cell->nodes = g_ptr_array_new_with_free_func (g_object_unref);
  if (g_ptr_array_find (cell->nodes, node, NULL))
    return;
  for (place = cell->nodes->len;
       place > 0 && esp_node_get_id (cell->nodes->pdata[place - 1]) > esp_node_get_id (node);
       place--)
    ;
  g_ptr_array_insert (cell->nodes, (int) place, g_object_ref (node));
  g_signal_connect_object (node, "changed", G_CALLBACK (on_node_changed), self, 0);
}

static void
on_node_added (EspDocument *document, EspNode *node, EspSweep *self)
{
  if (!is_ours (self, node))
    return;
  add_node (self, node);
  update_cell (self, esp_node_get_cell (node));
  emit_changed (self, esp_node_get_cell (node));
}

static void
on_node_removed (EspDocument *document, EspNode *node, EspSweep *self)
{
  const guint i = esp_node_get_cell (node);

  if (!is_ours (self, node) || self->cells[i].nodes == NULL)
    return;
  g_signal_handlers_disconnect_by_func (node, on_node_changed, self);
  g_ptr_array_remove (self->cells[i].nodes, node);
  update_cell (self, i);
  emit_changed (self, i);
}

/* --- What is skipped -------------------------------------------------------------------------- */

static void
check_skipped (EspSweep *self, gboolean tell)
{
  for (guint i = 0; i < self->n_cells; i++)
    {
      g_autofree char *before = g_steal_pointer (&self->cells[i].skipped);

      if (self->registry != NULL)
        self->cells[i].skipped = esp_sweep_plan_dup_skipped (self->plan, i, self->registry);
      if ((update_cell (self, i) || g_strcmp0 (before, self->cells[i].skipped) != 0) && tell)
        emit_changed (self, i);
    }
}

static gboolean
on_check (gpointer data)
{
  EspSweep *self = data;

  g_clear_pointer (&self->checking, g_source_unref);
  g_object_ref (self);
  check_skipped (self, TRUE);
  g_object_unref (self);
  return G_SOURCE_REMOVE;
}

/* Models tell several things one after the other. */
static void
check_later (EspSweep *self)
{
  if (self->checking != NULL)
    return;
  self->checking = g_idle_source_new ();
  g_source_set_priority (self->checking, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->checking, on_check, self, NULL);
  g_source_attach (self->checking, g_main_context_get_thread_default ());
}

static void
forget_models (EspSweep *self)
{
  for (guint i = 0; i < self->models->len; i++)
    g_signal_handlers_disconnect_by_func (self->models->pdata[i], check_later, self);
  g_ptr_array_set_size (self->models, 0);
}

static void
watch_models (EspSweep *self)
{
  GListModel *models = esp_registry_get_models (self->registry);

  forget_models (self);
  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      EspModel *model = g_list_model_get_item (models, i);

      g_signal_connect_object (model, "changed", G_CALLBACK (check_later), self, G_CONNECT_SWAPPED);
      g_ptr_array_add (self->models, model);
    }
}

static void
on_models_changed (EspSweep *self)
{
  watch_models (self);
  check_later (self);
}

static void
set_registry (EspSweep *self, EspRegistry *registry)
{
  self->registry = g_object_ref (registry);
  g_signal_connect_object (esp_registry_get_models (registry), "items-changed",
                           G_CALLBACK (on_models_changed), self, G_CONNECT_SWAPPED);
  watch_models (self);
}

/* --- The object ------------------------------------------------------------------------------- */

/* Of a document, those that someone holds, by id. */
static GHashTable *
get_sweeps (EspDocument *document)
{
  static const char key[] = "esp-sweeps";
  GHashTable *sweeps = g_object_get_data (G_OBJECT (document), key);

  if (sweeps == NULL)
    {
      sweeps = g_hash_table_new (g_int64_hash, g_int64_equal);
      g_object_set_data_full (G_OBJECT (document), key, sweeps,
                              (GDestroyNotify) g_hash_table_unref);
    }
  return sweeps;
}

static void
esp_sweep_dispose (GObject *object)
{
  EspSweep *self = ESP_SWEEP (object);

  if (self->checking != NULL)
    g_source_destroy (self->checking);
  g_clear_pointer (&self->checking, g_source_unref);
  if (self->document != NULL)
    g_hash_table_remove (get_sweeps (self->document), &self->id);
  forget_models (self);

  G_OBJECT_CLASS (esp_sweep_parent_class)->dispose (object);
}

static void
esp_sweep_finalize (GObject *object)
{
  EspSweep *self = ESP_SWEEP (object);

  for (guint i = 0; i < self->n_cells; i++)
    {
      g_clear_pointer (&self->cells[i].nodes, g_ptr_array_unref);
      g_free (self->cells[i].skipped);
    }
  g_free (self->cells);
  g_ptr_array_unref (self->models);
  g_clear_pointer (&self->plan, esp_sweep_plan_unref);
  g_clear_object (&self->registry);
  g_clear_object (&self->document);

  G_OBJECT_CLASS (esp_sweep_parent_class)->finalize (object);
}

static void
esp_sweep_class_init (EspSweepClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = esp_sweep_dispose;
  object_class->finalize = esp_sweep_finalize;

  signals[CELL_CHANGED] = g_signal_new ("cell-changed", ESP_TYPE_SWEEP, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
}

static void
esp_sweep_init (EspSweep *self)
{
  self->models = g_ptr_array_new_with_free_func (g_object_unref);
}

static EspSweep *
sweep_new (EspDocument *document, gint64 id, EspSweepPlan *plan, EspRegistry *registry)
{
  EspSweep *self = g_object_new (ESP_TYPE_SWEEP, NULL);
  g_autoptr (GPtrArray) nodes = esp_document_dup_nodes (document);

  self->document = g_object_ref (document);
  self->id = id;
  self->plan = plan;
  self->n_cells = esp_sweep_plan_get_n_cells (plan);
  self->cells = g_new0 (Cell, self->n_cells);
  self->counts[ESP_CELL_MISSING] = self->n_cells;
  for (guint i = 0; i < nodes->len; i++)
    if (is_ours (self, nodes->pdata[i]))
      add_node (self, nodes->pdata[i]);
  if (registry != NULL)
    set_registry (self, registry);
  check_skipped (self, FALSE);
  g_signal_connect_object (document, "node-added", G_CALLBACK (on_node_added), self, 0);
  g_signal_connect_object (document, "node-removed", G_CALLBACK (on_node_removed), self, 0);
  g_hash_table_insert (get_sweeps (document), &self->id, self);
  return self;
}

EspSweep *
esp_sweep_get (EspDocument *document, gint64 id, EspRegistry *registry)
{
  EspSweep *known;
  EspSweepPlan *plan;
  const char *json;
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (ESP_IS_DOCUMENT (document), NULL);
  g_return_val_if_fail (registry == NULL || ESP_IS_REGISTRY (registry), NULL);

  known = g_hash_table_lookup (get_sweeps (document), &id);
  if (known != NULL)
    {
      if (known->registry == NULL && registry != NULL)
        {
          set_registry (known, registry);
          check_skipped (known, TRUE);
        }
      return g_object_ref (known);
    }
  json = esp_document_get_sweep_plan (document, id);
  plan = json != NULL ? esp_sweep_plan_from_json (json, &error) : NULL;
  if (plan == NULL)
    {
      g_debug ("There is no sweep %" G_GINT64_FORMAT ": %s", id,
               error != NULL ? error->message : "not stored");
      return NULL;
    }
  return sweep_new (document, id, plan, registry);
}

EspSweep *
_esp_sweep_find (EspDocument *document, EspSweepPlan *plan)
{
  GHashTableIter iter;
  gpointer sweep;

  g_hash_table_iter_init (&iter, get_sweeps (document));
  while (g_hash_table_iter_next (&iter, NULL, &sweep))
    if (((EspSweep *) sweep)->plan == plan)
      return sweep;
  return NULL;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const gint64 i = *(const gint64 *) a, j = *(const gint64 *) b;

  return (i > j) - (i < j);
}

GArray *
esp_sweep_dup_ids (EspDocument *document)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr (GPtrArray) nodes = NULL;

  g_return_val_if_fail (ESP_IS_DOCUMENT (document), ids);

  nodes = esp_document_dup_nodes (document);
  for (guint i = 0; i < nodes->len; i++)
    {
      const gint64 id = esp_node_get_sweep (nodes->pdata[i]);

      if (id == 0 || g_hash_table_contains (seen, &id))
        continue;
      g_hash_table_add (seen, g_memdup2 (&id, sizeof id));
      g_array_append_val (ids, id);
    }
  g_array_sort (ids, compare_ids);
  return ids;
}

/* --- Getters ---------------------------------------------------------------------------------- */

EspDocument *
esp_sweep_get_document (EspSweep *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP (self), NULL);
  return self->document;
}

gint64
esp_sweep_get_id (EspSweep *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP (self), 0);
  return self->id;
}

EspSweepPlan *
esp_sweep_get_plan (EspSweep *self)
{
  g_return_val_if_fail (ESP_IS_SWEEP (self), NULL);
  return self->plan;
}

EspRegistry *
_esp_sweep_get_registry (EspSweep *self)
{
  return self->registry;
}

EspNode *
esp_sweep_get_node (EspSweep *self, guint cell)
{
  g_return_val_if_fail (ESP_IS_SWEEP (self) && cell < self->n_cells, NULL);
  return self->cells[cell].shown;
}

EspNode *
esp_sweep_get_active (EspSweep *self, guint cell)
{
  g_return_val_if_fail (ESP_IS_SWEEP (self) && cell < self->n_cells, NULL);
  return self->cells[cell].active;
}

EspNode *
_esp_sweep_get_newest (EspSweep *self, guint cell)
{
  const GPtrArray *nodes = self->cells[cell].nodes;

  return nodes != NULL && nodes->len > 0 ? nodes->pdata[nodes->len - 1] : NULL;
}

EspCellState
esp_sweep_get_cell_state (EspSweep *self, guint cell)
{
  g_return_val_if_fail (ESP_IS_SWEEP (self) && cell < self->n_cells, ESP_CELL_MISSING);
  return self->cells[cell].state;
}

const char *
esp_sweep_get_skipped (EspSweep *self, guint cell)
{
  g_return_val_if_fail (ESP_IS_SWEEP (self) && cell < self->n_cells, NULL);
  return self->cells[cell].skipped;
}

guint
esp_sweep_count (EspSweep *self, EspCellState state)
{
  g_return_val_if_fail (ESP_IS_SWEEP (self), 0);
  g_return_val_if_fail ((guint) state < N_STATES, 0);
  return self->counts[state];
}
