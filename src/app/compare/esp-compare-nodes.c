/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-compare-nodes.c: which nodes the view holds, and going on to others. */
#define G_LOG_DOMAIN "espalier-compare"

#include "esp-compare-view-private.h"

#define NEAR_DELAY      300        /* ms until those that may be seen next are loaded */
#define MAX_NEAR_PIXELS (24 << 20) /* of one of them */

/* --- Which can be shown ----------------------------------------------------------------------- */

static gboolean
is_usable (EspNode *node)
{
  const EspNodeState state = esp_node_get_state (node);

  return !esp_node_is_deleted (node)
         && (esp_node_has_image (node) || state == ESP_NODE_QUEUED || state == ESP_NODE_RUNNING);
}

static GPtrArray *
new_node_array (void)
{
  return g_ptr_array_new_with_free_func (g_object_unref);
}

/* --- Their pictures --------------------------------------------------------------------------- */

static EspFrameSize
get_frame (EspCompareView *self)
{
  EspFrameSize sizes[ESP_COMPARISON_MAX];

  for (guint i = 0; i < self->pictures->len; i++)
    sizes[i] = esp_compare_picture_get_size (self->pictures->pdata[i]);
  return esp_fitted_frame_get (sizes, self->pictures->len);
}

static void
update_frame (EspCompareView *self)
{
  self->frame = get_frame (self);
  esp_compare_grid_set_frame (self->grid, self->frame);
  for (guint i = 0; i < self->panes->len; i++)
    esp_compare_pane_set_picture (self->panes->pdata[i], self->pictures->pdata[i], self->frame, i,
                                  self->nodes->len);
  esp_compare_pair_set_pictures (self->pair, self->document, self->pictures->pdata[0],
                                 self->pictures->pdata[self->b_index], self->frame, self->b_index,
                                 self->nodes->len);
  esp_compare_view_schedule_words (self);
}

static void
on_picture_changed (EspCompareView *self)
{
  const EspFrameSize frame = get_frame (self);

  if (frame.width != self->frame.width || frame.height != self->frame.height)
    update_frame (self);
  else
    esp_compare_view_schedule_words (self);
}

static void
picture_free (gpointer picture)
{
  g_object_unref (picture);
}

static EspComparePicture *
find_picture (GPtrArray *pictures, EspNode *node)
{
  for (guint i = 0; pictures != NULL && i < pictures->len; i++)
    if (esp_compare_picture_get_node (pictures->pdata[i]) == node)
      return pictures->pdata[i];
  return NULL;
}

static EspComparePicture *
take_picture (EspCompareView *self, GPtrArray *old, EspNode *node)
{
  EspComparePicture *picture = find_picture (old, node);

  if (picture == NULL)
    picture = find_picture (self->near, node);
  return picture != NULL ? g_object_ref (picture) : esp_compare_picture_new (self->document, node);
}

static void
disconnect_pictures (EspCompareView *self, GPtrArray *pictures)
{
  for (guint i = 0; pictures != NULL && i < pictures->len; i++)
    g_signal_handlers_disconnect_by_func (pictures->pdata[i], on_picture_changed, self);
}

static void
update_pictures (EspCompareView *self)
{
  g_autoptr (GPtrArray) old = g_steal_pointer (&self->pictures);

  disconnect_pictures (self, old);
  self->pictures = g_ptr_array_new_with_free_func (picture_free);
  for (guint i = 0; i < self->nodes->len; i++)
    {
      EspComparePicture *picture = take_picture (self, old, self->nodes->pdata[i]);

      g_ptr_array_add (self->pictures, picture);
      g_signal_connect_object (picture, "changed", G_CALLBACK (on_picture_changed), self,
                               G_CONNECT_SWAPPED);
    }
}

/* --- Their panes ------------------------------------------------------------------------------ */

static void
on_pane_chosen (EspCompareView *self, EspComparePane *pane)
{
  guint index;

  if (self->nodes == NULL || !g_ptr_array_find (self->panes, pane, &index) || index == 0
      || index == self->b_index)
    return;
  esp_compare_view_choose_b (self, index);
  esp_compare_view_emit (self, ESP_COMPARE_SIGNAL_NODES_CHANGED, NULL);
}

