/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison-files.c: everything known of the nodes, for other programs. */
#define G_LOG_DOMAIN "esp-compare"

#include <string.h>

#include "esp-comparison-private.h"
#include "esp-csv-text.h"
#include "esp-json-text.h"

/* A value of a node as both files have it. */
typedef struct
{
  enum
  {
    NOTHING,
    TEXT,
    WHOLE,
    REAL,
    TRUTH
  } kind;
  const char *text;
  guint64 whole;
  double real;
} Plain;

typedef Plain (*PlainGet) (EspDocument *document, EspNode *node);

static Plain
plain_text (const char *text)
{
  return text != NULL && *text != '\0' ? (Plain){ TEXT, text, 0, 0 } : (Plain){ NOTHING };
}

static Plain
plain_whole (guint64 whole)
{
  return (Plain){ WHOLE, NULL, whole, 0 };
}

static Plain
plain_real (double real)
{
  return real >= 0 ? (Plain){ REAL, NULL, 0, real } : (Plain){ NOTHING };
}

#define GETTER(name, expression)                                                                   \
  static Plain get_##name (EspDocument *document, EspNode *node)                                   \
  {                                                                                                \
    return expression;                                                                             \
  }

GETTER (id, plain_whole ((guint64) esp_node_get_id (node)))
GETTER (state, plain_text (esp_node_state_to_string (esp_node_get_state (node))))
GETTER (instruction, plain_text (esp_node_get_instruction (node)))
GETTER (negative, plain_text (esp_node_get_negative_prompt (node)))
GETTER (backend, plain_text (esp_node_get_backend (node)))
GETTER (model, plain_text (esp_node_get_model (node)))
GETTER (model_name, plain_text (esp_node_get_model_name (node)))
GETTER (model_hash, plain_text (esp_node_get_model_hash (node)))
GETTER (seed,
        esp_node_has_seed (node) ? plain_whole (esp_node_get_seed (node)) : (Plain){ NOTHING })
GETTER (width, esp_node_has_image (node) ? plain_whole ((guint64) esp_node_get_width (node))
                                         : (Plain){ NOTHING })
GETTER (height, esp_node_has_image (node) ? plain_whole ((guint64) esp_node_get_height (node))
                                          : (Plain){ NOTHING })
GETTER (seconds, plain_real (esp_node_get_seconds (node)))
GETTER (cost, plain_real (esp_node_get_cost (node)))
GETTER (currency, plain_text (esp_node_get_currency (node)))
GETTER (stars, plain_whole ((guint64) esp_node_get_stars (node)))
GETTER (tag, plain_whole ((guint64) esp_node_get_tag (node)))
GETTER (rejected, ((Plain){ TRUTH, NULL, (guint64) esp_node_get_rejected (node), 0 }))
GETTER (label, plain_text (esp_node_get_label (node)))
GETTER (note, plain_text (esp_node_get_note (node)))

static Plain
get_parent (EspDocument *document, EspNode *node)
{
  EspNode *parent = esp_node_get_parent (node);

  return parent != NULL ? plain_whole ((guint64) esp_node_get_id (parent)) : (Plain){ NOTHING };
}

static Plain
get_measured (EspDocument *document, EspNode *node, EspMeasureKind kind)
{
  double mean;

  return _esp_comparison_look_up (document, node, kind, &mean) == ESP_MEASURE_KNOWN
             ? plain_real (mean)
             : (Plain){ NOTHING };
}

GETTER (difference, get_measured (document, node, ESP_MEASURE_PARENT))
GETTER (original, get_measured (document, node, ESP_MEASURE_ORIGIN))
GETTER (drift, get_measured (document, node, ESP_MEASURE_DRIFT))
GETTER (generation, plain_whole (esp_node_get_generation (node)))

typedef struct
{
  const char *name;
  PlainGet get;
} Column;

/* References and parameters stand between the two. */
static const Column columns_before[] = { { "id", get_id },
                                         { "parent", get_parent },
                                         { "state", get_state },
                                         { "instruction", get_instruction },
                                         { "negative_prompt", get_negative },
                                         { "backend", get_backend },
                                         { "model", get_model },
                                         { "model_name", get_model_name },
                                         { "model_hash", get_model_hash } };

static const Column columns_after[] = { { "seed", get_seed },
                                        { "width", get_width },
                                        { "height", get_height },
                                        { "seconds", get_seconds },
                                        { "cost", get_cost },
                                        { "currency", get_currency },
                                        { ESP_COMPARISON_DIFFERENCE, get_difference },
                                        { ESP_COMPARISON_ORIGIN, get_original },
                                        { ESP_COMPARISON_DRIFT, get_drift },
                                        { "generation", get_generation },
                                        { "stars", get_stars },
                                        { "tag", get_tag },
                                        { "rejected", get_rejected },
                                        { "label", get_label },
                                        { "note", get_note } };

/* ---- JSON */

static void
put_plain (GString *json, const char *name, Plain plain)
{
  switch (plain.kind)
    {
    case TEXT:
      esp_json_put_string (json, name, plain.text, -1);
      break;
    case WHOLE:
      esp_json_put_uint (json, name, plain.whole);
      break;
    case REAL:
      esp_json_put_double (json, name, plain.real);
      break;
    case TRUTH:
      esp_json_put_bool (json, name, plain.whole != 0);
      break;
    case NOTHING:
    default:
      esp_json_put_raw (json, name, "null");
    }
}

