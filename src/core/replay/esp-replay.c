/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-replay.c: which turns are run again, and what they ask for then. */
#define G_LOG_DOMAIN "espalier-replay"

#include "esp-replay.h"

#include <glib/gi18n-lib.h>

#include "esp-document-branch.h"

/* --- What is run -------------------------------------------------------------------------------
 */

static gboolean
is_turn (EspNode *node)
{
  return esp_node_get_kind (node) == ESP_NODE_TURN;
}

static GPtrArray *
new_nodes (void)
{
  return g_ptr_array_new_with_free_func (g_object_unref);
}

GPtrArray *
esp_replay_dup_path (EspNode *start, EspNode *end)
{
  g_autoptr (GPtrArray) path = new_nodes ();
  EspNode *node = end;

  g_return_val_if_fail (ESP_IS_NODE (start), NULL);
  g_return_val_if_fail (ESP_IS_NODE (end), NULL);

  for (; node != NULL && node != start; node = esp_node_get_parent (node))
    {
      if (!is_turn (node))
        return NULL;
      g_ptr_array_add (path, g_object_ref (node));
    }
  if (node == NULL || path->len == 0)
    return NULL;
  for (guint i = 0; i < path->len / 2; i++)
    {
      gpointer other = path->pdata[path->len - 1 - i];

      path->pdata[path->len - 1 - i] = path->pdata[i];
      path->pdata[i] = other;
    }
  return g_steal_pointer (&path);
}

GPtrArray *
esp_replay_dup_starts (EspNode *end)
{
  GPtrArray *starts = new_nodes ();

  g_return_val_if_fail (ESP_IS_NODE (end), starts);

  for (EspNode *node = end; is_turn (node) && esp_node_get_parent (node) != NULL;
       node = esp_node_get_parent (node))
    if (esp_node_has_image (esp_node_get_parent (node)))
      g_ptr_array_insert (starts, 0, g_object_ref (esp_node_get_parent (node)));
  return starts;
}

/* All turns below, parents before children; without recursion: a branch may be thousands deep. */
static GPtrArray *
collect_turns (EspNode *top)
{
  GPtrArray *nodes = new_nodes ();

  g_ptr_array_add (nodes, g_object_ref (top));
  for (guint i = 0; i < nodes->len; i++)
    {
      GListModel *children = esp_node_get_children (nodes->pdata[i]);

      for (guint j = 0; j < g_list_model_get_n_items (children); j++)
        {
          g_autoptr (EspNode) child = g_list_model_get_item (children, j);

          if (is_turn (child))
            g_ptr_array_add (nodes, g_steal_pointer (&child));
        }
    }
  return nodes;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const gint64 i = esp_node_get_id (*(EspNode *const *) a);
  const gint64 j = esp_node_get_id (*(EspNode *const *) b);

  return (i > j) - (i < j);
}

/* In the order in which they were made, so that references come before what refers to them; where a
 * branch was moved below a younger node, as near to that as parents allow. */
static GPtrArray *
sort_by_age (GPtrArray *nodes, EspNode *top)
{
  g_autoptr (GPtrArray) waiting = new_nodes ();
  g_autoptr (GHashTable) placed = g_hash_table_new (NULL, NULL);
  GPtrArray *sorted = new_nodes ();

  for (guint i = 0; i < nodes->len; i++)
    g_ptr_array_add (waiting, g_object_ref (nodes->pdata[i]));
  g_ptr_array_sort (waiting, compare_ids);
  while (waiting->len > 0)
    {
      g_autoptr (GPtrArray) later = new_nodes ();

      for (guint i = 0; i < waiting->len; i++)
        {
          EspNode *node = waiting->pdata[i];
          const gboolean fits
              = node == top || g_hash_table_contains (placed, esp_node_get_parent (node));

          if (fits)
            g_hash_table_add (placed, node);
          g_ptr_array_add (fits ? sorted : later, g_object_ref (node));
        }
      if (later->len == waiting->len)
        break; /* no tree: cannot be */
      g_ptr_array_unref (g_steal_pointer (&waiting));
      waiting = g_steal_pointer (&later);
    }
  return sorted;
}