/* As many as there are nodes; those that stay keep the focus, and what they show of the image. */
static void
update_panes (EspCompareView *self, guint n)
{
  while (self->panes->len > n)
    {
      EspComparePane *pane = self->panes->pdata[self->panes->len - 1];

      g_ptr_array_set_size (self->panes, (int) self->panes->len - 1);
      esp_compare_link_remove (self->link, esp_compare_pane_get_view (pane));
      g_signal_handlers_disconnect_by_func (pane, on_pane_chosen, self);
      esp_compare_pane_let_go (pane);
    }
  while (self->panes->len < n)
    {
      GtkWidget *pane = esp_compare_pane_new ();

      g_ptr_array_add (self->panes, pane);
      esp_compare_grid_add (self->grid, pane);
      g_signal_connect_object (pane, "chosen", G_CALLBACK (on_pane_chosen), self,
                               G_CONNECT_SWAPPED);
      esp_compare_link_add (self->link, esp_compare_pane_get_view (ESP_COMPARE_PANE (pane)));
    }
}

/* --- Replacing them --------------------------------------------------------------------------- */

static void leave_if_too_few (EspCompareView *self);

static void
on_node_changed (EspCompareView *self, guint what, EspNode *node)
{
  if ((what & ESP_NODE_CHANGE_STATE) && !is_usable (node))
    {
      g_ptr_array_add (self->left_out, g_object_ref (node));
      leave_if_too_few (self);
    }
  else if (what & (ESP_NODE_CHANGE_MARKS | ESP_NODE_CHANGE_STATE))
    esp_compare_view_schedule_words (self);
}

static void
forget_nodes (EspCompareView *self)
{
  for (guint i = 0; self->nodes != NULL && i < self->nodes->len; i++)
    g_signal_handlers_disconnect_by_func (self->nodes->pdata[i], on_node_changed, self);
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
}

static void
renew_comparison (EspCompareView *self)
{
  if (self->comparison != NULL)
    g_signal_handlers_disconnect_by_func (self->comparison, esp_compare_view_schedule_words, self);
  g_clear_object (&self->comparison);
  self->comparison = esp_comparison_new (self->document, self->nodes);
  esp_comparison_set_all (self->comparison, self->all_rows);
  esp_comparison_set_registry (self->comparison, self->registry);
  g_signal_connect_object (self->comparison, "items-changed",
                           G_CALLBACK (esp_compare_view_schedule_words), self, G_CONNECT_SWAPPED);
}

void
esp_compare_view_replace (EspCompareView *self, GPtrArray *nodes, guint b_index)
{
  g_return_if_fail (nodes->len >= 2 && nodes->len <= ESP_COMPARISON_MAX);
  g_return_if_fail (b_index > 0 && b_index < nodes->len);

  g_ptr_array_ref (nodes);
  forget_nodes (self);
  self->nodes = nodes;
  self->b_index = b_index;
  for (guint i = 0; i < nodes->len; i++)
    g_signal_connect_object (nodes->pdata[i], "changed", G_CALLBACK (on_node_changed), self,
                             G_CONNECT_SWAPPED);
  update_pictures (self);
  update_panes (self, nodes->len);
  renew_comparison (self);
  update_frame (self);
  esp_compare_table_set_comparison (ESP_COMPARE_TABLE (self->table), self->comparison, b_index);
  esp_compare_view_choose_b (self, b_index);
}

static gboolean load_near (gpointer data);

