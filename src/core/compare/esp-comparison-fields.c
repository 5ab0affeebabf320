/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison-fields.c: the fields of nodes as rows, each in words and as a plain value. */
#define G_LOG_DOMAIN "esp-compare"

#include <glib/gi18n-lib.h>

#include "esp-comparison-private.h"
#include "esp-parameter-names.h"
#include "esp-value-text.h"

/* ---- values */

static JsonNode *
new_string (const char *text)
{
  return text != NULL && *text != '\0' ? json_node_init_string (json_node_alloc (), text) : NULL;
}

static JsonNode *
new_int (gint64 value)
{
  return json_node_init_int (json_node_alloc (), value);
}

static JsonNode *
new_double (double value)
{
  return json_node_init_double (json_node_alloc (), value);
}

/* ---- fields: the text and the value of a node; either may stay NULL */

typedef void (*FieldGet) (EspNode *node, EspRegistry *registry, char **text, JsonNode **value);

static void
get_instruction (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  *text = g_strdup (esp_node_get_instruction (node));
  *value = new_string (*text);
}

static void
get_negative_prompt (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  *text = g_strdup (esp_node_get_negative_prompt (node));
  *value = new_string (*text);
}

static void
get_references (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  GPtrArray *references = esp_node_get_references (node);
  g_autoptr (GString) titles = g_string_new (NULL);
  JsonArray *ids;

  if (references->len == 0)
    return;
  ids = json_array_new ();
  for (guint i = 0; i < references->len; i++)
    {
      g_autofree char *title = esp_node_dup_title (references->pdata[i]);

      g_string_append_printf (titles, "%s%s", i > 0 ? "\n" : "", title);
      json_array_add_int_element (ids, esp_node_get_id (references->pdata[i]));
    }
  *text = g_strdup (titles->str);
  *value = json_node_init_array (json_node_alloc (), ids);
  json_array_unref (ids);
}

static void
get_backend (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  const char *backend = esp_node_get_backend (node);

  if (backend == NULL)
    return;
  *text = g_strdup (esp_registry_get_backend_title (registry, backend));
  *value = new_string (backend);
}

static void
get_model (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  const char *name = esp_node_get_model_name (node);

  *text = g_strdup (name != NULL ? name : esp_node_get_model (node));
  *value = new_string (esp_node_get_model (node));
}

/* JSON's whole numbers end at 2⁶³ here: a seed above it is its digits. */
static void
get_seed (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  const guint64 seed = esp_node_get_seed (node);

  if (!esp_node_has_seed (node))
    return;
  *text = g_strdup_printf ("%" G_GUINT64_FORMAT, seed);
  *value = seed <= G_MAXINT64 ? new_int ((gint64) seed) : new_string (*text);
}

static void
get_size (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  g_autofree char *plain = NULL;

  if (!esp_node_has_image (node))
    return;
  plain = g_strdup_printf ("%dx%d", esp_node_get_width (node), esp_node_get_height (node));
  *text = g_strdup_printf ("%d × %d", esp_node_get_width (node), esp_node_get_height (node));
  *value = new_string (plain);
}

static void
get_seconds (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  const double seconds = esp_node_get_seconds (node);

  if (seconds < 0)
    return;
  *text = esp_duration_format (seconds);
  *value = new_double (seconds);
}

static void
get_cost (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  const double cost = esp_node_get_cost (node);

  if (cost < 0)
    return;
  *text = esp_cost_format (cost, esp_node_get_currency (node));
  *value = new_double (cost);
}

static void
get_stars (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  const int stars = esp_node_get_stars (node);

  if (stars > 0)
    *text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%d star", "%d stars", (gulong) stars),
                             stars);
  *value = new_int (stars);
}

static void
get_rejected (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  const gboolean rejected = esp_node_get_rejected (node);

  *text = g_strdup (rejected ? C_ ("value", "Yes") : C_ ("value", "No"));
  *value = json_node_init_boolean (json_node_alloc (), rejected);
}

static void
get_label (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  *text = g_strdup (esp_node_get_label (node));
  *value = new_string (*text);
}

static void
get_note (EspNode *node, EspRegistry *registry, char **text, JsonNode **value)
{
  *text = g_strdup (esp_node_get_note (node));
  *value = new_string (*text);
}

typedef struct
{
  const char *id, *title;
  FieldGet get;
  gboolean prose;
} Field;

static const Field asked_for[] = {
  { "instruction", N_ ("Instruction"), get_instruction, TRUE },
  { "negative_prompt", N_ ("Negative instruction"), get_negative_prompt, TRUE },
  { "references", N_ ("References"), get_references, FALSE },
  { "backend", N_ ("Made by"), get_backend, FALSE },
  { "model", N_ ("Model"), get_model, FALSE },
};

static const Field came_of_it[] = {
  { "seed", N_ ("Seed"), get_seed, FALSE },
  { "image_size", N_ ("Image size"), get_size, FALSE },
  { "seconds", N_ ("Time"), get_seconds, FALSE },
  { "cost", N_ ("Cost"), get_cost, FALSE },
};

