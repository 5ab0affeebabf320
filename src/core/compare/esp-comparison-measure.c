/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-comparison-measure.c: how far images are from one another, measured once for every pair and
 * kept with the document as long as that is open. */
#define G_LOG_DOMAIN "esp-compare"

#include <math.h>

#include "esp-comparison-private.h"
#include "esp-difference.h"

#define MAX_SIDE 1024

EspNode *
_esp_comparison_get_parent (EspNode *node)
{
  EspNode *parent = esp_node_get_parent (node);

  return parent != NULL && esp_node_has_image (parent) && esp_node_has_image (node) ? parent : NULL;
}

EspNode *
_esp_comparison_get_origin (EspNode *node)
{
  EspNode *root = esp_node_get_root (node);

  return root != node && esp_node_has_image (root) && esp_node_has_image (node) ? root : NULL;
}

/* ---- what is known: "HASH HASH" to a double, NaN where it failed */

static GHashTable *
get_known (EspDocument *document)
{
  GHashTable *known = g_object_get_data (G_OBJECT (document), "esp-comparison-known");

  if (known == NULL)
    {
      known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_object_set_data_full (G_OBJECT (document), "esp-comparison-known", known,
                              (GDestroyNotify) g_hash_table_unref);
    }
  return known;
}

static char *
dup_key (EspNode *before, EspNode *after)
{
  return g_strconcat (esp_node_get_sha256 (before), " ", esp_node_get_sha256 (after), NULL);
}

EspMeasure
_esp_comparison_look_up (EspDocument *document, EspNode *before, EspNode *after, double *mean)
{
  g_autofree char *key = dup_key (before, after);
  const double *found = g_hash_table_lookup (get_known (document), key);

  if (found == NULL)
    return ESP_MEASURE_UNKNOWN;
  if (isnan (*found))
    return ESP_MEASURE_NONE;
  *mean = *found;
  return ESP_MEASURE_KNOWN;
}

/* ---- measuring */

typedef struct
{
  char *key;
  EspMeasured measured;
  GWeakRef owner;
} Measuring;

static void
on_compared (GObject *source, GAsyncResult *result, gpointer data)
{
  Measuring *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspDifference) difference = esp_difference_nodes_finish (result, &error);
  g_autoptr (GObject) owner = g_weak_ref_get (&self->owner);

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      double *mean = g_new (double, 1);

      *mean = difference != NULL ? esp_difference_get_figures (difference)->mean : (double) NAN;
      if (error != NULL)
        g_info ("Nothing to compare: %s", error->message);
      g_hash_table_insert (get_known (ESP_DOCUMENT (source)), g_steal_pointer (&self->key), mean);
      if (owner != NULL)
        self->measured (owner);
    }
  g_weak_ref_clear (&self->owner);
  g_free (self->key);
  g_free (self);
}

void
_esp_comparison_measure (EspDocument *document, EspNode *before, EspNode *after,
                         GCancellable *cancellable, EspMeasured measured, GObject *owner)
{
  Measuring *self = g_new0 (Measuring, 1);

  self->key = dup_key (before, after);
  self->measured = measured;
  g_weak_ref_init (&self->owner, owner);
  esp_difference_nodes_async (document, before, after, MAX_SIDE, cancellable, on_compared, self);
}