void
esp_compare_view_choose_b (EspCompareView *self, guint index)
{
  const gboolean other = self->b_index != index;

  g_return_if_fail (self->nodes != NULL && index > 0 && index < self->nodes->len);

  self->b_index = index;
  for (guint i = 0; i < self->panes->len; i++)
    esp_compare_pane_set_chosen (self->panes->pdata[i], self->panes->len > 2 && i == index);
  if (other)
    {
      esp_compare_pair_set_pictures (self->pair, self->document, self->pictures->pdata[0],
                                     self->pictures->pdata[index], self->frame, index,
                                     self->nodes->len);
      esp_compare_table_set_comparison (ESP_COMPARE_TABLE (self->table), self->comparison, index);
      esp_compare_view_schedule_words (self);
    }
  esp_compare_view_update_actions (self);
  if (self->near_id == 0)
    self->near_id = g_timeout_add_full (G_PRIORITY_LOW, NEAR_DELAY, load_near, self, NULL);
}

void
esp_compare_view_drop_nodes (EspCompareView *self)
{
  g_clear_handle_id (&self->near_id, g_source_remove);
  disconnect_pictures (self, self->pictures);
  forget_nodes (self);
  if (self->comparison != NULL)
    g_signal_handlers_disconnect_by_func (self->comparison, esp_compare_view_schedule_words, self);
  if (self->table != NULL)
    esp_compare_table_set_comparison (ESP_COMPARE_TABLE (self->table), NULL, 0);
  g_clear_object (&self->comparison);
  if (self->pair != NULL)
    esp_compare_pair_set_pictures (self->pair, NULL, NULL, NULL, self->frame, 1, 2);
  if (self->grid != NULL)
    update_panes (self, 0);
  g_clear_pointer (&self->pictures, g_ptr_array_unref);
  g_clear_pointer (&self->near, g_ptr_array_unref);
  g_ptr_array_set_size (self->left_out, 0);
  g_signal_group_set_target (self->document_signals, NULL);
  g_clear_object (&self->document);
}

/* A new comparison begins with whole images; of more than two all are to be seen. */
static void
begin (EspCompareView *self, guint n)
{
  const EspCompareViewport whole = { TRUE, 1, 0.5, 0.5 };

  esp_compare_link_align (self->link);
  esp_compare_link_set_viewport (self->link, &whole);
  esp_image_view_set_fit (esp_compare_pair_get_view (self->pair), TRUE);
  if (n > 2 && !self->narrow)
    esp_compare_view_set_mode (self, ESP_COMPARE_SIDE);
}

void
esp_compare_view_set_nodes (EspCompareView *self, EspDocument *document, GPtrArray *nodes)
{
  g_autoptr (GPtrArray) usable = new_node_array ();

  g_return_if_fail (ESP_IS_COMPARE_VIEW (self));
  g_return_if_fail (nodes == NULL || ESP_IS_DOCUMENT (document));

  esp_compare_view_set_alternating (self, FALSE);
  if (document != self->document || nodes == NULL)
    esp_compare_view_drop_nodes (self);
  g_ptr_array_set_size (self->left_out, 0);
  for (guint i = 0; nodes != NULL && i < nodes->len; i++)
    if (!is_usable (nodes->pdata[i]))
      g_ptr_array_add (self->left_out, g_object_ref (nodes->pdata[i]));
    else if (usable->len < ESP_COMPARISON_MAX && !g_ptr_array_find (usable, nodes->pdata[i], NULL))
      g_ptr_array_add (usable, g_object_ref (nodes->pdata[i]));
  if (usable->len < 2)
    {
      esp_compare_view_drop_nodes (self);
      esp_compare_view_update_actions (self);
      return;
    }
  g_set_object (&self->document, document);
  g_signal_group_set_target (self->document_signals, document);
  if (self->nodes == NULL)
    begin (self, usable->len);
  esp_compare_view_replace (self, usable, 1);
}

/* Goes on with those that are left of the nodes held, or leaves. */
static void
leave_if_too_few (EspCompareView *self)
{
  g_autoptr (GPtrArray) usable = new_node_array ();
  guint b_index = 1;

  for (guint i = 0; i < self->nodes->len; i++)
    if (is_usable (self->nodes->pdata[i]))
      {
        if (i == self->b_index && usable->len > 0)
          b_index = usable->len;
        g_ptr_array_add (usable, g_object_ref (self->nodes->pdata[i]));
      }
  if (usable->len >= 2)
    {
      esp_compare_view_replace (self, usable, b_index);
      esp_compare_view_emit (self, ESP_COMPARE_SIGNAL_NODES_CHANGED, NULL);
      return;
    }
  esp_compare_view_emit (self, ESP_COMPARE_SIGNAL_LEAVE, NULL);
}