GPtrArray *
esp_replay_dup_branch (EspNode *top)
{
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GPtrArray) chosen = new_nodes ();
  g_autoptr (GHashTable) wanted = g_hash_table_new (NULL, NULL);

  g_return_val_if_fail (ESP_IS_NODE (top) && is_turn (top), g_steal_pointer (&chosen));

  all = collect_turns (top);
  g_hash_table_add (wanted, top);
  for (guint i = all->len; i > 1; i--)
    {
      EspNode *node = all->pdata[i - 1];

      if ((esp_node_has_image (node) && !esp_node_get_rejected (node))
          || g_hash_table_contains (wanted, node))
        {
          g_hash_table_add (wanted, node);
          g_hash_table_add (wanted, esp_node_get_parent (node));
        }
    }
  for (guint i = 0; i < all->len; i++)
    if (g_hash_table_contains (wanted, all->pdata[i]))
      g_ptr_array_add (chosen, g_object_ref (all->pdata[i]));
  return sort_by_age (chosen, top);
}

/* Models read a sequence best as sentences: each ends as one. */
static gboolean
ends_sentence (const char *text)
{
  const char *last = g_utf8_find_prev_char (text, text + strlen (text));
  const gunichar c = last != NULL ? g_utf8_get_char (last) : 0;

  return c == '.' || c == '!' || c == '?' || c == ':' || c == ';' || c == 0x2026 /* … */
         || c == 0x3002 /* 。 */ || c == 0xFF01 /* ！ */ || c == 0xFF1F /* ？ */;
}

char *
esp_replay_dup_joined (GPtrArray *path)
{
  g_autoptr (GString) joined = g_string_new (NULL);

  g_return_val_if_fail (path != NULL, NULL);

  for (guint i = 0; i < path->len; i++)
    {
      g_autofree char *instruction
          = g_strstrip (g_strdup (esp_node_get_instruction (path->pdata[i])));

      if (*instruction == '\0')
        continue;
      if (joined->len > 0)
        {
          if (!ends_sentence (joined->str))
            g_string_append_c (joined, '.');
          /* For the model, not for people: they all were taught English above all. */
          g_string_append (joined, strchr (joined->str, '\n') != NULL ? "\nThen: " : " Then: ");
        }
      g_string_append (joined, instruction);
    }
  return g_string_free (g_steal_pointer (&joined), FALSE);
}

JsonObject *
esp_replay_dup_values (EspNode *node, EspSchema *schema)
{
  JsonObject *values, *own;
  g_autoptr (GList) members = NULL;

  g_return_val_if_fail (ESP_IS_NODE (node), NULL);
  g_return_val_if_fail (schema != NULL, NULL);

  values = esp_schema_dup_defaults (schema);
  own = esp_node_get_parameters (node);
  members = json_object_get_members (own);
  for (GList *item = members; item != NULL; item = item->next)
    {
      const EspParameter *parameter = esp_schema_find (schema, item->data);
      JsonNode *value = json_object_get_member (own, item->data);

      if (parameter != NULL && esp_parameter_check (parameter, value, NULL))
        json_object_set_member (values, item->data, json_node_copy (value));
    }
  for (const char *const *name = (const char *const[]){ "prompt", "negative_prompt", "seed", NULL };
       *name != NULL; name++)
    if (json_object_has_member (values, *name))
      json_object_remove_member (values, *name);
  return values;
}

