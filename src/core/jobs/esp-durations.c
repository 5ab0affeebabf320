/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-durations.h"

#include "esp-json-member.h"

/* How much the latest turn counts against all before it. */
#define WEIGHT 0.4

/* So many of a document's latest turns are looked at. */
#define DOCUMENT_TURNS 8

struct _EspDurations
{
  GHashTable *known;   /* "backend\nmodel" → Duration */
  GHashTable *in_vain; /* "document backend\nmodel": where nothing was found */
};

typedef struct
{
  double seconds; /* moving average */
  double steps;   /* of the same turns; 0 where they say none */
} Duration;

static char *
dup_key (const char *backend, const char *model)
{
  return g_strdup_printf ("%s\n%s", backend != NULL ? backend : "", model != NULL ? model : "");
}

static char *
dup_node_key (EspNode *node)
{
  return dup_key (esp_node_get_backend (node), esp_node_get_model (node));
}

static double
get_steps (JsonObject *parameters)
{
  return parameters != NULL ? MAX (0, esp_json_get_number (parameters, "steps", 0)) : 0;
}

EspDurations *
_esp_durations_new (void)
{
  EspDurations *self = g_new0 (EspDurations, 1);

  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->in_vain = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
_esp_durations_free (EspDurations *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->known);
  g_hash_table_unref (self->in_vain);
  g_free (self);
}

void
_esp_durations_learn (EspDurations *self, EspNode *node)
{
  g_autofree char *key = dup_node_key (node);
  Duration *known = g_hash_table_lookup (self->known, key);
  double seconds = esp_node_get_seconds (node);
  double steps = get_steps (esp_node_get_parameters (node));

  if (esp_node_get_state (node) != ESP_NODE_DONE || seconds < 0)
    return;

  if (known == NULL)
    {
      known = g_new0 (Duration, 1);
      known->seconds = seconds;
      known->steps = steps;
      g_hash_table_insert (self->known, g_steal_pointer (&key), known);
      return;
    }

  known->seconds += WEIGHT * (seconds - known->seconds);
  known->steps += WEIGHT * (steps - known->steps);
}

void
_esp_durations_learn_document (EspDurations *self, EspDocument *document, const char *backend,
                               const char *model)
{
  g_autofree char *key = dup_key (backend, model);
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (GPtrArray) latest = g_ptr_array_new ();

  g_autofree char *here = g_strdup_printf ("%p %s", (void *) document, key);

  if (g_hash_table_contains (self->known, key) || g_hash_table_contains (self->in_vain, here))
    return;

  g_hash_table_add (self->in_vain, g_steal_pointer (&here));
  nodes = esp_document_dup_nodes (document);
  for (guint i = nodes->len; i > 0 && latest->len < DOCUMENT_TURNS; i--)
    {
      EspNode *other = g_ptr_array_index (nodes, i - 1);
      g_autofree char *other_key = dup_node_key (other);

      if (esp_node_get_state (other) == ESP_NODE_DONE && esp_node_get_seconds (other) >= 0
          && g_str_equal (key, other_key))
        g_ptr_array_add (latest, other);
    }

  for (guint i = latest->len; i > 0; i--)
    _esp_durations_learn (self, g_ptr_array_index (latest, i - 1));
}

double
_esp_durations_estimate (EspDurations *self, const char *backend, const char *model,
                         JsonObject *parameters)
{
  g_autofree char *key = dup_key (backend, model);
  const Duration *known = g_hash_table_lookup (self->known, key);
  double steps = get_steps (parameters);

  if (known == NULL)
    return -1;

  return steps > 0 && known->steps > 0 ? known->seconds * steps / known->steps : known->seconds;
}