void
esp_compare_view_swap (EspCompareView *self)
{
  g_autoptr (GPtrArray) nodes = NULL;
  gpointer first;

  if (self->nodes == NULL)
    return;
  nodes = new_node_array ();
  for (guint i = 0; i < self->nodes->len; i++)
    g_ptr_array_add (nodes, g_object_ref (self->nodes->pdata[i]));
  first = nodes->pdata[0];
  nodes->pdata[0] = nodes->pdata[self->b_index];
  nodes->pdata[self->b_index] = first;
  esp_compare_view_replace (self, nodes, self->b_index);
  esp_compare_view_emit (self, ESP_COMPARE_SIGNAL_NODES_CHANGED, NULL);
}

void
esp_compare_view_remove (EspCompareView *self, guint index)
{
  g_autoptr (GPtrArray) nodes = NULL;
  guint b_index = self->b_index;

  if (self->nodes == NULL || self->nodes->len <= 2 || index >= self->nodes->len)
    return;
  nodes = new_node_array ();
  for (guint i = 0; i < self->nodes->len; i++)
    if (i != index)
      g_ptr_array_add (nodes, g_object_ref (self->nodes->pdata[i]));
  if (index < b_index || b_index >= nodes->len)
    b_index--;
  esp_compare_view_replace (self, nodes, MAX (b_index, 1));
  esp_compare_view_emit (self, ESP_COMPARE_SIGNAL_NODES_CHANGED, NULL);
}

/* --- Going on --------------------------------------------------------------------------------- */

/* Those with the same parent, in their order, that can be shown. */
static GPtrArray *
list_siblings (EspCompareView *self, EspNode *node)
{
  EspNode *parent = esp_node_get_parent (node);
  GListModel *all
      = parent != NULL ? esp_node_get_children (parent) : esp_document_get_roots (self->document);
  GPtrArray *siblings = new_node_array ();

  for (guint i = 0; i < g_list_model_get_n_items (all); i++)
    {
      g_autoptr (EspNode) sibling = g_list_model_get_item (all, i);

      if (is_usable (sibling))
        g_ptr_array_add (siblings, g_steal_pointer (&sibling));
    }
  return siblings;
}

static gboolean
has_other (GPtrArray *siblings, EspNode *a, EspNode *b)
{
  for (guint i = 0; i < siblings->len; i++)
    if (siblings->pdata[i] != a && siblings->pdata[i] != b)
      return TRUE;
  return FALSE;
}

/* What is before the sibling at `index`: the one before it, or their parent. */
static EspNode *
get_predecessor (GPtrArray *siblings, int index)
{
  EspNode *parent;

  if (index > 0)
    return siblings->pdata[index - 1];
  parent = esp_node_get_parent (siblings->pdata[0]);
  return parent != NULL && is_usable (parent) ? parent : NULL;
}

/* The pair after a step. FALSE: there is none. With references. */
static gboolean
find_pair (EspCompareView *self, int direction, EspNode **new_a, EspNode **new_b)
{
  EspNode *a = self->nodes->pdata[0], *b = self->nodes->pdata[1];
  g_autoptr (GPtrArray) siblings = list_siblings (self, b);
  guint found;
  int at = -1;

  if (!has_other (siblings, a, b))
    {
      g_ptr_array_unref (siblings);
      siblings = list_siblings (self, a);
    }
  if (g_ptr_array_find (siblings, b, &found))
    at = (int) found;
  for (int i = at + direction; i >= 0 && i < (int) siblings->len; i += direction)
    {
      EspNode *before = self->pinned ? a : get_predecessor (siblings, i);

      if (siblings->pdata[i] == before || before == NULL)
        continue;
      *new_a = g_object_ref (before);
      *new_b = g_object_ref (siblings->pdata[i]);
      return TRUE;
    }
  return FALSE;
}