double
esp_replay_estimate (EspRegistry *registry, GPtrArray *nodes, const char **currency)
{
  double sum = 0;
  const char *of_sum = NULL;

  g_return_val_if_fail (ESP_IS_REGISTRY (registry), -1);
  g_return_val_if_fail (nodes != NULL, -1);

  for (guint i = 0; i < nodes->len; i++)
    {
      EspModel *model = esp_registry_find_model (registry, esp_node_get_backend (nodes->pdata[i]),
                                                 esp_node_get_model (nodes->pdata[i]));
      const double price = model != NULL ? esp_model_get_price (model) : -1;

      if (price < 0
          || (price > 0 && of_sum != NULL
              && g_strcmp0 (of_sum, esp_model_get_currency (model)) != 0))
        return -1;
      if (price > 0)
        of_sum = esp_model_get_currency (model);
      sum += price;
    }
  if (currency != NULL)
    *currency = of_sum;
  return sum;
}

/* --- What the new turns ask for ----------------------------------------------------------------
 */

static EspComposition *
dup_asked (EspNode *node, EspReplayKeep keep)
{
  const EspComposition *old = esp_node_get_composition (node);
  EspComposition *asked;

  if (old == NULL)
    return keep == ESP_REPLAY_KEEP ? esp_composition_new (ESP_KEEP_AUTO) : NULL;
  asked = esp_composition_new (
      old->keep == ESP_KEEP_OFF && keep == ESP_REPLAY_AS_ASKED ? ESP_KEEP_OFF : ESP_KEEP_AUTO);
  if (old->region != NULL)
    asked->region = esp_region_copy (old->region);
  asked->grow = old->grow;
  asked->feather = old->feather;
  return asked;
}

/* Of a path in one go: the region of all, if they have one. */
static EspComposition *
dup_asked_together (GPtrArray *path)
{
  EspComposition *asked = esp_composition_new (ESP_KEEP_AUTO);
  const EspRegion *region = NULL;

  for (guint i = 0; i < path->len; i++)
    {
      const EspComposition *old = esp_node_get_composition (path->pdata[i]);

      if (old == NULL || old->region == NULL
          || (region != NULL && !esp_region_equal (region, old->region)))
        return asked;
      region = old->region;
    }
  if (region != NULL)
    asked->region = esp_region_copy (region);
  return asked;
}

static char *
dup_negative_together (GPtrArray *path)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new ();

  for (guint i = 0; i < path->len; i++)
    {
      const char *negative = esp_node_get_negative_prompt (path->pdata[i]);

      if (negative != NULL && *negative != '\0'
          && !g_ptr_array_find_with_equal_func (parts, negative, g_str_equal, NULL))
        g_ptr_array_add (parts, (gpointer) negative);
    }
  if (parts->len == 0)
    return NULL;
  g_ptr_array_add (parts, NULL);
  return g_strjoinv (", ", (char **) parts->pdata);
}

static GPtrArray *
dup_references_together (GPtrArray *path, guint maximum)
{
  GPtrArray *together = g_ptr_array_new ();

  for (guint i = 0; i < path->len; i++)
    {
      GPtrArray *references = esp_node_get_references (path->pdata[i]);

      for (guint j = 0; j < references->len && together->len < maximum; j++)
        if (!g_ptr_array_find (together, references->pdata[j], NULL))
          g_ptr_array_add (together, references->pdata[j]);
    }
  return together;
}

/* --- Running it --------------------------------------------------------------------------------
 */

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  EspDocument *document = ESP_DOCUMENT (source);
  EspQueue *queue = g_task_get_task_data (task);
  GError *error = NULL;
  GPtrArray *nodes = esp_document_add_branch_finish (document, result, &error);

  if (nodes == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  for (guint i = 0; i < nodes->len; i++)
    esp_queue_add (queue, document, nodes->pdata[i], FALSE);
  g_task_return_pointer (task, nodes, (GDestroyNotify) g_ptr_array_unref);
}

static GTask *
new_task (EspQueue *queue, EspDocument *document, gpointer tag, GCancellable *cancellable,
          GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (document, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, g_object_ref (queue), g_object_unref);
  return task;
}