static const Field marks[] = {
  { "stars", N_ ("Stars"), get_stars, FALSE },
  { "rejected", N_ ("Rejected"), get_rejected, FALSE },
  { "label", N_ ("Label"), get_label, FALSE },
  { "note", N_ ("Note"), get_note, FALSE },
};

/* ---- rows */

static void
add_fields (GPtrArray *rows, GPtrArray *nodes, EspRegistry *registry, const Field *fields, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      EspComparisonRow *row = _esp_comparison_row_new (fields[i].id, _ (fields[i].title),
                                                       nodes->len, fields[i].prose);

      for (guint column = 0; column < nodes->len; column++)
        {
          char *text = NULL;
          JsonNode *value = NULL;

          fields[i].get (nodes->pdata[column], registry, &text, &value);
          _esp_comparison_row_set (row, column, text, value);
        }
      g_ptr_array_add (rows, row);
    }
}

static guint
get_rank (const char *name)
{
  static const char *const first[]
      = { "size",     "aspect_ratio",   "width",          "height",   "steps",
          "guidance", "guidance_scale", "true_cfg_scale", "true_cfg", "strength" };

  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    if (g_str_equal (first[i], name))
      return i;
  return G_N_ELEMENTS (first);
}

static int
by_rank (gconstpointer a, gconstpointer b)
{
  const char *one = *(const char *const *) a, *other = *(const char *const *) b;
  const guint rank = get_rank (one), other_rank = get_rank (other);

  return rank != other_rank ? (rank < other_rank ? -1 : 1) : strcmp (one, other);
}

GPtrArray *
_esp_comparison_dup_parameters (GPtrArray *nodes)
{
  GPtrArray *names = g_ptr_array_new ();
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < nodes->len; i++)
    {
      g_autoptr (GList) members
          = json_object_get_members (esp_node_get_parameters (nodes->pdata[i]));

      for (const GList *l = members; l != NULL; l = l->next)
        if (g_hash_table_add (known, l->data))
          g_ptr_array_add (names, l->data);
    }
  g_ptr_array_sort (names, by_rank);
  return names;
}

/* As the first model that has it calls it. */
static char *
dup_parameter_title (const char *name, GPtrArray *nodes, EspRegistry *registry)
{
  for (guint i = 0; i < nodes->len && registry != NULL; i++)
    {
      const char *backend = esp_node_get_backend (nodes->pdata[i]);
      EspModel *model
          = backend != NULL
                ? esp_registry_find_model (registry, backend, esp_node_get_model (nodes->pdata[i]))
                : NULL;
      EspSchema *schema = model != NULL ? esp_model_get_schema (model) : NULL;
      const EspParameter *parameter = schema != NULL ? esp_schema_find (schema, name) : NULL;

      if (parameter != NULL && parameter->title != NULL)
        return g_strdup (esp_parameter_get_label (parameter));
    }
  return esp_parameter_dup_label_of (name);
}

static gboolean
has_id (const Field *fields, guint n, const char *id)
{
  for (guint i = 0; i < n; i++)
    if (g_str_equal (fields[i].id, id))
      return TRUE;
  return FALSE;
}

/* A parameter's id is its name, unless a field has that. */
static char *
dup_parameter_id (const char *name)
{
  const gboolean taken = has_id (asked_for, G_N_ELEMENTS (asked_for), name)
                         || has_id (came_of_it, G_N_ELEMENTS (came_of_it), name)
                         || has_id (marks, G_N_ELEMENTS (marks), name)
                         || g_str_equal (name, ESP_COMPARISON_DIFFERENCE)
                         || g_str_equal (name, ESP_COMPARISON_ORIGIN)
                         || g_str_equal (name, "generation")
                         || g_str_equal (name, ESP_COMPARISON_DRIFT);

  return taken ? g_strconcat ("parameter.", name, NULL) : g_strdup (name);
}

static void
add_parameters (GPtrArray *rows, GPtrArray *nodes, EspRegistry *registry)
{
  g_autoptr (GPtrArray) names = _esp_comparison_dup_parameters (nodes);

  for (guint i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];
      g_autofree char *id = dup_parameter_id (name);
      g_autofree char *title = dup_parameter_title (name, nodes, registry);
      EspComparisonRow *row = _esp_comparison_row_new (id, title, nodes->len, FALSE);

      for (guint column = 0; column < nodes->len; column++)
        {
          JsonObject *parameters = esp_node_get_parameters (nodes->pdata[column]);
          JsonNode *value = json_object_get_member (parameters, name);

          if (value != NULL)
            _esp_comparison_row_set (row, column, esp_value_dup_text (value),
                                     json_node_copy (value));
        }
      g_ptr_array_add (rows, row);
    }
}

void
_esp_comparison_add_turn_rows (GPtrArray *rows, GPtrArray *nodes, EspRegistry *registry)
{
  add_fields (rows, nodes, registry, asked_for, G_N_ELEMENTS (asked_for));
  add_parameters (rows, nodes, registry);
  add_fields (rows, nodes, registry, came_of_it, G_N_ELEMENTS (came_of_it));
}

void
_esp_comparison_add_mark_rows (GPtrArray *rows, GPtrArray *nodes)
{
  add_fields (rows, nodes, NULL, marks, G_N_ELEMENTS (marks));
}