gboolean
esp_compare_view_can_step (EspCompareView *self, int direction)
{
  g_autoptr (EspNode) a = NULL;
  g_autoptr (EspNode) b = NULL;

  if (self->nodes == NULL)
    return FALSE;
  if (self->nodes->len > 2)
    return direction > 0 ? self->b_index + 1 < self->nodes->len : self->b_index > 1;
  return find_pair (self, direction, &a, &b);
}

gboolean
esp_compare_view_step (EspCompareView *self, int direction)
{
  g_autoptr (EspNode) a = NULL;
  g_autoptr (EspNode) b = NULL;
  g_autoptr (GPtrArray) nodes = NULL;

  if (!esp_compare_view_can_step (self, direction))
    return FALSE;
  if (self->nodes->len > 2)
    {
      esp_compare_view_choose_b (self, direction > 0 ? self->b_index + 1 : self->b_index - 1);
      if (self->mode == ESP_COMPARE_SIDE)
        gtk_widget_grab_focus (self->panes->pdata[self->b_index]);
      esp_compare_view_emit (self, ESP_COMPARE_SIGNAL_NODES_CHANGED, NULL);
      return TRUE;
    }
  if (!find_pair (self, direction, &a, &b))
    return FALSE;
  nodes = new_node_array ();
  g_ptr_array_add (nodes, g_steal_pointer (&a));
  g_ptr_array_add (nodes, g_steal_pointer (&b));
  g_ptr_array_set_size (self->left_out, 0);
  esp_compare_view_replace (self, nodes, 1);
  esp_compare_view_emit (self, ESP_COMPARE_SIGNAL_NODES_CHANGED, NULL);
  return TRUE;
}

/* Those to which a step goes are loaded, so that the step shows them at once. */
static gboolean
load_near (gpointer data)
{
  EspCompareView *self = data;
  g_autoptr (GPtrArray) old = g_steal_pointer (&self->near);

  self->near_id = 0;
  self->near = g_ptr_array_new_with_free_func (picture_free);
  for (int direction = -1; direction <= 1 && self->nodes->len == 2; direction += 2)
    {
      g_autoptr (EspNode) a = NULL;
      g_autoptr (EspNode) b = NULL;
      EspComparePicture *picture;

      if (!find_pair (self, direction, &a, &b)
          || (gint64) esp_node_get_width (b) * esp_node_get_height (b) > MAX_NEAR_PIXELS)
        continue;
      picture = find_picture (old, b);
      g_ptr_array_add (self->near, picture != NULL ? g_object_ref (picture)
                                                   : esp_compare_picture_new (self->document, b));
    }
  return G_SOURCE_REMOVE;
}

/* --- The document ----------------------------------------------------------------------------- */

static void
on_node_removed (EspCompareView *self, EspNode *node)
{
  if (self->nodes == NULL)
    return;
  for (guint i = 0; i < self->nodes->len; i++)
    if (esp_node_is_deleted (self->nodes->pdata[i]))
      {
        leave_if_too_few (self);
        return;
      }
  esp_compare_view_update_actions (self);
}

static void
on_node_added (EspCompareView *self, EspNode *node)
{
  esp_compare_view_update_actions (self);
}

void
esp_compare_view_init_nodes (EspCompareView *self)
{
  self->left_out = new_node_array ();
  self->panes = g_ptr_array_new ();
  self->link = esp_compare_link_new ();
  self->document_signals = g_signal_group_new (ESP_TYPE_DOCUMENT);
  g_signal_group_connect_swapped (self->document_signals, "node-removed",
                                  G_CALLBACK (on_node_removed), self);
  g_signal_group_connect_swapped (self->document_signals, "node-added", G_CALLBACK (on_node_added),
                                  self);
  g_signal_group_connect_swapped (self->document_signals, "notify::access",
                                  G_CALLBACK (esp_compare_view_update_actions), self);
}