void
esp_replay_run_async (EspQueue *queue, EspDocument *document, EspNode *start, GPtrArray *nodes,
                      EspReplayKeep keep, const char *title, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_autofree EspBranchTurn *turns = NULL;
  g_autoptr (GHashTable) places = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) asked
      = g_ptr_array_new_with_free_func ((GDestroyNotify) esp_composition_free);

  g_return_if_fail (ESP_IS_QUEUE (queue));
  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_NODE (start));
  g_return_if_fail (nodes != NULL && nodes->len > 0);

  turns = g_new0 (EspBranchTurn, nodes->len);
  for (guint i = 0; i < nodes->len; i++)
    {
      EspNode *node = nodes->pdata[i];
      GPtrArray *references = esp_node_get_references (node);
      gpointer place = g_hash_table_lookup (places, esp_node_get_parent (node));
      EspComposition *composition = dup_asked (node, keep);

      if (composition != NULL)
        g_ptr_array_add (asked, composition);
      turns[i].above = GPOINTER_TO_INT (place) - 1; /* none: 0 */
      turns[i].stands_for = node;
      turns[i].turn = (EspTurn){ .instruction = esp_node_get_instruction (node),
                                 .negative_prompt = esp_node_get_negative_prompt (node),
                                 .backend = esp_node_get_backend (node),
                                 .model = esp_node_get_model (node),
                                 .model_name = esp_node_get_model_name (node),
                                 .has_seed = esp_node_has_seed (node),
                                 .seed = esp_node_get_seed (node),
                                 .references = (EspNode *const *) references->pdata,
                                 .n_references = references->len,
                                 .composition = composition };
      g_hash_table_insert (places, node, GINT_TO_POINTER ((int) i + 1));
    }
  esp_document_add_branch_async (
      document, start, turns, nodes->len, title, cancellable, on_added,
      new_task (queue, document, esp_replay_run_async, cancellable, callback, user_data));
}

void
esp_replay_run_as_one_async (EspQueue *queue, EspDocument *document, EspNode *start,
                             GPtrArray *path, EspModel *model, const char *instruction,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (JsonObject) values = NULL;
  g_autoptr (GPtrArray) references = NULL;
  g_autoptr (EspComposition) composition = NULL;
  g_autofree char *negative = NULL;
  EspBranchTurn branch = { .above = -1 };
  EspSchema *schema;
  EspNode *last;

  g_return_if_fail (ESP_IS_QUEUE (queue));
  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_NODE (start));
  g_return_if_fail (path != NULL && path->len > 0);
  g_return_if_fail (ESP_IS_MODEL (model) && esp_model_get_backend (model) != NULL
                    && esp_model_get_schema (model) != NULL);

  schema = esp_model_get_schema (model);
  last = path->pdata[path->len - 1];
  values = esp_replay_dup_values (last, schema);
  references = dup_references_together (path, esp_model_get_max_references (model));
  composition = dup_asked_together (path);
  if (esp_schema_find (schema, "negative_prompt") != NULL)
    negative = dup_negative_together (path);
  branch.turn = (EspTurn){
    .instruction = instruction,
    .negative_prompt = negative,
    .backend = esp_backend_get_id (esp_model_get_backend (model)),
    .model = esp_model_get_id (model),
    .model_name = esp_model_get_name (model),
    .parameters = values,
    .has_seed = (esp_model_get_features (model) & ESP_MODEL_SEED) != 0,
    /* What every seed can be. */
    .seed = (esp_node_has_seed (last) ? esp_node_get_seed (last) : g_random_int ()) & G_MAXINT32,
    .references = (EspNode *const *) references->pdata,
    .n_references = references->len,
    .composition = composition,
  };
  esp_document_add_branch_async (
      document, start, &branch, 1, _ ("Squash"), cancellable, on_added,
      new_task (queue, document, esp_replay_run_as_one_async, cancellable, callback, user_data));
}

GPtrArray *
esp_replay_run_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
