/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-tree-groups.c: the cells of a sweep below one parent as one item: a group. Cells that someone
 * went on from stand beside it, so that no branch is hidden by it. What a group is called, how much
 * of it is done, which pictures stand for it. */
#include <glib/gi18n-lib.h>

#include "esp-sweep-plan.h"
#include "esp-tree-items-private.h"

/* The stored plan of a sweep, read once; NULL if it cannot be read. Borrowed. */
static EspSweepPlan *
get_plan (EspTreeItems *self, gint64 sweep)
{
  const char *json;
  EspSweepPlan *plan;

  if (g_hash_table_lookup_extended (self->plans, &sweep, NULL, (gpointer *) &plan))
    return plan;
  json = esp_document_get_sweep_plan (self->document, sweep);
  plan = json != NULL ? esp_sweep_plan_from_json (json, NULL) : NULL;
  g_hash_table_insert (self->plans, g_memdup2 (&sweep, sizeof sweep), plan);
  return plan;
}

void
_esp_tree_items_plan_free (gpointer plan)
{
  if (plan != NULL)
    esp_sweep_plan_unref (plan);
}

gboolean
_esp_tree_items_is_beside_group (EspNode *cell)
{
  return g_list_model_get_n_items (esp_node_get_children (cell)) > 0;
}

GPtrArray *
_esp_tree_items_dup_cells (EspTreeItems *self, EspNode *cell)
{
  EspNode *parent = esp_node_get_parent (cell);
  GListModel *siblings
      = parent != NULL ? esp_node_get_children (parent) : esp_document_get_roots (self->document);
  GPtrArray *cells = g_ptr_array_new ();

  for (guint i = 0; i < g_list_model_get_n_items (siblings); i++)
    {
      EspNode *sibling = _esp_tree_items_list_get (siblings, i);

      if (esp_node_get_sweep (sibling) == esp_node_get_sweep (cell))
        g_ptr_array_add (cells, sibling);
    }
  return cells;
}

static gboolean
is_done (EspNode *node)
{
  return esp_node_get_state (node) == ESP_NODE_DONE && esp_node_has_image (node);
}

static gboolean
is_under_way (EspNode *node)
{
  return esp_node_get_state (node) == ESP_NODE_QUEUED
         || esp_node_get_state (node) == ESP_NODE_RUNNING;
}

/* Several nodes may be one cell: a first look and what was made of it. */
static void
count_cells (EspTreeItem *item, GPtrArray *cells)
{
  g_autoptr (GHashTable) done = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) all = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < cells->len; i++)
    {
      gpointer cell = GUINT_TO_POINTER (esp_node_get_cell (cells->pdata[i]));

      g_hash_table_add (all, cell);
      if (is_done (cells->pdata[i]))
        g_hash_table_add (done, cell);
      if (is_under_way (cells->pdata[i]))
        item->n_under_way++;
    }
  item->n_cells = g_hash_table_size (all);
  item->n_done = g_hash_table_size (done);
}

/* From the first to the last: of a square grid its diagonal. */
static void
choose_mosaic (EspTreeItem *item, GPtrArray *stack)
{
  g_autoptr (GPtrArray) seen = g_ptr_array_new ();
  const guint n_places = G_N_ELEMENTS (item->mosaic);

  for (guint i = 0; i < stack->len; i++)
    if (esp_node_has_image (stack->pdata[i]))
      g_ptr_array_add (seen, stack->pdata[i]);
  for (guint i = 0; i < MIN (seen->len, n_places); i++)
    {
      guint at = seen->len <= n_places ? i : i * (seen->len - 1) / (n_places - 1);

      item->mosaic[i] = g_object_ref (seen->pdata[at]);
    }
}

void
_esp_tree_items_describe (EspTreeItems *self, EspTreeItem *item, GPtrArray *stack)
{
  gint64 sweep = esp_node_get_sweep (item->node);
  EspSweepPlan *plan = sweep != 0 ? get_plan (self, sweep) : NULL;
  g_autoptr (GPtrArray) cells = NULL;
  g_autofree char *title = NULL;

  if (sweep == 0)
    return;
  if (stack->len == 1)
    {
      /* All of them have the same instruction. */
      if (plan != NULL && esp_node_get_label (item->node) == NULL)
        title = esp_sweep_plan_dup_cell_title (plan, esp_node_get_cell (item->node));
    }
  else
    {
      title = plan != NULL ? esp_sweep_plan_dup_title (plan) : g_strdup (_ ("Sweep"));
      cells = _esp_tree_items_dup_cells (self, item->node);
      item->sweep = sweep;
      count_cells (item, cells);
      choose_mosaic (item, stack);
    }
  if (title != NULL)
    item->title = g_ref_string_new (title);
}

/* --- Items in words and as copies ------------------------------------------------------------- */

void
esp_tree_item_copy (const EspTreeItem *item, EspTreeItem *copy)
{
  *copy = *item;
  g_object_ref (copy->node);
  g_object_ref (copy->leader);
  if (copy->title != NULL)
    g_ref_string_acquire (copy->title);
  for (guint i = 0; i < G_N_ELEMENTS (copy->mosaic); i++)
    if (copy->mosaic[i] != NULL)
      g_object_ref (copy->mosaic[i]);
}

void
esp_tree_item_clear (EspTreeItem *item)
{
  g_clear_object (&item->node);
  g_clear_object (&item->leader);
  g_clear_pointer (&item->title, g_ref_string_release);
  for (guint i = 0; i < G_N_ELEMENTS (item->mosaic); i++)
    g_clear_object (&item->mosaic[i]);
}

gboolean
esp_tree_item_equal (const EspTreeItem *a, const EspTreeItem *b)
{
  for (guint i = 0; i < G_N_ELEMENTS (a->mosaic); i++)
    if (a->mosaic[i] != b->mosaic[i])
      return FALSE;
  return a->node == b->node && a->leader == b->leader && a->stack_size == b->stack_size
         && a->stack_position == b->stack_position && a->parent == b->parent && a->level == b->level
         && a->position == b->position && a->n_siblings == b->n_siblings
         && a->n_children == b->n_children && a->n_hidden == b->n_hidden && a->on_path == b->on_path
         && a->sweep == b->sweep && a->n_cells == b->n_cells && a->n_done == b->n_done
         && a->n_under_way == b->n_under_way && g_strcmp0 (a->title, b->title) == 0;
}

char *
esp_tree_item_dup_title (const EspTreeItem *item)
{
  return item->title != NULL ? g_strdup (item->title) : esp_node_dup_title (item->node);
}

char *
esp_tree_item_dup_progress (const EspTreeItem *item)
{
  /* Translators: how many cells of a sweep have an image. */
  return g_strdup_printf (_ ("%u of %u done"), item->n_done, item->n_cells);
}