static void
put_node (GString *json, EspDocument *document, EspNode *node)
{
  JsonObject *parameters = esp_node_get_parameters (node);
  GPtrArray *references = esp_node_get_references (node);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  esp_json_open (json, NULL, '{');
  for (guint i = 0; i < G_N_ELEMENTS (columns_before); i++)
    put_plain (json, columns_before[i].name, columns_before[i].get (document, node));
  esp_json_open (json, "references", '[');
  for (guint i = 0; i < references->len; i++)
    esp_json_put_uint (json, NULL, (guint64) esp_node_get_id (references->pdata[i]));
  esp_json_close (json, ']');
  esp_json_open (json, "parameters", '{');
  json_object_iter_init_ordered (&iter, parameters);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    esp_json_put_value (json, name, value);
  esp_json_close (json, '}');
  for (guint i = 0; i < G_N_ELEMENTS (columns_after); i++)
    put_plain (json, columns_after[i].name, columns_after[i].get (document, node));
  esp_json_close (json, '}');
}

char *
esp_comparison_dup_json (EspComparison *self)
{
  GString *json = g_string_new (NULL);
  GPtrArray *nodes;

  g_return_val_if_fail (ESP_IS_COMPARISON (self), NULL);

  nodes = esp_comparison_get_nodes (self);
  esp_json_open (json, NULL, '{');
  esp_json_open (json, "nodes", '[');
  for (guint i = 0; i < nodes->len; i++)
    put_node (json, esp_comparison_get_document (self), nodes->pdata[i]);
  esp_json_close (json, ']');
  esp_json_close (json, '}');
  g_string_append_c (json, '\n');
  return g_string_free (json, FALSE);
}

/* ---- CSV */

static void
put_field (GString *csv, Plain plain)
{
  g_autoptr (GString) number = g_string_new (NULL);

  if (plain.kind == TEXT)
    esp_csv_put_text (csv, plain.text);
  else if (plain.kind != NOTHING)
    {
      put_plain (number, NULL, plain);
      g_string_append (csv, number->str);
    }
}

static gboolean
is_column (const Column *columns, guint n, const char *name)
{
  for (guint i = 0; i < n; i++)
    if (g_str_equal (columns[i].name, name))
      return TRUE;
  return FALSE;
}

static void
put_header (GString *csv, GPtrArray *parameters)
{
  for (guint i = 0; i < G_N_ELEMENTS (columns_before); i++)
    {
      esp_csv_begin_field (csv);
      esp_csv_put_text (csv, columns_before[i].name);
    }
  esp_csv_begin_field (csv);
  esp_csv_put_text (csv, "references");
  for (guint i = 0; i < parameters->len; i++)
    {
      const char *name = parameters->pdata[i];
      const gboolean taken = is_column (columns_before, G_N_ELEMENTS (columns_before), name)
                             || is_column (columns_after, G_N_ELEMENTS (columns_after), name)
                             || g_str_equal (name, "references");
      g_autofree char *full = taken ? g_strconcat ("parameter.", name, NULL) : g_strdup (name);

      esp_csv_begin_field (csv);
      esp_csv_put_text (csv, full);
    }
  for (guint i = 0; i < G_N_ELEMENTS (columns_after); i++)
    {
      esp_csv_begin_field (csv);
      esp_csv_put_text (csv, columns_after[i].name);
    }
  g_string_append (csv, "\r\n");
}

static void
put_references (GString *csv, EspNode *node)
{
  GPtrArray *references = esp_node_get_references (node);
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 0; i < references->len; i++)
    g_string_append_printf (ids, "%s%" G_GINT64_FORMAT, i > 0 ? " " : "",
                            esp_node_get_id (references->pdata[i]));
  if (ids->len > 0)
    esp_csv_put_text (csv, ids->str);
}

static void
put_line (GString *csv, EspDocument *document, EspNode *node, GPtrArray *parameters)
{
  for (guint i = 0; i < G_N_ELEMENTS (columns_before); i++)
    {
      esp_csv_begin_field (csv);
      put_field (csv, columns_before[i].get (document, node));
    }
  g_string_append_c (csv, ',');
  put_references (csv, node);
  for (guint i = 0; i < parameters->len; i++)
    {
      g_string_append_c (csv, ',');
      esp_csv_put_value (
          csv, json_object_get_member (esp_node_get_parameters (node), parameters->pdata[i]));
    }
  for (guint i = 0; i < G_N_ELEMENTS (columns_after); i++)
    {
      g_string_append_c (csv, ',');
      put_field (csv, columns_after[i].get (document, node));
    }
  g_string_append (csv, "\r\n");
}

char *
esp_comparison_dup_csv (EspComparison *self)
{
  GString *csv = g_string_new (NULL);
  g_autoptr (GPtrArray) parameters = NULL;
  GPtrArray *nodes;

  g_return_val_if_fail (ESP_IS_COMPARISON (self), NULL);

  nodes = esp_comparison_get_nodes (self);
  parameters = _esp_comparison_dup_parameters (nodes);
  put_header (csv, parameters);
  for (guint i = 0; i < nodes->len; i++)
    put_line (csv, esp_comparison_get_document (self), nodes->pdata[i], parameters);
  return g_string_free (csv, FALSE);
}
